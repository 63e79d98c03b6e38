/*
 * blocking.h - the keys `blocking`, `timeout` and `concurrency` of Workers, and what follows from
 * them for those that call these Workers.
 *
 * A Worker waits if it blocks, if it calls one that waits, or if it has to wait for its turn: that
 * is, if it has a `concurrency` and one that waits calls it. A version of a split that has no
 * weight is never called.
 */
#ifndef TENON_DEPLOY_BLOCKING_H
#define TENON_DEPLOY_BLOCKING_H

#include "deploy/nearest.h"
#include "deploy/plan.h"

#define TN_BLOCKING_SIZE 1024

/* Fills in what the plan's Workers and routes say of it. Errors are added to the list, those of a
 * key where it stands. Returns false where there is no memory. */
bool tn_blocking(struct tn_plan *plan, struct tn_errors *errors);

/* The same without the keys, which are read: for another set of Workers that are reachable. */
bool tn_blocking_find(struct tn_plan *plan);

/* Warns of a `concurrency` that has no effect, and of one that a Worker can exhaust by itself,
 * because it is in a cycle. */
void tn_blocking_warn(const struct tn_plan *plan, struct tn_errors *errors);

/* Writes why a Worker waits, "service.auth -> auth -> db blocks", cut in the middle where there is
 * no room; "" for one that does not. `text` has TN_BLOCKING_SIZE bytes. Returns text. */
const char *tn_blocking_text(const struct tn_plan_worker *worker, char *text);

/* Whether the key is one of these; and tries them all as what may have been meant. */
bool tn_blocking_is_key(const char *key);
void tn_blocking_try_keys(struct tn_nearest *nearest);

#endif
