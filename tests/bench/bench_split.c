/*
 * bench_split.c - what a call through a split, or through a gate, costs, against the same call
 * through a binding that names one Worker. Rounds go by turns over all kinds; the time of the
 * exchange itself, with the head of its request, is taken away from each.
 */
#include "figures.h"

#include "deploy/gate.h"
#include "deploy/split.h"
#include "message/exchange.h"
#include "message/request.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>

#define ROUNDS 1001
#define EXCHANGES 200u /* a round: short, so that few are interrupted */
#define HOPS 16u       /* in each exchange, each through a binding of its own */
#define VERSIONS 4u
#define NAME_SIZE 32

struct bench {
	struct tn_exchange_pool pool;
	const struct tn_worker *worker;
	int (*bare_call)(int number);
	struct tn_service versions[HOPS][VERSIONS];
	char names[HOPS][VERSIONS][NAME_SIZE];
	struct tn_limit *limit;
	struct tn_request *request;
	unsigned clients;
	long sum; /* of what the calls gave, so that none can be left out */
};

/* ---- The Workers: version 1 is the shared object's, the others are this program's ----------- */

struct env {
	struct tn_service self;
};

static struct tn_response *version(struct tn_request *request, const struct env *env)
{
	(void)env;
	return tn_response_text(request, 200, "Request allowed");
}

TN_WORKER(version, struct env);

/* ---- What is measured ----------------------------------------------------------------------- */

enum kind {
	BARE_CALL, /* what the budget is counted in */
	EXCHANGE,
	HOP,
	DRAW_2,
	DRAW_4,
	HEADER_2,
	HEADER_4,
	COOKIE_2,
	ADDRESS_2,
	ADDRESS_4,
	GATE_TIMEOUT,
	GATE_LIMIT,
	GATE_BOTH,
	KINDS
};

static const struct {
	const char *title;
	struct tn_split_key key;
	size_t versions;
	const char *budget;
} kinds[KINDS] = {
	[BARE_CALL] = { "bare indirect call", { TN_SPLIT_DRAW, NULL }, 0, "" },
	[HOP] = { "direct hop", { TN_SPLIT_DRAW, NULL }, 0, "" },
	[DRAW_2] = { "split of 2, drawn", { TN_SPLIT_DRAW, NULL }, 2, "  1" },
	[DRAW_4] = { "split of 4, drawn", { TN_SPLIT_DRAW, NULL }, 4, "" },
	[HEADER_2] = { "split of 2, by header", { TN_SPLIT_HEADER, "x-user" }, 2, "" },
	[HEADER_4] = { "split of 4, by header", { TN_SPLIT_HEADER, "x-user" }, 4, "" },
	[COOKIE_2] = { "split of 2, by cookie", { TN_SPLIT_COOKIE, "session" }, 2, "" },
	[ADDRESS_2] = { "split of 2, by address", { TN_SPLIT_ADDRESS, NULL }, 2, "" },
	[ADDRESS_4] = { "split of 4, by address", { TN_SPLIT_ADDRESS, NULL }, 4, "" },
	[GATE_TIMEOUT] = { "gate with a timeout", { TN_SPLIT_DRAW, NULL }, 0, "" },
	[GATE_LIMIT] = { "gate with a limit", { TN_SPLIT_DRAW, NULL }, 0, "" },
	[GATE_BOTH] = { "gate with both", { TN_SPLIT_DRAW, NULL }, 0, "" },
};

static const struct tn_service *bindings[KINDS][HOPS];
static struct tn_split_key keys[KINDS];

static bool make_split(struct bench *bench, enum kind kind, size_t hop)
{
	static const uint32_t weights[VERSIONS] = { 900000, 50000, 30000, 20000 };
	size_t count = kinds[kind].versions;
	struct tn_split *split = calloc(1, tn_split_size(count));
	uint32_t rest = TN_WEIGHT_WHOLE;

	if (!split)
		return false;
	tn_split_init(split, "split", &kinds[kind].key);
	split->key_number = kind;
	keys[kind] = kinds[kind].key;
	for (size_t i = 0; i < count; i++) {
		uint32_t weight = i + 1 < count ? weights[i] : rest;

		tn_split_add(split, &bench->versions[hop][i], weight);
		rest -= weight;
	}
	bindings[kind][hop] = &split->self;
	return true;
}

static bool make_gate(struct bench *bench, enum kind kind, size_t hop)
{
	struct tn_gate *gate = calloc(1, sizeof(*gate));
	struct tn_gate_options options = {
		.limit = kind == GATE_TIMEOUT ? NULL : bench->limit,
		.timeout = kind == GATE_LIMIT ? 0 : 60 * 1000,
		.queue_timeout = 1000,
	};

	if (!gate || !bench->limit)
		return false;
	bindings[kind][hop] = tn_gate_init(gate, &bench->versions[hop][0], &options);
	return true;
}

static bool make_bindings(struct bench *bench)
{
	for (size_t hop = 0; hop < HOPS; hop++) {
		for (size_t i = 0; i < VERSIONS; i++) {
			char *name = bench->names[hop][i];

			snprintf(name, NAME_SIZE, "worker-%zu@v%zu", hop, i + 1);
			bench->versions[hop][i].fetch = i ? fetch : bench->worker->fetch;
			bench->versions[hop][i].name = name;
		}
		bindings[HOP][hop] = &bench->versions[hop][0];
		for (size_t kind = DRAW_2; kind < KINDS; kind++)
			if (kind < GATE_TIMEOUT ? !make_split(bench, (enum kind)kind, hop)
			                        : !make_gate(bench, (enum kind)kind, hop))
				return false;
	}
	return true;
}

static void free_bindings(void)
{
	for (size_t kind = DRAW_2; kind < KINDS; kind++)
		for (size_t hop = 0; hop < HOPS; hop++)
			free((void *)(uintptr_t)bindings[kind][hop]);
}

/* ---- Measuring ------------------------------------------------------------------------------ */

/* Another client each time, with the head that a browser might send. */
static void begin_request(struct bench *bench, struct tn_exchange *exchange)
{
	static const char *const fields[][2] = {
		{ "Host", "example.com" },
		{ "User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101" },
		{ "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" },
		{ "Accept-Language", "en-US,en;q=0.5" },
		{ "Accept-Encoding", "gzip, deflate, br" },
	};
	unsigned client = bench->clients++;
	char address[NAME_SIZE], user[NAME_SIZE], cookie[2 * NAME_SIZE];

	snprintf(address, sizeof(address), "10.%u.%u.%u", client >> 16 & 255, client >> 8 & 255,
	         client & 255);
	snprintf(user, sizeof(user), "user-%08u", client);
	snprintf(cookie, sizeof(cookie), "theme=dark; session=%08x", client);
	bench->request = tn_request_first(exchange, "GET", "example.com", "/",
	                                  tn_exchange_copy(exchange, address, strlen(address)));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		tn_request_set_header(bench->request, fields[i][0], fields[i][1]);
	tn_request_set_header(bench->request, "Cookie", cookie);
	tn_request_set_header(bench->request, "X-User", user);
	tn_split_note(bench->request, keys, KINDS);
}

static void do_bare_calls(struct bench *bench)
{
	for (unsigned i = 0; i < HOPS; i++)
		bench->sum += bench->bare_call((int)i);
}

static void do_hops(struct bench *bench, const struct tn_service *const *through)
{
	for (unsigned i = 0; i < HOPS; i++)
		bench->sum += tn_response_status(
			through[i]->fetch(tn_request_clone(bench->request), through[i]));
}

static void run_exchange(struct bench *bench, enum kind kind)
{
	struct tn_exchange *exchange = tn_exchange_begin(&bench->pool);

	if (!exchange)
		abort();
	begin_request(bench, exchange);
	if (kind == EXCHANGE)
		bench->sum++;
	else
		do_hops(bench, bindings[kind]);
	tn_exchange_end(&bench->pool, exchange);
}

static double time_kind(struct bench *bench, enum kind kind)
{
	int64_t begun = now_ns();

	for (unsigned i = 0; i < EXCHANGES; i++) {
		if (kind == BARE_CALL)
			do_bare_calls(bench);
		else
			run_exchange(bench, kind);
	}
	return (double)(now_ns() - begun) / (EXCHANGES * HOPS);
}

static void print_kind(enum kind kind, double *figures, double *ratios, double *further)
{
	printf("%-28s %6.1f", kinds[kind].title, median(figures, ROUNDS));
	if (kind != BARE_CALL)
		printf("  %6.2f  %5.1f", median(ratios, ROUNDS), median(further, ROUNDS));
	printf("%s\n", kinds[kind].budget);
}

static void measure(struct bench *bench)
{
	static double figures[KINDS][ROUNDS], ratios[KINDS][ROUNDS], further[KINDS][ROUNDS];
	double round[KINDS];

	for (size_t i = 0; i < ROUNDS; i++) {
		for (size_t kind = 0; kind < KINDS; kind++)
			round[kind] = time_kind(bench, (enum kind)kind);
		for (size_t kind = HOP; kind < KINDS; kind++)
			round[kind] -= round[EXCHANGE];
		for (size_t kind = 0; kind < KINDS; kind++) {
			figures[kind][i] = round[kind];
			ratios[kind][i] = round[kind] / round[HOP];
			further[kind][i] = (round[kind] - round[HOP]) / round[BARE_CALL];
		}
	}
	printf("a hop through a split or gate against a direct one, %u hops an exchange; what it "
	       "takes more,\nin bare indirect calls\n\n%-28s %6s   ratio   more  budget\n",
	       HOPS, "", "ns");
	for (size_t kind = 0; kind < KINDS; kind++)
		if (kind != EXCHANGE)
			print_kind((enum kind)kind, figures[kind], ratios[kind], further[kind]);
	printf("\n");
}

/* ---- The program ---------------------------------------------------------------------------- */

static bool load(struct bench *bench)
{
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
	return bench->bare_call && bench->worker;
}

int main(void)
{
	static struct bench bench;

	bench.limit = tn_limit_create(1);
	if (!load(&bench) || !make_bindings(&bench))
		return EXIT_FAILURE;
	tn_exchange_pool_init(&bench.pool, &tn_limits_default, 1);
	measure(&bench);
	tn_exchange_pool_finish(&bench.pool);
	free_bindings();
	tn_limit_destroy(bench.limit);
	return bench.sum ? EXIT_SUCCESS : EXIT_FAILURE;
}
