#include "serve/addresses.h"

#include "cunit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct tn_addresses addresses;

static struct tn_origin origin_4(const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(80) };

	CHECK_NUMBER(inet_pton(AF_INET, text, &address.sin_addr), 1);
	return tn_origin_of((struct sockaddr *)&address);
}

static struct tn_origin origin_6(const char *text)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(80) };

	CHECK_NUMBER(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
	return tn_origin_of((struct sockaddr *)&address);
}

static void each_address_has_its_own_count(void)
{
	tn_addresses_init(&addresses);
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_4("192.0.2.1")), 0);
	CU_ASSERT_TRUE(tn_addresses_add(&addresses, origin_4("192.0.2.1")));
	CU_ASSERT_TRUE(tn_addresses_add(&addresses, origin_4("192.0.2.1")));
	CU_ASSERT_TRUE(tn_addresses_add(&addresses, origin_4("192.0.2.2")));
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_4("192.0.2.1")), 2);
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_4("192.0.2.2")), 1);
	tn_addresses_remove(&addresses, origin_4("192.0.2.1"));
	tn_addresses_remove(&addresses, origin_4("192.0.2.2"));
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_4("192.0.2.1")), 1);
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_4("192.0.2.2")), 0);
	tn_addresses_finish(&addresses);
}

static void a_network_of_ipv6_counts_as_one(void)
{
	tn_addresses_init(&addresses);
	tn_addresses_add(&addresses, origin_6("2001:db8:0:1::1"));
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_6("2001:db8:0:1:ffff:ffff::2")), 1);
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_6("2001:db8:0:2::1")), 0);
	tn_addresses_finish(&addresses);
}

static void ipv4_by_a_socket_of_both_is_ipv4(void)
{
	tn_addresses_init(&addresses);
	tn_addresses_add(&addresses, origin_6("::ffff:192.0.2.1"));
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_4("192.0.2.1")), 1);
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_6("::ffff:192.0.2.2")), 0);
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_6("::1")), 0);
	tn_addresses_finish(&addresses);
}

/* 0.0.0.0 and ::, all of whose bits are the same. */
static void the_families_are_told_apart(void)
{
	tn_addresses_init(&addresses);
	tn_addresses_add(&addresses, origin_4("0.0.0.0"));
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_6("::1")), 0);
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_4("0.0.0.0")), 1);
	tn_addresses_finish(&addresses);
}

static void nobody_is_not_counted(void)
{
	const struct sockaddr local = { .sa_family = AF_UNIX };

	tn_addresses_init(&addresses);
	CU_ASSERT_TRUE(tn_addresses_add(&addresses, tn_origin_of(NULL)));
	CU_ASSERT_TRUE(tn_addresses_add(&addresses, tn_origin_of(&local)));
	CHECK_NUMBER(tn_addresses_count(&addresses, tn_origin_of(&local)), 0);
	tn_addresses_remove(&addresses, tn_origin_of(NULL));
	CHECK_NUMBER(addresses.room, 0);
	tn_addresses_finish(&addresses);
}

/* What was never added is not there to be removed. */
static void to_remove_a_stranger_changes_nothing(void)
{
	tn_addresses_init(&addresses);
	tn_addresses_remove(&addresses, origin_4("192.0.2.1"));
	tn_addresses_add(&addresses, origin_4("192.0.2.2"));
	tn_addresses_remove(&addresses, origin_4("192.0.2.1"));
	CHECK_NUMBER(tn_addresses_count(&addresses, origin_4("192.0.2.2")), 1);
	CHECK_NUMBER(addresses.count, 1);
	tn_addresses_finish(&addresses);
}

#define MANY 5000u

static struct tn_origin number(unsigned i)
{
	return (struct tn_origin){ .bits = (uint64_t)i << 32 | 7, .family = AF_INET6 };
}

/* Against an array of counts: many come and go in an order without a pattern. */
static void many_that_come_and_go_are_counted(void)
{
	static unsigned expected[MANY];
	unsigned wrong = 0, at = 1;

	tn_addresses_init(&addresses);
	for (unsigned i = 0; i < 20 * MANY; i++) {
		at = at * 1103515245u + 12345u;
		if ((at >> 16) % 5 < 2 && expected[(at >> 8) % MANY]) {
			tn_addresses_remove(&addresses, number((at >> 8) % MANY));
			expected[(at >> 8) % MANY]--;
		} else {
			CU_ASSERT_TRUE_FATAL(
				tn_addresses_add(&addresses, number((at >> 8) % MANY)));
			expected[(at >> 8) % MANY]++;
		}
	}
	for (unsigned i = 0; i < MANY; i++)
		wrong += tn_addresses_count(&addresses, number(i)) != expected[i];
	CHECK_NUMBER(wrong, 0);
	for (unsigned i = 0; i < MANY; i++)
		while (expected[i]--)
			tn_addresses_remove(&addresses, number(i));
	CHECK_NUMBER(addresses.count, 0);
	for (unsigned i = 0; i < MANY; i++)
		wrong += tn_addresses_count(&addresses, number(i));
	CHECK_NUMBER(wrong, 0);
	CU_ASSERT(addresses.room <= 4 * MANY);
	tn_addresses_finish(&addresses);
}

TEST_MAIN("serve/addresses",
          TEST(each_address_has_its_own_count),
          TEST(a_network_of_ipv6_counts_as_one),
          TEST(ipv4_by_a_socket_of_both_is_ipv4),
          TEST(the_families_are_told_apart),
          TEST(nobody_is_not_counted),
          TEST(to_remove_a_stranger_changes_nothing),
          TEST(many_that_come_and_go_are_counted))
