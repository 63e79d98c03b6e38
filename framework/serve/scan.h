/*
 * scan.h - the first byte that is none of a kind, sought sixteen at a time where the compiler has
 * SSE2, else eight in a word. What is looked at sixteen at a time is a little less than the kind:
 * the byte that was found is looked at by itself, and most often it is the end.
 */
#ifndef TENON_SERVE_SCAN_H
#define TENON_SERVE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* TN_SCAN_PORTABLE: so that the tests can have the other. */
#if defined(__SSE2__) && !defined(TN_SCAN_PORTABLE)
#define TN_SCAN_SSE2
#include <emmintrin.h>
#endif

enum {
	TN_SCAN_TOKEN = 1,  /* RFC 9110, 5.6.2: tchar */
	TN_SCAN_TARGET = 2, /* visible ASCII but '#' */
	TN_SCAN_VALUE = 4,  /* all but control characters; TAB is none of them */
};

/* The kinds of each byte. */
extern const unsigned char tn_scan_kinds[256];

static inline bool tn_scan_is(char byte, unsigned kind)
{
	return tn_scan_kinds[(unsigned char)byte] & kind;
}

static inline const char *tn_scan_bytes(const char *at, const char *end, unsigned kind)
{
	while (at < end && tn_scan_is(*at, kind))
		at++;
	return at;
}

#define TN_SCAN_ALL(byte_) (UINT64_MAX / 255 * (byte_))

/*
 * Whether one of eight bytes may be below `least`, 0x7f, or beyond ASCII. What is carried from one
 * byte to the next only ever begins in such a one.
 */
static inline bool tn_scan_word_stops(const char *at, unsigned char least)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return ((word - TN_SCAN_ALL(least)) | (word + TN_SCAN_ALL(1)) | word) & TN_SCAN_ALL(0x80);
}

#ifdef TN_SCAN_SSE2

/* As above, a bit for each of sixteen bytes. All of these are below as signed numbers, one further;
 * the sign that a subtraction leaves takes no comparison. */
static inline unsigned tn_scan_stops(__m128i bytes, char least)
{
	__m128i next = _mm_add_epi8(bytes, _mm_set1_epi8(1));

	return (unsigned)_mm_movemask_epi8(_mm_subs_epi8(next, _mm_set1_epi8((char)(least + 1))));
}

static inline __m128i tn_scan_load(const char *at)
{
	return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Negative: a letter. From 'a' on they are the least that there are, and stay negative when what is
 * behind them is no more. */
static inline __m128i tn_scan_letters(__m128i bytes)
{
	__m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
	__m128i place = _mm_add_epi8(lower, _mm_set1_epi8((char)(0x80 - 'a')));

	return _mm_adds_epi8(place, _mm_set1_epi8(127 - 25));
}

/* How many of them are letters or '-', until one is not. */
static inline unsigned tn_scan_name_size(__m128i bytes)
{
	__m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
	__m128i good = _mm_or_si128(tn_scan_letters(bytes), dash);

	return (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(good));
}

static inline unsigned tn_scan_target_stops(__m128i bytes)
{
	__m128i hash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));
	__m128i percent = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('%'));

	return tn_scan_stops(bytes, 0x21) |
	       (unsigned)_mm_movemask_epi8(_mm_or_si128(hash, percent));
}

#endif

/* The first byte that is none of a token; `end` where there is none. */
static inline const char *tn_scan_token(const char *at, const char *end)
{
#ifdef TN_SCAN_SSE2
	while (end - at >= 16) {
		unsigned size = tn_scan_name_size(tn_scan_load(at));

		at += size;
		if (size == 16)
			continue;
		if (!tn_scan_is(*at, TN_SCAN_TOKEN))
			return at;
		at++;
	}
#endif
	return tn_scan_bytes(at, end, TN_SCAN_TOKEN);
}

/* The first '%', or byte that is none of a target. */
static inline const char *tn_scan_target(const char *at, const char *end)
{
#ifdef TN_SCAN_SSE2
	for (; end - at >= 16; at += 16) {
		unsigned stops = tn_scan_target_stops(tn_scan_load(at));

		if (stops)
			return at + __builtin_ctz(stops);
	}
#endif
	while (at < end && *at != '%' && tn_scan_is(*at, TN_SCAN_TARGET))
		at++;
	return at;
}

/* The first control character that is no TAB. */
static inline const char *tn_scan_value(const char *at, const char *end)
{
#ifdef TN_SCAN_SSE2
	while (end - at >= 16) {
		unsigned stops = tn_scan_stops(tn_scan_load(at), 0x20);

		if (!stops) {
			at += 16;
			continue;
		}
		at += __builtin_ctz(stops);
		if (!tn_scan_is(*at, TN_SCAN_VALUE))
			return at;
		at++;
	}
#endif
	while (end - at >= 8 && !tn_scan_word_stops(at, 0x20))
		at += 8;
	return tn_scan_bytes(at, end, TN_SCAN_VALUE);
}

/*
 * Whether it surely is a host, with or without a port: letters, digits, '-' and '.', as most are.
 * Where it is not, it may be one nevertheless.
 */
static inline bool tn_scan_is_host(const char *text, size_t size)
{
#ifdef TN_SCAN_SSE2
	size_t name = size;
	__m128i bytes;
	__m128i digit;
	__m128i other;

	while (name && text[name - 1] >= '0' && text[name - 1] <= '9')
		name--;
	name = name && text[name - 1] == ':' ? name - 1 : size;
	if (name < 8 || name > 16)
		return false;
	bytes = _mm_unpacklo_epi64(
		_mm_loadl_epi64((const __m128i *)(const void *)text),
		_mm_loadl_epi64((const __m128i *)(const void *)(text + name - 8)));
	digit = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
	digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
	other = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')),
	                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
	digit = _mm_or_si128(_mm_or_si128(digit, other), tn_scan_letters(bytes));
	return _mm_movemask_epi8(digit) == 0xffff;
#else
	(void)text;
	(void)size;
	return false;
#endif
}

/* ---- Whole lines --------------------------------------------------------------------------- */

/* A field's line in one piece: the size of its name, and where it ends, at its "\r\n". */
struct tn_scan_line {
	size_t name_size;
	const char *stop; /* NULL: it is no field, or not all of it is here */
};

#define TN_SCAN_LEAST 17 /* bytes that there are to be for a line to be sought */

static inline struct tn_scan_line tn_scan_any_line(const char *at, const char *end)
{
	const char *colon = tn_scan_token(at, end);
	const char *stop = tn_scan_value(colon, end);

	if (end - stop < 2 || memcmp(stop, "\r\n", 2) != 0 || *colon != ':')
		stop = NULL;
	return (struct tn_scan_line){ (size_t)(colon - at), stop };
}

#ifdef TN_SCAN_SSE2

/* As tn_scan_value, but it stops at other bytes as well, and sixteen before the end can be read. */
static inline const char *tn_scan_rest(const char *at, const char *end)
{
	const char *last = end - 16;
	unsigned stops;

	for (; at <= last; at += 16) {
		stops = tn_scan_stops(tn_scan_load(at), 0x20);
		if (stops)
			return at + __builtin_ctz(stops);
	}
	stops = tn_scan_stops(tn_scan_load(last), 0x20) >> (at - last);
	return stops ? at + __builtin_ctz(stops) : end;
}

#endif

/* The line that begins here, with TN_SCAN_LEAST bytes before the end. The name may be empty. It is
 * at its best with a name of letters that has fewer than sixteen. */
static inline struct tn_scan_line tn_scan_line(const char *at, const char *end)
{
#ifdef TN_SCAN_SSE2
	__m128i bytes = tn_scan_load(at);
	size_t size = tn_scan_name_size(bytes);
	unsigned stops = tn_scan_stops(bytes, 0x20);
	const char *stop = stops ? at + __builtin_ctz(stops) : tn_scan_rest(at + 16, end);

	if (at[size] == ':' && end - stop >= 2 && memcmp(stop, "\r\n", 2) == 0)
		return (struct tn_scan_line){ size, stop };
	if (*at == '\r')
		return (struct tn_scan_line){ 0, NULL };
#endif
	return tn_scan_any_line(at, end);
}

#endif
