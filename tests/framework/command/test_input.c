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
	reading->code = tn_input_read(path, &reading->config, &reading->errors);
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
	CHECK_TEXT(reading.config->path, scratch.path);
	CHECK_TEXT(reading.config->directory, scratch.directory);
	CHECK_NUMBER(reading.config->count, 2);
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

static void a_pipe_is_read_to_its_end(void)
{
	struct reading reading;
	char path[64];
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	CU_ASSERT_EQUAL(write(ends[1], "[worker a]\n", 11), 11);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	read_with(&reading, path);
	close(ends[0]);
	CHECK_NUMBER(reading.code, 0);
	CHECK_TEXT(reading.complaint, "");
	CU_ASSERT(reading.config && reading.config->count == 1);
	forget(&reading);
}

/* Larger than one read, with something at its end. */
static void a_large_file_is_read_whole(void)
{
	const size_t size = 300 * 1000;
	char *text = malloc(size);
	struct scratch scratch;
	struct reading reading;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, '\n', size);
	memcpy(text + size - 11, "[worker a]\n", 11);
	scratch_begin(&scratch);
	read_with(&reading, scratch_write(&scratch, "x.ini", 0600, text, size));
	CHECK_NUMBER(reading.code, 0);
	CU_ASSERT_FATAL(reading.config && reading.config->count == 1);
	CHECK_NUMBER(reading.config->sections[0].place.line, size - 11 + 1);
	forget(&reading);
	scratch_end(&scratch);
	free(text);
}

static void a_file_beyond_all_measure_is_refused(void)
{
	struct scratch scratch;

	scratch_begin(&scratch);
	scratch_write(&scratch, "x.ini", 0600, "", 0);
	CU_ASSERT_EQUAL(truncate(scratch.path, 16 * 1024 * 1024 + 1), 0);
	expect_refusal(scratch.path, EX_CONFIG, "it is larger than 16 MiB");
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
	int code = tn_input_read(argument, &config, &errors);

	tn_config_destroy(config);
	tn_errors_finish(&errors);
	return code;
}

static void an_unreadable_file_is_not_permitted(void)
{
	struct scratch scratch;
	int code;
	char expected[1024];
	char *complaint;

	if (!is_root(__func__))
		return;
	scratch_begin(&scratch);
	scratch_write(&scratch, "x.ini", 0600, "[worker a]\n", 11);
	capture_begin();
	code = as_nobody(read_as_nobody, scratch.path);
	snprintf(expected, sizeof(expected), "tenon: %s: Permission denied: make it readable for "
	                                     "this user, or run as another\n",
	         scratch.path);
	complaint = strdup(capture_end());
	CHECK_TEXT(complaint, expected);
	free(complaint);
	CHECK_NUMBER(code, EX_NOPERM);
	scratch_write(&scratch, "x.ini", 0606, "[worker a]\n", 11);
	CHECK_NUMBER(as_nobody(read_as_nobody, scratch.path), 0);
	scratch_end(&scratch);
}

TEST_MAIN("command/input",
          TEST(a_file_is_parsed_under_the_name_it_was_given),
          TEST(what_is_wrong_in_it_is_in_the_list),
          TEST(an_empty_file_is_read),
          TEST(a_pipe_is_read_to_its_end),
          TEST(a_large_file_is_read_whole),
          TEST(a_file_beyond_all_measure_is_refused),
          TEST(a_missing_file_is_no_input),
          TEST(a_directory_is_refused),
          TEST(root_refuses_what_others_may_write),
          TEST(an_unreadable_file_is_not_permitted))
