/* test_quiet.c - a request through three Workers makes no system call between its recv and its
 * sendmsg: no network, no log, no allocation, nothing. */
#include "harness.h"

#include "../cunit.h"

#include <unistd.h>

#define TOKEN "quiet-token"

/* `further` are more lines for the application; what it calls is written to the file. */
static struct host *spawn(const char *further, const char *calls)
{
	static const char *const environment[] = { "QUIET_TOKEN=" TOKEN, NULL };
	/* With -D the host stays the child, and may be traced where only children may. */
	const char *const strace[] = { "strace", "-D", "-f", "-o", calls, NULL };
	const struct host_options options = { .environment = environment, .before = strace };
	const char *file = scratch_write("quiet.ini",
	                                 "[host]\n"
	                                 "listen = 127.0.0.1:0\n"
	                                 "modules = %s\n"
	                                 "[worker gateway]\n"
	                                 "route = /*\n"
	                                 "service.auth = auth\n"
	                                 "service.application = application\n"
	                                 "[worker auth]\n"
	                                 "secret.SECRET_TOKEN = env:QUIET_TOKEN\n"
	                                 "[worker application]\n"
	                                 "%s",
	                                 built("plugins"), further);

	return host_spawn(file, &options);
}

static int status_of(int socket, const char *path)
{
	struct wire_bytes reply;

	wire_text(socket, text_of("GET %s HTTP/1.1\r\nHost: a\r\nx-custom-token: " TOKEN
	                          "\r\n\r\n",
	                          path));
	reply = wire_read(socket, 1);
	return wire_status(&reply);
}

/* ---- strace -------------------------------------------------------------------------------- */

/* Whether it listens, traced. Where no process may be traced that is said, and is no failure;
 * where there is no strace, it is. */
static bool is_traced(struct host *host)
{
	if (host_ready(host))
		return true;
	if (strstr(host_log(host), "Operation not permitted"))
		printf("SKIPPED: processes may not be traced here (ptrace)\n");
	else
		CHECK_TEXT(host_log(host), "a line that it listens (is strace installed?)");
	return false;
}

/* The tracer ends after the host, which is not its parent. */
static char *read_calls(const char *path)
{
	long long end = now_ms() + deadline_ms();

	while (!strstr(file_read(path), "+++ exited with 0 +++\n") && now_ms() < end)
		nap();
	return file_read(path);
}

/* What the host did between the recv of the request for /traced and the next send; NULL where the
 * two are not both there. */
static char *calls_between(const char *calls)
{
	const char *got = strstr(calls, "\"GET /traced ");
	const char *begin = got ? strchr(got, '\n') : NULL;
	const char *sent = begin ? strstr(begin, " sendmsg(") : NULL;

	if (!sent) {
		CHECK_TEXT(calls, "the recv of /traced and a sendmsg");
		return NULL;
	}
	while (*sent != '\n')
		sent--;
	return text_of("%.*s", (int)(sent - begin), begin);
}

/* The second of two requests on one connection, the first of which warms up. */
static char *calls_of_a_request(const char *further)
{
	const char *path = scratch_path("calls");
	struct host *host = spawn(further, path);
	int socket;

	if (!is_traced(host))
		return NULL;
	socket = wire_connect(host);
	CHECK_NUMBER(status_of(socket, "/first"), 200);
	CHECK_NUMBER(status_of(socket, "/traced"), 200);
	close(socket);
	host_end(host);
	CHECK_NUMBER(lines_matching(host_log(host), " status=200 .* "
	                                            "chain=gateway\\(auth,application\\)$"),
	             2);
	return calls_between(read_calls(path));
}

static bool calls_can_be_counted(void)
{
	if (!host_is_instrumented())
		return true;
	printf("SKIPPED: a sanitizer or TN_HOST_PREFIX makes system calls of its own\n");
	return false;
}

static void nothing_is_called_between_recv_and_sendmsg(void)
{
	char *calls;

	if (!calls_can_be_counted())
		return;
	calls = calls_of_a_request("");
	if (calls)
		CHECK_TEXT(calls, "");
}

/* The proof that the one above would notice: an application that writes a line to the log. */
static void a_worker_that_calls_the_kernel_is_noticed(void)
{
	const char *further = text_of("module = %s\n", fixture("serve_noisy"));
	char *calls;

	if (!calls_can_be_counted())
		return;
	calls = calls_of_a_request(further);
	if (calls)
		CHECK_NUMBER(count_of(calls, " write(2, "), 1);
}

TEST_MAIN("e2e/quiet",
          TEST(nothing_is_called_between_recv_and_sendmsg),
          TEST(a_worker_that_calls_the_kernel_is_noticed))
