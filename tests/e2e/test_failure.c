/* test_failure.c - Workers that fail or do what is refused: 500, a line in the log, and on. */
#include "harness.h"

#include "../cunit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ERROR_BODY "Internal Server Error\n"

/* front calls middle calls back; `loop` calls itself. */
static struct host *start(const char *settings)
{
	const char *module = fixture("serve_fault");

	return host_start(scratch_write("failure.ini",
	                                "[host]\n"
	                                "listen = 127.0.0.1:0\n"
	                                "%s"
	                                "[worker front]\n"
	                                "module = %s\n"
	                                "route = /*\n"
	                                "service.next = back\n"
	                                "[worker back]\n"
	                                "module = %s\n"
	                                "[worker loop]\n"
	                                "module = %s\n"
	                                "route = loop/*\n"
	                                "service.again = loop\n",
	                                settings, module, module, module));
}

static struct http_reply *get_loop(const struct host *host, const char *path)
{
	static const char *const headers[] = { "Host: loop", NULL };

	return http(host, &(struct http_request){ .path = path, .headers = headers });
}

static void check_500(const struct http_reply *reply)
{
	CHECK_NUMBER(reply->status, 500);
	CHECK_TEXT(reply->body, ERROR_BODY);
	CHECK_NUMBER(http_header_count(reply, "X-Accepted"), 0);
}

static void check_good(const struct host *host)
{
	struct http_reply *reply = http_get(host, "/good");

	CHECK_NUMBER(reply->status, 200);
	CHECK_TEXT(reply->body, "good\n");
}

static void check_lines(const struct host *host, size_t count, const char *expression)
{
	size_t found = lines_matching(host_log(host), expression);

	if (found != count)
		CHECK_TEXT(host_log(host), text_of("%zu lines, not %zu, like: %s", count, found,
		                                   expression));
}

static void check_line(const struct host *host, const char *expression)
{
	check_lines(host, 1, expression);
}

static unsigned error_lines(const struct host *host)
{
	return lines_matching(host_log(host), "^[^ ]+Z error ");
}

/* ---- NULL ---------------------------------------------------------------------------------- */

static void a_worker_that_returns_null_gives_500_and_is_named(void)
{
	struct host *host = start("");

	check_500(http_get(host, "/null"));
	check_good(host);
	host_end(host);
	check_line(host, "Z error request=[0-9a-f]{16} worker=front: returned NULL$");
	check_line(host, " target=\"/null\" status=500 bytes=22 us=[0-9]+ chain=front$");
	CHECK_NUMBER(error_lines(host), 1);
}

static void where_null_is_passed_on_the_worker_where_it_arose_is_named(void)
{
	struct host *host = start("");

	check_500(http_get(host, "/pass-on"));
	check_good(host);
	host_end(host);
	check_line(host, "Z error request=[0-9a-f]{16} worker=back chain=front>back: "
	                 "returned NULL$");
	check_line(host, " target=\"/pass-on\" status=500 bytes=22 us=[0-9]+ "
	                 "chain=front\\(back\\)$");
	CHECK_NUMBER(error_lines(host), 1);
}

static void a_caller_may_recover_from_null(void)
{
	struct host *host = start("");

	CHECK_TEXT(http_get(host, "/recover")->body, "recovered\n");
	host_end(host);
	check_line(host, "worker=back chain=front>back: returned NULL$");
	check_line(host, " status=200 .* chain=front\\(back\\)$");
}

static void the_log_and_the_access_log_have_the_same_id(void)
{
	struct host *host = start("");
	const char *id;

	check_500(http_get(host, "/null"));
	host_end(host);
	id = strstr(host_log(host), " request=");
	CU_ASSERT_PTR_NOT_NULL_FATAL(id);
	check_line(host, text_of(" access id=%.16s ", id + strlen(" request=")));
}

/* ---- Limits -------------------------------------------------------------------------------- */

static void a_worker_that_calls_itself_for_ever_ends_at_depth_32(void)
{
	struct host *host = start("");

	for (int i = 0; i < 3; i++)
		check_500(get_loop(host, "/for-ever"));
	check_good(host);
	host_end(host);
	check_lines(host, 3, "Z error request=[0-9a-f]{16} worker=loop "
	                     "chain=(loop>){31}loop: call of 'loop' refused: "
	                     "32 calls deep is max_depth$");
	check_lines(host, 3, " status=500 .* "
	                     "chain=loop(\\(loop){23}\\)+[+]8$");
	CHECK_NUMBER(error_lines(host), 3);
}

static void max_depth_is_what_the_file_says(void)
{
	struct host *host = start("max_depth = 3\n");

	check_500(get_loop(host, "/for-ever"));
	host_end(host);
	check_line(host, " chain=loop>loop>loop: call of 'loop' refused: "
	                 "3 calls deep is max_depth$");
	check_line(host, " chain=loop\\(loop\\(loop\\)\\)$");
}

static void a_worker_that_calls_twice_at_each_level_ends_at_1000_calls(void)
{
	struct host *host = start("");

	check_500(get_loop(host, "/twice"));
	check_good(host);
	host_end(host);
	check_line(host, " status=500 .* chain=loop[(),lop]*[+]976$"); /* 24 are shown */
	check_lines(host, 1, "worker=loop .* refused: .* is max_depth");
	check_lines(host, 1, "worker=loop .* refused: .* are max_calls");
}

static void max_calls_is_what_the_file_says(void)
{
	struct host *host = start("max_calls = 10\n");

	check_500(get_loop(host, "/twice"));
	check_good(host);
	host_end(host);
	check_line(host, " call of 'loop' refused: 10 calls are max_calls$");
}

static void more_than_request_memory_gives_500(void)
{
	struct host *host = start("");

	for (int i = 0; i < 3; i++) {
		check_500(http_get(host, "/memory"));
		check_good(host);
	}
	host_end(host);
	check_lines(host, 3, "Z error request=[0-9a-f]{16} worker=front: no "
	                     "memory for 1048576 more bytes: [0-9]+ of request_memory, "
	                     "16777216, are taken$");
}

static void request_memory_is_what_the_file_says(void)
{
	struct host *host = start("request_memory = 2M\n");

	check_500(http_get(host, "/memory"));
	host_end(host);
	check_line(host, " of request_memory, 2097152, are taken$");
}

/* ---- What is refused where it is made ------------------------------------------------------ */

static struct wire_bytes get_raw(const struct host *host, const char *target)
{
	static const char format[] = "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

	return wire_talk(host, text_of(format, target), 0);
}

static void a_bad_header_never_reaches_the_wire(void)
{
	static const char *const targets[] = {
		"/set-header?name=X-Stray&value=a%0d%0aX-Stray:%20b",
		"/set-header?name=X-Stray&value=a%0ab",
		"/set-header?name=X-Stray&value=a%0db",
		"/set-header?name=X-Stray&value=a%01b",
		"/set-header?name=X-Stray&value=a%7fb",
		"/set-header?name=&value=X-Stray",
		"/set-header?name=X-Stray:&value=X-Stray",
		"/set-header?name=X-Stray:%20b%0d%0aY&value=X-Stray",
		"/set-header?name=X-Stray%0d%0aY&value=X-Stray",
		"/set-header?name=X-Stray%20&value=X-Stray",
		"/set-header?name=%20X-Stray&value=X-Stray",
		"/set-header?name=X-Stray%c3%a9&value=X-Stray",
		"/set-header?name=X-Stray%09&value=X-Stray",
		"/set-header?name=X(Stray)&value=X-Stray",
	};
	size_t count = sizeof(targets) / sizeof(targets[0]);
	struct host *host = start("");

	for (size_t i = 0; i < count; i++) {
		struct wire_bytes reply = get_raw(host, targets[i]);

		CHECK_NUMBER(wire_status(&reply), 200);
		CHECK_NUMBER(count_of(reply.data, "X-Accepted: no\r\n"), 1);
		if (!CHECK_NUMBER(count_of(reply.data, "Stray"), 0))
			puts(targets[i]);
		CHECK_TEXT(strstr(reply.data, "\r\n\r\n"), "\r\n\r\nkept\n");
	}
	check_good(host);
	host_end(host);
	check_lines(host, count, "Z error request=[0-9a-f]{16} worker=front: ");
	check_lines(host, 2 * count + 1, "Z (error|access) ");
}

static void a_worker_cannot_frame_its_reply(void)
{
	static const char *const names[] = {
		"Content-Length",
		"content-length",
		"Transfer-Encoding",
		"Connection",
		"Keep-Alive",
		"Upgrade",
		"Trailer",
		"TE",
		"Proxy-Connection",
	};
	size_t count = sizeof(names) / sizeof(names[0]);
	struct host *host = start("");

	for (size_t i = 0; i < count; i++) {
		struct wire_bytes reply = get_raw(host, text_of("/set-header?name=%s&value=stray",
		                                                names[i]));

		CHECK_NUMBER(wire_status(&reply), 200);
		CHECK_NUMBER(count_of(reply.data, "X-Accepted: no\r\n"), 1);
		CHECK_NUMBER(count_of(reply.data, "stray"), 0);
		CHECK_NUMBER(count_of(reply.data, "\r\nContent-Length: 5\r\n"), 1);
	}
	host_end(host);
	check_lines(host, count, "Z error request=[0-9a-f]{16} worker=front: ");
}

static void a_good_header_reaches_the_wire(void)
{
	struct host *host = start("");
	struct wire_bytes reply = get_raw(host, "/set-header?name=X-Fine&value=%20a,%20b%09c%20");

	CHECK_NUMBER(count_of(reply.data, "\r\nX-Fine: a, b\tc\r\n"), 1);
	CHECK_NUMBER(count_of(reply.data, "X-Accepted: yes\r\n"), 1);
	host_end(host);
	CHECK_NUMBER(error_lines(host), 0);
}

static void a_status_outside_200_to_599_is_refused(void)
{
	static const int statuses[] = { 0, -1, 100, 101, 199, 600, 999, 65736, 2147483647 };
	size_t count = sizeof(statuses) / sizeof(statuses[0]);
	struct host *host = start("");

	for (size_t i = 0; i < count; i++) {
		struct http_reply *reply;

		check_500(http_get(host, text_of("/status?n=%d", statuses[i])));
		reply = http_get(host, text_of("/set-status?n=%d", statuses[i]));
		CHECK_NUMBER(reply->status, 200);
		CHECK_TEXT(http_header(reply, "X-Accepted"), "no");
	}
	check_good(host);
	host_end(host);
	/* Of each pair the one that made NULL of it, and the Worker that then returned that. */
	check_lines(host, 2 * count, "worker=front: status -?[0-9]+ refused: "
	                             "it is to be 200 to 599$");
}

static void every_status_from_200_to_599_is_sent(void)
{
	static const int statuses[] = { 200, 201, 299, 302, 418, 451, 499, 503, 599 };
	struct host *host = start("");

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		CHECK_NUMBER(http_get(host, text_of("/status?n=%d", statuses[i]))->status,
		             statuses[i]);
	host_end(host);
	CHECK_NUMBER(error_lines(host), 0);
}

static void a_body_where_none_may_be_is_refused(void)
{
	static const int statuses[] = { 204, 205, 304 };
	struct host *host = start("");

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct wire_bytes reply = get_raw(host, text_of("/status?n=%d", statuses[i]));

		CHECK_NUMBER(wire_status(&reply), 500);
		CHECK_NUMBER(count_of(reply.data, "must not leave"), 0);
		reply = get_raw(host, text_of("/set-body?n=%d", statuses[i]));
		CHECK_NUMBER(wire_status(&reply), statuses[i]);
		CHECK_NUMBER(count_of(reply.data, "X-Accepted: no\r\n"), 1);
		CHECK_NUMBER(count_of(reply.data, "must not leave"), 0);
		reply = get_raw(host, text_of("/set-status?n=%d", statuses[i]));
		CHECK_NUMBER(wire_status(&reply), 200);
		CHECK_NUMBER(count_of(reply.data, "X-Accepted: no\r\n"), 1);
	}
	host_end(host);
	check_lines(host, 9, "worker=front: body refused: a response with "
	                     "status (204|205|304) has none$");
}

/*
 * RFC 9110, 8.6: no Content-Length with 204. 15.3.6: the content of 205 has the length 0. With 304
 * it would be that of the 200, which nobody knows; libmicrohttpd 0.9.75 says 0 there and cannot be
 * kept from it but by closing the connection, so that is let pass. No content follows any of them
 * (RFC 9112, 6.3): the next reply begins at once.
 */
static void a_reply_without_a_body_is_framed_as_such(void)
{
	static const int statuses[] = { 204, 304, 205 };
	struct host *host = start("");

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct wire_bytes reply = wire_talk(
			host, text_of("GET /empty?n=%d HTTP/1.1\r\nHost: a\r\n\r\n"
		                      "GET /good HTTP/1.1\r\nHost: a\r\n\r\n",
		                      statuses[i]),
			2);
		const char *second = strstr(reply.data, "\r\n\r\nHTTP/1.1 200 OK\r\n");
		unsigned zero = count_of(reply.data, "\r\nContent-Length: 0\r\n");

		CHECK_NUMBER(wire_status(&reply), statuses[i]);
		CHECK_NUMBER(second != NULL, true);
		CHECK_NUMBER(count_of(reply.data, "HTTP/1.1 "), 2);
		CHECK_NUMBER(count_of(reply.data, "Transfer-Encoding"), 0);
		CHECK_NUMBER(count_of(reply.data, "Content-Length: "), zero + 1);
		if (statuses[i] != 304)
			CHECK_NUMBER(zero, statuses[i] == 205);
	}
	host_end(host);
	CHECK_NUMBER(error_lines(host), 0);
}

/* ---- After the reply ----------------------------------------------------------------------- */

static struct host *start_later(const char *fifo)
{
	return host_start(scratch_write("later.ini",
	                                "[host]\n"
	                                "listen = 127.0.0.1:0\n"
	                                "[worker later]\n"
	                                "module = %s\n"
	                                "route = /*\n"
	                                "service.next = hello\n"
	                                "var.FIFO = %s\n"
	                                "[worker hello]\n"
	                                "module = %s\n",
	                                fixture("serve_later"), fifo, fixture("serve_hello")));
}

/* Opens it for writing once somebody reads. */
static int open_fifo(const char *path)
{
	long long end = now_ms() + deadline_ms();
	int file;

	while ((file = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0 && now_ms() < end)
		nap();
	return file;
}

/* The work waits for what the test writes after it has its reply. */
static void work_runs_after_the_reply_was_sent(void)
{
	const char *path = scratch_path("fifo");
	struct host *host;
	struct http_reply *reply;
	int file;

	CHECK_NUMBER(mkfifo(path, 0600), 0);
	host = start_later(path);
	reply = http_get(host, "/fifo");
	CHECK_NUMBER(reply->status, 200);
	CHECK_TEXT(reply->body, "left\n");
	CHECK_NUMBER(count_of(host_log(host), "the fifo gave"), 0);
	file = open_fifo(path);
	CHECK_NUMBER(write(file, "!", 1), 1);
	close(file);
	host_logged(host, "the fifo gave !");
	host_end(host);
}

static const char *position(const char *log, const char *text)
{
	const char *at = strstr(log, text);

	if (!at)
		CHECK_TEXT(log, text);
	return at;
}

static void work_comes_first_come_first_and_releases_come_last_first(void)
{
	struct host *host = start_later("none");
	const char *log;

	CHECK_NUMBER(http_get(host, "/order")->status, 200);
	host_end(host);
	log = host_log(host);
	CHECK_NUMBER(lines_matching(log, " request=[0-9a-f]{16} worker=later: did "), 4);
	CHECK_NUMBER(position(log, "first work") < position(log, "second work"), true);
	CHECK_NUMBER(position(log, "second work") < position(log, "second release"), true);
	CHECK_NUMBER(position(log, "second release") < position(log, "first release"), true);
}

static void work_may_call_a_binding(void)
{
	struct host *host = start_later("none");

	CHECK_NUMBER(http_get(host, "/call")->status, 200);
	host_logged(host, "worker=later: called, 200");
	host_end(host);
}

static void work_that_leaves_more_work_for_ever_is_ended(void)
{
	struct host *host = start_later("none");

	CHECK_NUMBER(http_get(host, "/again")->status, 200);
	host_logged(host, "tn_wait_until refused: 1000 calls are max_calls");
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	host_end(host);
	CHECK_NUMBER(error_lines(host), 1);
}

TEST_MAIN("e2e/failure",
          TEST(a_worker_that_returns_null_gives_500_and_is_named),
          TEST(where_null_is_passed_on_the_worker_where_it_arose_is_named),
          TEST(a_caller_may_recover_from_null),
          TEST(the_log_and_the_access_log_have_the_same_id),
          TEST(a_worker_that_calls_itself_for_ever_ends_at_depth_32),
          TEST(max_depth_is_what_the_file_says),
          TEST(a_worker_that_calls_twice_at_each_level_ends_at_1000_calls),
          TEST(max_calls_is_what_the_file_says),
          TEST(more_than_request_memory_gives_500),
          TEST(request_memory_is_what_the_file_says),
          TEST(a_bad_header_never_reaches_the_wire),
          TEST(a_worker_cannot_frame_its_reply),
          TEST(a_good_header_reaches_the_wire),
          TEST(a_status_outside_200_to_599_is_refused),
          TEST(every_status_from_200_to_599_is_sent),
          TEST(a_body_where_none_may_be_is_refused),
          TEST(a_reply_without_a_body_is_framed_as_such),
          TEST(work_runs_after_the_reply_was_sent),
          TEST(work_comes_first_come_first_and_releases_come_last_first),
          TEST(work_may_call_a_binding),
          TEST(work_that_leaves_more_work_for_ever_is_ended))
