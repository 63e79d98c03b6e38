/* watch.c - what is due at some time. Each of these functions returns when it is due next, -1 for
 * never. */
#include "observe/log.h"
#include "supervise/state.h"

#include <signal.h>
#include <sysexits.h>
#include <time.h>

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

static int64_t restart_seats(struct tn_supervisor *supervisor)
{
	const struct tn_generation *current = supervisor->stopping ? NULL : supervisor->current;
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

static int64_t ready_deadline(const struct tn_generation *generation, const struct tn_seat *seat)
{
	return seat->started_at + generation->revision->plan->settings.ready_timeout;
}

/* A generation that takes too long to become ready. */
static int64_t check_coming(struct tn_supervisor *supervisor)
{
	const struct tn_generation *coming = supervisor->coming;
	int64_t next = -1;

	for (size_t i = 0; coming && i < coming->count; i++) {
		const struct tn_seat *seat = &coming->seats[i];
		int64_t deadline = ready_deadline(coming, seat);

		if (!seat->process.pid || seat->ready)
			continue;
		if (deadline <= tn_supervisor_now()) {
			tn_generation_signal(coming, SIGKILL);
			tn_supervisor_give_up(supervisor, EX_UNAVAILABLE, "ready_timeout is over");
			return -1;
		}
		next = tn_supervisor_earlier(next, deadline);
	}
	return next;
}

/* A process that was to take another's place and hangs in its start is replaced in turn. */
static int64_t kill_unready(const struct tn_supervisor *supervisor)
{
	const struct tn_generation *current = supervisor->stopping ? NULL : supervisor->current;
	int64_t next = -1;

	for (size_t i = 0; current && i < current->count; i++) {
		struct tn_seat *seat = &current->seats[i];
		int64_t deadline = ready_deadline(current, seat);

		if (!seat->process.pid || seat->ready)
			continue;
		if (deadline > tn_supervisor_now()) {
			next = tn_supervisor_earlier(next, deadline);
			continue;
		}
		tn_log_write(TN_LOG_ERROR, NULL,
		             "host process %d was not ready within ready_timeout: SIGKILL",
		             (int)seat->process.pid);
		kill(seat->process.pid, SIGKILL);
		seat->started_at = tn_supervisor_now();
	}
	return next;
}

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
	return -1;
}

int64_t tn_supervisor_watch(struct tn_supervisor *supervisor)
{
	int64_t next = restart_seats(supervisor);

	next = tn_supervisor_earlier(next, check_coming(supervisor));
	next = tn_supervisor_earlier(next, kill_unready(supervisor));
	next = tn_supervisor_earlier(next, kill_all_overdue(supervisor));
	return tn_supervisor_earlier(next, end_probation(supervisor));
}
