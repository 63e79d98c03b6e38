/* reach.h - what the routes of a plan lead to, directly and through bindings. */
#ifndef TENON_DEPLOY_REACH_H
#define TENON_DEPLOY_REACH_H

#include "deploy/plan.h"

/* Says of each Worker whether it is reachable. Returns false where there is no memory. */
bool tn_reach(struct tn_plan *plan);

/* The same as if that Worker were the only one with a route. */
bool tn_reach_from(struct tn_plan *plan, const struct tn_plan_worker *worker);

/* Warns of the Workers that nothing reaches, whatever the environment. */
void tn_reach_warn(const struct tn_plan *plan, struct tn_errors *errors);

#endif
