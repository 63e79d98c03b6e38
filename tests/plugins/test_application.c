#include "../../plugins/application.c" /* NOLINT(bugprone-suspicious-include) */

#include "cunit.h"

#include <tenon/test.h>

static void check_greeting(const char *greeting, const char *method, const char *body)
{
	struct tn_test *test = tn_test_begin();
	const struct env env = { .self = TN_TEST_SELF, .GREETING = greeting };
	struct tn_response *response = tn_fetch(&env.self, tn_test_request(test, method, "/any"));

	CHECK_NUMBER(tn_response_status(response), 200);
	CHECK_TEXT(tn_response_body(response).data, body);
	CHECK_NUMBER(tn_response_body(response).size, strlen(body));
	CHECK_TEXT(tn_response_header(response, "content-type"), "text/plain;charset=UTF-8");
	tn_test_end(test);
}

static void it_replies_with_the_greeting_and_a_newline(void)
{
	check_greeting("Hello", "GET", "Hello\n");
	check_greeting("", "POST", "\n");
	check_greeting("100% of %s and %n", "DELETE", "100% of %s and %n\n");
}

static void the_greeting_has_a_default(void)
{
	CHECK_NUMBER(tn_worker.slot_count, 1);
	CHECK_TEXT(tn_worker.slots[0].name, "GREETING");
	CHECK_NUMBER(tn_worker.slots[0].kind, TN_SLOT_VAR);
	CHECK_NUMBER(tn_worker.slots[0].flags, TN_SLOT_OPTIONAL);
	CHECK_TEXT(tn_worker.slots[0].value.text, "Hello from the application worker");
}

TEST_MAIN("plugins/application",
          TEST(it_replies_with_the_greeting_and_a_newline),
          TEST(the_greeting_has_a_default))
