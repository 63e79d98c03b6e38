/*
 * supervisor.h - the parent of the host processes. It reads the configuration and the secrets,
 * holds the listening sockets, and replaces processes that end. It loads no module and reads no
 * request, so that none can bring it down.
 */
#ifndef TENON_SUPERVISE_SUPERVISOR_H
#define TENON_SUPERVISE_SUPERVISOR_H

#include "tenon.h"

struct tn_supervisor_options {
	const char *path;        /* of the configuration */
	const char *environment; /* NULL: none */
	/* Writes one line to standard error for a person. */
	void (*complain)(const char *format, ...) TN_PRINTF(1, 2);
};

/*
 * Serves until SIGTERM or SIGINT, then has every process answer what it has accepted; a second one
 * ends them at once. SIGHUP reads the configuration anew and starts a new generation of processes:
 * when all of them are ready, the old ones are let go; if one is not, the old ones go on.
 *
 * Returns the exit code (sysexits.h): 0 where all was answered, EX_TEMPFAIL where not, or why it
 * could not start. Once in a process.
 */
int tn_supervisor_run(const struct tn_supervisor_options *options);

#endif
