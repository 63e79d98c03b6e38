#include "deploy/deployment.h"

#include "deploy/binding.h"
#include "deploy/gate.h"
#include "deploy/shared.h"
#include "deploy/slots.h"
#include "message/waits.h"
#include "observe/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ENV_ALIGNMENT ((size_t)64) /* a cache line: no two Workers share one */

struct tn_instance *tn_deployment_find(const struct tn_deployment *deployment, const char *name)
{
	const struct tn_plan_worker *worker = tn_plan_find(deployment->plan, name);

	return worker ? deployment->by_worker[worker->number] : NULL;
}

const struct tn_service *tn_deployment_service(const struct tn_deployment *deployment,
                                               const struct tn_route *route)
{
	return deployment->by_worker[route->worker]->service;
}

/* ---- Instances ----------------------------------------------------------------------------- */

static bool make_instances(struct tn_deployment *deployment)
{
	const struct tn_plan *plan = deployment->plan;

	deployment->instances = calloc(plan->count + 1, sizeof(deployment->instances[0]));
	deployment->by_worker = calloc(plan->count + 1, sizeof(deployment->by_worker[0]));
	deployment->modules = calloc(plan->count + 1, sizeof(deployment->modules[0]));
	deployment->limits = calloc(plan->count + 1, sizeof(deployment->limits[0]));
	if (!deployment->instances || !deployment->by_worker || !deployment->modules ||
	    !deployment->limits)
		return false;
	for (size_t i = 0; i < plan->count; i++) {
		struct tn_instance *instance = &deployment->instances[deployment->count];

		if (!plan->workers[i].reachable)
			continue;
		instance->worker = &plan->workers[i];
		instance->name = plan->workers[i].name;
		deployment->by_worker[i] = instance;
		deployment->count++;
	}
	return true;
}

/* ---- Modules ------------------------------------------------------------------------------- */

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
	const struct tn_entry *entry = tn_keys_find(&instance->worker->keys, "module");
	struct tn_place place = entry ? entry->place : instance->worker->section->place;
	const char *path = instance->worker->module_path;
	const struct tn_module_copy *copy;
	char reason[TN_REASON_SIZE];
	struct tn_module *module;

	instance->module = loaded_module(deployment, path);
	if (instance->module)
		return;
	tn_activity_begin(deployment->activity, TN_STEP_LOAD, instance->worker->number);
	copy = options->copies ? tn_copies_find(options->copies, path) : NULL;
	module = tn_module_load(path, copy, reason);
	tn_activity_end(deployment->activity);
	if (!module) {
		tn_errors_add(errors, place, "worker '%s': module '%s': %s", instance->name,
		              path, reason);
		return;
	}
	deployment->modules[deployment->module_count++] = module;
	instance->module = module;
	if (options->warn)
		tn_module_warn_exports(module, place, instance->name, errors);
}

static unsigned level_of(const struct tn_deployment *deployment,
                         const struct tn_plan_worker *worker)
{
	if (!deployment->quarantine)
		return TN_QUARANTINE_NONE;
	return atomic_load_explicit(&deployment->quarantine[worker->number + 1],
	                            memory_order_relaxed);
}

static bool is_unwanted(const struct tn_deployment *deployment,
                        const struct tn_deployment_options *options,
                        const struct tn_plan_worker *worker)
{
	return level_of(deployment, worker) >= TN_QUARANTINE_LOAD ||
	       (options->skip && options->skip(options->argument, worker->number));
}

/* A module that hangs or crashes for one Worker does so for all that share it. */
static void leave_out(struct tn_deployment *deployment, const char *path)
{
	for (size_t i = 0; i < deployment->count; i++)
		if (strcmp(deployment->instances[i].worker->module_path, path) == 0)
			deployment->instances[i].left_out = true;
}

static void load_modules(struct tn_deployment *deployment,
                         const struct tn_deployment_options *options, struct tn_errors *errors)
{
	for (size_t i = 0; i < deployment->count; i++) {
		const struct tn_plan_worker *worker = deployment->instances[i].worker;

		if (is_unwanted(deployment, options, worker))
			leave_out(deployment, worker->module_path);
	}
	for (size_t i = 0; i < deployment->count; i++)
		if (!deployment->instances[i].left_out)
			load_module(deployment, &deployment->instances[i], options, errors);
}

/* ---- Envs ---------------------------------------------------------------------------------- */

static size_t aligned(size_t size)
{
	return (size + ENV_ALIGNMENT - 1) & ~(ENV_ALIGNMENT - 1);
}

static size_t env_room(const struct tn_instance *instance)
{
	return aligned(instance->module ? instance->module->worker->env_size
	                                : sizeof(struct tn_service));
}

/* Where nothing waits, one call comes after another, and a limit would limit nothing. */
static bool has_limit(const struct tn_plan_worker *worker)
{
	return worker->concurrency && worker->threaded;
}

static bool has_gate(const struct tn_plan_worker *worker)
{
	return worker->use_count && (worker->timeout || has_limit(worker));
}

static size_t gate_room(const struct tn_plan_worker *worker)
{
	return has_gate(worker) ? aligned(sizeof(struct tn_gate)) : 0;
}

static size_t splits_room(const struct tn_plan_worker *worker)
{
	size_t room = 0;

	for (size_t i = 0; i < worker->binding_count; i++)
		if (worker->bindings[i].target_count > 1)
			room += aligned(tn_split_size(worker->bindings[i].target_count));
	return room;
}

void *tn_deployment_take_split(struct tn_deployment *deployment, size_t count)
{
	void *split = deployment->next_split;

	deployment->next_split += aligned(tn_split_size(count));
	return split;
}

/* Of a Worker that is not there in this process, whatever the supervisor says meanwhile. */
static const _Atomic uint8_t absent = TN_QUARANTINE_LOAD;

static void make_service(const struct tn_deployment *deployment, struct tn_instance *instance)
{
	struct tn_service *service = instance->service;
	size_t number = instance->worker->number;

	service->name = instance->name;
	tn_activity_set_number(service, number);
	service->fetch = instance->module ? instance->module->worker->fetch : tn_worker_unavailable;
	if (!instance->module)
		tn_quarantine_mark(service, &absent);
	else if (deployment->quarantine)
		tn_quarantine_mark(service, &deployment->quarantine[number + 1]);
	if (instance->worker->waits)
		tn_service_set_waits(service);
}

static void make_gate(struct tn_deployment *deployment, struct tn_instance *instance, void *memory)
{
	const struct tn_plan_worker *worker = instance->worker;
	struct tn_gate_options options = {
		.limit = deployment->limits[worker->number],
		.timeout = worker->timeout,
		.queue_timeout = deployment->plan->settings.queue_timeout,
	};

	instance->bound = instance->service;
	if (has_gate(worker))
		instance->bound = tn_gate_init(memory, instance->service, &options);
}

static bool make_limits(struct tn_deployment *deployment)
{
	for (size_t i = 0; i < deployment->count; i++) {
		const struct tn_plan_worker *worker = deployment->instances[i].worker;

		if (!has_limit(worker))
			continue;
		deployment->limits[worker->number] = tn_limit_create(worker->concurrency);
		if (!deployment->limits[worker->number])
			return false;
	}
	return true;
}

/* All envs exist before any is linked, so that the order of the file does not matter. */
static bool make_envs(struct tn_deployment *deployment)
{
	char *next;

	deployment->envs_size = 1;
	for (size_t i = 0; i < deployment->count; i++)
		deployment->envs_size += env_room(&deployment->instances[i]) +
		                         gate_room(deployment->instances[i].worker) +
		                         splits_room(deployment->instances[i].worker);
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
		make_service(deployment, instance);
		next += env_room(instance);
		make_gate(deployment, instance, next);
		next += gate_room(instance->worker);
	}
	deployment->next_split = next;
	return true;
}

/* ---- The whole ----------------------------------------------------------------------------- */

/* Before any module is loaded, so that not even a constructor finds one in the environment. */
static bool take_secrets(struct tn_deployment *deployment, struct tn_secrets *given,
                         struct tn_errors *errors)
{
	struct tn_vault vault = { 0 };
	bool taken;

	if (given) {
		deployment->secrets = *given;
		*given = (struct tn_secrets){ 0 };
		return true;
	}
	taken = tn_vault_take(&vault, deployment->plan->config) &&
	        tn_secrets_read(&deployment->secrets, deployment->plan, &vault, errors);
	tn_vault_finish(&vault);
	return taken;
}

static bool build(struct tn_deployment *deployment, const struct tn_deployment_options *options,
                  struct tn_errors *errors)
{
	struct tn_errors *secrets = options->secret_errors ? options->secret_errors : errors;

	if (!make_instances(deployment) || !take_secrets(deployment, options->secrets, secrets))
		return false;
	load_modules(deployment, options, errors);
	if (!make_limits(deployment) || !make_envs(deployment))
		return false;
	tn_binding_check_keys(deployment->plan, deployment, errors);
	for (size_t i = 0; i < deployment->count; i++)
		tn_binding_fill(deployment, &deployment->instances[i], errors);
	if (options->warn && !errors->errors)
		tn_plan_warn(deployment->plan, errors);
	return true;
}

struct tn_deployment *tn_deployment_create(const struct tn_plan *plan,
                                           const struct tn_deployment_options *options,
                                           struct tn_errors *errors)
{
	struct tn_deployment *deployment = calloc(1, sizeof(*deployment));

	if (!deployment)
		return NULL;
	deployment->plan = plan;
	deployment->activity = options->activity ? options->activity : &tn_activity_unwatched;
	deployment->quarantine = options->quarantine;
	deployment->options = options;
	if (build(deployment, options, errors)) {
		deployment->options = NULL;
		return deployment;
	}
	tn_deployment_destroy(deployment);
	return NULL;
}

static const struct tn_slot *find_hook(const struct tn_instance *instance, uint32_t kind)
{
	const struct tn_worker *worker = instance->module ? instance->module->worker : NULL;

	for (unsigned i = 0; worker && i < worker->slot_count; i++) {
		if (tn_slots_at(worker, i)->kind == kind)
			return tn_slots_at(worker, i);
	}
	return NULL;
}

static void enter_hook(const struct tn_deployment *deployment, enum tn_activity_step step,
                       const struct tn_instance *instance)
{
	tn_activity_begin(deployment->activity, step, instance->worker->number);
	tn_log_set_worker(instance->name);
}

static void leave_hook(const struct tn_deployment *deployment)
{
	tn_log_set_worker(NULL);
	tn_activity_end(deployment->activity);
}

static void start(struct tn_deployment *deployment, size_t number, struct tn_errors *errors)
{
	struct tn_instance *instance = &deployment->instances[number];
	const struct tn_slot *hook = find_hook(instance, TN_SLOT_START);
	const char *reason = NULL;

	if (hook && level_of(deployment, instance->worker) >= TN_QUARANTINE_START) {
		/* What it would find has not been made ready for it, even when it is released. */
		tn_quarantine_mark(instance->service, &absent);
		return;
	}
	if (hook) {
		const char *(*function)(struct tn_service *) =
			(const char *(*)(struct tn_service *))hook->value.function;

		enter_hook(deployment, TN_STEP_START, instance);
		reason = function(instance->service);
		leave_hook(deployment);
	}
	instance->started = !reason;
	if (reason)
		tn_errors_add(errors, instance->worker->section->place, "worker '%s': %s: %s",
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
	enter_hook(deployment, TN_STEP_STOP, instance);
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
	tn_shared_destroy(deployment->shared);
	tn_secrets_finish(&deployment->secrets);
	for (size_t i = 0; i < deployment->module_count; i++)
		tn_module_forget(deployment->modules[i]);
	for (size_t i = 0; deployment->limits && i < deployment->plan->count; i++)
		tn_limit_destroy(deployment->limits[i]);
	free(deployment->limits);
	free(deployment->modules);
	free(deployment->by_worker);
	free(deployment->keys);
	free(deployment->instances);
	if (deployment->envs)
		munmap(deployment->envs, deployment->envs_size);
	free(deployment);
}
