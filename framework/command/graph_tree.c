#include "command/graph.h"
#include "command/input.h"

#include <stdlib.h>
#include <sysexits.h>

#define LEVELS 32 /* that are indented; a call that is deeper fails with the default of max_depth */
#define NAME_SIZE 512

/* A walk down the bindings. Each Worker's own are printed once, so that the whole is as long as the
 * plan, however many ways there are through it. */
struct tree {
	const struct tn_graph *graph;
	struct tn_graph_step *path; /* from a route's Worker to the present one */
	size_t depth;
	bool *printed; /* one for each Worker */
	bool *on_path;
	size_t *routes; /* the first route of each Worker, counted from 1 */
	size_t *next;   /* the next route of the same Worker */
};

/* Whether what it binds stands above. */
static bool is_above(const struct tree *tree, const struct tn_plan_worker *worker)
{
	return tree->printed[worker->number] && worker->binding_count;
}

/* What stands in parentheses behind a Worker. */
TN_PRINTF(2, 3)
static void note(bool *begun, const char *format, ...)
{
	va_list list;

	fputs(*begun ? ", " : " (", stdout);
	*begun = true;
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
}

static void note_variant(bool *begun, const struct tn_plan_worker *worker)
{
	if (worker->parent)
		note(begun, "variant of %s", worker->parent->name);
	else if (worker->variant)
		note(begun, "variant");
}

static void print_indent(const struct tree *tree)
{
	size_t level = tree->depth + 1;

	printf("%*s", 2 * (int)(level < LEVELS ? level : LEVELS), "");
	if (level > LEVELS)
		printf("[%zu] ", level);
}

static void print_weight(const struct tn_plan_binding *binding, const struct tn_plan_target *target)
{
	char weight[TN_WEIGHT_SIZE];

	if (!tn_graph_is_split(binding))
		return;
	printf(" %s", tn_weight_text(target->weight, weight));
	if (binding->key_entry)
		printf(" by %s", binding->key_entry->value);
}

static void print_target(const struct tree *tree, const struct tn_plan_binding *binding,
                         const struct tn_plan_target *target)
{
	const struct tn_plan_worker *worker = target->worker;
	char name[NAME_SIZE];
	const char *written =
		tn_graph_written(tree->graph->plan, binding, target, name, sizeof(name));
	bool begun = false;

	print_indent(tree);
	printf("%s -> %s", binding->field, worker->name);
	print_weight(binding, target);
	note_variant(&begun, worker);
	if (written)
		note(&begun, "written %s", written);
	if (worker->route)
		note(&begun, "public");
	if (worker->blocking)
		note(&begun, "blocks");
	if (tree->on_path[worker->number])
		note(&begun, "cycle");
	else if (is_above(tree, worker))
		note(&begun, "see above");
	puts(begun ? ")" : "");
}

static void enter(struct tree *tree, const struct tn_plan_worker *worker)
{
	tree->path[tree->depth++] = (struct tn_graph_step){ .worker = worker };
	tree->printed[worker->number] = true;
	tree->on_path[worker->number] = true;
}

static void print_below(struct tree *tree, const struct tn_plan_worker *worker)
{
	const struct tn_plan_binding *binding;

	enter(tree, worker);
	while (tree->depth) {
		struct tn_graph_step *step = &tree->path[tree->depth - 1];
		const struct tn_plan_target *target = tn_graph_next(step, &binding);

		if (!target) {
			tree->on_path[step->worker->number] = false;
			tree->depth--;
			continue;
		}
		print_target(tree, binding, target);
		if (!tree->printed[target->worker->number])
			enter(tree, target->worker);
	}
}

static void print_root(struct tree *tree, const struct tn_plan_worker *worker)
{
	bool begun = false;

	print_indent(tree);
	fputs(worker->name, stdout);
	note_variant(&begun, worker);
	if (worker->blocking)
		note(&begun, "blocks");
	if (is_above(tree, worker))
		note(&begun, "see above");
	puts(begun ? ")" : "");
	if (!tree->printed[worker->number])
		print_below(tree, worker);
}

/* ---- Roots --------------------------------------------------------------------------------- */

static void chain_routes(struct tree *tree, const struct tn_routes *routes)
{
	for (size_t i = routes->count; i > 0; i--) {
		size_t *first = &tree->routes[routes->list[i - 1].worker];

		tree->next[i] = *first;
		*first = i;
	}
}

/* Those of one Worker together, where the best of them stands. */
static void print_public(struct tree *tree)
{
	const struct tn_plan *plan = tree->graph->plan;

	for (size_t i = 0; i < plan->routes.count; i++) {
		size_t worker = plan->routes.list[i].worker;

		if (tree->routes[worker] != i + 1)
			continue;
		for (size_t at = i + 1; at; at = tree->next[at])
			puts(plan->routes.list[at - 1].text);
		print_root(tree, &plan->workers[worker]);
	}
}

/* Those that nobody binds come first, so that the others stand below their callers. */
static void print_unreachable(struct tree *tree)
{
	const struct tn_plan *plan = tree->graph->plan;
	bool begun = false;

	for (size_t i = 0; i < 2 * plan->count; i++) {
		const struct tn_plan_worker *worker = &plan->workers[i % plan->count];

		if (tree->printed[worker->number] || (i < plan->count && worker->use_count))
			continue;
		if (!begun)
			puts("unreachable: no route leads to these Workers");
		begun = true;
		print_root(tree, worker);
	}
}

static void print(struct tree *tree)
{
	const struct tn_plan *plan = tree->graph->plan;

	chain_routes(tree, &plan->routes);
	if (plan->environment)
		printf("environment %s\n", plan->environment);
	print_public(tree);
	print_unreachable(tree);
}

int tn_graph_print_tree(const struct tn_graph *graph)
{
	size_t workers = graph->plan->count + 1;
	struct tree tree = {
		.graph = graph,
		.path = calloc(workers, sizeof(tree.path[0])),
		.printed = calloc(workers, sizeof(tree.printed[0])),
		.on_path = calloc(workers, sizeof(tree.on_path[0])),
		.routes = calloc(workers, sizeof(tree.routes[0])),
		.next = calloc(graph->plan->routes.count + 1, sizeof(tree.next[0])),
	};
	bool memory = tree.path && tree.printed && tree.on_path && tree.routes && tree.next;

	if (memory)
		print(&tree);
	else
		tn_complain("out of memory");
	free(tree.path);
	free(tree.printed);
	free(tree.on_path);
	free(tree.routes);
	free(tree.next);
	return memory ? 0 : EX_OSERR;
}
