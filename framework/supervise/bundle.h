/*
 * bundle.h - what the supervisor hands to the host processes: the configuration as it read it, the
 * secrets, and where the copies of the modules are. A host opens no file of the first two.
 *
 * It lies in a file that has no name (memfd_create(2)), is sealed against any change, and may be
 * read by any number of processes. Both ends are the same program, so its form may change at any
 * time.
 */
#ifndef TENON_SUPERVISE_BUNDLE_H
#define TENON_SUPERVISE_BUNDLE_H

#include "deploy/copies.h"
#include "deploy/secrets.h"

/* What came out of one. The plan is of the configuration, the secrets are of the plan. */
struct tn_bundle {
	char *environment; /* NULL: none */
	struct tn_config *config;
	struct tn_plan *plan;
	struct tn_secrets secrets;
	struct tn_copies copies;
};

/* Writes one. Returns its descriptor, which is closed on exec, for the caller to close; -1 and
 * errno where it cannot be had. */
int tn_bundle_write(const struct tn_plan *plan, const struct tn_secrets *secrets,
                    const struct tn_copies *copies);

/* Reads it, from the start. Returns false where there is no memory, or it is none; finish it in
 * either case. */
bool tn_bundle_read(int descriptor, struct tn_bundle *bundle);

/* Zeroed is fine. */
void tn_bundle_finish(struct tn_bundle *bundle);

#endif
