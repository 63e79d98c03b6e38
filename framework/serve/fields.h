/* fields.h - which fields of a request are for a Worker to see. */
#ifndef TENON_SERVE_FIELDS_H
#define TENON_SERVE_FIELDS_H

#include "message/headers.h"

/* What a proxy may have said of its client: one kind of it is kept, or none. */
enum tn_fields_kept {
	TN_FIELDS_NONE,
	TN_FIELDS_X,        /* X-Forwarded-For, -Proto, -Host; no other of its like */
	TN_FIELDS_STANDARD, /* Forwarded */
};

/*
 * Takes out what is between the client and the host alone (RFC 9110, 7.6.1): Connection and what it
 * names, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade; and what nobody
 * trusted has said of the client. Connection cannot name what a Worker or the host decides by:
 * Host, Content-Length, Authorization, Cookie and what proxies say.
 * The fields are the request's own, as the edge has read them.
 */
void tn_fields_strip(struct tn_headers *headers, enum tn_fields_kept kept);

#endif
