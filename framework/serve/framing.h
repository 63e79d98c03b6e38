/*
 * framing.h - where a request begins and where it ends (RFC 9112), read in the one strict way: a
 * pure function of the bytes of one connection, however they are cut into pieces. It keeps nothing
 * of a message but the few words that decide; it allocates nothing and calls nobody.
 *
 * What is refused, and with which status:
 *
 *	400  anything that is not to the letter of RFC 9112: bare CR, bare LF, NUL and other control
 *	     characters in the head, a folded line, a blank at the start of a line or before the
 *	     colon, a name that is no token; not exactly one valid Host (HTTP/1.0 may have none), or
 *	     one that differs from the target's; a target in another form than origin, http:// or,
 *	     for OPTIONS, "*", with a byte outside of ASCII's visible ones, '#' or %00; two
 *	     Content-Length, one that is no number, one beside Transfer-Encoding; Transfer-Encoding
 *	     on HTTP/1.0, twice, or malformed; blanks behind the value of either; a chunk's size of
 *	     more than 16 digits, a chunk extension, a chunk that does not end where it said
 *	413  a length beyond INT64_MAX; a chunked body beyond body_most
 *	414  a target longer than the limit
 *	417  an Expect that is not 100-continue
 *	431  a head, or its trailers, larger than the limit, or with more fields
 *	501  a method of more than 32 bytes, CONNECT (RFC 9110, 15.6.2: there is no resource here
 *	     that it could be allowed for), a transfer coding other than chunked
 *	505  a version other than HTTP/1.0 and HTTP/1.1
 *
 * Bytes beyond ASCII are let through in a field's value: to RFC 9110, 5.5 they are opaque, and a
 * Worker can read them. One CRLF before a request line is let through as well (RFC 9112, 2.2), as
 * libmicrohttpd does; it counts as the first bytes of that message.
 */
#ifndef TENON_SERVE_FRAMING_H
#define TENON_SERVE_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_FRAMING_CHUNKED UINT64_MAX
#define TN_FRAMING_WORD ((size_t)264) /* a name of 253 bytes, a port; most of what is kept */

struct tn_framing_limits {
	/* Bytes of a head, from the request line to its empty line, and of its trailers, too: the
	 * memory that libmicrohttpd reads them into is the same. */
	size_t head;
	size_t fields; /* of a message, with its trailers */
	size_t target; /* bytes */
};

enum tn_framing_phase {
	TN_FRAMING_BETWEEN, /* no byte of the next message yet */
	TN_FRAMING_HEAD,
	TN_FRAMING_BODY, /* chunk lines and trailers included */
};

/* Large enough to be kept in place, with what belongs to a connection. */
struct tn_framing {
	int status;         /* 0: all is good so far */
	const char *reason; /* for the log: "a bare line feed"; constant; NULL while status is 0 */
	enum tn_framing_phase phase;
	bool head_only;    /* the method of the latest message is HEAD, as far as it has come */
	bool fresh;        /* the refused message began in the bytes of the call that found it */
	uint64_t messages; /* begun: at least one byte has come */
	uint64_t heads;    /* read whole */
	uint64_t ended;    /* read to their end */
	uint64_t length;   /* of the latest message: Content-Length, 0, or TN_FRAMING_CHUNKED */
	uint64_t body;     /* bytes of its body so far, without chunk lines */
	/* To be set by the caller once it knows; more than that of a chunked body is 413. It is
	 * UINT64_MAX again with each message. A Content-Length is the caller's to look at. */
	uint64_t body_most;

	/* Its own. */
	struct tn_framing_limits limits;
	unsigned char state;
	unsigned char flags;
	unsigned char percent; /* of "%00", how much has just been seen */
	bool trailers;
	unsigned name; /* which of the fields that decide anything it is in */
	size_t head_left;
	size_t target_left;
	size_t fields_left;
	uint64_t left; /* bytes of the body, or of this chunk */
	unsigned digits;
	unsigned authority_size;
	unsigned word_size;
	char word[TN_FRAMING_WORD];      /* of a word that came in pieces: what there is of it */
	char authority[TN_FRAMING_WORD]; /* the target's, to be compared with Host */
};

/* For a new connection. */
void tn_framing_init(struct tn_framing *framing, const struct tn_framing_limits *limits);

/*
 * Reads on. Returns how many of these bytes belong to messages that are good so far: all of them,
 * or, where a message is refused, those before its first byte, and 0 if that has come earlier
 * (`fresh` tells the two apart). `status` is then set, and stays: every later call returns 0.
 */
size_t tn_framing_read(struct tn_framing *framing, const char *data, size_t size);

/* Whether the body is larger than body_most, by what of it has come, or is to come of its chunk,
 * once the chunk's line is whole. */
bool tn_framing_exceeds(const struct tn_framing *framing);

#endif
