/* What is used when its exchange has ended is found: each in a child, that is to die of it. */
#include <tenon/test.h>

#include "child.h"

#include <signal.h>

static struct tn_request *kept_request;
static struct tn_response *kept_response;
static const char *kept_text;
static volatile char seen;

static void keep(void)
{
	struct tn_test *test = tn_test_begin();

	kept_request = TN_TEST_REQUEST(test, "GET", "/path?a=b", TN_HEADER("x", "y"));
	kept_response = tn_response_text(kept_request, 200, "text");
	kept_text = tn_request_query(kept_request, "a");
	tn_test_end(test);
}

static void uses_a_request(void)
{
	keep();
	tn_request_method(kept_request);
}

static void answers_with_a_request(void)
{
	keep();
	tn_response_text(kept_request, 200, "text");
}

static void changes_a_request(void)
{
	keep();
	tn_request_set_header(kept_request, "x", "z");
}

static void uses_a_response(void)
{
	keep();
	tn_response_status(kept_response);
}

static void uses_a_string(void)
{
	keep();
	seen = *kept_text;
}

static void uses_large_memory(void)
{
	struct tn_test *test = tn_test_begin();
	const char *memory = tn_allocate(tn_test_request(test, "GET", "/"), 100000);

	tn_test_end(test);
	seen = memory[99999];
}

/* Many have ended since. */
static void uses_it_late(void)
{
	keep();
	for (unsigned i = 0; i < 300; i++)
		tn_test_end(tn_test_begin());
	tn_request_method(kept_request);
}

static void crashes_otherwise(void)
{
	volatile uintptr_t nowhere = 16;

	keep();
	seen = *(volatile char *)nowhere;
}

static struct tn_service empty;
static const struct tn_service *volatile service = &empty;

/* Through tn_fetch, as a Worker whose env has no TN_TEST_SELF is called. */
static void calls_what_is_no_service(void)
{
	struct tn_test *test = tn_test_begin();

	tn_fetch(service, tn_test_request(test, "GET", "/"));
	tn_test_end(test);
}

static void calls_a_binding_that_is_not_there(void)
{
	struct tn_test *test = tn_test_begin();

	service = NULL;
	service->fetch(tn_test_request(test, "GET", "/"), service);
	tn_test_end(test);
}

static void uses_nothing(void)
{
	for (unsigned i = 0; i < 2000; i++)
		keep();
}

static const struct tn_test_case bad[] = {
	TN_TEST(uses_a_request),
	TN_TEST(answers_with_a_request),
	TN_TEST(changes_a_request),
	TN_TEST(uses_a_response),
	TN_TEST(uses_a_string),
	TN_TEST(uses_large_memory),
	TN_TEST(uses_it_late),
	TN_TEST(crashes_otherwise),
	TN_TEST(uses_nothing),
	TN_TEST(calls_what_is_no_service),
	TN_TEST(calls_a_binding_that_is_not_there),
};

/* ---- What they die of ---------------------------------------------------------------------- */

#define TOLD \
	": a request, a response, or a string that one of them gave, was used after its exchange " \
	"had ended. It lives until tn_test_end"

static void check_told(const char *name)
{
	const struct child *child = child_run(name, NULL);
	char told[256];

	snprintf(told, sizeof(told), "tenon/test.h: %s" TOLD, name);
	CU_ASSERT(!WIFEXITED(child->status) || WEXITSTATUS(child->status) != 0);
	if (!strstr(child->output, told))
		CHECK_TEXT(child->output, told);
	CU_ASSERT_PTR_NULL(strstr(child->output, " passed"));
}

static void a_request_is_not_to_be_used(void)
{
	check_told("uses_a_request");
	check_told("answers_with_a_request");
	check_told("changes_a_request");
}

static void nor_is_what_it_gave(void)
{
	check_told("uses_a_response");
	check_told("uses_a_string");
	check_told("uses_large_memory");
}

static void nor_later(void)
{
	check_told("uses_it_late");
}

static void another_crash_is_not_taken_for_that(void)
{
	const struct child *child = child_run("crashes_otherwise", NULL);

	CU_ASSERT(!WIFEXITED(child->status) || WEXITSTATUS(child->status) != 0);
	CU_ASSERT_PTR_NULL(strstr(child->output, "tenon/test.h"));
}

/* UBSan is the first to say so. */
static void a_field_that_was_not_filled_in_is_asked_for(void)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(child_run("calls_what_is_no_service", NULL)->output,
	                              "tenon/test.h: calls_what_is_no_service: a function that is "
	                              "NULL was called: has `self` of the env been given "
	                              "TN_TEST_SELF"));
	if (!strstr(child_run("calls_a_binding_that_is_not_there", NULL)->output,
	            "runtime error: member access within null pointer"))
		CU_ASSERT_PTR_NOT_NULL(strstr(
			child_run("calls_a_binding_that_is_not_there", NULL)->output,
			"tenon/test.h: calls_a_binding_that_is_not_there: what NULL points to was "
			"used: has the test given the env all of its fields?"));
}

static void whoever_uses_nothing_of_it_goes_on(void)
{
	const struct child *child = child_run("uses_nothing", NULL);

	CHECK_NUMBER(child_exit(child), 0);
	CHECK_TEXT(child->output, "1 passed, 0 failed\n");
}

CHILD_MAIN(bad,
           "kit/ended",
           TEST(a_request_is_not_to_be_used),
           TEST(nor_is_what_it_gave),
           TEST(nor_later),
           TEST(another_crash_is_not_taken_for_that),
           TEST(a_field_that_was_not_filled_in_is_asked_for),
           TEST(whoever_uses_nothing_of_it_goes_on))
