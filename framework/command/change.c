#include "command/change.h"

#include "command/input.h"
#include "command/trial.h"
#include "deploy/nearest.h"
#include "deploy/secret_source.h"
#include "deploy/span.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

#define NAME_SIZE 256
#define HINT_SIZE 320
#define ADVICE_SIZE 512

static int lock_configuration(struct tn_change *change);
static int read_configuration(struct tn_change *change);
static int find_section(struct tn_change *change, const char *word);
static int lock_section(struct tn_change *change);

int tn_change_begin(struct tn_change *change, const char *path, const char *section)
{
	int code;

	*change = (struct tn_change){ .path = path, .lock = -1 };
	code = lock_configuration(change);
	if (!code)
		code = read_configuration(change);
	if (!code)
		code = find_section(change, section);
	if (!code)
		code = lock_section(change);
	return code;
}

void tn_change_finish(struct tn_change *change)
{
	free(change->edited.text);
	tn_replace_finish(&change->replacement);
	tn_plan_destroy(change->plan);
	tn_config_destroy(change->config);
	if (change->path && change->lock >= 0)
		close(change->lock);
	*change = (struct tn_change){ .lock = -1 };
}

void tn_change_say(const struct tn_change *change, struct tn_place place, const char *key,
                   const char *format, ...)
{
	char label[NAME_SIZE], line[16] = "";
	char *text = NULL;
	va_list list;

	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	va_end(list);
	if (place.line)
		snprintf(line, sizeof(line), ":%u", place.line);
	tn_complain("%s%s: %s: %s: %s", place.file, line,
	            tn_section_label(change->section, label, sizeof(label)), key,
	            text ? text : "out of memory");
	free(text);
}

/* ---- Finding and locking ------------------------------------------------------------------- */

static int refuse(const char *path, int code, const char *reason)
{
	tn_complain("%s: %s", path, reason);
	return code;
}

/*
 * Two that change different files of one configuration would each try the other's old text: the
 * lock of the first file is there for all of them. That it cannot be had is for those to tell that
 * read it.
 */
static int lock_configuration(struct tn_change *change)
{
	struct stat status;

	if (stat(change->path, &status))
		return 0;
	if (!S_ISREG(status.st_mode))
		return refuse(change->path, EX_CONFIG,
		              "it is not a regular file: name the one that is to be changed");
	change->lock = open(change->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (change->lock < 0 || !flock(change->lock, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
		return 0;
	return refuse(change->path, EX_TEMPFAIL,
	              "another command is changing it: try again when that has ended");
}

static int check_lock(const struct tn_change *change)
{
	struct tn_file locked = { 0 };

	if (change->lock < 0 || (!fstat(change->lock, &locked.status) &&
	                         tn_file_same(&locked, &change->config->files[0])))
		return 0;
	return refuse(change->path, EX_TEMPFAIL, "it was replaced in this moment: try again");
}

static int read_configuration(struct tn_change *change)
{
	struct tn_errors errors = { 0 };
	int code = tn_input_read(change->path, NULL, &change->config, &errors);

	if (!code && errors.errors) {
		tn_errors_print(&errors, stderr);
		code = refuse(change->path, EX_CONFIG, "it is not changed before that is mended");
	}
	if (!code) {
		change->plan = tn_plan_create(change->config, NULL, &errors);
		code = change->plan ? check_lock(change)
		                    : refuse(change->path, EX_OSERR, "out of memory");
	}
	tn_errors_finish(&errors);
	return code;
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "auth", "[host@staging]" or "[worker auth]" into a kind and a name. */
static const char *read_name(const char *word, char *name)
{
	size_t size = strlen(word);
	const char *kind = "worker";

	if (begins(word, "[host") && word[size - 1] == ']') {
		word += strlen("[host");
		kind = "host";
	} else if (begins(word, "[worker ") && word[size - 1] == ']') {
		word += strlen("[worker ");
	} else {
		snprintf(name, NAME_SIZE, "%s", word);
		return kind;
	}
	snprintf(name, NAME_SIZE, "%.*s", (int)strlen(word) - 1, word);
	return kind;
}

static void write_hint(const struct tn_config *config, const char *kind, const char *name,
                       char *hint)
{
	struct tn_nearest nearest = { .wanted = name };

	for (size_t i = 0; i < config->count; i++)
		if (strcmp(config->sections[i]->kind, kind) == 0)
			tn_nearest_try(&nearest, config->sections[i]->name);
	if (strcmp(kind, "worker") != 0 && nearest.name)
		snprintf(hint, HINT_SIZE, " (did you mean '[%s%s]'?)", kind, nearest.name);
	else if (nearest.name)
		tn_nearest_hint(&nearest, hint, HINT_SIZE);
	else if (strcmp(name, "host") == 0 || begins(name, "host@"))
		snprintf(hint, HINT_SIZE, " (for the section of the host write '[%s]')", name);
}

/* A variant of what is there is new rather than mistyped. */
static void write_advice(const struct tn_config *config, const char *kind, const char *name,
                         char *advice)
{
	bool is_worker = strcmp(kind, "worker") == 0;
	const char *at = strchr(name, '@');
	char base[NAME_SIZE];

	snprintf(base, sizeof(base), "%.*s", at ? (int)(at - name) : 0, name);
	if (at && at[1] && (!is_worker || tn_config_find(config, kind, base)))
		snprintf(advice, ADVICE_SIZE,
		         ": to make it, write its section first: [%s%s%s]", kind,
		         is_worker ? " " : "", name);
}

static int find_section(struct tn_change *change, const char *word)
{
	char name[NAME_SIZE], hint[HINT_SIZE] = "", label[2 * NAME_SIZE];
	char advice[ADVICE_SIZE] = "";
	const char *kind = read_name(word, name);

	change->section = tn_config_find(change->config, kind, name);
	if (change->section)
		return 0;
	write_hint(change->config, kind, name, hint);
	if (strcmp(kind, "worker") == 0)
		snprintf(label, sizeof(label), "worker '%s'", name);
	else
		snprintf(label, sizeof(label), "section [%s%s]", kind, name);
	write_advice(change->config, kind, name, advice);
	tn_complain("%s: there is no %s%s%s%s", change->path, label,
	            change->config->file_count > 1 ? " in it and what it includes" : "", hint,
	            advice);
	return EX_USAGE;
}

static const struct tn_file *find_file(const struct tn_config *config, const char *path)
{
	size_t i = 0;

	while (i + 1 < config->file_count && strcmp(config->files[i].path, path) != 0)
		i++;
	return &config->files[i];
}

static bool same_text(const struct tn_file *one, const struct tn_file *other)
{
	return tn_file_same(one, other) && one->size == other->size &&
	       memcmp(one->text, other->text, one->size) == 0;
}

/* Where it is in the first file, that lock is let go for the one with which it is replaced. */
static int lock_section(struct tn_change *change)
{
	char reason[TN_REASON_SIZE];
	int code;

	change->file = find_file(change->config, change->section->place.file);
	if (change->file == &change->config->files[0] && change->lock >= 0) {
		close(change->lock);
		change->lock = -1;
	}
	code = tn_replace_begin(&change->replacement, change->file->path, reason);
	if (code)
		return refuse(change->file->path, code, reason);
	if (same_text(&change->replacement.file, change->file))
		return 0;
	return refuse(change->file->path, EX_TEMPFAIL, "it was changed in this moment: try again");
}

/* ---- The change ---------------------------------------------------------------------------- */

static unsigned last_line(const struct tn_section *section)
{
	unsigned line = section->place.line;

	for (size_t i = 0; i < section->count; i++)
		if (section->entries[i].place.line > line)
			line = section->entries[i].place.line;
	return line;
}

static int complain(const struct tn_change *change, const char *key, const char *problem)
{
	struct tn_place file = { change->file->path, 0 };

	if (!problem)
		return 0;
	tn_change_say(change, file, key, "%s", problem);
	return EX_CONFIG;
}

int tn_change_set(struct tn_change *change, const char *key, const char *value)
{
	const struct tn_entry *entry = tn_section_find(change->section, key);
	const struct tn_file *file = change->file;

	if (entry)
		return complain(change, key,
		                tn_edit_replace(file->text, file->size, entry->place.line, value,
		                                &change->edited));
	return complain(change, key,
	                tn_edit_insert(file->text, file->size, last_line(change->section), key,
	                               value, &change->edited));
}

int tn_change_remove(struct tn_change *change, const struct tn_entry *entry)
{
	return complain(change, entry->key,
	                tn_edit_remove(change->file->text, change->file->size, entry->place.line,
	                               &change->edited));
}

int tn_change_commit(struct tn_change *change)
{
	char reason[TN_REASON_SIZE];
	int code = tn_replace_commit(&change->replacement, change->edited.text,
	                             change->edited.size, reason);

	return code ? refuse(change->file->path, code, reason) : 0;
}

/* ---- What there is ------------------------------------------------------------------------- */

static const struct tn_plan_worker *worker_of(const struct tn_change *change)
{
	if (strcmp(change->section->kind, "worker") != 0)
		return NULL;
	return tn_plan_find(change->plan, change->section->name);
}

const struct tn_entry *tn_change_inherited(const struct tn_change *change, const char *key)
{
	const struct tn_section *host = tn_config_find(change->config, "host", "");
	const struct tn_plan_worker *worker = worker_of(change);

	if (!change->section->variant || strcmp(key, "route") == 0)
		return NULL;
	if (worker)
		return worker->parent ? tn_keys_find(&worker->parent->keys, key) : NULL;
	return host ? tn_section_find(host, key) : NULL;
}

const char *tn_change_hint(const struct tn_change *change, const char *key, char *text, size_t room)
{
	const struct tn_plan_worker *worker = worker_of(change);
	struct tn_nearest nearest = { .wanted = key };

	for (size_t i = 0; i < change->section->count; i++)
		tn_nearest_try(&nearest, change->section->entries[i].key);
	for (size_t i = 0; worker && i < worker->keys.count; i++)
		tn_nearest_try(&nearest, worker->keys.list[i]->key);
	return tn_nearest_hint(&nearest, text, room);
}

/* ---- The trial ----------------------------------------------------------------------------- */

/* What is tried: the configuration as it would be. */
struct attempt {
	const struct tn_change *change;
	const struct tn_config *config;
	const struct tn_errors *syntax;
	const struct tn_section *section;
	struct tn_place changed;
	bool tried;  /* in some environment, or in none */
	bool loaded; /* a Worker that has the section's keys was */
};

static bool descends(const struct tn_plan_worker *worker, const struct tn_section *section)
{
	while (worker && worker->section != section)
		worker = worker->parent;
	return worker;
}

/* Whether the environment leads to a Worker that has the section's keys. */
static bool leads_to(const struct tn_config *config, const struct tn_section *section,
                     const char *environment)
{
	struct tn_errors ignored = { 0 };
	struct tn_plan *plan = tn_plan_create(config, environment, &ignored);
	bool found = false;

	for (size_t i = 0; plan && i < plan->count && !found; i++)
		found = plan->workers[i].reachable && descends(&plan->workers[i], section);
	tn_plan_destroy(plan);
	tn_errors_finish(&ignored);
	return found;
}

/* What is noted of the deployment as a whole is told once. */
static int try_in(struct attempt *attempt, const char *environment)
{
	const struct tn_trial trial = {
		.config = attempt->config,
		.syntax = attempt->syntax,
		.environment = environment,
		.quiet = true,
		.no_warnings = attempt->tried,
		.changed = &attempt->changed,
	};

	attempt->tried = true;
	return tn_trial_run(&trial);
}

/* As it is now. Secrets of all lines may be missing. */
static int try_unchanged(const struct attempt *attempt, const char *environment)
{
	const struct tn_errors none = { 0 };
	const struct tn_place nowhere = { attempt->changed.file, 0 };
	const struct tn_trial trial = {
		.config = attempt->change->config,
		.syntax = &none,
		.environment = environment,
		.quiet = true,
		.silent = true,
		.no_warnings = true,
		.changed = &nowhere,
	};

	return tn_trial_run(&trial);
}

/* One that is not valid as it is does not keep the others from a change. */
static int try_environment(struct attempt *attempt, const char *environment)
{
	int code = try_in(attempt, environment);

	if (code != EX_CONFIG || try_unchanged(attempt, environment) != EX_CONFIG)
		return code;
	tn_complain("%s: warning: environment '%s' is not valid, and was not before this change "
	            "(the lines above are those that it has)",
	            attempt->change->path, environment);
	return 0;
}

/* A change may also take away what led to it. */
static bool is_concerned(struct attempt *attempt, const char *environment)
{
	const struct tn_section *section = attempt->section;
	bool leads;

	if (strcmp(section->kind, "worker") != 0)
		return !section->variant || strcmp(section->variant, environment) == 0;
	leads = leads_to(attempt->config, section, environment);
	attempt->loaded = attempt->loaded || leads;
	return leads ||
	       leads_to(attempt->change->config, attempt->change->section, environment);
}

/* Whether no section before it is of the same environment. */
static bool is_first(const struct tn_config *config, size_t number)
{
	const char *environment = config->sections[number]->variant;

	for (size_t i = 0; i < number; i++) {
		const char *other = config->sections[i]->variant;

		if (other && strcmp(other, environment) == 0)
			return false;
	}
	return true;
}

static int try_environments(struct attempt *attempt)
{
	const struct tn_config *config = attempt->config;
	int code = 0;

	for (size_t i = 0; i < config->count && !code; i++) {
		const char *environment = config->sections[i]->variant;

		if (environment && is_first(config, i) && is_concerned(attempt, environment))
			code = try_environment(attempt, environment);
	}
	return code;
}

static int try_all(struct attempt *attempt)
{
	const struct tn_section *section = attempt->section;
	int code = try_in(attempt, NULL);

	if (!code)
		code = try_environments(attempt);
	if (code || strcmp(section->kind, "worker") != 0 || attempt->loaded ||
	    leads_to(attempt->config, section, NULL))
		return code;
	tn_complain("worker '%s': no route leads to it, so its module and its bindings were not "
	            "tried",
	            section->name);
	return 0;
}

int tn_change_try(const struct tn_change *change, const char *text, size_t size, unsigned line)
{
	struct tn_file edited = *change->file;
	struct tn_config *config = NULL;
	struct tn_errors syntax = { 0 };
	struct attempt attempt = { .change = change, .syntax = &syntax };
	int code;

	edited.text = (char *)(uintptr_t)text;
	edited.size = size;
	attempt.changed = (struct tn_place){ change->file->path, line };
	code = tn_input_read(change->path, &edited, &config, &syntax);
	if (!code) {
		attempt.config = config;
		attempt.section =
			tn_config_find(config, change->section->kind, change->section->name);
		code = attempt.section ? try_all(&attempt) : EX_SOFTWARE;
		if (code == EX_CONFIG)
			tn_complain("%s: left as it was: with this change it would not be valid "
			            "(the lines above are those that it would have)",
			            change->file->path);
	}
	tn_config_destroy(config);
	tn_errors_finish(&syntax);
	return code;
}

/* ---- The difference ------------------------------------------------------------------------ */

/* The line of that number with its end; empty where there is none. */
static struct tn_span line_of(const char *text, size_t size, unsigned number)
{
	struct tn_span rest = { text, size };
	size_t end;

	for (;; rest = tn_span_behind(rest, end)) {
		const char *newline = rest.size ? memchr(rest.data, '\n', rest.size) : NULL;

		end = newline ? (size_t)(newline + 1 - rest.data) : rest.size;
		if (--number == 0 || !end)
			return (struct tn_span){ rest.data, end };
	}
}

static bool ends(struct tn_span line)
{
	return line.size && line.data[line.size - 1] == '\n';
}

static void print_line(char sign, struct tn_span line)
{
	printf("%c%.*s%s", sign, (int)line.size, line.data,
	       ends(line) ? "" : "\n\\ No newline at end of file\n");
}

/* A secret that was written into the file itself is not shown. */
static bool holds_secret(struct tn_span line)
{
	size_t equals = tn_span_find(line, "=");
	struct tn_span value;

	if (!tn_span_begins(line, "secret.") || equals == line.size)
		return false;
	value = tn_span_trim(tn_span_behind(line, equals + 1));
	if (tn_span_begins(value, "\""))
		value = tn_span_behind(value, 1);
	return value.size && !tn_secret_is_source(value.data);
}

/* Behind a last line that had no end, that one changes as well. */
static void print_added(const struct tn_edited *edited, struct tn_span above)
{
	if (ends(above)) {
		printf("@@ -%u,0 +%u @@\n", edited->line - 1, edited->line);
	} else {
		printf("@@ -%u +%u,2 @@\n", edited->line - 1, edited->line - 1);
		print_line('-', above);
		print_line('+', line_of(edited->text, edited->size, edited->line - 1));
	}
	print_line('+', line_of(edited->text, edited->size, edited->line));
}

static void print(const struct tn_change *change)
{
	const struct tn_edited *edited = &change->edited;
	const struct tn_file *file = change->file;
	struct tn_span above = line_of(file->text, file->size, edited->line - 1);
	struct tn_span before = line_of(file->text, file->size, edited->line);

	if (edited->added ? !ends(above) && holds_secret(above) : holds_secret(before)) {
		tn_complain("%s:%u: the difference is not shown: the line held a secret",
		            file->path, edited->line);
		return;
	}
	printf("--- %s\n+++ %s\n", file->path, file->path);
	if (edited->added) {
		print_added(edited, above);
		return;
	}
	if (edited->removed)
		printf("@@ -%u +%u,0 @@\n", edited->line, edited->line - 1);
	else
		printf("@@ -%u +%u @@\n", edited->line, edited->line);
	print_line('-', before);
	if (!edited->removed)
		print_line('+', line_of(edited->text, edited->size, edited->line));
}

int tn_change_print(const struct tn_change *change)
{
	print(change);
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	tn_complain("%s: it has been changed, but the difference cannot be shown: standard output "
	            "cannot be written: %s",
	            change->file->path, strerror(errno));
	__fpurge(stdout); /* it is told, and once is enough */
	clearerr(stdout);
	return EX_IOERR;
}
