/* child.h - this program once more, as a program of tests that fail, or crash. */
#ifndef TENON_TESTS_FRAMEWORK_KIT_CHILD_H
#define TENON_TESTS_FRAMEWORK_KIT_CHILD_H

#include "cunit.h"

#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_OUTPUT ((size_t)64 * 1024)

/* The program begins as a child where its first argument is this. */
#define CHILD_MARK "--child"

struct child {
	char output[CHILD_OUTPUT]; /* both streams */
	int status;                /* of waitpid */
};

/* By its name, since under valgrind /proc/self/exe itself is that. */
static inline void child_become(int output, const char *first, const char *second)
{
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (size < 0)
		_exit(99);
	path[size] = '\0';
	if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(99);
	alarm(60);
	execl(path, "child", CHILD_MARK, first, second, (char *)NULL);
	_exit(99);
}

/* Runs it with up to two arguments, of which NULL is none, and waits for its end. */
static inline const struct child *child_run(const char *first, const char *second)
{
	static struct child child;
	size_t size = 0;
	ssize_t got;
	int ends[2];
	pid_t process;

	fflush(NULL);
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	process = fork();
	CU_ASSERT_FATAL(process >= 0);
	if (process == 0)
		child_become(ends[1], first, second);
	close(ends[1]);
	while ((got = read(ends[0], child.output + size, CHILD_OUTPUT - 1 - size)) > 0)
		size += (size_t)got;
	child.output[size] = '\0';
	close(ends[0]);
	CU_ASSERT_EQUAL_FATAL(waitpid(process, &child.status, 0), process);
	return &child;
}

/* The exit status; -1 for one that a signal has ended. */
static inline int child_exit(const struct child *child)
{
	return WIFEXITED(child->status) ? WEXITSTATUS(child->status) : -1;
}

/* main() of a program that has both: its own tests, and as a child those of the kit's runner. */
#define CHILD_MAIN(cases_, suite_, ...) \
	int main(int argc, char **argv) \
	{ \
		static const struct test tests[] = { __VA_ARGS__ }; \
\
		if (argc > 1 && !strcmp(argv[1], CHILD_MARK)) \
			return tn_test_main("child/suite", cases_, \
			                    sizeof(cases_) / sizeof(cases_[0]), argc - 1, \
			                    argv + 1); \
		return test_main(suite_, tests, sizeof(tests) / sizeof(tests[0]), argc, argv); \
	}

#endif
