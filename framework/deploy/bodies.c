#include "deploy/bodies.h"

#include "deploy/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANGE "write a value from 0 bytes to 1099511627776 bytes"

bool tn_bodies_is_key(const char *key)
{
	return strcmp(key, "max_body") == 0;
}

void tn_bodies_try_key(struct tn_nearest *nearest)
{
	tn_nearest_try(nearest, "max_body");
}

/* ---- Sizes --------------------------------------------------------------------------------- */

static const char *read_size(const char *text, int64_t *size)
{
	int64_t value = 0;
	const char *wrong = tn_value_size(text, &value);

	if (!wrong && (value < 0 || value > TN_BODY_MOST))
		return RANGE;
	if (!wrong)
		*size = value;
	return wrong;
}

/* An inherited entry is complained of where it stands. */
static void read_key(const struct tn_settings *settings, struct tn_plan_worker *worker,
                     struct tn_errors *errors)
{
	const struct tn_entry *entry = tn_keys_find(&worker->keys, "max_body");
	const char *wrong;

	worker->max_body = settings->max_body;
	if (!entry)
		return;
	wrong = read_size(entry->value, &worker->max_body);
	if (entry->section != worker->section)
		return;
	if (wrong)
		tn_errors_add(errors, entry->place, "worker '%s': max_body: '%s': %s", worker->name,
		              entry->value, wrong);
	else if (tn_settings_lacks_memory(settings, worker->max_body) &&
	         !tn_settings_lacks_memory(settings, settings->max_body))
		tn_errors_add(errors, entry->place,
		              "worker '%s': max_body: so much of a body as body_memory says lives "
		              "in request_memory, which is to be 64K larger: %lld bytes against "
		              "%lld",
		              worker->name,
		              (long long)tn_settings_body(settings, worker->max_body),
		              (long long)settings->request_memory);
}

void tn_bodies(struct tn_plan *plan, struct tn_errors *errors)
{
	for (size_t i = 0; i < plan->count; i++)
		read_key(&plan->settings, &plan->workers[i], errors);
	for (size_t i = 0; i < plan->routes.count; i++) {
		struct tn_route *route = &plan->routes.list[i];

		route->max_body = plan->workers[route->worker].max_body;
	}
}

bool tn_bodies_spooled(const struct tn_plan *plan)
{
	for (size_t i = 0; i < plan->routes.count; i++) {
		if (plan->routes.list[i].max_body > plan->settings.body_memory)
			return true;
	}
	return false;
}

void tn_bodies_warn(const struct tn_plan *plan, struct tn_errors *errors)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *worker = &plan->workers[i];
		const struct tn_entry *entry = tn_keys_find(&worker->keys, "max_body");

		if (entry && entry->section == worker->section &&
		    !tn_keys_find(&worker->keys, "route"))
			tn_errors_warn(errors, entry->place,
			               "worker '%s': max_body: it has no effect: the Worker has no "
			               "route",
			               worker->name);
	}
}

/* ---- Files --------------------------------------------------------------------------------- */

const char *tn_bodies_directory(const struct tn_settings *settings)
{
	const char *temporary = getenv("TMPDIR");

	if (settings->body_directory)
		return settings->body_directory;
	return temporary && *temporary == '/' ? temporary : "/var/tmp";
}

/* For file systems that know no files without a name, as NFS and older overlays. */
static int open_and_unlink(const char *directory)
{
	char *path = NULL;
	int descriptor = -1;
	int error;

	if (asprintf(&path, "%s/tenon-XXXXXX", directory) < 0)
		return -1;
	descriptor = mkostemp(path, O_CLOEXEC);
	error = errno;
	if (descriptor >= 0)
		unlink(path);
	free(path);
	errno = error;
	return descriptor;
}

int tn_bodies_open(const char *directory)
{
	int descriptor = open(directory, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

	/* A kernel or file system without O_TMPFILE sees a directory that is to be written. */
	if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return descriptor;
	return open_and_unlink(directory);
}

void tn_bodies_check(const struct tn_plan *plan, bool certain, struct tn_errors *errors)
{
	const char *directory = tn_bodies_directory(&plan->settings);
	const struct tn_entry *entry = tn_keys_find(&plan->host, "body_directory");
	int descriptor;
	int error;

	if (!tn_bodies_spooled(plan))
		return;
	descriptor = tn_bodies_open(directory);
	if (descriptor >= 0) {
		close(descriptor);
		return;
	}
	error = errno;
	if (certain || error == ENOENT || error == ENOTDIR)
		tn_plan_refuse(plan, "body_directory", errors,
		               "'%s': no file can be made there, for bodies larger than "
		               "body_memory: %s: name another directory",
		               directory, strerror(error));
	else
		tn_errors_warn(
			errors,
			entry ? entry->place
			      : (struct tn_place){ .file = tn_config_path(plan->config) },
			"[host]: body_directory: '%s': no file can be made there, for bodies "
			"larger than body_memory: %s: the host's user is to be allowed to",
			directory, strerror(error));
}
