/* secrets.h - all secrets of a plan's Workers. */
#ifndef TENON_DEPLOY_SECRETS_H
#define TENON_DEPLOY_SECRETS_H

#include "deploy/plan.h"
#include "deploy/vault.h"

/* A secret, and the entry that names it. */
struct tn_bound_secret {
	const struct tn_entry *entry;
	struct tn_secret *secret; /* NULL: it could not be read */
};

/* { 0 } is none at all. */
struct tn_secrets {
	struct tn_bound_secret *list;
	size_t count;
	size_t capacity;
};

/*
 * Reads the secrets of the Workers that are reachable, one that several inherit once. Those of the
 * environment are in the vault. Errors are added to the list. false where there is no memory.
 */
bool tn_secrets_read(struct tn_secrets *secrets, const struct tn_plan *plan,
                     const struct tn_vault *vault, struct tn_errors *errors);

/*
 * The same for a plan of which only the sections of some Workers (names.h) were read anew: the
 * secrets of all other sections are copies of those in `running`, whatever has become of their
 * files. One that it has not, because nothing reached it, is read.
 */
bool tn_secrets_renew(struct tn_secrets *secrets, const struct tn_plan *plan,
                      const struct tn_secrets *running, const char *workers,
                      const struct tn_vault *vault, struct tn_errors *errors);

/* Takes over a secret, which may be NULL, as that of the entry. false where there is no memory. */
bool tn_secrets_add(struct tn_secrets *secrets, const struct tn_entry *entry,
                    struct tn_secret *secret);

/* The secret of an entry; NULL where it could not be read, or the entry is NULL. */
struct tn_secret *tn_secrets_find(const struct tn_secrets *secrets, const struct tn_entry *entry);

/* Wipes and frees them. */
void tn_secrets_finish(struct tn_secrets *secrets);

#endif
