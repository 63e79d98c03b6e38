/* response.h - the inside of a response, for the edge and for libtenon. */
#ifndef TENON_MESSAGE_RESPONSE_H
#define TENON_MESSAGE_RESPONSE_H

#include "message/headers.h"

struct tn_response {
	struct tn_exchange *exchange;
	int status;
	struct tn_headers headers;
	struct tn_bytes body;
};

#endif
