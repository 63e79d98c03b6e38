#include "command/command.h"
#include "command/input.h"
#include "supervise/announce.h"
#include "supervise/host.h"
#include "supervise/privileges.h"
#include "supervise/supervisor.h"

#include <sysexits.h>
#include <unistd.h>

#define LABEL_SIZE 256

/* ---- One process --------------------------------------------------------------------------- */

/* What --single has beside the host. */
struct single {
	struct tn_listener listeners[TN_LISTEN_MAX];
	int sockets[TN_LISTEN_MAX];
};

static int refuse(struct tn_host *host, int code, const char *reason)
{
	const struct tn_entry *entry = tn_keys_find(&host->plan->host, "listen");
	struct tn_place whole = { .file = tn_config_path(host->plan->config) };
	char label[LABEL_SIZE];

	tn_errors_add(&host->errors, entry ? entry->place : whole, "%s: listen: %s",
	              entry ? tn_section_label(entry->section, label, sizeof(label)) : "[host]",
	              reason);
	host->report(host);
	return code;
}

static int bind_all(struct tn_host *host)
{
	const struct tn_settings *settings = &host->plan->settings;
	struct single *single = host->argument;
	char reason[TN_REASON_SIZE];

	for (size_t i = 0; i < settings->listen_count; i++) {
		int code = tn_listener_bind(&single->listeners[i], &settings->listen[i], reason,
		                            sizeof(reason));

		if (code)
			return refuse(host, code, reason);
		single->sockets[i] = single->listeners[i].socket;
		host->socket_count++;
	}
	return 0;
}

/* After the start hooks: who connects earlier would wait for a host that may not come up. */
static int listen_all(struct tn_host *host)
{
	const struct single *single = host->argument;
	char reason[TN_REASON_SIZE];

	tn_announce_fallback(host->plan);
	for (size_t i = 0; i < host->socket_count; i++) {
		int code = tn_listener_listen(&single->listeners[i], reason, sizeof(reason));

		if (code)
			return refuse(host, code, reason);
		tn_announce_listener(&single->listeners[i]);
	}
	return 0;
}

static void report(struct tn_host *host)
{
	tn_errors_print(&host->errors, stderr);
}

/* It has its sockets, and secrets, from the same process that loads the modules. */
static bool stays_who_it_is(struct tn_host *host)
{
	const struct tn_entry *entry = tn_keys_find(&host->plan->host, "user");
	struct tn_privileges privileges;
	char label[LABEL_SIZE];

	if (!tn_privileges_find(host->plan, &privileges, &host->errors))
		return false;
	if (privileges.keeps || privileges.user == geteuid())
		return true;
	tn_errors_add(&host->errors, entry->place,
	              "%s: user: '%s': --single does not become another user: start it as that "
	              "user, or without --single",
	              tn_section_label(entry->section, label, sizeof(label)), entry->value);
	return false;
}

static int run_plan(struct tn_host *host)
{
	if (stays_who_it_is(host))
		return tn_host_run(host);
	host->report(host);
	return EX_CONFIG;
}

static int run_single(const struct tn_arguments *arguments)
{
	struct single single;
	struct tn_host host = {
		.sockets = single.sockets,
		.log = -1,
		.bind = bind_all,
		.ready = listen_all,
		.report = report,
		.argument = &single,
	};
	struct tn_config *config;
	struct tn_plan *plan = NULL;
	int code = tn_input_read(arguments->file, NULL, &config, &host.errors);

	if (!code) {
		plan = tn_plan_create(config, arguments->environment, &host.errors);
		host.plan = plan;
		code = plan ? run_plan(&host) : EX_OSERR;
	}
	tn_plan_destroy(plan);
	tn_config_destroy(config);
	tn_errors_finish(&host.errors);
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
