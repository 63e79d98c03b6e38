#include "faults/load.h"

#include "e2e/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MOST 64
#define REPLY_SIZE 4096
#define REQUESTS_MOST 100 /* on a kept connection: so all processes get their share */
#define REST_MS 20
#define NO_PORT_MS 50

struct client {
	int socket; /* -1 */
	bool keeps;
	unsigned rest; /* ms, between its requests */
	bool connecting;
	bool asking;     /* a request is under way */
	unsigned served; /* replies on this connection */
	size_t size;     /* of what has come of the reply */
	char reply[REPLY_SIZE + 1];
	long long resume_at; /* where nothing is under way */
	long long asked_at;
};

struct load {
	struct load_options options;
	struct sockaddr_in address;
	pthread_t thread;
	pthread_mutex_t mutex; /* of the counts */
	struct load_counts counts;
	int stop; /* an eventfd */
	int epoll;
	bool stopping;
	struct client *clients;
	size_t client_count;
};

/* ---- Counting ------------------------------------------------------------------------------ */

static void count(struct load *load, unsigned long *counter)
{
	pthread_mutex_lock(&load->mutex);
	++*counter;
	pthread_mutex_unlock(&load->mutex);
}

static void count_right(struct load *load, unsigned greeting)
{
	pthread_mutex_lock(&load->mutex);
	load->counts.right++;
	load->counts.by_greeting[greeting]++;
	pthread_mutex_unlock(&load->mutex);
}

/* ---- A client ------------------------------------------------------------------------------ */

static void disconnect(struct client *client)
{
	if (client->socket >= 0)
		close(client->socket);
	client->socket = -1;
	client->connecting = false;
	client->served = 0;
	client->size = 0;
}

/* The request has come to its end, which is counted. */
static void finish(struct load *load, struct client *client, unsigned long *counter)
{
	if (counter)
		count(load, counter);
	client->asking = false;
	client->size = 0;
	client->resume_at = now_ms() + client->rest;
}

static bool watch(const struct load *load, struct client *client, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = client };

	return epoll_ctl(load->epoll, how, client->socket, &event) == 0;
}

static void fail_to_connect(struct load *load, struct client *client, int error)
{
	disconnect(client);
	if (error == EADDRNOTAVAIL || error == EAGAIN)
		client->resume_at = now_ms() + NO_PORT_MS; /* this side's want, no fault */
	else
		finish(load, client, &load->counts.refused);
}

static void start_connection(struct load *load, struct client *client)
{
	int error = 0;

	disconnect(client);
	client->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->socket < 0)
		give_up("socket");
	if (connect(client->socket, (struct sockaddr *)&load->address, sizeof(load->address)))
		error = errno;
	if (error && error != EINPROGRESS) {
		fail_to_connect(load, client, error);
		return;
	}
	client->connecting = true;
	if (!watch(load, client, EPOLL_CTL_ADD, EPOLLOUT))
		give_up("epoll");
}

/* The connection is gone without a whole reply. */
static void lose(struct load *load, struct client *client)
{
	bool may_go_again = client->served && !client->size;

	if (may_go_again) {
		count(load, &load->counts.again);
		start_connection(load, client);
		return;
	}
	finish(load, client, client->size ? &load->counts.cut : &load->counts.reset);
	disconnect(client);
}

static void send_request(struct load *load, struct client *client)
{
	const char *path = load->options.path ? load->options.path : "/";
	char text[256];
	int size = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: load\r\n%s\r\n", path,
	                    client->keeps ? "" : "Connection: close\r\n");

	client->size = 0;
	if (send(client->socket, text, (size_t)size, MSG_NOSIGNAL) != size)
		lose(load, client);
}

static void start_request(struct load *load, struct client *client)
{
	client->asking = true;
	client->asked_at = now_ms();
	count(load, &load->counts.sent);
	if (client->socket >= 0)
		send_request(load, client);
	else
		start_connection(load, client);
}

/* ---- A reply ------------------------------------------------------------------------------- */

/* Its body, once all of it has come; NULL until then. */
static const char *whole_body(const struct client *client)
{
	static const char length[] = "\r\nContent-Length: ";
	const char *end = strstr(client->reply, "\r\n\r\n");
	const char *field = end ? strcasestr(client->reply, length) : NULL;
	size_t size;

	if (!field || field > end)
		return NULL;
	size = strtoul(field + strlen(length), NULL, 10);
	end += 4;
	return client->size - (size_t)(end - client->reply) >= size ? end : NULL;
}

static int greeting_of(const struct load *load, const struct client *client, const char *body)
{
	if (strncmp(client->reply, "HTTP/1.1 200 ", 13) != 0)
		return -1;
	for (int i = 0; i < LOAD_GREETINGS; i++)
		if (load->options.greetings[i] && !strcmp(body, load->options.greetings[i]))
			return i;
	return -1;
}

static void take_reply(struct load *load, struct client *client, const char *body)
{
	int greeting = greeting_of(load, client, body);
	bool last = strcasestr(client->reply, "\r\nConnection: close\r\n");

	if (greeting >= 0)
		count_right(load, (unsigned)greeting);
	finish(load, client, greeting < 0 ? &load->counts.wrong : NULL);
	if (last || !client->keeps || ++client->served == REQUESTS_MOST)
		disconnect(client);
}

static void read_reply(struct load *load, struct client *client)
{
	ssize_t size = recv(client->socket, client->reply + client->size,
	                    REPLY_SIZE - client->size, 0);
	const char *body;

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (!client->asking) { /* the server ends an idle connection: nothing is lost */
		disconnect(client);
		return;
	}
	if (size <= 0) {
		lose(load, client);
		return;
	}
	client->size += (size_t)size;
	client->reply[client->size] = '\0';
	body = whole_body(client);
	if (body)
		take_reply(load, client, body);
	else if (client->size == REPLY_SIZE)
		give_up("a reply that is too large");
}

static void finish_connection(struct load *load, struct client *client)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(client->socket, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		fail_to_connect(load, client, error);
		return;
	}
	client->connecting = false;
	if (!watch(load, client, EPOLL_CTL_MOD, EPOLLIN))
		give_up("epoll");
	if (client->asking)
		send_request(load, client);
}

/* ---- The loop ------------------------------------------------------------------------------ */

static bool is_late(const struct client *client, long long now)
{
	return client->asking && now - client->asked_at > deadline_ms();
}

/* Returns whether a request is under way, or may yet be. */
static bool step(struct load *load, struct client *client, long long now)
{
	if (is_late(client, now)) {
		finish(load, client, &load->counts.unanswered);
		disconnect(client);
	}
	if (client->asking && client->socket < 0 && client->resume_at <= now)
		start_connection(load, client);
	if (!client->asking && !load->stopping && client->resume_at <= now)
		start_request(load, client);
	return client->asking || !load->stopping;
}

static bool step_all(struct load *load)
{
	long long now = now_ms();
	bool busy = false;

	for (size_t i = 0; i < load->client_count; i++)
		busy = step(load, &load->clients[i], now) || busy;
	return busy;
}

static void take_event(struct load *load, struct client *client)
{
	uint64_t number;

	if (!client)
		load->stopping = read(load->stop, &number, sizeof(number)) == sizeof(number);
	else if (client->socket >= 0 && client->connecting)
		finish_connection(load, client);
	else if (client->socket >= 0)
		read_reply(load, client);
}

/* A socket that a client has closed has no event left: each has one in a turn. */
static void *run(void *argument)
{
	struct epoll_event events[EVENTS_MOST];
	struct load *load = argument;

	while (step_all(load)) {
		int ready = epoll_wait(load->epoll, events, EVENTS_MOST, 5);

		for (int i = 0; i < ready; i++)
			take_event(load, events[i].data.ptr);
	}
	return NULL;
}

/* ---- From outside -------------------------------------------------------------------------- */

static void make_clients(struct load *load)
{
	load->client_count = load->options.kept + load->options.fresh;
	load->clients = calloc(load->client_count, sizeof(load->clients[0]));
	if (!load->clients)
		give_up("memory");
	for (size_t i = 0; i < load->client_count; i++) {
		load->clients[i].socket = -1;
		load->clients[i].keeps = i < load->options.kept;
		load->clients[i].rest = load->options.rest;
		if (load->clients[i].keeps && i % 3 == 2)
			load->clients[i].rest = REST_MS;
	}
}

struct load *load_start(const struct load_options *options)
{
	struct load *load = calloc(1, sizeof(*load));
	struct epoll_event event = { .events = EPOLLIN };

	if (!load)
		give_up("memory");
	load->options = *options;
	load->address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)options->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	make_clients(load);
	pthread_mutex_init(&load->mutex, NULL);
	load->stop = eventfd(0, EFD_CLOEXEC);
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load->stop < 0 || load->epoll < 0 ||
	    epoll_ctl(load->epoll, EPOLL_CTL_ADD, load->stop, &event) ||
	    pthread_create(&load->thread, NULL, run, load))
		give_up("load");
	return load;
}

struct load_counts load_counts(struct load *load)
{
	struct load_counts counts;

	pthread_mutex_lock(&load->mutex);
	counts = load->counts;
	pthread_mutex_unlock(&load->mutex);
	return counts;
}

static unsigned long reached(struct load *load, int greeting)
{
	struct load_counts counts = load_counts(load);

	return greeting < 0 ? counts.right : counts.by_greeting[greeting];
}

bool load_reaches(struct load *load, int greeting, unsigned long more)
{
	long long end = now_ms() + deadline_ms();
	unsigned long wanted = reached(load, greeting) + more;

	while (reached(load, greeting) < wanted) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

struct load_counts load_stop(struct load *load)
{
	uint64_t one = 1;
	struct load_counts counts;

	if (write(load->stop, &one, sizeof(one)) != sizeof(one))
		give_up("eventfd");
	pthread_join(load->thread, NULL);
	for (size_t i = 0; i < load->client_count; i++)
		disconnect(&load->clients[i]);
	close(load->epoll);
	close(load->stop);
	pthread_mutex_destroy(&load->mutex);
	counts = load->counts;
	free(load->clients);
	free(load);
	return counts;
}

unsigned long load_failed(const struct load_counts *counts)
{
	return counts->wrong + counts->refused + counts->reset + counts->cut + counts->unanswered;
}

const char *load_text(const struct load_counts *counts)
{
	return text_of("%lu sent, %lu right (%lu, %lu), %lu wrong, %lu refused, %lu reset, "
	               "%lu cut, %lu unanswered, %lu sent again",
	               counts->sent, counts->right, counts->by_greeting[0],
	               counts->by_greeting[1], counts->wrong, counts->refused, counts->reset,
	               counts->cut, counts->unanswered, counts->again);
}
