#include "serve/spool.h"

#include "cunit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_MS 60000
#define PAGE ((size_t)4096)

static const char *directory(void)
{
	const char *temporary = getenv("TMPDIR");

	return temporary ? temporary : "/tmp";
}

static int64_t later(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + DEADLINE_MS;
}

static void note(void *argument)
{
	++*(unsigned *)argument;
}

static struct tn_spool_file *begin(struct tn_spool *spool, unsigned *done)
{
	struct tn_spool_file *file = tn_spool_open(spool);

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	file->done = note;
	file->argument = done;
	return file;
}

/* Descriptors of this process that lead to files without a name. */
static unsigned open_files(void)
{
	unsigned count = 0;

	for (int i = 3; i < 64; i++) {
		struct stat status;

		if (fstat(i, &status) == 0 && S_ISREG(status.st_mode) && !status.st_nlink)
			count++;
	}
	return count;
}

static void pieces_become_one_mapping(void)
{
	struct tn_spool *spool = tn_spool_create(directory());
	unsigned done = 0;
	struct tn_spool_file *file = begin(spool, &done);

	tn_spool_write(file, "abc", 3);
	CU_ASSERT(file->busy);
	CU_ASSERT(tn_spool_settle(spool, later()));
	CU_ASSERT(!file->busy);
	CHECK_NUMBER(done, 1);
	CHECK_NUMBER(file->size, 3);
	CU_ASSERT_PTR_NULL(file->data);
	CHECK_NUMBER(open_files(), 1);
	tn_spool_finish(file, "defg", 4);
	CU_ASSERT(tn_spool_settle(spool, later()));
	CHECK_NUMBER(done, 2);
	CHECK_NUMBER(file->error, 0);
	CHECK_NUMBER(file->size, 7);
	CHECK_TEXT(file->data, "abcdefg");
	CHECK_NUMBER(open_files(), 0);
	tn_spool_close(file);
	tn_spool_destroy(spool);
}

/* At the end of a page there is no byte behind the file. */
static void a_nul_follows_whatever_the_size(void)
{
	static char piece[2 * PAGE + 1];
	struct tn_spool *spool = tn_spool_create(directory());
	unsigned done = 0;

	memset(piece, 'x', sizeof(piece));
	for (size_t size = 2 * PAGE - 1; size <= sizeof(piece); size++) {
		struct tn_spool_file *file = begin(spool, &done);

		tn_spool_finish(file, piece, size);
		CU_ASSERT_FATAL(tn_spool_settle(spool, later()));
		CHECK_NUMBER(file->size, size);
		CHECK_NUMBER(strlen(file->data), size);
		CU_ASSERT(!memcmp(file->data, piece, size));
		tn_spool_close(file);
	}
	CHECK_NUMBER(done, 3);
	tn_spool_destroy(spool);
}

static void its_descriptor_tells_when_there_is_something(void)
{
	struct tn_spool *spool = tn_spool_create(directory());
	struct pollfd ready = { tn_spool_descriptor(spool), POLLIN, 0 };
	unsigned done = 0;
	struct tn_spool_file *file = begin(spool, &done);

	CHECK_NUMBER(poll(&ready, 1, 0), 0);
	tn_spool_write(file, "a", 1);
	CHECK_NUMBER(poll(&ready, 1, DEADLINE_MS), 1);
	CHECK_NUMBER(done, 0);
	tn_spool_run(spool);
	CHECK_NUMBER(done, 1);
	CHECK_NUMBER(poll(&ready, 1, 0), 0);
	tn_spool_run(spool);
	CHECK_NUMBER(done, 1);
	tn_spool_close(file);
	tn_spool_destroy(spool);
}

#define FILES 20

static void many_files_do_not_mix(void)
{
	struct tn_spool *spool = tn_spool_create(directory());
	struct tn_spool_file *files[FILES];
	char pieces[FILES][3];
	unsigned done = 0;

	for (size_t i = 0; i < FILES; i++) {
		snprintf(pieces[i], sizeof(pieces[i]), "%02zu", i);
		files[i] = begin(spool, &done);
		tn_spool_write(files[i], pieces[i], 1);
	}
	CU_ASSERT(tn_spool_settle(spool, later()));
	for (size_t i = 0; i < FILES; i++)
		tn_spool_finish(files[i], pieces[i] + 1, 1);
	CU_ASSERT(tn_spool_settle(spool, later()));
	CHECK_NUMBER(done, 2 * FILES);
	for (size_t i = 0; i < FILES; i++) {
		CHECK_TEXT(files[i]->data, pieces[i]);
		tn_spool_close(files[i]);
	}
	tn_spool_destroy(spool);
}

/* What was asked for last is done before it is gone. */
static void what_is_given_back_is_gone_at_the_end(void)
{
	struct tn_spool *spool = tn_spool_create(directory());
	unsigned done = 0;

	for (int i = 0; i < FILES; i++) {
		struct tn_spool_file *file = begin(spool, &done);

		if (i % 2)
			tn_spool_write(file, "a", 1);
		CU_ASSERT(tn_spool_settle(spool, later()));
		tn_spool_close(file);
	}
	tn_spool_close(NULL);
	tn_spool_destroy(spool);
	CHECK_NUMBER(open_files(), 0);
	tn_spool_destroy(NULL);
}

static void a_directory_that_is_none_is_an_error(void)
{
	struct tn_spool *spool = tn_spool_create("/proc/none");
	unsigned done = 0;
	struct tn_spool_file *file = begin(spool, &done);

	tn_spool_write(file, "a", 1);
	CU_ASSERT(tn_spool_settle(spool, later()));
	CHECK_NUMBER(done, 1);
	CHECK_NUMBER(file->error, ENOENT);
	CU_ASSERT_PTR_NULL(file->data);
	tn_spool_close(file);
	tn_spool_destroy(spool);
}

static int write_beyond_the_limit(void)
{
	const struct rlimit limit = { 100, 100 };
	struct tn_spool *spool = tn_spool_create(directory());
	static char piece[200];
	unsigned done = 0;
	struct tn_spool_file *file = tn_spool_open(spool);
	int error;

	if (!file || setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 1;
	file->done = note;
	file->argument = &done;
	tn_spool_finish(file, piece, sizeof(piece));
	if (!tn_spool_settle(spool, later()))
		return 2;
	error = file->error;
	tn_spool_close(file);
	tn_spool_destroy(spool);
	return error == EFBIG ? 0 : 3;
}

/* It is an error, and the signal does not end the process. */
static void a_file_beyond_the_limit_is_an_error(void)
{
	pid_t child = fork();
	int status = -1;

	if (!child) {
		signal(SIGXFSZ, SIG_DFL);
		_exit(write_beyond_the_limit());
	}
	CU_ASSERT_FATAL(child > 0);
	CU_ASSERT(waitpid(child, &status, 0) == child);
	CHECK_NUMBER(status, 0);
}

TEST_MAIN("serve/spool",
          TEST(pieces_become_one_mapping),
          TEST(a_nul_follows_whatever_the_size),
          TEST(its_descriptor_tells_when_there_is_something),
          TEST(many_files_do_not_mix),
          TEST(what_is_given_back_is_gone_at_the_end),
          TEST(a_directory_that_is_none_is_an_error),
          TEST(a_file_beyond_the_limit_is_an_error))
