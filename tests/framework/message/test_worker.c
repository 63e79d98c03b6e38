#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"

#include <string.h>

/* A Worker that does what its env says, so that each env is another Worker. */
struct env {
	struct tn_service self;
	const struct tn_service *left;
	const struct tn_service *right;
	struct tn_response *(*behave)(struct tn_request *request, const struct env *env);
	const char *text;
	int64_t number;
};

static unsigned handled;

static struct tn_response *worker(struct tn_request *request, const struct env *env)
{
	handled++;
	return env->behave(request, env);
}

TN_WORKER(worker, struct env, TN_SERVICE(left), TN_SERVICE_OPTIONAL(right), TN_STATE(behave),
          TN_VAR_OR(text, "default"), TN_INT_OR(number, 7));

/* WORKER(name, behaviour, .left = ..., .right = ...) */
#define WORKER(...) WORKER_(__VA_ARGS__, .text = NULL)
#define WORKER_(name_, behave_, ...) \
	{ \
		.self = { .fetch = fetch, .name = (name_) }, .behave = (behave_), __VA_ARGS__ \
	}

/* Another module, made by hand. */
static struct tn_response *other_fetch(struct tn_request *request,
                                       const struct tn_service *service);

static const struct tn_worker other_worker = { .name = "other", .fetch = other_fetch };

static struct tn_response *other_fetch(struct tn_request *request,
                                       const struct tn_service *service)
{
	struct tn_response *response = NULL;

	if (!tn_worker_enter(&other_worker, request, service, &response))
		return response;
	return tn_worker_leave(request, tn_response_text(request, 200, "other"));
}

static const struct tn_service other = { .fetch = other_fetch, .name = "the-other" };

static struct tn_response *answer(struct tn_request *request, const struct env *env)
{
	return tn_response_text(request, 200, env->self.name);
}

static struct tn_response *answer_null(struct tn_request *request, const struct env *env)
{
	(void)request;
	(void)env;
	return NULL;
}

static struct tn_response *pass_on(struct tn_request *request, const struct env *env)
{
	return tn_fetch(env->left, tn_request_clone(request));
}

static void start(struct fixture *fixture)
{
	handled = 0;
	fixture_init(fixture);
}

/* ---- TN_WORKER ---------------------------------------------------------------------------- */

static void the_descriptor_tells_what_the_loader_checks(void)
{
	CHECK_NUMBER(tn_worker.abi_major, TN_ABI_MAJOR);
	CHECK_NUMBER(tn_worker.abi_minor, TN_ABI_MINOR);
	CHECK_NUMBER(tn_worker.size, sizeof(struct tn_worker));
	CHECK_NUMBER(tn_worker.slot_size, sizeof(struct tn_slot));
	CHECK_NUMBER(tn_worker.service_size, sizeof(struct tn_service));
	CHECK_NUMBER(tn_worker.env_size, sizeof(struct env));
	CHECK_NUMBER(tn_worker.slot_count, 5);
	CHECK_TEXT(tn_worker.name, "worker");
	CU_ASSERT(tn_worker.fetch == fetch);
}

static void the_slots_say_where_the_fields_are(void)
{
	static const struct {
		uint32_t kind, flags;
		const char *name;
		size_t offset;
	} expected[] = {
		{ TN_SLOT_SERVICE, 0, "left", offsetof(struct env, left) },
		{ TN_SLOT_SERVICE, TN_SLOT_OPTIONAL, "right", offsetof(struct env, right) },
		{ TN_SLOT_STATE, 0, "behave", offsetof(struct env, behave) },
		{ TN_SLOT_VAR, TN_SLOT_OPTIONAL, "text", offsetof(struct env, text) },
		{ TN_SLOT_INT, TN_SLOT_OPTIONAL, "number", offsetof(struct env, number) },
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		CHECK_NUMBER(tn_worker.slots[i].kind, expected[i].kind);
		CHECK_NUMBER(tn_worker.slots[i].flags, expected[i].flags);
		CHECK_TEXT(tn_worker.slots[i].name, expected[i].name);
		CHECK_NUMBER(tn_worker.slots[i].offset, expected[i].offset);
	}
	CHECK_TEXT(tn_worker.slots[3].value.text, "default");
	CHECK_NUMBER(tn_worker.slots[4].value.integer, 7);
	CHECK_NUMBER(tn_worker.slots[5].kind, TN_SLOT_END);
}

/* Workers that were built with one size must fit a host that was built later. */
static void the_sizes_of_the_contract_are_fixed(void)
{
	CHECK_NUMBER(sizeof(struct tn_service), 64);
	CHECK_NUMBER(sizeof(struct tn_slot), 32);
	CHECK_NUMBER(sizeof(struct tn_worker), 56);
	CHECK_NUMBER(offsetof(struct tn_worker, abi_major), 0);
	CHECK_NUMBER(sizeof(struct tn_bytes), 16);
	CHECK_NUMBER(sizeof(struct tn_header), 24);
	CHECK_NUMBER(sizeof(struct tn_parameter), 24);
}

/* ---- Entering and leaving ----------------------------------------------------------------- */

static void a_call_reaches_the_worker_and_is_counted(void)
{
	const struct env auth = WORKER("auth", answer);
	const struct env gateway = WORKER("gateway", pass_on, .left = &auth.self);
	struct fixture fixture;
	struct tn_response *response;
	char text[TN_CHAIN_SIZE];

	start(&fixture);
	response = tn_fetch(&gateway.self, fixture.request);
	CHECK_TEXT(tn_response_body(response).data, "auth");
	CHECK_NUMBER(handled, 2);
	CHECK_NUMBER(fixture.exchange->calls, 2);
	CHECK_NUMBER(fixture.exchange->depth, 0);
	CHECK_TEXT(tn_exchange_chain(fixture.exchange, text), "gateway(auth)");
	fixture_finish(&fixture);
}

static struct tn_response *ask_both(struct tn_request *request, const struct env *env)
{
	struct tn_response *verdict = env->left->fetch(tn_request_clone(request), env->left);

	if (tn_response_status(verdict) != 200)
		return verdict;
	return env->right->fetch(request, env->right);
}

static void the_chain_shows_all_calls_of_the_exchange(void)
{
	const struct env token = WORKER("token", answer);
	const struct env auth = WORKER("auth", pass_on, .left = &token.self);
	const struct env application = WORKER("application", answer);
	const struct env gateway =
		WORKER("gateway", ask_both, .left = &auth.self, .right = &application.self);
	struct fixture fixture;
	char text[TN_CHAIN_SIZE];

	start(&fixture);
	tn_fetch(&gateway.self, fixture.request);
	CHECK_TEXT(tn_exchange_chain(fixture.exchange, text), "gateway(auth(token),application)");
	fixture_finish(&fixture);
}

static void no_request_enters_no_worker(void)
{
	const struct env auth = WORKER("auth", answer);
	struct tn_response *response = (struct tn_response *)(uintptr_t)&auth;

	handled = 0;
	capture_begin();
	CU_ASSERT_PTR_NULL(fetch(NULL, &auth.self));
	CU_ASSERT_PTR_NULL(fetch(NULL, NULL));
	CU_ASSERT(!tn_worker_enter(&tn_worker, NULL, &auth.self, &response));
	CHECK_TEXT(capture_end(), "");
	CU_ASSERT_PTR_NULL(response);
	CHECK_NUMBER(handled, 0);
}

static void no_binding_gives_no_response(void)
{
	struct fixture fixture;

	start(&fixture);
	CU_ASSERT_PTR_NULL(tn_fetch(NULL, fixture.request));
	fixture_finish(&fixture);
}

static void another_service_than_the_one_called_is_refused(void)
{
	struct fixture fixture;
	const char *log;

	start(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(fetch(fixture.request, &other));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "'worker'"), 1);
	CHECK_NUMBER(capture_lines(log, "'the-other'"), 1);
	capture_begin();
	CU_ASSERT_PTR_NULL(fetch(fixture.request, NULL));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "'(none)'"), 1);
	CHECK_NUMBER(handled, 0);
	CHECK_NUMBER(fixture.exchange->calls, 0);
	CHECK_NUMBER(fixture.exchange->depth, 0);
	fixture_finish(&fixture);
}

static struct tn_response *mix_up(struct tn_request *request, const struct env *env)
{
	return env->left->fetch(request, env->right);
}

static void a_mix_up_is_one_line_though_the_caller_passes_it_on(void)
{
	const struct env auth = WORKER("auth", answer);
	const struct env gateway = WORKER("gateway", mix_up, .left = &auth.self, .right = &other);
	struct fixture fixture;
	const char *log;

	start(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&gateway.self, fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "worker=gateway: the fetch of 'worker'"), 1);
	CHECK_NUMBER(handled, 1);
	fixture_finish(&fixture);
}

/* ---- Limits ------------------------------------------------------------------------------- */

static struct tn_response *call_oneself(struct tn_request *request, const struct env *env)
{
	return tn_fetch(&env->self, tn_request_clone(request));
}

static struct tn_response *call_oneself_twice(struct tn_request *request, const struct env *env)
{
	tn_fetch(&env->self, tn_request_clone(request));
	return tn_fetch(&env->self, tn_request_clone(request));
}

static void check_next_exchange(struct fixture *fixture)
{
	const struct env auth = WORKER("auth", answer);

	fixture_end(fixture);
	fixture_begin(fixture);
	CHECK_NUMBER(tn_response_status(tn_fetch(&auth.self, fixture->request)), 200);
}

static void a_worker_that_calls_itself_for_ever_ends_at_max_depth(void)
{
	const struct env loop = WORKER("loop", call_oneself);
	struct fixture fixture;
	const char *log;

	start(&fixture);
	capture_begin();
	CHECK_NUMBER(tn_response_status(tn_fetch(&loop.self, fixture.request)), 500);
	log = capture_end();
	CHECK_NUMBER(handled, 32);
	CHECK_NUMBER(fixture.exchange->calls, 32);
	CHECK_NUMBER(fixture.exchange->depth, 0);
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "call of 'loop' refused: 32 calls deep is max_depth"), 1);
	CHECK_NUMBER(capture_lines(log, "worker=loop chain=loop>loop>"), 1);
	check_next_exchange(&fixture);
	fixture_finish(&fixture);
}

static void a_worker_that_calls_twice_at_each_level_ends_at_max_calls(void)
{
	const struct env tree = WORKER("tree", call_oneself_twice);
	struct fixture fixture;
	const char *log;

	start(&fixture);
	capture_begin();
	CHECK_NUMBER(tn_response_status(tn_fetch(&tree.self, fixture.request)), 500);
	log = capture_end();
	CHECK_NUMBER(handled, 1000);
	CHECK_NUMBER(fixture.exchange->calls, 1000);
	CHECK_NUMBER(fixture.exchange->depth, 0);
	CHECK_NUMBER(capture_lines(log, "is max_depth"), 1);
	CHECK_NUMBER(capture_lines(log, "are max_calls"), 1);
	CHECK_NUMBER(capture_lines(log, ""), 2);
	check_next_exchange(&fixture);
	fixture_finish(&fixture);
}

static struct tn_response *call_left_for_ever(struct tn_request *request, const struct env *env)
{
	unsigned good = 0;

	while (good < 5000 && tn_response_status(tn_fetch(env->left, request)) == 200)
		good++;
	return tn_response_text(request, 200, tn_format(request, "%u", good));
}

static void calls_side_by_side_end_at_max_calls_too(void)
{
	const struct env auth = WORKER("auth", answer);
	const struct env gateway = WORKER("gateway", call_left_for_ever, .left = &auth.self);
	struct fixture fixture;
	const char *log;

	start(&fixture);
	capture_begin();
	CHECK_TEXT(tn_response_body(tn_fetch(&gateway.self, fixture.request)).data, "999");
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "call of 'auth' refused: 1000 calls are max_calls"), 1);
	fixture_finish(&fixture);
}

static void the_limits_are_those_of_the_configuration(void)
{
	const struct env loop = WORKER("loop", call_oneself);
	const struct env tree = WORKER("tree", call_oneself_twice);
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;

	limits.max_depth = 3;
	limits.max_calls = 5;
	fixture_init_with(&fixture, &limits);
	capture_begin();
	handled = 0;
	tn_fetch(&loop.self, fixture.request);
	CHECK_NUMBER(handled, 3);
	fixture_end(&fixture);
	fixture_begin(&fixture);
	handled = 0;
	tn_fetch(&tree.self, fixture.request);
	CHECK_NUMBER(handled, 5);
	capture_end();
	fixture_finish(&fixture);
}

static void the_greatest_depth_that_can_be_set_is_reached(void)
{
	const struct env loop = WORKER("loop", call_oneself);
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;

	limits.max_depth = TN_DEPTH_MAX;
	fixture_init_with(&fixture, &limits);
	handled = 0;
	capture_begin();
	tn_fetch(&loop.self, fixture.request);
	CHECK_NUMBER(capture_lines(capture_end(), ""), 1);
	CHECK_NUMBER(handled, TN_DEPTH_MAX);
	fixture_finish(&fixture);
}

/* ---- Failure flows ------------------------------------------------------------------------ */

static void a_null_is_logged_where_it_arose_and_nowhere_else(void)
{
	const struct env broken = WORKER("broken", answer_null);
	const struct env middle = WORKER("middle", pass_on, .left = &broken.self);
	const struct env gateway = WORKER("gateway", pass_on, .left = &middle.self);
	struct fixture fixture;
	const char *log;

	start(&fixture);
	capture_begin();
	CHECK_NUMBER(tn_response_status(tn_fetch(&gateway.self, fixture.request)), 500);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "worker=broken chain=gateway>middle>broken: returned NULL"),
	             1);
	CHECK_NUMBER(capture_lines(log, tn_exchange_id(fixture.exchange)), 1);
	CHECK_NUMBER(fixture.exchange->depth, 0);
	fixture_finish(&fixture);
}

static struct tn_response *answer_though_left_fails(struct tn_request *request,
                                                    const struct env *env)
{
	tn_fetch(env->left, tn_request_clone(request));
	return tn_response_text(request, 200, "instead");
}

static void a_caller_that_catches_a_null_answers(void)
{
	const struct env broken = WORKER("broken", answer_null);
	const struct env gateway = WORKER("gateway", answer_though_left_fails,
	                                  .left = &broken.self);
	const struct env front = WORKER("front", pass_on, .left = &gateway.self);
	struct fixture fixture;

	start(&fixture);
	capture_begin();
	CHECK_TEXT(tn_response_body(tn_fetch(&front.self, fixture.request)).data, "instead");
	CHECK_NUMBER(capture_lines(capture_end(), ""), 1);
	fixture_finish(&fixture);
}

static struct tn_response *answer_null_after_all(struct tn_request *request, const struct env *env)
{
	CHECK_NUMBER(tn_response_status(tn_fetch(env->left, tn_request_clone(request))), 200);
	return NULL;
}

static void a_null_after_a_good_call_is_the_callers_own(void)
{
	const struct env broken = WORKER("broken", answer_null);
	const struct env fallback = WORKER("fallback", answer_though_left_fails,
	                                   .left = &broken.self);
	const struct env gateway = WORKER("gateway", answer_null_after_all, .left = &fallback.self);
	struct fixture fixture;
	const char *log;

	start(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&gateway.self, fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 2);
	CHECK_NUMBER(capture_lines(log, "worker=broken chain=gateway>fallback>broken: "), 1);
	CHECK_NUMBER(capture_lines(log, "worker=gateway: returned NULL"), 1);
	fixture_finish(&fixture);
}

static struct tn_response *call_left_and_right(struct tn_request *request, const struct env *env)
{
	tn_fetch(env->left, tn_request_clone(request));
	return tn_fetch(env->right, tn_request_clone(request));
}

static void two_that_fail_are_two_lines(void)
{
	const struct env one = WORKER("one", answer_null);
	const struct env two = WORKER("two", answer_null);
	const struct env gateway = WORKER("gateway", call_left_and_right, .left = &one.self,
	                                  .right = &two.self);
	struct fixture fixture;
	const char *log;

	start(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&gateway.self, fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 2);
	CHECK_NUMBER(capture_lines(log, "chain=gateway>one: returned NULL"), 1);
	CHECK_NUMBER(capture_lines(log, "chain=gateway>two: returned NULL"), 1);
	fixture_finish(&fixture);
}

static struct tn_response *kept;

static struct tn_response *answer_kept(struct tn_request *request, const struct env *env)
{
	(void)request;
	(void)env;
	return kept;
}

static void a_response_of_another_exchange_is_refused(void)
{
	const struct env hoarder = WORKER("hoarder", answer_kept);
	const struct env gateway = WORKER("gateway", pass_on, .left = &hoarder.self);
	struct fixture fixture, earlier;
	const char *log;

	start(&fixture);
	fixture_init(&earlier);
	kept = tn_response_text(earlier.request, 200, "kept");
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&gateway.self, fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "worker=hoarder chain=gateway>hoarder: returned a response "
	                                "that was made in another exchange"),
	             1);
	CHECK_NUMBER(fixture.exchange->depth, 0);
	kept = tn_response_text(fixture.request, 200, "of this one");
	CU_ASSERT_PTR_EQUAL(tn_fetch(&gateway.self, fixture.request), kept);
	fixture_finish(&earlier);
	fixture_finish(&fixture);
}

/* ---- Out of memory ------------------------------------------------------------------------ */

static struct tn_response *take_all_memory(struct tn_request *request, const struct env *env)
{
	(void)env;
	while (tn_allocate(request, 1000))
		;
	CU_ASSERT_PTR_NULL(tn_allocate(request, 1000));
	return tn_response_text(request, 200, tn_format(request, "%1000d", 1));
}

static void a_lack_of_memory_flows_to_the_end_as_500(void)
{
	const struct env glutton = WORKER("glutton", take_all_memory);
	const struct env gateway = WORKER("gateway", pass_on, .left = &glutton.self);
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;
	const char *log;

	limits.request_memory = (size_t)256 * 1024;
	fixture_init_with(&fixture, &limits);
	for (unsigned round = 0; round < 3; round++) {
		capture_begin();
		CHECK_NUMBER(tn_response_status(tn_fetch(&gateway.self, fixture.request)), 500);
		log = capture_end();
		CHECK_NUMBER(capture_lines(log, "no memory"), 1);
		CHECK_NUMBER(capture_lines(log, "worker=glutton chain=gateway>glutton: "), 2);
		CHECK_NUMBER(capture_lines(log, ""), 2); /* the other is its "returned NULL" */
		check_next_exchange(&fixture);
		fixture_end(&fixture);
		fixture_begin(&fixture);
	}
	fixture_finish(&fixture);
}

/* ---- The log ------------------------------------------------------------------------------ */

static struct tn_response *log_a_line(struct tn_request *request, const struct env *env)
{
	struct tn_response *response = tn_fetch(env->left, request);

	tn_log(request, TN_LOG_WARNING, "line of %s", env->self.name);
	return response ? response : tn_response_new(request, 204);
}

static void a_line_has_the_id_and_the_worker_that_is_running(void)
{
	const struct env inner = WORKER("inner", log_a_line);
	const struct env outer = WORKER("outer", log_a_line, .left = &inner.self);
	struct fixture fixture;
	const char *log;
	char id[TN_ID_SIZE + 32];

	start(&fixture);
	snprintf(id, sizeof(id), "warning request=%s ", tn_exchange_id(fixture.exchange));
	capture_begin();
	tn_fetch(&outer.self, fixture.request);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 2);
	CHECK_NUMBER(capture_lines(log, id), 2);
	CHECK_NUMBER(capture_lines(log, " worker=inner: line of inner"), 1);
	CHECK_NUMBER(capture_lines(log, " worker=outer: line of outer"), 1);
	fixture_finish(&fixture);
}

static void without_a_request_a_line_has_neither(void)
{
	const char *log;

	capture_begin();
	tn_log(NULL, TN_LOG_ERROR, "started %d", 1);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, " error: started 1"), 1);
	CHECK_NUMBER(capture_lines(log, ""), 1);
}

static struct tn_response *survive_and_fail(struct tn_request *request, const struct env *env)
{
	CU_ASSERT_PTR_NULL(tn_fetch(env->left, request));
	CU_ASSERT_PTR_NOT_NULL(tn_fetch(env->right, request));
	return NULL;
}

/* Not the callee's fault, which was dealt with. */
static void a_null_after_a_failure_that_was_survived_is_the_workers_own(void)
{
	const struct env broken = WORKER("broken", answer_null);
	const struct env good = WORKER("good", answer);
	struct env caller = WORKER("caller", survive_and_fail);
	struct fixture fixture;
	const char *log;

	caller.left = &broken.self;
	caller.right = &good.self;
	start(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_fetch(&caller.self, fixture.request));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "worker=broken chain=caller>broken: returned NULL"), 1);
	CHECK_NUMBER(capture_lines(log, "worker=caller: returned NULL"), 1);
	fixture_finish(&fixture);
}

TEST_MAIN("message/worker",
          TEST(a_null_after_a_failure_that_was_survived_is_the_workers_own),
          TEST(the_descriptor_tells_what_the_loader_checks),
          TEST(the_slots_say_where_the_fields_are),
          TEST(the_sizes_of_the_contract_are_fixed),
          TEST(a_call_reaches_the_worker_and_is_counted),
          TEST(the_chain_shows_all_calls_of_the_exchange),
          TEST(no_request_enters_no_worker),
          TEST(no_binding_gives_no_response),
          TEST(another_service_than_the_one_called_is_refused),
          TEST(a_mix_up_is_one_line_though_the_caller_passes_it_on),
          TEST(a_worker_that_calls_itself_for_ever_ends_at_max_depth),
          TEST(a_worker_that_calls_twice_at_each_level_ends_at_max_calls),
          TEST(calls_side_by_side_end_at_max_calls_too),
          TEST(the_limits_are_those_of_the_configuration),
          TEST(the_greatest_depth_that_can_be_set_is_reached),
          TEST(a_null_is_logged_where_it_arose_and_nowhere_else),
          TEST(a_caller_that_catches_a_null_answers),
          TEST(a_null_after_a_good_call_is_the_callers_own),
          TEST(two_that_fail_are_two_lines),
          TEST(a_response_of_another_exchange_is_refused),
          TEST(a_lack_of_memory_flows_to_the_end_as_500),
          TEST(a_line_has_the_id_and_the_worker_that_is_running),
          TEST(without_a_request_a_line_has_neither))
