/* test_signals.c - how a host ends, and its Workers' hooks. */
#include "harness.h"

#include "../cunit.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static struct host *start(const char *settings)
{
	return host_start(scratch_write("signals.ini",
	                                "[host]\n"
	                                "listen = 127.0.0.1:0\n"
	                                "%s"
	                                "[worker echo]\n"
	                                "module = %s\n"
	                                "route = /*\n"
	                                "[worker large]\n"
	                                "module = %s\n"
	                                "route = large/*\n",
	                                settings, fixture("serve_echo"), fixture("serve_large")));
}

/* A connection on which the host has read a head whose body is to come. */
static int open_request(struct host *host)
{
	int socket = wire_connect(host);

	wire_text(socket, "POST /half HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
	                  "Content-Length: 10\r\n\r\n");
	/* It asks for the body: so it has begun with the request. */
	CHECK_NUMBER(recv(socket, (char[25]){ 0 }, 25, MSG_WAITALL), 25);
	wire_text(socket, "01234");
	return socket;
}

static void stop_begins(struct host *host, int signal, unsigned in_flight)
{
	host_signal(host, signal);
	host_logged(host, text_of("%s: stopping, %u in flight",
	                          signal == SIGTERM ? "SIGTERM" : "SIGINT", in_flight));
}

/* ---- With nothing in flight ---------------------------------------------------------------- */

static void each_signal_ends_an_idle_host_with_0(void)
{
	static const int signals[] = { SIGTERM, SIGINT };

	for (size_t i = 0; i < 2; i++) {
		struct host *host = start("");

		stop_begins(host, signals[i], 0);
		CHECK_NUMBER(host_wait(host), 0);
	}
}

static void an_idle_keep_alive_connection_holds_nothing_up(void)
{
	struct host *host = start("");
	int socket = wire_connect(host);
	struct wire_bytes reply;
	long long begun;

	wire_text(socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	reply = wire_read(socket, 1);
	CHECK_NUMBER(wire_status(&reply), 200);
	begun = now_ms();
	host_end(host);
	CHECK_NUMBER(now_ms() - begun < 20 * 1000, true); /* drain_timeout is 30 s */
	reply = wire_read_all(socket);
	CHECK_NUMBER(reply.size, 0);
	CHECK_NUMBER(reply.closed, true);
	close(socket);
}

/* ---- With something in flight -------------------------------------------------------------- */

static void what_is_in_flight_is_finished(int signal)
{
	struct host *host = start("");
	int half = open_request(host);
	int slow = wire_connect_with(host, 4096);
	struct wire_bytes reply;
	char byte;

	wire_text(slow, "GET /owned HTTP/1.1\r\nHost: large\r\n\r\n");
	CHECK_NUMBER(recv(slow, &byte, 1, MSG_PEEK), 1);
	stop_begins(host, signal, 2);

	wire_text(half, "56789");
	reply = wire_read_all(half);
	CHECK_NUMBER(wire_status(&reply), 200);
	CHECK_NUMBER(count_of(reply.data, "\r\nConnection: close\r\n"), 1);
	CHECK_TEXT(strstr(reply.data, "\r\n\r\n"), "\r\n\r\n0123456789");
	close(half);

	CHECK_NUMBER(count_of(host_log(host), "released"), 0);
	reply = wire_read_all(slow);
	CHECK_NUMBER(wire_status(&reply), 200);
	CHECK_NUMBER(reply.size > (size_t)8 << 20, true);
	CHECK_NUMBER(reply.closed && !reply.reset, true);
	close(slow);
	CHECK_NUMBER(host_wait(host), 0);
	CHECK_NUMBER(count_of(host_log(host), "released"), 1);
	CHECK_NUMBER(lines_matching(host_log(host), " status=200 .* chain=(echo|large)$"), 2);
	CHECK_NUMBER(host_access_lines(host), 2);
}

static void sigterm_finishes_what_is_in_flight(void)
{
	what_is_in_flight_is_finished(SIGTERM);
}

static void sigint_finishes_what_is_in_flight(void)
{
	what_is_in_flight_is_finished(SIGINT);
}

/* What was in the kernel's queue before it stopped is answered; who comes later is turned away. */
static void a_host_that_stops_takes_no_new_connection(void)
{
	struct host *host = start("");
	int half = open_request(host);
	long long end = now_ms() + deadline_ms();
	unsigned served = 0;

	stop_begins(host, SIGTERM, 1);
	while (http_get(host, "/")->status && now_ms() < end)
		served++;
	CHECK_NUMBER(http_get(host, "/")->status, 0);
	wire_text(half, "56789");
	wire_read_all(half);
	close(half);
	CHECK_NUMBER(host_wait(host), 0);
	CHECK_NUMBER(host_access_lines(host), 1 + served);
}

static void a_keep_alive_connection_is_told_to_close(void)
{
	struct host *host = start("");
	int half = open_request(host);
	int kept = wire_connect(host);
	struct wire_bytes reply;

	wire_text(kept, "GET /first HTTP/1.1\r\nHost: a\r\n\r\n");
	reply = wire_read(kept, 1);
	CHECK_NUMBER(count_of(reply.data, "Connection: close"), 0);
	stop_begins(host, SIGTERM, 1);
	wire_text(kept, "GET /last HTTP/1.1\r\nHost: a\r\n\r\n");
	reply = wire_read_all(kept);
	CHECK_NUMBER(wire_status(&reply), 200);
	CHECK_NUMBER(count_of(reply.data, "\r\nConnection: close\r\n"), 1);
	CHECK_NUMBER(count_of(reply.data, "\r\nX-Target: /last\r\n"), 1);
	close(kept);
	wire_text(half, "56789");
	wire_read_all(half);
	close(half);
	CHECK_NUMBER(host_wait(host), 0);
	CHECK_NUMBER(host_access_lines(host), 3);
}

/* ---- Without patience ---------------------------------------------------------------------- */

static void a_second_signal_ends_it_at_once_with_75(void)
{
	struct host *host = start("");
	int half = open_request(host);

	stop_begins(host, SIGTERM, 1);
	host_signal(host, SIGINT);
	CHECK_NUMBER(host_wait(host), 75);
	close(half);
	CHECK_NUMBER(count_of(host_log(host),
	                      "stopped with 1 request unanswered: a second signal came\n"),
	             1);
	CHECK_NUMBER(lines_matching(host_log(host),
	                            "target=\"/half\" status=0 .* aborted=yes$"),
	             1);
	CHECK_NUMBER(host_access_lines(host), 1);
}

static void drain_timeout_ends_it_with_75(void)
{
	struct host *host = start("drain_timeout = 300ms\n");
	int half = open_request(host);
	long long begun = now_ms();

	stop_begins(host, SIGTERM, 1);
	CHECK_NUMBER(host_wait(host), 75);
	CHECK_NUMBER(now_ms() - begun >= 300, true);
	close(half);
	CHECK_NUMBER(count_of(host_log(host),
	                      "stopped with 1 request unanswered: drain_timeout is over\n"),
	             1);
}

/* ---- Hooks --------------------------------------------------------------------------------- */

/* One module in three Workers; a cycle of bindings is fine. `last` is what the last is given. */
static const char *hooks_file(const char *last)
{
	const char *module = fixture("serve_hooks");

	return scratch_write("hooks.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "[worker one]\n"
	                     "module = %s\n"
	                     "route = /*\n"
	                     "service.other = two\n"
	                     "[worker two]\n"
	                     "module = %s\n"
	                     "service.other = one\n"
	                     "[worker three]\n"
	                     "module = %s\n"
	                     "route = /three\n"
	                     "%s",
	                     module, module, module, last);
}

static long position(const char *log, const char *text)
{
	const char *at = strstr(log, text);

	if (!at || count_of(log, text) != 1) {
		CHECK_TEXT(log, text_of("once: %s", text));
		return -1;
	}
	return at - log;
}

static void hooks_run_once_each_and_stop_in_reverse(void)
{
	static const char *const order[] = { "start of one\n", "start of two\n", "start of three\n",
		                             "listening on ", "Z access ", "stopping, ",
		                             "stop of three\n", "stop of two\n", "stop of one\n" };
	struct host *host = host_start(hooks_file(""));
	const char *log;

	CHECK_TEXT(http_get(host, "/")->body, "1 start\n");
	host_end(host);
	log = host_log(host);
	for (size_t i = 1; i < sizeof(order) / sizeof(order[0]); i++)
		CHECK_NUMBER(position(log, order[i - 1]) < position(log, order[i]), true);
}

static void stop_runs_also_when_not_all_was_answered(void)
{
	struct host *host = host_start(scratch_write("hooks.ini",
	                                             "[host]\n"
	                                             "listen = 127.0.0.1:0\n"
	                                             "drain_timeout = 0ms\n"
	                                             "[worker hooks]\n"
	                                             "module = %s\n"
	                                             "route = /*\n",
	                                             fixture("serve_hooks")));
	int half = open_request(host);

	host_signal(host, SIGTERM);
	CHECK_NUMBER(host_wait(host), 75);
	close(half);
	position(host_log(host), "stop of hooks\n");
}

/* It says which Worker, where and why; whoever had started is stopped; nothing ever listens. */
static void a_start_that_fails_ends_it_with_78(void)
{
	const char *file = hooks_file("var.REASON = the moon is full\n");
	struct host *host = host_spawn(file, NULL);
	const char *log;

	CHECK_NUMBER(host_wait(host), 78);
	log = host_log(host);
	position(log, text_of("%s:10: worker 'three': start: the moon is full\n", file));
	position(log, "stop of one\n");
	position(log, "stop of two\n");
	CHECK_NUMBER(count_of(log, "stop of three\n"), 0);
	CHECK_NUMBER(count_of(log, "listening"), 0);
}

/* ---- Workers that never come back ---------------------------------------------------------- */

static const char *stuck_file(const char *in_start)
{
	return scratch_write("stuck.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "[worker stuck]\n"
	                     "module = %s\n"
	                     "route = /*\n"
	                     "var.in_start = %s\n",
	                     fixture("serve_stuck"), in_start);
}

/* As any program before it is up: Ctrl-C is all that its user has. */
static void a_start_that_hangs_is_ended_by_one_signal(void)
{
	struct host *host = host_spawn(stuck_file("yes"), NULL);

	host_logged(host, "worker=stuck: in start\n");
	host_signal(host, SIGINT);
	CHECK_NUMBER(host_wait(host), -SIGINT);
}

static void a_request_that_hangs_is_ended_by_the_second_signal(void)
{
	struct host *host = host_start(stuck_file("no"));
	int socket = wire_connect(host);

	wire_text(socket, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	host_logged(host, "worker=stuck: in the request\n");
	host_signal(host, SIGTERM);
	host_signal(host, SIGINT);
	CHECK_NUMBER(host_wait(host), 75);
	close(socket);
}

TEST_MAIN("e2e/signals",
          TEST(each_signal_ends_an_idle_host_with_0),
          TEST(an_idle_keep_alive_connection_holds_nothing_up),
          TEST(sigterm_finishes_what_is_in_flight),
          TEST(sigint_finishes_what_is_in_flight),
          TEST(a_host_that_stops_takes_no_new_connection),
          TEST(a_keep_alive_connection_is_told_to_close),
          TEST(a_second_signal_ends_it_at_once_with_75),
          TEST(drain_timeout_ends_it_with_75),
          TEST(hooks_run_once_each_and_stop_in_reverse),
          TEST(stop_runs_also_when_not_all_was_answered),
          TEST(a_start_that_fails_ends_it_with_78),
          TEST(a_start_that_hangs_is_ended_by_one_signal),
          TEST(a_request_that_hangs_is_ended_by_the_second_signal))
