#include "kit/given.h"

#include "deploy/nearest.h"
#include "message/secret.h"

#include <stdlib.h>

#define NAME_SIZE 256
#define HINT_SIZE 320

static const struct tn_place test_place = { .file = "(the test)" };

static bool is_last(const struct tn_test_given *given)
{
	return given->kind == TN_GIVEN_END;
}

const char *tn_given_environment(const struct tn_test_given *given)
{
	for (; !is_last(given); given++)
		if (given->kind == TN_GIVEN_ENVIRONMENT)
			return given->name;
	return NULL;
}

/* ---- Whose it is --------------------------------------------------------------------------- */

/* In an environment a name means its variant, where there is one. */
static const struct tn_section *find_worker(const struct tn_config *config, const char *name,
                                            const char *environment)
{
	const struct tn_section *section = NULL;
	char variant[NAME_SIZE];

	if (environment && !strchr(name, '@') &&
	    snprintf(variant, sizeof(variant), "%s@%s", name, environment) < NAME_SIZE)
		section = tn_config_find(config, "worker", variant);
	return section ? section : tn_config_find(config, "worker", name);
}

const struct tn_section *tn_given_section(const struct tn_config *config, const char *name,
                                          const char *environment, const struct tn_section *whom,
                                          const char **field)
{
	const char *dot = strrchr(name, '.');
	char worker[NAME_SIZE];

	*field = dot ? dot + 1 : name;
	if (whom)
		return dot ? NULL : whom;
	if (!dot || (size_t)(dot - name) >= sizeof(worker))
		return NULL;
	snprintf(worker, sizeof(worker), "%.*s", (int)(dot - name), name);
	return find_worker(config, worker, environment);
}

static void complain(const struct tn_config *config, const char *name,
                     const struct tn_section *whom, struct tn_errors *errors)
{
	const char *dot = strrchr(name, '.');
	struct tn_nearest nearest = { 0 };
	char worker[NAME_SIZE];
	char hint[HINT_SIZE];

	if (whom || !dot) {
		tn_errors_add(errors, test_place, "'%s' is given: name it %s", name,
		              whom ? "as its field in the env, without a Worker" : "WORKER.FIELD");
		return;
	}
	snprintf(worker, sizeof(worker), "%.*s", (int)(dot - name), name);
	nearest.wanted = worker;
	for (size_t i = 0; i < config->count; i++)
		if (strcmp(config->sections[i]->kind, "worker") == 0)
			tn_nearest_try(&nearest, config->sections[i]->name);
	tn_errors_add(errors, test_place, "'%s' is given: no worker '%s'%s", name, worker,
	              tn_nearest_hint(&nearest, hint, sizeof(hint)));
}

/* ---- The entries --------------------------------------------------------------------------- */

static char *text_of(const char *prefix, const char *text)
{
	char *copy = NULL;

	if (asprintf(&copy, "%s%s", prefix, text ? text : "") < 0)
		tn_test_no_memory("tn_test_deploy");
	return copy;
}

static struct tn_entry *add_entry(struct tn_section *section)
{
	size_t capacity = section->capacity ? 2 * section->capacity : 8;
	struct tn_entry *entries = section->entries;

	if (section->count == section->capacity) {
		entries = reallocarray(entries, capacity, sizeof(entries[0]));
		if (!entries)
			tn_test_no_memory("tn_test_deploy");
		section->entries = entries;
		section->capacity = capacity;
	}
	return &entries[section->count++];
}

/* Takes key and value over. The configuration is this deployment's own, until there is a plan. */
static void write_entry(const struct tn_section *const_section, char *key, char *value)
{
	struct tn_section *section = (struct tn_section *)(uintptr_t)const_section;
	struct tn_entry *entry = (struct tn_entry *)(uintptr_t)tn_section_find(section, key);

	if (entry) {
		free(entry->key);
		free(entry->value);
	} else {
		entry = add_entry(section);
	}
	*entry = (struct tn_entry){ .place = test_place, .section = section };
	entry->key = key;
	entry->value = value;
}

static void write_given(const struct tn_test_given *given, const struct tn_section *section,
                        const char *field)
{
	switch (given->kind) {
	case TN_GIVEN_VAR:
		write_entry(section, text_of("var.", field), text_of("", given->text));
		break;
	case TN_GIVEN_SECRET: /* that of the same entry is given, too: the value is not read */
		write_entry(section, text_of("secret.", field), text_of("", "env:GIVEN"));
		break;
	default:
		write_entry(section, text_of("service.", field), text_of("", section->name));
		break;
	}
}

void tn_given_write(struct tn_config *config, const struct tn_test_given *given,
                    const char *environment, const struct tn_section *whom,
                    struct tn_errors *errors)
{
	for (; !is_last(given); given++) {
		const struct tn_section *section;
		const char *field;

		if (given->kind == TN_GIVEN_ENVIRONMENT)
			continue;
		section = tn_given_section(config, given->name, environment, whom, &field);
		if (section)
			write_given(given, section, field);
		else
			complain(config, given->name, whom, errors);
	}
}

static void give_secret(const struct tn_section *section, const char *field, const char *text,
                        struct tn_secrets *secrets)
{
	char *key = text_of("secret.", field);
	struct tn_secret *secret = tn_secret_create(text ? text : "", text ? strlen(text) : 0);

	if (!secret || !tn_secrets_add(secrets, tn_section_find(section, key), secret))
		tn_test_no_memory("tn_test_deploy");
	free(key);
}

void tn_given_secrets(const struct tn_config *config, const struct tn_test_given *given,
                      const char *environment, const struct tn_section *whom,
                      struct tn_secrets *secrets)
{
	for (; !is_last(given); given++) {
		const struct tn_section *section;
		const char *field;

		if (given->kind != TN_GIVEN_SECRET)
			continue;
		section = tn_given_section(config, given->name, environment, whom, &field);
		if (section)
			give_secret(section, field, given->text, secrets);
	}
}
