#include "command/replace.h"

#include "../deploy/scratch.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <sysexits.h>

#define OLD "[host]\nprocesses = 1\n"
#define NEW "[host]\nprocesses = 22\n"
#define CHANGED "somebody else has changed it meanwhile: look at it, and try again"
#define WRITABLE "make it, and its directory, writable for this user, or run as another"

static const char *write_old(struct scratch *scratch, const char *name, mode_t mode)
{
	return scratch_write(scratch, name, mode, OLD, strlen(OLD));
}

static void check_content(const char *path, const char *expected)
{
	size_t size;
	char *text = scratch_read(path, &size);

	CHECK_TEXT(text, expected);
	free(text);
}

/* Hidden ones, too. */
static size_t count_files(const char *directory)
{
	DIR *stream = opendir(directory);
	struct dirent *entry;
	size_t count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	while ((entry = readdir(stream)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(stream);
	return count;
}

static mode_t mode_of(const char *path)
{
	struct stat status = { 0 };

	CHECK_NUMBER(stat(path, &status), 0);
	return status.st_mode & 07777;
}

static mode_t mode_of_open(int file)
{
	struct stat status = { 0 };

	CHECK_NUMBER(fstat(file, &status), 0);
	return status.st_mode & 07777;
}

static int replace(const char *path, const char *text, char *reason)
{
	struct tn_replacement replacement;
	int code = tn_replace_begin(&replacement, path, reason);

	if (!code)
		code = tn_replace_commit(&replacement, text, strlen(text), reason);
	tn_replace_finish(&replacement);
	return code;
}

static void expect_refusal(const char *path, int code, const char *expected)
{
	char reason[TN_REASON_SIZE] = "";

	CHECK_NUMBER(replace(path, NEW, reason), code);
	CHECK_TEXT(reason, expected);
}

/* ---- What is replaced ---------------------------------------------------------------------- */

static void a_file_is_replaced_whole_and_nothing_is_left(void)
{
	char reason[TN_REASON_SIZE] = "";
	struct scratch scratch;
	const char *path;

	scratch_begin(&scratch);
	path = write_old(&scratch, "x.ini", 0644);
	CHECK_NUMBER(replace(path, NEW, reason), 0);
	CHECK_TEXT(reason, "");
	check_content(path, NEW);
	CHECK_NUMBER(replace(path, "", reason), 0);
	check_content(path, "");
	CHECK_NUMBER(count_files(scratch.directory), 1);
	scratch_end(&scratch);
}

static void what_is_read_is_told(void)
{
	struct tn_replacement replacement;
	char reason[TN_REASON_SIZE];
	struct scratch scratch;
	const char *path;

	scratch_begin(&scratch);
	path = write_old(&scratch, "x.ini", 0644);
	CHECK_NUMBER(tn_replace_begin(&replacement, path, reason), 0);
	CHECK_TEXT(replacement.file.text, OLD);
	CHECK_NUMBER(replacement.file.size, strlen(OLD));
	CHECK_TEXT(replacement.file.path, path);
	tn_replace_finish(&replacement);
	tn_replace_finish(&replacement);
	replacement = (struct tn_replacement){ 0 };
	tn_replace_finish(&replacement);
	CHECK_NUMBER(fcntl(STDIN_FILENO, F_GETFD) >= 0, true);
	check_content(path, OLD);
	CHECK_NUMBER(count_files(scratch.directory), 1);
	scratch_end(&scratch);
}

static void a_name_without_a_directory_is_here(void)
{
	char reason[TN_REASON_SIZE];
	int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct scratch scratch;

	scratch_begin(&scratch);
	write_old(&scratch, "x.ini", 0644);
	CHECK_NUMBER(chdir(scratch.directory), 0);
	CHECK_NUMBER(replace("x.ini", NEW, reason), 0);
	check_content("x.ini", NEW);
	CHECK_NUMBER(count_files("."), 1);
	CHECK_NUMBER(fchdir(before), 0);
	close(before);
	scratch_end(&scratch);
}

static void a_symbolic_link_stays(void)
{
	char reason[TN_REASON_SIZE];
	char link[600], file[600];
	struct scratch scratch;
	struct stat status;

	scratch_begin(&scratch);
	snprintf(file, sizeof(file), "%s/there", scratch.directory);
	CHECK_NUMBER(mkdir(file, 0755), 0);
	snprintf(file, sizeof(file), "%s", write_old(&scratch, "there/x.ini", 0644));
	snprintf(link, sizeof(link), "%s/x.ini", scratch.directory);
	CHECK_NUMBER(symlink("there/x.ini", link), 0);
	CHECK_NUMBER(replace(link, NEW, reason), 0);
	CHECK_NUMBER(lstat(link, &status), 0);
	CU_ASSERT_TRUE(S_ISLNK(status.st_mode));
	CHECK_NUMBER(lstat(file, &status), 0);
	CU_ASSERT_TRUE(S_ISREG(status.st_mode));
	check_content(file, NEW);
	scratch_end(&scratch);
}

static void the_mode_stays(void)
{
	static const mode_t modes[] = { 0600, 0640, 0644, 0664, 0440, 0755 };
	char reason[TN_REASON_SIZE];
	mode_t mask = umask(077);
	struct scratch scratch;

	scratch_begin(&scratch);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		const char *path = write_old(&scratch, "x.ini", modes[i]);

		if (!(modes[i] & S_IWUSR) && geteuid() != 0)
			continue;
		CHECK_NUMBER(replace(path, NEW, reason), 0);
		CHECK_NUMBER(mode_of(path), modes[i]);
	}
	umask(mask);
	scratch_end(&scratch);
}

static void the_owner_stays(void)
{
	char reason[TN_REASON_SIZE];
	struct scratch scratch;
	struct stat status;
	const char *path;

	if (!is_root(__func__))
		return;
	scratch_begin(&scratch);
	path = write_old(&scratch, "x.ini", 0640);
	CHECK_NUMBER(chown(path, NOBODY, 12345), 0);
	CHECK_NUMBER(replace(path, NEW, reason), 0);
	check_content(path, NEW);
	CHECK_NUMBER(stat(path, &status), 0);
	CHECK_NUMBER(status.st_uid, NOBODY);
	CHECK_NUMBER(status.st_gid, 12345);
	CHECK_NUMBER(status.st_mode & 07777, 0640);
	scratch_end(&scratch);
}

/* Version 2: u::rw, u:65534:r, g::-, m::r, o::- */
static const unsigned char access_list[] = {
	2, 0, 0, 0,
	1, 0, 6, 0, 255, 255, 255, 255,
	2, 0, 4, 0, 254, 255, 0, 0,
	4, 0, 0, 0, 255, 255, 255, 255,
	16, 0, 4, 0, 255, 255, 255, 255,
	32, 0, 0, 0, 255, 255, 255, 255
};

static void the_access_list_stays(void)
{
	unsigned char list[sizeof(access_list) + 1];
	char reason[TN_REASON_SIZE];
	struct scratch scratch;
	const char *path;

	scratch_begin(&scratch);
	path = write_old(&scratch, "x.ini", 0600);
	if (setxattr(path, "system.posix_acl_access", access_list, sizeof(access_list), 0)) {
		printf("%s: skipped, the directory has no access lists\n", __func__);
	} else {
		CHECK_NUMBER(replace(path, NEW, reason), 0);
		CHECK_NUMBER(getxattr(path, "system.posix_acl_access", list, sizeof(list)),
		             sizeof(access_list));
		CU_ASSERT_EQUAL(memcmp(list, access_list, sizeof(access_list)), 0);
		CHECK_NUMBER(mode_of(path), 0640);
	}
	scratch_end(&scratch);
}

/* What the directory gives to new files is not the file's. */
static void no_access_list_comes(void)
{
	unsigned char list[sizeof(access_list) + 1];
	char reason[TN_REASON_SIZE];
	struct scratch scratch;
	const char *path;

	scratch_begin(&scratch);
	path = write_old(&scratch, "x.ini", 0640);
	if (setxattr(scratch.directory, "system.posix_acl_default", access_list,
	             sizeof(access_list), 0)) {
		printf("%s: skipped, the directory has no access lists\n", __func__);
	} else {
		CHECK_NUMBER(replace(path, NEW, reason), 0);
		CHECK_NUMBER(getxattr(path, "system.posix_acl_access", list, sizeof(list)), -1);
		CHECK_NUMBER(mode_of(path), 0640);
	}
	scratch_end(&scratch);
}

/* ---- Two at once --------------------------------------------------------------------------- */

static void a_second_one_is_refused_at_once(void)
{
	struct tn_replacement first;
	char reason[TN_REASON_SIZE];
	struct scratch scratch;
	const char *path;

	scratch_begin(&scratch);
	path = write_old(&scratch, "x.ini", 0644);
	CHECK_NUMBER(tn_replace_begin(&first, path, reason), 0);
	expect_refusal(path, EX_TEMPFAIL,
	               "another command is changing it: try again when that has ended");
	check_content(path, OLD);
	CHECK_NUMBER(tn_replace_commit(&first, NEW, strlen(NEW), reason), 0);
	tn_replace_finish(&first);
	CHECK_NUMBER(replace(path, OLD, reason), 0);
	CHECK_NUMBER(count_files(scratch.directory), 1);
	scratch_end(&scratch);
}

/* Adds one to the number in the file; false where it is to try again. */
static bool count_up(const char *path)
{
	struct tn_replacement replacement;
	char reason[TN_REASON_SIZE], text[32];
	int code = tn_replace_begin(&replacement, path, reason);

	if (!code) {
		snprintf(text, sizeof(text), "%ld", strtol(replacement.file.text, NULL, 10) + 1);
		code = tn_replace_commit(&replacement, text, strlen(text), reason);
	}
	tn_replace_finish(&replacement);
	if (code && code != EX_TEMPFAIL)
		_exit(code);
	return !code;
}

static _Noreturn void count_up_often(const char *path, int times)
{
	while (times) {
		if (count_up(path))
			times--;
		else
			sched_yield();
	}
	_exit(0);
}

static void no_change_is_lost_among_many(void)
{
	struct scratch scratch;
	const char *path;
	int status;

	scratch_begin(&scratch);
	path = scratch_write(&scratch, "number", 0644, "0", 1);
	fflush(NULL);
	for (int i = 0; i < 4; i++)
		if (!fork())
			count_up_often(path, 50);
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_TRUE(wait(&status) > 0);
		CHECK_NUMBER(status, 0);
	}
	check_content(path, "200");
	CHECK_NUMBER(count_files(scratch.directory), 1);
	scratch_end(&scratch);
}

/* ---- An editor meanwhile ------------------------------------------------------------------- */

static void write_in_place(struct scratch *scratch)
{
	scratch_write(scratch, "x.ini", 0644, "mine", 4);
}

static void append(struct scratch *scratch)
{
	scratch_write(scratch, "x.ini", 0644, OLD "more", strlen(OLD "more"));
}

static void write_as_many_bytes(struct scratch *scratch)
{
	scratch_write(scratch, "x.ini", 0644, "[host]\nprocesses = 9\n", strlen(OLD));
}

static void rename_another(struct scratch *scratch)
{
	char from[600];

	snprintf(from, sizeof(from), "%s", write_old(scratch, "y.ini", 0644));
	CHECK_NUMBER(rename(from, scratch_path(scratch, "x.ini")), 0);
}

static void change_mode(struct scratch *scratch)
{
	CHECK_NUMBER(chmod(scratch_path(scratch, "x.ini"), 0600), 0);
}

static void remove_it(struct scratch *scratch)
{
	CHECK_NUMBER(unlink(scratch_path(scratch, "x.ini")), 0);
}

static void check_meanwhile(void (*change)(struct scratch *scratch), const char *content)
{
	struct tn_replacement replacement;
	char reason[TN_REASON_SIZE];
	struct scratch scratch;

	scratch_begin(&scratch);
	CHECK_NUMBER(tn_replace_begin(&replacement, write_old(&scratch, "x.ini", 0644), reason), 0);
	change(&scratch);
	CHECK_NUMBER(tn_replace_commit(&replacement, NEW, strlen(NEW), reason), EX_TEMPFAIL);
	CHECK_TEXT(reason, CHANGED);
	tn_replace_finish(&replacement);
	CHECK_NUMBER(count_files(scratch.directory), content ? 1 : 0);
	if (content)
		check_content(scratch_path(&scratch, "x.ini"), content);
	scratch_end(&scratch);
}

static void what_changed_meanwhile_is_left(void)
{
	check_meanwhile(write_in_place, "mine");
	check_meanwhile(append, OLD "more");
	check_meanwhile(write_as_many_bytes, "[host]\nprocesses = 9\n");
	check_meanwhile(rename_another, OLD);
	check_meanwhile(change_mode, OLD);
	check_meanwhile(remove_it, NULL);
}

/* In the moment before the lock is had. */
static struct scratch *in_haste;

/* In the place of the C library's. */
int flock(int file, int operation)
{
	if (in_haste)
		rename_another(in_haste);
	return (int)syscall(SYS_flock, file, operation);
}

static void what_was_replaced_before_it_was_locked_is_left(void)
{
	struct scratch scratch;
	char path[600];

	scratch_begin(&scratch);
	snprintf(path, sizeof(path), "%s", write_old(&scratch, "x.ini", 0644));
	in_haste = &scratch;
	expect_refusal(path, EX_TEMPFAIL, "it was replaced in this moment: try again");
	in_haste = NULL;
	check_content(path, OLD);
	CHECK_NUMBER(count_files(scratch.directory), 1);
	scratch_end(&scratch);
}

/* ---- What is refused ----------------------------------------------------------------------- */

static void what_is_no_file_is_refused(void)
{
	static const char not_regular[] =
		"it is not a regular file: name the one that is to be changed";
	struct scratch scratch;

	scratch_begin(&scratch);
	expect_refusal(scratch.directory, EX_CONFIG, not_regular);
	CHECK_NUMBER(mkfifo(scratch_path(&scratch, "fifo"), 0600), 0);
	expect_refusal(scratch.path, EX_CONFIG, not_regular);
	expect_refusal("/dev/null", EX_CONFIG, not_regular);
	expect_refusal(scratch_path(&scratch, "none"), EX_NOINPUT, "No such file or directory");
	scratch_end(&scratch);
}

/* What a child tries. */
struct attempt {
	const char *path;
	char *reason; /* shared with the child */
};

static struct attempt make_attempt(const char *path)
{
	struct attempt attempt = { path, mmap(NULL, TN_REASON_SIZE, PROT_READ | PROT_WRITE,
		                              MAP_SHARED | MAP_ANONYMOUS, -1, 0) };

	CU_ASSERT_PTR_NOT_EQUAL_FATAL(attempt.reason, MAP_FAILED);
	return attempt;
}

static int make(void *argument)
{
	struct attempt *attempt = argument;

	return replace(attempt->path, NEW, attempt->reason);
}

static void end_attempt(const struct attempt *attempt, const char *expected)
{
	CHECK_TEXT(attempt->reason, expected);
	munmap(attempt->reason, TN_REASON_SIZE);
	check_content(attempt->path, OLD);
}

static void expect_refusal_of_nobody(const char *path, const char *expected)
{
	struct attempt attempt = make_attempt(path);

	CHECK_NUMBER(as_nobody(make, &attempt), EX_NOPERM);
	end_attempt(&attempt, expected);
}

static void without_permission_the_file_stays(void)
{
	struct scratch scratch;
	const char *path;

	if (!is_root(__func__))
		return;
	scratch_begin(&scratch);
	path = write_old(&scratch, "x.ini", 0644);
	expect_refusal_of_nobody(path, "it cannot be written: Permission denied: " WRITABLE);
	CHECK_NUMBER(chown(path, NOBODY, NOBODY), 0);
	expect_refusal_of_nobody(path,
	                         "no file can be made beside it: Permission denied: " WRITABLE);
	CHECK_NUMBER(chown(path, 0, 0), 0);
	CHECK_NUMBER(chmod(path, 0666), 0);
	CHECK_NUMBER(chmod(scratch.directory, 0777), 0);
	expect_refusal_of_nobody(path, "this user cannot keep its owner (0:0): Operation not "
	                               "permitted: run as the owner, or as root");
	CHECK_NUMBER(mode_of(path), 0666);
	CHECK_NUMBER(count_files(scratch.directory), 1);
	scratch_end(&scratch);
}

/* As on a full disk: a part of the text can be written, no more. */
static _Noreturn void make_without_room(struct attempt *attempt)
{
	struct rlimit limit = { 10, 10 };

	setrlimit(RLIMIT_FSIZE, &limit);
	_exit(make(attempt));
}

static void without_room_the_file_stays(void)
{
	struct scratch scratch;
	struct attempt attempt;
	int status = -1;

	scratch_begin(&scratch);
	attempt = make_attempt(write_old(&scratch, "x.ini", 0644));
	fflush(NULL);
	if (!fork())
		make_without_room(&attempt);
	CU_ASSERT_TRUE(wait(&status) > 0);
	CHECK_NUMBER(WEXITSTATUS(status), EX_IOERR);
	end_attempt(&attempt, "the file beside it cannot be written: File too large");
	CHECK_NUMBER(count_files(scratch.directory), 1);
	scratch_end(&scratch);
}

static void a_name_without_room_for_another_is_refused(void)
{
	struct scratch scratch;
	char name[251];

	memset(name, 'x', 250);
	name[250] = '\0';
	scratch_begin(&scratch);
	write_old(&scratch, name, 0644);
	expect_refusal(scratch.path, EX_IOERR,
	               "no file can be made beside it: File name too long");
	check_content(scratch.path, OLD);
	scratch_end(&scratch);
}

/* ---- A file that is to take a place -------------------------------------------------------- */

static void a_successor_is_its_owners_alone(void)
{
	struct tn_successor successor;
	char reason[TN_REASON_SIZE];
	mode_t mask = umask(0);
	struct scratch scratch;
	const char *path;

	scratch_begin(&scratch);
	path = scratch_path(&scratch, "a.secret");
	CHECK_NUMBER(tn_successor_write(&successor, path, NULL, "a\0b", 3, reason), 0);
	CHECK_NUMBER(mode_of_open(successor.file), 0600);
	CHECK_NUMBER(access(path, F_OK), -1);
	CHECK_NUMBER(tn_successor_rename(&successor, reason), 0);
	tn_successor_finish(&successor);
	CHECK_NUMBER(mode_of(path), 0600);
	umask(mask);
	CHECK_NUMBER(count_files(scratch.directory), 1);
	scratch_end(&scratch);
}

static void a_successor_has_at_most_the_bits_it_is_given(void)
{
	struct tn_successor successor;
	char reason[TN_REASON_SIZE];
	struct scratch scratch;
	struct tn_like like = { .most = 0770 };

	scratch_begin(&scratch);
	like.file = open(write_old(&scratch, "a", 0646), O_RDONLY | O_CLOEXEC);
	CHECK_NUMBER(tn_successor_write(&successor, scratch.path, &like, "", 0, reason), 0);
	CHECK_NUMBER(mode_of_open(successor.file), 0640);
	close(like.file);
	tn_successor_finish(&successor);
	tn_successor_finish(&successor);
	check_content(scratch.path, OLD);
	CHECK_NUMBER(count_files(scratch.directory), 1);
	scratch_end(&scratch);
}

static bool has_nameless_files(const char *directory)
{
	int file = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (file >= 0)
		close(file);
	return file >= 0;
}

/* So that nothing is left of it, whatever ends the program. */
static void a_successor_has_no_name_before_it_takes_the_place(void)
{
	struct tn_successor successor;
	char reason[TN_REASON_SIZE];
	struct scratch scratch;
	const char *path;

	scratch_begin(&scratch);
	path = write_old(&scratch, "a", 0600);
	if (!has_nameless_files(scratch.directory)) {
		printf("%s: skipped, the directory has no such files\n", __func__);
	} else {
		CHECK_NUMBER(tn_successor_write(&successor, path, NULL, NEW, strlen(NEW), reason),
		             0);
		CHECK_NUMBER(count_files(scratch.directory), 1);
		check_content(path, OLD);
		CHECK_NUMBER(tn_successor_rename(&successor, reason), 0);
		tn_successor_finish(&successor);
		CHECK_NUMBER(count_files(scratch.directory), 1);
		check_content(path, NEW);
	}
	scratch_end(&scratch);
}

static bool no_nameless_files;

/* In the place of the C library's. */
int access(const char *path, int mode)
{
	if (no_nameless_files && strcmp(path, "/proc/self/fd") == 0)
		return -1;
	return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

static void a_successor_has_a_hidden_name_where_it_must_have_one(void)
{
	struct tn_successor successor;
	char reason[TN_REASON_SIZE];
	struct scratch scratch;

	scratch_begin(&scratch);
	scratch_path(&scratch, "a.secret");
	no_nameless_files = true;
	CHECK_NUMBER(tn_successor_write(&successor, scratch.path, NULL, "a", 1, reason), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(successor.own_path);
	CHECK_NUMBER(mode_of(successor.own_path), 0600);
	CHECK_NUMBER(strncmp(strrchr(successor.own_path, '/'), "/.a.secret.", 11), 0);
	CHECK_NUMBER(tn_successor_place(&successor, reason), 0);
	tn_successor_finish(&successor);
	CHECK_NUMBER(count_files(scratch.directory), 1);
	CHECK_NUMBER(tn_successor_write(&successor, scratch.path, NULL, "b", 1, reason), 0);
	CHECK_NUMBER(tn_successor_rename(&successor, reason), 0);
	no_nameless_files = false;
	tn_successor_finish(&successor);
	check_content(scratch.path, "b");
	CHECK_NUMBER(count_files(scratch.directory), 1);
	scratch_end(&scratch);
}

static void a_successor_that_is_placed_replaces_nothing(void)
{
	struct tn_successor successor;
	char reason[TN_REASON_SIZE];
	struct scratch scratch;
	const char *path;

	scratch_begin(&scratch);
	path = scratch_path(&scratch, "a");
	CHECK_NUMBER(tn_successor_write(&successor, path, NULL, NEW, strlen(NEW), reason), 0);
	write_old(&scratch, "a", 0600);
	CHECK_NUMBER(tn_successor_place(&successor, reason), EX_TEMPFAIL);
	CHECK_TEXT(reason, "it was made in this moment: look at it, and try again");
	check_content(path, OLD);
	CHECK_NUMBER(unlink(path), 0);
	CHECK_NUMBER(tn_successor_place(&successor, reason), 0);
	tn_successor_finish(&successor);
	check_content(path, NEW);
	CHECK_NUMBER(count_files(scratch.directory), 1);
	scratch_end(&scratch);
}

/* The bits of such a mode are a mask: without the list they would let the group in. */
static void a_successor_with_fewer_bits_has_no_access_list(void)
{
	struct tn_like like = { .most = 0770 };
	struct tn_successor successor;
	char reason[TN_REASON_SIZE];
	struct scratch scratch;
	const char *path;

	scratch_begin(&scratch);
	path = write_old(&scratch, "a", 0600);
	if (setxattr(path, "system.posix_acl_access", access_list, sizeof(access_list), 0) ||
	    setxattr(scratch.directory, "system.posix_acl_default", access_list,
	             sizeof(access_list), 0)) {
		printf("%s: skipped, the directory has no access lists\n", __func__);
	} else {
		CHECK_NUMBER(mode_of(path), 0640);
		like.file = open(path, O_RDONLY | O_CLOEXEC);
		CHECK_NUMBER(tn_successor_write(&successor, path, &like, "", 0, reason), 0);
		CHECK_NUMBER(tn_successor_rename(&successor, reason), 0);
		tn_successor_finish(&successor);
		close(like.file);
		CHECK_NUMBER(getxattr(path, "system.posix_acl_access", NULL, 0), -1);
		CHECK_NUMBER(mode_of(path), 0600);
	}
	scratch_end(&scratch);
}

static void a_successor_that_cannot_be_written_is_none(void)
{
	const struct tn_like like = { -1, 0770 };
	struct tn_successor successor;
	char reason[TN_REASON_SIZE];
	struct scratch scratch;

	scratch_begin(&scratch);
	scratch_path(&scratch, "a");
	CHECK_NUMBER(tn_successor_write(&successor, scratch.path, &like, "", 0, reason), EX_IOERR);
	CHECK_TEXT(reason, "Bad file descriptor");
	CHECK_NUMBER(successor.file, -1);
	CHECK_NUMBER(count_files(scratch.directory), 0);
	scratch_end(&scratch);
}

/* ---- Signals ------------------------------------------------------------------------------- */

static void a_signal_waits_until_nothing_would_be_left(void)
{
	sigset_t before = tn_replace_hold_signals();
	sigset_t pending, after;

	raise(SIGINT);
	raise(SIGTERM);
	raise(SIGHUP);
	sigpending(&pending);
	CU_ASSERT_TRUE(sigismember(&pending, SIGINT) && sigismember(&pending, SIGTERM) &&
	               sigismember(&pending, SIGHUP));
	signal(SIGINT, SIG_IGN); /* which drops what is pending */
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigprocmask(SIG_SETMASK, &before, &after);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	CU_ASSERT_FALSE(sigismember(&before, SIGTERM));
}

static void signals_come_again_after_a_replacement(void)
{
	char reason[TN_REASON_SIZE];
	struct scratch scratch;
	sigset_t mask;

	scratch_begin(&scratch);
	CHECK_NUMBER(replace(write_old(&scratch, "x.ini", 0644), NEW, reason), 0);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	CU_ASSERT_FALSE(sigismember(&mask, SIGTERM) || sigismember(&mask, SIGINT));
	scratch_end(&scratch);
}

TEST_MAIN("command/replace",
          TEST(a_file_is_replaced_whole_and_nothing_is_left),
          TEST(what_is_read_is_told),
          TEST(a_name_without_a_directory_is_here),
          TEST(a_symbolic_link_stays),
          TEST(the_mode_stays),
          TEST(the_owner_stays),
          TEST(the_access_list_stays),
          TEST(no_access_list_comes),
          TEST(a_second_one_is_refused_at_once),
          TEST(no_change_is_lost_among_many),
          TEST(what_changed_meanwhile_is_left),
          TEST(what_was_replaced_before_it_was_locked_is_left),
          TEST(what_is_no_file_is_refused),
          TEST(without_permission_the_file_stays),
          TEST(without_room_the_file_stays),
          TEST(a_name_without_room_for_another_is_refused),
          TEST(a_successor_is_its_owners_alone),
          TEST(a_successor_has_at_most_the_bits_it_is_given),
          TEST(a_successor_has_no_name_before_it_takes_the_place),
          TEST(a_successor_has_a_hidden_name_where_it_must_have_one),
          TEST(a_successor_that_is_placed_replaces_nothing),
          TEST(a_successor_with_fewer_bits_has_no_access_list),
          TEST(a_successor_that_cannot_be_written_is_none),
          TEST(a_signal_waits_until_nothing_would_be_left),
          TEST(signals_come_again_after_a_replacement))
