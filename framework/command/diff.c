#include "command/diff.h"

#include "command/command.h"
#include "command/input.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define BROKEN 1 /* the exit code where something that is still bound would be gone */

/* Like tn_input_open, but it does not say yet what is wrong. Returns 0, or the exit code with a
 * line on standard error. */
static int open_input(struct tn_input *input, const char *path, const char *environment)
{
	int code = tn_input_read(path, NULL, &input->config, &input->errors);

	if (code)
		return code;
	input->plan = tn_plan_create(input->config, environment, &input->errors);
	if (input->plan && (!input->errors.errors || tn_diff_forget_guesses(input->plan)))
		return 0;
	tn_complain("out of memory");
	return EX_OSERR;
}

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

static int complain_of_errors(const struct tn_diff *diff, const struct tn_input *before,
                              const struct tn_input *after)
{
	if (!is_valid(diff, before))
		tn_errors_print(&before->errors, stderr);
	if (!is_valid(diff, after))
		tn_errors_print(&after->errors, stderr);
	return EX_CONFIG;
}

static int print(const struct tn_diff *diff, const struct tn_input *after,
                 const struct tn_arguments *arguments)
{
	int code = arguments->json ? tn_diff_print_json(diff) : tn_diff_print_text(diff);

	if (code || !diff->broken)
		return code;
	if (after->errors.errors)
		tn_errors_print(&after->errors, stderr);
	tn_complain("%s: what is still needed would be gone: keep it, or change who needs it",
	            arguments->words[0]);
	return BROKEN;
}

static int compare(const struct tn_input *before, const struct tn_input *after,
                   const struct tn_arguments *arguments)
{
	struct tn_diff diff;
	int code;

	if (!tn_diff_init(&diff, before->plan, after->plan)) {
		tn_complain("out of memory");
		code = EX_OSERR;
	} else if (is_valid(&diff, before) && is_valid(&diff, after)) {
		code = print(&diff, after, arguments);
	} else {
		code = complain_of_errors(&diff, before, after);
	}
	tn_diff_finish(&diff);
	return code;
}

int tn_command_diff(const struct tn_arguments *arguments)
{
	struct tn_input before = { 0 };
	struct tn_input after = { 0 };
	int code = open_input(&before, arguments->file, arguments->environment);

	if (!code)
		code = open_input(&after, arguments->words[0], arguments->environment);
	if (!code)
		code = compare(&before, &after, arguments);
	tn_input_finish(&before);
	tn_input_finish(&after);
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

struct tn_change *tn_diff_add_change(struct tn_diff *diff, struct tn_difference *difference,
                                     const char *key, const char *before, const char *after)
{
	static struct tn_change nowhere;
	struct tn_change *list = make_room(diff, difference->changes, difference->count,
	                                   &difference->capacity, sizeof(*list));
	struct tn_change *change;

	if (!list)
		return &nowhere;
	difference->changes = list;
	if (!difference->mark)
		difference->mark = TN_MARK_CHANGED;
	change = &list[difference->count++];
	*change = (struct tn_change){
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

bool tn_diff_init(struct tn_diff *diff, const struct tn_plan *before, const struct tn_plan *after)
{
	size_t count = before->count + after->count;

	*diff = (struct tn_diff){
		.before = before,
		.after = after,
		.host = { .plan = after },
		.list = calloc(count + 1, sizeof(diff->list[0])),
		.count = count,
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
	tn_diff_forget_files(diff);
	return !diff->failed;
}

static void finish_difference(struct tn_difference *difference)
{
	for (size_t i = 0; i < difference->count; i++) {
		free(difference->changes[i].key);
		free(difference->changes[i].route);
		free(difference->changes[i].before);
		free(difference->changes[i].after);
	}
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
