#include "supervise/backtrace.h"

#include "cunit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char records[] = "p #0 \0000x10\0/no/such\0./auth.so\0"
			      "p #1 \0000x20\0\0?";

static const char lines[] = "p #0 ./auth.so 0x10\n"
			    "p #1 ? 0x20\n";

static struct tn_frames frames;

static int find_program(void)
{
	const char *build = getenv("BUILD");
	char path[4096];

	snprintf(path, sizeof(path), "%s/tenon", build ? build : "build");
	return tn_backtrace_find(path);
}

/* ---- Standard error, for as long as a test looks at it ------------------------------------- */

struct caught {
	int before;
	int file;
};

static struct caught catch_errors(void)
{
	struct caught caught = {
		.before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3),
		.file = memfd_create("errors", MFD_CLOEXEC),
	};

	CU_ASSERT_FATAL(caught.before >= 0 && caught.file >= 0);
	dup2(caught.file, STDERR_FILENO);
	return caught;
}

static void check_caught(struct caught caught, const char *wanted)
{
	static char text[256 * 1024];
	ssize_t size;

	dup2(caught.before, STDERR_FILENO);
	size = pread(caught.file, text, sizeof(text) - 1, 0);
	text[size < 0 ? 0 : size] = '\0';
	CHECK_TEXT(text, wanted);
	close(caught.before);
	close(caught.file);
}

static void check_end(pid_t process)
{
	int status = -1;

	CU_ASSERT_FATAL(process > 0);
	CHECK_NUMBER(waitpid(process, &status, 0), process);
	CHECK_NUMBER(status, 0);
}

/* ---- The program --------------------------------------------------------------------------- */

static void the_program_lies_beside_this_one(void)
{
	int program = find_program();

	CU_ASSERT_FATAL(program >= 0);
	CU_ASSERT(fcntl(program, F_GETFD) & FD_CLOEXEC);
	CHECK_NUMBER(fcntl(program, F_GETFL) & O_PATH, O_PATH);
	close(program);
}

static char directory[] = "/tmp/tenon-backtrace-XXXXXX";

static const char *below(const char *name)
{
	static char path[2][sizeof(directory) + 64];
	static unsigned turn;
	char *text = path[turn++ % 2];

	snprintf(text, sizeof(path[0]), "%s/%s", directory, name);
	return text;
}

static void put_program(const char *name, mode_t mode)
{
	int file = open(below(name), O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	CU_ASSERT_FATAL(file >= 0);
	close(file);
}

static bool is_found(const char *beside)
{
	int program = tn_backtrace_find(beside);

	close(program);
	return program >= 0;
}

static void or_where_it_is_installed(void)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
	mkdir(below("bin"), 0700);
	mkdir(below("lib"), 0700);
	mkdir(below("lib/tenon"), 0700);
	CHECK_NUMBER(is_found(below("bin/tenon")), false);
	put_program("lib/tenon/tenon-backtrace", 0700);
	CHECK_NUMBER(is_found(below("bin/tenon")), true);
	unlink(below("lib/tenon/tenon-backtrace"));
	put_program("lib/tenon/tenon-backtrace", 0600); /* it cannot be run */
	CHECK_NUMBER(is_found(below("bin/tenon")), false);
	mkdir(below("bin/tenon-backtrace"), 0700);
	CHECK_NUMBER(is_found(below("bin/tenon")), false);
	rmdir(below("bin/tenon-backtrace"));
	unlink(below("lib/tenon/tenon-backtrace"));
	rmdir(below("lib/tenon"));
	rmdir(below("lib"));
	rmdir(below("bin"));
	rmdir(directory);
}

static void no_program_is_no_crash(void)
{
	CHECK_NUMBER(tn_backtrace_find("/no/such/tenon"), -1);
	CHECK_NUMBER(tn_backtrace_find("tenon"), -1);
}

static void it_writes_the_lines(void)
{
	struct tn_backtrace backtrace = { .program = find_program() };
	struct caught caught = catch_errors();
	pid_t process = tn_backtrace_start(&backtrace, records, sizeof(records));

	check_end(process);
	check_caught(caught, lines);
	close(backtrace.program);
}

/* ---- What the child becomes before ---------------------------------------------------------- */

static bool refuse(void *argument)
{
	(void)argument;
	return false;
}

static bool tell(void *argument)
{
	return write(STDERR_FILENO, argument, strlen(argument)) > 0;
}

static void without_its_privileges_given_up_it_does_not_run(void)
{
	struct tn_backtrace backtrace = { .program = find_program(), .become = refuse };
	struct caught caught = catch_errors();
	pid_t process = tn_backtrace_start(&backtrace, records, sizeof(records));
	int status = 0;

	CHECK_NUMBER(waitpid(process, &status, 0), process);
	CHECK_NUMBER(WEXITSTATUS(status), 127);
	check_caught(caught, "");
	close(backtrace.program);
}

static void they_are_given_up_first(void)
{
	char before[] = "before\n";
	struct tn_backtrace backtrace = { find_program(), tell, before };
	struct caught caught = catch_errors();

	check_end(tn_backtrace_start(&backtrace, records, 32));
	check_caught(caught, "before\np #0 ./auth.so 0x10\n");
	close(backtrace.program);
}

/* ---- Without it, and all of it -------------------------------------------------------------- */

static void raw_lines_need_no_program(void)
{
	struct tn_backtrace none = { .program = -1 };
	struct caught caught = catch_errors();

	tn_backtrace_write_raw(records, sizeof(records));
	errno = 0;
	CHECK_NUMBER(tn_backtrace_start(&none, records, sizeof(records)), -1);
	CHECK_NUMBER(errno, ENOENT);
	check_caught(caught, lines);
}

static void there_is_an_end_to_raw_lines(void)
{
	static char empty[TN_FRAMES_ROOM];
	static char wanted[TN_FRAMES_MOST * 2 + 1];
	struct caught caught = catch_errors();

	for (size_t i = 0; i < TN_FRAMES_MOST; i++)
		memcpy(wanted + i * 2, " \n", 2);
	tn_backtrace_write_raw(empty, sizeof(empty));
	check_caught(caught, wanted);
}

static void set_frames(void)
{
	memcpy(frames.text, records, sizeof(records));
	atomic_store(&frames.size, sizeof(records));
}

static void a_report_is_named_or_raw(void)
{
	struct tn_backtrace backtrace = { .program = find_program() };
	struct tn_backtrace none = { .program = -1 };
	struct caught caught = catch_errors();

	set_frames();
	check_end(tn_backtrace_report(&backtrace, &frames));
	check_caught(caught, lines);
	caught = catch_errors();
	CHECK_NUMBER(tn_backtrace_report(&none, &frames), 0);
	check_caught(caught, lines);
	close(backtrace.program);
}

static void where_there_are_no_frames_nothing_is_reported(void)
{
	struct tn_backtrace backtrace = { .program = find_program() };
	struct caught caught = catch_errors();

	atomic_store(&frames.size, 0);
	CHECK_NUMBER(tn_backtrace_report(&backtrace, &frames), 0);
	check_caught(caught, "");
	close(backtrace.program);
}

TEST_MAIN("supervise/backtrace",
          TEST(the_program_lies_beside_this_one),
          TEST(or_where_it_is_installed),
          TEST(no_program_is_no_crash),
          TEST(it_writes_the_lines),
          TEST(without_its_privileges_given_up_it_does_not_run),
          TEST(they_are_given_up_first),
          TEST(raw_lines_need_no_program),
          TEST(there_is_an_end_to_raw_lines),
          TEST(a_report_is_named_or_raw),
          TEST(where_there_are_no_frames_nothing_is_reported))
