#include "serve/waiting.h"

#include "cunit.h"
#include "framework/capture.h"
#include "message/request.h"

#include <poll.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <time.h>

#define DEADLINE_S 60 /* for what is to come: far more than it takes */
#define TIMEOUT 1000  /* ms, of the Worker */
#define PATIENCE 500  /* ms, for a thread */
#define HOUR (3600 * 1000)

/* One Worker, which waits until the test lets it go. */
struct fixture {
	struct tn_plan_worker worker;
	struct tn_plan plan;
	struct tn_activity activity;
	struct tn_deployment deployment;
	struct tn_route route;
	struct tn_service service;
	struct tn_exchange_pool exchanges;
	struct tn_pool *pool;
	struct tn_waiting *waiting;
	unsigned answered; /* how often `answer` was called, and `let_go` */
	unsigned gone;
};

static struct fixture fixture;
static sem_t begun, go;

static bool came(sem_t *semaphore)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DEADLINE_S;
	return sem_timedwait(semaphore, &until) == 0;
}

static struct tn_response *work(struct tn_request *request, const struct tn_service *service)
{
	struct tn_exchange *exchange = request->exchange;

	tn_exchange_enter(exchange, service, TN_STEP_REQUEST);
	sem_post(&begun);
	if (!came(&go))
		abort();
	tn_exchange_leave(exchange);
	return NULL;
}

static void answer(struct tn_wait *wait)
{
	(void)wait;
	fixture.answered++;
}

static void let_go(struct tn_wait *wait)
{
	(void)wait;
	fixture.gone++;
}

static void thread_begins(void *argument, unsigned number)
{
	static struct tn_activity pages[4];

	(void)argument;
	tn_activity_here = &pages[number];
}

static void begin_with(int64_t timeout, unsigned threads)
{
	struct tn_pool_options options = {
		.threads = threads, .queue = 2, .lanes = 1, .thread_begins = thread_begins
	};

	fixture = (struct fixture){ .worker = { .name = "slow" },
		                    .service = { .fetch = work, .name = "slow" } };
	fixture.route = (struct tn_route){ .worker_name = "route", .timeout = timeout };
	fixture.plan = (struct tn_plan){ .workers = &fixture.worker, .count = 1 };
	fixture.plan.settings.queue = 2;
	fixture.plan.settings.queue_timeout = PATIENCE;
	fixture.plan.settings.wait_until_timeout = TIMEOUT;
	fixture.deployment.plan = &fixture.plan;
	fixture.deployment.activity = &fixture.activity;
	tn_activity_set_number(&fixture.service, 0);
	tn_exchange_pool_init(&fixture.exchanges, &tn_limits_default, 1);
	fixture.pool = tn_pool_create(&options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture.pool);
	fixture.waiting = tn_waiting_create(&(struct tn_waiting_options){
		.deployment = &fixture.deployment,
		.pool = fixture.pool,
		.answer = answer,
		.let_go = let_go,
	});
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture.waiting);
	sem_init(&begun, 0, 0);
	sem_init(&go, 0, 0);
}

static void begin(void)
{
	begin_with(TIMEOUT, 1);
}

static void finish(void)
{
	tn_waiting_destroy(fixture.waiting);
	tn_pool_destroy(fixture.pool);
	tn_exchange_pool_finish(&fixture.exchanges);
}

static struct tn_wait *put(void)
{
	struct tn_exchange *exchange = tn_exchange_begin(&fixture.exchanges);
	struct tn_wait *wait = tn_wait_create(fixture.waiting);

	wait->exchange = exchange;
	wait->request = tn_request_first(exchange, "GET", "a", "/", "");
	wait->route = &fixture.route;
	wait->service = &fixture.service;
	tn_wait_begin(wait);
	return wait;
}

/* One that a thread has. */
static struct tn_wait *put_and_wait(void)
{
	struct tn_wait *wait = put();

	CU_ASSERT_FATAL(came(&begun));
	return wait;
}

static void end(struct tn_wait *wait)
{
	tn_exchange_end(&fixture.exchanges, wait->exchange);
	tn_wait_end(wait);
}

/* Until the pool has let go of that many. */
static void run_until(unsigned gone)
{
	struct pollfd readable = { tn_waiting_descriptor(fixture.waiting), POLLIN, 0 };

	while (fixture.gone < gone) {
		CU_ASSERT_FATAL(poll(&readable, 1, DEADLINE_S * 1000) == 1);
		tn_waiting_run(fixture.waiting);
	}
}

static uint64_t count_waiting(void)
{
	return atomic_load(&fixture.activity.waiting);
}

/* ---- In time ------------------------------------------------------------------------------- */

static void one_that_returns_in_time_is_done(void)
{
	struct tn_wait *wait;

	begin_with(HOUR, 1);
	wait = put_and_wait();
	CHECK_NUMBER(wait->state, TN_WAIT_OPEN);
	CU_ASSERT(wait->held);
	CHECK_NUMBER(count_waiting(), 1);
	CHECK_NUMBER(fixture.answered, 0);
	sem_post(&go);
	run_until(1);
	CHECK_NUMBER(wait->state, TN_WAIT_DONE);
	CU_ASSERT(!wait->held);
	CHECK_NUMBER(fixture.answered, 1);
	CHECK_NUMBER(count_waiting(), 0);
	CHECK_NUMBER(tn_waiting_next(fixture.waiting) == INT64_MAX, true);
	end(wait);
	finish();
}

static void one_without_a_deadline_is_never_late(void)
{
	struct tn_wait *wait;

	begin_with(0, 1);
	wait = put_and_wait();
	tn_waiting_expire(fixture.waiting, tn_exchange_now() + HOUR);
	CHECK_NUMBER(wait->state, TN_WAIT_OPEN);
	CHECK_NUMBER(tn_waiting_next(fixture.waiting) == INT64_MAX, true);
	sem_post(&go);
	run_until(1);
	CHECK_NUMBER(wait->state, TN_WAIT_DONE);
	end(wait);
	finish();
}

/* ---- Too late ------------------------------------------------------------------------------ */

static void one_that_is_late_is_answered_and_named_once_when_it_stays_away(void)
{
	struct tn_wait *wait;
	int64_t deadline;
	const char *log;

	begin();
	wait = put_and_wait();
	deadline = wait->deadline;
	capture_begin();
	tn_waiting_expire(fixture.waiting, deadline - 1);
	CHECK_NUMBER(wait->state, TN_WAIT_OPEN);
	tn_waiting_expire(fixture.waiting, deadline);
	CHECK_NUMBER(wait->state, TN_WAIT_LATE);
	CHECK_NUMBER(fixture.answered, 1);
	CHECK_NUMBER(fixture.gone, 0);
	CU_ASSERT(wait->held && atomic_load(&wait->exchange->cancelled));
	tn_waiting_expire(fixture.waiting, deadline + 29 * 1000);
	CHECK_NUMBER(capture_lines(capture_end(), ""), 1);
	capture_begin();
	tn_waiting_expire(fixture.waiting, deadline + 30 * 1000);
	tn_waiting_expire(fixture.waiting, deadline + HOUR);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "worker=slow: has not returned, 30000 ms after it was to "
	                                "reply: it keeps a thread"),
	             1);
	sem_post(&go);
	capture_begin();
	run_until(1);
	capture_end();
	CHECK_NUMBER(wait->state, TN_WAIT_LATE);
	CHECK_NUMBER(fixture.answered, 1);
	CU_ASSERT(!wait->held);
	end(wait);
	finish();
}

static void one_that_nobody_has_begun_is_late_without_a_thread(void)
{
	struct tn_wait *first, *second;
	const char *log;

	begin_with(PATIENCE / 2, 1);
	first = put_and_wait();
	second = put();
	capture_begin();
	tn_waiting_expire(fixture.waiting, second->deadline);
	CHECK_NUMBER(second->state, TN_WAIT_LATE);
	CU_ASSERT(!second->held && first->held);
	sem_post(&go);
	run_until(2);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "answered with 504"), 1);
	end(first);
	end(second);
	finish();
}

/* ---- Turned away --------------------------------------------------------------------------- */

static void who_waits_too_long_for_a_thread_is_turned_away(void)
{
	struct tn_wait *first, *second;

	begin();
	first = put_and_wait();
	second = put();
	capture_begin();
	tn_waiting_expire(fixture.waiting, first->begun + PATIENCE);
	tn_waiting_expire(fixture.waiting, second->begun + PATIENCE);
	CHECK_NUMBER(first->state, TN_WAIT_OPEN);
	CHECK_NUMBER(second->state, TN_WAIT_TURNED_AWAY);
	CHECK_NUMBER(capture_lines(capture_end(), "queue_timeout = 500 ms"), 1);
	CHECK_NUMBER(atomic_load(&fixture.activity.turned_away), 1);
	sem_post(&go);
	run_until(2);
	end(first);
	end(second);
	finish();
}

static void many_that_are_turned_away_have_one_line(void)
{
	struct tn_wait *waits[6];

	begin_with(HOUR, 1);
	waits[0] = put_and_wait();
	capture_begin();
	for (size_t i = 1; i < 6; i++)
		waits[i] = put();
	CHECK_NUMBER(capture_lines(capture_end(), "queue = 2 (0 more"), 1);
	CHECK_NUMBER(waits[2]->state, TN_WAIT_OPEN);
	CHECK_NUMBER(waits[3]->state, TN_WAIT_TURNED_AWAY);
	CHECK_NUMBER(atomic_load(&fixture.activity.turned_away), 3);
	for (size_t i = 0; i < 3; i++)
		sem_post(&go);
	run_until(3);
	for (size_t i = 0; i < 6; i++)
		end(waits[i]);
	finish();
}

/* ---- Gone ---------------------------------------------------------------------------------- */

static void a_client_that_goes_is_noticed(void)
{
	struct tn_wait *first, *second;
	int ends[2], others[2];

	begin_with(HOUR, 1);
	first = put_and_wait();
	second = put();
	CU_ASSERT_FATAL(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	CU_ASSERT_FATAL(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, others));
	tn_wait_watch(first, ends[0]);
	tn_wait_watch(second, others[0]);
	tn_waiting_run(fixture.waiting);
	CU_ASSERT(!atomic_load(&first->exchange->cancelled));
	shutdown(ends[1], SHUT_WR);
	tn_waiting_run(fixture.waiting);
	CU_ASSERT(atomic_load(&first->exchange->cancelled));
	CHECK_NUMBER(first->state, TN_WAIT_OPEN);
	close(others[1]);
	tn_waiting_run(fixture.waiting);
	CHECK_NUMBER(second->state, TN_WAIT_GONE);
	CU_ASSERT(!second->held);
	sem_post(&go);
	run_until(2);
	CHECK_NUMBER(first->state, TN_WAIT_DONE);
	close(ends[0]);
	close(ends[1]);
	close(others[0]);
	end(first);
	end(second);
	finish();
}

static void one_whose_request_ends_is_abandoned(void)
{
	struct tn_wait *first, *second;

	begin_with(HOUR, 1);
	first = put_and_wait();
	second = put();
	tn_wait_abandon(second);
	CHECK_NUMBER(fixture.gone, 1);
	tn_wait_abandon(first);
	CHECK_NUMBER(fixture.gone, 1);
	CU_ASSERT(first->held && atomic_load(&first->exchange->cancelled));
	CHECK_NUMBER(count_waiting(), 0);
	sem_post(&go);
	run_until(2);
	CHECK_NUMBER(fixture.answered, 0);
	end(first);
	end(second);
	finish();
}

static void a_stop_gives_up_what_has_not_begun_and_names_what_has(void)
{
	struct tn_wait *first, *second;
	const char *log;

	begin_with(HOUR, 1);
	first = put_and_wait();
	second = put();
	capture_begin();
	CHECK_NUMBER(tn_waiting_stop(fixture.waiting), 1);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "worker=slow: has not returned"), 1);
	CHECK_NUMBER(second->state, TN_WAIT_GONE);
	sem_post(&go);
	run_until(2);
	CHECK_NUMBER(tn_waiting_stop(fixture.waiting), 0);
	end(first);
	end(second);
	finish();
}

/* ---- After the reply ----------------------------------------------------------------------- */

static void do_more(void *argument)
{
	(void)argument;
	sem_post(&begun);
	if (!came(&go))
		abort();
}

static void later_work_is_overdue_by_the_time_since_it_began(void)
{
	struct tn_wait *wait;
	int64_t began;
	const char *log;

	begin_with(HOUR, 1);
	wait = put_and_wait();
	sem_post(&go);
	run_until(1);
	CU_ASSERT(tn_wait_until(wait->request, do_more, NULL));
	CU_ASSERT(!tn_wait_finish(wait));
	CU_ASSERT_FATAL(came(&begun));
	began = atomic_load(&wait->work_begun);
	capture_begin();
	tn_waiting_expire(fixture.waiting, began + TIMEOUT - 1);
	CU_ASSERT(!atomic_load(&wait->exchange->cancelled));
	tn_waiting_expire(fixture.waiting, began + TIMEOUT);
	tn_waiting_expire(fixture.waiting, began + HOUR);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "longer than wait_until_timeout"), 1);
	CU_ASSERT(atomic_load(&wait->exchange->cancelled));
	sem_post(&go);
	run_until(2);
	CU_ASSERT(tn_wait_finish(wait));
	end(wait);
	finish();
}

/* Its time is counted from when it begins, whenever a thread has come to it. */
static void later_work_in_the_queue_is_not_overdue(void)
{
	struct tn_wait *first, *later;
	int64_t put_by, began;

	begin_with(HOUR, 1);
	first = put_and_wait();
	later = tn_wait_create(fixture.waiting);
	later->exchange = tn_exchange_begin(&fixture.exchanges);
	later->request = tn_request_first(later->exchange, "GET", "a", "/", "");
	later->route = &fixture.route;
	CU_ASSERT(tn_wait_until(later->request, do_more, NULL));
	CU_ASSERT(!tn_wait_finish(later));
	put_by = tn_exchange_now();
	while (tn_exchange_now() < put_by + 2)
		;
	sem_post(&go);
	run_until(1);
	CU_ASSERT_FATAL(came(&begun));
	began = atomic_load(&later->work_begun);
	capture_begin();
	tn_waiting_expire(fixture.waiting, put_by + TIMEOUT);
	CU_ASSERT(!atomic_load(&later->exchange->cancelled));
	tn_waiting_expire(fixture.waiting, began + TIMEOUT);
	CU_ASSERT(atomic_load(&later->exchange->cancelled));
	capture_end();
	sem_post(&go);
	run_until(2);
	end(first);
	end(later);
	finish();
}

TEST_MAIN("serve/waiting",
          TEST(one_that_returns_in_time_is_done),
          TEST(one_without_a_deadline_is_never_late),
          TEST(one_that_is_late_is_answered_and_named_once_when_it_stays_away),
          TEST(one_that_nobody_has_begun_is_late_without_a_thread),
          TEST(who_waits_too_long_for_a_thread_is_turned_away),
          TEST(many_that_are_turned_away_have_one_line),
          TEST(a_client_that_goes_is_noticed),
          TEST(one_whose_request_ends_is_abandoned),
          TEST(a_stop_gives_up_what_has_not_begun_and_names_what_has),
          TEST(later_work_is_overdue_by_the_time_since_it_began),
          TEST(later_work_in_the_queue_is_not_overdue))
