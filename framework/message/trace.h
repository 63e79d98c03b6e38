/*
 * trace.h - which Worker called which, what it gave and how long it took: of every call, for who
 * asks for it.
 *
 * There is nothing of it where calls are not traced. Where they are, the limits of the exchanges
 * allow no call, so that entering a Worker goes the way of one that is at a limit, and finds the
 * tracer there. That makes the call once more, by itself, and so knows its beginning and its end.
 */
#ifndef TENON_MESSAGE_TRACE_H
#define TENON_MESSAGE_TRACE_H

#include "message/exchange.h"

#define TN_TRACED_MOST 10000 /* calls that are kept; those beyond are only counted */

/* One call. */
struct tn_traced {
	size_t number; /* from 0, in the order in which they began */
	const struct tn_service *service;
	const struct tn_traced *caller; /* NULL: nobody, or the work for after a reply */
	const struct tn_service *later; /* whose work that was; NULL */
	struct tn_traced *next;         /* in that order */
	int64_t begun;                  /* ns of CLOCK_MONOTONIC */
	int64_t ended;                  /* 0: it has not */
	int status;                     /* of what it gave; 0: NULL */
};

struct tn_tracer;

/* NULL where there is no memory. */
struct tn_tracer *tn_tracer_create(void);

/* When no exchange uses it any more; NULL is fine. */
void tn_tracer_destroy(struct tn_tracer *tracer);

/* Traces all calls of the exchanges with these limits: before the first of them has begun. */
void tn_tracer_watch(struct tn_tracer *tracer, struct tn_limits *limits);

/*
 * The calls that began before it was asked for the first time, and in *lost how many there were
 * beyond those that are kept. They stay as they are until the tracer is destroyed, whatever a
 * thread that is late still does; NULL where there were none, or no memory is left.
 */
const struct tn_traced *tn_tracer_calls(struct tn_tracer *tracer, size_t *lost);

/* ---- For who enters a Worker ---------------------------------------------------------------- */

/* The limit that the configuration gives. */
unsigned tn_tracer_max_depth(const struct tn_tracer *tracer);

/* Makes the call, and notes it: its Worker finds `entering` set, and so is not traced again. */
struct tn_response *tn_tracer_call(struct tn_exchange *exchange, struct tn_request *request,
                                   const struct tn_service *service);

/* Notes a call that another answered in the callee's place. */
void tn_tracer_note(struct tn_exchange *exchange, const struct tn_service *service, int status);

#endif
