/* test_symbols.c - what leaves a module, and what leaves the library. */
#include "harness.h"

#include "../cunit.h"

#include <glob.h>

/* The names of the defined dynamic symbols of a file, sorted, a line each. */
static const char *exports(const char *path, const char *further_option)
{
	const char *const command[] = { "nm", "-D", "--defined-only", "--format=just-symbols",
		                        further_option, path, NULL };
	struct finished nm = program_run(command);

	CHECK_NUMBER(nm.code, 0);
	CHECK_TEXT(nm.err, "");
	return nm.out;
}

static void every_plugin_exports_fetch_and_tn_worker_and_nothing_else(void)
{
	glob_t found;

	if (!CHECK_NUMBER(glob(plugin("*"), 0, NULL, &found), 0))
		return;
	CHECK_NUMBER(found.gl_pathc >= 3, true);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (!CHECK_TEXT(exports(found.gl_pathv[i], "--without-symbol-versions"),
		                "fetch\ntn_worker\n"))
			printf("\tin %s\n", found.gl_pathv[i]);
	}
	globfree(&found);
}

/* ---- The library against the header -------------------------------------------------------- */

#define NAMES_MOST 200

struct names {
	char *list[NAMES_MOST];
	size_t count;
};

static void add(struct names *names, const char *text, size_t size)
{
	if (names->count == NAMES_MOST)
		CU_FAIL_FATAL("too many names");
	names->list[names->count++] = text_of("%.*s", (int)size, text);
}

static int compare(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static const char *join(struct names *names)
{
	const char *text = "";

	qsort(names->list, names->count, sizeof(names->list[0]), compare);
	for (size_t i = 0; i < names->count; i++)
		text = text_of("%s%s\n", text, names->list[i]);
	return text;
}

/* The name before the first '(' that opens parameters: in "TN_EXPORT bool tn_x(int a)", tn_x. */
static void add_declared(struct names *names, const char *declaration)
{
	const char *end = strchr(declaration, '(');
	const char *begin = end;

	while (begin && begin > declaration && !strchr(" *\t\n", begin[-1]))
		begin--;
	if (begin)
		add(names, begin, (size_t)(end - begin));
}

/* Each declaration starts a line with TN_EXPORT; the macro TN_WORKER's lines start with a tab. */
static const char *declared(const char *path)
{
	char *header = file_read(path);
	struct names names = { .count = 0 };

	for (char *at = header; (at = strstr(at, "\nTN_EXPORT ")); at++)
		add_declared(&names, at + strlen("\nTN_EXPORT "));
	return join(&names);
}

static const char *exported(const char *version)
{
	const char *line = exports(built("libtenon.so"), "--with-symbol-versions");
	struct names names = { .count = 0 };

	for (; *line; line = strchr(line, '\n') + 1) {
		size_t name = strcspn(line, "@\n");
		size_t mark = strspn(line + name, "@");
		size_t size = strlen(version);

		if (mark && !strncmp(line + name + mark, version, size) &&
		    line[name + mark + size] == '\n' && strncmp(line, version, name) != 0)
			add(&names, line, name);
	}
	return join(&names);
}

static void the_library_exports_what_the_header_declares(void)
{
	const char *wanted = declared("include/tenon.h");

	CHECK_NUMBER(count_of(wanted, "\n") >= 50, true);
	CHECK_NUMBER(count_of(wanted, "tn_request_clone\n"), 1);
	CHECK_TEXT(exported("TENON_1.0"), wanted);
}

/* A name in it that the library has not would be passed over in silence. */
static void the_library_exports_what_the_version_script_names(void)
{
	char *at = strstr(file_read("framework/message/libtenon.map"), "TENON_1.0 {");
	struct names names = { .count = 0 };

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	for (at = strchr(at, '\n') + 1; strncmp(at, "local:", 6) != 0; at = strchr(at, '\n') + 1)
		if (*at == '\t')
			add(&names, at + 1, strcspn(at + 1, ";\n"));
	CHECK_TEXT(exported("TENON_1.0"), join(&names));
}

/* A Worker that was built when the version was new may call any of them. */
static void what_a_version_once_had_is_still_there(void)
{
	const char *names = declared("tests/fixtures/abi/tenon-1.0.h");
	const char *now = text_of("\n%s", exported("TENON_1.0"));

	CHECK_NUMBER(count_of(names, "\n"), 54);
	for (; *names; names = strchr(names, '\n') + 1) {
		const char *name = text_of("\n%.*s\n", (int)strcspn(names, "\n"), names);

		if (count_of(now, name) != 1)
			CHECK_TEXT(name, "a symbol of libtenon.so");
	}
}

/* All else has the version that no Worker may rely upon; the names of the two are symbols, too. */
static void the_library_exports_nothing_without_a_version(void)
{
	const char *line = exports(built("libtenon.so"), "--with-symbol-versions");

	CHECK_NUMBER(lines_matching(line, "^[^@]*@@TENON_(1[.]0|PRIVATE)$|^TENON_(1[.]0|PRIVATE)$"),
	             count_of(line, "\n"));
}

TEST_MAIN("e2e/symbols",
          TEST(every_plugin_exports_fetch_and_tn_worker_and_nothing_else),
          TEST(the_library_exports_what_the_header_declares),
          TEST(the_library_exports_what_the_version_script_names),
          TEST(what_a_version_once_had_is_still_there),
          TEST(the_library_exports_nothing_without_a_version))
