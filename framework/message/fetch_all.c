/*
 * fetch_all.c - several bindings called at once.
 *
 * A call that may wait is made in a child of the exchange and handed to the executor. The caller
 * makes the others meanwhile, then whatever no thread has begun: so it waits for calls that run,
 * and for nothing else, and threads that are all taken hold nobody up for ever.
 */
#include "message/exchange.h"
#include "message/request.h"
#include "message/waits.h"

#include <pthread.h>
#include <stdlib.h>

enum state {
	IDLE, /* nobody has begun it */
	RUNS,
	DONE,
};

struct job {
	struct group *group;
	struct tn_call *call; /* the caller's alone */
	struct tn_exchange *child;
	const struct tn_service *service;
	struct tn_request *request;
	struct tn_response *response;
	enum state state;
	bool late; /* the caller has gone on */
};

/* Outlives the exchange where the executor comes to a job that somebody else has done. */
struct group {
	pthread_mutex_t lock; /* of the jobs' state and `late`, and of running */
	pthread_cond_t done;
	unsigned running;
	_Atomic unsigned references; /* the caller, and each job that was submitted */
	size_t count;
	struct job jobs[];
};

/* ---- The group ------------------------------------------------------------------------------ */

static struct group *create(size_t most)
{
	struct group *group = calloc(1, sizeof(*group) + most * sizeof(group->jobs[0]));
	pthread_condattr_t monotonic;

	if (!group)
		return NULL;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&group->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&group->lock, NULL);
	atomic_init(&group->references, 1);
	return group;
}

static void release(struct group *group)
{
	if (atomic_fetch_sub_explicit(&group->references, 1, memory_order_acq_rel) > 1)
		return;
	pthread_cond_destroy(&group->done);
	pthread_mutex_destroy(&group->lock);
	free(group);
}

/* Whoever begins a job is the only one who does. */
static bool claim(struct job *job)
{
	struct group *group = job->group;
	bool idle;

	pthread_mutex_lock(&group->lock);
	idle = job->state == IDLE;
	if (idle) {
		job->state = RUNS;
		group->running++;
	}
	pthread_mutex_unlock(&group->lock);
	return idle;
}

/* Returns whether the caller has gone on without it. */
static bool finish(struct job *job)
{
	struct group *group = job->group;
	bool late;

	pthread_mutex_lock(&group->lock);
	job->state = DONE;
	group->running--;
	late = job->late;
	pthread_cond_signal(&group->done);
	pthread_mutex_unlock(&group->lock);
	return late;
}

/* ---- On another thread ---------------------------------------------------------------------- */

/* Only where it is late is there anything left of the exchange once it is finished. */
static void run(struct job *job)
{
	struct tn_exchange *child = job->child;
	struct tn_exchange *root = child->root;

	job->response = tn_exchange_run_child(child, job->service, job->request);
	if (!finish(job))
		return;
	child->depth = 0;
	child->traced = NULL;
	tn_exchange_let_go(root);
}

static void run_submitted(void *argument)
{
	struct job *job = argument;
	struct group *group = job->group;

	if (claim(job))
		run(job);
	release(group);
}

/* ---- Handing over --------------------------------------------------------------------------- */

static bool can_be_passed(const struct tn_exchange *exchange, const struct tn_call *call)
{
	return tn_service_waits(call->service) && call->request &&
	       call->request->exchange == exchange;
}

/* false: it is left to the caller, as one that does not wait. */
static bool prepare(struct tn_exchange *exchange, struct job *job, struct tn_call *call)
{
	struct tn_exchange *child = tn_exchange_child(exchange);
	struct tn_request *request = child ? tn_exchange_pass(child, call->request) : NULL;

	if (!request)
		return false;
	job->call = call;
	job->child = child;
	job->service = call->service;
	job->request = request;
	call->reserved = job;
	return true;
}

static void submit(struct tn_executor *executor, struct job *job)
{
	struct group *group = job->group;

	atomic_fetch_add_explicit(&group->references, 1, memory_order_relaxed);
	if (!executor->submit(executor, run_submitted, job))
		/* Not the last one: the caller has its own. */
		atomic_fetch_sub_explicit(&group->references, 1, memory_order_relaxed);
}

/* How many may go to other threads. The caller would be idle if all did: one is left to it. */
static size_t count_passed(const struct tn_exchange *exchange, const struct tn_call *calls,
                           size_t count)
{
	size_t passed = 0;

	if (!exchange->executor)
		return 0;
	for (size_t i = 0; i < count; i++)
		passed += can_be_passed(exchange, &calls[i]);
	return passed && passed == count ? passed - 1 : passed;
}

/* The last ones, where not all are. NULL: none could be. */
static struct group *hand_over(struct tn_exchange *exchange, struct tn_call *calls, size_t count)
{
	size_t most = count_passed(exchange, calls, count);
	struct group *group = most ? create(most) : NULL;

	for (size_t i = count; group && i-- > 0 && group->count < most;) {
		struct job *job = &group->jobs[group->count];

		job->group = group;
		if (can_be_passed(exchange, &calls[i]) && prepare(exchange, job, &calls[i]))
			group->count++;
	}
	for (size_t i = group ? group->count : 0; i-- > 0;)
		submit(exchange->executor, &group->jobs[i]);
	return group; /* NOLINT(*unix.Malloc): it does not follow that the caller holds it, too */
}

/* ---- On the caller's thread ----------------------------------------------------------------- */

static bool is_late(const struct tn_exchange *exchange)
{
	return exchange->deadline != INT64_MAX && tn_exchange_now() >= exchange->deadline;
}

/* What came of all calls, for one line in the log. */
struct sum {
	size_t given;
	bool failed;
	size_t late;
	const struct tn_service *first_late;
};

static void note_late(struct sum *sum, const struct tn_service *service)
{
	if (!sum->late++)
		sum->first_late = service;
}

static struct tn_response *fetch_copy(struct tn_exchange *exchange, const struct tn_call *call,
                                      struct sum *sum)
{
	bool *failed = tn_exchange_callee_failed(exchange);
	struct tn_response *response;

	if (failed)
		*failed = false;
	response = tn_fetch(call->service, tn_request_clone(call->request));
	sum->failed |= !response && failed && *failed;
	return response;
}

static struct tn_response *fetch_here(struct tn_exchange *exchange, const struct tn_call *call,
                                      struct sum *sum)
{
	if (!call->service || !call->request)
		return NULL;
	if (call->request->exchange != exchange) {
		tn_exchange_refuse(exchange, "call of '%s' refused: its request is one of another "
		                             "exchange",
		                   call->service->name);
		sum->failed = true;
		return NULL;
	}
	if (!is_late(exchange))
		return fetch_copy(exchange, call, sum);
	note_late(sum, call->service);
	return NULL;
}

/* On its thread it would be the same. Here the page shows the chain already. */
static void run_here(struct tn_exchange *exchange, struct job *job, struct sum *sum)
{
	if (!claim(job))
		return;
	if (is_late(exchange))
		note_late(sum, job->service);
	else
		job->response = tn_fetch(job->service, job->request);
	finish(job);
}

/* The deadline passes, or all are done. */
static void wait_for(struct group *group, int64_t deadline)
{
	struct timespec until = { .tv_sec = deadline / 1000,
		                  .tv_nsec = deadline % 1000 * 1000000 };
	int problem = 0;

	while (group->running && !problem) {
		if (deadline == INT64_MAX)
			pthread_cond_wait(&group->done, &group->lock);
		else
			problem = pthread_cond_timedwait(&group->done, &group->lock, &until);
	}
}

static void abandon_late(struct tn_exchange *exchange, struct group *group, struct sum *sum)
{
	for (size_t i = group->count; i-- > 0;) {
		struct job *job = &group->jobs[i];

		job->late = job->state == RUNS;
		if (!job->late)
			continue;
		tn_exchange_abandon(exchange, job->service);
		note_late(sum, job->service);
	}
}

static void adopt(struct tn_exchange *exchange, const struct job *job, struct sum *sum)
{
	bool *failed = tn_exchange_callee_failed(exchange);

	if (failed)
		*failed = false;
	job->call->response = tn_exchange_adopt(exchange, job->child, job->response);
	sum->failed |= failed && *failed;
}

static void collect(struct tn_exchange *exchange, struct group *group, struct sum *sum)
{
	for (size_t i = group->count; i-- > 0;)
		run_here(exchange, &group->jobs[i], sum);
	pthread_mutex_lock(&group->lock);
	wait_for(group, exchange->deadline);
	abandon_late(exchange, group, sum);
	pthread_mutex_unlock(&group->lock);
	for (size_t i = group->count; i-- > 0;) {
		if (!group->jobs[i].late)
			adopt(exchange, &group->jobs[i], sum);
	}
	release(group);
}

static void tell_late(struct tn_exchange *exchange, const struct sum *sum, size_t count)
{
	if (sum->late)
		tn_exchange_tell(exchange, TN_LOG_WARNING,
		                 "%zu of %zu calls had no answer by the deadline, the "
		                 "first of '%s'",
		                 sum->late, count, sum->first_late->name);
}

static void fetch_all(struct tn_exchange *exchange, struct tn_call *calls, size_t count,
                      struct sum *sum)
{
	struct group *group = count > 1 ? hand_over(exchange, calls, count) : NULL;

	for (size_t i = 0; i < count; i++) {
		if (!calls[i].reserved)
			calls[i].response = fetch_here(exchange, &calls[i], sum);
	}
	if (group)
		collect(exchange, group, sum);
	tell_late(exchange, sum, count);
}

size_t tn_fetch_all(const struct tn_request *request, struct tn_call *calls, size_t count)
{
	struct sum sum = { 0 };
	bool *failed;

	if (!calls)
		return 0;
	for (size_t i = 0; i < count; i++) {
		calls[i].response = NULL;
		calls[i].reserved = NULL;
	}
	if (!request)
		return 0;
	fetch_all(request->exchange, calls, count, &sum);
	for (size_t i = 0; i < count; i++) {
		sum.given += calls[i].response != NULL;
		calls[i].reserved = NULL;
	}
	failed = tn_exchange_callee_failed(request->exchange);
	if (failed)
		*failed = sum.failed || sum.late;
	return sum.given;
}
