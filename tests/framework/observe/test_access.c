#include "observe/access.h"

#include "cunit.h"
#include "framework/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIME_SIZE 24 /* 2026-01-31T12:00:00.123Z */

/* A folder of the test's own, with the path of a log in it. */
struct place {
	char folder[64];
	char path[80];
};

static void make_place(struct place *place)
{
	snprintf(place->folder, sizeof(place->folder), "/tmp/tenon-access-XXXXXX");
	if (!mkdtemp(place->folder))
		abort();
	snprintf(place->path, sizeof(place->path), "%s/log", place->folder);
}

static void remove_place(const struct place *place)
{
	unlink(place->path);
	rmdir(place->folder);
}

static const char *contents(const struct place *place)
{
	static char text[512 * 1024];
	int file = open(place->path, O_RDONLY | O_CLOEXEC);
	ssize_t size = file < 0 ? -1 : read(file, text, sizeof(text) - 1);

	text[size < 0 ? 0 : size] = '\0';
	if (file >= 0)
		close(file);
	return size < 0 ? NULL : text;
}

static struct tn_access_record record(const char *method, const char *target)
{
	return (struct tn_access_record){
		.id = "0123456789abcdef",
		.method = method,
		.target = target,
		.status = 200,
		.bytes = 34,
		.microseconds = 81,
		.chain = "gateway(auth,application)",
	};
}

static void write_target(struct tn_access_log *log, const char *target)
{
	const struct tn_access_record some = record("GET", target);

	tn_access_log_write(log, &some);
}

static void check_line(const struct tn_access_record *some, const char *expected)
{
	struct place place;
	struct tn_access_log *log;
	const char *line;

	make_place(&place);
	log = tn_access_log_create(place.path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	tn_access_log_write(log, some);
	tn_access_log_destroy(log);
	line = contents(&place);
	CU_ASSERT_FATAL(line && strlen(line) > TIME_SIZE);
	CHECK_NUMBER(line[TIME_SIZE - 1], 'Z');
	CHECK_TEXT(line + TIME_SIZE, expected);
	remove_place(&place);
}

static void a_line_tells_all_of_a_request(void)
{
	struct tn_access_record some = record("GET", "/");

	check_line(&some, " access id=0123456789abcdef method=GET target=\"/\" status=200 bytes=34 "
	                  "us=81 chain=gateway(auth,application)\n");
	some.aborted = true;
	some.status = 0;
	some.bytes = UINT64_MAX;
	some.microseconds = UINT64_MAX;
	some.chain = "-";
	check_line(&some, " access id=0123456789abcdef method=GET target=\"/\" status=0 "
	                  "bytes=18446744073709551615 us=18446744073709551615 chain=- "
	                  "aborted=yes\n");
}

static void what_a_client_sent_cannot_forge_a_line(void)
{
	struct tn_access_record some = record("G\"E\nT", "/\" status=200\r\n\\\xc3\xa9\x1b");

	check_line(&some, " access id=0123456789abcdef method=G\\x22E\\x0aT "
	                  "target=\"/\\x22 status=200\\x0d\\x0a\\x5c\\xc3\\xa9\\x1b\" status=200 "
	                  "bytes=34 us=81 chain=gateway(auth,application)\n");
}

static void long_methods_and_targets_are_cut(void)
{
	static char text[100000];
	struct tn_access_record some = record(text, text);
	char chain[512];
	struct place place;
	struct tn_access_log *log;
	const char *line;

	memset(text, '\n', sizeof(text) - 1);
	memset(chain, 'c', sizeof(chain) - 1);
	chain[sizeof(chain) - 1] = '\0';
	some.chain = chain;
	make_place(&place);
	log = tn_access_log_create(place.path);
	for (unsigned i = 0; i < 100; i++)
		tn_access_log_write(log, &some);
	tn_access_log_destroy(log);
	line = contents(&place);
	CHECK_NUMBER(capture_lines(line, ""), 100);
	CHECK_NUMBER(capture_lines(line, "\" status=200 bytes=34 us=81 chain=ccc"), 100);
	CU_ASSERT(strcspn(line, "\n") < 4096);
	remove_place(&place);
}

static void lines_are_written_when_it_is_flushed(void)
{
	struct place place;
	struct tn_access_log *log;

	make_place(&place);
	log = tn_access_log_create(place.path);
	write_target(log, "/one");
	write_target(log, "/two");
	CHECK_TEXT(contents(&place), "");
	tn_access_log_flush(log);
	CHECK_NUMBER(capture_lines(contents(&place), ""), 2);
	tn_access_log_flush(log);
	CHECK_NUMBER(capture_lines(contents(&place), ""), 2);
	write_target(log, "/three");
	tn_access_log_destroy(log);
	CHECK_NUMBER(capture_lines(contents(&place), ""), 3);
	CHECK_NUMBER(capture_lines(contents(&place), "target=\"/three\""), 1);
	remove_place(&place);
}

static void a_buffer_that_is_full_flushes_itself(void)
{
	enum {
		COUNT = 2000
	};
	struct place place;
	struct tn_access_log *log;
	const char *text;

	make_place(&place);
	log = tn_access_log_create(place.path);
	for (unsigned i = 0; i < COUNT; i++)
		write_target(log, "/");
	CU_ASSERT(capture_lines(contents(&place), "") > COUNT / 2);
	tn_access_log_destroy(log);
	text = contents(&place);
	CHECK_NUMBER(capture_lines(text, ""), COUNT);
	CHECK_NUMBER(capture_lines(text, "chain=gateway(auth,application)"), COUNT);
	remove_place(&place);
}

static void a_file_is_appended_to_and_private(void)
{
	struct place place;
	struct stat status;

	make_place(&place);
	for (unsigned i = 0; i < 2; i++) {
		struct tn_access_log *log = tn_access_log_create(place.path);

		CU_ASSERT(tn_access_log_enabled(log));
		write_target(log, "/");
		tn_access_log_destroy(log);
	}
	CHECK_NUMBER(capture_lines(contents(&place), ""), 2);
	CU_ASSERT(stat(place.path, &status) == 0);
	CHECK_NUMBER(status.st_mode & 0137, 0);
	remove_place(&place);
}

static void off_writes_nothing(void)
{
	struct tn_access_log *log = tn_access_log_create("off");

	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	CU_ASSERT(!tn_access_log_enabled(log));
	capture_begin();
	write_target(log, "/");
	tn_access_log_flush(log);
	tn_access_log_destroy(log);
	CHECK_TEXT(capture_end(), "");
	CU_ASSERT(access("off", F_OK) != 0);
}

static void standard_error_is_written_to_and_left_open(void)
{
	struct tn_access_log *log = tn_access_log_create("stderr");

	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	capture_begin();
	write_target(log, "/one");
	tn_access_log_destroy(log);
	fputs("still open\n", stderr);
	CHECK_NUMBER(capture_lines(capture_end(), ""), 2);
}

static void standard_output_is_written_to_and_left_open(void)
{
	struct tn_access_log *log = tn_access_log_create("stdout");
	int standard_output, ends[2];
	char text[1024];
	ssize_t size;

	CU_ASSERT_FATAL(log && pipe2(ends, O_CLOEXEC) == 0);
	fflush(stdout);
	standard_output = dup(STDOUT_FILENO);
	dup2(ends[1], STDOUT_FILENO);
	write_target(log, "/one");
	tn_access_log_destroy(log);
	CHECK_NUMBER(write(STDOUT_FILENO, "", 0), 0);
	dup2(standard_output, STDOUT_FILENO);
	close(standard_output);
	close(ends[1]);
	size = read(ends[0], text, sizeof(text) - 1);
	text[size < 0 ? 0 : size] = '\0';
	CHECK_NUMBER(capture_lines(text, "target=\"/one\""), 1);
	close(ends[0]);
}

static void a_file_that_cannot_be_opened_is_told(void)
{
	struct place place;

	make_place(&place);
	errno = 0;
	CU_ASSERT_PTR_NULL(tn_access_log_create(place.folder));
	CHECK_NUMBER(errno, EISDIR);
	strncat(place.path, "/none", sizeof(place.path) - strlen(place.path) - 1);
	CU_ASSERT_PTR_NULL(tn_access_log_create(place.path));
	CHECK_NUMBER(errno, ENOENT);
	remove_place(&place);
	tn_access_log_destroy(NULL);
}

/* ---- A reader that does not keep up ------------------------------------------------------- */

/* A named pipe as the log; the reader's end, which reads nothing by itself. */
static int make_pipe(struct place *place)
{
	int reader;

	make_place(place);
	if (mkfifo(place->path, 0600) != 0)
		abort();
	reader = open(place->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (reader < 0)
		abort();
	return reader;
}

/* Appends what is in the pipe now. Returns the size of all. */
static size_t drain(int reader, char *text, size_t room, size_t size)
{
	ssize_t got;

	while (size + 1 < room && (got = read(reader, text + size, room - size - 1)) > 0)
		size += (size_t)got;
	text[size] = '\0';
	return size;
}

static unsigned long dropped_bytes(const char *log)
{
	unsigned long sum = 0;
	unsigned long bytes;

	for (const char *at = log; (at = strstr(at, "access log: ")); at++)
		sum += sscanf(at, "access log: %lu bytes were dropped", &bytes) == 1 ? bytes : 0;
	return sum;
}

enum {
	LINES = 4000
};

/* How long each line for "/" is. */
static size_t line_size(void)
{
	return strlen("2026-01-31T12:00:00.123Z access id=0123456789abcdef method=GET "
	              "target=\"/\" status=200 bytes=34 us=81 chain=gateway(auth,application)\n");
}

/* Writes far more than the pipe takes; ends the test program if that should block. */
static void overfill(struct tn_access_log *log)
{
	alarm(60);
	for (unsigned i = 0; i < LINES; i++) {
		write_target(log, "/");
		if (i % 100 == 0)
			tn_access_log_flush(log);
	}
	tn_access_log_flush(log);
	alarm(0);
}

static void a_full_pipe_blocks_nobody_and_the_loss_is_told(void)
{
	static char text[1024 * 1024];
	struct place place;
	int reader = make_pipe(&place);
	struct tn_access_log *log = tn_access_log_create(place.path);
	const char *told;
	size_t size;

	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	capture_begin();
	overfill(log);
	size = drain(reader, text, sizeof(text), 0);
	CU_ASSERT(size < line_size() * LINES);
	write_target(log, "/");
	tn_access_log_flush(log);
	size = drain(reader, text, sizeof(text), size);
	tn_access_log_destroy(log);
	told = capture_end();
	CHECK_NUMBER(size + dropped_bytes(told), line_size() * (LINES + 1));
	/* At once, and then at the end; not for each turn. */
	CHECK_NUMBER(capture_lines(told, "dropped: its reader does not keep up"), 2);
	close(reader);
	remove_place(&place);
}

/* Where the log goes, too: it has no room to say so. */
static void a_full_standard_error_blocks_nobody(void)
{
	static char text[1024 * 1024];
	struct tn_access_log *log = tn_access_log_create("stderr");
	int standard_error = dup(STDERR_FILENO);
	int ends[2];
	size_t size;

	CU_ASSERT_FATAL(log && pipe2(ends, O_CLOEXEC) == 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	dup2(ends[1], STDERR_FILENO);
	overfill(log);
	drain(ends[0], text, sizeof(text), 0);
	write_target(log, "/behind");
	tn_access_log_flush(log);
	size = drain(ends[0], text, sizeof(text), 0);
	CHECK_NUMBER(capture_lines(text, "target=\"/behind\""), 1);
	CHECK_NUMBER(capture_lines(text, "access log: "), 1);
	CU_ASSERT(size > 0 && dropped_bytes(text) > 0);
	tn_access_log_destroy(log);
	dup2(standard_error, STDERR_FILENO);
	close(standard_error);
	close(ends[0]);
	close(ends[1]);
}

static void lines_behind_a_loss_are_whole(void)
{
	static char text[1024 * 1024];
	struct place place;
	int reader = make_pipe(&place);
	struct tn_access_log *log = tn_access_log_create(place.path);
	size_t size = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	fcntl(reader, F_SETPIPE_SZ, 4096);
	capture_begin();
	for (unsigned round = 0; round < 5; round++) {
		overfill(log);
		size = drain(reader, text, sizeof(text), size);
		tn_access_log_flush(log);
	}
	tn_access_log_destroy(log);
	capture_end();
	size = drain(reader, text, sizeof(text), size);
	CU_ASSERT(capture_lines(text, "") > 5);
	CHECK_NUMBER(text[size - 1], '\n');
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		CHECK_NUMBER(line[TIME_SIZE - 1], 'Z');
		CHECK_NUMBER(strcspn(line, "\n") + 1, line_size());
	}
	close(reader);
	remove_place(&place);
}

static void what_is_lost_at_the_end_is_told_too(void)
{
	static char text[1024 * 1024];
	struct place place;
	int reader = make_pipe(&place);
	struct tn_access_log *log = tn_access_log_create(place.path);
	unsigned long dropped;

	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	capture_begin();
	overfill(log);
	tn_access_log_destroy(log);
	dropped = dropped_bytes(capture_end());
	CHECK_NUMBER(drain(reader, text, sizeof(text), 0) + dropped,
	             line_size() * LINES);
	close(reader);
	remove_place(&place);
}

static void a_pipe_that_nobody_reads_is_opened_and_read_later(void)
{
	static char text[1024 * 1024];
	struct place place;
	struct tn_access_log *log;
	int reader;

	make_place(&place);
	CU_ASSERT_FATAL(mkfifo(place.path, 0600) == 0);
	log = tn_access_log_create(place.path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	capture_begin();
	overfill(log);
	reader = open(place.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	drain(reader, text, sizeof(text), 0);
	CU_ASSERT(capture_lines(text, "chain=gateway(auth,application)") > 0);
	write_target(log, "/later");
	tn_access_log_destroy(log);
	capture_end();
	drain(reader, text, sizeof(text), 0);
	CHECK_NUMBER(capture_lines(text, "target=\"/later\""), 1);
	close(reader);
	remove_place(&place);
}

static void a_reader_that_goes_away_ends_nothing(void)
{
	static char text[4096];
	struct place place;
	int reader = make_pipe(&place);
	struct tn_access_log *log = tn_access_log_create(place.path);

	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	signal(SIGPIPE, SIG_IGN);
	capture_begin();
	close(reader);
	write_target(log, "/lost");
	tn_access_log_flush(log);
	CHECK_NUMBER(capture_lines(capture_end(), "were dropped: Broken pipe"), 1);
	reader = open(place.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	write_target(log, "/found");
	tn_access_log_destroy(log);
	drain(reader, text, sizeof(text), 0);
	CHECK_NUMBER(capture_lines(text, ""), 1);
	CHECK_NUMBER(capture_lines(text, "target=\"/found\""), 1);
	signal(SIGPIPE, SIG_DFL);
	close(reader);
	remove_place(&place);
}

static void a_disk_that_is_full_is_told_with_its_reason(void)
{
	struct tn_access_log *log = tn_access_log_create("/dev/full");
	const char *told;

	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	capture_begin();
	overfill(log);
	tn_access_log_destroy(log);
	told = capture_end();
	CHECK_NUMBER(dropped_bytes(told), line_size() * LINES);
	CHECK_NUMBER(capture_lines(told, "were dropped: No space left on device"), 2);
}

/* ---- Another file ------------------------------------------------------------------------- */

static void what_was_noted_goes_to_the_file_before(void)
{
	struct place before, behind;
	struct tn_access_log *log;

	make_place(&before);
	make_place(&behind);
	log = tn_access_log_of(tn_access_log_open(before.path));
	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	CU_ASSERT(tn_access_log_enabled(log));
	write_target(log, "/one");
	write_target(log, "/two");
	tn_access_log_replace(log, tn_access_log_open(behind.path));
	write_target(log, "/three");
	tn_access_log_destroy(log);
	CHECK_NUMBER(capture_lines(contents(&before), ""), 2);
	CHECK_NUMBER(capture_lines(contents(&before), "target=\"/two\""), 1);
	CHECK_NUMBER(capture_lines(contents(&behind), ""), 1);
	CHECK_NUMBER(capture_lines(contents(&behind), "target=\"/three\""), 1);
	remove_place(&before);
	remove_place(&behind);
}

/* The rest of a line that the pipe had no room for is not the start of the file. */
static void a_file_behind_a_full_one_begins_with_a_line(void)
{
	static char text[1024 * 1024];
	struct place full, behind;
	int reader = make_pipe(&full);
	struct tn_access_log *log = tn_access_log_of(tn_access_log_open(full.path));
	const char *told;
	size_t size;

	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	make_place(&behind);
	fcntl(reader, F_SETPIPE_SZ, 4096);
	capture_begin();
	for (unsigned i = 0; i < 40; i++)
		write_target(log, "/");
	tn_access_log_replace(log, tn_access_log_open(behind.path));
	write_target(log, "/");
	tn_access_log_destroy(log);
	told = capture_end();
	size = drain(reader, text, sizeof(text), 0);
	CU_ASSERT(size % line_size() != 0); /* else this tests nothing */
	CHECK_NUMBER(size + dropped_bytes(told), line_size() * 40);
	CHECK_NUMBER(strlen(contents(&behind)), line_size());
	close(reader);
	remove_place(&full);
	remove_place(&behind);
}

TEST_MAIN("observe/access",
          TEST(a_line_tells_all_of_a_request),
          TEST(what_a_client_sent_cannot_forge_a_line),
          TEST(long_methods_and_targets_are_cut),
          TEST(lines_are_written_when_it_is_flushed),
          TEST(a_buffer_that_is_full_flushes_itself),
          TEST(a_file_is_appended_to_and_private),
          TEST(off_writes_nothing),
          TEST(standard_error_is_written_to_and_left_open),
          TEST(standard_output_is_written_to_and_left_open),
          TEST(a_file_that_cannot_be_opened_is_told),
          TEST(a_full_pipe_blocks_nobody_and_the_loss_is_told),
          TEST(a_full_standard_error_blocks_nobody),
          TEST(lines_behind_a_loss_are_whole),
          TEST(what_is_lost_at_the_end_is_told_too),
          TEST(a_pipe_that_nobody_reads_is_opened_and_read_later),
          TEST(a_reader_that_goes_away_ends_nothing),
          TEST(a_disk_that_is_full_is_told_with_its_reason),
          TEST(what_was_noted_goes_to_the_file_before),
          TEST(a_file_behind_a_full_one_begins_with_a_line))
