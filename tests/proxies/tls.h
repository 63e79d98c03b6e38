/*
 * tls.h - raw bytes through TLS to a proxy: `openssl s_client` is at the other end of a socket, so
 * that all of harness.h's wire_... can be used with it.
 */
#ifndef TENON_TESTS_PROXIES_TLS_H
#define TENON_TESTS_PROXIES_TLS_H

#include "proxies/proxy.h"

struct tls {
	int socket;
	pid_t process;
};

/* Begins to connect, from PROXY_CLIENT; `protocol` is "http/1.1" or "h2". */
struct tls tls_open(const struct proxy *proxy, const char *protocol);
void tls_close(struct tls *tls);

/* What is said on a connection of its own, and what comes of it. */
struct talk {
	const void *data;
	size_t size;
	struct wire_bytes reply; /* `late`: neither an end nor any more bytes came */
};

/* Holds them all, several at once. A talk is over where the proxy closes the connection, where
 * `over` says so, or after a silence that is long beside what a good one takes on this machine: the
 * first is good, and returned is how often that was held before. */
size_t tls_talk_all(const struct proxy *proxy, const char *protocol, struct talk *talks,
                    size_t count, bool (*over)(const struct wire_bytes *reply));

#endif
