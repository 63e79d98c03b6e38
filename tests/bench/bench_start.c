/* bench_start.c - from exec to the first reply with three Workers, and the memory after it. */
#include "figures.h"

#include "client.h"
#include "server.h"

#define STARTS 21

struct starts {
	double milliseconds[STARTS];
	double pss[STARTS]; /* MiB */
};

static bool start_once(struct site *site, bool bare, struct starts *starts, size_t round)
{
	int64_t begun = now_ns();
	struct server server;
	bool fine = bare ? server_start_bare(&server, site)
	                 : server_start_tenon(&server, site, site->quiet);

	if (!fine)
		return false;
	fine = client_ask_times(server.port, site->token, 1);
	starts->milliseconds[round] = (double)(now_ns() - begun) / 1e6;
	starts->pss[round] = server_memory(server.pid);
	return server_stop(&server) && fine;
}

static void print(const char *title, struct starts *starts, const struct starts *bare,
                  const char *budget)
{
	double ratios[STARTS];

	for (size_t i = 0; i < STARTS; i++)
		ratios[i] = starts->milliseconds[i] / bare->milliseconds[i];
	printf("%-20s %6.2f ms  %5.2f  %6.2f MiB  %s\n", title,
	       median(starts->milliseconds, STARTS), median(ratios, STARTS),
	       median(starts->pss, STARTS), budget);
}

int main(void)
{
	struct starts tenon, bare;
	struct site site;
	bool fine = site_create(&site);

	for (size_t i = 0; fine && i < STARTS; i++)
		fine = start_once(&site, true, &bare, i) && start_once(&site, false, &tenon, i);
	site_remove(&site);
	if (!fine)
		return EXIT_FAILURE;
	printf("exec to the first reply, and the memory (PSS) after it; medians of %d\n\n"
	       "                           time  ratio      memory  budget\n",
	       STARTS);
	print("tenon, three Workers", &tenon, &bare, "10 ms, 10 MiB");
	print("bare libmicrohttpd", &bare, &bare, "");
	printf("\n");
	return EXIT_SUCCESS;
}
