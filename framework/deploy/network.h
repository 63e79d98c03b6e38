/* network.h - "127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32". */
#ifndef TENON_DEPLOY_NETWORK_H
#define TENON_DEPLOY_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#define TN_NETWORK_BYTES 16

/* IPv4 addresses are those that IPv6 maps them to (RFC 4291, 2.5.5.2). */
struct tn_network {
	unsigned char bytes[TN_NETWORK_BYTES];
	unsigned bits; /* of the 128, that an address has in common with it */
};

/* Takes the text apart; returns NULL, or a constant text that says what is wrong with it. */
const char *tn_network_parse(const char *text, struct tn_network *network);

/* Reads an address without a port, "192.0.2.1" or "2001:db8::1". false where it is none. */
bool tn_network_address(const char *text, unsigned char bytes[TN_NETWORK_BYTES]);

/* Whether the address lies in one of them; not, where the text is no address. */
bool tn_networks_have(const struct tn_network *networks, size_t count, const char *address);

#endif
