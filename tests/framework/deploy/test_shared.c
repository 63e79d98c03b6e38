#include "deploy/shared.h"

#include "cunit.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_block_is_zeroed_and_aligned(void)
{
	struct tn_shared_block *list = NULL;
	unsigned char *memory = tn_shared_create(&list, 10000);
	unsigned set = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	CHECK_NUMBER((uintptr_t)memory % 4096, 0);
	for (size_t i = 0; i < 10000; i++)
		set += memory[i] != 0;
	CHECK_NUMBER(set, 0);
	tn_shared_destroy(list);
}

static void blocks_do_not_touch(void)
{
	struct tn_shared_block *list = NULL;
	uint64_t *one = tn_shared_create(&list, sizeof(*one));
	uint64_t *other = tn_shared_create(&list, sizeof(*other));

	CU_ASSERT_FATAL(one && other && one != other);
	*one = 1;
	*other = 2;
	CHECK_NUMBER(*one, 1);
	tn_shared_destroy(list);
}

/* A private mapping would show the parent its own 0. */
static void another_process_sees_what_is_written(void)
{
	struct tn_shared_block *list = NULL;
	_Atomic uint64_t *counter = tn_shared_create(&list, sizeof(*counter));
	pid_t process;

	CU_ASSERT_PTR_NOT_NULL_FATAL(counter);
	process = fork();
	if (process == 0) {
		atomic_fetch_add(counter, 7);
		_exit(0);
	}
	CU_ASSERT_EQUAL(waitpid(process, NULL, 0), process);
	CHECK_NUMBER(atomic_load(counter), 7);
	tn_shared_destroy(list);
}

static void a_block_of_no_bytes_has_an_address(void)
{
	struct tn_shared_block *list = NULL;

	CU_ASSERT_PTR_NOT_NULL(tn_shared_create(&list, 0));
	tn_shared_destroy(list);
}

static void too_many_bytes_give_null(void)
{
	struct tn_shared_block *list = NULL;

	CU_ASSERT_PTR_NULL(tn_shared_create(&list, SIZE_MAX / 2));
	CU_ASSERT_PTR_NULL(list);
}

static void an_empty_list_can_be_destroyed(void)
{
	tn_shared_destroy(NULL);
}

TEST_MAIN("deploy/shared",
          TEST(a_block_is_zeroed_and_aligned),
          TEST(blocks_do_not_touch),
          TEST(another_process_sees_what_is_written),
          TEST(a_block_of_no_bytes_has_an_address),
          TEST(too_many_bytes_give_null),
          TEST(an_empty_list_can_be_destroyed))
