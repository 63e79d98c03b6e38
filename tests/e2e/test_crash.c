/* test_crash.c - a Worker ends the process: the log says which one, how and where. */
#include "harness.h"

#include "../cunit.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define FATAL "Z fatal request=[0-9a-f]{16} worker=inner chain=outer>middle>inner: "

static struct host *spawn(const char *lines)
{
	const char *module = fixture("serve_crash");

	return host_spawn(scratch_write("crash.ini",
	                                "[host]\n"
	                                "listen = 127.0.0.1:0\n"
	                                "[worker inner]\n"
	                                "module = %s\n"
	                                "%s"
	                                "[worker never-loaded]\n"
	                                "[worker outer]\n"
	                                "module = %s\n"
	                                "route = /*\n"
	                                "service.next = middle\n"
	                                "[worker middle]\n"
	                                "module = %s\n"
	                                "service.next = inner\n"
	                                "[worker hello]\n"
	                                "module = %s\n"
	                                "route = hello/*\n",
	                                module, lines, module, module, fixture("serve_hello")),
	                  NULL);
}

static struct host *start(void)
{
	struct host *host = spawn("");

	CHECK_NUMBER(host_ready(host), true);
	return host;
}

static void check_line(const struct host *host, const char *expression)
{
	if (lines_matching(host_log(host), expression) != 1)
		CHECK_TEXT(host_log(host), text_of("one line like: %s", expression));
}

/* What addr2line makes of the first frame that is in the fixture; "" where there is none. */
static const char *function_of_frame(const struct host *host)
{
	const char *module = fixture("serve_crash");
	const char *frame = strstr(host_log(host), text_of(" %s 0x", module));
	const char *offset;

	if (!frame)
		return "";
	offset = text_of("%.*s", (int)strcspn(frame + strlen(module) + 2, "\n"),
	                 frame + strlen(module) + 2);
	return program_run((const char *const[]){ "addr2line", "-f", "-e", module, offset, NULL })
	        .out;
}

static void check_function(const struct host *host, const char *name)
{
	const char *function = function_of_frame(host);

	if (strncmp(function, name, strlen(name)) != 0 || function[strlen(name)] != '\n')
		CHECK_TEXT(text_of("%s\n%s", function, host_log(host)), name);
	CHECK_NUMBER(count_of(function, "serve_crash.c:"), 1);
}

static bool left_to_others(void)
{
	if (host_is_instrumented())
		puts("skipped: the instruments have handlers of their own");
	return host_is_instrumented();
}

/* ---- Signals ------------------------------------------------------------------------------- */

static void crash(const char *name, int signal, const char *how, const char *function)
{
	struct host *host;

	if (left_to_others())
		return;
	host = start();
	CHECK_NUMBER(http_get(host, "/fine")->status, 200);
	CHECK_NUMBER(http_get(host, text_of("/%s?q=\"1\"", name))->status, 0);
	CHECK_NUMBER(host_wait(host), -signal);
	check_line(host, text_of(FATAL "%s while it answered, request "
	                               "\"GET /%s\\?q=%%221%%22\", module '%s'$",
	                         how, name, fixture("serve_crash")));
	check_function(host, function);
}

static void a_write_through_null(void)
{
	crash("null", SIGSEGV, "SIGSEGV \\(address not mapped\\) at 0x0", "crash_null");
}

/* There is no frame to begin with: who called is found all the same. */
static void a_call_through_null(void)
{
	crash("call", SIGSEGV, "SIGSEGV \\(address not mapped\\) at 0x0", "crash_call");
}

static void a_division_by_zero(void)
{
#ifdef __x86_64__
	crash("divide", SIGFPE, "SIGFPE \\(integer division by zero\\) at 0x[0-9a-f]+",
	      "crash_divide");
#endif
}

static void an_illegal_instruction(void)
{
#ifdef __x86_64__
	crash("illegal", SIGILL, "SIGILL \\(illegal instruction\\) at 0x[0-9a-f]+",
	      "crash_illegal");
#endif
}

static void an_abort(void)
{
	crash("abort", SIGABRT, "SIGABRT \\(raised by the process itself\\)", "crash_abort");
}

static void a_stack_overflow(void)
{
	crash("overflow", SIGSEGV, "SIGSEGV \\(stack overflow\\) at 0x[0-9a-f]+", "crash_deeper");
}

/* ---- Outside of requests ------------------------------------------------------------------- */

static void a_start_hook(void)
{
	struct host *host;

	if (left_to_others())
		return;
	host = spawn("var.START = null\n");
	CHECK_NUMBER(host_ready(host), false);
	CHECK_NUMBER(host_wait(host), -SIGSEGV);
	check_line(host, text_of("Z fatal worker=inner: SIGSEGV \\(address not mapped\\) at 0x0 in "
	                         "its start hook, module '%s'$",
	                         fixture("serve_crash")));
	check_function(host, "crash_null");
}

static void a_stop_hook(void)
{
	struct host *host;

	if (left_to_others())
		return;
	host = spawn("var.STOP = abort\n");
	CHECK_NUMBER(host_ready(host), true);
	CHECK_NUMBER(http_get(host, "/fine")->status, 200);
	host_signal(host, SIGTERM);
	CHECK_NUMBER(host_wait(host), -SIGABRT);
	check_line(host, "Z fatal worker=inner: SIGABRT .* in its stop hook, module '");
	check_function(host, "crash_abort");
}

static void a_constructor(void)
{
	struct host *host;

	if (left_to_others())
		return;
	host = host_spawn(scratch_write("load.ini",
	                                "[host]\n"
	                                "listen = 127.0.0.1:0\n"
	                                "[worker first]\n"
	                                "module = %s\n"
	                                "route = /\n",
	                                fixture("mistake_crash")),
	                  NULL);
	CHECK_NUMBER(host_ready(host), false);
	CHECK_NUMBER(host_wait(host) < 0, true);
	check_line(host, "Z fatal worker=first: SIG[A-Z]+ .* while it was loaded, module "
	                 "'.*/mistake_crash.so'$");
	check_line(host, text_of("Z fatal worker=first: #0 %s 0x[0-9a-f]+$",
	                         fixture("mistake_crash")));
}

static void check_after(const char *path, const char *when)
{
	struct host *host;

	if (left_to_others())
		return;
	host = start();
	http_get(host, path);
	CHECK_NUMBER(host_wait(host), -SIGSEGV);
	check_line(host, text_of("Z fatal request=[0-9a-f]{16} worker=inner: SIGSEGV .* "
	                         "%s, request "
	                         "\"GET %s\", module '",
	                         when, path));
	check_function(host, "crash_null");
}

static void a_release_callback(void)
{
	check_after("/release/null", "in a release callback");
}

static void later_work(void)
{
	check_after("/later/null", "in work for after the reply");
}

/* ---- Not a Worker's fault, or not on the loop's thread ------------------------------------- */

static void a_signal_from_outside_blames_nobody(void)
{
	struct host *host;

	if (left_to_others())
		return;
	host = start();
	CHECK_NUMBER(http_get(host, "/fine")->status, 200);
	host_signal(host, SIGSEGV);
	CHECK_NUMBER(host_wait(host), -SIGSEGV);
	check_line(host, text_of("Z fatal: SIGSEGV \\(sent by process %d\\): "
	                         "no Worker was running$",
	                         (int)getpid()));
	CHECK_NUMBER(count_of(host_log(host), "worker="), 0);
}

static void a_thread_of_a_worker_does_not_blame_who_runs_in_the_loop(void)
{
	struct host *host;

	if (left_to_others())
		return;
	host = start();
	http_get(host, "/thread-null");
	CHECK_NUMBER(host_wait(host), -SIGSEGV);
	check_line(host, "Z fatal: SIGSEGV \\(address not mapped\\) at 0x0 in a thread that is not "
	                 "the host's: the frames tell whose it is$");
	check_function(host, "crash_null");
}

static void a_forked_process_that_crashes_is_told_apart(void)
{
	struct host *host;

	if (left_to_others())
		return;
	host = start();
	CHECK_NUMBER(http_get(host, "/fork-null")->status, 200);
	host_end(host);
	check_line(host, FATAL "SIGSEGV .* while it answered, in a process that it has forked, ");
}

static void a_handler_that_a_worker_sets_stays(void)
{
	struct host *host;

	if (left_to_others())
		return;
	host = spawn("var.START = handler\n");
	CHECK_NUMBER(host_ready(host), true);
	http_get(host, "/null");
	CHECK_NUMBER(host_wait(host), 5);
	check_line(host, "^the Worker's own handler$");
	CHECK_NUMBER(count_of(host_log(host), " fatal "), 0);
}

/* ---- exit() -------------------------------------------------------------------------------- */

static void check_exit(const char *name, int status)
{
	struct host *host = start();

	http_get(host, text_of("/%s", name));
	CHECK_NUMBER(host_wait(host), 70);
	check_line(host, text_of(FATAL "called exit\\(%d\\) while it answered, "
	                               "request \"GET /%s\", "
	                               "module '",
	                         status, name));
}

static void exit_in_a_request(void)
{
	check_exit("exit", 3);
}

/* It would look like an orderly stop. */
static void exit_with_0(void)
{
	check_exit("exit-0", 0);
}

static void exit_in_a_start_hook(void)
{
	struct host *host = spawn("var.START = exit\n");

	CHECK_NUMBER(host_ready(host), false);
	CHECK_NUMBER(host_wait(host), 70);
	check_line(host, "Z fatal worker=inner: called exit\\(3\\) in its start hook, module '");
}

static void exit_in_a_release_callback(void)
{
	struct host *host = start();

	http_get(host, "/release/exit");
	CHECK_NUMBER(host_wait(host), 70);
	check_line(host, "worker=inner: called exit\\(3\\) in a release callback, request "
	                 "\"GET /release/exit\", module '");
}

static void exit_of_a_forked_process_is_its_own_affair(void)
{
	struct host *host = start();

	CHECK_NUMBER(http_get(host, "/fork-exit")->status, 200);
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), " fatal "), 0);
}

TEST_MAIN("e2e/crash",
          TEST(a_write_through_null),
          TEST(a_call_through_null),
          TEST(a_division_by_zero),
          TEST(an_illegal_instruction),
          TEST(an_abort),
          TEST(a_stack_overflow),
          TEST(a_start_hook),
          TEST(a_stop_hook),
          TEST(a_constructor),
          TEST(a_release_callback),
          TEST(later_work),
          TEST(a_signal_from_outside_blames_nobody),
          TEST(a_thread_of_a_worker_does_not_blame_who_runs_in_the_loop),
          TEST(a_forked_process_that_crashes_is_told_apart),
          TEST(a_handler_that_a_worker_sets_stays),
          TEST(exit_in_a_request),
          TEST(exit_with_0),
          TEST(exit_in_a_start_hook),
          TEST(exit_in_a_release_callback),
          TEST(exit_of_a_forked_process_is_its_own_affair))
