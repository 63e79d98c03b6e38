/*
 * test_sqlite.c - a Worker with a real library that blocks, SQLite, on the threads of one process
 * and of several: nothing that was answered is missing in its file, and nothing stays open.
 */
#include "e2e/harness.h"
#include "faults/load.h"
#include "faults/tree.h"

#include "cunit.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define FILE_NAME "sqlite.ini"
#define THREADS 4

#define OPENED "a connection is opened"
#define CLOSED "a connection is closed"

static const char *database(void)
{
	return scratch_path("visits.db");
}

static const char *write_file(unsigned processes)
{
	unlink(database());
	return scratch_write(FILE_NAME,
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = %u\n"
	                     "threads = %d\n"
	                     "access_log = off\n"
	                     "[worker book]\n"
	                     "module = %s\n"
	                     "blocking = yes\n"
	                     "var.FILE = %s\n"
	                     "route = /visit, /count\n"
	                     "[worker hello]\n"
	                     "module = %s\n"
	                     "route = /\n",
	                     processes, THREADS, fixture("serve_sqlite"), database(),
	                     fixture("serve_hello"));
}

/* More clients than threads, in all of which requests are under way at any moment. */
static struct load *start_load(const struct host *host)
{
	return load_start(&(struct load_options){
		.port = host->port,
		.path = "/visit",
		.kept = 3 * THREADS,
		.fresh = 4,
		.greetings = { "written\n" },
	});
}

/* Each request that was sent has one line in the file. */
static void nothing_is_lost(const struct host *host, const struct load_counts *counts)
{
	if (!CHECK_NUMBER(load_failed(counts), 0))
		printf("%s\n%s\n", load_text(counts), host_log(host));
	CHECK_NUMBER(counts->again, 0);
	CHECK_TEXT(http_get(host, "/count")->body, text_of("%lu\n", counts->sent));
}

static void all_are_closed(const struct host *host)
{
	const char *log = host_log(host);

	CHECK_NUMBER(count_of(log, CLOSED), count_of(log, OPENED));
	CHECK_NUMBER(count_of(log, "a connection stays"), 0);
}

/* ---- One process --------------------------------------------------------------------------- */

/* SQLite leaves the log of writes beside the file for as long as any connection is open. */
static bool has_write_log(void)
{
	return access(text_of("%s-wal", database()), F_OK) == 0;
}

static void threads_of_one_process_share_a_file(void)
{
	struct host *host = host_start(write_file(1));
	struct load *load = start_load(host);
	struct load_counts counts;

	CHECK_NUMBER(load_reaches(load, 0, 200), true);
	CHECK_NUMBER(has_write_log(), true);
	counts = load_stop(load);
	nothing_is_lost(host, &counts);
	CHECK_NUMBER(count_of(host_log(host), OPENED) <= THREADS, true);
	host_end(host);
	all_are_closed(host);
	CHECK_NUMBER(has_write_log(), false);
	CHECK_NUMBER(access(database(), F_OK), 0);
}

/* The byte of FILE-shm that whoever writes has locked (SQLite's WAL-mode file format, 2.3.1). */
#define WRITE_LOCK 120

/* Nobody can write any more, until the descriptor is closed. */
static int lock_writers_out(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = WRITE_LOCK, .l_len = 1 };
	int file = open(text_of("%s-shm", database()), O_RDWR | O_CLOEXEC);

	CHECK_NUMBER(file >= 0 && fcntl(file, F_SETLK, &lock) == 0, true);
	return file;
}

static const char visit[] = "GET /visit HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/* One visit for each thread, and as many that find none free. */
static void a_locked_file_blocks_nobody_else(void)
{
	struct host *host = host_start(write_file(1));
	int sockets[2 * THREADS];
	int lock;

	CHECK_NUMBER(http_get(host, "/visit")->status, 200);
	lock = lock_writers_out();
	for (size_t i = 0; i < 2 * THREADS; i++) {
		sockets[i] = wire_connect(host);
		wire_text(sockets[i], visit);
	}
	host_logged_times(host, OPENED, THREADS);
	for (unsigned i = 0; i < 10; i++)
		CHECK_TEXT(http_get(host, "/")->body, "hello\n");
	close(lock);
	for (size_t i = 0; i < 2 * THREADS; i++) {
		struct wire_bytes bytes = wire_read_all(sockets[i]);

		CHECK_NUMBER(wire_status(&bytes), 200);
		close(sockets[i]);
	}
	CHECK_TEXT(http_get(host, "/count")->body, text_of("%d\n", 1 + 2 * THREADS));
	host_end(host);
	all_are_closed(host);
	CHECK_NUMBER(has_write_log(), false);
}

/* ---- Several ------------------------------------------------------------------------------- */

static void several_processes_share_a_file(void)
{
	struct host *host = tree_start(write_file(3));
	struct load *load = start_load(host);
	struct load_counts counts;

	CHECK_NUMBER(load_reaches(load, 0, 200), true);
	counts = load_stop(load);
	nothing_is_lost(host, &counts);
	tree_end(host);
	all_are_closed(host);
}

static void no_reload_loses_a_visit(void)
{
	unsigned rounds = tree_rounds("TN_RELOADS", 4);
	struct host *host = tree_start(write_file(2));
	struct load *load = start_load(host);
	struct load_counts counts;

	CHECK_NUMBER(load_reaches(load, 0, 50), true);
	for (unsigned i = 1; i <= rounds; i++) {
		host_signal(host, SIGHUP);
		host_logged(host, text_of("generation %u serves with", i + 1));
		CHECK_NUMBER(load_reaches(load, 0, 50), true);
	}
	host_logged_times(host, "has gone", rounds);
	counts = load_stop(load);
	nothing_is_lost(host, &counts);
	printf("%u reloads: %s\n", rounds, load_text(&counts));
	tree_end(host);
	all_are_closed(host);
}

TEST_MAIN("e2e/sqlite",
          TEST(threads_of_one_process_share_a_file),
          TEST(a_locked_file_blocks_nobody_else),
          TEST(several_processes_share_a_file),
          TEST(no_reload_loses_a_visit))
