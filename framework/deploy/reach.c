#include "deploy/reach.h"

#include "deploy/inherit.h"

#include <stdlib.h>

/* A walk along the bindings, breadth first; no deeper on the stack for a longer chain. */
struct walk {
	const struct tn_plan *plan;
	bool *marks;
	const struct tn_plan_worker **queue; /* each Worker at most once */
	size_t count;
};

static bool begin(struct walk *walk, const struct tn_plan *plan, bool *marks)
{
	walk->plan = plan;
	walk->marks = marks;
	walk->count = 0;
	walk->queue = calloc(plan->count + 1, sizeof(walk->queue[0]));
	return walk->queue;
}

static void mark(struct walk *walk, const struct tn_plan_worker *worker)
{
	if (walk->marks[worker->number])
		return;
	walk->marks[worker->number] = true;
	walk->queue[walk->count++] = worker;
}

static void mark_callees(struct walk *walk, const struct tn_plan_worker *worker)
{
	for (size_t i = 0; i < worker->binding_count; i++)
		for (size_t j = 0; j < worker->bindings[i].target_count; j++)
			mark(walk, worker->bindings[i].targets[j].worker);
}

static void mark_callers(struct walk *walk, const struct tn_plan_worker *worker)
{
	for (size_t i = 0; i < worker->use_count; i++)
		mark(walk, worker->uses[i].binding->caller);
}

static void go_on(struct walk *walk, bool up)
{
	for (size_t i = 0; i < walk->count; i++) {
		if (up)
			mark_callers(walk, walk->queue[i]);
		else
			mark_callees(walk, walk->queue[i]);
	}
	free(walk->queue);
}

bool tn_plan_mark(const struct tn_plan *plan, const struct tn_plan_worker *worker, bool up,
                  bool *marks)
{
	struct walk walk;

	if (!begin(&walk, plan, marks))
		return false;
	if (up)
		mark_callers(&walk, worker);
	else
		mark_callees(&walk, worker);
	go_on(&walk, up);
	return true;
}

/* `only` NULL: from all routes. */
static bool reach(struct tn_plan *plan, const struct tn_plan_worker *only)
{
	bool *marks = calloc(plan->count + 1, sizeof(marks[0]));
	struct walk walk;

	if (!marks || !begin(&walk, plan, marks)) {
		free(marks);
		return false;
	}
	for (size_t i = 0; i < plan->count; i++)
		if (only ? only == &plan->workers[i] : plan->workers[i].route != NULL)
			mark(&walk, &plan->workers[i]);
	go_on(&walk, false);
	for (size_t i = 0; i < plan->count; i++)
		plan->workers[i].reachable = marks[i];
	free(marks);
	return true;
}

bool tn_reach(struct tn_plan *plan)
{
	return reach(plan, NULL);
}

bool tn_reach_from(struct tn_plan *plan, const struct tn_plan_worker *worker)
{
	return reach(plan, worker);
}

/* Whether the Worker or a variant of it is reached: each of them may be, in an environment. */
static void mark_bases(const struct tn_plan *plan, bool *reached)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *worker = &plan->workers[i];
		const struct tn_plan_worker *base = tn_inherit_base(plan, worker);

		if (base && worker->reachable)
			reached[base->number] = true;
	}
}

void tn_reach_warn(const struct tn_plan *plan, struct tn_errors *errors)
{
	bool *reached = calloc(plan->count + 1, sizeof(reached[0]));

	if (!reached)
		return;
	mark_bases(plan, reached);
	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *worker = &plan->workers[i];

		if (worker->variant || reached[i])
			continue;
		tn_errors_warn(errors, worker->section->place,
		               "worker '%s': it is not loaded: no route leads to it, and %s: give "
		               "it a route, bind it, or remove it",
		               worker->name,
		               worker->use_count ? "only Workers that are not reached bind it"
		                                 : "nobody binds it");
	}
	free(reached);
}
