/* loop.h - the event loop of a host process: accepts, runs the edge, minds the signals. */
#ifndef TENON_SERVE_LOOP_H
#define TENON_SERVE_LOOP_H

#include "serve/edge.h"

struct tn_loop;

struct tn_loop_options {
	/* Listening, non-blocking sockets; they are closed when draining (tn_forked_close). */
	const int *listeners;
	size_t listener_count;
	size_t spare;          /* of these, how many of the last are not watched at first */
	bool alone;            /* no other process has them */
	int signals;           /* gives a byte, its number, for each signal that ends the loop */
	int64_t drain_timeout; /* ms */
	struct tn_access_log *access_log;
	struct tn_activity *activity; /* counts the turns */
	int notes;                    /* one more descriptor that it watches; -1 */
	/* That one can be read; called once at the start, too. false: it is to be watched no more,
	 * as at its end. */
	bool (*take_notes)(void *argument, struct tn_loop *loop);
	/* SIGHUP has come, and it accepts nobody any more; NULL: nobody wants to know. */
	void (*replaced)(void *argument);
	void *argument;
};

/* One that is ready to run, but watches no listener yet. The edge and what the options point to
 * must outlive it. NULL, and a line in the log, where it cannot be set up. */
struct tn_loop *tn_loop_create(struct tn_edge *edge, const struct tn_loop_options *options);

/* NULL is fine. */
void tn_loop_destroy(struct tn_loop *loop);

enum tn_loop_result {
	TN_LOOP_DRAINED,  /* all that was accepted has been answered */
	TN_LOOP_DEADLINE, /* not all: the time was up, or a second signal came */
	TN_LOOP_FAILED,   /* the listeners cannot be watched; there is a line in the log */
};

/*
 * Serves until a signal comes, then drains: accepts what already waits, answers what has begun.
 * SIGHUP says that another process goes on serving: then connections are kept until their next
 * request, or until drain_timeout.
 */
enum tn_loop_result tn_loop_run(struct tn_loop *loop);

/* From take_notes: accepts from a listener, by its number, or no longer does so, and leaves what
 * waits there to others. Nothing happens where there is none, or when draining. */
void tn_loop_watch(struct tn_loop *loop, size_t listener, bool watched);

#endif
