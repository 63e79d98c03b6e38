#include <tenon/test.h>

#include "cunit.h"
#include "framework/capture.h"

struct env {
	struct tn_service self;
	const struct tn_service *other;
};

/* Changes the request after it was passed on, as a Worker may. */
static struct tn_response *worker(struct tn_request *request, const struct env *env)
{
	struct tn_response *response = tn_fetch(env->other, request);

	tn_request_set_header(request, "x-after", "1");
	return response;
}

TN_WORKER(worker, struct env, TN_SERVICE(other));

static void a_fake_answers_the_same_each_time_and_counts(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE("auth", 403, "no");
	struct tn_request *request = tn_test_request(test, "GET", "/");

	CHECK_TEXT(fake.service.name, "auth");
	for (unsigned i = 1; i <= 3; i++) {
		struct tn_response *response = tn_fetch(&fake.service, request);

		CHECK_NUMBER(tn_response_status(response), 403);
		CHECK_TEXT(tn_response_body(response).data, "no");
		CHECK_TEXT(tn_response_header(response, "content-type"),
		           "text/plain;charset=UTF-8");
		CHECK_NUMBER(fake.calls, i);
	}
	fake.status = 204;
	fake.body = NULL;
	CHECK_NUMBER(tn_response_status(tn_fetch(&fake.service, request)), 204);
	fake.status = 0;
	CU_ASSERT_PTR_NULL(tn_fetch(&fake.service, request));
	CHECK_NUMBER(fake.calls, 5);
	tn_test_end(test);
}

static void a_fake_has_headers(void)
{
	static struct tn_fake fake = TN_FAKE("auth", 200, "{}", TN_HEADER("Set-Cookie", "a=1"),
	                                     TN_HEADER("content-type", "application/json"),
	                                     TN_HEADER("set-cookie", "b=2"));
	struct tn_test *test = tn_test_begin();
	struct tn_response *response = tn_fetch(&fake.service, tn_test_request(test, "GET", "/"));
	struct tn_header header = { 0 };

	CHECK_TEXT(tn_response_header(response, "content-type"), "application/json");
	CU_ASSERT(tn_headers_next(tn_response_headers(response), &header));
	CU_ASSERT(tn_headers_next(tn_response_headers(response), &header));
	CHECK_TEXT(header.value, "a=1");
	CU_ASSERT(tn_headers_next(tn_response_headers(response), &header));
	CHECK_TEXT(header.value, "b=2");
	CU_ASSERT(!tn_headers_next(tn_response_headers(response), &header));
	tn_test_end(test);
}

static void a_header_that_is_refused_is_a_failure(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE("auth", 200, NULL, TN_HEADER("a b", "c"));

	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&fake.service, tn_test_request(test, "GET", "/")));
	CHECK_NUMBER(capture_lines(capture_end(), "header 'a b' refused"), 1);
	tn_test_end(test);
}

static void one_that_fails_gives_null(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE_FAILS("auth");

	CU_ASSERT_PTR_NULL(tn_fetch(&fake.service, tn_test_request(test, "GET", "/")));
	CHECK_NUMBER(fake.calls, 1);
	tn_test_end(test);
}

/* Busy at first, as its argument says. */
static struct tn_response *answer(struct tn_request *request, struct tn_fake *fake)
{
	const unsigned *busy = fake->argument;

	CU_ASSERT_PTR_NOT_EQUAL(fake->requests[fake->calls - 1], request);
	CHECK_TEXT(tn_request_path(fake->requests[fake->calls - 1]), tn_request_path(request));
	return tn_response_new(request, fake->calls <= *busy ? 503 : 200);
}

static void a_function_answers_as_it_likes(void)
{
	unsigned busy = 2;
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE_FUNCTION("auth", answer, &busy);
	struct tn_request *request = tn_test_request(test, "GET", "/a");

	CHECK_NUMBER(tn_response_status(tn_fetch(&fake.service, request)), 503);
	CHECK_NUMBER(tn_response_status(tn_fetch(&fake.service, request)), 503);
	CHECK_NUMBER(tn_response_status(tn_fetch(&fake.service, request)), 200);
	CHECK_NUMBER(fake.calls, 3);
	tn_test_end(test);
}

static void a_fake_that_gets_no_request_was_not_called(void)
{
	struct tn_fake fake = TN_FAKE("auth", 200, "yes");

	CU_ASSERT_PTR_NULL(tn_fetch(&fake.service, NULL));
	CHECK_NUMBER(fake.calls, 0);
	CU_ASSERT_PTR_NULL(fake.requests[0]);
}

static void a_fake_keeps_requests_as_they_came(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE("other", 200, "yes");
	const struct env env = { .self = TN_TEST_SELF, .other = &fake.service };
	struct tn_request *request = tn_test_request(test, "GET", "/first");

	tn_request_set_body(request, "body", 4);
	tn_fetch(&env.self, request);
	tn_request_set_url(request, "/second");
	tn_fetch(&env.self, request);
	CHECK_NUMBER(fake.calls, 2);
	CHECK_TEXT(tn_request_target(fake.requests[0]), "/first");
	CHECK_TEXT(tn_request_header(fake.requests[0], "x-after"), NULL);
	CHECK_TEXT(tn_request_body(fake.requests[0]).data, "body");
	CHECK_TEXT(tn_request_target(fake.requests[1]), "/second");
	CHECK_TEXT(tn_request_header(fake.requests[1], "x-after"), "1");
	CU_ASSERT_PTR_NULL(fake.requests[2]);
	tn_test_end(test);
}

#define MANY 5000u

static void a_fake_keeps_all_requests(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE_FAILS("auth");
	struct tn_request *request = tn_test_request(test, "GET", "/");

	for (unsigned i = 0; i < MANY; i++) {
		tn_request_set_url(request, i % 2 ? "/odd" : "/even");
		tn_fetch(&fake.service, request);
	}
	CHECK_NUMBER(fake.calls, MANY);
	for (unsigned i = 0; i < MANY; i++)
		if (!CHECK_TEXT(tn_request_path(fake.requests[i]), i % 2 ? "/odd" : "/even"))
			break;
	CU_ASSERT_PTR_NULL(fake.requests[MANY]);
	tn_test_end(test);
}

static void without_memory_it_counts_on(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE_FAILS("auth");
	struct tn_request *request = tn_test_request(test, "GET", "/");

	tn_fetch(&fake.service, request);
	capture_begin();
	for (size_t size = (size_t)16 << 20; size; size /= 2)
		while (tn_allocate(request, size))
			;
	for (unsigned i = 0; i < 100; i++)
		tn_fetch(&fake.service, request);
	capture_end();
	CHECK_NUMBER(fake.calls, 101);
	CHECK_TEXT(tn_request_path(fake.requests[0]), "/");
	CU_ASSERT_PTR_NULL(fake.requests[1]);
	tn_test_end(test);
}

static void in_another_test_it_begins_anew(void)
{
	struct tn_fake fake = TN_FAKE("auth", 200, "yes");

	for (unsigned i = 0; i < 2; i++) {
		struct tn_test *test = tn_test_begin();

		tn_fetch(&fake.service, tn_test_request(test, "GET", i ? "/b" : "/a"));
		CHECK_NUMBER(fake.calls, 1);
		CHECK_TEXT(tn_request_path(fake.requests[0]), i ? "/b" : "/a");
		CU_ASSERT_PTR_NULL(fake.requests[1]);
		tn_test_end(test);
	}
}

/* Through the fetch of a fake, which would take any service for one. */
static void the_fetch_of_a_fake_refuses_another_service(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE("auth", 200, "yes");
	const struct env env = { .self = TN_TEST_SELF, .other = &fake.service };
	struct tn_request *request = tn_test_request(test, "GET", "/");
	const char *log;

	capture_begin();
	CU_ASSERT_PTR_NULL(fake.service.fetch(request, &env.self));
	CU_ASSERT_PTR_NULL(fake.service.fetch(request, NULL));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "the fetch of '(fake)' was called with another service, "
	                                "'self': call service->fetch(request, service)"),
	             1);
	CHECK_NUMBER(capture_lines(log, "'(none)'"), 1);
	CHECK_NUMBER(fake.calls, 0);
	tn_test_end(test);
}

TEST_MAIN("kit/fake",
          TEST(a_fake_answers_the_same_each_time_and_counts),
          TEST(a_fake_has_headers),
          TEST(a_header_that_is_refused_is_a_failure),
          TEST(one_that_fails_gives_null),
          TEST(a_function_answers_as_it_likes),
          TEST(a_fake_that_gets_no_request_was_not_called),
          TEST(a_fake_keeps_requests_as_they_came),
          TEST(a_fake_keeps_all_requests),
          TEST(without_memory_it_counts_on),
          TEST(in_another_test_it_begins_anew),
          TEST(the_fetch_of_a_fake_refuses_another_service))
