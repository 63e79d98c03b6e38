#include "serve/client.h"

#include "cunit.h"

#include <netinet/in.h>
#include <unistd.h>

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

/* Two ends of a connection over the loopback. */
static void connect_both(int *server, int *client)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CU_ASSERT_FATAL(bind(listener, (struct sockaddr *)&address, size) == 0);
	CU_ASSERT_FATAL(listen(listener, 1) == 0);
	CU_ASSERT_FATAL(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	*client = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_FATAL(connect(*client, (struct sockaddr *)&address, size) == 0);
	*server = accept(listener, NULL, NULL);
	CU_ASSERT_FATAL(*server >= 0);
	close(listener);
}

/* A megabyte that nobody reads, and then somebody does. */
static void tells_what_was_received(void)
{
	static char bytes[1 << 20];
	struct tn_client client = { 0 };
	struct tn_delivery delivery;
	ssize_t sent, got = 0;
	uint64_t before;
	int peer;

	connect_both(&client.descriptor, &peer);
	before = tn_client_delivery(&client).received;
	CHECK_NUMBER(tn_client_delivery(&client).pending, false);
	sent = send(client.descriptor, bytes, sizeof(bytes), MSG_DONTWAIT);
	CU_ASSERT_FATAL(sent > 0);
	while (got < sent)
		got += recv(peer, bytes, sizeof(bytes), 0);
	/* What it has read it has acknowledged, or does so in a moment. */
	do {
		delivery = tn_client_delivery(&client);
	} while (delivery.pending);
	CHECK_NUMBER(delivery.received - before, sent);
	close(client.descriptor);
	close(peer);
}

static void knows_nothing_of_a_unix_socket(void)
{
	struct tn_client client = { .reply_received = 5 };
	struct tn_delivery delivery;
	int ends[2];

	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	client.descriptor = ends[0];
	CHECK_NUMBER(send(ends[0], "x", 1, 0), 1);
	delivery = tn_client_delivery(&client);
	CHECK_NUMBER(delivery.pending, false);
	CU_ASSERT(delivery.received > 1 << 30);
	close(ends[0]);
	close(ends[1]);
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
          TEST(tells_what_was_received),
          TEST(knows_nothing_of_a_unix_socket),
          TEST(knows_how_many_descriptors))
