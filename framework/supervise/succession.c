/* succession.c - how one generation follows another, and how the last one goes. */
#include "observe/log.h"
#include "supervise/access_file.h"
#include "supervise/announce.h"
#include "supervise/state.h"

#include <signal.h>
#include <string.h>
#include <sysexits.h>

#define OVERDUE_MS (5 * 1000)  /* beyond drain_timeout, before a process is killed */
#define HANDOVER_MS (5 * 1000) /* a Worker may hold the loop that is to let nobody in any more */
#define LEAVING_MOST 4         /* generations that wait for their clients' next request */

/* ---- Handing over -------------------------------------------------------------------------- */

static void announce(const struct tn_supervisor *supervisor)
{
	const struct tn_generation *current = supervisor->current;

	tn_announce_fallback(current->revision->plan);
	tn_log_write(TN_LOG_INFO, NULL, "generation %u serves with %zu process%s", current->number,
	             current->count, current->count == 1 ? "" : "es");
}

static void notify_ready(const struct tn_supervisor *supervisor)
{
	const struct tn_generation *current = supervisor->current;

	tn_notify_ready(supervisor->notify, "generation %u serves with %zu process%s",
	                current->number, current->count, current->count == 1 ? "" : "es");
}

/* At once, where something else is about to happen. */
static void end_handover(struct tn_supervisor *supervisor)
{
	if (!supervisor->handover_end)
		return;
	supervisor->handover_end = 0;
	announce(supervisor);
	notify_ready(supervisor);
	tn_supervisor_answer(supervisor, TN_CONTROL_RELOADING, "generation %u serves",
	                     supervisor->current->number);
	tn_control_end_all(supervisor->control, TN_CONTROL_RELOADING, 0);
}

int64_t tn_supervisor_hand_over(struct tn_supervisor *supervisor)
{
	size_t closing = 0;

	if (!supervisor->handover_end)
		return -1;
	for (struct tn_generation *at = supervisor->leaving; at; at = at->next)
		closing += tn_generation_closing(at);
	if (closing && tn_supervisor_now() < supervisor->handover_end)
		return supervisor->handover_end;
	if (closing)
		tn_log_write(TN_LOG_WARNING, NULL,
		             "%zu process(es) from before generation %u may let clients in yet: "
		             "their loops stand still",
		             closing, supervisor->current->number);
	end_handover(supervisor);
	return -1;
}

/* ---- Going --------------------------------------------------------------------------------- */

/* The loop of a process keeps the deadline by itself, unless a Worker holds it. */
static void set_end(struct tn_generation *generation)
{
	generation->end_at = tn_supervisor_now() +
	                     generation->revision->plan->settings.drain_timeout + OVERDUE_MS;
}

/* Those that wait for idle clients alone would pile up where one reload follows another. */
static void hurry_oldest(struct tn_supervisor *supervisor)
{
	size_t number = 0;

	for (struct tn_generation *at = supervisor->leaving; at; at = at->next, number++) {
		if (number < LEAVING_MOST || at->hurried)
			continue;
		at->hurried = true;
		tn_generation_signal(at, SIGTERM);
	}
}

/* What it held is given back before it is said. One that was never to be is not told of. */
static void end(const struct tn_supervisor *supervisor, struct tn_generation *generation)
{
	unsigned number = generation->number;

	tn_generation_destroy(generation);
	if (supervisor->current)
		tn_log_write(TN_LOG_INFO, NULL, "generation %u has gone", number);
}

static void let_go(struct tn_supervisor *supervisor, struct tn_generation *generation)
{
	if (!tn_generation_living(generation)) {
		end(supervisor, generation);
		return;
	}
	tn_generation_dismiss(generation); /* what was about to come into it */
	if (generation->served)
		tn_generation_retire(generation);
	set_end(generation);
	generation->next = supervisor->leaving;
	supervisor->leaving = generation;
	hurry_oldest(supervisor);
}

static void stop_serving(struct tn_supervisor *supervisor)
{
	supervisor->dismissed = NULL;
	tn_generation_signal(supervisor->current, SIGTERM);
	if (supervisor->current)
		set_end(supervisor->current);
	for (struct tn_generation *at = supervisor->leaving; at; at = at->next) {
		if (!at->hurried) /* or this would be its second one, which cuts off */
			tn_generation_signal(at, SIGTERM);
		at->hurried = false;
		set_end(at);
	}
}

void tn_supervisor_bury(struct tn_supervisor *supervisor)
{
	struct tn_generation **link = &supervisor->leaving;

	tn_supervisor_hand_over(supervisor); /* it may have been waiting for one of these */
	while (*link) {
		struct tn_generation *generation = *link;

		if (tn_generation_living(generation)) {
			link = &generation->next;
			continue;
		}
		*link = generation->next;
		if (generation == supervisor->dismissed)
			stop_serving(supervisor);
		end(supervisor, generation);
	}
}

/* ---- Stopping ------------------------------------------------------------------------------ */

/* One that is being started has the sockets, too, and never takes anybody: it goes before. */
static void dismiss_coming(struct tn_supervisor *supervisor)
{
	supervisor->dismissed = supervisor->coming;
	supervisor->coming = NULL;
	tn_generation_dismiss(supervisor->dismissed);
	let_go(supervisor, supervisor->dismissed);
}

static void begin_to_stop(struct tn_supervisor *supervisor, const char *why)
{
	end_handover(supervisor);
	tn_log_write(TN_LOG_INFO, NULL, "%s: stopping", why);
	tn_notify_stopping(supervisor->notify, "%s: stopping", why);
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

struct tn_revision *tn_supervisor_read(struct tn_supervisor *supervisor, const char *workers,
                                       int *code)
{
	struct tn_errors errors = { 0 };
	const struct tn_revision_options options = {
		.path = supervisor->options->path,
		.environment = supervisor->options->environment,
		.running = supervisor->current ? supervisor->current->revision : NULL,
		.workers = workers,
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

/* What comes back is not to blame for the crashes of the one that is on probation, `before`. */
static bool is_lifted(const struct tn_supervisor *supervisor,
                      const struct tn_generation *generation, const struct tn_generation *before,
                      const char *name)
{
	return tn_names_have(generation->lifts, name) ||
	       (generation->restored &&
	        tn_quarantine_is_since(&supervisor->book, name, before->served_at));
}

/* Who is to come out of quarantine is tried in the new processes, not in the old ones. */
static void set_marks(const struct tn_supervisor *supervisor, struct tn_generation *generation,
                      const char *lifts)
{
	const struct tn_plan *plan = generation->revision->plan;

	generation->lifts_all = !lifts;
	if (!lifts)
		return;
	snprintf(generation->lifts, sizeof(generation->lifts), "%s", lifts);
	tn_quarantine_write(&supervisor->book, plan, &generation->marks);
	for (size_t i = 0; i < plan->count; i++)
		if (is_lifted(supervisor, generation, supervisor->current, plan->workers[i].name))
			tn_marks_set(&generation->marks, (uint32_t)i + 1, TN_QUARANTINE_NONE);
}

static int open_log(const struct tn_supervisor *supervisor, struct tn_generation *generation)
{
	struct tn_errors errors = { 0 };
	int log;
	int code = tn_access_file_open(generation->revision->plan, &errors, &log);

	tn_supervisor_print_errors(supervisor, &errors);
	tn_errors_finish(&errors);
	if (!code)
		tn_generation_log(generation, log);
	return code;
}

static int start(struct tn_supervisor *supervisor, struct tn_revision *revision, const char *lifts,
                 bool restored)
{
	struct tn_generation *generation =
		tn_generation_create(revision, supervisor->generations + 1);
	const struct tn_slots *slots = &supervisor->slots;
	int code;

	tn_revision_release(revision);
	if (!generation)
		return EX_OSERR;
	supervisor->generations++;
	supervisor->coming = generation;
	generation->restored = restored;
	set_marks(supervisor, generation, lifts);
	code = open_log(supervisor, generation);
	if (code)
		return code;
	if (!tn_generation_deal(generation, slots->sockets, slots->count, slots->addresses))
		return EX_OSERR;
	tn_seat_start(supervisor, generation, &generation->seats[0]);
	return generation->seats[0].process.pid ? 0 : EX_OSERR;
}

int tn_supervisor_start(struct tn_supervisor *supervisor, struct tn_revision *revision,
                        const char *lifts)
{
	return start(supervisor, revision, lifts, false);
}

static const char *why_not(int code)
{
	return code == EX_OSERR ? "no process can be started" : "its access log cannot be opened";
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
	let_go(supervisor, generation);
}

void tn_supervisor_roll_back(struct tn_supervisor *supervisor, const char *why)
{
	struct tn_revision *good = supervisor->good;
	int code;

	if (!good || supervisor->stopping || supervisor->coming ||
	    tn_supervisor_now() >= supervisor->probation_end)
		return;
	end_handover(supervisor);
	supervisor->good = NULL;
	tn_log_write(TN_LOG_ERROR, NULL,
	             "generation %u crashes in its probation (%s): going back to what served "
	             "before it",
	             supervisor->current->number, why);
	code = start(supervisor, good, "", true);
	if (code)
		tn_supervisor_give_up(supervisor, code, why_not(code));
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
static const char *find_fixed(const struct tn_supervisor *supervisor,
                              const struct tn_settings *other)
{
	const struct tn_settings *one = &supervisor->current->revision->plan->settings;

	if (!supervisor->slots.given && !same_addresses(one, other))
		return "listen";
	return same_control(one, other) ? NULL : "control";
}

/* ---- Reload and release --------------------------------------------------------------------- */

/* Tells why, where there is something that a reload cannot change. */
static bool can_follow(const struct tn_supervisor *supervisor, const struct tn_revision *revision)
{
	const char *fixed = find_fixed(supervisor, &revision->plan->settings);
	const struct tn_entry *entry;
	char place[TN_LOG_LINE] = "";

	if (!fixed)
		return true;
	entry = tn_keys_find(&revision->plan->host, fixed);
	if (entry)
		snprintf(place, sizeof(place), " (%s:%u)", entry->place.file, entry->place.line);
	tn_supervisor_fail_reload(supervisor, EX_CONFIG,
	                          "`%s` has changed%.512s, which takes a restart: generation %u "
	                          "goes on",
	                          fixed, place, supervisor->current->number);
	return false;
}

static void follow(struct tn_supervisor *supervisor, struct tn_revision *revision,
                   const char *lifts)
{
	int code = tn_supervisor_start(supervisor, revision, lifts);

	if (code)
		tn_supervisor_give_up(supervisor, code, why_not(code));
}

/* The names (NULL: all of it) are those of a client, who may be gone meanwhile. */
static void reload(struct tn_supervisor *supervisor, const char *workers)
{
	struct tn_revision *revision;
	char names[TN_NAMES_SIZE];
	int code;

	if (workers)
		workers = memcpy(names, workers, strlen(workers) + 1);
	tn_control_begin_reload(supervisor->control, workers);
	tn_log_write(TN_LOG_INFO, NULL, "reading %s anew%s%s", supervisor->options->path,
	             workers ? ", for only " : "", workers ? workers : "");
	tn_notify_reloading(supervisor->notify, "reading %s anew", supervisor->options->path);
	revision = tn_supervisor_read(supervisor, workers, &code);
	if (!revision)
		tn_supervisor_fail_reload(supervisor, code,
		                          "it is not valid: generation %u goes on",
		                          supervisor->current->number);
	else if (can_follow(supervisor, revision))
		follow(supervisor, revision, workers);
	else
		tn_revision_release(revision);
}

static void release_marks(struct tn_supervisor *supervisor, const char *worker)
{
	struct tn_generation *current = supervisor->current;

	tn_quarantine_release(&supervisor->book, worker);
	tn_quarantine_write(&supervisor->book, current->revision->plan, &current->marks);
	tn_log_write(TN_LOG_INFO, NULL, "worker '%s' is released from quarantine", worker);
}

static void refuse_release(const struct tn_supervisor *supervisor,
                           struct tn_control_client *client, const char *worker)
{
	if (tn_plan_find(supervisor->current->revision->plan, worker))
		tn_supervisor_tell(supervisor, client, "worker '%s' is not in quarantine", worker);
	else
		tn_supervisor_tell(supervisor, client, "no worker '%s': none runs", worker);
	tn_control_end(client, EX_USAGE);
}

/* One that was left out of a process since its start can come back only in another. */
static void release(struct tn_supervisor *supervisor, struct tn_control_client *client)
{
	const char *worker = tn_control_workers(client);
	char names[TN_NAMES_SIZE];

	memcpy(names, worker, strlen(worker) + 1);
	switch (tn_quarantine_level(&supervisor->book, names)) {
	case TN_QUARANTINE_NONE:
		refuse_release(supervisor, client, names);
		break;
	case TN_QUARANTINE_REQUESTS:
		release_marks(supervisor, names);
		tn_supervisor_tell(supervisor, client, "worker '%s' is called again", names);
		tn_control_end(client, 0);
		break;
	default:
		tn_control_begin_release(client);
		tn_log_write(TN_LOG_INFO, NULL, "worker '%s' is to be released from quarantine",
		             names);
		follow(supervisor, tn_revision_hold(supervisor->current->revision), names);
	}
}

bool tn_supervisor_begin_next(struct tn_supervisor *supervisor)
{
	struct tn_control_client *client =
		tn_control_first(supervisor->control, TN_CONTROL_RELEASE);
	bool whole;

	if (client) {
		release(supervisor, client);
		return true;
	}
	client = tn_control_first(supervisor->control, TN_CONTROL_RELOAD);
	if (!supervisor->reload_wanted && !client)
		return false;
	whole = supervisor->reload_wanted;
	supervisor->reload_wanted = false;
	reload(supervisor, whole ? NULL : tn_control_workers(client));
	return true;
}

void tn_supervisor_reopen(struct tn_supervisor *supervisor)
{
	if (supervisor->current)
		open_log(supervisor, supervisor->current);
	if (supervisor->coming)
		open_log(supervisor, supervisor->coming);
	for (struct tn_generation *at = supervisor->leaving; at; at = at->next)
		open_log(supervisor, at);
}

/* ---- Taking over --------------------------------------------------------------------------- */

/* The kernel lets nobody in before all that it takes is there. */
static void open_doors(struct tn_supervisor *supervisor)
{
	int code = tn_slots_listen(&supervisor->slots, supervisor->current->revision->plan);

	if (!code) {
		tn_privileges_announce(&supervisor->current->revision->privileges);
		tn_generation_release(supervisor->current);
		notify_ready(supervisor);
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

	/* A release: what serves is what served. */
	if (supervisor->current->revision == before->revision) {
		supervisor->current->restored = before->restored;
		return;
	}
	if (supervisor->good && now < supervisor->probation_end && !supervisor->current->restored) {
		supervisor->probation_end = now + probation;
		return;
	}
	tn_revision_release(supervisor->good);
	supervisor->good = NULL;
	if (supervisor->current->restored)
		return;
	supervisor->good = probation ? tn_revision_hold(before->revision) : NULL;
	supervisor->good_from = before->served_at;
	supervisor->good_until = now;
	supervisor->probation_end = now + probation;
	tn_quarantine_turn(&supervisor->book);
}

/* They are in the new generation, and serve. Others may have come to be in quarantine meanwhile. */
static void lift(struct tn_supervisor *supervisor, const struct tn_generation *before)
{
	struct tn_generation *current = supervisor->current;
	const struct tn_plan *plan = current->revision->plan;
	const char *names = current->lifts;
	char name[TN_NAMES_SIZE];

	if (current->lifts_all)
		tn_quarantine_lift_all(&supervisor->book, plan);
	while (tn_names_next(&names, name)) /* some may be gone */
		tn_quarantine_release(&supervisor->book, name);
	for (size_t i = 0; i < plan->count; i++)
		if (is_lifted(supervisor, current, before, plan->workers[i].name))
			tn_quarantine_release(&supervisor->book, plan->workers[i].name);
	tn_quarantine_write(&supervisor->book, plan, &current->marks);
}

/* All processes of the coming generation are ready. */
static void take_over(struct tn_supervisor *supervisor)
{
	struct tn_generation *before = supervisor->current;

	supervisor->current = supervisor->coming;
	supervisor->current->served = true;
	supervisor->current->served_at = tn_supervisor_now();
	supervisor->coming = NULL;
	tn_log_time(supervisor->serving_since);
	if (!before) {
		announce(supervisor);
		open_doors(supervisor);
		return;
	}
	tn_generation_release(supervisor->current);
	lift(supervisor, before);
	begin_probation(supervisor, before);
	if (!supervisor->good)
		tn_blocks_drop(&supervisor->blocks, supervisor->current->number);
	let_go(supervisor, before);
	supervisor->handover_end = supervisor->current->served_at + HANDOVER_MS;
	tn_supervisor_hand_over(supervisor);
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
