/*
 * json.h - the parts of what --json prints that are the same in all commands.
 *
 * What cannot be added, because there was no memory for it or for what it is added to, takes the
 * whole with it: it becomes NULL, and tn_json_print says so. Nothing is left out in silence.
 */
#ifndef TENON_COMMAND_JSON_H
#define TENON_COMMAND_JSON_H

#include "deploy/plan.h"

#include <jansson.h>

/* Adds to an object or a list, which get the reference to the value. */
void tn_json_set(json_t **object, const char *name, json_t *value);
void tn_json_append(json_t **list, json_t *value);

/* Sets "file" and "line"; null where there is none. */
void tn_json_set_place(json_t **object, struct tn_place place);

/* A string, null for NULL. Bytes that are no UTF-8, which a file's name may have, become U+FFFD. */
json_t *tn_json_text(const char *text);

/* A weight as percent: 90, or 0.25. */
json_t *tn_json_weight(uint32_t weight);

/* The targets of a binding: a list of objects with "worker" and "weight". */
json_t *tn_json_targets(const struct tn_plan_binding *binding);

/* Prints it on standard output, and gives up the reference. Returns 0, or the exit code with a line
 * on standard error; that standard output cannot be written is for main to say. */
int tn_json_print(json_t *value);

#endif
