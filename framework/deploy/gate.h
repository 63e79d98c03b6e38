/*
 * gate.h - what bindings to a Worker with a `timeout` or `concurrency` lead to, instead of its env.
 *
 * Like a split it begins with a service whose `fetch` is the host's, keeps nothing in mind and is
 * read-only while requests are answered. It sets the deadline of the call, takes a place in the
 * Worker's limit, calls on, and throws away what comes too late.
 */
#ifndef TENON_DEPLOY_GATE_H
#define TENON_DEPLOY_GATE_H

#include "deploy/limit.h"
#include "tenon.h"

struct tn_gate_options {
	struct tn_limit *limit; /* outlives it; NULL: there is none */
	int64_t timeout;        /* ms; 0: there is none */
	int64_t queue_timeout;  /* ms to wait for a place */
};

struct tn_gate {
	struct tn_service self; /* its fetch is tn_gate_fetch, its name the callee's */
	const struct tn_service *callee;
	struct tn_gate_options options;
};

/* Makes one for a service that has its name and says whether it waits. Returns what to bind. */
const struct tn_service *tn_gate_init(struct tn_gate *gate, const struct tn_service *callee,
                                      const struct tn_gate_options *options);

/*
 * Calls on. The wait for a place is a part of the time that the call may take; where none comes,
 * the response is a 503 with Retry-After. NULL, with a line in the log, where the reply comes
 * behind the gate's own deadline, and without one behind that of a caller, whose gate or route
 * tells of it; then nobody is called who has not been yet. NULL, and a line in the log, where the
 * service is no gate. It is no Worker: it takes no depth and is in no chain.
 */
struct tn_response *tn_gate_fetch(struct tn_request *request, const struct tn_service *service);

#endif
