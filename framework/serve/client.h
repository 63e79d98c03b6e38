/* client.h - who is connected, and how many can be. */
#ifndef TENON_SERVE_CLIENT_H
#define TENON_SERVE_CLIENT_H

#include "serve/addresses.h"
#include "serve/framing.h"
#include "serve/timers.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define TN_CLIENT_ADDRESS_SIZE INET6_ADDRSTRLEN

struct tn_connection;

/* One for each connection, made when it is and freed when it is closed. The loop's own. */
struct tn_client {
	int descriptor;
	struct tn_connection *connection;     /* daemon.h's; lives as long */
	char address[TN_CLIENT_ADDRESS_SIZE]; /* without the port; "" where there is none */
	/* Requests of which libmicrohttpd has read the first line, and those of them that ended. */
	uint64_t begun;
	uint64_t ended;
	void *current; /* the edge's, of the request that has begun and not ended; NULL */
	bool answered; /* a reply to the current request has been queued */
	bool gone;     /* it has ended its side, or reset the connection */

	/* One that is to be refused; nothing is read behind it. */
	int refusal;        /* the status; 0: none */
	const char *reason; /* constant text */
	uint64_t refused;   /* its number, from 1 on */
	const char *own;    /* what is left of ours in its place (tap.h); NULL: there is none */
	struct tn_framing framing;

	struct tn_origin origin; /* for whom it counts */

	/* For deadlines.h. */
	struct tn_timer timer;
	bool suspended;      /* libmicrohttpd neither reads from it nor writes */
	int64_t since;       /* ms of the deadlines' clock: what it is about began, or goes on */
	uint64_t since_body; /* what of a body had come by then */
	uint64_t stage;      /* heads that had begun, and that had ended, when it was set */
	uint64_t reply;      /* whose delivery is watched; 0: none is */
	int64_t reply_since; /* ms, and what had been received by then */
	uint64_t reply_received;
};

/* Whether the request that has begun last is the one that is refused. */
static inline bool tn_client_is_refused(const struct tn_client *client)
{
	return client->refusal && client->refused == client->begun;
}

/* What the kernel has done with what it was given for a client. */
struct tn_delivery {
	uint64_t received; /* bytes that the client has acknowledged since it connected */
	bool pending;      /* some that it has not */
};

/* Of a connection from that address, which may be NULL. NULL where there is no memory. */
struct tn_client *tn_client_create(int descriptor, const struct sockaddr *address,
                                   const struct tn_framing_limits *limits);

/* Writes the address without the port; "" where there is none. */
void tn_client_write_address(const struct sockaddr *address, char text[TN_CLIENT_ADDRESS_SIZE]);

/* Of a client by a Unix socket nothing is known: nothing is pending. */
struct tn_delivery tn_client_delivery(const struct tn_client *client);

/* Does not close the descriptor. NULL is fine. */
void tn_client_destroy(struct tn_client *client);

/* How many descriptors the process may have; the soft limit is raised as far as it goes. */
unsigned tn_client_most(void);

#endif
