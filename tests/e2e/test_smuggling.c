/*
 * test_smuggling.c - requests that two parsers could read in two ways: each is refused at once, and
 * what comes behind it is no request.
 *
 * Nothing here ends by a timeout: that of an idle connection is an hour.
 */
#include "harness.h"

#include "../cunit.h"
#include "vectors.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BEFORE "GET /before HTTP/1.1\r\nHost: a\r\n\r\n"
#define BEHIND "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
#define LAST "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

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
