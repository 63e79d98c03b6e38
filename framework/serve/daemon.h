/*
 * daemon.h - libmicrohttpd: it has the connections, reads heads, writes replies.
 *
 * The one part that knows it; to the others a connection is a pointer without a content. What
 * libmicrohttpd has to say comes by functions of whoever made the daemon, from within
 * tn_daemon_run, tn_daemon_add and tn_daemon_destroy. One thread.
 */
#ifndef TENON_SERVE_DAEMON_H
#define TENON_SERVE_DAEMON_H

#include "message/headers.h"
#include "serve/framing.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct tn_daemon;
struct tn_connection; /* libmicrohttpd's; lives until `closed` has returned */
struct tn_reply;

/* Of the connection's memory, beside the fields of both: request line, status line, Date and the
 * like. */
#define TN_DAEMON_OVERHEAD ((size_t)1536)

/* What whoever makes it is told. `argument` is the one of the options. */
struct tn_daemon_calls {
	/* The address is NULL where there is none. Returns what the next ones call `client`: NULL
	 * where there is no memory, and then the connection ends with its first request. */
	void *(*connected)(void *argument, struct tn_connection *connection, int descriptor,
	                   const struct sockaddr *address);
	/* The last word of a connection; the descriptor is still open. */
	void (*closed)(void *argument, void *client);
	/* The first word of a request: its first line has been read. Returns what is `request` from
	 * then on, or NULL: then the connection ends. */
	void *(*begins)(void *argument, void *client, const char *target);
	/* For the head, where *size is 0; for each part of the body, of which *size becomes what
	 * was not taken; at the end, where it is 0 again. false: the connection is to end. */
	bool (*goes_on)(void *request, struct tn_connection *connection, const char *method,
	                const char *data, size_t *size);
	/* Once for each request that began, whatever became of it; `request` may be NULL. */
	void (*ends)(void *argument, struct tn_connection *connection, void *request, bool aborted);
};

struct tn_daemon_options {
	size_t memory;        /* of each connection, in bytes: tn_daemon_memory */
	unsigned connections; /* at most */
	bool suspends;        /* some may be suspended: then a turn costs a lock */
	const struct tn_daemon_calls *calls;
	void *argument;
};

/* How much a connection needs for heads as large as these limits let them be. */
size_t tn_daemon_memory(const struct tn_framing_limits *limits);

/* NULL where it cannot be made. */
struct tn_daemon *tn_daemon_create(const struct tn_daemon_options *options);

/* Ends all connections, with their requests, as they are; none may be suspended. NULL is fine. */
void tn_daemon_destroy(struct tn_daemon *daemon);

/* Becomes readable when there is work for tn_daemon_run. */
int tn_daemon_descriptor(const struct tn_daemon *daemon);

/* Does all that can be done now. */
void tn_daemon_run(struct tn_daemon *daemon);

/* In how many milliseconds it wants to run even if nothing happens; -1: never. */
int tn_daemon_timeout(const struct tn_daemon *daemon);

/* Takes over a non-blocking socket, and closes it in the end; at once where it cannot, which is
 * false. */
bool tn_daemon_add(struct tn_daemon *daemon, int socket, const struct sockaddr *address,
                   socklen_t address_size);

/* What stands behind the status in the status line, "Not Found": a constant. */
const char *tn_daemon_reason(int status);

/* What `connected` has returned. */
void *tn_connection_client(struct tn_connection *connection);

/* Nothing is read from it or written to it until it is resumed; then `goes_on` is called anew.
 * Only where the options say that it may be. */
void tn_connection_suspend(struct tn_connection *connection);
void tn_connection_resume(struct tn_connection *connection);

/* It is closed at its client's next byte or end, if the tap then tells of a reset, or else in a
 * second. Not for one that is suspended. */
void tn_connection_expire(struct tn_connection *connection);

/* The fields of a request. */
struct tn_connection_fields {
	struct tn_headers *headers; /* to which they are appended */
	size_t size;                /* of the connection's memory that they take */
	bool expects;               /* one of them is Expect */
};

/* Reads them; the last two are to be zeroed. false: there is no room for one, and those behind it
 * were not read. */
bool tn_connection_read(struct tn_connection *connection, struct tn_connection_fields *fields);

/* A reply with these fields, but for those without a value: libmicrohttpd cannot send them. The
 * body is not copied. When libmicrohttpd no longer needs it, which may be after the end of the
 * request, `freed` is called, once; where the reply cannot be made, which is NULL, at once. */
struct tn_reply *tn_reply_create(const struct tn_headers *headers, struct tn_bytes body,
                                 void (*freed)(void *argument), void *argument);

/* One more field; false where there is no memory. */
bool tn_reply_add(struct tn_reply *reply, const char *name, const char *value);

/* For one that is not sent. */
void tn_reply_destroy(struct tn_reply *reply);

/* Sends it as the reply to the connection's request; it is the connection's from then on. false:
 * libmicrohttpd does not take it, and the reply has been destroyed. */
bool tn_connection_send(struct tn_connection *connection, int status, struct tn_reply *reply);

#endif
