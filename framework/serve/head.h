/* head.h - what a request's head says of its host, its target and its body. */
#ifndef TENON_SERVE_HEAD_H
#define TENON_SERVE_HEAD_H

#include "message/request.h"

struct tn_head {
	struct tn_request *request; /* with its method and its header fields as they came */
	const char *target;         /* as it stands in the request line */
	uint64_t length;            /* of its body; UINT64_MAX: it is chunked */
	bool has_body;              /* true at first: until it is known, it may have one */
};

/*
 * Sets the request's host and target, and says whether a body follows, and how long it is. To be
 * called for heads that framing.h has let through: what it has seen to is not looked at again.
 * Returns 0, or the status to refuse the request with: 400 where the target can have no one form,
 * 501 for TRACE. Memory is the exchange's.
 */
int tn_head_read(struct tn_head *head);

#endif
