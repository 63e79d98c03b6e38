/* url.c - URLs: taken apart when one is set, percent-decoded in the query, percent-encoded. */
#include "message/url.h"

#include "message/request.h"

#include <string.h>
#include <strings.h>

/* ---- Setting one -------------------------------------------------------------------------- */

bool tn_url_target_valid(const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte <= 0x20 || byte >= 0x7f || byte == '#')
			return false;
	}
	return true;
}

bool tn_url_host_valid(const char *text, size_t size)
{
	__extension__ static const bool allowed[256] = {
		['0' ... ';'] = true,
		['A' ... 'Z'] = true,
		['a' ... 'z'] = true,
		['!'] = true,
		['$' ... '+'] = true,
		['-'] = true,
		['.'] = true,
		['='] = true,
		['['] = true,
		[']'] = true,
		['_'] = true,
		['~'] = true,
	};

	for (size_t i = 0; i < size; i++) {
		if (!allowed[(unsigned char)text[i]])
			return false;
	}
	return true;
}

static bool refuse(const struct tn_request *request, const char *url, const char *why)
{
	tn_exchange_refuse(request->exchange, "URL '%.1000s' refused: %s", url, why);
	return false;
}

/* Copies target to where a path is sure to be its start: "http://auth?x" has none. */
static const char *keep_target(const struct tn_request *request, const char *text)
{
	if (*text == '/')
		return tn_exchange_copy(request->exchange, text, strlen(text));
	return tn_format(request, "/%s", text);
}

static bool set_absolute(struct tn_request *request, const char *url, const char *scheme)
{
	const char *host = url + strlen(scheme) + 3;
	size_t host_size = strcspn(host, "/?#");
	const char *target;

	if (!host_size || !tn_url_host_valid(host, host_size))
		return refuse(request, url, "it has no valid host");
	if (!tn_url_target_valid(host + host_size))
		return refuse(request, url, "percent-encode it, leave out the fragment");
	target = keep_target(request, host + host_size);
	host = tn_exchange_copy(request->exchange, host, host_size);
	if (!target || !host || !tn_headers_set(&request->headers, "Host", host))
		return false;
	request->scheme = scheme;
	request->host = host;
	request->target = target;
	return true;
}

bool tn_request_set_url(struct tn_request *request, const char *url)
{
	const char *target;

	if (!request || !url)
		return false;
	if (strncasecmp(url, "http://", 7) == 0)
		return set_absolute(request, url, "http");
	if (strncasecmp(url, "https://", 8) == 0)
		return set_absolute(request, url, "https");
	if (*url != '/')
		return refuse(request, url, "it is to start with '/', http:// or https://");
	if (!tn_url_target_valid(url))
		return refuse(request, url, "percent-encode it, leave out the fragment");
	target = keep_target(request, url);
	if (target)
		request->target = target;
	return target != NULL;
}

/* ---- Decoding ----------------------------------------------------------------------------- */

static int hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* One decoded byte from *text, which moves behind it. %00 would cut a C string: it stays. */
static char decode_byte(const char **text, const char *end)
{
	const char *at = (*text)++;
	int byte;

	if (*at == '+')
		return ' ';
	if (*at != '%' || end - at < 3 || hex(at[1]) < 0 || hex(at[2]) < 0)
		return *at;
	byte = hex(at[1]) * 16 + hex(at[2]);
	if (byte == 0)
		return *at;
	*text = at + 3;
	return (char)byte;
}

static const char *decode(struct tn_exchange *exchange, const char *text, const char *end)
{
	char *decoded = tn_exchange_alloc(exchange, (size_t)(end - text) + 1);
	size_t size = 0;

	if (!decoded)
		return NULL;
	while (text < end)
		decoded[size++] = decode_byte(&text, end);
	decoded[size] = '\0';
	return decoded;
}

static bool decodes_to(const char *text, const char *end, const char *wanted)
{
	while (text < end) {
		if (!*wanted || decode_byte(&text, end) != *wanted++)
			return false;
	}
	return !*wanted;
}

/* ---- The query ---------------------------------------------------------------------------- */

/* One "name=value" of a query, still encoded. */
struct pair {
	const char *name;
	const char *name_end;
	const char *value;
	const char *end;
};

/* Steps *position, an offset into the query, behind the next pair that is not empty. */
static bool next_pair(const struct tn_request *request, size_t *position, struct pair *pair)
{
	const char *query = strchr(request->target, '?');
	const char *start;

	/* The URL may be another, and shorter, than at the last step. */
	if (!query || *position > strlen(query + 1))
		return false;
	start = query + 1 + *position;
	start += strspn(start, "&");
	if (!*start)
		return false;
	pair->name = start;
	pair->end = start + strcspn(start, "&");
	pair->name_end = memchr(start, '=', (size_t)(pair->end - start));
	pair->value = pair->name_end ? pair->name_end + 1 : pair->end;
	if (!pair->name_end)
		pair->name_end = pair->end;
	*position = (size_t)(pair->end - query - 1);
	return true;
}

const char *tn_request_query(const struct tn_request *request, const char *name)
{
	size_t position = 0;
	struct pair pair;

	if (!request || !name)
		return NULL;
	while (next_pair(request, &position, &pair)) {
		if (decodes_to(pair.name, pair.name_end, name))
			return decode(request->exchange, pair.value, pair.end);
	}
	return NULL;
}

bool tn_request_query_next(const struct tn_request *request, struct tn_parameter *parameter)
{
	struct pair pair;

	if (!request || !parameter || !next_pair(request, &parameter->position, &pair))
		return false;
	parameter->name = decode(request->exchange, pair.name, pair.name_end);
	parameter->value = decode(request->exchange, pair.value, pair.end);
	return parameter->name && parameter->value;
}

/* ---- Encoding ----------------------------------------------------------------------------- */

static bool unreserved(char byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
	       byte == '~';
}

const char *tn_url_encode(const struct tn_request *request, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t size = 0;
	char *encoded;

	if (!request || !text)
		return NULL;
	for (const char *at = text; *at; at++)
		size += unreserved(*at) ? 1 : 3;
	encoded = tn_exchange_alloc(request->exchange, size + 1);
	if (!encoded)
		return NULL;
	size = 0;
	for (; *text; text++) {
		if (unreserved(*text)) {
			encoded[size++] = *text;
			continue;
		}
		encoded[size++] = '%';
		encoded[size++] = digits[(unsigned char)*text >> 4];
		encoded[size++] = digits[(unsigned char)*text & 15];
	}
	encoded[size] = '\0';
	return encoded;
}
