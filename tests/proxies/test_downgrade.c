/*
 * test_downgrade.c - what each of the proxies makes of HTTP/2 that must not become HTTP/1.1 as it
 * is: lengths that are not the body's, codings, line ends in names, values, methods and targets.
 */
#include "proxies/frames.h"
#include "proxies/tls.h"

#include "../cunit.h"

#define FIELDS_MOST 10
#define ALIVE 8

#define METHOD(method_) FIELD(":method", method_)
#define PATH(path_) FIELD(":path", path_)
#define SCHEME FIELD(":scheme", "https")
#define AUTHORITY FIELD(":authority", PROXY_NAME)
#define GET METHOD("GET"), SCHEME, AUTHORITY, PATH("/bad")
#define PUT METHOD("PUT"), SCHEME, AUTHORITY, PATH("/bad")

/* 64 bytes and no address that a proxy would let through. */
#define SMUGGLED \
	"GET /smuggled HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.66\r\n\r\n"
#define CHUNKED "0\r\n\r\n" SMUGGLED
#define LINES " HTTP/1.1\r\nHost: a\r\ninjected: 1\r\n\r\n" SMUGGLED

struct vector {
	struct frames_field fields[FIELDS_MOST];
	const char *body; /* NULL: none */
	struct frames_field trailers[2];
};

static const struct vector vectors[] = {
	{ .fields = { GET } },
	{ .fields = { PUT }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "64") }, .body = SMUGGLED },

	/* Lengths */
	{ .fields = { PUT, FIELD("content-length", "0") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "4") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "640") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "64") } },
	{ .fields = { GET, FIELD("content-length", "64") } },
	{ .fields = { GET, FIELD("content-length", "0") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "0"), FIELD("content-length", "64") },
	  .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "64"), FIELD("content-length", "0") },
	  .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "64, 0") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "0, 64") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "+64") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "-1") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "0x40") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "64abc") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", " 64") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "64\0") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "18446744073709551680") }, .body = SMUGGLED },
	{ .fields = { PUT, FIELD("content-length", "0\r\nx: y") }, .body = SMUGGLED },

	/* Codings, and what else is of a connection */
	{ .fields = { PUT, FIELD("transfer-encoding", "chunked") }, .body = CHUNKED },
	{ .fields = { GET, FIELD("transfer-encoding", "chunked") }, .body = CHUNKED },
	{ .fields = { PUT, FIELD("transfer-encoding", "chunked"), FIELD("content-length", "69") },
	  .body = CHUNKED },
	{ .fields = { PUT, FIELD("transfer-encoding", "identity") }, .body = CHUNKED },
	{ .fields = { PUT, FIELD("transfer-encoding", "xchunked") }, .body = CHUNKED },
	{ .fields = { PUT, FIELD("Transfer-Encoding", "chunked") }, .body = CHUNKED },
	{ .fields = { PUT, FIELD("transfer-encoding ", "chunked") }, .body = CHUNKED },
	{ .fields = { PUT, FIELD("transfer-encoding:", "chunked") }, .body = CHUNKED },
	{ .fields = { PUT, FIELD("transfer_encoding", "chunked") }, .body = CHUNKED },
	{ .fields = { PUT, FIELD("x", "y\r\ntransfer-encoding: chunked") }, .body = CHUNKED },
	{ .fields = { PUT, FIELD("x", "y\ntransfer-encoding: chunked") }, .body = CHUNKED },
	{ .fields = { PUT, FIELD("x: y\r\ntransfer-encoding", "chunked") }, .body = CHUNKED },
	{ .fields = { GET, FIELD("connection", "keep-alive") } },
	{ .fields = { GET, FIELD("connection", "x-forwarded-for, x-forwarded-proto, host") } },
	{ .fields = { GET, FIELD("connection", "transfer-encoding") } },
	{ .fields = { GET, FIELD("keep-alive", "timeout=5") } },
	{ .fields = { GET, FIELD("proxy-connection", "keep-alive") } },
	{ .fields = { GET, FIELD("upgrade", "h2c") } },
	{ .fields = { GET, FIELD("te", "gzip") } },
	{ .fields = { GET, FIELD("expect", "100-continue") } },
	{ .fields = { PUT, FIELD("expect", "100-continue") }, .body = SMUGGLED },

	/* Names and values */
	{ .fields = { GET, FIELD("x", "y\r\ninjected: 1") } },
	{ .fields = { GET, FIELD("x", "y\r\n\r\n" SMUGGLED) } },
	{ .fields = { GET, FIELD("x", "y\ninjected: 1") } },
	{ .fields = { GET, FIELD("x", "y\n\n" SMUGGLED) } },
	{ .fields = { GET, FIELD("x", "y\rinjected: 1") } },
	{ .fields = { GET, FIELD("x", "y\r\n injected: 1") } },
	{ .fields = { GET, FIELD("x", "y\0injected: 1") } },
	{ .fields = { GET, FIELD("x", " y ") } },
	{ .fields = { GET, FIELD("cookie", "a=b\r\ninjected: 1") } },
	{ .fields = { GET, FIELD("user-agent", "a\r\ninjected: 1") } },
	{ .fields = { GET, FIELD("x\r\ninjected", "1") } },
	{ .fields = { GET, FIELD("x\ninjected", "1") } },
	{ .fields = { GET, FIELD("x: y\r\ninjected", "1") } },
	{ .fields = { GET, FIELD("x: y\r\n\r\n" SMUGGLED "z", "1") } },
	{ .fields = { GET, FIELD("injected: 1", "1") } },
	{ .fields = { GET, FIELD("injected ", "1") } },
	{ .fields = { GET, FIELD(" injected", "1") } },
	{ .fields = { GET, FIELD("injected\0", "1") } },
	{ .fields = { GET, FIELD("Injected", "1") } },
	{ .fields = { GET, FIELD("", "injected: 1") } },
	{ .fields = { GET, FIELD(":injected", "1") } },
	{ .fields = { GET, FIELD("x-forwarded-for", "192.0.2.66") } },
	{ .fields = { GET, FIELD("X-Forwarded-For", "192.0.2.66") } },
	{ .fields = { GET, FIELD("forwarded", "for=192.0.2.66") } },

	/* The request line */
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("/bad" LINES) } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("/bad\r\ninjected: 1") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("/bad\ninjected: 1") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("/bad HTTP/1.1") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("/bad HTTP/1.0\r\n\r\n") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("/bad\0") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("/bad\x7f") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("/bad#part") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("bad") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("*") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("@a/bad") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("https://a/smuggled") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY, PATH("//a/bad") } },
	{ .fields = { GET, PATH("/smuggled") } },
	{ .fields = { METHOD("GET"), SCHEME, AUTHORITY } },
	{ .fields = { METHOD("GET /smuggled HTTP/1.1\r\nx:"), SCHEME, AUTHORITY, PATH("/bad") } },
	{ .fields = { METHOD("GET /smuggled"), SCHEME, AUTHORITY, PATH("/bad") } },
	{ .fields = { METHOD("GET\r\n"), SCHEME, AUTHORITY, PATH("/bad") } },
	{ .fields = { METHOD("GET\t"), SCHEME, AUTHORITY, PATH("/bad") } },
	{ .fields = { METHOD(""), SCHEME, AUTHORITY, PATH("/bad") } },
	{ .fields = { METHOD("get"), SCHEME, AUTHORITY, PATH("/bad") } },
	{ .fields = { METHOD("CONNECT"), AUTHORITY } },
	{ .fields = { METHOD("CONNECT"), SCHEME, AUTHORITY, PATH("/bad") } },
	{ .fields = { GET, METHOD("PUT") } },
	{ .fields = { SCHEME, AUTHORITY, PATH("/bad") } },
	{ .fields = { METHOD("GET"), AUTHORITY, PATH("/bad") } },
	{ .fields = { METHOD("GET"), FIELD(":scheme", "http"), AUTHORITY, PATH("/bad") } },
	{ .fields = { METHOD("GET"), FIELD(":scheme", "https://a/smuggled?"), AUTHORITY,
	              PATH("/bad") } },
	{ .fields = { METHOD("GET"), FIELD(":scheme", "https" LINES), AUTHORITY, PATH("/bad") } },
	{ .fields = { FIELD("x", "y"), GET } },

	/* The host */
	{ .fields = { GET, FIELD("host", PROXY_NAME) } },
	{ .fields = { GET, FIELD("host", "other.example") } },
	{ .fields = { GET, FIELD("host", "") } },
	{ .fields = { GET, FIELD("host", PROXY_NAME "\r\ninjected: 1") } },
	{ .fields = { GET, FIELD("host", PROXY_NAME), FIELD("host", "other.example") } },
	{ .fields = { GET, FIELD(":authority", "other.example") } },
	{ .fields = { METHOD("GET"), SCHEME, PATH("/bad"), FIELD("host", PROXY_NAME) } },
	{ .fields = { METHOD("GET"), SCHEME, PATH("/bad") } },
	{ .fields = { METHOD("GET"), SCHEME, FIELD(":authority", PROXY_NAME "\r\ninjected: 1"),
	              PATH("/bad") } },
	{ .fields = { METHOD("GET"), SCHEME, FIELD(":authority", PROXY_NAME "\r\n\r\n" SMUGGLED),
	              PATH("/bad") } },
	{ .fields = { METHOD("GET"), SCHEME, FIELD(":authority", "u@" PROXY_NAME), PATH("/bad") } },
	{ .fields = { METHOD("GET"), SCHEME, FIELD(":authority", PROXY_NAME "/smuggled?"),
	              PATH("/bad") } },
	{ .fields = { METHOD("GET"), SCHEME, FIELD(":authority", PROXY_NAME ",a"), PATH("/bad") } },
	{ .fields = { METHOD("GET"), SCHEME, FIELD(":authority", ""), PATH("/bad") } },

	/* Trailers */
	{ .fields = { PUT }, .body = SMUGGLED, .trailers = { FIELD("injected", "1") } },
	{ .fields = { PUT }, .body = SMUGGLED, .trailers = { FIELD("content-length", "0") } },
	{ .fields = { PUT },
	  .body = SMUGGLED,
	  .trailers = { FIELD("transfer-encoding", "chunked") } },
	{ .fields = { PUT }, .body = SMUGGLED, .trailers = { FIELD(":path", "/smuggled") } },
	{ .fields = { PUT }, .body = SMUGGLED, .trailers = { FIELD("x-forwarded-for", "a") } },
	{ .fields = { PUT },
	  .body = SMUGGLED,
	  .trailers = { FIELD("x", "y\r\n\r\n" SMUGGLED) } },
};

#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static struct talk make_talk(const struct vector *vector)
{
	struct frames *frames = memory_of(sizeof(*frames));
	const char *body = vector->body;
	bool trailers = vector->trailers[0].name;

	frames_begin(frames);
	frames_fields(frames, vector->fields, !body);
	if (body)
		frames_body(frames, body, strlen(body), !trailers);
	if (trailers)
		frames_fields(frames, vector->trailers, true);
	return (struct talk){ .data = frames->data, .size = frames->size };
}

static bool is_over(const struct wire_bytes *reply)
{
	return frames_read(reply->data, reply->size).ended;
}

/* ---- What came of them --------------------------------------------------------------------- */

struct outcome {
	unsigned good;  /* replies with 200 */
	unsigned reset; /* streams, or connections */
	unsigned late;
	unsigned seen;     /* requests that a Worker got */
	unsigned refused;  /* by the host */
	unsigned smuggled; /* not as the proxy's client's */
};

static void judge(struct outcome *outcome, const struct talk *talks, const char *log)
{
	unsigned as_clients;

	for (size_t i = 0; i < VECTORS; i++) {
		const struct wire_bytes *bytes = &talks[i].reply;
		struct frames_reply reply = frames_read(bytes->data, bytes->size);

		outcome->good += reply.good;
		outcome->reset += reply.reset || !reply.heads;
		outcome->late += bytes->late;
	}
	outcome->seen = lines_matching(log, " seen [^ ]+ [^ ]+ from ");
	as_clients = lines_matching(log, " seen [^ ]+ https://[^ ]+ from " PROXY_CLIENT " ");
	outcome->smuggled = outcome->seen - as_clients;
	outcome->refused = lines_matching(log, "Z access id=[^ ]+ .* status=[45]");
}

/* The requests behind them are answered, each with its own reply. */
static void alive(const struct proxy *proxy)
{
	for (int i = 0; i < ALIVE; i++) {
		struct http_client *client = proxy_client(proxy, i % 2);
		struct http_request request = { .path = text_of("/alive-%d", i) };
		struct http_reply *reply = http_send(client, &request);

		CHECK_NUMBER(reply->status, 200);
		CHECK_TEXT(http_header(reply, "X-Target"), request.path);
		http_close(client);
	}
}

static void check_proxy(struct proxy *proxy)
{
	struct talk *talks = memory_of(VECTORS * sizeof(*talks));
	struct outcome outcome = { 0 };
	const char *log;

	for (size_t i = 0; i < VECTORS; i++)
		talks[i] = make_talk(&vectors[i]);
	tls_talk_all(proxy, "h2", talks, VECTORS, is_over);
	alive(proxy);
	proxy_end(proxy);
	log = host_log(proxy->host);
	judge(&outcome, talks, log);
	CHECK_NUMBER(outcome.smuggled, 0);
	CHECK_NUMBER(lines_matching(log, " seen .* with.* injected"), 0);
	printf("%s: of %zu vectors %u were answered with 200, %u reset, %u refused by the host; "
	       "%u waited for more; %u requests, %u smuggled\n",
	       proxy->name, VECTORS, outcome.good, outcome.reset, outcome.refused, outcome.late,
	       outcome.seen, outcome.smuggled);
}

static void nothing_is_smuggled(void)
{
	for (size_t i = 0; i < PROXIES; i++) {
		struct proxy *proxy = proxy_start(i, NULL);

		if (proxy)
			check_proxy(proxy);
	}
}

TEST_MAIN("proxies/downgrade",
          TEST(nothing_is_smuggled))
