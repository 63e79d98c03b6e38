/*
 * bench_idle.c - what connections cost that are only kept: memory for each, and CPU for each
 * request, where few have all of the requests and where all have them in turn, against as many
 * requests on few connections alone; of tenon, and of the bare libmicrohttpd program, whose memory
 * for each connection is as large.
 */
#include "figures.h"

#include "client.h"
#include "server.h"

#include <sys/epoll.h>
#include <sys/resource.h>

#define FEW 32u
#define MANY 10000u
#define ROUNDS 7
#define REQUESTS 20000u
#define SPARE 200u /* descriptors, for all else */
#define STALL_MS 30000
#define BUDGET 1.3

static struct client clients[MANY];
static char request[256];
static size_t request_size;

/* ---- The server ---------------------------------------------------------------------------- */

struct place {
	struct site site;
	char config[160];
	struct server server;
};

/* The same chain as elsewhere. No connection comes to its end while it is measured. */
static bool start(struct place *place)
{
	static char run[] = "run", single[] = "--single";
	static char environment[] = "--environment", idle[] = "idle";
	char text[3 * PATH_MAX];

	snprintf(place->config, sizeof(place->config), "%s/idle.ini", place->site.directory);
	snprintf(text, sizeof(text),
	         "include = quiet.ini\n"
	         "[host@idle]\n"
	         "idle_timeout = 1h\n"
	         "head_timeout = 1h\n"
	         "max_connections_per_address = %u\n",
	         MANY);
	unlink(place->config);
	return write_file(place->config, text) &&
	       server_start(&place->server,
	                    (char *[]){ place->site.tenon, run, single, environment, idle,
	                                place->config, NULL });
}

/* User and system time of all its threads, in microseconds. */
static double cpu_of(pid_t pid)
{
	struct timespec used = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &used);
	return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

/* ---- Clients ------------------------------------------------------------------------------- */

/* Opens so many more, each of which asks once where that is wanted. */
static bool open_clients(int port, unsigned from, unsigned to, bool ask)
{
	for (unsigned i = from; i < to; i++) {
		if (!client_connect(&clients[i], port))
			return false;
		if (ask && !client_ask(&clients[i], request, request_size))
			return false;
	}
	return true;
}

/* With a reset: as many ports would else be taken for a minute. */
static void close_clients(unsigned from, unsigned to)
{
	const struct linger at_once = { .l_onoff = 1 };

	for (unsigned i = from; i < to; i++) {
		setsockopt(clients[i].socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		close(clients[i].socket);
	}
}

static bool watch_clients(int epoll, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u64 = i };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].socket, &event))
			return false;
	}
	return true;
}

/* One more is asked for where one has been answered: by the same client, or the next in turn. */
struct load {
	int epoll;
	unsigned count; /* of the clients, from the first on */
	unsigned next;
	unsigned asked;
	unsigned answered;
};

static bool ask_next(struct load *load, unsigned answered)
{
	unsigned client = answered;

	if (load->asked == REQUESTS)
		return true;
	load->asked++;
	if (load->count > FEW)
		client = load->next++ % load->count;
	return client_send(&clients[client], request, request_size);
}

static bool take_ready(struct load *load)
{
	struct epoll_event events[FEW];
	int ready = epoll_wait(load->epoll, events, FEW, STALL_MS);

	for (int i = 0; i < ready; i++) {
		unsigned client = (unsigned)events[i].data.u64;
		enum client_progress progress = client_read(&clients[client]);

		if (progress == CLIENT_FAILED)
			return false;
		if (progress == CLIENT_WAITS)
			continue;
		load->answered++;
		if (!ask_next(load, client))
			return false;
	}
	return ready > 0;
}

/* Returns the server's CPU for each request, in microseconds; 0 where it fails. FEW requests are
 * under way at any time. */
static double measure(const struct server *server, unsigned count)
{
	struct load load = { .epoll = epoll_create1(EPOLL_CLOEXEC), .count = count };
	double before = cpu_of(server->pid);
	bool fine = load.epoll >= 0 && watch_clients(load.epoll, count);

	for (unsigned i = 0; fine && i < FEW; i++)
		fine = ask_next(&load, i);
	while (fine && load.answered < REQUESTS)
		fine = take_ready(&load);
	if (load.epoll >= 0)
		close(load.epoll);
	return fine ? (cpu_of(server->pid) - before) / REQUESTS : 0;
}

/* ---- Figures ------------------------------------------------------------------------------- */

enum row {
	ALONE,
	BESIDE,
	IN_TURN,
	ROWS
};

static const char *const titles[ROWS] = {
	[ALONE] = "32 connections",
	[BESIDE] = "32 of 10,000, the others idle",
	[IN_TURN] = "10,000 in turn",
};

struct figures {
	double cpu[ROWS][ROUNDS];
	double ratios[ROWS][ROUNDS];
	double silent; /* KiB of memory for each that has sent nothing */
	double kept;   /* and for each that is kept after a request */
};

static bool run_round(const struct server *server, struct figures *figures, unsigned round)
{
	double before;

	figures->cpu[ALONE][round] = measure(server, FEW);
	before = server_memory(server->pid);
	if (!open_clients(server->port, FEW, MANY, false))
		return false;
	/* The last of them is answered: so all have been accepted. */
	if (!client_ask(&clients[MANY - 1], request, request_size))
		return false;
	if (!round)
		figures->silent = (server_memory(server->pid) - before) * 1024 / (MANY - FEW);
	figures->cpu[IN_TURN][round] = measure(server, MANY);
	if (!round)
		figures->kept = (server_memory(server->pid) - before) * 1024 / (MANY - FEW);
	figures->cpu[IN_TURN][round] = measure(server, MANY);
	figures->cpu[BESIDE][round] = measure(server, FEW);
	close_clients(FEW, MANY);
	for (int i = 0; i < ROWS; i++)
		figures->ratios[i][round] = figures->cpu[i][round] / figures->cpu[ALONE][round];
	return figures->cpu[ALONE][round] > 0 && figures->cpu[IN_TURN][round] > 0 &&
	       figures->cpu[BESIDE][round] > 0;
}

static bool run(const struct server *server, struct figures *figures)
{
	if (!open_clients(server->port, 0, FEW, true))
		return false;
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (!run_round(server, figures, round))
			return false;
	}
	close_clients(0, FEW);
	return true;
}

static void show(const char *what, struct figures *figures)
{
	printf("\n%s: user and system CPU of the server for each request, median of %d rounds\n\n",
	       what, ROUNDS);
	for (int i = 0; i < ROWS; i++)
		printf("  %-32s %6.2f us  %5.2f x\n", titles[i], median(figures->cpu[i], ROUNDS),
		       median(figures->ratios[i], ROUNDS));
	printf("\n  memory of the process for each connection\n\n");
	printf("  %-32s %6.2f KiB\n", "that has sent nothing", figures->silent);
	printf("  %-32s %6.2f KiB\n", "that is kept after a request", figures->kept);
}

static bool start_bare(struct place *place)
{
	static char memory[] = "24576", most[] = "20000";

	return server_start(&place->server,
	                    (char *[]){ place->site.bare, memory, most, NULL });
}

/* Here, and in the server, which inherits it. */
static bool raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	if (limit.rlim_max < MANY + SPARE)
		limit.rlim_max = MANY + SPARE;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

int main(void)
{
	static struct figures figures, bare;
	struct place place = { 0 };
	bool fine;

	if (!raise_limit()) {
		printf("bench_idle: skipped: it takes %u descriptors (ulimit -Hn)\n", MANY + SPARE);
		return EXIT_SUCCESS;
	}
	if (!site_create(&place.site))
		return EXIT_FAILURE;
	request_size = make_request(request, sizeof(request), place.site.token);
	fine = start_bare(&place) && run(&place.server, &bare);
	server_stop(&place.server);
	fine = fine && start(&place) && run(&place.server, &figures);
	fine = server_stop(&place.server) && fine;
	if (fine) {
		show("bare libmicrohttpd", &bare);
		show("tenon", &figures);
		printf("\nbudget: %.2f x\n", BUDGET);
	} else {
		fprintf(stderr, "bench_idle: %s\n", strerror(errno));
	}
	unlink(place.config);
	site_remove(&place.site);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
