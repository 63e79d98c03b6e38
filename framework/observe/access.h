/*
 * access.h - the access log: one line for each request.
 *
 *	2026-01-31T12:00:00.123Z access id=0123456789abcdef method=GET target="/" status=200
 *	bytes=34 us=81 chain=gateway(auth,application)
 *
 * Lines are gathered and written once a turn of the loop, so that no request waits for the log.
 */
#ifndef TENON_OBSERVE_ACCESS_H
#define TENON_OBSERVE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_access_log;

struct tn_access_record {
	const char *id;
	const char *method;
	const char *target;
	int status;            /* 0: the connection ended before there was one */
	uint64_t bytes;        /* of the reply's body */
	uint64_t microseconds; /* from the request line to the end of the reply */
	const char *chain;
	bool aborted; /* the reply was not delivered whole */
};

/*
 * Opens "stderr", "stdout" or a file, which is appended to; "off" gives a log that writes nothing.
 * NULL, with errno set, where the file cannot be opened.
 */
struct tn_access_log *tn_access_log_create(const char *target);

/*
 * Opens such a file alone: for tn_access_log_of and tn_access_log_replace, in this process or in
 * one that it is handed to. A named pipe may be one that nobody reads yet. Writing to it never
 * waits. -1, with errno set, where it cannot be opened.
 */
int tn_access_log_open(const char *path);

/* A log that writes to a descriptor of tn_access_log_open, and closes it in the end. NULL where
 * there is no memory: then it is the caller's still. */
struct tn_access_log *tn_access_log_of(int descriptor);

/* What was noted goes to the file that it has; from now on it writes to that other one, which it
 * closes in the end. */
void tn_access_log_replace(struct tn_access_log *log, int descriptor);

/* Whether anything is written: if not, no record need be made. */
bool tn_access_log_enabled(const struct tn_access_log *log);

/* Notes a request. */
void tn_access_log_write(struct tn_access_log *log, const struct tn_access_record *record);

/* Writes what was noted. What cannot be written at once is dropped, and it is logged how much and
 * why: at once, then not more often than every 10 s. */
void tn_access_log_flush(struct tn_access_log *log);

/* Flushes, then closes. NULL is fine. */
void tn_access_log_destroy(struct tn_access_log *log);

#endif
