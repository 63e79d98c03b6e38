#include "message/url.h"
#include "serve/target.h"

#include "cunit.h"

static void check(const char *text, const char *method, const char *host, const char *rest)
{
	struct tn_target target;

	if (!tn_target_parse(text, method, &target)) {
		printf("\trefused: '%s'\n", text);
		CU_FAIL("refused");
		return;
	}
	CHECK_TEXT(target.path_and_query, rest);
	CHECK_NUMBER(target.host_size, strlen(host));
	CU_ASSERT(!*host == !target.host);
	CU_ASSERT(!*host || memcmp(target.host, host, strlen(host)) == 0);
}

static void refuse(const char *text, const char *method)
{
	struct tn_target target;

	if (!tn_target_parse(text, method, &target))
		return;
	printf("\taccepted: '%s'\n", text);
	CU_FAIL("accepted");
}

static void the_origin_form_is_taken_as_it_is(void)
{
	check("/", "GET", "", "/");
	check("/a/../%2e%2E//b?c=d?e", "GET", "", "/a/../%2e%2E//b?c=d?e");
	check("//example.com/", "GET", "", "//example.com/");
	check("/http://example.com/", "GET", "", "/http://example.com/");
	check("/*", "GET", "", "/*");
}

static void the_absolute_form_names_the_host(void)
{
	check("http://example.com/a?b", "GET", "example.com", "/a?b");
	check("HTTP://example.com:8080/", "GET", "example.com:8080", "/");
	check("http://[::1]:80/", "GET", "[::1]:80", "/");
	check("http://example.com", "GET", "example.com", "");
	check("http://example.com?b=/c", "GET", "example.com", "?b=/c");
}

static void an_absolute_form_without_a_good_host_is_refused(void)
{
	refuse("http://", "GET");
	refuse("http:///a", "GET");
	refuse("http://?a", "GET");
	refuse("http://user@example.com/", "GET");
	refuse("http://exa\\mple.com/", "GET");
}

static void other_schemes_and_forms_are_refused(void)
{
	refuse("https://example.com/", "GET");
	refuse("ftp://example.com/", "GET");
	refuse("http:/example.com/", "GET");
	refuse("example.com:443", "CONNECT");
	refuse("a", "GET");
	refuse("", "GET");
	refuse("?a=b", "GET");
}

static void a_star_is_for_options_alone(void)
{
	check("*", "OPTIONS", "", "*");
	refuse("*", "GET");
	refuse("*", "options");
	refuse("**", "OPTIONS");
	refuse("*/", "OPTIONS");
}

static void bytes_that_have_to_be_encoded_are_refused(void)
{
	refuse("/a b", "GET");
	refuse("/a\tb", "GET");
	refuse("/a\rb", "GET");
	refuse("/a\nb", "GET");
	refuse("/a\x7f", "GET");
	refuse("/caf\xc3\xa9", "GET");
	refuse("/a#b", "GET");
	refuse("http://example.com/#", "GET");
	check("/!\"$&'()+,-.:;<=>@[\\]^_`{|}~", "GET", "", "/!\"$&'()+,-.:;<=>@[\\]^_`{|}~");
}

static void check_normal(const char *text, const char *normal)
{
	struct tn_exchange_pool pool;
	struct tn_exchange *exchange;

	tn_exchange_pool_init(&pool, &tn_limits_default, 1);
	exchange = tn_exchange_begin(&pool);
	CHECK_TEXT(tn_target_normal(exchange, text), normal);
	tn_exchange_end(&pool, exchange);
	tn_exchange_pool_finish(&pool);
}

static void the_normal_form_is_the_paths(void)
{
	check_normal("/", "/");
	check_normal("/a?b=/../c", "/a?b=/../c");
	check_normal("/a/../%62//c%2f", "/b/c%2F");
	check_normal("/{}?{}", "/%7B%7D?%7B%7D");
	check_normal("", "/");
	check_normal("?a", "/?a");
	check_normal("*", "*");
	check_normal("/..", NULL);
	check_normal("/%zz", NULL);
	check_normal("/?%00", NULL);
}

static void a_normal_target_costs_no_memory(void)
{
	const char *text = "/a/b.c?d=%2e%2e/e";

	CU_ASSERT(tn_target_normal(NULL, text) == text);
}

static bool host_valid(const char *text)
{
	return tn_url_host_valid(text, strlen(text));
}

static void a_host_is_a_name_or_an_address(void)
{
	CU_ASSERT_TRUE(host_valid(""));
	CU_ASSERT_TRUE(host_valid("example.com"));
	CU_ASSERT_TRUE(host_valid("xn--mnchen-3ya.de:8080"));
	CU_ASSERT_TRUE(host_valid("[fe80::1%25eth0]:80"));
	CU_ASSERT_TRUE(host_valid("a_b~c"));
	CU_ASSERT_FALSE(host_valid("example.com/"));
	CU_ASSERT_FALSE(host_valid("user@example.com"));
	CU_ASSERT_FALSE(host_valid("two hosts"));
	CU_ASSERT_FALSE(host_valid("a\"b"));
	CU_ASSERT_FALSE(host_valid("m\xc3\xbcnchen.de"));
	CU_ASSERT_FALSE(host_valid("a?b"));
	CU_ASSERT_TRUE(host_valid("127.0.0.1:"));
	CU_ASSERT_TRUE(host_valid("a%2Db"));
	CU_ASSERT_FALSE(host_valid(":80"));
	CU_ASSERT_FALSE(host_valid("a:80:80"));
	CU_ASSERT_FALSE(host_valid("a:b"));
	CU_ASSERT_FALSE(host_valid("::1"));
	CU_ASSERT_FALSE(host_valid("[::1"));
	CU_ASSERT_FALSE(host_valid("[]"));
	CU_ASSERT_FALSE(host_valid("[::1]a"));
	CU_ASSERT_FALSE(host_valid("a[::1]"));
	CU_ASSERT_FALSE(host_valid("a,b"));
	CU_ASSERT_FALSE(host_valid("a%"));
	CU_ASSERT_FALSE(host_valid("a%zz"));
	CU_ASSERT_FALSE(host_valid("a%00b"));
}

static void a_nul_is_no_part_of_a_host(void)
{
	CU_ASSERT_FALSE(tn_url_host_valid("a\0b", 3));
	CU_ASSERT_TRUE(tn_url_host_valid("a\0b", 1));
}

TEST_MAIN("serve/target",
          TEST(the_origin_form_is_taken_as_it_is),
          TEST(the_absolute_form_names_the_host),
          TEST(an_absolute_form_without_a_good_host_is_refused),
          TEST(other_schemes_and_forms_are_refused),
          TEST(a_star_is_for_options_alone),
          TEST(bytes_that_have_to_be_encoded_are_refused),
          TEST(the_normal_form_is_the_paths),
          TEST(a_normal_target_costs_no_memory),
          TEST(a_host_is_a_name_or_an_address),
          TEST(a_nul_is_no_part_of_a_host))
