/* test_ratelimit.c - the buckets of plugins/ratelimit.c: four processes, reloads and crashes. */
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKENS 1000

/* A bucket that does not fill while a test lasts: the next token comes after hours. */
static const char *write_file(unsigned tokens)
{
	return scratch_write("ratelimit.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 4\n"
	                     "access_log = off\n"
	                     "[worker front]\n"
	                     "module = %s\n"
	                     "route = /*\n"
	                     "service.next = behind\n"
	                     "var.REQUESTS = %u\n"
	                     "var.PERIOD = 100d\n"
	                     "[worker behind]\n"
	                     "module = %s\n"
	                     "var.GREETING = let through\n",
	                     plugin("ratelimit"), tokens, plugin("application"));
}

/* What is let through is right, and what is refused is wrong. With a rest between the requests,
 * some tokens are left for what the test does meanwhile. */
static struct load *start_load(const struct host *host, unsigned rest)
{
	return load_start(&(struct load_options){
		.port = host->port,
		.kept = 4,
		.fresh = 4,
		.rest = rest,
		.greetings = { "let through\n" },
	});
}

static void load_refused(struct load *load)
{
	long long end = now_ms() + deadline_ms();

	while (load_counts(load).wrong < 100 && now_ms() < end)
		nap();
}

static void reload(struct host *host, unsigned generation)
{
	host_signal(host, SIGHUP);
	host_logged(host, text_of("generation %u serves with", generation));
}

/* The status that a client of that address gets. */
static int ask_from(const struct host *host, const char *address)
{
	int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)host->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct wire_bytes reply;
	int status;

	inet_pton(AF_INET, address, &from.sin_addr);
	CU_ASSERT_FATAL(bind(socket_, (struct sockaddr *)&from, sizeof(from)) == 0);
	CU_ASSERT_FATAL(connect(socket_, (struct sockaddr *)&to, sizeof(to)) == 0);
	wire_text(socket_, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	reply = wire_read_all(socket_);
	status = wire_status(&reply);
	close(socket_);
	return status;
}

static void four_processes_give_each_token_once(void)
{
	struct host *host = tree_start(write_file(TOKENS));
	struct load *load = start_load(host, 0);
	struct load_counts counts;

	load_refused(load);
	counts = load_stop(load);
	CHECK_NUMBER(counts.right, TOKENS);
	CHECK_NUMBER(load_failed(&counts), counts.wrong);
	CHECK_NUMBER(ask_from(host, "127.0.0.1"), 429);
	CHECK_NUMBER(ask_from(host, "127.0.0.2"), 200);
	tree_end(host);
}

static void reloads_give_no_token_back(void)
{
	struct host *host = tree_start(write_file(TOKENS));
	struct load *load = start_load(host, 10);
	struct load_counts counts;

	for (unsigned i = 0; i < 3; i++)
		reload(host, i + 2);
	load_refused(load);
	counts = load_stop(load);
	CHECK_NUMBER(counts.right, TOKENS);
	CHECK_NUMBER(load_failed(&counts), counts.wrong);
	tree_end(host);
}

/* Until so many more were answered, from whatever bucket: on a slow machine it is empty before all
 * of the processes have been killed. */
static void load_answered(struct load *load, unsigned long more)
{
	struct load_counts counts = load_counts(load);
	unsigned long wanted = counts.right + counts.wrong + more;
	long long end = now_ms() + deadline_ms();

	while (counts.right + counts.wrong < wanted && now_ms() < end) {
		nap();
		counts = load_counts(load);
	}
	CU_ASSERT(counts.right + counts.wrong >= wanted);
}

/* A process that is killed may have taken a token for a reply that nobody got. */
static void crashes_give_no_token_back(void)
{
	struct host *host = tree_start(write_file(TOKENS));
	struct load *load = start_load(host, 10);
	struct load_counts counts;
	pid_t list[TREE_MOST];

	for (unsigned i = 0; i < 3; i++) {
		load_answered(load, 10);
		CU_ASSERT_FATAL(tree_has(host, 4) && tree_hosts(host, list) == 4);
		kill(list[i], SIGKILL);
	}
	tree_has(host, 4);
	load_refused(load);
	counts = load_stop(load);
	CU_ASSERT(counts.right <= TOKENS);
	CU_ASSERT(counts.right + load_failed(&counts) - counts.wrong + counts.again >= TOKENS);
	CHECK_NUMBER(ask_from(host, "127.0.0.1"), 429);
	tree_end(host);
}

/* With nobody asking while the processes are killed, the sum is exact. */
static void a_bucket_is_as_it_was_when_all_processes_are_new(void)
{
	struct host *host = tree_start(write_file(10));
	pid_t list[TREE_MOST];

	for (unsigned i = 0; i < 7; i++)
		CHECK_NUMBER(ask_from(host, "127.0.0.3"), 200);
	CU_ASSERT_EQUAL_FATAL(tree_hosts(host, list), 4);
	for (unsigned i = 0; i < 4; i++)
		kill(list[i], SIGKILL);
	host_logged_times(host, "ended (SIGKILL)", 4);
	tree_has(host, 4);
	for (unsigned i = 0; i < 3; i++)
		CHECK_NUMBER(ask_from(host, "127.0.0.3"), 200);
	CHECK_NUMBER(ask_from(host, "127.0.0.3"), 429);
	tree_end(host);
}

TEST_MAIN("faults/ratelimit",
          TEST(four_processes_give_each_token_once),
          TEST(reloads_give_no_token_back),
          TEST(crashes_give_no_token_back),
          TEST(a_bucket_is_as_it_was_when_all_processes_are_new))
