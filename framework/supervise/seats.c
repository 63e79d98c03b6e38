/* seats.c - the processes of a generation: starting, reading, replacing them. */
#include "observe/log.h"
#include "supervise/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEADY_MS (10 * 1000) /* who served for so long has not failed at its start */
#define BACKOFF_FIRST_MS 100  /* the second time */
#define BACKOFF_MOST_MS (10 * 1000)
#define BLOCKS_MOST 1024 /* of TN_SHARED memory: each is a descriptor */
#define MESSAGES_MOST 64 /* that are read of a process in one turn */

/* ---- Starting ------------------------------------------------------------------------------ */

static void forget_page(struct tn_seat *seat)
{
	tn_page_unmap(seat->page);
	seat->page = NULL;
}

void tn_seat_clear(struct tn_seat *seat)
{
	tn_process_forget(&seat->process);
	forget_page(seat);
	seat->ready = false;
	seat->closing = false;
	seat->kill_at = 0;
}

static bool start_process(const struct tn_supervisor *supervisor,
                          const struct tn_generation *generation, struct tn_seat *seat)
{
	const struct tn_revision *revision = generation->revision;
	char privileges[TN_PRIVILEGES_TEXT];
	const struct tn_process_options options = {
		.program = supervisor->program,
		.bundle = revision->bundle,
		.page = tn_page_create(&seat->page),
		.quarantine = generation->marks.descriptor,
		.log = generation->log,
		.privileges = tn_privileges_write(&revision->privileges, privileges),
		.sockets = seat->sockets,
		.socket_count = seat->socket_count,
		.watched = seat->watched,
	};
	bool started = options.page >= 0 && tn_process_start(&seat->process, &options);
	int error = errno;

	if (options.page >= 0)
		close(options.page);
	errno = error;
	return started;
}

void tn_seat_start(struct tn_supervisor *supervisor, struct tn_generation *generation,
                   struct tn_seat *seat)
{
	seat->ready = false;
	seat->started_at = tn_supervisor_now();
	seat->turns = 0;
	seat->kill_at = 0;
	if (start_process(supervisor, generation, seat))
		return;
	tn_log_write(TN_LOG_ERROR, NULL, "a host process cannot be started: %s", strerror(errno));
	forget_page(seat);
	if (generation == supervisor->current)
		tn_seat_replace(generation, seat);
}

/* ---- Replacing ----------------------------------------------------------------------------- */

/* At once the first time, then ever later. */
static int64_t backoff(unsigned failures)
{
	int64_t pause = BACKOFF_FIRST_MS;

	if (failures < 2)
		return 0;
	for (unsigned i = 2; i < failures && pause < BACKOFF_MOST_MS; i++)
		pause *= 2;
	return pause < BACKOFF_MOST_MS ? pause : BACKOFF_MOST_MS;
}

/* Where a socket stands among those of a seat. */
static bool find_socket(const struct tn_seat *seat, int socket, size_t *place)
{
	for (*place = 0; *place < seat->socket_count; ++*place)
		if (seat->sockets[*place] == socket)
			return true;
	return false;
}

/* Its own are its own. */
static void have_watched(const struct tn_seat *owner, const struct tn_seat *neighbour, bool watched)
{
	size_t place;

	for (size_t i = 0; i < owner->watched; i++)
		if (find_socket(neighbour, owner->sockets[i], &place) &&
		    place >= neighbour->watched)
			tn_process_watch(&neighbour->process, place, watched);
}

static void lend(struct tn_generation *generation, struct tn_seat *owner)
{
	for (size_t i = 0; i < generation->count; i++) {
		const struct tn_seat *neighbour = &generation->seats[i];

		if (neighbour == owner || !neighbour->ready || neighbour->kill_at)
			continue;
		have_watched(owner, neighbour, true);
		owner->lent_to = i + 1;
		return;
	}
}

static void take_back(const struct tn_generation *generation, struct tn_seat *owner)
{
	if (owner->lent_to)
		have_watched(owner, &generation->seats[owner->lent_to - 1], false);
	owner->lent_to = 0;
}

/* What the seat had from others has nobody now. */
static void pass_on(struct tn_generation *generation, const struct tn_seat *seat)
{
	for (size_t i = 0; i < generation->count; i++) {
		struct tn_seat *owner = &generation->seats[i];

		if (owner->lent_to != (size_t)(seat - generation->seats) + 1)
			continue;
		owner->lent_to = 0;
		lend(generation, owner);
	}
}

/* Who had nobody to lend to has somebody now. */
static void lend_all(struct tn_generation *generation)
{
	for (size_t i = 0; i < generation->count; i++) {
		struct tn_seat *owner = &generation->seats[i];

		if (!owner->ready && owner->failures && !owner->lent_to)
			lend(generation, owner);
	}
}

int64_t tn_seat_replace(struct tn_generation *generation, struct tn_seat *seat)
{
	int64_t now = tn_supervisor_now();
	int64_t pause;

	seat->failures = now - seat->started_at < STEADY_MS ? seat->failures + 1 : 1;
	pause = backoff(seat->failures);
	seat->restart_at = now + pause;
	if (!seat->lent_to)
		lend(generation, seat);
	pass_on(generation, seat);
	return pause;
}

/* ---- What the processes tell --------------------------------------------------------------- */

/* "auth.HITS": the field's name has no dot. */
static bool names_worker(const struct tn_plan *plan, const char *name)
{
	const char *dot = strrchr(name, '.');
	char worker[TN_LOG_LINE];

	if (!dot || (size_t)(dot - name) >= sizeof(worker))
		return false;
	snprintf(worker, sizeof(worker), "%.*s", (int)(dot - name), name);
	return tn_plan_find(plan, worker);
}

/* "4096 auth.HITS" */
static void share(struct tn_supervisor *supervisor, const struct tn_generation *generation,
                  const struct tn_seat *seat)
{
	char *name;
	size_t size = strtoull(supervisor->text, &name, 10);
	int descriptor = -1;

	if (*name == ' ' && supervisor->blocks.count < BLOCKS_MOST &&
	    names_worker(generation->revision->plan, name + 1))
		descriptor = tn_blocks_find(&supervisor->blocks, name + 1, size,
		                            generation->number);
	tn_process_share(&seat->process, descriptor);
}

static void note_ready(struct tn_supervisor *supervisor, struct tn_generation *generation,
                       struct tn_seat *seat)
{
	seat->ready = true;
	if (generation == supervisor->current) {
		tn_process_release(&seat->process);
		take_back(generation, seat);
		lend_all(generation);
	}
	if (generation == supervisor->coming && !supervisor->stopping)
		tn_supervisor_advance(supervisor);
}

/* Returns whether there may be more. */
static bool read_message(struct tn_supervisor *supervisor, struct tn_generation *generation,
                         struct tn_seat *seat)
{
	int kind = tn_process_read(&seat->process, supervisor->text);

	if (kind < 0) {
		close(seat->process.report);
		seat->process.report = -1;
	} else if (seat->ready) {
		seat->closing = kind != TN_PROCESS_CLOSED && seat->closing;
	} else if (kind == TN_PROCESS_SHARE) {
		share(supervisor, generation, seat);
	} else if (kind == TN_PROCESS_ERRORS && generation == supervisor->coming) {
		tn_supervisor_print(supervisor, supervisor->text);
	} else if (kind == TN_PROCESS_ERRORS) {
		tn_supervisor_write(supervisor->text);
	} else if (kind == TN_PROCESS_READY) {
		note_ready(supervisor, generation, seat);
	}
	return kind > 0 && seat->process.report >= 0;
}

/* Who is ready has nothing more to tell until it is replaced, and waits for ever where it tries. */
bool tn_seat_has_news(const struct tn_seat *seat)
{
	return seat->process.report >= 0 && (!seat->ready || seat->closing);
}

/* A Worker may have got hold of the socket: it is not to keep the supervisor. */
void tn_seat_read(struct tn_supervisor *supervisor, struct tn_generation *generation,
                  struct tn_seat *seat)
{
	for (unsigned i = 0; i < MESSAGES_MOST && tn_seat_has_news(seat); i++)
		if (!read_message(supervisor, generation, seat))
			return;
}

/* What it tells may have it take over, or be given up. */
void tn_seats_read(struct tn_supervisor *supervisor, struct tn_generation *generation)
{
	for (size_t i = 0; generation && i < generation->count; i++)
		tn_seat_read(supervisor, generation, &generation->seats[i]);
}
