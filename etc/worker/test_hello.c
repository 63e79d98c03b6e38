/* test_hello.c - the test of a Worker: a program that includes it, without a host. */
#include "hello.c"

#include <tenon/test.h>

static void greets_by_name(void)
{
	struct tn_test *test = tn_test_begin();
	struct env env = { .self = TN_TEST_SELF, .NAME = "you" };
	struct tn_request *request = tn_test_request(test, "GET", "/hello");
	struct tn_response *response = tn_fetch(&env.self, request);

	TN_ASSERT_STATUS(response, 200);
	TN_ASSERT_BODY(response, "Hello, you\n");
	tn_test_end(test);
}

TN_TEST_MAIN("hello", TN_TEST(greets_by_name))
