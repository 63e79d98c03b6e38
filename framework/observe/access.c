#include "observe/access.h"

#include "observe/log.h"
#include "observe/output.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)64 * 1024)
#define LINE_SIZE ((size_t)4096)
#define TARGET_SIZE ((size_t)2048)
#define METHOD_SIZE ((size_t)64)

struct tn_access_log {
	int file; /* -1: off */
	bool owned;
	bool begun; /* the buffer starts with the rest of a line, whose start was written */
	size_t size;
	unsigned long dropped; /* bytes since it was last said */
	time_t second;         /* that the stamp is of */
	char stamp[TN_TIME_SIZE];
	char buffer[BUFFER_SIZE];
};

static bool open_target(struct tn_access_log *log, const char *target)
{
	if (strcmp(target, "off") == 0)
		log->file = -1;
	else if (strcmp(target, "stderr") == 0)
		log->file = STDERR_FILENO;
	else if (strcmp(target, "stdout") == 0)
		log->file = STDOUT_FILENO;
	else {
		log->file = open(target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK,
		                 0640);
		log->owned = true;
		return log->file >= 0;
	}
	return true;
}

struct tn_access_log *tn_access_log_create(const char *target)
{
	struct tn_access_log *log = malloc(sizeof(*log));

	if (!log)
		return NULL;
	log->owned = false;
	log->begun = false;
	log->size = 0;
	log->dropped = 0;
	log->second = -1;
	if (open_target(log, target))
		return log;
	free(log);
	return NULL;
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
	unsigned long dropped = log->dropped;

	log->dropped = 0;
	if (dropped)
		tn_log_write(TN_LOG_WARNING, NULL, "access log: %lu bytes were dropped", dropped);
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

void tn_access_log_flush(struct tn_access_log *log)
{
	size_t done;
	size_t kept;

	if (!log->size)
		return;
	done = tn_output_write(log->file, !log->owned, log->buffer, log->size);
	if (done == log->size)
		tell_dropped(log);
	kept = keep_begun(log, done);
	log->dropped += log->size - done - kept;
	log->size = kept;
}

void tn_access_log_destroy(struct tn_access_log *log)
{
	if (!log)
		return;
	tn_access_log_flush(log);
	log->dropped += log->size;
	tell_dropped(log);
	if (log->owned)
		close(log->file);
	free(log);
}
