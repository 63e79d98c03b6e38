/*
 * copies.h - the private copies of all modules that a plan needs: what every process that serves it
 * loads, whatever has become of the originals by then.
 */
#ifndef TENON_DEPLOY_COPIES_H
#define TENON_DEPLOY_COPIES_H

#include "deploy/plan.h"
#include "deploy/stage.h"

struct tn_copies_store; /* a stage that several may share */

/* The copy of one module. */
struct tn_module_copy {
	char *path;      /* the original's, as the plan has it */
	char *file;      /* what to load; NULL: it could not be copied */
	char *directory; /* before the original's path, where that stands in `file` */
	char version[TN_MODULE_VERSION_SIZE];
	char *reason;                  /* why it could not be copied, with the cure; NULL */
	struct tn_copies_store *store; /* keeps the file there; NULL: another process does */
};

/* { 0 } is none at all. */
struct tn_copies {
	struct tn_module_copy *list; /* each path once */
	size_t count;
};

/*
 * Copies the modules of the Workers that are reachable to a new stage, for the reader
 * (tn_stage_create_for). `running`, which may be NULL, has copies that are kept instead, but for
 * the modules of these Workers (names.h). A module that cannot be copied is no error here: whoever
 * loads it tells the reason.
 *
 * Returns 0, and *copies, for tn_copies_finish; or an exit code, and why with the cure in `reason`
 * (TN_REASON_SIZE bytes): EX_CANTCREAT where there is no place for a stage, EX_OSERR where there is
 * no memory. One thread only.
 */
int tn_copies_make(struct tn_copies *copies, const struct tn_plan *plan,
                   const struct tn_stage_reader *reader, const struct tn_copies *running,
                   const char *workers, char *reason);

/* The copy of a module by the original's path; NULL where there is none. */
const struct tn_module_copy *tn_copies_find(const struct tn_copies *copies, const char *path);

/* Takes over a description that another process has made; false where there is no memory, then it
 * is finished. */
bool tn_copies_add(struct tn_copies *copies, const struct tn_module_copy *copy);

/* Removes the files that nobody shares. A zeroed one is fine. */
void tn_copies_finish(struct tn_copies *copies);

#endif
