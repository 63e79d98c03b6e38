/*
 * diff_text.c - the difference for people. The mark at the start of a line says what it tells:
 * + added, - removed, ~ changed, ! needed, but gone; a line without one says who is affected.
 */
#include "command/diff.h"
#include "command/input.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define NAMES_MOST 8 /* in one list; a person is told how many more there are */

/* ---- Changes ------------------------------------------------------------------------------- */

/* Free text is quoted, so that it shows where it ends. */
static void print_value(const struct tn_diff_change *change, const char *value)
{
	bool quoted = strncmp(change->key, "var.", strlen("var.")) == 0 || !*value;

	printf(quoted ? "\"%s\"" : "%s", value);
}

static void print_values(const struct tn_diff_change *change)
{
	const char *only = change->before ? change->before : change->after;

	print_value(change, only);
	if (change->before && change->after && strcmp(change->before, change->after) != 0) {
		fputs(" -> ", stdout);
		print_value(change, change->after);
	}
}

static void print_change(const struct tn_diff_change *change)
{
	printf("%c     %s", (char)change->mark, change->key);
	if (change->route)
		printf(" %s", change->route);
	if (!change->route || change->mark == TN_MARK_CHANGED) {
		fputs(": ", stdout);
		print_values(change);
	}
	if (change->note)
		printf(" (%s)", change->note);
	putchar('\n');
}

static void print_need(const struct tn_need *need)
{
	printf("!     still needed by worker '%s': %s (%s:%u)\n", need->worker->name, need->key,
	       need->place.file, need->place.line);
}

/* ---- Who is affected ----------------------------------------------------------------------- */

/* A list of names, the first ones only. */
struct names {
	const char *heading;
	size_t count;
};

static void print_name(struct names *names, const char *name)
{
	if (names->count < NAMES_MOST)
		printf("%s %s", names->count ? "," : names->heading, name);
	names->count++;
}

static void end_names(const struct names *names)
{
	if (names->count > NAMES_MOST)
		printf(" and %zu more", names->count - NAMES_MOST);
}

static size_t print_workers(const struct tn_plan *plan, const unsigned char *relations,
                            enum tn_relation relation, const char *heading)
{
	struct names names = { .heading = heading };

	for (size_t i = 0; i < plan->count; i++) {
		if (relations[i] & relation)
			print_name(&names, plan->workers[i].name);
	}
	end_names(&names);
	return names.count;
}

/* One that calls from afar, or is called from afar, has another in between. */
static void print_line(const struct tn_plan *plan, const unsigned char *relations,
                       enum tn_relation near, enum tn_relation far, const char *heading)
{
	if (!print_workers(plan, relations, near, heading))
		return;
	print_workers(plan, relations, far, "; through others");
	putchar('\n');
}

static void print_routes(const struct tn_difference *difference, const unsigned char *relations)
{
	const struct tn_routes *routes = &difference->plan->routes;
	struct names names = { .heading = "      reached by" };

	for (size_t i = 0; i < routes->count; i++) {
		if (tn_diff_is_reached(difference, relations, &routes->list[i]))
			print_name(&names, routes->list[i].text);
	}
	if (!names.count)
		print_name(&names, "no route");
	end_names(&names);
	putchar('\n');
}

static bool print_affected(const struct tn_difference *difference)
{
	unsigned char *relations = tn_diff_relations(difference);

	if (!relations)
		return false;
	print_line(difference->plan, relations, TN_CALLER, TN_FAR_CALLER, "      called by");
	print_routes(difference, relations);
	print_line(difference->plan, relations, TN_CALLEE, TN_FAR_CALLEE, "      calls");
	free(relations);
	return true;
}

/* ---- The whole ----------------------------------------------------------------------------- */

static void print_heading(const struct tn_difference *difference)
{
	if (difference->worker)
		printf("%c worker %s\n", (char)difference->mark, difference->worker->name);
	else
		printf("%c host\n", (char)difference->mark);
}

static bool print(const struct tn_difference *difference)
{
	if (!difference->mark)
		return true;
	print_heading(difference);
	for (size_t i = 0; i < difference->count; i++)
		print_change(&difference->changes[i]);
	for (size_t i = 0; i < difference->need_count; i++)
		print_need(&difference->needs[i]);
	return !difference->worker || print_affected(difference);
}

static bool print_diff(const struct tn_diff *diff)
{
	bool printed = print(&diff->host);

	for (size_t i = 0; printed && i < diff->count; i++)
		printed = print(&diff->list[i]);
	return printed;
}

int tn_diff_print_text(const struct tn_diff *diffs, size_t count)
{
	bool printed = true;
	bool empty = true;

	for (size_t i = 0; printed && i < count; i++) {
		const struct tn_diff *diff = &diffs[i];

		if (count > 1 && tn_diff_is_empty(diff))
			continue;
		if (diff->after->environment)
			printf("environment %s\n", diff->after->environment);
		empty = tn_diff_is_empty(diff);
		printed = print_diff(diff);
	}
	if (empty)
		puts("no differences");
	if (printed)
		return 0;
	tn_complain("out of memory");
	return EX_OSERR;
}
