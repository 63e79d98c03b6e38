/*
 * culprit.h - whose code a process was running, from the page that it has left or still writes: for
 * deaths of which no handler tells (SIGKILL, no memory left, _exit) and for hangs.
 *
 * Whatever a Worker may have written there, it is read within its bounds, and gives names of the
 * plan or none.
 */
#ifndef TENON_SUPERVISE_CULPRIT_H
#define TENON_SUPERVISE_CULPRIT_H

#include "deploy/plan.h"
#include "message/activity.h"
#include "observe/log.h"

#define TN_CULPRIT_TEXT 2048

struct tn_culprit {
	const struct tn_plan_worker *worker; /* of the plan; NULL: no Worker was running */
	uint32_t step;                       /* of a Worker, or TN_STEP_NONE */
	char id[TN_ID_SIZE];                 /* of the exchange; "": of none */
	char request[TN_ACTIVITY_LINE];      /* the request line, as it came; "": none */
	char chain[TN_CHAIN_SIZE];           /* "gateway>auth"; "": it was called by nobody */
};

/* Reads it. A page that is being written meanwhile gives something of before or after. */
void tn_culprit_read(struct tn_culprit *culprit, const struct tn_activity *activity,
                     const struct tn_plan *plan);

/* For tn_log_write: the exchange's id, the Worker, the chain. It points into the culprit. */
struct tn_log_context tn_culprit_context(const struct tn_culprit *culprit);

/*
 * What is to stand right behind what has happened, "process 4711 was killed by SIGKILL":
 *
 *	" while it answered, request "GET /", module './auth.so'"
 *	": no Worker was running"
 *
 * `text` has TN_CULPRIT_TEXT bytes. Returns text.
 */
const char *tn_culprit_text(const struct tn_culprit *culprit, char *text);

#endif
