#include <tenon/test.h>

#include "cunit.h"
#include "framework/capture.h"

#include <string.h>

struct env {
	struct tn_service self;
	const struct tn_service *other;
	const struct tn_secret *TOKEN;
};

/* Changes the request after it was passed on, as a Worker may. */
static struct tn_response *worker(struct tn_request *request, const struct env *env)
{
	struct tn_response *response = tn_fetch(env->other, request);

	tn_request_set_header(request, "x-after", "1");
	return response;
}

TN_WORKER(worker, struct env, TN_SERVICE(other), TN_SECRET(TOKEN));

static char happened[8];

static void happen(void *letter)
{
	size_t size = strlen(happened);

	if (size < sizeof(happened) - 1) {
		happened[size] = *(const char *)letter;
		happened[size + 1] = '\0';
	}
}

static void a_path_is_one_of_localhost(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_request *request = tn_test_request(test, "POST", "/a?b");

	CHECK_TEXT(tn_request_method(request), "POST");
	CHECK_TEXT(tn_request_url(request), "http://localhost/a?b");
	CHECK_TEXT(tn_request_header(request, "host"), "localhost");
	CHECK_TEXT(tn_request_address(request), "127.0.0.1");
	CHECK_NUMBER(tn_request_body(request).size, 0);
	CHECK_NUMBER(strlen(tn_request_id(request)), 16);
	tn_test_end(test);
}

static void an_absolute_url_has_its_own_host(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_request *request = tn_test_request(test, "get", "https://example.com:8443/");

	CHECK_TEXT(tn_request_method(request), "GET");
	CHECK_TEXT(tn_request_url(request), "https://example.com:8443/");
	CHECK_TEXT(tn_request_header(request, "host"), "example.com:8443");
	tn_test_end(test);
}

static void a_request_that_cannot_be_is_null(void)
{
	struct tn_test *test = tn_test_begin();

	capture_begin();
	CU_ASSERT_PTR_NULL(tn_test_request(test, "GE T", "/"));
	CU_ASSERT_PTR_NULL(tn_test_request(test, "GET", "a"));
	CU_ASSERT_PTR_NULL(tn_test_request(test, NULL, "/"));
	CU_ASSERT_PTR_NULL(tn_test_request(test, "GET", NULL));
	CHECK_NUMBER(capture_lines(capture_end(), "refused"), 2);
	tn_test_end(test);
}

static void a_request_is_made_with_headers_and_a_body(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_request *request =
		TN_TEST_REQUEST(test, "POST", "/a?b", TN_HEADER("x-one", "1"), TN_BODY("text"),
	                        TN_HEADER("X-One", "2"), TN_HEADER("cookie", "c=d"));

	CHECK_TEXT(tn_request_method(request), "POST");
	CHECK_TEXT(tn_request_url(request), "http://localhost/a?b");
	CHECK_TEXT(tn_request_header(request, "x-one"), "1, 2");
	CHECK_TEXT(tn_request_cookie(request, "c"), "d");
	CHECK_TEXT(tn_request_body(request).data, "text");
	request = TN_TEST_REQUEST(test, "PUT", "/", TN_BODY_BYTES("a\0b", 3));
	CHECK_NUMBER(tn_request_body(request).size, 3);
	CHECK_NUMBER(memcmp(tn_request_body(request).data, "a\0b", 4), 0);
	CHECK_TEXT(tn_request_header(TN_TEST_REQUEST(test, "GET", "/"), "x-one"), NULL);
	tn_test_end(test);
}

static void a_part_that_is_refused_makes_no_request(void)
{
	struct tn_test *test = tn_test_begin();

	capture_begin();
	CU_ASSERT_PTR_NULL(TN_TEST_REQUEST(test, "GET", "/", TN_HEADER("a b", "1")));
	CU_ASSERT_PTR_NULL(TN_TEST_REQUEST(test, "GET", "/", TN_HEADER("a", "b\n")));
	CU_ASSERT_PTR_NULL(TN_TEST_REQUEST(test, "GE T", "/", TN_HEADER("a", "b")));
	CHECK_NUMBER(capture_lines(capture_end(), "refused"), 3);
	tn_test_end(test);
}

static void a_test_has_as_many_requests_as_it_makes(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_request *one = tn_test_request(test, "GET", "/one");
	struct tn_request *two = tn_test_request(test, "GET", "/two");

	tn_request_set_header(one, "x", "1");
	CHECK_TEXT(tn_request_header(two, "x"), NULL);
	CHECK_TEXT(tn_request_target(one), "/one");
	CHECK_TEXT(tn_request_id(one), tn_request_id(two));
	tn_test_end(test);
}

static void each_test_is_an_exchange_of_its_own(void)
{
	struct tn_test *one = tn_test_begin();
	struct tn_test *two = tn_test_begin();

	CU_ASSERT(strcmp(tn_request_id(tn_test_request(one, "GET", "/")),
	                 tn_request_id(tn_test_request(two, "GET", "/"))) != 0);
	tn_test_end(one);
	CHECK_TEXT(tn_request_target(tn_test_request(two, "GET", "/")), "/");
	tn_test_end(two);
}

static void a_secret_is_the_text(void)
{
	struct tn_test *test = tn_test_begin();
	const struct tn_secret *secret = tn_test_secret(test, "s3cret");

	CU_ASSERT(tn_secret_equals(secret, "s3cret"));
	CU_ASSERT(!tn_secret_equals(secret, "other"));
	CHECK_TEXT(tn_secret_reveal(secret).data, "s3cret");
	CU_ASSERT_PTR_NULL(tn_test_secret(test, NULL));
	tn_test_end(test);
}

static void the_end_does_what_was_left_for_it(void)
{
	char letters[] = "rw";
	struct tn_test *test = tn_test_begin();
	const struct tn_request *request = tn_test_request(test, "GET", "/");

	happened[0] = '\0';
	tn_defer(request, happen, letters);
	tn_wait_until(request, happen, letters + 1);
	CHECK_TEXT(happened, "");
	tn_test_end(test);
	CHECK_TEXT(happened, "wr");
	tn_test_end(NULL);
	CHECK_TEXT(happened, "wr");
}

static void what_was_left_can_be_done_before(void)
{
	char letters[] = "rw";
	struct tn_test *test = tn_test_begin();
	const struct tn_request *request = tn_test_request(test, "GET", "/");

	happened[0] = '\0';
	tn_defer(request, happen, letters);
	tn_wait_until(request, happen, letters + 1);
	tn_test_run_later(test);
	CHECK_TEXT(happened, "w");
	CHECK_TEXT(tn_request_path(request), "/");
	tn_test_end(test);
	CHECK_TEXT(happened, "wr");
}

static void it_tells_how_much_memory_is_taken(void)
{
	struct tn_test *test = tn_test_begin();
	const struct tn_request *request = tn_test_request(test, "GET", "/");
	size_t before = tn_test_memory(test);

	CU_ASSERT(before > 0 && before < 4096);
	tn_allocate(request, 100000);
	CU_ASSERT(tn_test_memory(test) >= before + 100000);
	CU_ASSERT(tn_test_memory(test) < before + 101000);
	CHECK_NUMBER(tn_test_memory(NULL), 0);
	tn_test_end(test);
}

static void the_worker_under_test_is_entered_as_by_a_host(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE("other", 0, NULL);
	const struct env env = { .self = TN_TEST_SELF, .other = &fake.service };
	struct tn_request *request = tn_test_request(test, "GET", "/");

	capture_begin();
	CHECK_NUMBER(tn_response_status(tn_fetch(&env.self, request)), 500);
	CHECK_NUMBER(capture_lines(capture_end(), "worker=self: returned NULL"), 1);
	CHECK_NUMBER(fake.calls, 1);
	tn_test_end(test);
}

static void all_calls_of_a_fetch_all_are_made_in_order(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake good = TN_FAKE("good", 200, "one"), failed = TN_FAKE("failed", 0, NULL);
	struct tn_request *request = tn_test_request(test, "GET", "/all");
	struct tn_call calls[] = {
		{ .service = &good.service, .request = request },
		{ .service = &failed.service, .request = request },
		{ .service = &good.service, .request = tn_request_new(request, "GET", "/2") },
		{ .service = NULL, .request = request },
	};

	CHECK_NUMBER(tn_fetch_all(request, calls, 4), 2);
	CHECK_TEXT(tn_response_body(calls[0].response).data, "one");
	CU_ASSERT_PTR_NULL(calls[1].response);
	CHECK_NUMBER(tn_response_status(calls[2].response), 200);
	CU_ASSERT_PTR_NULL(calls[3].response);
	CHECK_NUMBER(good.calls, 2);
	CHECK_TEXT(tn_request_path(good.requests[0]), "/all");
	CHECK_TEXT(tn_request_path(good.requests[1]), "/2");
	CHECK_NUMBER(failed.calls, 1);
	tn_test_end(test);
}

static void a_test_has_a_deadline_if_it_sets_one(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE("fake", 200, NULL);
	struct tn_request *request = tn_test_request(test, "GET", "/");
	struct tn_call call = { .service = &fake.service, .request = request };

	CU_ASSERT(tn_request_deadline(request) == INT64_MAX);
	CU_ASSERT(!tn_request_cancelled(request));
	tn_test_set_deadline(test, 1000000);
	CU_ASSERT(tn_request_deadline(request) > 0 && tn_request_deadline(request) <= 1000000);
	CU_ASSERT(!tn_request_cancelled(request));
	tn_test_set_deadline(test, 0);
	CU_ASSERT(tn_request_deadline(request) <= 0 && tn_request_cancelled(request));
	capture_begin();
	CHECK_NUMBER(tn_fetch_all(request, &call, 1), 0);
	CHECK_NUMBER(capture_lines(capture_end(), "1 of 1 calls had no answer by the deadline, "
	                                          "the first of 'fake'"),
	             1);
	CHECK_NUMBER(fake.calls, 0);
	tn_test_set_deadline(test, INT64_MAX);
	CU_ASSERT(tn_request_deadline(request) == INT64_MAX && !tn_request_cancelled(request));
	tn_test_end(test);
}

__attribute__((noinline)) static struct tn_response *answer_from_the_stack(
	const struct tn_request *request)
{
	char text[16] = "gone";

	return tn_response_text_static(request, 200, text);
}

/* The test's own arrays are still there when it looks at the response. */
static void a_body_on_the_workers_stack_is_refused(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_request *request = tn_test_request(test, "GET", "/");
	char own[16] = "own";

	capture_begin();
	CU_ASSERT_PTR_NULL(answer_from_the_stack(request));
	CHECK_NUMBER(capture_lines(capture_end(), "body refused: it lies on the stack"), 1);
	CHECK_NUMBER(tn_response_status(tn_response_text_static(request, 200, own)), 200);
	tn_test_end(test);
}

static void a_test_may_be_cancelled(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_request *request = tn_test_request(test, "GET", "/");

	tn_test_cancel(test);
	CU_ASSERT(tn_request_cancelled(request));
	CU_ASSERT(tn_request_deadline(request) == INT64_MAX);
	tn_test_end(test);
}

TEST_MAIN("kit/test",
          TEST(a_path_is_one_of_localhost),
          TEST(an_absolute_url_has_its_own_host),
          TEST(a_request_that_cannot_be_is_null),
          TEST(a_request_is_made_with_headers_and_a_body),
          TEST(a_part_that_is_refused_makes_no_request),
          TEST(a_test_has_as_many_requests_as_it_makes),
          TEST(each_test_is_an_exchange_of_its_own),
          TEST(a_secret_is_the_text),
          TEST(the_end_does_what_was_left_for_it),
          TEST(what_was_left_can_be_done_before),
          TEST(it_tells_how_much_memory_is_taken),
          TEST(the_worker_under_test_is_entered_as_by_a_host),
          TEST(all_calls_of_a_fetch_all_are_made_in_order),
          TEST(a_test_has_a_deadline_if_it_sets_one),
          TEST(a_body_on_the_workers_stack_is_refused),
          TEST(a_test_may_be_cancelled))
