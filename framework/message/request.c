#include "message/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct tn_request *tn_request_first(struct tn_exchange *exchange, const char *method,
                                    const char *host, const char *target, const char *address)
{
	struct tn_request *request = tn_exchange_alloc(exchange, sizeof(*request));

	if (!request)
		return NULL;
	*request = (struct tn_request){
		.exchange = exchange,
		.method = method,
		.scheme = "http",
		.host = host,
		.target = target,
		.address = address,
		.body = { .data = "" },
	};
	tn_headers_init(&request->headers, exchange, false);
	return request;
}

const char *tn_request_method(const struct tn_request *request)
{
	return request ? request->method : NULL;
}

const char *tn_request_target(const struct tn_request *request)
{
	return request ? request->target : NULL;
}

const char *tn_request_address(const struct tn_request *request)
{
	return request ? request->address : NULL;
}

const char *tn_request_id(const struct tn_request *request)
{
	return request ? tn_exchange_id(request->exchange) : NULL;
}

const char *tn_request_url(const struct tn_request *request)
{
	if (!request)
		return NULL;
	/* OPTIONS * has no path: its URL is the host's (RFC 9112, 3.3). */
	return tn_format(request, "%s://%s%s", request->scheme, request->host,
	                 request->target[0] == '/' ? request->target : "");
}

const char *tn_request_path(const struct tn_request *request)
{
	const char *query = request ? strchr(request->target, '?') : NULL;

	if (!request)
		return NULL;
	if (!query)
		return request->target;
	return tn_exchange_copy(request->exchange, request->target,
	                        (size_t)(query - request->target));
}

int64_t tn_request_deadline(const struct tn_request *request)
{
	if (!request)
		return 0;
	if (request->exchange->deadline == INT64_MAX)
		return INT64_MAX;
	return request->exchange->deadline - tn_exchange_now();
}

bool tn_request_cancelled(const struct tn_request *request)
{
	return !request ||
	       atomic_load_explicit(&request->exchange->root->cancelled, memory_order_relaxed) ||
	       tn_request_deadline(request) <= 0;
}

struct tn_headers *tn_request_headers(struct tn_request *request)
{
	return request ? &request->headers : NULL;
}

const char *tn_request_header(const struct tn_request *request, const char *name)
{
	return request ? tn_headers_get(&request->headers, name) : NULL;
}

bool tn_request_set_header(struct tn_request *request, const char *name, const char *value)
{
	return tn_headers_set(tn_request_headers(request), name, value);
}

struct tn_bytes tn_request_body(const struct tn_request *request)
{
	return request ? request->body : (struct tn_bytes){ .data = "" };
}

/* The original gives up the right to write its headers in place: that is no change that shows. */
struct tn_request *tn_request_clone(const struct tn_request *request)
{
	struct tn_request *original = (struct tn_request *)(uintptr_t)request;
	struct tn_request *clone;

	if (!request)
		return NULL;
	clone = tn_exchange_alloc(request->exchange, sizeof(*clone));
	if (!clone)
		return NULL;
	*clone = *request;
	tn_headers_share(&clone->headers, &original->headers);
	return clone;
}

struct tn_request *tn_request_new(const struct tn_request *request, const char *method,
                                  const char *url)
{
	struct tn_request *fresh;

	if (!request || !method || !url)
		return NULL;
	fresh = tn_request_first(request->exchange, "GET", request->host, "/", request->address);
	if (!fresh)
		return NULL;
	fresh->scheme = request->scheme;
	if (*fresh->host && !tn_headers_set(&fresh->headers, "Host", fresh->host))
		return NULL;
	if (!tn_request_set_method(fresh, method) || !tn_request_set_url(fresh, url))
		return NULL;
	return fresh;
}

/* Fetch Standard, "normalize" a method: those that browsers always sent in upper case. */
static const char *normal_method(const char *method)
{
	static const char *const normal[] = { "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT" };

	for (size_t i = 0; i < sizeof(normal) / sizeof(normal[0]); i++) {
		if (strcasecmp(method, normal[i]) == 0)
			return normal[i];
	}
	return NULL;
}

static bool forbidden_method(const char *method)
{
	return strcasecmp(method, "CONNECT") == 0 || strcasecmp(method, "TRACE") == 0 ||
	       strcasecmp(method, "TRACK") == 0;
}

bool tn_request_set_method(struct tn_request *request, const char *method)
{
	const char *kept;

	if (!request || !method)
		return false;
	if (!tn_token_valid(method, strlen(method)) || forbidden_method(method)) {
		tn_exchange_refuse(request->exchange, "method '%.100s' refused: %s", method,
		                   forbidden_method(method) ? "a Worker cannot send it"
		                                            : "it is no token");
		return false;
	}
	kept = normal_method(method);
	if (!kept)
		kept = tn_exchange_copy(request->exchange, method, strlen(method));
	if (kept)
		request->method = kept;
	return kept != NULL;
}

static bool set_body(struct tn_request *request, const struct tn_body *body)
{
	if (!request || (!body->data && body->size)) {
		tn_body_drop(body);
		return false;
	}
	if (!tn_body_keep(request->exchange, body, &request->body))
		return false;
	/* What the client said of the body that it sent does not hold for this one. */
	return tn_headers_delete(&request->headers, "Content-Length") &&
	       tn_headers_delete(&request->headers, "Transfer-Encoding");
}

bool tn_request_set_body(struct tn_request *request, const void *data, size_t size)
{
	return set_body(request, &(struct tn_body){ .data = data, .size = size, .copy = true });
}

bool tn_request_set_body_static(struct tn_request *request, const void *data, size_t size)
{
	return set_body(request, &(struct tn_body){ .data = data, .size = size });
}

bool tn_request_set_body_owned(struct tn_request *request, const void *data, size_t size,
                               void (*release)(void *argument), void *argument)
{
	return set_body(request, &(struct tn_body){ .data = data,
	                                            .size = size,
	                                            .release = release,
	                                            .argument = argument });
}
