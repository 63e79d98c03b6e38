/*
 * proof.h - the proof that a malformed request is refused: a connection of the host's own, with a
 * request that libmicrohttpd would take and the tap must not.
 */
#ifndef TENON_SERVE_PROOF_H
#define TENON_SERVE_PROOF_H

#include <stdbool.h>

#define TN_PROOF_FAILED \
	"a malformed request was not refused, so that strangers could smuggle requests: this " \
	"program's recv() is not the one that libmicrohttpd calls. Link tenon with its symbols " \
	"exported to libraries, and with a libmicrohttpd that is a shared library calling recv"

struct tn_proof {
	int socket; /* the server's end, for whoever serves it: it closes it */
	int client;
};

/* Connects, and sends the request. false, with errno set, where it cannot; tn_proof_end is to come
 * all the same. */
bool tn_proof_begin(struct tn_proof *proof);

/* Whether the connection has been served as it must be: one reply, with 400, and its end. */
bool tn_proof_holds(const struct tn_proof *proof);

/* Closes the client's end. */
void tn_proof_end(struct tn_proof *proof);

#endif
