/* request.h - the inside of a request, for the edge and for libtenon. */
#ifndef TENON_MESSAGE_REQUEST_H
#define TENON_MESSAGE_REQUEST_H

#include "message/headers.h"

struct tn_request {
	struct tn_exchange *exchange;
	const char *method;
	const char *scheme;
	const char *host; /* "example.com:8080", "" where none was sent */
	const char *target;
	const char *address; /* the client's */
	struct tn_headers headers;
	struct tn_bytes body;
};

/*
 * The first request of an exchange, without headers and body. The strings are not copied; they are
 * the exchange's or constant. NULL where the exchange is out of memory.
 */
struct tn_request *tn_request_first(struct tn_exchange *exchange, const char *method,
                                    const char *host, const char *target, const char *address);

#endif
