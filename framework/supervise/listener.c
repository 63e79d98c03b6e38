#include "supervise/listener.h"

#include "observe/log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

/* Writes what is wrong with the address, which is called `name`, and the cure; the exit code. */
static int explain(const char *name, int error, char *reason, size_t room)
{
	const char *cure = "";
	int code = EX_UNAVAILABLE;

	if (error == EADDRINUSE) {
		cure = ": another program listens there (`ss -ltnp` names it); end it, or change "
		       "`listen`";
	} else if (error == EACCES || error == EPERM) {
		cure = ": a port below 1024 needs privileges; use a higher one, or give the "
		       "program CAP_NET_BIND_SERVICE";
		code = EX_NOPERM;
	} else if (error == EADDRNOTAVAIL) {
		cure = ": this machine does not have that address";
	}
	snprintf(reason, room, "%s: %s%s", name, strerror(error), cure);
	return code;
}

/* As the configuration has it. */
static void name_address(const struct tn_address *address, char name[TN_LISTENER_NAME])
{
	bool brackets = strchr(address->host, ':');

	snprintf(name, TN_LISTENER_NAME, "%s%s%s:%s", brackets ? "[" : "",
	         *address->host ? address->host : "*", brackets ? "]" : "", address->port);
}

static int resolve(const struct tn_address *address, struct addrinfo **found, char *reason,
                   size_t room)
{
	struct addrinfo wanted = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE,
	};
	int error = getaddrinfo(*address->host ? address->host : NULL, address->port, &wanted,
	                        found);

	if (!error)
		return 0;
	snprintf(reason, room, "%s: %s", address->host, gai_strerror(error));
	return EX_UNAVAILABLE;
}

/* An abstract name begins with a NUL, and ends with the address. */
static void name_unix(struct tn_listener *listener, const struct sockaddr_un *address,
                      socklen_t size)
{
	size_t length = size - offsetof(struct sockaddr_un, sun_path);
	bool abstract = length && !address->sun_path[0];
	char path[sizeof(address->sun_path) + 1];

	snprintf(path, sizeof(path), "%s%.*s", abstract ? "@" : "", (int)(length - abstract),
	         address->sun_path + abstract);
	memcpy(listener->name, "unix:", sizeof("unix:"));
	tn_log_escape(listener->name + strlen("unix:"), TN_LISTENER_NAME - strlen("unix:"), path,
	              false);
}

void tn_listener_name(struct tn_listener *listener)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address);
	char host[NI_MAXHOST] = "?";
	char port[NI_MAXSERV] = "?";

	getsockname(listener->socket, (struct sockaddr *)&address, &size);
	if (address.ss_family == AF_UNIX) {
		name_unix(listener, (const struct sockaddr_un *)&address, size);
		return;
	}
	getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
	            NI_NUMERICHOST | NI_NUMERICSERV);
	if (address.ss_family == AF_INET6)
		snprintf(listener->name, sizeof(listener->name), "[%.250s]:%.8s", host, port);
	else
		snprintf(listener->name, sizeof(listener->name), "%.250s:%.8s", host, port);
}

/* A socket for every address listens on IPv6 and takes IPv4 along, where the machine has IPv6. */
static int open_socket(const struct addrinfo *found, bool every)
{
	int one = 1;
	int zero = 0;
	int socket_ = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (socket_ < 0)
		return -1;
	setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (found->ai_family == AF_INET6)
		setsockopt(socket_, IPPROTO_IPV6, IPV6_V6ONLY, every ? &zero : &one, sizeof(one));
	if (bind(socket_, found->ai_addr, found->ai_addrlen) == 0)
		return socket_;
	one = errno;
	close(socket_);
	errno = one;
	return -1;
}

static const struct addrinfo *choose(const struct addrinfo *found, bool every)
{
	for (const struct addrinfo *at = found; every && at; at = at->ai_next) {
		if (at->ai_family == AF_INET6)
			return at;
	}
	return found;
}

int tn_listener_bind(struct tn_listener *listener, const struct tn_address *address, char *reason,
                     size_t room)
{
	bool every = !*address->host;
	struct addrinfo *found = NULL;
	int code = resolve(address, &found, reason, room);

	if (code)
		return code;
	name_address(address, listener->name);
	listener->socket = open_socket(choose(found, every), every);
	if (listener->socket < 0 && every && errno == EAFNOSUPPORT)
		listener->socket = open_socket(found, every);
	if (listener->socket < 0)
		code = explain(listener->name, errno, reason, room);
	else
		tn_listener_name(listener);
	freeaddrinfo(found);
	return code;
}

/* An IPv6 socket takes IPv4 along where the first one does. */
static bool prepare(int socket_, int first, int family)
{
	int one = 1;
	int only = 0;
	socklen_t size = sizeof(only);

	if (setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(socket_, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)))
		return false;
	if (family != AF_INET6)
		return true;
	return getsockopt(first, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) == 0 &&
	       setsockopt(socket_, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) == 0;
}

int tn_listener_join(const struct tn_listener *listener)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address);
	int one = 1;
	int socket_;

	if (getsockname(listener->socket, (struct sockaddr *)&address, &size) ||
	    setsockopt(listener->socket, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)))
		return -1;
	socket_ = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (socket_ < 0)
		return -1;
	if (prepare(socket_, listener->socket, address.ss_family) &&
	    bind(socket_, (struct sockaddr *)&address, size) == 0)
		return socket_;
	one = errno;
	close(socket_);
	errno = one;
	return -1;
}

int tn_listener_listen(const struct tn_listener *listener, char *reason, size_t room)
{
	if (listener->given || listen(listener->socket, SOMAXCONN) == 0)
		return 0;
	return explain(listener->name, errno, reason, room);
}
