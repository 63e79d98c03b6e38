#include "message/stack.h"

#include "cunit.h"

#include <pthread.h>
#include <stdlib.h>

/* What the caller has lies above. */
__attribute__((noinline)) static void begin(void)
{
	tn_stack_begin();
}

__attribute__((noinline)) static bool worker_has(const char *data)
{
	char own[64] = "own";

	CU_ASSERT(tn_stack_has(own));
	CU_ASSERT(tn_stack_has(own + sizeof(own) - 1));
	return tn_stack_has(data);
}

/* As a number, or the compiler would warn. */
static volatile uintptr_t left;

__attribute__((noinline)) static void leave_some(void)
{
	char own[64] = "own";

	left = (uintptr_t)own;
}

static void the_frames_below_are_the_stack(void)
{
	char ours[64] = "ours";
	static char fixed[64] = "fixed";
	char *allocated = malloc(1);

	begin();
	CU_ASSERT(!worker_has(ours));
	CU_ASSERT(!worker_has(fixed));
	CU_ASSERT(!worker_has("literal"));
	CU_ASSERT(!worker_has(allocated));
	CU_ASSERT(!worker_has(NULL));
	free(allocated);
}

static void so_is_what_has_just_returned(void)
{
	tn_stack_begin();
	leave_some();
	CU_ASSERT(tn_stack_has((const void *)left));
}

static void *on_thread(void *had)
{
	char own[64] = "own";

	*(bool *)had = tn_stack_has(own);
	return NULL;
}

/* Nor does it know another thread's. */
static void a_thread_that_has_not_said_where_it_begins_knows_none(void)
{
	pthread_t thread;
	bool had = true;

	tn_stack_begin();
	CU_ASSERT_FATAL(pthread_create(&thread, NULL, on_thread, &had) == 0);
	pthread_join(thread, NULL);
	CU_ASSERT(!had);
}

TEST_MAIN("message/stack",
          TEST(the_frames_below_are_the_stack),
          TEST(so_is_what_has_just_returned),
          TEST(a_thread_that_has_not_said_where_it_begins_knows_none))
