#include "message/arena.h"

#include "cunit.h"
#include "framework/capture.h"

#include <stdint.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONS 1
#endif
#endif

#ifdef POISONS
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* A malloc that cannot be is one of the tests. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}
#endif

#define MEBIBYTE ((size_t)1024 * 1024)

static bool in_first_chunk(const struct tn_arena *arena, const void *memory)
{
	uintptr_t first = (uintptr_t)arena->first;

	return (uintptr_t)memory >= first && (uintptr_t)memory < first + TN_ARENA_CHUNK;
}

static void small_things_ask_the_system_for_nothing(void)
{
	struct tn_arena arena;

	CU_ASSERT_FATAL(tn_arena_init(&arena, MEBIBYTE));
	for (int i = 0; i < 128; i++)
		CU_ASSERT(in_first_chunk(&arena, tn_arena_alloc(&arena, 64)));
	CU_ASSERT_PTR_NULL(arena.blocks);
	CHECK_NUMBER(arena.used, 128 * 64);
	tn_arena_finish(&arena);
}

#ifndef POISONS /* with red zones between, less fits */
static void the_first_chunk_is_used_to_its_last_byte(void)
{
	struct tn_arena arena;

	CU_ASSERT_FATAL(tn_arena_init(&arena, MEBIBYTE));
	for (size_t taken = 0; taken < TN_ARENA_CHUNK; taken += TN_ARENA_LARGE)
		CU_ASSERT(in_first_chunk(&arena, tn_arena_alloc(&arena, TN_ARENA_LARGE)));
	CU_ASSERT_PTR_NULL(arena.blocks);
	CU_ASSERT(!in_first_chunk(&arena, tn_arena_alloc(&arena, 1)));
	CU_ASSERT_PTR_NOT_NULL(arena.blocks);
	tn_arena_finish(&arena);
}
#endif

static void a_large_block_stands_alone_and_the_chunk_is_used_on(void)
{
	struct tn_arena arena;
	const char *next;
	char *large;

	CU_ASSERT_FATAL(tn_arena_init(&arena, MEBIBYTE));
	CU_ASSERT(in_first_chunk(&arena, tn_arena_alloc(&arena, TN_ARENA_LARGE)));
	next = arena.next;
	large = tn_arena_alloc(&arena, TN_ARENA_LARGE + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(large);
	memset(large, 'x', TN_ARENA_LARGE + 1);
	CU_ASSERT(!in_first_chunk(&arena, large));
	CU_ASSERT_PTR_NOT_NULL(arena.blocks);
	CU_ASSERT_PTR_EQUAL(arena.next, next);
	CU_ASSERT(in_first_chunk(&arena, tn_arena_alloc(&arena, 16)));
	tn_arena_finish(&arena);
}

static void blocks_are_aligned_and_do_not_overlap(void)
{
	enum {
		COUNT = 600
	};
	struct tn_arena arena;
	unsigned char *blocks[COUNT];

	CU_ASSERT_FATAL(tn_arena_init(&arena, 4 * MEBIBYTE));
	for (size_t i = 0; i < COUNT; i++) {
		blocks[i] = tn_arena_alloc(&arena, i * 9 % 5000);
		CU_ASSERT_PTR_NOT_NULL_FATAL(blocks[i]);
		CHECK_NUMBER((uintptr_t)blocks[i] % 16, 0);
		memset(blocks[i], (int)(i & 255), i * 9 % 5000);
	}
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t j = 0; j < i * 9 % 5000; j++)
			CU_ASSERT_FATAL(blocks[i][j] == (i & 255));
	}
	tn_arena_finish(&arena);
}

static void blocks_of_no_size_differ(void)
{
	struct tn_arena arena;
	const void *one;

	CU_ASSERT_FATAL(tn_arena_init(&arena, 1024));
	one = tn_arena_alloc(&arena, 0);
	CU_ASSERT_PTR_NOT_NULL(one);
	CU_ASSERT_PTR_NOT_EQUAL(tn_arena_alloc(&arena, 0), one);
	tn_arena_finish(&arena);
}

static void the_limit_is_exact(void)
{
	struct tn_arena arena;

	CU_ASSERT_FATAL(tn_arena_init(&arena, 1024));
	CU_ASSERT_PTR_NULL(tn_arena_alloc(&arena, 1025));
	CU_ASSERT_PTR_NOT_NULL(tn_arena_alloc(&arena, 1008));
	CU_ASSERT_PTR_NULL(tn_arena_alloc(&arena, 17));
	CU_ASSERT_PTR_NOT_NULL(tn_arena_alloc(&arena, 1));
	CHECK_NUMBER(arena.used, 1024);
	CU_ASSERT_PTR_NULL(tn_arena_alloc(&arena, 0));
	tn_arena_reset(&arena);
	CU_ASSERT_PTR_NOT_NULL(tn_arena_alloc(&arena, 1024));
	tn_arena_finish(&arena);
}

static void the_limit_holds_for_large_blocks_and_odd_sizes(void)
{
	struct tn_arena arena;

	CU_ASSERT_FATAL(tn_arena_init(&arena, MEBIBYTE + 8));
	CU_ASSERT_PTR_NULL(tn_arena_alloc(&arena, MEBIBYTE + 9));
	CU_ASSERT_PTR_NOT_NULL(tn_arena_alloc(&arena, MEBIBYTE));
	CU_ASSERT_PTR_NULL(tn_arena_alloc(&arena, 8));
	CHECK_NUMBER(arena.used, MEBIBYTE);
	tn_arena_finish(&arena);
}

static void sizes_that_wrap_around_are_refused(void)
{
	struct tn_arena arena;
	char byte = 'x';

	CU_ASSERT_FATAL(tn_arena_init(&arena, MEBIBYTE));
	for (size_t less = 0; less < 64; less++) {
		CU_ASSERT_PTR_NULL(tn_arena_alloc(&arena, SIZE_MAX - less));
		CU_ASSERT_PTR_NULL(tn_arena_copy(&arena, &byte, SIZE_MAX - less));
		CU_ASSERT_PTR_NULL(tn_arena_grow(&arena, &byte, 1, SIZE_MAX - less));
	}
	CHECK_NUMBER(arena.used, 0);
	tn_arena_finish(&arena);
}

/* More than an address has room for. */
static void what_the_system_refuses_is_not_counted(void)
{
	struct tn_arena arena;
	char *block;

	CU_ASSERT_FATAL(tn_arena_init(&arena, SIZE_MAX / 2));
	capture_begin(); /* ASan tells of it, too */
	CU_ASSERT_PTR_NULL(tn_arena_alloc(&arena, (size_t)1 << 47));
	CHECK_NUMBER(arena.used, 0);
	block = tn_arena_alloc(&arena, 8192);
	CU_ASSERT_PTR_NOT_NULL(block);
	block[8191] = 'x';
	CU_ASSERT_PTR_NULL(tn_arena_grow(&arena, block, 8192, (size_t)1 << 47));
	capture_end();
	CHECK_NUMBER(block[8191], 'x');
	CHECK_NUMBER(arena.used, 8192);
	tn_arena_finish(&arena);
}

static size_t least(size_t one, size_t other)
{
	return one < other ? one : other;
}

static void the_newest_large_block_grows_in_place(void)
{
	struct tn_arena arena;
	size_t size = TN_ARENA_LARGE + 1;
	char *body;

	CU_ASSERT_FATAL(tn_arena_init(&arena, MEBIBYTE));
	body = tn_arena_alloc(&arena, size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	memset(body, 'x', size);
	while (size < MEBIBYTE) {
		size_t larger = least(size + 1000, MEBIBYTE);

		body = tn_arena_grow(&arena, body, size, larger);
		CU_ASSERT_PTR_NOT_NULL_FATAL(body);
		memset(body + size, 'x', larger - size);
		size = larger;
	}
	CHECK_NUMBER(arena.used, MEBIBYTE);
	CU_ASSERT_PTR_NULL(tn_arena_grow(&arena, body, MEBIBYTE, MEBIBYTE + 1));
	body[MEBIBYTE - 1] = '\0';
	CHECK_NUMBER(strspn(body, "x"), MEBIBYTE - 1);
	tn_arena_finish(&arena);
}

static void other_blocks_grow_by_a_copy(void)
{
	struct tn_arena arena;
	char *small, *grown, *large;

	CU_ASSERT_FATAL(tn_arena_init(&arena, MEBIBYTE));
	small = tn_arena_copy(&arena, "small", 5);
	grown = tn_arena_grow(&arena, small, 6, 6000);
	CU_ASSERT_PTR_NOT_EQUAL(grown, small);
	CHECK_TEXT(grown, "small");
	grown[5999] = 'x';
	large = tn_arena_grow(&arena, grown, 6000, 7000);
	CHECK_TEXT(large, "small");
	CHECK_NUMBER(large[5999], 'x');
	CU_ASSERT_PTR_NOT_NULL(tn_arena_alloc(&arena, 5000));
	grown = tn_arena_grow(&arena, large, 7000, 8000); /* no longer the newest */
	CU_ASSERT_PTR_NOT_EQUAL(grown, large);
	CHECK_TEXT(grown, "small");
	CHECK_NUMBER(grown[5999], 'x');
	CHECK_TEXT(large, "small");
	tn_arena_finish(&arena);
}

static void growing_a_copy_beyond_the_limit_leaves_the_old_block(void)
{
	struct tn_arena arena;
	char *block;

	CU_ASSERT_FATAL(tn_arena_init(&arena, 1024));
	block = tn_arena_copy(&arena, "kept", 4);
	CU_ASSERT_PTR_NULL(tn_arena_grow(&arena, block, 5, 1024));
	CHECK_TEXT(block, "kept");
	CHECK_NUMBER(arena.used, 16);
	CU_ASSERT_PTR_NOT_NULL(tn_arena_grow(&arena, NULL, 0, 1008));
	tn_arena_finish(&arena);
}

static void a_copy_has_a_nul_behind_it(void)
{
	static const char binary[] = { 'a', '\0', 'b' };
	struct tn_arena arena;
	char *copy;

	CU_ASSERT_FATAL(tn_arena_init(&arena, 1024));
	memset(tn_arena_alloc(&arena, 256), 'x', 256);
	tn_arena_reset(&arena); /* so that what follows is not zero by chance */
	copy = tn_arena_copy(&arena, binary, sizeof(binary));
	CU_ASSERT_FATAL(copy && memcmp(copy, "a\0b", 4) == 0);
	CHECK_TEXT(tn_arena_copy(&arena, NULL, 0), "");
	CHECK_TEXT(tn_arena_copy(&arena, "0123456789abcdef", 16), "0123456789abcdef");
	tn_arena_finish(&arena);
}

/* ---- Release callbacks -------------------------------------------------------------------- */

static char released[32];

static void release_letter(void *letter)
{
	size_t size = strlen(released);

	if (size < sizeof(released) - 1) {
		released[size] = *(const char *)letter;
		released[size + 1] = '\0';
	}
}

struct deferring {
	struct tn_arena *arena;
	char *letter;
};

static void release_and_defer_another(void *argument)
{
	const struct deferring *deferring = argument;

	release_letter(deferring->letter);
	CU_ASSERT(tn_arena_defer(deferring->arena, release_letter, deferring->letter + 1));
}

static void releases_run_last_one_first_and_once(void)
{
	struct tn_arena arena;
	char letters[] = "abc";

	released[0] = '\0';
	CU_ASSERT_FATAL(tn_arena_init(&arena, 1024));
	for (char *letter = letters; *letter; letter++)
		CU_ASSERT(tn_arena_defer(&arena, release_letter, letter));
	CHECK_TEXT(released, "");
	tn_arena_release(&arena);
	CHECK_TEXT(released, "cba");
	tn_arena_release(&arena);
	tn_arena_reset(&arena);
	tn_arena_finish(&arena);
	CHECK_TEXT(released, "cba");
}

static void what_a_release_defers_runs_next(void)
{
	struct tn_arena arena;
	char letters[] = "abcd";
	struct deferring deferring = { .arena = &arena, .letter = letters + 1 };

	released[0] = '\0';
	CU_ASSERT_FATAL(tn_arena_init(&arena, 1024));
	CU_ASSERT(tn_arena_defer(&arena, release_letter, letters));
	CU_ASSERT(tn_arena_defer(&arena, release_and_defer_another, &deferring));
	CU_ASSERT(tn_arena_defer(&arena, release_letter, letters + 3));
	tn_arena_release(&arena);
	CHECK_TEXT(released, "dbca");
	tn_arena_finish(&arena);
}

static void reset_and_finish_release_while_the_memory_is_there(void)
{
	struct tn_arena arena;
	char *large;

	released[0] = '\0';
	CU_ASSERT_FATAL(tn_arena_init(&arena, MEBIBYTE));
	large = tn_arena_alloc(&arena, 10000);
	CU_ASSERT_PTR_NOT_NULL_FATAL(large);
	large[9999] = 'l';
	tn_arena_defer(&arena, release_letter, large + 9999);
	tn_arena_defer(&arena, release_letter, tn_arena_copy(&arena, "s", 1));
	tn_arena_reset(&arena);
	CHECK_TEXT(released, "sl");
	tn_arena_defer(&arena, release_letter, tn_arena_copy(&arena, "f", 1));
	tn_arena_finish(&arena);
	CHECK_TEXT(released, "slf");
}

static void at_the_limit_nothing_is_deferred(void)
{
	struct tn_arena arena;
	char letter = 'a';

	released[0] = '\0';
	CU_ASSERT_FATAL(tn_arena_init(&arena, 16));
	CU_ASSERT(!tn_arena_defer(&arena, release_letter, &letter));
	tn_arena_finish(&arena);
	CHECK_TEXT(released, "");
}

/* ---- Reset and finish --------------------------------------------------------------------- */

static void a_reset_arena_is_as_new_in_the_same_chunk(void)
{
	struct tn_arena arena;
	const char *chunk;
	const void *first;

	CU_ASSERT_FATAL(tn_arena_init(&arena, MEBIBYTE));
	chunk = arena.first;
	first = tn_arena_alloc(&arena, 100);
	for (int i = 0; i < 100; i++)
		CU_ASSERT_PTR_NOT_NULL(tn_arena_alloc(&arena, 3000));
	CU_ASSERT_PTR_NOT_NULL(tn_arena_alloc(&arena, 30000));
	tn_arena_reset(&arena);
	CU_ASSERT_PTR_NULL(arena.blocks);
	CU_ASSERT_PTR_EQUAL(arena.first, chunk);
	CHECK_NUMBER(arena.used, 0);
	CU_ASSERT_PTR_EQUAL(tn_arena_alloc(&arena, 100), first);
	CU_ASSERT_PTR_NULL(arena.blocks);
	tn_arena_finish(&arena);
}

static void finishing_twice_is_harmless(void)
{
	struct tn_arena arena;

	CU_ASSERT_FATAL(tn_arena_init(&arena, 1024));
	tn_arena_finish(&arena);
	tn_arena_finish(&arena);
	CU_ASSERT_PTR_NULL(arena.first);
}

#ifdef POISONS
static void memory_is_poisoned_but_for_what_was_handed_out(void)
{
	struct tn_arena arena;
	char *block;

	CU_ASSERT_FATAL(tn_arena_init(&arena, MEBIBYTE));
	CU_ASSERT(__asan_address_is_poisoned(arena.first));
	block = tn_arena_alloc(&arena, 21);
	CU_ASSERT_PTR_NULL(__asan_region_is_poisoned(block, 21));
	CU_ASSERT(__asan_address_is_poisoned(block + 21));
	block = tn_arena_alloc(&arena, 16);
	CU_ASSERT_PTR_NULL(__asan_region_is_poisoned(block, 16));
	CU_ASSERT(__asan_address_is_poisoned(block + 16));
	tn_arena_reset(&arena);
	CU_ASSERT(__asan_address_is_poisoned(block));
	CU_ASSERT(__asan_address_is_poisoned(arena.first));
	CU_ASSERT(__asan_address_is_poisoned(arena.first + TN_ARENA_CHUNK - 1));
	tn_arena_finish(&arena);
}

static void further_chunks_are_poisoned_too(void)
{
	struct tn_arena arena;
	char *block = NULL;

	CU_ASSERT_FATAL(tn_arena_init(&arena, MEBIBYTE));
	while (!arena.blocks)
		block = tn_arena_alloc(&arena, 1000);
	CU_ASSERT_PTR_NULL(__asan_region_is_poisoned(block, 1000));
	CU_ASSERT(__asan_address_is_poisoned(block + 1008));
	CU_ASSERT(__asan_address_is_poisoned(block + TN_ARENA_CHUNK - 1));
	tn_arena_finish(&arena);
}

#define TESTS_OF_THE_BUILD \
	TEST(memory_is_poisoned_but_for_what_was_handed_out), TEST(further_chunks_are_poisoned_too)
#else
#define TESTS_OF_THE_BUILD TEST(the_first_chunk_is_used_to_its_last_byte)
#endif

TEST_MAIN("message/arena",
          TEST(small_things_ask_the_system_for_nothing),
          TEST(a_large_block_stands_alone_and_the_chunk_is_used_on),
          TEST(blocks_are_aligned_and_do_not_overlap),
          TEST(blocks_of_no_size_differ),
          TEST(the_limit_is_exact),
          TEST(the_limit_holds_for_large_blocks_and_odd_sizes),
          TEST(sizes_that_wrap_around_are_refused),
          TEST(what_the_system_refuses_is_not_counted),
          TEST(the_newest_large_block_grows_in_place),
          TEST(other_blocks_grow_by_a_copy),
          TEST(growing_a_copy_beyond_the_limit_leaves_the_old_block),
          TEST(a_copy_has_a_nul_behind_it),
          TEST(releases_run_last_one_first_and_once),
          TEST(what_a_release_defers_runs_next),
          TEST(reset_and_finish_release_while_the_memory_is_there),
          TEST(at_the_limit_nothing_is_deferred),
          TEST(a_reset_arena_is_as_new_in_the_same_chunk),
          TEST(finishing_twice_is_harmless),
          TESTS_OF_THE_BUILD)
