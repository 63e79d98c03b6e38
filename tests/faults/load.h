/*
 * load.h - clients that never stop asking, and count what becomes of every request.
 *
 *	struct load *load = load_start(&(struct load_options){
 *		.port = host->port, .kept = 6, .fresh = 3, .greetings = { "one\n", "two\n" } });
 *
 *	load_reaches(load, 1, 100);
 *	counts = load_stop(load);
 *	CHECK_NUMBER(counts.wrong, 0);
 *
 * A request is sent once; what comes of it is one of: right, wrong, refused, reset, cut,
 * unanswered. One that was sent on a connection which the server closed without any byte of a
 * reply, after it has answered others there, may be sent again (RFC 9112, 9.3.1): it is counted as
 * `again`, goes on a fresh connection, and what comes of that is what came of the request.
 *
 * The clients have a thread of their own; all functions are for one other thread.
 */
#ifndef TENON_TESTS_FAULTS_LOAD_H
#define TENON_TESTS_FAULTS_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#define LOAD_GREETINGS 4

struct load_options {
	int port;         /* of 127.0.0.1 */
	const char *path; /* NULL: "/" */
	/* How many clients keep their connection; every third of them rests between its requests,
	 * so that some connections are idle at any moment. They take a new one now and then. */
	unsigned kept;
	unsigned fresh; /* how many take a new connection for each request */
	unsigned rest;  /* ms; for all of them; 0: as above, and as fast as they can */
	/* The bodies that are right, with status 200. */
	const char *greetings[LOAD_GREETINGS];
};

struct load_counts {
	unsigned long sent;
	unsigned long right;
	unsigned long wrong;   /* a whole reply, but another one */
	unsigned long refused; /* no connection could be made */
	unsigned long reset;   /* a fresh connection was closed before any byte of a reply */
	unsigned long cut;     /* closed in the middle of a reply */

	unsigned long unanswered; /* nothing came until the deadline */
	unsigned long again;      /* sent again; not an end of its own */

	unsigned long by_greeting[LOAD_GREETINGS]; /* the right ones */
};

/* Starts the clients. It ends the program where that cannot be done. The texts stay the caller's,
 * and are needed until load_stop. */
struct load;
struct load *load_start(const struct load_options *options);

/* What is counted until now. */
struct load_counts load_counts(struct load *load);

/* Waits until so many more requests than now were answered rightly, with that greeting, or with
 * any for -1. false at the deadline. */
bool load_reaches(struct load *load, int greeting, unsigned long more);

/* No new requests; waits for what becomes of those that are under way, and frees the load. */
struct load_counts load_stop(struct load *load);

/* All that went otherwise than it should: wrong, refused, reset, cut, unanswered. */
unsigned long load_failed(const struct load_counts *counts);

/* All of it as one line of text, for a failure. */
const char *load_text(const struct load_counts *counts);

#endif
