#include "command/diff.h"

#include <stdlib.h>

static void mark_near(const struct tn_plan_worker *worker, unsigned char *relations)
{
	for (size_t i = 0; i < worker->use_count; i++)
		relations[worker->uses[i].binding->caller->number] |= TN_CALLER;
	for (size_t i = 0; i < worker->binding_count; i++) {
		const struct tn_plan_binding *binding = &worker->bindings[i];

		for (size_t j = 0; j < binding->target_count; j++)
			relations[binding->targets[j].worker->number] |= TN_CALLEE;
	}
}

static bool mark_far(const struct tn_difference *difference, bool up, unsigned char *relations)
{
	const struct tn_plan *plan = difference->plan;
	unsigned near = up ? TN_CALLER : TN_CALLEE;
	unsigned far = up ? TN_FAR_CALLER : TN_FAR_CALLEE;
	bool *marks = calloc(plan->count + 1, sizeof(marks[0]));
	bool marked = marks && tn_plan_mark(plan, difference->worker, up, marks);

	for (size_t i = 0; marked && i < plan->count; i++) {
		if (marks[i] && !(relations[i] & near) && i != difference->worker->number)
			relations[i] |= (unsigned char)far;
	}
	free(marks);
	return marked;
}

unsigned char *tn_diff_relations(const struct tn_difference *difference)
{
	unsigned char *relations = calloc(difference->plan->count + 1, sizeof(relations[0]));

	if (!relations)
		return NULL;
	mark_near(difference->worker, relations);
	if (mark_far(difference, true, relations) && mark_far(difference, false, relations))
		return relations;
	free(relations);
	return NULL;
}

bool tn_diff_is_reached(const struct tn_difference *difference, const unsigned char *relations,
                        const struct tn_route *route)
{
	return route->worker == difference->worker->number ||
	       (relations[route->worker] & (TN_CALLER | TN_FAR_CALLER));
}
