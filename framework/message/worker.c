/* worker.c - entering and leaving a Worker: what TN_WORKER's fetch does around the handler. */
#include "message/exchange.h"
#include "message/quarantine.h"
#include "message/request.h"
#include "message/response.h"
#include "message/trace.h"
#include "observe/log.h"

/* The caller gets NULL: it has not failed by itself if it now does. */
static void fail_callee(struct tn_exchange *exchange)
{
	if (exchange->depth)
		exchange->frames[exchange->depth - 1].callee_failed = true;
}

static const char *name_of(const struct tn_service *service)
{
	return service && service->name ? service->name : "(none)";
}

void tn_worker_refuse(struct tn_exchange *exchange, const char *callee,
                      const struct tn_service *service)
{
	tn_exchange_refuse(exchange,
	                   "the fetch of '%s' was called with another service, '%s': call "
	                   "service->fetch(request, service)",
	                   callee, name_of(service));
	fail_callee(exchange);
}

/* Of what is traced, the exchange's own says that it is to come here. */
static unsigned max_depth(const struct tn_exchange *exchange)
{
	const struct tn_limits *limits = exchange->limits;

	return limits->tracer ? tn_tracer_max_depth(limits->tracer) : limits->max_depth;
}

/* A Worker that goes on calling would fill the log: one line tells of the first refusal. */
static void refuse_call(struct tn_exchange *exchange, const struct tn_service *service)
{
	bool deep = exchange->depth >= max_depth(exchange);
	bool *logged = deep ? &exchange->depth_logged : &exchange->calls_logged;

	if (*logged)
		return;
	*logged = true;
	if (deep)
		tn_exchange_refuse(exchange, "call of '%s' refused: %u calls deep is max_depth",
		                   name_of(service), max_depth(exchange));
	else
		tn_exchange_refuse(exchange, "call of '%s' refused: %u calls are max_calls",
		                   name_of(service), exchange->limits->max_calls);
}

/* In line in both places, or each call of a Worker would pay for one more. */
__attribute__((always_inline)) static inline void push(struct tn_exchange *exchange,
                                                       const struct tn_service *service)
{
	struct tn_frame *frame = &exchange->frames[exchange->depth];

	tn_exchange_count_call(exchange, service);
	frame->service = service;
	frame->callee_failed = false;
	tn_activity_enter(exchange->activity, exchange->depth, tn_activity_number(service));
	exchange->depth++;
}

static void pop(struct tn_exchange *exchange)
{
	exchange->depth--;
	tn_activity_leave(exchange->activity, exchange->depth);
}

static const char unavailable_text[] = "Service Unavailable\n";

/*
 * It counts as a call, or who tries again until it is answered otherwise would do so for ever. The
 * supervisor has told of the quarantine, and the access log tells of the 503: a line for each would
 * fill the log. There is no Retry-After (RFC 9110, 15.6.4): nobody knows when it ends. Out of line,
 * and a tail call: entering has nothing to keep for it. Returns false, for entering to return.
 */
__attribute__((noinline)) static bool stand_in(const struct tn_request *request,
                                               const struct tn_service *service,
                                               struct tn_response **response)
{
	struct tn_exchange *exchange = request->exchange;

	tn_exchange_count_call(exchange, service);
	if (!exchange->quarantine_logged)
		tn_exchange_tell(exchange, TN_LOG_DEBUG,
		                 "call of '%s' answered with 503: it is in quarantine",
		                 name_of(service));
	exchange->quarantine_logged = true;
	*response = tn_response_text_static(request, 503, unavailable_text);
	if (exchange->depth)
		exchange->frames[exchange->depth - 1].callee_failed = !*response;
	return false;
}

/* Whether the tracer is to make the call: what it makes comes here once more. */
static bool is_to_be_traced(struct tn_exchange *exchange)
{
	bool entering = exchange->entering;

	exchange->entering = false;
	return exchange->limits->tracer && !entering;
}

/*
 * At one of its limits: refused, or where its calls are counted with those of others, allowed by
 * the root. Out of line and a tail call, too. Calls that are traced come here all.
 */
__attribute__((noinline)) static bool enter_at_limit(const struct tn_request *request,
                                                     const struct tn_service *service,
                                                     struct tn_response **response)
{
	struct tn_exchange *exchange = request->exchange;

	if (is_to_be_traced(exchange)) {
		*response = tn_tracer_call(exchange, (struct tn_request *)(uintptr_t)request,
		                           service);
		return false;
	}
	if (exchange->depth >= max_depth(exchange) || !tn_exchange_may_call(exchange)) {
		refuse_call(exchange, service);
		fail_callee(exchange);
		return false;
	}
	if (tn_quarantine_holds(service))
		return stand_in(request, service, response);
	push(exchange, service);
	return true;
}

bool tn_worker_enter(const struct tn_worker *worker, const struct tn_request *request,
                     const struct tn_service *service, struct tn_response **response)
{
	struct tn_exchange *exchange;

	*response = NULL;
	if (!request)
		return false;
	exchange = request->exchange;
	if (!service || service->fetch != worker->fetch) {
		tn_worker_refuse(exchange, worker->name, service);
		return false;
	}
	if (exchange->depth >= exchange->limits->max_depth ||
	    exchange->calls + exchange->waiting >= exchange->most)
		return enter_at_limit(request, service, response);
	if (tn_quarantine_holds(service))
		return stand_in(request, service, response);
	push(exchange, service);
	return true;
}

static struct tn_response *fail(struct tn_exchange *exchange, const struct tn_response *response)
{
	if (response)
		tn_exchange_refuse(exchange,
		                   "returned a response that was made in another exchange: make "
		                   "one for each request, and keep none");
	else if (!exchange->frames[exchange->depth - 1].callee_failed)
		tn_exchange_refuse(exchange, "returned NULL");
	pop(exchange);
	fail_callee(exchange);
	return NULL;
}

struct tn_response *tn_worker_leave(const struct tn_request *request, struct tn_response *response)
{
	struct tn_exchange *exchange = request->exchange;

	if (!response || response->exchange != exchange)
		return fail(exchange, response);
	pop(exchange);
	/* Who has gone on after a failure answers for a NULL of its own. */
	if (exchange->depth)
		exchange->frames[exchange->depth - 1].callee_failed = false;
	return response;
}

struct tn_response *tn_worker_unavailable(struct tn_request *request,
                                          const struct tn_service *service)
{
	static const struct tn_worker unavailable = {
		.name = "(quarantine)", .fetch = tn_worker_unavailable
	};
	struct tn_response *response;

	if (!tn_worker_enter(&unavailable, request, service, &response))
		return response;
	return tn_worker_leave(request, tn_response_text_static(request, 503, unavailable_text));
}

void tn_log(const struct tn_request *request, enum tn_log_level level, const char *format, ...)
{
	const struct tn_service *running = request ? tn_exchange_running(request->exchange) : NULL;
	struct tn_log_context context = {
		.request = request ? tn_exchange_id(request->exchange) : NULL,
		.worker = running ? running->name : NULL,
	};
	va_list list;

	if (!format)
		return;
	va_start(list, format);
	tn_log_write_list(level, &context, format, list);
	va_end(list);
}
