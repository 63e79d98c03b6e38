#include "deploy/cycle.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 512
#define CUT "... > "
#define TOLD_MOST 8 /* a few Workers that all bind one another form cycles without end */

enum mark {
	UNSEEN,
	ON_PATH,
	DONE,
};

/* A Worker on the path, and how far its bindings have been followed. */
struct step {
	const struct tn_plan_worker *worker;
	size_t binding;
	size_t target;
};

/* A walk along the bindings, depth first; a chain may be longer than the stack is deep. */
struct walk {
	struct tn_errors *errors;
	enum mark *marks; /* one for each Worker */
	struct step *path;
	size_t depth;
	size_t count; /* of bindings that close a cycle */
};

static void warn(struct walk *walk, const struct tn_plan_binding *binding,
                 const struct tn_plan_worker *target)
{
	char text[TEXT_SIZE];
	size_t from = walk->depth;
	size_t size = 0;

	if (++walk->count > TOLD_MOST)
		return;
	while (walk->path[from - 1].worker != target)
		from--;
	for (size_t i = from - 1; i < walk->depth && size < sizeof(text); i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s > ",
		                         walk->path[i].worker->name);
	if (size >= sizeof(text))
		memcpy(text + sizeof(text) - sizeof(CUT), CUT, sizeof(CUT));
	tn_errors_warn(walk->errors, binding->entry->place,
	               "worker '%s': %s: the bindings form a cycle, %s%s: max_depth ends it",
	               binding->caller->name, binding->entry->key, text, target->name);
}

static void enter(struct walk *walk, const struct tn_plan_worker *worker)
{
	walk->marks[worker->number] = ON_PATH;
	walk->path[walk->depth++] = (struct step){ .worker = worker };
}

static void follow(struct walk *walk, const struct tn_plan_binding *binding,
                   const struct tn_plan_worker *target)
{
	if (walk->marks[target->number] == ON_PATH)
		warn(walk, binding, target);
	else if (walk->marks[target->number] == UNSEEN)
		enter(walk, target);
}

static void go_on(struct walk *walk)
{
	struct step *step = &walk->path[walk->depth - 1];
	const struct tn_plan_binding *binding;

	if (step->binding == step->worker->binding_count) {
		walk->marks[step->worker->number] = DONE;
		walk->depth--;
		return;
	}
	binding = &step->worker->bindings[step->binding];
	if (step->target < binding->target_count) {
		follow(walk, binding, binding->targets[step->target++].worker);
		return;
	}
	step->binding++;
	step->target = 0;
}

void tn_cycle_warn(const struct tn_plan *plan, struct tn_errors *errors)
{
	struct walk walk = {
		.errors = errors,
		.marks = calloc(plan->count + 1, sizeof(walk.marks[0])),
		.path = calloc(plan->count + 1, sizeof(walk.path[0])),
	};

	for (size_t i = 0; walk.marks && walk.path && i < plan->count; i++) {
		if (walk.marks[i] != UNSEEN)
			continue;
		enter(&walk, &plan->workers[i]);
		while (walk.depth)
			go_on(&walk);
	}
	if (walk.count > TOLD_MOST)
		tn_errors_warn(errors, (struct tn_place){ .file = tn_config_path(plan->config) },
		               "%zu more bindings close a cycle", walk.count - TOLD_MOST);
	free(walk.marks);
	free(walk.path);
}
