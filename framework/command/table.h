/*
 * table.h - columns of text on standard output, each as wide as its widest cell.
 *
 *	struct tn_table table;
 *
 *	tn_table_init(&table, 2);
 *	tn_table_cells(&table, "WORKER", "BOUND BY");
 *	tn_table_cell(&table, "%s", worker->name);
 *	for (...)
 *		tn_table_write(&table, "%s ", caller);
 *	tn_table_end(&table);
 *	tn_table_print(&table, 2);
 */
#ifndef TENON_COMMAND_TABLE_H
#define TENON_COMMAND_TABLE_H

#include "tenon.h"

struct tn_table {
	size_t columns;
	size_t count; /* of cells, row by row */
	char *text;   /* the cells, each ended by a NUL */
	size_t size;
	size_t capacity;
	bool failed; /* there was no memory for one */
};

void tn_table_init(struct tn_table *table, size_t columns);

/* Adds cells of plain text. */
#define tn_table_cells(table_, ...) \
	tn_table_add(table_, (const char *const[]){ __VA_ARGS__, NULL })
void tn_table_add(struct tn_table *table, const char *const *cells); /* up to a NULL */

/* Adds the next cell: of the row, and behind its last column of the next row. */
void tn_table_cell(struct tn_table *table, const char *format, ...) TN_PRINTF(2, 3);

/* The same in parts: each writes more of the cell, until it is ended. One without a part is empty.
 */
void tn_table_write(struct tn_table *table, const char *format, ...) TN_PRINTF(2, 3);
void tn_table_end(struct tn_table *table);

/*
 * Prints the rows, each behind that many blanks, and frees the table. A width is counted in code
 * points; control characters become blanks; no line is padded at its end. false, and nothing is
 * printed, where there was no memory.
 */
bool tn_table_print(struct tn_table *table, size_t indent);

/* Frees one that is not to be printed. */
void tn_table_finish(struct tn_table *table);

#endif
