/*
 * bench_hop.c - what a call through a service binding costs, against a bare indirect call into a
 * shared object. Each part is measured by itself, too; rounds go by turns over all of them.
 *
 *	bench_hop                  in nanoseconds
 *	bench_hop --instructions   by callgrind
 */
#include "figures.h"

#include "callgrind.h"
#include "message/exchange.h"
#include "message/quarantine.h"
#include "message/request.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 1001
#define EXCHANGES 1000u /* a round: short, so that few are interrupted */
#define HOPS 16u        /* in each exchange */

struct bench {
	struct tn_exchange_pool pool;
	const struct tn_service *binding;
	const struct tn_worker *worker;
	int (*bare_call)(int number);
	struct tn_exchange *exchange;
	struct tn_request *request;
	struct tn_response *response;
	long sum; /* of what the calls gave, so that none can be left out */
};

/* ---- What is measured: each does HOPS of its kind ------------------------------------------- */

static void do_bare_calls(struct bench *bench)
{
	for (unsigned i = 0; i < HOPS; i++)
		bench->sum += bench->bare_call((int)i);
}

static void do_hops(struct bench *bench)
{
	const struct tn_service *binding = bench->binding;

	for (unsigned i = 0; i < HOPS; i++)
		bench->sum += tn_response_status(
			binding->fetch(tn_request_clone(bench->request), binding));
}

static void do_clones(struct bench *bench)
{
	for (unsigned i = 0; i < HOPS; i++)
		bench->sum += tn_request_clone(bench->request) != NULL;
}

static void do_enters(struct bench *bench)
{
	struct tn_response *response;

	for (unsigned i = 0; i < HOPS; i++) {
		if (tn_worker_enter(bench->worker, bench->request, bench->binding, &response))
			response = tn_worker_leave(bench->request, bench->response);
		bench->sum += response != NULL;
	}
}

static void do_responses(struct bench *bench)
{
	for (unsigned i = 0; i < HOPS; i++)
		bench->sum += tn_response_text(bench->request, 200, "Request allowed") != NULL;
}

static void do_statuses(struct bench *bench)
{
	for (unsigned i = 0; i < HOPS; i++)
		bench->sum += tn_response_status(bench->response);
}

static void do_nothing(struct bench *bench)
{
	bench->sum++;
}

enum part {
	BARE_CALL,
	HOP,
	CLONE,
	ENTER,
	RESPONSE,
	STATUS,
	EXCHANGE,
	PARTS
};

static const struct {
	const char *title;
	void (*run)(struct bench *bench);
	const char *budget;
} parts[PARTS] = {
	[BARE_CALL] = { "bare indirect call", do_bare_calls, "" },
	[HOP] = { "hop", do_hops, "15 (wish: 10)" },
	[CLONE] = { "  clone", do_clones, "" },
	[ENTER] = { "  enter and leave", do_enters, "" },
	[RESPONSE] = { "  response, text copied", do_responses, "" },
	[STATUS] = { "  status", do_statuses, "" },
	[EXCHANGE] = { "  exchange, begun and ended, a 16th", do_nothing, "" },
};

/* ---- Measuring ------------------------------------------------------------------------------ */

/* An exchange as the edge begins and ends it. */
static bool run_exchange(struct bench *bench, enum part part)
{
	bench->exchange = tn_exchange_begin(&bench->pool);
	if (!bench->exchange)
		return false;
	bench->request = tn_request_first(bench->exchange, "GET", "localhost", "/", "127.0.0.1");
	if (part == ENTER || part == STATUS)
		bench->response = tn_response_new(bench->request, 200);
	parts[part].run(bench);
	tn_exchange_end(&bench->pool, bench->exchange);
	return true;
}

/* The bare calls without an exchange, which would be more than they are. */
static bool run_part(struct bench *bench, enum part part, unsigned exchanges)
{
	for (unsigned i = 0; i < exchanges; i++) {
		if (part == BARE_CALL)
			do_bare_calls(bench);
		else if (!run_exchange(bench, part))
			return false;
	}
	return true;
}

static double time_part(struct bench *bench, enum part part)
{
	int64_t begun = now_ns();

	run_part(bench, part, EXCHANGES);
	return (double)(now_ns() - begun) / (EXCHANGES * HOPS);
}

/* What is timed within an exchange has the exchange's own time in it: for a hop it belongs there,
 * for the parts it is taken away. */
static void take_exchange_away(double figures[PARTS])
{
	for (size_t part = CLONE; part < EXCHANGE; part++)
		figures[part] -= figures[EXCHANGE];
}

static void print_head(const char *unit)
{
	printf("a hop against a bare indirect call into a shared object, %u hops an exchange\n\n"
	       "%-36s %6s   ratio  budget\n",
	       HOPS, "", unit);
}

static void print_part(enum part part, double figure, double ratio)
{
	printf("%-36s %6.1f  %6.1f  %s\n", parts[part].title, figure, ratio, parts[part].budget);
}

static void measure_time(struct bench *bench)
{
	static double figures[PARTS][ROUNDS];
	static double ratios[PARTS][ROUNDS];
	double round[PARTS];

	for (size_t i = 0; i < ROUNDS; i++) {
		for (size_t part = 0; part < PARTS; part++)
			round[part] = time_part(bench, part);
		take_exchange_away(round);
		for (size_t part = 0; part < PARTS; part++) {
			figures[part][i] = round[part];
			ratios[part][i] = round[part] / round[BARE_CALL];
		}
	}
	print_head("ns");
	for (size_t part = 0; part < PARTS; part++)
		print_part(part, median(figures[part], ROUNDS), median(ratios[part], ROUNDS));
	printf("\n");
}

/* ---- Instructions: this program again, under callgrind -------------------------------------- */

#define FEW 100u
#define MANY 1100u

static double count(enum part part, unsigned exchanges)
{
	char output[] = "/tmp/tenon-bench-XXXXXX";
	int file = mkstemp(output);
	char command[3 * PATH_MAX];
	char self[PATH_MAX] = "";
	double total = 0;

	if (file < 0 || readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 0;
	snprintf(command, sizeof(command),
	         "valgrind -q --tool=callgrind --callgrind-out-file=%s '%s' --run %u %u", output,
	         self, (unsigned)part, exchanges);
	if (system(command) == 0)
		total = callgrind_total(output);
	close(file);
	unlink(output);
	return total;
}

static bool measure_instructions(void)
{
	double figures[PARTS];

	if (!have_program("valgrind")) {
		printf("bench_hop: skipped, there is no valgrind\n\n");
		return true;
	}
	for (size_t part = 0; part < PARTS; part++) {
		double few = count(part, FEW);
		double many = count(part, MANY);

		if (!few || many <= few)
			return false;
		figures[part] = (many - few) / ((MANY - FEW) * HOPS);
	}
	take_exchange_away(figures);
	print_head("instr.");
	for (size_t part = 0; part < PARTS; part++)
		print_part(part, figures[part], figures[part] / figures[BARE_CALL]);
	printf("\n");
	return true;
}

/* ---- The program ---------------------------------------------------------------------------- */

/* As the host does, it tells the callee where its mark of quarantine is. */
static bool load(struct bench *bench, struct tn_service *callee)
{
	static const _Atomic uint8_t mark = TN_QUARANTINE_NONE;
	const char *build = getenv("BUILD");
	char path[PATH_MAX];
	void *module;

	snprintf(path, sizeof(path), "%s/tests/fixtures/bench_worker.so", build ? build : "build");
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!module) {
		fprintf(stderr, "%s\n", dlerror());
		return false;
	}
	*(void **)&bench->bare_call = dlsym(module, "bare_call");
	bench->worker = dlsym(module, "tn_worker");
	if (!bench->bare_call || !bench->worker)
		return false;
	*callee = (struct tn_service){ .fetch = bench->worker->fetch, .name = "callee" };
	tn_quarantine_mark(callee, &mark);
	bench->binding = callee;
	tn_exchange_pool_init(&bench->pool, &tn_limits_default, 1);
	return true;
}

int main(int argc, char **argv)
{
	struct bench bench = { 0 };
	struct tn_service callee;
	bool fine = true;

	if (argc == 2 && strcmp(argv[1], "--instructions") == 0)
		return measure_instructions() ? EXIT_SUCCESS : EXIT_FAILURE;
	if (!load(&bench, &callee))
		return EXIT_FAILURE;
	if (argc == 4 && strcmp(argv[1], "--run") == 0)
		fine = run_part(&bench, (enum part)strtoul(argv[2], NULL, 10),
		                (unsigned)strtoul(argv[3], NULL, 10));
	else
		measure_time(&bench);
	tn_exchange_pool_finish(&bench.pool);
	return fine && bench.sum ? EXIT_SUCCESS : EXIT_FAILURE;
}
