#include "supervise/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define FIRST 3 /* SD_LISTEN_FDS_START */
#define NAME_SIZE 256

static bool read_number(const char *text, long *number)
{
	char *end;

	errno = 0;
	*number = text ? strtol(text, &end, 10) : -1;
	return text && *text && !*end && !errno && *number >= 0;
}

/* Without names, systemd's own functions call each "unknown", too. */
static void find_name(const char *names, size_t number, char name[NAME_SIZE])
{
	for (; names && number; number--) {
		names = strchr(names, ':');
		names += names != NULL;
	}
	if (names && *names && *names != ':')
		snprintf(name, NAME_SIZE, "%.*s", (int)strcspn(names, ":"), names);
	else
		snprintf(name, NAME_SIZE, "unknown");
}

static int option_of(int socket, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(socket, SOL_SOCKET, option, &value, &size) ? -1 : value;
}

/* What is wrong with it, and the cure; NULL where nothing is. */
static const char *find_fault(int socket)
{
	int family = option_of(socket, SO_DOMAIN);

	if (option_of(socket, SO_TYPE) < 0)
		return "is no socket: have nothing but ListenStream= in its .socket unit";
	if (option_of(socket, SO_TYPE) != SOCK_STREAM)
		return "is no stream socket: write ListenStream= in its .socket unit";
	if (option_of(socket, SO_ACCEPTCONN) != 1)
		return "does not listen: write Accept=no in its .socket unit";
	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return "is neither of IPv4 nor of IPv6 nor a Unix socket: change ListenStream= in "
		       "its .socket unit";
	return NULL;
}

static int take(struct tn_listener *listener, int socket, const char *name, char *reason,
                size_t room)
{
	const char *fault = find_fault(socket);
	int flags = fcntl(socket, F_GETFL);

	if (!fault && (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK)))
		fault = strerror(errno);
	if (fault) {
		snprintf(reason, room, "the socket '%s' that systemd gave %s", name, fault);
		return EX_CONFIG;
	}
	*listener = (struct tn_listener){ .socket = socket, .given = true };
	tn_listener_name(listener);
	return 0;
}

static int take_all(struct tn_listener *listeners, size_t *count, long given, const char *names,
                    char *reason, size_t room)
{
	char name[NAME_SIZE];
	int code;

	/* All of them, also where one is wrong: no process that is started is to have any. */
	for (long i = 0; i < given; i++)
		if (fcntl(FIRST + (int)i, F_SETFD, FD_CLOEXEC)) {
			snprintf(reason, room, "LISTEN_FDS=%ld: descriptor %ld is not open", given,
			         FIRST + i);
			return EX_CONFIG;
		}
	for (*count = 0; *count < (size_t)given; ++*count) {
		find_name(names, *count, name);
		code = take(&listeners[*count], FIRST + (int)*count, name, reason, room);
		if (code)
			return code;
	}
	return 0;
}

static int take_announced(struct tn_listener *listeners, size_t *count, char *reason, size_t room)
{
	const char *text = getenv("LISTEN_FDS");
	long given, process;

	if (!text || !read_number(getenv("LISTEN_PID"), &process) || process != getpid())
		return 0;
	if (!read_number(text, &given)) {
		snprintf(reason, room, "LISTEN_FDS: '%s' is no number of sockets", text);
		return EX_CONFIG;
	}
	if (given > TN_LISTEN_MAX) {
		snprintf(reason, room,
		         "systemd gave %ld sockets, and there may be %d: have fewer ListenStream= "
		         "in the .socket units",
		         given, TN_LISTEN_MAX);
		return EX_CONFIG;
	}
	return take_all(listeners, count, given, getenv("LISTEN_FDNAMES"), reason, room);
}

int tn_activation_take(struct tn_listener listeners[TN_LISTEN_MAX], size_t *count, char *reason,
                       size_t room)
{
	int code;

	*count = 0;
	code = take_announced(listeners, count, reason, room);
	if (code)
		*count = 0;
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	return code;
}
