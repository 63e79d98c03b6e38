/* application.c - what the gateway guards: it says hello. */
#include <tenon.h>

struct env {
	struct tn_service self;
	const char *GREETING;
};

static struct tn_response *application(struct tn_request *request, const struct env *env)
{
	return tn_response_text(request, 200, tn_format(request, "%s\n", env->GREETING));
}

TN_WORKER(application, struct env, TN_VAR_OR(GREETING, "Hello from the application worker"));
