/* test_systemd.c - what systemd gives a service, and what it is told: the test is the manager. */
#include "harness.h"

#include "../cunit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

/* An address that no machine has: who binds it fails. */
#define FILE_TEXT \
	"[host]\n" \
	"listen = 192.0.2.1:1\n" \
	"processes = 2\n" \
	"[worker hello]\n" \
	"module = %s\n" \
	"var.TEXT = %s\n" \
	"route = /*\n"

static const char *write_file(const char *text)
{
	return scratch_write("systemd.ini", FILE_TEXT, fixture("serve_hello"), text);
}

/* ---- The manager --------------------------------------------------------------------------- */

static int open_listener(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(file >= 0);
	CHECK_NUMBER(bind(file, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_NUMBER(listen(file, 64), 0);
	return file;
}

static struct sockaddr_un unix_address(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	CU_ASSERT_FATAL(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	return address;
}

static int bind_unix(int type, const char *path)
{
	struct sockaddr_un address = unix_address(path);
	int file = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	unlink(path);
	CHECK_NUMBER(bind(file, (struct sockaddr *)&address, sizeof(address)), 0);
	return file;
}

/* The way to the socket, as that to a host. */
static struct host at_socket(int listener)
{
	struct sockaddr_in address = { 0 };
	socklen_t size = sizeof(address);

	CHECK_NUMBER(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	return (struct host){
		.port = ntohs(address.sin_port),
		.authority = text_of("127.0.0.1:%d", ntohs(address.sin_port)),
	};
}

/* What is told next; "nothing" where nothing comes. */
static char *told(int manager)
{
	struct pollfd wait = { .fd = manager, .events = POLLIN };
	char text[4096];
	ssize_t size;

	if (poll(&wait, 1, deadline_ms()) != 1)
		return text_of("nothing");
	size = recv(manager, text, sizeof(text), 0);
	return text_of("%.*s", size > 0 ? (int)size : 0, text);
}

static struct host *start(const char *file, bool supervised, const int *sockets,
                          unsigned socket_count)
{
	return host_start_with(file, &(struct host_options){ .supervised = supervised,
	                                                     .sockets = sockets,
	                                                     .socket_count = socket_count });
}

/* With more of the environment: "NAME=value". */
static struct host *start_told(bool supervised, int *manager, int *listener, const char *variable)
{
	const char *path = scratch_path("manager");
	const char *environment[] = { text_of("NOTIFY_SOCKET=%s", path), variable, NULL };

	*manager = bind_unix(SOCK_DGRAM, path);
	*listener = open_listener();
	return host_spawn(write_file("hello"),
	                  &(struct host_options){ .supervised = supervised,
	                                          .sockets = listener,
	                                          .socket_count = 1,
	                                          .environment = environment });
}

/* ---- Sockets ------------------------------------------------------------------------------- */

static void check_given_socket(bool supervised)
{
	int listener = open_listener();
	const char *file = write_file("hello");
	struct host *host = start(file, supervised, &listener, 1);
	struct host way = at_socket(listener);

	CHECK_NUMBER(host->port, way.port);
	for (int i = 0; i < 8; i++)
		CHECK_TEXT(http_get(&way, "/")->body, "hello");
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), text_of("systemd gave 1 socket: `listen` (%s:2) is "
	                                              "not used\n",
	                                              file)),
	             1);
	close(listener);
}

static void it_serves_the_socket_that_it_is_given(void)
{
	check_given_socket(false);
}

static struct wire_bytes talk_unix(const char *path)
{
	struct sockaddr_un address = unix_address(path);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct wire_bytes bytes;

	CHECK_NUMBER(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	wire_text(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	bytes = wire_read(client, 1);
	close(client);
	return bytes;
}

static void check_all_sockets(bool supervised)
{
	const char *path = scratch_path("local");
	int sockets[] = { open_listener(), bind_unix(SOCK_STREAM, path), open_listener() };
	struct host first = at_socket(sockets[0]), third = at_socket(sockets[2]);
	struct host *host;
	struct wire_bytes bytes;

	CHECK_NUMBER(listen(sockets[1], 8), 0);
	host = start(write_file("hello"), supervised, sockets, 3);
	CHECK_TEXT(http_get(&first, "/")->body, "hello");
	CHECK_TEXT(http_get(&third, "/")->body, "hello");
	bytes = talk_unix(path);
	CHECK_NUMBER(wire_status(&bytes), 200);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), text_of("listening on unix:%s\n", path)), 1);
	CHECK_NUMBER(count_of(host_log(host), "listening on http://127.0.0.1:"), 2);
	for (int i = 0; i < 3; i++)
		close(sockets[i]);
}

static void it_serves_all_that_it_is_given(void)
{
	check_all_sockets(false);
}

/* Those who come before there is a host, and between two of them, are not refused. */
static void check_restart(bool supervised)
{
	int listener = open_listener();
	struct host way = at_socket(listener);

	for (int i = 0; i < 2; i++) {
		int early = wire_connect(&way);
		struct host *host;
		struct wire_bytes bytes;

		wire_text(early, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
		host = start(write_file("hello"), supervised, &listener, 1);
		bytes = wire_read_all(early);
		CHECK_NUMBER(wire_status(&bytes), 200);
		close(early);
		host_end(host);
	}
	close(listener);
}

static void clients_wait_for_the_next_host(void)
{
	check_restart(false);
}

static void check_wrong_socket(bool supervised)
{
	int socket_ = bind_unix(SOCK_DGRAM, scratch_path("wrong"));
	const char *names[] = { "LISTEN_FDNAMES=stats", NULL };
	struct host *host = host_spawn(write_file("hello"),
	                               &(struct host_options){ .supervised = supervised,
	                                                       .sockets = &socket_,
	                                                       .socket_count = 1,
	                                                       .environment = names });

	CHECK_NUMBER(host_wait(host), EX_CONFIG);
	CHECK_TEXT(host_log(host), "tenon: the socket 'stats' that systemd gave is no stream "
	                           "socket: write ListenStream= in its .socket unit\n");
	close(socket_);
}

static void a_socket_of_another_kind_is_refused(void)
{
	check_wrong_socket(false);
}

/* ---- Notifications ------------------------------------------------------------------------- */

static void check_ready(bool supervised, const char *text)
{
	int manager, listener;
	struct host *host = start_told(supervised, &manager, &listener, NULL);
	struct host way = at_socket(listener);

	CHECK_TEXT(told(manager), text);
	CHECK_TEXT(http_get(&way, "/")->body, "hello");
	host_end(host);
	close(manager);
	close(listener);
}

static void it_says_that_it_is_ready(void)
{
	check_ready(false, "READY=1\nSTATUS=serving");
}

static void check_not_ready(bool supervised)
{
	const char *path = scratch_path("manager");
	const char *environment[] = { text_of("NOTIFY_SOCKET=%s", path), NULL };
	int manager = bind_unix(SOCK_DGRAM, path);
	char byte;
	/* `listen` is used, and cannot be. */
	struct host *host = host_spawn(write_file("hello"),
	                               &(struct host_options){ .supervised = supervised,
	                                                       .environment = environment });

	CHECK_NUMBER(host_wait(host), EX_UNAVAILABLE);
	CHECK_NUMBER(recv(manager, &byte, 1, MSG_DONTWAIT), -1);
	CHECK_NUMBER(errno, EAGAIN);
	close(manager);
}

static void who_cannot_serve_is_never_ready(void)
{
	check_not_ready(false);
}

/* Whoever debugs it would be cut off. */
static void a_single_process_has_no_watchdog(void)
{
	int manager, listener;
	struct host *host = start_told(false, &manager, &listener, "WATCHDOG_USEC=10000000");

	CHECK_TEXT(told(manager), "READY=1\nWATCHDOG_USEC=0\nSTATUS=serving");
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), "systemd's watchdog is turned off\n"), 1);
	close(manager);
	close(listener);
}

static void what_it_cannot_tell_does_not_stop_it(void)
{
	static const char *const wrong[] = {
		"NOTIFY_SOCKET=/nowhere/x",
		"NOTIFY_SOCKET=vsock:1:2",
	};

	for (int i = 0; i < 2; i++) {
		const char *environment[] = { wrong[i], NULL };
		int listener = open_listener();
		struct host *host = host_start_with(write_file("hello"),
		                                    &(struct host_options){
							    .sockets = &listener,
							    .socket_count = 1,
							    .environment = environment });

		CHECK_TEXT(http_get(host, "/")->body, "hello");
		host_end(host);
		close(listener);
	}
}

/* ---- The same of a supervisor -------------------------------------------------------------- */

static void a_supervisor_serves_the_socket_that_it_is_given(void)
{
	check_given_socket(true);
}

static void a_supervisor_serves_all_that_it_is_given(void)
{
	check_all_sockets(true);
}

static void clients_wait_for_the_next_supervisor(void)
{
	check_restart(true);
}

static void a_supervisor_refuses_a_socket_of_another_kind(void)
{
	check_wrong_socket(true);
}

static void a_supervisor_says_that_it_is_ready(void)
{
	check_ready(true, "READY=1\nSTATUS=generation 1 serves with 2 processes");
}

static void a_supervisor_that_cannot_serve_is_never_ready(void)
{
	check_not_ready(true);
}

static void check_reloading(const char *text, const char *file)
{
	const char *status = strstr(text, "\nSTATUS=");

	CHECK_NUMBER(lines_matching(text, "^RELOADING=1$"), 1);
	CHECK_NUMBER(lines_matching(text, "^MONOTONIC_USEC=[1-9][0-9]*$"), 1);
	CHECK_TEXT(status, text_of("\nSTATUS=reading %s anew", file));
}

/* `listen` is not used, so that it may change. */
static void it_tells_of_a_reload(void)
{
	int manager, listener;
	struct host *host = start_told(true, &manager, &listener, NULL);
	struct host way = at_socket(listener);
	const char *file;

	CHECK_TEXT(told(manager), "READY=1\nSTATUS=generation 1 serves with 2 processes");
	file = scratch_write("systemd.ini",
	                     "[host]\nlisten = 192.0.2.1:2\nprocesses = 3\n[worker hello]\n"
	                     "module = %s\nvar.TEXT = again\nroute = /*\n",
	                     fixture("serve_hello"));
	host_signal(host, SIGHUP);
	check_reloading(told(manager), file);
	CHECK_TEXT(told(manager), "READY=1\nSTATUS=generation 2 serves with 3 processes");
	for (int i = 0; i < 8; i++)
		CHECK_NUMBER(http_get(&way, "/")->status, 200);
	host_logged(host, "generation 1 has gone\n");
	CHECK_TEXT(http_get(&way, "/")->body, "again");
	host_end(host);
	close(manager);
	close(listener);
}

static void it_is_ready_again_after_a_reload_that_failed(void)
{
	int manager, listener;
	struct host *host = start_told(true, &manager, &listener, NULL);
	const char *file;

	CHECK_TEXT(told(manager), "READY=1\nSTATUS=generation 1 serves with 2 processes");
	file = scratch_write("systemd.ini", "[worker\n");
	host_signal(host, SIGHUP);
	check_reloading(told(manager), file);
	CHECK_TEXT(told(manager), "READY=1\nSTATUS=the reload has failed: it is not valid: "
	                          "generation 1 goes on");
	host_end(host);
	close(manager);
	close(listener);
}

static void it_tells_that_it_stops(void)
{
	int manager, listener;
	struct host *host = start_told(true, &manager, &listener, NULL);

	CHECK_TEXT(told(manager), "READY=1\nSTATUS=generation 1 serves with 2 processes");
	host_end(host);
	CHECK_TEXT(told(manager), "STOPPING=1\nSTATUS=SIGTERM: stopping");
	close(manager);
	close(listener);
}

/* Every 25 ms while the loop turns: however often as it starts, and then. */
static void it_gives_signs_of_life(void)
{
	int manager, listener;
	struct host *host = start_told(true, &manager, &listener, "WATCHDOG_USEC=50000");
	const char *first = told(manager);
	const char *other = first;

	while (strcmp(other, "WATCHDOG=1") == 0)
		other = told(manager);
	CHECK_TEXT(first, "WATCHDOG=1");
	CHECK_TEXT(other, "READY=1\nSTATUS=generation 1 serves with 2 processes");
	for (int i = 0; i < 9; i++)
		CHECK_TEXT(told(manager), "WATCHDOG=1");
	host_end(host);
	close(manager);
	close(listener);
}

/* They would speak in the supervisor's name, or take its sockets for theirs. */
static void its_host_processes_have_no_part_in_it(void)
{
	int manager, listener;
	/* One sign at the start, and no other one in this test. */
	struct host *host = start_told(true, &manager, &listener, "WATCHDOG_USEC=10000000000");
	struct finished found;
	const char *children;

	CHECK_TEXT(told(manager), "WATCHDOG=1");
	CHECK_TEXT(told(manager), "READY=1\nSTATUS=generation 1 serves with 2 processes");
	children = file_read(text_of("/proc/%d/task/%d/children", (int)host->pid, (int)host->pid));
	found = program_run((const char *const[]){
		"grep", "-czE", "^(NOTIFY_SOCKET|WATCHDOG_.*|LISTEN_.*)=",
		text_of("/proc/%ld/environ", strtol(children, NULL, 10)), NULL });
	CHECK_TEXT(found.err, "");
	CHECK_TEXT(found.out, "0\n");
	host_end(host);
	close(manager);
	close(listener);
}

TEST_MAIN("e2e/systemd",
          TEST(it_serves_the_socket_that_it_is_given),
          TEST(it_serves_all_that_it_is_given),
          TEST(clients_wait_for_the_next_host),
          TEST(a_socket_of_another_kind_is_refused),
          TEST(it_says_that_it_is_ready),
          TEST(who_cannot_serve_is_never_ready),
          TEST(a_single_process_has_no_watchdog),
          TEST(what_it_cannot_tell_does_not_stop_it),
          TEST(a_supervisor_serves_the_socket_that_it_is_given),
          TEST(a_supervisor_serves_all_that_it_is_given),
          TEST(clients_wait_for_the_next_supervisor),
          TEST(a_supervisor_refuses_a_socket_of_another_kind),
          TEST(a_supervisor_says_that_it_is_ready),
          TEST(a_supervisor_that_cannot_serve_is_never_ready),
          TEST(it_tells_of_a_reload),
          TEST(it_is_ready_again_after_a_reload_that_failed),
          TEST(it_tells_that_it_stops),
          TEST(it_gives_signs_of_life),
          TEST(its_host_processes_have_no_part_in_it))
