/* target.h - the request target, taken apart (RFC 9112, 3.2). */
#ifndef TENON_SERVE_TARGET_H
#define TENON_SERVE_TARGET_H

#include <stdbool.h>
#include <stddef.h>

struct tn_target {
	const char *host; /* in the text, not ended; NULL where it names none */
	size_t host_size;
	const char *path_and_query; /* "/..." or "*"; "" stands for "/" */
};

/* Origin form, absolute form with http://, or "*" for OPTIONS. false for any other. */
bool tn_target_parse(const char *text, const char *method, struct tn_target *target);

#endif
