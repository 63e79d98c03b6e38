/*
 * bound_json.c - a Worker for programs; of --all, a list of them:
 *
 *	{ "name": "auth@staging", "variant": "staging", "environment": "staging",
 *	  "inherits": "auth", "public": false, "reachable": true,
 *	  "file": "etc/tenon.ini", "line": 12,
 *	  "bound_by": [BINDING, ...], "binds": [BINDING, ...], "routes": [ROUTE, ...],
 *	  "indirect_callers": [CALLER, ...], "variants": [VARIANT, ...] }
 *
 * In --all the routes are the Worker's own, and the last two are not there. What there is not is
 * null: "environment" where none was asked for, "key" where no key decides. A "worker" is the one
 * at the other end, a weight is in percent, and a chain ends with this Worker:
 *
 *	BINDING { "worker": "gateway", "variant": null, "reachable": true, "field": "auth",
 *	          "weight": 10, "key": "header:x-user", "file": "etc/tenon.ini", "line": 3,
 *	          "inherited_from": null }
 *	ROUTE   { "route": "/api", "worker": "api", "file": "etc/tenon.ini", "line": 20,
 *	          "chain": ["api", "gateway", "auth@staging"] }
 *	CALLER  { "worker": "api", "variant": null, "reachable": true, "chain": [...] }
 *	VARIANT { "worker": "auth@v2", "variant": "v2", "reachable": true, "public": false,
 *	          "inherits": "auth", "bound_by": [BINDING, ...] }
 */
#include "command/bound.h"

#include "command/describe.h"
#include "command/json.h"

static void set_worker(json_t **object, const struct tn_plan_worker *worker)
{
	tn_json_set(object, "worker", tn_json_text(worker->name));
	tn_json_set(object, "variant", tn_json_text(worker->variant));
	tn_json_set(object, "reachable", json_boolean(worker->reachable));
}

static json_t *json_of_parent(const struct tn_plan_worker *worker)
{
	return tn_json_text(worker->parent ? worker->parent->name : NULL);
}

/* As seen from one of its ends; `other` is the Worker at the other. */
static json_t *json_of_binding(const struct tn_plan_binding *binding, uint32_t share,
                               const struct tn_plan_worker *other)
{
	const struct tn_entry *entry = binding->entry;
	bool sticky = binding->key_entry && binding->target_count > 1;
	json_t *object = json_object();

	set_worker(&object, other);
	tn_json_set(&object, "field", tn_json_text(binding->field));
	tn_json_set(&object, "weight", tn_json_weight(share));
	tn_json_set(&object, "key", tn_json_text(sticky ? binding->key_entry->value : NULL));
	tn_json_set_place(&object, entry->place);
	tn_json_set(&object, "inherited_from",
	            tn_json_text(tn_describe_inherited(entry, binding->caller->section)));
	return object;
}

static json_t *json_of_callers(const struct tn_plan_worker *worker)
{
	json_t *list = json_array();

	for (size_t i = 0; i < worker->use_count; i++) {
		const struct tn_plan_use *use = &worker->uses[i];

		tn_json_append(&list, json_of_binding(use->binding, use->weight,
		                                      use->binding->caller));
	}
	return list;
}

static json_t *json_of_callees(const struct tn_plan_worker *worker)
{
	json_t *list = json_array();

	for (size_t i = 0; i < worker->binding_count; i++) {
		const struct tn_plan_binding *binding = &worker->bindings[i];

		for (size_t j = 0; j < binding->target_count; j++)
			tn_json_append(&list, json_of_binding(binding, binding->targets[j].weight,
			                                      binding->targets[j].worker));
	}
	return list;
}

static json_t *json_of_chain(const struct tn_bound *bound, size_t from, bool is_cycle)
{
	const struct tn_plan_worker *workers = bound->plan->workers;
	bool there = from == bound->worker->number && !is_cycle;
	json_t *list = json_array();

	tn_json_append(&list, tn_json_text(workers[from].name));
	while (!there) {
		from = bound->next[from];
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
	tn_json_set_place(&object, route->place);
	tn_json_set(&object, "chain", chain);
	tn_json_append(list, object);
}

static json_t *json_of_routes(const struct tn_bound *bound)
{
	const struct tn_routes *routes = &bound->plan->routes;
	json_t *list = json_array();

	for (size_t i = 0; i < routes->count; i++) {
		const struct tn_route *route = &routes->list[i];

		if (tn_bound_leads(bound, route->worker))
			append_route(&list, bound->plan, route,
			             json_of_chain(bound, route->worker, false));
	}
	return list;
}

static json_t *json_of_own_routes(const struct tn_plan *plan, const struct tn_plan_worker *worker)
{
	json_t *list = json_array();

	for (size_t i = 0; worker->route && i < plan->routes.count; i++)
		if (plan->routes.list[i].worker == worker->number)
			append_route(&list, plan, &plan->routes.list[i],
			             json_pack("[s]", worker->name));
	return list;
}

static json_t *json_of_indirect(const struct tn_bound *bound)
{
	json_t *list = json_array();

	for (size_t i = 0; i < bound->count; i++) {
		size_t caller = bound->order[i];
		json_t *object;

		if (bound->distance[caller] < 2)
			continue;
		object = json_object();
		set_worker(&object, &bound->plan->workers[caller]);
		tn_json_set(&object, "chain", json_of_chain(bound, caller, true));
		tn_json_append(&list, object);
	}
	return list;
}

static json_t *json_of_variants(const struct tn_plan *plan, const struct tn_plan_worker *worker)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *other = &plan->workers[i];
		json_t *object;

		if (other == worker || !tn_bound_is_variant(worker, other))
			continue;
		object = json_object();
		set_worker(&object, other);
		tn_json_set(&object, "public", json_boolean(other->route));
		tn_json_set(&object, "inherits", json_of_parent(other));
		tn_json_set(&object, "bound_by", json_of_callers(other));
		tn_json_append(&list, object);
	}
	return list;
}

static json_t *json_of(const struct tn_plan *plan, const struct tn_plan_worker *worker,
                       json_t *routes)
{
	json_t *object = json_object();

	tn_json_set(&object, "name", tn_json_text(worker->name));
	tn_json_set(&object, "variant", tn_json_text(worker->variant));
	tn_json_set(&object, "environment", tn_json_text(plan->environment));
	tn_json_set(&object, "inherits", json_of_parent(worker));
	tn_json_set(&object, "public", json_boolean(worker->route));
	tn_json_set(&object, "reachable", json_boolean(worker->reachable));
	tn_json_set_place(&object, worker->section->place);
	tn_json_set(&object, "bound_by", json_of_callers(worker));
	tn_json_set(&object, "binds", json_of_callees(worker));
	tn_json_set(&object, "routes", routes);
	return object;
}

static json_t *json_of_one(const struct tn_bound *bound)
{
	json_t *object = json_of(bound->plan, bound->worker, json_of_routes(bound));

	tn_json_set(&object, "indirect_callers", json_of_indirect(bound));
	tn_json_set(&object, "variants", json_of_variants(bound->plan, bound->worker));
	return object;
}

static json_t *json_of_all(const struct tn_plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *worker = &plan->workers[i];

		tn_json_append(&list, json_of(plan, worker, json_of_own_routes(plan, worker)));
	}
	return list;
}

int tn_bound_print_json(const struct tn_bound *bound)
{
	return tn_json_print(json_of_one(bound));
}

int tn_bound_print_json_all(const struct tn_plan *plan)
{
	return tn_json_print(json_of_all(plan));
}
