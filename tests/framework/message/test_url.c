#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"

#include <string.h>

#define COUNT(array_) (sizeof(array_) / sizeof((array_)[0]))

/* ---- Setting one -------------------------------------------------------------------------- */

static void a_path_changes_the_target_and_not_the_host(void)
{
	static const char *const paths[] = {
		"/",
		"/a/b",
		"/?q",
		"/a?b=c&d",
		"//a",
		"/%zz",
		"/a?b?c",
		"/~!$&'()*+,;=:@-._[]",
	};
	struct fixture fixture;

	fixture_init(&fixture);
	tn_request_set_header(fixture.request, "host", "example.com");
	for (size_t i = 0; i < COUNT(paths); i++) {
		CU_ASSERT(tn_request_set_url(fixture.request, paths[i]));
		CHECK_TEXT(tn_request_target(fixture.request), paths[i]);
		CHECK_TEXT(tn_request_header(fixture.request, "host"), "example.com");
	}
	CHECK_TEXT(tn_request_url(fixture.request), "http://example.com/~!$&'()*+,;=:@-._[]");
	fixture_finish(&fixture);
}

static void an_absolute_url_changes_scheme_host_and_target(void)
{
	static const struct {
		const char *set, *url, *host, *target;
	} cases[] = {
		{ "http://auth/verify", "http://auth/verify", "auth", "/verify" },
		{ "https://a.b:8443/x?y", "https://a.b:8443/x?y", "a.b:8443", "/x?y" },
		{ "HTTP://A", "http://A/", "A", "/" },
		{ "hTTps://a?b", "https://a/?b", "a", "/?b" },
		{ "http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/", "[2001:db8::1]:80", "/" },
		{ "http://192.0.2.1", "http://192.0.2.1/", "192.0.2.1", "/" },
		{ "http://a//b", "http://a//b", "a", "//b" },
		{ "http://a/http://b", "http://a/http://b", "a", "/http://b" },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	tn_headers_append(tn_request_headers(fixture.request), "Host", "example.com");
	for (size_t i = 0; i < COUNT(cases); i++) {
		CU_ASSERT(tn_request_set_url(fixture.request, cases[i].set));
		CHECK_TEXT(tn_request_url(fixture.request), cases[i].url);
		CHECK_TEXT(tn_request_target(fixture.request), cases[i].target);
		CHECK_TEXT(tn_request_header(fixture.request, "host"), cases[i].host);
	}
	CHECK_NUMBER(tn_headers_count(tn_request_headers(fixture.request)), 1);
	fixture_finish(&fixture);
}

/* Browsers send them as they are, and the edge takes them: a Worker may pass them on. */
static void what_the_edge_accepts_can_be_set(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	CU_ASSERT(tn_request_set_url(fixture.request, "/a?x=y|z{0}<\"'>\\^`"));
	CHECK_TEXT(tn_request_target(fixture.request), "/a?x=y|z{0}<\"'>\\^`");
	fixture_finish(&fixture);
}

static void urls_that_are_refused_change_nothing(void)
{
	static const char *const urls[] = {
		"",
		"a",
		"a/b",
		"?q",
		"*",
		" /",
		"/a b",
		"/a\tb",
		"/a\r\nX: y",
		"/a#b",
		"/\x7f",
		"/\xc3\xa9",
		"http://",
		"http:///x",
		"http://?x",
		"http://#",
		"http:/a",
		"http:a",
		"ftp://a/",
		"http://a b/",
		"http://u@a/",
		"http://u:p@a",
		"http://a\\b",
		"http://a/#b",
		"http://a#b",
		"http://\xc3\xa9/",
		"http://a/b c",
		"https://",
		"//\nexample",
		"http://a\n/",
		"javascript:x",
	};
	struct fixture fixture;
	const char *log;

	fixture_init(&fixture);
	tn_request_set_header(fixture.request, "host", "example.com");
	capture_begin();
	for (size_t i = 0; i < COUNT(urls); i++) {
		if (tn_request_set_url(fixture.request, urls[i]))
			CHECK_TEXT(urls[i], NULL);
		CHECK_TEXT(tn_request_url(fixture.request), "http://example.com/path?query");
		CHECK_TEXT(tn_request_header(fixture.request, "host"), "example.com");
	}
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), COUNT(urls));
	CHECK_NUMBER(capture_lines(log, "URL '"), COUNT(urls));
	fixture_finish(&fixture);
}

static void a_long_url_is_refused_with_the_reason(void)
{
	struct fixture fixture;
	char url[8000];

	memset(url, 'a', sizeof(url) - 1);
	url[0] = '/';
	url[sizeof(url) - 2] = '#';
	url[sizeof(url) - 1] = '\0';
	fixture_init(&fixture);
	capture_begin();
	CU_ASSERT(!tn_request_set_url(fixture.request, url));
	CHECK_NUMBER(capture_lines(capture_end(), "leave out the fragment"), 1);
	url[sizeof(url) - 2] = 'b';
	CU_ASSERT(tn_request_set_url(fixture.request, url));
	CHECK_TEXT(tn_request_target(fixture.request), url);
	fixture_finish(&fixture);
}

static void the_url_was_copied(void)
{
	char url[] = "http://auth/verify";
	struct fixture fixture;

	fixture_init(&fixture);
	tn_request_set_url(fixture.request, url);
	memset(url, '#', sizeof(url) - 1);
	CHECK_TEXT(tn_request_url(fixture.request), "http://auth/verify");
	fixture_finish(&fixture);
}

/* ---- The query ---------------------------------------------------------------------------- */

/* As the edge has it: with bytes that a Worker could not set. */
static const struct tn_request *asked(struct fixture *fixture, const char *target)
{
	return tn_request_first(fixture->exchange, "GET", "a", target, "");
}

static void a_parameter_is_found_and_decoded(void)
{
	static const struct {
		const char *target, *name, *value;
	} cases[] = {
		{ "/", "q", NULL },
		{ "/?", "q", NULL },
		{ "/?", "", NULL },
		{ "/?q=1", "q", "1" },
		{ "/?q=1", "Q", NULL },
		{ "/?q=1", "", NULL },
		{ "/?qq=1", "q", NULL },
		{ "/?q=1", "qq", NULL },
		{ "/?q", "q", "" },
		{ "/?q=", "q", "" },
		{ "/?a=1&q=2&q=3", "q", "2" },
		{ "/?q=a=b", "q", "a=b" },
		{ "/?q=a?b", "q", "a?b" },
		{ "/?=1", "", "1" },
		{ "/?=", "", "" },
		{ "/?&&q=1&&", "q", "1" },
		{ "/?&&", "", NULL },
		{ "/?q=a+b++", "q", "a b  " },
		{ "/?q=%41%6a%6A", "q", "Ajj" },
		{ "/?q=%c3%A9", "q", "\xc3\xa9" },
		{ "/?q=%26%3D%2B%25", "q", "&=+%" },
		{ "/?%71=1", "q", "1" },
		{ "/?a+b=1", "a b", "1" },
		{ "/?a%20b=1", "a b", "1" },
		{ "/?a+b=1", "a+b", NULL },
		{ "/?q=%", "q", "%" },
		{ "/?q=%4", "q", "%4" },
		{ "/?q=%zz", "q", "%zz" },
		{ "/?q=%4z%z4", "q", "%4z%z4" },
		{ "/?q=%%41", "q", "%A" },
		{ "/?q=%&r=41", "q", "%" },
		{ "/?q=%4&1", "q", "%4" },
		{ "/?%=1", "%", "1" },
		{ "/?q=a%00b", "q", "a%00b" },
		{ "/?q%00=1", "q", NULL },
		{ "/?q%00=1", "q%00", "1" },
		{ "/?q=%01%ff", "q", "\x01\xff" },
		{ "/?q=\xe9", "q", "\xe9" },
		{ "/q=1", "q", NULL },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (!CHECK_TEXT(tn_request_query(asked(&fixture, cases[i].target), cases[i].name),
		                cases[i].value))
			printf("%s\n", cases[i].target);
	}
	fixture_finish(&fixture);
}

static void all_parameters_come_in_order(void)
{
	static const struct {
		const char *target, *parameters;
	} cases[] = {
		{ "/", "" },
		{ "/?", "" },
		{ "/?&&&", "" },
		{ "/?a=1", "[a|1]" },
		{ "/?a=1&b=2&a=3", "[a|1][b|2][a|3]" },
		{ "/?a&b=&=c&=&d", "[a|][b|][|c][|][d|]" },
		{ "/?&a=1&&b=2&", "[a|1][b|2]" },
		{ "/?a%26b=c%3Dd&e+f=g=h", "[a&b|c=d][e f|g=h]" },
		{ "/?%=%4&1", "[%|%4][1|]" },
		{ "/?a?b=c", "[a?b|c]" },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct tn_request *request = asked(&fixture, cases[i].target);
		struct tn_parameter p = { 0 };
		char text[200] = "";
		size_t size = 0;

		while (tn_request_query_next(request, &p))
			size += (size_t)snprintf(text + size, sizeof(text) - size, "[%s|%s]",
			                         p.name, p.value);
		CHECK_TEXT(text, cases[i].parameters);
		CU_ASSERT(!tn_request_query_next(request, &p));
	}
	fixture_finish(&fixture);
}

static void parameters_stay_when_the_next_one_comes(void)
{
	struct fixture fixture;
	struct tn_parameter p = { 0 };
	struct tn_parameter first;
	const struct tn_request *request;

	fixture_init(&fixture);
	request = asked(&fixture, "/?one=1&two=2");
	CU_ASSERT(tn_request_query_next(request, &p));
	first = p;
	CU_ASSERT(tn_request_query_next(request, &p));
	CHECK_TEXT(first.name, "one");
	CHECK_TEXT(first.value, "1");
	fixture_finish(&fixture);
}

/* A step goes on from an offset: not beyond the end of a URL that was set meanwhile. */
static void a_url_that_becomes_shorter_ends_the_query(void)
{
	static const char *const urls[] = { "/", "/?", "/?b=2" };
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct tn_parameter p = { 0 };

		CU_ASSERT(tn_request_set_url(fixture.request, "/?aaaaaaaaaaaaaaaaaaaa=1&b=2&c=3"));
		CU_ASSERT(tn_request_query_next(fixture.request, &p));
		CU_ASSERT(tn_request_query_next(fixture.request, &p));
		CU_ASSERT(tn_request_set_url(fixture.request, urls[i]));
		CU_ASSERT(!tn_request_query_next(fixture.request, &p));
	}
	fixture_finish(&fixture);
}

/* ---- Encoding ----------------------------------------------------------------------------- */

static void all_but_the_unreserved_is_encoded(void)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "AZaz09-._~", "AZaz09-._~" },
		{ "a b/c?d=e&f#g+h%", "a%20b%2Fc%3Fd%3De%26f%23g%2Bh%25" },
		{ "\xc3\xa9\xff\x01\x7f", "%C3%A9%FF%01%7F" },
		{ "\r\n", "%0D%0A" },
		{ "'\"<>\\^`{|}", "%27%22%3C%3E%5C%5E%60%7B%7C%7D" },
		{ "!$()*,:;@[]", "%21%24%28%29%2A%2C%3A%3B%40%5B%5D" },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_TEXT(tn_url_encode(fixture.request, cases[i][0]), cases[i][1]);
	fixture_finish(&fixture);
}

static void any_byte_encoded_can_be_set_and_comes_back_decoded(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	for (int byte = 1; byte < 256; byte++) {
		const char text[] = { 'x', (char)byte, 'y', '\0' };
		const char *encoded = tn_url_encode(fixture.request, text);
		const char *url = tn_format(fixture.request, "/?%s=%s", encoded, encoded);

		CU_ASSERT(tn_request_set_url(fixture.request, url));
		CHECK_TEXT(tn_request_query(fixture.request, text), text);
	}
	fixture_finish(&fixture);
}

static void without_memory_nothing_is_decoded_or_encoded(void)
{
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;
	struct tn_parameter p = { 0 };

	limits.request_memory = 8192;
	fixture_init_with(&fixture, &limits);
	fixture_exhaust(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_request_query(fixture.request, "query"));
	CU_ASSERT(!tn_request_query_next(fixture.request, &p));
	CU_ASSERT_PTR_NULL(tn_url_encode(fixture.request, "a"));
	CHECK_NUMBER(capture_lines(capture_end(), "no memory"), 1);
	fixture_finish(&fixture);
}

TEST_MAIN("message/url",
          TEST(a_path_changes_the_target_and_not_the_host),
          TEST(an_absolute_url_changes_scheme_host_and_target),
          TEST(what_the_edge_accepts_can_be_set),
          TEST(urls_that_are_refused_change_nothing),
          TEST(a_long_url_is_refused_with_the_reason),
          TEST(the_url_was_copied),
          TEST(a_parameter_is_found_and_decoded),
          TEST(all_parameters_come_in_order),
          TEST(parameters_stay_when_the_next_one_comes),
          TEST(a_url_that_becomes_shorter_ends_the_query),
          TEST(all_but_the_unreserved_is_encoded),
          TEST(any_byte_encoded_can_be_set_and_comes_back_decoded),
          TEST(without_memory_nothing_is_decoded_or_encoded))
