/* bound.h - what `tenon bound` prints, as text and as JSON. */
#ifndef TENON_COMMAND_BOUND_H
#define TENON_COMMAND_BOUND_H

#include "deploy/plan.h"

/* A Worker, and the shortest chain of Workers by which each other calls it. */
struct tn_bound {
	const struct tn_plan *plan;
	const struct tn_plan_worker *worker;
	size_t *next;     /* of each Worker: the number of the one that it calls; SIZE_MAX: none */
	size_t *distance; /* of each: how many calls it takes */
	size_t *order;    /* the numbers of those that have a chain, the nearest first */
	size_t count;     /* of these; the Worker itself is one where it is in a cycle */
};

/* Whether the Worker of that number is this one, or calls it. */
bool tn_bound_leads(const struct tn_bound *bound, size_t number);

/* Whether both are variants of one Worker, which itself is one of them. */
bool tn_bound_is_variant(const struct tn_plan_worker *worker, const struct tn_plan_worker *other);

/* Each prints, and returns 0, or the exit code with a line on standard error. */
int tn_bound_print(const struct tn_bound *bound);
int tn_bound_print_all(const struct tn_plan *plan);
int tn_bound_print_json(const struct tn_bound *bound);
int tn_bound_print_json_all(const struct tn_plan *plan);

#endif
