#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

static void memory_is_zeroed_also_where_it_was_used_before(void)
{
	enum {
		SIZE = 3000
	};
	struct fixture fixture;

	fixture_init(&fixture);
	for (unsigned round = 0; round < 2; round++) {
		char *memory = tn_allocate(fixture.request, SIZE);

		CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
		for (size_t i = 0; i < SIZE; i++)
			CU_ASSERT_FATAL(memory[i] == 0);
		memset(memory, 'x', SIZE);
		fixture_end(&fixture);
		fixture_begin(&fixture);
	}
	fixture_finish(&fixture);
}

static void memory_is_aligned_for_any_type(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t size = 0; size < 100; size++) {
		const void *memory = tn_allocate(fixture.request, size);

		CU_ASSERT_PTR_NOT_NULL(memory);
		CHECK_NUMBER((uintptr_t)memory % _Alignof(max_align_t), 0);
	}
	fixture_finish(&fixture);
}

static void memory_that_cannot_be_had_is_null(void)
{
	struct fixture fixture;
	const char *log;

	fixture_init(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_allocate(fixture.request, SIZE_MAX));
	CU_ASSERT_PTR_NULL(tn_allocate(fixture.request, tn_limits_default.request_memory + 1));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CU_ASSERT_PTR_NOT_NULL(tn_allocate(fixture.request, 1000000));
	fixture_finish(&fixture);
}

static void text_is_made_as_printf_makes_it(void)
{
	struct fixture fixture;
	const char *text;

	fixture_init(&fixture);
	CHECK_TEXT(tn_format(fixture.request, "%s %d%% %05.1f|%-4s|%c", "a", -1, 2.25, "b", 'c'),
	           "a -1% 002.2|b   |c");
	CHECK_TEXT(tn_format(fixture.request, "%s", ""), "");
	text = tn_format(fixture.request, "%5000d", 7);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CHECK_NUMBER(strlen(text), 5000);
	CHECK_NUMBER(text[4999], '7');
	fixture_finish(&fixture);
}

static void text_that_was_made_stays(void)
{
	struct fixture fixture;
	const char *one, *other;

	fixture_init(&fixture);
	one = tn_format(fixture.request, "%d", 1);
	other = tn_format(fixture.request, "%s+%s", one, one);
	CHECK_TEXT(one, "1");
	CHECK_TEXT(other, "1+1");
	fixture_finish(&fixture);
}

static void text_that_cannot_be_made_is_null(void)
{
	static const wchar_t beyond_ascii[] = { 0xe9, 0 }; /* no such character in the C locale */
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;

	limits.request_memory = 8192;
	fixture_init_with(&fixture, &limits);
	CU_ASSERT_PTR_NULL(tn_format(fixture.request, "%ls", beyond_ascii));
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_format(fixture.request, "%9000d", 1));
	CHECK_NUMBER(capture_lines(capture_end(), "no memory for 9001 more bytes"), 1);
	fixture_finish(&fixture);
}

TEST_MAIN("message/memory",
          TEST(memory_is_zeroed_also_where_it_was_used_before),
          TEST(memory_is_aligned_for_any_type),
          TEST(memory_that_cannot_be_had_is_null),
          TEST(text_is_made_as_printf_makes_it),
          TEST(text_that_was_made_stays),
          TEST(text_that_cannot_be_made_is_null))
