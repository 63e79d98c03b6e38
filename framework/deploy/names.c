#include "deploy/names.h"

#include "deploy/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST (TN_NAMES_SIZE / 2) /* of one letter and a blank each */

static int compare(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

static size_t split(char *text, char **list)
{
	size_t count = 0;
	char *rest = NULL;

	for (char *name = strtok_r(text, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		list[count++] = name;
	return count;
}

const char *tn_names_read(const char *text, size_t size, char *names)
{
	char copy[TN_NAMES_SIZE];
	char *list[MOST];
	size_t position, count;
	char *end = names;

	if (size >= sizeof(copy))
		return "these are too many Workers at once: name fewer";
	if (memchr(text, '\t', size) || tn_span_problem((struct tn_span){ text, size }, &position))
		return "the name of a Worker has letters, digits, '-', '_', '.' and '@'";
	memcpy(copy, text, size);
	copy[size] = '\0';
	count = split(copy, list);
	if (!count)
		return "the name of a Worker is missing";
	qsort(list, count, sizeof(list[0]), compare);
	for (size_t i = 0; i < count; i++) {
		if (i && strcmp(list[i], list[i - 1]) == 0)
			continue;
		if (end > names)
			*end++ = ' ';
		end = stpcpy(end, list[i]);
	}
	return NULL;
}

bool tn_names_next(const char **names, char *name)
{
	size_t size = strcspn(*names, " ");

	if (!size)
		return false;
	snprintf(name, TN_NAMES_SIZE, "%.*s", (int)size, *names);
	*names += size + ((*names)[size] == ' ');
	return true;
}

bool tn_names_have(const char *names, const char *name)
{
	char at[TN_NAMES_SIZE];

	while (names && tn_names_next(&names, at))
		if (strcmp(at, name) == 0)
			return true;
	return false;
}
