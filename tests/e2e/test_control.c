/* test_control.c - `status`, `reload` and `stop`: a running host is asked on its control socket. */
#include "harness.h"

#include "../cunit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define HOST "[host]\nlisten = 127.0.0.1:0\n"
#define WORKER "[worker one]\nmodule = %s\nroute = /*\n"

static const char *write_file(const char *host, const char *worker)
{
	return scratch_write("x.ini", HOST "%s" WORKER "%s", host, fixture("mistake_start"),
	                     worker);
}

static struct finished tell(const char *command, const char *file)
{
	return tenon_run((const char *const[]){ command, file, NULL }, NULL);
}

static void expect(const struct finished *finished, int code, const char *err)
{
	CHECK_NUMBER(finished->code, code);
	CHECK_TEXT(finished->err, err);
	CHECK_TEXT(finished->out, "");
}

static json_t *status(const char *file)
{
	struct finished finished =
		tenon_run((const char *const[]){ "status", "--json", file, NULL }, NULL);
	json_t *whole = json_loads(finished.out, 0, NULL);

	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.err, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	return whole;
}

static long long number(const json_t *object, const char *name)
{
	CU_ASSERT(json_is_integer(json_object_get(object, name)));
	return json_integer_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void expect_absent(const char *name)
{
	CHECK_NUMBER(access(scratch_path(name), F_OK), -1);
}

/* ---- A client of its own, for what takes several at a time ---------------------------------- */

static int ask(const char *socket_path, const char *word)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(client >= 0 && strlen(socket_path) < sizeof(address.sun_path));
	memcpy(address.sun_path, socket_path, strlen(socket_path));
	CHECK_NUMBER(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_NUMBER(send(client, word, strlen(word), MSG_NOSIGNAL), (long long)strlen(word));
	return client;
}

/* All that it is told until the end: the text, and the exit code behind it. */
static const char *answer(int client)
{
	struct pollfd wait = { .fd = client, .events = POLLIN };
	char message[20 * 1024];
	const char *all = "";
	ssize_t size = 0;

	while (poll(&wait, 1, deadline_ms()) > 0 &&
	       (size = recv(client, message, sizeof(message) - 1, 0)) > 0) {
		message[size] = '\0';
		all = text_of("%s%s", all, message[0] == 'T' ? message + 1 : message);
	}
	close(client);
	return all;
}

static bool is_silent(int client)
{
	struct pollfd wait = { .fd = client, .events = POLLIN };

	return poll(&wait, 1, 0) == 0;
}

static void wait_for_state(const char *socket_path, const char *state)
{
	const char *wanted = text_of("\"state\":\"%s\"", state);
	long long end = now_ms() + deadline_ms();

	while (!strstr(answer(ask(socket_path, "status")), wanted)) {
		CU_ASSERT_FATAL(now_ms() < end);
		nap();
	}
}

/* ---- Status -------------------------------------------------------------------------------- */

/* A reply is there a moment before it is counted. */
static struct finished status_with(const char *file, const char *part)
{
	long long end = now_ms() + deadline_ms();
	struct finished finished = tell("status", file);

	while (!strstr(finished.out, part) && now_ms() < end) {
		nap();
		finished = tell("status", file);
	}
	return finished;
}

static void status_tells_people(void)
{
	struct host *host = host_start_supervised(write_file("processes = 2\n", ""));
	const char *file = scratch_path("x.ini");
	struct finished finished;

	CHECK_NUMBER(http_get(host, "/")->status, 200);
	finished = status_with(file, "1 request answered, no crash");
	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.err, "");
	CHECK_NUMBER(lines_matching(finished.out, text_of("^%s: serving, process %d, up "
	                                                  "([0-9]+m )?[0-9]+s$",
	                                                  file, (int)host->pid)),
	             1);
	CHECK_NUMBER(lines_matching(finished.out,
	                            "^generation 1 serves since "
	                            "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z, 1 Worker$"),
	             1);
	CHECK_NUMBER(lines_matching(finished.out,
	                            "^  PROCESS +GENERATION +STATE +UP +REQUESTS +IN FLIGHT "
	                            "+FAILURES$"),
	             1);
	CHECK_NUMBER(lines_matching(finished.out,
	                            "^  [0-9]+ +1 +serving +([0-9]+m )?[0-9]+s +[01] +0 +0$"),
	             2);
	CHECK_NUMBER(lines_matching(finished.out, "^1 request answered, no crash$"), 1);
	CHECK_NUMBER(lines_matching(finished.out, "^  MODULE +VERSION$"), 1);
	CHECK_NUMBER(lines_matching(finished.out, "^  .*/mistake_start.so +[0-9a-f]{16}$"), 1);
	CHECK_NUMBER(count_of(finished.out, "\n"), 8);
	host_end(host);
}

static void status_tells_programs(void)
{
	const char *file = write_file("processes = 2\n", "[worker idle]\nmodule = nowhere.so\n");
	struct host *host = host_start_supervised(file);
	json_t *whole = status(file);
	const json_t *list = json_object_get(whole, "processes");

	CHECK_TEXT(text(whole, "file"), file);
	CU_ASSERT(json_is_null(json_object_get(whole, "environment")));
	CHECK_NUMBER(number(whole, "pid"), host->pid);
	CU_ASSERT(number(whole, "uptime_ms") >= 0);
	CHECK_TEXT(text(whole, "state"), "serving");
	CHECK_NUMBER(number(whole, "generation"), 1);
	CHECK_NUMBER(strlen(text(whole, "serving_since")), strlen("2026-01-31T12:00:00.123Z"));
	CHECK_NUMBER(number(whole, "workers"), 1);
	CHECK_NUMBER(number(whole, "requests"), 0);
	CHECK_NUMBER(number(whole, "turned_away"), 0);
	CHECK_NUMBER(number(whole, "lost"), 0);
	CHECK_NUMBER(number(whole, "crashes"), 0);
	CHECK_NUMBER(json_object_size(json_object_get(whole, "refused")), 8);
	CHECK_NUMBER(number(json_object_get(whole, "refused"), "malformed"), 0);
	CU_ASSERT(json_is_false(json_object_get(whole, "probation")));
	CHECK_NUMBER(json_array_size(json_object_get(whole, "modules")), 1);
	CHECK_NUMBER(json_array_size(list), 2);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *process = json_array_get(list, i);

		CHECK_NUMBER(kill((pid_t)number(process, "pid"), 0), 0);
		CHECK_NUMBER(number(process, "generation"), 1);
		CHECK_TEXT(text(process, "state"), "serving");
		CU_ASSERT(number(process, "uptime_ms") <= number(whole, "uptime_ms"));
		CHECK_NUMBER(number(process, "requests"), 0);
		CHECK_NUMBER(number(process, "in_flight"), 0);
		CHECK_NUMBER(number(process, "waiting"), 0);
		CHECK_NUMBER(number(process, "failures"), 0);
	}
	json_decref(whole);
	host_end(host);
}

/* The process that takes its place has one failure behind it. */
static void status_tells_failures(void)
{
	const char *file = write_file("processes = 1\n", "");
	struct host *host = host_start_supervised(file);
	long long end = now_ms() + deadline_ms();
	json_t *whole = status(file);
	json_t *process = json_array_get(json_object_get(whole, "processes"), 0);
	pid_t first = (pid_t)number(process, "pid");

	CHECK_NUMBER(kill(first, SIGKILL), 0);
	do {
		json_decref(whole);
		nap();
		whole = status(file);
		process = json_array_get(json_object_get(whole, "processes"), 0);
	} while (strcmp(text(process, "state"), "serving") != 0 ||
	                         number(process, "pid") == first
	                 ? now_ms() < end
	                 : false);
	CHECK_NUMBER(number(process, "failures"), 1);
	CHECK_TEXT(text(process, "state"), "serving");
	json_decref(whole);
	host_end(host);
}

/* ---- Reload -------------------------------------------------------------------------------- */

static void status_tells_a_probation_and_how_it_ended(void)
{
	const char *file = scratch_write("x.ini",
	                                 HOST "processes = 1\nprobation = 10m\n"
	                                      "[worker one]\nmodule = %s\nroute = /*\n",
	                                 fixture("serve_crash"));
	struct host *host = host_start_supervised(file);
	json_t *whole;

	CHECK_NUMBER(tell("reload", file).code, 0);
	CHECK_NUMBER(count_of(tell("status", file).out, "no crash, on probation\n"), 1);
	http_get(host, "/abort");
	host_logged(host, "generation 3 serves");
	CHECK_NUMBER(count_of(tell("status", file).out, "1 crash, 1 request lost, rolled back\n"),
	             1);
	whole = status(file);
	CU_ASSERT(json_is_false(json_object_get(whole, "probation")));
	CU_ASSERT(json_is_true(json_object_get(whole, "restored")));
	json_decref(whole);
	CHECK_NUMBER(tell("reload", file).code, 0);
	CHECK_NUMBER(count_of(tell("status", file).out, "rolled back"), 0);
	host_end(host);
}

static void a_reload_ends_when_the_new_generation_serves(void)
{
	const char *file = write_file("processes = 2\n", "");
	struct host *host = host_start_supervised(file);
	struct finished finished = tell("reload", file);
	json_t *whole;

	expect(&finished, 0, text_of("tenon: %s: generation 2 serves\n", file));
	whole = status(file);
	CHECK_NUMBER(number(whole, "generation"), 2);
	json_decref(whole);
	host_end(host);
}

/* They are what the host's own log has. */
static void a_bad_file_is_told_with_all_errors(void)
{
	const char *file = write_file("", "");
	struct host *host = host_start_supervised(file);
	const char *errors;
	struct finished finished;

	write_file("prozesses = 1\n", "service.a = b\n");
	finished = tell("reload", file);
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_NUMBER(count_of(finished.err, text_of("%s:3: [host]: unknown key 'prozesses'", file)),
	             1);
	CHECK_NUMBER(count_of(finished.err, text_of("%s:7: worker 'one': service.a: ", file)), 1);
	CHECK_NUMBER(count_of(finished.err, ": generation 1 goes on\n"), 1);
	errors = text_of("%.*s", (int)(strstr(finished.err, "tenon: ") - finished.err),
	                 finished.err);
	CHECK_NUMBER(count_of(host_log(host), errors), 1);
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	finished = tell("status", file);
	CHECK_NUMBER(finished.code, 0);
	host_end(host);
}

/* What only a host process finds out. */
static void a_start_that_fails_is_told(void)
{
	const char *file = write_file("", "");
	struct host *host = host_start_supervised(file);
	struct finished finished;

	write_file("", "var.DO = fail\n");
	finished = tell("reload", file);
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_NUMBER(count_of(finished.err, "start: the database does not answer\n"), 1);
	CHECK_NUMBER(count_of(finished.err, ": generation 1 goes on\n"), 1);
	host_end(host);
}

static void a_file_that_is_gone_is_told(void)
{
	const char *file = write_file("", "");
	struct host *host = host_start_supervised(file);
	struct finished finished;

	CHECK_NUMBER(unlink(file), 0);
	finished = tell("reload", file);
	expect(&finished, EX_NOINPUT,
	       text_of("tenon: %s: No such file or directory\n"
	               "tenon: %s: it is not valid: generation 1 goes on\n",
	               file, file));
	finished = tell("stop", file);
	expect(&finished, 0, "");
	CHECK_NUMBER(host_wait(host), 0);
}

static void another_control_takes_a_restart(void)
{
	const char *file = write_file("control = one.socket\n", "");
	struct host *host = host_start_supervised(file);
	const char *path = scratch_path("one.socket");
	struct finished finished;

	write_file("control = two.socket\n", "");
	CHECK_TEXT(answer(ask(path, "reload")),
	           text_of("tenon: %s: `control` has changed (%s:3), which takes a restart: "
	                   "generation 1 goes on\nE78",
	                   file, file));
	finished = tell("status", file);
	expect(&finished, EX_UNAVAILABLE,
	       text_of("tenon: %s: no host runs: nobody answers at %s (`control`, %s:3: a host "
	               "that was started before that changed has another)\n",
	               file, scratch_path("two.socket"), file));
	write_file("control = one.socket\n", "");
	CHECK_NUMBER(tell("status", file).code, 0);
	host_end(host);
	expect_absent("one.socket");
	expect_absent("one.socket.lock");
	expect_absent("x.ini.control");
}

/* The first is held in its start hook, which opens a pipe that nobody reads, and those that come
 * meanwhile are one more: they get its result. */
static void reloads_are_folded_and_each_gets_its_own_result(void)
{
	const char *file = write_file("processes = 1\n", "");
	const char *pipe = scratch_path("pipe");
	const char *path = scratch_path("x.ini.control");
	struct host *host = host_start_supervised(file);
	int first, second, third, reader;

	CHECK_NUMBER(mkfifo(pipe, 0600), 0);
	write_file("processes = 1\n", text_of("var.DO = %s\n", pipe));
	first = ask(path, "reload");
	wait_for_state(path, "reloading");
	write_file("processes = 0\n", "");
	second = ask(path, "reload");
	third = ask(path, "reload");
	host_signal(host, SIGHUP);
	wait_for_state(path, "reloading");
	CU_ASSERT(is_silent(first) && is_silent(second) && is_silent(third));
	reader = open(pipe, O_RDONLY | O_CLOEXEC);
	CU_ASSERT(reader >= 0);
	CHECK_TEXT(answer(first), text_of("tenon: %s: generation 2 serves\nE0", file));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(second), ": generation 2 goes on\nE78"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(third), ": generation 2 goes on\nE78"));
	close(reader);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), text_of("reading %s anew", file)), 2);
	CHECK_NUMBER(unlink(pipe), 0);
}

static void a_stop_ends_a_reload(void)
{
	const char *file = write_file("processes = 1\n", "");
	const char *pipe = scratch_path("pipe");
	const char *path = scratch_path("x.ini.control");
	struct host *host = host_start_supervised(file);
	int first, second;

	CHECK_NUMBER(mkfifo(pipe, 0600), 0);
	write_file("processes = 1\n", text_of("var.DO = %s\n", pipe));
	first = ask(path, "reload");
	wait_for_state(path, "reloading");
	second = ask(path, "reload");
	CHECK_NUMBER(tell("stop", file).code, 0);
	CHECK_NUMBER(host_wait(host), 0);
	CHECK_TEXT(answer(first),
	           text_of("tenon: %s: the host stops: there is no reload\nE69", file));
	CHECK_TEXT(answer(second),
	           text_of("tenon: %s: the host stops: there is no reload\nE69", file));
	CHECK_NUMBER(unlink(pipe), 0);
}

/* ---- Stop ---------------------------------------------------------------------------------- */

static void a_stop_waits_for_the_end(void)
{
	const char *file = write_file("", "");
	struct host *host = host_start_supervised(file);
	struct finished finished = tell("stop", file);
	int status;

	expect(&finished, 0, "");
	CHECK_NUMBER(waitpid(host->pid, &status, WNOHANG), host->pid);
	host->ended = true;
	CHECK_NUMBER(status, 0);
	expect_absent("x.ini.control");
	expect_absent("x.ini.control.lock");
	finished = tell("stop", file);
	expect(&finished, EX_UNAVAILABLE,
	       text_of("tenon: %s: no host runs: nobody answers at %s.control\n", file, file));
}

/* A request whose body never comes whole. */
static int post_half(struct host *host)
{
	int client = wire_connect(host);

	wire_text(client, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
	                  "Content-Length: 10\r\n\r\n");
	/* It asks for the body: so it has begun with the request. */
	CHECK_NUMBER(recv(client, (char[25]){ 0 }, 25, MSG_WAITALL), 25);
	return client;
}

static void a_stop_that_cuts_off_is_75(void)
{
	const char *file = write_file("drain_timeout = 50ms\n", "");
	struct host *host = host_start_supervised(file);
	int client = post_half(host);
	struct finished finished = tell("stop", file);

	expect(&finished, EX_TEMPFAIL,
	       text_of("tenon: %s: stopped, but requests had to be cut off: its log tells which\n",
	               file));
	CHECK_NUMBER(host_wait(host), EX_TEMPFAIL);
	close(client);
}

/* A second signal would cut it off. */
static void a_second_stop_waits_as_the_first(void)
{
	const char *file = write_file("processes = 1\ndrain_timeout = 1h\n", "");
	const char *path = scratch_path("x.ini.control");
	struct host *host = host_start_supervised(file);
	int client = post_half(host);
	int first = ask(path, "stop"), second;
	struct wire_bytes reply;

	wait_for_state(path, "stopping");
	host_logged(host, "stopping, 1 in flight");
	second = ask(path, "stop");
	wait_for_state(path, "stopping");
	CU_ASSERT(is_silent(first) && is_silent(second));
	wire_text(client, "0123456789");
	reply = wire_read_all(client);
	CHECK_NUMBER(wire_status(&reply), 200);
	close(client);
	CHECK_TEXT(answer(first), "E0");
	expect_absent("x.ini.control");
	CHECK_TEXT(answer(second), "E0");
	CHECK_NUMBER(host_wait(host), 0);
}

static void a_second_signal_is_told_to_who_waits(void)
{
	const char *file = write_file("processes = 1\ndrain_timeout = 1h\n", "");
	const char *path = scratch_path("x.ini.control");
	struct host *host = host_start_supervised(file);
	int client = post_half(host);
	int first = ask(path, "stop");

	host_logged(host, "stopping, 1 in flight");
	host_signal(host, SIGTERM);
	CHECK_TEXT(answer(first), "E75");
	CHECK_NUMBER(host_wait(host), EX_TEMPFAIL);
	close(client);
}

/* ---- Who has the socket -------------------------------------------------------------------- */

static void without_a_host_each_command_says_so(void)
{
	static const char *const commands[] = { "status", "reload", "stop" };
	const char *file = write_file("", "");

	for (size_t i = 0; i < 3; i++) {
		struct finished finished = tell(commands[i], file);

		expect(&finished, EX_UNAVAILABLE,
		       text_of("tenon: %s: no host runs: nobody answers at %s.control\n", file,
		               file));
	}
}

static void a_second_host_of_a_file_is_told_who_has_it(void)
{
	const char *file = write_file("", "");
	struct host *host = host_start_supervised(file);
	struct finished finished = tell("run", file);

	expect(&finished, EX_UNAVAILABLE,
	       text_of("tenon: %s: process %d serves it already, and has the control socket "
	               "%s.control: end it with `tenon stop`, or set another `control` in [host]\n",
	               file, (int)host->pid, file));
	CHECK_NUMBER(tell("status", file).code, 0);
	host_end(host);
}

static void what_a_kill_left_is_replaced(void)
{
	const char *file = write_file("", "");
	struct host *host = host_start_supervised(file);

	host_signal(host, SIGKILL);
	CHECK_NUMBER(host_wait(host), -SIGKILL);
	CHECK_NUMBER(access(scratch_path("x.ini.control"), F_OK), 0);
	CHECK_NUMBER(tell("status", file).code, EX_UNAVAILABLE);
	host = host_start_supervised(file);
	CHECK_NUMBER(tell("status", file).code, 0);
	host_end(host);
	expect_absent("x.ini.control");
}

static struct host *start_staging(const char *file)
{
	static const char *const before[] = { "sh", "-c", "exec \"$@\" --environment staging", "sh",
		                              NULL };

	return host_start_with(file,
	                       &(struct host_options){ .before = before, .supervised = true });
}

static struct finished tell_staging(const char *command, const char *file)
{
	return tenon_run((const char *const[]){ command, "--environment", "staging", file, NULL },
	                 NULL);
}

static void each_environment_has_its_own(void)
{
	const char *file = write_file("", "[worker one@staging]\n");
	struct host *production = host_start_supervised(file);
	struct host *staging = start_staging(file);
	struct finished finished = tell_staging("reload", file);

	expect(&finished, 0, text_of("tenon: %s: generation 2 serves\n", file));
	finished = tell("status", file);
	CHECK_NUMBER(count_of(finished.out, "generation 1 serves"), 1);
	finished = tell_staging("stop", file);
	CHECK_NUMBER(finished.code, 0);
	CHECK_NUMBER(host_wait(staging), 0);
	finished = tell_staging("status", file);
	expect(&finished, EX_UNAVAILABLE,
	       text_of("tenon: %s: no host runs for environment 'staging': nobody answers at "
	               "%s@staging.control\n",
	               file, file));
	CHECK_NUMBER(tell("stop", file).code, 0);
	CHECK_NUMBER(host_wait(production), 0);
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

static const char *const as_nobody[] = { "setpriv", "--reuid=65534", "--regid=65534",
	                                 "--clear-groups", NULL };

static void it_serves_where_no_socket_can_be_made(void)
{
	const char *file = write_file("", "");
	struct host *host;

	if (!can_drop_privileges(__func__))
		return;
	CHECK_NUMBER(chmod(file, 0644) | chmod(scratch_directory(), 0755), 0);
	host = host_start_with(file,
	                       &(struct host_options){ .before = as_nobody, .supervised = true });
	CHECK_NUMBER(lines_matching(host_log(host),
	                            "Z warning: the control socket .*x.ini.control cannot be made: "
	                            "Permission denied: set `control` in \\[host\\] to "),
	             1);
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	CHECK_NUMBER(tell("status", file).code, EX_UNAVAILABLE);
	host_end(host);
}

static void another_user_may_not_ask(void)
{
	const char *file = write_file("", "");
	struct host *host;
	struct finished finished;

	if (!can_drop_privileges(__func__))
		return;
	CHECK_NUMBER(chmod(file, 0644) | chmod(scratch_directory(), 0755), 0);
	host = host_start_supervised(file);
	finished = program_run((const char *const[]){ "setpriv", "--reuid=65534", "--regid=65534",
	                                              "--clear-groups", built("tenon"), "stop",
	                                              file, NULL });
	expect(&finished, EX_NOPERM,
	       text_of("tenon: %s: %s.control: only the user whose host it is, and root, may ask "
	               "it\n",
	               file, file));
	CHECK_NUMBER(tell("status", file).code, 0);
	host_end(host);
}

static void a_long_path_is_an_error_of_the_file(void)
{
	char name[120];
	const char *file;
	struct finished finished;

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	file = write_file(text_of("control = %s\n", name), "");
	finished = tell("check", file);
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_NUMBER(count_of(finished.err, text_of("%s:3: [host]: control: ", file)), 1);
	CHECK_NUMBER(count_of(finished.err, "the path of a socket has at most 107 bytes"), 1);
	CHECK_NUMBER(tell("run", file).code, EX_CONFIG);
}

TEST_MAIN("e2e/control",
          TEST(status_tells_people),
          TEST(status_tells_programs),
          TEST(status_tells_failures),
          TEST(status_tells_a_probation_and_how_it_ended),
          TEST(a_reload_ends_when_the_new_generation_serves),
          TEST(a_bad_file_is_told_with_all_errors),
          TEST(a_start_that_fails_is_told),
          TEST(a_file_that_is_gone_is_told),
          TEST(another_control_takes_a_restart),
          TEST(reloads_are_folded_and_each_gets_its_own_result),
          TEST(a_stop_ends_a_reload),
          TEST(a_stop_waits_for_the_end),
          TEST(a_stop_that_cuts_off_is_75),
          TEST(a_second_stop_waits_as_the_first),
          TEST(a_second_signal_is_told_to_who_waits),
          TEST(without_a_host_each_command_says_so),
          TEST(a_second_host_of_a_file_is_told_who_has_it),
          TEST(what_a_kill_left_is_replaced),
          TEST(each_environment_has_its_own),
          TEST(it_serves_where_no_socket_can_be_made),
          TEST(another_user_may_not_ask),
          TEST(a_long_path_is_an_error_of_the_file))
