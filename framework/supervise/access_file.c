#include "supervise/access_file.h"

#include "observe/access.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#define LABEL_SIZE 256

static bool is_file(const char *target)
{
	return strcmp(target, "off") != 0 && strcmp(target, "stderr") != 0 &&
	       strcmp(target, "stdout") != 0;
}

static void complain(const struct tn_plan *plan, struct tn_errors *errors, int error)
{
	const struct tn_entry *entry = tn_keys_find(&plan->host, "access_log");
	struct tn_place whole = { .file = tn_config_path(plan->config) };
	char label[LABEL_SIZE];

	tn_errors_add(errors, entry ? entry->place : whole,
	              "%s: access_log: %s: %s: name a file that this user may write, in a "
	              "directory that exists",
	              entry ? tn_section_label(entry->section, label, sizeof(label)) : "[host]",
	              plan->settings.access_log, strerror(error));
}

int tn_access_file_open(const struct tn_plan *plan, struct tn_errors *errors, int *descriptor)
{
	int error;

	*descriptor = -1;
	if (!is_file(plan->settings.access_log))
		return 0;
	*descriptor = tn_access_log_open(plan->settings.access_log);
	if (*descriptor >= 0)
		return 0;
	error = errno;
	complain(plan, errors, error);
	return error == EACCES ? EX_NOPERM : EX_CANTCREAT;
}
