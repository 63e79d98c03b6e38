#include "supervise/supervisor.h"

#include "observe/log.h"
#include "observe/output.h"
#include "supervise/announce.h"
#include "supervise/blocks.h"
#include "supervise/control.h"
#include "supervise/generation.h"
#include "supervise/listener.h"
#include "supervise/status.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define LABEL_SIZE 256
#define STEADY_MS (10 * 1000) /* who served for so long has not failed at its start */
#define BACKOFF_FIRST_MS 100  /* the second time */
#define OVERDUE_MS (5 * 1000) /* beyond drain_timeout, before a process is killed */
#define BLOCKS_MOST 1024      /* of TN_SHARED memory: each is a descriptor */
#define MESSAGES_MOST 64      /* that are read of a process in one turn */
#define BACKOFF_MOST_MS (10 * 1000)

struct supervisor {
	const struct tn_supervisor_options *options;
	int program; /* this program's file: whatever its name leads to by now */
	int signals;
	struct tn_vault vault;
	struct tn_blocks blocks;
	struct tn_control *control; /* NULL: there is none */
	struct tn_listener listeners[TN_LISTEN_MAX];
	size_t addresses;
	int *sockets; /* `addresses` for each slot */
	size_t slots;
	int64_t started_at; /* ms */
	char serving_since[TN_TIME_SIZE];
	unsigned generations;            /* so far */
	struct tn_generation *current;   /* which serves; NULL before the first does */
	struct tn_generation *coming;    /* which is being started; NULL */
	struct tn_generation *leaving;   /* those that answer what they have accepted */
	struct tn_generation *dismissed; /* of these, the one that a stop waits for; NULL */
	bool reload_wanted;
	bool stopping;
	int code;
	char text[TN_PROCESS_TEXT + 1];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Processes ----------------------------------------------------------------------------- */

static void start_seat(const struct supervisor *supervisor, const struct tn_generation *generation,
                       struct tn_seat *seat)
{
	const struct tn_process_options options = {
		.program = supervisor->program,
		.plan = generation->plan,
		.secrets = &generation->secrets,
		.sockets = seat->sockets,
		.socket_count = seat->socket_count,
	};

	seat->ready = false;
	seat->started_at = now_ms();
	if (tn_process_start(&seat->process, &options))
		return;
	tn_log_write(TN_LOG_ERROR, NULL, "a host process cannot be started: %s", strerror(errno));
	seat->failures++;
	seat->restart_at = now_ms() + BACKOFF_MOST_MS;
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

static void describe(int status, char *text, size_t room)
{
	if (WIFSIGNALED(status))
		snprintf(text, room, "SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(text, room, "exit code %d", WEXITSTATUS(status));
}

static void replace_process(const struct supervisor *supervisor, struct tn_seat *seat, pid_t pid,
                            int status)
{
	int64_t now = now_ms();
	char how[32];

	seat->failures = now - seat->started_at < STEADY_MS ? seat->failures + 1 : 1;
	seat->restart_at = now + backoff(seat->failures);
	describe(status, how, sizeof(how));
	tn_log_write(
		TN_LOG_ERROR, NULL,
		"host process %d of generation %u ended (%s): another takes its place in %lld ms",
		(int)pid, supervisor->current->number, how, (long long)(seat->restart_at - now));
}

/* ---- Who waits for a reload ---------------------------------------------------------------- */

/* Nobody may have to read it: what cannot be written at once is lost. */
static void write_out(const char *text)
{
	tn_output_write(STDERR_FILENO, true, text, strlen(text));
}

/* What goes to standard error is for them, too. */
static void print(const struct supervisor *supervisor, const char *text)
{
	write_out(text);
	tn_control_tell_all(supervisor->control, TN_CONTROL_RELOADING, text);
}

static void print_errors(const struct supervisor *supervisor, const struct tn_errors *errors)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (stream) {
		tn_errors_print(errors, stream);
		fclose(stream);
	}
	if (text)
		print(supervisor, text);
	free(text);
}

TN_PRINTF(3, 4)
static void answer(struct tn_control *control, enum tn_control_ask ask, const char *format, ...)
{
	char text[TN_LOG_LINE];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	tn_control_tell_all(control, ask, text);
}

/* The one that is under way has failed: for the log, too. */
TN_PRINTF(3, 4)
static void fail_reload(const struct supervisor *supervisor, int code, const char *format, ...)
{
	char text[TN_LOG_LINE];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	tn_log_write(TN_LOG_ERROR, NULL, "%s", text);
	answer(supervisor->control, TN_CONTROL_RELOADING, "tenon: %s: %s\n",
	       supervisor->options->path, text);
	tn_control_end_all(supervisor->control, TN_CONTROL_RELOADING, code);
}

static void turn_reloads_away(const struct supervisor *supervisor)
{
	tn_control_turn_into(supervisor->control, TN_CONTROL_RELOADING, TN_CONTROL_RELOAD);
	answer(supervisor->control, TN_CONTROL_RELOAD,
	       "tenon: %s: the host stops: there is no reload\n", supervisor->options->path);
	tn_control_end_all(supervisor->control, TN_CONTROL_RELOAD, EX_UNAVAILABLE);
}

/* ---- Generations --------------------------------------------------------------------------- */

/* The loop of a process keeps the deadline by itself, unless a Worker holds it. */
static void set_end(struct tn_generation *generation)
{
	generation->end_at = now_ms() + generation->plan->settings.drain_timeout + OVERDUE_MS;
}

static void let_go(struct supervisor *supervisor, struct tn_generation *generation, int signal)
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

static struct tn_generation *read_generation(struct supervisor *supervisor, int *code)
{
	struct tn_errors errors = { 0 };
	const struct tn_generation_options options = {
		.path = supervisor->options->path,
		.environment = supervisor->options->environment,
		.again = supervisor->current != NULL,
		.vault = &supervisor->vault,
		.errors = &errors,
	};
	char reason[TN_REASON_SIZE];
	struct tn_generation *generation = tn_generation_create(&options, code, reason);

	print_errors(supervisor, &errors);
	tn_errors_finish(&errors);
	if (!generation && *reason) {
		supervisor->options->complain("%s: %s", options.path, reason);
		answer(supervisor->control, TN_CONTROL_RELOADING, "tenon: %s: %s\n", options.path,
		       reason);
	}
	if (generation)
		generation->number = ++supervisor->generations;
	return generation;
}

/* The first process alone, so that errors come once. */
static bool start_generation(struct supervisor *supervisor, struct tn_generation *generation)
{
	supervisor->coming = generation;
	if (!tn_generation_deal(generation, supervisor->sockets, supervisor->slots,
	                        supervisor->addresses))
		return false;
	start_seat(supervisor, generation, &generation->seats[0]);
	return generation->seats[0].process.pid != 0;
}

/* The coming generation cannot serve: all is as it was before. */
static void give_up(struct supervisor *supervisor, int code, const char *why)
{
	struct tn_generation *generation = supervisor->coming;

	supervisor->coming = NULL;
	if (supervisor->current) {
		fail_reload(supervisor, code,
		            "generation %u cannot serve (%s): generation %u goes on",
		            generation->number, why, supervisor->current->number);
	} else {
		if (code != EX_CONFIG) /* then it has told its errors */
			tn_log_write(TN_LOG_ERROR, NULL, "it cannot serve: %s", why);
		supervisor->stopping = true;
		supervisor->code = code;
	}
	tn_generation_dismiss(generation);
	let_go(supervisor, generation, 0);
}

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

static void reload(struct supervisor *supervisor)
{
	struct tn_generation *generation;
	int code;

	supervisor->reload_wanted = false;
	tn_control_turn_into(supervisor->control, TN_CONTROL_RELOAD, TN_CONTROL_RELOADING);
	tn_log_write(TN_LOG_INFO, NULL, "reading %s anew", supervisor->options->path);
	generation = read_generation(supervisor, &code);
	if (!generation) {
		fail_reload(supervisor, code, "it is not valid: generation %u goes on",
		            supervisor->current->number);
		return;
	}
	if (!same_addresses(&generation->plan->settings, &supervisor->current->plan->settings)) {
		fail_reload(supervisor, EX_CONFIG,
		            "`listen` has changed, which takes a restart: generation %u goes on",
		            supervisor->current->number);
		tn_generation_destroy(generation);
		return;
	}
	if (!same_control(&generation->plan->settings, &supervisor->current->plan->settings)) {
		fail_reload(supervisor, EX_CONFIG,
		            "`control` has changed, which takes a restart: generation %u goes on",
		            supervisor->current->number);
		tn_generation_destroy(generation);
		return;
	}
	if (!start_generation(supervisor, generation))
		give_up(supervisor, EX_OSERR, "no process can be started");
}

static int listen_all(const struct supervisor *supervisor)
{
	char reason[TN_REASON_SIZE];

	for (size_t i = 0; i < supervisor->addresses; i++) {
		int code = tn_listener_listen(&supervisor->listeners[i], reason, sizeof(reason));

		if (code) {
			supervisor->options->complain("%s", reason);
			return code;
		}
	}
	for (size_t i = supervisor->addresses; i < supervisor->slots * supervisor->addresses; i++)
		listen(supervisor->sockets[i], SOMAXCONN);
	for (size_t i = 0; i < supervisor->addresses; i++)
		tn_announce_listener(&supervisor->listeners[i]);
	return 0;
}

/* All processes of the coming generation are ready. */
static void take_over(struct supervisor *supervisor)
{
	struct tn_generation *before = supervisor->current;
	int code = 0;

	supervisor->current = supervisor->coming;
	supervisor->current->served = true;
	supervisor->coming = NULL;
	tn_announce_fallback(supervisor->current->plan);
	tn_log_time(supervisor->serving_since);
	tn_log_write(TN_LOG_INFO, NULL, "generation %u serves with %zu process%s",
	             supervisor->current->number, supervisor->current->count,
	             supervisor->current->count == 1 ? "" : "es");
	if (!before)
		code = listen_all(supervisor);
	if (code) {
		supervisor->stopping = true;
		supervisor->code = code;
		tn_generation_dismiss(supervisor->current);
		return;
	}
	tn_generation_release(supervisor->current);
	tn_blocks_drop(&supervisor->blocks, supervisor->current->number);
	if (before)
		let_go(supervisor, before, SIGHUP);
	answer(supervisor->control, TN_CONTROL_RELOADING, "tenon: %s: generation %u serves\n",
	       supervisor->options->path, supervisor->current->number);
	tn_control_end_all(supervisor->control, TN_CONTROL_RELOADING, 0);
}

static void advance(struct supervisor *supervisor)
{
	struct tn_generation *coming = supervisor->coming;

	if (tn_generation_ready(coming) == coming->count) {
		take_over(supervisor);
		return;
	}
	for (size_t i = 1; i < coming->count; i++) {
		if (coming->seats[i].process.pid)
			continue;
		start_seat(supervisor, coming, &coming->seats[i]);
		if (!coming->seats[i].process.pid) {
			give_up(supervisor, EX_OSERR, "no process can be started");
			return;
		}
	}
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
static void share(struct supervisor *supervisor, const struct tn_generation *generation,
                  const struct tn_seat *seat)
{
	char *name;
	size_t size = strtoull(supervisor->text, &name, 10);
	int descriptor = -1;

	if (*name == ' ' && supervisor->blocks.count < BLOCKS_MOST &&
	    names_worker(generation->plan, name + 1))
		descriptor = tn_blocks_find(&supervisor->blocks, name + 1, size,
		                            generation->number);
	tn_process_share(&seat->process, descriptor);
}

static void take_messages(struct supervisor *supervisor, struct tn_generation *generation,
                          struct tn_seat *seat)
{
	int kind;

	/* A Worker may have got hold of the socket: it is not to keep the supervisor. */
	for (unsigned i = 0; i < MESSAGES_MOST && seat->process.report >= 0; i++) {
		kind = tn_process_read(&seat->process, supervisor->text);
		if (!kind)
			return;
		if (kind < 0) {
			close(seat->process.report);
			seat->process.report = -1;
		} else if (kind == TN_PROCESS_SHARE) {
			share(supervisor, generation, seat);
		} else if (kind == TN_PROCESS_ERRORS && generation == supervisor->coming) {
			print(supervisor, supervisor->text);
		} else if (kind == TN_PROCESS_ERRORS) {
			write_out(supervisor->text);
		} else if (kind == TN_PROCESS_READY && !seat->ready) {
			seat->ready = true;
			if (generation == supervisor->current)
				tn_process_release(&seat->process);
			if (generation == supervisor->coming && !supervisor->stopping) {
				advance(supervisor);
				return;
			}
		}
	}
}

static void take_all_messages(struct supervisor *supervisor, struct tn_generation *generation)
{
	for (size_t i = 0; generation && i < generation->count; i++)
		take_messages(supervisor, generation, &generation->seats[i]);
}

/* What was under way in it was not answered. */
static void note_loss(struct supervisor *supervisor, pid_t pid, int status)
{
	char how[32];

	supervisor->code = EX_TEMPFAIL;
	describe(status, how, sizeof(how));
	tn_log_write(TN_LOG_WARNING, NULL, "host process %d ended before all was answered (%s)",
	             (int)pid, how);
}

static void process_ended(struct supervisor *supervisor, struct tn_generation *generation,
                          struct tn_seat *seat, int status)
{
	pid_t pid = seat->process.pid;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
	char why[96];
	bool served;

	take_messages(supervisor, generation, seat);
	served = seat->ready && generation->served;
	tn_process_forget(&seat->process);
	seat->ready = false;
	if (generation == supervisor->coming) {
		snprintf(why, sizeof(why), "a host process ended before it was ready, ");
		describe(status, why + strlen(why), sizeof(why) - strlen(why));
		give_up(supervisor, code ? code : EX_SOFTWARE, why);
	} else if (supervisor->stopping) {
		if (code && served)
			note_loss(supervisor, pid, status);
	} else if (generation == supervisor->current) {
		replace_process(supervisor, seat, pid, status);
	}
}

static bool find_and_end(struct supervisor *supervisor, struct tn_generation *generation, pid_t pid,
                         int status)
{
	for (size_t i = 0; generation && i < generation->count; i++) {
		if (generation->seats[i].process.pid != pid)
			continue;
		process_ended(supervisor, generation, &generation->seats[i], status);
		return true;
	}
	return false;
}

static void stop_serving(struct supervisor *supervisor)
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

static void bury(struct supervisor *supervisor)
{
	struct tn_generation **link = &supervisor->leaving;

	while (*link) {
		struct tn_generation *generation = *link;

		if (tn_generation_living(generation)) {
			link = &generation->next;
			continue;
		}
		*link = generation->next;
		tn_log_write(TN_LOG_INFO, NULL, "generation %u has gone", generation->number);
		if (generation == supervisor->dismissed)
			stop_serving(supervisor);
		tn_generation_destroy(generation);
	}
}

static void reap(struct supervisor *supervisor)
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
	bury(supervisor);
}

/* ---- Signals ------------------------------------------------------------------------------- */

/* The processes have them, too, and take whoever waits there already: the rest is refused. */
static void close_sockets(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->slots * supervisor->addresses; i++) {
		close(supervisor->sockets[i]);
		supervisor->sockets[i] = -1;
	}
}

static void begin_to_stop(struct supervisor *supervisor, const char *why)
{
	tn_log_write(TN_LOG_INFO, NULL, "%s: stopping", why);
	supervisor->stopping = true;
	close_sockets(supervisor);
	if (supervisor->current)
		tn_generation_dismiss(supervisor->current);
}

/* One that is being started has the sockets, too, and never takes anybody: it goes before. */
static void stop(struct supervisor *supervisor, const char *why)
{
	if (!supervisor->stopping)
		begin_to_stop(supervisor, why);
	turn_reloads_away(supervisor);
	supervisor->reload_wanted = false;
	if (supervisor->coming && tn_generation_living(supervisor->coming)) {
		supervisor->dismissed = supervisor->coming;
		supervisor->coming = NULL;
		tn_generation_dismiss(supervisor->dismissed);
		let_go(supervisor, supervisor->dismissed, 0);
	} else {
		stop_serving(supervisor);
	}
}

static void take_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;
	char why[32];

	while (read(supervisor->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			supervisor->reload_wanted = !supervisor->stopping;
		else if (info.ssi_signo != SIGCHLD) {
			snprintf(why, sizeof(why), "SIG%s", sigabbrev_np((int)info.ssi_signo));
			stop(supervisor, why);
		}
	}
}

/* ---- What is asked on the control socket --------------------------------------------------- */

static void tell_status(const struct supervisor *supervisor, struct tn_control_client *client)
{
	char *text = tn_status_write(&(struct tn_status){
		.file = supervisor->options->path,
		.environment = supervisor->options->environment,
		.serving_since = supervisor->serving_since,
		.started_at = supervisor->started_at,
		.now = now_ms(),
		.stopping = supervisor->stopping,
		.current = supervisor->current,
		.coming = supervisor->coming,
		.leaving = supervisor->leaving,
	});

	if (text)
		tn_control_tell(client, text);
	tn_control_end(client, text ? 0 : EX_OSERR);
	free(text);
}

/* A second `tenon stop` waits as the first one does: only a signal cuts off what is in flight. */
static void take_ask(void *argument, struct tn_control_client *client, enum tn_control_ask ask)
{
	struct supervisor *supervisor = argument;

	if (ask == TN_CONTROL_STATUS)
		tell_status(supervisor, client);
	else if (ask == TN_CONTROL_STOP && !supervisor->stopping)
		stop(supervisor, "tenon stop");
	else if (ask == TN_CONTROL_RELOAD && supervisor->stopping)
		turn_reloads_away(supervisor);
	else if (ask == TN_CONTROL_RELOAD)
		supervisor->reload_wanted = true;
}

/* ---- Time ---------------------------------------------------------------------------------- */

static int64_t earlier(int64_t one, int64_t other)
{
	return one < 0 || other < one ? other : one;
}

/* Starts what is due; returns when the next is, -1 for never. */
static int64_t restart_seats(const struct supervisor *supervisor)
{
	const struct tn_generation *current = supervisor->stopping ? NULL : supervisor->current;
	int64_t next = -1;

	for (size_t i = 0; current && i < current->count; i++) {
		struct tn_seat *seat = &current->seats[i];

		if (!seat->process.pid && seat->restart_at <= now_ms())
			start_seat(supervisor, current, seat);
		if (!seat->process.pid)
			next = earlier(next, seat->restart_at);
	}
	return next;
}

/* The same for a generation that takes too long to become ready. */
static int64_t check_coming(struct supervisor *supervisor)
{
	const struct tn_generation *coming = supervisor->coming;
	int64_t next = -1;

	for (size_t i = 0; coming && i < coming->count; i++) {
		const struct tn_seat *seat = &coming->seats[i];
		int64_t deadline = seat->started_at + coming->plan->settings.ready_timeout;

		if (!seat->process.pid || seat->ready)
			continue;
		if (deadline <= now_ms()) {
			tn_generation_signal(coming, SIGKILL);
			give_up(supervisor, EX_UNAVAILABLE, "ready_timeout is over");
			return -1;
		}
		next = earlier(next, deadline);
	}
	return next;
}

static int64_t kill_overdue(struct supervisor *supervisor, struct tn_generation *generation)
{
	if (!generation || !generation->end_at || !tn_generation_living(generation))
		return -1;
	if (generation->end_at > now_ms())
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

/* Another that hangs in its start is replaced in turn. */
static int64_t kill_unready(const struct supervisor *supervisor)
{
	const struct tn_generation *current = supervisor->stopping ? NULL : supervisor->current;
	int64_t next = -1;

	for (size_t i = 0; current && i < current->count; i++) {
		struct tn_seat *seat = &current->seats[i];
		int64_t deadline = seat->started_at + current->plan->settings.ready_timeout;

		if (!seat->process.pid || seat->ready)
			continue;
		if (deadline > now_ms()) {
			next = earlier(next, deadline);
			continue;
		}
		tn_log_write(TN_LOG_ERROR, NULL,
		             "host process %d was not ready within ready_timeout: SIGKILL",
		             (int)seat->process.pid);
		kill(seat->process.pid, SIGKILL);
		seat->started_at = now_ms();
	}
	return next;
}

/* Returns when the next one would be; -1 for never. */
static int64_t kill_hung(struct supervisor *supervisor)
{
	int64_t next = kill_unready(supervisor);
	int64_t end = kill_overdue(supervisor, supervisor->current);

	if (end >= 0)
		next = earlier(next, end);
	for (struct tn_generation *at = supervisor->leaving; at; at = at->next) {
		end = kill_overdue(supervisor, at);
		if (end >= 0)
			next = earlier(next, end);
	}
	return next;
}

/* ---- The loop ------------------------------------------------------------------------------ */

static size_t add_reports(const struct tn_generation *generation, struct pollfd *list, size_t count)
{
	for (size_t i = 0; generation && i < generation->count; i++)
		list[count++] = (struct pollfd){ .fd = generation->seats[i].process.report,
			                         .events = POLLIN };
	return count;
}

static void wait_for_something(const struct supervisor *supervisor, int64_t until)
{
	size_t seats = (supervisor->current ? supervisor->current->count : 0) +
	               (supervisor->coming ? supervisor->coming->count : 0);
	struct pollfd *list = calloc(seats + 1 + TN_CONTROL_POLL, sizeof(list[0]));
	int64_t left = until - now_ms();
	size_t count = 0;

	if (!list)
		return;
	list[count++] = (struct pollfd){ .fd = supervisor->signals, .events = POLLIN };
	count = add_reports(supervisor->current, list, count);
	count = add_reports(supervisor->coming, list, count);
	count += tn_control_poll(supervisor->control, list + count);
	if (left < 0)
		left = 0;
	poll(list, count, until < 0 ? -1 : (int)left);
	free(list);
}

static bool is_done(const struct supervisor *supervisor)
{
	return supervisor->stopping && !supervisor->leaving &&
	       !tn_generation_living(supervisor->current) &&
	       !tn_generation_living(supervisor->coming);
}

static int64_t next_deadline(struct supervisor *supervisor)
{
	int64_t until = restart_seats(supervisor);
	int64_t coming = check_coming(supervisor);
	int64_t hung = kill_hung(supervisor);

	if (coming >= 0)
		until = earlier(until, coming);
	if (hung >= 0)
		until = earlier(until, hung);
	return until;
}

static void supervise(struct supervisor *supervisor)
{
	while (!is_done(supervisor)) {
		int64_t until = next_deadline(supervisor);

		if (supervisor->reload_wanted && supervisor->current && !supervisor->coming)
			reload(supervisor);
		else
			wait_for_something(supervisor, until);
		take_signals(supervisor);
		tn_control_turn(supervisor->control, take_ask, supervisor);
		take_all_messages(supervisor, supervisor->coming);
		take_all_messages(supervisor, supervisor->current);
		reap(supervisor);
	}
}

/* ---- Setting up ---------------------------------------------------------------------------- */

static bool open_signals(struct supervisor *supervisor)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return supervisor->signals >= 0;
}

/* As `check` would: file, line, section and key. */
static void complain_of_address(const struct tn_plan *plan, const char *reason)
{
	const struct tn_entry *entry = tn_keys_find(&plan->host, "listen");
	struct tn_place whole = { .file = tn_config_path(plan->config) };
	struct tn_errors errors = { 0 };
	char label[LABEL_SIZE];

	tn_errors_add(&errors, entry ? entry->place : whole, "%s: listen: %s",
	              entry ? tn_section_label(entry->section, label, sizeof(label)) : "[host]",
	              reason);
	tn_errors_print(&errors, stderr);
	tn_errors_finish(&errors);
}

static int bind_first(struct supervisor *supervisor, const struct tn_plan *plan)
{
	const struct tn_settings *settings = &plan->settings;
	char reason[TN_REASON_SIZE];

	for (size_t i = 0; i < settings->listen_count; i++) {
		int code = tn_listener_bind(&supervisor->listeners[i], &settings->listen[i], reason,
		                            sizeof(reason));

		if (code) {
			complain_of_address(plan, reason);
			return code;
		}
		supervisor->addresses++;
	}
	return 0;
}

/* Each slot has a queue of its own for each address. */
static int bind_all(struct supervisor *supervisor, const struct tn_plan *plan, size_t slots)
{
	int code = bind_first(supervisor, plan);
	size_t addresses = supervisor->addresses;

	if (code)
		return code;
	supervisor->sockets = calloc(slots * addresses, sizeof(supervisor->sockets[0]));
	if (!supervisor->sockets)
		return EX_OSERR;
	supervisor->slots = slots;
	for (size_t i = 0; i < slots * addresses; i++) {
		struct tn_listener *listener = &supervisor->listeners[i % addresses];

		supervisor->sockets[i] = i < addresses ? listener->socket
		                                       : tn_listener_join(listener);
		if (supervisor->sockets[i] >= 0)
			continue;
		supervisor->options->complain("%s: %s", listener->name, strerror(errno));
		return EX_UNAVAILABLE;
	}
	return 0;
}

/* Where it cannot be made, the host serves without it. */
static int open_control(struct supervisor *supervisor, const struct tn_plan *plan)
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

static int set_up(struct supervisor *supervisor)
{
	struct tn_generation *first;
	int code;

	supervisor->program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (supervisor->program < 0 || !open_signals(supervisor)) {
		supervisor->options->complain("it cannot start: %s", strerror(errno));
		return EX_OSERR;
	}
	first = read_generation(supervisor, &code);
	if (!first)
		return code;
	tn_log_set_level((enum tn_log_level)first->plan->settings.log_level);
	code = open_control(supervisor, first->plan);
	if (!code)
		code = bind_all(supervisor, first->plan, tn_generation_wanted(first));
	if (!code && start_generation(supervisor, first))
		return 0;
	tn_generation_destroy(first);
	supervisor->coming = NULL;
	return code ? code : EX_OSERR;
}

/* Who waits for the end may start the next host at once: nothing that it needs is taken then. */
static void end_clients(const struct supervisor *supervisor, int code)
{
	for (size_t i = 0; i < supervisor->slots * supervisor->addresses; i++)
		if (supervisor->sockets[i] > STDERR_FILENO) /* 0: it was not come to */
			close(supervisor->sockets[i]);
	tn_control_leave(supervisor->control);
	turn_reloads_away(supervisor);
	tn_control_end_all(supervisor->control, TN_CONTROL_STOP, code);
	tn_control_close(supervisor->control);
}

static void finish(struct supervisor *supervisor, int code)
{
	end_clients(supervisor, code);
	tn_generation_destroy(supervisor->current);
	tn_generation_destroy(supervisor->coming);
	tn_vault_finish(&supervisor->vault);
	tn_blocks_finish(&supervisor->blocks);
	free(supervisor->sockets);
}

int tn_supervisor_run(const struct tn_supervisor_options *options)
{
	struct supervisor *supervisor = calloc(1, sizeof(*supervisor));
	int code;

	if (!supervisor) {
		options->complain("out of memory");
		return EX_OSERR;
	}
	supervisor->options = options;
	supervisor->started_at = now_ms();
	code = set_up(supervisor);
	if (!code) {
		supervise(supervisor);
		code = supervisor->code;
	}
	finish(supervisor, code);
	free(supervisor);
	return code;
}
