#include "../../plugins/aggregate.c" /* NOLINT(bugprone-suspicious-include) */

#include "cunit.h"

#include <tenon/test.h>

static void check(struct tn_fake left, struct tn_fake right, int status, const char *body)
{
	struct tn_test *test = tn_test_begin();
	const struct env env = {
		.self = TN_TEST_SELF,
		.left = &left.service,
		.right = &right.service,
	};
	struct tn_request *request = tn_test_request(test, "GET", "/profile?user=1");
	struct tn_response *response = tn_fetch(&env.self, request);

	CHECK_NUMBER(tn_response_status(response), status);
	CHECK_TEXT(tn_response_body(response).data, body);
	CHECK_TEXT(tn_response_header(response, "content-type"),
	           status == 200 ? "application/json" : "text/plain;charset=UTF-8");
	CHECK_NUMBER(left.calls, 1);
	CHECK_NUMBER(right.calls, 1);
	CHECK_TEXT(tn_request_target(left.requests[0]), "/profile?user=1");
	CHECK_TEXT(tn_request_target(right.requests[0]), "/profile?user=1");
	tn_test_end(test);
}

static struct tn_fake fake(int status, const char *body)
{
	return (struct tn_fake)TN_FAKE("fake", status, body);
}

static void two_objects_become_one(void)
{
	check(fake(200, "{\"a\": 1, \"b\": [2]}"), fake(200, "{\"c\": {\"d\": null}}"), 200,
	      "{\"a\":1,\"b\":[2],\"c\":{\"d\":null}}");
	check(fake(200, "{}"), fake(200, "{}"), 200, "{}");
}

static void of_a_member_that_both_have_the_right_ones_counts(void)
{
	check(fake(200, "{\"a\": 1, \"b\": 2}"), fake(200, "{\"b\": 3}"), 200,
	      "{\"a\":1,\"b\":3}");
}

static void without_a_reply_it_is_502(void)
{
	check(fake(0, NULL), fake(200, "{}"), 502, "No answer from left\n");
	check(fake(200, "{}"), fake(0, NULL), 502, "No answer from right\n");
	check(fake(0, NULL), fake(0, NULL), 502, "No answer from left\n");
}

static void with_another_status_it_is_502(void)
{
	check(fake(404, "{}"), fake(200, "{}"), 502, "No answer from left\n");
	check(fake(200, "{}"), fake(503, "{}"), 502, "No answer from right\n");
	check(fake(201, "{}"), fake(200, "{}"), 502, "No answer from left\n");
}

static void what_is_no_object_is_502(void)
{
	check(fake(200, "[1]"), fake(200, "{}"), 502, "No answer from left\n");
	check(fake(200, "{}"), fake(200, "{\"a\": }"), 502, "No answer from right\n");
	check(fake(200, "{\"a\": 1, \"a\": 2}"), fake(200, "{}"), 502, "No answer from left\n");
	check(fake(200, "{}"), fake(200, "{} {}"), 502, "No answer from right\n");
	check(fake(200, NULL), fake(200, "{}"), 502, "No answer from left\n");
	check(fake(200, "{}"), fake(200, "\"\\xff\""), 502, "No answer from right\n");
}

TEST_MAIN("plugins/aggregate",
          TEST(two_objects_become_one),
          TEST(of_a_member_that_both_have_the_right_ones_counts),
          TEST(without_a_reply_it_is_502),
          TEST(with_another_status_it_is_502),
          TEST(what_is_no_object_is_502))
