/*
 * test_smuggling.c - what each of the proxies makes of requests that can be read in two ways: none
 * of it is read by the host as other requests than the proxy has made.
 *
 * A proxy may well read a vector as two requests, and hand on both: then each comes from its
 * client's address, since that is what the proxy writes. What is smuggled does not.
 */
#include "e2e/vectors.h"
#include "proxies/tls.h"

#include "../cunit.h"

#define VECTORS_MOST 400
#define ALIVE 8
#define REQUESTS 3 /* the vector, the smuggled one, the last one */

/* 64 bytes, 0x40. What it says of its address, no proxy would let through. */
#define SMUGGLED \
	"GET /smuggled HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.66\r\n\r\n"
#define LAST "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

/* For who takes its length, the smuggled one belongs to the body; for who takes its coding, it is
 * behind it; and the other way round. */
#define BY_LENGTH(field_) \
	VECTOR(PUT "Content-Length: 69\r\n" field_ "\r\n\r\n0\r\n\r\n" SMUGGLED, "")
#define BY_CODING(field_) \
	VECTOR(PUT "Content-Length: 4\r\n" field_ "\r\n\r\n40\r\n" SMUGGLED "\r\n0\r\n\r\n", "")
#define BOTH(field_) BY_LENGTH(field_), BY_CODING(field_)

_Static_assert(sizeof(SMUGGLED) - 1 == 64, "the lengths above hold for 64 bytes");

static const struct vector doubled[] = {
	BOTH("Transfer-Encoding: chunked"),
	BOTH("transfer-encoding:chunked"),
	BOTH("Transfer-Encoding: CHUNKED"),
	BOTH("Transfer-Encoding:\tchunked"),
	BOTH("Transfer-Encoding: chunked "),
	BOTH("Transfer-Encoding: \x0b"
	     "chunked"),
	BOTH("Transfer-Encoding: \x0c"
	     "chunked"),
	BOTH("Transfer-Encoding: \xc2\xa0"
	     "chunked"),
	BOTH("Transfer-Encoding: chunked\x0b"),
	BOTH("Transfer-Encoding: chunked\r"),
	BOTH("Transfer-Encoding: chunked\0"),
	BOTH("Transfer-Encoding: chu\0nked"),
	BOTH("Transfer-Encoding: xchunked"),
	BOTH("Transfer-Encoding: chunkedx"),
	BOTH("Transfer-Encoding: \"chunked\""),
	BOTH("Transfer-Encoding: 'chunked'"),
	BOTH("Transfer-Encoding: chunked;q=1"),
	BOTH("Transfer-Encoding: identity"),
	BOTH("Transfer-Encoding: identity, chunked"),
	BOTH("Transfer-Encoding: chunked, identity"),
	BOTH("Transfer-Encoding: chunked, chunked"),
	BOTH("Transfer-Encoding: ,chunked"),
	BOTH("Transfer-Encoding: chunked,"),
	BOTH("Transfer-Encoding: gzip, chunked"),
	BOTH("Transfer-Encoding:"),
	BOTH("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"),
	BOTH("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
	BOTH("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
	BOTH("Transfer-Encoding:\r\n chunked"),
	BOTH("Transfer-Encoding: x\r\n chunked"),
	BOTH("Transfer-Encoding\r\n: chunked"),
	BOTH("Transfer-Encoding : chunked"),
	BOTH("Transfer-Encoding\t: chunked"),
	BOTH("Transfer-Encoding\x0b: chunked"),
	BOTH("Transfer-Encoding\xa0: chunked"),
	BOTH("Transfer-Encoding\0: chunked"),
	BOTH("Transfer-Encoding:: chunked"),
	BOTH("Transfer Encoding: chunked"),
	BOTH("Transfer_Encoding: chunked"),
	BOTH(" Transfer-Encoding: chunked"),
	BOTH("X: y\r\n Transfer-Encoding: chunked"),
	BOTH("X: y\nTransfer-Encoding: chunked"),
	BOTH("X: y\rTransfer-Encoding: chunked"),
	BOTH("X: y\r\n\tTransfer-Encoding: chunked"),
	BOTH("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked"),
	BOTH("Connection: Content-Length\r\nTransfer-Encoding: chunked"),
	BOTH("Upgrade: h2c\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked"),
	BOTH("Expect: 100-continue\r\nTransfer-Encoding: chunked"),
};

#define LENGTH(fields_) VECTOR(PUT fields_ "\r\n\r\n" SMUGGLED, "")

/* For one of two parsers the body is empty, and for the other one the smuggled one is in it. */
static const struct vector hidden[] = {
	LENGTH("Content-Length: 64"),
	LENGTH("Content-Length: 0\r\nContent-Length: 64"),
	LENGTH("Content-Length: 64\r\nContent-Length: 0"),
	LENGTH("Content-Length: 64\r\nContent-Length: 64"),
	LENGTH("Content-Length: 0, 64"),
	LENGTH("Content-Length: 64, 0"),
	LENGTH("Content-Length: 64, 64"),
	LENGTH("Content-Length: +64"),
	LENGTH("Content-Length: -64"),
	LENGTH("Content-Length: 0x40"),
	LENGTH("Content-Length: 0 64"),
	LENGTH("Content-Length: 6 4"),
	LENGTH("Content-Length: 64abc"),
	LENGTH("Content-Length: 64.0"),
	LENGTH("Content-Length: 64e0"),
	LENGTH("Content-Length: 6_4"),
	LENGTH("Content-Length: 0\0"
	       "64"),
	LENGTH("Content-Length: 64\0"),
	LENGTH("Content-Length: 64\x0b"),
	LENGTH("Content-Length: \x0b"
	       "64"),
	LENGTH("Content-Length:"),
	LENGTH("Content-Length: 000000000000000000000000000000064"),
	LENGTH("Content-Length: 4294967360"),
	LENGTH("Content-Length: 18446744073709551680"),
	LENGTH("Content-Length : 64"),
	LENGTH("Content-Length\t: 64"),
	LENGTH("Content-Length\0: 64"),
	LENGTH("Content-Length:: 64"),
	LENGTH("Content_Length: 64"),
	LENGTH(" Content-Length: 64"),
	LENGTH("Content-Length:\r\n 64"),
	LENGTH("Content-Length: 0\r\n 64"),
	LENGTH("Content-Length: 6\r\n 4"),
	LENGTH("X: y\nContent-Length: 64"),
	LENGTH("X: y\rContent-Length: 64"),
	LENGTH("X: y\r\n Content-Length: 64"),
	LENGTH("Connection: Content-Length\r\nContent-Length: 64"),
	LENGTH("Connection: close, Content-Length\r\nContent-Length: 64"),
	LENGTH("Expect: 100-continue\r\nContent-Length: 64"),
	LENGTH("Expect: 100-continuE, x\r\nContent-Length: 64"),
	LENGTH("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 777\r\n"
	       "Content-Length: 64"),
	LENGTH("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
	       "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: 64"),
	VECTOR(GET "Content-Length: 64\r\n\r\n" SMUGGLED, ""),
	VECTOR("HEAD /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 64\r\n\r\n" SMUGGLED, ""),
	VECTOR("OPTIONS /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 64\r\n\r\n" SMUGGLED, ""),
	VECTOR("TRACE /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 64\r\n\r\n" SMUGGLED, ""),
	VECTOR("GET /bad HTTP/1.0\r\nHost: a\r\nContent-Length: 64\r\n\r\n" SMUGGLED, ""),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a\r\nX: y\r\n\r" SMUGGLED, ""),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a\r\nX: y\n" SMUGGLED, ""),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a\r\nX: y\n\n" SMUGGLED, ""),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a\r\nX: y\n\r\n" SMUGGLED, ""),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a\r\nX: y\r\r" SMUGGLED, ""),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a\r\n:\r\n" SMUGGLED, ""),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a\r\n \r\n" SMUGGLED, ""),
	VECTOR("GET /bad HTTP/1.1\r\nHost: a\r\n\0\r\n" SMUGGLED, ""),
	VECTOR(CHUNKED "0\r\n" SMUGGLED "\r\n", ""),
	VECTOR(CHUNKED "0\r\nX: y\n\n" SMUGGLED, ""),
	VECTOR(CHUNKED "0\n\n" SMUGGLED, ""),
	VECTOR(CHUNKED "0;\n\n" SMUGGLED "\r\n\r\n", ""),
	VECTOR(CHUNKED "40;\n" SMUGGLED "\r\n0\r\n\r\n", ""),
	VECTOR(CHUNKED "2;\nxx\r\n40\r\n" SMUGGLED "\r\n0\r\n\r\n", ""),
	VECTOR(CHUNKED "2;\rxx\r\n40\r\n" SMUGGLED "\r\n0\r\n\r\n", ""),
	VECTOR(CHUNKED "100000000\r\n" SMUGGLED "\r\n0\r\n\r\n", ""),
	VECTOR(CHUNKED "10000000000000000\r\n" SMUGGLED "\r\n0\r\n\r\n", ""),
	VECTOR(CHUNKED "10000000000000040\r\n" SMUGGLED "\r\n0\r\n\r\n", ""),
	VECTOR(CHUNKED "0x40\r\n" SMUGGLED "\r\n0\r\n\r\n", ""),
	VECTOR(CHUNKED "0_40\r\n" SMUGGLED "\r\n0\r\n\r\n", ""),
	VECTOR(CHUNKED "-40\r\n" SMUGGLED "\r\n0\r\n\r\n", ""),
	VECTOR(CHUNKED " 40\r\n" SMUGGLED "\r\n0\r\n\r\n", ""),
	VECTOR(CHUNKED "40 \r\n" SMUGGLED "\r\n0\r\n\r\n", ""),
	VECTOR(CHUNKED "40\r\n" SMUGGLED "0\r\n\r\n", ""),
	VECTOR(CHUNKED "40\r\n" SMUGGLED "xx0\r\n\r\n", ""),
	VECTOR(CHUNKED "40\r\n" SMUGGLED "\n0\r\n\r\n", ""),
	VECTOR(CHUNKED "3e\r\n" SMUGGLED "0\r\n\r\n", ""),
};

/* ---- The connections ----------------------------------------------------------------------- */

struct talks {
	const struct vector *vectors[VECTORS_MOST];
	struct talk list[VECTORS_MOST];
	size_t count;
};

/* The same bytes, which are known by the number in their targets. */
static void tag(char *bytes, size_t size, const char *target, const char *tagged)
{
	char *at = bytes;

	while ((at = memmem(at, size - (size_t)(at - bytes), target, strlen(target))))
		memcpy(at, tagged, strlen(tagged));
}

static void add(struct talks *talks, const struct vector *vector)
{
	size_t behind = strlen(SMUGGLED LAST);
	size_t size = vector->size + behind;
	char *bytes = memory_of(size + 1);
	unsigned number = (unsigned)talks->count;

	if (number == VECTORS_MOST)
		give_up("too many vectors");
	memcpy(bytes, vector->bytes, vector->size);
	memcpy(bytes + vector->size, SMUGGLED LAST, behind);
	tag(bytes, size, "/bad", text_of("/%03u", number));
	tag(bytes, size, "/smuggled", text_of("/smug-%03u", number));
	tag(bytes, size, "/last", text_of("/l%03u", number));
	talks->vectors[number] = vector;
	talks->list[talks->count++] = (struct talk){ .data = bytes, .size = size };
}

#define ADD(vectors_) \
	for (size_t i_ = 0; i_ < sizeof(vectors_) / sizeof((vectors_)[0]); i_++) \
	add(talks, &(vectors_)[i_])

/* A good one is the first. */
static void add_all(struct talks *talks)
{
	static const struct vector plain[] = { VECTOR(GET "\r\n", "200") };

	ADD(plain);
	ADD(good);
	ADD(lengths);
	ADD(codings);
	ADD(chunks);
	ADD(lines);
	ADD(starts);
	ADD(targets);
	ADD(doubled);
	ADD(hidden);
}

static bool never(const struct wire_bytes *reply)
{
	(void)reply;
	return false;
}

/* ---- What came of them --------------------------------------------------------------------- */

static bool begins(const char *at, const char *end, const char *word)
{
	size_t size = strlen(word);

	return (size_t)(end - at) >= size && strncasecmp(at, word, size) == 0;
}

/* The replies that a Worker has made: HAProxy writes names in small letters. */
static unsigned worker_replies(const struct wire_bytes *reply)
{
	const char *end = reply->data + reply->size;
	unsigned count = 0;

	for (const char *at = reply->data; at < end; at++)
		count += begins(at, end, "\nX-Worker: ");
	return count;
}

struct outcome {
	unsigned passed;   /* by the proxy, and answered */
	unsigned late;     /* it waits for more */
	unsigned replies;  /* a Worker's */
	unsigned seen;     /* requests that a Worker got */
	unsigned refused;  /* by the host */
	unsigned smuggled; /* seen, but not as the proxy's client's */
};

static void alive(const struct proxy *proxy, struct outcome *outcome)
{
	for (int i = 0; i < ALIVE; i++) {
		struct http_client *client = proxy_client(proxy, i % 2);
		struct http_request request = { .path = text_of("/alive-%d", i) };
		struct http_reply *reply = http_send(client, &request);

		CHECK_NUMBER(reply->status, 200);
		CHECK_TEXT(http_header(reply, "X-Target"), request.path);
		outcome->replies++;
		http_close(client);
	}
}

/* Without a version in the request, there is no head of a reply. */
static unsigned headless_replies(const struct vector *vector, unsigned number, const char *log)
{
	if (memmem(vector->bytes, vector->size, "HTTP/", 5))
		return 0;
	return lines_matching(log, text_of(" seen [^ ]+ https://[^ ]+/%03u from ", number));
}

/* With the host's log, once it has ended. */
static void judge(struct outcome *outcome, const struct talks *talks, const char *log)
{
	for (size_t i = 0; i < talks->count; i++) {
		const struct wire_bytes *reply = &talks->list[i].reply;
		unsigned replies = worker_replies(reply) +
		                   headless_replies(talks->vectors[i], (unsigned)i, log);

		outcome->passed += replies > 0;
		outcome->late += reply->late;
		outcome->replies += replies;
	}
	outcome->seen = lines_matching(log, " seen [^ ]+ [^ ]+ from ");
	outcome->smuggled = outcome->seen -
	                    lines_matching(log, " seen [^ ]+ https://[^ ]+ from " PROXY_CLIENT " ");
	outcome->refused = lines_matching(log, "Z access id=[^ ]+ .* status=[45]");
}

/* There are no more replies than requests, and no less where nobody was left waiting. */
static void check_outcome(const struct outcome *outcome)
{
	CHECK_NUMBER(outcome->smuggled, 0);
	if (outcome->replies > outcome->seen || !outcome->late)
		CHECK_NUMBER(outcome->replies, outcome->seen);
	else
		CU_ASSERT(outcome->seen - outcome->replies <= REQUESTS * outcome->late);
}

static void check_proxy(struct proxy *proxy)
{
	struct talks *talks = memory_of(sizeof(*talks));
	struct outcome outcome = { 0 };
	size_t before;

	add_all(talks);
	before = tls_talk_all(proxy, "http/1.1", talks->list, talks->count, never);
	outcome.replies += (unsigned)before * REQUESTS;
	alive(proxy, &outcome);
	proxy_end(proxy);
	judge(&outcome, talks, host_log(proxy->host));
	check_outcome(&outcome);
	printf("%s: of %zu vectors %u were answered by a Worker, %u refused by the host; "
	       "%u waited for more; %u requests, %u replies, %u smuggled\n",
	       proxy->name, talks->count, outcome.passed, outcome.refused, outcome.late,
	       outcome.seen, outcome.replies, outcome.smuggled);
}

static void nothing_is_smuggled(void)
{
	for (size_t i = 0; i < PROXIES; i++) {
		struct proxy *proxy = proxy_start(i, NULL);

		if (proxy)
			check_proxy(proxy);
	}
}

TEST_MAIN("proxies/smuggling",
          TEST(nothing_is_smuggled))
