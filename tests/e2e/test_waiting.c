/* test_waiting.c - Workers that wait: on threads of their own, while all others go on. */
#include "harness.h"

#include "../cunit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define MANY 1000 /* TN_WAITING overrides it */

/* ---- What is waited for -------------------------------------------------------------------- */

static const char *lock_directory(void)
{
	const char *path = scratch_path("locks");

	mkdir(path, 0700);
	return path;
}

/* While it is held, a Worker that is asked for /lock/NAME does not return. */
static int hold(const char *name)
{
	int file = open(text_of("%s/%s", lock_directory(), name), O_RDONLY | O_CREAT | O_CLOEXEC,
	                0600);

	CU_ASSERT_FATAL(file >= 0);
	CU_ASSERT_FATAL(flock(file, LOCK_EX) == 0);
	return file;
}

static void let_go(int lock)
{
	close(lock);
}

/* ---- The host ------------------------------------------------------------------------------ */

/* `slow` blocks, and so does `second`; `front` calls `slow` through `middle`; `fast` blocks never,
 * whatever it is asked for. */
static const char *write_file(const char *settings, const char *slow, const char *fast)
{
	const char *module = fixture("serve_wait");
	const char *locks = lock_directory();

	return scratch_write("waiting.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 1\n"
	                     "%s"
	                     "[worker slow]\n"
	                     "module = %s\n"
	                     "blocking = yes\n"
	                     "var.DIRECTORY = %s\n"
	                     "route = /*\n"
	                     "%s"
	                     "[worker fast]\n"
	                     "module = %s\n"
	                     "var.DIRECTORY = %s\n"
	                     "route = fast/*\n"
	                     "%s"
	                     "[worker second]\n"
	                     "module = %s\n"
	                     "blocking = yes\n"
	                     "var.DIRECTORY = %s\n"
	                     "route = second/*\n"
	                     "[worker front]\n"
	                     "module = %s\n"
	                     "route = front/*\n"
	                     "service.next = middle\n"
	                     "service.other = second\n"
	                     "[worker middle]\n"
	                     "module = %s\n"
	                     "var.DIRECTORY = %s\n"
	                     "service.next = slow\n",
	                     settings, module, locks, slow, module, locks, fast, module, locks,
	                     module, module, locks);
}

static struct host *start_with(const char *settings, const char *slow, const char *fast)
{
	return host_start(write_file(settings, slow, fast));
}

static struct host *start(const char *settings, const char *slow)
{
	return start_with(settings, slow, "");
}

/* A request whose reply is read later. */
static int ask(struct host *host, const char *name, const char *path)
{
	int socket = wire_connect(host);

	CU_ASSERT(wire_text(socket, text_of("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, name)));
	return socket;
}

/* The same, once the Worker has begun; what it is asked for has not been asked for before. */
static int ask_and_wait(struct host *host, const char *name, const char *path, const char *begun)
{
	int socket = ask(host, name, path);

	CU_ASSERT_FATAL(host_logged(host, begun));
	return socket;
}

static struct http_reply *get(struct host *host, const char *name, const char *path)
{
	const char *const headers[] = { text_of("Host: %s", name), NULL };

	return http(host, &(struct http_request){ .path = path, .headers = headers });
}

/* What has been sent before has been read when this returns. */
static void check_fast(struct host *host)
{
	struct http_reply *reply = get(host, "fast", "/");

	CHECK_NUMBER(reply->status, 200);
	CHECK_TEXT(reply->body, "at once\n");
}

/* Reads a reply, and ends the connection. */
static void check_reply(int socket, int status, const char *part)
{
	struct wire_bytes reply = wire_read(socket, 1);

	CHECK_NUMBER(wire_status(&reply), status);
	if (!strstr(reply.data, part))
		CHECK_TEXT(reply.data, part);
	close(socket);
}

static void check_lines(struct host *host, unsigned count, const char *expression)
{
	unsigned found = lines_matching(host_log(host), expression);

	if (found != count)
		CHECK_TEXT(host_log(host), text_of("%u lines, not %u, like: %s", count, found,
		                                   expression));
}

static void check_some(struct host *host, const char *expression)
{
	if (!lines_matching(host_log(host), expression))
		CHECK_TEXT(host_log(host), text_of("a line like: %s", expression));
}

/* Asks until a thread has begun with it: where the machine is slow its time may be over before. */
static void be_late(struct host *host, const char *path, const char *begun)
{
	unsigned before = count_of(host_log(host), begun);

	do
		CHECK_NUMBER(get(host, "slow", path)->status, 504);
	while (count_of(host_log(host), begun) == before);
}

/* ---- Beside one another -------------------------------------------------------------------- */

static void a_fast_worker_answers_while_a_slow_one_waits(void)
{
	struct host *host = start("", "");
	int lock = hold("a");
	int slow = ask_and_wait(host, "slow", "/lock/a", "begun a");

	for (int i = 0; i < 20; i++)
		check_fast(host);
	let_go(lock);
	check_reply(slow, 200, "waited for a\n");
	host_end(host);
	check_lines(host, 1, " target=\"/lock/a\" status=200 bytes=13 us=[0-9]+ chain=slow$");
}

static void the_one_that_blocks_may_be_two_bindings_deep(void)
{
	struct host *host = start("", "");
	int lock = hold("a");
	int front = ask_and_wait(host, "front", "/next/next/lock/a", "begun a");

	check_fast(host);
	let_go(lock);
	check_reply(front, 200, "waited for a\n");
	host_end(host);
	check_lines(host, 1, " status=200 .* chain=front\\(middle\\(slow\\)\\)$");
}

static void several_wait_at_once_each_on_a_thread(void)
{
	struct host *host = start("threads = 3\n", "");
	int lock = hold("a");
	int clients[3];

	for (int i = 0; i < 3; i++)
		clients[i] = ask(host, "slow", "/lock/a");
	CU_ASSERT(host_logged_times(host, "begun a", 3));
	let_go(lock);
	for (int i = 0; i < 3; i++)
		check_reply(clients[i], 200, "waited for a\n");
	host_end(host);
}

static void several_bindings_wait_at_once(void)
{
	struct host *host = start("", "");
	int lock = hold("a");
	int front = ask(host, "front", "/both/lock/a");

	CU_ASSERT(host_logged_times(host, "begun a", 2));
	check_fast(host);
	let_go(lock);
	check_reply(front, 200, "2 given\n");
	host_end(host);
}

/* ---- What the client sees ------------------------------------------------------------------ */

static void replies_are_those_of_a_worker_that_does_not_wait(void)
{
	static const struct {
		const char *line, *rest;
	} requests[] = {
		{ "GET / HTTP/1.1", "\r\n" },
		{ "GET /null HTTP/1.1", "\r\n" },
		{ "POST /echo HTTP/1.1", "Content-Length: 5\r\n\r\nhello" },
		{ "POST /echo HTTP/1.1",
		  "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" },
		{ "POST /echo HTTP/1.0", "Content-Length: 5\r\n\r\nhello" },
		{ "GET / HTTP/1.1", "Connection: close\r\n\r\n" },
	};
	struct host *host = start("", "");

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const char *line = requests[i].line, *rest = requests[i].rest;
		struct wire_bytes one =
			wire_talk(host, text_of("%s\r\nHost: slow\r\n%s", line, rest), 1);
		struct wire_bytes other =
			wire_talk(host, text_of("%s\r\nHost: fast\r\n%s", line, rest), 1);

		CHECK_TEXT(wire_without_date(&one), wire_without_date(&other));
		CHECK_NUMBER(one.closed, other.closed);
	}
	host_end(host);
}

static void head_has_the_head_alone(void)
{
	struct host *host = start("", "");
	struct wire_bytes reply = wire_talk(host,
	                                    "HEAD / HTTP/1.1\r\nHost: slow\r\n"
	                                    "Connection: close\r\n\r\n",
	                                    0);

	CHECK_NUMBER(wire_status(&reply), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply.data, "\r\nContent-Length: 8\r\n"));
	CU_ASSERT_PTR_NULL(strstr(reply.data, "at once"));
	host_end(host);
}

static void a_connection_is_kept(void)
{
	struct host *host = start("", "");
	struct http_client *client = http_open(host);

	for (int i = 0; i < 20; i++) {
		struct http_reply *reply =
			http_send(client, &(struct http_request){ .path = "/" });

		CHECK_NUMBER(reply->status, 200);
		CHECK_NUMBER(reply->connects, i == 0);
	}
	http_close(client);
	host_end(host);
}

static void pipelined_requests_are_answered_in_order(void)
{
	struct host *host = start("", "");
	int lock = hold("a");
	int socket = wire_connect(host);
	struct wire_bytes replies;
	const char *first, *second, *third;

	wire_text(socket, "GET /lock/a HTTP/1.1\r\nHost: slow\r\n\r\n"
	                  "GET /unknown HTTP/1.1\r\nHost: fast\r\n\r\n"
	                  "GET /lock/b HTTP/1.1\r\nHost: slow\r\n\r\n");
	CU_ASSERT(host_logged(host, "begun a"));
	check_fast(host);
	CHECK_NUMBER(count_of(host_log(host), "begun b"), 0);
	let_go(lock);
	replies = wire_read(socket, 3);
	close(socket);
	first = strstr(replies.data, "waited for a\n");
	second = strstr(replies.data, "at once\n");
	third = strstr(replies.data, "waited for b\n");
	CU_ASSERT(first && second && third && first < second && second < third);
	host_end(host);
}

static void a_client_that_has_shut_down_its_side_gets_its_reply(void)
{
	struct host *host = start("", "");
	/* libmicrohttpd looks at the oldest connection first, and in another way. */
	int oldest = ask(host, "fast", "/");
	struct wire_bytes first = wire_read(oldest, 1);
	int lock = hold("a");
	int early = ask_and_wait(host, "slow", "/lock/a", "begun a");
	int at_once = wire_connect(host);

	CHECK_NUMBER(wire_status(&first), 200);
	shutdown(early, SHUT_WR);
	wire_text(at_once, "GET / HTTP/1.1\r\nHost: slow\r\n\r\n");
	shutdown(at_once, SHUT_WR);
	check_reply(at_once, 200, "at once\n");
	let_go(lock);
	check_reply(early, 200, "waited for a\n");
	close(oldest);
	host_end(host);
}

/* ---- The queue ----------------------------------------------------------------------------- */

static void who_finds_the_queue_full_gets_503(void)
{
	struct host *host = start("threads = 1\nqueue = 1\n", "");
	int lock = hold("a");
	int first = ask_and_wait(host, "slow", "/lock/a", "begun a");
	int second = ask(host, "slow", "/lock/b");
	struct http_reply *third;

	check_fast(host);
	third = get(host, "slow", "/lock/c");
	CHECK_NUMBER(third->status, 503);
	CHECK_TEXT(http_header(third, "Retry-After"), "1");
	CHECK_TEXT(third->body, "Service Unavailable\n");
	check_fast(host);
	CHECK_NUMBER(get(host, "second", "/")->status, 503);
	let_go(lock);
	check_reply(first, 200, "waited for a\n");
	check_reply(second, 200, "waited for b\n");
	CHECK_NUMBER(get(host, "slow", "/")->status, 200);
	host_end(host);
	check_lines(host, 1, "Z warning request=[0-9a-f]{16} worker=slow: answered with 503: no "
	                     "thread was free for it, and queue = 1 ");
	CHECK_NUMBER(count_of(host_log(host), "begun c"), 0);
}

static void who_has_waited_too_long_for_a_thread_gets_503(void)
{
	struct host *host = start("threads = 1\nqueue_timeout = 500ms\n", "");
	int lock = hold("a");
	int first = ask_and_wait(host, "slow", "/lock/a", "begun a");
	struct http_reply *second = get(host, "slow", "/lock/b");

	CHECK_NUMBER(second->status, 503);
	CHECK_TEXT(http_header(second, "Retry-After"), "1");
	let_go(lock);
	check_reply(first, 200, "waited for a\n");
	CHECK_NUMBER(get(host, "slow", "/")->status, 200);
	host_end(host);
	check_lines(host, 1, "Z warning request=[0-9a-f]{16} worker=slow: answered with 503: no "
	                     "thread was free for it, and queue_timeout = 500 ms ");
	CHECK_NUMBER(count_of(host_log(host), "begun b"), 0);
}

static void without_patience_a_thread_that_is_free_is_used(void)
{
	struct host *host = start("threads = 2\nqueue = 0\nqueue_timeout = 0ms\n", "");

	for (int i = 0; i < 50; i++)
		CHECK_NUMBER(get(host, "slow", "/")->status, 200);
	host_end(host);
}

static void concurrency_is_how_many_calls_run_at_once(void)
{
	struct host *host = start("threads = 4\n", "concurrency = 1\n");
	int lock = hold("a");
	int first = ask_and_wait(host, "slow", "/lock/a", "begun a");
	int second = ask(host, "slow", "/lock/b");

	check_fast(host);
	CHECK_NUMBER(get(host, "second", "/")->status, 200);
	CHECK_NUMBER(count_of(host_log(host), "begun b"), 0);
	let_go(lock);
	check_reply(first, 200, "waited for a\n");
	check_reply(second, 200, "waited for b\n");
	host_end(host);
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void who_is_late_gives_504_and_its_reply_is_thrown_away(void)
{
	struct host *host = start("", "timeout = 100ms\n");
	int lock = hold("a");
	struct wire_bytes reply;
	int socket;

	be_late(host, "/lock/a", "begun a");
	socket = ask(host, "slow", "/lock/a");
	reply = wire_read(socket, 1);
	CHECK_NUMBER(wire_status(&reply), 504);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply.data, "\r\n\r\nGateway Timeout\n"));
	/* The same connection, while the thread goes on. */
	wire_text(socket, "GET / HTTP/1.1\r\nHost: fast\r\n\r\n");
	reply = wire_read(socket, 1);
	CHECK_NUMBER(wire_status(&reply), 200);
	wire_text(socket, "GET / HTTP/1.1\r\nHost: second\r\n\r\n");
	check_reply(socket, 200, "at once\n");
	let_go(lock);
	CU_ASSERT(host_logged(host, "its timeout is 100 ms: it is thrown away"));
	host_end(host);
	check_some(host, " target=\"/lock/a\" status=504 bytes=16 us=[0-9]+ chain=slow$");
	check_some(host, "worker=slow: answered with 504: it has not replied in 100 ms$");
	check_lines(host, 0, " target=\"/lock/a\" status=200 ");
}

static void head_that_is_late_has_the_head_alone(void)
{
	struct host *host = start("", "timeout = 20ms\n");
	int lock = hold("a");
	struct wire_bytes reply = wire_talk(host,
	                                    "HEAD /lock/a HTTP/1.1\r\nHost: slow\r\n"
	                                    "Connection: close\r\n\r\n",
	                                    0);

	CHECK_NUMBER(wire_status(&reply), 504);
	CU_ASSERT_PTR_NULL(strstr(reply.data, "Timeout\n"));
	let_go(lock);
	host_end(host);
}

static void who_is_late_in_the_queue_gives_504(void)
{
	struct host *host = start("threads = 1\n", "timeout = 50ms\n");
	int lock = hold("a");
	int first = ask_and_wait(host, "second", "/lock/a", "begun a");

	CHECK_NUMBER(get(host, "slow", "/lock/b")->status, 504);
	let_go(lock);
	check_reply(first, 200, "waited for a\n");
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), "begun b"), 0);
}

static void a_worker_sees_its_deadline(void)
{
	struct host *host = start("", "timeout = 50ms\n");

	be_late(host, "/deadline", "begun, with a deadline: 1");
	CU_ASSERT(host_logged(host, "nobody waits"));
	be_late(host, "/cancelled", "begun, with a deadline: 1");
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), "nobody waits"),
	             count_of(host_log(host), "begun, with"));
}

static void one_that_does_not_wait_is_late_when_it_returns(void)
{
	struct host *host = start_with("", "", "timeout = 500ms\n");
	struct http_reply *reply = get(host, "fast", "/deadline");

	CHECK_NUMBER(reply->status, 504);
	CHECK_TEXT(reply->body, "Gateway Timeout\n");
	check_fast(host);
	host_end(host);
	check_lines(host, 1, "worker=fast: its reply came after [0-9]+ ms, its timeout is 500 ms: "
	                     "it is thrown away$");
}

/* ---- Clients that go ----------------------------------------------------------------------- */

static void a_worker_sees_that_its_client_has_gone(void)
{
	struct host *host = start("", "");
	int closed = ask_and_wait(host, "slow", "/cancelled", "begun, with a deadline: 0");
	int reset;

	close(closed);
	CU_ASSERT(host_logged(host, "nobody waits"));
	reset = ask(host, "slow", "/cancelled");
	CU_ASSERT(host_logged_times(host, "begun, with a deadline: 0", 2));
	wire_reset(reset);
	CU_ASSERT(host_logged_times(host, "nobody waits", 2));
	check_fast(host);
	host_end(host);
}

static void a_request_whose_client_has_gone_is_not_begun(void)
{
	struct host *host = start("threads = 1\n", "");
	int lock = hold("a");
	int first = ask_and_wait(host, "slow", "/lock/a", "begun a");
	int second = ask(host, "slow", "/lock/b");

	check_fast(host);
	wire_reset(second);
	CU_ASSERT(host_logged(host, "target=\"/lock/b\" status=0 "));
	let_go(lock);
	check_reply(first, 200, "waited for a\n");
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), "begun b"), 0);
}

/* Its client goes while the loop is held up, between being handed over and being suspended: what
 * keeps the loop is asked for before it and behind it. */
static void a_client_that_goes_as_its_request_is_handed_over_is_not_complained_of(void)
{
	struct host *host = start("threads = 1\nqueue_timeout = 20ms\n", "");
	int locks[] = { hold("x"), hold("a"), hold("held-1"), hold("held-2") };
	int before = wire_connect(host), client = wire_connect(host), behind = wire_connect(host);
	int first, earlier;

	check_fast(host);
	first = ask_and_wait(host, "fast", "/lock/x", "begun x");
	wire_text(before, "GET /lock/held-1 HTTP/1.1\r\nHost: fast\r\n\r\n");
	wire_text(client, "GET /lock/a HTTP/1.1\r\nHost: slow\r\n\r\n");
	wire_text(behind, "GET /lock/held-2 HTTP/1.1\r\nHost: fast\r\n\r\n");
	let_go(locks[0]);
	CU_ASSERT_FATAL(host_logged(host, "begun held-"));
	earlier = count_of(host_log(host), "begun held-1") ? 2 : 3;
	let_go(locks[earlier]);
	CU_ASSERT_FATAL(host_logged(host, "begun a"));
	CU_ASSERT_FATAL(host_logged_times(host, "begun held-", 2));
	wire_reset(client);
	let_go(locks[earlier == 2 ? 3 : 2]);
	check_reply(first, 200, "waited for x\n");
	check_reply(before, 200, "waited for held-1\n");
	check_reply(behind, 200, "waited for held-2\n");
	CU_ASSERT(host_logged(host, "target=\"/lock/a\" status=0 "));
	/* What is due behind it is done behind it. */
	CHECK_NUMBER(get(host, "slow", "/lock/b")->status, 503);
	let_go(locks[1]);
	host_end(host);
	check_lines(host, 0, "after it was to reply");
}

/* ---- The end ------------------------------------------------------------------------------- */

static void a_stop_waits_for_who_waits(void)
{
	struct host *host = start("threads = 1\n", "");
	int lock = hold("a");
	int first = ask_and_wait(host, "slow", "/lock/a", "begun a");
	int second = ask(host, "slow", "/lock/b");

	check_fast(host);
	host_signal(host, SIGTERM);
	CU_ASSERT(host_logged(host, "SIGTERM: stopping, 2 in flight"));
	let_go(lock);
	check_reply(first, 200, "\r\nConnection: close\r\n");
	check_reply(second, 200, "waited for b\n");
	CHECK_NUMBER(host_wait(host), 0);
}

static void a_reload_loses_none_that_waits(void)
{
	struct host *host = host_start_supervised(write_file("", "", ""));
	int lock = hold("a");
	int first = ask_and_wait(host, "slow", "/lock/a", "begun a");

	host_signal(host, SIGHUP);
	CU_ASSERT(host_logged(host, "generation 2 serves"));
	CHECK_NUMBER(get(host, "slow", "/")->status, 200);
	let_go(lock);
	check_reply(first, 200, "waited for a\n");
	CU_ASSERT(host_logged(host, "generation 1 has gone"));
	host_end(host);
}

static void one_that_does_not_come_back_is_left_at_drain_timeout(void)
{
	struct host *host = start("drain_timeout = 200ms\nthreads = 1\n", "");
	int lock = hold("a");
	int first = ask_and_wait(host, "slow", "/lock/a", "begun a");
	int second = ask(host, "slow", "/lock/b");

	check_fast(host);
	host_signal(host, SIGTERM);
	CHECK_NUMBER(host_wait(host), EX_TEMPFAIL);
	let_go(lock);
	CU_ASSERT(wire_read_all(first).closed);
	CU_ASSERT(wire_read_all(second).closed);
	close(first);
	close(second);
	check_lines(host, 1, "stopped with 2 requests unanswered: drain_timeout is over$");
	check_lines(host, 1, "request=[0-9a-f]{16} worker=slow: has not returned$");
	check_lines(host, 0, "libmicrohttpd gave up");
}

static void one_that_was_late_is_left_at_drain_timeout(void)
{
	struct host *host = start("drain_timeout = 200ms\n", "timeout = 20ms\n");
	int lock = hold("a");

	be_late(host, "/lock/a", "begun a");
	host_signal(host, SIGTERM);
	CHECK_NUMBER(host_wait(host), EX_TEMPFAIL);
	let_go(lock);
	check_some(host, " worker=slow: has not returned$");
}

static void a_second_signal_ends_it(void)
{
	struct host *host = start("", "");
	int lock = hold("a");
	int first = ask_and_wait(host, "slow", "/lock/a", "begun a");

	host_signal(host, SIGTERM);
	CU_ASSERT(host_logged(host, "SIGTERM: stopping, 1 in flight"));
	host_signal(host, SIGTERM);
	CHECK_NUMBER(host_wait(host), EX_TEMPFAIL);
	let_go(lock);
	close(first);
}

/* ---- After the reply ----------------------------------------------------------------------- */

static void later_work_keeps_nobody_waiting(void)
{
	struct host *host = start("", "");
	int lock = hold("a");

	CHECK_TEXT(get(host, "fast", "/later/a")->body, "left\n");
	CHECK_TEXT(get(host, "slow", "/later/a")->body, "left\n");
	CU_ASSERT(host_logged_times(host, "begun later, cancelled: 0", 2));
	check_fast(host);
	let_go(lock);
	CU_ASSERT(host_logged_times(host, "done later, cancelled: 0", 2));
	host_end(host);
}

/* It may take as long as it likes, but somebody should know where the thread is. */
static void who_has_no_timeout_and_does_not_return_is_named(void)
{
	struct host *host = start("hang_timeout = 50ms\nqueue_timeout = 10ms\n", "");
	int lock = hold("a");
	int socket = ask_and_wait(host, "front", "/next/next/lock/a", "begun a");

	CU_ASSERT(host_logged(host, "it keeps a thread, and has no `timeout`"));
	let_go(lock);
	check_reply(socket, 200, "");
	host_end(host);
	check_lines(host, 1, "Z warning request=[0-9a-f]{16} worker=slow: has not returned in "
	                     "[0-9]+ ms: it keeps a thread, and has no `timeout`$");
}

static void later_work_that_takes_too_long_is_named(void)
{
	struct host *host = start("wait_until_timeout = 50ms\n", "");
	int lock = hold("a");

	CHECK_NUMBER(get(host, "fast", "/later/a")->status, 200);
	CU_ASSERT(host_logged(host, "longer than wait_until_timeout"));
	let_go(lock);
	CU_ASSERT(host_logged(host, "done later, cancelled: 1"));
	host_end(host);
	check_lines(host, 1, "Z warning request=[0-9a-f]{16} worker=fast: the work for after its "
	                     "reply takes longer than wait_until_timeout: [0-9]+ ms$");
}

static void a_stop_waits_for_later_work(void)
{
	struct host *host = start("", "");
	int lock = hold("a");

	CHECK_NUMBER(get(host, "fast", "/later/a")->status, 200);
	CU_ASSERT(host_logged(host, "begun later"));
	host_signal(host, SIGTERM);
	CU_ASSERT(host_logged(host, "SIGTERM: stopping, 0 in flight"));
	CHECK_NUMBER(count_of(host_log(host), "done later"), 0);
	let_go(lock);
	CHECK_NUMBER(host_wait(host), 0);
	CHECK_NUMBER(count_of(host_log(host), "done later"), 1);
}

static void a_stop_waits_for_later_work_no_longer_than_drain_timeout(void)
{
	struct host *host = start("drain_timeout = 200ms\nthreads = 1\n", "");
	int lock = hold("a");

	CHECK_NUMBER(get(host, "fast", "/later/a")->status, 200);
	CHECK_NUMBER(get(host, "fast", "/later/b")->status, 200);
	CU_ASSERT(host_logged(host, "begun later"));
	host_signal(host, SIGTERM);
	CHECK_NUMBER(host_wait(host), EX_TEMPFAIL);
	let_go(lock);
	check_lines(host, 1, "stopped, with threads at work still: drain_timeout is over$");
	check_lines(host, 1, " worker=fast: has not returned$");
	check_lines(host, 1, " worker=fast: the work for after its reply has not begun$");
}

/* Its reply is being sent until then: the work begins as the stop cuts it short. */
static void later_work_that_a_stop_lets_begin_does_not_hold_it_up(void)
{
	struct host *host = start("drain_timeout = 100ms\n", "");
	int lock = hold("a");
	int client = wire_connect_with(host, 4096);
	char byte;

	CU_ASSERT(wire_text(client, "GET /much/a HTTP/1.1\r\nHost: fast\r\n\r\n"));
	CU_ASSERT_FATAL(recv(client, &byte, 1, 0) == 1);
	CHECK_NUMBER(count_of(host_log(host), "begun later"), 0);
	host_signal(host, SIGTERM);
	CHECK_NUMBER(host_wait(host), EX_TEMPFAIL);
	let_go(lock);
	close(client);
	check_lines(host, 1, " target=\"/much/a\" status=200 .* aborted=yes$");
	check_lines(host, 1, " worker=fast: begun later, ");
	check_lines(host, 1, " worker=fast: has not returned$");
	check_lines(host, 0, "SIGKILL");
}

/* ---- Many ---------------------------------------------------------------------------------- */

static unsigned how_many(void)
{
	const char *text = getenv("TN_WAITING");
	struct rlimit limit;
	unsigned many = text ? (unsigned)strtoul(text, NULL, 10) : MANY;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		if (limit.rlim_max < many + 200)
			many = (unsigned)limit.rlim_max - 200;
	}
	return many;
}

static void very_many_wait_at_once(void)
{
	struct host *host = start("threads = 4\nqueue = 100000\nqueue_timeout = 1h\n"
	                          "max_connections_per_address = 1000000\n",
	                          "");
	unsigned many = how_many();
	int *clients = memory_of(many * sizeof(clients[0]));
	int lock = hold("a");
	unsigned good = 0;

	for (unsigned i = 0; i < many; i++)
		clients[i] = ask(host, "slow", "/lock/a");
	CU_ASSERT(host_logged_times(host, "begun a", 4));
	check_fast(host);
	let_go(lock);
	for (unsigned i = 0; i < many; i++) {
		struct wire_bytes reply = wire_read(clients[i], 1);

		good += wire_status(&reply) == 200;
		close(clients[i]);
	}
	CHECK_NUMBER(good, many);
	host_end(host);
}

TEST_MAIN("e2e/waiting",
          TEST(a_fast_worker_answers_while_a_slow_one_waits),
          TEST(the_one_that_blocks_may_be_two_bindings_deep),
          TEST(several_wait_at_once_each_on_a_thread),
          TEST(several_bindings_wait_at_once),
          TEST(replies_are_those_of_a_worker_that_does_not_wait),
          TEST(head_has_the_head_alone),
          TEST(a_connection_is_kept),
          TEST(pipelined_requests_are_answered_in_order),
          TEST(a_client_that_has_shut_down_its_side_gets_its_reply),
          TEST(who_finds_the_queue_full_gets_503),
          TEST(who_has_waited_too_long_for_a_thread_gets_503),
          TEST(without_patience_a_thread_that_is_free_is_used),
          TEST(concurrency_is_how_many_calls_run_at_once),
          TEST(who_is_late_gives_504_and_its_reply_is_thrown_away),
          TEST(head_that_is_late_has_the_head_alone),
          TEST(who_is_late_in_the_queue_gives_504),
          TEST(a_worker_sees_its_deadline),
          TEST(one_that_does_not_wait_is_late_when_it_returns),
          TEST(a_worker_sees_that_its_client_has_gone),
          TEST(a_request_whose_client_has_gone_is_not_begun),
          TEST(a_client_that_goes_as_its_request_is_handed_over_is_not_complained_of),
          TEST(a_stop_waits_for_who_waits),
          TEST(a_reload_loses_none_that_waits),
          TEST(one_that_does_not_come_back_is_left_at_drain_timeout),
          TEST(one_that_was_late_is_left_at_drain_timeout),
          TEST(a_second_signal_ends_it),
          TEST(later_work_keeps_nobody_waiting),
          TEST(who_has_no_timeout_and_does_not_return_is_named),
          TEST(later_work_that_takes_too_long_is_named),
          TEST(a_stop_waits_for_later_work),
          TEST(a_stop_waits_for_later_work_no_longer_than_drain_timeout),
          TEST(later_work_that_a_stop_lets_begin_does_not_hold_it_up),
          TEST(very_many_wait_at_once))
