#include "serve/forwarded.h"

#include "message/url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define PROXIES_MOST 32 /* one after another: each costs a look at the whole list */

/* A stretch of a field's value. */
struct span {
	const char *data;
	size_t size;
};

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static bool is_trusted(const struct tn_forwarding *forwarding, const struct tn_request *request)
{
	return tn_networks_have(forwarding->trusted, forwarding->count, request->address);
}

static struct span trim(struct span span)
{
	while (span.size && is_blank(span.data[0])) {
		span.data++;
		span.size--;
	}
	while (span.size && is_blank(span.data[span.size - 1]))
		span.size--;
	return span;
}

/*
 * Takes the last item off a list, of which `list` keeps what stands before. A separator within a
 * quoted string is none: from the left, since a backslash says what follows it.
 */
static bool take_last(struct span *list, char separator, struct span *item)
{
	size_t start = 0;
	bool quoted = false;

	if (!list->data)
		return false;
	for (size_t i = 0; i < list->size; i++) {
		if (list->data[i] == '"')
			quoted = !quoted;
		else if (quoted && list->data[i] == '\\')
			i++;
		else if (!quoted && list->data[i] == separator)
			start = i + 1;
	}
	*item = trim((struct span){ list->data + start, list->size - start });
	*list = start ? (struct span){ list->data, start - 1 } : (struct span){ 0 };
	return true;
}

static bool is(struct span span, const char *text)
{
	return span.size == strlen(text) && strncasecmp(span.data, text, span.size) == 0;
}

/* Without its quotes, in the exchange's memory; NULL where they do not match. */
static const char *unquote(struct tn_request *request, struct span span)
{
	char *copy = tn_exchange_copy(request->exchange, span.data, span.size);
	size_t size = 0;

	if (!copy || *copy != '"')
		return copy;
	for (size_t i = 1; i + 1 < span.size; i++) {
		if (copy[i] == '\\' && i + 2 < span.size)
			i++;
		copy[size++] = copy[i];
	}
	copy[size] = '\0';
	return span.size > 1 && span.data[span.size - 1] == '"' ? copy : NULL;
}

/* ---- What they name ------------------------------------------------------------------------ */

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80": as an address is always written.
 * NULL for "unknown", "_hidden" and the like. */
static const char *read_address(struct tn_request *request, const char *text)
{
	const char *colon = strrchr(text, ':');
	unsigned char bytes[TN_NETWORK_BYTES];
	char clean[INET6_ADDRSTRLEN];
	size_t size = strlen(text);
	bool mapped;

	if (*text == '[') {
		size = strcspn(text, "]");
		if (!text[size] || (text[size + 1] && text[size + 1] != ':'))
			return NULL;
		text++;
		size--;
	} else if (colon && strchr(text, ':') == colon) {
		size = (size_t)(colon - text);
	}
	if (size >= sizeof(clean))
		return NULL;
	memcpy(clean, text, size);
	clean[size] = '\0';
	if (!tn_network_address(clean, bytes))
		return NULL;
	mapped = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)bytes);
	if (!inet_ntop(mapped ? AF_INET : AF_INET6, bytes + (mapped ? 12 : 0), clean,
	               sizeof(clean)))
		return NULL;
	return tn_exchange_copy(request->exchange, clean, strlen(clean));
}

/* false where it names none. */
static bool take_address(struct tn_request *request, struct span span)
{
	const char *text = span.data ? unquote(request, span) : NULL;
	const char *address = text ? read_address(request, text) : NULL;

	if (address)
		request->address = address;
	return address;
}

static void take_scheme(struct tn_request *request, struct span scheme)
{
	if (is(scheme, "https"))
		request->scheme = "https";
	else if (is(scheme, "http"))
		request->scheme = "http";
}

static void take_host(struct tn_request *request, const char *host)
{
	if (host && *host && tn_url_host_valid(host, strlen(host)) &&
	    tn_headers_set(&request->headers, "Host", host))
		request->host = host;
}

/* ---- X-Forwarded-* ------------------------------------------------------------------------- */

static struct span field(const struct tn_request *request, const char *name)
{
	const char *value = tn_headers_get(&request->headers, name);

	return (struct span){ value, value ? strlen(value) : 0 };
}

static void read_x(const struct tn_forwarding *forwarding, struct tn_request *request)
{
	struct span list = field(request, "X-Forwarded-For");
	struct span schemes = field(request, "X-Forwarded-Proto");
	struct span hosts = field(request, "X-Forwarded-Host");
	struct span item;

	for (unsigned i = 0; i < PROXIES_MOST && is_trusted(forwarding, request) &&
	                     take_last(&list, ',', &item);
	     i++) {
		if (!take_address(request, item))
			break;
	}
	/* These are written by the nearest proxy: a client's own stand before them, if at all. */
	if (take_last(&schemes, ',', &item))
		take_scheme(request, item);
	if (take_last(&hosts, ',', &item))
		take_host(request, unquote(request, item));
}

/* ---- Forwarded ----------------------------------------------------------------------------- */

/* for=192.0.2.1;proto=https;host=example.com: what one proxy says of who asked it. */
struct element {
	struct span address;
	struct span scheme;
	struct span host;
};

static bool read_element(struct span text, struct element *element)
{
	struct span pair;

	*element = (struct element){ 0 };
	while (take_last(&text, ';', &pair)) {
		const char *equals = memchr(pair.data, '=', pair.size);
		struct span name = { pair.data, equals ? (size_t)(equals - pair.data) : 0 };
		struct span value = { equals ? equals + 1 : NULL, pair.size - name.size - 1 };

		if (!equals)
			return false;
		if (is(name, "for"))
			element->address = value;
		else if (is(name, "proto"))
			element->scheme = value;
		else if (is(name, "host"))
			element->host = value;
	}
	return true;
}

static void read_standard(const struct tn_forwarding *forwarding, struct tn_request *request)
{
	struct span list = field(request, "Forwarded");
	struct element element = { 0 };
	struct span item;

	for (unsigned i = 0; i < PROXIES_MOST && is_trusted(forwarding, request) &&
	                     take_last(&list, ',', &item);
	     i++) {
		if (!read_element(item, &element))
			return;
		take_scheme(request, element.scheme);
		take_host(request, element.host.data ? unquote(request, element.host) : NULL);
		if (!take_address(request, element.address))
			return;
	}
}

bool tn_forwarded_read(const struct tn_forwarding *forwarding, struct tn_request *request)
{
	if (!is_trusted(forwarding, request))
		return false;
	if (forwarding->standard)
		read_standard(forwarding, request);
	else
		read_x(forwarding, request);
	return true;
}
