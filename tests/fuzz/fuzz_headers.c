/* fuzz_headers.c - lines "name:value", each added, set or deleted; then all are read. */
#include "fuzz.h"

#include <ctype.h>
#include <strings.h>

static bool is_token(const char *text)
{
	for (const char *at = text; *at; at++) {
		if (!isalnum((unsigned char)*at) && !strchr("!#$%&'*+-.^_`|~", *at))
			return false;
	}
	return *text;
}

static bool is_value(const char *text)
{
	for (; *text; text++) {
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
			return false;
	}
	return true;
}

static void check_trimmed(const char *value)
{
	size_t size = strlen(value);

	HOLDS(*value != ' ' && *value != '\t');
	HOLDS(!size || (value[size - 1] != ' ' && value[size - 1] != '\t'));
}

/* "=name:value" sets, "-name:" deletes, "name:value" appends. */
static void apply(struct tn_headers *headers, const char *line, size_t size)
{
	const char *colon = size ? memchr(line, ':', size) : NULL;
	char *name;
	char *value;

	if (!colon)
		return;
	name = fuzz_text(line, (size_t)(colon - line));
	value = fuzz_text(colon + 1, size - (size_t)(colon + 1 - line));
	if (*name == '=') {
		HOLDS(tn_headers_set(headers, name + 1, value) ==
		      (is_token(name + 1) && is_value(value)));
	} else if (*name == '-') {
		HOLDS(tn_headers_delete(headers, name + 1));
		HOLDS(!tn_headers_has(headers, name + 1));
	} else {
		HOLDS(tn_headers_append_sized(headers, line, (size_t)(colon - line), value,
		                              strlen(value)) ==
		      (strlen(name) == (size_t)(colon - line) && is_token(name) &&
		       is_value(value)));
	}
	free(name);
	free(value);
}

static void check_fields(const struct tn_headers *headers)
{
	for (size_t i = 0; i < tn_headers_count(headers); i++) {
		const struct tn_header_field *field = tn_headers_field(headers, i);

		HOLDS(is_token(field->name) && strlen(field->name) == field->name_size);
		HOLDS(is_value(field->value) && strlen(field->value) == field->value_size);
		check_trimmed(field->value);
		HOLDS(tn_headers_has(headers, field->name));
		HOLDS(tn_headers_get(headers, field->name));
	}
}

/* In the order of their names; only Set-Cookie has several. */
static void check_walk(const struct tn_headers *headers)
{
	struct tn_header header = { 0 };
	const char *before = NULL;
	size_t count = 0;

	while (tn_headers_next(headers, &header)) {
		int order = before ? strcmp(before, header.name) : -1;

		HOLDS(order < 0 || (order == 0 && strcmp(header.name, "set-cookie") == 0));
		for (const char *at = header.name; *at; at++)
			HOLDS(*at < 'A' || *at > 'Z');
		HOLDS(order == 0 ||
		      strcmp(tn_headers_get(headers, header.name), header.value) == 0);
		before = header.name;
		HOLDS(++count <= tn_headers_count(headers));
	}
	HOLDS(!count == !tn_headers_count(headers));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tn_request *request = fuzz_request();
	struct tn_headers *headers = &request->headers;

	tn_headers_delete(headers, "host");
	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) : size;
		char *line = fuzz_copy(data, length);

		apply(headers, line, length);
		free(line);
		length += end ? 1 : 0;
		data += length;
		size -= length;
	}
	check_fields(headers);
	check_walk(headers);
	fuzz_request_end(request);
	return 0;
}
