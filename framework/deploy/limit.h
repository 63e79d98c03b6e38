/*
 * limit.h - how many calls of a Worker run at once in this process.
 *
 * It belongs to all threads. Who waits gets the place that becomes free, first come first served,
 * and before anybody who only tries.
 */
#ifndef TENON_DEPLOY_LIMIT_H
#define TENON_DEPLOY_LIMIT_H

#include "tenon.h"

struct tn_limit;

/* One for that many calls, 1 at least; NULL where there is no memory. The caller destroys it, when
 * nobody has a place or waits for one; NULL is fine. */
struct tn_limit *tn_limit_create(int64_t most);
void tn_limit_destroy(struct tn_limit *limit);

/*
 * `freed` is called on the thread that leaves, without a lock, whenever a place is free again and
 * nobody waits for it: for who tries. It is set before other threads use the limit; NULL: nobody
 * is told.
 */
void tn_limit_tell(struct tn_limit *limit, void (*freed)(void *argument), void *argument);

/* Takes a place if there is one; never waits. */
bool tn_limit_try(struct tn_limit *limit);

/* Takes a place, and waits for one until `until`, in ms of CLOCK_MONOTONIC; INT64_MAX: for ever.
 * false where none came. */
bool tn_limit_wait(struct tn_limit *limit, int64_t until);

/* Gives a place back; any thread may. */
void tn_limit_leave(struct tn_limit *limit);

/* How many places are taken at this moment, and how many wait for one. */
int64_t tn_limit_running(struct tn_limit *limit);
unsigned tn_limit_waiting(struct tn_limit *limit);

#endif
