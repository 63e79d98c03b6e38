/* test_check.c - mistakes: each is told with its place and its cure, all in one run of `check`. */
#include "harness.h"

#include "../cunit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Of the child that loads a module: a crash is to be a signal, not a sanitizer's report. */
__attribute__((constructor)) static void leave_signals_alone(void)
{
	const char *before = getenv("ASAN_OPTIONS");

	setenv("ASAN_OPTIONS",
	       text_of("%s%shandle_segv=0:handle_abort=0:handle_sigbus=0", before ? before : "",
	               before ? ":" : ""),
	       1);
}

static const char *replace(const char *text, const char *part, const char *by)
{
	const char *result = "";
	const char *at;

	while ((at = strstr(text, part))) {
		result = text_of("%s%.*s%s", result, (int)(at - text), text, by);
		text = at + strlen(part);
	}
	return text_of("%s%s", result, text);
}

/* Without what valgrind has to say of a crash that is meant. */
static const char *without_reports(const char *text)
{
	const char *result = "";

	while (*text) {
		size_t size = strcspn(text, "\n");

		size += text[size] == '\n';
		if (strncmp(text, "==", 2) != 0 && strncmp(text, "--", 2) != 0)
			result = text_of("%s%.*s", result, (int)size, text);
		text += size;
	}
	return result;
}

/* With ./ for the scratch directory and BUILD for what was built: the same in each run. */
static const char *plain(const char *text)
{
	return replace(replace(without_reports(text), scratch_directory(), "."), built(""),
	               "BUILD/");
}

/* Shows the first line that differs. */
static void check_lines(const char *actual, const char *expected)
{
	size_t line = 0, i = 0;

	while (actual[i] && actual[i] == expected[i]) {
		i++;
		if (actual[i - 1] == '\n')
			line = i;
	}
	CU_ASSERT_EQUAL(actual[i], expected[i]);
	if (actual[i] != expected[i])
		printf("\tis         %.*s\n\tshould be  %.*s\n", (int)strcspn(actual + line, "\n"),
		       actual + line, (int)strcspn(expected + line, "\n"), expected + line);
}

static void expect(const struct finished *finished, int code, const char *expected)
{
	CHECK_NUMBER(finished->code, code);
	CHECK_TEXT(finished->out, "");
	check_lines(plain(finished->err), expected);
}

/* Checks the text of x.ini: the exit code, and all that is written. */
static void check_text(const char *text, int code, const char *expected)
{
	struct finished finished = tenon_check(scratch_write("x.ini",
	                                                     "%s", text));

	expect(&finished, code, expected);
}

static struct finished check_with(const char *option, const char *value, const char *file)
{
	const char *const arguments[] = { "check", option, value, file, NULL };

	return tenon_run(arguments, NULL);
}

#define MODULES text_of("[host]\nmodules = %s\n", built("tests/fixtures"))
#define GOOD_ROUTE "[worker good]\nmodule = mistake_node.so\nroute = /\n"

/* ---- All in one run ------------------------------------------------------------------------ */

static const char broken[] =
	"[hosts]\n"
	"[host]\n"
	"listen = 8080, 127.0.0.1:0\n"
	"lisen = 127.0.0.1:0\n"
	"max_body = 10X\n"
	"idle_timeout = 30\n"
	"max_depth = 1000\n"
	"max_depth = 10\n"
	"modules = BUILD/tests/fixtures\n"
	"[worker gateway]\n"
	"module = BUILD/plugins/gateway.so\n"
	"route = api, http://www.example.com/*, /a*b\n"
	"service.auth = atuh\n"
	"service.aplication = values\n"
	"[worker auth]\n"
	"module = BUILD/plugins/auth.so\n"
	"SECRET_TOKEN = hunter2\n"
	"secret.SECRET_TOKEN = hunter2\n"
	"[worker missing]\n"
	"[worker script]\n"
	"module = ./script.so\n"
	"[worker abi]\n"
	"module = mistake_abi.so\n"
	"[worker no-fetch]\n"
	"module = mistake_no_fetch.so\n"
	"[worker no-worker]\n"
	"module = mistake_no_worker.so\n"
	"[worker undefined]\n"
	"module = mistake_undefined.so\n"
	"[worker gap]\n"
	"module = mistake_gap.so\n"
	"[worker gap-at-end]\n"
	"module = mistake_gap_at_end.so\n"
	"[worker overlap]\n"
	"module = mistake_overlap.so\n"
	"[worker no-slots]\n"
	"module = mistake_no_slots.so\n"
	"[worker auth]\n"
	"route = /*\n"
	"[worker values]\n"
	"module = mistake_values.so\n"
	"service.next = values\n"
	"route = /*\n"
	"var.TEXT = one ; two\n"
	"var.count = many\n"
	"var.enabled = ja\n"
	"var.pause = 10\n"
	"var.room = 1T\n"
	"var.ratio = 0,5\n"
	"var.next = values\n"
	"secret.TOKEN = env:TENON_NOT_SET\n"
	/* so that each of them is loaded */
	"[worker all]\n"
	"module = mistake_node.so\n"
	"route = all/*\n"
	"service.one = missing 10%, script 10%, abi 10%, no-fetch 10%, no-worker 10%, undefined "
	"10%, gap 10%, gap-at-end 10%, overlap 10%, no-slots 10%\n"
	"split.one.key = query:user\n"
	"service.other = all 90%, values 20%\n"
	"split.another.key = address\n"
	"[worker values@v1]\n"
	"inherits = values@v3\n"
	"[worker values@v2]\n"
	"inherits = values@v2\n"
	"var.COLOUR =\n"
	"include = more.ini\n"
	"[worker valves@v1]\n"
	"[host@staging]\n"
	"listen =\n"
	"max_calls =\n";

static const char broken_says[] =
	"./x.ini:1: unknown section [hosts] (did you mean 'host'?): there are [host] and [worker "
	"NAME]\n"
	"./x.ini:3: [host]: listen: '8080': an address is HOST:PORT, such as 127.0.0.1:8080, "
	"[::1]:8080 or *:8080\n"
	"./x.ini:4: [host]: unknown key 'lisen' (did you mean 'listen'?)\n"
	"./x.ini:5: [host]: max_body: '10X': not a size: write bytes, or an integer with K, M or "
	"G, such as 64K\n"
	"./x.ini:6: [host]: idle_timeout: '30': a duration needs a unit: ms, s, m, h or d, such as "
	"10s\n"
	"./x.ini:7: [host]: max_depth: '1000': write a value from 1 to 64\n"
	"./x.ini:8: [host]: max_depth: already in line 7: keep one of the two\n"
	"./x.ini:10: worker 'gateway': service.application: module 'BUILD/plugins/gateway.so' "
	"needs this binding: add `service.application = NAME-OF-A-WORKER`\n"
	"./x.ini:12: worker 'gateway': route: 'api': a route is a path, or a host and a path: /*, "
	"/api/*, www.example.com/*\n"
	"./x.ini:12: worker 'gateway': route: 'http://www.example.com/*': a route has no scheme: "
	"write www.example.com/*\n"
	"./x.ini:12: worker 'gateway': route: '/a*b': a '*' in the path is its end: /api/*\n"
	"./x.ini:13: worker 'gateway': service.auth: no worker 'atuh' (did you mean 'auth'?)\n"
	"./x.ini:14: worker 'gateway': service.aplication: module 'BUILD/plugins/gateway.so' "
	"declares no such binding (did you mean 'service.application'?)\n"
	"./x.ini:17: worker 'auth': unknown key 'SECRET_TOKEN' (did you mean "
	"'secret.SECRET_TOKEN'?): a Worker has module, route, max_body, blocking, timeout, "
	"concurrency, service.NAME, split.NAME.key, secret.NAME, var.NAME and, if it is a variant, "
	"inherits\n"
	"./x.ini:18: worker 'auth': secret.SECRET_TOKEN: a secret is not written into the file: "
	"use env:NAME, file:PATH or credential:NAME\n"
	"./x.ini:19: worker 'missing': module 'BUILD/tests/fixtures/missing.so': there is no such "
	"file: build it, or set `module`, or `modules` in [host]\n"
	"./x.ini:21: worker 'script': module './script.so': it is no ELF file: build it with "
	"-shared -fPIC\n"
	"./x.ini:23: worker 'abi': module 'BUILD/tests/fixtures/mistake_abi.so': it was built for "
	"ABI 99.7, and this host has ABI 1.0: build it again with this host's tenon.h\n"
	"./x.ini:25: worker 'no-fetch': module 'BUILD/tests/fixtures/mistake_no_fetch.so': it "
	"has a `fetch`, but does not export it: let TN_WORKER define it, and link it with what "
	"`pkg-config --libs tenon` gives, without a version script of its own\n"
	"./x.ini:27: worker 'no-worker': module 'BUILD/tests/fixtures/mistake_no_worker.so': it "
	"exports no `tn_worker`: end its source with TN_WORKER(handler, struct env, ...)\n"
	"./x.ini:29: worker 'undefined': module 'BUILD/tests/fixtures/mistake_undefined.so': it "
	"cannot be loaded: undefined symbol: no_such_function: link it with the library that has "
	"it (-Wl,-z,defs finds it at build time)\n"
	"./x.ini:31: worker 'gap': module 'BUILD/tests/fixtures/mistake_gap.so': its slots do not "
	"cover its env: bytes 72 to 79 of 88, after 'GREETING', have none: TN_WORKER's list is to "
	"name every field (TN_STATE for what `start` fills in)\n"
	"./x.ini:33: worker 'gap-at-end': module 'BUILD/tests/fixtures/mistake_gap_at_end.so': its "
	"slots do not cover its env: bytes 72 to 79 of 80, after 'GREETING', have none: "
	"TN_WORKER's list is to name every field (TN_STATE for what `start` fills in)\n"
	"./x.ini:35: worker 'overlap': module 'BUILD/tests/fixtures/mistake_overlap.so': its slot "
	"'limit' overlaps 'limit': name each field once in TN_WORKER's list\n"
	"./x.ini:37: worker 'no-slots': module 'BUILD/tests/fixtures/mistake_no_slots.so': its "
	"slots do not cover its env: bytes 64 to 71 of 72, after 'self', have none: TN_WORKER's "
	"list is to name every field (TN_STATE for what `start` fills in)\n";

static const char broken_says_below[] =
	"./x.ini:38: a second [worker auth], the first is in ./x.ini:15: put the keys of both "
	"below one\n"
	"./x.ini:43: worker 'values': route: '/*' is also a route of worker 'auth' (./x.ini:39): "
	"change or remove one\n"
	"./x.ini:44: worker 'values': var.TEXT: the text would end at ' ;': put it in double "
	"quotes, or the comment on a line of its own\n"
	"./x.ini:45: worker 'values': var.count: 'many': not an integer: write digits only, such "
	"as 42\n"
	"./x.ini:46: worker 'values': var.enabled: 'ja': neither yes nor no: write yes or no (or "
	"true, false, on, off)\n"
	"./x.ini:47: worker 'values': var.pause: '10': a duration needs a unit: ms, s, m, h or d, "
	"such as 10s\n"
	"./x.ini:48: worker 'values': var.room: '1T': not a size: write bytes, or an integer with "
	"K, M or G, such as 64K\n"
	"./x.ini:49: worker 'values': var.ratio: '0,5': not a number: write it with digits and a "
	"point, such as 0.25\n"
	"./x.ini:50: worker 'values': var.next: module 'BUILD/tests/fixtures/mistake_values.so' "
	"declares no such binding (did you mean 'service.next'?)\n"
	"./x.ini:51: worker 'values': secret.TOKEN: the environment variable 'TENON_NOT_SET' is "
	"not set: set it where tenon is started\n"
	"./x.ini:56: worker 'all': split.one.key: 'query:user': not a key: write header:NAME, "
	"cookie:NAME or address\n"
	"./x.ini:57: worker 'all': service.other: the weights are 110% together: they are to be "
	"100%\n"
	"./x.ini:58: worker 'all': split.another.key: there is no service.another to split: add "
	"it, or remove this\n"
	"./x.ini:60: worker 'values@v1': inherits: no worker 'values@v3' (did you mean "
	"'values@v2'?)\n"
	"./x.ini:62: worker 'values@v2': inherits: the variants inherit from one another, "
	"values@v2 > values@v2: name another one\n"
	"./x.ini:64: worker 'values@v2': include: it stands at the top of the file, before the "
	"first [section]\n"
	"./x.ini:65: worker 'valves@v1': there is no worker 'valves' to inherit from (did you mean "
	"'values'?): add [worker valves]\n"
	"./x.ini:68: [host@staging]: max_calls: it is unset here, but is inherited from nobody: "
	"write a value, or remove the line\n";

static void all_mistakes_are_told_in_one_run(void)
{
	scratch_write("script.so", "#!/bin/sh\n");
	check_text(replace(broken, "BUILD/", built("")), EX_CONFIG,
	           text_of("%s%s", broken_says, broken_says_below));
}

/* What inih would pass over, or read in a surprising way. */
static void all_mistakes_of_form_are_told_in_one_run(void)
{
	static const char text[] =
		"listen = 127.0.0.1:0\n"
		"[worker good\n"
		"route = /lost\n"
		"[worker good]\n"
		"route = /\n"
		"  /indented\n"
		"var.TEXT = \"not closed\n"
		"var.TEXT = \"a\" b\n"
		"var.TEXT =\n"
		"no equals sign\n"
		"service.one: good\n"
		"= good\n"
		"\xef\xbb\xbfvar.a = b\n"
		"var.b = \xff\n"
		"var.c = a\0b\n"
		"var.d = a\rb\n"
		"var.e = \x1b[31m\n"
		"[worker a b]\n"
		"[worker c] x\n"
		"include = more.ini\n";
	const char *file = scratch_write_bytes("x.ini", text, sizeof(text) - 1);
	struct finished finished = tenon_check(file);

	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_NUMBER(count_of(finished.err, "\x1b"), 0);
	for (unsigned line = 1; line <= 20; line++) {
		bool fine = line == 3 || line == 5;

		if (!CHECK_NUMBER(count_of(finished.err, text_of("x.ini:%u: ", line)) > 0, !fine))
			printf("\tin line %u:\n%s\n", line, finished.err);
	}
}

static void a_byte_order_mark_is_told(void)
{
	check_text("\xef\xbb\xbf[worker good]\nroute = /\n", EX_CONFIG,
	           "./x.ini:1: a byte order mark (BOM) at the start of the line: save the file as "
	           "UTF-8 without one\n"
	           "./x.ini:1: worker 'good': module './good.so': there is no such file: build it, "
	           "or set `module`, or `modules` in [host]\n");
}

static void a_long_line_is_told(void)
{
	check_text(text_of("%s" GOOD_ROUTE "; %0*d\n", MODULES, 300, 0), 0,
	           "./x.ini: 1 Worker, 1 route, no errors\n");
	check_text(text_of("%s" GOOD_ROUTE "service.one = %0*d\n", MODULES, 200, 0), EX_CONFIG,
	           "./x.ini:6: a line of 214 bytes: write at most 197, and a comment on a line of "
	           "its own\n");
}

/* ---- The file ------------------------------------------------------------------------------ */

static void a_good_file_passes(void)
{
	check_text(text_of("[host]\nmodules = %s\n"
	                   "[worker gateway]\nroute = /*\nservice.auth = auth\n"
	                   "service.application = application\n"
	                   "[worker application]\n"
	                   "[worker auth]\nsecret.SECRET_TOKEN = file:%s\n",
	                   built("plugins"), scratch_write("token", "open sesame\n")),
	           0, "./x.ini: 3 Workers, 1 route, no errors\n");
}

static void a_missing_file_is_no_input(void)
{
	struct finished finished = tenon_check(scratch_path("missing.ini"));

	expect(&finished, EX_NOINPUT, "tenon: ./missing.ini: No such file or directory\n");
}

static void a_directory_is_refused(void)
{
	struct finished finished = tenon_check(scratch_directory());

	expect(&finished, EX_CONFIG, "tenon: .: it is a directory: name the .ini file in it\n");
}

static void an_empty_file_has_no_worker(void)
{
	check_text("", EX_CONFIG, "./x.ini: there is no Worker: add a section [worker NAME] with "
	                          "`route = /*`\n");
	check_text("\n; nothing\n\n", EX_CONFIG,
	           "./x.ini: there is no Worker: add a section [worker NAME] with `route = /*`\n");
}

static bool can_drop_privileges(const char *test)
{
	const char *const command[] = { "setpriv", "--reuid=65534", "--regid=65534",
		                        "--clear-groups", "test", "-x", built("tenon"), NULL };

	if (geteuid() == 0 && program_run(command).code == 0)
		return true;
	printf("%s: skipped, it takes root, setpriv, and a build that all can read\n", test);
	return false;
}

static struct finished check_as_nobody(const char *file)
{
	CU_ASSERT_EQUAL(chmod(scratch_directory(), 0755), 0);
	return program_run((const char *const[]){ "setpriv", "--reuid=65534", "--regid=65534",
	                                          "--clear-groups", built("tenon"), "check", file,
	                                          NULL });
}

static void an_unreadable_file_is_not_permitted(void)
{
	struct finished finished;

	if (!can_drop_privileges(__func__))
		return;
	finished = check_as_nobody(scratch_write("mine.ini", GOOD_ROUTE));
	expect(&finished, EX_NOPERM, "tenon: ./mine.ini: Permission denied: make it readable for "
	                             "this user, or run as another\n");
}

static void an_unreadable_module_is_told(void)
{
	const char *file;
	struct finished finished;

	if (!can_drop_privileges(__func__))
		return;
	scratch_write("mine.so", "mode 0600");
	file = scratch_write("all.ini", "[worker good]\nmodule = ./mine.so\nroute = /\n");
	CU_ASSERT_EQUAL(chmod(file, 0644), 0);
	finished = check_as_nobody(file);
	expect(&finished, EX_CONFIG, "./all.ini:2: worker 'good': module './mine.so': this user "
	                             "may not read it: chmod it, or run as another user\n");
}

static void root_refuses_what_others_may_write(void)
{
	const char *file = scratch_write("open.ini",
	                                 "%s" GOOD_ROUTE, MODULES);
	struct finished finished;

	if (geteuid() != 0) {
		printf("%s: skipped, it takes root\n", __func__);
		return;
	}
	CU_ASSERT_EQUAL(chmod(file, 0646), 0);
	finished = tenon_check(file);
	expect(&finished, EX_CONFIG, "tenon: ./open.ini: others may write to it, and this is root: "
	                             "chmod o-w ./open.ini\n");
	CU_ASSERT_EQUAL(chmod(scratch_write("open.so", "x"), 0777), 0);
	check_text("[worker good]\nmodule = ./open.so\nroute = /\n", EX_CONFIG,
	           "./x.ini:2: worker 'good': module './open.so': others may write to it, and this "
	           "is root: chmod o-w it\n");
}

static void root_refuses_what_others_may_exchange(void)
{
	struct finished finished;
	const char *directory = scratch_path("shared");

	if (geteuid() != 0) {
		printf("%s: skipped, it takes root\n", __func__);
		return;
	}
	CU_ASSERT_EQUAL(mkdir(directory, 0700), 0);
	finished = program_run(
		(const char *const[]){ "cp", fixture("mistake_node"), directory, NULL });
	CHECK_NUMBER(finished.code, 0);
	CU_ASSERT_EQUAL(chmod(directory, 0777), 0);
	check_text("[worker good]\nmodule = ./shared/mistake_node.so\nroute = /\n", EX_CONFIG,
	           "./x.ini:2: worker 'good': module './shared/mistake_node.so': others may put "
	           "their own in its place, and this is root: chmod o-w ./shared\n");
	CU_ASSERT_EQUAL(chmod(directory, 0700), 0);
	check_text("[worker good]\nmodule = ./shared/mistake_node.so\nroute = /\n", 0,
	           "./x.ini: 1 Worker, 1 route, no errors\n");
}

/* The machine that builds need not be the one that runs. */
static void a_user_that_is_not_here_is_a_warning(void)
{
	check_text(text_of("%suser = none-such\n" GOOD_ROUTE, MODULES), 0,
	           "./x.ini:3: warning: [host]: user: 'none-such': there is no such user: make it "
	           "(useradd --system), or name another\n"
	           "./x.ini: 1 Worker, 1 route, no errors\n");
	check_text(text_of("%sgroup = daemon\n" GOOD_ROUTE, MODULES), EX_CONFIG,
	           "./x.ini:3: [host]: group: 'daemon': it is for another user's processes: write "
	           "`user`, too\n");
}

static void the_command_line_is_checked(void)
{
	static const char usage[] = "tenon: usage: tenon check [--environment NAME] [--start] "
				    "[--timeout 10s] FILE\n";
	static const char *const wrong[][4] = {
		{ "check", NULL },
		{ "check", "a", "b", NULL },
		{ "check", "--start", NULL },
	};
	struct finished finished;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		finished = tenon_run(wrong[i], NULL);
		expect(&finished, EX_USAGE, usage);
	}
	finished = check_with("--timeout", "500", "a");
	expect(&finished, EX_USAGE, "tenon: --timeout: '500': a duration needs a unit: ms, s, m, h "
	                            "or d, such as 10s\n");
	finished = check_with("--timeout", "0s", "a");
	expect(&finished, EX_USAGE, "tenon: --timeout: '0s': write one from 1ms to 24d\n");
	finished = check_with("--environment", "auth@staging", "a");
	expect(&finished, EX_USAGE, "tenon: --environment: 'auth@staging': write the name behind "
	                            "the '@' of its variants\n");
	finished = check_with("--environment", "", "a");
	expect(&finished, EX_USAGE, "tenon: --environment: '': write the name behind the '@' of "
	                            "its variants\n");
}

static void options_may_stand_behind_the_file(void)
{
	const char *file = scratch_write("x.ini", "%s" GOOD_ROUTE, MODULES);
	struct finished finished = tenon_run(
		(const char *const[]){ "check", file, "--timeout", "10s", NULL }, NULL);

	expect(&finished, 0, "./x.ini: 1 Worker, 1 route, no errors\n");
	finished = tenon_run((const char *const[]){ "check", "--", file, NULL }, NULL);
	expect(&finished, 0, "./x.ini: 1 Worker, 1 route, no errors\n");
	finished = tenon_run((const char *const[]){ "check", "--", "--start", NULL }, NULL);
	expect(&finished, EX_NOINPUT, "tenon: --start: No such file or directory\n");
}

#define CHECK_USAGE "tenon check [--environment NAME] [--start] [--timeout 10s] FILE\n"

static void an_unknown_command_is_told_with_the_usage(void)
{
	struct finished finished = tenon_run((const char *const[]){ "chek", "a", NULL }, NULL);

	CHECK_NUMBER(finished.code, EX_USAGE);
	CHECK_TEXT(finished.out, "");
	CHECK_NUMBER(count_of(finished.err,
	                      "tenon: there is no command 'chek' (did you mean 'check'?)\n"),
	             1);
	CHECK_NUMBER(count_of(finished.err, CHECK_USAGE), 1);
	finished = tenon_run((const char *const[]){ "--help", NULL }, NULL);
	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(count_of(finished.out, CHECK_USAGE), 1);
}

/* ---- Modules ------------------------------------------------------------------------------- */

/* A copy of a plugin that is cut; its size where that is negative. */
static void write_cut(const char *name, long long size)
{
	struct stat status;
	const char *path = scratch_path(name);
	struct finished copied = program_run((const char *const[]){ "cp", plugin("gateway"), path,
	                                                            NULL });

	CHECK_NUMBER(copied.code, 0);
	CU_ASSERT_EQUAL(stat(path, &status), 0);
	if (size < 0)
		size = size == -2 ? status.st_size / 2 : status.st_size - 1;
	CU_ASSERT_EQUAL(truncate(path, size), 0);
}

static void a_truncated_module_is_told(void)
{
	static const long long sizes[] = { 0, 1, 3, 64, 100, 1000, 4096, -2, -1 };
	const char *text = "";
	const char *expected = "";

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		write_cut(text_of("cut%u.so", i), sizes[i]);
		text = text_of("%s[worker cut%u]\nroute = /%u\n", text, i, i);
		expected = text_of("%s./x.ini:%u: worker 'cut%u': module './cut%u.so': "
		                   "%s\n",
		                   expected,
		                   2 * i + 1, i, i,
		                   i == 0  ? "it is empty: build it again"
		                   : i < 3 ? "it is no ELF file: build it with -shared -fPIC"
		                           : "it is truncated: build or copy it again");
	}
	check_text(text, EX_CONFIG, expected);
}

static void what_is_no_module_is_told(void)
{
	program_run((const char *const[]){ "mkdir", "-p", scratch_path("directory.so"), NULL });
	program_run((const char *const[]){ "mkfifo", scratch_path("fifo.so"), NULL });
	check_text("[worker directory]\nroute = /1\n[worker fifo]\nroute = /2\n"
	           "[worker program]\nroute = /3\nmodule = /bin/sh\n",
	           EX_CONFIG,
	           "./x.ini:1: worker 'directory': module './directory.so': it is a directory: "
	           "name the .so in it\n"
	           "./x.ini:3: worker 'fifo': module './fifo.so': it is no regular file\n"
	           "./x.ini:7: worker 'program': module '/bin/sh': it cannot be loaded: cannot "
	           "dynamically load position-independent executable: it is a program: link it "
	           "with -shared\n");
}

static void two_workers_of_a_bad_module_are_told_each(void)
{
	check_text(text_of("%s[worker a]\nmodule = mistake_overlap.so\nroute = /a\n"
	                   "[worker b]\nmodule = mistake_overlap.so\nroute = /b\n",
	                   MODULES),
	           EX_CONFIG,
	           "./x.ini:4: worker 'a': module 'BUILD/tests/fixtures/mistake_overlap.so': its "
	           "slot 'limit' overlaps 'limit': name each field once in TN_WORKER's list\n"
	           "./x.ini:7: worker 'b': module 'BUILD/tests/fixtures/mistake_overlap.so': its "
	           "slot 'limit' overlaps 'limit': name each field once in TN_WORKER's list\n");
}

static void further_exports_are_a_warning(void)
{
	struct finished finished =
		tenon_check(scratch_write("x.ini",
	                                  "%s[worker a]\nmodule = mistake_exports.so\n"
	                                  "route = /\n",
	                                  MODULES));

	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(lines_matching(finished.err,
	                            "x.ini:4: warning: worker 'a': module '.*' exports "
	                            "'(helper|counter)', too: "),
	             2);
	CHECK_NUMBER(lines_matching(finished.err, "x.ini: 1 Worker, 1 route, no errors$"), 1);
}

static void cycles_are_a_warning(void)
{
	check_text(text_of("%s[worker a]\nmodule = mistake_node.so\nroute = /\nservice.one = b\n"
	                   "service.other = a\n"
	                   "[worker b]\nmodule = mistake_node.so\nservice.one = a\n",
	                   MODULES),
	           0,
	           "./x.ini:7: warning: worker 'a': service.other: the bindings form a cycle, a > "
	           "a: max_depth ends it\n"
	           "./x.ini:10: warning: worker 'b': service.one: the bindings form a cycle, a > b "
	           "> a: max_depth ends it\n"
	           "./x.ini: 2 Workers, 1 route, no errors\n");
}

/* Its module would crash, its secret cannot be had. */
static void what_nothing_reaches_is_a_warning(void)
{
	check_text(text_of("%s" GOOD_ROUTE
	                   "[worker lost]\nmodule = mistake_crash.so\nservice.one = found\n"
	                   "secret.X = file:none\n"
	                   "[worker found]\n",
	                   MODULES),
	           0,
	           "./x.ini:6: warning: worker 'lost': it is not loaded: no route leads to it, and "
	           "nobody binds it: give it a route, bind it, or remove it\n"
	           "./x.ini:10: warning: worker 'found': it is not loaded: no route leads to it, "
	           "and only Workers that are not reached bind it: give it a route, bind it, or "
	           "remove it\n"
	           "./x.ini: 1 Worker, 1 route, no errors\n");
}

/* ---- Workers that wait ---------------------------------------------------------------------- */

/* All that wait in a row, behind the warnings; it is no mistake, and no warning. */
static void routes_that_wait_are_told_with_the_way(void)
{
	check_text(text_of("%s[worker gateway]\nmodule = mistake_node.so\nroute = /*, /x\n"
	                   "service.one = auth\n"
	                   "[worker auth]\nmodule = mistake_node.so\nservice.other = db\n"
	                   "[worker db]\nmodule = mistake_node.so\nroute = /db\nblocking = yes\n"
	                   "[worker fast]\nmodule = mistake_node.so\nroute = /fast\n"
	                   "concurrency = 2\n",
	                   MODULES),
	           0,
	           "./x.ini:17: warning: worker 'fast': concurrency: it has no effect: the Worker "
	           "does not block, and none that waits calls it: its calls come one after "
	           "another\n"
	           "./x.ini:5: worker 'gateway': route '/*, /x' waits: service.one -> auth -> db "
	           "blocks\n"
	           "./x.ini:12: worker 'db': route '/db' waits: it blocks\n"
	           "./x.ini: 4 Workers, 4 routes, no errors\n");
}

static void values_of_workers_that_wait_are_told_once(void)
{
	check_text(text_of("%s[worker a]\nmodule = mistake_node.so\nroute = /\nblocking = maybe\n"
	                   "timeout = 0s\nconcurrency = 0\n[worker a@b]\n"
	                   "[host@c]\nthreads = 0\n",
	                   MODULES),
	           EX_CONFIG,
	           "./x.ini:6: worker 'a': blocking: 'maybe': neither yes nor no: write yes or no "
	           "(or true, false, on, off)\n"
	           "./x.ini:7: worker 'a': timeout: '0s': remove the line: then there is no "
	           "timeout\n"
	           "./x.ini:8: worker 'a': concurrency: '0': write a number from 1 to 100000\n");
}

/* ---- Environments -------------------------------------------------------------------------- */

static void an_environment_is_checked_alone(void)
{
	const char *file = scratch_write("x.ini",
	                                 "%s" GOOD_ROUTE "service.one = next\n"
	                                 "[worker next]\nmodule = mistake_node.so\n"
	                                 "[worker next@broken]\nmodule = mistake_gap.so\n"
	                                 "[worker next@staging]\n",
	                                 MODULES);
	struct finished finished = tenon_check(file);

	expect(&finished, 0, "./x.ini: 2 Workers, 1 route, no errors\n");
	finished = check_with("--environment", "staging", file);
	expect(&finished, 0, "./x.ini: 2 Workers, 1 route, no errors\n");
	finished = check_with("--environment", "broken", file);
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_NUMBER(lines_matching(plain(finished.err),
	                            "^./x.ini:10: worker 'next@broken': module "
	                            "'BUILD/tests/fixtures/mistake_gap.so': its slots do not"),
	             1);
	finished = check_with("--environment", "stagin", file);
	expect(&finished, EX_CONFIG,
	       "./x.ini: there is no environment 'stagin' (did you mean 'staging'?): a section of "
	       "it is [worker NAME@stagin] or [host@stagin]\n");
}

/* ---- Modules that end the process ---------------------------------------------------------- */

/* Long enough for what does come back, on a slow machine, too. */
static const char *patience(void)
{
	return host_is_instrumented() ? "5s" : "2s";
}

static const char *patience_in_words(void)
{
	return host_is_instrumented() ? "5 s" : "2 s";
}

static void modules_that_end_the_process_are_named(void)
{
	const char *file = scratch_write("x.ini",
	                                 "%s"
	                                 "[worker crash]\nmodule = mistake_crash.so\n"
	                                 "[worker abort]\nmodule = mistake_abort.so\n"
	                                 "[worker good]\nmodule = mistake_node.so\nroute = /\n"
	                                 "service.one = crash\nservice.other = nobody\n"
	                                 "[worker again]\nmodule = mistake_crash.so\n"
	                                 "service.one = abort\nroute = /again\n",
	                                 MODULES);
	struct finished finished = tenon_check(file);

	expect(&finished, EX_CONFIG,
	       "./x.ini:3: worker 'crash': module 'BUILD/tests/fixtures/mistake_crash.so' crashed "
	       "(Segmentation fault) while it was loaded\n"
	       "./x.ini:5: worker 'abort': module 'BUILD/tests/fixtures/mistake_abort.so' crashed "
	       "(Aborted) while it was loaded\n"
	       "./x.ini:11: worker 'good': service.other: no worker 'nobody': add [worker nobody], "
	       "or name another\n"
	       "./x.ini:12: worker 'again': module 'BUILD/tests/fixtures/mistake_crash.so' crashed "
	       "(Segmentation fault) while it was loaded\n");
}

static void a_module_that_hangs_is_named(void)
{
	const char *file = scratch_write("x.ini",
	                                 "%s[worker hang]\nmodule = mistake_hang.so\nroute = /\n"
	                                 "[worker missing]\nroute = /missing\n",
	                                 MODULES);
	struct finished finished = check_with("--timeout", patience(), file);

	expect(&finished, EX_CONFIG,
	       text_of("./x.ini:3: worker 'hang': module 'BUILD/tests/fixtures/mistake_hang.so' "
	               "did not come back within %s while it was loaded\n"
	               "./x.ini:6: worker 'missing': module 'BUILD/tests/fixtures/missing.so': "
	               "there is no such file: build it, or set `module`, or `modules` in [host]\n",
	               patience_in_words()));
}

/* Whoever starts it may have chosen not to hear of its children's ends. */
static void an_ignored_signal_hides_no_mistake(void)
{
	struct finished finished;

	scratch_write("x.ini", "[worker missing]\nroute = /\n");
	finished = program_run((const char *const[]){
		"env", "--ignore-signal=CHLD", built("tenon"), "check", scratch_path("x.ini"),
		NULL });
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_NUMBER(count_of(finished.err, "there is no such file"), 1);
}

static void a_module_that_calls_exit_is_named(void)
{
	const char *file = scratch_write("x.ini",
	                                 "%s[worker exit]\nmodule = mistake_exit.so\n"
	                                 "route = /\n",
	                                 MODULES);
	struct finished finished = tenon_check(file);

	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_NUMBER(lines_matching(plain(finished.err),
	                            "^./x.ini:3: worker 'exit': module "
	                            "'BUILD/tests/fixtures/mistake_exit.so' called "
	                            "exit\\([0-9]+\\) while it was loaded$"),
	             1);
}

/* The second look needs it once more. */
static void a_crash_does_not_cost_the_secrets_of_the_environment(void)
{
	static const char *const environment[] = { "TENON_TEST_TOKEN=open sesame", NULL };
	const char *file = scratch_write("x.ini",
	                                 "%s[worker crash]\nmodule = mistake_crash.so\n"
	                                 "route = /crash\n"
	                                 "[worker auth]\nmodule = %s\nroute = /\n"
	                                 "secret.SECRET_TOKEN = env:TENON_TEST_TOKEN\n",
	                                 MODULES, plugin("auth"));
	struct finished finished = tenon_run((const char *const[]){ "check", file, NULL },
	                                     environment);

	expect(&finished, EX_CONFIG,
	       "./x.ini:3: worker 'crash': module 'BUILD/tests/fixtures/mistake_crash.so' crashed "
	       "(Segmentation fault) while it was loaded\n");
}

/* ---- Hooks --------------------------------------------------------------------------------- */

/* A Worker whose hooks do these two. */
static const char *hooks(const char *start, const char *stop)
{
	return scratch_write("x.ini",
	                     "%s[worker a]\nmodule = mistake_start.so\nroute = /\n"
	                     "var.DO = %s\nvar.STOP = %s\n",
	                     MODULES, start, stop);
}

static void hooks_do_not_run_unless_asked(void)
{
	const char *log = scratch_path("hooks");
	struct finished finished = tenon_check(hooks(log, log));

	expect(&finished, 0, "./x.ini: 1 Worker, 1 route, no errors\n");
	CHECK_TEXT(file_read(log), "");
	finished = tenon_check(hooks("fail", "crash"));
	expect(&finished, 0, "./x.ini: 1 Worker, 1 route, no errors\n");
}

static struct finished check_start(const char *file)
{
	return tenon_run((const char *const[]){ "check", "--start", "--timeout", patience(), file,
	                                        NULL },
	                 NULL);
}

static void hooks_run_when_asked(void)
{
	const char *log = scratch_path("hooks");
	struct finished finished = check_start(hooks(log, log));

	expect(&finished, 0, "./x.ini: 1 Worker, 1 route, no errors\n");
	CHECK_TEXT(file_read(log), "a a ");
}

/* Nothing starts where something else is wrong. */
static void hooks_do_not_run_after_a_mistake(void)
{
	const char *log = scratch_path("hooks-2");
	const char *file = scratch_write("x.ini",
	                                 "%s[worker a]\nmodule = mistake_start.so\n"
	                                 "route = /\nvar.DO = %s\n[worker b]\nroute = /b\n",
	                                 MODULES, log);
	struct finished finished = check_start(file);

	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_TEXT(file_read(log), "");
}

static void a_start_hook_that_fails_is_told(void)
{
	struct finished finished = check_start(hooks("fail", "no"));

	expect(&finished, EX_CONFIG, "./x.ini:3: worker 'a': start: the database does not "
	                             "answer\n");
}

#define HOOK_SAYS "./x.ini:3: worker 'a': module 'BUILD/tests/fixtures/mistake_start.so' "

static void a_hook_that_ends_the_process_is_named(void)
{
	struct finished finished = check_start(hooks("crash", "no"));

	expect(&finished, EX_CONFIG, HOOK_SAYS "crashed (Segmentation fault) in its start hook\n");
	finished = check_start(hooks("no", "crash"));
	expect(&finished, EX_CONFIG, HOOK_SAYS "crashed (Segmentation fault) in its stop hook\n");
	finished = check_start(hooks("exit", "no"));
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_NUMBER(lines_matching(finished.err, "called exit\\([0-9]+\\) in its start hook$"), 1);
}

static void a_hook_that_hangs_is_named(void)
{
	struct finished finished = check_start(hooks("hang", "no"));

	expect(&finished, EX_CONFIG, text_of(HOOK_SAYS "did not come back within %s in its start "
	                                               "hook\n",
	                                     patience_in_words()));
}

/* ---- Secrets ------------------------------------------------------------------------------- */

static const char *auth_with(const char *line)
{
	return text_of("[worker auth]\nmodule = %s\nroute = /\n%s\n", plugin("auth"), line);
}

static void a_literal_secret_is_never_repeated(void)
{
	static const char *const lines[] = {
		"secret.SECRET_TOKEN = hunter2",
		"secret.SECRET_TOKEN = \"hunter2\"",
		"secret.SECRET_TOKEN = hunter2 ; hunter2",
		"secret.SECRET_TOKEN = hunter2:hunter2",
		"secret.SECRET_TOKEN = \"hunter2",
		"secret.SECRET_TOKEN = \"hunter2\" hunter2",
		"secret.SECRET_TOKEN = hunter2\x01",
		"secret.SECRET_TOKEN: hunter2",
		"secret.SECRET_TOKEN =\n hunter2",
		"secret.SECRET_TOKEN =\nhunter2",
		"secret.SECRET_TOKN = hunter2",
		"var.SECRET_TOKEN = hunter2",
		"SECRET_TOKEN = hunter2",
		"  secret.SECRET_TOKEN = hunter2",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct finished finished =
			tenon_check(scratch_write("x.ini",
		                                  "%s", auth_with(lines[i])));

		CHECK_NUMBER(finished.code, EX_CONFIG);
		CU_ASSERT(count_of(finished.err, "x.ini:4: ") > 0);
		if (!CHECK_NUMBER(count_of(finished.err, "hunter2"), 0))
			printf("\tthe line was '%s'\n%s", lines[i], finished.err);
	}
}

static void a_secret_that_cannot_be_had_is_told(void)
{
	check_text(auth_with("secret.SECRET_TOKEN = file:none"), EX_CONFIG,
	           "./x.ini:4: worker 'auth': secret.SECRET_TOKEN: the file './none' cannot be "
	           "opened: No such file or directory: put the secret there\n");
	scratch_write("none", "\n");
	check_text(auth_with("secret.SECRET_TOKEN = file:none"), EX_CONFIG,
	           "./x.ini:4: worker 'auth': secret.SECRET_TOKEN: the file './none' is empty: put "
	           "the secret there\n");
	CU_ASSERT_EQUAL(chmod(scratch_write("none", "hunter2\n"), 0644), 0);
	check_text(auth_with("secret.SECRET_TOKEN = file:none"), EX_CONFIG,
	           "./x.ini:4: worker 'auth': secret.SECRET_TOKEN: the file './none' is open to "
	           "every user (mode 0644): chmod o= ./none\n");
	check_text(auth_with("secret.SECRET_TOKEN = env:TENON_NOT_SET"), EX_CONFIG,
	           "./x.ini:4: worker 'auth': secret.SECRET_TOKEN: the environment variable "
	           "'TENON_NOT_SET' is not set: set it where tenon is started\n");
	check_text(auth_with("secret.SECRET_TOKEN = credential:token"), EX_CONFIG,
	           "./x.ini:4: worker 'auth': secret.SECRET_TOKEN: $CREDENTIALS_DIRECTORY is not "
	           "set: it comes from systemd, where the unit has LoadCredential=token:PATH\n");
}

/* ---- No listener --------------------------------------------------------------------------- */

static void an_address_that_is_taken_passes(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	socklen_t size = sizeof(address);
	int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL(bind(taken, (struct sockaddr *)&address, size), 0);
	CU_ASSERT_EQUAL(listen(taken, 1), 0);
	CU_ASSERT_EQUAL(getsockname(taken, (struct sockaddr *)&address, &size), 0);
	check_text(text_of("%slisten = 127.0.0.1:%u, 192.0.2.1:1, nowhere.invalid:1\n" GOOD_ROUTE,
	                   MODULES, ntohs(address.sin_port)),
	           0, "./x.ini: 1 Worker, 1 route, no errors\n");
	close(taken);
}

TEST_MAIN("e2e/check",
          TEST(all_mistakes_are_told_in_one_run),
          TEST(all_mistakes_of_form_are_told_in_one_run),
          TEST(a_byte_order_mark_is_told),
          TEST(a_long_line_is_told),
          TEST(a_good_file_passes),
          TEST(a_missing_file_is_no_input),
          TEST(a_directory_is_refused),
          TEST(an_empty_file_has_no_worker),
          TEST(an_unreadable_file_is_not_permitted),
          TEST(an_unreadable_module_is_told),
          TEST(root_refuses_what_others_may_write),
          TEST(root_refuses_what_others_may_exchange),
          TEST(a_user_that_is_not_here_is_a_warning),
          TEST(the_command_line_is_checked),
          TEST(options_may_stand_behind_the_file),
          TEST(an_unknown_command_is_told_with_the_usage),
          TEST(a_truncated_module_is_told),
          TEST(what_is_no_module_is_told),
          TEST(two_workers_of_a_bad_module_are_told_each),
          TEST(further_exports_are_a_warning),
          TEST(cycles_are_a_warning),
          TEST(what_nothing_reaches_is_a_warning),
          TEST(routes_that_wait_are_told_with_the_way),
          TEST(values_of_workers_that_wait_are_told_once),
          TEST(an_environment_is_checked_alone),
          TEST(modules_that_end_the_process_are_named),
          TEST(a_module_that_hangs_is_named),
          TEST(a_module_that_calls_exit_is_named),
          TEST(an_ignored_signal_hides_no_mistake),
          TEST(a_crash_does_not_cost_the_secrets_of_the_environment),
          TEST(hooks_do_not_run_unless_asked),
          TEST(hooks_run_when_asked),
          TEST(hooks_do_not_run_after_a_mistake),
          TEST(a_start_hook_that_fails_is_told),
          TEST(a_hook_that_ends_the_process_is_named),
          TEST(a_hook_that_hangs_is_named),
          TEST(a_literal_secret_is_never_repeated),
          TEST(a_secret_that_cannot_be_had_is_told),
          TEST(an_address_that_is_taken_passes))
