#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"

#include <string.h>

static void count_release(void *counter)
{
	++*(unsigned *)counter;
}

static void check_body(struct tn_bytes body, const char *text)
{
	CHECK_TEXT(body.data, text);
	CHECK_NUMBER(body.size, strlen(text));
}

static void a_body_is_copied(void)
{
	struct fixture fixture;
	char data[] = "body and more";
	struct tn_response *response;

	fixture_init(&fixture);
	response = tn_response_bytes(fixture.request, 200, NULL, data, 4);
	CU_ASSERT(tn_request_set_body(fixture.request, data, 4));
	memset(data, '#', sizeof(data) - 1);
	check_body(tn_request_body(fixture.request), "body");
	check_body(tn_response_body(response), "body");
	CU_ASSERT(tn_response_set_body(response, data, 2));
	memset(data, '-', sizeof(data) - 1);
	check_body(tn_response_body(response), "##");
	fixture_finish(&fixture);
}

static void a_body_may_have_any_bytes(void)
{
	static const char data[] = "\0\r\n\xff\0";
	struct fixture fixture;
	struct tn_bytes body;

	fixture_init(&fixture);
	memset(tn_allocate(fixture.request, 1024), 'x', 1024);
	fixture_end(&fixture);
	fixture_begin(&fixture); /* in memory that is not zero by chance */
	CU_ASSERT(tn_request_set_body(fixture.request, data, 5));
	body = tn_request_body(fixture.request);
	CHECK_NUMBER(body.size, 5);
	CU_ASSERT(memcmp(body.data, "\0\r\n\xff\0", 6) == 0); /* and a NUL */
	fixture_finish(&fixture);
}

static void a_static_body_is_the_very_bytes(void)
{
	static const char data[] = "static";
	struct fixture fixture;
	struct tn_response *response;

	fixture_init(&fixture);
	CU_ASSERT(tn_request_set_body_static(fixture.request, data, 6));
	CU_ASSERT_PTR_EQUAL(tn_request_body(fixture.request).data, data);
	response = tn_response_bytes_static(fixture.request, 200, NULL, data, 6);
	CU_ASSERT_PTR_EQUAL(tn_response_body(response).data, data);
	response = tn_response_text_static(fixture.request, 200, data);
	CU_ASSERT_PTR_EQUAL(tn_response_body(response).data, data);
	response = tn_response_new(fixture.request, 200);
	CU_ASSERT(tn_response_set_body_static(response, data, 6));
	CU_ASSERT_PTR_EQUAL(tn_response_body(response).data, data);
	fixture_finish(&fixture);
}

static void an_owned_body_is_released_when_the_exchange_ends(void)
{
	static const char data[] = "owned";
	struct fixture fixture;
	struct tn_response *response;
	unsigned released = 0;

	fixture_init(&fixture);
	CU_ASSERT(tn_request_set_body_owned(fixture.request, data, 5, count_release, &released));
	CU_ASSERT_PTR_EQUAL(tn_request_body(fixture.request).data, data);
	response = tn_response_bytes_owned(fixture.request, 200, NULL, data, 5, count_release,
	                                   &released);
	CU_ASSERT_PTR_EQUAL(tn_response_body(response).data, data);
	CU_ASSERT(tn_response_set_body_owned(response, data, 5, count_release, &released));
	CHECK_NUMBER(released, 0);
	fixture_end(&fixture);
	CHECK_NUMBER(released, 3);
	fixture_begin(&fixture);
	fixture_finish(&fixture);
	CHECK_NUMBER(released, 3);
}

/* A caller may still hold what the request had before. */
static void a_body_that_was_replaced_is_kept_to_the_end(void)
{
	char data[] = "owned";
	struct fixture fixture;
	struct tn_bytes before;
	unsigned released = 0;

	fixture_init(&fixture);
	tn_request_set_body_owned(fixture.request, data, 5, count_release, &released);
	before = tn_request_body(fixture.request);
	CU_ASSERT(tn_request_set_body(fixture.request, "new", 3));
	CHECK_NUMBER(released, 0);
	check_body(before, "owned");
	check_body(tn_request_body(fixture.request), "new");
	fixture_finish(&fixture);
	CHECK_NUMBER(released, 1);
}

static void an_owned_body_need_not_be_released(void)
{
	static const char data[] = "owned";
	struct fixture fixture;

	fixture_init(&fixture);
	CU_ASSERT(tn_request_set_body_owned(fixture.request, data, 5, NULL, NULL));
	check_body(tn_request_body(fixture.request), "owned");
	fixture_finish(&fixture);
}

static void bytes_that_are_not_there_are_refused_and_released_at_once(void)
{
	struct fixture fixture;
	struct tn_response *response;
	unsigned released = 0;

	fixture_init(&fixture);
	response = tn_response_text(fixture.request, 200, "before");
	tn_request_set_body(fixture.request, "before", 6);
	CU_ASSERT(!tn_request_set_body(fixture.request, NULL, 1));
	CU_ASSERT(!tn_request_set_body_static(fixture.request, NULL, 1));
	CU_ASSERT(!tn_response_set_body(response, NULL, 1));
	CU_ASSERT(!tn_response_set_body_static(response, NULL, 1));
	CU_ASSERT(!tn_request_set_body_owned(fixture.request, NULL, 1, count_release, &released));
	CHECK_NUMBER(released, 1);
	CU_ASSERT(!tn_response_set_body_owned(response, NULL, 1, count_release, &released));
	CHECK_NUMBER(released, 2);
	CU_ASSERT(!tn_request_set_body_owned(NULL, "x", 1, count_release, &released));
	CHECK_NUMBER(released, 3);
	CU_ASSERT(!tn_response_set_body_owned(NULL, "x", 1, count_release, &released));
	CHECK_NUMBER(released, 4);
	check_body(tn_request_body(fixture.request), "before");
	check_body(tn_response_body(response), "before");
	fixture_finish(&fixture);
	CHECK_NUMBER(released, 4);
}

static void an_empty_body_is_an_empty_text(void)
{
	struct fixture fixture;
	unsigned released = 0;

	fixture_init(&fixture);
	tn_request_set_body(fixture.request, "before", 6);
	CU_ASSERT(tn_request_set_body(fixture.request, NULL, 0));
	check_body(tn_request_body(fixture.request), "");
	CU_ASSERT(tn_request_set_body_static(fixture.request, NULL, 0));
	check_body(tn_request_body(fixture.request), "");
	CU_ASSERT(tn_request_set_body_owned(fixture.request, "x", 0, count_release, &released));
	check_body(tn_request_body(fixture.request), "");
	CHECK_NUMBER(released, 0);
	fixture_finish(&fixture);
	CHECK_NUMBER(released, 1);
}

static void without_memory_a_body_is_refused_and_released_at_once(void)
{
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;
	struct tn_response *response;
	unsigned released = 0;

	limits.request_memory = 8192;
	fixture_init_with(&fixture, &limits);
	response = tn_response_text(fixture.request, 200, "before");
	tn_request_set_body(fixture.request, "before", 6);
	fixture_exhaust(&fixture);
	capture_begin();
	CU_ASSERT(!tn_request_set_body(fixture.request, "new", 3));
	CU_ASSERT(!tn_response_set_body(response, "new", 3));
	CU_ASSERT(!tn_request_set_body_owned(fixture.request, "new", 3, count_release, &released));
	CHECK_NUMBER(released, 1);
	CU_ASSERT(!tn_response_set_body_owned(response, "new", 3, count_release, &released));
	CHECK_NUMBER(released, 2);
	CHECK_NUMBER(capture_lines(capture_end(), ""), 1);
	check_body(tn_request_body(fixture.request), "before");
	check_body(tn_response_body(response), "before");
	fixture_finish(&fixture);
	CHECK_NUMBER(released, 2);
}

static void a_large_body_is_copied_once(void)
{
	enum {
		SIZE = 1024 * 1024
	};
	struct fixture fixture;
	size_t before;
	char *data = malloc(SIZE);

	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	memset(data, 'x', SIZE);
	fixture_init(&fixture);
	before = fixture.exchange->arena.used;
	CU_ASSERT(tn_request_set_body(fixture.request, data, SIZE));
	CHECK_NUMBER(fixture.exchange->arena.used - before, SIZE + 16);
	CU_ASSERT(memcmp(tn_request_body(fixture.request).data, data, SIZE) == 0);
	CHECK_NUMBER(tn_request_body(fixture.request).data[SIZE], '\0');
	fixture_finish(&fixture);
	free(data);
}

TEST_MAIN("message/body",
          TEST(a_body_is_copied),
          TEST(a_body_may_have_any_bytes),
          TEST(a_static_body_is_the_very_bytes),
          TEST(an_owned_body_is_released_when_the_exchange_ends),
          TEST(a_body_that_was_replaced_is_kept_to_the_end),
          TEST(an_owned_body_need_not_be_released),
          TEST(bytes_that_are_not_there_are_refused_and_released_at_once),
          TEST(an_empty_body_is_an_empty_text),
          TEST(without_memory_a_body_is_refused_and_released_at_once),
          TEST(a_large_body_is_copied_once))
