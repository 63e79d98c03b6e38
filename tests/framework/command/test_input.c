#include "command/input.h"

#include "../capture.h"
#include "../deploy/scratch.h"

#include <sysexits.h>

/* What reading one file gave, and what was written to standard error meanwhile. */
struct reading {
	int code;
	struct tn_config *config;
	struct tn_errors errors;
	char *complaint;
};

static void read_with(struct reading *reading, const char *path)
{
	*reading = (struct reading){ 0 };
	capture_begin();
	reading->code = tn_input_read(path, NULL, &reading->config, &reading->errors);
	reading->complaint = strdup(capture_end());
}

static void forget(struct reading *reading)
{
	tn_config_destroy(reading->config);
	tn_errors_finish(&reading->errors);
	free(reading->complaint);
}

/* The path, and the rest of the one line. */
static void expect_refusal(const char *path, int code, const char *rest)
{
	struct reading reading;
	char expected[1024];

	read_with(&reading, path);
	snprintf(expected, sizeof(expected), "tenon: %s: %s\n", path, rest);
	CHECK_NUMBER(reading.code, code);
	CHECK_TEXT(reading.complaint, expected);
	CU_ASSERT_PTR_NULL(reading.config);
	forget(&reading);
}

/* Ends the capture, of which a copy is compared: the compiler would warn of its size. */
static void expect_captured(const char *expected)
{
	char *captured = strdup(capture_end());

	CHECK_TEXT(captured, expected);
	free(captured);
}

/* ---- The configuration --------------------------------------------------------------------- */

static void a_file_is_parsed_under_the_name_it_was_given(void)
{
	static const char text[] = "[host]\nprocesses = 1\n[worker a]\nroute = /\n";
	struct scratch scratch;
	struct reading reading;

	scratch_begin(&scratch);
	read_with(&reading, scratch_write(&scratch, "x.ini", 0600, text, strlen(text)));
	CHECK_NUMBER(reading.code, 0);
	CHECK_TEXT(reading.complaint, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(reading.config);
	CHECK_TEXT(tn_config_path(reading.config), scratch.path);
	CHECK_NUMBER(reading.config->count, 2);
	CHECK_TEXT(reading.config->sections[1]->place.file, scratch.path);
	forget(&reading);
	scratch_end(&scratch);
}

static void what_is_wrong_in_it_is_in_the_list(void)
{
	struct scratch scratch;
	struct reading reading;

	scratch_begin(&scratch);
	read_with(&reading, scratch_write(&scratch, "x.ini", 0600, "[host\n", 6));
	CHECK_NUMBER(reading.code, 0);
	CHECK_NUMBER(reading.errors.errors, 1);
	CHECK_TEXT(reading.complaint, "");
	forget(&reading);
	scratch_end(&scratch);
}

static void an_empty_file_is_read(void)
{
	struct scratch scratch;
	struct reading reading;

	scratch_begin(&scratch);
	read_with(&reading, scratch_write(&scratch, "x.ini", 0600, "", 0));
	CHECK_NUMBER(reading.code, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(reading.config);
	CHECK_NUMBER(reading.config->count, 0);
	forget(&reading);
	scratch_end(&scratch);
}

static void an_edited_text_is_read_in_the_place_of_the_file(void)
{
	static char text[] = "[worker b]\n[worker c]\n";
	struct tn_file edited = { .text = text, .size = sizeof(text) - 1 };
	struct tn_errors errors = { 0 };
	struct tn_config *config = NULL;
	struct scratch scratch;

	scratch_begin(&scratch);
	scratch_write(&scratch, "x.ini", 0600, "[worker a]\n", 11);
	CU_ASSERT_EQUAL(stat(scratch.path, &edited.status), 0);
	CHECK_NUMBER(tn_input_read(scratch.path, &edited, &config, &errors), 0);
	CU_ASSERT_FATAL(config && config->count == 2);
	CHECK_TEXT(config->sections[1]->name, "c");
	tn_config_destroy(config);
	scratch_end(&scratch);
}

static void a_missing_file_is_no_input(void)
{
	struct scratch scratch;

	scratch_begin(&scratch);
	expect_refusal(scratch_path(&scratch, "x.ini"), EX_NOINPUT, "No such file or directory");
	expect_refusal(scratch_path(&scratch, "none/x.ini"), EX_NOINPUT, "No such file or "
	                                                                 "directory");
	scratch_end(&scratch);
}

static void a_directory_is_refused(void)
{
	struct scratch scratch;

	scratch_begin(&scratch);
	expect_refusal(scratch.directory, EX_CONFIG,
	               "it is a directory: name the .ini file in it");
	scratch_end(&scratch);
}

static void root_refuses_what_others_may_write(void)
{
	struct scratch scratch;
	char expected[1024];

	if (!is_root(__func__))
		return;
	scratch_begin(&scratch);
	scratch_write(&scratch, "x.ini", 0602, "[worker a]\n", 11);
	snprintf(expected, sizeof(expected),
	         "others may write to it, and this is root: chmod o-w %s", scratch.path);
	expect_refusal(scratch.path, EX_CONFIG, expected);
	scratch_end(&scratch);
}

static int read_as_nobody(void *argument)
{
	struct tn_config *config = NULL;
	struct tn_errors errors = { 0 };
	int code = tn_input_read(argument, NULL, &config, &errors);

	tn_config_destroy(config);
	tn_errors_finish(&errors);
	return code;
}

static void an_unreadable_file_is_not_permitted(void)
{
	struct scratch scratch;
	int code;
	char expected[1024];

	if (!is_root(__func__))
		return;
	scratch_begin(&scratch);
	scratch_write(&scratch, "x.ini", 0600, "[worker a]\n", 11);
	snprintf(expected, sizeof(expected), "tenon: %s: Permission denied: make it readable for "
	                                     "this user, or run as another\n",
	         scratch.path);
	capture_begin();
	code = as_nobody(read_as_nobody, scratch.path);
	expect_captured(expected);
	CHECK_NUMBER(code, EX_NOPERM);
	scratch_write(&scratch, "x.ini", 0606, "[worker a]\n", 11);
	CHECK_NUMBER(as_nobody(read_as_nobody, scratch.path), 0);
	scratch_end(&scratch);
}

/* ---- Its plan ------------------------------------------------------------------------------ */

struct opening {
	struct scratch scratch;
	struct tn_input input;
	int code;
};

/* The complaint is without the directory, which is another each time. */
static void open_text(struct opening *opening, const char *text, const char *environment,
                      const char *complaint)
{
	char expected[1024];
	const char *path;

	scratch_begin(&opening->scratch);
	path = scratch_write(&opening->scratch, "x.ini", 0600, text, strlen(text));
	snprintf(expected, sizeof(expected), "%s%s", *complaint ? path : "", complaint);
	capture_begin();
	opening->code = tn_input_open(&opening->input, path, environment);
	expect_captured(expected);
}

static void close_it(struct opening *opening)
{
	tn_input_finish(&opening->input);
	scratch_end(&opening->scratch);
}

static void a_good_file_has_a_plan(void)
{
	struct opening opening;

	open_text(&opening, "[worker a]\nroute = /\n[worker a@b]\n", "b", "");
	CHECK_NUMBER(opening.code, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(opening.input.plan);
	CHECK_NUMBER(opening.input.plan->count, 2);
	CHECK_TEXT(opening.input.plan->environment, "b");
	close_it(&opening);
}

static void a_warning_is_printed_and_does_not_refuse(void)
{
	struct opening opening;

	open_text(&opening, "[worker a]\n", NULL,
	          ": warning: no Worker has a route: every request gets 404\n");
	CHECK_NUMBER(opening.code, 0);
	close_it(&opening);
}

static void mistakes_of_form_and_of_meaning_are_printed(void)
{
	struct opening opening;

	open_text(&opening, "[worker a]\nroute = /\nservice.b = b\n", NULL,
	          ":3: worker 'a': service.b: no worker 'b': add [worker b], or name another\n");
	CHECK_NUMBER(opening.code, EX_CONFIG);
	close_it(&opening);
	open_text(&opening, "[worker a]\nroute = /\nx\n", NULL,
	          ":3: a line without '=': write 'KEY = VALUE', '[KIND NAME]' or '; COMMENT'\n");
	CHECK_NUMBER(opening.code, EX_CONFIG);
	close_it(&opening);
}

static void what_cannot_be_opened_can_be_finished(void)
{
	struct tn_input input;

	capture_begin();
	CHECK_NUMBER(tn_input_open(&input, "/none/x.ini", NULL), EX_NOINPUT);
	expect_captured("tenon: /none/x.ini: No such file or directory\n");
	tn_input_finish(&input);
}

static void a_worker_is_what_its_name_means_in_the_environment(void)
{
	struct opening opening;

	open_text(&opening, "[worker a]\nroute = /\n[worker a@b]\n[worker c]\nroute = /c\n", "b",
	          "");
	CHECK_TEXT(tn_input_worker(&opening.input, "a")->name, "a@b");
	CHECK_TEXT(tn_input_worker(&opening.input, "a@b")->name, "a@b");
	CHECK_TEXT(tn_input_worker(&opening.input, "c")->name, "c");
	close_it(&opening);
}

static void expect_no_worker(const struct opening *opening, const char *name, const char *hint)
{
	char expected[1024];
	const struct tn_plan_worker *worker;

	capture_begin();
	worker = tn_input_worker(&opening->input, name);
	snprintf(expected, sizeof(expected), "tenon: %s: no worker '%s'%s\n",
	         tn_config_path(opening->input.config), name, hint);
	expect_captured(expected);
	CU_ASSERT_PTR_NULL(worker);
}

static void a_worker_that_is_not_there_is_told_with_the_nearest(void)
{
	struct opening opening;
	char all[512];

	open_text(&opening, "[worker auth]\nroute = /\n[worker auth@staging]\n", NULL, "");
	expect_no_worker(&opening, "atuh", " (did you mean 'auth'?)");
	expect_no_worker(&opening, "auth@stagin", " (did you mean 'auth@staging'?)");
	snprintf(all, sizeof(all), ": `tenon show %s` names all that there are",
	         tn_config_path(opening.input.config));
	expect_no_worker(&opening, "gateway", all);
	expect_no_worker(&opening, "", all);
	close_it(&opening);
}

TEST_MAIN("command/input",
          TEST(a_file_is_parsed_under_the_name_it_was_given),
          TEST(what_is_wrong_in_it_is_in_the_list),
          TEST(an_empty_file_is_read),
          TEST(an_edited_text_is_read_in_the_place_of_the_file),
          TEST(a_missing_file_is_no_input),
          TEST(a_directory_is_refused),
          TEST(root_refuses_what_others_may_write),
          TEST(an_unreadable_file_is_not_permitted),
          TEST(a_good_file_has_a_plan),
          TEST(a_warning_is_printed_and_does_not_refuse),
          TEST(mistakes_of_form_and_of_meaning_are_printed),
          TEST(what_cannot_be_opened_can_be_finished),
          TEST(a_worker_is_what_its_name_means_in_the_environment),
          TEST(a_worker_that_is_not_there_is_told_with_the_nearest))
