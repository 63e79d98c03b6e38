#include "command/diff.h"

#include "deploy/secret_source.h"

#include <stdlib.h>
#include <string.h>

/* The present Worker of both plans; NULL where that plan has none of the name. */
struct both {
	struct tn_diff *diff;
	struct tn_difference *difference;
	const struct tn_plan_worker *before;
	const struct tn_plan_worker *after;
};

/* ---- Modules ------------------------------------------------------------------------------- */

/* As it is written, or as it is named after the Worker. */
static const char *module_text(const struct tn_plan_worker *worker)
{
	const struct tn_entry *entry = worker ? tn_keys_find(&worker->keys, "module") : NULL;
	const char *slash = worker ? strrchr(worker->module_path, '/') : NULL;

	if (!worker || entry)
		return entry ? entry->value : NULL;
	return slash ? slash + 1 : worker->module_path;
}

static const char *note_of(enum tn_content content)
{
	switch (content) {
	case TN_CONTENT_SAME:
		return "same content";
	case TN_CONTENT_OTHER:
		return "other content";
	case TN_CONTENT_GONE:
		return "the file is missing now";
	case TN_CONTENT_COME:
		return "the file is there now";
	case TN_CONTENT_NOWHERE:
		return "the file is missing";
	default:
		return NULL;
	}
}

/* Whether the content is a change where the name is none. */
static bool is_change(enum tn_content content)
{
	return content == TN_CONTENT_OTHER || content == TN_CONTENT_GONE ||
	       content == TN_CONTENT_COME;
}

static void note_files(const struct both *both, const char *key, const char *before,
                       const char *after, enum tn_content content)
{
	struct tn_diff_change *change =
		tn_diff_add_change(both->diff, both->difference, key, before, after);

	change->note = note_of(content);
}

/* A file is gone without which the Worker cannot be loaded: who needs it is told once. */
static void need_file(const struct both *both)
{
	const struct tn_plan_worker *worker = both->after;
	const struct tn_entry *route = worker->route;

	if (!worker->reachable || both->difference->need_count)
		return;
	if (route)
		tn_diff_add_need(both->diff, both->difference, worker, "route", route->place);
	for (size_t i = 0; i < worker->use_count; i++) {
		const struct tn_plan_binding *binding = worker->uses[i].binding;

		tn_diff_add_need(both->diff, both->difference, binding->caller, binding->entry->key,
		                 binding->entry->place);
	}
}

static void compare_module(const struct both *both)
{
	const char *before = module_text(both->before);
	const char *after = module_text(both->after);
	enum tn_content content = TN_CONTENT_UNKNOWN;

	if (before && after)
		content = tn_diff_modules(both->diff, both->before->module_path,
		                          both->after->module_path);
	if (before && after && strcmp(before, after) == 0 && !is_change(content))
		return;
	note_files(both, "module", before, after, content);
	if (content == TN_CONTENT_GONE)
		need_file(both);
}

/* ---- Secrets ------------------------------------------------------------------------------- */

/* What is no source may be the secret itself. */
static const char *source_of(const struct tn_entry *entry)
{
	if (!entry)
		return NULL;
	return tn_secret_is_source(entry->value) ? entry->value : "(written into the file)";
}

/* The path of a secret that is a file, for the caller to free; NULL where it is none. */
static char *secret_path(struct tn_diff *diff, const struct tn_entry *entry)
{
	char *path;

	if (!entry || strncmp(entry->value, "file:", strlen("file:")) != 0)
		return NULL;
	path = tn_config_resolve(entry->place, entry->value + strlen("file:"));
	diff->failed = diff->failed || !path;
	return path;
}

/* Those of a Worker that is not loaded are not opened. */
static enum tn_content look_at_secrets(const struct both *both, const struct tn_entry *before,
                                       const struct tn_entry *after)
{
	enum tn_content content = TN_CONTENT_UNKNOWN;
	char *path, *other;

	if (!before || !after || !both->after || !both->after->reachable)
		return content;
	path = secret_path(both->diff, before);
	other = secret_path(both->diff, after);
	if (path && other)
		content = tn_diff_secrets(both->diff, path, other);
	free(path);
	free(other);
	return content;
}

static void compare_secret(const struct both *both, const char *key,
                           const struct tn_entry *before, const struct tn_entry *after)
{
	enum tn_content content = look_at_secrets(both, before, after);

	if (before && after && strcmp(before->value, after->value) == 0 && !is_change(content))
		return;
	note_files(both, key, source_of(before), source_of(after), content);
	if (content == TN_CONTENT_GONE)
		need_file(both);
}

/* ---- Bindings ------------------------------------------------------------------------------ */

/* Whether the plan's targets are what is written, and no guesses. */
static bool is_linked(const struct tn_plan *plan, const struct tn_plan_binding *binding)
{
	const char *list = binding->entry->value;
	char name[TN_DIFF_NAME_SIZE];

	while (tn_diff_next_name(&list, name)) {
		if (!tn_plan_lookup(plan, name))
			return false;
	}
	return binding->target_count > 0;
}

/* "auth@v1 90%, auth@v2 10%", as the environment has it. For the caller to free. */
static char *write_targets(struct tn_diff *diff, const struct tn_plan *plan,
                           const struct tn_plan_binding *binding)
{
	char weight[TN_WEIGHT_SIZE];
	char *text = NULL;
	size_t size = 0;
	FILE *stream;

	if (!binding)
		return NULL;
	if (!is_linked(plan, binding))
		return tn_diff_copy(diff, binding->entry->value);
	stream = open_memstream(&text, &size);
	for (size_t i = 0; stream && i < binding->target_count; i++) {
		const struct tn_plan_target *target = &binding->targets[i];

		fprintf(stream, "%s%s", i ? ", " : "", target->worker->name);
		if (binding->target_count > 1)
			fprintf(stream, " %s", tn_weight_text(target->weight, weight));
	}
	if (!stream || fclose(stream) == EOF)
		diff->failed = true;
	return text;
}

static bool has_target(const struct tn_plan_binding *binding, const struct tn_plan_target *target)
{
	for (size_t i = 0; i < binding->target_count; i++) {
		const struct tn_plan_target *other = &binding->targets[i];

		if (other->weight == target->weight &&
		    strcmp(other->worker->name, target->worker->name) == 0)
			return true;
	}
	return false;
}

/* The order of the versions of a split does not count. */
static bool same_targets(const struct both *both, const struct tn_plan_binding *before,
                         const struct tn_plan_binding *after)
{
	if (!is_linked(both->diff->after, after))
		return strcmp(before->entry->value, after->entry->value) == 0;
	for (size_t i = 0; i < before->target_count; i++) {
		if (!has_target(after, &before->targets[i]))
			return false;
	}
	return before->target_count == after->target_count;
}

static void compare_binding(const struct both *both, const char *key,
                            const struct tn_entry *before, const struct tn_entry *after)
{
	const struct tn_plan_binding *one =
		both->before ? tn_plan_binding(both->before, before) : NULL;
	const struct tn_plan_binding *other =
		both->after ? tn_plan_binding(both->after, after) : NULL;
	char *text, *other_text;

	if (one && other && same_targets(both, one, other))
		return;
	text = write_targets(both->diff, both->diff->before, one);
	other_text = write_targets(both->diff, both->diff->after, other);
	tn_diff_add_change(both->diff, both->difference, key, text, other_text);
	free(text);
	free(other_text);
}

/* ---- Keys ---------------------------------------------------------------------------------- */

/* What is compared in a way of its own. */
static bool is_special(const char *key)
{
	return strcmp(key, "module") == 0 || strcmp(key, "route") == 0;
}

static void compare_text(struct tn_diff *diff, struct tn_difference *difference, const char *key,
                         const struct tn_entry *before, const struct tn_entry *after)
{
	if (before && after && strcmp(before->value, after->value) == 0)
		return;
	tn_diff_add_change(diff, difference, key, before ? before->value : NULL,
	                   after ? after->value : NULL);
}

static void compare_key(const struct both *both, const char *key, const struct tn_entry *before,
                        const struct tn_entry *after)
{
	if (is_special(key))
		return;
	if (tn_key_field(key, "service"))
		compare_binding(both, key, before, after);
	else if (tn_key_field(key, "secret"))
		compare_secret(both, key, before, after);
	else
		compare_text(both->diff, both->difference, key, before, after);
}

/* Those of NEW in their order, then those that only OLD has. */
static void compare_keys(const struct both *both)
{
	static const struct tn_keys none;
	const struct tn_keys *before = both->before ? &both->before->keys : &none;
	const struct tn_keys *after = both->after ? &both->after->keys : &none;

	for (size_t i = 0; i < after->count; i++) {
		const struct tn_entry *entry = after->list[i];

		compare_key(both, entry->key, tn_keys_find(before, entry->key), entry);
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct tn_entry *entry = before->list[i];

		if (!tn_keys_find(after, entry->key))
			compare_key(both, entry->key, entry, NULL);
	}
}

void tn_diff_host(struct tn_diff *diff)
{
	const struct tn_keys *before = &diff->before->host;
	const struct tn_keys *after = &diff->after->host;

	for (size_t i = 0; i < after->count; i++) {
		const struct tn_entry *entry = after->list[i];

		compare_text(diff, &diff->host, entry->key, tn_keys_find(before, entry->key),
		             entry);
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct tn_entry *entry = before->list[i];

		if (!tn_keys_find(after, entry->key))
			compare_text(diff, &diff->host, entry->key, entry, NULL);
	}
}

/* ---- The whole ----------------------------------------------------------------------------- */

static void compare_reach(const struct both *both)
{
	if (both->before && both->after && both->before->reachable != both->after->reachable)
		tn_diff_add_change(both->diff, both->difference, "reachable",
		                   both->before->reachable ? "yes" : "no",
		                   both->after->reachable ? "yes" : "no");
}

void tn_diff_worker(struct tn_diff *diff, struct tn_difference *difference,
                    const struct tn_plan_worker *before, const struct tn_plan_worker *after)
{
	const struct both both = { diff, difference, before, after };

	difference->plan = after ? diff->after : diff->before;
	difference->worker = after ? after : before;
	if (!before || !after)
		difference->mark = after ? TN_MARK_ADDED : TN_MARK_REMOVED;
	compare_reach(&both);
	compare_module(&both);
	compare_keys(&both);
}
