#include "serve/fields.h"
#include "serve/forwarded.h"
#include "serve/head.h"
#include "serve/inbound.h"

#include <string.h>

#define REPLY_LEAST ((size_t)512) /* that any reply needs */

/* Behind the reply, work may need it when the client has gone. */
static const char *address_of(const struct tn_inbound *inbound)
{
	const char *text = inbound->client->address;
	const char *copy = tn_exchange_copy(inbound->exchange, text, strlen(text));

	return copy ? copy : "";
}

static void read_fields(struct tn_inbound *inbound, struct tn_connection *connection)
{
	struct tn_connection_fields fields = { .headers = &inbound->request->headers };

	if (!tn_connection_read(connection, &fields))
		inbound->refusal = 400;
	inbound->head_size += fields.size;
	inbound->expects = fields.expects;
}

/* What a proxy says of the client is believed, or it never was said. */
static void read_forwarded(struct tn_inbound *inbound)
{
	const struct tn_settings *settings = &inbound->edge->deployment->plan->settings;
	const struct tn_forwarding forwarding = {
		.trusted = settings->trusted,
		.count = settings->trusted_count,
		.standard = settings->trusted_fields == TN_TRUSTED_FORWARDED,
	};
	bool trusted = tn_forwarded_read(&forwarding, inbound->request);

	tn_fields_strip(&inbound->request->headers,
	                !trusted              ? TN_FIELDS_NONE
	                : forwarding.standard ? TN_FIELDS_STANDARD
	                                      : TN_FIELDS_X);
}

/* A question about the host as a whole has none (RFC 9110, 9.3.7). */
static void find_route(struct tn_inbound *inbound)
{
	const struct tn_routes *routes = &inbound->edge->deployment->plan->routes;
	const char *target = inbound->request->target;

	inbound->asks_host = strcmp(target, "*") == 0;
	if (inbound->asks_host)
		return;
	inbound->route = tn_routes_match(routes, inbound->request->host, target,
	                                 (size_t)(strchrnul(target, '?') - target));
	if (!inbound->route)
		inbound->refusal = 404;
}

static void read_head(struct tn_inbound *inbound, struct tn_connection *connection)
{
	struct tn_head head = {
		.request = inbound->request,
		.target = inbound->exchange->target,
		.has_body = true,
	};

	inbound->exchange->from_client = true;
	read_fields(inbound, connection);
	if (!inbound->refusal)
		inbound->refusal = tn_head_read(&head);
	if (!inbound->refusal)
		read_forwarded(inbound);
	inbound->exchange->from_client = false;
	if (!inbound->refusal && tn_inbound_room(inbound) < REPLY_LEAST)
		inbound->refusal = 431;
	inbound->has_body = head.has_body;
	if (!inbound->refusal)
		find_route(inbound);
	if (!inbound->refusal)
		tn_inbound_open_body(inbound, head.length);
}

bool tn_inbound_read_head(struct tn_inbound *inbound, struct tn_connection *connection,
                          const char *method)
{
	struct tn_exchange *exchange = inbound->exchange;

	exchange->method = tn_exchange_copy(exchange, method, strlen(method));
	if (!exchange->method)
		return false;
	inbound->request = tn_request_first(exchange, exchange->method, "", "/",
	                                    address_of(inbound));
	if (!inbound->request)
		return false;
	read_head(inbound, connection);
	return true;
}
