#include "command/arguments.h"

#include "../capture.h"

#include "cunit.h"

#include <stdarg.h>
#include <sysexits.h>

#define MOST 16

static const struct tn_command run = {
	.name = "run",
	.usage = "[--environment NAME] [--single] FILE",
	.least = 1,
	.most = 1,
};
static const struct tn_command check = {
	.name = "check",
	.usage = "[--environment NAME] [--start] [--timeout 10s] FILE",
	.least = 1,
	.most = 1,
};
static const struct tn_command reload = {
	.name = "reload",
	.usage = "[--environment NAME] [--only WORKER]... FILE",
	.least = 1,
	.most = 1,
};
static const struct tn_command show = {
	.name = "show",
	.usage = "[--environment NAME] [--json] FILE [WORKER]",
	.least = 1,
	.most = 2,
};
static const struct tn_command graph = {
	.name = "graph",
	.usage = "[--environment NAME] [--dot | --json] FILE",
	.least = 1,
	.most = 1,
};
static const struct tn_command set = {
	.name = "set",
	.usage = "FILE WORKER KEY VALUE",
	.least = 4,
	.most = 4,
};
static const struct tn_command set_in = {
	.name = "set",
	.usage = "[--environment NAME] [--json] FILE KEY VALUE",
	.least = 3,
	.most = 3,
};

static const struct tn_command call = {
	.name = "call",
	.usage = "[-X METHOD] [-H HEADER]... [-d DATA] [--trace] FILE WORKER [URL]",
	.least = 2,
	.most = 3,
};

/* What a command line gave. */
struct given {
	char *line[MOST + 1];
	struct tn_arguments arguments;
	int code;
	char complaint[512];
};

static void set_line(struct given *given, const char *name, va_list words)
{
	char *word = (char *)(uintptr_t)name;

	for (int i = 0; i <= MOST; i++) {
		given->line[i] = word;
		word = word ? va_arg(words, char *) : NULL;
	}
}

/* The words, which NULL ends, behind the command's name. */
static void give(struct given *given, const struct tn_command *command, ...)
{
	va_list words;
	int count = 0;

	*given = (struct given){ 0 };
	va_start(words, command);
	set_line(given, command->name, words);
	va_end(words);
	while (given->line[count])
		count++;
	capture_begin();
	given->code = tn_arguments_read(command, count, given->line, &given->arguments);
	snprintf(given->complaint, sizeof(given->complaint), "%.500s", capture_end());
}

/* The usage is the last line: the one before it, of an option that is none, has its own test. */
static void expect_usage(const struct given *given, const char *usage, unsigned line)
{
	const char *found = strstr(given->complaint, "tenon: usage: ");

	test_number(given->code, EX_USAGE, "the exit code", __FILE__, line);
	test_text(found ? found : given->complaint, usage, "the complaint", __FILE__, line);
}

static void expect(const struct given *given, int code, const char *complaint, unsigned line)
{
	test_number(given->code, code, "the exit code", __FILE__, line);
	test_text(given->complaint, complaint, "the complaint", __FILE__, line);
}

#define CHECK_USAGE(given_, text_) \
	expect_usage(given_, "tenon: usage: tenon " text_ "\n", __LINE__)
#define CHECK_GOOD(given_) \
	expect(given_, 0, "", __LINE__)

#define RUN_USES "run [--environment NAME] [--single] FILE"
#define CHECK_USES "check [--environment NAME] [--start] [--timeout 10s] FILE"
#define RELOAD_USES "reload [--environment NAME] [--only WORKER]... FILE"
#define SHOW_USES "show [--environment NAME] [--json] FILE [WORKER]"
#define GRAPH_USES "graph [--environment NAME] [--dot | --json] FILE"
#define SET_USES "set FILE WORKER KEY VALUE"

/* ---- Words --------------------------------------------------------------------------------- */

static void the_first_word_is_the_file(void)
{
	struct given given;

	give(&given, &check, "x.ini", NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.file, "x.ini");
	CHECK_NUMBER(given.arguments.count, 0);
	CHECK_TEXT(given.arguments.environment, NULL);
	CHECK_NUMBER(given.arguments.timeout, 0);
	CU_ASSERT(!given.arguments.all && !given.arguments.dot && !given.arguments.json &&
	          !given.arguments.single && !given.arguments.start);
	give(&given, &show, "x.ini", "auth@staging", NULL);
	CHECK_GOOD(&given);
	CHECK_NUMBER(given.arguments.count, 1);
	CHECK_TEXT(given.arguments.words[0], "auth@staging");
}

/* "-" is a file's name, as is an empty word. */
static void what_does_not_look_like_an_option_is_a_word(void)
{
	struct given given;

	give(&given, &show, "-", "", NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.file, "-");
	CHECK_TEXT(given.arguments.words[0], "");
}

static void too_few_or_too_many_words_are_told_the_usage(void)
{
	struct given given;

	give(&given, &check, NULL);
	CHECK_USAGE(&given, CHECK_USES);
	give(&given, &check, "--start", NULL);
	CHECK_USAGE(&given, CHECK_USES);
	give(&given, &check, "a", "b", NULL);
	CHECK_USAGE(&given, CHECK_USES);
	give(&given, &show, "a", "b", "c", NULL);
	CHECK_USAGE(&given, SHOW_USES);
	give(&given, &set, "a", "b", "c", NULL);
	CHECK_USAGE(&given, SET_USES);
	give(&given, &set, "a", "b", "c", "d", "e", NULL);
	CHECK_USAGE(&given, SET_USES);
}

/* ---- Options ------------------------------------------------------------------------------- */

static void single_is_an_option_of_run(void)
{
	struct given given;

	give(&given, &run, "x.ini", NULL);
	CHECK_GOOD(&given);
	CU_ASSERT_FALSE(given.arguments.single);
	give(&given, &run, "x.ini", "--single", NULL);
	CHECK_GOOD(&given);
	CU_ASSERT_TRUE(given.arguments.single);
	CHECK_TEXT(given.arguments.file, "x.ini");
	give(&given, &run, "--single", NULL);
	CHECK_USAGE(&given, RUN_USES);
	give(&given, &check, "--single", "x.ini", NULL);
	CHECK_USAGE(&given, CHECK_USES);
}

static void options_stand_before_the_words_or_behind_them(void)
{
	struct given given;

	give(&given, &check, "--environment", "staging", "--start", "--timeout", "20s", "x.ini",
	     NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.file, "x.ini");
	CHECK_TEXT(given.arguments.environment, "staging");
	CU_ASSERT_TRUE(given.arguments.start);
	CHECK_NUMBER(given.arguments.timeout, 20000);
	give(&given, &check, "x.ini", "--start", "--environment", "staging", NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.file, "x.ini");
	CHECK_TEXT(given.arguments.environment, "staging");
	CU_ASSERT_TRUE(given.arguments.start);
	give(&given, &check, "--environment=v2", "x.ini", "--timeout=1s", NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.environment, "v2");
	CHECK_NUMBER(given.arguments.timeout, 1000);
	give(&given, &show, "--json", "x.ini", "--environment", "v2", "auth", NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.file, "x.ini");
	CHECK_TEXT(given.arguments.environment, "v2");
	CHECK_NUMBER(given.arguments.count, 1);
	CHECK_TEXT(given.arguments.words[0], "auth");
	CU_ASSERT_TRUE(given.arguments.json);
}

static void only_may_be_given_again_and_again(void)
{
	char name[] = "reload", file[] = "x.ini", only[] = "--only=a", one_more[] = "--only=z";
	char *line[TN_ARGUMENTS_ONLY + 4] = { name, file };
	struct given given;
	int count = 2;

	give(&given, &reload, "x.ini", NULL);
	CHECK_GOOD(&given);
	CHECK_NUMBER((long long)given.arguments.only_count, 0);
	give(&given, &reload, "--only", "b", "x.ini", "--only=a@v2", NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.file, "x.ini");
	CHECK_NUMBER((long long)given.arguments.only_count, 2);
	CHECK_TEXT(given.arguments.only[0], "b");
	CHECK_TEXT(given.arguments.only[1], "a@v2");
	give(&given, &reload, "x.ini", "--only", NULL);
	CHECK_USAGE(&given, RELOAD_USES);
	give(&given, &run, "x.ini", "--only", "a", NULL);
	CHECK_USAGE(&given, RUN_USES);
	for (int i = 0; i < TN_ARGUMENTS_ONLY; i++)
		line[count++] = only;
	CHECK_NUMBER(tn_arguments_read(&reload, count, line, &given.arguments), 0);
	CHECK_NUMBER((long long)given.arguments.only_count, TN_ARGUMENTS_ONLY);
	line[count++] = one_more;
	capture_begin();
	given.code = tn_arguments_read(&reload, count, line, &given.arguments);
	snprintf(given.complaint, sizeof(given.complaint), "%.500s", capture_end());
	expect(&given, EX_USAGE, "tenon: --only: 'z': 32 Workers are the most at once\n",
	       __LINE__);
}

static void alternatives_are_options_each(void)
{
	struct given given;

	give(&given, &graph, "--dot", "x.ini", NULL);
	CHECK_GOOD(&given);
	CU_ASSERT(given.arguments.dot && !given.arguments.json);
	give(&given, &graph, "x.ini", "--json", NULL);
	CHECK_GOOD(&given);
	CU_ASSERT(!given.arguments.dot && given.arguments.json);
}

/* Also of one that is an option of another command, or a part of one. */
static void an_unknown_option_is_told_the_usage(void)
{
	static const char *const unknown[] = {
		"--verbose",
		"--json",
		"--all",
		"-s",
		"-h",
		"--help",
		"--starts",
		"-start",
		"-environment",
		"-timeout",
		"---start",
		"--Start",
	};
	struct given given;

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		give(&given, &check, unknown[i], "x.ini", NULL);
		CHECK_USAGE(&given, CHECK_USES);
		give(&given, &check, "x.ini", unknown[i], NULL);
		CHECK_USAGE(&given, CHECK_USES);
		give(&given, &check, unknown[i], NULL);
		CHECK_USAGE(&given, CHECK_USES);
	}
	give(&given, &graph, "--dot", "--all", "x.ini", NULL);
	CHECK_USAGE(&given, GRAPH_USES);
	give(&given, &set, "--environment", "staging", "a", "b", "c", "d", NULL);
	CHECK_USAGE(&given, SET_USES);
}

static void an_option_without_its_value_is_told_the_usage(void)
{
	struct given given;

	give(&given, &check, "x.ini", "--timeout", NULL);
	CHECK_USAGE(&given, CHECK_USES);
	give(&given, &show, "x.ini", "auth", "--environment", NULL);
	CHECK_USAGE(&given, SHOW_USES);
}

static void expect_option(const char *complaint, const struct given *given, unsigned line)
{
	char expected[256];

	snprintf(expected, sizeof(expected), "tenon: %s\ntenon: usage: tenon " CHECK_USES "\n",
	         complaint);
	expect(given, EX_USAGE, expected, line);
}

#define CHECK_OPTION(complaint_, ...) \
	do { \
		give(&given, &check, __VA_ARGS__, NULL); \
		expect_option(complaint_, &given, __LINE__); \
	} while (0)

static void an_option_that_is_wrong_is_named(void)
{
	struct given given;

	CHECK_OPTION("--verbose: there is no such option", "--verbose", "x.ini");
	CHECK_OPTION("--verbose: there is no such option", "--start", "x.ini", "--verbose");
	CHECK_OPTION("--verbose=1: there is no such option", "--verbose=1", "x.ini");
	CHECK_OPTION("-x: there is no such option", "--start", "-xyz", "x.ini");
	CHECK_OPTION("-x: there is no such option", "--timeout=1s", "-xyz", "x.ini");
	CHECK_OPTION("--timeout: the value is missing", "x.ini", "--timeout");
	CHECK_OPTION("--start=now: this option takes no value", "--start=now", "x.ini");
}

/* ---- Their values -------------------------------------------------------------------------- */

static void expect_timeout(const char *value, int code, int timeout, const char *complaint,
                           unsigned line)
{
	struct given given;

	give(&given, &check, "--timeout", value, "x.ini", NULL);
	expect(&given, code, complaint, line);
	if (!code)
		test_number(given.arguments.timeout, timeout, value, __FILE__, line);
}

static void a_timeout_is_a_duration(void)
{
	expect_timeout("1ms", 0, 1, "", __LINE__);
	expect_timeout("500ms", 0, 500, "", __LINE__);
	expect_timeout("2m", 0, 120000, "", __LINE__);
	expect_timeout("24d", 0, 24 * 86400 * 1000, "", __LINE__);
	expect_timeout("500", EX_USAGE, 0,
	               "tenon: --timeout: '500': a duration needs a unit: ms, s, m, h or d, such "
	               "as 10s\n",
	               __LINE__);
	expect_timeout("-1s", EX_USAGE, 0,
	               "tenon: --timeout: '-1s': a duration cannot be negative: write one such as "
	               "10s\n",
	               __LINE__);
	expect_timeout("0s", EX_USAGE, 0,
	               "tenon: --timeout: '0s': write one from 1ms to 24d\n", __LINE__);
	expect_timeout("25d", EX_USAGE, 0,
	               "tenon: --timeout: '25d': write one from 1ms to 24d\n", __LINE__);
	expect_timeout("9999999999999h", EX_USAGE, 0,
	               "tenon: --timeout: '9999999999999h': too large: write a shorter duration, "
	               "such as 10s\n",
	               __LINE__);
}

/* An '@' shows that the whole name of a variant was meant. */
static void an_environment_is_what_stands_behind_the_at(void)
{
	struct given given;

	give(&given, &check, "--environment", "auth@staging", "x.ini", NULL);
	expect(&given, EX_USAGE,
	       "tenon: --environment: 'auth@staging': write the name behind the '@' of its "
	       "variants\n",
	       __LINE__);
	give(&given, &check, "--environment", "", "x.ini", NULL);
	expect(&given, EX_USAGE,
	       "tenon: --environment: '': write the name behind the '@' of its variants\n",
	       __LINE__);
	give(&given, &check, "--environment", "v1.2-rc_3", "x.ini", NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.environment, "v1.2-rc_3");
}

/* ---- What is meant literally --------------------------------------------------------------- */

static void a_value_may_begin_with_a_dash(void)
{
	static const char *const values[] = { "-5", "-", "--json", "--environment", "-x y", "" };
	struct given given;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		give(&given, &set, "x.ini", "auth", "var.N", values[i], NULL);
		CHECK_GOOD(&given);
		CHECK_NUMBER(given.arguments.count, 3);
		CHECK_TEXT(given.arguments.words[2], values[i]);
	}
	give(&given, &set_in, "--json", "--environment", "v2", "x.ini", "var.N", "-5", NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.words[1], "-5");
	CHECK_TEXT(given.arguments.environment, "v2");
}

/* But not the file, and not where there are too many. */
static void the_file_may_not_begin_with_a_dash(void)
{
	struct given given;

	give(&given, &set, "-x.ini", "auth", "var.N", "5", NULL);
	CHECK_USAGE(&given, SET_USES);
	give(&given, &set, "x.ini", "auth", "var.N", "-5", "-6", NULL);
	CHECK_USAGE(&given, SET_USES);
	give(&given, &show, "x.ini", "-auth", NULL);
	CHECK_USAGE(&given, SHOW_USES);
}

static void two_dashes_end_the_options(void)
{
	struct given given;

	give(&given, &show, "--json", "--", "--x.ini", "--json", NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.file, "--x.ini");
	CHECK_TEXT(given.arguments.words[0], "--json");
	CU_ASSERT_TRUE(given.arguments.json);
	give(&given, &show, "x.ini", "--", "-auth", NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.words[0], "-auth");
	CU_ASSERT_FALSE(given.arguments.json);
	give(&given, &set, "--", "x.ini", "auth", "var.N", "--", NULL);
	CHECK_GOOD(&given);
	CHECK_TEXT(given.arguments.words[2], "--");
	give(&given, &check, "x.ini", "--", NULL);
	CHECK_GOOD(&given);
	give(&given, &check, "--", NULL);
	CHECK_USAGE(&given, CHECK_USES);
	give(&given, &check, "--", "--start", "x.ini", NULL);
	CHECK_USAGE(&given, CHECK_USES);
}

static void short_options_have_one_letter(void)
{
	struct given given;

	give(&given, &call, "-XPUT", "x.ini", "-H", "A: 1", "echo", "-H", "B: 2", "-d", "-5",
	     "--trace", "/x", NULL);
	CHECK_NUMBER(given.code, 0);
	CHECK_TEXT(given.arguments.method, "PUT");
	CHECK_TEXT(given.arguments.data, "-5");
	CHECK_NUMBER(given.arguments.header_count, 2);
	CHECK_TEXT(given.arguments.headers[0], "A: 1");
	CHECK_TEXT(given.arguments.headers[1], "B: 2");
	CHECK_NUMBER(given.arguments.trace, true);
	CHECK_TEXT(given.arguments.file, "x.ini");
	CHECK_TEXT(given.arguments.words[1], "/x");
	give(&given, &call, "x.ini", "echo", "-X", NULL);
	CHECK_NUMBER(given.code, EX_USAGE);
	give(&given, &show, "x.ini", "-X", "PUT", NULL);
	CHECK_NUMBER(given.code, EX_USAGE);
	give(&given, &call, "x.ini", "echo", "-X", "A", "-X", "B", NULL);
	CHECK_NUMBER(given.code, EX_USAGE);
	CHECK_TEXT(given.complaint, "tenon: -X 'B': give it once, not 'A', too\n");
}

static void there_are_only_so_many_headers(void)
{
	char *line[2 * TN_ARGUMENTS_HEADERS + 8] = { (char *)(uintptr_t) "call" };
	struct tn_arguments arguments;
	int count = 1;

	for (int i = 0; i <= TN_ARGUMENTS_HEADERS; i++) {
		line[count++] = (char *)(uintptr_t) "-H";
		line[count++] = (char *)(uintptr_t) "A: 1";
	}
	capture_begin();
	CHECK_NUMBER(tn_arguments_read(&call, count, line, &arguments), EX_USAGE);
	CHECK_TEXT(capture_end(), "tenon: -H 'A: 1': 100 headers are the most\n");
}

TEST_MAIN("command/arguments",
          TEST(the_first_word_is_the_file),
          TEST(what_does_not_look_like_an_option_is_a_word),
          TEST(too_few_or_too_many_words_are_told_the_usage),
          TEST(single_is_an_option_of_run),
          TEST(options_stand_before_the_words_or_behind_them),
          TEST(only_may_be_given_again_and_again),
          TEST(alternatives_are_options_each),
          TEST(an_unknown_option_is_told_the_usage),
          TEST(an_option_without_its_value_is_told_the_usage),
          TEST(an_option_that_is_wrong_is_named),
          TEST(a_timeout_is_a_duration),
          TEST(an_environment_is_what_stands_behind_the_at),
          TEST(a_value_may_begin_with_a_dash),
          TEST(the_file_may_not_begin_with_a_dash),
          TEST(two_dashes_end_the_options),
          TEST(short_options_have_one_letter),
          TEST(there_are_only_so_many_headers))
