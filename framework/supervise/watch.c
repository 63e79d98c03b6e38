/* watch.c - what is due at some time. Each of these functions returns when it is due next, -1 for
 * never. */
#include "observe/log.h"
#include "supervise/culprit.h"
#include "supervise/state.h"

#include <signal.h>
#include <sysexits.h>
#include <time.h>

#define ABORT_MS (2 * 1000) /* that a process has to tell where it hangs */
#define STUCK_MS 100        /* before a client is tried again that cannot be let in */
#define LOOKS 4             /* at a loop in hang_timeout */

int64_t tn_supervisor_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t tn_supervisor_earlier(int64_t one, int64_t other)
{
	if (one < 0 || other < 0)
		return one < 0 ? other : one;
	return other < one ? other : one;
}

/* ---- Restarts ------------------------------------------------------------------------------ */

static int64_t restart_seats(struct tn_supervisor *supervisor)
{
	struct tn_generation *current = supervisor->stopping ? NULL : supervisor->current;
	int64_t next = -1;

	for (size_t i = 0; current && i < current->count; i++) {
		struct tn_seat *seat = &current->seats[i];

		if (!seat->process.pid && seat->restart_at <= tn_supervisor_now())
			tn_seat_start(supervisor, current, seat);
		if (!seat->process.pid)
			next = tn_supervisor_earlier(next, seat->restart_at);
	}
	return next;
}

/* ---- Who hangs ----------------------------------------------------------------------------- */

/* Its handler tells what it was doing, with the frames, and why it was asked: crash.h. */
static void abort_process(struct tn_seat *seat, int why)
{
	sigqueue(seat->process.pid, SIGABRT, (union sigval){ .sival_int = why });
	seat->kill_at = tn_supervisor_now() + ABORT_MS;
	seat->hang = why;
}

static int64_t ready_deadline(const struct tn_generation *generation, const struct tn_seat *seat)
{
	return seat->started_at + generation->revision->plan->settings.ready_timeout;
}

static bool is_starting(const struct tn_seat *seat)
{
	return seat->process.pid && !seat->ready && !seat->kill_at;
}

static void abort_start(const struct tn_generation *generation, struct tn_seat *seat)
{
	abort_process(seat, -(int)generation->revision->plan->settings.ready_timeout);
}

/* Its own report comes only when it has died. */
static void give_up_coming(struct tn_supervisor *supervisor, struct tn_seat *seat)
{
	const struct tn_generation *coming = supervisor->coming;
	struct tn_culprit culprit = { 0 };
	char blame[TN_BLAME_TEXT];
	char why[TN_BLAME_TEXT + 32];

	if (seat->page)
		tn_culprit_read(&culprit, &seat->page->activity, coming->revision->plan);
	snprintf(why, sizeof(why), "ready_timeout is over%s",
	         tn_supervisor_blame(&culprit, blame));
	abort_start(coming, seat);
	tn_supervisor_give_up(supervisor, EX_UNAVAILABLE, why);
}

/* A generation that takes too long to become ready. */
static int64_t check_coming(struct tn_supervisor *supervisor)
{
	const struct tn_generation *coming = supervisor->coming;
	int64_t next = -1;

	for (size_t i = 0; coming && i < coming->count; i++) {
		int64_t deadline = ready_deadline(coming, &coming->seats[i]);

		if (!is_starting(&coming->seats[i]))
			continue;
		if (deadline <= tn_supervisor_now()) {
			give_up_coming(supervisor, &coming->seats[i]);
			return -1;
		}
		next = tn_supervisor_earlier(next, deadline);
	}
	return next;
}

/* A process that was to take another's place and hangs in its start is replaced in turn. */
static int64_t check_unready(const struct tn_supervisor *supervisor)
{
	const struct tn_generation *current = supervisor->stopping ? NULL : supervisor->current;
	int64_t next = -1;

	for (size_t i = 0; current && i < current->count; i++) {
		struct tn_seat *seat = &current->seats[i];
		int64_t deadline = ready_deadline(current, seat);

		if (!is_starting(seat))
			continue;
		if (deadline > tn_supervisor_now())
			next = tn_supervisor_earlier(next, deadline);
		else
			abort_start(current, seat);
	}
	return next;
}

/* Whether its loop stands still, which it does not while it sleeps, and since when. */
static bool stands_still(struct tn_seat *seat)
{
	uint64_t turns = atomic_load_explicit(&seat->page->activity.turns, memory_order_relaxed);
	bool still = turns == seat->turns && turns % 2 == 1;

	if (!still)
		seat->turned_at = tn_supervisor_now();
	seat->turns = turns;
	return still;
}

static int64_t watch_loop(struct tn_seat *seat, int64_t timeout)
{
	int64_t now = tn_supervisor_now();

	if (!seat->ready || !seat->page || seat->kill_at)
		return -1;
	if (stands_still(seat) && now - seat->turned_at >= timeout) {
		abort_process(seat, (int)(now - seat->turned_at));
		return -1;
	}
	return now + timeout / LOOKS + 1;
}

static int64_t watch_loops(const struct tn_generation *generation)
{
	int64_t timeout = generation ? generation->revision->plan->settings.hang_timeout : 0;
	int64_t next = -1;

	for (size_t i = 0; timeout && generation->served && i < generation->count; i++)
		next = tn_supervisor_earlier(next, watch_loop(&generation->seats[i], timeout));
	return next;
}

static int64_t watch_all_loops(const struct tn_supervisor *supervisor)
{
	int64_t next = watch_loops(supervisor->current);

	for (struct tn_generation *at = supervisor->leaving; at; at = at->next)
		next = tn_supervisor_earlier(next, watch_loops(at));
	return next;
}

/* What was told to abort and did not: a Worker may have taken the signal away. */
static int64_t kill_aborted(const struct tn_generation *generation)
{
	int64_t next = -1;

	for (size_t i = 0; generation && i < generation->count; i++) {
		struct tn_seat *seat = &generation->seats[i];

		if (!seat->process.pid || !seat->kill_at)
			continue;
		if (seat->kill_at <= tn_supervisor_now()) {
			kill(seat->process.pid, SIGKILL);
			seat->kill_at += ABORT_MS;
		}
		next = tn_supervisor_earlier(next, seat->kill_at);
	}
	return next;
}

static int64_t kill_all_aborted(const struct tn_supervisor *supervisor)
{
	int64_t next = tn_supervisor_earlier(kill_aborted(supervisor->current),
	                                     kill_aborted(supervisor->coming));

	for (struct tn_generation *at = supervisor->leaving; at; at = at->next)
		next = tn_supervisor_earlier(next, kill_aborted(at));
	return next;
}

/* ---- Ends ---------------------------------------------------------------------------------- */

static int64_t kill_overdue(struct tn_supervisor *supervisor, struct tn_generation *generation)
{
	if (!generation || !generation->end_at || !tn_generation_living(generation))
		return -1;
	if (generation->end_at > tn_supervisor_now())
		return generation->end_at;
	tn_log_write(TN_LOG_ERROR, NULL,
	             "%zu process(es) of generation %u did not end within drain_timeout: SIGKILL",
	             tn_generation_living(generation), generation->number);
	tn_generation_signal(generation, SIGKILL);
	generation->end_at = 0;
	if (supervisor->stopping && generation->served)
		supervisor->code = EX_TEMPFAIL;
	return -1;
}

static int64_t kill_all_overdue(struct tn_supervisor *supervisor)
{
	int64_t next = kill_overdue(supervisor, supervisor->current);

	for (struct tn_generation *at = supervisor->leaving; at; at = at->next)
		next = tn_supervisor_earlier(next, kill_overdue(supervisor, at));
	return next;
}

static int64_t end_probation(struct tn_supervisor *supervisor)
{
	if (!supervisor->good)
		return -1;
	if (tn_supervisor_now() < supervisor->probation_end)
		return supervisor->probation_end;
	tn_revision_release(supervisor->good);
	supervisor->good = NULL;
	tn_blocks_drop(&supervisor->blocks, supervisor->current->number);
	return -1;
}

int64_t tn_supervisor_watch(struct tn_supervisor *supervisor)
{
	int64_t next = restart_seats(supervisor);

	next = tn_supervisor_earlier(next, check_coming(supervisor));
	next = tn_supervisor_earlier(next, check_unready(supervisor));
	next = tn_supervisor_earlier(next, watch_all_loops(supervisor));
	next = tn_supervisor_earlier(next, kill_all_aborted(supervisor));
	next = tn_supervisor_earlier(next, kill_all_overdue(supervisor));
	next = tn_supervisor_earlier(next, end_probation(supervisor));
	next = tn_supervisor_earlier(next, tn_supervisor_hand_over(supervisor));
	if (tn_control_is_stuck(supervisor->control))
		next = tn_supervisor_earlier(next, tn_supervisor_now() + STUCK_MS);
	return tn_supervisor_earlier(next, tn_notify_turn(supervisor->notify, tn_supervisor_now()));
}
