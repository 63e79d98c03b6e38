/*
 * test_waiting.c - what ends, or takes the place of, processes in which exchanges wait on threads:
 * reloads lose none, and who ends its process takes no more than that with it.
 */
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define FILE_NAME "waiting.ini"

/* More clients of what waits than threads, in two processes: some wait for a thread. */
#define THREADS "3"
#define SLOW_KEPT 8
#define SLOW_FRESH 4
#define FAST_KEPT 2
#define FAST_FRESH 1
#define CLIENTS (SLOW_KEPT + SLOW_FRESH + FAST_KEPT + FAST_FRESH)

static const char *const greetings[] = { "one", "two" };

/* `slow` waits; `outer` and `middle` call `inner`, which does; `hello` and `still` are on the
 * loop. */
static const char *write_with(const char *host, unsigned version, unsigned processes)
{
	const char *crash = fixture("serve_crash");

	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = %u\n"
	                     "threads = " THREADS "\n"
	                     "access_log = off\n"
	                     "%s"
	                     "[worker slow]\n"
	                     "module = %s\n"
	                     "blocking = yes\n"
	                     "var.WAIT = 20ms\n"
	                     "var.TEXT = %s\n"
	                     "route = /slow\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "route = /\n"
	                     "[worker still]\n"
	                     "module = %s\n"
	                     "route = /hang\n"
	                     "[worker outer]\n"
	                     "module = %s\n"
	                     "route = /*\n"
	                     "service.next = middle\n"
	                     "[worker middle]\n"
	                     "module = %s\n"
	                     "service.next = inner\n"
	                     "[worker inner]\n"
	                     "module = %s\n"
	                     "blocking = yes\n",
	                     processes, host, fixture("serve_slow"), greetings[version],
	                     fixture("serve_hello"), crash, crash, crash, crash);
}

static const char *write_version(unsigned version, unsigned processes)
{
	return write_with("", version, processes);
}

/* ---- Load ---------------------------------------------------------------------------------- */

struct loads {
	struct load *slow;
	struct load *fast;
};

static struct loads start_loads(const struct host *host)
{
	struct loads loads = {
		.slow = load_start(&(struct load_options){
			.port = host->port,
			.path = "/slow",
			.kept = SLOW_KEPT,
			.fresh = SLOW_FRESH,
			.greetings = { greetings[0], greetings[1] } }),
		.fast = load_start(&(struct load_options){ .port = host->port,
		                                           .kept = FAST_KEPT,
		                                           .fresh = FAST_FRESH,
		                                           .greetings = { "hello\n" } }),
	};

	CHECK_NUMBER(load_reaches(loads.slow, -1, 30), true);
	CHECK_NUMBER(load_reaches(loads.fast, -1, 30), true);
	return loads;
}

static void both_go_on(const struct loads *loads)
{
	CHECK_NUMBER(load_reaches(loads->slow, -1, 50), true);
	CHECK_NUMBER(load_reaches(loads->fast, -1, 50), true);
}

/* What became of both together. */
static struct load_counts stop_loads(const struct loads *loads)
{
	struct load_counts counts = load_stop(loads->slow);
	struct load_counts fast = load_stop(loads->fast);

	counts.sent += fast.sent;
	counts.right += fast.right;
	counts.wrong += fast.wrong;
	counts.refused += fast.refused;
	counts.reset += fast.reset;
	counts.cut += fast.cut;
	counts.unanswered += fast.unanswered;
	counts.again += fast.again;
	return counts;
}

static void nothing_failed(const struct load_counts *counts)
{
	if (!CHECK_NUMBER(load_failed(counts), 0))
		printf("%s\n", load_text(counts));
}

/* Each client has one request under way, so no more than that can be lost in one process. */
static void no_more_lost_than(const struct load_counts *counts, unsigned long deaths)
{
	if (counts->reset + counts->cut > deaths * CLIENTS || counts->wrong || counts->refused ||
	    counts->unanswered)
		CHECK_TEXT(load_text(counts), "only what was under way in the process is lost");
}

/* ---- Reloads ------------------------------------------------------------------------------- */

static void reload(struct host *host, unsigned generation)
{
	host_signal(host, SIGHUP);
	host_logged(host, text_of("generation %u serves with", generation));
}

static void no_reload_loses_who_waits(void)
{
	unsigned rounds = tree_rounds("TN_RELOADS", 20);
	struct host *host = tree_start(write_version(0, 2));
	struct loads loads = start_loads(host);
	struct load_counts counts;

	for (unsigned i = 1; i <= rounds && !CU_get_number_of_failure_records(); i++) {
		write_version(i % 2, i % 2 ? 3 : 2);
		reload(host, i + 1);
		CHECK_NUMBER(load_reaches(loads.slow, (int)(i % 2), 20), true);
	}
	host_logged_times(host, "has gone", rounds);
	counts = stop_loads(&loads);
	nothing_failed(&counts);
	CHECK_NUMBER(counts.again, 0);
	printf("%u reloads: %s\n", rounds, load_text(&counts));
	tree_end(host);
}

#define WAITING 3 /* as many as threads */

static const char *write_fifo(const char *text)
{
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 1\n"
	                     "threads = " THREADS "\n"
	                     "drain_timeout = 60s\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "blocking = yes\n"
	                     "var.TEXT = %s\n"
	                     "var.FIFO = %s\n"
	                     "route = /*\n",
	                     fixture("serve_fall"), text, scratch_path("fifo"));
}

/* The end that writes, and one that reads, so that nobody waits in open(2). */
static int make_fifo(void)
{
	const char *fifo = scratch_path("fifo");
	int file;

	unlink(fifo);
	file = mkfifo(fifo, 0600) ? -1 : open(fifo, O_RDWR | O_CLOEXEC);
	if (file < 0)
		give_up(fifo);
	return file;
}

/* Each of those that wait takes one byte of it. */
static void release_fifo(int file)
{
	if (write(file, "xxxxxxxx", WAITING) != WAITING)
		give_up("fifo");
}

static void start_waiting(struct host *host, int sockets[WAITING])
{
	for (size_t i = 0; i < WAITING; i++) {
		sockets[i] = wire_connect(host);
		wire_text(sockets[i], "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	host_logged_times(host, "waits in the request", WAITING);
}

/* The reply, and then the end of the connection, for which its client need do nothing. */
static void gets_its_reply(int socket, const char *body)
{
	struct wire_bytes reply = wire_read_all(socket);

	CHECK_NUMBER(wire_status(&reply), 200);
	CHECK_TEXT(strstr(reply.data, "\r\n\r\n"), text_of("\r\n\r\n%s", body));
	CHECK_NUMBER(count_of(reply.data, "Connection: close\r\n"), 1);
	close(socket);
}

static void who_waits_longest_gets_the_old_reply(void)
{
	int fifo = make_fifo();
	struct host *host = tree_start(write_fifo("one"));
	int sockets[WAITING];

	start_waiting(host, sockets);
	for (unsigned i = 2; i <= 4; i++) {
		write_fifo("two");
		reload(host, i);
		CHECK_TEXT(http_get(host, "/")->body, "two");
	}
	tree_has(host, 2);
	CHECK_NUMBER(count_of(host_log(host), "generation 1 has gone"), 0);
	release_fifo(fifo);
	for (size_t i = 0; i < WAITING; i++)
		gets_its_reply(sockets[i], "one");
	host_logged(host, "generation 1 has gone");
	tree_has(host, 1);
	tree_end(host);
	close(fifo);
}

/* ---- Stops --------------------------------------------------------------------------------- */

/* Who comes too late is refused; all others are answered. */
static void a_stop_loses_nobody_who_waits(void)
{
	struct host *host = tree_start(write_version(0, 2));
	struct loads loads = start_loads(host);
	struct load_counts counts;

	both_go_on(&loads);
	host_signal(host, SIGTERM);
	CHECK_NUMBER(host_wait(host), 0);
	counts = stop_loads(&loads);
	if (!CHECK_NUMBER(load_failed(&counts), counts.refused))
		printf("%s\n", load_text(&counts));
	tree_is_gone();
}

static void a_stop_waits_for_who_waits(void)
{
	int fifo = make_fifo();
	struct host *host = host_start(write_fifo("one"));
	int sockets[WAITING];

	start_waiting(host, sockets);
	host_signal(host, SIGTERM);
	host_logged(host, "SIGTERM: stopping, 3 in flight");
	release_fifo(fifo);
	for (size_t i = 0; i < WAITING; i++)
		gets_its_reply(sockets[i], "one");
	CHECK_NUMBER(host_wait(host), 0);
	close(fifo);
}

static void stop_in_spite_of(bool supervised, int code)
{
	int fifo = make_fifo();
	const char *file = write_fifo("one");
	struct host *host;
	int sockets[WAITING];

	file = scratch_write(FILE_NAME, "%s", text_of("[host]\n"
	                                              "listen = 127.0.0.1:0\n"
	                                              "processes = 1\n"
	                                              "drain_timeout = 300ms\n"
	                                              "%s",
	                                              strstr(file_read(file), "[worker")));
	host = host_start_with(file, &(struct host_options){ .supervised = supervised });
	start_waiting(host, sockets);
	host_signal(host, SIGTERM);
	CHECK_NUMBER(host_wait(host), code);
	for (size_t i = 0; i < WAITING; i++) {
		CHECK_NUMBER(wire_read_all(sockets[i]).size, 0);
		close(sockets[i]);
	}
	CHECK_NUMBER(count_of(host_log(host), "fatal"), 0);
	close(fifo);
}

/* Threads that never come back are left behind, and nothing is torn down under them. */
static void who_never_comes_back_does_not_keep_a_stop(void)
{
	stop_in_spite_of(false, EX_TEMPFAIL);
}

static void who_never_comes_back_does_not_keep_a_tree(void)
{
	stop_in_spite_of(true, EX_TEMPFAIL);
}

/* ---- Deaths -------------------------------------------------------------------------------- */

static bool left_to_others(void)
{
	if (host_is_instrumented())
		puts("skipped: the instruments have handlers of their own");
	return host_is_instrumented();
}

static void check_line(const struct host *host, const char *expression)
{
	if (lines_matching(host_log(host), expression) != 1)
		CHECK_TEXT(host_log(host), text_of("one line like: %s", expression));
}

#define CHAIN " worker=inner chain=outer>middle>inner: "
#define FATAL "Z fatal request=[0-9a-f]{16}" CHAIN
#define LOST " requests? (is|are) lost$"

/* One request does that on its thread, while others wait on theirs and the loop answers. */
static void one_ends(const char *path, const char *line, const char *how, const char *function)
{
	struct host *host;
	struct loads loads;
	struct load_counts counts;

	if (left_to_others())
		return;
	host = tree_start(write_version(0, 2));
	loads = start_loads(host);
	CHECK_NUMBER(http_get(host, path)->status, 0);
	host_logged(host, text_of("of generation 1 ended (%s)", how));
	check_line(host, text_of("%s while it answered, request \"GET %s\", module '%s'$", line,
	                         path, fixture("serve_crash")));
	check_line(host, text_of("of generation 1 ended .*; worker 'inner', module version "
	                         "[0-9a-f]+; [0-9]+" LOST));
	if (*function)
		host_logged(host, text_of(" %s ", function));
	both_go_on(&loads);
	tree_has(host, 2);
	counts = stop_loads(&loads);
	no_more_lost_than(&counts, 1);
	tree_end(host);
}

static void a_crash_on_a_thread(void)
{
	one_ends("/null", FATAL "SIGSEGV \\(address not mapped\\) at 0x0", "SIGSEGV", "crash_null");
}

static void an_abort_on_a_thread(void)
{
	one_ends("/abort", FATAL "SIGABRT .*", "SIGABRT", "crash_abort");
}

static void a_stack_overflow_on_a_thread(void)
{
	one_ends("/overflow", FATAL "SIGSEGV \\(stack overflow\\) at 0x[0-9a-f]+", "SIGSEGV",
	         "crash_deeper");
}

static void an_exit_on_a_thread(void)
{
	one_ends("/exit", FATAL "called exit\\(3\\)", "exit code 70", "");
}

/* Nobody tells of these; the only thread in which a Worker ran is the one. */
static void who_is_killed_on_the_only_thread_is_named(void)
{
	struct host *host;

	if (left_to_others())
		return;
	host = tree_start(write_version(0, 1));
	CHECK_NUMBER(http_get(host, "/killed")->status, 0);
	host_logged(host, "of generation 1 ended (SIGKILL)");
	check_line(host, "Z error request=[0-9a-f]{16}" CHAIN
	                 "process [0-9]+ ended \\(SIGKILL\\) while it answered, request \"GET "
	                 "/killed\"");
	check_line(host, "of generation 1 ended \\(SIGKILL\\).*; worker 'inner', .*; 1" LOST);
	tree_has(host, 1);
	tree_end(host);
}

static void a_crash_after_the_reply(void)
{
	struct host *host;

	if (left_to_others())
		return;
	host = tree_start(write_version(0, 1));
	CHECK_TEXT(http_get(host, "/later/null")->body, "fine\n");
	host_logged(host, "of generation 1 ended (SIGSEGV)");
	check_line(host, "Z fatal request=[0-9a-f]{16} worker=inner: SIGSEGV .* in work for after "
	                 "the reply, request \"GET /later/null\"");
	tree_has(host, 1);
	tree_end(host);
}

/* Threads that wait have the loop's hang not excused, nor blamed on them. */
static void a_hang_beside_who_waits(void)
{
	struct host *host;
	struct loads loads;
	struct load_counts counts;

	if (left_to_others())
		return;
	host = tree_start(write_with("hang_timeout = 1s\n", 0, 2));
	loads = start_loads(host);
	CHECK_NUMBER(http_get(host, "/hang")->status, 0);
	host_logged(host, "of generation 1 ended (SIGABRT)");
	check_line(host, "Z fatal request=[0-9a-f]{16} worker=still: the loop has not turned for "
	                 "[0-9]+ ms, while it answered, request \"GET /hang\"");
	both_go_on(&loads);
	counts = stop_loads(&loads);
	no_more_lost_than(&counts, 1);
	tree_end(host);
}

/* The loop is what the watchdog looks at; a thread may take its time. */
static void who_waits_longer_than_a_hang_is_no_hang(void)
{
	struct host *host = tree_start(write_with("hang_timeout = 1s\n", 0, 1));

	CHECK_TEXT(http_get(host, "/slow?ms=3000")->body, "one");
	CHECK_NUMBER(count_of(host_log(host), " ended ("), 0);
	tree_end(host);
}

static pid_t one_of(const struct host *host)
{
	pid_t list[TREE_MOST];

	tree_has(host, 2);
	CU_ASSERT_FATAL(tree_hosts(host, list) == 2 && list[0] > 1);
	return list[0];
}

static void a_kill_costs_no_more_than_its_process(void)
{
	unsigned rounds = 3;
	struct host *host = tree_start(write_version(0, 2));
	struct loads loads = start_loads(host);
	struct load_counts counts;

	for (unsigned i = 1; i <= rounds; i++) {
		kill(one_of(host), SIGKILL);
		host_logged_times(host, "of generation 1 ended (SIGKILL)", i);
		both_go_on(&loads);
	}
	tree_has(host, 2);
	counts = stop_loads(&loads);
	no_more_lost_than(&counts, rounds);
	printf("%u kills: %s\n", rounds, load_text(&counts));
	tree_end(host);
}

static void without_a_supervisor_no_thread_stays(void)
{
	struct host *host = tree_start(write_version(0, 2));
	struct loads loads = start_loads(host);

	tree_behead(host);
	tree_is_gone();
	stop_loads(&loads);
}

/* ---- Quarantine ---------------------------------------------------------------------------- */

static const char *write_ill(void)
{
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "threads = " THREADS "\n"
	                     "access_log = off\n"
	                     "crash_limit = 3\n"
	                     "probation = 0s\n"
	                     "[worker slow]\n"
	                     "module = %s\n"
	                     "blocking = yes\n"
	                     "var.WAIT = 20ms\n"
	                     "var.TEXT = one\n"
	                     "route = /slow\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "route = /\n"
	                     "[worker outer]\n"
	                     "module = %s\n"
	                     "route = /*\n"
	                     "service.next = ill\n"
	                     "[worker ill]\n"
	                     "module = %s\n"
	                     "blocking = yes\n",
	                     fixture("serve_slow"), fixture("serve_hello"), fixture("serve_ill"),
	                     fixture("serve_crash"));
}

/* Its crashes are its own, whoever else was running; from then on its caller is told. */
static void who_crashes_too_often_is_left_out(void)
{
	struct host *host;
	struct loads loads;
	struct load_counts counts;

	if (left_to_others())
		return;
	host = tree_start(write_ill());
	loads = start_loads(host);
	CHECK_TEXT(http_get(host, "/well")->body, "fine\n");
	for (unsigned i = 1; i <= 3; i++) {
		CHECK_NUMBER(http_get(host, "/null")->status, 0);
		host_logged_times(host, "another takes its place", i);
	}
	host_logged(host, "worker 'ill' is in quarantine: it has crashed 3 times");
	for (unsigned i = 0; i < 10; i++)
		CHECK_TEXT(http_get(host, "/null")->body, "without it");
	both_go_on(&loads);
	counts = stop_loads(&loads);
	no_more_lost_than(&counts, 3);
	CHECK_NUMBER(count_of(host_log(host), "is in quarantine"), 1);
	tree_end(host);
}

TEST_MAIN("faults/waiting",
          TEST(no_reload_loses_who_waits),
          TEST(who_waits_longest_gets_the_old_reply),
          TEST(a_stop_loses_nobody_who_waits),
          TEST(a_stop_waits_for_who_waits),
          TEST(who_never_comes_back_does_not_keep_a_stop),
          TEST(who_never_comes_back_does_not_keep_a_tree),
          TEST(a_crash_on_a_thread),
          TEST(an_abort_on_a_thread),
          TEST(a_stack_overflow_on_a_thread),
          TEST(an_exit_on_a_thread),
          TEST(who_is_killed_on_the_only_thread_is_named),
          TEST(a_crash_after_the_reply),
          TEST(a_hang_beside_who_waits),
          TEST(who_waits_longer_than_a_hang_is_no_hang),
          TEST(a_kill_costs_no_more_than_its_process),
          TEST(without_a_supervisor_no_thread_stays),
          TEST(who_crashes_too_often_is_left_out))
