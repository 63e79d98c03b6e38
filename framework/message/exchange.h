/*
 * exchange.h - one inbound request and all that is made while it is answered.
 *
 * An exchange is tied to no thread and to no connection. It owns the arena, the limits that guard
 * against runaway Workers and the record of which Workers ran.
 *
 * It is worked on by one thread at a time. What tn_fetch_all has done on other threads is done in
 * children of it, each with an arena of its own; the first exchange, their root, has the limits
 * that hold for all of them together, and its memory and theirs go at the same time.
 */
#ifndef TENON_MESSAGE_EXCHANGE_H
#define TENON_MESSAGE_EXCHANGE_H

#include "message/activity.h"
#include "message/arena.h"
#include "message/executor.h"
#include "tenon.h"

#include <stdint.h>
#include <string.h>

#define TN_TRACE_MAX 24 /* calls that the log shows; those beyond are only counted */
#define TN_ID_SIZE 17   /* 16 hex digits and a NUL */
#define TN_CHAIN_SIZE 512

/* What one exchange may take. */
struct tn_limits {
	unsigned max_depth;       /* calls nested in one another */
	unsigned max_calls;       /* calls in all */
	size_t request_memory;    /* bytes of the arena, the inbound request's included */
	struct tn_tracer *tracer; /* trace.h; NULL: calls are not traced */
};

extern const struct tn_limits tn_limits_default;

/* A call that is under way. */
struct tn_frame {
	const struct tn_service *service;
	bool callee_failed; /* a binding that it called gave it NULL */
};

/* A call that was made: enough to write "gateway(auth,application)". */
struct tn_trace {
	const struct tn_service *service;
	unsigned depth;
};

struct tn_later; /* work for after the reply */
struct tn_tracer;
struct tn_traced;
struct tn_split_hash; /* what a split chooses by */

struct tn_exchange {
	struct tn_arena arena;
	const struct tn_limits *limits;
	struct tn_activity *activity; /* of the loop that works on it; never NULL */
	unsigned depth;
	bool depth_logged; /* one line for each limit and exchange, not one for each refused call */
	bool calls_logged;
	bool from_client; /* what is refused now is a client's: no error of ours */
	bool memory_logged;
	bool quarantine_logged;
	bool entering;          /* the tracer makes the call, whose Worker is to be entered now */
	unsigned calls;         /* not beside depth: gcc would load both, and wait for a store */
	unsigned releasing;     /* release callbacks that run within one another */
	unsigned waiting;       /* works that were left for after the reply */
	unsigned most;          /* what calls and waiting may come to, before the root is asked */
	bool shares;            /* its limits are the root's, since it is a child or has had one */
	_Atomic bool cancelled; /* nobody waits for the reply any more; the root's counts */
	int64_t deadline;       /* ms of CLOCK_MONOTONIC; INT64_MAX: there is none */
	uint64_t number;
	const char *method; /* of the request line, as it came; NULL: not yet read */
	const char *target;
	const struct tn_split_hash *split_keys; /* of the inbound request; NULL: none is noted */
	char id[TN_ID_SIZE];                    /* "" until somebody asks */
	struct tn_later *later;                 /* first come first */
	struct tn_later **later_end;
	struct tn_exchange *next;     /* in the pool */
	struct tn_exchange *root;     /* itself, but for a child */
	struct tn_exchange *children; /* newest first, through `sibling`; they may have some, too */
	struct tn_exchange *sibling;
	const struct tn_traced *traced; /* the call that is being made; NULL */
	struct tn_executor *executor;   /* NULL: everything runs on the caller's thread */
	/* Of a root: who needs its memory, itself included, and what the last of those who came too
	 * late calls, on its thread, where the end had to be left to it: tn_exchange_held. */
	_Atomic unsigned holders;
	void (*last)(void *argument, struct tn_exchange *root);
	void *last_argument;
	/* Of a root that shares: what no exchange of the tree has been given yet. */
	_Atomic unsigned calls_left;
	_Atomic size_t memory_left;
	struct tn_frame frames[TN_DEPTH_MAX];
	struct tn_trace trace[TN_TRACE_MAX];
};

/* A bounded stock of exchanges with their first chunk. One for each loop, whose thread alone begins
 * and ends them. */
struct tn_exchange_pool {
	struct tn_limits limits;
	struct tn_exchange *free;
	unsigned count; /* how many are in stock */
	unsigned most;
	uint64_t seed;
	uint64_t number;              /* how many have begun */
	struct tn_activity *activity; /* the loop's; at first tn_activity_unwatched */
	struct tn_executor *executor; /* at first NULL; outlives the exchanges */
	/* Of the memory of exchanges that are made from now on; at first NULL: malloc's. */
	const struct tn_arena_source *source;
};

void tn_exchange_pool_init(struct tn_exchange_pool *pool, const struct tn_limits *limits,
                           unsigned most);
void tn_exchange_pool_finish(struct tn_exchange_pool *pool);

/* A fresh exchange with an id of its own; NULL where there is no memory. */
struct tn_exchange *tn_exchange_begin(struct tn_exchange_pool *pool);

/* Tells whoever watches that the loop now works on this exchange, and that it no longer does. */
void tn_exchange_show(const struct tn_exchange *exchange, enum tn_activity_step step);
void tn_exchange_hide(const struct tn_exchange *exchange);

/* Its id: 16 hex digits, that no other exchange of the process has. */
const char *tn_exchange_id(struct tn_exchange *exchange);

/*
 * Whether calls that came too late still run, here or in a child: then nothing of the exchange may
 * go, and nothing of its end be run. The last of them calls exchange->last, once, on its thread;
 * whoever ends the exchange asks anew then. A `last` that is NULL is not called.
 */
bool tn_exchange_held(struct tn_exchange *exchange);

/* Whether work waits for the reply to have been sent; not to be asked while it is held. */
bool tn_exchange_has_later(const struct tn_exchange *exchange);

/*
 * Runs that work, and what it notes itself, on this thread, which is shown as tn_activity_here. Any
 * thread but only one; the exchange's deadline and `cancelled` are those of the work now, as the
 * caller has set them. It may be held afterwards. Not to be called while it is held.
 */
void tn_exchange_run_later(struct tn_exchange *exchange);

/*
 * Where it is held, nothing: the last who holds it calls exchange->last, and then it is ended anew.
 * Otherwise runs the work that still waits for the reply, then the release callbacks, and takes all
 * memory of the exchange back. NULL is fine. The thread of the pool alone. Returns whether it has
 * ended.
 */
bool tn_exchange_end(struct tn_exchange_pool *pool, struct tn_exchange *exchange);

/* Logs, once for the exchange, that there is no memory for that many bytes. Returns NULL. */
void *tn_exchange_no_memory(struct tn_exchange *exchange, size_t size);

/* What the next two do where the arena has no more: ask the root, or log that and give NULL. */
void *tn_exchange_alloc_more(struct tn_exchange *exchange, size_t size);
char *tn_exchange_copy_more(struct tn_exchange *exchange, const void *data, size_t size);

/* Memory of the exchange; where there is none left that is logged, once, and gives NULL. */
static inline void *tn_exchange_alloc(struct tn_exchange *exchange, size_t size)
{
	void *memory = tn_arena_alloc(&exchange->arena, size);

	return memory ? memory : tn_exchange_alloc_more(exchange, size);
}

/* The same with a copy of the data and a NUL behind it. */
static inline char *tn_exchange_copy(struct tn_exchange *exchange, const void *data, size_t size)
{
	char *copy = tn_arena_copy(&exchange->arena, data, size);

	return copy ? copy : tn_exchange_copy_more(exchange, data, size);
}

/* tn_arena_grow, in the same way. */
void *tn_exchange_grow(struct tn_exchange *exchange, void *block, size_t old, size_t size);

/* tn_arena_defer, with the same line in the log where there is no memory left. */
bool tn_exchange_note(struct tn_exchange *exchange, void (*release)(void *argument),
                      void *argument);

/* The body of a message as it is to be kept: `copy` first copies it. `release` may be NULL; it is
 * called at the end of the exchange, or at once where this fails. */
struct tn_body {
	const void *data;
	size_t size;
	bool copy;
	void (*release)(void *argument);
	void *argument;
};

bool tn_body_keep(struct tn_exchange *exchange, const struct tn_body *body,
                  struct tn_bytes *bytes);

/* The same for a body that is refused. */
void tn_body_drop(const struct tn_body *body);

/* Logs that the Worker that is running did what is refused. */
void tn_exchange_refuse(struct tn_exchange *exchange, const char *format, ...)
	TN_PRINTF(2, 3);

/* The same for what is not its fault, at that level. */
void tn_exchange_tell(struct tn_exchange *exchange, enum tn_log_level level, const char *format,
                      ...) TN_PRINTF(3, 4);

/* ---- Several at once ----------------------------------------------------------------------- */

/* Now, in the milliseconds of a deadline. */
int64_t tn_exchange_now(void);

/*
 * A child of an exchange, that another thread may work on while this one goes on with the parent.
 * It has a part of the root's memory from the first. NULL where there is none, or no call is left:
 * nothing is logged, since what it is wanted for can be done here. The parent's thread.
 */
struct tn_exchange *tn_exchange_child(struct tn_exchange *parent);

/* The same request for the child; the original's headers are shared from then on, so that no
 * thread writes to what another reads. NULL: out of memory. Before the child is handed over. */
struct tn_request *tn_exchange_pass(struct tn_exchange *child, struct tn_request *request);

/* Makes the call in the child, on this thread, which is shown as tn_activity_here. */
struct tn_response *tn_exchange_run_child(struct tn_exchange *child,
                                          const struct tn_service *service,
                                          struct tn_request *request);

/* The child is done: its calls become the parent's, and so does the response, which may be NULL.
 * Returns it, NULL for one of another exchange. The parent's thread. */
struct tn_response *tn_exchange_adopt(struct tn_exchange *parent, struct tn_exchange *child,
                                      struct tn_response *response);

/* The child's children become the parent's, so that a family stays flat however often its members
 * have some. The thread of both. */
void tn_exchange_take_children(struct tn_exchange *parent, struct tn_exchange *child);

/* A call in a child is late and goes on: it holds the root's memory until its thread lets go. To be
 * called before that thread can have learnt of it; the parent's thread. */
void tn_exchange_abandon(struct tn_exchange *parent, const struct tn_service *service);
void tn_exchange_let_go(struct tn_exchange *root);

/* One more call, or more memory for so many bytes, of what the root has left for all; false where
 * it has none, and for an exchange that shares with nobody. */
bool tn_exchange_take_call(struct tn_exchange *exchange);
bool tn_exchange_take_memory(struct tn_exchange *exchange, size_t size);

/* Whether one more call may be made, or work be noted, by what all may come to. */
static inline bool tn_exchange_may_call(struct tn_exchange *exchange)
{
	return exchange->calls + exchange->waiting < exchange->most ||
	       tn_exchange_take_call(exchange);
}

/* A call of that Worker at the present depth, for the log's chain. */
static inline void tn_exchange_count_call(struct tn_exchange *exchange,
                                          const struct tn_service *service)
{
	if (exchange->calls < TN_TRACE_MAX)
		exchange->trace[exchange->calls] = (struct tn_trace){ service, exchange->depth };
	exchange->calls++;
}

/* What the Worker that runs is told of its callee's failure, so that it does not fail by itself if
 * it now does; NULL where none runs. */
static inline bool *tn_exchange_callee_failed(struct tn_exchange *exchange)
{
	return exchange->depth ? &exchange->frames[exchange->depth - 1].callee_failed : NULL;
}

/* ---- Who runs ------------------------------------------------------------------------------ */

/* The Worker that is running, NULL where none is. */
const struct tn_service *tn_exchange_running(const struct tn_exchange *exchange);

/*
 * Logs that somebody's fetch was called with another service, which may be NULL, and notes that the
 * Worker that is running has been failed by its callee.
 */
void tn_worker_refuse(struct tn_exchange *exchange, const char *callee,
                      const struct tn_service *service);

/*
 * The fetch of a Worker whose module is not loaded: a 503, as for one that is in quarantine. To
 * whoever calls it, it is a response like any other.
 */
struct tn_response *tn_worker_unavailable(struct tn_request *request,
                                          const struct tn_service *service);

/* Writes the calls under way, "gateway>auth"; `text` has TN_CHAIN_SIZE bytes. Returns text. */
const char *tn_exchange_path(const struct tn_exchange *exchange, char *text);

/* Writes the calls that were made, "gateway(auth,application)"; "-" for none. Returns text. */
const char *tn_exchange_chain(const struct tn_exchange *exchange, char *text);

/*
 * Enters and leaves a Worker for what is not a request: its release callbacks and its later work,
 * as `step` says. Enter returns false at the greatest depth.
 */
bool tn_exchange_enter(struct tn_exchange *exchange, const struct tn_service *service,
                       enum tn_activity_step step);
void tn_exchange_leave(struct tn_exchange *exchange);

#endif
