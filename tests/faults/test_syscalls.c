/*
 * test_syscalls.c - each system call of the supervisor and of its hosts fails, the first, the
 * second, and so on, until it is made no more: what served goes on, and all recovers by itself.
 */
#include "faults/inject.h"
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#define FILE_NAME "syscalls.ini"
#define PROCESSES 2
#define REST_MS 2
#define SERVING "\"state\": \"serving\""

struct fault {
	enum inject_call call;
	int error;
};

/* What the manual pages name, and what is plausible. */
static const struct fault faults[] = {
	{ INJECT_accept4, EMFILE },
	{ INJECT_dup, EMFILE },
	{ INJECT_epoll_create1, EMFILE },
	{ INJECT_epoll_ctl, ENOMEM },
	{ INJECT_fdopen, ENOMEM },
	{ INJECT_fexecve, ENOMEM },
	{ INJECT_fork, EAGAIN },
	{ INJECT_ftruncate, ENOSPC },
	{ INJECT_malloc, ENOMEM },
	{ INJECT_memfd_create, ENFILE },
	{ INJECT_mkdir, ENOSPC },
	{ INJECT_mkdtemp, ENOSPC },
	{ INJECT_mmap, ENOMEM },
	{ INJECT_open, EMFILE },
	{ INJECT_open_memstream, ENOMEM },
	{ INJECT_openat, ENFILE },
	{ INJECT_opendir, EMFILE },
	{ INJECT_pipe2, EMFILE },
	{ INJECT_pwrite, ENOSPC },
	{ INJECT_rename, ENOSPC },
	{ INJECT_send, ENOBUFS },
	{ INJECT_sendmsg, ENOBUFS },
	{ INJECT_signalfd, EMFILE },
	{ INJECT_socket, EMFILE },
	{ INJECT_socketpair, EMFILE },
	{ INJECT_write, ENOSPC },
};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

static const char *path;

static const char *write_file(void)
{
	scratch_write("syscalls.token", "secret");
	path = scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "probation = 0s\n" /* what served before would be counted, too */
	                     "listen = 127.0.0.1:0\n"
	                     "processes = %d\n"
	                     "ready_timeout = 10s\n"
	                     "access_log = %s\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "var.TEXT = one\n"
	                     "route = /*\n"
	                     "[worker counter]\n"
	                     "module = %s\n"
	                     "route = /count\n"
	                     "[worker token]\n"
	                     "module = %s\n"
	                     "secret.TOKEN = file:%s\n"
	                     "route = /token\n",
	                     PROCESSES, scratch_path("access.log"), fixture("serve_fall"),
	                     fixture("serve_count"), fixture("load_appends"),
	                     scratch_path("syscalls.token"));
	return path;
}

static struct host *start(void)
{
	inject_open();
	inject_nothing();
	return tree_start_with(write_file(), inject_environment());
}

static struct load *start_load(const struct host *host, unsigned rest)
{
	struct load *load = load_start(&(struct load_options){ .port = host->port,
	                                                       .kept = 2,
	                                                       .fresh = 2,
	                                                       .rest = rest,
	                                                       .greetings = { "one" } });

	CHECK_NUMBER(load_reaches(load, 0, 20), true);
	return load;
}

static struct finished tell(const char *command)
{
	return tenon_run((const char *const[]){ command, path, NULL }, NULL);
}

/* ---- What is to be found afterwards -------------------------------------------------------- */

static const char *text_of_fault(const struct inject_order *order)
{
	static const char *const where[] = { "the supervisor", "a host", "a new host" };

	return text_of("%s %u%s fails in %s (%s)", inject_name(order->call), order->first,
	               order->last == order->first ? "" : " and after", where[order->where],
	               strerrorname_np(order->error));
}

/* What it does is told with the fault. */
static void expect(bool fine, const struct inject_order *order, const struct host *host,
                   const char *what)
{
	if (!fine)
		CHECK_TEXT(text_of("%s: %s; its log:\n%s", text_of_fault(order), what,
		                   host_log(host)),
		           "");
}

static bool settles(const struct host *host, unsigned descriptors)
{
	long long end = now_ms() + deadline_ms();
	pid_t list[TREE_MOST];

	while (tree_hosts(host, list) != PROCESSES || tree_descriptors(host) != descriptors) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

/* All processes serve, whoever has asked for it. */
static bool is_whole(void)
{
	struct finished status =
		tenon_run((const char *const[]){ "status", "--json", path, NULL }, NULL);

	return status.code == 0 && count_of(status.out, SERVING) == PROCESSES + 1;
}

static bool becomes_whole(void)
{
	long long end = now_ms() + deadline_ms();

	while (!is_whole()) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

static bool answers(const struct host *host)
{
	const struct http_reply *reply = http_get(host, "/");

	return reply->status == 200 && strcmp(reply->body, "one") == 0;
}

/* Nothing fails any more. */
static void recovers(const struct host *host, const struct inject_order *order,
                     unsigned descriptors)
{
	struct finished reload = tell("reload");

	expect(reload.code == 0, order, host, text_of("no reload afterwards: %s", reload.err));
	expect(settles(host, descriptors), order, host,
	       text_of("%u descriptors afterwards, not %u", tree_descriptors(host), descriptors));
	expect(answers(host), order, host, "requests are not answered after the reload");
}

/* ---- Scenarios ----------------------------------------------------------------------------- */

typedef void scenario(const struct host *host, const struct inject_order *order);

/* It ends, and where it is refused it says why. */
static void ask(const char *command, const struct host *host, const struct inject_order *order)
{
	struct finished finished = tell(command);

	expect(finished.code >= 0, order, host, text_of("`%s` does not end", command));
	expect(finished.code == 0 || *finished.err, order, host,
	       text_of("`%s` ends with %d and no reason", command, finished.code));
}

static void reload(const struct host *host, const struct inject_order *order)
{
	ask("reload", host, order);
}

static void status(const struct host *host, const struct inject_order *order)
{
	ask("status", host, order);
}

/* It is over when the call has failed, or all is as before. */
static void replacement(const struct host *host, const struct inject_order *order)
{
	long long end = now_ms() + deadline_ms();
	pid_t list[TREE_MOST];

	if (!CHECK_NUMBER(tree_hosts(host, list), PROCESSES))
		return;
	kill(list[0], SIGKILL);
	while (kill(list[0], 0) == 0 && now_ms() < end)
		nap();
	while (inject_met() < order->first && !is_whole() && now_ms() < end)
		nap();
	expect(now_ms() < end, order, host, "no replacement, and no failure");
}

static bool try_order(const struct host *host, scenario *run, const struct inject_order *order,
                      unsigned descriptors)
{
	bool met;

	inject_fail(order);
	run(host, order);
	met = inject_met() >= order->first;
	inject_nothing();
	if (!met && run != replacement) /* it was as any other */
		return false;
	if (run != replacement) /* what waits for a process that is replaced waits */
		expect(answers(host), order, host, "requests are not answered");
	recovers(host, order, descriptors);
	return met;
}

/* One call, then another, then all; but who asks must be let in to be told. Returns how often that
 * was met. */
static unsigned try_fault(const struct host *host, scenario *run, const struct fault *fault,
                          enum inject_where where, unsigned descriptors)
{
	struct inject_order order = { fault->call, fault->error, where, 1, 1 };
	unsigned most = tree_rounds("TN_FAULTS", 1);

	while (order.first <= most && !CU_get_number_of_failure_records() &&
	       try_order(host, run, &order, descriptors))
		order.last = ++order.first;
	if (order.first == 1 || fault->call == INJECT_accept4 ||
	    CU_get_number_of_failure_records())
		return order.first - 1;
	most = order.first;
	order.first = 1;
	order.last = INJECT_ALWAYS;
	try_order(host, run, &order, descriptors);
	return most;
}

static unsigned try_all(const struct host *host, scenario *run, enum inject_where where)
{
	unsigned descriptors = tree_descriptors(host); /* no generation is leaving yet */
	unsigned failed = 0;

	CHECK_NUMBER(settles(host, descriptors), true);
	for (size_t i = 0; i < FAULTS; i++)
		failed += try_fault(host, run, &faults[i], where, descriptors);
	return failed;
}

/* The clients rest, so that the time is the host's. */
static void try_under_load(const char *name, scenario *run, enum inject_where where, bool loses)
{
	struct host *host = start();
	struct load *load = start_load(host, REST_MS);
	unsigned failed = try_all(host, run, where);
	struct load_counts counts = load_stop(load);

	printf("%s: %u calls failed; %s\n", name, failed, load_text(&counts));
	CHECK_NUMBER(failed > 0, true);
	CHECK_NUMBER(counts.wrong + counts.refused + counts.unanswered, 0);
	if (!loses)
		CHECK_NUMBER(load_failed(&counts), 0);
	tree_end(host);
}

static void a_reload_that_the_supervisor_cannot_make(void)
{
	try_under_load("reload, supervisor", reload, INJECT_SUPERVISOR, false);
}

static void a_reload_that_the_new_processes_cannot_make(void)
{
	try_under_load("reload, new hosts", reload, INJECT_NEW_HOSTS, true);
}

static void a_status_that_cannot_be_told(void)
{
	try_under_load("status, supervisor", status, INJECT_SUPERVISOR, false);
}

static void a_process_that_cannot_be_replaced(void)
{
	try_under_load("replacement, supervisor", replacement, INJECT_SUPERVISOR, true);
}

static void a_replacement_that_cannot_start(void)
{
	try_under_load("replacement, new hosts", replacement, INJECT_NEW_HOSTS, true);
}

/* Without a reload that starts all of them anew. */
static void a_replacement_comes_in_the_end(void)
{
	struct host *host = start();
	struct inject_order order = { INJECT_fork, EAGAIN, INJECT_SUPERVISOR, 1, 1 };

	inject_fail(&order);
	replacement(host, &order);
	CHECK_NUMBER(inject_met(), 1);
	CHECK_NUMBER(answers(host), true);
	expect(becomes_whole(), &order, host, "no replacement");
	tree_end(host);
}

/* ---- Starting ------------------------------------------------------------------------------ */

/* It serves, or it ends with a reason and leaves nothing. Returns whether the call was made. */
static bool start_with(const struct inject_order *order)
{
	struct host *host;
	bool met, ready;

	inject_fail(order);
	host = tree_spawn(write_file(), inject_environment());
	ready = host_ready(host);
	met = inject_met() >= order->first;
	inject_nothing();
	if (ready) {
		expect(answers(host), order, host, "requests are not answered");
		/* Without a control socket nobody can ask; then no process has failed. */
		expect(order->where == INJECT_SUPERVISOR || becomes_whole(), order, host,
		       "not all processes serve");
		tree_end(host);
		return met;
	}
	expect(host->ended && host->code > 0, order, host, text_of("it ends with %d", host->code));
	expect(*host_log(host), order, host, "no reason");
	expect(!strstr(host_log(host), "Sanitizer"), order, host, "a sanitizer complains");
	tree_is_gone();
	return met;
}

static void a_start_that_fails(enum inject_where where)
{
	unsigned most = tree_rounds("TN_FAULTS", 1);
	unsigned failed = 0;

	inject_open();
	for (size_t i = 0; i < FAULTS; i++) {
		struct inject_order order = { faults[i].call, faults[i].error, where, 1, 1 };

		while (order.first <= most && !CU_get_number_of_failure_records() &&
		       start_with(&order))
			order.last = ++order.first;
		failed += order.first - 1;
	}
	CHECK_NUMBER(failed > 0, true);
}

static void a_supervisor_that_cannot_start(void)
{
	a_start_that_fails(INJECT_SUPERVISOR);
}

static void first_processes_that_cannot_start(void)
{
	a_start_that_fails(INJECT_NEW_HOSTS);
}

/* ---- Serving ------------------------------------------------------------------------------- */

static const struct fault serving[] = {
	{ INJECT_accept4, EMFILE },
	{ INJECT_accept4, ENFILE },
	{ INJECT_accept4, ENOMEM },
	{ INJECT_accept4, ENOBUFS },
	{ INJECT_epoll_ctl, ENOMEM },
	{ INJECT_epoll_ctl, ENOSPC },
	{ INJECT_sendmsg, ENOBUFS },
	{ INJECT_write, ENOSPC },
};

/* What fails may cost the requests that it fails for. */
static bool may_lose(const struct fault *fault)
{
	return fault->call != INJECT_accept4 && fault->call != INJECT_write;
}

/* Each of the processes takes its share of fresh connections. */
static void all_answer(const struct host *host, const struct inject_order *order)
{
	pid_t list[TREE_MOST];
	unsigned seen[PROCESSES] = { 0 };

	CHECK_NUMBER(tree_hosts(host, list), PROCESSES);
	for (unsigned i = 0; i < 32; i++) {
		const struct http_reply *reply = http_get(host, "/pid");

		expect(reply->status == 200, order, host, text_of("status %d", reply->status));
		for (size_t j = 0; j < PROCESSES; j++)
			seen[j] += reply->status && strtol(reply->body, NULL, 10) == list[j];
	}
	for (size_t j = 0; j < PROCESSES; j++)
		expect(seen[j] > 0, order, host, "a process answers nothing");
}

static void serve_with(struct host *host, const struct fault *fault, unsigned calls)
{
	struct inject_order order = { fault->call, fault->error, INJECT_HOSTS, 1, calls };
	struct load *load = start_load(host, 0);
	long long end = now_ms() + deadline_ms();
	struct load_counts counts;

	inject_fail(&order);
	while (inject_met() < calls && now_ms() < end)
		nap();
	inject_nothing();
	expect(now_ms() < end, &order, host, "it is not called");
	expect(load_reaches(load, 0, 100), &order, host, "requests are not answered");
	counts = load_stop(load);
	expect(!load_failed(&counts) || may_lose(fault), &order, host, load_text(&counts));
	expect(load_failed(&counts) <= calls, &order, host, load_text(&counts));
	all_answer(host, &order);
}

static void calls_that_fail_while_it_serves(void)
{
	struct host *host = start();
	pid_t before[TREE_MOST], after[TREE_MOST];

	CHECK_NUMBER(tree_hosts(host, before), PROCESSES);
	for (size_t i = 0; i < sizeof(serving) / sizeof(serving[0]); i++) {
		serve_with(host, &serving[i], 1);
		serve_with(host, &serving[i], 6);
	}
	CHECK_NUMBER(tree_hosts(host, after), PROCESSES);
	CHECK_NUMBER(memcmp(before, after, PROCESSES * sizeof(before[0])), 0);
	tree_end(host);
}

/* A body takes more than what is kept for a request. */
static int post(const struct host *host)
{
	static const char body[64 * 1024];

	return http(host, &(struct http_request){
				  .method = "POST", .body = body, .body_size = sizeof(body) })
	        ->status;
}

static void no_memory_costs_the_request(void)
{
	struct host *host = start();
	struct inject_order order = { INJECT_malloc, ENOMEM, INJECT_HOSTS, 1, INJECT_ALWAYS };
	pid_t before[TREE_MOST], after[TREE_MOST];

	if (host_is_instrumented()) { /* a sanitizer has its own malloc */
		printf("not with a sanitizer\n");
		tree_end(host);
		return;
	}
	CHECK_NUMBER(tree_hosts(host, before), PROCESSES);
	all_answer(host, &order); /* so each keeps what a small request takes */
	inject_fail(&order);
	CHECK_NUMBER(post(host), 500);
	CHECK_NUMBER(inject_met() > 0, true);
	inject_nothing();
	CHECK_NUMBER(post(host), 200);
	all_answer(host, &order);
	CHECK_NUMBER(tree_hosts(host, after), PROCESSES);
	CHECK_NUMBER(memcmp(before, after, PROCESSES * sizeof(before[0])), 0);
	tree_end(host);
}

/* Neither the log nor the access log can be written. */
static void a_full_disk_stops_nothing(void)
{
	struct host *host = start();
	struct load *load = start_load(host, 0);
	struct load_counts counts;

	inject_fail(&(struct inject_order){ INJECT_write_to_log, ENOSPC, INJECT_SUPERVISOR, 1,
	                                    INJECT_ALWAYS });
	CHECK_NUMBER(tell("reload").code, 0);
	CHECK_NUMBER(tell("status").code, 0);
	CHECK_NUMBER(load_reaches(load, 0, 50), true);
	inject_fail(&(struct inject_order){ INJECT_write, ENOSPC, INJECT_HOSTS, 1, INJECT_ALWAYS });
	CHECK_NUMBER(load_reaches(load, 0, 50), true);
	inject_nothing();
	CHECK_NUMBER(load_reaches(load, 0, 50), true);
	counts = load_stop(load);
	CHECK_NUMBER(load_failed(&counts), 0);
	host_logged(host, "bytes were dropped");
	CHECK_NUMBER(tell("reload").code, 0);
	tree_end(host);
}

TEST_MAIN("faults/syscalls",
          TEST(a_reload_that_the_supervisor_cannot_make),
          TEST(a_reload_that_the_new_processes_cannot_make),
          TEST(a_status_that_cannot_be_told),
          TEST(a_process_that_cannot_be_replaced),
          TEST(a_replacement_that_cannot_start),
          TEST(a_replacement_comes_in_the_end),
          TEST(a_supervisor_that_cannot_start),
          TEST(first_processes_that_cannot_start),
          TEST(calls_that_fail_while_it_serves),
          TEST(no_memory_costs_the_request),
          TEST(a_full_disk_stops_nothing))
