#include "command/diff.h"

#include "deploy/reach.h"
#include "deploy/value.h"

#include <stdlib.h>
#include <string.h>

#define BASE_SIZE 256

bool tn_diff_next_name(const char **list, char *name)
{
	uint32_t weight;
	bool weighted;

	while (tn_value_next(list, name, TN_DIFF_NAME_SIZE)) {
		if (!tn_split_item_read(name, &weight, &weighted))
			return true;
	}
	return false;
}

/* ---- Guesses ------------------------------------------------------------------------------- */

/* Whether the Worker is bound by its name, and not in the place of one that is not there. */
static bool is_meant(const struct tn_plan *plan, const struct tn_plan_binding *binding,
                     const struct tn_plan_worker *worker)
{
	const char *list = binding->entry->value;
	char name[TN_DIFF_NAME_SIZE];

	while (tn_diff_next_name(&list, name)) {
		if (tn_plan_lookup(plan, name) == worker)
			return true;
	}
	return false;
}

static void forget_uses(const struct tn_plan *plan, struct tn_plan_worker *worker)
{
	size_t kept = 0;

	for (size_t i = 0; i < worker->use_count; i++) {
		if (is_meant(plan, worker->uses[i].binding, worker))
			worker->uses[kept++] = worker->uses[i];
	}
	worker->use_count = kept;
}

static void forget_targets(const struct tn_plan *plan, struct tn_plan_binding *binding)
{
	size_t kept = 0;

	for (size_t i = 0; i < binding->target_count; i++) {
		if (is_meant(plan, binding, binding->targets[i].worker))
			binding->targets[kept++] = binding->targets[i];
	}
	binding->target_count = kept;
}

bool tn_diff_forget_guesses(struct tn_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct tn_plan_worker *worker = &plan->workers[i];

		forget_uses(plan, worker);
		for (size_t j = 0; j < worker->binding_count; j++)
			forget_targets(plan, &worker->bindings[j]);
	}
	return tn_reach(plan);
}

/* ---- Who needs what is gone ---------------------------------------------------------------- */

/* Notes who needs it, if NEW has no Worker of that name, and OLD has. */
static void check_name(struct tn_diff *diff, const char *name, const struct tn_plan_worker *worker,
                       const char *key, struct tn_place place)
{
	const struct tn_plan_worker *before;

	if (tn_plan_lookup(diff->after, name))
		return;
	before = tn_plan_lookup(diff->before, name);
	if (before)
		tn_diff_add_need(diff, tn_diff_before(diff, before), worker, key, place);
}

static void check_bindings(struct tn_diff *diff, const struct tn_plan_worker *worker)
{
	for (size_t i = 0; i < worker->binding_count; i++) {
		const struct tn_entry *entry = worker->bindings[i].entry;
		const char *list = entry->value;
		char name[TN_DIFF_NAME_SIZE];

		while (tn_diff_next_name(&list, name))
			check_name(diff, name, worker, entry->key, entry->place);
	}
}

/* The one whose keys it inherits is named in full, whatever the environment. */
static void check_parent(struct tn_diff *diff, const struct tn_plan_worker *worker)
{
	const struct tn_entry *entry = tn_section_find(worker->section, "inherits");
	const struct tn_plan_worker *before;
	char base[BASE_SIZE];
	const char *name = entry ? entry->value : base;

	if (!worker->variant || worker->parent)
		return;
	snprintf(base, sizeof(base), "%.*s", (int)strcspn(worker->name, "@"), worker->name);
	before = tn_plan_find(diff->before, name);
	if (before && !tn_plan_find(diff->after, name))
		tn_diff_add_need(diff, tn_diff_before(diff, before), worker, "inherits",
		                 entry ? entry->place : worker->section->place);
}

void tn_diff_gone(struct tn_diff *diff, const struct tn_plan_worker *worker)
{
	check_bindings(diff, worker);
	check_parent(diff, worker);
}

/* ---- The errors that come of it ------------------------------------------------------------ */

static bool has_environment(const struct tn_plan *plan)
{
	const struct tn_config *config = plan->config;

	for (size_t i = 0; plan->environment && i < config->count; i++) {
		const char *variant = config->sections[i]->variant;

		if (variant && strcmp(variant, plan->environment) == 0)
			return true;
	}
	return false;
}

/* An environment that one of them has not is no error: then no Worker has a variant in it. */
static bool is_of_environment(const struct tn_diff *diff, const struct tn_plan *plan)
{
	return !has_environment(plan) &&
	       (has_environment(diff->before) || has_environment(diff->after));
}

static bool is_of_need(const struct tn_difference *difference, struct tn_place place)
{
	for (size_t i = 0; i < difference->need_count; i++) {
		const struct tn_place *other = &difference->needs[i].place;

		if (other->line == place.line && strcmp(other->file, place.file) == 0)
			return true;
	}
	return false;
}

bool tn_diff_explains(const struct tn_diff *diff, const struct tn_plan *plan,
                      const struct tn_error *error)
{
	if (!error->place.file)
		return false;
	if (!error->place.line)
		return is_of_environment(diff, plan);
	for (size_t i = 0; plan == diff->after && i < diff->count; i++) {
		if (is_of_need(&diff->list[i], error->place))
			return true;
	}
	return false;
}
