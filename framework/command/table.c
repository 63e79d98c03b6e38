#include "command/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2 /* blanks between two columns */

void tn_table_init(struct tn_table *table, size_t columns)
{
	*table = (struct tn_table){ .columns = columns };
}

static bool make_room(struct tn_table *table, size_t more)
{
	size_t capacity = table->capacity ? 2 * table->capacity : 1024;
	char *text;

	if (table->failed)
		return false;
	if (more <= table->capacity - table->size)
		return true;
	while (capacity - table->size < more)
		capacity *= 2;
	text = realloc(table->text, capacity);
	table->failed = !text;
	if (!text)
		return false;
	table->text = text;
	table->capacity = capacity;
	return true;
}

TN_PRINTF(2, 0)
static void write_list(struct tn_table *table, const char *format, va_list list)
{
	va_list again;
	int length;

	va_copy(again, list);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0 || !make_room(table, (size_t)length + 1)) {
		table->failed = true;
		return;
	}
	vsnprintf(table->text + table->size, (size_t)length + 1, format, list);
	table->size += (size_t)length;
}

void tn_table_write(struct tn_table *table, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	write_list(table, format, list);
	va_end(list);
}

void tn_table_end(struct tn_table *table)
{
	if (!make_room(table, 1))
		return;
	table->text[table->size++] = '\0';
	table->count++;
}

void tn_table_cell(struct tn_table *table, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	write_list(table, format, list);
	va_end(list);
	tn_table_end(table);
}

void tn_table_add(struct tn_table *table, const char *const *cells)
{
	for (; *cells; cells++)
		tn_table_cell(table, "%s", *cells);
}

/* In code points: all bytes but those that go on with one. */
static size_t width_of(const char *cell)
{
	size_t width = 0;

	for (; *cell; cell++)
		width += ((unsigned char)*cell & 0xc0) != 0x80;
	return width;
}

static void measure(const struct tn_table *table, size_t *widths)
{
	const char *cell = table->text;

	for (size_t i = 0; i < table->count; i++, cell += strlen(cell) + 1) {
		size_t *widest = &widths[i % table->columns];
		size_t width = width_of(cell);

		*widest = width > *widest ? width : *widest;
	}
}

static void print_text(size_t blanks, const char *text)
{
	printf("%*s", (int)blanks, "");
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text);
}

/* The blanks behind a cell are printed before the next that is not empty: none end a line. */
static void print_rows(const struct tn_table *table, const size_t *widths, size_t indent)
{
	const char *cell = table->text;
	size_t blanks = indent;

	for (size_t i = 0; i < table->count; i++, cell += strlen(cell) + 1) {
		size_t column = i % table->columns;

		if (*cell) {
			print_text(blanks, cell);
			blanks = 0;
		}
		blanks += widths[column] - width_of(cell) + GAP;
		if (column + 1 == table->columns || i + 1 == table->count) {
			putchar('\n');
			blanks = indent;
		}
	}
}

bool tn_table_print(struct tn_table *table, size_t indent)
{
	size_t *widths = calloc(table->columns, sizeof(*widths));
	bool printed = widths && !table->failed;

	if (printed) {
		measure(table, widths);
		print_rows(table, widths, indent);
	}
	free(widths);
	tn_table_finish(table);
	return printed;
}

void tn_table_finish(struct tn_table *table)
{
	free(table->text);
	*table = (struct tn_table){ 0 };
}
