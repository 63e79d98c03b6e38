/* url.h - what may stand in a URL, for the edge and for libtenon alike. */
#ifndef TENON_MESSAGE_URL_H
#define TENON_MESSAGE_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the text can be a path and query: no control character, blank, '#' or byte beyond ASCII.
 * It is more than RFC 3986 allows: browsers send '|' and braces as they are. */
bool tn_url_target_valid(const char *text);

/* Whether it can be a Host header's value (RFC 9110, 7.2): a name, or an address in brackets, with
 * or without a port, and without a user name, a comma or %00; empty is allowed. */
bool tn_url_host_valid(const char *text, size_t size);

#endif
