/*
 * marks.h - the bytes that tell host processes which Workers are in quarantine
 * (message/quarantine.h): one for each Worker of a plan, by tn_activity_number, in memory that the
 * supervisor can write and its hosts can only read.
 */
#ifndef TENON_SUPERVISE_MARKS_H
#define TENON_SUPERVISE_MARKS_H

#include "message/quarantine.h"

/* The supervisor's side; { 0 } is none. */
struct tn_marks {
	_Atomic uint8_t *bytes; /* NULL: none */
	size_t workers;
	int descriptor; /* for the hosts to inherit; closed on exec */
};

/*
 * All of them TN_QUARANTINE_NONE, for that many Workers; for the caller to finish. false, and errno
 * set, where it cannot be had. The file behind it is sealed against another size and against
 * writing in any way but through this very mapping, which no exec'd process inherits. Linux knows
 * the latter since 5.1: before, a host maps it for reading just the same, but is not kept from
 * mapping it for writing.
 */
bool tn_marks_create(struct tn_marks *marks, size_t workers);

/* Takes effect in all processes at once. A number beyond the plan's changes nothing. */
void tn_marks_set(struct tn_marks *marks, uint32_t number, enum tn_quarantine_level level);

/* Closes the descriptor; where hosts have mapped it, theirs stays as it is. */
void tn_marks_finish(struct tn_marks *marks);

/* The host's side: those behind a descriptor, which may be closed then. NULL, and errno set, where
 * they are not for that many Workers. */
const _Atomic uint8_t *tn_marks_map(int descriptor, size_t workers);

/* NULL is fine. */
void tn_marks_unmap(const _Atomic uint8_t *bytes, size_t workers);

#endif
