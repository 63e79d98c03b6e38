#include "command/command.h"
#include "command/input.h"
#include "deploy/deployment.h"
#include "observe/log.h"
#include "serve/loop.h"
#include "supervise/crash.h"
#include "supervise/listener.h"
#include "supervise/signals.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#define REASON_SIZE 512
#define LABEL_SIZE 256
#define FALLBACK_SIZE 1024

/* What `run` has opened; each step leaves it so that finish() can close it. */
struct host {
	struct tn_errors errors;
	struct tn_config *config;
	struct tn_plan *plan;
	struct tn_deployment *deployment;
	struct tn_listener listeners[TN_LISTEN_MAX];
	int sockets[TN_LISTEN_MAX];
	size_t listener_count;
	int signals;
	struct tn_access_log *access_log;
	struct tn_edge *edge;
};

static int take_signals(struct host *host)
{
	host->signals = tn_signals_open();
	if (host->signals >= 0)
		return 0;
	tn_complain("signals: %s", strerror(errno));
	return EX_OSERR;
}

/* With many Workers the line would be too long to read: it is cut. */
static void log_fallback(const struct tn_plan *plan)
{
	char text[FALLBACK_SIZE];
	size_t size = 0;
	size_t count = 0, shown = 0;

	text[0] = '\0';
	for (size_t i = 0; plan->environment && i < plan->count; i++) {
		const struct tn_plan_worker *worker = &plan->workers[i];

		if (!worker->reachable || worker->variant)
			continue;
		count++;
		if (size + strlen(worker->name) + 3 > sizeof(text))
			continue;
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s",
		                         size ? ", " : "", worker->name);
		shown++;
	}
	if (count > shown)
		tn_log_write(TN_LOG_INFO, NULL,
		             "environment %s: no variant of %s and %zu more: they run as they are",
		             plan->environment, text, count - shown);
	else if (count)
		tn_log_write(TN_LOG_INFO, NULL, "environment %s: no variant of %s: %s as %s",
		             plan->environment, text, count == 1 ? "it runs" : "they run",
		             count == 1 ? "it is" : "they are");
}

static int no_memory(void)
{
	tn_complain("out of memory");
	return EX_OSERR;
}

static int deploy(struct host *host)
{
	/* Never destroyed: what ends the process after main() is to be named, too. */
	struct tn_deployment_options options = { .activity = tn_activity_create() };

	if (!options.activity || !tn_crash_watch(options.activity, host->plan))
		return no_memory();
	host->deployment = tn_deployment_create(host->plan, &options, &host->errors);
	tn_crash_note_objects();
	tn_errors_print(&host->errors, stderr);
	if (host->errors.errors)
		return EX_CONFIG;
	if (!host->deployment)
		return no_memory();
	tn_log_set_level((enum tn_log_level)host->plan->settings.log_level);
	log_fallback(host->plan);
	return 0;
}

static int load(struct host *host, const struct tn_arguments *arguments)
{
	int code = tn_input_read(arguments->file, NULL, &host->config, &host->errors);

	if (code)
		return code;
	host->plan = tn_plan_create(host->config, arguments->environment, &host->errors);
	return host->plan ? deploy(host) : no_memory();
}

/* As `check` would: file, line, section and key. */
static void complain_of(const struct host *host, const char *key, const char *problem)
{
	const struct tn_entry *entry = tn_keys_find(&host->plan->host, key);
	struct tn_place whole = { .file = tn_config_path(host->config) };
	struct tn_errors errors = { 0 };
	char label[LABEL_SIZE];

	tn_errors_add(&errors, entry ? entry->place : whole, "%s: %s: %s",
	              entry ? tn_section_label(entry->section, label, sizeof(label)) : "[host]",
	              key, problem);
	tn_errors_print(&errors, stderr);
	tn_errors_finish(&errors);
}

static int bind_all(struct host *host)
{
	const struct tn_settings *settings = &host->plan->settings;
	char reason[REASON_SIZE];

	for (size_t i = 0; i < settings->listen_count; i++) {
		int code = tn_listener_bind(&host->listeners[i], &settings->listen[i], reason,
		                            sizeof(reason));

		if (code) {
			complain_of(host, "listen", reason);
			return code;
		}
		host->sockets[i] = host->listeners[i].socket;
		host->listener_count++;
	}
	return 0;
}

/* After the start hooks: who connects earlier would wait for a host that may not come up. */
static int listen_all(const struct host *host)
{
	char reason[REASON_SIZE];

	for (size_t i = 0; i < host->listener_count; i++) {
		int code = tn_listener_listen(&host->listeners[i], reason, sizeof(reason));

		if (code) {
			complain_of(host, "listen", reason);
			return code;
		}
		tn_log_write(TN_LOG_INFO, NULL, "listening on http://%s", host->listeners[i].name);
	}
	return 0;
}

static int start(struct host *host)
{
	struct tn_errors errors = { 0 }; /* host->errors, with its warnings, was printed */
	bool started = tn_deployment_start(host->deployment, &errors);

	tn_crash_note_objects();
	tn_errors_print(&errors, stderr);
	tn_errors_finish(&errors);
	return started ? 0 : EX_CONFIG;
}

static int open_edge(struct host *host)
{
	const char *path = host->plan->settings.access_log;
	char reason[REASON_SIZE];
	int error;

	host->access_log = tn_access_log_create(path);
	if (!host->access_log) {
		error = errno;
		snprintf(reason, sizeof(reason), "%s: %s: name a file that this user may write, in "
		                                 "a directory that exists",
		         path, strerror(error));
		complain_of(host, "access_log", reason);
		return error == EACCES ? EX_NOPERM : EX_CANTCREAT;
	}
	host->edge = tn_edge_create(host->deployment, host->access_log);
	return host->edge ? 0 : EX_UNAVAILABLE;
}

static int serve(struct host *host)
{
	struct tn_loop_options options = {
		.listeners = host->sockets,
		.listener_count = host->listener_count,
		.signals = host->signals,
		.drain_timeout = host->plan->settings.drain_timeout,
		.access_log = host->access_log,
		.activity = host->deployment->activity,
	};

	switch (tn_loop_run(host->edge, &options)) {
	case TN_LOOP_DRAINED:
		return 0;
	case TN_LOOP_DEADLINE:
		return EX_TEMPFAIL;
	default:
		return EX_SOFTWARE;
	}
}

static int host_run(struct host *host, const struct tn_arguments *arguments)
{
	int code = load(host, arguments);

	if (!code)
		code = bind_all(host);
	if (!code)
		code = open_edge(host);
	if (!code)
		code = start(host);
	if (!code)
		code = take_signals(host);
	if (!code)
		code = listen_all(host);
	if (!code)
		code = serve(host);
	return code;
}

static void finish(struct host *host)
{
	tn_edge_destroy(host->edge);
	tn_access_log_destroy(host->access_log);
	tn_deployment_destroy(host->deployment);
	tn_plan_destroy(host->plan);
	tn_config_destroy(host->config);
	tn_errors_finish(&host->errors);
}

int tn_command_run(const struct tn_arguments *arguments)
{
	struct host host = { .signals = -1 };
	int code = host_run(&host, arguments);

	finish(&host);
	return code;
}
