#include "message/response.h"

#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"

#include <limits.h>
#include <string.h>

#define COUNT(array_) (sizeof(array_) / sizeof((array_)[0]))

static const int without_body[] = { 204, 205, 304 };

static void count_release(void *counter)
{
	++*(unsigned *)counter;
}

static void a_text_is_plain_and_in_utf_8(void)
{
	struct fixture fixture;
	struct tn_response *responses[2];

	fixture_init(&fixture);
	responses[0] = tn_response_text(fixture.request, 403, "no");
	responses[1] = tn_response_text_static(fixture.request, 403, "no");
	for (size_t i = 0; i < 2; i++) {
		CHECK_NUMBER(tn_response_status(responses[i]), 403);
		CHECK_TEXT(tn_response_body(responses[i]).data, "no");
		CHECK_NUMBER(tn_response_body(responses[i]).size, 2);
		CHECK_TEXT(tn_response_header(responses[i], "content-type"),
		           "text/plain;charset=UTF-8");
		CHECK_NUMBER(tn_headers_count(tn_response_headers(responses[i])), 1);
	}
	fixture_finish(&fixture);
}

static void bytes_have_the_type_that_was_given(void)
{
	struct fixture fixture;
	struct tn_response *response;

	fixture_init(&fixture);
	response = tn_response_bytes(fixture.request, 200, "image/png", "\0\1\2", 3);
	CHECK_TEXT(tn_response_header(response, "content-type"), "image/png");
	CHECK_NUMBER(tn_response_body(response).size, 3);
	CU_ASSERT(memcmp(tn_response_body(response).data, "\0\1\2", 4) == 0);
	response = tn_response_bytes_static(fixture.request, 200, NULL, "x", 1);
	CHECK_NUMBER(tn_headers_count(tn_response_headers(response)), 0);
	fixture_finish(&fixture);
}

static void a_new_response_has_neither_headers_nor_body(void)
{
	struct fixture fixture;
	struct tn_response *response;

	fixture_init(&fixture);
	response = tn_response_new(fixture.request, 301);
	CHECK_NUMBER(tn_response_status(response), 301);
	CHECK_NUMBER(tn_headers_count(tn_response_headers(response)), 0);
	CHECK_TEXT(tn_response_body(response).data, "");
	CHECK_NUMBER(tn_response_body(response).size, 0);
	fixture_finish(&fixture);
}

static void a_status_is_200_to_599(void)
{
	static const struct {
		int status;
		bool good;
	} cases[] = {
		{ 200, true },
		{ 201, true },
		{ 301, true },
		{ 404, true },
		{ 500, true },
		{ 599, true },
		{ 199, false },
		{ 101, false },
		{ 100, false },
		{ 600, false },
		{ 0, false },
		{ -1, false },
		{ -200, false },
		{ 999, false },
		{ INT_MIN, false },
		{ INT_MAX, false },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	capture_begin();
	for (size_t i = 0; i < COUNT(cases); i++) {
		int status = cases[i].status;
		bool good = cases[i].good;
		struct tn_response *response = tn_response_new(fixture.request, 404);

		CHECK_NUMBER(tn_response_new(fixture.request, status) != NULL, good);
		CHECK_NUMBER(tn_response_text(fixture.request, status, "x") != NULL, good);
		CHECK_NUMBER(tn_response_text_static(fixture.request, status, "x") != NULL, good);
		CHECK_NUMBER(tn_response_bytes(fixture.request, status, "a/b", "x", 1) != NULL,
		             good);
		CHECK_NUMBER(tn_response_bytes_static(fixture.request, status, NULL, "x", 1) !=
		                     NULL,
		             good);
		CHECK_NUMBER(tn_response_set_status(response, status), good);
		CHECK_NUMBER(tn_response_status(response), good ? status : 404);
	}
	CHECK_NUMBER(capture_lines(capture_end(), "refused: it is to be 200 to 599"), 10 * 6);
	fixture_finish(&fixture);
}

static void some_statuses_have_no_body(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	capture_begin();
	for (size_t i = 0; i < COUNT(without_body); i++) {
		int status = without_body[i];

		CU_ASSERT_PTR_NULL(tn_response_text(fixture.request, status, "x"));
		CU_ASSERT_PTR_NULL(tn_response_text_static(fixture.request, status, "x"));
		CU_ASSERT_PTR_NULL(tn_response_bytes(fixture.request, status, NULL, "x", 1));
		CU_ASSERT_PTR_NULL(tn_response_bytes_static(fixture.request, status, NULL, "x", 1));
		CHECK_NUMBER(tn_response_status(tn_response_new(fixture.request, status)), status);
		CHECK_NUMBER(tn_response_status(tn_response_bytes(fixture.request, status, NULL,
		                                                  NULL, 0)),
		             status);
	}
	CHECK_NUMBER(capture_lines(capture_end(), "body refused: a response with status "), 12);
	fixture_finish(&fixture);
}

static void an_empty_text_without_a_body_has_no_type(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(without_body); i++) {
		int status = without_body[i];
		struct tn_response *response = tn_response_text(fixture.request, status, "");

		CHECK_NUMBER(tn_response_status(response), status);
		CHECK_TEXT(tn_response_header(response, "content-type"), NULL);
	}
	CHECK_TEXT(tn_response_header(tn_response_text(fixture.request, 200, ""), "content-type"),
	           "text/plain;charset=UTF-8");
	fixture_finish(&fixture);
}

static void a_status_without_body_is_not_set_over_a_body(void)
{
	struct fixture fixture;
	struct tn_response *response;

	fixture_init(&fixture);
	response = tn_response_text(fixture.request, 200, "x");
	capture_begin();
	for (size_t i = 0; i < COUNT(without_body); i++)
		CU_ASSERT(!tn_response_set_status(response, without_body[i]));
	CHECK_NUMBER(capture_lines(capture_end(), "body refused"), COUNT(without_body));
	CHECK_NUMBER(tn_response_status(response), 200);
	CU_ASSERT(tn_response_set_status(response, 206));
	CU_ASSERT(tn_response_set_body(response, NULL, 0));
	CU_ASSERT(tn_response_set_status(response, 304));
	CHECK_NUMBER(tn_response_status(response), 304);
	fixture_finish(&fixture);
}

static void a_body_is_not_set_under_a_status_without_one(void)
{
	struct fixture fixture;
	struct tn_response *response;
	unsigned released = 0;

	fixture_init(&fixture);
	response = tn_response_new(fixture.request, 204);
	capture_begin();
	CU_ASSERT(!tn_response_set_body(response, "x", 1));
	CU_ASSERT(!tn_response_set_body_static(response, "x", 1));
	CU_ASSERT(!tn_response_set_body_owned(response, "x", 1, count_release, &released));
	CHECK_NUMBER(capture_lines(capture_end(), "status 204 has none"), 3);
	CHECK_NUMBER(released, 1);
	CHECK_NUMBER(tn_response_body(response).size, 0);
	CU_ASSERT(tn_response_set_body(response, "", 0));
	CU_ASSERT(tn_response_set_status(response, 200));
	CU_ASSERT(tn_response_set_body(response, "x", 1));
	CHECK_TEXT(tn_response_body(response).data, "x");
	fixture_finish(&fixture);
	CHECK_NUMBER(released, 1);
}

static void what_belongs_to_no_request_is_none(void)
{
	unsigned released = 0;

	CU_ASSERT_PTR_NULL(tn_response_bytes_owned(NULL, 200, NULL, "x", 1, count_release,
	                                           &released));
	CHECK_NUMBER(released, 1);
	CU_ASSERT_PTR_NULL(tn_response_bytes_owned(NULL, 200, NULL, "x", 1, NULL, NULL));
}

/* Once in each case, and never twice: at once where it is refused, otherwise at the end. */
static void owned_bytes_are_released_exactly_once(void)
{
	static const struct {
		int status;
		const char *type, *data;
		bool made;
	} cases[] = {
		{ 200, NULL, "x", true },
		{ 200, "a/b", "x", true },
		{ 700, NULL, "x", false },
		{ 204, NULL, "x", false },
		{ 200, "a\r\nb", "x", false },
		{ 200, NULL, NULL, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fixture fixture;
		unsigned released = 0;

		fixture_init(&fixture);
		capture_begin();
		CHECK_NUMBER(tn_response_bytes_owned(fixture.request, cases[i].status,
		                                     cases[i].type, cases[i].data, 1, count_release,
		                                     &released) != NULL,
		             cases[i].made);
		capture_end();
		CU_ASSERT(!cases[i].made || !released);
		fixture_finish(&fixture);
		CHECK_NUMBER(released, 1);
	}
}

static void owned_bytes_are_released_once_at_any_lack_of_memory(void)
{
	for (size_t left = 0; left < 1024; left += 16) {
		struct tn_limits limits = tn_limits_default;
		struct fixture fixture;
		unsigned released = 0;
		const struct tn_response *response;

		limits.request_memory = 4096;
		fixture_init_with(&fixture, &limits);
		fixture_exhaust(&fixture);
		fixture.exchange->arena.limit += left;
		capture_begin();
		response = tn_response_bytes_owned(fixture.request, 200, "text/html", "x", 1,
		                                   count_release, &released);
		CHECK_NUMBER(capture_lines(capture_end(), ""), !response);
		CU_ASSERT(left > 0 || released == 1);
		CU_ASSERT(left < 1000 || (response && !released));
		fixture_finish(&fixture);
		CHECK_NUMBER(released, 1);
	}
}

static void text_that_is_not_there_gives_no_response(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	CU_ASSERT_PTR_NULL(tn_response_text(fixture.request, 200, NULL));
	CU_ASSERT_PTR_NULL(tn_response_text_static(fixture.request, 200, NULL));
	CU_ASSERT_PTR_NULL(tn_response_bytes(fixture.request, 200, NULL, NULL, 1));
	CU_ASSERT_PTR_NULL(tn_response_bytes_static(fixture.request, 200, NULL, NULL, 1));
	fixture_finish(&fixture);
}

static void a_bad_type_gives_no_response(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_response_bytes(fixture.request, 200, "a/b\r\nx: y", "x", 1));
	CHECK_NUMBER(capture_lines(capture_end(), "header 'Content-Type' refused"), 1);
	fixture_finish(&fixture);
}

static void a_response_that_is_none_is_500(void)
{
	CHECK_NUMBER(tn_response_status(NULL), 500);
	CHECK_TEXT(tn_response_body(NULL).data, "");
	CHECK_NUMBER(tn_response_body(NULL).size, 0);
}

static void a_caller_may_change_what_it_got(void)
{
	struct fixture fixture;
	struct tn_response *response;

	fixture_init(&fixture);
	response = tn_response_text(fixture.request, 200, "x");
	CU_ASSERT(tn_response_set_header(response, "Cache-Control", "no-store"));
	CHECK_TEXT(tn_response_header(response, "cache-control"), "no-store");
	CHECK_TEXT(tn_response_header(response, "content-type"), "text/plain;charset=UTF-8");
	CU_ASSERT(tn_response_set_header(response, "content-type", NULL));
	CHECK_NUMBER(tn_headers_count(tn_response_headers(response)), 1);
	fixture_finish(&fixture);
}

TEST_MAIN("message/response",
          TEST(a_text_is_plain_and_in_utf_8),
          TEST(bytes_have_the_type_that_was_given),
          TEST(a_new_response_has_neither_headers_nor_body),
          TEST(a_status_is_200_to_599),
          TEST(some_statuses_have_no_body),
          TEST(an_empty_text_without_a_body_has_no_type),
          TEST(a_status_without_body_is_not_set_over_a_body),
          TEST(a_body_is_not_set_under_a_status_without_one),
          TEST(what_belongs_to_no_request_is_none),
          TEST(owned_bytes_are_released_exactly_once),
          TEST(owned_bytes_are_released_once_at_any_lack_of_memory),
          TEST(text_that_is_not_there_gives_no_response),
          TEST(a_bad_type_gives_no_response),
          TEST(a_response_that_is_none_is_500),
          TEST(a_caller_may_change_what_it_got))
