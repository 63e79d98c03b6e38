/*
 * bound_rows.h - rows of a table of `tenon bound`, each with the environments that it is true in.
 *
 *	tn_bound_rows_init(&rows, bound, "WORKER", "FIELD", "FROM");
 *	for (size_t i = 0; i < bound->count; i++) {
 *		for (...) {
 *			struct tn_table *row = tn_bound_rows_begin(&rows);
 *
 *			tn_table_cells(row, ...);
 *			tn_bound_rows_end(&rows, i);
 *		}
 *	}
 */
#ifndef TENON_COMMAND_BOUND_ROWS_H
#define TENON_COMMAND_BOUND_ROWS_H

#include "command/bound.h"
#include "command/table.h"

struct tn_bound_row {
	struct tn_table cells;
	bool *views; /* of each: whether it has the row */
};

struct tn_bound_rows {
	const struct tn_bound *bound;
	struct tn_bound_row *list;
	size_t count; /* the one that is being written is behind it */
	size_t capacity;
	size_t last; /* which one the last row was */
	const char *const *heads;
	size_t columns; /* without that of the environment */
	bool failed;    /* there was no memory for one */
};

/* `heads` ends with a NULL, and must outlive it. */
void tn_bound_rows_init(struct tn_bound_rows *rows, const struct tn_bound *bound,
                        const char *const *heads);

/* The cells of the next row are written to what it returns; then it is one of that view. Where
 * another view has a row of the same cells, it is that one. */
struct tn_table *tn_bound_rows_begin(struct tn_bound_rows *rows);
void tn_bound_rows_end(struct tn_bound_rows *rows, size_t view);

/* Prints them below a title, or `none` behind it, and frees them. Where there are several views
 * they have a column for the environments, before that of FROM or at the end. false where there
 * was no memory. */
bool tn_bound_rows_print(struct tn_bound_rows *rows, const char *title, const char *none);

#endif
