/* test_crash.c - processes that end at once, while clients never stop asking. */
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define FILE_NAME "crash.ini"
#define KEPT 6
#define FRESH 3

static const char *const greetings[] = { "one", "two" };

static const char *write_version(unsigned version)
{
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "access_log = off\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "var.TEXT = %s\n"
	                     "route = /*\n",
	                     fixture("serve_fall"), greetings[version]);
}

static struct load *start_load(const struct host *host)
{
	struct load *load = load_start(&(struct load_options){
		.port = host->port,
		.kept = KEPT,
		.fresh = FRESH,
		.greetings = { greetings[0], greetings[1] },
	});

	CHECK_NUMBER(load_reaches(load, -1, 100), true);
	return load;
}

/* Each client has one request under way, so no more than that can be lost in one crash. */
static void no_more_lost_than(const struct load_counts *counts, unsigned long crashes)
{
	unsigned long lost = counts->reset + counts->cut;

	if (lost > crashes * (KEPT + FRESH) || counts->wrong || counts->refused ||
	    counts->unanswered)
		CHECK_TEXT(load_text(counts), "only what was under way in the process is lost");
}

static bool is_among(pid_t pid, const pid_t *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == pid)
			return true;
	return false;
}

/* Waits until the one is away, and there are two again. */
static bool is_replaced(const struct host *host, pid_t pid)
{
	long long end = now_ms() + deadline_ms();
	pid_t list[TREE_MOST];

	while (tree_hosts(host, list) != 2 || is_among(pid, list, 2)) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

/* ---- One of two ---------------------------------------------------------------------------- */

static void one_goes(int signal, const char *name)
{
	struct host *host = tree_start(write_version(0));
	struct load *load = start_load(host);
	pid_t before[TREE_MOST], after[TREE_MOST];
	struct load_counts counts;

	CHECK_NUMBER(tree_hosts(host, before), 2);
	kill(before[0], signal);
	host_logged(host, text_of("host process %d of generation 1 ended (%s): another takes its "
	                          "place in 0 ms",
	                          (int)before[0], name));
	CHECK_NUMBER(is_replaced(host, before[0]), true);
	CHECK_NUMBER(load_reaches(load, -1, 200), true);
	tree_hosts(host, after);
	CHECK_NUMBER(is_among(before[1], after, 2), true);
	counts = load_stop(load);
	no_more_lost_than(&counts, 1);
	tree_end(host);
}

static void a_killed_process_is_replaced(void)
{
	one_goes(SIGKILL, "SIGKILL");
}

static void a_crashed_process_is_replaced(void)
{
	if (!host_is_instrumented()) /* a sanitizer takes the signal */
		one_goes(SIGSEGV, "SIGSEGV");
}

static void request_ends_its_process(const char *path, const char *how)
{
	struct host *host = tree_start(write_version(0));
	struct load *load = start_load(host);
	struct load_counts counts;

	for (unsigned i = 1; i <= 3; i++) {
		CHECK_NUMBER(http_get(host, path)->status, 0);
		host_logged_times(host, text_of("of generation 1 ended (%s)", how), i);
		CHECK_NUMBER(load_reaches(load, -1, 50), true);
	}
	tree_has(host, 2);
	counts = load_stop(load);
	no_more_lost_than(&counts, 3);
	tree_end(host);
}

static void a_request_that_crashes_costs_its_process(void)
{
	request_ends_its_process("/crash", "SIGSEGV");
}

/* The code that a host has for a missed deadline is no excuse. */
static void a_worker_that_exits_costs_its_process(void)
{
	request_ends_its_process("/exit", "exit code 70");
}

/* ---- Again and again ----------------------------------------------------------------------- */

static pid_t other_than(const struct host *host, pid_t stays)
{
	long long end = now_ms() + deadline_ms();
	pid_t list[TREE_MOST];

	while (tree_hosts(host, list) != 2) {
		if (now_ms() > end)
			return 0;
		nap();
	}
	return list[list[0] == stays];
}

static void who_crashes_again_waits_longer(void)
{
	static const unsigned pauses[] = { 0, 100, 200, 400 };
	struct host *host = tree_start(write_version(0));
	struct load *load = start_load(host);
	pid_t before[TREE_MOST];
	struct load_counts counts;

	CHECK_NUMBER(tree_hosts(host, before), 2);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		pid_t pid = other_than(host, before[0]);

		CU_ASSERT_FATAL(pid > 0);
		kill(pid, SIGKILL);
		host_logged(host, text_of("host process %d of generation 1 ended (SIGKILL): "
		                          "another takes its place in %u ms",
		                          (int)pid, pauses[i]));
	}
	tree_has(host, 2);
	CHECK_NUMBER(load_reaches(load, -1, 100), true);
	counts = load_stop(load);
	no_more_lost_than(&counts, sizeof(pauses) / sizeof(pauses[0]));
	tree_end(host);
}

/* ---- The supervisor ------------------------------------------------------------------------ */

static bool can_listen(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;
	int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can;

	setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	can = !bind(file, (struct sockaddr *)&address, sizeof(address)) && !listen(file, 1);
	close(file);
	return can;
}

static void without_a_supervisor_nothing_stays(void)
{
	struct host *host = tree_start(write_version(0));
	struct load *load = start_load(host);
	struct load_counts counts;
	int idle = wire_connect(host);

	tree_behead(host);
	tree_is_gone();
	CHECK_NUMBER(can_listen(host->port), true);
	counts = load_stop(load);
	CHECK_NUMBER(counts.wrong + counts.cut + counts.unanswered, 0);
	close(idle);
}

TEST_MAIN("faults/crash",
          TEST(a_killed_process_is_replaced),
          TEST(a_crashed_process_is_replaced),
          TEST(a_request_that_crashes_costs_its_process),
          TEST(a_worker_that_exits_costs_its_process),
          TEST(who_crashes_again_waits_longer),
          TEST(without_a_supervisor_nothing_stays))
