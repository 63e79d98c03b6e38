#include "command/lookout.h"

#include "../deploy/scratch.h"

#include <poll.h>

#define CONFIGURATION \
	"include = more/*.ini\n[host]\nmodules = build\n[worker a]\nroute = /*\n"

static struct scratch scratch;
static struct tn_lookout *lookout;

static void write_text(const char *name, const char *text)
{
	scratch_write(&scratch, name, 0644, text, strlen(text));
}

static void make_directory(const char *name)
{
	CHECK_NUMBER(mkdir(scratch_path(&scratch, name), 0755), 0);
}

static void rename_file(const char *from, const char *to)
{
	char old[sizeof(scratch.path)];

	snprintf(old, sizeof(old), "%s", scratch_path(&scratch, from));
	CHECK_NUMBER(rename(old, scratch_path(&scratch, to)), 0);
}

static struct tn_sight see(void)
{
	struct tn_sight sight;

	tn_lookout_see(lookout, &sight);
	return sight;
}

/* Whether something has happened since then that matters. */
static bool stirs(void)
{
	struct pollfd ready = { .fd = tn_lookout_descriptor(lookout), .events = POLLIN };

	return poll(&ready, 1, 0) == 1 && tn_lookout_stirs(lookout);
}

/* A project with a source, a header, two files of the configuration and a module. */
static struct tn_sight begin(void)
{
	static char file[sizeof(scratch.path)];
	struct tn_sight sight;

	scratch_begin(&scratch);
	make_directory("build");
	make_directory("more");
	make_directory(".hidden");
	write_text("a.c", "int a;\n");
	write_text("build/a.so", "module");
	write_text("more/b.ini", "; nothing\n");
	write_text("x.ini", CONFIGURATION);
	snprintf(file, sizeof(file), "%s", scratch.path);
	lookout = tn_lookout_open(scratch.directory, file, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lookout);
	sight = see();
	CU_ASSERT(sight.readable && sight.complete);
	CU_ASSERT_FALSE(stirs());
	return sight;
}

static void end(void)
{
	tn_lookout_close(lookout);
	scratch_end(&scratch);
}

/* Who has changed against before. */
static void check(const struct tn_sight *before, bool sources, bool deployed)
{
	struct tn_sight now = see();

	CHECK_NUMBER(now.sources != before->sources, sources);
	CHECK_NUMBER(now.deployed != before->deployed, deployed);
}

static void a_source_that_changes_is_seen(void)
{
	struct tn_sight before = begin();

	write_text("a.c", "int b;\n");
	CU_ASSERT(stirs());
	check(&before, true, false);
	write_text("a.c", "int a;\n");
	check(&before, false, false);
	write_text("Makefile", "all:\n");
	CU_ASSERT(stirs());
	check(&before, true, false);
	end();
}

static void one_that_comes_goes_or_is_renamed_is_seen(void)
{
	struct tn_sight before = begin();

	write_text("b.h", "");
	CU_ASSERT(stirs());
	check(&before, true, false);
	remove(scratch_path(&scratch, "b.h"));
	CU_ASSERT(stirs());
	check(&before, false, false);
	rename_file("a.c", "b.c");
	CU_ASSERT(stirs());
	check(&before, true, false);
	end();
}

static void the_same_content_is_no_change(void)
{
	struct tn_sight before = begin();

	write_text("a.c", "int a;\n");
	write_text("new", CONFIGURATION);
	rename_file("new", "x.ini");
	CU_ASSERT(stirs()); /* it is worth looking */
	check(&before, false, false);
	end();
}

static void what_a_build_writes_does_not_stir(void)
{
	struct tn_sight before = begin();

	write_text("build/a.o", "object");
	write_text("build/a.d", "a.o: a.c");
	write_text("test_a", "program");
	write_text(".a.c.swp", "an editor's");
	write_text(".hidden/a.c", "int z;\n");
	write_text(".b.c", "int z;\n");
	CU_ASSERT_FALSE(stirs());
	check(&before, false, false);
	end();
}

static void modules_and_all_files_of_the_configuration_are_deployed(void)
{
	struct tn_sight before = begin();

	write_text("build/a.so", "another");
	CU_ASSERT(stirs());
	check(&before, false, true);
	before = see();
	write_text("more/b.ini", "; something\n");
	CU_ASSERT(stirs());
	check(&before, false, true);
	before = see();
	write_text("new", CONFIGURATION "timeout = 1s\n");
	rename_file("new", "x.ini");
	CU_ASSERT(stirs());
	check(&before, false, true);
	end();
}

static void a_module_that_is_missing_is_told(void)
{
	struct tn_sight before = begin();

	remove(scratch_path(&scratch, "build/a.so"));
	CU_ASSERT(stirs());
	CU_ASSERT_FALSE(see().complete);
	write_text("build/a.so", "module");
	CU_ASSERT(stirs());
	CU_ASSERT(see().complete);
	check(&before, false, false);
	end();
}

static void a_configuration_that_is_missing_is_told(void)
{
	struct tn_sight before = begin();

	remove(scratch_path(&scratch, "x.ini"));
	CU_ASSERT(stirs());
	CU_ASSERT_FALSE(see().readable);
	write_text("x.ini", CONFIGURATION);
	CU_ASSERT(stirs());
	CU_ASSERT(see().readable);
	check(&before, false, false);
	end();
}

static void a_new_directory_is_watched_once_it_was_seen(void)
{
	struct tn_sight before = begin();

	make_directory("inner");
	CU_ASSERT(stirs());
	write_text("inner/c.h", "1");
	check(&before, true, false); /* though written before it was watched */
	before = see();
	write_text("inner/c.h", "2");
	CU_ASSERT(stirs());
	check(&before, true, false);
	end();
}

TEST_MAIN("command/lookout",
          TEST(a_source_that_changes_is_seen),
          TEST(one_that_comes_goes_or_is_renamed_is_seen),
          TEST(the_same_content_is_no_change),
          TEST(what_a_build_writes_does_not_stir),
          TEST(modules_and_all_files_of_the_configuration_are_deployed),
          TEST(a_module_that_is_missing_is_told),
          TEST(a_configuration_that_is_missing_is_told),
          TEST(a_new_directory_is_watched_once_it_was_seen))
