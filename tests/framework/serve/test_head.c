#include "cunit.h"
#include "message/exchange.h"
#include "serve/head.h"

#define FIELDS_MOST 4

struct head_case {
	const char *method;
	const char *target;
	const char *fields[FIELDS_MOST * 2]; /* name, value, ... */
	int status;
	const char *host; /* of the request, where the status is 0 */
	const char *path;
	bool has_body;
};

static struct tn_exchange_pool pool;

static int read_case(const struct head_case *given, struct tn_exchange *exchange,
                     struct tn_head *head)
{
	head->request = tn_request_first(exchange, given->method, "", "/", "127.0.0.1");
	head->target = given->target;
	for (size_t i = 0; i < FIELDS_MOST * 2 && given->fields[i]; i += 2)
		CU_ASSERT(tn_headers_append(&head->request->headers, given->fields[i],
		                            given->fields[i + 1]));
	return tn_head_read(head);
}

static void check_case(const struct head_case *given)
{
	struct tn_exchange *exchange = tn_exchange_begin(&pool);
	struct tn_head head = { 0 };

	CHECK_NUMBER(read_case(given, exchange, &head), given->status);
	if (!given->status) {
		CHECK_TEXT(head.request->host, given->host);
		CHECK_TEXT(head.request->target, given->path);
		CHECK_TEXT(exchange->target, given->path);
		CHECK_NUMBER(head.has_body, given->has_body);
	}
	tn_exchange_end(&pool, exchange);
}

static void check_cases(const struct head_case *cases, size_t count)
{
	tn_exchange_pool_init(&pool, &tn_limits_default, 1);
	for (size_t i = 0; i < count; i++)
		check_case(&cases[i]);
	tn_exchange_pool_finish(&pool);
}

#define CHECK_CASES(cases_) check_cases(cases_, sizeof(cases_) / sizeof((cases_)[0]))
#define LENGTH "Content-Length"
#define CODING "Transfer-Encoding"

static void finds_host_and_target(void)
{
	static const struct head_case cases[] = {
		{ "GET", "/a?b=c", { "Host", "x.org" }, 0, "x.org", "/a?b=c", false },
		{ "GET", "/", { "host", "x.org:81" }, 0, "x.org:81", "/", false },
		{ "GET", "/", { "Host", "" }, 0, "", "/", false },
		{ "GET", "/", { "Host", "[::1]:80" }, 0, "[::1]:80", "/", false },
		{ "GET", "/", { NULL }, 0, "", "/", false },
		{ "OPTIONS", "*", { "Host", "x.org" }, 0, "x.org", "*", false },
	};

	CHECK_CASES(cases);
}

static void an_absolute_target_names_the_host(void)
{
	static const struct head_case cases[] = {
		{ "GET", "http://a.org/p", { "Host", "b.org" }, 0, "a.org", "/p", false },
		{ "GET", "HTTP://a.org:8/p", { "Host", "b" }, 0, "a.org:8", "/p", false },
		{ "GET", "http://a.org", { "Host", "b.org" }, 0, "a.org", "/", false },
		{ "GET", "http://a.org?q", { "Host", "b.org" }, 0, "a.org", "/?q", false },
		{ "GET", "http:///p", { "Host", "b.org" }, 400, NULL, NULL, false },
		{ "GET", "http://u@a.org/", { "Host", "b.org" }, 400, NULL, NULL, false },
		{ "GET", "https://a.org/", { "Host", "b.org" }, 400, NULL, NULL, false },
	};

	CHECK_CASES(cases);
}

/* The route, the Worker and the log all have the one that is left. */
static void a_target_is_normalised(void)
{
	static const struct head_case cases[] = {
		{ "GET", "/a/..//%62?c=/..", { "Host", "x" }, 0, "x", "/b?c=/..", false },
		{ "GET", "http://x/%2e/a", { "Host", "x" }, 0, "x", "/a", false },
		{ "GET", "/%2e%2e/a", { "Host", "x" }, 400, NULL, NULL, false },
		{ "GET", "/a%00", { "Host", "x" }, 400, NULL, NULL, false },
	};

	CHECK_CASES(cases);
}

static void refuses_other_targets_and_methods(void)
{
	static const struct head_case cases[] = {
		{ "GET", "*", { "Host", "x" }, 400, NULL, NULL, false },
		{ "GET", "a", { "Host", "x" }, 400, NULL, NULL, false },
		{ "GET", "", { "Host", "x" }, 400, NULL, NULL, false },
		{ "GET", NULL, { "Host", "x" }, 400, NULL, NULL, false },
		{ "GET", "/a#b", { "Host", "x" }, 400, NULL, NULL, false },
		{ "GET", "/a\tb", { "Host", "x" }, 400, NULL, NULL, false },
		{ "GET", "/\xc3\xa9", { "Host", "x" }, 400, NULL, NULL, false },
		{ "TRACE", "/", { "Host", "x" }, 501, NULL, NULL, false },
	};

	CHECK_CASES(cases);
}

static void check_length(const char *name, const char *value, uint64_t length)
{
	const struct head_case given = { .method = "PUT",
		                         .target = "/",
		                         .fields = { "Host", "a", name, value } };
	struct tn_exchange *exchange;
	struct tn_head head = { 0 };

	tn_exchange_pool_init(&pool, &tn_limits_default, 1);
	exchange = tn_exchange_begin(&pool);
	CHECK_NUMBER(read_case(&given, exchange, &head), 0);
	CHECK_NUMBER(head.length, length);
	tn_exchange_end(&pool, exchange);
	tn_exchange_pool_finish(&pool);
}

static void tells_how_long_the_body_is(void)
{
	check_length(LENGTH, "0", 0);
	check_length(LENGTH, "5368709120", (uint64_t)5 << 30);
	check_length(LENGTH, "9223372036854775807", INT64_MAX);
	check_length(CODING, "chunked", UINT64_MAX);
	check_length("X-Other", "1", 0);
}

/* The Worker sees one host, whatever the client wrote where. */
static void an_absolute_target_replaces_the_host_field(void)
{
	static const struct head_case given = {
		"GET", "http://a.org/", { "Host", "b.org" }, 0, "a.org", "/", false
	};
	struct tn_exchange *exchange;
	struct tn_head head = { 0 };

	tn_exchange_pool_init(&pool, &tn_limits_default, 1);
	exchange = tn_exchange_begin(&pool);
	CHECK_NUMBER(read_case(&given, exchange, &head), 0);
	CHECK_TEXT(tn_request_header(head.request, "host"), "a.org");
	CHECK_TEXT(tn_request_url(head.request), "http://a.org/");
	tn_exchange_end(&pool, exchange);
	tn_exchange_pool_finish(&pool);
}

TEST_MAIN("serve/head",
          TEST(finds_host_and_target),
          TEST(an_absolute_target_names_the_host),
          TEST(a_target_is_normalised),
          TEST(refuses_other_targets_and_methods),
          TEST(tells_how_long_the_body_is),
          TEST(an_absolute_target_replaces_the_host_field))
