#include "deploy/trust.h"

#include "deploy/elf.h"
#include "deploy/file.h"

#include "scratch.h"

struct fixture {
	struct scratch scratch;
	char real[512]; /* of the directory */
	char reason[TN_REASON_SIZE];
};

/* A file in a directory of its own: DIRECTORY/in/x. */
static bool begin(struct fixture *fixture, const char *test)
{
	char *real;

	if (!is_root(test))
		return false;
	scratch_begin(&fixture->scratch);
	real = realpath(fixture->scratch.directory, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(real);
	snprintf(fixture->real, sizeof(fixture->real), "%s", real);
	free(real);
	CHECK_NUMBER(mkdir(scratch_path(&fixture->scratch, "in"), 0755), 0);
	scratch_write(&fixture->scratch, "in/x", 0644, "x", 1);
	return true;
}

static const char *path(struct fixture *fixture, const char *name)
{
	return scratch_path(&fixture->scratch, name);
}

static void accept(struct fixture *fixture, const char *name)
{
	*fixture->reason = '\0';
	CU_ASSERT(tn_trust_path(path(fixture, name), fixture->reason));
	CHECK_TEXT(fixture->reason, "");
}

/* The reason, and the path below the directory with which it ends. */
static void refuse(struct fixture *fixture, const char *name, const char *why, const char *end)
{
	char expected[1024];

	*fixture->reason = '\0';
	CU_ASSERT_FALSE(tn_trust_path(path(fixture, name), fixture->reason));
	snprintf(expected, sizeof(expected), "%s%s%s", why, fixture->real, end);
	CHECK_TEXT(fixture->reason, expected);
}

#define EXCHANGED "others may put their own in its place, and this is root: chmod o-w "
#define PUT "another user has put it where all may write, and this is root: chown root "

static void what_only_root_can_exchange_is_trusted(void)
{
	struct fixture fixture;

	if (!begin(&fixture, __func__))
		return;
	accept(&fixture, "in/x");
	accept(&fixture, "in");
	accept(&fixture, "in/none");
	CHECK_NUMBER(chown(path(&fixture, "in/x"), NOBODY, NOBODY), 0); /* root has allowed it */
	CHECK_NUMBER(chmod(path(&fixture, "in"), 0775), 0);
	accept(&fixture, "in/x");
	scratch_end(&fixture.scratch);
}

static void a_directory_open_to_all_is_not(void)
{
	struct fixture fixture;

	if (!begin(&fixture, __func__))
		return;
	CHECK_NUMBER(chmod(path(&fixture, "in"), 0777), 0);
	refuse(&fixture, "in/x", EXCHANGED, "/in");
	CHECK_NUMBER(chmod(path(&fixture, "in"), 0755), 0);
	CHECK_NUMBER(chmod(fixture.scratch.directory, 0757), 0); /* further above */
	refuse(&fixture, "in/x", EXCHANGED, "");
	scratch_end(&fixture.scratch);
}

static void behind_the_sticky_bit_the_owner_counts(void)
{
	struct fixture fixture;

	if (!begin(&fixture, __func__))
		return;
	CHECK_NUMBER(chmod(path(&fixture, "in"), 01777), 0);
	accept(&fixture, "in/x");
	CHECK_NUMBER(chown(path(&fixture, "in/x"), NOBODY, NOBODY), 0);
	refuse(&fixture, "in/x", PUT, "/in/x");
	CHECK_NUMBER(chown(path(&fixture, "in"), NOBODY, NOBODY), 0); /* it is his directory */
	accept(&fixture, "in/x");
	scratch_end(&fixture.scratch);
}

static void a_link_is_where_it_lies_and_where_it_leads(void)
{
	struct fixture fixture;

	if (!begin(&fixture, __func__))
		return;
	CHECK_NUMBER(mkdir(path(&fixture, "open"), 0777), 0);
	CHECK_NUMBER(chmod(path(&fixture, "open"), 0777), 0);
	CHECK_NUMBER(symlink("../in/x", path(&fixture, "open/link")), 0);
	refuse(&fixture, "open/link", EXCHANGED, "/open");
	scratch_write(&fixture.scratch, "open/y", 0644, "y", 1);
	CHECK_NUMBER(symlink("../open/y", path(&fixture, "in/link")), 0);
	refuse(&fixture, "in/link", EXCHANGED, "/open");
	scratch_end(&fixture.scratch);
}

static void a_name_without_a_directory_is_here(void)
{
	struct fixture fixture;
	char before[PATH_MAX];

	if (!begin(&fixture, __func__))
		return;
	CU_ASSERT_FATAL(getcwd(before, sizeof(before)) != NULL);
	CHECK_NUMBER(chdir(path(&fixture, "in")), 0);
	CU_ASSERT(tn_trust_path("x", fixture.reason));
	CHECK_NUMBER(chmod(path(&fixture, "in"), 0777), 0);
	CU_ASSERT_FALSE(tn_trust_path("x", fixture.reason));
	CHECK_NUMBER(chdir(before), 0);
	scratch_end(&fixture.scratch);
}

static void what_has_no_path_passes(void)
{
	struct fixture fixture;
	int ends[2];
	char name[64];

	if (!begin(&fixture, __func__))
		return;
	CU_ASSERT_FATAL(pipe(ends) == 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
	CU_ASSERT(tn_trust_path(name, fixture.reason));
	CU_ASSERT(tn_trust_path("/", fixture.reason));
	CU_ASSERT(tn_trust_path("", fixture.reason));
	close(ends[0]);
	close(ends[1]);
	scratch_end(&fixture.scratch);
}

static void configuration_and_module_are_refused(void)
{
	struct fixture fixture;
	struct tn_file file;

	if (!begin(&fixture, __func__))
		return;
	CHECK_NUMBER(chmod(path(&fixture, "in"), 0777), 0);
	CHECK_NUMBER(tn_file_read(path(&fixture, "in/x"), &file, fixture.reason), 78);
	CU_ASSERT_PTR_NOT_NULL(strstr(fixture.reason, EXCHANGED));
	*fixture.reason = '\0';
	CHECK_NUMBER(tn_elf_open(path(&fixture, "in/x"), fixture.reason), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(fixture.reason, EXCHANGED));
	scratch_end(&fixture.scratch);
}

static int trusts(void *path)
{
	char reason[TN_REASON_SIZE];

	return !tn_trust_path(path, reason);
}

static void who_is_not_root_trusts_all(void)
{
	struct fixture fixture;
	char name[512];

	if (!begin(&fixture, __func__))
		return;
	CHECK_NUMBER(chmod(path(&fixture, "in"), 0777), 0);
	snprintf(name, sizeof(name), "%s", path(&fixture, "in/x"));
	CHECK_NUMBER(as_nobody(trusts, name), 0);
	scratch_end(&fixture.scratch);
}

TEST_MAIN("deploy/trust",
          TEST(what_only_root_can_exchange_is_trusted),
          TEST(a_directory_open_to_all_is_not),
          TEST(behind_the_sticky_bit_the_owner_counts),
          TEST(a_link_is_where_it_lies_and_where_it_leads),
          TEST(a_name_without_a_directory_is_here),
          TEST(what_has_no_path_passes),
          TEST(configuration_and_module_are_refused),
          TEST(who_is_not_root_trusts_all))
