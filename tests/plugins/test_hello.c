#include "../../plugins/hello.c" /* NOLINT(bugprone-suspicious-include) */

#include "cunit.h"

#include <tenon/test.h>

static void check(const char *url, const char *body)
{
	struct tn_test *test = tn_test_begin();
	const struct env env = { .self = TN_TEST_SELF, .NAME = "you" };
	struct tn_response *response = tn_fetch(&env.self, tn_test_request(test, "GET", url));

	CHECK_NUMBER(tn_response_status(response), 200);
	CHECK_TEXT(tn_response_body(response).data, body);
	tn_test_end(test);
}

static void it_greets_whom_the_query_names(void)
{
	check("/hello?name=Ada+L%2E", "Hello, Ada L.\n");
	check("/hello?other=1&name=", "Hello, \n");
	check("/hello?name=%25s%25n", "Hello, %s%n\n");
}

static void it_greets_the_configured_name_otherwise(void)
{
	check("/hello", "Hello, you\n");
	check("/hello?Name=Ada", "Hello, you\n");
}

TEST_MAIN("plugins/hello",
          TEST(it_greets_whom_the_query_names),
          TEST(it_greets_the_configured_name_otherwise))
