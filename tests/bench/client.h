/* client.h - the least of an HTTP client: one GET on a keep-alive connection, one reply. */
#ifndef TENON_TESTS_CLIENT_H
#define TENON_TESTS_CLIENT_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REPLY_MOST 2048
#define REPLY_DEADLINE_S 30

struct client {
	int socket;
	size_t size; /* of what has come of the present reply */
	char reply[REPLY_MOST];
};

static inline size_t make_request(char *text, size_t room, const char *token)
{
	return (size_t)snprintf(text, room,
	                        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nx-custom-token: %s\r\n\r\n",
	                        token);
}

static inline bool client_connect(struct client *client, int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) },
		.sin_port = htons((uint16_t)port),
	};
	struct timeval deadline = { .tv_sec = REPLY_DEADLINE_S };
	int yes = 1;

	client->size = 0;
	client->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->socket < 0)
		return false;
	setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	setsockopt(client->socket, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	if (connect(client->socket, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return true;
	close(client->socket);
	client->socket = -1;
	return false;
}

static inline bool client_send(const struct client *client, const char *request, size_t size)
{
	return send(client->socket, request, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* Whether the whole of a reply with a Content-Length has come. */
static inline bool reply_is_whole(const char *reply, size_t size)
{
	const char *body = strstr(reply, "\r\n\r\n");
	const char *length = body ? strcasestr(reply, "\r\ncontent-length:") : NULL;

	if (!length || length > body)
		return false;
	length += strlen("\r\ncontent-length:");
	return size >= (size_t)(body + 4 - reply) + strtoul(length, NULL, 10);
}

enum client_progress {
	CLIENT_FAILED,
	CLIENT_WAITS,   /* for more of it */
	CLIENT_REPLIED, /* with a 200, whole; the next can be asked for */
};

/* Reads once. Only one reply is under way, so what follows its end is an error. */
static inline enum client_progress client_read(struct client *client)
{
	ssize_t got = recv(client->socket, client->reply + client->size,
	                   sizeof(client->reply) - 1 - client->size, 0);

	if (got <= 0)
		return CLIENT_FAILED;
	client->size += (size_t)got;
	client->reply[client->size] = '\0';
	if (!reply_is_whole(client->reply, client->size))
		return client->size < sizeof(client->reply) - 1 ? CLIENT_WAITS : CLIENT_FAILED;
	client->size = 0;
	return strncmp(client->reply, "HTTP/1.1 200 ", 13) == 0 ? CLIENT_REPLIED : CLIENT_FAILED;
}

static inline bool client_ask(struct client *client, const char *request, size_t size)
{
	enum client_progress progress = CLIENT_WAITS;

	if (!client_send(client, request, size))
		return false;
	while (progress == CLIENT_WAITS)
		progress = client_read(client);
	return progress == CLIENT_REPLIED;
}

/* Asks that often on one connection. */
static inline bool client_ask_times(int port, const char *token, unsigned times)
{
	struct client client;
	char request[256];
	size_t size = make_request(request, sizeof(request), token);
	bool fine = client_connect(&client, port);

	for (unsigned i = 0; fine && i < times; i++)
		fine = client_ask(&client, request, size);
	if (client.socket >= 0)
		close(client.socket);
	return fine;
}

#endif
