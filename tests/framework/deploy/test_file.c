#include "deploy/file.h"

#include "scratch.h"

#include <malloc.h>
#include <sysexits.h>

/* What reading one file gave. */
struct reading {
	struct scratch scratch;
	struct tn_file file;
	int code;
	char reason[TN_REASON_SIZE];
};

static void set_up(struct reading *reading)
{
	memset(reading, 0, sizeof(*reading));
	mallopt(M_PERTURB, 0x5a); /* so that no NUL is there by itself */
	scratch_begin(&reading->scratch);
}

static void tear_down(struct reading *reading)
{
	tn_file_finish(&reading->file);
	scratch_end(&reading->scratch);
}

static void read_path(struct reading *reading, const char *path)
{
	reading->reason[0] = '\0';
	reading->code = tn_file_read(path, &reading->file, reading->reason);
}

static void expect_text(struct reading *reading, const char *text, size_t size)
{
	CHECK_NUMBER(reading->code, 0);
	CHECK_TEXT(reading->reason, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(reading->file.text);
	CU_ASSERT_EQUAL_FATAL(reading->file.size, size);
	CU_ASSERT(memcmp(reading->file.text, text, size) == 0);
	CHECK_NUMBER(reading->file.text[size], '\0');
}

/* Nothing is left behind that would have to be freed. */
static void expect_refusal(struct reading *reading, int code, const char *reason)
{
	CHECK_NUMBER(reading->code, code);
	CHECK_TEXT(reading->reason, reason);
	CU_ASSERT_PTR_NULL(reading->file.path);
	CU_ASSERT_PTR_NULL(reading->file.text);
}

static void a_file_is_read_with_its_name_and_status(void)
{
	static const char text[] = "[host]\0\xff\n";
	struct reading reading;
	struct stat status;

	set_up(&reading);
	read_path(&reading,
	          scratch_write(&reading.scratch, "x.ini", 0640, text, sizeof(text) - 1));
	expect_text(&reading, text, sizeof(text) - 1);
	CHECK_TEXT(reading.file.path, reading.scratch.path);
	CHECK_NUMBER(stat(reading.scratch.path, &status), 0);
	CHECK_NUMBER(reading.file.status.st_ino, status.st_ino);
	CHECK_NUMBER(reading.file.status.st_mode & 07777, 0640);
	tear_down(&reading);
}

static void an_empty_file_is_read(void)
{
	struct reading reading;

	set_up(&reading);
	read_path(&reading, scratch_write(&reading.scratch, "x.ini", 0600, "", 0));
	expect_text(&reading, "", 0);
	tear_down(&reading);
}

static void a_pipe_is_read_to_its_end(void)
{
	struct reading reading;
	char path[64];
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	CU_ASSERT_EQUAL(write(ends[1], "[worker a]\n", 11), 11);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	set_up(&reading);
	read_path(&reading, path);
	close(ends[0]);
	expect_text(&reading, "[worker a]\n", 11);
	tear_down(&reading);
}

/* Which holds less at once than it gives, and may give less than was asked for. */
static void a_large_pipe_is_read_to_its_end(void)
{
	static char text[300 * 1000];
	struct reading reading;
	char path[64];
	int ends[2];
	pid_t writer;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 + i / 251);
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	fflush(NULL);
	writer = fork();
	CU_ASSERT_FATAL(writer >= 0);
	if (writer == 0) {
		close(ends[0]);
		for (size_t i = 0; i < sizeof(text); i += 1000)
			if (write(ends[1], text + i, 1000) != 1000)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	set_up(&reading);
	read_path(&reading, path);
	close(ends[0]);
	waitpid(writer, NULL, 0);
	expect_text(&reading, text, sizeof(text));
	tear_down(&reading);
}

/* Larger than one read, with something at its end; and the sizes at which the room grows. */
static void a_large_file_is_read_whole(void)
{
	static const size_t sizes[] = { 65534, 65535, 65536, 131071, 131072, 300 * 1000 };
	char *text = malloc(300 * 1000);
	struct reading reading;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(text, '\n', sizes[i]);
		memcpy(text + sizes[i] - 10, "[worker a]", 10);
		set_up(&reading);
		read_path(&reading,
		          scratch_write(&reading.scratch, "x.ini", 0600, text, sizes[i]));
		expect_text(&reading, text, sizes[i]);
		tear_down(&reading);
	}
	free(text);
}

static void a_file_beyond_all_measure_is_refused(void)
{
	struct reading reading;

	set_up(&reading);
	scratch_write(&reading.scratch, "x.ini", 0600, "", 0);
	CU_ASSERT_EQUAL(truncate(reading.scratch.path, (off_t)TN_FILE_MOST), 0);
	read_path(&reading, reading.scratch.path);
	CHECK_NUMBER(reading.code, 0);
	CHECK_NUMBER(reading.file.size, TN_FILE_MOST);
	tn_file_finish(&reading.file);
	CU_ASSERT_EQUAL(truncate(reading.scratch.path, (off_t)TN_FILE_MOST + 1), 0);
	read_path(&reading, reading.scratch.path);
	expect_refusal(&reading, EX_CONFIG, "it is larger than 16 MiB");
	tear_down(&reading);
}

/* What never ends is too large, too. */
static void a_device_without_an_end_is_refused(void)
{
	struct reading reading;

	set_up(&reading);
	read_path(&reading, "/dev/zero");
	expect_refusal(&reading, EX_CONFIG, "it is larger than 16 MiB");
	tear_down(&reading);
}

static int next_descriptor(void)
{
	int descriptor = dup(STDOUT_FILENO);

	close(descriptor);
	return descriptor;
}

static void no_descriptor_stays_open(void)
{
	struct reading reading;
	int before = next_descriptor();

	set_up(&reading);
	read_path(&reading, scratch_write(&reading.scratch, "x.ini", 0600, "a", 1));
	tn_file_finish(&reading.file);
	read_path(&reading, reading.scratch.directory);
	read_path(&reading, "/dev/zero");
	CHECK_NUMBER(next_descriptor(), before);
	tear_down(&reading);
}

static void a_missing_file_is_no_input(void)
{
	struct reading reading;

	set_up(&reading);
	read_path(&reading, scratch_path(&reading.scratch, "x.ini"));
	expect_refusal(&reading, EX_NOINPUT, "No such file or directory");
	read_path(&reading, scratch_path(&reading.scratch, "none/x.ini"));
	expect_refusal(&reading, EX_NOINPUT, "No such file or directory");
	tear_down(&reading);
}

static void a_directory_is_refused(void)
{
	struct reading reading;

	set_up(&reading);
	read_path(&reading, reading.scratch.directory);
	expect_refusal(&reading, EX_CONFIG, "it is a directory: name the .ini file in it");
	tear_down(&reading);
}

static void root_refuses_what_others_may_write(void)
{
	struct reading reading;
	char expected[TN_REASON_SIZE];

	if (!is_root(__func__))
		return;
	set_up(&reading);
	read_path(&reading, scratch_write(&reading.scratch, "x.ini", 0602, "[worker a]\n", 11));
	snprintf(expected, sizeof(expected),
	         "others may write to it, and this is root: chmod o-w %s", reading.scratch.path);
	expect_refusal(&reading, EX_CONFIG, expected);
	read_path(&reading, scratch_write(&reading.scratch, "x.ini", 0664, "[worker a]\n", 11));
	expect_text(&reading, "[worker a]\n", 11);
	tear_down(&reading);
}

static int read_as_nobody(void *argument)
{
	static const char cure[] =
		"Permission denied: make it readable for this user, or run as another";
	struct reading *reading = argument;

	read_path(reading, reading->scratch.path);
	tn_file_finish(&reading->file);
	return strcmp(reading->reason, reading->code ? cure : "") == 0 ? reading->code : 98;
}

static void an_unreadable_file_is_not_permitted(void)
{
	struct reading reading;

	if (!is_root(__func__))
		return;
	set_up(&reading);
	scratch_write(&reading.scratch, "x.ini", 0600, "[worker a]\n", 11);
	CHECK_NUMBER(as_nobody(read_as_nobody, &reading), EX_NOPERM);
	scratch_write(&reading.scratch, "x.ini", 0606, "[worker a]\n", 11);
	CHECK_NUMBER(as_nobody(read_as_nobody, &reading), 0);
	tear_down(&reading);
}

static void one_file_has_many_names(void)
{
	struct reading one, other;
	char link_path[512];

	set_up(&one);
	set_up(&other);
	read_path(&one, scratch_write(&one.scratch, "x.ini", 0600, "a", 1));
	snprintf(link_path, sizeof(link_path), "%s/link", other.scratch.directory);
	CU_ASSERT_EQUAL(symlink(one.scratch.path, link_path), 0);
	read_path(&other, link_path);
	CU_ASSERT_TRUE(tn_file_same(&one.file, &other.file));
	tn_file_finish(&other.file);
	read_path(&other, scratch_write(&other.scratch, "x.ini", 0600, "a", 1));
	CU_ASSERT_FALSE(tn_file_same(&one.file, &other.file));
	tear_down(&one);
	tear_down(&other);
}

static void one_that_was_never_read_can_be_finished(void)
{
	struct tn_file file = { 0 };

	tn_file_finish(&file);
	CU_ASSERT_PTR_NULL(file.text);
}

TEST_MAIN("deploy/file",
          TEST(a_file_is_read_with_its_name_and_status),
          TEST(an_empty_file_is_read),
          TEST(a_pipe_is_read_to_its_end),
          TEST(a_large_pipe_is_read_to_its_end),
          TEST(a_large_file_is_read_whole),
          TEST(a_file_beyond_all_measure_is_refused),
          TEST(a_device_without_an_end_is_refused),
          TEST(no_descriptor_stays_open),
          TEST(a_missing_file_is_no_input),
          TEST(a_directory_is_refused),
          TEST(root_refuses_what_others_may_write),
          TEST(an_unreadable_file_is_not_permitted),
          TEST(one_file_has_many_names),
          TEST(one_that_was_never_read_can_be_finished))
