#include "../../plugins/ratelimit.c" /* NOLINT(bugprone-suspicious-include) */

#include "cunit.h"

#include <pthread.h>
#include <stdlib.h>
#include <tenon/test.h>

#define SECOND ((uint64_t)TICKS)
#define BOOT (1000 * SECOND) /* the machine has run for a while */

static struct table *new_table(void)
{
	struct table *table = calloc(1, sizeof(*table));

	CU_ASSERT_PTR_NOT_NULL_FATAL(table);
	return table;
}

/* A token a second, and that many at once. */
static struct limit a_second(uint64_t burst)
{
	return (struct limit){ .interval = SECOND, .full = burst * SECOND };
}

/* How many of so many requests at that time are let through. */
static unsigned passed(struct table *table, struct limit limit, uint64_t hash, uint64_t now,
                       unsigned requests)
{
	unsigned count = 0;

	while (requests--)
		count += take(table, &limit, hash, now) == 0;
	return count;
}

/* The hash of a client in the first set. */
static uint64_t client(uint64_t number)
{
	return number << TIME_BITS;
}

/* ---- One bucket ---------------------------------------------------------------------------- */

static void a_client_has_a_burst_and_then_the_rate(void)
{
	struct table *table = new_table();

	CHECK_NUMBER(passed(table, a_second(5), 1, BOOT, 9), 5);
	CHECK_NUMBER(passed(table, a_second(5), 1, BOOT + SECOND - 1, 9), 0);
	CHECK_NUMBER(passed(table, a_second(5), 1, BOOT + SECOND, 9), 1);
	CHECK_NUMBER(passed(table, a_second(5), 1, BOOT + 4 * SECOND, 9), 3);
	CHECK_NUMBER(passed(table, a_second(5), 1, BOOT + 999 * SECOND, 9), 5);
	free(table);
}

static void clients_have_buckets_of_their_own(void)
{
	struct table *table = new_table();

	for (uint64_t i = 0; i < WAYS; i++)
		CHECK_NUMBER(passed(table, a_second(2), client(i), BOOT, 3), 2);
	for (uint64_t i = 0; i < WAYS; i++)
		CHECK_NUMBER(passed(table, a_second(2), client(i), BOOT + SECOND, 3), 1);
	free(table);
}

static void who_is_refused_is_told_how_long_to_wait(void)
{
	struct limit limit = a_second(2);
	struct table *table = new_table();

	CHECK_NUMBER(passed(table, limit, 1, BOOT, 2), 2);
	CHECK_NUMBER(take(table, &limit, 1, BOOT), SECOND);
	CHECK_NUMBER(take(table, &limit, 1, BOOT + SECOND / 4), SECOND - SECOND / 4);
	CHECK_NUMBER(take(table, &limit, 1, BOOT + SECOND), 0);
	free(table);
}

/* Otherwise a client that goes on asking would never be let in again. */
static void being_refused_costs_nothing(void)
{
	struct table *table = new_table();

	CHECK_NUMBER(passed(table, a_second(1), 1, BOOT, 1000), 1);
	CHECK_NUMBER(passed(table, a_second(1), 1, BOOT + SECOND, 1), 1);
	free(table);
}

/* ---- The clock ----------------------------------------------------------------------------- */

/* The time of day may be set, and is far from the time since boot. */
static void the_clock_is_the_one_since_boot(void)
{
	struct timespec before, after;
	uint64_t now;

	clock_gettime(CLOCK_BOOTTIME, &before);
	now = now_ticks();
	clock_gettime(CLOCK_BOOTTIME, &after);
	CU_ASSERT(now >= (uint64_t)before.tv_sec * TICKS);
	CU_ASSERT(now <= (uint64_t)(after.tv_sec + 1) * TICKS);
}

/* Two processors may have read the clock in another order than they come here. */
static void a_clock_that_is_a_little_behind_gives_no_token(void)
{
	struct table *table = new_table();

	CHECK_NUMBER(passed(table, a_second(3), 1, BOOT, 3), 3);
	CHECK_NUMBER(passed(table, a_second(3), 1, BOOT - 10, 3), 0);
	CHECK_NUMBER(passed(table, a_second(3), 1, BOOT + SECOND, 3), 1);
	free(table);
}

/* After 8.5 years. What the time carries over must not get into the tag, which here ends with 0. */
static void a_clock_that_wraps_changes_nothing(void)
{
	struct table *table = new_table();

	CHECK_NUMBER(passed(table, a_second(3), client(2), TIME_MASK - SECOND, 9), 3);
	CHECK_NUMBER(passed(table, a_second(3), client(2), TIME_MASK, 9), 1);
	CHECK_NUMBER(passed(table, a_second(3), client(2), SECOND - 1, 9), 1);
	CHECK_NUMBER(passed(table, a_second(3), client(2), SECOND - 1, 9), 0);
	CHECK_NUMBER(passed(table, a_second(3), client(2), 9 * SECOND, 9), 3);
	free(table);
}

static void what_was_left_for_years_is_no_more_than_an_empty_bucket(void)
{
	struct table *table = new_table();
	uint64_t later = BOOT + TIME_MASK / 2 + 9 * SECOND;

	CHECK_NUMBER(passed(table, a_second(3), client(1), BOOT, 9), 3);
	CHECK_NUMBER(passed(table, a_second(3), client(1), later, 9), 0);
	CHECK_NUMBER(passed(table, a_second(3), client(1), later + SECOND, 9), 1);
	free(table);
}

/* A bucket that took an hour to fill is not empty for an hour once a reload says seconds. */
static void a_limit_that_a_reload_has_raised_counts_at_once(void)
{
	const struct limit hour = { .interval = 3600 * SECOND, .full = 3600 * SECOND };
	struct limit second = a_second(2);
	struct table *table = new_table();

	CHECK_NUMBER(passed(table, hour, 1, BOOT, 2), 1);
	CHECK_NUMBER(take(table, &second, 1, BOOT), SECOND);
	CHECK_NUMBER(take(table, &second, 1, BOOT), SECOND);
	CHECK_NUMBER(passed(table, second, 1, BOOT + SECOND, 2), 1);
	CHECK_NUMBER(passed(table, second, 1, BOOT + 3 * SECOND, 3), 2);
	free(table);
}

/* ---- A full table -------------------------------------------------------------------------- */

static void a_full_set_forgets_the_fullest_bucket(void)
{
	struct table *table = new_table();

	for (uint64_t i = 0; i < WAYS; i++)
		CHECK_NUMBER(passed(table, a_second(9), client(i), BOOT, i == 3 ? 2 : 9),
		             i == 3 ? 2 : 9);
	CHECK_NUMBER(passed(table, a_second(9), client(WAYS), BOOT, 10), 9);
	for (uint64_t i = 0; i < WAYS; i++)
		CHECK_NUMBER(passed(table, a_second(9), client(i), BOOT, i == 3 ? 0 : 9), 0);
	CHECK_NUMBER(passed(table, a_second(9), client(3), BOOT, 10), 9); /* which was forgotten */
	free(table);
}

static void a_newcomer_always_has_a_full_bucket(void)
{
	struct table *table = new_table();

	for (uint64_t i = 0; i < 100; i++)
		CHECK_NUMBER(passed(table, a_second(3), client(i), BOOT, 4), 3);
	free(table);
}

static void the_hash_chooses_among_all_sets(void)
{
	struct table *table = new_table();

	for (uint64_t i = 0; i < 2 * SETS; i++)
		CHECK_NUMBER(passed(table, a_second(2), i, BOOT, 3), i < SETS ? 2 : 0);
	free(table);
}

static void a_bucket_that_is_full_again_is_forgotten_first(void)
{
	struct table *table = new_table();

	for (uint64_t i = 0; i < WAYS; i++)
		passed(table, a_second(3), client(i), BOOT + i * SECOND, 3);
	CHECK_NUMBER(passed(table, a_second(3), client(WAYS), BOOT + 4 * SECOND, 4), 3);
	CHECK_NUMBER(passed(table, a_second(3), client(1), BOOT + 4 * SECOND, 4), 3);
	CHECK_NUMBER(passed(table, a_second(3), client(7), BOOT + 7 * SECOND, 4), 0);
	free(table);
}

/* ---- Several at once ----------------------------------------------------------------------- */

#define THREADS 4
#define CLIENTS 3
#define AT_ONCE 20000

static struct table *together;
static _Atomic unsigned tokens[CLIENTS];

static void *ask(void *unused)
{
	const struct limit limit = { .interval = 100 * SECOND, .full = 100 * SECOND * AT_ONCE };

	for (unsigned i = 0; i < CLIENTS * AT_ONCE; i++)
		if (take(together, &limit, client(i % CLIENTS + 1), BOOT) == 0)
			atomic_fetch_add(&tokens[i % CLIENTS], 1);
	return unused;
}

static void at_once_no_token_is_given_twice_and_none_is_lost(void)
{
	pthread_t threads[THREADS];

	together = new_table();
	for (unsigned i = 0; i < THREADS; i++)
		CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, ask, NULL) == 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < CLIENTS; i++)
		CHECK_NUMBER(tokens[i], AT_ONCE);
	free(together);
}

/* ---- Who a client is ----------------------------------------------------------------------- */

static void an_address_is_a_client(void)
{
	CU_ASSERT(hash_of("192.0.2.1", 7) != hash_of("192.0.2.2", 7));
	CU_ASSERT(hash_of("192.0.2.1", 7) == hash_of("::ffff:192.0.2.1", 7));
	CU_ASSERT(hash_of("192.0.2.2", 7) != hash_of("::ffff:192.0.2.1", 7));
	CU_ASSERT(hash_of("192.0.2.1", 7) != hash_of("192.0.2.1", 8));
	CU_ASSERT(hash_of("", 7) == hash_of("", 7));
}

static void half_of_an_ipv6_address_is_a_client(void)
{
	CU_ASSERT(hash_of("2001:db8:1:2::1", 7) == hash_of("2001:db8:1:2:ffff::", 7));
	CU_ASSERT(hash_of("2001:db8:1:2::1", 7) != hash_of("2001:db8:1:3::1", 7));
}

/* ---- The Worker ---------------------------------------------------------------------------- */

static void behind_the_burst_it_answers_429(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_fake next = TN_FAKE("next", 200, "hello");
	struct env env = {
		.self = TN_TEST_SELF,
		.next = &next.service,
		.REQUESTS = 2,
		.PERIOD = 3600 * 1000,
		.table = new_table(),
	};
	struct tn_response *response;

	CHECK_TEXT(start(&env), NULL);
	for (unsigned i = 0; i < 2; i++) {
		struct tn_request *request = tn_test_request(test, "GET", "/");

		CHECK_TEXT(tn_response_body(tn_fetch(&env.self, request)).data, "hello");
	}
	response = tn_fetch(&env.self, tn_test_request(test, "GET", "/"));
	CHECK_NUMBER(tn_response_status(response), 429);
	CU_ASSERT(strtoll(tn_response_header(response, "retry-after"), NULL, 10) > 0);
	CU_ASSERT(strtoll(tn_response_header(response, "retry-after"), NULL, 10) <= 1800);
	CHECK_NUMBER(next.calls, 2);
	tn_test_end(test);
	free(env.table);
}

static void retry_after_is_in_seconds_rounded_up(void)
{
	struct tn_test *test = tn_test_begin();
	struct tn_request *request = tn_test_request(test, "GET", "/");

	CHECK_TEXT(tn_response_header(refuse(request, 1), "retry-after"), "1");
	CHECK_TEXT(tn_response_header(refuse(request, SECOND), "retry-after"), "1");
	CHECK_TEXT(tn_response_header(refuse(request, SECOND + 1), "retry-after"), "2");
	tn_test_end(test);
}

static void a_rate_is_never_rounded_up(void)
{
	const struct env env = { .REQUESTS = 1000, .PERIOD = 1000, .BURST = 10 };
	const struct env slow = { .REQUESTS = 3, .PERIOD = 60000 };

	CHECK_NUMBER(limit_of(&env).interval, 66); /* of 65.5 ticks */
	CHECK_NUMBER(limit_of(&env).full, 660);
	CHECK_NUMBER(limit_of(&slow).interval, 20 * SECOND);
	CHECK_NUMBER(limit_of(&slow).full, 60 * SECOND);
}

static const char *problem(int64_t requests, int64_t period, int64_t burst)
{
	struct env env = { .REQUESTS = requests, .PERIOD = period, .BURST = burst };
	const char *reason;

	env.table = new_table();
	reason = start(&env);
	CU_ASSERT((atomic_load(&env.table->seed) != 0) == !reason);
	free(env.table);
	return reason;
}

static void a_limit_that_cannot_be_kept_does_not_start(void)
{
	static const char slow[] = "an empty bucket would take more than 100 days to fill: lower "
				   "var.PERIOD or var.BURST";

	CHECK_TEXT(problem(10, 1000, 0), NULL);
	CHECK_TEXT(problem(1000, 1000, 1000000), NULL);
	CHECK_TEXT(problem(1, INT64_C(100) * 86400 * 1000, 0), NULL);
	CHECK_TEXT(problem(0, 1000, 0), "var.REQUESTS and var.PERIOD have to be at least 1");
	CHECK_TEXT(problem(1, 0, 0), "var.REQUESTS and var.PERIOD have to be at least 1");
	CHECK_TEXT(problem(1, 1000, -1), "var.BURST and var.REQUESTS can be at most 1000000");
	CHECK_TEXT(problem(1001, 1000, 1),
	           "more than 1000 requests in a second: lower var.REQUESTS");
	CHECK_TEXT(problem(1, 3600 * 1000, 1000000), slow);
	CHECK_TEXT(problem(1, INT64_MAX, 1), slow);
}

/* Every process draws, and the first one's counts. */
static void the_seed_is_drawn_once(void)
{
	struct table *table = new_table();
	struct env env = { .REQUESTS = 1, .PERIOD = 1000, .table = table };
	uint64_t seed;

	CHECK_TEXT(start(&env), NULL);
	seed = atomic_load(&table->seed);
	CHECK_TEXT(start(&env), NULL);
	CU_ASSERT(seed != 0 && atomic_load(&table->seed) == seed);
	free(table);
}

TEST_MAIN("plugins/ratelimit",
          TEST(a_client_has_a_burst_and_then_the_rate),
          TEST(clients_have_buckets_of_their_own),
          TEST(who_is_refused_is_told_how_long_to_wait),
          TEST(being_refused_costs_nothing),
          TEST(the_clock_is_the_one_since_boot),
          TEST(a_clock_that_is_a_little_behind_gives_no_token),
          TEST(a_clock_that_wraps_changes_nothing),
          TEST(what_was_left_for_years_is_no_more_than_an_empty_bucket),
          TEST(a_limit_that_a_reload_has_raised_counts_at_once),
          TEST(a_full_set_forgets_the_fullest_bucket),
          TEST(a_newcomer_always_has_a_full_bucket),
          TEST(the_hash_chooses_among_all_sets),
          TEST(a_bucket_that_is_full_again_is_forgotten_first),
          TEST(at_once_no_token_is_given_twice_and_none_is_lost),
          TEST(an_address_is_a_client),
          TEST(half_of_an_ipv6_address_is_a_client),
          TEST(behind_the_burst_it_answers_429),
          TEST(retry_after_is_in_seconds_rounded_up),
          TEST(a_rate_is_never_rounded_up),
          TEST(a_limit_that_cannot_be_kept_does_not_start),
          TEST(the_seed_is_drawn_once))
