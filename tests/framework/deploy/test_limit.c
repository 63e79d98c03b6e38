#include "deploy/limit.h"

#include "cunit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#define THREADS 8
#define ROUNDS 2000

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void no_more_than_its_places_are_given(void)
{
	struct tn_limit *limit = tn_limit_create(2);

	CHECK_NUMBER(tn_limit_running(limit), 0);
	CU_ASSERT_TRUE(tn_limit_try(limit));
	CU_ASSERT_TRUE(tn_limit_try(limit));
	CHECK_NUMBER(tn_limit_running(limit), 2);
	CU_ASSERT_FALSE(tn_limit_try(limit));
	tn_limit_leave(limit);
	CHECK_NUMBER(tn_limit_running(limit), 1);
	CU_ASSERT_TRUE(tn_limit_try(limit));
	CU_ASSERT_FALSE(tn_limit_try(limit));
	tn_limit_leave(limit);
	tn_limit_leave(limit);
	CHECK_NUMBER(tn_limit_running(limit), 0);
	tn_limit_destroy(limit);
	tn_limit_destroy(NULL);
}

static void a_free_place_is_not_waited_for(void)
{
	struct tn_limit *limit = tn_limit_create(1);

	CU_ASSERT_TRUE(tn_limit_wait(limit, INT64_MAX));
	CHECK_NUMBER(tn_limit_running(limit), 1);
	tn_limit_leave(limit);
	CU_ASSERT_TRUE(tn_limit_wait(limit, 0));
	tn_limit_leave(limit);
	tn_limit_destroy(limit);
}

/* And the place is not lost: who has given up is not given it. */
static void who_waits_in_vain_gives_up_at_that_time(void)
{
	struct tn_limit *limit = tn_limit_create(1);
	int64_t before = now();

	CU_ASSERT_TRUE(tn_limit_try(limit));
	CU_ASSERT_FALSE(tn_limit_wait(limit, before + 20));
	CU_ASSERT(now() >= before + 20);
	CU_ASSERT_FALSE(tn_limit_wait(limit, now()));
	CU_ASSERT_FALSE(tn_limit_wait(limit, 0));
	CU_ASSERT_FALSE(tn_limit_wait(limit, INT64_MIN));
	CHECK_NUMBER(tn_limit_running(limit), 1);
	tn_limit_leave(limit);
	CHECK_NUMBER(tn_limit_running(limit), 0);
	CU_ASSERT_TRUE(tn_limit_try(limit));
	tn_limit_leave(limit);
	tn_limit_destroy(limit);
}

/* ---- Several threads ------------------------------------------------------------------------ */

struct waiter {
	struct tn_limit *limit;
	pthread_t thread;
	int64_t until;
	bool taken;
	unsigned place; /* in the order in which they came to their turn */
	_Atomic unsigned *served;
};

static void *wait_in_thread(void *argument)
{
	struct waiter *waiter = argument;

	waiter->taken = tn_limit_wait(waiter->limit, waiter->until);
	waiter->place = atomic_fetch_add(waiter->served, 1);
	return NULL;
}

static void begin(struct waiter *waiter, struct tn_limit *limit, int64_t until,
                  _Atomic unsigned *served)
{
	unsigned before = tn_limit_waiting(limit);

	*waiter = (struct waiter){ .limit = limit, .until = until, .served = served };
	CU_ASSERT_EQUAL_FATAL(pthread_create(&waiter->thread, NULL, wait_in_thread, waiter), 0);
	while (tn_limit_waiting(limit) == before)
		sched_yield();
}

static void places_go_to_those_that_wait_in_their_order(void)
{
	struct tn_limit *limit = tn_limit_create(1);
	struct waiter waiters[3];
	_Atomic unsigned served = 0;

	CU_ASSERT_TRUE(tn_limit_try(limit));
	for (unsigned i = 0; i < 3; i++)
		begin(&waiters[i], limit, INT64_MAX, &served);
	for (unsigned i = 0; i < 3; i++) {
		tn_limit_leave(limit);
		CU_ASSERT_FALSE(tn_limit_try(limit)); /* it has been handed over */
		pthread_join(waiters[i].thread, NULL);
		CU_ASSERT_TRUE(waiters[i].taken);
		CHECK_NUMBER(waiters[i].place, i);
		CHECK_NUMBER(tn_limit_running(limit), 1);
	}
	tn_limit_leave(limit);
	CHECK_NUMBER(tn_limit_running(limit), 0);
	tn_limit_destroy(limit);
}

/* Whether it stands in front, in the middle or at the end. */
static void who_gives_up_leaves_the_order_to_the_others(void)
{
	for (unsigned gone = 0; gone < 3; gone++) {
		struct tn_limit *limit = tn_limit_create(1);
		struct waiter waiters[3];
		_Atomic unsigned served = 0;

		CU_ASSERT_TRUE(tn_limit_try(limit));
		for (unsigned i = 0; i < 3; i++)
			begin(&waiters[i], limit, i == gone ? now() + 100 : INT64_MAX, &served);
		pthread_join(waiters[gone].thread, NULL);
		CU_ASSERT_FALSE(waiters[gone].taken);
		CHECK_NUMBER(tn_limit_waiting(limit), 2);
		for (unsigned i = 0; i < 3; i++) {
			if (i == gone)
				continue;
			tn_limit_leave(limit);
			pthread_join(waiters[i].thread, NULL);
			CU_ASSERT_TRUE(waiters[i].taken);
		}
		begin(&waiters[gone], limit, INT64_MAX, &served);
		tn_limit_leave(limit);
		pthread_join(waiters[gone].thread, NULL);
		CU_ASSERT_TRUE(waiters[gone].taken);
		tn_limit_leave(limit);
		tn_limit_destroy(limit);
	}
}

static void count(void *argument)
{
	(*(unsigned *)argument)++;
}

static void only_a_place_that_nobody_waits_for_is_told_of(void)
{
	struct tn_limit *limit = tn_limit_create(1);
	_Atomic unsigned served = 0;
	struct waiter waiter;
	unsigned told = 0;

	tn_limit_tell(limit, count, &told);
	CU_ASSERT_TRUE(tn_limit_try(limit));
	begin(&waiter, limit, INT64_MAX, &served);
	tn_limit_leave(limit);
	pthread_join(waiter.thread, NULL);
	CHECK_NUMBER(told, 0);
	tn_limit_leave(limit);
	CHECK_NUMBER(told, 1);
	tn_limit_destroy(limit);
}

struct crowd {
	struct tn_limit *limit;
	_Atomic int inside;
	_Atomic int most;
	_Atomic int calls;
};

static void come_in(struct crowd *crowd)
{
	int inside = atomic_fetch_add(&crowd->inside, 1) + 1;
	int most = atomic_load(&crowd->most);

	while (inside > most && !atomic_compare_exchange_weak(&crowd->most, &most, inside))
		;
	atomic_fetch_add(&crowd->calls, 1);
	atomic_fetch_sub(&crowd->inside, 1);
	tn_limit_leave(crowd->limit);
}

static void *crowd_in(void *argument)
{
	struct crowd *crowd = argument;

	for (unsigned i = 0; i < ROUNDS; i++) {
		bool taken = i % 3 ? tn_limit_wait(crowd->limit, INT64_MAX)
		                   : tn_limit_try(crowd->limit);

		if (taken || tn_limit_wait(crowd->limit, now()))
			come_in(crowd);
	}
	return NULL;
}

static void many_threads_keep_to_it(void)
{
	struct crowd crowd = { .limit = tn_limit_create(3) };
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, crowd_in, &crowd), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT(atomic_load(&crowd.most) <= 3);
	CU_ASSERT(atomic_load(&crowd.calls) >= THREADS * ROUNDS * 2 / 3);
	CHECK_NUMBER(tn_limit_running(crowd.limit), 0);
	CHECK_NUMBER(tn_limit_waiting(crowd.limit), 0);
	tn_limit_destroy(crowd.limit);
}

TEST_MAIN("deploy/limit",
          TEST(no_more_than_its_places_are_given),
          TEST(a_free_place_is_not_waited_for),
          TEST(who_waits_in_vain_gives_up_at_that_time),
          TEST(places_go_to_those_that_wait_in_their_order),
          TEST(who_gives_up_leaves_the_order_to_the_others),
          TEST(only_a_place_that_nobody_waits_for_is_told_of),
          TEST(many_threads_keep_to_it))
