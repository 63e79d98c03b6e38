#include "command/table.h"

#include "cunit.h"
#include "printed.h"

#define WIDE 5000

static struct tn_table table;

static void expect(size_t indent, const char *expected)
{
	printed_begin();
	CU_ASSERT(tn_table_print(&table, indent));
	CHECK_TEXT(printed_end(), expected);
}

static void a_column_is_as_wide_as_its_widest_cell(void)
{
	tn_table_init(&table, 3);
	tn_table_cells(&table, "KEY", "VALUE", "FROM");
	tn_table_cells(&table, "module", "a.so", "(default)");
	tn_table_cells(&table, "x", "a longer value", "etc/tenon.ini:12");
	expect(0, "KEY     VALUE           FROM\n"
	          "module  a.so            (default)\n"
	          "x       a longer value  etc/tenon.ini:12\n");
}

static void the_indent_is_before_each_row(void)
{
	tn_table_init(&table, 2);
	tn_table_cells(&table, "A", "B", "", "C");
	expect(4, "    A  B\n"
	          "       C\n");
}

static void no_line_ends_with_padding(void)
{
	tn_table_init(&table, 3);
	tn_table_cells(&table, "one", "two", "three");
	tn_table_cells(&table, "1", "", "");
	tn_table_cells(&table, "", "2", "");
	tn_table_cells(&table, "", "", "3");
	tn_table_cells(&table, "", "", "");
	expect(2, "  one  two  three\n"
	          "  1\n"
	          "       2\n"
	          "            3\n"
	          "\n");
}

static void the_last_column_does_not_widen_the_others(void)
{
	tn_table_init(&table, 1);
	tn_table_cells(&table, "a", "longer", "b");
	expect(0, "a\nlonger\nb\n");
}

static void the_last_row_may_be_short(void)
{
	tn_table_init(&table, 3);
	tn_table_cells(&table, "a", "b", "c", "d");
	expect(0, "a  b  c\nd\n");
}

static void a_table_without_cells_prints_nothing(void)
{
	tn_table_init(&table, 3);
	expect(2, "");
}

static void a_width_is_counted_in_characters_not_in_bytes(void)
{
	tn_table_init(&table, 2);
	tn_table_cells(&table, "größe", "1");
	tn_table_cells(&table, "abcde", "2");
	tn_table_cells(&table, "\u20ac\U0001f642", "3");
	expect(0, "größe  1\n"
	          "abcde  2\n"
	          "\u20ac\U0001f642     3\n");
}

static void a_cell_can_be_written_in_parts(void)
{
	tn_table_init(&table, 2);
	tn_table_write(&table, "%s", "auth");
	tn_table_write(&table, "%s %d%%", "@v2", 10);
	tn_table_end(&table);
	tn_table_cell(&table, "%s:%u", "etc/tenon.ini", 3U);
	tn_table_end(&table);
	tn_table_cell(&table, "below");
	expect(0, "auth@v2 10%  etc/tenon.ini:3\n"
	          "             below\n");
}

static void control_characters_become_blanks(void)
{
	tn_table_init(&table, 2);
	tn_table_cells(&table, "a\nb\tc\033[1m\177", "d");
	tn_table_cells(&table, "1234567890", "e");
	expect(0, "a b c [1m   d\n"
	          "1234567890  e\n");
}

static void long_cells_are_not_cut(void)
{
	static char wide[WIDE + 1];
	static char expected[3 * WIDE + 100];

	memset(wide, 'w', WIDE);
	tn_table_init(&table, 2);
	tn_table_cells(&table, wide, "x", "y", wide);
	snprintf(expected, sizeof(expected), "%s  x\ny%*s%s\n", wide, WIDE + 1, "", wide);
	expect(0, expected);
}

static void many_rows_stay_whole_and_in_order(void)
{
	char *expected = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&expected, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	tn_table_init(&table, 2);
	for (int i = 1000; i < 4000; i++) {
		tn_table_cell(&table, "%d", i);
		tn_table_cell(&table, "%d", -i);
		fprintf(memory, "%d  %d\n", i, -i);
	}
	fclose(memory);
	expect(0, expected);
	free(expected);
}

static void a_table_that_has_lost_a_cell_is_not_printed(void)
{
	tn_table_init(&table, 1);
	tn_table_cell(&table, "kept");
	table.failed = true;
	tn_table_cell(&table, "lost");
	printed_begin();
	CU_ASSERT_FALSE(tn_table_print(&table, 0));
	CHECK_TEXT(printed_end(), "");
}

static void a_table_can_be_given_up(void)
{
	tn_table_init(&table, 1);
	tn_table_cell(&table, "not printed");
	tn_table_finish(&table);
	CU_ASSERT_PTR_NULL(table.text);
	CHECK_NUMBER(table.count, 0);
	tn_table_finish(&table);
}

TEST_MAIN("command/table",
          TEST(a_column_is_as_wide_as_its_widest_cell),
          TEST(the_indent_is_before_each_row),
          TEST(no_line_ends_with_padding),
          TEST(the_last_column_does_not_widen_the_others),
          TEST(the_last_row_may_be_short),
          TEST(a_table_without_cells_prints_nothing),
          TEST(a_width_is_counted_in_characters_not_in_bytes),
          TEST(a_cell_can_be_written_in_parts),
          TEST(control_characters_become_blanks),
          TEST(long_cells_are_not_cut),
          TEST(many_rows_stay_whole_and_in_order),
          TEST(a_table_that_has_lost_a_cell_is_not_printed),
          TEST(a_table_can_be_given_up))
