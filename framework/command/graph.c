#include "command/graph.h"

#include "command/command.h"
#include "command/input.h"
#include "deploy/value.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define ITEM_SIZE 512

static int print(const struct tn_graph *graph, const struct tn_arguments *arguments)
{
	if (arguments->json)
		return tn_graph_print_json(graph);
	if (arguments->dot)
		return tn_graph_print_dot(graph);
	return tn_graph_print_tree(graph);
}

int tn_command_graph(const struct tn_arguments *arguments)
{
	struct tn_input input = { 0 };
	struct tn_graph graph = { 0 };
	int code;

	if (arguments->dot && arguments->json) {
		tn_complain("graph: --dot or --json, not both");
		return EX_USAGE;
	}
	code = tn_input_open(&input, arguments->file, arguments->environment);
	if (!code && !tn_graph_init(&graph, input.plan)) {
		tn_complain("out of memory");
		code = EX_OSERR;
	}
	if (!code)
		code = print(&graph, arguments);
	tn_graph_finish(&graph);
	tn_input_finish(&input);
	return code;
}

/* ---- Bindings ------------------------------------------------------------------------------ */

const struct tn_plan_target *tn_graph_next(struct tn_graph_step *step,
                                           const struct tn_plan_binding **binding)
{
	for (; step->binding < step->worker->binding_count; step->binding++, step->target = 0) {
		*binding = &step->worker->bindings[step->binding];
		if (step->target < (*binding)->target_count)
			return &(*binding)->targets[step->target++];
	}
	return NULL;
}

bool tn_graph_is_split(const struct tn_plan_binding *binding)
{
	return binding->target_count > 1;
}

const char *tn_graph_written(const struct tn_plan *plan, const struct tn_plan_binding *binding,
                             const struct tn_plan_target *target, char *text, size_t room)
{
	const char *list = binding->entry->value;
	char item[ITEM_SIZE];

	while (tn_value_next(&list, item, sizeof(item))) {
		uint32_t weight;
		bool weighted;

		if (tn_split_item_read(item, &weight, &weighted) ||
		    tn_plan_lookup(plan, item) != target->worker)
			continue;
		if (strcmp(item, target->worker->name) == 0)
			return NULL;
		snprintf(text, room, "%s", item);
		return text;
	}
	return NULL;
}

/* ---- Cycles -------------------------------------------------------------------------------- */

/*
 * Tarjan's search for the strongly connected components (1972), with a path of its own: a chain of
 * Workers can be longer than the stack is deep.
 */
struct search {
	struct tn_graph *graph;
	struct tn_graph_step *path;
	size_t depth;
	size_t *order; /* in which the Workers were met, from 1; 0: not yet */
	size_t *least; /* the least order of one on the path that it leads to */
	size_t *open;  /* numbers of those that have no component yet */
	size_t open_count;
	size_t met;
};

static void lower(size_t *value, size_t other)
{
	if (other < *value)
		*value = other;
}

static void enter(struct search *search, const struct tn_plan_worker *worker)
{
	search->path[search->depth++] = (struct tn_graph_step){ .worker = worker };
	search->order[worker->number] = ++search->met;
	search->least[worker->number] = search->met;
	search->open[search->open_count++] = worker->number;
}

/* Those that were met behind a Worker that leads to none before it are one component with it. */
static void leave(struct search *search)
{
	size_t number = search->path[--search->depth].worker->number;
	size_t *components = search->graph->components;

	if (search->depth)
		lower(&search->least[search->path[search->depth - 1].worker->number],
		      search->least[number]);
	if (search->least[number] != search->order[number])
		return;
	while (!components[number])
		components[search->open[--search->open_count]] = search->order[number];
}

static void walk(struct search *search, const struct tn_plan_worker *from)
{
	const struct tn_plan_binding *binding;

	enter(search, from);
	while (search->depth) {
		struct tn_graph_step *step = &search->path[search->depth - 1];
		const struct tn_plan_target *target = tn_graph_next(step, &binding);

		if (!target)
			leave(search);
		else if (!search->order[target->worker->number])
			enter(search, target->worker);
		else if (!search->graph->components[target->worker->number])
			lower(&search->least[step->worker->number],
			      search->order[target->worker->number]);
	}
}

static bool find_components(struct tn_graph *graph)
{
	size_t count = graph->plan->count + 1;
	struct search search = {
		.graph = graph,
		.path = calloc(count, sizeof(search.path[0])),
		.order = calloc(count, sizeof(search.order[0])),
		.least = calloc(count, sizeof(search.least[0])),
		.open = calloc(count, sizeof(search.open[0])),
	};
	bool found = search.path && search.order && search.least && search.open;

	for (size_t i = 0; found && i < graph->plan->count; i++) {
		if (!search.order[i])
			walk(&search, &graph->plan->workers[i]);
	}
	free(search.path);
	free(search.order);
	free(search.least);
	free(search.open);
	return found;
}

bool tn_graph_init(struct tn_graph *graph, const struct tn_plan *plan)
{
	*graph = (struct tn_graph){
		.plan = plan,
		.components = calloc(plan->count + 1, sizeof(graph->components[0])),
	};
	return graph->components && find_components(graph);
}

void tn_graph_finish(struct tn_graph *graph)
{
	free(graph->components);
	graph->components = NULL;
}

bool tn_graph_is_cycle(const struct tn_graph *graph, const struct tn_plan_binding *binding,
                       const struct tn_plan_target *target)
{
	return graph->components[binding->caller->number] ==
	       graph->components[target->worker->number];
}
