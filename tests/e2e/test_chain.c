/* test_chain.c - gateway, auth and application, from an INI file to a reply. */
#include "harness.h"

#include "../cunit.h"

#include <unistd.h>

#define TOKEN "wU8t-some-token"
#define WITH_TOKEN "x-custom-token: " TOKEN
#define REFUSED "x-custom-token does not match, request not allowed"
#define HELLO "Hello from the application worker\n"

/* What an access-log line is, but for its method, target, status, bytes and chain. */
#define TIME "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z"
#define ACCESS(method_, target_, status_, bytes_, chain_) \
	TIME " access id=[0-9a-f]{16} method=" method_ " target=\"" target_ "\" status=" status_ \
	     " bytes=" bytes_ " us=[0-9]+ chain=" chain_ "$"
#define ALL_RAN "gateway\\(auth,application\\)"

/* Whatever the client sent, a line is of this form. */
#define WELL_FORMED \
	ACCESS("([!#-\\[^-~]|\\]|\\\\x[0-9a-f]{2})+", "([^\"\\]|\\\\x[0-9a-f]{2})*", "[0-9]{3}", \
	       "[0-9]+", "(-|gateway\\((auth|auth,application)\\))")

/* `host` and `application` are further lines of their sections. */
static struct host *start(const char *host, const char *application)
{
	static const char *const environment[] = { "CHAIN_TOKEN=" TOKEN, NULL };
	const char *file = scratch_write("chain.ini",
	                                 "[host]\n"
	                                 "listen = 127.0.0.1:0\n"
	                                 "modules = %s\n"
	                                 "%s"
	                                 "[worker gateway]\n"
	                                 "route = /*\n"
	                                 "service.auth = auth\n"
	                                 "service.application = application\n"
	                                 "[worker auth]\n"
	                                 "secret.SECRET_TOKEN = env:CHAIN_TOKEN\n"
	                                 "[worker application]\n"
	                                 "%s",
	                                 built("plugins"), host, application);

	return host_start_with(file, &(struct host_options){ .environment = environment });
}

/* With an application that shows what reached it. */
static struct host *start_echo(const char *host)
{
	return start(host, text_of("module = %s\n", fixture("serve_echo")));
}

static struct http_reply *get_with(const struct host *host, const char *header)
{
	const char *const headers[] = { header, NULL };

	return http(host, &(struct http_request){ .headers = headers });
}

static struct http_reply *post(const struct host *host, size_t size, bool chunked)
{
	static const char *const headers[] = { WITH_TOKEN, NULL };
	char *body = memory_of(size + 1);

	for (size_t i = 0; i < size; i++)
		body[i] = (char)(i * 31 + i / 256);
	return http(host, &(struct http_request){ .method = "POST",
	                                          .headers = headers,
	                                          .body = body,
	                                          .body_size = size,
	                                          .chunked = chunked });
}

/* Whether it is the body that post() sent. */
static bool came_back(const struct http_reply *reply, size_t size)
{
	if (reply->status != 200 || reply->body_size != size)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (reply->body[i] != (char)(i * 31 + i / 256))
			return false;
	}
	return true;
}

/* ---- Statuses and bodies ------------------------------------------------------------------- */

static void a_request_without_the_token_gets_403(void)
{
	struct host *host = start("", "");
	struct http_reply *reply = http_get(host, "/");

	CHECK_NUMBER(reply->status, 403);
	CHECK_TEXT(reply->body, REFUSED);
	CHECK_TEXT(http_header(reply, "Content-Type"), "text/plain;charset=UTF-8");
	CHECK_TEXT(http_header(reply, "Content-Length"), "50");
	CHECK_NUMBER(http_header_count(reply, "Content-Length"), 1);
	CHECK_NUMBER(http_header_count(reply, "Date"), 1);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), ACCESS("GET", "/", "403", "50",
	                                                   "gateway\\(auth\\)")),
	             1);
	CHECK_NUMBER(host_access_lines(host), 1);
}

static void a_request_with_the_token_reaches_the_application(void)
{
	struct host *host = start("", "");
	struct http_reply *reply = get_with(host, WITH_TOKEN);

	CHECK_NUMBER(reply->status, 200);
	CHECK_TEXT(reply->body, HELLO);
	CHECK_TEXT(http_header(reply, "Content-Type"), "text/plain;charset=UTF-8");
	CHECK_TEXT(http_header(reply, "Content-Length"), "34");
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), ACCESS("GET", "/", "200", "34", ALL_RAN)), 1);
	CHECK_NUMBER(host_access_lines(host), 1);
	CHECK_NUMBER(count_of(host_log(host), TOKEN), 0);
}

static void only_the_very_token_is_accepted(void)
{
	static const char *const wrong[] = {
		"x-custom-token: wrong",
		"x-custom-token;",
		"x-custom-token: wU8t-some-tokenx",
		"x-custom-token: wU8t-some-toke",
		"x-custom-token: WU8T-SOME-TOKEN",
		"x-custom-token: wU8t-some-token, wU8t-some-token",
		"y-custom-token: wU8t-some-token",
	};
	struct host *host = start("", "");

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK_NUMBER(get_with(host, wrong[i])->status, 403);
	CHECK_NUMBER(get_with(host, "X-CUSTOM-Token:  " TOKEN "  ")->status, 200);
	host_end(host);
}

static void the_greeting_comes_from_the_file(void)
{
	struct host *host = start("", "var.GREETING = Good morning\n");

	CHECK_TEXT(get_with(host, WITH_TOKEN)->body, "Good morning\n");
	host_end(host);
}

static void head_gets_the_head_alone(void)
{
	static const char format[] = "%s / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n\r\n";
	struct host *host = start("", "");
	struct wire_bytes get = wire_talk(host, text_of(format, "GET", WITH_TOKEN), 0);
	struct wire_bytes head = wire_talk(host, text_of(format, "HEAD", WITH_TOKEN), 0);

	CHECK_TEXT(text_of("%s" HELLO, wire_without_date(&head)), wire_without_date(&get));
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), ACCESS("HEAD", "/", "200", "0", ALL_RAN)), 1);
}

/* ---- Bodies of requests -------------------------------------------------------------------- */

static void a_body_of_max_body_bytes_passes_unchanged(void)
{
	struct host *host = start_echo("max_body = 64K\n");

	for (int chunked = 0; chunked < 2; chunked++) {
		CHECK_NUMBER(came_back(post(host, 1, chunked), 1), true);
		CHECK_NUMBER(came_back(post(host, 65535, chunked), 65535), true);
		CHECK_NUMBER(came_back(post(host, 65536, chunked), 65536), true);
	}
	host_end(host);
}

static void one_byte_beyond_max_body_gets_413(void)
{
	struct host *host = start_echo("max_body = 64K\n");

	for (int chunked = 0; chunked < 2; chunked++) {
		struct http_reply *reply = post(host, 65537, chunked);

		CHECK_NUMBER(reply->status, 413);
		CHECK_TEXT(reply->body, "Content Too Large\n");
		CHECK_NUMBER(came_back(post(host, 65536, chunked), 65536), true);
	}
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), ACCESS("POST", "/", "413", "18", "-")), 2);
	CHECK_NUMBER(host_access_lines(host), 4);
}

/* Nothing of the body has been sent, and nothing need be. */
static void a_length_that_is_too_large_is_refused_at_once(void)
{
	struct host *host = start_echo("max_body = 64K\n");
	struct wire_bytes reply = wire_talk(host, "POST / HTTP/1.1\r\nHost: a\r\n"
	                                          "Content-Length: 65537\r\n\r\n",
	                                    0);

	CHECK_NUMBER(wire_status(&reply), 413);
	CHECK_NUMBER(count_of(reply.data, "HTTP/1.1 "), 1);
	CHECK_NUMBER(count_of(reply.data, "Connection: close\r\n"), 1);
	CHECK_NUMBER(reply.closed && !reply.reset, true);
	host_end(host);
}

static void what_follows_a_refused_body_is_never_a_request(void)
{
	struct host *host = start_echo("max_body = 8\n");
	struct wire_bytes reply = wire_talk(host, "POST / HTTP/1.1\r\nHost: a\r\n"
	                                          "Content-Length: 38\r\n\r\n"
	                                          "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
	                                    0);

	CHECK_NUMBER(count_of(reply.data, "HTTP/1.1 "), 1);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 1);
	CHECK_NUMBER(count_of(host_log(host), "smuggled"), 0);
}

static void an_endless_body_is_cut_off(void)
{
	static const char chunk[] = "1000\r\n";
	struct host *host = start_echo("max_body = 64K\n");
	char *part = text_of("%s%4096s\r\n", chunk, "");
	int socket = wire_connect(host);
	size_t sent = 0;

	wire_text(socket, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (sent < (size_t)64 << 20 && wire_text(socket, part))
		sent += 4096;
	CHECK_NUMBER(sent < (size_t)64 << 20, true);
	close(socket);
	CHECK_NUMBER(get_with(host, WITH_TOKEN)->status, 200);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 2);
}

static void max_body_0_allows_no_body(void)
{
	struct host *host = start_echo("max_body = 0\n");

	CHECK_NUMBER(post(host, 0, false)->status, 200);
	CHECK_NUMBER(post(host, 0, true)->status, 200);
	CHECK_NUMBER(post(host, 1, false)->status, 413);
	CHECK_NUMBER(post(host, 1, true)->status, 413);
	CHECK_NUMBER(get_with(host, WITH_TOKEN)->status, 200);
	host_end(host);
}

/* ---- Connections --------------------------------------------------------------------------- */

static void a_connection_serves_many_requests(void)
{
	static const char *const headers[] = { WITH_TOKEN, NULL };
	struct host *host = start("", "");
	struct http_client *client = http_open(host);
	unsigned connects = 0;

	for (int i = 0; i < 50; i++) {
		struct http_request request = { .headers = i % 3 ? headers : NULL };
		struct http_reply *reply = http_send(client, &request);

		CHECK_NUMBER(reply->status, i % 3 ? 200 : 403);
		CHECK_TEXT(reply->body, i % 3 ? HELLO : REFUSED);
		connects += reply->connects;
	}
	CHECK_NUMBER(connects, 1);
	http_close(client);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 50);
	CHECK_NUMBER(lines_matching(host_log(host), WELL_FORMED), 50);
}

static void every_request_has_an_id_of_its_own_which_the_worker_sees(void)
{
	static const char *const headers[] = { WITH_TOKEN, NULL };
	struct http_request request = { .headers = headers };
	struct host *host = start_echo("");
	struct http_client *client = http_open(host);
	const char *one = http_header(http_send(client, &request), "X-Id");
	const char *other = http_header(http_send(client, &request), "X-Id");

	http_close(client);
	host_end(host);
	CU_ASSERT_PTR_NOT_NULL_FATAL(one);
	CU_ASSERT_PTR_NOT_NULL_FATAL(other);
	CU_ASSERT_STRING_NOT_EQUAL(one, other);
	CHECK_NUMBER(count_of(host_log(host), text_of("access id=%s ", one)), 1);
	CHECK_NUMBER(count_of(host_log(host), text_of("access id=%s ", other)), 1);
}

static void pipelined_requests_are_answered_in_order(void)
{
	struct host *host = start_echo("");
	const char *requests = "";
	const char *at;
	struct wire_bytes replies;

	for (int i = 0; i < 20; i++)
		requests = text_of("%sPOST /%d HTTP/1.1\r\nHost: a\r\n" WITH_TOKEN
		                   "\r\nContent-Length: %d\r\n\r\n%.*s",
		                   requests, i, i, i, "abcdefghijklmnopqrst");
	replies = wire_talk(host, requests, 20);
	at = replies.data;
	for (int i = 0; at && i < 20; i++) {
		at = strstr(at, text_of("\r\nX-Target: /%d\r\n", i));
		CHECK_NUMBER(at != NULL, true);
	}
	CHECK_NUMBER(count_of(replies.data, "HTTP/1.1 200 OK\r\n"), 20);
	CHECK_TEXT(strrchr(replies.data, '\n'), "\nabcdefghijklmnopqrs");
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 20);
}

/* ---- The log cannot be forged -------------------------------------------------------------- */

static void send_line(const struct host *host, const char *method, const char *target)
{
	static const char format[] = "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

	wire_talk(host, text_of(format, method, target), 0);
}

static void no_target_can_forge_a_log_line(void)
{
	static const char *const targets[] = {
		"/\"",
		"/\\",
		"/\\x22",
		"/a\" status=200 bytes=1 us=1 chain=forged",
		"/a\rb",
		"/a\x0bz",
		"/a\x1b[2Jb",
		"/a\x7f",
		"/a\tb",
		"/a\xc3\xa9",
		"/a\x80\xff",
		"/%0a2026-01-01T00:00:00.000Z%20access%20id=0",
		"/a\xe2\x80\xa8z",
		"http://a/\"",
		"*\"",
		"nothing",
	};
	size_t count = sizeof(targets) / sizeof(targets[0]);
	struct host *host = start("", "");

	for (size_t i = 0; i < count; i++)
		send_line(host, "GET", targets[i]);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), (long long)count);
	if (!CHECK_NUMBER(lines_matching(host_log(host), WELL_FORMED), (long long)count))
		puts(host_log(host));
	/* Those, one for each module, the line that it listens, the one that it stops, and those
	 * on requests that are refused, of which there is one a second. */
	CHECK_NUMBER(lines_matching(host_log(host), "") -
	                     lines_matching(host_log(host), "^[^ ]+ warning: .*refused"),
	             (long long)count + 5);
	CHECK_NUMBER(lines_matching(host_log(host), " chain=forged$"), 0);
	CHECK_NUMBER(count_of(host_log(host), "\xc3"), 0);
	CHECK_NUMBER(count_of(host_log(host), "target=\"/%5Cx22\""), 1);
}

static void no_method_can_forge_a_log_line(void)
{
	static const char *const methods[] = { "G\"T", "G\\T", "G\x1bT", "G\xc3\xa9T", "GET=1" };
	size_t count = sizeof(methods) / sizeof(methods[0]);
	struct host *host = start("", "");

	for (size_t i = 0; i < count; i++)
		send_line(host, methods[i], "/");
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), (long long)count);
	if (!CHECK_NUMBER(lines_matching(host_log(host), WELL_FORMED), (long long)count))
		puts(host_log(host));
}

static void a_target_too_long_for_the_log_is_cut_not_lost(void)
{
	struct host *host = start("", "");
	const char *target = text_of("/%06000d", 0);

	CHECK_NUMBER(http_get(host, target)->status, 403);
	CHECK_NUMBER(http_get(host, "/")->status, 403);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 2);
	CHECK_NUMBER(lines_matching(host_log(host), WELL_FORMED), 2);
}

static void the_access_log_goes_where_the_file_says(void)
{
	const char *path = scratch_path("access.log");
	struct host *host = start("access_log = access.log\n", "");

	CHECK_NUMBER(http_get(host, "/")->status, 403);
	host_end(host);
	CHECK_NUMBER(lines_matching(file_read(path), WELL_FORMED), 1);
	CHECK_NUMBER(host_access_lines(host), 0);

	host = start("access_log = stdout\n", "");
	CHECK_NUMBER(http_get(host, "/")->status, 403);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_out(host), WELL_FORMED), 1);

	host = start("access_log = off\n", "");
	CHECK_NUMBER(http_get(host, "/")->status, 403);
	host_end(host);
	CHECK_NUMBER(host_access_lines(host), 0);
	CHECK_TEXT(host_out(host), "");
}

TEST_MAIN("e2e/chain",
          TEST(a_request_without_the_token_gets_403),
          TEST(a_request_with_the_token_reaches_the_application),
          TEST(only_the_very_token_is_accepted),
          TEST(the_greeting_comes_from_the_file),
          TEST(head_gets_the_head_alone),
          TEST(a_body_of_max_body_bytes_passes_unchanged),
          TEST(one_byte_beyond_max_body_gets_413),
          TEST(a_length_that_is_too_large_is_refused_at_once),
          TEST(what_follows_a_refused_body_is_never_a_request),
          TEST(an_endless_body_is_cut_off),
          TEST(max_body_0_allows_no_body),
          TEST(a_connection_serves_many_requests),
          TEST(every_request_has_an_id_of_its_own_which_the_worker_sees),
          TEST(pipelined_requests_are_answered_in_order),
          TEST(no_target_can_forge_a_log_line),
          TEST(no_method_can_forge_a_log_line),
          TEST(a_target_too_long_for_the_log_is_cut_not_lost),
          TEST(the_access_log_goes_where_the_file_says))
