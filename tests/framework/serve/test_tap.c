#include "serve/tap.h"

#include "cunit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOOD "GET /good HTTP/1.1\r\nHost: a\r\n\r\n"
#define BAD "GET /bad HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"
#define OWN "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static const struct tn_framing_limits limits = { .head = 1000, .fields = 10, .target = 100 };

static struct tn_tap tap;
static struct tn_client *client;
static int peer;

static void begin(void)
{
	int ends[2];

	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	peer = ends[1];
	tap = TN_TAP_INIT;
	client = tn_client_create(ends[0], NULL, &limits);
	CU_ASSERT_FATAL(client && tn_tap_add(&tap, client));
	tn_tap_enter(&tap);
}

static void end(void)
{
	tn_tap_leave();
	tn_tap_remove(&tap, client);
	close(client->descriptor);
	close(peer);
	tn_client_destroy(client);
	tn_tap_finish(&tap);
}

static void send_text(const char *text)
{
	CHECK_NUMBER(write(peer, text, strlen(text)), (long long)strlen(text));
}

/* What one recv gives; "" at the end. */
static const char *take(size_t most)
{
	static char text[4096];
	ssize_t size = recv(client->descriptor, text, most, 0);

	if (size < 0)
		return strerrorname_np(errno);
	text[size] = '\0';
	return text;
}

/* What the client has been sent; "" for nothing. */
static const char *sent(void)
{
	static char text[4096];
	ssize_t size = read(peer, text, sizeof(text) - 1);

	text[size > 0 ? size : 0] = '\0';
	return text;
}

static void good_bytes_come_as_they_are(void)
{
	begin();
	send_text(GOOD GOOD);
	CHECK_TEXT(take(10), "GET /good ");
	CHECK_TEXT(take(4000), &(GOOD GOOD)[10]);
	CHECK_TEXT(take(4000), "EAGAIN");
	CHECK_NUMBER(client->refusal, 0);
	CHECK_NUMBER(client->gone, false);
	end();
}

static void deadlines_are_told_when_a_head_or_a_body_begins(void)
{
	const struct tn_deadlines deadlines = { .now = 77 };

	begin();
	tap.deadlines = &deadlines;
	send_text(GOOD);
	take(4000);
	CHECK_NUMBER(client->since, 0);
	send_text("POST / HTTP/1.1\r\n");
	take(4000);
	CHECK_NUMBER(client->since, 77);
	client->since = 0;
	send_text("Host: a\r\n");
	take(4000);
	CHECK_NUMBER(client->since, 0);
	send_text("Content-Length: 9\r\n\r\n1");
	take(4000);
	CHECK_NUMBER(client->since, 77);
	CHECK_NUMBER(client->since_body, 1);
	end();
}

static void outside_nothing_is_looked_at(void)
{
	begin();
	tn_tap_leave();
	send_text(BAD);
	CHECK_TEXT(take(4000), BAD);
	tn_tap_enter(&tap);
	tn_tap_remove(&tap, client);
	send_text(BAD);
	CHECK_TEXT(take(4000), BAD);
	CHECK_NUMBER(client->refusal, 0);
	end();
}

static void other_sockets_are_not_looked_at(void)
{
	char text[100] = "";
	int ends[2];

	begin();
	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	CHECK_NUMBER(write(ends[1], BAD, strlen(BAD)), (long long)strlen(BAD));
	CHECK_NUMBER(recv(ends[0], text, sizeof(text), MSG_PEEK), (long long)strlen(BAD));
	CHECK_NUMBER(recv(ends[0], text, sizeof(text), 0), (long long)strlen(BAD));
	CHECK_TEXT(text, BAD);
	close(ends[0]);
	close(ends[1]);
	CHECK_NUMBER(recv(-1, text, sizeof(text), 0), -1);
	CHECK_NUMBER(errno, EBADF);
	end();
}

static void *take_it(void *text)
{
	snprintf(text, 4096, "%s", take(4000));
	return NULL;
}

static void other_threads_are_not_looked_at(void)
{
	char text[4096];
	pthread_t thread;

	begin();
	send_text(BAD);
	CU_ASSERT_FATAL(pthread_create(&thread, NULL, take_it, text) == 0);
	pthread_join(thread, NULL);
	CHECK_TEXT(text, BAD);
	end();
}

static void a_forked_child_is_not_looked_at(void)
{
	int status = -1;
	pid_t child;

	begin();
	send_text(BAD);
	child = fork();
	if (!child)
		_exit(strcmp(take(4000), BAD) != 0);
	CU_ASSERT_FATAL(child > 0);
	CHECK_NUMBER(waitpid(child, &status, 0), child);
	CHECK_NUMBER(status, 0);
	send_text(BAD);
	CHECK_TEXT(take(4000), OWN);
	end();
}

static void our_own_stands_for_a_refused_request(void)
{
	begin();
	send_text(GOOD GOOD BAD GOOD);
	CHECK_TEXT(take(4000), GOOD GOOD OWN);
	CHECK_NUMBER(client->refusal, 400);
	CHECK_NUMBER((long long)client->refused, 3);
	CU_ASSERT_PTR_NOT_NULL(client->reason);
	CHECK_TEXT(take(4000), "ECONNRESET");
	CHECK_TEXT(sent(), "");
	end();
}

static void the_method_stays_head(void)
{
	begin();
	send_text("HEAD /bad HTTP/1.1\r\nHost: a\nX: b\r\n\r\n");
	CHECK_TEXT(take(4000), "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	end();
}

static void our_own_comes_in_as_many_parts_as_it_takes(void)
{
	char text[4096] = "";

	begin();
	send_text(GOOD BAD);
	CHECK_TEXT(take(strlen(GOOD BAD)), GOOD "GET / HTTP/1.1\r\nHost: a\r\nConnection");
	while (strlen(text) < strlen(": close\r\n\r\n"))
		strncat(text, take(2), 2);
	CHECK_TEXT(text, ": close\r\n\r\n");
	CHECK_TEXT(take(4000), "ECONNRESET");
	end();
}

static void a_request_that_has_begun_is_refused_at_once(void)
{
	begin();
	send_text(GOOD "GET /bad HTTP/1.1\r\nHos");
	CHECK_TEXT(take(4000), GOOD "GET /bad HTTP/1.1\r\nHos");
	send_text("t: a\nX: b\r\n\r\n" GOOD);
	CHECK_TEXT(take(4000), "ECONNRESET");
	CHECK_NUMBER(strncmp(sent(), "HTTP/1.1 400 Bad Request\r\n", 26), 0);
	CHECK_NUMBER(client->refusal, 400);
	CHECK_NUMBER((long long)client->refused, 2);
	CU_ASSERT_PTR_NULL(client->own);
	CHECK_TEXT(take(4000), "ECONNRESET");
	CHECK_TEXT(sent(), "");
	end();
}

static void a_request_that_is_answered_gets_no_second_reply(void)
{
	begin();
	send_text("GET /bad HTTP/1.1\r\n");
	take(4000);
	client->answered = true;
	send_text("\n");
	CHECK_TEXT(take(4000), "ECONNRESET");
	CHECK_TEXT(sent(), "");
	end();
}

/* libmicrohttpd is told of the end in its next read, to which this wakes it. */
static void an_end_behind_a_part_is_noticed(void)
{
	struct pollfd readable = { .events = POLLIN };

	begin();
	send_text("GET /part");
	shutdown(peer, SHUT_WR);
	CHECK_TEXT(take(4000), "GET /part");
	CHECK_NUMBER(client->gone, true);
	readable.fd = client->descriptor;
	CHECK_NUMBER(poll(&readable, 1, 0), 1);
	CHECK_TEXT(take(4000), "");
	end();
}

static void an_end_behind_a_request_is_left_for_later(void)
{
	begin();
	send_text(GOOD);
	shutdown(peer, SHUT_WR);
	CHECK_TEXT(take(4000), GOOD);
	CHECK_NUMBER(client->gone, false);
	CHECK_TEXT(take(4000), "");
	CHECK_NUMBER(client->gone, true);
	end();
}

static void who_is_refused_from_outside_gets_one_reply(void)
{
	begin();
	send_text("GET /part");
	take(4000);
	tn_tap_refuse(client, 408);
	CHECK_NUMBER(strncmp(sent(), "HTTP/1.1 408 ", 13), 0);
	CHECK_NUMBER(client->refusal, 408);
	CHECK_NUMBER((long long)client->refused, 1);
	CHECK_TEXT(take(4000), "ECONNRESET");
	tn_tap_refuse(client, 408);
	CHECK_TEXT(sent(), "");
	end();
}

static void who_is_cut_in_silence_gets_none(void)
{
	begin();
	tn_tap_cut(client);
	CHECK_TEXT(take(4000), "");
	CHECK_TEXT(sent(), "");
	CHECK_NUMBER(client->refusal, 0);
	CHECK_NUMBER(client->gone, true);
	end();
}

static void descriptors_may_be_any(void)
{
	int descriptor;
	int old;

	begin();
	old = client->descriptor;
	descriptor = fcntl(old, F_DUPFD, 1000);
	CU_ASSERT_FATAL(descriptor >= 1000);
	tn_tap_remove(&tap, client);
	client->descriptor = descriptor;
	CU_ASSERT(tn_tap_add(&tap, client));
	close(old);
	send_text(BAD);
	CHECK_TEXT(take(4000), OWN);
	end();
}

TEST_MAIN("serve/tap",
          TEST(good_bytes_come_as_they_are),
          TEST(deadlines_are_told_when_a_head_or_a_body_begins),
          TEST(outside_nothing_is_looked_at),
          TEST(other_sockets_are_not_looked_at),
          TEST(other_threads_are_not_looked_at),
          TEST(a_forked_child_is_not_looked_at),
          TEST(our_own_stands_for_a_refused_request),
          TEST(the_method_stays_head),
          TEST(our_own_comes_in_as_many_parts_as_it_takes),
          TEST(a_request_that_has_begun_is_refused_at_once),
          TEST(a_request_that_is_answered_gets_no_second_reply),
          TEST(an_end_behind_a_part_is_noticed),
          TEST(an_end_behind_a_request_is_left_for_later),
          TEST(who_is_refused_from_outside_gets_one_reply),
          TEST(who_is_cut_in_silence_gets_none),
          TEST(descriptors_may_be_any))
