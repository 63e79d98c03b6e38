/* client.h - who is connected, and how many can be. */
#ifndef TENON_SERVE_CLIENT_H
#define TENON_SERVE_CLIENT_H

#include "serve/framing.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define TN_CLIENT_ADDRESS_SIZE INET6_ADDRSTRLEN

/* One for each connection, made when it is and freed when it is closed. The loop's own. */
struct tn_client {
	int descriptor;
	char address[TN_CLIENT_ADDRESS_SIZE]; /* without the port; "" where there is none */
	/* Requests of which libmicrohttpd has read the first line, and those of them that ended. */
	uint64_t begun;
	uint64_t ended;
	void *current; /* the edge's, of the request that has begun and not ended; NULL */
	bool answered; /* a reply to the current request has been queued */
	bool gone;     /* it has ended its side, or reset the connection */
	bool deaf;     /* the socket is shut down for reading, by us */

	/* One that is to be refused; nothing is read behind it. */
	int refusal;        /* the status; 0: none */
	const char *reason; /* constant text */
	uint64_t refused;   /* its number, from 1 on */
	const char *own;    /* what is left of ours in its place (tap.h); NULL: there is none */
	struct tn_framing framing;
};

/* Of a connection from that address, which may be NULL. NULL where there is no memory. */
struct tn_client *tn_client_create(int descriptor, const struct sockaddr *address,
                                   const struct tn_framing_limits *limits);

/* Does not close the descriptor. NULL is fine. */
void tn_client_destroy(struct tn_client *client);

/* How many descriptors the process may have; the soft limit is raised as far as it goes. */
unsigned tn_client_most(void);

#endif
