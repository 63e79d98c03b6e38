/* test_deadlines.c - clients that take their time, and those that are too many; and a good one that
 * is served all the while. */
#include "harness.h"

#include "../cunit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define SMALL 150 /* replies: several times what a window of 4096 bytes takes */

/* For each test those are long that it is not about. */
static struct host *start_with(const char *settings, const struct host_options *options)
{
	return host_start_with(scratch_write("deadlines.ini",
	                                     "[host]\n"
	                                     "listen = 127.0.0.1:0\n"
	                                     "%s"
	                                     "[worker echo]\n"
	                                     "module = %s\n"
	                                     "route = /*\n"
	                                     "[worker slow]\n"
	                                     "module = %s\n"
	                                     "route = slow/*\n"
	                                     "blocking = yes\n"
	                                     "[worker large]\n"
	                                     "module = %s\n"
	                                     "route = large/*\n",
	                                     settings, fixture("serve_echo"), fixture("serve_slow"),
	                                     fixture("serve_large")),
	                       options);
}

static struct host *start(const char *settings)
{
	return start_with(settings, NULL);
}

static void check_alive(const struct host *host)
{
	CHECK_NUMBER(http_get(host, "/alive")->status, 200);
}

/* Whether the host has sent something, or ended the connection; waits for it so long. */
static bool has_come(int socket, int milliseconds)
{
	struct pollfd wanted = { .fd = socket, .events = POLLIN };

	return poll(&wanted, 1, milliseconds) == 1;
}

/* Sends the same again and again, until the host has something to say. */
static void drip(const struct host *host, int socket, const char *text)
{
	long long end = now_ms() + deadline_ms();

	while (!has_come(socket, 50) && now_ms() < end) {
		if (!wire_text(socket, text))
			break;
		check_alive(host);
	}
}

/* It gets that, and no more than that. */
static void check_end(int socket, int status)
{
	struct wire_bytes reply = wire_read_all(socket);

	CHECK_NUMBER(wire_status(&reply), status);
	CHECK_NUMBER(count_of(reply.data, "HTTP/1.1 "), status ? 1 : 0);
	if (status)
		CHECK_NUMBER(count_of(reply.data, "\r\nConnection: close\r\n"), 1);
	CHECK_NUMBER(reply.closed, true);
	close(socket);
}

static void check_warning(const struct host *host, const char *text)
{
	CHECK_NUMBER(lines_matching(host_log(host), text_of(" warning: 127.0.0.1: %s", text)), 1);
}

static unsigned accesses(const struct host *host, const char *text)
{
	return lines_matching(host_log(host), text_of(" access .* %s", text));
}

/* ---- Heads --------------------------------------------------------------------------------- */

#define HEAD_IS_LATE "answered with 408: a head is not whole, and head_timeout = 1000ms is over"

static void who_drips_a_head_gets_408(void)
{
	struct host *host = start("head_timeout = 1s\n");
	int socket = wire_connect(host);

	wire_text(socket, "GET /dripping HTTP/1.1\r\nHost: a\r\nX-Drip: ");
	drip(host, socket, "a");
	check_end(socket, 408);
	host_end(host);
	check_warning(host, HEAD_IS_LATE);
	CHECK_NUMBER(accesses(host, "target=\"/dripping\" status=408 "), 1);
}

/* Lines that are whole, and never the empty one. */
static void who_drips_fields_gets_408(void)
{
	struct host *host = start("head_timeout = 1s\n");
	int socket = wire_connect(host);

	wire_text(socket, "GET / HTTP/1.1\r\nHost: a\r\n");
	drip(host, socket, "X-A: b\r\n");
	check_end(socket, 408);
	host_end(host);
}

static void who_stops_in_the_request_line_gets_408(void)
{
	struct host *host = start("head_timeout = 1s\n");
	int socket = wire_connect(host);

	wire_text(socket, "GET /stopp");
	check_end(socket, 408);
	check_alive(host);
	host_end(host);
	check_warning(host, HEAD_IS_LATE);
	CHECK_NUMBER(accesses(host, "method=- target=\"-\" status=408 "), 1);
}

static void who_sends_nothing_is_closed_without_a_word(void)
{
	struct host *host = start("head_timeout = 1s\n");
	int socket = wire_connect(host);

	check_end(socket, 0);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 0);
	CHECK_NUMBER(lines_matching(host_log(host), " info: 127.0.0.1: closed: nothing has come"),
	             1);
}

/* All of those before are answered, and in order. */
static void who_pipelines_and_stops_gets_408_at_last(void)
{
	struct host *host = start("head_timeout = 1s\n");
	int socket = wire_connect(host);
	struct wire_bytes reply;

	for (int i = 0; i < 50; i++)
		wire_text(socket, text_of("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i));
	wire_text(socket, "GET /50 HTTP/1.1\r\nHo");
	reply = wire_read_all(socket);
	CHECK_NUMBER(count_of(reply.data, "HTTP/1.1 200 OK\r\n"), 50);
	CHECK_NUMBER(count_of(reply.data, "HTTP/1.1 408 "), 1);
	CHECK_NUMBER(count_of(strstr(reply.data, "X-Target: /49\r\n"), "HTTP/1.1 "), 1);
	CHECK_NUMBER(reply.closed, true);
	close(socket);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 51);
}

/* Each of its requests takes longer than all of the time that a head has. */
static void a_request_that_is_worked_on_is_not_cut(void)
{
	struct host *host = start("head_timeout = 1s\nbody_timeout = 1s\nwrite_timeout = 1s\n"
	                          "idle_timeout = 1s\n");
	struct wire_bytes reply =
		wire_talk(host,
	                  "GET /1?ms=2500 HTTP/1.1\r\nHost: slow\r\n\r\n"
	                  "POST /2?ms=2500 HTTP/1.1\r\nHost: slow\r\nContent-Length: 1\r\n\r\nx",
	                  2);

	CHECK_NUMBER(count_of(reply.data, "HTTP/1.1 200 OK\r\n"), 2);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), " warning: "), 0);
}

/* Stopped, it does not read what was sent in time. */
static void a_host_that_stood_still_blames_nobody(void)
{
	struct host *host = start("head_timeout = 3s\n");
	int socket = wire_connect(host);
	struct wire_bytes reply;

	wire_text(socket, "GET / HTTP/1.1\r\n");
	check_alive(host);
	host_signal(host, SIGSTOP);
	wire_text(socket, "Host: a\r\n\r\n");
	has_come(socket, 4000);
	host_signal(host, SIGCONT);
	reply = wire_read(socket, 1);
	CHECK_NUMBER(wire_status(&reply), 200);
	close(socket);
	host_end(host);
}

/* ---- Bodies -------------------------------------------------------------------------------- */

#define BODY_IS_LATE "answered with 408: a body comes too slowly, and body_timeout = 1000ms is over"

static void check_dripped_body(const char *name, const char *head, const char *part)
{
	struct host *host = start("body_timeout = 1s\nmin_rate = 1K\n");
	int socket = wire_connect(host);

	wire_text(socket, text_of("POST /body HTTP/1.1\r\nHost: %s\r\n%s\r\n", name, head));
	drip(host, socket, part);
	check_end(socket, 408);
	check_alive(host);
	host_end(host);
	check_warning(host, BODY_IS_LATE);
	CHECK_NUMBER(accesses(host, "method=POST target=\"/body\" status=408 "), 1);
}

static void who_drips_a_body_gets_408(void)
{
	check_dripped_body("a", "Content-Length: 100000\r\n", "x");
}

static void who_drips_chunks_gets_408(void)
{
	check_dripped_body("a", "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n");
}

static void who_drips_a_body_to_a_worker_that_waits_gets_408(void)
{
	check_dripped_body("slow", "Content-Length: 100000\r\n", "x");
}

static void who_stops_within_a_body_gets_408(void)
{
	struct host *host = start("body_timeout = 1s\nmin_rate = 0\n");
	int socket = wire_connect(host);

	wire_text(socket, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12345678");
	check_end(socket, 408);
	host_end(host);
	check_warning(host, BODY_IS_LATE);
}

/* It takes three times as long as it may, but some of it comes in each of these times. */
/* It is not reset, and has the time to find the reply. */
static void who_goes_on_behind_a_408_can_read_it(void)
{
	static const char more[64 * 1024];
	struct host *host = start("body_timeout = 1s\nmin_rate = 1K\n");
	int socket = wire_connect(host);
	struct pollfd replied = { socket, POLLIN, 0 };
	struct wire_bytes reply;

	wire_text(socket, "POST /on HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\na");
	CHECK_NUMBER(poll(&replied, 1, deadline_ms()), 1);
	for (int i = 0; i < 4; i++)
		CHECK_NUMBER(wire_send(socket, more, sizeof(more)), true);
	reply = wire_read_all(socket);
	CHECK_NUMBER(wire_status(&reply), 408);
	CHECK_NUMBER(reply.closed && !reply.reset, true);
	close(socket);
	host_end(host);
	CHECK_NUMBER(accesses(host, "target=\"/on\" status=408 "), 1);
}

static void a_body_that_keeps_the_rate_is_taken(void)
{
	struct host *host = start("body_timeout = 2s\nmin_rate = 0\n");
	int socket = wire_connect(host);
	struct wire_bytes reply;

	wire_text(socket, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n");
	for (int i = 0; i < 60; i++) {
		CHECK_NUMBER(has_come(socket, 100), false);
		wire_text(socket, "x");
	}
	reply = wire_read(socket, 1);
	CHECK_NUMBER(wire_status(&reply), 200);
	close(socket);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), " warning: "), 0);
}

/* ---- Replies ------------------------------------------------------------------------------- */

/* What the kernel has for clients of that port, and they have not: bytes, from proc(5). */
static unsigned long queued_at(int port)
{
	char wanted[16], line[512], local[64], queues[32];
	FILE *file = fopen("/proc/net/tcp", "re");
	unsigned long queued = 0;

	snprintf(wanted, sizeof(wanted), ":%04X", (unsigned)port);
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %*s %63s %*s %*s %31s", local, queues) == 2 &&
		    strcmp(local + strcspn(local, ":"), wanted) == 0)
			queued += strtoul(queues, NULL, 16);
	}
	if (file)
		fclose(file);
	return queued;
}

/* The memory for it is that of all connections. */
static void who_does_not_read_takes_little_of_the_kernel(void)
{
	struct host *host = start("");
	int sockets[10];
	char byte;

	for (int i = 0; i < 10; i++) {
		sockets[i] = wire_connect_with(host, 4096);
		wire_text(sockets[i], "GET /static HTTP/1.1\r\nHost: large\r\n\r\n");
		CHECK_NUMBER(recv(sockets[i], &byte, 1, MSG_PEEK), 1);
		check_alive(host);
	}
	CU_ASSERT(queued_at(host->port) > 0);
	CU_ASSERT(queued_at(host->port) < 10UL * 600 * 1024);
	for (int i = 0; i < 10; i++)
		wire_reset(sockets[i]);
	host_end(host);
}

static void who_does_not_read_is_cut_off(void)
{
	struct host *host = start("write_timeout = 1s\n");
	int socket = wire_connect_with(host, 4096);
	struct wire_bytes reply;

	wire_text(socket, "GET /static HTTP/1.1\r\nHost: large\r\n\r\n");
	host_logged(host, " warning: 127.0.0.1: cut off: a reply is received too slowly, and "
	                  "write_timeout = 1000ms is over");
	check_alive(host);
	reply = wire_read_all(socket);
	CHECK_NUMBER(reply.reset, true);
	CHECK_NUMBER(reply.size < 8 << 20, true);
	close(socket);
	host_end(host);
	CHECK_NUMBER(accesses(host, "target=\"/static\" status=200 .* aborted=yes$"), 1);
}

/* The kernel takes all of the replies, so that for libmicrohttpd each is delivered. They are asked
 * for at once: the time begins when the client's window is full. */
static void who_leaves_small_replies_unread_is_cut_off(void)
{
	struct host *host = start("write_timeout = 2s\nidle_timeout = 2s\n");
	int socket = wire_connect_with(host, 4096);
	const size_t size = strlen(REQUEST);
	char requests[SMALL * sizeof(REQUEST)];
	struct wire_bytes reply;

	for (size_t i = 0; i < SMALL; i++)
		memcpy(requests + i * size, REQUEST, size);
	wire_send(socket, requests, SMALL * size);
	host_logged_requests(host, SMALL);
	host_logged(host, " warning: 127.0.0.1: cut off: ");
	reply = wire_read_all(socket);
	CHECK_NUMBER(reply.reset, true);
	close(socket);
	host_end(host);
}

/* It takes several times as long as it may, but receives some in each of these times. */
static void who_reads_slowly_but_steadily_gets_all(void)
{
	struct host *host = start("write_timeout = 1s\nidle_timeout = 1s\nmin_rate = 0\n");
	int socket = wire_connect_with(host, 4096);
	long long end = now_ms() + 4000;
	static char part[4096];
	size_t size = 0;
	struct wire_bytes rest;

	wire_text(socket, "GET /static HTTP/1.1\r\nHost: large\r\nConnection: close\r\n\r\n");
	while (now_ms() < end) {
		ssize_t got = recv(socket, part, sizeof(part), 0);

		CU_ASSERT_FATAL(got > 0);
		size += (size_t)got;
		poll(NULL, 0, 50);
	}
	rest = wire_read_all(socket);
	CHECK_NUMBER(rest.reset, false);
	CHECK_NUMBER(size + rest.size > 8 << 20, true);
	close(socket);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), " warning: "), 0);
}

/* ---- Idle ---------------------------------------------------------------------------------- */

/* All in all it is there for longer than it may be idle. */
static void who_asks_again_and_again_is_kept(void)
{
	struct host *host = start("idle_timeout = 3s\n");
	int socket = wire_connect(host);
	struct wire_bytes reply;

	for (int i = 0; i < 5; i++) {
		wire_text(socket, REQUEST);
		reply = wire_read(socket, 1);
		CHECK_NUMBER(wire_status(&reply), 200);
		CHECK_NUMBER(has_come(socket, 1000), false);
	}
	close(socket);
	host_end(host);
}

/* ---- A stop -------------------------------------------------------------------------------- */

/* A head that has begun is waited for, but no longer than otherwise. */
static void a_stop_waits_for_a_head_until_its_deadline(void)
{
	struct host *host = start("head_timeout = 2s\ndrain_timeout = 1h\n");
	int socket = wire_connect(host);

	wire_text(socket, "GET /late HTTP/1.1\r\nHost: a\r\n");
	check_alive(host);
	host_signal(host, SIGTERM);
	check_end(socket, 408);
	CHECK_NUMBER(host_wait(host), 0);
	CHECK_NUMBER(accesses(host, "target=\"/late\" status=408 "), 1);
}

static void a_stop_answers_a_head_that_comes_in_time(void)
{
	struct host *host = start("head_timeout = 10s\ndrain_timeout = 1h\n");
	int socket = wire_connect(host);

	wire_text(socket, "GET /late HTTP/1.1\r\nHost: a\r\n");
	check_alive(host);
	host_signal(host, SIGTERM);
	host_logged(host, "SIGTERM: stopping, 1 in flight");
	wire_text(socket, "\r\n");
	check_end(socket, 200);
	CHECK_NUMBER(host_wait(host), 0);
}

/* ---- Sizes --------------------------------------------------------------------------------- */

static char *text_of_size(size_t size)
{
	char *text = memory_of(size + 1);

	memset(text, 'a', size);
	return text;
}

static void check_status(const struct host *host, const char *request, int status)
{
	struct wire_bytes reply = wire_talk(host, request, 1);

	CHECK_NUMBER(wire_status(&reply), status);
}

static void a_target_beyond_max_target_gets_414(void)
{
	struct host *host = start("max_target = 1000\n");

	check_status(host, text_of("GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", text_of_size(999)), 200);
	check_status(host, text_of("GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", text_of_size(1000)), 414);
	host_end(host);
}

static void a_head_beyond_max_head_gets_431(void)
{
	struct host *host = start("max_head = 2K\n");

	check_status(host,
	             text_of("GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", text_of_size(2000)),
	             200);
	check_status(host,
	             text_of("GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", text_of_size(2048)),
	             431);
	host_end(host);
}

static char *head_with_fields(unsigned count)
{
	char *text = text_of("GET / HTTP/1.1\r\nHost: a\r\n");

	while (--count)
		text = text_of("%sX-%u: b\r\n", text, count);
	return text_of("%s\r\n", text);
}

static void more_fields_than_max_headers_get_431(void)
{
	struct host *host = start("max_headers = 10\n");

	check_status(host, head_with_fields(10), 200);
	check_status(host, head_with_fields(11), 431);
	host_end(host);
}

/* The memory of a connection is what its head may need. */
static void large_limits_are_kept_to_as_well(void)
{
	struct host *host = start("max_head = 200K\nmax_target = 100K\nmax_headers = 500\n");

	check_status(host,
	             text_of("GET /%s HTTP/1.1\r\nHost: large\r\nX: %s\r\n\r\n",
	                     text_of_size(100000), text_of_size(90000)),
	             200);
	check_status(host, head_with_fields(500), 200);
	host_end(host);
}

/* ---- Connections --------------------------------------------------------------------------- */

static void check_turned_away(const struct host *host, int status)
{
	struct wire_bytes reply = wire_talk(host, REQUEST, 0);

	CHECK_NUMBER(wire_status(&reply), status);
	CHECK_NUMBER(count_of(reply.data, "\r\nRetry-After: 1\r\n"), 1);
	CHECK_NUMBER(count_of(reply.data, "\r\nConnection: close\r\n"), 1);
	CHECK_NUMBER(reply.closed, true);
}

/* Waits until one more is let in. */
static int connect_again(const struct host *host)
{
	long long end = now_ms() + deadline_ms();

	while (now_ms() < end) {
		int socket = wire_connect(host);
		struct wire_bytes reply;

		wire_text(socket, REQUEST);
		reply = wire_read(socket, 1);
		if (wire_status(&reply) == 200)
			return socket;
		close(socket);
		nap();
	}
	CHECK_TEXT("", "one more is let in");
	return -1;
}

static void connections_beyond_max_connections_get_503(void)
{
	struct host *host = start("max_connections = 2\nmax_connections_per_address = 10\n");
	int first = connect_again(host), second = connect_again(host);

	check_turned_away(host, 503);
	close(first);
	first = connect_again(host);
	close(first);
	close(second);
	host_end(host);
	CU_ASSERT(lines_matching(host_log(host), " warning: 127.0.0.1: answered with 503: "
	                                         "max_connections = 2") >= 1);
	CU_ASSERT(accesses(host, "method=- target=\"-\" status=503 ") >= 1);
}

/* Another address of this machine. */
static int connect_from(const struct host *host, const char *address)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((in_port_t)host->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &from.sin_addr);
	CHECK_NUMBER(bind(number, (struct sockaddr *)&from, sizeof(from)), 0);
	CHECK_NUMBER(connect(number, (struct sockaddr *)&to, sizeof(to)), 0);
	return number;
}

static void connections_beyond_those_of_an_address_get_429(void)
{
	struct host *host = start("max_connections_per_address = 2\n");
	int first = connect_again(host), second = connect_again(host);
	int other = connect_from(host, "127.0.0.2");
	struct wire_bytes reply;

	check_turned_away(host, 429);
	wire_text(other, REQUEST);
	reply = wire_read(other, 1);
	CHECK_NUMBER(wire_status(&reply), 200);
	close(first);
	first = connect_again(host);
	close(first);
	close(second);
	close(other);
	host_end(host);
	CU_ASSERT(lines_matching(host_log(host), " warning: 127.0.0.1: answered with 429: "
	                                         "max_connections_per_address = 2") >= 1);
}

/* It speaks for many. */
static void a_trusted_proxy_may_have_as_many_as_it_wants(void)
{
	struct host *host =
		start("max_connections_per_address = 1\ntrusted = 127.0.0.2\n");
	int sockets[5];
	struct wire_bytes reply;

	for (int i = 0; i < 5; i++) {
		sockets[i] = connect_from(host, "127.0.0.2");
		wire_text(sockets[i], REQUEST);
		reply = wire_read(sockets[i], 1);
		CHECK_NUMBER(wire_status(&reply), 200);
	}
	for (int i = 0; i < 5; i++)
		close(sockets[i]);
	host_end(host);
}

/* ---- What status shows --------------------------------------------------------------------- */

static void status_counts_those_that_were_refused(void)
{
	struct host *host;
	struct finished finished;
	long long end = now_ms() + deadline_ms();
	int socket;

	host = start_with("processes = 1\nhead_timeout = 1s\n",
	                  &(struct host_options){ .supervised = true });
	socket = wire_connect(host);
	wire_text(socket, "GET /");
	check_end(socket, 408);
	wire_talk(host, "GET / HTTP/1.1\nHost: a\n\n", 0);
	wire_talk(host, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000\r\n\r\n", 0);
	do {
		finished = tenon_run((const char *const[]){ "status",
		                                            scratch_path("deadlines.ini"), NULL },
		                     NULL);
	} while (!count_of(finished.out, "at max_body") && now_ms() < end);
	CHECK_NUMBER(lines_matching(finished.out, "^clients refused: 1 for what they sent, 1 at "
	                                          "max_body, 1 at head_timeout$"),
	             1);
	host_end(host);
}

/* ---- Many ---------------------------------------------------------------------------------- */

#define MANY 2000

/* 10,000 of them stand in bench_idle. */
static void idle_connections_are_kept_while_others_are_served(void)
{
	static int sockets[MANY];
	struct rlimit limit;
	struct host *host;
	struct wire_bytes reply;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < MANY + 300) {
		printf("skipped: %d connections take %d descriptors (ulimit -Hn)\n", MANY,
		       MANY + 300);
		return;
	}
	host = start(text_of("max_connections_per_address = %d\nidle_timeout = 1h\n", MANY + 10));
	for (int i = 0; i < MANY; i++) {
		sockets[i] = wire_connect(host);
		CU_ASSERT_FATAL(sockets[i] >= 0);
		wire_text(sockets[i], REQUEST);
		reply = wire_read(sockets[i], 1);
		CHECK_NUMBER(wire_status(&reply), 200);
		if (i % 100 == 0)
			check_alive(host);
	}
	for (int i = 0; i < MANY; i += 10) {
		wire_text(sockets[i], REQUEST);
		reply = wire_read(sockets[i], 1);
		CHECK_NUMBER(wire_status(&reply), 200);
	}
	for (int i = 0; i < MANY; i++)
		close(sockets[i]);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), " warning: "), 0);
}

TEST_MAIN("e2e/deadlines",
          TEST(who_drips_a_head_gets_408),
          TEST(who_drips_fields_gets_408),
          TEST(who_stops_in_the_request_line_gets_408),
          TEST(who_sends_nothing_is_closed_without_a_word),
          TEST(who_pipelines_and_stops_gets_408_at_last),
          TEST(a_request_that_is_worked_on_is_not_cut),
          TEST(a_host_that_stood_still_blames_nobody),
          TEST(who_drips_a_body_gets_408),
          TEST(who_drips_chunks_gets_408),
          TEST(who_drips_a_body_to_a_worker_that_waits_gets_408),
          TEST(who_stops_within_a_body_gets_408),
          TEST(who_goes_on_behind_a_408_can_read_it),
          TEST(a_body_that_keeps_the_rate_is_taken),
          TEST(who_does_not_read_takes_little_of_the_kernel),
          TEST(who_does_not_read_is_cut_off),
          TEST(who_leaves_small_replies_unread_is_cut_off),
          TEST(who_reads_slowly_but_steadily_gets_all),
          TEST(who_asks_again_and_again_is_kept),
          TEST(a_stop_waits_for_a_head_until_its_deadline),
          TEST(a_stop_answers_a_head_that_comes_in_time),
          TEST(a_target_beyond_max_target_gets_414),
          TEST(a_head_beyond_max_head_gets_431),
          TEST(more_fields_than_max_headers_get_431),
          TEST(large_limits_are_kept_to_as_well),
          TEST(connections_beyond_max_connections_get_503),
          TEST(connections_beyond_those_of_an_address_get_429),
          TEST(a_trusted_proxy_may_have_as_many_as_it_wants),
          TEST(status_counts_those_that_were_refused),
          TEST(idle_connections_are_kept_while_others_are_served))
