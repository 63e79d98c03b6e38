#include "serve/forked.h"

#include "cunit.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_open(int descriptor)
{
	return fcntl(descriptor, F_GETFD) >= 0;
}

static int open_something(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Which of them a child has: one bit each. */
static int had_by_child(const int *list, unsigned count)
{
	pid_t child = fork();
	int status = 0;
	int bits = 0;

	if (child == 0) {
		for (unsigned i = 0; i < count; i++)
			bits |= is_open(list[i]) << i;
		_exit(bits);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_child_has_only_what_is_not_denied(void)
{
	const int list[] = { open_something(), open_something(), open_something() };

	CU_ASSERT(tn_forked_deny(list[0]));
	CU_ASSERT(tn_forked_deny(list[2]));
	CHECK_NUMBER(had_by_child(list, 3), 2);
	CHECK_NUMBER(had_by_child(list, 3), 2);
	CU_ASSERT(is_open(list[0]) && is_open(list[2]));
	for (unsigned i = 0; i < 3; i++)
		tn_forked_close(list[i]);
	CU_ASSERT(!is_open(list[0]) && !is_open(list[1]) && !is_open(list[2]));
}

static void a_number_that_is_given_again_is_not_denied(void)
{
	int descriptor = open_something();

	tn_forked_deny(descriptor);
	tn_forked_close(descriptor);
	CHECK_NUMBER(open_something(), descriptor);
	CHECK_NUMBER(had_by_child(&descriptor, 1), 1);
	close(descriptor);
}

static void a_child_of_a_child_closes_nothing_again(void)
{
	int denied = open_something();
	int status = 0;
	pid_t child;

	tn_forked_deny(denied);
	child = fork();
	if (child == 0) {
		int again = open_something();

		_exit(again == denied && had_by_child(&again, 1) == 1 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	CHECK_NUMBER(status, 0);
	tn_forked_close(denied);
}

TEST_MAIN("serve/forked",
          TEST(a_child_has_only_what_is_not_denied),
          TEST(a_number_that_is_given_again_is_not_denied),
          TEST(a_child_of_a_child_closes_nothing_again))
