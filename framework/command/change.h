/*
 * change.h - a change of one line of a configuration: tried as `check` would before it is in the
 * file, and refused where the result is not valid.
 */
#ifndef TENON_COMMAND_CHANGE_H
#define TENON_COMMAND_CHANGE_H

#include "command/replace.h"
#include "deploy/edit.h"
#include "deploy/plan.h"

struct tn_change {
	const char *path; /* of the configuration, as the command line has it */
	struct tn_config *config;
	struct tn_plan *plan; /* without an environment; as far as it is valid */
	const struct tn_section *section;
	const struct tn_file *file; /* the one that it stands in */
	int lock;                   /* the configuration's first file, where that is another */
	struct tn_replacement replacement;
	struct tn_edited edited; /* .text is NULL: nothing is changed */
};

/*
 * Reads the configuration and finds the section: "auth@staging" is a Worker's, "[host]" is that of
 * the host. Locks it against other changes. Returns 0, or the exit code, with a line on standard
 * error; finish it in either case. The texts must outlive it.
 */
int tn_change_begin(struct tn_change *change, const char *path, const char *section);
void tn_change_finish(struct tn_change *change);

/*
 * Gives the key a value in that section, or with NULL `key =`; remove takes an entry of its own
 * away. One of them, and once. Returns 0, or the exit code, with a line on standard error.
 */
int tn_change_set(struct tn_change *change, const char *key, const char *value);
int tn_change_remove(struct tn_change *change, const struct tn_entry *entry);

/* Whether `check` would take this text of the file, without an environment and in each that the
 * section is met in and that is valid now; but for secrets of other lines, which may be there only
 * where the host runs. Returns 0, or the exit
 * code, with what is wrong on standard error. */
int tn_change_try(const struct tn_change *change, const char *text, size_t size, unsigned line);

/* Puts the changed text in the file's place. Returns 0, or the exit code, with a line on standard
 * error; then the file is as it was. */
int tn_change_commit(struct tn_change *change);

/* Writes the difference to standard output, in the form that patch(1) takes. Returns 0, or the exit
 * code, with a line on standard error that says that the change was made all the same. */
int tn_change_print(const struct tn_change *change);

/* The entry that the section inherits for the key, or would if it had none of its own; it lives as
 * long as the change. NULL where there is none. */
const struct tn_entry *tn_change_inherited(const struct tn_change *change, const char *key);

/* Writes " (did you mean 'var.GREETING'?)" of the keys that the section has or inherits, or ""
 * where none is near. Returns text. */
const char *tn_change_hint(const struct tn_change *change, const char *key, char *text,
                           size_t room);

/* A line on standard error that names the place, section and key. */
void tn_change_say(const struct tn_change *change, struct tn_place place, const char *key,
                   const char *format, ...) TN_PRINTF(4, 5);

#endif
