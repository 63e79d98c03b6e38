#include "message/request.h"

#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"

#include <string.h>

#define COUNT(array_) (sizeof(array_) / sizeof((array_)[0]))

static void what_the_edge_gave_is_what_a_worker_reads(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	CHECK_TEXT(tn_request_method(fixture.request), "GET");
	CHECK_TEXT(tn_request_url(fixture.request), "http://example.com/path?query");
	CHECK_TEXT(tn_request_target(fixture.request), "/path?query");
	CHECK_TEXT(tn_request_path(fixture.request), "/path");
	CHECK_TEXT(tn_request_address(fixture.request), "192.0.2.1");
	CHECK_TEXT(tn_request_id(fixture.request), tn_exchange_id(fixture.exchange));
	CHECK_TEXT(tn_request_body(fixture.request).data, "");
	CHECK_NUMBER(tn_request_body(fixture.request).size, 0);
	CHECK_TEXT(tn_request_header(fixture.request, "host"), NULL);
	fixture_finish(&fixture);
}

static void url_target_and_path_belong_together(void)
{
	static const struct {
		const char *host, *target, *url, *path;
	} cases[] = {
		{ "a", "/", "http://a/", "/" },
		{ "a:8080", "/x", "http://a:8080/x", "/x" },
		{ "[::1]:80", "/x?", "http://[::1]:80/x?", "/x" },
		{ "a", "/x?y?z", "http://a/x?y?z", "/x" },
		{ "a", "/%2Fx%20", "http://a/%2Fx%20", "/%2Fx%20" },
		{ "a", "//b/c", "http://a//b/c", "//b/c" },
		{ "a", "/?q", "http://a/?q", "/" },
		{ "a:1", "*", "http://a:1", "*" },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tn_request *request = tn_request_first(fixture.exchange, "OPTIONS",
		                                              cases[i].host, cases[i].target, "");

		CHECK_TEXT(tn_request_url(request), cases[i].url);
		CHECK_TEXT(tn_request_path(request), cases[i].path);
		CHECK_TEXT(tn_request_target(request), cases[i].target);
	}
	fixture_finish(&fixture);
}

/* ---- Clones ------------------------------------------------------------------------------- */

static void check_as_made(const struct tn_request *request)
{
	CHECK_TEXT(tn_request_method(request), "GET");
	CHECK_TEXT(tn_request_url(request), "http://example.com/path?query");
	CHECK_TEXT(tn_request_header(request, "x"), "1");
	CHECK_TEXT(tn_request_header(request, "new"), NULL);
	CHECK_TEXT(tn_request_body(request).data, "body");
}

static void change_all(struct tn_request *request)
{
	CU_ASSERT(tn_request_set_method(request, "POST"));
	CU_ASSERT(tn_request_set_url(request, "https://other:1/changed"));
	CU_ASSERT(tn_request_set_header(request, "x", "2"));
	CU_ASSERT(tn_request_set_header(request, "new", "2"));
	CU_ASSERT(tn_request_set_body(request, "changed", 7));
}

static void check_changed(const struct tn_request *request)
{
	CHECK_TEXT(tn_request_method(request), "POST");
	CHECK_TEXT(tn_request_url(request), "https://other:1/changed");
	CHECK_TEXT(tn_request_header(request, "x"), "2");
	CHECK_TEXT(tn_request_header(request, "new"), "2");
	CHECK_TEXT(tn_request_header(request, "host"), "other:1");
	CHECK_TEXT(tn_request_body(request).data, "changed");
}

static void a_clone_is_as_its_original_and_shares_the_body(void)
{
	struct fixture fixture;
	struct tn_request *clone;

	fixture_init(&fixture);
	tn_request_set_header(fixture.request, "x", "1");
	tn_request_set_body(fixture.request, "body", 4);
	clone = tn_request_clone(fixture.request);
	CU_ASSERT_PTR_NOT_EQUAL(clone, fixture.request);
	check_as_made(clone);
	check_as_made(fixture.request);
	CU_ASSERT_PTR_EQUAL(tn_request_body(clone).data, tn_request_body(fixture.request).data);
	CHECK_TEXT(tn_request_id(clone), tn_request_id(fixture.request));
	CHECK_TEXT(tn_request_address(clone), "192.0.2.1");
	fixture_finish(&fixture);
}

static void a_clone_that_is_changed_leaves_the_original(void)
{
	struct fixture fixture;
	struct tn_request *clone;

	fixture_init(&fixture);
	tn_request_set_header(fixture.request, "x", "1");
	tn_request_set_body(fixture.request, "body", 4);
	clone = tn_request_clone(fixture.request);
	change_all(clone);
	check_changed(clone);
	check_as_made(fixture.request);
	CHECK_TEXT(tn_request_header(fixture.request, "host"), NULL);
	fixture_finish(&fixture);
}

static void an_original_that_is_changed_leaves_its_clones(void)
{
	struct fixture fixture;
	struct tn_request *clone, *second;

	fixture_init(&fixture);
	tn_request_set_header(fixture.request, "x", "1");
	tn_request_set_body(fixture.request, "body", 4);
	clone = tn_request_clone(fixture.request);
	second = tn_request_clone(clone);
	change_all(fixture.request);
	check_changed(fixture.request);
	check_as_made(clone);
	check_as_made(second);
	change_all(second);
	check_as_made(clone);
	fixture_finish(&fixture);
}

/* ---- New requests ------------------------------------------------------------------------- */

static void a_new_request_inherits_host_address_and_id_alone(void)
{
	struct fixture fixture;
	struct tn_request *request;

	fixture_init(&fixture);
	tn_request_set_header(fixture.request, "host", "example.com");
	tn_request_set_header(fixture.request, "authorization", "secret");
	tn_request_set_body(fixture.request, "body", 4);
	request = tn_request_new(fixture.request, "POST", "/verify?user=1");
	CHECK_TEXT(tn_request_method(request), "POST");
	CHECK_TEXT(tn_request_url(request), "http://example.com/verify?user=1");
	CHECK_TEXT(tn_request_address(request), "192.0.2.1");
	CHECK_TEXT(tn_request_id(request), tn_request_id(fixture.request));
	CHECK_TEXT(tn_request_header(request, "host"), "example.com");
	CHECK_NUMBER(tn_headers_count(tn_request_headers(request)), 1);
	CHECK_NUMBER(tn_request_body(request).size, 0);
	CHECK_TEXT(tn_request_body(request).data, "");
	CHECK_TEXT(tn_request_method(fixture.request), "GET");
	CHECK_TEXT(tn_request_target(fixture.request), "/path?query");
	fixture_finish(&fixture);
}

static void a_new_request_with_an_absolute_url_has_its_host(void)
{
	struct fixture fixture;
	struct tn_request *request;

	fixture_init(&fixture);
	request = tn_request_new(fixture.request, "GET", "https://auth:8443/verify");
	CHECK_TEXT(tn_request_url(request), "https://auth:8443/verify");
	CHECK_TEXT(tn_request_header(request, "host"), "auth:8443");
	CHECK_NUMBER(tn_headers_count(tn_request_headers(request)), 1);
	request = tn_request_new(request, "GET", "/again");
	CHECK_TEXT(tn_request_url(request), "https://auth:8443/again");
	CHECK_TEXT(tn_request_header(request, "host"), "auth:8443");
	fixture_finish(&fixture);
}

static void without_a_host_there_is_no_host_to_inherit(void)
{
	struct fixture fixture;
	struct tn_request *request;

	fixture_init(&fixture);
	request = tn_request_first(fixture.exchange, "GET", "", "/", "192.0.2.1");
	request = tn_request_new(request, "GET", "/x");
	CU_ASSERT_PTR_NOT_NULL_FATAL(request);
	CHECK_NUMBER(tn_headers_count(tn_request_headers(request)), 0);
	fixture_finish(&fixture);
}

static void a_new_request_with_a_bad_part_is_none(void)
{
	struct fixture fixture;
	const char *log;

	fixture_init(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_request_new(fixture.request, "GE T", "/"));
	CU_ASSERT_PTR_NULL(tn_request_new(fixture.request, "CONNECT", "/"));
	CU_ASSERT_PTR_NULL(tn_request_new(fixture.request, "GET", "verify"));
	CU_ASSERT_PTR_NULL(tn_request_new(fixture.request, "GET", "/a b"));
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 4);
	CHECK_NUMBER(capture_lines(log, "method 'GE T' refused"), 1);
	CHECK_NUMBER(capture_lines(log, "method 'CONNECT' refused"), 1);
	CHECK_NUMBER(capture_lines(log, "URL 'verify' refused"), 1);
	CHECK_NUMBER(capture_lines(log, "URL '/a b' refused"), 1);
	fixture_finish(&fixture);
}

/* ---- The method --------------------------------------------------------------------------- */

static void methods_are_normalised_as_browsers_do(void)
{
	static const char *const cases[][2] = {
		{ "get", "GET" },
		{ "Post", "POST" },
		{ "PUT", "PUT" },
		{ "dElEtE", "DELETE" },
		{ "head", "HEAD" },
		{ "options", "OPTIONS" },
		{ "patch", "patch" },
		{ "PATCH", "PATCH" },
		{ "PROPFIND", "PROPFIND" },
		{ "getx", "getx" },
		{ "x-!#$%", "x-!#$%" },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	for (size_t i = 0; i < COUNT(cases); i++) {
		CU_ASSERT(tn_request_set_method(fixture.request, cases[i][0]));
		CHECK_TEXT(tn_request_method(fixture.request), cases[i][1]);
	}
	fixture_finish(&fixture);
}

static void methods_that_are_refused_leave_the_old_one(void)
{
	static const char *const refused[] = {
		"",
		" GET",
		"GET ",
		"G@T",
		"G\tT",
		"GET\r\nX: y",
		"G\xc3\xa9T",
		"TRACE",
		"connect",
		"Track",
		"trace",
		"TRACK",
		"CONNECT",
		"G:T",
	};
	struct fixture fixture;

	fixture_init(&fixture);
	CU_ASSERT(tn_request_set_method(fixture.request, "PATCH"));
	capture_begin();
	for (size_t i = 0; i < COUNT(refused); i++) {
		CU_ASSERT(!tn_request_set_method(fixture.request, refused[i]));
		CHECK_TEXT(tn_request_method(fixture.request), "PATCH");
	}
	CHECK_NUMBER(capture_lines(capture_end(), "refused: "), COUNT(refused));
	fixture_finish(&fixture);
}

static void the_method_was_copied(void)
{
	char method[] = "PATCH";
	struct fixture fixture;
	const char *before;

	fixture_init(&fixture);
	tn_request_set_method(fixture.request, method);
	method[0] = '#';
	before = tn_request_method(fixture.request);
	tn_request_set_method(fixture.request, "PROPFIND");
	CHECK_TEXT(before, "PATCH");
	fixture_finish(&fixture);
}

/* ---- Headers and body, in short: their own tests have more -------------------------------- */

static void a_header_that_is_set_shows_in_the_handle(void)
{
	struct fixture fixture;
	struct tn_headers *headers;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	CU_ASSERT(tn_request_set_header(fixture.request, "a", "1"));
	CHECK_TEXT(tn_headers_get(headers, "a"), "1");
	CU_ASSERT(tn_headers_append(headers, "a", "2"));
	CHECK_TEXT(tn_request_header(fixture.request, "a"), "1, 2");
	CU_ASSERT(tn_request_set_header(fixture.request, "a", NULL));
	CU_ASSERT(!tn_headers_has(headers, "a"));
	fixture_finish(&fixture);
}

static void strings_stay_when_the_request_changes(void)
{
	struct fixture fixture;
	const char *url, *path, *target, *body;

	fixture_init(&fixture);
	tn_request_set_url(fixture.request, "http://before:1/before?q");
	tn_request_set_body(fixture.request, "before", 6);
	url = tn_request_url(fixture.request);
	path = tn_request_path(fixture.request);
	target = tn_request_target(fixture.request);
	body = tn_request_body(fixture.request).data;
	change_all(fixture.request);
	CHECK_TEXT(url, "http://before:1/before?q");
	CHECK_TEXT(path, "/before");
	CHECK_TEXT(target, "/before?q");
	CHECK_TEXT(body, "before");
	fixture_finish(&fixture);
}

static void without_memory_there_is_no_request_and_no_change(void)
{
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;

	limits.request_memory = 8192;
	fixture_init_with(&fixture, &limits);
	fixture_exhaust(&fixture);
	capture_begin();
	CU_ASSERT_PTR_NULL(tn_request_first(fixture.exchange, "GET", "a", "/", ""));
	CU_ASSERT_PTR_NULL(tn_request_clone(fixture.request));
	CU_ASSERT_PTR_NULL(tn_request_new(fixture.request, "GET", "/"));
	CU_ASSERT_PTR_NULL(tn_request_url(fixture.request));
	CU_ASSERT_PTR_NULL(tn_request_path(fixture.request));
	CU_ASSERT(!tn_request_set_method(fixture.request, "PATCH"));
	CU_ASSERT(!tn_request_set_url(fixture.request, "/x"));
	CU_ASSERT(!tn_request_set_url(fixture.request, "http://x/"));
	CU_ASSERT(!tn_request_set_body(fixture.request, "x", 1));
	CHECK_NUMBER(capture_lines(capture_end(), ""), 1);
	CHECK_TEXT(tn_request_method(fixture.request), "GET");
	CHECK_TEXT(tn_request_target(fixture.request), "/path?query");
	CHECK_TEXT(fixture.request->host, "example.com");
	CHECK_NUMBER(tn_request_body(fixture.request).size, 0);
	fixture_finish(&fixture);
}

/* What the client said of its own body would be a lie about this one. */
static void another_body_drops_the_fields_that_framed_the_first(void)
{
	struct fixture fixture;

	fixture_init(&fixture);
	tn_request_set_header(fixture.request, "Content-Length", "5");
	tn_request_set_header(fixture.request, "Transfer-Encoding", "chunked");
	tn_request_set_header(fixture.request, "Content-Type", "text/plain");
	CU_ASSERT(tn_request_set_body(fixture.request, "x", 1));
	CU_ASSERT_PTR_NULL(tn_request_header(fixture.request, "content-length"));
	CU_ASSERT_PTR_NULL(tn_request_header(fixture.request, "transfer-encoding"));
	CHECK_TEXT(tn_request_header(fixture.request, "content-type"), "text/plain");
	fixture_finish(&fixture);
}

TEST_MAIN("message/request",
          TEST(another_body_drops_the_fields_that_framed_the_first),
          TEST(what_the_edge_gave_is_what_a_worker_reads),
          TEST(url_target_and_path_belong_together),
          TEST(a_clone_is_as_its_original_and_shares_the_body),
          TEST(a_clone_that_is_changed_leaves_the_original),
          TEST(an_original_that_is_changed_leaves_its_clones),
          TEST(a_new_request_inherits_host_address_and_id_alone),
          TEST(a_new_request_with_an_absolute_url_has_its_host),
          TEST(without_a_host_there_is_no_host_to_inherit),
          TEST(a_new_request_with_a_bad_part_is_none),
          TEST(methods_are_normalised_as_browsers_do),
          TEST(methods_that_are_refused_leave_the_old_one),
          TEST(the_method_was_copied),
          TEST(a_header_that_is_set_shows_in_the_handle),
          TEST(strings_stay_when_the_request_changes),
          TEST(without_memory_there_is_no_request_and_no_change))
