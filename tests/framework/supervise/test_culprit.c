#include "supervise/culprit.h"

#include "framework/deploy/planned.h"

struct fixture {
	struct planned planned;
	struct tn_activity activity;
	struct tn_culprit culprit;
	char text[TN_CULPRIT_TEXT];
};

static void begin(struct fixture *fixture)
{
	memset(&fixture->activity, 0, sizeof(fixture->activity));
	planned_text(&fixture->planned, NULL,
	             "[worker gateway]\nroute = /\nservice.auth = auth\nmodule = /m/gateway.so\n"
	             "[worker auth]\nmodule = /m/auth.so\n");
}

/* Reads the page anew, and gives the text of it. */
static const char *read_text(struct fixture *fixture)
{
	memset(&fixture->culprit, 0xa5, sizeof(fixture->culprit));
	tn_culprit_read(&fixture->culprit, &fixture->activity, fixture->planned.plan);
	return tn_culprit_text(&fixture->culprit, fixture->text);
}

static void finish(struct fixture *fixture)
{
	planned_end(&fixture->planned);
}

static void a_request_two_bindings_deep(void)
{
	struct tn_log_context context;
	struct fixture fixture;

	begin(&fixture);
	tn_activity_show(&fixture.activity, TN_STEP_REQUEST, 0x0123456789abcdef, "GET", "/a?b");
	tn_activity_enter(&fixture.activity, 0, 1);
	tn_activity_enter(&fixture.activity, 1, 2);
	CHECK_TEXT(read_text(&fixture),
	           " while it answered, request \"GET /a?b\", module '/m/auth.so'");
	CU_ASSERT(fixture.culprit.worker == &fixture.planned.plan->workers[1]);
	CHECK_NUMBER(fixture.culprit.step, TN_STEP_REQUEST);
	CHECK_TEXT(fixture.culprit.request, "GET /a?b");
	context = tn_culprit_context(&fixture.culprit);
	CHECK_TEXT(context.request, "0123456789abcdef");
	CHECK_TEXT(context.worker, "auth");
	CHECK_TEXT(context.chain, "gateway>auth");
	finish(&fixture);
}

static void a_hook_has_neither_request_nor_chain(void)
{
	struct tn_log_context context;
	struct fixture fixture;

	begin(&fixture);
	tn_activity_show(&fixture.activity, TN_STEP_REQUEST, 7, "GET", "/");
	tn_activity_begin(&fixture.activity, TN_STEP_START, 0);
	CHECK_TEXT(read_text(&fixture), " in its start hook, module '/m/gateway.so'");
	CHECK_NUMBER(fixture.culprit.step, TN_STEP_START);
	context = tn_culprit_context(&fixture.culprit);
	CU_ASSERT_PTR_NULL(context.request);
	CHECK_TEXT(context.worker, "gateway");
	CU_ASSERT_PTR_NULL(context.chain);
	tn_activity_begin(&fixture.activity, TN_STEP_LOAD, 1);
	CHECK_TEXT(read_text(&fixture), " while it was loaded, module '/m/auth.so'");
	finish(&fixture);
}

/* What it did last is of no account: it had been done. */
static void the_hosts_own_work_is_nobodys(void)
{
	struct tn_log_context context;
	struct fixture fixture;

	begin(&fixture);
	CHECK_TEXT(read_text(&fixture), ": no Worker was running");
	tn_activity_show(&fixture.activity, TN_STEP_REQUEST, 7, "GET", "/");
	tn_activity_enter(&fixture.activity, 0, 1);
	tn_activity_leave(&fixture.activity, 0);
	CHECK_TEXT(read_text(&fixture), ": no Worker was running, request \"GET /\"");
	CU_ASSERT_PTR_NULL(fixture.culprit.worker);
	tn_activity_set_step(&fixture.activity, TN_STEP_NONE);
	CHECK_TEXT(read_text(&fixture), ": no Worker was running");
	tn_activity_set_step(&fixture.activity, TN_STEP_DONE);
	CHECK_TEXT(read_text(&fixture), ": no Worker was running");
	CHECK_NUMBER(fixture.culprit.step, TN_STEP_NONE);
	context = tn_culprit_context(&fixture.culprit);
	CU_ASSERT_PTR_NULL(context.request);
	CU_ASSERT_PTR_NULL(context.worker);
	CU_ASSERT_PTR_NULL(context.chain);
	finish(&fixture);
}

/* One client's line must not become two of the log, nor end its quotes. */
static void a_request_line_cannot_look_like_more(void)
{
	struct fixture fixture;

	begin(&fixture);
	tn_activity_show(&fixture.activity, TN_STEP_REQUEST, 7, "GET", "/\"\nx\\\x80");
	tn_activity_enter(&fixture.activity, 0, 1);
	CHECK_TEXT(read_text(&fixture),
	           " while it answered, request \"GET /\\x22\\x0ax\\x5c\\x80\", "
	           "module '/m/gateway.so'");
	finish(&fixture);
}

/* A Worker that goes astray may have written there before it died. */
static void a_page_of_anything_is_read_within_its_bounds(void)
{
	struct fixture fixture;

	begin(&fixture);
	for (unsigned byte = 0; byte < 256; byte++) {
		memset(&fixture.activity, (int)byte, sizeof(fixture.activity));
		for (uint32_t step = 0; step <= TN_STEP_DONE + 1; step++) {
			atomic_store(&fixture.activity.step, step);
			CU_ASSERT(strlen(read_text(&fixture)) < TN_CULPRIT_TEXT);
			CU_ASSERT(!fixture.culprit.worker ||
			          fixture.culprit.worker < fixture.planned.plan->workers + 2);
			CU_ASSERT(strlen(fixture.culprit.chain) < TN_CHAIN_SIZE);
		}
	}
	finish(&fixture);
}

static void numbers_that_are_nobodys_are_no_names(void)
{
	struct fixture fixture;

	begin(&fixture);
	tn_activity_show(&fixture.activity, TN_STEP_REQUEST, 7, "GET", "/");
	tn_activity_enter(&fixture.activity, 0, 3);
	tn_activity_enter(&fixture.activity, 1, 0);
	tn_activity_enter(&fixture.activity, 2, 2);
	read_text(&fixture);
	CHECK_TEXT(fixture.culprit.chain, "?>?>auth");
	CHECK_TEXT(tn_culprit_context(&fixture.culprit).worker, "auth");
	tn_activity_leave(&fixture.activity, 2);
	CHECK_TEXT(read_text(&fixture), ": no Worker was running, request \"GET /\"");
	CU_ASSERT_PTR_NULL(fixture.culprit.worker);
	finish(&fixture);
}

static void the_deepest_chain_is_cut(void)
{
	struct fixture fixture = { 0 };

	planned_text(&fixture.planned, NULL,
	             "[worker the-gateway]\nroute = /\n[worker auth]\nroute = /auth\n");
	tn_activity_show(&fixture.activity, TN_STEP_REQUEST, 7, "GET", "/");
	for (unsigned depth = 0; depth < TN_DEPTH_MAX; depth++)
		tn_activity_enter(&fixture.activity, depth, 1 + (depth + 1 == TN_DEPTH_MAX));
	read_text(&fixture);
	CHECK_TEXT(tn_culprit_context(&fixture.culprit).worker, "auth");
	CHECK_NUMBER(strlen(fixture.culprit.chain), TN_CHAIN_SIZE - 1);
	CU_ASSERT(strncmp(fixture.culprit.chain, "the-gateway>the-gateway>", 24) == 0);
	finish(&fixture);
}

TEST_MAIN("supervise/culprit",
          TEST(a_request_two_bindings_deep),
          TEST(a_hook_has_neither_request_nor_chain),
          TEST(the_hosts_own_work_is_nobodys),
          TEST(a_request_line_cannot_look_like_more),
          TEST(a_page_of_anything_is_read_within_its_bounds),
          TEST(numbers_that_are_nobodys_are_no_names),
          TEST(the_deepest_chain_is_cut))
