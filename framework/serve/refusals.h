/*
 * refusals.h - clients that are refused by the edge itself: each is counted, and the log says so,
 * but not a line for each while there are many.
 *
 * One thread at a time.
 */
#ifndef TENON_SERVE_REFUSALS_H
#define TENON_SERVE_REFUSALS_H

#include "message/activity.h"

struct tn_refusals {
	struct tn_activity *activity; /* where they are counted */
	struct {
		int64_t quiet_until; /* ms */
		uint64_t quiet;      /* since the last line */
	} kinds[TN_REFUSED_KINDS];
};

/* The page is to outlive it. */
#define TN_REFUSALS_INIT(activity_) ((struct tn_refusals){ .activity = (activity_) })

/*
 * Counts one of that kind, and writes a line, of the level info about who was silent, else warning:
 * the client's address, "" where it has none, and the text, which says what is wrong and what came
 * of it. Within a second of a line of the same kind it only counts, and the next line says how many
 * there were. `now` is in ms of CLOCK_MONOTONIC.
 */
void tn_refusals_note(struct tn_refusals *refusals, enum tn_refused kind, int64_t now,
                      const char *address, const char *format, ...) TN_PRINTF(5, 6);

#endif
