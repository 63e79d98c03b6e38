/* memory.c - memory of the exchange for a Worker's own use. */
#include "message/request.h"

#include <stdio.h>
#include <string.h>

void *tn_allocate(const struct tn_request *request, size_t size)
{
	void *memory = request ? tn_exchange_alloc(request->exchange, size) : NULL;

	if (memory)
		memset(memory, 0, size);
	return memory;
}

TN_PRINTF(3, 0)
static const char *format_list(struct tn_exchange *exchange, int size, const char *format,
                               va_list list)
{
	char *text = size < 0 ? NULL : tn_exchange_alloc(exchange, (size_t)size + 1);

	if (text)
		vsnprintf(text, (size_t)size + 1, format, list);
	return text;
}

const char *tn_format(const struct tn_request *request, const char *format, ...)
{
	const char *text;
	va_list list;
	int size;

	if (!request || !format)
		return NULL;
	va_start(list, format);
	size = vsnprintf(NULL, 0, format, list);
	va_end(list);
	va_start(list, format);
	text = format_list(request->exchange, size, format, list);
	va_end(list);
	return text;
}
