/* cookie.c - one cookie out of the Cookie header (RFC 6265, 4.2.1 and 5.4). */
#include "message/request.h"

#include <string.h>

/* The value of the pair that starts at `pair`, if it has that name; its size in *size. */
static const char *value_of(const char *pair, const char *name, size_t *size)
{
	size_t name_size = strlen(name);
	const char *value;

	if (strncmp(pair, name, name_size) != 0 || pair[name_size] != '=')
		return NULL;
	value = pair + name_size + 1;
	*size = strcspn(value, ";");
	while (*size && (value[*size - 1] == ' ' || value[*size - 1] == '\t'))
		(*size)--;
	return value;
}

const char *tn_request_cookie(const struct tn_request *request, const char *name)
{
	const char *pair = tn_request_header(request, "cookie");

	if (!pair || !name || !*name || strpbrk(name, "=;"))
		return NULL;
	while (*pair) {
		const char *value;
		size_t size;

		pair += strspn(pair, "; \t");
		value = value_of(pair, name, &size);
		if (value)
			return tn_exchange_copy(request->exchange, value, size);
		pair += strcspn(pair, ";");
	}
	return NULL;
}
