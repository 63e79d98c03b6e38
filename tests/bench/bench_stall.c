/*
 * bench_stall.c - many keep-alive clients in step: all ask, all read, and again. Where
 * libmicrohttpd runs its own epoll thread, this stops for good at 128 clients and more; here it
 * must not.
 */
#include "figures.h"

#include "client.h"
#include "server.h"

#include <sys/epoll.h>

#define CLIENTS_MOST 512
#define SECONDS 5
#define STALL_MS 10000 /* no reply for so long, to any of them: there will be none */

struct crowd {
	struct client clients[CLIENTS_MOST];
	size_t count;
	size_t connected;
	int epoll;
	unsigned long rounds;
	int64_t last; /* ns; when the last reply came */
	int64_t longest;
};

static bool join(struct crowd *crowd, struct client *client, int port)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	if (!client_connect(client, port))
		return false;
	crowd->connected++;
	return epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, client->socket, &event) == 0;
}

static void note_reply(struct crowd *crowd)
{
	int64_t now = now_ns();

	if (now - crowd->last > crowd->longest)
		crowd->longest = now - crowd->last;
	crowd->last = now;
}

/* One round; false where it stalled, or a client was failed. */
static bool step(struct crowd *crowd, const char *request, size_t size)
{
	struct epoll_event events[CLIENTS_MOST];
	size_t waiting = crowd->count;

	for (size_t i = 0; i < crowd->count; i++) {
		if (!client_send(&crowd->clients[i], request, size))
			return false;
	}
	while (waiting) {
		int ready = epoll_wait(crowd->epoll, events, CLIENTS_MOST, STALL_MS);

		if (ready <= 0)
			return false;
		for (int i = 0; i < ready; i++) {
			enum client_progress progress = client_read(events[i].data.ptr);

			if (progress == CLIENT_FAILED)
				return false;
			if (progress == CLIENT_REPLIED)
				waiting--;
		}
		note_reply(crowd);
	}
	crowd->rounds++;
	return true;
}

static bool go_on(struct crowd *crowd, const char *token)
{
	char request[256];
	size_t size = make_request(request, sizeof(request), token);
	int64_t end = now_ns() + SECONDS * (int64_t)1000000000;
	bool fine = true;

	crowd->last = now_ns();
	while (fine && now_ns() < end)
		fine = step(crowd, request, size);
	if (!fine)
		note_reply(crowd);
	return fine;
}

static bool run(struct site *site, size_t count)
{
	static struct crowd crowd;
	struct server server;
	bool fine;

	crowd = (struct crowd){ .count = count, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	fine = crowd.epoll >= 0 && server_start_tenon(&server, site, site->quiet);
	if (!fine)
		return false;
	for (size_t i = 0; fine && i < count; i++)
		fine = join(&crowd, &crowd.clients[i], server.port);
	fine = fine && go_on(&crowd, site->token);
	printf("%7zu  %9lu  %10.0f  %8.1f ms  %s\n", count, crowd.rounds,
	       (double)(crowd.rounds * count) / SECONDS, (double)crowd.longest / 1e6,
	       fine ? "none" : "STALLED");
	fflush(stdout);
	for (size_t i = 0; i < crowd.connected; i++)
		close(crowd.clients[i].socket);
	close(crowd.epoll);
	server_stop(&server);
	return fine;
}

int main(void)
{
	static const size_t counts[] = { 128, 256, 512 };
	struct site site;
	bool fine = site_create(&site);

	printf("keep-alive clients in step, %d s each\n\n"
	       "clients     rounds  requests/s  longest gap  stalls\n",
	       SECONDS);
	for (size_t i = 0; fine && i < sizeof(counts) / sizeof(counts[0]); i++)
		fine = run(&site, counts[i]);
	printf("\n");
	site_remove(&site);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
