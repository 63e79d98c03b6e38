/*
 * aggregate.c - calls two bindings with the same request, at once where they wait, and merges the
 * JSON objects that they answer into one. Of a member that both have, the right one's counts.
 *
 *	[worker aggregate]
 *	route         = /profile
 *	service.left  = user
 *	service.right = settings
 *
 * Both have to answer 200 and an object; where one does not, the client gets a 502 that names it,
 * and the log says why.
 */
#include <tenon.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct env {
	struct tn_service self;
	const struct tn_service *left, *right;
};

/* The object of a reply, the caller's to free; NULL, and a line in the log, where it is none. */
static json_t *object_of(const struct tn_request *request, const struct tn_call *call,
                         const char *binding)
{
	struct tn_bytes body = tn_response_body(call->response);
	int status = tn_response_status(call->response);
	json_error_t error;
	json_t *object;

	if (!call->response || status != 200) {
		tn_log(request, TN_LOG_WARNING, "%s: %s %d", binding,
		       call->response ? "status" : "no reply: status", status);
		return NULL;
	}
	object = json_loadb(body.data, body.size, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(object))
		return object;
	tn_log(request, TN_LOG_WARNING, "%s: no JSON object: %s", binding,
	       object ? "another value" : error.text);
	json_decref(object);
	return NULL;
}

static void free_object(void *object)
{
	json_decref(object);
}

static struct tn_response *bad_gateway(const struct tn_request *request, const char *binding)
{
	return tn_response_text(request, 502, tn_format(request, "No answer from %s\n", binding));
}

static struct tn_response *reply(const struct tn_request *request, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (!text)
		return NULL;
	return tn_response_bytes_owned(request, 200, "application/json", text, strlen(text), free,
	                               text);
}

static struct tn_response *aggregate(struct tn_request *request, const struct env *env)
{
	struct tn_call calls[] = {
		{ .service = env->left, .request = request },
		{ .service = env->right, .request = request },
	};
	json_t *left, *right;

	tn_fetch_all(request, calls, 2);
	left = object_of(request, &calls[0], "left");
	if (!left || !tn_defer(request, free_object, left))
		return bad_gateway(request, "left");
	right = object_of(request, &calls[1], "right");
	if (!right || !tn_defer(request, free_object, right))
		return bad_gateway(request, "right");
	if (json_object_update(left, right) != 0)
		return NULL;
	return reply(request, left);
}

TN_WORKER(aggregate, struct env, TN_SERVICE(left), TN_SERVICE(right));
