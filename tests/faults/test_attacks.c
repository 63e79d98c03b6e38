/*
 * test_attacks.c - a Worker that attacks its host: the supervisor goes on, answers what is asked,
 * rests when there is nothing to do, and signals nobody but its own.
 */
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <signal.h>
#include <unistd.h>

#define FILE_NAME "attacks.ini"
#define ROUNDS 3

static const char *write_file(const char *host)
{
	scratch_write("goes-on", "as long as this is here");
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "access_log = off\n"
	                     "hang_timeout = 2s\n"
	                     "crash_limit = 0\n"
	                     "drain_timeout = 1s\n"
	                     "%s"
	                     "[worker attack]\n"
	                     "module = %s\n"
	                     "route = /*\n"
	                     "var.FILE = %s\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "route = hello/*\n",
	                     host, fixture("serve_attack"), scratch_path("goes-on"),
	                     fixture("serve_hello"));
}

static struct finished tell(const char *command)
{
	return tenon_run((const char *const[]){ command, scratch_path(FILE_NAME), NULL }, NULL);
}

/* What it has used of a processor, in ticks. */
static long ticks_of(const struct host *host)
{
	const char *text = file_read(text_of("/proc/%d/stat", (int)host->pid));
	const char *at = strrchr(text, ')');
	unsigned long user = 0, system = 0;

	if (!at || sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
	                  &system) != 2)
		give_up("/proc/PID/stat");
	return (long)(user + system);
}

/* In a second in which nothing is asked of it. */
static long ticks_of_a_second(const struct host *host)
{
	long long end = now_ms() + 1000;
	long ticks = ticks_of(host);

	while (now_ms() < end)
		nap();
	return ticks_of(host) - ticks;
}

/* What died may be replaced still, which takes a slow machine its time; then there comes a second
 * of rest. */
static void rests(const struct host *host)
{
	long long end = now_ms() + deadline_ms();
	const long most = sysconf(_SC_CLK_TCK) / 10;
	long ticks = ticks_of_a_second(host);

	while (ticks > most && now_ms() < end)
		ticks = ticks_of_a_second(host);
	if (ticks > most)
		CHECK_NUMBER(ticks, 0);
}

/* Whatever is left of the processes that were attacked, others take their places at a reload. */
static void still_supervises(struct host *host)
{
	struct finished finished = tell("reload");

	CHECK_NUMBER(host->ended, false);
	if (!CHECK_NUMBER(finished.code, 0))
		CHECK_TEXT(finished.err, "");
	CHECK_NUMBER(tell("status").code, 0);
	for (unsigned i = 0; i < 10; i++)
		CHECK_TEXT(http_get(host, "/fine")->body, "done");
}

/* Its processes may have been ended in any way, and some strays run until the file is gone. */
static void finish(struct host *host)
{
	int code;

	unlink(scratch_path("goes-on"));
	host_signal(host, SIGTERM);
	code = host_wait(host);
	CHECK_NUMBER(code == 0 || code == 75, true);
	tree_is_gone();
}

static bool takes_root(const char *more)
{
	if (*more && geteuid())
		puts("skipped: it takes root");
	return *more && geteuid();
}

static void attack(const char *how, const char *more)
{
	struct host *host;

	if (takes_root(more))
		return;
	host = tree_start(write_file(more));
	for (unsigned i = 0; i < ROUNDS; i++) {
		http_get(host, text_of("/%s", how));
		CHECK_NUMBER(tell("status").code, 0);
	}
	rests(host);
	still_supervises(host);
	rests(host);
	finish(host);
}

/* ---- The tests ----------------------------------------------------------------------------- */

static void a_page_that_is_scribbled_over(void)
{
	attack("page", "");
}

static void a_page_that_is_scribbled_over_in_a_crash(void)
{
	struct host *host = tree_start(write_file(""));

	for (unsigned i = 0; i < ROUNDS; i++) {
		http_get(host, "/page");
		http_get(host, "/crash");
	}
	host_logged(host, "another takes its place");
	rests(host);
	still_supervises(host);
	finish(host);
}

static void a_channel_that_is_written_to(void)
{
	attack("channel", "");
}

static void a_channel_that_is_written_to_for_ever(void)
{
	attack("channel-on", "");
}

static void a_channel_that_is_shut(void)
{
	attack("end", "");
}

static void descriptors_that_are_closed(void)
{
	attack("close", "");
}

static void descriptors_that_are_spoilt(void)
{
	attack("spoil", "");
}

static void a_child_that_goes_on_for_ever(void)
{
	attack("fork", "");
}

static void a_child_that_goes_on_behind_a_crash(void)
{
	struct host *host = tree_start(write_file(""));

	for (unsigned i = 0; i < ROUNDS; i++) {
		http_get(host, "/fork");
		http_get(host, "/crash");
		host_logged_times(host, "another takes its place", i + 1);
	}
	rests(host);
	still_supervises(host);
	finish(host);
}

static void signals_to_the_supervisor_of_another_user(void)
{
	attack("parent", "user = nobody\n");
}

static void signals_to_the_other_processes(void)
{
	attack("siblings", "");
}

static void signals_to_the_other_processes_of_that_user(void)
{
	attack("siblings", "user = nobody\n");
}

static void a_log_that_is_filled(void)
{
	attack("log", "");
}

static void descriptors_that_are_used_up(void)
{
	attack("descriptors", "");
}

static void memory_that_is_used_up(void)
{
	if (!host_is_instrumented()) /* a sanitizer needs more of it */
		attack("memory", "");
}

TEST_MAIN("faults/attacks",
          TEST(a_page_that_is_scribbled_over),
          TEST(a_page_that_is_scribbled_over_in_a_crash),
          TEST(a_channel_that_is_written_to),
          TEST(a_channel_that_is_written_to_for_ever),
          TEST(a_channel_that_is_shut),
          TEST(descriptors_that_are_closed),
          TEST(descriptors_that_are_spoilt),
          TEST(a_child_that_goes_on_for_ever),
          TEST(a_child_that_goes_on_behind_a_crash),
          TEST(signals_to_the_supervisor_of_another_user),
          TEST(signals_to_the_other_processes),
          TEST(signals_to_the_other_processes_of_that_user),
          TEST(a_log_that_is_filled),
          TEST(descriptors_that_are_used_up),
          TEST(memory_that_is_used_up))
