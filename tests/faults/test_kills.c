/*
 * test_kills.c - SIGKILL, and a stop, at any moment of a reload. A moment is a number of things
 * that were seen to happen since the reload was asked for: a line in the log, a process that came
 * or went, a descriptor that one of them has opened or closed. The numbers are drawn; TN_SEED
 * repeats a run.
 */
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "kills.ini"
#define PROCESSES 2
#define KEPT 6
#define FRESH 3
#define STEPS_MOST 60 /* a reload shows about as many */

static const char *const greetings[] = { "one", "two" };

static const char *write_version(unsigned version)
{
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = %d\n"
	                     "access_log = off\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "var.TEXT = %s\n"
	                     "route = /*\n",
	                     PROCESSES, fixture("serve_fall"), greetings[version]);
}

/* ---- Moments ------------------------------------------------------------------------------- */

static unsigned seed(void)
{
	unsigned number = tree_rounds("TN_SEED", (unsigned)now_ms());

	printf("TN_SEED=%u repeats this\n", number);
	return number;
}

static unsigned draw(unsigned *state, unsigned below)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % below;
}

static unsigned descriptors_of(pid_t pid)
{
	char path[64];
	DIR *directory;
	unsigned count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

/* Another number where another thing can be seen. */
static unsigned long look(const struct host *host)
{
	pid_t list[TREE_MOST];
	size_t count = tree_hosts(host, list);
	struct stat status = { 0 };
	unsigned long seen = descriptors_of(host->pid);

	stat(host->log_path, &status);
	seen = seen * 31 + (unsigned long)status.st_size;
	for (size_t i = 0; i < count; i++)
		seen = (seen * 31 + (unsigned long)list[i]) * 31 + descriptors_of(list[i]);
	return seen;
}

static unsigned reloads_ended(const struct host *host)
{
	char *log = file_load(host->log_path);
	unsigned count = count_of(log, " serves with ") + count_of(log, " goes on");

	free(log);
	return count;
}

/* That many steps on, or at the reload's end if that comes first. */
static void wait_for_moment(const struct host *host, unsigned steps, unsigned ended)
{
	long long end = now_ms() + deadline_ms();
	unsigned long before = look(host);

	while (steps && reloads_ended(host) == ended && now_ms() < end) {
		unsigned long now = look(host);

		steps -= now != before;
		before = now;
		sched_yield();
	}
}

static void reload_until_a_moment(const struct host *host, unsigned *state)
{
	unsigned ended = reloads_ended(host);

	host_signal(host, SIGHUP);
	wait_for_moment(host, draw(state, STEPS_MOST), ended);
}

/* ---- Hosts --------------------------------------------------------------------------------- */

static void kill_one(const struct host *host, unsigned *state)
{
	pid_t list[TREE_MOST];
	size_t count = tree_hosts(host, list);

	if (count)
		kill(list[draw(state, (unsigned)count)], SIGKILL);
}

static bool reload_ends(const struct host *host, unsigned times)
{
	long long end = now_ms() + deadline_ms();

	while (reloads_ended(host) < times) {
		if (now_ms() > end)
			return false;
		nap();
	}
	return true;
}

/* Whichever it is: all that answer are of the same. */
static void one_generation_serves(const struct host *host)
{
	const char *first = http_get(host, "/")->body;

	for (unsigned i = 0; i < 8; i++)
		CHECK_TEXT(http_get(host, "/")->body, first);
}

/* Each client has one request under way, so no more than that can be lost with one process. */
static void no_more_lost_than(const struct load_counts *counts, unsigned long kills)
{
	unsigned long lost = counts->reset + counts->cut;

	if (lost > kills * (KEPT + FRESH) || counts->wrong || counts->refused || counts->unanswered)
		CHECK_TEXT(load_text(counts), "only what was under way in a process is lost");
}

static void kills_during_reloads_leave_one_generation(void)
{
	unsigned rounds = tree_rounds("TN_KILLS", 20);
	unsigned state = seed();
	struct host *host = tree_start(write_version(0));
	struct load *load = load_start(&(struct load_options){
		.port = host->port,
		.kept = KEPT,
		.fresh = FRESH,
		.greetings = { greetings[0], greetings[1] },
	});
	struct load_counts counts;

	for (unsigned i = 1; i <= rounds && !CU_get_number_of_failure_records(); i++) {
		write_version(i % 2);
		reload_until_a_moment(host, &state);
		kill_one(host, &state);
		CHECK_NUMBER(reload_ends(host, i + 1), true);
		tree_has(host, PROCESSES);
		one_generation_serves(host);
	}
	write_version(1);
	host_signal(host, SIGHUP);
	CHECK_NUMBER(load_reaches(load, 1, 20), true);
	tree_has(host, PROCESSES);
	counts = load_stop(load);
	no_more_lost_than(&counts, rounds);
	printf("%u kills: %s\n", rounds, load_text(&counts));
	tree_end(host);
}

/* All of one generation: the old one's are replaced, the new one's are refused. */
static void a_whole_generation_may_go(void)
{
	unsigned rounds = tree_rounds("TN_KILLS", 20) / 4;
	unsigned state = seed();
	struct host *host = tree_start(write_version(0));
	pid_t before[TREE_MOST], now[TREE_MOST];

	for (unsigned i = 1; i <= rounds && !CU_get_number_of_failure_records(); i++) {
		size_t old = tree_hosts(host, before), count;
		bool kills_old = draw(&state, 2);

		write_version(i % 2);
		reload_until_a_moment(host, &state);
		count = tree_hosts(host, now);
		for (size_t j = 0; j < count; j++) {
			bool is_old = false;

			for (size_t k = 0; k < old; k++)
				is_old = is_old || before[k] == now[j];
			if (is_old == kills_old)
				kill(now[j], SIGKILL);
		}
		CHECK_NUMBER(reload_ends(host, i + 1), true);
		tree_has(host, PROCESSES);
		one_generation_serves(host);
	}
	tree_end(host);
}

/* ---- The supervisor ------------------------------------------------------------------------ */

static unsigned stages_in(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	while (directory && (entry = readdir(directory)))
		count += strncmp(entry->d_name, "tenon-", strlen("tenon-")) == 0;
	if (directory)
		closedir(directory);
	return count;
}

static int tell(const char *command)
{
	const char *const words[] = { command, scratch_path(FILE_NAME), NULL };

	return tenon_run(words, NULL).code;
}

/* The next one takes the place, the control socket, and what lies about. */
static void a_killed_supervisor_leaves_nothing_alive(void)
{
	unsigned rounds = tree_rounds("TN_KILLS", 20) / 2;
	unsigned state = seed();
	const char *control = text_of("%s.control", scratch_path(FILE_NAME));
	const char *place = scratch_path("stages");
	struct host *host;

	if (mkdir(place, 0700) || setenv("TMPDIR", place, 1))
		give_up(place);
	for (unsigned i = 0; i < rounds && !CU_get_number_of_failure_records(); i++) {
		host = tree_start(write_version(0));
		CHECK_NUMBER(tell("status"), 0);
		reload_until_a_moment(host, &state);
		tree_behead(host);
		tree_is_gone();
		CHECK_NUMBER(access(control, F_OK), 0);
		CHECK_NUMBER(tell("status"), 69);
	}
	host = tree_start(write_version(0));
	CHECK_NUMBER(tell("reload"), 0);
	CHECK_NUMBER(tell("stop"), 0);
	CHECK_NUMBER(host_wait(host), 0);
	tree_is_gone();
	CHECK_NUMBER(access(control, F_OK), -1);
	CHECK_NUMBER(stages_in(place), 0);
	unsetenv("TMPDIR");
}

static void a_stop_at_any_moment_of_a_reload_is_clean(void)
{
	unsigned rounds = tree_rounds("TN_KILLS", 20) / 2;
	unsigned state = seed();

	for (unsigned i = 0; i < rounds && !CU_get_number_of_failure_records(); i++) {
		struct host *host = tree_start(write_version(0));

		reload_until_a_moment(host, &state);
		tree_end(host);
	}
}

TEST_MAIN("faults/kills",
          TEST(kills_during_reloads_leave_one_generation),
          TEST(a_whole_generation_may_go),
          TEST(a_killed_supervisor_leaves_nothing_alive),
          TEST(a_stop_at_any_moment_of_a_reload_is_clean))
