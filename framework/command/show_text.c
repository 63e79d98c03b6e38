#include "command/show.h"

#include "command/describe.h"
#include "command/input.h"
#include "deploy/value.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define ITEM_SIZE 512

/* ---- Values -------------------------------------------------------------------------------- */

static void write_secret(struct tn_table *table, const struct tn_show_secret *secret)
{
	const char *source = secret->source ? secret->source : "written into the file";

	if (secret->size)
		tn_table_write(table, "(secret, %zu byte%s, %s)", secret->size,
		               secret->size == 1 ? "" : "s", source);
	else
		tn_table_write(table, "(secret, %s, %s)",
		               secret->opened ? "not readable" : "not opened", source);
}

/* Whether the names in the value are those of the Workers that are bound. */
static bool is_as_written(const struct tn_plan_binding *binding)
{
	const char *list = binding->entry->value;
	char item[ITEM_SIZE];
	uint32_t weight;
	bool weighted;
	size_t i = 0;

	for (; tn_value_next(&list, item, sizeof(item)); i++) {
		if (i == binding->target_count || tn_split_item_read(item, &weight, &weighted) ||
		    strcmp(item, binding->targets[i].worker->name) != 0)
			return false;
	}
	return true;
}

static void write_targets(struct tn_table *table, const struct tn_plan_binding *binding)
{
	char weight[TN_WEIGHT_SIZE];

	for (size_t i = 0; i < binding->target_count; i++) {
		const struct tn_plan_target *target = &binding->targets[i];

		tn_table_write(table, "%s%s", i ? ", " : "", target->worker->name);
		if (binding->target_count > 1)
			tn_table_write(table, " %s", tn_weight_text(target->weight, weight));
	}
}

static void write_binding(struct tn_table *table, const struct tn_plan_binding *binding)
{
	if (!is_as_written(binding))
		tn_table_write(table, "%s -> ", binding->entry->value);
	write_targets(table, binding);
}

/* In quotes where a blank, or that there is nothing, would not be seen. */
static void write_text(struct tn_table *table, const char *text)
{
	size_t size = strlen(text);
	bool plain = size && !strchr(" \t", text[0]) && !strchr(" \t", text[size - 1]);

	tn_table_write(table, plain ? "%s" : "\"%s\"", text);
}

static void write_value(struct tn_table *table, const struct tn_show_row *row)
{
	if (row->binding)
		write_binding(table, row->binding);
	else if (row->text)
		write_text(table, row->text);
	else
		write_secret(table, &row->secret);
}

/* ---- Subjects ------------------------------------------------------------------------------ */

static void add_row(struct tn_table *table, const struct tn_show *show,
                    const struct tn_show_subject *subject, const struct tn_show_row *row)
{
	tn_table_cell(table, "%s", row->entry->key);
	write_value(table, row);
	if (row->is_idle)
		tn_table_write(table, " (not in environment %s)", show->plan->environment);
	tn_table_end(table);
	if (row->is_default)
		tn_table_write(table, "(default)");
	else
		tn_describe_from(table, row->entry, subject->section);
	tn_table_end(table);
}

static bool print_table(struct tn_show *show, const struct tn_show_subject *subject)
{
	struct tn_show_row row;
	struct tn_table table;

	tn_table_init(&table, 3);
	tn_table_cells(&table, "KEY", "VALUE", "FROM");
	for (size_t i = 0; i < tn_show_row_count(subject); i++)
		if (tn_show_row_fill(show, subject, i, &row))
			add_row(&table, show, subject, &row);
	return tn_table_print(&table, 2);
}

static bool print_host(struct tn_show *show, const struct tn_show_subject *subject)
{
	struct tn_table line;

	if (!subject->keys->count) {
		printf("%s: nothing is set, the defaults hold\n", subject->name);
		return true;
	}
	tn_table_init(&line, 1);
	tn_table_write(&line, "%s: ", subject->name);
	if (subject->inherits)
		tn_table_write(&line, "inherits from %s, ", subject->inherits);
	tn_describe_place(&line, subject->section->place);
	tn_table_end(&line);
	return tn_table_print(&line, 0) && print_table(show, subject);
}

static bool print_worker(struct tn_show *show, const struct tn_show_subject *subject)
{
	return tn_describe_heading(subject->worker) && print_table(show, subject);
}

int tn_show_print(struct tn_show *show)
{
	bool printed = true;

	for (size_t i = 0; printed && i < show->count; i++) {
		const struct tn_show_subject *subject = &show->subjects[i];

		if (i)
			putchar('\n');
		printed = subject->worker ? print_worker(show, subject) : print_host(show, subject);
	}
	if (printed)
		return 0;
	tn_complain("out of memory");
	return EX_OSERR;
}
