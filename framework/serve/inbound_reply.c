#include "observe/log.h"
#include "serve/inbound.h"
#include "serve/status.h"

#include <string.h>

static size_t fields_size(const struct tn_headers *headers)
{
	size_t size = 0;

	for (size_t i = 0; i < tn_headers_count(headers); i++)
		size += tn_headers_field(headers, i)->name_size +
		        tn_headers_field(headers, i)->value_size + strlen(": \r\n");
	return size;
}

/* For fields of the host's own. */
static bool add_field(struct tn_reply *reply, bool wanted, const char *name, const char *value)
{
	return !wanted || tn_reply_add(reply, name, value);
}

static struct tn_reply *make_reply(struct tn_inbound *inbound, const struct tn_response *response)
{
	struct tn_reply *reply;

	inbound->owners++;
	reply = tn_reply_create(&response->headers, response->body, tn_inbound_let_go, inbound);
	if (!reply)
		return NULL;
	if (add_field(reply, inbound->retry, "Retry-After", "1") &&
	    add_field(reply, inbound->edge->draining, "Connection", "close"))
		return reply;
	tn_reply_destroy(reply);
	return NULL;
}

static bool is_head(const struct tn_inbound *inbound)
{
	const char *method = inbound->exchange->method;

	if (!method)
		return inbound->client->framing.head_only;
	/* For most a letter will do. */
	return *method == 'H' && strcmp(method, "HEAD") == 0;
}

static bool send_response(struct tn_inbound *inbound, struct tn_connection *connection,
                          const struct tn_response *response)
{
	struct tn_reply *reply = make_reply(inbound, response);

	if (!reply)
		return false;
	inbound->status = response->status;
	inbound->reply_size = is_head(inbound) ? 0 : response->body.size;
	inbound->client->answered = tn_connection_send(connection, response->status, reply);
	return inbound->client->answered;
}

bool tn_inbound_reply_status(struct tn_inbound *inbound, struct tn_connection *connection,
                             int status)
{
	struct tn_response response = { .exchange = inbound->exchange, .status = status };

	tn_headers_init(&response.headers, inbound->exchange, true);
	tn_headers_plain_text(&response.headers);
	response.body = tn_status_body(status);
	return send_response(inbound, connection, &response);
}

bool tn_inbound_reply_options(struct tn_inbound *inbound, struct tn_connection *connection)
{
	struct tn_response response = { .exchange = inbound->exchange, .status = 204 };

	tn_headers_init(&response.headers, inbound->exchange, true);
	tn_headers_set(&response.headers, "Allow",
	               "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	return send_response(inbound, connection, &response);
}

static void log_misfit(const struct tn_inbound *inbound, const struct tn_response *response)
{
	struct tn_log_context context = {
		.request = tn_exchange_id(inbound->exchange),
		.worker = inbound->route->worker_name,
	};

	tn_log_write(TN_LOG_ERROR, &context,
	             "the headers of its reply, %zu bytes, do not fit: beside this request's there "
	             "is room for %zu",
	             fields_size(&response->headers), tn_inbound_room(inbound));
}

bool tn_inbound_reply(struct tn_inbound *inbound, struct tn_connection *connection,
                      const struct tn_response *response)
{
	if (!response)
		return tn_inbound_reply_status(inbound, connection, 500);
	/* libmicrohttpd would close the connection without a word. */
	if (fields_size(&response->headers) > tn_inbound_room(inbound)) {
		log_misfit(inbound, response);
		return tn_inbound_reply_status(inbound, connection, 500);
	}
	return send_response(inbound, connection, response);
}
