/* Whom a binding names, and with what weights. */
#include "planned.h"

#include "deploy/deployment.h"
#include "deploy/link.h"

#define VERSIONS \
	"[worker auth]\n[worker auth@v1]\n[worker auth@v2]\n[worker auth@v3]\n" \
	"[worker auth@staging]\n"

/* Where the gateway's binding of `auth` leads in an environment, "NAME weight, ..." */
static void check_targets(const char *environment, const char *value, const char *expected,
                          unsigned line)
{
	struct planned planned;
	const struct tn_plan_binding *binding;
	char text[512], shown[512] = "", weight[TN_WEIGHT_SIZE];
	size_t size = 0;

	snprintf(text, sizeof(text), "[worker gateway]\nroute = /\nservice.auth = %s\n" VERSIONS,
	         value);
	planned_text(&planned, environment, text);
	CHECK_TOLD(&planned, "");
	CU_ASSERT_EQUAL_FATAL(planned.plan->workers[0].binding_count, 1);
	binding = &planned.plan->workers[0].bindings[0];
	CHECK_TEXT(binding->field, "auth");
	for (size_t i = 0; i < binding->target_count; i++)
		size += (size_t)snprintf(shown + size, sizeof(shown) - size, "%s%s %s",
		                         i ? ", " : "", binding->targets[i].worker->name,
		                         tn_weight_text(binding->targets[i].weight, weight));
	test_text(shown, expected, value, __FILE__, line);
	planned_end(&planned);
}

/* What a value of the gateway's binding of `auth`, in line 3, is told of; all behind the place. */
static void check_value(const char *value, const char *expected, unsigned line)
{
	struct planned planned;
	char text[512], told[1024] = "";

	snprintf(text, sizeof(text), "[worker gateway]\nroute = /\nservice.auth = %s\n" VERSIONS,
	         value);
	if (*expected)
		snprintf(told, sizeof(told), "x.ini:3: worker 'gateway': service.auth: %s\n",
		         expected);
	planned_text(&planned, NULL, text);
	planned_check_told(&planned, told, __FILE__, line);
	planned_end(&planned);
}

#define CHECK_VALUE(value_, expected_) check_value(value_, expected_, __LINE__)
#define CHECK_TARGETS(environment_, value_, expected_) \
	check_targets(environment_, value_, expected_, __LINE__)

/* ---- What is right ------------------------------------------------------------------------- */

static void a_name_alone_has_all_of_it(void)
{
	CHECK_TARGETS(NULL, "auth", "auth 100%");
	CHECK_TARGETS(NULL, "auth@v2", "auth@v2 100%");
	CHECK_TARGETS(NULL, "auth@v2 100%", "auth@v2 100%");
	CHECK_TARGETS(NULL, "\"auth@v2\"", "auth@v2 100%");
}

static void weights_add_up_to_the_whole(void)
{
	CHECK_TARGETS(NULL, "auth@v1 90%, auth@v2 10%", "auth@v1 90%, auth@v2 10%");
	CHECK_TARGETS(NULL, "auth@v2 0.1%,auth@v1 99.9%", "auth@v2 0.1%, auth@v1 99.9%");
	CHECK_TARGETS(NULL, "auth@v1\t99.9999 %  ,  auth@v2   0.0001%",
	              "auth@v1 99.9999%, auth@v2 0.0001%");
	CHECK_TARGETS(NULL, "auth@v1 33.3333%, auth@v2 33.3333%, auth@v3 33.3334%",
	              "auth@v1 33.3333%, auth@v2 33.3333%, auth@v3 33.3334%");
	CHECK_TARGETS(NULL, "auth@v1 100%, auth@v2 0%", "auth@v1 100%, auth@v2 0%");
	CHECK_TARGETS(NULL, "auth 50%, gateway 50%", "auth 50%, gateway 50%");
}

/* Each Worker is there once, in the place where it is named first. */
static void names_that_mean_one_worker_add_up(void)
{
	CHECK_TARGETS(NULL, "auth 60%, auth@v1 10%, auth@staging 30%",
	              "auth 60%, auth@v1 10%, auth@staging 30%");
	CHECK_TARGETS("staging", "auth 60%, auth@v1 10%, auth@staging 30%",
	              "auth@staging 90%, auth@v1 10%");
	CHECK_TARGETS("staging", "auth 40%, auth@staging 60%", "auth@staging 100%");
	CHECK_TARGETS("v1", "auth@v1 40%, auth 60%", "auth@v1 100%");
}

/* ---- Weights ------------------------------------------------------------------------------- */

#define EACH \
	"each of several has a weight: write `service.auth = auth@v1 90%, auth@v2 10%`"

static void a_weight_is_a_number_of_percent(void)
{
	CHECK_VALUE("auth@v1 ninety%, auth@v2 10%",
	            "'auth@v1 ninety%': not a weight: write a percentage behind the name, such as "
	            "auth@v2 10%");
	CHECK_VALUE("auth@v1 90, auth@v2 10%",
	            "'auth@v1 90': a weight needs its '%': write one such as 10%");
	CHECK_VALUE("auth@v1 -10%, auth@v2 110%",
	            "'auth@v1 -10%': a weight cannot be negative: write one such as 10%\n"
	            "x.ini:3: worker 'gateway': service.auth: 'auth@v2 110%': too large: a weight "
	            "is at most 100%");
	CHECK_VALUE("auth@v1 99.99999%, auth@v2 0.00001%",
	            "'auth@v1 99.99999%': too fine: a weight has up to four decimals, such as "
	            "33.3333%\n"
	            "x.ini:3: worker 'gateway': service.auth: 'auth@v2 0.00001%': too fine: a "
	            "weight has up to four decimals, such as 33.3333%");
	CHECK_VALUE("90% auth@v1, auth@v2 10%",
	            "'90% auth@v1': not a Worker and its weight: write the name, a blank and a "
	            "percentage, such as auth@v2 10%");
}

static void weights_are_to_be_a_hundred_percent(void)
{
	CHECK_VALUE("auth@v1 90%, auth@v2 20%",
	            "the weights are 110% together: they are to be 100%");
	CHECK_VALUE("auth@v1 90%, auth@v2 9.9999%",
	            "the weights are 99.9999% together: they are to be 100%");
	CHECK_VALUE("auth@v1 33.3333%, auth@v2 33.3333%, auth@v3 33.3333%",
	            "the weights are 99.9999% together: they are to be 100%");
	CHECK_VALUE("auth@v1 0%, auth@v2 0%", "the weights are 0% together: they are to be 100%");
	CHECK_VALUE("auth@v1 100%, auth@v2 100%",
	            "the weights are 200% together: they are to be 100%");
	CHECK_VALUE("auth@v1 10%", "the weights are 10% together: they are to be 100%");
}

/* The sum does not overflow. */
static void many_large_weights_are_too_much(void)
{
	struct planned planned;
	char text[2048], value[512] = "";
	size_t size = 0;

	for (unsigned i = 0; i < 20; i++)
		size += (size_t)snprintf(value + size, sizeof(value) - size, "%sw%u 100%%",
		                         i ? "," : "", i);
	size = (size_t)snprintf(text, sizeof(text), "[worker a]\nroute = /\nservice.w = %s\n",
	                        value);
	for (unsigned i = 0; i < 20; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "[worker w%u]\n", i);
	planned_text(&planned, NULL, text);
	CHECK_TOLD(&planned, "x.ini:3: worker 'a': service.w: the weights are 2000% together: "
	                     "they are to be 100%\n");
	planned_end(&planned);
}

static void each_of_several_has_a_weight(void)
{
	CHECK_VALUE("auth@v1, auth@v2", EACH);
	CHECK_VALUE("auth@v1 90%, auth@v2", EACH);
	CHECK_VALUE("auth@v1, auth@v2 100%", EACH);
}

/* ---- Names --------------------------------------------------------------------------------- */

static void a_name_is_there_once(void)
{
	CHECK_VALUE("auth@v1 50%, auth@v1 50%", "'auth@v1' is there twice: give it one weight");
	CHECK_VALUE("auth@v1 50%, auth@v2 0%, auth@v1 20%, auth@v1 30%",
	            "'auth@v1' is there twice: give it one weight\n"
	            "x.ini:3: worker 'gateway': service.auth: 'auth@v1' is there twice: give it "
	            "one weight");
}

static void an_unknown_name_gets_a_suggestion(void)
{
	CHECK_VALUE("auht", "no worker 'auht' (did you mean 'auth'?)");
	CHECK_VALUE("auth@stging", "no worker 'auth@stging' (did you mean 'auth@staging'?)");
	CHECK_VALUE("auth@v1 90%, auth@v4 10%",
	            "no worker 'auth@v4' (did you mean 'auth@v1'?)");
	CHECK_VALUE("database", "no worker 'database': add [worker database], or name another");
	CHECK_VALUE("auth@", "no worker 'auth@' (did you mean 'auth'?)");
}

/* The weights, which may be right or not, are no further error. */
static void what_is_no_name_is_told(void)
{
	static const char problem[] = "an empty name: write the name of a Worker, or remove the "
				      "comma";

	CHECK_VALUE("\"\"", "an empty name: write the name of a Worker");
	CHECK_VALUE("auth@v1 90%, , auth@v2 10%", problem);
	CHECK_VALUE("auth@v1 90%, auth@v2 10%,", problem);
}

/* So that the rest can be looked at, and is not complained of. */
static void a_name_that_is_nearly_one_is_taken_for_it(void)
{
	struct planned planned;

	planned_text(&planned, NULL,
	             "[worker gateway]\nroute = /\nservice.auth = auht\n[worker auth]\n");
	CHECK_NUMBER((long long)planned.errors.errors, 1);
	CHECK_NUMBER((long long)planned.plan->workers[0].bindings[0].target_count, 1);
	CU_ASSERT_TRUE(planned.plan->workers[1].reachable);
	planned_end(&planned);
	planned_text(&planned, NULL, "[worker gateway]\nroute = /\nservice.auth = x\n");
	CHECK_NUMBER((long long)planned.plan->workers[0].bindings[0].target_count, 0);
	planned_end(&planned);
}

/* ---- Inherited ----------------------------------------------------------------------------- */

/* Where it stands, however many have it. */
static void an_inherited_mistake_is_told_once(void)
{
	CHECK_TEXT_TOLD(NULL,
	                "[worker gateway@v1]\n"
	                "[worker gateway]\nroute = /\nservice.auth = auht\n"
	                "service.split = auth@v1 10%\nsplit.auth.key = haeder:x\n"
	                "[worker gateway@v2]\nservice.auth = other\n"
	                "[worker gateway@v3]\ninherits = gateway@v2\n"
	                "[worker auth]\n[worker auth@v1]\n",
	                "x.ini:4: worker 'gateway': service.auth: no worker 'auht' (did you mean "
	                "'auth'?)\n"
	                "x.ini:5: worker 'gateway': service.split: the weights are 10% together: "
	                "they are to be 100%\n"
	                "x.ini:6: worker 'gateway': split.auth.key: 'haeder:x': not a key: write "
	                "header:NAME, cookie:NAME or address\n"
	                "x.ini:8: worker 'gateway@v2': service.auth: no worker 'other': add "
	                "[worker other], or name another\n");
}

static void a_mistake_in_an_included_file_has_its_name(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = team/a.ini\n[worker a]\nroute = /\n"
	                                 "service.b = b@v1 50%, b 50%\n");
	planned_write(&planned, "team/a.ini", "[worker b]\n[worker b@v1]\nservice.a = aa\n");
	planned_load(&planned, "x.ini");
	planned_make(&planned, NULL);
	CHECK_TOLD(&planned, "team/a.ini:3: worker 'b@v1': service.a: no worker 'aa': add [worker "
	                     "aa], or name another\n");
	CHECK_NUMBER((long long)planned.plan->workers[0].bindings[0].target_count, 2);
	planned_end(&planned);
}

/* ---- The key of a split -------------------------------------------------------------------- */

static void check_key(const char *value, enum tn_split_source source, const char *name)
{
	struct planned planned;
	const struct tn_plan_binding *binding;
	char text[512];

	snprintf(text, sizeof(text),
	         "[worker a]\nroute = /\nsplit.auth.key = %s\n"
	         "service.auth = auth@v1 90%%, auth@v2 10%%\nservice.other = auth\n" VERSIONS,
	         value);
	planned_text(&planned, NULL, text);
	CHECK_TOLD(&planned, "");
	binding = &planned.plan->workers[0].bindings[0];
	CHECK_NUMBER(binding->key.source, source);
	CHECK_TEXT(binding->key.name, name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(binding->key_entry);
	CHECK_NUMBER(binding->key_entry->place.line, 3);
	CU_ASSERT_PTR_NULL(binding[1].key_entry);
	CHECK_NUMBER(binding[1].key.source, TN_SPLIT_DRAW);
	planned_end(&planned);
}

static void a_split_may_have_a_key(void)
{
	check_key("header:x-user", TN_SPLIT_HEADER, "x-user");
	check_key("cookie:session", TN_SPLIT_COOKIE, "session");
	check_key("address", TN_SPLIT_ADDRESS, NULL);
}

#define A_SPLIT "[worker a]\nroute = /\nservice.auth = auth@v1 90%, auth@v2 10%\n"

static void a_key_is_a_header_a_cookie_or_the_address(void)
{
	CHECK_TEXT_TOLD(NULL, A_SPLIT "split.auth.key = query:user\n" VERSIONS,
	                "x.ini:4: worker 'a': split.auth.key: 'query:user': not a key: write "
	                "header:NAME, cookie:NAME or address\n");
	CHECK_TEXT_TOLD(NULL, A_SPLIT "split.auth.key = header:\n" VERSIONS,
	                "x.ini:4: worker 'a': split.auth.key: 'header:': not a header's name: "
	                "write one such as header:x-user\n");
	CHECK_TEXT_TOLD(NULL, A_SPLIT "split.auth.key = cookie:a b\n" VERSIONS,
	                "x.ini:4: worker 'a': split.auth.key: 'cookie:a b': not a cookie's name: "
	                "write one such as cookie:session\n");
	CHECK_TEXT_TOLD(NULL, A_SPLIT "split.auth.key = address:\n" VERSIONS,
	                "x.ini:4: worker 'a': split.auth.key: 'address:': not a key: write "
	                "header:NAME, cookie:NAME or address\n");
}

static void a_key_needs_its_binding(void)
{
	CHECK_TEXT_TOLD(NULL,
	                A_SPLIT "split.aut.key = address\n[worker b]\nsplit.auth.key = address\n"
	                        "secret.auth = env:X\n" VERSIONS,
	                "x.ini:4: worker 'a': split.aut.key: there is no service.aut to split: add "
	                "it, or remove this\n"
	                "x.ini:6: worker 'b': split.auth.key: there is no service.auth to split: "
	                "add it, or remove this\n");
}

/* With the binding, or before it: a Worker may be made ready for a split. */
static void a_key_may_be_there_before_there_is_a_split(void)
{
	CHECK_TEXT_TOLD(NULL,
	                "[worker a]\nroute = /\nservice.auth = auth\nsplit.auth.key = address\n"
	                "[worker a@v2]\nservice.auth = auth@v1 50%, auth@v2 50%\n" VERSIONS,
	                "");
}

static void a_key_of_what_is_not_split_is_warned_of(void)
{
	struct planned planned;

	planned_text(&planned, NULL,
	             "[worker a]\nroute = /\nservice.auth = auth@v1\nsplit.auth.key = address\n"
	             "[worker a@v2]\nservice.auth = auth@v1 50%, auth@v2 50%\n" VERSIONS);
	CHECK_TOLD(&planned, "");
	tn_plan_warn(planned.plan, &planned.errors);
	CHECK_TOLD(&planned, "x.ini:4: warning: worker 'a': split.auth.key: it has no effect: "
	                     "service.auth is not split\n");
	planned_end(&planned);
}

static void a_key_is_inherited_and_can_be_unset(void)
{
	struct planned planned;

	planned_text(&planned, NULL,
	             A_SPLIT "split.auth.key = header:x-user\n"
	                     "[worker a@v1]\nservice.auth = auth\n"
	                     "[worker a@v2]\nsplit.auth.key =\n"
	                     "[worker a@v3]\nsplit.auth.key = address\n" VERSIONS);
	CHECK_TOLD(&planned, "");
	CHECK_NUMBER(tn_plan_find(planned.plan, "a@v1")->bindings[0].key.source, TN_SPLIT_HEADER);
	CHECK_NUMBER(tn_plan_find(planned.plan, "a@v2")->bindings[0].key.source, TN_SPLIT_DRAW);
	CU_ASSERT_PTR_NULL(tn_plan_find(planned.plan, "a@v2")->bindings[0].key_entry);
	CHECK_NUMBER(tn_plan_find(planned.plan, "a@v3")->bindings[0].key.source, TN_SPLIT_ADDRESS);
	planned_end(&planned);
}

static void the_field_of_a_split_is_between_its_dots(void)
{
	const char *field = NULL;
	size_t size = 0;

	CU_ASSERT_TRUE(tn_link_split_key("split.auth.key", &field, &size));
	CU_ASSERT(size == 4 && memcmp(field, "auth", 4) == 0);
	CU_ASSERT_TRUE(tn_link_split_key("split.a.b.key", &field, &size));
	CHECK_NUMBER((long long)size, 3);
	CU_ASSERT_FALSE(tn_link_split_key("split.key", &field, &size));
	CU_ASSERT_FALSE(tn_link_split_key("split..key", &field, &size));
	CU_ASSERT_FALSE(tn_link_split_key("split.auth", &field, &size));
	CU_ASSERT_FALSE(tn_link_split_key("split.auth.keys", &field, &size));
	CU_ASSERT_FALSE(tn_link_split_key("service.auth.key", &field, &size));
}

/* ---- In the deployment --------------------------------------------------------------------- */

static struct tn_deployment *deploy(struct planned *planned, const char *environment,
                                    const char *value)
{
	struct tn_deployment_options options = { 0 };
	struct tn_deployment *deployment;
	char text[4 * PATH_MAX];

	snprintf(text, sizeof(text),
	         "[host]\nmodules = %s\n"
	         "[worker gateway]\nroute = /\nmodule = mistake_node.so\nservice.one = %s\n"
	         "[worker auth]\nmodule = mistake_node.so\n[worker auth@v1]\n[worker auth@v2]\n",
	         built("tests/fixtures"), value);
	planned_text(planned, environment, text);
	deployment = tn_deployment_create(planned->plan, &options, &planned->errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(deployment);
	return deployment;
}

/* The first slot of the fixture. */
static const struct tn_service *bound(const struct tn_deployment *deployment)
{
	struct env {
		struct tn_service self;
		const struct tn_service *one;
	};

	return ((const struct env *)(const void *)deployment->instances[0].service)->one;
}

static void check_direct(const char *environment, const char *value, const char *name)
{
	struct planned planned;
	struct tn_deployment *deployment = deploy(&planned, environment, value);

	CHECK_TOLD(&planned, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(tn_deployment_find(deployment, name));
	CU_ASSERT_PTR_EQUAL(bound(deployment), tn_deployment_find(deployment, name)->service);
	tn_deployment_destroy(deployment);
	planned_end(&planned);
}

/* The callee itself, with no split before it. */
static void what_is_not_split_is_bound_directly(void)
{
	check_direct(NULL, "auth", "auth");
	check_direct(NULL, "auth@v1", "auth@v1");
	check_direct(NULL, "auth@v1 100%", "auth@v1");
	check_direct(NULL, "auth@v1 0%, auth@v2 100%", "auth@v2");
	check_direct("v2", "auth@v2 40%, auth 60%", "auth@v2");
}

static void what_is_split_is_bound_to_the_host_s_fetch(void)
{
	struct planned planned;
	struct tn_deployment *deployment = deploy(&planned, NULL, "auth@v1 90%, auth@v2 10%");

	CHECK_TOLD(&planned, "");
	CU_ASSERT(bound(deployment)->fetch == tn_split_fetch);
	CHECK_NUMBER((long long)((const struct tn_split *)(const void *)bound(deployment))->count,
	             2);
	tn_deployment_destroy(deployment);
	planned_end(&planned);
}

/* Each takes what was reserved for it, whatever is wrong with its weights. */
static void a_bad_split_takes_no_room_that_is_not_there(void)
{
	static const char *const values[] = {
		"auth@v1 10%",
		"auth@v1 60%, auth@v1 60%",
		"auth@v1 60%, auth@v4 60%",
		"auth@v1 60%, auth@v2",
		"auth@v1, auth@v2",
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct planned planned;
		struct tn_deployment *deployment = deploy(&planned, NULL, values[i]);
		const char *end = (const char *)deployment->envs + deployment->envs_size;

		CU_ASSERT(planned.errors.errors > 0);
		CU_ASSERT(deployment->next_split <= end);
		tn_deployment_destroy(deployment);
		planned_end(&planned);
	}
}

TEST_MAIN("deploy/targets",
          TEST(a_name_alone_has_all_of_it),
          TEST(weights_add_up_to_the_whole),
          TEST(names_that_mean_one_worker_add_up),
          TEST(a_weight_is_a_number_of_percent),
          TEST(weights_are_to_be_a_hundred_percent),
          TEST(many_large_weights_are_too_much),
          TEST(each_of_several_has_a_weight),
          TEST(a_name_is_there_once),
          TEST(an_unknown_name_gets_a_suggestion),
          TEST(what_is_no_name_is_told),
          TEST(a_name_that_is_nearly_one_is_taken_for_it),
          TEST(an_inherited_mistake_is_told_once),
          TEST(a_mistake_in_an_included_file_has_its_name),
          TEST(a_split_may_have_a_key),
          TEST(a_key_is_a_header_a_cookie_or_the_address),
          TEST(a_key_needs_its_binding),
          TEST(a_key_may_be_there_before_there_is_a_split),
          TEST(a_key_of_what_is_not_split_is_warned_of),
          TEST(a_key_is_inherited_and_can_be_unset),
          TEST(the_field_of_a_split_is_between_its_dots),
          TEST(what_is_not_split_is_bound_directly),
          TEST(what_is_split_is_bound_to_the_host_s_fetch),
          TEST(a_bad_split_takes_no_room_that_is_not_there))
