#include "message/quarantine.h"

#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"
#include "observe/log.h"

#include <string.h>

/* ---- A Worker behind a mark, and one that calls it ------------------------------------------ */

struct env {
	struct tn_service self;
	const struct tn_service *binding;
	struct tn_response *(*behave)(struct tn_request *request, const struct env *env);
};

static unsigned handled;

static struct tn_response *worker(struct tn_request *request, const struct env *env)
{
	handled++;
	return env->behave(request, env);
}

TN_WORKER(worker, struct env, TN_SERVICE_OPTIONAL(binding), TN_STATE(behave));

static struct tn_response *answer(struct tn_request *request, const struct env *env)
{
	return tn_response_text(request, 200, env->self.name);
}

static struct tn_response *pass_on(struct tn_request *request, const struct env *env)
{
	return tn_fetch(env->binding, tn_request_clone(request));
}

static struct tn_response *go_on(struct tn_request *request, const struct env *env)
{
	if (tn_response_status(tn_fetch(env->binding, tn_request_clone(request))) != 503)
		return NULL;
	return tn_response_text(request, 200, "without");
}

static struct tn_response *go_on_and_fail(struct tn_request *request, const struct env *env)
{
	go_on(request, env);
	return NULL;
}

static struct tn_response *try_again(struct tn_request *request, const struct env *env)
{
	while (tn_response_status(tn_fetch(env->binding, tn_request_clone(request))) == 503)
		;
	return NULL;
}

struct world {
	struct fixture fixture;
	_Atomic uint8_t mark;
	struct env auth;
	struct env gateway;
};

static void begin(struct world *world, enum tn_quarantine_level level,
                  struct tn_response *(*behave)(struct tn_request *request, const struct env *env))
{
	*world = (struct world){
		.mark = (uint8_t)level,
		.auth = { .self = { .fetch = fetch, .name = "auth" }, .behave = answer },
		.gateway = { .self = { .fetch = fetch, .name = "gateway" },
		             .binding = &world->auth.self,
		             .behave = behave },
	};
	tn_quarantine_mark(&world->auth.self, &world->mark);
	fixture_init(&world->fixture);
	handled = 0;
}

static void finish(struct world *world)
{
	fixture_finish(&world->fixture);
}

static struct tn_response *call(const struct world *world)
{
	return tn_fetch(&world->gateway.self, world->fixture.request);
}

/* ---- Calling it ----------------------------------------------------------------------------- */

static void a_mark_is_read_whenever_it_is_asked(void)
{
	struct tn_service service = { .name = "auth" };
	_Atomic uint8_t mark = TN_QUARANTINE_NONE;

	CU_ASSERT_FALSE(tn_quarantine_holds(&service));
	tn_quarantine_mark(&service, &mark);
	CU_ASSERT_FALSE(tn_quarantine_holds(&service));
	for (mark = TN_QUARANTINE_REQUESTS; mark <= TN_QUARANTINE_LOAD; mark++)
		CU_ASSERT_TRUE(tn_quarantine_holds(&service));
	mark = TN_QUARANTINE_NONE;
	CU_ASSERT_FALSE(tn_quarantine_holds(&service));
	tn_quarantine_mark(&service, NULL);
	CU_ASSERT_FALSE(tn_quarantine_holds(&service));
}

static void the_mark_is_not_the_workers_number(void)
{
	static const _Atomic uint8_t mark;
	struct tn_service service = { .name = "auth" };

	tn_activity_set_number(&service, 6);
	tn_quarantine_mark(&service, &mark);
	CHECK_NUMBER(tn_activity_number(&service), 7);
}

static void the_caller_gets_a_503_like_any_other(void)
{
	struct world world;
	struct tn_response *response;

	begin(&world, TN_QUARANTINE_REQUESTS, pass_on);
	capture_begin();
	response = call(&world);
	CHECK_TEXT(capture_end(), "");
	CHECK_NUMBER(handled, 1);
	CHECK_NUMBER(tn_response_status(response), 503);
	CHECK_TEXT(tn_response_body(response).data, "Service Unavailable\n");
	CHECK_NUMBER(tn_response_body(response).size, strlen("Service Unavailable\n"));
	CHECK_TEXT(tn_response_header(response, "content-type"), "text/plain;charset=UTF-8");
	CU_ASSERT_PTR_NULL(tn_response_header(response, "retry-after"));
	CU_ASSERT_TRUE(tn_response_set_header(response, "retry-after", "10"));
	CU_ASSERT_TRUE(tn_response_set_body(response, "later", 5));
	finish(&world);
}

static void so_does_the_client_of_one_with_a_route(void)
{
	struct world world;

	begin(&world, TN_QUARANTINE_REQUESTS, answer);
	CHECK_NUMBER(tn_response_status(tn_fetch(&world.auth.self, world.fixture.request)), 503);
	CHECK_NUMBER(handled, 0);
	finish(&world);
}

/* The very exchange that began before need not end. */
static void it_is_entered_again_once_it_is_released(void)
{
	struct world world;

	begin(&world, TN_QUARANTINE_LOAD, pass_on);
	CHECK_NUMBER(tn_response_status(call(&world)), 503);
	world.mark = TN_QUARANTINE_NONE;
	CHECK_TEXT(tn_response_body(call(&world)).data, "auth");
	world.mark = TN_QUARANTINE_START;
	CHECK_NUMBER(tn_response_status(call(&world)), 503);
	finish(&world);
}

static void the_caller_can_go_on_without(void)
{
	struct world world;

	begin(&world, TN_QUARANTINE_REQUESTS, go_on);
	CHECK_TEXT(tn_response_body(call(&world)).data, "without");
	finish(&world);
}

/* It has got a response: nobody has failed it. */
static void a_null_of_the_caller_is_its_own(void)
{
	struct world world;
	const char *log;

	begin(&world, TN_QUARANTINE_REQUESTS, go_on_and_fail);
	capture_begin();
	CU_ASSERT_PTR_NULL(call(&world));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "worker=gateway: returned NULL"), 1);
	finish(&world);
}

static void nothing_is_left_entered(void)
{
	struct tn_activity activity = { 0 };
	struct world world;
	char text[TN_CHAIN_SIZE];

	begin(&world, TN_QUARANTINE_REQUESTS, pass_on);
	world.fixture.exchange->activity = &activity;
	call(&world);
	CHECK_NUMBER(world.fixture.exchange->depth, 0);
	CHECK_NUMBER(atomic_load(&activity.depth), 0);
	CHECK_NUMBER(atomic_load(&activity.chain[1]), 0);
	CHECK_TEXT(tn_exchange_chain(world.fixture.exchange, text), "gateway(auth)");
	finish(&world);
}

/* Whoever tries until it is answered otherwise would else hold up its loop for ever. */
static void it_counts_as_a_call(void)
{
	struct world world;
	const char *log;

	begin(&world, TN_QUARANTINE_REQUESTS, try_again);
	capture_begin();
	CU_ASSERT_PTR_NULL(call(&world));
	log = capture_end();
	CHECK_NUMBER(world.fixture.exchange->calls, 1000);
	CHECK_NUMBER(capture_lines(log, "call of 'auth' refused: 1000 calls are max_calls"), 1);
	finish(&world);
}

static void an_exchange_tells_it_once_to_who_wants_to_know(void)
{
	struct world world;
	const char *log;

	begin(&world, TN_QUARANTINE_REQUESTS, pass_on);
	tn_log_set_level(TN_LOG_DEBUG);
	capture_begin();
	call(&world);
	call(&world);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, " debug request="), 1);
	CHECK_NUMBER(capture_lines(log, "worker=gateway: call of 'auth' answered with 503: it is "
	                                "in quarantine"),
	             1);
	fixture_end(&world.fixture);
	fixture_begin(&world.fixture);
	capture_begin();
	call(&world);
	CHECK_NUMBER(capture_lines(capture_end(), "in quarantine"), 1);
	tn_log_set_level(TN_LOG_INFO);
	finish(&world);
}

static void without_memory_it_fails_as_anything_does(void)
{
	struct world world;
	const char *log;

	begin(&world, TN_QUARANTINE_REQUESTS, pass_on);
	fixture_exhaust(&world.fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&world.auth.self, world.fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "no memory"), 1);
	finish(&world);
}

/* ---- One that is not loaded ----------------------------------------------------------------- */

static void one_that_is_not_loaded_gives_a_503(void)
{
	static const _Atomic uint8_t absent = TN_QUARANTINE_LOAD;
	const struct tn_service bare = { .fetch = tn_worker_unavailable, .name = "auth" };
	struct tn_service marked = bare;
	struct world world;
	char text[TN_CHAIN_SIZE];

	begin(&world, TN_QUARANTINE_NONE, pass_on);
	tn_quarantine_mark(&marked, &absent);
	world.gateway.binding = &marked;
	CHECK_NUMBER(tn_response_status(call(&world)), 503);
	CHECK_TEXT(tn_exchange_chain(world.fixture.exchange, text), "gateway(auth)");
	CHECK_NUMBER(world.fixture.exchange->depth, 0);
	world.gateway.binding = &bare;
	CHECK_NUMBER(tn_response_status(call(&world)), 503);
	CHECK_NUMBER(world.fixture.exchange->depth, 0);
	finish(&world);
}

static void it_is_called_as_any_other(void)
{
	const struct tn_service service = { .fetch = tn_worker_unavailable, .name = "auth" };
	struct world world;
	const char *log;

	begin(&world, TN_QUARANTINE_NONE, answer);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_worker_unavailable(NULL, &service));
	CU_ASSERT_PTR_NULL(tn_worker_unavailable(world.fixture.request, &world.auth.self));
	CU_ASSERT_PTR_NULL(tn_worker_unavailable(world.fixture.request, NULL));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 2);
	CHECK_NUMBER(capture_lines(log, "called with another service, 'auth'"), 1);
	finish(&world);
}

TEST_MAIN("message/quarantine",
          TEST(a_mark_is_read_whenever_it_is_asked),
          TEST(the_mark_is_not_the_workers_number),
          TEST(the_caller_gets_a_503_like_any_other),
          TEST(so_does_the_client_of_one_with_a_route),
          TEST(it_is_entered_again_once_it_is_released),
          TEST(the_caller_can_go_on_without),
          TEST(a_null_of_the_caller_is_its_own),
          TEST(nothing_is_left_entered),
          TEST(it_counts_as_a_call),
          TEST(an_exchange_tells_it_once_to_who_wants_to_know),
          TEST(without_memory_it_fails_as_anything_does),
          TEST(one_that_is_not_loaded_gives_a_503),
          TEST(it_is_called_as_any_other))
