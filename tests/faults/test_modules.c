/*
 * test_modules.c - modules whose file is spoilt under a host that runs, and modules that do what a
 * plug-in should rather not, while clients never stop asking.
 */
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define FILE_NAME "modules.ini"
#define MODULE_NAME "worker.so"
#define PROCESSES 2

static const char *const greetings[] = { "one", "two" };

static const char *write_file(const char *module, const char *more)
{
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = %d\n"
	                     "access_log = off\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "route = /*\n"
	                     "%s",
	                     PROCESSES, module, more);
}

static struct load *start_load(const struct host *host)
{
	struct load *load = load_start(&(struct load_options){
		.port = host->port,
		.kept = 6,
		.fresh = 3,
		.greetings = { greetings[0], greetings[1] },
	});

	CHECK_NUMBER(load_reaches(load, 0, 50), true);
	return load;
}

static void nothing_failed(const struct load_counts *counts)
{
	if (load_failed(counts))
		CHECK_TEXT(load_text(counts), "nothing fails");
}

/* ---- Spoilt files -------------------------------------------------------------------------- */

static const char *copy_module(const char *name)
{
	struct stat status;
	const char *from = fixture(name);

	if (stat(from, &status))
		give_up(from);
	return scratch_write_bytes(MODULE_NAME, file_read(from), (size_t)status.st_size);
}

/* Over the bytes of the file that is loaded, if that were the one. */
static void overwrite(const char *path)
{
	static const char nothing[4096];
	int file = open(path, O_WRONLY | O_CLOEXEC);
	off_t size = lseek(file, 0, SEEK_END);

	for (off_t at = 0; at < size; at += (off_t)sizeof(nothing))
		if (pwrite(file, nothing, sizeof(nothing), at) != (ssize_t)sizeof(nothing))
			give_up(path);
	close(file);
}

static void cut_in_half(const char *path)
{
	struct stat status;

	if (stat(path, &status) || truncate(path, status.st_size / 2))
		give_up(path);
}

static void empty(const char *path)
{
	if (truncate(path, 0))
		give_up(path);
}

static void delete (const char *path)
{
	unlink(path);
}

static void replace_by_directory(const char *path)
{
	if (unlink(path) || mkdir(path, 0700))
		give_up(path);
}

static const struct spoiling {
	void (*spoil)(const char *path);
	const char *reason;
} spoilings[] = {
	{ overwrite, "it is no ELF file" },
	{ cut_in_half, "it is truncated" },
	{ empty, "it is empty" },
	{ delete, "there is no such file" },
	{ replace_by_directory, "it is a directory" },
};

static struct finished ask_reload(void)
{
	return tenon_run((const char *const[]){ "reload", scratch_path(FILE_NAME), NULL }, NULL);
}

static void contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		CHECK_TEXT(text, part);
}

static void spoil(struct load *load, const char *module, const struct spoiling *spoiling)
{
	struct finished finished;

	spoiling->spoil(module);
	CHECK_NUMBER(load_reaches(load, 0, 50), true);
	finished = ask_reload();
	CHECK_NUMBER(finished.code, EX_CONFIG);
	contains(finished.err, text_of("module '%s': %s", module, spoiling->reason));
	contains(finished.err, " goes on\n");
	CHECK_NUMBER(load_reaches(load, 0, 50), true);
	rmdir(module);
}

/* The good file back, and it is as if nothing had been. */
static void a_spoilt_file_changes_nothing(void)
{
	const char *module = copy_module("serve_fall");
	struct host *host = tree_start(write_file(module, "var.TEXT = one\n"));
	struct load *load = start_load(host);
	pid_t before[TREE_MOST], after[TREE_MOST];
	struct load_counts counts;

	for (size_t i = 0; i < sizeof(spoilings) / sizeof(spoilings[0]); i++) {
		CHECK_NUMBER(tree_hosts(host, before), PROCESSES);
		spoil(load, module, &spoilings[i]);
		tree_has(host, PROCESSES);
		tree_hosts(host, after);
		CHECK_NUMBER(memcmp(before, after, PROCESSES * sizeof(before[0])), 0);
		copy_module("serve_fall");
		CHECK_NUMBER(ask_reload().code, 0);
		tree_has(host, PROCESSES);
		CHECK_NUMBER(load_reaches(load, 0, 50), true);
	}
	counts = load_stop(load);
	nothing_failed(&counts);
	CHECK_NUMBER(counts.again, 0);
	tree_end(host);
}

/* In the same file, as a linker or `cp` writes it: it is there at the next reload, not before. */
static void another_version_in_place_waits_for_a_reload(void)
{
	const char *module = copy_module("serve_hello");
	struct host *host = tree_start(write_file(module, ""));
	struct load *load = load_start(&(struct load_options){
		.port = host->port, .kept = 6, .fresh = 3, .greetings = { "hello\n", "two" } });
	struct load_counts counts;

	CHECK_NUMBER(load_reaches(load, 0, 50), true);
	copy_module("serve_fall");
	CHECK_NUMBER(load_reaches(load, 0, 200), true);
	CHECK_NUMBER(load_counts(load).by_greeting[1], 0);
	write_file(module, "var.TEXT = two\n");
	CHECK_NUMBER(ask_reload().code, 0);
	CHECK_NUMBER(load_reaches(load, 1, 50), true);
	counts = load_stop(load);
	nothing_failed(&counts);
	tree_end(host);
}

/* ---- Wild ones ----------------------------------------------------------------------------- */

#define NOTES_NAME "wild"
#define ROUNDS 3

static const char *write_wild(const char *what, unsigned round)
{
	return write_file(fixture("serve_wild"),
	                  text_of("var.TEXT = %s\nvar.DO = %s\nvar.FILE = %s\n",
	                          greetings[round % 2], what, scratch_path(NOTES_NAME)));
}

static unsigned noted(const char *what)
{
	char *text = file_load(scratch_path(NOTES_NAME));
	unsigned count = count_of(text, text_of("%s\n", what));

	free(text);
	return count;
}

/* No process has ended otherwise than it was told to. */
static void nothing_crashed(const struct host *host)
{
	const char *log = host_log(host);

	if (strstr(log, "fatal:") || strstr(log, "another takes its place") ||
	    strstr(log, "before all was answered"))
		CHECK_TEXT(log, "no crash");
}

/* Over reloads and a stop, which exits with 0 and leaves no process. */
static struct host *run_wild(const char *what)
{
	struct host *host;
	struct load *load;
	struct load_counts counts;

	unlink(scratch_path(NOTES_NAME));
	host = tree_start(write_wild(what, 0));
	load = start_load(host);
	for (unsigned i = 1; i <= ROUNDS; i++) {
		write_wild(what, i);
		CHECK_NUMBER(ask_reload().code, 0);
		CHECK_NUMBER(load_reaches(load, (int)(i % 2), 50), true);
	}
	host_logged(host, text_of("generation %d has gone", ROUNDS));
	counts = load_stop(load);
	nothing_failed(&counts);
	CHECK_NUMBER(counts.again, 0);
	tree_end(host);
	nothing_crashed(host);
	CHECK_NUMBER(noted("stop"), (ROUNDS + 1) * PROCESSES);
	return host;
}

static void a_thread_may_outlive_the_stop(void)
{
	run_wild("thread");
}

static void exit_handlers_run_once_for_each_process(void)
{
	run_wild("atexit");
	CHECK_NUMBER(noted("atexit"), (ROUNDS + 1) * PROCESSES);
}

/* Of the thread that has ended; exit() runs none for the one that has called it. */
static void a_key_is_destroyed_with_its_thread(void)
{
	run_wild("key");
	CHECK_NUMBER(noted("key"), (ROUNDS + 1) * PROCESSES);
}

static void a_helper_ends_with_its_process(void)
{
	run_wild("fork");
	CHECK_NUMBER(noted("helper"), (ROUNDS + 1) * PROCESSES);
}

static void all_of_it_at_once(void)
{
	run_wild("thread, atexit, key, fork");
	CHECK_NUMBER(noted("helper"), (ROUNDS + 1) * PROCESSES);
}

/* They run the exit handlers that they have inherited; what is the host's is not for them. */
static void a_request_may_have_children(void)
{
	run_wild("child");
}

static void a_child_that_dies_is_not_the_host(void)
{
	struct host *host = tree_start(write_wild("nothing", 0));
	struct load *load = start_load(host);
	pid_t before[TREE_MOST], after[TREE_MOST];
	struct load_counts counts;

	CHECK_NUMBER(tree_hosts(host, before), PROCESSES);
	for (unsigned i = 0; i < 4; i++)
		CHECK_NUMBER(http_get(host, "/abort")->status, 200);
	CHECK_NUMBER(load_reaches(load, 0, 50), true);
	counts = load_stop(load);
	nothing_failed(&counts);
	CHECK_NUMBER(tree_hosts(host, after), PROCESSES);
	CHECK_NUMBER(memcmp(before, after, PROCESSES * sizeof(before[0])), 0);
	CHECK_NUMBER(count_of(host_log(host), "another takes its place"), 0);
	tree_end(host);
}

TEST_MAIN("faults/modules",
          TEST(a_spoilt_file_changes_nothing),
          TEST(another_version_in_place_waits_for_a_reload),
          TEST(a_thread_may_outlive_the_stop),
          TEST(exit_handlers_run_once_for_each_process),
          TEST(a_key_is_destroyed_with_its_thread),
          TEST(a_helper_ends_with_its_process),
          TEST(all_of_it_at_once),
          TEST(a_request_may_have_children),
          TEST(a_child_that_dies_is_not_the_host))
