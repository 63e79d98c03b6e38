#include "serve/inbound.h"

#include "serve/connections.h"
#include "serve/status.h"

#include <string.h>

/* ---- Owners -------------------------------------------------------------------------------- */

bool tn_inbound_make_wait(struct tn_inbound *inbound)
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
static void finish(struct tn_inbound *inbound)
{
	struct tn_edge *edge = inbound->edge;
	struct tn_wait *wait;

	if ((inbound->wait || tn_inbound_make_wait(inbound)) && !tn_wait_finish(inbound->wait))
		return;
	wait = inbound->wait;
	if (!tn_exchange_end(&edge->pool, inbound->exchange) || !wait)
		return;
	tn_wait_end(wait);
	edge->waits--;
}

static void let_go(struct tn_inbound *inbound)
{
	if (--inbound->owners)
		return;
	if (inbound->wait || inbound->exchange->later)
		finish(inbound);
	else
		tn_exchange_end(&inbound->edge->pool, inbound->exchange);
}

void tn_inbound_let_go(void *argument)
{
	let_go(argument);
}

void tn_inbound_pool_let_go(struct tn_wait *wait)
{
	struct tn_inbound *inbound = wait->owner;

	inbound->edge->activity++;
	if (inbound->owners)
		let_go(inbound);
	else
		finish(inbound);
}

void tn_inbound_suspend(struct tn_inbound *inbound, struct tn_connection *connection)
{
	tn_connection_suspend(connection);
	inbound->suspended = connection;
	inbound->client->suspended = true;
}

void tn_inbound_resume(struct tn_inbound *inbound)
{
	inbound->edge->activity++;
	inbound->edge->again = true;
	if (!inbound->suspended)
		return;
	tn_connection_resume(inbound->suspended);
	inbound->suspended = NULL;
	inbound->client->suspended = false;
	tn_deadlines_restart(&inbound->edge->deadlines, inbound->client);
}

/* ---- Its begin ----------------------------------------------------------------------------- */

static struct tn_inbound *begin(struct tn_edge *edge, struct tn_client *client, const char *target)
{
	struct tn_exchange *exchange = tn_exchange_begin(&edge->pool);
	struct tn_inbound *inbound;

	if (!exchange)
		return NULL;
	inbound = tn_exchange_alloc(exchange, sizeof(*inbound));
	if (!inbound) {
		tn_exchange_end(&edge->pool, exchange);
		return NULL;
	}
	*inbound = (struct tn_inbound){
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

void *tn_inbound_begins(void *argument, void *connected, const char *target)
{
	struct tn_client *client = connected;
	struct tn_edge *edge = argument;

	edge->activity++;
	if (!client)
		return NULL;
	client->begun++;
	if (tn_client_is_refused(client)) {
		tn_connections_tell_refusal(edge, client);
		client->current = begin(edge, client, ""); /* it is our own */
	} else if (!edge->proving) {
		client->current = begin(edge, client, target);
	}
	return client->current;
}

/* ---- Its end ------------------------------------------------------------------------------- */

static uint64_t microseconds_since(const struct timespec *begun)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)((int64_t)(now.tv_sec - begun->tv_sec) * 1000000 +
	                  (now.tv_nsec - begun->tv_nsec) / 1000);
}

/* What a thread is still writing is not to be read: whose reply came too late is known. */
static const char *chain_of(const struct tn_inbound *inbound, char *text)
{
	if (inbound->wait && inbound->wait->held)
		return inbound->route->worker_name;
	return tn_exchange_chain(inbound->exchange, text);
}

static void log_access(const struct tn_inbound *inbound, bool aborted)
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
static void end(struct tn_inbound *inbound, bool aborted)
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

/* It has been answered, but not by libmicrohttpd. */
static void end_refused(struct tn_inbound *inbound, int status, bool head_only)
{
	inbound->status = status;
	if (!head_only)
		inbound->reply_size = tn_status_body(status).size;
	end(inbound, false);
}

void tn_inbound_unread(struct tn_edge *edge, int status, bool head_only)
{
	struct tn_inbound *inbound = begin(edge, NULL, "");

	if (inbound)
		end_refused(inbound, status, head_only);
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

void tn_inbound_ends(void *argument, struct tn_connection *connection, void *request, bool aborted)
{
	struct tn_inbound *inbound = request;
	struct tn_edge *edge = argument;
	struct tn_client *client = inbound ? inbound->client : tn_connection_client(connection);

	edge->activity++;
	note_end(edge, client);
	if (!inbound)
		return;
	inbound->client = NULL;
	if (tn_client_is_refused(client) && !inbound->status)
		end_refused(inbound, client->refusal, client->framing.head_only);
	else
		end(inbound, aborted);
}
