/* test_backtrace.c - tenon-backtrace: names for the frames of a crash; lines in any case. */
#include "harness.h"

#include "../cunit.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOURCE "\\(tests/fixtures/trace_inlined\\.c:[0-9]+\\)"
#define INLINED "innermost " SOURCE " inlined in between " SOURCE " inlined in outermost " SOURCE

/* ---- Records ------------------------------------------------------------------------------- */

static struct {
	char text[128 * 1024];
	size_t size;
} records;

static void add_text(const char *text)
{
	size_t size = strlen(text) + 1;

	if (size > sizeof(records.text) - records.size)
		give_up("too many records");
	memcpy(records.text + records.size, text, size);
	records.size += size;
}

static void begin_records(void)
{
	records.size = 0;
}

static void add(const char *prefix, const char *offset, const char *file)
{
	add_text(prefix);
	add_text(offset);
	add_text(file);
	add_text("./shown.so");
}

/* With more words before the command line, or NULL. */
static char *lines_with(const char *before)
{
	const char *input = scratch_write_bytes("records", records.text, records.size);
	const char *command = text_of("exec %s %s <%s", before ? before : "",
	                              built("tenon-backtrace"), input);
	struct finished run = program_run((const char *const[]){ "sh", "-c", command, NULL });

	CHECK_NUMBER(run.code, 0);
	CHECK_TEXT(run.out, "");
	return run.err;
}

static char *lines(void)
{
	return lines_with(NULL);
}

static void check_lines(const char *text, const char *expression)
{
	if (lines_matching(text, expression) != 1)
		CHECK_TEXT(text, text_of("one line like: %s", expression));
}

/* ---- The fixture, and copies of it ---------------------------------------------------------- */

static void run(const char *const *words)
{
	struct finished finished = program_run(words);

	CHECK_NUMBER(finished.code, 0);
	CHECK_TEXT(finished.err, "");
}

/* Where the symbol is, by nm. */
static const char *offset_of(const char *symbol)
{
	const char *const words[] = { "nm", fixture("trace_inlined"), NULL };
	char *table = program_run(words).out;
	char *end = strstr(table, text_of(" %s\n", symbol));
	unsigned long long offset;

	if (!end)
		give_up(text_of("nm knows no %s", symbol));
	while (end > table && end[-1] != '\n')
		end--;
	offset = strtoull(end, NULL, 16);
	return text_of("%#llx", offset);
}

static const char *copy(const char *option)
{
	const char *path = scratch_path(text_of("copy%s.so", option));

	run((const char *const[]){ "objcopy", option, fixture("trace_inlined"), path, NULL });
	return path;
}

static char *line_of(const char *symbol, const char *file)
{
	begin_records();
	add("p: #0 ", offset_of(symbol), file);
	return lines();
}

static const char *raw(const char *symbol)
{
	return text_of("p: #0 ./shown.so %s\n", offset_of(symbol));
}

/* ---- Names --------------------------------------------------------------------------------- */

static void static_and_inlined_functions_have_names(void)
{
	const char *place = offset_of("trace_place");

	check_lines(line_of("trace_place", fixture("trace_inlined")),
	            text_of("^p: #0 " INLINED " \\./shown\\.so %s$", place));
	check_lines(line_of("outermost", fixture("trace_inlined")),
	            text_of("^p: #0 outermost " SOURCE " \\./shown\\.so %s$",
	                    offset_of("outermost")));
}

/* The label has no size, and is nearer. */
static void without_debug_information_there_is_the_function(void)
{
	check_lines(line_of("trace_place", copy("--strip-debug")),
	            text_of("^p: #0 outermost\\+0x[0-9a-f]+ \\./shown\\.so %s$",
	                    offset_of("trace_place")));
}

/* What a label is in, it does not say. */
static void a_label_is_no_function(void)
{
	const char *file = copy("--strip-debug");

	run((const char *const[]){ "objcopy", "--strip-symbol=outermost", file, NULL });
	CHECK_TEXT(line_of("trace_place", file), raw("trace_place"));
}

/* A function that is exported is not taken for the static one behind it. */
static void a_stripped_file_has_names_for_what_it_exports(void)
{
	const char *file = copy("--strip-all");

	check_lines(line_of("trace_begin", file), "^p: #0 trace_begin\\+0 \\./shown\\.so 0x");
	CHECK_TEXT(line_of("trace_place", file), raw("trace_place"));
}

static void debug_information_may_lie_beside_it(void)
{
	const char *file = copy("--strip-all");
	const char *debug = scratch_path("copy.debug");

	run((const char *const[]){ "objcopy", "--only-keep-debug", fixture("trace_inlined"), debug,
	                           NULL });
	run((const char *const[]){ "objcopy", text_of("--add-gnu-debuglink=%s", debug), file,
	                           NULL });
	check_lines(line_of("trace_place", file), "^p: #0 " INLINED " \\./shown\\.so 0x");
	unlink(debug);
	CHECK_TEXT(line_of("trace_place", file), raw("trace_place"));
}

static void no_server_is_asked(void)
{
	begin_records();
	add("p: #0 ", offset_of("trace_place"), copy("--strip-all"));
	CHECK_NUMBER(count_of(lines_with("strace -f -e trace=network -o /dev/stderr env "
	                                 "DEBUGINFOD_URLS=http://127.0.0.1:9/ "
	                                 "ASAN_OPTIONS=detect_leaks=0"), /* not under ptrace(2) */
	                      "socket("),
	             0);
}

/* What the host wrote to its log is what there are names for. */
static void a_real_crash(void)
{
	const char *module = fixture("serve_crash");
	struct host *host;
	const char *frame;

	if (host_is_instrumented()) {
		puts("skipped: the instruments have handlers of their own");
		return;
	}
	host = host_start(scratch_write("crash.ini",
	                                "[host]\n"
	                                "listen = 127.0.0.1:0\n"
	                                "[worker crash]\n"
	                                "module = %s\n"
	                                "route = /*\n",
	                                module));
	http_get(host, "/null");
	CHECK_NUMBER(host_wait(host), -SIGSEGV);
	frame = strstr(host_log(host), text_of("#0 %s 0x", module));
	CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
	frame += strlen(module) + 4;
	begin_records();
	add("p: #0 ", text_of("%.*s", (int)strcspn(frame, "\n"), frame), module);
	check_lines(lines(), "^p: #0 crash_null \\(tests/fixtures/serve_crash\\.c:[0-9]+\\) ");
}

/* ---- What is no object --------------------------------------------------------------------- */

static void check_raw(const char *file)
{
	CHECK_TEXT(line_of("trace_place", file), raw("trace_place"));
}

static void other_files_have_no_names(void)
{
	const char *fifo = scratch_path("fifo");

	CHECK_NUMBER(mkfifo(fifo, 0600), 0);
	check_raw("");
	check_raw(scratch_path("missing"));
	check_raw(scratch_directory());
	check_raw(fifo);
	check_raw("/dev/zero");
	check_raw("/proc/self/maps");
	check_raw(scratch_write("empty", "%s", ""));
	check_raw(scratch_write("text", "this is none"));
	check_raw(scratch_write("magic", "\177ELF"));
}

static void an_offset_that_is_none_has_no_name(void)
{
	begin_records();
	add("a ", "", fixture("trace_inlined"));
	add("b ", "1139", fixture("trace_inlined"));
	add("c ", "0x", fixture("trace_inlined"));
	add("d ", "0x1139z", fixture("trace_inlined"));
	add("e ", "0xffffffffffffffffff", fixture("trace_inlined"));
	CHECK_TEXT(lines(), "a ./shown.so \n"
	                    "b ./shown.so 1139\n"
	                    "c ./shown.so 0x\n"
	                    "d ./shown.so 0x1139z\n"
	                    "e ./shown.so 0xffffffffffffffffff\n");
}

/* ---- Broken ones --------------------------------------------------------------------------- */

static size_t size_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

/* One after another, in one run: each frame has its line. */
static void check_each(unsigned count)
{
	const char *text = lines();

	CHECK_NUMBER(lines_matching(text, "^p: #[0-9]+ (.* )?\\./shown\\.so 0x[0-9a-f]+$"), count);
	CHECK_NUMBER(lines_matching(text, ""), count);
}

static void a_file_cut_anywhere_costs_no_line(void)
{
	const char *whole = file_read(fixture("trace_inlined"));
	size_t size = size_of(fixture("trace_inlined"));
	const char *place = offset_of("trace_place");

	begin_records();
	for (unsigned i = 0; i < 48; i++) {
		const char *path = scratch_write_bytes(text_of("cut%u.so", i), whole,
		                                       size * i / 48);

		add(text_of("p: #%u ", i), place, path);
	}
	check_each(48);
}

/* The same at each run. */
static unsigned draw(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 8;
}

static void a_file_with_wrong_bytes_costs_no_line(void)
{
	size_t size = size_of(fixture("trace_inlined"));
	const char *place = offset_of("trace_place");
	unsigned state = 1;

	begin_records();
	for (unsigned i = 0; i < 48; i++) {
		char *bytes = memory_of(size);

		memcpy(bytes, file_read(fixture("trace_inlined")), size);
		for (unsigned j = 0; j < 1u << i % 10; j++)
			bytes[draw(&state) % size] = (char)draw(&state);
		add(text_of("p: #%u ", i), place,
		    scratch_write_bytes(text_of("wrong%u.so", i), bytes, size));
	}
	check_each(48);
}

/* ---- libdw at its worst --------------------------------------------------------------------- */

/* So many that there is no time for each bad one. */
#define FRAMES 15

/* The fixture takes the place of a function of libdw, for files whose name ends in "bad.so". */
static char *lines_where(const char *how)
{
	return lines_with(text_of("env TRACE_FAULT=%s LD_PRELOAD=%s", how, fixture("trace_fault")));
}

static void add_good_and_bad(void)
{
	const char *place = offset_of("trace_place");
	const char *bad = scratch_path("bad.so");

	run((const char *const[]){ "cp", fixture("trace_inlined"), bad, NULL });
	begin_records();
	for (unsigned i = 0; i < FRAMES; i++)
		add(text_of("p: #%u ", i), place, i % 2 ? bad : fixture("trace_inlined"));
}

static void check_good_and_bad(const char *text)
{
	const char *place = offset_of("trace_place");

	for (unsigned i = 0; i < FRAMES; i++) {
		const char *names = i % 2 ? "" : INLINED " ";

		check_lines(text, text_of("^p: #%u %s\\./shown\\.so %s$", i, names, place));
	}
	CHECK_NUMBER(lines_matching(text, "^p: "), FRAMES);
}

static void an_object_that_crashes_the_reader_costs_its_own_names_alone(void)
{
	if (host_is_instrumented()) {
		puts("skipped: the instruments want to be loaded first");
		return;
	}
	add_good_and_bad();
	check_good_and_bad(lines_where("crash"));
}

static void nor_does_one_that_holds_it_up(void)
{
	if (host_is_instrumented()) {
		puts("skipped: the instruments want to be loaded first");
		return;
	}
	add_good_and_bad();
	check_good_and_bad(lines_where("hang"));
}

/* ---- Input of any kind ---------------------------------------------------------------------- */

static void what_is_no_whole_record_is_left_out(void)
{
	begin_records();
	CHECK_TEXT(lines(), "");
	add("p: #0 ", "0x1", "");
	add_text("p: #1 ");
	add_text("0x2");
	records.size--;
	CHECK_TEXT(lines(), "p: #0 ./shown.so 0x1\n");
}

static void control_characters_are_escaped(void)
{
	begin_records();
	add("p\n: ", "0x\0331", "");
	add_text("forged\n2026-01-01T00:00:00.000Z info: all is well");
	CHECK_TEXT(lines(), "p\\x0a: ./shown.so 0x\\x1b1\n");
}

static void there_is_an_end_to_it(void)
{
	begin_records();
	for (unsigned i = 0; i < 1000; i++)
		add("p ", "0x1", "");
	CHECK_NUMBER(count_of(lines(), "p ./shown.so 0x1\n"), 256);
	memset(records.text, 'x', sizeof(records.text));
	records.size = sizeof(records.text);
	CHECK_TEXT(lines(), "");
	memset(records.text, 0, sizeof(records.text));
	CHECK_NUMBER(count_of(lines(), "\n"), 256);
}

TEST_MAIN("e2e/backtrace",
          TEST(static_and_inlined_functions_have_names),
          TEST(without_debug_information_there_is_the_function),
          TEST(a_label_is_no_function),
          TEST(a_stripped_file_has_names_for_what_it_exports),
          TEST(debug_information_may_lie_beside_it),
          TEST(no_server_is_asked),
          TEST(a_real_crash),
          TEST(other_files_have_no_names),
          TEST(an_offset_that_is_none_has_no_name),
          TEST(a_file_cut_anywhere_costs_no_line),
          TEST(a_file_with_wrong_bytes_costs_no_line),
          TEST(an_object_that_crashes_the_reader_costs_its_own_names_alone),
          TEST(nor_does_one_that_holds_it_up),
          TEST(what_is_no_whole_record_is_left_out),
          TEST(control_characters_are_escaped),
          TEST(there_is_an_end_to_it))
