#include "command/lookout.h"

#include "command/makefile.h"
#include "deploy/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <xxhash.h>

/* A file that is being written is looked at when its writer closes it: a log that stays open does
 * not stir. */
#define EVENTS \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | \
	 IN_MOVE_SELF | IN_ONLYDIR)
#define DIRECTORIES_MOST 10000
#define DEPTH_MOST 20

struct tn_lookout {
	const char *directory, *file, *environment;
	int notifier;
	char **names; /* of the files that are deployed, without their directories */
	size_t count;
};

struct tn_lookout *tn_lookout_open(const char *directory, const char *file,
                                   const char *environment)
{
	struct tn_lookout *lookout = calloc(1, sizeof(*lookout));

	if (!lookout)
		return NULL;
	lookout->directory = directory;
	lookout->file = file;
	lookout->environment = environment;
	lookout->notifier = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (lookout->notifier >= 0)
		return lookout;
	free(lookout);
	return NULL;
}

static void forget_names(struct tn_lookout *lookout)
{
	for (size_t i = 0; i < lookout->count; i++)
		free(lookout->names[i]);
	free(lookout->names);
	lookout->names = NULL;
	lookout->count = 0;
}

void tn_lookout_close(struct tn_lookout *lookout)
{
	if (!lookout)
		return;
	forget_names(lookout);
	close(lookout->notifier);
	free(lookout);
}

int tn_lookout_descriptor(const struct tn_lookout *lookout)
{
	return lookout->notifier;
}

/* ---- Files --------------------------------------------------------------------------------- */

/* What a compiler or make reads. What these write has other names, but for what is generated: that
 * has the same content when it is written again. */
static bool is_source(const char *name)
{
	static const char *const suffixes[] = {
		".c",
		".h",
		".cc",
		".cpp",
		".hpp",
		".inc",
		".def",
		".s",
		".S",
		".l",
		".y",
		".mk",
		".map",
	};
	const char *dot = strrchr(name, '.');

	if (tn_makefile_named(name))
		return true;
	if (!dot || dot == name)
		return false;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strcmp(dot, suffixes[i]) == 0)
			return true;
	return false;
}

/* Of a path and the content of its file. One that is not there, or no file, is another. */
static uint64_t hash_file(const char *path, bool *there)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	XXH3_state_t *state = file < 0 ? NULL : XXH3_createState();
	char block[16384];
	uint64_t hash = 0;
	ssize_t got = -1;

	if (state) {
		XXH3_64bits_reset(state);
		XXH3_64bits_update(state, path, strlen(path) + 1);
		while ((got = read(file, block, sizeof(block))) > 0)
			XXH3_64bits_update(state, block, (size_t)got);
		hash = XXH3_64bits_digest(state);
	}
	XXH3_freeState(state);
	if (file >= 0)
		close(file);
	*there = got == 0;
	return got == 0 ? hash : XXH3_64bits(path, strlen(path));
}

static void watch(const struct tn_lookout *lookout, const char *directory)
{
	inotify_add_watch(lookout->notifier, directory, EVENTS);
}

/* Each directory is watched before its files are read: what is written meanwhile stirs. */
static uint64_t see_sources(const struct tn_lookout *lookout)
{
	char *const paths[] = { (char *)(uintptr_t)lookout->directory, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	unsigned directories = 0;
	uint64_t sum = 0;
	FTSENT *entry;
	bool there;

	while (tree && (entry = fts_read(tree))) {
		bool hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';

		if (entry->fts_info == FTS_D &&
		    (hidden || entry->fts_level > DEPTH_MOST || directories == DIRECTORIES_MOST)) {
			fts_set(tree, entry, FTS_SKIP);
		} else if (entry->fts_info == FTS_D) {
			watch(lookout, entry->fts_path);
			directories++;
		} else if (!hidden && entry->fts_info != FTS_DP && is_source(entry->fts_name)) {
			sum += hash_file(entry->fts_path, &there);
		}
	}
	if (tree)
		fts_close(tree);
	return sum;
}

/* ---- What is deployed ---------------------------------------------------------------------- */

/* The directory of a file is watched, and not the file: another may take its place. */
static void remember(struct tn_lookout *lookout, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	char **names = realloc(lookout->names, (lookout->count + 1) * sizeof(names[0]));
	char *name = strdup(slash ? slash + 1 : path);

	if (directory)
		watch(lookout, directory);
	free(directory);
	if (names)
		lookout->names = names;
	if (names && name)
		names[lookout->count++] = name;
	else
		free(name);
}

static uint64_t see_modules(struct tn_lookout *lookout, const struct tn_plan *plan, bool *complete)
{
	uint64_t sum = 0;
	bool there;

	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *worker = &plan->workers[i];

		if (!worker->module_path || !worker->reachable)
			continue;
		remember(lookout, worker->module_path);
		sum = sum * 31 + hash_file(worker->module_path, &there);
		*complete = *complete && there;
	}
	return sum;
}

static void see_deployed(struct tn_lookout *lookout, struct tn_sight *sight)
{
	struct tn_errors ignored = { 0 };
	struct tn_config *config = NULL;
	struct tn_plan *plan = NULL;
	char reason[TN_REASON_SIZE];

	sight->readable = !tn_config_load(lookout->file, NULL, &config, &ignored, reason);
	forget_names(lookout);
	remember(lookout, lookout->file);
	for (size_t i = 0; sight->readable && i < config->file_count; i++) {
		const struct tn_file *file = &config->files[i];

		remember(lookout, file->path);
		sight->deployed = sight->deployed * 31 + XXH3_64bits(file->text, file->size);
	}
	if (sight->readable)
		plan = tn_plan_create(config, lookout->environment, &ignored);
	if (plan)
		sight->deployed += see_modules(lookout, plan, &sight->complete);
	tn_plan_destroy(plan);
	tn_config_destroy(config);
	tn_errors_finish(&ignored);
}

void tn_lookout_see(struct tn_lookout *lookout, struct tn_sight *sight)
{
	*sight = (struct tn_sight){ .complete = true };
	see_deployed(lookout, sight);
	sight->sources = see_sources(lookout);
}

/* ---- Events -------------------------------------------------------------------------------- */

static bool matters(const struct tn_lookout *lookout, const struct inotify_event *event)
{
	if (!event->len || (event->mask & (IN_ISDIR | IN_Q_OVERFLOW)))
		return true;
	for (size_t i = 0; i < lookout->count; i++)
		if (strcmp(event->name, lookout->names[i]) == 0)
			return true;
	return is_source(event->name) && event->name[0] != '.';
}

bool tn_lookout_stirs(struct tn_lookout *lookout)
{
	_Alignas(struct inotify_event) char buffer[16384];
	bool stirs = false;
	ssize_t size;

	while ((size = read(lookout->notifier, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + size;) {
			const struct inotify_event *event = (const void *)at;

			stirs = stirs || (!(event->mask & IN_IGNORED) && matters(lookout, event));
			at += sizeof(*event) + event->len;
		}
	}
	return stirs;
}
