/* coding.h - what a Transfer-Encoding names (RFC 9112, 6.1 and 7). */
#ifndef TENON_SERVE_CODING_H
#define TENON_SERVE_CODING_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether it is a well-formed list of codings that has one which is not known here, with or without
 * parameters. false: malformed, or chunked alone; that can be neither repeated nor have parameters.
 */
bool tn_coding_unknown(const char *text, size_t size);

#endif
