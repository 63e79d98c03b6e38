/* Real Workers, without a host: plugins/ and tests/fixtures/, as they are built. */
#include <tenon/test.h>

#include "framework/capture.h"
#include "framework/deploy/scratch.h"

static struct scratch scratch;

/* The path of a configuration with that text, in which %s is where things are built. */
static const char *written(const char *format)
{
	char text[4096];
	char directory[PATH_MAX];

	CU_ASSERT_FATAL(snprintf(directory, sizeof(directory), "%s", built("")) < PATH_MAX);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), format, directory, directory);
#pragma GCC diagnostic pop
	scratch_begin(&scratch);
	return scratch_write(&scratch, "x.ini", 0600, text, strlen(text));
}

/* The errors without the directory of the configuration, which is another each time. */
static const char *plain(const struct tn_test_deployment *deployment)
{
	static char text[4096];
	const char *from = tn_test_errors(deployment);
	size_t size = strlen(scratch.directory);
	size_t used = 0;

	while (*from && used < sizeof(text) - 1) {
		if (strncmp(from, scratch.directory, size) == 0 && from[size] == '/')
			from += size + 1;
		text[used++] = *from++;
	}
	text[used] = '\0';
	return text;
}

#define CHAIN \
	"[host]\nmodules = %s/plugins\n" \
	"[worker gateway]\nroute = /*\nservice.auth = auth\nservice.application = application\n" \
	"[worker application]\nvar.GREETING = Hello\n" \
	"[worker auth]\nsecret.SECRET_TOKEN = env:TENON_TEST_TOKEN\n" \
	"[worker application@staging]\nvar.GREETING = Hello from staging\n"

static struct tn_response *get(const struct tn_test_deployment *deployment, struct tn_test *test,
                               const char *whom, const char *token)
{
	return tn_test_fetch(deployment, whom,
	                     TN_TEST_REQUEST(test, "GET", "/", TN_HEADER("x-custom-token", token)));
}

/* ---- One module ---------------------------------------------------------------------------- */

static void a_module_is_loaded_with_what_is_given(void)
{
	struct tn_fake auth = TN_FAKE("auth", 200, "yes");
	struct tn_fake application = TN_FAKE_FAILS("application");
	struct tn_test_deployment *deployment =
		tn_test_load(built("plugins/gateway.so"), TN_WITH_FAKE("auth", &auth),
	                     TN_WITH_FAKE("application", &application));
	struct tn_test *test = tn_test_begin();

	TN_ASSERT_DEPLOYED(deployment);
	TN_ASSERT_NULL(get(deployment, test, "gateway", "t"));
	TN_ASSERT_CALLS(&auth, 1);
	TN_ASSERT_TEXT(tn_request_header(auth.requests[0], "x-custom-token"), "t");
	TN_ASSERT_CALLS(&application, 1);
	tn_test_end(test);
	tn_test_undeploy(deployment);
}

static void vars_and_secrets_are_given_by_name(void)
{
	struct tn_test_deployment *application = tn_test_load(built("plugins/application.so"),
	                                                      TN_WITH_VAR("GREETING", "a ; \"b\""));
	struct tn_test_deployment *auth =
		tn_test_load(built("plugins/auth.so"), TN_WITH_SECRET("SECRET_TOKEN", "s3cret"));
	struct tn_test *test = tn_test_begin();

	TN_ASSERT_DEPLOYED(application);
	TN_ASSERT_BODY(get(application, test, NULL, ""), "a ; \"b\"\n");
	TN_ASSERT_DEPLOYED(auth);
	TN_ASSERT_STATUS(get(auth, test, "auth", "s3cret"), 200);
	TN_ASSERT_STATUS(get(auth, test, "auth", "other"), 403);
	tn_test_end(test);
	tn_test_undeploy(application);
	tn_test_undeploy(auth);
}

static void check_load_error(const char *module, const struct tn_test_given *given,
                             const char *expected)
{
	struct tn_test_deployment *deployment = tn_test_load_with(built(module), given);
	struct tn_test *test = tn_test_begin();

	if (!strstr(tn_test_errors(deployment), expected))
		CHECK_TEXT(tn_test_errors(deployment), expected);
	capture_begin();
	TN_ASSERT_NULL(get(deployment, test, NULL, ""));
	CHECK_NUMBER(capture_lines(capture_end(), "tn_test_fetch: nothing is deployed:"), 1);
	tn_test_end(test);
	tn_test_undeploy(deployment);
}

#define GIVEN(...) ((const struct tn_test_given[]){ __VA_ARGS__, { .kind = TN_GIVEN_END } })
#define NOTHING GIVEN(TN_WITH_ENVIRONMENT(NULL))

static void errors_are_the_hosts_own(void)
{
	check_load_error("plugins/none.so", NOTHING,
	                 "plugins/none.so: worker 'none': module '");
	check_load_error("plugins/none.so", NOTHING, "there is no such file: build it");
	check_load_error("plugins/auth.so", NOTHING,
	                 "needs this binding: add `secret.SECRET_TOKEN = env:NAME, or file:PATH`");
	check_load_error("tests/fixtures/mistake_abi.so", NOTHING,
	                 "it was built for ABI 99.7, and this host has ABI ");
	check_load_error("tests/fixtures/mistake_gap.so", NOTHING,
	                 "after 'GREETING', have none: TN_WORKER's list is to name every field");
	check_load_error("plugins/application.so", GIVEN(TN_WITH_VAR("GRETING", "a")),
	                 "(the test): worker 'application': var.GRETING: module '");
	check_load_error("plugins/application.so", GIVEN(TN_WITH_VAR("GRETING", "a")),
	                 "declares no such binding (did you mean 'var.GREETING'?)");
	check_load_error("plugins/application.so", GIVEN(TN_WITH_VAR("application.GREETING", "a")),
	                 "(the test): 'application.GREETING' is given: name it as its field in the "
	                 "env, without a Worker");
	check_load_error("tests/fixtures/mistake_start.so", GIVEN(TN_WITH_VAR("DO", "fail")),
	                 "worker 'mistake_start': start: the database does not answer");
}

/* ---- A configuration ----------------------------------------------------------------------- */

static void several_workers_are_linked(void)
{
	struct tn_test_deployment *deployment;
	struct tn_test *test = tn_test_begin();

	setenv("TENON_TEST_TOKEN", "open sesame", 1);
	for (int i = 0; i < 2; i++) {
		deployment = tn_test_deploy(written(CHAIN));
		TN_ASSERT_DEPLOYED(deployment);
		TN_ASSERT_BODY(get(deployment, test, NULL, "open sesame"), "Hello\n");
		TN_ASSERT_STATUS(get(deployment, test, "gateway", "other"), 403);
		TN_ASSERT_STATUS(get(deployment, test, "auth", "open sesame"), 200);
		CHECK_TEXT(getenv("TENON_TEST_TOKEN"), "open sesame");
		tn_test_undeploy(deployment);
		scratch_end(&scratch);
	}
	unsetenv("TENON_TEST_TOKEN");
	tn_test_end(test);
}

static void what_is_given_takes_the_place_of_what_is_written(void)
{
	struct tn_test_deployment *deployment =
		tn_test_deploy(written(CHAIN), TN_WITH_SECRET("auth.SECRET_TOKEN", "a"),
	                       TN_WITH_VAR("application.GREETING", "Hi"));
	struct tn_test *test = tn_test_begin();

	TN_ASSERT_DEPLOYED(deployment);
	TN_ASSERT_BODY(get(deployment, test, "/x", "a"), "Hi\n");
	tn_test_end(test);
	tn_test_undeploy(deployment);
	scratch_end(&scratch);
}

/* Neither its module, which is not there, nor its secret is missed. */
static void a_fake_leaves_out_what_it_stands_for(void)
{
	static const char text[] = "[host]\nmodules = %s/plugins\n"
				   "[worker gateway]\nroute = /*\nservice.auth = auth\n"
				   "service.application = application\n[worker application]\n"
				   "[worker auth]\nmodule = none.so\n"
				   "secret.SECRET_TOKEN = file:none\n";
	struct tn_fake auth = TN_FAKE("auth", 200, "yes");
	struct tn_test_deployment *deployment =
		tn_test_deploy(written(text), TN_WITH_FAKE("gateway.auth", &auth));
	struct tn_test *test = tn_test_begin();

	TN_ASSERT_DEPLOYED(deployment);
	TN_ASSERT_STATUS(get(deployment, test, NULL, "t"), 200);
	TN_ASSERT_CALLS(&auth, 1);
	capture_begin();
	TN_ASSERT_NULL(get(deployment, test, "auth", "t"));
	CHECK_TEXT(capture_end(), "tn_test_fetch: worker 'auth' is not loaded: no route leads to "
	                          "it, and nobody binds it: give it a route, or bind it\n");
	tn_test_end(test);
	tn_test_undeploy(deployment);
	scratch_end(&scratch);
}

static void any_binding_can_be_replaced_and_put_back(void)
{
	struct tn_fake auth = TN_FAKE("auth", 200, "yes"), other = TN_FAKE("other", 418, "tea");
	struct tn_test_deployment *deployment =
		tn_test_deploy(written(CHAIN), TN_WITH_SECRET("auth.SECRET_TOKEN", "a"));
	struct tn_test *test = tn_test_begin();

	CU_ASSERT(tn_test_replace(deployment, "gateway", "auth", &auth));
	CU_ASSERT(tn_test_replace(deployment, "gateway", "application", &other));
	TN_ASSERT_STATUS(get(deployment, test, NULL, "wrong"), 418);
	CU_ASSERT(tn_test_replace(deployment, "gateway", "application", &auth));
	TN_ASSERT_BODY(get(deployment, test, NULL, "wrong"), "yes");
	TN_ASSERT_CALLS(&auth, 3);
	TN_ASSERT_CALLS(&other, 1);
	CU_ASSERT(tn_test_replace(deployment, "gateway", "auth", NULL));
	CU_ASSERT(tn_test_replace(deployment, "gateway", "application", NULL));
	TN_ASSERT_STATUS(get(deployment, test, NULL, "wrong"), 403);
	TN_ASSERT_BODY(get(deployment, test, NULL, "a"), "Hello\n");
	TN_ASSERT_CALLS(&auth, 3);
	tn_test_end(test);
	tn_test_undeploy(deployment);
	scratch_end(&scratch);
}

static void a_binding_that_is_none_is_told(void)
{
	struct tn_fake fake = TN_FAKE_FAILS("fake");
	struct tn_test_deployment *deployment =
		tn_test_deploy(written(CHAIN), TN_WITH_SECRET("auth.SECRET_TOKEN", "a"));
	const char *told;

	capture_begin();
	CU_ASSERT(!tn_test_replace(deployment, "gateway", "atuh", &fake));
	CU_ASSERT(!tn_test_replace(deployment, "gatway", "auth", &fake));
	CU_ASSERT_PTR_NULL(tn_test_service(deployment, "nobody"));
	CU_ASSERT_PTR_NULL(tn_test_service(NULL, "nobody"));
	told = capture_end();
	CHECK_TEXT(told, "tn_test_replace: worker 'gateway' has no binding 'atuh' (did you mean "
	                 "'auth'?)\n"
	                 "tn_test_replace: no worker 'gatway' (did you mean 'gateway'?)\n"
	                 "tn_test_service: no worker 'nobody'\n"
	                 "tn_test_service: nothing is deployed:\nthere is no deployment\n");
	tn_test_undeploy(deployment);
	scratch_end(&scratch);
}

static void an_environment_has_its_variants(void)
{
	struct tn_test_deployment *deployment =
		tn_test_deploy(written(CHAIN), TN_WITH_SECRET("auth.SECRET_TOKEN", "a"),
	                       TN_WITH_ENVIRONMENT("staging"));
	struct tn_test *test = tn_test_begin();

	TN_ASSERT_DEPLOYED(deployment);
	TN_ASSERT_BODY(get(deployment, test, NULL, "a"), "Hello from staging\n");
	TN_ASSERT_BODY(get(deployment, test, "application", ""), "Hello from staging\n");
	tn_test_undeploy(deployment);
	deployment = tn_test_deploy(scratch.path, TN_WITH_SECRET("auth.SECRET_TOKEN", "a"),
	                            TN_WITH_ENVIRONMENT("staging"),
	                            TN_WITH_VAR("application.GREETING", "given"));
	TN_ASSERT_BODY(get(deployment, test, NULL, "a"), "given\n");
	tn_test_end(test);
	tn_test_undeploy(deployment);
	scratch_end(&scratch);
}

static void a_request_goes_where_its_url_is_routed(void)
{
	static const char text[] =
		"[host]\nmodules = %s/plugins\n"
		"[worker one]\nmodule = application.so\nroute = /one\nvar.GREETING = 1\n"
		"[worker other]\nmodule = application.so\nroute = other.example/*\n"
		"var.GREETING = 2\n";
	struct tn_test_deployment *deployment = tn_test_deploy(written(text));
	struct tn_test *test = tn_test_begin();

	TN_ASSERT_DEPLOYED(deployment);
	TN_ASSERT_BODY(get(deployment, test, "/one?x", ""), "1\n");
	TN_ASSERT_BODY(get(deployment, test, "http://other.example:80/x", ""), "2\n");
	TN_ASSERT_STATUS(get(deployment, test, "/two", ""), 404);
	TN_ASSERT_STATUS(get(deployment, test, NULL, ""), 404);
	TN_ASSERT_BODY(get(deployment, test, "other", ""), "2\n");
	TN_ASSERT_BODY(tn_fetch(tn_test_service(deployment, "one"),
	                        tn_test_request(test, "GET", "/any")),
	               "1\n");
	TN_ASSERT_NULL(tn_test_fetch(deployment, "one", NULL));
	capture_begin();
	TN_ASSERT_NULL(get(deployment, test, "/a b", ""));
	CHECK_NUMBER(capture_lines(capture_end(), "refused"), 1);
	tn_test_end(test);
	tn_test_undeploy(deployment);
	scratch_end(&scratch);
}

static struct tn_response *get_as(const struct tn_test_deployment *deployment,
                                  struct tn_test *test, const char *user)
{
	return tn_test_fetch(deployment, NULL,
	                     TN_TEST_REQUEST(test, "GET", "/", TN_HEADER("x-user", user)));
}

/* Each request is one of a client, whose own header decides, whatever a Worker makes of it. */
static void a_split_goes_by_what_the_request_has(void)
{
	static const char text[] =
		"[host]\nmodules = %s/plugins\n"
		"[worker rewrite]\nmodule = %s/tests/fixtures/serve_rewrite.so\nroute = /*\n"
		"service.next = application@v1 50%%, application@v2 50%%\n"
		"split.next.key = header:x-user\n[worker application]\n"
		"[worker application@v1]\nvar.GREETING = 1\n"
		"[worker application@v2]\nvar.GREETING = 2\n";
	struct tn_fake fake = TN_FAKE("fake", 200, "fake");
	struct tn_test_deployment *deployment = tn_test_deploy(written(text));
	struct tn_test *test = tn_test_begin();
	unsigned first = 0, second = 0;

	TN_ASSERT_DEPLOYED(deployment);
	for (unsigned i = 0; i < 64; i++) {
		char user[8];
		const char *body;

		snprintf(user, sizeof(user), "%u", i);
		body = tn_response_body(get_as(deployment, test, user)).data;
		CHECK_TEXT(tn_response_body(get_as(deployment, test, user)).data, body);
		first += strcmp(body, "1\n") == 0;
		second += strcmp(body, "2\n") == 0;
	}
	CU_ASSERT(first && second && first + second == 64);
	CU_ASSERT(tn_test_replace(deployment, "rewrite", "next", &fake));
	TN_ASSERT_BODY(get(deployment, test, NULL, "0"), "fake");
	tn_test_undeploy(deployment);
	deployment = tn_test_deploy(scratch.path, TN_WITH_FAKE("rewrite.next", &fake));
	TN_ASSERT_DEPLOYED(deployment);
	TN_ASSERT_BODY(get(deployment, test, NULL, "0"), "fake");
	tn_test_end(test);
	tn_test_undeploy(deployment);
	scratch_end(&scratch);
}

static void hooks_run(void)
{
	static const char text[] = "[worker one]\nmodule = %s/tests/fixtures/serve_hooks.so\n"
				   "route = /*\nservice.other = two\n"
				   "[worker two]\nmodule = %s/tests/fixtures/serve_hooks.so\n";
	struct tn_test_deployment *deployment;
	struct tn_test *test = tn_test_begin();
	const char *log;

	capture_begin();
	deployment = tn_test_deploy(written(text));
	TN_ASSERT_BODY(get(deployment, test, NULL, ""), "1 start\n");
	tn_test_end(test);
	tn_test_undeploy(deployment);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ": start of one"), 1);
	CHECK_NUMBER(capture_lines(log, ": start of two"), 1);
	CHECK_NUMBER(capture_lines(log, ": stop of one"), 1);
	CHECK_NUMBER(capture_lines(log, ": stop of two"), 1);
	scratch_end(&scratch);
}

static void check_deploy_error(const char *text, const struct tn_test_given *given,
                               const char *expected)
{
	struct tn_test_deployment *deployment = tn_test_deploy_with(written(text), given);

	CHECK_TEXT(plain(deployment), expected);
	tn_test_undeploy(deployment);
	scratch_end(&scratch);
}

#define NOT_SET \
	"x.ini:10: worker 'auth': secret.SECRET_TOKEN: the environment variable " \
	"'TENON_TEST_TOKEN' is not set: set it where tenon is started\n"

static void what_is_wrong_is_told_with_file_and_line(void)
{
	struct tn_test_deployment *none = tn_test_deploy("/nowhere/x.ini");

	CHECK_TEXT(tn_test_errors(none), "/nowhere/x.ini: No such file or directory\n");
	tn_test_undeploy(none);
	tn_test_undeploy(NULL);
	check_deploy_error("[worker one]\nroute = /\nservice.two = tow\n[worker two]\nmodule = "
	                   "%s/plugins/application.so\n[worker one@a]\nbroken\n",
	                   NOTHING,
	                   "x.ini:1: worker 'one': module 'one.so': there is no such file: build "
	                   "it, or set `module`, or `modules` in [host]\n"
	                   "x.ini:3: worker 'one': service.two: no worker 'tow' (did you mean "
	                   "'two'?)\n"
	                   "x.ini:7: a line without '=': write 'KEY = VALUE', '[KIND NAME]' or '; "
	                   "COMMENT'\n");
	check_deploy_error(CHAIN, GIVEN(TN_WITH_SECRET("auht.SECRET_TOKEN", "a")),
	                   "(the test): 'auht.SECRET_TOKEN' is given: no worker 'auht' (did you "
	                   "mean 'auth'?)\n" NOT_SET);
	check_deploy_error(CHAIN, GIVEN(TN_WITH_SECRET("SECRET_TOKEN", "a")),
	                   "(the test): 'SECRET_TOKEN' is given: name it WORKER.FIELD\n" NOT_SET);
}

TEST_MAIN("kit/deploy",
          TEST(a_module_is_loaded_with_what_is_given),
          TEST(vars_and_secrets_are_given_by_name),
          TEST(errors_are_the_hosts_own),
          TEST(several_workers_are_linked),
          TEST(what_is_given_takes_the_place_of_what_is_written),
          TEST(a_fake_leaves_out_what_it_stands_for),
          TEST(any_binding_can_be_replaced_and_put_back),
          TEST(a_binding_that_is_none_is_told),
          TEST(an_environment_has_its_variants),
          TEST(a_request_goes_where_its_url_is_routed),
          TEST(a_split_goes_by_what_the_request_has),
          TEST(hooks_run),
          TEST(what_is_wrong_is_told_with_file_and_line))
