/* copy.h - a module's files, copied so that the copy resolves as the original did. */
#ifndef TENON_DEPLOY_COPY_H
#define TENON_DEPLOY_COPY_H

#include "deploy/errors.h"

#include <sys/stat.h>

#define TN_MODULE_VERSION_SIZE 17

/* What was copied. */
struct tn_copied {
	char *path; /* of the module below the directory, for the caller to free */
	/* The first digits, in hex, of the XXH3 hash (128 bits) of the module's bytes and of those
	 * of the libraries that were copied with it. */
	char version[TN_MODULE_VERSION_SIZE];
	dev_t device; /* of the original */
	ino_t inode;
};

/*
 * Copies a module to a directory, which is there and empty. Each file is opened once, and it is the
 * copy that is checked (tn_elf_check) and the bytes written to it that are hashed, so that nobody
 * can change one between the check and the use. The copies have mode 0555, the directories 0755,
 * whatever the umask: who may come to them is decided above.
 *
 * What the module needs through $ORIGIN, in a DT_NEEDED or by a DT_RUNPATH or DT_RPATH, is copied,
 * too, and what that needs. Then the paths of the originals are repeated below the directory, so
 * that each finds the others where it did before; without it, the module's file stands in the
 * directory itself. Everything else that it needs is the system's.
 *
 * False, and why with the cure in `reason` (TN_REASON_SIZE bytes), where something fails; what has
 * been made until then is left for the caller to remove.
 */
bool tn_copy_module(const char *path, const char *directory, struct tn_copied *copied,
                    char *reason);

/* Makes a directory of that kind; false, and errno, where it cannot be made. */
bool tn_copy_make_directory(const char *path);

#endif
