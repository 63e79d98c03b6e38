/* test_rotation.c - access logs that are renamed under load, and those that cannot be written. */
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS 20

static const char *write_file(const char *access_log)
{
	return scratch_write("rotation.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "access_log = %s\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "route = /*\n",
	                     access_log, fixture("serve_hello"));
}

static struct load *start_load(const struct host *host)
{
	return load_start(&(struct load_options){
		.port = host->port, .kept = 4, .fresh = 2, .greetings = { "hello\n" } });
}

static void exists(const char *path)
{
	long long end = now_ms() + deadline_ms();

	while (access(path, F_OK) && now_ms() < end)
		nap();
	CU_ASSERT(access(path, F_OK) == 0);
}

static const char *rotated(unsigned round)
{
	return scratch_path(text_of("access.log.%u", round));
}

/* ---- Counting lines ------------------------------------------------------------------------ */

static int compare(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* The ids of all requests, sorted; `text` is cut into them. */
static size_t ids_of(char *text, char **ids, size_t most)
{
	size_t count = 0;

	for (char *at = text; (at = strstr(at, " id=")) && count < most;) {
		ids[count] = at + 4;
		at += 4 + strcspn(at + 4, " \n");
		if (!*at)
			break;
		*at++ = '\0';
		count++;
	}
	qsort(ids, count, sizeof(ids[0]), compare);
	return count;
}

static size_t twice(char **ids, size_t count)
{
	size_t found = 0;

	for (size_t i = 1; i < count; i++)
		found += strcmp(ids[i - 1], ids[i]) == 0;
	return found;
}

/* One whole line for each request, over all files. */
static void check_lines(char *text, unsigned long requests)
{
	char **ids = memory_of((requests + 100) * sizeof(ids[0]));
	size_t count;

	CHECK_NUMBER(count_of(text, "\n"), requests);
	CHECK_NUMBER(lines_matching(text, "^[^ ]+Z access id=[^ ]+ method=GET target=\"/\" "
	                                  "status=200 bytes=6 us=[0-9]+ chain=hello$"),
	             requests);
	count = ids_of(text, ids, requests + 100);
	CHECK_NUMBER(count, requests);
	CHECK_NUMBER(twice(ids, count), 0);
}

/* ---- The tests ----------------------------------------------------------------------------- */

static void a_log_that_is_renamed_loses_no_line(void)
{
	const char *log = scratch_path("access.log");
	struct host *host = host_start(write_file(log));
	struct load *load = start_load(host);
	struct load_counts counts;
	const char *text = "";

	for (unsigned i = 0; i < ROUNDS; i++) {
		CHECK_NUMBER(load_reaches(load, -1, 30), true);
		CHECK_NUMBER(rename(log, rotated(i)), 0);
		host_signal(host, SIGUSR1);
		exists(log);
	}
	CHECK_NUMBER(load_reaches(load, -1, 30), true);
	counts = load_stop(load);
	host_end(host);
	CHECK_NUMBER(load_failed(&counts), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		char *part = file_read(rotated(i));

		CU_ASSERT(*part);
		text = text_of("%s%s", text, part);
	}
	check_lines(text_of("%s%s", text, file_read(log)), counts.right);
}

/* ---- With a supervisor, whose processes have one log --------------------------------------- */

static const char *write_tree(const char *log, const char *more)
{
	return scratch_write("rotation.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "access_log = %s\n"
	                     "%s"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "route = /*\n",
	                     log, more, fixture("serve_hello"));
}

/* Renames it, and every other time a reload is under way then. Returns how many reloads. */
static unsigned rotate_all(struct host *host, struct load *load, const char *log)
{
	unsigned rounds = tree_rounds("TN_ROTATIONS", ROUNDS);

	for (unsigned i = 0; i < rounds; i++) {
		CHECK_NUMBER(load_reaches(load, -1, 30), true);
		CHECK_NUMBER(rename(log, rotated(i)), 0);
		if (i % 2)
			host_signal(host, SIGHUP);
		host_signal(host, SIGUSR1);
		exists(log);
		if (i % 2)
			host_logged_times(host, " serves with ", 1 + (i + 1) / 2);
	}
	return rounds;
}

static void check_tree(const char *log, const char *more)
{
	struct load_counts counts;
	const char *text = "";
	struct host *host;
	struct load *load;
	unsigned rounds;

	unlink(log);
	host = tree_start(write_tree(log, more));
	load = start_load(host);
	rounds = rotate_all(host, load, log);
	CHECK_NUMBER(load_reaches(load, -1, 30), true);
	counts = load_stop(load);
	tree_end(host);
	CHECK_NUMBER(load_failed(&counts), 0);
	for (unsigned i = 0; i < rounds; i++)
		text = text_of("%s%s", text, file_read(rotated(i)));
	check_lines(text_of("%s%s", text, file_read(log)), counts.right);
}

static void processes_of_a_tree_lose_no_line(void)
{
	check_tree(scratch_path("access.log"), "");
}

/* They could not open it by themselves. */
static void processes_of_another_user_lose_no_line(void)
{
	const char *log = scratch_path("access.log");

	if (geteuid()) {
		puts("skipped: it takes root");
		return;
	}
	check_tree(log, "user = nobody\n");
}

static void many_signals_are_no_more_than_one(void)
{
	const char *log = scratch_path("access.log");
	struct host *host = host_start(write_file(log));
	struct load *load = start_load(host);
	struct load_counts counts;

	unlink(log);
	for (unsigned i = 0; i < 1000; i++)
		host_signal(host, SIGUSR1);
	exists(log);
	unlink(log);
	for (unsigned i = 0; i < 1000; i++)
		host_signal(host, SIGUSR1);
	exists(log);
	host_signal(host, SIGUSR1);
	counts = load_stop(load);
	host_end(host); /* a signal that waits unread does not make the next one the second */
	CHECK_NUMBER(load_failed(&counts), 0);
}

static void a_host_of_a_tree_does_not_mind_the_signal(void)
{
	struct host *host = tree_start(write_file("off"));
	pid_t before[TREE_MOST], behind[TREE_MOST];

	CHECK_NUMBER(tree_hosts(host, before), 2);
	for (unsigned i = 0; i < 2; i++)
		kill(before[i], SIGUSR1);
	for (unsigned i = 0; i < 20; i++)
		CHECK_NUMBER(http_get(host, "/")->status, 200);
	CHECK_NUMBER(tree_hosts(host, behind), 2);
	CHECK_NUMBER(behind[0] == before[0] && behind[1] == before[1], true);
	tree_end(host);
}

static void where_it_cannot_be_opened_anew_the_old_one_goes_on(void)
{
	const char *directory = scratch_path("logs");
	const char *log = scratch_path("logs/access.log");
	const char *away = scratch_path("away");
	struct host *host;

	mkdir(directory, 0700);
	host = host_start(write_file(log));
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	CHECK_NUMBER(rename(directory, away), 0);
	host_signal(host, SIGUSR1);
	host_logged(host, text_of("rotation.ini:4: [host]: access_log: %s: No such file or "
	                          "directory: name a file",
	                          log));
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	host_end(host);
	CHECK_NUMBER(count_of(file_read(scratch_path("away/access.log")), "status=200"), 2);
}

static void load_is_served_with(const char *access_log, const char *told)
{
	struct host *host = host_start(write_file(access_log));
	struct load *load = start_load(host);
	struct load_counts counts;

	CHECK_NUMBER(load_reaches(load, -1, 2000), true);
	host_logged(host, told);
	host_signal(host, SIGUSR1);
	CHECK_NUMBER(load_reaches(load, -1, 200), true);
	counts = load_stop(load);
	CHECK_NUMBER(load_failed(&counts), 0);
	host_end(host);
}

static void a_full_disk_stops_no_request(void)
{
	load_is_served_with("/dev/full", "bytes were dropped: No space left on device");
}

static void a_pipe_that_nobody_reads_stops_no_request(void)
{
	const char *path = scratch_path("pipe");

	CHECK_NUMBER(mkfifo(path, 0600), 0);
	load_is_served_with(path, "bytes were dropped: its reader does not keep up");
}

TEST_MAIN("faults/rotation",
          TEST(a_log_that_is_renamed_loses_no_line),
          TEST(processes_of_a_tree_lose_no_line),
          TEST(processes_of_another_user_lose_no_line),
          TEST(many_signals_are_no_more_than_one),
          TEST(a_host_of_a_tree_does_not_mind_the_signal),
          TEST(where_it_cannot_be_opened_anew_the_old_one_goes_on),
          TEST(a_full_disk_stops_no_request),
          TEST(a_pipe_that_nobody_reads_stops_no_request))
