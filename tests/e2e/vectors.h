/*
 * vectors.h - requests that two parsers could read in two ways, and the status that each is refused
 * with; and good ones that are close to them. The target is /bad, the host a, where there are any.
 */
#ifndef TENON_TESTS_E2E_VECTORS_H
#define TENON_TESTS_E2E_VECTORS_H

#include <stddef.h>

#define GET "GET /bad HTTP/1.1\r\nHost: a\r\n"
#define PUT "PUT /bad HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED PUT "Transfer-Encoding: chunked\r\n\r\n"

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

#endif
