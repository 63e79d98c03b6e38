#include "deploy/secrets.h"

#include "deploy/secret_source.h"
#include "message/secret.h"

#include <stdlib.h>
#include <string.h>

static bool is_secret(const struct tn_entry *entry)
{
	return strncmp(entry->key, "secret.", strlen("secret.")) == 0;
}

static size_t count_secrets(const struct tn_deployment *deployment)
{
	size_t count = 0;

	for (size_t i = 0; i < deployment->count; i++) {
		const struct tn_section *section = deployment->instances[i].section;

		for (size_t j = 0; j < section->count; j++)
			count += is_secret(&section->entries[j]);
	}
	return count;
}

static void read_secrets_of(struct tn_deployment *deployment, const struct tn_instance *instance,
                            struct tn_errors *errors)
{
	const struct tn_section *section = instance->section;

	for (size_t i = 0; i < section->count; i++) {
		const struct tn_entry *entry = &section->entries[i];
		struct tn_secret *secret;

		if (!is_secret(entry))
			continue;
		secret = tn_secret_read(deployment->config, entry, instance->name, errors);
		if (secret)
			deployment->secrets[deployment->secret_count++] =
				(struct tn_bound_secret){ .entry = entry, .secret = secret };
	}
}

bool tn_secrets_read(struct tn_deployment *deployment, struct tn_errors *errors)
{
	deployment->secrets = calloc(count_secrets(deployment) + 1, sizeof(deployment->secrets[0]));
	if (!deployment->secrets)
		return false;
	for (size_t i = 0; i < deployment->count; i++)
		read_secrets_of(deployment, &deployment->instances[i], errors);
	tn_secret_forget_environment(deployment->config);
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
