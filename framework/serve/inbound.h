/*
 * inbound.h - one request on the wire, from its first line to the last byte of its reply.
 *
 * libmicrohttpd tells of it by tn_inbound_begins, _goes_on and _ends, which are calls of daemon.h;
 * the rest is between the files that edge_state.h names. The loop's thread alone.
 */
#ifndef TENON_SERVE_INBOUND_H
#define TENON_SERVE_INBOUND_H

#include "message/response.h"
#include "serve/edge_state.h"
#include "serve/upload.h"

#include <time.h>

/* It lives in its exchange's arena. */
struct tn_inbound {
	struct tn_edge *edge;
	struct tn_client *client; /* NULL once libmicrohttpd's request has ended */
	struct tn_exchange *exchange;
	/* libmicrohttpd's request and its response, and the pool: the last one ends it. */
	unsigned owners;
	struct timespec begun;
	struct tn_request *request;
	const struct tn_route *route; /* NULL: 404 */
	int refusal;                  /* the status of a request that reaches no Worker; 0: none */
	bool asks_host;               /* OPTIONS *: about the host as a whole */
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
	struct tn_connection *suspended;
};

/* ---- inbound.c: begin and end, owners ------------------------------------------------------ */

/* The calls of daemon.h; `argument` is the edge, `connected` a struct tn_client. */
void *tn_inbound_begins(void *argument, void *connected, const char *target);
void tn_inbound_ends(void *argument, struct tn_connection *connection, void *request, bool aborted);

/* One that is refused before libmicrohttpd has read its first line is a request as well: it is
 * counted, and stands in the access log as one that was answered so. */
void tn_inbound_unread(struct tn_edge *edge, int status, bool head_only);

/* One owner less; the last one ends the exchange. `argument` is a struct tn_inbound: it is a
 * reply's `freed` (daemon.h), too, which comes after the request's end, on keep-alive and on
 * close. */
void tn_inbound_let_go(void *argument);

/* The same for the pool (waiting.h), which had the request, or what is left behind the reply. */
void tn_inbound_pool_let_go(struct tn_wait *wait);

/* For what threads are to do; false where there is no memory. */
bool tn_inbound_make_wait(struct tn_inbound *inbound);

/* Nothing more is read or written until it is resumed; then the request goes on. To resume one that
 * is not suspended is fine: it goes on in this turn of the loop. */
void tn_inbound_suspend(struct tn_inbound *inbound, struct tn_connection *connection);
void tn_inbound_resume(struct tn_inbound *inbound);

/* ---- inbound_head.c ------------------------------------------------------------------------ */

/* Reads the head into the request, and finds its route; what is wrong with it becomes the refusal.
 * false where there is no memory: then the connection is to end. */
bool tn_inbound_read_head(struct tn_inbound *inbound, struct tn_connection *connection,
                          const char *method);

/* What the request's head has left of the connection's memory for the fields of the reply. */
static inline size_t tn_inbound_room(const struct tn_inbound *inbound)
{
	size_t taken = inbound->head_size + TN_DAEMON_OVERHEAD;

	return taken < inbound->edge->memory ? inbound->edge->memory - taken : 0;
}

/* ---- inbound_body.c ------------------------------------------------------------------------ */

/* A body of that length, or TN_UPLOAD_UNKNOWN, is to come, or none. One that says that it is too
 * large is refused before it is sent. */
void tn_inbound_open_body(struct tn_inbound *inbound, uint64_t length);

/* Takes one more part, all of it but what it leaves in *size. false: the connection is to end. */
bool tn_inbound_take_body(struct tn_inbound *inbound, struct tn_connection *connection,
                          const char *data, size_t *size);

/* All of it has come, and it is not empty. Returns whether it is all there, or refused; where not,
 * it is to be called again when the request goes on. */
bool tn_inbound_end_body(struct tn_inbound *inbound, struct tn_connection *connection);

/* ---- inbound_answer.c ---------------------------------------------------------------------- */

/* The call of daemon.h; `request` is a struct tn_inbound. */
bool tn_inbound_goes_on(void *request, struct tn_connection *connection, const char *method,
                        const char *data, size_t *size);

/* ---- inbound_reply.c: each returns false where the connection is to end --------------------- */

/* What a Worker has returned; NULL: a 500. */
bool tn_inbound_reply(struct tn_inbound *inbound, struct tn_connection *connection,
                      const struct tn_response *response);

/* A reply of the host's own. It takes no memory of the exchange, which a thread may have. */
bool tn_inbound_reply_status(struct tn_inbound *inbound, struct tn_connection *connection,
                             int status);

/* To OPTIONS *, whatever the Host: which methods reach Workers. */
bool tn_inbound_reply_options(struct tn_inbound *inbound, struct tn_connection *connection);

#endif
