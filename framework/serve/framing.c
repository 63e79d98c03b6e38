#include "serve/framing.h"

#include "message/url.h"
#include "serve/coding.h"
#include "serve/scan.h"

#include <string.h>

#define METHOD_MOST 32u /* the longest that is registered has 17 bytes */
#define DIGITS_MOST 16u /* of a chunk's size */
#define LENGTH_MOST ((uint64_t)INT64_MAX)

/* What the next byte is, or is a part of. */
enum state {
	START, /* of a message: of its method, or a CR before it */
	START_LF,
	METHOD_FIRST,
	METHOD,
	TARGET_FIRST,
	TARGET_STAR,
	TARGET_SCHEME,
	TARGET_AUTHORITY,
	TARGET,
	VERSION,
	LINE_LF,
	LINE, /* a field's first byte, or the CR of the empty line */
	NAME,
	VALUE_FIRST,
	VALUE,
	HEAD_LF,
	HEAD_STATES, /* all above belong to a head or to trailers */
	BODY = HEAD_STATES,
	CHUNK_SIZE,
	CHUNK_LF,
	CHUNK,
	CHUNK_END_CR,
	CHUNK_END_LF,
};

/* The fields that decide. */
enum name {
	OTHER,
	HOST,
	LENGTH,
	CODING,
	EXPECT,
};

enum flag {
	VERSION_1_0 = 1 << 6,
	IS_OPTIONS = 1 << 7,
	/* Those below are 1 << name: the field has been seen. */
};

/* What has been read of a word, in one piece. Where it is longer than TN_FRAMING_WORD, its size
 * says so, and there is nothing to be read. */
struct word {
	const char *text;
	size_t size;
};

/* ---- Helpers ------------------------------------------------------------------------------- */

/* Every step returns where the next one is to go on, or this: NULL. */
static const char *refuse(struct tn_framing *framing, int status, const char *reason)
{
	framing->status = status;
	framing->reason = reason;
	return NULL;
}

/* For a byte that does not belong where it stands. */
static const char *refuse_byte(struct tn_framing *framing, char byte, const char *otherwise)
{
	unsigned char value = (unsigned char)byte;

	if (byte == '\n')
		return refuse(framing, 400, "a bare line feed");
	if (byte == '\r')
		return refuse(framing, 400, "a bare carriage return");
	if (byte == '\0')
		return refuse(framing, 400, "a NUL byte");
	if (value < 0x20 || value == 0x7f)
		return refuse(framing, 400, "a control character");
	return refuse(framing, 400, otherwise);
}

static inline const char *go_on(struct tn_framing *framing, enum state state, const char *at)
{
	framing->state = (unsigned char)state;
	return at;
}

/* Keeps a part of a word of which the rest has not come yet. */
static void keep(struct tn_framing *framing, const char *text, size_t size)
{
	if (framing->word_size + size > TN_FRAMING_WORD) {
		framing->word_size = (unsigned)TN_FRAMING_WORD + 1;
		return;
	}
	memcpy(framing->word + framing->word_size, text, size);
	framing->word_size += (unsigned)size;
}

/* The word whose last part this is; the next one begins anew. */
static inline struct word take(struct tn_framing *framing, const char *text, size_t size)
{
	struct word word = { text, size };

	if (!framing->word_size)
		return word;
	keep(framing, text, size);
	word = (struct word){ framing->word, framing->word_size };
	framing->word_size = 0;
	return word;
}

static inline char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

/* As strncasecmp, in no locale; the expected text is in lower case already. */
static inline bool same(const char *text, const char *expected, size_t size)
{
	if (lower(*text) != *expected)
		return false;
	for (size_t i = 1; i < size; i++) {
		if (lower(text[i]) != expected[i])
			return false;
	}
	return true;
}

static bool word_is(struct word word, const char *expected)
{
	return word.size == strlen(expected) && same(word.text, expected, word.size);
}

/* ---- The request line ---------------------------------------------------------------------- */

static const char *read_start(struct tn_framing *framing, const char *at)
{
	if (*at == '\r' && framing->state == START)
		return go_on(framing, START_LF, at + 1);
	if (!tn_scan_is(*at, TN_SCAN_TOKEN))
		return refuse_byte(framing, *at, "a request line that begins with no method");
	return go_on(framing, METHOD, at);
}

static const char *note_method(struct tn_framing *framing, struct word word)
{
	if (word.size == 4 && memcmp(word.text, "HEAD", 4) == 0)
		framing->head_only = true;
	else if (word.size == 7 && memcmp(word.text, "OPTIONS", 7) == 0)
		framing->flags |= IS_OPTIONS;
	else if (word.size == 7 && memcmp(word.text, "CONNECT", 7) == 0)
		return refuse(framing, 501, "the method CONNECT");
	return word.text;
}

static const char *read_method(struct tn_framing *framing, const char *at, const char *end)
{
	const char *stop = tn_scan_bytes(at, end, TN_SCAN_TOKEN);

	if ((size_t)(stop - at) + framing->word_size > METHOD_MOST)
		return refuse(framing, 501, "a method of more than 32 bytes");
	if (stop == end) {
		keep(framing, at, (size_t)(stop - at));
		return stop;
	}
	if (*stop != ' ')
		return refuse_byte(framing, *stop, "a method that is no token");
	if (!note_method(framing, take(framing, at, (size_t)(stop - at))))
		return NULL;
	return go_on(framing, TARGET_FIRST, stop + 1);
}

static const char *read_target_first(struct tn_framing *framing, const char *at)
{
	switch (*at) {
	case '/':
		return go_on(framing, TARGET, at);
	case 'h':
	case 'H':
		return go_on(framing, TARGET_SCHEME, at);
	case '*':
		if (framing->flags & IS_OPTIONS)
			return go_on(framing, TARGET_STAR, at + 1);
		return refuse(framing, 400, "the target '*', which is for OPTIONS");
	default:
		return refuse_byte(framing, *at, "a target that is neither a path nor a URL");
	}
}

static const char *read_target_star(struct tn_framing *framing, const char *at)
{
	if (*at != ' ')
		return refuse_byte(framing, *at, "a target that begins with '*'");
	return go_on(framing, VERSION, at + 1);
}

/* word_size counts what has been seen of it. */
static const char *read_scheme(struct tn_framing *framing, const char *at)
{
	static const char scheme[] = "http://";

	if (lower(*at) != scheme[framing->word_size])
		return refuse_byte(framing, *at, "a target that does not begin with http://");
	if (++framing->word_size < strlen(scheme))
		return at + 1;
	framing->word_size = 0;
	return go_on(framing, TARGET_AUTHORITY, at + 1);
}

static bool note_authority(struct tn_framing *framing, struct word word)
{
	if (!word.size || word.size > TN_FRAMING_WORD || !tn_url_host_valid(word.text, word.size))
		return false;
	for (size_t i = 0; i < word.size; i++)
		framing->authority[i] = lower(word.text[i]);
	framing->authority_size = (unsigned)word.size;
	return true;
}

static const char *read_authority(struct tn_framing *framing, const char *at, const char *end)
{
	const char *stop = at;

	while (stop < end && *stop != '/' && *stop != '?' && tn_scan_is(*stop, TN_SCAN_TARGET))
		stop++;
	if (stop == end) {
		keep(framing, at, (size_t)(stop - at));
		return stop;
	}
	if (*stop != '/' && *stop != '?' && *stop != ' ')
		return refuse_byte(framing, *stop, "a byte that is to be encoded in the target");
	if (!note_authority(framing, take(framing, at, (size_t)(stop - at))))
		return refuse(framing, 400, "a target without a valid host");
	return *stop == ' ' ? go_on(framing, VERSION, stop + 1) : go_on(framing, TARGET, stop);
}

/* %00 would cut a C string. */
static bool is_zero_escape(struct tn_framing *framing, char byte)
{
	if (framing->percent)
		framing->percent = byte == '0' ? framing->percent + 1 : 0;
	if (byte == '%')
		framing->percent = 1;
	return framing->percent == 3;
}

static const char *read_target(struct tn_framing *framing, const char *at, const char *end)
{
	for (; at < end; at++) {
		if (!framing->percent)
			at = tn_scan_target(at, end);
		if (at == end)
			break;
		if (*at == ' ')
			return go_on(framing, VERSION, at + 1);
		if (!tn_scan_is(*at, TN_SCAN_TARGET))
			return refuse_byte(framing, *at,
			                   *at == '#' ? "a fragment in the target"
			                              : "a byte beyond ASCII in the target");
		if (is_zero_escape(framing, *at))
			return refuse(framing, 400, "%00 in the target");
	}
	return at;
}

static const char *note_version(struct tn_framing *framing, const char *at)
{
	const char *version = framing->word;

	framing->word_size = 0;
	if (memcmp(version, "HTTP/1.0", 8) == 0)
		framing->flags |= VERSION_1_0;
	else if (memcmp(version, "HTTP/1.1", 8) != 0)
		return refuse(framing, 505, "a version other than HTTP/1.0 and HTTP/1.1");
	return go_on(framing, LINE_LF, at);
}

static const char *read_version(struct tn_framing *framing, const char *at, const char *end)
{
	static const char form[] = "HTTP/0.0\r";

	if (!framing->word_size && end - at >= 9 && memcmp(at, "HTTP/1.1\r", 9) == 0)
		return go_on(framing, LINE_LF, at + 9);
	for (; at < end && framing->word_size < strlen(form); at++) {
		char expected = form[framing->word_size];

		if (*at != expected && (expected != '0' || *at < '0' || *at > '9'))
			return refuse_byte(framing, *at, "a version that is none");
		if (expected == '\r')
			return note_version(framing, at + 1);
		keep(framing, at, 1);
	}
	return at;
}

/* ---- Fields -------------------------------------------------------------------------------- */

static const char *read_line_feed(struct tn_framing *framing, const char *at, enum state next)
{
	if (*at != '\n')
		return refuse(framing, 400, "a bare carriage return");
	return go_on(framing, next, at + 1);
}

static const char *read_line(struct tn_framing *framing, const char *at)
{
	if (*at == '\r')
		return go_on(framing, HEAD_LF, at + 1);
	if (!framing->fields_left)
		return refuse(framing, 431, "more header fields than are allowed");
	framing->fields_left--;
	if (*at == ' ' || *at == '\t')
		return refuse(framing, 400, "a line that begins with a blank");
	if (!tn_scan_is(*at, TN_SCAN_TOKEN))
		return refuse_byte(framing, *at, "a field without a name that is a token");
	return go_on(framing, NAME, at);
}

static enum name name_of(struct word word)
{
	uint32_t letters;

	switch (word.size) {
	case 4:
		memcpy(&letters, word.text, 4);
		letters |= 0x20202020;
		return memcmp(&letters, "host", 4) == 0 ? HOST : OTHER;
	case 6:
		return same(word.text, "expect", 6) ? EXPECT : OTHER;
	case 14:
		return same(word.text, "content-length", 14) ? LENGTH : OTHER;
	case 17:
		return same(word.text, "transfer-encoding", 17) ? CODING : OTHER;
	default:
		return OTHER;
	}
}

/* One field of that name, and one way to tell where the body ends (RFC 9112, 6). */
static bool note_name(struct tn_framing *framing, enum name name)
{
	static const char *const second[] = {
		[HOST] = "a second Host",
		[LENGTH] = "a second Content-Length",
		[CODING] = "a second Transfer-Encoding",
		[EXPECT] = "a second Expect",
	};
	unsigned lengths = (1u << LENGTH | 1u << CODING) & framing->flags;

	framing->name = name;
	if (name == OTHER)
		return true;
	if (framing->trailers)
		refuse(framing, 400, "a trailer field that frames or routes the message");
	else if (framing->flags & 1u << name)
		refuse(framing, name == EXPECT ? 417 : 400, second[name]);
	else if ((name == LENGTH || name == CODING) && lengths)
		refuse(framing, 400, "both Content-Length and Transfer-Encoding");
	else if (name == CODING && framing->flags & VERSION_1_0)
		refuse(framing, 400, "Transfer-Encoding on HTTP/1.0");
	framing->flags |= (unsigned char)(1u << name);
	return !framing->status;
}

static const char *read_name(struct tn_framing *framing, const char *at, const char *end)
{
	const char *stop = tn_scan_token(at, end);

	if (stop == end) {
		keep(framing, at, (size_t)(stop - at));
		return stop;
	}
	if (*stop == ' ' || *stop == '\t')
		return refuse(framing, 400, "a blank in or after a field's name");
	if (*stop != ':')
		return refuse_byte(framing, *stop, "a field's name that is no token");
	if (!note_name(framing, name_of(take(framing, at, (size_t)(stop - at)))))
		return NULL;
	return go_on(framing, VALUE_FIRST, stop + 1);
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

static const char *read_value_first(struct tn_framing *framing, const char *at, const char *end)
{
	at = skip_blanks(at, end);
	return at < end ? go_on(framing, VALUE, at) : at;
}

/* ---- The values that decide ---------------------------------------------------------------- */

static void note_host(struct tn_framing *framing, struct word word)
{
	if (!word.size)
		refuse(framing, 400, "an empty Host");
	else if (word.size > TN_FRAMING_WORD || (!tn_scan_is_host(word.text, word.size) &&
	                                         !tn_url_host_valid(word.text, word.size)))
		refuse(framing, 400, "a malformed Host");
	else if (framing->authority_size &&
	         (word.size != framing->authority_size ||
	          !same(word.text, framing->authority, word.size)))
		refuse(framing, 400, "a Host that differs from the target's");
}

static void note_length(struct tn_framing *framing, struct word word)
{
	uint64_t length = 0;

	if (!word.size || word.size > TN_FRAMING_WORD) {
		refuse(framing, 400, "a malformed Content-Length");
		return;
	}
	for (size_t i = 0; i < word.size; i++) {
		unsigned digit = (unsigned char)word.text[i] - (unsigned)'0';

		if (digit > 9) {
			refuse(framing, 400, "a malformed Content-Length");
			return;
		}
		length = length > (LENGTH_MOST - digit) / 10 ? LENGTH_MOST + 1
		                                             : length * 10 + digit;
	}
	if (length > LENGTH_MOST)
		refuse(framing, 413, "a Content-Length that no file could have");
	framing->length = length;
}

static void note_coding(struct tn_framing *framing, struct word word)
{
	bool whole = word.size <= TN_FRAMING_WORD;

	framing->length = TN_FRAMING_CHUNKED;
	if (whole && word_is(word, "chunked"))
		return;
	if (whole && tn_coding_unknown(word.text, word.size))
		refuse(framing, 501, "a Transfer-Encoding other than chunked");
	else
		refuse(framing, 400, "a malformed Transfer-Encoding");
}

/* Blanks behind a value are none of it; but to libmicrohttpd they are, and where the value frames a
 * message it would find another body. */
static bool note_value(struct tn_framing *framing, struct word word)
{
	bool frames = framing->name == LENGTH || framing->name == CODING;

	while (!frames && word.size && word.size <= TN_FRAMING_WORD &&
	       (word.text[word.size - 1] == ' ' || word.text[word.size - 1] == '\t'))
		word.size--;
	if (framing->name == HOST)
		note_host(framing, word);
	else if (framing->name == LENGTH)
		note_length(framing, word);
	else if (framing->name == CODING)
		note_coding(framing, word);
	else if (word.size > TN_FRAMING_WORD || !word_is(word, "100-continue"))
		refuse(framing, 417, "an Expect other than 100-continue");
	return !framing->status;
}

static const char *read_value(struct tn_framing *framing, const char *at, const char *end)
{
	const char *stop = tn_scan_value(at, end);

	if (stop == end) {
		if (framing->name != OTHER)
			keep(framing, at, (size_t)(stop - at));
		return stop;
	}
	if (*stop != '\r')
		return refuse_byte(framing, *stop, "");
	if (framing->name != OTHER &&
	    !note_value(framing, take(framing, at, (size_t)(stop - at))))
		return NULL;
	return go_on(framing, LINE_LF, stop + 1);
}

/* ---- The message --------------------------------------------------------------------------- */

static void begin_message(struct tn_framing *framing)
{
	framing->phase = TN_FRAMING_HEAD;
	framing->state = START;
	framing->messages++;
	framing->head_only = false;
	framing->trailers = false;
	framing->flags = 0;
	framing->percent = 0;
	framing->authority_size = 0;
	framing->word_size = 0;
	framing->length = 0;
	framing->body = 0;
	framing->body_most = UINT64_MAX;
	framing->head_left = framing->limits.head;
	framing->target_left = framing->limits.target + 1; /* the blank behind it included */
	framing->fields_left = framing->limits.fields;
}

static const char *end_message(struct tn_framing *framing, const char *at)
{
	framing->phase = TN_FRAMING_BETWEEN;
	framing->ended++;
	return at;
}

static void begin_chunk(struct tn_framing *framing)
{
	framing->left = 0;
	framing->digits = 0;
	framing->state = CHUNK_SIZE;
}

/* Of a head or of trailers. */
static const char *end_head(struct tn_framing *framing, const char *at)
{
	if (*at != '\n')
		return refuse(framing, 400, "a bare carriage return");
	if (framing->trailers)
		return end_message(framing, at + 1);
	if (!(framing->flags & (1u << HOST | VERSION_1_0)))
		return refuse(framing, 400, "no Host");
	framing->heads++;
	if (!framing->length)
		return end_message(framing, at + 1);
	framing->phase = TN_FRAMING_BODY;
	framing->left = framing->length;
	framing->state = BODY;
	if (framing->length == TN_FRAMING_CHUNKED)
		begin_chunk(framing);
	return at + 1;
}

/* ---- The body ------------------------------------------------------------------------------ */

static size_t body_bytes(struct tn_framing *framing, const char *at, const char *end)
{
	uint64_t size = (uint64_t)(end - at);

	if (size > framing->left)
		size = framing->left;
	framing->left -= size;
	framing->body += size;
	return (size_t)size;
}

static const char *read_body(struct tn_framing *framing, const char *at, const char *end)
{
	at += body_bytes(framing, at, end);
	return framing->left ? at : end_message(framing, at);
}

static int hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte = lower(byte);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static const char *end_chunk_size(struct tn_framing *framing, const char *at)
{
	if (*at == ';' || *at == ' ' || *at == '\t')
		return refuse(framing, 400, "a chunk extension");
	if (*at != '\r' || !framing->digits)
		return refuse(framing, 400, "a malformed chunk size");
	if (framing->left > LENGTH_MOST - framing->body)
		return refuse(framing, 413, "a body larger than any file could be");
	return go_on(framing, CHUNK_LF, at + 1);
}

static const char *read_chunk_size(struct tn_framing *framing, const char *at, const char *end)
{
	for (; at < end; at++) {
		int digit = hex_digit(*at);

		if (digit < 0)
			return end_chunk_size(framing, at);
		if (framing->digits++ == DIGITS_MOST)
			return refuse(framing, 400, "a chunk size of more than 16 digits");
		framing->left = framing->left << 4 | (unsigned)digit;
	}
	return at;
}

static bool within(struct tn_framing *framing)
{
	if (tn_framing_exceeds(framing))
		refuse(framing, 413, "a chunked body larger than is allowed");
	return !framing->status;
}

static const char *read_chunk_line_feed(struct tn_framing *framing, const char *at)
{
	if (*at != '\n')
		return refuse(framing, 400, "a malformed chunk size");
	if (framing->left) {
		at = go_on(framing, CHUNK, at + 1);
		return within(framing) ? at : NULL;
	}
	framing->trailers = true;
	framing->head_left += strlen("\r\n"); /* there is room for none behind the largest head */
	return go_on(framing, LINE, at + 1);
}

static const char *read_chunk(struct tn_framing *framing, const char *at, const char *end)
{
	if (!within(framing)) /* which may have become known behind the chunk's line */
		return NULL;
	at += body_bytes(framing, at, end);
	return framing->left ? at : go_on(framing, CHUNK_END_CR, at);
}

static const char *read_chunk_end(struct tn_framing *framing, const char *at)
{
	bool first = framing->state == CHUNK_END_CR;

	if (*at != (first ? '\r' : '\n'))
		return refuse(framing, 400, "a chunk that does not end where its size says");
	if (first)
		return go_on(framing, CHUNK_END_LF, at + 1);
	begin_chunk(framing);
	return at + 1;
}

static const char *step_body(struct tn_framing *framing, const char *at, const char *end)
{
	switch (framing->state) {
	case BODY:
		return read_body(framing, at, end);
	case CHUNK_SIZE:
		return read_chunk_size(framing, at, end);
	case CHUNK_LF:
		return read_chunk_line_feed(framing, at);
	case CHUNK:
		return read_chunk(framing, at, end);
	default:
		return read_chunk_end(framing, at);
	}
}

/* ---- All of it ----------------------------------------------------------------------------- */

static const char *step_target(struct tn_framing *framing, const char *at, const char *end)
{
	switch (framing->state) {
	case TARGET_FIRST:
		return read_target_first(framing, at);
	case TARGET_STAR:
		return read_target_star(framing, at);
	case TARGET_SCHEME:
		return read_scheme(framing, at);
	case TARGET_AUTHORITY:
		return read_authority(framing, at, end);
	default:
		return read_target(framing, at, end);
	}
}

/* A step, within the limit of a target. */
static const char *step_target_within(struct tn_framing *framing, const char *at, const char *end)
{
	const char *stop = at;

	if ((size_t)(end - at) > framing->target_left)
		end = at + framing->target_left;
	stop = step_target(framing, at, end);
	if (!stop)
		return NULL;
	framing->target_left -= (size_t)(stop - at);
	if (!framing->target_left && framing->state < VERSION)
		return refuse(framing, 414, "a target longer than is allowed");
	return stop;
}

static const char *step_head(struct tn_framing *framing, const char *at, const char *end)
{
	switch (framing->state) {
	case START:
	case METHOD_FIRST:
		return read_start(framing, at);
	case START_LF:
		return read_line_feed(framing, at, METHOD_FIRST);
	case METHOD:
		return read_method(framing, at, end);
	case VERSION:
		return read_version(framing, at, end);
	case LINE_LF:
		return read_line_feed(framing, at, LINE);
	case LINE:
		return read_line(framing, at);
	case NAME:
		return read_name(framing, at, end);
	case VALUE_FIRST:
		return read_value_first(framing, at, end);
	case VALUE:
		return read_value(framing, at, end);
	case HEAD_LF:
		return end_head(framing, at);
	default:
		return step_target_within(framing, at, end);
	}
}

/* ---- The fast lane ------------------------------------------------------------------------- */

/*
 * What nearly every head is made of, whole lines in one piece, without a state in between. A line
 * that is anything else is left where it begins to the steps, which refuse it if it is to be; so
 * the lane decides nothing, and which way a line has taken makes no difference.
 */

#define LINE_END "\r\n"
#define VERSION_END " HTTP/1.1\r\n"

static bool begins_with(const char *at, const char *end, const char *text, size_t size)
{
	return (size_t)(end - at) >= size && memcmp(at, text, size) == 0;
}

static const char *pass_request_line(struct tn_framing *framing, const char *at, const char *end)
{
	const char *target = at + 4;
	const char *stop;

	if (!begins_with(at, end, "GET /", 5)) {
		if (!begins_with(at, end, "POST /", 6))
			return at;
		target++;
	}
	stop = tn_scan_target(target, end);
	if ((size_t)(stop - target) > framing->limits.target ||
	    !begins_with(stop, end, VERSION_END, strlen(VERSION_END)))
		return at;
	return go_on(framing, LINE, stop + strlen(VERSION_END));
}

/* Whether it may be one of the names that decide, or none at all. Of a longer one it may say so as
 * well. */
static inline bool may_decide(size_t name_size)
{
	const unsigned sizes = 1u << 0 | 1u << 4 | 1u << 6 | 1u << 14 | 1u << 17;

	return sizes >> (name_size & 31) & 1;
}

static bool note_field(struct tn_framing *framing, const char *name, struct tn_scan_line line)
{
	enum name decides = name_of((struct word){ name, line.name_size });
	const char *value;

	if (decides == OTHER)
		return true;
	if (!note_name(framing, decides))
		return false;
	value = skip_blanks(name + line.name_size + 1, line.stop);
	return note_value(framing, (struct word){ value, (size_t)(line.stop - value) });
}

static const char *pass_fields(struct tn_framing *framing, const char *at, const char *end)
{
	size_t left = framing->fields_left;

	for (; left && end - at >= TN_SCAN_LEAST; left--) {
		struct tn_scan_line line = tn_scan_line(at, end);

		if (!line.stop)
			break;
		if (may_decide(line.name_size)) {
			if (!line.name_size)
				break;
			if (!note_field(framing, at, line))
				return NULL;
		}
		at = line.stop + strlen(LINE_END);
	}
	framing->fields_left = left;
	if (begins_with(at, end, LINE_END, strlen(LINE_END)))
		return end_head(framing, at + 1);
	return at;
}

/* ---- All of it, in pieces ------------------------------------------------------------------ */

static inline bool in_head(const struct tn_framing *framing)
{
	return framing->phase != TN_FRAMING_BETWEEN && framing->state < HEAD_STATES;
}

/* Steps, within the limit of a head or of trailers. */
static const char *read_head(struct tn_framing *framing, const char *at, const char *end)
{
	const char *begin = at;

	if ((size_t)(end - at) > framing->head_left)
		end = at + framing->head_left;
	if (framing->state == START)
		at = pass_request_line(framing, at, end);
	if (framing->state == LINE)
		at = pass_fields(framing, at, end);
	while (at && at < end && in_head(framing))
		at = step_head(framing, at, end);
	if (!at)
		return NULL;
	framing->head_left -= (size_t)(at - begin);
	if (!framing->head_left && in_head(framing))
		return refuse(framing, 431, "a head larger than is allowed");
	return at;
}

void tn_framing_init(struct tn_framing *framing, const struct tn_framing_limits *limits)
{
	memset(framing, 0, offsetof(struct tn_framing, word));
	framing->limits = *limits;
	framing->body_most = UINT64_MAX;
}

bool tn_framing_exceeds(const struct tn_framing *framing)
{
	/* Digits of which the line is not whole are no size yet: it may be malformed. */
	bool announced = framing->state != CHUNK_SIZE && framing->state != CHUNK_LF;

	return framing->body > framing->body_most ||
	       (announced && framing->left > framing->body_most - framing->body);
}

size_t tn_framing_read(struct tn_framing *framing, const char *data, size_t size)
{
	const char *end = data + size;
	const char *message = NULL; /* where the latest one begins in these bytes */
	const char *at = data;

	if (framing->status)
		return 0;
	while (at && at < end) {
		if (framing->phase == TN_FRAMING_BETWEEN) {
			begin_message(framing);
			message = at;
		}
		at = framing->state < HEAD_STATES ? read_head(framing, at, end)
		                                  : step_body(framing, at, end);
	}
	if (at)
		return size;
	framing->fresh = message;
	return message ? (size_t)(message - data) : 0;
}
