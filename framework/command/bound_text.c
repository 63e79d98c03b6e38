#include "command/bound.h"

#include "command/describe.h"
#include "command/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

/* ---- Lists of Workers ---------------------------------------------------------------------- */

/* Those that bind a Worker, or that it binds. */
struct items {
	struct item {
		const struct tn_plan_worker *worker;
		uint32_t weight;
	} * list;
	size_t count;
};

/* Each Worker is one item, with the largest of its weights. */
static void add_item(struct items *items, const struct tn_plan_worker *worker, uint32_t weight)
{
	struct item *item = items->list;

	while (item < items->list + items->count && item->worker != worker)
		item++;
	if (item == items->list + items->count)
		items->list[items->count++].worker = worker;
	if (weight > item->weight)
		item->weight = weight;
}

static bool find_callers(struct items *items, const struct tn_plan_worker *worker)
{
	*items = (struct items){ .list = calloc(worker->use_count + 1, sizeof(items->list[0])) };
	for (size_t i = 0; items->list && i < worker->use_count; i++)
		add_item(items, worker->uses[i].binding->caller, worker->uses[i].weight);
	return items->list;
}

static bool find_callees(struct items *items, const struct tn_plan_worker *worker)
{
	size_t most = 1;

	for (size_t i = 0; i < worker->binding_count; i++)
		most += worker->bindings[i].target_count;
	*items = (struct items){ .list = calloc(most, sizeof(items->list[0])) };
	for (size_t i = 0; items->list && i < worker->binding_count; i++) {
		const struct tn_plan_binding *binding = &worker->bindings[i];

		for (size_t j = 0; j < binding->target_count; j++)
			add_item(items, binding->targets[j].worker, binding->targets[j].weight);
	}
	return items->list;
}

/* ---- Cells --------------------------------------------------------------------------------- */

static void add_name(struct tn_table *table, const struct tn_plan_worker *worker)
{
	tn_table_cell(table, "%s%s", worker->name, worker->reachable ? "" : " (unreachable)");
}

/* "2: auth@v1 90%, auth@v2 10%", and ends the list. */
static void add_items(struct tn_table *table, struct items *items, const char *none)
{
	char weight[16];

	if (items->count)
		tn_table_write(table, "%zu: ", items->count);
	else
		tn_table_write(table, "%s", none);
	for (size_t i = 0; i < items->count; i++) {
		const struct item *item = &items->list[i];

		tn_table_write(table, "%s%s", i ? ", " : "", item->worker->name);
		if (item->weight != TN_WEIGHT_WHOLE)
			tn_table_write(table, " %s", tn_weight_text(item->weight, weight));
	}
	tn_table_end(table);
	free(items->list);
}

static void add_callers(struct tn_table *table, const struct tn_plan_worker *worker)
{
	struct items items;

	if (find_callers(&items, worker))
		add_items(table, &items, "nobody");
	else
		table->failed = true;
}

static void add_callees(struct tn_table *table, const struct tn_plan_worker *worker)
{
	struct items items;

	if (find_callees(&items, worker))
		add_items(table, &items, "nothing");
	else
		table->failed = true;
}

/* What follows the Worker in a row about a binding: its field, the weight, where it stands. */
static void add_binding(struct tn_table *table, const struct tn_plan_binding *binding,
                        uint32_t share)
{
	char weight[16];

	tn_table_write(table, "%s", tn_weight_text(share, weight));
	if (binding->key_entry && binding->target_count > 1)
		tn_table_write(table, " by %s", binding->key_entry->value);
	tn_table_end(table);
	tn_describe_from(table, binding->entry, binding->caller->section);
	tn_table_end(table);
}

/* "gateway > auth": of a route of the Worker itself "auth", of a cycle "auth > users > auth". */
static void add_chain(struct tn_table *table, const struct tn_bound *bound, size_t from,
                      bool is_cycle)
{
	const struct tn_plan_worker *workers = bound->plan->workers;
	bool there = from == bound->worker->number && !is_cycle;

	tn_table_write(table, "%s", workers[from].name);
	while (!there) {
		from = bound->next[from];
		tn_table_write(table, " > %s", workers[from].name);
		there = from == bound->worker->number;
	}
	tn_table_end(table);
}

/* ---- One Worker ---------------------------------------------------------------------------- */

/* A table below its title; " nobody", or the like, in place of one that has its heads only. */
static bool print_section(struct tn_table *table, const char *title, const char *none)
{
	bool empty = !table->failed && table->count == table->columns;

	printf("\n%s:%s\n", title, empty ? none : "");
	if (!empty)
		return tn_table_print(table, 2);
	tn_table_finish(table);
	return true;
}

static bool print_callers(const struct tn_plan_worker *worker)
{
	struct tn_table table;

	tn_table_init(&table, 4);
	tn_table_cells(&table, "WORKER", "FIELD", "WEIGHT", "FROM");
	for (size_t i = 0; i < worker->use_count; i++) {
		const struct tn_plan_use *use = &worker->uses[i];

		add_name(&table, use->binding->caller);
		tn_table_cell(&table, "%s", use->binding->field);
		add_binding(&table, use->binding, use->weight);
	}
	return print_section(&table, "Bound by", " nobody");
}

static void add_targets(struct tn_table *table, const struct tn_plan_binding *binding)
{
	for (size_t i = 0; i < binding->target_count; i++) {
		tn_table_cell(table, "%s", binding->field);
		tn_table_cell(table, "%s", binding->targets[i].worker->name);
		add_binding(table, binding, binding->targets[i].weight);
	}
}

static bool print_callees(const struct tn_plan_worker *worker)
{
	struct tn_table table;

	tn_table_init(&table, 4);
	tn_table_cells(&table, "FIELD", "WORKER", "WEIGHT", "FROM");
	for (size_t i = 0; i < worker->binding_count; i++)
		add_targets(&table, &worker->bindings[i]);
	return print_section(&table, "Binds", " nothing");
}

static bool print_routes(const struct tn_bound *bound)
{
	const struct tn_routes *routes = &bound->plan->routes;
	struct tn_table table;

	tn_table_init(&table, 3);
	tn_table_cells(&table, "ROUTE", "CHAIN", "FROM");
	for (size_t i = 0; i < routes->count; i++) {
		const struct tn_route *route = &routes->list[i];

		if (!tn_bound_leads(bound, route->worker))
			continue;
		tn_table_cell(&table, "%s", route->text);
		add_chain(&table, bound, route->worker, false);
		tn_describe_place(&table, route->place);
		tn_table_end(&table);
	}
	return print_section(&table, "Routes that reach it", " none");
}

/* What takes more than one call. */
static bool print_indirect(const struct tn_bound *bound)
{
	struct tn_table table;

	tn_table_init(&table, 2);
	tn_table_cells(&table, "WORKER", "CHAIN");
	for (size_t i = 0; i < bound->count; i++) {
		size_t caller = bound->order[i];

		if (bound->distance[caller] < 2)
			continue;
		add_name(&table, &bound->plan->workers[caller]);
		add_chain(&table, bound, caller, true);
	}
	return print_section(&table, "Called through others by", " nobody");
}

static bool print_variants(const struct tn_plan *plan, const struct tn_plan_worker *worker)
{
	struct tn_table table;

	tn_table_init(&table, 4);
	tn_table_cells(&table, "WORKER", "INHERITS FROM", "STATE", "BOUND BY");
	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *other = &plan->workers[i];

		if (other == worker || !tn_bound_is_variant(worker, other))
			continue;
		tn_table_cells(&table, other->name, other->parent ? other->parent->name : "-",
		               tn_describe_state(other));
		add_callers(&table, other);
	}
	return print_section(&table, "Its other variants", " none");
}

static void print_environment(const struct tn_plan *plan, const char *end)
{
	if (plan->environment)
		printf("Environment %s%s", plan->environment, end);
}

static bool print_one(const struct tn_bound *bound)
{
	print_environment(bound->plan, ", ");
	return tn_describe_heading(bound->worker) && print_callers(bound->worker) &&
	       print_callees(bound->worker) && print_routes(bound) && print_indirect(bound) &&
	       print_variants(bound->plan, bound->worker);
}

/* ---- All ----------------------------------------------------------------------------------- */

static void add_routes(struct tn_table *table, const struct tn_plan *plan,
                       const struct tn_plan_worker *worker)
{
	const char *between = "";

	for (size_t i = 0; worker->route && i < plan->routes.count; i++) {
		if (plan->routes.list[i].worker != worker->number)
			continue;
		tn_table_write(table, "%s%s", between, plan->routes.list[i].text);
		between = ", ";
	}
	tn_table_end(table);
}

static bool print_all(const struct tn_plan *plan)
{
	struct tn_table table;

	print_environment(plan, ":\n\n");
	tn_table_init(&table, 5);
	tn_table_cells(&table, "WORKER", "STATE", "BOUND BY", "BINDS", "ROUTES");
	for (size_t i = 0; i < plan->count; i++) {
		const struct tn_plan_worker *worker = &plan->workers[i];

		tn_table_cells(&table, worker->name, tn_describe_state(worker));
		add_callers(&table, worker);
		add_callees(&table, worker);
		add_routes(&table, plan, worker);
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

int tn_bound_print_all(const struct tn_plan *plan)
{
	return result(print_all(plan));
}
