#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"
#include "framework/message/threads.h"
#include "message/response.h"
#include "message/waits.h"

#include <sched.h>
#include <semaphore.h>
#include <string.h>

#define CALLS 8

/* One Worker for all: what each does is its env's. */
struct env {
	struct tn_service self;
	struct tn_response *(*behave)(struct tn_request *request, const struct env *env);
	const struct env *callees; /* for those that call */
	size_t count;
};

static struct tn_response *worker(struct tn_request *request, const struct env *env)
{
	return env->behave(request, env);
}

TN_WORKER(worker, struct env);

#define ENV(name_, behave_) \
	{ \
		.self = { .fetch = fetch, .name = (name_) }, .behave = (behave_), \
	}

#define WAITING(name_, behave_) \
	{ \
		.self = { .fetch = fetch, \
			  .name = (name_), \
			  .reserved = { [2] = (void *)TN_SERVICE_WAITS } }, \
		.behave = (behave_), \
	}

struct world {
	struct threads *threads;
	unsigned count; /* of threads */
	struct fixture fixture;
	struct tn_request *request;
};

static sem_t entered, go, ended;
static _Atomic unsigned lasts;
static pthread_t last_thread;

static void on_last(void *argument, struct tn_exchange *root)
{
	struct world *world = argument;

	CU_ASSERT(root == world->fixture.exchange);
	last_thread = pthread_self();
	atomic_fetch_add(&lasts, 1);
	sem_post(&ended);
}

static void begin_with(struct world *world, unsigned threads, const struct tn_limits *limits)
{
	sem_init(&entered, 0, 0);
	sem_init(&go, 0, 0);
	sem_init(&ended, 0, 0);
	atomic_store(&lasts, 0);
	world->threads = threads_create(threads);
	world->count = threads;
	tn_exchange_pool_init(&world->fixture.pool, limits, 1);
	world->fixture.pool.executor = &world->threads->executor;
	fixture_begin(&world->fixture);
	world->fixture.exchange->last = on_last;
	world->fixture.exchange->last_argument = world;
	world->request = world->fixture.request;
}

static void begin(struct world *world, unsigned threads)
{
	begin_with(world, threads, &tn_limits_default);
}

static void end(struct world *world)
{
	threads_stop(world->threads, world->count);
	fixture_finish(&world->fixture);
	threads_destroy(world->threads);
	sem_destroy(&entered);
	sem_destroy(&go);
	sem_destroy(&ended);
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore))
		;
}

static void prepare(struct tn_call *calls, const struct env *envs, size_t count,
                    struct tn_request *request)
{
	for (size_t i = 0; i < count; i++)
		calls[i] = (struct tn_call){ .service = &envs[i].self, .request = request };
}

static const char *text_of(const struct tn_response *response)
{
	return response ? tn_response_body(response).data : NULL;
}

static const char *chain_of(const struct world *world)
{
	static char text[TN_CHAIN_SIZE];

	return tn_exchange_chain(world->fixture.exchange, text);
}

/* ---- What Workers do ------------------------------------------------------------------------ */

static struct tn_response *say_name(struct tn_request *request, const struct env *env)
{
	return tn_response_text(request, 200, env->self.name);
}

static struct tn_response *say_nothing(struct tn_request *request, const struct env *env)
{
	(void)request;
	(void)env;
	return NULL;
}

/* Calls all of its callees at once and says what they said. */
static struct tn_response *call_all(struct tn_request *request, const struct env *env)
{
	struct tn_call calls[CALLS];
	const char *text = env->self.name;

	prepare(calls, env->callees, env->count, request);
	tn_fetch_all(request, calls, env->count);
	for (size_t i = 0; i < env->count; i++) {
		const char *said = text_of(calls[i].response);

		text = tn_format(request, "%s%s%s", text, i ? "," : ":", said ? said : "-");
	}
	return tn_response_text(request, 200, text);
}

static struct tn_response *call_all_or_fail(struct tn_request *request, const struct env *env)
{
	struct tn_call calls[CALLS];

	prepare(calls, env->callees, env->count, request);
	return tn_fetch_all(request, calls, env->count) == env->count ? calls[0].response : NULL;
}

/* ---- Order and threads ---------------------------------------------------------------------- */

static pthread_barrier_t barrier;

static struct tn_response *meet(struct tn_request *request, const struct env *env)
{
	pthread_barrier_wait(&barrier);
	return say_name(request, env);
}

static void those_that_wait_run_at_once_and_give_results_in_order(void)
{
	const struct env envs[] = { WAITING("a", meet), WAITING("b", meet), WAITING("c", meet),
		                    WAITING("d", meet) };
	struct tn_call calls[4];
	struct world world;

	begin(&world, 3);
	pthread_barrier_init(&barrier, NULL, 4);
	prepare(calls, envs, 4, world.request);
	CHECK_NUMBER(tn_fetch_all(world.request, calls, 4), 4);
	for (size_t i = 0; i < 4; i++) {
		CHECK_TEXT(text_of(calls[i].response), envs[i].self.name);
		CU_ASSERT_PTR_NULL(calls[i].reserved);
		CU_ASSERT(calls[i].response->exchange == world.fixture.exchange);
	}
	CHECK_NUMBER(world.threads->submitted, 3);
	CHECK_TEXT(chain_of(&world), "a,b,c,d");
	pthread_barrier_destroy(&barrier);
	end(&world);
}

static pthread_t threads_seen[CALLS];
static _Atomic unsigned order;

static struct tn_response *note_thread(struct tn_request *request, const struct env *env)
{
	threads_seen[env->self.name[0] - 'a'] = pthread_self();
	return tn_response_text(request, 200,
	                        tn_format(request, "%u", atomic_fetch_add(&order, 1)));
}

/* It ends when all others have been made, and they when it has begun. */
static struct tn_response *go_last(struct tn_request *request, const struct env *env)
{
	sem_post(&entered);
	wait_for(&go);
	return note_thread(request, env);
}

static struct tn_response *let_go(struct tn_request *request, const struct env *env)
{
	struct tn_response *response = note_thread(request, env);

	wait_for(&entered);
	sem_post(&go);
	return response;
}

static void what_does_not_wait_runs_here_in_order(void)
{
	const struct env envs[] = { ENV("a", note_thread), WAITING("b", go_last),
		                    ENV("c", note_thread), ENV("d", let_go) };
	struct tn_call calls[4];
	struct world world;

	begin(&world, 1);
	atomic_store(&order, 0);
	prepare(calls, envs, 4, world.request);
	CHECK_NUMBER(tn_fetch_all(world.request, calls, 4), 4);
	CHECK_TEXT(text_of(calls[0].response), "0");
	CHECK_TEXT(text_of(calls[1].response), "3");
	CHECK_TEXT(text_of(calls[2].response), "1");
	CHECK_TEXT(text_of(calls[3].response), "2");
	CU_ASSERT(pthread_equal(threads_seen[0], pthread_self()));
	CU_ASSERT(!pthread_equal(threads_seen[1], pthread_self()));
	CU_ASSERT(pthread_equal(threads_seen[2], pthread_self()));
	CU_ASSERT(pthread_equal(threads_seen[3], pthread_self()));
	CHECK_TEXT(chain_of(&world), "a,c,d,b");
	end(&world);
}

static void check_all_here(struct world *world, const char *chain)
{
	const struct env envs[] = { WAITING("a", note_thread), ENV("b", note_thread),
		                    WAITING("c", note_thread), WAITING("d", note_thread) };
	struct tn_call calls[4];

	atomic_store(&order, 0);
	prepare(calls, envs, 4, world->request);
	CHECK_NUMBER(tn_fetch_all(world->request, calls, 4), 4);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT(pthread_equal(threads_seen[i], pthread_self()));
	CHECK_NUMBER(world->fixture.exchange->calls, 4);
	CHECK_TEXT(chain_of(world), chain);
}

static void without_an_executor_all_is_done_here(void)
{
	struct world world;

	begin(&world, 0);
	world.fixture.exchange->executor = NULL;
	check_all_here(&world, "a,b,c,d");
	CU_ASSERT_PTR_NULL(world.fixture.exchange->children);
	CU_ASSERT(!world.fixture.exchange->shares);
	end(&world);
}

static void where_the_executor_refuses_all_is_done_here(void)
{
	struct world world;

	begin(&world, 0);
	world.threads->refuses = true;
	check_all_here(&world, "b,a,c,d");
	end(&world);
}

static void where_no_thread_is_free_all_is_done_here(void)
{
	struct world world;

	begin(&world, 0);
	check_all_here(&world, "b,a,c,d");
	CHECK_NUMBER(world.threads->submitted, 3);
	end(&world);
	CHECK_NUMBER(atomic_load(&order), 4);
}

static void a_single_call_needs_no_thread(void)
{
	const struct env env = WAITING("a", note_thread);
	struct tn_call call;
	struct world world;

	begin(&world, 1);
	prepare(&call, &env, 1, world.request);
	CHECK_NUMBER(tn_fetch_all(world.request, &call, 1), 1);
	CU_ASSERT(pthread_equal(threads_seen[0], pthread_self()));
	CHECK_NUMBER(world.threads->submitted, 0);
	end(&world);
}

/* Each waits for what it calls, and there is one thread: whoever waits must do it itself. */
static void calls_within_calls_need_no_more_threads(void)
{
	const struct env leaves[] = { WAITING("x", say_name), WAITING("y", say_name),
		                      WAITING("z", say_name) };
	struct env middle[] = { WAITING("k", call_all), WAITING("l", call_all),
		                WAITING("m", call_all) };
	struct env top[] = { WAITING("p", call_all), WAITING("q", call_all),
		             WAITING("r", call_all) };
	struct tn_call calls[3];

	for (size_t i = 0; i < 3; i++) {
		middle[i].callees = leaves;
		top[i].callees = middle;
		middle[i].count = top[i].count = 3;
	}
	for (unsigned threads = 1; threads <= 4; threads++) {
		struct world world;

		begin(&world, threads);
		prepare(calls, top, 3, world.request);
		CHECK_NUMBER(tn_fetch_all(world.request, calls, 3), 3);
		CHECK_TEXT(text_of(calls[2].response), "r:k:x,y,z,l:x,y,z,m:x,y,z");
		CHECK_NUMBER(world.fixture.exchange->calls, 3 + 9 + 27);
		for (const struct tn_exchange *child = world.fixture.exchange->children; child;
		     child = child->sibling)
			CU_ASSERT_PTR_NULL(child->children);
		CU_ASSERT(strncmp(chain_of(&world), "p(k(x,y,z),l(x,y,z),m(x,y,z)),q(k(", 34) == 0);
		end(&world);
	}
}

static void null_and_strangers_are_no_calls(void)
{
	const struct env envs[] = { WAITING("a", say_name), WAITING("b", say_name),
		                    WAITING("c", say_name), WAITING("d", say_name) };
	struct tn_call calls[4];
	struct fixture other;
	struct world world;
	const char *log;

	begin(&world, 2);
	fixture_init(&other);
	prepare(calls, envs, 4, world.request);
	calls[0].service = NULL;
	calls[1].request = NULL;
	calls[3].request = other.request;
	capture_begin();
	CHECK_NUMBER(tn_fetch_all(world.request, calls, 4), 1);
	log = capture_end();
	CU_ASSERT(!calls[0].response && !calls[1].response && !calls[3].response);
	CHECK_TEXT(text_of(calls[2].response), "c");
	CHECK_NUMBER(capture_lines(log, "call of 'd' refused: its request is one of another"), 1);
	CHECK_NUMBER(capture_lines(log, ""), 1);
	fixture_finish(&other);
	end(&world);
}

/* ---- Failure -------------------------------------------------------------------------------- */

/* The one that fails is told of, with the way to it; those that pass its NULL on are not. */
static void a_null_is_told_of_where_it_arose(void)
{
	const struct env callees[] = { WAITING("a", say_name), WAITING("bad", say_nothing),
		                       ENV("c", say_name), WAITING("d", say_name) };
	struct env parent = WAITING("parent", call_all_or_fail);
	struct world world;
	const char *log;

	parent.callees = callees;
	parent.count = 4;
	for (unsigned threads = 0; threads < 3; threads++) {
		begin(&world, threads);
		capture_begin();
		CU_ASSERT_PTR_NULL(tn_fetch(&parent.self, world.request));
		log = capture_end();
		CHECK_NUMBER(capture_lines(log, ""), 1);
		CHECK_NUMBER(capture_lines(log, "worker=bad chain=parent>bad: returned NULL"), 1);
		CHECK_NUMBER(capture_lines(log, tn_request_id(world.request)), 1);
		end(&world);
	}
}

static void a_failure_before_does_not_excuse(void)
{
	const struct env good[] = { WAITING("a", say_name), WAITING("b", say_name) };
	struct env nothing = ENV("nothing", say_nothing);
	struct world world;
	struct tn_call calls[2];

	begin(&world, 1);
	capture_begin();
	CU_ASSERT(tn_exchange_enter(world.fixture.exchange, &nothing.self, TN_STEP_REQUEST));
	CU_ASSERT_PTR_NULL(tn_fetch(&nothing.self, world.request));
	CU_ASSERT(*tn_exchange_callee_failed(world.fixture.exchange));
	prepare(calls, good, 2, world.request);
	CHECK_NUMBER(tn_fetch_all(world.request, calls, 2), 2);
	CU_ASSERT(!*tn_exchange_callee_failed(world.fixture.exchange));
	tn_exchange_leave(world.fixture.exchange);
	capture_end();
	end(&world);
}

static struct tn_response *stolen;

static struct tn_response *steal(struct tn_request *request, const struct tn_service *service)
{
	(void)request;
	(void)service;
	return stolen;
}

static void a_response_of_another_exchange_is_none(void)
{
	struct tn_service thief = { .fetch = steal, .name = "thief" };
	const struct env good = ENV("good", say_name);
	struct tn_call calls[2] = { { .service = &thief }, { .service = &good.self } };
	struct world world;

	begin(&world, 1);
	tn_service_set_waits(&thief);
	stolen = tn_response_new(world.request, 204);
	calls[0].request = calls[1].request = world.request;
	capture_begin();
	CHECK_NUMBER(tn_fetch_all(world.request, calls, 2), 1);
	CU_ASSERT_PTR_NULL(calls[0].response);
	CHECK_NUMBER(capture_lines(capture_end(), "response of another exchange"), 1);
	end(&world);
}

/* ---- Requests and responses ----------------------------------------------------------------- */

/* Reads what it was given and writes its own over it, many times, as all others do at once. */
static struct tn_response *write_headers(struct tn_request *request, const struct env *env)
{
	const char *name = env->self.name;

	for (unsigned i = 0; i < 50; i++) {
		struct tn_request *clone = tn_request_clone(request);

		if (strcmp(tn_request_header(request, "x-shared"), i ? name : "parent's") != 0 ||
		    strcmp(tn_request_header(request, "x-two"), "1, 2") != 0 ||
		    !tn_request_set_header(request, "x-shared", name) ||
		    !tn_request_set_header(clone, "x-clone", name) ||
		    tn_request_header(request, "x-clone"))
			return NULL;
	}
	tn_request_set_method(request, "PUT");
	tn_request_set_url(request, "/of-a-child");
	tn_request_set_body(request, name, strlen(name));
	return tn_response_text(request, 200, tn_request_header(request, "x-shared"));
}

static void set_up_headers(struct tn_request *request)
{
	tn_request_set_header(request, "x-shared", "parent's");
	tn_headers_append(tn_request_headers(request), "x-two", "1");
	tn_headers_append(tn_request_headers(request), "x-two", "2");
}

static struct tn_request *parents; /* what the parent's thread changes meanwhile */

static struct tn_response *write_parents(struct tn_request *request, const struct env *env)
{
	for (unsigned i = 0; i < 50; i++)
		tn_request_set_header(parents, "x-mine", tn_format(request, "%u", i));
	return say_name(request, env);
}

static void headers_are_copied_by_whoever_writes(void)
{
	const struct env envs[] = { WAITING("a", write_headers), WAITING("b", write_headers),
		                    ENV("c", write_parents), WAITING("d", write_headers),
		                    ENV("e", write_headers) };
	struct tn_call calls[5];
	struct world world;

	begin(&world, 3);
	set_up_headers(world.request);
	parents = world.request;
	prepare(calls, envs, 5, world.request);
	CHECK_NUMBER(tn_fetch_all(world.request, calls, 5), 5);
	for (size_t i = 0; i < 5; i++)
		CHECK_TEXT(text_of(calls[i].response), envs[i].self.name);
	CHECK_TEXT(tn_request_header(world.request, "x-shared"), "parent's");
	CHECK_TEXT(tn_request_header(world.request, "x-two"), "1, 2");
	CHECK_TEXT(tn_request_header(world.request, "x-mine"), "49");
	CHECK_TEXT(tn_request_method(world.request), "GET");
	CHECK_TEXT(tn_request_path(world.request), "/path");
	CHECK_NUMBER(tn_request_body(world.request).size, 0);
	end(&world);
}

/* Says what it reads of the request, all of it. */
static struct tn_response *echo(struct tn_request *request, const struct env *env)
{
	struct tn_bytes body = tn_request_body(request);
	struct tn_header header = { 0 };
	size_t headers = 0;

	(void)env;
	while (tn_headers_next(tn_request_headers(request), &header))
		headers++;
	return tn_response_text(request, 200,
	                        tn_format(request, "%s %s %s %s %s %zu %.*s",
	                                  tn_request_method(request), tn_request_url(request),
	                                  tn_request_query(request, "query"),
	                                  tn_request_address(request), tn_request_id(request),
	                                  headers, (int)body.size, body.data));
}

static void a_body_and_all_else_is_read_by_everyone(void)
{
	const struct env envs[] = { WAITING("a", echo), WAITING("b", echo), WAITING("c", echo),
		                    ENV("d", echo) };
	struct tn_call calls[4];
	struct world world;
	const char *said;

	begin(&world, 2);
	set_up_headers(world.request);
	tn_request_set_body(world.request, "the body", 8);
	prepare(calls, envs, 4, world.request);
	CHECK_NUMBER(tn_fetch_all(world.request, calls, 4), 4);
	said = tn_format(world.request, "GET http://example.com/path?query  192.0.2.1 %s 2 the "
	                                "body",
	                 tn_request_id(world.request));
	for (size_t i = 0; i < 4; i++)
		CHECK_TEXT(text_of(calls[i].response), said);
	end(&world);
}

static struct tn_response *answer_richly(struct tn_request *request, const struct env *env)
{
	struct tn_response *response = say_name(request, env);

	tn_response_set_header(response, "x-from", env->self.name);
	tn_headers_append(tn_response_headers(response), "set-cookie", "a=1");
	return response;
}

/* Returns a child's response, changed: to whoever called it, it is one of its own. */
static struct tn_response *improve(struct tn_request *request, const struct env *env)
{
	struct tn_call calls[CALLS];
	struct tn_response *response;

	prepare(calls, env->callees, env->count, request);
	tn_fetch_all(request, calls, env->count);
	response = calls[env->count - 1].response;
	tn_response_set_header(response, "x-from", "parent");
	CU_ASSERT(!tn_response_set_header(response, "a:b", "refused"));
	for (unsigned i = 0; i < 40; i++)
		tn_response_set_header(response, tn_format(request, "x-%u", i), "more");
	tn_response_set_status(response, 201);
	tn_response_set_body(response, "better", 6);
	return response;
}

static void a_response_is_the_parents(void)
{
	const struct env callees[] = { WAITING("a", answer_richly), WAITING("b", answer_richly) };
	struct env parent = ENV("parent", improve);
	struct tn_response *response;
	struct world world;

	parent.callees = callees;
	parent.count = 2;
	for (unsigned threads = 0; threads < 2; threads++) {
		begin(&world, threads);
		capture_begin();
		response = tn_fetch(&parent.self, world.request);
		CHECK_NUMBER(capture_lines(capture_end(), "worker=parent: header 'a:b' refused"),
		             1);
		CHECK_NUMBER(tn_response_status(response), 201);
		CHECK_TEXT(text_of(response), "better");
		CHECK_TEXT(tn_response_header(response, "x-from"), "parent");
		CHECK_TEXT(tn_response_header(response, "x-39"), "more");
		CHECK_TEXT(tn_response_header(response, "set-cookie"), "a=1");
		CHECK_TEXT(chain_of(&world), "parent(a,b)");
		end(&world);
	}
}

/* ---- What is left for the end --------------------------------------------------------------- */

#define TEXT(text_) ((void *)(uintptr_t)(text_))

static char happened[64];

static void happen(void *text)
{
	strncat(happened, text, sizeof(happened) - strlen(happened) - 1);
}

static struct tn_request *kept;

/* It runs as the work of its Worker, and of nobody's below. */
static void read_kept(void *argument)
{
	const struct tn_activity *here = tn_activity_here;

	(void)argument;
	CHECK_NUMBER(kept->exchange->depth, 1);
	CU_ASSERT(kept->exchange->activity == (here ? here : &tn_activity_unwatched));
	CU_ASSERT(!tn_request_cancelled(kept));
	happen((void *)(uintptr_t)tn_request_header(kept, "x-kept"));
	CU_ASSERT(tn_wait_until(kept, happen, TEXT("+")));
}

static struct tn_response *leave_work(struct tn_request *request, const struct env *env)
{
	tn_request_set_header(request, "x-kept", "k");
	kept = request;
	request->exchange->deadline = tn_exchange_now(); /* the work has another */
	CU_ASSERT(tn_defer(request, happen, tn_allocate(request, 1)));
	CU_ASSERT(tn_defer(request, happen, (void *)(uintptr_t)tn_format(request, "%s", "r")));
	CU_ASSERT(tn_wait_until(request, read_kept, NULL));
	return say_name(request, env);
}

static void call_two(struct world *world, const struct env *envs, size_t given)
{
	struct tn_call calls[2];

	prepare(calls, envs, 2, world->request);
	CHECK_NUMBER(tn_fetch_all(world->request, calls, 2), given);
}

static void work_and_releases_of_a_child_are_the_exchanges(void)
{
	const struct env envs[] = { WAITING("a", say_name), WAITING("b", leave_work) };
	struct env parent = ENV("parent", call_all);
	struct world world;

	parent.callees = envs;
	parent.count = 2;
	for (unsigned threads = 0; threads < 2; threads++) {
		begin(&world, threads);
		happened[0] = '\0';
		tn_defer(world.request, happen, TEXT("R"));
		tn_wait_until(world.request, happen, TEXT("L"));
		CHECK_TEXT(text_of(tn_fetch(&parent.self, world.request)), "parent:a,b");
		CHECK_TEXT(happened, "");
		/* They are over, and what is done now has no client who waits. */
		world.fixture.exchange->deadline = tn_exchange_now();
		atomic_store(&world.fixture.exchange->cancelled, true);
		CU_ASSERT(tn_exchange_has_later(world.fixture.exchange));
		end(&world);
		CHECK_TEXT(happened, "Lk+rR");
	}
}

static void *run_later(void *exchange)
{
	static struct tn_activity page;

	tn_activity_here = &page;
	tn_exchange_run_later(exchange);
	CHECK_NUMBER(atomic_load(&page.depth), 0);
	CHECK_NUMBER(atomic_load(&page.step), TN_STEP_NONE);
	return NULL;
}

static void later_work_may_run_on_another_thread(void)
{
	const struct env envs[] = { WAITING("a", say_name), WAITING("b", leave_work) };
	struct world world;
	pthread_t thread;

	begin(&world, 1);
	happened[0] = '\0';
	call_two(&world, envs, 2);
	CU_ASSERT(!tn_exchange_held(world.fixture.exchange));
	CU_ASSERT(!pthread_create(&thread, NULL, run_later, world.fixture.exchange));
	pthread_join(thread, NULL);
	CHECK_TEXT(happened, "k+");
	CU_ASSERT(!tn_exchange_has_later(world.fixture.exchange));
	end(&world);
	CHECK_TEXT(happened, "k+r");
}

/* ---- Limits --------------------------------------------------------------------------------- */

#define PIECE ((size_t)8 * 1024)

static _Atomic unsigned pieces_taken;

static struct tn_response *count_pieces(struct tn_request *request, const struct env *env)
{
	struct tn_response *response = say_name(request, env);

	while (tn_allocate(request, PIECE))
		atomic_fetch_add(&pieces_taken, 1);
	return response;
}

static void memory_is_bounded_for_all_together(void)
{
	const struct tn_limits limits = { .max_depth = 8,
		                          .max_calls = 100,
		                          .request_memory = 64 * PIECE };
	const struct env envs[] = { WAITING("a", count_pieces), WAITING("b", count_pieces),
		                    WAITING("c", count_pieces), ENV("d", count_pieces) };
	struct tn_call calls[4];
	struct world world;
	const char *log;

	begin_with(&world, 3, &limits);
	atomic_store(&pieces_taken, 0);
	prepare(calls, envs, 4, world.request);
	capture_begin();
	tn_fetch_all(world.request, calls, 4);
	log = capture_end();
	CU_ASSERT(atomic_load(&pieces_taken) >= 48 && atomic_load(&pieces_taken) < 64);
	CU_ASSERT(capture_lines(log, "no memory for 8192 more bytes: ") >= 1);
	CU_ASSERT(capture_lines(log, "") <= 4);
	/* The next exchange has all of it again. */
	fixture_end(&world.fixture);
	fixture_begin(&world.fixture);
	world.request = world.fixture.request;
	CU_ASSERT_PTR_NOT_NULL(tn_allocate(world.request, 60 * PIECE));
	end(&world);
}

static void one_child_may_have_what_the_others_leave(void)
{
	const struct tn_limits limits = { .max_depth = 8,
		                          .max_calls = 100,
		                          .request_memory = 64 * PIECE };
	const struct env envs[] = { ENV("a", say_name), WAITING("b", count_pieces) };
	struct world world;

	begin_with(&world, 1, &limits);
	atomic_store(&pieces_taken, 0);
	capture_begin();
	call_two(&world, envs, 2);
	capture_end();
	CU_ASSERT(atomic_load(&pieces_taken) >= 56 && atomic_load(&pieces_taken) < 64);
	end(&world);
}

/* A child keeps what it has used, and not what it was given at first. */
static void children_after_one_another_leave_memory(void)
{
	const struct tn_limits limits = { .max_depth = 8,
		                          .max_calls = 200,
		                          .request_memory = 48 * PIECE };
	const struct env envs[] = { WAITING("a", say_name), WAITING("b", say_name) };
	struct world world;

	begin_with(&world, 1, &limits);
	for (unsigned i = 0; i < 90; i++)
		call_two(&world, envs, 2);
	CHECK_NUMBER(world.threads->submitted, 90);
	CU_ASSERT_PTR_NOT_NULL(tn_allocate(world.request, PIECE));
	end(&world);
}

/* There is not even memory for a child: the calls are made here, and fail for themselves. */
static void without_memory_for_a_child_it_is_done_here(void)
{
	const struct tn_limits limits = { .max_depth = 8,
		                          .max_calls = 100,
		                          .request_memory = 8192 };
	const struct env envs[] = { WAITING("a", say_name), WAITING("b", say_name) };
	struct world world;

	begin_with(&world, 1, &limits);
	call_two(&world, envs, 2);
	CHECK_NUMBER(world.threads->submitted, 0);
	CU_ASSERT_PTR_NULL(world.fixture.exchange->children);
	end(&world);
}

static _Atomic unsigned made;

static struct tn_response *count_call(struct tn_request *request, const struct env *env)
{
	atomic_fetch_add(&made, 1);
	return say_name(request, env);
}

static struct tn_response *call_often(struct tn_request *request, const struct env *env)
{
	atomic_fetch_add(&made, 1);
	for (unsigned i = 0; i < 100; i++)
		tn_fetch(&env->callees[0].self, tn_request_clone(request));
	return say_name(request, env);
}

static void calls_are_bounded_for_all_together(void)
{
	const struct tn_limits limits = { .max_depth = 8,
		                          .max_calls = 50,
		                          .request_memory = 1 << 20 };
	const struct env leaf = ENV("leaf", count_call);
	struct env envs[] = { WAITING("a", call_often), WAITING("b", call_often),
		              WAITING("c", call_often), ENV("d", call_often) };
	struct tn_call calls[4];
	struct world world;
	const char *log;

	begin_with(&world, 3, &limits);
	atomic_store(&made, 0);
	for (size_t i = 0; i < 4; i++)
		envs[i].callees = &leaf;
	prepare(calls, envs, 4, world.request);
	capture_begin();
	tn_fetch_all(world.request, calls, 4);
	CU_ASSERT(!tn_wait_until(world.request, happen, TEXT("")));
	CU_ASSERT_PTR_NULL(tn_fetch(&leaf.self, world.request));
	log = capture_end();
	CHECK_NUMBER(atomic_load(&made), 50);
	CHECK_NUMBER(world.fixture.exchange->calls, 50);
	CHECK_NUMBER(world.fixture.exchange->most, 50);
	CU_ASSERT_PTR_NULL(tn_exchange_child(world.fixture.exchange));
	CU_ASSERT(capture_lines(log, "refused: 50 calls are max_calls") >= 1);
	end(&world);
}

/* Each calls itself, twice at once and without end. */
static struct tn_response *recurse(struct tn_request *request, const struct env *env)
{
	struct tn_call calls[2] = { { .service = &env->self, .request = request },
		                    { .service = &env->self, .request = request } };

	atomic_fetch_add(&made, 1);
	tn_fetch_all(request, calls, 2);
	return say_name(request, env);
}

static void depth_counts_from_the_root(void)
{
	const struct tn_limits limits = { .max_depth = 6,
		                          .max_calls = 1000,
		                          .request_memory = 16 << 20 };
	const struct env env = WAITING("again", recurse);
	struct world world;
	const char *log;

	begin_with(&world, 3, &limits);
	atomic_store(&made, 0);
	capture_begin();
	CHECK_TEXT(text_of(tn_fetch(&env.self, world.request)), "again");
	log = capture_end();
	CHECK_NUMBER(atomic_load(&made), 63);
	CU_ASSERT(capture_lines(log, "chain=again>again>again>again>again>again: call of 'again' "
	                             "refused: 6 calls deep is max_depth") >= 1);
	end(&world);
}

static void a_worker_that_runs_away_ends_at_max_calls(void)
{
	const struct env env = WAITING("again", recurse);
	struct world world;

	begin(&world, 4);
	atomic_store(&made, 0);
	capture_begin();
	tn_fetch(&env.self, world.request);
	capture_end();
	CHECK_NUMBER(atomic_load(&made), 1000);
	end(&world);
}

/* ---- Late ----------------------------------------------------------------------------------- */

/* Both the parent and its child have the same deadline: it comes when both have begun, however slow
 * this machine is. */
static struct tn_response *let_time_pass(struct tn_request *request, const struct env *env)
{
	wait_for(&entered);
	request->exchange->deadline = tn_exchange_now();
	return say_name(request, env);
}

/* Goes on only when it is told to, long after the reply, and reads all that it was given then. */
static struct tn_response *come_late(struct tn_request *request, const struct env *env)
{
	request->exchange->deadline = tn_exchange_now();
	CU_ASSERT(tn_wait_until(request, happen, TEXT("e")));
	sem_post(&entered);
	sem_post(&entered); /* for the caller's caller */
	wait_for(&go);
	CU_ASSERT(tn_request_cancelled(request) && tn_request_deadline(request) <= 0);
	CHECK_TEXT(tn_request_header(request, "x-shared"), "parent's");
	CHECK_TEXT(tn_request_body(request).data, "the body");
	CHECK_TEXT(tn_request_path(request), "/path");
	CU_ASSERT(tn_defer(request, happen, TEXT("r")));
	CU_ASSERT(tn_wait_until(request, happen, TEXT("l")));
	return say_name(request, env);
}

static void begin_late(struct world *world, unsigned threads)
{
	begin(world, threads);
	happened[0] = '\0';
	set_up_headers(world->request);
	tn_request_set_body(world->request, "the body", 8);
}

static void call_late(struct world *world, struct tn_call *calls, const struct env *envs)
{
	const char *log;

	prepare(calls, envs, 3, world->request);
	capture_begin();
	CHECK_NUMBER(tn_fetch_all(world->request, calls, 3), 2);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "warning request="), 1);
	CHECK_NUMBER(capture_lines(log, ": 1 of 3 calls had no answer by the deadline, the first "
	                                "of 'late'"),
	             1);
	CU_ASSERT_PTR_NULL(calls[1].response);
	CHECK_TEXT(text_of(calls[0].response), "a");
	CHECK_TEXT(text_of(calls[2].response), "c");
}

static void a_late_call_holds_the_memory_and_the_last_one_tells(void)
{
	const struct env envs[] = { ENV("a", say_name), WAITING("late", come_late),
		                    ENV("c", let_time_pass) };
	struct tn_call calls[3];
	struct world world;

	begin_late(&world, 2);
	call_late(&world, calls, envs);
	CU_ASSERT_PTR_NOT_NULL(strstr(chain_of(&world), "late"));
	tn_wait_until(world.request, happen, TEXT("L"));
	tn_defer(world.request, happen, TEXT("R"));
	/* The reply has been sent, and the exchange cannot end. */
	tn_exchange_end(&world.fixture.pool, world.fixture.exchange);
	CHECK_TEXT(happened, "");
	CHECK_NUMBER(world.fixture.pool.count, 0);
	CHECK_NUMBER(atomic_load(&lasts), 0);
	sem_post(&go);
	wait_for(&ended);
	CU_ASSERT(!pthread_equal(last_thread, pthread_self()));
	end(&world);
	CHECK_NUMBER(atomic_load(&lasts), 1);
	CHECK_TEXT(happened, "LelrR");
}

/* It has come before anybody ended the exchange: nobody is told. */
static void one_that_comes_before_the_end_is_no_matter(void)
{
	const struct env envs[] = { ENV("a", say_name), WAITING("late", come_late),
		                    ENV("c", let_time_pass) };
	struct tn_call calls[3];
	struct world world;

	begin_late(&world, 1);
	call_late(&world, calls, envs);
	sem_post(&go);
	/* Nothing else but the holders themselves may say that it has come. */
	while (atomic_load_explicit(&world.fixture.exchange->holders, memory_order_relaxed) > 1)
		sched_yield();
	fixture_end(&world.fixture);
	fixture_begin(&world.fixture);
	end(&world);
	CHECK_NUMBER(atomic_load(&lasts), 0);
	CHECK_TEXT(happened, "elr");
}

static void what_has_not_begun_by_the_deadline_is_not_called(void)
{
	const struct env envs[] = { WAITING("a", count_call), ENV("b", let_time_pass),
		                    WAITING("c", count_call), ENV("d", count_call) };
	struct tn_call calls[4];
	struct world world;

	begin(&world, 0);
	atomic_store(&made, 0);
	sem_post(&entered);
	prepare(calls, envs, 4, world.request);
	capture_begin();
	CHECK_NUMBER(tn_fetch_all(world.request, calls, 4), 1);
	CHECK_NUMBER(capture_lines(capture_end(), "3 of 4 calls had no answer by the deadline, the "
	                                          "first of 'd'"),
	             1);
	CHECK_TEXT(text_of(calls[1].response), "b");
	CHECK_NUMBER(atomic_load(&made), 0);
	CU_ASSERT(!tn_exchange_held(world.fixture.exchange));
	end(&world);
	CHECK_NUMBER(atomic_load(&made), 0);
}

static struct tn_response *call_all_and_stay(struct tn_request *request, const struct env *env)
{
	struct tn_response *response = call_all(request, env);

	wait_for(&go);
	return response;
}

/* The late one has called others, of which one is late, too: both hold. */
static void a_late_one_of_a_late_one_holds_too(void)
{
	const struct env inner[] = { ENV("a", let_time_pass), WAITING("late", come_late) };
	struct env envs[] = { ENV("a", let_time_pass), WAITING("late", call_all_and_stay) };
	struct tn_call calls[2];
	struct world world;

	begin_late(&world, 3);
	envs[1].callees = inner;
	envs[1].count = 2;
	capture_begin();
	prepare(calls, envs, 2, world.request);
	CHECK_NUMBER(tn_fetch_all(world.request, calls, 2), 1);
	tn_exchange_end(&world.fixture.pool, world.fixture.exchange);
	CHECK_NUMBER(world.fixture.pool.count, 0);
	CHECK_NUMBER(atomic_load(&lasts), 0);
	sem_post(&go);
	sem_post(&go);
	wait_for(&ended);
	capture_end();
	end(&world);
	CHECK_NUMBER(atomic_load(&lasts), 1);
	CHECK_TEXT(happened, "elr");
}

static const struct env late_in_later[] = { ENV("a", let_time_pass),
	                                    WAITING("late", come_late) };

static void call_late_later(void *request)
{
	struct tn_call calls[2];

	prepare(calls, late_in_later, 2, request);
	CHECK_NUMBER(tn_fetch_all(request, calls, 2), 1);
	CU_ASSERT(tn_wait_until(request, happen, TEXT("n")));
}

static void later_work_may_be_late_too(void)
{
	struct world world;

	begin_late(&world, 1);
	tn_wait_until(world.request, call_late_later, world.request);
	tn_wait_until(world.request, happen, TEXT("m"));
	tn_defer(world.request, happen, TEXT("R"));
	capture_begin();
	tn_exchange_end(&world.fixture.pool, world.fixture.exchange);
	capture_end();
	CHECK_TEXT(happened, "mn");
	CHECK_NUMBER(world.fixture.pool.count, 0);
	sem_post(&go);
	wait_for(&ended);
	end(&world);
	CHECK_TEXT(happened, "mnelrR");
}

static void cancelling_reaches_the_children(void)
{
	struct world world;
	struct tn_exchange *child;
	struct tn_request *passed;

	begin(&world, 0);
	child = tn_exchange_child(world.fixture.exchange);
	CU_ASSERT_PTR_NOT_NULL_FATAL(child);
	passed = tn_exchange_pass(child, world.request);
	CU_ASSERT(!tn_request_cancelled(passed));
	CU_ASSERT(tn_request_deadline(passed) == INT64_MAX);
	atomic_store(&world.fixture.exchange->cancelled, true);
	CU_ASSERT(tn_request_cancelled(passed));
	end(&world);
}

/* ---- Who runs ------------------------------------------------------------------------------- */

static uint32_t chain_seen[4];
static uint32_t depth_seen;
static char line_seen[TN_ACTIVITY_LINE];

static struct tn_response *look_at_the_page(struct tn_request *request, const struct env *env)
{
	struct tn_activity *page = tn_activity_here;

	CU_ASSERT(page && page == request->exchange->activity);
	depth_seen = page ? atomic_load(&page->depth) : 0;
	for (unsigned i = 0; page && i < 4; i++)
		chain_seen[i] = atomic_load(&page->chain[i]);
	if (page)
		tn_activity_line(page, line_seen);
	sem_post(&go);
	return say_name(request, env);
}

static struct tn_response *wait_here(struct tn_request *request, const struct env *env)
{
	wait_for(&go);
	return say_name(request, env);
}

static void the_page_of_the_thread_shows_the_whole_chain(void)
{
	struct env envs[] = { ENV("a", wait_here), WAITING("b", look_at_the_page) };
	struct env parent = ENV("parent", call_all);
	struct world world;

	begin(&world, 1);
	world.fixture.exchange->method = "GET";
	world.fixture.exchange->target = "/path";
	parent.callees = envs;
	parent.count = 2;
	tn_activity_set_number(&parent.self, 6);
	tn_activity_set_number(&envs[1].self, 7);
	CHECK_TEXT(text_of(tn_fetch(&parent.self, world.request)), "parent:a,b");
	CHECK_NUMBER(depth_seen, 2);
	CHECK_NUMBER(chain_seen[0], 7);
	CHECK_NUMBER(chain_seen[1], 8);
	CHECK_TEXT(line_seen, "GET /path");
	CHECK_NUMBER(atomic_load(&world.threads->pages[0].depth), 0);
	CHECK_NUMBER(atomic_load(&world.threads->pages[0].step), TN_STEP_NONE);
	end(&world);
}

/* ---- All at once ---------------------------------------------------------------------------- */

static struct tn_response *do_some_of_all(struct tn_request *request, const struct env *env)
{
	struct tn_response *response = tn_response_text(request, 200, env->self.name);

	tn_request_set_header(request, "x-mine", env->self.name);
	tn_response_set_header(response, "x-mine", tn_request_header(request, "x-mine"));
	tn_log(request, TN_LOG_INFO, "from %s", env->self.name);
	tn_defer(request, free, malloc(16));
	tn_wait_until(request, free, malloc(16));
	return response;
}

static void many_exchanges_have_nothing_in_common(void)
{
	struct env leaves[] = { WAITING("x", do_some_of_all), ENV("y", do_some_of_all),
		                WAITING("z", do_some_of_all) };
	struct env envs[] = { WAITING("a", call_all), WAITING("b", do_some_of_all),
		              WAITING("c", call_all), ENV("d", call_all) };
	struct tn_call calls[4];
	struct world world;

	begin(&world, 4);
	for (size_t i = 0; i < 4; i++) {
		envs[i].callees = leaves;
		envs[i].count = 3;
	}
	capture_begin();
	for (unsigned i = 0; i < 50; i++) {
		prepare(calls, envs, 4, world.request);
		CHECK_NUMBER(tn_fetch_all(world.request, calls, 4), 4);
		CHECK_TEXT(text_of(calls[0].response), "a:x,y,z");
		CHECK_TEXT(tn_response_header(calls[1].response, "x-mine"), "b");
		fixture_end(&world.fixture);
		fixture_begin(&world.fixture);
		world.request = world.fixture.request;
	}
	CHECK_NUMBER(capture_lines(capture_end(), ": from "), 50 * 10);
	end(&world);
}

TEST_MAIN("message/fetch_all",
          TEST(those_that_wait_run_at_once_and_give_results_in_order),
          TEST(what_does_not_wait_runs_here_in_order),
          TEST(without_an_executor_all_is_done_here),
          TEST(where_the_executor_refuses_all_is_done_here),
          TEST(where_no_thread_is_free_all_is_done_here),
          TEST(a_single_call_needs_no_thread),
          TEST(calls_within_calls_need_no_more_threads),
          TEST(null_and_strangers_are_no_calls),
          TEST(a_null_is_told_of_where_it_arose),
          TEST(a_failure_before_does_not_excuse),
          TEST(a_response_of_another_exchange_is_none),
          TEST(headers_are_copied_by_whoever_writes),
          TEST(a_body_and_all_else_is_read_by_everyone),
          TEST(a_response_is_the_parents),
          TEST(work_and_releases_of_a_child_are_the_exchanges),
          TEST(later_work_may_run_on_another_thread),
          TEST(memory_is_bounded_for_all_together),
          TEST(one_child_may_have_what_the_others_leave),
          TEST(children_after_one_another_leave_memory),
          TEST(without_memory_for_a_child_it_is_done_here),
          TEST(calls_are_bounded_for_all_together),
          TEST(depth_counts_from_the_root),
          TEST(a_worker_that_runs_away_ends_at_max_calls),
          TEST(a_late_call_holds_the_memory_and_the_last_one_tells),
          TEST(one_that_comes_before_the_end_is_no_matter),
          TEST(what_has_not_begun_by_the_deadline_is_not_called),
          TEST(a_late_one_of_a_late_one_holds_too),
          TEST(later_work_may_be_late_too),
          TEST(cancelling_reaches_the_children),
          TEST(the_page_of_the_thread_shows_the_whole_chain),
          TEST(many_exchanges_have_nothing_in_common))
