#include "planned.h"

#include "deploy/deployment.h"

#include <pthread.h>
#include <sys/inotify.h>

#define NO_ROUTE "x.ini: warning: no Worker has a route: every request gets 404\n"

static const struct tn_plan_worker *worker_of(const struct planned *planned, const char *name)
{
	const struct tn_plan_worker *worker = tn_plan_find(planned->plan, name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(worker);
	return worker;
}

/* Text that is put together; the tests have one at a time. */
struct text {
	char *data;
	size_t size;
	FILE *stream;
};

static FILE *text_begin(struct text *text)
{
	*text = (struct text){ 0 };
	text->stream = open_memstream(&text->data, &text->size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text->stream);
	return text->stream;
}

static void text_check(struct text *text, const char *expected, unsigned line)
{
	fclose(text->stream);
	test_text(text->data, expected, "the text", __FILE__, line);
	free(text->data);
}

/* ---- Names --------------------------------------------------------------------------------- */

#define THREE \
	"[worker gateway]\nroute = /*\n" \
	"[worker auth]\n[worker auth@staging]\n[worker auth@v2]\n"

static const char *name_of(const struct tn_plan_worker *worker)
{
	return worker ? worker->name : NULL;
}

static void a_worker_is_found_by_its_whole_name(void)
{
	struct planned planned;

	planned_text(&planned, "staging", THREE);
	CHECK_TEXT(name_of(tn_plan_find(planned.plan, "auth")), "auth");
	CHECK_TEXT(name_of(tn_plan_find(planned.plan, "auth@v2")), "auth@v2");
	CHECK_TEXT(name_of(tn_plan_find(planned.plan, "auth@")), NULL);
	CHECK_TEXT(name_of(tn_plan_find(planned.plan, "Auth")), NULL);
	CHECK_TEXT(name_of(tn_plan_find(planned.plan, "")), NULL);
	CHECK_TEXT(worker_of(&planned, "auth@v2")->variant, "v2");
	CHECK_TEXT(worker_of(&planned, "auth")->variant, NULL);
	for (size_t i = 0; i < planned.plan->count; i++)
		CHECK_NUMBER((long long)planned.plan->workers[i].number, (long long)i);
	planned_end(&planned);
}

static void an_unqualified_name_means_the_variant_of_the_environment(void)
{
	struct planned planned;

	planned_text(&planned, "staging", THREE);
	CHECK_TEXT(name_of(tn_plan_lookup(planned.plan, "auth")), "auth@staging");
	CHECK_TEXT(name_of(tn_plan_lookup(planned.plan, "auth@v2")), "auth@v2");
	CHECK_TEXT(name_of(tn_plan_lookup(planned.plan, "gateway")), "gateway");
	CHECK_TEXT(name_of(tn_plan_lookup(planned.plan, "gateway@staging")), NULL);
	planned_end(&planned);
	planned_text(&planned, NULL, THREE);
	CHECK_TEXT(name_of(tn_plan_lookup(planned.plan, "auth")), "auth");
	CHECK_TEXT(name_of(tn_plan_lookup(planned.plan, "auth@staging")), "auth@staging");
	planned_end(&planned);
}

static void who_asks_for_a_name_that_is_none_gets_a_suggestion(void)
{
	struct planned planned;
	char hint[128];

	planned_text(&planned, "staging", THREE);
	CHECK_TEXT(name_of(tn_plan_ask(planned.plan, "auth", hint, sizeof(hint))), "auth@staging");
	CHECK_TEXT(hint, "");
	CHECK_TEXT(name_of(tn_plan_ask(planned.plan, "gatway", hint, sizeof(hint))), "gateway");
	CHECK_TEXT(hint, " (did you mean 'gateway'?)");
	CHECK_TEXT(name_of(tn_plan_ask(planned.plan, "auth@stagin", hint, sizeof(hint))),
	           "auth@staging");
	CHECK_TEXT(hint, " (did you mean 'auth@staging'?)");
	CHECK_TEXT(name_of(tn_plan_ask(planned.plan, "nothing", hint, sizeof(hint))), NULL);
	CHECK_TEXT(hint, "");
	planned_end(&planned);
}

static void sections_that_are_none_are_told(void)
{
	CHECK_TEXT_TOLD(NULL,
	                "[hots]\n[host one]\n[wroker a]\n[worker]\n[database x]\n[]\n[worker a]\n"
	                "route = /\n",
	                "x.ini:1: unknown section [hots] (did you mean 'host'?): there are [host] "
	                "and [worker NAME]\n"
	                "x.ini:2: [host one]: there is one host, without a name: write [host], or "
	                "[host@ENVIRONMENT]\n"
	                "x.ini:3: unknown section [wroker a] (did you mean 'worker'?): there are "
	                "[host] and [worker NAME]\n"
	                "x.ini:4: [worker]: it has no name: write [worker NAME]\n"
	                "x.ini:5: unknown section [database x]: there are [host] and [worker "
	                "NAME]\n"
	                "x.ini:6: unknown section []: there are [host] and [worker NAME]\n");
	CHECK_TEXT_TOLD(NULL, "[host]\n", "x.ini: there is no Worker: add a section [worker NAME] "
	                                  "with `route = /*`\n");
}

/* ---- Environments -------------------------------------------------------------------------- */

static void an_environment_that_is_none_gets_a_suggestion(void)
{
	CHECK_TEXT_TOLD("stagin", THREE,
	                "x.ini: there is no environment 'stagin' (did you mean 'staging'?): a "
	                "section of it is [worker NAME@stagin] or [host@stagin]\n");
	CHECK_TEXT_TOLD("production", THREE,
	                "x.ini: there is no environment 'production': a section of it is [worker "
	                "NAME@production] or [host@production]\n");
}

/* One section is enough, be it a version's or the host's. */
static void an_environment_is_there_if_a_section_is_named_after_it(void)
{
	CHECK_TEXT_TOLD("v2", THREE, "");
	CHECK_TEXT_TOLD("production", THREE "[host@production]\n", "");
}

/* "caller.field>target" of every binding. */
static void check_bindings(const struct planned *planned, const char *expected, unsigned line)
{
	struct text text;
	FILE *to = text_begin(&text);

	for (size_t i = 0; i < planned->plan->count; i++) {
		const struct tn_plan_worker *worker = &planned->plan->workers[i];

		for (size_t j = 0; j < worker->binding_count; j++) {
			const struct tn_plan_binding *binding = &worker->bindings[j];

			CU_ASSERT_PTR_EQUAL(binding->caller, worker);
			fprintf(to, "%s.%s", worker->name, binding->field);
			for (size_t k = 0; k < binding->target_count; k++)
				fprintf(to, ">%s", binding->targets[k].worker->name);
			fputc(' ', to);
		}
	}
	text_check(&text, expected, line);
}

#define BOUND \
	"[worker gateway]\nroute = /*\nservice.auth = auth\nservice.application = application\n" \
	"[worker gateway@v2]\nservice.auth = auth@v2\nservice.two = auth@staging\n" \
	"[worker gateway@staging]\n" \
	"[worker auth]\n[worker auth@staging]\nservice.next = application\n" \
	"[worker auth@v2]\ninherits = auth@staging\n" \
	"[worker application]\n"

static void bindings_lead_to_the_variants_of_the_environment(void)
{
	struct planned planned;

	planned_text(&planned, NULL, BOUND);
	CHECK_TOLD(&planned, "");
	check_bindings(&planned,
	               "gateway.auth>auth gateway.application>application "
	               "gateway@v2.auth>auth@v2 gateway@v2.application>application "
	               "gateway@v2.two>auth@staging "
	               "gateway@staging.auth>auth gateway@staging.application>application "
	               "auth@staging.next>application auth@v2.next>application ",
	               __LINE__);
	planned_end(&planned);
	planned_text(&planned, "staging", BOUND);
	CHECK_TOLD(&planned, "");
	check_bindings(&planned,
	               "gateway.auth>auth@staging gateway.application>application "
	               "gateway@v2.auth>auth@v2 gateway@v2.application>application "
	               "gateway@v2.two>auth@staging "
	               "gateway@staging.auth>auth@staging gateway@staging.application>application "
	               "auth@staging.next>application auth@v2.next>application ",
	               __LINE__);
	planned_end(&planned);
}

/* Each use names the binding and its weight, in the order of the file. */
static void a_worker_knows_who_binds_it(void)
{
	struct planned planned;
	struct text text;
	FILE *to;

	planned_text(&planned, NULL, BOUND);
	to = text_begin(&text);
	for (size_t i = 0; i < planned.plan->count; i++) {
		const struct tn_plan_worker *worker = &planned.plan->workers[i];

		fprintf(to, "%s:", worker->name);
		for (size_t j = 0; j < worker->use_count; j++)
			fprintf(to, " %s.%s@%u:%u", worker->uses[j].binding->caller->name,
			        worker->uses[j].binding->field,
			        worker->uses[j].binding->entry->place.line,
			        worker->uses[j].weight);
		fputc('\n', to);
	}
	text_check(&text,
	           "gateway:\n"
	           "gateway@v2:\n"
	           "gateway@staging:\n"
	           "auth: gateway.auth@3:1000000 gateway@staging.auth@3:1000000\n"
	           "auth@staging: gateway@v2.two@7:1000000\n"
	           "auth@v2: gateway@v2.auth@6:1000000\n"
	           "application: gateway.application@4:1000000 "
	           "gateway@v2.application@4:1000000 gateway@staging.application@4:1000000 "
	           "auth@staging.next@11:1000000 auth@v2.next@11:1000000\n",
	           __LINE__);
	planned_end(&planned);
}

/* ---- Routes -------------------------------------------------------------------------------- */

/* "pattern>worker" of all, best first. */
static void check_routes(const char *environment, const char *text, const char *expected,
                         unsigned line)
{
	struct planned planned;
	struct text shown;
	FILE *to;

	planned_text(&planned, environment, text);
	CHECK_TOLD(&planned, "");
	to = text_begin(&shown);
	for (size_t i = 0; i < planned.plan->routes.count; i++) {
		const struct tn_route *route = &planned.plan->routes.list[i];

		CHECK_TEXT(planned.plan->workers[route->worker].name, route->worker_name);
		fprintf(to, "%s>%s ", route->text, route->worker_name);
	}
	text_check(&shown, expected, line);
	planned_end(&planned);
}

#define ROUTED \
	"[worker gateway]\nroute = www.example.com/*\n" \
	"[worker gateway@staging]\n" \
	"[worker gateway@v2]\nroute = v2.example.com/*\n" \
	"[worker gateway@v3]\ninherits = gateway@v2\n" \
	"[worker shop]\nroute = shop.example.com/*, /shop\n" \
	"[worker shop@staging]\nroute = staging.example.com/shop/*\n" \
	"[worker admin]\nroute = admin.example.com/*\n" \
	"[worker admin@staging]\nroute =\n" \
	"[worker debug]\n" \
	"[worker debug@staging]\nroute = debug.example.com/*\n" \
	"[worker files]\nroute = /files/*\n"

/* [host@staging] says that it is run by itself: then its routes are its own. */
static void the_routes_of_an_environment_with_a_host_are_its_own(void)
{
	static const char text[] = "[host]\n[host@staging]\nlisten = 127.0.0.1:8081\n"
				   "[worker a]\nroute = /\n"
				   "[worker a@staging]\nroute = staging.example.com/*\n"
				   "[worker a@v2]\nroute = v2.example.com/*\n";

	check_routes(NULL, text, "v2.example.com/*>a@v2 />a ", __LINE__);
	check_routes("staging", text, "staging.example.com/*>a@staging ", __LINE__);
}

/* A preview address is one more. */
static void without_an_environment_all_routes_count(void)
{
	check_routes(NULL, ROUTED,
	             "staging.example.com/shop/*>shop@staging "
	             "admin.example.com/*>admin "
	             "debug.example.com/*>debug@staging "
	             "shop.example.com/*>shop "
	             "www.example.com/*>gateway "
	             "v2.example.com/*>gateway@v2 "
	             "/files/*>files "
	             "/shop>shop ",
	             __LINE__);
}

static void a_route_goes_to_the_variant_unless_it_names_its_own(void)
{
	check_routes("staging", ROUTED,
	             "staging.example.com/shop/*>shop@staging "
	             "debug.example.com/*>debug@staging "
	             "www.example.com/*>gateway@staging "
	             "/files/*>files ",
	             __LINE__);
}

/* Not to the version from which the variant inherits its other keys. */
static void a_version_may_be_the_environment(void)
{
	check_routes("v3", ROUTED,
	             "admin.example.com/*>admin "
	             "shop.example.com/*>shop "
	             "www.example.com/*>gateway@v3 "
	             "/files/*>files "
	             "/shop>shop ",
	             __LINE__);
}

static void a_variant_is_public_only_by_its_own_route_or_its_environment(void)
{
	struct planned planned;

	planned_text(&planned, "staging", ROUTED);
	CHECK_NUMBER(worker_of(&planned, "gateway@staging")->route->place.line, 2);
	CHECK_NUMBER(worker_of(&planned, "shop@staging")->route->place.line, 11);
	CU_ASSERT_PTR_NULL(worker_of(&planned, "gateway")->route);
	CU_ASSERT_PTR_NULL(worker_of(&planned, "gateway@v2")->route);
	CU_ASSERT_PTR_NULL(worker_of(&planned, "admin")->route);
	CU_ASSERT_PTR_NULL(worker_of(&planned, "admin@staging")->route);
	planned_end(&planned);
}

#define SAME_ROUTE \
	"[worker a]\nroute = /*, /a\n[worker a@staging]\nroute = /*\n[worker b]\n" \
	"[worker b@staging]\nroute = /a\n"

/* In an environment only those that count in it can be in each other's way. */
static void equal_routes_are_told_where_both_count(void)
{
	CHECK_TEXT_TOLD(NULL, SAME_ROUTE,
	                "x.ini:4: worker 'a@staging': route: '/*' is also a route of worker 'a' "
	                "(x.ini:2): change or remove one\n"
	                "x.ini:7: worker 'b@staging': route: '/a' is also a route of worker 'a' "
	                "(x.ini:2): change or remove one\n");
	CHECK_TEXT_TOLD("staging", SAME_ROUTE, "");
	CHECK_TEXT_TOLD("staging", "[worker a]\nroute = /*\n[worker a@staging]\n[worker b]\n"
	                           "route = /b\n[worker b@staging]\nroute = /*\n",
	                "x.ini:7: worker 'b@staging': route: '/*' is also a route of worker "
	                "'a@staging' (x.ini:2): change or remove one\n");
}

static void equal_routes_in_two_files_name_both(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = b.ini\n[worker a]\nroute = /*\n");
	planned_write(&planned, "b.ini", "\n[worker b]\nroute = /*\n");
	planned_load(&planned, "x.ini");
	planned_make(&planned, NULL);
	CHECK_TOLD(&planned, "b.ini:3: worker 'b': route: '/*' is also a route of worker 'a' "
	                     "(x.ini:3): change or remove one\n");
	planned_end(&planned);
}

static void a_bad_route_is_told_for_whom_it_is(void)
{
	static const char text[] = "[worker a]\nroute = a, /a\n[worker a@staging]\n"
				   "[worker a@v2]\nroute = /b*c\n";

	CHECK_TEXT_TOLD(NULL, text,
	                "x.ini:2: worker 'a': route: 'a': a route is a path, or a host and a "
	                "path: /*, /api/*, www.example.com/*\n"
	                "x.ini:5: worker 'a@v2': route: '/b*c': a '*' in the path is its end: "
	                "/api/*\n");
	CHECK_TEXT_TOLD("staging", text,
	                "x.ini:2: worker 'a@staging': route: 'a': a route is a path, or a host and "
	                "a path: /*, /api/*, www.example.com/*\n");
}

static void an_environment_without_a_route_gets_a_warning(void)
{
	static const char text[] = "[worker a]\nroute = /\n[worker a@staging]\nroute =\n";

	CHECK_TEXT_TOLD("staging", text, NO_ROUTE);
	CHECK_TEXT_TOLD(NULL, text, "");
}

/* ---- The host ------------------------------------------------------------------------------ */

#define HOSTS \
	"[worker a]\nroute = /\n" \
	"[host@staging]\nlisten = 127.0.0.1:9090, [::1]:9090\nmax_depth =\nmax_calls = 7\n" \
	"[host]\nlisten = 127.0.0.1:8080\nmax_depth = 5\nidle_timeout = 9s\n" \
	"[host@production]\nlisten = 127.0.0.1:80\n"

static void the_host_of_an_environment_inherits_from_the_host(void)
{
	struct planned planned;
	const struct tn_settings *settings;

	planned_text(&planned, "staging", HOSTS);
	CHECK_TOLD(&planned, "");
	settings = &planned.plan->settings;
	CHECK_NUMBER((long long)settings->listen_count, 2);
	CHECK_TEXT(settings->listen[0].port, "9090");
	CHECK_TEXT(settings->listen[1].host, "::1");
	CHECK_NUMBER(settings->max_depth, 32); /* unset: the default */
	CHECK_NUMBER(settings->max_calls, 7);
	CHECK_NUMBER(settings->idle_timeout, 9000);
	CHECK_TEXT(tn_keys_find(&planned.plan->host, "listen")->section->name, "@staging");
	CHECK_TEXT(tn_keys_find(&planned.plan->host, "idle_timeout")->section->name, "");
	planned_end(&planned);
}

static void without_an_environment_the_host_is_as_it_is(void)
{
	struct planned planned;

	planned_text(&planned, NULL, HOSTS);
	CHECK_TOLD(&planned, "");
	CHECK_NUMBER((long long)planned.plan->settings.listen_count, 1);
	CHECK_TEXT(planned.plan->settings.listen[0].port, "8080");
	CHECK_NUMBER(planned.plan->settings.max_depth, 5);
	CHECK_NUMBER(planned.plan->settings.max_calls, 1000);
	planned_end(&planned);
}

static void an_environment_without_a_host_of_its_own_has_the_host(void)
{
	struct planned planned;

	planned_text(&planned, "v2", HOSTS "[worker a@v2]\n");
	CHECK_TOLD(&planned, "");
	CHECK_TEXT(planned.plan->settings.listen[0].port, "8080");
	planned_end(&planned);
	planned_text(&planned, "v2", "[host@v2]\nmax_depth = 4\n[worker a]\nroute = /\n");
	CHECK_TOLD(&planned, "");
	CHECK_NUMBER(planned.plan->settings.max_depth, 4);
	planned_end(&planned);
}

/* With the section that is to blame; what is unset is checked whatever the environment. */
static void mistakes_of_a_host_name_its_section(void)
{
	static const char text[] = "[worker a]\nroute = /\n[host]\nmax_depth = x\n"
				   "[host@staging]\nlsten = a\nmax_calls =\n"
				   "[host@production]\nmax_calls = x\nlisten =\n";

	CHECK_TEXT_TOLD("staging", text,
	                "x.ini:4: [host]: max_depth: 'x': not an integer: write digits only, such "
	                "as 42\n"
	                "x.ini:6: [host@staging]: unknown key 'lsten' (did you mean 'listen'?)\n"
	                "x.ini:7: [host@staging]: max_calls: it is unset here, but is inherited "
	                "from nobody: write a value, or remove the line\n"
	                "x.ini:10: [host@production]: listen: it is unset here, but is inherited "
	                "from nobody: write a value, or remove the line\n");
	CHECK_TEXT_TOLD(NULL, "[host@]\n[host@a/b]\n[host@v1.2-rc_3]\n[worker a]\nroute = /\n",
	                "x.ini:1: [host@]: the name of an environment has letters, digits, '-', "
	                "'_' and '.'\n"
	                "x.ini:2: [host@a/b]: the name of an environment has letters, digits, '-', "
	                "'_' and '.'\n");
	CHECK_TEXT_TOLD("staging", "[host]\n[host@v1]\n[host@staging]\ninherits = host@v1\n"
	                           "[worker a]\nroute = /\n",
	                "x.ini:4: [host@staging]: unknown key 'inherits'\n");
	CHECK_TEXT_TOLD(NULL, "[host]\nlisten =\n[worker a]\nroute = /\n",
	                "x.ini:2: [host]: listen: no value: write one, \"\" for an empty "
	                "text, or remove "
	                "the line (only a variant unsets a key so)\n");
}

/* ---- Modules ------------------------------------------------------------------------------- */

static void check_module(const struct planned *planned, const char *name, const char *expected)
{
	char *path = strdup(worker_of(planned, name)->module_path);

	CU_ASSERT_PTR_NOT_NULL_FATAL(path);
	CHECK_TEXT(planned_plain(planned, path), expected);
	free(path);
}

static void a_module_is_found_from_where_it_stands(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini",
	              "include = team/a.ini\n[host]\nmodules = lib\n"
	              "[worker auth]\nroute = /\n[worker auth@v2]\nmodule = auth-2.so\n"
	              "[worker auth@v3]\ninherits = auth@v2\n[worker auth@v4]\n"
	              "[worker near]\nmodule = ./near.so\n[worker far]\nmodule = /far.so\n"
	              "[worker v1.2]\n");
	planned_write(&planned, "team/a.ini",
	              "[worker a]\nmodule = sub/a.so\n[worker a@v2]\n[worker b]\nmodule = b.so\n"
	              "[worker near@v2]\n");
	planned_load(&planned, "x.ini");
	planned_make(&planned, NULL);
	CHECK_TOLD(&planned, "");
	check_module(&planned, "auth", "lib/auth.so");
	check_module(&planned, "auth@v2", "lib/auth-2.so");
	check_module(&planned, "auth@v3", "lib/auth-2.so");
	check_module(&planned, "auth@v4", "lib/auth.so");
	check_module(&planned, "near", "near.so");
	check_module(&planned, "near@v2", "near.so");
	check_module(&planned, "far", "/far.so");
	check_module(&planned, "v1.2", "lib/v1.2.so");
	check_module(&planned, "a", "team/sub/a.so");
	check_module(&planned, "a@v2", "team/sub/a.so");
	check_module(&planned, "b", "lib/b.so");
	planned_end(&planned);
}

static void the_host_says_where_modules_are_sought(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = hosts/staging.ini\n[worker a]\nroute = /\n");
	planned_write(&planned, "hosts/staging.ini", "[host@staging]\nmodules = lib\n");
	planned_load(&planned, "x.ini");
	planned_make(&planned, "staging");
	check_module(&planned, "a", "hosts/lib/a.so");
	tn_plan_destroy(planned.plan);
	planned_make(&planned, NULL);
	check_module(&planned, "a", "a.so");
	CHECK_TOLD(&planned, "");
	planned_end(&planned);
}

/* ---- What is reached ----------------------------------------------------------------------- */

static void check_reached(const char *environment, const char *text, const char *expected,
                          unsigned line)
{
	struct planned planned;
	struct text shown;
	FILE *to;

	planned_text(&planned, environment, text);
	CHECK_TOLD(&planned, "");
	to = text_begin(&shown);
	for (size_t i = 0; i < planned.plan->count; i++)
		if (planned.plan->workers[i].reachable)
			fprintf(to, "%s ", planned.plan->workers[i].name);
	text_check(&shown, expected, line);
	planned_end(&planned);
}

#define REACHED \
	"[worker lonely]\nservice.auth = auth\n" \
	"[worker deepest]\nservice.gateway = gateway\n" \
	"[worker gateway]\nroute = /*\nservice.auth = auth@v1 90%, auth@v2 10%\n" \
	"service.application = application\n" \
	"[worker auth]\n[worker auth@v1]\n[worker auth@v2]\nservice.deep = deeper\n" \
	"[worker auth@v3]\n" \
	"[worker application]\n[worker application@staging]\n" \
	"[worker deeper]\nservice.deepest = deepest\n" \
	"[worker ring]\nservice.other = ring@other\n[worker ring@other]\nservice.other = ring\n"

static void what_a_route_leads_to_is_reached(void)
{
	check_reached(NULL, REACHED,
	              "deepest gateway auth@v1 auth@v2 application deeper ", __LINE__);
	check_reached("staging", REACHED,
	              "deepest gateway auth@v1 auth@v2 application@staging deeper ", __LINE__);
}

static void a_version_with_no_share_is_reached(void)
{
	check_reached(NULL,
	              "[worker a]\nroute = /\nservice.b = b 100%, b@v2 0%\n[worker b]\n"
	              "[worker b@v2]\n",
	              "a b b@v2 ", __LINE__);
}

/* ---- What is loaded ------------------------------------------------------------------------ */

/* Of two files: which of them has been opened since they are watched. */
struct watch {
	int events;
	int files[2];
};

static void watch_begin(struct watch *watch, struct planned *planned, const char *one,
                        const char *other)
{
	watch->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	CU_ASSERT_FATAL(watch->events >= 0);
	watch->files[0] = inotify_add_watch(watch->events, scratch_path(&planned->scratch, one),
	                                    IN_OPEN);
	watch->files[1] = inotify_add_watch(watch->events, scratch_path(&planned->scratch, other),
	                                    IN_OPEN);
	CU_ASSERT_FATAL(watch->files[0] >= 0 && watch->files[1] >= 0);
}

/* How often each was opened. */
static void watch_end(struct watch *watch, unsigned opened[2])
{
	struct inotify_event event; /* that of a file has no name behind it */

	opened[0] = opened[1] = 0;
	while (read(watch->events, &event, sizeof(event)) == (ssize_t)sizeof(event)) {
		opened[0] += event.wd == watch->files[0];
		opened[1] += event.wd == watch->files[1];
	}
	close(watch->events);
}

/* Writes x.ini, in which BUILD stands for where things are built. */
static void write_with_build(struct planned *planned, const char *text)
{
	struct text shown;
	FILE *to = text_begin(&shown);

	for (const char *at; (at = strstr(text, "BUILD")); text = at + strlen("BUILD"))
		fprintf(to, "%.*s%s", (int)(at - text), text, built(""));
	fputs(text, to);
	fclose(shown.stream);
	planned_write(planned, "x.ini", shown.data);
	free(shown.data);
}

static struct tn_deployment *deploy(struct planned *planned, const char *environment)
{
	struct tn_deployment_options options = { 0 };
	struct tn_deployment *deployment;

	planned_load(planned, "x.ini");
	planned_make(planned, environment);
	deployment = tn_deployment_create(planned->plan, &options, &planned->errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(deployment);
	return deployment;
}

#define TWO_SECRETS \
	"[host]\nmodules = BUILD/plugins\n" \
	"[worker auth]\nroute = /*\nsecret.SECRET_TOKEN = file:production\n" \
	"[worker auth@staging]\nsecret.SECRET_TOKEN = file:staging\n"

static void check_opened(const char *environment, unsigned production, unsigned staging)
{
	struct planned planned;
	struct tn_deployment *deployment;
	struct watch watch;
	unsigned opened[2];

	planned_begin(&planned);
	write_with_build(&planned, TWO_SECRETS);
	planned_write(&planned, "production", "one");
	planned_write(&planned, "staging", "two");
	watch_begin(&watch, &planned, "production", "staging");
	deployment = deploy(&planned, environment);
	watch_end(&watch, opened);
	CHECK_TOLD(&planned, "");
	CHECK_NUMBER(opened[0], production);
	CHECK_NUMBER(opened[1], staging);
	CHECK_NUMBER((long long)deployment->count, 1);
	CHECK_NUMBER((long long)deployment->secrets.count, 1);
	tn_deployment_destroy(deployment);
	planned_end(&planned);
}

static void the_secrets_of_what_is_not_reached_are_never_opened(void)
{
	check_opened(NULL, 1, 0);
	check_opened("staging", 0, 1);
}

static void a_secret_that_is_missing_matters_only_where_it_is_reached(void)
{
	struct planned planned;
	struct tn_deployment *deployment;

	planned_begin(&planned);
	write_with_build(&planned, TWO_SECRETS);
	planned_write(&planned, "staging", "two");
	deployment = deploy(&planned, "staging");
	CHECK_TOLD(&planned, "");
	CU_ASSERT_PTR_NULL(tn_deployment_find(deployment, "auth"));
	CU_ASSERT_PTR_NOT_NULL(tn_deployment_find(deployment, "auth@staging"));
	tn_deployment_destroy(deployment);
	tn_plan_destroy(planned.plan);
	tn_config_destroy(planned.config);
	deployment = deploy(&planned, NULL);
	CHECK_TOLD(&planned, "x.ini:5: worker 'auth': secret.SECRET_TOKEN: the file 'production' "
	                     "cannot be opened: No such file or directory: put the secret there\n");
	tn_deployment_destroy(deployment);
	planned_end(&planned);
}

/* One of the two would crash this test, the other is not there. */
static void the_modules_of_what_is_not_reached_are_never_loaded(void)
{
	struct planned planned;
	struct tn_deployment *deployment;

	planned_begin(&planned);
	write_with_build(&planned,
	                 "[worker a]\nroute = /*\nmodule = BUILD/plugins/application.so\n"
	                 "[worker a@staging]\nmodule = BUILD/tests/fixtures/mistake_crash.so\n"
	                 "[worker b]\nmodule = ./missing.so\n"
	                 "secret.TOKEN = env:TENON_TEST_UNREACHED\n");
	setenv("TENON_TEST_UNREACHED", "open sesame", 1);
	deployment = deploy(&planned, NULL);
	CHECK_TOLD(&planned, "");
	CHECK_NUMBER((long long)deployment->count, 1);
	CHECK_NUMBER((long long)deployment->module_count, 1);
	CU_ASSERT_PTR_NULL(getenv("TENON_TEST_UNREACHED")); /* no Worker is to find it */
	tn_deployment_destroy(deployment);
	planned_end(&planned);
}

static void a_secret_that_several_inherit_is_read_once(void)
{
	struct planned planned;
	struct tn_deployment *deployment;

	planned_begin(&planned);
	write_with_build(&planned, "[host]\nmodules = BUILD/plugins\n"
	                           "[worker auth]\nroute = /*\nsecret.SECRET_TOKEN = file:one\n"
	                           "[worker auth@v2]\nroute = v2/*\n"
	                           "[worker auth@v3]\nroute = v3/*\ninherits = auth@v2\n");
	planned_write(&planned, "one", "1");
	deployment = deploy(&planned, NULL);
	CHECK_TOLD(&planned, "");
	CHECK_NUMBER((long long)deployment->count, 3);
	CHECK_NUMBER((long long)deployment->secrets.count, 1);
	tn_deployment_destroy(deployment);
	planned_end(&planned);
}

/* ---- Warnings ------------------------------------------------------------------------------ */

static void check_warnings(const char *environment, const char *text, const char *expected)
{
	struct planned planned;

	planned_text(&planned, environment, text);
	tn_plan_warn(planned.plan, &planned.errors);
	CHECK_NUMBER((long long)planned.errors.errors, 0);
	CHECK_TOLD(&planned, expected);
	planned_end(&planned);
}

#define GIVE ": give it a route, bind it, or remove it\n"

static void what_nothing_reaches_gets_a_warning(void)
{
	check_warnings(NULL, REACHED,
	               "x.ini:1: warning: worker 'lonely': it is not loaded: no route leads to it, "
	               "and nobody binds it" GIVE
	               "x.ini:17: warning: worker 'deeper': service.deepest: the bindings form a "
	               "cycle, deepest > gateway > auth@v2 > deeper > deepest: max_depth ends it\n"
	               "x.ini:18: warning: worker 'ring': it is not loaded: no route leads to it, "
	               "and only Workers that are not reached bind it" GIVE
	               "x.ini:21: warning: worker 'ring@other': service.other: the bindings form a "
	               "cycle, ring > ring@other > ring: max_depth ends it\n");
}

/* It is there for another environment, or for whoever binds it by its version. */
static void a_worker_of_which_a_variant_is_reached_gets_none(void)
{
	static const char text[] = "[worker gateway]\nroute = /*\nservice.auth = auth@v2\n"
				   "[worker auth]\n[worker auth@v1]\n[worker auth@v2]\n"
				   "[worker debug]\n[worker debug@staging]\nroute = /debug\n";

	check_warnings(NULL, text, "");
	check_warnings("staging", text, "");
	check_warnings("v1", text,
	               "x.ini:7: warning: worker 'debug': it is not loaded: no route leads to it, "
	               "and nobody binds it" GIVE);
}

static void the_base_of_what_an_environment_runs_gets_none(void)
{
	check_warnings("staging",
	               "[worker gateway]\nroute = /*\nservice.auth = auth\n"
	               "[worker gateway@staging]\n[worker auth]\n[worker auth@staging]\n",
	               "");
}

static void a_cycle_is_told_once_though_variants_inherit_it(void)
{
	check_warnings(NULL,
	               "[worker a]\nroute = /*\nservice.b = b\n[worker a@v1]\n[worker a@v2]\n"
	               "[worker b]\nservice.a = a\n[worker b@v1]\n",
	               "x.ini:7: warning: worker 'b': service.a: the bindings form a cycle, "
	               "a > b > a: max_depth ends it\n");
}

static void one_part_of_a_split_makes_a_cycle(void)
{
	check_warnings(NULL,
	               "[worker a]\nroute = /*\nservice.b = b@v1 99%, b@v2 1%\n[worker b]\n"
	               "[worker b@v1]\n[worker b@v2]\nservice.a = a\n",
	               "x.ini:7: warning: worker 'b@v2': service.a: the bindings form a cycle, "
	               "a > b@v2 > a: max_depth ends it\n");
}

/* ---- Who calls whom ------------------------------------------------------------------------ */

static void check_marks(const struct planned *planned, const char *name, bool up,
                        const char *expected, unsigned line)
{
	bool *marks = calloc(planned->plan->count, sizeof(marks[0]));
	struct text shown;
	FILE *to = text_begin(&shown);

	CU_ASSERT_PTR_NOT_NULL_FATAL(marks);
	CU_ASSERT_TRUE(tn_plan_mark(planned->plan, worker_of(planned, name), up, marks));
	for (size_t i = 0; i < planned->plan->count; i++)
		if (marks[i])
			fprintf(to, "%s ", planned->plan->workers[i].name);
	text_check(&shown, expected, line);
	free(marks);
}

static void all_that_a_worker_calls_is_marked(void)
{
	struct planned planned;

	planned_text(&planned, NULL, REACHED);
	check_marks(&planned, "lonely", false, "auth ", __LINE__);
	check_marks(&planned, "auth@v1", false, "", __LINE__);
	check_marks(&planned, "deeper", false,
	            "deepest gateway auth@v1 auth@v2 application deeper ", __LINE__);
	check_marks(&planned, "ring", false, "ring ring@other ", __LINE__);
	planned_end(&planned);
}

static void all_that_call_a_worker_are_marked(void)
{
	struct planned planned;

	planned_text(&planned, NULL, REACHED);
	check_marks(&planned, "lonely", true, "", __LINE__);
	check_marks(&planned, "auth", true, "lonely ", __LINE__);
	check_marks(&planned, "auth@v1", true, "deepest gateway auth@v2 deeper ", __LINE__);
	check_marks(&planned, "gateway", true, "deepest gateway auth@v2 deeper ", __LINE__);
	check_marks(&planned, "ring@other", true, "ring ring@other ", __LINE__);
	planned_end(&planned);
}

/* ---- Long chains --------------------------------------------------------------------------- */

#define LONG 100000

static char *make_chain(void)
{
	struct text text;
	FILE *to = text_begin(&text);

	fputs("[worker w0]\nroute = /\n", to);
	for (unsigned i = 0; i < LONG; i++)
		fprintf(to, "service.next = w%u\n[worker w%u]\n", i + 1, i + 1);
	fputs("service.next = w0\n", to);
	fclose(to);
	return text.data;
}

/* Without a failed assert, which would not leave the thread. */
static void *walk_chain(void *argument)
{
	struct planned *planned = argument;
	bool *marks = calloc(2 * (LONG + 1), sizeof(marks[0]));

	planned->plan = tn_plan_create(planned->config, NULL, &planned->errors);
	if (planned->plan && marks &&
	    tn_plan_mark(planned->plan, &planned->plan->workers[0], false, marks) &&
	    tn_plan_mark(planned->plan, &planned->plan->workers[0], true, marks + LONG + 1))
		tn_plan_warn(planned->plan, &planned->errors);
	return marks;
}

/* A frame for each Worker would not fit on the stack. */
static void bindings_may_form_a_long_chain(void)
{
	char *text = make_chain();
	void *marks = NULL;
	struct planned planned;
	pthread_attr_t attributes;
	pthread_t thread;

	planned_begin(&planned);
	planned.config = tn_config_parse("x.ini", text, strlen(text), &planned.errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(planned.config);
	free(text);
	pthread_attr_init(&attributes);
	CU_ASSERT_FATAL(pthread_attr_setstacksize(&attributes, (size_t)512 * 1024) == 0);
	CU_ASSERT_FATAL(pthread_create(&thread, &attributes, walk_chain, &planned) == 0);
	pthread_join(thread, &marks);
	pthread_attr_destroy(&attributes);
	CU_ASSERT_FATAL(planned.plan && marks);
	CU_ASSERT_TRUE(planned.plan->workers[LONG].reachable);
	CU_ASSERT_PTR_NULL(memchr(marks, false, 2 * (LONG + 1)));
	CHECK_NUMBER((long long)planned.errors.count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(planned.errors.list[0].text, "the bindings form a cycle"));
	free(marks);
	planned_end(&planned);
}

TEST_MAIN("deploy/plan",
          TEST(the_routes_of_an_environment_with_a_host_are_its_own),
          TEST(a_worker_is_found_by_its_whole_name),
          TEST(an_unqualified_name_means_the_variant_of_the_environment),
          TEST(who_asks_for_a_name_that_is_none_gets_a_suggestion),
          TEST(sections_that_are_none_are_told),
          TEST(an_environment_that_is_none_gets_a_suggestion),
          TEST(an_environment_is_there_if_a_section_is_named_after_it),
          TEST(bindings_lead_to_the_variants_of_the_environment),
          TEST(a_worker_knows_who_binds_it),
          TEST(without_an_environment_all_routes_count),
          TEST(a_route_goes_to_the_variant_unless_it_names_its_own),
          TEST(a_version_may_be_the_environment),
          TEST(a_variant_is_public_only_by_its_own_route_or_its_environment),
          TEST(equal_routes_are_told_where_both_count),
          TEST(equal_routes_in_two_files_name_both),
          TEST(a_bad_route_is_told_for_whom_it_is),
          TEST(an_environment_without_a_route_gets_a_warning),
          TEST(the_host_of_an_environment_inherits_from_the_host),
          TEST(without_an_environment_the_host_is_as_it_is),
          TEST(an_environment_without_a_host_of_its_own_has_the_host),
          TEST(mistakes_of_a_host_name_its_section),
          TEST(a_module_is_found_from_where_it_stands),
          TEST(the_host_says_where_modules_are_sought),
          TEST(what_a_route_leads_to_is_reached),
          TEST(a_version_with_no_share_is_reached),
          TEST(the_secrets_of_what_is_not_reached_are_never_opened),
          TEST(a_secret_that_is_missing_matters_only_where_it_is_reached),
          TEST(the_modules_of_what_is_not_reached_are_never_loaded),
          TEST(a_secret_that_several_inherit_is_read_once),
          TEST(what_nothing_reaches_gets_a_warning),
          TEST(a_worker_of_which_a_variant_is_reached_gets_none),
          TEST(the_base_of_what_an_environment_runs_gets_none),
          TEST(a_cycle_is_told_once_though_variants_inherit_it),
          TEST(one_part_of_a_split_makes_a_cycle),
          TEST(all_that_a_worker_calls_is_marked),
          TEST(all_that_call_a_worker_are_marked),
          TEST(bindings_may_form_a_long_chain))
