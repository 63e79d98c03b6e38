/* frames.c - frames, and fields as HPACK's plain literals (RFC 7541, 6.2.2). */
#include "proxies/frames.h"

#include "e2e/harness.h"

#include <string.h>

#define HEAD 9
#define STATUS_200 ((char)0x88) /* an index of the static table */

enum {
	DATA = 0,
	HEADERS = 1,
	RST_STREAM = 3,
	SETTINGS = 4,
	GOAWAY = 7
};
enum {
	END_STREAM = 1,
	END_HEADERS = 4
};

static void put(struct frames *frames, const void *data, size_t size)
{
	if (size > sizeof(frames->data) - frames->size)
		give_up("frames");
	if (size)
		memcpy(frames->data + frames->size, data, size);
	frames->size += size;
}

static void put_head(struct frames *frames, size_t size, int type, int flags, int stream)
{
	unsigned char head[HEAD] = { (unsigned char)(size >> 16), (unsigned char)(size >> 8),
		                     (unsigned char)size, (unsigned char)type,
		                     (unsigned char)flags, [8] = (unsigned char)stream };

	put(frames, head, HEAD);
}

/* A length of seven bits and more (RFC 7541, 5.1), then the bytes as they are. */
static void put_text(struct frames *frames, const char *text, size_t size)
{
	size_t left = size - 127;
	unsigned char byte = size < 127 ? (unsigned char)size : 127;

	put(frames, &byte, 1);
	if (size >= 127) {
		for (; left >= 128; left >>= 7) {
			byte = (unsigned char)(left | 128);
			put(frames, &byte, 1);
		}
		byte = (unsigned char)left;
		put(frames, &byte, 1);
	}
	put(frames, text, size);
}

void frames_begin(struct frames *frames)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	frames->size = 0;
	put(frames, preface, sizeof(preface) - 1);
	put_head(frames, 0, SETTINGS, 0, 0);
}

void frames_fields(struct frames *frames, const struct frames_field *fields, bool end)
{
	struct frames block = { .size = 0 };

	for (; fields->name; fields++) {
		put(&block, "", 1); /* a literal that is not indexed, with a new name */
		put_text(&block, fields->name, fields->name_size);
		put_text(&block, fields->value, fields->value_size);
	}
	put_head(frames, block.size, HEADERS, END_HEADERS | (end ? END_STREAM : 0), 1);
	put(frames, block.data, block.size);
}

void frames_body(struct frames *frames, const char *data, size_t size, bool end)
{
	put_head(frames, size, DATA, end ? END_STREAM : 0, 1);
	put(frames, data, size);
}

/* ---- Reading ------------------------------------------------------------------------------- */

static void read_frame(struct frames_reply *reply, const unsigned char *head, const char *content,
                       size_t size)
{
	int type = head[3];
	bool ours = head[8] == 1;

	if (type == HEADERS && ours) {
		reply->heads++;
		reply->good = size && content[0] == STATUS_200;
	}
	if (type == GOAWAY || (type == RST_STREAM && ours))
		reply->reset = reply->ended = true;
	if ((type == HEADERS || type == DATA) && ours && (head[4] & END_STREAM))
		reply->ended = true;
}

struct frames_reply frames_read(const char *data, size_t size)
{
	struct frames_reply reply = { 0 };

	while (size >= HEAD) {
		const unsigned char *head = (const unsigned char *)data;
		size_t content = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];

		if (size - HEAD < content)
			break;
		read_frame(&reply, head, data + HEAD, content);
		data += HEAD + content;
		size -= HEAD + content;
	}
	return reply;
}
