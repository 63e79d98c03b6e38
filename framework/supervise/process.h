/* process.h - a host process as the supervisor sees it. */
#ifndef TENON_SUPERVISE_PROCESS_H
#define TENON_SUPERVISE_PROCESS_H

#include "supervise/channel.h"

#include <sys/types.h>

struct tn_process {
	pid_t pid;  /* 0: there is none */
	int report; /* where its messages come; -1 */
};

/* With what one is started: descriptors, all of which stay the caller's; -1: none. */
struct tn_process_options {
	int program;            /* this program's file, open */
	int bundle;             /* the configuration and the secrets: see bundle.h */
	int page;               /* see page.h */
	int quarantine;         /* the page of the Workers that are not to be entered */
	int log;                /* the access log: see access_file.h */
	const char *privileges; /* those that it drops, in one word; NULL: it keeps all */
	const int *sockets;     /* listening sockets */
	size_t socket_count;
	size_t watched; /* of these, how many, from the first on, it accepts from at first */
};

/*
 * Starts one: this program anew, which ends with its parent. Returns false and errno where it
 * cannot be started.
 */
bool tn_process_start(struct tn_process *process, const struct tn_process_options *options);

/*
 * What it is told. A process that does not read it is killed: the supervisor waits for nobody. One
 * whose report has ended is told nothing.
 */

/* Answers TN_PROCESS_SHARE; with a descriptor of -1 there is none. */
void tn_process_share(const struct tn_process *process, int descriptor);

/* To one that is ready: it may serve. Until then it touches no socket. */
void tn_process_release(const struct tn_process *process);

/* To go on with another access log. The descriptor stays the caller's. */
void tn_process_send_log(const struct tn_process *process, int descriptor);

/* To accept from one of its sockets, by its place in the options, or not to do so any more. */
void tn_process_watch(const struct tn_process *process, size_t socket, bool watched);

/* Closes the supervisor's side. One that was never told to serve ends then. */
void tn_process_forget(struct tn_process *process);

/* Reads a message: see tn_channel_hear. */
int tn_process_read(const struct tn_process *process, char *text);

/* The other side: runs as the host process that the command line, from behind the command's name,
 * describes. Returns the exit code. */
int tn_process_run(int count, char **words);

#endif
