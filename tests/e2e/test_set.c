/* test_set.c - `set` and `unset`: one line of a configuration, and no other byte. */
#include "harness.h"

#include "../cunit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define KEPT \
	"left as it was: with this change it would not be valid (the lines above are those that " \
	"it would have)"

/* All in one directory, which is the working directory: the names in what is written are short. */
static void enter_scratch(void)
{
	built(""); /* relative to the directory before */
	CU_ASSERT_EQUAL_FATAL(chdir(scratch_directory()), 0);
	scratch_write("token", "hunter2\n");
}

static struct finished set(const char *file, const char *worker, const char *key, const char *value)
{
	return tenon_run((const char *const[]){ "set", file, worker, key, value, NULL }, NULL);
}

static struct finished unset(const char *file, const char *worker, const char *key)
{
	return tenon_run((const char *const[]){ "unset", file, worker, key, NULL }, NULL);
}

static void expect(const struct finished *finished, int code, const char *out, const char *err)
{
	CHECK_NUMBER(finished->code, code);
	CHECK_TEXT(finished->out, out);
	CHECK_TEXT(finished->err, err);
}

/* Hidden ones, too. */
static unsigned count_files(const char *directory)
{
	DIR *stream = opendir(directory);
	struct dirent *entry;
	unsigned count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	while ((entry = readdir(stream)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(stream);
	return count;
}

/* ---- The configuration of most tests ------------------------------------------------------- */

static const char good[] =
	"; who may come in\n"
	"[host]\n"
	"listen  = 127.0.0.1:0   ; a free one\n"
	"modules = BUILD/plugins\n"
	"\n"
	"[worker gateway]\n"
	"route               = /*\n"
	"service.auth        = auth      ; who lets them in\n"
	"service.application = application\n"
	"\n"
	"; with the secret\n"
	"[worker auth]\n"
	"secret.SECRET_TOKEN = file:token\n"
	"\n"
	"[worker auth@v2]\n"
	"module = auth.so\n"
	"[worker application]\n"
	"var.GREETING = \"hello ; there\"   ; said\n"
	"\n"
	"[worker application@staging]\n"
	"var.GREETING = hello from staging\n"
	"[host@staging]\n"
	"max_depth = 10";

static const char *replace(const char *text, const char *part, const char *by)
{
	const char *at = strstr(text, part);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	return text_of("%.*s%s%s", (int)(at - text), text, by, at + strlen(part));
}

static const char *good_text(void)
{
	static const char *text;

	if (!text) {
		enter_scratch();
		text = replace(good, "BUILD/", built(""));
	}
	return text;
}

static const char *write_good(void)
{
	const char *text = good_text();

	scratch_write("x.ini", "%s", text);
	return "x.ini";
}

/* Nothing has changed, and nothing is left behind. */
static void expect_refusal(const struct finished *finished, int code, const char *err)
{
	expect(finished, code, "", err);
	CHECK_TEXT(file_read("x.ini"), good_text());
}

/* The part of the text has become another, and the difference is shown. */
static void expect_change(const struct finished *finished, const char *part, const char *by,
                          const char *difference, const char *err)
{
	expect(finished, 0, text_of("--- x.ini\n+++ x.ini\n%s", difference), err);
	CHECK_TEXT(file_read("x.ini"), replace(good_text(), part, by));
}

/* ---- What is changed ----------------------------------------------------------------------- */

static void a_value_is_replaced_in_its_line(void)
{
	struct finished finished = set(write_good(), "gateway", "service.auth", "auth@v2");

	expect_change(&finished, "= auth      ;", "= auth@v2      ;",
	              "@@ -8 +8 @@\n"
	              "-service.auth        = auth      ; who lets them in\n"
	              "+service.auth        = auth@v2      ; who lets them in\n",
	              "");
}

static void quotes_and_a_comment_stay(void)
{
	struct finished finished = set(write_good(), "application", "var.GREETING", "bye");

	expect_change(&finished, "\"hello ; there\"", "\"bye\"",
	              "@@ -18 +18 @@\n"
	              "-var.GREETING = \"hello ; there\"   ; said\n"
	              "+var.GREETING = \"bye\"   ; said\n",
	              "");
}

static void an_empty_value_is_written_in_quotes(void)
{
	struct finished finished = set(write_good(), "application@staging", "var.GREETING", "");

	expect_change(&finished, "= hello from staging", "= \"\"",
	              "@@ -21 +21 @@\n"
	              "-var.GREETING = hello from staging\n"
	              "+var.GREETING = \"\"\n",
	              "");
}

static void a_key_is_added_behind_the_last_of_its_section(void)
{
	struct finished finished = set(write_good(), "auth", "module", "auth.so");

	expect_change(&finished, "file:token\n", "file:token\nmodule              = auth.so\n",
	              "@@ -13,0 +14 @@\n"
	              "+module              = auth.so\n",
	              "");
}

static void a_key_of_the_host_is_set(void)
{
	struct finished finished = set(write_good(), "[host]", "max_body", "2M");

	expect_change(&finished, "plugins\n", "plugins\nmax_body = 2M\n",
	              "@@ -4,0 +5 @@\n"
	              "+max_body = 2M\n",
	              "");
}

static void a_last_line_without_an_end_stays_one(void)
{
	struct finished finished = set(write_good(), "[host@staging]", "max_calls", "99");

	expect_change(&finished, "max_depth = 10", "max_depth = 10\nmax_calls = 99",
	              "@@ -23 +23,2 @@\n"
	              "-max_depth = 10\n"
	              "\\ No newline at end of file\n"
	              "+max_depth = 10\n"
	              "+max_calls = 99\n"
	              "\\ No newline at end of file\n",
	              "");
	finished = set(write_good(), "[host@staging]", "max_depth", "9");
	expect_change(&finished, "max_depth = 10", "max_depth = 9",
	              "@@ -23 +23 @@\n"
	              "-max_depth = 10\n"
	              "\\ No newline at end of file\n"
	              "+max_depth = 9\n"
	              "\\ No newline at end of file\n",
	              "");
	finished = unset(write_good(), "[host@staging]", "max_depth");
	expect_change(&finished, "max_depth = 10", "",
	              "@@ -23 +22,0 @@\n"
	              "-max_depth = 10\n"
	              "\\ No newline at end of file\n",
	              "");
}

static void a_header_of_a_worker_is_a_name_of_it_too(void)
{
	struct finished finished = set(write_good(), "[worker gateway]", "service.auth", "auth@v2");

	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.err, "");
}

static void the_value_that_it_has_changes_nothing(void)
{
	struct stat before, after;
	struct finished finished;

	CHECK_NUMBER(stat(write_good(), &before), 0);
	finished = set("x.ini", "gateway", "service.auth", "auth");
	expect_refusal(&finished, 0, "tenon: x.ini:8: worker 'gateway': service.auth: it has that "
	                             "value: nothing is changed\n");
	CHECK_NUMBER(stat("x.ini", &after), 0);
	CHECK_NUMBER(after.st_ino, before.st_ino);
}

static void lines_of_windows_stay_so(void)
{
	const char *text = text_of("[host]\r\nmodules = %s\r\n[worker application]\r\n"
	                           "route = /\r\n",
	                           built("plugins"));
	struct finished finished;

	good_text();
	scratch_write("w.ini", "%s", text);
	finished = set("w.ini", "application", "var.GREETING", "hello");
	expect(&finished, 0, "--- w.ini\n+++ w.ini\n@@ -4,0 +5 @@\n+var.GREETING = hello\r\n", "");
	CHECK_TEXT(file_read("w.ini"), text_of("%svar.GREETING = hello\r\n", text));
}

/* ---- What is taken away -------------------------------------------------------------------- */

static void what_is_unset_is_inherited_again_and_then_not(void)
{
	struct finished finished = unset(write_good(), "application@staging", "var.GREETING");
	const char *removed = replace(good_text(), "var.GREETING = hello from staging\n", "");
	const char *masked = replace(removed, "[host@staging]", "var.GREETING =\n[host@staging]");

	expect(&finished, 0,
	       "--- x.ini\n+++ x.ini\n@@ -21 +20,0 @@\n-var.GREETING = hello from staging\n",
	       "tenon: x.ini: worker 'application@staging': var.GREETING: it is inherited again, "
	       "from x.ini:18; to unset that, too, run this again\n");
	CHECK_TEXT(file_read("x.ini"), removed);
	finished = unset("x.ini", "application@staging", "var.GREETING");
	expect(&finished, 0, "--- x.ini\n+++ x.ini\n@@ -20,0 +21 @@\n+var.GREETING =\n", "");
	CHECK_TEXT(file_read("x.ini"), masked);
	finished = unset("x.ini", "application@staging", "var.GREETING");
	expect(&finished, 0, "",
	       "tenon: x.ini:21: worker 'application@staging': var.GREETING: it is unset: nothing "
	       "is changed\n");
	CHECK_TEXT(file_read("x.ini"), masked);
	finished = set("x.ini", "application@staging", "var.GREETING", "");
	expect(&finished, 0,
	       "--- x.ini\n+++ x.ini\n@@ -21 +21 @@\n-var.GREETING =\n+var.GREETING = \"\"\n",
	       "");
}

static void a_key_of_the_host_is_unset_in_an_environment(void)
{
	struct finished finished = unset(write_good(), "[host@staging]", "listen");

	expect_change(&finished, "max_depth = 10", "max_depth = 10\nlisten    =",
	              "@@ -23 +23,2 @@\n"
	              "-max_depth = 10\n"
	              "\\ No newline at end of file\n"
	              "+max_depth = 10\n"
	              "+listen    =\n"
	              "\\ No newline at end of file\n",
	              "");
}

static void a_key_that_is_not_there_is_not_unset(void)
{
	struct finished finished = unset(write_good(), "application@staging", "var.GREETNG");

	expect_refusal(&finished, EX_USAGE,
	               "tenon: x.ini: worker 'application@staging': var.GREETNG: there is no such "
	               "key (did you mean 'var.GREETING'?)\n");
	finished = unset("x.ini", "auth@v2", "secret.SECRET_TOKE");
	expect_refusal(&finished, EX_USAGE,
	               "tenon: x.ini: worker 'auth@v2': secret.SECRET_TOKE: there is no such key "
	               "(did you mean 'secret.SECRET_TOKEN'?)\n");
	finished = unset("x.ini", "auth", "route");
	expect_refusal(&finished, EX_USAGE,
	               "tenon: x.ini: worker 'auth': route: there is no such key\n");
}

static void what_a_worker_needs_is_not_unset(void)
{
	struct finished finished = unset(write_good(), "gateway", "service.auth");

	expect_refusal(&finished, EX_CONFIG,
	               text_of("x.ini:6: worker 'gateway': service.auth: module '%s' needs this "
	                       "binding: add `service.auth = NAME-OF-A-WORKER`\n"
	                       "tenon: x.ini: " KEPT "\n",
	                       plugin("gateway")));
}

/* ---- What is refused ----------------------------------------------------------------------- */

static void what_check_would_refuse_is_refused(void)
{
	struct finished finished = set(write_good(), "gateway", "service.auth", "auth@v3");

	expect_refusal(&finished, EX_CONFIG,
	               "x.ini:8: worker 'gateway': service.auth: no worker 'auth@v3' (did you "
	               "mean 'auth@v2'?)\n"
	               "tenon: x.ini: " KEPT "\n");
	finished = set("x.ini", "auth", "module", "./no.so");
	expect_refusal(&finished, EX_CONFIG,
	               "x.ini:14: worker 'auth': module './no.so': there is no such file: build "
	               "it, or set `module`, or `modules` in [host]\n"
	               "tenon: x.ini: " KEPT "\n");
}

static void what_cannot_be_written_is_refused(void)
{
	struct finished finished = set(write_good(), "application", "var.GREETING", "a\nb");

	expect_refusal(&finished, EX_CONFIG,
	               "tenon: x.ini: worker 'application': var.GREETING: it has a line break: "
	               "what is written is one line\n");
	finished = set("x.ini", "application", "#var.GREETING", "a");
	expect_refusal(&finished, EX_CONFIG,
	               "tenon: x.ini: worker 'application': #var.GREETING: it is no key: write one "
	               "such as service.NAME, without '=', ':' and blanks around it\n");
}

static void an_unknown_worker_gets_a_hint(void)
{
	struct finished finished = set(write_good(), "gatway", "service.auth", "auth");

	expect_refusal(&finished, EX_USAGE,
	               "tenon: x.ini: there is no worker 'gatway' (did you mean 'gateway'?)\n");
	finished = set("x.ini", "auth@v", "service.auth", "auth");
	expect_refusal(&finished, EX_USAGE,
	               "tenon: x.ini: there is no worker 'auth@v' (did you mean 'auth@v2'?): to "
	               "make it, write its section first: [worker auth@v]\n");
	finished = set("x.ini", "host@staging", "max_body", "2M");
	expect_refusal(&finished, EX_USAGE,
	               "tenon: x.ini: there is no worker 'host@staging' (for the section of the "
	               "host write '[host@staging]')\n");
	finished = set("x.ini", "[host@stagin]", "max_body", "2M");
	expect_refusal(&finished, EX_USAGE,
	               "tenon: x.ini: there is no section [host@stagin] (did you mean "
	               "'[host@staging]'?): to make it, write its section first: "
	               "[host@stagin]\n");
	finished = unset("x.ini", "[other]", "max_body");
	expect_refusal(&finished, EX_USAGE, "tenon: x.ini: there is no worker '[other]'\n");
}

static void a_file_with_mistakes_is_not_changed(void)
{
	struct finished finished;
	const char *text = "[worker application]\nvar.GREETING = a ; b\n";

	good_text();
	scratch_write("m.ini", "%s", text);
	finished = set("m.ini", "application", "module", "x.so");
	expect(&finished, EX_CONFIG, "",
	       "m.ini:2: worker 'application': var.GREETING: the text would end at ' ;': put it in "
	       "double quotes, or the comment on a line of its own\n"
	       "tenon: m.ini: it is not changed before that is mended\n");
	CHECK_TEXT(file_read("m.ini"), text);
}

static void what_is_no_file_is_not_changed(void)
{
	struct finished finished;

	good_text();
	finished = set("none.ini", "a", "b", "c");
	expect(&finished, EX_NOINPUT, "", "tenon: none.ini: No such file or directory\n");
	finished = set("/dev/null", "a", "b", "c");
	expect(&finished, EX_CONFIG, "",
	       "tenon: /dev/null: it is not a regular file: name the one that is to be changed\n");
}

/* Each in its own place, and the way out of it. */
static void the_command_line_is_checked(void)
{
	static const char *const wrong[][6] = {
		{ "set", "x.ini", "a", "b", NULL },
		{ "unset", "x.ini", "a", NULL },
		{ "unset", "x.ini", "a", "b", "c", NULL },
	};

	write_good();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct finished finished = tenon_run(wrong[i], NULL);

		expect_refusal(&finished, EX_USAGE,
		               i ? "tenon: usage: tenon unset FILE WORKER KEY\n"
		                 : "tenon: usage: tenon set FILE WORKER KEY VALUE\n");
	}
}

/* ---- Environments -------------------------------------------------------------------------- */

static void a_variant_is_tried_in_its_environment(void)
{
	struct finished finished = set(write_good(), "application@staging", "var.NOPE", "1");

	expect_refusal(&finished, EX_CONFIG,
	               text_of("x.ini:22: worker 'application@staging': var.NOPE: module '%s' "
	                       "declares no such binding: it has var.GREETING\n"
	                       "tenon: x.ini: " KEPT "\n",
	                       plugin("application")));
	finished = set("x.ini", "[host@staging]", "max_depth", "1000");
	expect_refusal(&finished, EX_CONFIG,
	               "x.ini:23: [host@staging]: max_depth: '1000': write a value from 1 to 64\n"
	               "tenon: x.ini: " KEPT "\n");
}

/* The secret is opened in staging only, and there by a variant that inherits it. */
static void a_worker_is_tried_where_its_variants_are(void)
{
	const char *text = text_of("[host]\n"
	                           "modules = %s\n"
	                           "[worker gateway]\n"
	                           "route = /\n"
	                           "service.auth = application\n"
	                           "service.application = application\n"
	                           "[worker gateway@staging]\n"
	                           "service.auth = auth\n"
	                           "[worker application]\n"
	                           "[worker auth]\n"
	                           "secret.SECRET_TOKEN = file:token\n"
	                           "[worker auth@staging]\n",
	                           built("plugins"));
	struct finished finished;

	good_text();
	scratch_write("e.ini", "%s", text);
	finished = set("e.ini", "auth", "secret.SECRET_TOKEN", "file:none");
	expect(&finished, EX_CONFIG, "",
	       "e.ini:10: warning: worker 'auth': it is not loaded: no route leads to it, and "
	       "only Workers that are not reached bind it: give it a route, bind it, or remove "
	       "it\n"
	       "e.ini:11: worker 'auth@staging': secret.SECRET_TOKEN: the file './none' cannot be "
	       "opened: No such file or directory: put the secret there\n"
	       "tenon: e.ini: " KEPT "\n");
	CHECK_TEXT(file_read("e.ini"), text);
}

/* In staging a variant needs what the host has, and another has a mistake, but is not bound. */
static const char *write_staged(const char *more)
{
	const char *text = text_of("[host]\n"
	                           "modules = %s\n"
	                           "[worker gateway]\n"
	                           "route = /\n"
	                           "module = %s\n"
	                           "service.auth = application\n"
	                           "service.application = application\n"
	                           "[worker application]\n"
	                           "module = %s\n"
	                           "[worker application@staging]\n"
	                           "module = application.so\n"
	                           "%s"
	                           "[worker third]\n"
	                           "module = %s\n"
	                           "[worker third@staging]\n"
	                           "var.NOPE = 1\n",
	                           built("plugins"), plugin("gateway"), plugin("application"), more,
	                           plugin("application"));

	good_text();
	scratch_write("e.ini", "%s", text);
	return text;
}

static void what_breaks_another_environment_is_refused(void)
{
	const char *text = write_staged("");
	struct finished finished = set("e.ini", "[host]", "modules", "/none");

	CHECK_NUMBER(finished.code, EX_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(finished.err, "application@staging': module '/none/application.so'"));
	CU_ASSERT_PTR_NOT_NULL(strstr(finished.err, "tenon: e.ini: " KEPT "\n"));
	CHECK_TEXT(file_read("e.ini"), text);
	finished = set("e.ini", "gateway", "service.auth", "third");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(finished.err, "worker 'third@staging': var.NOPE: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(finished.err, "tenon: e.ini: " KEPT "\n"));
	CHECK_TEXT(file_read("e.ini"), text);
}

static void an_environment_that_was_broken_keeps_no_change_back(void)
{
	static const char warning[] =
		"tenon: e.ini: warning: environment 'staging' is not valid, and was not before "
		"this change (the lines above are those that it has)\n";
	const char *text = write_staged("var.NOPE = 1\n");
	struct finished finished = set("e.ini", "[host]", "max_depth", "9");

	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(count_of(finished.err, "worker 'application@staging': var.NOPE: "), 1);
	CHECK_NUMBER(count_of(finished.err, warning), 1);
	CHECK_TEXT(file_read("e.ini"), replace(text, "plugins\n", "plugins\nmax_depth = 9\n"));
	finished = set("e.ini", "[host]", "max_depth", "1000");
	CHECK_NUMBER(finished.code, EX_CONFIG);
}

static void a_change_whose_difference_cannot_be_shown_is_told(void)
{
	static const char script[] = "exec \"$0\" set x.ini '[host]' max_depth 9 >/dev/full";
	struct finished finished;

	write_good();
	finished = program_run((const char *const[]){ "sh", "-c", script, built("tenon"), NULL });
	expect(&finished, EX_IOERR, "",
	       "tenon: x.ini: it has been changed, but the difference cannot be shown: standard "
	       "output cannot be written: No space left on device\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(file_read("x.ini"), "max_depth = 9\n"));
}

static void a_variant_that_is_not_there_is_to_be_written_first(void)
{
	struct finished finished = set(write_good(), "auth@v9", "module", "auth.so");

	expect_refusal(&finished, EX_USAGE,
	               "tenon: x.ini: there is no worker 'auth@v9' (did you mean 'auth@v2'?): to "
	               "make it, write its section first: [worker auth@v9]\n");
	finished = set("x.ini", "[host@production]", "max_depth", "3");
	expect_refusal(&finished, EX_USAGE,
	               "tenon: x.ini: there is no section [host@production]: to make it, write "
	               "its section first: [host@production]\n");
}

/* Its secrets need not be there. */
static void an_environment_without_the_worker_is_not_tried(void)
{
	const char *text = text_of("[host]\n"
	                           "modules = %s\n"
	                           "[worker gateway]\n"
	                           "route = /\n"
	                           "service.auth = application\n"
	                           "service.application = application\n"
	                           "[worker gateway@staging]\n"
	                           "service.auth = auth\n"
	                           "[worker auth]\n"
	                           "secret.SECRET_TOKEN = env:NOT_SET\n"
	                           "[worker application]\n"
	                           "var.GREETING = hi\n",
	                           built("plugins"));
	struct finished finished;

	good_text();
	scratch_write("e.ini", "%s", text);
	finished = set("e.ini", "application", "var.GREETING", "ho");
	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.err,
	           "e.ini:9: warning: worker 'auth': it is not loaded: no route leads to it, and "
	           "only Workers that are not reached bind it: give it a route, bind it, or remove "
	           "it\n");
	CHECK_TEXT(file_read("e.ini"), replace(text, "= hi", "= ho"));
}

/* It may be there where the host runs; but not so the one that is set. */
static void a_secret_of_another_line_need_not_be_there(void)
{
	const char *text = text_of("[host]\n"
	                           "modules = %s\n"
	                           "[worker auth]\n"
	                           "route = /\n"
	                           "secret.SECRET_TOKEN = env:NOT_SET\n"
	                           "[worker application]\n"
	                           "route = /b\n"
	                           "var.GREETING = hi\n",
	                           built("plugins"));
	struct finished finished;

	good_text();
	scratch_write("e.ini", "%s", text);
	finished = set("e.ini", "application", "var.GREETING", "ho");
	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.err,
	           "e.ini:5: warning: worker 'auth': secret.SECRET_TOKEN: the environment variable "
	           "'NOT_SET' is not set: set it where tenon is started\n");
	CHECK_TEXT(file_read("e.ini"), replace(text, "= hi", "= ho"));
	finished = set("e.ini", "auth", "secret.SECRET_TOKEN", "env:NEITHER");
	expect(&finished, EX_CONFIG, "",
	       "e.ini:5: worker 'auth': secret.SECRET_TOKEN: the environment variable 'NEITHER' is "
	       "not set: set it where tenon is started\n"
	       "tenon: e.ini: " KEPT "\n");
	finished = unset("e.ini", "application", "route");
	CHECK_NUMBER(finished.code, 0);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(finished.err, "tenon: worker 'application': no route leads to it, so its "
	                             "module and its bindings were not tried\n"));
}

/* ---- Several files ------------------------------------------------------------------------- */

static const char *write_two(void)
{
	const char *root = text_of("include = conf.d/*.ini\n"
	                           "[host]\n"
	                           "modules = %s\n"
	                           "[worker gateway]\n"
	                           "route = /\n"
	                           "service.auth = application\n"
	                           "service.application = application\n",
	                           built("plugins"));

	good_text();
	mkdir("conf.d", 0755);
	scratch_write("root.ini", "%s", root);
	scratch_write("conf.d/a.ini", "; ours\n[worker application]\n");
	return root;
}

static void the_file_that_has_the_worker_is_changed(void)
{
	const char *root = write_two();
	struct finished finished;

	finished = set("root.ini", "application", "var.GREETING", "hi");
	expect(&finished, 0,
	       "--- conf.d/a.ini\n+++ conf.d/a.ini\n@@ -2,0 +3 @@\n+var.GREETING = hi\n", "");
	CHECK_TEXT(file_read("conf.d/a.ini"), "; ours\n[worker application]\nvar.GREETING = hi\n");
	CHECK_TEXT(file_read("root.ini"), root);
	CHECK_NUMBER(count_files("conf.d"), 1);
	finished = set("root.ini", "aplication", "var.GREETING", "hi");
	expect(&finished, EX_USAGE, "",
	       "tenon: root.ini: there is no worker 'aplication' in it and what it includes (did "
	       "you mean 'application'?)\n");
}

/* Else each would be tried with the other's old text. */
static void two_files_of_a_configuration_are_not_changed_at_once(void)
{
	struct finished finished;
	int root;

	write_two();
	root = open("root.ini", O_RDONLY | O_CLOEXEC);
	CHECK_NUMBER(flock(root, LOCK_EX | LOCK_NB), 0);
	finished = set("root.ini", "application", "var.GREETING", "ho");
	expect(&finished, EX_TEMPFAIL, "",
	       "tenon: root.ini: another command is changing it: try again when that has ended\n");
	close(root);
	root = open("conf.d/a.ini", O_RDONLY | O_CLOEXEC);
	CHECK_NUMBER(flock(root, LOCK_EX | LOCK_NB), 0);
	finished = set("root.ini", "application", "var.GREETING", "ho");
	expect(&finished, EX_TEMPFAIL, "",
	       "tenon: conf.d/a.ini: another command is changing it: try again when that has "
	       "ended\n");
	close(root);
}

/* ---- Secrets ------------------------------------------------------------------------------- */

static void a_literal_secret_is_refused_and_not_repeated(void)
{
	struct finished finished = set(write_good(), "auth", "secret.SECRET_TOKEN", "hunter3");

	expect_refusal(&finished, EX_CONFIG,
	               "tenon: x.ini: worker 'auth': secret.SECRET_TOKEN: a secret is not written "
	               "into the file, and others can read a command line: take another secret, "
	               "and give it to `tenon secret` on standard input, or write env:NAME, "
	               "file:PATH or credential:NAME\n");
}

static void a_secret_that_stood_in_the_file_is_not_shown(void)
{
	const char *text = replace(good_text(), "file:token", "hunter2 ; sic");
	struct finished finished;

	scratch_write("x.ini", "%s", text);
	finished = set("x.ini", "auth", "secret.SECRET_TOKEN", "file:token");
	expect(&finished, 0, "",
	       "tenon: x.ini:13: the difference is not shown: the line held a secret\n");
	CHECK_TEXT(file_read("x.ini"), replace(text, "hunter2", "file:token"));
	scratch_write("x.ini", "%s", replace(good_text(), "file:token", "\"hunter2\""));
	finished = unset("x.ini", "auth", "secret.SECRET_TOKEN");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CU_ASSERT_PTR_NULL(strstr(finished.err, "hunter2"));
	CHECK_TEXT(finished.out, "");
}

/* ---- At once, and who may ------------------------------------------------------------------ */

static void the_second_of_two_is_told(void)
{
	int file = open(write_good(), O_RDONLY | O_CLOEXEC);
	struct finished finished;

	CHECK_NUMBER(flock(file, LOCK_EX | LOCK_NB), 0);
	finished = set("x.ini", "gateway", "service.auth", "auth@v2");
	expect_refusal(&finished, EX_TEMPFAIL,
	               "tenon: x.ini: another command is changing it: try again when that has "
	               "ended\n");
	close(file);
	finished = set("x.ini", "gateway", "service.auth", "auth@v2");
	CHECK_NUMBER(finished.code, 0);
}

/* Each tries again for as long as it is told to. */
static void of_many_at_once_none_is_lost(void)
{
	static const char script[] =
		"for i in 1 2 3 4; do\n"
		"	while \"$0\" set p.ini w$i var.GREETING hi$i >>p.out 2>>p.err\n"
		"		[ $? = 75 ]\n"
		"	do :; done &\n"
		"done; wait\n";
	const char *text = text_of("[host]\nmodules = %s\n", built("plugins"));

	good_text();
	for (int i = 1; i <= 4; i++)
		text = text_of("%s[worker w%d]\nmodule = application.so\nroute = /%d\n", text, i,
		               i);
	scratch_write("p.ini", "%s", text);
	CHECK_NUMBER(program_run((const char *const[]){ "sh", "-c", script, built("tenon"), NULL })
	                     .code,
	             0);
	for (int i = 1; i <= 4; i++)
		text = replace(text, text_of("route = /%d\n", i),
		               text_of("route = /%d\nvar.GREETING = hi%d\n", i, i));
	CHECK_TEXT(file_read("p.ini"), text);
	CHECK_NUMBER(count_of(file_read("p.out"), "--- p.ini\n"), 4);
	CHECK_NUMBER(lines_matching(file_read("p.err"), "try again"),
	             count_of(file_read("p.err"), "\n"));
}

/* A module does it, while the change is tried. */
static void what_an_editor_writes_meanwhile_is_not_lost(void)
{
	static const char *const environment[] = { "TEST_APPEND=a.ini", NULL };
	const char *text = text_of("[worker a]\nmodule = %s\nroute = /\n"
	                           "secret.TOKEN = file:token\n",
	                           fixture("load_appends"));
	struct finished finished;

	good_text();
	scratch_write("a.ini", "%s", text);
	finished = tenon_run((const char *const[]){ "set", "a.ini", "a", "route", "/a", NULL },
	                     environment);
	expect(&finished, EX_TEMPFAIL, "",
	       "tenon: a.ini: somebody else has changed it meanwhile: look at it, and try again\n");
	CHECK_TEXT(file_read("a.ini"), text_of("%s; mine\n", text));
	finished = set("a.ini", "a", "route", "/a");
	CHECK_NUMBER(finished.code, 0);
}

static void a_link_and_a_mode_stay(void)
{
	struct finished finished;
	struct stat status;

	write_good();
	CHECK_NUMBER(chmod("x.ini", 0640), 0);
	CHECK_NUMBER(symlink("x.ini", "link.ini"), 0);
	finished = set("link.ini", "gateway", "service.auth", "auth@v2");
	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(count_of(finished.out, "--- link.ini\n+++ link.ini\n"), 1);
	CHECK_NUMBER(lstat("link.ini", &status), 0);
	CU_ASSERT_TRUE(S_ISLNK(status.st_mode));
	CHECK_NUMBER(lstat("x.ini", &status), 0);
	CHECK_NUMBER(status.st_mode & 07777, 0640);
	CHECK_NUMBER(count_of(file_read("x.ini"), "= auth@v2 "), 1);
}

static void who_may_not_write_is_told(void)
{
	const char *const may[] = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
		                    "test", "-x", built("tenon"), NULL };
	const char *const command[] = { "setpriv", "--reuid=65534", "--regid=65534",
		                        "--clear-groups", built("tenon"), "set", "x.ini",
		                        "application", "var.GREETING", "hi", NULL };
	struct finished finished;

	write_good();
	CHECK_NUMBER(chmod(".", 0755), 0);
	CHECK_NUMBER(chmod("x.ini", 0644), 0);
	if (geteuid() != 0 || program_run(may).code != 0) {
		printf("%s: skipped, it takes root, setpriv, and a build that all can read\n",
		       __func__);
		return;
	}
	finished = program_run(command);
	expect_refusal(&finished, EX_NOPERM,
	               "tenon: x.ini: it cannot be written: Permission denied: make it, and its "
	               "directory, writable for this user, or run as another\n");
}

/* ---- patch(1) ------------------------------------------------------------------------------ */

static bool has_patch(const char *test)
{
	const char *const command[] = { "sh", "-c", "command -v patch", NULL };

	if (program_run(command).code == 0)
		return true;
	printf("%s: skipped, there is no patch\n", test);
	return false;
}

/* The difference turns what was into what is, and with -R back. */
static void check_patch(const char *before, const char *difference)
{
	const char *const forth[] = { "patch", "-s", "--binary", "before", "difference", NULL };
	const char *const back[] = { "patch", "-s", "-R", "--binary", "after", "difference", NULL };
	const char *after = file_read("x.ini");
	struct finished finished;

	scratch_write("before", "%s", before);
	scratch_write("after", "%s", after);
	scratch_write("difference", "%s", difference);
	finished = program_run(forth);
	expect(&finished, 0, "", "");
	CHECK_TEXT(file_read("before"), after);
	finished = program_run(back);
	expect(&finished, 0, "", "");
	CHECK_TEXT(file_read("after"), before);
}

static void check_patches(const char *text)
{
	static const char *const values[][3] = {
		{ "gateway", "service.auth", "auth@v2" },
		{ "auth", "module", "auth.so" },
		{ "[host@staging]", "max_depth", "9" },
		{ "[host@staging]", "max_calls", "9" },
		{ "application@staging", "var.GREETING", NULL },
		{ "[host@staging]", "max_depth", NULL },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct finished finished;

		scratch_write("x.ini", "%s", text);
		if (values[i][2])
			finished = set("x.ini", values[i][0], values[i][1], values[i][2]);
		else
			finished = unset("x.ini", values[i][0], values[i][1]);
		CHECK_NUMBER(finished.code, 0);
		CU_ASSERT_NOT_EQUAL(strcmp(file_read("x.ini"), text), 0);
		check_patch(text, finished.out);
	}
}

static const char *with_carriage_returns(const char *text)
{
	const char *result = "";

	for (const char *at; (at = strchr(text, '\n')); text = at + 1)
		result = text_of("%s%.*s\r\n", result, (int)(at - text), text);
	return text_of("%s%s", result, text);
}

static void patch_takes_the_difference(void)
{
	if (!has_patch(__func__))
		return;
	check_patches(good_text());
	check_patches(text_of("%s\n", good_text()));
	check_patches(with_carriage_returns(good_text()));
}

TEST_MAIN("e2e/set",
          TEST(a_value_is_replaced_in_its_line),
          TEST(quotes_and_a_comment_stay),
          TEST(an_empty_value_is_written_in_quotes),
          TEST(a_key_is_added_behind_the_last_of_its_section),
          TEST(a_key_of_the_host_is_set),
          TEST(a_last_line_without_an_end_stays_one),
          TEST(a_header_of_a_worker_is_a_name_of_it_too),
          TEST(the_value_that_it_has_changes_nothing),
          TEST(lines_of_windows_stay_so),
          TEST(what_is_unset_is_inherited_again_and_then_not),
          TEST(a_key_of_the_host_is_unset_in_an_environment),
          TEST(a_key_that_is_not_there_is_not_unset),
          TEST(what_a_worker_needs_is_not_unset),
          TEST(what_check_would_refuse_is_refused),
          TEST(what_cannot_be_written_is_refused),
          TEST(an_unknown_worker_gets_a_hint),
          TEST(a_file_with_mistakes_is_not_changed),
          TEST(what_is_no_file_is_not_changed),
          TEST(the_command_line_is_checked),
          TEST(a_variant_is_tried_in_its_environment),
          TEST(a_worker_is_tried_where_its_variants_are),
          TEST(what_breaks_another_environment_is_refused),
          TEST(an_environment_that_was_broken_keeps_no_change_back),
          TEST(a_change_whose_difference_cannot_be_shown_is_told),
          TEST(a_variant_that_is_not_there_is_to_be_written_first),
          TEST(an_environment_without_the_worker_is_not_tried),
          TEST(a_secret_of_another_line_need_not_be_there),
          TEST(the_file_that_has_the_worker_is_changed),
          TEST(two_files_of_a_configuration_are_not_changed_at_once),
          TEST(a_literal_secret_is_refused_and_not_repeated),
          TEST(a_secret_that_stood_in_the_file_is_not_shown),
          TEST(the_second_of_two_is_told),
          TEST(of_many_at_once_none_is_lost),
          TEST(what_an_editor_writes_meanwhile_is_not_lost),
          TEST(a_link_and_a_mode_stay),
          TEST(who_may_not_write_is_told),
          TEST(patch_takes_the_difference))
