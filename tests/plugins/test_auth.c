#include "../../plugins/auth.c" /* NOLINT(bugprone-suspicious-include) */

#include <tenon/test.h>

#define ALLOWED "Request allowed"
#define REFUSED "x-custom-token does not match, request not allowed"

/* With up to two x-custom-token headers. */
static void check(const char *token, const char *second, int status, const char *body)
{
	struct tn_test *test = tn_test_begin();
	const struct env env = {
		.self = TN_TEST_SELF,
		.SECRET_TOKEN = tn_test_secret(test, "s3cret"),
	};
	struct tn_request *request = tn_test_request(test, "GET", "/");
	struct tn_response *response;

	if (token)
		tn_headers_append(tn_request_headers(request), "X-Custom-Token", token);
	if (second)
		tn_headers_append(tn_request_headers(request), "x-custom-token", second);
	response = tn_fetch(&env.self, request);
	TN_ASSERT_STATUS(response, status);
	TN_ASSERT_BODY(response, body);
	TN_ASSERT_HEADER(response, "content-type", "text/plain;charset=UTF-8");
	tn_test_end(test);
}

static void the_right_token_is_allowed(void)
{
	check("s3cret", NULL, 200, ALLOWED);
	check("  s3cret\t", NULL, 200, ALLOWED); /* what stands around a value is no part of it */
}

static void a_wrong_token_is_refused(void)
{
	check("other", NULL, 403, REFUSED);
	check("S3CRET", NULL, 403, REFUSED);
	check("s3cre", NULL, 403, REFUSED);
	check("s3crets", NULL, 403, REFUSED);
}

static void an_empty_token_is_refused(void)
{
	check("", NULL, 403, REFUSED);
}

static void without_a_token_a_request_is_refused(void)
{
	check(NULL, NULL, 403, REFUSED);
}

/* Two are joined, so that no one can add the right one to another. */
static void two_tokens_are_refused(void)
{
	check("s3cret", "s3cret", 403, REFUSED);
	check("other", "s3cret", 403, REFUSED);
	check("s3cret", "", 403, REFUSED);
	check("", "s3cret", 403, REFUSED);
}

static void without_a_secret_nobody_is_allowed(void)
{
	struct tn_test *test = tn_test_begin();
	const struct env env = { .self = TN_TEST_SELF };
	struct tn_request *request = tn_test_request(test, "GET", "/");

	TN_ASSERT_STATUS(tn_fetch(&env.self, request), 403);
	tn_request_set_header(request, "x-custom-token", "");
	TN_ASSERT_STATUS(tn_fetch(&env.self, request), 403);
	tn_test_end(test);
}

static void the_slot_is_a_secret_that_is_not_optional(void)
{
	TN_ASSERT_NUMBER(tn_worker.slot_count, 1);
	TN_ASSERT_TEXT(tn_worker.slots[0].name, "SECRET_TOKEN");
	TN_ASSERT_NUMBER(tn_worker.slots[0].kind, TN_SLOT_SECRET);
	TN_ASSERT_NUMBER(tn_worker.slots[0].flags, 0);
}

TN_TEST_MAIN("plugins/auth",
             TN_TEST(the_right_token_is_allowed),
             TN_TEST(a_wrong_token_is_refused),
             TN_TEST(an_empty_token_is_refused),
             TN_TEST(without_a_token_a_request_is_refused),
             TN_TEST(two_tokens_are_refused),
             TN_TEST(without_a_secret_nobody_is_allowed),
             TN_TEST(the_slot_is_a_secret_that_is_not_optional))
