#include "command/diff.h"

#include "command/command.h"
#include "command/environments.h"
#include "command/input.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define BROKEN 1 /* the exit code where something that is still bound would be gone */

/* OLD and NEW in one environment, or without one. */
struct pair {
	struct tn_input before;
	struct tn_input after;
};

/* The first pair is the owner of the configurations. */
struct work {
	const struct tn_arguments *arguments;
	struct pair *pairs;
	struct tn_diff *diffs; /* one for each pair */
	size_t count;
	void *files;
	bool incomplete; /* an environment was left out */
};

static int complain_of_memory(void)
{
	tn_complain("out of memory");
	return EX_OSERR;
}

/* ---- Plans --------------------------------------------------------------------------------- */

/* Of one whose configuration is read. It does not say yet what is wrong. */
static int make_plan(struct tn_input *input, const char *environment)
{
	input->plan = tn_plan_create(input->config, environment, &input->errors);
	if (input->plan && (!input->errors.errors || tn_diff_forget_guesses(input->plan)))
		return 0;
	return complain_of_memory();
}

/* Returns 0, or the exit code with a line on standard error. */
static int open_input(struct tn_input *input, const char *path, const char *environment)
{
	int code = tn_input_read(path, NULL, &input->config, &input->errors);

	return code ? code : make_plan(input, environment);
}

static int open_pair(struct pair *pair, const struct tn_arguments *arguments)
{
	int code = open_input(&pair->before, arguments->file, arguments->environment);

	return code ? code
	            : open_input(&pair->after, arguments->words[0], arguments->environment);
}

/* That of another environment. */
static int make_pair(struct pair *pair, const struct pair *first, const char *environment)
{
	int code;

	pair->before.config = first->before.config;
	pair->after.config = first->after.config;
	code = make_plan(&pair->before, environment);
	return code ? code : make_plan(&pair->after, environment);
}

/* ---- Errors -------------------------------------------------------------------------------- */

/* An error that only says what the comparison tells anyway is none of it. */
static bool is_valid(const struct tn_diff *diff, const struct tn_input *input)
{
	for (size_t i = 0; i < input->errors.count; i++) {
		const struct tn_error *error = &input->errors.list[i];

		if (!error->warning && !tn_diff_explains(diff, input->plan, error))
			return false;
	}
	return !input->errors.incomplete;
}

static int complain_of_errors(const struct tn_diff *diff, const struct pair *pair)
{
	if (!is_valid(diff, &pair->before))
		tn_errors_print(&pair->before.errors, stderr);
	if (!is_valid(diff, &pair->after))
		tn_errors_print(&pair->after.errors, stderr);
	return EX_CONFIG;
}

static bool has_error(const struct tn_errors *errors, const struct tn_error *error)
{
	for (size_t i = 0; i < errors->count; i++) {
		const struct tn_error *other = &errors->list[i];

		if (other->place.line == error->place.line &&
		    strcmp(other->place.file, error->place.file) == 0 &&
		    strcmp(other->text, error->text) == 0)
			return true;
	}
	return false;
}

/* Those of NEW where something is gone; many are the same in all environments. */
static void print_errors(const struct work *work)
{
	struct tn_errors all = { 0 };

	for (size_t i = 0; i < work->count; i++) {
		const struct tn_errors *errors = &work->pairs[i].after.errors;

		for (size_t j = 0; work->diffs[i].broken && j < errors->count; j++) {
			const struct tn_error *error = &errors->list[j];

			if (!error->warning && error->place.line && !has_error(&all, error))
				tn_errors_add(&all, error->place, "%s", error->text);
		}
	}
	tn_errors_print(&all, stderr);
	tn_errors_finish(&all);
}

/* ---- Output -------------------------------------------------------------------------------- */

static bool is_broken(const struct work *work)
{
	for (size_t i = 0; i < work->count; i++) {
		if (work->diffs[i].broken)
			return true;
	}
	return false;
}

/* Programs get each difference whole; a person is not told the same again. */
static int print_diffs(const struct work *work)
{
	if (work->arguments->json)
		return tn_diff_print_json(work->diffs, work->count);
	for (size_t i = 1; i < work->count; i++) {
		if (!tn_diff_forget_told(&work->diffs[i], &work->diffs[0]))
			return complain_of_memory();
	}
	return tn_diff_print_text(work->diffs, work->count);
}

static int print(const struct work *work)
{
	int code = print_diffs(work);

	if (code)
		return code;
	if (!is_broken(work))
		return work->incomplete ? EX_CONFIG : 0;
	print_errors(work);
	tn_complain("%s: what is still needed would be gone: keep it, or change who needs it",
	            work->arguments->words[0]);
	return BROKEN;
}

/* ---- Comparisons --------------------------------------------------------------------------- */

/* Compares the pair behind those that are compared. */
static int compare(struct work *work)
{
	const struct pair *pair = &work->pairs[work->count];
	struct tn_diff *diff = &work->diffs[work->count];

	work->count++;
	return tn_diff_init(diff, pair->before.plan, pair->after.plan, &work->files)
	               ? 0
	               : complain_of_memory();
}

static void finish_last(struct work *work)
{
	struct pair *pair = &work->pairs[--work->count];

	tn_diff_finish(&work->diffs[work->count]);
	if (work->count) {
		pair->before.config = NULL;
		pair->after.config = NULL;
	}
	tn_input_finish(&pair->before);
	tn_input_finish(&pair->after);
}

/* One with errors of its own is left out. */
static int compare_in(struct work *work, const char *environment)
{
	struct pair *pair = &work->pairs[work->count];
	const struct tn_diff *diff = &work->diffs[work->count];
	int code = make_pair(pair, &work->pairs[0], environment);
	int compared;

	if (code) {
		work->count++;
		return code;
	}
	compared = compare(work);
	if (compared || (is_valid(diff, &pair->before) && is_valid(diff, &pair->after)))
		return compared;
	tn_complain("environment '%s' has errors and is left out: see tenon diff --environment %s "
	            "%s %s",
	            environment, environment, work->arguments->file, work->arguments->words[0]);
	finish_last(work);
	*pair = (struct pair){ 0 };
	work->incomplete = true;
	return 0;
}

static int compare_all(struct work *work, const struct tn_environments *environments)
{
	const struct pair *first = &work->pairs[0];
	int code = compare(work);

	if (code)
		return code;
	if (!is_valid(&work->diffs[0], &first->before) || !is_valid(&work->diffs[0], &first->after))
		return complain_of_errors(&work->diffs[0], first);
	for (size_t i = 0; !code && i < environments->count; i++)
		code = compare_in(work, environments->list[i]);
	return code ? code : print(work);
}

/* All of both, but where one is asked for that one alone, which is the first pair's. */
static bool find_environments(struct tn_environments *environments, const struct pair *first,
                              const struct tn_arguments *arguments)
{
	if (arguments->environment)
		return true;
	return tn_environments_add(environments, first->before.config) &&
	       tn_environments_add(environments, first->after.config);
}

/* Takes over what the first pair holds. */
static int answer(struct pair *first, const struct tn_arguments *arguments)
{
	struct tn_environments environments = { 0 };
	struct work work = { .arguments = arguments };
	bool found = find_environments(&environments, first, arguments);
	int code;

	work.pairs = calloc(environments.count + 1, sizeof(work.pairs[0]));
	work.diffs = calloc(environments.count + 1, sizeof(work.diffs[0]));
	if (found && work.pairs && work.diffs) {
		work.pairs[0] = *first;
		*first = (struct pair){ 0 };
		code = compare_all(&work, &environments);
	} else {
		code = complain_of_memory();
	}
	while (work.count)
		finish_last(&work);
	tn_diff_forget_files(&work.files);
	tn_environments_finish(&environments);
	free(work.pairs);
	free(work.diffs);
	return code;
}

int tn_command_diff(const struct tn_arguments *arguments)
{
	struct pair first = { 0 };
	int code = open_pair(&first, arguments);

	if (!code)
		code = answer(&first, arguments);
	tn_input_finish(&first.before);
	tn_input_finish(&first.after);
	return code;
}

/* ---- Notes --------------------------------------------------------------------------------- */

/* Room for one more in a list. */
static void *make_room(struct tn_diff *diff, void *list, size_t count, size_t *capacity,
                       size_t size)
{
	size_t larger = *capacity ? 2 * *capacity : 8;
	void *room;

	if (count < *capacity)
		return list;
	room = reallocarray(list, larger, size);
	if (room)
		*capacity = larger;
	else
		diff->failed = true;
	return room;
}

char *tn_diff_copy(struct tn_diff *diff, const char *text)
{
	char *memory = text ? strdup(text) : NULL;

	if (text && !memory)
		diff->failed = true;
	return memory;
}

static enum tn_mark mark_of(const char *before, const char *after)
{
	if (!before)
		return TN_MARK_ADDED;
	return after ? TN_MARK_CHANGED : TN_MARK_REMOVED;
}

struct tn_diff_change *tn_diff_add_change(struct tn_diff *diff, struct tn_difference *difference,
                                          const char *key, const char *before, const char *after)
{
	struct tn_diff_change *list = make_room(diff, difference->changes, difference->count,
	                                        &difference->capacity, sizeof(*list));
	struct tn_diff_change *change;

	if (!list)
		return &diff->nowhere;
	difference->changes = list;
	if (!difference->mark)
		difference->mark = TN_MARK_CHANGED;
	change = &list[difference->count++];
	*change = (struct tn_diff_change){
		.mark = mark_of(before, after),
		.key = tn_diff_copy(diff, key),
		.before = tn_diff_copy(diff, before),
		.after = tn_diff_copy(diff, after),
	};
	return change;
}

void tn_diff_add_need(struct tn_diff *diff, struct tn_difference *difference,
                      const struct tn_plan_worker *worker, const char *key, struct tn_place place)
{
	struct tn_need *list = make_room(diff, difference->needs, difference->need_count,
	                                 &difference->need_capacity, sizeof(*list));

	if (!list)
		return;
	difference->needs = list;
	list[difference->need_count++] = (struct tn_need){ worker, key, place };
	diff->broken = true;
}

struct tn_difference *tn_diff_after(const struct tn_diff *diff,
                                    const struct tn_plan_worker *worker)
{
	return &diff->list[worker->number];
}

struct tn_difference *tn_diff_before(const struct tn_diff *diff,
                                     const struct tn_plan_worker *worker)
{
	return &diff->list[diff->after->count + worker->number];
}

/* ---- The whole ----------------------------------------------------------------------------- */

bool tn_diff_init(struct tn_diff *diff, const struct tn_plan *before, const struct tn_plan *after,
                  void **files)
{
	size_t count = before->count + after->count;

	*diff = (struct tn_diff){
		.before = before,
		.after = after,
		.host = { .plan = after },
		.list = calloc(count + 1, sizeof(diff->list[0])),
		.count = count,
		.files = files,
	};
	if (!diff->list)
		return false;
	tn_diff_host(diff);
	tn_diff_routes(diff);
	for (size_t i = 0; i < after->count; i++) {
		const struct tn_plan_worker *worker = &after->workers[i];

		tn_diff_worker(diff, tn_diff_after(diff, worker),
		               tn_plan_find(before, worker->name), worker);
		tn_diff_gone(diff, worker);
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct tn_plan_worker *worker = &before->workers[i];

		if (!tn_plan_find(after, worker->name))
			tn_diff_worker(diff, tn_diff_before(diff, worker), worker, NULL);
	}
	return !diff->failed;
}

void tn_diff_finish_change(struct tn_diff_change *change)
{
	free(change->key);
	free(change->route);
	free(change->before);
	free(change->after);
}

static void finish_difference(struct tn_difference *difference)
{
	for (size_t i = 0; i < difference->count; i++)
		tn_diff_finish_change(&difference->changes[i]);
	free(difference->changes);
	free(difference->needs);
}

void tn_diff_finish(struct tn_diff *diff)
{
	finish_difference(&diff->host);
	for (size_t i = 0; diff->list && i < diff->count; i++)
		finish_difference(&diff->list[i]);
	free(diff->list);
	diff->list = NULL;
}

bool tn_diff_is_empty(const struct tn_diff *diff)
{
	for (size_t i = 0; i < diff->count; i++) {
		if (diff->list[i].mark)
			return false;
	}
	return !diff->host.mark;
}
