/*
 * bench_slow.c - how long a good client waits for a reply while slowhttptest holds 1,000
 * connections in each of its modes, against nobody beside it. Each request is on a connection of
 * its own.
 */
#include "figures.h"

#include "client.h"
#include "server.h"

#define SAMPLES_MOST 200000
#define SECONDS 10
#define CONNECTIONS "1000"
#define RATE "500" /* new ones, a second */

static double samples[SAMPLES_MOST];

struct place {
	struct site site;
	char config[160];
	struct server server;
};

/* Timeouts so short that each mode comes to them, again and again. */
static bool start(struct place *place)
{
	static char run[] = "run", single[] = "--single";
	char text[3 * PATH_MAX];

	snprintf(place->config, sizeof(place->config), "%s/slow.ini", place->site.directory);
	snprintf(text, sizeof(text),
	         "[host]\n"
	         "listen = 127.0.0.1:0\n"
	         "access_log = off\n"
	         "head_timeout = 3s\n"
	         "body_timeout = 3s\n"
	         "write_timeout = 3s\n"
	         "idle_timeout = 3s\n"
	         "[worker echo]\n"
	         "module = %s/tests/fixtures/serve_echo.so\n"
	         "route = /*\n"
	         "[worker large]\n"
	         "module = %s/tests/fixtures/serve_large.so\n"
	         "route = /static\n",
	         place->site.build, place->site.build);
	return write_file(place->config, text) &&
	       server_start(&place->server,
	                    (char *[]){ place->site.tenon, run, single, place->config, NULL });
}

struct mode {
	const char *title;
	const char *options; /* of slowhttptest; NULL: nobody is slow */
	const char *path;
};

static const struct mode modes[] = {
	{ "nobody beside it", NULL, NULL },
	{ "slow heads (-H)", "-H", "/head" },
	{ "slow bodies (-B)", "-B -s 1000000 -x 8", "/body" },
	{ "slow reading (-X)", "-X -w 1 -y 1 -n 1 -z 1", "/static" },
	{ "ranges (-R)", "-R -a 1 -b 3000", "/range" },
};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static FILE *attack(const struct mode *mode, int port)
{
	char command[256];

	snprintf(command, sizeof(command),
	         "exec timeout -k 1 %d slowhttptest %s -c " CONNECTIONS " -r " RATE
	         " -i 1 -l %d -u http://127.0.0.1:%d%s >/dev/null 2>&1",
	         SECONDS + 30, mode->options, SECONDS, port, mode->path);
	return popen(command, "re");
}

static bool ask(int port)
{
	static const char request[] = "GET /good HTTP/1.1\r\nHost: a\r\n\r\n";
	struct linger at_once = { .l_onoff = 1 };
	struct client client;
	bool fine = client_connect(&client, port) &&
	            client_ask(&client, request, strlen(request));

	if (client.socket < 0)
		return false;
	setsockopt(client.socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(client.socket);
	return fine;
}

/* One request after another, with a rest between them. */
static void measure(const struct mode *mode, int port)
{
	int64_t end = now_ns() + (int64_t)SECONDS * 1000000000;
	FILE *tool = mode->options ? attack(mode, port) : NULL;
	size_t count = 0, failed = 0;

	while (now_ns() < end && count < SAMPLES_MOST) {
		int64_t begun = now_ns();

		failed += !ask(port);
		samples[count++] = (double)(now_ns() - begun) / 1e3;
		poll(NULL, 0, 1);
	}
	if (tool)
		pclose(tool);
	qsort(samples, count, sizeof(samples[0]), compare_figures);
	printf("  %-20s %8zu %8zu %8.0f us %8.0f us %8.0f us\n", mode->title, count, failed,
	       samples[count / 2], samples[count - 1 - count / 100], samples[count - 1]);
	fflush(stdout);
}

int main(void)
{
	struct place place = { 0 };
	bool fine = site_create(&place.site) && start(&place);

	if (fine) {
		printf("\na good client, whose every request is a new connection, "
		       "beside " CONNECTIONS " slow ones\n\n");
		printf("  %-20s %8s %8s %11s %11s %11s\n", "", "requests", "failed", "median",
		       "p99", "slowest");
	}
	for (size_t i = 0; fine && i < MODES; i++)
		measure(&modes[i], place.server.port);
	fine = server_stop(&place.server) && fine;
	unlink(place.config);
	site_remove(&place.site);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
