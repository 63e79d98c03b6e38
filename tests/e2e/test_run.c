/* test_run.c - what `run` does where it cannot serve, and the addresses that it listens on. */
#include "harness.h"

#include "../cunit.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define HELLO "[worker hello]\nmodule = %s\nroute = /\n"

static struct finished run(const char *file)
{
	return tenon_run((const char *const[]){ "run", "--single", file, NULL }, NULL);
}

/* The exit code, and all that was written. */
static void expect(const struct finished *finished, int code, const char *expected)
{
	CHECK_NUMBER(finished->code, code);
	CHECK_TEXT(finished->err, expected);
	CHECK_TEXT(finished->out, "");
}

static bool can_drop_privileges(const char *test)
{
	const char *const command[] = { "setpriv", "--reuid=65534", "--regid=65534",
		                        "--clear-groups", "test", "-x", built("tenon"), NULL };

	if (geteuid() == 0 && program_run(command).code == 0)
		return true;
	printf("%s: skipped, it takes root, setpriv, and a build that all can read\n", test);
	return false;
}

/* For a run that is to end by itself. */
static struct finished run_as_nobody(const char *file)
{
	CU_ASSERT_EQUAL(chmod(scratch_directory(), 0755), 0);
	return program_run((const char *const[]){ "setpriv", "--reuid=65534", "--regid=65534",
	                                          "--clear-groups", built("tenon"), "run",
	                                          "--single", file, NULL });
}

/* ---- What cannot run ----------------------------------------------------------------------- */

static int take_a_port(unsigned *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	socklen_t size = sizeof(address);
	int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL_FATAL(bind(taken, (struct sockaddr *)&address, size), 0);
	CU_ASSERT_EQUAL_FATAL(listen(taken, 1), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(taken, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return taken;
}

static void a_port_in_use_is_unavailable(void)
{
	unsigned port;
	int taken = take_a_port(&port);
	const char *file = scratch_write("x.ini",
	                                 "[host]\nlisten = 127.0.0.1:0, "
	                                 "127.0.0.1:%u\n" HELLO,
	                                 port, plugin("application"));
	struct finished finished = run(file);

	expect(&finished, EX_UNAVAILABLE,
	       text_of("%s:2: [host]: listen: 127.0.0.1:%u: Address already in use: another "
	               "program listens there (`ss -ltnp` names it); end it, or change `listen`\n",
	               file, port));
	close(taken);
}

static void an_address_of_an_environment_is_told_where_it_names_it(void)
{
	unsigned port;
	int taken = take_a_port(&port);
	const char *file = scratch_write("x.ini",
	                                 "[host]\nlisten = 127.0.0.1:0\n"
	                                 "[host@staging]\nlisten = 127.0.0.1:%u\n" HELLO,
	                                 port, plugin("application"));
	struct finished finished = tenon_run(
		(const char *const[]){ "run", "--single", file, "--environment", "staging", NULL },
		NULL);

	CHECK_NUMBER(finished.code, EX_UNAVAILABLE);
	CHECK_NUMBER(count_of(finished.err, text_of("%s:4: [host@staging]: listen: 127.0.0.1:%u: "
	                                            "Address already in use: ",
	                                            file, port)),
	             1);
	close(taken);
}

/* Nothing of a Worker has begun by then. */
static void a_port_in_use_runs_no_start_hook(void)
{
	const char *log = scratch_path("port-hooks");
	unsigned port;
	int taken = take_a_port(&port);
	const char *file = scratch_write("x.ini",
	                                 "[host]\nlisten = 127.0.0.1:%u\n"
	                                 "[worker a]\nmodule = %s\nroute = /\nvar.DO = %s\n",
	                                 port, fixture("mistake_start"), log);

	CHECK_NUMBER(run(file).code, EX_UNAVAILABLE);
	CHECK_TEXT(file_read(log), "");
	close(taken);
}

static bool has_privileged_ports(const char *test)
{
	const char *first = file_read("/proc/sys/net/ipv4/ip_unprivileged_port_start");

	if (!*first || strtol(first, NULL, 10) > 1)
		return true;
	printf("%s: skipped, this machine has no privileged ports\n", test);
	return false;
}

static void a_privileged_port_is_not_permitted(void)
{
	const char *file = scratch_write("privileged.ini", "[host]\nlisten = 127.0.0.1:1\n" HELLO,
	                                 plugin("application"));
	struct finished finished;

	if (!has_privileged_ports(__func__) || !can_drop_privileges(__func__))
		return;
	CU_ASSERT_EQUAL(chmod(file, 0644), 0);
	finished = run_as_nobody(file);
	expect(&finished, EX_NOPERM,
	       text_of("%s:2: [host]: listen: 127.0.0.1:1: Permission denied: a port below 1024 "
	               "needs privileges; use a higher one, or give the program "
	               "CAP_NET_BIND_SERVICE\n",
	               file));
}

/* Where it would load the modules with the rights with which it binds. */
static void a_single_process_does_not_become_another_user(void)
{
	const char *file = scratch_write("user.ini", "[host]\nuser = nobody\n" HELLO,
	                                 plugin("application"));
	struct finished finished;

	if (!can_drop_privileges(__func__))
		return;
	finished = tenon_run((const char *const[]){ "run", "--single", file, NULL }, NULL);
	expect(&finished, EX_CONFIG,
	       text_of("%s:2: [host]: user: 'nobody': --single does not become another user: start "
	               "it as that user, or without --single\n",
	               file));
	file = scratch_write("root.ini", "[host]\nuser = root\n" HELLO, plugin("application"));
	CU_ASSERT_EQUAL(chmod(file, 0644), 0);
	finished = run_as_nobody(file);
	expect(&finished, EX_CONFIG,
	       text_of("%s:2: [host]: user: 'root': only root may become another user: start tenon "
	               "as root or as that user, or remove the line\n",
	               file));
}

static void an_address_of_another_machine_is_unavailable(void)
{
	const char *file = scratch_write("x.ini", "[host]\nlisten = 192.0.2.1:0\n" HELLO,
	                                 plugin("application"));
	struct finished finished = run(file);

	expect(&finished, EX_UNAVAILABLE,
	       text_of("%s:2: [host]: listen: 192.0.2.1:0: Cannot assign requested address: this "
	               "machine does not have that address\n",
	               file));
}

static void a_missing_file_is_no_input(void)
{
	const char *file = scratch_path("missing.ini");
	struct finished finished = run(file);

	expect(&finished, EX_NOINPUT, text_of("tenon: %s: No such file or directory\n", file));
}

static void an_unreadable_file_is_not_permitted(void)
{
	const char *file = scratch_write("mine.ini", HELLO, plugin("application"));
	struct finished finished;

	if (!can_drop_privileges(__func__))
		return;
	finished = run_as_nobody(file);
	expect(&finished, EX_NOPERM, text_of("tenon: %s: Permission denied: make it readable for "
	                                     "this user, or run as another\n",
	                                     file));
}

static void a_directory_is_refused(void)
{
	struct finished finished = run(scratch_directory());

	expect(&finished, EX_CONFIG, text_of("tenon: %s: it is a directory: name the .ini file in "
	                                     "it\n",
	                                     scratch_directory()));
}

static void mistakes_are_told_as_check_tells_them(void)
{
	const char *file = scratch_write("x.ini",
	                                 "[host]\nlisten = 127.0.0.1:0\nlisen = 1\n"
	                                 "[worker a]\nmodule = %s\nroute = /\nservice.one = b\n",
	                                 fixture("mistake_node"));
	struct finished finished = run(file);

	expect(&finished, EX_CONFIG,
	       text_of("%s:3: [host]: unknown key 'lisen' (did you mean 'listen'?)\n"
	               "%s:7: worker 'a': service.one: no worker 'b': add [worker b], or name "
	               "another\n",
	               file, file));
	CHECK_TEXT(tenon_check(file).err, finished.err);
}

static void the_command_line_is_checked(void)
{
	static const char *const wrong[][4] = {
		{ "run", NULL },
		{ "run", "a", "b", NULL },
	};
	struct finished finished;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		finished = tenon_run(wrong[i], NULL);
		expect(&finished, EX_USAGE,
		       "tenon: usage: tenon run [--environment NAME] [--single] FILE\n");
	}
	CHECK_NUMBER(tenon_run((const char *const[]){ NULL }, NULL).code, EX_USAGE);
}

/* ---- Hooks --------------------------------------------------------------------------------- */

static void what_started_is_stopped_where_a_start_hook_fails(void)
{
	const char *module = fixture("mistake_start");
	const char *log = scratch_path("hooks");
	const char *file = scratch_write("x.ini",
	                                 "[host]\nlisten = 127.0.0.1:0\n"
	                                 "[worker a]\nmodule = %s\nroute = /\nvar.DO = %s\n"
	                                 "var.STOP = %s\n"
	                                 "[worker b]\nmodule = %s\nvar.DO = fail\nvar.STOP = %s\n"
	                                 "route = /b\n",
	                                 module, log, log, module, log);
	struct finished finished = run(file);

	expect(&finished, EX_CONFIG,
	       text_of("%s:8: worker 'b': start: the database does not answer\n", file));
	CHECK_TEXT(file_read(log), "a a ");
}

static void hooks_stop_when_the_host_does(void)
{
	const char *log = scratch_path("stop-hooks");
	struct host *host = host_start(scratch_write("x.ini",
	                                             "[host]\nlisten = 127.0.0.1:0\n"
	                                             "[worker a]\nmodule = %s\nroute = /\n"
	                                             "var.DO = %s\nvar.STOP = %s\n",
	                                             fixture("mistake_start"), log, log));

	CHECK_TEXT(file_read(log), "a ");
	host_end(host);
	CHECK_TEXT(file_read(log), "a a ");
}

/* ---- The access log ------------------------------------------------------------------------ */

static struct finished run_with_log(const char *path)
{
	return run(scratch_write("x.ini",
	                         "[host]\nlisten = 127.0.0.1:0\naccess_log = "
	                         "%s\n" HELLO,
	                         path,
	                         plugin("application")));
}

#define LOG_CURE ": name a file that this user may write, in a directory that exists\n"

static void an_access_log_that_cannot_be_opened_is_told(void)
{
	struct finished finished = run_with_log("none/access");

	expect(&finished, EX_CANTCREAT,
	       text_of("%s:3: [host]: access_log: %s: No such file or directory" LOG_CURE,
	               scratch_path("x.ini"), scratch_path("none/access")));
	finished = run_with_log(scratch_directory());
	expect(&finished, EX_CANTCREAT, text_of("%s:3: [host]: access_log: %s: Is a "
	                                        "directory" LOG_CURE,
	                                        scratch_path("x.ini"), scratch_directory()));
}

static void without_its_access_log_it_runs_no_start_hook(void)
{
	const char *log = scratch_path("log-hooks");
	const char *file = scratch_write("x.ini",
	                                 "[host]\nlisten = 127.0.0.1:0\n"
	                                 "access_log = none/access\n"
	                                 "[worker a]\nmodule = %s\nroute = /\nvar.DO = %s\n",
	                                 fixture("mistake_start"), log);

	CHECK_NUMBER(run(file).code, EX_CANTCREAT);
	CHECK_TEXT(file_read(log), "");
}

static void an_access_log_of_another_user_is_not_permitted(void)
{
	const char *log = scratch_write("access", "before\n");
	const char *file = scratch_write("log.ini",
	                                 "[host]\nlisten = 127.0.0.1:0\n"
	                                 "access_log = access\n" HELLO,
	                                 plugin("application"));
	struct finished finished;

	if (!can_drop_privileges(__func__))
		return;
	CU_ASSERT_EQUAL(chmod(file, 0644), 0);
	finished = run_as_nobody(file);
	expect(&finished, EX_NOPERM, text_of("%s:3: [host]: access_log: %s: Permission "
	                                     "denied" LOG_CURE,
	                                     file, log));
}

static void an_access_log_is_appended_to(void)
{
	const char *log = scratch_write("access", "before\n");
	struct host *host = host_start(scratch_write("x.ini",
	                                             "[host]\nlisten = 127.0.0.1:0\n"
	                                             "access_log = access\n" HELLO,
	                                             plugin("application")));

	CHECK_NUMBER(http_get(host, "/")->status, 200);
	host_end(host);
	CHECK_NUMBER(strncmp(file_read(log), "before\n", 7), 0);
	CHECK_NUMBER(lines_matching(file_read(log), " access id=.* status=200 .* chain=hello$"), 1);
	CHECK_NUMBER(host_access_lines(host), 0); /* not to stderr, too */
}

/* ---- Addresses ----------------------------------------------------------------------------- */

static int connect_to(const char *address, const char *port)
{
	struct addrinfo wanted = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *found = NULL;
	int client = -1;

	if (getaddrinfo(address, port, &wanted, &found) == 0)
		client = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client >= 0 && connect(client, found->ai_addr, found->ai_addrlen) < 0) {
		close(client);
		client = -1;
	}
	if (found)
		freeaddrinfo(found);
	return client;
}

static int status_at(const char *address, const char *port)
{
	int client = connect_to(address, port);
	struct wire_bytes bytes;

	if (client < 0)
		return 0;
	wire_text(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	bytes = wire_read_all(client);
	close(client);
	return wire_status(&bytes);
}

static bool has_ipv6(void)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int socket_ = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = bind(socket_, (struct sockaddr *)&address, sizeof(address)) == 0;

	close(socket_);
	if (!has)
		printf("this machine has no IPv6: a part is skipped\n");
	return has;
}

/* The port in the line of the log that names this address; "" for none. */
static const char *logged_port(const struct host *host, const char *address)
{
	const char *log = host_log(host);
	const char *line = strstr(log, text_of("listening on http://%s:", address));

	if (!line)
		return "";
	line += strlen("listening on http://") + strlen(address) + 1;
	return text_of("%.*s", (int)strspn(line, "0123456789"), line);
}

static struct host *listen_on(const char *addresses, unsigned count)
{
	struct host *host = host_start(scratch_write("x.ini",
	                                             "[host]\nlisten = "
	                                             "%s\n" HELLO,
	                                             addresses,
	                                             plugin("application")));

	host_logged_times(host, "listening on http://", count);
	return host;
}

static void each_address_is_listened_on_and_named(void)
{
	struct host *host = listen_on("127.0.0.1:0, 127.0.0.2:0", 2);
	const char *one = logged_port(host, "127.0.0.1");
	const char *two = logged_port(host, "127.0.0.2");

	CHECK_NUMBER(status_at("127.0.0.1", one), 200);
	CHECK_NUMBER(status_at("127.0.0.2", two), 200);
	CHECK_NUMBER(status_at("127.0.0.3", one), 0);
	CHECK_NUMBER(count_of(host_log(host), ":0\n"), 0); /* the real ports */
	host_end(host);
}

static void ipv6_is_listened_on(void)
{
	struct host *host;

	if (!has_ipv6())
		return;
	host = listen_on("127.0.0.1:0, [::1]:0", 2);
	CHECK_NUMBER(status_at("::1", logged_port(host, "[::1]")), 200);
	host_end(host);
}

static void a_star_listens_on_every_address(void)
{
	bool ipv6 = has_ipv6();
	struct host *host = listen_on("127.0.0.1:0, *:0", 2);
	const char *port = logged_port(host, ipv6 ? "[::]" : "0.0.0.0");

	CHECK_NUMBER(status_at("127.0.0.1", port), 200);
	CHECK_NUMBER(status_at("127.0.0.2", port), 200);
	if (ipv6)
		CHECK_NUMBER(status_at("::1", port), 200);
	host_end(host);
}

TEST_MAIN("e2e/run",
          TEST(a_port_in_use_is_unavailable),
          TEST(an_address_of_an_environment_is_told_where_it_names_it),
          TEST(a_port_in_use_runs_no_start_hook),
          TEST(a_privileged_port_is_not_permitted),
          TEST(a_single_process_does_not_become_another_user),
          TEST(an_address_of_another_machine_is_unavailable),
          TEST(a_missing_file_is_no_input),
          TEST(an_unreadable_file_is_not_permitted),
          TEST(a_directory_is_refused),
          TEST(mistakes_are_told_as_check_tells_them),
          TEST(the_command_line_is_checked),
          TEST(what_started_is_stopped_where_a_start_hook_fails),
          TEST(hooks_stop_when_the_host_does),
          TEST(an_access_log_that_cannot_be_opened_is_told),
          TEST(without_its_access_log_it_runs_no_start_hook),
          TEST(an_access_log_of_another_user_is_not_permitted),
          TEST(an_access_log_is_appended_to),
          TEST(each_address_is_listened_on_and_named),
          TEST(ipv6_is_listened_on),
          TEST(a_star_listens_on_every_address))
