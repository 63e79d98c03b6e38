/* secrets.h - all secrets of a deployment. */
#ifndef TENON_DEPLOY_SECRETS_H
#define TENON_DEPLOY_SECRETS_H

#include "deploy/deployment.h"

/*
 * Reads the secrets of the deployment's Workers, one that several inherit once, and takes the
 * variables of all secrets of the configuration out of the environment: before any module is
 * loaded, so that not even a constructor finds one there. Errors are added to the list. false where
 * there is no memory.
 */
bool tn_secrets_read(struct tn_deployment *deployment, struct tn_errors *errors);

/* The secret of an entry; NULL where it could not be read, or the entry is NULL. */
struct tn_secret *tn_secrets_find(const struct tn_deployment *deployment,
                                  const struct tn_entry *entry);

/* Wipes and frees them. */
void tn_secrets_finish(struct tn_deployment *deployment);

#endif
