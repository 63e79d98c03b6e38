/* test_heads.c - heads of requests and replies that are large, and bodies of just the limit. */
#include "harness.h"

#include "../cunit.h"

static struct host *start(const char *settings)
{
	return host_start(scratch_write("heads.ini",
	                                "[host]\n"
	                                "listen = 127.0.0.1:0\n"
	                                "%s"
	                                "[worker fields]\n"
	                                "module = %s\n"
	                                "route = /*\n",
	                                settings, fixture("serve_fields")));
}

static char *letters(size_t count)
{
	char *text = memory_of(count + 1);

	memset(text, 'c', count);
	return text;
}

/* The status of a chunked request with a head and trailers of about that size. */
static int status_with_trailers(const struct host *host, size_t head, size_t trailers)
{
	struct wire_bytes reply = wire_talk(host,
	                                    text_of("POST / HTTP/1.1\r\n"
	                                            "Host: a\r\n"
	                                            "X: %s\r\n"
	                                            "Connection: close\r\n"
	                                            "Transfer-Encoding: chunked\r\n\r\n"
	                                            "1\r\na\r\n0\r\n"
	                                            "X: %s\r\n\r\n",
	                                            letters(head), letters(trailers)),
	                                    1);

	return wire_status(&reply);
}

/* The status of a request with a cookie of that size, to a reply with a field of that size. */
static int status_of(const struct host *host, size_t cookie, size_t field)
{
	struct wire_bytes reply = wire_talk(host,
	                                    text_of("GET /?size=%zu HTTP/1.1\r\n"
	                                            "Host: a\r\n"
	                                            "Connection: close\r\n"
	                                            "Cookie: %s\r\n\r\n",
	                                            field, letters(cookie)),
	                                    1);

	return wire_status(&reply);
}

static void heads_as_large_as_browsers_send_are_served(void)
{
	struct host *host = start("");

	CHECK_NUMBER(status_of(host, 8000, 0), 200);
	CHECK_NUMBER(status_of(host, 8000, 6000), 200);
	CHECK_NUMBER(status_of(host, 0, 20000), 200);
	host_end(host);
}

/* Whatever the sizes: a reply, and where it is not the Worker's, a line that says why. */
static void a_reply_whose_head_does_not_fit_is_a_500_that_is_explained(void)
{
	struct host *host = start("");

	CHECK_NUMBER(status_of(host, 0, 40000), 500);
	CHECK_NUMBER(status_of(host, 8000, 20000), 500);
	CHECK_NUMBER(status_of(host, 15000, 9000), 500);
	CHECK_NUMBER(status_of(host, 15000, 1000), 200);
	CHECK_NUMBER(status_of(host, 0, 100), 200);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), "error .*worker=fields: the headers of its "
	                                            "reply, 4[0-9]+ bytes, do not fit"),
	             1);
	CHECK_NUMBER(lines_matching(host_log(host), "worker=fields: the headers of its reply"), 3);
}

static void every_size_of_a_reply_head_gets_a_reply(void)
{
	struct host *host = start("access_log = off\n");

	for (size_t cookie = 0; cookie <= 16000; cookie += 3200) {
		for (size_t field = 1000; field <= 34000; field += 1500) {
			int status = status_of(host, cookie, field);

			if (status != 200 && status != 500 && status != 431)
				CHECK_TEXT(text_of("cookie %zu, field %zu", cookie, field), "");
		}
	}
	host_end(host);
}

static void a_head_that_is_too_large_is_431(void)
{
	struct host *host = start("");

	CHECK_NUMBER(status_of(host, 16000, 0), 200);
	CHECK_NUMBER(status_of(host, 17000, 0), 431);
	CHECK_NUMBER(status_of(host, 200000, 0), 431);
	CHECK_NUMBER(status_of(host, 0, 0), 200);
	host_end(host);
}

/* Both limits are kept to, but all those fields take of the memory that the reply needs. */
static void a_head_beside_which_no_reply_fits_is_431(void)
{
	struct host *host = start("max_headers = 100\n");
	char *fields = text_of("%s", "");
	struct wire_bytes reply;

	for (int i = 0; i < 98; i++)
		fields = text_of("%sX: %s\r\n", fields, letters(160));
	reply = wire_talk(host, text_of("GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields), 1);
	CHECK_NUMBER(wire_status(&reply), 431);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), "warning: 127\\.0\\.0\\.1: answered with 431: "
	                                            "beside its head"),
	             1);
}

/* By us: libmicrohttpd has no line for it. */
static void trailers_that_are_too_large_are_431(void)
{
	struct host *host = start("");

	CHECK_NUMBER(status_with_trailers(host, 1000, 15000), 200);
	CHECK_NUMBER(status_with_trailers(host, 15000, 1000), 200);
	CHECK_NUMBER(status_with_trailers(host, 15000, 15000), 431);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), "warning: 127\\.0\\.0\\.1: refused with 431: "
	                                            "a head larger than is allowed"),
	             1);
	CHECK_NUMBER(lines_matching(host_log(host), " status=431 "), 1);
}

static void a_field_without_a_value_is_left_out(void)
{
	struct host *host = start("");
	struct http_reply *reply = http_get(host, "/?size=3");

	CHECK_NUMBER(reply->status, 200);
	CHECK_TEXT(http_header(reply, "X-Large"), "xxx");
	CHECK_NUMBER(http_header_count(reply, "X-Empty"), 0);
	host_end(host);
}

/* More than half of request_memory: the body's room must not be doubled beyond it. */
static void a_body_of_max_body_is_taken_whatever_the_memory(void)
{
	struct host *host = start("max_body = 9M\n");
	size_t size = (size_t)9 << 20;
	struct http_request request = {
		.method = "POST",
		.path = "/?size=1",
		.body = letters(size),
		.body_size = size,
	};

	CHECK_NUMBER(http(host, &request)->status, 200);
	request.body_size = size - 1000 * 1000;
	CHECK_NUMBER(http(host, &request)->status, 200);
	host_end(host);
}

/* Not only when a body has come that may never come. */
static void a_refusal_waits_for_no_body(void)
{
	static const char *const methods[] = { "TRACE", "CONNECT", "G@T" };
	static const int statuses[] = { 501, 501, 400 };
	struct host *host = start("");

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct wire_bytes reply = wire_talk(host,
		                                    text_of("%s / HTTP/1.1\r\n"
		                                            "Host: a\r\n"
		                                            "Transfer-Encoding: gzip\r\n\r\n",
		                                            methods[i]),
		                                    1);

		CHECK_NUMBER(wire_status(&reply), statuses[i]);
	}
	host_end(host);
}

TEST_MAIN("e2e/heads",
          TEST(heads_as_large_as_browsers_send_are_served),
          TEST(a_reply_whose_head_does_not_fit_is_a_500_that_is_explained),
          TEST(every_size_of_a_reply_head_gets_a_reply),
          TEST(a_head_that_is_too_large_is_431),
          TEST(trailers_that_are_too_large_are_431),
          TEST(a_head_beside_which_no_reply_fits_is_431),
          TEST(a_field_without_a_value_is_left_out),
          TEST(a_body_of_max_body_is_taken_whatever_the_memory),
          TEST(a_refusal_waits_for_no_body))
