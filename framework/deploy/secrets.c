#include "deploy/secrets.h"

#include "deploy/names.h"
#include "deploy/secret_source.h"
#include "message/secret.h"

#include <stdlib.h>
#include <string.h>

static const struct tn_bound_secret *find(const struct tn_secrets *secrets,
                                          const struct tn_entry *entry)
{
	for (size_t i = 0; i < secrets->count; i++)
		if (secrets->list[i].entry == entry)
			return &secrets->list[i];
	return NULL;
}

static bool make_room(struct tn_secrets *secrets)
{
	size_t capacity = secrets->capacity ? 2 * secrets->capacity : 8;
	struct tn_bound_secret *list;

	if (secrets->count < secrets->capacity)
		return true;
	list = reallocarray(secrets->list, capacity, sizeof(list[0]));
	if (!list)
		return false;
	secrets->list = list;
	secrets->capacity = capacity;
	return true;
}

bool tn_secrets_add(struct tn_secrets *secrets, const struct tn_entry *entry,
                    struct tn_secret *secret)
{
	if (!make_room(secrets)) {
		tn_secret_destroy(secret);
		return false;
	}
	secrets->list[secrets->count++] = (struct tn_bound_secret){ entry, secret };
	return true;
}

/* Where they come from. */
struct source {
	const struct tn_vault *vault;
	const struct tn_secrets *running; /* NULL: none is kept */
	const char *workers;              /* whose are read anew */
	struct tn_errors *errors;
};

/* The entry is of another configuration, with the same text in its section. */
static const struct tn_bound_secret *find_running(const struct source *source,
                                                  const struct tn_entry *entry)
{
	const struct tn_secrets *running = source->running;

	if (!running || tn_names_have(source->workers, entry->section->name))
		return NULL;
	for (size_t i = 0; i < running->count; i++) {
		const struct tn_entry *other = running->list[i].entry;

		if (running->list[i].secret && strcmp(other->key, entry->key) == 0 &&
		    strcmp(other->section->name, entry->section->name) == 0)
			return &running->list[i];
	}
	return NULL;
}

/* *secret is NULL where it cannot be read; false where there is no memory. */
static bool get_secret(const struct source *source, const struct tn_entry *entry,
                       const char *worker, struct tn_secret **secret)
{
	const struct tn_bound_secret *kept = find_running(source, entry);
	struct tn_bytes bytes;

	if (!kept) {
		*secret = tn_secret_read(entry, worker, source->vault, source->errors);
		return true;
	}
	bytes = tn_secret_reveal(kept->secret);
	*secret = tn_secret_create(bytes.data, bytes.size);
	return *secret;
}

/* One that cannot be read is complained of once, however many inherit it. */
static bool get_secrets_of(struct tn_secrets *secrets, const struct tn_plan_worker *worker,
                           const struct source *source)
{
	for (size_t i = 0; i < worker->keys.count; i++) {
		const struct tn_entry *entry = worker->keys.list[i];
		struct tn_secret *secret;

		if (!tn_key_field(entry->key, "secret") || find(secrets, entry))
			continue;
		if (!get_secret(source, entry, worker->name, &secret) ||
		    !tn_secrets_add(secrets, entry, secret))
			return false;
	}
	return true;
}

static bool get_all(struct tn_secrets *secrets, const struct tn_plan *plan,
                    const struct source *source)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->workers[i].reachable &&
		    !get_secrets_of(secrets, &plan->workers[i], source))
			return false;
	return true;
}

bool tn_secrets_read(struct tn_secrets *secrets, const struct tn_plan *plan,
                     const struct tn_vault *vault, struct tn_errors *errors)
{
	const struct source source = { .vault = vault, .errors = errors };

	return get_all(secrets, plan, &source);
}

bool tn_secrets_renew(struct tn_secrets *secrets, const struct tn_plan *plan,
                      const struct tn_secrets *running, const char *workers,
                      const struct tn_vault *vault, struct tn_errors *errors)
{
	const struct source source = {
		.vault = vault,
		.running = running,
		.workers = workers,
		.errors = errors,
	};

	return get_all(secrets, plan, &source);
}

struct tn_secret *tn_secrets_find(const struct tn_secrets *secrets, const struct tn_entry *entry)
{
	const struct tn_bound_secret *found = find(secrets, entry);

	return found ? found->secret : NULL;
}

void tn_secrets_finish(struct tn_secrets *secrets)
{
	for (size_t i = 0; i < secrets->count; i++)
		tn_secret_destroy(secrets->list[i].secret);
	free(secrets->list);
	*secrets = (struct tn_secrets){ 0 };
}
