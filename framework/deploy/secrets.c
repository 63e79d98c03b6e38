#include "deploy/secrets.h"

#include "deploy/secret_source.h"
#include "message/secret.h"

#include <stdlib.h>

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

/* One that cannot be read is complained of once, however many inherit it. */
static bool read_secrets_of(struct tn_secrets *secrets, const struct tn_plan_worker *worker,
                            const struct tn_vault *vault, struct tn_errors *errors)
{
	for (size_t i = 0; i < worker->keys.count; i++) {
		const struct tn_entry *entry = worker->keys.list[i];

		if (!tn_key_field(entry->key, "secret") || find(secrets, entry))
			continue;
		if (!tn_secrets_add(secrets, entry,
		                    tn_secret_read(entry, worker->name, vault, errors)))
			return false;
	}
	return true;
}

bool tn_secrets_read(struct tn_secrets *secrets, const struct tn_plan *plan,
                     const struct tn_vault *vault, struct tn_errors *errors)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->workers[i].reachable &&
		    !read_secrets_of(secrets, &plan->workers[i], vault, errors))
			return false;
	return true;
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
