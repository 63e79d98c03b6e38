/* test_shared.c - a counter in TN_SHARED memory, over reloads and crashes under load. */
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <signal.h>
#include <stdlib.h>

static const char *write_file(const char *worker)
{
	return scratch_write("shared.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "access_log = off\n"
	                     "[worker %s]\n"
	                     "module = %s\n"
	                     "route = /*\n",
	                     worker, fixture("serve_count"));
}

static struct load *start_load(const struct host *host)
{
	return load_start(&(struct load_options){
		.port = host->port, .kept = 4, .fresh = 2, .greetings = { "counted" } });
}

static unsigned long count_at(const struct host *host)
{
	return strtoul(http_get(host, "/count")->body, NULL, 10);
}

static void reload(struct host *host, unsigned generation)
{
	host_signal(host, SIGHUP);
	host_logged(host, text_of("generation %u serves with", generation));
}

static void a_counter_loses_nothing_over_reloads(void)
{
	struct host *host = tree_start(write_file("hits"));
	struct load *load = start_load(host);
	struct load_counts counts;

	for (unsigned i = 0; i < 5; i++) {
		CHECK_NUMBER(load_reaches(load, -1, 50), true);
		reload(host, i + 2);
	}
	CHECK_NUMBER(load_reaches(load, -1, 50), true);
	counts = load_stop(load);
	CHECK_NUMBER(load_failed(&counts), 0);
	CHECK_NUMBER(count_at(host), counts.right);
	tree_end(host);
}

/* What was counted in a process that is killed may not have been answered; but it is counted. */
static void a_counter_loses_nothing_over_crashes(void)
{
	struct host *host = tree_start(write_file("hits"));
	struct load *load = start_load(host);
	struct load_counts counts;
	pid_t list[TREE_MOST];

	for (unsigned i = 0; i < 4; i++) {
		CHECK_NUMBER(load_reaches(load, -1, 50), true);
		if (tree_hosts(host, list) == 2)
			kill(list[i % 2], SIGKILL);
	}
	tree_has(host, 2);
	CHECK_NUMBER(load_reaches(load, -1, 50), true);
	counts = load_stop(load);
	CU_ASSERT(counts.right >= 250);
	CU_ASSERT(count_at(host) >= counts.right);
	CU_ASSERT(count_at(host) <= counts.sent + counts.again);
	tree_end(host);
}

/* Another Worker's is another. */
static void a_renamed_worker_starts_anew(void)
{
	struct host *host = tree_start(write_file("hits"));

	for (unsigned i = 0; i < 7; i++)
		http_get(host, "/");
	CHECK_NUMBER(count_at(host), 7);
	write_file("others");
	reload(host, 2);
	CHECK_NUMBER(count_at(host), 0);
	tree_end(host);
}

TEST_MAIN("faults/shared",
          TEST(a_counter_loses_nothing_over_reloads),
          TEST(a_counter_loses_nothing_over_crashes),
          TEST(a_renamed_worker_starts_anew))
