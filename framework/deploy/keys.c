#include "deploy/keys.h"

#include "deploy/nearest.h"

#include <stdlib.h>
#include <string.h>

#define LABEL_SIZE 256
#define HINT_SIZE 320

const char *tn_key_field(const char *key, const char *prefix)
{
	size_t size = strlen(prefix);

	return strncmp(key, prefix, size) == 0 && key[size] == '.' ? key + size + 1 : NULL;
}

static size_t find(const struct tn_keys *keys, const char *key)
{
	size_t i = 0;

	while (i < keys->count && strcmp(keys->list[i]->key, key) != 0)
		i++;
	return i;
}

const struct tn_entry *tn_keys_find(const struct tn_keys *keys, const char *key)
{
	size_t i = find(keys, key);

	return i < keys->count ? keys->list[i] : NULL;
}

static bool is_inherited(const struct tn_entry *entry)
{
	return strcmp(entry->key, "route") != 0;
}

static void complain_of_unset(const struct tn_keys *keys, const struct tn_entry *entry,
                              struct tn_errors *errors)
{
	struct tn_nearest nearest = { .wanted = entry->key };
	char label[LABEL_SIZE];
	char hint[HINT_SIZE];

	for (size_t i = 0; i < keys->count; i++)
		tn_nearest_try(&nearest, keys->list[i]->key);
	tn_errors_add(errors, entry->place,
	              "%s: %s: it is unset here, but is inherited from nobody%s: write a value, or "
	              "remove the line",
	              tn_section_label(entry->section, label, sizeof(label)), entry->key,
	              tn_nearest_hint(&nearest, hint, sizeof(hint)));
}

/* A host has no such key, and is told so. */
static bool names_parent(const struct tn_entry *entry)
{
	return strcmp(entry->key, "inherits") == 0 && strcmp(entry->section->kind, "worker") == 0;
}

/* Replaces the inherited one in its place, or takes it away. */
static void add(struct tn_keys *keys, const struct tn_keys *parent, const struct tn_entry *entry,
                struct tn_errors *errors)
{
	size_t i = find(keys, entry->key);

	if (names_parent(entry))
		return;
	if (!entry->unset) {
		keys->list[i] = entry;
		keys->count += i == keys->count;
		return;
	}
	if (i < keys->count) {
		keys->count--;
		memmove(&keys->list[i], &keys->list[i + 1],
		        (keys->count - i) * sizeof(keys->list[0]));
	} else if (parent && is_inherited(entry)) {
		complain_of_unset(keys, entry, errors);
	}
}

bool tn_keys_inherit(struct tn_keys *keys, const struct tn_keys *parent,
                     const struct tn_section *section, struct tn_errors *errors)
{
	size_t most = (parent ? parent->count : 0) + (section ? section->count : 0);

	keys->count = 0;
	keys->list = calloc(most + 1, sizeof(keys->list[0]));
	if (!keys->list)
		return false;
	for (size_t i = 0; parent && i < parent->count; i++)
		if (is_inherited(parent->list[i]))
			keys->list[keys->count++] = parent->list[i];
	for (size_t i = 0; section && i < section->count; i++)
		add(keys, parent, &section->entries[i], errors);
	return true;
}

void tn_keys_finish(struct tn_keys *keys)
{
	free(keys->list);
	*keys = (struct tn_keys){ 0 };
}
