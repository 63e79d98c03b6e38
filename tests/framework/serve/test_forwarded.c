#include "serve/forwarded.h"

#include "cunit.h"

#include <string.h>

#define FIELDS_MOST 4

struct forwarded_case {
	const char *fields[FIELDS_MOST * 2]; /* name, value, ... */
	const char *address;
	const char *url;
	const char *from; /* NULL: a proxy that is trusted */
};

#define PROXY "10.0.0.1"
#define AS_IT_CAME "http://example.com/a?b"

static struct tn_exchange_pool pool;

static void check_case(const struct forwarded_case *given, const struct tn_forwarding *forwarding)
{
	struct tn_exchange *exchange = tn_exchange_begin(&pool);
	const char *from = given->from ? given->from : PROXY;
	struct tn_request *request = tn_request_first(exchange, "GET", "example.com", "/a?b", from);
	bool fine;

	CU_ASSERT(tn_headers_append(&request->headers, "Host", "example.com"));
	for (size_t i = 0; i < FIELDS_MOST * 2 && given->fields[i]; i += 2)
		CU_ASSERT(tn_headers_append(&request->headers, given->fields[i],
		                            given->fields[i + 1]));
	fine = CHECK_NUMBER(tn_forwarded_read(forwarding, request), !given->from);
	fine = CHECK_TEXT(request->address, given->address) && fine;
	fine = CHECK_TEXT(tn_request_url(request), given->url) && fine;
	fine = CHECK_TEXT(tn_request_header(request, "Host"), request->host) && fine;
	if (!fine)
		printf("\t%s: %s\n", given->fields[0], given->fields[1]);
	tn_exchange_end(&pool, exchange);
}

static void check_cases(const struct forwarded_case *cases, size_t count, bool standard)
{
	struct tn_network trusted[2];
	struct tn_forwarding forwarding = {
		.trusted = trusted, .count = 2, .standard = standard
	};

	CHECK_TEXT(tn_network_parse("10.0.0.0/8", &trusted[0]), NULL);
	CHECK_TEXT(tn_network_parse("2001:db8::/32", &trusted[1]), NULL);
	tn_exchange_pool_init(&pool, &tn_limits_default, 1);
	for (size_t i = 0; i < count; i++)
		check_case(&cases[i], &forwarding);
	tn_exchange_pool_finish(&pool);
}

#define CHECK_CASES(cases_, standard_) \
	check_cases(cases_, sizeof(cases_) / sizeof((cases_)[0]), standard_)
#define FOR "X-Forwarded-For"
#define PROTO "X-Forwarded-Proto"
#define HOST "X-Forwarded-Host"
#define STANDARD "Forwarded"

static void the_last_that_no_trusted_proxy_has_is_the_client(void)
{
	static const struct forwarded_case cases[] = {
		{ { 0 }, PROXY, AS_IT_CAME, NULL },
		{ { FOR, "192.0.2.1" }, "192.0.2.1", AS_IT_CAME, NULL },
		{ { FOR, "192.0.2.1:4711" }, "192.0.2.1", AS_IT_CAME, NULL },
		{ { FOR, "2001:0DB9::0:1" }, "2001:db9::1", AS_IT_CAME, NULL },
		{ { FOR, "[2001:db9::1]:80" }, "2001:db9::1", AS_IT_CAME, NULL },
		{ { FOR, "::ffff:192.0.2.1" }, "192.0.2.1", AS_IT_CAME, NULL },
		/* What a client has made up stands to the left. */
		{ { FOR, "203.0.113.9, 192.0.2.1" }, "192.0.2.1", AS_IT_CAME, NULL },
		{ { FOR, "203.0.113.9", FOR, "192.0.2.1" }, "192.0.2.1", AS_IT_CAME, NULL },
		{ { FOR, "10.0.0.5, 192.0.2.1" }, "192.0.2.1", AS_IT_CAME, NULL },
		/* Proxies behind one another. */
		{ { FOR, "192.0.2.1, 10.0.0.2" }, "192.0.2.1", AS_IT_CAME, NULL },
		{ { FOR, "192.0.2.1,2001:db8::7 ,10.0.0.2" }, "192.0.2.1", AS_IT_CAME, NULL },
		{ { FOR, "10.0.0.3, 10.0.0.2" }, "10.0.0.3", AS_IT_CAME, NULL },
	};

	CHECK_CASES(cases, false);
}

static void what_is_no_address_ends_the_search(void)
{
	static const struct forwarded_case cases[] = {
		{ { FOR, "" }, PROXY, AS_IT_CAME, NULL },
		{ { FOR, "unknown" }, PROXY, AS_IT_CAME, NULL },
		{ { FOR, "192.0.2.1, unknown" }, PROXY, AS_IT_CAME, NULL },
		{ { FOR, "192.0.2.1, unknown, 10.0.0.2" }, "10.0.0.2", AS_IT_CAME, NULL },
		{ { FOR, "192.0.2.1," }, PROXY, AS_IT_CAME, NULL },
		{ { FOR, "[::1" }, PROXY, AS_IT_CAME, NULL },
		{ { FOR, "[::1]x" }, PROXY, AS_IT_CAME, NULL },
		{ { FOR, "192.0.2.1.5" }, PROXY, AS_IT_CAME, NULL },
		{ { FOR, "\"192.0.2.1" }, PROXY, AS_IT_CAME, NULL },
	};

	CHECK_CASES(cases, false);
}

static void scheme_and_host_are_the_nearest_proxys(void)
{
	static const struct forwarded_case cases[] = {
		{ { PROTO, "https" }, PROXY, "https://example.com/a?b", NULL },
		{ { PROTO, "HTTPS" }, PROXY, "https://example.com/a?b", NULL },
		{ { PROTO, "http, https" }, PROXY, "https://example.com/a?b", NULL },
		{ { PROTO, "https, http" }, PROXY, AS_IT_CAME, NULL },
		{ { PROTO, "javascript" }, PROXY, AS_IT_CAME, NULL },
		{ { HOST, "example.org:8443" }, PROXY, "http://example.org:8443/a?b", NULL },
		{ { HOST, "evil, www.example.org" }, PROXY, "http://www.example.org/a?b", NULL },
		{ { HOST, "a/b" }, PROXY, AS_IT_CAME, NULL },
		{ { HOST, "u@b" }, PROXY, AS_IT_CAME, NULL },
		{ { HOST, "" }, PROXY, AS_IT_CAME, NULL },
		{ { FOR, "192.0.2.1", PROTO, "https", HOST, "h" },
		  "192.0.2.1",
		  "https://h/a?b",
		  NULL },
		{ { STANDARD, "for=192.0.2.1;proto=https" }, PROXY, AS_IT_CAME, NULL },
	};

	CHECK_CASES(cases, false);
}

static void nobody_else_is_believed(void)
{
	static const struct forwarded_case cases[] = {
		{ { FOR, "192.0.2.1", PROTO, "https", HOST, "h" },
		  "11.0.0.1",
		  AS_IT_CAME,
		  "11.0.0.1" },
		{ { FOR, "192.0.2.1" }, "", AS_IT_CAME, "" },
		{ { FOR, "192.0.2.1" }, "2001:db9::1", AS_IT_CAME, "2001:db9::1" },
	};

	CHECK_CASES(cases, false);
}

static void the_standard_field_is_read(void)
{
	static const struct forwarded_case cases[] = {
		{ { STANDARD, "for=192.0.2.1" }, "192.0.2.1", AS_IT_CAME, NULL },
		{ { STANDARD, "For=\"[2001:db9::1]:4711\"" }, "2001:db9::1", AS_IT_CAME, NULL },
		{ { STANDARD, "for=192.0.2.43, for=198.51.100.17" },
		  "198.51.100.17",
		  AS_IT_CAME,
		  NULL },
		{ { STANDARD, "for=192.0.2.43, for=10.0.0.2" }, "192.0.2.43", AS_IT_CAME, NULL },
		{ { STANDARD, "for=192.0.2.1;proto=https;host=h;by=10.0.0.1" },
		  "192.0.2.1",
		  "https://h/a?b",
		  NULL },
		/* What the outer proxy saw is what the client asked for. */
		{ { STANDARD, "for=192.0.2.1;proto=https;host=h, for=10.0.0.2;proto=http;host=i" },
		  "192.0.2.1",
		  "https://h/a?b",
		  NULL },
		{ { STANDARD, "for=1.1.1.1;host=evil, for=192.0.2.1;host=h" },
		  "192.0.2.1",
		  "http://h/a?b",
		  NULL },
		/* Separators in quotes are none. */
		{ { STANDARD, "for=192.0.2.1;ext=\"a, for=1.1.1.1;\\\"\"" },
		  "192.0.2.1",
		  AS_IT_CAME,
		  NULL },
		{ { STANDARD, "for=_hidden;proto=https" }, PROXY, "https://example.com/a?b", NULL },
		{ { STANDARD, "for=192.0.2.1, nonsense" }, PROXY, AS_IT_CAME, NULL },
		{ { STANDARD, "" }, PROXY, AS_IT_CAME, NULL },
		{ { STANDARD, ",;=" }, PROXY, AS_IT_CAME, NULL },
		{ { FOR, "192.0.2.1", PROTO, "https" }, PROXY, AS_IT_CAME, NULL },
	};

	CHECK_CASES(cases, true);
}

/* It would be a look at the whole list for each of its items. */
static void a_list_without_an_end_is_left(void)
{
	static char list[16 * 1024];
	struct forwarded_case given = { { FOR, list }, "10.0.0.2", AS_IT_CAME, NULL };

	for (size_t i = 0; i + 10 < sizeof(list); i += 9)
		memcpy(list + i, "10.0.0.2,", 10);
	list[strlen(list) - 1] = '\0';
	check_cases(&given, 1, false);
}

TEST_MAIN("framework/serve/forwarded",
          TEST(the_last_that_no_trusted_proxy_has_is_the_client),
          TEST(what_is_no_address_ends_the_search),
          TEST(scheme_and_host_are_the_nearest_proxys),
          TEST(nobody_else_is_believed),
          TEST(the_standard_field_is_read),
          TEST(a_list_without_an_end_is_left))
