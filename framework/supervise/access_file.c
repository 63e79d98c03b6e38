#include "supervise/access_file.h"

#include "observe/access.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

static bool is_file(const char *target)
{
	return strcmp(target, "off") != 0 && strcmp(target, "stderr") != 0 &&
	       strcmp(target, "stdout") != 0;
}

static void complain(const struct tn_plan *plan, struct tn_errors *errors, int error)
{
	tn_plan_refuse(plan, "access_log", errors,
	               "%s: %s: name a file that this user may write, in a directory that exists",
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
