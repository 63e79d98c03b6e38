/*
 * main.c - `tenon-backtrace`: reads the frames of a crash (supervise/frames.h) from standard input
 * and writes a line for the log about each to standard error, with function, file and line.
 *
 *	2026-... fatal request=... worker=auth: #0 function (source.c:31) ./auth.so 0x1139
 *
 * Objects are looked into by a child process, which writes the lines that it has found names for.
 * Where it crashes or is held up by one, that line is written as it is, the object is left alone,
 * and another child goes on: so each frame has its line, whatever the files hold.
 */
#include "backtrace/names.h"
#include "observe/log.h"
#include "observe/output.h"
#include "supervise/frames.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 9000    /* all of it */
#define OBJECT_MS 2000   /* a child that gets no further in it, or up to twice of it */
#define LAST_RESORT_S 10 /* should a write or a wait never end */
#define MEMORY_MOST (1 << 30)
#define NAME_ROOM 1400

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#endif

struct run {
	char text[TN_FRAMES_ROOM];
	struct tn_crash_frame frames[TN_FRAMES_MOST];
	bool spoilt[TN_FRAMES_MOST]; /* its object is left alone */
	size_t count;
	long long end;
};

/* Of one child: what it shares with its parent. */
struct progress {
	_Atomic size_t done; /* frames that have their line */
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void read_frames(struct run *run)
{
	size_t size = 0, at = 0;
	ssize_t part;

	do {
		part = read(STDIN_FILENO, run->text + size, sizeof(run->text) - size);
		size += part > 0 ? (size_t)part : 0;
	} while (part > 0 || (part < 0 && errno == EINTR));
	while (run->count < TN_FRAMES_MOST &&
	       tn_frames_next(run->text, size, &at, &run->frames[run->count]))
		run->count++;
}

static void write_line(const struct tn_crash_frame *frame, const char *name)
{
	char line[TN_LOG_LINE];

	tn_output_write(STDERR_FILENO, true, line, tn_frames_line(frame, name, line));
}

/* ---- The child ----------------------------------------------------------------------------- */

/* What a file says about its sizes is not to be had for the asking. A sanitizer needs far more from
 * the beginning. */
static void limit_itself(void)
{
	struct rlimit none = { 0, 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
#ifndef WITH_ASAN
	setrlimit(RLIMIT_DATA, &(struct rlimit){ MEMORY_MOST, MEMORY_MOST });
#endif
}

static bool read_offset(const char *text, uint64_t *offset)
{
	char *end;

	if (strncmp(text, "0x", 2) != 0)
		return false;
	*offset = strtoull(text, &end, 16);
	return end > text + 2 && !*end;
}

static void find_names(const struct run *run, size_t at, char *names)
{
	const struct tn_crash_frame *frame = &run->frames[at];
	uint64_t offset;

	*names = '\0';
	if (!run->spoilt[at] && *frame->file && read_offset(frame->offset, &offset))
		tn_names_find(frame->file, offset, names, NAME_ROOM);
}

static _Noreturn void work(const struct run *run, size_t first, struct progress *progress)
{
	char names[NAME_ROOM];

	limit_itself();
	for (size_t i = first; i < run->count; i++) {
		find_names(run, i, names);
		write_line(&run->frames[i], names);
		atomic_store(&progress->done, i + 1);
	}
	_exit(0);
}

/* ---- Its parent ---------------------------------------------------------------------------- */

/* Waits for a SIGCHLD, which is blocked, but not beyond that time: false. */
static bool wait_until(long long end)
{
	long long left = end - now_ms();
	struct timespec time = { left / 1000, left % 1000 * 1000000 };
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	return left > 0 && (sigtimedwait(&wanted, NULL, &time) >= 0 || errno == EINTR);
}

/* Until the child has ended, or stands still. */
static void follow(const struct run *run, pid_t child, const struct progress *progress)
{
	size_t before = atomic_load(&progress->done);
	long long end = now_ms() + OBJECT_MS;

	while (waitpid(child, NULL, WNOHANG) == 0) {
		if (wait_until(end < run->end ? end : run->end))
			continue;
		if (atomic_load(&progress->done) == before || now_ms() >= run->end) {
			kill(child, SIGKILL);
			return;
		}
		before = atomic_load(&progress->done);
		end = now_ms() + OBJECT_MS;
	}
}

static void spoil(struct run *run, const char *file)
{
	for (size_t i = 0; i < run->count; i++)
		run->spoilt[i] |= strcmp(run->frames[i].file, file) == 0;
}

/* Where one child gets to, beginning there. Each has progress of its own: one that was killed may
 * take a while to die. */
static size_t have_worked(const struct run *run, size_t first)
{
	struct progress *progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
	                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t done;
	pid_t child;

	if (progress == MAP_FAILED)
		return first;
	atomic_store(&progress->done, first);
	child = fork();
	if (child == 0)
		work(run, first, progress);
	if (child > 0)
		follow(run, child, progress);
	done = atomic_load(&progress->done);
	munmap(progress, sizeof(*progress));
	return done;
}

static void write_all(struct run *run)
{
	for (size_t at = 0; at < run->count; at++) {
		if (now_ms() < run->end)
			at = have_worked(run, at);
		if (at >= run->count)
			return;
		spoil(run, run->frames[at].file);
		write_line(&run->frames[at], "");
	}
}

static void take_signals(void)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	alarm(LAST_RESORT_S);
}

int main(void)
{
	static struct run run;

	unsetenv("DEBUGINFOD_URLS"); /* libdw would ask the network */
	take_signals();
	run.end = now_ms() + LIMIT_MS;
	read_frames(&run);
	write_all(&run);
	return 0;
}
