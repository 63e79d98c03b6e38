#include "serve/tap.h"

#include "serve/refusal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST ((size_t)64)

/* What stands for a refused request. libmicrohttpd 1.0 wants a Host. */
#define OWN_REQUEST " / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

void tn_tap_finish(struct tn_tap *tap)
{
	free(tap->clients);
	*tap = TN_TAP_INIT;
}

/* A child that a Worker forks may give its own sockets the numbers that clients have here. */
static bool watch_forks(void)
{
	static bool watched;

	watched = watched || pthread_atfork(NULL, NULL, tn_tap_leave) == 0;
	return watched;
}

static bool make_room(struct tn_tap *tap, size_t descriptor)
{
	size_t room = tap->room ? tap->room : ROOM_FIRST;
	struct tn_client **clients;

	if (descriptor < tap->room)
		return true;
	if (!tap->room && !watch_forks())
		return false;
	while (room <= descriptor)
		room *= 2;
	clients = realloc(tap->clients, room * sizeof(clients[0]));
	if (!clients)
		return false;
	memset(clients + tap->room, 0, (room - tap->room) * sizeof(clients[0]));
	tap->clients = clients;
	tap->room = room;
	return true;
}

bool tn_tap_add(struct tn_tap *tap, struct tn_client *client)
{
	size_t descriptor = (size_t)client->descriptor;

	if (!make_room(tap, descriptor))
		return false;
	tap->clients[descriptor] = client;
	return true;
}

void tn_tap_remove(struct tn_tap *tap, const struct tn_client *client)
{
	size_t descriptor = (size_t)client->descriptor;

	if (descriptor < tap->room && tap->clients[descriptor] == client)
		tap->clients[descriptor] = NULL;
}

void tn_tap_refuse(struct tn_client *client, int status)
{
	if (client->refusal || client->answered)
		return;
	client->refusal = status;
	client->refused = client->framing.messages;
	tn_refusal_send(client->descriptor, status, client->framing.head_only);
}

void tn_tap_cut(struct tn_client *client)
{
	client->gone = true;
	shutdown(client->descriptor, SHUT_RDWR);
}

#ifdef TN_NO_GUARD

void tn_tap_enter(struct tn_tap *tap)
{
	(void)tap;
}

void tn_tap_leave(void)
{
}

#else

static _Thread_local const struct tn_tap *entered;

void tn_tap_enter(struct tn_tap *tap)
{
	entered = tap;
}

void tn_tap_leave(void)
{
	entered = NULL;
}

/* ---- A request that is refused ------------------------------------------------------------- */

static ssize_t fail(int error)
{
	errno = error;
	return -1;
}

/* What there is no room for is asked for at once: a full buffer may mean that there is more. */
static size_t give_own(struct tn_client *client, char *data, size_t size)
{
	size_t given = strlen(client->own);

	if (given > size)
		given = size;
	memcpy(data, client->own, given);
	client->own += given;
	return given;
}

static ssize_t refuse(struct tn_client *client, char *data, size_t good, size_t size)
{
	const struct tn_framing *framing = &client->framing;

	client->refusal = framing->status;
	client->reason = framing->reason;
	client->refused = framing->messages;
	if (framing->fresh) {
		client->own = framing->head_only ? "HEAD" OWN_REQUEST : "GET" OWN_REQUEST;
		return (ssize_t)(good + give_own(client, data + good, size - good));
	}
	if (!client->answered)
		tn_refusal_send(client->descriptor, client->refusal, framing->head_only);
	return fail(ECONNRESET);
}

static ssize_t give_rest(struct tn_client *client, char *data, size_t size)
{
	if (!client->own || !*client->own)
		return fail(ECONNRESET);
	return (ssize_t)give_own(client, data, size);
}

/* ---- All requests -------------------------------------------------------------------------- */

/*
 * libmicrohttpd learns of an end that came along with the last bytes only if it reads once more,
 * and it waits for an event first. None comes, but for one who shuts down: a request that will
 * never be whole does not keep its connection until a timeout.
 */
static void look_for_end(struct tn_client *client)
{
	char byte;

	if (recvfrom(client->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT, NULL, NULL) != 0)
		return;
	client->gone = true;
	shutdown(client->descriptor, SHUT_RD);
}

/* What has come ends within a request. */
static void note_part(struct tn_client *client, bool may_be_all)
{
	if (entered->deadlines)
		tn_deadlines_read(entered->deadlines, client);
	if (may_be_all)
		look_for_end(client);
}

static ssize_t receive(struct tn_client *client, char *data, size_t size, int flags)
{
	ssize_t got;
	size_t good;

	if (client->refusal)
		return give_rest(client, data, size);
	got = recvfrom(client->descriptor, data, size, flags, NULL, NULL);
	if (got <= 0) {
		client->gone = client->gone || got == 0 || (errno != EAGAIN && errno != EINTR);
		return got;
	}
	good = tn_framing_read(&client->framing, data, (size_t)got);
	if (client->framing.status)
		return refuse(client, data, good, size);
	if (client->framing.phase != TN_FRAMING_BETWEEN)
		note_part(client, (size_t)got < size);
	return got;
}

static struct tn_client *find(int descriptor)
{
	const struct tn_tap *tap = entered;

	if (!tap || (size_t)descriptor >= tap->room)
		return NULL;
	return tap->clients[descriptor];
}

/* In the place of the C library's, for all of the process; it must be seen from outside. */
__attribute__((visibility("default"))) ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	struct tn_client *client = find(fd);

	if (!client)
		return recvfrom(fd, buf, n, flags, NULL, NULL);
	return receive(client, buf, n, flags);
}

#endif
