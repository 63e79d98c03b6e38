/*
 * diff_json.c - the difference for programs: a list of what it is without an environment and in
 * each, or in the one that was asked for; each is whole.
 *
 *	{
 *	  "environment": null,                 or "staging"
 *	  "broken": true,                      what is still needed would be gone
 *	  "host": [ ... ],                     changes of the keys of [host], as below
 *	  "workers": [                         those of NEW in its order, then the removed
 *	    {
 *	      "name": "auth",
 *	      "change": "changed",             or "added", "removed"
 *	      "changes": [
 *	        {
 *	          "change": "changed",         or "added", "removed"
 *	          "key": "service.store",      "module", "var.NAME", "route"; "reachable": yes or no
 *	          "route": null,               where the key is "route": it
 *	          "old": "store",              null: there was none; of a route the Worker
 *	                                       that had it, of a secret its source
 *	          "new": "store@v2",
 *	          "note": null                 of a module or secret, such as "other content"
 *	        }
 *	      ],
 *	      "needed_by": [                   where it, its module or a secret is gone
 *	        { "worker": "gateway", "key": "service.auth", "file": "x.ini", "line": 4 }
 *	      ],
 *	      "callers": [ "gateway" ],        whoever binds it, in NEW; in OLD if it is removed
 *	      "far_callers": [],               whoever leads to one of these
 *	      "routes": [ "/api" ],            by which requests reach it
 *	      "callees": [ "store@v2" ],       whom it binds
 *	      "far_callees": []                to whom one of these leads
 *	    }
 *	  ]
 *	}
 */
#include "command/diff.h"
#include "command/input.h"
#include "command/json.h"

#include <stdlib.h>
#include <sysexits.h>

static const char *name_of(enum tn_mark mark)
{
	switch (mark) {
	case TN_MARK_ADDED:
		return "added";
	case TN_MARK_REMOVED:
		return "removed";
	default:
		return "changed";
	}
}

static json_t *json_of_change(const struct tn_diff_change *change)
{
	json_t *object = json_object();

	tn_json_set(&object, "change", tn_json_text(name_of(change->mark)));
	tn_json_set(&object, "key", tn_json_text(change->key));
	tn_json_set(&object, "route", tn_json_text(change->route));
	tn_json_set(&object, "old", tn_json_text(change->before));
	tn_json_set(&object, "new", tn_json_text(change->after));
	tn_json_set(&object, "note", tn_json_text(change->note));
	return object;
}

static json_t *json_of_changes(const struct tn_difference *difference)
{
	json_t *list = json_array();

	for (size_t i = 0; i < difference->count; i++)
		tn_json_append(&list, json_of_change(&difference->changes[i]));
	return list;
}

static json_t *json_of_needs(const struct tn_difference *difference)
{
	json_t *list = json_array();

	for (size_t i = 0; i < difference->need_count; i++) {
		const struct tn_need *need = &difference->needs[i];
		json_t *object = json_object();

		tn_json_set(&object, "worker", tn_json_text(need->worker->name));
		tn_json_set(&object, "key", tn_json_text(need->key));
		tn_json_set_place(&object, need->place);
		tn_json_append(&list, object);
	}
	return list;
}

/* ---- Who is affected ----------------------------------------------------------------------- */

static json_t *json_of_related(const struct tn_plan *plan, const unsigned char *relations,
                               enum tn_relation relation)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		if (relations[i] & relation)
			tn_json_append(&list, tn_json_text(plan->workers[i].name));
	}
	return list;
}

static json_t *json_of_routes(const struct tn_difference *difference,
                              const unsigned char *relations)
{
	const struct tn_routes *routes = &difference->plan->routes;
	json_t *list = json_array();

	for (size_t i = 0; i < routes->count; i++) {
		if (tn_diff_is_reached(difference, relations, &routes->list[i]))
			tn_json_append(&list, tn_json_text(routes->list[i].text));
	}
	return list;
}

static void set_affected(json_t **object, const struct tn_difference *difference)
{
	static const struct {
		const char *name;
		enum tn_relation relation;
	} related[] = {
		{ "callers", TN_CALLER },
		{ "far_callers", TN_FAR_CALLER },
		{ "callees", TN_CALLEE },
		{ "far_callees", TN_FAR_CALLEE },
	};
	unsigned char *relations = tn_diff_relations(difference);

	if (!relations) {
		json_decref(*object);
		*object = NULL;
		return;
	}
	tn_json_set(object, "routes", json_of_routes(difference, relations));
	for (size_t i = 0; i < sizeof(related) / sizeof(related[0]); i++)
		tn_json_set(object, related[i].name,
		            json_of_related(difference->plan, relations, related[i].relation));
	free(relations);
}

/* ---- The whole ----------------------------------------------------------------------------- */

static json_t *json_of_worker(const struct tn_difference *difference)
{
	json_t *object = json_object();

	tn_json_set(&object, "name", tn_json_text(difference->worker->name));
	tn_json_set(&object, "change", tn_json_text(name_of(difference->mark)));
	tn_json_set(&object, "changes", json_of_changes(difference));
	tn_json_set(&object, "needed_by", json_of_needs(difference));
	set_affected(&object, difference);
	return object;
}

static json_t *json_of_diff(const struct tn_diff *diff)
{
	json_t *object = json_object();
	json_t *workers = json_array();

	for (size_t i = 0; i < diff->count; i++) {
		if (diff->list[i].mark)
			tn_json_append(&workers, json_of_worker(&diff->list[i]));
	}
	tn_json_set(&object, "environment", tn_json_text(diff->after->environment));
	tn_json_set(&object, "broken", json_boolean(diff->broken));
	tn_json_set(&object, "host", json_of_changes(&diff->host));
	tn_json_set(&object, "workers", workers);
	return object;
}

int tn_diff_print_json(const struct tn_diff *diffs, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		tn_json_append(&list, json_of_diff(&diffs[i]));
	return tn_json_print(list);
}
