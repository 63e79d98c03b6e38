#include "deploy/vault.h"

#include "message/secret.h"

#include "cunit.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Takes what the text names. */
static void take(struct tn_vault *vault, const char *text)
{
	struct tn_errors errors = { 0 };
	struct tn_config *config = tn_config_parse("t.ini", text, strlen(text), &errors);

	CU_ASSERT_FATAL(config != NULL && errors.count == 0);
	CU_ASSERT_TRUE(tn_vault_take(vault, config));
	tn_config_destroy(config);
}

static void check_value(const struct tn_vault *vault, const char *name, const char *expected)
{
	const struct tn_vault_variable *variable = tn_vault_find(vault, name);

	CU_ASSERT_PTR_NOT_NULL(variable);
	if (!variable)
		return;
	CHECK_TEXT(variable->name, name);
	CHECK_NUMBER(tn_secret_reveal(variable->value).size, strlen(expected));
	CHECK_TEXT(tn_secret_reveal(variable->value).data, expected);
}

static void takes_what_secrets_name(void)
{
	struct tn_vault vault = { 0 };

	setenv("TN_TEST_A", "a", 1);
	setenv("TN_TEST_B", "b\n", 1);
	setenv("TN_TEST_C", "c", 1);
	setenv("TN_TEST_AB", "ab", 1);
	take(&vault, "[worker x]\nsecret.A = env:TN_TEST_A\nvar.C = env:TN_TEST_C\n"
	             "secret.D = file:TN_TEST_C\nsecret.E = env:TN_TEST_UNSET\n"
	             "[worker y]\nsecret.A = \"env:TN_TEST_A\"\nsecret.B = env:TN_TEST_B ; c\n");
	CHECK_NUMBER(vault.count, 2);
	check_value(&vault, "TN_TEST_A", "a");
	check_value(&vault, "TN_TEST_B", "b\n");
	CU_ASSERT_PTR_NULL(tn_vault_find(&vault, "TN_TEST_C"));
	CU_ASSERT_PTR_NULL(tn_vault_find(&vault, "TN_TEST_AB"));
	CU_ASSERT_PTR_NULL(tn_vault_find(&vault, "TN_TEST_"));
	CU_ASSERT_PTR_NULL(tn_vault_find(&vault, "TN_TEST_UNSET"));
	CU_ASSERT_PTR_NULL(getenv("TN_TEST_A"));
	CU_ASSERT_PTR_NULL(getenv("TN_TEST_B"));
	CHECK_TEXT(getenv("TN_TEST_C"), "c");
	CHECK_TEXT(getenv("TN_TEST_AB"), "ab");
	unsetenv("TN_TEST_C");
	unsetenv("TN_TEST_AB");
	tn_vault_finish(&vault);
	CHECK_NUMBER(vault.count, 0);
}

static void a_name_that_is_none_is_passed_over(void)
{
	struct tn_vault vault = { 0 };

	setenv("TN_TEST_A", "a", 1);
	take(&vault, "[worker x]\nsecret.A = env:\nsecret.B = \"env:TN_TEST_A=a\"\n"
	             "secret.C = environment:TN_TEST_A\nsecret.D = ENV:TN_TEST_A\n");
	CHECK_NUMBER(vault.count, 0);
	CHECK_TEXT(getenv("TN_TEST_A"), "a");
	unsetenv("TN_TEST_A");
	tn_vault_finish(&vault);
}

/* It is told from one that is not set. */
static void an_empty_variable_is_taken_too(void)
{
	struct tn_vault vault = { 0 };
	const struct tn_vault_variable *variable;

	setenv("TN_TEST_A", "", 1);
	take(&vault, "[worker x]\nsecret.A = env:TN_TEST_A\n");
	variable = tn_vault_find(&vault, "TN_TEST_A");
	CU_ASSERT(variable && !variable->value);
	CU_ASSERT_PTR_NULL(getenv("TN_TEST_A"));
	tn_vault_finish(&vault);
}

#define ONE "[worker x]\nsecret.A = env:TN_TEST_A\n"

/* A configuration that is read anew finds them, also those that another one named before. */
static void what_was_taken_stays(void)
{
	struct tn_vault vault = { 0 };

	setenv("TN_TEST_A", "a", 1);
	setenv("TN_TEST_B", "b", 1);
	take(&vault, ONE);
	take(&vault, "[worker x]\nsecret.B = env:TN_TEST_B\n");
	take(&vault, ONE);
	CHECK_NUMBER(vault.count, 2);
	check_value(&vault, "TN_TEST_A", "a");
	check_value(&vault, "TN_TEST_B", "b");
	tn_vault_finish(&vault);
}

static void one_that_was_set_anew_replaces_the_earlier(void)
{
	struct tn_vault vault = { 0 };

	setenv("TN_TEST_A", "before", 1);
	take(&vault, ONE);
	setenv("TN_TEST_A", "after", 1);
	take(&vault, ONE);
	CHECK_NUMBER(vault.count, 1);
	check_value(&vault, "TN_TEST_A", "after");
	setenv("TN_TEST_A", "", 1);
	take(&vault, ONE);
	CHECK_NUMBER(vault.count, 1);
	CU_ASSERT_PTR_NULL(vault.list[0].value);
	CU_ASSERT_PTR_NULL(getenv("TN_TEST_A"));
	tn_vault_finish(&vault);
}

static bool shows(const char *text)
{
	FILE *file = fopen("/proc/self/environ", "re");
	char block[65536];
	size_t size;

	CU_ASSERT_FATAL(file != NULL);
	size = fread(block, 1, sizeof(block), file);
	fclose(file);
	for (size_t i = 0; i + strlen(text) <= size; i++)
		if (!memcmp(block + i, text, strlen(text)))
			return true;
	return false;
}

/* Runs this test once more, in a process that was started with the variable, twice. */
static int run_again(void)
{
	char name[] = "test_vault", test[] = "wipes_the_place_in_the_environment";
	char *arguments[] = { name, test, NULL };
	char first[] = "TN_TEST_BLOCK=open-sesame-1", second[] = "TN_TEST_BLOCK=open-sesame-2";
	char other[] = "TN_TEST_AGAIN=1", leaks[] = "ASAN_OPTIONS=detect_leaks=0";
	char *variables[] = { first, second, other, leaks, NULL };
	char path[4096] = "";
	int status = -1;
	pid_t child;

	CU_ASSERT_FATAL(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, STDOUT_FILENO);
		execve(path, arguments, variables);
		_exit(127);
	}
	CU_ASSERT_FATAL(child > 0);
	CHECK_NUMBER(waitpid(child, &status, 0), child);
	return status;
}

static void wipes_the_place_in_the_environment(void)
{
	struct tn_vault vault = { 0 };

	if (!getenv("TN_TEST_AGAIN")) {
		CHECK_NUMBER(run_again(), 0);
		return;
	}
	CU_ASSERT(shows("open-sesame-1"));
	CU_ASSERT(shows("open-sesame-2"));
	take(&vault, "[worker x]\nsecret.A = env:TN_TEST_BLOCK\n");
	CU_ASSERT(!shows("open-sesame"));
	check_value(&vault, "TN_TEST_BLOCK", "open-sesame-1");
	CU_ASSERT_PTR_NULL(getenv("TN_TEST_BLOCK"));
	CU_ASSERT(shows("TN_TEST_AGAIN=1"));
	tn_vault_finish(&vault);
}

TEST_MAIN("deploy/vault",
          TEST(takes_what_secrets_name),
          TEST(a_name_that_is_none_is_passed_over),
          TEST(an_empty_variable_is_taken_too),
          TEST(what_was_taken_stays),
          TEST(one_that_was_set_anew_replaces_the_earlier),
          TEST(wipes_the_place_in_the_environment))
