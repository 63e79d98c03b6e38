#include "serve/head.h"

#include "message/url.h"
#include "serve/target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The fields that tell where the request is for and where it ends. */
struct fields {
	unsigned hosts;
	const char *host;
	unsigned lengths;
	const char *length;
	unsigned codings;
	const char *coding;
};

static inline bool is(const struct tn_header_field *field, const char *name)
{
	return field->name_size == strlen(name) && strcasecmp(field->name, name) == 0;
}

static void note(struct fields *fields, const struct tn_header_field *field)
{
	if (is(field, "Host")) {
		fields->hosts++;
		fields->host = field->value;
	} else if (is(field, "Content-Length")) {
		fields->lengths++;
		fields->length = field->value;
	} else if (is(field, "Transfer-Encoding")) {
		fields->codings++;
		fields->coding = field->value;
	}
}

static bool is_1_1(const struct tn_head *head)
{
	return strcmp(head->version, "HTTP/1.1") == 0;
}

/* RFC 9112, 3.2: one Host, which an absolute target overrides. HTTP/1.0 may have none. */
static bool read_host(const struct tn_head *head, const struct fields *fields,
                      const struct tn_target *target)
{
	struct tn_request *request = head->request;

	if (fields->hosts > 1 || (!fields->hosts && is_1_1(head)))
		return false;
	request->host = fields->hosts ? fields->host : "";
	if (!tn_url_host_valid(request->host, strlen(request->host)))
		return false;
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
	    !read_host(head, fields, &target))
		return false;
	request->target = tn_target_normal(request->exchange, target.path_and_query);
	if (request->target)
		request->exchange->target = request->target;
	return request->target != NULL;
}

/* RFC 9112, 6: one way to tell where the body ends, or none. */
static int check_framing(struct tn_head *head, const struct fields *fields)
{
	unsigned long long length = 0;

	if (fields->lengths + fields->codings > 1 || (fields->codings && !is_1_1(head)))
		return 400;
	if (fields->lengths) {
		length = strtoull(fields->length, NULL, 10);
		if (!*fields->length || fields->length[strspn(fields->length, "0123456789")])
			return 400;
	}
	head->has_body = fields->codings || length;
	if (fields->codings && strcasecmp(fields->coding, "chunked") != 0)
		return 501;
	/* What does not fit into the number is too large as well, and not chunked. */
	head->length = length < UINT64_MAX ? length : UINT64_MAX - 1;
	if (fields->codings)
		head->length = UINT64_MAX;
	return 0;
}

int tn_head_read(struct tn_head *head)
{
	const struct tn_request *request = head->request;
	struct fields fields = { 0 };

	for (size_t i = 0; i < tn_headers_count(&request->headers); i++)
		note(&fields, tn_headers_field(&request->headers, i));
	if (!tn_token_valid(request->method, strlen(request->method)))
		return 400;
	if (!is_1_1(head) && strcmp(head->version, "HTTP/1.0") != 0)
		return 505;
	/* Neither is for a Worker: a tunnel (RFC 9110, 9.3.6), an echo of what proxies added. */
	if (strcmp(request->method, "CONNECT") == 0 || strcmp(request->method, "TRACE") == 0)
		return 501;
	if (!read_target(head, &fields))
		return 400;
	return check_framing(head, &fields);
}
