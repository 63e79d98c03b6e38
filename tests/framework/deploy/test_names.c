#include "deploy/names.h"

#include "cunit.h"

static const char *read_names(const char *text, size_t size)
{
	static char names[TN_NAMES_SIZE];

	CHECK_TEXT(tn_names_read(text, size, names), NULL);
	return names;
}

#define READ(text_) read_names(text_, sizeof(text_) - 1)

static const char *refused(const char *text, size_t size)
{
	char names[TN_NAMES_SIZE];
	const char *why = tn_names_read(text, size, names);

	return why ? why : "it is good";
}

#define REFUSED(text_) refused(text_, sizeof(text_) - 1)

#define LETTERS "the name of a Worker has letters, digits, '-', '_', '.' and '@'"

static void one_is_itself(void)
{
	CHECK_TEXT(READ("auth@staging"), "auth@staging");
	CHECK_TEXT(read_names("auth and more", 4), "auth");
}

static void they_are_in_order_and_each_once(void)
{
	CHECK_TEXT(READ("billing auth"), "auth billing");
	CHECK_TEXT(READ("b a b a@v2 a  b "), "a a@v2 b");
}

static void none_at_all_is_refused(void)
{
	CHECK_TEXT(REFUSED(""), "the name of a Worker is missing");
	CHECK_TEXT(REFUSED("  "), "the name of a Worker is missing");
}

/* Somebody may show them on a terminal. */
static void what_cannot_be_shown_is_refused(void)
{
	CHECK_TEXT(REFUSED("a\nb"), LETTERS);
	CHECK_TEXT(REFUSED("a\tb"), LETTERS);
	CHECK_TEXT(REFUSED("a\0b"), LETTERS);
	CHECK_TEXT(REFUSED("\x1b[31m"), LETTERS);
	CHECK_TEXT(REFUSED("\xc2\x9b"), LETTERS);
	CHECK_TEXT(REFUSED("\xff"), LETTERS);
}

static void there_is_a_most(void)
{
	char text[TN_NAMES_SIZE];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? ' ' : (char)('a' + i / 2 % 26);
	CHECK_TEXT(refused(text, sizeof(text)), "these are too many Workers at once: name fewer");
	CHECK_TEXT(read_names(text, sizeof(text) - 1),
	           "a b c d e f g h i j k l m n o p q r s t u v w x y z");
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	CHECK_TEXT(read_names(text, sizeof(text) - 1), text);
}

static void they_are_stepped_through(void)
{
	const char *rest = "a a@v2 b";
	char name[TN_NAMES_SIZE];

	CU_ASSERT_TRUE(tn_names_next(&rest, name));
	CHECK_TEXT(name, "a");
	CU_ASSERT_TRUE(tn_names_next(&rest, name));
	CHECK_TEXT(name, "a@v2");
	CU_ASSERT_TRUE(tn_names_next(&rest, name));
	CHECK_TEXT(name, "b");
	CU_ASSERT_FALSE(tn_names_next(&rest, name));
}

static void a_part_of_a_name_is_another(void)
{
	CU_ASSERT_TRUE(tn_names_have("a@v2 bc", "bc"));
	CU_ASSERT_TRUE(tn_names_have("a@v2 bc", "a@v2"));
	CU_ASSERT_FALSE(tn_names_have("a@v2 bc", "a"));
	CU_ASSERT_FALSE(tn_names_have("a@v2 bc", "b"));
	CU_ASSERT_FALSE(tn_names_have("a@v2 bc", ""));
	CU_ASSERT_FALSE(tn_names_have("", "a"));
	CU_ASSERT_FALSE(tn_names_have(NULL, "a"));
}

TEST_MAIN("deploy/names",
          TEST(one_is_itself),
          TEST(they_are_in_order_and_each_once),
          TEST(none_at_all_is_refused),
          TEST(what_cannot_be_shown_is_refused),
          TEST(there_is_a_most),
          TEST(they_are_stepped_through),
          TEST(a_part_of_a_name_is_another))
