#include "command/describe.h"

#include "deploy/blocking.h"

const char *tn_describe_state(const struct tn_plan_worker *worker)
{
	if (worker->route)
		return "public";
	return worker->reachable ? "private" : "unreachable";
}

bool tn_describe_heading(const struct tn_plan_worker *worker)
{
	char text[TN_BLOCKING_SIZE];
	struct tn_table line;

	tn_table_init(&line, 1);
	tn_table_write(&line, "%s: %s, ", worker->name, tn_describe_state(worker));
	if (worker->blocking)
		tn_table_write(&line, "blocks, ");
	else if (worker->waits)
		tn_table_write(&line, "waits (%s), ", tn_blocking_text(worker, text));
	if (worker->parent)
		tn_table_write(&line, "inherits from %s, ", worker->parent->name);
	tn_describe_place(&line, worker->section->place);
	tn_table_end(&line);
	return tn_table_print(&line, 0);
}

void tn_describe_place(struct tn_table *table, struct tn_place place)
{
	if (!place.file)
		tn_table_write(table, "-");
	else if (!place.line)
		tn_table_write(table, "%s", place.file);
	else
		tn_table_write(table, "%s:%u", place.file, place.line);
}

const char *tn_describe_inherited(const struct tn_entry *entry, const struct tn_section *section)
{
	if (entry->section == section)
		return NULL;
	return *entry->section->name ? entry->section->name : "[host]";
}

void tn_describe_from(struct tn_table *table, const struct tn_entry *entry,
                      const struct tn_section *section)
{
	const char *inherited = tn_describe_inherited(entry, section);

	tn_describe_place(table, entry->place);
	if (inherited)
		tn_table_write(table, ", inherited from %s", inherited);
}
