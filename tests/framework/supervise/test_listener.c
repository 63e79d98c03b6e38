#include "supervise/listener.h"

#include "../deploy/scratch.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sysexits.h>

struct fixture {
	struct tn_listener listener;
	char reason[512];
	int code;
};

static void bind_to(struct fixture *fixture, const char *text)
{
	struct tn_address address;

	*fixture = (struct fixture){ .listener.socket = -1 };
	CU_ASSERT_PTR_NULL_FATAL(tn_address_parse(text, &address));
	fixture->code = tn_listener_bind(&fixture->listener, &address, fixture->reason,
	                                 sizeof(fixture->reason));
}

static void close_fixture(struct fixture *fixture)
{
	if (fixture->listener.socket >= 0)
		close(fixture->listener.socket);
}

static void listen_on(struct fixture *fixture, const char *text)
{
	bind_to(fixture, text);
	CHECK_TEXT(fixture->reason, "");
	CHECK_NUMBER(fixture->code, 0);
	if (!fixture->code)
		CHECK_NUMBER(tn_listener_listen(&fixture->listener, fixture->reason,
		                                sizeof(fixture->reason)),
		             0);
}

static unsigned port_of(const struct fixture *fixture)
{
	const char *colon = strrchr(fixture->listener.name, ':');

	return colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

static bool connects_v4(unsigned port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected = connect(client, (struct sockaddr *)&address, sizeof(address)) == 0;

	close(client);
	return connected;
}

static bool connects_v6(unsigned port)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected = connect(client, (struct sockaddr *)&address, sizeof(address)) == 0;

	close(client);
	return connected;
}

static bool has_ipv6(const char *test)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int socket_ = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = bind(socket_, (struct sockaddr *)&address, sizeof(address)) == 0;

	close(socket_);
	if (!has)
		printf("%s: skipped, this machine has no IPv6\n", test);
	return has;
}

static int option_of(const struct fixture *fixture, int level, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	CU_ASSERT_EQUAL(getsockopt(fixture->listener.socket, level, option, &value, &size), 0);
	return value;
}

static void a_free_port_is_named(void)
{
	struct fixture fixture;

	listen_on(&fixture, "127.0.0.1:0");
	CU_ASSERT(strncmp(fixture.listener.name, "127.0.0.1:", 10) == 0);
	CU_ASSERT(port_of(&fixture) > 0);
	CU_ASSERT_TRUE(connects_v4(port_of(&fixture)));
	close_fixture(&fixture);
}

/* Or a client would wait for a host that may not come up. */
static void nobody_is_let_in_before_listening(void)
{
	struct fixture fixture;

	bind_to(&fixture, "127.0.0.1:0");
	CHECK_NUMBER(fixture.code, 0);
	CU_ASSERT_FALSE(connects_v4(port_of(&fixture)));
	CHECK_NUMBER(tn_listener_listen(&fixture.listener, fixture.reason, sizeof(fixture.reason)),
	             0);
	CU_ASSERT_TRUE(connects_v4(port_of(&fixture)));
	close_fixture(&fixture);
}

static void accepting_does_not_block(void)
{
	struct fixture fixture;

	listen_on(&fixture, "127.0.0.1:0");
	CU_ASSERT(fcntl(fixture.listener.socket, F_GETFL) & O_NONBLOCK);
	CU_ASSERT(fcntl(fixture.listener.socket, F_GETFD) & FD_CLOEXEC);
	CU_ASSERT(accept(fixture.listener.socket, NULL, NULL) < 0 && errno == EAGAIN);
	close_fixture(&fixture);
}

/* A machine as debootstrap leaves it has no /etc/hosts. */
static bool has_localhost(void)
{
	struct addrinfo *found = NULL;
	bool has = getaddrinfo("localhost", NULL, NULL, &found) == 0;

	if (has)
		freeaddrinfo(found);
	else
		printf("localhost_is_resolved: skipped, this machine does not know localhost\n");
	return has;
}

static void localhost_is_resolved(void)
{
	struct fixture fixture;

	if (!has_localhost())
		return;
	listen_on(&fixture, "localhost:0");
	CU_ASSERT(strncmp(fixture.listener.name, "127.0.0.1:", 10) == 0 ||
	          strncmp(fixture.listener.name, "[::1]:", 6) == 0);
	CU_ASSERT(port_of(&fixture) > 0);
	close_fixture(&fixture);
}

static void an_ipv6_address_is_named_in_brackets(void)
{
	struct fixture fixture;

	if (!has_ipv6(__func__))
		return;
	listen_on(&fixture, "[::1]:0");
	CU_ASSERT(strncmp(fixture.listener.name, "[::1]:", 6) == 0);
	CU_ASSERT_TRUE(connects_v6(port_of(&fixture)));
	CHECK_NUMBER(option_of(&fixture, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	close_fixture(&fixture);
}

static void a_star_takes_both_families(void)
{
	struct fixture fixture;

	listen_on(&fixture, "*:0");
	CU_ASSERT_TRUE(connects_v4(port_of(&fixture)));
	if (has_ipv6(__func__))
		CU_ASSERT_TRUE(connects_v6(port_of(&fixture)));
	close_fixture(&fixture);
}

#define IN_USE \
	"Address already in use: another program listens there (`ss -ltnp` names it); end it, or " \
	"change `listen`"

static void a_port_in_use_is_unavailable(void)
{
	struct fixture first, second;
	char expected[512];

	listen_on(&first, "127.0.0.1:0");
	bind_to(&second, first.listener.name);
	CHECK_NUMBER(second.code, EX_UNAVAILABLE);
	snprintf(expected, sizeof(expected), "%s: " IN_USE, first.listener.name);
	CHECK_TEXT(second.reason, expected);
	CU_ASSERT(second.listener.socket < 0);
	close_fixture(&first);
}

/* Two that start at once: each can bind, one can listen. */
static void a_port_that_another_was_faster_to_take_is_unavailable(void)
{
	struct fixture first, second;
	char expected[512];

	bind_to(&first, "127.0.0.1:0");
	bind_to(&second, first.listener.name);
	CHECK_NUMBER(second.code, 0);
	CHECK_NUMBER(tn_listener_listen(&second.listener, second.reason, sizeof(second.reason)), 0);
	CHECK_NUMBER(tn_listener_listen(&first.listener, first.reason, sizeof(first.reason)),
	             EX_UNAVAILABLE);
	snprintf(expected, sizeof(expected), "%s: " IN_USE, first.listener.name);
	CHECK_TEXT(first.reason, expected);
	close_fixture(&first);
	close_fixture(&second);
}

/* Its queue is as long as the unit says. */
static void one_that_was_given_is_left_as_it_is(void)
{
	struct fixture fixture;

	bind_to(&fixture, "127.0.0.1:0");
	fixture.listener.given = true;
	CHECK_NUMBER(tn_listener_listen(&fixture.listener, fixture.reason, sizeof(fixture.reason)),
	             0);
	CHECK_NUMBER(option_of(&fixture, SOL_SOCKET, SO_ACCEPTCONN), 0);
	close_fixture(&fixture);
}

/* ---- Several sockets for one address -------------------------------------------------------- */

/* The second one of an address, which listens too. */
static int join(const struct fixture *fixture)
{
	int joined = tn_listener_join(&fixture->listener);

	CU_ASSERT_FATAL(joined >= 0);
	CHECK_NUMBER(listen(joined, 64), 0);
	return joined;
}

static unsigned accept_all(int socket_)
{
	unsigned count = 0;
	int client;

	while ((client = accept(socket_, NULL, NULL)) >= 0) {
		close(client);
		count++;
	}
	CU_ASSERT(errno == EAGAIN || errno == EWOULDBLOCK);
	return count;
}

/* 64 connections that all fell to one of two: once in 2^63. */
static void those_that_join_share_what_comes(const char *address,
                                             bool (*connects)(unsigned port))
{
	struct fixture fixture;
	unsigned first, second;
	int joined;

	listen_on(&fixture, address);
	joined = join(&fixture);
	for (int i = 0; i < 64; i++)
		CU_ASSERT_TRUE(connects(port_of(&fixture)));
	first = accept_all(fixture.listener.socket);
	second = accept_all(joined);
	CHECK_NUMBER(first + second, 64);
	CU_ASSERT(first > 0 && second > 0);
	close(joined);
	close_fixture(&fixture);
}

static void two_sockets_share_an_address(void)
{
	those_that_join_share_what_comes("127.0.0.1:0", connects_v4);
}

static void two_sockets_share_an_ipv6_address(void)
{
	if (has_ipv6(__func__))
		those_that_join_share_what_comes("[::1]:0", connects_v6);
}

static void two_sockets_share_both_families(void)
{
	those_that_join_share_what_comes("*:0", connects_v4);
	if (has_ipv6(__func__))
		those_that_join_share_what_comes("*:0", connects_v6);
}

static void one_that_joins_is_like_the_first(void)
{
	struct fixture fixture;
	struct tn_listener second;

	bind_to(&fixture, "127.0.0.1:0");
	second = fixture.listener;
	second.socket = tn_listener_join(&fixture.listener);
	CU_ASSERT_FATAL(second.socket >= 0);
	CU_ASSERT(fcntl(second.socket, F_GETFL) & O_NONBLOCK);
	CU_ASSERT(fcntl(second.socket, F_GETFD) & FD_CLOEXEC);
	CU_ASSERT_FALSE(connects_v4(port_of(&fixture))); /* neither listens */
	CHECK_NUMBER(tn_listener_listen(&second, fixture.reason, sizeof(fixture.reason)), 0);
	CU_ASSERT_TRUE(connects_v4(port_of(&fixture)));
	close(second.socket);
	close_fixture(&fixture);
}

/* The flag that lets siblings in does not let another host in, nor is it kept from seeing that the
 * port is taken. */
static void a_port_that_siblings_share_is_in_use(void)
{
	struct fixture first, second;
	int joined;

	listen_on(&first, "127.0.0.1:0");
	joined = join(&first);
	bind_to(&second, first.listener.name);
	CHECK_NUMBER(second.code, EX_UNAVAILABLE);
	CU_ASSERT(strstr(second.reason, IN_USE) != NULL);
	CU_ASSERT(second.listener.socket < 0);
	close(joined);
	close_fixture(&first);
}

static void nothing_joins_what_is_no_socket(void)
{
	const struct tn_listener none = { .socket = -1 };

	errno = 0;
	CHECK_NUMBER(tn_listener_join(&none), -1);
	CHECK_NUMBER(errno, EBADF);
}

/* ---- What cannot be bound ------------------------------------------------------------------ */

/* What a host that has just stopped leaves must not keep the next one from starting. */
static void an_address_can_be_bound_again_at_once(void)
{
	struct fixture fixture;

	bind_to(&fixture, "127.0.0.1:0");
	CHECK_NUMBER(option_of(&fixture, SOL_SOCKET, SO_REUSEADDR), 1);
	/* It would hide a port in use. */
	CHECK_NUMBER(option_of(&fixture, SOL_SOCKET, SO_REUSEPORT), 0);
	close_fixture(&fixture);
}

static void an_address_of_another_machine_is_unavailable(void)
{
	struct fixture fixture;

	bind_to(&fixture, "192.0.2.1:0");
	CHECK_NUMBER(fixture.code, EX_UNAVAILABLE);
	CHECK_TEXT(fixture.reason, "192.0.2.1:0: Cannot assign requested address: this machine "
	                           "does not have that address");
}

static void a_name_that_is_none_is_unavailable(void)
{
	struct fixture fixture;

	bind_to(&fixture, "nowhere.invalid:80");
	CHECK_NUMBER(fixture.code, EX_UNAVAILABLE);
	CU_ASSERT(strncmp(fixture.reason, "nowhere.invalid: ", 17) == 0);
}

/* A port that nobody listens on, below where privileges end; 0 where there is none. */
static unsigned privileged_port(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
	char text[16] = "1024";

	if (file) {
		if (!fgets(text, sizeof(text), file))
			text[0] = '\0';
		fclose(file);
	}
	return strtoul(text, NULL, 10) > 1 ? 1 : 0;
}

static int bind_privileged(void *argument)
{
	struct fixture fixture;

	(void)argument;
	bind_to(&fixture, "127.0.0.1:1");
	if (strcmp(fixture.reason, "127.0.0.1:1: Permission denied: a port below 1024 needs "
	                           "privileges; use a higher one, or give the program "
	                           "CAP_NET_BIND_SERVICE") != 0)
		return 1;
	return fixture.code;
}

static void a_privileged_port_is_not_permitted(void)
{
	if (!privileged_port()) {
		printf("%s: skipped, this machine has no privileged ports\n", __func__);
		return;
	}
	if (geteuid() == 0)
		CHECK_NUMBER(as_nobody(bind_privileged, NULL), EX_NOPERM);
	else
		CHECK_NUMBER(bind_privileged(NULL), EX_NOPERM);
}

TEST_MAIN("supervise/listener",
          TEST(a_free_port_is_named),
          TEST(nobody_is_let_in_before_listening),
          TEST(accepting_does_not_block),
          TEST(localhost_is_resolved),
          TEST(an_ipv6_address_is_named_in_brackets),
          TEST(a_star_takes_both_families),
          TEST(a_port_in_use_is_unavailable),
          TEST(a_port_that_another_was_faster_to_take_is_unavailable),
          TEST(one_that_was_given_is_left_as_it_is),
          TEST(two_sockets_share_an_address),
          TEST(two_sockets_share_an_ipv6_address),
          TEST(two_sockets_share_both_families),
          TEST(one_that_joins_is_like_the_first),
          TEST(a_port_that_siblings_share_is_in_use),
          TEST(nothing_joins_what_is_no_socket),
          TEST(an_address_can_be_bound_again_at_once),
          TEST(an_address_of_another_machine_is_unavailable),
          TEST(a_name_that_is_none_is_unavailable),
          TEST(a_privileged_port_is_not_permitted))
