#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"

#include <string.h>

#define COUNT(array_) (sizeof(array_) / sizeof((array_)[0]))

static void set_body(struct fixture *fixture, const char *type, const char *body, size_t size)
{
	tn_request_set_header(fixture->request, "Content-Type", type);
	CU_ASSERT(tn_request_set_body(fixture->request, body, size));
}

/* ---- application/x-www-form-urlencoded ---------------------------------------------------- */

static void set_form(struct fixture *fixture, const char *body)
{
	set_body(fixture, "application/x-www-form-urlencoded", body, strlen(body));
}

static void a_field_of_a_form_is_decoded(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	set_form(&fixture, "name=J%C3%B6rg+M&empty=&bare&%61b=1&a%2=%zz&zero=%00x&name=second");
	CHECK_TEXT(tn_request_form(fixture.request, "name"), "J\xc3\xb6rg M");
	CHECK_TEXT(tn_request_form(fixture.request, "empty"), "");
	CHECK_TEXT(tn_request_form(fixture.request, "bare"), "");
	CHECK_TEXT(tn_request_form(fixture.request, "ab"), "1");
	CHECK_TEXT(tn_request_form(fixture.request, "a%2"), "%zz");
	CHECK_TEXT(tn_request_form(fixture.request, "zero"), "%00x");
	CU_ASSERT_PTR_NULL(tn_request_form(fixture.request, "query"));
	CU_ASSERT_PTR_NULL(tn_request_form(fixture.request, ""));
	fixture_finish(&fixture);
}

static void fields_of_a_form_come_in_order(void)
{
	static const char *const expected[] = { "b", "1", "a", "", "b", "2 3" };
	struct tn_parameter parameter = { 0 };
	struct fixture fixture;
	size_t i = 0;

	fixture_init(&fixture);
	set_form(&fixture, "&&b=1&a&b=2+3&");
	for (; tn_request_form_next(fixture.request, &parameter); i += 2) {
		if (i >= COUNT(expected))
			break;
		CHECK_TEXT(parameter.name, expected[i]);
		CHECK_TEXT(parameter.value, expected[i + 1]);
	}
	CHECK_NUMBER(i, COUNT(expected));
	CU_ASSERT(!tn_request_form_next(fixture.request, &parameter));
	fixture_finish(&fixture);
}

static void only_a_form_has_fields(void)
{
	static const struct {
		const char *type;
		bool form;
	} cases[] = {
		{ "application/x-www-form-urlencoded", true },
		{ "Application/X-WWW-Form-URLencoded", true },
		{ "application/x-www-form-urlencoded;charset=UTF-8", true },
		{ "application/x-www-form-urlencoded ; charset=UTF-8", true },
		{ NULL, false },
		{ "", false },
		{ "text/plain", false },
		{ "application/x-www-form-urlencoded2", false },
		{ "application/x-www-form", false },
		{ "multipart/form-data; boundary=a", false },
	};
	struct tn_parameter parameter;
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(cases); i++) {
		set_body(&fixture, cases[i].type, "a=b", 3);
		parameter = (struct tn_parameter){ 0 };
		CHECK_TEXT(tn_request_form(fixture.request, "a"), cases[i].form ? "b" : NULL);
		CHECK_NUMBER(tn_request_form_next(fixture.request, &parameter), cases[i].form);
	}
	fixture_finish(&fixture);
}

static void a_body_with_a_nul_is_no_form(void)
{
	struct tn_parameter parameter = { 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	set_body(&fixture, "application/x-www-form-urlencoded", "a=b&c=d\0e", 9);
	CU_ASSERT_PTR_NULL(tn_request_form(fixture.request, "a"));
	CU_ASSERT(!tn_request_form_next(fixture.request, &parameter));
	fixture_finish(&fixture);
}

static void a_request_without_a_body_has_no_fields(void)
{
	struct tn_parameter parameter = { 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	tn_request_set_header(fixture.request, "Content-Type", "application/x-www-form-urlencoded");
	CU_ASSERT_PTR_NULL(tn_request_form(fixture.request, "a"));
	CU_ASSERT(!tn_request_form_next(fixture.request, &parameter));
	fixture_finish(&fixture);
}

/* ---- multipart/form-data ------------------------------------------------------------------ */

#define MULTIPART "multipart/form-data; boundary="

static void set_parts(struct fixture *fixture, const char *body)
{
	set_body(fixture, MULTIPART "b", body, strlen(body));
}

/* "name|filename|type|data" of each part and what ended it: "(end)" or "(what is wrong)". */
static const char *walk(const struct tn_request *request)
{
	struct tn_form_part part = { 0 };
	const char *text = "";

	while (tn_form_next(request, &part))
		text = tn_format(request, "%s%s|%s|%s|%.*s ", text, part.name,
		                 part.filename ? part.filename : "-", part.type ? part.type : "-",
		                 (int)part.size, part.data);
	CU_ASSERT_PTR_NULL(part.name);
	CU_ASSERT_PTR_NULL(part.data);
	CU_ASSERT(!tn_form_next(request, &part));
	return tn_format(request, "%s(%s)", text, part.error ? part.error : "end");
}

#define HEAD(name_) "Content-Disposition: form-data; name=\"" name_ "\"\r\n\r\n"

#define FILE_HEAD \
	"Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n" \
	"Content-Type: text/html\r\n\r\n"

static void parts_are_walked_in_order(void)
{
	static const char two[] = "--b\r\n" HEAD("title") "Hello\r\n--b\r\n" FILE_HEAD
							  "<p>\r\n--b--\r\n";
	struct fixture fixture;

	fixture_init(&fixture);
	set_parts(&fixture, two);
	CHECK_TEXT(walk(fixture.request), "title|-|-|Hello file|a.txt|text/html|<p> (end)");
	fixture_finish(&fixture);
}

static void the_data_lies_in_the_body(void)
{
	static const char body[] = "--b\r\n" HEAD("a") "0\0\r\n-\r\n--c\r\n\r\n--b--";
	struct tn_form_part part = { 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	set_body(&fixture, MULTIPART "b", body, sizeof(body) - 1);
	CU_ASSERT(tn_form_next(fixture.request, &part));
	CHECK_NUMBER(part.size, sizeof("0\0\r\n-\r\n--c\r\n") - 1);
	CU_ASSERT(part.data && !memcmp(part.data, "0\0\r\n-\r\n--c\r\n", part.size));
	CU_ASSERT(part.data > tn_request_body(fixture.request).data);
	CU_ASSERT(part.data < tn_request_body(fixture.request).data + sizeof(body));
	CU_ASSERT(!tn_form_next(fixture.request, &part));
	CU_ASSERT_PTR_NULL(part.error);
	fixture_finish(&fixture);
}

static void a_part_has_its_headers(void)
{
	struct tn_form_part part = { 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	set_parts(&fixture, "--b\r\nX-One:  1 \r\ncontent-disposition:form-data;name=a\r\n"
	                    "X-ONE: 2\r\nX-Empty:\r\n\r\n\r\n--b--");
	CU_ASSERT(tn_form_next(fixture.request, &part));
	CHECK_TEXT(part.name, "a");
	CHECK_NUMBER(part.size, 0);
	CHECK_TEXT(tn_headers_get(part.headers, "x-one"), "1, 2");
	CHECK_TEXT(tn_headers_get(part.headers, "X-Empty"), "");
	CHECK_TEXT(tn_headers_get(part.headers, "Content-Disposition"), "form-data;name=a");
	fixture_finish(&fixture);
}

/* Each is the one part of a form, with no data; or what is wrong with it. */
static void names_are_read_as_browsers_write_them(void)
{
	static const struct {
		const char *disposition, *expected;
	} cases[] = {
		{ "form-data; name=\"a\"", "a|-" },
		{ "FORM-DATA; NAME=\"a\"; FileName=\"b\"", "a|b" },
		{ "form-data;name=a;filename=b.c", "a|b.c" },
		{ "form-data ; name=\"a\" ; filename=\"\" ;", "a|" },
		{ "form-data; filename=\"b\"; name=\"a\"", "a|b" },
		{ "form-data; name=\"\"", "|-" },
		{ "form-data; name=\"a;b=c\"; x=y", "a;b=c|-" },
		{ "form-data; name=\"%22a%0D%0a%0d%0A%\"", "\"a\r\n\r\n%|-" },
		{ "form-data; name=\"%41%00%2\"", "%41%00%2|-" },
		{ "form-data; name=\"a\"; filename=\"C:\\b\\c\"", "a|C:\\b\\c" },
		{ "form-data; name=\"\xc3\xb6\"; filename=\"../b\"", "\xc3\xb6|../b" },
		{ "form-data; name=\"a\"; filename=\"b\"; filename*=UTF-8''c", "a|b" },
		{ "form-data; name=\"a\"; filename*=UTF-8''c", "a|-" },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(cases); i++) {
		set_parts(&fixture, tn_format(fixture.request,
		                              "--b\r\nContent-Disposition: %s\r\n\r\n\r\n--b--",
		                              cases[i].disposition));
		CHECK_TEXT(walk(fixture.request),
		           tn_format(fixture.request, "%s|-| (end)", cases[i].expected));
	}
	fixture_finish(&fixture);
}

static void what_names_a_part_in_no_or_two_ways_is_refused(void)
{
	static const struct {
		const char *head, *error;
	} cases[] = {
		{ "Content-Type: text/plain",
		  "the Content-Disposition of a part is not form-data" },
		{ "Content-Disposition: attachment; name=\"a\"",
		  "the Content-Disposition of a part is not form-data" },
		{ "Content-Disposition: form-data", "a part has no name" },
		{ "Content-Disposition: form-data; filename=\"a\"", "a part has no name" },
		{ "Content-Disposition: form-data; name=\"a\"; Name=\"b\"",
		  "a part has two names" },
		{ "Content-Disposition: form-data; name=\"a\"; filename=a; filename=b",
		  "a part has two names" },
		{ "Content-Disposition: form-data; name=\"a",
		  "the Content-Disposition of a part is malformed" },
		{ "Content-Disposition: form-data; name=\"a\\\"",
		  "the Content-Disposition of a part is malformed" },
		{ "Content-Disposition: form-data; name=\"a\\\"; filename=\"b\"",
		  "the Content-Disposition of a part is malformed" },
		{ "Content-Disposition: form-data; name=\"a\\\"b\"",
		  "the Content-Disposition of a part is malformed" },
		{ "Content-Disposition: form-data; name=\"a\" filename=\"b\"",
		  "the Content-Disposition of a part is malformed" },
		{ "Content-Disposition: form-data; name=\"a\"b",
		  "the Content-Disposition of a part is malformed" },
		{ "Content-Disposition: form-data; name=a\"b\"",
		  "the Content-Disposition of a part is malformed" },
		{ "Content-Disposition: form-data; name",
		  "the Content-Disposition of a part is malformed" },
		{ "Content-Disposition: form-data; name=",
		  "the Content-Disposition of a part is malformed" },
		{ "Content-Disposition: form-data; =a",
		  "the Content-Disposition of a part is malformed" },
		{ "Content-Disposition: form-data name=a",
		  "the Content-Disposition of a part is malformed" },
		{ "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; "
		  "name=b",
		  "a part has a field of its head twice" },
		{ "Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\nContent-Type: "
		  "a/b",
		  "a part has a field of its head twice" },
		{ "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64",
		  "a part has a Content-Transfer-Encoding" },
		{ "Content-Disposition: form-data;\r\n name=a",
		  "a line in the head of a part is no field" },
		{ "Content-Disposition: form-data;\r\n name=a:b",
		  "a field in the head of a part is malformed" },
		{ "Content-Disposition : form-data; name=a",
		  "a field in the head of a part is malformed" },
		{ "Content-Disposition: form-data; name=a\nX: b",
		  "a field in the head of a part is malformed" },
		{ "Content-Disposition: form-data; name=\"a\rb\"",
		  "a field in the head of a part is malformed" },
		{ "Content-Disposition: form-data; name=a\r\n: b",
		  "a field in the head of a part is malformed" },
		{ "Content-Disposition: form-data; name=a\r\nX",
		  "a line in the head of a part is no field" },
		{ "\r\nContent-Disposition: form-data; name=a",
		  "a line in the head of a part is no field" },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(cases); i++) {
		set_parts(&fixture, tn_format(fixture.request, "--b\r\n%s\r\n\r\n\r\n--b--",
		                              cases[i].head));
		CHECK_TEXT(walk(fixture.request),
		           tn_format(fixture.request, "(%s)", cases[i].error));
	}
	fixture_finish(&fixture);
}

static void an_encoding_that_encodes_nothing_is_taken(void)
{
	static const char format[] = "--b\r\nContent-Transfer-Encoding: %s\r\n%s\r\n--b--";
	static const char *const encodings[] = { "7bit", "8BIT", "binary" };
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(encodings); i++) {
		set_parts(&fixture, tn_format(fixture.request, format, encodings[i], HEAD("a")));
		CHECK_TEXT(walk(fixture.request), "a|-|-| (end)");
	}
	fixture_finish(&fixture);
}

static void delimiters_are_read_one_way(void)
{
	static const struct {
		const char *body, *expected;
	} cases[] = {
		{ "--b--", "(end)" },
		{ "--b--\r\n", "(end)" },
		{ "--b-- \t", "(end)" },
		{ "--b-- \t\r\n--b\r\n" HEAD("a") "1\r\n--b--", "(end)" },
		{ "before\r\n--b\r\n" HEAD("a") "1\r\n--b--\r\nafter", "a|-|-|1 (end)" },
		{ "\r\n--b\r\n" HEAD("a") "1\r\n--b--", "a|-|-|1 (end)" },
		{ "--b \t\r\n" HEAD("a") "1\r\n--b \r\n" HEAD("c") "2\r\n--b--",
		  "a|-|-|1 c|-|-|2 (end)" },
		{ "--b\r\n" HEAD("a") "1--b\r\n\r\n--b--", "a|-|-|1--b\r\n (end)" },
		{ "--b\r\n" HEAD("a") "1\n--b\n\r\n--b--", "a|-|-|1\n--b\n (end)" },
		{ "--b\r\n" HEAD("a") "--\r\n-b\r\n--B\r\n--b--", "a|-|-|--\r\n-b\r\n--B (end)" },
		{ "", "(its boundary is not in it)" },
		{ "a=b", "(its boundary is not in it)" },
		{ "x--b--", "(its boundary is not in it)" },
		{ "\n--b--", "(its boundary is not in it)" },
		{ "--b", "(a line begins with the boundary and goes on)" },
		{ "--b-", "(a line begins with the boundary and goes on)" },
		{ "--b\r", "(a line begins with the boundary and goes on)" },
		{ "--b\n" HEAD("a") "1\r\n--b--", "(a line begins with the boundary and goes on)" },
		{ "--b--x", "(a line begins with the boundary and goes on)" },
		{ "--b---", "(a line begins with the boundary and goes on)" },
		{ "--b--\n", "(a line begins with the boundary and goes on)" },
		{ "--bc\r\n--b--", "(a line begins with the boundary and goes on)" },
		{ "--b\r\n" HEAD("a") "1\r\n--bc\r\n--b--",
		  "a|-|-|1 (a line begins with the boundary and goes on)" },
		{ "--b\r\n" HEAD("a") "1\r\n--b -", "a|-|-|1 (a line begins with the boundary and "
		                                    "goes on)" },
		{ "--b\r\n", "(its closing delimiter is missing)" },
		{ "--b\r\n" HEAD("a") "1", "(its closing delimiter is missing)" },
		{ "--b\r\n" HEAD("a") "1\r\n", "(its closing delimiter is missing)" },
		{ "--b\r\n" HEAD("a") "1\r\n--", "(its closing delimiter is missing)" },
		{ "--b\r\n" HEAD("a") "1\r\n--b\r\n" HEAD("c") "2",
		  "a|-|-|1 (its closing delimiter is missing)" },
		{ "--b\r\n--b--", "(the head of a part has no end)" },
		{ "--b\r\n\r\n--b--", "(the head of a part has no end)" },
		{ "--b\r\n" HEAD("a") "\r\n--b\r\n\r\n\r\n--b--",
		  "a|-|-| (the head of a part has no end)" },
		{ "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--",
		  "(the head of a part has no end)" },
		{ "--b\r\nContent-Disposition: form-data; name=a\r\n--b: c\r\n\r\n1\r\n--b--",
		  "(the head of a part has no end)" },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(cases); i++) {
		set_parts(&fixture, cases[i].body);
		CHECK_TEXT(walk(fixture.request), cases[i].expected);
	}
	fixture_finish(&fixture);
}

#define SEVENTY "0123456789012345678901234567890123456789012345678901234567890123456789"

static void a_boundary_is_one_of_rfc_2046(void)
{
	static const struct {
		const char *type, *boundary, *expected;
	} cases[] = {
		{ MULTIPART "b", "b", "(end)" },
		{ "Multipart/Form-Data;Boundary=\"b\"", "b", "(end)" },
		{ "multipart/form-data; charset=utf-8; boundary=b;", "b", "(end)" },
		{ MULTIPART "\"'()+_,-./:=? z\"", "'()+_,-./:=? z", "(end)" },
		{ MULTIPART "----WebKitFormBoundary7MA4YWxkTrZu0gW",
		  "----WebKitFormBoundary7MA4YWxkTrZu0gW", "(end)" },
		{ MULTIPART SEVENTY, SEVENTY, "(end)" },
		{ MULTIPART SEVENTY "x", SEVENTY "x",
		  "(its boundary is not 1 to 70 of the characters for one)" },
		{ MULTIPART "\"\"", "",
		  "(its boundary is not 1 to 70 of the characters for one)" },
		{ MULTIPART "\"b \"", "b ",
		  "(its boundary is not 1 to 70 of the characters for one)" },
		{ MULTIPART "\"b%\"", "b%",
		  "(its boundary is not 1 to 70 of the characters for one)" },
		{ MULTIPART "\"b\xc3\xb6\"", "b\xc3\xb6",
		  "(its boundary is not 1 to 70 of the characters for one)" },
		{ MULTIPART "b; boundary=c", "b", "(its Content-Type has two boundaries)" },
		{ MULTIPART, "", "(its Content-Type is malformed)" },
		{ MULTIPART "a:b", "a:b", "(its Content-Type is malformed)" },
		{ MULTIPART "\"b", "b", "(its Content-Type is malformed)" },
		{ "multipart/form-data boundary=b", "b", "(its Content-Type is malformed)" },
		{ MULTIPART "b, " MULTIPART "b", "b", "(its Content-Type is malformed)" },
		{ "multipart/form-data", "", "(its Content-Type has no boundary)" },
		{ "multipart/mixed; boundary=b", "b",
		  "(its Content-Type is not multipart/form-data)" },
		{ "application/x-www-form-urlencoded", "b",
		  "(its Content-Type is not multipart/form-data)" },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *body = tn_format(fixture.request, "--%s--", cases[i].boundary);

		set_body(&fixture, cases[i].type, body, strlen(body));
		CHECK_TEXT(walk(fixture.request), cases[i].expected);
	}
	tn_headers_delete(tn_request_headers(fixture.request), "content-type");
	CHECK_TEXT(walk(fixture.request), "(its Content-Type is not multipart/form-data)");
	fixture_finish(&fixture);
}

static void the_head_of_a_part_has_a_limit(void)
{
	static char filler[16 * 1024];
	struct fixture fixture;

	fixture_init(&fixture);
	memset(filler, 'x', sizeof(filler) - 1);
	set_parts(&fixture, tn_format(fixture.request, "--b\r\nX: %s\r\n" HEAD("a") "1\r\n--b--",
	                              filler));
	CHECK_TEXT(walk(fixture.request), "(the head of a part is larger than 16384 bytes)");
	set_parts(&fixture, tn_format(fixture.request, "--b\r\nX: %s\r\n" HEAD("a") "1\r\n--b--",
	                              filler + 100));
	CHECK_TEXT(walk(fixture.request), "a|-|-|1 (end)");
	fixture_finish(&fixture);
}

/* At every byte, with what follows out of reach, as ASan sees it. */
static void a_form_that_is_cut_is_malformed(void)
{
	static const char body[] = "--b\r\n" HEAD("a") "1\r\n--b\r\n" HEAD("c") "2\r\n--b--";
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t size = 0; size < sizeof(body) - 1; size++) {
		char *cut = malloc(size ? size : 1);
		struct tn_form_part part = { 0 };

		memcpy(cut, body, size);
		tn_request_set_header(fixture.request, "Content-Type", MULTIPART "b");
		tn_request_set_body_static(fixture.request, cut, size);
		while (tn_form_next(fixture.request, &part))
			CU_ASSERT(part.data && part.data + part.size <= cut + size);
		CU_ASSERT_PTR_NOT_NULL(part.error);
		free(cut);
	}
	fixture_finish(&fixture);
}

static void a_body_that_changes_meanwhile_is_told(void)
{
	struct tn_form_part part = { 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	set_parts(&fixture, "--b\r\n" HEAD("a") "1\r\n--b\r\n" HEAD("c") "2\r\n--b--");
	CU_ASSERT(tn_form_next(fixture.request, &part));
	set_parts(&fixture, "--b--");
	CU_ASSERT(!tn_form_next(fixture.request, &part));
	CHECK_TEXT(part.error, "it has changed between two parts");
	fixture_finish(&fixture);
}

static void a_form_that_is_malformed_logs_nothing(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	set_parts(&fixture, "--b\r\nContent-Disposition: form-data; name=\"a\x01\"\r\n\r\n\r\n"
	                    "--b--");
	capture_begin();
	CHECK_TEXT(walk(fixture.request), "(a field in the head of a part is malformed)");
	CHECK_TEXT(capture_end(), "");
	CU_ASSERT(!fixture.exchange->from_client);
	fixture_finish(&fixture);
}

static void without_memory_the_walk_ends(void)
{
	struct tn_form_part part = { 0 };
	struct tn_parameter parameter = { 0 };
	struct fixture fixture;

	fixture_init(&fixture);
	set_parts(&fixture, "--b\r\n" HEAD("a") "1\r\n--b--");
	fixture_exhaust(&fixture);
	capture_begin();
	CU_ASSERT(!tn_form_next(fixture.request, &part));
	CHECK_TEXT(part.error, "there is no memory for it");
	CU_ASSERT(strstr(capture_end(), "request_memory") != NULL);
	fixture_end(&fixture);
	fixture_begin(&fixture);
	set_form(&fixture, "a=b");
	fixture_exhaust(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_request_form(fixture.request, "a"));
	CU_ASSERT(!tn_request_form_next(fixture.request, &parameter));
	capture_end();
	fixture_finish(&fixture);
}

TEST_MAIN("message/form",
          TEST(a_field_of_a_form_is_decoded),
          TEST(fields_of_a_form_come_in_order),
          TEST(only_a_form_has_fields),
          TEST(a_body_with_a_nul_is_no_form),
          TEST(a_request_without_a_body_has_no_fields),
          TEST(parts_are_walked_in_order),
          TEST(the_data_lies_in_the_body),
          TEST(a_part_has_its_headers),
          TEST(names_are_read_as_browsers_write_them),
          TEST(what_names_a_part_in_no_or_two_ways_is_refused),
          TEST(an_encoding_that_encodes_nothing_is_taken),
          TEST(delimiters_are_read_one_way),
          TEST(a_boundary_is_one_of_rfc_2046),
          TEST(the_head_of_a_part_has_a_limit),
          TEST(a_form_that_is_cut_is_malformed),
          TEST(a_body_that_changes_meanwhile_is_told),
          TEST(a_form_that_is_malformed_logs_nothing),
          TEST(without_memory_the_walk_ends))
