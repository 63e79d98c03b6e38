#include "serve/daemon.h"

#include "cunit.h"
#include "message/exchange.h"
#include "serve/status.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS 10

/* What it was told, a letter for each: connected, begins, goes on, ends (or aborted), freed, and x
 * for closed. */
static char told[64];
static char target[64];
static struct tn_connection *made_last;
static struct tn_connection *last;
static int wait_first; /* calls that suspend before the one that replies */
static bool begins_none;
static bool refuses;
static char host[64];
static bool expects;

static struct tn_daemon *edge;
static int client;

static void tell(char what)
{
	size_t size = strlen(told);

	CU_ASSERT_FATAL(size + 1 < sizeof(told));
	told[size] = what;
}

static void *connected(void *argument, struct tn_connection *connection, int descriptor,
                       const struct sockaddr *address)
{
	CU_ASSERT_PTR_NOT_NULL(connection);
	CU_ASSERT(descriptor >= 0);
	made_last = connection;
	CU_ASSERT(!address || address->sa_family == AF_UNSPEC);
	tell('c');
	return argument;
}

static void closed(void *argument, void *made)
{
	CU_ASSERT_PTR_EQUAL(made, argument);
	tell('x');
}

static void *begins(void *argument, void *made, const char *line)
{
	CU_ASSERT_PTR_EQUAL(made, argument);
	snprintf(target, sizeof(target), "%s", line);
	tell('b');
	return begins_none ? NULL : argument;
}

static void freed(void *argument)
{
	(void)argument;
	tell('f');
}

static bool answer(struct tn_connection *connection)
{
	struct tn_exchange_pool pool;
	struct tn_exchange *exchange;
	struct tn_headers headers;
	struct tn_reply *reply;
	bool sent;

	tn_exchange_pool_init(&pool, &tn_limits_default, 1);
	exchange = tn_exchange_begin(&pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(exchange);
	tn_headers_init(&headers, exchange, true);
	tn_headers_set(&headers, "X-Kept", "yes");
	tn_headers_set(&headers, "X-Empty", "");
	reply = tn_reply_create(&headers, tn_status_body(404), freed, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(reply);
	sent = tn_reply_add(reply, "X-More", "1") && tn_connection_send(connection, 404, reply);
	tn_exchange_end(&pool, exchange);
	tn_exchange_pool_finish(&pool);
	return sent;
}

static void read_fields(struct tn_connection *connection)
{
	struct tn_connection_fields fields = { 0 };
	struct tn_exchange_pool pool;
	struct tn_exchange *exchange;
	struct tn_headers headers;

	tn_exchange_pool_init(&pool, &tn_limits_default, 1);
	exchange = tn_exchange_begin(&pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(exchange);
	exchange->from_client = true;
	tn_headers_init(&headers, exchange, true);
	fields.headers = &headers;
	CU_ASSERT_FATAL(tn_connection_read(connection, &fields));
	CHECK_NUMBER(tn_headers_count(&headers), expects ? 2 : 1);
	snprintf(host, sizeof(host), "%s", tn_headers_field(&headers, 0)->value);
	CU_ASSERT(fields.size > strlen("Host") + strlen(host));
	CU_ASSERT_EQUAL(fields.expects, expects);
	tn_exchange_end(&pool, exchange);
	tn_exchange_pool_finish(&pool);
}

static bool goes_on(void *request, struct tn_connection *connection, const char *method,
                    const char *data, size_t *size)
{
	bool first = connection != last;

	(void)data;
	tell('g');
	CHECK_TEXT(method, "GET");
	CHECK_NUMBER(*size, 0);
	CU_ASSERT_PTR_EQUAL(tn_connection_client(connection), request);
	if (first) {
		last = connection;
		read_fields(connection);
		return !refuses;
	}
	if (!wait_first)
		return answer(connection);
	wait_first--;
	tn_connection_suspend(connection);
	return true;
}

static void ends(void *argument, struct tn_connection *connection, void *request, bool aborted)
{
	CU_ASSERT_PTR_EQUAL(request, begins_none ? NULL : argument);
	CU_ASSERT_PTR_EQUAL(tn_connection_client(connection), argument);
	last = NULL;
	tell(aborted ? 'a' : 'e');
}

static void begin(void)
{
	static const struct tn_daemon_calls calls = { connected, closed, begins, goes_on, ends };
	static const struct tn_framing_limits limits = { 16 * 1024, 100, 8 * 1024 };
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	const struct tn_daemon_options options = {
		.memory = tn_daemon_memory(&limits),
		.connections = 4,
		.suspends = true,
		.calls = &calls,
		.argument = told,
	};
	int ends_of[2];

	memset(told, 0, sizeof(told));
	last = NULL;
	wait_first = 0;
	expects = false;
	refuses = false;
	begins_none = false;
	edge = tn_daemon_create(&options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(edge);
	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_of) == 0);
	client = ends_of[1];
	CU_ASSERT(tn_daemon_add(edge, ends_of[0], &nobody, sizeof(nobody)));
}

static void end(void)
{
	tn_daemon_destroy(edge);
	close(client);
}

static void run(void)
{
	for (int i = 0; i < TURNS; i++)
		tn_daemon_run(edge);
}

static void ask(const char *text)
{
	CU_ASSERT(send(client, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
	run();
}

/* What has come, until now. */
static const char *reply(void)
{
	static char text[1024];
	ssize_t size = recv(client, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[size > 0 ? size : 0] = '\0';
	return text;
}

static void a_request_is_told_of_from_begin_to_end(void)
{
	const char *text;

	begin();
	ask("GET /a%2Fb?c=d HTTP/1.1\r\nHost: example.org\r\n\r\n");
	text = reply();
	CU_ASSERT_PTR_EQUAL(strstr(text, "HTTP/1.1 404 Not Found\r\n"), text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "X-Kept: yes\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "X-More: 1\r\n"));
	CU_ASSERT_PTR_NULL(strstr(text, "X-Empty"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\r\n\r\nNot Found\n"));
	CHECK_TEXT(target, "/a%2Fb?c=d");
	CHECK_TEXT(host, "example.org");
	CHECK_TEXT(told, "cbggef");
	end();
	CHECK_TEXT(told, "cbggefx");
}

static void one_that_is_suspended_goes_on_when_it_is_resumed(void)
{
	struct tn_connection *connection;

	begin();
	wait_first = 1;
	ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	connection = last;
	CHECK_TEXT(reply(), "");
	CHECK_TEXT(told, "cbgg");
	tn_connection_resume(connection);
	run();
	CHECK_TEXT(told, "cbgggef");
	CU_ASSERT_PTR_NOT_NULL(strstr(reply(), " 404 "));
	end();
}

static void false_ends_the_connection(void)
{
	begin();
	refuses = true;
	ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	CHECK_TEXT(reply(), "");
	CHECK_TEXT(told, "cbgax");
	end();
}

static void without_a_request_the_connection_ends(void)
{
	begin();
	begins_none = true;
	ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	CHECK_TEXT(told, "cbax");
	CHECK_TEXT(reply(), "");
	end();
}

static void a_stop_ends_what_has_begun(void)
{
	begin();
	ask("GET / HTTP/1.1\r\nHost: a");
	tn_daemon_destroy(edge);
	CHECK_TEXT(told, "cbax");
	close(client);
	tn_daemon_destroy(NULL);
}

static void an_expect_is_seen(void)
{
	begin();
	expects = true;
	ask("GET / HTTP/1.1\r\nHost: a\r\nexpect: 100-continue\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "f"));
	end();
}

/* Within the time that the daemon itself asks for. */
static void one_that_expires_is_closed_by_itself(void)
{
	begin();
	ask("GET /part");
	CHECK_TEXT(told, "c");
	CHECK_NUMBER(tn_daemon_timeout(edge), -1);
	tn_connection_expire(made_last);
	CU_ASSERT(tn_daemon_timeout(edge) >= 0 && tn_daemon_timeout(edge) <= 1000);
	for (int i = 0; i < 100 && !strchr(told, 'x'); i++) {
		poll(NULL, 0, tn_daemon_timeout(edge) + 1);
		tn_daemon_run(edge);
	}
	CHECK_TEXT(told, "cx");
	end();
}

static void larger_heads_have_more_memory(void)
{
	struct tn_framing_limits limits = { 1024, 10, 1024 };
	size_t least = tn_daemon_memory(&limits);

	limits.head = (size_t)20 * 1024;
	CHECK_NUMBER(tn_daemon_memory(&limits), least + (size_t)4 * 1024);
	limits.fields = 200;
	CU_ASSERT(tn_daemon_memory(&limits) > least + (size_t)4 * 1024);
}

static void a_status_has_its_words(void)
{
	CHECK_TEXT(tn_daemon_reason(404), "Not Found");
}

TEST_MAIN("serve/daemon",
          TEST(a_request_is_told_of_from_begin_to_end),
          TEST(one_that_is_suspended_goes_on_when_it_is_resumed),
          TEST(false_ends_the_connection),
          TEST(without_a_request_the_connection_ends),
          TEST(a_stop_ends_what_has_begun),
          TEST(an_expect_is_seen),
          TEST(one_that_expires_is_closed_by_itself),
          TEST(larger_heads_have_more_memory),
          TEST(a_status_has_its_words))
