/* test_recovery.c - Workers that hang and crash: who it was, and how the others go on. */
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <jansson.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#define FILE_NAME "recovery.ini"

static bool left_to_others(void)
{
	if (host_is_instrumented())
		puts("skipped: the instruments have handlers of their own");
	return host_is_instrumented();
}

/* ---- What is asked of it ------------------------------------------------------------------- */

static struct finished tell(const char *command, const char *worker)
{
	return tenon_run((const char *const[]){ command, scratch_path(FILE_NAME), worker, NULL },
	                 NULL);
}

static void expect(const struct finished *finished, int code, const char *part)
{
	if (!CHECK_NUMBER(finished->code, code) || !strstr(finished->err, part))
		CHECK_TEXT(finished->err, part);
}

static json_t *status(void)
{
	struct finished finished = tenon_run(
		(const char *const[]){ "status", "--json", scratch_path(FILE_NAME), NULL }, NULL);
	json_t *whole = json_loads(finished.out, 0, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	return whole;
}

static long long status_number(const char *name)
{
	json_t *whole = status();
	long long number = json_integer_value(json_object_get(whole, name));

	json_decref(whole);
	return number;
}

/* At which level the Worker is in quarantine; "" where it is not. */
static const char *status_level(const char *worker)
{
	json_t *whole = status();
	const char *level = "";
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(whole, "quarantined"), i, entry)
	{
		if (strcmp(json_string_value(json_object_get(entry, "worker")), worker) == 0)
			level = text_of("%s", json_string_value(json_object_get(entry, "level")));
	}
	json_decref(whole);
	return level;
}

static bool has_process(const char *state)
{
	json_t *whole = status();
	bool found = false;
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(whole, "processes"), i, entry)
		found = found ||
	                !strcmp(json_string_value(json_object_get(entry, "state")), state);
	json_decref(whole);
	return found;
}

/* Waits until every place has a process that serves. */
static void all_serve(void)
{
	long long end = now_ms() + deadline_ms();

	while (has_process("waiting") || has_process("starting") || has_process("leaving")) {
		CU_ASSERT_FATAL(now_ms() < end);
		nap();
	}
}

static void check_line(const struct host *host, const char *expression)
{
	if (lines_matching(host_log(host), expression) != 1)
		CHECK_TEXT(host_log(host), text_of("one line like: %s", expression));
}

static void no_more_lost_than(const struct load_counts *counts, unsigned long most)
{
	if (counts->reset + counts->cut > most || counts->wrong || counts->refused ||
	    counts->unanswered)
		CHECK_TEXT(load_text(counts), text_of("no more than %lu lost", most));
}

/* ---- Hangs and crashes two bindings deep --------------------------------------------------- */

#define KEPT 4
#define FRESH 2
#define NAMED " request=[0-9a-f]{16} worker=inner chain=outer>middle>inner: "
#define FATAL "Z fatal" NAMED
#define HANGS \
	"Z error" NAMED "the loop has not turned for [0-9]+ ms, and SIGABRT did not tell where: " \
	"process [0-9]+ ended "
#define TOLD "Z error" NAMED "process [0-9]+ ended " /* by the supervisor */

static const char *write_chain(const char *host, const char *inner)
{
	const char *module = fixture("serve_crash");

	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "access_log = off\n"
	                     "%s"
	                     "[worker outer]\n"
	                     "module = %s\n"
	                     "route = /*\n"
	                     "service.next = middle\n"
	                     "[worker middle]\n"
	                     "module = %s\n"
	                     "service.next = inner\n"
	                     "[worker inner]\n"
	                     "module = %s\n"
	                     "%s",
	                     host, module, module, module, inner);
}

static struct load *start_load(const struct host *host, const char *one, const char *other)
{
	struct load *load = load_start(&(struct load_options){
		.port = host->port, .kept = KEPT, .fresh = FRESH, .greetings = { one, other } });

	CHECK_NUMBER(load_reaches(load, -1, 50), true);
	return load;
}

/* A line of tenon-backtrace, which comes when the process is gone. */
static void has_frame(struct host *host, const char *function)
{
	host_logged(host, text_of(" %s ", function));
	CHECK_NUMBER(
		lines_matching(host_log(host), text_of("Z fatal request=[0-9a-f]{16} worker=inner: "
	                                               "#[0-9]+ %s .*serve_crash\\.c:[0-9]+",
	                                               function)) > 0,
		true);
}

/* While the load goes on, one request does that. */
static void one_ends(const char *name, const char *line, const char *how, const char *function)
{
	struct host *host;
	struct load *load;
	struct load_counts counts;

	if (left_to_others())
		return;
	host = tree_start(write_chain("hang_timeout = 1s\n", ""));
	load = start_load(host, "fine\n", NULL);
	CHECK_NUMBER(http_get(host, text_of("/%s", name))->status, 0);
	host_logged(host, text_of("of generation 1 ended (%s): another takes its place", how));
	check_line(host, text_of("%s, request \"GET /%s\", module '%s'$", line, name,
	                         fixture("serve_crash")));
	if (*function)
		has_frame(host, function);
	CHECK_NUMBER(load_reaches(load, -1, 100), true);
	all_serve();
	counts = load_stop(load);
	no_more_lost_than(&counts, KEPT + FRESH);
	check_line(host, "of generation 1 ended .*; worker 'inner', module version [0-9a-f]+; "
	                 "[0-9]+ requests? (is|are) lost$");
	CHECK_NUMBER(status_number("crashes"), strcmp(name, "killed") != 0);
	tree_end(host);
}

static void a_loop_that_does_not_turn_is_named_and_replaced(void)
{
	one_ends("hang", FATAL "the loop has not turned for [0-9]+ ms, while it answered",
	         "SIGABRT", "crash_hang");
}

static void who_blocks_the_signal_is_killed(void)
{
	one_ends("hang-deaf", HANGS "\\(SIGKILL\\) while it answered", "SIGKILL", "");
}

static void a_segmentation_fault(void)
{
	one_ends("null", FATAL "SIGSEGV \\(address not mapped\\) at 0x0 while it answered",
	         "SIGSEGV", "crash_null");
}

static void a_bus_error(void)
{
	one_ends("bus", FATAL "SIGBUS .* while it answered", "SIGBUS", "crash_bus");
}

static void a_division_by_zero(void)
{
#ifdef __x86_64__
	one_ends("divide", FATAL "SIGFPE \\(integer division by zero\\) at 0x[0-9a-f]+ while it "
	                         "answered",
	         "SIGFPE", "crash_divide");
#endif
}

static void an_illegal_instruction(void)
{
#ifdef __x86_64__
	one_ends("illegal", FATAL "SIGILL .* while it answered", "SIGILL", "crash_illegal");
#endif
}

static void an_abort(void)
{
	one_ends("abort", FATAL "SIGABRT .* while it answered", "SIGABRT", "crash_abort");
}

static void a_stack_overflow(void)
{
	one_ends("overflow", FATAL "SIGSEGV \\(stack overflow\\) at 0x[0-9a-f]+ while it answered",
	         "SIGSEGV", "crash_deeper");
}

static void an_exit(void)
{
	one_ends("exit", FATAL "called exit\\(3\\) while it answered", "exit code 70", "");
}

static void an_exit_that_runs_no_handler(void)
{
	one_ends("exit-unseen", TOLD "\\(exit code 3\\) while it answered",
	         "exit code 3", "");
}

static void a_kill_from_outside(void)
{
	one_ends("killed", TOLD "\\(SIGKILL\\) while it answered", "SIGKILL", "");
}

/* ---- Starts that hang ---------------------------------------------------------------------- */

static void a_start_that_hangs_is_told_to_who_reloads(void)
{
	struct host *host;
	struct load *load;
	struct load_counts counts;
	struct finished finished;

	if (left_to_others())
		return;
	host = tree_start(write_chain("ready_timeout = 2s\n", ""));
	load = start_load(host, "fine\n", NULL);
	write_chain("ready_timeout = 2s\n", "var.START = hang\n");
	finished = tell("reload", NULL);
	expect(&finished, EX_UNAVAILABLE, "worker 'inner' in its start hook");
	expect(&finished, EX_UNAVAILABLE, ": generation 1 goes on\n");
	host_logged(host, "fatal worker=inner: not ready within 2000 ms, in its start hook");
	host_logged(host, " crash_hang ");
	tree_has(host, 2);
	counts = load_stop(load);
	CHECK_NUMBER(load_failed(&counts), 0);
	tree_end(host);
}

/* ---- Quarantine ---------------------------------------------------------------------------- */

static const char *write_ill(const char *host, const char *ill)
{
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "access_log = off\n"
	                     "%s"
	                     "[worker outer]\n"
	                     "module = %s\n"
	                     "route = /ill/*\n"
	                     "service.next = ill\n"
	                     "[worker ill]\n"
	                     "module = %s\n"
	                     "%s"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "route = /*\n",
	                     host, fixture("serve_ill"), fixture("serve_ill"), ill,
	                     fixture("serve_hello"));
}

static struct host *start_ill(const char *ill)
{
	return tree_start(write_ill("crash_limit = 3\nprobation = 0s\n", ill));
}

static void crash_times(struct host *host, unsigned times)
{
	unsigned before = count_of(host_log(host), "another takes its place");

	for (unsigned i = 1; i <= times; i++) {
		CHECK_NUMBER(http_get(host, "/ill/crash")->status, 0);
		host_logged_times(host, "another takes its place", before + i);
	}
}

/* In every process: each request is on a connection of its own. */
static void all_say(const struct host *host, const char *path, const char *text)
{
	for (unsigned i = 0; i < 10; i++)
		CHECK_TEXT(http_get(host, path)->body, text);
}

static void who_crashes_too_often_is_left_out(void)
{
	struct host *host = start_ill("");
	struct load *load = start_load(host, "hello\n", NULL);
	struct load_counts counts;
	struct finished finished;

	crash_times(host, 2);
	CHECK_TEXT(status_level("ill"), "");
	crash_times(host, 1);
	host_logged(host, "worker 'ill' is in quarantine: it has crashed 3 times within 60000 ms");
	all_say(host, "/ill/", "without it");
	all_say(host, "/ill/crash", "without it");
	CHECK_TEXT(status_level("ill"), "requests");
	CU_ASSERT_PTR_NOT_NULL(strstr(tell("status", NULL).out, "worker 'ill'"));
	CHECK_NUMBER(load_reaches(load, -1, 50), true);
	finished = tell("release", "ill");
	expect(&finished, 0, "worker 'ill' is called again");
	CHECK_TEXT(status_level("ill"), "");
	all_serve();
	all_say(host, "/ill/", "well");
	crash_times(host, 3);
	all_say(host, "/ill/", "without it");
	finished = tell("reload", NULL);
	expect(&finished, 0, "generation 2 serves");
	CHECK_TEXT(status_level("ill"), "");
	all_say(host, "/ill/", "well");
	counts = load_stop(load);
	no_more_lost_than(&counts, 6UL * (KEPT + FRESH));
	tree_end(host);
}

static void only_who_is_in_quarantine_is_released(void)
{
	struct host *host = start_ill("");
	struct finished finished = tell("release", "ill");

	expect(&finished, EX_USAGE, "worker 'ill' is not in quarantine\n");
	finished = tell("release", "nobody");
	expect(&finished, EX_USAGE, "no worker 'nobody': none runs\n");
	CHECK_NUMBER(tell("release", "a b").code, EX_USAGE);
	tree_end(host);
}

static void who_crashes_in_its_start_is_left_out_of_the_next(void)
{
	const char *file = scratch_path("crash-in-start");
	struct host *host;
	struct finished finished;

	unlink(file);
	host = start_ill(text_of("var.FILE = %s\n", file));
	all_say(host, "/ill/", "well");
	scratch_write("crash-in-start", "now");
	CHECK_NUMBER(http_get(host, "/ill/crash")->status, 0);
	host_logged(host, "worker 'ill' is in quarantine");
	CHECK_TEXT(status_level("ill"), "start");
	all_serve();
	all_say(host, "/ill/", "without it");
	all_say(host, "/", "hello\n");
	finished = tell("release", "ill");
	expect(&finished, EX_SOFTWARE, "worker 'ill' in its start hook");
	expect(&finished, EX_SOFTWARE, ": generation 1 goes on\n");
	CHECK_TEXT(status_level("ill"), "start");
	all_say(host, "/ill/", "without it");
	unlink(file);
	finished = tell("release", "ill");
	expect(&finished, 0, "generation 3 serves");
	CHECK_TEXT(status_level("ill"), "");
	all_say(host, "/ill/", "well");
	tree_end(host);
}

/* As one that crashes there: the other process serves all the while. */
static void who_hangs_in_its_start_is_left_out_of_the_next(void)
{
	const char *file = scratch_path("hang-in-start");
	struct host *host;

	unlink(file);
	host = tree_start(write_ill("crash_limit = 2\nprobation = 0s\nready_timeout = 4s\n",
	                            text_of("var.FILE = %s\nvar.hangs = yes\n", file)));
	all_say(host, "/ill/", "well");
	scratch_write("hang-in-start", "now");
	CHECK_NUMBER(http_get(host, "/ill/crash")->status, 0);
	all_say(host, "/ill/", "well");
	host_logged(host, "worker=ill: not ready within 4000 ms, in its start hook");
	host_logged(host, "worker 'ill' is in quarantine");
	CHECK_TEXT(status_level("ill"), "start");
	all_serve();
	all_say(host, "/ill/", "without it");
	tree_end(host);
}

static void who_crashes_while_it_is_loaded_is_left_out_of_the_next(void)
{
	const char *flag = scratch_path("crash-in-load");
	const char *file = scratch_write(FILE_NAME,
	                                 "[host]\n"
	                                 "listen = 127.0.0.1:0\n"
	                                 "processes = 2\n"
	                                 "crash_limit = 3\n"
	                                 "[worker outer]\n"
	                                 "module = %s\n"
	                                 "route = /*\n"
	                                 "service.next = ill\n"
	                                 "[worker ill]\n"
	                                 "module = %s\n",
	                                 fixture("serve_ill"), fixture("load_crashes"));
	struct host *host;
	struct finished finished;

	unlink(flag);
	host = tree_start_with(file, (const char *const[]){ text_of("TEST_LOAD_CRASHES=%s", flag),
	                                                    NULL });
	all_say(host, "/", "well");
	scratch_write("crash-in-load", "now");
	CHECK_NUMBER(http_get(host, "/crash")->status, 0);
	host_logged(host, "worker 'ill' is in quarantine");
	CHECK_TEXT(status_level("ill"), "load");
	all_serve();
	all_say(host, "/", "without it");
	finished = tell("release", "ill");
	expect(&finished, EX_SOFTWARE, "worker 'ill' while it was loaded");
	all_say(host, "/", "without it");
	unlink(flag);
	finished = tell("release", "ill");
	expect(&finished, 0, "generation 3 serves");
	all_say(host, "/", "well");
	tree_end(host);
}

/* ---- Probation ----------------------------------------------------------------------------- */

static const char *write_version(const char *host, const char *text, const char *more)
{
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "access_log = off\n"
	                     "%s"
	                     "[worker ill]\n"
	                     "module = %s\n"
	                     "route = /*\n"
	                     "var.TEXT = %s\n"
	                     "%s",
	                     host, fixture("serve_ill"), text, more);
}

static unsigned long counted(const struct host *host)
{
	return strtoul(http_get(host, "/count")->body, NULL, 10);
}

/* With `quarantine`, the first crash has the Worker left out until it is back. */
static void one_that_crashes_at_once_is_rolled_back(const char *settings, bool quarantine)
{
	struct host *host = tree_start(write_version(settings, "one", ""));
	struct load *load = start_load(host, "one", NULL);
	unsigned long before = counted(host);
	unsigned long crashes;
	struct load_counts counts;

	CHECK_NUMBER(before > 0, true);
	write_version(settings, "two", "var.ill = yes\n");
	CHECK_NUMBER(tell("reload", NULL).code, 0);
	host_logged(host, "generation 2 crashes in its probation (worker 'ill', SIGSEGV): going "
	                  "back to what served before it");
	host_logged(host, "generation 3 serves");
	CHECK_NUMBER(load_reaches(load, 0, 200), true);
	host_logged(host, "generation 2 has gone");
	all_serve();
	CHECK_TEXT(status_level("ill"), "");
	counts = load_stop(load);
	crashes = (unsigned long)status_number("crashes");
	if (quarantine)
		counts.wrong = 0;
	no_more_lost_than(&counts, crashes * (KEPT + FRESH));
	CHECK_NUMBER(counted(host) >= before, true);
	/* Each was counted, those that crashed, too. */
	CHECK_NUMBER(counted(host) >= counts.right, true);
	CHECK_TEXT(http_get(host, "/")->body, "one");
	CHECK_NUMBER(count_of(host_log(host), "going back"), 1);
	printf("%lu crashes: %s\n", crashes, load_text(&counts));
	tree_end(host);
}

static void what_crashes_in_probation_is_rolled_back(void)
{
	one_that_crashes_at_once_is_rolled_back("", false);
}

/* Its crashes are not the fault of what served before it. */
static void what_is_rolled_back_leaves_nobody_in_quarantine(void)
{
	one_that_crashes_at_once_is_rolled_back("crash_limit = 1\n", true);
}

static void send_both(const pid_t list[TREE_MOST], int signal)
{
	CU_ASSERT_FATAL(list[0] > 1 && list[1] > 1);
	kill(list[0], signal);
	kill(list[1], signal);
}

/* Whoever still lets clients in is what comes back. */
static void a_roll_back_does_not_wait_for_a_handover(void)
{
	struct host *host = tree_start(write_version("", "one", ""));
	long long end = now_ms() + deadline_ms();
	pid_t list[TREE_MOST] = { 0 };
	const char *served, *back;

	tree_has(host, 2);
	tree_hosts(host, list);
	send_both(list, SIGSTOP);
	write_version("", "two", "");
	host_signal(host, SIGHUP);
	while (status_number("generation") != 2 && now_ms() < end)
		nap();
	CHECK_NUMBER(http_get(host, "/crash")->status, 0);
	host_logged(host, "going back to what served before it");
	send_both(list, SIGCONT);
	host_logged(host, "generation 3 serves with");
	served = strstr(host_log(host), "generation 2 serves with");
	back = strstr(host_log(host), "going back");
	CU_ASSERT(served && strlen(served) > strlen(back));
	CHECK_TEXT(http_get(host, "/")->body, "one");
	tree_end(host);
}

static void what_had_crashed_before_is_not_rolled_back(void)
{
	struct host *host = tree_start(write_version("", "one", ""));

	CHECK_NUMBER(http_get(host, "/crash")->status, 0);
	host_logged_times(host, "another takes its place", 1);
	write_version("", "two", "");
	CHECK_NUMBER(tell("reload", NULL).code, 0);
	for (unsigned i = 2; i <= 4; i++) {
		CHECK_NUMBER(http_get(host, "/crash")->status, 0);
		host_logged_times(host, "another takes its place", i);
	}
	all_serve();
	CHECK_TEXT(http_get(host, "/")->body, "two");
	if (!CHECK_NUMBER(count_of(host_log(host), "going back"), 0))
		puts(host_log(host));
	tree_end(host);
}

static void what_has_proven_itself_stays(void)
{
	struct host *host = tree_start(write_version("probation = 0s\n", "one", ""));

	write_version("probation = 0s\n", "two", "");
	CHECK_NUMBER(tell("reload", NULL).code, 0);
	CHECK_NUMBER(http_get(host, "/crash")->status, 0);
	host_logged(host, "another takes its place");
	all_serve();
	CHECK_TEXT(http_get(host, "/")->body, "two");
	CHECK_NUMBER(count_of(host_log(host), "going back"), 0);
	tree_end(host);
}

/* ---- Sockets that are lent ----------------------------------------------------------------- */

static pid_t other_than(const struct host *host, pid_t stays)
{
	long long end = now_ms() + deadline_ms();
	pid_t list[TREE_MOST];

	while (tree_hosts(host, list) != 2) {
		CU_ASSERT_FATAL(now_ms() < end);
		nap();
	}
	return list[list[0] == stays];
}

/* Until the next pause is longer than what follows takes. */
static void kill_until_it_waits(struct host *host, pid_t stays)
{
	for (unsigned i = 1; i <= 8; i++) {
		kill(other_than(host, stays), SIGKILL);
		host_logged_times(host, "another takes its place in", i);
	}
	tree_has(host, 1);
}

static void who_waits_has_its_clients_answered_by_a_neighbour(void)
{
	struct host *host = tree_start(write_version("", "one", ""));
	pid_t before[TREE_MOST];
	unsigned asked = 0;

	CHECK_NUMBER(tree_hosts(host, before), 2);
	kill_until_it_waits(host, before[0]);
	CHECK_NUMBER(has_process("waiting"), true);
	for (; asked < 40; asked++)
		CHECK_TEXT(http_get(host, "/")->body, "one");
	CHECK_NUMBER(has_process("waiting"), true); /* as it was all the while */
	all_serve();
	for (asked = 0; asked < 20; asked++)
		CHECK_TEXT(http_get(host, "/")->body, "one");
	tree_end(host);
}

/* Nobody was there to lend to when the first one went. */
static void who_comes_back_first_answers_for_the_others(void)
{
	struct host *host = tree_start(write_version("", "one", ""));
	pid_t before[TREE_MOST], list[TREE_MOST];

	CHECK_NUMBER(tree_hosts(host, before), 2);
	kill_until_it_waits(host, before[0]);
	kill(before[0], SIGKILL);
	host_logged_times(host, "another takes its place in", 9);
	tree_has(host, 1);
	CHECK_NUMBER(tree_hosts(host, list) == 1 && list[0] != before[0], true);
	for (unsigned i = 0; i < 40; i++)
		CHECK_TEXT(http_get(host, "/")->body, "one");
	CHECK_NUMBER(has_process("waiting"), true);
	tree_end(host);
}

/* ---- One team's release under load --------------------------------------------------------- */

static void write_team(const char *name, const char *text)
{
	scratch_write(text_of("%s.ini", name),
	              "[worker %s]\nmodule = %s\nroute = /%s\nvar.TEXT = %s\n", name,
	              fixture("serve_hello"), name, text);
}

static void one_team_releases_while_another_is_broken(void)
{
	static const char *const broken[] = { "no key\n", "[worker b]\nmodule = none.so\n" };
	const char *file = scratch_write(FILE_NAME, "include = a.ini, b.ini\n"
	                                            "[host]\nlisten = 127.0.0.1:0\n"
	                                            "processes = 2\naccess_log = off\n");
	unsigned rounds = tree_rounds("TN_RELOADS", 20);
	struct load_counts counts;
	struct host *host;
	struct load *load;

	write_team("a", "one");
	write_team("b", "b1");
	host = tree_start(file);
	load = load_start(&(struct load_options){ .port = host->port,
	                                          .path = "/a",
	                                          .kept = 6,
	                                          .fresh = 3,
	                                          .greetings = { "one", "two" } });
	for (unsigned i = 1; i <= rounds; i++) {
		write_team("a", i % 2 ? "two" : "one");
		scratch_write("b.ini", "%s", broken[i % 2]);
		CHECK_NUMBER(tenon_run((const char *const[]){ "reload", "--only", "a", file, NULL },
		                       NULL)
		                     .code,
		             0);
		CHECK_NUMBER(load_reaches(load, (int)(i % 2), 20), true);
		CHECK_TEXT(http_get(host, "/b")->body, "b1");
	}
	counts = load_stop(load);
	CHECK_NUMBER(load_failed(&counts), 0);
	printf("%u releases: %s\n", rounds, load_text(&counts));
	tree_end(host);
}

TEST_MAIN("faults/recovery",
          TEST(a_loop_that_does_not_turn_is_named_and_replaced),
          TEST(who_blocks_the_signal_is_killed),
          TEST(a_segmentation_fault),
          TEST(a_bus_error),
          TEST(a_division_by_zero),
          TEST(an_illegal_instruction),
          TEST(an_abort),
          TEST(a_stack_overflow),
          TEST(an_exit),
          TEST(an_exit_that_runs_no_handler),
          TEST(a_kill_from_outside),
          TEST(a_start_that_hangs_is_told_to_who_reloads),
          TEST(who_crashes_too_often_is_left_out),
          TEST(only_who_is_in_quarantine_is_released),
          TEST(who_crashes_in_its_start_is_left_out_of_the_next),
          TEST(who_hangs_in_its_start_is_left_out_of_the_next),
          TEST(who_crashes_while_it_is_loaded_is_left_out_of_the_next),
          TEST(what_crashes_in_probation_is_rolled_back),
          TEST(what_is_rolled_back_leaves_nobody_in_quarantine),
          TEST(a_roll_back_does_not_wait_for_a_handover),
          TEST(what_had_crashed_before_is_not_rolled_back),
          TEST(what_has_proven_itself_stays),
          TEST(who_waits_has_its_clients_answered_by_a_neighbour),
          TEST(who_comes_back_first_answers_for_the_others),
          TEST(one_team_releases_while_another_is_broken))
