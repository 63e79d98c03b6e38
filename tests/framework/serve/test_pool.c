#include "serve/pool.h"

#include "cunit.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define DEADLINE_S 60 /* for what is to come: far more than it takes */
#define LANES 3
#define MANY 2000

/* A job that says that it has begun, and goes on when it is told to. */
struct step {
	struct tn_job job;
	char name;
	bool waits;
	sem_t go;
	bool ran;
	bool collected;
};

static sem_t begun;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char order[64]; /* the names, as they began */
static size_t order_size;
static _Atomic unsigned at_once;
static _Atomic unsigned most_at_once;
static _Atomic unsigned threads_begun;
static _Atomic unsigned greatest_number;
static _Thread_local bool in_pool;

static bool came(sem_t *semaphore)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DEADLINE_S;
	return sem_timedwait(semaphore, &until) == 0;
}

static void note_order(char name)
{
	pthread_mutex_lock(&mutex);
	if (order_size < sizeof(order) - 1)
		order[order_size++] = name;
	pthread_mutex_unlock(&mutex);
}

static void work(void *argument)
{
	struct step *step = argument;
	unsigned now = atomic_fetch_add(&at_once, 1) + 1;
	unsigned before = atomic_load(&most_at_once);

	while (now > before && !atomic_compare_exchange_weak(&most_at_once, &before, now))
		;
	note_order(step->name);
	step->ran = in_pool;
	sem_post(&begun);
	if (step->waits && !came(&step->go))
		abort();
	atomic_fetch_sub(&at_once, 1);
}

static void thread_begins(void *argument, unsigned number)
{
	unsigned before = atomic_load(&greatest_number);

	(void)argument;
	in_pool = true;
	atomic_fetch_add(&threads_begun, 1);
	while (number > before &&
	       !atomic_compare_exchange_weak(&greatest_number, &before, number))
		;
}

static struct tn_pool *create_with(unsigned threads, size_t queue, struct tn_limit *const *limits)
{
	struct tn_pool_options options = {
		.threads = threads,
		.queue = queue,
		.lanes = LANES,
		.limits = limits,
		.thread_begins = thread_begins,
	};
	struct tn_pool *pool = tn_pool_create(&options);

	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	sem_init(&begun, 0, 0);
	memset(order, 0, sizeof(order));
	order_size = 0;
	atomic_store(&at_once, 0);
	atomic_store(&most_at_once, 0);
	atomic_store(&threads_begun, 0);
	atomic_store(&greatest_number, 0);
	return pool;
}

static struct tn_pool *create(unsigned threads, size_t queue)
{
	return create_with(threads, queue, NULL);
}

static void make(struct step *step, char name, bool waits)
{
	*step = (struct step){ .name = name, .waits = waits };
	step->job = (struct tn_job){ .work = work, .argument = step };
	sem_init(&step->go, 0, 0);
}

/* Puts one that waits, and returns when it has begun. */
static void hold_thread(struct tn_pool *pool, size_t lane, struct step *step)
{
	make(step, '!', true);
	CU_ASSERT_FATAL(tn_pool_put(pool, lane, &step->job));
	CU_ASSERT_FATAL(came(&begun));
}

static void let_go(struct step *step)
{
	sem_post(&step->go);
}

/* Collects that many. */
static void collect(struct tn_pool *pool, unsigned count)
{
	struct pollfd readable = { tn_pool_descriptor(pool), POLLIN, 0 };

	while (count) {
		struct tn_job *job, *next;

		CU_ASSERT_FATAL(poll(&readable, 1, DEADLINE_S * 1000) == 1);
		for (job = tn_pool_collect(pool); job; job = next) {
			struct step *step = job->argument;

			next = job->next;
			CU_ASSERT(!step->collected);
			step->collected = true;
			CU_ASSERT_FATAL(count-- > 0);
		}
	}
	CU_ASSERT_PTR_NULL(tn_pool_collect(pool));
}

/* ---- One job ------------------------------------------------------------------------------- */

static void a_job_runs_on_a_thread_of_its_own_and_is_collected(void)
{
	struct tn_pool *pool = create(2, 10);
	struct step step;

	make(&step, 'a', false);
	CU_ASSERT_PTR_NULL(tn_pool_collect(pool));
	CHECK_NUMBER(atomic_load(&threads_begun), 0);
	CU_ASSERT(tn_pool_put(pool, 1, &step.job));
	collect(pool, 1);
	CU_ASSERT(step.ran && step.collected);
	CHECK_NUMBER(atomic_load(&threads_begun), 1);
	CU_ASSERT(!tn_pool_withdraw(pool, &step.job));
	tn_pool_destroy(pool);
}

static void look_at_signals(void *argument)
{
	sigset_t *signals = argument;

	pthread_sigmask(SIG_BLOCK, NULL, signals);
	sem_post(&begun);
}

static void signals_are_for_the_loop_but_those_of_a_crash(void)
{
	static const int blocked[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM, SIGCHLD };
	static const int open[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct tn_pool *pool = create(1, 10);
	struct tn_executor *executor = tn_pool_executor(pool);
	sigset_t signals, mine;

	CU_ASSERT(executor->submit(executor, look_at_signals, &signals));
	CU_ASSERT_FATAL(came(&begun));
	for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++)
		CU_ASSERT(sigismember(&signals, blocked[i]));
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		CU_ASSERT(!sigismember(&signals, open[i]));
	pthread_sigmask(SIG_BLOCK, NULL, &mine);
	CU_ASSERT(!sigismember(&mine, SIGTERM));
	tn_pool_destroy(pool);
}

static void one_that_is_posted_is_collected_without_having_run(void)
{
	struct tn_pool *pool = create(1, 10);
	struct step step;

	make(&step, 'a', false);
	tn_pool_post(pool, &step.job);
	collect(pool, 1);
	CU_ASSERT(!step.ran);
	tn_pool_destroy(pool);
}

/* ---- How many ------------------------------------------------------------------------------ */

static void no_more_run_at_once_than_there_are_threads(void)
{
	struct tn_pool *pool = create(3, 100);
	struct step steps[12];

	for (size_t i = 0; i < 12; i++) {
		make(&steps[i], 'a', true);
		CU_ASSERT(tn_pool_put(pool, i % LANES, &steps[i].job));
	}
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT_FATAL(came(&begun));
	CHECK_NUMBER(tn_pool_running(pool), 3);
	CHECK_NUMBER(tn_pool_queued(pool), 9);
	for (size_t i = 0; i < 12; i++)
		let_go(&steps[i]);
	collect(pool, 12);
	CHECK_NUMBER(atomic_load(&most_at_once), 3);
	CHECK_NUMBER(atomic_load(&threads_begun), 3);
	CHECK_NUMBER(atomic_load(&greatest_number), 2);
	tn_pool_destroy(pool);
}

static void who_finds_the_queue_full_is_refused(void)
{
	struct tn_pool *pool = create(1, 2);
	struct step held, first, second, third;

	hold_thread(pool, 0, &held);
	make(&first, 'a', false);
	make(&second, 'b', false);
	make(&third, 'c', false);
	CU_ASSERT(tn_pool_put(pool, 0, &first.job));
	CU_ASSERT(tn_pool_put(pool, 1, &second.job));
	CU_ASSERT(!tn_pool_put(pool, 2, &third.job));
	CU_ASSERT(!tn_pool_withdraw(pool, &third.job));
	let_go(&held);
	collect(pool, 3);
	CU_ASSERT(tn_pool_put(pool, 2, &third.job));
	collect(pool, 1);
	CHECK_TEXT(order, "!abc");
	tn_pool_destroy(pool);
}

static void without_a_queue_as_many_are_taken_as_there_are_threads(void)
{
	struct tn_pool *pool = create(2, 0);
	struct step held[2], more;

	hold_thread(pool, 0, &held[0]);
	hold_thread(pool, 0, &held[1]);
	make(&more, 'a', false);
	CU_ASSERT(!tn_pool_put(pool, 0, &more.job));
	CU_ASSERT(!tn_pool_put(pool, 1, &more.job));
	let_go(&held[0]);
	let_go(&held[1]);
	collect(pool, 2);
	tn_pool_destroy(pool);
}

static void one_that_has_not_begun_can_be_withdrawn(void)
{
	struct tn_pool *pool = create(1, 10);
	struct step held, first, second, third;

	hold_thread(pool, 0, &held);
	make(&first, 'a', false);
	make(&second, 'b', false);
	make(&third, 'c', false);
	tn_pool_put(pool, 1, &first.job);
	tn_pool_put(pool, 1, &second.job);
	tn_pool_put(pool, 2, &third.job);
	CU_ASSERT(!tn_pool_withdraw(pool, &held.job));
	CU_ASSERT(tn_pool_withdraw(pool, &first.job));
	CU_ASSERT(!tn_pool_withdraw(pool, &first.job));
	CU_ASSERT(tn_pool_withdraw(pool, &third.job));
	CHECK_NUMBER(tn_pool_queued(pool), 1);
	let_go(&held);
	collect(pool, 2);
	CHECK_TEXT(order, "!b");
	CU_ASSERT(tn_pool_put(pool, 2, &third.job));
	collect(pool, 1);
	tn_pool_destroy(pool);
}

/* ---- Whose turn it is ---------------------------------------------------------------------- */

static void lanes_take_turns(void)
{
	struct tn_pool *pool = create(1, 100);
	struct step held, steps[9];

	hold_thread(pool, 0, &held);
	for (size_t i = 0; i < 9; i++)
		make(&steps[i], "aaaaabbbc"[i], false);
	for (size_t i = 0; i < 5; i++)
		tn_pool_put(pool, 0, &steps[i].job);
	for (size_t i = 5; i < 8; i++)
		tn_pool_put(pool, 1, &steps[i].job);
	tn_pool_put(pool, 2, &steps[8].job);
	let_go(&held);
	collect(pool, 10);
	CHECK_TEXT(order, "!abcababaa");
	tn_pool_destroy(pool);
}

static void later_work_takes_its_turn_and_has_no_bound(void)
{
	struct tn_pool *pool = create(1, 2);
	struct step held, steps[6];

	hold_thread(pool, 0, &held);
	for (size_t i = 0; i < 6; i++)
		make(&steps[i], "llllaa"[i], false);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT(tn_pool_put_later(pool, &steps[i].job));
	CU_ASSERT(tn_pool_put(pool, 0, &steps[4].job));
	CU_ASSERT(tn_pool_put(pool, 0, &steps[5].job));
	CHECK_NUMBER(tn_pool_queued(pool), 2);
	let_go(&held);
	collect(pool, 7);
	CHECK_TEXT(order, "!lalall");
	tn_pool_destroy(pool);
}

static void what_the_executor_has_goes_first(void)
{
	struct tn_pool *pool = create(1, 10);
	struct tn_executor *executor = tn_pool_executor(pool);
	struct step held, waiting, submitted;

	hold_thread(pool, 0, &held);
	make(&waiting, 'a', false);
	make(&submitted, 'x', false);
	tn_pool_put(pool, 0, &waiting.job);
	CU_ASSERT(executor->submit(executor, work, &submitted));
	let_go(&held);
	collect(pool, 2);
	CHECK_TEXT(order, "!xa");
	CU_ASSERT(submitted.ran && !submitted.collected);
	tn_pool_destroy(pool);
}

static void all_that_the_executor_has_is_done_before_the_end(void)
{
	struct tn_pool *pool = create(2, 10);
	struct tn_executor *executor = tn_pool_executor(pool);
	struct step steps[50];

	for (size_t i = 0; i < 50; i++) {
		make(&steps[i], 'x', false);
		CU_ASSERT(executor->submit(executor, work, &steps[i]));
	}
	tn_pool_destroy(pool);
	for (size_t i = 0; i < 50; i++)
		CU_ASSERT(steps[i].ran);
}

/* ---- Limits -------------------------------------------------------------------------------- */

static void a_lane_at_its_limit_keeps_no_other_waiting(void)
{
	struct tn_limit *limit = tn_limit_create(1);
	struct tn_limit *limits[LANES] = { limit };
	struct tn_pool *pool = create_with(4, 10, limits);
	struct step held, limited, other;

	hold_thread(pool, 0, &held);
	make(&limited, 'a', false);
	make(&other, 'b', false);
	CU_ASSERT(tn_pool_put(pool, 0, &limited.job));
	CHECK_NUMBER(tn_pool_queued(pool), 1);
	CU_ASSERT(tn_pool_put(pool, 1, &other.job));
	collect(pool, 1);
	CU_ASSERT(other.collected);
	CHECK_TEXT(order, "!b");
	let_go(&held);
	collect(pool, 2);
	CHECK_NUMBER(tn_limit_running(limit), 0);
	tn_pool_destroy(pool);
	tn_limit_destroy(limit);
}

static void leave_room(void)
{
	struct tn_limit *limit = tn_limit_create(1);
	struct tn_limit *limits[LANES] = { limit };
	struct tn_pool *pool = create_with(1, 10, limits);
	struct step step, other;

	CU_ASSERT(tn_limit_try(limit));
	make(&step, 'a', false);
	CU_ASSERT(tn_pool_put(pool, 0, &step.job));
	make(&other, 'b', false);
	CU_ASSERT(tn_pool_put(pool, 1, &other.job));
	collect(pool, 1);
	CU_ASSERT(!step.collected);
	tn_limit_leave(limit);
	collect(pool, 1);
	CU_ASSERT(step.ran);
	tn_pool_destroy(pool);
	CU_ASSERT(tn_limit_try(limit));
	tn_limit_leave(limit); /* tells nobody who has gone */
	tn_limit_destroy(limit);
}

/* Often, since the thread may look once more by itself. */
static void room_that_somebody_else_leaves_is_taken(void)
{
	for (int i = 0; i < 50; i++)
		leave_room();
}

/* The one that there is has something else to do: one more is made. */
static void room_that_is_left_while_all_are_busy_is_taken(void)
{
	struct tn_limit *limit = tn_limit_create(1);
	struct tn_limit *limits[LANES] = { limit };
	struct tn_pool *pool = create_with(2, 10, limits);
	struct step step, held;

	CU_ASSERT(tn_limit_try(limit));
	hold_thread(pool, 1, &held);
	make(&step, 'a', false);
	CU_ASSERT(tn_pool_put(pool, 0, &step.job));
	tn_limit_leave(limit);
	collect(pool, 1);
	CU_ASSERT(step.collected);
	let_go(&held);
	collect(pool, 1);
	tn_pool_destroy(pool);
	tn_limit_destroy(limit);
}

/* The only thread has been woken for another job, and may not have taken it yet. */
static void room_that_is_left_while_a_thread_wakes_is_taken(void)
{
	struct tn_limit *limit = tn_limit_create(1);
	struct tn_limit *limits[LANES] = { limit };

	for (int i = 0; i < 100; i++) {
		struct tn_pool *pool = create_with(2, 10, limits);
		struct step first, step, held;

		make(&first, '1', false);
		CU_ASSERT(tn_pool_put(pool, 1, &first.job));
		collect(pool, 1);
		CU_ASSERT_FATAL(came(&begun));
		while (tn_pool_running(pool))
			sched_yield();
		CU_ASSERT(tn_limit_try(limit));
		make(&step, 'a', false);
		make(&held, '!', true);
		CU_ASSERT(tn_pool_put(pool, 0, &step.job));
		CU_ASSERT(tn_pool_put(pool, 1, &held.job));
		tn_limit_leave(limit);
		collect(pool, 1);
		CU_ASSERT(step.collected);
		let_go(&held);
		collect(pool, 1);
		tn_pool_destroy(pool);
	}
	tn_limit_destroy(limit);
}

static void one_that_is_withdrawn_leaves_its_limit(void)
{
	struct tn_limit *limit = tn_limit_create(1);
	struct tn_limit *limits[LANES] = { limit };
	struct tn_pool *pool = create_with(2, 10, limits);
	struct step step;

	for (int i = 0; i < 200; i++) {
		make(&step, 'a', false);
		CU_ASSERT_FATAL(tn_pool_put(pool, 0, &step.job));
		if (!tn_pool_withdraw(pool, &step.job))
			collect(pool, 1);
		CHECK_NUMBER(tn_limit_running(limit), 0);
	}
	tn_pool_destroy(pool);
	tn_limit_destroy(limit);
}

/* ---- All at once --------------------------------------------------------------------------- */

static void nothing_is_lost_or_done_twice(void)
{
	static struct step steps[MANY];
	struct tn_limit *limit = tn_limit_create(2);
	struct tn_limit *limits[LANES] = { limit, NULL, limit };
	struct tn_pool *pool = create_with(4, MANY, limits);
	unsigned withdrawn = 0;

	for (size_t i = 0; i < MANY; i++) {
		make(&steps[i], 'a', false);
		CU_ASSERT(i % 5 == 4 ? tn_pool_put_later(pool, &steps[i].job)
		                     : tn_pool_put(pool, i % LANES, &steps[i].job));
		if (i % 3 == 2 && tn_pool_withdraw(pool, &steps[i - 1].job)) {
			steps[i - 1].collected = true;
			withdrawn++;
		}
	}
	collect(pool, MANY - withdrawn);
	for (size_t i = 0; i < MANY; i++)
		CU_ASSERT(steps[i].collected);
	CHECK_NUMBER(tn_limit_running(limit), 0);
	CHECK_NUMBER(tn_pool_queued(pool), 0);
	tn_pool_destroy(pool);
	tn_limit_destroy(limit);
}

TEST_MAIN("serve/pool",
          TEST(a_job_runs_on_a_thread_of_its_own_and_is_collected),
          TEST(signals_are_for_the_loop_but_those_of_a_crash),
          TEST(one_that_is_posted_is_collected_without_having_run),
          TEST(no_more_run_at_once_than_there_are_threads),
          TEST(who_finds_the_queue_full_is_refused),
          TEST(without_a_queue_as_many_are_taken_as_there_are_threads),
          TEST(one_that_has_not_begun_can_be_withdrawn),
          TEST(lanes_take_turns),
          TEST(later_work_takes_its_turn_and_has_no_bound),
          TEST(what_the_executor_has_goes_first),
          TEST(all_that_the_executor_has_is_done_before_the_end),
          TEST(a_lane_at_its_limit_keeps_no_other_waiting),
          TEST(room_that_somebody_else_leaves_is_taken),
          TEST(room_that_is_left_while_all_are_busy_is_taken),
          TEST(room_that_is_left_while_a_thread_wakes_is_taken),
          TEST(one_that_is_withdrawn_leaves_its_limit),
          TEST(nothing_is_lost_or_done_twice))
