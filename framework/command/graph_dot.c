/*
 * graph_dot.c - the graph in the language of graphviz: tenon graph --dot FILE | dot -Tsvg.
 *
 * The nodes are named as the routes and the Workers are, which never collide: a route has a '/',
 * and a Worker has none.
 */
#include "command/graph.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE 512

/*
 * In a quoted string only \" means another character, but a label has escapes, too (\n, \N), and
 * entities (&lt;). The names of the nodes are written in the same way, which keeps them apart.
 */
static void write_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
		if (*text == '&')
			fputs("amp;", stdout);
	}
}

static void write_quoted(const char *text)
{
	putchar('"');
	write_escaped(text);
	putchar('"');
}

/* Another line of a label. */
static void write_line(const char *what, const char *text)
{
	fputs("\\n", stdout);
	fputs(what, stdout);
	write_escaped(text);
}

/* ---- Nodes --------------------------------------------------------------------------------- */

static void write_route(const char *text)
{
	putchar('\t');
	write_quoted(text);
	fputs(" [label=", stdout);
	write_quoted(text);
	fputs(", shape=plaintext];\n", stdout);
}

static const char *style_of(const struct tn_plan_worker *worker)
{
	if (worker->route)
		return "shape=box, style=bold";
	if (worker->reachable)
		return "shape=box";
	return "shape=box, style=dotted, fontcolor=gray40";
}

static void write_worker(const struct tn_plan_worker *worker)
{
	putchar('\t');
	write_quoted(worker->name);
	fputs(" [label=\"", stdout);
	write_escaped(worker->name);
	if (worker->parent)
		write_line("variant of ", worker->parent->name);
	printf("\", %s];\n", style_of(worker));
}

/* ---- Edges --------------------------------------------------------------------------------- */

static void write_edge(const char *from, const char *to)
{
	putchar('\t');
	write_quoted(from);
	fputs(" -> ", stdout);
	write_quoted(to);
}

static void write_label(const struct tn_graph *graph, const struct tn_plan_binding *binding,
                        const struct tn_plan_target *target)
{
	char name[NAME_SIZE], weight[TN_WEIGHT_SIZE];
	const char *written = tn_graph_written(graph->plan, binding, target, name, sizeof(name));

	write_escaped(binding->field);
	if (tn_graph_is_split(binding)) {
		printf(" %s", tn_weight_text(target->weight, weight));
		if (binding->key_entry)
			write_line("by ", binding->key_entry->value);
	}
	if (written)
		write_line("written ", written);
}

static void write_target(const struct tn_graph *graph, const struct tn_plan_binding *binding,
                         const struct tn_plan_target *target)
{
	write_edge(binding->caller->name, target->worker->name);
	fputs(" [label=\"", stdout);
	write_label(graph, binding, target);
	putchar('"');
	if (tn_graph_is_split(binding))
		fputs(", style=dashed", stdout);
	if (tn_graph_is_cycle(graph, binding, target))
		fputs(", color=red", stdout);
	fputs("];\n", stdout);
}

static void write_bindings(const struct tn_graph *graph, const struct tn_plan_worker *worker)
{
	struct tn_graph_step step = { .worker = worker };
	const struct tn_plan_binding *binding;
	const struct tn_plan_target *target;

	while ((target = tn_graph_next(&step, &binding)))
		write_target(graph, binding, target);
}

/* ---- The whole ----------------------------------------------------------------------------- */

static void write_head(const struct tn_plan *plan)
{
	fputs("digraph tenon {\n\trankdir=LR;\n", stdout);
	if (plan->environment) {
		fputs("\tlabel=\"environment ", stdout);
		write_escaped(plan->environment);
		fputs("\";\n", stdout);
	}
}

int tn_graph_print_dot(const struct tn_graph *graph)
{
	const struct tn_plan *plan = graph->plan;

	write_head(plan);
	for (size_t i = 0; i < plan->routes.count; i++)
		write_route(plan->routes.list[i].text);
	for (size_t i = 0; i < plan->count; i++)
		write_worker(&plan->workers[i]);
	for (size_t i = 0; i < plan->routes.count; i++) {
		const struct tn_route *route = &plan->routes.list[i];

		write_edge(route->text, plan->workers[route->worker].name);
		fputs(";\n", stdout);
	}
	for (size_t i = 0; i < plan->count; i++)
		write_bindings(graph, &plan->workers[i]);
	fputs("}\n", stdout);
	return 0;
}
