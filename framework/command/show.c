#include "command/show.h"

#include "command/command.h"
#include "command/input.h"
#include "deploy/secret_source.h"
#include "message/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define LABEL_SIZE 256
#define FIRST 3 /* rows before those of the keys: `inherits`, the module and the route */

/* What was asked for. */
struct request {
	const struct tn_input *input;
	const char *name; /* NULL: all */
	struct tn_show_subject host;
	char label[LABEL_SIZE]; /* its name, of a variant */
};

static int choose(struct tn_show *show, struct request *request);

static int answer(const struct tn_input *input, const struct tn_arguments *arguments)
{
	struct request request = {
		.input = input,
		.name = arguments->count ? arguments->words[0] : NULL,
	};
	struct tn_show chosen = { .plan = input->plan, .all = !request.name };
	int code = EX_OSERR;

	if (tn_vault_take(&chosen.vault, input->config))
		code = choose(&chosen, &request);
	else
		tn_complain("out of memory");
	if (!code)
		code = arguments->json ? tn_show_print_json(&chosen) : tn_show_print(&chosen);
	tn_errors_print(&chosen.errors, stderr);
	tn_errors_finish(&chosen.errors);
	tn_vault_finish(&chosen.vault);
	free(chosen.subjects);
	return code;
}

/* Who names [host@staging] means that environment. The name is cut out of `label`. */
static const char *find_environment(const struct tn_arguments *arguments, char *label)
{
	static const char prefix[] = "[host@";
	const char *name = arguments->count ? arguments->words[0] : "";
	const char *end = strchr(name, ']');

	if (arguments->environment || strncmp(name, prefix, strlen(prefix)) != 0 || !end || end[1])
		return arguments->environment;
	name += strlen(prefix);
	snprintf(label, LABEL_SIZE, "%.*s", (int)(end - name), name);
	return label;
}

int tn_command_show(const struct tn_arguments *arguments)
{
	char label[LABEL_SIZE];
	struct tn_input input;
	int code = tn_input_open(&input, arguments->file, find_environment(arguments, label));

	if (!code)
		code = answer(&input, arguments);
	tn_input_finish(&input);
	return code;
}

/* ---- What is shown ------------------------------------------------------------------------- */

/* [host@ENVIRONMENT]; NULL where there is none. */
static const struct tn_section *find_variant(const struct tn_plan *plan)
{
	const char *environment = plan->environment;

	for (size_t i = 0; environment && i < plan->config->count; i++) {
		const struct tn_section *section = plan->config->sections[i];

		if (strcmp(section->kind, "host") == 0 && section->variant &&
		    strcmp(section->variant, environment) == 0)
			return section;
	}
	return NULL;
}

static void find_host(struct request *request)
{
	const struct tn_plan *plan = request->input->plan;
	const struct tn_section *base = tn_config_find(plan->config, "host", "");
	const struct tn_section *section = find_variant(plan);

	request->host = (struct tn_show_subject){
		.name = "[host]",
		.section = section ? section : base,
		.keys = &plan->host,
		.inherits = section && base ? "[host]" : NULL,
	};
	if (section)
		request->host.name =
			tn_section_label(section, request->label, sizeof(request->label));
}

static void add_worker(struct tn_show *show, const struct tn_plan_worker *worker)
{
	static char key[] = "module";
	struct tn_show_subject *subject = &show->subjects[show->count++];

	*subject = (struct tn_show_subject){
		.name = worker->name,
		.worker = worker,
		.section = worker->section,
		.keys = &worker->keys,
		.inherits = worker->parent ? worker->parent->name : NULL,
		.module = tn_keys_find(&worker->keys, key),
		.default_module = { .section = worker->section, .key = key },
	};
	if (!subject->module)
		subject->module = &subject->default_module;
	subject->parent = tn_section_find(worker->section, "inherits");
	subject->route = worker->route ? worker->route : tn_keys_find(&worker->keys, "route");
}

static int add_named(struct tn_show *show, const struct request *request)
{
	const struct tn_plan_worker *worker;

	if (strcmp(request->name, "[host]") == 0 ||
	    strcmp(request->name, request->host.name) == 0) {
		show->subjects[show->count++] = request->host;
		return 0;
	}
	if (strncmp(request->name, "[host", strlen("[host")) == 0) {
		tn_complain("%s: there is no %s in this environment: see %s",
		            tn_config_path(show->plan->config), request->name,
		            request->host.name);
		return EX_USAGE;
	}
	worker = tn_input_worker(request->input, request->name);
	if (!worker)
		return EX_USAGE;
	add_worker(show, worker);
	return 0;
}

/* Fills in the subjects. Returns 0, or the exit code with a line on standard error. */
static int choose(struct tn_show *show, struct request *request)
{
	show->subjects = calloc(show->plan->count + 1, sizeof(show->subjects[0]));
	if (!show->subjects) {
		tn_complain("out of memory");
		return EX_OSERR;
	}
	find_host(request);
	if (request->name)
		return add_named(show, request);
	show->subjects[show->count++] = request->host;
	for (size_t i = 0; i < show->plan->count; i++)
		add_worker(show, &show->plan->workers[i]);
	return 0;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

/* A Worker that the environment does not load has its secrets opened only if it is asked for. */
static struct tn_show_secret look_at(struct tn_show *show, const struct tn_plan_worker *worker,
                                     const struct tn_entry *entry)
{
	struct tn_show_secret secret = {
		.source = tn_secret_is_source(entry->value) ? entry->value : NULL,
	};
	struct tn_secret *value;

	if (show->all && !worker->reachable)
		return secret;
	secret.opened = true;
	value = tn_secret_read(entry, worker->name, &show->vault, &show->errors);
	if (value)
		secret.size = tn_secret_reveal(value).size;
	tn_secret_destroy(value);
	return secret;
}

/* What the value means; for the paths of the host, what they are seen from here. */
static const char *text_of(const struct tn_show *show, const struct tn_show_subject *subject,
                           const struct tn_entry *entry)
{
	const struct tn_settings *settings = &show->plan->settings;
	const char *text = NULL;

	if (subject->worker && strcmp(entry->key, "module") == 0)
		text = subject->worker->module_path;
	if (!subject->worker && strcmp(entry->key, "modules") == 0)
		text = settings->modules;
	if (!subject->worker && strcmp(entry->key, "access_log") == 0)
		text = settings->access_log;
	if (!subject->worker && strcmp(entry->key, "control") == 0)
		text = settings->control;
	if (!subject->worker && strcmp(entry->key, "body_directory") == 0)
		text = settings->body_directory;
	return text ? text : entry->value;
}

size_t tn_show_row_count(const struct tn_show_subject *subject)
{
	return FIRST + subject->keys->count;
}

/* Whom it inherits from, the module, the route, then what is left; NULL for a row that is none. */
static const struct tn_entry *entry_of(const struct tn_show_subject *subject, size_t number)
{
	const struct tn_entry *entry;

	if (number == 0)
		return subject->parent;
	if (number == 1)
		return subject->module;
	if (number == 2)
		return subject->route;
	entry = subject->keys->list[number - FIRST];
	return entry == subject->module || entry == subject->route ? NULL : entry;
}

bool tn_show_row_fill(struct tn_show *show, const struct tn_show_subject *subject, size_t number,
                      struct tn_show_row *row)
{
	const struct tn_plan_worker *worker = subject->worker;
	const struct tn_entry *entry = entry_of(subject, number);

	if (!entry)
		return false;
	*row = (struct tn_show_row){
		.entry = entry,
		.is_default = entry == &subject->default_module,
		.is_route = entry == subject->route,
	};
	if (worker && tn_key_field(entry->key, "secret"))
		row->secret = look_at(show, worker, entry);
	else
		row->text = text_of(show, subject, entry);
	if (worker) {
		row->binding = tn_plan_binding(worker, entry);
		row->is_idle = row->is_route && entry != worker->route;
	}
	return true;
}
