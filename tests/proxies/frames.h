/*
 * frames.h - HTTP/2 by hand (RFC 9113): requests whose fields are any bytes, as no client's library
 * would send them.
 */
#ifndef TENON_TESTS_PROXIES_FRAMES_H
#define TENON_TESTS_PROXIES_FRAMES_H

#include <stdbool.h>
#include <stddef.h>

struct frames_field {
	const char *name;
	size_t name_size;
	const char *value;
	size_t value_size;
};

#define FIELD(name_, value_) \
	{ \
		name_, sizeof(name_) - 1, value_, sizeof(value_) - 1 \
	}

struct frames {
	char data[8192];
	size_t size;
};

/* What a client begins with. */
void frames_begin(struct frames *frames);

/* A block of fields, up to one without a name, on stream 1: the head, or trailers. */
void frames_fields(struct frames *frames, const struct frames_field *fields, bool end);

/* A part of the body. */
void frames_body(struct frames *frames, const char *data, size_t size, bool end);

/* The reply on stream 1 as far as it has come. */
struct frames_reply {
	unsigned heads; /* blocks of fields, with those of 1xx and trailers */
	bool good;      /* the last head has :status 200 */
	bool reset;     /* the stream, or all of them */
	bool ended;     /* as it should, or it was reset */
};

struct frames_reply frames_read(const char *data, size_t size);

#endif
