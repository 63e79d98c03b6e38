/* bound.h - what `tenon bound` prints, as text and as JSON. */
#ifndef TENON_COMMAND_BOUND_H
#define TENON_COMMAND_BOUND_H

#include "deploy/plan.h"

/* The deployment in one environment, or without one, and the shortest chain of Workers by which
 * each other calls the one that was asked for. */
struct tn_bound_view {
	struct tn_plan *plan;
	size_t *next;     /* of each Worker: the number of the one that it calls; SIZE_MAX: none */
	size_t *distance; /* of each: how many calls it takes */
	size_t *order;    /* the numbers of those that have a chain, the nearest first */
	size_t count;     /* of these; the Worker itself is one where it is in a cycle */
};

/* A Worker has the same number in all views. */
struct tn_bound {
	struct tn_bound_view *views; /* the first is that of the command line */
	size_t count;
	const struct tn_plan_worker *worker; /* in the first view; NULL: all were asked for */
};

/* Whether the Worker of that number is the one asked for, or calls it in that view. */
bool tn_bound_leads(const struct tn_bound *bound, const struct tn_bound_view *view,
                    size_t number);

/* Whether the Worker of that number is public, or reached, in one of the views at least. */
bool tn_bound_is_public(const struct tn_bound *bound, size_t number);
bool tn_bound_is_reached(const struct tn_bound *bound, size_t number);

/* Whether its bindings are told of that view: where it is reached there, or nowhere. */
bool tn_bound_counts(const struct tn_bound *bound, const struct tn_bound_view *view,
                     size_t number);

/* Whether both are variants of one Worker, which itself is one of them. */
bool tn_bound_is_variant(const struct tn_plan_worker *worker, const struct tn_plan_worker *other);

/* Each prints, and returns 0, or the exit code with a line on standard error. */
int tn_bound_print(const struct tn_bound *bound);
int tn_bound_print_all(const struct tn_bound *bound);
int tn_bound_print_json(const struct tn_bound *bound);
int tn_bound_print_json_all(const struct tn_bound *bound);

#endif
