/* host.h - a host process: a plan's Workers are loaded, started and served until a signal comes. */
#ifndef TENON_SUPERVISE_HOST_H
#define TENON_SUPERVISE_HOST_H

#include "deploy/copies.h"
#include "deploy/secrets.h"
#include "supervise/channel.h"
#include "supervise/page.h"

#include <stdatomic.h>

/* What it is run with. The functions return 0, or the exit code with which the host is to end. */
struct tn_host {
	const struct tn_plan *plan;
	struct tn_secrets *secrets;     /* of the plan, to be taken over; NULL: it reads them */
	const struct tn_copies *copies; /* of the plan's modules; NULL: it makes them */
	const int *sockets;             /* bound, or listening already */
	size_t socket_count;
	bool given;             /* by systemd, which goes on with them */
	size_t spare;           /* of these, how many of the last it does not watch at first */
	struct tn_page *page;   /* that others watch it by; NULL: there is nobody */
	int log;                /* the access log, to be taken over; -1: opened as is configured */
	struct tn_inbox *inbox; /* the supervisor's orders; NULL: there is none */
	struct tn_errors errors;
	int (*bind)(struct tn_host *host);    /* the modules are loaded; may be NULL */
	int (*ready)(struct tn_host *host);   /* all has started: from now on it serves */
	void (*report)(struct tn_host *host); /* tells the errors, also where it goes on */
	/* See tn_deployment_options; NULL: TN_SHARED is this process's own. */
	int (*share)(void *argument, const char *worker, const char *field, size_t size);
	void *argument;
	const _Atomic uint8_t *quarantine; /* see there, too; it lives as long as the process */
};

/* Returns the exit code (sysexits.h): 0 where all was answered, EX_TEMPFAIL where not. Once in a
 * process, which is then to exit: the plan, the secrets and what was made of them stay as they are
 * until then, for threads and exit handlers of the Workers. */
int tn_host_run(struct tn_host *host);

#endif
