/* test_isolation.c - what Workers share (a direct call) and what they do not (all the rest). */
#include "harness.h"

#include "../cunit.h"

#include <signal.h>

#define HOST_LINES "[host]\nlisten = 127.0.0.1:0\n"

static const char *get_of(const struct host *host, const char *path)
{
	struct http_reply *reply = http_get(host, path);

	CHECK_NUMBER(reply->status, 200);
	return reply->body;
}

/* ---- Bindings ------------------------------------------------------------------------------ */

static const char *compare_with(const char *bound, const char *compared)
{
	struct host *host = host_start(scratch_write("pointer.ini",
	                                             HOST_LINES
	                                             "[worker pointer]\n"
	                                             "module = %s\n"
	                                             "route = /*\n"
	                                             "service.auth = bound\n"
	                                             "var.MODULE = %s\n"
	                                             "[worker bound]\n"
	                                             "module = %s\n"
	                                             "[worker compared]\n"
	                                             "module = %s\n"
	                                             "route = /compared\n",
	                                             fixture("serve_pointer"),
	                                             strrchr(compared, '/') + 1, bound, compared));
	const char *text = get_of(host, "/");

	host_end(host);
	return text;
}

static void a_binding_is_the_very_fetch_of_the_module(void)
{
	CHECK_TEXT(compare_with(plugin("application"), plugin("application")), "the same\n");
	/* And the fixture would tell if it were not. */
	CHECK_TEXT(compare_with(plugin("application"), fixture("serve_hello")), "another\n");
}

static void the_plugin_auth_is_called_by_its_own_address(void)
{
	static const char *const environment[] = { "TOKEN=x", NULL };
	const char *file = scratch_write("auth.ini",
	                                 HOST_LINES
	                                 "[worker pointer]\n"
	                                 "module = %s\n"
	                                 "route = /*\n"
	                                 "service.auth = auth\n"
	                                 "var.MODULE = %s\n"
	                                 "[worker auth]\n"
	                                 "module = %s\n"
	                                 "secret.SECRET_TOKEN = env:TOKEN\n",
	                                 fixture("serve_pointer"), "auth.so", plugin("auth"));
	struct host *host = host_start_with(file, &(struct host_options){
							  .environment = environment });

	CHECK_TEXT(get_of(host, "/"), "the same\n");
	host_end(host);
}

/* ---- Modules ------------------------------------------------------------------------------- */

static void one_module_gives_each_worker_an_env_of_its_own(void)
{
	const char *module = fixture("serve_hello");
	struct host *host = host_start(scratch_write("two.ini",
	                                             HOST_LINES
	                                             "[worker one]\n"
	                                             "module = %s\n"
	                                             "route = /one\n"
	                                             "var.TEXT = I am one\n"
	                                             "[worker two]\n"
	                                             "module = %s\n"
	                                             "route = /two\n"
	                                             "var.TEXT = I am two\n"
	                                             "[worker three]\n"
	                                             "module = %s\n"
	                                             "route = /three\n",
	                                             module, module, module));

	for (int i = 0; i < 2; i++) {
		CHECK_TEXT(get_of(host, "/one"), "I am one");
		CHECK_TEXT(get_of(host, "/two"), "I am two");
		CHECK_TEXT(get_of(host, "/three"), "hello\n");
	}
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), " target=\"/two\" .* chain=two$"), 2);
}

static void modules_with_the_same_symbols_do_not_disturb_each_other(void)
{
	struct host *host = host_start(scratch_write("twins.ini",
	                                             HOST_LINES
	                                             "[worker one]\n"
	                                             "module = %s\n"
	                                             "route = /one\n"
	                                             "[worker two]\n"
	                                             "module = %s\n"
	                                             "route = /two\n",
	                                             fixture("serve_twin_one"),
	                                             fixture("serve_twin_two")));

	CHECK_TEXT(get_of(host, "/one"), "1 1\n");
	CHECK_TEXT(get_of(host, "/two"), "100 100\n");
	CHECK_TEXT(get_of(host, "/one"), "2 2\n");
	CHECK_TEXT(get_of(host, "/two"), "200 200\n");
	host_end(host);
}

/* ---- Values -------------------------------------------------------------------------------- */

static struct host *start_values(const char *lines)
{
	return host_start(scratch_write("values.ini",
	                                HOST_LINES
	                                "[worker values]\n"
	                                "module = %s\n"
	                                "route = /*\n"
	                                "var.TEXT = some text\n"
	                                "var.COUNT = -42\n"
	                                "var.YES = yes\n"
	                                "var.WAIT = 1500ms\n"
	                                "var.ROOM = 64K\n"
	                                "var.RATIO = 0.25\n"
	                                "%s",
	                                fixture("serve_values"), lines));
}

static void values_of_every_kind_and_their_defaults_arrive(void)
{
	struct host *host = start_values("");

	CHECK_TEXT(get_of(host, "/"), "some text -42 1 1500 65536 0.25; "
	                              "text -7 1 1500 4096 2.5; NULL zeroed 0\n");
	host_end(host);
}

static void values_of_the_file_come_before_defaults(void)
{
	struct host *host = start_values("var.TEXT_OR = \"\"\n"
	                                 "var.COUNT_OR = 9223372036854775807\n"
	                                 "var.YES_OR = no\n"
	                                 "var.WAIT_OR = 2h\n"
	                                 "var.ROOM_OR = 3G\n"
	                                 "var.RATIO_OR = -1e3\n"
	                                 "service.other = values\n");

	CHECK_TEXT(get_of(host, "/"), "some text -42 1 1500 65536 0.25; "
	                              " 9223372036854775807 0 7200000 3221225472 -1000; "
	                              "values zeroed 0\n");
	host_end(host);
}

static void a_shared_block_is_zeroed_and_kept_between_requests(void)
{
	struct host *host = start_values("");

	for (int i = 0; i < 3; i++)
		CHECK_TEXT(strrchr(get_of(host, "/"), ' '), text_of(" %d\n", i));
	host_end(host);
}

static void what_start_made_is_there_for_the_requests(void)
{
	struct host *host = host_start(scratch_write("state.ini",
	                                             HOST_LINES
	                                             "[worker hooks]\n"
	                                             "module = %s\n"
	                                             "route = /*\n",
	                                             fixture("serve_hooks")));

	CHECK_TEXT(get_of(host, "/"), "1 start\n");
	CHECK_TEXT(get_of(host, "/"), "1 start\n");
	host_end(host);
}

/* Better an end that is seen than an env that changes under other requests. */
static void who_writes_to_an_env_after_start_crashes(void)
{
	struct host *host = host_start(scratch_write("state.ini",
	                                             HOST_LINES
	                                             "[worker hooks]\n"
	                                             "module = %s\n"
	                                             "route = /*\n",
	                                             fixture("serve_hooks")));
	int code;

	CHECK_NUMBER(http_get(host, "/write")->status, 0);
	code = host_wait(host);
	if (host_is_instrumented())
		CHECK_NUMBER(code != 0 && code != NEVER_ENDED, true);
	else
		CHECK_NUMBER(code, -SIGSEGV);
}

/* ---- Secrets ------------------------------------------------------------------------------- */

#define SECRET "9f-very-secret-0e"

static struct host *start_secrets(const char *source, const char *variable)
{
	const char *const environment[] = { variable, "OTHER=visible", NULL };
	const char *file = scratch_write("secrets.ini",
	                                 HOST_LINES
	                                 "log_level = debug\n"
	                                 "[worker secrets]\n"
	                                 "module = %s\n"
	                                 "route = /*\n"
	                                 "secret.KEY = %s\n",
	                                 fixture("serve_secrets"), source);

	return host_start_with(file, &(struct host_options){ .environment = environment });
}

static bool file_has(const struct host *host, const char *name, const char *text)
{
	const char *path = text_of("/proc/%d/%s", (int)host->pid, name);
	char *whole = memory_of(64 * 1024);
	FILE *file = fopen(path, "r");
	size_t size = file ? fread(whole, 1, 64 * 1024, file) : 0;

	if (file)
		fclose(file);
	CHECK_NUMBER(size > 0, true);
	return memmem(whole, size, text, strlen(text));
}

static void a_secret_of_the_environment_is_taken_out_of_it(void)
{
	struct host *host = start_secrets("env:KEY", "KEY=" SECRET);

	CHECK_TEXT(get_of(host, "/?name=KEY"), text_of("unset gone %zu\n", strlen(SECRET)));
	CHECK_TEXT(get_of(host, "/?name=OTHER"), text_of("visible gone %zu\n", strlen(SECRET)));
	/* What valgrind's own process was started with, no program can take away. */
	if (!getenv("TN_HOST_PREFIX")) {
		CHECK_NUMBER(file_has(host, "environ", "OTHER=visible"), true);
		CHECK_NUMBER(file_has(host, "environ", SECRET), false);
	}
	CHECK_NUMBER(file_has(host, "cmdline", SECRET), false);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), SECRET), 0);
}

static void a_secret_of_a_file_stands_nowhere_else(void)
{
	const char *path = scratch_write("key", "%s\n", "from-a-file-0815");
	struct host *host = start_secrets(text_of("file:%s", path), "NONE=");

	CHECK_TEXT(get_of(host, "/"), text_of("unset gone %zu\n", strlen("from-a-file-0815")));
	CHECK_NUMBER(file_has(host, "cmdline", "from-a-file-0815"), false);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), "from-a-file-0815"), 0);
}

TEST_MAIN("e2e/isolation",
          TEST(a_binding_is_the_very_fetch_of_the_module),
          TEST(the_plugin_auth_is_called_by_its_own_address),
          TEST(one_module_gives_each_worker_an_env_of_its_own),
          TEST(modules_with_the_same_symbols_do_not_disturb_each_other),
          TEST(values_of_every_kind_and_their_defaults_arrive),
          TEST(values_of_the_file_come_before_defaults),
          TEST(a_shared_block_is_zeroed_and_kept_between_requests),
          TEST(what_start_made_is_there_for_the_requests),
          TEST(who_writes_to_an_env_after_start_crashes),
          TEST(a_secret_of_the_environment_is_taken_out_of_it),
          TEST(a_secret_of_a_file_stands_nowhere_else))
