/*
 * router.c - several paths to several bindings, behind one route: so that one Worker, such as a
 * gateway or ratelimit, stands in front of all of them.
 *
 *	[worker router]
 *	var.path1     = /shop
 *	service.to1   = shop
 *	var.path2     = /blog*
 *	service.to2   = blog
 *	service.other = front        ; where no path matches; without it, a 404
 *
 * A path is exact, or ends in '*' and then matches all that begins so, as with routes; the longest
 * one wins. There may be eight, path1 to path8, in any order. The URL stays as it is.
 */
#include <tenon.h>

#include <stdio.h>
#include <string.h>

#define PATHS 8

struct env {
	struct tn_service self;
	const char *path1, *path2, *path3, *path4, *path5, *path6, *path7, *path8;
	const struct tn_service *to1, *to2, *to3, *to4, *to5, *to6, *to7, *to8;
	const struct tn_service *other;
};

struct path {
	const char *text; /* "" where it is not given */
	const struct tn_service *to;
};

static void list_paths(const struct env *env, struct path paths[PATHS])
{
	paths[0] = (struct path){ env->path1, env->to1 };
	paths[1] = (struct path){ env->path2, env->to2 };
	paths[2] = (struct path){ env->path3, env->to3 };
	paths[3] = (struct path){ env->path4, env->to4 };
	paths[4] = (struct path){ env->path5, env->to5 };
	paths[5] = (struct path){ env->path6, env->to6 };
	paths[6] = (struct path){ env->path7, env->to7 };
	paths[7] = (struct path){ env->path8, env->to8 };
}

static const char *problem_of(const struct path *path)
{
	const char *star = strchr(path->text, '*');

	if (!*path->text)
		return path->to ? "has a binding and no path: write var.path" : NULL;
	if (!path->to)
		return "has a path and no binding: write service.to";
	if (*path->text != '/')
		return "does not begin with '/': var.path";
	if (star && star[1])
		return "has a '*' that is not its end: var.path";
	return NULL;
}

static const char *start(struct env *env)
{
	static char reason[128];
	struct path paths[PATHS];

	list_paths(env, paths);
	for (unsigned i = 0; i < PATHS; i++) {
		const char *problem = problem_of(&paths[i]);

		for (unsigned other = 0; !problem && other < i; other++)
			if (*paths[i].text && strcmp(paths[i].text, paths[other].text) == 0)
				problem = "is the same as one before it: var.path";
		if (!problem)
			continue;
		snprintf(reason, sizeof(reason), "path %u %s%u", i + 1, problem, i + 1);
		return reason;
	}
	return NULL;
}

/* How much of the path the pattern names; 0 where it does not match. An exact one names the end of
 * the path, too. */
static size_t match(const char *pattern, const char *path)
{
	size_t size = strlen(pattern);

	if (size && pattern[size - 1] == '*')
		return strncmp(path, pattern, size - 1) == 0 ? size - 1 : 0;
	return strcmp(path, pattern) == 0 ? size + 1 : 0;
}

static struct tn_response *router(struct tn_request *request, const struct env *env)
{
	const struct tn_service *to = env->other;
	struct path paths[PATHS];
	size_t best = 0;

	list_paths(env, paths);
	for (unsigned i = 0; i < PATHS; i++) {
		size_t matched = match(paths[i].text, tn_request_path(request));

		if (matched <= best)
			continue;
		best = matched;
		to = paths[i].to;
	}
	if (!to)
		return tn_response_text_static(request, 404, "Not found\n");
	return tn_fetch(to, request);
}

TN_WORKER(router, struct env,
          TN_VAR_OR(path1, ""), TN_SERVICE_OPTIONAL(to1),
          TN_VAR_OR(path2, ""), TN_SERVICE_OPTIONAL(to2),
          TN_VAR_OR(path3, ""), TN_SERVICE_OPTIONAL(to3),
          TN_VAR_OR(path4, ""), TN_SERVICE_OPTIONAL(to4),
          TN_VAR_OR(path5, ""), TN_SERVICE_OPTIONAL(to5),
          TN_VAR_OR(path6, ""), TN_SERVICE_OPTIONAL(to6),
          TN_VAR_OR(path7, ""), TN_SERVICE_OPTIONAL(to7),
          TN_VAR_OR(path8, ""), TN_SERVICE_OPTIONAL(to8),
          TN_SERVICE_OPTIONAL(other),
          TN_START(start));
