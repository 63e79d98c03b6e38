#include "serve/upload.h"

#include "observe/log.h"

#include <errno.h>
#include <string.h>

#define ROOM_FIRST ((size_t)4096)      /* what a client gets for a body that it only announces */
#define BUFFER ((size_t)256 * 1024)    /* for one that is known to go to a file */
#define LEAST_LEFT ((size_t)32 * 1024) /* in the buffer: libmicrohttpd has no more at a time */

static size_t least(size_t one, size_t other)
{
	return one < other ? one : other;
}

bool tn_upload_busy(const struct tn_upload *upload)
{
	return upload->file && upload->file->busy;
}

/* Whether it may come to be more than is kept in memory. */
static bool may_spill(const struct tn_upload *upload)
{
	return upload->spool && upload->most > upload->memory && upload->length > upload->memory;
}

/* What `data` may grow to, without the byte for a NUL. */
static size_t most_room(const struct tn_upload *upload)
{
	if (!may_spill(upload))
		return upload->length < upload->most ? (size_t)upload->length : upload->most;
	if (upload->length == TN_UPLOAD_UNKNOWN)
		return upload->memory;
	return least(upload->memory, BUFFER);
}

/* Not while the thread has it: it may move. */
static bool make_room(struct tn_upload *upload, size_t needed)
{
	size_t most = most_room(upload) + 1;
	size_t room = upload->room ? upload->room : ROOM_FIRST;
	char *data;

	if (needed < upload->room)
		return true;
	while (room <= needed)
		room *= 2;
	room = least(room, most);
	data = tn_exchange_grow(upload->exchange, upload->data, upload->room, room);
	if (!data)
		return false;
	upload->data = data;
	upload->room = room;
	return true;
}

/* ---- The file ------------------------------------------------------------------------------ */

static void tell(const struct tn_upload *upload, const char *what, const char *why)
{
	struct tn_log_context context = { .request = tn_exchange_id(upload->exchange) };

	tn_log_write(TN_LOG_WARNING, &context, "%s: its body cannot be kept in a file: %s", what,
	             why);
}

/* RFC 4918, 11.5, for want of room; the rest is our own trouble. */
static int refusal_of(const struct tn_upload *upload)
{
	int error = upload->file->error;
	bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;

	tell(upload, full ? "answered with 507" : "answered with 500", strerror(error));
	return full ? 507 : 500;
}

void tn_upload_look(const struct tn_upload *upload, int *refusal)
{
	if (!*refusal && upload->file && !upload->file->busy && upload->file->error)
		*refusal = refusal_of(upload);
}

static void piece_done(void *argument)
{
	struct tn_upload *upload = argument;

	if (!upload->file->error) {
		upload->held -= upload->writing;
		memmove(upload->data, upload->data + upload->writing, upload->held);
	}
	upload->writing = 0;
	upload->written(upload->argument);
}

static void close_file(void *argument)
{
	tn_spool_close(argument);
}

static bool open_file(struct tn_upload *upload)
{
	struct tn_spool_file *file = tn_spool_open(upload->spool);

	if (!file) {
		tell(upload, "answered with 500", "there is no memory, or no thread, for it");
		return false;
	}
	file->done = piece_done;
	file->argument = upload;
	if (!tn_exchange_note(upload->exchange, close_file, file)) {
		tn_spool_close(file);
		return false;
	}
	upload->file = file;
	return true;
}

/* From now on the memory stays where it is. */
static bool prepare(struct tn_upload *upload)
{
	return upload->file || (make_room(upload, most_room(upload)) && open_file(upload));
}

/* A body of unknown length is kept in memory for as long as it can be; once there is a file, the
 * thread writes one half of the buffer while the other is filled. */
static bool is_to_be_written(const struct tn_upload *upload)
{
	size_t room = most_room(upload);

	if (!may_spill(upload) || tn_upload_busy(upload) || upload->size == upload->length)
		return false;
	if (!upload->file && upload->length == TN_UPLOAD_UNKNOWN)
		return upload->held + LEAST_LEFT > room;
	return upload->held >= room / 2;
}

/* ---- Parts --------------------------------------------------------------------------------- */

/* A body that turns out too large can be answered only at its end; nobody sends it for ever. */
static enum tn_upload_step discard(struct tn_upload *upload, size_t size)
{
	upload->discarded += size;
	return upload->discarded <= upload->most + ROOM_FIRST ? TN_UPLOAD_READY : TN_UPLOAD_FAILED;
}

/* Returns the status to refuse it with, or 0. */
static int add(struct tn_upload *upload, const char *data, size_t *size)
{
	size_t taken = least(*size, most_room(upload) - upload->held);

	if (!tn_upload_busy(upload) && !make_room(upload, upload->held + taken))
		return 500;
	memcpy(upload->data + upload->held, data, taken);
	upload->held += taken;
	upload->size += taken;
	*size -= taken;
	if (!is_to_be_written(upload))
		return 0;
	if (!prepare(upload))
		return 500;
	upload->writing = upload->held;
	tn_spool_write(upload->file, upload->data, upload->held);
	return 0;
}

/*
 * A client that has sent all may have shut down its side, and is not to be kept from going on:
 * libmicrohttpd would look for more, and take the end for that of the client.
 */
static bool has_to_wait(const struct tn_upload *upload, size_t left)
{
	if (!tn_upload_busy(upload) || upload->size == upload->length)
		return false;
	if (upload->whole)
		return left;
	return most_room(upload) - upload->held < LEAST_LEFT;
}

enum tn_upload_step tn_upload_take(struct tn_upload *upload, const char *data, size_t *size,
                                   int *refusal)
{
	size_t whole = *size;

	if (!*refusal && whole > upload->most - upload->size)
		*refusal = 413;
	tn_upload_look(upload, refusal);
	if (!*refusal)
		*refusal = add(upload, data, size);
	if (*refusal) {
		*size = 0;
		return discard(upload, whole);
	}
	return has_to_wait(upload, *size) ? TN_UPLOAD_WAITS : TN_UPLOAD_READY;
}

enum tn_upload_step tn_upload_end(struct tn_upload *upload, int *refusal)
{
	if (*refusal || !upload->file)
		return TN_UPLOAD_READY;
	if (upload->file->busy)
		return TN_UPLOAD_WAITS;
	tn_upload_look(upload, refusal);
	if (*refusal || upload->file->data)
		return TN_UPLOAD_READY;
	upload->writing = upload->held;
	tn_spool_finish(upload->file, upload->data, upload->held);
	return TN_UPLOAD_WAITS;
}

struct tn_bytes tn_upload_body(const struct tn_upload *upload)
{
	if (upload->file)
		return (struct tn_bytes){ upload->file->data, upload->file->size };
	upload->data[upload->held] = '\0';
	return (struct tn_bytes){ upload->data, upload->held };
}
