/* A configuration of several files. */
#include "planned.h"

#include <sysexits.h>

/* Every section and entry in its order and with its place, as "FILE:LINE". */
static char *show(const struct planned *planned)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	for (size_t i = 0; i < planned->config->count; i++) {
		const struct tn_section *section = planned->config->sections[i];

		fprintf(to, "%s:%u [%s|%s]\n", section->place.file, section->place.line,
		        section->kind, section->name);
		for (size_t j = 0; j < section->count; j++)
			fprintf(to, "%s:%u %s=%s\n", section->entries[j].place.file,
			        section->entries[j].place.line, section->entries[j].key,
			        section->entries[j].value);
	}
	fclose(to);
	return planned_plain(planned, text);
}

static char *show_files(const struct planned *planned)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	for (size_t i = 0; i < planned->config->file_count; i++)
		fprintf(to, "%s%s", i ? " " : "", planned->config->files[i].path);
	fclose(to);
	return planned_plain(planned, text);
}

#define CHECK_FREED(text_, expected_) \
	do { \
		char *freed = (text_); \
\
		CHECK_TEXT(freed, expected_); \
		free(freed); \
	} while (0)

static void a_pipe_that_is_included_is_refused_at_once(void)
{
	struct planned planned;

	planned_begin(&planned);
	alarm(20); /* instead of for ever */
	planned_write(&planned, "x.ini", "include = *.fifo\n[worker x]\n");
	CHECK_NUMBER(mkfifo(scratch_path(&planned.scratch, "a.fifo"), 0600), 0);
	planned_load(&planned, "x.ini");
	alarm(0);
	CHECK_TOLD(&planned,
	           "x.ini:1: include: 'a.fifo': it is not a regular file: name one\n");
	planned_end(&planned);
}

/* ---- Order --------------------------------------------------------------------------------- */

static void what_is_included_comes_behind(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "; teams\ninclude = a.ini\n\n[worker x]\nvar.X = 1\n");
	planned_write(&planned, "a.ini", "[worker a]\n\nvar.A = 2");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show(&planned), "x.ini:4 [worker|x]\nx.ini:5 var.X=1\n"
	                            "a.ini:1 [worker|a]\na.ini:3 var.A=2\n");
	CU_ASSERT_PTR_EQUAL(tn_config_path(planned.config), planned.config->files[0].path);
	planned_end(&planned);
}

/* Not in that of a locale, nor in that of the directory. */
static void a_glob_is_in_the_order_of_its_bytes(void)
{
	static const char *const names[] = { "m", "b", "\xc3\xa9", "9", "Z", "_", "a", "10", "z",
		                             "B", "-", "1", "aa", "a-b", "a.b", "ab" };
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = conf.d/*.ini\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[64];

		snprintf(name, sizeof(name), "conf.d/%s.ini", names[i]);
		planned_write(&planned, name, "");
	}
	planned_write(&planned, "conf.d/.hidden.ini", "[worker hidden]\n");
	planned_write(&planned, "conf.d/a.ini~", "[worker backup]\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show_files(&planned),
	            "x.ini conf.d/-.ini conf.d/1.ini conf.d/10.ini conf.d/9.ini conf.d/B.ini "
	            "conf.d/Z.ini conf.d/_.ini conf.d/a-b.ini conf.d/a.b.ini conf.d/a.ini "
	            "conf.d/aa.ini conf.d/ab.ini conf.d/b.ini conf.d/m.ini conf.d/z.ini "
	            "conf.d/\xc3\xa9.ini");
	planned_end(&planned);
}

static void a_list_is_in_the_order_in_which_it_is_written(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = c.ini,a/*.ini\ninclude = \"b.ini\" ; c\n");
	planned_write(&planned, "c.ini", "");
	planned_write(&planned, "b.ini", "");
	planned_write(&planned, "a/2.ini", "");
	planned_write(&planned, "a/1.ini", "");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show_files(&planned), "x.ini c.ini a/1.ini a/2.ini b.ini");
	planned_end(&planned);
}

/* Those of one file first, then what these include. */
static void a_file_that_is_included_may_include(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = teams/*/team.ini\n[worker x]\n");
	planned_write(&planned, "teams/one/team.ini", "include = workers/*.ini\n[worker one]\n");
	planned_write(&planned, "teams/one/workers/w.ini", "[worker w1]\n");
	planned_write(&planned, "teams/two/team.ini", "include = ../../shared.ini\n[worker two]\n");
	planned_write(&planned, "shared.ini", "[worker shared]\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show(&planned), "x.ini:2 [worker|x]\n"
	                            "teams/one/team.ini:2 [worker|one]\n"
	                            "teams/two/team.ini:2 [worker|two]\n"
	                            "teams/one/workers/w.ini:1 [worker|w1]\n"
	                            "teams/two/../../shared.ini:1 [worker|shared]\n");
	planned_end(&planned);
}

/* The list of files is moved while they are read. */
static void files_may_be_nested_as_deep_as_they_are_many(void)
{
	struct planned planned;

	planned_begin(&planned);
	for (unsigned i = 0; i < 300; i++) {
		char name[32], text[128];

		snprintf(name, sizeof(name), "%u.ini", i);
		snprintf(text, sizeof(text), "include = %u.ini\n[worker w%u]\n", i + 1, i);
		planned_write(&planned, name, text);
	}
	planned_write(&planned, "300.ini", "");
	planned_load(&planned, "0.ini");
	CHECK_TOLD(&planned, "");
	CHECK_NUMBER((long long)planned.config->file_count, 301);
	CHECK_NUMBER((long long)planned.config->count, 300);
	CHECK_TEXT(planned.config->sections[299]->name, "w299");
	planned_end(&planned);
}

/* ---- What is sought where ------------------------------------------------------------------ */

/* Only what the user writes is a pattern, not the directory in which the file happens to lie. */
static void a_directory_may_have_the_characters_of_a_pattern(void)
{
	static const char *const names[] = { "te[a]m", "te?m", "te*", "te\\am", "[!a]" };
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "team/conf.d/decoy.ini", "[worker decoy]\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[64], expected[256];

		snprintf(name, sizeof(name), "%s/conf.d/mine.ini", names[i]);
		planned_write(&planned, name, "");
		snprintf(name, sizeof(name), "%s/x.ini", names[i]);
		planned_write(&planned, name, "include = conf.d/*.ini\n");
		planned_load(&planned, name);
		CHECK_TOLD(&planned, "");
		snprintf(expected, sizeof(expected), "%s/x.ini %s/conf.d/mine.ini", names[i],
		         names[i]);
		CHECK_FREED(show_files(&planned), expected);
		tn_config_destroy(planned.config);
	}
	planned.config = NULL;
	planned_end(&planned);
}

static void a_pattern_may_be_absolute(void)
{
	struct planned planned;
	char text[512];

	planned_begin(&planned);
	snprintf(text, sizeof(text), "include = %s/other/*.ini\n", planned.scratch.directory);
	planned_write(&planned, "here/x.ini", text);
	planned_write(&planned, "other/a.ini", "");
	planned_load(&planned, "here/x.ini");
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show_files(&planned), "here/x.ini other/a.ini");
	planned_end(&planned);
}

static void the_present_directory_needs_no_name(void)
{
	struct planned planned;
	char before[PATH_MAX];
	char reason[TN_REASON_SIZE];

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = a.ini, conf.d/*.ini\n");
	planned_write(&planned, "a.ini", "");
	planned_write(&planned, "conf.d/b.ini", "");
	CU_ASSERT_FATAL(getcwd(before, sizeof(before)) && !chdir(planned.scratch.directory));
	CHECK_NUMBER(tn_config_load("x.ini", NULL, &planned.config, &planned.errors, reason), 0);
	CU_ASSERT_FATAL(chdir(before) == 0);
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show_files(&planned), "x.ini a.ini conf.d/b.ini");
	planned_end(&planned);
}

/* For the caller to free. */
static char *resolve(const struct planned *planned, const char *worker, const char *key)
{
	const struct tn_section *section = tn_config_find(planned->config, "worker", worker);
	const struct tn_entry *entry = section ? tn_section_find(section, key) : NULL;
	char *path = entry ? tn_config_resolve(entry->place, entry->value) : NULL;

	return path ? planned_plain(planned, path) : NULL;
}

/* As a team sees it, whoever includes its file. */
static void a_path_starts_at_the_file_in_which_it_stands(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = team/a.ini\n[worker x]\nvar.P = x.so\n");
	planned_write(&planned, "team/a.ini", "include = b.ini\n[worker a]\nvar.P = a.so\n"
	                                      "var.Q = ./a.so\nvar.R = /a.so\nvar.S = ../a.so\n");
	planned_write(&planned, "team/b.ini", "[worker b]\nvar.P = sub/b.so\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned, "");
	CHECK_FREED(resolve(&planned, "x", "var.P"), "x.so");
	CHECK_FREED(resolve(&planned, "a", "var.P"), "team/a.so");
	CHECK_FREED(resolve(&planned, "a", "var.Q"), "team/a.so");
	CHECK_FREED(resolve(&planned, "a", "var.R"), "/a.so");
	CHECK_FREED(resolve(&planned, "a", "var.S"), "team/../a.so");
	CHECK_FREED(resolve(&planned, "b", "var.P"), "team/sub/b.so");
	planned_end(&planned);
}

static void one_slash_more_is_none(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "team/x.ini", "include = a.ini\n[worker x]\nvar.P = x.so\n");
	planned_write(&planned, "team/a.ini", "");
	planned_load(&planned, "team///x.ini");
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show_files(&planned), "team///x.ini team/a.ini");
	CHECK_FREED(resolve(&planned, "x", "var.P"), "team/x.so");
	planned_end(&planned);
}

/* ---- Twice --------------------------------------------------------------------------------- */

#define ONCE " is part of the configuration already: include it once\n"

static void a_file_is_included_once_by_whatever_name(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = a.ini, ./a.ini\ninclude = l*.ini\n");
	planned_write(&planned, "a.ini", "[worker a]\nvar.A = 1\n");
	CU_ASSERT_FATAL(symlink("a.ini", scratch_path(&planned.scratch, "link.ini")) == 0);
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned, "x.ini:1: include: './a.ini'" ONCE
	                     "x.ini:2: include: 'link.ini'" ONCE);
	CHECK_FREED(show(&planned), "a.ini:1 [worker|a]\na.ini:2 var.A=1\n");
	planned_end(&planned);
}

static void files_may_not_include_one_another(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = a.ini\n[worker x]\n");
	planned_write(&planned, "a.ini", "\ninclude = b.ini\n[worker a]\n");
	planned_write(&planned, "b.ini", "\n\ninclude = *.ini\n[worker b]\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned, "b.ini:3: include: 'a.ini'" ONCE
	                     "b.ini:3: include: 'b.ini'" ONCE
	                     "b.ini:3: include: 'x.ini'" ONCE);
	CHECK_FREED(show(&planned), "x.ini:2 [worker|x]\na.ini:3 [worker|a]\nb.ini:4 [worker|b]\n");
	planned_end(&planned);
}

/* Nothing overrides: the places of both are told, and of each key that both have. */
static void a_worker_is_defined_in_one_file(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = a.ini, b.ini\n\n[worker auth]\nvar.X = 1\n");
	planned_write(&planned, "a.ini", "[worker auth@v2]\nvar.X = 2\nvar.X = 3\n");
	planned_write(&planned, "b.ini", "[worker other]\n[worker auth]\nvar.Y = 4\nvar.X = 5\n"
	                                 "[worker auth@v2]\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned,
	           "a.ini:3: worker 'auth@v2': var.X: already in line 2: keep one of the two\n"
	           "b.ini:2: a second [worker auth], the first is in x.ini:3: put the keys of both "
	           "below one\n"
	           "b.ini:4: worker 'auth': var.X: already in x.ini:4: keep one of the two\n"
	           "b.ini:5: a second [worker auth@v2], the first is in a.ini:1: put the keys of "
	           "both below one\n");
	CHECK_FREED(show(&planned), "x.ini:3 [worker|auth]\nx.ini:4 var.X=1\nb.ini:3 var.Y=4\n"
	                            "a.ini:1 [worker|auth@v2]\na.ini:2 var.X=2\n"
	                            "b.ini:1 [worker|other]\n");
	planned_end(&planned);
}

static void there_is_one_host_in_all_files(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = a.ini\n[host]\n[host@staging]\n");
	planned_write(&planned, "a.ini", "[host]\n[host@staging]\n[host@v2]\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned, "a.ini:1: a second [host], the first is in x.ini:2: put the keys of "
	                     "both below one\n"
	                     "a.ini:2: a second [host@staging], the first is in x.ini:3: put the "
	                     "keys of both below one\n");
	planned_end(&planned);
}

/* ---- Mistakes ------------------------------------------------------------------------------ */

static void an_error_has_the_name_and_line_of_its_file(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = team/a.ini, team/b.ini\n[worker x]\nx\n");
	planned_write(&planned, "team/a.ini", "[worker a]\n\n a = 1\n");
	planned_write(&planned, "team/b.ini", "[worker b\n[worker c]\nvar.X = \"\nvar.X =\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned,
	           "x.ini:3: a line without '=': write 'KEY = VALUE', '[KIND NAME]' or '; "
	           "COMMENT'\n"
	           "team/a.ini:3: a blank at the start of the line: write it without, and each "
	           "value in one line\n"
	           "team/b.ini:1: a header without ']': write '[worker b]'\n"
	           "team/b.ini:3: worker 'c': var.X: the double quote is not closed: write one "
	           "more '\"' behind the value\n"
	           "team/b.ini:4: worker 'c': var.X: no value: write one, \"\" for an empty "
	           "text, or remove "
	           "the line (only a variant unsets a key so)\n");
	planned_end(&planned);
}

#define OR_FILES ": name a file, or files such as conf.d/*.ini\n"
#define NO_DIRECTORY "its directory is not there, or cannot be read" OR_FILES

static void a_file_that_is_missing_is_told_where_it_is_named(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = missing.ini, a/b.ini\n");
	planned_write(&planned, "a/b.ini", "\ninclude = c.ini\n[worker b]\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned,
	           "x.ini:1: include: 'missing.ini': there is no such file" OR_FILES
	           "a/b.ini:2: include: 'c.ini': there is no such file" OR_FILES);
	CHECK_FREED(show(&planned), "a/b.ini:3 [worker|b]\n");
	planned_end(&planned);
}

/* The directory of teams that have no Worker yet; one that is not there is a mistake. */
static void a_glob_without_a_match_is_none(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "conf.d/README", "");
	planned_write(&planned, "x.ini", "include = conf.d/*.ini, conf.d/?, conf.d/[ab].ini\n"
	                                 "[worker x]\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show_files(&planned), "x.ini");
	tn_config_destroy(planned.config);
	planned_write(&planned, "x.ini", "include = confd/*.ini\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned,
	           "x.ini:1: include: 'confd/*.ini': " NO_DIRECTORY);
	planned_end(&planned);
}

static void what_is_no_list_of_files_is_told(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "a.ini", "");
	planned_write(&planned, "b.ini", "");
	planned_write(&planned, "conf.d/c.ini", "");
	planned_write(&planned, "x.ini", "include =\ninclude = \"\"\ninclude = a.ini,, b.ini,\n"
	                                 "include = conf.d\nInclude = a.ini\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned,
	           "x.ini:1: include: no value: write one, \"\" for an empty "
	           "text, or remove "
	           "the line (only a variant unsets a key so)\n"
	           "x.ini:2: include: an empty name in the list: remove the comma\n"
	           "x.ini:3: include: an empty name in the list: remove the comma\n"
	           "x.ini:3: include: an empty name in the list: remove the comma\n"
	           "x.ini:4: include: 'conf.d': it is a directory: name the .ini file in it\n"
	           "x.ini:5: Include: no section above: write [host] or [worker NAME] before the "
	           "key\n");
	CHECK_FREED(show_files(&planned), "x.ini a.ini b.ini");
	planned_end(&planned);
}

#define AT_TOP "include: it stands at the top of the file, before the first [section]\n"

/* Or one would think that it includes keys into the section. */
static void include_stands_before_the_first_section(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = a.ini\n[host]\ninclude = b.ini\n[worker x]\n"
	                                 "include = b.ini\n[broken\ninclude = b.ini\n");
	planned_write(&planned, "a.ini", "[worker a]\ninclude = b.ini\n");
	planned_write(&planned, "b.ini", "");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned, "x.ini:3: [host]: " AT_TOP
	                     "x.ini:5: worker 'x': " AT_TOP
	                     "x.ini:6: a header without ']': write '[broken]'\n"
	                     "a.ini:2: worker 'a': " AT_TOP);
	CHECK_FREED(show_files(&planned), "x.ini a.ini");
	planned_end(&planned);
}

/* A section ends with its file. */
static void a_file_does_not_go_on_with_the_section_of_another(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = a.ini, b.ini\n[worker x]\n");
	planned_write(&planned, "a.ini", "var.A = 1\n[worker a]\n");
	planned_write(&planned, "b.ini", "var.B = 1\nvar.C = 1\ninclude = c.ini\n");
	planned_write(&planned, "c.ini", "");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned,
	           "a.ini:1: var.A: no section above: write [host] or [worker NAME] before the "
	           "key\n"
	           "b.ini:1: var.B: no section above: write [host] or [worker NAME] before the "
	           "key\n");
	CHECK_FREED(show(&planned), "x.ini:2 [worker|x]\na.ini:2 [worker|a]\n");
	planned_end(&planned);
}

static void root_refuses_an_included_file_that_others_may_write(void)
{
	struct planned planned;
	char expected[1024];

	if (!is_root(__func__))
		return;
	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = a.ini\n");
	scratch_write(&planned.scratch, "a.ini", 0666, "", 0);
	snprintf(expected, sizeof(expected), "x.ini:1: include: 'a.ini': others may write to it, "
	                                     "and this is root: chmod o-w a.ini\n");
	planned_load(&planned, "x.ini");
	CHECK_TOLD(&planned, expected);
	planned_end(&planned);
}

/* In a process of its own, which may read all but conf.d/a.ini and the directory 2. */
static int load_as_nobody(void *argument)
{
	struct planned *planned = argument;

	planned_load(planned, "x.ini");
	CHECK_TOLD(planned,
	           "x.ini:1: include: 'conf.d/a.ini': Permission denied: make it readable for "
	           "this user, or run as another\n"
	           "x.ini:2: include: 'teams/*/*.ini': " NO_DIRECTORY);
	CHECK_FREED(show_files(planned), "x.ini conf.d/b.ini");
	tn_config_destroy(planned->config);
	planned->config = NULL;
	return (int)CU_get_number_of_failures();
}

static void what_may_not_be_read_is_told(void)
{
	struct planned planned;

	if (!is_root(__func__))
		return;
	planned_begin(&planned);
	scratch_write(&planned.scratch, "x.ini", 0644,
	              "include = conf.d/*.ini\ninclude = teams/*/*.ini\n", 47);
	planned_write(&planned, "conf.d/a.ini", "");
	scratch_write(&planned.scratch, "conf.d/b.ini", 0644, "", 0);
	planned_write(&planned, "teams/1/a.ini", "");
	planned_write(&planned, "teams/2/a.ini", "");
	CU_ASSERT_FATAL(chmod(scratch_path(&planned.scratch, "teams/2"), 0700) == 0);
	CHECK_NUMBER(as_nobody(load_as_nobody, &planned), (long long)CU_get_number_of_failures());
	planned_end(&planned);
}

/* ---- What a file would hold ---------------------------------------------------------------- */

static void load_edited(struct planned *planned, const char *name, const char *text)
{
	struct tn_file edited = { 0 };
	char reason[TN_REASON_SIZE];
	char *exact = malloc(strlen(text));

	tn_config_destroy(planned->config);
	CU_ASSERT_FATAL(tn_file_read(scratch_path(&planned->scratch, name), &edited, reason) == 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
	memcpy(exact, text, strlen(text)); /* without a NUL, so that ASan sees a read beyond it */
	free(edited.text);
	edited.text = exact;
	edited.size = strlen(text);
	CHECK_NUMBER(tn_config_load(scratch_path(&planned->scratch, "x.ini"), &edited,
	                            &planned->config, &planned->errors, reason),
	             0);
	tn_file_finish(&edited);
}

static void a_text_may_stand_for_what_a_file_holds(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = a.ini\n[worker x]\n");
	planned_write(&planned, "a.ini", "[worker a]\n");
	planned_write(&planned, "b.ini", "[worker b]\n");
	load_edited(&planned, "x.ini", "include = b.ini\n[worker y]\n");
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show(&planned), "x.ini:2 [worker|y]\nb.ini:1 [worker|b]\n");
	load_edited(&planned, "a.ini", "include = b.ini\n[worker c]\nvar.C = 1");
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show(&planned), "x.ini:2 [worker|x]\na.ini:2 [worker|c]\na.ini:3 var.C=1\n"
	                            "b.ini:1 [worker|b]\n");
	load_edited(&planned, "b.ini", "[worker d]\n");
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show(&planned), "x.ini:2 [worker|x]\na.ini:1 [worker|a]\n");
	planned_end(&planned);
}

static void a_text_stands_for_its_file_by_whatever_name(void)
{
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "x.ini", "include = sub/../a.ini\n");
	planned_write(&planned, "a.ini", "[worker a]\n");
	planned_write(&planned, "sub/c.ini", "");
	CU_ASSERT_FATAL(symlink("../a.ini", scratch_path(&planned.scratch, "sub/link.ini")) == 0);
	load_edited(&planned, "sub/link.ini", "[worker b\n[worker c]\n");
	CHECK_TOLD(&planned, "sub/../a.ini:1: a header without ']': write '[worker b]'\n");
	CHECK_FREED(show(&planned), "sub/../a.ini:2 [worker|c]\n");
	planned_end(&planned);
}

/* ---- Whether there is anything at all ------------------------------------------------------ */

static void without_the_first_file_there_is_no_configuration(void)
{
	struct planned planned;
	char reason[TN_REASON_SIZE] = "";

	planned_begin(&planned);
	planned.config = (void *)&planned;
	CHECK_NUMBER(tn_config_load(scratch_path(&planned.scratch, "x.ini"), NULL, &planned.config,
	                            &planned.errors, reason),
	             EX_NOINPUT);
	CHECK_TEXT(reason, "No such file or directory");
	CU_ASSERT_PTR_NULL(planned.config);
	CHECK_TOLD(&planned, "");
	planned_end(&planned);
}

static void a_text_includes_files_beside_its_path(void)
{
	static const char text[] = "include = a.ini, x.ini\n[worker t]\n";
	struct planned planned;

	planned_begin(&planned);
	planned_write(&planned, "a.ini", "[worker a]\n");
	planned_write(&planned, "x.ini", "[worker x]\n");
	planned.config = tn_config_parse(scratch_path(&planned.scratch, "t.ini"), text,
	                                 strlen(text), &planned.errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(planned.config);
	CHECK_TOLD(&planned, "");
	CHECK_FREED(show(&planned),
	            "t.ini:2 [worker|t]\na.ini:1 [worker|a]\nx.ini:1 [worker|x]\n");
	planned_end(&planned);
}

TEST_MAIN("deploy/include",
          TEST(what_is_included_comes_behind),
          TEST(a_glob_is_in_the_order_of_its_bytes),
          TEST(a_list_is_in_the_order_in_which_it_is_written),
          TEST(a_file_that_is_included_may_include),
          TEST(files_may_be_nested_as_deep_as_they_are_many),
          TEST(a_directory_may_have_the_characters_of_a_pattern),
          TEST(a_pattern_may_be_absolute),
          TEST(the_present_directory_needs_no_name),
          TEST(a_path_starts_at_the_file_in_which_it_stands),
          TEST(one_slash_more_is_none),
          TEST(a_file_is_included_once_by_whatever_name),
          TEST(files_may_not_include_one_another),
          TEST(a_worker_is_defined_in_one_file),
          TEST(there_is_one_host_in_all_files),
          TEST(an_error_has_the_name_and_line_of_its_file),
          TEST(a_file_that_is_missing_is_told_where_it_is_named),
          TEST(a_glob_without_a_match_is_none),
          TEST(what_is_no_list_of_files_is_told),
          TEST(include_stands_before_the_first_section),
          TEST(a_file_does_not_go_on_with_the_section_of_another),
          TEST(root_refuses_an_included_file_that_others_may_write),
          TEST(a_pipe_that_is_included_is_refused_at_once),
          TEST(what_may_not_be_read_is_told),
          TEST(a_text_may_stand_for_what_a_file_holds),
          TEST(a_text_stands_for_its_file_by_whatever_name),
          TEST(without_the_first_file_there_is_no_configuration),
          TEST(a_text_includes_files_beside_its_path))
