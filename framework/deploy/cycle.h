/* cycle.h - Workers that can call themselves through their bindings. */
#ifndef TENON_DEPLOY_CYCLE_H
#define TENON_DEPLOY_CYCLE_H

#include "deploy/plan.h"

/* Warns of the bindings that close a cycle, the first ones and how many more there are; it is
 * legal, and max_depth guards it. */
void tn_cycle_warn(const struct tn_plan *plan, struct tn_errors *errors);

#endif
