/* secret_source.h - where the configuration's secrets come from. */
#ifndef TENON_DEPLOY_SECRET_SOURCE_H
#define TENON_DEPLOY_SECRET_SOURCE_H

#include "deploy/config.h"

#define TN_SECRET_MAX ((size_t)64 * 1024) /* bytes; a larger file is refused */

/*
 * Reads the secret that an entry names: env:NAME, file:PATH or credential:NAME (systemd's
 * LoadCredential, below $CREDENTIALS_DIRECTORY). One trailing newline is dropped. Returns it, for
 * the caller to destroy with tn_secret_destroy, or NULL and an error in the list that names
 * `worker`, the key and the cure, never the secret.
 */
struct tn_secret *tn_secret_read(const struct tn_entry *entry, const char *worker,
                                 struct tn_errors *errors);

/* Whether the value of a secret's entry names a source, and so may be shown: what does not may be
 * the secret itself. */
bool tn_secret_is_source(const char *value);

/*
 * Takes every variable that an `env:` entry of the configuration names out of the environment, and
 * wipes its place there, so that neither a Worker nor /proc/PID/environ shows it. Once all have
 * been read.
 */
void tn_secret_forget_environment(const struct tn_config *config);

#endif
