#include "message/trace.h"

#include "message/response.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct tn_tracer {
	unsigned max_depth;
	pthread_mutex_t lock; /* of what follows, and of the calls' end */
	struct tn_traced *first;
	struct tn_traced **end;
	struct tn_traced *copies; /* what was told of them, for who prints it */
	size_t count;
	size_t lost;
};

struct tn_tracer *tn_tracer_create(void)
{
	struct tn_tracer *tracer = calloc(1, sizeof(*tracer));

	if (!tracer)
		return NULL;
	pthread_mutex_init(&tracer->lock, NULL);
	tracer->end = &tracer->first;
	return tracer;
}

void tn_tracer_destroy(struct tn_tracer *tracer)
{
	if (!tracer)
		return;
	while (tracer->first) {
		struct tn_traced *call = tracer->first;

		tracer->first = call->next;
		free(call);
	}
	pthread_mutex_destroy(&tracer->lock);
	free(tracer->copies);
	free(tracer);
}

void tn_tracer_watch(struct tn_tracer *tracer, struct tn_limits *limits)
{
	tracer->max_depth = limits->max_depth;
	limits->max_depth = 0;
	limits->tracer = tracer;
}

unsigned tn_tracer_max_depth(const struct tn_tracer *tracer)
{
	return tracer->max_depth;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* In front of a Worker that nobody traced has called runs at most what notes work for later. */
static const struct tn_service *later_of(const struct tn_exchange *exchange)
{
	return exchange->traced ? NULL : tn_exchange_running(exchange);
}

static void add(struct tn_tracer *tracer, struct tn_traced *call)
{
	pthread_mutex_lock(&tracer->lock);
	*tracer->end = call;
	tracer->end = &call->next;
	call->number = tracer->count++;
	pthread_mutex_unlock(&tracer->lock);
}

static bool is_full(struct tn_tracer *tracer)
{
	bool full;

	pthread_mutex_lock(&tracer->lock);
	full = tracer->count >= TN_TRACED_MOST;
	tracer->lost += full;
	pthread_mutex_unlock(&tracer->lock);
	return full;
}

/* NULL: it is not kept. */
static struct tn_traced *begin(const struct tn_exchange *exchange, const struct tn_service *service)
{
	struct tn_tracer *tracer = exchange->limits->tracer;
	struct tn_traced *call = is_full(tracer) ? NULL : calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->service = service;
	call->caller = exchange->traced;
	call->later = later_of(exchange);
	call->begun = now();
	add(tracer, call);
	return call;
}

static void end(struct tn_tracer *tracer, struct tn_traced *call, int status)
{
	int64_t time = now();

	pthread_mutex_lock(&tracer->lock);
	call->ended = time;
	call->status = status;
	pthread_mutex_unlock(&tracer->lock);
}

/* What one that is not kept calls is shown below its caller. */
struct tn_response *tn_tracer_call(struct tn_exchange *exchange, struct tn_request *request,
                                   const struct tn_service *service)
{
	struct tn_traced *call = begin(exchange, service);
	const struct tn_traced *caller = exchange->traced;
	struct tn_response *response;

	if (call)
		exchange->traced = call;
	exchange->entering = true;
	response = service->fetch(request, service);
	exchange->entering = false;
	exchange->traced = caller;
	if (call)
		end(exchange->limits->tracer, call, response ? response->status : 0);
	return response;
}

void tn_tracer_note(struct tn_exchange *exchange, const struct tn_service *service, int status)
{
	struct tn_traced *call = begin(exchange, service);

	if (call)
		end(exchange->limits->tracer, call, status);
}

static void copy_all(struct tn_tracer *tracer)
{
	for (const struct tn_traced *call = tracer->first; call; call = call->next) {
		struct tn_traced *copy = &tracer->copies[call->number];

		*copy = *call;
		copy->caller = call->caller ? &tracer->copies[call->caller->number] : NULL;
		copy->next = call->next ? copy + 1 : NULL;
	}
}

const struct tn_traced *tn_tracer_calls(struct tn_tracer *tracer, size_t *lost)
{
	pthread_mutex_lock(&tracer->lock);
	if (!tracer->copies && tracer->count) {
		tracer->copies = calloc(tracer->count, sizeof(tracer->copies[0]));
		if (tracer->copies)
			copy_all(tracer);
	}
	*lost = tracer->lost;
	pthread_mutex_unlock(&tracer->lock);
	return tracer->copies;
}
