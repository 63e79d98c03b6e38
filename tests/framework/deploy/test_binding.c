#include "deploy/binding.h"

#include "deploy/secrets.h"
#include "deploy/shared.h"
#include "scratch.h"

/* The Worker is in the test itself: no module is loaded. */
struct env {
	struct tn_service self;
	const struct tn_service *next;
	const struct tn_service *maybe;
	const struct tn_secret *TOKEN;
	const char *TEXT;
	const char *GREETING;
	int64_t count;
	int64_t enabled;
	int64_t pause;
	int64_t room;
	double ratio;
	void *state;
	uint64_t *shared;
};

static const char *start(struct env *env)
{
	(void)env;
	return NULL;
}

static struct tn_response *answer(struct tn_request *request, const struct env *env)
{
	(void)env;
	return tn_response_new(request, 200);
}

TN_WORKER(answer, struct env, TN_SERVICE(next), TN_SERVICE_OPTIONAL(maybe), TN_SECRET(TOKEN),
          TN_VAR(TEXT), TN_VAR_OR(GREETING, "hello"), TN_INT_OR(count, -7),
          TN_BOOL_OR(enabled, true), TN_DURATION_OR(pause, 1500), TN_SIZE_OR(room, 4096),
          TN_NUMBER_OR(ratio, 0.5), TN_STATE(state), TN_SHARED(shared), TN_START(start));

#define MODULE "module './one.so'"
#define WORKERS_MAX 4

/* All Workers of a text have that module, and are made without loading it. */
struct fixture {
	struct tn_config *config;
	struct tn_plan *plan;
	struct tn_errors errors;
	struct tn_module module;
	struct tn_instance instances[WORKERS_MAX];
	struct tn_instance *by_worker[WORKERS_MAX];
	struct env envs[WORKERS_MAX];
	_Alignas(64) char splits[1024];
	struct tn_deployment deployment;
};

static void make_instance(struct fixture *fixture, size_t number)
{
	const struct tn_plan_worker *worker = &fixture->plan->workers[number];

	memset(&fixture->envs[number].self, 0x5a, sizeof(struct tn_service));
	fixture->envs[number].self.name = worker->name;
	fixture->instances[number] = (struct tn_instance){
		.worker = worker,
		.name = worker->name,
		.module = &fixture->module,
		.service = &fixture->envs[number].self,
		.bound = &fixture->envs[number].self,
	};
	fixture->by_worker[number] = &fixture->instances[number];
}

static void set_up(struct fixture *fixture, const char *text)
{
	static const struct tn_deployment_options options = { 0 };
	static char path[] = "./one.so";

	memset(fixture, 0, sizeof(*fixture));
	setenv("TENON_TEST_TOKEN", "open sesame", 1);
	fixture->config = tn_config_parse("x.ini", text, strlen(text), &fixture->errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->config);
	fixture->plan = tn_plan_create(fixture->config, NULL, &fixture->errors);
	CU_ASSERT_FATAL(fixture->plan && fixture->plan->count <= WORKERS_MAX);
	fixture->module = (struct tn_module){ .path = path, .worker = &tn_worker };
	for (size_t i = 0; i < fixture->plan->count; i++) {
		fixture->plan->workers[i].reachable = true;
		make_instance(fixture, i);
	}
	fixture->deployment = (struct tn_deployment){
		.plan = fixture->plan,
		.instances = fixture->instances,
		.count = fixture->plan->count,
		.by_worker = fixture->by_worker,
		.next_split = fixture->splits,
		.options = &options,
	};
}

static void tear_down(struct fixture *fixture)
{
	tn_secrets_finish(&fixture->deployment.secrets);
	tn_shared_destroy(fixture->deployment.shared);
	tn_plan_destroy(fixture->plan);
	tn_config_destroy(fixture->config);
	tn_errors_finish(&fixture->errors);
}

static void read_secrets(struct fixture *fixture)
{
	struct tn_vault vault = { 0 };

	CU_ASSERT(tn_vault_take(&vault, fixture->config));
	CU_ASSERT(tn_secrets_read(&fixture->deployment.secrets, fixture->plan, &vault,
	                          &fixture->errors));
	tn_vault_finish(&vault);
}

/* The first Worker's env; the keys of all are looked at. */
static void fill(struct fixture *fixture, const char *text)
{
	set_up(fixture, text);
	read_secrets(fixture);
	tn_binding_check_keys(fixture->deployment.plan, &fixture->deployment, &fixture->errors);
	tn_binding_fill(&fixture->deployment, &fixture->instances[0], &fixture->errors);
}

#define OTHER "[worker other]\nroute = /\n"

/* The section of the first Worker, from line 2 on, and what is said of it. */
static void check(const char *lines, const char *expected)
{
	struct fixture fixture;
	char text[2048];

	snprintf(text, sizeof(text), "[worker one]\n%s" OTHER, lines);
	fill(&fixture, text);
	CHECK_ERRORS(&fixture.errors, expected);
	tear_down(&fixture);
}

#define GOOD "service.next = other\nsecret.TOKEN = env:TENON_TEST_TOKEN\nvar.TEXT = t\n"

static void what_is_required_is_enough(void)
{
	struct fixture fixture;
	const struct env *env = &fixture.envs[0];

	fill(&fixture, "[worker one]\n" GOOD OTHER);
	CHECK_ERRORS(&fixture.errors, "");
	CU_ASSERT_PTR_EQUAL(env->next, &fixture.envs[1].self);
	CU_ASSERT_PTR_NULL(env->maybe);
	CU_ASSERT_TRUE(tn_secret_equals(env->TOKEN, "open sesame"));
	CHECK_TEXT(env->TEXT, "t");
	CHECK_TEXT(env->GREETING, "hello");
	CHECK_NUMBER(env->count, -7);
	CHECK_NUMBER(env->enabled, 1);
	CHECK_NUMBER(env->pause, 1500);
	CHECK_NUMBER(env->room, 4096);
	CU_ASSERT_EQUAL(env->ratio, 0.5);
	CHECK_NUMBER(*env->shared, 0);
	tear_down(&fixture);
}

static void what_is_given_replaces_the_defaults(void)
{
	struct fixture fixture;
	const struct env *env = &fixture.envs[0];

	fill(&fixture,
	     "[worker one]\n" GOOD "service.maybe = one\nvar.GREETING = \" a ; b \"\n"
	     "var.count = 12\nvar.enabled = off\nvar.pause = 2m\nvar.room = 3K\n"
	     "var.ratio = -1e3\n" OTHER);
	CHECK_ERRORS(&fixture.errors, "");
	CU_ASSERT_PTR_EQUAL(env->maybe, &fixture.envs[0].self);
	CHECK_TEXT(env->GREETING, " a ; b ");
	CHECK_NUMBER(env->count, 12);
	CHECK_NUMBER(env->enabled, 0);
	CHECK_NUMBER(env->pause, 120000);
	CHECK_NUMBER(env->room, 3072);
	CU_ASSERT_EQUAL(env->ratio, -1000.0);
	tear_down(&fixture);
}

static void an_empty_text_is_a_text(void)
{
	struct fixture fixture;

	fill(&fixture, "[worker one]\n" GOOD "var.GREETING = \"\"\n" OTHER);
	CHECK_ERRORS(&fixture.errors, "");
	CHECK_TEXT(fixture.envs[0].GREETING, "");
	tear_down(&fixture);
}

static void two_workers_of_a_module_have_an_env_each(void)
{
	struct fixture fixture;

	fill(&fixture, "[worker one]\n" GOOD OTHER
	               "service.next = one\nsecret.TOKEN = env:TENON_TEST_TOKEN\nvar.TEXT = u\n");
	tn_binding_fill(&fixture.deployment, &fixture.instances[1], &fixture.errors);
	CHECK_ERRORS(&fixture.errors, "");
	CU_ASSERT_PTR_EQUAL(fixture.envs[0].next, &fixture.envs[1].self);
	CU_ASSERT_PTR_EQUAL(fixture.envs[1].next, &fixture.envs[0].self);
	CHECK_TEXT(fixture.envs[0].TEXT, "t");
	CHECK_TEXT(fixture.envs[1].TEXT, "u");
	CU_ASSERT(fixture.envs[0].shared != fixture.envs[1].shared);
	tear_down(&fixture);
}

/* The host wrote the service's own members before. */
static void self_is_left_alone(void)
{
	struct fixture fixture;
	struct tn_service before;

	set_up(&fixture, "[worker one]\n" GOOD OTHER);
	before = fixture.envs[0].self;
	read_secrets(&fixture);
	tn_binding_fill(&fixture.deployment, &fixture.instances[0], &fixture.errors);
	CU_ASSERT(memcmp(&fixture.envs[0].self, &before, sizeof(before)) == 0);
	tear_down(&fixture);
}

static void bindings_that_are_missing_are_told_with_an_example(void)
{
	check("", "x.ini:1: worker 'one': service.next: " MODULE " needs this binding: add "
	          "`service.next = NAME-OF-A-WORKER`\n"
	          "x.ini:1: worker 'one': secret.TOKEN: " MODULE " needs this binding: add "
	          "`secret.TOKEN = env:NAME, or file:PATH`\n"
	          "x.ini:1: worker 'one': var.TEXT: " MODULE " needs this binding: add "
	          "`var.TEXT = TEXT`\n");
}

static void a_binding_that_is_not_declared_is_told_with_the_nearest(void)
{
	check(GOOD "var.GREETNG = x\n",
	      "x.ini:5: worker 'one': var.GREETNG: " MODULE " declares no such binding (did you "
	      "mean 'var.GREETING'?)\n");
	check(GOOD "service.nxt = other\n",
	      "x.ini:5: worker 'one': service.nxt: " MODULE " declares no such binding (did you "
	      "mean 'service.next'?)\n");
}

static void without_a_near_name_all_are_listed(void)
{
	check(GOOD "var.colour = blue\n",
	      "x.ini:5: worker 'one': var.colour: " MODULE " declares no such binding: it has "
	      "service.next, service.maybe, secret.TOKEN, var.TEXT, var.GREETING, var.count, "
	      "var.enabled, var.pause, var.room, var.ratio\n");
}

static void the_wrong_prefix_is_told(void)
{
	check(GOOD "var.next = other\n",
	      "x.ini:5: worker 'one': var.next: " MODULE " declares no such binding (did you mean "
	      "'service.next'?)\n");
	check("service.next = other\nvar.TOKEN = hunter2\nvar.TEXT = t\n",
	      "x.ini:1: worker 'one': secret.TOKEN: " MODULE " needs this binding: add "
	      "`secret.TOKEN = env:NAME, or file:PATH`\n"
	      "x.ini:3: worker 'one': var.TOKEN: " MODULE " declares no such binding (did you mean "
	      "'secret.TOKEN'?)\n");
}

/* State, shared blocks and hooks are the module's own affair. */
static void what_is_not_configured_cannot_be_bound(void)
{
	check(GOOD "var.state = 1\n",
	      "x.ini:5: worker 'one': var.state: " MODULE " declares no such binding: it has "
	      "service.next, service.maybe, secret.TOKEN, var.TEXT, var.GREETING, var.count, "
	      "var.enabled, var.pause, var.room, var.ratio\n");
	check(GOOD "var.start = 1\n",
	      "x.ini:5: worker 'one': var.start: " MODULE " declares no such binding: it has "
	      "service.next, service.maybe, secret.TOKEN, var.TEXT, var.GREETING, var.count, "
	      "var.enabled, var.pause, var.room, var.ratio\n");
}

#define KEYS \
	": a Worker has module, route, max_body, blocking, timeout, concurrency, service.NAME, " \
	"split.NAME.key, secret.NAME, var.NAME and, if it is a variant, inherits\n"

static void an_unknown_key_is_told_with_what_there_is(void)
{
	check(GOOD "rout = /*\n",
	      "x.ini:5: worker 'one': unknown key 'rout' (did you mean 'route'?)" KEYS);
	check(GOOD "inherit = one\n",
	      "x.ini:5: worker 'one': unknown key 'inherit' (did you mean 'inherits'?)" KEYS);
	check(GOOD "split.next = address\n", "x.ini:5: worker 'one': unknown key 'split.next' (did "
	                                     "you mean 'split.NAME.key'?)" KEYS);
	check(GOOD "blokcing = yes\n",
	      "x.ini:5: worker 'one': unknown key 'blokcing' (did you mean 'blocking'?)" KEYS);
	check(GOOD "timeouts = 1s\n",
	      "x.ini:5: worker 'one': unknown key 'timeouts' (did you mean 'timeout'?)" KEYS);
	check(GOOD "colour = blue\n", "x.ini:5: worker 'one': unknown key 'colour'" KEYS);
}

static void a_key_without_its_prefix_is_told_with_it(void)
{
	check(GOOD "GREETING = x\n", "x.ini:5: worker 'one': unknown key 'GREETING' (did you mean "
	                             "'var.GREETING'?)" KEYS);
	check(GOOD "vars.GREETING = x\n", "x.ini:5: worker 'one': unknown key 'vars.GREETING' (did "
	                                  "you mean 'var.GREETING'?)" KEYS);
	check(GOOD "bind.maybe = x\n", "x.ini:5: worker 'one': unknown key 'bind.maybe' (did you "
	                               "mean 'service.maybe'?)" KEYS);
}

static void values_of_another_form_are_told(void)
{
	check(GOOD "var.count = many\nvar.enabled = ja\nvar.pause = 10\nvar.room = 1T\n"
	           "var.ratio = 0,5\n",
	      "x.ini:5: worker 'one': var.count: 'many': not an integer: write digits only, such "
	      "as 42\n"
	      "x.ini:6: worker 'one': var.enabled: 'ja': neither yes nor no: write yes or no (or "
	      "true, false, on, off)\n"
	      "x.ini:7: worker 'one': var.pause: '10': a duration needs a unit: ms, s, m, h or d, "
	      "such as 10s\n"
	      "x.ini:8: worker 'one': var.room: '1T': not a size: write bytes, or an integer with "
	      "K, M or G, such as 64K\n"
	      "x.ini:9: worker 'one': var.ratio: '0,5': not a number: write it with digits and a "
	      "point, such as 0.25\n");
}

static void a_secret_that_cannot_be_had_is_told(void)
{
	check("service.next = other\nsecret.TOKEN = hunter2\nvar.TEXT = t\n",
	      "x.ini:3: worker 'one': secret.TOKEN: a secret is not written into the file: use "
	      "env:NAME, file:PATH or credential:NAME\n");
	check("service.next = other\nsecret.TOKEN = env:TENON_NOT_SET\nvar.TEXT = t\n",
	      "x.ini:3: worker 'one': secret.TOKEN: the environment variable 'TENON_NOT_SET' is "
	      "not set: set it where tenon is started\n");
}

/* Nothing is known of what the module declares, but of the keys that there are. */
static void without_a_module_unknown_keys_are_told(void)
{
	struct fixture fixture;

	set_up(&fixture, "[worker one]\nservice.x = other\nvar.y = 1\nrout = /\n"
	                 "GREETING = x\n" OTHER);
	fixture.instances[0].module = NULL;
	tn_binding_check_keys(fixture.deployment.plan, &fixture.deployment, &fixture.errors);
	tn_binding_fill(&fixture.deployment, &fixture.instances[0], &fixture.errors);
	CHECK_ERRORS(&fixture.errors,
	             "x.ini:4: worker 'one': unknown key 'rout' (did you mean 'route'?)" KEYS
	             "x.ini:5: worker 'one': unknown key 'GREETING'" KEYS);
	tear_down(&fixture);
}

static void unknown_keys_are_told_of_what_nothing_reaches_too(void)
{
	struct fixture fixture;

	set_up(&fixture, "[worker one]\nrout = /\nvar.y = 1\n" OTHER);
	fixture.deployment.by_worker[0] = NULL;
	tn_binding_check_keys(fixture.deployment.plan, &fixture.deployment, &fixture.errors);
	CHECK_ERRORS(&fixture.errors,
	             "x.ini:2: worker 'one': unknown key 'rout' (did you mean 'route'?)" KEYS);
	tear_down(&fixture);
}

/* ---- Variants ------------------------------------------------------------------------------ */

static void a_variant_has_what_it_inherits(void)
{
	struct fixture fixture;
	const struct env *env = &fixture.envs[0];

	fill(&fixture, "[worker one@v2]\nvar.count = 2\nservice.next = other@v2\nvar.GREETING =\n"
	               "[worker one]\n" GOOD "var.GREETING = good day\nvar.count = 1\n" OTHER
	               "[worker other@v2]\n");
	CHECK_ERRORS(&fixture.errors, "");
	CU_ASSERT_PTR_EQUAL(env->next, &fixture.envs[3].self);
	CU_ASSERT_TRUE(tn_secret_equals(env->TOKEN, "open sesame"));
	CHECK_TEXT(env->TEXT, "t");
	CHECK_TEXT(env->GREETING, "hello");
	CHECK_NUMBER(env->count, 2);
	tear_down(&fixture);
}

static void a_secret_that_several_inherit_is_read_once(void)
{
	struct fixture fixture;

	fill(&fixture, "[worker one]\n" GOOD "[worker one@v2]\n" OTHER);
	tn_binding_fill(&fixture.deployment, &fixture.instances[1], &fixture.errors);
	CHECK_ERRORS(&fixture.errors, "");
	CHECK_NUMBER(fixture.deployment.secrets.count, 1);
	CU_ASSERT_PTR_EQUAL(fixture.envs[0].TOKEN, fixture.envs[1].TOKEN);
	tear_down(&fixture);
}

static void a_mistake_that_is_inherited_is_told_with_the_worker_that_has_it(void)
{
	struct fixture fixture;

	fill(&fixture, "[worker one@v2]\nvar.TEXT =\n[worker one]\n" GOOD "var.colour = blue\n"
	               "rout = /\n" OTHER);
	CHECK_ERRORS(&fixture.errors,
	             "x.ini:1: worker 'one@v2': var.TEXT: " MODULE " needs this binding: add "
	             "`var.TEXT = TEXT`\n"
	             "x.ini:7: worker 'one@v2': var.colour: " MODULE " declares no such binding: "
	             "it has service.next, service.maybe, secret.TOKEN, var.TEXT, var.GREETING, "
	             "var.count, var.enabled, var.pause, var.room, var.ratio\n"
	             "x.ini:8: worker 'one': unknown key 'rout' (did you mean 'route'?)" KEYS);
	tear_down(&fixture);
}

/* ---- Splits -------------------------------------------------------------------------------- */

#define REST "secret.TOKEN = env:TENON_TEST_TOKEN\nvar.TEXT = t\n"

static const struct tn_split *split_of(const struct tn_service *service)
{
	return (const void *)service;
}

static void a_split_is_a_service_of_the_host(void)
{
	struct fixture fixture;
	const struct tn_split *split;

	fill(&fixture, "[worker one]\nservice.next = other 90%, one 10%\nservice.maybe = one 5%, "
	               "other 95%\n" REST OTHER);
	CHECK_ERRORS(&fixture.errors, "");
	split = split_of(fixture.envs[0].next);
	CU_ASSERT_EQUAL_FATAL(split->self.fetch, tn_split_fetch);
	CHECK_TEXT(split->self.name, "other 90%, one 10%");
	CHECK_NUMBER(split->count, 2);
	CU_ASSERT_PTR_EQUAL(split->targets[0].service, &fixture.envs[1].self);
	CHECK_NUMBER(split->targets[0].weight, 900000);
	CU_ASSERT_PTR_EQUAL(split->targets[1].service, &fixture.envs[0].self);
	CHECK_NUMBER(split->targets[1].weight, 100000);
	CU_ASSERT(fixture.envs[0].maybe != fixture.envs[0].next);
	CHECK_TEXT(fixture.envs[0].maybe->name, "one 5%, other 95%");
	CHECK_NUMBER(fixture.deployment.key_count, 0);
	tear_down(&fixture);
}

static void a_split_may_be_sticky(void)
{
	struct fixture fixture;
	const struct tn_split *split;

	fill(&fixture, "[worker one]\nservice.next = other 90%, one 10%\n"
	               "split.next.key = cookie:session\n" REST OTHER);
	CHECK_ERRORS(&fixture.errors, "");
	split = split_of(fixture.envs[0].next);
	CHECK_NUMBER(split->key.source, TN_SPLIT_COOKIE);
	CHECK_TEXT(split->key.name, "session");
	CHECK_NUMBER(fixture.deployment.key_count, 1);
	free(fixture.deployment.keys);
	tear_down(&fixture);
}

/* There is nothing to choose. */
static void where_all_goes_to_one_the_call_stays_direct(void)
{
	struct fixture fixture;

	fill(&fixture, "[worker one]\nservice.next = other 100%\nservice.maybe = one 0%, other "
	               "100%\n" REST OTHER);
	CHECK_ERRORS(&fixture.errors, "");
	CU_ASSERT_PTR_EQUAL(fixture.envs[0].next, &fixture.envs[1].self);
	CU_ASSERT_PTR_EQUAL(fixture.envs[0].maybe, &fixture.envs[1].self);
	CU_ASSERT_PTR_EQUAL(fixture.deployment.next_split, fixture.splits);
	tear_down(&fixture);
}

/* No room is kept for these among the envs, which are filled in all the same, so that all mistakes
 * are told in one run. */
static void of_a_split_with_mistakes_what_is_left_is_bound(void)
{
	struct fixture fixture;

	fill(&fixture, "[worker one]\nservice.next = other 50%\nservice.maybe = nobody 50%, one "
	               "x\n" REST OTHER);
	CHECK_NUMBER(fixture.errors.errors, 3);
	CU_ASSERT_PTR_EQUAL(fixture.envs[0].next, &fixture.envs[1].self);
	CU_ASSERT_PTR_NULL(fixture.envs[0].maybe);
	CU_ASSERT_PTR_EQUAL(fixture.deployment.next_split, fixture.splits);
	tear_down(&fixture);
}

TEST_MAIN("deploy/binding",
          TEST(what_is_required_is_enough),
          TEST(what_is_given_replaces_the_defaults),
          TEST(an_empty_text_is_a_text),
          TEST(two_workers_of_a_module_have_an_env_each),
          TEST(self_is_left_alone),
          TEST(bindings_that_are_missing_are_told_with_an_example),
          TEST(a_binding_that_is_not_declared_is_told_with_the_nearest),
          TEST(without_a_near_name_all_are_listed),
          TEST(the_wrong_prefix_is_told),
          TEST(what_is_not_configured_cannot_be_bound),
          TEST(an_unknown_key_is_told_with_what_there_is),
          TEST(a_key_without_its_prefix_is_told_with_it),
          TEST(values_of_another_form_are_told),
          TEST(a_secret_that_cannot_be_had_is_told),
          TEST(without_a_module_unknown_keys_are_told),
          TEST(unknown_keys_are_told_of_what_nothing_reaches_too),
          TEST(a_variant_has_what_it_inherits),
          TEST(a_secret_that_several_inherit_is_read_once),
          TEST(a_mistake_that_is_inherited_is_told_with_the_worker_that_has_it),
          TEST(a_split_is_a_service_of_the_host),
          TEST(a_split_may_be_sticky),
          TEST(where_all_goes_to_one_the_call_stays_direct),
          TEST(of_a_split_with_mistakes_what_is_left_is_bound))
