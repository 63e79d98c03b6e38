#include "cunit.h"
#include "framework/message/fixture.h"

#include <string.h>

static void a_cookie_is_found_by_its_whole_name(void)
{
	static const struct {
		const char *header, *name, *value;
	} cases[] = {
		{ "a=1", "a", "1" },
		{ "a=1; b=2", "b", "2" },
		{ "a=1;b=2", "b", "2" },
		{ "a=1 ;\t b=2", "a", "1" },
		{ "a=1 ;\t b=2 ", "b", "2" },
		{ ";; a=1;;", "a", "1" },
		{ "a=1; a=2", "a", "1" },
		{ "aa=1; a=2", "a", "2" },
		{ "a=1", "aa", NULL },
		{ "aa=1", "a", NULL },
		{ "A=1", "a", NULL },
		{ "b=a=1", "a", NULL },
		{ "b=1; x a=2", "a", NULL },
		{ "a=b=c==", "a", "b=c==" },
		{ "a=\"x y\"", "a", "\"x y\"" },
		{ "a=%41", "a", "%41" },
		{ "a=", "a", "" },
		{ "a=; b=1", "a", "" },
		{ "a= 1", "a", " 1" },
		{ "a", "a", NULL },
		{ "a; b=1", "a", NULL },
		{ "=1", "", NULL },
		{ "a=b=c", "a=b", NULL },
		{ "a; b=1", "a; b", NULL },
		{ "", "a", NULL },
		{ "a=1;", "b", NULL },
		{ "__Host-id=x; id=y", "id", "y" },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT(tn_request_set_header(fixture.request, "Cookie", cases[i].header));
		if (!CHECK_TEXT(tn_request_cookie(fixture.request, cases[i].name), cases[i].value))
			printf("Cookie: %s\n", cases[i].header);
	}
	fixture_finish(&fixture);
}

static void cookies_of_several_headers_are_found(void)
{
	struct fixture fixture;
	struct tn_headers *headers;

	fixture_init(&fixture);
	CHECK_TEXT(tn_request_cookie(fixture.request, "a"), NULL);
	headers = tn_request_headers(fixture.request);
	tn_headers_append(headers, "cookie", "a=1, 2");
	tn_headers_append(headers, "Cookie", "b=3");
	CHECK_TEXT(tn_request_cookie(fixture.request, "a"), "1, 2");
	CHECK_TEXT(tn_request_cookie(fixture.request, "b"), "3");
	fixture_finish(&fixture);
}

static void a_value_stays_when_the_header_changes(void)
{
	struct fixture fixture;
	const char *value;

	fixture_init(&fixture);
	tn_request_set_header(fixture.request, "cookie", "a=before; b=1");
	value = tn_request_cookie(fixture.request, "a");
	tn_request_set_header(fixture.request, "cookie", "a=behind; b=1");
	CHECK_TEXT(value, "before");
	CHECK_TEXT(tn_request_cookie(fixture.request, "a"), "behind");
	fixture_finish(&fixture);
}

TEST_MAIN("message/cookie",
          TEST(a_cookie_is_found_by_its_whole_name),
          TEST(cookies_of_several_headers_are_found),
          TEST(a_value_stays_when_the_header_changes))
