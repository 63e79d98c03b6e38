#include "deploy/settings.h"

#include "deploy/nearest.h"
#include "deploy/value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONTROL_MOST 107 /* bytes, by the address of a Unix socket */
#define HINT_SIZE 128
#define ITEM_SIZE 512
#define LABEL_SIZE 256

/* What one key is read with. */
struct reader {
	struct tn_settings *settings;
	const struct tn_entry *entry;
	struct tn_errors *errors;
};

struct key {
	const char *name;
	void (*read)(const struct reader *reader, const struct key *key);
	size_t offset; /* in struct tn_settings: of an int64_t, or of a name */
	int64_t least;
	int64_t most;
	const char *unit; /* of the limits, for messages */
};

static void complain(const struct reader *reader, const char *value, const char *wrong)
{
	char label[LABEL_SIZE];

	tn_errors_add(reader->errors, reader->entry->place, "%s: %s: '%s': %s",
	              tn_section_label(reader->entry->section, label, sizeof(label)),
	              reader->entry->key, value, wrong);
}

static void store(const struct reader *reader, const struct key *key, int64_t value,
                  const char *wrong)
{
	char limits[128];

	if (wrong) {
		complain(reader, reader->entry->value, wrong);
		return;
	}
	if (value < key->least || value > key->most) {
		snprintf(limits, sizeof(limits), "write a value from %lld%s to %lld%s",
		         (long long)key->least, key->unit, (long long)key->most, key->unit);
		complain(reader, reader->entry->value, limits);
		return;
	}
	*(int64_t *)(void *)((char *)reader->settings + key->offset) = value;
}

static void read_integer(const struct reader *reader, const struct key *key)
{
	int64_t value = 0;
	const char *wrong = tn_value_integer(reader->entry->value, &value);

	store(reader, key, value, wrong);
}

static void read_size(const struct reader *reader, const struct key *key)
{
	int64_t value = 0;
	const char *wrong = tn_value_size(reader->entry->value, &value);

	store(reader, key, value, wrong);
}

static void read_duration(const struct reader *reader, const struct key *key)
{
	int64_t value = 0;
	const char *wrong = tn_value_duration(reader->entry->value, &value);

	store(reader, key, value, wrong);
}

/* 0 stands for what the host finds out by itself. */
static void read_count(const struct reader *reader, const struct key *key)
{
	int64_t value = 0;

	if (strcmp(reader->entry->value, "auto") == 0)
		*(int64_t *)(void *)((char *)reader->settings + key->offset) = 0;
	else if (tn_value_integer(reader->entry->value, &value))
		complain(reader, reader->entry->value, "write auto, or a number such as 4");
	else
		store(reader, key, value, NULL);
}

static void read_log_level(const struct reader *reader, const struct key *key)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	for (int64_t i = 0; i < 4; i++) {
		if (strcmp(reader->entry->value, names[i]) == 0) {
			store(reader, key, i, NULL);
			return;
		}
	}
	complain(reader, reader->entry->value, "a level is error, warning, info or debug");
}

/* A free port is another one each time. */
static bool listens_already(const struct tn_settings *settings, const struct tn_address *address)
{
	for (size_t i = 0; i < settings->listen_count; i++) {
		const struct tn_address *other = &settings->listen[i];

		if (strcmp(address->port, other->port) == 0 && strcmp(address->port, "0") != 0 &&
		    strcasecmp(address->host, other->host) == 0)
			return true;
	}
	return false;
}

static const char *add_address(struct tn_settings *settings, const char *text)
{
	struct tn_address address;
	const char *wrong = tn_address_parse(text, &address);

	if (wrong)
		return wrong;
	if (listens_already(settings, &address))
		return "the same address is there twice: remove one";
	if (settings->listen_count == TN_LISTEN_MAX)
		return "that is one address too many: 16 are the most";
	settings->listen[settings->listen_count++] = address;
	return NULL;
}

static void read_listen(const struct reader *reader, const struct key *key)
{
	const char *list = reader->entry->value;
	char item[ITEM_SIZE];

	(void)key;
	reader->settings->listen_count = 0;
	while (tn_value_next(&list, item, sizeof(item))) {
		const char *wrong = add_address(reader->settings, item);

		if (wrong)
			complain(reader, item, wrong);
	}
}

static const char *add_trusted(struct tn_settings *settings, const char *text)
{
	struct tn_network network;
	const char *wrong = tn_network_parse(text, &network);

	if (wrong)
		return wrong;
	if (settings->trusted_count == TN_TRUSTED_MAX)
		return "that is one network too many: 64 are the most";
	settings->trusted[settings->trusted_count++] = network;
	return NULL;
}

static void read_trusted(const struct reader *reader, const struct key *key)
{
	const char *list = reader->entry->value;
	char item[ITEM_SIZE];

	(void)key;
	reader->settings->trusted_count = 0;
	while (tn_value_next(&list, item, sizeof(item))) {
		const char *wrong = add_trusted(reader->settings, item);

		if (wrong)
			complain(reader, item, wrong);
	}
}

static void read_trusted_fields(const struct reader *reader, const struct key *key)
{
	const char *value = reader->entry->value;

	if (strcmp(value, "x-forwarded") == 0)
		store(reader, key, TN_TRUSTED_X_FORWARDED, NULL);
	else if (strcmp(value, "forwarded") == 0)
		store(reader, key, TN_TRUSTED_FORWARDED, NULL);
	else
		complain(reader, value,
		         "write x-forwarded, for X-Forwarded-For, -Proto and -Host, or forwarded");
}

static void read_modules(const struct reader *reader, const struct key *key)
{
	(void)key;
	free(reader->settings->modules);
	reader->settings->modules = tn_config_resolve(reader->entry->place, reader->entry->value);
}

static void read_access_log(const struct reader *reader, const struct key *key)
{
	const char *value = reader->entry->value;

	(void)key;
	if (!*value) {
		complain(reader, value, "name a file, or write stderr, stdout or off");
		return;
	}
	free(reader->settings->access_log);
	if (strcmp(value, "off") == 0 || strcmp(value, "stderr") == 0 ||
	    strcmp(value, "stdout") == 0)
		reader->settings->access_log = strdup(value);
	else
		reader->settings->access_log = tn_config_resolve(reader->entry->place, value);
}

static void read_control(const struct reader *reader, const struct key *key)
{
	const char *value = reader->entry->value;
	char *path = *value ? tn_config_resolve(reader->entry->place, value) : NULL;

	(void)key;
	if (!*value)
		complain(reader, value, "name the file of the control socket");
	if (path && strlen(path) > CONTROL_MOST) {
		complain(reader, path,
		         "the path of a socket has at most 107 bytes: write a shorter one");
		free(path);
		return;
	}
	free(reader->settings->control);
	reader->settings->control = path;
}

static void read_body_directory(const struct reader *reader, const struct key *key)
{
	(void)key;
	if (!*reader->entry->value) {
		complain(reader, "", "name a directory, or remove the line");
		return;
	}
	free(reader->settings->body_directory);
	reader->settings->body_directory =
		tn_config_resolve(reader->entry->place, reader->entry->value);
}

/* Whether there is such a user or group is known only where the host runs. */
static void read_name(const struct reader *reader, const struct key *key)
{
	char **name = (char **)(void *)((char *)reader->settings + key->offset);

	if (!*reader->entry->value) {
		complain(reader, reader->entry->value, "write a name, or remove the line");
		return;
	}
	free(*name);
	*name = strdup(reader->entry->value);
}

#define AT(field) offsetof(struct tn_settings, field)
#define DAY ((int64_t)24 * 3600 * 1000)
#define BESIDE_BODY ((int64_t)64 * 1024)       /* for the head, and the call of a Worker */
#define BODY_MEMORY_LEAST ((int64_t)64 * 1024) /* a file is written in pieces of as much */
#define MEGABYTE ((int64_t)1 << 20)
#define GIGABYTE ((int64_t)1 << 30)
#define TERABYTE ((int64_t)1 << 40)

static const struct key keys[] = {
	{ "listen", read_listen, 0, 0, 0, "" },
	{ "processes", read_count, AT(processes), 1, 1024, "" },
	{ "modules", read_modules, 0, 0, 0, "" },
	{ "access_log", read_access_log, 0, 0, 0, "" },
	{ "control", read_control, 0, 0, 0, "" },
	{ "log_level", read_log_level, AT(log_level), 0, 3, "" },
	{ "max_body", read_size, AT(max_body), 0, TN_BODY_MOST, " bytes" },
	{ "body_memory", read_size, AT(body_memory), BODY_MEMORY_LEAST, GIGABYTE, " bytes" },
	{ "body_directory", read_body_directory, 0, 0, 0, "" },
	{ "max_depth", read_integer, AT(max_depth), 1, TN_DEPTH_MAX, "" },
	{ "max_calls", read_integer, AT(max_calls), 1, 1000000, "" },
	{ "request_memory", read_size, AT(request_memory), BESIDE_BODY, TERABYTE, " bytes" },
	{ "idle_timeout", read_duration, AT(idle_timeout), 100, DAY, "ms" },
	{ "head_timeout", read_duration, AT(head_timeout), 100, DAY, "ms" },
	{ "body_timeout", read_duration, AT(body_timeout), 100, DAY, "ms" },
	{ "write_timeout", read_duration, AT(write_timeout), 100, DAY, "ms" },
	{ "min_rate", read_size, AT(min_rate), 0, GIGABYTE, " bytes" },
	{ "max_head", read_size, AT(max_head), 1024, MEGABYTE, " bytes" },
	{ "max_headers", read_integer, AT(max_headers), 1, 10000, "" },
	{ "max_target", read_size, AT(max_target), 64, MEGABYTE, " bytes" },
	{ "max_connections", read_count, AT(max_connections), 1, 1 << 20, "" },
	{ "max_connections_per_address", read_count, AT(max_per_address), 1, 1 << 20, "" },
	{ "drain_timeout", read_duration, AT(drain_timeout), 0, DAY, "ms" },
	{ "ready_timeout", read_duration, AT(ready_timeout), 100, DAY, "ms" },
	{ "hang_timeout", read_duration, AT(hang_timeout), 0, DAY, "ms" },
	{ "crash_limit", read_integer, AT(crash_limit), 0, 1000, "" },
	{ "crash_window", read_duration, AT(crash_window), 1000, DAY, "ms" },
	{ "probation", read_duration, AT(probation), 0, DAY, "ms" },
	{ "threads", read_integer, AT(threads), 1, 1024, "" },
	{ "queue", read_integer, AT(queue), 0, 1000000, "" },
	{ "queue_timeout", read_duration, AT(queue_timeout), 0, DAY, "ms" },
	{ "wait_until_timeout", read_duration, AT(wait_until_timeout), 1, DAY, "ms" },
	{ "trusted", read_trusted, 0, 0, 0, "" },
	{ "trusted_fields", read_trusted_fields, AT(trusted_fields), 0, 1, "" },
	{ "user", read_name, AT(user), 0, 0, "" },
	{ "group", read_name, AT(group), 0, 0, "" },
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void read_entry(const struct reader *reader)
{
	struct tn_nearest nearest = { .wanted = reader->entry->key };
	char label[LABEL_SIZE];
	char hint[HINT_SIZE];

	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(reader->entry->key, keys[i].name) == 0) {
			keys[i].read(reader, &keys[i]);
			return;
		}
		tn_nearest_try(&nearest, keys[i].name);
	}
	tn_errors_add(reader->errors, reader->entry->place, "%s: unknown key '%s'%s",
	              tn_section_label(reader->entry->section, label, sizeof(label)),
	              reader->entry->key, tn_nearest_hint(&nearest, hint, sizeof(hint)));
}

int64_t tn_settings_body(const struct tn_settings *settings, int64_t size)
{
	return size < settings->body_memory ? size : settings->body_memory;
}

bool tn_settings_lacks_memory(const struct tn_settings *settings, int64_t size)
{
	return tn_settings_body(settings, size) > settings->request_memory - BESIDE_BODY;
}

static void check_sizes(const struct tn_settings *settings, const struct tn_keys *host,
                        const char *path, struct tn_errors *errors)
{
	const char *key = tn_keys_find(host, "body_memory") ? "body_memory" : "max_body";
	const struct tn_entry *entry = tn_keys_find(host, key);
	char label[LABEL_SIZE];

	if (!tn_settings_lacks_memory(settings, settings->max_body))
		return;
	if (!entry)
		entry = tn_keys_find(host, "request_memory");
	tn_errors_add(
		errors, entry ? entry->place : (struct tn_place){ .file = path },
		"%s: %s: so much of a body lives in request_memory, which is to be 64K larger: "
		"%lld bytes against %lld",
		entry ? tn_section_label(entry->section, label, sizeof(label)) : "[host]", key,
		(long long)tn_settings_body(settings, settings->max_body),
		(long long)settings->request_memory);
}

static void check_group(const struct tn_settings *settings, const struct tn_keys *host,
                        struct tn_errors *errors)
{
	const struct reader reader = { .entry = tn_keys_find(host, "group"), .errors = errors };

	if (settings->group && !settings->user)
		complain(&reader, settings->group,
		         "it is for another user's processes: write `user`, too");
}

void tn_settings_read(struct tn_settings *settings, const struct tn_keys *host, const char *path,
                      struct tn_errors *errors)
{
	*settings = (struct tn_settings){
		.listen = { { .host = "127.0.0.1", .port = "8080" } },
		.listen_count = 1,
		.modules = tn_config_resolve((struct tn_place){ .file = path }, ""),
		.access_log = strdup("stderr"),
		.max_depth = tn_limits_default.max_depth,
		.max_calls = tn_limits_default.max_calls,
		.request_memory = (int64_t)tn_limits_default.request_memory,
		.max_body = 1024 * 1024,
		.body_memory = 1024 * 1024,
		.idle_timeout = 60 * 1000,
		.head_timeout = 10 * 1000,
		.body_timeout = 30 * 1000,
		.write_timeout = 30 * 1000,
		.min_rate = 1024,
		.max_head = 16 * 1024,
		.max_headers = 100,
		.max_target = 8 * 1024,
		.drain_timeout = 30 * 1000,
		.ready_timeout = 30 * 1000,
		.hang_timeout = 30 * 1000,
		.crash_limit = 5,
		.crash_window = 60 * 1000,
		.probation = 10 * 1000,
		.threads = 16,
		.queue = 1000,
		.queue_timeout = 5 * 1000,
		.wait_until_timeout = 30 * 1000,
		.log_level = TN_LOG_INFO,
	};
	for (size_t i = 0; i < host->count; i++)
		read_entry(&(struct reader){
			.settings = settings, .entry = host->list[i], .errors = errors });
	check_sizes(settings, host, path, errors);
	check_group(settings, host, errors);
}

struct tn_limits tn_settings_limits(const struct tn_settings *settings)
{
	return (struct tn_limits){
		.max_depth = (unsigned)settings->max_depth,
		.max_calls = (unsigned)settings->max_calls,
		.request_memory = (size_t)settings->request_memory,
	};
}

void tn_settings_finish(struct tn_settings *settings)
{
	free(settings->modules);
	free(settings->access_log);
	free(settings->control);
	free(settings->body_directory);
	free(settings->user);
	free(settings->group);
	settings->modules = NULL;
	settings->access_log = NULL;
	settings->control = NULL;
	settings->body_directory = NULL;
	settings->user = NULL;
	settings->group = NULL;
}
