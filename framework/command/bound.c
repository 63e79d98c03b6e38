#include "command/bound.h"

#include "command/command.h"
#include "command/input.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define NONE SIZE_MAX

static int show_one(const struct tn_input *input, const char *name, bool json);

static int answer(const struct tn_input *input, const struct tn_arguments *arguments)
{
	if (!arguments->all)
		return show_one(input, arguments->words[0], arguments->json);
	if (arguments->json)
		return tn_bound_print_json_all(input->plan);
	return tn_bound_print_all(input->plan);
}

int tn_command_bound(const struct tn_arguments *arguments)
{
	struct tn_input input;
	int code;

	if (arguments->all == (arguments->count > 0)) {
		tn_complain(arguments->all ? "bound: --all shows all Workers: name none"
		                           : "bound: name a Worker, or write --all");
		return EX_USAGE;
	}
	code = tn_input_open(&input, arguments->file, arguments->environment);
	if (!code)
		code = answer(&input, arguments);
	tn_input_finish(&input);
	return code;
}

/* Adds those that bind it and have no chain yet. */
static void extend(struct tn_bound *bound, const struct tn_plan_worker *worker, size_t distance)
{
	for (size_t i = 0; i < worker->use_count; i++) {
		size_t caller = worker->uses[i].binding->caller->number;

		if (bound->next[caller] != NONE)
			continue;
		bound->next[caller] = worker->number;
		bound->distance[caller] = distance + 1;
		bound->order[bound->count++] = caller;
	}
}

/* Breadth first, from the Worker to those that call it. */
static void find_chains(struct tn_bound *bound)
{
	const struct tn_plan *plan = bound->plan;

	for (size_t i = 0; i < plan->count; i++)
		bound->next[i] = NONE;
	extend(bound, bound->worker, 0);
	for (size_t i = 0; i < bound->count; i++) {
		size_t number = bound->order[i];

		extend(bound, &plan->workers[number], bound->distance[number]);
	}
}

static int show_chains(struct tn_bound *bound, bool json)
{
	if (!bound->next || !bound->distance || !bound->order) {
		tn_complain("out of memory");
		return EX_OSERR;
	}
	find_chains(bound);
	return json ? tn_bound_print_json(bound) : tn_bound_print(bound);
}

static int show_one(const struct tn_input *input, const char *name, bool json)
{
	const size_t count = input->plan->count;
	struct tn_bound bound = {
		.plan = input->plan,
		.worker = tn_input_worker(input, name),
	};
	int code;

	if (!bound.worker)
		return EX_USAGE;
	bound.next = calloc(count, sizeof(bound.next[0]));
	bound.distance = calloc(count, sizeof(bound.distance[0]));
	bound.order = calloc(count, sizeof(bound.order[0]));
	code = show_chains(&bound, json);
	free(bound.next);
	free(bound.distance);
	free(bound.order);
	return code;
}

bool tn_bound_leads(const struct tn_bound *bound, size_t number)
{
	return number == bound->worker->number || bound->next[number] != NONE;
}

bool tn_bound_is_variant(const struct tn_plan_worker *worker, const struct tn_plan_worker *other)
{
	size_t size = strcspn(worker->name, "@");

	return strcspn(other->name, "@") == size && strncmp(worker->name, other->name, size) == 0;
}
