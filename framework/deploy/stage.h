/*
 * stage.h - the private directory from which a process loads its modules. A module is copied to it
 * first, so that who overwrites, cuts off or removes the original does no harm to what runs.
 *
 *	/tmp/tenon-modules-XXXXXX/auth-0123456789abcdef/auth.so
 *
 * The directory is the user's alone, but for a group that may read it, is locked (flock) for as
 * long as the process lives, and is removed with it. One whose process was killed is no longer
 * locked: the next that is made in the same place removes it.
 */
#ifndef TENON_DEPLOY_STAGE_H
#define TENON_DEPLOY_STAGE_H

#include "deploy/copy.h"

#include <sys/types.h>

struct tn_stage;

/* Another user, whose processes load from it. */
struct tn_stage_reader {
	gid_t group; /* may read what is in it, but not change it; -1: nobody else may */
	/* Whether the user can read a directory, the way to it included. */
	bool (*reaches)(const void *argument, const char *directory);
	const void *argument;
};

/* A copy in it; it is the stage's, and lives as long. */
struct tn_stage_copy {
	const char *path;      /* what to load: it ends in the module's own name */
	const char *directory; /* before the original's path, where that stands in `path` */
	char version[TN_MODULE_VERSION_SIZE];
};

/*
 * Makes the directory in $RUNTIME_DIRECTORY, $TMPDIR or /tmp: the first of them that is set, may be
 * written, keeps what is in it from others, and allows to map code. NULL, and why with the cure in
 * `reason` (TN_REASON_SIZE bytes), where none does. For tn_stage_destroy; one thread only.
 */
struct tn_stage *tn_stage_create(char *reason);

/* The same in a place that the reader reaches, too. NULL: this user reads it alone. */
struct tn_stage *tn_stage_create_for(const struct tn_stage_reader *reader, char *reason);

/* Where it is. */
const char *tn_stage_directory(const struct tn_stage *stage);

/*
 * Copies a module and what it needs (tn_copy_module). The same file with the same content, by
 * whatever path, is copied once, as the dynamic loader loads it once; one with other content has
 * another path, so that the loader takes it for another. NULL, and why with the cure, where it
 * fails; nothing of it is left then.
 */
const struct tn_stage_copy *tn_stage_copy(struct tn_stage *stage, const char *path, char *reason);

/*
 * Removes the directory, unless this process is a child of the one that made it, and frees the
 * stage. What was loaded goes on. NULL is fine. exit() removes it, too.
 */
void tn_stage_destroy(struct tn_stage *stage);

#endif
