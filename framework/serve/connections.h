/*
 * connections.h - the edge's connections: made, cut when they take too long, closed.
 *
 * Between the files that edge_state.h names. The loop's thread alone.
 */
#ifndef TENON_SERVE_CONNECTIONS_H
#define TENON_SERVE_CONNECTIONS_H

#include "serve/edge_state.h"

/* Calls of daemon.h: `argument` is the edge, `client` a struct tn_client or NULL. */
void *tn_connections_made(void *argument, struct tn_connection *connection, int descriptor,
                          const struct sockaddr *address);
void tn_connections_closed(void *argument, void *client);

/* Ends one that tn_deadlines_due has given, with a line in the log. To be called outside of
 * libmicrohttpd. */
void tn_connections_cut(struct tn_edge *edge, struct tn_client *client, enum tn_phase phase);

/* Counts and logs that a request of the client is malformed. */
void tn_connections_tell_refusal(struct tn_edge *edge, const struct tn_client *client);

#endif
