/* generation.h - the processes that serve one revision of the configuration. */
#ifndef TENON_SUPERVISE_GENERATION_H
#define TENON_SUPERVISE_GENERATION_H

#include "deploy/names.h"
#include "supervise/marks.h"
#include "supervise/page.h"
#include "supervise/process.h"
#include "supervise/revision.h"

/* The place of a process: another takes it when the first has ended. */
struct tn_seat {
	struct tn_process process;
	struct tn_page *page; /* of the process; NULL: it has none */
	bool ready;
	bool closing;       /* it served, and is to tell when it accepts nobody any more */
	unsigned failures;  /* in a row: it ended soon after it was started */
	int64_t started_at; /* ms */
	int64_t restart_at; /* ms; where it has no process */
	int64_t kill_at;    /* ms; it hangs and was told to abort; 0: it does not */
	int hang;           /* what it was told: crash.h */
	uint64_t turns;     /* of its loop, as they were seen last */
	int64_t turned_at;  /* ms; when they were first seen so */
	int *sockets;       /* its own, then those that may be lent to it; none is closed here */
	size_t socket_count;
	size_t watched; /* how many are its own */
	size_t lent_to; /* the number of the seat that has them meanwhile, plus 1; 0: none has */
};

/* What processes have done. */
struct tn_tally {
	uint64_t requests; /* answered */
	uint64_t lost;     /* begun, and not answered; of one that lives: in flight */
	uint64_t crashes;
	uint64_t waiting;     /* for a thread, or on one */
	uint64_t turned_away; /* with a 503: no thread had time for them */
	uint64_t refused[TN_REFUSED_KINDS];
};

struct tn_generation {
	unsigned number;
	struct tn_revision *revision;
	struct tn_marks marks;     /* of the Workers in quarantine */
	int log;                   /* the access log; -1: it is no file */
	char lifts[TN_NAMES_SIZE]; /* who is to come out of quarantine when it serves */
	bool lifts_all;
	struct tn_seat *seats;
	size_t count;
	bool served;                /* it was let to serve */
	int64_t served_at;          /* ms; from when on */
	bool hurried;               /* it is not to wait for idle clients any more */
	bool restored;              /* it is what the one before was rolled back to */
	int64_t end_at;             /* ms; when its processes are to have ended; 0: they serve */
	struct tn_generation *next; /* in a list of several */
};

/* Adds what has ended of the one: what is answered, turned away or refused stays so. */
void tn_tally_add(struct tn_tally *tally, const struct tn_tally *more);

/* One without a process; nobody is in quarantine. It holds the revision. NULL, and errno set, where
 * there is no memory. */
struct tn_generation *tn_generation_create(struct tn_revision *revision, unsigned number);

/* NULL is fine. Its processes have ended. */
void tn_generation_destroy(struct tn_generation *generation);

/* How many processes a revision wants. */
size_t tn_generation_wanted(const struct tn_revision *revision);

/* Takes over another access log, which may be -1, and has all processes go on with it. */
void tn_generation_log(struct tn_generation *generation, int log);

/*
 * Makes its seats, and deals them the sockets of `slots` slots round-robin: `sockets` has
 * `addresses` of them for each slot. Each seat gets the others, too, behind its own. false where
 * there is no memory.
 */
bool tn_generation_deal(struct tn_generation *generation, const int *sockets, size_t slots,
                        size_t addresses);

/* Sends a signal to every process. */
void tn_generation_signal(const struct tn_generation *generation, int signal);

/* Lets all of them serve. */
void tn_generation_release(const struct tn_generation *generation);

/* Has those that serve let nobody in any more, and tell so; others go on serving. */
void tn_generation_retire(struct tn_generation *generation);

/* How many of these have not told so yet, and live. */
size_t tn_generation_closing(const struct tn_generation *generation);

/* Ends those that were never let to serve. */
void tn_generation_dismiss(struct tn_generation *generation);

/* Adds what the process in a seat has done until now, without crashes. */
void tn_seat_tally(const struct tn_seat *seat, struct tn_tally *tally);

/* How many processes there are, and how many of them are ready. */
size_t tn_generation_living(const struct tn_generation *generation);
size_t tn_generation_ready(const struct tn_generation *generation);

#endif
