/* upload.h - the body of a request, as it comes in. */
#ifndef TENON_SERVE_UPLOAD_H
#define TENON_SERVE_UPLOAD_H

#include "message/exchange.h"

/* Zeroed, but for the first two. */
struct tn_upload {
	struct tn_exchange *exchange; /* whose memory it takes */
	size_t most;                  /* bytes that the body may have */
	char *data;
	size_t size;
	size_t room;
	size_t discarded;
};

/*
 * Takes one more part of it. Where it is too large, or there is no memory, `refusal` becomes the
 * status of the reply; one that is refused, for whatever reason, is not kept. false: so much has
 * come for nothing that the connection is to end.
 */
bool tn_upload_take(struct tn_upload *upload, const char *data, size_t size, int *refusal);

/* All of it, with a NUL behind it; it is not empty. The memory is the exchange's. */
struct tn_bytes tn_upload_body(const struct tn_upload *upload);

#endif
