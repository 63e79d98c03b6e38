/* access_file.h - the file of `access_log`, which the supervisor opens for its host processes: they
 * may not be allowed to. */
#ifndef TENON_SUPERVISE_ACCESS_FILE_H
#define TENON_SUPERVISE_ACCESS_FILE_H

#include "deploy/plan.h"

/*
 * Opens it, or opens it anew after it was renamed. Returns 0 and *descriptor, closed on exec, for
 * the caller; -1 where the configuration names no file: then there is nothing to hand over. Else
 * the exit code (sysexits.h), with what is wrong added to the errors as `check` would say it.
 */
int tn_access_file_open(const struct tn_plan *plan, struct tn_errors *errors, int *descriptor);

#endif
