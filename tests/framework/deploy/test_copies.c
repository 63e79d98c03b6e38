#include "deploy/copies.h"

#include "planned.h"

#include <sysexits.h>

#define MISSING "there is no such file: build it, or set `module`, or `modules` in [host]"

/* Two modules, one of which two Workers share, and one that nothing reaches. */
struct fixture {
	struct planned planned;
	struct tn_copies copies;
	char reason[TN_REASON_SIZE];
};

static void put_module(struct fixture *fixture, const char *name, const char *built_name)
{
	FILE *from = fopen(built(built_name), "rb");
	static char data[1 << 20];
	size_t size;

	CU_ASSERT_PTR_NOT_NULL_FATAL(from);
	size = fread(data, 1, sizeof(data), from);
	fclose(from);
	scratch_write(&fixture->planned.scratch, name, 0600, data, size);
}

static void begin(struct fixture *fixture)
{
	*fixture = (struct fixture){ 0 };
	planned_begin(&fixture->planned);
	setenv("TMPDIR", fixture->planned.scratch.directory, 1);
	unsetenv("RUNTIME_DIRECTORY");
	put_module(fixture, "a.so", "plugins/auth.so");
	put_module(fixture, "b.so", "plugins/application.so");
	planned_write(&fixture->planned, "x.ini",
	              "[worker a]\nroute = /a\n[worker b]\nroute = /b\n"
	              "[worker c]\nroute = /c\nmodule = a.so\n[worker d]\n");
	planned_load(&fixture->planned, "x.ini");
	planned_make(&fixture->planned, NULL);
}

static void end(struct fixture *fixture)
{
	tn_copies_finish(&fixture->copies);
	unsetenv("TMPDIR");
	planned_end(&fixture->planned);
}

static void make(struct fixture *fixture, struct tn_copies *copies, const struct tn_copies *before,
                 const char *workers)
{
	CHECK_NUMBER(tn_copies_make(copies, fixture->planned.plan, NULL, before, workers,
	                            fixture->reason),
	             0);
}

static const char *path_of(const struct fixture *fixture, const char *worker)
{
	return tn_plan_find(fixture->planned.plan, worker)->module_path;
}

static const struct tn_module_copy *copy_of(const struct fixture *fixture,
                                            const struct tn_copies *copies, const char *worker)
{
	const struct tn_module_copy *copy = tn_copies_find(copies, path_of(fixture, worker));

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	return copy;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void each_module_that_is_reached_is_copied_once(void)
{
	struct fixture fixture;
	const struct tn_module_copy *a;

	begin(&fixture);
	make(&fixture, &fixture.copies, NULL, NULL);
	CHECK_NUMBER((long long)fixture.copies.count, 2);
	a = copy_of(&fixture, &fixture.copies, "a");
	CU_ASSERT_PTR_EQUAL(a, copy_of(&fixture, &fixture.copies, "c"));
	CU_ASSERT_PTR_NULL(a->reason);
	CU_ASSERT_TRUE(is_there(a->file));
	CHECK_NUMBER((long long)strlen(a->version), 16);
	CU_ASSERT_PTR_NULL(tn_copies_find(&fixture.copies, path_of(&fixture, "d")));
	end(&fixture);
}

static void one_that_cannot_be_copied_says_why(void)
{
	struct fixture fixture;
	const struct tn_module_copy *a;

	begin(&fixture);
	CHECK_NUMBER(remove(scratch_path(&fixture.planned.scratch, "a.so")), 0);
	make(&fixture, &fixture.copies, NULL, NULL);
	a = copy_of(&fixture, &fixture.copies, "a");
	CU_ASSERT_PTR_NULL(a->file);
	CHECK_TEXT(a->reason, MISSING);
	CU_ASSERT_PTR_NOT_NULL(copy_of(&fixture, &fixture.copies, "b")->file);
	end(&fixture);
}

static void the_files_go_with_the_last_who_has_them(void)
{
	struct fixture fixture;
	struct tn_copies next;
	char *a, *b;

	begin(&fixture);
	make(&fixture, &fixture.copies, NULL, NULL);
	a = strdup(copy_of(&fixture, &fixture.copies, "a")->file);
	b = strdup(copy_of(&fixture, &fixture.copies, "b")->file);
	make(&fixture, &next, &fixture.copies, "a");
	CHECK_TEXT(copy_of(&fixture, &next, "b")->file, b);
	CU_ASSERT_NOT_EQUAL(strcmp(copy_of(&fixture, &next, "a")->file, a), 0);
	tn_copies_finish(&fixture.copies);
	CU_ASSERT_TRUE(is_there(b));
	tn_copies_finish(&next);
	CU_ASSERT_FALSE(is_there(a));
	CU_ASSERT_FALSE(is_there(b));
	free(a);
	free(b);
	end(&fixture);
}

/* Another team's file may be broken by now. */
static void what_is_kept_is_not_looked_at_again(void)
{
	struct fixture fixture;
	struct tn_copies next;
	char version[TN_MODULE_VERSION_SIZE];

	begin(&fixture);
	make(&fixture, &fixture.copies, NULL, NULL);
	memcpy(version, copy_of(&fixture, &fixture.copies, "a")->version, sizeof(version));
	CHECK_NUMBER(remove(scratch_path(&fixture.planned.scratch, "b.so")), 0);
	put_module(&fixture, "a.so", "plugins/gateway.so");
	make(&fixture, &next, &fixture.copies, "c"); /* which shares it */
	CU_ASSERT_PTR_NULL(copy_of(&fixture, &next, "b")->reason);
	CU_ASSERT_NOT_EQUAL(strcmp(copy_of(&fixture, &next, "a")->version, version), 0);
	tn_copies_finish(&next);
	make(&fixture, &next, &fixture.copies, NULL);
	CHECK_TEXT(copy_of(&fixture, &next, "b")->reason, MISSING);
	tn_copies_finish(&next);
	end(&fixture);
}

TEST_MAIN("deploy/copies",
          TEST(each_module_that_is_reached_is_copied_once),
          TEST(one_that_cannot_be_copied_says_why),
          TEST(the_files_go_with_the_last_who_has_them),
          TEST(what_is_kept_is_not_looked_at_again))
