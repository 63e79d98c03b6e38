#include "serve/target.h"

#include "message/path.h"
#include "message/url.h"

#include <string.h>
#include <strings.h>

static bool parse_absolute(const char *text, struct tn_target *target)
{
	const char *host = text + strlen("http://");

	target->host = host;
	target->host_size = strcspn(host, "/?");
	target->path_and_query = host + target->host_size;
	return target->host_size > 0 && tn_url_host_valid(host, target->host_size);
}

bool tn_target_parse(const char *text, const char *method, struct tn_target *target)
{
	*target = (struct tn_target){ .path_and_query = text };
	if (!tn_url_target_valid(text))
		return false;
	if (*text == '/')
		return true;
	if (strcmp(text, "*") == 0)
		return strcmp(method, "OPTIONS") == 0;
	return strncasecmp(text, "http://", strlen("http://")) == 0 &&
	       parse_absolute(text, target);
}

const char *tn_target_normal(struct tn_exchange *exchange, const char *path_and_query)
{
	size_t size = strlen(path_and_query);
	char *normal;

	if (strcmp(path_and_query, "*") == 0 ||
	    (*path_and_query == '/' && tn_path_plain(path_and_query)))
		return path_and_query;
	normal = tn_exchange_alloc(exchange, TN_PATH_ROOM(size + 1));
	return normal && tn_path_normalise(path_and_query, normal) ? normal : NULL;
}
