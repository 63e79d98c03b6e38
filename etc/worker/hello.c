/* hello.c - a Worker outside Tenon's own tree. */
#include <tenon.h>

struct env {
	struct tn_service self;
	const char *NAME;
};

static struct tn_response *hello(struct tn_request *request, const struct env *env)
{
	return tn_response_text(request, 200, tn_format(request, "Hello, %s\n", env->NAME));
}

TN_WORKER(hello, struct env, TN_VAR_OR(NAME, "world"));
