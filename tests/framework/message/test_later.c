#include "message/later.h"

#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"

#include <string.h>

struct env {
	struct tn_service self;
};

static char happened[64];

static void note(char letter)
{
	size_t size = strlen(happened);

	if (size < sizeof(happened) - 1) {
		happened[size] = letter;
		happened[size + 1] = '\0';
	}
}

static void happen(void *letter)
{
	note(*(const char *)letter);
}

static struct tn_response *(*behave)(struct tn_request *request);

static struct tn_response *worker(struct tn_request *request, const struct env *env)
{
	(void)env;
	note('W');
	return behave(request);
}

TN_WORKER(worker, struct env);

static const struct env worker_env = { .self = { .fetch = fetch, .name = "worker" } };

static struct tn_response *answer(struct tn_request *request)
{
	return tn_response_new(request, 204);
}

static void start(struct fixture *fixture)
{
	happened[0] = '\0';
	behave = answer;
	fixture_init(fixture);
}

/* ---- Order -------------------------------------------------------------------------------- */

static void work_comes_first_in_order_then_releases_in_reverse(void)
{
	char letters[] = "1a2b3c";
	struct fixture fixture;

	start(&fixture);
	for (char *letter = letters; *letter; letter++) {
		if (*letter < 'a') {
			CU_ASSERT(tn_wait_until(fixture.request, happen, letter));
		} else {
			CU_ASSERT(tn_defer(fixture.request, happen, letter));
		}
	}
	CHECK_TEXT(happened, "");
	fixture_finish(&fixture);
	CHECK_TEXT(happened, "123cba");
}

/* An argument that says what to do besides noting that it was done. */
struct task {
	struct fixture *fixture;
	char letter;
	struct task *wait; /* to be noted for later */
	struct task *defer;
};

static void perform(void *argument)
{
	struct task *task = argument;

	note(task->letter);
	if (task->wait)
		CU_ASSERT(tn_wait_until(task->fixture->request, perform, task->wait));
	if (task->defer)
		CU_ASSERT(tn_defer(task->fixture->request, perform, task->defer));
}

static void work_may_add_work_and_releases(void)
{
	struct fixture fixture;
	struct task deferred = { &fixture, 'd', NULL, NULL };
	struct task last = { &fixture, '3', NULL, NULL };
	struct task first = { &fixture, '1', &last, &deferred };
	struct task second = { &fixture, '2', NULL, NULL };

	start(&fixture);
	CU_ASSERT(tn_wait_until(fixture.request, perform, &first));
	CU_ASSERT(tn_wait_until(fixture.request, perform, &second));
	fixture_finish(&fixture);
	CHECK_TEXT(happened, "123d");
}

static void a_release_may_add_work_and_releases(void)
{
	struct fixture fixture;
	struct task after = { &fixture, 'x', NULL, NULL };
	struct task work = { &fixture, 'w', NULL, &after };
	struct task inner = { &fixture, 'i', NULL, NULL };
	struct task outer = { &fixture, 'o', &work, &inner };
	struct task early = { &fixture, 'e', NULL, NULL };

	start(&fixture);
	CU_ASSERT(tn_defer(fixture.request, perform, &early));
	CU_ASSERT(tn_defer(fixture.request, perform, &outer));
	fixture_finish(&fixture);
	CHECK_TEXT(happened, "oiewx");
}

static void the_next_exchange_has_none_of_it(void)
{
	char letters[] = "ab";
	struct fixture fixture;

	start(&fixture);
	tn_wait_until(fixture.request, happen, letters);
	tn_defer(fixture.request, happen, letters + 1);
	fixture_end(&fixture);
	CHECK_TEXT(happened, "ab");
	fixture_begin(&fixture);
	tn_wait_until(fixture.request, happen, letters);
	fixture_finish(&fixture);
	CHECK_TEXT(happened, "aba");
}

/* ---- What it may use ---------------------------------------------------------------------- */

static void read_body(void *request)
{
	const char *text = tn_request_body(request).data;

	CHECK_TEXT(text, "body");
	CHECK_TEXT(tn_format(request, "%s!", text), "body!");
	note('r');
}

static void the_memory_of_the_exchange_is_still_there(void)
{
	struct fixture fixture;

	start(&fixture);
	tn_request_set_body(fixture.request, "body", 4);
	tn_defer(fixture.request, read_body, fixture.request);
	tn_wait_until(fixture.request, read_body, fixture.request);
	fixture_finish(&fixture);
	CHECK_TEXT(happened, "rr");
}

static void call_worker(void *request)
{
	const struct tn_response *response = tn_fetch(&worker_env.self, request);

	CHECK_NUMBER(tn_response_status(response), 204);
}

static void work_may_call_a_binding(void)
{
	struct fixture fixture;

	start(&fixture);
	tn_wait_until(fixture.request, call_worker, fixture.request);
	fixture_finish(&fixture);
	CHECK_TEXT(happened, "W");
}

static void log_it(void *request)
{
	tn_log(request, TN_LOG_ERROR, "done later");
}

static struct tn_response *leave_something(struct tn_request *request)
{
	CU_ASSERT(tn_defer(request, log_it, request));
	CU_ASSERT(tn_wait_until(request, log_it, request));
	return tn_response_new(request, 204);
}

static void it_is_done_in_the_name_of_the_worker_that_left_it(void)
{
	struct fixture fixture;
	const char *log;

	start(&fixture);
	behave = leave_something;
	tn_fetch(&worker_env.self, fixture.request);
	CU_ASSERT_PTR_NULL(tn_exchange_running(fixture.exchange));
	capture_begin();
	fixture_end(&fixture);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, " worker=worker: done later"), 2);
	CHECK_NUMBER(capture_lines(log, ""), 2);
	fixture_begin(&fixture);
	fixture_finish(&fixture);
}

/* ---- What is refused ---------------------------------------------------------------------- */

static void what_cannot_be_deferred_is_released_at_once(void)
{
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;
	char letters[] = "ab";

	start(&fixture);
	fixture_finish(&fixture);
	CU_ASSERT(!tn_defer(NULL, happen, letters));
	CHECK_TEXT(happened, "a");
	limits.request_memory = 8192;
	fixture_init_with(&fixture, &limits);
	fixture_exhaust(&fixture);
	capture_begin();
	CU_ASSERT(!tn_defer(fixture.request, happen, letters + 1));
	CHECK_NUMBER(capture_lines(capture_end(), ""), 1);
	CHECK_TEXT(happened, "ab");
	fixture_finish(&fixture);
	CHECK_TEXT(happened, "ab");
}

/* What is left may do for the one note and not for the other. */
static void at_any_lack_of_memory_it_is_released_once_and_logged(void)
{
	for (size_t left = 0; left < 256; left += 16) {
		struct tn_limits limits = tn_limits_default;
		struct fixture fixture;
		char letter = 'a';
		bool deferred;

		happened[0] = '\0';
		limits.request_memory = 4096;
		fixture_init_with(&fixture, &limits);
		fixture_exhaust(&fixture);
		fixture.exchange->arena.limit += left;
		capture_begin();
		deferred = tn_defer(fixture.request, happen, &letter);
		CHECK_NUMBER(capture_lines(capture_end(), "no memory"), !deferred);
		CHECK_TEXT(happened, deferred ? "" : "a");
		CU_ASSERT(left > 0 || !deferred);
		CU_ASSERT(left < 200 || deferred);
		fixture_finish(&fixture);
		CHECK_TEXT(happened, "a");
	}
}

static void without_memory_there_is_no_later(void)
{
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;
	char letter = 'a';

	happened[0] = '\0';
	limits.request_memory = 8192;
	fixture_init_with(&fixture, &limits);
	fixture_exhaust(&fixture);
	capture_begin();
	CU_ASSERT(!tn_wait_until(fixture.request, happen, &letter));
	CU_ASSERT(!tn_wait_until(NULL, happen, &letter));
	CHECK_NUMBER(capture_lines(capture_end(), "no memory"), 1);
	fixture_finish(&fixture);
	CHECK_TEXT(happened, "");
}

static unsigned rounds;

static void go_on_for_ever(void *request)
{
	rounds++;
	tn_wait_until(request, go_on_for_ever, request);
}

static void work_that_never_ends_ends_at_max_calls(void)
{
	struct fixture fixture;
	const char *log;

	start(&fixture);
	rounds = 0;
	tn_fetch(&worker_env.self, fixture.request);
	CU_ASSERT(tn_wait_until(fixture.request, go_on_for_ever, fixture.request));
	capture_begin();
	fixture_end(&fixture);
	log = capture_end();
	CHECK_NUMBER(rounds, 999); /* the Worker was one call */
	CHECK_NUMBER(capture_lines(log, "tn_wait_until refused: 1000 calls are max_calls"), 1);
	fixture_begin(&fixture);
	CU_ASSERT(tn_wait_until(fixture.request, happen, happened));
	fixture_finish(&fixture);
}

static void work_takes_from_the_calls_that_are_left(void)
{
	struct fixture fixture;
	struct tn_limits limits = tn_limits_default;
	char letters[] = "ab";

	happened[0] = '\0';
	behave = answer;
	limits.max_calls = 2;
	fixture_init_with(&fixture, &limits);
	CU_ASSERT(tn_wait_until(fixture.request, happen, letters));
	CU_ASSERT(tn_wait_until(fixture.request, happen, letters + 1));
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&worker_env.self, fixture.request));
	CHECK_NUMBER(capture_lines(capture_end(), "max_calls"), 1);
	fixture_finish(&fixture);
	CHECK_TEXT(happened, "ab");
}

/* Without memory a release is called at once: one that defers itself must not end the stack. */
static struct fixture *endless;
static unsigned releases;

static void release_and_defer_again(void *argument)
{
	releases++;
	tn_defer(endless->request, release_and_defer_again, argument);
}

static void a_release_that_defers_itself_for_ever_is_ended(void)
{
	struct fixture fixture;
	const char *log;

	fixture_init(&fixture);
	endless = &fixture;
	releases = 0;
	CU_ASSERT(tn_defer(fixture.request, release_and_defer_again, NULL));
	capture_begin();
	fixture_finish(&fixture);
	log = capture_end();
	CU_ASSERT(releases > 64);
	CHECK_NUMBER(capture_lines(log, "a release callback defers itself without end"), 1);
}

static void only_the_first_refused_wait_is_logged(void)
{
	char letter[] = "a";
	struct fixture fixture;
	const char *log;

	fixture_init(&fixture);
	happened[0] = '\0';
	capture_begin();
	for (unsigned i = 0; i < tn_limits_default.max_calls + 10; i++)
		tn_wait_until(fixture.request, happen, letter);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "tn_wait_until refused"), 1);
	fixture_finish(&fixture);
}

TEST_MAIN("message/later",
          TEST(a_release_that_defers_itself_for_ever_is_ended),
          TEST(only_the_first_refused_wait_is_logged),
          TEST(work_comes_first_in_order_then_releases_in_reverse),
          TEST(work_may_add_work_and_releases),
          TEST(a_release_may_add_work_and_releases),
          TEST(the_next_exchange_has_none_of_it),
          TEST(the_memory_of_the_exchange_is_still_there),
          TEST(work_may_call_a_binding),
          TEST(it_is_done_in_the_name_of_the_worker_that_left_it),
          TEST(what_cannot_be_deferred_is_released_at_once),
          TEST(at_any_lack_of_memory_it_is_released_once_and_logged),
          TEST(without_memory_there_is_no_later),
          TEST(work_that_never_ends_ends_at_max_calls),
          TEST(work_takes_from_the_calls_that_are_left))
