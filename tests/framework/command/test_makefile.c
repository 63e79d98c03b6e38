#include "command/makefile.h"

#include "../deploy/scratch.h"

static void make_takes_three_names(void)
{
	CU_ASSERT_TRUE(tn_makefile_named("Makefile"));
	CU_ASSERT_TRUE(tn_makefile_named("makefile"));
	CU_ASSERT_TRUE(tn_makefile_named("GNUmakefile"));
	CU_ASSERT_FALSE(tn_makefile_named("MAKEFILE"));
	CU_ASSERT_FALSE(tn_makefile_named("Makefile.am"));
	CU_ASSERT_FALSE(tn_makefile_named(""));
}

static void the_one_that_make_takes_is_found(void)
{
	struct scratch scratch;
	char directory[sizeof(scratch.path)];

	scratch_begin(&scratch);
	snprintf(directory, sizeof(directory), "%s", scratch_path(&scratch, "."));
	CHECK_TEXT(tn_makefile_find(directory), NULL);
	scratch_write(&scratch, "Makefile", 0644, "", 0);
	CHECK_TEXT(tn_makefile_find(directory), "Makefile");
	scratch_write(&scratch, "GNUmakefile", 0644, "", 0);
	CHECK_TEXT(tn_makefile_find(directory), "GNUmakefile");
	CHECK_TEXT(tn_makefile_find(""), "Makefile"); /* the tests run in the tree */
	scratch_end(&scratch);
}

TEST_MAIN("command/makefile",
          TEST(make_takes_three_names),
          TEST(the_one_that_make_takes_is_found))
