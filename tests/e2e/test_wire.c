/* test_wire.c - bytes and connections that come and go as they please. */
#include "harness.h"

#include "../cunit.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGE ((size_t)8 << 20)

static struct host *start_with(const char *settings, const struct host_options *options)
{
	return host_start_with(scratch_write("wire.ini",
	                                     "[host]\n"
	                                     "listen = 127.0.0.1:0\n"
	                                     "%s"
	                                     "[worker echo]\n"
	                                     "module = %s\n"
	                                     "route = /*\n"
	                                     "[worker large]\n"
	                                     "module = %s\n"
	                                     "route = large/*\n",
	                                     settings, fixture("serve_echo"),
	                                     fixture("serve_large")),
	                       options);
}

static struct host *start(const char *settings)
{
	return start_with(settings, NULL);
}

static void check_alive(const struct host *host)
{
	struct http_reply *reply = http_get(host, "/alive");

	CHECK_NUMBER(reply->status, 200);
	CHECK_TEXT(http_header(reply, "X-Target"), "/alive");
}

/* Waits until the host has read what was sent: it lies no more in the sockets between the two. */
static void wait_until_taken(int socket)
{
	long long end = now_ms() + deadline_ms();
	int left = 1;

	while (ioctl(socket, TIOCOUTQ, &left) == 0 && left && now_ms() < end)
		nap();
}

/* ---- Bytes in any parts -------------------------------------------------------------------- */

static char *reply_in_two_parts(const struct host *host, const char *text, size_t first)
{
	int socket = wire_connect(host);
	struct wire_bytes reply;
	char *id;

	wire_send(socket, text, first);
	wait_until_taken(socket);
	wire_text(socket, text + first);
	reply = wire_read_all(socket);
	close(socket);
	id = strstr(reply.data, "\r\nX-Id: ");
	if (id)
		memset(id + strlen("\r\nX-Id: "), '0', 16);
	return wire_without_date(&reply);
}

static void a_request_split_at_any_byte_gets_the_same_reply(void)
{
	static const char *const requests[] = {
		"POST /a?b=c HTTP/1.1\r\nHost: example.com\r\nX-Header:  some value \r\n"
		"Content-Length: 5\r\nConnection: close\r\n\r\nhello",
		"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
		"\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
	};
	struct host *host = start("");

	for (size_t i = 0; i < 2; i++) {
		size_t size = strlen(requests[i]);
		char *whole = reply_in_two_parts(host, requests[i], size);

		CHECK_TEXT(strstr(whole, "\r\n\r\n"), "\r\n\r\nhello");
		for (size_t first = 1; first < size; first++) {
			if (!CHECK_TEXT(reply_in_two_parts(host, requests[i], first), whole))
				printf("\tsplit after %zu bytes\n", first);
		}
	}
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), (long long)(strlen(requests[0]) +
	                                                  strlen(requests[1])));
}

static void a_request_that_comes_byte_by_byte_is_answered(void)
{
	static const char text[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
	struct host *host = start("");
	int socket = wire_connect(host);
	struct wire_bytes reply;

	for (size_t i = 0; text[i]; i++) {
		wire_send(socket, text + i, 1);
		wait_until_taken(socket);
	}
	reply = wire_read(socket, 1);
	CHECK_NUMBER(wire_status(&reply), 200);
	CHECK_TEXT(strstr(reply.data, "\r\n\r\n"), "\r\n\r\nabc");
	close(socket);
	host_end(host);
}

/* ---- Clients that go away ------------------------------------------------------------------ */

static void a_client_that_resets_in_the_head_does_no_harm(void)
{
	struct host *host = start("");
	int socket = wire_connect(host);

	wire_text(socket, "GET /gone HTTP/1.1\r\nHo");
	wait_until_taken(socket);
	check_alive(host); /* by now the host has seen the part */
	wire_reset(socket);
	host_logged(host, "target=\"/gone\"");
	check_alive(host);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), "target=\"/gone\" status=0 bytes=0 us=[0-9]+ "
	                                            "chain=- aborted=yes$"),
	             1);
	CHECK_NUMBER(host_access_lines(host), 3);
}

static void a_client_that_goes_before_its_first_byte_leaves_no_line(void)
{
	struct host *host = start("");

	wire_reset(wire_connect(host));
	close(wire_connect(host));
	check_alive(host);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 1);
}

static void a_client_that_resets_in_the_body_does_no_harm(void)
{
	struct host *host = start("");
	int socket = wire_connect(host);

	wire_text(socket, "POST /gone HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
	wait_until_taken(socket);
	check_alive(host);
	wire_reset(socket);
	host_logged(host, "target=\"/gone\"");
	check_alive(host);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), "target=\"/gone\" status=0 bytes=0 us=[0-9]+ "
	                                            "chain=- aborted=yes$"),
	             1);
	CHECK_NUMBER(host_access_lines(host), 3);
}

/* The reply is far larger than what the kernel takes for a client that does not read. */
static void a_client_that_resets_in_the_reply_does_no_harm(void)
{
	struct host *host = start("");
	int socket = wire_connect_with(host, 4096);
	char part[1024];

	wire_text(socket, "GET /owned HTTP/1.1\r\nHost: large\r\n\r\n");
	CHECK_NUMBER(recv(socket, part, sizeof(part), MSG_WAITALL), sizeof(part));
	check_alive(host);
	CHECK_NUMBER(count_of(host_log(host), "released"), 0);
	wire_reset(socket);
	host_logged(host, "target=\"/owned\"");
	host_logged(host, "released");
	check_alive(host);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), "target=\"/owned\" status=200 bytes=[0-9]+ "
	                                            "us=[0-9]+ chain=large aborted=yes$"),
	             1);
	CHECK_NUMBER(count_of(host_log(host), "released"), 1);
	CHECK_NUMBER(host_access_lines(host), 3);
}

static void a_client_that_has_no_more_to_say_gets_its_reply(void)
{
	struct host *host = start("");
	int socket = wire_connect(host);
	struct wire_bytes reply;

	wire_text(socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	shutdown(socket, SHUT_WR);
	reply = wire_read(socket, 1);
	CHECK_NUMBER(wire_status(&reply), 200);
	close(socket);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), " status=200 .* chain=echo$"), 1);
}

static void the_end_of_an_idle_client_ends_the_connection(void)
{
	struct host *host = start("");
	int socket = wire_connect(host);
	struct wire_bytes reply;

	wire_text(socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	reply = wire_read(socket, 1);
	CHECK_NUMBER(wire_status(&reply), 200);
	shutdown(socket, SHUT_WR);
	reply = wire_read_all(socket);
	CHECK_NUMBER(reply.closed && !reply.reset, true);
	CHECK_NUMBER(reply.size, 0);
	close(socket);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 1);
}

/* ---- Connections that end ------------------------------------------------------------------ */

static void http_1_0_closes_unless_it_asks_to_keep(void)
{
	struct host *host = start("");
	struct wire_bytes reply = wire_talk(host, "GET / HTTP/1.0\r\n\r\n", 0);

	CHECK_NUMBER(wire_status(&reply), 200);
	CHECK_NUMBER(reply.closed, true);
	reply = wire_talk(host, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
	                        "GET / HTTP/1.0\r\n\r\n",
	                  0);
	CHECK_NUMBER(lines_matching(reply.data, "HTTP/1[.][01] 200 OK\r?$"), 2);
	host_end(host);
}

static void connection_close_closes(void)
{
	struct host *host = start("");
	struct wire_bytes reply = wire_talk(host, "GET / HTTP/1.1\r\nHost: a\r\n"
	                                          "Connection: close\r\n\r\n"
	                                          "GET /never HTTP/1.1\r\nHost: a\r\n\r\n",
	                                    0);

	CHECK_NUMBER(count_of(reply.data, "HTTP/1.1 "), 1);
	CHECK_NUMBER(count_of(reply.data, "\r\nConnection: close\r\n"), 1);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 1);
}

/* The lower bound shows that it is the timeout, the upper one that it is the 1 s of the file. */
static void idle_timeout_closes_an_idle_connection(void)
{
	struct host *host = start("idle_timeout = 1s\n");
	int socket = wire_connect(host);
	long long begun = now_ms(); /* before the host's own clock does */
	struct wire_bytes reply;

	wire_text(socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	reply = wire_read(socket, 1);
	CHECK_NUMBER(wire_status(&reply), 200);
	reply = wire_read_all(socket);
	CHECK_NUMBER(reply.size, 0);
	CHECK_NUMBER(reply.closed, true);
	CHECK_NUMBER(now_ms() - begun >= 500, true);
	CHECK_NUMBER(now_ms() - begun < 20 * 1000, true);
	close(socket);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 1);
}

/* ---- Large replies ------------------------------------------------------------------------- */

static bool is_pattern(const struct wire_bytes *reply)
{
	const char *body = strstr(reply->data, "\r\n\r\n");

	if (!body)
		return false;
	body += 4;
	if (reply->size - (size_t)(body - reply->data) != LARGE)
		return false;
	for (size_t i = 0; i < LARGE; i++) {
		if (body[i] != (char)('a' + i % 23))
			return false;
	}
	return true;
}

/* Begins to read only when the host cannot write any more, and does other things meanwhile. */
static void large_reply_arrives(struct host *host, const char *path)
{
	int socket = wire_connect_with(host, 4096);
	struct wire_bytes reply;
	char byte;

	wire_text(socket, text_of("GET %s HTTP/1.1\r\nHost: large\r\nConnection: close\r\n\r\n",
	                          path));
	CHECK_NUMBER(recv(socket, &byte, 1, MSG_PEEK), 1);
	for (int i = 0; i < 10; i++)
		check_alive(host);
	CHECK_NUMBER(count_of(host_log(host), text_of("target=\"%s\"", path)), 0);
	reply = wire_read_all(socket);
	CHECK_NUMBER(wire_status(&reply), 200);
	CHECK_NUMBER(count_of(reply.data, "\r\nContent-Length: 8388608\r\n"), 1);
	CHECK_NUMBER(is_pattern(&reply), true);
	close(socket);
	host_logged(host, text_of("target=\"%s\" status=200 bytes=8388608 ", path));
}

static void a_large_reply_arrives_whole_at_a_slow_reader(void)
{
	struct host *host = start("");

	large_reply_arrives(host, "/static");
	large_reply_arrives(host, "/copy");
	large_reply_arrives(host, "/owned");
	host_logged(host, "released");
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), "released"), 1);
	CHECK_NUMBER(lines_matching(host_log(host), "Z access .* aborted"), 0);
}

/* ---- Many connections ---------------------------------------------------------------------- */

static void two_hundred_connections_are_served_at_once(void)
{
	struct host *host = start("");
	int sockets[200];
	size_t count = sizeof(sockets) / sizeof(sockets[0]);

	for (size_t i = 0; i < count; i++)
		sockets[i] = wire_connect(host);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < count; i++)
			wire_text(sockets[i], text_of("GET /%zu HTTP/1.1\r\nHost: a\r\n\r\n", i));
		for (size_t i = 0; i < count; i++) {
			struct wire_bytes reply = wire_read(sockets[i], 1);

			CHECK_NUMBER(count_of(reply.data, text_of("X-Target: /%zu\r\n", i)), 1);
		}
	}
	for (size_t i = 0; i < count; i++)
		close(sockets[i]);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 600);
}

static bool has_reply(int socket)
{
	struct pollfd wanted = { .fd = socket, .events = POLLIN };

	return poll(&wanted, 1, 0) == 1;
}

/* 80 descriptors are fewer than 120 connections: the rest waits in the listener's queue. */
static void connections_beyond_the_descriptors_wait_until_others_end(void)
{
	struct host *host = start_with("max_connections_per_address = 120\n",
	                               &(struct host_options){ .descriptors = 80 });
	int sockets[120];
	size_t count = sizeof(sockets) / sizeof(sockets[0]);
	struct wire_bytes reply;

	for (size_t i = 0; i < count; i++) {
		sockets[i] = wire_connect(host);
		wire_text(sockets[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	host_logged(host, "new connections wait: as many are open as there are descriptors for");
	reply = wire_read(sockets[0], 1);
	CHECK_NUMBER(wire_status(&reply), 200);
	CHECK_NUMBER(has_reply(sockets[count - 1]), false);
	close(sockets[0]);
	for (size_t i = 1; i < count; i++) {
		reply = wire_read(sockets[i], 1);
		CHECK_NUMBER(wire_status(&reply), 200);
		close(sockets[i]);
	}
	check_alive(host);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), "new connections wait: "), 1);
	CHECK_NUMBER(host_access_lines(host), (long long)count + 1);
}

TEST_MAIN("e2e/wire",
          TEST(a_request_split_at_any_byte_gets_the_same_reply),
          TEST(a_request_that_comes_byte_by_byte_is_answered),
          TEST(a_client_that_resets_in_the_head_does_no_harm),
          TEST(a_client_that_goes_before_its_first_byte_leaves_no_line),
          TEST(a_client_that_resets_in_the_body_does_no_harm),
          TEST(a_client_that_resets_in_the_reply_does_no_harm),
          TEST(a_client_that_has_no_more_to_say_gets_its_reply),
          TEST(the_end_of_an_idle_client_ends_the_connection),
          TEST(http_1_0_closes_unless_it_asks_to_keep),
          TEST(connection_close_closes),
          TEST(idle_timeout_closes_an_idle_connection),
          TEST(a_large_reply_arrives_whole_at_a_slow_reader),
          TEST(two_hundred_connections_are_served_at_once),
          TEST(connections_beyond_the_descriptors_wait_until_others_end))
