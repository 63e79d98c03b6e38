/* memory.c - memory of the exchange for a Worker's own use. */
#include "message/request.h"

#include <stdio.h>
#include <string.h>

#define SMALL 512 /* most texts are: these are formatted once */

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

/*
 * Text with "%s" in it, as most formats are: printf alone would take longer for these than all else
 * that a call of a Worker does. false where there is more to the format, or no room.
 */
static bool format_plainly(char *to, size_t *size, const char *format, va_list list)
{
	for (*size = 0; *format; format++) {
		const char *part = format;
		size_t part_size = 1;

		if (*format == '%') {
			if (*++format != 's')
				return false;
			part = va_arg(list, const char *);
			if (!part)
				return false;
			part_size = strlen(part);
		}
		if (part_size > SMALL - *size)
			return false;
		memcpy(to + *size, part, part_size);
		*size += part_size;
	}
	return true;
}

const char *tn_format(const struct tn_request *request, const char *format, ...)
{
	char small[SMALL];
	const char *text;
	size_t plain_size;
	va_list list;
	bool plain;
	int size;

	if (!request || !format)
		return NULL;
	va_start(list, format);
	plain = format_plainly(small, &plain_size, format, list);
	va_end(list);
	if (plain)
		return tn_exchange_copy(request->exchange, small, plain_size);
	va_start(list, format);
	size = vsnprintf(small, sizeof(small), format, list);
	va_end(list);
	if (size >= 0 && (size_t)size < sizeof(small))
		return tn_exchange_copy(request->exchange, small, (size_t)size);
	va_start(list, format);
	text = format_list(request->exchange, size, format, list);
	va_end(list);
	return text;
}
