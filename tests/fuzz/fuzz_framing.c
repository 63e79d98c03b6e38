/*
 * fuzz_framing.c - a stream of requests. However it is cut, the verdict is the same; and what
 * http-parser refuses is refused, but for what is told below.
 */
#include "fuzz.h"

#include "serve/framing.h"

#include <strings.h>

#if __has_include(<http_parser.h>)
#include <http_parser.h>
#define HAVE_PARSER
#endif

#define SPLITS_MOST ((size_t)300) /* of larger streams not all are tried */

static const struct tn_framing_limits limits_of[] = {
	{ .head = 16384, .fields = 100, .target = 8192 },
	{ .head = 200, .fields = 5, .target = 20 },
};

static size_t read_piece(struct tn_framing *framing, const char *data, size_t size)
{
	char *copy = fuzz_copy(data, size);
	uint64_t messages = framing->messages;
	int before = framing->status;
	size_t taken = tn_framing_read(framing, copy, size);

	free(copy);
	HOLDS(taken <= size);
	HOLDS(!framing->status == !framing->reason);
	if (!framing->status)
		HOLDS(taken == size);
	else if (before)
		HOLDS(taken == 0 && framing->status == before);
	else if (framing->fresh)
		HOLDS(taken < size && framing->messages > messages);
	else
		HOLDS(taken == 0 && framing->messages == messages);
	HOLDS(framing->messages >= framing->heads && framing->heads >= framing->ended);
	return taken;
}

static void compare(const struct tn_framing *framing, const struct tn_framing *whole)
{
	HOLDS(framing->status == whole->status);
	HOLDS(framing->reason == whole->reason);
	HOLDS(framing->phase == whole->phase);
	HOLDS(framing->head_only == whole->head_only);
	HOLDS(framing->messages == whole->messages);
	HOLDS(framing->heads == whole->heads);
	HOLDS(framing->ended == whole->ended);
	HOLDS(framing->length == whole->length);
	HOLDS(framing->body == whole->body);
}

static void check_split(const struct tn_framing *whole, size_t begin, const char *data, size_t size,
                        size_t split)
{
	struct tn_framing framing;
	size_t taken;

	tn_framing_init(&framing, &whole->limits);
	taken = read_piece(&framing, data, split);
	taken += read_piece(&framing, data + split, size - split);
	compare(&framing, whole);
	HOLDS(!framing.status || taken == (framing.fresh ? begin : split));
}

static void check_pieces(const struct tn_framing *whole, const char *data, size_t size,
                         size_t piece)
{
	struct tn_framing framing;

	tn_framing_init(&framing, &whole->limits);
	for (size_t at = 0; at < size; at += piece)
		read_piece(&framing, data + at, size - at < piece ? size - at : piece);
	compare(&framing, whole);
}

/* ---- The second opinion -------------------------------------------------------------------- */

#ifdef HAVE_PARSER

/* What follows a message that is to be the last is never read: the connection is closed. */
static int stop_at_last(http_parser *parser)
{
	if (!http_should_keep_alive(parser))
		http_parser_pause(parser, 1);
	return 0;
}

static bool has_coding(const char *data, size_t size)
{
	static const char name[] = "\nTransfer-Encoding:";

	for (size_t at = 0; at + strlen(name) <= size; at++) {
		if (strncasecmp(data + at, name, strlen(name)) == 0)
			return true;
	}
	return false;
}

/*
 * What is let through here and refused there, or the other way round, for a reason:
 *
 *	INVALID_METHOD   it knows a list of methods; to RFC 9110 any token is one
 *	INVALID_URL      it wants the host of an absolute target to be of fewer characters
 *	INVALID_CONSTANT likewise a method of its list, found out later
 *	PAUSED           by us, above
 *	INVALID_TRANSFER_ENCODING, where no field has that name: it goes by how a name begins
 */
static bool is_excused(enum http_errno error, const char *data, size_t size)
{
	if (error == HPE_INVALID_TRANSFER_ENCODING && !has_coding(data, size))
		return true;
	return error == HPE_OK || error == HPE_PAUSED || error == HPE_INVALID_METHOD ||
	       error == HPE_INVALID_URL || error == HPE_INVALID_CONSTANT;
}

/* What is wrong with a line is found at its end, which may not have come yet. */
static bool is_refused(const struct tn_framing *whole)
{
	struct tn_framing framing = *whole;

	if (framing.phase == TN_FRAMING_HEAD ||
	    (framing.phase == TN_FRAMING_BODY && framing.trailers))
		tn_framing_read(&framing, "\r\n\r\n", 4);
	return framing.status;
}

static void ask_parser(const struct tn_framing *whole, const char *data, size_t size)
{
	static const http_parser_settings settings = { .on_message_complete = stop_at_last };
	http_parser parser;

	http_parser_init(&parser, HTTP_REQUEST);
	http_parser_execute(&parser, &settings, data, size);
	if (is_excused(HTTP_PARSER_ERRNO(&parser), data, size))
		return;
	if (!is_refused(whole))
		fprintf(stderr, "http-parser: %s\n",
		        http_errno_description(HTTP_PARSER_ERRNO(&parser)));
	HOLDS(is_refused(whole));
}

#else

static void ask_parser(const struct tn_framing *whole, const char *data, size_t size)
{
	(void)whole;
	(void)data;
	(void)size;
}

#endif

/* ---- All of it ------------------------------------------------------------------------------ */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(limits_of) / sizeof(limits_of[0]); i++) {
		size_t step = size / SPLITS_MOST + 1;
		struct tn_framing whole;
		size_t begin;

		tn_framing_init(&whole, &limits_of[i]);
		begin = read_piece(&whole, (const char *)data, size);
		for (size_t split = 0; split <= size; split += step)
			check_split(&whole, begin, (const char *)data, size, split);
		check_pieces(&whole, (const char *)data, size, 1);
		check_pieces(&whole, (const char *)data, size, 17);
		ask_parser(&whole, (const char *)data, size);
	}
	return 0;
}
