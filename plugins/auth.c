/* auth.c - allows a request whose x-custom-token is the secret. */
#include <tenon.h>

struct env {
	struct tn_service self;
	const struct tn_secret *SECRET_TOKEN;
};

static struct tn_response *auth(struct tn_request *request, const struct env *env)
{
	if (tn_secret_equals(env->SECRET_TOKEN, tn_request_header(request, "x-custom-token")))
		return tn_response_text_static(request, 200, "Request allowed");
	return tn_response_text_static(request, 403,
	                               "x-custom-token does not match, request not allowed");
}

TN_WORKER(auth, struct env, TN_SECRET(SECRET_TOKEN));
