#include "deploy/deployment.h"

#include "deploy/binding.h"
#include "deploy/cycle.h"
#include "deploy/nearest.h"
#include "deploy/secrets.h"
#include "deploy/shared.h"
#include "deploy/value.h"
#include "observe/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HINT_SIZE 128
#define ITEM_SIZE 512
#define ENV_ALIGNMENT ((size_t)64) /* a cache line: no two Workers share one */

struct tn_instance *tn_deployment_find(const struct tn_deployment *deployment, const char *name)
{
	for (size_t i = 0; i < deployment->count; i++) {
		if (strcmp(deployment->instances[i].name, name) == 0)
			return &deployment->instances[i];
	}
	return NULL;
}

/* ---- Sections ------------------------------------------------------------------------------ */

static void unknown_section(const struct tn_section *section, struct tn_errors *errors)
{
	struct tn_nearest nearest = { .wanted = section->kind };
	char hint[HINT_SIZE];

	if (strcmp(section->kind, "host") == 0) {
		tn_errors_add(errors, section->place,
		              "[host %s]: there is one host, without a name: write [host]",
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

static bool name_valid(const char *name)
{
	return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                                  "0123456789-_.")] == '\0';
}

static void add_instance(struct tn_deployment *deployment, const struct tn_section *section,
                         struct tn_errors *errors)
{
	if (!*section->name) {
		tn_errors_add(errors, section->place, "[worker]: it has no name: write "
		                                      "[worker NAME]");
		return;
	}
	if (!name_valid(section->name))
		tn_errors_add(errors, section->place,
		              "worker '%s': a name has letters, digits, '-', '_' and '.'",
		              section->name);
	deployment->instances[deployment->count++] = (struct tn_instance){
		.section = section,
		.name = section->name,
	};
}

static bool read_sections(struct tn_deployment *deployment, struct tn_errors *errors)
{
	const struct tn_config *config = deployment->config;
	struct tn_place whole = { .file = config->path };

	deployment->instances = calloc(config->count + 1, sizeof(deployment->instances[0]));
	deployment->modules = calloc(config->count + 1, sizeof(struct tn_module *));
	if (!deployment->instances || !deployment->modules)
		return false;
	for (size_t i = 0; i < config->count; i++) {
		const struct tn_section *section = &config->sections[i];

		if (strcmp(section->kind, "worker") == 0)
			add_instance(deployment, section, errors);
		else if (strcmp(section->kind, "host") != 0 || *section->name)
			unknown_section(section, errors);
	}
	if (!deployment->count && !errors->errors)
		tn_errors_add(errors, whole, "there is no Worker: add a section [worker NAME] "
		                             "with `route = /*`");
	return true;
}

/* ---- Modules ------------------------------------------------------------------------------- */

/* What `module` says, or the Worker's name and .so; without a slash, below [host] modules. */
static char *find_module_path(const struct tn_deployment *deployment,
                              const struct tn_instance *instance)
{
	const struct tn_entry *entry = tn_section_find(instance->section, "module");
	char *path = NULL;

	if (entry && strchr(entry->value, '/'))
		return tn_config_resolve(deployment->config, entry->value);
	if (asprintf(&path, "%s/%s%s", deployment->settings.modules,
	             entry ? entry->value : instance->name, entry ? "" : ".so") < 0)
		return NULL;
	return path;
}

/* Workers that name the same file share the module; the loader would give the same one anyway. */
static const struct tn_module *loaded_module(const struct tn_deployment *deployment,
                                             const char *path)
{
	for (size_t i = 0; i < deployment->module_count; i++) {
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): those counted are there */
		if (strcmp(deployment->modules[i]->path, path) == 0)
			return deployment->modules[i];
	}
	return NULL;
}

static void load_module(struct tn_deployment *deployment, struct tn_instance *instance,
                        const struct tn_deployment_options *options, struct tn_errors *errors)
{
	const struct tn_entry *entry = tn_section_find(instance->section, "module");
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): each instance has its section */
	struct tn_place place = entry ? entry->place : instance->section->place;
	char reason[TN_REASON_SIZE];
	struct tn_module *module;

	instance->module = loaded_module(deployment, instance->module_path);
	if (instance->module)
		return;
	tn_progress_note(deployment->progress, TN_STEP_LOAD,
	                 (uint32_t)(instance - deployment->instances));
	module = tn_module_load(instance->module_path, reason);
	tn_progress_note(deployment->progress, TN_STEP_NONE, 0);
	if (!module) {
		tn_errors_add(errors, place, "worker '%s': module '%s': %s", instance->name,
		              instance->module_path, reason);
		return;
	}
	deployment->modules[deployment->module_count++] = module;
	instance->module = module;
	if (options->warn)
		tn_module_warn_exports(module, place, instance->name, errors);
}

/* A module that hangs or crashes for one Worker does so for all that share it. */
static bool is_left_out(const struct tn_deployment *deployment, size_t number,
                        const struct tn_deployment_options *options)
{
	const char *path = deployment->instances[number].module_path;

	for (size_t i = 0; options->skip && i <= number; i++) {
		if (strcmp(deployment->instances[i].module_path, path) == 0 &&
		    options->skip(options->argument, i))
			return true;
	}
	return false;
}

static bool load_modules(struct tn_deployment *deployment,
                         const struct tn_deployment_options *options, struct tn_errors *errors)
{
	for (size_t i = 0; i < deployment->count; i++) {
		struct tn_instance *instance = &deployment->instances[i];

		instance->module_path = find_module_path(deployment, instance);
		if (!instance->module_path)
			return false;
		if (!is_left_out(deployment, i, options))
			load_module(deployment, instance, options, errors);
	}
	return true;
}

/* ---- Envs ---------------------------------------------------------------------------------- */

static size_t env_room(const struct tn_instance *instance)
{
	size_t size = instance->module ? instance->module->worker->env_size
	                               : sizeof(struct tn_service);

	return (size + ENV_ALIGNMENT - 1) & ~(ENV_ALIGNMENT - 1);
}

/* All envs exist before any is linked, so that the order of the file does not matter. */
static bool make_envs(struct tn_deployment *deployment)
{
	char *next;

	deployment->envs_size = 1;
	for (size_t i = 0; i < deployment->count; i++)
		deployment->envs_size += env_room(&deployment->instances[i]);
	deployment->envs = mmap(NULL, deployment->envs_size, PROT_READ | PROT_WRITE,
	                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (deployment->envs == MAP_FAILED) {
		deployment->envs = NULL;
		return false;
	}
	next = deployment->envs;
	for (size_t i = 0; i < deployment->count; i++) {
		struct tn_instance *instance = &deployment->instances[i];

		instance->service = (void *)next;
		instance->service->name = instance->name;
		if (instance->module)
			instance->service->fetch = instance->module->worker->fetch;
		next += env_room(instance);
	}
	return true;
}

/* ---- Routes -------------------------------------------------------------------------------- */

static void add_routes(struct tn_deployment *deployment, const struct tn_instance *instance,
                       struct tn_errors *errors)
{
	const struct tn_entry *entry = tn_section_find(instance->section, "route");
	const char *list = entry ? entry->value : NULL;
	char item[ITEM_SIZE];

	while (list && tn_value_next(&list, item, sizeof(item))) {
		const char *wrong = tn_routes_add(&deployment->routes, item, entry->place,
		                                  instance->name);

		if (wrong)
			tn_errors_add(errors, entry->place, "worker '%s': route: '%s': %s",
			              instance->name, item, wrong);
	}
}

static void link_routes(struct tn_deployment *deployment)
{
	for (size_t i = 0; i < deployment->routes.count; i++) {
		struct tn_route *route = &deployment->routes.list[i];

		route->service = tn_deployment_find(deployment, route->worker)->service;
	}
}

static void make_routes(struct tn_deployment *deployment, struct tn_errors *errors)
{
	struct tn_place whole = { .file = deployment->config->path };

	for (size_t i = 0; i < deployment->count; i++)
		add_routes(deployment, &deployment->instances[i], errors);
	tn_routes_sort(&deployment->routes, errors);
	link_routes(deployment);
	if (deployment->count && !deployment->routes.count && !errors->errors)
		tn_errors_warn(errors, whole, "no Worker has a route: every request gets 404");
}

/* ---- The whole ----------------------------------------------------------------------------- */

static bool build(struct tn_deployment *deployment, const struct tn_deployment_options *options,
                  struct tn_errors *errors)
{
	tn_settings_read(&deployment->settings, deployment->config, errors);
	if (!deployment->settings.modules || !deployment->settings.access_log)
		return false;
	if (!read_sections(deployment, errors) || !tn_secrets_read(deployment, errors) ||
	    !load_modules(deployment, options, errors) || !make_envs(deployment))
		return false;
	for (size_t i = 0; i < deployment->count; i++)
		tn_binding_fill(deployment, &deployment->instances[i], errors);
	make_routes(deployment, errors);
	if (options->warn)
		tn_cycle_warn(deployment, errors);
	return true;
}

struct tn_deployment *tn_deployment_create(const struct tn_config *config,
                                           const struct tn_deployment_options *options,
                                           struct tn_errors *errors)
{
	struct tn_deployment *deployment = calloc(1, sizeof(*deployment));

	if (!deployment)
		return NULL;
	deployment->config = config;
	deployment->progress = options->progress;
	if (build(deployment, options, errors))
		return deployment;
	tn_deployment_destroy(deployment);
	return NULL;
}

static const struct tn_slot *find_hook(const struct tn_instance *instance, uint32_t kind)
{
	const struct tn_worker *worker = instance->module->worker;

	for (unsigned i = 0; i < worker->slot_count; i++) {
		if (tn_slots_at(worker, i)->kind == kind)
			return tn_slots_at(worker, i);
	}
	return NULL;
}

static void enter_hook(const struct tn_deployment *deployment, uint32_t step, size_t number)
{
	tn_progress_note(deployment->progress, step, (uint32_t)number);
	tn_log_set_worker(deployment->instances[number].name);
}

static void leave_hook(const struct tn_deployment *deployment)
{
	tn_log_set_worker(NULL);
	tn_progress_note(deployment->progress, TN_STEP_NONE, 0);
}

static void start(struct tn_deployment *deployment, size_t number, struct tn_errors *errors)
{
	struct tn_instance *instance = &deployment->instances[number];
	const struct tn_slot *hook = find_hook(instance, TN_SLOT_START);
	const char *reason = NULL;

	if (hook) {
		const char *(*function)(struct tn_service *) =
			(const char *(*)(struct tn_service *))hook->value.function;

		enter_hook(deployment, TN_STEP_START, number);
		reason = function(instance->service);
		leave_hook(deployment);
	}
	instance->started = !reason;
	if (reason)
		tn_errors_add(errors, instance->section->place, "worker '%s': %s: %s",
		              instance->name, hook->name, reason);
}

bool tn_deployment_start(struct tn_deployment *deployment, struct tn_errors *errors)
{
	size_t before = errors->errors;

	for (size_t i = 0; i < deployment->count; i++)
		start(deployment, i, errors);
	if (errors->errors != before) {
		tn_deployment_stop(deployment);
		return false;
	}
	mprotect(deployment->envs, deployment->envs_size, PROT_READ);
	return true;
}

static void stop(struct tn_deployment *deployment, size_t number)
{
	struct tn_instance *instance = &deployment->instances[number];
	const struct tn_slot *hook = find_hook(instance, TN_SLOT_STOP);
	void (*function)(struct tn_service *);

	instance->started = false;
	if (!hook)
		return;
	function = (void (*)(struct tn_service *))hook->value.function;
	enter_hook(deployment, TN_STEP_STOP, number);
	function(instance->service);
	leave_hook(deployment);
}

void tn_deployment_stop(struct tn_deployment *deployment)
{
	if (deployment->envs)
		mprotect(deployment->envs, deployment->envs_size, PROT_READ | PROT_WRITE);
	for (size_t i = deployment->count; i > 0; i--) {
		if (deployment->instances[i - 1].started)
			stop(deployment, i - 1);
	}
}

void tn_deployment_destroy(struct tn_deployment *deployment)
{
	if (!deployment)
		return;
	tn_deployment_stop(deployment);
	tn_routes_finish(&deployment->routes);
	tn_shared_destroy(deployment->shared);
	tn_secrets_finish(deployment);
	for (size_t i = 0; i < deployment->module_count; i++)
		tn_module_forget(deployment->modules[i]);
	free(deployment->modules);
	for (size_t i = 0; i < deployment->count; i++)
		free(deployment->instances[i].module_path);
	free(deployment->instances);
	if (deployment->envs)
		munmap(deployment->envs, deployment->envs_size);
	tn_settings_finish(&deployment->settings);
	free(deployment);
}
