#include "deploy/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether only root, or whom root trusts, decides what stands there. */
static bool step_is_safe(const char *directory, const char *entry, char *reason)
{
	struct stat above, status;

	if (stat(directory, &above) < 0 || !(above.st_mode & S_IWOTH))
		return true;
	if (!(above.st_mode & S_ISVTX)) {
		snprintf(reason, TN_REASON_SIZE,
		         "others may put their own in its place, and this is root: "
		         "chmod o-w %.900s",
		         directory);
		return false;
	}
	if (lstat(entry, &status) < 0 || status.st_uid == 0 || status.st_uid == above.st_uid)
		return true;
	snprintf(reason, TN_REASON_SIZE,
	         "another user has put it where all may write, and this is root: chown root %.900s",
	         entry);
	return false;
}

/* From the root on; an absolute path. */
static bool steps_are_safe(const char *path, char *reason)
{
	char *directory = strdup(path), *entry = strdup(path);
	const char *slash = path;
	bool safe = directory && entry;

	if (!safe)
		snprintf(reason, TN_REASON_SIZE, "out of memory");
	while (safe && slash) {
		size_t size = (size_t)(slash - path);
		const char *next = strchr(slash + 1, '/');
		size_t more = next ? (size_t)(next - path) : strlen(path);

		memcpy(directory, path, size + 1);
		directory[size ? size : 1] = '\0';
		memcpy(entry, path, more);
		entry[more] = '\0';
		safe = step_is_safe(directory, entry, reason);
		slash = next;
	}
	free(directory);
	free(entry);
	return safe;
}

/* Its directory without links, but the entry itself as it is; NULL and errno. */
static char *resolve_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *above = slash == path ? strdup("/")
	              : slash       ? strndup(path, (size_t)(slash - path))
	                            : strdup(".");
	char *directory = above ? realpath(above, NULL) : NULL;
	char *text = NULL;

	if (directory && asprintf(&text, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory,
	                          slash ? slash + 1 : path) < 0)
		text = NULL;
	free(above);
	free(directory);
	return text;
}

static bool is_safe(char *path, char *reason)
{
	bool safe;

	if (!path && errno != ENOMEM)
		return true;
	if (path)
		safe = steps_are_safe(path, reason);
	else
		safe = snprintf(reason, TN_REASON_SIZE, "out of memory") < 0;
	free(path);
	return safe;
}

/* Both who may exchange the link, if it is one, and who may exchange what it leads to. */
bool tn_trust_path(const char *path, char *reason)
{
	if (geteuid() != 0)
		return true;
	return is_safe(resolve_directory(path), reason) && is_safe(realpath(path, NULL), reason);
}
