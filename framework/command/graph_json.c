/*
 * graph_json.c - the graph for programs:
 *
 *	{
 *	  "environment": "staging",            null: none was asked for
 *	  "routes": [                          best first
 *	    { "route": "/api", "worker": "gateway", "file": "x.ini", "line": 3 }
 *	  ],
 *	  "workers": [                         in the order of the files
 *	    {
 *	      "name": "auth@v2",
 *	      "variant": "v2",                 null: it is none
 *	      "inherits": "auth",              whose keys it inherits; null: nobody's
 *	      "module": "./auth-2.so",
 *	      "public": false,                 it has a route
 *	      "reachable": true,               a route leads to it, or to one that leads to it
 *	      "blocking": false,
 *	      "waits": true,                   it blocks, or calls one that waits
 *	      "file": "x.ini", "line": 12      of its section
 *	    }
 *	  ],
 *	  "bindings": [                        by caller, in the order of the workers
 *	    {
 *	      "caller": "gateway",
 *	      "field": "auth",
 *	      "written": "auth 90%, auth@v2 10%",
 *	      "targets": [                     as the environment has them
 *	        { "worker": "auth", "weight": 90 },
 *	        { "worker": "auth@v2", "weight": 10 }
 *	      ],
 *	      "split": true,                   it has several targets
 *	      "key": "cookie:session",         what a split chooses by; null: it is drawn
 *	      "file": "x.ini", "line": 4       where it is written, which may be in another section
 *	    }
 *	  ],
 *	  "cycles": [ [ "a", "b" ] ]           Workers that can all call one another, or themselves
 *	}
 *
 * Weights are in percent.
 */
#include "command/graph.h"
#include "command/input.h"
#include "command/json.h"

#include <stdlib.h>
#include <sysexits.h>

static json_t *json_of_route(const struct tn_plan *plan, const struct tn_route *route)
{
	json_t *object = json_object();

	tn_json_set(&object, "route", tn_json_text(route->text));
	tn_json_set(&object, "worker", tn_json_text(plan->workers[route->worker].name));
	tn_json_set_place(&object, route->place);
	return object;
}

static json_t *json_of_worker(const struct tn_plan_worker *worker)
{
	json_t *object = json_object();

	tn_json_set(&object, "name", tn_json_text(worker->name));
	tn_json_set(&object, "variant", tn_json_text(worker->variant));
	tn_json_set(&object, "inherits",
	            tn_json_text(worker->parent ? worker->parent->name : NULL));
	tn_json_set(&object, "module", tn_json_text(worker->module_path));
	tn_json_set(&object, "public", json_boolean(worker->route != NULL));
	tn_json_set(&object, "reachable", json_boolean(worker->reachable));
	tn_json_set(&object, "blocking", json_boolean(worker->blocking));
	tn_json_set(&object, "waits", json_boolean(worker->waits));
	tn_json_set_place(&object, worker->section->place);
	return object;
}

static json_t *json_of_binding(const struct tn_plan_binding *binding)
{
	const struct tn_entry *key = binding->key_entry;
	json_t *object = json_object();

	tn_json_set(&object, "caller", tn_json_text(binding->caller->name));
	tn_json_set(&object, "field", tn_json_text(binding->field));
	tn_json_set(&object, "written", tn_json_text(binding->entry->value));
	tn_json_set(&object, "targets", tn_json_targets(binding));
	tn_json_set(&object, "split", json_boolean(tn_graph_is_split(binding)));
	tn_json_set(&object, "key", tn_json_text(key ? key->value : NULL));
	tn_json_set_place(&object, binding->entry->place);
	return object;
}

/* ---- Lists --------------------------------------------------------------------------------- */

static json_t *json_of_routes(const struct tn_plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->routes.count; i++)
		tn_json_append(&list, json_of_route(plan, &plan->routes.list[i]));
	return list;
}

static json_t *json_of_workers(const struct tn_plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->count; i++)
		tn_json_append(&list, json_of_worker(&plan->workers[i]));
	return list;
}

static json_t *json_of_bindings(const struct tn_plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *worker = &plan->workers[i];

		for (size_t j = 0; j < worker->binding_count; j++)
			tn_json_append(&list, json_of_binding(&worker->bindings[j]));
	}
	return list;
}

/* ---- Cycles -------------------------------------------------------------------------------- */

/* Of each component the place of its list; one that is no cycle has none. Numbers are from 1. */
struct cycles {
	const struct tn_graph *graph;
	json_t *list;
	bool *cyclic;   /* one for each component */
	size_t *places; /* the same; 0: not yet */
	size_t count;
};

static void find_cyclic(struct cycles *cycles, const struct tn_plan_worker *worker)
{
	struct tn_graph_step step = { .worker = worker };
	const struct tn_plan_binding *binding;
	const struct tn_plan_target *target;
	size_t component = cycles->graph->components[worker->number];

	while ((target = tn_graph_next(&step, &binding))) {
		if (tn_graph_is_cycle(cycles->graph, binding, target))
			cycles->cyclic[component] = true;
	}
}

static void add_member(struct cycles *cycles, const struct tn_plan_worker *worker)
{
	size_t component = cycles->graph->components[worker->number];
	json_t *members;

	if (!cycles->cyclic[component])
		return;
	if (!cycles->places[component]) {
		tn_json_append(&cycles->list, json_array());
		cycles->places[component] = ++cycles->count;
	}
	members = json_array_get(cycles->list, cycles->places[component] - 1);
	if (json_array_append_new(members, tn_json_text(worker->name)) < 0) {
		json_decref(cycles->list);
		cycles->list = NULL;
	}
}

static void fill(struct cycles *cycles)
{
	const struct tn_plan *plan = cycles->graph->plan;

	for (size_t i = 0; i < plan->count; i++)
		find_cyclic(cycles, &plan->workers[i]);
	for (size_t i = 0; i < plan->count; i++)
		add_member(cycles, &plan->workers[i]);
}

/* NULL where there is no memory. */
static json_t *json_of_cycles(const struct tn_graph *graph)
{
	size_t components = graph->plan->count + 1;
	struct cycles cycles = {
		.graph = graph,
		.list = json_array(),
		.cyclic = calloc(components, sizeof(cycles.cyclic[0])),
		.places = calloc(components, sizeof(cycles.places[0])),
	};

	if (cycles.cyclic && cycles.places)
		fill(&cycles);
	else {
		json_decref(cycles.list);
		cycles.list = NULL;
	}
	free(cycles.cyclic);
	free(cycles.places);
	return cycles.list;
}

int tn_graph_print_json(const struct tn_graph *graph)
{
	const struct tn_plan *plan = graph->plan;
	json_t *object = json_object();

	tn_json_set(&object, "environment", tn_json_text(plan->environment));
	tn_json_set(&object, "routes", json_of_routes(plan));
	tn_json_set(&object, "workers", json_of_workers(plan));
	tn_json_set(&object, "bindings", json_of_bindings(plan));
	tn_json_set(&object, "cycles", json_of_cycles(graph));
	return tn_json_print(object);
}
