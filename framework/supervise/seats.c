/* seats.c - the processes of a generation: starting, reading, burying and replacing them. */
#include "observe/log.h"
#include "supervise/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
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

void tn_seat_start(struct tn_supervisor *supervisor, const struct tn_generation *generation,
                   struct tn_seat *seat)
{
	int page = tn_page_create(&seat->page);
	const struct tn_process_options options = {
		.program = supervisor->program,
		.bundle = generation->revision->bundle,
		.page = page,
		.quarantine = -1,
		.log = -1,
		.sockets = seat->sockets,
		.socket_count = seat->socket_count,
		.watched = seat->socket_count,
	};
	bool started;
	int error;

	seat->ready = false;
	seat->started_at = tn_supervisor_now();
	seat->turns = 0;
	seat->kill_at = 0;
	started = page >= 0 && tn_process_start(&seat->process, &options);
	error = errno;
	if (page >= 0)
		close(page);
	if (started)
		return;
	forget_page(seat);
	tn_log_write(TN_LOG_ERROR, NULL, "a host process cannot be started: %s", strerror(error));
	seat->failures++;
	seat->restart_at = tn_supervisor_now() + BACKOFF_MOST_MS;
}

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

static void note_ready(struct tn_supervisor *supervisor, const struct tn_generation *generation,
                       struct tn_seat *seat)
{
	seat->ready = true;
	if (generation == supervisor->current)
		tn_process_release(&seat->process);
	if (generation == supervisor->coming && !supervisor->stopping)
		tn_supervisor_advance(supervisor);
}

/* Returns whether there may be more. */
static bool read_message(struct tn_supervisor *supervisor, const struct tn_generation *generation,
                         struct tn_seat *seat)
{
	int kind = tn_process_read(&seat->process, supervisor->text);

	if (kind < 0) {
		close(seat->process.report);
		seat->process.report = -1;
	} else if (kind == TN_PROCESS_SHARE) {
		share(supervisor, generation, seat);
	} else if (kind == TN_PROCESS_ERRORS && generation == supervisor->coming) {
		tn_supervisor_print(supervisor, supervisor->text);
	} else if (kind == TN_PROCESS_ERRORS) {
		tn_supervisor_write(supervisor->text);
	} else if (kind == TN_PROCESS_READY && !seat->ready) {
		note_ready(supervisor, generation, seat);
	}
	return kind > 0 && seat->process.report >= 0;
}

/* A Worker may have got hold of the socket: it is not to keep the supervisor. */
static void read_seat(struct tn_supervisor *supervisor, const struct tn_generation *generation,
                      struct tn_seat *seat)
{
	for (unsigned i = 0; i < MESSAGES_MOST && seat->process.report >= 0; i++)
		if (!read_message(supervisor, generation, seat))
			return;
}

/* What it tells may have it take over, or be given up. */
void tn_seats_read(struct tn_supervisor *supervisor, struct tn_generation *generation)
{
	for (size_t i = 0; generation && i < generation->count; i++)
		read_seat(supervisor, generation, &generation->seats[i]);
}

/* ---- Burying ------------------------------------------------------------------------------- */

static void describe(int status, char *text, size_t room)
{
	if (WIFSIGNALED(status))
		snprintf(text, room, "SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(text, room, "exit code %d", WEXITSTATUS(status));
}

static void replace_process(const struct tn_supervisor *supervisor, struct tn_seat *seat, pid_t pid,
                            int status)
{
	int64_t now = tn_supervisor_now();
	char how[32];

	seat->failures = now - seat->started_at < STEADY_MS ? seat->failures + 1 : 1;
	seat->restart_at = now + backoff(seat->failures);
	describe(status, how, sizeof(how));
	tn_log_write(
		TN_LOG_ERROR, NULL,
		"host process %d of generation %u ended (%s): another takes its place in %lld ms",
		(int)pid, supervisor->current->number, how, (long long)(seat->restart_at - now));
}

/* What was under way in it was not answered. */
static void note_loss(struct tn_supervisor *supervisor, pid_t pid, int status)
{
	char how[32];

	supervisor->code = EX_TEMPFAIL;
	describe(status, how, sizeof(how));
	tn_log_write(TN_LOG_WARNING, NULL, "host process %d ended before all was answered (%s)",
	             (int)pid, how);
}

static void process_ended(struct tn_supervisor *supervisor, struct tn_generation *generation,
                          struct tn_seat *seat, int status)
{
	pid_t pid = seat->process.pid;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
	char why[96];
	bool served;

	read_seat(supervisor, generation, seat);
	served = seat->ready && generation->served;
	if (served)
		tn_seat_tally(seat, &supervisor->past);
	tn_process_forget(&seat->process);
	forget_page(seat);
	seat->ready = false;
	if (generation == supervisor->coming) {
		snprintf(why, sizeof(why), "a host process ended before it was ready, ");
		describe(status, why + strlen(why), sizeof(why) - strlen(why));
		tn_supervisor_give_up(supervisor, code ? code : EX_SOFTWARE, why);
	} else if (supervisor->stopping) {
		if (code && served)
			note_loss(supervisor, pid, status);
	} else if (generation == supervisor->current) {
		replace_process(supervisor, seat, pid, status);
	}
}

static bool find_and_end(struct tn_supervisor *supervisor, struct tn_generation *generation,
                         pid_t pid, int status)
{
	for (size_t i = 0; generation && i < generation->count; i++) {
		if (generation->seats[i].process.pid != pid)
			continue;
		process_ended(supervisor, generation, &generation->seats[i], status);
		return true;
	}
	return false;
}

void tn_seats_reap(struct tn_supervisor *supervisor)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct tn_generation *leaving = supervisor->leaving;
		bool found = find_and_end(supervisor, supervisor->current, pid, status) ||
		             find_and_end(supervisor, supervisor->coming, pid, status);

		for (; !found && leaving; leaving = leaving->next)
			found = find_and_end(supervisor, leaving, pid, status);
	}
	tn_supervisor_bury(supervisor);
}
