#include "command/bound_rows.h"

#include <stdlib.h>
#include <string.h>

void tn_bound_rows_init(struct tn_bound_rows *rows, const struct tn_bound *bound,
                        const char *const *heads)
{
	*rows = (struct tn_bound_rows){ .bound = bound, .heads = heads };
	while (heads[rows->columns])
		rows->columns++;
}

/* Room for one more behind the last. */
static bool make_room(struct tn_bound_rows *rows)
{
	size_t larger = rows->capacity ? 2 * rows->capacity : 16;
	struct tn_bound_row *list;

	if (rows->count < rows->capacity)
		return true;
	list = reallocarray(rows->list, larger, sizeof(list[0]));
	if (!list)
		return false;
	rows->list = list;
	rows->capacity = larger;
	return true;
}

struct tn_table *tn_bound_rows_begin(struct tn_bound_rows *rows)
{
	static struct tn_table nowhere;
	struct tn_bound_row *row;

	if (!make_room(rows)) {
		rows->failed = true;
		nowhere = (struct tn_table){ .columns = rows->columns, .failed = true };
		return &nowhere;
	}
	row = &rows->list[rows->count];
	*row = (struct tn_bound_row){ .views = calloc(rows->bound->count, sizeof(bool)) };
	tn_table_init(&row->cells, rows->columns);
	return &row->cells;
}

/* The number of the row with these cells. The views have much the same rows in the same order: the
 * search begins behind the one found last. */
static size_t find(const struct tn_bound_rows *rows, const struct tn_table *cells)
{
	for (size_t i = 1; i <= rows->count; i++) {
		size_t number = (rows->last + i) % rows->count;
		const struct tn_table *other = &rows->list[number].cells;

		if (other->size == cells->size &&
		    memcmp(other->text, cells->text, cells->size) == 0)
			return number;
	}
	return rows->count;
}

static void free_row(struct tn_bound_row *row)
{
	tn_table_finish(&row->cells);
	free(row->views);
}

void tn_bound_rows_end(struct tn_bound_rows *rows, size_t view)
{
	struct tn_bound_row *row = rows->list + rows->count;

	if (rows->failed)
		return;
	if (row->cells.failed || !row->views) {
		rows->failed = true;
		free_row(row);
		return;
	}
	rows->last = find(rows, &row->cells);
	if (rows->last < rows->count)
		free_row(row);
	else
		rows->count++;
	rows->list[rows->last].views[view] = true;
}

/* "-, staging": where there is no environment, and in that one; "*" in all of them. */
static void write_views(struct tn_table *table, const struct tn_bound_rows *rows,
                        const struct tn_bound_row *row)
{
	const struct tn_bound *bound = rows->bound;
	const char *between = "";

	if (!memchr(row->views, 0, bound->count)) {
		tn_table_cell(table, "*");
		return;
	}
	for (size_t i = 0; i < bound->count; i++) {
		const char *name = bound->views[i].plan->environment;

		if (!row->views[i])
			continue;
		tn_table_write(table, "%s%s", between, name ? name : "-");
		between = ", ";
	}
	tn_table_end(table);
}

static bool is_column(const struct tn_bound_rows *rows, size_t column)
{
	size_t last = rows->columns - 1;
	size_t place = strcmp(rows->heads[last], "FROM") == 0 ? last : last + 1;

	return rows->bound->count > 1 && column == place;
}

static void add_heads(struct tn_table *table, const struct tn_bound_rows *rows)
{
	for (size_t i = 0; i <= rows->columns; i++) {
		if (is_column(rows, i))
			tn_table_cell(table, "ENVIRONMENT");
		if (i < rows->columns)
			tn_table_cell(table, "%s", rows->heads[i]);
	}
}

static void add_row(struct tn_table *table, const struct tn_bound_rows *rows,
                    const struct tn_bound_row *row)
{
	const char *cell = row->cells.text;

	for (size_t i = 0; i <= rows->columns; i++) {
		if (is_column(rows, i))
			write_views(table, rows, row);
		if (i < rows->columns) {
			tn_table_cell(table, "%s", cell);
			cell += strlen(cell) + 1;
		}
	}
}

static void finish(struct tn_bound_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free_row(&rows->list[i]);
	free(rows->list);
}

bool tn_bound_rows_print(struct tn_bound_rows *rows, const char *title, const char *none)
{
	bool printed = !rows->failed;
	struct tn_table table;

	if (printed)
		printf("\n%s:%s\n", title, rows->count ? "" : none);
	if (printed && rows->count) {
		tn_table_init(&table, rows->columns + (rows->bound->count > 1));
		add_heads(&table, rows);
		for (size_t i = 0; i < rows->count; i++)
			add_row(&table, rows, &rows->list[i]);
		printed = tn_table_print(&table, 2);
	}
	finish(rows);
	return printed;
}
