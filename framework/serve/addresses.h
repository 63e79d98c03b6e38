/*
 * addresses.h - how many connections there are from each address.
 *
 * Whoever has an address of IPv6 mostly has 64 bits of them: those count as one. One thread.
 */
#ifndef TENON_SERVE_ADDRESSES_H
#define TENON_SERVE_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Whom a connection counts for. */
struct tn_origin {
	uint64_t bits;      /* an address of IPv4, or the network's half of one of IPv6 */
	sa_family_t family; /* AF_UNSPEC: nobody, as one who came by a Unix socket */
};

/* As many places as there have been origins at once, and some more. */
struct tn_addresses {
	struct tn_address_count *places;
	size_t room; /* a power of two; 0: none yet */
	size_t count;
	uint64_t seed;
};

/* Of an address, which may be NULL. One of IPv4 that came through a socket of both is of IPv4. */
struct tn_origin tn_origin_of(const struct sockaddr *address);

/* An empty one. It takes nothing until something is added. */
void tn_addresses_init(struct tn_addresses *addresses);
void tn_addresses_finish(struct tn_addresses *addresses);

/* How many there are from there; of nobody, 0. */
unsigned tn_addresses_count(const struct tn_addresses *addresses, struct tn_origin origin);

/* One more from there. false, and nothing is counted, where there is no memory. */
bool tn_addresses_add(struct tn_addresses *addresses, struct tn_origin origin);

/* One less, which has been added. */
void tn_addresses_remove(struct tn_addresses *addresses, struct tn_origin origin);

#endif
