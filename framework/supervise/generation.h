/* generation.h - a configuration as it was read once, and the processes that serve it. */
#ifndef TENON_SUPERVISE_GENERATION_H
#define TENON_SUPERVISE_GENERATION_H

#include "supervise/process.h"

/* The place of a process: another takes it when the first has ended. */
struct tn_seat {
	struct tn_process process;
	bool ready;
	unsigned failures;  /* in a row: it ended soon after it was started */
	int64_t started_at; /* ms */
	int64_t restart_at; /* ms; where it has no process */
	int *sockets;       /* that it listens on; not its own */
	size_t socket_count;
};

struct tn_generation {
	unsigned number;
	struct tn_config *config;
	struct tn_plan *plan;
	struct tn_secrets secrets;
	struct tn_seat *seats;
	size_t count;
	bool served;                /* it was let to serve */
	int64_t end_at;             /* ms; when its processes are to have ended; 0: they serve */
	struct tn_generation *next; /* in a list of several */
};

/* What a generation is made with. */
struct tn_generation_options {
	const char *path;
	const char *environment;
	bool again; /* it was read before */
	struct tn_vault *vault;
	struct tn_errors *errors;
};

/*
 * Reads the configuration and the secrets; no process is started. Errors of their content are added
 * to the list. Returns it, for the caller to destroy; NULL, *code the exit code, and a reason
 * (TN_REASON_SIZE bytes, "" where the list tells it) where it cannot be used.
 */
struct tn_generation *tn_generation_create(const struct tn_generation_options *options, int *code,
                                           char *reason);

/* NULL is fine. Its processes have ended. */
void tn_generation_destroy(struct tn_generation *generation);

/* How many processes the configuration wants. */
size_t tn_generation_wanted(const struct tn_generation *generation);

/*
 * Makes its seats, and deals them the sockets of `slots` slots round-robin: `sockets` has
 * `addresses` of them for each slot. false where there is no memory.
 */
bool tn_generation_deal(struct tn_generation *generation, const int *sockets, size_t slots,
                        size_t addresses);

/* Sends a signal to every process. */
void tn_generation_signal(const struct tn_generation *generation, int signal);

/* Lets all of them serve. */
void tn_generation_release(const struct tn_generation *generation);

/* Ends those that were never let to serve. */
void tn_generation_dismiss(struct tn_generation *generation);

/* How many processes there are, and how many of them are ready. */
size_t tn_generation_living(const struct tn_generation *generation);
size_t tn_generation_ready(const struct tn_generation *generation);

#endif
