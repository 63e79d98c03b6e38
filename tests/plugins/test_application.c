#include "../../plugins/application.c" /* NOLINT(bugprone-suspicious-include) */

#include <tenon/test.h>

static void check_greeting(const char *greeting, const char *method, const char *body)
{
	struct tn_test *test = tn_test_begin();
	const struct env env = { .self = TN_TEST_SELF, .GREETING = greeting };
	struct tn_response *response = tn_fetch(&env.self, tn_test_request(test, method, "/any"));

	TN_ASSERT_STATUS(response, 200);
	TN_ASSERT_BODY(response, body);
	TN_ASSERT_HEADER(response, "content-type", "text/plain;charset=UTF-8");
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
	TN_ASSERT_NUMBER(tn_worker.slot_count, 1);
	TN_ASSERT_TEXT(tn_worker.slots[0].name, "GREETING");
	TN_ASSERT_NUMBER(tn_worker.slots[0].kind, TN_SLOT_VAR);
	TN_ASSERT_NUMBER(tn_worker.slots[0].flags, TN_SLOT_OPTIONAL);
	TN_ASSERT_TEXT(tn_worker.slots[0].value.text, "Hello from the application worker");
}

TN_TEST_MAIN("plugins/application",
             TN_TEST(it_replies_with_the_greeting_and_a_newline),
             TN_TEST(the_greeting_has_a_default))
