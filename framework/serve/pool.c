#include "serve/pool.h"

#include "message/stack.h"
#include "serve/forked.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EXECUTOR SIZE_MAX /* the lane of what the executor was given: none */

struct jobs {
	struct tn_job *first;
	struct tn_job *last;
};

/* In the ring as long as it has jobs. */
struct lane {
	struct jobs jobs;
	struct tn_limit *limit;
	struct lane *next;
};

struct thread {
	struct tn_pool *pool;
	pthread_t id;
};

struct tn_pool {
	struct tn_executor executor; /* first, so that one is found from the other */
	struct tn_pool_options options;
	int descriptor;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct jobs submitted; /* by the executor */
	size_t submitted_count;
	struct jobs handed; /* they have a thread, and the room in their lane */
	size_t handed_count;
	struct lane *ring; /* lanes with jobs: who is first is asked first */
	struct lane **ring_end;
	size_t ring_count;
	size_t queued; /* in lanes, but that of later work */
	struct jobs done;
	unsigned thread_count;
	unsigned idle;
	unsigned running;
	bool stopping;
	struct thread *threads;
	struct lane lanes[]; /* the last one is for later work */
};

/* ---- Lists --------------------------------------------------------------------------------- */

static void append(struct jobs *jobs, struct tn_job *job)
{
	job->next = NULL;
	job->previous = jobs->last;
	if (jobs->last)
		jobs->last->next = job;
	else
		jobs->first = job;
	jobs->last = job;
}

static void take_out(struct jobs *jobs, struct tn_job *job)
{
	if (job->previous)
		job->previous->next = job->next;
	else
		jobs->first = job->next;
	if (job->next)
		job->next->previous = job->previous;
	else
		jobs->last = job->previous;
}

static struct tn_job *take_first(struct jobs *jobs)
{
	struct tn_job *job = jobs->first;

	if (job)
		take_out(jobs, job);
	return job;
}

static void enter_ring(struct tn_pool *pool, struct lane *lane)
{
	lane->next = NULL;
	*pool->ring_end = lane;
	pool->ring_end = &lane->next;
	pool->ring_count++;
}

static void leave_ring(struct tn_pool *pool, struct lane **at)
{
	struct lane *lane = *at;

	*at = lane->next;
	if (pool->ring_end == &lane->next)
		pool->ring_end = at;
	pool->ring_count--;
}

/* ---- Whose turn it is ---------------------------------------------------------------------- */

static struct lane *later_lane(struct tn_pool *pool)
{
	return &pool->lanes[pool->options.lanes];
}

static void take_from_lane(struct tn_pool *pool, struct lane *lane, struct tn_job *job)
{
	take_out(&lane->jobs, job);
	if (lane != later_lane(pool))
		pool->queued--;
}

/* Each lane that has a job is asked once; who has had its turn, or has no room, comes last. */
static struct tn_job *take_in_turn(struct tn_pool *pool)
{
	for (size_t left = pool->ring_count; left > 0; left--) {
		struct lane *lane = pool->ring;
		bool may = !lane->limit || tn_limit_try(lane->limit);
		struct tn_job *job = lane->jobs.first;

		leave_ring(pool, &pool->ring);
		if (may)
			take_from_lane(pool, lane, job);
		if (lane->jobs.first)
			enter_ring(pool, lane);
		if (may)
			return job;
	}
	return NULL;
}

static struct tn_job *take(struct tn_pool *pool)
{
	struct tn_job *job = take_first(&pool->submitted);

	if (job) {
		pool->submitted_count--;
		return job;
	}
	job = take_first(&pool->handed);
	if (job) {
		pool->handed_count--;
		return job;
	}
	return take_in_turn(pool);
}

/* ---- Threads ------------------------------------------------------------------------------- */

/* This thread leaves a limit, and then looks for a job by itself. */
static _Thread_local bool takes_next;

static void wake_loop(const struct tn_pool *pool)
{
	const uint64_t one = 1;

	(void)!write(pool->descriptor, &one, sizeof(one)); /* full: it is awake */
}

/* With the lock held, which it gives up. */
static void note_done(struct tn_pool *pool, struct tn_job *job)
{
	bool first = !pool->done.first;

	job->state = TN_JOB_IDLE;
	append(&pool->done, job);
	pthread_mutex_unlock(&pool->mutex);
	if (first)
		wake_loop(pool);
}

static void leave_limit(const struct tn_pool *pool, size_t lane, bool takes)
{
	takes_next = takes;
	if (pool->lanes[lane].limit)
		tn_limit_leave(pool->lanes[lane].limit);
	takes_next = false;
}

/*
 * Its memory may be gone as soon as it can be collected. Who gets the reply may ask again at once,
 * and finds this thread free; but where others wait, nobody is to be handed to it before it has
 * looked by itself.
 */
static void run(struct tn_pool *pool, struct tn_job *job)
{
	size_t lane = job->lane;
	bool others_wait;

	job->work(job->argument);
	if (lane == EXECUTOR)
		free(job);
	else
		leave_limit(pool, lane, true);
	pthread_mutex_lock(&pool->mutex);
	others_wait = pool->ring;
	if (!others_wait)
		pool->running--;
	if (lane != EXECUTOR) {
		note_done(pool, job);
		pthread_mutex_lock(&pool->mutex);
	}
	if (others_wait)
		pool->running--;
}

static void *thread_main(void *argument)
{
	struct thread *thread = argument;
	struct tn_pool *pool = thread->pool;
	struct tn_job *job;

	tn_stack_begin();
	if (pool->options.thread_begins)
		pool->options.thread_begins(pool->options.argument,
		                            (unsigned)(thread - pool->threads));
	pthread_mutex_lock(&pool->mutex);
	for (;;) {
		job = take(pool);
		if (!job && pool->stopping)
			break;
		if (!job) {
			pool->idle++;
			pthread_cond_wait(&pool->changed, &pool->mutex);
			pool->idle--;
			continue;
		}
		job->state = TN_JOB_RUNNING;
		pool->running++;
		pthread_mutex_unlock(&pool->mutex);
		run(pool, job);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

/* What is sent to the process is for its loop; a crash is for the thread that has it. */
static void block_signals(sigset_t *before)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
	sigset_t signals;

	sigfillset(&signals);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigdelset(&signals, crashes[i]);
	pthread_sigmask(SIG_SETMASK, &signals, before);
}

static void make_thread(struct tn_pool *pool)
{
	struct thread *thread = &pool->threads[pool->thread_count];
	sigset_t before;

	thread->pool = pool;
	block_signals(&before);
	if (!pthread_create(&thread->id, NULL, thread_main, thread))
		pool->thread_count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* There is something to take. Returns whether there is a thread for it, now or later. One that has
 * been woken counts as idle until it runs. */
static bool find_thread(struct tn_pool *pool)
{
	size_t needed = pool->submitted_count + pool->handed_count;

	if (pool->thread_count < pool->options.threads &&
	    (pool->idle < needed || !pool->thread_count))
		make_thread(pool);
	if (pool->idle)
		pthread_cond_signal(&pool->changed);
	return pool->thread_count;
}

/* Somebody has left a limit, for which a lane may have waited. Those who are idle may have been
 * woken for what was handed over: they would not look at the lanes. */
static void room_left(void *argument)
{
	struct tn_pool *pool = argument;
	size_t needed;

	if (takes_next)
		return;
	pthread_mutex_lock(&pool->mutex);
	needed = pool->submitted_count + pool->handed_count;
	if (pool->ring && pool->idle > needed)
		pthread_cond_signal(&pool->changed);
	else if (pool->ring && pool->thread_count < pool->options.threads)
		make_thread(pool);
	pthread_mutex_unlock(&pool->mutex);
}

/* ---- Jobs ---------------------------------------------------------------------------------- */

/* Whether one thread at least, which there is or can be made, has nothing to do. */
static bool has_thread(const struct tn_pool *pool)
{
	return pool->running + pool->submitted_count + pool->handed_count < pool->options.threads;
}

/* Only where nobody waits in the lane: else that one would be overtaken. */
static bool hand_over(struct tn_pool *pool, struct lane *lane, struct tn_job *job)
{
	if (lane->jobs.first || !has_thread(pool) || (lane->limit && !tn_limit_try(lane->limit)))
		return false;
	job->state = TN_JOB_HANDED;
	append(&pool->handed, job);
	pool->handed_count++;
	return true;
}

static bool queue_up(struct tn_pool *pool, struct lane *lane, struct tn_job *job)
{
	if (lane != later_lane(pool)) {
		if (pool->queued >= pool->options.queue)
			return false;
		pool->queued++;
	}
	if (!lane->jobs.first)
		enter_ring(pool, lane);
	job->state = TN_JOB_QUEUED;
	append(&lane->jobs, job);
	return true;
}

static void leave_queue(struct tn_pool *pool, struct tn_job *job)
{
	struct lane *lane = &pool->lanes[job->lane];
	struct lane **at = &pool->ring;

	take_from_lane(pool, lane, job);
	if (lane->jobs.first)
		return;
	while (*at != lane)
		at = &(*at)->next;
	leave_ring(pool, at);
}

static void leave_handed(struct tn_pool *pool, struct tn_job *job)
{
	take_out(&pool->handed, job);
	pool->handed_count--;
}

static bool withdraw(struct tn_pool *pool, struct tn_job *job, bool handed)
{
	enum tn_job_state state;

	pthread_mutex_lock(&pool->mutex);
	state = job->state;
	handed = handed && state == TN_JOB_HANDED;
	if (state == TN_JOB_QUEUED)
		leave_queue(pool, job);
	else if (handed)
		leave_handed(pool, job);
	if (state == TN_JOB_QUEUED || handed)
		job->state = TN_JOB_IDLE;
	pthread_mutex_unlock(&pool->mutex);
	if (handed)
		leave_limit(pool, job->lane, false);
	return state == TN_JOB_QUEUED || handed;
}

bool tn_pool_withdraw(struct tn_pool *pool, struct tn_job *job)
{
	return withdraw(pool, job, true);
}

bool tn_pool_give_up(struct tn_pool *pool, struct tn_job *job)
{
	return withdraw(pool, job, false);
}

static bool put(struct tn_pool *pool, size_t number, struct tn_job *job)
{
	struct lane *lane = &pool->lanes[number];
	bool taken, found;

	pthread_mutex_lock(&pool->mutex);
	job->lane = number;
	taken = hand_over(pool, lane, job) || queue_up(pool, lane, job);
	found = taken && find_thread(pool);
	pthread_mutex_unlock(&pool->mutex);
	if (taken && !found)
		tn_pool_withdraw(pool, job);
	return found;
}

bool tn_pool_put(struct tn_pool *pool, size_t lane, struct tn_job *job)
{
	return put(pool, lane, job);
}

bool tn_pool_put_later(struct tn_pool *pool, struct tn_job *job)
{
	return put(pool, pool->options.lanes, job);
}

void tn_pool_post(struct tn_pool *pool, struct tn_job *job)
{
	pthread_mutex_lock(&pool->mutex);
	note_done(pool, job);
}

struct tn_job *tn_pool_collect(struct tn_pool *pool)
{
	struct tn_job *first;
	uint64_t count;

	(void)!read(pool->descriptor, &count, sizeof(count)); /* before: what comes later wakes */
	pthread_mutex_lock(&pool->mutex);
	first = pool->done.first;
	pool->done = (struct jobs){ 0 };
	pthread_mutex_unlock(&pool->mutex);
	return first;
}

unsigned tn_pool_running(struct tn_pool *pool)
{
	unsigned running;

	pthread_mutex_lock(&pool->mutex);
	running = pool->running;
	pthread_mutex_unlock(&pool->mutex);
	return running;
}

size_t tn_pool_queued(struct tn_pool *pool)
{
	size_t queued;

	pthread_mutex_lock(&pool->mutex);
	queued = pool->queued;
	pthread_mutex_unlock(&pool->mutex);
	return queued;
}

int tn_pool_descriptor(const struct tn_pool *pool)
{
	return pool->descriptor;
}

/* ---- The executor -------------------------------------------------------------------------- */

static bool submit(struct tn_executor *executor, void (*work)(void *argument), void *argument)
{
	struct tn_pool *pool = (struct tn_pool *)executor;
	struct tn_job *job = malloc(sizeof(*job));
	bool found;

	if (!job)
		return false;
	*job = (struct tn_job){ .work = work, .argument = argument, .lane = EXECUTOR };
	pthread_mutex_lock(&pool->mutex);
	append(&pool->submitted, job);
	pool->submitted_count++;
	found = find_thread(pool);
	if (!found) {
		take_out(&pool->submitted, job);
		pool->submitted_count--;
	}
	pthread_mutex_unlock(&pool->mutex);
	if (!found)
		free(job);
	return found;
}

struct tn_executor *tn_pool_executor(struct tn_pool *pool)
{
	return &pool->executor;
}

/* ---- The pool ------------------------------------------------------------------------------ */

static void set_limits(struct tn_pool *pool, void (*freed)(void *argument))
{
	for (size_t i = 0; pool->options.limits && i < pool->options.lanes; i++) {
		pool->lanes[i].limit = pool->options.limits[i];
		if (pool->lanes[i].limit)
			tn_limit_tell(pool->lanes[i].limit, freed, pool);
	}
}

struct tn_pool *tn_pool_create(const struct tn_pool_options *options)
{
	size_t lanes_size = (options->lanes + 1) * sizeof(struct lane);
	struct tn_pool *pool = calloc(1, sizeof(*pool) + lanes_size);

	if (!pool)
		return NULL;
	pool->executor.submit = submit;
	pool->options = *options;
	pool->ring_end = &pool->ring;
	pool->threads = calloc(options->threads, sizeof(pool->threads[0]));
	pool->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!pool->threads || pool->descriptor < 0 || !tn_forked_deny(pool->descriptor)) {
		if (pool->descriptor >= 0)
			close(pool->descriptor);
		free(pool->threads);
		free(pool);
		errno = errno ? errno : ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->changed, NULL);
	set_limits(pool, room_left);
	return pool;
}

void tn_pool_destroy(struct tn_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i].id, NULL);
	set_limits(pool, NULL);
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->mutex);
	tn_forked_close(pool->descriptor);
	free(pool->threads);
	free(pool);
}
