#include "../../plugins/gateway.c" /* NOLINT(bugprone-suspicious-include) */

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
	struct tn_request *request = TN_TEST_REQUEST(
		test, "POST", "/a?b", TN_HEADER("x-custom-token", "t"), TN_BODY("body"));
	struct tn_response *response = fetch_from(&auth.service, &application.service, request);

	TN_ASSERT_STATUS(response, 201);
	TN_ASSERT_BODY(response, "hello");
	TN_ASSERT_CALLS(&auth, 1);
	TN_ASSERT_CALLS(&application, 1);
	for (unsigned i = 0; i < 2; i++) {
		const struct tn_request *got = i ? application.requests[0] : auth.requests[0];

		TN_ASSERT_TEXT(tn_request_method(got), "POST");
		TN_ASSERT_TEXT(tn_request_target(got), "/a?b");
		TN_ASSERT_TEXT(tn_request_header(got, "x-custom-token"), "t");
		TN_ASSERT_TEXT(tn_request_body(got).data, "body");
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

	TN_ASSERT_STATUS(response, 403);
	TN_ASSERT_BODY(response, "no");
	TN_ASSERT_CALLS(&auth, 1);
	TN_ASSERT_CALLS(&application, 0);
	tn_test_end(test);
}

static void only_a_200_lets_a_request_through(void)
{
	static const int statuses[] = { 201, 204, 206, 299, 301, 302, 400, 401, 404, 500, 503 };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct tn_test *test = tn_test_begin();
		struct tn_fake auth = TN_FAKE("auth", statuses[i], NULL);
		struct tn_fake application = TN_FAKE("application", 200, "hello");

		TN_ASSERT_STATUS(fetch_from(&auth.service, &application.service,
		                            tn_test_request(test, "GET", "/")),
		                 statuses[i]);
		TN_ASSERT_CALLS(&application, 0);
		tn_test_end(test);
	}
}

static void an_auth_that_fails_is_passed_on_as_500(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake auth = TN_FAKE_FAILS("auth");
	struct tn_fake application = TN_FAKE("application", 200, "hello");
	struct tn_response *response = fetch_from(&auth.service, &application.service,
	                                          tn_test_request(test, "GET", "/"));

	TN_ASSERT_NULL(response);
	TN_ASSERT_STATUS(response, 500);
	TN_ASSERT_CALLS(&application, 0);
	tn_test_end(test);
}

static void an_application_that_fails_is_passed_on_as_500(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake auth = TN_FAKE("auth", 200, "yes");
	struct tn_fake application = TN_FAKE_FAILS("application");

	TN_ASSERT_STATUS(fetch_from(&auth.service, &application.service,
	                            tn_test_request(test, "GET", "/")),
	                 500);
	TN_ASSERT_CALLS(&application, 1);
	tn_test_end(test);
}

/* An auth that changes all that it was given. */
static struct tn_response *meddle(struct tn_request *request, struct tn_fake *fake)
{
	(void)fake;
	TN_ASSERT_NUMBER(tn_request_set_header(request, "x-added", "1"), true);
	TN_ASSERT_NUMBER(tn_request_set_header(request, "x-custom-token", NULL), true);
	TN_ASSERT_NUMBER(tn_request_set_method(request, "DELETE"), true);
	TN_ASSERT_NUMBER(tn_request_set_url(request, "/changed"), true);
	TN_ASSERT_NUMBER(tn_request_set_body(request, "changed", 7), true);
	return tn_response_text(request, 200, "yes");
}

static void what_auth_does_to_its_request_does_not_show_to_the_application(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake auth = TN_FAKE_FUNCTION("auth", meddle, NULL);
	struct tn_fake application = TN_FAKE("application", 200, "hello");
	struct tn_request *request = TN_TEST_REQUEST(
		test, "POST", "/a", TN_HEADER("x-custom-token", "t"), TN_BODY("body"));

	TN_ASSERT_STATUS(fetch_from(&auth.service, &application.service, request), 200);
	TN_ASSERT_TEXT(tn_request_header(application.requests[0], "x-added"), NULL);
	TN_ASSERT_TEXT(tn_request_header(application.requests[0], "x-custom-token"), "t");
	TN_ASSERT_TEXT(tn_request_method(application.requests[0]), "POST");
	TN_ASSERT_TEXT(tn_request_target(application.requests[0]), "/a");
	TN_ASSERT_TEXT(tn_request_body(application.requests[0]).data, "body");
	tn_test_end(test);
}

static void the_slots_are_the_two_bindings(void)
{
	TN_ASSERT_NUMBER(tn_worker.slot_count, 2);
	TN_ASSERT_TEXT(tn_worker.slots[0].name, "auth");
	TN_ASSERT_TEXT(tn_worker.slots[1].name, "application");
	for (unsigned i = 0; i < 2; i++) {
		TN_ASSERT_NUMBER(tn_worker.slots[i].kind, TN_SLOT_SERVICE);
		TN_ASSERT_NUMBER(tn_worker.slots[i].flags, 0);
	}
}

TN_TEST_MAIN("plugins/gateway",
             TN_TEST(what_auth_allows_the_application_answers),
             TN_TEST(after_a_403_the_application_was_called_0_times),
             TN_TEST(only_a_200_lets_a_request_through),
             TN_TEST(an_auth_that_fails_is_passed_on_as_500),
             TN_TEST(an_application_that_fails_is_passed_on_as_500),
             TN_TEST(what_auth_does_to_its_request_does_not_show_to_the_application),
             TN_TEST(the_slots_are_the_two_bindings))
