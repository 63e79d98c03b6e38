/* scratch.h - what tests of the deployment need: a directory, files, the errors as text, and the
 * modules that were built beside the test. */
#ifndef TENON_TESTS_SCRATCH_H
#define TENON_TESTS_SCRATCH_H

#include "deploy/errors.h"

#include "cunit.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

struct scratch {
	char directory[256];
	char path[512]; /* of the file that was named last */
};

static inline void scratch_begin(struct scratch *scratch)
{
	const char *temporary = getenv("TMPDIR");

	snprintf(scratch->directory, sizeof(scratch->directory), "%s/tenon-test-XXXXXX",
	         temporary ? temporary : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(scratch->directory));
	CU_ASSERT_EQUAL_FATAL(chmod(scratch->directory, 0755), 0);
}

static inline int scratch_remove(const char *path, const struct stat *status, int type,
                                 struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline void scratch_end(struct scratch *scratch)
{
	CHECK_NUMBER(nftw(scratch->directory, scratch_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline const char *scratch_path(struct scratch *scratch, const char *name)
{
	snprintf(scratch->path, sizeof(scratch->path), "%s/%s", scratch->directory, name);
	return scratch->path;
}

/* Whatever the umask is. */
static inline const char *scratch_write(struct scratch *scratch, const char *name, mode_t mode,
                                        const void *data, size_t size)
{
	const char *path = scratch_path(scratch, name);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(file >= 0);
	CU_ASSERT_FATAL(write(file, data, size) == (ssize_t)size);
	CU_ASSERT_FATAL(fchmod(file, mode) == 0);
	close(file);
	return path;
}

/* The bytes of a file and a NUL; for the caller to free. */
static inline char *scratch_read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	char *data = NULL;
	FILE *memory = open_memstream(&data, size);
	int byte;

	if (!file)
		printf("%s: cannot be opened\n", path);
	CU_ASSERT_FATAL(file && memory);
	while ((byte = getc(file)) != EOF)
		putc(byte, memory);
	fclose(memory);
	fclose(file);
	return data;
}

/* The path of something that was built: the test is in BUILD/tests/. */
static inline const char *built(const char *name)
{
	static char path[2 * PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, PATH_MAX);
	char *tests = NULL;

	CU_ASSERT_FATAL(size > 0 && size < PATH_MAX);
	path[size] = '\0';
	for (char *at = path; (at = strstr(at, "/tests/")); at++)
		tests = at;
	CU_ASSERT_PTR_NOT_NULL_FATAL(tests);
	snprintf(tests, sizeof(path) - (size_t)(tests - path), "/%s", name);
	return path;
}

/* What check would print; for the caller to free. */
static inline char *errors_text(const struct tn_errors *errors)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	tn_errors_print(errors, memory);
	fclose(memory);
	return text;
}

/* Checks the whole list, and empties it. */
#define CHECK_ERRORS(errors_, expected_) \
	check_errors(errors_, expected_, __FILE__, __LINE__)

static inline void check_errors(struct tn_errors *errors, const char *expected, const char *file,
                                unsigned line)
{
	char *text = errors_text(errors);

	test_text(text, expected, "the errors", file, line);
	free(text);
	tn_errors_finish(errors);
}

/* Runs it in a child as a user who may nothing; what it returned. Only root can. */
static inline int as_nobody(int (*run)(void *argument), void *argument)
{
	pid_t process;
	int status = -1;

	fflush(NULL);
	process = fork();
	if (process == 0)
		_exit(setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)
		              ? 99
		              : run(argument));
	waitpid(process, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline bool is_root(const char *test)
{
	if (geteuid() == 0)
		return true;
	printf("%s: skipped, it takes root\n", test);
	return false;
}

#endif
