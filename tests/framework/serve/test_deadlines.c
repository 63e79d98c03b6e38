#include "serve/deadlines.h"

#include "cunit.h"

/* What a clock shows in these tests; the deadlines' own begins with 0. */
#define BEGIN ((int64_t)1000000)

static struct tn_deadlines deadlines;
static struct tn_client client;
static struct tn_delivery delivery;
static unsigned asked;
static int64_t clock_now;

static struct tn_delivery delivery_of(const struct tn_client *one)
{
	(void)one;
	asked++;
	return delivery;
}

static void begin_with(int64_t rate)
{
	const struct tn_settings settings = {
		.head_timeout = 10000,
		.body_timeout = 30000,
		.write_timeout = 20000,
		.idle_timeout = 60000,
		.min_rate = rate,
	};

	client = (struct tn_client){ 0 };
	delivery = (struct tn_delivery){ 0 };
	asked = 0;
	clock_now = BEGIN;
	tn_deadlines_init(&deadlines, &settings, delivery_of, clock_now);
	CU_ASSERT_TRUE(tn_deadlines_add(&deadlines, &client));
}

static void begin(void)
{
	begin_with(1000);
}

static void finish(void)
{
	tn_deadlines_remove(&deadlines, &client);
	CHECK_NUMBER(deadlines.timers.count, 0);
	tn_deadlines_finish(&deadlines);
}

/* A turn of the loop, which has slept as long as it was to, or less. */
static void turn(int64_t ms)
{
	tn_deadlines_rest(&deadlines, (int)ms);
	clock_now += ms;
	tn_deadlines_turn(&deadlines, clock_now);
}

/* Sleeps as the loop does, for all of that time, and looks at each waking. Returns who is due, NULL
 * where nobody is until then. */
static const struct tn_client *sleep_for(int64_t ms, enum tn_phase *phase)
{
	int64_t until = deadlines.now + ms;

	while (deadlines.now < until) {
		int left = tn_deadlines_left(&deadlines);
		const struct tn_client *due;

		turn(left < 0 || left > until - deadlines.now ? until - deadlines.now : left);
		due = tn_deadlines_due(&deadlines, phase);
		if (due)
			return due;
	}
	return NULL;
}

static void check_quiet(int64_t ms)
{
	enum tn_phase phase;

	CU_ASSERT_PTR_NULL(sleep_for(ms, &phase));
}

/* It is due then, for that, and not a millisecond earlier. */
static void check_due(int64_t ms, enum tn_phase expected)
{
	enum tn_phase phase = TN_PHASE_WORK;

	check_quiet(ms - 1);
	CU_ASSERT_PTR_EQUAL(sleep_for(1, &phase), &client);
	CHECK_NUMBER(phase, expected);
	CHECK_NUMBER(deadlines.timers.count, 0);
}

/* ---- What comes ---------------------------------------------------------------------------- */

static void head_begins(void)
{
	client.framing.messages++;
	client.framing.phase = TN_FRAMING_HEAD;
	tn_deadlines_read(&deadlines, &client);
}

static void more_of_the_head(void)
{
	tn_deadlines_read(&deadlines, &client);
}

static void head_ends(void)
{
	client.framing.heads++;
	client.framing.phase = TN_FRAMING_BETWEEN;
	tn_deadlines_read(&deadlines, &client);
}

static void head_ends_before_a_body(uint64_t body)
{
	client.framing.heads++;
	client.framing.phase = TN_FRAMING_BODY;
	client.framing.body = body;
	tn_deadlines_read(&deadlines, &client);
}

static void body_comes(uint64_t bytes)
{
	client.framing.body += bytes;
	tn_deadlines_read(&deadlines, &client);
}

static void body_ends(void)
{
	client.framing.phase = TN_FRAMING_BETWEEN;
	tn_deadlines_read(&deadlines, &client);
}

static void head_comes_at_once(void)
{
	client.framing.messages++;
	head_ends();
}

static void reply_begins(void)
{
	client.answered = true;
}

static void request_ends(void)
{
	client.answered = false;
	client.ended++;
	tn_deadlines_restart(&deadlines, &client);
}

static void request_comes_and_ends(void)
{
	head_comes_at_once();
	reply_begins();
	request_ends();
}

/* ---- Heads --------------------------------------------------------------------------------- */

static void who_connects_and_is_silent_is_due(void)
{
	begin();
	CHECK_NUMBER(tn_deadlines_phase(&client), TN_PHASE_SILENT);
	check_due(10000, TN_PHASE_SILENT);
	finish();
}

static void the_first_head_counts_from_the_connection_on(void)
{
	begin();
	check_quiet(4000);
	head_begins();
	check_due(6000, TN_PHASE_HEAD);
	finish();
}

static void whatever_drips_of_a_head_it_is_due(void)
{
	begin();
	head_begins();
	for (int i = 0; i < 9; i++) {
		check_quiet(1000);
		more_of_the_head();
	}
	check_due(1000, TN_PHASE_HEAD);
	finish();
}

static void a_later_head_counts_from_its_first_byte_on(void)
{
	begin();
	request_comes_and_ends();
	check_quiet(25000);
	head_begins();
	check_quiet(3000);
	more_of_the_head();
	check_due(7000, TN_PHASE_HEAD);
	finish();
}

/* The last head of one read, and the first bytes of the next. */
static void a_head_behind_a_request_counts_from_the_end_of_that_on(void)
{
	begin();
	head_comes_at_once();
	head_begins();
	CHECK_NUMBER(tn_deadlines_phase(&client), TN_PHASE_WORK);
	check_quiet(50000);
	reply_begins();
	request_ends();
	CHECK_NUMBER(tn_deadlines_phase(&client), TN_PHASE_HEAD);
	check_due(10000, TN_PHASE_HEAD);
	finish();
}

static void a_body_behind_a_request_counts_from_the_end_of_that_on(void)
{
	begin();
	head_comes_at_once();
	client.framing.messages++;
	head_ends_before_a_body(10);
	CHECK_NUMBER(tn_deadlines_phase(&client), TN_PHASE_WORK);
	check_quiet(50000);
	reply_begins();
	request_ends();
	CHECK_NUMBER(tn_deadlines_phase(&client), TN_PHASE_BODY);
	check_due(30000, TN_PHASE_BODY);
	finish();
}

static void two_heads_in_turn_each_have_their_time(void)
{
	begin();
	for (int i = 0; i < 5; i++) {
		head_begins();
		check_quiet(9000);
		head_ends();
		reply_begins();
		request_ends();
	}
	head_begins();
	check_due(10000, TN_PHASE_HEAD);
	finish();
}

/* ---- Bodies -------------------------------------------------------------------------------- */

static void a_body_that_stalls_is_due(void)
{
	begin();
	check_quiet(5000);
	client.framing.messages++;
	head_ends_before_a_body(100);
	CHECK_NUMBER(tn_deadlines_phase(&client), TN_PHASE_BODY);
	check_due(30000, TN_PHASE_BODY);
	finish();
}

/* 29,999 bytes in 30 s, where 30,000 are asked for. */
static void a_body_that_drips_is_due(void)
{
	begin();
	client.framing.messages++;
	head_ends_before_a_body(0);
	for (int i = 0; i < 29; i++) {
		check_quiet(1000);
		body_comes(1);
	}
	body_comes(29999 - 29);
	check_due(1000, TN_PHASE_BODY);
	finish();
}

static void a_body_that_keeps_the_rate_has_its_time_anew(void)
{
	begin();
	client.framing.messages++;
	head_ends_before_a_body(500);
	for (int i = 0; i < 10; i++) {
		check_quiet(20000);
		body_comes(30000);
		check_quiet(10000);
	}
	body_comes(29999);
	check_due(30000, TN_PHASE_BODY);
	finish();
}

static void without_a_rate_a_byte_will_do(void)
{
	begin_with(0);
	client.framing.messages++;
	head_ends_before_a_body(0);
	check_quiet(29000);
	body_comes(1);
	check_quiet(1000);
	check_due(30000, TN_PHASE_BODY);
	finish();
}

static void a_body_that_is_not_read_has_no_deadline(void)
{
	begin();
	client.framing.messages++;
	head_ends_before_a_body(100);
	check_quiet(10000);
	client.suspended = true;
	CHECK_NUMBER(tn_deadlines_phase(&client), TN_PHASE_WORK);
	check_quiet(100000);
	client.suspended = false;
	tn_deadlines_restart(&deadlines, &client);
	check_due(30000, TN_PHASE_BODY);
	finish();
}

/* ---- Our own turn -------------------------------------------------------------------------- */

static void a_request_that_is_worked_on_has_no_deadline(void)
{
	begin();
	head_comes_at_once();
	CHECK_NUMBER(tn_deadlines_phase(&client), TN_PHASE_WORK);
	check_quiet(1000000);
	finish();
}

static void so_has_one_whose_body_has_come(void)
{
	begin();
	client.framing.messages++;
	head_ends_before_a_body(0);
	check_quiet(20000);
	body_comes(10);
	body_ends();
	check_quiet(1000000);
	finish();
}

/* ---- Replies ------------------------------------------------------------------------------- */

static void a_reply_that_stalls_is_due(void)
{
	begin();
	head_comes_at_once();
	reply_begins();
	delivery = (struct tn_delivery){ .received = 7000, .pending = true };
	check_quiet(10000); /* the first look, from which on it counts */
	check_due(20000, TN_PHASE_REPLY);
	finish();
}

static void a_reply_that_is_taken_in_drops_is_due(void)
{
	begin();
	head_comes_at_once();
	reply_begins();
	delivery = (struct tn_delivery){ .received = 7000, .pending = true };
	check_quiet(10000);
	delivery.received += 19999;
	check_due(20000, TN_PHASE_REPLY);
	finish();
}

static void a_reply_that_keeps_the_rate_has_its_time_anew(void)
{
	begin();
	head_comes_at_once();
	reply_begins();
	delivery.pending = true;
	check_quiet(10000);
	for (int i = 0; i < 10; i++) {
		check_quiet(19000);
		delivery.received += 20000;
		check_quiet(1000);
	}
	delivery.received += 19999;
	check_due(20000, TN_PHASE_REPLY);
	finish();
}

/* What was received of one does not count for the next. */
static void each_reply_has_a_time_of_its_own(void)
{
	begin();
	for (int i = 0; i < 5; i++) {
		head_comes_at_once();
		reply_begins();
		check_quiet(19000);
		request_ends();
	}
	CHECK_NUMBER(tn_deadlines_phase(&client), TN_PHASE_IDLE);
	finish();
}

static void nobody_is_asked_about_replies_that_are_taken(void)
{
	begin();
	for (int i = 0; i < 100; i++) {
		request_comes_and_ends();
		check_quiet(1000);
	}
	CHECK_NUMBER(asked, 0);
	finish();
}

/* ---- Idle ---------------------------------------------------------------------------------- */

static void who_is_idle_is_due(void)
{
	begin();
	check_quiet(3000);
	request_comes_and_ends();
	check_due(60000, TN_PHASE_IDLE);
	CHECK_NUMBER(asked, 1);
	finish();
}

static void each_request_has_the_idle_time_anew(void)
{
	begin();
	for (int i = 0; i < 5; i++) {
		request_comes_and_ends();
		check_quiet(59000);
	}
	request_comes_and_ends();
	check_due(60000, TN_PHASE_IDLE);
	finish();
}

/* libmicrohttpd has ended the request, and the kernel has much of its reply still. */
static void who_still_receives_is_not_idle(void)
{
	begin();
	request_comes_and_ends();
	delivery.pending = true;
	check_quiet(60000);
	for (int i = 0; i < 10; i++) {
		check_quiet(15000);
		delivery.received += 20000;
		check_quiet(5000);
	}
	delivery.pending = false;
	check_quiet(20000); /* that shows at the next look */
	check_quiet(40000);
	finish();
}

static void who_does_not_receive_the_rest_is_due(void)
{
	begin();
	request_comes_and_ends();
	delivery.pending = true;
	check_quiet(60000);
	check_due(20000, TN_PHASE_REPLY);
	finish();
}

/* The rest of one reply has been received, and the next one has only just begun. */
static void the_next_reply_does_not_inherit_the_time(void)
{
	begin();
	request_comes_and_ends();
	delivery = (struct tn_delivery){ .received = 100, .pending = true };
	check_quiet(79000);
	head_comes_at_once();
	reply_begins();
	check_quiet(5000);
	finish();
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void who_stands_still_blames_nobody(void)
{
	enum tn_phase phase;

	begin();
	head_begins();
	check_quiet(5000);
	tn_deadlines_rest(&deadlines, 10);
	clock_now += 3600 * 1000;
	tn_deadlines_turn(&deadlines, clock_now);
	CU_ASSERT_PTR_NULL(tn_deadlines_due(&deadlines, &phase));
	CU_ASSERT(deadlines.now < 7000);
	check_due(10000 - deadlines.now, TN_PHASE_HEAD);
	finish();
}

static void a_clock_that_goes_back_is_nothing(void)
{
	begin();
	head_begins();
	tn_deadlines_turn(&deadlines, BEGIN - 5000);
	CHECK_NUMBER(deadlines.now, 0);
	clock_now = BEGIN - 5000;
	check_due(10000, TN_PHASE_HEAD);
	finish();
}

static void the_loop_may_sleep_for_ever_where_nobody_is(void)
{
	begin();
	tn_deadlines_remove(&deadlines, &client);
	CHECK_NUMBER(tn_deadlines_left(&deadlines), -1);
	tn_deadlines_rest(&deadlines, -1);
	clock_now += 100 * 86400 * (int64_t)1000;
	tn_deadlines_turn(&deadlines, clock_now);
	CHECK_NUMBER(deadlines.now, 100 * 86400 * (int64_t)1000);
	CU_ASSERT_TRUE(tn_deadlines_add(&deadlines, &client));
	check_due(10000, TN_PHASE_SILENT);
	finish();
}

/* Each at a look of its own, and nobody twice. */
static void many_are_due_one_by_one(void)
{
	static struct tn_client many[1000];
	enum tn_phase phase;
	unsigned due = 0;

	begin();
	for (unsigned i = 0; i < 1000; i++) {
		many[i] = (struct tn_client){ 0 };
		CU_ASSERT_TRUE(tn_deadlines_add(&deadlines, &many[i]));
		if (i % 2)
			many[i].framing.heads = many[i].framing.messages = 1;
	}
	turn(9999);
	CU_ASSERT_PTR_NULL(tn_deadlines_due(&deadlines, &phase));
	turn(1);
	while (tn_deadlines_due(&deadlines, &phase))
		due += phase == TN_PHASE_SILENT;
	CHECK_NUMBER(due, 501);
	for (unsigned i = 0; i < 1000; i++)
		tn_deadlines_remove(&deadlines, &many[i]);
	finish();
}

TEST_MAIN("serve/deadlines",
          TEST(who_connects_and_is_silent_is_due),
          TEST(the_first_head_counts_from_the_connection_on),
          TEST(whatever_drips_of_a_head_it_is_due),
          TEST(a_later_head_counts_from_its_first_byte_on),
          TEST(a_head_behind_a_request_counts_from_the_end_of_that_on),
          TEST(a_body_behind_a_request_counts_from_the_end_of_that_on),
          TEST(two_heads_in_turn_each_have_their_time),
          TEST(a_body_that_stalls_is_due),
          TEST(a_body_that_drips_is_due),
          TEST(a_body_that_keeps_the_rate_has_its_time_anew),
          TEST(without_a_rate_a_byte_will_do),
          TEST(a_body_that_is_not_read_has_no_deadline),
          TEST(a_request_that_is_worked_on_has_no_deadline),
          TEST(so_has_one_whose_body_has_come),
          TEST(a_reply_that_stalls_is_due),
          TEST(a_reply_that_is_taken_in_drops_is_due),
          TEST(a_reply_that_keeps_the_rate_has_its_time_anew),
          TEST(each_reply_has_a_time_of_its_own),
          TEST(nobody_is_asked_about_replies_that_are_taken),
          TEST(who_is_idle_is_due),
          TEST(each_request_has_the_idle_time_anew),
          TEST(who_still_receives_is_not_idle),
          TEST(who_does_not_receive_the_rest_is_due),
          TEST(the_next_reply_does_not_inherit_the_time),
          TEST(who_stands_still_blames_nobody),
          TEST(a_clock_that_goes_back_is_nothing),
          TEST(the_loop_may_sleep_for_ever_where_nobody_is),
          TEST(many_are_due_one_by_one))
