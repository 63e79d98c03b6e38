/* call_print.c - the reply of `tenon call`, as `curl -i` prints it, or as JSON. */
#include "command/call.h"
#include "command/json.h"
#include "message/headers.h"
#include "serve/edge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- As it would be sent -------------------------------------------------------------------- */

/* A field of a reply, as it goes to whoever prints it. */
typedef void (*take_field)(void *argument, const char *name, const char *value);

/* RFC 9110, 8.6: a 204 has no Content-Length. What has no value is not sent. */
static void each_field(const struct tn_local_reply *reply, take_field take, void *argument)
{
	char length[24];

	for (size_t i = 0; reply->headers && i < tn_headers_count(reply->headers); i++) {
		const struct tn_header_field *field = tn_headers_field(reply->headers, i);

		if (field->value_size)
			take(argument, field->name, field->value);
	}
	if (!reply->headers)
		take(argument, "Content-Type", "text/plain;charset=UTF-8");
	if (reply->retry)
		take(argument, "Retry-After", "1");
	snprintf(length, sizeof(length), "%zu", reply->body.size);
	if (reply->status != 204 && reply->status != 304)
		take(argument, "Content-Length", length);
}

static struct tn_bytes body_of(const struct tn_local_reply *reply, const char *method)
{
	return strcmp(method, "HEAD") != 0 ? reply->body : (struct tn_bytes){ .data = "" };
}

static void print_field(void *argument, const char *name, const char *value)
{
	(void)argument;
	printf("%s: %s\r\n", name, value);
}

void tn_call_print(const struct tn_local_reply *reply, const char *method)
{
	struct tn_bytes body = body_of(reply, method);

	printf("HTTP/1.1 %d %s\r\n", reply->status, tn_edge_reason(reply->status));
	each_field(reply, print_field, NULL);
	fputs("\r\n", stdout);
	fwrite(body.data, 1, body.size, stdout);
}

/* ---- As JSON -------------------------------------------------------------------------------- */

static void add_field(void *argument, const char *name, const char *value)
{
	json_t **list = argument;
	json_t *object = json_object();

	tn_json_set(&object, "name", tn_json_text(name));
	tn_json_set(&object, "value", tn_json_text(value));
	tn_json_append(list, object);
}

/* RFC 4648, 4. */
static json_t *base64(struct tn_bytes bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *at = (const unsigned char *)bytes.data;
	char *text = malloc((bytes.size + 2) / 3 * 4 + 1);
	char *end = text;
	json_t *value;

	if (!text)
		return NULL;
	for (size_t left = bytes.size; left; at += 3) {
		size_t taken = left < 3 ? left : 3;
		unsigned group = (unsigned)at[0] << 16 | (taken > 1 ? (unsigned)at[1] << 8 : 0) |
		                 (taken > 2 ? at[2] : 0);

		for (size_t i = 0; i < 4; i++)
			*end++ = i <= taken ? digits[group >> (18 - 6 * i) & 63] : '=';
		left -= taken;
	}
	value = json_stringn(text, (size_t)(end - text));
	free(text);
	return value;
}

static void set_body(json_t **object, struct tn_bytes body)
{
	json_t *text = json_stringn(body.data, body.size);

	if (text)
		tn_json_set(object, "body", text);
	else
		tn_json_set(object, "body_base64", base64(body));
}

json_t *tn_call_json(const struct tn_local_reply *reply, const char *method)
{
	json_t *object = json_object();
	json_t *fields = json_array();

	each_field(reply, add_field, &fields);
	tn_json_set(&object, "status", json_integer(reply->status));
	tn_json_set(&object, "headers", fields);
	set_body(&object, body_of(reply, method));
	return object;
}
