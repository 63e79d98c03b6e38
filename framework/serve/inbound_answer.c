#include "message/request.h"
#include "observe/log.h"
#include "serve/inbound.h"

/* ---- Requests that wait -------------------------------------------------------------------- */

static void suspend(struct tn_inbound *inbound, struct tn_connection *connection)
{
	tn_inbound_suspend(inbound, connection);
	tn_wait_watch(inbound->wait, inbound->client->descriptor);
}

static bool answer_waiting(struct tn_inbound *inbound, struct tn_connection *connection)
{
	switch (inbound->wait->state) {
	case TN_WAIT_OPEN:
		suspend(inbound, connection);
		return true;
	case TN_WAIT_DONE:
		return tn_inbound_reply(inbound, connection, inbound->wait->response);
	case TN_WAIT_TURNED_AWAY:
		inbound->retry = true;
		return tn_inbound_reply_status(inbound, connection, 503);
	case TN_WAIT_LATE:
		return tn_inbound_reply_status(inbound, connection, 504);
	default:
		return false;
	}
}

/*
 * The connection is suspended when libmicrohttpd calls anew, which it does at once: it then knows
 * that the request is whole. Suspended now, it would read on when it is resumed, and close the
 * connection of a client that has shut down its side and waits for the reply.
 */
static bool hand_over(struct tn_inbound *inbound, struct tn_connection *connection,
                      const struct tn_service *service)
{
	if (!tn_inbound_make_wait(inbound))
		return tn_inbound_reply_status(inbound, connection, 500);
	inbound->wait->service = service;
	inbound->wait->request = inbound->request;
	tn_wait_begin(inbound->wait);
	if (inbound->wait->state != TN_WAIT_OPEN)
		return answer_waiting(inbound, connection);
	inbound->owners++;
	inbound->edge->again = true;
	return true;
}

/* ---- The call ------------------------------------------------------------------------------ */

/* The key of a split is what the client sent, whatever a Worker makes of its request. */
static bool note_keys(const struct tn_inbound *inbound)
{
	const struct tn_deployment *deployment = inbound->edge->deployment;

	return !deployment->key_count ||
	       tn_split_note(inbound->request, deployment->keys, deployment->key_count);
}

static const struct tn_response *call(const struct tn_inbound *inbound,
                                      const struct tn_service *service)
{
	const struct tn_response *response;

	tn_exchange_show(inbound->exchange, TN_STEP_REQUEST);
	response = service->fetch(inbound->request, service);
	tn_exchange_hide(inbound->exchange);
	return response;
}

/* One that does not wait can be told of its deadline, but not be left to itself. */
static bool answer_in_time(struct tn_inbound *inbound, struct tn_connection *connection,
                           const struct tn_service *service)
{
	struct tn_log_context context = {
		.request = tn_exchange_id(inbound->exchange),
		.worker = inbound->route->worker_name,
	};
	int64_t timeout = inbound->route->timeout;
	int64_t begun = tn_exchange_now();
	const struct tn_response *response;
	int64_t taken;

	inbound->exchange->deadline = begun + timeout;
	response = call(inbound, service);
	taken = tn_exchange_now() - begun;
	if (taken < timeout)
		return tn_inbound_reply(inbound, connection, response);
	tn_log_write(TN_LOG_WARNING, &context,
	             "its reply came after %lld ms, its timeout is %lld ms: it is thrown away",
	             (long long)taken, (long long)timeout);
	return tn_inbound_reply_status(inbound, connection, 504);
}

/* Whoever passes a limit is counted, and has a line. That of a Worker's max_body is its own. */
static void tell_limit(const struct tn_inbound *inbound)
{
	struct tn_refusals *refusals = &inbound->edge->refusals;
	const char *address = inbound->client->address;

	if (inbound->refusal == 413)
		tn_refusals_note(refusals, TN_REFUSED_BODY_SIZE, tn_exchange_now(), address,
		                 "answered with 413: max_body = %zu", inbound->upload.most);
	else if (inbound->refusal == 431)
		tn_refusals_note(refusals, TN_REFUSED_MALFORMED, tn_exchange_now(), address,
		                 "answered with 431: beside its head is no room for a reply's");
}

static bool refuse(struct tn_inbound *inbound, struct tn_connection *connection)
{
	tell_limit(inbound);
	return tn_inbound_reply_status(inbound, connection, inbound->refusal);
}

static bool answer(struct tn_inbound *inbound, struct tn_connection *connection)
{
	const struct tn_service *service;

	if (inbound->wait)
		return answer_waiting(inbound, connection);
	if (inbound->upload.size && !tn_inbound_end_body(inbound, connection))
		return true;
	if (inbound->refusal)
		return refuse(inbound, connection);
	if (inbound->asks_host)
		return tn_inbound_reply_options(inbound, connection);
	if (inbound->upload.size)
		inbound->request->body = tn_upload_body(&inbound->upload);
	if (!note_keys(inbound))
		return tn_inbound_reply_status(inbound, connection, 500);
	service = tn_deployment_service(inbound->edge->deployment, inbound->route);
	if (inbound->route->waits)
		return hand_over(inbound, connection, service);
	if (inbound->route->timeout)
		return answer_in_time(inbound, connection, service);
	return tn_inbound_reply(inbound, connection, call(inbound, service));
}

/* libmicrohttpd takes no reply to a request that has been told to continue, and has no body, if
 * another one is behind it. */
static bool answer_at_once(struct tn_inbound *inbound, struct tn_connection *connection)
{
	bool answered = answer(inbound, connection);

	if (answered && inbound->wait && inbound->wait->state == TN_WAIT_OPEN)
		suspend(inbound, connection);
	return answered;
}

/* A refusal of a request with a body comes before the body, and ends the connection. */
static bool open_request(struct tn_inbound *inbound, struct tn_connection *connection,
                         const char *method)
{
	if (!tn_inbound_read_head(inbound, connection, method))
		return false;
	if (inbound->refusal && inbound->has_body)
		return refuse(inbound, connection);
	if (inbound->expects && !inbound->has_body)
		return answer_at_once(inbound, connection);
	return true;
}

/* It has been answered already, but for one of our own. */
static bool answer_refused(struct tn_inbound *inbound, struct tn_connection *connection)
{
	const struct tn_client *client = inbound->client;

	return client->own && tn_inbound_reply_status(inbound, connection, client->refusal);
}

bool tn_inbound_goes_on(void *request, struct tn_connection *connection, const char *method,
                        const char *data, size_t *size)
{
	struct tn_inbound *inbound = request;

	inbound->edge->activity++;
	if (tn_client_is_refused(inbound->client))
		return answer_refused(inbound, connection);
	if (!inbound->request)
		return open_request(inbound, connection, method);
	if (*size)
		return tn_inbound_take_body(inbound, connection, data, size);
	return answer(inbound, connection);
}
