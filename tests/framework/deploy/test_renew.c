/* test_renew.c - what runs, with the sections of some Workers as they are on disk. */
#include "deploy/renew.h"

#include "planned.h"

#include <sysexits.h>

/* `planned` has the files and what is told; its configuration is the one that runs. */
struct fixture {
	struct planned planned;
	int code;
};

static void begin(struct fixture *fixture)
{
	*fixture = (struct fixture){ 0 };
	planned_begin(&fixture->planned);
}

/* What is in x.ini, and in those that it includes, is what runs from now on. */
static void run(struct fixture *fixture)
{
	planned_load(&fixture->planned, "x.ini");
	CHECK_TOLD(&fixture->planned, "");
}

static void begin_with(struct fixture *fixture, const char *text)
{
	begin(fixture);
	planned_write(&fixture->planned, "x.ini", text);
	run(fixture);
}

static void put(struct fixture *fixture, const char *text)
{
	planned_write(&fixture->planned, "x.ini", text);
}

/* Where it can be, the new one takes the place of the one that runs. */
static void renew(struct fixture *fixture, const char *workers)
{
	struct planned *planned = &fixture->planned;
	struct tn_config *disk, *result = (struct tn_config *)(uintptr_t) "unset";
	struct tn_errors errors = { 0 };
	char reason[TN_REASON_SIZE];

	CU_ASSERT_FATAL(tn_config_load(scratch_path(&planned->scratch, "x.ini"), NULL, &disk,
	                               &errors, reason) == 0);
	fixture->code = tn_renew_config(planned->config, disk, &errors, workers, &result,
	                                &planned->errors);
	tn_config_destroy(disk);
	tn_errors_finish(&errors);
	CU_ASSERT((fixture->code == 0) == (result != NULL));
	if (!result)
		return;
	tn_config_destroy(planned->config);
	planned->config = result;
}

static void end(struct fixture *fixture)
{
	planned_end(&fixture->planned);
}

/* All that it says: "x.ini:2 [worker a] KEY=VALUE ...", a line for each section. */
static char *said(const struct fixture *fixture)
{
	const struct tn_config *config = fixture->planned.config;
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	for (size_t i = 0; i < config->count; i++) {
		const struct tn_section *section = config->sections[i];

		fprintf(memory, "%s:%u [%s %s]", section->place.file, section->place.line,
		        section->kind, section->name);
		for (size_t j = 0; j < section->count; j++)
			fprintf(memory, " %u:%s=%s", section->entries[j].place.line,
			        section->entries[j].key, section->entries[j].value);
		fputc('\n', memory);
	}
	fclose(memory);
	return planned_plain(&fixture->planned, text);
}

#define CHECK_SAID(fixture_, expected_) check_said(fixture_, expected_, __LINE__)

static void check_said(struct fixture *fixture, const char *expected, unsigned line)
{
	char *text = said(fixture);

	test_number(fixture->code, 0, "the exit code", __FILE__, line);
	test_text(text, expected, "what it says", __FILE__, line);
	free(text);
}

#define CHECK_REFUSED(fixture_, code_, expected_) \
	check_refused(fixture_, code_, expected_, __LINE__)

static void check_refused(struct fixture *fixture, int code, const char *expected, unsigned line)
{
	test_number(fixture->code, code, "the exit code", __FILE__, line);
	planned_check_told(&fixture->planned, expected, __FILE__, line);
}

static void check_plan(struct fixture *fixture, const char *environment, const char *expected,
                       unsigned line)
{
	planned_make(&fixture->planned, environment);
	planned_check_told(&fixture->planned, expected, __FILE__, line);
}

#define CHECK_PLAN(fixture_, environment_, expected_) \
	check_plan(fixture_, environment_, expected_, __LINE__)

/* ---- What is taken ------------------------------------------------------------------------- */

#define TWO "[host]\nlog_level = info\n[worker a]\nroute = /\n[worker b]\nroute = /b\n"

static void one_section_is_taken_and_no_other(void)
{
	struct fixture fixture;

	begin_with(&fixture, TWO);
	put(&fixture, "[host]\nlog_level = debug\n\n[worker a]\nroute = /a2\nvar.X = x\n"
	              "[worker b]\nroute = /b2\n[worker c]\nroute = /c\n");
	renew(&fixture, "a");
	CHECK_TOLD(&fixture.planned, "");
	CHECK_SAID(&fixture, "x.ini:1 [host ] 2:log_level=info\n"
	                     "x.ini:5 [worker b] 6:route=/b\n"
	                     "x.ini:4 [worker a] 5:route=/a2 6:var.X=x\n");
	CHECK_NUMBER((long long)fixture.planned.config->file_count, 2);
	CHECK_PLAN(&fixture, NULL, "");
	end(&fixture);
}

static void several_are_taken_together(void)
{
	struct fixture fixture;

	begin_with(&fixture, TWO);
	put(&fixture, "[worker c]\nroute = /c2\n[worker b]\nroute = /b2\n"
	              "[worker a]\nroute = /a2\n");
	renew(&fixture, "a b");
	CHECK_TOLD(&fixture.planned, "");
	CHECK_SAID(&fixture, "x.ini:1 [host ] 2:log_level=info\n"
	                     "x.ini:5 [worker a] 6:route=/a2\n"
	                     "x.ini:3 [worker b] 4:route=/b2\n");
	end(&fixture);
}

static void a_new_one_comes(void)
{
	struct fixture fixture;

	begin_with(&fixture, TWO);
	put(&fixture, "[worker c]\nroute = /c\nservice.a = a");
	renew(&fixture, "c");
	CHECK_TOLD(&fixture.planned, "");
	CHECK_SAID(&fixture, "x.ini:1 [host ] 2:log_level=info\n"
	                     "x.ini:3 [worker a] 4:route=/\n"
	                     "x.ini:5 [worker b] 6:route=/b\n"
	                     "x.ini:1 [worker c] 2:route=/c 3:service.a=a\n");
	CHECK_PLAN(&fixture, NULL, "");
	end(&fixture);
}

/* Its lines have their own ends, and its file none. */
static void any_form_of_lines_will_do(void)
{
	struct fixture fixture;

	begin_with(&fixture, "; first\r\n[worker a]\r\nroute = /\r\n\r\n[worker b]\r\nroute = /b");
	put(&fixture, "[worker b]\nroute = /b2\n; of a\r\n[worker a]\r\n; in a\r\nroute = /a2");
	renew(&fixture, "a");
	CHECK_SAID(&fixture, "x.ini:5 [worker b] 6:route=/b\nx.ini:4 [worker a] 6:route=/a2\n");
	renew(&fixture, "b");
	CHECK_SAID(&fixture, "x.ini:4 [worker a] 6:route=/a2\nx.ini:1 [worker b] 2:route=/b2\n");
	CHECK_TOLD(&fixture.planned, "");
	end(&fixture);
}

static void a_section_may_have_moved_to_another_file(void)
{
	struct fixture fixture;
	const struct tn_section *section;
	char *path;

	begin(&fixture);
	put(&fixture, "include = teams/*.ini\n[worker a]\nroute = /\n");
	planned_write(&fixture.planned, "teams/b.ini", "[worker b]\nroute = /b\n");
	run(&fixture);
	put(&fixture, "include = teams/*.ini\n");
	planned_write(&fixture.planned, "teams/b.ini", "[worker b]\n");
	planned_write(&fixture.planned, "teams/a.ini", "; a\n[worker a]\nmodule = ./a.so\n");
	renew(&fixture, "a");
	CHECK_SAID(&fixture, "teams/b.ini:1 [worker b] 2:route=/b\n"
	                     "teams/a.ini:2 [worker a] 3:module=./a.so\n");
	section = tn_config_find(fixture.planned.config, "worker", "a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(section);
	path = tn_config_resolve(section->entries[0].place, "./a.so");
	CHECK_TEXT(planned_plain(&fixture.planned, path), "teams/a.so");
	free(path);
	CHECK_TOLD(&fixture.planned, "");
	end(&fixture);
}

/* Only the named section is read anew; what inherits from it inherits from the new one. */
static void a_variant_inherits_the_new_one(void)
{
	struct fixture fixture;
	const struct tn_plan_worker *worker;

	begin_with(&fixture, "[worker a]\nroute = /\nvar.X = 1\n"
	                     "[worker a@staging]\nvar.Y = 1\n");
	put(&fixture, "[worker a]\nroute = /\nvar.X = 2\n[worker a@staging]\nvar.Y = 2\n");
	renew(&fixture, "a");
	CHECK_PLAN(&fixture, "staging", "");
	worker = tn_plan_find(fixture.planned.plan, "a@staging");
	CU_ASSERT_PTR_NOT_NULL_FATAL(worker);
	CHECK_TEXT(tn_keys_find(&worker->keys, "var.X")->value, "2");
	CHECK_TEXT(tn_keys_find(&worker->keys, "var.Y")->value, "1");
	end(&fixture);
}

static void a_variant_is_taken_without_its_base(void)
{
	struct fixture fixture;

	begin_with(&fixture, "[worker a]\nroute = /\n[worker a@v2]\nvar.Y = 1\n");
	put(&fixture, "[worker a]\nroute = /2\n[worker a@v2]\nvar.Y = 2\n");
	renew(&fixture, "a@v2");
	CHECK_SAID(&fixture, "x.ini:1 [worker a] 2:route=/\nx.ini:3 [worker a@v2] 4:var.Y=2\n");
	end(&fixture);
}

/* ---- Again and again ----------------------------------------------------------------------- */

static void files_do_not_pile_up(void)
{
	struct fixture fixture;

	begin(&fixture);
	put(&fixture, "include = b.ini\n[worker a]\nroute = /\n");
	planned_write(&fixture.planned, "b.ini",
	              "[worker b]\nroute = /b\n[worker c]\nroute = /c\n");
	run(&fixture);
	for (int i = 0; i < 20; i++) {
		renew(&fixture, i % 3 == 0 ? "a" : i % 3 == 1 ? "b"
		                                              : "c");
		CHECK_NUMBER(fixture.code, 0);
		/* The first, which is empty, and one for each. */
		CHECK_NUMBER((long long)fixture.planned.config->file_count,
		             i ? 4 : 3);
		CHECK_NUMBER((long long)fixture.planned.config->count, 3);
	}
	CHECK_TEXT(planned_plain(&fixture.planned, fixture.planned.config->files[0].path), "x.ini");
	renew(&fixture, "a b c");
	CHECK_SAID(&fixture, "x.ini:2 [worker a] 3:route=/\n"
	                     "b.ini:1 [worker b] 2:route=/b\n"
	                     "b.ini:3 [worker c] 4:route=/c\n");
	CHECK_NUMBER((long long)fixture.planned.config->file_count, 4);
	CHECK_PLAN(&fixture, NULL, "");
	end(&fixture);
}

/* ---- One that goes ------------------------------------------------------------------------- */

static void a_section_that_is_gone_takes_its_worker_along(void)
{
	struct fixture fixture;

	begin_with(&fixture, TWO);
	put(&fixture, "[worker b]\nroute = /\n");
	renew(&fixture, "a");
	CHECK_SAID(&fixture, "x.ini:1 [host ] 2:log_level=info\nx.ini:5 [worker b] 6:route=/b\n");
	CHECK_TOLD(&fixture.planned,
	           "x.ini: warning: worker 'a': no file has its section any more: the Worker "
	           "goes\n");
	CHECK_PLAN(&fixture, NULL, "");
	end(&fixture);
}

static void who_binds_one_that_is_gone_is_told(void)
{
	struct fixture fixture;

	begin_with(&fixture, "[worker a]\nroute = /\nservice.b = b\n[worker b]\n");
	put(&fixture, "[worker a]\nroute = /\n");
	renew(&fixture, "b");
	CHECK_NUMBER(fixture.code, 0);
	tn_errors_finish(&fixture.planned.errors);
	CHECK_PLAN(
		&fixture, NULL,
		"x.ini:3: worker 'a': service.b: no worker 'b': add [worker b], or name another\n");
	end(&fixture);

	begin_with(&fixture, "[worker a]\nroute = /\nservice.b = b\n[worker b]\n");
	put(&fixture, "[worker a]\nroute = /\n");
	renew(&fixture, "a b");
	CHECK_SAID(&fixture, "x.ini:1 [worker a] 2:route=/\n");
	tn_errors_finish(&fixture.planned.errors);
	CHECK_PLAN(&fixture, NULL, "");
	end(&fixture);
}

static void one_that_there_is_not_is_refused_with_the_nearest(void)
{
	struct fixture fixture;

	begin_with(&fixture, "[worker gateway]\nroute = /\n");
	put(&fixture, "[worker gateway]\nroute = /\n[worker billing]\n");
	renew(&fixture, "gatewy");
	CHECK_REFUSED(&fixture, EX_USAGE, "x.ini: no worker 'gatewy' (did you mean 'gateway'?): "
	                                  "none runs, and no file has its section\n");
	renew(&fixture, "biling gateway");
	CHECK_REFUSED(&fixture, EX_USAGE, "x.ini: no worker 'biling' (did you mean 'billing'?): "
	                                  "none runs, and no file has its section\n");
	renew(&fixture, "host");
	CHECK_REFUSED(&fixture, EX_USAGE, "x.ini: no worker 'host': none runs, and no file has its "
	                                  "section\n");
	end(&fixture);
}

/* ---- What others have done ----------------------------------------------------------------- */

static void errors_of_others_do_not_count(void)
{
	struct fixture fixture;

	begin_with(&fixture, TWO);
	put(&fixture, "no key\n[host]\nlisten\n[worker b\nroute = /\n[worker b] x\n  [worker d]\n"
	              "[worker a]\nroute = /a2\n\n; of b\n; \xff\n"
	              "[what is this]\nx = 1\n[worker b]\n[worker b]\n\xff\n");
	renew(&fixture, "a");
	CHECK_TOLD(&fixture.planned, "");
	CHECK_SAID(&fixture, "x.ini:1 [host ] 2:log_level=info\n"
	                     "x.ini:5 [worker b] 6:route=/b\n"
	                     "x.ini:8 [worker a] 9:route=/a2\n");
	CHECK_PLAN(&fixture, NULL, "");
	end(&fixture);
}

static void a_header_that_cannot_be_read_ends_a_section_too(void)
{
	static const char *const headers[] = { "[worker b\n", " [worker b\n", "[b c d]\n",
		                               "[\xff]\n", "[worker b] x\n",
		                               "\xef\xbb\xbf[worker b]\n" };

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct fixture fixture;
		char text[256];

		begin_with(&fixture, TWO);
		snprintf(text, sizeof(text), "[worker a]\nroute = /a2\n%sroute = /b2\n",
		         headers[i]);
		put(&fixture, text);
		renew(&fixture, "a");
		CHECK_TOLD(&fixture.planned, "");
		CHECK_SAID(&fixture, "x.ini:1 [host ] 2:log_level=info\n"
		                     "x.ini:5 [worker b] 6:route=/b\n"
		                     "x.ini:1 [worker a] 2:route=/a2\n");
		end(&fixture);
	}
}

static void files_of_others_may_be_gone_or_worse(void)
{
	struct fixture fixture;

	begin(&fixture);
	put(&fixture, "include = teams/*.ini\n[host]\nlog_level = info\n");
	planned_write(&fixture.planned, "teams/a.ini", "[worker a]\nroute = /\n");
	planned_write(&fixture.planned, "teams/b.ini", "[worker b]\nroute = /b\n");
	run(&fixture);
	put(&fixture, "include = nowhere.ini, teams/*.ini, none/*\n");
	planned_write(&fixture.planned, "teams/a.ini", "[worker a]\nroute = /a2\n");
	CHECK_NUMBER(remove(scratch_path(&fixture.planned.scratch, "teams/b.ini")), 0);
	CHECK_NUMBER(mkdir(scratch_path(&fixture.planned.scratch, "teams/b.ini"), 0700), 0);
	renew(&fixture, "a");
	CHECK_TOLD(&fixture.planned, "");
	CHECK_SAID(&fixture, "x.ini:2 [host ] 3:log_level=info\n"
	                     "teams/b.ini:1 [worker b] 2:route=/b\n"
	                     "teams/a.ini:1 [worker a] 2:route=/a2\n");
	end(&fixture);
}

/* ---- What is wrong with its own ------------------------------------------------------------ */

static void its_own_errors_are_told_with_their_lines(void)
{
	struct fixture fixture;

	begin_with(&fixture, TWO);
	put(&fixture, "x\n\n[worker a]\nroute\nvar.X = 1\nvar.X = 2\n[worker b]\ny\n");
	renew(&fixture, "a");
	CHECK_NUMBER(fixture.code, 0);
	CHECK_TOLD(&fixture.planned,
	           "x.ini:4: a line without '=': write 'KEY = VALUE', '[KIND NAME]' or '; "
	           "COMMENT'\n"
	           "x.ini:6: worker 'a': var.X: already in line 5: keep one of the two\n");
	end(&fixture);

	begin_with(&fixture, TWO);
	put(&fixture, "[worker a] route = /\n");
	renew(&fixture, "a");
	CHECK_TOLD(&fixture.planned, "x.ini:1: text after the ']': write it on a line of its own, "
	                             "or ' ;' before a comment\n");
	end(&fixture);

	begin_with(&fixture, TWO);
	put(&fixture, "[worker a]\nroute = /a\nservice.b = c\n[worker c]\n");
	renew(&fixture, "a");
	CHECK_TOLD(&fixture.planned, "");
	CHECK_PLAN(
		&fixture, NULL,
		"x.ini:3: worker 'a': service.b: no worker 'c': add [worker c], or name another\n");
	end(&fixture);
}

static void a_section_that_stands_twice_is_refused(void)
{
	struct fixture fixture;

	begin(&fixture);
	put(&fixture, "include = b.ini\n[worker a]\nroute = /\n");
	planned_write(&fixture.planned, "b.ini", "[worker b]\nroute = /b\n");
	run(&fixture);
	planned_write(&fixture.planned, "b.ini", "[worker b]\n\n[worker a]\nroute = /b\n");
	renew(&fixture, "a");
	CHECK_REFUSED(&fixture, EX_CONFIG, "b.ini:3: a second [worker a], the first is in x.ini:2: "
	                                   "put the keys of both below one\n");
	renew(&fixture, "b");
	CHECK_NUMBER(fixture.code, 0);
	CHECK_TOLD(&fixture.planned, "");
	end(&fixture);
}

/* It is not taken for gone. */
static void a_header_of_its_own_that_cannot_be_read_is_refused(void)
{
	struct fixture fixture;

	begin_with(&fixture, TWO);
	put(&fixture, "[worker b]\n[worker a\nroute = /\n");
	renew(&fixture, "a");
	CHECK_REFUSED(&fixture, EX_CONFIG,
	              "x.ini:2: a header without ']': write '[worker a]'\n"
	              "x.ini:2: worker 'a': no section of it can be found, but it may be in what "
	              "cannot be read here\n");
	put(&fixture, "[worker a b]\n");
	renew(&fixture, "a");
	CHECK_NUMBER(fixture.code, EX_CONFIG);
	tn_errors_finish(&fixture.planned.errors);
	put(&fixture, "[worker \xff]\n");
	renew(&fixture, "a");
	CHECK_NUMBER(fixture.code, EX_CONFIG);
	end(&fixture);
}

static void one_that_may_be_in_a_file_that_cannot_be_read_is_not_gone(void)
{
	static const char *const tops[] = { "include = nowhere.ini\n",
		                            "include = directory\n",
		                            "include = none/*.ini\n",
		                            "include = b.ini, nowhere.ini\n",
		                            "include = \"b.ini\n",
		                            "include b.ini\n",
		                            "inclde = b.ini\n",
		                            " include = b.ini\n",
		                            "include: b.ini\n" };

	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		struct fixture fixture;

		begin_with(&fixture, TWO);
		planned_write(&fixture.planned, "b.ini", "[worker b]\n");
		planned_write(&fixture.planned, "directory/b.ini", "[worker b]\n");
		put(&fixture, tops[i]);
		renew(&fixture, "a");
		if (!CHECK_NUMBER(fixture.code, EX_CONFIG))
			printf("with %s", tops[i]);
		CHECK_NUMBER((long long)fixture.planned.errors.errors, 2);
		tn_errors_finish(&fixture.planned.errors);
		renew(&fixture, "c");
		CHECK_NUMBER(fixture.code, EX_CONFIG);
		end(&fixture);
	}
}

/* A slip of the pen takes no Worker away. */
static void one_whose_header_is_misspelt_is_not_gone(void)
{
	struct fixture fixture;

	begin_with(&fixture, "[worker auth]\nroute = /\n[worker auto]\nroute = /o\n");
	put(&fixture, "[worker auto]\nroute = /\n[worker atuh]\nroute = /\n");
	renew(&fixture, "auth");
	CHECK_REFUSED(&fixture, EX_CONFIG,
	              "x.ini:3: worker 'auth': its section is gone, but [worker atuh] may be meant "
	              "for it: correct the header, or name 'atuh', too\n");
	put(&fixture, "[Worker auth]\nroute = /\n");
	renew(&fixture, "auth");
	CHECK_NUMBER(fixture.code, EX_CONFIG);
	tn_errors_finish(&fixture.planned.errors);
	put(&fixture, "[worker auto]\nroute = /\n[worker atuh]\nroute = /2\n");
	renew(&fixture, "atuh auth");
	CHECK_SAID(&fixture, "x.ini:3 [worker auto] 4:route=/o\n"
	                     "x.ini:3 [worker atuh] 4:route=/2\n");
	end(&fixture);
}

static void all_that_is_wrong_is_told(void)
{
	struct fixture fixture;

	begin_with(&fixture, TWO);
	put(&fixture, "[worker a]\nroute = /a\n[worker a]\n[worker b]\n[worker b]\n");
	renew(&fixture, "a b none");
	CHECK_REFUSED(&fixture, EX_CONFIG,
	              "x.ini: no worker 'none': none runs, and no file has its section\n"
	              "x.ini:3: a second [worker a], the first is in x.ini:1: put the keys of both "
	              "below one\n"
	              "x.ini:5: a second [worker b], the first is in x.ini:4: put the keys of both "
	              "below one\n");
	end(&fixture);
}

/* ---- Modules ------------------------------------------------------------------------------- */

static bool is_new(const struct fixture *fixture, const char *workers, const char *worker)
{
	const struct tn_plan_worker *found = tn_plan_find(fixture->planned.plan, worker);

	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	return tn_renew_module(fixture->planned.plan, workers, found->module_path);
}

static void a_module_is_new_for_all_who_share_it(void)
{
	struct fixture fixture;

	begin_with(&fixture, "[worker a]\nroute = /\n[worker a@v2]\n[worker b]\nmodule = a.so\n"
	                     "[worker c]\n[worker a@v3]\nmodule = c.so\n");
	planned_make(&fixture.planned, NULL);
	CU_ASSERT_TRUE(is_new(&fixture, "a", "a"));
	CU_ASSERT_TRUE(is_new(&fixture, "a", "a@v2"));
	CU_ASSERT_TRUE(is_new(&fixture, "a", "b"));
	CU_ASSERT_FALSE(is_new(&fixture, "a", "c"));
	CU_ASSERT_FALSE(is_new(&fixture, "a", "a@v3"));
	CU_ASSERT_TRUE(is_new(&fixture, "a@v3", "c"));
	CU_ASSERT_FALSE(is_new(&fixture, "a@v3", "a"));
	CU_ASSERT_TRUE(is_new(&fixture, "b c", "a"));
	CU_ASSERT_TRUE(is_new(&fixture, "b c", "c"));
	CU_ASSERT_FALSE(is_new(&fixture, "gone", "a"));
	CU_ASSERT_TRUE(is_new(&fixture, NULL, "a"));
	end(&fixture);
}

TEST_MAIN("deploy/renew",
          TEST(one_section_is_taken_and_no_other),
          TEST(several_are_taken_together),
          TEST(a_new_one_comes),
          TEST(any_form_of_lines_will_do),
          TEST(a_section_may_have_moved_to_another_file),
          TEST(a_variant_inherits_the_new_one),
          TEST(a_variant_is_taken_without_its_base),
          TEST(files_do_not_pile_up),
          TEST(a_section_that_is_gone_takes_its_worker_along),
          TEST(who_binds_one_that_is_gone_is_told),
          TEST(one_that_there_is_not_is_refused_with_the_nearest),
          TEST(errors_of_others_do_not_count),
          TEST(a_header_that_cannot_be_read_ends_a_section_too),
          TEST(files_of_others_may_be_gone_or_worse),
          TEST(its_own_errors_are_told_with_their_lines),
          TEST(a_section_that_stands_twice_is_refused),
          TEST(a_header_of_its_own_that_cannot_be_read_is_refused),
          TEST(one_that_may_be_in_a_file_that_cannot_be_read_is_not_gone),
          TEST(one_whose_header_is_misspelt_is_not_gone),
          TEST(all_that_is_wrong_is_told),
          TEST(a_module_is_new_for_all_who_share_it))
