#include "serve/refusals.h"

#include "cunit.h"
#include "framework/capture.h"

static struct tn_activity page;
static struct tn_refusals refusals;

static void begin(void)
{
	page = (struct tn_activity){ 0 };
	refusals = TN_REFUSALS_INIT(&page);
}

static void note(enum tn_refused kind, int64_t now)
{
	tn_refusals_note(&refusals, kind, now, "192.0.2.7", "%d ms: answered with 408", 10);
}

static void each_is_counted_by_its_kind(void)
{
	begin();
	capture_begin();
	note(TN_REFUSED_HEAD_TIME, 5000);
	note(TN_REFUSED_HEAD_TIME, 5000);
	note(TN_REFUSED_ADDRESS, 5000);
	capture_end();
	CHECK_NUMBER(page.refused[TN_REFUSED_HEAD_TIME], 2);
	CHECK_NUMBER(page.refused[TN_REFUSED_ADDRESS], 1);
	CHECK_NUMBER(page.refused[TN_REFUSED_MALFORMED], 0);
}

static void one_has_a_line_with_its_address(void)
{
	const char *log;

	begin();
	capture_begin();
	note(TN_REFUSED_HEAD_TIME, 5000);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, " warning: 192.0.2.7: 10 ms: answered with 408"), 1);
	CHECK_NUMBER(capture_lines(log, "more since"), 0);
}

static void one_without_an_address_has_a_line_too(void)
{
	const char *log;

	begin();
	capture_begin();
	tn_refusals_note(&refusals, TN_REFUSED_MALFORMED, 1, "", "a bare line feed");
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, " warning: a bare line feed"), 1);
}

static void many_have_one_line_in_a_second(void)
{
	const char *log;

	begin();
	capture_begin();
	for (int64_t now = 5000; now < 6000; now += 10)
		note(TN_REFUSED_HEAD_TIME, now);
	note(TN_REFUSED_HEAD_TIME, 6000);
	note(TN_REFUSED_HEAD_TIME, 7000);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "answered with 408"), 3);
	CHECK_NUMBER(capture_lines(log, "(99 more since the last such line)"), 1);
	CHECK_NUMBER(page.refused[TN_REFUSED_HEAD_TIME], 102);
}

static void one_kind_does_not_hide_another(void)
{
	const char *log;

	begin();
	capture_begin();
	note(TN_REFUSED_HEAD_TIME, 5000);
	note(TN_REFUSED_BODY_TIME, 5000);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "answered with 408"), 2);
}

static void each_kind_has_a_name(void)
{
	for (int i = 0; i < TN_REFUSED_KINDS; i++)
		CU_ASSERT_PTR_NOT_NULL(tn_activity_refused((enum tn_refused)i));
	CHECK_TEXT(tn_activity_refused(TN_REFUSED_ADDRESS), "max_connections_per_address");
}

TEST_MAIN("serve/refusals",
          TEST(each_is_counted_by_its_kind),
          TEST(one_has_a_line_with_its_address),
          TEST(one_without_an_address_has_a_line_too),
          TEST(many_have_one_line_in_a_second),
          TEST(one_kind_does_not_hide_another),
          TEST(each_kind_has_a_name))
