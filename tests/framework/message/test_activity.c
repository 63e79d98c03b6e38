#include "message/activity.h"

#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"
#include "message/later.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* Two Workers of one module; the first calls the second. Each notes what the page says. */
struct env {
	struct tn_service self;
	const struct tn_service *next;
};

struct seen {
	uint32_t step, depth, first, running;
	uint64_t exchange;
	char line[TN_ACTIVITY_LINE];
};

static struct tn_activity *activity;
static struct seen seen[8];
static unsigned seen_count;
static bool leaves_work;

static void look(void *argument)
{
	struct seen *now = &seen[seen_count++];

	(void)argument;
	now->step = atomic_load(&activity->step);
	now->depth = atomic_load(&activity->depth);
	now->first = atomic_load(&activity->chain[0]);
	now->running = tn_activity_running(activity);
	now->exchange = atomic_load(&activity->exchange);
	tn_activity_line(activity, now->line);
}

static struct tn_response *worker(struct tn_request *request, const struct env *env)
{
	struct tn_response *response;

	look(NULL);
	if (leaves_work && !env->next) {
		tn_defer(request, look, NULL);
		tn_wait_until(request, look, NULL);
	}
	response = env->next ? tn_fetch(env->next, tn_request_clone(request))
	                     : tn_response_new(request, 204);
	look(NULL);
	return response;
}

TN_WORKER(worker, struct env, TN_SERVICE_OPTIONAL(next));

static struct env inner = { .self = { .fetch = fetch, .name = "inner" } };
static struct env outer = { .self = { .fetch = fetch, .name = "outer" }, .next = &inner.self };

static void start(struct fixture *fixture)
{
	memset(seen, 0, sizeof(seen));
	seen_count = 0;
	leaves_work = false;
	activity = tn_activity_create();
	tn_activity_set_number(&outer.self, 4);
	tn_activity_set_number(&inner.self, 0);
	fixture_init(fixture);
	fixture->exchange->activity = activity;
	fixture->pool.activity = activity;
	fixture->exchange->method = "GET";
	fixture->exchange->target = "/path?query";
}

static void finish(struct fixture *fixture)
{
	if (fixture->exchange)
		fixture_end(fixture);
	tn_exchange_pool_finish(&fixture->pool);
	tn_activity_destroy(activity);
}

static void call(struct fixture *fixture)
{
	tn_exchange_show(fixture->exchange, TN_STEP_REQUEST);
	tn_fetch(&outer.self, fixture->request);
	tn_exchange_hide(fixture->exchange);
}

/* ---- A request ----------------------------------------------------------------------------- */

static void each_call_shows_who_runs_and_for_which_request(void)
{
	static const uint32_t depths[] = { 1, 2, 2, 1 }, running[] = { 5, 1, 1, 5 };
	struct fixture fixture;

	start(&fixture);
	call(&fixture);
	CHECK_NUMBER(seen_count, 4);
	for (size_t i = 0; i < 4; i++) {
		CHECK_NUMBER(seen[i].step, TN_STEP_REQUEST);
		CHECK_NUMBER(seen[i].depth, depths[i]);
		CHECK_NUMBER(seen[i].first, 5);
		CHECK_NUMBER(seen[i].running, running[i]);
		CU_ASSERT(seen[i].exchange == fixture.exchange->number);
		CHECK_TEXT(seen[i].line, "GET /path?query");
	}
	CHECK_NUMBER(tn_activity_running(activity), 0);
	CHECK_NUMBER(atomic_load(&activity->step), TN_STEP_NONE);
	finish(&fixture);
}

static struct tn_response *fail_fetch(struct tn_request *request,
                                      const struct tn_service *service);

static const struct tn_worker fail_worker = { .name = "fails", .fetch = fail_fetch };

static struct tn_response *fail_fetch(struct tn_request *request, const struct tn_service *service)
{
	struct tn_response *response = NULL;

	if (!tn_worker_enter(&fail_worker, request, service, &response))
		return response;
	return tn_worker_leave(request, NULL);
}

static void a_worker_that_fails_is_left_too(void)
{
	static const struct tn_service fails = { .fetch = fail_fetch, .name = "fails" };
	struct fixture fixture;

	start(&fixture);
	capture_begin();
	tn_fetch(&fails, fixture.request);
	capture_end();
	CHECK_NUMBER(atomic_load(&activity->depth), 0);
	finish(&fixture);
}

static void a_call_that_is_refused_does_not_run(void)
{
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;

	start(&fixture);
	limits.max_depth = 1;
	fixture.exchange->limits = &limits;
	capture_begin();
	call(&fixture);
	capture_end();
	CHECK_NUMBER(seen_count, 2);
	CHECK_NUMBER(seen[1].running, 5);
	CHECK_NUMBER(atomic_load(&activity->depth), 0);
	finish(&fixture);
}

static void the_line_is_cut(void)
{
	char target[1000];
	struct fixture fixture;

	start(&fixture);
	memset(target, 'x', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	fixture.exchange->target = target;
	call(&fixture);
	CHECK_NUMBER(strlen(seen[0].line), TN_ACTIVITY_LINE - 1);
	CHECK_NUMBER(strncmp(seen[0].line, "GET ", 4), 0);
	CHECK_NUMBER(strspn(seen[0].line + 4, "x"), TN_ACTIVITY_LINE - 1 - 4);
	finish(&fixture);
}

/* Of every length, because it is kept in words. */
static void a_shorter_line_leaves_nothing_of_the_longer_one(void)
{
	static const char target[] = "/0123456789abcdefghijkl";
	char line[TN_ACTIVITY_LINE], expected[TN_ACTIVITY_LINE];

	activity = tn_activity_create();
	for (size_t skip = 0; skip < sizeof(target); skip++) {
		tn_activity_show(activity, TN_STEP_REQUEST, skip + 1, "PUT", target + skip);
		snprintf(expected, sizeof(expected), "PUT %s", target + skip);
		CHECK_TEXT(tn_activity_line(activity, line), expected);
	}
	tn_activity_show(activity, TN_STEP_REQUEST, 100, NULL, NULL);
	CHECK_TEXT(tn_activity_line(activity, line), "");
	tn_activity_destroy(activity);
}

/* ---- Outside of requests ------------------------------------------------------------------- */

static void later_work_and_releases_are_the_workers_of_that_request(void)
{
	struct fixture fixture;
	uint64_t number;

	start(&fixture);
	leaves_work = true;
	call(&fixture);
	number = fixture.exchange->number;
	seen_count = 0;
	tn_activity_show(activity, TN_STEP_REQUEST, 1, "PUT", "/another");
	tn_activity_set_step(activity, TN_STEP_NONE);
	fixture_end(&fixture);
	CHECK_NUMBER(seen_count, 2);
	CHECK_NUMBER(seen[0].step, TN_STEP_LATER);
	CHECK_NUMBER(seen[1].step, TN_STEP_RELEASE);
	for (size_t i = 0; i < 2; i++) {
		CHECK_NUMBER(seen[i].depth, 1);
		CHECK_NUMBER(seen[i].running, 1);
		CU_ASSERT(seen[i].exchange == number);
		CHECK_TEXT(seen[i].line, "GET /path?query");
	}
	CHECK_NUMBER(atomic_load(&activity->depth), 0);
	CHECK_NUMBER(atomic_load(&activity->step), TN_STEP_NONE);
	finish(&fixture);
}

static void a_hook_is_of_no_request(void)
{
	char line[TN_ACTIVITY_LINE];

	activity = tn_activity_create();
	tn_activity_show(activity, TN_STEP_REQUEST, 77, "GET", "/");
	tn_activity_begin(activity, TN_STEP_STOP, 2);
	CHECK_NUMBER(tn_activity_running(activity), 3);
	CHECK_NUMBER(atomic_load(&activity->exchange), 0);
	CHECK_TEXT(tn_activity_line(activity, line), "");
	CHECK_NUMBER(atomic_load(&activity->steps), 1);
	tn_activity_end(activity);
	CHECK_NUMBER(tn_activity_running(activity), 0);
	CHECK_NUMBER(atomic_load(&activity->steps), 2);
	tn_activity_destroy(activity);
}

/* ---- The page ------------------------------------------------------------------------------ */

static void another_process_reads_what_the_dead_one_was_doing(void)
{
	char line[TN_ACTIVITY_LINE];
	pid_t process;
	int status;

	activity = tn_activity_create();
	process = fork();
	if (process == 0) {
		tn_activity_turn(activity);
		tn_activity_turn(activity);
		tn_activity_show(activity, TN_STEP_REQUEST, 7, "GET", "/last");
		tn_activity_enter(activity, 0, 9);
		tn_activity_enter(activity, 1, 8);
		raise(SIGKILL);
	}
	CU_ASSERT(waitpid(process, &status, 0) == process && WIFSIGNALED(status));
	CHECK_NUMBER(atomic_load(&activity->turns), 2);
	CHECK_NUMBER(atomic_load(&activity->exchange), 7);
	CHECK_NUMBER(atomic_load(&activity->chain[0]), 9);
	CHECK_NUMBER(tn_activity_running(activity), 8);
	CHECK_TEXT(tn_activity_line(activity, line), "GET /last");
	tn_activity_destroy(activity);
}

/* A Worker may have written over it. */
static void a_page_that_was_spoilt_is_read_within_its_bounds(void)
{
	struct tn_activity spoilt;
	char line[TN_ACTIVITY_LINE];

	memset(&spoilt, 0xff, sizeof(spoilt));
	CHECK_NUMBER(tn_activity_running(&spoilt), 0);
	CHECK_NUMBER(strlen(tn_activity_line(&spoilt, line)), TN_ACTIVITY_LINE - 1);
	CU_ASSERT_PTR_NULL(tn_activity_text(atomic_load(&spoilt.step)));
}

static void each_step_of_a_worker_has_its_words(void)
{
	for (uint32_t step = TN_STEP_LOAD; step < TN_STEP_DONE; step++)
		CU_ASSERT_PTR_NOT_NULL(tn_activity_text(step));
	CU_ASSERT_PTR_NULL(tn_activity_text(TN_STEP_NONE));
	CU_ASSERT_PTR_NULL(tn_activity_text(TN_STEP_DONE));
}

static void nothing_can_be_destroyed(void)
{
	tn_activity_destroy(NULL);
}

TEST_MAIN("message/activity",
          TEST(each_call_shows_who_runs_and_for_which_request),
          TEST(a_worker_that_fails_is_left_too),
          TEST(a_call_that_is_refused_does_not_run),
          TEST(the_line_is_cut),
          TEST(a_shorter_line_leaves_nothing_of_the_longer_one),
          TEST(later_work_and_releases_are_the_workers_of_that_request),
          TEST(a_hook_is_of_no_request),
          TEST(another_process_reads_what_the_dead_one_was_doing),
          TEST(a_page_that_was_spoilt_is_read_within_its_bounds),
          TEST(each_step_of_a_worker_has_its_words),
          TEST(nothing_can_be_destroyed))
