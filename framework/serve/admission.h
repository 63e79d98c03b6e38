/*
 * admission.h - who may connect: so many at once, and so many from one address.
 *
 * Between the files that edge_state.h names. The loop's thread alone.
 */
#ifndef TENON_SERVE_ADMISSION_H
#define TENON_SERVE_ADMISSION_H

#include "serve/edge_state.h"

/* Sets how many the edge lets in. It has its deployment. */
void tn_admission_init(struct tn_edge *edge);

/* Whether whoever comes from that address is let in. Where not, the reply has been sent, and the
 * socket is closed in the end. */
bool tn_admission_grant(struct tn_edge *edge, int socket, const struct sockaddr *address);

#endif
