/*
 * headers.h - header fields, copied only when somebody writes.
 *
 * A handle points to a block. A block has at most one owner, the handle that may write to it; a
 * block that has been shared has none, and whoever writes next makes a copy of its own first.
 */
#ifndef TENON_MESSAGE_HEADERS_H
#define TENON_MESSAGE_HEADERS_H

#include "message/exchange.h"

#include <string.h>
#include <strings.h>

struct tn_header_field {
	const char *name;
	const char *value;
	unsigned name_size;
	unsigned value_size;
};

struct tn_header_block {
	const struct tn_headers *owner; /* NULL: shared, and constant from then on */
	unsigned count;
	unsigned capacity;
	struct tn_header_field *fields;
};

struct tn_headers {
	struct tn_exchange *exchange;
	struct tn_header_block *block; /* NULL: none yet */
	bool response;                 /* some names are not for a Worker to set */
};

void tn_headers_init(struct tn_headers *headers, struct tn_exchange *exchange, bool response);

/* tn_headers_append for whoever knows the sizes; nothing is NULL. */
bool tn_headers_append_sized(struct tn_headers *headers, const char *name, size_t name_size,
                             const char *value, size_t value_size);

/* The same for a name that is known to be a token, and a value known to have no control character
 * but tabs. */
bool tn_headers_append_valid(struct tn_headers *headers, const char *name, size_t name_size,
                             const char *value, size_t value_size);

/* Makes `copy` another handle to the same fields. O(1): neither may write to the block any more. */
void tn_headers_share(struct tn_headers *copy, struct tn_headers *headers);

/* The one field Content-Type: text/plain;charset=UTF-8, without an allocation. */
void tn_headers_plain_text(struct tn_headers *headers);

/* The fields as they stand, for the edge. */
static inline size_t tn_headers_count(const struct tn_headers *headers)
{
	return headers->block ? headers->block->count : 0;
}

static inline const struct tn_header_field *tn_headers_field(const struct tn_headers *headers,
                                                             size_t index)
{
	return &headers->block->fields[index];
}

/* Whether that is its name, in any case. */
static inline bool tn_header_field_is(const struct tn_header_field *field, const char *name)
{
	return field->name_size == strlen(name) && strcasecmp(field->name, name) == 0;
}

/* Whether it is a token (RFC 9110, 5.6.2): a method, a header's name. */
bool tn_token_valid(const char *text, size_t size);

#endif
