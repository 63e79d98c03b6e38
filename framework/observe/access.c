#include "observe/access.h"

#include "observe/log.h"
#include "observe/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)64 * 1024)
#define LINE_SIZE ((size_t)4096)
#define TARGET_SIZE ((size_t)2048)
#define METHOD_SIZE ((size_t)64)
#define TELL_EVERY_S 10

struct tn_access_log {
	int file; /* -1: off */
	bool owned;
	bool begun; /* the buffer starts with the rest of a line, whose start was written */
	size_t size;
	unsigned long dropped; /* bytes since it was last said */
	int error;             /* why the last ones were; 0: the reader is too slow */
	time_t quiet_until;    /* no line about it before */
	time_t second;         /* that the stamp is of */
	char stamp[TN_TIME_SIZE];
	char buffer[BUFFER_SIZE];
};

/* One that nobody reads could not be opened to write alone (fifo(7)). */
static int open_pipe(const char *path, int error)
{
	struct stat status;

	if (error == ENXIO && stat(path, &status) == 0 && S_ISFIFO(status.st_mode))
		return open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	errno = error;
	return -1;
}

int tn_access_log_open(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	                0640);

	return file >= 0 ? file : open_pipe(path, errno);
}

static bool open_target(struct tn_access_log *log, const char *target)
{
	if (strcmp(target, "off") == 0)
		log->file = -1;
	else if (strcmp(target, "stderr") == 0)
		log->file = STDERR_FILENO;
	else if (strcmp(target, "stdout") == 0)
		log->file = STDOUT_FILENO;
	else {
		log->file = tn_access_log_open(target);
		log->owned = true;
		return log->file >= 0;
	}
	return true;
}

static struct tn_access_log *make(void)
{
	struct tn_access_log *log = malloc(sizeof(*log));

	if (!log)
		return NULL;
	log->file = -1;
	log->owned = false;
	log->begun = false;
	log->size = 0;
	log->dropped = 0;
	log->error = 0;
	log->quiet_until = 0;
	log->second = -1;
	return log;
}

struct tn_access_log *tn_access_log_create(const char *target)
{
	struct tn_access_log *log = make();

	if (!log || open_target(log, target))
		return log;
	free(log);
	return NULL;
}

struct tn_access_log *tn_access_log_of(int descriptor)
{
	struct tn_access_log *log = make();

	if (log) {
		log->file = descriptor;
		log->owned = true;
	}
	return log;
}

bool tn_access_log_enabled(const struct tn_access_log *log)
{
	return log->file >= 0;
}

/* Formatting a date takes as long as the rest of the line: once a second is enough. The
 * milliseconds, behind the first 20 characters, are the caller's. */
static const char *stamp_of(struct tn_access_log *log, const struct timespec *now)
{
	if (now->tv_sec != log->second) {
		log->second = now->tv_sec;
		tn_log_time_at(now, log->stamp);
	}
	return log->stamp;
}

void tn_access_log_write(struct tn_access_log *log, const struct tn_access_record *record)
{
	char method[METHOD_SIZE];
	char target[TARGET_SIZE];
	struct timespec now;

	if (log->file < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	if (BUFFER_SIZE - log->size < LINE_SIZE)
		tn_access_log_flush(log);
	tn_log_escape(method, sizeof(method), record->method, true);
	tn_log_escape(target, sizeof(target), record->target, true);
	log->size += (size_t)snprintf(
		log->buffer + log->size, LINE_SIZE,
		"%.20s%03uZ access id=%s method=%s target=\"%s\" status=%d bytes=%llu us=%llu "
		"chain=%s%s\n",
		stamp_of(log, &now), (unsigned)(now.tv_nsec / 1000000) % 1000U, record->id, method,
		target, record->status, (unsigned long long)record->bytes,
		(unsigned long long)record->microseconds, record->chain,
		record->aborted ? " aborted=yes" : "");
}

static void tell_dropped(struct tn_access_log *log)
{
	tn_log_write(TN_LOG_WARNING, NULL, "access log: %lu bytes were dropped: %s", log->dropped,
	             log->error ? strerror(log->error) : "its reader does not keep up");
	log->dropped = 0;
}

/* A disk may stay full, and a slow reader slow. */
static void tell_at_times(struct tn_access_log *log)
{
	struct timespec now;

	if (!log->dropped)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec < log->quiet_until)
		return;
	log->quiet_until = now.tv_sec + TELL_EVERY_S;
	tell_dropped(log);
}

/* What was written ends where it ends: the rest of a line that was begun is kept, or the next line
 * would be glued to it. Returns its size. */
static size_t keep_begun(struct tn_access_log *log, size_t done)
{
	char *rest = log->buffer + done;
	const char *end;

	if (done)
		log->begun = rest[-1] != '\n';
	if (!log->begun)
		return 0;
	end = (const char *)memchr(rest, '\n', log->size - done) + 1;
	memmove(log->buffer, rest, (size_t)(end - rest));
	return (size_t)(end - rest);
}

static bool write_out(struct tn_access_log *log)
{
	size_t done;
	size_t kept;
	bool whole;

	errno = 0;
	done = tn_output_write(log->file, !log->owned, log->buffer, log->size);
	whole = done == log->size;
	if (!whole)
		log->error = errno == EAGAIN ? 0 : errno;
	kept = keep_begun(log, done);
	log->dropped += log->size - done - kept;
	log->size = kept;
	return whole;
}

void tn_access_log_flush(struct tn_access_log *log)
{
	bool whole = !log->size || write_out(log);

	/* Where it is standard error, to which the log goes, too, there is no room before. */
	if (log->owned || whole)
		tell_at_times(log);
}

/* The rest of a line has no other place than behind its start. */
static void end_file(struct tn_access_log *log)
{
	tn_access_log_flush(log);
	log->dropped += log->size;
	log->size = 0;
	log->begun = false;
	if (log->owned)
		close(log->file);
}

void tn_access_log_replace(struct tn_access_log *log, int descriptor)
{
	end_file(log);
	log->file = descriptor;
	log->owned = true;
}

void tn_access_log_destroy(struct tn_access_log *log)
{
	if (!log)
		return;
	end_file(log);
	if (log->dropped)
		tell_dropped(log);
	free(log);
}
