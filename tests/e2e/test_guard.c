/* test_guard.c - the guard before libmicrohttpd: that it is there, and what it leaves alone. */
#include "harness.h"

#include "../cunit.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define BAD "GET /bad HTTP/1.1\r\nHost: slow\nX: y\r\n\r\n"
#define GOOD "GET /good HTTP/1.1\r\nHost: a\r\n\r\n"

static const char *lock_directory(void)
{
	const char *path = scratch_path("locks");

	mkdir(path, 0700);
	return path;
}

/* `slow` waits on a thread for the lock that it is asked for; nothing ends by a timeout. */
static const char *write_file(void)
{
	return scratch_write("guard.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 1\n"
	                     "idle_timeout = 1h\n"
	                     "head_timeout = 1h\n"
	                     "body_timeout = 1h\n"
	                     "min_rate = 0\n"
	                     "[worker echo]\n"
	                     "module = %s\n"
	                     "route = /*\n"
	                     "[worker slow]\n"
	                     "module = %s\n"
	                     "blocking = yes\n"
	                     "var.DIRECTORY = %s\n"
	                     "route = slow/*\n"
	                     "[worker receives]\n"
	                     "module = %s\n"
	                     "route = receives/*\n"
	                     "[worker threaded]\n"
	                     "module = %s\n"
	                     "blocking = yes\n"
	                     "route = threaded/*\n",
	                     fixture("serve_echo"), fixture("serve_wait"), lock_directory(),
	                     fixture("serve_recv"), fixture("serve_recv"));
}

static int hold(const char *name)
{
	int file = open(text_of("%s/%s", lock_directory(), name), O_RDONLY | O_CREAT | O_CLOEXEC,
	                0600);

	CU_ASSERT_FATAL(file >= 0);
	CU_ASSERT_FATAL(flock(file, LOCK_EX) == 0);
	return file;
}

static unsigned open_files(const struct host *host)
{
	DIR *directory = opendir(text_of("/proc/%d/fd", (int)host->pid));
	unsigned count = 0;

	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

/* Waits until there are no more than before. */
static void check_files(const struct host *host, unsigned before)
{
	long long end = now_ms() + deadline_ms();

	while (open_files(host) > before && now_ms() < end)
		nap();
	CU_ASSERT(open_files(host) <= before);
}

/* ---- The proof ----------------------------------------------------------------------------- */

static void check_refusal_to_serve(const char *const *arguments)
{
	struct finished finished = program_run(arguments);

	CHECK_NUMBER(finished.code, EX_UNAVAILABLE);
	CHECK_NUMBER(lines_matching(finished.err, "error: a malformed request was not refused, .*"
	                                          "Link tenon with its symbols exported"),
	             1);
	CHECK_NUMBER(count_of(finished.err, "listening"), 0);
}

static void a_host_without_the_guard_does_not_serve(void)
{
	const char *file = write_file();
	const char *program = built("tests/untapped");
	const char *const single[] = { program, "run", "--single", file, NULL };
	const char *const supervised[] = { program, "run", file, NULL };

	check_refusal_to_serve(single);
	check_refusal_to_serve(supervised);
}

static void the_proof_is_no_request(void)
{
	struct host *host = host_start(write_file());

	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 0);
	CHECK_NUMBER(count_of(host_log(host), "refused"), 0);
}

/* ---- What is told -------------------------------------------------------------------------- */

static void a_refusal_has_its_lines(void)
{
	struct host *host = host_start(write_file());
	struct wire_bytes reply = wire_talk(host, GOOD BAD, 0);

	CHECK_TEXT(wire_statuses(&reply), "200 400");
	CHECK_NUMBER(count_of(reply.data, "\r\nConnection: close\r\n"), 1);
	CHECK_NUMBER(count_of(reply.data, "\r\nDate: "), 2);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), "warning: 127\\.0\\.0\\.1: refused with 400: "
	                                            "a bare line feed"),
	             1);
	CHECK_NUMBER(lines_matching(host_log(host), "access id=[0-9a-f]+ method=- target=\"-\" "
	                                            "status=400 bytes=12 us=[0-9]+ chain=-$"),
	             1);
}

/* What of it came before is known. */
static void a_refusal_within_a_request_has_its_lines(void)
{
	struct host *host = host_start(write_file());
	int socket = wire_connect(host);
	struct wire_bytes reply;

	wire_text(socket, "PUT /partly HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	wire_text(socket, "5\nhello");
	reply = wire_read_all(socket);
	close(socket);
	CHECK_TEXT(wire_statuses(&reply), "400");
	CHECK_NUMBER(count_of(reply.data, "\r\nConnection: close\r\n"), 1);
	CHECK_NUMBER(count_of(reply.data, "\r\nDate: "), 1);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), "method=PUT target=\"/partly\" status=400 "
	                                            "bytes=12 us=[0-9]+ chain=-$"),
	             1);
}

static void a_refusal_of_head_has_no_body(void)
{
	static const char head[] = "HEAD /bad HTTP/1.1\r\nHost: a\nX: y\r\n\r\n";
	struct host *host = host_start(write_file());

	for (size_t first = 0; first < sizeof(head) - 1; first += 5) {
		int socket = wire_connect(host);
		struct wire_bytes reply;

		wire_send(socket, head, first);
		CHECK_NUMBER(http_get(host, "/")->status, 200);
		wire_text(socket, head + first);
		reply = wire_read_all(socket);
		close(socket);
		CHECK_NUMBER(wire_status(&reply), 400);
		CHECK_TEXT(strstr(reply.data, "\r\n\r\n"), "\r\n\r\n");
	}
	host_end(host);
}

/* More than libmicrohttpd's buffer holds of them comes at once. */
static void replies_before_a_refusal_all_come(void)
{
	struct host *host = host_start(write_file());
	char *text = memory_of(sizeof(GOOD) * 2000 + sizeof(BAD));
	char *at = text;
	struct wire_bytes replies;

	for (int i = 0; i < 2000; i++)
		at = mempcpy(at, GOOD, strlen(GOOD));
	mempcpy(at, BAD, sizeof(BAD));
	replies = wire_talk(host, text, 0);
	CHECK_NUMBER(count_of(replies.data, "HTTP/1.1 200 OK\r\n"), 2000);
	CHECK_NUMBER(count_of(replies.data, "HTTP/1.1 400 Bad Request\r\n"), 1);
	CHECK_NUMBER(replies.reset, false);
	host_end(host);
}

/* Were the connection closed, what it sends would be answered with a reset, of which the reply can
 * be lost. The host does not wait for ever, and this machine may be slow. */
static bool goes_on(const struct host *host, const char *request, const char *status)
{
	bool sent = false;

	for (int i = 0; i < 20 && !sent; i++) {
		int socket = wire_connect(host);
		struct wire_bytes reply;

		wire_text(socket, request);
		reply = wire_read_all(socket);
		CHECK_TEXT(wire_statuses(&reply), status);
		sent = wire_text(socket, "more");
		CHECK_NUMBER(http_get(host, "/")->status, 200);
		sent = sent && wire_text(socket, "more");
		close(socket);
	}
	return sent;
}

static void a_client_that_is_refused_may_go_on_for_a_while(void)
{
	struct host *host = host_start(write_file());

	CU_ASSERT(goes_on(host, BAD, "400"));
	CU_ASSERT(goes_on(host, GOOD BAD GOOD, "200 400"));
	CU_ASSERT(goes_on(host, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n",
	                  "413"));
	host_end(host);
}

/* ---- Connections that wait ----------------------------------------------------------------- */

static void a_refusal_waits_for_the_reply_before_it(void)
{
	struct host *host = host_start(write_file());
	int lock = hold("first");
	int socket = wire_connect(host);
	struct wire_bytes reply;

	wire_text(socket, "GET /lock/first HTTP/1.1\r\nHost: slow\r\n\r\n" BAD GOOD);
	CU_ASSERT_FATAL(host_logged(host, "begun first"));
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	close(lock);
	reply = wire_read_all(socket);
	CHECK_TEXT(wire_statuses(&reply), "200 400");
	close(socket);
	host_end(host);
}

static void bytes_that_come_while_it_waits_are_read_behind_it(void)
{
	struct host *host = host_start(write_file());
	int lock = hold("second");
	int socket = wire_connect(host);
	struct wire_bytes reply;

	wire_text(socket, "GET /lock/second HTTP/1.1\r\nHost: slow\r\n\r\n" GOOD "GET /par");
	CU_ASSERT_FATAL(host_logged(host, "begun second"));
	wire_text(socket, "t\n HTTP/1.1\r\nHost: a\r\n\r\n" GOOD);
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	close(lock);
	reply = wire_read_all(socket);
	CHECK_TEXT(wire_statuses(&reply), "200 200 400");
	close(socket);
	host_end(host);
}

static void a_client_that_resets_while_it_waits_does_no_harm(void)
{
	struct host *host = host_start(write_file());
	unsigned before;
	int socket;
	int lock = hold("third");

	CHECK_NUMBER(http_get(host, "/")->status, 200);
	socket = wire_connect(host);
	wire_text(socket, "GET /lock/third HTTP/1.1\r\nHost: slow\r\n\r\n" BAD);
	CU_ASSERT_FATAL(host_logged(host, "begun third"));
	before = open_files(host);
	wire_reset(socket);
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	close(lock);
	check_files(host, before - 2); /* its connection, and what the Worker waited for */
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	host_end(host);
}

/* An Expect without a body: libmicrohttpd has a way of its own for these. */
static void what_needs_no_continue_may_wait_as_well(void)
{
	struct host *host = host_start(write_file());
	int lock = hold("fourth");
	int socket = wire_connect(host);
	struct wire_bytes reply;

	wire_text(socket, "GET /lock/fourth HTTP/1.1\r\nHost: slow\r\n"
	                  "Expect: 100-continue\r\n\r\n");
	CU_ASSERT_FATAL(host_logged(host, "begun fourth"));
	close(lock);
	reply = wire_read_all(socket);
	CHECK_TEXT(wire_statuses(&reply), "200");
	close(socket);
	host_end(host);
}

/* ---- Clients that go ----------------------------------------------------------------------- */

static const char requests[] = "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n"
			       "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
			       "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
			       "5\r\nhello\r\n0\r\nX: y\r\n\r\n" BAD GOOD;

static void go_by_reset(int socket)
{
	wire_reset(socket);
}

static void go_by_close(int socket)
{
	close(socket);
}

/* Its descriptor is free again, though there is no timeout for it. */
static void check_who_goes(void (*go)(int socket), bool at_once)
{
	struct host *host = host_start(write_file());
	unsigned before;

	CHECK_NUMBER(http_get(host, "/")->status, 200);
	before = open_files(host);
	for (size_t size = 0; size < sizeof(requests); size++) {
		int socket = wire_connect(host);

		wire_send(socket, requests, size);
		if (!at_once)
			CHECK_NUMBER(http_get(host, "/")->status, 200);
		go(socket);
	}
	check_files(host, before);
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	host_end(host);
}

static void a_client_may_reset_at_any_byte(void)
{
	check_who_goes(go_by_reset, true);
	check_who_goes(go_by_reset, false);
}

static void a_client_may_close_at_any_byte(void)
{
	check_who_goes(go_by_close, true);
	check_who_goes(go_by_close, false);
}

/* ---- Others -------------------------------------------------------------------------------- */

static void workers_receive_what_they_are_sent(void)
{
	static const char *const hosts[] = { "receives", "threaded" };
	struct host *host = host_start(write_file());

	for (size_t i = 0; i < 2; i++) {
		const char *name = text_of("Host: %s", hosts[i]);
		struct http_reply *reply = http(host, &(struct http_request){
							      .headers = (const char *const[]){
								      name, NULL } });

		CHECK_NUMBER(reply->status, 200);
		CHECK_TEXT(reply->body, "the same bytes\n");
	}
	host_end(host);
}

TEST_MAIN("e2e/guard",
          TEST(a_host_without_the_guard_does_not_serve),
          TEST(the_proof_is_no_request),
          TEST(a_refusal_has_its_lines),
          TEST(a_refusal_within_a_request_has_its_lines),
          TEST(a_refusal_of_head_has_no_body),
          TEST(replies_before_a_refusal_all_come),
          TEST(a_client_that_is_refused_may_go_on_for_a_while),
          TEST(a_refusal_waits_for_the_reply_before_it),
          TEST(bytes_that_come_while_it_waits_are_read_behind_it),
          TEST(a_client_that_resets_while_it_waits_does_no_harm),
          TEST(what_needs_no_continue_may_wait_as_well),
          TEST(a_client_may_reset_at_any_byte),
          TEST(a_client_may_close_at_any_byte),
          TEST(workers_receive_what_they_are_sent))
