#include "deploy/gate.h"

#include "message/request.h"
#include "message/trace.h"
#include "message/waits.h"

static int64_t earlier(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

/* What the caller gets in the callee's place. If it is NULL, one of its own is not its fault. */
static struct tn_response *give(struct tn_exchange *exchange, struct tn_response *response)
{
	bool *failed = tn_exchange_callee_failed(exchange);

	if (failed)
		*failed = !response;
	return response;
}

/* It counts as a call, or who tries again until it is answered otherwise would do so for ever. */
static struct tn_response *turn_away(const struct tn_gate *gate, const struct tn_request *request,
                                     int64_t waited)
{
	struct tn_exchange *exchange = request->exchange;
	struct tn_response *response;

	tn_exchange_count_call(exchange, gate->callee);
	if (exchange->limits->tracer)
		tn_tracer_note(exchange, gate->callee, 503);
	tn_exchange_tell(exchange, TN_LOG_WARNING,
	                 "call of '%s' answered with 503: its turn has not come in %lld ms",
	                 gate->callee->name, (long long)waited);
	response = tn_response_text_static(request, 503, "Service Unavailable\n");
	return give(exchange,
	            tn_response_set_header(response, "Retry-After", "1") ? response : NULL);
}

/* Where no place came the reply, a 503, is the host's, and never late. */
static struct tn_response *call(const struct tn_gate *gate, struct tn_request *request, int64_t now,
                                bool *turned_away)
{
	struct tn_limit *limit = gate->options.limit;
	int64_t until = earlier(now + gate->options.queue_timeout, request->exchange->deadline);
	struct tn_response *response;

	/* Who may not call any more is told so by the callee, and is not let wait for it. */
	if (!limit || !tn_exchange_may_call(request->exchange))
		return tn_fetch(gate->callee, request);
	*turned_away = !tn_limit_wait(limit, until);
	if (*turned_away)
		return turn_away(gate, request, tn_exchange_now() - now);
	response = tn_fetch(gate->callee, request);
	tn_limit_leave(limit);
	return response;
}

static void tell_late(struct tn_exchange *exchange, const struct tn_gate *gate, int64_t taken)
{
	tn_exchange_tell(exchange, TN_LOG_WARNING,
	                 "call of '%s' took %lld ms, its timeout is %lld ms: its reply is thrown "
	                 "away",
	                 gate->callee->name, (long long)taken, (long long)gate->options.timeout);
}

/* Only those that have a timeout look at the clock again. */
static struct tn_response *call_in_time(const struct tn_gate *gate, struct tn_request *request,
                                        int64_t now)
{
	struct tn_exchange *exchange = request->exchange;
	int64_t outer = exchange->deadline;
	int64_t deadline = earlier(outer, now + gate->options.timeout);
	struct tn_response *response;
	bool turned_away = false;
	int64_t then;

	exchange->deadline = deadline;
	response = call(gate, request, now, &turned_away);
	exchange->deadline = outer;
	if (!response || turned_away)
		return response;
	then = tn_exchange_now();
	if (then < deadline)
		return response;
	if (deadline < outer)
		tell_late(exchange, gate, then - now);
	return give(exchange, NULL);
}

struct tn_response *tn_gate_fetch(struct tn_request *request, const struct tn_service *service)
{
	const struct tn_gate *gate = (const struct tn_gate *)(const void *)service;
	bool turned_away;
	int64_t now;

	if (!request)
		return NULL;
	if (!service || service->fetch != tn_gate_fetch) {
		tn_worker_refuse(request->exchange, "(gate)", service);
		return NULL;
	}
	now = tn_exchange_now();
	if (request->exchange->deadline <= now)
		return give(request->exchange, NULL);
	return gate->options.timeout ? call_in_time(gate, request, now)
	                             : call(gate, request, now, &turned_away);
}

const struct tn_service *tn_gate_init(struct tn_gate *gate, const struct tn_service *callee,
                                      const struct tn_gate_options *options)
{
	gate->self = (struct tn_service){ .fetch = tn_gate_fetch, .name = callee->name };
	if (tn_service_waits(callee))
		tn_service_set_waits(&gate->self);
	gate->callee = callee;
	gate->options = *options;
	return &gate->self;
}
