/*
 * waiting.h - exchanges that are worked on by the pool's threads: requests whose Worker may wait,
 * and the work for after a reply.
 *
 * All of it belongs to the loop's thread. That thread and one of the pool never work on the same
 * exchange at once: what is handed to the pool comes back when the pool is done with it. What the
 * client is told meanwhile, since its time is up, is made without the exchange.
 */
#ifndef TENON_SERVE_WAITING_H
#define TENON_SERVE_WAITING_H

#include "deploy/deployment.h"
#include "serve/pool.h"
#include "serve/timers.h"

struct tn_waiting;

enum tn_wait_state {
	TN_WAIT_OPEN,        /* its turn has not come, or it runs */
	TN_WAIT_DONE,        /* the Worker has returned in time */
	TN_WAIT_TURNED_AWAY, /* the Worker was not called: no thread had time for it */
	TN_WAIT_LATE,        /* its deadline has passed; a thread may work on it still */
	TN_WAIT_GONE,        /* nobody is to be answered; a thread may work on it still */
};

enum tn_wait_purpose {
	TN_WAIT_REQUEST,
	TN_WAIT_LATER, /* the work of tn_wait_until */
	TN_WAIT_LAST,  /* others of its threads are to let go of the exchange */
};

/* One exchange. Who makes it fills in the first part; the rest is zeroed. */
struct tn_wait {
	struct tn_exchange *exchange;
	const struct tn_route *route;
	const struct tn_service *service;
	struct tn_request *request;
	void *owner;
	/* What has become of it; to be read only. */
	enum tn_wait_state state;
	/* By the pool: nothing of the exchange is to be touched, but id and head. */
	bool held;
	/* Where it is done; NULL: the Worker gave none. */
	const struct tn_response *response;
	/* The rest is for waiting.c alone. */
	struct tn_waiting *waiting;
	enum tn_wait_purpose purpose;
	struct tn_job job;
	struct tn_timer timer;
	int64_t deadline; /* the exchange's own is the thread's; INT64_MAX: there is none */
	int64_t begun;    /* ms */
	int socket;       /* that is watched; -1: none */
	bool overdue;     /* the log says so */
	struct tn_wait *next;
	struct tn_wait *previous;
	_Atomic int64_t work_begun;             /* by a thread, in ms; 0: not yet */
	_Atomic(struct tn_activity *) activity; /* of that thread */
};

struct tn_waiting_options {
	const struct tn_deployment *deployment;
	struct tn_pool *pool; /* outlives it */
	/* The state is no longer TN_WAIT_OPEN: the client can be answered. */
	void (*answer)(struct tn_wait *wait);
	/* The pool has let go of it. What is to come then, be it the end, is up to who is told. */
	void (*let_go)(struct tn_wait *wait);
};

/* NULL, with errno set, where it cannot be made. */
struct tn_waiting *tn_waiting_create(const struct tn_waiting_options *options);

/* All waits are to have ended. NULL is fine. */
void tn_waiting_destroy(struct tn_waiting *waiting);

/* Makes its descriptor readable while that one is, for whoever then asks that one, too. false, with
 * errno set, where it cannot. */
bool tn_waiting_with(const struct tn_waiting *waiting, int descriptor);

/* Readable while there is something to do for tn_waiting_run. */
int tn_waiting_descriptor(const struct tn_waiting *waiting);

/* Takes note of clients that have gone and of jobs that are done. */
void tn_waiting_run(struct tn_waiting *waiting);

/* Does what is due, `now` being in ms of CLOCK_MONOTONIC. */
void tn_waiting_expire(struct tn_waiting *waiting, int64_t now);

/* When something is due next; INT64_MAX: nothing will be. */
int64_t tn_waiting_next(const struct tn_waiting *waiting);

/* A new one, for the caller to fill in; NULL where there is no memory. */
struct tn_wait *tn_wait_create(struct tn_waiting *waiting);

/* Ends it: the exchange has been ended, or has not been handed to the pool. */
void tn_wait_end(struct tn_wait *wait);

/* Has the request answered by the pool. Its state then is TN_WAIT_OPEN, or TN_WAIT_TURNED_AWAY, and
 * then the pool does not have it. */
void tn_wait_begin(struct tn_wait *wait);

/* While the connection is suspended: notes whether the client goes. It ends before `answer`. */
void tn_wait_watch(struct tn_wait *wait, int socket);

/* The request has ended without a reply, though it is open still. */
void tn_wait_abandon(struct tn_wait *wait);

/*
 * Nobody but the pool needs the exchange any more. true: all has been done that is to be done on
 * other threads, and tn_exchange_end is to be called, and tn_wait_end where that has ended it;
 * where it has not, or this is false, `let_go` says when to ask anew. `wait` is not held.
 */
bool tn_wait_finish(struct tn_wait *wait);

/*
 * No request that has not begun is to begin any more: it is gone. Returns how many exchanges the
 * pool does not give back now; each has a line in the log.
 */
size_t tn_waiting_stop(struct tn_waiting *waiting);

#endif
