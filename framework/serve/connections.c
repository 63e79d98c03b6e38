#include "serve/connections.h"

#include "serve/inbound.h"

#include <fcntl.h>
#include <sys/ioctl.h>

/* ---- One is made --------------------------------------------------------------------------- */

static struct tn_client *make_client(struct tn_edge *edge, int descriptor,
                                     const struct sockaddr *address)
{
	struct tn_client *client = tn_client_create(descriptor, address, &edge->framing);

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

void *tn_connections_made(void *argument, struct tn_connection *connection, int descriptor,
                          const struct sockaddr *address)
{
	struct tn_edge *edge = argument;
	struct tn_client *client = make_client(edge, descriptor, address);

	edge->activity++;
	edge->connections++;
	if (client)
		client->connection = connection;
	return client;
}

/* ---- It takes too long --------------------------------------------------------------------- */

static void tell_late(struct tn_edge *edge, const struct tn_client *client, enum tn_refused kind,
                      const char *what, int64_t timeout)
{
	tn_refusals_note(&edge->refusals, kind, tn_exchange_now(), client->address,
	                 "%s = %lldms is over", what, (long long)timeout);
}

/*
 * With a reset, which connect(2) sends when it dissolves the connection: the kernel is to forget
 * what it has for the client, and the client is not to take what it got for all. libmicrohttpd sees
 * that the connection is gone.
 */
static void cut_off(struct tn_client *client)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	client->gone = true;
	(void)connect(client->descriptor, &nobody, sizeof(nobody));
}

/* The client may be sending still: it is read on when libmicrohttpd has closed the connection. */
static void end_late(struct tn_client *client)
{
	tn_tap_refuse(client, 408);
	shutdown(client->descriptor, SHUT_WR);
	tn_connection_expire(client->connection);
}

void tn_connections_cut(struct tn_edge *edge, struct tn_client *client, enum tn_phase phase)
{
	const struct tn_deadlines *deadlines = &edge->deadlines;

	edge->activity++;
	switch (phase) {
	case TN_PHASE_HEAD:
		tell_late(edge, client, TN_REFUSED_HEAD_TIME,
		          "answered with 408: a head is not whole, and head_timeout",
		          deadlines->head);
		end_late(client);
		break;
	case TN_PHASE_BODY:
		tell_late(edge, client, TN_REFUSED_BODY_TIME,
		          "answered with 408: a body comes too slowly, and body_timeout",
		          deadlines->body);
		end_late(client);
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
		tn_tap_cut(client);
		break;
	default:
		tn_tap_cut(client);
	}
}

/* ---- It is closed -------------------------------------------------------------------------- */

void tn_connections_tell_refusal(struct tn_edge *edge, const struct tn_client *client)
{
	enum tn_refused kind =
		client->refusal == 413 ? TN_REFUSED_BODY_SIZE : TN_REFUSED_MALFORMED;

	if (!edge->proving)
		tn_refusals_note(&edge->refusals, kind, tn_exchange_now(), client->address,
		                 "refused with %d: %s", client->refusal, client->reason);
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
		tn_linger_add(edge->linger, socket, tn_exchange_now());
}

static void end_client(struct tn_edge *edge, struct tn_client *client)
{
	tn_addresses_remove(&edge->addresses, client->origin);
	tn_deadlines_remove(&edge->deadlines, client);
	tn_tap_remove(&edge->tap, client);
	if (client->refusal && !client->own) {
		if (client->reason)
			tn_connections_tell_refusal(edge, client);
		if (client->refused > client->begun)
			tn_inbound_unread(edge, client->refusal, client->framing.head_only);
	}
	if (is_sending(client))
		linger(edge, client);
	tn_client_destroy(client);
}

void tn_connections_closed(void *argument, void *client)
{
	struct tn_edge *edge = argument;

	edge->activity++;
	edge->connections--;
	if (client)
		end_client(edge, client);
}
