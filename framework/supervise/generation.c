#include "supervise/generation.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>

/* ---- Reading ------------------------------------------------------------------------------- */

static int read_plan(struct tn_generation *generation, const struct tn_generation_options *options)
{
	generation->plan = tn_plan_create(generation->config, options->environment,
	                                  options->errors);
	if (!generation->plan || !tn_vault_take(options->vault, generation->config) ||
	    !tn_secrets_read(&generation->secrets, generation->plan, options->vault,
	                     options->errors))
		return EX_OSERR;
	return options->errors->errors ? EX_CONFIG : 0;
}

/* The first time it may be a pipe; to open one again would wait for who writes to it. */
static int check_file(const char *path, char *reason)
{
	struct stat status;

	if (stat(path, &status) || S_ISREG(status.st_mode))
		return 0; /* what is not there is told by who reads it */
	snprintf(reason, TN_REASON_SIZE, "it is no regular file, which a reload needs");
	return EX_CONFIG;
}

struct tn_generation *tn_generation_create(const struct tn_generation_options *options, int *code,
                                           char *reason)
{
	struct tn_generation *generation = calloc(1, sizeof(*generation));

	snprintf(reason, TN_REASON_SIZE, "out of memory");
	*code = EX_OSERR;
	if (!generation)
		return NULL;
	*code = options->again ? check_file(options->path, reason) : 0;
	if (!*code)
		*code = tn_config_load(options->path, NULL, &generation->config, options->errors,
		                       reason);
	if (!*code) {
		snprintf(reason, TN_REASON_SIZE, "out of memory");
		*code = read_plan(generation, options);
	}
	if (*code != EX_OSERR && generation->plan)
		reason[0] = '\0';
	if (!*code)
		return generation;
	tn_generation_destroy(generation);
	return NULL;
}

void tn_generation_destroy(struct tn_generation *generation)
{
	if (!generation)
		return;
	for (size_t i = 0; i < generation->count; i++) {
		tn_process_forget(&generation->seats[i].process);
		free(generation->seats[i].sockets);
	}
	free(generation->seats);
	tn_secrets_finish(&generation->secrets);
	tn_plan_destroy(generation->plan);
	tn_config_destroy(generation->config);
	free(generation);
}

/* ---- Seats --------------------------------------------------------------------------------- */

/* One for each core that this process may run on. */
size_t tn_generation_wanted(const struct tn_generation *generation)
{
	const struct tn_settings *settings = &generation->plan->settings;
	cpu_set_t cores;

	if (settings->processes > 0)
		return (size_t)settings->processes;
	if (sched_getaffinity(0, sizeof(cores), &cores))
		return 1;
	return (size_t)CPU_COUNT(&cores);
}

/* With more slots than seats, a seat gets several; with fewer, several share one. */
static bool deal(const struct tn_generation *generation, size_t number, const int *sockets,
                 size_t slots, size_t addresses)
{
	struct tn_seat *seat = &generation->seats[number];
	size_t first = number % slots;

	seat->sockets = calloc(slots * addresses + 1, sizeof(seat->sockets[0]));
	if (!seat->sockets)
		return false;
	for (size_t slot = first; slot < slots; slot += generation->count)
		for (size_t i = 0; i < addresses; i++)
			seat->sockets[seat->socket_count++] = sockets[slot * addresses + i];
	return true;
}

bool tn_generation_deal(struct tn_generation *generation, const int *sockets, size_t slots,
                        size_t addresses)
{
	size_t count = tn_generation_wanted(generation);

	generation->seats = calloc(count, sizeof(generation->seats[0]));
	if (!generation->seats)
		return false;
	generation->count = count;
	for (size_t i = 0; i < count; i++)
		generation->seats[i].process.report = -1;
	for (size_t i = 0; i < count; i++)
		if (!deal(generation, i, sockets, slots, addresses))
			return false;
	return true;
}

void tn_generation_signal(const struct tn_generation *generation, int signal)
{
	for (size_t i = 0; generation && i < generation->count; i++)
		if (generation->seats[i].process.pid)
			kill(generation->seats[i].process.pid, signal);
}

void tn_generation_release(const struct tn_generation *generation)
{
	for (size_t i = 0; i < generation->count; i++)
		if (generation->seats[i].process.pid)
			tn_process_release(&generation->seats[i].process);
}

/* One that waits runs its stop hooks when it sees that nobody is there any more. */
void tn_generation_dismiss(struct tn_generation *generation)
{
	for (size_t i = 0; i < generation->count; i++) {
		struct tn_seat *seat = &generation->seats[i];
		pid_t pid = seat->process.pid;

		if (pid && !seat->ready && seat->process.report >= 0)
			kill(pid, SIGTERM);
		tn_process_forget(&seat->process);
		seat->process.pid = pid;
	}
}

size_t tn_generation_living(const struct tn_generation *generation)
{
	size_t living = 0;

	for (size_t i = 0; generation && i < generation->count; i++)
		living += generation->seats[i].process.pid != 0;
	return living;
}

size_t tn_generation_ready(const struct tn_generation *generation)
{
	size_t ready = 0;

	for (size_t i = 0; generation && i < generation->count; i++)
		ready += generation->seats[i].process.pid && generation->seats[i].ready;
	return ready;
}
