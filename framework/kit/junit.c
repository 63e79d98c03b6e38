#include "kit/junit.h"

#include "kit/kit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- Where --------------------------------------------------------------------------------- */

static bool is_directory(const char *path)
{
	struct stat status;

	return path[strlen(path) - 1] == '/' ||
	       (stat(path, &status) == 0 && S_ISDIR(status.st_mode));
}

/* DIRECTORY/SUITE.xml; a suite is often named like a path, "plugins/auth". */
static char *path_in(const char *directory, const char *suite)
{
	char *path;

	if (asprintf(&path, "%s/%s.xml", directory, suite) < 0)
		return NULL;
	for (char *at = path + strlen(directory) + 1; *at; at++)
		if (*at == '/')
			*at = '-';
	return path;
}

bool tn_junit_init(struct tn_junit *junit, const char *suite)
{
	const char *wanted = getenv("TN_JUNIT");

	*junit = (struct tn_junit){ .suite = suite };
	if (!wanted || !*wanted)
		return true;
	junit->path = is_directory(wanted) ? path_in(wanted, suite) : strdup(wanted);
	return junit->path;
}

void tn_junit_finish(struct tn_junit *junit)
{
	for (size_t i = 0; i < junit->count; i++)
		free(junit->cases[i].failures);
	free(junit->cases);
	free(junit->path);
	*junit = (struct tn_junit){ 0 };
}

/* ---- The XML ------------------------------------------------------------------------------- */

/* XML 1.0, 2.2: no control characters, and none of U+FFFE and U+FFFF. */
static bool is_allowed(const char *text, size_t size)
{
	if (size == 1)
		return (unsigned char)*text >= 0x20 || strchr("\t\n\r", *text);
	return size && (size != 3 || memcmp(text, "\xef\xbf\xbe", 2) != 0 ||
	                (unsigned char)text[2] < 0xbe);
}

/* As it may stand in an element and between quotes; a newline there would become a blank. */
static void escape(FILE *to, const char *text)
{
	static const char special[] = "&<>\"\n\t\r";
	static const char *const names[] = { "&amp;", "&lt;", "&gt;", "&quot;",
		                             "&#10;", "&#9;", "&#13;" };

	for (size_t left = strlen(text); left;) {
		size_t size = tn_show_character(text, left);
		const char *found = size == 1 ? strchr(special, *text) : NULL;

		if (found)
			fputs(names[found - special], to);
		else if (is_allowed(text, size))
			fwrite(text, 1, size, to);
		else
			fputc('?', to);
		text += size ? size : 1;
		left -= size ? size : 1;
	}
}

static void write_failure(FILE *to, const struct tn_junit_case *test)
{
	size_t size = strcspn(test->failures, "\n");
	char *first = strndup(test->failures, size);

	fputs(">\n\t\t\t<failure type=\"assertion\" message=\"", to);
	escape(to, first ? first : "");
	fputs("\">", to);
	escape(to, test->failures);
	fputs("</failure>\n\t\t</testcase>\n", to);
	free(first);
}

static void write_case(FILE *to, const char *suite, const struct tn_junit_case *test)
{
	if (test->state == TN_JUNIT_WAITS)
		return;
	fputs("\t\t<testcase classname=\"", to);
	escape(to, suite);
	fputs("\" name=\"", to);
	escape(to, test->name);
	fprintf(to, "\" time=\"%.3f\"", test->seconds);
	if (test->state == TN_JUNIT_FAILED)
		write_failure(to, test);
	else if (test->state == TN_JUNIT_RUNS)
		fputs(">\n\t\t\t<error type=\"crash\" message=\"the program ended while this test "
		      "was running\"></error>\n\t\t</testcase>\n",
		      to);
	else
		fputs("/>\n", to);
}

static size_t count(const struct tn_junit *junit, enum tn_junit_state state)
{
	size_t found = 0;

	for (size_t i = 0; i < junit->count; i++)
		found += junit->cases[i].state == state;
	return found;
}

static void write_report(FILE *to, const struct tn_junit *junit)
{
	size_t running = count(junit, TN_JUNIT_RUNS);
	size_t failed = count(junit, TN_JUNIT_FAILED);
	double seconds = 0;

	for (size_t i = 0; i < junit->count; i++)
		seconds += junit->cases[i].seconds;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n\t<testsuite name=\"", to);
	escape(to, junit->suite);
	fprintf(to, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"%.3f\">\n",
	        running + failed + count(junit, TN_JUNIT_PASSED), failed, running, seconds);
	for (size_t i = 0; i < junit->count; i++)
		write_case(to, junit->suite, &junit->cases[i]);
	fputs("\t</testsuite>\n</testsuites>\n", to);
}

static bool write_file(const char *path, const struct tn_junit *junit)
{
	FILE *to = fopen(path, "we");
	bool written;

	if (!to)
		return false;
	write_report(to, junit);
	written = !ferror(to);
	return fclose(to) == 0 && written;
}

void tn_junit_write(struct tn_junit *junit)
{
	char *beside = NULL;

	if (!junit->path)
		return;
	if (asprintf(&beside, "%s.part", junit->path) < 0)
		tn_test_no_memory("tn_junit_write");
	if (!write_file(beside, junit) || rename(beside, junit->path) != 0) {
		fprintf(stderr, "TN_JUNIT: %s cannot be written: %s\n", junit->path,
		        strerror(errno));
		free(junit->path);
		junit->path = NULL;
	}
	free(beside);
}
