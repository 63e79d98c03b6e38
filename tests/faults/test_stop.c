/* test_stop.c - a host that stops under load refuses whom it does not serve, and resets nobody. */
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <signal.h>

static const char *write_file(void)
{
	return scratch_write("stop.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "access_log = off\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "route = /*\n",
	                     fixture("serve_hello"));
}

#define LOADS 3

static void add(struct load_counts *sum, const struct load_counts *counts)
{
	sum->reset += counts->reset;
	sum->wrong += counts->wrong + counts->cut + counts->unanswered;
}

/* Most of them connect anew for each request: so some are about to at any moment. */
static struct load_counts stop_under_load(bool supervised)
{
	const struct host_options options = { .supervised = supervised };
	struct host *host = host_start_with(write_file(), &options);
	struct load_counts sum = { 0 };
	struct load *loads[LOADS];

	for (unsigned i = 0; i < LOADS; i++)
		loads[i] = load_start(&(struct load_options){
			.port = host->port, .kept = 2, .fresh = 32, .greetings = { "hello\n" } });
	for (unsigned i = 0; i < LOADS; i++)
		CHECK_NUMBER(load_reaches(loads[i], -1, 200), true);
	host_end(host);
	for (unsigned i = 0; i < LOADS; i++) {
		struct load_counts counts = load_stop(loads[i]);

		add(&sum, &counts);
	}
	return sum;
}

static void stop_often(bool supervised)
{
	unsigned rounds = tree_rounds("TN_STOPS", 3);
	unsigned long reset = 0, other = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct load_counts counts = stop_under_load(supervised);

		reset += counts.reset;
		other += counts.wrong;
	}
	printf("%u stops under load: %lu reset\n", rounds, reset);
	CHECK_NUMBER(reset, 0);
	CHECK_NUMBER(other, 0);
}

static void a_stop_resets_nobody(void)
{
	stop_often(false);
}

static void a_stop_of_a_tree_resets_nobody(void)
{
	stop_often(true);
}

TEST_MAIN("faults/stop",
          TEST(a_stop_resets_nobody),
          TEST(a_stop_of_a_tree_resets_nobody))
