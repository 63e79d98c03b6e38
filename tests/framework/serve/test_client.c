#include "serve/client.h"

#include "cunit.h"

#include <netinet/in.h>

static const struct tn_framing_limits limits = { .head = 100, .fields = 10, .target = 10 };

static void checks_address(const struct sockaddr *address, const char *text)
{
	struct tn_client *client = tn_client_create(7, address, &limits);

	CU_ASSERT_PTR_NOT_NULL_FATAL(client);
	CHECK_TEXT(client->address, text);
	CHECK_NUMBER(client->descriptor, 7);
	tn_client_destroy(client);
}

static void writes_ipv4(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(80) };

	inet_pton(AF_INET, "192.0.2.7", &address.sin_addr);
	checks_address((struct sockaddr *)&address, "192.0.2.7");
}

static void writes_ipv6(void)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };

	inet_pton(AF_INET6, "2001:db8::1", &address.sin6_addr);
	checks_address((struct sockaddr *)&address, "2001:db8::1");
	inet_pton(AF_INET6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &address.sin6_addr);
	checks_address((struct sockaddr *)&address, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void shows_mapped_as_ipv4(void)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };

	inet_pton(AF_INET6, "::ffff:192.0.2.7", &address.sin6_addr);
	checks_address((struct sockaddr *)&address, "192.0.2.7");
}

static void does_without_an_address(void)
{
	const struct sockaddr local = { .sa_family = AF_UNIX };

	checks_address(NULL, "");
	checks_address(&local, "");
	tn_client_destroy(NULL);
}

static void knows_how_many_descriptors(void)
{
	CU_ASSERT(tn_client_most() > 0);
}

TEST_MAIN("serve/client",
          TEST(writes_ipv4),
          TEST(writes_ipv6),
          TEST(shows_mapped_as_ipv4),
          TEST(does_without_an_address),
          TEST(knows_how_many_descriptors))
