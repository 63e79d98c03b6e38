/* test_supervised.c - a supervisor and its host processes: how they start, reload and end. */
#include "harness.h"

#include "../cunit.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define FILE_NAME "supervised.ini"

static const char *write_file(const char *settings, const char *text)
{
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "%s"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "var.TEXT = %s\n"
	                     "route = /*\n"
	                     "[worker echo]\n"
	                     "module = %s\n"
	                     "route = /echo\n",
	                     settings, fixture("serve_hello"), text, fixture("serve_echo"));
}

static struct finished run(const char *file, const char *option)
{
	return tenon_run((const char *const[]){ "run", file, option, NULL }, NULL);
}

static void check_reply(const struct host *host, const char *body)
{
	const struct http_reply *reply = http_get(host, "/");

	CHECK_NUMBER(reply->status, 200);
	CHECK_TEXT(reply->body, body);
}

/* A connection on which a host process has read a head whose body is to come. */
static int open_request(struct host *host)
{
	int socket = wire_connect(host);

	wire_text(socket, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
	                  "Content-Length: 10\r\n\r\n");
	CHECK_NUMBER(recv(socket, (char[25]){ 0 }, 25, MSG_WAITALL), 25);
	wire_text(socket, "01234");
	return socket;
}

static void finish_request(int socket)
{
	struct wire_bytes reply;

	wire_text(socket, "56789");
	reply = wire_read_all(socket);
	CHECK_NUMBER(wire_status(&reply), 200);
	CHECK_NUMBER(count_of(reply.data, "\r\nConnection: close\r\n"), 1);
	close(socket);
}

/* ---- Starting ------------------------------------------------------------------------------ */

static void it_serves_when_all_processes_are_ready(void)
{
	struct host *host = host_start_supervised(write_file("", "hello"));
	const char *log;

	for (int i = 0; i < 8; i++)
		check_reply(host, "hello");
	host_end(host);
	log = host_log(host);
	CHECK_NUMBER(count_of(log, "generation 1 serves with 2 processes\n"), 1);
	CHECK_NUMBER(count_of(log, "listening on http://"), 1);
	CHECK_NUMBER(count_of(log, "SIGTERM: stopping\n"), 1);
	CHECK_NUMBER(lines_matching(log, " error "), 0);
	CHECK_NUMBER(host_access_lines(host), 8);
}

/* In the same words, with the same exit code. */
static void what_cannot_serve_is_told_as_by_one_process(void)
{
	static const char *const texts[] = {
		"[host]\nlisten = 127.0.0.1:0\nprocesses = 3\nlisen = 1\n"
		"[worker a]\nservice.b = b\n",
		"[host]\nlisten = 192.0.2.1:0\n[worker a]\nroute = /\nmodule = %s\n",
		"[host]\nlisten = 127.0.0.1:0\nprocesses = 3\n"
		"[worker a]\nroute = /\nmodule = %s\nservice.none = a\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
		const char *file = scratch_write(FILE_NAME, texts[i], plugin("application"));
#pragma GCC diagnostic pop
		struct finished several = run(file, NULL);
		struct finished single = run(file, "--single");

		CHECK_NUMBER(several.code, single.code);
		CHECK_TEXT(several.err, single.err);
		CU_ASSERT(several.code != 0 && *several.err != '\0');
	}
}

/* ---- Ending -------------------------------------------------------------------------------- */

static void what_is_in_flight_is_answered_at_a_stop(void)
{
	struct host *host = host_start_supervised(write_file("", "hello"));
	int socket = open_request(host);

	host_signal(host, SIGTERM);
	host_logged(host, "SIGTERM: stopping, 1 in flight");
	finish_request(socket);
	CHECK_NUMBER(host_wait(host), 0);
}

/* As a terminal sends Ctrl-C: to each process of the group, so that one which the supervisor then
 * tells to stop would hear it twice. */
static void a_signal_to_the_group_cuts_nothing_off(void)
{
	static const char *const words[] = { "setsid", NULL };
	struct host *host = host_start_with(write_file("", "hello"), &(struct host_options){
									     .supervised = true,
									     .before = words,
								     });
	int socket = open_request(host);

	CHECK_NUMBER(kill(-host->pid, SIGINT), 0);
	host_logged(host, "stopping, 1 in flight");
	host_logged(host, "SIGINT: stopping\n");
	finish_request(socket);
	CHECK_NUMBER(host_wait(host), 0);
}

static void a_second_signal_ends_it_with_75(void)
{
	struct host *host = host_start_supervised(write_file("", "hello"));
	int socket = open_request(host);

	host_signal(host, SIGTERM);
	host_logged(host, "SIGTERM: stopping, 1 in flight");
	host_signal(host, SIGTERM);
	CHECK_NUMBER(host_wait(host), EX_TEMPFAIL);
	close(socket);
}

/* The supervisor's one child that has the request, found by its log, would do as well: all of them
 * are killed. */
static void a_stop_that_loses_a_request_says_so(void)
{
	struct host *host = host_start_supervised(write_file("", "hello"));
	int socket = open_request(host);
	struct finished children;
	char *rest;

	host_signal(host, SIGTERM);
	host_logged(host, "SIGTERM: stopping, 1 in flight");
	children = program_run((const char *const[]){
		"cat", text_of("/proc/%d/task/%d/children", (int)host->pid, (int)host->pid),
		NULL });
	for (rest = children.out; strtol(rest, NULL, 10) > 0; strtol(rest, &rest, 10))
		kill((pid_t)strtol(rest, NULL, 10), SIGKILL);
	CHECK_NUMBER(host_wait(host), EX_TEMPFAIL);
	CU_ASSERT_PTR_NOT_NULL(strstr(host_log(host), "ended before all was answered (SIGKILL)"));
	close(socket);
}

/* ---- Reloading ----------------------------------------------------------------------------- */

static void a_reload_brings_the_new_configuration(void)
{
	struct host *host = host_start_supervised(write_file("", "before"));
	struct http_client *client = http_open(host);

	CHECK_TEXT(http_send(client, &(struct http_request){ 0 })->body, "before");
	write_file("", "after");
	host_signal(host, SIGHUP);
	host_logged(host, "generation 2 serves with 2 processes\n");
	host_logged_times(host, "SIGHUP: stopping, 0 in flight\n", 2);
	/* Its next request is the old one's, and its last there. */
	CHECK_TEXT(http_send(client, &(struct http_request){ 0 })->body, "before");
	CHECK_TEXT(http_send(client, &(struct http_request){ 0 })->body, "after");
	http_close(client);
	host_logged(host, "generation 1 has gone\n");
	check_reply(host, "after");
	host_end(host);
}

/* The oldest waits for an idle client no more; what is in flight in others is neither cut off by
 * that nor by the stop that follows. */
static void old_generations_let_idle_clients_go(void)
{
	enum {
		RELOADS = 8
	};
	struct host *host = host_start_supervised(write_file("drain_timeout = 10m\n", "hello"));
	int idle = wire_connect(host), sockets[RELOADS];

	wire_text(idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	CHECK_NUMBER(wire_read(idle, 1).closed, false);
	for (unsigned i = 0; i < RELOADS; i++) {
		sockets[i] = i ? open_request(host) : -1;
		host_signal(host, SIGHUP);
		host_logged(host, text_of("generation %u serves", i + 2));
	}
	CHECK_NUMBER(wire_read_all(idle).closed, true);
	close(idle);
	host_signal(host, SIGTERM);
	host_logged_times(host, "SIGTERM: stopping, 0 in flight\n", 2);
	for (unsigned i = 1; i < RELOADS; i++)
		finish_request(sockets[i]);
	CHECK_NUMBER(host_wait(host), 0);
}

static void a_reload_that_is_not_valid_changes_nothing(void)
{
	struct host *host = host_start_supervised(write_file("", "before"));

	write_file("lisen = 1\n", "after");
	host_signal(host, SIGHUP);
	host_logged(host, "it is not valid: generation 1 goes on\n");
	host_logged(host, ":4: [host]: unknown key 'lisen' (did you mean 'listen'?)\n");
	check_reply(host, "before");
	write_file("", "after");
	host_signal(host, SIGHUP);
	host_logged(host, "generation 1 has gone\n");
	check_reply(host, "after");
	host_end(host);
}

/* To open it would wait for who writes to it. */
static void a_pipe_in_the_place_of_the_file_is_refused(void)
{
	const char *file = write_file("", "before");
	struct host *host = host_start_supervised(file);

	CHECK_NUMBER(remove(file), 0);
	CHECK_NUMBER(mkfifo(file, 0600), 0);
	host_signal(host, SIGHUP);
	host_logged(host, "it is no regular file, which a reload needs\n");
	check_reply(host, "before");
	CHECK_NUMBER(remove(file), 0);
	host_end(host);
}

TEST_MAIN("e2e/supervised",
          TEST(it_serves_when_all_processes_are_ready),
          TEST(what_cannot_serve_is_told_as_by_one_process),
          TEST(what_is_in_flight_is_answered_at_a_stop),
          TEST(a_signal_to_the_group_cuts_nothing_off),
          TEST(a_second_signal_ends_it_with_75),
          TEST(a_stop_that_loses_a_request_says_so),
          TEST(a_reload_brings_the_new_configuration),
          TEST(old_generations_let_idle_clients_go),
          TEST(a_pipe_in_the_place_of_the_file_is_refused),
          TEST(a_reload_that_is_not_valid_changes_nothing))
