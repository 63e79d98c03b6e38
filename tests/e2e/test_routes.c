/* test_routes.c - which Worker a request reaches, and that a private one is reached by none. */
#include "harness.h"

#include "../cunit.h"

/* Two public Workers, on hosts and paths, and a private one behind one of them. */
static struct host *start(void)
{
	const char *echo = fixture("serve_echo");
	const char *file = scratch_write("routes.ini",
	                                 "[host]\n"
	                                 "listen = 127.0.0.1:0\n"
	                                 "[worker public]\n"
	                                 "module = %s\n"
	                                 "service.next = hidden\n"
	                                 "route = www.example.com/open/*, www.example.com/pass-on\n"
	                                 "[worker hidden]\n"
	                                 "module = %s\n",
	                                 fixture("serve_fault"), echo);

	return host_start(file);
}

static struct host *start_routes(const char *const *routes)
{
	const char *text = text_of("[host]\nlisten = 127.0.0.1:0\n");

	for (unsigned i = 0; routes[i]; i++)
		text = text_of("%s[worker w%u]\nmodule = %s\nroute = %s\n", text, i,
		               fixture("serve_echo"), routes[i]);
	return host_start(scratch_write("routes.ini", "%s", text));
}

/* The number of the Worker that answers "GET TARGET" with that Host; -1 for 404. */
static int reached(const struct host *host, const char *name, const char *target)
{
	const char *text = text_of("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, name);
	struct wire_bytes reply = wire_talk(host, text, 1);
	const char *worker = strstr(reply.data, "\r\nX-Worker: w");

	if (wire_status(&reply) == 404)
		return -1;
	if (!worker)
		return -wire_status(&reply);
	return (int)strtol(worker + strlen("\r\nX-Worker: w"), NULL, 10);
}

/* ---- What is private stays so -------------------------------------------------------------- */

static void a_worker_without_a_route_cannot_be_reached_by_any_trick(void)
{
	static const char *const requests[] = {
		"GET /hidden HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET /hidden/ HTTP/1.1\r\nHost: hidden\r\n",
		"GET / HTTP/1.1\r\nHost: hidden\r\n",
		"GET / HTTP/1.1\r\nHost: hidden.www.example.com\r\n",
		"GET / HTTP/1.1\r\nHost: hidden:80\r\n",
		"GET /open/../hidden HTTP/1.1\r\nHost: example.com\r\n",
		"GET /open/../hidden HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET /open/%2e%2e/hidden HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET /open%2fx HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET /open//.%2E//hidden HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET /open/x/../.. HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET /%252e%252e/open/x HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET /..;/open/x HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET /x/..\\open/x HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET /x/..%5copen/x HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET /OPEN/x HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET http://hidden/ HTTP/1.1\r\nHost: hidden\r\n",
		"GET http://hidden/open/x HTTP/1.1\r\nHost: hidden\r\n",
		"GET /?/open/x HTTP/1.1\r\nHost: www.example.com\r\n",
		"GET /open?/ HTTP/1.1\r\nHost: www.example.com\r\n",
		"HEAD /hidden HTTP/1.0\r\n",
		"GET /open/x HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: www.example.com\r\n",
		"GET /x HTTP/1.1\r\nHost: x\r\nX-Original-URL: /open/x\r\n",
		"GET /x HTTP/1.1\r\nHost: x\r\nX-Rewrite-URL: /open/x\r\n",
		"POST /hidden HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 0\r\n",
		"FETCH /hidden HTTP/1.1\r\nHost: www.example.com\r\n",
	};
	struct host *host = start();
	const char *nothing;
	struct wire_bytes reply = wire_talk(host, "GET /nothing HTTP/1.1\r\nHost: nowhere\r\n"
	                                          "Connection: close\r\n\r\n",
	                                    0);

	CHECK_NUMBER(wire_status(&reply), 404);
	nothing = wire_without_date(&reply);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const char *rest = strncmp(requests[i], "HEAD", 4) ? "" : "Not Found\n";

		reply = wire_talk(host, text_of("%sConnection: close\r\n\r\n", requests[i]), 0);
		if (!CHECK_TEXT(text_of("%s%s", wire_without_date(&reply), rest), nothing))
			puts(requests[i]);
	}
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), " status=404 bytes=(10|0) us=[0-9]+ chain=-$"),
	             (long long)(sizeof(requests) / sizeof(requests[0])) + 1);
}

/* The route, the Worker and the log have the same one. */
static void a_path_is_read_in_one_way(void)
{
	static const char *const same[] = {
		"/guarded/a?b=%2e", "//guarded/a?b=%2e", "/./guarded/a?b=%2e",
		"/x/../guarded/a?b=%2e", "/x/%2e%2e/guarded/a?b=%2e", "/%67uarded/%61?b=%2e",
		"/guarded//x/.%2E/a?b=%2e", "/guarded/./a?b=%2e", "/x/.%2e//guarded/a?b=%2e",
		"http://a/%67uarded/a?b=%2e"
	};
	static const char *const above[] = { "/..", "/../guarded/a", "/guarded/%2e%2e/../a", "/%zz",
		                             "/guarded/%00", "/a/../..//" };
	static const char *const routes[] = { "/*", "/guarded/*", NULL };
	size_t count = sizeof(same) / sizeof(same[0]);
	struct host *host = start_routes(routes);

	for (size_t i = 0; i < count; i++) {
		if (!CHECK_NUMBER(reached(host, "a", same[i]), 1))
			puts(same[i]);
	}
	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
		if (!CHECK_NUMBER(reached(host, "a", above[i]), -400))
			puts(above[i]);
	}
	CHECK_NUMBER(reached(host, "a", "/guarded%2fa"), 0);
	CHECK_NUMBER(reached(host, "a", "/guarded\\a"), 0);
	CHECK_NUMBER(reached(host, "a", "/%2567uarded/a"), 0);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), "target=\"/guarded/a?b=%2e\""), (int)count);
}

/* It is about the host as a whole: no Worker is asked, and no Host is told from another. */
static void options_of_the_host_are_its_own(void)
{
	static const char *const hosts[] = { "hidden", "www.example.com", "nowhere" };
	struct host *host = start();

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct wire_bytes reply =
			wire_talk(host,
		                  text_of("OPTIONS * HTTP/1.1\r\nHost: %s\r\n"
		                          "Connection: close\r\n\r\n",
		                          hosts[i]),
		                  1);

		CHECK_NUMBER(wire_status(&reply), 204);
		CHECK_NUMBER(count_of(reply.data, "\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, "
		                                  "OPTIONS\r\n"),
		             1);
	}
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), " target=\"\\*\" status=204 .* chain=-$"), 3);
}

/* The proof that the one above asks for what is really there: the binding reaches it. */
static void a_worker_without_a_route_is_reached_through_a_binding(void)
{
	struct host *host = start();
	struct wire_bytes reply = wire_talk(host, "GET /pass-on HTTP/1.1\r\n"
	                                          "Host: www.example.com\r\n\r\n",
	                                    1);

	CHECK_NUMBER(wire_status(&reply), 200);
	CHECK_NUMBER(count_of(reply.data, "\r\nX-Worker: hidden\r\n"), 1);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), " status=200 .* chain=public\\(hidden\\)$"), 1);
}

/* ---- Which route wins ---------------------------------------------------------------------- */

static void an_exact_host_beats_a_wildcard_which_beats_none(void)
{
	static const char *const routes[] = {
		"/long/path/to/it/*",
		"*.example.com/*",
		"www.example.com/*",
		"*.b.example.com/*",
		NULL,
	};
	struct host *host = start_routes(routes);

	CHECK_NUMBER(reached(host, "www.example.com", "/long/path/to/it/x"), 2);
	CHECK_NUMBER(reached(host, "www.example.com", "/"), 2);
	CHECK_NUMBER(reached(host, "a.example.com", "/long/path/to/it/x"), 1);
	CHECK_NUMBER(reached(host, "a.www.example.com", "/"), 1);
	CHECK_NUMBER(reached(host, "a.b.example.com", "/"), 3);
	CHECK_NUMBER(reached(host, "b.example.com", "/"), 1);
	CHECK_NUMBER(reached(host, "example.com", "/"), -1);
	CHECK_NUMBER(reached(host, ".example.com", "/"), -1);
	CHECK_NUMBER(reached(host, "badexample.com", "/"), -1);
	CHECK_NUMBER(reached(host, "www.example.com.evil.org", "/"), -1);
	CHECK_NUMBER(reached(host, "other", "/long/path/to/it/x"), 0);
	CHECK_NUMBER(reached(host, "other", "/long/path/to/it"), -1);
	host_end(host);
}

static void neither_case_nor_port_of_the_host_matters(void)
{
	static const char *const routes[] = { "WWW.Example.com/*", "[::1]/*", NULL };
	struct host *host = start_routes(routes);

	CHECK_NUMBER(reached(host, "www.example.com", "/"), 0);
	CHECK_NUMBER(reached(host, "wWw.eXAMPLE.COM", "/"), 0);
	CHECK_NUMBER(reached(host, "www.example.com:8080", "/"), 0);
	CHECK_NUMBER(reached(host, "www.example.com:", "/"), 0);
	CHECK_NUMBER(reached(host, "www.example.com.", "/"), 0);
	CHECK_NUMBER(reached(host, "[::1]", "/"), 1);
	CHECK_NUMBER(reached(host, "[::1]:8080", "/"), 1);
	CHECK_NUMBER(reached(host, "[::2]:8080", "/"), -1);
	CHECK_NUMBER(reached(host, "", "/"), -400);
	host_end(host);
}

static void the_longest_path_wins_and_an_exact_one_before_a_prefix(void)
{
	static const char *const routes[] = {
		"/*",
		"/api/*",
		"/api/users/*",
		"/api/users/",
		"/exact",
		"/ex*",
		NULL,
	};
	struct host *host = start_routes(routes);

	CHECK_NUMBER(reached(host, "a", "/"), 0);
	CHECK_NUMBER(reached(host, "a", "/ap"), 0);
	CHECK_NUMBER(reached(host, "a", "/api"), 0);
	CHECK_NUMBER(reached(host, "a", "/apix"), 0);
	CHECK_NUMBER(reached(host, "a", "/api/"), 1);
	CHECK_NUMBER(reached(host, "a", "/api/users"), 1);
	CHECK_NUMBER(reached(host, "a", "/api/users/"), 3);
	CHECK_NUMBER(reached(host, "a", "/api/users/7"), 2);
	CHECK_NUMBER(reached(host, "a", "/exact"), 4);
	CHECK_NUMBER(reached(host, "a", "/exactly"), 5);
	CHECK_NUMBER(reached(host, "a", "/exact/"), 5);
	host_end(host);
}

static void a_query_is_no_part_of_the_path(void)
{
	static const char *const routes[] = { "/exact", "/api/*", NULL };
	struct host *host = start_routes(routes);

	CHECK_NUMBER(reached(host, "a", "/exact?x=1"), 0);
	CHECK_NUMBER(reached(host, "a", "/exact?"), 0);
	CHECK_NUMBER(reached(host, "a", "/exact?/api/"), 0);
	CHECK_NUMBER(reached(host, "a", "/api?/"), -1);
	CHECK_NUMBER(reached(host, "a", "/api/?/"), 1);
	host_end(host);
}

static void a_prefix_with_a_slash_does_not_match_without_it(void)
{
	static const char *const routes[] = { "/api/*", NULL };
	struct host *host = start_routes(routes);

	CHECK_NUMBER(reached(host, "a", "/api/"), 0);
	CHECK_NUMBER(reached(host, "a", "/api/x"), 0);
	CHECK_NUMBER(reached(host, "a", "/api"), -1);
	CHECK_NUMBER(reached(host, "a", "/apix"), -1);
	CHECK_NUMBER(reached(host, "a", "/"), -1);
	host_end(host);
}

static void one_worker_has_several_routes(void)
{
	static const char *const routes[] = { "/one, two.example.com/*", NULL };
	struct host *host = start_routes(routes);

	CHECK_NUMBER(reached(host, "a", "/one"), 0);
	CHECK_NUMBER(reached(host, "two.example.com", "/any"), 0);
	CHECK_NUMBER(reached(host, "a", "/any"), -1);
	host_end(host);
}

/* ---- What names the host ------------------------------------------------------------------- */

static void a_target_in_absolute_form_names_the_host(void)
{
	static const char *const routes[] = { "/*", "www.example.com/*", NULL };
	struct host *host = start_routes(routes);
	struct wire_bytes reply = wire_talk(host, "GET http://www.example.com:81/p?q=1 HTTP/1.1\r\n"
	                                          "Host: www.example.com:81\r\n\r\n",
	                                    1);

	CHECK_NUMBER(count_of(reply.data, "\r\nX-Worker: w1\r\n"), 1);
	CHECK_NUMBER(count_of(reply.data, "\r\nX-Url: http://www.example.com:81/p?q=1\r\n"), 1);
	CHECK_NUMBER(count_of(reply.data, "\r\nX-Host: www.example.com:81\r\n"), 1);
	CHECK_NUMBER(count_of(reply.data, "\r\nX-Target: /p?q=1\r\n"), 1);
	CHECK_NUMBER(reached(host, "www.example.com", "HTTP://www.example.com"), 1);
	CHECK_NUMBER(reached(host, "www.example.com", "http://www.example.com?q"), 1);
	CHECK_NUMBER(reached(host, "other", "http://other/"), 0);
	CHECK_NUMBER(reached(host, "www.example.com", "http://other/"), -400);
	CHECK_NUMBER(reached(host, "other", "http://www.example.com/"), -400);
	CHECK_NUMBER(reached(host, "www.example.com", "https://www.example.com/"), -400);
	CHECK_NUMBER(reached(host, "other", "http:///"), -400);
	CHECK_NUMBER(reached(host, "www.example.com", "http://user@www.example.com/"), -400);
	host_end(host);
}

static int status_of(const struct host *host, const char *text)
{
	struct wire_bytes reply = wire_talk(host, text, 0);

	return wire_status(&reply);
}

static void http_1_1_asks_for_exactly_one_host(void)
{
	static const char *const routes[] = { "/*", "a/*", NULL };
	struct host *host = start_routes(routes);

	CHECK_NUMBER(status_of(host, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"), 400);
	CHECK_NUMBER(status_of(host, "GET http://a/ HTTP/1.1\r\nConnection: close\r\n\r\n"), 400);
	CHECK_NUMBER(status_of(host, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n"
	                             "Connection: close\r\n\r\n"),
	             400);
	CHECK_NUMBER(status_of(host, "GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n"
	                             "Connection: close\r\n\r\n"),
	             400);
	CHECK_NUMBER(status_of(host, "GET / HTTP/1.1\r\nHost: a, b\r\nConnection: close\r\n\r\n"),
	             400);
	CHECK_NUMBER(status_of(host, "GET / HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n"),
	             400);
	CHECK_NUMBER(status_of(host, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
	             200);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 7);
}

static void http_1_0_needs_no_host(void)
{
	static const char *const routes[] = { "/*", "a/*", NULL };
	struct host *host = start_routes(routes);
	struct wire_bytes without = wire_talk(host, "GET /p HTTP/1.0\r\n\r\n", 0);
	struct wire_bytes with = wire_talk(host, "GET /p HTTP/1.0\r\nHost: a\r\n\r\n", 0);

	CHECK_NUMBER(wire_status(&without), 200);
	CHECK_NUMBER(count_of(without.data, "\r\nX-Worker: w0\r\n"), 1);
	CHECK_NUMBER(count_of(without.data, "\r\nX-Target: /p\r\n"), 1);
	CHECK_NUMBER(wire_status(&with), 200);
	CHECK_NUMBER(count_of(with.data, "\r\nX-Worker: w1\r\n"), 1);
	CHECK_NUMBER(count_of(with.data, "\r\nX-Url: http://a/p\r\n"), 1);
	CHECK_NUMBER(status_of(host, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
	host_end(host);
}

TEST_MAIN("e2e/routes",
          TEST(a_worker_without_a_route_cannot_be_reached_by_any_trick),
          TEST(a_path_is_read_in_one_way),
          TEST(options_of_the_host_are_its_own),
          TEST(a_worker_without_a_route_is_reached_through_a_binding),
          TEST(an_exact_host_beats_a_wildcard_which_beats_none),
          TEST(neither_case_nor_port_of_the_host_matters),
          TEST(the_longest_path_wins_and_an_exact_one_before_a_prefix),
          TEST(a_query_is_no_part_of_the_path),
          TEST(a_prefix_with_a_slash_does_not_match_without_it),
          TEST(one_worker_has_several_routes),
          TEST(a_target_in_absolute_form_names_the_host),
          TEST(http_1_1_asks_for_exactly_one_host),
          TEST(http_1_0_needs_no_host))
