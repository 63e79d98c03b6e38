#include "supervise/revision.h"

#include "message/secret.h"

#include "../deploy/scratch.h"

#include <fcntl.h>
#include <sysexits.h>

#define WORKER "[worker a]\nroute = /\n"
#define MISSING "there is no such file: build it, or set `module`, or `modules` in [host]"

/* A revision, and how it came to be. */
struct fixture {
	struct scratch scratch;
	struct tn_vault vault;
	struct tn_errors errors;
	struct tn_revision *revision;
	int code;
	char reason[TN_REASON_SIZE];
};

/* Of a file in the scratch directory. */
static void create_of(struct fixture *fixture, const char *name)
{
	const struct tn_revision_options options = {
		.path = scratch_path(&fixture->scratch, name),
		.vault = &fixture->vault,
		.errors = &fixture->errors,
	};

	fixture->revision = tn_revision_read(&options, &fixture->code, fixture->reason);
}

static void create(struct fixture *fixture, const char *text)
{
	*fixture = (struct fixture){ 0 };
	scratch_begin(&fixture->scratch);
	scratch_write(&fixture->scratch, "x.ini", 0600, text, strlen(text));
	create_of(fixture, "x.ini");
}

static void end(struct fixture *fixture)
{
	tn_revision_release(fixture->revision);
	tn_errors_finish(&fixture->errors);
	tn_vault_finish(&fixture->vault);
	scratch_end(&fixture->scratch);
}

/* ---- Reading ------------------------------------------------------------------------------- */

static void it_has_what_was_read(void)
{
	struct fixture fixture;

	setenv("TN_TEST_A", "a", 1);
	create(&fixture, "[host]\nprocesses = 3\n" WORKER "secret.A = env:TN_TEST_A\n");
	CHECK_ERRORS(&fixture.errors, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture.revision);
	CHECK_NUMBER(fixture.code, 0);
	CHECK_NUMBER((long long)fixture.revision->plan->count, 1);
	CHECK_NUMBER((long long)fixture.revision->secrets.count, 1);
	CHECK_NUMBER((long long)fixture.revision->copies.count, 1);
	CU_ASSERT(fcntl(fixture.revision->bundle, F_GETFD) & FD_CLOEXEC);
	end(&fixture);
}

/* A reload finds no variable in the environment any more, and does not need it. */
static void the_secrets_of_the_environment_are_there_the_next_time(void)
{
	struct fixture fixture;

	setenv("TN_TEST_A", "a", 1);
	create(&fixture, WORKER "secret.A = env:TN_TEST_A\n");
	CU_ASSERT_PTR_NULL(getenv("TN_TEST_A"));
	tn_revision_release(fixture.revision);
	create_of(&fixture, "x.ini");
	CHECK_ERRORS(&fixture.errors, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture.revision);
	CHECK_TEXT(tn_secret_reveal(fixture.revision->secrets.list[0].secret).data, "a");
	end(&fixture);
}

static void errors_are_told_in_the_list(void)
{
	struct fixture fixture;
	char expected[1024];

	unsetenv("TN_TEST_MISSING");
	create(&fixture, WORKER "service.b = b\nsecret.A = env:TN_TEST_MISSING\n");
	CU_ASSERT_PTR_NULL(fixture.revision);
	CHECK_NUMBER(fixture.code, EX_CONFIG);
	CHECK_TEXT(fixture.reason, "");
	snprintf(expected, sizeof(expected),
	         "%s/x.ini:3: worker 'a': service.b: no worker 'b': add [worker b], or name "
	         "another\n"
	         "%s/x.ini:4: worker 'a': secret.A: the environment variable 'TN_TEST_MISSING' "
	         "is not set: set it where tenon is started\n",
	         fixture.scratch.directory, fixture.scratch.directory);
	CHECK_ERRORS(&fixture.errors, expected);
	end(&fixture);
}

static void a_file_that_is_not_there_is_told_as_the_reason(void)
{
	struct fixture fixture = { 0 };

	scratch_begin(&fixture.scratch);
	create_of(&fixture, "none.ini");
	CU_ASSERT_PTR_NULL(fixture.revision);
	CHECK_NUMBER(fixture.code, EX_NOINPUT);
	CU_ASSERT(*fixture.reason != '\0');
	CHECK_ERRORS(&fixture.errors, "");
	end(&fixture);
}

/* Whoever loads it tells of it, with all other errors. */
static void a_module_that_is_not_there_is_left_to_who_loads_it(void)
{
	struct fixture fixture;

	create(&fixture, WORKER);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture.revision);
	CU_ASSERT_PTR_NULL(fixture.revision->copies.list[0].file);
	CHECK_TEXT(fixture.revision->copies.list[0].reason, MISSING);
	end(&fixture);
}

static void it_lives_until_the_last_holder_releases_it(void)
{
	struct fixture fixture;
	int bundle;

	create(&fixture, WORKER);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture.revision);
	bundle = fixture.revision->bundle;
	CU_ASSERT_PTR_EQUAL(tn_revision_hold(fixture.revision), fixture.revision);
	tn_revision_release(fixture.revision);
	CU_ASSERT(fcntl(bundle, F_GETFD) >= 0);
	tn_revision_release(fixture.revision);
	CU_ASSERT(fcntl(bundle, F_GETFD) < 0);
	fixture.revision = NULL;
	tn_revision_release(NULL);
	end(&fixture);
}

TEST_MAIN("supervise/revision",
          TEST(it_has_what_was_read),
          TEST(the_secrets_of_the_environment_are_there_the_next_time),
          TEST(errors_are_told_in_the_list),
          TEST(a_file_that_is_not_there_is_told_as_the_reason),
          TEST(a_module_that_is_not_there_is_left_to_who_loads_it),
          TEST(it_lives_until_the_last_holder_releases_it))
