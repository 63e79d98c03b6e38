#include "deploy/errors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void tn_errors_finish(struct tn_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		free(errors->list[i].text);
	free(errors->list);
	*errors = (struct tn_errors){ 0 };
}

static bool make_room(struct tn_errors *errors)
{
	size_t capacity = errors->capacity ? 2 * errors->capacity : 16;
	struct tn_error *list;

	if (errors->count < errors->capacity)
		return true;
	list = reallocarray(errors->list, capacity, sizeof(*list));
	if (!list)
		return false;
	errors->list = list;
	errors->capacity = capacity;
	return true;
}

/* One error is one line, whatever a file's name or the dynamic linker's message holds. */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

/* The text with the file's name behind it, in one block, so that the list needs neither of the
 * caller's. */
TN_PRINTF(2, 0)
static char *make_text(const char *file, const char *format, va_list list)
{
	size_t name_size = file ? strlen(file) + 1 : 0;
	va_list again;
	char *text = NULL;
	int length;

	va_copy(again, list);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length >= 0)
		text = malloc((size_t)length + 1 + name_size);
	if (!text)
		return NULL;
	vsnprintf(text, (size_t)length + 1, format, list);
	if (file)
		memcpy(text + length + 1, file, name_size);
	flatten(text);
	return text;
}

TN_PRINTF(4, 0)
static void add(struct tn_errors *errors, struct tn_place place, bool warning, const char *format,
                va_list list)
{
	char *text = make_room(errors) ? make_text(place.file, format, list) : NULL;

	if (!text) {
		errors->incomplete = true;
		errors->errors++;
		return;
	}
	if (place.file)
		place.file = text + strlen(text) + 1;
	errors->list[errors->count++] =
		(struct tn_error){ .place = place, .warning = warning, .text = text };
	errors->errors += !warning;
}

void tn_errors_add(struct tn_errors *errors, struct tn_place place, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	add(errors, place, false, format, list);
	va_end(list);
}

void tn_errors_warn(struct tn_errors *errors, struct tn_place place, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	add(errors, place, true, format, list);
	va_end(list);
}

struct rank {
	const struct tn_error *error;
	size_t file; /* the first error in the same file */
};

static bool same_file(const struct tn_error *one, const struct tn_error *other)
{
	if (!one->place.file || !other->place.file)
		return one->place.file == other->place.file;
	return !strcmp(one->place.file, other->place.file);
}

static int compare(const void *one, const void *other)
{
	const struct rank *a = one;
	const struct rank *b = other;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->error->place.line != b->error->place.line)
		return a->error->place.line < b->error->place.line ? -1 : 1;
	return a->error < b->error ? -1 : 1;
}

static struct rank *sorted(const struct tn_errors *errors)
{
	struct rank *ranks = calloc(errors->count, sizeof(*ranks));

	for (size_t i = 0; ranks && i < errors->count; i++) {
		size_t first = 0;

		while (!same_file(&errors->list[first], &errors->list[i]))
			first++;
		ranks[i] = (struct rank){ .error = &errors->list[i], .file = first };
	}
	if (ranks)
		qsort(ranks, errors->count, sizeof(*ranks), compare);
	return ranks;
}

static void print(const struct tn_error *error, FILE *to)
{
	if (error->place.file && error->place.line)
		fprintf(to, "%s:%u: ", error->place.file, error->place.line);
	else if (error->place.file)
		fprintf(to, "%s: ", error->place.file);
	fprintf(to, "%s%s\n", error->warning ? "warning: " : "", error->text);
}

void tn_errors_print(const struct tn_errors *errors, FILE *to)
{
	struct rank *ranks = errors->count ? sorted(errors) : NULL;

	for (size_t i = 0; i < errors->count; i++)
		print(ranks ? ranks[i].error : &errors->list[i], to);
	if (errors->incomplete)
		fputs("out of memory: these are not all errors\n", to);
	free(ranks);
}
