#include "deploy/cycle.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 512
#define CUT "... > "

enum mark {
	UNSEEN,
	ON_PATH,
	DONE,
};

/* A walk along the bindings, depth first. */
struct walk {
	const struct tn_deployment *deployment;
	struct tn_errors *errors;
	enum mark *marks; /* one for each instance */
	size_t *path;     /* numbers of the instances from the first to the present one */
	size_t depth;
};

static void warn(const struct walk *walk, const struct tn_entry *entry, size_t target)
{
	const struct tn_instance *instances = walk->deployment->instances;
	char text[TEXT_SIZE];
	size_t from = walk->depth;
	size_t size = 0;

	while (walk->path[from - 1] != target)
		from--;
	for (size_t i = from - 1; i < walk->depth && size < sizeof(text); i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s > ",
		                         instances[walk->path[i]].name);
	if (size >= sizeof(text))
		memcpy(text + sizeof(text) - sizeof(CUT), CUT, sizeof(CUT));
	tn_errors_warn(walk->errors, entry->place,
	               "worker '%s': %s: the bindings form a cycle, %s%s: max_depth ends it",
	               instances[walk->path[walk->depth - 1]].name, entry->key, text,
	               instances[target].name);
}

static void visit(struct walk *walk, size_t number)
{
	const struct tn_section *section = walk->deployment->instances[number].section;

	walk->marks[number] = ON_PATH;
	walk->path[walk->depth++] = number;
	for (size_t i = 0; i < section->count; i++) {
		const struct tn_entry *entry = &section->entries[i];
		const struct tn_instance *target;
		size_t next;

		if (strncmp(entry->key, "service.", strlen("service.")) != 0)
			continue;
		target = tn_deployment_find(walk->deployment, entry->value);
		if (!target)
			continue;
		next = (size_t)(target - walk->deployment->instances);
		if (walk->marks[next] == ON_PATH)
			warn(walk, entry, next);
		else if (walk->marks[next] == UNSEEN)
			visit(walk, next);
	}
	walk->depth--;
	walk->marks[number] = DONE;
}

void tn_cycle_warn(const struct tn_deployment *deployment, struct tn_errors *errors)
{
	struct walk walk = {
		.deployment = deployment,
		.errors = errors,
		.marks = calloc(deployment->count + 1, sizeof(walk.marks[0])),
		.path = calloc(deployment->count + 1, sizeof(walk.path[0])),
	};

	for (size_t i = 0; walk.marks && walk.path && i < deployment->count; i++) {
		if (walk.marks[i] == UNSEEN)
			visit(&walk, i);
	}
	free(walk.marks);
	free(walk.path);
}
