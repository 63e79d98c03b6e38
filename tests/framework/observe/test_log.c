#include "observe/log.h"

#include "cunit.h"
#include "framework/capture.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

/* Whether it starts with a time such as 2026-01-31T12:00:00.123Z. */
static bool starts_with_time(const char *line)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";

	for (size_t i = 0; form[i]; i++) {
		bool digit = line[i] >= '0' && line[i] <= '9';

		if (form[i] == 'd' ? !digit : line[i] != form[i])
			return false;
	}
	return true;
}

/* A line without its time. */
static const char *after_time(const char *line)
{
	return starts_with_time(line) ? line + strlen("2026-01-31T12:00:00.123Z") : line;
}

static void a_line_is_time_level_context_and_message(void)
{
	static const struct {
		enum tn_log_level level;
		struct tn_log_context context;
		const char *line;
	} cases[] = {
		{ TN_LOG_ERROR, { NULL, NULL, NULL }, " error: why\n" },
		{ TN_LOG_WARNING, { "0123", NULL, NULL }, " warning request=0123: why\n" },
		{ TN_LOG_INFO, { NULL, "auth", NULL }, " info worker=auth: why\n" },
		{ TN_LOG_ERROR, { "0", "b", "a>b" }, " error request=0 worker=b chain=a>b: why\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		capture_begin();
		tn_log_write(cases[i].level, &cases[i].context, "%s", "why");
		CHECK_TEXT(after_time(capture_end()), cases[i].line);
	}
	capture_begin();
	tn_log_write(TN_LOG_INFO, NULL, "%s", "no context");
	CHECK_TEXT(after_time(capture_end()), " info: no context\n");
}

/* Every day of the years 1970 to 2400, against the C library's calendar. */
static void the_time_of_each_day_is_right(void)
{
	struct timespec time = { .tv_nsec = 7999999 };
	char text[TN_TIME_SIZE], expected[64];
	struct tm utc;

	for (time.tv_sec = 86399; time.tv_sec < 13569465600; time.tv_sec += 86400 - 1) {
		gmtime_r(&time.tv_sec, &utc);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.007Z", &utc);
		if (tn_log_time_at(&time, text) != strlen(expected) || strcmp(text, expected) != 0)
			CHECK_TEXT(text, expected);
	}
}

/* time() may be a tick behind. */
static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec;
}

static void the_time_is_now_in_utc(void)
{
	char text[TN_TIME_SIZE];
	struct tm utc = { 0 };
	time_t before = now();
	time_t shown;

	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	CHECK_NUMBER(tn_log_time(text), strlen("2026-01-31T12:00:00.123Z"));
	unsetenv("TZ");
	CHECK_NUMBER(strlen(text), strlen("2026-01-31T12:00:00.123Z"));
	CU_ASSERT(starts_with_time(text));
	CU_ASSERT_PTR_NOT_NULL(strptime(text, "%Y-%m-%dT%H:%M:%S", &utc));
	shown = timegm(&utc);
	CU_ASSERT(shown >= before && shown <= now());
}

static void lines_beyond_the_level_are_not_written(void)
{
	for (int shown = TN_LOG_ERROR; shown <= TN_LOG_DEBUG; shown++) {
		tn_log_set_level((enum tn_log_level)shown);
		for (int level = TN_LOG_ERROR; level <= TN_LOG_DEBUG; level++) {
			capture_begin();
			tn_log_write((enum tn_log_level)level, NULL, "line");
			CHECK_NUMBER(capture_lines(capture_end(), ": line"), level <= shown);
		}
	}
	tn_log_set_level(TN_LOG_INFO);
}

static void levels_that_are_none_are_not_written(void)
{
	tn_log_set_level(TN_LOG_DEBUG);
	capture_begin();
	tn_log_write((enum tn_log_level)(TN_LOG_DEBUG + 1), NULL, "line");
	tn_log_write((enum tn_log_level) - 1, NULL, "line");
	CHECK_TEXT(capture_end(), "");
	tn_log_set_level(TN_LOG_INFO);
}

static void control_characters_are_escaped(void)
{
	const struct tn_log_context context = { "a\nb", "c\rd", "e\tf" };

	capture_begin();
	tn_log_write(TN_LOG_ERROR, &context, "%s", "one\r\ntwo\x1b[31m\x7f \"q\" \\ \xc3\xa9");
	CHECK_TEXT(after_time(capture_end()),
	           " error request=a\\x0ab worker=c\\x0dd chain=e\\x09f: "
	           "one\\x0d\\x0atwo\\x1b[31m\\x7f \"q\" \\ \xc3\xa9\n");
}

static void a_long_message_is_cut_and_still_a_line(void)
{
	static char message[3 * TN_LOG_LINE];
	const char *line;

	memset(message, 'm', sizeof(message) - 1);
	capture_begin();
	tn_log_write(TN_LOG_ERROR, NULL, "%s", message);
	tn_log_write(TN_LOG_ERROR, NULL, "next");
	line = capture_end();
	CHECK_NUMBER(capture_lines(line, ""), 2);
	CU_ASSERT(strcspn(line, "\n") < TN_LOG_LINE);
	CU_ASSERT(strcspn(line, "\n") > TN_LOG_LINE - 100);
	CHECK_TEXT(after_time(strchr(line, '\n') + 1), " error: next\n");
}

/* Each of these bytes takes four when it is escaped. */
static void the_longest_context_and_message_fit_into_a_line(void)
{
	static char text[TN_LOG_LINE];
	const struct tn_log_context context = { text, text, text };
	const char *line;

	memset(text, '\n', sizeof(text) - 1);
	capture_begin();
	tn_log_write(TN_LOG_ERROR, &context, "%s", text);
	line = capture_end();
	CHECK_NUMBER(capture_lines(line, ""), 1);
	CHECK_NUMBER(capture_lines(line, " request="), 1);
	CHECK_NUMBER(capture_lines(line, " worker="), 1);
	CHECK_NUMBER(capture_lines(line, " chain="), 1);
	CU_ASSERT(strlen(line) <= TN_LOG_LINE);
	CHECK_NUMBER(line[strlen(line) - 1], '\n');
}

static void what_cannot_be_formatted_shows_the_format(void)
{
	static const wchar_t beyond_ascii[] = { 0xe9, 0 }; /* no such character in the C locale */

	capture_begin();
	tn_log_write(TN_LOG_ERROR, NULL, "name %ls", beyond_ascii);
	CHECK_TEXT(after_time(capture_end()), " error: (cannot be formatted) name %ls\n");
}

/* A pipe of packets gives back each write as it was. */
static void a_line_is_one_write(void)
{
	char packet[2048];
	int standard_error = dup(STDERR_FILENO);
	int ends[2];
	ssize_t size;

	CU_ASSERT_FATAL(pipe2(ends, O_DIRECT | O_CLOEXEC | O_NONBLOCK) == 0);
	dup2(ends[1], STDERR_FILENO);
	tn_log_write(TN_LOG_ERROR, &(struct tn_log_context){ "0123", "auth", "a>b" }, "one");
	tn_log_write(TN_LOG_ERROR, NULL, "two");
	dup2(standard_error, STDERR_FILENO);
	close(standard_error);
	size = read(ends[0], packet, sizeof(packet) - 1);
	packet[size < 0 ? 0 : size] = '\0';
	CHECK_TEXT(after_time(packet), " error request=0123 worker=auth chain=a>b: one\n");
	size = read(ends[0], packet, sizeof(packet) - 1);
	packet[size < 0 ? 0 : size] = '\0';
	CHECK_TEXT(after_time(packet), " error: two\n");
	CHECK_NUMBER(read(ends[0], packet, sizeof(packet)), -1);
	close(ends[0]);
	close(ends[1]);
}

/* ---- Escaping ----------------------------------------------------------------------------- */

static void text_between_quotes_cannot_end_them(void)
{
	static const struct {
		const char *text, *plain, *quoted;
	} cases[] = {
		{ "", "", "" },
		{ "/a b?c", "/a b?c", "/a b?c" },
		{ "\"", "\"", "\\x22" },
		{ "\\", "\\", "\\x5c" },
		{ "\\x22", "\\x22", "\\x5cx22" },
		{ "\xc3\xa9", "\xc3\xa9", "\\xc3\\xa9" },
		{ "\x01\x1f \x7f~", "\\x01\\x1f \\x7f~", "\\x01\\x1f \\x7f~" },
	};
	char text[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_NUMBER(tn_log_escape(text, sizeof(text), cases[i].text, false),
		             strlen(cases[i].plain));
		CHECK_TEXT(text, cases[i].plain);
		CHECK_NUMBER(tn_log_escape(text, sizeof(text), cases[i].text, true),
		             strlen(cases[i].quoted));
		CHECK_TEXT(text, cases[i].quoted);
	}
}

static void controls_of_latin_1_are_escaped(void)
{
	char text[64];

	tn_log_escape(text, sizeof(text), "a\xc2\x9b"
	                                  "b\xc2\xa0\xc3\xa9",
	              false);
	CHECK_TEXT(text, "a\\xc2\\x9bb\xc2\xa0\xc3\xa9");
}

static void a_hook_names_its_worker(void)
{
	const char *log;

	capture_begin();
	tn_log_set_worker("cache");
	tn_log_write(TN_LOG_INFO, NULL, "cold");
	tn_log_set_worker(NULL);
	tn_log_write(TN_LOG_INFO, NULL, "warm");
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, "info worker=cache: cold"), 1);
	CHECK_NUMBER(capture_lines(log, "info: warm"), 1);
}

/* A pipe that nobody reads, full, and in the mode that a shell gives it: a write would wait. */
static void a_pipe_that_nobody_reads_holds_nothing_up(void)
{
	int standard_error = dup(STDERR_FILENO);
	char text[4096];
	int ends[2];

	CU_ASSERT_FATAL(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
	memset(text, '.', sizeof(text));
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	while (write(ends[1], text, sizeof(text)) > 0)
		;
	fcntl(ends[1], F_SETFL, 0);
	for (int i = 0; i < 3; i++)
		tn_log_write(TN_LOG_ERROR, NULL, "lost");
	while (poll(&(struct pollfd){ .fd = ends[0], .events = POLLIN }, 1, 0) == 1)
		CU_ASSERT_FATAL(read(ends[0], text, sizeof(text)) > 0);
	tn_log_write(TN_LOG_ERROR, NULL, "kept");
	dup2(standard_error, STDERR_FILENO);
	close(standard_error);
	close(ends[1]);
	text[read(ends[0], text, sizeof(text) - 1)] = '\0';
	close(ends[0]);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "error: kept\n(3 lines of the log were lost)\n"));
	CU_ASSERT_PTR_NULL(strstr(text, "error: lost"));
}

static void no_escape_is_cut_in_its_midst(void)
{
	for (size_t room = 5; room < 40; room++) {
		char text[64];
		size_t size;

		memset(text, '#', sizeof(text));
		size = tn_log_escape(text, room, "a\nb\nc\nd\ne\nf\ng\n", false);
		CU_ASSERT(size < room);
		CHECK_NUMBER(strlen(text), size);
		CHECK_NUMBER(text[room], '#');
		CU_ASSERT(strncmp(text, "a\\x0ab\\x0ac\\x0ad\\x0ae\\x0af\\x0ag\\x0a", size) == 0);
		CU_ASSERT(size % 5 < 2); /* a letter alone, or with its escape */
	}
}

#define THREADS 4
#define LINES 200

static void *log_as_a_worker(void *name)
{
	for (unsigned i = 0; i < LINES; i++) {
		tn_log_set_worker(name);
		tn_log_write(TN_LOG_INFO, NULL, "line %u of %s", i, (const char *)name);
		tn_log_set_worker(NULL);
	}
	return NULL;
}

/* Each has its own Worker, and no line is lost or broken by another. */
static void threads_log_at_once(void)
{
	static char names[THREADS][2] = { "a", "b", "c", "d" };
	pthread_t threads[THREADS];
	char line[64];
	const char *log;

	capture_begin();
	for (size_t i = 0; i < THREADS; i++)
		CU_ASSERT(!pthread_create(&threads[i], NULL, log_as_a_worker, names[i]));
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), THREADS * LINES);
	for (size_t i = 0; i < THREADS * LINES; i++) {
		const char *name = names[i / LINES];

		snprintf(line, sizeof(line), "Z info worker=%s: line %zu of %s\n", name, i % LINES,
		         name);
		CU_ASSERT_PTR_NOT_NULL(strstr(log, line));
	}
}

TEST_MAIN("observe/log",
          TEST(a_line_is_time_level_context_and_message),
          TEST(the_time_of_each_day_is_right),
          TEST(the_time_is_now_in_utc),
          TEST(lines_beyond_the_level_are_not_written),
          TEST(levels_that_are_none_are_not_written),
          TEST(control_characters_are_escaped),
          TEST(a_long_message_is_cut_and_still_a_line),
          TEST(the_longest_context_and_message_fit_into_a_line),
          TEST(what_cannot_be_formatted_shows_the_format),
          TEST(a_line_is_one_write),
          TEST(text_between_quotes_cannot_end_them),
          TEST(a_pipe_that_nobody_reads_holds_nothing_up),
          TEST(controls_of_latin_1_are_escaped),
          TEST(a_hook_names_its_worker),
          TEST(no_escape_is_cut_in_its_midst),
          TEST(threads_log_at_once))
