/* wire.c - raw bytes to the host and back. */
#include "harness.h"

#include "../cunit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int wire_connect_with(const struct host *host, int receive)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((in_port_t)host->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;
	int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (receive)
		setsockopt(number, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
	setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(number, (struct sockaddr *)&address, sizeof(address)) == 0)
		return number;
	CHECK_TEXT(strerror(errno), "connected");
	close(number);
	return -1;
}

int wire_connect(const struct host *host)
{
	return wire_connect_with(host, 0);
}

static bool wait_until(int socket, short events, long long end)
{
	struct pollfd wanted = { .fd = socket, .events = events };
	long long left = end - now_ms();

	return left > 0 && poll(&wanted, 1, (int)left) == 1;
}

bool wire_send(int socket, const void *data, size_t size)
{
	long long end = now_ms() + deadline_ms();
	const char *at = data;

	while (size) {
		ssize_t sent;

		if (!wait_until(socket, POLLOUT, end))
			return false;
		sent = send(socket, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN)
			return false;
		if (sent < 0)
			continue;
		at += sent;
		size -= (size_t)sent;
	}
	return true;
}

bool wire_text(int socket, const char *text)
{
	return wire_send(socket, text, strlen(text));
}

void wire_reset(int socket)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(socket);
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* The size of the whole reply that the text begins with; 0 where there is more to come. */
static size_t reply_size(const char *text, size_t size)
{
	const char *end = memmem(text, size, "\r\n\r\n", 4);
	size_t head = end ? (size_t)(end - text) + 4 : 0;
	size_t body = 0;
	const char *line;

	if (!head)
		return 0;
	for (line = text; line < end; line = strchr(line, '\n') + 1) {
		if (!strncasecmp(line, "Content-Length:", 15))
			body = strtoul(line + 15, NULL, 10);
	}
	if (!strncmp(text + 8, " 204", 4) || !strncmp(text + 8, " 304", 4) ||
	    !strncmp(text + 8, " 1", 2))
		body = 0;
	return size - head < body ? 0 : head + body;
}

static unsigned count_replies(const struct wire_bytes *bytes, size_t *done)
{
	unsigned count = 0;
	size_t size;

	*done = 0;
	while ((size = reply_size(bytes->data + *done, bytes->size - *done))) {
		*done += size;
		count++;
	}
	return count;
}

static bool read_some(int socket, struct wire_bytes *bytes, size_t *room, long long end)
{
	ssize_t size;

	if (*room - bytes->size < 4096) {
		*room = *room * 2 + 64 * 1024;
		bytes->data = realloc(bytes->data, *room);
		if (!bytes->data)
			abort();
	}
	bytes->data[bytes->size] = '\0';
	bytes->late = !wait_until(socket, POLLIN, end);
	if (bytes->late)
		return false;
	size = recv(socket, bytes->data + bytes->size, *room - bytes->size - 1, 0);
	bytes->closed = size <= 0;
	bytes->reset = size < 0;
	if (size <= 0)
		return false;
	bytes->size += (size_t)size;
	bytes->data[bytes->size] = '\0';
	return true;
}

static void keep_bytes(struct wire_bytes *bytes)
{
	char *copy = memory_of(bytes->size + 1);

	memcpy(copy, bytes->data, bytes->size);
	free(bytes->data);
	bytes->data = copy;
}

struct wire_bytes wire_read(int socket, unsigned replies)
{
	struct wire_bytes bytes = { 0 };
	long long end = now_ms() + deadline_ms();
	size_t room = 0;
	size_t done;

	while (read_some(socket, &bytes, &room, end)) {
		if (replies && count_replies(&bytes, &done) >= replies)
			break;
	}
	keep_bytes(&bytes);
	if (bytes.late)
		CHECK_TEXT(bytes.data, replies ? "as many replies as were asked for"
		                               : "a reply and the connection's end");
	return bytes;
}

struct wire_bytes wire_read_all(int socket)
{
	return wire_read(socket, 0);
}

struct wire_bytes wire_talk_bytes(const struct host *host, const void *data, size_t size,
                                  unsigned replies)
{
	struct wire_bytes bytes = { .data = text_of("%s", "") };
	int socket = wire_connect(host);

	if (socket < 0)
		return bytes;
	wire_send(socket, data, size);
	bytes = wire_read(socket, replies);
	close(socket);
	return bytes;
}

struct wire_bytes wire_talk(const struct host *host, const char *text, unsigned replies)
{
	return wire_talk_bytes(host, text, strlen(text), replies);
}

int wire_status(const struct wire_bytes *bytes)
{
	if (strncmp(bytes->data, "HTTP/1.", 7) != 0)
		return 0;
	return (int)strtol(bytes->data + strlen("HTTP/1.1 "), NULL, 10);
}

char *wire_statuses(const struct wire_bytes *bytes)
{
	char *text = text_of("%s", "");
	size_t done = 0;

	while (done < bytes->size) {
		const char *reply = bytes->data + done;
		size_t size = reply_size(reply, bytes->size - done);

		if (!size || strncmp(reply, "HTTP/1.", 7) != 0)
			return text_of("%s%s?", text, *text ? " " : "");
		text = text_of("%s%s%.3s", text, *text ? " " : "", reply + strlen("HTTP/1.1 "));
		done += size;
	}
	return text;
}

char *wire_without_date(const struct wire_bytes *bytes)
{
	const char *date = strstr(bytes->data, "\r\nDate: ");
	const char *end = date ? strstr(date + 2, "\r\n") : NULL;

	if (!end)
		return text_of("%s", bytes->data);
	return text_of("%.*s%s", (int)(date - bytes->data), bytes->data, end);
}
