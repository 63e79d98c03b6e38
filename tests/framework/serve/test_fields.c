#include "serve/fields.h"

#include "cunit.h"
#include "message/request.h"

#include <string.h>

#define FIELDS_MOST 8

struct fields_case {
	const char *fields[FIELDS_MOST * 2]; /* name, value, ... */
	const char *left;                    /* the names of those that stay, each with a blank */
	enum tn_fields_kept kept;
};

static struct tn_exchange_pool pool;

static void check_case(const struct fields_case *given)
{
	struct tn_exchange *exchange = tn_exchange_begin(&pool);
	struct tn_request *request = tn_request_first(exchange, "GET", "h", "/", "127.0.0.1");
	char left[256] = "";

	for (size_t i = 0; i < FIELDS_MOST * 2 && given->fields[i]; i += 2)
		CU_ASSERT(tn_headers_append(&request->headers, given->fields[i],
		                            given->fields[i + 1]));
	tn_fields_strip(&request->headers, given->kept);
	for (size_t i = 0; i < tn_headers_count(&request->headers); i++)
		snprintf(left + strlen(left), sizeof(left) - strlen(left), "%s ",
		         tn_headers_field(&request->headers, i)->name);
	CHECK_TEXT(left, given->left);
	tn_exchange_end(&pool, exchange);
}

static void check_cases(const struct fields_case *cases, size_t count)
{
	tn_exchange_pool_init(&pool, &tn_limits_default, 1);
	for (size_t i = 0; i < count; i++)
		check_case(&cases[i]);
	tn_exchange_pool_finish(&pool);
}

#define CHECK_CASES(cases_) check_cases(cases_, sizeof(cases_) / sizeof((cases_)[0]))

static void what_is_of_the_connection_goes(void)
{
	static const struct fields_case cases[] = {
		{ { 0 }, "", TN_FIELDS_NONE },
		{ { "Host", "h", "Accept", "*/*", "Content-Length", "0" },
		  "Host Accept Content-Length ",
		  TN_FIELDS_NONE },
		{ { "Connection", "keep-alive", "Keep-Alive", "timeout=5", "Host", "h" },
		  "Host ",
		  TN_FIELDS_NONE },
		{ { "TE", "trailers", "a", "1", "TRAILER", "x", "b", "2", "transfer-encoding",
		    "chunked" },
		  "a b ",
		  TN_FIELDS_NONE },
		{ { "Upgrade", "h2c", "Proxy-Connection", "close", "Connection", "close" },
		  "",
		  TN_FIELDS_NONE },
		{ { "Tea", "1", "Trailers", "2", "Connections", "3", "Upgrades", "4" },
		  "Tea Trailers Connections Upgrades ",
		  TN_FIELDS_NONE },
	};

	CHECK_CASES(cases);
}

static void what_connection_names_goes(void)
{
	static const struct fields_case cases[] = {
		{ { "Connection", "x-hop", "X-Hop", "1", "X-Stay", "2" },
		  "X-Stay ",
		  TN_FIELDS_NONE },
		{ { "X-Hop", "1", "Connection", "close , X-HOP,", "X-Ho", "2" },
		  "X-Ho ",
		  TN_FIELDS_NONE },
		{ { "x", "1", "Connection", "x", "y", "2", "Connection", "y", "z", "3" },
		  "z ",
		  TN_FIELDS_NONE },
		{ { "Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c", "HTTP2-Settings",
		    "x" },
		  "",
		  TN_FIELDS_NONE },
		/* Nobody takes away by it what a decision rests on. */
		{ { "Connection", "Host, Cookie, Authorization, Content-Length", "Host", "h",
		    "Cookie", "a", "Authorization", "b", "Content-Length", "0" },
		  "Host Cookie Authorization Content-Length ",
		  TN_FIELDS_NONE },
		{ { "Connection", "X-Forwarded-For, X-Real-IP", "X-Forwarded-For", "a", "X-Real-IP",
		    "b" },
		  "X-Forwarded-For ",
		  TN_FIELDS_X },
	};

	CHECK_CASES(cases);
}

static void what_nobody_trusted_has_said_goes(void)
{
	static const char *const fields[] = { "Forwarded", "X-Forwarded-For", "x-forwarded-host",
		                              "X-Forwarded-Proto", "x-forwarded-any",
		                              "X-Forwarded-Port", "X-Real-IP", "X-Forward" };
	static const char *const left[] = {
		[TN_FIELDS_NONE] = "X-Forward ",
		[TN_FIELDS_X] = "X-Forwarded-For x-forwarded-host X-Forwarded-Proto X-Forward ",
		[TN_FIELDS_STANDARD] = "Forwarded X-Forward ",
	};
	struct fields_case given = { 0 };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		given.fields[2 * i] = fields[i];
		given.fields[2 * i + 1] = "x";
	}
	for (unsigned kept = TN_FIELDS_NONE; kept <= TN_FIELDS_STANDARD; kept++) {
		given.kept = (enum tn_fields_kept)kept;
		given.left = left[kept];
		check_cases(&given, 1);
	}
}

TEST_MAIN("framework/serve/fields",
          TEST(what_is_of_the_connection_goes),
          TEST(what_connection_names_goes),
          TEST(what_nobody_trusted_has_said_goes))
