#include "serve/fields.h"

#include <string.h>
#include <strings.h>

static bool begins(const struct tn_header_field *field, const char *name)
{
	return strncasecmp(field->name, name, strlen(name)) == 0;
}

/* The first letter tells nearly all others apart. */
static bool is_hop_by_hop(const struct tn_header_field *field)
{
	switch (field->name[0] | 0x20) {
	case 'c':
		return tn_header_field_is(field, "Connection");
	case 'k':
		return tn_header_field_is(field, "Keep-Alive");
	case 'p':
		return tn_header_field_is(field, "Proxy-Connection");
	case 't':
		return tn_header_field_is(field, "TE") ||
		       tn_header_field_is(field, "Trailer") ||
		       tn_header_field_is(field, "Transfer-Encoding");
	case 'u':
		return tn_header_field_is(field, "Upgrade");
	default:
		return false;
	}
}

static bool is_x(const struct tn_header_field *field)
{
	return (field->name[0] | 0x20) == 'x' &&
	       (begins(field, "X-Forwarded-") || tn_header_field_is(field, "X-Real-IP"));
}

/* What a trusted proxy writes over; whatever else is like it may be its client's. */
static bool is_written(const struct tn_header_field *field)
{
	return tn_header_field_is(field, "X-Forwarded-For") ||
	       tn_header_field_is(field, "X-Forwarded-Proto") ||
	       tn_header_field_is(field, "X-Forwarded-Host");
}

static bool is_standard(const struct tn_header_field *field)
{
	return (field->name[0] | 0x20) == 'f' && tn_header_field_is(field, "Forwarded");
}

static bool is_hidden(const struct tn_header_field *field, enum tn_fields_kept kept)
{
	return is_hop_by_hop(field) ||
	       (is_x(field) && !(kept == TN_FIELDS_X && is_written(field))) ||
	       (is_standard(field) && kept != TN_FIELDS_STANDARD);
}

/* ---- What Connection names ----------------------------------------------------------------- */

static bool can_be_named(const struct tn_header_field *field)
{
	return !tn_header_field_is(field, "Host") &&
	       !tn_header_field_is(field, "Content-Length") &&
	       !tn_header_field_is(field, "Authorization") &&
	       !tn_header_field_is(field, "Cookie") && !is_x(field) && !is_standard(field);
}

static bool names(const char *options, const struct tn_header_field *field)
{
	while (*options) {
		size_t size;

		options += strspn(options, ", \t");
		size = strcspn(options, ", \t");
		if (size == field->name_size && strncasecmp(options, field->name, size) == 0)
			return true;
		options += size;
	}
	return false;
}

static bool is_named(const struct tn_headers *headers, const struct tn_header_field *field)
{
	for (size_t i = 0; i < tn_headers_count(headers); i++) {
		const struct tn_header_field *other = tn_headers_field(headers, i);

		if (tn_header_field_is(other, "Connection") && names(other->value, field))
			return can_be_named(field);
	}
	return false;
}

/* What nearly all clients send names no field. */
static bool names_any(const struct tn_headers *headers)
{
	for (size_t i = 0; i < tn_headers_count(headers); i++) {
		const struct tn_header_field *field = tn_headers_field(headers, i);

		if (tn_header_field_is(field, "Connection") &&
		    strcasecmp(field->value, "keep-alive") != 0 &&
		    strcasecmp(field->value, "close") != 0)
			return true;
	}
	return false;
}

/* Marked first, as what names it is taken out, too. */
static void mark_named(struct tn_headers *headers)
{
	for (size_t i = 0; i < tn_headers_count(headers); i++) {
		struct tn_header_field *field = &headers->block->fields[i];

		if (!is_hop_by_hop(field) && is_named(headers, field))
			*field = (struct tn_header_field){ .name = "TE", .name_size = 2 };
	}
}

void tn_fields_strip(struct tn_headers *headers, enum tn_fields_kept kept)
{
	unsigned left = 0;

	if (names_any(headers))
		mark_named(headers);
	for (size_t i = 0; i < tn_headers_count(headers); i++) {
		const struct tn_header_field *field = tn_headers_field(headers, i);

		if (!is_hidden(field, kept))
			headers->block->fields[left++] = *field;
	}
	if (headers->block)
		headers->block->count = left;
}
