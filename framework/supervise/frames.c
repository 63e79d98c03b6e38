#include "supervise/frames.h"

#include "observe/log.h"

#include <stdlib.h>
#include <string.h>

/* What is shown of each; the sum and two blanks have room in a line. */
#define PREFIX_ROOM 1400
#define NAME_ROOM 1400
#define PATH_ROOM 1000
#define OFFSET_ROOM 64

_Static_assert(PREFIX_ROOM + NAME_ROOM + PATH_ROOM + OFFSET_ROOM + 4 < TN_LOG_LINE, "a line");

/* ---- Writing ------------------------------------------------------------------------------- */

static bool put(struct tn_frames *frames, size_t *size, const char *text)
{
	size_t length = strlen(text) + 1;

	if (*size > TN_FRAMES_ROOM || length > TN_FRAMES_ROOM - *size)
		return false;
	memcpy(frames->text + *size, text, length);
	*size += length;
	return true;
}

/* The size comes last, so that only whole frames are seen. */
bool tn_frames_add(struct tn_frames *frames, const struct tn_crash_frame *frame)
{
	size_t size = atomic_load_explicit(&frames->size, memory_order_relaxed);

	if (!put(frames, &size, frame->prefix) || !put(frames, &size, frame->offset) ||
	    !put(frames, &size, frame->file) || !put(frames, &size, frame->path))
		return false;
	atomic_store_explicit(&frames->size, (uint32_t)size, memory_order_release);
	return true;
}

/* ---- Reading ------------------------------------------------------------------------------- */

char *tn_frames_copy(const struct tn_frames *frames, size_t *size)
{
	size_t present = atomic_load_explicit(&frames->size, memory_order_acquire);
	char *copy;

	*size = present < TN_FRAMES_ROOM ? present : TN_FRAMES_ROOM;
	copy = *size ? malloc(*size) : NULL;
	return copy ? memcpy(copy, frames->text, *size) : NULL;
}

static const char *take(const char *text, size_t size, size_t *at)
{
	const char *begin = text + *at;
	const char *end = memchr(begin, '\0', size - *at);

	if (!end)
		return NULL;
	*at += (size_t)(end - begin) + 1;
	return begin;
}

bool tn_frames_next(const char *text, size_t size, size_t *at, struct tn_crash_frame *frame)
{
	return *at < size && (frame->prefix = take(text, size, at)) &&
	       (frame->offset = take(text, size, at)) && (frame->file = take(text, size, at)) &&
	       (frame->path = take(text, size, at));
}

size_t tn_frames_line(const struct tn_crash_frame *frame, const char *name, char *line)
{
	size_t size = tn_log_escape(line, PREFIX_ROOM, frame->prefix, false);

	if (*name) {
		size += tn_log_escape(line + size, NAME_ROOM, name, false);
		line[size++] = ' ';
	}
	size += tn_log_escape(line + size, PATH_ROOM, frame->path, false);
	line[size++] = ' ';
	size += tn_log_escape(line + size, OFFSET_ROOM, frame->offset, false);
	line[size++] = '\n';
	return size;
}
