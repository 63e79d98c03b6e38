/*
 * deadlines.h - what a client may take its time for, and how long.
 *
 * What a connection is about follows from what its client struct says at any time; only when that
 * began is noted, as it happens. So a request costs a store or two: a timer is looked at every now
 * and then, and set anew, instead of being moved for each step. No socket is touched here, and no
 * clock read. One thread.
 */
#ifndef TENON_SERVE_DEADLINES_H
#define TENON_SERVE_DEADLINES_H

#include "deploy/settings.h"
#include "serve/client.h"

enum tn_phase {
	TN_PHASE_SILENT, /* nothing has come on this connection yet */
	TN_PHASE_HEAD,   /* a head has begun */
	TN_PHASE_BODY,   /* a head is whole, and its body is not */
	TN_PHASE_WORK,   /* it is our turn */
	TN_PHASE_REPLY,  /* one is on its way */
	TN_PHASE_IDLE,   /* between two requests */
};

struct tn_deadlines {
	struct tn_timers timers;
	int64_t head; /* ms, all four */
	int64_t body;
	int64_t reply;
	int64_t idle;
	int64_t shortest;    /* of these */
	uint64_t body_bytes; /* that are to come in each such time, and be received */
	uint64_t reply_bytes;
	/* Its own clock, in ms: it stands still while the process does, so that nobody is blamed
	 * for what lay unread meanwhile. */
	int64_t now;
	int64_t seen; /* CLOCK_MONOTONIC at its last turn, in ms */
	int64_t wait; /* how long the loop was to sleep then; INT64_MAX: for ever */
	struct tn_delivery (*delivery)(const struct tn_client *client);
};

/* `now` is in ms of CLOCK_MONOTONIC, here and below; `delivery` is asked about those alone who have
 * not received a reply for some time. */
void tn_deadlines_init(struct tn_deadlines *deadlines, const struct tn_settings *settings,
                       struct tn_delivery (*delivery)(const struct tn_client *client), int64_t now);
void tn_deadlines_finish(struct tn_deadlines *deadlines);

/* The loop has awoken, and will read from all who have sent something before it asks who is due. */
void tn_deadlines_turn(struct tn_deadlines *deadlines, int64_t now);

/* It goes to sleep, for so many ms at most; -1: for ever. */
void tn_deadlines_rest(struct tn_deadlines *deadlines, int timeout);

/* The client has connected. false where there is no memory: then it has no deadline. */
bool tn_deadlines_add(struct tn_deadlines *deadlines, struct tn_client *client);

/* Before it is destroyed. Fine for one that was not added. */
void tn_deadlines_remove(struct tn_deadlines *deadlines, struct tn_client *client);

/* What it is about has begun just now: a request has ended, or goes on after it was suspended. */
static inline void tn_deadlines_restart(const struct tn_deadlines *deadlines,
                                        struct tn_client *client)
{
	client->since = deadlines->now;
	client->since_body = client->framing.body;
}

/* It has sent something, which its framing has read. */
static inline void tn_deadlines_read(const struct tn_deadlines *deadlines, struct tn_client *client)
{
	uint64_t stage = client->framing.messages + client->framing.heads;

	if (client->framing.phase == TN_FRAMING_BETWEEN || client->stage == stage)
		return;
	client->stage = stage;
	tn_deadlines_restart(deadlines, client);
}

/* What the connection is about. */
enum tn_phase tn_deadlines_phase(const struct tn_client *client);

/*
 * One whose time is over, and in *phase what for: TN_PHASE_REPLY also for one that has not received
 * all of a reply that was handed to the kernel. It is given once, and has no deadline any more.
 * NULL: nobody is.
 */
struct tn_client *tn_deadlines_due(struct tn_deadlines *deadlines, enum tn_phase *phase);

/* In how many ms somebody is to be looked at; -1: there is nobody. */
int tn_deadlines_left(const struct tn_deadlines *deadlines);

#endif
