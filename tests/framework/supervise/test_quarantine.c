#include "supervise/quarantine.h"

#include "framework/deploy/planned.h"

#define WINDOW 60000
#define LIMIT 3

/* One more crash at that time, in ms. */
static enum tn_quarantine_level crash_in(struct tn_quarantine *book, const char *name,
                                         uint32_t step, int64_t now)
{
	return tn_quarantine_note(book, name, step, now, LIMIT, WINDOW);
}

static enum tn_quarantine_level crash(struct tn_quarantine *book, const char *name, int64_t now)
{
	return crash_in(book, name, TN_STEP_REQUEST, now);
}

static void the_crash_that_is_one_too_many_tells_so(void)
{
	struct tn_quarantine book = { 0 };

	CHECK_NUMBER(tn_quarantine_level(&book, "auth"), TN_QUARANTINE_NONE);
	CHECK_NUMBER(crash(&book, "auth", 1000), TN_QUARANTINE_NONE);
	CHECK_NUMBER(crash(&book, "auth", 1000), TN_QUARANTINE_NONE);
	CHECK_NUMBER(tn_quarantine_level(&book, "auth"), TN_QUARANTINE_NONE);
	CHECK_NUMBER(crash(&book, "auth", 1001), TN_QUARANTINE_REQUESTS);
	CHECK_NUMBER(tn_quarantine_level(&book, "auth"), TN_QUARANTINE_REQUESTS);
	CHECK_NUMBER(crash(&book, "auth", 1002), TN_QUARANTINE_NONE); /* it is known by now */
	CHECK_NUMBER(tn_quarantine_level(&book, "auth"), TN_QUARANTINE_REQUESTS);
	tn_quarantine_finish(&book);
}

static void each_worker_has_its_own_count(void)
{
	struct tn_quarantine book = { 0 };

	crash(&book, "auth", 1000);
	crash(&book, "auth@staging", 1000);
	crash(&book, "auth", 1000);
	crash(&book, "gateway", 1000);
	CHECK_NUMBER(crash(&book, "auth@staging", 1000), TN_QUARANTINE_NONE);
	CHECK_NUMBER(crash(&book, "auth", 1000), TN_QUARANTINE_REQUESTS);
	CHECK_NUMBER(tn_quarantine_level(&book, "auth@staging"), TN_QUARANTINE_NONE);
	CHECK_NUMBER(tn_quarantine_level(&book, "gateway"), TN_QUARANTINE_NONE);
	tn_quarantine_finish(&book);
}

/* It slides: there is no boundary over which a series could be split. */
static void only_those_within_the_window_count(void)
{
	struct tn_quarantine book = { 0 };

	crash(&book, "auth", 0);
	crash(&book, "auth", WINDOW - 1);
	CHECK_NUMBER(crash(&book, "auth", WINDOW), TN_QUARANTINE_NONE);
	CHECK_NUMBER(crash(&book, "auth", 2 * WINDOW - 2), TN_QUARANTINE_REQUESTS);
	tn_quarantine_finish(&book);
}

static void one_that_crashes_now_and_then_goes_on(void)
{
	struct tn_quarantine book = { 0 };

	for (int64_t now = 0; now < 1000 * WINDOW; now += WINDOW / 2)
		CHECK_NUMBER(crash(&book, "auth", now), TN_QUARANTINE_NONE);
	CHECK_NUMBER(book.list[0].crashes, 2000);
	CU_ASSERT(book.list[0].recent_room <= 8);
	tn_quarantine_finish(&book);
}

static void without_a_limit_there_is_no_quarantine(void)
{
	struct tn_quarantine book = { 0 };

	for (int i = 0; i < 100; i++)
		CHECK_NUMBER(tn_quarantine_note(&book, "auth", TN_STEP_LOAD, 1000, 0, WINDOW),
		             TN_QUARANTINE_NONE);
	CHECK_NUMBER(tn_quarantine_level(&book, "auth"), TN_QUARANTINE_NONE);
	CHECK_NUMBER(book.list[0].crashes, 100);
	CHECK_NUMBER(book.list[0].recent_room, 0);
	tn_quarantine_finish(&book);
}

static void the_first_crash_can_be_one_too_many(void)
{
	struct tn_quarantine book = { 0 };

	CHECK_NUMBER(tn_quarantine_note(&book, "auth", TN_STEP_REQUEST, 1000, 1, WINDOW),
	             TN_QUARANTINE_REQUESTS);
	tn_quarantine_finish(&book);
}

/* As a reload may have it. */
static void the_limit_may_change(void)
{
	struct tn_quarantine book = { 0 };

	for (int i = 0; i < 20; i++)
		CHECK_NUMBER(
			tn_quarantine_note(&book, "auth", TN_STEP_REQUEST, 1000, 1000, WINDOW),
			TN_QUARANTINE_NONE);
	CHECK_NUMBER(book.list[0].recent_count, 20);
	CHECK_NUMBER(crash(&book, "auth", 1001), TN_QUARANTINE_REQUESTS);
	CHECK_NUMBER(book.list[0].recent_count, LIMIT);
	tn_quarantine_finish(&book);
}

/* ---- Levels --------------------------------------------------------------------------------- */

static void the_step_says_what_is_left_out(void)
{
	static const struct {
		uint32_t step;
		enum tn_quarantine_level level;
	} steps[] = {
		{ TN_STEP_REQUEST, TN_QUARANTINE_REQUESTS },
		{ TN_STEP_RELEASE, TN_QUARANTINE_REQUESTS },
		{ TN_STEP_LATER, TN_QUARANTINE_REQUESTS },
		{ TN_STEP_START, TN_QUARANTINE_START },
		{ TN_STEP_LOAD, TN_QUARANTINE_LOAD },
		{ TN_STEP_STOP, TN_QUARANTINE_NONE },
		{ TN_STEP_NONE, TN_QUARANTINE_NONE },
		{ TN_STEP_DONE, TN_QUARANTINE_NONE },
		{ 4711, TN_QUARANTINE_NONE },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct tn_quarantine book = { 0 };

		CHECK_NUMBER(tn_quarantine_note(&book, "auth", steps[i].step, 1000, 1, WINDOW),
		             steps[i].level);
		CHECK_NUMBER(book.list[0].crashes, 1);
		tn_quarantine_finish(&book);
	}
}

static void the_strictest_of_those_within_the_window_holds(void)
{
	struct tn_quarantine book = { 0 };

	crash_in(&book, "auth", TN_STEP_START, 1000);
	crash_in(&book, "auth", TN_STEP_STOP, 1000);
	crash_in(&book, "auth", TN_STEP_REQUEST, 1000);
	CHECK_NUMBER(crash_in(&book, "auth", TN_STEP_REQUEST, 1000), TN_QUARANTINE_START);
	crash_in(&book, "old", TN_STEP_LOAD, 1000);
	crash_in(&book, "old", TN_STEP_REQUEST, 1000 + WINDOW);
	crash_in(&book, "old", TN_STEP_REQUEST, 1000 + WINDOW);
	CHECK_NUMBER(crash_in(&book, "old", TN_STEP_REQUEST, 1000 + WINDOW),
	             TN_QUARANTINE_REQUESTS);
	tn_quarantine_finish(&book);
}

/* Else it would bring down one more process each time until the limit is reached again. */
static void one_in_quarantine_that_still_crashes_comes_to_a_stricter_one(void)
{
	struct tn_quarantine book = { 0 };

	for (int i = 0; i < LIMIT; i++)
		crash(&book, "auth", 1000);
	CHECK_NUMBER(crash_in(&book, "auth", TN_STEP_START, 2 * WINDOW), TN_QUARANTINE_START);
	CHECK_NUMBER(crash_in(&book, "auth", TN_STEP_REQUEST, 2 * WINDOW), TN_QUARANTINE_NONE);
	CHECK_NUMBER(crash_in(&book, "auth", TN_STEP_LOAD, 4 * WINDOW), TN_QUARANTINE_LOAD);
	CHECK_NUMBER(tn_quarantine_level(&book, "auth"), TN_QUARANTINE_LOAD);
	CHECK_NUMBER(book.list[0].since, 1000);
	tn_quarantine_finish(&book);
}

/* ---- What is told of it --------------------------------------------------------------------- */

static void the_book_tells_how_often_and_since_when(void)
{
	struct tn_quarantine book = { 0 };
	const struct tn_quarantine_record *record;

	for (int i = 0; i < LIMIT; i++)
		crash(&book, "auth", 1000 + i);
	crash(&book, "auth", 2000);
	CHECK_NUMBER(book.count, 1);
	record = &book.list[0];
	CHECK_TEXT(record->name, "auth");
	CHECK_NUMBER(record->crashes, LIMIT + 1);
	CHECK_NUMBER(record->since, 1000 + LIMIT - 1);
	CHECK_NUMBER(record->last, 2000);
	CHECK_NUMBER(strlen(record->since_text), strlen("2026-01-31T12:00:00.123Z"));
	CU_ASSERT(strcmp(record->since_text, record->last_text) <= 0);
	tn_quarantine_finish(&book);
	CHECK_NUMBER(book.count, 0);
}

/* ---- Lifting it ----------------------------------------------------------------------------- */

static void one_that_is_released_starts_anew(void)
{
	struct tn_quarantine book = { 0 };

	for (int i = 0; i < LIMIT; i++) {
		crash_in(&book, "auth", TN_STEP_START, 1000);
		crash(&book, "gateway", 1000);
	}
	CHECK_NUMBER(tn_quarantine_release(&book, "nobody"), TN_QUARANTINE_NONE);
	CHECK_NUMBER(tn_quarantine_release(&book, "auth"), TN_QUARANTINE_START);
	CHECK_NUMBER(tn_quarantine_level(&book, "auth"), TN_QUARANTINE_NONE);
	CHECK_NUMBER(tn_quarantine_level(&book, "gateway"), TN_QUARANTINE_REQUESTS);
	CHECK_NUMBER(tn_quarantine_release(&book, "auth"), TN_QUARANTINE_NONE);
	CHECK_NUMBER(crash(&book, "auth", 1001), TN_QUARANTINE_NONE);
	CHECK_NUMBER(crash(&book, "auth", 1001), TN_QUARANTINE_NONE);
	CHECK_NUMBER(crash(&book, "auth", 1001), TN_QUARANTINE_REQUESTS);
	CHECK_NUMBER(book.list[0].crashes, 2 * LIMIT);
	tn_quarantine_finish(&book);
}

/* Crashes of a Worker that was not in quarantine are forgotten, too. */
static void one_that_was_never_in_quarantine_starts_anew(void)
{
	struct tn_quarantine book = { 0 };

	for (int i = 1; i < LIMIT; i++)
		crash(&book, "auth", 1000);
	CHECK_NUMBER(tn_quarantine_release(&book, "auth"), TN_QUARANTINE_NONE);
	CHECK_NUMBER(crash(&book, "auth", 1001), TN_QUARANTINE_NONE);
	tn_quarantine_finish(&book);
}

/* Who was in quarantine by then is not there for its crashes since. */
static void crashes_of_one_generation_are_told_from_those_before(void)
{
	struct tn_quarantine book = { 0 };

	for (int i = 0; i < LIMIT; i++) {
		crash(&book, "old", 1000);
		crash(&book, "new", 3000);
	}
	crash(&book, "both", 1000);
	crash(&book, "both", 3000);
	crash_in(&book, "old", TN_STEP_START, 3000);
	crash(&book, "gone", 1000);
	CHECK_NUMBER(tn_quarantine_is_since(&book, "old", 2000), false);
	CHECK_NUMBER(tn_quarantine_is_since(&book, "new", 2000), true);
	CHECK_NUMBER(tn_quarantine_is_since(&book, "both", 2000), true);
	CHECK_NUMBER(tn_quarantine_is_since(&book, "gone", 2000), false);
	CHECK_NUMBER(tn_quarantine_is_since(&book, "nobody", 0), false);
	tn_quarantine_finish(&book);
}

static void the_last_crash_before_a_turn_is_kept(void)
{
	struct tn_quarantine book = { 0 };

	crash(&book, "auth", 1000);
	CHECK_NUMBER(book.list[0].before, 0);
	tn_quarantine_turn(&book);
	crash(&book, "auth", 3000);
	crash(&book, "gateway", 3000);
	CHECK_NUMBER(book.list[0].before, 1000);
	CHECK_NUMBER(book.list[1].before, 0);
	tn_quarantine_finish(&book);
}

/* What has crashed a little before it was released is of no account, either. */
static void a_release_forgets_what_was_not_yet_too_much(void)
{
	struct tn_quarantine book = { 0 };
	struct planned planned;

	planned_text(&planned, NULL, "[worker auth]\nroute = /\n");
	crash(&book, "auth", 1000);
	crash(&book, "auth", 1000);
	tn_quarantine_lift_all(&book, planned.plan);
	CHECK_NUMBER(crash(&book, "auth", 1001), TN_QUARANTINE_NONE);
	tn_quarantine_finish(&book);
	planned_end(&planned);
}

static void lifting_all_drops_those_of_no_plan(void)
{
	struct tn_quarantine book = { 0 };
	struct planned planned;

	planned_text(&planned, NULL, "[worker b]\nroute = /\n[worker d]\nroute = /d\n");
	for (int i = 0; i < LIMIT; i++)
		for (const char *name = "a\0b\0c\0d\0e\0"; *name; name += 2)
			crash(&book, name, 1000);
	tn_quarantine_lift_all(&book, planned.plan);
	CHECK_NUMBER(book.count, 2);
	CHECK_TEXT(book.list[0].name, "b");
	CHECK_TEXT(book.list[1].name, "d");
	CHECK_NUMBER(book.list[1].crashes, LIMIT);
	CHECK_NUMBER(tn_quarantine_level(&book, "b"), TN_QUARANTINE_NONE);
	CHECK_NUMBER(tn_quarantine_level(&book, "d"), TN_QUARANTINE_NONE);
	CHECK_NUMBER(crash(&book, "a", 1000), TN_QUARANTINE_NONE);
	CHECK_NUMBER(book.count, 3);
	tn_quarantine_finish(&book);
	planned_end(&planned);
}

/* ---- The marks ------------------------------------------------------------------------------ */

/* The book knows names, and each plan has its own numbers for them. */
static void the_marks_are_those_of_the_plans_numbers(void)
{
	struct tn_quarantine book = { 0 };
	struct planned planned;
	struct tn_marks marks;

	planned_text(&planned, NULL,
	             "[worker a]\nroute = /\n[worker b]\nroute = /b\n[worker c]\nroute = /c\n");
	CU_ASSERT_TRUE_FATAL(tn_marks_create(&marks, planned.plan->count));
	for (int i = 0; i < LIMIT; i++) {
		crash_in(&book, "c", TN_STEP_LOAD, 1000);
		crash(&book, "of another plan", 1000);
		crash(&book, "a", 1000);
	}
	tn_quarantine_write(&book, planned.plan, &marks);
	CHECK_NUMBER(marks.bytes[1], TN_QUARANTINE_REQUESTS);
	CHECK_NUMBER(marks.bytes[2], TN_QUARANTINE_NONE);
	CHECK_NUMBER(marks.bytes[3], TN_QUARANTINE_LOAD);
	tn_quarantine_release(&book, "c");
	tn_quarantine_write(&book, planned.plan, &marks);
	CHECK_NUMBER(marks.bytes[1], TN_QUARANTINE_REQUESTS);
	CHECK_NUMBER(marks.bytes[3], TN_QUARANTINE_NONE);
	tn_marks_finish(&marks);
	tn_quarantine_finish(&book);
	planned_end(&planned);
}

TEST_MAIN("supervise/quarantine",
          TEST(the_crash_that_is_one_too_many_tells_so),
          TEST(each_worker_has_its_own_count),
          TEST(only_those_within_the_window_count),
          TEST(one_that_crashes_now_and_then_goes_on),
          TEST(without_a_limit_there_is_no_quarantine),
          TEST(the_first_crash_can_be_one_too_many),
          TEST(the_limit_may_change),
          TEST(the_step_says_what_is_left_out),
          TEST(the_strictest_of_those_within_the_window_holds),
          TEST(one_in_quarantine_that_still_crashes_comes_to_a_stricter_one),
          TEST(the_book_tells_how_often_and_since_when),
          TEST(one_that_is_released_starts_anew),
          TEST(one_that_was_never_in_quarantine_starts_anew),
          TEST(crashes_of_one_generation_are_told_from_those_before),
          TEST(the_last_crash_before_a_turn_is_kept),
          TEST(a_release_forgets_what_was_not_yet_too_much),
          TEST(lifting_all_drops_those_of_no_plan),
          TEST(the_marks_are_those_of_the_plans_numbers))
