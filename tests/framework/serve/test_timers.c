#include "serve/timers.h"

#include "cunit.h"

#define MANY 500

/* The heap is as it has to be, and every timer in it knows its place. */
static void check_heap(const struct tn_timers *timers)
{
	for (size_t i = 1; i <= timers->count; i++) {
		CU_ASSERT(timers->heap[i]->place == i);
		CU_ASSERT(i == 1 || timers->heap[i / 2]->at <= timers->heap[i]->at);
	}
}

static void none_is_set_at_first(void)
{
	struct tn_timers timers = TN_TIMERS_INIT;

	CU_ASSERT_PTR_NULL(tn_timers_first(&timers));
	CU_ASSERT_PTR_NULL(tn_timers_take(&timers, INT64_MAX));
	tn_timers_finish(&timers);
}

static void the_soonest_comes_first_and_only_once_it_is_due(void)
{
	struct tn_timers timers = TN_TIMERS_INIT;
	struct tn_timer late = TN_TIMER_INIT, soon = TN_TIMER_INIT;

	CU_ASSERT(tn_timers_set(&timers, &late, 20));
	CU_ASSERT(tn_timers_set(&timers, &soon, 10));
	CU_ASSERT_PTR_EQUAL(tn_timers_first(&timers), &soon);
	CU_ASSERT_PTR_NULL(tn_timers_take(&timers, 9));
	CU_ASSERT_PTR_EQUAL(tn_timers_take(&timers, 10), &soon);
	CHECK_NUMBER(soon.place, 0);
	CU_ASSERT_PTR_NULL(tn_timers_take(&timers, 19));
	CU_ASSERT_PTR_EQUAL(tn_timers_take(&timers, 100), &late);
	CU_ASSERT_PTR_NULL(tn_timers_first(&timers));
	tn_timers_finish(&timers);
}

static void one_that_is_set_anew_is_due_at_its_new_time(void)
{
	struct tn_timers timers = TN_TIMERS_INIT;
	struct tn_timer moved = TN_TIMER_INIT, other = TN_TIMER_INIT;

	tn_timers_set(&timers, &moved, 10);
	tn_timers_set(&timers, &other, 20);
	tn_timers_set(&timers, &moved, 30);
	CHECK_NUMBER(timers.count, 2);
	CU_ASSERT_PTR_EQUAL(tn_timers_first(&timers), &other);
	tn_timers_set(&timers, &moved, 5);
	CU_ASSERT_PTR_EQUAL(tn_timers_first(&timers), &moved);
	tn_timers_finish(&timers);
}

static void one_that_is_cancelled_is_never_due(void)
{
	struct tn_timers timers = TN_TIMERS_INIT;
	struct tn_timer gone = TN_TIMER_INIT, other = TN_TIMER_INIT;

	tn_timers_cancel(&timers, &gone);
	tn_timers_set(&timers, &gone, 10);
	tn_timers_set(&timers, &other, 20);
	tn_timers_cancel(&timers, &gone);
	tn_timers_cancel(&timers, &gone);
	CHECK_NUMBER(gone.place, 0);
	CU_ASSERT_PTR_EQUAL(tn_timers_take(&timers, 100), &other);
	CU_ASSERT_PTR_NULL(tn_timers_take(&timers, 100));
	tn_timers_finish(&timers);
}

static unsigned draw(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

static void many_are_due_in_their_order_whatever_was_done_to_them(void)
{
	static struct tn_timer many[MANY];
	struct tn_timers timers = TN_TIMERS_INIT;
	struct tn_timer *taken;
	unsigned state = 1, left = MANY;
	int64_t before = -1;

	for (size_t i = 0; i < MANY; i++)
		tn_timers_set(&timers, &many[i], draw(&state) % 1000);
	check_heap(&timers);
	for (size_t i = 0; i < MANY; i += 3)
		tn_timers_set(&timers, &many[i], draw(&state) % 1000);
	check_heap(&timers);
	for (size_t i = 0; i < MANY; i += 7, left--)
		tn_timers_cancel(&timers, &many[i]);
	check_heap(&timers);
	for (; (taken = tn_timers_take(&timers, 1000)); left--) {
		CU_ASSERT(taken->at >= before);
		before = taken->at;
	}
	CHECK_NUMBER(left, 0);
	tn_timers_finish(&timers);
}

TEST_MAIN("serve/timers",
          TEST(none_is_set_at_first),
          TEST(the_soonest_comes_first_and_only_once_it_is_due),
          TEST(one_that_is_set_anew_is_due_at_its_new_time),
          TEST(one_that_is_cancelled_is_never_due),
          TEST(many_are_due_in_their_order_whatever_was_done_to_them))
