/* graph.h - who calls whom, in the forms in which `tenon graph` prints it. */
#ifndef TENON_COMMAND_GRAPH_H
#define TENON_COMMAND_GRAPH_H

#include "deploy/plan.h"

/* A plan as a graph of calls. */
struct tn_graph {
	const struct tn_plan *plan;
	/* One number for each Worker; those that can all call one another have the same. */
	size_t *components;
};

/* Steps through all that a Worker binds, each target of each binding. Starts as { worker }. */
struct tn_graph_step {
	const struct tn_plan_worker *worker;
	size_t binding, target; /* the next */
};

/* The next target, and its binding; NULL behind the last. */
const struct tn_plan_target *tn_graph_next(struct tn_graph_step *step,
                                           const struct tn_plan_binding **binding);

/* The plan must outlive it. false where there is no memory. Finish it in either case. */
bool tn_graph_init(struct tn_graph *graph, const struct tn_plan *plan);
void tn_graph_finish(struct tn_graph *graph);

/* Whether the binding can lead back to its caller by way of that target. */
bool tn_graph_is_cycle(const struct tn_graph *graph, const struct tn_plan_binding *binding,
                       const struct tn_plan_target *target);

/* Whether the binding chooses among several Workers. */
bool tn_graph_is_split(const struct tn_plan_binding *binding);

/* The name that stands in the configuration for the target, where the environment has made another
 * of it; NULL where it has not. Written to `text`. */
const char *tn_graph_written(const struct tn_plan *plan, const struct tn_plan_binding *binding,
                             const struct tn_plan_target *target, char *text, size_t room);

/* Each prints the whole on standard output and returns 0, or the exit code with a line on standard
 * error. */
int tn_graph_print_tree(const struct tn_graph *graph);
int tn_graph_print_dot(const struct tn_graph *graph);
int tn_graph_print_json(const struct tn_graph *graph);

#endif
