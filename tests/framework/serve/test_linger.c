#include "serve/linger.h"

#include "cunit.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tn_linger *linger;

static void begin(void)
{
	linger = tn_linger_create();
	CU_ASSERT_PTR_NOT_NULL_FATAL(linger);
}

static void end(void)
{
	tn_linger_destroy(linger);
}

/* Returns the client's end. */
static int add(int64_t now)
{
	int ends[2];

	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	tn_linger_add(linger, ends[0], now);
	return ends[1];
}

/* Whether the other end has been closed: nobody would read what is sent. */
static bool is_closed(int socket)
{
	return send(socket, "x", 1, MSG_NOSIGNAL) < 0;
}

static void the_client_is_told_and_may_go_on(void)
{
	char byte;
	int socket;

	begin();
	socket = add(0);
	CHECK_NUMBER(read(socket, &byte, 1), 0);
	for (int i = 0; i < 10; i++) {
		CU_ASSERT_FALSE(is_closed(socket));
		tn_linger_run(linger, 100);
	}
	CHECK_NUMBER(tn_linger_count(linger), 1);
	close(socket);
	end();
}

static void its_end_ends_it(void)
{
	struct pollfd readable = { .events = POLLIN };
	int socket;

	begin();
	socket = add(0);
	readable.fd = tn_linger_descriptor(linger);
	CHECK_NUMBER(poll(&readable, 1, 0), 0);
	close(socket);
	CHECK_NUMBER(poll(&readable, 1, 0), 1);
	tn_linger_run(linger, 0);
	CHECK_NUMBER(tn_linger_count(linger), 0);
	CU_ASSERT(tn_linger_next(linger) == INT64_MAX);
	end();
}

static void one_that_has_ended_is_not_kept(void)
{
	int ends[2];

	begin();
	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	CHECK_NUMBER(write(ends[1], "more", 4), 4);
	close(ends[1]);
	tn_linger_add(linger, ends[0], 0);
	CHECK_NUMBER(tn_linger_count(linger), 0);
	CHECK_NUMBER(fcntl(ends[0], F_GETFD), -1);
	end();
}

static void its_time_ends_it(void)
{
	int first;
	int second;

	begin();
	first = add(1000);
	second = add(1500);
	CHECK_NUMBER(tn_linger_next(linger), 1000 + TN_LINGER_MS);
	tn_linger_run(linger, 1000 + TN_LINGER_MS - 1);
	CHECK_NUMBER(tn_linger_count(linger), 2);
	tn_linger_run(linger, 1000 + TN_LINGER_MS);
	CU_ASSERT(is_closed(first));
	CU_ASSERT_FALSE(is_closed(second));
	CHECK_NUMBER(tn_linger_next(linger), 1500 + TN_LINGER_MS);
	close(first);
	close(second);
	end();
}

static void too_many_bytes_end_it(void)
{
	static char bytes[64 * 1024];
	size_t sent = 0;
	ssize_t size;
	int socket;

	begin();
	socket = add(0);
	while ((size = send(socket, bytes, sizeof(bytes), MSG_NOSIGNAL)) > 0) {
		sent += (size_t)size;
		tn_linger_run(linger, 0);
	}
	CU_ASSERT(sent > TN_LINGER_BYTES);
	CU_ASSERT(sent < 2 * TN_LINGER_BYTES);
	CHECK_NUMBER(tn_linger_count(linger), 0);
	close(socket);
	end();
}

static void one_too_many_ends_the_oldest(void)
{
	int sockets[TN_LINGER_MOST + 1];

	begin();
	for (unsigned i = 0; i <= TN_LINGER_MOST; i++)
		sockets[i] = add(0);
	CHECK_NUMBER(tn_linger_count(linger), TN_LINGER_MOST);
	CU_ASSERT(is_closed(sockets[0]));
	CU_ASSERT_FALSE(is_closed(sockets[1]));
	CU_ASSERT_FALSE(is_closed(sockets[TN_LINGER_MOST]));
	for (unsigned i = 0; i <= TN_LINGER_MOST; i++)
		close(sockets[i]);
	end();
}

static void what_is_left_is_closed(void)
{
	int socket;

	begin();
	socket = add(0);
	end();
	CU_ASSERT(is_closed(socket));
	close(socket);
	tn_linger_destroy(NULL);
}

TEST_MAIN("serve/linger",
          TEST(the_client_is_told_and_may_go_on),
          TEST(its_end_ends_it),
          TEST(one_that_has_ended_is_not_kept),
          TEST(its_time_ends_it),
          TEST(too_many_bytes_end_it),
          TEST(one_too_many_ends_the_oldest),
          TEST(what_is_left_is_closed))
