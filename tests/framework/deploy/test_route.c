#include "deploy/route.h"

#include "scratch.h"

#define FORM "a route is a path, or a host and a path: /*, /api/*, www.example.com/*"
#define NO_PORT "a route's host has no port: remove it"
#define STAR_IN_HOST "a '*' in the host is its first part: *.example.com"
#define STAR_IN_PATH "a '*' in the path is its end: /api/*"
#define BRACKETS "an IPv6 address stands in brackets: [2001:db8::1]/*"
#define EMPTY_PART "a part of the host is empty: write www.example.com/*, or /* for every host"

/* Each Worker has one route, is called as the route is written, and has its line for a number. */
static void add(struct tn_routes *routes, const char *pattern, unsigned line)
{
	if (!CHECK_TEXT(tn_routes_add(routes, pattern, (struct tn_place){ "x.ini", line }, pattern,
	                              line),
	                NULL))
		printf("\tthe pattern was '%s'\n", pattern);
}

static void sort(struct tn_routes *routes)
{
	struct tn_errors errors = { 0 };

	tn_routes_sort(routes, &errors);
	CHECK_ERRORS(&errors, "");
}

static void expect(const struct tn_routes *routes, const char *host, const char *path,
                   const char *expected)
{
	const struct tn_route *route = tn_routes_match(routes, host, path, strlen(path));

	if (!CHECK_TEXT(route ? route->text : NULL, expected))
		printf("\tthe request was '%s%s'\n", host, path);
}

/* One route alone. */
static void expect_match(const char *pattern, const char *host, const char *path, bool matches)
{
	struct tn_routes routes = { 0 };

	add(&routes, pattern, 1);
	sort(&routes);
	expect(&routes, host, path, matches ? pattern : NULL);
	tn_routes_finish(&routes);
}

static void refuse(const char *pattern, const char *expected)
{
	struct tn_routes routes = { 0 };

	if (!CHECK_TEXT(tn_routes_add(&routes, pattern, (struct tn_place){ 0 }, "one", 0),
	                expected))
		printf("\tthe pattern was '%s'\n", pattern);
	CHECK_NUMBER(routes.count, 0);
	tn_routes_finish(&routes);
}

static void without_routes_nothing_matches(void)
{
	struct tn_routes routes = { 0 };

	sort(&routes);
	expect(&routes, "example.com", "/", NULL);
	tn_routes_finish(&routes);
}

static void a_path_is_exact_or_a_prefix(void)
{
	expect_match("/api", "a", "/api", true);
	expect_match("/api", "a", "/api/", false);
	expect_match("/api", "a", "/ap", false);
	expect_match("/api", "a", "/API", false);
	expect_match("/api/*", "a", "/api/", true);
	expect_match("/api/*", "a", "/api/1/2", true);
	expect_match("/api/*", "a", "/api", false);
	expect_match("/api*", "a", "/apiary", true);
	expect_match("/", "a", "/", true);
	expect_match("/", "a", "/x", false);
	expect_match("/*", "a", "/", true);
	expect_match("/*", "a", "/x", true);
}

/* "*" is the target of OPTIONS *, and "" what a target without a path leaves. */
static void a_prefix_does_not_match_what_is_no_path(void)
{
	expect_match("/*", "a", "*", false);
	expect_match("/*", "a", "", false);
}

static void a_path_is_compared_by_its_size(void)
{
	struct tn_routes routes = { 0 };

	add(&routes, "/api", 1);
	sort(&routes);
	CU_ASSERT_PTR_NOT_NULL(tn_routes_match(&routes, "a", "/api?x=1", 4));
	CU_ASSERT_PTR_NULL(tn_routes_match(&routes, "a", "/api?x=1", 5));
	tn_routes_finish(&routes);
}

static void a_host_is_compared_without_case_port_and_last_dot(void)
{
	expect_match("example.com/", "example.com", "/", true);
	expect_match("example.com/", "EXAMPLE.com", "/", true);
	expect_match("Example.COM/", "example.com", "/", true);
	expect_match("example.com/", "example.com:8080", "/", true);
	expect_match("example.com/", "example.com.", "/", true);
	expect_match("example.com/", "example.com.:80", "/", true);
	expect_match("example.com./", "example.com", "/", true);
	expect_match("example.com/", "www.example.com", "/", false);
	expect_match("example.com/", "example.com.evil", "/", false);
	expect_match("example.com/", "xexample.com", "/", false);
	expect_match("example.com/", "", "/", false);
}

static void an_ipv6_host_keeps_its_colons(void)
{
	expect_match("[2001:db8::1]/", "[2001:db8::1]", "/", true);
	expect_match("[2001:DB8::1]/", "[2001:db8::1]:80", "/", true);
	expect_match("[2001:db8::1]/", "[2001:db8::2]:80", "/", false);
	expect_match("[2001:db8::1]/", "[2001:db8::1", "/", false);
}

static void a_wildcard_is_for_the_names_below(void)
{
	expect_match("*.example.com/", "www.example.com", "/", true);
	expect_match("*.example.com/", "a.b.example.com:80", "/", true);
	expect_match("*.example.com/", "WWW.EXAMPLE.COM", "/", true);
	expect_match("*.example.com/", "example.com", "/", false);
	expect_match("*.example.com/", ".example.com", "/", false);
	expect_match("*.example.com/", "badexample.com", "/", false);
}

static void a_host_that_is_too_long_matches_no_host(void)
{
	static const char end[] = ".example.com";
	char host[TN_HOST_MAX + 64];

	memset(host, 'a', sizeof(host));
	memcpy(host + sizeof(host) - sizeof(end), end, sizeof(end));
	expect_match("*.example.com/", host, "/", false);
	expect_match("/", host, "/", true);
}

static void the_best_host_wins_then_the_longest_path(void)
{
	struct tn_routes routes = { 0 };

	add(&routes, "/*", 1);
	add(&routes, "/very/long/path/*", 2);
	add(&routes, "*.example.com/*", 3);
	add(&routes, "*.api.example.com/*", 4);
	add(&routes, "www.example.com/*", 5);
	add(&routes, "www.example.com/api/*", 6);
	add(&routes, "www.example.com/api/", 7);
	sort(&routes);
	expect(&routes, "other.org", "/", "/*");
	expect(&routes, "other.org", "/very/long/path/x", "/very/long/path/*");
	expect(&routes, "m.example.com", "/very/long/path/x", "*.example.com/*");
	expect(&routes, "v1.api.example.com", "/", "*.api.example.com/*");
	expect(&routes, "www.example.com", "/very/long/path/x", "www.example.com/*");
	expect(&routes, "www.example.com", "/api/x", "www.example.com/api/*");
	expect(&routes, "www.example.com", "/api/", "www.example.com/api/");
	expect(&routes, "example.com", "/x", "/*");
	tn_routes_finish(&routes);
}

/* The better host does not have the path: then the next best one gets the request. */
static void a_better_host_without_the_path_does_not_hide_the_others(void)
{
	struct tn_routes routes = { 0 };

	add(&routes, "www.example.com/api/*", 1);
	add(&routes, "/*", 2);
	sort(&routes);
	expect(&routes, "www.example.com", "/", "/*");
	tn_routes_finish(&routes);
}

/* The later one is told, in the order in which they were added, and names the one before it. */
static void equal_routes_are_an_error(void)
{
	struct tn_routes routes = { 0 };
	struct tn_errors errors = { 0 };

	tn_routes_add(&routes, "Example.com/*", (struct tn_place){ "x.ini", 9 }, "b", 0);
	tn_routes_add(&routes, "example.com./*", (struct tn_place){ "a.ini", 4 }, "a", 1);
	tn_routes_add(&routes, "/*", (struct tn_place){ "x.ini", 5 }, "c", 2);
	tn_routes_add(&routes, "/*", (struct tn_place){ "x.ini", 6 }, "c", 2);
	tn_routes_add(&routes, "/*", (struct tn_place){ "x.ini", 7 }, "d", 3);
	tn_routes_sort(&routes, &errors);
	CHECK_ERRORS(&errors,
	             "a.ini:4: worker 'a': route: 'example.com./*' is also a route of worker 'b' "
	             "(x.ini:9): change or remove one\n"
	             "x.ini:6: worker 'c': route: '/*' is also a route of worker 'c' (x.ini:5): "
	             "change or remove one\n"
	             "x.ini:7: worker 'd': route: '/*' is also a route of worker 'c' (x.ini:6): "
	             "change or remove one\n");
	tn_routes_finish(&routes);
}

static void a_route_knows_its_worker(void)
{
	struct tn_routes routes = { 0 };
	const struct tn_route *route;

	add(&routes, "/*", 7);
	add(&routes, "/api/*", 8);
	sort(&routes);
	route = tn_routes_match(&routes, "a", "/x", 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(route);
	CHECK_TEXT(route->worker_name, "/*");
	CHECK_NUMBER(route->worker, 7);
	CHECK_NUMBER(route->place.line, 7);
	tn_routes_finish(&routes);
}

static void routes_that_only_look_alike_are_fine(void)
{
	struct tn_routes routes = { 0 };

	add(&routes, "/api", 1);
	add(&routes, "/api*", 2);
	add(&routes, "/api/*", 3);
	add(&routes, "/API", 4);
	add(&routes, "example.com/api", 5);
	add(&routes, "*.example.com/api", 6);
	sort(&routes);
	tn_routes_finish(&routes);
}

static void what_has_no_path_is_refused(void)
{
	refuse("", FORM);
	refuse("*", FORM);
	refuse("api", FORM);
	refuse("www.example.com", FORM);
}

static void a_url_is_refused(void)
{
	refuse("http://www.example.com/*", "a route has no scheme: write www.example.com/*");
	refuse("www.example.com:8080/*", NO_PORT);
	refuse("[::1]:8080/*", NO_PORT);
	refuse("/api?x=1", "a route's path has no query, fragment or blank");
	refuse("/api#x", "a route's path has no query, fragment or blank");
}

static void a_bad_host_is_refused(void)
{
	char host[TN_HOST_MAX + 3];

	refuse("user@example.com/*", "the host may have letters, digits, '-', '.' and '_'");
	refuse("exämple.com/*", "the host may have letters, digits, '-', '.' and '_'");
	refuse("exa[mple.com/*", "the host may have letters, digits, '-', '.' and '_'");
	refuse("two hosts/*", "the host may have letters, digits, '-', '.' and '_'");
	refuse("www.*.com/*", STAR_IN_HOST);
	refuse("*example.com/*", STAR_IN_HOST);
	refuse("*/*", STAR_IN_HOST);
	refuse("*./*", STAR_IN_HOST);
	refuse("**.com/*", STAR_IN_HOST);
	refuse("./api/*", EMPTY_PART);
	refuse("../api/*", EMPTY_PART);
	refuse("www..com/*", EMPTY_PART);
	memset(host, 'a', sizeof(host));
	memcpy(host + TN_HOST_MAX, "/", 2);
	expect_match(host, "a", "/", false);
	memcpy(host + TN_HOST_MAX, "a/", 3);
	refuse(host, "the host is too long");
}

/* Once such a one was a route for every host. */
static void an_address_without_its_bracket_is_refused(void)
{
	refuse("[::1/*", BRACKETS);
	refuse("[/*", BRACKETS);
	refuse("[]/*", BRACKETS);
	refuse("[localhost]/*", BRACKETS);
}

static void a_bad_path_is_refused(void)
{
	refuse("/a*b", STAR_IN_PATH);
	refuse("/**", STAR_IN_PATH);
	refuse("/*/x", STAR_IN_PATH);
	refuse("/two words", "a route's path has no query, fragment or blank");
	refuse("/caf\xc3\xa9",
	       "a path has ASCII only: write other bytes as %XX, as clients send them");
}

#define NOT_NORMAL \
	"no request has such a path, they are normalised first: write it without '//', '.' and " \
	"'..', and as %XX, in capitals, only what cannot be written as it is"

/* It would never be asked for. */
static void a_path_that_is_not_normal_is_refused(void)
{
	expect_match("/.well-known/*", "a", "/.well-known/x", true);
	expect_match("/.*", "a", "/.x", true);
	expect_match("/a/..b*", "a", "/a/..b", true);
	expect_match("/caf%C3%A9", "a", "/caf%C3%A9", true);
	refuse("/caf%c3%a9", NOT_NORMAL);
	refuse("/%61", NOT_NORMAL);
	refuse("/a//b", NOT_NORMAL);
	refuse("/a//*", NOT_NORMAL);
	refuse("/a/./b", NOT_NORMAL);
	refuse("/a/../b", NOT_NORMAL);
	refuse("/a/..", NOT_NORMAL);
	refuse("/../*", NOT_NORMAL);
	refuse("/{a}", NOT_NORMAL);
	refuse("/a%2", NOT_NORMAL);
	refuse("/a%2*", NOT_NORMAL);
}

static void many_routes_find_their_request(void)
{
	struct tn_routes routes = { 0 };
	char text[32];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "/%03u/*", i);
		add(&routes, text, i + 1);
	}
	sort(&routes);
	expect(&routes, "a", "/000/x", "/000/*");
	expect(&routes, "a", "/099/x", "/099/*");
	expect(&routes, "a", "/100/x", NULL);
	tn_routes_finish(&routes);
}

TEST_MAIN("deploy/route",
          TEST(without_routes_nothing_matches),
          TEST(a_path_is_exact_or_a_prefix),
          TEST(a_prefix_does_not_match_what_is_no_path),
          TEST(a_path_is_compared_by_its_size),
          TEST(a_host_is_compared_without_case_port_and_last_dot),
          TEST(an_ipv6_host_keeps_its_colons),
          TEST(a_wildcard_is_for_the_names_below),
          TEST(a_host_that_is_too_long_matches_no_host),
          TEST(the_best_host_wins_then_the_longest_path),
          TEST(a_better_host_without_the_path_does_not_hide_the_others),
          TEST(equal_routes_are_an_error),
          TEST(a_route_knows_its_worker),
          TEST(routes_that_only_look_alike_are_fine),
          TEST(what_has_no_path_is_refused),
          TEST(a_url_is_refused),
          TEST(a_bad_host_is_refused),
          TEST(an_address_without_its_bracket_is_refused),
          TEST(a_bad_path_is_refused),
          TEST(a_path_that_is_not_normal_is_refused),
          TEST(many_routes_find_their_request))
