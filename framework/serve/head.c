#include "serve/head.h"

#include "serve/target.h"

#include <stdlib.h>
#include <string.h>

/* The fields that tell where the request is for and where it ends. */
struct fields {
	const char *host;
	const char *length;
	bool chunked;
};

static void note(struct fields *fields, const struct tn_header_field *field)
{
	if (tn_header_field_is(field, "Host"))
		fields->host = field->value;
	else if (tn_header_field_is(field, "Content-Length"))
		fields->length = field->value;
	else if (tn_header_field_is(field, "Transfer-Encoding"))
		fields->chunked = true;
}

/* RFC 9112, 3.2: an absolute target overrides the Host. HTTP/1.0 may have none. */
static bool read_host(struct tn_request *request, const struct fields *fields,
                      const struct tn_target *target)
{
	request->host = fields->host ? fields->host : "";
	if (!target->host)
		return true;
	request->host = tn_exchange_copy(request->exchange, target->host, target->host_size);
	return request->host && tn_headers_set(&request->headers, "Host", request->host);
}

static bool read_target(const struct tn_head *head, const struct fields *fields)
{
	struct tn_request *request = head->request;
	struct tn_target target;

	if (!head->target || !tn_target_parse(head->target, request->method, &target) ||
	    !read_host(request, fields, &target))
		return false;
	request->target = tn_target_normal(request->exchange, target.path_and_query);
	if (request->target)
		request->exchange->target = request->target;
	return request->target != NULL;
}

static void read_length(struct tn_head *head, const struct fields *fields)
{
	head->length = fields->length ? strtoull(fields->length, NULL, 10) : 0;
	if (fields->chunked)
		head->length = UINT64_MAX;
	head->has_body = head->length > 0;
}

int tn_head_read(struct tn_head *head)
{
	const struct tn_request *request = head->request;
	struct fields fields = { 0 };

	for (size_t i = 0; i < tn_headers_count(&request->headers); i++)
		note(&fields, tn_headers_field(&request->headers, i));
	read_length(head, &fields);
	/* It is an echo of what proxies added, and not for a Worker. Most are told by a letter. */
	if (*request->method == 'T' && strcmp(request->method, "TRACE") == 0)
		return 501;
	return read_target(head, &fields) ? 0 : 400;
}
