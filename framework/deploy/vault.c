#include "deploy/vault.h"

#include "deploy/keys.h"
#include "message/secret.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct tn_vault_variable *tn_vault_find(const struct tn_vault *vault, const char *name)
{
	for (size_t i = 0; i < vault->count; i++)
		if (strcmp(vault->list[i].name, name) == 0)
			return &vault->list[i];
	return NULL;
}

static struct tn_vault_variable *make_room(struct tn_vault *vault, const char *name)
{
	struct tn_vault_variable *list;

	for (size_t i = 0; i < vault->count; i++)
		if (strcmp(vault->list[i].name, name) == 0)
			return &vault->list[i];
	list = reallocarray(vault->list, vault->count + 1, sizeof(list[0]));
	if (!list)
		return NULL;
	vault->list = list;
	list[vault->count] = (struct tn_vault_variable){ .name = strdup(name) };
	return list[vault->count].name ? &list[vault->count++] : NULL;
}

/* getenv finds but the first, and an environment can hold a name twice. */
static void forget(const char *name)
{
	size_t size = strlen(name);

	for (char **variable = environ; variable && *variable; variable++)
		if (!strncmp(*variable, name, size) && (*variable)[size] == '=')
			explicit_bzero(*variable + size + 1, strlen(*variable + size + 1));
	unsetenv(name);
}

static bool take(struct tn_vault *vault, const char *name)
{
	const char *text = getenv(name);
	struct tn_vault_variable *variable;
	struct tn_secret *value = NULL;

	if (!text)
		return true;
	variable = make_room(vault, name);
	if (variable && *text)
		value = tn_secret_create(text, strlen(text));
	if (!variable || (*text && !value))
		return false;
	tn_secret_destroy(variable->value);
	variable->value = value;
	forget(name);
	return true;
}

/* "NAME" of `secret.X = env:NAME`; NULL for any other entry. */
static const char *variable_of(const struct tn_entry *entry)
{
	static const char prefix[] = "env:";
	const char *name = entry->value + strlen(prefix);

	if (!tn_key_field(entry->key, "secret") ||
	    strncmp(entry->value, prefix, strlen(prefix)) != 0)
		return NULL;
	return *name && !strchr(name, '=') ? name : NULL;
}

bool tn_vault_take(struct tn_vault *vault, const struct tn_config *config)
{
	bool taken = true;

	for (size_t i = 0; i < config->count; i++) {
		for (size_t j = 0; j < config->sections[i]->count; j++) {
			const char *name = variable_of(&config->sections[i]->entries[j]);

			taken = (!name || take(vault, name)) && taken;
		}
	}
	return taken;
}

void tn_vault_finish(struct tn_vault *vault)
{
	for (size_t i = 0; i < vault->count; i++) {
		free(vault->list[i].name);
		tn_secret_destroy(vault->list[i].value);
	}
	free(vault->list);
	*vault = (struct tn_vault){ 0 };
}
