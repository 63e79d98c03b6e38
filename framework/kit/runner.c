/* runner.c - the main() of a test program, on top of CUnit. */
#include "kit/junit.h"
#include "kit/kit.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>

#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

static struct tn_junit report;
static struct tn_junit_case *running;
static struct timespec began;

static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc < 2;
}

static bool exists(const char *name, const struct tn_test_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(cases[i].name, name) == 0)
			return true;
	return false;
}

/* ---- One test ------------------------------------------------------------------------------ */

static void begins(CU_pTest test, CU_pSuite suite)
{
	(void)suite;
	running = report.cases;
	while (strcmp(running->name, test->pName) != 0)
		running++;
	running->state = TN_JUNIT_RUNS;
	tn_ended_name(test->pName);
	tn_junit_write(&report);
	clock_gettime(CLOCK_MONOTONIC, &began);
}

/* Still the test's, so that it is the one that fails. One that a ..._FATAL has left could not. */
static void tears_down(void)
{
	const CU_Test *test = CU_get_current_test();
	const CU_FailureRecord *failure = CU_get_failure_list();
	bool failed = false;

	for (const CU_FailureRecord *each = failure; each; each = each->pNext)
		failed = failed || each->pTest == test;
	if (tn_test_end_all() && !failed)
		CU_assertImplementation(CU_FALSE, 0,
		                        "it has not called tn_test_end: what was deferred, and "
		                        "left to be done after the reply, has not run",
		                        test->pName, "", CU_FALSE);
}

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

static char *list_failures(const CU_FailureRecord *failure)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		tn_test_no_memory("tn_test_main");
	for (; failure; failure = failure->pNext)
		fprintf(to, "%s:%u: %s\n", failure->strFileName, failure->uiLineNumber,
		        failure->strCondition);
	fclose(to);
	return text;
}

static void ends(CU_pTest test, CU_pSuite suite, CU_pFailureRecord failures)
{
	(void)suite;
	for (const CU_FailureRecord *failure = failures; failure; failure = failure->pNext)
		printf("%s:%u: %s: %s\n", failure->strFileName, failure->uiLineNumber, test->pName,
		       failure->strCondition);
	fflush(stdout);
	running->seconds = seconds_since(&began);
	running->state = failures ? TN_JUNIT_FAILED : TN_JUNIT_PASSED;
	if (failures)
		running->failures = list_failures(failures);
	tn_junit_write(&report);
}

/* ---- All of them --------------------------------------------------------------------------- */

static bool add(const char *suite_name, const struct tn_test_case *cases, size_t count, int argc,
                char **argv)
{
	CU_pSuite suite;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return false;
	suite = CU_add_suite_with_setup_and_teardown(suite_name, NULL, NULL, NULL, tears_down);
	report.cases = calloc(count + 1, sizeof(report.cases[0]));
	if (!suite || !report.cases)
		return false;
	for (size_t i = 0; i < count; i++) {
		report.cases[report.count++].name = cases[i].name;
		if (is_wanted(cases[i].name, argc, argv) &&
		    !CU_add_test(suite, cases[i].name, cases[i].run))
			return false;
	}
	return true;
}

static int run(void)
{
	unsigned count, failed;

	CU_set_test_start_handler(begins);
	CU_set_test_complete_handler(ends);
	if (CU_run_all_tests() != CUE_SUCCESS)
		printf("%s\n", CU_get_error_msg());
	count = CU_get_number_of_tests_run();
	failed = CU_get_number_of_tests_failed();
	printf("%u passed, %u failed\n", count - failed, failed);
	return count && !failed && CU_get_error() == CUE_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int list(const struct tn_test_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%s\n", cases[i].name);
	return EXIT_SUCCESS;
}

int tn_test_main(const char *suite, const struct tn_test_case *cases, size_t count, int argc,
                 char **argv)
{
	int status = EXIT_FAILURE;

	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list(cases, count);
	for (int i = 1; i < argc; i++) {
		if (!exists(argv[i], cases, count)) {
			fprintf(stderr, "%s: no test '%s': see --list\n", suite, argv[i]);
			return EX_USAGE;
		}
	}
	if (tn_junit_init(&report, suite) && add(suite, cases, count, argc, argv))
		status = run();
	else
		printf("%s: %s\n0 passed, 1 failed\n", suite, CU_get_error_msg());
	tn_junit_finish(&report);
	CU_cleanup_registry();
	return status;
}
