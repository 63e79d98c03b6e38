#include "supervise/quarantine.h"

#include <stdlib.h>
#include <string.h>

static enum tn_quarantine_level level_of(uint32_t step)
{
	switch (step) {
	case TN_STEP_LOAD:
		return TN_QUARANTINE_LOAD;
	case TN_STEP_START:
		return TN_QUARANTINE_START;
	case TN_STEP_REQUEST:
	case TN_STEP_RELEASE:
	case TN_STEP_LATER:
		return TN_QUARANTINE_REQUESTS;
	default:
		return TN_QUARANTINE_NONE;
	}
}

/* ---- Records -------------------------------------------------------------------------------- */

static struct tn_quarantine_record *find(const struct tn_quarantine *book, const char *name)
{
	for (size_t i = 0; i < book->count; i++)
		if (strcmp(book->list[i].name, name) == 0)
			return &book->list[i];
	return NULL;
}

static struct tn_quarantine_record *add(struct tn_quarantine *book, const char *name)
{
	struct tn_quarantine_record *list = reallocarray(book->list, book->count + 1,
	                                                 sizeof(list[0]));
	char *copy;

	if (!list)
		return NULL;
	book->list = list;
	copy = strdup(name);
	if (!copy)
		return NULL;
	list[book->count] = (struct tn_quarantine_record){ .name = copy };
	return &list[book->count++];
}

static void lift(struct tn_quarantine_record *record)
{
	record->level = TN_QUARANTINE_NONE;
	record->recent_count = 0;
}

static void forget(struct tn_quarantine_record *record)
{
	free(record->recent);
	free(record->name);
}

/* ---- The crashes of one ---------------------------------------------------------------------- */

/* Of those that remain, `most` at the most, the latest. */
static void drop_old(struct tn_quarantine_record *record, int64_t before, size_t most)
{
	size_t old = record->recent_count > most ? record->recent_count - most : 0;

	while (old < record->recent_count && record->recent[old].at <= before)
		old++;
	record->recent_count -= old;
	if (old)
		memmove(record->recent, record->recent + old,
		        record->recent_count * sizeof(record->recent[0]));
}

static bool remember(struct tn_quarantine_record *record, struct tn_quarantine_crash crash)
{
	if (record->recent_count == record->recent_room) {
		size_t room = record->recent_room ? 2 * record->recent_room : 8;
		struct tn_quarantine_crash *recent = reallocarray(record->recent, room,
		                                                  sizeof(recent[0]));

		if (!recent)
			return false;
		record->recent = recent;
		record->recent_room = room;
	}
	record->recent[record->recent_count++] = crash;
	return true;
}

static enum tn_quarantine_level strictest(const struct tn_quarantine_record *record)
{
	enum tn_quarantine_level level = TN_QUARANTINE_NONE;

	for (size_t i = 0; i < record->recent_count; i++)
		if (record->recent[i].level > level)
			level = record->recent[i].level;
	return level;
}

enum tn_quarantine_level tn_quarantine_note(struct tn_quarantine *book, const char *name,
                                            uint32_t step, int64_t now, int64_t limit,
                                            int64_t window)
{
	struct tn_quarantine_crash crash = { .at = now, .level = level_of(step) };
	struct tn_quarantine_record *record = find(book, name);
	enum tn_quarantine_level level;

	if (!record)
		record = add(book, name);
	if (!record)
		return TN_QUARANTINE_NONE;
	record->crashes++;
	record->last = now;
	tn_log_time(record->last_text);
	if (!crash.level || limit <= 0)
		return TN_QUARANTINE_NONE;
	drop_old(record, now - window, (size_t)limit - 1);
	if (!remember(record, crash))
		return TN_QUARANTINE_NONE;
	level = strictest(record);
	if (level <= record->level || (!record->level && record->recent_count < (size_t)limit))
		return TN_QUARANTINE_NONE;
	if (!record->level) {
		record->since = now;
		memcpy(record->since_text, record->last_text, sizeof(record->since_text));
	}
	record->level = level;
	return level;
}

/* ---- The book -------------------------------------------------------------------------------- */

enum tn_quarantine_level tn_quarantine_level(const struct tn_quarantine *book, const char *name)
{
	const struct tn_quarantine_record *record = find(book, name);

	return record ? record->level : TN_QUARANTINE_NONE;
}

void tn_quarantine_turn(struct tn_quarantine *book)
{
	for (size_t i = 0; i < book->count; i++)
		book->list[i].before = book->list[i].last;
}

bool tn_quarantine_is_since(const struct tn_quarantine *book, const char *name, int64_t since)
{
	const struct tn_quarantine_record *record = find(book, name);

	return record && record->last >= since && (!record->level || record->since >= since);
}

enum tn_quarantine_level tn_quarantine_release(struct tn_quarantine *book, const char *name)
{
	struct tn_quarantine_record *record = find(book, name);
	enum tn_quarantine_level level = tn_quarantine_level(book, name);

	if (record)
		lift(record);
	return level;
}

void tn_quarantine_lift_all(struct tn_quarantine *book, const struct tn_plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < book->count; i++) {
		if (!tn_plan_find(plan, book->list[i].name)) {
			forget(&book->list[i]);
			continue;
		}
		book->list[kept] = book->list[i];
		lift(&book->list[kept++]);
	}
	book->count = kept;
}

void tn_quarantine_write(const struct tn_quarantine *book, const struct tn_plan *plan,
                         struct tn_marks *marks)
{
	for (size_t i = 0; i < plan->count; i++)
		tn_marks_set(marks, (uint32_t)i + 1,
		             tn_quarantine_level(book, plan->workers[i].name));
}

void tn_quarantine_finish(struct tn_quarantine *book)
{
	for (size_t i = 0; i < book->count; i++)
		forget(&book->list[i]);
	free(book->list);
	*book = (struct tn_quarantine){ 0 };
}
