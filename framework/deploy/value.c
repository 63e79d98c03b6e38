#include "deploy/value.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* Gives 0, ERANGE, or EINVAL where there is no integer. strtoll also takes blanks first; here only
 * a digit, behind an optional sign, begins a number. */
static int read_integer(const char *text, int64_t *value, const char **rest)
{
	size_t sign = *text == '-' || *text == '+';
	char *end;

	if (!isdigit((unsigned char)text[sign]))
		return EINVAL;
	errno = 0;
	*value = strtoll(text, &end, 10);
	*rest = end;
	return errno;
}

const char *tn_value_integer(const char *text, int64_t *value)
{
	int64_t integer;
	const char *rest;
	int problem = read_integer(text, &integer, &rest);

	if (problem == EINVAL || *rest)
		return "not an integer: write digits only, such as 42";
	if (problem)
		return "too large: an integer has 64 bits, at most 9223372036854775807";
	*value = integer;
	return NULL;
}

const char *tn_value_boolean(const char *text, int64_t *value)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]) != 0)
			continue;
		*value = i % 2;
		return NULL;
	}
	return "neither yes nor no: write yes or no (or true, false, on, off)";
}

static const struct unit *find_unit(const struct unit *units, const char *name)
{
	for (; units->name; units++)
		if (!strcmp(units->name, name))
			return units;
	return NULL;
}

/* An amount with a unit, and what to say of one that is not right. */
struct measure {
	const struct unit *units; /* ended by a NULL name */
	const char *malformed;
	const char *negative;
	const char *bare; /* NULL: a unit is not needed */
	const char *large;
};

static const char *read_measure(const struct measure *measure, const char *text, int64_t *value)
{
	int64_t amount, product;
	const char *rest;
	int problem = read_integer(text, &amount, &rest);
	const struct unit *unit;

	if (problem == EINVAL)
		return measure->malformed;
	if (*text == '-')
		return measure->negative;
	if (!*rest && measure->bare)
		return measure->bare;
	unit = find_unit(measure->units, rest);
	if (!unit)
		return measure->malformed;
	if (problem || __builtin_mul_overflow(amount, unit->factor, &product))
		return measure->large;
	*value = product;
	return NULL;
}

const char *tn_value_duration(const char *text, int64_t *value)
{
	static const struct unit units[] = {
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60 * 1000 },
		{ "h", 3600 * 1000 },
		{ "d", 86400 * 1000 },
		{ NULL, 0 },
	};
	static const struct measure duration = {
		.units = units,
		.malformed = "not a duration: write an integer and its unit (ms, s, m, h or d), "
			     "such as 10s",
		.negative = "a duration cannot be negative: write one such as 10s",
		.bare = "a duration needs a unit: ms, s, m, h or d, such as 10s",
		.large = "too large: write a shorter duration, such as 10s",
	};

	return read_measure(&duration, text, value);
}

const char *tn_value_size(const char *text, int64_t *value)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "K", 1 << 10 },
		{ "M", 1 << 20 },
		{ "G", 1 << 30 },
		{ NULL, 0 },
	};
	static const struct measure size = {
		.units = units,
		.malformed = "not a size: write bytes, or an integer with K, M or G, such as 64K",
		.negative = "a size cannot be negative: write one such as 64K",
		.large = "too large: write a smaller size, such as 64K",
	};

	return read_measure(&size, text, value);
}

static const char *skip_digits(const char *text)
{
	return text + strspn(text, "0123456789");
}

/* What strtod takes, without blanks, hexadecimal digits, "inf" and "nan". */
static bool is_decimal(const char *text)
{
	const char *whole, *end;

	text += *text == '-' || *text == '+';
	whole = text;
	text = skip_digits(text);
	end = *text == '.' ? skip_digits(text + 1) : text;
	if (end - whole == (*text == '.'))
		return false;
	if (*end != 'e' && *end != 'E')
		return !*end;
	end++;
	end += *end == '-' || *end == '+';
	return isdigit((unsigned char)*end) && !*skip_digits(end);
}

/* strtod reads the point of the locale, which a library may have set, so it gets the C one; this
 * thread alone changes. */
static bool read_decimal(const char *text, double *number)
{
	locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t before;

	if (locale == (locale_t)0)
		return false;
	before = uselocale(locale);
	*number = strtod(text, NULL);
	uselocale(before);
	freelocale(locale);
	return true;
}

const char *tn_value_number(const char *text, double *value)
{
	double number;

	if (!is_decimal(text))
		return "not a number: write it with digits and a point, such as 0.25";
	if (!read_decimal(text, &number))
		return "no memory to read the number";
	if (!isfinite(number))
		return "too large: write a smaller number";
	*value = number;
	return NULL;
}

static bool is_blank(char character)
{
	return character == ' ' || character == '\t';
}

bool tn_value_next(const char **list, char *item, size_t room)
{
	const char *start = *list;
	size_t size;

	if (!start)
		return false;
	size = strcspn(start, ",");
	*list = start[size] ? start + size + 1 : NULL;
	for (; size && is_blank(*start); size--)
		start++;
	while (size && is_blank(start[size - 1]))
		size--;
	if (!room)
		return true;
	if (size >= room)
		size = room - 1;
	memcpy(item, start, size);
	item[size] = '\0';
	return true;
}
