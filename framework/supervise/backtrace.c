#include "supervise/backtrace.h"

#include "observe/log.h"
#include "observe/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The program --------------------------------------------------------------------------- */

static int open_program(const char *directory, const char *name)
{
	char path[PATH_MAX];
	struct stat status;
	int program;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >= sizeof(path))
		return -1;
	program = open(path, O_PATH | O_CLOEXEC);
	if (program >= 0 && fstat(program, &status) == 0 && S_ISREG(status.st_mode) &&
	    (status.st_mode & S_IXUSR))
		return program;
	if (program >= 0)
		close(program);
	return -1;
}

int tn_backtrace_find(const char *beside)
{
	char own[PATH_MAX] = "";
	char *slash;
	int program;

	if (beside)
		snprintf(own, sizeof(own), "%s", beside);
	else if (readlink("/proc/self/exe", own, sizeof(own) - 1) < 0)
		return -1;
	slash = strrchr(own, '/');
	if (!slash)
		return -1;
	*slash = '\0';
	program = open_program(own, "tenon-backtrace");
	return program >= 0 ? program : open_program(own, "../lib/tenon/tenon-backtrace");
}

/* ---- Running it ---------------------------------------------------------------------------- */

/* A pipe might not have room for all of it. */
static int write_records(const char *records, size_t size)
{
	int file = memfd_create("tenon-frames", MFD_CLOEXEC);

	if (file >= 0 && write(file, records, size) == (ssize_t)size &&
	    lseek(file, 0, SEEK_SET) == 0)
		return file;
	if (file >= 0)
		close(file);
	return -1;
}

/* dup2 to itself would leave it closed on exec. */
static bool become_input(int file)
{
	return file == STDIN_FILENO ? fcntl(file, F_SETFD, 0) == 0
	                            : dup2(file, STDIN_FILENO) == STDIN_FILENO;
}

/* In the child: nothing but what is safe behind a fork. Other descriptors are closed on exec. */
static _Noreturn void become_program(const struct tn_backtrace *backtrace, int records)
{
	static char name[] = "tenon-backtrace";
	char *words[] = { name, NULL };
	char *environment[] = { NULL };
	sigset_t none;

	setpgid(0, 0); /* a terminal's ^C is for the supervisor, which goes on for a while */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (become_input(records) && (!backtrace->become || backtrace->become(backtrace->argument)))
		fexecve(backtrace->program, words, environment);
	_exit(127);
}

pid_t tn_backtrace_start(const struct tn_backtrace *backtrace, const char *records, size_t size)
{
	int file;
	pid_t process;

	if (backtrace->program < 0) {
		errno = ENOENT;
		return -1;
	}
	file = write_records(records, size < TN_FRAMES_ROOM ? size : TN_FRAMES_ROOM);
	if (file < 0)
		return -1;
	process = fork();
	if (process == 0)
		become_program(backtrace, file);
	close(file);
	return process;
}

/* ---- Without it ---------------------------------------------------------------------------- */

void tn_backtrace_write_raw(const char *records, size_t size)
{
	struct tn_crash_frame frame;
	char line[TN_LOG_LINE];
	size_t at = 0;

	for (unsigned i = 0;
	     i < TN_FRAMES_MOST && tn_frames_next(records, size, &at, &frame); i++)
		tn_output_write(STDERR_FILENO, true, line, tn_frames_line(&frame, "", line));
}

pid_t tn_backtrace_report(const struct tn_backtrace *backtrace, const struct tn_frames *frames)
{
	size_t size;
	char *records = tn_frames_copy(frames, &size);
	pid_t process;

	if (!records)
		return 0;
	process = tn_backtrace_start(backtrace, records, size);
	if (process < 0)
		tn_backtrace_write_raw(records, size);
	free(records);
	return process < 0 ? 0 : process;
}
