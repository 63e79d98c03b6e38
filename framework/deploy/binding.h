/* binding.h - fills the slots of a Worker's env from its section. */
#ifndef TENON_DEPLOY_BINDING_H
#define TENON_DEPLOY_BINDING_H

#include "deploy/deployment.h"

/*
 * Checks every entry of the Worker's section against what its module declares, and the reverse,
 * and writes the values to its env. Every instance has its `service` already, so that order does
 * not matter. Errors are added to the list.
 */
void tn_binding_fill(struct tn_deployment *deployment, struct tn_instance *instance,
                     struct tn_errors *errors);

/* The Worker that an entry service.NAME names; NULL and an error, with the name that was probably
 * meant, where there is none. */
struct tn_instance *tn_binding_target(const struct tn_deployment *deployment,
                                      const struct tn_instance *instance,
                                      const struct tn_entry *entry, struct tn_errors *errors);

#endif
