#include "command/json.h"

#include "../capture.h"
#include "cunit.h"
#include "printed.h"

#include <sysexits.h>

#define REPLACEMENT "\xef\xbf\xbd"

static void expect_text(const char *text, const char *expected)
{
	json_t *value = tn_json_text(text);

	CHECK_TEXT(json_string_value(value), expected);
	json_decref(value);
}

static void a_text_is_a_string_and_none_is_null(void)
{
	json_t *none = tn_json_text(NULL);

	expect_text("auth@staging", "auth@staging");
	expect_text("", "");
	expect_text("größe\t\"1\"", "größe\t\"1\"");
	CU_ASSERT(json_is_null(none));
	json_decref(none);
}

static void bytes_that_are_no_text_are_replaced(void)
{
	expect_text("caf\xe9", "caf" REPLACEMENT);
	expect_text("\xff\xfe.ini", REPLACEMENT REPLACEMENT ".ini");
	expect_text("a\xc3", "a" REPLACEMENT);
	expect_text("gr\xc3\xb6\xdf"
	            "e.ini",
	            "grö" REPLACEMENT "e.ini");
	expect_text("a\nb\x01\x7f\xff", "a\nb\x01\x7f" REPLACEMENT);
}

static void expect_printed(json_t *value, const char *expected)
{
	printed_begin();
	CHECK_NUMBER(tn_json_print(value), 0);
	CHECK_TEXT(printed_end(), expected);
}

static void a_weight_is_percent_as_short_as_it_is_written(void)
{
	json_t *list = json_array();

	tn_json_append(&list, tn_json_weight(1000000));
	tn_json_append(&list, tn_json_weight(100000));
	tn_json_append(&list, tn_json_weight(0));
	tn_json_append(&list, tn_json_weight(2500));
	tn_json_append(&list, tn_json_weight(333333));
	tn_json_append(&list, tn_json_weight(1));
	expect_printed(list, "[\n"
	                     "  100,\n"
	                     "  10,\n"
	                     "  0,\n"
	                     "  0.25,\n"
	                     "  33.3333,\n"
	                     "  0.0001\n"
	                     "]\n");
}

static void an_object_keeps_the_order_of_its_names(void)
{
	json_t *object = json_object();

	tn_json_set(&object, "name", tn_json_text("z"));
	tn_json_set_place(&object, (struct tn_place){ "etc/tenon.ini", 12 });
	tn_json_set(&object, "a", json_true());
	expect_printed(object, "{\n"
	                       "  \"name\": \"z\",\n"
	                       "  \"file\": \"etc/tenon.ini\",\n"
	                       "  \"line\": 12,\n"
	                       "  \"a\": true\n"
	                       "}\n");
}

static void a_place_that_is_none_is_null(void)
{
	json_t *object = json_object();

	tn_json_set_place(&object, (struct tn_place){ 0 });
	expect_printed(object, "{\n"
	                       "  \"file\": null,\n"
	                       "  \"line\": null\n"
	                       "}\n");
}

/* As where there is no memory for one part. */
static void what_cannot_be_made_whole_is_not_printed(void)
{
	json_t *list = json_array();
	json_t *object = json_object();

	tn_json_set(&object, "name", json_true());
	tn_json_set(&object, "lost", NULL);
	tn_json_set(&object, "more", json_true());
	CU_ASSERT_PTR_NULL(object);
	tn_json_append(&list, object);
	tn_json_append(&list, json_true());
	CU_ASSERT_PTR_NULL(list);
	printed_begin();
	capture_begin();
	CHECK_NUMBER(tn_json_print(list), EX_OSERR);
	CHECK_TEXT(capture_end(), "tenon: out of memory\n");
	CHECK_TEXT(printed_end(), "");
}

TEST_MAIN("command/json",
          TEST(a_text_is_a_string_and_none_is_null),
          TEST(bytes_that_are_no_text_are_replaced),
          TEST(a_weight_is_percent_as_short_as_it_is_written),
          TEST(an_object_keeps_the_order_of_its_names),
          TEST(a_place_that_is_none_is_null),
          TEST(what_cannot_be_made_whole_is_not_printed))
