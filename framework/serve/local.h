/*
 * local.h - one request to one Worker of a deployment, without a connection: the Worker is called
 * as the edge would call it, on a thread of the pool where it may wait, and its `timeout` counts.
 *
 * All of it belongs to one thread, the one that made the deployment.
 */
#ifndef TENON_SERVE_LOCAL_H
#define TENON_SERVE_LOCAL_H

#include "message/trace.h"
#include "serve/waiting.h"

struct tn_local;

/* What the client would get. */
struct tn_local_reply {
	int status;
	const struct tn_headers *headers; /* NULL: the host's own reply, in plain text */
	struct tn_bytes body;
	bool retry; /* it says when the client may try again */
};

/*
 * An exchange with its first request, GET http://localhost/ of 127.0.0.1 without headers, for the
 * caller to change. The Worker is one of the deployment, which outlives it, as do the pool and the
 * tracer; this may be NULL. NULL, and a line in the log, where it cannot be made.
 */
struct tn_local *tn_local_begin(const struct tn_deployment *deployment,
                                const struct tn_plan_worker *worker, struct tn_pool *pool,
                                struct tn_tracer *tracer);

struct tn_request *tn_local_request(const struct tn_local *local);

/* Makes the call, once. The reply lives until tn_local_end. */
void tn_local_call(struct tn_local *local, struct tn_local_reply *reply);

/*
 * Has the work for after the reply done, then the release callbacks. A thread that does not come
 * back is waited for as long as at a stop of the host (drain_timeout), then each has a line in the
 * log, and this returns false: nothing is torn down, and the process is to leave by _exit.
 */
bool tn_local_end(struct tn_local *local);

#endif
