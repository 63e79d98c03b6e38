#include "deploy/copies.h"

#include "deploy/renew.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct tn_copies_store {
	struct tn_stage *stage;
	size_t holders;
};

/* ---- Stores -------------------------------------------------------------------------------- */

static struct tn_copies_store *hold(struct tn_copies_store *store)
{
	if (store)
		store->holders++;
	return store;
}

static void let_go(struct tn_copies_store *store)
{
	if (!store || --store->holders)
		return;
	tn_stage_destroy(store->stage);
	free(store);
}

static struct tn_copies_store *make_store(const struct tn_stage_reader *reader, char *reason)
{
	struct tn_copies_store *store = calloc(1, sizeof(*store));

	snprintf(reason, TN_REASON_SIZE, "out of memory");
	if (!store)
		return NULL;
	store->holders = 1;
	store->stage = tn_stage_create_for(reader, reason);
	if (store->stage)
		return store;
	free(store);
	return NULL;
}

/* ---- Copies -------------------------------------------------------------------------------- */

static void finish(struct tn_module_copy *copy)
{
	free(copy->path);
	free(copy->file);
	free(copy->directory);
	free(copy->reason);
	let_go(copy->store);
}

bool tn_copies_add(struct tn_copies *copies, const struct tn_module_copy *copy)
{
	struct tn_module_copy taken = *copy;
	struct tn_module_copy *larger =
		realloc(copies->list, (copies->count + 1) * sizeof(copies->list[0]));

	if (!larger) {
		finish(&taken);
		return false;
	}
	copies->list = larger;
	copies->list[copies->count++] = taken;
	return true;
}

const struct tn_module_copy *tn_copies_find(const struct tn_copies *copies, const char *path)
{
	for (size_t i = 0; i < copies->count; i++)
		if (strcmp(copies->list[i].path, path) == 0)
			return &copies->list[i];
	return NULL;
}

static bool is_whole(const struct tn_module_copy *copy)
{
	return copy->path && (copy->reason || (copy->file && copy->directory));
}

static char *repeat(const char *text)
{
	return text ? strdup(text) : NULL;
}

/* What the running ones have. */
static struct tn_module_copy share(const struct tn_module_copy *running)
{
	struct tn_module_copy copy = *running;

	copy.path = repeat(running->path);
	copy.file = repeat(running->file);
	copy.directory = repeat(running->directory);
	copy.reason = NULL;
	copy.store = hold(running->store);
	return copy;
}

static struct tn_module_copy make(struct tn_copies_store *store, const char *path)
{
	char reason[TN_REASON_SIZE];
	const struct tn_stage_copy *made = tn_stage_copy(store->stage, path, reason);
	struct tn_module_copy copy = { .path = strdup(path), .store = hold(store) };

	if (!made) {
		copy.reason = strdup(reason);
		return copy;
	}
	copy.file = strdup(made->path);
	copy.directory = strdup(made->directory);
	memcpy(copy.version, made->version, sizeof(copy.version));
	return copy;
}

/* With what the copies of a plan are made. */
struct maker {
	struct tn_copies *copies;
	struct tn_copies_store *store;
	const struct tn_plan *plan;
	const struct tn_copies *running;
	const char *workers;
};

static bool add(const struct maker *maker, const char *path)
{
	bool kept = maker->running && !tn_renew_module(maker->plan, maker->workers, path);
	const struct tn_module_copy *found = kept ? tn_copies_find(maker->running, path) : NULL;
	struct tn_module_copy copy = found && found->file ? share(found) : make(maker->store, path);

	if (is_whole(&copy))
		return tn_copies_add(maker->copies, &copy);
	finish(&copy);
	return false;
}

static bool add_all(const struct maker *maker)
{
	for (size_t i = 0; i < maker->plan->count; i++) {
		const char *path = maker->plan->workers[i].module_path;

		if (maker->plan->workers[i].reachable && !tn_copies_find(maker->copies, path) &&
		    !add(maker, path))
			return false;
	}
	return true;
}

int tn_copies_make(struct tn_copies *copies, const struct tn_plan *plan,
                   const struct tn_stage_reader *reader, const struct tn_copies *running,
                   const char *workers, char *reason)
{
	struct maker maker = {
		.copies = copies,
		.store = make_store(reader, reason),
		.plan = plan,
		.running = running,
		.workers = workers,
	};
	bool added;

	*copies = (struct tn_copies){ 0 };
	if (!maker.store)
		return EX_CANTCREAT;
	added = add_all(&maker);
	let_go(maker.store); /* NOLINT(*unix.Malloc): it does not follow who else holds it */
	if (added)
		return 0;
	snprintf(reason, TN_REASON_SIZE, "out of memory");
	tn_copies_finish(copies);
	return EX_OSERR;
}

void tn_copies_finish(struct tn_copies *copies)
{
	for (size_t i = 0; i < copies->count; i++)
		finish(&copies->list[i]);
	free(copies->list);
	*copies = (struct tn_copies){ 0 };
}
