/*
 * bench_http.c - user CPU for each HTTP request: the chain gateway -> auth -> application against a
 * bare libmicrohttpd program with the same reply, and what the access log adds, and another route
 * that waits.
 *
 *	bench_http                  by load from wrk, in rounds by turns; the kernel tells user from
 *	                            system time by samples, so that 0.05 of a ratio is chance
 *	bench_http --instructions   by callgrind, whatever else the machine does meanwhile
 */
#include "figures.h"

#include "callgrind.h"
#include "client.h"
#include "server.h"

#define ROUNDS 9
#define ROUND_SECONDS "2"
#define CONNECTIONS "32"
#define BUDGET "1.15"

/* libmicrohttpd clears all memory of a connection after each request, and tenon gives it half of
 * the default: hence a bare one of each kind. */
#define TENON_MEMORY "24576"

enum which {
	BARE,
	BARE_SMALL,
	QUIET,
	WAITING,
	LOGGED,
	SERVERS
};

static const char *const titles[SERVERS] = {
	[BARE] = "bare libmicrohttpd",
	[BARE_SMALL] = "bare, tenon's 24 KiB",
	[QUIET] = "tenon",
	[WAITING] = "tenon, another route waits",
	[LOGGED] = "tenon, access log to a file",
};

static char *config_of(struct site *site, enum which which)
{
	if (which == WAITING)
		return site->waiting;
	return which == LOGGED ? site->logged : site->quiet;
}

static bool start(struct server *server, struct site *site, enum which which)
{
	static char memory[] = TENON_MEMORY;

	if (which == BARE)
		return server_start_bare(server, site);
	if (which == BARE_SMALL)
		return server_start(server, (char *[]){ site->bare, memory, NULL });
	return server_start_tenon(server, site, config_of(site, which));
}

/* ---- CPU under load ------------------------------------------------------------------------ */

struct cpu {
	double user; /* us */
	double system;
};

static bool read_cpu(pid_t pid, struct cpu *cpu)
{
	double tick = 1e6 / (double)sysconf(_SC_CLK_TCK);
	unsigned long user, system;
	char path[64];
	char text[1024];
	const char *fields;
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	fields = strrchr(text, ')');
	/* proc(5): 14 and 15; the state, after the name, is 3. */
	if (!fields || sscanf(fields + 1, " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu",
	                      &user, &system) != 2)
		return false;
	*cpu = (struct cpu){ .user = (double)user * tick, .system = (double)system * tick };
	return true;
}

/* How many requests wrk completed; 0, and what it said is shown, where it cannot be used. */
static double read_load(FILE *wrk)
{
	double requests = 0;
	char text[4096];
	size_t size = fread(text, 1, sizeof(text) - 1, wrk);
	const char *found;

	text[size] = '\0';
	found = strstr(text, " requests in ");
	while (found && found > text && found[-1] >= '0' && found[-1] <= '9')
		found--;
	if (found)
		requests = strtod(found, NULL);
	if (requests > 0 && !strstr(text, "Non-2xx") && !strstr(text, "Socket errors"))
		return requests;
	fprintf(stderr, "wrk:\n%s\n", text);
	return 0;
}

static double load(const struct server *server, const struct site *site)
{
	char command[512];
	double requests;
	FILE *wrk;

	snprintf(command, sizeof(command),
	         "wrk -t1 -c" CONNECTIONS " -d" ROUND_SECONDS
	         " -H 'x-custom-token: %s' http://127.0.0.1:%d/ 2>&1",
	         site->token, server->port);
	wrk = popen(command, "re");
	if (!wrk)
		return 0;
	requests = read_load(wrk);
	pclose(wrk);
	return requests;
}

/* One round with one server: us for each request. */
static bool measure(const struct server *server, const struct site *site, struct cpu *each)
{
	struct cpu before, after;
	double requests;

	if (!read_cpu(server->pid, &before))
		return false;
	requests = load(server, site);
	if (!requests || !read_cpu(server->pid, &after))
		return false;
	*each = (struct cpu){
		.user = (after.user - before.user) / requests,
		.system = (after.system - before.system) / requests,
	};
	return truncate(site->log, 0) == 0 || errno == ENOENT;
}

/* The rounds of one server, and for each the ratio to the bare one's round beside it. */
struct rounds {
	double user[ROUNDS];
	double system[ROUNDS];
	double ratio[ROUNDS];
};

static bool measure_all(const struct server *servers, const struct site *site,
                        struct rounds *rounds)
{
	struct cpu each;

	for (size_t i = 0; i < ROUNDS; i++) {
		for (size_t which = 0; which < SERVERS; which++) {
			if (!measure(&servers[which], site, &each))
				return false;
			rounds[which].user[i] = each.user;
			rounds[which].system[i] = each.system;
			rounds[which].ratio[i] = each.user / rounds[BARE].user[i];
		}
	}
	return true;
}

static void print_load(struct rounds *rounds)
{
	printf("user CPU for each HTTP request, gateway -> auth -> application: wrk, " CONNECTIONS
	       " connections,\nmedians of %d rounds of " ROUND_SECONDS " s\n\n"
	       "                                  user    system  user, ratio  budget\n",
	       ROUNDS);
	for (size_t which = 0; which < SERVERS; which++)
		printf("%-28s %6.2f us %6.2f us  %11.2f  %s\n", titles[which],
		       median(rounds[which].user, ROUNDS), median(rounds[which].system, ROUNDS),
		       median(rounds[which].ratio, ROUNDS), which == QUIET ? BUDGET : "");
	printf("\n");
}

static bool measure_by_load(struct site *site)
{
	struct server servers[SERVERS] = { 0 };
	struct rounds rounds[SERVERS];
	bool fine = true;

	for (size_t i = 0; fine && i < SERVERS; i++)
		fine = start(&servers[i], site, i);
	fine = fine && measure_all(servers, site, rounds);
	for (size_t i = 0; i < SERVERS; i++)
		server_stop(&servers[i]);
	if (fine)
		print_load(rounds);
	return fine;
}

/* ---- Instructions, by callgrind ------------------------------------------------------------ */

#define FEW 200u
#define MANY 2200u

static bool start_counted(struct server *server, struct site *site, enum which which,
                          const char *output)
{
	static char valgrind[] = "valgrind", tool[] = "--tool=callgrind", run[] = "run";
	static char single[] = "--single";
	static char memory[] = TENON_MEMORY;
	char file[256];

	snprintf(file, sizeof(file), "--callgrind-out-file=%s", output);
	if (which == BARE || which == BARE_SMALL)
		return server_start(server,
		                    (char *[]){ valgrind, tool, file, site->bare,
		                                which == BARE ? NULL : memory, NULL });
	return server_start(server,
	                    (char *[]){ valgrind, tool, file, site->tenon, run, single,
	                                config_of(site, which), NULL });
}

static double count(struct site *site, enum which which, unsigned requests)
{
	struct server server;
	char output[128];
	double total = 0;

	snprintf(output, sizeof(output), "%s/callgrind", site->directory);
	if (!start_counted(&server, site, which, output))
		return 0;
	if (!client_ask_times(server.port, site->token, requests))
		fprintf(stderr, "%s: no reply\n", titles[which]);
	else if (server_stop(&server))
		total = callgrind_total(output);
	server_stop(&server);
	unlink(output);
	return total;
}

/* What is left of two runs when start and stop are taken away. */
static double count_each(struct site *site, enum which which)
{
	double few = count(site, which, FEW);
	double many = count(site, which, MANY);

	return few > 0 && many > few ? (many - few) / (MANY - FEW) : 0;
}

static bool measure_instructions(struct site *site)
{
	double bare = 0;

	setenv("GLIBC_TUNABLES", PLAIN_MEMSET, 1);
	printf("instructions for each HTTP request on one connection, in user mode\n\n"
	       "                             instructions   ratio  budget\n");
	for (size_t which = 0; which < SERVERS; which++) {
		double each = count_each(site, which);

		if (!each)
			return false;
		if (which == BARE)
			bare = each;
		printf("%-28s %12.0f  %6.2f  %s\n", titles[which], each, each / bare,
		       which == QUIET ? BUDGET : "");
	}
	printf("\n");
	return true;
}

int main(int argc, char **argv)
{
	bool instructions = argc == 2 && strcmp(argv[1], "--instructions") == 0;
	const char *tool = instructions ? "valgrind" : "wrk";
	struct site site;
	bool fine;

	if (argc > 1 && !instructions) {
		fprintf(stderr, "usage: bench_http [--instructions]\n");
		return 64;
	}
	if (!have_program(tool)) {
		printf("bench_http: skipped, there is no %s\n\n", tool);
		return EXIT_SUCCESS;
	}
	fine = site_create(&site);
	fine = fine && (instructions ? measure_instructions(&site) : measure_by_load(&site));
	site_remove(&site);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
