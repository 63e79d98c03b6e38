#include "serve/upload.h"

#include <string.h>

#define ROOM_FIRST ((size_t)4096) /* what a client gets for a body that it only announces */

static bool make_room(struct tn_upload *upload, size_t size)
{
	size_t needed = upload->size + size + 1;
	size_t room = upload->room ? upload->room : ROOM_FIRST;
	char *data;

	if (needed <= upload->room)
		return true;
	while (room < needed)
		room *= 2;
	if (room > upload->most + 1)
		room = upload->most + 1;
	data = tn_exchange_grow(upload->exchange, upload->data, upload->room, room);
	if (!data)
		return false;
	upload->data = data;
	upload->room = room;
	return true;
}

/* A body that turns out too large can be answered only at its end; nobody sends it for ever. */
bool tn_upload_take(struct tn_upload *upload, const char *data, size_t size, int *refusal)
{
	if (!*refusal && size > upload->most - upload->size)
		*refusal = 413;
	if (!*refusal && !make_room(upload, size))
		*refusal = 500;
	if (*refusal) {
		upload->discarded += size;
		return upload->discarded <= upload->most + ROOM_FIRST;
	}
	memcpy(upload->data + upload->size, data, size);
	upload->size += size;
	return true;
}

struct tn_bytes tn_upload_body(const struct tn_upload *upload)
{
	upload->data[upload->size] = '\0';
	return (struct tn_bytes){ upload->data, upload->size };
}
