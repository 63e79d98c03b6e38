/* made.h - several new files, and one that is changed: all of them, or none. */
#ifndef TENON_COMMAND_MADE_H
#define TENON_COMMAND_MADE_H

#include "command/replace.h"

#define TN_MADE_MOST 128

struct tn_made_file {
	char *path;
	char *text;
	mode_t mode; /* without what the umask takes away */
	struct tn_successor successor;
};

struct tn_made {
	struct tn_made_file files[TN_MADE_MOST];
	size_t count;
	bool failed; /* there was no memory, or are too many */
};

/*
 * Notes a file that is to be made, with a path made as printf makes it. It takes the text over; one
 * that is NULL, for which there was no memory, is told by tn_made_place.
 */
void tn_made_add(struct tn_made *made, char *text, mode_t mode, const char *format, ...)
	TN_PRINTF(4, 5);

/* Returns 0, or the exit code with a line on standard error that names a file that is there. */
int tn_made_check(const struct tn_made *made);

/*
 * Makes all of them and then, if it is not NULL, replaces the file with its text; each of them is
 * whole at every moment. Returns 0, or the exit code with a line on standard error; then none of
 * them is there, and the other is as it was.
 */
int tn_made_place(struct tn_made *made, struct tn_replacement *replacement, const char *text,
                  size_t size);

/* Frees what it holds; the files stay. */
void tn_made_finish(struct tn_made *made);

#endif
