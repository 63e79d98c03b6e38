#include "message/later.h"

#include "message/request.h"

#define RELEASES_MOST 64u /* of one within another, because none could be noted */

/* Whose work it is: a crash in it is that Worker's. */
struct tn_later {
	struct tn_later *next;
	struct tn_exchange *exchange;
	const struct tn_service *service;
	void (*work)(void *argument);
	void *argument;
};

static void run(const struct tn_later *later, enum tn_activity_step step)
{
	bool entered = tn_exchange_enter(later->exchange, later->service, step);

	later->work(later->argument);
	if (entered)
		tn_exchange_leave(later->exchange);
}

static void run_note(void *argument)
{
	run(argument, TN_STEP_RELEASE);
}

static struct tn_later *note(struct tn_exchange *exchange, void (*work)(void *argument),
                             void *argument)
{
	struct tn_later *later = tn_exchange_alloc(exchange, sizeof(*later));

	if (!later)
		return NULL;
	*later = (struct tn_later){
		.exchange = exchange,
		.service = tn_exchange_running(exchange),
		.work = work,
		.argument = argument,
	};
	return later;
}

bool tn_exchange_defer(struct tn_exchange *exchange, void (*release)(void *argument),
                       void *argument)
{
	struct tn_later *later = note(exchange, release, argument);

	if (later && tn_exchange_note(exchange, run_note, later))
		return true;
	/* One that defers itself, when there is no memory left, would go on for ever. */
	if (exchange->releasing == RELEASES_MOST) {
		tn_exchange_refuse(exchange, "a release callback defers itself without end: it is "
		                             "not called again");
		return false;
	}
	exchange->releasing++;
	release(argument);
	exchange->releasing--;
	return false;
}

bool tn_defer(const struct tn_request *request, void (*release)(void *argument), void *argument)
{
	if (!release)
		return false;
	if (request)
		return tn_exchange_defer(request->exchange, release, argument);
	release(argument);
	return false;
}

/* Each counts as a call, or work that notes itself again would never end. */
bool tn_wait_until(const struct tn_request *request, void (*work)(void *argument), void *argument)
{
	struct tn_exchange *exchange;
	struct tn_later *later;

	if (!request || !work)
		return false;
	exchange = request->exchange;
	if (!tn_exchange_may_call(exchange)) {
		if (!exchange->calls_logged)
			tn_exchange_refuse(exchange,
			                   "tn_wait_until refused: %u calls are max_calls",
			                   exchange->limits->max_calls);
		exchange->calls_logged = true;
		return false;
	}
	later = note(exchange, work, argument);
	if (!later)
		return false;
	exchange->waiting++;
	*exchange->later_end = later;
	exchange->later_end = &later->next;
	return true;
}

void tn_later_run(struct tn_exchange *exchange)
{
	while (exchange->later) {
		struct tn_later *later = exchange->later;

		exchange->later = later->next;
		if (!exchange->later)
			exchange->later_end = &exchange->later;
		run(later, TN_STEP_LATER);
	}
}

bool tn_exchange_has_later(const struct tn_exchange *exchange)
{
	if (exchange->later)
		return true;
	for (const struct tn_exchange *child = exchange->children; child; child = child->sibling) {
		if (tn_exchange_has_later(child))
			return true;
	}
	return false;
}

/* A call that has come too late still runs: its exchange is not to be looked at. */
static bool is_held(const struct tn_exchange *exchange)
{
	return atomic_load_explicit(&exchange->root->holders, memory_order_acquire) > 1;
}

static void run_child(struct tn_exchange *child, struct tn_exchange *parent)
{
	child->activity = parent->activity;
	child->deadline = parent->deadline;
	tn_later_run_family(child);
	tn_exchange_take_children(parent, child);
}

static void run_family(struct tn_exchange *exchange)
{
	tn_later_run(exchange);
	for (struct tn_exchange *child = exchange->children; child && !is_held(exchange);
	     child = child->sibling)
		run_child(child, exchange);
}

void tn_later_run_family(struct tn_exchange *exchange)
{
	while (!is_held(exchange) && tn_exchange_has_later(exchange))
		run_family(exchange);
}

void tn_exchange_run_later(struct tn_exchange *exchange)
{
	exchange->activity = tn_activity_here ? tn_activity_here : &tn_activity_unwatched;
	tn_later_run_family(exchange);
}
