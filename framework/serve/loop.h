/* loop.h - the event loop of a host process: accepts, runs the edge, minds the signals. */
#ifndef TENON_SERVE_LOOP_H
#define TENON_SERVE_LOOP_H

#include "serve/edge.h"

struct tn_loop_options {
	const int *listeners; /* listening, non-blocking sockets; they are closed when draining */
	size_t listener_count;
	int signals;           /* gives a byte, its number, for each signal that ends the loop */
	int64_t drain_timeout; /* ms */
	struct tn_access_log *access_log;
	struct tn_activity *activity; /* counts the turns */
};

enum tn_loop_result {
	TN_LOOP_DRAINED,  /* all that was accepted has been answered */
	TN_LOOP_DEADLINE, /* not all: the time was up, or a second signal came */
	TN_LOOP_FAILED,   /* the loop could not be set up; there is a line in the log */
};

/*
 * Serves until a signal comes, then drains: accepts what already waits, answers what has begun.
 * SIGHUP says that another process goes on serving: then connections are kept until their next
 * request, or until drain_timeout.
 */
enum tn_loop_result tn_loop_run(struct tn_edge *edge, const struct tn_loop_options *options);

#endif
