#include "deploy/secret_source.h"

#include "deploy/nearest.h"
#include "deploy/trust.h"
#include "message/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) /* a fifo would wait for ever */

/* One reading of a secret, for the functions that do a part of it and complain. */
struct reading {
	const struct tn_entry *entry;
	const char *worker;
	const struct tn_vault *vault;
	struct tn_errors *errors;
};

struct source {
	const char *prefix;
	struct tn_secret *(*read)(const struct reading *reading, const char *name);
};

static struct tn_secret *read_environment(const struct reading *reading, const char *name);
static struct tn_secret *read_file(const struct reading *reading, const char *name);
static struct tn_secret *read_credential(const struct reading *reading, const char *name);

static const struct source sources[] = {
	{ "env", read_environment },
	{ "file", read_file },
	{ "credential", read_credential },
};

#define SOURCE_COUNT (sizeof(sources) / sizeof(sources[0]))

/* What follows "PREFIX:" in the value; NULL where it does not begin so. */
static const char *name_behind(const char *value, const char *prefix)
{
	size_t size = strlen(prefix);

	if (strncmp(value, prefix, size) != 0 || value[size] != ':')
		return NULL;
	return value + size + 1;
}

bool tn_secret_is_source(const char *value)
{
	for (size_t i = 0; i < SOURCE_COUNT; i++)
		if (name_behind(value, sources[i].prefix))
			return true;
	return false;
}

TN_PRINTF(2, 3)
static struct tn_secret *refuse(const struct reading *reading, const char *format, ...)
{
	char problem[8192];
	va_list list;

	va_start(list, format);
	vsnprintf(problem, sizeof(problem), format, list);
	va_end(list);
	tn_errors_add(reading->errors, reading->entry->place, "worker '%s': %s: %s",
	              reading->worker, reading->entry->key, problem);
	return NULL;
}

/* The value may be the secret itself, so nothing of it is shown, not even what stands before a
 * ':'; a source that was only misspelt is named as it ought to be. */
static struct tn_secret *refuse_literal(const struct reading *reading)
{
	const char *value = reading->entry->value;
	size_t size = strcspn(value, ":");
	char prefix[16] = "", hint[64];
	struct tn_nearest nearest = { .wanted = prefix };

	if (size < sizeof(prefix) && value[size])
		memcpy(prefix, value, size);
	for (size_t i = 0; i < SOURCE_COUNT; i++)
		tn_nearest_try(&nearest, sources[i].prefix);
	explicit_bzero(prefix, sizeof(prefix));
	return refuse(reading,
	              "a secret is not written into the file: use env:NAME, file:PATH or "
	              "credential:NAME%s",
	              tn_nearest_hint(&nearest, hint, sizeof(hint)));
}

struct tn_secret *tn_secret_read(const struct tn_entry *entry, const char *worker,
                                 const struct tn_vault *vault, struct tn_errors *errors)
{
	const struct reading reading = { entry, worker, vault, errors };

	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		const char *name = name_behind(entry->value, sources[i].prefix);

		if (name && *name)
			return sources[i].read(&reading, name);
		if (name)
			return refuse(&reading, "no name behind '%s:': write it there",
			              sources[i].prefix);
	}
	return refuse_literal(&reading);
}

/* `kind` and `name` say where the bytes come from. */
static struct tn_secret *create(const struct reading *reading, const char *kind, const char *name,
                                const char *data, size_t size)
{
	struct tn_secret *secret;

	if (size > TN_SECRET_MAX)
		return refuse(reading, "%s '%s' has more than %zu bytes: use a shorter secret",
		              kind, name, TN_SECRET_MAX);
	if (size && data[size - 1] == '\n')
		size--;
	if (!size)
		return refuse(reading, "%s '%s' is empty: put the secret there", kind, name);
	secret = tn_secret_create(data, size);
	if (!secret)
		return refuse(reading, "no memory for the secret");
	return secret;
}

static struct tn_secret *read_environment(const struct reading *reading, const char *name)
{
	static const char kind[] = "the environment variable";
	const struct tn_vault_variable *variable = tn_vault_find(reading->vault, name);
	struct tn_bytes value;

	if (strchr(name, '='))
		return refuse(reading, "a '=' in the name of %s: write env:NAME", kind);
	if (!variable)
		return refuse(reading, "%s '%s' is not set: set it where tenon is started", kind,
		              name);
	value = tn_secret_reveal(variable->value);
	return create(reading, kind, name, value.data, value.size);
}

/* Gives the size of what was read, which is at most `room`; -1, and errno, on failure. */
static ssize_t read_all(int file, char *data, size_t room)
{
	size_t size = 0;
	ssize_t got = 1;

	while (got && size < room) {
		got = read(file, data + size, room - size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		size += (size_t)got;
	}
	return (ssize_t)size;
}

static struct tn_secret *read_contents(const struct reading *reading, const char *path, int file)
{
	const size_t room = TN_SECRET_MAX + 1; /* one more, to notice a larger file */
	struct tn_secret *secret;
	char *data = malloc(room);
	ssize_t size;

	if (!data)
		return refuse(reading, "no memory for the secret");
	size = read_all(file, data, room);
	if (size < 0)
		secret = refuse(reading, "the file '%s' cannot be read: %s", path, strerror(errno));
	else
		secret = create(reading, "the file", path, data, (size_t)size);
	explicit_bzero(data, room);
	free(data);
	return secret;
}

/* Looks at the file that is open, which nobody can exchange before it is read. */
static struct tn_secret *read_open(const struct reading *reading, const char *path, int file,
                                   mode_t forbidden)
{
	struct stat status;
	char reason[TN_REASON_SIZE];

	if (fstat(file, &status))
		return refuse(reading, "the file '%s' cannot be read: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return refuse(reading, "'%s' is not a regular file: name one that holds the secret",
		              path);
	if (status.st_mode & forbidden)
		return refuse(reading, "the file '%s' is open to every user (mode %04o): "
		                       "chmod o= %s",
		              path, (unsigned)(status.st_mode & 07777), path);
	if (!tn_trust_path(path, reason))
		return refuse(reading, "the file '%s': %s", path, reason);
	return read_contents(reading, path, file);
}

static struct tn_secret *read_path(const struct reading *reading, const char *path,
                                   mode_t forbidden)
{
	struct tn_secret *secret;
	int file = open(path, FILE_FLAGS);

	if (file < 0)
		return refuse(reading, "the file '%s' cannot be opened: %s%s", path,
		              strerror(errno), errno == ENOENT ? ": put the secret there" : "");
	secret = read_open(reading, path, file, forbidden);
	close(file);
	return secret;
}

static struct tn_secret *read_file(const struct reading *reading, const char *name)
{
	char *path = tn_config_resolve(reading->entry->place, name);
	struct tn_secret *secret;

	if (!path)
		return refuse(reading, "no memory for the path");
	secret = read_path(reading, path, S_IRWXO);
	free(path);
	return secret;
}

/* systemd keeps the directory closed; the modes of the files in it are its own affair. */
static struct tn_secret *read_credential(const struct reading *reading, const char *name)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[4096];
	int size;

	if (strchr(name, '/'))
		return refuse(reading, "a '/' in the name of a credential: write credential:NAME");
	if (!directory || !*directory)
		return refuse(reading, "$CREDENTIALS_DIRECTORY is not set: it comes from systemd, "
		                       "where the unit has LoadCredential=%s:PATH",
		              name);
	size = snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (size < 0 || (size_t)size >= sizeof(path))
		return refuse(reading, "the credential's path is too long: use a shorter name");
	if (access(path, F_OK))
		return refuse(reading, "no credential '%s' in '%s': add LoadCredential=%s:PATH to "
		                       "the unit",
		              name, directory, name);
	return read_path(reading, path, 0);
}
