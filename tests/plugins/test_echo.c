#include "../../plugins/echo.c" /* NOLINT(bugprone-suspicious-include) */

#include "cunit.h"

#include <tenon/test.h>

static const struct env env = { .self = TN_TEST_SELF };

static void it_shows_method_url_headers_and_body(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_request *request = tn_test_request(test, "PATCH", "http://example.com/a%20b?c=d");
	struct tn_response *response;

	tn_request_set_header(request, "X-One", "1");
	tn_headers_append(tn_request_headers(request), "x-one", "2");
	tn_request_set_body(request, "the body", 8);
	response = tn_fetch(&env.self, request);
	CHECK_NUMBER(tn_response_status(response), 200);
	CHECK_TEXT(tn_response_body(response).data, "PATCH http://example.com/a%20b?c=d\n"
	                                            "host: example.com\n"
	                                            "x-one: 1, 2\n"
	                                            "\n"
	                                            "the body");
	CHECK_TEXT(tn_response_header(response, "content-type"), "text/plain;charset=UTF-8");
	CHECK_TEXT(tn_response_header(response, "x-content-type-options"), "nosniff");
	tn_test_end(test);
}

static void a_body_comes_back_byte_for_byte(void)
{
	static const char bytes[] = "\0\r\n\xff%s\0";
	struct tn_test *test = tn_test_begin();
	struct tn_request *request = tn_test_request(test, "POST", "/");
	struct tn_bytes body;

	tn_request_set_body(request, bytes, sizeof(bytes));
	body = tn_response_body(tn_fetch(&env.self, request));
	CU_ASSERT_FATAL(body.size > sizeof(bytes));
	CU_ASSERT(memcmp(body.data + body.size - sizeof(bytes), bytes, sizeof(bytes)) == 0);
	tn_test_end(test);
}

static void an_empty_body_is_nothing_behind_the_blank_line(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_response *response = tn_fetch(&env.self, tn_test_request(test, "GET", "/"));

	CHECK_TEXT(tn_response_body(response).data, "GET http://localhost/\nhost: localhost\n\n");
	tn_test_end(test);
}

TEST_MAIN("plugins/echo",
          TEST(it_shows_method_url_headers_and_body),
          TEST(a_body_comes_back_byte_for_byte),
          TEST(an_empty_body_is_nothing_behind_the_blank_line))
