/*
 * channel.h - the socket between the supervisor and a host process: whole messages in both
 * directions, some of them with a descriptor.
 *
 * The supervisor waits for nobody; a host process may wait for the supervisor.
 */
#ifndef TENON_SUPERVISE_CHANNEL_H
#define TENON_SUPERVISE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a host process tells the supervisor, each in one message. */
enum tn_process_message {
	TN_PROCESS_READY = 1,
	TN_PROCESS_ERRORS = 2, /* the text follows */
	TN_PROCESS_SHARE = 3,  /* wants memory: its size as digits, a blank and "WORKER.FIELD" */
	TN_PROCESS_CLOSED = 4, /* accepts nobody any more */
};

#define TN_PROCESS_TEXT 65536 /* bytes of the text, cut beyond it */

/* What the supervisor tells a host process. */
enum tn_order_kind {
	TN_ORDER_SERVE = 1,
	TN_ORDER_MEMORY,  /* the answer to TN_PROCESS_SHARE; without a descriptor there is none */
	TN_ORDER_LOG,     /* the access log to go on with: a descriptor */
	TN_ORDER_WATCH,   /* a listener, by its number: accept from it */
	TN_ORDER_UNWATCH, /* no longer */
};

struct tn_order {
	enum tn_order_kind kind;
	uint32_t number;
	int descriptor; /* -1: none */
};

/* Both ends, closed on exec: [0] is the supervisor's. false and errno where there is none. */
bool tn_channel_create(int ends[2]);

/* ---- The supervisor's side ----------------------------------------------------------------- */

/* Sends an order; its descriptor stays the caller's. false where it cannot be sent at once. */
bool tn_channel_send(int channel, const struct tn_order *order);

/* Reads a message: its kind, and its text, with a NUL (TN_PROCESS_TEXT + 1 bytes). 0 where there is
 * none now, -1 at the end. */
int tn_channel_hear(int channel, char *text);

/* ---- The host's side ----------------------------------------------------------------------- */

/* Sends a message; waits until there is room. false where it cannot be sent. */
bool tn_channel_tell(int channel, enum tn_process_message kind, const char *text, size_t size);

/* The same without a text and without waiting: where there is no room, it is lost. */
void tn_channel_mention(int channel, enum tn_process_message kind);

/* The orders, in their sequence; those that nobody has waited for are kept. */
struct tn_inbox {
	int channel;
	struct tn_order *kept;
	size_t count;
};

/* Waits for the next order of a kind. Its descriptor is the caller's, closed on exec. false where
 * the supervisor has closed its end. */
bool tn_inbox_await(struct tn_inbox *inbox, enum tn_order_kind kind, struct tn_order *order);

/* Takes the next order, of those that are kept and those that have come: 1; 0 where there is none
 * now, -1 at the end. Its descriptor is the caller's. */
int tn_inbox_next(struct tn_inbox *inbox, struct tn_order *order);

/* Closes what was kept, and the channel. */
void tn_inbox_finish(struct tn_inbox *inbox);

#endif
