/* test_slow.c - slowhttptest in its four modes at once, and good clients that are served all the
 * while. Skipped with a word where it is not installed. */
#include "harness.h"

#include "../cunit.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define CONNECTIONS "150"

/* Seconds that each mode lasts, at most; TN_SLOW is for more. */
static unsigned how_long(void)
{
	const char *text = getenv("TN_SLOW");
	unsigned seconds = text ? (unsigned)strtoul(text, NULL, 10) : 0;

	return seconds ? seconds : 6;
}

static struct host *start(void)
{
	return host_start(scratch_write("slow.ini",
	                                "[host]\n"
	                                "listen = 127.0.0.1:0\n"
	                                "head_timeout = 2s\n"
	                                "body_timeout = 2s\n"
	                                "write_timeout = 2s\n"
	                                "[worker echo]\n"
	                                "module = %s\n"
	                                "route = /*\n"
	                                "[worker large]\n"
	                                "module = %s\n"
	                                "route = /static\n",
	                                fixture("serve_echo"), fixture("serve_large")));
}

/* Ends by itself, and when this program does: then nobody reads any more. */
static FILE *attack(const struct host *host, const char *mode, const char *path)
{
	FILE *tool = popen(text_of("exec timeout -k 5 %u slowhttptest %s -c " CONNECTIONS
	                           " -r 100 -i 1 -l %u -u http://%s%s 2>&1",
	                           how_long() + 60, mode, how_long(), host->authority, path),
	                   "re");

	CU_ASSERT_PTR_NOT_NULL_FATAL(tool);
	return tool;
}

/* Whether it still runs; what it says is not kept. */
static bool is_going(FILE *tool)
{
	struct pollfd wanted = { .fd = fileno(tool), .events = POLLIN };
	char text[4096];

	while (poll(&wanted, 1, 0) == 1) {
		if (read(wanted.fd, text, sizeof(text)) <= 0)
			return false;
	}
	return true;
}

static bool any_is_going(FILE *const *tools, size_t count)
{
	bool going = false;

	for (size_t i = 0; i < count; i++)
		going = is_going(tools[i]) || going;
	return going;
}

/* One that keeps its connection, and one that comes anew each time. */
static unsigned serve_good_ones(const struct host *host, FILE *const *tools, size_t count)
{
	const struct http_request request = { .path = "/good" };
	struct http_client *client = http_open(host);
	unsigned served = 0;

	while (any_is_going(tools, count)) {
		served += http_send(client, &request)->status == 200;
		if (http_get(host, "/good")->status != 200)
			CHECK_TEXT("a good client", "is served");
		served++;
		poll(NULL, 0, 5);
	}
	http_close(client);
	return served;
}

static bool is_installed(void)
{
	struct finished finished =
		program_run((const char *const[]){ "slowhttptest", "-h", NULL });

	return strstr(finished.out, "slowhttptest") || strstr(finished.err, "slowhttptest, a tool");
}

static void good_clients_are_served_whoever_is_slow(void)
{
	FILE *tools[4];
	struct host *host;

	if (!is_installed()) {
		printf("skipped: slowhttptest is not installed\n");
		return;
	}
	host = start();
	tools[0] = attack(host, "-H", "/slow-head");
	tools[1] = attack(host, "-B -s 100000 -x 8", "/slow-body");
	tools[2] = attack(host, "-X -w 1 -y 1 -n 1 -z 1", "/static");
	tools[3] = attack(host, "-R -a 1 -b 3000", "/range");
	CU_ASSERT(serve_good_ones(host, tools, 4) > 2);
	for (int i = 0; i < 4; i++)
		CHECK_NUMBER(pclose(tools[i]), 0);
	host_logged(host, "a head is not whole, and head_timeout");
	host_logged(host, "a body comes too slowly, and body_timeout");
	host_logged(host, "a reply is received too slowly, and write_timeout");
	CHECK_NUMBER(http_get(host, "/good")->status, 200);
	host_end(host);
}

TEST_MAIN("e2e/slow", TEST(good_clients_are_served_whoever_is_slow))
