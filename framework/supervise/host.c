#include "supervise/host.h"

#include "deploy/bodies.h"
#include "deploy/deployment.h"
#include "observe/log.h"
#include "serve/forked.h"
#include "serve/loop.h"
#include "supervise/access_file.h"
#include "supervise/crash.h"
#include "supervise/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define OVERDUE_S 10 /* beyond drain_timeout; the supervisor, if there is one, is sooner */

/* What it has opened; each step leaves it so that finish() can close it. */
struct run {
	struct tn_host *host;
	struct tn_copies copies; /* its own */
	struct tn_deployment *deployment;
	int signals;
	int notes; /* orders, or that SIGUSR1 has come */
	struct tn_access_log *access_log;
	struct tn_pool *pool;
	struct tn_edge *edge;
	struct tn_loop *loop;
};

/* The errors are told when it is known that there are no more. */
static int report(struct tn_host *host, int code)
{
	host->report(host);
	tn_errors_finish(&host->errors);
	return code;
}

static int make_copies(struct run *run)
{
	char reason[TN_REASON_SIZE];
	int code;

	if (run->host->copies)
		return 0;
	code = tn_copies_make(&run->copies, run->host->plan, NULL, NULL, NULL, reason);
	if (!code)
		return 0;
	tn_errors_add(&run->host->errors, (struct tn_place){ 0 }, "tenon: %s", reason);
	return report(run->host, code);
}

/* What has happened to the files since does not tell which version ran. Of several processes
 * each would say the same. */
static void log_versions(const struct run *run)
{
	const struct tn_deployment *deployment = run->deployment;

	for (size_t i = 0; i < deployment->module_count; i++)
		tn_log_write(run->host->bind ? TN_LOG_INFO : TN_LOG_DEBUG, NULL,
		             "module %s: version %s", deployment->modules[i]->path,
		             deployment->modules[i]->version);
}

static int load(struct run *run)
{
	struct tn_host *host = run->host;
	/* Never destroyed: what ends the process after main() is to be named, too. */
	struct tn_deployment_options options = {
		.activity = host->page ? &host->page->activity : tn_activity_create(),
		.copies = host->copies ? host->copies : &run->copies,
		.secrets = host->secrets,
		.share = host->share,
		.share_argument = host->argument,
		.quarantine = host->quarantine,
	};
	bool valid;

	if (options.activity && tn_crash_watch(options.activity, host->plan,
	                                       host->page)) {
		/* Behind the watch, so that they are removed at any exit. */
		int code = make_copies(run);

		if (code)
			return code;
		run->deployment = tn_deployment_create(host->plan, &options, &host->errors);
	}
	tn_crash_note_objects(run->deployment);
	if (!run->deployment)
		tn_errors_add(&host->errors, (struct tn_place){ 0 }, "out of memory");
	valid = !host->errors.errors;
	report(host, 0);
	if (!run->deployment)
		return EX_OSERR;
	tn_log_set_level((enum tn_log_level)host->plan->settings.log_level);
	return valid ? 0 : EX_CONFIG;
}

/* What the supervisor has opened, or what the configuration names. */
static int open_access_log(struct run *run)
{
	struct tn_host *host = run->host;
	int code = 0;

	if (host->log < 0)
		code = tn_access_file_open(host->plan, &host->errors, &host->log);
	if (code)
		return report(host, code);
	run->access_log = host->log >= 0 ? tn_access_log_of(host->log)
	                                 : tn_access_log_create(host->plan->settings.access_log);
	return run->access_log ? 0 : EX_OSERR;
}

/* What a thread does stands in a part of the page of its own, for the supervisor; where there is
 * none, in memory that stays, as the thread may. */
static void thread_begins(void *argument, unsigned number)
{
	const struct run *run = argument;
	struct tn_page *page = run->host->page;
	struct tn_activity *activity = page ? &page->threads[number] : tn_activity_create();

	if (!activity || !tn_crash_watch_thread(activity))
		tn_log_write(TN_LOG_WARNING, NULL,
		             "no memory for what names a crash on thread %u", number);
}

/* No thread is started before somebody needs it. */
static int make_pool(struct run *run)
{
	const struct tn_plan *plan = run->host->plan;
	const struct tn_pool_options options = {
		.threads = (unsigned)plan->settings.threads,
		.queue = (size_t)plan->settings.queue,
		.lanes = plan->count,
		.limits = run->deployment->limits,
		.thread_begins = thread_begins,
		.argument = run,
	};

	run->pool = tn_pool_create(&options);
	if (run->pool)
		return 0;
	tn_log_write(TN_LOG_ERROR, NULL, "the threads cannot be set up: %s", strerror(errno));
	return EX_OSERR;
}

/* Rather now than when the first large body comes. */
static int check_bodies(struct run *run)
{
	tn_bodies_check(run->host->plan, true, &run->host->errors);
	return report(run->host, run->host->errors.errors ? EX_CONFIG : 0);
}

static int open_edge(struct run *run)
{
	int code = open_access_log(run);

	if (!code)
		code = check_bodies(run);
	if (!code)
		code = make_pool(run);
	if (code)
		return code;
	run->edge = tn_edge_create(run->deployment, run->access_log, run->pool);
	return run->edge ? 0 : EX_UNAVAILABLE;
}

static int start(struct run *run)
{
	bool started = tn_deployment_start(run->deployment, &run->host->errors);

	tn_crash_note_objects(run->deployment);
	return report(run->host, started ? 0 : EX_CONFIG);
}

static int complain_of_signals(struct run *run)
{
	tn_errors_add(&run->host->errors, (struct tn_place){ 0 }, "signals: %s", strerror(errno));
	return report(run->host, EX_OSERR);
}

static int take_signals(struct run *run)
{
	int64_t drain = run->host->plan->settings.drain_timeout;

	run->signals = tn_signals_open((unsigned)(drain / 1000) + OVERDUE_S);
	return run->signals >= 0 ? 0 : complain_of_signals(run);
}

/* No child is to have the sockets. The log is opened anew at a signal or at an order, and neither
 * is to end the process, however early it comes. */
static int prepare(struct run *run)
{
	signal(SIGPIPE, SIG_IGN);
	if (run->host->inbox) {
		signal(SIGUSR1, SIG_IGN);
		run->notes = run->host->inbox->channel;
	} else {
		run->notes = tn_signals_reopen();
	}
	return run->notes >= 0 ? 0 : complain_of_signals(run);
}

static int deny_sockets(const struct tn_host *host)
{
	for (size_t i = 0; i < host->socket_count; i++) {
		if (!tn_forked_deny(host->sockets[i]))
			return EX_OSERR;
	}
	return 0;
}

/* ---- Serving ------------------------------------------------------------------------------- */

static void carry_out(const struct run *run, struct tn_loop *loop, const struct tn_order *order)
{
	if (order->kind == TN_ORDER_LOG && order->descriptor >= 0)
		tn_access_log_replace(run->access_log, order->descriptor);
	else if (order->descriptor >= 0)
		close(order->descriptor);
	else if (order->kind == TN_ORDER_WATCH || order->kind == TN_ORDER_UNWATCH)
		tn_loop_watch(loop, order->number, order->kind == TN_ORDER_WATCH);
}

static bool take_orders(void *argument, struct tn_loop *loop)
{
	const struct run *run = argument;
	struct tn_order order;
	int taken;

	while ((taken = tn_inbox_next(run->host->inbox, &order)) > 0)
		carry_out(run, loop, &order);
	return taken == 0;
}

/* A Worker may have filled the channel: what ends is not to wait for that. */
static void tell_closed(void *argument)
{
	const struct run *run = argument;

	tn_channel_mention(run->host->inbox->channel, TN_PROCESS_CLOSED);
}

static bool reopen_log(void *argument, struct tn_loop *loop)
{
	const struct run *run = argument;
	struct tn_host *host = run->host;
	uint64_t signals;
	int log;

	(void)loop;
	if (read(run->notes, &signals, sizeof(signals)) != (ssize_t)sizeof(signals))
		return true;
	if (tn_access_file_open(host->plan, &host->errors, &log))
		report(host, 0);
	else if (log >= 0)
		tn_access_log_replace(run->access_log, log);
	return true;
}

/* Before it says that it is ready: what cannot serve is not to take another's place. */
static int make_loop(struct run *run)
{
	const struct tn_loop_options options = {
		.listeners = run->host->sockets,
		.listener_count = run->host->socket_count,
		.spare = run->host->spare,
		.alone = !run->host->inbox && !run->host->given,
		.signals = run->signals,
		.drain_timeout = run->host->plan->settings.drain_timeout,
		.access_log = run->access_log,
		.activity = run->deployment->activity,
		.notes = run->notes,
		.take_notes = run->host->inbox ? take_orders : reopen_log,
		.replaced = run->host->inbox ? tell_closed : NULL,
		.argument = run,
	};

	run->loop = tn_loop_create(run->edge, &options);
	return run->loop ? 0 : EX_OSERR;
}

static int serve(const struct run *run)
{
	switch (tn_loop_run(run->loop)) {
	case TN_LOOP_DRAINED:
		return 0;
	case TN_LOOP_DEADLINE:
		return EX_TEMPFAIL;
	default:
		return EX_SOFTWARE;
	}
}

static int go(struct run *run)
{
	struct tn_host *host = run->host;
	int code = prepare(run);

	if (!code)
		code = deny_sockets(host);
	if (!code)
		code = load(run);
	if (!code && host->bind)
		code = host->bind(host);
	if (!code && host->bind)
		code = deny_sockets(host);
	if (!code)
		code = open_edge(run);
	if (!code)
		code = start(run);
	if (!code)
		code = take_signals(run); /* before any client: none is lost to an early one */
	if (!code)
		code = make_loop(run);
	if (!code)
		log_versions(run);
	if (!code)
		code = host->ready(host);
	return code ? code : serve(run);
}

/* A thread is in a Worker, and does not come back: nothing that it may use is taken down, and no
 * stop hook runs beside it. */
_Noreturn static void leave(struct run *run)
{
	tn_access_log_destroy(run->access_log);
	tn_copies_finish(&run->copies);
	_exit(EX_TEMPFAIL);
}

/* What the Workers have stays: a thread of theirs may still run, and their exit handlers will. */
int tn_host_run(struct tn_host *host)
{
	static struct run run;
	int code;

	run = (struct run){ .host = host, .signals = -1 };
	code = go(&run);
	if (run.edge && tn_edge_stuck(run.edge))
		leave(&run);
	tn_loop_destroy(run.loop);
	tn_edge_destroy(run.edge);
	tn_pool_destroy(run.pool);
	tn_access_log_destroy(run.access_log);
	if (run.deployment)
		tn_deployment_stop(run.deployment);
	tn_copies_finish(&run.copies);
	tn_errors_finish(&host->errors);
	return code;
}
