/* succession.c - how one generation follows another, and how the last one goes. */
#include "observe/log.h"
#include "supervise/announce.h"
#include "supervise/state.h"

#include <signal.h>
#include <string.h>
#include <sysexits.h>

#define OVERDUE_MS (5 * 1000) /* beyond drain_timeout, before a process is killed */

/* ---- Going --------------------------------------------------------------------------------- */

/* The loop of a process keeps the deadline by itself, unless a Worker holds it. */
static void set_end(struct tn_generation *generation)
{
	generation->end_at = tn_supervisor_now() +
	                     generation->revision->plan->settings.drain_timeout + OVERDUE_MS;
}

static void let_go(struct tn_supervisor *supervisor, struct tn_generation *generation, int signal)
{
	if (!tn_generation_living(generation)) {
		tn_generation_destroy(generation);
		return;
	}
	tn_generation_dismiss(generation); /* what was about to come into it */
	tn_generation_signal(generation, signal);
	set_end(generation);
	generation->next = supervisor->leaving;
	supervisor->leaving = generation;
}

static void stop_serving(struct tn_supervisor *supervisor)
{
	supervisor->dismissed = NULL;
	tn_generation_signal(supervisor->current, SIGTERM);
	if (supervisor->current)
		set_end(supervisor->current);
	for (struct tn_generation *at = supervisor->leaving; at; at = at->next) {
		tn_generation_signal(at, SIGTERM);
		set_end(at);
	}
}

void tn_supervisor_bury(struct tn_supervisor *supervisor)
{
	struct tn_generation **link = &supervisor->leaving;

	while (*link) {
		struct tn_generation *generation = *link;
		unsigned number = generation->number;

		if (tn_generation_living(generation)) {
			link = &generation->next;
			continue;
		}
		*link = generation->next;
		if (generation == supervisor->dismissed)
			stop_serving(supervisor);
		tn_generation_destroy(generation);
		tn_log_write(TN_LOG_INFO, NULL, "generation %u has gone", number);
	}
}

/* ---- Stopping ------------------------------------------------------------------------------ */

/* One that is being started has the sockets, too, and never takes anybody: it goes before. */
static void dismiss_coming(struct tn_supervisor *supervisor)
{
	supervisor->dismissed = supervisor->coming;
	supervisor->coming = NULL;
	tn_generation_dismiss(supervisor->dismissed);
	let_go(supervisor, supervisor->dismissed, 0);
}

static void begin_to_stop(struct tn_supervisor *supervisor, const char *why)
{
	tn_log_write(TN_LOG_INFO, NULL, "%s: stopping", why);
	supervisor->stopping = true;
	supervisor->reload_wanted = false;
	tn_slots_close(&supervisor->slots);
	tn_supervisor_turn_away(supervisor);
	if (supervisor->current)
		tn_generation_dismiss(supervisor->current);
	if (supervisor->coming && tn_generation_living(supervisor->coming))
		dismiss_coming(supervisor);
	else
		stop_serving(supervisor);
}

void tn_supervisor_stop(struct tn_supervisor *supervisor, const char *why)
{
	if (!supervisor->stopping) {
		begin_to_stop(supervisor, why);
		return;
	}
	tn_log_write(TN_LOG_INFO, NULL, "%s: ending at once", why);
	if (supervisor->dismissed) {
		tn_generation_signal(supervisor->dismissed, SIGKILL);
		stop_serving(supervisor); /* which they have not heard yet */
	}
	stop_serving(supervisor);
}

/* ---- Coming -------------------------------------------------------------------------------- */

struct tn_revision *tn_supervisor_read(struct tn_supervisor *supervisor, int *code)
{
	struct tn_errors errors = { 0 };
	const struct tn_revision_options options = {
		.path = supervisor->options->path,
		.environment = supervisor->options->environment,
		.again = supervisor->current != NULL,
		.vault = &supervisor->vault,
		.errors = &errors,
	};
	char reason[TN_REASON_SIZE];
	struct tn_revision *revision = tn_revision_read(&options, code, reason);

	tn_supervisor_print_errors(supervisor, &errors);
	tn_errors_finish(&errors);
	if (!revision && *reason) {
		supervisor->options->complain("%s: %s", options.path, reason);
		tn_supervisor_answer(supervisor, TN_CONTROL_RELOADING, "%s", reason);
	}
	return revision;
}

bool tn_supervisor_start(struct tn_supervisor *supervisor, struct tn_revision *revision)
{
	struct tn_generation *generation =
		revision ? tn_generation_create(revision, supervisor->generations + 1) : NULL;
	const struct tn_slots *slots = &supervisor->slots;

	tn_revision_release(revision);
	if (!generation)
		return false;
	supervisor->generations++;
	supervisor->coming = generation;
	if (!tn_generation_deal(generation, slots->sockets, slots->count, slots->addresses))
		return false;
	tn_seat_start(supervisor, generation, &generation->seats[0]);
	return generation->seats[0].process.pid != 0;
}

void tn_supervisor_give_up(struct tn_supervisor *supervisor, int code, const char *why)
{
	struct tn_generation *generation = supervisor->coming;

	supervisor->coming = NULL;
	if (supervisor->current) {
		tn_supervisor_fail_reload(supervisor, code,
		                          "generation %u cannot serve (%s): generation %u goes on",
		                          generation ? generation->number
		                                     : supervisor->generations + 1,
		                          why, supervisor->current->number);
	} else {
		if (code != EX_CONFIG) /* then it has told its errors */
			tn_log_write(TN_LOG_ERROR, NULL, "it cannot serve: %s", why);
		supervisor->stopping = true;
		supervisor->code = code;
	}
	if (!generation)
		return;
	tn_generation_dismiss(generation);
	let_go(supervisor, generation, 0);
}

void tn_supervisor_roll_back(struct tn_supervisor *supervisor, const char *why)
{
	struct tn_revision *good = supervisor->good;

	if (!good || supervisor->stopping || supervisor->coming ||
	    tn_supervisor_now() >= supervisor->probation_end)
		return;
	supervisor->good = NULL;
	tn_log_write(TN_LOG_ERROR, NULL,
	             "generation %u crashes in its probation (%s): going back to what served "
	             "before it",
	             supervisor->current->number, why);
	if (!tn_supervisor_start(supervisor, good)) {
		tn_supervisor_give_up(supervisor, EX_OSERR, "no process can be started");
		return;
	}
	supervisor->coming->restored = true;
}

/* ---- What a reload cannot change ------------------------------------------------------------ */

static bool same_addresses(const struct tn_settings *one, const struct tn_settings *other)
{
	if (one->listen_count != other->listen_count)
		return false;
	for (size_t i = 0; i < one->listen_count; i++)
		if (strcmp(one->listen[i].host, other->listen[i].host) != 0 ||
		    strcmp(one->listen[i].port, other->listen[i].port) != 0)
			return false;
	return true;
}

static bool same_control(const struct tn_settings *one, const struct tn_settings *other)
{
	if (!one->control || !other->control)
		return one->control == other->control;
	return strcmp(one->control, other->control) == 0;
}

/* The key of [host] that has changed and takes a restart; NULL: a reload will do. */
static const char *find_fixed(const struct tn_settings *one, const struct tn_settings *other)
{
	if (!same_addresses(one, other))
		return "listen";
	return same_control(one, other) ? NULL : "control";
}

void tn_supervisor_reload(struct tn_supervisor *supervisor)
{
	struct tn_revision *revision;
	const char *fixed;
	int code;

	supervisor->reload_wanted = false;
	tn_control_turn_into(supervisor->control, TN_CONTROL_RELOAD, TN_CONTROL_RELOADING);
	tn_log_write(TN_LOG_INFO, NULL, "reading %s anew", supervisor->options->path);
	revision = tn_supervisor_read(supervisor, &code);
	if (!revision) {
		tn_supervisor_fail_reload(supervisor, code,
		                          "it is not valid: generation %u goes on",
		                          supervisor->current->number);
		return;
	}
	fixed = find_fixed(&revision->plan->settings,
	                   &supervisor->current->revision->plan->settings);
	if (fixed) {
		tn_supervisor_fail_reload(
			supervisor, EX_CONFIG,
			"`%s` has changed, which takes a restart: generation %u goes on", fixed,
			supervisor->current->number);
		tn_revision_release(revision);
		return;
	}
	if (!tn_supervisor_start(supervisor, revision))
		tn_supervisor_give_up(supervisor, EX_OSERR, "no process can be started");
}

/* ---- Taking over --------------------------------------------------------------------------- */

static void announce(struct tn_supervisor *supervisor)
{
	const struct tn_generation *current = supervisor->current;

	tn_announce_fallback(current->revision->plan);
	tn_log_time(supervisor->serving_since);
	tn_log_write(TN_LOG_INFO, NULL, "generation %u serves with %zu process%s", current->number,
	             current->count, current->count == 1 ? "" : "es");
}

/* The kernel lets nobody in before all that it takes is there. */
static void open_doors(struct tn_supervisor *supervisor)
{
	int code = tn_slots_listen(&supervisor->slots, supervisor->current->revision->plan);

	if (!code) {
		tn_generation_release(supervisor->current);
		return;
	}
	supervisor->stopping = true;
	supervisor->code = code;
	tn_generation_dismiss(supervisor->current);
}

/* One that has not yet proven itself is not what to go back to: then it is still the one before. */
static void begin_probation(struct tn_supervisor *supervisor, struct tn_generation *before)
{
	int64_t now = tn_supervisor_now();
	int64_t probation = supervisor->current->revision->plan->settings.probation;

	if (supervisor->good && now < supervisor->probation_end && !supervisor->current->restored) {
		supervisor->probation_end = now + probation;
		return;
	}
	tn_revision_release(supervisor->good);
	supervisor->good = NULL;
	if (supervisor->current->restored)
		return;
	supervisor->good = probation ? tn_revision_hold(before->revision) : NULL;
	supervisor->probation_end = now + probation;
}

/* All processes of the coming generation are ready. */
static void take_over(struct tn_supervisor *supervisor)
{
	struct tn_generation *before = supervisor->current;

	supervisor->current = supervisor->coming;
	supervisor->current->served = true;
	supervisor->coming = NULL;
	announce(supervisor);
	if (!before) {
		open_doors(supervisor);
		return;
	}
	tn_generation_release(supervisor->current);
	begin_probation(supervisor, before);
	if (!supervisor->good)
		tn_blocks_drop(&supervisor->blocks, supervisor->current->number);
	let_go(supervisor, before, SIGHUP);
	tn_supervisor_answer(supervisor, TN_CONTROL_RELOADING, "generation %u serves",
	                     supervisor->current->number);
	tn_control_end_all(supervisor->control, TN_CONTROL_RELOADING, 0);
}

void tn_supervisor_advance(struct tn_supervisor *supervisor)
{
	struct tn_generation *coming = supervisor->coming;

	if (tn_generation_ready(coming) == coming->count) {
		take_over(supervisor);
		return;
	}
	for (size_t i = 1; i < coming->count; i++) {
		if (coming->seats[i].process.pid)
			continue;
		tn_seat_start(supervisor, coming, &coming->seats[i]);
		if (!coming->seats[i].process.pid) {
			tn_supervisor_give_up(supervisor, EX_OSERR, "no process can be started");
			return;
		}
	}
}
