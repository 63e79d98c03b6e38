#include "deploy/value.h"

#include "cunit.h"

#include <locale.h>

#define NO_INTEGER "not an integer: write digits only, such as 42"
#define LARGE_INTEGER "too large: an integer has 64 bits, at most 9223372036854775807"
#define NO_BOOLEAN "neither yes nor no: write yes or no (or true, false, on, off)"
#define NO_DURATION \
	"not a duration: write an integer and its unit (ms, s, m, h or d), such as 10s"
#define NO_UNIT "a duration needs a unit: ms, s, m, h or d, such as 10s"
#define NEGATIVE_DURATION "a duration cannot be negative: write one such as 10s"
#define LARGE_DURATION "too large: write a shorter duration, such as 10s"
#define NO_SIZE "not a size: write bytes, or an integer with K, M or G, such as 64K"
#define NEGATIVE_SIZE "a size cannot be negative: write one such as 64K"
#define LARGE_SIZE "too large: write a smaller size, such as 64K"
#define NO_NUMBER "not a number: write it with digits and a point, such as 0.25"
#define LARGE_NUMBER "too large: write a smaller number"

#define UNSET (-77)

struct integer_case {
	const char *text;
	const char *problem; /* NULL: there is a value */
	int64_t value;
};

static void check_integers(const char *(*read)(const char *text, int64_t *value),
                           const struct integer_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int64_t value = UNSET;
		bool good = CHECK_TEXT(read(cases[i].text, &value), cases[i].problem);

		good &= CHECK_NUMBER(value, cases[i].problem ? UNSET : cases[i].value);
		if (!good)
			printf("'%s':\n", cases[i].text);
	}
}

#define CHECK_INTEGERS(read_, cases_) \
	check_integers(read_, cases_, sizeof(cases_) / sizeof((cases_)[0]))

static void integer(void)
{
	static const struct integer_case cases[] = {
		{ "0", NULL, 0 },
		{ "42", NULL, 42 },
		{ "-42", NULL, -42 },
		{ "+42", NULL, 42 },
		{ "010", NULL, 10 },
		{ "9223372036854775807", NULL, INT64_MAX },
		{ "-9223372036854775808", NULL, INT64_MIN },
		{ "9223372036854775808", LARGE_INTEGER, 0 },
		{ "-9223372036854775809", LARGE_INTEGER, 0 },
		{ "99999999999999999999999999999999", LARGE_INTEGER, 0 },
		{ "", NO_INTEGER, 0 },
		{ "-", NO_INTEGER, 0 },
		{ "+-1", NO_INTEGER, 0 },
		{ " 1", NO_INTEGER, 0 },
		{ "1 ", NO_INTEGER, 0 },
		{ "1x", NO_INTEGER, 0 },
		{ "0x10", NO_INTEGER, 0 },
		{ "1.0", NO_INTEGER, 0 },
		{ "1e3", NO_INTEGER, 0 },
		{ "99999999999999999999999x", NO_INTEGER, 0 },
		{ "\xd9\xa1", NO_INTEGER, 0 }, /* an Arabic one */
	};

	CHECK_INTEGERS(tn_value_integer, cases);
}

static void boolean(void)
{
	static const struct integer_case cases[] = {
		{ "yes", NULL, 1 },
		{ "no", NULL, 0 },
		{ "true", NULL, 1 },
		{ "false", NULL, 0 },
		{ "on", NULL, 1 },
		{ "off", NULL, 0 },
		{ "YES", NULL, 1 },
		{ "oFF", NULL, 0 },
		{ "", NO_BOOLEAN, 0 },
		{ "1", NO_BOOLEAN, 0 },
		{ "y", NO_BOOLEAN, 0 },
		{ "yess", NO_BOOLEAN, 0 },
		{ " yes", NO_BOOLEAN, 0 },
		{ "maybe", NO_BOOLEAN, 0 },
	};

	CHECK_INTEGERS(tn_value_boolean, cases);
}

static void duration(void)
{
	static const struct integer_case cases[] = {
		{ "1500ms", NULL, 1500 },
		{ "10s", NULL, 10000 },
		{ "2m", NULL, 120000 },
		{ "3h", NULL, 10800000 },
		{ "1d", NULL, 86400000 },
		{ "0s", NULL, 0 },
		{ "9223372036854775807ms", NULL, INT64_MAX },
		{ "106751991167d", NULL, 106751991167 * 86400000 },
		{ "106751991168d", LARGE_DURATION, 0 },
		{ "9223372036854775808ms", LARGE_DURATION, 0 },
		{ "99999999999999999999s", LARGE_DURATION, 0 },
		{ "10", NO_UNIT, 0 },
		{ "0", NO_UNIT, 0 },
		{ "-5s", NEGATIVE_DURATION, 0 },
		{ "-5", NEGATIVE_DURATION, 0 },
		{ "", NO_DURATION, 0 },
		{ "s", NO_DURATION, 0 },
		{ "1.5s", NO_DURATION, 0 },
		{ "10 s", NO_DURATION, 0 },
		{ "10S", NO_DURATION, 0 },
		{ "10s ", NO_DURATION, 0 },
		{ "10sec", NO_DURATION, 0 },
		{ "1h30m", NO_DURATION, 0 },
		{ " 10s", NO_DURATION, 0 },
	};

	CHECK_INTEGERS(tn_value_duration, cases);
}

static void size(void)
{
	static const struct integer_case cases[] = {
		{ "0", NULL, 0 },
		{ "100", NULL, 100 },
		{ "64K", NULL, 65536 },
		{ "16M", NULL, 16777216 },
		{ "2G", NULL, 2147483648 },
		{ "8589934591G", NULL, 8589934591 * 1073741824 },
		{ "8589934592G", LARGE_SIZE, 0 },
		{ "9223372036854775808", LARGE_SIZE, 0 },
		{ "-1K", NEGATIVE_SIZE, 0 },
		{ "-1", NEGATIVE_SIZE, 0 },
		{ "", NO_SIZE, 0 },
		{ "K", NO_SIZE, 0 },
		{ "64k", NO_SIZE, 0 },
		{ "64KB", NO_SIZE, 0 },
		{ "64 K", NO_SIZE, 0 },
		{ "1.5M", NO_SIZE, 0 },
		{ "1T", NO_SIZE, 0 },
	};

	CHECK_INTEGERS(tn_value_size, cases);
}

static void number(void)
{
	static const struct {
		const char *text, *problem;
		double value;
	} cases[] = {
		{ "0.25", NULL, 0.25 },
		{ "1e3", NULL, 1000 },
		{ "-1.5E-2", NULL, -0.015 },
		{ "+2", NULL, 2 },
		{ ".5", NULL, 0.5 },
		{ "5.", NULL, 5 },
		{ "1e-999", NULL, 0 },
		{ "1e999", LARGE_NUMBER, 0 },
		{ "-1e999", LARGE_NUMBER, 0 },
		{ "", NO_NUMBER, 0 },
		{ ".", NO_NUMBER, 0 },
		{ "-", NO_NUMBER, 0 },
		{ "e3", NO_NUMBER, 0 },
		{ "1e", NO_NUMBER, 0 },
		{ "1e+", NO_NUMBER, 0 },
		{ "0,25", NO_NUMBER, 0 },
		{ "0.2.5", NO_NUMBER, 0 },
		{ " 1", NO_NUMBER, 0 },
		{ "1 ", NO_NUMBER, 0 },
		{ "0x10", NO_NUMBER, 0 },
		{ "0x1p3", NO_NUMBER, 0 },
		{ "inf", NO_NUMBER, 0 },
		{ "-infinity", NO_NUMBER, 0 },
		{ "nan", NO_NUMBER, 0 },
		{ "nan(1)", NO_NUMBER, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double value = UNSET;

		CHECK_TEXT(tn_value_number(cases[i].text, &value), cases[i].problem);
		CU_ASSERT_DOUBLE_EQUAL(value, cases[i].problem ? UNSET : cases[i].value, 1e-12);
	}
}

/* Where no locale with a comma is installed, this is one more test of the C locale. */
static void number_in_a_locale_with_a_comma(void)
{
	static const char *const names[] = { "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fr_FR" };
	double value = UNSET;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (setlocale(LC_ALL, names[i]))
			break;
	CHECK_TEXT(tn_value_number("0.25", &value), NULL);
	CU_ASSERT(value > 0.24 && value < 0.26);
	CHECK_TEXT(tn_value_number("0,25", &value), NO_NUMBER);
	setlocale(LC_ALL, "C");
}

static void list(void)
{
	static const struct {
		const char *list;
		const char *items[4];
	} cases[] = {
		{ "a", { "a" } },
		{ "a,b", { "a", "b" } },
		{ "  a ,\tb\t, c d ", { "a", "b", "c d" } },
		{ "auth@v1 90%, auth@v2 10%", { "auth@v1 90%", "auth@v2 10%" } },
		{ "a,,b", { "a", "", "b" } },
		{ "a,", { "a", "" } },
		{ ",", { "", "" } },
		{ "", { "" } },
		{ " ", { "" } },
		{ "0123456789abcdef,x", { "0123456789abcde", "x" } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *rest = cases[i].list;
		char item[16];

		for (size_t j = 0; cases[i].items[j]; j++) {
			CU_ASSERT(tn_value_next(&rest, item, sizeof(item)));
			CHECK_TEXT(item, cases[i].items[j]);
		}
		CU_ASSERT(!tn_value_next(&rest, item, sizeof(item)));
		CU_ASSERT(!tn_value_next(&rest, item, sizeof(item)));
	}
}

static void list_without_room(void)
{
	const char *rest = "a,b";
	char item[1] = { 'x' };

	CU_ASSERT(tn_value_next(&rest, item, 0));
	CHECK_NUMBER(item[0], 'x');
	CU_ASSERT(tn_value_next(&rest, item, 1));
	CHECK_NUMBER(item[0], '\0');
	CU_ASSERT(!tn_value_next(&rest, item, 1));
}

TEST_MAIN("deploy/value",
          TEST(integer),
          TEST(boolean),
          TEST(duration),
          TEST(size),
          TEST(number),
          TEST(number_in_a_locale_with_a_comma),
          TEST(list),
          TEST(list_without_room))
