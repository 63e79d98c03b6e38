/*
 * revision.h - a configuration as it was read once, with all that goes with it: the secrets, the
 * copies of the modules, and the bundle of it all that each host process gets. It never changes, so
 * that a process that is started a day later serves what its neighbours serve, and what once served
 * well can be gone back to.
 */
#ifndef TENON_SUPERVISE_REVISION_H
#define TENON_SUPERVISE_REVISION_H

#include "deploy/copies.h"
#include "deploy/secrets.h"
#include "supervise/privileges.h"

struct tn_revision {
	struct tn_config *config;
	struct tn_plan *plan;
	struct tn_secrets secrets;
	struct tn_privileges privileges;
	struct tn_copies copies;
	int bundle; /* tn_bundle_write */
	unsigned holders;
};

/* What one is made with. */
struct tn_revision_options {
	const char *path;
	const char *environment; /* NULL: none */
	/* What was read before: the path is to be a regular file now. NULL: nothing. */
	const struct tn_revision *running;
	/* Of which all is kept but the sections of these Workers (names.h); NULL: nothing is. */
	const char *workers;
	struct tn_vault *vault;
	struct tn_errors *errors;
};

/*
 * Reads the configuration and the secrets, and copies the modules. Errors of their content are
 * added to the list, but for modules that cannot be copied: the first process tells of them, with
 * all others. Returns it, for tn_revision_release; NULL, *code the exit code, and a reason
 * (TN_REASON_SIZE bytes, "" where the list tells it) where it cannot be used.
 */
struct tn_revision *tn_revision_read(const struct tn_revision_options *options, int *code,
                                     char *reason);

/* One more who needs it. Returns it. */
struct tn_revision *tn_revision_hold(struct tn_revision *revision);

/* The last one destroys it. NULL is fine. */
void tn_revision_release(struct tn_revision *revision);

#endif
