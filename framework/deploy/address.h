/* address.h - "127.0.0.1:8080", "[::1]:8080", "localhost:8080", "*:8080". */
#ifndef TENON_DEPLOY_ADDRESS_H
#define TENON_DEPLOY_ADDRESS_H

#include <stddef.h>

#define TN_ADDRESS_HOST 256
#define TN_ADDRESS_PORT 6

struct tn_address {
	char host[TN_ADDRESS_HOST]; /* without brackets; "" for every address of the machine */
	char port[TN_ADDRESS_PORT]; /* "0" for any free one */
};

/* Takes the text apart; returns NULL, or a constant text that says what is wrong with it. */
const char *tn_address_parse(const char *text, struct tn_address *address);

#endif
