/*
 * edge.h - where a host process meets the wire; edge_state.h names the files that it is made of.
 *
 * Bytes become a request, the request finds its Worker, the Worker's response becomes bytes. All of
 * it happens on the one thread that calls these functions, but for Workers that may wait: these are
 * called on a thread of the pool, and so is all work for after a reply.
 */
#ifndef TENON_SERVE_EDGE_H
#define TENON_SERVE_EDGE_H

#include "deploy/deployment.h"
#include "observe/access.h"
#include "serve/pool.h"

#include <sys/socket.h>

struct tn_edge;

/* Serves that deployment; all arguments must outlive the edge. The pool has a lane for each Worker
 * of the plan, by its number. NULL, and a line in the log, where it cannot be made. */
struct tn_edge *tn_edge_create(const struct tn_deployment *deployment,
                               struct tn_access_log *access_log, struct tn_pool *pool);

/* Ends all connections, with their requests, as they are; requests that no thread has are given up.
 * Returns whether threads of the pool have requests that they do not give back, or do not end in a
 * second what these have left to be done: then neither the edge nor the pool can be destroyed, and
 * the process can only be ended. To be asked once, when the loop has ended, before the edge is
 * destroyed. */
bool tn_edge_stuck(struct tn_edge *edge);

/* NULL is fine. */
void tn_edge_destroy(struct tn_edge *edge);

/* The descriptor that becomes readable when there is work for tn_edge_run. */
int tn_edge_descriptor(const struct tn_edge *edge);

/* Another one, of connections that are closed. */
int tn_edge_linger_descriptor(const struct tn_edge *edge);

/* And one for tn_edge_take. */
int tn_edge_pool_descriptor(const struct tn_edge *edge);

/* Takes back what threads of the pool have done; tn_edge_run is to follow. */
void tn_edge_take(struct tn_edge *edge);

/* Does all that can be done now. Returns in how many milliseconds it is to be called again even if
 * nothing happens on its descriptor; -1 for never. */
int tn_edge_run(struct tn_edge *edge);

/* Takes over an accepted, non-blocking socket, and closes it in the end; at once where it cannot,
 * which is false. */
bool tn_edge_add(struct tn_edge *edge, int socket, const struct sockaddr *address,
                 socklen_t address_size);

/* Whether it has as many connections as the process has descriptors for. */
bool tn_edge_full(const struct tn_edge *edge);

/* From now on each reply is the last of its connection. */
void tn_edge_drain(struct tn_edge *edge);

/* How many connections there are, with those that linger. */
unsigned tn_edge_connections(const struct tn_edge *edge);

/* A number that changes whenever something happens: a request begins, goes on or ends. */
unsigned long tn_edge_activity(const struct tn_edge *edge);

/* How many requests have begun and not ended. */
unsigned tn_edge_in_flight(const struct tn_edge *edge);

/* How many requests threads have to do with, those included that have been answered. */
size_t tn_edge_unfinished(const struct tn_edge *edge);

/* What stands behind the status in the status line, "Not Found": a constant. */
const char *tn_edge_reason(int status);

#endif
