/* test_reload.c - new generations of processes while clients never stop asking. */
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "reload.ini"

/* Each greeting comes from a module of its own. */
static const char *const greetings[] = { "one", "two" };
static const char *const modules[] = { "serve_fall", "serve_hello" };

static const char *write_version(unsigned version, unsigned processes)
{
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = %u\n"
	                     "access_log = off\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "var.TEXT = %s\n"
	                     "route = /*\n",
	                     processes, fixture(modules[version]), greetings[version]);
}

static struct load *start_load(const struct host *host)
{
	return load_start(&(struct load_options){
		.port = host->port,
		.kept = 6,
		.fresh = 3,
		.greetings = { greetings[0], greetings[1] },
	});
}

static void reload(struct host *host, unsigned generation)
{
	host_signal(host, SIGHUP);
	host_logged(host, text_of("generation %u serves with", generation));
}

static void nothing_failed(const struct load_counts *counts)
{
	if (!CHECK_NUMBER(load_failed(counts), 0))
		printf("%s\n", load_text(counts));
}

/* ---- Good ones ----------------------------------------------------------------------------- */

static unsigned processes_of(unsigned version)
{
	return version ? 3 : 2;
}

/* To the other version, and until the one before has gone. */
static void change(struct host *host, struct load *load, unsigned number)
{
	unsigned version = number % 2;

	write_version(version, processes_of(version));
	reload(host, number + 1);
	CHECK_NUMBER(load_reaches(load, (int)version, 50), true);
}

static void no_reload_loses_a_request(void)
{
	unsigned rounds = tree_rounds("TN_RELOADS", 20);
	unsigned settled = rounds / 4;
	struct host *host = tree_start(write_version(0, 2));
	struct load *load = start_load(host);
	unsigned descriptors = 0;
	long memory = 0;
	struct load_counts counts;

	CHECK_NUMBER(load_reaches(load, 0, 50), true);
	for (unsigned i = 1; i <= rounds; i++) {
		change(host, load, i);
		if (i != settled && i != rounds)
			continue;
		host_logged_times(host, "has gone", i);
		tree_has(host, processes_of(i % 2));
		if (i == settled) {
			memory = tree_memory(host);
			descriptors = tree_descriptors(host) - processes_of(i % 2);
		}
	}
	CHECK_NUMBER(tree_descriptors(host) - processes_of(rounds % 2), descriptors);
	if (!host_is_instrumented())
		CHECK_NUMBER(tree_memory(host) <= memory + 256, true);
	counts = load_stop(load);
	nothing_failed(&counts);
	CHECK_NUMBER(counts.again, 0); /* an idle connection has its next request answered */
	CHECK_NUMBER(counts.by_greeting[0] && counts.by_greeting[1], true);
	printf("%u reloads: %s\n", rounds, load_text(&counts));
	tree_end(host);
}

/* However many come at once, what is served in the end is what the file says in the end. */
static void reloads_at_once_are_folded(void)
{
	struct host *host = tree_start(write_version(0, 2));
	struct load *load = start_load(host);
	struct load_counts counts;

	CHECK_NUMBER(load_reaches(load, 0, 10), true);
	write_version(1, 3);
	for (unsigned i = 0; i < 50; i++)
		host_signal(host, SIGHUP);
	CHECK_NUMBER(load_reaches(load, 1, 100), true);
	tree_has(host, 3);
	counts = load_stop(load);
	nothing_failed(&counts);
	CHECK_TEXT(http_get(host, "/")->body, "two");
	/* All at once, or some while the first was under way, and those are one. */
	CHECK_NUMBER(count_of(host_log(host), "reading ") <= 50, true);
	tree_end(host);
}

/* ---- What takes long ----------------------------------------------------------------------- */

static const char *write_waiting(const char *fifo)
{
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 1\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "var.TEXT = one\n"
	                     "var.FIFO = %s\n"
	                     "route = /*\n",
	                     fixture("serve_fall"), fifo);
}

static void release_fifo(const char *fifo)
{
	int file = open(fifo, O_WRONLY | O_CLOEXEC);

	if (file < 0 || write(file, "x", 1) != 1)
		give_up(fifo);
	close(file);
}

static void what_takes_long_gets_the_old_reply(void)
{
	const char *fifo = scratch_path("fifo");
	struct host *host;
	struct wire_bytes reply;
	int socket;

	if (mkfifo(fifo, 0600))
		give_up(fifo);
	host = tree_start(write_waiting(fifo));
	socket = wire_connect(host);
	wire_text(socket, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
	host_logged(host, "waits in the request");
	write_version(1, 2);
	reload(host, 2);
	host_logged(host, "1 process(es) from before generation 2 may let clients in yet");
	CHECK_TEXT(http_get(host, "/")->body, "two");
	tree_has(host, 3);
	release_fifo(fifo);
	reply = wire_read(socket, 1);
	close(socket);
	CHECK_NUMBER(wire_status(&reply), 200);
	CHECK_TEXT(strstr(reply.data, "\r\n\r\n"), "\r\n\r\none");
	host_logged(host, "generation 1 has gone");
	tree_has(host, 2);
	tree_end(host);
}

/* ---- Handing over -------------------------------------------------------------------------- */

static void check_order(const struct host *host, const char *first, const char *second)
{
	const char *log = host_log(host);
	const char *one = strstr(log, first);
	const char *other = strstr(log, second);

	if (!one || !other || one > other)
		CHECK_TEXT(log, text_of("\"%s\" before \"%s\"", first, second));
}

/* So that who connects when a reload has been told of is never let in by an old one. */
static void the_old_ones_close_before_a_reload_is_told(void)
{
	struct host *host = tree_start(write_version(0, 2));
	const char *log, *told;

	for (unsigned i = 1; i <= 10; i++) {
		write_version(i % 2, 2);
		reload(host, i + 1);
		log = host_log(host);
		told = strstr(log, text_of("generation %u serves with", i + 1));
		CHECK_NUMBER(count_of(text_of("%.*s", (int)(told - log), log), "SIGHUP: stopping"),
		             2 * i);
		CHECK_TEXT(http_get(host, "/")->body, greetings[i % 2]);
	}
	tree_end(host);
}

/* The process of the one generation that there is, which then stands still. */
static pid_t hold_one(const struct host *host)
{
	pid_t list[TREE_MOST];

	tree_has(host, 1);
	CU_ASSERT_FATAL(tree_hosts(host, list) == 1 && list[0] > 1);
	kill(list[0], SIGSTOP);
	return list[0];
}

/* Its processes let clients in, and what was before it is about to close. */
static void generation_comes(unsigned generation)
{
	const char *const words[] = { "status", scratch_path(FILE_NAME), NULL };
	const char *wanted = text_of("generation %u serves since", generation);
	long long end = now_ms() + deadline_ms();
	bool comes;

	while (!(comes = count_of(tenon_run(words, NULL).out, wanted)) && now_ms() < end)
		nap();
	CHECK_NUMBER(comes, true);
}

static void the_next_reload_waits_for_a_handover(void)
{
	struct host *host = tree_start(write_version(0, 1));
	pid_t old = hold_one(host);

	write_version(1, 1);
	host_signal(host, SIGHUP);
	generation_comes(2);
	write_version(0, 1);
	host_signal(host, SIGHUP);
	CHECK_TEXT(http_get(host, "/")->body, "two");
	kill(old, SIGCONT);
	host_logged(host, "generation 3 serves with");
	CHECK_TEXT(http_get(host, "/")->body, "one");
	host_logged_times(host, "has gone", 2);
	CHECK_NUMBER(count_of(host_log(host), "reading "), 2);
	check_order(host, "reading ", "generation 2 serves with");
	CHECK_NUMBER(count_of(strstr(host_log(host), "generation 2 serves with"), "reading "), 1);
	tree_end(host);
}

/* It is told of first: the new one does serve. */
static void a_stop_ends_a_handover(void)
{
	struct host *host = tree_start(write_version(0, 1));
	pid_t old = hold_one(host);

	write_version(1, 1);
	host_signal(host, SIGHUP);
	generation_comes(2);
	host_signal(host, SIGTERM);
	host_logged(host, "SIGTERM: stopping");
	kill(old, SIGCONT);
	CHECK_NUMBER(host_wait(host), 0);
	check_order(host, "generation 2 serves with", "SIGTERM: stopping");
	tree_is_gone();
}

/* Who dies lets nobody in, either. */
static void a_death_ends_a_handover(void)
{
	struct host *host = tree_start(write_version(0, 1));
	pid_t old = hold_one(host);

	write_version(1, 1);
	host_signal(host, SIGHUP);
	generation_comes(2);
	kill(old, SIGKILL);
	host_logged(host, "generation 1 has gone");
	check_order(host, "generation 2 serves with", "generation 1 has gone");
	tree_end(host);
}

/* ---- Bad ones ------------------------------------------------------------------------------ */

/* What is in the file, behind [host], its address and a short ready_timeout. */
static const char *bad_start(const char *what)
{
	return text_of("[worker hello]\nmodule = %s\nvar.DO = %s\nroute = /*\n",
	               fixture("mistake_start"), what);
}

static const char *bad_module(const char *name)
{
	return text_of("[worker hello]\nmodule = %s\nroute = /*\n", fixture(name));
}

static void refuse(struct host *host, struct load *load, unsigned times, const char *text)
{
	scratch_write(FILE_NAME,
	              "[host]\nlisten = 127.0.0.1:0\nprocesses = 2\nready_timeout = 1s\n%s", text);
	host_signal(host, SIGHUP);
	host_logged_times(host, "generation 1 goes on", times);
	CHECK_NUMBER(load_reaches(load, 0, 20), true);
	tree_has(host, 2);
}

static void refuse_all(struct host *host, struct load *load)
{
	static const char *const starts[] = { "fail", "crash", "exit", "hang" };
	static const char *const mistakes[] = { "mistake_crash", "mistake_abort", "mistake_exit",
		                                "mistake_hang", "mistake_abi",
		                                "mistake_no_worker", "there_is_none" };
	unsigned times = 0;

	refuse(host, load, ++times, "[worker\n");
	refuse(host, load, ++times, "[worker hello]\nroute = /*\n");
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		refuse(host, load, ++times, bad_start(starts[i]));
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		refuse(host, load, ++times, bad_module(mistakes[i]));
	unlink(scratch_path(FILE_NAME));
	host_signal(host, SIGHUP);
	host_logged_times(host, "generation 1 goes on", ++times);
}

static void what_cannot_serve_changes_nothing(void)
{
	struct host *host = tree_start(write_version(0, 2));
	struct load *load = start_load(host);
	unsigned descriptors = tree_descriptors(host);
	pid_t before[TREE_MOST], after[TREE_MOST];
	struct load_counts counts;

	CHECK_NUMBER(load_reaches(load, 0, 10), true);
	CHECK_NUMBER(tree_hosts(host, before), 2);
	refuse_all(host, load);
	CHECK_NUMBER(load_reaches(load, 0, 100), true);
	CHECK_NUMBER(tree_hosts(host, after), 2);
	CHECK_NUMBER(before[0] == after[0] && before[1] == after[1], true);
	CHECK_NUMBER(tree_descriptors(host), descriptors);
	write_version(1, 2);
	host_signal(host, SIGHUP);
	CHECK_NUMBER(load_reaches(load, 1, 50), true);
	counts = load_stop(load);
	nothing_failed(&counts);
	CHECK_NUMBER(counts.again, 0);
	host_signal(host, SIGTERM); /* not host_end: a start hook that crashes is in the log */
	CHECK_NUMBER(host_wait(host), 0);
	tree_is_gone();
}

/* ---- Stopping ------------------------------------------------------------------------------ */

/*
 * Who comes too late is refused; all others are answered. But the kernel may let one more in
 * between the last look at a socket's queue and its close, and resets that one.
 */
#define SOCKETS 2

static void nothing_accepted_is_lost(struct host *host, struct load *load)
{
	long long end = now_ms() + deadline_ms();
	struct load_counts counts;

	CHECK_NUMBER(load_reaches(load, -1, 200), true);
	host_signal(host, SIGTERM);
	CHECK_NUMBER(host_wait(host), 0);
	while (!load_counts(load).refused && now_ms() < end)
		nap();
	counts = load_stop(load);
	if (!CHECK_NUMBER(load_failed(&counts), counts.refused + counts.reset))
		printf("%s\n", load_text(&counts));
	if (counts.reset > SOCKETS)
		CHECK_TEXT(load_text(&counts), "no more than one reset for each socket");
	CHECK_NUMBER(counts.refused > 0, true);
	tree_is_gone();
}

static void a_stop_loses_nothing(void)
{
	struct host *host = tree_start(write_version(0, 2));

	nothing_accepted_is_lost(host, start_load(host));
}

static void a_stop_during_a_reload_loses_nothing(void)
{
	struct host *host = tree_start(write_version(0, 2));
	struct load *load = start_load(host);

	scratch_write(FILE_NAME, "[host]\nlisten = 127.0.0.1:0\nprocesses = 2\n%s",
	              bad_start("hang"));
	host_signal(host, SIGHUP);
	tree_has(host, 3);
	nothing_accepted_is_lost(host, load);
	CHECK_NUMBER(count_of(host_log(host), "generation 2 serves"), 0);
}

/* The old processes learn of both at almost the same time. */
static void a_stop_right_after_a_reload_loses_nothing(void)
{
	struct host *host = tree_start(write_version(0, 2));
	struct load *load = start_load(host);

	CHECK_NUMBER(load_reaches(load, 0, 100), true);
	write_version(1, 3);
	host_signal(host, SIGHUP);
	CHECK_NUMBER(load_reaches(load, 1, 1), true);
	nothing_accepted_is_lost(host, load);
}

TEST_MAIN("faults/reload",
          TEST(no_reload_loses_a_request),
          TEST(reloads_at_once_are_folded),
          TEST(what_takes_long_gets_the_old_reply),
          TEST(the_old_ones_close_before_a_reload_is_told),
          TEST(the_next_reload_waits_for_a_handover),
          TEST(a_stop_ends_a_handover),
          TEST(a_death_ends_a_handover),
          TEST(what_cannot_serve_changes_nothing),
          TEST(a_stop_loses_nothing),
          TEST(a_stop_during_a_reload_loses_nothing),
          TEST(a_stop_right_after_a_reload_loses_nothing))
