/* nearest.h - the name that was probably meant. */
#ifndef TENON_DEPLOY_NEAREST_H
#define TENON_DEPLOY_NEAREST_H

#include <stddef.h>

/* The best candidate so far; start with { .wanted = name }. */
struct tn_nearest {
	const char *wanted;
	const char *name; /* NULL: none is near */
	size_t distance;
};

/* Compares one more candidate by its edit distance (insert, delete, replace, swap of neighbours),
 * without case. What differs in more than a third of its letters is not near; nor is NULL. */
void tn_nearest_try(struct tn_nearest *nearest, const char *candidate);

/* Writes " (did you mean 'auth'?)", or nothing where none is near. Returns text. */
const char *tn_nearest_hint(const struct tn_nearest *nearest, char *text, size_t room);

#endif
