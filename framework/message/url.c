/* url.c - URLs: taken apart when one is set, their query, percent-encoding. */
#include "message/url.h"

#include "message/parameters.h"
#include "message/request.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- What is valid ------------------------------------------------------------------------- */

bool tn_url_target_valid(const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte <= 0x20 || byte >= 0x7f || byte == '#')
			return false;
	}
	return true;
}

/* RFC 3986, 3.2.2: what a registered name has, but for ',', which would make a list of it. */
__extension__ static const bool name_bytes[256] = {
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['a' ... 'z'] = true,
	['!'] = true,
	['$'] = true,
	['&' ... '+'] = true,
	['-'] = true,
	['.'] = true,
	[';'] = true,
	['='] = true,
	['_'] = true,
	['~'] = true,
};

static bool is_escape(const char *at, const char *end)
{
	return end - at >= 3 && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]) &&
	       (at[1] != '0' || at[2] != '0');
}

/* Behind a name, or an address in which there are colons. */
static const char *skip_name(const char *at, const char *end, bool colons)
{
	while (at < end) {
		if (name_bytes[(unsigned char)*at] || (colons && *at == ':'))
			at++;
		else if (*at == '%' && is_escape(at, end))
			at += 3;
		else
			break;
	}
	return at;
}

/* Behind a name, or an address in brackets; NULL: there is none. */
static const char *skip_host(const char *at, const char *end)
{
	const char *stop;

	if (*at != '[') {
		stop = skip_name(at, end, false);
		return stop > at ? stop : NULL;
	}
	stop = skip_name(at + 1, end, true);
	return stop - at > 2 && stop < end && *stop == ']' ? stop + 1 : NULL;
}

bool tn_url_host_valid(const char *text, size_t size)
{
	const char *end = text + size;
	const char *at;

	if (!size)
		return true;
	at = skip_host(text, end);
	if (!at || at == end)
		return at;
	if (*at++ != ':')
		return false;
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at == end;
}

/* ---- Setting one -------------------------------------------------------------------------- */

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

/* ---- The query ---------------------------------------------------------------------------- */

static struct tn_parameters query_of(const struct tn_request *request)
{
	const char *query = strchr(request->target, '?');

	query = query ? query + 1 : "";
	return (struct tn_parameters){ request->exchange, query, strlen(query) };
}

const char *tn_request_query(const struct tn_request *request, const char *name)
{
	struct tn_parameters query;

	if (!request || !name)
		return NULL;
	query = query_of(request);
	return tn_parameters_get(&query, name);
}

bool tn_request_query_next(const struct tn_request *request, struct tn_parameter *parameter)
{
	struct tn_parameters query;

	if (!request || !parameter)
		return false;
	query = query_of(request);
	return tn_parameters_next(&query, parameter);
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
