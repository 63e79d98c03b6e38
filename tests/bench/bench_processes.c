/*
 * bench_processes.c - what several processes cost and give: CPU for each request, exec to the first
 * reply and the memory of all of them, SIGHUP to the first reply of the new version, a crash to all
 * processes again.
 */
#include "figures.h"

#include "client.h"
#include "server.h"

#include <sys/un.h>

#define ROUNDS 9
#define REQUESTS 20000u
#define CLIENTS 32u
#define TREE_MOST 16
#define DEADLINE_NS (30 * (int64_t)1000000000)

struct tree {
	struct site site;
	char config[160];
	char control[192];
	struct server server;
};

/* ---- The tree ------------------------------------------------------------------------------ */

static size_t hosts_of(pid_t supervisor, pid_t list[TREE_MOST])
{
	char path[64];
	size_t count = 0;
	FILE *file;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)supervisor, (int)supervisor);
	file = fopen(path, "re");
	while (file && count < TREE_MOST && fscanf(file, "%d", &pid) == 1)
		list[count++] = pid;
	if (file)
		fclose(file);
	return count;
}

/* User and system time, in ms: schedstat counts nanoseconds, stat only hundredths of a second. */
static double cpu_of(pid_t pid)
{
	char path[64];
	unsigned long long nanoseconds = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	file = fopen(path, "re");
	if (file && fscanf(file, "%llu", &nanoseconds) != 1)
		nanoseconds = 0;
	if (file)
		fclose(file);
	return (double)nanoseconds / 1e6;
}

static double sum_of(const struct tree *tree, double (*of)(pid_t pid))
{
	pid_t list[TREE_MOST];
	size_t count = hosts_of(tree->server.pid, list);
	double sum = of(tree->server.pid);

	for (size_t i = 0; i < count; i++)
		sum += of(list[i]);
	return sum;
}

static bool write_chain(struct tree *tree, unsigned processes)
{
	char text[3 * PATH_MAX];

	snprintf(text, sizeof(text),
	         "[host]\n"
	         "listen     = 127.0.0.1:0\n"
	         "processes  = %u\n"
	         "modules    = %s/plugins\n"
	         "access_log = off\n"
	         "[worker gateway]\n"
	         "route               = /*\n"
	         "service.auth        = auth\n"
	         "service.application = application\n"
	         "[worker auth]\n"
	         "secret.SECRET_TOKEN = file:%s\n"
	         "[worker application]\n",
	         processes, tree->site.build, tree->site.token_file);
	unlink(tree->config);
	return write_file(tree->config, text);
}

static const char *const bodies[] = { "one", "hello" };

static bool write_version(struct tree *tree, unsigned version)
{
	static const char *const modules[] = { "serve_fall", "serve_hello" };
	char text[3 * PATH_MAX];

	snprintf(text, sizeof(text),
	         "[host]\n"
	         "listen     = 127.0.0.1:0\n"
	         "processes  = 2\n"
	         "access_log = off\n"
	         "[worker hello]\n"
	         "module = %s/tests/fixtures/%s.so\n"
	         "%s"
	         "route = /*\n",
	         tree->site.build, modules[version], version ? "" : "var.TEXT = one\n");
	unlink(tree->config);
	return write_file(tree->config, text);
}

static bool tree_start(struct tree *tree)
{
	static char run[] = "run";

	return server_start(&tree->server,
	                    (char *[]){ tree->site.tenon, run, tree->config, NULL });
}

/* ---- CPU for each request ------------------------------------------------------------------ */

static bool ask_all(struct client *clients, const char *request, size_t size)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		if (!client_send(&clients[i], request, size))
			return false;
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		enum client_progress progress = CLIENT_WAITS;

		while (progress == CLIENT_WAITS)
			progress = client_read(&clients[i]);
		if (progress == CLIENT_FAILED)
			return false;
	}
	return true;
}

static bool ask_often(const struct tree *tree, unsigned requests)
{
	static struct client clients[CLIENTS];
	char request[256];
	size_t size = make_request(request, sizeof(request), tree->site.token);
	size_t connected = 0;
	bool fine = true;

	while (fine && connected < CLIENTS) {
		fine = client_connect(&clients[connected], tree->server.port);
		connected += fine;
	}
	for (unsigned i = 0; fine && i < requests; i += CLIENTS)
		fine = ask_all(clients, request, size);
	while (connected)
		close(clients[--connected].socket);
	return fine;
}

/* In microseconds; negative where it failed. */
static double measure_cpu(struct tree *tree, unsigned processes)
{
	double before, after;
	bool fine = write_chain(tree, processes) && tree_start(tree);

	if (!fine)
		return -1;
	fine = ask_often(tree, REQUESTS / 10);
	before = sum_of(tree, cpu_of);
	fine = fine && ask_often(tree, REQUESTS);
	after = sum_of(tree, cpu_of);
	return server_stop(&tree->server) && fine ? (after - before) * 1000 / REQUESTS : -1;
}

static bool bench_cpu(struct tree *tree)
{
	static const unsigned counts[] = { 1, 2, 4 };
	double figures[3][ROUNDS];
	double ratios[3][ROUNDS];

	for (size_t round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < 3; i++) {
			figures[i][round] = measure_cpu(tree, counts[i]);
			if (figures[i][round] < 0)
				return false;
			ratios[i][round] = figures[i][round] / figures[0][round];
		}
	}
	printf("CPU for each request, gateway -> auth -> application, %u connections\n\n"
	       "processes       CPU  ratio\n",
	       CLIENTS);
	for (size_t i = 0; i < 3; i++)
		printf("%9u  %5.2f us  %5.2f\n", counts[i], median(figures[i], ROUNDS),
		       median(ratios[i], ROUNDS));
	printf("\n");
	return true;
}

/* ---- Start --------------------------------------------------------------------------------- */

static bool bench_start(struct tree *tree)
{
	double milliseconds[ROUNDS], pss[ROUNDS];

	for (size_t round = 0; round < ROUNDS; round++) {
		int64_t begun = now_ns();
		bool fine = write_chain(tree, 2) && tree_start(tree);

		if (!fine)
			return false;
		fine = client_ask_times(tree->server.port, tree->site.token, 1);
		milliseconds[round] = (double)(now_ns() - begun) / 1e6;
		pss[round] = sum_of(tree, server_memory);
		if (!server_stop(&tree->server) || !fine)
			return false;
	}
	printf("exec to the first reply      %6.2f ms\n"
	       "PSS of all of them after it  %6.2f MiB  (budget: 10 MiB)\n",
	       median(milliseconds, ROUNDS), median(pss, ROUNDS));
	return true;
}

/* ---- Reload -------------------------------------------------------------------------------- */

/* On a connection of its own, as it may be the old one's. */
static bool answers_with(int port, const char *body)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	struct client client;
	bool found;

	if (!client_connect(&client, port))
		return false;
	found = client_ask(&client, request, strlen(request)) && strstr(client.reply, body);
	close(client.socket);
	return found;
}

static double measure_reload(struct tree *tree, unsigned version)
{
	int64_t begun;
	bool found = false;

	if (!write_version(tree, version))
		return -1;
	begun = now_ns();
	kill(tree->server.pid, SIGHUP);
	while (!found && now_ns() - begun < DEADLINE_NS)
		found = answers_with(tree->server.port, bodies[version]);
	return found ? (double)(now_ns() - begun) / 1e6 : -1;
}

static bool bench_reload(struct tree *tree)
{
	double milliseconds[ROUNDS];
	bool fine = write_version(tree, 0) && tree_start(tree);

	if (!fine)
		return false;
	for (size_t round = 0; round < ROUNDS; round++) {
		milliseconds[round] = measure_reload(tree, (round + 1) % 2);
		fine = fine && milliseconds[round] >= 0;
	}
	if (!server_stop(&tree->server) || !fine)
		return false;
	printf("SIGHUP to the new version    %6.2f ms\n", median(milliseconds, ROUNDS));
	return true;
}

/* ---- Crash --------------------------------------------------------------------------------- */

static int ask_status(const struct tree *tree)
{
	static const char word[] = "status";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, tree->control, strlen(tree->control));
	if (file >= 0 && (connect(file, (const struct sockaddr *)&address, sizeof(address)) ||
	                  send(file, word, strlen(word), MSG_NOSIGNAL) < 0)) {
		close(file);
		return -1;
	}
	return file;
}

/* Whether both processes serve, and none of them is that one. The answer comes whole in its first
 * message. */
static bool is_whole(const struct tree *tree, pid_t without)
{
	static const char serving[] = "\"state\":\"serving\"";
	char text[65536];
	char pid[32];
	int file = ask_status(tree);
	ssize_t size = file < 0 ? -1 : recv(file, text, sizeof(text) - 1, 0);
	unsigned count = 0;

	if (file >= 0)
		close(file);
	if (size <= 0)
		return false;
	text[size] = '\0';
	snprintf(pid, sizeof(pid), "\"pid\":%d,", (int)without);
	for (const char *at = text; (at = strstr(at, serving)); at++)
		count++;
	return count == 3 && !strstr(text, pid); /* the whole, and each process */
}

/* A host of its own for each: who crashes again within seconds waits longer. */
static double measure_crash(struct tree *tree)
{
	pid_t list[TREE_MOST];
	int64_t begun;
	bool whole = false;

	if (!write_version(tree, 0) || !tree_start(tree))
		return -1;
	while (!is_whole(tree, 0))
		if (hosts_of(tree->server.pid, list) == 0)
			return -1;
	if (hosts_of(tree->server.pid, list) != 2)
		return -1;
	begun = now_ns();
	kill(list[0], SIGSEGV);
	while (!whole && now_ns() - begun < DEADLINE_NS)
		whole = is_whole(tree, list[0]);
	begun = now_ns() - begun;
	return server_stop(&tree->server) && whole ? (double)begun / 1e6 : -1;
}

static bool bench_crash(struct tree *tree)
{
	double milliseconds[ROUNDS];

	for (size_t round = 0; round < ROUNDS; round++) {
		milliseconds[round] = measure_crash(tree);
		if (milliseconds[round] < 0)
			return false;
	}
	printf("a crash to both again        %6.2f ms\n", median(milliseconds, ROUNDS));
	return true;
}

int main(void)
{
	struct tree tree;
	bool fine = site_create(&tree.site);

	snprintf(tree.config, sizeof(tree.config), "%s/processes.ini", tree.site.directory);
	snprintf(tree.control, sizeof(tree.control), "%s.control", tree.config);
	fine = fine && bench_cpu(&tree);
	if (fine)
		printf("two processes; medians of %d\n\n", ROUNDS);
	fine = fine && bench_start(&tree) && bench_reload(&tree) && bench_crash(&tree);
	printf("\n");
	unlink(tree.config);
	site_remove(&tree.site);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
