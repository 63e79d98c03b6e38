/*
 * test_smuggling.c - requests that two parsers could read in two ways: each is refused at once, and
 * what comes behind it is no request.
 *
 * Nothing here ends by a timeout: that of an idle connection is an hour.
 */
#include "harness.h"

#include "../cunit.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET "GET /bad HTTP/1.1\r\nHost: a\r\n"
#define PUT "PUT /bad HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED PUT "Transfer-Encoding: chunked\r\n\r\n"
#define BEFORE "GET /before HTTP/1.1\r\nHost: a\r\n\r\n"
#define BEHIND "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
#define LAST "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

/* A request, and what it is answered with. */
struct vector {
	const char *bytes;
	size_t size;
	const char *status;
};

#define VECTOR(bytes_, status_) \
	{ \
		bytes_, sizeof(bytes_) - 1, status_ \
	}

/* ---- What is refused ----------------------------------------------------------------------- */

static const struct vector lengths[] = {
	VECTOR(PUT "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: 5\r\ncontent-length: 5\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: 5, 5\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: 5,6\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: +5\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: -5\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: 0x5\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: 5a\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: 5 5\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: 5.0\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: \"5\"\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: five\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: 5 \r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: 5\t\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length:\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length:  \r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: 5\0\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length: 5\0"
	           "6\r\n\r\nabcde",
	       "400"),
	VECTOR(PUT "Content-Length: 9223372036854775808\r\n\r\nabcde", "413"),
	VECTOR(PUT "Content-Length: 18446744073709551616\r\n\r\nabcde", "413"),
	VECTOR(PUT "Content-Length: 18446744073709551621\r\n\r\nabcde", "413"),
	VECTOR(PUT "Content-Length: 99999999999999999999999999999999\r\n\r\nabcde", "413"),
	VECTOR(PUT "Content-Length : 5\r\n\r\nabcde", "400"),
	VECTOR(PUT "Content-Length\r\n : 5\r\n\r\nabcde", "400"),
	VECTOR(PUT "X: y\r\n Content-Length: 5\r\n\r\nabcde", "400"),
};

static const struct vector codings[] = {
	VECTOR(PUT "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", "501"),
	VECTOR(PUT "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", "501"),
	VECTOR(PUT "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"),
	VECTOR(PUT "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "501"),
	VECTOR(PUT "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501"),
	VECTOR(PUT "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n", "501"),
	VECTOR(PUT "Transfer-Encoding:\r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Transfer-Encoding: \x0b"
	           "chunked\r\n\r\n0\r\n\r\n",
	       "400"),
	VECTOR(PUT "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Transfer-Encoding\x0b: chunked\r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	       "400"),
	VECTOR(PUT "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	       "400"),
	VECTOR(PUT "Transfer-Encodin: chunked\r\n g\r\n\r\n0\r\n\r\n", "400"),
	VECTOR(PUT "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "400"),
	VECTOR("PUT /bad HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	       "400"),
};

static const struct vector chunks[] = {
	VECTOR(CHUNKED "\r\n", "400"),
	VECTOR(CHUNKED "5\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "5\rabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "5\r\nabcde\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "5\r\nabcde0\r\n\r\n", "400"),
	VECTOR(CHUNKED "5\r\nabcdefg\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "5\r\nabcde\r\n0\n\r\n", "400"),
	VECTOR(CHUNKED "0\r\n\n", "400"),
	VECTOR(CHUNKED "0x5\r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "+5\r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "-5\r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED " 5\r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "5 \r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "5;a=b\r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "5;\r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "5;a=\"b\nc\"\r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "g\r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "5\0\r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "10000000000000005\r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "00000000000000005\r\nabcde\r\n0\r\n\r\n", "400"),
	VECTOR(CHUNKED "0\r\nContent-Length: 5\r\n\r\n", "400"),
	VECTOR(CHUNKED "0\r\nA: b\n\r\n", "400"),
	VECTOR(CHUNKED "0\r\nA: b\r\n c\r\n\r\n", "400"),
	VECTOR(CHUNKED "0\r\nA : b\r\n\r\n", "400"),
	VECTOR(CHUNKED "0\r\nA: b\0\r\n\r\n", "400"),
	VECTOR(CHUNKED "0\r\nno field\r\n\r\n", "400"),
};

static const struct vector lines[] = {
	VECTOR("GET /bad HTTP/1.1\nHost: a\n\n", "400"),
	VECTOR("GET /bad HTTP/1.1\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a\n\r\n", "400"),
	VECTOR(GET "\n", "400"),
	VECTOR(GET "A: b\n\r\n", "400"),
	VECTOR(GET "A: b\rc: d\r\n\r\n", "400"),
	VECTOR(GET "A: b\r\r\n\r\n", "400"),
	VECTOR(GET "\r\r\n", "400"),
	VECTOR(GET "A: b\0c\r\n\r\n", "400"),
	VECTOR(GET "A: \x01\r\n\r\n", "400"),
	VECTOR(GET "A: \x0b\r\n\r\n", "400"),
	VECTOR(GET "A: \x7f\r\n\r\n", "400"),
	VECTOR(GET "A: b\r\n c\r\n\r\n", "400"),
	VECTOR(GET "A: b\r\n\tc\r\n\r\n", "400"),
	VECTOR(GET "A: b\r\n \r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\r\n Host: a\r\n\r\n", "400"),
	VECTOR(GET ": b\r\n\r\n", "400"),
	VECTOR(GET "A : b\r\n\r\n", "400"),
	VECTOR(GET "A\t: b\r\n\r\n", "400"),
	VECTOR(GET "A b: c\r\n\r\n", "400"),
	VECTOR(GET "X(y): b\r\n\r\n", "400"),
	VECTOR(GET "X\x01: b\r\n\r\n", "400"),
	VECTOR(GET "X\0: b\r\n\r\n", "400"),
	VECTOR(GET "caf\xc3\xa9: b\r\n\r\n", "400"),
	VECTOR(GET "A\r\n\r\n", "400"),
	VECTOR(GET "Expect: 200-ok\r\n\r\n", "417"),
	VECTOR(GET "Expect: 100-continue, x\r\n\r\n", "417"),
};

static const struct vector starts[] = {
	VECTOR("\n" GET "\r\n", "400"),
	VECTOR("\r" GET "\r\n", "400"),
	VECTOR("\r\n\r\n" GET "\r\n", "400"),
	VECTOR(" " GET "\r\n", "400"),
	VECTOR("\0" GET "\r\n", "400"),
	VECTOR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"),
	VECTOR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"),
	VECTOR("G@T /bad HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET\t/bad HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET  /bad HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad  HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad /b HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1 \r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad\r\n\r\n", "400"),
	VECTOR("GET\r\n\r\n", "400"),
	VECTOR("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "501"),
	VECTOR("METHODSAREHARDLYEVERASLONGASTHISONE /bad HTTP/1.1\r\nHost: a\r\n\r\n", "501"),
	VECTOR("GET /bad HTTP/0.9\r\nHost: a\r\n\r\n", "505"),
	VECTOR("GET /bad HTTP/1.2\r\nHost: a\r\n\r\n", "505"),
	VECTOR("GET /bad HTTP/2.0\r\nHost: a\r\n\r\n", "505"),
	VECTOR("GET /bad http/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.10\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\0\r\nHost: a\r\n\r\n", "400"),
};

static const struct vector targets[] = {
	VECTOR("GET bad HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("OPTIONS *bad HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "400"),
	VECTOR("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET http:///bad HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "400"),
	VECTOR("GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad#part HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad\0 HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad%00 HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\r\nHost:\r\n\r\n", "400"),
	VECTOR(GET "Host: a\r\n\r\n", "400"),
	VECTOR(GET "host: b\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a, b\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a b\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\r\nHost: u@a\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a:b\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a:80:80\r\n\r\n", "400"),
	VECTOR("GET /bad HTTP/1.1\r\nHost: http://a\r\n\r\n", "400"),
};

/* ---- What is answered ---------------------------------------------------------------------- */

/* Each takes as many bytes for libmicrohttpd as for us: what comes behind it is answered, too. */
static const struct vector good[] = {
	VECTOR("\r\n" GET "\r\n", "200"),
	VECTOR("GET /bad HTTP/1.1\r\nhost:a\r\n\r\n", "200"),
	VECTOR("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
	VECTOR("GET hTTp://A.Org:80?b HTTP/1.1\r\nHost: a.oRG:80 \r\n\r\n", "200"),
	VECTOR("!#$%&'*+-.^_`|~09AZaz /bad HTTP/1.1\r\nHost: a\r\n\r\n", "200"),
	VECTOR("GET /bad HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200"),
	VECTOR(GET "A:\r\nB: \t \r\nC:\td\te \t\r\n\r\n", "200"),
	VECTOR(GET "A: caf\xc3\xa9 \x80\xff\r\n\r\n", "200"),
	VECTOR(GET "Content-Lengt: 7\r\nX-Transfer-Encoding: gzip\r\n\r\n", "200"),
	VECTOR(GET "Connection: keep-alive, x\r\nConnection: y\r\n\r\n", "200"),
	VECTOR(GET "Cookie: =;;=; ,\"a\r\nCookie: b\r\n\r\n", "200"),
	VECTOR(PUT "Content-Length: 0\r\n\r\n", "200"),
	VECTOR(PUT "Content-Length: 5\r\n\r\nabcde", "200"),
	VECTOR(PUT "Content-Length:\t \t0000000000000000000000000000005\r\n\r\nabcde", "200"),
	VECTOR(PUT "Content-Length: 34\r\n\r\nGET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n--", "200"),
	VECTOR("PUT /bad HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", "200"),
	VECTOR(CHUNKED "0\r\n\r\n", "200"),
	VECTOR(CHUNKED "5\r\nabcde\r\n0\r\n\r\n", "200"),
	VECTOR(CHUNKED "a\r\n0123456789\r\nB\r\n0123456789a\r\n000\r\n\r\n", "200"),
	VECTOR(CHUNKED "0000000000000005\r\n\r\n\r\n\n\r\n0000000000000000\r\n\r\n", "200"),
	VECTOR(CHUNKED "1\r\n\n\r\n2\r\n\r\n\r\n0\r\n\r\n", "200"),
	VECTOR(CHUNKED "0\r\nA: b\r\nEtag:\r\nC: d \r\n\r\n", "200"),
	VECTOR(PUT "transfer-ENCODING:\t ChunkeD\r\n\r\n0\r\n\r\n", "200"),
	VECTOR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "204"),
};

/* ---- The host ------------------------------------------------------------------------------ */

static struct host *start(void)
{
	return host_start(scratch_write("smuggling.ini",
	                                "[host]\n"
	                                "listen = 127.0.0.1:0\n"
	                                "idle_timeout = 1h\n"
	                                "[worker echo]\n"
	                                "module = %s\n"
	                                "route = /*\n",
	                                fixture("serve_echo")));
}

static void check_end(struct host *host)
{
	CHECK_NUMBER(http_get(host, "/alive")->status, 200);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), "smuggled"), 0);
}

/* ---- A stream and its parts ---------------------------------------------------------------- */

struct stream {
	const struct vector *vector;
	char *bytes;
	size_t size;
	size_t begin; /* of the vector in it */
	size_t sent;
	char *statuses; /* what is to come */
	int socket;
};

static struct stream make_stream(const struct vector *vector, const char *before,
                                 const char *behind)
{
	size_t begin = strlen(before);
	struct stream stream = { .vector = vector, .begin = begin, .socket = -1 };

	stream.size = begin + vector->size + strlen(behind);
	stream.bytes = memory_of(stream.size + 1);
	memcpy(stream.bytes, before, begin);
	memcpy(stream.bytes + begin, vector->bytes, vector->size);
	memcpy(stream.bytes + begin + vector->size, behind, strlen(behind));
	stream.statuses = text_of("%s%s%s", *before ? "200 200 " : "", vector->status,
	                          strcmp(behind, BEFORE LAST) ? "" : " 200 200");
	return stream;
}

static bool has_ended(int socket)
{
	struct pollfd end = { .fd = socket, .events = POLLRDHUP };

	return poll(&end, 1, 0) == 1;
}

/* Whoever has been told of the end sends no more. */
static void send_until(struct stream *stream, size_t end)
{
	if (end > stream->size)
		end = stream->size;
	if (end <= stream->sent || has_ended(stream->socket))
		return;
	wire_send(stream->socket, stream->bytes + stream->sent, end - stream->sent);
	stream->sent = end;
}

static void check_replies(struct stream *stream, const char *how)
{
	struct wire_bytes replies = wire_read_all(stream->socket);

	close(stream->socket);
	if (!CHECK_TEXT(wire_statuses(&replies), stream->statuses) || !replies.closed)
		printf("\t%s: %.*s\n", how, (int)stream->vector->size, stream->vector->bytes);
	CHECK_NUMBER(replies.late, false);
}

/* All at once, so that each part has been read when the next one is sent. */
static void drive(struct host *host, struct stream *streams, size_t count, size_t parts,
                  size_t (*end_of)(const struct stream *stream, size_t part), size_t argument)
{
	for (size_t i = 0; i < count; i++) {
		streams[i].socket = wire_connect(host);
		streams[i].sent = 0;
	}
	for (size_t part = 0; part < parts; part++) {
		for (size_t i = 0; i < count; i++)
			send_until(&streams[i], end_of(&streams[i], part + argument));
		if (part + 1 < parts && parts == 2)
			CHECK_NUMBER(http_get(host, "/alive")->status, 200);
	}
	for (size_t i = 0; i < count; i++)
		check_replies(&streams[i], text_of("%zu parts, %zu", parts, argument));
}

static size_t whole(const struct stream *stream, size_t part)
{
	(void)part;
	return stream->size;
}

static size_t byte_by_byte(const struct stream *stream, size_t part)
{
	(void)stream;
	return part + 1;
}

/* Where the stream is cut in two; the part after that is all the rest. */
static const struct cut {
	bool from_end; /* of the vector, else from its begin */
	int offset;
} cuts[] = {
	{ false, -1 },
	{ false, 0 },
	{ false, 1 },
	{ false, 4 },
	{ false, 17 },
	{ false, 19 },
	{ false, 25 },
	{ true, -9 },
	{ true, -5 },
	{ true, -4 },
	{ true, -3 },
	{ true, -2 },
	{ true, -1 },
	{ true, 0 },
	{ true, 5 },
};

#define CUTS (sizeof(cuts) / sizeof(cuts[0]))

static size_t in_two(const struct stream *stream, size_t part)
{
	const struct cut *cut = &cuts[part / 2];
	size_t from = stream->begin + (cut->from_end ? stream->vector->size : 0);

	if (part % 2)
		return stream->size;
	return cut->offset < 0 && from < (size_t)-cut->offset ? 0 : from + (size_t)cut->offset;
}

static size_t longest(const struct stream *streams, size_t count)
{
	size_t most = 0;

	for (size_t i = 0; i < count; i++)
		most = streams[i].size > most ? streams[i].size : most;
	return most;
}

static void drive_all_ways(struct host *host, struct stream *streams, size_t count)
{
	drive(host, streams, count, 1, whole, 0);
	for (size_t i = 0; i < CUTS; i++)
		drive(host, streams, count, 2, in_two, 2 * i);
	drive(host, streams, count, longest(streams, count), byte_by_byte, 0);
}

static void check_vectors(const struct vector *vectors, size_t count, const char *before,
                          const char *behind)
{
	struct stream *streams = memory_of(count * sizeof(streams[0]));
	struct host *host = start();

	for (size_t i = 0; i < count; i++)
		streams[i] = make_stream(&vectors[i], before, behind);
	drive_all_ways(host, streams, count);
	check_end(host);
}

/* Alone, and behind good ones, which get their replies. */
#define CHECK_REFUSED(vectors_) \
	check_vectors(vectors_, sizeof(vectors_) / sizeof((vectors_)[0]), "", BEHIND BEHIND); \
	check_vectors(vectors_, sizeof(vectors_) / sizeof((vectors_)[0]), BEFORE BEFORE, BEHIND)

static void two_readings_of_a_length_are_refused(void)
{
	CHECK_REFUSED(lengths);
}

static void codings_but_a_single_chunked_are_refused(void)
{
	CHECK_REFUSED(codings);
}

static void malformed_chunks_are_refused(void)
{
	CHECK_REFUSED(chunks);
}

static void malformed_lines_are_refused(void)
{
	CHECK_REFUSED(lines);
}

static void malformed_request_lines_are_refused(void)
{
	CHECK_REFUSED(starts);
}

static void malformed_targets_and_hosts_are_refused(void)
{
	CHECK_REFUSED(targets);
}

static void good_requests_are_read_as_libmicrohttpd_reads_them(void)
{
	check_vectors(good, sizeof(good) / sizeof(good[0]), "", BEFORE LAST);
}

TEST_MAIN("e2e/smuggling",
          TEST(two_readings_of_a_length_are_refused),
          TEST(codings_but_a_single_chunked_are_refused),
          TEST(malformed_chunks_are_refused),
          TEST(malformed_lines_are_refused),
          TEST(malformed_request_lines_are_refused),
          TEST(malformed_targets_and_hosts_are_refused),
          TEST(good_requests_are_read_as_libmicrohttpd_reads_them))
