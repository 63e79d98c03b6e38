#include "deploy/link.h"

#include "deploy/value.h"

#include <stdlib.h>
#include <string.h>

#define ITEM_SIZE 512
#define KEY_SIZE 256
#define HINT_SIZE 320

/* One binding, while it is read. */
struct reading {
	const struct tn_plan *plan;
	struct tn_plan_binding *binding;
	struct tn_errors *errors;
	uint32_t sum;
	size_t items;
	bool without_weight; /* one of the items */
	bool failed;         /* an error was found: the sum would mislead */
};

/* An inherited entry is complained of where it stands, and not for each that inherits it. */
TN_PRINTF(3, 4)
static void complain(struct reading *reading, const struct tn_entry *entry, const char *format, ...)
{
	const struct tn_plan_worker *caller = reading->binding->caller;
	char problem[1024];
	va_list list;

	reading->failed = true;
	if (entry->section != caller->section)
		return;
	va_start(list, format);
	vsnprintf(problem, sizeof(problem), format, list);
	va_end(list);
	tn_errors_add(reading->errors, entry->place, "worker '%s': %s: %s", caller->name,
	              entry->key, problem);
}

/* ---- Targets ------------------------------------------------------------------------------- */

/* Two names may mean one Worker in an environment: its weights then add up. */
static void add_target(struct reading *reading, struct tn_plan_worker *worker, uint32_t weight)
{
	struct tn_plan_binding *binding = reading->binding;
	size_t i = 0;

	while (i < binding->target_count && binding->targets[i].worker != worker)
		i++;
	binding->targets[i].worker = worker;
	binding->targets[i].weight += weight;
	binding->target_count += i == binding->target_count;
}

static bool is_repeated(const struct tn_entry *entry, const char *name, size_t before)
{
	const char *list = entry->value;
	char item[ITEM_SIZE];

	for (size_t i = 0; i < before && tn_value_next(&list, item, sizeof(item)); i++) {
		uint32_t weight;
		bool weighted;

		if (!tn_split_item_read(item, &weight, &weighted) && strcmp(item, name) == 0)
			return true;
	}
	return false;
}

static void read_target(struct reading *reading, const char *name, uint32_t weight)
{
	const struct tn_entry *entry = reading->binding->entry;
	char hint[HINT_SIZE];
	struct tn_plan_worker *worker = tn_plan_lookup(reading->plan, name);

	if (!worker) {
		worker = tn_plan_ask(reading->plan, name, hint, sizeof(hint));
		if (*hint || !*name)
			complain(reading, entry, "no worker '%s'%s", name, hint);
		else
			complain(reading, entry, "no worker '%s': add [worker %s], or name another",
			         name, name);
	}
	if (worker)
		add_target(reading, worker, weight);
}

static void read_item(struct reading *reading, char *item)
{
	const struct tn_entry *entry = reading->binding->entry;
	char written[ITEM_SIZE];
	uint32_t weight = 0;
	bool weighted = false;
	const char *wrong;

	if (!*item) {
		complain(reading, entry,
		         "an empty name: write the name of a Worker%s",
		         strchr(entry->value, ',') ? ", or remove the comma" : "");
		return;
	}
	memcpy(written, item, sizeof(written));
	wrong = tn_split_item_read(item, &weight, &weighted);
	if (wrong) {
		complain(reading, entry, "'%s': %s", written, wrong);
		return;
	}
	if (is_repeated(entry, item, reading->items))
		complain(reading, entry, "'%s' is there twice: give it one weight", item);
	reading->without_weight = reading->without_weight || !weighted;
	reading->sum += weighted ? weight : 0;
	read_target(reading, item, weight);
}

static void check_weights(struct reading *reading)
{
	const struct tn_entry *entry = reading->binding->entry;
	char sum[TN_WEIGHT_SIZE];

	if (reading->items == 1 && reading->without_weight)
		return;
	if (reading->without_weight)
		complain(reading, entry,
		         "each of several has a weight: write `%s = auth@v1 90%%, auth@v2 10%%`",
		         entry->key);
	else if (reading->sum != TN_WEIGHT_WHOLE)
		complain(reading, entry, "the weights are %s together: they are to be 100%%",
		         tn_weight_text(reading->sum, sum));
}

static size_t count_items(const char *list)
{
	size_t count = 1;

	for (; *list; list++)
		count += *list == ',';
	return count;
}

/* ---- The key of a split -------------------------------------------------------------------- */

bool tn_link_split_key(const char *key, const char **field, size_t *size)
{
	*field = tn_key_field(key, "split");
	if (!*field || strlen(*field) <= strlen(".key"))
		return false;
	*size = strlen(*field) - strlen(".key");
	return strcmp(*field + *size, ".key") == 0;
}

static void read_split_key(struct reading *reading)
{
	struct tn_plan_binding *binding = reading->binding;
	char key[KEY_SIZE];
	const char *wrong;

	snprintf(key, sizeof(key), "split.%s.key", binding->field);
	binding->key_entry = tn_keys_find(&binding->caller->keys, key);
	if (!binding->key_entry)
		return;
	wrong = tn_split_key_read(binding->key_entry->value, &binding->key);
	if (wrong)
		complain(reading, binding->key_entry, "'%s': %s", binding->key_entry->value, wrong);
}

/* A split of a binding that is none. */
static void check_split_key(const struct tn_plan_worker *worker, const struct tn_entry *entry,
                            struct tn_errors *errors)
{
	const char *field;
	size_t size;
	char key[KEY_SIZE];

	if (entry->section != worker->section || !tn_link_split_key(entry->key, &field, &size))
		return;
	snprintf(key, sizeof(key), "service.%.*s", (int)size, field);
	if (!tn_keys_find(&worker->keys, key))
		tn_errors_add(errors, entry->place,
		              "worker '%s': %s: there is no %s to split: add it, or remove this",
		              worker->name, entry->key, key);
}

/* ---- Bindings ------------------------------------------------------------------------------ */

static bool read_binding(const struct tn_plan *plan, struct tn_plan_binding *binding,
                         struct tn_errors *errors)
{
	struct reading reading = { .plan = plan, .binding = binding, .errors = errors };
	const char *list = binding->entry->value;
	char item[ITEM_SIZE];

	binding->targets = calloc(count_items(list), sizeof(binding->targets[0]));
	if (!binding->targets)
		return false;
	for (; tn_value_next(&list, item, sizeof(item)); reading.items++)
		read_item(&reading, item);
	if (!reading.failed)
		check_weights(&reading);
	read_split_key(&reading);
	return true;
}

static size_t count_bindings(const struct tn_plan_worker *worker)
{
	size_t count = 0;

	for (size_t i = 0; i < worker->keys.count; i++)
		count += tn_key_field(worker->keys.list[i]->key, "service") != NULL;
	return count;
}

static bool read_bindings(const struct tn_plan *plan, struct tn_plan_worker *worker,
                          struct tn_errors *errors)
{
	worker->bindings = calloc(count_bindings(worker) + 1, sizeof(worker->bindings[0]));
	if (!worker->bindings)
		return false;
	for (size_t i = 0; i < worker->keys.count; i++) {
		const struct tn_entry *entry = worker->keys.list[i];
		const char *field = tn_key_field(entry->key, "service");
		struct tn_plan_binding *binding = &worker->bindings[worker->binding_count];

		check_split_key(worker, entry, errors);
		if (!field)
			continue;
		*binding = (struct tn_plan_binding){ .caller = worker,
			                             .entry = entry,
			                             .field = field };
		worker->binding_count++;
		if (!read_binding(plan, binding, errors))
			return false;
	}
	return true;
}

/* ---- The other way ------------------------------------------------------------------------- */

/* The first pass counts, the second notes. */
static void visit_targets(const struct tn_plan *plan, bool note)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *caller = &plan->workers[i];

		for (size_t j = 0; j < caller->binding_count; j++) {
			const struct tn_plan_binding *binding = &caller->bindings[j];

			for (size_t k = 0; k < binding->target_count; k++) {
				const struct tn_plan_target *target = &binding->targets[k];
				struct tn_plan_worker *worker = target->worker;

				if (note)
					worker->uses[worker->use_count] = (struct tn_plan_use){
						binding, target->weight
					};
				worker->use_count++;
			}
		}
	}
}

static bool note_uses(struct tn_plan *plan)
{
	visit_targets(plan, false);
	for (size_t i = 0; i < plan->count; i++) {
		struct tn_plan_worker *worker = &plan->workers[i];

		worker->uses = calloc(worker->use_count + 1, sizeof(worker->uses[0]));
		if (!worker->uses)
			return false;
		worker->use_count = 0;
	}
	visit_targets(plan, true);
	return true;
}

bool tn_link(struct tn_plan *plan, struct tn_errors *errors)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!read_bindings(plan, &plan->workers[i], errors))
			return false;
	return note_uses(plan);
}
