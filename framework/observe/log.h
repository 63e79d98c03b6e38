/*
 * log.h - the process's log: one line for each event, at once and whole, to standard error.
 *
 *	2026-01-31T12:00:00.123Z error request=0123456789abcdef worker=auth: message
 */
#ifndef TENON_OBSERVE_LOG_H
#define TENON_OBSERVE_LOG_H

#include "tenon.h"

#include <stdarg.h>
#include <time.h>

#define TN_TIME_SIZE 28 /* 2026-01-31T12:00:00.123Z, with room to spare */
#define TN_LOG_LINE 4096

/* What stands before the message; each may be NULL. */
struct tn_log_context {
	const char *request; /* the exchange's id */
	const char *worker;
	const char *chain;
};

/* Lines beyond this level are not written. It starts as TN_LOG_INFO. */
void tn_log_set_level(enum tn_log_level level);

/* Any thread. A line too long is cut; control characters are escaped. */
void tn_log_write(enum tn_log_level level, const struct tn_log_context *context,
                  const char *format, ...) TN_PRINTF(3, 4);
void tn_log_write_list(enum tn_log_level level, const struct tn_log_context *context,
                       const char *format, va_list list) TN_PRINTF(3, 0);

/* Names the Worker whose hook this thread runs, for lines that name none; NULL: it runs none. */
void tn_log_set_worker(const char *worker);

/* Writes the present UTC time in RFC 3339 form, milliseconds included; `text` has TN_TIME_SIZE
 * bytes. Returns its length. It may be called in a signal handler, and so may the next two. */
size_t tn_log_time(char *text);

/* The same for a given time, of the years 1970 to 9999. */
size_t tn_log_time_at(const struct timespec *time, char *text);

/*
 * Copies the text with control characters escaped as \xNN; cuts it where there is no more room.
 * To stand between quotes, '"', '\' and all that is not ASCII are escaped, too. Returns the length;
 * a NUL follows.
 */
size_t tn_log_escape(char *to, size_t room, const char *text, bool quoted);

#endif
