#include "deploy/errors.h"

#include "cunit.h"

/* What tn_errors_print writes; for the caller to free. */
static char *printed(const struct tn_errors *errors)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	tn_errors_print(errors, to);
	fclose(to);
	return text;
}

static void check_printed(const struct tn_errors *errors, const char *expected)
{
	char *text = printed(errors);

	CHECK_TEXT(text, expected);
	free(text);
}

static void empty_list_prints_nothing(void)
{
	struct tn_errors errors = { 0 };

	check_printed(&errors, "");
	tn_errors_finish(&errors);
	tn_errors_finish(&errors);
}

static void prints_by_file_and_line(void)
{
	struct tn_errors errors = { 0 };

	tn_errors_add(&errors, (struct tn_place){ "b.ini", 10 }, "one %d", 1);
	tn_errors_add(&errors, (struct tn_place){ "a.ini", 3 }, "two");
	tn_errors_add(&errors, (struct tn_place){ "b.ini", 9 }, "three");
	tn_errors_add(&errors, (struct tn_place){ "b.ini", 9 }, "four");
	tn_errors_add(&errors, (struct tn_place){ "b.ini", 0 }, "five");
	check_printed(&errors, "b.ini: five\n"
	                       "b.ini:9: three\n"
	                       "b.ini:9: four\n"
	                       "b.ini:10: one 1\n"
	                       "a.ini:3: two\n");
	CHECK_NUMBER(errors.count, 5);
	CHECK_NUMBER(errors.errors, 5);
	tn_errors_finish(&errors);
	CHECK_NUMBER(errors.count, 0);
}

static void warnings_are_marked_and_not_counted_as_errors(void)
{
	struct tn_errors errors = { 0 };

	tn_errors_warn(&errors, (struct tn_place){ "a.ini", 3 }, "a cycle: %s", "a -> b -> a");
	tn_errors_add(&errors, (struct tn_place){ "a.ini", 2 }, "no module");
	check_printed(&errors, "a.ini:2: no module\n"
	                       "a.ini:3: warning: a cycle: a -> b -> a\n");
	CHECK_NUMBER(errors.count, 2);
	CHECK_NUMBER(errors.errors, 1);
	tn_errors_finish(&errors);
}

static void without_a_file_there_is_no_place(void)
{
	struct tn_errors errors = { 0 };

	tn_errors_add(&errors, (struct tn_place){ "a.ini", 1 }, "one");
	tn_errors_add(&errors, (struct tn_place){ 0 }, "two");
	tn_errors_warn(&errors, (struct tn_place){ 0 }, "three");
	check_printed(&errors, "a.ini:1: one\n"
	                       "two\n"
	                       "warning: three\n");
	tn_errors_finish(&errors);
}

static void keeps_a_copy_of_the_file_name(void)
{
	struct tn_errors errors = { 0 };
	char name[] = "a.ini";

	tn_errors_add(&errors, (struct tn_place){ name, 1 }, "one");
	name[0] = 'b';
	check_printed(&errors, "a.ini:1: one\n");
	tn_errors_finish(&errors);
}

static void an_error_is_one_line(void)
{
	struct tn_errors errors = { 0 };

	tn_errors_add(&errors, (struct tn_place){ "a.ini", 1 }, "%s", "one\ntwo\x1b[0m\x7f");
	check_printed(&errors, "a.ini:1: one two [0m \n");
	tn_errors_finish(&errors);
}

static void takes_any_number_of_any_length(void)
{
	struct tn_errors errors = { 0 };
	char text[20001];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (unsigned i = 0; i < 1000; i++)
		tn_errors_add(&errors, (struct tn_place){ "a.ini", 1000 - i }, "%s", text);
	CHECK_NUMBER(errors.count, 1000);
	CHECK_NUMBER(strlen(errors.list[999].text), 20000);
	CHECK_TEXT(errors.list[999].place.file, "a.ini");
	tn_errors_finish(&errors);
}

static void says_that_it_is_incomplete(void)
{
	struct tn_errors errors = { .incomplete = true, .errors = 1 };

	check_printed(&errors, "out of memory: these are not all errors\n");
	tn_errors_finish(&errors);
}

TEST_MAIN("deploy/errors",
          TEST(empty_list_prints_nothing),
          TEST(prints_by_file_and_line),
          TEST(warnings_are_marked_and_not_counted_as_errors),
          TEST(without_a_file_there_is_no_place),
          TEST(keeps_a_copy_of_the_file_name),
          TEST(an_error_is_one_line),
          TEST(takes_any_number_of_any_length),
          TEST(says_that_it_is_incomplete))
