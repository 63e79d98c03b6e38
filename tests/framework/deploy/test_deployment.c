#include "deploy/deployment.h"

#include "deploy/gate.h"
#include "message/request.h"
#include "message/waits.h"

#include "scratch.h"

#include <dlfcn.h>

/* The envs of plugins/gateway.c, tests/fixtures/mistake_node.c and mistake_start.c. */
struct gateway_env {
	struct tn_service self;
	const struct tn_service *auth;
	const struct tn_service *application;
};

struct node_env {
	struct tn_service self;
	const struct tn_service *one;
	const struct tn_service *other;
};

struct start_env {
	struct tn_service self;
	const char *DO;
	const char *STOP;
};

struct fixture {
	struct scratch scratch;
	struct tn_errors errors;
	struct tn_config *config;
	struct tn_plan *plan;
	struct tn_deployment *deployment;
};

static void create_with(struct fixture *fixture, const struct tn_deployment_options *options,
                        const char *format)
{
	char text[4096];
	char path[512];
	char directory[2 * PATH_MAX];

	memset(fixture, 0, sizeof(*fixture));
	scratch_begin(&fixture->scratch);
	snprintf(directory, sizeof(directory), "%s", built(""));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), format, directory, fixture->scratch.directory);
#pragma GCC diagnostic pop
	snprintf(path, sizeof(path), "%s/x.ini", fixture->scratch.directory);
	setenv("TENON_TEST_TOKEN", "open sesame", 1);
	fixture->config = tn_config_parse(path, text, strlen(text), &fixture->errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->config);
	fixture->plan = tn_plan_create(fixture->config, NULL, &fixture->errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->plan);
	fixture->deployment = tn_deployment_create(fixture->plan, options, &fixture->errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->deployment);
}

/* %1$s is where things are built, %2$s is the directory of the configuration. */
static void create(struct fixture *fixture, const char *format)
{
	create_with(fixture, &(struct tn_deployment_options){ 0 }, format);
}

static void finish(struct fixture *fixture)
{
	tn_deployment_destroy(fixture->deployment);
	tn_plan_destroy(fixture->plan);
	tn_config_destroy(fixture->config);
	tn_errors_finish(&fixture->errors);
	scratch_end(&fixture->scratch);
}

/* The errors without the path of the configuration, which is another each time. */
static void expect_errors(struct fixture *fixture, const char *expected)
{
	char *text = errors_text(&fixture->errors);
	char *from = text, *to = text;
	size_t size = strlen(fixture->scratch.directory);

	while (*from) {
		if (strncmp(from, fixture->scratch.directory, size) == 0)
			from += size;
		*to++ = *from++;
	}
	*to = '\0';
	CHECK_TEXT(text, expected);
	free(text);
}

#define CHAIN \
	"[host]\nmodules = %1$s/plugins\n" \
	"[worker gateway]\nroute = /*\nservice.auth = auth\nservice.application = application\n" \
	"[worker application]\n" \
	"[worker auth]\nsecret.SECRET_TOKEN = env:TENON_TEST_TOKEN\n"

/* What env->auth->fetch calls is the function itself, with nothing in between. */
static void a_binding_is_the_address_of_the_callee(void)
{
	struct fixture fixture;
	const struct gateway_env *env;
	const struct tn_instance *auth;

	create(&fixture, CHAIN);
	expect_errors(&fixture, "");
	env = (const void *)tn_deployment_find(fixture.deployment, "gateway")->service;
	auth = tn_deployment_find(fixture.deployment, "auth");
	CU_ASSERT_PTR_EQUAL(env->auth, auth->service);
	CU_ASSERT_PTR_EQUAL((void *)(uintptr_t)env->auth->fetch,
	                    dlsym(auth->module->handle, "fetch"));
	CHECK_TEXT(env->auth->name, "auth");
	CHECK_TEXT(env->application->name, "application");
	finish(&fixture);
}

static void a_route_leads_to_its_worker(void)
{
	struct fixture fixture;
	const struct tn_route *route;

	create(&fixture, CHAIN);
	route = tn_routes_match(&fixture.plan->routes, "a", "/x", 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(route);
	CU_ASSERT_PTR_EQUAL(tn_deployment_service(fixture.deployment, route),
	                    tn_deployment_find(fixture.deployment, "gateway")->service);
	finish(&fixture);
}

static void one_module_serves_two_workers_with_an_env_each(void)
{
	struct fixture fixture;
	const struct tn_instance *one, *other;

	create(&fixture, "[worker one]\nmodule = %1$s/tests/fixtures/mistake_start.so\nvar.DO = a\n"
	                 "route = /one\n"
	                 "[worker other]\nmodule = %1$s/tests/fixtures/mistake_start.so\n"
	                 "var.DO = b\nroute = /other\n");
	one = tn_deployment_find(fixture.deployment, "one");
	other = tn_deployment_find(fixture.deployment, "other");
	CHECK_NUMBER(fixture.deployment->module_count, 1);
	CU_ASSERT_PTR_EQUAL(one->module, other->module);
	CU_ASSERT(one->service != other->service && one->service->fetch == other->service->fetch);
	CHECK_TEXT(((const struct start_env *)(const void *)one->service)->DO, "a");
	CHECK_TEXT(((const struct start_env *)(const void *)other->service)->DO, "b");
	finish(&fixture);
}

static void the_secret_leaves_the_environment(void)
{
	struct fixture fixture;

	create(&fixture, CHAIN);
	CU_ASSERT_PTR_NULL(getenv("TENON_TEST_TOKEN"));
	finish(&fixture);
}

static void a_module_is_sought_where_the_configuration_is(void)
{
	struct fixture fixture;

	create(&fixture, "[worker one]\nroute = /\n"
	                 "[worker two]\nmodule = other\nroute = /two\n"
	                 "[worker three]\nmodule = sub/other.so\nroute = /three\n");
	expect_errors(&fixture,
	              "/x.ini:1: worker 'one': module '/one.so': there is no such file: build it, "
	              "or set `module`, or `modules` in [host]\n"
	              "/x.ini:4: worker 'two': module '/other': there is no such file: build it, "
	              "or set `module`, or `modules` in [host]\n"
	              "/x.ini:7: worker 'three': module '/sub/other.so': there is no such file: "
	              "build it, or set `module`, or `modules` in [host]\n");
	finish(&fixture);
}

/* Neither its module nor its secret is looked at; the variable goes all the same. */
static void what_no_route_leads_to_is_not_loaded(void)
{
	struct fixture fixture;
	const struct tn_route *route;

	create(&fixture, "[worker one]\nmodule = %1$s/tests/fixtures/mistake_node.so\nroute = /\n"
	                 "service.one = two\n"
	                 "[worker dead]\nmodule = %1$s/tests/fixtures/mistake_crash.so\n"
	                 "service.one = deader\nsecret.X = env:TENON_TEST_TOKEN\n"
	                 "[worker two]\nmodule = %1$s/tests/fixtures/mistake_node.so\n"
	                 "route = /two\n"
	                 "[worker deader]\nmodule = none.so\nservice.one = two\n"
	                 "secret.Y = file:none\n");
	expect_errors(&fixture, "");
	CHECK_NUMBER(fixture.deployment->count, 2);
	CHECK_TEXT(fixture.deployment->instances[0].name, "one");
	CHECK_TEXT(fixture.deployment->instances[1].name, "two");
	CHECK_NUMBER(fixture.deployment->module_count, 1);
	CHECK_NUMBER(fixture.deployment->secrets.count, 0);
	CU_ASSERT_PTR_NULL(tn_deployment_find(fixture.deployment, "dead"));
	CU_ASSERT_PTR_NULL(tn_deployment_find(fixture.deployment, "deader"));
	CU_ASSERT_PTR_NULL(tn_deployment_find(fixture.deployment, "nobody"));
	route = tn_routes_match(&fixture.plan->routes, "a", "/two", 4);
	CU_ASSERT_PTR_EQUAL(tn_deployment_service(fixture.deployment, route),
	                    fixture.deployment->instances[1].service);
	CU_ASSERT_PTR_NULL(getenv("TENON_TEST_TOKEN"));
	finish(&fixture);
}

static void without_a_route_nothing_is_loaded(void)
{
	struct fixture fixture;

	create(&fixture, "[worker one]\nmodule = %1$s/tests/fixtures/mistake_crash.so\n");
	expect_errors(&fixture,
	              "/x.ini: warning: no Worker has a route: every request gets 404\n");
	CHECK_NUMBER(fixture.deployment->count, 0);
	CU_ASSERT_TRUE(tn_deployment_start(fixture.deployment, &fixture.errors));
	finish(&fixture);
}

/* One env for each, of one module; the versions of a split are reached, too. */
static void a_variant_is_a_worker_of_its_own(void)
{
	struct fixture fixture;
	const struct tn_instance *base, *variant;

	create(&fixture, "[worker one]\nmodule = %1$s/tests/fixtures/mistake_node.so\nroute = /\n"
	                 "service.one = two@v1 90%%, two@v2 10%%\n"
	                 "[worker two]\nmodule = %1$s/tests/fixtures/mistake_start.so\nvar.DO = "
	                 "a\nvar.STOP = a\n"
	                 "[worker two@v1]\n[worker two@v2]\nvar.DO = b\n");
	expect_errors(&fixture, "");
	CHECK_NUMBER(fixture.deployment->count, 3);
	CHECK_NUMBER(fixture.deployment->module_count, 2);
	CU_ASSERT_PTR_NULL(tn_deployment_find(fixture.deployment, "two"));
	base = tn_deployment_find(fixture.deployment, "two@v1");
	variant = tn_deployment_find(fixture.deployment, "two@v2");
	CU_ASSERT_FATAL(base && variant);
	CU_ASSERT_PTR_EQUAL(base->module, variant->module);
	CHECK_TEXT(variant->service->name, "two@v2");
	CHECK_TEXT(((const struct start_env *)(const void *)base->service)->DO, "a");
	CHECK_TEXT(((const struct start_env *)(const void *)variant->service)->DO, "b");
	CHECK_TEXT(((const struct start_env *)(const void *)variant->service)->STOP, "a");
	finish(&fixture);
}

static void further_warnings_are_for_who_asks(void)
{
	static const char text[] =
		"[worker one]\nmodule = %1$s/tests/fixtures/mistake_node.so\nroute = /\n"
		"service.one = one\n[worker two]\n";
	struct fixture fixture;

	create(&fixture, text);
	expect_errors(&fixture, "");
	finish(&fixture);
	create_with(&fixture, &(struct tn_deployment_options){ .warn = true }, text);
	CHECK_NUMBER(fixture.errors.errors, 0);
	expect_errors(&fixture,
	              "/x.ini:4: warning: worker 'one': service.one: the bindings form a cycle, "
	              "one > one: max_depth ends it\n"
	              "/x.ini:5: warning: worker 'two': it is not loaded: no route leads to it, "
	              "and nobody binds it: give it a route, bind it, or remove it\n");
	finish(&fixture);
}

static bool skip_first(void *argument, size_t worker)
{
	unsigned *asked = argument;

	++*asked;
	return worker == 0;
}

/* The others are loaded, and bound to it. */
static void a_module_can_be_left_out(void)
{
	unsigned asked = 0;
	struct tn_deployment_options options = { .skip = skip_first, .argument = &asked };
	struct fixture fixture;

	create_with(&fixture, &options,
	            "[worker one]\nmodule = %1$s/tests/fixtures/mistake_crash.so\nroute = /\n"
	            "[worker two]\nmodule = %1$s/tests/fixtures/mistake_node.so\nservice.one = "
	            "one\nroute = /two\n");
	expect_errors(&fixture, "");
	CHECK_NUMBER(asked, 2);
	CU_ASSERT_PTR_NULL(fixture.deployment->instances[0].module);
	CU_ASSERT_PTR_NOT_NULL(fixture.deployment->instances[1].module);
	finish(&fixture);
}

#define HOOKED \
	"module = %1$s/tests/fixtures/mistake_start.so\n" \
	"var.DO = %2$s/log\nvar.STOP = %2$s/log\n"

static void check_log(struct fixture *fixture, const char *expected)
{
	size_t size = 0;
	char *text = scratch_read(scratch_path(&fixture->scratch, "log"), &size);

	CHECK_TEXT(text, expected);
	free(text);
}

/* ---- Quarantine ---------------------------------------------------------------------------- */

/* What a Worker answers that is called from outside. */
static int status_of(const struct fixture *fixture, const char *worker)
{
	const struct tn_instance *instance = tn_deployment_find(fixture->deployment, worker);
	struct tn_exchange_pool pool;
	struct tn_exchange *exchange;
	int status;

	tn_exchange_pool_init(&pool, &tn_limits_default, 0);
	exchange = tn_exchange_begin(&pool);
	status = tn_response_status(
		tn_fetch(instance->service,
	                 tn_request_first(exchange, "GET", "localhost", "/", "127.0.0.1")));
	tn_exchange_end(&pool, exchange);
	tn_exchange_pool_finish(&pool);
	return status;
}

#define NODE "module = %1$s/tests/fixtures/mistake_node.so\n"
#define CRASHES "module = %1$s/tests/fixtures/mistake_crash.so\n"
#define ANSWERS "module = %1$s/tests/fixtures/mistake_start.so\n"

static void a_mark_holds_for_its_worker_and_can_be_taken_away(void)
{
	_Atomic uint8_t marks[4] = { 0 };
	struct fixture fixture;

	create_with(&fixture, &(struct tn_deployment_options){ .quarantine = marks },
	            "[worker nobody]\n" ANSWERS "[worker a]\nroute = /\n" ANSWERS
	            "[worker b]\nroute = /b\n" ANSWERS);
	expect_errors(&fixture, "");
	CU_ASSERT_TRUE(tn_deployment_start(fixture.deployment, &fixture.errors));
	CHECK_NUMBER(status_of(&fixture, "a"), 200);
	marks[2] = TN_QUARANTINE_REQUESTS;
	CHECK_NUMBER(status_of(&fixture, "a"), 503);
	CHECK_NUMBER(status_of(&fixture, "b"), 200);
	marks[2] = TN_QUARANTINE_LOAD;
	CHECK_NUMBER(status_of(&fixture, "a"), 503);
	marks[2] = TN_QUARANTINE_NONE;
	CHECK_NUMBER(status_of(&fixture, "a"), 200);
	finish(&fixture);
}

/* Its bindings are linked, and those to it; the Worker after it is not one less. */
static void a_module_that_crashes_is_not_loaded(void)
{
	_Atomic uint8_t marks[5] = { [2] = TN_QUARANTINE_LOAD };
	struct fixture fixture;
	const struct node_env *env;

	create_with(&fixture, &(struct tn_deployment_options){ .quarantine = marks },
	            "[worker caller]\nroute = /\nservice.one = bad\nservice.other = bad 50%%, good "
	            "50%%\n" NODE "[worker bad]\nservice.one = good\n" CRASHES
	            "[worker good]\nroute = /good\n" ANSWERS
	            "[worker shares]\nroute = /shares\n" CRASHES);
	expect_errors(&fixture, "");
	CHECK_NUMBER(fixture.deployment->module_count, 2);
	CU_ASSERT_PTR_NULL(tn_deployment_find(fixture.deployment, "bad")->module);
	CU_ASSERT_PTR_NULL(tn_deployment_find(fixture.deployment, "shares")->module);
	CU_ASSERT_TRUE(tn_deployment_start(fixture.deployment, &fixture.errors));
	env = (const void *)tn_deployment_find(fixture.deployment, "caller")->service;
	CU_ASSERT(env->one == tn_deployment_find(fixture.deployment, "bad")->service);
	CHECK_NUMBER(((const struct tn_split *)(const void *)env->other)->count, 2);
	CHECK_NUMBER(status_of(&fixture, "bad"), 503);
	CHECK_NUMBER(status_of(&fixture, "shares"), 503);
	CHECK_NUMBER(status_of(&fixture, "caller"), 503);
	CHECK_NUMBER(status_of(&fixture, "good"), 200);
	/* It is not there, whatever is said meanwhile. */
	marks[2] = TN_QUARANTINE_NONE;
	CU_ASSERT_TRUE(tn_quarantine_holds(env->one));
	CHECK_NUMBER(status_of(&fixture, "bad"), 503);
	tn_deployment_stop(fixture.deployment);
	finish(&fixture);
}

/* It may be that the second one that shares a module is the one that is marked. */
static void one_that_shares_a_module_that_crashes_is_not_loaded_either(void)
{
	_Atomic uint8_t marks[3] = { [2] = TN_QUARANTINE_LOAD };
	struct fixture fixture;

	create_with(&fixture, &(struct tn_deployment_options){ .quarantine = marks },
	            "[worker one]\nroute = /\n" CRASHES "[worker two]\nroute = /two\n" CRASHES);
	expect_errors(&fixture, "");
	CHECK_NUMBER(fixture.deployment->module_count, 0);
	CHECK_NUMBER(status_of(&fixture, "one"), 503);
	CHECK_NUMBER(status_of(&fixture, "two"), 503);
	finish(&fixture);
}

static void one_that_crashes_at_its_start_is_not_started(void)
{
	_Atomic uint8_t marks[4] = { [2] = TN_QUARANTINE_START, [3] = TN_QUARANTINE_REQUESTS };
	struct fixture fixture;

	create_with(&fixture, &(struct tn_deployment_options){ .quarantine = marks },
	            "[worker a]\nroute = /\n" HOOKED
	            "[worker b]\nroute = /b\nvar.DO = crash\nvar.STOP = crash\n" ANSWERS
	            "[worker c]\nroute = /c\n" HOOKED);
	expect_errors(&fixture, "");
	CU_ASSERT_TRUE(tn_deployment_start(fixture.deployment, &fixture.errors));
	check_log(&fixture, "a c ");
	CHECK_NUMBER(status_of(&fixture, "a"), 200);
	CHECK_NUMBER(status_of(&fixture, "b"), 503);
	CHECK_NUMBER(status_of(&fixture, "c"), 503);
	/* The one has never started, and does not until another process does it. */
	marks[2] = TN_QUARANTINE_NONE;
	marks[3] = TN_QUARANTINE_NONE;
	CHECK_NUMBER(status_of(&fixture, "b"), 503);
	CHECK_NUMBER(status_of(&fixture, "c"), 200);
	tn_deployment_stop(fixture.deployment);
	check_log(&fixture, "a c c a ");
	finish(&fixture);
}

/* There is nothing that it lacks: it can be released. */
static void one_without_a_start_hook_has_nothing_left_out(void)
{
	_Atomic uint8_t marks[3] = { [1] = TN_QUARANTINE_START };
	struct fixture fixture;

	create_with(&fixture, &(struct tn_deployment_options){ .quarantine = marks },
	            "[worker a]\nroute = /\nservice.one = b\n" NODE "[worker b]\n" ANSWERS);
	CU_ASSERT_TRUE(tn_deployment_start(fixture.deployment, &fixture.errors));
	CHECK_NUMBER(status_of(&fixture, "a"), 503);
	marks[1] = TN_QUARANTINE_NONE;
	CHECK_NUMBER(status_of(&fixture, "a"), 200);
	finish(&fixture);
}

/* ---- Starting ------------------------------------------------------------------------------ */

static void hooks_run_in_order_and_stop_in_reverse(void)
{
	struct fixture fixture;

	create(&fixture, "[worker a]\nroute = /\n" HOOKED "[worker b]\nroute = /b\n" HOOKED
	                 "[worker c]\nroute = /c\n" HOOKED);
	expect_errors(&fixture, "");
	CU_ASSERT(access(scratch_path(&fixture.scratch, "log"), F_OK) < 0); /* not yet */
	CU_ASSERT_TRUE(tn_deployment_start(fixture.deployment, &fixture.errors));
	check_log(&fixture, "a b c ");
	tn_deployment_stop(fixture.deployment);
	check_log(&fixture, "a b c c b a ");
	tn_deployment_stop(fixture.deployment);
	check_log(&fixture, "a b c c b a ");
	finish(&fixture);
}

static void those_that_started_are_stopped_where_one_fails(void)
{
	struct fixture fixture;

	create(&fixture, "[worker a]\nroute = /\n" HOOKED
	                 "[worker b]\nroute = /b\nmodule = %1$s/tests/fixtures/mistake_start.so\n"
	                 "var.DO = fail\nvar.STOP = %2$s/log\n"
	                 "[worker c]\nroute = /c\n" HOOKED
	                 "[worker d]\nroute = /d\nmodule = %1$s/tests/fixtures/mistake_start.so\n"
	                 "var.DO = fail\n");
	expect_errors(&fixture, "");
	CU_ASSERT_FALSE(tn_deployment_start(fixture.deployment, &fixture.errors));
	expect_errors(&fixture, "/x.ini:6: worker 'b': start: the database does not answer\n"
	                        "/x.ini:16: worker 'd': start: the database does not answer\n");
	check_log(&fixture, "a c c a ");
	finish(&fixture);
}

static void destroying_stops_what_runs(void)
{
	struct fixture fixture;

	create(&fixture, "[worker a]\nroute = /\n" HOOKED);
	CU_ASSERT_TRUE(tn_deployment_start(fixture.deployment, &fixture.errors));
	tn_deployment_destroy(fixture.deployment);
	fixture.deployment = NULL;
	check_log(&fixture, "a a ");
	finish(&fixture);
}

/* The kernel says so without a signal. */
static bool can_be_written(void *address)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	bool written = read(zero, address, 1) == 1;

	close(zero);
	return written;
}

static void a_running_env_cannot_be_written(void)
{
	struct fixture fixture;
	void **reserved;

	create(&fixture, CHAIN);
	reserved = &tn_deployment_find(fixture.deployment, "auth")->service->reserved[5];
	CU_ASSERT_TRUE(can_be_written(reserved));
	CU_ASSERT_TRUE(tn_deployment_start(fixture.deployment, &fixture.errors));
	CU_ASSERT_FALSE(can_be_written(reserved));
	tn_deployment_stop(fixture.deployment);
	CU_ASSERT_TRUE(can_be_written(reserved));
	finish(&fixture);
}

/* There is room for them behind the envs, and they become read-only with them. */
static void a_running_split_cannot_be_written(void)
{
	struct fixture fixture;
	const struct node_env *env;
	const struct tn_split *split;

	create(&fixture, "[worker a]\nmodule = %1$s/tests/fixtures/mistake_node.so\nroute = /\n"
	                 "service.one = a 50%%, b 50%%\nservice.other = a 40%%, b 50%%, c 10%%\n"
	                 "[worker b]\nmodule = %1$s/tests/fixtures/mistake_node.so\n"
	                 "service.one = a\nservice.other = a 100%%, b 0%%\n"
	                 "[worker c]\nmodule = %1$s/tests/fixtures/mistake_node.so\n"
	                 "service.one = a 99.9999%%, b 0.0001%%\n");
	expect_errors(&fixture, "");
	env = (const void *)tn_deployment_find(fixture.deployment, "c")->service;
	split = (const void *)env->one;
	CHECK_NUMBER(split->count, 2);
	CU_ASSERT((char *)fixture.deployment->envs + fixture.deployment->envs_size >=
	          fixture.deployment->next_split);
	CU_ASSERT((uintptr_t)&split->targets[split->count] <=
	          (uintptr_t)fixture.deployment->next_split);
	CU_ASSERT_TRUE(tn_deployment_start(fixture.deployment, &fixture.errors));
	CU_ASSERT_FALSE(can_be_written((void *)(uintptr_t)&split->targets[1].weight));
	finish(&fixture);
}

/* ---- Workers that wait ---------------------------------------------------------------------- */

static const struct tn_instance *instance_of(const struct fixture *fixture, const char *name)
{
	return tn_deployment_find(fixture->deployment, name);
}

static const struct node_env *node_of(const struct fixture *fixture, const char *name)
{
	return (const void *)instance_of(fixture, name)->service;
}

static void who_waits_is_marked_and_bound_directly(void)
{
	struct fixture fixture;

	create(&fixture, "[worker a]\nroute = /\nservice.one = b 50%%, c 50%%\n"
	                 "service.other = c 0%%, b 100%%\n" NODE
	                 "[worker b]\nservice.one = d\n" NODE "[worker c]\n" NODE
	                 "blocking = yes\n[worker d]\n" NODE);
	expect_errors(&fixture, "");
	CU_ASSERT_TRUE(tn_service_waits(instance_of(&fixture, "a")->service));
	CU_ASSERT_FALSE(tn_service_waits(instance_of(&fixture, "b")->service));
	CU_ASSERT_TRUE(tn_service_waits(instance_of(&fixture, "c")->service));
	CU_ASSERT_TRUE(tn_service_waits(node_of(&fixture, "a")->one));
	CU_ASSERT_PTR_EQUAL(node_of(&fixture, "a")->other, instance_of(&fixture, "b")->service);
	CU_ASSERT_PTR_EQUAL(node_of(&fixture, "b")->one, instance_of(&fixture, "d")->service);
	for (size_t i = 0; i < fixture.plan->count; i++)
		CU_ASSERT_PTR_NULL(fixture.deployment->limits[i]);
	finish(&fixture);
}

static void a_split_of_those_that_do_not_wait_does_not(void)
{
	struct fixture fixture;

	create(&fixture, "[worker a]\nroute = /\nservice.one = b 50%%, c 50%%, d 0%%\n" NODE
	                 "[worker b]\n" NODE "[worker c]\n" NODE
	                 "[worker d]\nblocking = yes\n" NODE);
	expect_errors(&fixture, "");
	CU_ASSERT_FALSE(tn_service_waits(node_of(&fixture, "a")->one));
	CU_ASSERT_TRUE(tn_service_waits(instance_of(&fixture, "d")->service));
	finish(&fixture);
}

/* All bindings to the Worker have one gate; a split of it has it, too; its route has none. */
static void a_worker_with_a_timeout_has_a_gate(void)
{
	struct fixture fixture;
	const struct tn_service *bound;
	const struct tn_gate *gate;
	const struct tn_split *split;

	create(&fixture, "[host]\nqueue_timeout = 3s\n[worker a]\nroute = /\nservice.one = c\n"
	                 "service.other = b 50%%, c 50%%\n" NODE
	                 "[worker b]\nservice.one = c\n" NODE
	                 "[worker c]\nroute = /c\ntimeout = 2s\n" NODE);
	expect_errors(&fixture, "");
	bound = node_of(&fixture, "a")->one;
	gate = (const void *)bound;
	split = (const void *)node_of(&fixture, "a")->other;
	CU_ASSERT(bound->fetch == tn_gate_fetch);
	CHECK_TEXT(bound->name, "c");
	CU_ASSERT_FALSE(tn_service_waits(bound));
	CU_ASSERT_PTR_EQUAL(gate->callee, instance_of(&fixture, "c")->service);
	CU_ASSERT_PTR_NULL(gate->options.limit);
	CHECK_NUMBER(gate->options.timeout, 2000);
	CHECK_NUMBER(gate->options.queue_timeout, 3000);
	CU_ASSERT_PTR_EQUAL(node_of(&fixture, "b")->one, bound);
	CU_ASSERT(split->targets[0].service == bound || split->targets[1].service == bound);
	CU_ASSERT_PTR_EQUAL(tn_deployment_service(fixture.deployment,
	                                          tn_routes_match(&fixture.plan->routes, "", "/c",
	                                                          2)),
	                    instance_of(&fixture, "c")->service);
	CU_ASSERT_TRUE(tn_deployment_start(fixture.deployment, &fixture.errors));
	CU_ASSERT_FALSE(can_be_written((void *)(uintptr_t)&gate->options.queue_timeout));
	finish(&fixture);
}

static void a_limit_is_there_where_threads_meet(void)
{
	struct fixture fixture;
	const struct tn_gate *gate;

	create(&fixture, "[worker a]\nroute = /\nblocking = yes\nconcurrency = 3\n"
	                 "service.one = b\n" NODE "[worker b]\nconcurrency = 2\n" NODE
	                 "[worker c]\nroute = /c\nservice.one = d\n" NODE
	                 "[worker d]\nconcurrency = 2\n" NODE);
	expect_errors(&fixture, "");
	gate = (const void *)node_of(&fixture, "a")->one;
	CU_ASSERT(gate->self.fetch == tn_gate_fetch);
	CU_ASSERT_TRUE(tn_service_waits(&gate->self));
	CHECK_NUMBER(gate->options.timeout, 0);
	CU_ASSERT_PTR_NOT_NULL(gate->options.limit);
	CU_ASSERT_PTR_EQUAL(gate->options.limit, fixture.deployment->limits[1]);
	CU_ASSERT_PTR_NOT_NULL(fixture.deployment->limits[0]); /* for who takes its route's jobs */
	CU_ASSERT_PTR_NULL(fixture.deployment->limits[2]);
	CU_ASSERT_PTR_NULL(fixture.deployment->limits[3]); /* it limits nothing */
	CU_ASSERT_PTR_EQUAL(node_of(&fixture, "c")->one, instance_of(&fixture, "d")->service);
	finish(&fixture);
}

static void the_activity_tells_each_step(void)
{
	struct tn_activity activity = { 0 };
	struct fixture fixture;

	create_with(&fixture, &(struct tn_deployment_options){ .activity = &activity },
	            "[worker a]\nroute = /\n" HOOKED "[worker b]\nroute = /b\n" HOOKED);
	CHECK_NUMBER(atomic_load(&activity.step), TN_STEP_NONE);
	CHECK_NUMBER(atomic_load(&activity.steps), 2); /* one module, begun and ended */
	CU_ASSERT_TRUE(tn_deployment_start(fixture.deployment, &fixture.errors));
	CHECK_NUMBER(atomic_load(&activity.steps), 2 + 4);
	tn_deployment_stop(fixture.deployment);
	CHECK_NUMBER(atomic_load(&activity.steps), 2 + 4 + 4);
	CHECK_NUMBER(atomic_load(&activity.chain[0]), 1); /* the first one was stopped last */
	CHECK_NUMBER(tn_activity_running(&activity), 0);
	CHECK_NUMBER(atomic_load(&activity.step), TN_STEP_NONE);
	finish(&fixture);
}

static void nothing_can_be_destroyed(void)
{
	tn_deployment_destroy(NULL);
}

/* ---- Any bytes ----------------------------------------------------------------------------- */

static uint64_t random_number(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Puts, swaps or cuts a few bytes; those that mean something are likelier. */
static size_t mutate(char *text, size_t size, uint64_t *state)
{
	static const char likely[] = "[]=:;\"#\n\r\t ,./*\0\x7f\xef\xbb\xbf\xc3 workerhost0K";

	for (uint64_t changes = 1 + random_number(state) % 6; changes && size; changes--) {
		size_t at = random_number(state) % size;

		switch (random_number(state) % 4) {
		case 0:
			text[at] = (char)random_number(state);
			break;
		case 1:
			text[at] = likely[random_number(state) % (sizeof(likely) - 1)];
			break;
		case 2:
			memmove(text + at, text + at + 1, size - at - 1);
			size--;
			break;
		default:
			if (random_number(state) % 8 == 0)
				size = at;
		}
	}
	return size;
}

/* Each complaint stands somewhere. */
static void check_places(const struct tn_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++) {
		CU_ASSERT_PTR_NOT_NULL(errors->list[i].place.file);
		CU_ASSERT(*errors->list[i].text);
		CU_ASSERT_PTR_NULL(strpbrk(errors->list[i].text, "\n\r\x1b"));
	}
}

static void read_as_routes(const struct tn_config *config, struct tn_errors *errors)
{
	struct tn_routes routes = { 0 };

	for (size_t i = 0; i < config->count; i++)
		for (size_t j = 0; j < config->sections[i]->count; j++)
			tn_routes_add(&routes, config->sections[i]->entries[j].value,
			              config->sections[i]->entries[j].place, "one", 0);
	tn_routes_sort(&routes, errors);
	tn_routes_finish(&routes);
}

/* The configuration without its modules: nothing of it runs. */
static bool parse_any(const char *text, size_t size)
{
	struct tn_errors errors = { 0 }, of_routes = { 0 };
	struct tn_config *config = tn_config_parse("x.ini", text, size, &errors);
	struct tn_plan *plan;
	bool valid;

	CU_ASSERT_PTR_NOT_NULL_FATAL(config);
	check_places(&errors);
	for (size_t i = 0; i < errors.count; i++)
		CU_ASSERT(errors.list[i].place.line > 0);
	plan = tn_plan_create(config, "staging", &errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
	tn_plan_warn(plan, &errors);
	read_as_routes(config, &of_routes);
	check_places(&errors);
	check_places(&of_routes);
	valid = !errors.errors;
	tn_plan_destroy(plan);
	tn_config_destroy(config);
	tn_errors_finish(&errors);
	tn_errors_finish(&of_routes);
	return valid;
}

static const char example[] =
	"; An example\n[host]\nlisten  = 127.0.0.1:8080, [::1]:0\nmodules = ../build/plugins\n"
	"max_body = 64K\nidle_timeout = 10s\n[host@staging]\nlisten = *:0\nmax_body =\n\n"
	"[worker gateway]\nroute               = /*\n"
	"service.auth        = auth@v1 90%, auth@v2 9.5%,auth 0.5%\nsplit.auth.key = cookie:a\n"
	"service.application = application\n\n[worker auth]\n"
	"route = *.example.com/a, [::1]/b\nsecret.SECRET_TOKEN = file:../build/demo-token\n\n"
	"[worker auth@v1]\n[worker auth@v2]\ninherits = auth@staging\nvar.X =\n"
	"[worker auth@staging]\nvar.X = 1\n"
	"[worker application]\nvar.GREETING = \"Hello; world\" ; a comment\n";

static void no_text_makes_it_crash(void)
{
	char text[sizeof(example)];
	uint64_t state = 20260131;
	unsigned valid = 0;

	for (unsigned i = 0; i < 5000; i++) {
		memcpy(text, example, sizeof(example));
		valid += parse_any(text, mutate(text, sizeof(example) - 1, &state));
	}
	CU_ASSERT(valid > 50 && valid < 4950); /* both ways were tried */
}

TEST_MAIN("deploy/deployment",
          TEST(a_binding_is_the_address_of_the_callee),
          TEST(a_route_leads_to_its_worker),
          TEST(one_module_serves_two_workers_with_an_env_each),
          TEST(the_secret_leaves_the_environment),
          TEST(a_module_is_sought_where_the_configuration_is),
          TEST(what_no_route_leads_to_is_not_loaded),
          TEST(without_a_route_nothing_is_loaded),
          TEST(a_variant_is_a_worker_of_its_own),
          TEST(further_warnings_are_for_who_asks),
          TEST(a_module_can_be_left_out),
          TEST(a_mark_holds_for_its_worker_and_can_be_taken_away),
          TEST(a_module_that_crashes_is_not_loaded),
          TEST(one_that_shares_a_module_that_crashes_is_not_loaded_either),
          TEST(one_that_crashes_at_its_start_is_not_started),
          TEST(one_without_a_start_hook_has_nothing_left_out),
          TEST(hooks_run_in_order_and_stop_in_reverse),
          TEST(those_that_started_are_stopped_where_one_fails),
          TEST(destroying_stops_what_runs),
          TEST(a_running_env_cannot_be_written),
          TEST(a_running_split_cannot_be_written),
          TEST(who_waits_is_marked_and_bound_directly),
          TEST(a_split_of_those_that_do_not_wait_does_not),
          TEST(a_worker_with_a_timeout_has_a_gate),
          TEST(a_limit_is_there_where_threads_meet),
          TEST(the_activity_tells_each_step),
          TEST(nothing_can_be_destroyed),
          TEST(no_text_makes_it_crash))
