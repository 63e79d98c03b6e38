/* test_diff.c - what a change of configuration does, and whom it affects. */
#include "harness.h"

#include "../cunit.h"

#include <jansson.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define BROKEN 1

/* The directories of OLD and NEW, empty. */
static void begin(void)
{
	static const char *const names[] = { "auth.so", "auth-2.so", "gateway.so", "token",
		                             "token-2", "x.ini", "secrets/token" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unlink(scratch_path(text_of("old/%s", names[i])));
		unlink(scratch_path(text_of("new/%s", names[i])));
	}
	mkdir(scratch_path("old"), 0700);
	mkdir(scratch_path("new"), 0700);
}

static struct finished diff_files(const char *option, const char *value)
{
	const char *const arguments[] = { "diff", scratch_path("old/x.ini"),
		                          scratch_path("new/x.ini"), option, value, NULL };

	return tenon_run(arguments, NULL);
}

static struct finished diff_with(const char *before, const char *after, const char *option,
                                 const char *value)
{
	scratch_write("old/x.ini", "%s", before);
	scratch_write("new/x.ini", "%s", after);
	return diff_files(option, value);
}

static struct finished diff(const char *before, const char *after)
{
	return diff_with(before, after, NULL, NULL);
}

/* With ./ for the scratch directory. */
static const char *plain(const char *text)
{
	const char *directory = scratch_directory();
	const char *result = "";
	const char *at;

	while ((at = strstr(text, directory))) {
		result = text_of("%s%.*s.", result, (int)(at - text), text);
		text = at + strlen(directory);
	}
	return text_of("%s%s", result, text);
}

static void expect(const struct finished *finished, const char *expected)
{
	CHECK_NUMBER(finished->code, 0);
	CHECK_TEXT(finished->err, "");
	CHECK_TEXT(plain(finished->out), expected);
}

/* Three Workers: what the first two have, and what follows. */
#define SHOP(gateway_, auth_, more_) \
	"[worker gateway]\n" gateway_ "[worker auth]\n" auth_ "[worker store]\n" more_

#define GATEWAY "route = /api/*, /*\nservice.auth = auth\n"
#define AUTH "service.store = store\nvar.REALM = here\nsecret.TOKEN = file:token\n"

/* ---- No change ----------------------------------------------------------------------------- */

static void what_is_the_same_differs_in_nothing(void)
{
	struct finished finished;

	begin();
	finished = diff(SHOP(GATEWAY, AUTH, ""), SHOP(GATEWAY, AUTH, ""));
	expect(&finished, "no differences\n");
}

/* Comments, the order of keys and sections, quotes, included files: none of it does anything. */
static void what_is_only_written_otherwise_is_no_difference(void)
{
	struct finished finished;

	begin();
	mkdir(scratch_path("new/conf.d"), 0700);
	scratch_write("new/conf.d/auth.ini", "%s",
	              "[worker auth]\n"
	              "var.REALM = \"here\"\n"
	              "service.store = store\n"
	              "secret.TOKEN = env:TOKEN\n"
	              "[worker auth@v2]\n"
	              "var.REALM = there\n");
	finished = diff("[host]\n"
	                "listen = 127.0.0.1:8080\n"
	                "[worker gateway]\n"
	                "route = /*, example.com/x\n"
	                "service.auth = auth 90%, auth@v2 10%\n"
	                "[worker auth]\n"
	                "service.store = store\n"
	                "var.REALM = here\n"
	                "secret.TOKEN = env:TOKEN\n"
	                "[worker auth@v2]\n"
	                "module = auth.so\n"
	                "service.store = store\n"
	                "var.REALM = there\n"
	                "[worker store]\n",
	                "; The same, moved.\n"
	                "include = conf.d/*.ini\n"
	                "[worker store]\n"
	                "[worker gateway]\n"
	                "service.auth = auth@v2 10%, auth 90%\n"
	                "route = EXAMPLE.com/x, /*\n"
	                "[host]\n"
	                "listen = 127.0.0.1:8080\n");
	unlink(scratch_path("new/conf.d/auth.ini"));
	expect(&finished, "no differences\n");
}

/* ---- Workers, bindings, routes ------------------------------------------------------------- */

static void an_added_worker_is_shown_with_all_it_has(void)
{
	struct finished finished;

	begin();
	finished = diff(SHOP(GATEWAY, AUTH, ""),
	                SHOP("route = /api/*, /*\nservice.auth = auth\nservice.log = log\n", AUTH,
	                     "[worker log]\n"
	                     "route = log.example.com/*\n"
	                     "module = logger.so\n"
	                     "service.store = store\n"
	                     "secret.KEY = env:LOG_KEY\n"
	                     "var.LEVEL = \"\"\n"));
	expect(&finished, "~ worker gateway\n"
	                  "+     service.log: log\n"
	                  "      reached by /api/*, /*\n"
	                  "      calls auth, log; through others store\n"
	                  "+ worker log\n"
	                  "+     route log.example.com/*\n"
	                  "+     module: logger.so\n"
	                  "+     service.store: store\n"
	                  "+     secret.KEY: env:LOG_KEY\n"
	                  "+     var.LEVEL: \"\"\n"
	                  "      called by gateway\n"
	                  "      reached by log.example.com/*, /api/*, /*\n"
	                  "      calls store\n");
}

static void a_removed_worker_is_shown_with_whom_it_affected(void)
{
	struct finished finished;

	begin();
	finished = diff(SHOP("route = /*\nservice.auth = auth\nservice.log = log\n", AUTH,
	                     "[worker log]\nservice.store = store\nvar.LEVEL = info\n"),
	                SHOP("route = /*\nservice.auth = auth\n", AUTH, ""));
	expect(&finished, "~ worker gateway\n"
	                  "-     service.log: log\n"
	                  "      reached by /*\n"
	                  "      calls auth; through others store\n"
	                  "- worker log\n"
	                  "-     module: log.so\n"
	                  "-     service.store: store\n"
	                  "-     var.LEVEL: \"info\"\n"
	                  "      called by gateway\n"
	                  "      reached by /*\n"
	                  "      calls store\n");
}

static void a_retargeted_binding_shows_both_targets(void)
{
	static const char more[] = "[worker auth@v2]\n"
				   "[worker edge]\n"
				   "route = edge.example.com/*\n"
				   "service.gateway = gateway\n";
	struct finished finished;

	begin();
	finished = diff(text_of("%s%s", SHOP(GATEWAY, AUTH, ""), more),
	                text_of("%s%s",
	                        SHOP("route = /api/*, /*\nservice.auth = auth@v2\n", AUTH, ""),
	                        more));
	expect(&finished, "~ worker gateway\n"
	                  "~     service.auth: auth -> auth@v2\n"
	                  "      called by edge\n"
	                  "      reached by edge.example.com/*, /api/*, /*\n"
	                  "      calls auth@v2; through others store\n"
	                  "~ worker auth\n"
	                  "~     reachable: yes -> no\n"
	                  "      reached by no route\n"
	                  "      calls store\n"
	                  "~ worker auth@v2\n"
	                  "~     reachable: no -> yes\n"
	                  "      called by gateway; through others edge\n"
	                  "      reached by edge.example.com/*, /api/*, /*\n"
	                  "      calls store\n");
}

static void a_raised_weight_shows_both_splits(void)
{
	struct finished finished;

	begin();
	finished = diff(SHOP("route = /*\n"
	                     "service.auth = auth 90%, auth@v2 10%\n"
	                     "split.auth.key = cookie:session\n",
	                     AUTH, "[worker auth@v2]\n"),
	                SHOP("route = /*\n"
	                     "service.auth = auth 80%, auth@v2 20%\n"
	                     "split.auth.key = address\n",
	                     AUTH, "[worker auth@v2]\n"));
	expect(&finished,
	       "~ worker gateway\n"
	       "~     service.auth: auth 90%, auth@v2 10% -> auth 80%, auth@v2 20%\n"
	       "~     split.auth.key: cookie:session -> address\n"
	       "      reached by /*\n"
	       "      calls auth, auth@v2; through others store\n");
}

static void a_split_that_is_only_prepared_is_a_change(void)
{
	struct finished finished;

	begin();
	finished = diff(SHOP(GATEWAY, AUTH, "[worker auth@v2]\nroute = /2\n"),
	                SHOP("route = /api/*, /*\nservice.auth = auth 100%, auth@v2 0%\n", AUTH,
	                     "[worker auth@v2]\nroute = /2\n"));
	expect(&finished, "~ worker gateway\n"
	                  "~     service.auth: auth -> auth 100%, auth@v2 0%\n"
	                  "      reached by /api/*, /*\n"
	                  "      calls auth, auth@v2; through others store\n");
}

static void a_moved_route_is_shown_at_both_workers(void)
{
	struct finished finished;

	begin();
	finished = diff(SHOP("route = /api/*, /old, /*\nservice.auth = auth\n", AUTH, ""),
	                SHOP("route = /*\nservice.auth = auth\n",
	                     "route = /api/*, /new\n" AUTH, ""));
	expect(&finished, "~ worker gateway\n"
	                  "~     route /api/*: gateway -> auth\n"
	                  "-     route /old\n"
	                  "      reached by /*\n"
	                  "      calls auth; through others store\n"
	                  "~ worker auth\n"
	                  "~     route /api/*: gateway -> auth\n"
	                  "+     route /new\n"
	                  "      called by gateway\n"
	                  "      reached by /api/*, /new, /*\n"
	                  "      calls store\n");
}

static void a_route_that_matches_more_is_another_one(void)
{
	struct finished finished;

	begin();
	finished = diff("[worker a]\nroute = /x, example.com/\n",
	                "[worker a]\nroute = /x*, *.example.com/\n");
	expect(&finished, "~ worker a\n"
	                  "+     route *.example.com/\n"
	                  "+     route /x*\n"
	                  "-     route example.com/\n"
	                  "-     route /x\n"
	                  "      reached by *.example.com/, /x*\n");
}

static void a_route_that_goes_with_its_worker_is_shown_where_it_goes(void)
{
	struct finished finished;

	begin();
	finished = diff("[worker a]\nroute = /*\n[worker b]\nroute = /b\n",
	                "[worker b]\nroute = /b, /*\n");
	expect(&finished, "~ worker b\n"
	                  "~     route /*: a -> b\n"
	                  "      reached by /b, /*\n"
	                  "- worker a\n"
	                  "~     route /*: a -> b\n"
	                  "-     module: a.so\n"
	                  "      reached by /*\n");
}

static void who_is_affected_is_told_through_any_number_of_others(void)
{
	static const char text[] = "[worker a]\nroute = /a\nservice.b = b\n"
				   "[worker b]\nservice.c = c\n"
				   "[worker c]\nservice.d = d\nservice.b = b\nvar.V = %d\n"
				   "[worker d]\nservice.e = e\n"
				   "[worker e]\n"
				   "[worker aside]\nroute = /aside\nservice.e = e\n";
	struct finished finished;

	begin();
	finished = diff(text_of(text, 1), text_of(text, 2));
	expect(&finished, "~ worker c\n"
	                  "~     var.V: \"1\" -> \"2\"\n"
	                  "      called by b; through others a\n"
	                  "      reached by /a\n"
	                  "      calls b, d; through others e\n");
}

static void long_lists_are_cut_for_people(void)
{
	const char *callers = "";
	struct finished finished;

	begin();
	for (unsigned i = 0; i < 10; i++)
		callers = text_of("%s[worker w%u]\nroute = /%u\nservice.common = common\n", callers,
		                  i, i);
	finished = diff(text_of("[worker common]\nvar.V = this\n%s", callers),
	                text_of("[worker common]\nvar.V = that\n%s", callers));
	expect(&finished,
	       "~ worker common\n"
	       "~     var.V: \"this\" -> \"that\"\n"
	       "      called by w0, w1, w2, w3, w4, w5, w6, w7 and 2 more\n"
	       "      reached by /0, /1, /2, /3, /4, /5, /6, /7 and 2 more\n");
}

/* ---- Values -------------------------------------------------------------------------------- */

static void changed_vars_and_settings_show_both_values(void)
{
	struct finished finished;

	begin();
	finished = diff("[host]\n"
	                "listen = 127.0.0.1:8080\n"
	                "max_body = 1M\n" SHOP(GATEWAY, "var.REALM = here\nvar.OLD = 1\n", ""),
	                "[host]\n"
	                "listen = 127.0.0.1:9090\n"
	                "idle_timeout = 10s\n" SHOP(GATEWAY, "var.REALM = \"over  there \"\n",
	                                            ""));
	expect(&finished, "~ host\n"
	                  "~     listen: 127.0.0.1:8080 -> 127.0.0.1:9090\n"
	                  "+     idle_timeout: 10s\n"
	                  "-     max_body: 1M\n"
	                  "~ worker auth\n"
	                  "~     var.REALM: \"here\" -> \"over  there \"\n"
	                  "-     var.OLD: \"1\"\n"
	                  "      called by gateway\n"
	                  "      reached by /api/*, /*\n");
}

static void what_a_variant_inherits_changes_with_it(void)
{
	static const char text[] = "[worker a]\nroute = /\nservice.b = b@v2\n"
				   "[worker b]\nvar.X = %d\nvar.Y = %d\n"
				   "[worker b@v2]\nvar.Y = 0\n";
	struct finished finished;

	begin();
	finished = diff(text_of(text, 1, 1), text_of(text, 2, 2));
	expect(&finished, "~ worker b\n"
	                  "~     var.X: \"1\" -> \"2\"\n"
	                  "~     var.Y: \"1\" -> \"2\"\n"
	                  "      reached by no route\n"
	                  "~ worker b@v2\n"
	                  "~     var.X: \"1\" -> \"2\"\n"
	                  "      called by a\n"
	                  "      reached by /\n");
}

/* ---- Secrets ------------------------------------------------------------------------------- */

#define SECRETS(token_) \
	"[worker auth]\nroute = /\nsecret.TOKEN = " token_ "\nsecret.KEY = env:KEY\n"

static void the_source_of_a_secret_and_its_content_are_compared_and_never_shown(void)
{
	struct finished finished;

	begin();
	scratch_write("old/token", "hunter2");
	scratch_write("new/token", "hunter3");
	finished = diff(SECRETS("file:token"), SECRETS("file:token"));
	expect(&finished, "~ worker auth\n"
	                  "~     secret.TOKEN: file:token (other content)\n"
	                  "      reached by /\n");
	scratch_write("new/token-2", "hunter2");
	finished = diff(SECRETS("file:token"), SECRETS("file:./token-2"));
	expect(&finished, "~ worker auth\n"
	                  "~     secret.TOKEN: file:token -> file:./token-2 (same content)\n"
	                  "      reached by /\n");
	finished = diff(SECRETS("file:token"), SECRETS("credential:token"));
	expect(&finished, "~ worker auth\n"
	                  "~     secret.TOKEN: file:token -> credential:token\n"
	                  "      reached by /\n");
}

/* The newline at its end is none of it. */
static void the_same_secret_in_both_directories_is_no_difference(void)
{
	struct finished finished;

	begin();
	scratch_write("old/token", "hunter2");
	scratch_write("new/token", "hunter2\n");
	finished = diff(SECRETS("file:token"), SECRETS("file:token"));
	expect(&finished, "no differences\n");
	scratch_write("new/token", "hunter2\n\n");
	finished = diff(SECRETS("file:token"), SECRETS("file:token"));
	CHECK_NUMBER(count_of(finished.out, "(other content)"), 1);
}

/* `check` is what refuses it. */
static void a_secret_that_is_written_into_the_file_is_not_shown(void)
{
	struct finished finished;

	begin();
	finished = diff(SECRETS("hunter2"), SECRETS("hunter3"));
	expect(&finished,
	       "~ worker auth\n"
	       "~     secret.TOKEN: (written into the file)\n"
	       "      reached by /\n");
	finished = diff_files("--json", NULL);
	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(count_of(finished.out, "secret.TOKEN"), 1);
	CHECK_NUMBER(count_of(finished.out, "hunter"), 0);
}

/* A reader of one would wait for ever. */
static void what_is_no_file_is_not_read(void)
{
	struct finished finished;

	begin();
	CU_ASSERT(mkfifo(scratch_path("old/token"), 0600) == 0);
	CU_ASSERT(mkfifo(scratch_path("new/token"), 0600) == 0);
	finished = diff(SECRETS("file:token"), SECRETS("file:token"));
	expect(&finished, "no differences\n");
}

static void the_secrets_of_others_than_the_environment_loads_are_not_opened(void)
{
	static const char text[] = "[worker auth]\nroute = /\nsecret.TOKEN = file:token\n"
				   "[worker auth@staging]\nsecret.TOKEN = file:token-2\n";
	struct finished finished;

	begin();
	scratch_write("old/token", "hunter2");
	scratch_write("new/token", "hunter3");
	scratch_write("old/token-2", "hunter2");
	scratch_write("new/token-2", "hunter2");
	finished = diff_with(text, text, "--environment", "staging");
	expect(&finished, "environment staging\n"
	                  "no differences\n");
	finished = diff(text, text);
	expect(&finished, "~ worker auth\n"
	                  "~     secret.TOKEN: file:token (other content)\n"
	                  "      reached by /\n");
}

/* ---- Modules ------------------------------------------------------------------------------- */

#define MODULES(more_) "[worker gateway]\nroute = /*\nservice.auth = auth\n[worker auth]\n" more_

static void a_module_that_was_built_again_in_place_is_a_change(void)
{
	const size_t size = (size_t)200 * 1024;
	char *bytes = memory_of(size);
	struct finished finished;

	begin();
	scratch_write_bytes("old/auth.so", bytes, size);
	scratch_write_bytes("new/auth.so", bytes, size);
	finished = diff(MODULES(""), MODULES(""));
	expect(&finished, "no differences\n");
	bytes[size - 1] = 1;
	scratch_write_bytes("new/auth.so", bytes, size);
	finished = diff(MODULES(""), MODULES(""));
	expect(&finished, "~ worker auth\n"
	                  "~     module: auth.so (other content)\n"
	                  "      called by gateway\n"
	                  "      reached by /*\n");
	scratch_write_bytes("new/auth.so", bytes, size - 1);
	finished = diff(MODULES(""), MODULES(""));
	CHECK_NUMBER(count_of(finished.out, "~     module: auth.so (other content)"), 1);
}

static void another_module_shows_both_names_and_whether_it_is_the_same_code(void)
{
	struct finished finished;

	begin();
	scratch_write("old/auth.so", "one");
	scratch_write("new/auth-2.so", "one");
	finished = diff(MODULES(""), MODULES("module = auth-2.so\n"));
	expect(&finished, "~ worker auth\n"
	                  "~     module: auth.so -> auth-2.so (same content)\n"
	                  "      called by gateway\n"
	                  "      reached by /*\n");
	scratch_write("new/auth-2.so", "two");
	finished = diff(MODULES(""), MODULES("module = ./auth-2.so\n"));
	CHECK_NUMBER(
		count_of(finished.out, "~     module: auth.so -> ./auth-2.so (other content)"), 1);
	unlink(scratch_path("old/auth.so"));
	unlink(scratch_path("new/auth-2.so"));
	finished = diff(MODULES(""), MODULES("module = auth-2.so\n"));
	CHECK_NUMBER(
		count_of(finished.out, "~     module: auth.so -> auth-2.so (the file is missing)"),
		1);
	CHECK_NUMBER(finished.code, 0);
}

static void workers_that_shared_a_module_may_part(void)
{
	struct finished finished;

	begin();
	scratch_write("old/auth.so", "one");
	scratch_write("new/auth.so", "one");
	scratch_write("new/auth-2.so", "two");
	finished = diff("[worker a]\nroute = /a\nmodule = auth.so\n"
	                "[worker b]\nroute = /b\nmodule = auth.so\n",
	                "[worker a]\nroute = /a\nmodule = auth.so\n"
	                "[worker b]\nroute = /b\nmodule = auth-2.so\n");
	expect(&finished, "~ worker b\n"
	                  "~     module: auth.so -> auth-2.so (other content)\n"
	                  "      reached by /b\n");
}

/* What is only named by its directory, and is the same, is no change. */
static void the_same_modules_in_another_directory_are_a_change_of_the_host(void)
{
	struct finished finished;

	begin();
	mkdir(scratch_path("new/lib"), 0700);
	scratch_write("old/auth.so", "one");
	scratch_write("new/lib/auth.so", "one");
	finished = diff(MODULES(""), "[host]\nmodules = lib\n" MODULES(""));
	unlink(scratch_path("new/lib/auth.so"));
	expect(&finished, "~ host\n"
	                  "+     modules: lib\n");
}

static void a_module_that_is_there_again_breaks_nothing(void)
{
	struct finished finished;

	begin();
	scratch_write("new/auth.so", "one");
	finished = diff(MODULES(""), MODULES(""));
	expect(&finished, "~ worker auth\n"
	                  "~     module: auth.so (the file is there now)\n"
	                  "      called by gateway\n"
	                  "      reached by /*\n");
}

/* A shell's <(git show HEAD:x.ini): its relative paths lead nowhere. */
static void a_configuration_from_a_pipe_has_no_files_beside_it(void)
{
	static const char command[] = "\"$0\" diff /dev/stdin \"$2\" <\"$1\" && "
				      "cat \"$1\" | \"$0\" diff /dev/stdin \"$2\" && "
				      "mkfifo \"$3\" && cat \"$1\" >\"$3\" | "
				      "\"$0\" diff \"$3\" \"$2\"";
	const char *const arguments[] = { "sh", "-c", command, built("tenon"),
		                          scratch_path("old/x.ini"), scratch_path("new/x.ini"),
		                          scratch_path("pipe"), NULL };
	struct finished finished;

	begin();
	scratch_write("old/x.ini", "%s", MODULES("secret.TOKEN = file:token\n"));
	scratch_write("new/x.ini", "%s", MODULES("secret.TOKEN = file:token\n"));
	scratch_write("new/auth.so", "one");
	scratch_write("new/token", "hunter2");
	finished = program_run(arguments);
	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.out, "no differences\nno differences\nno differences\n");
	CHECK_TEXT(finished.err, "");
}

/* ---- What is gone -------------------------------------------------------------------------- */

#define GONE \
	"tenon: ./new/x.ini: what is still needed would be gone: keep it, or change who needs " \
	"it\n"

static void expect_broken(const struct finished *finished, const char *out, const char *err)
{
	CHECK_NUMBER(finished->code, BROKEN);
	CHECK_TEXT(plain(finished->out), out);
	CHECK_TEXT(plain(finished->err), err);
}

static void a_variant_that_is_still_bound_cannot_go(void)
{
	struct finished finished;

	begin();
	finished = diff("[worker gateway]\nroute = /*\nservice.auth = auth@v2\n"
	                "[worker auth]\nservice.store = store\n"
	                "[worker auth@v2]\nvar.X = 1\n"
	                "[worker store]\n"
	                "[worker shop]\nservice.login = auth 50%, auth@v2 50%\n",
	                "[worker gateway]\nroute = /*\nservice.auth = auth@v2\n"
	                "[worker auth]\nservice.store = store\n"
	                "[worker store]\n"
	                "[worker shop]\nservice.login = auth 50%, auth@v2 50%\n");
	expect_broken(&finished,
	              "~ worker store\n"
	              "~     reachable: yes -> no\n"
	              "      called by auth; through others shop\n"
	              "      reached by no route\n"
	              "- worker auth@v2\n"
	              "-     module: auth.so\n"
	              "-     service.store: store\n"
	              "-     var.X: \"1\"\n"
	              "!     still needed by worker 'gateway': service.auth (./new/x.ini:3)\n"
	              "!     still needed by worker 'shop': service.login (./new/x.ini:8)\n"
	              "      called by gateway, shop\n"
	              "      reached by /*\n"
	              "      calls store\n",
	              "./new/x.ini:3: worker 'gateway': service.auth: no worker 'auth@v2': add "
	              "[worker auth@v2], or name another\n"
	              "./new/x.ini:8: worker 'shop': service.login: no worker 'auth@v2': add "
	              "[worker auth@v2], or name another\n" GONE);
}

/* What NEW's errors propose is no change that it makes. */
static void a_worker_that_is_nearly_named_so_is_not_taken_for_the_one_that_is_gone(void)
{
	struct finished finished;

	begin();
	finished = diff("[worker gateway]\nroute = /*\nservice.auth = verify@v2\n"
	                "[worker verify]\n[worker verify@v1]\nvar.X = 1\n[worker verify@v2]\n",
	                "[worker gateway]\nroute = /*\nservice.auth = verify@v2\nvar.X = 1\n"
	                "[worker verify]\n[worker verify@v1]\nvar.X = 2\n");
	expect_broken(&finished,
	              "~ worker gateway\n"
	              "+     var.X: \"1\"\n"
	              "      reached by /*\n"
	              "~ worker verify@v1\n"
	              "~     var.X: \"1\" -> \"2\"\n"
	              "      reached by no route\n"
	              "- worker verify@v2\n"
	              "-     module: verify.so\n"
	              "!     still needed by worker 'gateway': service.auth (./new/x.ini:3)\n"
	              "      called by gateway\n"
	              "      reached by /*\n",
	              "./new/x.ini:3: worker 'gateway': service.auth: no worker 'verify@v2' (did "
	              "you mean 'verify@v1'?)\n" GONE);
}

static void a_binding_cannot_move_to_what_goes(void)
{
	struct finished finished;

	begin();
	finished = diff("[worker a]\nroute = /\nservice.b = b\n[worker b]\n[worker b@v2]\n",
	                "[worker a]\nroute = /\nservice.b = b 90%, b@v2 10%\n[worker b]\n");
	expect_broken(&finished,
	              "~ worker a\n"
	              "~     service.b: b -> b 90%, b@v2 10%\n"
	              "      reached by /\n"
	              "      calls b\n"
	              "- worker b@v2\n"
	              "-     module: b.so\n"
	              "!     still needed by worker 'a': service.b (./new/x.ini:3)\n"
	              "      reached by no route\n"
	              "environment v2\n"
	              "~ worker a\n"
	              "~     service.b: b@v2 -> b 90%, b@v2 10%\n"
	              "      reached by /\n"
	              "      calls b\n"
	              "~ worker b\n"
	              "~     reachable: no -> yes\n"
	              "      called by a\n"
	              "      reached by /\n"
	              "- worker b@v2\n"
	              "-     module: b.so\n"
	              "!     still needed by worker 'a': service.b (./new/x.ini:3)\n"
	              "      called by a\n"
	              "      reached by /\n",
	              "./new/x.ini:3: worker 'a': service.b: no worker 'b@v2': add [worker b@v2], "
	              "or name another\n" GONE);
}

static void a_worker_that_a_variant_inherits_from_cannot_go(void)
{
	struct finished finished;

	begin();
	finished = diff("[worker a]\nroute = /\nservice.b = b@v3\n"
	                "[worker b]\nvar.X = 1\n[worker b@v2]\n[worker b@v3]\ninherits = b@v2\n",
	                "[worker a]\nroute = /\nservice.b = b@v3\n"
	                "[worker b]\nvar.X = 1\n[worker b@v3]\ninherits = b@v2\n");
	CHECK_NUMBER(finished.code, BROKEN);
	CHECK_NUMBER(count_of(plain(finished.out),
	                      "- worker b@v2\n"
	                      "-     module: b.so\n"
	                      "-     var.X: \"1\"\n"
	                      "!     still needed by worker 'b@v3': inherits (./new/x.ini:7)\n"),
	             1);
}

static void a_module_that_is_still_needed_cannot_go(void)
{
	struct finished finished;

	begin();
	scratch_write("old/auth.so", "one");
	scratch_write("old/gateway.so", "two");
	finished = diff(MODULES(""), MODULES(""));
	expect_broken(&finished,
	              "~ worker gateway\n"
	              "~     module: gateway.so (the file is missing now)\n"
	              "!     still needed by worker 'gateway': route (./new/x.ini:2)\n"
	              "      reached by /*\n"
	              "      calls auth\n"
	              "~ worker auth\n"
	              "~     module: auth.so (the file is missing now)\n"
	              "!     still needed by worker 'gateway': service.auth (./new/x.ini:3)\n"
	              "      called by gateway\n"
	              "      reached by /*\n",
	              GONE);
}

static void a_module_that_nothing_reaches_can_go(void)
{
	static const char text[] = "[worker gateway]\nroute = /*\n[worker auth]\n"
				   "[worker other]\nservice.auth = auth\n";
	struct finished finished;

	begin();
	scratch_write("old/auth.so", "one");
	finished = diff(text, text);
	expect(&finished, "~ worker auth\n"
	                  "~     module: auth.so (the file is missing now)\n"
	                  "      called by other\n"
	                  "      reached by no route\n");
}

static void a_secret_that_is_still_needed_cannot_go(void)
{
	static const char text[] = MODULES("secret.TOKEN = file:token\n");
	struct finished finished;

	begin();
	scratch_write("old/token", "hunter2");
	finished = diff(text, text);
	expect_broken(&finished,
	              "~ worker auth\n"
	              "~     secret.TOKEN: file:token (the file is missing now)\n"
	              "!     still needed by worker 'gateway': service.auth (./new/x.ini:3)\n"
	              "      called by gateway\n"
	              "      reached by /*\n",
	              GONE);
	scratch_write("old/auth.so", "one");
	finished = diff(text, text);
	CHECK_NUMBER(finished.code, BROKEN);
	CHECK_NUMBER(count_of(finished.out, "the file is missing now"), 2);
	CHECK_NUMBER(count_of(finished.out, "still needed by"), 1);
}

/* ---- Environments -------------------------------------------------------------------------- */

#define STAGING \
	"[worker gateway]\nroute = /*\nservice.auth = auth\n" \
	"[worker auth]\nservice.store = store\n" \
	"[worker store]\nvar.X = 1\n"

static void in_an_environment_unqualified_names_mean_its_variants(void)
{
	static const char before[] = STAGING "[worker auth@staging]\n[host@staging]\n"
					     "listen = 127.0.0.1:8081\n";
	static const char after[] = STAGING "[worker store@staging]\nvar.X = 2\n[host@staging]\n"
					    "listen = 127.0.0.1:8082\n";
	struct finished finished;

	begin();
	finished = diff_with(before, after, "--environment", "staging");
	expect(&finished, "environment staging\n"
	                  "~ host\n"
	                  "~     listen: 127.0.0.1:8081 -> 127.0.0.1:8082\n"
	                  "~ worker gateway\n"
	                  "~     service.auth: auth@staging -> auth\n"
	                  "      reached by /*\n"
	                  "      calls auth; through others store@staging\n"
	                  "~ worker auth\n"
	                  "~     reachable: no -> yes\n"
	                  "~     service.store: store -> store@staging\n"
	                  "      called by gateway\n"
	                  "      reached by /*\n"
	                  "      calls store@staging\n"
	                  "~ worker store\n"
	                  "~     reachable: yes -> no\n"
	                  "      reached by no route\n"
	                  "+ worker store@staging\n"
	                  "+     module: store.so\n"
	                  "+     var.X: \"2\"\n"
	                  "      called by auth; through others gateway\n"
	                  "      reached by /*\n"
	                  "- worker auth@staging\n"
	                  "-     module: auth.so\n"
	                  "-     service.store: store\n"
	                  "      called by gateway\n"
	                  "      reached by /*\n"
	                  "      calls store\n");
}

static void a_route_goes_to_the_variant_with_its_environment(void)
{
	static const char before[] = "[worker a]\nroute = /*\n[worker b]\nroute = /b\n"
				     "[worker b@x]\n";
	struct finished finished;

	begin();
	finished = diff_with(before, text_of("%s[worker a@x]\n", before), "--environment", "x");
	expect(&finished, "environment x\n"
	                  "~ worker a\n"
	                  "~     route /*: a -> a@x\n"
	                  "~     reachable: yes -> no\n"
	                  "      reached by no route\n"
	                  "+ worker a@x\n"
	                  "~     route /*: a -> a@x\n"
	                  "+     module: a.so\n"
	                  "      reached by /*\n");
}

/* Then the other side has no variants in it, which is no mistake. */
static void an_environment_may_come_or_go(void)
{
	static const char with[] = "[worker a]\nroute = /*\nservice.b = b\n[worker b]\n"
				   "[worker b@x]\n";
	static const char without[] = "[worker a]\nroute = /*\nservice.b = b\n[worker b]\n";
	struct finished finished;

	begin();
	finished = diff_with(without, with, "--environment", "x");
	expect(&finished, "environment x\n"
	                  "~ worker a\n"
	                  "~     service.b: b -> b@x\n"
	                  "      reached by /*\n"
	                  "      calls b@x\n"
	                  "~ worker b\n"
	                  "~     reachable: yes -> no\n"
	                  "      reached by no route\n"
	                  "+ worker b@x\n"
	                  "+     module: b.so\n"
	                  "      called by a\n"
	                  "      reached by /*\n");
	finished = diff_with(with, without, "--environment", "x");
	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(count_of(finished.out, "- worker b@x\n"), 1);
	finished = diff_with(with, without, "--environment", "y");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_TEXT(finished.out, "");
	CHECK_NUMBER(count_of(finished.err, "there is no environment 'y'"), 2);
}

#define BOTH \
	"[host]\nlisten = 127.0.0.1:8080\n" \
	"[worker gateway]\nroute = /*\nservice.auth = auth\n" \
	"[worker gateway@staging]\n" \
	"[worker auth]\n"

static void what_an_environment_adds_is_told_below_its_name(void)
{
	struct finished finished;

	begin();
	finished = diff(BOTH "[host@staging]\nlisten = 127.0.0.1:8081\n",
	                BOTH "[host@staging]\nlisten = 127.0.0.1:8082\n");
	expect(&finished, "environment staging\n"
	                  "~ host\n"
	                  "~     listen: 127.0.0.1:8081 -> 127.0.0.1:8082\n");
	finished = diff(BOTH "[worker auth@staging]\nvar.X = 1\n",
	                BOTH "[worker auth@staging]\nvar.X = 2\n");
	expect(&finished, "~ worker auth@staging\n"
	                  "~     var.X: \"1\" -> \"2\"\n"
	                  "      reached by no route\n"
	                  "environment staging\n"
	                  "~ worker auth@staging\n"
	                  "~     var.X: \"1\" -> \"2\"\n"
	                  "      called by gateway, gateway@staging\n"
	                  "      reached by /*\n");
}

/* Nobody binds it: only its route says that it is reached. */
static void a_public_variant_is_told_where_requests_reach_it(void)
{
	static const char text[] = "[worker gateway]\nroute = /*\n[worker gateway@staging]\n"
				   "var.X = %d\n";
	struct finished finished;

	begin();
	finished = diff(text_of(text, 1), text_of(text, 2));
	expect(&finished, "~ worker gateway@staging\n"
	                  "~     var.X: \"1\" -> \"2\"\n"
	                  "      reached by no route\n"
	                  "environment staging\n"
	                  "~ worker gateway@staging\n"
	                  "~     var.X: \"1\" -> \"2\"\n"
	                  "      reached by /*\n");
}

static void what_was_told_without_an_environment_is_not_told_again(void)
{
	struct finished finished;

	begin();
	finished = diff(BOTH "var.X = 1\n[worker other@test]\n[worker other]\nroute = /o\n",
	                BOTH "var.X = 2\n[worker other@test]\n[worker other]\nroute = /o\n");
	expect(&finished, "~ worker auth\n"
	                  "~     var.X: \"1\" -> \"2\"\n"
	                  "      called by gateway, gateway@staging\n"
	                  "      reached by /*\n");
}

static void what_only_an_environment_needs_cannot_go(void)
{
	static const char text[] = BOTH "[worker auth@staging]\nmodule = auth-2.so\n";
	struct finished finished;

	begin();
	scratch_write("old/auth-2.so", "one");
	finished = diff(text, text);
	expect_broken(&finished,
	              "~ worker auth@staging\n"
	              "~     module: auth-2.so (the file is missing now)\n"
	              "      reached by no route\n"
	              "environment staging\n"
	              "~ worker auth@staging\n"
	              "~     module: auth-2.so (the file is missing now)\n"
	              "!     still needed by worker 'gateway': service.auth (./new/x.ini:5)\n"
	              "!     still needed by worker 'gateway@staging': service.auth "
	              "(./new/x.ini:5)\n"
	              "      called by gateway, gateway@staging\n"
	              "      reached by /*\n",
	              GONE);
	finished = diff_files("--json", NULL);
	CHECK_NUMBER(finished.code, BROKEN);
	CHECK_NUMBER(count_of(finished.out, "\"broken\": false"), 1);
	CHECK_NUMBER(count_of(finished.out, "\"broken\": true"), 1);
}

static void an_environment_with_errors_is_named_and_no_success(void)
{
	struct finished finished;

	begin();
	finished = diff(BOTH "[host@staging]\nlisten = 127.0.0.1:8081\n",
	                BOTH "[host@staging]\nlisten = nowhere\n");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_TEXT(finished.out, "no differences\n");
	CHECK_TEXT(plain(finished.err), "tenon: environment 'staging' has errors and is left out: "
	                                "see tenon diff --environment staging ./old/x.ini "
	                                "./new/x.ini\n");
}

/* ---- For programs -------------------------------------------------------------------------- */

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = json_loadb(text, strlen(text), 0, &error);

	if (!value)
		printf("\tline %d: %s\n", error.line, error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value;
}

/* The difference in the environment of that number. */
static void expect_json(const struct finished *finished, size_t number, const char *text)
{
	json_t *actual = parse(plain(finished->out));
	json_t *expected = parse(text);

	CHECK_NUMBER(json_array_size(actual), 2);
	if (!CHECK_NUMBER(json_equal(json_array_get(actual, number), expected), true))
		printf("%s\n", plain(finished->out));
	json_decref(actual);
	json_decref(expected);
}

static void programs_get_all_of_it_as_json(void)
{
	struct finished finished;

	begin();
	finished = diff_with("[host]\nmax_depth = 10\n"
	                     "[worker edge]\nroute = /edge\nservice.gateway = gateway\n"
	                     "[worker gateway]\nroute = /*\nservice.auth = auth@v2\n"
	                     "[worker auth]\n[worker auth@v2]\n",
	                     "[worker edge]\nroute = /edge, /*\nservice.gateway = gateway\n"
	                     "[worker gateway]\nvar.X = 1\nservice.auth = auth@v2\n"
	                     "[worker auth]\n",
	                     "--json", NULL);
	CHECK_NUMBER(finished.code, BROKEN);
	expect_json(
		&finished, 0,
		"{ \"environment\": null, \"broken\": true,"
		"  \"host\": [ { \"change\": \"removed\", \"key\": \"max_depth\", \"route\": null,"
		"                \"old\": \"10\", \"new\": null, \"note\": null } ],"
		"  \"workers\": ["
		"    { \"name\": \"edge\", \"change\": \"changed\","
		"      \"changes\": [ { \"change\": \"changed\", \"key\": \"route\", \"route\": "
		"\"/*\","
		"                       \"old\": \"gateway\", \"new\": \"edge\","
		"                       \"note\": null } ],"
		"      \"needed_by\": [], \"routes\": [ \"/edge\", \"/*\" ], \"callers\": [],"
		"      \"far_callers\": [], \"callees\": [ \"gateway\" ], \"far_callees\": [] },"
		"    { \"name\": \"gateway\", \"change\": \"changed\","
		"      \"changes\": [ { \"change\": \"changed\", \"key\": \"route\", \"route\": "
		"\"/*\","
		"                       \"old\": \"gateway\", \"new\": \"edge\", \"note\": null },"
		"                     { \"change\": \"added\", \"key\": \"var.X\", \"route\": null,"
		"                       \"old\": null, \"new\": \"1\", \"note\": null } ],"
		"      \"needed_by\": [], \"routes\": [ \"/edge\", \"/*\" ],"
		"      \"callers\": [ \"edge\" ], \"far_callers\": [], \"callees\": [],"
		"      \"far_callees\": [] },"
		"    { \"name\": \"auth@v2\", \"change\": \"removed\","
		"      \"changes\": [ { \"change\": \"removed\", \"key\": \"module\", \"route\": "
		"null,"
		"                       \"old\": \"auth.so\", \"new\": null, \"note\": null } ],"
		"      \"needed_by\": [ { \"worker\": \"gateway\", \"key\": \"service.auth\","
		"                         \"file\": \"./new/x.ini\", \"line\": 6 } ],"
		"      \"routes\": [ \"/edge\", \"/*\" ], \"callers\": [ \"gateway\" ],"
		"      \"far_callers\": [ \"edge\" ], \"callees\": [], \"far_callees\": [] } ] }");
}

static void programs_are_told_that_nothing_differs(void)
{
	struct finished finished;

	begin();
	finished = diff_with("[worker a]\nroute = /\n[worker a@x]\n",
	                     "[worker a]\nroute = /\n[worker a@x]\n", "--json", NULL);
	CHECK_NUMBER(finished.code, 0);
	expect_json(&finished, 0, "{ \"environment\": null, \"broken\": false, \"host\": [],"
	                          "  \"workers\": [] }");
	expect_json(&finished, 1, "{ \"environment\": \"x\", \"broken\": false, \"host\": [],"
	                          "  \"workers\": [] }");
}

/* ---- Mistakes ------------------------------------------------------------------------------ */

static void mistakes_of_either_side_are_all_that_is_printed(void)
{
	struct finished finished;

	begin();
	finished = diff("[worker a]\nroute = /\nservice.b = b\n[worker b]\n",
	                "[worker a]\nroute = \\\nservice.b = b\n[worker c]\n");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_TEXT(finished.out, "");
	CHECK_NUMBER(lines_matching(plain(finished.err),
	                            "^\\./new/x\\.ini:2: worker 'a': route: '\\\\': "),
	             1);
	finished = diff("[worker a]\nroute = /\nservice.b = bbb\n[worker b]\n",
	                "[worker a]\nroute = /\nservice.b = b\n[worker b]\n");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_TEXT(finished.out, "");
	CHECK_TEXT(plain(finished.err), "./old/x.ini:3: worker 'a': service.b: no worker 'bbb': "
	                                "add [worker bbb], or name another\n");
}

/* OLD has not had it either. */
static void a_name_that_never_was_is_a_mistake_and_nothing_that_is_gone(void)
{
	struct finished finished;

	begin();
	finished = diff("[worker a]\nroute = /\nservice.b = b\n[worker b]\n",
	                "[worker a]\nroute = /\nservice.b = zzz\n[worker b]\n");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_TEXT(finished.out, "");
	CHECK_TEXT(plain(finished.err), "./new/x.ini:3: worker 'a': service.b: no worker 'zzz': "
	                                "add [worker zzz], or name another\n");
}

static void both_files_are_to_be_there(void)
{
	struct finished finished;

	begin();
	scratch_write("old/x.ini", "[worker a]\nroute = /\n");
	finished = diff_files(NULL, NULL);
	CHECK_NUMBER(finished.code, EX_NOINPUT);
	CHECK_TEXT(finished.out, "");
	CHECK_NUMBER(lines_matching(plain(finished.err), "^tenon: \\./new/x\\.ini: "), 1);
}

TEST_MAIN("e2e/diff",
          TEST(what_is_the_same_differs_in_nothing),
          TEST(what_is_only_written_otherwise_is_no_difference),
          TEST(an_added_worker_is_shown_with_all_it_has),
          TEST(a_removed_worker_is_shown_with_whom_it_affected),
          TEST(a_retargeted_binding_shows_both_targets),
          TEST(a_raised_weight_shows_both_splits),
          TEST(a_split_that_is_only_prepared_is_a_change),
          TEST(a_moved_route_is_shown_at_both_workers),
          TEST(a_route_that_matches_more_is_another_one),
          TEST(a_route_that_goes_with_its_worker_is_shown_where_it_goes),
          TEST(who_is_affected_is_told_through_any_number_of_others),
          TEST(long_lists_are_cut_for_people),
          TEST(changed_vars_and_settings_show_both_values),
          TEST(what_a_variant_inherits_changes_with_it),
          TEST(the_source_of_a_secret_and_its_content_are_compared_and_never_shown),
          TEST(the_same_secret_in_both_directories_is_no_difference),
          TEST(a_secret_that_is_written_into_the_file_is_not_shown),
          TEST(what_is_no_file_is_not_read),
          TEST(the_secrets_of_others_than_the_environment_loads_are_not_opened),
          TEST(a_module_that_was_built_again_in_place_is_a_change),
          TEST(another_module_shows_both_names_and_whether_it_is_the_same_code),
          TEST(workers_that_shared_a_module_may_part),
          TEST(the_same_modules_in_another_directory_are_a_change_of_the_host),
          TEST(a_module_that_is_there_again_breaks_nothing),
          TEST(a_configuration_from_a_pipe_has_no_files_beside_it),
          TEST(a_variant_that_is_still_bound_cannot_go),
          TEST(a_worker_that_is_nearly_named_so_is_not_taken_for_the_one_that_is_gone),
          TEST(a_binding_cannot_move_to_what_goes),
          TEST(a_worker_that_a_variant_inherits_from_cannot_go),
          TEST(a_module_that_is_still_needed_cannot_go),
          TEST(a_module_that_nothing_reaches_can_go),
          TEST(a_secret_that_is_still_needed_cannot_go),
          TEST(in_an_environment_unqualified_names_mean_its_variants),
          TEST(a_route_goes_to_the_variant_with_its_environment),
          TEST(an_environment_may_come_or_go),
          TEST(what_an_environment_adds_is_told_below_its_name),
          TEST(a_public_variant_is_told_where_requests_reach_it),
          TEST(what_was_told_without_an_environment_is_not_told_again),
          TEST(what_only_an_environment_needs_cannot_go),
          TEST(an_environment_with_errors_is_named_and_no_success),
          TEST(programs_get_all_of_it_as_json),
          TEST(programs_are_told_that_nothing_differs),
          TEST(mistakes_of_either_side_are_all_that_is_printed),
          TEST(a_name_that_never_was_is_a_mistake_and_nothing_that_is_gone),
          TEST(both_files_are_to_be_there))
