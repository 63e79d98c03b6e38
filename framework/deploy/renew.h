/*
 * renew.h - the configuration that runs, with the sections of some Workers as they are in the files
 * now: what another team has done to its own meanwhile does not count.
 *
 * Workers are named as in names.h, each as in the header of its section: "auth" is not
 * "auth@staging", which inherits from the new one all the same.
 */
#ifndef TENON_DEPLOY_RENEW_H
#define TENON_DEPLOY_RENEW_H

#include "deploy/names.h"
#include "deploy/plan.h"

/*
 * Makes a configuration of the one that runs, which must have no error, and of what was read of the
 * files just now, which may have any: those are in `disk_errors`. It takes of the latter the named
 * sections, each with the file and the lines in which it stands by now, as its last ones; all else
 * is what runs, [host] included. A Worker whose section is gone goes, with a warning. It needs
 * neither of the two afterwards.
 *
 * Returns 0 and *result, for the caller to destroy; errors of the new sections are in `errors`
 * then, as with tn_config_load. Else *result is NULL, and the list tells why: EX_USAGE where there
 * is no Worker of a name, EX_CONFIG where it is uncertain what its section is, or whether there is
 * one; EX_OSERR where there is no memory.
 */
int tn_renew_config(const struct tn_config *running, const struct tn_config *disk,
                    const struct tn_errors *disk_errors, const char *workers,
                    struct tn_config **result, struct tn_errors *errors);

/* Whether the module of that path, as in the new plan, is to be copied anew, for all Workers that
 * share it: it is that of a named one. NULL as the names: all are. */
bool tn_renew_module(const struct tn_plan *plan, const char *workers, const char *path);

#endif
