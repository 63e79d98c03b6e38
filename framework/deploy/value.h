/*
 * value.h - the values of the configuration: numbers with their units.
 *
 * Each returns NULL and sets *value, or returns a constant text that says what is wrong and what to
 * write instead, to stand behind "key: 'text': ".
 */
#ifndef TENON_DEPLOY_VALUE_H
#define TENON_DEPLOY_VALUE_H

#include "tenon.h"

/* A decimal integer with an optional sign. */
const char *tn_value_integer(const char *text, int64_t *value);

/* yes, no, true, false, on, off, in any case: 1 or 0. */
const char *tn_value_boolean(const char *text, int64_t *value);

/* An integer and its unit, ms s m h d: milliseconds. A bare number is an error, 0 included. */
const char *tn_value_duration(const char *text, int64_t *value);

/* An integer and an optional K, M or G (1024): bytes. */
const char *tn_value_size(const char *text, int64_t *value);

/* A finite decimal number: 0.25, 1e3; read with '.', whatever the locale. */
const char *tn_value_number(const char *text, double *value);

/*
 * Steps through a list that is separated by commas: copies the next item, without blanks, to `item`
 * and moves *list behind it; false at the end, where *list is NULL. An empty item is given as "",
 * and so is the one item of an empty list. An item that is larger than the room is cut.
 */
bool tn_value_next(const char **list, char *item, size_t room);

#endif
