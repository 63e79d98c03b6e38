/* The runner is that of a child, whose tests pass, fail and crash. */
#include <tenon/test.h>

#include "child.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

static void passes(void)
{
	TN_ASSERT_NUMBER(1, 1);
}

static void fails(void)
{
	TN_ASSERT_TEXT("<a & \"b\">\x01\xff", "]]>\xef\xbf\xbf");
	CU_ASSERT(1 > 2);
}

static void is_left(void)
{
	tn_test_begin();
	CU_FAIL_FATAL("left");
}

static void say(void *text)
{
	puts(text);
}

static void does_not_end(void)
{
	static char text[] = "released";

	tn_defer(tn_test_request(tn_test_begin(), "GET", "/"), say, text);
	tn_test_begin();
}

static void crashes(void)
{
	raise(SIGKILL);
}

static void passes_behind(void)
{
	TN_ASSERT_NUMBER(1, 1);
}

static const struct tn_test_case bad[] = {
	TN_TEST(passes),
	TN_TEST(fails),
	TN_TEST(is_left),
	TN_TEST(does_not_end),
	TN_TEST(crashes),
	TN_TEST(passes_behind),
};

/* ---- What it prints ------------------------------------------------------------------------ */

static void it_prints_failures_and_the_sum(void)
{
	const struct child *child = child_run("fails", "passes");

	CHECK_NUMBER(child_exit(child), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(child->output, "test_runner.c:18: fails: 1 > 2\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(child->output, "\n1 passed, 1 failed\n"));
}

static void all_that_pass_are_a_success(void)
{
	const struct child *child = child_run("passes", NULL);

	CHECK_NUMBER(child_exit(child), 0);
	CHECK_TEXT(child->output, "1 passed, 0 failed\n");
}

static void a_name_that_is_none_is_refused(void)
{
	const struct child *child = child_run("passes", "nothing");

	CHECK_NUMBER(child_exit(child), 64);
	CHECK_TEXT(child->output, "child/suite: no test 'nothing': see --list\n");
}

static void it_lists_its_tests(void)
{
	const struct child *child = child_run("--list", NULL);

	CHECK_NUMBER(child_exit(child), 0);
	CHECK_TEXT(child->output, "passes\nfails\nis_left\ndoes_not_end\ncrashes\n"
	                          "passes_behind\n");
}

/* What it deferred runs all the same, and no memory is left to the sanitizer. */
static void a_test_that_does_not_end_its_exchange_fails(void)
{
	const struct child *child = child_run("does_not_end", NULL);

	CHECK_NUMBER(child_exit(child), 1);
	CHECK_TEXT(child->output, "released\n"
	                          "does_not_end:0: does_not_end: it has not called tn_test_end: "
	                          "what was deferred, and left to be done after the reply, has not "
	                          "run\n0 passed, 1 failed\n");
}

/* And the next one has nothing of it. */
static void one_that_was_left_has_failed_once(void)
{
	const struct child *child = child_run("passes_behind", "is_left");

	CHECK_NUMBER(child_exit(child), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(child->output, "left"));
	CU_ASSERT_PTR_NULL(strstr(child->output, "tn_test_end"));
	CU_ASSERT_PTR_NOT_NULL(strstr(child->output, "\n1 passed, 1 failed\n"));
}

/* ---- The report ---------------------------------------------------------------------------- */

static char directory[64];

static void report_begin(const char *name)
{
	char path[128];

	snprintf(directory, sizeof(directory), "%s", "/tmp/tenon-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s%s", directory, name);
	setenv("TN_JUNIT", path, 1);
}

/* Of tests/framework/kit/junit.xsd: what CI systems agree upon. */
static void check_valid(const char *path)
{
	char command[512];

	snprintf(command, sizeof(command),
	         "xmllint --noout --schema tests/framework/kit/junit.xsd '%s' 2>&1", path);
	CHECK_NUMBER(system(command), 0); /* NOLINT(cert-env33-c) */
}

/* Its text with every time="..." made 0; removes it, and the directory. */
static const char *report_end(const char *name)
{
	static char text[16 * 1024];
	char path[128];
	FILE *file;
	size_t size = 0;

	snprintf(path, sizeof(path), "%s%s", directory, name);
	check_valid(path);
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = '\0';
	fclose(file);
	CHECK_NUMBER(remove(path), 0);
	CHECK_NUMBER(remove(directory), 0);
	unsetenv("TN_JUNIT");
	for (char *time = text; (time = strstr(time, "time=\"")); time++) {
		char *value = time + strlen("time=\"");
		const char *behind = value + strcspn(value, "\"");

		memmove(value + 1, behind, strlen(behind) + 1);
		*value = '0';
	}
	return text;
}

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
#define TAIL "\t</testsuite>\n</testsuites>\n"

static void the_report_names_who_passed_and_who_failed(void)
{
	const char *text;

	report_begin("/report.xml");
	CHECK_NUMBER(child_exit(child_run("passes", "fails")), 1);
	text = report_end("/report.xml");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, HEAD "\t<testsuite name=\"child/suite\" tests=\"2\" "
	                                         "failures=\"1\" errors=\"0\" time=\"0\">\n"
	                                         "\t\t<testcase classname=\"child/suite\" "
	                                         "name=\"passes\" time=\"0\"/>\n"
	                                         "\t\t<testcase classname=\"child/suite\" "
	                                         "name=\"fails\" time=\"0\">\n"
	                                         "\t\t\t<failure type=\"assertion\" message=\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "is         &lt;a "
	                                    "&amp; &quot;b&quot;&gt;\\x01\\xff&#10;"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "should be  ]]&gt;?&#10;"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "test_runner.c:18: 1 &gt; 2&#10;</failure>\n"
	                                    "\t\t</testcase>\n" TAIL));
}

static void the_report_is_there_when_a_test_crashes(void)
{
	report_begin("/report.xml");
	CHECK_NUMBER(WTERMSIG(child_run("passes", "crashes")->status), SIGKILL);
	CHECK_TEXT(report_end("/report.xml"),
	           HEAD "\t<testsuite name=\"child/suite\" tests=\"2\" failures=\"0\" errors=\"1\" "
	                "time=\"0\">\n\t\t<testcase classname=\"child/suite\" name=\"passes\" "
	                "time=\"0\"/>\n\t\t<testcase classname=\"child/suite\" name=\"crashes\" "
	                "time=\"0\">\n\t\t\t<error type=\"crash\" message=\"the program ended "
	                "while this test was running\"></error>\n\t\t</testcase>\n" TAIL);
}

static void in_a_directory_each_suite_has_its_own(void)
{
	report_begin("");
	CHECK_NUMBER(child_exit(child_run("passes", NULL)), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(report_end("/child-suite.xml"), "tests=\"1\""));
}

static void a_report_that_cannot_be_written_is_told_once(void)
{
	const struct child *child;

	setenv("TN_JUNIT", "/nowhere/report.xml", 1);
	child = child_run("passes", NULL);
	unsetenv("TN_JUNIT");
	CHECK_NUMBER(child_exit(child), 0);
	CHECK_TEXT(child->output, "TN_JUNIT: /nowhere/report.xml cannot be written: No such file "
	                          "or directory\n1 passed, 0 failed\n");
}

CHILD_MAIN(bad,
           "kit/runner",
           TEST(it_prints_failures_and_the_sum),
           TEST(all_that_pass_are_a_success),
           TEST(a_name_that_is_none_is_refused),
           TEST(it_lists_its_tests),
           TEST(a_test_that_does_not_end_its_exchange_fails),
           TEST(one_that_was_left_has_failed_once),
           TEST(the_report_names_who_passed_and_who_failed),
           TEST(the_report_is_there_when_a_test_crashes),
           TEST(in_a_directory_each_suite_has_its_own),
           TEST(a_report_that_cannot_be_written_is_told_once))
