#include "serve/target.h"

#include <string.h>
#include <strings.h>

bool tn_host_valid(const char *text, size_t size)
{
	__extension__ static const bool allowed[256] = {
		['0' ... ';'] = true,
		['A' ... 'Z'] = true,
		['a' ... 'z'] = true,
		['!'] = true,
		['$' ... '+'] = true,
		['-'] = true,
		['.'] = true,
		['='] = true,
		['['] = true,
		[']'] = true,
		['_'] = true,
		['~'] = true,
	};

	for (size_t i = 0; i < size; i++) {
		if (!allowed[(unsigned char)text[i]])
			return false;
	}
	return true;
}

static bool bytes_valid(const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte <= 0x20 || byte >= 0x7f || byte == '#')
			return false;
	}
	return true;
}

static bool parse_absolute(const char *text, struct tn_target *target)
{
	const char *host = text + strlen("http://");

	target->host = host;
	target->host_size = strcspn(host, "/?");
	target->path_and_query = host + target->host_size;
	return target->host_size > 0 && tn_host_valid(host, target->host_size);
}

bool tn_target_parse(const char *text, const char *method, struct tn_target *target)
{
	*target = (struct tn_target){ .path_and_query = text };
	if (!bytes_valid(text))
		return false;
	if (*text == '/')
		return true;
	if (strcmp(text, "*") == 0)
		return strcmp(method, "OPTIONS") == 0;
	return strncasecmp(text, "http://", strlen("http://")) == 0 &&
	       parse_absolute(text, target);
}
