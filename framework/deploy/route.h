/* route.h - which Worker a request is for. */
#ifndef TENON_DEPLOY_ROUTE_H
#define TENON_DEPLOY_ROUTE_H

#include "deploy/errors.h"

#define TN_HOST_MAX 255 /* RFC 1035, 2.3.4 */

/* A pattern [host]/path. The host is exact, *.suffix or none; the path is exact or a prefix. */
struct tn_route {
	struct tn_place place;
	size_t number; /* in the order in which they were added */
	size_t worker; /* its number in the plan */
	const char *worker_name;
	bool waits;       /* its Worker does: a reply may take as long as it likes */
	int64_t timeout;  /* its Worker's; ms, 0: none */
	int64_t max_body; /* bytes that the body of a request for it may have */
	char *text;       /* as it was written */
	char *host;       /* in lower case, without the "*" of a wildcard: ".example.com" */
	char *path;       /* without the "*" of a prefix */
	size_t host_size;
	size_t path_size;
	bool host_wildcard;
	bool path_prefix;
};

struct tn_routes {
	struct tn_route *list; /* best first, once sorted */
	size_t count;
	size_t capacity;
	bool with_host; /* one of them at least */
};

/* Reads a pattern and adds it; returns NULL, or a constant text that says what is wrong with it.
 * The name is not copied. */
const char *tn_routes_add(struct tn_routes *routes, const char *pattern, struct tn_place place,
                          const char *worker_name, size_t worker);

/* Puts the best first: an exact host, a wildcard, none; then the longest path. Two that are equal
 * are an error each in the list. */
void tn_routes_sort(struct tn_routes *routes, struct tn_errors *errors);

/*
 * The best route for a request; NULL for none. `host` is what the client named, with or without a
 * port, in any case; `path` has no query.
 */
const struct tn_route *tn_routes_match(const struct tn_routes *routes, const char *host,
                                       const char *path, size_t path_size);

void tn_routes_finish(struct tn_routes *routes);

#endif
