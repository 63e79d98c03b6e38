/*
 * hello.c - greets whom the query names: /hello?name=Ada.
 *
 *	[worker hello]
 *	route    = /hello
 *	var.NAME = world        ; whom it greets without a name; "world" by default
 */
#include <tenon.h>

struct env {
	struct tn_service self;
	const char *NAME;
};

static struct tn_response *hello(struct tn_request *request, const struct env *env)
{
	const char *name = tn_request_query(request, "name");

	return tn_response_text(request, 200,
	                        tn_format(request, "Hello, %s\n", name ? name : env->NAME));
}

TN_WORKER(hello, struct env, TN_VAR_OR(NAME, "world"));
