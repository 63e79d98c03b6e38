/*
 * replace.h - puts a changed text in the place of a file, whole or not at all.
 */
#ifndef TENON_COMMAND_REPLACE_H
#define TENON_COMMAND_REPLACE_H

#include "deploy/file.h"

#include <signal.h>

/* A file that this process is about to replace. */
struct tn_replacement {
	char *path; /* without symbolic links: it is the file that is replaced, not a link to it */
	int lock;   /* the file, locked */
	struct tn_file file;
};

/*
 * Reads the file and locks it (flock) against another that would replace it at the same time: that
 * one is refused at once. Returns 0, or the exit code and the reason (TN_REASON_SIZE bytes). Finish
 * it in either case.
 */
int tn_replace_begin(struct tn_replacement *replacement, const char *path, char *reason);

/*
 * Writes the text beside the file, with the file's owner and mode, has it reach the disk (fsync)
 * and renames it to the file. Refused where the file has changed since it was read. Returns 0, or
 * the exit code and the reason; then the file is as it was.
 */
int tn_replace_commit(struct tn_replacement *replacement, const char *text, size_t size,
                      char *reason);

/* Lets go of the lock; a zeroed one is fine. */
void tn_replace_finish(struct tn_replacement *replacement);

/*
 * A file that is written to take another's place. Until then it has no name, or where the file
 * system has no such files one beside the other's that begins with a dot.
 */
struct tn_successor {
	const char *path; /* the other's; it need not exist */
	char *own_path;   /* NULL: it has no name */
	int file;
};

#define TN_LIKE_ALL ((mode_t)07777)

/*
 * An open file whose owner, mode and access list another is to have. With less than all bits it has
 * the mode as far as they go, and no access list: at no moment may more open it than its owner and
 * those whom the bits let in.
 */
struct tn_like {
	int file;
	mode_t most;
};

/*
 * Writes it, for its owner alone unless it is to be like another, and has it reach the disk.
 * Returns 0, or the exit code and the reason; then there is no file. The path must outlive it.
 */
int tn_successor_write(struct tn_successor *successor, const char *path,
                       const struct tn_like *like, const char *data, size_t size, char *reason);

/* Renames it to the other. Returns 0, or the exit code and the reason. */
int tn_successor_rename(struct tn_successor *successor, char *reason);

/* The same where there is to be no other: one that is there is left, and that is a failure. */
int tn_successor_place(struct tn_successor *successor, char *reason);

/* Removes it, unless it is in its place; a zeroed one is fine. */
void tn_successor_finish(struct tn_successor *successor);

/*
 * Holds back what a terminal or a shutdown ends a program with, so that no file is left behind, and
 * has a file that may not grow (ulimit -f) be an error of write(2) from now on. Returns the former
 * mask, for sigprocmask.
 */
sigset_t tn_replace_hold_signals(void);

#endif
