/*
 * frames.h - the frames of a crash, as the handler leaves them for the supervisor, which has names,
 * files and lines found for them when the process has died.
 *
 * Each frame is four strings, each ended by a NUL: what the log's line begins with ("2026-... fatal
 * request=... worker=auth: #0 "), the offset in the object's file in hexadecimal ("0x1139"), the
 * file to look into, and the path to be shown, which is that of the original where the file is a
 * copy. Where no object has the address, the file is "" and the path "?".
 *
 * Who reads them trusts nothing of it: a process that dies may have written anything there, and one
 * that it has forked may go on writing.
 */
#ifndef TENON_SUPERVISE_FRAMES_H
#define TENON_SUPERVISE_FRAMES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_FRAMES_ROOM ((size_t)60 * 1024) /* bytes */
#define TN_FRAMES_MOST 256                 /* more of them are not read */

struct tn_frames {
	_Atomic uint32_t size; /* bytes of whole frames */
	char text[TN_FRAMES_ROOM];
};

struct tn_crash_frame {
	const char *prefix;
	const char *offset;
	const char *file;
	const char *path;
};

/* ---- The dying process ---------------------------------------------------------------------- */

/* Adds one, whole or not at all: false where there is no more room. In a signal handler, too; one
 * thread at a time. */
bool tn_frames_add(struct tn_frames *frames, const struct tn_crash_frame *frame);

/* ---- Who reads them ------------------------------------------------------------------------- */

/* All that is there at this moment, for free(), and *size, at most TN_FRAMES_ROOM; NULL where there
 * is nothing, or no memory. */
char *tn_frames_copy(const struct tn_frames *frames, size_t *size);

/* The one at *at, which starts as 0 and goes on to the next; false where no whole one is left. The
 * strings lie in the text. */
bool tn_frames_next(const char *text, size_t size, size_t *at, struct tn_crash_frame *frame);

/* Writes the frame's line for the log to `line` (TN_LOG_LINE bytes), with its line feed and with
 * control characters escaped; `name` is put before the path, and "" is none. Returns its length. */
size_t tn_frames_line(const struct tn_crash_frame *frame, const char *name, char *line);

#endif
