#include "deploy/address.h"

#include "cunit.h"

#define MALFORMED "an address is HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or *:8080"
#define PORT "the port is a number from 0 to 65535"
#define BRACKETS "an IPv6 address stands in brackets: [::1]:8080"

static void check(const char *text, const char *host, const char *port)
{
	struct tn_address address = { .host = "unset", .port = "unset" };

	CHECK_TEXT(tn_address_parse(text, &address), NULL);
	CHECK_TEXT(address.host, host);
	CHECK_TEXT(address.port, port);
}

static void refuse(const char *text, const char *reason)
{
	struct tn_address address;

	if (!CHECK_TEXT(tn_address_parse(text, &address), reason))
		printf("\tthe address was '%s'\n", text);
}

static void host_and_port_are_taken_apart(void)
{
	check("127.0.0.1:8080", "127.0.0.1", "8080");
	check("localhost:0", "localhost", "0");
	check("www.example.com:65535", "www.example.com", "65535");
}

static void an_ipv6_address_loses_its_brackets(void)
{
	check("[::1]:8080", "::1", "8080");
	check("[2001:db8::1]:80", "2001:db8::1", "80");
	check("[fe80::1%eth0]:80", "fe80::1%eth0", "80");
}

static void a_star_is_every_address(void)
{
	check("*:8080", "", "8080");
}

static void what_has_no_host_or_no_port_is_refused(void)
{
	refuse("", MALFORMED);
	refuse(":", MALFORMED);
	refuse("8080", MALFORMED);
	refuse(":8080", MALFORMED);
	refuse("localhost", MALFORMED);
	refuse("[]:8080", MALFORMED);
}

static void a_url_is_refused(void)
{
	refuse("http://127.0.0.1:8080", MALFORMED);
	refuse("127.0.0.1:8080/", MALFORMED);
	refuse("/run/tenon.sock:1", MALFORMED);
	refuse("127.0.0.1 :8080", MALFORMED);
}

static void a_port_is_a_number_to_65535(void)
{
	refuse("127.0.0.1:", PORT);
	refuse("127.0.0.1:http", PORT);
	refuse("127.0.0.1:65536", PORT);
	refuse("127.0.0.1:99999", PORT);
	refuse("127.0.0.1:100000", PORT);
	refuse("127.0.0.1:-1", PORT);
	refuse("127.0.0.1:8080x", PORT);
	refuse("127.0.0.1:18446744073709551617", PORT);
}

static void an_ipv6_address_without_brackets_is_refused(void)
{
	refuse("::1:8080", BRACKETS);
	refuse("[::1]", BRACKETS);
	refuse("::1]:8080", BRACKETS);
	refuse("[::1:8080", BRACKETS);
}

static void a_host_that_is_too_long_is_refused(void)
{
	char text[TN_ADDRESS_HOST + 16];
	struct tn_address address;

	memset(text, 'a', sizeof(text));
	memcpy(text + TN_ADDRESS_HOST - 1, ":80", sizeof(":80"));
	CHECK_TEXT(tn_address_parse(text, &address), NULL);
	CHECK_NUMBER(strlen(address.host), TN_ADDRESS_HOST - 1);
	text[TN_ADDRESS_HOST - 1] = 'a';
	memcpy(text + TN_ADDRESS_HOST, ":80", sizeof(":80"));
	refuse(text, MALFORMED);
}

TEST_MAIN("deploy/address",
          TEST(host_and_port_are_taken_apart),
          TEST(an_ipv6_address_loses_its_brackets),
          TEST(a_star_is_every_address),
          TEST(what_has_no_host_or_no_port_is_refused),
          TEST(a_url_is_refused),
          TEST(a_port_is_a_number_to_65535),
          TEST(an_ipv6_address_without_brackets_is_refused),
          TEST(a_host_that_is_too_long_is_refused))
