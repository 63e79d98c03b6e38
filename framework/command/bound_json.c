/*
 * bound_json.c - a Worker for programs; of --all, a list of them:
 *
 *	{ "name": "auth@staging", "variant": "staging", "environment": null,
 *	  "inherits": "auth", "public": false, "reachable": true,
 *	  "file": "etc/tenon.ini", "line": 12, "states": [STATE, ...],
 *	  "bound_by": [BINDING, ...], "binds": [BINDING, ...], "routes": [ROUTE, ...],
 *	  "indirect_callers": [CALLER, ...], "variants": [VARIANT, ...] }
 *
 * In --all the routes are the Worker's own, and the last two are not there. What there is not is
 * null: "environment" where none was asked for, "key" where no key decides. A "worker" is the one
 * at the other end, a weight is in percent, and a chain ends with this Worker.
 *
 * Where no environment was asked for, what holds without one is told with null in "environment",
 * then once more what holds in each environment that differs. A Worker and a variant are "public",
 * or "reachable", if they are in one of them; the states tell in which. That the Worker at the
 * other end is reachable is of the entry's environment.
 *
 *	STATE   { "environment": "staging", "public": false, "reachable": true }
 *	BINDING { "worker": "gateway@staging", "variant": "staging", "reachable": true,
 *	          "environment": "staging", "field": "auth", "weight": 10,
 *	          "key": "header:x-user", "file": "etc/tenon.ini", "line": 3,
 *	          "inherited_from": null }
 *	ROUTE   { "route": "/api", "worker": "api", "environment": "staging",
 *	          "file": "etc/tenon.ini", "line": 20,
 *	          "chain": ["api", "gateway@staging", "auth@staging"] }
 *	CALLER  { "worker": "api", "variant": null, "reachable": true, "environment": "staging",
 *	          "chain": [...] }
 *	VARIANT { "worker": "auth@v2", "variant": "v2", "reachable": true, "public": false,
 *	          "inherits": "auth", "states": [STATE, ...], "bound_by": [BINDING, ...] }
 */
#include "command/bound.h"

#include "command/describe.h"
#include "command/json.h"

static void set_worker(json_t **object, const struct tn_plan_worker *worker, bool reachable)
{
	tn_json_set(object, "worker", tn_json_text(worker->name));
	tn_json_set(object, "variant", tn_json_text(worker->variant));
	tn_json_set(object, "reachable", json_boolean(reachable));
}

static void set_environment(json_t **object, const struct tn_plan *plan)
{
	tn_json_set(object, "environment", tn_json_text(plan->environment));
}

static json_t *json_of_parent(const struct tn_plan_worker *worker)
{
	return tn_json_text(worker->parent ? worker->parent->name : NULL);
}

static json_t *json_of_states(const struct tn_bound *bound, size_t number)
{
	json_t *list = json_array();

	for (size_t i = 0; i < bound->count; i++) {
		const struct tn_plan *plan = bound->views[i].plan;
		json_t *object = json_object();

		set_environment(&object, plan);
		tn_json_set(&object, "public", json_boolean(plan->workers[number].route));
		tn_json_set(&object, "reachable", json_boolean(plan->workers[number].reachable));
		tn_json_append(&list, object);
	}
	return list;
}

/* As seen from one of its ends; `other` is the Worker at the other. */
static json_t *json_of_binding(const struct tn_plan *plan, const struct tn_plan_binding *binding,
                               uint32_t share, const struct tn_plan_worker *other)
{
	const struct tn_entry *entry = binding->entry;
	bool sticky = binding->key_entry && binding->target_count > 1;
	json_t *object = json_object();

	set_worker(&object, other, other->reachable);
	set_environment(&object, plan);
	tn_json_set(&object, "field", tn_json_text(binding->field));
	tn_json_set(&object, "weight", tn_json_weight(share));
	tn_json_set(&object, "key", tn_json_text(sticky ? binding->key_entry->value : NULL));
	tn_json_set_place(&object, entry->place);
	tn_json_set(&object, "inherited_from",
	            tn_json_text(tn_describe_inherited(entry, binding->caller->section)));
	return object;
}

static void append_callers(json_t **list, const struct tn_bound *bound,
                           const struct tn_bound_view *view, size_t number)
{
	const struct tn_plan_worker *worker = &view->plan->workers[number];

	for (size_t i = 0; i < worker->use_count; i++) {
		const struct tn_plan_use *use = &worker->uses[i];

		if (tn_bound_counts(bound, view, use->binding->caller->number))
			tn_json_append(list, json_of_binding(view->plan, use->binding, use->weight,
			                                     use->binding->caller));
	}
}

static json_t *json_of_callers(const struct tn_bound *bound, size_t number)
{
	json_t *list = json_array();

	for (size_t i = 0; i < bound->count; i++)
		append_callers(&list, bound, &bound->views[i], number);
	return list;
}

static void append_targets(json_t **list, const struct tn_plan *plan,
                           const struct tn_plan_binding *binding)
{
	for (size_t i = 0; i < binding->target_count; i++)
		tn_json_append(list, json_of_binding(plan, binding, binding->targets[i].weight,
		                                     binding->targets[i].worker));
}

static json_t *json_of_callees(const struct tn_bound *bound, size_t number)
{
	json_t *list = json_array();

	for (size_t i = 0; i < bound->count; i++) {
		const struct tn_plan *plan = bound->views[i].plan;
		const struct tn_plan_worker *worker = &plan->workers[number];

		if (!tn_bound_counts(bound, &bound->views[i], number))
			continue;
		for (size_t j = 0; j < worker->binding_count; j++)
			append_targets(&list, plan, &worker->bindings[j]);
	}
	return list;
}

static json_t *json_of_chain(const struct tn_bound *bound, const struct tn_bound_view *view,
                             size_t from, bool is_cycle)
{
	const struct tn_plan_worker *workers = view->plan->workers;
	bool there = from == bound->worker->number && !is_cycle;
	json_t *list = json_array();

	tn_json_append(&list, tn_json_text(workers[from].name));
	while (!there) {
		from = view->next[from];
		tn_json_append(&list, tn_json_text(workers[from].name));
		there = from == bound->worker->number;
	}
	return list;
}

static void append_route(json_t **list, const struct tn_plan *plan, const struct tn_route *route,
                         json_t *chain)
{
	json_t *object = json_object();

	tn_json_set(&object, "route", tn_json_text(route->text));
	tn_json_set(&object, "worker", tn_json_text(plan->workers[route->worker].name));
	set_environment(&object, plan);
	tn_json_set_place(&object, route->place);
	tn_json_set(&object, "chain", chain);
	tn_json_append(list, object);
}

static void append_routes(json_t **list, const struct tn_bound *bound,
                          const struct tn_bound_view *view)
{
	const struct tn_routes *routes = &view->plan->routes;

	for (size_t i = 0; i < routes->count; i++) {
		const struct tn_route *route = &routes->list[i];

		if (tn_bound_leads(bound, view, route->worker))
			append_route(list, view->plan, route,
			             json_of_chain(bound, view, route->worker, false));
	}
}

static json_t *json_of_routes(const struct tn_bound *bound)
{
	json_t *list = json_array();

	for (size_t i = 0; i < bound->count; i++)
		append_routes(&list, bound, &bound->views[i]);
	return list;
}

static void append_own_routes(json_t **list, const struct tn_plan *plan, size_t number)
{
	const struct tn_plan_worker *worker = &plan->workers[number];

	for (size_t i = 0; worker->route && i < plan->routes.count; i++) {
		if (plan->routes.list[i].worker == number)
			append_route(list, plan, &plan->routes.list[i],
			             json_pack("[s]", worker->name));
	}
}

static json_t *json_of_own_routes(const struct tn_bound *bound, size_t number)
{
	json_t *list = json_array();

	for (size_t i = 0; i < bound->count; i++)
		append_own_routes(&list, bound->views[i].plan, number);
	return list;
}

static void append_indirect(json_t **list, const struct tn_bound *bound,
                            const struct tn_bound_view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct tn_plan_worker *caller = &view->plan->workers[view->order[i]];
		json_t *object;

		if (view->distance[caller->number] < 2 ||
		    !tn_bound_counts(bound, view, caller->number))
			continue;
		object = json_object();
		set_worker(&object, caller, caller->reachable);
		set_environment(&object, view->plan);
		tn_json_set(&object, "chain", json_of_chain(bound, view, caller->number, true));
		tn_json_append(list, object);
	}
}

static json_t *json_of_indirect(const struct tn_bound *bound)
{
	json_t *list = json_array();

	for (size_t i = 0; i < bound->count; i++)
		append_indirect(&list, bound, &bound->views[i]);
	return list;
}

static json_t *json_of_variants(const struct tn_bound *bound)
{
	const struct tn_plan *plan = bound->views[0].plan;
	json_t *list = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *other = &plan->workers[i];
		json_t *object;

		if (other == bound->worker || !tn_bound_is_variant(bound->worker, other))
			continue;
		object = json_object();
		set_worker(&object, other, tn_bound_is_reached(bound, i));
		tn_json_set(&object, "public", json_boolean(tn_bound_is_public(bound, i)));
		tn_json_set(&object, "inherits", json_of_parent(other));
		tn_json_set(&object, "states", json_of_states(bound, i));
		tn_json_set(&object, "bound_by", json_of_callers(bound, i));
		tn_json_append(&list, object);
	}
	return list;
}

static json_t *json_of(const struct tn_bound *bound, size_t number, json_t *routes)
{
	const struct tn_plan *plan = bound->views[0].plan;
	const struct tn_plan_worker *worker = &plan->workers[number];
	json_t *object = json_object();

	tn_json_set(&object, "name", tn_json_text(worker->name));
	tn_json_set(&object, "variant", tn_json_text(worker->variant));
	set_environment(&object, plan);
	tn_json_set(&object, "inherits", json_of_parent(worker));
	tn_json_set(&object, "public", json_boolean(tn_bound_is_public(bound, number)));
	tn_json_set(&object, "reachable", json_boolean(tn_bound_is_reached(bound, number)));
	tn_json_set_place(&object, worker->section->place);
	tn_json_set(&object, "states", json_of_states(bound, number));
	tn_json_set(&object, "bound_by", json_of_callers(bound, number));
	tn_json_set(&object, "binds", json_of_callees(bound, number));
	tn_json_set(&object, "routes", routes);
	return object;
}

static json_t *json_of_one(const struct tn_bound *bound)
{
	json_t *object = json_of(bound, bound->worker->number, json_of_routes(bound));

	tn_json_set(&object, "indirect_callers", json_of_indirect(bound));
	tn_json_set(&object, "variants", json_of_variants(bound));
	return object;
}

static json_t *json_of_all(const struct tn_bound *bound)
{
	json_t *list = json_array();

	for (size_t i = 0; i < bound->views[0].plan->count; i++)
		tn_json_append(&list, json_of(bound, i, json_of_own_routes(bound, i)));
	return list;
}

int tn_bound_print_json(const struct tn_bound *bound)
{
	return tn_json_print(json_of_one(bound));
}

int tn_bound_print_json_all(const struct tn_bound *bound)
{
	return tn_json_print(json_of_all(bound));
}
