#include "serve/gate.h"

#include "cunit.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG_MS 60000

struct fixture {
	struct sockaddr_in address;
	int listener;
};

static void begin(struct fixture *fixture)
{
	socklen_t size = sizeof(fixture->address);

	fixture->address = (struct sockaddr_in){ .sin_family = AF_INET };
	fixture->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fixture->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CU_ASSERT_FATAL(!bind(fixture->listener, (struct sockaddr *)&fixture->address, size));
	CU_ASSERT_FATAL(!listen(fixture->listener, 8));
	CU_ASSERT_FATAL(
		!getsockname(fixture->listener, (struct sockaddr *)&fixture->address, &size));
}

/* Its error is 0 where it is connected at once, as on the loopback it is. */
static int begin_to_connect(const struct fixture *fixture, int *error)
{
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*error = connect(client, (const struct sockaddr *)&fixture->address,
	                 sizeof(fixture->address))
	                 ? errno
	                 : 0;
	if (*error == EINPROGRESS && poll(&(struct pollfd){ client, POLLOUT, 0 }, 1, 0) == 1)
		*error = 0;
	return client;
}

static void who_has_come_is_let_in_and_nobody_else(void)
{
	struct fixture fixture;
	int error, first, second, accepted;
	char byte = 0;

	begin(&fixture);
	CU_ASSERT(!tn_gate_is_closed(fixture.listener));
	first = begin_to_connect(&fixture, &error);
	CHECK_NUMBER(error, 0);
	CU_ASSERT(tn_gate_close(fixture.listener));
	CU_ASSERT(tn_gate_is_closed(fixture.listener));
	second = begin_to_connect(&fixture, &error);
	CHECK_NUMBER(error, EINPROGRESS);
	accepted = accept4(fixture.listener, NULL, NULL, SOCK_CLOEXEC);
	CU_ASSERT(accepted >= 0);
	CHECK_NUMBER(accept4(fixture.listener, NULL, NULL, SOCK_CLOEXEC), -1);
	CHECK_NUMBER(errno, EAGAIN);
	close(fixture.listener);

	/* Both directions, and the end. */
	CHECK_NUMBER(write(first, "x", 1), 1);
	CHECK_NUMBER(read(accepted, &byte, 1), 1);
	CHECK_NUMBER(write(accepted, "y", 1), 1);
	CHECK_NUMBER(poll(&(struct pollfd){ first, POLLIN, 0 }, 1, LONG_MS), 1);
	CHECK_NUMBER(read(first, &byte, 1), 1);
	CHECK_NUMBER(byte, 'y');
	close(first);
	CHECK_NUMBER(read(accepted, &byte, 1), 0);
	close(accepted);
	close(second);
}

/* When it asks again. */
static void who_comes_then_is_refused_in_the_end(void)
{
	struct fixture fixture;
	socklen_t size = sizeof(int);
	int error, client;

	begin(&fixture);
	tn_gate_close(fixture.listener);
	client = begin_to_connect(&fixture, &error);
	CHECK_NUMBER(error, EINPROGRESS);
	close(fixture.listener);
	CHECK_NUMBER(poll(&(struct pollfd){ client, POLLOUT, 0 }, 1, LONG_MS), 1);
	CHECK_NUMBER(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	CHECK_NUMBER(error, ECONNREFUSED);
	close(client);
}

static void it_is_closed_for_all_who_have_the_socket(void)
{
	struct fixture fixture;
	int other;

	begin(&fixture);
	other = dup(fixture.listener);
	tn_gate_close(fixture.listener);
	CU_ASSERT(tn_gate_is_closed(other));
	close(fixture.listener);
	close(other);
	CU_ASSERT(!tn_gate_close(-1));
	CU_ASSERT(!tn_gate_is_closed(-1));
}

TEST_MAIN("serve/gate",
          TEST(who_has_come_is_let_in_and_nobody_else),
          TEST(who_comes_then_is_refused_in_the_end),
          TEST(it_is_closed_for_all_who_have_the_socket))
