#include "message/trace.h"

#include "cunit.h"
#include "fixture.h"
#include "framework/capture.h"
#include "message/response.h"
#include "message/waits.h"
#include "threads.h"

/* ---- Workers that do what their env says ---------------------------------------------------- */

struct env {
	struct tn_service self;
	const struct tn_service *one, *other;
	struct tn_response *(*behave)(struct tn_request *request, const struct env *env);
};

static struct tn_response *worker(struct tn_request *request, const struct env *env)
{
	return env->behave(request, env);
}

TN_WORKER(worker, struct env, TN_SERVICE_OPTIONAL(one), TN_SERVICE_OPTIONAL(other),
          TN_STATE(behave));

static struct tn_response *answer(struct tn_request *request, const struct env *env)
{
	return tn_response_text(request, 203, env->self.name);
}

static struct tn_response *fail(struct tn_request *request, const struct env *env)
{
	(void)request;
	(void)env;
	return NULL;
}

static struct tn_response *call_one(struct tn_request *request, const struct env *env)
{
	return tn_fetch(env->one, request);
}

static struct tn_response *call_one_and_other(struct tn_request *request, const struct env *env)
{
	tn_fetch(env->one, request);
	return tn_fetch(env->other, request);
}

static struct tn_response *call_both_at_once(struct tn_request *request, const struct env *env)
{
	struct tn_call calls[] = {
		{ .service = env->one, .request = request },
		{ .service = env->other, .request = request },
	};

	tn_fetch_all(request, calls, 2);
	return tn_response_new(request, 200);
}

/* Until it may not call any more. */
static struct tn_response *call_one_often(struct tn_request *request, const struct env *env)
{
	while (tn_fetch(env->one, request))
		;
	return NULL;
}

static struct tn_response *call_one_too_often(struct tn_request *request, const struct env *env)
{
	for (int i = 0; i < TN_TRACED_MOST + 10; i++)
		tn_fetch(env->one, request);
	return NULL;
}

struct note {
	const struct tn_request *request;
	const struct env *env;
};

static void call_later(void *argument)
{
	const struct note *note = argument;

	tn_fetch(note->env->one, tn_request_new(note->request, "GET", "/"));
}

static struct tn_response *leave_a_call(struct tn_request *request, const struct env *env)
{
	struct note *note = tn_allocate(request, sizeof(*note));

	*note = (struct note){ request, env };
	tn_wait_until(request, call_later, note);
	return tn_response_new(request, 200);
}

/* ---- An exchange that is traced ------------------------------------------------------------- */

struct world {
	struct fixture fixture;
	struct tn_tracer *tracer;
	struct env first, second, third;
};

static void begin_with(struct world *world, const struct tn_limits *limits)
{
	*world = (struct world){ .tracer = tn_tracer_create() };
	world->first = (struct env){ { .fetch = fetch, .name = "first" }, NULL, NULL, answer };
	world->second = (struct env){ { .fetch = fetch, .name = "second" }, NULL, NULL, answer };
	world->third = (struct env){ { .fetch = fetch, .name = "third" }, NULL, NULL, answer };
	world->first.one = &world->second.self;
	world->first.other = &world->third.self;
	world->second.one = &world->third.self;
	tn_exchange_pool_init(&world->fixture.pool, limits, 1);
	tn_tracer_watch(world->tracer, &world->fixture.pool.limits);
	fixture_begin(&world->fixture);
}

static void begin(struct world *world)
{
	begin_with(world, &tn_limits_default);
}

static struct tn_response *call(struct world *world)
{
	return tn_fetch(&world->first.self, world->fixture.request);
}

/* "first/200 second<first/NULL": the calls in their order, each with who called it. */
static const char *told(struct world *world)
{
	static char text[4096];
	size_t lost, size = 0;

	text[0] = '\0';
	for (const struct tn_traced *at = tn_tracer_calls(world->tracer, &lost); at; at = at->next)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s%s%s%s%s/%d",
		                         size ? " " : "", at->service->name,
		                         at->caller ? "<" : "",
		                         at->caller ? at->caller->service->name : "",
		                         at->later ? "," : "", at->later ? at->later->name : "",
		                         at->ended ? at->status : -1);
	CHECK_NUMBER(lost, 0);
	return text;
}

static void end(struct world *world)
{
	fixture_finish(&world->fixture);
	tn_tracer_destroy(world->tracer);
}

/* ---- What is told --------------------------------------------------------------------------- */

static void a_call_is_told_with_its_status(void)
{
	struct tn_response *response;
	struct world world;

	begin(&world);
	response = call(&world);
	CHECK_NUMBER(tn_response_status(response), 203);
	CHECK_TEXT(tn_response_body(response).data, "first");
	CHECK_TEXT(told(&world), "first/203");
	end(&world);
}

static void a_call_lies_within_its_caller(void)
{
	const struct tn_traced *calls;
	struct world world;
	size_t lost;

	begin(&world);
	world.first.behave = call_one;
	call(&world);
	calls = tn_tracer_calls(world.tracer, &lost);
	CU_ASSERT(calls[0].begun <= calls[1].begun && calls[1].begun <= calls[1].ended);
	CU_ASSERT(calls[1].ended <= calls[0].ended);
	end(&world);
}

static void each_call_has_its_caller(void)
{
	struct world world;

	begin(&world);
	world.first.behave = call_one_and_other;
	world.second.behave = call_one;
	call(&world);
	CHECK_TEXT(told(&world), "first/203 second<first/203 third<second/203 third<first/203");
	end(&world);
}

static void null_has_no_status(void)
{
	struct world world;

	begin(&world);
	world.first.behave = call_one_and_other;
	world.second.behave = fail;
	capture_begin();
	CHECK_NUMBER(tn_response_status(call(&world)), 203);
	CHECK_NUMBER(capture_lines(capture_end(), "worker=second chain=first>second: returned "
	                                          "NULL"),
	             1);
	CHECK_TEXT(told(&world), "first/203 second<first/0 third<first/203");
	end(&world);
}

static void calls_at_once_are_told(void)
{
	struct threads *threads = threads_create(2);
	struct world world;
	const char *text;

	begin(&world);
	world.fixture.exchange->executor = &threads->executor;
	world.first.behave = call_both_at_once;
	world.second.behave = call_one;
	tn_service_set_waits(&world.second.self);
	tn_service_set_waits(&world.third.self);
	CHECK_NUMBER(tn_response_status(call(&world)), 200);
	text = told(&world);
	CHECK_NUMBER(strncmp(text, "first/200 ", 10), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " second<first/203"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " third<second/203"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " third<first/203"));
	CHECK_NUMBER(threads->submitted, 1);
	threads_stop(threads, 2);
	end(&world);
	threads_destroy(threads);
}

static void what_is_called_after_the_reply_tells_for_whom(void)
{
	struct world world;

	begin(&world);
	world.first.behave = leave_a_call;
	world.second.behave = call_one;
	call(&world);
	fixture_end(&world.fixture);
	CHECK_TEXT(told(&world), "first/200 second,first/203 third<second/203");
	tn_exchange_pool_finish(&world.fixture.pool);
	tn_tracer_destroy(world.tracer);
}

/* What it leaves there is no call of the one that called it. */
static void what_a_call_at_once_leaves_comes_after_the_reply(void)
{
	struct threads *threads = threads_create(2);
	struct world world;
	const char *text;

	begin(&world);
	world.fixture.exchange->executor = &threads->executor;
	world.first.behave = call_both_at_once;
	world.second.behave = leave_a_call;
	world.third.behave = leave_a_call;
	world.third.one = &world.second.self;
	world.second.one = &world.third.self;
	tn_service_set_waits(&world.second.self);
	tn_service_set_waits(&world.third.self);
	call(&world);
	world.second.behave = answer;
	world.third.behave = answer;
	fixture_end(&world.fixture);
	text = told(&world);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " third,second/203"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " second,third/203"));
	tn_exchange_pool_finish(&world.fixture.pool);
	threads_stop(threads, 2);
	tn_tracer_destroy(world.tracer);
	threads_destroy(threads);
}

static void a_call_that_another_answers_is_told(void)
{
	struct world world;

	begin(&world);
	tn_tracer_note(world.fixture.exchange, &world.second.self, 503);
	CHECK_TEXT(told(&world), "second/503");
	end(&world);
}

/* ---- What stays the same -------------------------------------------------------------------- */

static void the_limits_are_those_of_the_configuration(void)
{
	static const struct tn_limits limits = { .max_depth = 3,
		                                 .max_calls = 5,
		                                 .request_memory = 1 << 20 };
	struct world world;
	const char *log;

	begin_with(&world, &limits);
	world.first.one = &world.first.self;
	world.first.behave = call_one;
	capture_begin();
	CU_ASSERT_PTR_NULL(call(&world));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "call of 'first' refused: 3 calls deep is max_depth"), 1);
	CHECK_NUMBER(world.fixture.exchange->calls, 3);
	CHECK_TEXT(told(&world), "first/0 first<first/0 first<first/0 first<first/0");
	end(&world);
	begin_with(&world, &limits);
	world.first.behave = call_one_often;
	capture_begin();
	CU_ASSERT_PTR_NULL(call(&world));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "call of 'second' refused: 5 calls are max_calls"), 1);
	CHECK_NUMBER(world.fixture.exchange->calls, 5);
	end(&world);
}

static void the_log_shows_the_same_chain(void)
{
	char chain[TN_CHAIN_SIZE];
	struct world world;

	begin(&world);
	world.first.behave = call_one_and_other;
	world.second.behave = call_one;
	call(&world);
	CHECK_TEXT(tn_exchange_chain(world.fixture.exchange, chain), "first(second(third),third)");
	end(&world);
}

static void another_service_is_refused(void)
{
	struct tn_service other = { .fetch = tn_worker_unavailable, .name = "other" };
	struct world world;

	begin(&world);
	capture_begin();
	CU_ASSERT_PTR_NULL(fetch(world.fixture.request, &other));
	CHECK_NUMBER(capture_lines(capture_end(), "was called with another service, 'other'"), 1);
	CU_ASSERT_PTR_NULL(fetch(NULL, &world.first.self));
	CHECK_TEXT(told(&world), "");
	end(&world);
}

/* ---- What has no end ------------------------------------------------------------------------ */

static void calls_beyond_the_most_are_counted(void)
{
	static const struct tn_limits limits = { .max_depth = 3,
		                                 .max_calls = 3 * TN_TRACED_MOST,
		                                 .request_memory = 64 << 20 };
	const struct tn_traced *calls;
	size_t lost, count = 0;
	struct world world;

	begin_with(&world, &limits);
	world.first.behave = call_one_too_often;
	world.second.behave = call_one;
	capture_begin();
	call(&world);
	capture_end();
	calls = tn_tracer_calls(world.tracer, &lost);
	for (; calls; calls = calls->next)
		count++;
	CHECK_NUMBER(count, TN_TRACED_MOST);
	CHECK_NUMBER(lost, 1 + 2 * (TN_TRACED_MOST + 10) - TN_TRACED_MOST);
	end(&world);
}

static void what_was_told_stays(void)
{
	struct world world;

	begin(&world);
	call(&world);
	CHECK_TEXT(told(&world), "first/203");
	call(&world);
	CHECK_TEXT(told(&world), "first/203");
	end(&world);
	tn_tracer_destroy(NULL);
}

TEST_MAIN("message/trace", TEST(a_call_is_told_with_its_status),
          TEST(a_call_lies_within_its_caller), TEST(each_call_has_its_caller),
          TEST(null_has_no_status), TEST(calls_at_once_are_told),
          TEST(what_is_called_after_the_reply_tells_for_whom),
          TEST(what_a_call_at_once_leaves_comes_after_the_reply),
          TEST(a_call_that_another_answers_is_told),
          TEST(the_limits_are_those_of_the_configuration), TEST(the_log_shows_the_same_chain),
          TEST(another_service_is_refused), TEST(calls_beyond_the_most_are_counted),
          TEST(what_was_told_stays))
