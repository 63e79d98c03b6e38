#include "message/exchange.h"

#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"

#include <string.h>

static const char large[9000];
static const struct tn_limits small = {
	.max_depth = 32,
	.max_calls = 1000,
	.request_memory = (size_t)8 * 1024,
};

static void the_default_limits_are_those_of_the_manual(void)
{
	CHECK_NUMBER(tn_limits_default.max_depth, 32);
	CHECK_NUMBER(tn_limits_default.max_calls, 1000);
	CHECK_NUMBER(tn_limits_default.request_memory, 16 * 1024 * 1024);
}

static int compare_ids(const void *one, const void *other)
{
	return memcmp(one, other, TN_ID_SIZE);
}

static void ids_are_16_hex_digits_and_differ(void)
{
	enum {
		COUNT = 4000
	};
	static char ids[COUNT][TN_ID_SIZE];
	struct tn_exchange_pool pools[2];

	for (size_t i = 0; i < 2; i++)
		tn_exchange_pool_init(&pools[i], &tn_limits_default, 1);
	for (size_t i = 0; i < COUNT; i++) {
		struct tn_exchange *exchange = tn_exchange_begin(&pools[i % 2]);

		CU_ASSERT_PTR_NOT_NULL_FATAL(exchange);
		memcpy(ids[i], tn_exchange_id(exchange), TN_ID_SIZE);
		CHECK_NUMBER(strspn(ids[i], "0123456789abcdef"), 16);
		CHECK_NUMBER(ids[i][16], '\0');
		tn_exchange_end(&pools[i % 2], exchange);
	}
	qsort(ids, COUNT, sizeof(ids[0]), compare_ids);
	for (size_t i = 1; i < COUNT; i++)
		CU_ASSERT_FATAL(strcmp(ids[i - 1], ids[i]) != 0);
	for (size_t i = 0; i < 2; i++)
		tn_exchange_pool_finish(&pools[i]);
}

static void an_exchange_is_used_again_as_new(void)
{
	static const struct tn_service service = { .name = "auth" };
	struct fixture fixture;
	const struct tn_exchange *before;

	fixture_init_with(&fixture, &small);
	before = fixture.exchange;
	tn_exchange_enter(fixture.exchange, &service, TN_STEP_LATER);
	fixture.exchange->calls = 7;
	fixture.exchange->waiting = 7;
	fixture.exchange->depth_logged = fixture.exchange->calls_logged = true;
	fixture.exchange->memory_logged = true;
	fixture_end(&fixture);
	fixture_begin(&fixture);
	CU_ASSERT_PTR_EQUAL(fixture.exchange, before);
	CHECK_NUMBER(fixture.exchange->depth, 0);
	CHECK_NUMBER(fixture.exchange->calls, 0);
	CHECK_NUMBER(fixture.exchange->waiting, 0);
	CU_ASSERT(!fixture.exchange->depth_logged && !fixture.exchange->calls_logged);
	CU_ASSERT(!fixture.exchange->memory_logged);
	CU_ASSERT_PTR_NULL(fixture.exchange->later);
	CU_ASSERT(fixture.exchange->arena.used < 256);
	fixture_finish(&fixture);
}

static void the_pool_keeps_no_more_than_it_may(void)
{
	struct tn_exchange *exchanges[5];
	struct tn_exchange_pool pool;

	tn_exchange_pool_init(&pool, &tn_limits_default, 3);
	for (size_t i = 0; i < 5; i++)
		exchanges[i] = tn_exchange_begin(&pool);
	CHECK_NUMBER(pool.count, 0);
	for (size_t i = 0; i < 5; i++)
		tn_exchange_end(&pool, exchanges[i]);
	CHECK_NUMBER(pool.count, 3);
	exchanges[0] = tn_exchange_begin(&pool);
	CHECK_NUMBER(pool.count, 2);
	tn_exchange_end(&pool, exchanges[0]);
	CHECK_NUMBER(pool.count, 3);
	tn_exchange_pool_finish(&pool);
	CHECK_NUMBER(pool.count, 0);
	CU_ASSERT_PTR_NULL(pool.free);
}

static void ending_no_exchange_is_harmless(void)
{
	struct tn_exchange_pool pool;

	tn_exchange_pool_init(&pool, &tn_limits_default, 1);
	tn_exchange_end(&pool, NULL);
	CHECK_NUMBER(pool.count, 0);
	tn_exchange_pool_finish(&pool);
}

static void count_release(void *counter)
{
	++*(unsigned *)counter;
}

static void release_callbacks_run_whether_it_is_kept_or_not(void)
{
	for (unsigned most = 0; most < 2; most++) {
		struct tn_exchange_pool pool;
		struct tn_exchange *exchange;
		unsigned released = 0;

		tn_exchange_pool_init(&pool, &tn_limits_default, most);
		exchange = tn_exchange_begin(&pool);
		CU_ASSERT_PTR_NOT_NULL_FATAL(exchange);
		CU_ASSERT(tn_arena_defer(&exchange->arena, count_release, &released));
		tn_exchange_end(&pool, exchange);
		CHECK_NUMBER(released, 1);
		tn_exchange_pool_finish(&pool);
		CHECK_NUMBER(released, 1);
	}
}

/* One line for each exchange, however often it is refused, and in whatever way. */
static void a_lack_of_memory_is_logged_once_for_each_exchange(void)
{
	struct fixture fixture;
	const char *log;
	char id[TN_ID_SIZE];

	fixture_init_with(&fixture, &small);
	for (int i = 0; i < 2; i++) {
		memcpy(id, tn_exchange_id(fixture.exchange), sizeof(id));
		capture_begin();
		for (int j = 0; j < 3; j++) {
			CU_ASSERT_PTR_NULL(tn_exchange_alloc(fixture.exchange, 1024 * 1024));
			CU_ASSERT_PTR_NULL(
				tn_exchange_copy(fixture.exchange, large, sizeof(large)));
			CU_ASSERT_PTR_NULL(tn_exchange_grow(fixture.exchange, NULL, 0, 9000));
		}
		log = capture_end();
		CHECK_NUMBER(capture_lines(log, ""), 1);
		CHECK_NUMBER(capture_lines(log, "no memory for 1048576 more bytes"), 1);
		CHECK_NUMBER(capture_lines(log, "request_memory, 8192, are taken"), 1);
		CHECK_NUMBER(capture_lines(log, id), 1);
		CU_ASSERT_PTR_NOT_NULL(tn_exchange_alloc(fixture.exchange, 16));
		fixture_end(&fixture);
		fixture_begin(&fixture);
	}
	fixture_finish(&fixture);
}

static void copying_and_growing_log_a_lack_of_memory_too(void)
{
	struct fixture fixture;

	fixture_init_with(&fixture, &small);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_exchange_copy(fixture.exchange, large, sizeof(large)));
	CHECK_NUMBER(capture_lines(capture_end(), "no memory for 9000 more bytes"), 1);
	fixture_end(&fixture);
	fixture_begin(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_exchange_grow(fixture.exchange, NULL, 0, 9000));
	CHECK_NUMBER(capture_lines(capture_end(), "no memory"), 1);
	fixture_finish(&fixture);
}

static void growing_keeps_what_was_there(void)
{
	struct fixture fixture;
	char *text;

	fixture_init_with(&fixture, &small);
	text = tn_exchange_copy(fixture.exchange, "body", 4);
	text = tn_exchange_grow(fixture.exchange, text, 5, 5000);
	CHECK_TEXT(text, "body");
	fixture_finish(&fixture);
}

static void the_running_worker_is_the_one_entered_last(void)
{
	static const struct tn_service gateway = { .name = "gateway" };
	static const struct tn_service auth = { .name = "auth" };
	struct fixture fixture;

	fixture_init(&fixture);
	CU_ASSERT_PTR_NULL(tn_exchange_running(fixture.exchange));
	CU_ASSERT(tn_exchange_enter(fixture.exchange, &gateway, TN_STEP_LATER));
	CU_ASSERT_PTR_EQUAL(tn_exchange_running(fixture.exchange), &gateway);
	CU_ASSERT(tn_exchange_enter(fixture.exchange, &auth, TN_STEP_LATER));
	CU_ASSERT_PTR_EQUAL(tn_exchange_running(fixture.exchange), &auth);
	tn_exchange_leave(fixture.exchange);
	CU_ASSERT_PTR_EQUAL(tn_exchange_running(fixture.exchange), &gateway);
	tn_exchange_leave(fixture.exchange);
	CU_ASSERT_PTR_NULL(tn_exchange_running(fixture.exchange));
	fixture_finish(&fixture);
}

static void entering_ends_at_the_greatest_depth(void)
{
	static const struct tn_service service = { .name = "auth" };
	struct fixture fixture;
	unsigned entered = 0;

	fixture_init(&fixture);
	while (entered < 1000 && tn_exchange_enter(fixture.exchange, &service, TN_STEP_LATER))
		entered++;
	CHECK_NUMBER(entered, TN_DEPTH_MAX);
	CHECK_NUMBER(fixture.exchange->depth, TN_DEPTH_MAX);
	fixture_finish(&fixture);
}

/* What stands in the line after the time, up to its end. */
static const char *after_time(const char *line)
{
	const char *space = strchr(line, ' ');

	return space ? space + 1 : "";
}

static void a_refusal_names_request_worker_and_chain(void)
{
	static const struct tn_service gateway = { .name = "gateway" };
	static const struct tn_service auth = { .name = "auth" };
	static const char *const contexts[] = {
		"",
		" worker=gateway",
		" worker=auth chain=gateway>auth",
	};
	struct fixture fixture;
	char expected[200];

	fixture_init(&fixture);
	for (size_t i = 0; i < 3; i++) {
		capture_begin();
		tn_exchange_refuse(fixture.exchange, "why %d", 1);
		snprintf(expected, sizeof(expected), "error request=%s%s: why 1\n",
		         tn_exchange_id(fixture.exchange), contexts[i]);
		CHECK_TEXT(after_time(capture_end()), expected);
		tn_exchange_enter(fixture.exchange, i ? &auth : &gateway, TN_STEP_LATER);
	}
	fixture_finish(&fixture);
}

TEST_MAIN("message/exchange",
          TEST(the_default_limits_are_those_of_the_manual),
          TEST(ids_are_16_hex_digits_and_differ),
          TEST(an_exchange_is_used_again_as_new),
          TEST(the_pool_keeps_no_more_than_it_may),
          TEST(ending_no_exchange_is_harmless),
          TEST(release_callbacks_run_whether_it_is_kept_or_not),
          TEST(a_lack_of_memory_is_logged_once_for_each_exchange),
          TEST(copying_and_growing_log_a_lack_of_memory_too),
          TEST(growing_keeps_what_was_there),
          TEST(the_running_worker_is_the_one_entered_last),
          TEST(entering_ends_at_the_greatest_depth),
          TEST(a_refusal_names_request_worker_and_chain))
