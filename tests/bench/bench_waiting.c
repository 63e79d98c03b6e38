/*
 * bench_waiting.c - what Workers that wait cost those that do not, and themselves: the slowest
 * replies of a fast route alone and beside a slow one, CPU for each exchange that leaves the loop,
 * and how much of what the threads could do at most is done.
 */
#include "figures.h"

#include "client.h"
#include "server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#define ROUNDS 7
#define CLIENTS_MOST 640
#define SAMPLES_MOST 400000
#define ROUND_NS ((int64_t)1000000000)
#define STALL_MS 10000 /* no reply for so long: there will be none */

static const char fast_request[] = "GET /fast HTTP/1.1\r\nHost: a\r\n\r\n";
static const char slow_request[] = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";

/* ---- The server ---------------------------------------------------------------------------- */

struct place {
	struct site site;
	char config[160];
	struct server server;
};

/* Both routes have the same module; /slow is on threads, and waits. */
static bool start(struct place *place, unsigned threads, unsigned milliseconds)
{
	static char run[] = "run", single[] = "--single";
	char text[3 * PATH_MAX];

	snprintf(text, sizeof(text),
	         "[host]\n"
	         "listen = 127.0.0.1:0\n"
	         "access_log = off\n"
	         "threads = %u\n"
	         "[worker fast]\n"
	         "module = %s/tests/fixtures/serve_slow.so\n"
	         "route = /fast\n"
	         "[worker slow]\n"
	         "module = %s/tests/fixtures/serve_slow.so\n"
	         "route = /slow\n"
	         "blocking = yes\n"
	         "var.WAIT = %ums\n",
	         threads, place->site.build, place->site.build, milliseconds);
	unlink(place->config);
	return write_file(place->config, text) &&
	       server_start(&place->server,
	                    (char *[]){ place->site.tenon, run, single, place->config, NULL });
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

/* Each with one request under way at most. */
struct crowd {
	struct client clients[CLIENTS_MOST];
	int64_t asked_at[CLIENTS_MOST];
	size_t idle[CLIENTS_MOST]; /* a stack of those that ask nothing */
	size_t idle_count;
	size_t count;
	int epoll;
	const char *request;
	double *samples; /* us; NULL: the times are not kept */
	size_t replies;
};

static bool crowd_open(struct crowd *crowd, int port, size_t count, const char *request)
{
	*crowd = (struct crowd){ .epoll = epoll_create1(EPOLL_CLOEXEC), .request = request };
	while (crowd->epoll >= 0 && crowd->count < count) {
		struct client *client = &crowd->clients[crowd->count];
		struct epoll_event event = { .events = EPOLLIN, .data.u64 = crowd->count };

		if (!client_connect(client, port))
			return false;
		crowd->idle[crowd->idle_count++] = crowd->count++;
		if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, client->socket, &event))
			return false;
	}
	return crowd->epoll >= 0;
}

static void crowd_close(const struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->count; i++)
		close(crowd->clients[i].socket);
	close(crowd->epoll);
}

/* One of those that are idle, of which there is one. */
static bool ask(struct crowd *crowd)
{
	size_t i = crowd->idle[--crowd->idle_count];

	crowd->asked_at[i] = now_ns();
	return client_send(&crowd->clients[i], crowd->request, strlen(crowd->request));
}

static bool take(struct crowd *crowd, size_t i)
{
	enum client_progress progress = client_read(&crowd->clients[i]);

	if (progress != CLIENT_REPLIED)
		return progress == CLIENT_WAITS;
	if (crowd->samples && crowd->replies < SAMPLES_MOST)
		crowd->samples[crowd->replies] = (double)(now_ns() - crowd->asked_at[i]) / 1e3;
	crowd->replies++;
	crowd->idle[crowd->idle_count++] = i;
	return true;
}

/* Waits for replies, at most so long; false where a client was failed. */
static bool take_ready(struct crowd *crowd, int milliseconds)
{
	struct epoll_event events[CLIENTS_MOST];
	int ready = epoll_wait(crowd->epoll, events, CLIENTS_MOST, milliseconds);

	for (int i = 0; i < ready; i++) {
		if (!take(crowd, events[i].data.u64))
			return false;
	}
	return ready >= 0;
}

static bool take_rest(struct crowd *crowd)
{
	while (crowd->idle_count < crowd->count) {
		size_t before = crowd->idle_count;

		if (!take_ready(crowd, STALL_MS) || crowd->idle_count == before)
			return false;
	}
	return true;
}

/* Who has its reply asks again. */
static bool ask_always(struct crowd *crowd, int64_t nanoseconds)
{
	int64_t end = now_ns() + nanoseconds;
	bool fine = true;

	while (fine && now_ns() < end) {
		while (fine && crowd->idle_count)
			fine = ask(crowd);
		fine = fine && take_ready(crowd, STALL_MS);
	}
	return take_rest(crowd) && fine;
}

static bool ask_times(struct crowd *crowd, size_t times)
{
	size_t left = times;
	bool fine = true;

	while (fine && left) {
		for (; fine && left && crowd->idle_count; left--)
			fine = ask(crowd);
		fine = fine && take_ready(crowd, STALL_MS);
	}
	return take_rest(crowd) && fine;
}

/* ---- A fast route beside a slow one -------------------------------------------------------- */

#define SLOW_MS 200
#define SLOW_THREADS 256
#define SLOW_CLIENTS 400
#define FAST_CLIENTS 32
#define RATE 1000 /* a second: one each millisecond, which is what epoll_wait counts in */

struct pace {
	struct crowd crowd;
	pthread_t thread;
	_Atomic bool stopping;
	bool fine;
	size_t late; /* requests that found no client */
};

/* Whether there is a reply or not, one goes out each millisecond, until the time comes or it is to
 * stop. */
static bool keep_pace(struct pace *pace, int64_t nanoseconds)
{
	int64_t begun = now_ns();
	int64_t sent = 0;
	bool fine = true;

	while (fine && !atomic_load(&pace->stopping) && now_ns() - begun < nanoseconds) {
		int64_t due = (now_ns() - begun) / (1000000000 / RATE);

		for (; fine && sent < due; sent++) {
			if (pace->crowd.idle_count)
				fine = ask(&pace->crowd);
			else
				pace->late++;
		}
		fine = fine && take_ready(&pace->crowd, 1);
	}
	return take_rest(&pace->crowd) && fine;
}

static void *run_slow(void *argument)
{
	struct pace *pace = argument;

	pace->fine = keep_pace(pace, INT64_MAX);
	return NULL;
}

static bool pace_begin(struct pace *pace, int port, const char *request)
{
	atomic_store(&pace->stopping, false);
	pace->late = 0;
	return crowd_open(&pace->crowd, port, SLOW_CLIENTS, request) &&
	       pthread_create(&pace->thread, NULL, run_slow, pace) == 0;
}

static bool pace_end(struct pace *pace)
{
	atomic_store(&pace->stopping, true);
	pthread_join(pace->thread, NULL);
	crowd_close(&pace->crowd);
	return pace->fine;
}

static void rest_ms(long milliseconds)
{
	clock_nanosleep(CLOCK_MONOTONIC, 0,
	                &(struct timespec){ .tv_nsec = milliseconds * 1000000 }, NULL);
}

/* The p99 of what the crowd has counted, in microseconds; it sorts. */
static double p99_of(const struct crowd *crowd)
{
	size_t count = crowd->replies < SAMPLES_MOST ? crowd->replies : SAMPLES_MOST;

	qsort(crowd->samples, count, sizeof(crowd->samples[0]), compare_figures);
	return count ? crowd->samples[count * 99 / 100] : -1;
}

/* One client asks again at once, or many in turn keep a pace; negative where it failed. */
static double fast_p99(int port, bool paced, double *samples)
{
	static struct pace pace;
	struct crowd *crowd = &pace.crowd;
	double p99 = -1;

	if (crowd_open(crowd, port, paced ? FAST_CLIENTS : 1, fast_request)) {
		crowd->samples = samples;
		if (paced ? keep_pace(&pace, ROUND_NS) : ask_always(crowd, ROUND_NS))
			p99 = p99_of(crowd);
	}
	crowd_close(crowd);
	return p99;
}

struct beside {
	double alone[ROUNDS];
	double same[ROUNDS]; /* beside as many requests to the fast route itself */
	double slow[ROUNDS];
	double same_ratio[ROUNDS], slow_ratio[ROUNDS]; /* to the round alone */
	size_t late;                                   /* requests beside that were not sent */
};

/* The fast ones begin when as many others are under way as there will be. */
static double p99_beside(int port, const char *request, bool paced, double *samples, size_t *late)
{
	static struct pace pace;
	double p99;

	if (!pace_begin(&pace, port, request))
		return -1;
	rest_ms(2 * SLOW_MS);
	p99 = fast_p99(port, paced, samples);
	if (!pace_end(&pace))
		return -1;
	*late += pace.late;
	return p99;
}

static bool measure_beside(int port, bool paced, double *samples, struct beside *of, size_t i)
{
	of->alone[i] = fast_p99(port, paced, samples);
	of->same[i] = p99_beside(port, fast_request, paced, samples, &of->late);
	of->slow[i] = p99_beside(port, slow_request, paced, samples, &of->late);
	of->same_ratio[i] = of->same[i] / of->alone[i];
	of->slow_ratio[i] = of->slow[i] / of->alone[i];
	return of->alone[i] > 0 && of->same[i] > 0 && of->slow[i] > 0;
}

static void print_beside(struct beside *of)
{
	printf("alone                 %6.0f us\n"
	       "beside as many to it  %6.0f us  %5.2f\n"
	       "beside the slow one   %6.0f us  %5.2f  1.5\n",
	       median(of->alone, ROUNDS), median(of->same, ROUNDS), median(of->same_ratio, ROUNDS),
	       median(of->slow, ROUNDS), median(of->slow_ratio, ROUNDS));
	if (of->late)
		printf("(%zu requests were not sent: no client was free)\n", of->late);
	fflush(stdout);
}

static bool bench_beside(struct place *place)
{
	static const char *const titles[] = { "one client that asks again at once",
		                              "1,000 requests a second" };
	double *samples = calloc(SAMPLES_MOST, sizeof(samples[0]));
	bool fine = samples && start(place, SLOW_THREADS, SLOW_MS);

	printf("p99 of a fast route alone, and beside %d requests a second to one that waits %d "
	       "ms,\non %d threads of the same process; medians of %d, and of their ratios\n\n",
	       RATE, SLOW_MS, SLOW_THREADS, ROUNDS);
	for (size_t paced = 0; fine && paced < 2; paced++) {
		struct beside of = { 0 };

		printf("%-34s  ratio  aim\n", titles[paced]);
		for (size_t i = 0; fine && i < ROUNDS; i++)
			fine = measure_beside(place->server.port, paced, samples, &of, i);
		if (fine)
			print_beside(&of);
		printf("\n");
	}
	free(samples);
	return server_stop(&place->server) && fine;
}

/* ---- CPU for each exchange that leaves the loop -------------------------------------------- */

#define CPU_REQUESTS 20000

/* In microseconds for each request; negative where it failed. */
static double measure_cpu(const struct server *server, const char *request, size_t clients)
{
	static struct crowd crowd;
	double used = -1;

	if (crowd_open(&crowd, server->port, clients, request) &&
	    ask_times(&crowd, CPU_REQUESTS / 10)) {
		double before = cpu_of(server->pid);

		if (ask_times(&crowd, CPU_REQUESTS))
			used = (cpu_of(server->pid) - before) / CPU_REQUESTS;
	}
	crowd_close(&crowd);
	return used;
}

static bool bench_cpu(struct place *place)
{
	static const size_t counts[] = { 1, 8, 32 };
	double loop[ROUNDS], threads[ROUNDS], more[ROUNDS];
	bool fine = start(place, 16, 0);

	printf("CPU for each request to a Worker that answers at once; medians of %d\n\n"
	       "clients  on the loop  on threads      added\n",
	       ROUNDS);
	for (size_t which = 0; fine && which < sizeof(counts) / sizeof(counts[0]); which++) {
		for (size_t i = 0; fine && i < ROUNDS; i++) {
			loop[i] = measure_cpu(&place->server, fast_request, counts[which]);
			threads[i] = measure_cpu(&place->server, slow_request, counts[which]);
			more[i] = threads[i] - loop[i];
			fine = loop[i] > 0 && threads[i] > 0;
		}
		if (fine)
			printf("%7zu  %8.2f us %8.2f us  %6.2f us\n", counts[which],
			       median(loop, ROUNDS), median(threads, ROUNDS), median(more, ROUNDS));
		fflush(stdout);
	}
	printf("\n");
	return server_stop(&place->server) && fine;
}

/* ---- Throughput ---------------------------------------------------------------------------- */

#define BLOCK_MS 10
#define TIMES_THREADS 2 /* clients for each thread: it always finds a next */

/* Replies a second; negative where it failed. */
static double measure_throughput(const struct server *server, size_t clients)
{
	static struct crowd crowd;
	double rate = -1;

	if (crowd_open(&crowd, server->port, clients, slow_request) &&
	    ask_always(&crowd, ROUND_NS / 5)) {
		int64_t begun = now_ns();

		crowd.replies = 0;
		if (ask_always(&crowd, ROUND_NS))
			rate = (double)crowd.replies * 1e9 / (double)(now_ns() - begun);
	}
	crowd_close(&crowd);
	return rate;
}

static bool bench_throughput(struct place *place)
{
	static const unsigned counts[] = { 16, 64, 256 };
	double rates[ROUNDS];
	bool fine = true;

	printf("requests a second to a Worker that waits %d ms, %d clients for each thread; "
	       "medians of %d\n\n"
	       "threads  measured  threads / %d ms  share\n",
	       BLOCK_MS, TIMES_THREADS, ROUNDS, BLOCK_MS);
	for (size_t which = 0; fine && which < sizeof(counts) / sizeof(counts[0]); which++) {
		double most = counts[which] * 1000.0 / BLOCK_MS;
		double rate;

		fine = start(place, counts[which], BLOCK_MS);
		for (size_t i = 0; fine && i < ROUNDS; i++) {
			rates[i] = measure_throughput(&place->server,
			                              (size_t)TIMES_THREADS * counts[which]);
			fine = rates[i] > 0;
		}
		fine = server_stop(&place->server) && fine;
		rate = fine ? median(rates, ROUNDS) : 0;
		if (fine)
			printf("%7u  %8.0f  %15.0f  %4.0f%%\n", counts[which], rate, most,
			       100 * rate / most);
		fflush(stdout);
	}
	printf("\n");
	return fine;
}

int main(void)
{
	struct rlimit files = { 0 };
	struct place place;
	bool fine = site_create(&place.site);

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	snprintf(place.config, sizeof(place.config), "%s/slow.ini", place.site.directory);
	fine = fine && bench_beside(&place) && bench_cpu(&place) && bench_throughput(&place);
	if (!fine)
		fprintf(stderr, "bench_waiting: a server or a client failed\n");
	unlink(place.config);
	site_remove(&place.site);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
