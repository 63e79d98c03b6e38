/* process.h - a host process as the supervisor sees it. */
#ifndef TENON_SUPERVISE_PROCESS_H
#define TENON_SUPERVISE_PROCESS_H

#include "deploy/secrets.h"

#include <sys/types.h>

/* What a host process tells the supervisor, each in one message. */
enum tn_process_message {
	TN_PROCESS_READY = 1,
	TN_PROCESS_ERRORS = 2, /* the text follows */
	TN_PROCESS_SHARE = 3,  /* wants memory: its size as digits, a blank and "WORKER.FIELD" */
};

#define TN_PROCESS_TEXT 65536 /* bytes of the text, cut beyond it */

struct tn_process {
	pid_t pid;  /* 0: there is none */
	int report; /* where its messages come; -1 */
};

/* With what one is started. */
struct tn_process_options {
	int program;        /* this program's file, open */
	int bundle;         /* tn_bundle_write */
	int page;           /* tn_page_create */
	const int *sockets; /* that it listens on */
	size_t socket_count;
};

/*
 * Starts one: this program anew, which gets the configuration and the secrets in a bundle, and ends
 * with its parent. Returns false and errno where it cannot be started.
 */
bool tn_process_start(struct tn_process *process, const struct tn_process_options *options);

/* Answers TN_PROCESS_SHARE; with a descriptor of -1 there is none. A process that does not read
 * what it is answered is killed: the supervisor waits for nobody. */
void tn_process_share(const struct tn_process *process, int descriptor);

/* Tells one that is ready to serve: until then it touches no socket. */
void tn_process_release(const struct tn_process *process);

/* Closes the supervisor's side. One that was never told to serve ends then. */
void tn_process_forget(struct tn_process *process);

/* Reads a message: its kind, and for errors the text, with a NUL (TN_PROCESS_TEXT + 1 bytes). 0
 * where there is none now, -1 at the end. */
int tn_process_read(const struct tn_process *process, char *text);

/* The other side: runs as the host process that the command line, from behind the command's name,
 * describes. Returns the exit code. */
int tn_process_run(int count, char **arguments);

#endif
