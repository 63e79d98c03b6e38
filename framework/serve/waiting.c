#include "serve/waiting.h"

#include "observe/log.h"
#include "serve/forked.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MOST 64
#define OVERDUE_MS (30 * 1000)        /* behind its deadline, a Worker is named */
#define COMPLAIN_EVERY_MS (10 * 1000) /* about those that were turned away */

struct tn_waiting {
	struct tn_waiting_options options;
	struct tn_timers timers;
	int epoll; /* the pool, and the sockets of clients that may go */
	struct tn_wait *first;
	uint64_t quiet; /* that were turned away since the last line about it */
	int64_t quiet_until;
};

static const struct tn_settings *settings(const struct tn_waiting *waiting)
{
	return &waiting->options.deployment->plan->settings;
}

static int64_t earlier(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

/* It is set already, or room was made for it: this does not fail. */
static void set_timer(struct tn_wait *wait, int64_t at)
{
	if (at == INT64_MAX)
		tn_timers_cancel(&wait->waiting->timers, &wait->timer);
	else
		tn_timers_set(&wait->waiting->timers, &wait->timer, at);
}

/* ---- What the log and the page say --------------------------------------------------------- */

static void tell(const struct tn_wait *wait, enum tn_log_level level, const char *worker,
                 const char *format, ...) TN_PRINTF(4, 5);

static void tell(const struct tn_wait *wait, enum tn_log_level level, const char *worker,
                 const char *format, ...)
{
	struct tn_log_context context = {
		.request = tn_exchange_id(wait->exchange),
		.worker = worker,
	};
	va_list list;

	va_start(list, format);
	tn_log_write_list(level, &context, format, list);
	va_end(list);
}

/* Whose code the thread is in, by its page: the exchange is the thread's. */
static const char *running_worker(const struct tn_wait *wait)
{
	const struct tn_plan *plan = wait->waiting->options.deployment->plan;
	struct tn_activity *activity = atomic_load(&wait->activity);
	uint32_t number = activity ? tn_activity_running(activity) : 0;

	if (!number || number > plan->count ||
	    atomic_load_explicit(&activity->exchange, memory_order_relaxed) !=
	            wait->exchange->number)
		return wait->route->worker_name;
	return plan->workers[number - 1].name;
}

static void count_waiting(const struct tn_waiting *waiting, int more)
{
	_Atomic uint64_t *count = &waiting->options.deployment->activity->waiting;
	uint64_t before = atomic_load_explicit(count, memory_order_relaxed);

	atomic_store_explicit(count, before + (uint64_t)more, memory_order_relaxed);
}

/* One line for many: under the load that it tells of, it must not fill the log. */
static void tell_turned_away(const struct tn_wait *wait, int64_t now, const char *why, int64_t much,
                             const char *unit)
{
	struct tn_waiting *waiting = wait->waiting;

	tn_activity_count(&waiting->options.deployment->activity->turned_away);
	if (now < waiting->quiet_until) {
		waiting->quiet++;
		return;
	}
	tell(wait, TN_LOG_WARNING, wait->route->worker_name,
	     "answered with 503: no thread was free for it, and %s = %lld%s (%llu more since the "
	     "last such line)",
	     why, (long long)much, unit, (unsigned long long)waiting->quiet);
	waiting->quiet = 0;
	waiting->quiet_until = now + COMPLAIN_EVERY_MS;
}

/* ---- The client ---------------------------------------------------------------------------- */

/* Only those whose connection is suspended: libmicrohttpd sees nothing of them then. */
void tn_wait_watch(struct tn_wait *wait, int socket)
{
	struct epoll_event event = {
		.events = EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLET,
		.data.ptr = wait,
	};

	if (epoll_ctl(wait->waiting->epoll, EPOLL_CTL_ADD, socket, &event) == 0)
		wait->socket = socket;
}

static void unwatch(struct tn_wait *wait)
{
	if (wait->socket >= 0)
		epoll_ctl(wait->waiting->epoll, EPOLL_CTL_DEL, wait->socket, NULL);
	wait->socket = -1;
}

static void settle(struct tn_wait *wait, enum tn_wait_state state)
{
	unwatch(wait);
	count_waiting(wait->waiting, -1);
	wait->state = state;
	if (state != TN_WAIT_DONE && wait->held)
		atomic_store(&wait->exchange->cancelled, true);
	if (!wait->held)
		set_timer(wait, INT64_MAX);
}

static void close_wait(struct tn_wait *wait, enum tn_wait_state state)
{
	settle(wait, state);
	wait->waiting->options.answer(wait);
}

static bool withdraw(struct tn_wait *wait)
{
	wait->held = !tn_pool_withdraw(wait->waiting->options.pool, &wait->job);
	return !wait->held;
}

static bool give_up(struct tn_wait *wait)
{
	wait->held = !tn_pool_give_up(wait->waiting->options.pool, &wait->job);
	return !wait->held;
}

/* The wait may be over with this. */
static void let_go(struct tn_wait *wait)
{
	wait->waiting->options.let_go(wait);
}

/*
 * One who has shut down its side alone may still read: to it, and to one who has gone and whose
 * last packet looks the same, the reply is sent. Only what nobody can get is not begun.
 */
static void note_gone(struct tn_wait *wait, uint32_t events)
{
	atomic_store(&wait->exchange->cancelled, true);
	if (!(events & (EPOLLHUP | EPOLLERR)) || !withdraw(wait))
		return;
	close_wait(wait, TN_WAIT_GONE);
	let_go(wait);
}

/* ---- On a thread of the pool --------------------------------------------------------------- */

static void begin_work(struct tn_wait *wait)
{
	struct tn_activity *here = tn_activity_here ? tn_activity_here : &tn_activity_unwatched;

	wait->exchange->activity = here;
	atomic_store(&wait->activity, here);
}

static void answer_request(void *argument)
{
	struct tn_wait *wait = argument;
	const struct tn_service *service = wait->service;

	begin_work(wait);
	tn_exchange_show(wait->exchange, TN_STEP_REQUEST);
	wait->response = service->fetch(wait->request, service);
	tn_exchange_hide(wait->exchange);
}

/* Its time begins now. */
static void do_later(void *argument)
{
	struct tn_wait *wait = argument;
	struct tn_exchange *exchange = wait->exchange;
	int64_t now = tn_exchange_now();

	begin_work(wait);
	atomic_store(&wait->work_begun, now);
	exchange->deadline = now + settings(wait->waiting)->wait_until_timeout;
	tn_exchange_run_later(exchange);
}

/* On whatever thread the last of its calls has ended. */
static void post_last(void *argument, struct tn_exchange *root)
{
	struct tn_wait *wait = argument;

	(void)root;
	tn_pool_post(wait->waiting->options.pool, &wait->job);
}

/* ---- Requests ------------------------------------------------------------------------------ */

struct tn_wait *tn_wait_create(struct tn_waiting *waiting)
{
	struct tn_wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return NULL;
	wait->waiting = waiting;
	wait->socket = -1;
	wait->deadline = INT64_MAX;
	wait->job.argument = wait;
	wait->next = waiting->first;
	if (wait->next)
		wait->next->previous = wait;
	waiting->first = wait;
	return wait;
}

void tn_wait_end(struct tn_wait *wait)
{
	struct tn_waiting *waiting = wait->waiting;

	tn_timers_cancel(&waiting->timers, &wait->timer);
	if (wait->previous)
		wait->previous->next = wait->next;
	else
		waiting->first = wait->next;
	if (wait->next)
		wait->next->previous = wait->previous;
	free(wait);
}

/* What the loop reads of the exchange later, and what its threads may call. */
static void prepare(struct tn_wait *wait)
{
	struct tn_exchange *exchange = wait->exchange;

	tn_exchange_id(exchange);
	exchange->last = post_last;
	exchange->last_argument = wait;
}

void tn_wait_begin(struct tn_wait *wait)
{
	struct tn_waiting *waiting = wait->waiting;
	int64_t timeout = wait->route->timeout;
	int64_t until;

	wait->begun = tn_exchange_now();
	if (timeout)
		wait->deadline = wait->begun + timeout;
	wait->exchange->deadline = wait->deadline;
	prepare(wait);
	until = earlier(wait->begun + settings(waiting)->queue_timeout, wait->deadline);
	wait->job.work = answer_request;
	wait->held = tn_timers_set(&waiting->timers, &wait->timer, until) &&
	             tn_pool_put(waiting->options.pool, wait->route->worker, &wait->job);
	if (wait->held) {
		count_waiting(waiting, 1);
		return;
	}
	set_timer(wait, INT64_MAX);
	wait->state = TN_WAIT_TURNED_AWAY;
	tell_turned_away(wait, wait->begun, "queue", settings(waiting)->queue, "");
}

void tn_wait_abandon(struct tn_wait *wait)
{
	bool back = withdraw(wait);

	settle(wait, TN_WAIT_GONE);
	if (back)
		let_go(wait);
}

/* ---- What is due --------------------------------------------------------------------------- */

static void turn_away(struct tn_wait *wait, int64_t now)
{
	enum tn_wait_state state = now < wait->deadline ? TN_WAIT_TURNED_AWAY : TN_WAIT_LATE;

	if (state == TN_WAIT_TURNED_AWAY)
		tell_turned_away(wait, now, "queue_timeout",
		                 settings(wait->waiting)->queue_timeout, " ms");
	close_wait(wait, state);
	let_go(wait);
}

static void tell_overdue(struct tn_wait *wait, int64_t since)
{
	wait->overdue = true;
	if (wait->purpose == TN_WAIT_LATER)
		tell(wait, TN_LOG_WARNING, running_worker(wait),
		     "the work for after its reply takes longer than wait_until_timeout: %lld ms",
		     (long long)since);
	else
		tell(wait, TN_LOG_WARNING, running_worker(wait),
		     "has not returned, %lld ms after it was to reply: it keeps a thread",
		     (long long)since);
}

/* One that ended before its time, with its client, has the timer of the queue still. */
static void expire_ended(struct tn_wait *wait, int64_t now)
{
	int64_t overdue = wait->deadline == INT64_MAX ? INT64_MAX : wait->deadline + OVERDUE_MS;

	if (now < overdue)
		set_timer(wait, overdue);
	else
		tell_overdue(wait, now - wait->deadline);
}

/* Of a Worker that may take its time, it is told when a loop would have been given up. */
static void watch_running(struct tn_wait *wait, int64_t now)
{
	int64_t hang = settings(wait->waiting)->hang_timeout;

	if (wait->deadline != INT64_MAX || !hang || wait->overdue) {
		set_timer(wait, wait->deadline);
		return;
	}
	if (now < wait->begun + hang) {
		set_timer(wait, wait->begun + hang);
		return;
	}
	wait->overdue = true;
	tell(wait, TN_LOG_WARNING, running_worker(wait),
	     "has not returned in %lld ms: it keeps a thread, and has no `timeout`",
	     (long long)(now - wait->begun));
	set_timer(wait, INT64_MAX);
}

static void expire_request(struct tn_wait *wait, int64_t now)
{
	if (wait->state != TN_WAIT_OPEN) {
		expire_ended(wait, now);
	} else if (now < wait->deadline ? give_up(wait) : withdraw(wait)) {
		turn_away(wait, now);
	} else if (now < wait->deadline) {
		watch_running(wait, now);
	} else {
		tell(wait, TN_LOG_WARNING, wait->route->worker_name,
		     "answered with 504: it has not replied in %lld ms",
		     (long long)wait->route->timeout);
		set_timer(wait, wait->deadline + OVERDUE_MS);
		close_wait(wait, TN_WAIT_LATE);
	}
}

/* That of work which stands in the queue has not begun. */
static void expire_later(struct tn_wait *wait, int64_t now)
{
	int64_t timeout = settings(wait->waiting)->wait_until_timeout;
	int64_t begun = atomic_load(&wait->work_begun);

	if (!begun || begun + timeout > now) {
		set_timer(wait, (begun ? begun : now) + timeout);
		return;
	}
	atomic_store(&wait->exchange->cancelled, true);
	tell_overdue(wait, now - begun);
}

void tn_waiting_expire(struct tn_waiting *waiting, int64_t now)
{
	struct tn_timer *timer;

	while ((timer = tn_timers_take(&waiting->timers, now))) {
		struct tn_wait *wait = (struct tn_wait *)(void *)((char *)timer -
		                                                  offsetof(struct tn_wait, timer));

		if (wait->purpose == TN_WAIT_REQUEST)
			expire_request(wait, now);
		else
			expire_later(wait, now);
	}
}

int64_t tn_waiting_next(const struct tn_waiting *waiting)
{
	const struct tn_timer *timer = tn_timers_first(&waiting->timers);

	return timer ? timer->at : INT64_MAX;
}

/* ---- What is done -------------------------------------------------------------------------- */

static void tell_late(const struct tn_wait *wait, int64_t now)
{
	tell(wait, TN_LOG_WARNING, wait->route->worker_name,
	     "its reply came after %lld ms, its timeout is %lld ms: it is thrown away",
	     (long long)(now - wait->begun), (long long)wait->route->timeout);
}

static void take_done(struct tn_wait *wait, int64_t now)
{
	wait->held = false;
	set_timer(wait, INT64_MAX);
	if (wait->purpose == TN_WAIT_REQUEST) {
		bool late = now >= wait->deadline;

		if (late)
			tell_late(wait, now);
		if (wait->state == TN_WAIT_OPEN)
			close_wait(wait, late ? TN_WAIT_LATE : TN_WAIT_DONE);
	}
	let_go(wait);
}

static void collect(struct tn_waiting *waiting)
{
	struct tn_job *job = tn_pool_collect(waiting->options.pool);
	int64_t now = job ? tn_exchange_now() : 0;

	while (job) {
		struct tn_job *next = job->next;

		take_done(job->argument, now);
		job = next;
	}
}

/* Clients first: what a job that is done makes free may be one of theirs. */
void tn_waiting_run(struct tn_waiting *waiting)
{
	struct epoll_event events[EVENTS_MOST];
	int count = epoll_wait(waiting->epoll, events, EVENTS_MOST, 0);

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			note_gone(events[i].data.ptr, events[i].events);
	}
	collect(waiting);
}

/* ---- The end of an exchange ---------------------------------------------------------------- */

/* false: there is no thread for it. */
static bool put_later(struct tn_wait *wait)
{
	struct tn_waiting *waiting = wait->waiting;
	int64_t at = tn_exchange_now() + settings(waiting)->wait_until_timeout;

	wait->purpose = TN_WAIT_LATER;
	wait->overdue = false;
	wait->job.work = do_later;
	atomic_store(&wait->exchange->cancelled, false);
	atomic_store(&wait->work_begun, 0);
	wait->held = tn_timers_set(&waiting->timers, &wait->timer, at) &&
	             tn_pool_put_later(waiting->options.pool, &wait->job);
	if (!wait->held)
		set_timer(wait, INT64_MAX);
	return wait->held;
}

/* Ending it may leave it held anew: by calls of its release callbacks. */
bool tn_wait_finish(struct tn_wait *wait)
{
	prepare(wait);
	wait->purpose = TN_WAIT_LAST;
	wait->held = true;
	if (tn_exchange_held(wait->exchange))
		return false;
	if (tn_exchange_has_later(wait->exchange) && put_later(wait))
		return false;
	wait->purpose = TN_WAIT_LAST;
	wait->held = true;
	return true;
}

/* ---- Stopping ------------------------------------------------------------------------------ */

static void tell_stuck(const struct tn_wait *wait)
{
	if (wait->purpose == TN_WAIT_LATER && !atomic_load(&wait->work_begun))
		tell(wait, TN_LOG_WARNING, wait->route->worker_name,
		     "the work for after its reply has not begun");
	else
		tell(wait, TN_LOG_WARNING, running_worker(wait), "has not returned");
}

size_t tn_waiting_stop(struct tn_waiting *waiting)
{
	struct tn_wait *next;
	size_t stuck = 0;

	collect(waiting);
	for (struct tn_wait *wait = waiting->first; wait; wait = next) {
		next = wait->next;
		if (!wait->held || wait->purpose != TN_WAIT_REQUEST || !withdraw(wait))
			continue;
		close_wait(wait, TN_WAIT_GONE);
		let_go(wait);
	}
	for (struct tn_wait *wait = waiting->first; wait; wait = wait->next) {
		if (!wait->held)
			continue;
		tell_stuck(wait);
		stuck++;
	}
	return stuck;
}

/* ---- All of them --------------------------------------------------------------------------- */

int tn_waiting_descriptor(const struct tn_waiting *waiting)
{
	return waiting->epoll;
}

bool tn_waiting_with(const struct tn_waiting *waiting, int descriptor)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(waiting->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

struct tn_waiting *tn_waiting_create(const struct tn_waiting_options *options)
{
	struct tn_waiting *waiting = calloc(1, sizeof(*waiting));

	if (!waiting)
		return NULL;
	waiting->options = *options;
	waiting->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (waiting->epoll >= 0 && tn_forked_deny(waiting->epoll) &&
	    tn_waiting_with(waiting, tn_pool_descriptor(options->pool)))
		return waiting;
	tn_waiting_destroy(waiting);
	return NULL;
}

void tn_waiting_destroy(struct tn_waiting *waiting)
{
	if (!waiting)
		return;
	if (waiting->epoll >= 0)
		tn_forked_close(waiting->epoll);
	tn_timers_finish(&waiting->timers);
	free(waiting);
}
