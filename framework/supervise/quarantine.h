/*
 * quarantine.h - the supervisor's book of crashes, by the Worker's name: it outlives processes and
 * generations. A Worker that has crashed too often within a window of time is in quarantine, until
 * it is released or all are lifted, as a reload does.
 */
#ifndef TENON_SUPERVISE_QUARANTINE_H
#define TENON_SUPERVISE_QUARANTINE_H

#include "deploy/plan.h"
#include "message/activity.h"
#include "observe/log.h"
#include "supervise/marks.h"

struct tn_quarantine_crash {
	int64_t at; /* ms */
	enum tn_quarantine_level level;
};

/* What is known of one Worker that has crashed. */
struct tn_quarantine_record {
	char *name;
	enum tn_quarantine_level level; /* TN_QUARANTINE_NONE: it is not in quarantine */
	uint64_t crashes;               /* in all, over generations */
	int64_t before;                 /* ms; the last until tn_quarantine_turn; 0: none */
	int64_t last;                   /* ms; and the same as UTC, RFC 3339 */
	char last_text[TN_TIME_SIZE];
	int64_t since; /* of its quarantine; likewise */
	char since_text[TN_TIME_SIZE];
	struct tn_quarantine_crash *recent; /* those that count, oldest first */
	size_t recent_count;
	size_t recent_room;
};

/* { 0 } is an empty one; in the order of their first crash. */
struct tn_quarantine {
	struct tn_quarantine_record *list;
	size_t count;
};

/*
 * Notes a crash of that Worker in that step, at `now` (ms of a clock that does not go back).
 * Returns the level where this crash is the one by which it comes to be in quarantine, or in a
 * stricter one than before: then, and only then, marks are to be written and a line to be logged;
 * otherwise TN_QUARANTINE_NONE.
 *
 * It does so with the crash that is the `limit`th within `window` (ms); 0 is no limit. The level is
 * the strictest that any of these asks for: a crash in a constructor TN_QUARANTINE_LOAD, in a start
 * hook TN_QUARANTINE_START, else TN_QUARANTINE_REQUESTS. Who is in quarantine already and still
 * crashes comes to a stricter one at once. A crash in a stop hook is noted, and counts for nothing:
 * its process was about to end. Where there is no memory, nothing is noted.
 */
enum tn_quarantine_level tn_quarantine_note(struct tn_quarantine *book, const char *name,
                                            uint32_t step, int64_t now, int64_t limit,
                                            int64_t window);

/* TN_QUARANTINE_NONE for a name that is not in the book, too. */
enum tn_quarantine_level tn_quarantine_level(const struct tn_quarantine *book, const char *name);

/* Another generation is on probation: each crash until now was one before. */
void tn_quarantine_turn(struct tn_quarantine *book);

/* Whether all that the book holds against that Worker is its crashes since then (ms). */
bool tn_quarantine_is_since(const struct tn_quarantine *book, const char *name, int64_t since);

/*
 * Takes one out of quarantine; its crashes until now no longer count. Returns the level that it
 * had: where that is TN_QUARANTINE_START or TN_QUARANTINE_LOAD, the processes that were started
 * meanwhile have left it out, and only other ones will have it.
 */
enum tn_quarantine_level tn_quarantine_release(struct tn_quarantine *book, const char *name);

/* Takes all out of quarantine, and forgets the Workers that the plan has not. */
void tn_quarantine_lift_all(struct tn_quarantine *book, const struct tn_plan *plan);

/* Writes the marks of a generation as the book has them; the plan is the one they are for. */
void tn_quarantine_write(const struct tn_quarantine *book, const struct tn_plan *plan,
                         struct tn_marks *marks);

void tn_quarantine_finish(struct tn_quarantine *book);

#endif
