#include "deploy/binding.h"

#include "deploy/blocking.h"
#include "deploy/bodies.h"
#include "deploy/link.h"
#include "deploy/nearest.h"
#include "deploy/secrets.h"
#include "deploy/shared.h"
#include "deploy/slots.h"
#include "deploy/value.h"
#include "message/waits.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_SIZE 256
#define HINT_SIZE 320

/* What a slot is filled from. */
struct filler {
	struct tn_deployment *deployment;
	struct tn_instance *instance;
	const struct tn_slot *slot;
	const struct tn_entry *entry; /* NULL: the slot's default */
	struct tn_errors *errors;
	char *field; /* in the env */
};

/* ---- The entries, against what the module declares ---------------------------------------- */

/* The part behind "service.", "secret." or "var."; NULL for a key that has none of them. */
static const char *binding_name(const char *key)
{
	static const char *const prefixes[] = { "service", "secret", "var" };
	const char *name = NULL;

	for (size_t i = 0; !name && i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		name = tn_key_field(key, prefixes[i]);
	return name;
}

static bool slot_has_key(const struct tn_slot *slot, const char *key)
{
	const char *prefix = tn_slot_prefix(slot);
	size_t size = prefix ? strlen(prefix) : 0;

	return prefix && strncmp(key, prefix, size) == 0 && key[size] == '.' &&
	       strcmp(key + size + 1, slot->name) == 0;
}

/* The slot with the nearest name: the prefix may be what is wrong. */
static const struct tn_slot *nearest_slot(const struct tn_worker *worker, const char *name)
{
	struct tn_nearest nearest = { .wanted = name };
	const struct tn_slot *best = NULL;

	for (unsigned i = 0; i < worker->slot_count; i++) {
		const struct tn_slot *slot = tn_slots_at(worker, i);

		if (!tn_slot_prefix(slot))
			continue;
		tn_nearest_try(&nearest, slot->name);
		if (nearest.name == slot->name)
			best = slot;
	}
	return best;
}

/* ": it has service.auth, var.GREETING", cut where there are too many. */
static void list_keys(const struct tn_worker *worker, char *hint)
{
	size_t size = (size_t)snprintf(hint, HINT_SIZE, ": it has");
	const char *separator = " ";

	for (unsigned i = 0; i < worker->slot_count && size < HINT_SIZE; i++) {
		const struct tn_slot *slot = tn_slots_at(worker, i);

		if (!tn_slot_prefix(slot))
			continue;
		size += (size_t)snprintf(hint + size, HINT_SIZE - size, "%s%s.%s", separator,
		                         tn_slot_prefix(slot), slot->name);
		separator = ", ";
	}
	if (*separator == ' ')
		snprintf(hint, HINT_SIZE, ": it has none");
}

static const char *key_hint(const struct tn_worker *worker, const char *name, char *hint)
{
	const struct tn_slot *slot = nearest_slot(worker, name);

	if (slot)
		snprintf(hint, HINT_SIZE, " (did you mean '%s.%s'?)", tn_slot_prefix(slot),
		         slot->name);
	else
		list_keys(worker, hint);
	return hint;
}

static void check_binding(const struct tn_instance *instance, const struct tn_entry *entry,
                          struct tn_errors *errors)
{
	const struct tn_worker *worker = instance->module->worker;
	char hint[HINT_SIZE];

	for (unsigned i = 0; i < worker->slot_count; i++) {
		if (slot_has_key(tn_slots_at(worker, i), entry->key))
			return;
	}
	tn_errors_add(errors, entry->place,
	              "worker '%s': %s: module '%s' declares no such binding%s", instance->name,
	              entry->key, instance->worker->module_path,
	              key_hint(worker, binding_name(entry->key), hint));
}

static void check_bindings(const struct tn_instance *instance, struct tn_errors *errors)
{
	const struct tn_keys *keys = &instance->worker->keys;

	for (size_t i = 0; i < keys->count; i++)
		if (binding_name(keys->list[i]->key))
			check_binding(instance, keys->list[i], errors);
}

/* ---- Keys that nobody can have ------------------------------------------------------------- */

static bool is_known(const char *key)
{
	const char *field;
	size_t size;

	return strcmp(key, "module") == 0 || strcmp(key, "route") == 0 ||
	       strcmp(key, "inherits") == 0 || tn_blocking_is_key(key) || tn_bodies_is_key(key) ||
	       binding_name(key) || tn_link_split_key(key, &field, &size);
}

/* "vars.GREETING" and "GREETING", where the module declares var.GREETING. */
static const struct tn_slot *slot_behind(const struct tn_instance *instance, const char *key)
{
	const char *dot = strchr(key, '.');

	return instance && instance->module
	               ? nearest_slot(instance->module->worker, dot ? dot + 1 : key)
	               : NULL;
}

/* The instance is NULL where nothing reaches the Worker: then its module is not known. */
static void unknown_key(const struct tn_instance *instance, const struct tn_plan_worker *worker,
                        const struct tn_entry *entry, struct tn_errors *errors)
{
	struct tn_nearest nearest = { .wanted = entry->key };
	const struct tn_slot *slot = slot_behind(instance, entry->key);
	char key[KEY_SIZE];
	char hint[HINT_SIZE];

	tn_nearest_try(&nearest, "module");
	tn_nearest_try(&nearest, "route");
	tn_nearest_try(&nearest, "inherits");
	tn_blocking_try_keys(&nearest);
	tn_bodies_try_key(&nearest);
	if (tn_key_field(entry->key, "split")) {
		nearest.name = "split.NAME.key";
	} else if (slot && !nearest.name) {
		snprintf(key, sizeof(key), "%s.%s", tn_slot_prefix(slot), slot->name);
		nearest.name = key;
	}
	tn_errors_add(errors, entry->place,
	              "worker '%s': unknown key '%s'%s: a Worker has module, route, max_body, "
	              "blocking, timeout, concurrency, service.NAME, split.NAME.key, "
	              "secret.NAME, var.NAME and, if it is a variant, inherits",
	              worker->name, entry->key, tn_nearest_hint(&nearest, hint, sizeof(hint)));
}

void tn_binding_check_keys(const struct tn_plan *plan, const struct tn_deployment *deployment,
                           struct tn_errors *errors)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_section *section = plan->workers[i].section;
		const struct tn_instance *instance = deployment ? deployment->by_worker[i] : NULL;

		for (size_t j = 0; j < section->count; j++)
			if (!is_known(section->entries[j].key))
				unknown_key(instance, &plan->workers[i],
				            &section->entries[j], errors);
	}
}

/* ---- The slots, from the entries ----------------------------------------------------------- */

static void store(const struct filler *filler, const void *value)
{
	memcpy(filler->field, value, 8);
}

static const struct tn_service *service_of(const struct filler *filler,
                                           const struct tn_plan_target *target)
{
	return filler->deployment->by_worker[target->worker->number]->bound;
}

static bool number_key(const struct filler *filler, struct tn_split *split)
{
	struct tn_deployment *deployment = filler->deployment;
	struct tn_split_key *keys;
	size_t number = 0;

	while (number < deployment->key_count &&
	       !tn_split_key_equal(&deployment->keys[number], &split->key))
		number++;
	split->key_number = number;
	if (number < deployment->key_count)
		return true;
	keys = reallocarray(deployment->keys, number + 1, sizeof(keys[0]));
	if (!keys) {
		tn_errors_add(filler->errors, filler->entry->place,
		              "worker '%s': %s: out of memory", filler->instance->name,
		              filler->entry->key);
		return false;
	}
	deployment->keys = keys;
	keys[deployment->key_count++] = split->key;
	return true;
}

/* One that has no weight is never called. */
static void add_version(struct tn_split *split, const struct tn_service *service, uint32_t weight)
{
	tn_split_add(split, service, weight);
	if (weight && tn_service_waits(service))
		tn_service_set_waits(&split->self);
}

static const struct tn_service *make_split(const struct filler *filler,
                                           const struct tn_plan_binding *binding)
{
	struct tn_split *split = tn_deployment_take_split(filler->deployment,
	                                                  binding->target_count);

	tn_split_init(split, binding->entry->value, &binding->key);
	for (size_t i = 0; i < binding->target_count; i++)
		add_version(split, service_of(filler, &binding->targets[i]),
		            binding->targets[i].weight);
	if (binding->key.source != TN_SPLIT_DRAW && !number_key(filler, split))
		return NULL;
	return &split->self;
}

/* Nothing is chosen where all of it goes to one: the call stays direct. One alone that has not all
 * of it is an error already, and has no room for a split. */
static const struct tn_service *find_service(const struct filler *filler,
                                             const struct tn_plan_binding *binding)
{
	for (size_t i = 0; i < binding->target_count; i++)
		if (binding->target_count == 1 || binding->targets[i].weight == TN_WEIGHT_WHOLE)
			return service_of(filler, &binding->targets[i]);
	return make_split(filler, binding);
}

/* A binding that names nobody is an error already. */
static void fill_service(const struct filler *filler)
{
	const struct tn_plan_binding *binding = NULL;
	const struct tn_service *service = NULL;

	if (filler->entry)
		binding = tn_plan_binding(filler->instance->worker, filler->entry);
	if (binding && binding->target_count)
		service = find_service(filler, binding);
	store(filler, &service);
}

/* What could not be read is an error already. */
static void fill_secret(const struct filler *filler)
{
	const struct tn_secret *secret = tn_secrets_find(&filler->deployment->secrets,
	                                                 filler->entry);

	store(filler, &secret);
}

static void fill_text(const struct filler *filler)
{
	const char *text = filler->entry ? filler->entry->value : filler->slot->value.text;

	store(filler, &text);
}

static void fill_number(const struct filler *filler)
{
	double number = filler->slot->value.number;
	const char *wrong = NULL;

	if (filler->entry)
		wrong = tn_value_number(filler->entry->value, &number);
	if (wrong)
		tn_errors_add(filler->errors, filler->entry->place, "worker '%s': %s: '%s': %s",
		              filler->instance->name, filler->entry->key, filler->entry->value,
		              wrong);
	store(filler, &number);
}

static void fill_integer(const struct filler *filler,
                         const char *(*read)(const char *text, int64_t *value))
{
	int64_t integer = filler->slot->value.integer;
	const char *wrong = filler->entry ? read(filler->entry->value, &integer) : NULL;

	if (wrong)
		tn_errors_add(filler->errors, filler->entry->place, "worker '%s': %s: '%s': %s",
		              filler->instance->name, filler->entry->key, filler->entry->value,
		              wrong);
	store(filler, &integer);
}

static void *make_block(const struct filler *filler)
{
	const struct tn_deployment_options *options = filler->deployment->options;
	size_t size = filler->slot->value.size;
	int descriptor;
	void *block;

	if (!options->share)
		return tn_shared_create(&filler->deployment->shared, size);
	descriptor = options->share(options->share_argument, filler->instance->name,
	                            filler->slot->name, size);
	if (descriptor < 0)
		return NULL;
	block = tn_shared_map(&filler->deployment->shared, descriptor, size);
	close(descriptor);
	return block;
}

static void fill_shared(const struct filler *filler)
{
	void *block = make_block(filler);

	if (!block)
		tn_errors_add(filler->errors, filler->instance->worker->section->place,
		              "worker '%s': no memory for the %zu shared bytes of '%s'",
		              filler->instance->name, filler->slot->value.size,
		              filler->slot->name);
	store(filler, &block);
}

static void fill_slot(const struct filler *filler)
{
	switch (filler->slot->kind) {
	case TN_SLOT_SERVICE:
		fill_service(filler);
		break;
	case TN_SLOT_SECRET:
		fill_secret(filler);
		break;
	case TN_SLOT_VAR:
		fill_text(filler);
		break;
	case TN_SLOT_INT:
		fill_integer(filler, tn_value_integer);
		break;
	case TN_SLOT_BOOL:
		fill_integer(filler, tn_value_boolean);
		break;
	case TN_SLOT_DURATION:
		fill_integer(filler, tn_value_duration);
		break;
	case TN_SLOT_SIZE:
		fill_integer(filler, tn_value_size);
		break;
	case TN_SLOT_NUMBER:
		fill_number(filler);
		break;
	case TN_SLOT_SHARED:
		fill_shared(filler);
		break;
	default: /* a state is NULL until `start`; hooks have no field */
		break;
	}
}

static const char *example_value(const struct tn_slot *slot)
{
	switch (slot->kind) {
	case TN_SLOT_SERVICE:
		return "NAME-OF-A-WORKER";
	case TN_SLOT_SECRET:
		return "env:NAME, or file:PATH";
	case TN_SLOT_INT:
		return "42";
	case TN_SLOT_BOOL:
		return "yes";
	case TN_SLOT_DURATION:
		return "10s";
	case TN_SLOT_SIZE:
		return "64K";
	case TN_SLOT_NUMBER:
		return "0.5";
	default:
		return "TEXT";
	}
}

static void missing(const struct filler *filler, const char *key)
{
	tn_errors_add(filler->errors, filler->instance->worker->section->place,
	              "worker '%s': %s: module '%s' needs this binding: add `%s = %s`",
	              filler->instance->name, key, filler->instance->worker->module_path, key,
	              example_value(filler->slot));
}

static void find_and_fill(struct filler *filler)
{
	const char *prefix = tn_slot_prefix(filler->slot);
	char key[KEY_SIZE];

	filler->entry = NULL;
	if (prefix) {
		snprintf(key, sizeof(key), "%s.%s", prefix, filler->slot->name);
		filler->entry = tn_keys_find(&filler->instance->worker->keys, key);
		if (!filler->entry && !(filler->slot->flags & TN_SLOT_OPTIONAL)) {
			missing(filler, key);
			return;
		}
	}
	fill_slot(filler);
}

void tn_binding_fill(struct tn_deployment *deployment, struct tn_instance *instance,
                     struct tn_errors *errors)
{
	struct filler filler = { .deployment = deployment, .instance = instance, .errors = errors };

	if (!instance->module)
		return;
	check_bindings(instance, errors);
	for (unsigned i = 0; i < instance->module->worker->slot_count; i++) {
		filler.slot = tn_slots_at(instance->module->worker, i);
		filler.field = (char *)instance->service + filler.slot->offset;
		find_and_fill(&filler);
	}
}
