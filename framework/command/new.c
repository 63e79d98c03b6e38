/* new.c - `tenon new`: a Worker with its test and its section, and what a project lacks. */
#include "command/blank.h"
#include "command/command.h"
#include "command/input.h"
#include "command/made.h"
#include "command/makefile.h"
#include "deploy/binding.h"
#include "deploy/edit.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define KEYS_MOST (3 * TN_ARGUMENTS_FIELDS + 1)
#define KEY_SIZE 64
#define NAME_SIZE 40 /* what is longer is refused */
#define SECRET_BYTES 24

/* Where things go: `sources` and `tests` end with a slash, or are empty. */
struct layout {
	const char *file;         /* the configuration */
	char directory[PATH_MAX]; /* that it is in, as above */
	const char *sources, *tests;
	const char *includes; /* what leads from a test to the sources */
	bool is_tree;         /* this is Tenon's own tree */
	bool is_new;          /* there is no configuration yet */
	const char *makefile; /* that is there already; NULL: there is none */
};

/* What is to be: the text of the configuration grows by a section for each Worker. */
struct project {
	const struct tn_arguments *arguments;
	struct layout layout;
	struct tn_replacement replacement; /* of a configuration that is there */
	struct tn_config *config;          /* that as it is; NULL */
	char *modules;                     /* the value of `modules` */
	char *text;
	size_t size;
	struct tn_made made;
};

static int check_names(const struct tn_arguments *arguments);
static int find_layout(struct layout *layout, const struct tn_arguments *arguments);
static int open_configuration(struct project *project);
static int add_workers(struct project *project);
static void add_surroundings(struct project *project);
static int try_configuration(const struct project *project);
static int carry_out(struct project *project);
static void finish(struct project *project);

int tn_command_new(const struct tn_arguments *arguments)
{
	struct project project = { .arguments = arguments, .replacement = { .lock = -1 } };
	int code = check_names(arguments);

	if (!code)
		code = find_layout(&project.layout, arguments);
	if (!code)
		code = open_configuration(&project);
	if (!code)
		code = add_workers(&project);
	if (!code)
		code = try_configuration(&project);
	if (!code)
		code = carry_out(&project);
	finish(&project);
	return code;
}

static void finish(struct project *project)
{
	tn_made_finish(&project->made);
	tn_config_destroy(project->config);
	tn_replace_finish(&project->replacement);
	free(project->modules);
	free(project->text);
}

static int no_memory(void)
{
	tn_complain("out of memory");
	return EX_OSERR;
}

/* ---- Names --------------------------------------------------------------------------------- */

/* One that the host does not take is no name in C, either. */
static int check_name(const char *what, const char *name)
{
	char text[256];
	const char *problem = tn_blank_refuse(name, text, sizeof(text));

	if (!problem)
		return 0;
	tn_complain("%s'%s': %s", what, name, problem);
	return EX_USAGE;
}

static bool same_name(const char *one, const char *other)
{
	int size = tn_blank_name_size(one);

	return size == tn_blank_name_size(other) && strncmp(one, other, (size_t)size) == 0;
}

/* All are fields of one struct. */
static int check_field(const struct tn_fields *const lists[3], const char *option, size_t list,
                       size_t number)
{
	const char *field = lists[list]->list[number];
	char name[KEY_SIZE];
	int code;

	snprintf(name, sizeof(name), "%.*s", tn_blank_name_size(field), field);
	code = check_name(option, name);
	for (size_t i = 0; i <= list && !code; i++) {
		for (size_t j = 0; j < (i < list ? lists[i]->count : number); j++) {
			if (!same_name(lists[i]->list[j], field))
				continue;
			tn_complain("%s'%s': there is a field of that name already: an env has "
			            "one of each",
			            option, name);
			return EX_USAGE;
		}
	}
	return code;
}

static int check_names(const struct tn_arguments *arguments)
{
	static const char *const options[] = { "--service ", "--var ", "--secret " };
	const struct tn_fields *const lists[] = {
		&arguments->services,
		&arguments->vars,
		&arguments->secrets,
	};
	int code = check_name("", arguments->file);

	if (!code && strncmp(arguments->file, "test_", strlen("test_")) == 0) {
		tn_complain("'%s': test_NAME.c is the test of NAME: write another",
		            arguments->file);
		return EX_USAGE;
	}
	for (size_t list = 0; list < 3; list++)
		for (size_t i = 0; i < lists[list]->count && !code; i++)
			code = check_field(lists, options[list], list, i);
	for (size_t i = 0; i < arguments->services.count && !code; i++) {
		if (strcmp(arguments->services.list[i], arguments->file) != 0)
			continue;
		tn_complain("--service '%s': a Worker that calls itself never answers",
		            arguments->file);
		return EX_USAGE;
	}
	if (!code && arguments->private && arguments->route) {
		tn_complain("--private and --route: without a route it is private: write one");
		return EX_USAGE;
	}
	return code;
}

/* ---- Where --------------------------------------------------------------------------------- */

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* By what its Makefile builds Workers from. */
static bool is_tree(void)
{
	return exists("include/tenon.h") && exists("plugins") && exists("tests/plugins") &&
	       exists("etc/tenon.ini");
}

static int find_layout(struct layout *layout, const struct tn_arguments *arguments)
{
	const char *file = arguments->configuration;
	const char *slash;

	layout->is_tree = !file && is_tree();
	if (!file)
		file = layout->is_tree ? "etc/tenon.ini" : "tenon.ini";
	slash = strrchr(file, '/');
	layout->file = file;
	snprintf(layout->directory, sizeof(layout->directory), "%.*s",
	         slash ? (int)(slash - file) + 1 : 0, file);
	layout->sources = layout->is_tree ? "plugins/" : layout->directory;
	layout->tests = layout->is_tree ? "tests/plugins/" : layout->directory;
	layout->includes = layout->is_tree ? "../../plugins/" : "";
	layout->is_new = !exists(file);
	layout->makefile = tn_makefile_find(layout->directory);
	if (*layout->directory && !exists(layout->directory)) {
		tn_complain("%s: there is no directory '%s': make it first", file,
		            layout->directory);
		return EX_NOINPUT;
	}
	return 0;
}

/* ---- The configuration --------------------------------------------------------------------- */

/* Where the Makefile is to put the modules, if there is none yet. */
static char *find_modules(const struct tn_config *config)
{
	const struct tn_section *host = tn_config_find(config, "host", "");
	const struct tn_entry *entry = host ? tn_section_find(host, "modules") : NULL;

	return strdup(entry && *entry->value ? entry->value : ".");
}

/* No error of form is in it; what it means is looked at with the new section. */
static int read_old(const char *path, struct tn_config **config)
{
	struct tn_errors errors = { 0 };
	int code = tn_input_read(path, NULL, config, &errors);

	tn_errors_print(&errors, stderr);
	if (!code && errors.errors) {
		tn_complain("%s: nothing was made: mend that first", path);
		code = EX_CONFIG;
	}
	tn_errors_finish(&errors);
	return code;
}

static int open_old(struct project *project)
{
	struct tn_config *config = NULL;
	char reason[TN_REASON_SIZE];
	int code = tn_replace_begin(&project->replacement, project->layout.file, reason);

	if (code) {
		tn_complain("%s: %s", project->layout.file, reason);
		return code;
	}
	code = read_old(project->layout.file, &config);
	project->config = config;
	if (code)
		return code;
	project->size = project->replacement.file.size;
	project->text = strndup(project->replacement.file.text, project->size);
	project->modules = find_modules(config);
	return project->text && project->modules ? 0 : no_memory();
}

static int open_configuration(struct project *project)
{
	if (!project->layout.is_new)
		return open_old(project);
	project->text = tn_blank_configuration();
	project->modules = strdup("build");
	if (!project->text || !project->modules)
		return no_memory();
	project->size = strlen(project->text);
	return 0;
}

static bool has_worker(const struct project *project, const char *name)
{
	return project->config && tn_config_find(project->config, "worker", name);
}

/* As it would be. Modules are not built yet, so that nothing is loaded. */
static int try_configuration(const struct project *project)
{
	struct tn_file edited = project->replacement.file;
	struct tn_input input = { 0 };
	int code = 0;

	edited.text = project->text;
	edited.size = project->size;
	if (project->layout.is_new)
		input.config = tn_config_parse(project->layout.file, edited.text, edited.size,
		                               &input.errors);
	else
		code = tn_input_read(project->layout.file, &edited, &input.config, &input.errors);
	if (!code && input.config)
		input.plan = tn_plan_create(input.config, NULL, &input.errors);
	if (input.plan)
		tn_binding_check_keys(input.plan, NULL, &input.errors);
	else if (!code)
		code = no_memory();
	tn_errors_print(&input.errors, stderr);
	if (!code && input.errors.errors) {
		tn_complain("%s: nothing was made: with the new section it would not be valid (the "
		            "lines above are those that it would have)",
		            project->layout.file);
		code = EX_CONFIG;
	}
	tn_input_finish(&input);
	return code;
}

/* ---- A Worker ------------------------------------------------------------------------------ */

/* The keys of a section, in memory of their own. */
struct keys {
	struct tn_edit_key list[KEYS_MOST];
	char names[KEYS_MOST][KEY_SIZE];
	char files[TN_ARGUMENTS_FIELDS][3 * KEY_SIZE];
	size_t count;
};

static void add_key(struct keys *keys, const char *kind, int size, const char *name,
                    const char *value)
{
	char *key = keys->names[keys->count];

	snprintf(key, KEY_SIZE, "%s%.*s", kind, size < NAME_SIZE ? size : NAME_SIZE, name);
	keys->list[keys->count++] = (struct tn_edit_key){ key, value };
}

static char *make_secret(void)
{
	unsigned char bytes[SECRET_BYTES];
	char *text = calloc(2, sizeof(bytes) + 1);

	if (!text || getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		free(text);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

/* The name of its file is the one that `tenon secret` gives. */
static void add_secrets(struct project *project, struct keys *keys, const struct tn_blank *blank)
{
	for (size_t i = 0; i < blank->secrets->count; i++) {
		const char *secret = blank->secrets->list[i];
		char *file = keys->files[i];

		snprintf(file, sizeof(keys->files[i]), "file:%s.%s.secret", blank->name, secret);
		add_key(keys, "secret.", (int)strlen(secret), secret, file);
		tn_made_add(&project->made, make_secret(), 0600, "%s%s",
		            project->layout.directory, file + strlen("file:"));
	}
}

static int add_section(struct project *project, const char *name, const struct keys *keys)
{
	char header[KEY_SIZE];
	struct tn_edited edited;
	const char *problem;
	size_t wrong = 0;

	snprintf(header, sizeof(header), "worker %s", name);
	problem = tn_edit_section(project->text, project->size, header, keys->list, keys->count,
	                          &edited, &wrong);
	if (problem) {
		tn_complain("%s: [%s]: %s: %s; nothing was made", project->layout.file, header,
		            wrong < keys->count ? keys->list[wrong].key : "section", problem);
		free(edited.text);
		return EX_USAGE;
	}
	free(project->text);
	project->text = edited.text;
	project->size = edited.size;
	return 0;
}

static int add_worker(struct project *project, const struct tn_blank *blank, const char *route)
{
	const struct layout *layout = &project->layout;
	struct keys keys = { .count = 0 };

	tn_made_add(&project->made, tn_blank_worker(blank), 0666, "%s%s.c", layout->sources,
	            blank->name);
	tn_made_add(&project->made, tn_blank_test(blank), 0666, "%stest_%s.c", layout->tests,
	            blank->name);
	if (route)
		add_key(&keys, "route", 0, "", route);
	for (size_t i = 0; i < blank->services->count; i++)
		add_key(&keys, "service.", KEY_SIZE, blank->services->list[i],
		        blank->services->list[i]);
	for (size_t i = 0; i < blank->vars->count; i++) {
		const char *var = blank->vars->list[i];
		int size = tn_blank_name_size(var);

		add_key(&keys, "var.", size, var, var[size] ? var + size + 1 : "to be written");
	}
	add_secrets(project, &keys, blank);
	return add_section(project, blank->name, &keys);
}

/* One that is bound, and not there yet: it has no binding, and no route. */
static int add_stub(struct project *project, const char *name)
{
	static const struct tn_fields none = { .count = 0 };
	char source[KEY_SIZE];
	const struct tn_blank blank = {
		.name = name,
		.services = &none,
		.vars = &none,
		.secrets = &none,
		.source = source,
	};

	snprintf(source, sizeof(source), "%s%s.c", project->layout.includes, name);
	return add_worker(project, &blank, NULL);
}

/* The first Worker of all gets every request, and another one a path. */
static const char *find_route(const struct project *project, char *path)
{
	if (project->arguments->private)
		return NULL;
	if (project->arguments->route)
		return project->arguments->route;
	if (project->layout.is_new)
		return "/*";
	snprintf(path, KEY_SIZE, "/%s", project->arguments->file);
	return path;
}

static int add_workers(struct project *project)
{
	const struct tn_arguments *arguments = project->arguments;
	char path[KEY_SIZE], source[KEY_SIZE];
	const struct tn_blank blank = {
		.name = arguments->file,
		.services = &arguments->services,
		.vars = &arguments->vars,
		.secrets = &arguments->secrets,
		.source = source,
	};
	int code;

	if (has_worker(project, blank.name)) {
		tn_complain("%s: there is a worker '%s' already: write another name, or change "
		            "that one with `tenon set`; nothing was made",
		            project->layout.file, blank.name);
		return EX_CANTCREAT;
	}
	snprintf(source, sizeof(source), "%s%s.c", project->layout.includes, blank.name);
	code = add_worker(project, &blank, find_route(project, path));
	for (size_t i = 0; i < blank.services->count && !code; i++)
		if (!has_worker(project, blank.services->list[i]))
			code = add_stub(project, blank.services->list[i]);
	if (!code)
		add_surroundings(project);
	return code ? code : tn_made_check(&project->made);
}

/* ---- The rest ------------------------------------------------------------------------------ */

static bool is_missing(const struct project *project, const char *name)
{
	char *path = NULL;
	bool missing = asprintf(&path, "%s%s", project->layout.directory, name) >= 0 &&
	               !exists(path);

	free(path);
	return missing;
}

/* The file's name as seen from the Makefile beside it. */
static const char *base_name(const struct layout *layout)
{
	return layout->file + strlen(layout->directory);
}

static void add_surroundings(struct project *project)
{
	const struct layout *layout = &project->layout;
	struct tn_made *made = &project->made;

	if (!layout->is_tree && !layout->makefile)
		tn_made_add(made, tn_blank_makefile(base_name(layout), project->modules), 0666,
		            "%sMakefile", layout->directory);
	if (!layout->is_tree && is_missing(project, ".gitignore"))
		tn_made_add(made, tn_blank_gitignore(), 0666, "%s.gitignore", layout->directory);
	if (layout->is_new)
		tn_made_add(made, strdup(project->text), 0666, "%s", layout->file);
}

/* The path of the only route, without its '*'; 0 bytes where that has a host. */
static int asked_path(const struct project *project)
{
	const char *route = project->arguments->route ? project->arguments->route : "/";

	return *route == '/' ? (int)strcspn(route, "*, ") : 0;
}

static void say_what_comes_next(const struct project *project)
{
	const struct layout *layout = &project->layout;
	const struct tn_arguments *arguments = project->arguments;
	const char *directory = layout->directory;
	const char *in = *directory ? ", in " : "";
	int path = layout->is_new && !arguments->private ? asked_path(project) : 0;

	if (layout->is_new && layout->makefile && !layout->is_tree)
		tn_complain("%s%s was there already, and is as it was: have it make %s/%s.so of "
		            "%s.c, with -shared and what `pkg-config --cflags --libs tenon` says",
		            directory, layout->makefile, project->modules, arguments->file,
		            arguments->file);
	else
		tn_complain("next%s%s: make test, then make run%s%.*s", in, directory,
		            path ? ", then curl -i http://127.0.0.1:8080" : "", path,
		            arguments->route ? arguments->route : "/");
}

static int carry_out(struct project *project)
{
	struct tn_replacement *old = project->layout.is_new ? NULL : &project->replacement;
	int code = tn_made_place(&project->made, old, project->text, project->size);

	if (code)
		return code;
	for (size_t i = 0; i < project->made.count; i++)
		printf("made %s\n", project->made.files[i].path);
	if (old)
		printf("changed %s\n", project->layout.file);
	fflush(stdout); /* what was done stands before what is next, where both go to one file */
	say_what_comes_next(project);
	return 0;
}
