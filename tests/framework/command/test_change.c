#include "command/change.h"

#include "../capture.h"
#include "../deploy/scratch.h"

#include <sys/file.h>
#include <sys/syscall.h>
#include <sysexits.h>

#define TEXT "[worker a]\nroute = /\n"
#define OTHER "[worker a]\nroute = /b\n"

/* ---- In the moment before a lock is had ---------------------------------------------------- */

static struct scratch scratch;
static int locks_before; /* so many locks are had before that moment */
static void (*in_haste)(void);

/* In the place of the C library's. */
int flock(int file, int operation)
{
	if (in_haste && locks_before-- == 0)
		in_haste();
	return (int)syscall(SYS_flock, file, operation);
}

static void write_in_place(void)
{
	scratch_write(&scratch, "x.ini", 0600, OTHER, strlen(OTHER));
}

static void rename_another(void)
{
	char from[600];

	snprintf(from, sizeof(from), "%s",
	         scratch_write(&scratch, "y.ini", 0600, OTHER, strlen(OTHER)));
	CHECK_NUMBER(rename(from, scratch_path(&scratch, "x.ini")), 0);
}

static void expect_refusal(void (*hasten)(void), int locks, const char *reason)
{
	struct tn_change change;
	char path[600], expected[1024];
	char *said;
	int code;

	scratch_begin(&scratch);
	snprintf(path, sizeof(path), "%s",
	         scratch_write(&scratch, "x.ini", 0600, TEXT, strlen(TEXT)));
	in_haste = hasten;
	locks_before = locks;
	capture_begin();
	code = tn_change_begin(&change, path, "a");
	said = strdup(capture_end());
	in_haste = NULL;
	snprintf(expected, sizeof(expected), "tenon: %s: %s\n", path, reason);
	CHECK_NUMBER(code, EX_TEMPFAIL);
	CHECK_TEXT(said, expected);
	free(said);
	tn_change_finish(&change);
	CHECK_NUMBER(tn_change_begin(&change, path, "a"), 0); /* no lock has been kept */
	tn_change_finish(&change);
	scratch_end(&scratch);
}

/* The text that was understood is then not the one that would be edited. */
static void what_changes_before_it_is_locked_is_told(void)
{
	expect_refusal(write_in_place, 1, "it was changed in this moment: try again");
	expect_refusal(rename_another, 1, "it was replaced in this moment: try again");
}

/* The lock is then on a file that nobody else will ever find. */
static void what_is_replaced_before_it_is_read_is_told(void)
{
	expect_refusal(rename_another, 0, "it was replaced in this moment: try again");
}

/* ---- The rest ------------------------------------------------------------------------------ */

static void an_inherited_key_is_found(void)
{
	static const char text[] = "[host]\nlisten = 127.0.0.1:0\n[host@b]\n"
				   "[worker a]\nroute = /\nvar.X = 1\n"
				   "[worker a@b]\nvar.X = 2\n[worker a@c]\ninherits = a@b\n";
	struct tn_change change;
	char hint[64];

	scratch_begin(&scratch);
	scratch_write(&scratch, "x.ini", 0600, text, strlen(text));
	CHECK_NUMBER(tn_change_begin(&change, scratch.path, "a@c"), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(tn_change_inherited(&change, "var.X"));
	CHECK_TEXT(tn_change_inherited(&change, "var.X")->value, "2");
	CU_ASSERT_PTR_NULL(tn_change_inherited(&change, "route"));
	CU_ASSERT_PTR_NULL(tn_change_inherited(&change, "inherits"));
	CHECK_TEXT(tn_change_hint(&change, "var.Y", hint, sizeof(hint)),
	           " (did you mean 'var.X'?)");
	CHECK_TEXT(tn_change_hint(&change, "inherit", hint, sizeof(hint)),
	           " (did you mean 'inherits'?)");
	tn_change_finish(&change);
	CHECK_NUMBER(tn_change_begin(&change, scratch.path, "a@b"), 0);
	CHECK_TEXT(tn_change_inherited(&change, "var.X")->value, "1");
	CU_ASSERT_PTR_NULL(tn_change_inherited(&change, "route"));
	tn_change_finish(&change);
	CHECK_NUMBER(tn_change_begin(&change, scratch.path, "a"), 0);
	CU_ASSERT_PTR_NULL(tn_change_inherited(&change, "var.X"));
	tn_change_finish(&change);
	CHECK_NUMBER(tn_change_begin(&change, scratch.path, "[host]"), 0);
	CU_ASSERT_PTR_NULL(tn_change_inherited(&change, "listen"));
	tn_change_finish(&change);
	CHECK_NUMBER(tn_change_begin(&change, scratch.path, "[host@b]"), 0);
	CU_ASSERT_PTR_NOT_NULL(tn_change_inherited(&change, "listen"));
	CU_ASSERT_PTR_NULL(tn_change_inherited(&change, "max_body"));
	tn_change_finish(&change);
	scratch_end(&scratch);
}

static void a_zeroed_change_is_finished(void)
{
	struct tn_change change = { 0 };

	tn_change_finish(&change);
	tn_change_finish(&change);
	CU_ASSERT_TRUE(fcntl(STDIN_FILENO, F_GETFD) >= 0);
}

TEST_MAIN("command/change",
          TEST(what_changes_before_it_is_locked_is_told),
          TEST(what_is_replaced_before_it_is_read_is_told),
          TEST(an_inherited_key_is_found),
          TEST(a_zeroed_change_is_finished))
