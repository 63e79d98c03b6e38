#include "deploy/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 64

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* The optimal string alignment: no part is edited twice. The third row is for the swaps. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t rows[3][NAME_MAX_BYTES + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_size; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t *oldest = before;

		before = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			row[j] = above[j - 1] + !same(a[i - 1], b[j - 1]);
			row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[b_size];
}

void tn_nearest_try(struct tn_nearest *nearest, const char *candidate)
{
	size_t wanted_size, size, edits, longer;

	if (!nearest->wanted || !candidate)
		return;
	wanted_size = strlen(nearest->wanted);
	size = strlen(candidate);
	if (wanted_size > NAME_MAX_BYTES || size > NAME_MAX_BYTES)
		return;
	longer = wanted_size > size ? wanted_size : size;
	if (3 * (longer - (wanted_size + size - longer)) > longer)
		return; /* so many letters are too many or too few already */
	edits = distance(nearest->wanted, wanted_size, candidate, size);
	if (3 * edits > longer || (nearest->name && edits >= nearest->distance))
		return;
	nearest->name = candidate;
	nearest->distance = edits;
}

const char *tn_nearest_hint(const struct tn_nearest *nearest, char *text, size_t room)
{
	int length = 0;

	if (!room)
		return "";
	if (nearest->name)
		length = snprintf(text, room, " (did you mean '%s'?)", nearest->name);
	if (length <= 0 || (size_t)length >= room)
		text[0] = '\0';
	return text;
}
