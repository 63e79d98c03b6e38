#include "serve/coding.h"

#include "serve/scan.h"

#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

static const char *skip_token(const char *at, const char *end)
{
	return tn_scan_bytes(at, end, TN_SCAN_TOKEN);
}

/* Behind a quoted string, or where it is (RFC 9110, 5.6.4). */
static const char *skip_quoted(const char *begin, const char *end)
{
	for (const char *at = begin + 1; at < end; at++) {
		if (*at == '"')
			return at + 1;
		if (*at == '\\')
			at++;
	}
	return begin;
}

/* "name = value"; NULL: malformed. */
static const char *skip_parameter(const char *begin, const char *end)
{
	const char *at = skip_token(begin, end);

	if (at == begin)
		return NULL;
	at = skip_blanks(at, end);
	if (at == end || *at != '=')
		return NULL;
	begin = skip_blanks(at + 1, end);
	at = begin < end && *begin == '"' ? skip_quoted(begin, end) : skip_token(begin, end);
	return at > begin ? at : NULL;
}

/* "; name = value", any number of times; NULL: malformed. */
static const char *skip_parameters(const char *at, const char *end)
{
	while (at) {
		const char *next = skip_blanks(at, end);

		if (next == end || *next != ';')
			return at;
		at = skip_parameter(skip_blanks(next + 1, end), end);
	}
	return NULL;
}

static bool is_chunked(const char *name, size_t size)
{
	return size == strlen("chunked") && strncasecmp(name, "chunked", size) == 0;
}

bool tn_coding_unknown(const char *text, size_t size)
{
	const char *end = text + size;
	const char *at = text;
	bool unknown = false;

	for (;; at++) {
		const char *name = skip_blanks(at, end);
		const char *name_end = skip_token(name, end);

		at = skip_parameters(name_end, end);
		if (name_end == name || !at)
			return false;
		if (!is_chunked(name, (size_t)(name_end - name)))
			unknown = true;
		else if (at != name_end)
			return false;
		at = skip_blanks(at, end);
		if (at == end)
			return unknown;
		if (*at != ',')
			return false;
	}
}
