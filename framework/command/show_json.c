/*
 * show_json.c - a Worker, or the host, for programs; of all, a list of them:
 *
 *	{ "kind": "worker" or "host", "name": "auth@staging", "variant": "staging",
 *	  "inherits": "auth", "public": false, "reachable": true, "module": "etc/auth.so",
 *	  "blocking": false, "waits": true,
 *	  "waits_through": { "key": "service.users", "worker": "users" },
 *	  "file": "etc/tenon.ini", "line": 12, "keys": [KEY, ...] }
 *
 * The host, "[host]" or "[host@staging]", has nothing from "public" to "waits_through", which is
 * null where a Worker does not wait, or does so itself. A KEY is
 *
 *	{ "key": "service.users", "value": "users", "file": "etc/tenon.ini", "line": 9,
 *	  "inherited_from": "auth" }
 *
 * and has, for a service, "targets": [{ "worker": "users@staging", "weight": 100 }, ...], the
 * weights in percent; for a route, "effective", which is false where it is none of this
 * environment. The value is a text, but that of a secret
 *
 *	{ "source": "file:secrets/token", "bytes": 32 }
 *
 * where the source is null if the secret is written into the file, the size if it was not read.
 * Whatever else there is not is null, too: the place of the module, if it is the default.
 */
#include "command/show.h"

#include "command/describe.h"
#include "command/json.h"

static json_t *json_of_secret(const struct tn_show_secret *secret)
{
	json_int_t size = (json_int_t)secret->size;
	json_t *object = json_object();

	tn_json_set(&object, "source", tn_json_text(secret->source));
	tn_json_set(&object, "bytes", size ? json_integer(size) : json_null());
	return object;
}

static json_t *json_of_row(const struct tn_show_subject *subject, const struct tn_show_row *row)
{
	const struct tn_entry *entry = row->entry;
	json_t *object = json_object();

	tn_json_set(&object, "key", tn_json_text(entry->key));
	tn_json_set(&object, "value",
	            row->text ? tn_json_text(row->text) : json_of_secret(&row->secret));
	tn_json_set_place(&object, entry->place);
	tn_json_set(&object, "inherited_from",
	            tn_json_text(tn_describe_inherited(entry, subject->section)));
	if (row->binding)
		tn_json_set(&object, "targets", tn_json_targets(row->binding));
	if (row->is_route)
		tn_json_set(&object, "effective", json_boolean(!row->is_idle));
	return object;
}

static json_t *json_of_rows(struct tn_show *show, const struct tn_show_subject *subject)
{
	json_t *list = json_array();
	struct tn_show_row row;

	for (size_t i = 0; i < tn_show_row_count(subject); i++)
		if (tn_show_row_fill(show, subject, i, &row))
			tn_json_append(&list, json_of_row(subject, &row));
	return list;
}

static json_t *json_of_way(const struct tn_plan_worker *worker)
{
	json_t *object;

	if (!worker->waits_through)
		return json_null();
	object = json_object();
	tn_json_set(&object, "key", tn_json_text(worker->waits_through->entry->key));
	tn_json_set(&object, "worker", tn_json_text(worker->waits_for->name));
	return object;
}

static json_t *json_of(struct tn_show *show, const struct tn_show_subject *subject)
{
	const struct tn_plan_worker *worker = subject->worker;
	const struct tn_section *section = subject->section;
	json_t *object = json_object();

	tn_json_set(&object, "kind", tn_json_text(worker ? "worker" : "host"));
	tn_json_set(&object, "name", tn_json_text(subject->name));
	tn_json_set(&object, "variant", tn_json_text(section ? section->variant : NULL));
	tn_json_set(&object, "inherits", tn_json_text(subject->inherits));
	if (worker) {
		tn_json_set(&object, "public", json_boolean(worker->route));
		tn_json_set(&object, "reachable", json_boolean(worker->reachable));
		tn_json_set(&object, "module", tn_json_text(worker->module_path));
		tn_json_set(&object, "blocking", json_boolean(worker->blocking));
		tn_json_set(&object, "waits", json_boolean(worker->waits));
		tn_json_set(&object, "waits_through", json_of_way(worker));
	}
	tn_json_set_place(&object, section ? section->place : (struct tn_place){ 0 });
	tn_json_set(&object, "keys", json_of_rows(show, subject));
	return object;
}

int tn_show_print_json(struct tn_show *show)
{
	json_t *list;

	if (!show->all)
		return tn_json_print(json_of(show, &show->subjects[0]));
	list = json_array();
	for (size_t i = 0; i < show->count; i++)
		tn_json_append(&list, json_of(show, &show->subjects[i]));
	return tn_json_print(list);
}
