#include "command/diff.h"

#include <stdlib.h>
#include <string.h>

static bool same_text(const char *one, const char *other)
{
	return one && other ? strcmp(one, other) == 0 : one == other;
}

static bool has_change(const struct tn_difference *told, const struct tn_diff_change *change)
{
	for (size_t i = 0; i < told->count; i++) {
		const struct tn_diff_change *other = &told->changes[i];

		if (other->mark == change->mark && strcmp(other->key, change->key) == 0 &&
		    same_text(other->route, change->route) &&
		    same_text(other->before, change->before) &&
		    same_text(other->after, change->after) && same_text(other->note, change->note))
			return true;
	}
	return false;
}

/* The Workers have the same numbers in both plans. */
static bool has_need(const struct tn_difference *told, const struct tn_need *need)
{
	for (size_t i = 0; i < told->need_count; i++) {
		const struct tn_need *other = &told->needs[i];

		if (other->worker->number == need->worker->number &&
		    strcmp(other->key, need->key) == 0)
			return true;
	}
	return false;
}

/* Whether requests reach it now, or callers that are reached, that were not told to be affected. */
static bool affects_more(struct tn_diff *diff, const struct tn_difference *difference,
                         const struct tn_difference *told)
{
	const struct tn_plan *plan = difference->plan;
	unsigned char *relations, *others;
	bool more = false;

	if (!difference->worker || !difference->worker->reachable)
		return false;
	if (!told->worker->reachable)
		return true;
	relations = tn_diff_relations(difference);
	others = tn_diff_relations(told);
	diff->failed = diff->failed || !relations || !others;
	for (size_t i = 0; !diff->failed && i < plan->count; i++) {
		const unsigned char up = TN_CALLER | TN_FAR_CALLER;

		more = more || (plan->workers[i].reachable && (relations[i] & up) &&
		                !(others[i] & up));
	}
	free(relations);
	free(others);
	return more;
}

static void forget_changes(struct tn_difference *difference, const struct tn_difference *told)
{
	size_t kept = 0;

	for (size_t i = 0; i < difference->count; i++) {
		if (has_change(told, &difference->changes[i]))
			tn_diff_finish_change(&difference->changes[i]);
		else
			difference->changes[kept++] = difference->changes[i];
	}
	difference->count = kept;
}

static void forget_needs(struct tn_difference *difference, const struct tn_difference *told)
{
	size_t kept = 0;

	for (size_t i = 0; i < difference->need_count; i++) {
		if (!has_need(told, &difference->needs[i]))
			difference->needs[kept++] = difference->needs[i];
	}
	difference->need_count = kept;
}

static void forget(struct tn_diff *diff, struct tn_difference *difference,
                   const struct tn_difference *told)
{
	if (difference->mark != told->mark || affects_more(diff, difference, told))
		return;
	forget_changes(difference, told);
	forget_needs(difference, told);
	if (!difference->count && !difference->need_count)
		difference->mark = TN_MARK_NONE;
}

bool tn_diff_forget_told(struct tn_diff *diff, const struct tn_diff *told)
{
	forget(diff, &diff->host, &told->host);
	for (size_t i = 0; i < diff->count; i++) {
		if (diff->list[i].mark)
			forget(diff, &diff->list[i], &told->list[i]);
	}
	return !diff->failed;
}
