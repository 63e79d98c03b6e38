/* secret_source.h - where the configuration's secrets come from. */
#ifndef TENON_DEPLOY_SECRET_SOURCE_H
#define TENON_DEPLOY_SECRET_SOURCE_H

#include "deploy/vault.h"

#define TN_SECRET_MAX ((size_t)64 * 1024) /* bytes; a larger file is refused */

/*
 * Reads the secret that an entry names: env:NAME, which is in the vault, file:PATH or
 * credential:NAME (systemd's LoadCredential, below $CREDENTIALS_DIRECTORY). One trailing newline is
 * dropped. Returns it, for the caller to destroy with tn_secret_destroy, or NULL and an error in
 * the list that names `worker`, the key and the cure, never the secret.
 */
struct tn_secret *tn_secret_read(const struct tn_entry *entry, const char *worker,
                                 const struct tn_vault *vault, struct tn_errors *errors);

/* Whether the value of a secret's entry names a source, and so may be shown: what does not may be
 * the secret itself. */
bool tn_secret_is_source(const char *value);

#endif
