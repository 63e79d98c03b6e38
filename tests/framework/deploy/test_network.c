#include "deploy/network.h"

#include "cunit.h"

#define MALFORMED \
	"a network is an address, or ADDRESS/BITS, such as 127.0.0.1, 10.0.0.0/8 or 2001:db8::/32"
#define BEYOND \
	"the address has bits beyond those of the network: write the network's own (10.0.0.0/8), " \
	"or the address without /BITS"

static void check(const char *text, const char *address, bool expected)
{
	struct tn_network network;

	CHECK_TEXT(tn_network_parse(text, &network), NULL);
	if (!CHECK_NUMBER(tn_networks_have(&network, 1, address), expected))
		printf("\tit was %s in %s\n", address, text);
}

static void refuse(const char *text, const char *reason)
{
	struct tn_network network;

	if (!CHECK_TEXT(tn_network_parse(text, &network), reason))
		printf("\tthe network was '%s'\n", text);
}

static void an_address_is_in_its_network(void)
{
	check("127.0.0.1", "127.0.0.1", true);
	check("127.0.0.1", "127.0.0.2", false);
	check("10.0.0.0/8", "10.255.255.255", true);
	check("10.0.0.0/8", "11.0.0.0", false);
	check("10.0.0.0/8", "9.255.255.255", false);
	check("192.0.2.128/25", "192.0.2.128", true);
	check("192.0.2.128/25", "192.0.2.127", false);
	check("192.0.2.0/31", "192.0.2.1", true);
	check("192.0.2.0/31", "192.0.2.2", false);
	check("192.0.2.7/32", "192.0.2.7", true);
	check("0.0.0.0/0", "255.255.255.255", true);
	check("::1", "::1", true);
	check("2001:db8::/32", "2001:db8:ffff::1", true);
	check("2001:db8::/32", "2001:db9::1", false);
	check("2001:db8::/33", "2001:db8:8000::", false);
	check("::/0", "2001:db8::1", true);
}

/* A socket of both shows an IPv4 client so. */
static void a_mapped_address_is_an_ipv4_address(void)
{
	check("10.0.0.0/8", "::ffff:10.1.2.3", true);
	check("::ffff:10.0.0.0/104", "10.1.2.3", true);
	check("0.0.0.0/0", "2001:db8::1", false);
	check("::/0", "10.1.2.3", true);
}

static void what_is_no_address_is_in_no_network(void)
{
	check("0.0.0.0/0", "", false);
	check("0.0.0.0/0", "unknown", false);
	check("0.0.0.0/0", "10.1.2.3:80", false);
	check("0.0.0.0/0", "10.1.2", false);
	check("::/0", "[::1]", false);
	check("::/0", "fe80::1%eth0", false);
	CHECK_NUMBER(tn_networks_have(NULL, 0, "127.0.0.1"), false);
}

static void one_of_several_will_do(void)
{
	struct tn_network networks[2];

	CHECK_TEXT(tn_network_parse("127.0.0.1", &networks[0]), NULL);
	CHECK_TEXT(tn_network_parse("::1", &networks[1]), NULL);
	CHECK_NUMBER(tn_networks_have(networks, 2, "127.0.0.1"), true);
	CHECK_NUMBER(tn_networks_have(networks, 2, "::1"), true);
	CHECK_NUMBER(tn_networks_have(networks, 2, "::2"), false);
}

static void what_is_no_network_is_refused(void)
{
	refuse("", MALFORMED);
	refuse("/8", MALFORMED);
	refuse("localhost", MALFORMED);
	refuse("10.0.0.0/", MALFORMED);
	refuse("10.0.0.0/33", MALFORMED);
	refuse("10.0.0.0/-1", MALFORMED);
	refuse("10.0.0.0/8 ", MALFORMED);
	refuse("10.0.0.0/0008", MALFORMED);
	refuse("10.0.0.0/255.0.0.0", MALFORMED);
	refuse("10.0.0.0:80", MALFORMED);
	refuse("10.0.0/8", MALFORMED);
	refuse("[::1]", MALFORMED);
	refuse("::/129", MALFORMED);
	refuse("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", MALFORMED);
}

static void a_network_has_no_bits_of_a_host(void)
{
	refuse("10.1.2.3/8", BEYOND);
	refuse("192.0.2.129/25", BEYOND);
	refuse("0.0.0.1/0", BEYOND);
	refuse("2001:db8::1/64", BEYOND);
}

TEST_MAIN("framework/deploy/network",
          TEST(an_address_is_in_its_network),
          TEST(a_mapped_address_is_an_ipv4_address),
          TEST(what_is_no_address_is_in_no_network),
          TEST(one_of_several_will_do),
          TEST(what_is_no_network_is_refused),
          TEST(a_network_has_no_bits_of_a_host))
