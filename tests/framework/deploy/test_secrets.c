#include "deploy/secrets.h"

#include "message/secret.h"

#include "planned.h"

/* A plan, and the secrets that its files and the environment hold. */
struct fixture {
	struct planned planned;
	struct tn_vault vault;
	struct tn_secrets secrets;
};

static void read_text(struct fixture *fixture, const char *environment, const char *text)
{
	*fixture = (struct fixture){ 0 };
	planned_text(&fixture->planned, environment, text);
	CU_ASSERT_TRUE(tn_vault_take(&fixture->vault, fixture->planned.config));
	CU_ASSERT_TRUE(tn_secrets_read(&fixture->secrets, fixture->planned.plan, &fixture->vault,
	                               &fixture->planned.errors));
}

static void end(struct fixture *fixture)
{
	tn_secrets_finish(&fixture->secrets);
	tn_vault_finish(&fixture->vault);
	planned_end(&fixture->planned);
}

static const struct tn_entry *entry_of(const struct fixture *fixture, const char *worker,
                                       const char *key)
{
	const struct tn_plan_worker *found = tn_plan_find(fixture->planned.plan, worker);
	const struct tn_entry *entry = found ? tn_keys_find(&found->keys, key) : NULL;

	CU_ASSERT_PTR_NOT_NULL(entry);
	return entry;
}

static struct tn_secret *secret_of(const struct fixture *fixture, const char *worker,
                                   const char *key)
{
	return tn_secrets_find(&fixture->secrets, entry_of(fixture, worker, key));
}

static const char *text_of(const struct fixture *fixture, const char *worker, const char *key)
{
	return tn_secret_reveal(secret_of(fixture, worker, key)).data;
}

static void each_worker_has_its_own(void)
{
	struct fixture fixture;

	setenv("TN_TEST_A", "a", 1);
	setenv("TN_TEST_B", "b", 1);
	read_text(&fixture, NULL,
	          "[worker one]\nroute = /\nsecret.A = env:TN_TEST_A\nsecret.B = env:TN_TEST_B\n"
	          "[worker two]\nroute = /2\nsecret.A = env:TN_TEST_B\nvar.B = env:TN_TEST_B\n");
	CHECK_TOLD(&fixture.planned, "");
	CHECK_NUMBER((long long)fixture.secrets.count, 3);
	CHECK_TEXT(text_of(&fixture, "one", "secret.A"), "a");
	CHECK_TEXT(text_of(&fixture, "one", "secret.B"), "b");
	CHECK_TEXT(text_of(&fixture, "two", "secret.A"), "b");
	CU_ASSERT_PTR_NULL(secret_of(&fixture, "two", "var.B"));
	CU_ASSERT_PTR_NULL(tn_secrets_find(&fixture.secrets, NULL));
	end(&fixture);
}

static void one_that_several_inherit_is_read_once(void)
{
	struct fixture fixture;

	setenv("TN_TEST_A", "a", 1);
	read_text(&fixture, NULL,
	          "[worker one]\nroute = /\nsecret.A = env:TN_TEST_A\n"
	          "[worker one@v2]\nroute = v2/*\n"
	          "[worker one@v3]\nroute = v3/*\nsecret.A = env:TN_TEST_MISSING\n"
	          "[worker one@v4]\nroute = v4/*\ninherits = one@v3\n");
	CHECK_TOLD(&fixture.planned,
	           "x.ini:8: worker 'one@v3': secret.A: the environment variable "
	           "'TN_TEST_MISSING' is not set: set it where tenon is started\n");
	CHECK_NUMBER((long long)fixture.secrets.count, 2);
	CHECK_TEXT(text_of(&fixture, "one@v2", "secret.A"), "a");
	CU_ASSERT_PTR_NULL(secret_of(&fixture, "one@v4", "secret.A"));
	end(&fixture);
}

/* Nor complained of; the variable leaves the environment all the same. */
static void those_of_whom_nobody_reaches_are_not_read(void)
{
	struct fixture fixture;

	setenv("TN_TEST_A", "a", 1);
	read_text(&fixture, "staging",
	          "[worker one]\nroute = /\nsecret.A = file:production\n"
	          "[worker one@staging]\nsecret.A = file:staging\n"
	          "[worker two]\nsecret.B = env:TN_TEST_A\n");
	CHECK_TOLD(&fixture.planned,
	           "x.ini:5: worker 'one@staging': secret.A: the file 'staging' "
	           "cannot be opened: No such file or directory: put the secret there\n");
	CHECK_NUMBER((long long)fixture.secrets.count, 1);
	CU_ASSERT_PTR_NULL(getenv("TN_TEST_A"));
	end(&fixture);
}

/* More than there was room for at first. */
static void there_is_room_for_many(void)
{
	static char text[65536];
	struct fixture fixture;
	size_t size;

	setenv("TN_TEST_A", "a", 1);
	size = (size_t)snprintf(text, sizeof(text), "[worker one]\nroute = /\n");
	for (int i = 0; i < 1000; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size,
		                         "secret.S%d = env:TN_TEST_A\n", i);
	read_text(&fixture, NULL, text);
	CHECK_TOLD(&fixture.planned, "");
	CHECK_NUMBER((long long)fixture.secrets.count, 1000);
	CHECK_TEXT(text_of(&fixture, "one", "secret.S0"), "a");
	CHECK_TEXT(text_of(&fixture, "one", "secret.S999"), "a");
	end(&fixture);
}

/* As a host process does with those that it was given. */
static void what_is_added_is_found(void)
{
	struct fixture fixture;
	const struct tn_entry *entry;

	read_text(&fixture, NULL, "[worker one]\nvar.A = a\nsecret.A = env:X\nsecret.B = env:Y\n"
	                          "[worker two]\nroute = /\n");
	CHECK_TOLD(&fixture.planned, "");
	CHECK_NUMBER((long long)fixture.secrets.count, 0);
	entry = entry_of(&fixture, "one", "secret.A");
	CU_ASSERT_PTR_NULL(tn_secrets_find(&fixture.secrets, entry));
	CU_ASSERT_TRUE(tn_secrets_add(&fixture.secrets, entry, tn_secret_create("given", 5)));
	CU_ASSERT_TRUE(tn_secrets_add(&fixture.secrets, entry_of(&fixture, "one", "secret.B"),
	                              NULL));
	CHECK_NUMBER((long long)fixture.secrets.count, 2);
	CHECK_TEXT(text_of(&fixture, "one", "secret.A"), "given");
	CU_ASSERT_PTR_NULL(secret_of(&fixture, "one", "secret.B"));
	tn_secrets_finish(&fixture.secrets);
	CHECK_NUMBER((long long)fixture.secrets.count, 0);
	CU_ASSERT_PTR_NULL(tn_secrets_find(&fixture.secrets, entry));
	end(&fixture);
}

/* ---- Those that run ------------------------------------------------------------------------ */

static void write_secret(struct fixture *fixture, const char *name, const char *text)
{
	scratch_write(&fixture->planned.scratch, name, 0600, text, strlen(text));
}

/* With the files that the text names, in its own directory. */
static void read_files(struct fixture *fixture, const char *environment, const char *text)
{
	planned_write(&fixture->planned, "x.ini", text);
	planned_load(&fixture->planned, "x.ini");
	planned_make(&fixture->planned, environment);
	CU_ASSERT_TRUE(tn_vault_take(&fixture->vault, fixture->planned.config));
	CU_ASSERT_TRUE(tn_secrets_read(&fixture->secrets, fixture->planned.plan, &fixture->vault,
	                               &fixture->planned.errors));
	CHECK_TOLD(&fixture->planned, "");
}

/* The text is in the place of what runs; returns the plan's secrets, with what was told. */
static void renew(struct fixture *running, struct fixture *fixture, const char *workers,
                  const char *text)
{
	fixture->planned.scratch = running->planned.scratch;
	planned_write(&fixture->planned, "x.ini", text);
	planned_load(&fixture->planned, "x.ini");
	planned_make(&fixture->planned, running->planned.plan->environment);
	CU_ASSERT_TRUE(tn_secrets_renew(&fixture->secrets, fixture->planned.plan,
	                                &running->secrets, workers, &running->vault,
	                                &fixture->planned.errors));
}

/* The directory is that of what runs. */
static void end_renewed(struct fixture *fixture)
{
	tn_secrets_finish(&fixture->secrets);
	tn_plan_destroy(fixture->planned.plan);
	tn_config_destroy(fixture->planned.config);
	tn_errors_finish(&fixture->planned.errors);
}

#define SECRETS \
	"[worker one]\nroute = /\nsecret.A = file:a\nsecret.B = file:b\n" \
	"[worker one@v2]\nroute = v2/*\nsecret.B = file:v2\n" \
	"[worker two]\nroute = /2\nsecret.A = file:two\n" \
	"[worker three]\nsecret.A = file:three\n"

static void begin_running(struct fixture *fixture)
{
	*fixture = (struct fixture){ 0 };
	planned_begin(&fixture->planned);
	write_secret(fixture, "a", "old a");
	write_secret(fixture, "b", "old b");
	write_secret(fixture, "v2", "old v2");
	write_secret(fixture, "two", "old two");
	read_files(fixture, NULL, SECRETS);
	CHECK_NUMBER((long long)fixture->secrets.count, 4);
}

static void those_of_the_named_section_alone_are_read_anew(void)
{
	struct fixture running, fixture = { 0 };

	begin_running(&running);
	write_secret(&running, "a", "new a");
	write_secret(&running, "b", "new b");
	write_secret(&running, "v2", "new v2");
	CHECK_NUMBER(remove(scratch_path(&running.planned.scratch, "two")), 0);
	renew(&running, &fixture, "one", SECRETS);
	CHECK_TOLD(&fixture.planned, "");
	CHECK_NUMBER((long long)fixture.secrets.count, 4);
	CHECK_TEXT(text_of(&fixture, "one", "secret.A"), "new a");
	CHECK_TEXT(text_of(&fixture, "one", "secret.B"), "new b");
	CHECK_TEXT(text_of(&fixture, "one@v2", "secret.A"), "new a");
	CHECK_TEXT(text_of(&fixture, "one@v2", "secret.B"), "old v2");
	CHECK_TEXT(text_of(&fixture, "two", "secret.A"), "old two");
	end_renewed(&fixture);
	CHECK_TEXT(text_of(&running, "two", "secret.A"), "old two");
	end(&running);
}

static void one_of_the_named_section_that_is_gone_is_told(void)
{
	struct fixture running, fixture = { 0 };

	begin_running(&running);
	CHECK_NUMBER(remove(scratch_path(&running.planned.scratch, "a")), 0);
	CHECK_NUMBER(remove(scratch_path(&running.planned.scratch, "two")), 0);
	renew(&running, &fixture, "one three", SECRETS);
	CHECK_TOLD(&fixture.planned, "x.ini:3: worker 'one': secret.A: the file 'a' cannot be "
	                             "opened: No such file or directory: put the secret there\n");
	CU_ASSERT_PTR_NULL(secret_of(&fixture, "one", "secret.A"));
	end_renewed(&fixture);
	end(&running);
}

/* Nothing reached it before. */
static void what_is_reached_for_the_first_time_is_read(void)
{
	struct fixture running, fixture = { 0 };

	begin_running(&running);
	write_secret(&running, "three", "new three");
	renew(&running, &fixture, "two", SECRETS "[worker four]\nroute = /4\nservice.x = three\n");
	CHECK_TOLD(&fixture.planned, "");
	CHECK_TEXT(text_of(&fixture, "three", "secret.A"), "new three");
	CHECK_TEXT(text_of(&fixture, "one", "secret.A"), "old a");
	CHECK_TEXT(text_of(&fixture, "one", "secret.B"), "old b");
	end_renewed(&fixture);
	fixture = (struct fixture){ 0 };
	CHECK_NUMBER(remove(scratch_path(&running.planned.scratch, "three")), 0);
	renew(&running, &fixture, "two", SECRETS "[worker four]\nroute = /4\nservice.x = three\n");
	CHECK_TOLD(&fixture.planned,
	           "x.ini:12: worker 'three': secret.A: the file 'three' cannot "
	           "be opened: No such file or directory: put the secret there\n");
	end_renewed(&fixture);
	end(&running);
}

TEST_MAIN("deploy/secrets",
          TEST(each_worker_has_its_own),
          TEST(one_that_several_inherit_is_read_once),
          TEST(those_of_whom_nobody_reaches_are_not_read),
          TEST(there_is_room_for_many),
          TEST(what_is_added_is_found),
          TEST(those_of_the_named_section_alone_are_read_anew),
          TEST(one_of_the_named_section_that_is_gone_is_told),
          TEST(what_is_reached_for_the_first_time_is_read))
