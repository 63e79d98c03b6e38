/*
 * tap.h - every byte of a connection is seen before libmicrohttpd reads it.
 *
 * libmicrohttpd receives by recv(2), and a function of that name in the executable comes before the
 * C library's. Ours passes everything through, unless the thread is within tn_tap_enter and
 * tn_tap_leave and the descriptor is one that was added: then what comes is shown to the client's
 * `framing` first, and libmicrohttpd is given what is good of it.
 *
 * A request that is refused has begun in these very bytes, or it has not:
 *
 *  - It has: in its place libmicrohttpd gets a request of our own, so that it answers those before
 *    it, in their order, and then comes to this one. client->refused is its number.
 *  - It has not: libmicrohttpd is reading that request, and has answered all before it. The refusal
 *    is sent here, and libmicrohttpd is told that the connection was reset.
 *
 * In both cases nothing more is read from the client: what it sends behind the refused request is
 * no request. Neither happens with -DTN_NO_GUARD, which is there to measure what this costs.
 */
#ifndef TENON_SERVE_TAP_H
#define TENON_SERVE_TAP_H

#include "serve/client.h"
#include "serve/deadlines.h"

#include <stddef.h>

#ifdef TN_NO_GUARD
#define TN_TAP_GUARDS false
#else
#define TN_TAP_GUARDS true
#endif

struct tn_tap {
	struct tn_client **clients; /* by their descriptors; NULL where there is none */
	size_t room;
	const struct tn_deadlines *deadlines; /* are told of what was read; NULL */
};

#define TN_TAP_INIT ((struct tn_tap){ 0 })

/* Gives back its memory. The clients are not its own. */
void tn_tap_finish(struct tn_tap *tap);

/* From now on the client's bytes are looked at, until it is removed, which is to come before its
 * descriptor is closed. false where there is no memory. */
bool tn_tap_add(struct tn_tap *tap, struct tn_client *client);
void tn_tap_remove(struct tn_tap *tap, const struct tn_client *client);

/* Ends a connection in silence: libmicrohttpd closes it in its next run. To be called outside of
 * it. */
void tn_tap_cut(struct tn_client *client);

/* The client gets that reply, unless one to its request has begun or it is refused already; and
 * when it sends more of its request, or libmicrohttpd looks for it, the connection ends. */
void tn_tap_refuse(struct tn_client *client, int status);

/* Between the two, this thread's recv(2) is the tap's. Workers' sockets, which are not added, are
 * not touched there either; those of other threads, and of a child that is forked, not at all. */
void tn_tap_enter(struct tn_tap *tap);
void tn_tap_leave(void);

#endif
