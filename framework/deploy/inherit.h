/* inherit.h - from whom each Worker of a plan inherits, and the keys that come of it. */
#ifndef TENON_DEPLOY_INHERIT_H
#define TENON_DEPLOY_INHERIT_H

#include "deploy/plan.h"

/*
 * Fills in the parent and the keys of every Worker: a variant's parent is the Worker without the
 * '@', or what its key `inherits` names. Errors are added to the list. Returns false where there is
 * no memory.
 */
bool tn_inherit(struct tn_plan *plan, struct tn_errors *errors);

/* The Worker without the '@' of a variant; of another itself. NULL where there is none. */
struct tn_plan_worker *tn_inherit_base(const struct tn_plan *plan,
                                       const struct tn_plan_worker *worker);

#endif
