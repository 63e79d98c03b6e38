#include "supervise/supervisor.h"

#include "observe/log.h"
#include "supervise/backtrace.h"
#include "supervise/state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- Signals ------------------------------------------------------------------------------- */

static void take_signals(struct tn_supervisor *supervisor)
{
	struct signalfd_siginfo info;
	char why[32];

	while (read(supervisor->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			supervisor->reload_wanted = !supervisor->stopping;
		else if (info.ssi_signo == SIGUSR1)
			tn_supervisor_reopen(supervisor);
		else if (info.ssi_signo != SIGCHLD) {
			snprintf(why, sizeof(why), "SIG%s", sigabbrev_np((int)info.ssi_signo));
			tn_supervisor_stop(supervisor, why);
		}
	}
}

/* ---- What is asked on the control socket --------------------------------------------------- */

/* A second `tenon stop` waits as the first one does: only a signal cuts off what is in flight. */
static void take_ask(void *argument, struct tn_control_client *client, enum tn_control_ask ask)
{
	struct tn_supervisor *supervisor = argument;

	if (ask == TN_CONTROL_STATUS)
		tn_supervisor_tell_status(supervisor, client);
	else if (ask == TN_CONTROL_STOP && !supervisor->stopping)
		tn_supervisor_stop(supervisor, "tenon stop");
	else if (supervisor->stopping)
		tn_supervisor_turn_away(supervisor);
}

/* ---- The loop ------------------------------------------------------------------------------ */

static size_t add_reports(const struct tn_generation *generation, struct pollfd *list, size_t count)
{
	for (size_t i = 0; generation && i < generation->count; i++) {
		const struct tn_seat *seat = &generation->seats[i];

		if (tn_seat_has_news(seat))
			list[count++] = (struct pollfd){ .fd = seat->process.report,
				                         .events = POLLIN };
	}
	return count;
}

static size_t add_all_reports(const struct tn_supervisor *supervisor, struct pollfd *list,
                              size_t count)
{
	count = add_reports(supervisor->current, list, count);
	count = add_reports(supervisor->coming, list, count);
	for (struct tn_generation *at = supervisor->leaving; supervisor->handover_end && at;
	     at = at->next)
		count = add_reports(at, list, count);
	return count;
}

static size_t count_seats(const struct tn_supervisor *supervisor)
{
	size_t seats = (supervisor->current ? supervisor->current->count : 0) +
	               (supervisor->coming ? supervisor->coming->count : 0);

	for (struct tn_generation *at = supervisor->leaving; at; at = at->next)
		seats += at->count;
	return seats;
}

static void wait_for_something(const struct tn_supervisor *supervisor, int64_t until)
{
	struct pollfd *list =
		calloc(count_seats(supervisor) + 1 + TN_CONTROL_POLL, sizeof(list[0]));
	int64_t left = until - tn_supervisor_now();
	size_t count = 0;

	if (!list)
		return;
	list[count++] = (struct pollfd){ .fd = supervisor->signals, .events = POLLIN };
	count = add_all_reports(supervisor, list, count);
	count += tn_control_poll(supervisor->control, list + count);
	if (left < 0)
		left = 0;
	poll(list, count, until < 0 ? -1 : (int)left);
	free(list);
}

static bool is_done(const struct tn_supervisor *supervisor)
{
	for (size_t i = 0; i < TN_TRACERS; i++)
		if (supervisor->tracers[i].pid)
			return false;
	return supervisor->stopping && !supervisor->leaving &&
	       !tn_generation_living(supervisor->current) &&
	       !tn_generation_living(supervisor->coming);
}

/* Returns whether something was begun: then there may be news at once. */
static bool begin_next(struct tn_supervisor *supervisor)
{
	if (!supervisor->current || supervisor->coming || supervisor->stopping ||
	    supervisor->handover_end)
		return false;
	return tn_supervisor_begin_next(supervisor);
}

static void supervise(struct tn_supervisor *supervisor)
{
	while (!is_done(supervisor)) {
		int64_t until = tn_supervisor_watch(supervisor);

		if (!begin_next(supervisor))
			wait_for_something(supervisor, until);
		take_signals(supervisor);
		tn_control_turn(supervisor->control, take_ask, supervisor);
		tn_seats_read(supervisor, supervisor->coming);
		tn_seats_read(supervisor, supervisor->current);
		for (struct tn_generation *at = supervisor->leaving; supervisor->handover_end && at;
		     at = at->next)
			tn_seats_read(supervisor, at);
		tn_supervisor_reap(supervisor);
	}
}

/* ---- Setting up ---------------------------------------------------------------------------- */

static bool open_signals(struct tn_supervisor *supervisor)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return supervisor->signals >= 0;
}

/* Where it cannot be made, the host serves without it. */
static int open_control(struct tn_supervisor *supervisor, const struct tn_plan *plan)
{
	const struct tn_supervisor_options *options = supervisor->options;
	char *path = tn_control_path(plan, options->path, options->environment);
	char reason[TN_REASON_SIZE] = "out of memory";
	int code = path ? tn_control_open(path, &supervisor->control, reason) : EX_OSERR;

	free(path);
	if (code == EX_CANTCREAT) {
		tn_log_write(TN_LOG_WARNING, NULL, "%s", reason);
		return 0;
	}
	if (code)
		options->complain("%s: %s", options->path, reason);
	return code;
}

static int open_all(struct tn_supervisor *supervisor, const struct tn_revision *first)
{
	int code = open_control(supervisor, first->plan);

	tn_log_set_level((enum tn_log_level)first->plan->settings.log_level);
	return code ? code
	            : tn_slots_bind(&supervisor->slots, first->plan, tn_generation_wanted(first));
}

static int set_up(struct tn_supervisor *supervisor)
{
	struct tn_revision *first;
	char reason[TN_REASON_SIZE];
	int code = tn_slots_take(&supervisor->slots, reason);

	if (code) {
		supervisor->options->complain("%s", reason);
		return code;
	}
	supervisor->notify = tn_notify_open();
	supervisor->backtrace = tn_backtrace_find(NULL);
	supervisor->program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (supervisor->program < 0 || !open_signals(supervisor)) {
		supervisor->options->complain("it cannot start: %s", strerror(errno));
		return EX_OSERR;
	}
	first = tn_supervisor_read(supervisor, NULL, &code);
	if (!first)
		return code;
	code = open_all(supervisor, first);
	if (code) {
		tn_revision_release(first);
		return code;
	}
	return tn_supervisor_start(supervisor, first, "");
}

/* Who waits for the end may start the next host at once: nothing that it needs is taken then. */
static void end_clients(struct tn_supervisor *supervisor, int code)
{
	tn_slots_finish(&supervisor->slots);
	tn_control_leave(supervisor->control);
	tn_supervisor_turn_away(supervisor);
	tn_control_end_all(supervisor->control, TN_CONTROL_STOP, code);
	tn_control_close(supervisor->control);
}

static void finish(struct tn_supervisor *supervisor, int code)
{
	end_clients(supervisor, code);
	tn_generation_destroy(supervisor->current);
	tn_generation_destroy(supervisor->coming);
	tn_revision_release(supervisor->good);
	tn_notify_close(supervisor->notify);
	tn_quarantine_finish(&supervisor->book);
	tn_vault_finish(&supervisor->vault);
	tn_blocks_finish(&supervisor->blocks);
}

int tn_supervisor_run(const struct tn_supervisor_options *options)
{
	struct tn_supervisor *supervisor = calloc(1, sizeof(*supervisor));
	int code;

	if (!supervisor) {
		options->complain("out of memory");
		return EX_OSERR;
	}
	supervisor->options = options;
	supervisor->started_at = tn_supervisor_now();
	code = set_up(supervisor);
	if (!code) {
		supervise(supervisor);
		code = supervisor->code;
	}
	finish(supervisor, code);
	free(supervisor);
	return code;
}
