#include "deploy/renew.h"

#include "deploy/nearest.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define HINT_SIZE 320

struct renewal {
	const struct tn_config *running;
	const struct tn_config *disk;
	const struct tn_errors *disk_errors;
	const char *workers;
	struct tn_errors *errors;
	struct tn_file *files; /* of the result */
	size_t count;
};

static const struct tn_section *find(const struct tn_config *config, const char *worker)
{
	return tn_config_find(config, "worker", worker);
}

static bool is_named(const struct renewal *renewal, const struct tn_section *section)
{
	return strcmp(section->kind, "worker") == 0 &&
	       tn_names_have(renewal->workers, section->name);
}

/* ---- What is certain ----------------------------------------------------------------------- */

static struct tn_place whole(const struct renewal *renewal)
{
	return (struct tn_place){ .file = tn_config_path(renewal->running) };
}

static bool same_place(struct tn_place one, struct tn_place other)
{
	return one.file && other.file && one.line == other.line &&
	       strcmp(one.file, other.file) == 0;
}

/* In the words in which a whole reload would tell them. */
static void repeat_errors(const struct renewal *renewal, struct tn_place place)
{
	for (size_t i = 0; i < renewal->disk_errors->count; i++) {
		const struct tn_error *error = &renewal->disk_errors->list[i];

		if (same_place(error->place, place))
			tn_errors_add(renewal->errors, place, "%s", error->text);
	}
}

static int refuse_unknown(const struct renewal *renewal, const char *worker)
{
	const struct tn_config *configs[] = { renewal->disk, renewal->running };
	struct tn_nearest nearest = { .wanted = worker };
	char hint[HINT_SIZE];

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < configs[i]->count; j++)
			if (strcmp(configs[i]->sections[j]->kind, "worker") == 0)
				tn_nearest_try(&nearest, configs[i]->sections[j]->name);
	tn_errors_add(renewal->errors, whole(renewal), "no worker '%s'%s: none runs, and no file "
	                                               "has its section",
	              worker, tn_nearest_hint(&nearest, hint, sizeof(hint)));
	return EX_USAGE;
}

/* A header that may have been meant for it: of a kind that there is not, or of a new Worker that
 * nobody has named, and has nearly its name. NULL: there is none. */
static const struct tn_section *find_misspelt(const struct renewal *renewal, const char *worker)
{
	for (size_t i = 0; i < renewal->disk->count; i++) {
		const struct tn_section *section = renewal->disk->sections[i];
		struct tn_nearest nearest = { .wanted = worker };

		if (strcmp(section->kind, "host") == 0)
			continue;
		tn_nearest_try(&nearest, section->name);
		if (nearest.name && !is_named(renewal, section) &&
		    (strcmp(section->kind, "worker") != 0 ||
		     !find(renewal->running, section->name)))
			return section;
	}
	return NULL;
}

/* The Worker runs, or not, and its section is in no file that could be read. */
static int check_absence(const struct renewal *renewal, const char *worker)
{
	const struct tn_section *misspelt = find_misspelt(renewal, worker);

	if (renewal->disk->gap.file) {
		repeat_errors(renewal, renewal->disk->gap);
		tn_errors_add(renewal->errors, renewal->disk->gap,
		              "worker '%s': no section of it can be found, but it may be in what "
		              "cannot be read here",
		              worker);
		return EX_CONFIG;
	}
	if (!find(renewal->running, worker))
		return refuse_unknown(renewal, worker);
	if (misspelt) {
		tn_errors_add(renewal->errors, misspelt->place,
		              "worker '%s': its section is gone, but [%s %s] may be meant for it: "
		              "correct the header, or name '%s', too",
		              worker, misspelt->kind, misspelt->name, misspelt->name);
		return EX_CONFIG;
	}
	tn_errors_warn(renewal->errors, whole(renewal),
	               "worker '%s': no file has its section any more: the Worker goes", worker);
	return 0;
}

static int check(const struct renewal *renewal, const char *worker)
{
	const struct tn_section *section = find(renewal->disk, worker);

	if (!section)
		return check_absence(renewal, worker);
	if (!section->again.file)
		return 0;
	repeat_errors(renewal, section->again);
	return EX_CONFIG;
}

static int check_all(const struct renewal *renewal)
{
	const char *rest = renewal->workers;
	char name[TN_NAMES_SIZE];
	int code = 0;

	while (tn_names_next(&rest, name)) {
		int failed = check(renewal, name);

		code = code ? code : failed;
	}
	return code;
}

/* ---- Its files ----------------------------------------------------------------------------- */

/* Takes what is in the lines out of the text, but not their ends: the others keep their numbers. */
static void blank_lines(struct tn_file *file, unsigned first, unsigned last)
{
	const char *from = file->text, *end = file->text + file->size;
	char *to = file->text;

	for (unsigned line = 1; from < end; line++) {
		const char *newline = memchr(from, '\n', (size_t)(end - from));
		const char *next = newline ? newline + 1 : end;

		if (line >= first && line <= last)
			from = newline ? newline : end;
		memmove(to, from, (size_t)(next - from));
		to += next - from;
		from = next;
	}
	*to = '\0';
	file->size = (size_t)(to - file->text);
}

static struct tn_file *add_copy(struct renewal *renewal, const struct tn_file *original)
{
	struct tn_file *file = &renewal->files[renewal->count];

	file->path = strdup(original->path);
	file->text = malloc(original->size + 1);
	file->size = original->size;
	file->status.st_ino = ++renewal->count; /* each is another, also of the same path */
	if (!file->path || !file->text)
		return NULL;
	memcpy(file->text, original->text, original->size);
	file->text[file->size] = '\0';
	return file;
}

static bool stands_in(const struct tn_section *section, const struct tn_file *file)
{
	return section->place.file == file->path;
}

/* Whether anything stays of a file: what an earlier time has added is gone when the next replaces
 * it. */
static bool has_more(const struct renewal *renewal, const struct tn_file *file)
{
	for (size_t i = 0; i < renewal->running->count; i++) {
		const struct tn_section *section = renewal->running->sections[i];

		if (stands_in(section, file) && !is_named(renewal, section))
			return true;
	}
	return false;
}

/* The first one stays, since the configuration has its name. */
static bool keep_running(struct renewal *renewal)
{
	const struct tn_config *running = renewal->running;

	for (size_t i = 0; i < running->file_count; i++) {
		struct tn_file *file;

		if (i && !has_more(renewal, &running->files[i]))
			continue;
		file = add_copy(renewal, &running->files[i]);
		if (!file)
			return false;
		for (size_t j = 0; j < running->count; j++) {
			const struct tn_section *section = running->sections[j];

			if (stands_in(section, &running->files[i]) && is_named(renewal, section))
				blank_lines(file, section->place.line, section->end);
		}
	}
	return true;
}

static const struct tn_file *find_file(const struct tn_config *config,
                                       const struct tn_section *section)
{
	for (size_t i = 0; i < config->file_count; i++)
		if (stands_in(section, &config->files[i]))
			return &config->files[i];
	return NULL;
}

static bool add_section(struct renewal *renewal, const struct tn_section *section)
{
	const struct tn_file *original = find_file(renewal->disk, section);
	struct tn_file *file = original ? add_copy(renewal, original) : NULL;

	if (!file)
		return false;
	blank_lines(file, 1, section->place.line - 1);
	blank_lines(file, section->end + 1, UINT_MAX);
	return true;
}

static bool add_sections(struct renewal *renewal)
{
	const char *rest = renewal->workers;
	char name[TN_NAMES_SIZE];

	while (tn_names_next(&rest, name)) {
		const struct tn_section *section = find(renewal->disk, name);

		if (section && !add_section(renewal, section))
			return false;
	}
	return true;
}

static size_t files_most(const struct renewal *renewal)
{
	const char *rest = renewal->workers;
	size_t most = renewal->running->file_count;
	char name[TN_NAMES_SIZE];

	while (tn_names_next(&rest, name))
		most++;
	return most;
}

static struct tn_config *assemble(struct renewal *renewal)
{
	struct tn_config *config = NULL;

	renewal->files = calloc(files_most(renewal), sizeof(renewal->files[0]));
	if (!renewal->files)
		return NULL;
	if (keep_running(renewal) && add_sections(renewal))
		config = tn_config_assemble(renewal->files, renewal->count, renewal->errors);
	else
		for (size_t i = 0; i < renewal->count; i++)
			tn_file_finish(&renewal->files[i]);
	free(renewal->files);
	return config;
}

/* ---- The whole ----------------------------------------------------------------------------- */

int tn_renew_config(const struct tn_config *running, const struct tn_config *disk,
                    const struct tn_errors *disk_errors, const char *workers,
                    struct tn_config **result, struct tn_errors *errors)
{
	struct renewal renewal = {
		.running = running,
		.disk = disk,
		.disk_errors = disk_errors,
		.workers = workers,
		.errors = errors,
	};
	int code = check_all(&renewal);

	*result = code ? NULL : assemble(&renewal);
	if (!code && !*result)
		return EX_OSERR;
	return code;
}

bool tn_renew_module(const struct tn_plan *plan, const char *workers, const char *path)
{
	for (size_t i = 0; workers && i < plan->count; i++)
		if (tn_names_have(workers, plan->workers[i].name) &&
		    strcmp(plan->workers[i].module_path, path) == 0)
			return true;
	return !workers;
}
