/* deaths.c - what has ended a process, and what follows from it. */
#include "observe/log.h"
#include "supervise/backtrace.h"
#include "supervise/culprit.h"
#include "supervise/state.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

/* What is left of a process. */
struct death {
	pid_t pid;
	int status;
	char how[48];        /* "SIGSEGV", "exit code 70" */
	bool served;         /* it had requests to lose */
	bool crashed;        /* by what ran in it, not by who sent it a signal */
	uint64_t lost;       /* requests that had begun */
	int hang;            /* it was told to abort: crash.h; 0: it was not */
	const char *version; /* of the culprit's module; NULL */
	struct tn_culprit culprit;
};

/* ---- What has ended it --------------------------------------------------------------------- */

static void describe(int status, char *text, size_t room)
{
	if (WIFSIGNALED(status))
		snprintf(text, room, "SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(text, room, "exit code %d", WEXITSTATUS(status));
}

/* Others send these, the system included, where there is no memory left. */
static bool is_sent(int signal)
{
	return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP ||
	       signal == SIGQUIT || signal == SIGALRM || signal == SIGPIPE;
}

/* A host ends with EX_SOFTWARE where a Worker has called exit(); _exit() tells nobody. */
static bool is_crash(const struct death *death)
{
	if (WIFSIGNALED(death->status))
		return death->hang || !is_sent(WTERMSIG(death->status));
	return WEXITSTATUS(death->status) == EX_SOFTWARE || death->culprit.worker;
}

static const char *version_of(const struct tn_generation *generation,
                              const struct tn_plan_worker *worker)
{
	const struct tn_module_copy *copy =
		worker && worker->module_path
			? tn_copies_find(&generation->revision->copies, worker->module_path)
			: NULL;

	return copy ? copy->version : NULL;
}

static void examine(struct death *death, const struct tn_generation *generation,
                    const struct tn_seat *seat, int status)
{
	struct tn_tally tally = { 0 };

	*death = (struct death){ .pid = seat->process.pid, .status = status };
	death->hang = seat->kill_at ? seat->hang : 0;
	describe(status, death->how, sizeof(death->how));
	death->served = seat->ready && generation->served;
	tn_seat_tally(seat, &tally);
	death->lost = death->served ? tally.lost : 0;
	if (seat->page)
		tn_culprit_read(&death->culprit, tn_page_culprit(seat->page),
		                generation->revision->plan);
	death->version = version_of(generation, death->culprit.worker);
	death->crashed = is_crash(death);
}

/* ---- Its trace ----------------------------------------------------------------------------- */

static void keep_tracer(struct tn_supervisor *supervisor, pid_t pid, struct tn_revision *revision)
{
	for (size_t i = 0; i < TN_TRACERS; i++) {
		if (supervisor->tracers[i].pid)
			continue;
		supervisor->tracers[i].pid = pid;
		supervisor->tracers[i].revision = tn_revision_hold(revision);
		return;
	}
}

static bool has_room(const struct tn_supervisor *supervisor)
{
	for (size_t i = 0; i < TN_TRACERS; i++)
		if (!supervisor->tracers[i].pid)
			return true;
	return false;
}

/* Of a storm of crashes, the frames of some are written as they are. */
static void trace(struct tn_supervisor *supervisor, const struct tn_generation *generation,
                  const struct tn_seat *seat)
{
	const struct tn_backtrace backtrace = {
		.program = has_room(supervisor) ? supervisor->backtrace : -1,
	};
	pid_t pid = seat->page ? tn_backtrace_report(&backtrace, &seat->page->frames) : 0;

	if (pid > 0)
		keep_tracer(supervisor, pid, generation->revision);
}

static bool end_tracer(struct tn_supervisor *supervisor, pid_t pid)
{
	for (size_t i = 0; i < TN_TRACERS; i++) {
		if (supervisor->tracers[i].pid != pid)
			continue;
		tn_revision_release(supervisor->tracers[i].revision);
		supervisor->tracers[i] = (struct tn_tracer){ 0 };
		return true;
	}
	return false;
}

/* ---- What is told of it -------------------------------------------------------------------- */

/* Why it was told to abort, where it did not. */
static const char *hang_text(const struct death *death, char text[128])
{
	const char *what = death->hang > 0 ? "the loop has not turned for" : "not ready within";

	text[0] = '\0';
	if (death->hang)
		snprintf(text, 128, "%s %d ms, and SIGABRT did not tell where: ", what,
		         death->hang > 0 ? death->hang : -death->hang);
	return text;
}

/* Where the handler has told it, it has left the frames. */
static void tell_culprit(const struct death *death, const struct tn_seat *seat)
{
	struct tn_log_context context = tn_culprit_context(&death->culprit);
	char text[TN_CULPRIT_TEXT], hang[128];

	if (!death->culprit.worker && !death->hang)
		return;
	if (WIFEXITED(death->status) && WEXITSTATUS(death->status) == EX_SOFTWARE)
		return;
	if (seat->page && atomic_load(&seat->page->frames.size))
		return;
	tn_log_write(TN_LOG_ERROR, &context, "%sprocess %d ended (%s)%s", hang_text(death, hang),
	             (int)death->pid, death->how, tn_culprit_text(&death->culprit, text));
}

static const char *blame_text(const struct death *death, char text[256])
{
	text[0] = '\0';
	if (death->culprit.worker)
		snprintf(text, 256, "; worker '%.128s'%s%s", death->culprit.worker->name,
		         death->version ? ", module version " : "",
		         death->version ? death->version : "");
	return text;
}

static const char *loss_text(const struct death *death, char text[64])
{
	text[0] = '\0';
	if (death->lost)
		snprintf(text, 64, "; %llu request%s lost", (unsigned long long)death->lost,
		         death->lost == 1 ? " is" : "s are");
	return text;
}

/* ---- What follows -------------------------------------------------------------------------- */

static const struct tn_quarantine_record *record_of(const struct tn_quarantine *book,
                                                    const char *name)
{
	for (size_t i = 0; i < book->count; i++)
		if (strcmp(book->list[i].name, name) == 0)
			return &book->list[i];
	return NULL;
}

/* Whether what served before had the same trouble: going back to it would not help. */
static bool is_old_trouble(const struct tn_supervisor *supervisor, const struct death *death)
{
	const struct tn_settings *settings = &supervisor->current->revision->plan->settings;
	int64_t oldest = supervisor->good_until - settings->crash_window;
	const struct tn_quarantine_record *record =
		death->culprit.worker ? record_of(&supervisor->book, death->culprit.worker->name)
				      : NULL;

	/* It may have crashed in the very millisecond in which that began to serve. */
	return record && record->before >= supervisor->good_from && record->before >= oldest;
}

static void mark(struct tn_supervisor *supervisor)
{
	struct tn_generation *current = supervisor->current;

	tn_quarantine_write(&supervisor->book, current->revision->plan, &current->marks);
	for (struct tn_generation *at = supervisor->leaving; at; at = at->next)
		tn_quarantine_write(&supervisor->book, at->revision->plan, &at->marks);
}

static void put_into_book(struct tn_supervisor *supervisor, const struct death *death)
{
	const struct tn_settings *settings = &supervisor->current->revision->plan->settings;
	const char *name = death->culprit.worker ? death->culprit.worker->name : NULL;

	if (!name || !tn_quarantine_note(&supervisor->book, name, death->culprit.step,
	                                 tn_supervisor_now(), settings->crash_limit,
	                                 settings->crash_window))
		return;
	mark(supervisor);
	tn_log_write(TN_LOG_ERROR, NULL,
	             "worker '%s' is in quarantine: it has crashed %lld times within %lld ms; who "
	             "calls it gets a 503, until a reload or `tenon release %s %s`",
	             name, (long long)settings->crash_limit, (long long)settings->crash_window,
	             supervisor->options->path, name);
}

static void crash_of_current(struct tn_supervisor *supervisor, const struct death *death)
{
	bool old = is_old_trouble(supervisor, death);
	char why[128];

	put_into_book(supervisor, death);
	if (old)
		return;
	if (death->culprit.worker)
		snprintf(why, sizeof(why), "worker '%.64s', %s", death->culprit.worker->name,
		         death->how);
	else
		snprintf(why, sizeof(why), "%s", death->how);
	tn_supervisor_roll_back(supervisor, why);
}

static void end_current(struct tn_supervisor *supervisor, struct tn_generation *generation,
                        struct tn_seat *seat, const struct death *death)
{
	int64_t pause = tn_seat_replace(generation, seat);
	char blame[256], loss[64];

	tn_log_write(TN_LOG_ERROR, NULL,
	             "host process %d of generation %u ended (%s): another takes its place in %lld "
	             "ms%s%s",
	             (int)death->pid, generation->number, death->how, (long long)pause,
	             blame_text(death, blame), loss_text(death, loss));
	if (death->crashed)
		crash_of_current(supervisor, death);
}

const char *tn_supervisor_blame(const struct tn_culprit *culprit, char text[TN_BLAME_TEXT])
{
	char where[TN_CULPRIT_TEXT];

	text[0] = '\0';
	if (culprit->worker)
		snprintf(text, TN_BLAME_TEXT, ": worker '%.128s'%.512s", culprit->worker->name,
		         tn_culprit_text(culprit, where));
	return text;
}

static void end_coming(struct tn_supervisor *supervisor, const struct death *death)
{
	int code = WIFEXITED(death->status) ? WEXITSTATUS(death->status) : EX_SOFTWARE;
	char blame[TN_BLAME_TEXT];
	char why[TN_BLAME_TEXT + 128];

	snprintf(why, sizeof(why), "a host process ended before it was ready, %s%s", death->how,
	         tn_supervisor_blame(&death->culprit, blame));
	tn_supervisor_give_up(supervisor, code ? code : EX_SOFTWARE, why);
}

/* What was under way in it was not answered. */
static void end_leaving(struct tn_supervisor *supervisor, const struct tn_generation *generation,
                        const struct death *death)
{
	bool orderly = WIFEXITED(death->status) && !WEXITSTATUS(death->status);
	char loss[64];

	if (orderly || !death->served)
		return;
	if (supervisor->stopping)
		supervisor->code = EX_TEMPFAIL;
	tn_log_write(TN_LOG_WARNING, NULL,
	             "host process %d of generation %u ended before all was answered (%s)%s",
	             (int)death->pid, generation->number, death->how, loss_text(death, loss));
}

static void count(struct tn_supervisor *supervisor, const struct tn_seat *seat,
                  const struct death *death)
{
	struct tn_tally tally = { 0 };

	tn_seat_tally(seat, &tally);
	if (death->served)
		tn_tally_add(&supervisor->past, &tally);
	supervisor->past.lost += death->lost;
	supervisor->past.crashes += death->crashed;
}

static void process_ended(struct tn_supervisor *supervisor, struct tn_generation *generation,
                          struct tn_seat *seat, int status)
{
	struct death death;

	examine(&death, generation, seat, status);
	count(supervisor, seat, &death);
	tell_culprit(&death, seat);
	trace(supervisor, generation, seat);
	tn_seat_clear(seat);
	if (generation == supervisor->coming)
		end_coming(supervisor, &death);
	else if (generation == supervisor->current && !supervisor->stopping)
		end_current(supervisor, generation, seat, &death);
	else
		end_leaving(supervisor, generation, &death);
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

static void one_ended(struct tn_supervisor *supervisor, pid_t pid, int status)
{
	struct tn_generation *leaving = supervisor->leaving;
	bool found = end_tracer(supervisor, pid) ||
	             find_and_end(supervisor, supervisor->current, pid, status) ||
	             find_and_end(supervisor, supervisor->coming, pid, status);

	for (; !found && leaving; leaving = leaving->next)
		found = find_and_end(supervisor, leaving, pid, status);
}

/* As long as it is not waited for, its number is nobody else's: an answer to what it has told,
 * which may be SIGKILL, goes nowhere. */
static pid_t next_dead(void)
{
	siginfo_t info = { 0 };

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ? info.si_pid : 0;
}

static void hear_last(struct tn_supervisor *supervisor, struct tn_generation *generation, pid_t pid)
{
	for (size_t i = 0; generation && i < generation->count; i++)
		if (generation->seats[i].process.pid == pid)
			tn_seat_read(supervisor, generation, &generation->seats[i]);
}

void tn_supervisor_reap(struct tn_supervisor *supervisor)
{
	int status;
	pid_t pid;

	while ((pid = next_dead()) > 0) {
		hear_last(supervisor, supervisor->current, pid);
		hear_last(supervisor, supervisor->coming, pid);
		if (waitpid(pid, &status, WNOHANG) == pid)
			one_ended(supervisor, pid, status);
	}
	tn_supervisor_bury(supervisor);
}
