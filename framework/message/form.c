/* form.c - the body of a form, in either of the two ways in which browsers send one. */
#include "message/attributes.h"
#include "message/parameters.h"
#include "message/request.h"

#include <string.h>
#include <strings.h>

#define BOUNDARY_MOST ((size_t)70)
#define PART_HEAD_MOST ((size_t)16 * 1024)
#define WALKED SIZE_MAX /* the position behind the last part, and behind an error */

/* ---- application/x-www-form-urlencoded ---------------------------------------------------- */

/* Whether a Content-Type is of that type, whatever its parameters. */
static bool is_type(const char *content_type, const char *type)
{
	size_t size = content_type ? strcspn(content_type, "; \t") : 0;

	return size == strlen(type) && strncasecmp(content_type, type, size) == 0;
}

/* A NUL is encoded in a form, and would cut what is decoded: a body with one is none. */
static struct tn_parameters form_of(const struct tn_request *request)
{
	struct tn_parameters form = { request->exchange, request->body.data, request->body.size };

	if (!is_type(tn_request_header(request, "content-type"),
	             "application/x-www-form-urlencoded") ||
	    memchr(form.text, '\0', form.size))
		form.size = 0;
	return form;
}

const char *tn_request_form(const struct tn_request *request, const char *name)
{
	struct tn_parameters form;

	if (!request || !name)
		return NULL;
	form = form_of(request);
	return tn_parameters_get(&form, name);
}

bool tn_request_form_next(const struct tn_request *request, struct tn_parameter *parameter)
{
	struct tn_parameters form;

	if (!request || !parameter)
		return false;
	form = form_of(request);
	return tn_parameters_next(&form, parameter);
}

/* ---- multipart/form-data: where its parts are --------------------------------------------- */

/* What stands between two parts: a line that begins with the boundary's dashes. */
struct delimiter {
	char text[sizeof("\r\n--") + BOUNDARY_MOST];
	size_t size;
};

/* RFC 2046, 5.1.1: bchars, the last one no blank. */
static bool boundary_valid(const char *text, size_t size)
{
	static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz'()+_,-./:=? ";

	return size && size <= BOUNDARY_MOST && strspn(text, allowed) >= size &&
	       text[size - 1] != ' ';
}

/* All of these return NULL, or what is wrong. */
static const char *read_delimiter(const struct tn_request *request, struct delimiter *delimiter)
{
	const char *type = tn_request_header(request, "content-type");
	struct tn_attribute attribute;

	if (!is_type(type, "multipart/form-data"))
		return "its Content-Type is not multipart/form-data";
	type += strlen("multipart/form-data");
	delimiter->size = 0;
	while (tn_attribute_next(&type, &attribute)) {
		if (!tn_attribute_is(&attribute, "boundary"))
			continue;
		if (delimiter->size)
			return "its Content-Type has two boundaries";
		if (!boundary_valid(attribute.value, attribute.value_size))
			return "its boundary is not 1 to 70 of the characters for one";
		memcpy(mempcpy(delimiter->text, "\r\n--", 4), attribute.value,
		       attribute.value_size);
		delimiter->size = 4 + attribute.value_size;
	}
	if (*type)
		return "its Content-Type is malformed";
	return delimiter->size ? NULL : "its Content-Type has no boundary";
}

/* The next delimiter, from its line's end before it; NULL where there is none. */
static const char *find_delimiter(const char *from, const char *end,
                                  const struct delimiter *delimiter)
{
	return memmem(from, (size_t)(end - from), delimiter->text, delimiter->size);
}

static bool at_delimiter(const char *at, const char *end, const struct delimiter *delimiter)
{
	size_t size = delimiter->size - 2;

	return (size_t)(end - at) >= size && memcmp(at, delimiter->text + 2, size) == 0;
}

/* The dashes of the first delimiter, behind the preamble. */
static const char *find_first(const struct tn_bytes *body, const struct delimiter *delimiter)
{
	const char *end = body->data + body->size;
	const char *found;

	if (at_delimiter(body->data, end, delimiter))
		return body->data;
	found = find_delimiter(body->data, end, delimiter);
	return found ? found + 2 : NULL;
}

/*
 * Reads what is left of the line *at, behind the boundary; blanks may stand there, and nothing
 * else: a line that only begins like a delimiter is one to some, and data to others.
 */
static const char *end_line(const char **at, const char *end, bool *closing)
{
	*closing = end - *at >= 2 && memcmp(*at, "--", 2) == 0;
	if (*closing)
		*at += 2;
	while (*at < end && (**at == ' ' || **at == '\t'))
		++*at;
	if (*closing && *at == end)
		return NULL;
	if (end - *at < 2 || memcmp(*at, "\r\n", 2) != 0)
		return "a line begins with the boundary and goes on";
	*at += 2;
	return NULL;
}

/* ---- multipart/form-data: what is in one -------------------------------------------------- */

static int hex(char digit)
{
	return digit >= '0' && digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

/* HTML Standard, 4.10.21.8: these three of a name are encoded, and nothing else, not even '%'. */
static const char *decode(struct tn_exchange *exchange, const struct tn_attribute *attribute)
{
	char *decoded = tn_exchange_copy(exchange, attribute->value, attribute->value_size);
	char *to = decoded;

	for (const char *from = decoded; from && *from; from++) {
		*to = *from;
		if (strncmp(from, "%22", 3) == 0 || strncasecmp(from, "%0A", 3) == 0 ||
		    strncasecmp(from, "%0D", 3) == 0) {
			*to = (char)(hex(from[1]) * 16 + hex(from[2]));
			from += 2;
		}
		to++;
	}
	if (to)
		*to = '\0';
	return decoded;
}

static const char *take_name(struct tn_exchange *exchange, const struct tn_attribute *attribute,
                             const char **name)
{
	if (*name)
		return "a part has two names";
	*name = decode(exchange, attribute);
	return *name ? NULL : "there is no memory for it";
}

/* RFC 7578, 4.2. It forbids filename*, which some send beside a filename: that is not looked at. */
static const char *read_disposition(struct tn_exchange *exchange, const char *value,
                                    struct tn_form_part *part)
{
	struct tn_attribute attribute;
	const char *error = NULL;

	if (!is_type(value, "form-data"))
		return "the Content-Disposition of a part is not form-data";
	value += strlen("form-data");
	while (!error && tn_attribute_next(&value, &attribute)) {
		if (tn_attribute_is(&attribute, "name"))
			error = take_name(exchange, &attribute, &part->name);
		else if (tn_attribute_is(&attribute, "filename"))
			error = take_name(exchange, &attribute, &part->filename);
	}
	if (error)
		return error;
	if (*value)
		return "the Content-Disposition of a part is malformed";
	return part->name ? NULL : "a part has no name";
}

/* The one field of that name; two of them may be read in two ways. */
static const char *find_field(const struct tn_headers *headers, const char *name,
                              const char **value)
{
	*value = NULL;
	for (size_t i = 0; i < tn_headers_count(headers); i++) {
		const struct tn_header_field *field = tn_headers_field(headers, i);

		if (strcasecmp(field->name, name) != 0)
			continue;
		if (*value)
			return "a part has a field of its head twice";
		*value = field->value;
	}
	return NULL;
}

/* RFC 7578, 4.7: no longer to be used; what is encoded by it would pass for what it stands for. */
static const char *check_encoding(const char *encoding)
{
	if (!encoding || strcasecmp(encoding, "7bit") == 0 || strcasecmp(encoding, "8bit") == 0 ||
	    strcasecmp(encoding, "binary") == 0)
		return NULL;
	return "a part has a Content-Transfer-Encoding";
}

static const char *read_fields(struct tn_exchange *exchange, struct tn_form_part *part)
{
	const char *disposition;
	const char *encoding;
	const char *error;

	error = find_field(part->headers, "Content-Disposition", &disposition);
	if (!error)
		error = find_field(part->headers, "Content-Type", &part->type);
	if (!error)
		error = find_field(part->headers, "Content-Transfer-Encoding", &encoding);
	if (!error)
		error = check_encoding(encoding);
	return error ? error : read_disposition(exchange, disposition, part);
}

/* What is malformed is the client's fault, and no error of a Worker's. */
static const char *take_line(struct tn_headers *headers, const char *line, const char *end)
{
	struct tn_exchange *exchange = headers->exchange;
	const char *colon = memchr(line, ':', (size_t)(end - line));
	bool was_from_client = exchange->from_client;
	bool taken;

	if (!colon)
		return "a line in the head of a part is no field";
	exchange->from_client = true;
	taken = tn_token_valid(line, (size_t)(colon - line)) &&
	        tn_headers_append_sized(headers, line, (size_t)(colon - line), colon + 1,
	                                (size_t)(end - colon - 1));
	exchange->from_client = was_from_client;
	if (taken)
		return NULL;
	return exchange->memory_logged ? "there is no memory for it"
	                               : "a field in the head of a part is malformed";
}

/* The lines from `line` to `end`, the last one without its end. */
static const char *read_lines(struct tn_exchange *exchange, const char *line, const char *end,
                              struct tn_form_part *part)
{
	struct tn_headers *headers = tn_exchange_alloc(exchange, sizeof(*headers));
	const char *error = NULL;

	if (!headers)
		return "there is no memory for it";
	tn_headers_init(headers, exchange, false);
	part->headers = headers;
	while (!error && line < end) {
		const char *line_end = memmem(line, (size_t)(end - line), "\r\n", 2);

		line_end = line_end ? line_end : end;
		error = take_line(headers, line, line_end);
		line = line_end + 2;
	}
	return error ? error : read_fields(exchange, part);
}

/* A part from behind its delimiter's line to the next delimiter. */
static const char *read_part(struct tn_exchange *exchange, const char *start, const char *end,
                             struct tn_form_part *part)
{
	size_t size = end > start ? (size_t)(end - start) : 0;
	const char *blank = memmem(start, size < PART_HEAD_MOST ? size : PART_HEAD_MOST,
	                           "\r\n\r\n", 4);
	const char *error;

	if (!blank)
		return size < PART_HEAD_MOST ? "the head of a part has no end"
		                             : "the head of a part is larger than 16384 bytes";
	error = read_lines(exchange, start, blank, part);
	if (error)
		return error;
	part->data = blank + 4;
	part->size = (size_t)(end - part->data);
	return NULL;
}

/* Goes to the delimiter at the part's position, or to the first one. */
static const char *find_position(const struct tn_bytes *body, const struct delimiter *delimiter,
                                 size_t position, const char **at)
{
	const char *end = body->data + body->size;

	if (!position) {
		*at = find_first(body, delimiter);
		return *at ? NULL : "its boundary is not in it";
	}
	*at = position < body->size ? body->data + position : end;
	return at_delimiter(*at, end, delimiter) ? NULL : "it has changed between two parts";
}

/* *position becomes that of the delimiter behind the part, or WALKED behind the last part. */
static const char *step(const struct tn_request *request, struct tn_form_part *part,
                        size_t *position)
{
	const struct tn_bytes body = request->body;
	const char *end = body.data + body.size;
	struct delimiter delimiter;
	const char *error = read_delimiter(request, &delimiter);
	const char *next;
	const char *at;
	bool closing;

	if (!error)
		error = find_position(&body, &delimiter, *position, &at);
	if (error)
		return error;
	at += delimiter.size - 2;
	*position = WALKED;
	error = end_line(&at, end, &closing);
	if (error || closing)
		return error;
	next = find_delimiter(at - 2, end, &delimiter);
	if (!next)
		return "its closing delimiter is missing";
	*position = (size_t)(next + 2 - body.data);
	return read_part(request->exchange, at, next, part);
}

bool tn_form_next(const struct tn_request *request, struct tn_form_part *part)
{
	size_t position;
	const char *error;

	if (!request || !part || part->position == WALKED)
		return false;
	position = part->position;
	*part = (struct tn_form_part){ 0 };
	error = step(request, part, &position);
	part->position = position;
	if (error)
		*part = (struct tn_form_part){ .error = error, .position = WALKED };
	return part->position != WALKED;
}
