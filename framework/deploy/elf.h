/*
 * elf.h - a module's file, looked at before the dynamic loader maps it: the loader trusts its
 * offsets, and a truncated file ends the process with SIGBUS.
 */
#ifndef TENON_DEPLOY_ELF_H
#define TENON_DEPLOY_ELF_H

#include "deploy/errors.h"

/* Whether the file is a whole shared object for this machine; else writes why not, and the cure,
 * to `reason` (TN_REASON_SIZE bytes). */
bool tn_elf_check(const char *path, char *reason);

/*
 * Calls visit(argument, name) for each function and object that the file exports, by its section
 * headers; nothing where it has none. The file must have passed the check.
 */
void tn_elf_exports(const char *path, void (*visit)(void *argument, const char *name),
                    void *argument);

#endif
