#include "command/made.h"

#include "../capture.h"
#include "../deploy/scratch.h"

#include <dirent.h>
#include <sysexits.h>

static struct scratch scratch;

/* Hidden ones, too. */
static size_t count_files(void)
{
	DIR *stream = opendir(scratch.directory);
	struct dirent *entry;
	size_t count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	while ((entry = readdir(stream)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(stream);
	return count;
}

static void add(struct tn_made *made, const char *name, const char *text, mode_t mode)
{
	tn_made_add(made, text ? strdup(text) : NULL, mode, "%s/%s", scratch.directory, name);
}

/* Places them; what is said of the file, which is to be the only line. */
static int place(struct tn_made *made, struct tn_replacement *replacement, const char *text,
                 const char *said)
{
	const char *log;
	int code;

	capture_begin();
	code = tn_made_place(made, replacement, text, text ? strlen(text) : 0);
	log = capture_end();
	CU_ASSERT(said ? strstr(log, said) != NULL : !*log);
	CHECK_NUMBER(capture_lines(log, ""), said ? 1 : 0);
	tn_made_finish(made);
	return code;
}

static void check_file(const char *name, const char *expected, mode_t mode)
{
	const char *path = scratch_path(&scratch, name);
	struct stat status = { 0 };
	size_t size;
	char *text = scratch_read(path, &size);

	CHECK_TEXT(text, expected);
	CHECK_NUMBER(stat(path, &status), 0);
	CHECK_NUMBER(status.st_mode & 07777, mode);
	free(text);
}

static void all_are_made_with_what_the_umask_leaves(void)
{
	struct tn_made made = { .count = 0 };
	mode_t before = umask(027);

	scratch_begin(&scratch);
	add(&made, "one", "1\n", 0666);
	add(&made, "two", "", 0600);
	CHECK_NUMBER(place(&made, NULL, NULL, NULL), 0);
	check_file("one", "1\n", 0640);
	check_file("two", "", 0600);
	CHECK_NUMBER(count_files(), 2);
	CHECK_NUMBER(umask(before), 027);
	scratch_end(&scratch);
}

static void with_one_that_is_there_none_is_made(void)
{
	struct tn_made made = { .count = 0 };

	scratch_begin(&scratch);
	scratch_write(&scratch, "three", 0644, "theirs", 6);
	add(&made, "one", "1", 0666);
	add(&made, "two", "2", 0666);
	add(&made, "three", "3", 0666);
	CHECK_NUMBER(place(&made, NULL, NULL, "/three: it is there already"), EX_CANTCREAT);
	check_file("three", "theirs", 0644);
	CHECK_NUMBER(count_files(), 1);
	scratch_end(&scratch);
}

/* As where another makes it meanwhile: it is noticed when it is placed. */
static void what_fails_in_the_middle_takes_the_others_away(void)
{
	struct tn_made made = { .count = 0 };

	scratch_begin(&scratch);
	add(&made, "one", "1", 0666);
	add(&made, "two", "2", 0666);
	add(&made, "two", "3", 0666);
	CHECK_NUMBER(place(&made, NULL, NULL, "/two: it was made in this moment"), EX_TEMPFAIL);
	CHECK_NUMBER(count_files(), 0);
	scratch_end(&scratch);
}

static void where_a_directory_is_missing_none_is_made(void)
{
	struct tn_made made = { .count = 0 };

	scratch_begin(&scratch);
	add(&made, "one", "1", 0666);
	add(&made, "no/two", "2", 0666);
	CHECK_NUMBER(place(&made, NULL, NULL, "/no/two: "), EX_NOINPUT);
	CHECK_NUMBER(count_files(), 0);
	scratch_end(&scratch);
}

static void a_file_that_is_changed_comes_last(void)
{
	struct tn_made made = { .count = 0 };
	struct tn_replacement replacement;
	char reason[TN_REASON_SIZE];

	scratch_begin(&scratch);
	scratch_write(&scratch, "old", 0640, "before", 6);
	CHECK_NUMBER(tn_replace_begin(&replacement, scratch.path, reason), 0);
	add(&made, "one", "1", 0600);
	CHECK_NUMBER(place(&made, &replacement, "after", NULL), 0);
	tn_replace_finish(&replacement);
	check_file("one", "1", 0600);
	check_file("old", "after", 0640);
	scratch_end(&scratch);
}

static void where_that_has_changed_meanwhile_none_is_made(void)
{
	struct tn_made made = { .count = 0 };
	struct tn_replacement replacement;
	char reason[TN_REASON_SIZE];

	scratch_begin(&scratch);
	scratch_write(&scratch, "old", 0640, "before", 6);
	CHECK_NUMBER(tn_replace_begin(&replacement, scratch.path, reason), 0);
	scratch_write(&scratch, "old", 0640, "theirs", 6);
	add(&made, "one", "1", 0600);
	CHECK_NUMBER(place(&made, &replacement, "after", "somebody else has changed it"),
	             EX_TEMPFAIL);
	tn_replace_finish(&replacement);
	check_file("old", "theirs", 0640);
	CHECK_NUMBER(count_files(), 1);
	scratch_end(&scratch);
}

static void a_text_for_which_there_is_no_memory_is_told_at_the_end(void)
{
	struct tn_made made = { .count = 0 };

	scratch_begin(&scratch);
	add(&made, "one", "1", 0666);
	add(&made, "two", NULL, 0666);
	CHECK_NUMBER(place(&made, NULL, NULL, "out of memory"), EX_OSERR);
	CHECK_NUMBER(count_files(), 0);
	scratch_end(&scratch);
}

TEST_MAIN("command/made",
          TEST(all_are_made_with_what_the_umask_leaves),
          TEST(with_one_that_is_there_none_is_made),
          TEST(what_fails_in_the_middle_takes_the_others_away),
          TEST(where_a_directory_is_missing_none_is_made),
          TEST(a_file_that_is_changed_comes_last),
          TEST(where_that_has_changed_meanwhile_none_is_made),
          TEST(a_text_for_which_there_is_no_memory_is_told_at_the_end))
