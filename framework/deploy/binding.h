/* binding.h - fills the slots of a Worker's env from its section. */
#ifndef TENON_DEPLOY_BINDING_H
#define TENON_DEPLOY_BINDING_H

#include "deploy/deployment.h"

/*
 * Checks every key of the Worker against what its module declares, and the reverse, and writes the
 * values to its env. Every instance has its `service` already, so that order does not matter.
 * Errors are added to the list.
 */
void tn_binding_fill(struct tn_deployment *deployment, struct tn_instance *instance,
                     struct tn_errors *errors);

/* Adds an error for each key, of all Workers of the plan, that no Worker can have. With a
 * deployment, which may be NULL, it knows from the modules what may have been meant. */
void tn_binding_check_keys(const struct tn_plan *plan, const struct tn_deployment *deployment,
                           struct tn_errors *errors);

#endif
