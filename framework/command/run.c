#include "command/command.h"
#include "command/input.h"
#include "deploy/deployment.h"
#include "observe/log.h"
#include "serve/loop.h"
#include "supervise/listener.h"
#include "supervise/signals.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#define REASON_SIZE 512

/* What `run` has opened; each step leaves it so that finish() can close it. */
struct host {
	struct tn_errors errors;
	struct tn_config *config;
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

static int load(struct host *host, const char *path)
{
	static const struct tn_deployment_options options = { 0 };
	int code = tn_input_read(path, &host->config, &host->errors);

	if (code)
		return code;
	host->deployment = tn_deployment_create(host->config, &options, &host->errors);
	tn_errors_print(&host->errors, stderr);
	if (host->errors.errors)
		return EX_CONFIG;
	if (host->deployment) {
		tn_log_set_level((enum tn_log_level)host->deployment->settings.log_level);
		return 0;
	}
	tn_complain("out of memory");
	return EX_OSERR;
}

/* As `check` would: file, line, section and key. */
static void complain_of(const struct host *host, const char *key, const char *problem)
{
	struct tn_errors errors = { 0 };

	tn_errors_add(&errors, tn_settings_place(host->config, key), "[host]: %s: %s", key,
	              problem);
	tn_errors_print(&errors, stderr);
	tn_errors_finish(&errors);
}

static int bind_all(struct host *host)
{
	const struct tn_settings *settings = &host->deployment->settings;
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

	tn_errors_print(&errors, stderr);
	tn_errors_finish(&errors);
	return started ? 0 : EX_CONFIG;
}

static int open_edge(struct host *host)
{
	const char *path = host->deployment->settings.access_log;
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
		.drain_timeout = host->deployment->settings.drain_timeout,
		.access_log = host->access_log,
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

static int host_run(struct host *host, const char *path)
{
	int code = load(host, path);

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
	tn_config_destroy(host->config);
	tn_errors_finish(&host->errors);
}

int tn_command_run(int count, char **arguments)
{
	struct host host = { .signals = -1 };
	int code;

	if (count != 2 || arguments[1][0] == '-') {
		tn_complain("usage: tenon run FILE");
		return EX_USAGE;
	}
	code = host_run(&host, arguments[1]);
	finish(&host);
	return code;
}
