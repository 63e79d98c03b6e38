/* test_forwarded.c - what a Worker sees of a client behind a proxy, and of its connection. */
#include "harness.h"

#include "../cunit.h"

static struct host *start(const char *settings)
{
	return host_start(scratch_write("forwarded.ini",
	                                "[host]\n"
	                                "listen = 127.0.0.1:0\n"
	                                "%s"
	                                "[worker echo]\n"
	                                "module = %s\n"
	                                "route = example.org/*, /*\n",
	                                settings, fixture("serve_echo")));
}

static struct wire_bytes ask(const struct host *host, const char *fields)
{
	return wire_talk(host,
	                 text_of("GET /a?b HTTP/1.1\r\nHost: h\r\n%sConnection: close\r\n\r\n",
	                         fields),
	                 1);
}

static void check_field(const struct wire_bytes *reply, const char *name, const char *value)
{
	if (!CHECK_NUMBER(count_of(reply->data, text_of("\r\n%s: %s\r\n", name, value)), 1))
		printf("\tno %s: %s in\n%s", name, value, reply->data);
}

#define FORWARDED \
	"X-Forwarded-For: 203.0.113.9, 192.0.2.1\r\n" \
	"X-Forwarded-Proto: https\r\n" \
	"X-Forwarded-Host: example.org\r\n"

static void a_trusted_proxy_is_believed(void)
{
	struct host *host = start("trusted = 10.0.0.0/8, 127.0.0.1\n");
	struct wire_bytes reply = ask(host, FORWARDED "Forwarded: for=198.51.100.1\r\n");

	CHECK_NUMBER(wire_status(&reply), 200);
	check_field(&reply, "X-Address", "192.0.2.1");
	check_field(&reply, "X-Url", "https://example.org/a?b");
	check_field(&reply, "X-Host", "example.org");
	check_field(&reply, "X-Fields", "host x-forwarded-for x-forwarded-host x-forwarded-proto");
	host_end(host);
}

static void it_may_write_the_standard_field(void)
{
	struct host *host = start("trusted = 127.0.0.1\ntrusted_fields = forwarded\n");
	struct wire_bytes reply =
		ask(host, FORWARDED "Forwarded: for=\"[2001:db8::1]:80\";proto=https\r\n");

	CHECK_NUMBER(wire_status(&reply), 200);
	check_field(&reply, "X-Address", "2001:db8::1");
	check_field(&reply, "X-Url", "https://h/a?b");
	check_field(&reply, "X-Fields", "forwarded host");
	host_end(host);
}

static void nobody_else_is_believed(void)
{
	static const char *const settings[] = { "", "trusted = 127.0.0.2, ::1, 10.0.0.0/8\n" };

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		struct host *host = start(settings[i]);
		struct wire_bytes reply =
			ask(host, FORWARDED "Forwarded: for=198.51.100.1\r\n"
		                            "X-Real-IP: 198.51.100.1\r\n"
		                            "x-forwarded-prefix: /admin\r\n");

		CHECK_NUMBER(wire_status(&reply), 200);
		check_field(&reply, "X-Address", "127.0.0.1");
		check_field(&reply, "X-Url", "http://h/a?b");
		check_field(&reply, "X-Fields", "host");
		host_end(host);
	}
}

static void what_is_of_the_connection_reaches_no_worker(void)
{
	struct host *host = start("");
	struct wire_bytes reply = ask(host, "Connection: X-Hop, Upgrade, Cookie\r\n"
	                                    "X-Hop: 1\r\n"
	                                    "Upgrade: websocket\r\n"
	                                    "Keep-Alive: timeout=5\r\n"
	                                    "Proxy-Connection: keep-alive\r\n"
	                                    "TE: trailers\r\n"
	                                    "Cookie: a=b\r\n"
	                                    "X-End: 1\r\n");

	CHECK_NUMBER(wire_status(&reply), 200);
	check_field(&reply, "X-Fields", "cookie host x-end");
	host_end(host);
}

TEST_MAIN("e2e/forwarded",
          TEST(a_trusted_proxy_is_believed),
          TEST(it_may_write_the_standard_field),
          TEST(nobody_else_is_believed),
          TEST(what_is_of_the_connection_reaches_no_worker))
