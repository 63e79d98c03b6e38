#include "supervise/blocks.h"

#include "cunit.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t *map(int descriptor)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);

	CU_ASSERT_PTR_NOT_EQUAL_FATAL(memory, MAP_FAILED);
	return memory;
}

static void the_same_name_and_size_give_the_same_memory(void)
{
	struct tn_blocks blocks = { 0 };
	uint64_t *one = map(tn_blocks_find(&blocks, "a.N", 4096, 1));
	uint64_t *other;

	CHECK_NUMBER(one[0], 0);
	one[0] = 7;
	other = map(tn_blocks_find(&blocks, "a.N", 4096, 2));
	CHECK_NUMBER(other[0], 7);
	CHECK_NUMBER(blocks.count, 1);
	munmap(one, 4096);
	munmap(other, 4096);
	tn_blocks_finish(&blocks);
}

static void another_name_or_size_starts_anew(void)
{
	struct tn_blocks blocks = { 0 };
	uint64_t *one = map(tn_blocks_find(&blocks, "a.N", 4096, 1));
	uint64_t *name, *size;

	one[0] = 7;
	name = map(tn_blocks_find(&blocks, "b.N", 4096, 1));
	size = map(tn_blocks_find(&blocks, "a.N", 4104, 2));
	CHECK_NUMBER(name[0], 0);
	CHECK_NUMBER(size[0], 0);
	CHECK_NUMBER(blocks.count, 3);
	munmap(one, 4096);
	munmap(name, 4096);
	munmap(size, 4096);
	tn_blocks_finish(&blocks);
}

static void the_memory_has_its_size(void)
{
	struct tn_blocks blocks = { 0 };
	struct stat status;

	CHECK_NUMBER(fstat(tn_blocks_find(&blocks, "a.N", 12345, 1), &status), 0);
	CHECK_NUMBER(status.st_size, 12345);
	CHECK_NUMBER(fcntl(blocks.list[0].descriptor, F_GETFD), FD_CLOEXEC);
	tn_blocks_finish(&blocks);
}

/* Or the others that have mapped it would crash. */
static void the_memory_cannot_be_cut_off(void)
{
	struct tn_blocks blocks = { 0 };
	int descriptor = tn_blocks_find(&blocks, "a.N", 4096, 1);

	CHECK_NUMBER(ftruncate(descriptor, 8), -1);
	CHECK_NUMBER(ftruncate(descriptor, 8192), -1);
	tn_blocks_finish(&blocks);
}

/* What the present generation, or one that is being started, has asked for stays. */
static void what_nobody_asks_for_is_dropped(void)
{
	struct tn_blocks blocks = { 0 };
	int old = tn_blocks_find(&blocks, "a.OLD", 8, 1);
	int kept = tn_blocks_find(&blocks, "a.KEPT", 8, 1);

	tn_blocks_find(&blocks, "a.KEPT", 8, 2);
	tn_blocks_find(&blocks, "a.KEPT", 8, 1);
	tn_blocks_find(&blocks, "a.NEW", 8, 3);
	tn_blocks_drop(&blocks, 2);
	CHECK_NUMBER(blocks.count, 2);
	CHECK_TEXT(blocks.list[0].name, "a.KEPT");
	CHECK_TEXT(blocks.list[1].name, "a.NEW");
	CHECK_NUMBER(fcntl(old, F_GETFD), -1);
	CHECK_NUMBER(fcntl(kept, F_GETFD), FD_CLOEXEC);
	tn_blocks_finish(&blocks);
	CHECK_NUMBER(fcntl(kept, F_GETFD), -1);
}

static void what_cannot_be_had_is_none(void)
{
	struct tn_blocks blocks = { 0 };

	CHECK_NUMBER(tn_blocks_find(&blocks, "a.N", SIZE_MAX, 1), -1);
	CHECK_NUMBER(blocks.count, 0);
	tn_blocks_finish(&blocks);
}

TEST_MAIN("supervise/blocks",
          TEST(the_same_name_and_size_give_the_same_memory),
          TEST(another_name_or_size_starts_anew),
          TEST(the_memory_has_its_size),
          TEST(the_memory_cannot_be_cut_off),
          TEST(what_nobody_asks_for_is_dropped),
          TEST(what_cannot_be_had_is_none))
