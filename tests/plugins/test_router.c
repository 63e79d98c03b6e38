#include "../../plugins/router.c" /* NOLINT(bugprone-suspicious-include) */

#include "cunit.h"

#include <tenon/test.h>

/* An env in which no path is given. */
#define NO_PATHS \
	.self = TN_TEST_SELF, .path1 = "", .path2 = "", .path3 = "", .path4 = "", .path5 = "", \
	.path6 = "", .path7 = "", .path8 = ""

/* What answers a request for the path: the status tells. */
static int ask(struct env env, const char *path)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake first = TN_FAKE("first", 201, NULL);
	struct tn_fake second = TN_FAKE("second", 202, NULL);
	struct tn_fake last = TN_FAKE("last", 203, NULL);
	struct tn_fake other = TN_FAKE("other", 299, NULL);
	int status;

	env.to1 = &first.service;
	env.to2 = &second.service;
	env.to8 = &last.service;
	env.other = env.other ? &other.service : NULL;
	status = tn_response_status(tn_fetch(&env.self, tn_test_request(test, "GET", path)));
	tn_test_end(test);
	return status;
}

static void an_exact_path_is_that_path_alone(void)
{
	struct env env = { NO_PATHS };

	env.path1 = "/shop";
	CHECK_NUMBER(ask(env, "/shop"), 201);
	CHECK_NUMBER(ask(env, "/shop?q=1"), 201);
	CHECK_NUMBER(ask(env, "/shop/"), 404);
	CHECK_NUMBER(ask(env, "/sho"), 404);
	CHECK_NUMBER(ask(env, "/Shop"), 404);
}

static void a_star_matches_all_that_begins_so(void)
{
	struct env env = { NO_PATHS };

	env.path1 = "/api/*";
	CHECK_NUMBER(ask(env, "/api/"), 201);
	CHECK_NUMBER(ask(env, "/api/1/2"), 201);
	CHECK_NUMBER(ask(env, "/api"), 404);
	CHECK_NUMBER(ask(env, "/ap"), 404);
}

static void the_longest_path_wins_in_any_order(void)
{
	struct env env = { NO_PATHS };

	env.path1 = "/a/b*";
	env.path2 = "/*";
	env.path8 = "/a/b";
	CHECK_NUMBER(ask(env, "/a/b"), 203); /* an exact one before the same with a star */
	CHECK_NUMBER(ask(env, "/a/bc"), 201);
	CHECK_NUMBER(ask(env, "/a"), 202);
	env.path2 = "/a/b*";
	env.path1 = "/*";
	CHECK_NUMBER(ask(env, "/a/b"), 203);
	CHECK_NUMBER(ask(env, "/a/bc"), 202);
	CHECK_NUMBER(ask(env, "/a"), 201);
}

static void what_no_path_matches_is_for_the_other(void)
{
	static const struct tn_service given = { 0 };
	struct env env = { NO_PATHS };

	env.path1 = "/a";
	CHECK_NUMBER(ask(env, "/b"), 404);
	env.other = &given;
	CHECK_NUMBER(ask(env, "/b"), 299);
	CHECK_NUMBER(ask(env, "/a"), 201);
}

static void the_request_goes_on_as_it_came(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE("shop", 200, "bought");
	struct env env = { NO_PATHS };
	struct tn_request *request = tn_test_request(test, "POST", "/shop/1?a=b");

	env.path5 = "/shop*";
	env.to5 = &fake.service;
	tn_request_set_body(request, "body", 4);
	CHECK_TEXT(tn_response_body(tn_fetch(&env.self, request)).data, "bought");
	CHECK_TEXT(tn_request_method(fake.requests[0]), "POST");
	CHECK_TEXT(tn_request_target(fake.requests[0]), "/shop/1?a=b");
	CHECK_TEXT(tn_request_body(fake.requests[0]).data, "body");
	tn_test_end(test);
}

static void one_that_fails_is_passed_on_as_500(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake fake = TN_FAKE("shop", 0, NULL);
	struct env env = { NO_PATHS };

	env.path1 = "/*";
	env.to1 = &fake.service;
	CU_ASSERT_PTR_NULL(tn_fetch(&env.self, tn_test_request(test, "GET", "/")));
	tn_test_end(test);
}

static void a_configuration_that_is_wrong_does_not_start(void)
{
	static const struct tn_service given = { 0 };
	struct env env = { NO_PATHS };

	CHECK_TEXT(start(&env), NULL);
	env.path3 = "/a";
	CHECK_TEXT(start(&env), "path 3 has a path and no binding: write service.to3");
	env.to3 = &given;
	CHECK_TEXT(start(&env), NULL);
	env.to8 = &given;
	CHECK_TEXT(start(&env), "path 8 has a binding and no path: write var.path8");
	env.path8 = "/a";
	CHECK_TEXT(start(&env), "path 8 is the same as one before it: var.path8");
	env.path8 = "a";
	CHECK_TEXT(start(&env), "path 8 does not begin with '/': var.path8");
	env.path8 = "/*/a";
	CHECK_TEXT(start(&env), "path 8 has a '*' that is not its end: var.path8");
	env.path8 = "/a*";
	CHECK_TEXT(start(&env), NULL);
}

TEST_MAIN("plugins/router",
          TEST(an_exact_path_is_that_path_alone),
          TEST(a_star_matches_all_that_begins_so),
          TEST(the_longest_path_wins_in_any_order),
          TEST(what_no_path_matches_is_for_the_other),
          TEST(the_request_goes_on_as_it_came),
          TEST(one_that_fails_is_passed_on_as_500),
          TEST(a_configuration_that_is_wrong_does_not_start))
