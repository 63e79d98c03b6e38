#include "serve/deadlines.h"

#include <limits.h>
#include <stddef.h>

#define STALL_MOST_MS 1000 /* that a turn may take without being left out of the clock */

#define REPLY_SENT ((uint64_t)1 << 63) /* all of it has been handed to the kernel */

static int64_t smaller(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

/* At least one byte, whatever the rate. */
static uint64_t bytes_in(int64_t rate, int64_t ms)
{
	uint64_t bytes = (uint64_t)rate * (uint64_t)ms / 1000;

	return bytes ? bytes : 1;
}

void tn_deadlines_init(struct tn_deadlines *deadlines, const struct tn_settings *settings,
                       struct tn_delivery (*delivery)(const struct tn_client *client), int64_t now)
{
	*deadlines = (struct tn_deadlines){
		.timers = TN_TIMERS_INIT,
		.head = settings->head_timeout,
		.body = settings->body_timeout,
		.reply = settings->write_timeout,
		.idle = settings->idle_timeout,
		.body_bytes = bytes_in(settings->min_rate, settings->body_timeout),
		.reply_bytes = bytes_in(settings->min_rate, settings->write_timeout),
		.seen = now,
		.delivery = delivery,
	};
	deadlines->shortest = smaller(smaller(deadlines->head, deadlines->body),
	                              smaller(deadlines->reply, deadlines->idle));
}

void tn_deadlines_finish(struct tn_deadlines *deadlines)
{
	tn_timers_finish(&deadlines->timers);
}

/* ---- The clock ----------------------------------------------------------------------------- */

void tn_deadlines_turn(struct tn_deadlines *deadlines, int64_t now)
{
	int64_t passed = now - deadlines->seen;
	int64_t most = smaller(STALL_MOST_MS, deadlines->shortest / 4);

	if (deadlines->wait <= INT64_MAX - most)
		passed = smaller(passed, deadlines->wait + most);
	deadlines->seen = now;
	if (passed > 0)
		deadlines->now += passed;
}

void tn_deadlines_rest(struct tn_deadlines *deadlines, int timeout)
{
	deadlines->wait = timeout < 0 ? INT64_MAX : timeout;
}

/* ---- Clients ------------------------------------------------------------------------------- */

/* No time is shorter than that of the next look, whatever begins until then. */
static bool look_again(struct tn_deadlines *deadlines, struct tn_client *client, int64_t due)
{
	return tn_timers_set(&deadlines->timers, &client->timer,
	                     smaller(due, deadlines->now + deadlines->shortest));
}

bool tn_deadlines_add(struct tn_deadlines *deadlines, struct tn_client *client)
{
	client->stage = 1; /* its first head counts as begun */
	tn_deadlines_restart(deadlines, client);
	return look_again(deadlines, client, INT64_MAX);
}

void tn_deadlines_remove(struct tn_deadlines *deadlines, struct tn_client *client)
{
	tn_timers_cancel(&deadlines->timers, &client->timer);
}

/* What it has sent beyond the request that is answered does not count until its turn comes. */
enum tn_phase tn_deadlines_phase(const struct tn_client *client)
{
	const struct tn_framing *framing = &client->framing;

	if (client->answered)
		return TN_PHASE_REPLY;
	if (framing->heads > client->ended + 1 || client->suspended)
		return TN_PHASE_WORK;
	if (framing->heads > client->ended)
		return framing->phase == TN_FRAMING_BODY ? TN_PHASE_BODY : TN_PHASE_WORK;
	if (!framing->messages)
		return TN_PHASE_SILENT;
	return framing->phase == TN_FRAMING_HEAD ? TN_PHASE_HEAD : TN_PHASE_IDLE;
}

/* ---- Who is due ---------------------------------------------------------------------------- */

/* A body that keeps its rate has its time anew. INT64_MIN: it is due. */
static int64_t look_at_body(const struct tn_deadlines *deadlines, struct tn_client *client)
{
	if (deadlines->now < client->since + deadlines->body)
		return client->since + deadlines->body;
	if (client->framing.body - client->since_body < deadlines->body_bytes)
		return INT64_MIN;
	tn_deadlines_restart(deadlines, client);
	return client->since + deadlines->body;
}

/* The same for a reply, but that its time begins with the first look at it. `which` is none of the
 * other replies of this connection, and not 0. */
static int64_t look_at_reply(const struct tn_deadlines *deadlines, struct tn_client *client,
                             struct tn_delivery delivery, uint64_t which)
{
	bool begins = client->reply != which;

	if (!begins && deadlines->now < client->reply_since + deadlines->reply)
		return client->reply_since + deadlines->reply;
	if (!begins && delivery.received - client->reply_received < deadlines->reply_bytes)
		return INT64_MIN;
	client->reply = which;
	client->reply_since = deadlines->now;
	client->reply_received = delivery.received;
	return client->reply_since + deadlines->reply;
}

/* Who still has to receive what the kernel has for it is not idle. */
static int64_t look_at_idle(const struct tn_deadlines *deadlines, struct tn_client *client,
                            enum tn_phase *phase)
{
	uint64_t which = REPLY_SENT | client->ended;
	struct tn_delivery delivery;

	if (deadlines->now < client->since + deadlines->idle)
		return client->since + deadlines->idle;
	delivery = deadlines->delivery(client);
	if (delivery.pending) {
		*phase = TN_PHASE_REPLY;
		return look_at_reply(deadlines, client, delivery, which);
	}
	if (client->reply != which)
		return INT64_MIN;
	client->reply = 0;
	tn_deadlines_restart(deadlines, client);
	return client->since + deadlines->idle;
}

/* When it is due; INT64_MIN: now. */
static int64_t look_at(const struct tn_deadlines *deadlines, struct tn_client *client,
                       enum tn_phase *phase)
{
	*phase = tn_deadlines_phase(client);
	switch (*phase) {
	case TN_PHASE_SILENT:
	case TN_PHASE_HEAD:
		if (deadlines->now >= client->since + deadlines->head)
			return INT64_MIN;
		return client->since + deadlines->head;
	case TN_PHASE_BODY:
		return look_at_body(deadlines, client);
	case TN_PHASE_REPLY:
		return look_at_reply(deadlines, client, deadlines->delivery(client),
		                     client->ended + 1);
	case TN_PHASE_IDLE:
		return look_at_idle(deadlines, client, phase);
	default:
		return INT64_MAX;
	}
}

static struct tn_client *client_of(struct tn_timer *timer)
{
	return (struct tn_client *)(void *)((char *)timer - offsetof(struct tn_client, timer));
}

struct tn_client *tn_deadlines_due(struct tn_deadlines *deadlines, enum tn_phase *phase)
{
	struct tn_timer *timer;

	while ((timer = tn_timers_take(&deadlines->timers, deadlines->now))) {
		struct tn_client *client = client_of(timer);
		int64_t due = look_at(deadlines, client, phase);

		if (due == INT64_MIN)
			return client;
		look_again(deadlines, client, due); /* there is room, it has had a place */
	}
	return NULL;
}

int tn_deadlines_left(const struct tn_deadlines *deadlines)
{
	const struct tn_timer *first = tn_timers_first(&deadlines->timers);
	int64_t left;

	if (!first)
		return -1;
	left = first->at - deadlines->now;
	if (left < 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}
