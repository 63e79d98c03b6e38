#include "deploy/secrets.h"

#include "deploy/secret_source.h"
#include "message/secret.h"

#include <stdlib.h>
#include <string.h>

static bool is_secret(const struct tn_entry *entry)
{
	return tn_key_field(entry->key, "secret");
}

static size_t count_secrets(const struct tn_deployment *deployment)
{
	size_t count = 0;

	for (size_t i = 0; i < deployment->count; i++) {
		const struct tn_keys *keys = &deployment->instances[i].worker->keys;

		for (size_t j = 0; j < keys->count; j++)
			count += is_secret(keys->list[j]);
	}
	return count;
}

/* One that cannot be read is complained of once, however many inherit it. */
static bool was_read(const struct tn_deployment *deployment, const struct tn_entry *entry)
{
	for (size_t i = 0; i < deployment->secret_count; i++)
		if (deployment->secrets[i].entry == entry)
			return true;
	return false;
}

static void read_secrets_of(struct tn_deployment *deployment, const struct tn_instance *instance,
                            struct tn_errors *errors)
{
	const struct tn_keys *keys = &instance->worker->keys;

	for (size_t i = 0; i < keys->count; i++) {
		const struct tn_entry *entry = keys->list[i];

		if (!is_secret(entry) || was_read(deployment, entry))
			continue;
		deployment->secrets[deployment->secret_count++] = (struct tn_bound_secret){
			.entry = entry,
			.secret = tn_secret_read(entry, instance->name, errors),
		};
	}
}

bool tn_secrets_read(struct tn_deployment *deployment, struct tn_errors *errors)
{
	deployment->secrets = calloc(count_secrets(deployment) + 1, sizeof(deployment->secrets[0]));
	if (!deployment->secrets)
		return false;
	for (size_t i = 0; i < deployment->count; i++)
		read_secrets_of(deployment, &deployment->instances[i], errors);
	tn_secret_forget_environment(deployment->plan->config);
	return true;
}

struct tn_secret *tn_secrets_find(const struct tn_deployment *deployment,
                                  const struct tn_entry *entry)
{
	for (size_t i = 0; i < deployment->secret_count; i++) {
		if (deployment->secrets[i].entry == entry)
			return deployment->secrets[i].secret;
	}
	return NULL;
}

void tn_secrets_finish(struct tn_deployment *deployment)
{
	for (size_t i = 0; i < deployment->secret_count; i++)
		tn_secret_destroy(deployment->secrets[i].secret);
	free(deployment->secrets);
	deployment->secrets = NULL;
	deployment->secret_count = 0;
}
