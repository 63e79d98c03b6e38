#include "deploy/plan.h"

#include "deploy/blocking.h"
#include "deploy/bodies.h"
#include "deploy/cycle.h"
#include "deploy/inherit.h"
#include "deploy/link.h"
#include "deploy/nearest.h"
#include "deploy/reach.h"
#include "deploy/value.h"

#include <stdlib.h>
#include <string.h>

#define LABEL_SIZE 256
#define HINT_SIZE 320
#define ITEM_SIZE 512
#define NAME_SIZE 512
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

/* ---- Names --------------------------------------------------------------------------------- */

static int compare_name(const void *name, const void *element)
{
	const struct tn_plan_worker *const *worker = element;

	return strcmp(name, (*worker)->name);
}

struct tn_plan_worker *tn_plan_find(const struct tn_plan *plan, const char *name)
{
	struct tn_plan_worker **found = bsearch(name, plan->by_name, plan->count,
	                                        sizeof(plan->by_name[0]), compare_name);

	return found ? *found : NULL;
}

/* The variant of the environment; NULL where there is none. */
static struct tn_plan_worker *find_variant(const struct tn_plan *plan, const char *name)
{
	char variant[NAME_SIZE];

	if (!plan->environment || strchr(name, '@'))
		return NULL;
	snprintf(variant, sizeof(variant), "%s@%s", name, plan->environment);
	return tn_plan_find(plan, variant);
}

struct tn_plan_worker *tn_plan_lookup(const struct tn_plan *plan, const char *name)
{
	struct tn_plan_worker *variant = find_variant(plan, name);

	return variant ? variant : tn_plan_find(plan, name);
}

struct tn_plan_worker *tn_plan_ask(const struct tn_plan *plan, const char *name, char *hint,
                                   size_t room)
{
	struct tn_plan_worker *worker = tn_plan_lookup(plan, name);
	struct tn_nearest nearest = { .wanted = name };

	hint[0] = '\0';
	if (worker)
		return worker;
	for (size_t i = 0; i < plan->count; i++)
		tn_nearest_try(&nearest, plan->workers[i].name);
	tn_nearest_hint(&nearest, hint, room);
	return nearest.name ? tn_plan_lookup(plan, nearest.name) : NULL;
}

const struct tn_plan_binding *tn_plan_binding(const struct tn_plan_worker *worker,
                                              const struct tn_entry *entry)
{
	for (size_t i = 0; i < worker->binding_count; i++)
		if (worker->bindings[i].entry == entry)
			return &worker->bindings[i];
	return NULL;
}

/* ---- Sections ------------------------------------------------------------------------------ */

static void unknown_section(const struct tn_section *section, struct tn_errors *errors)
{
	struct tn_nearest nearest = { .wanted = section->kind };
	char hint[HINT_SIZE];

	if (strcmp(section->kind, "host") == 0) {
		tn_errors_add(errors, section->place,
		              "[host %s]: there is one host, without a name: write [host], or "
		              "[host@ENVIRONMENT]",
		              section->name);
		return;
	}
	tn_nearest_try(&nearest, "host");
	tn_nearest_try(&nearest, "worker");
	tn_errors_add(errors, section->place,
	              "unknown section [%s%s%s]%s: there are [host] and [worker NAME]",
	              section->kind, *section->name ? " " : "", section->name,
	              tn_nearest_hint(&nearest, hint, sizeof(hint)));
}

static bool part_valid(const char *name)
{
	return *name && !name[strspn(name, LETTERS)];
}

/* "auth" or "auth@staging". */
static bool name_valid(const char *name)
{
	size_t size = strspn(name, LETTERS);

	return size && name[size] == '@' ? part_valid(name + size + 1) : part_valid(name);
}

static void add_worker(struct tn_plan *plan, const struct tn_section *section,
                       struct tn_errors *errors)
{
	if (!*section->name) {
		tn_errors_add(errors, section->place, "[worker]: it has no name: write "
		                                      "[worker NAME]");
		return;
	}
	if (!name_valid(section->name))
		tn_errors_add(errors, section->place,
		              "worker '%s': a name has letters, digits, '-', '_' and '.', and that "
		              "of a variant one '@' inside",
		              section->name);
	plan->workers[plan->count] = (struct tn_plan_worker){
		.name = section->name,
		.variant = section->variant,
		.number = plan->count,
		.section = section,
	};
	plan->count++;
}

static bool is_host(const struct tn_section *section)
{
	return strcmp(section->kind, "host") == 0 && (!*section->name || *section->name == '@');
}

static int compare_workers(const void *one, const void *other)
{
	return strcmp((*(struct tn_plan_worker *const *)one)->name,
	              (*(struct tn_plan_worker *const *)other)->name);
}

static bool read_sections(struct tn_plan *plan, struct tn_errors *errors)
{
	const struct tn_config *config = plan->config;
	struct tn_place whole = { .file = tn_config_path(config) };

	plan->workers = calloc(config->count + 1, sizeof(plan->workers[0]));
	plan->by_name = calloc(config->count + 1, sizeof(plan->by_name[0]));
	if (!plan->workers || !plan->by_name)
		return false;
	for (size_t i = 0; i < config->count; i++) {
		const struct tn_section *section = config->sections[i];

		if (strcmp(section->kind, "worker") == 0)
			add_worker(plan, section, errors);
		else if (!is_host(section))
			unknown_section(section, errors);
		else if (section->variant && !part_valid(section->variant))
			tn_errors_add(errors, section->place,
			              "[host%s]: the name of an environment has letters, digits, "
			              "'-', '_' and '.'",
			              section->name);
	}
	for (size_t i = 0; i < plan->count; i++)
		plan->by_name[i] = &plan->workers[i];
	qsort(plan->by_name, plan->count, sizeof(plan->by_name[0]), compare_workers);
	if (!plan->count && !errors->errors)
		tn_errors_add(errors, whole, "there is no Worker: add a section [worker NAME] "
		                             "with `route = /*`");
	return true;
}

/* ---- The environment ----------------------------------------------------------------------- */

/* It is there if a section is named after it. */
static void check_environment(const struct tn_plan *plan, struct tn_errors *errors)
{
	const struct tn_config *config = plan->config;
	struct tn_nearest nearest = { .wanted = plan->environment };
	char hint[HINT_SIZE];

	if (!plan->environment)
		return;
	for (size_t i = 0; i < config->count; i++) {
		const char *variant = config->sections[i]->variant;

		if (variant && strcmp(variant, plan->environment) == 0)
			return;
		tn_nearest_try(&nearest, variant);
	}
	tn_errors_add(errors, (struct tn_place){ .file = tn_config_path(config) },
	              "there is no environment '%s'%s: a section of it is [worker NAME@%s] or "
	              "[host@%s]",
	              plan->environment, tn_nearest_hint(&nearest, hint, sizeof(hint)),
	              plan->environment, plan->environment);
}

/* Each [host@...] is looked at, so that what it unsets is checked; one of them holds. */
static bool read_host(struct tn_plan *plan, struct tn_errors *errors)
{
	const struct tn_config *config = plan->config;
	struct tn_keys base;

	if (!tn_keys_inherit(&base, NULL, tn_config_find(config, "host", ""), errors))
		return false;
	for (size_t i = 0; i < config->count; i++) {
		const struct tn_section *section = config->sections[i];
		struct tn_keys keys;

		if (!is_host(section) || !section->variant)
			continue;
		if (!tn_keys_inherit(&keys, &base, section, errors)) {
			tn_keys_finish(&base);
			return false;
		}
		if (plan->environment && strcmp(section->variant, plan->environment) == 0)
			plan->host = keys;
		else
			tn_keys_finish(&keys);
	}
	if (plan->host.list)
		tn_keys_finish(&base);
	else
		plan->host = base;
	return true;
}

static bool read_settings(struct tn_plan *plan, struct tn_errors *errors)
{
	if (!read_host(plan, errors))
		return false;
	tn_settings_read(&plan->settings, &plan->host, tn_config_path(plan->config), errors);
	return plan->settings.modules && plan->settings.access_log;
}

/* ---- Modules ------------------------------------------------------------------------------- */

/* What `module` says, or the Worker's name without its variant and .so; without a slash, below
 * [host] modules. */
static char *find_module_path(const struct tn_plan *plan, const struct tn_plan_worker *worker)
{
	const struct tn_entry *entry = tn_keys_find(&worker->keys, "module");
	char *path = NULL;
	int length;

	if (entry && strchr(entry->value, '/'))
		return tn_config_resolve(entry->place, entry->value);
	if (entry)
		length = asprintf(&path, "%s/%s", plan->settings.modules, entry->value);
	else
		length = asprintf(&path, "%s/%.*s.so", plan->settings.modules,
		                  (int)strcspn(worker->name, "@"), worker->name);
	return length < 0 ? NULL : path;
}

static bool find_modules(struct tn_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		plan->workers[i].module_path = find_module_path(plan, &plan->workers[i]);
		if (!plan->workers[i].module_path)
			return false;
	}
	return true;
}

/* ---- Routes -------------------------------------------------------------------------------- */

/* Whether the variant is an environment that is run by itself, as [host@...] says. */
static bool has_host(const struct tn_plan *plan, const char *variant)
{
	char name[NAME_SIZE];

	if (!variant)
		return false;
	snprintf(name, sizeof(name), "@%s", variant);
	return tn_config_find(plan->config, "host", name);
}

/* The key by which the Worker is public in this environment; NULL for none. */
static const struct tn_entry *find_route(const struct tn_plan *plan,
                                         const struct tn_plan_worker *worker)
{
	const struct tn_entry *own = tn_section_find(worker->section, "route");
	const struct tn_plan_worker *base;

	if (own && own->unset)
		return NULL;
	if (!plan->environment)
		return has_host(plan, worker->variant) ? NULL : own;
	if (!worker->variant)
		return find_variant(plan, worker->name) ? NULL : own;
	if (strcmp(worker->variant, plan->environment) != 0)
		return NULL;
	base = tn_inherit_base(plan, worker);
	return own || !base ? own : tn_section_find(base->section, "route");
}

static void add_routes(struct tn_plan *plan, const struct tn_plan_worker *worker,
                       struct tn_errors *errors)
{
	const struct tn_entry *entry = worker->route;
	const char *list = entry ? entry->value : NULL;
	char item[ITEM_SIZE];

	while (list && tn_value_next(&list, item, sizeof(item))) {
		const char *wrong = tn_routes_add(&plan->routes, item, entry->place, worker->name,
		                                  worker->number);

		if (wrong)
			tn_errors_add(errors, entry->place, "worker '%s': route: '%s': %s",
			              worker->name, item, wrong);
	}
}

static void make_routes(struct tn_plan *plan, struct tn_errors *errors)
{
	struct tn_place whole = { .file = tn_config_path(plan->config) };

	for (size_t i = 0; i < plan->count; i++) {
		plan->workers[i].route = find_route(plan, &plan->workers[i]);
		add_routes(plan, &plan->workers[i], errors);
	}
	tn_routes_sort(&plan->routes, errors);
	if (plan->count && !plan->routes.count && !errors->errors)
		tn_errors_warn(errors, whole, "no Worker has a route: every request gets 404");
}

/* ---- The whole ----------------------------------------------------------------------------- */

static bool build(struct tn_plan *plan, struct tn_errors *errors)
{
	if (!read_sections(plan, errors))
		return false;
	check_environment(plan, errors);
	if (!read_settings(plan, errors) || !tn_inherit(plan, errors) || !find_modules(plan) ||
	    !tn_link(plan, errors))
		return false;
	make_routes(plan, errors);
	tn_bodies(plan, errors);
	return tn_reach(plan) && tn_blocking(plan, errors);
}

struct tn_plan *tn_plan_create(const struct tn_config *config, const char *environment,
                               struct tn_errors *errors)
{
	struct tn_plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return NULL;
	plan->config = config;
	plan->environment = environment;
	if (build(plan, errors))
		return plan;
	tn_plan_destroy(plan);
	return NULL;
}

bool tn_plan_narrow(struct tn_plan *plan, const struct tn_plan_worker *worker)
{
	return tn_reach_from(plan, worker) && tn_blocking_find(plan);
}

/* Inherited, it may have an effect on another variant. */
static void warn_of_key(const struct tn_plan_binding *binding, struct tn_errors *errors)
{
	const struct tn_section *section = binding->caller->section;

	if (binding->target_count == 1 && binding->key_entry &&
	    binding->key_entry->section == section && binding->entry->section == section)
		tn_errors_warn(errors, binding->key_entry->place,
		               "worker '%s': %s: it has no effect: %s is not split",
		               binding->caller->name, binding->key_entry->key, binding->entry->key);
}

void tn_plan_warn(const struct tn_plan *plan, struct tn_errors *errors)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->workers[i].binding_count; j++)
			warn_of_key(&plan->workers[i].bindings[j], errors);
	tn_cycle_warn(plan, errors);
	tn_blocking_warn(plan, errors);
	tn_bodies_warn(plan, errors);
	tn_reach_warn(plan, errors);
}

static void finish_worker(struct tn_plan_worker *worker)
{
	for (size_t i = 0; i < worker->binding_count; i++)
		free(worker->bindings[i].targets);
	free(worker->bindings);
	free(worker->uses);
	free(worker->module_path);
	tn_keys_finish(&worker->keys);
}

void tn_plan_destroy(struct tn_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->count; i++)
		finish_worker(&plan->workers[i]);
	free(plan->workers);
	free(plan->by_name);
	tn_routes_finish(&plan->routes);
	tn_settings_finish(&plan->settings);
	tn_keys_finish(&plan->host);
	free(plan);
}

void tn_plan_refuse(const struct tn_plan *plan, const char *key, struct tn_errors *errors,
                    const char *format, ...)
{
	const struct tn_entry *entry = tn_keys_find(&plan->host, key);
	struct tn_place whole = { .file = tn_config_path(plan->config) };
	char label[LABEL_SIZE], reason[TN_REASON_SIZE];
	va_list list;

	va_start(list, format);
	vsnprintf(reason, sizeof(reason), format, list);
	va_end(list);
	tn_errors_add(errors, entry ? entry->place : whole, "%s: %s: %s",
	              entry ? tn_section_label(entry->section, label, sizeof(label)) : "[host]",
	              key, reason);
}
