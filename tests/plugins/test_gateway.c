#include "../../plugins/gateway.c" /* NOLINT(bugprone-suspicious-include) */

#include "cunit.h"

#include <tenon/test.h>

static struct tn_response *fetch_from(const struct tn_service *auth,
                                      const struct tn_service *application,
                                      struct tn_request *request)
{
	const struct env env = { .self = TN_TEST_SELF, .auth = auth, .application = application };

	return tn_fetch(&env.self, request);
}

static void what_auth_allows_the_application_answers(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake auth = TN_FAKE("auth", 200, "Request allowed");
	struct tn_fake application = TN_FAKE("application", 201, "hello");
	struct tn_request *request = tn_test_request(test, "POST", "/a?b");
	struct tn_response *response;

	tn_request_set_header(request, "x-custom-token", "t");
	tn_request_set_body(request, "body", 4);
	response = fetch_from(&auth.service, &application.service, request);
	CHECK_NUMBER(tn_response_status(response), 201);
	CHECK_TEXT(tn_response_body(response).data, "hello");
	CHECK_NUMBER(auth.calls, 1);
	CHECK_NUMBER(application.calls, 1);
	for (unsigned i = 0; i < 2; i++) {
		const struct tn_request *got = i ? application.requests[0] : auth.requests[0];

		CHECK_TEXT(tn_request_method(got), "POST");
		CHECK_TEXT(tn_request_target(got), "/a?b");
		CHECK_TEXT(tn_request_header(got, "x-custom-token"), "t");
		CHECK_TEXT(tn_request_body(got).data, "body");
	}
	tn_test_end(test);
}

static void after_a_403_the_application_was_called_0_times(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake auth = TN_FAKE("auth", 403, "no");
	struct tn_fake application = TN_FAKE("application", 200, "hello");
	struct tn_response *response = fetch_from(&auth.service, &application.service,
	                                          tn_test_request(test, "GET", "/"));

	CHECK_NUMBER(tn_response_status(response), 403);
	CHECK_TEXT(tn_response_body(response).data, "no");
	CHECK_NUMBER(auth.calls, 1);
	CHECK_NUMBER(application.calls, 0);
	tn_test_end(test);
}

static void only_a_200_lets_a_request_through(void)
{
	static const int statuses[] = { 201, 204, 206, 299, 301, 302, 400, 401, 404, 500, 503 };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct tn_test *test = tn_test_begin();
		struct tn_fake auth = TN_FAKE("auth", statuses[i], NULL);
		struct tn_fake application = TN_FAKE("application", 200, "hello");

		CHECK_NUMBER(tn_response_status(fetch_from(&auth.service, &application.service,
		                                           tn_test_request(test, "GET", "/"))),
		             statuses[i]);
		CHECK_NUMBER(application.calls, 0);
		tn_test_end(test);
	}
}

static void an_auth_that_fails_is_passed_on_as_500(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake auth = TN_FAKE("auth", 0, NULL);
	struct tn_fake application = TN_FAKE("application", 200, "hello");
	struct tn_response *response = fetch_from(&auth.service, &application.service,
	                                          tn_test_request(test, "GET", "/"));

	CU_ASSERT_PTR_NULL(response);
	CHECK_NUMBER(tn_response_status(response), 500);
	CHECK_NUMBER(application.calls, 0);
	tn_test_end(test);
}

static void an_application_that_fails_is_passed_on_as_500(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake auth = TN_FAKE("auth", 200, "yes");
	struct tn_fake application = TN_FAKE("application", 0, NULL);

	CHECK_NUMBER(tn_response_status(fetch_from(&auth.service, &application.service,
	                                           tn_test_request(test, "GET", "/"))),
	             500);
	CHECK_NUMBER(application.calls, 1);
	tn_test_end(test);
}

/* An auth that changes all that it was given. */
static struct tn_response *meddle(struct tn_request *request, const struct tn_service *service)
{
	(void)service;
	CU_ASSERT(tn_request_set_header(request, "x-added", "1"));
	CU_ASSERT(tn_request_set_header(request, "x-custom-token", NULL));
	CU_ASSERT(tn_request_set_method(request, "DELETE"));
	CU_ASSERT(tn_request_set_url(request, "/changed"));
	CU_ASSERT(tn_request_set_body(request, "changed", 7));
	return tn_response_text(request, 200, "yes");
}

static void what_auth_does_to_its_request_does_not_show_to_the_application(void)
{
	static const struct tn_service auth = { .fetch = meddle, .name = "auth" };
	struct tn_test *test = tn_test_begin();
	struct tn_fake application = TN_FAKE("application", 200, "hello");
	struct tn_request *request = tn_test_request(test, "POST", "/a");

	tn_request_set_header(request, "x-custom-token", "t");
	tn_request_set_body(request, "body", 4);
	CHECK_NUMBER(tn_response_status(fetch_from(&auth, &application.service, request)), 200);
	CHECK_TEXT(tn_request_header(application.requests[0], "x-added"), NULL);
	CHECK_TEXT(tn_request_header(application.requests[0], "x-custom-token"), "t");
	CHECK_TEXT(tn_request_method(application.requests[0]), "POST");
	CHECK_TEXT(tn_request_target(application.requests[0]), "/a");
	CHECK_TEXT(tn_request_body(application.requests[0]).data, "body");
	tn_test_end(test);
}

static void the_slots_are_the_two_bindings(void)
{
	CHECK_NUMBER(tn_worker.slot_count, 2);
	CHECK_TEXT(tn_worker.slots[0].name, "auth");
	CHECK_TEXT(tn_worker.slots[1].name, "application");
	for (unsigned i = 0; i < 2; i++) {
		CHECK_NUMBER(tn_worker.slots[i].kind, TN_SLOT_SERVICE);
		CHECK_NUMBER(tn_worker.slots[i].flags, 0);
	}
}

TEST_MAIN("plugins/gateway",
          TEST(what_auth_allows_the_application_answers),
          TEST(after_a_403_the_application_was_called_0_times),
          TEST(only_a_200_lets_a_request_through),
          TEST(an_auth_that_fails_is_passed_on_as_500),
          TEST(an_application_that_fails_is_passed_on_as_500),
          TEST(what_auth_does_to_its_request_does_not_show_to_the_application),
          TEST(the_slots_are_the_two_bindings))
