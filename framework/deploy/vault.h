/*
 * vault.h - the variables of the environment that hold secrets, taken out of it.
 *
 * A variable is in the environment once; a configuration may be read anew. So what was taken stays
 * here for as long as the process lives.
 */
#ifndef TENON_DEPLOY_VAULT_H
#define TENON_DEPLOY_VAULT_H

#include "deploy/config.h"

/* A variable that was taken. */
struct tn_vault_variable {
	char *name;
	struct tn_secret *value; /* NULL: it is empty */
};

/* { 0 } is an empty one. */
struct tn_vault {
	struct tn_vault_variable *list;
	size_t count;
};

/*
 * Takes every variable that an `env:` entry of the configuration names out of the environment, and
 * wipes its place there, so that neither a Worker nor /proc/PID/environ shows it. One that was set
 * anew since replaces the earlier. Returns false where there is no memory.
 */
bool tn_vault_take(struct tn_vault *vault, const struct tn_config *config);

/* The variable; NULL where it was not set. */
const struct tn_vault_variable *tn_vault_find(const struct tn_vault *vault, const char *name);

/* Wipes and frees them. */
void tn_vault_finish(struct tn_vault *vault);

#endif
