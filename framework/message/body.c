/* body.c - how the bytes of a message come into the exchange's keeping. */
#include "message/exchange.h"
#include "message/later.h"

bool tn_body_keep(struct tn_exchange *exchange, const struct tn_body *body,
                  struct tn_bytes *bytes)
{
	const char *data = body->data;

	if (body->copy && body->size) {
		data = tn_exchange_copy(exchange, body->data, body->size);
		if (!data)
			return false;
	}
	if (body->release && !tn_exchange_defer(exchange, body->release, body->argument))
		return false;
	*bytes = (struct tn_bytes){ .data = body->size ? data : "", .size = body->size };
	return true;
}

void tn_body_drop(const struct tn_body *body)
{
	if (body->release)
		body->release(body->argument);
}
