/* chain.c - the calls of an exchange as text for the log. */
#include "message/exchange.h"

#include <stdio.h>
#include <string.h>

struct writer {
	char *text;
	size_t size;
};

/* Leaves room for the end of the text, so that a cut shows. */
static void put(struct writer *writer, const char *text)
{
	size_t size = strlen(text);
	size_t room = TN_CHAIN_SIZE - 32 - writer->size;

	if (size > room)
		size = room;
	memcpy(writer->text + writer->size, text, size);
	writer->size += size;
}

static const char *name_of(const struct tn_service *service)
{
	return service && service->name ? service->name : "?";
}

const char *tn_exchange_path(const struct tn_exchange *exchange, char *text)
{
	struct writer writer = { .text = text };

	for (unsigned i = 0; i < exchange->depth; i++) {
		if (i)
			put(&writer, ">");
		put(&writer, name_of(exchange->frames[i].service));
	}
	text[writer.size] = '\0';
	return text;
}

static void put_call(struct writer *writer, const struct tn_trace *call, unsigned before)
{
	if (call->depth > before) {
		put(writer, "(");
	} else {
		for (; before > call->depth; before--)
			put(writer, ")");
		put(writer, ",");
	}
	put(writer, name_of(call->service));
}

const char *tn_exchange_chain(const struct tn_exchange *exchange, char *text)
{
	unsigned shown = exchange->calls < TN_TRACE_MAX ? exchange->calls : TN_TRACE_MAX;
	struct writer writer = { .text = text };

	if (!shown)
		return memcpy(text, "-", 2);
	put(&writer, name_of(exchange->trace[0].service));
	for (unsigned i = 1; i < shown; i++)
		put_call(&writer, &exchange->trace[i], exchange->trace[i - 1].depth);
	for (unsigned depth = exchange->trace[shown - 1].depth; depth > 0; depth--)
		put(&writer, ")");
	text[writer.size] = '\0';
	if (exchange->calls > shown)
		snprintf(text + writer.size, TN_CHAIN_SIZE - writer.size, "+%u",
		         exchange->calls - shown);
	return text;
}
