#include "serve/edge.h"

#include "deploy/bodies.h"
#include "message/request.h"
#include "message/response.h"
#include "observe/log.h"
#include "serve/addresses.h"
#include "serve/client.h"
#include "serve/deadlines.h"
#include "serve/fields.h"
#include "serve/forwarded.h"
#include "serve/head.h"
#include "serve/linger.h"
#include "serve/proof.h"
#include "serve/refusal.h"
#include "serve/refusals.h"
#include "serve/status.h"
#include "serve/tap.h"
#include "serve/upload.h"
#include "serve/waiting.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define POOL_MOST 1024u          /* exchanges kept in stock: 16 KiB each */
#define DESCRIPTORS_RESERVED 64u /* for the log, the modules' own and the like */
#define PROOF_TURNS 16
#define REST_MS 1000 /* at a stop, for the work behind replies that it cuts short */

/*
 * What a connection has for the head of a request and that of its reply. libmicrohttpd clears all
 * of it after each request; with its own 32 KiB, which is all of many a first-level cache, a
 * request takes a fifth more of the processor's time.
 */
#define CONNECTION_MEMORY ((size_t)24 * 1024)
#define HEAD_WITHIN ((size_t)16 * 1024) /* the largest head, and its fields, that it is for */
#define FIELDS_WITHIN ((size_t)100)
#define HEAD_OVERHEAD ((size_t)1536) /* of both: request line, status line, Date and the like */
#define REPLY_LEAST ((size_t)512)    /* that any reply needs */
#define FIELD_OVERHEAD ((size_t)80)  /* libmicrohttpd's own record of a request's field */

struct tn_edge {
	const struct tn_deployment *deployment;
	struct tn_access_log *access_log;
	struct MHD_Daemon *daemon;
	struct tn_exchange_pool pool;
	struct tn_tap tap;
	struct tn_framing_limits framing;
	struct tn_linger *linger;
	struct tn_refusals refusals;
	bool proving; /* that it sees the bytes: no request is a client's */
	struct tn_waiting *waiting;
	struct tn_spool *spool; /* NULL: no route takes bodies that are too large for memory */
	size_t waits;           /* how many there are */
	bool again;             /* libmicrohttpd can get on at once with what it was just told */
	struct tn_deadlines deadlines;
	struct tn_addresses addresses;
	size_t memory; /* of a connection */
	unsigned connections;
	unsigned most_connections; /* that there are descriptors for */
	unsigned allowed;          /* beyond it, and beyond those of one address, one is refused */
	unsigned allowed_each;
	unsigned in_flight;
	unsigned long activity;
	bool draining;
};

/* One request on the wire. It lives in its exchange's arena. */
struct inbound {
	struct tn_edge *edge;
	struct tn_client *client; /* NULL once libmicrohttpd's request has ended */
	struct tn_exchange *exchange;
	/* libmicrohttpd's request and its response, and the pool: the last one ends it. */
	unsigned owners;
	struct timespec begun;
	struct tn_request *request;
	const struct tn_route *route; /* NULL: 404 */
	int refusal;                  /* the status of a request that reaches no Worker; 0: none */
	bool has_body;                /* or may have: its head cannot be relied on */
	bool expects;                 /* it has an Expect */
	size_t head_size;             /* of the connection's memory that the request's head takes */
	struct tn_upload upload;
	bool spooling;      /* the thread of the files is an owner, too */
	bool upload_ending; /* libmicrohttpd knows that the body is whole */
	int status;
	size_t reply_size;
	bool retry;           /* the reply says when the client may try again */
	struct tn_wait *wait; /* NULL: it has not been handed to the pool */
	struct MHD_Connection *suspended;
};

/* ---- The exchange and its owners ----------------------------------------------------------- */

static bool make_wait(struct inbound *inbound)
{
	struct tn_wait *wait = tn_wait_create(inbound->edge->waiting);

	if (!wait)
		return false;
	wait->exchange = inbound->exchange;
	wait->route = inbound->route;
	wait->owner = inbound;
	inbound->wait = wait;
	inbound->edge->waits++;
	return true;
}

/* Of one that threads had to do with, or are to have. */
static void finish(struct inbound *inbound)
{
	struct tn_edge *edge = inbound->edge;
	struct tn_wait *wait;

	if ((inbound->wait || make_wait(inbound)) && !tn_wait_finish(inbound->wait))
		return;
	wait = inbound->wait;
	if (!tn_exchange_end(&edge->pool, inbound->exchange) || !wait)
		return;
	tn_wait_end(wait);
	edge->waits--;
}

static void let_go(struct inbound *inbound)
{
	if (--inbound->owners)
		return;
	if (inbound->wait || inbound->exchange->later)
		finish(inbound);
	else
		tn_exchange_end(&inbound->edge->pool, inbound->exchange);
}

/* It was the request that the pool had, or what is left behind the reply. */
static void pool_let_go(struct tn_wait *wait)
{
	struct inbound *inbound = wait->owner;

	inbound->edge->activity++;
	if (inbound->owners)
		let_go(inbound);
	else
		finish(inbound);
}

static struct inbound *begin(struct tn_edge *edge, struct tn_client *client, const char *target)
{
	struct tn_exchange *exchange = tn_exchange_begin(&edge->pool);
	struct inbound *inbound;

	if (!exchange)
		return NULL;
	inbound = tn_exchange_alloc(exchange, sizeof(*inbound));
	if (!inbound) {
		tn_exchange_end(&edge->pool, exchange);
		return NULL;
	}
	*inbound = (struct inbound){
		.edge = edge, .client = client, .exchange = exchange, .owners = 1
	};
	inbound->head_size = strlen(target);
	if (*target)
		exchange->target = tn_exchange_copy(exchange, target, inbound->head_size);
	if (tn_access_log_enabled(edge->access_log))
		clock_gettime(CLOCK_MONOTONIC, &inbound->begun);
	edge->in_flight++;
	if (!edge->proving)
		tn_activity_count(&edge->pool.activity->begun);
	return inbound;
}

/* NULL where there was no memory for it: then the connection gets no reply. */
static struct tn_client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* Whether the request that has begun last is one that is refused. */
static bool is_refused(const struct tn_client *client)
{
	return client->refusal && client->refused == client->begun;
}

static void tell_refusal(struct tn_edge *edge, const struct tn_client *client)
{
	if (!edge->proving)
		tn_refusals_note(&edge->refusals, TN_REFUSED_MALFORMED, tn_exchange_now(),
		                 client->address, "refused with %d: %s", client->refusal,
		                 client->reason);
}

/* No client's, since it is known by where it lies. */
static const char no_cookies[] = "";

/*
 * libmicrohttpd would take query and cookies apart, into memory of the connection, of which a
 * request can make it need more than there is: then it answers twice, or never. So it is shown no
 * query, and first of all a Cookie without a value, which is the one that it looks at.
 */
static void keep_apart(struct MHD_Connection *connection, const char *target)
{
	char *query = strchr((char *)(uintptr_t)target, '?');

	if (query)
		query[1] = '\0';
	MHD_set_connection_value(connection, MHD_HEADER_KIND, "Cookie", no_cookies);
}

/* The first word of a request: libmicrohttpd has read its request line. */
static void *request_begins(void *argument, const char *target, struct MHD_Connection *connection)
{
	struct tn_client *client = client_of(connection);
	struct tn_edge *edge = argument;

	edge->activity++;
	if (!client)
		return NULL;
	client->begun++;
	if (is_refused(client)) {
		tell_refusal(edge, client);
		client->current = begin(edge, client, ""); /* it is our own */
	} else if (!edge->proving) {
		client->current = begin(edge, client, target);
		keep_apart(connection, target);
	}
	return client->current;
}

static uint64_t microseconds_since(const struct timespec *begun)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)((int64_t)(now.tv_sec - begun->tv_sec) * 1000000 +
	                  (now.tv_nsec - begun->tv_nsec) / 1000);
}

/* What a thread is still writing is not to be read: whose reply came too late is known. */
static const char *chain_of(const struct inbound *inbound, char *text)
{
	if (inbound->wait && inbound->wait->held)
		return inbound->route->worker_name;
	return tn_exchange_chain(inbound->exchange, text);
}

static void log_access(const struct inbound *inbound, bool aborted)
{
	char chain[TN_CHAIN_SIZE];
	struct tn_access_record record = {
		.id = tn_exchange_id(inbound->exchange),
		.method = inbound->exchange->method ? inbound->exchange->method : "-",
		.target = inbound->exchange->target ? inbound->exchange->target : "-",
		.status = inbound->status,
		.bytes = inbound->reply_size,
		.microseconds = microseconds_since(&inbound->begun),
		.chain = chain_of(inbound, chain),
		.aborted = aborted,
	};

	tn_access_log_write(inbound->edge->access_log, &record);
}

/* The last word of it, whatever became of it. */
static void end(struct inbound *inbound, bool aborted)
{
	struct tn_edge *edge = inbound->edge;

	edge->in_flight--;
	if (!edge->proving) {
		tn_activity_count(&edge->pool.activity->ended);
		if (tn_access_log_enabled(edge->access_log))
			log_access(inbound, aborted);
	}
	if (inbound->wait && inbound->wait->state == TN_WAIT_OPEN)
		tn_wait_abandon(inbound->wait);
	let_go(inbound);
}

/* The tap has answered it. */
static void end_refused(struct inbound *inbound, const struct tn_client *client)
{
	inbound->status = client->refusal;
	if (!client->framing.head_only)
		inbound->reply_size = tn_status_body(client->refusal).size;
	end(inbound, false);
}

static void note_end(const struct tn_edge *edge, struct tn_client *client)
{
	if (!client)
		return;
	tn_deadlines_restart(&edge->deadlines, client);
	client->ended++;
	client->current = NULL;
	client->answered = false;
}

/* Called once for each request that began, whatever became of it. */
static void request_ends(void *argument, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
	struct tn_client *client = client_of(connection);
	struct inbound *inbound = *state;
	struct tn_edge *edge = argument;

	edge->activity++;
	note_end(edge, client);
	if (!inbound)
		return;
	*state = NULL;
	inbound->client = NULL;
	if (client && is_refused(client) && !inbound->status)
		end_refused(inbound, client);
	else
		end(inbound, how != MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

/* ---- Bytes become a request ---------------------------------------------------------------- */

/* Behind the reply, work may need it when the client has gone. */
static const char *address_of(const struct inbound *inbound)
{
	const char *text = inbound->client->address;
	const char *copy = tn_exchange_copy(inbound->exchange, text, strlen(text));

	return copy ? copy : "";
}

static enum MHD_Result take_header(void *argument, enum MHD_ValueKind kind, const char *name,
                                   size_t name_size, const char *value, size_t value_size)
{
	struct inbound *inbound = argument;

	(void)kind;
	if (value == no_cookies)
		return MHD_YES;
	inbound->head_size += name_size + value_size + FIELD_OVERHEAD;
	if (name_size == strlen("Expect") && strcasecmp(name, "Expect") == 0)
		inbound->expects = true;
	if (tn_headers_append_valid(&inbound->request->headers, name, name_size,
	                            value ? value : "", value_size))
		return MHD_YES;
	inbound->refusal = 400;
	return MHD_NO;
}

/* What the request's head has left of the connection's memory for that of the reply. */
static size_t head_room(const struct inbound *inbound)
{
	size_t taken = inbound->head_size + HEAD_OVERHEAD;

	return taken < inbound->edge->memory ? inbound->edge->memory - taken : 0;
}

/* What a proxy says of the client is believed, or it never was said. */
static void read_forwarded(struct inbound *inbound)
{
	const struct tn_settings *settings = &inbound->edge->deployment->plan->settings;
	const struct tn_forwarding forwarding = {
		.trusted = settings->trusted,
		.count = settings->trusted_count,
		.standard = settings->trusted_fields == TN_TRUSTED_FORWARDED,
	};
	bool trusted = tn_forwarded_read(&forwarding, inbound->request);

	tn_fields_strip(&inbound->request->headers,
	                !trusted              ? TN_FIELDS_NONE
	                : forwarding.standard ? TN_FIELDS_STANDARD
	                                      : TN_FIELDS_X);
}

/* It asks about the host as a whole (RFC 9110, 9.3.7). */
static bool asks_for_options(const struct inbound *inbound)
{
	return inbound->request && strcmp(inbound->request->target, "*") == 0;
}

static void find_route(struct inbound *inbound)
{
	const struct tn_request *request = inbound->request;

	if (asks_for_options(inbound))
		return;
	inbound->route = tn_routes_match(&inbound->edge->deployment->plan->routes, request->host,
	                                 request->target, strcspn(request->target, "?"));
	if (!inbound->route)
		inbound->refusal = 404;
}

static void piece_written(void *argument);

/* A body that says that it is too large is refused before it is sent. */
static void open_upload(struct inbound *inbound, uint64_t length)
{
	const struct tn_edge *edge = inbound->edge;
	const struct tn_settings *settings = &edge->deployment->plan->settings;

	inbound->upload = (struct tn_upload){
		.exchange = inbound->exchange,
		.most = (size_t)(inbound->route ? inbound->route->max_body : settings->max_body),
		.memory = (size_t)settings->body_memory,
		.length = length,
		.spool = edge->spool,
		.written = piece_written,
		.argument = inbound,
	};
	if (length != TN_UPLOAD_UNKNOWN && length > inbound->upload.most)
		inbound->refusal = 413;
	/* It may be further, where all of this request has come at once. */
	if (inbound->client->framing.messages == inbound->client->begun)
		inbound->client->framing.body_most = inbound->upload.most;
}

/* Reads the head into the request; what is wrong with it becomes the refusal. */
static void read_head(struct inbound *inbound, struct MHD_Connection *connection)
{
	struct tn_head head = {
		.request = inbound->request,
		.target = inbound->exchange->target,
		.has_body = true,
	};

	inbound->exchange->from_client = true;
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_header, inbound);
	if (!inbound->refusal)
		inbound->refusal = tn_head_read(&head);
	if (!inbound->refusal)
		read_forwarded(inbound);
	inbound->exchange->from_client = false;
	if (!inbound->refusal && head_room(inbound) < REPLY_LEAST)
		inbound->refusal = 431;
	inbound->has_body = head.has_body;
	if (!inbound->refusal)
		find_route(inbound);
	if (!inbound->refusal)
		open_upload(inbound, head.length);
}

/* ---- A response becomes bytes -------------------------------------------------------------- */

/* Runs after the completion of the request, on keep-alive and on close. */
static void reply_freed(void *argument)
{
	let_go(argument);
}

/* A field without a value is left out: libmicrohttpd cannot send one. */
static bool add_headers(struct MHD_Response *reply, const struct tn_headers *headers)
{
	for (size_t i = 0; i < tn_headers_count(headers); i++) {
		const struct tn_header_field *field = tn_headers_field(headers, i);

		if (field->value_size &&
		    MHD_add_response_header(reply, field->name, field->value) != MHD_YES)
			return false;
	}
	return true;
}

static size_t fields_size(const struct tn_headers *headers)
{
	size_t size = 0;

	for (size_t i = 0; i < tn_headers_count(headers); i++)
		size += tn_headers_field(headers, i)->name_size +
		        tn_headers_field(headers, i)->value_size + strlen(": \r\n");
	return size;
}

/* For fields of the host's own. */
static bool add_header(struct MHD_Response *reply, bool wanted, const char *name, const char *value)
{
	return !wanted || MHD_add_response_header(reply, name, value) == MHD_YES;
}

static struct MHD_Response *make_reply(struct inbound *inbound, const struct tn_response *response)
{
	struct MHD_Response *reply = MHD_create_response_from_buffer_with_free_callback_cls(
		response->body.size, (void *)(uintptr_t)response->body.data, reply_freed, inbound);

	if (!reply)
		return NULL;
	inbound->owners++;
	if (add_headers(reply, &response->headers) &&
	    add_header(reply, inbound->retry, "Retry-After", "1") &&
	    add_header(reply, inbound->edge->draining, "Connection", "close"))
		return reply;
	MHD_destroy_response(reply);
	return NULL;
}

static bool is_head(const struct inbound *inbound)
{
	const char *method = inbound->exchange->method;

	return method ? strcmp(method, "HEAD") == 0 : inbound->client->framing.head_only;
}

static enum MHD_Result send_response(struct inbound *inbound, struct MHD_Connection *connection,
                                     const struct tn_response *response)
{
	struct MHD_Response *reply = make_reply(inbound, response);
	enum MHD_Result queued;

	if (!reply)
		return MHD_NO;
	inbound->status = response->status;
	inbound->reply_size = is_head(inbound) ? 0 : response->body.size;
	queued = MHD_queue_response(connection, (unsigned)response->status, reply);
	inbound->client->answered = queued == MHD_YES;
	MHD_destroy_response(reply);
	return queued;
}

/* A reply of the host's own. It takes no memory of the exchange, which a thread may have. */
static enum MHD_Result send_status(struct inbound *inbound, struct MHD_Connection *connection,
                                   int status)
{
	struct tn_response response = { .exchange = inbound->exchange, .status = status };

	tn_headers_init(&response.headers, inbound->exchange, true);
	tn_headers_plain_text(&response.headers);
	response.body = tn_status_body(status);
	return send_response(inbound, connection, &response);
}

/* To OPTIONS *, whatever the Host: which methods reach Workers. */
static enum MHD_Result send_options(struct inbound *inbound, struct MHD_Connection *connection)
{
	struct tn_response response = { .exchange = inbound->exchange, .status = 204 };

	tn_headers_init(&response.headers, inbound->exchange, true);
	tn_headers_set(&response.headers, "Allow",
	               "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	return send_response(inbound, connection, &response);
}

/* ---- The body ------------------------------------------------------------------------------ */

static void suspend_connection(struct inbound *inbound, struct MHD_Connection *connection)
{
	MHD_suspend_connection(connection);
	inbound->suspended = connection;
	inbound->client->suspended = true;
}

static void resume_connection(struct inbound *inbound)
{
	inbound->edge->activity++;
	inbound->edge->again = true;
	if (!inbound->suspended)
		return;
	MHD_resume_connection(inbound->suspended);
	inbound->suspended = NULL;
	inbound->client->suspended = false;
	tn_deadlines_restart(&inbound->edge->deadlines, inbound->client);
}

/* Whether the client has sent all of it: what we have not got, libmicrohttpd has. */
static bool has_come(const struct inbound *inbound)
{
	return inbound->client->framing.ended >= inbound->client->begun;
}

/* There is no room for what is still to come: better that the client need not send it. */
static void cut_failed(struct inbound *inbound)
{
	if (!inbound->client || has_come(inbound))
		return;
	tn_upload_look(&inbound->upload, &inbound->refusal);
	if (inbound->refusal)
		tn_tap_refuse(inbound->client, inbound->refusal);
}

static void piece_written(void *argument)
{
	struct inbound *inbound = argument;

	inbound->spooling = false;
	resume_connection(inbound);
	cut_failed(inbound);
	let_go(inbound);
}

/* What the thread of the files has is not to go, even if the request ends. */
static void share_with_spool(struct inbound *inbound)
{
	if (inbound->spooling || !tn_upload_busy(&inbound->upload))
		return;
	inbound->spooling = true;
	inbound->owners++;
}

static enum MHD_Result take_body(struct inbound *inbound, struct MHD_Connection *connection,
                                 const char *data, size_t *size)
{
	enum tn_upload_step step;

	inbound->upload.whole = has_come(inbound);
	step = tn_upload_take(&inbound->upload, data, size, &inbound->refusal);
	share_with_spool(inbound);
	if (step == TN_UPLOAD_WAITS && !inbound->suspended)
		suspend_connection(inbound, connection);
	return step == TN_UPLOAD_FAILED ? MHD_NO : MHD_YES;
}

/* Returns whether it is all there, or refused. As with requests that wait, the connection is
 * suspended at the second call. */
static bool end_body(struct inbound *inbound, struct MHD_Connection *connection)
{
	enum tn_upload_step step = tn_upload_end(&inbound->upload, &inbound->refusal);

	share_with_spool(inbound);
	if (step == TN_UPLOAD_READY)
		return true;
	if (inbound->upload_ending)
		suspend_connection(inbound, connection);
	inbound->upload_ending = true;
	inbound->edge->again = true;
	return false;
}

/* ---- The reply ----------------------------------------------------------------------------- */

static void log_misfit(const struct inbound *inbound, const struct tn_response *response)
{
	struct tn_log_context context = {
		.request = tn_exchange_id(inbound->exchange),
		.worker = inbound->route->worker_name,
	};

	tn_log_write(TN_LOG_ERROR, &context,
	             "the headers of its reply, %zu bytes, do not fit: beside this request's there "
	             "is room for %zu",
	             fields_size(&response->headers), head_room(inbound));
}

/* The key of a split is what the client sent, whatever a Worker makes of its request. */
static bool note_keys(const struct inbound *inbound)
{
	const struct tn_deployment *deployment = inbound->edge->deployment;

	return !deployment->key_count ||
	       tn_split_note(inbound->request, deployment->keys, deployment->key_count);
}

static inline enum MHD_Result reply(struct inbound *inbound, struct MHD_Connection *connection,
                                    const struct tn_response *response)
{
	if (!response)
		return send_status(inbound, connection, 500);
	/* libmicrohttpd would close the connection without a word. */
	if (fields_size(&response->headers) > head_room(inbound)) {
		log_misfit(inbound, response);
		return send_status(inbound, connection, 500);
	}
	return send_response(inbound, connection, response);
}

/* ---- Requests that wait -------------------------------------------------------------------- */

/* The pool is done with it, or it is answered without. libmicrohttpd calls anew. */
static void resume(struct tn_wait *wait)
{
	resume_connection(wait->owner);
}

static void suspend(struct inbound *inbound, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	suspend_connection(inbound, connection);
	if (info)
		tn_wait_watch(inbound->wait, info->connect_fd);
}

static enum MHD_Result answer_waiting(struct inbound *inbound, struct MHD_Connection *connection)
{
	switch (inbound->wait->state) {
	case TN_WAIT_OPEN:
		suspend(inbound, connection);
		return MHD_YES;
	case TN_WAIT_DONE:
		return reply(inbound, connection, inbound->wait->response);
	case TN_WAIT_TURNED_AWAY:
		inbound->retry = true;
		return send_status(inbound, connection, 503);
	case TN_WAIT_LATE:
		return send_status(inbound, connection, 504);
	default:
		return MHD_NO;
	}
}

/*
 * The connection is suspended when libmicrohttpd calls anew, which it does at once: it then knows
 * that the request is whole. Suspended now, it would read on when it is resumed, and close the
 * connection of a client that has shut down its side and waits for the reply.
 */
static enum MHD_Result hand_over(struct inbound *inbound, struct MHD_Connection *connection,
                                 const struct tn_service *service)
{
	if (!make_wait(inbound))
		return send_status(inbound, connection, 500);
	inbound->wait->service = service;
	inbound->wait->request = inbound->request;
	tn_wait_begin(inbound->wait);
	if (inbound->wait->state != TN_WAIT_OPEN)
		return answer_waiting(inbound, connection);
	inbound->owners++;
	inbound->edge->again = true;
	return MHD_YES;
}

/* ---- All requests -------------------------------------------------------------------------- */

static const struct tn_response *call(const struct inbound *inbound,
                                      const struct tn_service *service)
{
	const struct tn_response *response;

	tn_exchange_show(inbound->exchange, TN_STEP_REQUEST);
	response = service->fetch(inbound->request, service);
	tn_exchange_hide(inbound->exchange);
	return response;
}

/* One that does not wait can be told of its deadline, but not be left to itself. */
static enum MHD_Result answer_in_time(struct inbound *inbound, struct MHD_Connection *connection,
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
		return reply(inbound, connection, response);
	tn_log_write(TN_LOG_WARNING, &context,
	             "its reply came after %lld ms, its timeout is %lld ms: it is thrown away",
	             (long long)taken, (long long)timeout);
	return send_status(inbound, connection, 504);
}

static enum MHD_Result answer(struct inbound *inbound, struct MHD_Connection *connection)
{
	const struct tn_service *service;

	if (inbound->wait)
		return answer_waiting(inbound, connection);
	if (inbound->upload.size && !end_body(inbound, connection))
		return MHD_YES;
	if (inbound->refusal)
		return send_status(inbound, connection, inbound->refusal);
	if (asks_for_options(inbound))
		return send_options(inbound, connection);
	if (inbound->upload.size)
		inbound->request->body = tn_upload_body(&inbound->upload);
	if (!note_keys(inbound))
		return send_status(inbound, connection, 500);
	service = tn_deployment_service(inbound->edge->deployment, inbound->route);
	if (inbound->route->waits)
		return hand_over(inbound, connection, service);
	if (inbound->route->timeout)
		return answer_in_time(inbound, connection, service);
	return reply(inbound, connection, call(inbound, service));
}

/* libmicrohttpd takes no reply to a request that has been told to continue, and has no body, if
 * another one is behind it. */
static enum MHD_Result answer_at_once(struct inbound *inbound, struct MHD_Connection *connection)
{
	enum MHD_Result answered = answer(inbound, connection);

	if (answered == MHD_YES && inbound->wait && inbound->wait->state == TN_WAIT_OPEN)
		suspend(inbound, connection);
	return answered;
}

/* A refusal of a request with a body comes before the body, and ends the connection. */
static enum MHD_Result open_request(struct inbound *inbound, struct MHD_Connection *connection,
                                    const char *method)
{
	struct tn_exchange *exchange = inbound->exchange;

	exchange->method = tn_exchange_copy(exchange, method, strlen(method));
	if (!exchange->method)
		return MHD_NO;
	inbound->request = tn_request_first(exchange, exchange->method, "", "/",
	                                    address_of(inbound));
	if (!inbound->request)
		return MHD_NO;
	read_head(inbound, connection);
	if (inbound->refusal && inbound->has_body)
		return send_status(inbound, connection, inbound->refusal);
	if (inbound->expects && !inbound->has_body)
		return answer_at_once(inbound, connection);
	return MHD_YES;
}

/* libmicrohttpd calls it for the head, for each part of the body and at the end. */
static enum MHD_Result handle(void *argument, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
	struct inbound *inbound = *state;

	(void)argument;
	(void)url;
	(void)version;
	if (!inbound)
		return MHD_NO;
	inbound->edge->activity++;
	if (is_refused(inbound->client)) /* and answered already, but for one of our own */
		return inbound->client->own
		               ? send_status(inbound, connection, inbound->client->refusal)
		               : MHD_NO;
	if (!inbound->request)
		return open_request(inbound, connection, method);
	if (*size)
		return take_body(inbound, connection, data, size);
	return answer(inbound, connection);
}

/* ---- The daemon ---------------------------------------------------------------------------- */

/* The Worker gets its URL as it was sent. */
static size_t keep_escapes(void *argument, struct MHD_Connection *connection, char *text)
{
	(void)argument;
	(void)connection;
	return strlen(text);
}

static struct tn_client *make_client(struct tn_edge *edge, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *address =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const union MHD_ConnectionInfo *socket =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct tn_client *client = tn_client_create(
		socket->connect_fd, address ? address->client_addr : NULL, &edge->framing);

	if (!client)
		return NULL;
	if (tn_tap_add(&edge->tap, client) && tn_deadlines_add(&edge->deadlines, client) &&
	    tn_addresses_add(&edge->addresses, client->origin))
		return client;
	tn_deadlines_remove(&edge->deadlines, client);
	tn_tap_remove(&edge->tap, client);
	tn_client_destroy(client);
	return NULL;
}

/* Whether bytes of it lie unread, or are to come. */
static bool is_sending(const struct tn_client *client)
{
	int unread = 0;

	if (client->gone)
		return false;
	if (client->refusal || client->framing.phase != TN_FRAMING_BETWEEN)
		return true;
	return ioctl(client->descriptor, FIONREAD, &unread) == 0 && unread;
}

/* The descriptor that it has is libmicrohttpd's, which closes it. */
static void linger(struct tn_edge *edge, const struct tn_client *client)
{
	int socket = fcntl(client->descriptor, F_DUPFD_CLOEXEC, 0);

	if (socket >= 0)
		tn_linger_add(edge->linger, socket, client->deaf, tn_exchange_now());
}

/* One that was refused before libmicrohttpd has read its first line is a request as well. */
static void end_unread(struct tn_edge *edge, const struct tn_client *client)
{
	struct inbound *inbound = begin(edge, NULL, "");

	if (inbound)
		end_refused(inbound, client);
}

static void end_client(struct tn_edge *edge, struct tn_client *client)
{
	tn_addresses_remove(&edge->addresses, client->origin);
	tn_deadlines_remove(&edge->deadlines, client);
	tn_tap_remove(&edge->tap, client);
	if (client->refusal && !client->own) {
		if (client->reason)
			tell_refusal(edge, client);
		if (client->refused > client->begun)
			end_unread(edge, client);
	}
	if (is_sending(client))
		linger(edge, client);
	tn_client_destroy(client);
}

static void note_connection(void *argument, struct MHD_Connection *connection, void **state,
                            enum MHD_ConnectionNotificationCode what)
{
	struct tn_edge *edge = argument;

	edge->activity++;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		edge->connections++;
		*state = make_client(edge, connection);
	} else {
		edge->connections--;
		if (*state)
			end_client(edge, *state);
	}
}

TN_PRINTF(2, 0)
static void log_library(void *argument, const char *format, va_list list)
{
	char text[512];
	int size = vsnprintf(text, sizeof(text), format, list);

	(void)argument;
	if (size > 0 && (size_t)size < sizeof(text) && text[size - 1] == '\n')
		text[size - 1] = '\0';
	tn_log_write(TN_LOG_DEBUG, NULL, "libmicrohttpd: %s", text);
}

static void panic(void *argument, const char *file, unsigned line, const char *reason)
{
	(void)argument;
	tn_log_write(TN_LOG_ERROR, NULL, "libmicrohttpd gave up at %s:%u: %.*s", file, line,
	             (int)strcspn(reason, "\n"), reason);
	abort();
}

/* Whether a connection can come to be suspended: it costs all others a lock at each turn. */
static bool can_wait(const struct tn_edge *edge)
{
	const struct tn_routes *routes = &edge->deployment->plan->routes;

	if (edge->spool)
		return true;
	for (size_t i = 0; i < routes->count; i++) {
		if (routes->list[i].waits)
			return true;
	}
	return false;
}

/* A second opinion, where there is one; 1 is what libmicrohttpd advises for public servers. */
#if MHD_VERSION >= 0x00097701
#define DISCIPLINE MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#else
#define DISCIPLINE
#endif

static struct MHD_Daemon *start_daemon(struct tn_edge *edge)
{
	unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
	                 (can_wait(edge) ? MHD_ALLOW_SUSPEND_RESUME : 0);

	MHD_set_panic_func(panic, NULL);
	return MHD_start_daemon(flags, 0, NULL, NULL, handle, edge, MHD_OPTION_EXTERNAL_LOGGER,
	                        log_library, NULL, MHD_OPTION_URI_LOG_CALLBACK, request_begins,
	                        edge, MHD_OPTION_NOTIFY_COMPLETED, request_ends, edge,
	                        MHD_OPTION_NOTIFY_CONNECTION, note_connection, edge,
	                        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
	                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, edge->memory,
	                        MHD_OPTION_CONNECTION_LIMIT, edge->most_connections,
	                        DISCIPLINE MHD_OPTION_END);
}

static bool start_spool(struct tn_edge *edge)
{
	const struct tn_plan *plan = edge->deployment->plan;

	if (!tn_bodies_spooled(plan))
		return true;
	edge->spool = tn_spool_create(tn_bodies_directory(&plan->settings));
	return edge->spool && tn_waiting_with(edge->waiting, tn_spool_descriptor(edge->spool));
}

static bool start_waiting(struct tn_edge *edge, struct tn_pool *pool)
{
	const struct tn_waiting_options options = {
		.deployment = edge->deployment,
		.pool = pool,
		.answer = resume,
		.let_go = pool_let_go,
	};

	edge->pool.executor = tn_pool_executor(pool);
	edge->waiting = tn_waiting_create(&options);
	return edge->waiting;
}

static void run(struct tn_edge *edge)
{
	tn_tap_enter(&edge->tap);
	MHD_run(edge->daemon);
	tn_tap_leave();
}

/*
 * Not a word of a client is to be read before it is known that the tap is in place: whether the
 * function of ours is called depends on how the program was linked, and on the library.
 */
static bool prove(struct tn_edge *edge)
{
	/* Without one it would copy no bytes, and tn_client_create read the family among them. */
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct tn_proof proof;
	bool begun = tn_proof_begin(&proof);
	bool proven = false;

	edge->proving = true;
	if (!begun) {
		tn_log_write(TN_LOG_ERROR, NULL, "a connection to itself cannot be had: %s",
		             strerror(errno));
	} else if (tn_edge_add(edge, proof.socket, &nobody, sizeof(nobody))) {
		for (int i = 0; i < PROOF_TURNS; i++)
			run(edge);
		proven = tn_proof_holds(&proof);
	}
	tn_proof_end(&proof);
	tn_linger_run(edge->linger, tn_exchange_now());
	edge->proving = false;
	if (begun && !proven)
		tn_log_write(TN_LOG_ERROR, NULL, "%s", TN_PROOF_FAILED);
	return proven;
}

static unsigned descriptors_for_clients(void)
{
	unsigned descriptors = tn_client_most();

	return descriptors > 2 * DESCRIPTORS_RESERVED ? descriptors - DESCRIPTORS_RESERVED
	                                              : descriptors / 2;
}

/* Where there are not even descriptors for as many, those beyond wait for one. */
static void set_limits(struct tn_edge *edge, const struct tn_settings *settings)
{
	unsigned all;

	edge->framing = (struct tn_framing_limits){
		.head = (size_t)settings->max_head,
		.fields = (size_t)settings->max_headers,
		.target = (size_t)settings->max_target,
	};
	edge->memory = CONNECTION_MEMORY;
	if (edge->framing.head > HEAD_WITHIN)
		edge->memory += edge->framing.head - HEAD_WITHIN;
	if (edge->framing.fields > FIELDS_WITHIN)
		edge->memory += (edge->framing.fields - FIELDS_WITHIN) * FIELD_OVERHEAD;
	edge->most_connections = descriptors_for_clients();
	edge->allowed = settings->max_connections ? (unsigned)settings->max_connections : UINT_MAX;
	all = edge->allowed < edge->most_connections ? edge->allowed : edge->most_connections;
	edge->allowed_each = settings->max_per_address ? (unsigned)settings->max_per_address
	                                               : (all + 1) / 2;
	if (settings->max_connections > edge->most_connections)
		tn_log_write(TN_LOG_WARNING, NULL,
		             "max_connections = %u, but there are descriptors for %u only: raise "
		             "the limit (ulimit -n, or LimitNOFILE of systemd)",
		             edge->allowed, edge->most_connections);
}

struct tn_edge *tn_edge_create(const struct tn_deployment *deployment,
                               struct tn_access_log *access_log, struct tn_pool *pool)
{
	struct tn_limits limits = tn_settings_limits(&deployment->plan->settings);
	struct tn_edge *edge = calloc(1, sizeof(*edge));

	if (!edge)
		return NULL;
	edge->deployment = deployment;
	edge->access_log = access_log;
	set_limits(edge, &deployment->plan->settings);
	edge->refusals = TN_REFUSALS_INIT(deployment->activity);
	tn_deadlines_init(&edge->deadlines, &deployment->plan->settings, tn_client_delivery,
	                  tn_exchange_now());
	edge->tap.deadlines = &edge->deadlines;
	tn_addresses_init(&edge->addresses);
	tn_exchange_pool_init(&edge->pool, &limits, POOL_MOST);
	edge->pool.activity = deployment->activity;
	edge->linger = tn_linger_create();
	if (edge->linger && start_waiting(edge, pool) && start_spool(edge))
		edge->daemon = start_daemon(edge);
	if (!edge->daemon)
		tn_log_write(TN_LOG_ERROR, NULL, "libmicrohttpd cannot be started");
	else if (!TN_TAP_GUARDS || prove(edge))
		return edge;
	tn_edge_destroy(edge);
	return NULL;
}

static void stop_daemon(struct tn_edge *edge)
{
	if (edge->daemon)
		MHD_stop_daemon(edge->daemon);
	edge->daemon = NULL;
}

/* For what the replies that the stop has cut short have left to be done. */
static void wait_for_rest(struct tn_edge *edge, int64_t until)
{
	struct pollfd done = { tn_waiting_descriptor(edge->waiting), POLLIN, 0 };

	while (edge->waits) {
		int64_t left = until - tn_exchange_now();

		if (left <= 0)
			return;
		poll(&done, 1, (int)left);
		tn_waiting_run(edge->waiting);
	}
}

/* With a suspended connection the daemon cannot be stopped. Stopping it lets work begin, which may
 * not come back either. */
bool tn_edge_stuck(struct tn_edge *edge)
{
	if (edge->spool && !tn_spool_settle(edge->spool, tn_exchange_now() + REST_MS)) {
		tn_log_write(TN_LOG_WARNING, NULL, "a body is still being written to its file");
		return true;
	}
	if (tn_waiting_stop(edge->waiting))
		return true;
	stop_daemon(edge);
	wait_for_rest(edge, tn_exchange_now() + REST_MS);
	return edge->waits && tn_waiting_stop(edge->waiting);
}

void tn_edge_destroy(struct tn_edge *edge)
{
	if (!edge)
		return;
	stop_daemon(edge);
	tn_spool_destroy(edge->spool);
	tn_waiting_destroy(edge->waiting);
	tn_linger_destroy(edge->linger);
	tn_tap_finish(&edge->tap);
	tn_deadlines_finish(&edge->deadlines);
	tn_addresses_finish(&edge->addresses);
	tn_exchange_pool_finish(&edge->pool);
	free(edge);
}

int tn_edge_descriptor(const struct tn_edge *edge)
{
	return MHD_get_daemon_info(edge->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int tn_edge_linger_descriptor(const struct tn_edge *edge)
{
	return tn_linger_descriptor(edge->linger);
}

int tn_edge_pool_descriptor(const struct tn_edge *edge)
{
	return tn_waiting_descriptor(edge->waiting);
}

void tn_edge_take(struct tn_edge *edge)
{
	tn_deadlines_turn(&edge->deadlines, tn_exchange_now());
	tn_waiting_run(edge->waiting);
	if (edge->spool)
		tn_spool_run(edge->spool);
}

/* What is due of those that wait, or linger, may be sooner. */
static int sooner(const struct tn_edge *edge, int timeout)
{
	int64_t next = tn_waiting_next(edge->waiting);
	int64_t left = tn_linger_next(edge->linger);

	if (left < next)
		next = left;

	if (next == INT64_MAX)
		return timeout;
	left = next - tn_exchange_now();
	if (left <= 0)
		return 0;
	return timeout < 0 || left < timeout ? (int)left : timeout;
}

static void run_again(struct tn_edge *edge)
{
	edge->again = false;
	run(edge);
}

/* ---- Who takes too long -------------------------------------------------------------------- */

static void tell_late(struct tn_edge *edge, const struct tn_client *client, enum tn_refused kind,
                      const char *what, int64_t timeout)
{
	tn_refusals_note(&edge->refusals, kind, tn_exchange_now(), client->address,
	                 "%s = %lldms is over", what, (long long)timeout);
}

/*
 * With a reset, which connect(2) sends when it dissolves the connection: the kernel is to forget what
 * it has for the client, and the client is not to take what it got for all. libmicrohttpd sees that
 * the connection is gone.
 */
static void cut_off(struct tn_client *client)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	client->gone = true;
	connect(client->descriptor, &nobody, sizeof(nobody));
}

static void cut_late(struct tn_edge *edge, struct tn_client *client, enum tn_phase phase)
{
	const struct tn_deadlines *deadlines = &edge->deadlines;

	edge->activity++;
	switch (phase) {
	case TN_PHASE_HEAD:
		tell_late(edge, client, TN_REFUSED_HEAD_TIME,
		          "answered with 408: a head is not whole, and head_timeout",
		          deadlines->head);
		tn_tap_cut(client, 408);
		break;
	case TN_PHASE_BODY:
		tell_late(edge, client, TN_REFUSED_BODY_TIME,
		          "answered with 408: a body comes too slowly, and body_timeout",
		          deadlines->body);
		tn_tap_cut(client, 408);
		break;
	case TN_PHASE_REPLY:
		tell_late(edge, client, TN_REFUSED_WRITE_TIME,
		          "cut off: a reply is received too slowly, and write_timeout",
		          deadlines->reply);
		cut_off(client);
		break;
	case TN_PHASE_SILENT:
		tell_late(edge, client, TN_REFUSED_SILENT,
		          "closed: nothing has come, and head_timeout", deadlines->head);
		tn_tap_cut(client, 0);
		break;
	default:
		tn_tap_cut(client, 0);
	}
}

/* Whoever has sent something by now has been read from. */
static void cut_all_late(struct tn_edge *edge)
{
	struct tn_client *client;
	enum tn_phase phase;

	while ((client = tn_deadlines_due(&edge->deadlines, &phase)))
		cut_late(edge, client, phase);
}

/* ---- Turning ------------------------------------------------------------------------------- */

static int shorter(int timeout, int other)
{
	return timeout < 0 || (other >= 0 && other < timeout) ? other : timeout;
}

int tn_edge_run(struct tn_edge *edge)
{
	int64_t now = tn_exchange_now();
	MHD_UNSIGNED_LONG_LONG left;
	int timeout = -1;

	tn_deadlines_turn(&edge->deadlines, now);
	if (edge->waits)
		tn_waiting_expire(edge->waiting, now);
	run(edge);
	if (edge->again)
		run_again(edge);
	cut_all_late(edge);
	if (MHD_get_timeout(edge->daemon, &left) == MHD_YES)
		timeout = left > 60000 ? 60000 : (int)left;
	if (tn_linger_count(edge->linger))
		tn_linger_run(edge->linger, tn_exchange_now());
	timeout = shorter(timeout, tn_deadlines_left(&edge->deadlines));
	if (edge->waits || tn_linger_count(edge->linger))
		timeout = sooner(edge, timeout);
	tn_deadlines_rest(&edge->deadlines, timeout);
	return timeout;
}

/* ---- Who comes ----------------------------------------------------------------------------- */

/* It is no request, but it stands in the access log as one. */
static void refuse(struct tn_edge *edge, int socket, int status)
{
	struct inbound *inbound = begin(edge, NULL, "");

	tn_refusal_send(socket, status, false);
	tn_linger_add(edge->linger, socket, false, tn_exchange_now());
	if (!inbound)
		return;
	inbound->status = status;
	inbound->reply_size = tn_status_body(status).size;
	end(inbound, false);
}

/* Proxies that are trusted speak for many. */
static bool is_trusted(const struct tn_edge *edge, const char *address)
{
	const struct tn_settings *settings = &edge->deployment->plan->settings;

	return tn_networks_have(settings->trusted, settings->trusted_count, address);
}

static bool turn_away(struct tn_edge *edge, int socket, const char *address, int64_t now)
{
	tn_refusals_note(&edge->refusals, TN_REFUSED_CONNECTIONS, now, address,
	                 "answered with 503: max_connections = %u", edge->allowed);
	refuse(edge, socket, 503);
	return false;
}

static bool turn_away_one(struct tn_edge *edge, int socket, const char *address, int64_t now)
{
	tn_refusals_note(&edge->refusals, TN_REFUSED_ADDRESS, now, address,
	                 "answered with 429: max_connections_per_address = %u",
	                 edge->allowed_each);
	refuse(edge, socket, 429);
	return false;
}

/* Whether it is let in; where not, it has been told so. */
static bool admit(struct tn_edge *edge, int socket, const struct sockaddr *address)
{
	unsigned count = tn_addresses_count(&edge->addresses, tn_origin_of(address));
	int64_t now = tn_exchange_now();
	char text[TN_CLIENT_ADDRESS_SIZE];

	tn_deadlines_turn(&edge->deadlines, now);
	if (edge->connections < edge->allowed && count < edge->allowed_each)
		return true;
	tn_client_write_address(address, text);
	if (edge->connections >= edge->allowed)
		return turn_away(edge, socket, text, now);
	return is_trusted(edge, text) || turn_away_one(edge, socket, text, now);
}

bool tn_edge_add(struct tn_edge *edge, int socket, const struct sockaddr *address,
                 socklen_t address_size)
{
	if (!admit(edge, socket, address))
		return false;
	return MHD_add_connection(edge->daemon, socket, address, address_size) == MHD_YES;
}

bool tn_edge_full(const struct tn_edge *edge)
{
	return tn_edge_connections(edge) >= edge->most_connections;
}

void tn_edge_drain(struct tn_edge *edge)
{
	edge->draining = true;
}

unsigned tn_edge_connections(const struct tn_edge *edge)
{
	return edge->connections + tn_linger_count(edge->linger);
}

unsigned long tn_edge_activity(const struct tn_edge *edge)
{
	return edge->activity;
}

unsigned tn_edge_in_flight(const struct tn_edge *edge)
{
	return edge->in_flight;
}

size_t tn_edge_unfinished(const struct tn_edge *edge)
{
	return edge->waits;
}

const char *tn_edge_reason(int status)
{
	return MHD_get_reason_phrase_for((unsigned)status);
}
