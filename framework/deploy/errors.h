/*
 * errors.h - everything that is wrong with a configuration, collected, in the form that editors
 * jump to:
 *
 *	etc/tenon.ini:12: worker 'gateway': service.auth: no worker 'atuh' (did you mean 'auth'?)
 */
#ifndef TENON_DEPLOY_ERRORS_H
#define TENON_DEPLOY_ERRORS_H

#include "tenon.h"

#include <stdio.h>

#define TN_REASON_SIZE 1024 /* bytes of a buffer for the reason why something failed */

/* Where something stands. Line 0 is the file as a whole; without a file, it is no place at all. */
struct tn_place {
	const char *file;
	unsigned line;
};

struct tn_error {
	struct tn_place place;
	bool warning;
	char *text;
};

struct tn_errors {
	struct tn_error *list;
	size_t count;  /* of both kinds */
	size_t errors; /* of those that are no warnings */
	size_t capacity;
	bool incomplete; /* there was no memory to note one; counted as an error */
};

/* { 0 } is an empty list. Finish frees what it holds. */
void tn_errors_finish(struct tn_errors *errors);

/* Notes one error, or a warning, which does not make a configuration invalid. The file's name is
 * copied; control characters become blanks, so that an error is one line. */
void tn_errors_add(struct tn_errors *errors, struct tn_place place, const char *format, ...)
	TN_PRINTF(3, 4);
void tn_errors_warn(struct tn_errors *errors, struct tn_place place, const char *format, ...)
	TN_PRINTF(3, 4);

/* Writes all of them, one a line, by file (in the order of first appearance) and line; a warning
 * has "warning: " after its place. */
void tn_errors_print(const struct tn_errors *errors, FILE *to);

#endif
