/* file.h - a file of the configuration, whole. */
#ifndef TENON_DEPLOY_FILE_H
#define TENON_DEPLOY_FILE_H

#include "deploy/errors.h"

#include <sys/stat.h>

#define TN_FILE_MOST ((size_t)16 * 1024 * 1024) /* bytes; a larger one is refused */

struct tn_file {
	char *path; /* as it was named: it stands in the messages */
	char *text; /* with a NUL behind its end */
	size_t size;
	struct stat status; /* as it was when it was read */
};

/*
 * Reads a file, also from a pipe such as a shell's <(...). Run as root, one that others may write,
 * or exchange (tn_trust_path), is refused. Returns 0, or the exit code of sysexits.h and the reason
 * with its cure (TN_REASON_SIZE bytes; it does not name the path).
 */
int tn_file_read(const char *path, struct tn_file *file, char *reason);

/* The same, but refuses at once what is no regular file, a pipe included. */
int tn_file_read_regular(const char *path, struct tn_file *file, char *reason);

/* Writes all of it to a descriptor that may wait; false, and errno, where it could not. */
bool tn_file_write(int descriptor, const char *data, size_t size);

/* Frees what it holds; a zeroed one is fine. */
void tn_file_finish(struct tn_file *file);

/* Whether both are one file, by whatever names. */
bool tn_file_same(const struct tn_file *one, const struct tn_file *other);

#endif
