/*
 * forwarded.h - what proxies in front of the host say of their clients: X-Forwarded-For, -Proto and
 * -Host, or Forwarded (RFC 7239).
 *
 * They are believed from the addresses that the configuration trusts, and from nobody else. Of the
 * two kinds one is in use: a proxy that writes the one lets the client's own through in the other.
 */
#ifndef TENON_SERVE_FORWARDED_H
#define TENON_SERVE_FORWARDED_H

#include "deploy/network.h"
#include "message/request.h"

struct tn_forwarding {
	const struct tn_network *trusted;
	size_t count;
	bool standard; /* it is Forwarded that they write; else X-Forwarded-For, -Proto, -Host */
};

/*
 * Sets the request's address, scheme and host to the client's, where its address is that of a
 * trusted proxy that names them. The address is the last one, from the right, that no trusted proxy
 * has; what is malformed ends the search there. Returns whether the address it came from is
 * trusted. Memory is the exchange's; without any, nothing changes.
 */
bool tn_forwarded_read(const struct tn_forwarding *forwarding, struct tn_request *request);

#endif
