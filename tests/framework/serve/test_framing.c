#include "cunit.h"
#include "serve/framing.h"

#include <stdint.h>

/* A stream, and what is to be seen of it however it comes: whole, in two, or byte by byte. */
struct row {
	const char *bytes;
	size_t size;
	int status;
	unsigned heads; /* read whole */
	unsigned ended; /* messages */
};

#define ROW(bytes_, ...) \
	{ \
		bytes_, sizeof(bytes_) - 1, __VA_ARGS__ \
	}
#define CHECK_ROWS(rows_) check_rows(rows_, sizeof(rows_) / sizeof((rows_)[0]))

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define PUT "PUT / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED PUT "Transfer-Encoding: chunked\r\n\r\n"
#define GOOD GET "\r\n"
#define EIGHT "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n"

static const struct tn_framing_limits limits = { .head = 1000, .fields = 10, .target = 100 };

/* ---- A stream in pieces -------------------------------------------------------------------- */

/* Each piece lies in memory of just its size, so that a byte too much is found. */
static size_t read_piece(struct tn_framing *framing, const char *bytes, size_t size)
{
	char *copy = malloc(size ? size : 1);
	size_t taken;

	memcpy(copy, bytes, size);
	taken = tn_framing_read(framing, copy, size);
	free(copy);
	return taken;
}

/* A good piece is taken whole; the refused one up to where its bad message begins. */
static void check_taken(const struct tn_framing *framing, size_t taken, size_t size)
{
	if (!framing->status)
		CHECK_NUMBER(taken, size);
	else if (!framing->fresh)
		CHECK_NUMBER(taken, 0);
	else
		CU_ASSERT(taken < size);
}

static bool like(const struct tn_framing *framing, const struct tn_framing *whole)
{
	return framing->status == whole->status && framing->reason == whole->reason &&
	       framing->phase == whole->phase && framing->head_only == whole->head_only &&
	       framing->messages == whole->messages && framing->heads == whole->heads &&
	       framing->ended == whole->ended && framing->length == whole->length &&
	       framing->body == whole->body;
}

static void report(const struct row *row, const struct tn_framing *framing, const char *how)
{
	printf("\t%.200s\n\t%s: status %d (%s), heads %u, ended %u\n", row->bytes, how,
	       framing->status, framing->reason ? framing->reason : "-", (unsigned)framing->heads,
	       (unsigned)framing->ended);
	CU_FAIL("another verdict");
}

static void check_split(const struct row *row, const struct tn_framing *whole, size_t split,
                        size_t begin)
{
	struct tn_framing framing;
	size_t first;
	size_t second;

	tn_framing_init(&framing, &limits);
	first = read_piece(&framing, row->bytes, split);
	check_taken(&framing, first, split);
	second = read_piece(&framing, row->bytes + split, row->size - split);
	if (first == split)
		check_taken(&framing, second, row->size - split);
	else
		CHECK_NUMBER(second, 0);
	if (!like(&framing, whole))
		report(row, &framing, "in two");
	if (row->status && framing.fresh)
		CHECK_NUMBER(first + second, begin);
}

static void check_bytes(const struct row *row, const struct tn_framing *whole)
{
	struct tn_framing framing;

	tn_framing_init(&framing, &limits);
	for (size_t i = 0; i < row->size; i++) {
		int before = framing.status;
		size_t taken = read_piece(&framing, row->bytes + i, 1);

		CHECK_NUMBER(taken, !framing.status);
		CU_ASSERT(!before || before == framing.status);
	}
	if (!like(&framing, whole))
		report(row, &framing, "byte by byte");
}

static void check_row(const struct row *row)
{
	struct tn_framing whole;
	size_t taken;

	tn_framing_init(&whole, &limits);
	taken = read_piece(&whole, row->bytes, row->size);
	if (whole.status != row->status || whole.heads != row->heads || whole.ended != row->ended)
		report(row, &whole, "whole");
	CU_ASSERT(!whole.status == !whole.reason);
	check_taken(&whole, taken, row->size);
	for (size_t split = 0; split <= row->size; split++)
		check_split(row, &whole, split, taken);
	check_bytes(row, &whole);
}

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_row(&rows[i]);
}

/* ---- Good ones ----------------------------------------------------------------------------- */

static void good_requests_are_counted(void)
{
	static const struct row rows[] = {
		ROW("", 0, 0, 0),
		ROW("G", 0, 0, 0),
		ROW(GET, 0, 0, 0),
		ROW(GOOD, 0, 1, 1),
		ROW(GOOD GOOD GOOD, 0, 3, 3),
		ROW(GOOD "\r\n" GOOD, 0, 2, 2),
		ROW("\r\n" GOOD, 0, 1, 1),
		ROW("HEAD / HTTP/1.1\r\nhost:a\r\n\r\n", 0, 1, 1),
		ROW("GET / HTTP/1.0\r\n\r\n", 0, 1, 1),
		ROW("GET / HTTP/1.0\r\nHost: a\r\n\r\n", 0, 1, 1),
		ROW("get / HTTP/1.1\r\nHOST: a\r\n\r\n", 0, 1, 1),
		ROW("!#$%&'*+-.^_`|~09AZaz / HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1, 1),
		ROW("ABCDEFGHIJABCDEFGHIJABCDEFGHIJ12 / HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1, 1),
	};

	CHECK_ROWS(rows);
}

static void good_fields_are_let_through(void)
{
	static const struct row rows[] = {
		ROW(GET "A:\r\n\r\n", 0, 1, 1),
		ROW(GET "A: \t \r\n\r\n", 0, 1, 1),
		ROW(GET "A:\tb\tc \t\r\n\r\n", 0, 1, 1),
		ROW(GET "A: caf\xc3\xa9 \x80\xff\r\n\r\n", 0, 1, 1),
		ROW(GET "A: b:c;d,\"e\"\r\nA: f\r\n\r\n", 0, 1, 1),
		ROW(GET "!#$%&'*+-.^_`|~09AZaz: b\r\n\r\n", 0, 1, 1),
		ROW(GET "A-name-that-is-longer-than-sixteen-bytes: b\r\n\r\n",
		    0, 1, 1),
		ROW(GET "Hos: x\r\nHosta: y\r\nContent-Lengt: z\r\nX-Content-Length: w\r\n\r\n", 0,
		    1, 1),
		ROW(GET "Expect: 100-continue\r\n\r\n", 0, 1, 1),
		ROW(GET "expect:100-Continue \r\n\r\n", 0, 1, 1),
		ROW("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", 0, 1, 1),
	};

	CHECK_ROWS(rows);
}

static void good_bodies_are_counted(void)
{
	static const struct row rows[] = {
		ROW(PUT "Content-Length: 0\r\n\r\n" GOOD, 0, 2, 2),
		ROW(PUT "Content-Length: 5\r\n\r\nabcd", 0, 1, 0),
		ROW(PUT "Content-Length: 5\r\n\r\nabcde" GOOD, 0, 2, 2),
		ROW(PUT "Content-Length:00000000000000000000000000000005\r\n\r\nabcde" GOOD, 0, 2,
		    2),
		ROW(PUT "Content-Length: \t 5\r\n\r\nabcde" GOOD, 0, 2, 2),
		ROW(PUT "Content-Length: 9223372036854775807\r\n\r\nabcde", 0, 1, 0),
		ROW(PUT "content-length: 5\r\n\r\n\0\r\n\r\n" GOOD, 0, 2, 2),
		ROW("PUT / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab" GOOD, 0, 2, 2),
	};

	CHECK_ROWS(rows);
}

static void good_chunks_are_counted(void)
{
	static const struct row rows[] = {
		ROW(CHUNKED "0\r\n\r\n" GOOD, 0, 2, 2),
		ROW(CHUNKED "5\r\nabcde\r\n0\r\n\r\n" GOOD, 0, 2, 2),
		ROW(CHUNKED "a\r\n0123456789\r\nB\r\n0123456789a\r\n000\r\n\r\n" GOOD, 0, 2, 2),
		ROW(CHUNKED "0000000000000005\r\n\r\n\r\n\n\r\n0000000000000000\r\n\r\n", 0, 1, 1),
		ROW(CHUNKED "5\r\nabcde\r\n0\r\nA: b\r\nEtag:\r\n\r\n" GOOD, 0, 2, 2),
		ROW(CHUNKED "7fffffffffffffff\r\nabc", 0, 1, 0),
		ROW(PUT "TRANSFER-ENCODING:\tChunked\r\n\r\n1\r\na\r\n0\r\n\r\n" GOOD, 0, 2, 2),
	};

	CHECK_ROWS(rows);
}

static void good_targets_are_let_through(void)
{
	static const struct row rows[] = {
		ROW("GET /a/../%2e%2E//b?c=d?e HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1, 1),
		ROW("GET /!\"$&'()+,-.:;<=>@[\\]^_`{|}~ HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1, 1),
		ROW("GET /%0%10%0a%%01%2500 HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1, 1),
		ROW("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1, 1),
		ROW("GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", 0, 1, 1),
		ROW("GET hTTp://A.Org:80 HTTP/1.1\r\nHost: a.oRG:80\r\n\r\n", 0, 1, 1),
		ROW("GET http://a?b HTTP/1.1\r\nHost: a \r\n\r\n", 0, 1, 1),
		ROW("GET http://[::1]:8/ HTTP/1.1\r\nHost: [::1]:8\r\n\r\n", 0, 1, 1),
		ROW("GET http://a/ HTTP/1.0\r\n\r\n", 0, 1, 1),
		ROW("GET http://b/ HTTP/1.0\r\n\r\n" GOOD, 0, 2, 2),
	};

	CHECK_ROWS(rows);
}

/* ---- Request lines ------------------------------------------------------------------------- */

static void bad_methods_are_refused(void)
{
	static const struct row rows[] = {
		ROW(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET: / HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("G\xc3\xa9T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET\r\n", 400, 0, 0),
		ROW("GET\n", 400, 0, 0),
		ROW("G\0T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("\x16\x03\x01\x02", 400, 0, 0),
		ROW("\n" GOOD, 400, 0, 0),
		ROW("\r" GOOD, 400, 0, 0),
		ROW("\r\n\r\n" GOOD, 400, 0, 0),
		ROW("\r\n\n" GOOD, 400, 0, 0),
		ROW("\0" GOOD, 400, 0, 0),
		ROW("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501, 0, 0),
		ROW("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", 501, 0, 0),
		ROW("ABCDEFGHIJABCDEFGHIJABCDEFGHIJ123 / HTTP/1.1\r\nHost: a\r\n\r\n", 501, 0, 0),
		ROW("ABCDEFGHIJABCDEFGHIJABCDEFGHIJ123", 501, 0, 0),
	};

	CHECK_ROWS(rows);
}

static void bad_targets_are_refused(void)
{
	static const struct row rows[] = {
		ROW("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 400, 0, 0),
		ROW("GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("options * HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("OPTIONS */ HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /a?# HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /a?b=%%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /%0%1%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET /\r\n", 400, 0, 0),
		ROW("GET /\n", 400, 0, 0),
		ROW("GET \r\n", 400, 0, 0),
		ROW("GET /\rHTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
	};

	CHECK_ROWS(rows);
}

static void bad_absolute_targets_are_refused(void)
{
	static const struct row rows[] = {
		ROW("GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET http://:80/ HTTP/1.1\r\nHost: :80\r\n\r\n", 400, 0, 0),
		ROW("GET http:/a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, 0, 0),
		ROW("GET http://a%00/ HTTP/1.1\r\nHost: a%00\r\n\r\n", 400, 0, 0),
		ROW("GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET http://a#/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET http://a\r\n\r\n", 400, 0, 0),
		ROW("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 400, 0, 0),
		ROW("GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", 400, 0, 0),
		ROW("GET http://ab/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET http://a/ HTTP/1.0\r\nHost: ab\r\n\r\n", 400, 0, 0),
		ROW("GET http://a/ HTTP/1.1\r\n\r\n", 400, 0, 0),
	};

	CHECK_ROWS(rows);
}

static void bad_versions_are_refused(void)
{
	static const struct row rows[] = {
		ROW("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, 0, 0),
		ROW("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, 0, 0),
		ROW("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, 0, 0),
		ROW("GET / HTTP/3.1\r\nHost: a\r\n\r\n", 505, 0, 0),
		ROW("GET / HTTP/1.1", 0, 0, 0),
		ROW("GET / HTTP/1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/11.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / http/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTQ/1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1,1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/-1.1\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / \r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\rHost: a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.\0\r\nHost: a\r\n\r\n", 400, 0, 0),
	};

	CHECK_ROWS(rows);
}

/* ---- Fields -------------------------------------------------------------------------------- */

static void bad_lines_are_refused(void)
{
	static const struct row rows[] = {
		ROW("GET / HTTP/1.1\nHost: a\n\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: a\n\r\n", 400, 0, 0),
		ROW(GET "A: b\n\r\n", 400, 0, 0),
		ROW(GET "\n", 400, 0, 0),
		ROW(GET "\r\r\n", 400, 0, 0),
		ROW(GET "A: b\rc\r\n\r\n", 400, 0, 0),
		ROW(GET "A: b\r\r\n\r\n", 400, 0, 0),
		ROW(GET "A: b\0c\r\n\r\n", 400, 0, 0),
		ROW(GET "A: b\x01\r\n\r\n", 400, 0, 0),
		ROW(GET "A: b\x0b\r\n\r\n", 400, 0, 0),
		ROW(GET "A: b\x1f\r\n\r\n", 400, 0, 0),
		ROW(GET "A: b\x7f\r\n\r\n", 400, 0, 0),
		ROW(GET "A:\n\r\n", 400, 0, 0),
		ROW(GET "A:\r \n\r\n", 400, 0, 0),
		ROW(GET "A: b\r C: d\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r Host: a\r\n\r\n", 400, 0, 0),
		ROW(GET "A: b\r\n c\r\n\r\n", 400, 0, 0),
		ROW(GET "A: b\r\n\tc\r\n\r\n", 400, 0, 0),
		ROW(GET "A: b\r\n \r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, 0, 0),
		ROW(GET "Transfer-Encodin: chunked\r\n g\r\n\r\n", 400, 0, 0),
	};

	CHECK_ROWS(rows);
}

static void bad_names_are_refused(void)
{
	static const struct row rows[] = {
		ROW(GET ": b\r\n\r\n", 400, 0, 0),
		ROW(GET ": b\r\nA: a value of a good length\r\n\r\n", 400, 0, 0),
		ROW(GET "A : b\r\n\r\n", 400, 0, 0),
		ROW(GET "A\t: b\r\n\r\n", 400, 0, 0),
		ROW(GET "A b: c\r\n\r\n", 400, 0, 0),
		ROW(GET "X(y): b\r\n\r\n", 400, 0, 0),
		ROW(GET "X@: b\r\n\r\n", 400, 0, 0),
		ROW(GET "\"X\": b\r\n\r\n", 400, 0, 0),
		ROW(GET "X\x01: b\r\n\r\n", 400, 0, 0),
		ROW(GET "X\0: b\r\n\r\n", 400, 0, 0),
		ROW(GET "X\x7f: b\r\n\r\n", 400, 0, 0),
		ROW(GET "X\x80: b\r\n\r\n", 400, 0, 0),
		ROW(GET "caf\xc3\xa9: b\r\n\r\n", 400, 0, 0),
		ROW(GET "A\r\n\r\n", 400, 0, 0),
		ROW(GET "A\n\r\n", 400, 0, 0),
		ROW(GET "Content-Length : 5\r\n\r\nabcde", 400, 0, 0),
		ROW(GET "Transfer-Encoding\x0b: chunked\r\n\r\n", 400, 0, 0),
	};

	CHECK_ROWS(rows);
}

static void a_bad_host_is_refused(void)
{
	static const struct row rows[] = {
		ROW("GET / HTTP/1.1\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nA: b\r\n\r\n", 400, 0, 0),
		ROW(GET "Host: a\r\n\r\n", 400, 0, 0),
		ROW(GET "hOST: b\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: \t\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.0\r\nHost:\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: a\tb\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: a#b\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: a%00\r\n\r\n", 400, 0, 0),
		ROW("GET / HTTP/1.1\r\nHost: caf\xc3\xa9\r\n\r\n", 400, 0, 0),
	};

	CHECK_ROWS(rows);
}

static void a_host_is_neither_too_long_nor_padded_to_be(void)
{
	char bytes[1000];
	struct row row = { .bytes = bytes };

	for (unsigned size = 262; size < 268; size++) {
		row.size = (size_t)snprintf(bytes, sizeof(bytes),
		                            "GET / HTTP/1.1\r\nHost: %0*d\r\n\r\n", (int)size, 1);
		row.status = size > 264 ? 400 : 0;
		row.heads = row.ended = size > 264 ? 0 : 1;
		check_row(&row);
		row.size = (size_t)snprintf(bytes, sizeof(bytes),
		                            "GET / HTTP/1.1\r\nHost: %-*d\r\n\r\n", (int)size, 1);
		check_row(&row);
	}
}

/* Longer than what is kept of any word. */
static void a_name_may_be_long(void)
{
	char bytes[1000];
	struct row row = { .bytes = bytes, .heads = 1, .ended = 1 };

	row.size = (size_t)snprintf(bytes, sizeof(bytes), "%s%0800d: b\r\n\r\n", GET, 1);
	check_row(&row);
}

static void another_expectation_is_417(void)
{
	static const struct row rows[] = {
		ROW(GET "Expect: 200-ok\r\n\r\n", 417, 0, 0),
		ROW(GET "Expect:\r\n\r\n", 417, 0, 0),
		ROW(GET "Expect: 100-continu\r\n\r\n", 417, 0, 0),
		ROW(GET "Expect: 100-continue, a\r\n\r\n", 417, 0, 0),
		ROW(GET "Expect: 100-continue;a=b\r\n\r\n", 417, 0, 0),
		ROW(GET "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 417, 0, 0),
	};

	CHECK_ROWS(rows);
}

/* ---- Where a body ends --------------------------------------------------------------------- */

#define LENGTH(value_) ROW(PUT "Content-Length:" value_ "\r\n\r\nabcde" GOOD, 400, 0, 0)

static void a_bad_length_is_refused(void)
{
	static const struct row rows[] = {
		LENGTH(""),
		LENGTH(" "),
		LENGTH(" +5"),
		LENGTH(" -5"),
		LENGTH(" 0x5"),
		LENGTH(" 5,5"),
		LENGTH(" 5, 5"),
		LENGTH(" 5 5"),
		LENGTH(" 5."),
		LENGTH(" 5\0"),
		LENGTH(" 5;"),
		LENGTH(" 5:"),
		LENGTH(" \xb5"),
		LENGTH(" five"),
		LENGTH(" 5\t"),
		LENGTH(" 5\t "),
		LENGTH(" 5\r\nContent-Length: 5"),
		LENGTH(" 5\r\nContent-Length: 6"),
		LENGTH(" 6\r\nA: b\r\ncontent-length: 5"),
		ROW(PUT "Content-Length: 9223372036854775808\r\n\r\n", 413, 0, 0),
		ROW(PUT "Content-Length: 18446744073709551615\r\n\r\n", 413, 0, 0),
		ROW(PUT "Content-Length: 18446744073709551616\r\n\r\n", 413, 0, 0),
		ROW(PUT "Content-Length: 18446744073709551621\r\n\r\nabcde", 413, 0, 0),
		ROW(PUT "Content-Length: 9999999999999999999999999999\r\n\r\n", 413, 0, 0),
	};

	CHECK_ROWS(rows);
}

#define CODING(value_, status_) \
	ROW(PUT "Transfer-Encoding:" value_ "\r\n\r\n0\r\n\r\n" GOOD, status_, 0, 0)

static void another_transfer_coding_is_refused(void)
{
	static const struct row rows[] = {
		CODING(" gzip", 501),
		CODING(" identity", 501),
		CODING(" xchunked", 501),
		CODING(" chunkedx", 501),
		CODING(" gzip, chunked", 501),
		CODING(" chunked, gzip", 501),
		CODING(" gzip;q=1,chunked", 501),
		CODING(" a;b=\"c,\\\"d\" ; e = f\t,g", 501),
		CODING("", 400),
		CODING(" ,", 400),
		CODING(" chunked,", 400),
		CODING(" chunked\t", 400),
		CODING(" chunked \t ", 400),
		CODING(" , chunked", 400),
		CODING(" chunked, chunked", 400),
		CODING(" chunked;a=b", 400),
		CODING(" gzip, chunked;a=b", 400),
		CODING(" \"chunked\"", 400),
		CODING(" chunked chunked", 400),
		CODING(" gzip;", 400),
		CODING(" gzip;a", 400),
		CODING(" gzip;a=", 400),
		CODING(" gzip;a=\"b", 400),
		CODING(" gzip;a=\"b\\", 400),
		CODING(" gzip;a=\"b\"c", 400),
		CODING(" \xc3\xa9", 400),
		CODING(" chunked\x0b", 400),
		CODING(" chunked\0", 400),
		CODING(" chunked\n", 400),
		CODING(" chunked\r\nTransfer-Encoding: chunked", 400),
		CODING(" chunked\r\nTransfer-Encoding: gzip", 400),
		ROW("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 0, 0),
		ROW("PUT / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400, 0, 0),
	};

	CHECK_ROWS(rows);
}

static void both_framings_are_refused(void)
{
	static const struct row rows[] = {
		CODING(" chunked\r\nContent-Length: 5", 400),
		CODING(" chunked\r\nContent-Length: 0", 400),
		LENGTH(" 5\r\nTransfer-Encoding: chunked"),
		LENGTH(" 0\r\nTransfer-Encoding: identity"),
		LENGTH(" 5\r\nA: b\r\ntransfer-encoding:"),
	};

	CHECK_ROWS(rows);
}

#define CHUNK(bytes_) ROW(CHUNKED bytes_ GOOD, 400, 1, 0)

static void bad_chunks_are_refused(void)
{
	static const struct row rows[] = {
		CHUNK("\r\n"),
		ROW(CHUNKED "\r\n\r\n", 400, 1, 0),
		CHUNK("g\r\n"),
		CHUNK(" 5\r\nabcde\r\n0\r\n\r\n"),
		CHUNK("5 \r\nabcde\r\n0\r\n\r\n"),
		CHUNK("+5\r\nabcde\r\n0\r\n\r\n"),
		CHUNK("-5\r\nabcde\r\n0\r\n\r\n"),
		CHUNK("0x5\r\nabcde\r\n0\r\n\r\n"),
		CHUNK("5;\r\nabcde\r\n0\r\n\r\n"),
		CHUNK("5;a=b\r\nabcde\r\n0\r\n\r\n"),
		CHUNK("5\nabcde\r\n0\r\n\r\n"),
		CHUNK("5\r\r\nabcde\r\n0\r\n\r\n"),
		CHUNK("5\rabcde\r\n0\r\n\r\n"),
		CHUNK("5\0\r\nabcde\r\n0\r\n\r\n"),
		CHUNK("5\r\nabcde\n0\r\n\r\n"),
		CHUNK("5\r\nabcde\r0\r\n\r\n"),
		CHUNK("5\r\nabcde0\r\n\r\n"),
		CHUNK("5\r\nabcdef\r\n0\r\n\r\n"),
		CHUNK("5\r\nabcd\r\n0\r\n\r\n"),
		CHUNK("00000000000000005\r\nabcde\r\n0\r\n\r\n"),
		CHUNK("00000000000000000\r\n\r\n"),
		CHUNK("10000000000000005\r\nabcde\r\n0\r\n\r\n"),
		CHUNK("0;a\r\n\r\n"),
		CHUNK("0\n\r\n"),
		CHUNK("0\r\n\n"),
		CHUNK("0\r\n\rX"),
		ROW(CHUNKED "8000000000000000\r\n", 413, 1, 0),
		ROW(CHUNKED "ffffffffffffffff\r\n", 413, 1, 0),
		ROW(CHUNKED "1\r\na\r\n7fffffffffffffff\r\n", 413, 1, 0),
	};

	CHECK_ROWS(rows);
}

static void bad_trailers_are_refused(void)
{
	static const struct row rows[] = {
		CHUNK("0\r\n A: b\r\n\r\n"),
		CHUNK("0\r\nA : b\r\n\r\n"),
		CHUNK("0\r\nA: b\n\r\n"),
		CHUNK("0\r\nA: b\r\n c\r\n\r\n"),
		CHUNK("0\r\nA\r\n\r\n"),
		CHUNK("0\r\nA: \x01\r\n\r\n"),
		CHUNK("0\r\nContent-Length: 5\r\n\r\n"),
		CHUNK("0\r\nTransfer-Encoding: chunked\r\n\r\n"),
		CHUNK("0\r\nHost: a\r\n\r\n"),
		CHUNK("0\r\nExpect: 100-continue\r\n\r\n"),
	};

	CHECK_ROWS(rows);
}

/* ---- Streams ------------------------------------------------------------------------------- */

static void what_is_before_a_bad_message_is_good(void)
{
	static const struct row rows[] = {
		ROW(GOOD GOOD "G@T", 400, 2, 2),
		ROW(GOOD "GET / HTTP/1.1\r\nHost: a\n", 400, 1, 1),
		ROW(PUT "Content-Length: 5\r\n\r\nabcdeX(", 400, 1, 1),
		ROW(CHUNKED "0\r\n\r\n" GET "A: b\r\n c\r\n\r\n", 400, 1, 1),
		ROW(GOOD CHUNKED "5\r\nabcdefg", 400, 2, 1),
		ROW(GOOD "\r\n\n", 400, 1, 1),
	};

	CHECK_ROWS(rows);
}

static void what_is_behind_a_bad_message_is_not_read(void)
{
	struct tn_framing framing;

	tn_framing_init(&framing, &limits);
	CHECK_NUMBER(tn_framing_read(&framing, GOOD, strlen(GOOD)), strlen(GOOD));
	CHECK_NUMBER(tn_framing_read(&framing, "G@T", 3), 0);
	CHECK_NUMBER(framing.status, 400);
	CU_ASSERT(framing.fresh);
	CHECK_NUMBER(tn_framing_read(&framing, GOOD, strlen(GOOD)), 0);
	CHECK_NUMBER(framing.messages, 2);
	CHECK_NUMBER(framing.heads, 1);
}

/* What is kept of one message says nothing of the next. */
static void each_message_begins_anew(void)
{
	struct tn_framing framing;

	tn_framing_init(&framing, &limits);
	tn_framing_read(&framing, CHUNKED "5\r\nabcde\r\n0\r\n\r\n", strlen(CHUNKED) + 15);
	CHECK_NUMBER(framing.body, 5);
	tn_framing_read(&framing, "HEAD / HTTP/1.0\r\n\r\n", 19);
	CHECK_NUMBER(framing.body, 0);
	CHECK_NUMBER(framing.length, 0);
	CU_ASSERT(framing.head_only);
	tn_framing_read(&framing, "G", 1);
	CU_ASSERT(!framing.head_only);
	CHECK_NUMBER(framing.messages, 3);
	CHECK_NUMBER(framing.ended, 2);
}

static void a_bad_message_that_began_earlier_is_told_apart(void)
{
	struct tn_framing framing;

	tn_framing_init(&framing, &limits);
	CHECK_NUMBER(tn_framing_read(&framing, "HEAD /", 6), 6);
	CHECK_NUMBER(framing.phase, TN_FRAMING_HEAD);
	CHECK_NUMBER(tn_framing_read(&framing, "#", 1), 0);
	CU_ASSERT(!framing.fresh);
	CU_ASSERT(framing.head_only);
}

static void the_phase_is_that_of_the_latest_message(void)
{
	struct tn_framing framing;

	tn_framing_init(&framing, &limits);
	CHECK_NUMBER(framing.phase, TN_FRAMING_BETWEEN);
	tn_framing_read(&framing, "\r", 1);
	CHECK_NUMBER(framing.phase, TN_FRAMING_HEAD);
	CHECK_NUMBER(framing.messages, 1);
	tn_framing_read(&framing, "\n" CHUNKED, 1 + strlen(CHUNKED));
	CHECK_NUMBER(framing.phase, TN_FRAMING_BODY);
	CU_ASSERT(framing.length == TN_FRAMING_CHUNKED);
	tn_framing_read(&framing, "5\r\nabcde\r\n0\r\nA: b\r\n", 19);
	CHECK_NUMBER(framing.phase, TN_FRAMING_BODY);
	CHECK_NUMBER(framing.body, 5);
	tn_framing_read(&framing, "\r\n", 2);
	CHECK_NUMBER(framing.phase, TN_FRAMING_BETWEEN);
	CHECK_NUMBER(framing.messages, 1);
	CHECK_NUMBER(framing.ended, 1);
}

/* ---- Limits -------------------------------------------------------------------------------- */

static void a_target_is_as_long_as_the_limit(void)
{
	static const char *const forms[] = { "/", "/?", "http://" };
	char target[200];
	char bytes[400];
	struct row row = { .bytes = bytes };

	for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
		for (int digits = 88; digits <= 105; digits++) {
			size_t size = (size_t)snprintf(target, sizeof(target), "%s%0*d",
			                               forms[form], digits, 1);

			row.size = (size_t)snprintf(bytes, sizeof(bytes),
			                            "GET %s HTTP/1.0\r\n\r\n", target);
			row.status = size > limits.target ? 414 : 0;
			row.heads = row.ended = size > limits.target ? 0 : 1;
			check_row(&row);
			row.size = (size_t)snprintf(bytes, sizeof(bytes),
			                            "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target,
			                            form == 2 ? target + 7 : "a");
			check_row(&row);
		}
	}
}

static void a_head_is_as_large_as_the_limit(void)
{
	char bytes[1200];
	struct row row = { .bytes = bytes };

	for (int digits = 965; digits <= 975; digits++) {
		row.size = (size_t)snprintf(bytes, sizeof(bytes), "%sA: %0*d\r\n\r\n", GET, digits,
		                            1);
		row.status = row.size > limits.head ? 431 : 0;
		row.heads = row.ended = row.size > limits.head ? 0 : 1;
		check_row(&row);
	}
}

/* A head that would be bad behind the limit is too large, and one that is bad before it is bad. */
static void what_comes_first_decides(void)
{
	char bytes[1200];
	struct row row = { .bytes = bytes, .status = 431 };

	row.size = (size_t)snprintf(bytes, sizeof(bytes), "%sA: %0*d\n\r\n", GET, 1000, 1);
	check_row(&row);
	row.size = (size_t)snprintf(bytes, sizeof(bytes), "%sA: %0*d\n\r\n", GET, 900, 1);
	row.status = 400;
	check_row(&row);
	row.size = (size_t)snprintf(bytes, sizeof(bytes), "GET /%0*d\x01", 100, 1);
	row.status = 414;
	check_row(&row);
}

/* They share it with their head, but that the empty line behind none always has room. */
static void a_head_and_its_trailers_are_as_large_as_the_limit(void)
{
	char bytes[1400];
	struct row row = { .bytes = bytes, .heads = 1 };
	int most = (int)limits.head - (int)strlen(CHUNKED);

	for (int digits = most - 10; digits <= most + 5; digits++) {
		row.size = (size_t)snprintf(bytes, sizeof(bytes), "%s0\r\nA: %0*d\r\n\r\n", CHUNKED,
		                            digits, 1);
		row.status = digits + (int)strlen("A: \r\n") > most ? 431 : 0;
		row.ended = row.status ? 0 : 1;
		check_row(&row);
	}
}

static void the_largest_head_may_have_a_chunked_body(void)
{
	char bytes[1400];
	struct row row = { .bytes = bytes, .heads = 1, .ended = 1 };
	int most = (int)limits.head - (int)strlen(CHUNKED) - (int)strlen("A: \r\n");

	for (int digits = most - 3; digits <= most; digits++) {
		row.size = (size_t)snprintf(bytes, sizeof(bytes),
		                            PUT "Transfer-Encoding: chunked\r\nA: %0*d\r\n\r\n"
		                                "1\r\na\r\n0\r\n\r\n",
		                            digits, 1);
		check_row(&row);
	}
	row.size = (size_t)snprintf(bytes, sizeof(bytes),
	                            PUT "Transfer-Encoding: chunked\r\nA: %0*d\r\n\r\n"
	                                "1\r\na\r\n0\r\nA:\r\n\r\n",
	                            most, 1);
	row.status = 431;
	row.ended = 0;
	check_row(&row);
}

static void there_are_as_many_fields_as_the_limit(void)
{
	static const struct row rows[] = {
		ROW(GET EIGHT "9:\r\n\r\n", 0, 1, 1),
		ROW(GET EIGHT "9:\r\n10:\r\n\r\n", 431, 0,
		    0),
		ROW(CHUNKED "0\r\n" EIGHT "\r\n", 0, 1, 1),
		ROW(CHUNKED "0\r\n" EIGHT "9:\r\n\r\n", 431, 1,
		    0),
	};

	CHECK_ROWS(rows);
}

static void a_chunked_body_is_as_large_as_it_may_be(void)
{
	struct tn_framing framing;

	tn_framing_init(&framing, &limits);
	tn_framing_read(&framing, CHUNKED, strlen(CHUNKED));
	CU_ASSERT(framing.body_most == UINT64_MAX);
	framing.body_most = 10;
	CHECK_NUMBER(tn_framing_read(&framing, "5\r\nabcde\r\n5\r\nabcde\r\n", 20), 20);
	CHECK_NUMBER(framing.body, 10);
	CHECK_NUMBER(tn_framing_read(&framing, "1\r\na", 4), 0);
	CHECK_NUMBER(framing.status, 413);
}

/* The chunk's size was read before the limit was known. */
static void a_chunk_that_has_begun_is_stopped(void)
{
	struct tn_framing framing;

	tn_framing_init(&framing, &limits);
	tn_framing_read(&framing, CHUNKED "100\r\nab", strlen(CHUNKED) + 7);
	framing.body_most = 10;
	CHECK_NUMBER(tn_framing_read(&framing, "c", 1), 0);
	CHECK_NUMBER(framing.status, 413);
	CHECK_NUMBER(framing.body, 2);
}

/* Wherever the limit becomes known in its line: a malformed one is malformed, not too large. */
static void a_chunk_is_no_size_before_its_line_is_whole(void)
{
	static const struct {
		const char *line;
		int status;
	} cases[] = { { "10000000000000005\r\na", 400 },
		      { "1000;x\r\na", 400 },
		      { "1000\n\na", 400 },
		      { "1000\r\ra", 400 },
		      { "1000\r\na", 413 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t cut = 0; cut < strlen(cases[i].line) - 2; cut++) {
			struct tn_framing framing;

			tn_framing_init(&framing, &limits);
			tn_framing_read(&framing, CHUNKED, strlen(CHUNKED));
			tn_framing_read(&framing, cases[i].line, cut);
			framing.body_most = 10;
			if (!framing.status && cases[i].status == 400)
				CHECK_NUMBER(tn_framing_exceeds(&framing), false);
			tn_framing_read(&framing, cases[i].line + cut, strlen(cases[i].line) - cut);
			CHECK_NUMBER(framing.status, cases[i].status);
		}
	}
}

static void a_body_of_a_known_length_is_the_callers_affair(void)
{
	struct tn_framing framing;

	tn_framing_init(&framing, &limits);
	tn_framing_read(&framing, PUT "Content-Length: 5\r\n\r\nab", strlen(PUT) + 23);
	CHECK_NUMBER(framing.length, 5);
	CHECK_NUMBER(framing.body, 2);
	framing.body_most = 1;
	CHECK_NUMBER(tn_framing_read(&framing, "cde" GOOD, 3 + strlen(GOOD)), 3 + strlen(GOOD));
	CU_ASSERT(framing.body_most == UINT64_MAX);
	CHECK_NUMBER(framing.ended, 2);
}

TEST_MAIN("serve/framing",
          TEST(good_requests_are_counted),
          TEST(good_fields_are_let_through),
          TEST(good_bodies_are_counted),
          TEST(good_chunks_are_counted),
          TEST(good_targets_are_let_through),
          TEST(bad_methods_are_refused),
          TEST(bad_targets_are_refused),
          TEST(bad_absolute_targets_are_refused),
          TEST(bad_versions_are_refused),
          TEST(bad_lines_are_refused),
          TEST(bad_names_are_refused),
          TEST(a_bad_host_is_refused),
          TEST(a_host_is_neither_too_long_nor_padded_to_be),
          TEST(a_name_may_be_long),
          TEST(another_expectation_is_417),
          TEST(a_bad_length_is_refused),
          TEST(another_transfer_coding_is_refused),
          TEST(both_framings_are_refused),
          TEST(bad_chunks_are_refused),
          TEST(bad_trailers_are_refused),
          TEST(what_is_before_a_bad_message_is_good),
          TEST(what_is_behind_a_bad_message_is_not_read),
          TEST(each_message_begins_anew),
          TEST(a_bad_message_that_began_earlier_is_told_apart),
          TEST(the_phase_is_that_of_the_latest_message),
          TEST(a_target_is_as_long_as_the_limit),
          TEST(a_head_is_as_large_as_the_limit),
          TEST(what_comes_first_decides),
          TEST(a_head_and_its_trailers_are_as_large_as_the_limit),
          TEST(the_largest_head_may_have_a_chunked_body),
          TEST(there_are_as_many_fields_as_the_limit),
          TEST(a_chunked_body_is_as_large_as_it_may_be),
          TEST(a_chunk_that_has_begun_is_stopped),
          TEST(a_chunk_is_no_size_before_its_line_is_whole),
          TEST(a_body_of_a_known_length_is_the_callers_affair))
