#include "supervise/generation.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct tn_generation *tn_generation_create(struct tn_revision *revision, unsigned number)
{
	struct tn_generation *generation = calloc(1, sizeof(*generation));

	if (!generation)
		return NULL;
	generation->number = number;
	generation->log = -1;
	generation->revision = tn_revision_hold(revision);
	if (tn_marks_create(&generation->marks, revision->plan->count))
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
		tn_page_unmap(generation->seats[i].page);
		free(generation->seats[i].sockets);
	}
	free(generation->seats);
	if (generation->log >= 0)
		close(generation->log);
	tn_marks_finish(&generation->marks);
	tn_revision_release(generation->revision);
	free(generation);
}

/* ---- Seats --------------------------------------------------------------------------------- */

/* One for each core that this process may run on. */
size_t tn_generation_wanted(const struct tn_revision *revision)
{
	const struct tn_settings *settings = &revision->plan->settings;
	cpu_set_t cores;

	if (settings->processes > 0)
		return (size_t)settings->processes;
	if (sched_getaffinity(0, sizeof(cores), &cores))
		return 1;
	return (size_t)CPU_COUNT(&cores);
}

static void add_slot(struct tn_seat *seat, const int *sockets, size_t addresses)
{
	for (size_t i = 0; i < addresses; i++)
		seat->sockets[seat->socket_count++] = sockets[i];
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
		add_slot(seat, sockets + slot * addresses, addresses);
	seat->watched = seat->socket_count;
	for (size_t slot = 0; slot < slots; slot++)
		if (slot < first || (slot - first) % generation->count)
			add_slot(seat, sockets + slot * addresses, addresses);
	return true;
}

bool tn_generation_deal(struct tn_generation *generation, const int *sockets, size_t slots,
                        size_t addresses)
{
	size_t count = tn_generation_wanted(generation->revision);

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

void tn_generation_log(struct tn_generation *generation, int log)
{
	if (generation->log >= 0)
		close(generation->log);
	generation->log = log;
	for (size_t i = 0; i < generation->count && log >= 0; i++)
		if (generation->seats[i].process.pid)
			tn_process_send_log(&generation->seats[i].process, log);
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

void tn_generation_retire(struct tn_generation *generation)
{
	for (size_t i = 0; i < generation->count; i++) {
		struct tn_seat *seat = &generation->seats[i];

		seat->closing = seat->process.pid && seat->ready;
	}
	tn_generation_signal(generation, SIGHUP);
}

size_t tn_generation_closing(const struct tn_generation *generation)
{
	size_t closing = 0;

	for (size_t i = 0; i < generation->count; i++)
		closing += generation->seats[i].process.pid && generation->seats[i].closing;
	return closing;
}

/* One that waits runs its stop hooks when it sees that nobody is there any more. */
void tn_generation_dismiss(struct tn_generation *generation)
{
	for (size_t i = 0; i < generation->count; i++) {
		struct tn_seat *seat = &generation->seats[i];
		pid_t pid = seat->process.pid;

		if (generation->served && seat->ready)
			continue; /* it has orders to come */
		if (pid && !seat->ready && !seat->kill_at && seat->process.report >= 0)
			kill(pid, SIGTERM); /* or it is to tell first where it hangs */
		tn_process_forget(&seat->process);
		seat->process.pid = pid;
	}
}

/* A process may write what it likes there. */
void tn_seat_tally(const struct tn_seat *seat, struct tn_tally *tally)
{
	uint64_t begun, ended;

	if (!seat->page)
		return;
	ended = atomic_load_explicit(&seat->page->activity.ended, memory_order_relaxed);
	begun = atomic_load_explicit(&seat->page->activity.begun, memory_order_relaxed);
	tally->requests += ended;
	tally->lost += begun > ended ? begun - ended : 0;
	tally->waiting +=
		atomic_load_explicit(&seat->page->activity.waiting, memory_order_relaxed);
	tally->turned_away +=
		atomic_load_explicit(&seat->page->activity.turned_away, memory_order_relaxed);
	for (size_t i = 0; i < TN_REFUSED_KINDS; i++)
		tally->refused[i] += atomic_load_explicit(&seat->page->activity.refused[i],
		                                          memory_order_relaxed);
}

void tn_tally_add(struct tn_tally *tally, const struct tn_tally *more)
{
	tally->requests += more->requests;
	tally->turned_away += more->turned_away;
	for (size_t i = 0; i < TN_REFUSED_KINDS; i++)
		tally->refused[i] += more->refused[i];
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
