/*
 * edge_state.h - what the edge has, for the files that it is made of:
 *
 *	edge.c            setting up, the loop's turns, the end
 *	admission.c       who may connect, and who is turned away
 *	connections.c     a connection is made, takes too long, is closed
 *	inbound.c         one request: its begin and end, its owners
 *	inbound_head.c    bytes become a request
 *	inbound_body.c    so does its body
 *	inbound_answer.c  the request finds its Worker
 *	inbound_reply.c   a response becomes bytes
 */
#ifndef TENON_SERVE_EDGE_STATE_H
#define TENON_SERVE_EDGE_STATE_H

#include "deploy/deployment.h"
#include "observe/access.h"
#include "serve/addresses.h"
#include "serve/client.h"
#include "serve/daemon.h"
#include "serve/deadlines.h"
#include "serve/linger.h"
#include "serve/refusals.h"
#include "serve/spool.h"
#include "serve/tap.h"
#include "serve/waiting.h"

struct tn_edge {
	const struct tn_deployment *deployment;
	struct tn_access_log *access_log;
	struct tn_daemon *daemon;
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

#endif
