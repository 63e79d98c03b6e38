#include "deploy/blocking.h"

#include "deploy/value.h"

#include <stdlib.h>
#include <string.h>

#define DAY ((int64_t)24 * 3600 * 1000)
#define CONCURRENCY_MOST 100000
#define CONCURRENCY_RANGE "write a number from 1 to 100000"
#define TIMEOUT_RANGE "write a duration from 1ms to 1d"
#define NO_TIMEOUT "remove the line: then there is no timeout"
#define END_SIZE 300 /* bytes of a chain that are kept for its end */

/* ---- Reading ------------------------------------------------------------------------------- */

static const char *read_blocking(const char *text, struct tn_plan_worker *worker)
{
	int64_t value = 0;
	const char *wrong = tn_value_boolean(text, &value);

	worker->blocking = value;
	return wrong;
}

static const char *read_timeout(const char *text, struct tn_plan_worker *worker)
{
	int64_t value = 0;
	const char *wrong = tn_value_duration(text, &value);

	if (!strcmp(text, "0") || (!wrong && !value))
		return NO_TIMEOUT;
	if (!wrong && value > DAY)
		return TIMEOUT_RANGE;
	worker->timeout = value;
	return wrong;
}

static const char *read_concurrency(const char *text, struct tn_plan_worker *worker)
{
	int64_t value = 0;

	if (tn_value_integer(text, &value) || value < 1 || value > CONCURRENCY_MOST)
		return CONCURRENCY_RANGE;
	worker->concurrency = value;
	return NULL;
}

static const struct {
	const char *name;
	const char *(*read)(const char *text, struct tn_plan_worker *worker);
} keys[] = {
	{ "blocking", read_blocking },
	{ "timeout", read_timeout },
	{ "concurrency", read_concurrency },
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

bool tn_blocking_is_key(const char *key)
{
	size_t i = 0;

	while (i < KEYS && strcmp(key, keys[i].name) != 0)
		i++;
	return i < KEYS;
}

void tn_blocking_try_keys(struct tn_nearest *nearest)
{
	for (size_t i = 0; i < KEYS; i++)
		tn_nearest_try(nearest, keys[i].name);
}

/* An inherited entry is complained of where it stands. */
static void read_keys(struct tn_plan_worker *worker, struct tn_errors *errors)
{
	for (size_t i = 0; i < KEYS; i++) {
		const struct tn_entry *entry = tn_keys_find(&worker->keys, keys[i].name);
		const char *wrong = entry ? keys[i].read(entry->value, worker) : NULL;

		if (wrong && entry->section == worker->section)
			tn_errors_add(errors, entry->place, "worker '%s': %s: '%s': %s",
			              worker->name, entry->key, entry->value, wrong);
	}
}

/* ---- Who waits ----------------------------------------------------------------------------- */

/* A walk along the bindings, up from those that wait and down from those that are entered on
 * several threads. A Worker comes into the queue when either becomes true of it. */
struct walk {
	struct tn_plan *plan;
	struct tn_plan_worker **queue;
	size_t count;
};

static void enqueue(struct walk *walk, struct tn_plan_worker *worker)
{
	walk->queue[walk->count++] = worker;
}

static void note_waits(struct walk *walk, struct tn_plan_worker *worker,
                       const struct tn_plan_binding *binding, const struct tn_plan_worker *callee)
{
	if (worker->waits)
		return;
	worker->waits = true;
	worker->threaded = true;
	worker->waits_through = binding;
	worker->waits_for = callee;
	enqueue(walk, worker);
}

static void note_threaded(struct walk *walk, struct tn_plan_worker *worker)
{
	if (worker->threaded)
		return;
	worker->threaded = true;
	if (worker->concurrency)
		note_waits(walk, worker, NULL, NULL);
	else
		enqueue(walk, worker);
}

static void go_up(struct walk *walk, const struct tn_plan_worker *worker)
{
	for (size_t i = 0; i < worker->use_count; i++) {
		const struct tn_plan_use *use = &worker->uses[i];

		if (use->weight)
			note_waits(walk, &walk->plan->workers[use->binding->caller->number],
			           use->binding, worker);
	}
}

static void go_down(struct walk *walk, const struct tn_plan_worker *worker)
{
	for (size_t i = 0; i < worker->binding_count; i++) {
		const struct tn_plan_binding *binding = &worker->bindings[i];

		for (size_t j = 0; j < binding->target_count; j++)
			if (binding->targets[j].weight)
				note_threaded(walk, binding->targets[j].worker);
	}
}

/* What is not loaded calls nobody. */
static void walk_all(struct walk *walk)
{
	struct tn_plan *plan = walk->plan;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->workers[i].blocking)
			note_waits(walk, &plan->workers[i], NULL, NULL);
	for (size_t i = 0; i < walk->count; i++) {
		const struct tn_plan_worker *worker = walk->queue[i];

		if (worker->waits)
			go_up(walk, worker);
		if (worker->reachable)
			go_down(walk, worker);
	}
}

static void forget(struct tn_plan_worker *worker)
{
	worker->waits = false;
	worker->threaded = false;
	worker->waits_through = NULL;
	worker->waits_for = NULL;
}

bool tn_blocking_find(struct tn_plan *plan)
{
	struct walk walk = {
		.plan = plan,
		.queue = calloc(2 * plan->count + 1, sizeof(walk.queue[0])),
	};

	if (!walk.queue)
		return false;
	for (size_t i = 0; i < plan->count; i++)
		forget(&plan->workers[i]);
	walk_all(&walk);
	free(walk.queue);
	for (size_t i = 0; i < plan->routes.count; i++) {
		struct tn_route *route = &plan->routes.list[i];

		route->waits = plan->workers[route->worker].waits;
		route->timeout = plan->workers[route->worker].timeout;
	}
	return true;
}

bool tn_blocking(struct tn_plan *plan, struct tn_errors *errors)
{
	for (size_t i = 0; i < plan->count; i++)
		read_keys(&plan->workers[i], errors);
	return tn_blocking_find(plan);
}

/* ---- Telling ------------------------------------------------------------------------------- */

static const char *why(const struct tn_plan_worker *worker)
{
	return worker->blocking ? "blocks" : "has a limit";
}

const char *tn_blocking_text(const struct tn_plan_worker *worker, char *text)
{
	const size_t most = TN_BLOCKING_SIZE - END_SIZE;
	size_t size = 0;
	bool cut = false;

	*text = '\0';
	if (!worker->waits)
		return text;
	if (!worker->waits_for)
		size = (size_t)snprintf(text, TN_BLOCKING_SIZE, "it %s", why(worker));
	else
		size = (size_t)snprintf(text, most, "%s", worker->waits_through->entry->key);
	if (!worker->waits_for)
		return text;
	for (worker = worker->waits_for; worker->waits_for; worker = worker->waits_for) {
		if (!cut && size + strlen(worker->name) + strlen(" -> ") < most)
			size += (size_t)snprintf(text + size, most - size, " -> %s", worker->name);
		else
			cut = true;
	}
	if (size >= most)
		size = most - 1;
	snprintf(text + size, TN_BLOCKING_SIZE - size, "%s -> %s %s", cut ? " -> ..." : "",
	         worker->name, why(worker));
	return text;
}

/* Whether calls of it can be within one another. */
static bool is_in_cycle(const struct tn_plan *plan, const struct tn_plan_worker *worker,
                        bool *marks)
{
	memset(marks, 0, plan->count * sizeof(marks[0]));
	return tn_plan_mark(plan, worker, false, marks) && marks[worker->number];
}

static void warn(const struct tn_plan *plan, const struct tn_plan_worker *worker, bool *marks,
                 struct tn_errors *errors)
{
	const struct tn_entry *entry = tn_keys_find(&worker->keys, "concurrency");

	if (!entry || entry->section != worker->section || !worker->reachable)
		return;
	if (!worker->threaded)
		tn_errors_warn(errors, entry->place,
		               "worker '%s': concurrency: it has no effect: the Worker does not "
		               "block, and none that waits calls it: its calls come one after "
		               "another",
		               worker->name);
	else if (is_in_cycle(plan, worker, marks))
		tn_errors_warn(errors, entry->place,
		               "worker '%s': concurrency: it can call itself, and would then wait "
		               "for a place that it has: %lld such calls wait until queue_timeout",
		               worker->name, (long long)worker->concurrency);
}

void tn_blocking_warn(const struct tn_plan *plan, struct tn_errors *errors)
{
	bool *marks = calloc(plan->count + 1, sizeof(marks[0]));

	for (size_t i = 0; marks && i < plan->count; i++)
		warn(plan, &plan->workers[i], marks, errors);
	free(marks);
}
