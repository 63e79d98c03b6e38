#include "supervise/culprit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REQUEST_ROOM 700 /* bytes of a request line, with what is escaped */

/* NULL for a place of the page that names nobody. */
static const struct tn_plan_worker *worker_at(const struct tn_activity *activity, uint32_t place,
                                              const struct tn_plan *plan)
{
	uint32_t number = atomic_load_explicit(&activity->chain[place], memory_order_relaxed);

	return number && number <= plan->count ? &plan->workers[number - 1] : NULL;
}

static void read_chain(struct tn_culprit *culprit, const struct tn_activity *activity,
                       uint32_t depth, const struct tn_plan *plan)
{
	size_t size = 0;

	for (uint32_t i = 0; i < depth && size < sizeof(culprit->chain); i++) {
		const struct tn_plan_worker *worker = worker_at(activity, i, plan);

		size += (size_t)snprintf(culprit->chain + size, sizeof(culprit->chain) - size,
		                         "%s%s", i ? ">" : "", worker ? worker->name : "?");
	}
}

void tn_culprit_read(struct tn_culprit *culprit, const struct tn_activity *activity,
                     const struct tn_plan *plan)
{
	uint32_t step = atomic_load_explicit(&activity->step, memory_order_relaxed);
	uint32_t depth = atomic_load_explicit(&activity->depth, memory_order_relaxed);
	uint64_t exchange = atomic_load_explicit(&activity->exchange, memory_order_relaxed);

	*culprit = (struct tn_culprit){ .step = TN_STEP_NONE };
	if (!tn_activity_text(step))
		return;
	culprit->step = step;
	tn_activity_line(activity, culprit->request);
	if (exchange)
		snprintf(culprit->id, sizeof(culprit->id), "%016" PRIx64, exchange);
	if (depth > TN_DEPTH_MAX)
		depth = TN_DEPTH_MAX;
	if (depth)
		culprit->worker = worker_at(activity, depth - 1, plan);
	if (depth > 1)
		read_chain(culprit, activity, depth, plan);
}

struct tn_log_context tn_culprit_context(const struct tn_culprit *culprit)
{
	return (struct tn_log_context){
		.request = *culprit->id ? culprit->id : NULL,
		.worker = culprit->worker ? culprit->worker->name : NULL,
		.chain = *culprit->chain ? culprit->chain : NULL,
	};
}

const char *tn_culprit_text(const struct tn_culprit *culprit, char *text)
{
	const struct tn_plan_worker *worker = culprit->worker;
	const char *step = tn_activity_text(culprit->step);
	char request[REQUEST_ROOM];

	tn_log_escape(request, sizeof(request), culprit->request, true);
	snprintf(text, TN_CULPRIT_TEXT, "%s%s%s%s%s%s%s%s",
	         worker ? " " : ": no Worker was running", worker && step ? step : "",
	         *request ? ", request \"" : "", request, *request ? "\"" : "",
	         worker ? ", module '" : "", worker ? worker->module_path : "", worker ? "'" : "");
	return text;
}
