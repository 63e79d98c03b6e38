/* call_trace.c - who called whom, for `tenon call --trace`. */
#include "command/call.h"
#include "command/input.h"
#include "command/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDENT 2 /* blanks for each level */

/* A call's place among the others, by its number. */
struct node {
	const struct tn_traced *call;
	struct node *first; /* that it made */
	struct node *last;
	struct node *next; /* of the same caller */
	int level;
};

struct tree {
	struct node root;
	struct node *nodes; /* one for each call */
	size_t lost;
	int width; /* of the names, with what they are indented by */
};

/* ---- The tree ------------------------------------------------------------------------------- */

static const char *name_of(const struct tn_traced *call)
{
	return call->service && call->service->name ? call->service->name : "?";
}

static void add(struct tree *tree, const struct tn_traced *call)
{
	struct node *node = &tree->nodes[call->number];
	struct node *caller = call->caller ? &tree->nodes[call->caller->number] : &tree->root;
	int width;

	node->call = call;
	node->level = call->caller ? caller->level + 1 : 0;
	if (caller->last)
		caller->last->next = node;
	else
		caller->first = node;
	caller->last = node;
	width = node->level * INDENT + (int)strlen(name_of(call));
	if (width > tree->width)
		tree->width = width;
}

static bool build(struct tree *tree, struct tn_tracer *tracer)
{
	const struct tn_traced *calls = tn_tracer_calls(tracer, &tree->lost);
	size_t count = 0;

	for (const struct tn_traced *call = calls; call; call = call->next)
		count++;
	tree->nodes = calloc(count + 1, sizeof(tree->nodes[0]));
	for (const struct tn_traced *call = calls; tree->nodes && call; call = call->next)
		add(tree, call);
	return tree->nodes;
}

static double microseconds(const struct tn_traced *call)
{
	return (double)(call->ended - call->begun) / 1000;
}

/* ---- As text -------------------------------------------------------------------------------- */

static void print_call(const struct tree *tree, const struct node *node)
{
	const struct tn_traced *call = node->call;
	int indent = node->level * INDENT;

	fprintf(stderr, "%*s%-*s  ", indent, "", tree->width - indent, name_of(call));
	if (!call->ended)
		fputs("has not returned", stderr);
	else if (call->status)
		fprintf(stderr, "%4d  %10.1f us", call->status, microseconds(call));
	else
		fprintf(stderr, "NULL  %10.1f us", microseconds(call));
	if (call->later)
		fprintf(stderr, "  after the reply, for %s", call->later->name);
	fputc('\n', stderr);
}

/* As deep as max_depth. */
static void print_below(const struct tree *tree, const struct node *caller) /* NOLINT(*recursion) */
{
	for (const struct node *node = caller->first; node; node = node->next) {
		print_call(tree, node);
		print_below(tree, node);
	}
}

void tn_call_trace_print(struct tn_tracer *tracer)
{
	struct tree tree = { 0 };

	if (!build(&tree, tracer)) {
		tn_complain("out of memory for the trace");
		return;
	}
	print_below(&tree, &tree.root);
	if (tree.lost)
		fprintf(stderr, "and %zu calls more\n", tree.lost);
	free(tree.nodes);
}

/* ---- As JSON -------------------------------------------------------------------------------- */

static json_t *list_below(const struct node *caller);

static json_t *describe(const struct node *node) /* NOLINT(*recursion) */
{
	const struct tn_traced *call = node->call;
	json_t *object = json_object();

	tn_json_set(&object, "worker", tn_json_text(name_of(call)));
	tn_json_set(&object, "status",
	            call->ended && call->status ? json_integer(call->status) : json_null());
	tn_json_set(&object, "microseconds",
	            call->ended ? json_real(microseconds(call)) : json_null());
	if (call->later)
		tn_json_set(&object, "after_reply_for", tn_json_text(call->later->name));
	tn_json_set(&object, "calls", list_below(node));
	return object;
}

static json_t *list_below(const struct node *caller) /* NOLINT(*recursion) */
{
	json_t *list = json_array();

	for (const struct node *node = caller->first; node; node = node->next)
		tn_json_append(&list, describe(node));
	return list;
}

json_t *tn_call_trace_json(struct tn_tracer *tracer)
{
	struct tree tree = { 0 };
	json_t *list;

	if (!build(&tree, tracer))
		return NULL;
	list = list_below(&tree.root);
	free(tree.nodes);
	return list;
}
