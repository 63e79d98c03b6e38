#include "message/response.h"

#include "message/request.h"
#include "message/stack.h"

#include <string.h>

static bool without_body(int status)
{
	return status == 204 || status == 205 || status == 304;
}

static inline bool status_valid(struct tn_exchange *exchange, int status, size_t body_size)
{
	if (status < 200 || status > 599) {
		tn_exchange_refuse(exchange, "status %d refused: it is to be 200 to 599", status);
		return false;
	}
	if (body_size && without_body(status)) {
		tn_exchange_refuse(exchange, "body refused: a response with status %d has none",
		                   status);
		return false;
	}
	return true;
}

/* Of a body that is not copied. */
static bool body_stays(struct tn_exchange *exchange, const void *data, size_t size)
{
	if (!size || !tn_stack_has(data))
		return true;
	tn_exchange_refuse(exchange,
	                   "body refused: it lies on the stack, and is gone when the reply is "
	                   "sent: call tn_response_text, tn_response_bytes or "
	                   "tn_response_set_body, which copy it, or make it static const");
	return false;
}

static inline struct tn_response *make(const struct tn_request *request, int status)
{
	struct tn_response *response = tn_exchange_alloc(request->exchange, sizeof(*response));

	if (!response)
		return NULL;
	response->exchange = request->exchange;
	response->status = status;
	response->body = (struct tn_bytes){ .data = "" };
	tn_headers_init(&response->headers, request->exchange, true);
	return response;
}

struct tn_response *tn_response_new(const struct tn_request *request, int status)
{
	if (!request || !status_valid(request->exchange, status, 0))
		return NULL;
	return make(request, status);
}

/* A response with its body kept; NULL, and the body released, where it cannot be. */
static struct tn_response *make_with(const struct tn_request *request, int status,
                                     const struct tn_body *body)
{
	struct tn_response *response;

	if (!request || (!body->data && body->size) ||
	    !status_valid(request->exchange, status, body->size) ||
	    (!body->copy && !body_stays(request->exchange, body->data, body->size))) {
		tn_body_drop(body);
		return NULL;
	}
	response = make(request, status);
	if (!response) {
		tn_body_drop(body);
		return NULL;
	}
	return tn_body_keep(request->exchange, body, &response->body) ? response : NULL;
}

/* By far the most used: hence on its own, without what only an owned body needs. */
static inline struct tn_response *make_text(const struct tn_request *request, int status,
                                            const char *text, bool copy)
{
	size_t size = text ? strlen(text) : 0;
	struct tn_response *response;

	if (!request || !text || !status_valid(request->exchange, status, size))
		return NULL;
	response = make(request, status);
	if (copy)
		text = tn_exchange_copy(request->exchange, text, size);
	if (!response || !text)
		return NULL;
	response->body.data = text;
	response->body.size = size;
	if (!without_body(status))
		tn_headers_plain_text(&response->headers);
	return response;
}

struct tn_response *tn_response_text(const struct tn_request *request, int status,
                                     const char *text)
{
	return make_text(request, status, text, true);
}

struct tn_response *tn_response_text_static(const struct tn_request *request, int status,
                                            const char *text)
{
	if (request && text && !body_stays(request->exchange, text, *text != 0))
		return NULL;
	return make_text(request, status, text, false);
}

static struct tn_response *make_bytes(const struct tn_request *request, int status,
                                      const char *type, const struct tn_body *body)
{
	struct tn_response *response = make_with(request, status, body);

	if (response && type && !tn_headers_set(&response->headers, "Content-Type", type))
		return NULL;
	return response;
}

struct tn_response *tn_response_bytes(const struct tn_request *request, int status,
                                      const char *type, const void *data, size_t size)
{
	return make_bytes(request, status, type,
	                  &(struct tn_body){ .data = data, .size = size, .copy = true });
}

struct tn_response *tn_response_bytes_static(const struct tn_request *request, int status,
                                             const char *type, const void *data, size_t size)
{
	return make_bytes(request, status, type,
	                  &(struct tn_body){ .data = data, .size = size });
}

struct tn_response *tn_response_bytes_owned(const struct tn_request *request, int status,
                                            const char *type, const void *data, size_t size,
                                            void (*release)(void *argument), void *argument)
{
	return make_bytes(request, status, type,
	                  &(struct tn_body){ .data = data,
	                                     .size = size,
	                                     .release = release,
	                                     .argument = argument });
}

int tn_response_status(const struct tn_response *response)
{
	return response ? response->status : 500;
}

struct tn_headers *tn_response_headers(struct tn_response *response)
{
	return response ? &response->headers : NULL;
}

const char *tn_response_header(const struct tn_response *response, const char *name)
{
	return response ? tn_headers_get(&response->headers, name) : NULL;
}

struct tn_bytes tn_response_body(const struct tn_response *response)
{
	return response ? response->body : (struct tn_bytes){ .data = "" };
}

bool tn_response_set_status(struct tn_response *response, int status)
{
	if (!response || !status_valid(response->exchange, status, response->body.size))
		return false;
	response->status = status;
	return true;
}

bool tn_response_set_header(struct tn_response *response, const char *name, const char *value)
{
	return tn_headers_set(tn_response_headers(response), name, value);
}

static bool set_body(struct tn_response *response, const struct tn_body *body)
{
	if (response && (body->data || !body->size) &&
	    status_valid(response->exchange, response->status, body->size) &&
	    (body->copy || body_stays(response->exchange, body->data, body->size)))
		return tn_body_keep(response->exchange, body, &response->body);
	tn_body_drop(body);
	return false;
}

bool tn_response_set_body(struct tn_response *response, const void *data, size_t size)
{
	return set_body(response, &(struct tn_body){ .data = data, .size = size, .copy = true });
}

bool tn_response_set_body_static(struct tn_response *response, const void *data, size_t size)
{
	return set_body(response, &(struct tn_body){ .data = data, .size = size });
}

bool tn_response_set_body_owned(struct tn_response *response, const void *data, size_t size,
                                void (*release)(void *argument), void *argument)
{
	return set_body(response, &(struct tn_body){ .data = data,
	                                             .size = size,
	                                             .release = release,
	                                             .argument = argument });
}
