#include "deploy/route.h"

#include "message/path.h"

#include <stdlib.h>
#include <string.h>

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

/* Copies the host in lower case without its port and the dot that may end a name; its size. What
 * is too long is no host of ours. */
static size_t normal_host(const char *host, char normal[TN_HOST_MAX + 1])
{
	size_t size = 0;

	if (*host == '[')
		size = strcspn(host, "]") + 1;
	else
		size = strcspn(host, ":");
	if (size > strlen(host) || size > TN_HOST_MAX)
		size = 0;
	for (size_t i = 0; i < size; i++)
		normal[i] = lower(host[i]);
	if (size > 1 && normal[size - 1] == '.')
		size--;
	normal[size] = '\0';
	return size;
}

/* An IPv6 address in its brackets. */
static const char *check_address(const char *host, size_t size)
{
	size_t inside = strspn(host + 1, "0123456789abcdefABCDEF:.");

	if (inside + 2 > size || host[inside + 1] != ']' || inside < 2)
		return "an IPv6 address stands in brackets: [2001:db8::1]/*";
	return inside + 2 == size ? NULL : "a route's host has no port: remove it";
}

/* "a..b", ".a" and "./a", which looks like a file's path. One dot may end a name. */
static bool has_empty_part(const char *host, size_t size)
{
	return host[0] == '.' || memmem(host, size, "..", 2);
}

static const char *check_host(const char *host, size_t size)
{
	if (size == 0)
		return NULL;
	if (size > TN_HOST_MAX)
		return "the host is too long";
	if (host[size - 1] == ':' && host[size + 1] == '/')
		return "a route has no scheme: write www.example.com/*";
	if (host[0] == '[')
		return check_address(host, size);
	if (memchr(host, ':', size))
		return "a route's host has no port: remove it";
	if (strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*") <
	    size)
		return "the host may have letters, digits, '-', '.' and '_'";
	if (memchr(host + 1, '*', size - 1) || (host[0] == '*' && (size < 3 || host[1] != '.')))
		return "a '*' in the host is its first part: *.example.com";
	if (has_empty_part(host, size))
		return "a part of the host is empty: write www.example.com/*, or /* for every host";
	return NULL;
}

/* What requests are compared with is in the one form that paths have; so is to be a route. What
 * stands for the rest of a path could turn dots into a name. */
static bool has_normal_form(const char *path)
{
	size_t size = strlen(path);
	char *text = strdup(path);
	char *normal = malloc(TN_PATH_ROOM(size));
	bool same = false;

	if (text && normal) {
		if (size && text[size - 1] == '*')
			text[size - 1] = 'x';
		same = tn_path_normalise(text, normal) && strcmp(text, normal) == 0;
	}
	free(text);
	free(normal);
	return same;
}

static const char *check_path(const char *path)
{
	const char *star = strchr(path, '*');

	if (star && star[1])
		return "a '*' in the path is its end: /api/*";
	if (strpbrk(path, "?# \t"))
		return "a route's path has no query, fragment or blank";
	for (const char *at = path; *at; at++)
		if ((unsigned char)*at >= 0x7f)
			return "a path has ASCII only: write other bytes as %XX, as clients send "
			       "them";
	if (!has_normal_form(path))
		return "no request has such a path, they are normalised first: write it without "
		       "'//', '.' and '..', and as %XX, in capitals, only what cannot be written "
		       "as it is";
	return NULL;
}

static bool fill(struct tn_route *route, const char *pattern, const char *path)
{
	char host[TN_HOST_MAX + 1];
	size_t raw_size = (size_t)(path - pattern);
	char raw[TN_HOST_MAX + 1];

	memcpy(raw, pattern, raw_size);
	raw[raw_size] = '\0';
	route->host_wildcard = raw[0] == '*';
	route->host_size = normal_host(raw + (route->host_wildcard ? 1 : 0), host);
	route->host = strdup(host);
	route->path_size = strlen(path);
	route->path_prefix = route->path_size && path[route->path_size - 1] == '*';
	if (route->path_prefix)
		route->path_size--;
	route->path = strndup(path, route->path_size);
	route->text = strdup(pattern);
	return route->host && route->path && route->text;
}

static void route_finish(struct tn_route *route)
{
	free(route->host);
	free(route->path);
	free(route->text);
}

static bool make_room(struct tn_routes *routes)
{
	size_t capacity = routes->capacity ? 2 * routes->capacity : 16;
	struct tn_route *list;

	if (routes->count < routes->capacity)
		return true;
	list = reallocarray(routes->list, capacity, sizeof(list[0]));
	if (!list)
		return false;
	routes->list = list;
	routes->capacity = capacity;
	return true;
}

const char *tn_routes_add(struct tn_routes *routes, const char *pattern, struct tn_place place,
                          const char *worker_name, size_t worker)
{
	struct tn_route route = {
		.place = place,
		.number = routes->count,
		.worker = worker,
		.worker_name = worker_name,
	};
	const char *path = strchr(pattern, '/');
	const char *wrong;

	if (!path)
		return "a route is a path, or a host and a path: /*, /api/*, www.example.com/*";
	wrong = check_host(pattern, (size_t)(path - pattern));
	if (!wrong)
		wrong = check_path(path);
	if (wrong)
		return wrong;
	if (!make_room(routes) || !fill(&route, pattern, path)) {
		route_finish(&route);
		return "out of memory";
	}
	routes->list[routes->count++] = route;
	routes->with_host = routes->with_host || route.host_size;
	return NULL;
}

static int host_class(const struct tn_route *route)
{
	if (route->host_size == 0)
		return 2;
	return route->host_wildcard ? 1 : 0;
}

static int compare_sizes(size_t one, size_t other)
{
	return (one < other) - (one > other);
}

/* Best first; 0 only for two patterns that mean the same. */
static int compare(const struct tn_route *one, const struct tn_route *other)
{
	int order = host_class(one) - host_class(other);

	if (!order)
		order = compare_sizes(one->host_size, other->host_size);
	if (!order)
		order = strcmp(one->host, other->host);
	if (!order)
		order = compare_sizes(one->path_size, other->path_size);
	if (!order)
		order = (int)one->path_prefix - (int)other->path_prefix;
	if (!order)
		order = strcmp(one->path, other->path);
	return order;
}

/* Equal ones in the order in which they were written. */
static int compare_for_sort(const void *left, const void *right)
{
	const struct tn_route *one = left;
	const struct tn_route *other = right;
	int order = compare(one, other);

	if (order)
		return order;
	return (one->number > other->number) - (one->number < other->number);
}

void tn_routes_sort(struct tn_routes *routes, struct tn_errors *errors)
{
	if (routes->count)
		qsort(routes->list, routes->count, sizeof(routes->list[0]), compare_for_sort);
	for (size_t i = 1; i < routes->count; i++) {
		const struct tn_route *one = &routes->list[i - 1];
		const struct tn_route *other = &routes->list[i];

		if (compare(one, other) == 0)
			tn_errors_add(errors, other->place,
			              "worker '%s': route: '%s' is also a route of worker '%s' "
			              "(%s:%u): change or remove one",
			              other->worker_name, other->text, one->worker_name,
			              one->place.file, one->place.line);
	}
}

static bool host_matches(const struct tn_route *route, const char *host, size_t size)
{
	if (route->host_size == 0)
		return true;
	if (!route->host_wildcard)
		return size == route->host_size && memcmp(host, route->host, size) == 0;
	return size > route->host_size &&
	       memcmp(host + size - route->host_size, route->host, route->host_size) == 0;
}

static bool path_matches(const struct tn_route *route, const char *path, size_t size)
{
	if (route->path_prefix ? size < route->path_size : size != route->path_size)
		return false;
	return memcmp(path, route->path, route->path_size) == 0;
}

const struct tn_route *tn_routes_match(const struct tn_routes *routes, const char *host,
                                       const char *path, size_t path_size)
{
	char normal[TN_HOST_MAX + 1];
	size_t host_size = routes->with_host ? normal_host(host, normal) : 0;

	for (size_t i = 0; i < routes->count; i++) {
		const struct tn_route *route = &routes->list[i];

		if (path_matches(route, path, path_size) &&
		    host_matches(route, normal, host_size))
			return route;
	}
	return NULL;
}

void tn_routes_finish(struct tn_routes *routes)
{
	for (size_t i = 0; i < routes->count; i++)
		route_finish(&routes->list[i]);
	free(routes->list);
	*routes = (struct tn_routes){ 0 };
}
