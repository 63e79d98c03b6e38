#include "command/bound.h"

#include "command/bound_rows.h"
#include "command/describe.h"
#include "command/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* ---- Lists in one cell --------------------------------------------------------------------- */

#define NAMES_MOST 8 /* in one cell: each row is as wide as the widest; `bound WORKER` has all */

/* Those that bind a Worker, or that it binds, or its routes. */
struct items {
	const struct tn_bound *bound;
	struct item {
		const char *name;
		uint32_t weight;
		size_t view; /* the first that has it */
		bool *views; /* all that have it */
	} * list;
	size_t count;
	size_t capacity;
	bool failed; /* there was no memory for one */
};

static struct item *new_item(struct items *items, const char *name, size_t view)
{
	size_t larger = items->capacity ? 2 * items->capacity : 8;
	struct item *list = items->list;

	if (items->count == items->capacity) {
		list = reallocarray(list, larger, sizeof(list[0]));
		if (!list)
			return NULL;
		items->list = list;
		items->capacity = larger;
	}
	list[items->count] = (struct item){
		.name = name,
		.view = view,
		.views = calloc(items->bound->count, sizeof(bool)),
	};
	return list[items->count].views ? &list[items->count++] : NULL;
}

static struct item *find_item(struct items *items, const char *name)
{
	for (size_t i = 0; i < items->count; i++) {
		if (strcmp(items->list[i].name, name) == 0)
			return &items->list[i];
	}
	return NULL;
}

/* Each name is one item, with the largest of its weights in the first view that has it. */
static void add_item(struct items *items, const char *name, uint32_t weight, size_t view)
{
	struct item *item = find_item(items, name);

	if (!item)
		item = new_item(items, name, view);
	if (!item) {
		items->failed = true;
		return;
	}
	item->views[view] = true;
	if (view == item->view && weight > item->weight)
		item->weight = weight;
}

/* "staging, test" */
static void write_environments(struct tn_table *table, const struct tn_bound *bound,
                               const bool *views)
{
	const char *between = "";

	for (size_t i = 0; i < bound->count; i++) {
		if (!views[i])
			continue;
		tn_table_write(table, "%s%s", between, bound->views[i].plan->environment);
		between = ", ";
	}
}

/* "auth@v1 90%, auth@staging in staging", and ends the list. */
static void write_items(struct tn_table *table, struct items *items)
{
	char weight[TN_WEIGHT_SIZE];

	for (size_t i = 0; i < items->count; i++) {
		const struct item *item = &items->list[i];

		if (i >= NAMES_MOST) {
			free(item->views);
			continue;
		}
		tn_table_write(table, "%s%s", i ? ", " : "", item->name);
		if (item->weight != TN_WEIGHT_WHOLE)
			tn_table_write(table, " %s", tn_weight_text(item->weight, weight));
		if (item->view) {
			tn_table_write(table, " in ");
			write_environments(table, items->bound, item->views);
		}
		free(item->views);
	}
	if (items->count > NAMES_MOST)
		tn_table_write(table, " and %zu more", items->count - NAMES_MOST);
	table->failed = table->failed || items->failed;
	free(items->list);
}

static void write_count(struct tn_table *table, const struct items *items, const char *none)
{
	if (items->count)
		tn_table_write(table, "%zu: ", items->count);
	else
		tn_table_write(table, "%s", none);
}

static void add_callers(struct tn_table *table, const struct tn_bound *bound, size_t number)
{
	struct items items = { .bound = bound };

	for (size_t i = 0; i < bound->count; i++) {
		const struct tn_plan_worker *worker = &bound->views[i].plan->workers[number];

		for (size_t j = 0; j < worker->use_count; j++) {
			const struct tn_plan_worker *caller = worker->uses[j].binding->caller;

			if (tn_bound_counts(bound, &bound->views[i], caller->number))
				add_item(&items, caller->name, worker->uses[j].weight, i);
		}
	}
	write_count(table, &items, "nobody");
	write_items(table, &items);
	tn_table_end(table);
}

static void add_targets(struct items *items, const struct tn_plan_binding *binding, size_t view)
{
	for (size_t i = 0; i < binding->target_count; i++)
		add_item(items, binding->targets[i].worker->name, binding->targets[i].weight,
		         view);
}

static void add_callees(struct tn_table *table, const struct tn_bound *bound, size_t number)
{
	struct items items = { .bound = bound };

	for (size_t i = 0; i < bound->count; i++) {
		const struct tn_plan_worker *worker = &bound->views[i].plan->workers[number];

		if (!tn_bound_counts(bound, &bound->views[i], number))
			continue;
		for (size_t j = 0; j < worker->binding_count; j++)
			add_targets(&items, &worker->bindings[j], i);
	}
	write_count(table, &items, "nothing");
	write_items(table, &items);
	tn_table_end(table);
}

static void add_routes(struct tn_table *table, const struct tn_bound *bound, size_t number)
{
	struct items items = { .bound = bound };

	for (size_t i = 0; i < bound->count; i++) {
		const struct tn_plan *plan = bound->views[i].plan;

		for (size_t j = 0; plan->workers[number].route && j < plan->routes.count; j++) {
			if (plan->routes.list[j].worker == number)
				add_item(&items, plan->routes.list[j].text, TN_WEIGHT_WHOLE, i);
		}
	}
	write_items(table, &items);
	tn_table_end(table);
}

/* ---- Cells --------------------------------------------------------------------------------- */

/* "private", "private in staging", "private, public in staging": where it is not reached is not
 * told, if it is anywhere. */
static void write_state(struct tn_table *table, const struct tn_bound *bound, size_t number)
{
	struct items items = { .bound = bound };

	for (size_t i = 0; i < bound->count; i++) {
		const struct tn_plan_worker *worker = &bound->views[i].plan->workers[number];

		if (tn_bound_counts(bound, &bound->views[i], number))
			add_item(&items, tn_describe_state(worker), TN_WEIGHT_WHOLE, i);
	}
	write_items(table, &items);
}

static void add_state(struct tn_table *table, const struct tn_bound *bound, size_t number)
{
	write_state(table, bound, number);
	tn_table_end(table);
}

static void add_name(struct tn_table *table, const struct tn_bound *bound,
                     const struct tn_plan_worker *worker)
{
	tn_table_cell(table, "%s%s", worker->name,
	              tn_bound_is_reached(bound, worker->number) ? "" : " (unreachable)");
}

/* What follows the Worker in a row about a binding: its field, the weight, where it stands. */
static void add_binding(struct tn_table *table, const struct tn_plan_binding *binding,
                        uint32_t share)
{
	char weight[TN_WEIGHT_SIZE];

	tn_table_write(table, "%s", tn_weight_text(share, weight));
	if (binding->key_entry && binding->target_count > 1)
		tn_table_write(table, " by %s", binding->key_entry->value);
	tn_table_end(table);
	tn_describe_from(table, binding->entry, binding->caller->section);
	tn_table_end(table);
}

/* "gateway > auth": of a route of the Worker itself "auth", of a cycle "auth > users > auth". */
static void add_chain(struct tn_table *table, const struct tn_bound *bound,
                      const struct tn_bound_view *view, size_t from, bool is_cycle)
{
	const struct tn_plan_worker *workers = view->plan->workers;
	bool there = from == bound->worker->number && !is_cycle;

	tn_table_write(table, "%s", workers[from].name);
	while (!there) {
		from = view->next[from];
		tn_table_write(table, " > %s", workers[from].name);
		there = from == bound->worker->number;
	}
	tn_table_end(table);
}

/* ---- One Worker ---------------------------------------------------------------------------- */

static void add_caller_rows(struct tn_bound_rows *rows, const struct tn_bound *bound, size_t view)
{
	const struct tn_plan *plan = bound->views[view].plan;
	const struct tn_plan_worker *worker = &plan->workers[bound->worker->number];

	for (size_t i = 0; i < worker->use_count; i++) {
		const struct tn_plan_binding *binding = worker->uses[i].binding;
		struct tn_table *row;

		if (!tn_bound_counts(bound, &bound->views[view], binding->caller->number))
			continue;
		row = tn_bound_rows_begin(rows);
		add_name(row, bound, binding->caller);
		tn_table_cell(row, "%s", binding->field);
		add_binding(row, binding, worker->uses[i].weight);
		tn_bound_rows_end(rows, view);
	}
}

static bool print_callers(const struct tn_bound *bound)
{
	static const char *const heads[] = { "WORKER", "FIELD", "WEIGHT", "FROM", NULL };
	struct tn_bound_rows rows;

	tn_bound_rows_init(&rows, bound, heads);
	for (size_t i = 0; i < bound->count; i++)
		add_caller_rows(&rows, bound, i);
	return tn_bound_rows_print(&rows, "Bound by", " nobody");
}

static void add_target_rows(struct tn_bound_rows *rows, const struct tn_plan_binding *binding,
                            size_t view)
{
	for (size_t i = 0; i < binding->target_count; i++) {
		struct tn_table *row = tn_bound_rows_begin(rows);

		tn_table_cell(row, "%s", binding->field);
		tn_table_cell(row, "%s", binding->targets[i].worker->name);
		add_binding(row, binding, binding->targets[i].weight);
		tn_bound_rows_end(rows, view);
	}
}

static bool print_callees(const struct tn_bound *bound)
{
	static const char *const heads[] = { "FIELD", "WORKER", "WEIGHT", "FROM", NULL };
	const size_t number = bound->worker->number;
	struct tn_bound_rows rows;

	tn_bound_rows_init(&rows, bound, heads);
	for (size_t i = 0; i < bound->count; i++) {
		const struct tn_plan_worker *worker = &bound->views[i].plan->workers[number];

		if (!tn_bound_counts(bound, &bound->views[i], number))
			continue;
		for (size_t j = 0; j < worker->binding_count; j++)
			add_target_rows(&rows, &worker->bindings[j], i);
	}
	return tn_bound_rows_print(&rows, "Binds", " nothing");
}

static void add_route_rows(struct tn_bound_rows *rows, const struct tn_bound *bound, size_t number)
{
	const struct tn_bound_view *view = &bound->views[number];
	const struct tn_routes *routes = &view->plan->routes;

	for (size_t i = 0; i < routes->count; i++) {
		const struct tn_route *route = &routes->list[i];
		struct tn_table *row;

		if (!tn_bound_leads(bound, view, route->worker))
			continue;
		row = tn_bound_rows_begin(rows);
		tn_table_cell(row, "%s", route->text);
		add_chain(row, bound, view, route->worker, false);
		tn_describe_place(row, route->place);
		tn_table_end(row);
		tn_bound_rows_end(rows, number);
	}
}

static bool print_routes(const struct tn_bound *bound)
{
	static const char *const heads[] = { "ROUTE", "CHAIN", "FROM", NULL };
	struct tn_bound_rows rows;

	tn_bound_rows_init(&rows, bound, heads);
	for (size_t i = 0; i < bound->count; i++)
		add_route_rows(&rows, bound, i);
	return tn_bound_rows_print(&rows, "Routes that reach it", " none");
}

/* What takes more than one call. */
static void add_indirect_rows(struct tn_bound_rows *rows, const struct tn_bound *bound,
                              size_t number)
{
	const struct tn_bound_view *view = &bound->views[number];

	for (size_t i = 0; i < view->count; i++) {
		size_t caller = view->order[i];
		struct tn_table *row;

		if (view->distance[caller] < 2 || !tn_bound_counts(bound, view, caller))
			continue;
		row = tn_bound_rows_begin(rows);
		add_name(row, bound, &view->plan->workers[caller]);
		add_chain(row, bound, view, caller, true);
		tn_bound_rows_end(rows, number);
	}
}

static bool print_indirect(const struct tn_bound *bound)
{
	static const char *const heads[] = { "WORKER", "CHAIN", NULL };
	struct tn_bound_rows rows;

	tn_bound_rows_init(&rows, bound, heads);
	for (size_t i = 0; i < bound->count; i++)
		add_indirect_rows(&rows, bound, i);
	return tn_bound_rows_print(&rows, "Called through others by", " nobody");
}

/* A table below its title; " none" in place of one that has its heads only. */
static bool print_section(struct tn_table *table, const char *title, const char *none)
{
	bool empty = !table->failed && table->count == table->columns;

	printf("\n%s:%s\n", title, empty ? none : "");
	if (!empty)
		return tn_table_print(table, 2);
	tn_table_finish(table);
	return true;
}

static bool print_variants(const struct tn_bound *bound)
{
	const struct tn_plan *plan = bound->views[0].plan;
	struct tn_table table;

	tn_table_init(&table, 4);
	tn_table_cells(&table, "WORKER", "INHERITS FROM", "STATE", "BOUND BY");
	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *other = &plan->workers[i];

		if (other == bound->worker || !tn_bound_is_variant(bound->worker, other))
			continue;
		tn_table_cells(&table, other->name, other->parent ? other->parent->name : "-");
		add_state(&table, bound, i);
		add_callers(&table, bound, i);
	}
	return print_section(&table, "Its other variants", " none");
}

static void print_environment(const struct tn_bound *bound, const char *end)
{
	const char *environment = bound->views[0].plan->environment;

	if (environment)
		printf("Environment %s%s", environment, end);
}

static bool print_heading(const struct tn_bound *bound)
{
	const struct tn_plan_worker *worker = bound->worker;
	struct tn_table table;

	tn_table_init(&table, 1);
	tn_table_write(&table, "%s: ", worker->name);
	write_state(&table, bound, worker->number);
	if (worker->parent)
		tn_table_write(&table, ", inherits from %s", worker->parent->name);
	tn_table_write(&table, ", ");
	tn_describe_place(&table, worker->section->place);
	tn_table_end(&table);
	return tn_table_print(&table, 0);
}

static bool print_one(const struct tn_bound *bound)
{
	print_environment(bound, ", ");
	return print_heading(bound) && print_callers(bound) && print_callees(bound) &&
	       print_routes(bound) && print_indirect(bound) && print_variants(bound);
}

/* ---- All ----------------------------------------------------------------------------------- */

static bool print_all(const struct tn_bound *bound)
{
	const struct tn_plan *plan = bound->views[0].plan;
	struct tn_table table;

	print_environment(bound, ":\n\n");
	tn_table_init(&table, 5);
	tn_table_cells(&table, "WORKER", "STATE", "BOUND BY", "BINDS", "ROUTES");
	for (size_t i = 0; i < plan->count; i++) {
		tn_table_cell(&table, "%s", plan->workers[i].name);
		add_state(&table, bound, i);
		add_callers(&table, bound, i);
		add_callees(&table, bound, i);
		add_routes(&table, bound, i);
	}
	return tn_table_print(&table, 0);
}

static int result(bool printed)
{
	if (printed)
		return 0;
	tn_complain("out of memory");
	return EX_OSERR;
}

int tn_bound_print(const struct tn_bound *bound)
{
	return result(print_one(bound));
}

int tn_bound_print_all(const struct tn_bound *bound)
{
	return result(print_all(bound));
}
