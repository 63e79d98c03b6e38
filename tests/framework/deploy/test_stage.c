#include "deploy/stage.h"

#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <xxhash.h>

#define AUTH "plugins/auth.so"

/* A stage in a directory of the test's own. */
struct fixture {
	struct scratch scratch;
	struct tn_stage *stage;
	char reason[TN_REASON_SIZE];
};

static struct tn_stage *create(struct fixture *fixture)
{
	*fixture->reason = '\0';
	setenv("TMPDIR", fixture->scratch.directory, 1);
	unsetenv("RUNTIME_DIRECTORY");
	return tn_stage_create(fixture->reason);
}

static void begin(struct fixture *fixture)
{
	unsetenv("TMPDIR");
	scratch_begin(&fixture->scratch);
	CU_ASSERT_EQUAL_FATAL(chmod(fixture->scratch.directory, 0700), 0);
	fixture->stage = create(fixture);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->stage);
}

static void end(struct fixture *fixture)
{
	tn_stage_destroy(fixture->stage);
	unsetenv("TMPDIR");
	scratch_end(&fixture->scratch);
}

static const struct tn_stage_copy *copy(struct fixture *fixture, const char *path)
{
	const struct tn_stage_copy *copy = tn_stage_copy(fixture->stage, path, fixture->reason);

	if (!copy)
		printf("%s: %s\n", path, fixture->reason);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	return copy;
}

static void refuse(struct fixture *fixture, const char *path, const char *expected)
{
	*fixture->reason = '\0';
	CU_ASSERT_PTR_NULL(tn_stage_copy(fixture->stage, path, fixture->reason));
	CU_ASSERT_PTR_NOT_NULL(strstr(fixture->reason, expected));
	if (!strstr(fixture->reason, expected))
		printf("\tthe reason is: %s\n", fixture->reason);
}

static bool same_bytes(const char *one, const char *other)
{
	size_t size, other_size;
	char *data = scratch_read(one, &size), *other_data = scratch_read(other, &other_size);
	bool same = size == other_size && memcmp(data, other_data, size) == 0;

	free(data);
	free(other_data);
	return same;
}

static unsigned entries_of(const char *directory)
{
	DIR *list = opendir(directory);
	unsigned count = 0;
	struct dirent *entry;

	CU_ASSERT_PTR_NOT_NULL_FATAL(list);
	while ((entry = readdir(list)))
		count += *entry->d_name != '.';
	closedir(list);
	return count;
}

static const char *put(struct fixture *fixture, const char *from, const char *name)
{
	size_t size;
	char path[2 * PATH_MAX];
	char *data;

	snprintf(path, sizeof(path), "%s", built(from));
	data = scratch_read(path, &size);
	scratch_write(&fixture->scratch, name, 0644, data, size);
	free(data);
	return fixture->scratch.path;
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	CU_ASSERT_EQUAL_FATAL(stat(path, &status), 0);
	return status.st_mode & 07777;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* ---- Copies -------------------------------------------------------------------------------- */

static void a_copy_has_the_bytes_the_name_and_no_way_to_write(void)
{
	struct fixture fixture;
	const struct tn_stage_copy *made;
	mode_t mask;
	char expected[1024];

	begin(&fixture);
	mask = umask(077);
	made = copy(&fixture, built(AUTH));
	umask(mask);
	CU_ASSERT(same_bytes(made->path, built(AUTH)));
	CHECK_NUMBER(strspn(made->version, "0123456789abcdef"), 16);
	snprintf(expected, sizeof(expected), "%s/auth-%s/auth.so",
	         tn_stage_directory(fixture.stage), made->version);
	CHECK_TEXT(made->path, expected);
	CHECK_NUMBER(mode_of(made->path), 0555);
	CHECK_NUMBER(mode_of(made->directory), 0755);
	CHECK_NUMBER(mode_of(tn_stage_directory(fixture.stage)), 0700);
	end(&fixture);
}

static void the_version_is_the_hash_of_the_content(void)
{
	struct fixture fixture;
	char expected[32];
	size_t size;
	char *data = scratch_read(built(AUTH), &size);

	begin(&fixture);
	snprintf(expected, sizeof(expected), "%016llx",
	         (unsigned long long)XXH3_128bits(data, size).high64);
	CHECK_TEXT(copy(&fixture, built(AUTH))->version, expected);
	free(data);
	end(&fixture);
}

static void the_same_file_by_any_path_is_copied_once(void)
{
	struct fixture fixture;
	const struct tn_stage_copy *made;

	begin(&fixture);
	made = copy(&fixture, put(&fixture, AUTH, "one.so"));
	CU_ASSERT_PTR_EQUAL(copy(&fixture, fixture.scratch.path), made);
	CHECK_NUMBER(symlink("one.so", scratch_path(&fixture.scratch, "link.so")), 0);
	CU_ASSERT_PTR_EQUAL(copy(&fixture, fixture.scratch.path), made);
	CHECK_NUMBER(entries_of(tn_stage_directory(fixture.stage)), 1);
	end(&fixture);
}

/* As the dynamic loader has it: what is static in one is not the other's. */
static void two_files_of_the_same_content_are_two_copies(void)
{
	struct fixture fixture;
	const struct tn_stage_copy *one, *other;

	begin(&fixture);
	CHECK_NUMBER(mkdir(scratch_path(&fixture.scratch, "a"), 0700), 0);
	CHECK_NUMBER(mkdir(scratch_path(&fixture.scratch, "b"), 0700), 0);
	one = copy(&fixture, put(&fixture, AUTH, "a/x.so"));
	other = copy(&fixture, put(&fixture, AUTH, "b/x.so"));
	CU_ASSERT_NOT_EQUAL(strcmp(one->path, other->path), 0);
	CHECK_TEXT(one->version, other->version);
	CHECK_TEXT(strrchr(other->path, '/'), "/x.so");
	end(&fixture);
}

static void another_content_is_another_copy(void)
{
	struct fixture fixture;
	const struct tn_stage_copy *one, *other;

	begin(&fixture);
	one = copy(&fixture, put(&fixture, AUTH, "x.so"));
	other = copy(&fixture, put(&fixture, "plugins/gateway.so", "x.so")); /* the same inode */
	CU_ASSERT_NOT_EQUAL(strcmp(one->version, other->version), 0);
	CU_ASSERT_NOT_EQUAL(strcmp(one->path, other->path), 0);
	CU_ASSERT(same_bytes(one->path, built(AUTH)));
	CU_ASSERT(same_bytes(other->path, built("plugins/gateway.so")));
	end(&fixture);
}

static void what_is_no_module_is_refused_and_leaves_nothing(void)
{
	struct fixture fixture;
	size_t size;
	char *data = scratch_read(built(AUTH), &size);

	begin(&fixture);
	refuse(&fixture, "/none.so", "there is no such file");
	refuse(&fixture, "/dev/null", "it is no regular file");
	refuse(&fixture, "/tmp", "it is a directory");
	scratch_write(&fixture.scratch, "cut.so", 0644, data, size - 1);
	refuse(&fixture, fixture.scratch.path, "it is truncated");
	CHECK_NUMBER(entries_of(tn_stage_directory(fixture.stage)), 0);
	free(data);
	end(&fixture);
}

static void without_room_it_says_so_and_leaves_nothing(void)
{
	struct fixture fixture;
	struct rlimit before, limit;

	begin(&fixture);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 1000;
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
	*fixture.reason = '\0';
	CU_ASSERT_PTR_NULL(tn_stage_copy(fixture.stage, built(AUTH), fixture.reason));
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	CU_ASSERT_PTR_NOT_NULL(strstr(fixture.reason, "it cannot be copied to '"));
	CU_ASSERT_PTR_NOT_NULL(strstr(fixture.reason, ": File too large: make room there, or set "
	                                              "TMPDIR to another directory"));
	CHECK_NUMBER(entries_of(tn_stage_directory(fixture.stage)), 0);
	copy(&fixture, built(AUTH)); /* and with room it goes on */
	end(&fixture);
}

/* ---- $ORIGIN ------------------------------------------------------------------------------- */

static void put_origin(struct fixture *fixture)
{
	static const char *const files[] = {
		"runpath.so", "rpath.so", "lib/libnear.so", "lib/libplain.so", "more/libfar.so"
	};

	CHECK_NUMBER(mkdir(scratch_path(&fixture->scratch, "lib"), 0700), 0);
	CHECK_NUMBER(mkdir(scratch_path(&fixture->scratch, "more"), 0700), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char from[256];

		snprintf(from, sizeof(from), "tests/fixtures/origin/%s", files[i]);
		put(fixture, from, files[i]);
	}
}

/* The copy of a file that lies beside the module. */
static const char *beside(const struct fixture *fixture, const struct tn_stage_copy *made,
                          const char *name)
{
	static char path[2048];

	snprintf(path, sizeof(path), "%s%s/%s", made->directory, fixture->scratch.directory, name);
	return path;
}

static void check_laid_out(const char *module, const char *library, const char *not_needed)
{
	struct fixture fixture;
	const struct tn_stage_copy *made;

	begin(&fixture);
	put_origin(&fixture);
	made = copy(&fixture, scratch_path(&fixture.scratch, module));
	CHECK_TEXT(made->path, beside(&fixture, made, module));
	CU_ASSERT(same_bytes(beside(&fixture, made, library),
	                     scratch_path(&fixture.scratch, library)));
	CU_ASSERT(same_bytes(beside(&fixture, made, "more/libfar.so"),
	                     scratch_path(&fixture.scratch, "more/libfar.so")));
	CHECK_NUMBER(mode_of(beside(&fixture, made, "more/libfar.so")), 0555);
	CU_ASSERT_FALSE(exists(beside(&fixture, made, not_needed)));
	end(&fixture);
}

static void what_a_runpath_finds_is_laid_out_beside_it(void)
{
	check_laid_out("runpath.so", "lib/libnear.so", "lib/libplain.so");
}

static void the_rpath_of_a_module_is_for_what_it_needs_too(void)
{
	check_laid_out("rpath.so", "lib/libplain.so", "lib/libnear.so");
}

static void a_relative_path_is_laid_out_as_well(void)
{
	struct fixture fixture;
	const struct tn_stage_copy *made;
	char before[PATH_MAX];

	begin(&fixture);
	put_origin(&fixture);
	CU_ASSERT_FATAL(getcwd(before, sizeof(before)) != NULL);
	CHECK_NUMBER(chdir(scratch_path(&fixture.scratch, "lib")), 0);
	made = copy(&fixture, "../runpath.so");
	CHECK_NUMBER(chdir(before), 0);
	CU_ASSERT(exists(made->path));
	CU_ASSERT(exists(beside(&fixture, made, "more/libfar.so")));
	end(&fixture);
}

/* Else a reload would not see that something is new. */
static void the_version_changes_with_a_library(void)
{
	struct fixture fixture;
	const struct tn_stage_copy *made;
	char version[TN_MODULE_VERSION_SIZE];

	begin(&fixture);
	put_origin(&fixture);
	snprintf(version, sizeof(version), "%s",
	         copy(&fixture, scratch_path(&fixture.scratch, "runpath.so"))->version);
	put(&fixture, "plugins/application.so", "more/libfar.so");
	made = copy(&fixture, scratch_path(&fixture.scratch, "runpath.so"));
	CU_ASSERT_NOT_EQUAL(strcmp(made->version, version), 0);
	end(&fixture);
}

/* The dynamic loader would die of it. */
static void a_library_that_is_cut_off_is_named(void)
{
	struct fixture fixture;

	begin(&fixture);
	put_origin(&fixture);
	CHECK_NUMBER(truncate(scratch_path(&fixture.scratch, "more/libfar.so"), 5000), 0);
	refuse(&fixture, scratch_path(&fixture.scratch, "runpath.so"), "it needs '");
	CU_ASSERT_PTR_NOT_NULL(strstr(fixture.reason, "/lib/../more/libfar.so': it is truncated"));
	CHECK_NUMBER(entries_of(tn_stage_directory(fixture.stage)), 0);
	end(&fixture);
}

/* ---- The directory ------------------------------------------------------------------------- */

static void the_end_removes_it(void)
{
	struct fixture fixture;

	begin(&fixture);
	copy(&fixture, built(AUTH));
	tn_stage_destroy(fixture.stage);
	CHECK_NUMBER(entries_of(fixture.scratch.directory), 0);
	tn_stage_destroy(NULL);
	fixture.stage = create(&fixture);
	end(&fixture);
}

/* Runs it in a child; the status of its end. */
static int in_child(void (*run)(struct fixture *fixture), struct fixture *fixture)
{
	int status = -1;
	pid_t process;

	fflush(NULL);
	process = fork();
	if (process == 0) {
		run(fixture);
		_exit(0);
	}
	waitpid(process, &status, 0);
	return status;
}

static void exit_with_a_stage(struct fixture *fixture)
{
	struct tn_stage *stage = create(fixture);

	if (!stage || !tn_stage_copy(stage, built(AUTH), fixture->reason))
		_exit(1);
	exit(3);
}

static void exit_removes_it(void)
{
	struct fixture fixture;

	begin(&fixture);
	CHECK_NUMBER(WEXITSTATUS(in_child(exit_with_a_stage, &fixture)), 3);
	CHECK_NUMBER(entries_of(fixture.scratch.directory), 1);
	end(&fixture);
}

static void exit_plainly(struct fixture *fixture)
{
	(void)fixture;
	exit(4);
}

static void destroy(struct fixture *fixture)
{
	tn_stage_destroy(fixture->stage);
}

/* A Worker may fork, and its child exit. */
static void a_child_does_not_remove_its_parents(void)
{
	struct fixture fixture;
	const struct tn_stage_copy *made;

	begin(&fixture);
	made = copy(&fixture, built(AUTH));
	CHECK_NUMBER(WEXITSTATUS(in_child(exit_plainly, &fixture)), 4);
	CHECK_NUMBER(in_child(destroy, &fixture), 0);
	CU_ASSERT(exists(made->path));
	end(&fixture);
}

static void die_with_a_stage(struct fixture *fixture)
{
	struct tn_stage *stage = create(fixture);

	if (stage && tn_stage_copy(stage, built(AUTH), fixture->reason))
		kill(getpid(), SIGKILL);
}

static void what_was_left_by_the_dead_is_removed_and_nothing_else(void)
{
	static const char *const others[] = { "tenon-modules-x", "tenon-modules-abcdefg",
		                              "tenon-modulesabcdef", "tenon-modules-open00" };
	struct fixture fixture;
	struct tn_stage *next;
	const struct tn_stage_copy *made;

	begin(&fixture);
	made = copy(&fixture, built(AUTH));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CHECK_NUMBER(mkdir(scratch_path(&fixture.scratch, others[i]), 0700), 0);
	CHECK_NUMBER(chmod(fixture.scratch.path, 0755), 0);
	scratch_write(&fixture.scratch, "tenon-modules-afile0", 0600, "", 0);
	CHECK_NUMBER(symlink("/tmp", scratch_path(&fixture.scratch, "tenon-modules-alink0")), 0);
	CHECK_NUMBER(WTERMSIG(in_child(die_with_a_stage, &fixture)), SIGKILL);
	CHECK_NUMBER(entries_of(fixture.scratch.directory), 8);
	next = create(&fixture);
	CHECK_NUMBER(entries_of(fixture.scratch.directory), 8); /* one is gone, and one is new */
	CU_ASSERT(exists(made->path));
	tn_stage_destroy(next);
	CHECK_NUMBER(entries_of(fixture.scratch.directory), 7);
	end(&fixture);
}

static void what_another_holds_is_left(void)
{
	struct fixture fixture;
	int held;

	begin(&fixture);
	CHECK_NUMBER(mkdir(scratch_path(&fixture.scratch, "tenon-modules-abcdef"), 0700), 0);
	held = open(fixture.scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_NUMBER(flock(held, LOCK_SH), 0);
	tn_stage_destroy(create(&fixture));
	CU_ASSERT(exists(fixture.scratch.path));
	close(held);
	tn_stage_destroy(create(&fixture));
	CU_ASSERT_FALSE(exists(fixture.scratch.path));
	end(&fixture);
}

/* ---- Where --------------------------------------------------------------------------------- */

static void check_place(struct fixture *fixture, const char *runtime, const char *temporary,
                        const char *expected)
{
	char begin[1200];
	struct tn_stage *stage;

	setenv("RUNTIME_DIRECTORY", runtime, 1);
	setenv("TMPDIR", temporary, 1);
	stage = tn_stage_create(fixture->reason);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stage);
	snprintf(begin, sizeof(begin), "%.*s", (int)strlen(expected), tn_stage_directory(stage));
	CHECK_TEXT(begin, expected);
	tn_stage_destroy(stage);
	unsetenv("RUNTIME_DIRECTORY");
}

static void the_first_place_that_can_be_used_is_taken(void)
{
	struct fixture fixture;
	char one[512], both[1200];

	begin(&fixture);
	snprintf(one, sizeof(one), "%s", scratch_path(&fixture.scratch, "one"));
	CHECK_NUMBER(mkdir(one, 0700), 0);
	snprintf(both, sizeof(both), "%s:/none", one);
	check_place(&fixture, one, "/tmp", one);
	check_place(&fixture, both, "/tmp", one);
	check_place(&fixture, "/none", one, one);
	check_place(&fixture, "", one, one);
	check_place(&fixture, "", "/none", "/tmp/tenon-modules-");
	check_place(&fixture, "", "", "/tmp/tenon-modules-");
	CHECK_NUMBER(chmod(one, 0777), 0);
	check_place(&fixture, one, fixture.scratch.directory, fixture.scratch.directory);
	CHECK_NUMBER(chmod(one, 01777), 0);
	check_place(&fixture, one, fixture.scratch.directory, one);
	end(&fixture);
}

/* What is set relative to a directory must hold after a chdir, too. */
static void a_relative_place_becomes_absolute(void)
{
	struct fixture fixture;
	char before[PATH_MAX];

	begin(&fixture);
	CU_ASSERT_FATAL(getcwd(before, sizeof(before)) != NULL);
	CHECK_NUMBER(chdir(fixture.scratch.directory), 0);
	check_place(&fixture, "", ".", fixture.scratch.directory);
	CHECK_NUMBER(chdir(before), 0);
	end(&fixture);
}

/* ---- For another user ---------------------------------------------------------------------- */

static bool reaches(const void *argument, const char *directory)
{
	const char *refused = argument;

	CHECK_NUMBER(access(directory, F_OK), 0);
	return !refused || strncmp(directory, refused, strlen(refused)) != 0;
}

static int use_copy(void *path)
{
	char name[2 * PATH_MAX];
	const char *last = strrchr(path, '/');

	snprintf(name, sizeof(name), "%.*s/new", (int)(last - (char *)path), (char *)path);
	if (access(path, R_OK | X_OK) < 0 || access(path, W_OK) == 0)
		return 1;
	return chmod(path, 0777) == 0 || unlink(path) == 0 || mkdir(name, 0700) == 0 ? 2 : 0;
}

static void its_group_may_read_and_nobody_write(void)
{
	const struct tn_stage_reader reader = { .group = NOBODY, .reaches = reaches };
	struct fixture fixture;
	struct tn_stage *stage;
	const struct tn_stage_copy *made;
	struct stat status;
	mode_t mask;

	if (!is_root(__func__))
		return;
	begin(&fixture);
	CHECK_NUMBER(chmod(fixture.scratch.directory, 0755), 0);
	mask = umask(077);
	stage = tn_stage_create_for(&reader, fixture.reason);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stage);
	made = tn_stage_copy(stage, built("tests/fixtures/origin/runpath.so"), fixture.reason);
	CU_ASSERT_PTR_NOT_NULL_FATAL(made);
	umask(mask);
	CHECK_NUMBER(stat(tn_stage_directory(stage), &status), 0);
	CHECK_NUMBER(status.st_mode & 07777, 0750);
	CHECK_NUMBER(status.st_uid, 0);
	CHECK_NUMBER(status.st_gid, NOBODY);
	CHECK_NUMBER(as_nobody(use_copy, (void *)(uintptr_t)made->path), 0);
	tn_stage_destroy(stage);
	end(&fixture);
}

static void where_the_reader_does_not_come_it_does_not_go(void)
{
	struct fixture fixture;
	char one[512];
	struct tn_stage *stage;

	begin(&fixture);
	snprintf(one, sizeof(one), "%s", scratch_path(&fixture.scratch, "one"));
	CHECK_NUMBER(mkdir(one, 0700), 0);
	setenv("RUNTIME_DIRECTORY", one, 1);
	stage = tn_stage_create_for(
		&(struct tn_stage_reader){
			.group = (gid_t)-1, .reaches = reaches, .argument = one },
		fixture.reason);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stage);
	CU_ASSERT_PTR_NULL(strstr(tn_stage_directory(stage), "/one/"));
	CHECK_NUMBER(mode_of(tn_stage_directory(stage)), 0700);
	CHECK_NUMBER(entries_of(one), 0);
	tn_stage_destroy(stage);
	CU_ASSERT_PTR_NULL(tn_stage_create_for(
		&(struct tn_stage_reader){ .reaches = reaches, .argument = "/" }, fixture.reason));
	CU_ASSERT_PTR_NOT_NULL(strstr(fixture.reason, "the host processes cannot reach it"));
	unsetenv("RUNTIME_DIRECTORY");
	end(&fixture);
}

static void what_a_group_could_read_is_swept_too(void)
{
	struct fixture fixture;
	char left[512];

	begin(&fixture);
	snprintf(left, sizeof(left), "%s", scratch_path(&fixture.scratch, "tenon-modules-abcdef"));
	CHECK_NUMBER(mkdir(left, 0750), 0);
	CHECK_NUMBER(chmod(left, 0750), 0);
	tn_stage_destroy(create(&fixture));
	CU_ASSERT_FALSE(exists(left));
	end(&fixture);
}

static void root_does_not_go_where_another_may_exchange_it(void)
{
	struct fixture fixture;
	char one[512];

	if (!is_root(__func__))
		return;
	begin(&fixture);
	snprintf(one, sizeof(one), "%s", scratch_path(&fixture.scratch, "one"));
	CHECK_NUMBER(mkdir(one, 0700), 0);
	CHECK_NUMBER(chown(one, NOBODY, NOBODY), 0);
	check_place(&fixture, one, "/tmp", "/tmp/tenon-modules-");
	CHECK_NUMBER(chown(one, 0, 0), 0);
	check_place(&fixture, one, "/tmp", one);
	CHECK_NUMBER(chmod(fixture.scratch.directory, 0777), 0);
	check_place(&fixture, one, "/tmp", "/tmp/tenon-modules-");
	end(&fixture);
}

/* ---- In a file system of its own ----------------------------------------------------------- */

#define NOT_PERMITTED 99

/* For the process alone: it is a child. */
static void mount_over(const char *path, unsigned long flags, const char *options)
{
	if (unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) < 0 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", path, "tmpfs", flags, options) < 0)
		_exit(NOT_PERMITTED);
}

static void check_child(void (*run)(struct fixture *fixture), const char *test)
{
	struct fixture fixture;
	int status;

	begin(&fixture);
	status = in_child(run, &fixture);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_PERMITTED)
		printf("%s: skipped, it may not mount\n", test);
	else
		CHECK_NUMBER(status, 0);
	end(&fixture);
}

static void require(bool condition, const char *reason)
{
	if (condition)
		return;
	printf("the reason is: %s\n", reason);
	fflush(stdout);
	_exit(1);
}

static void fill_up(struct fixture *fixture)
{
	const struct tn_stage_copy *made;
	struct tn_stage *stage;
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s", built(AUTH));
	mount_over(fixture->scratch.directory, 0, "size=16k");
	stage = create(fixture);
	require(stage, fixture->reason);
	made = tn_stage_copy(stage, path, fixture->reason);
	require(!made && strstr(fixture->reason, ": No space left on device: make room there"),
	        fixture->reason);
	require(entries_of(tn_stage_directory(stage)) == 0, "something is left");
}

static void a_full_file_system_is_told(void)
{
	check_child(fill_up, "a_full_file_system_is_told");
}

static void choose_beside_noexec(struct fixture *fixture)
{
	const char *one = scratch_path(&fixture->scratch, "one");
	struct tn_stage *stage;

	require(mkdir(one, 0700) == 0, "mkdir");
	mount_over(one, MS_NOEXEC, "");
	setenv("RUNTIME_DIRECTORY", one, 1);
	stage = tn_stage_create(fixture->reason);
	require(stage, fixture->reason);
	require(strstr(tn_stage_directory(stage), "/one/") == NULL, "it is there");
	tn_stage_destroy(stage);
}

static void where_no_code_may_be_mapped_it_does_not_go(void)
{
	check_child(choose_beside_noexec, "where_no_code_may_be_mapped_it_does_not_go");
}

static void find_none(struct fixture *fixture)
{
	mount_over("/tmp", MS_NOEXEC, "");
	unsetenv("RUNTIME_DIRECTORY");
	setenv("TMPDIR", "/nowhere", 1);
	require(!tn_stage_create(fixture->reason), "there is a place");
	require(strcmp(fixture->reason,
	               "modules are loaded from private copies, and there is no place for them: "
	               "set TMPDIR to a directory that this user may write, of a file system that "
	               "is not mounted noexec (/nowhere: No such file or directory; /tmp: its "
	               "file system is mounted noexec)") == 0,
	        fixture->reason);
}

static void without_any_place_each_is_named_with_the_cure(void)
{
	check_child(find_none, "without_any_place_each_is_named_with_the_cure");
}

TEST_MAIN("deploy/stage",
          TEST(a_copy_has_the_bytes_the_name_and_no_way_to_write),
          TEST(the_version_is_the_hash_of_the_content),
          TEST(the_same_file_by_any_path_is_copied_once),
          TEST(two_files_of_the_same_content_are_two_copies),
          TEST(another_content_is_another_copy),
          TEST(what_is_no_module_is_refused_and_leaves_nothing),
          TEST(without_room_it_says_so_and_leaves_nothing),
          TEST(what_a_runpath_finds_is_laid_out_beside_it),
          TEST(the_rpath_of_a_module_is_for_what_it_needs_too),
          TEST(a_relative_path_is_laid_out_as_well),
          TEST(the_version_changes_with_a_library),
          TEST(a_library_that_is_cut_off_is_named),
          TEST(the_end_removes_it),
          TEST(exit_removes_it),
          TEST(a_child_does_not_remove_its_parents),
          TEST(what_was_left_by_the_dead_is_removed_and_nothing_else),
          TEST(its_group_may_read_and_nobody_write),
          TEST(where_the_reader_does_not_come_it_does_not_go),
          TEST(what_a_group_could_read_is_swept_too),
          TEST(root_does_not_go_where_another_may_exchange_it),
          TEST(what_another_holds_is_left),
          TEST(the_first_place_that_can_be_used_is_taken),
          TEST(a_relative_place_becomes_absolute),
          TEST(a_full_file_system_is_told),
          TEST(where_no_code_may_be_mapped_it_does_not_go),
          TEST(without_any_place_each_is_named_with_the_cure))
