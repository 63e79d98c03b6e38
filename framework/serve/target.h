/* target.h - the request target, taken apart (RFC 9112, 3.2). */
#ifndef TENON_SERVE_TARGET_H
#define TENON_SERVE_TARGET_H

#include "message/exchange.h"

struct tn_target {
	const char *host; /* in the text, not ended; NULL where it names none */
	size_t host_size;
	const char *path_and_query; /* "/..." or "*"; "" stands for "/" */
};

/* Origin form, absolute form with http://, or "*" for OPTIONS. false for any other. */
bool tn_target_parse(const char *text, const char *method, struct tn_target *target);

/*
 * The path and query in the one form (message/path.h) in which they are routed, seen by the Worker
 * and logged: "/..." or "*". NULL: it has none, which is a 400, or there is no memory. It is the
 * exchange's memory, or the text itself.
 */
const char *tn_target_normal(struct tn_exchange *exchange, const char *path_and_query);

#endif
