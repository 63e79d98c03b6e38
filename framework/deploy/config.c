#include "deploy/config.h"

#include "deploy/reader.h"
#include "deploy/value.h"

#include <glob.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define PATTERN_SIZE 512

/* ---- Sections and entries ------------------------------------------------------------------ */

int tn_section_compare(const void *one, const void *other)
{
	const struct tn_section *left = one;
	const struct tn_section *right = other;
	int order = strcmp(left->kind, right->kind);

	return order ? order : strcmp(left->name, right->name);
}

void tn_section_finish(struct tn_section *section)
{
	for (size_t i = 0; i < section->count; i++) {
		free(section->entries[i].key);
		free(section->entries[i].value);
	}
	free(section->entries);
	free(section->kind);
	free(section->name);
}

void tn_section_destroy(struct tn_section *section)
{
	if (!section)
		return;
	tn_section_finish(section);
	free(section);
}

const struct tn_section *tn_config_find(const struct tn_config *config, const char *kind,
                                        const char *name)
{
	struct tn_section wanted = { .kind = (char *)(uintptr_t)kind,
		                     .name = (char *)(uintptr_t)name };
	struct tn_section *const *found = tfind(&wanted, &config->index, tn_section_compare);

	return found ? *found : NULL;
}

const struct tn_entry *tn_section_find(const struct tn_section *section, const char *key)
{
	for (size_t i = 0; i < section->count; i++)
		if (!strcmp(section->entries[i].key, key))
			return &section->entries[i];
	return NULL;
}

const char *tn_section_label(const struct tn_section *section, char *text, size_t room)
{
	bool host = !strcmp(section->kind, "host");

	if (!strcmp(section->kind, "worker") && *section->name)
		snprintf(text, room, "worker '%s'", section->name);
	else
		snprintf(text, room, "[%s%s%s]", section->kind,
		         *section->name && !(host && *section->name == '@') ? " " : "",
		         section->name);
	return text;
}

/* ---- Paths --------------------------------------------------------------------------------- */

/* The size of the directory's name in a file's: 0 for the present directory. */
static size_t directory_size(const char *file)
{
	const char *slash = strrchr(file, '/');

	while (slash && slash > file && slash[-1] == '/')
		slash--;
	if (!slash)
		return 0;
	return slash == file ? 1 : (size_t)(slash - file);
}

char *tn_config_resolve(struct tn_place place, const char *path)
{
	size_t size = directory_size(place.file);
	const char *directory = size ? place.file : ".";
	const char *between = size == 1 && *directory == '/' ? "" : "/";
	char *resolved = NULL;

	if (*path == '/')
		return strdup(path);
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (!*path)
		return strndup(directory, size ? size : 1);
	if (asprintf(&resolved, "%.*s%s%s", size ? (int)size : 1, directory, between, path) < 0)
		return NULL;
	return resolved;
}

/* ---- Files --------------------------------------------------------------------------------- */

/* What a configuration is loaded with. */
struct loading {
	struct tn_config *config;
	const struct tn_file *edited;
	struct tn_errors *errors;
	bool assembled; /* all files are there already */
	bool failed;    /* no memory */
};

const char *tn_config_path(const struct tn_config *config)
{
	return config->files[0].path;
}

/* The text that a file would get, in the place of what it holds. */
static bool take_edited(struct tn_file *file, const struct tn_file *edited)
{
	char *text = malloc(edited->size + 1);

	if (!text)
		return false;
	memcpy(text, edited->text, edited->size);
	text[edited->size] = '\0';
	free(file->text);
	file->text = text;
	file->size = edited->size;
	return true;
}

/* Takes over the file. */
static bool add_file(struct loading *loading, struct tn_file *file)
{
	struct tn_config *config = loading->config;
	struct tn_file *files = reallocarray(config->files, config->file_count + 1,
	                                     sizeof(files[0]));

	if (files)
		config->files = files;
	if (!files || (loading->edited && tn_file_same(file, loading->edited) &&
	               !take_edited(file, loading->edited))) {
		tn_file_finish(file);
		loading->failed = true;
		return false;
	}
	files[config->file_count++] = *file;
	return true;
}

static const struct tn_file *find_file(const struct tn_config *config, const struct tn_file *file)
{
	for (size_t i = 0; i < config->file_count; i++)
		if (tn_file_same(&config->files[i], file))
			return &config->files[i];
	return NULL;
}

static void note_gap(const struct loading *loading, const struct tn_entry *entry)
{
	if (!loading->config->gap.file)
		loading->config->gap = entry->place;
}

static void include_file(struct loading *loading, const struct tn_entry *entry, const char *path)
{
	struct tn_file file;
	char reason[TN_REASON_SIZE];

	if (tn_file_read_regular(path, &file, reason)) {
		note_gap(loading, entry);
		tn_errors_add(loading->errors, entry->place, "include: '%s': %s", path, reason);
		return;
	}
	if (find_file(loading->config, &file)) {
		tn_errors_add(loading->errors, entry->place,
		              "include: '%s' is part of the configuration already: include it once",
		              path);
		tn_file_finish(&file);
		return;
	}
	add_file(loading, &file);
}

static int compare_paths(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

static void complain_of_glob(struct loading *loading, const struct tn_entry *entry,
                             const char *written, int failure)
{
	if (failure == GLOB_NOSPACE) {
		loading->failed = true;
		return;
	}
	if (failure == GLOB_NOMATCH && strpbrk(written, "*?["))
		return; /* an empty conf.d */
	note_gap(loading, entry);
	tn_errors_add(loading->errors, entry->place,
	              "include: '%s': %s: name a file, or files such as conf.d/*.ini", written,
	              failure == GLOB_NOMATCH ? "there is no such file"
	                                      : "its directory is not there, or cannot be read");
}

/* glob sorts by the locale; here it is by the bytes, so that it is the same for everyone. */
static void include_matches(struct loading *loading, const struct tn_entry *entry,
                            const char *pattern, const char *written)
{
	glob_t matches;
	int failure = glob(pattern, GLOB_NOSORT | GLOB_ERR, NULL, &matches);

	if (failure)
		complain_of_glob(loading, entry, written, failure);
	else
		qsort(matches.gl_pathv, matches.gl_pathc, sizeof(matches.gl_pathv[0]),
		      compare_paths);
	for (size_t i = 0; !failure && i < matches.gl_pathc && !loading->failed; i++)
		include_file(loading, entry, matches.gl_pathv[i]);
	globfree(&matches); /* also what was found before it failed */
}

/* The directory of the file that includes is no pattern. Returns NULL where there is no memory. */
static char *make_pattern(struct tn_place place, const char *written)
{
	size_t size = *written == '/' ? 0 : directory_size(place.file);
	char *pattern = malloc(2 * size + 1 + strlen(written) + 1);
	char *end = pattern;

	if (!pattern)
		return NULL;
	for (size_t i = 0; i < size; i++) {
		if (strchr("*?[]\\", place.file[i]))
			*end++ = '\\';
		*end++ = place.file[i];
	}
	if (size && end[-1] != '/')
		*end++ = '/';
	memcpy(end, written, strlen(written) + 1);
	return pattern;
}

static void include_list(struct loading *loading, const struct tn_entry *entry)
{
	const char *list = entry->value;
	char written[PATTERN_SIZE];

	while (!loading->failed && tn_value_next(&list, written, sizeof(written))) {
		char *pattern;

		if (!*written) {
			tn_errors_add(loading->errors, entry->place,
			              "include: an empty name in the list: remove the comma");
			continue;
		}
		pattern = make_pattern(entry->place, written);
		if (pattern)
			include_matches(loading, entry, pattern, written);
		loading->failed = loading->failed || !pattern;
		free(pattern);
	}
}

/* A file may include others, which come behind it. */
static void read_files(struct loading *loading)
{
	for (size_t i = 0; i < loading->config->file_count && !loading->failed; i++) {
		struct tn_file file = loading->config->files[i]; /* the list may move */
		struct tn_section preamble = { 0 };

		if (!tn_reader_read(loading->config, &file, &preamble, loading->errors))
			loading->failed = true;
		for (size_t j = 0; j < preamble.count && !loading->assembled; j++)
			if (!loading->failed)
				include_list(loading, &preamble.entries[j]);
		tn_section_finish(&preamble);
	}
}

static struct tn_config *finish_loading(const struct loading *loading)
{
	if (!loading->failed)
		return loading->config;
	tn_config_destroy(loading->config);
	return NULL;
}

struct tn_config *tn_config_assemble(const struct tn_file *files, size_t count,
                                     struct tn_errors *errors)
{
	struct loading loading = {
		.config = calloc(1, sizeof(*loading.config)),
		.errors = errors,
		.assembled = true,
	};

	for (size_t i = 0; i < count; i++) {
		struct tn_file file = files[i];

		if (!loading.config || loading.failed)
			tn_file_finish(&file);
		else
			add_file(&loading, &file);
	}
	if (!loading.config)
		return NULL;
	read_files(&loading);
	return finish_loading(&loading);
}

/* Takes over the file. */
static struct tn_config *load(struct tn_file *file, const struct tn_file *edited,
                              struct tn_errors *errors)
{
	struct loading loading = {
		.config = calloc(1, sizeof(*loading.config)),
		.edited = edited,
		.errors = errors,
	};

	if (!loading.config) {
		tn_file_finish(file);
		return NULL;
	}
	if (add_file(&loading, file))
		read_files(&loading);
	return finish_loading(&loading);
}

int tn_config_load(const char *path, const struct tn_file *edited, struct tn_config **config,
                   struct tn_errors *errors, char *reason)
{
	struct tn_file file;
	int code = tn_file_read(path, &file, reason);

	*config = NULL;
	if (code)
		return code;
	*config = load(&file, edited, errors);
	if (*config)
		return 0;
	snprintf(reason, TN_REASON_SIZE, "out of memory");
	return EX_OSERR;
}

struct tn_config *tn_config_parse(const char *path, const char *text, size_t size,
                                  struct tn_errors *errors)
{
	struct tn_file file = { .path = strdup(path), .text = malloc(size + 1), .size = size };

	if (!file.path || !file.text) {
		tn_file_finish(&file);
		return NULL;
	}
	memcpy(file.text, text, size);
	file.text[size] = '\0';
	return load(&file, NULL, errors);
}

static void forget(void *section)
{
	(void)section;
}

void tn_config_destroy(struct tn_config *config)
{
	if (!config)
		return;
	tdestroy(config->index, forget);
	for (size_t i = 0; i < config->count; i++)
		tn_section_destroy(config->sections[i]);
	free(config->sections);
	for (size_t i = 0; i < config->file_count; i++)
		tn_file_finish(&config->files[i]);
	free(config->files);
	free(config);
}
