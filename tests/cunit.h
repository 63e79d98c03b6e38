/*
 * cunit.h - the main() of a test program, on top of CUnit. A program is one suite:
 *
 *	#include "cunit.h"
 *
 *	static void adds(void)
 *	{
 *		CU_ASSERT(1 + 1 == 2);
 *		CHECK_NUMBER(sum(1, 1), 2);
 *		CHECK_TEXT(name(), "sum");
 *	}
 *
 *	TEST_MAIN("kit/sum",
 *		TEST(adds),
 *		TEST(subtracts))
 *
 *	test_sum              runs all
 *	test_sum adds ...     runs the named ones
 *	test_sum --list       names them
 *
 * What fails is printed as FILE:LINE: TEST: CONDITION, and the last line is always "N passed, N
 * failed", which counts tests. The exit status is 0 where all passed, 1 where one failed or the
 * tests could not be set up, 64 for a name that is none.
 *
 * All of CUnit's asserts can be used; ..._FATAL leaves the test at once, and frees nothing.
 * Compile with -I tests, link with -lcunit.
 */
#ifndef TENON_TESTS_CUNIT_H
#define TENON_TESTS_CUNIT_H

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(function_) \
	{ \
		.name = #function_, .run = function_ \
	}

#define TEST_MAIN(suite_, ...) \
	int main(int argc, char **argv) \
	{ \
		static const struct test tests[] = { __VA_ARGS__ }; \
\
		return test_main(suite_, tests, sizeof(tests) / sizeof(tests[0]), argc, argv); \
	}

/* Like CU_ASSERT_STRING_EQUAL and CU_ASSERT_EQUAL, but a failure shows both values. Each is true
 * where the two are equal; two NULL are. */
#define CHECK_TEXT(actual_, expected_) \
	test_text(actual_, expected_, #actual_, __FILE__, __LINE__)
#define CHECK_NUMBER(actual_, expected_) \
	test_number(actual_, expected_, #actual_, __FILE__, __LINE__)

static inline bool test_text(const char *actual, const char *expected, const char *expression,
                             const char *file, unsigned line)
{
	bool equal = actual && expected ? !strcmp(actual, expected) : actual == expected;
	char text[4096];

	snprintf(text, sizeof(text), "%s\n\tis         %.1900s\n\tshould be  %.1900s", expression,
	         actual ? actual : "NULL", expected ? expected : "NULL");
	CU_assertImplementation(equal, line, text, file, "", CU_FALSE);
	return equal;
}

static inline bool test_number(long long actual, long long expected, const char *expression,
                               const char *file, unsigned line)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s is %lld instead of %lld", expression, actual, expected);
	CU_assertImplementation(actual == expected, line, text, file, "", CU_FALSE);
	return actual == expected;
}

static inline void test_print_failures(const CU_pTest test, const CU_pSuite suite,
                                       const CU_pFailureRecord failures)
{
	(void)suite;
	for (CU_pFailureRecord failure = failures; failure; failure = failure->pNext)
		printf("%s:%u: %s: %s\n", failure->strFileName, failure->uiLineNumber,
		       test->pName, failure->strCondition);
	fflush(stdout);
}

static inline bool test_is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

static inline bool test_exists(const char *name, const struct test *tests, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(tests[i].name, name))
			return true;
	return false;
}

static inline bool test_register(const char *suite_name, const struct test *tests, size_t count,
                                 int argc, char **argv)
{
	CU_pSuite suite;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return false;
	suite = CU_add_suite(suite_name, NULL, NULL);
	for (size_t i = 0; suite && i < count; i++)
		if (test_is_wanted(tests[i].name, argc, argv) &&
		    !CU_add_test(suite, tests[i].name, tests[i].run))
			return false;
	return suite;
}

static inline int test_run(void)
{
	unsigned run, failed;

	CU_set_test_complete_handler(test_print_failures);
	if (CU_run_all_tests() != CUE_SUCCESS)
		printf("%s\n", CU_get_error_msg());
	run = CU_get_number_of_tests_run();
	failed = CU_get_number_of_tests_failed();
	printf("%u passed, %u failed\n", run - failed, failed);
	return run && !failed && CU_get_error() == CUE_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int test_list(const struct test *tests, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%s\n", tests[i].name);
	return EXIT_SUCCESS;
}

static inline int test_main(const char *suite, const struct test *tests, size_t count, int argc,
                            char **argv)
{
	int status = EXIT_FAILURE;

	if (argc == 2 && !strcmp(argv[1], "--list"))
		return test_list(tests, count);
	for (int i = 1; i < argc; i++) {
		if (!test_exists(argv[i], tests, count)) {
			fprintf(stderr, "%s: no test '%s': see --list\n", suite, argv[i]);
			return 64;
		}
	}
	if (test_register(suite, tests, count, argc, argv))
		status = test_run();
	else
		printf("%s: %s\n0 passed, 1 failed\n", suite, CU_get_error_msg());
	CU_cleanup_registry();
	return status;
}

#endif
