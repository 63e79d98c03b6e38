#include "supervise/frames.h"

#include "cunit.h"
#include "observe/log.h"

#include <sys/mman.h>

static struct tn_frames frames;

static const struct tn_crash_frame one = { "p #0 ", "0x1139", "/tmp/copy.so", "./auth.so" };
static const struct tn_crash_frame two = { "p #1 ", "0x7f00", "", "?" };

static void add_again(const struct tn_crash_frame *frame)
{
	CHECK_NUMBER(tn_frames_add(&frames, frame), true);
}

static void fill(void)
{
	atomic_store(&frames.size, 0);
	add_again(&one);
	add_again(&two);
}

static void check_frame(const struct tn_crash_frame *frame, const struct tn_crash_frame *wanted)
{
	CHECK_TEXT(frame->prefix, wanted->prefix);
	CHECK_TEXT(frame->offset, wanted->offset);
	CHECK_TEXT(frame->file, wanted->file);
	CHECK_TEXT(frame->path, wanted->path);
}

static void what_was_added_is_read(void)
{
	struct tn_crash_frame frame;
	size_t size, at = 0;
	char *copy;

	fill();
	copy = tn_frames_copy(&frames, &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	CHECK_NUMBER(tn_frames_next(copy, size, &at, &frame), true);
	check_frame(&frame, &one);
	CHECK_NUMBER(tn_frames_next(copy, size, &at, &frame), true);
	check_frame(&frame, &two);
	CHECK_NUMBER(tn_frames_next(copy, size, &at, &frame), false);
	CHECK_NUMBER(at, size);
	free(copy);
}

static void nothing_has_no_copy(void)
{
	size_t size = 1;

	atomic_store(&frames.size, 0);
	CU_ASSERT_PTR_NULL(tn_frames_copy(&frames, &size));
	CHECK_NUMBER(size, 0);
}

/* The text has no end in the copy but that of the mapping: reading on would be a crash. */
static void a_frame_that_is_cut_is_none(void)
{
	struct tn_crash_frame frame;
	size_t size;
	char *copy, *edge;
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CU_ASSERT_FATAL(pages != MAP_FAILED && mprotect(pages + 4096, 4096, PROT_NONE) == 0);
	fill();
	copy = tn_frames_copy(&frames, &size);
	for (size_t cut = 0; cut < size; cut++) {
		size_t at = 0;
		unsigned whole = 0;

		edge = memcpy(pages + 4096 - cut, copy, cut);
		while (tn_frames_next(edge, cut, &at, &frame))
			whole++;
		CHECK_NUMBER(whole, cut >= strlen("p #0 0x1139/tmp/copy.so./auth.so") + 4);
	}
	free(copy);
	munmap(pages, 8192);
}

static void there_is_an_end_to_the_room(void)
{
	size_t size;
	unsigned added = 0;

	atomic_store(&frames.size, 0);
	while (tn_frames_add(&frames, &one))
		added++;
	free(tn_frames_copy(&frames, &size));
	CHECK_NUMBER(size, added * (strlen("p #0 0x1139/tmp/copy.so./auth.so") + 4));
	CU_ASSERT(size <= TN_FRAMES_ROOM && size > TN_FRAMES_ROOM - 100);
}

/* It lies in memory that a Worker can write to. */
static void a_size_that_is_wrong_is_not_believed(void)
{
	size_t size;

	atomic_store(&frames.size, UINT32_MAX);
	CHECK_NUMBER(tn_frames_add(&frames, &one), false);
	free(tn_frames_copy(&frames, &size));
	CHECK_NUMBER(size, TN_FRAMES_ROOM);
}

static void check_line(const struct tn_crash_frame *frame, const char *name, const char *wanted)
{
	char line[TN_LOG_LINE + 1];
	size_t size = tn_frames_line(frame, name, line);

	line[size] = '\0';
	CHECK_TEXT(line, wanted);
}

static void a_line_has_the_name_where_there_is_one(void)
{
	check_line(&one, "", "p #0 ./auth.so 0x1139\n");
	check_line(&one, "auth (auth.c:3)", "p #0 auth (auth.c:3) ./auth.so 0x1139\n");
	check_line(&two, "", "p #1 ? 0x7f00\n");
}

static void a_line_is_one_line(void)
{
	check_line(&(struct tn_crash_frame){ "a\nb ", "0x\t1", "", "c\033[2J" }, "d\re",
	           "a\\x0ab d\\x0de c\\x1b[2J 0x\\x091\n");
}

static void a_line_has_room_for_the_longest(void)
{
	static char text[TN_FRAMES_ROOM];
	char line[TN_LOG_LINE];
	size_t size;

	memset(text, '\n', sizeof(text) - 1);
	size = tn_frames_line(&(struct tn_crash_frame){ text, text, text, text }, text, line);
	CU_ASSERT(size < sizeof(line));
	CHECK_NUMBER(line[size - 1], '\n');
	CU_ASSERT(memchr(line, '\n', size) == line + size - 1);
}

TEST_MAIN("supervise/frames",
          TEST(what_was_added_is_read),
          TEST(nothing_has_no_copy),
          TEST(a_frame_that_is_cut_is_none),
          TEST(there_is_an_end_to_the_room),
          TEST(a_size_that_is_wrong_is_not_believed),
          TEST(a_line_has_the_name_where_there_is_one),
          TEST(a_line_is_one_line),
          TEST(a_line_has_room_for_the_longest))
