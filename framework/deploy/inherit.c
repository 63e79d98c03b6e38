#include "deploy/inherit.h"

#include "deploy/nearest.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 256
#define HINT_SIZE 320

/* ---- Parents ------------------------------------------------------------------------------- */

static size_t base_size(const char *name)
{
	return strcspn(name, "@");
}

static void base_name(const struct tn_plan_worker *worker, char *base)
{
	snprintf(base, NAME_SIZE, "%.*s", (int)base_size(worker->name), worker->name);
}

struct tn_plan_worker *tn_inherit_base(const struct tn_plan *plan,
                                       const struct tn_plan_worker *worker)
{
	char base[NAME_SIZE];

	base_name(worker, base);
	return tn_plan_find(plan, base);
}

static bool same_base(const char *one, const char *other)
{
	size_t size = base_size(one);

	return size == base_size(other) && memcmp(one, other, size) == 0;
}

static const struct tn_plan_worker *find_named(const struct tn_plan *plan,
                                               const struct tn_plan_worker *worker,
                                               const struct tn_entry *entry,
                                               struct tn_errors *errors)
{
	const struct tn_plan_worker *parent = tn_plan_find(plan, entry->value);
	struct tn_nearest nearest = { .wanted = entry->value };
	char hint[HINT_SIZE];

	if (parent && same_base(parent->name, worker->name))
		return parent;
	if (parent || entry->unset) {
		tn_errors_add(errors, entry->place,
		              "worker '%s': inherits: name another variant of the same Worker, or "
		              "remove the line: '%.*s' is what it inherits from by itself",
		              worker->name, (int)base_size(worker->name), worker->name);
		return NULL;
	}
	for (size_t i = 0; i < plan->count; i++)
		if (&plan->workers[i] != worker &&
		    same_base(plan->workers[i].name, worker->name))
			tn_nearest_try(&nearest, plan->workers[i].name);
	tn_errors_add(errors, entry->place, "worker '%s': inherits: no worker '%s'%s", worker->name,
	              entry->value, tn_nearest_hint(&nearest, hint, sizeof(hint)));
	return NULL;
}

static const struct tn_plan_worker *find_base(const struct tn_plan *plan,
                                              const struct tn_plan_worker *worker,
                                              struct tn_errors *errors)
{
	const struct tn_plan_worker *parent = tn_inherit_base(plan, worker);
	struct tn_nearest nearest;
	char base[NAME_SIZE];
	char hint[HINT_SIZE];

	base_name(worker, base);
	if (parent || !*base) /* [worker @staging] is an error already */
		return parent;
	nearest = (struct tn_nearest){ .wanted = base };
	for (size_t i = 0; i < plan->count; i++)
		if (!plan->workers[i].variant)
			tn_nearest_try(&nearest, plan->workers[i].name);
	tn_errors_add(errors, worker->section->place,
	              "worker '%s': there is no worker '%s' to inherit from%s: add [worker %s]",
	              worker->name, base, tn_nearest_hint(&nearest, hint, sizeof(hint)), base);
	return NULL;
}

static void find_parent(const struct tn_plan *plan, struct tn_plan_worker *worker,
                        struct tn_errors *errors)
{
	const struct tn_entry *entry = tn_section_find(worker->section, "inherits");

	if (worker->variant && entry)
		worker->parent = find_named(plan, worker, entry, errors);
	else if (worker->variant)
		worker->parent = find_base(plan, worker, errors);
	else if (entry)
		tn_errors_add(errors, entry->place,
		              "worker '%s': inherits: only a variant inherits: write "
		              "[worker %s@VARIANT]",
		              worker->name, worker->name);
}

/* ---- Keys ---------------------------------------------------------------------------------- */

/* A walk from a Worker to those that it inherits from. */
struct ancestry {
	struct tn_plan *plan;
	struct tn_errors *errors;
	struct tn_plan_worker **path;
	size_t depth;
	bool *on_path; /* one for each Worker */
};

/* The last on the path names one that is on it. */
static void refuse_cycle(const struct ancestry *ancestry, const struct tn_plan_worker *again)
{
	struct tn_plan_worker *last = ancestry->path[ancestry->depth - 1];
	const struct tn_entry *entry = tn_section_find(last->section, "inherits");
	size_t from = ancestry->depth - 1;
	char *chain = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&chain, &size);

	while (ancestry->path[from] != again)
		from--;
	for (size_t i = from; stream && i < ancestry->depth; i++)
		fprintf(stream, "%s > ", ancestry->path[i]->name);
	if (stream && (fclose(stream) || !chain))
		ancestry->errors->incomplete = true;
	tn_errors_add(ancestry->errors, entry ? entry->place : last->section->place,
	              "worker '%s': inherits: the variants inherit from one another, %s%s: name "
	              "another one",
	              last->name, chain ? chain : "", again->name);
	free(chain);
	last->parent = NULL;
}

/* As far up as the keys are not known yet. */
static void climb(struct ancestry *ancestry, struct tn_plan_worker *worker)
{
	ancestry->depth = 0;
	while (worker && !worker->keys.list) {
		struct tn_plan_worker *parent = NULL;

		ancestry->path[ancestry->depth++] = worker;
		ancestry->on_path[worker->number] = true;
		if (worker->parent)
			parent = &ancestry->plan->workers[worker->parent->number];
		if (parent && ancestry->on_path[parent->number]) {
			refuse_cycle(ancestry, parent);
			parent = NULL;
		}
		worker = parent;
	}
}

static bool descend(struct ancestry *ancestry)
{
	bool done = true;

	while (ancestry->depth) {
		struct tn_plan_worker *worker = ancestry->path[--ancestry->depth];
		const struct tn_keys *parent = worker->parent ? &worker->parent->keys : NULL;

		ancestry->on_path[worker->number] = false;
		done = done &&
		       tn_keys_inherit(&worker->keys, parent, worker->section, ancestry->errors);
	}
	return done;
}

static bool inherit_keys(struct tn_plan *plan, struct tn_errors *errors)
{
	struct ancestry ancestry = {
		.plan = plan,
		.errors = errors,
		.path = calloc(plan->count + 1, sizeof(ancestry.path[0])),
		.on_path = calloc(plan->count + 1, sizeof(ancestry.on_path[0])),
	};
	bool done = ancestry.path && ancestry.on_path;

	for (size_t i = 0; done && i < plan->count; i++) {
		climb(&ancestry, &plan->workers[i]);
		done = descend(&ancestry);
	}
	free(ancestry.path);
	free(ancestry.on_path);
	return done;
}

bool tn_inherit(struct tn_plan *plan, struct tn_errors *errors)
{
	for (size_t i = 0; i < plan->count; i++)
		find_parent(plan, &plan->workers[i], errors);
	return inherit_keys(plan, errors);
}
