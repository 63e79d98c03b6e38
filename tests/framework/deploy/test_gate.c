#include "deploy/gate.h"

#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"
#include "message/waits.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#define LONG 3600000 /* ms: what no test comes near to */

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* ---- Workers, and a gate before one of them ------------------------------------------------- */

struct env {
	struct tn_service self;
	const struct tn_service *binding;
	struct tn_response *(*behave)(struct tn_request *request, const struct env *env);
};

/* What the Worker that was called last found. */
static struct {
	unsigned calls;
	int64_t deadline;
	int64_t running;
	struct tn_limit *limit;
	const struct tn_response *response;
} seen;

static struct tn_response *worker(struct tn_request *request, const struct env *env)
{
	return env->behave(request, env);
}

TN_WORKER(worker, struct env, TN_SERVICE_OPTIONAL(binding), TN_STATE(behave));

static struct tn_response *answer(struct tn_request *request, const struct env *env)
{
	struct tn_response *response = tn_response_text(request, 200, env->self.name);

	seen.calls++;
	seen.deadline = request->exchange->deadline;
	seen.running = seen.limit ? tn_limit_running(seen.limit) : 0;
	seen.response = response;
	return response;
}

/* Comes back as soon as it is too late. */
static struct tn_response *answer_late(struct tn_request *request, const struct env *env)
{
	while (now() < request->exchange->deadline)
		sched_yield();
	return answer(request, env);
}

static struct tn_response *answer_busy_late(struct tn_request *request, const struct env *env)
{
	answer_late(request, env);
	return tn_response_text(request, 503, "of its own");
}

static struct tn_response *answer_null(struct tn_request *request, const struct env *env)
{
	answer(request, env);
	return NULL;
}

static struct tn_response *pass_on(struct tn_request *request, const struct env *env)
{
	return tn_fetch(env->binding, request);
}

static struct tn_response *call_until_answered(struct tn_request *request, const struct env *env)
{
	struct tn_response *response = tn_fetch(env->binding, request);

	while (tn_response_status(response) == 503)
		response = tn_fetch(env->binding, request);
	return response;
}

struct world {
	struct fixture fixture;
	struct env callee;
	struct env caller;
	struct tn_gate gate;
	struct tn_limit *limit;
	const struct tn_service *bound;
};

static void begin(struct world *world, int64_t timeout, int64_t concurrency, int64_t queue_timeout)
{
	memset(world, 0x5a, sizeof(*world));
	world->limit = concurrency ? tn_limit_create(concurrency) : NULL;
	world->callee = (struct env){ .self = { .fetch = fetch, .name = "callee" },
		                      .behave = answer };
	world->bound = tn_gate_init(&world->gate, &world->callee.self,
	                            &(struct tn_gate_options){ .limit = world->limit,
	                                                       .timeout = timeout,
	                                                       .queue_timeout = queue_timeout });
	world->caller = (struct env){ .self = { .fetch = fetch, .name = "caller" },
		                      .binding = world->bound,
		                      .behave = pass_on };
	memset(&seen, 0, sizeof(seen));
	seen.limit = world->limit;
	fixture_init(&world->fixture);
}

static void end(struct world *world)
{
	if (world->limit)
		CHECK_NUMBER(tn_limit_running(world->limit), 0);
	fixture_finish(&world->fixture);
	tn_limit_destroy(world->limit);
}

static struct tn_response *call(struct world *world)
{
	return tn_fetch(world->bound, world->fixture.request);
}

static const char *chain(const struct world *world)
{
	static char text[TN_CHAIN_SIZE];

	return tn_exchange_chain(world->fixture.exchange, text);
}

/* ---- Passing through ------------------------------------------------------------------------ */

static void what_comes_in_time_is_the_callees_own_response(void)
{
	struct world world;

	begin(&world, LONG, 1, LONG);
	CU_ASSERT_PTR_EQUAL(call(&world), seen.response);
	CHECK_NUMBER(seen.calls, 1);
	CHECK_NUMBER(seen.running, 1);
	CHECK_TEXT(chain(&world), "callee");
	CHECK_NUMBER(world.fixture.exchange->depth, 0);
	end(&world);
}

static void it_has_the_callees_name_and_waits_as_that_does(void)
{
	struct tn_service callee = { .fetch = fetch, .name = "callee" };
	struct tn_gate_options options = { .timeout = 1 };
	struct tn_gate gate;
	const struct tn_service *bound;

	memset(&gate, 0x5a, sizeof(gate));
	bound = tn_gate_init(&gate, &callee, &options);
	CU_ASSERT_PTR_EQUAL(bound, &gate.self);
	CHECK_TEXT(bound->name, "callee");
	CU_ASSERT(bound->fetch == tn_gate_fetch);
	CU_ASSERT_FALSE(tn_service_waits(bound));
	tn_service_set_waits(&callee);
	CU_ASSERT_TRUE(tn_service_waits(&callee));
	CU_ASSERT_TRUE(tn_service_waits(tn_gate_init(&gate, &callee, &options)));
	CU_ASSERT_FALSE(tn_service_waits(NULL));
}

static void a_failure_of_the_callee_is_passed_on_and_told_once(void)
{
	struct world world;
	const char *log;

	begin(&world, LONG, 1, LONG);
	world.callee.behave = answer_null;
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&world.caller.self, world.fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "returned NULL"), 1);
	end(&world);
}

static void another_service_is_refused(void)
{
	struct world world;
	const char *log;

	begin(&world, LONG, 1, LONG);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_gate_fetch(world.fixture.request, &world.callee.self));
	CU_ASSERT_PTR_NULL(tn_gate_fetch(world.fixture.request, NULL));
	CU_ASSERT_PTR_NULL(tn_gate_fetch(NULL, world.bound));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "the fetch of '(gate)' was called with another"), 2);
	CHECK_NUMBER(capture_lines(log, ""), 2);
	CHECK_NUMBER(seen.calls, 0);
	end(&world);
}

/* ---- Deadlines ------------------------------------------------------------------------------ */

static void the_deadline_holds_for_the_call_alone(void)
{
	struct world world;
	int64_t before = now();

	begin(&world, LONG, 0, 0);
	CU_ASSERT_PTR_NOT_NULL(call(&world));
	CU_ASSERT(seen.deadline >= before + LONG && seen.deadline <= now() + LONG);
	CU_ASSERT_EQUAL(world.fixture.exchange->deadline, INT64_MAX);
	end(&world);
}

static void an_earlier_deadline_stays(void)
{
	struct world world;
	int64_t deadline = now() + LONG / 2;

	begin(&world, LONG, 0, 0);
	world.fixture.exchange->deadline = deadline;
	CU_ASSERT_PTR_NOT_NULL(call(&world));
	CHECK_NUMBER(seen.deadline, deadline);
	CHECK_NUMBER(world.fixture.exchange->deadline, deadline);
	end(&world);
}

static void without_a_timeout_the_deadline_is_let_be(void)
{
	struct world world;

	begin(&world, 0, 1, LONG);
	CU_ASSERT_PTR_NOT_NULL(call(&world));
	CU_ASSERT_EQUAL(seen.deadline, INT64_MAX);
	end(&world);
}

/* The caller is not told to have returned NULL by itself. */
static void what_comes_late_is_thrown_away_and_told_once(void)
{
	struct world world;
	const char *log;

	begin(&world, 5, 1, LONG);
	world.callee.behave = answer_late;
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&world.caller.self, world.fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "call of 'callee' took "), 1);
	CHECK_NUMBER(capture_lines(log, " ms, its timeout is 5 ms: its reply is thrown away"), 1);
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(seen.calls, 1);
	CU_ASSERT_EQUAL(world.fixture.exchange->deadline, INT64_MAX);
	end(&world);
}

/* Only the host's own 503 is never late. */
static void a_late_503_of_the_callee_is_late_too(void)
{
	struct world world;

	begin(&world, 5, 0, 0);
	world.callee.behave = answer_busy_late;
	capture_begin();
	CU_ASSERT_PTR_NULL(call(&world));
	CHECK_NUMBER(capture_lines(capture_end(), "thrown away"), 1);
	end(&world);
}

/* Who set the deadline tells of it, too. */
static void behind_a_callers_deadline_it_is_silent(void)
{
	struct world world;
	const char *log;

	begin(&world, LONG, 0, 0);
	world.callee.behave = answer_late;
	world.fixture.exchange->deadline = now() + 5;
	capture_begin();
	CU_ASSERT_PTR_NULL(call(&world));
	CHECK_NUMBER(seen.calls, 1);
	CU_ASSERT_PTR_NULL(tn_fetch(&world.caller.self, world.fixture.request));
	log = capture_end();
	CHECK_NUMBER(seen.calls, 1); /* nobody is called whose reply would be thrown away */
	CHECK_TEXT(log, "");
	end(&world);
}

/* ---- Limits --------------------------------------------------------------------------------- */

static void check_turned_away(struct tn_response *response)
{
	CHECK_NUMBER(tn_response_status(response), 503);
	CHECK_TEXT(tn_response_header(response, "Retry-After"), "1");
	CHECK_NUMBER(seen.calls, 0);
}

static void who_has_waited_queue_timeout_gets_a_503(void)
{
	struct world world;
	const char *log;
	int64_t before = now();

	begin(&world, LONG, 1, 10);
	CU_ASSERT_TRUE(tn_limit_try(world.limit));
	capture_begin();
	check_turned_away(tn_fetch(&world.caller.self, world.fixture.request));
	log = capture_end();
	CU_ASSERT(now() >= before + 10);
	CHECK_NUMBER(capture_lines(log, "call of 'callee' answered with 503: its turn has not "
	                                "come in "),
	             1);
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_TEXT(chain(&world), "caller(callee)");
	tn_limit_leave(world.limit);
	end(&world);
}

/* It has been refused in time, and nothing has been done: another try is safe. */
static void a_place_is_not_waited_for_beyond_the_deadline(void)
{
	struct world world;

	begin(&world, 10, 1, LONG);
	CU_ASSERT_TRUE(tn_limit_try(world.limit));
	capture_begin();
	check_turned_away(call(&world));
	capture_end();
	CU_ASSERT_EQUAL(world.fixture.exchange->deadline, INT64_MAX);
	tn_limit_leave(world.limit);
	end(&world);
	begin(&world, 0, 1, LONG);
	CU_ASSERT_TRUE(tn_limit_try(world.limit));
	world.fixture.exchange->deadline = now() + 10;
	capture_begin();
	check_turned_away(call(&world));
	capture_end();
	tn_limit_leave(world.limit);
	end(&world);
}

static void *leave_when_somebody_waits(void *argument)
{
	struct tn_limit *limit = argument;

	while (!tn_limit_waiting(limit))
		sched_yield();
	tn_limit_leave(limit);
	return NULL;
}

static void a_place_that_becomes_free_is_taken(void)
{
	struct world world;
	pthread_t thread;

	begin(&world, LONG, 1, LONG);
	CU_ASSERT_TRUE(tn_limit_try(world.limit));
	CU_ASSERT_EQUAL_FATAL(
		pthread_create(&thread, NULL, leave_when_somebody_waits, world.limit), 0);
	CHECK_NUMBER(tn_response_status(call(&world)), 200);
	pthread_join(thread, NULL);
	CHECK_NUMBER(seen.running, 1);
	end(&world);
}

/* max_calls ends what would go on for ever. */
static void to_be_turned_away_counts_as_a_call(void)
{
	struct tn_limits limits = tn_limits_default;
	struct world world;
	const char *log;

	begin(&world, 0, 1, 0);
	fixture_finish(&world.fixture);
	limits.max_calls = 40;
	fixture_init_with(&world.fixture, &limits);
	CU_ASSERT_TRUE(tn_limit_try(world.limit));
	world.caller.behave = call_until_answered;
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&world.caller.self, world.fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "answered with 503"), 39);
	CHECK_NUMBER(capture_lines(log, "40 calls are max_calls"), 1);
	CHECK_NUMBER(world.fixture.exchange->calls, 40);
	CHECK_NUMBER(seen.calls, 0);
	tn_limit_leave(world.limit);
	end(&world);
}

static void without_memory_for_a_503_the_call_fails(void)
{
	struct world world;
	const char *log;

	begin(&world, 0, 1, 0);
	CU_ASSERT_TRUE(tn_limit_try(world.limit));
	fixture_exhaust(&world.fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&world.caller.self, world.fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "returned NULL"), 0);
	tn_limit_leave(world.limit);
	end(&world);
}

/* ---- Several threads ------------------------------------------------------------------------ */

#define THREADS 4
#define ROUNDS 500

static struct tn_response *answer_ok(struct tn_request *request, const struct env *env)
{
	(void)env;
	return tn_response_new(request, 200);
}

static void *call_often(void *argument)
{
	const struct world *world = argument;
	struct fixture fixture;
	uintptr_t answered = 0;

	fixture_init(&fixture);
	for (unsigned i = 0; i < ROUNDS; i++) {
		answered += tn_response_status(tn_fetch(world->bound, fixture.request)) == 200;
		fixture_end(&fixture);
		fixture_begin(&fixture);
	}
	fixture_finish(&fixture);
	return (void *)answered;
}

static void one_gate_serves_many_threads(void)
{
	struct world world;
	pthread_t threads[THREADS];
	void *answered;

	begin(&world, LONG, 2, LONG);
	world.callee.behave = answer_ok;
	for (unsigned i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, call_often, &world), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &answered);
		CHECK_NUMBER((uintptr_t)answered, ROUNDS);
	}
	end(&world);
}

TEST_MAIN("deploy/gate",
          TEST(what_comes_in_time_is_the_callees_own_response),
          TEST(it_has_the_callees_name_and_waits_as_that_does),
          TEST(a_failure_of_the_callee_is_passed_on_and_told_once),
          TEST(another_service_is_refused),
          TEST(the_deadline_holds_for_the_call_alone),
          TEST(an_earlier_deadline_stays),
          TEST(without_a_timeout_the_deadline_is_let_be),
          TEST(what_comes_late_is_thrown_away_and_told_once),
          TEST(a_late_503_of_the_callee_is_late_too),
          TEST(behind_a_callers_deadline_it_is_silent),
          TEST(who_has_waited_queue_timeout_gets_a_503),
          TEST(a_place_is_not_waited_for_beyond_the_deadline),
          TEST(a_place_that_becomes_free_is_taken),
          TEST(to_be_turned_away_counts_as_a_call),
          TEST(without_memory_for_a_503_the_call_fails),
          TEST(one_gate_serves_many_threads))
