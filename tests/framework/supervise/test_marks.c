#include "supervise/marks.h"

#include "cunit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void what_one_side_sets_the_other_reads(void)
{
	const _Atomic uint8_t *bytes;
	struct tn_marks marks;

	CU_ASSERT_TRUE_FATAL(tn_marks_create(&marks, 3));
	CU_ASSERT(fcntl(marks.descriptor, F_GETFD) & FD_CLOEXEC);
	bytes = tn_marks_map(marks.descriptor, 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	for (uint32_t number = 0; number <= 3; number++)
		CHECK_NUMBER(bytes[number], TN_QUARANTINE_NONE);
	tn_marks_set(&marks, 3, TN_QUARANTINE_LOAD);
	tn_marks_set(&marks, 1, TN_QUARANTINE_REQUESTS);
	CHECK_NUMBER(bytes[1], TN_QUARANTINE_REQUESTS);
	CHECK_NUMBER(bytes[2], TN_QUARANTINE_NONE);
	CHECK_NUMBER(bytes[3], TN_QUARANTINE_LOAD);
	tn_marks_set(&marks, 3, TN_QUARANTINE_NONE);
	CHECK_NUMBER(bytes[3], TN_QUARANTINE_NONE);
	tn_marks_finish(&marks);
	CHECK_NUMBER(bytes[1], TN_QUARANTINE_REQUESTS);
	tn_marks_unmap(bytes, 3);
}

/* Number 0 is that of whoever is of no plan. */
static void nobody_can_be_marked(void)
{
	struct tn_marks marks;

	CU_ASSERT_TRUE_FATAL(tn_marks_create(&marks, 2));
	tn_marks_set(&marks, 0, TN_QUARANTINE_LOAD);
	tn_marks_set(&marks, 3, TN_QUARANTINE_LOAD);
	tn_marks_set(&marks, UINT32_MAX, TN_QUARANTINE_LOAD);
	for (uint32_t number = 0; number < 16; number++)
		CHECK_NUMBER(marks.bytes[number], TN_QUARANTINE_NONE);
	tn_marks_finish(&marks);
	tn_marks_set(&marks, 1, TN_QUARANTINE_LOAD);
	tn_marks_finish(&marks);
}

/* In whatever way it tries, with the descriptor that it inherits. */
static void a_host_can_only_read(void)
{
	const _Atomic uint8_t *bytes;
	struct tn_marks marks;
	char path[64];
	int again;

	CU_ASSERT_TRUE_FATAL(tn_marks_create(&marks, 3));
	bytes = tn_marks_map(marks.descriptor, 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	CU_ASSERT(mprotect((void *)(uintptr_t)bytes, 4, PROT_READ | PROT_WRITE) < 0);
	CU_ASSERT(mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, marks.descriptor, 0) ==
	          MAP_FAILED);
	CU_ASSERT(pwrite(marks.descriptor, "\1", 1, 1) < 0);
	CU_ASSERT(ftruncate(marks.descriptor, 0) < 0);
	CU_ASSERT(ftruncate(marks.descriptor, 1 << 20) < 0);
	CU_ASSERT(fallocate(marks.descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	                    4096) < 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", marks.descriptor);
	again = open(path, O_RDWR | O_CLOEXEC);
	CU_ASSERT_FATAL(again >= 0);
	CU_ASSERT(mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0) == MAP_FAILED);
	CU_ASSERT(pwrite(again, "\1", 1, 1) < 0);
	close(again);
	tn_marks_unmap(bytes, 3);
	tn_marks_finish(&marks);
}

/* A store there ends who makes it, and no other. */
static void to_write_there_is_a_crash(void)
{
	const _Atomic uint8_t *bytes;
	struct tn_marks marks;
	int status = 0;
	pid_t child;

	CU_ASSERT_TRUE_FATAL(tn_marks_create(&marks, 1));
	bytes = tn_marks_map(marks.descriptor, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	child = fork();
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		prctl(PR_SET_DUMPABLE, 0); /* no core dump */
		*(volatile uint8_t *)(uintptr_t)&bytes[1] = 1;
		_exit(0);
	}
	CU_ASSERT(waitpid(child, &status, 0) == child);
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	CHECK_NUMBER(bytes[1], 0);
	tn_marks_unmap(bytes, 1);
	tn_marks_finish(&marks);
}

static void there_may_be_more_workers_than_a_page_has_bytes(void)
{
	const size_t workers = 10000;
	const _Atomic uint8_t *bytes;
	struct tn_marks marks;

	CU_ASSERT_TRUE_FATAL(tn_marks_create(&marks, workers));
	tn_marks_set(&marks, (uint32_t)workers, TN_QUARANTINE_START);
	bytes = tn_marks_map(marks.descriptor, workers);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	CHECK_NUMBER(bytes[workers], TN_QUARANTINE_START);
	tn_marks_unmap(bytes, workers);
	tn_marks_finish(&marks);
}

/* The page's last byte is the last Worker's. */
static void the_last_one_of_a_page_has_a_byte(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct stat status;
	struct tn_marks marks;

	CU_ASSERT_TRUE_FATAL(tn_marks_create(&marks, page - 1));
	CU_ASSERT(fstat(marks.descriptor, &status) == 0);
	CHECK_NUMBER(status.st_size, page);
	tn_marks_finish(&marks);
	CU_ASSERT_TRUE_FATAL(tn_marks_create(&marks, page));
	CU_ASSERT(fstat(marks.descriptor, &status) == 0);
	CHECK_NUMBER(status.st_size, 2 * page);
	tn_marks_finish(&marks);
}

static void those_of_another_plan_are_none(void)
{
	struct tn_marks marks;
	int other = open("/dev/null", O_RDWR | O_CLOEXEC);

	CU_ASSERT_TRUE_FATAL(tn_marks_create(&marks, 3));
	CU_ASSERT_PTR_NULL(tn_marks_map(marks.descriptor, 10000));
	CHECK_NUMBER(errno, EINVAL);
	CU_ASSERT_PTR_NULL(tn_marks_map(other, 3));
	CHECK_NUMBER(errno, EINVAL);
	CU_ASSERT_PTR_NULL(tn_marks_map(-1, 3));
	CHECK_NUMBER(errno, EBADF);
	close(other);
	tn_marks_finish(&marks);
	tn_marks_unmap(NULL, 3);
}

TEST_MAIN("supervise/marks",
          TEST(what_one_side_sets_the_other_reads),
          TEST(nobody_can_be_marked),
          TEST(a_host_can_only_read),
          TEST(to_write_there_is_a_crash),
          TEST(there_may_be_more_workers_than_a_page_has_bytes),
          TEST(the_last_one_of_a_page_has_a_byte),
          TEST(those_of_another_plan_are_none))
