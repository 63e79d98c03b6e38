/*
 * proxy.h - the real nginx, HAProxy and Caddy, started from the very files in etc/proxies, with
 * their names, ports and paths replaced, in front of a real host.
 *
 *	for (size_t i = 0; i < PROXIES; i++) {
 *		struct proxy *proxy = proxy_start(i, NULL);
 *
 *		if (!proxy)
 *			continue;
 *		...
 *		proxy_end(proxy);
 *	}
 *
 * Clients come from PROXY_CLIENT, proxies from 127.0.0.1, which the host trusts: what the host
 * answers and has not come through the proxy as a request of its own shows by its address.
 */
#ifndef TENON_TESTS_PROXIES_PROXY_H
#define TENON_TESTS_PROXIES_PROXY_H

#include "e2e/harness.h"

#define PROXIES 3
#define PROXY_NAME "www.example.com" /* the server's, as in the examples */
#define PROXY_CLIENT "127.0.0.5"

/* The host's limits, which are lower than the proxies'. */
#define PROXY_HEAD 4096
#define PROXY_BODY (512 * 1024)

struct proxy {
	const char *name; /* "nginx" */
	struct host *host;
	struct host *process;
	int port;
	const char *certificate;
};

/* Starts such a host, single or supervised, and that proxy, and waits until it listens. NULL, with
 * a line that says so, where it is not installed. */
struct proxy *proxy_start(size_t number, const struct host_options *options);

/* Ends both; the test fails where either does not end as it should. */
void proxy_end(struct proxy *proxy);

/* A client of its own. */
struct http_client *proxy_client(const struct proxy *proxy, bool http2);

#endif
