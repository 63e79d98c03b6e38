/* client.h - who is connected, and how many can be. */
#ifndef TENON_SERVE_CLIENT_H
#define TENON_SERVE_CLIENT_H

#include <sys/socket.h>

/* The address as text, without the port, for the caller to free; NULL where there is none. One that
 * came by IPv4 through a socket of both is shown as such. */
char *tn_client_address(const struct sockaddr *address);

/* How many descriptors the process may have; the soft limit is raised as far as it goes. */
unsigned tn_client_most(void);

#endif
