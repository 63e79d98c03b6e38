/*
 * elf.h - a module's file, looked at before the dynamic loader maps it: the loader trusts its
 * offsets, and a truncated file ends the process with SIGBUS.
 */
#ifndef TENON_DEPLOY_ELF_H
#define TENON_DEPLOY_ELF_H

#include "deploy/errors.h"

/*
 * Opens the file to be read, where it is one that may hold a module: regular, not empty, and, for
 * root, not writable by everyone. Gives the descriptor, for the caller to close; -1, and why not,
 * with the cure, in `reason` (TN_REASON_SIZE bytes). Does not wait, whatever the file is.
 */
int tn_elf_open(const char *path, char *reason);

/* Whether the file is a whole shared object for this machine; else writes why not, and the cure,
 * to `reason` (TN_REASON_SIZE bytes). */
bool tn_elf_check(const char *path, char *reason);

/*
 * Calls visit(argument, name) for each function and object that the file exports, by its section
 * headers; nothing where it has none. The file must have passed the check.
 */
void tn_elf_exports(const char *path, void (*visit)(void *argument, const char *name),
                    void *argument);

/* Whether it has a function or object of that name, be it exported or not; false, too, where it was
 * stripped of its names. The file must have passed the check. */
bool tn_elf_defines(const char *path, const char *name);

/* What a file wants of the dynamic loader, in the loader's own words. */
struct tn_elf_needs {
	char *runpath; /* DT_RUNPATH; NULL: none */
	char *rpath;   /* DT_RPATH, which counts only where there is no DT_RUNPATH; NULL: none */
	char **names;  /* of each DT_NEEDED, in their order */
	size_t count;
};

/* Reads it, for tn_elf_needs_finish to free; what cannot be read is left out. False only where
 * there is no memory. The file must have passed the check. */
bool tn_elf_needs_read(const char *path, struct tn_elf_needs *needs);
void tn_elf_needs_finish(struct tn_elf_needs *needs);

#endif
