#include "command/command.h"
#include "command/input.h"
#include "observe/log.h"
#include "supervise/activation.h"
#include "supervise/announce.h"
#include "supervise/host.h"
#include "supervise/notify.h"
#include "supervise/privileges.h"
#include "supervise/supervisor.h"

#include <poll.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define NOTIFY_PAUSE_MS 100
#define NOTIFY_ATTEMPTS 50

/* ---- One process --------------------------------------------------------------------------- */

/* What --single has beside the host. */
struct single {
	struct tn_listener listeners[TN_LISTEN_MAX];
	int sockets[TN_LISTEN_MAX];
	size_t given; /* of these, by systemd: all or none */
	struct tn_notify *notify;
};

static int refuse(struct tn_host *host, int code, const char *reason)
{
	tn_plan_refuse(host->plan, "listen", &host->errors, "%s", reason);
	host->report(host);
	return code;
}

static int bind_all(struct tn_host *host)
{
	const struct tn_settings *settings = &host->plan->settings;
	struct single *single = host->argument;
	char reason[TN_REASON_SIZE];

	host->given = single->given;
	for (; host->socket_count < single->given; host->socket_count++)
		single->sockets[host->socket_count] = single->listeners[host->socket_count].socket;
	for (size_t i = 0; !single->given && i < settings->listen_count; i++) {
		int code = tn_listener_bind(&single->listeners[i], &settings->listen[i], reason,
		                            sizeof(reason));

		if (code)
			return refuse(host, code, reason);
		single->sockets[i] = single->listeners[i].socket;
		host->socket_count++;
	}
	return 0;
}

/* There is no loop yet in which it could be tried again, and the manager waits for this. */
static void notify_ready(struct tn_notify *notify)
{
	struct timespec now = { 0 };

	if (tn_notify_unwatch(notify))
		tn_log_write(TN_LOG_INFO, NULL, "a single process may be held up, as by a "
		                                "debugger: systemd's watchdog is turned off");
	tn_notify_ready(notify, "serving");
	for (int i = 0; i < NOTIFY_ATTEMPTS; i++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (tn_notify_turn(notify, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000) < 0)
			break;
		poll(NULL, 0, NOTIFY_PAUSE_MS);
	}
}

/* After the start hooks: who connects earlier would wait for a host that may not come up. */
static int listen_all(struct tn_host *host)
{
	const struct single *single = host->argument;
	char reason[TN_REASON_SIZE];

	tn_announce_fallback(host->plan);
	tn_announce_given(host->plan, single->given);
	for (size_t i = 0; i < host->socket_count; i++) {
		int code = tn_listener_listen(&single->listeners[i], reason, sizeof(reason));

		if (code)
			return refuse(host, code, reason);
		tn_announce_listener(&single->listeners[i]);
	}
	notify_ready(single->notify);
	return 0;
}

static void report(struct tn_host *host)
{
	tn_errors_print(&host->errors, stderr);
}

/* It has its sockets, and secrets, from the same process that loads the modules. */
static bool stays_who_it_is(struct tn_host *host)
{
	struct tn_privileges privileges;

	if (!tn_privileges_find(host->plan, &privileges, &host->errors))
		return false;
	if (privileges.keeps || privileges.user == geteuid())
		return true;
	tn_plan_refuse(host->plan, "user", &host->errors,
	               "'%s': --single does not become another user: start it as that user, or "
	               "without --single",
	               host->plan->settings.user);
	return false;
}

static int run_plan(struct tn_host *host, struct tn_config *config, struct tn_plan *plan)
{
	host->plan = plan;
	if (stays_who_it_is(host))
		return tn_host_run(host);
	host->report(host);
	tn_plan_destroy(plan);
	tn_config_destroy(config);
	return EX_CONFIG;
}

static int serve(const struct tn_arguments *arguments, struct single *single)
{
	struct tn_host host = {
		.sockets = single->sockets,
		.log = -1,
		.bind = bind_all,
		.ready = listen_all,
		.report = report,
		.argument = single,
	};
	static struct tn_config *config; /* they stay: see tn_host_run */
	static struct tn_plan *plan;
	int code = tn_input_read(arguments->file, NULL, &config, &host.errors);

	if (!code) {
		plan = tn_plan_create(config, arguments->environment, &host.errors);
		code = plan ? run_plan(&host, config, plan) : EX_OSERR;
	}
	tn_errors_finish(&host.errors);
	return code;
}

/* What systemd has given is taken first: no file that is opened later is taken for it. */
static int run_single(const struct tn_arguments *arguments)
{
	struct single single = { 0 };
	char reason[TN_REASON_SIZE];
	int code = tn_activation_take(single.listeners, &single.given, reason, sizeof(reason));

	if (code) {
		tn_complain("%s", reason);
		return code;
	}
	single.notify = tn_notify_open();
	code = serve(arguments, &single);
	tn_notify_close(single.notify);
	return code;
}

int tn_command_run(const struct tn_arguments *arguments)
{
	struct tn_supervisor_options options = {
		.path = arguments->file,
		.environment = arguments->environment,
		.complain = tn_complain,
	};

	return arguments->single ? run_single(arguments) : tn_supervisor_run(&options);
}
