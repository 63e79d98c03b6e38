/*
 * linger.h - connections that are closed while their client still sends.
 *
 * Where bytes lie unread when a socket is closed, the kernel resets the connection, and the client
 * may lose the reply that it was sent. So it is told that nothing more comes, and what it sends is
 * read and dropped for a while. One thread.
 */
#ifndef TENON_SERVE_LINGER_H
#define TENON_SERVE_LINGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_LINGER_MOST 256u               /* at once; one more ends the oldest */
#define TN_LINGER_MS 2000                 /* for each */
#define TN_LINGER_BYTES ((size_t)1 << 20) /* that it may send meanwhile */

struct tn_linger;

/* NULL where there is no memory or no descriptor. */
struct tn_linger *tn_linger_create(void);

/* Closes all that are left. NULL is fine. */
void tn_linger_destroy(struct tn_linger *linger);

/* Takes over a non-blocking socket, on which all has been sent, and closes it when its client has
 * ended or its time is over. `now` is in ms of CLOCK_MONOTONIC, here and below. */
void tn_linger_add(struct tn_linger *linger, int socket, int64_t now);

/* The descriptor that becomes readable when there is work for tn_linger_run. */
int tn_linger_descriptor(const struct tn_linger *linger);

/* Drops what has come, and closes those that are done. */
void tn_linger_run(struct tn_linger *linger, int64_t now);

/* When it is to be called even if nothing comes; INT64_MAX for never. */
int64_t tn_linger_next(const struct tn_linger *linger);

/* How many there are. */
unsigned tn_linger_count(const struct tn_linger *linger);

#endif
