/* gateway.c - lets a request through to the application if auth says so. */
#include <tenon.h>

struct env {
	struct tn_service self;
	const struct tn_service *auth;
	const struct tn_service *application;
};

static struct tn_response *gateway(struct tn_request *request, const struct env *env)
{
	struct tn_response *verdict = env->auth->fetch(tn_request_clone(request), env->auth);

	if (tn_response_status(verdict) != 200)
		return verdict;
	return env->application->fetch(request, env->application);
}

TN_WORKER(gateway, struct env, TN_SERVICE(auth), TN_SERVICE(application));
