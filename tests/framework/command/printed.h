/*
 * printed.h - what a function writes to standard output.
 *
 *	printed_begin();
 *	tn_table_print(&table, 0);
 *	CHECK_TEXT(printed_end(), "A  B\n");
 */
#ifndef TENON_TESTS_PRINTED_H
#define TENON_TESTS_PRINTED_H

#include <stdio.h>
#include <stdlib.h>

struct printed {
	FILE *standard_output;
	FILE *memory;
	char *text;
	size_t size;
};

static inline struct printed *printed_state(void)
{
	static struct printed printed;

	return &printed;
}

/* stdout is a variable that may be set, in the GNU C library. */
static inline void printed_begin(void)
{
	struct printed *printed = printed_state();

	free(printed->text);
	printed->text = NULL;
	printed->memory = open_memstream(&printed->text, &printed->size);
	if (!printed->memory)
		abort();
	printed->standard_output = stdout;
	stdout = printed->memory;
}

/* The text lives until the next one. */
static inline const char *printed_end(void)
{
	struct printed *printed = printed_state();

	stdout = printed->standard_output;
	fclose(printed->memory);
	return printed->text;
}

#endif
