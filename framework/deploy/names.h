/*
 * names.h - names of Workers in one text, with a blank between them, which no name has: what a
 * person asks for at once, in the form in which it is sent, compared and logged.
 */
#ifndef TENON_DEPLOY_NAMES_H
#define TENON_DEPLOY_NAMES_H

#include "tenon.h"

#define TN_NAMES_SIZE 1024 /* bytes at most, with the NUL */

/*
 * Puts the names in order, each once, so that two texts that mean the same are the same. Whoever
 * has written them: what comes out can be shown. Returns NULL, or a constant text that says what is
 * wrong; `names` has TN_NAMES_SIZE bytes.
 */
const char *tn_names_read(const char *text, size_t size, char *names);

/* Steps through them: copies the next one to `name`, which has TN_NAMES_SIZE bytes, and moves
 * *names behind it; false at the end. */
bool tn_names_next(const char **names, char *name);

/* Whether the name is among them; NULL has none. */
bool tn_names_have(const char *names, const char *name);

#endif
