/*
 * bench_allocations.c - how often each part of a server asks the system for memory while it answers
 * requests on a keep-alive connection, once it is warm.
 */
#include "allocations.h"
#include "client.h"
#include "server.h"

#include <sys/mman.h>

#define WARM_UP 100u
#define REQUESTS 1000u

struct counter {
	char path[PATH_MAX + 64]; /* of the library that counts */
	char file[128];
	struct allocations *now;
	struct allocations before;
};

static bool counter_open(struct counter *counter, const struct site *site)
{
	int file;

	snprintf(counter->path, sizeof(counter->path), "%s/tests/fixtures/bench_allocations.so",
	         site->build);
	snprintf(counter->file, sizeof(counter->file), "%s/allocations", site->directory);
	file = open(counter->file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file < 0 || ftruncate(file, sizeof(*counter->now)) < 0)
		return false;
	counter->now = mmap(NULL, sizeof(*counter->now), PROT_READ | PROT_WRITE, MAP_SHARED, file,
	                    0);
	close(file);
	return counter->now != MAP_FAILED;
}

static void counter_close(struct counter *counter)
{
	munmap(counter->now, sizeof(*counter->now));
	unlink(counter->file);
}

/* The environment is this program's again when the server has started. */
static bool start(struct server *server, struct site *site, bool bare,
                  const struct counter *counter)
{
	bool started;

	setenv("LD_PRELOAD", counter->path, 1);
	setenv("LD_LIBRARY_PATH", site->build, 1);
	setenv(ALLOCATIONS_FILE, counter->file, 1);
	started = bare ? server_start_bare(server, site)
	               : server_start_tenon(server, site, site->logged);
	unsetenv("LD_PRELOAD");
	unsetenv("LD_LIBRARY_PATH");
	unsetenv(ALLOCATIONS_FILE);
	return started;
}

/* False where not even libmicrohttpd's were counted: then the others are no figure either. */
static bool print(const char *title, const struct counter *counter, bool bare)
{
	bool counted = false;

	printf("%s\n", title);
	for (size_t i = 0; i < OBJECTS_MOST && counter->now->objects[i].name[0]; i++) {
		unsigned long more =
			counter->now->objects[i].count - counter->before.objects[i].count;
		bool library = strstr(counter->now->objects[i].name, "libmicrohttpd") != NULL;

		counted = counted || (more && library);
		if (library || (!bare && !strstr(counter->now->objects[i].name, "ld-linux")))
			printf("  %-28s %9.3f  %s\n", counter->now->objects[i].name,
			       (double)more / REQUESTS, library ? "" : "0");
	}
	if (!counted)
		printf("  nothing was counted, not even libmicrohttpd's\n");
	return counted;
}

static bool run(struct site *site, bool bare)
{
	struct counter counter = { 0 };
	struct server server;
	bool fine;

	if (!counter_open(&counter, site) || !start(&server, site, bare, &counter))
		return false;
	fine = client_ask_times(server.port, site->token, WARM_UP);
	counter.before = *counter.now;
	fine = fine && client_ask_times(server.port, site->token, REQUESTS) &&
	       print(bare ? "bare" : "tenon, access log to a file", &counter, bare);
	server_stop(&server);
	counter_close(&counter);
	return fine;
}

int main(void)
{
	struct site site;
	bool fine = site_create(&site);

	printf("allocations for each request, by who asks, over %u requests\n\n"
	       "                                  count  budget\n",
	       REQUESTS);
	fine = fine && run(&site, false) && run(&site, true);
	printf("\n");
	site_remove(&site);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
