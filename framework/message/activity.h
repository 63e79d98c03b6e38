/*
 * activity.h - what the process's loop is doing, and whose code runs: all that is left of it when
 * the process has died, or when it hangs.
 *
 * One page, that may lie in memory shared with a process which watches. It is written by the loop's
 * thread alone, in relaxed stores and without a system call or a lock; a signal handler on that
 * thread sees them in the order in which they stand. Another process may read it at any time; what
 * it reads is whole once the writer has died or stands still.
 */
#ifndef TENON_MESSAGE_ACTIVITY_H
#define TENON_MESSAGE_ACTIVITY_H

#include "tenon.h"

#include <stdatomic.h>
#include <stdint.h>

#define TN_ACTIVITY_THREADS 1024 /* the most that `threads` can be set to */
#define TN_DEPTH_MAX 64          /* the most that max_depth can be set to */

enum tn_activity_step {
	TN_STEP_NONE,    /* the host's own work */
	TN_STEP_LOAD,    /* a module's constructors run */
	TN_STEP_START,   /* a start hook */
	TN_STEP_STOP,    /* a stop hook */
	TN_STEP_REQUEST, /* a request is answered */
	TN_STEP_RELEASE, /* a release callback */
	TN_STEP_LATER,   /* the work of tn_wait_until */
	TN_STEP_DONE,    /* the process has come to its end by itself */
};

/* Why the edge refuses a client by itself. */
enum tn_refused {
	TN_REFUSED_MALFORMED,   /* by what it sent */
	TN_REFUSED_BODY_SIZE,   /* a body larger than is allowed */
	TN_REFUSED_SILENT,      /* who connected and sent nothing in that time */
	TN_REFUSED_HEAD_TIME,   /* a head that took too long */
	TN_REFUSED_BODY_TIME,   /* a body that came too slowly */
	TN_REFUSED_WRITE_TIME,  /* a reply that was taken too slowly */
	TN_REFUSED_CONNECTIONS, /* one connection too many */
	TN_REFUSED_ADDRESS,     /* too many from that address */
	TN_REFUSED_KINDS,
};

#define TN_ACTIVITY_LINE 256 /* bytes of the request line that are kept, its NUL included */

struct tn_activity {
	/* enum tn_activity_step */
	_Atomic uint32_t step;
	/* Workers that were entered in one another; 0: none runs. */
	_Atomic uint32_t depth;
	/* Who they are, outermost first: tn_activity_number. */
	_Atomic uint32_t chain[TN_DEPTH_MAX];
	/* The exchange's number, of which its id is made; 0: none. */
	_Atomic uint64_t exchange;
	/* Its request line: text, ended by a NUL. */
	_Atomic uint64_t line[TN_ACTIVITY_LINE / sizeof(uint64_t)];
	/* How many steps began or ended outside requests. */
	_Atomic uint32_t steps;
	/* How often the loop has awoken, and gone to sleep: an odd number while it works. */
	_Atomic uint64_t turns;
	/* Requests that have begun, and of these, those that have ended. */
	_Atomic uint64_t begun;
	_Atomic uint64_t ended;
	/* Requests that have been handed to other threads, and are not answered yet. */
	_Atomic uint64_t waiting;
	/* Those that got a 503, since no thread had time for them. */
	_Atomic uint64_t turned_away;
	/* Clients that were refused by the edge, by enum tn_refused. */
	_Atomic uint64_t refused[TN_REFUSED_KINDS];
};

/* Where nobody has given a page: what is written there, nobody reads. */
extern struct tn_activity tn_activity_unwatched;

/*
 * The page of this thread, which alone writes to it; NULL: nobody watches this thread. A handler of
 * its signals may read it: initial-exec, since the other models may allocate at the first use.
 */
extern _Thread_local struct tn_activity *tn_activity_here
	__attribute__((tls_model("initial-exec")));

/* A zeroed page, shared with the children that are forked from now on; NULL where there is no
 * memory. The caller destroys it; NULL is fine. */
struct tn_activity *tn_activity_create(void);
void tn_activity_destroy(struct tn_activity *activity);

/* A Worker as the page knows it: its place in the plan, plus 1. 0: it is of no plan, as a fake of
 * a test. It lies in the service's `reserved[0]`. */
static inline uint32_t tn_activity_number(const struct tn_service *service)
{
	return (uint32_t)(uintptr_t)service->reserved[0];
}

static inline void tn_activity_set_number(struct tn_service *service, size_t place)
{
	service->reserved[0] = (void *)(uintptr_t)(place + 1);
}

/* A Worker's code begins, `depth` others having been entered before. */
static inline void tn_activity_enter(struct tn_activity *activity, unsigned depth, uint32_t number)
{
	atomic_store_explicit(&activity->chain[depth], number, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&activity->depth, depth + 1, memory_order_relaxed);
}

/* It is over; `depth` others are left. */
static inline void tn_activity_leave(struct tn_activity *activity, unsigned depth)
{
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&activity->depth, depth, memory_order_relaxed);
}

static inline void tn_activity_set_step(struct tn_activity *activity, enum tn_activity_step step)
{
	atomic_store_explicit(&activity->step, step, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

/* The code of one Worker, by its place in the plan, begins outside any request; and it is over. */
void tn_activity_begin(struct tn_activity *activity, enum tn_activity_step step, size_t place);
void tn_activity_end(struct tn_activity *activity);

/* What is done now is done for that exchange; method and target may be NULL. The line is cut where
 * there is no more room. */
void tn_activity_show(struct tn_activity *activity, enum tn_activity_step step, uint64_t exchange,
                      const char *method, const char *target);

/* One more of what only this thread counts. */
static inline void tn_activity_count(_Atomic uint64_t *counter)
{
	uint64_t count = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, count + 1, memory_order_relaxed);
}

/* The loop has awoken, or goes to sleep. */
static inline void tn_activity_turn(struct tn_activity *activity)
{
	tn_activity_count(&activity->turns);
}

/* ---- For who reads it: any process, and signal handlers, too ------------------------------- */

/* Whose code runs, as tn_activity_number has it; 0 where none does, or it is of no plan. */
uint32_t tn_activity_running(const struct tn_activity *activity);

/* The request line, "GET /path"; `text` has TN_ACTIVITY_LINE bytes. Returns text. */
const char *tn_activity_line(const struct tn_activity *activity, char *text);

/* "in its start hook" and the like; NULL for a step that is no Worker's. */
const char *tn_activity_text(uint32_t step);

/* What the client met, mostly the key that it is set with: "head_timeout". */
const char *tn_activity_refused(enum tn_refused kind);

#endif
