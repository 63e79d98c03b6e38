#include "command/diff.h"

#include <stdlib.h>
#include <string.h>

/* By what they match, not by how they are written. */
static int compare_routes(const void *one, const void *other)
{
	const struct tn_route *a = *(const struct tn_route *const *)one;
	const struct tn_route *b = *(const struct tn_route *const *)other;
	int order = (int)a->path_prefix - (int)b->path_prefix;

	if (!order)
		order = strcmp(a->host, b->host);
	return order ? order : strcmp(a->path, b->path);
}

/* For the caller to free. */
static const struct tn_route **sort_routes(const struct tn_routes *routes)
{
	const struct tn_route **sorted = calloc(routes->count + 1, sizeof(sorted[0]));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < routes->count; i++)
		sorted[i] = &routes->list[i];
	qsort(sorted, routes->count, sizeof(sorted[0]), compare_routes);
	return sorted;
}

/* The Worker to which the route leads in the other plan; NULL for none. */
static const struct tn_plan_worker *find_owner(const struct tn_plan *plan,
                                               const struct tn_route **sorted,
                                               const struct tn_route *route)
{
	const struct tn_route **found = bsearch(&route, sorted, plan->routes.count,
	                                        sizeof(sorted[0]), compare_routes);

	return found ? &plan->workers[(*found)->worker] : NULL;
}

static void note_route(struct tn_diff *diff, struct tn_difference *difference,
                       const struct tn_route *route, const struct tn_plan_worker *before,
                       const struct tn_plan_worker *after)
{
	struct tn_diff_change *change = tn_diff_add_change(diff, difference, "route",
	                                                   before ? before->name : NULL,
	                                                   after ? after->name : NULL);

	change->route = tn_diff_copy(diff, route->text);
}

/* One that has moved is noted for both Workers. */
static void compare_after(struct tn_diff *diff, const struct tn_route *route,
                          const struct tn_plan_worker *before)
{
	const struct tn_plan_worker *after = &diff->after->workers[route->worker];
	const struct tn_plan_worker *still;

	if (before && strcmp(before->name, after->name) == 0)
		return;
	note_route(diff, tn_diff_after(diff, after), route, before, after);
	if (!before)
		return;
	still = tn_plan_find(diff->after, before->name);
	note_route(diff, still ? tn_diff_after(diff, still) : tn_diff_before(diff, before),
	           route, before, after);
}

static void compare_before(struct tn_diff *diff, const struct tn_route *route)
{
	const struct tn_plan_worker *before = &diff->before->workers[route->worker];
	const struct tn_plan_worker *still = tn_plan_find(diff->after, before->name);

	note_route(diff, still ? tn_diff_after(diff, still) : tn_diff_before(diff, before),
	           route, before, NULL);
}

void tn_diff_routes(struct tn_diff *diff)
{
	const struct tn_routes *before = &diff->before->routes;
	const struct tn_routes *after = &diff->after->routes;
	const struct tn_route **sorted_before = sort_routes(before);
	const struct tn_route **sorted_after = sort_routes(after);

	diff->failed = diff->failed || !sorted_before || !sorted_after;
	for (size_t i = 0; !diff->failed && i < after->count; i++) {
		const struct tn_route *route = &after->list[i];

		compare_after(diff, route, find_owner(diff->before, sorted_before, route));
	}
	for (size_t i = 0; !diff->failed && i < before->count; i++) {
		const struct tn_route *route = &before->list[i];

		if (!find_owner(diff->after, sorted_after, route))
			compare_before(diff, route);
	}
	free(sorted_before);
	free(sorted_after);
}
