#include "deploy/secret_source.h"

#include "message/secret.h"

#include "cunit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LITERAL \
	"a secret is not written into the file: use env:NAME, file:PATH or credential:NAME"

/* A configuration with one secret, and what reading it gave. */
struct fixture {
	char directory[256];
	struct tn_config *config;
	struct tn_vault vault;
	struct tn_errors errors;
	struct tn_secret *secret;
};

static void set_up(struct fixture *fixture)
{
	const char *temporary = getenv("TMPDIR");

	*fixture = (struct fixture){ 0 };
	snprintf(fixture->directory, sizeof(fixture->directory), "%s/tenon-secret-XXXXXX",
	         temporary ? temporary : "/tmp");
	CU_ASSERT_FATAL(mkdtemp(fixture->directory) != NULL);
}

static void forget_result(struct fixture *fixture)
{
	tn_secret_destroy(fixture->secret);
	tn_config_destroy(fixture->config);
	tn_errors_finish(&fixture->errors);
	fixture->secret = NULL;
	fixture->config = NULL;
}

static void tear_down(struct fixture *fixture)
{
	forget_result(fixture);
	tn_vault_finish(&fixture->vault);
	CHECK_NUMBER(rmdir(fixture->directory), 0);
}

static void path_of(const struct fixture *fixture, const char *name, char *path, size_t room)
{
	int size = snprintf(path, room, "%s/%s", fixture->directory, name);

	CU_ASSERT_FATAL(size > 0 && (size_t)size < room);
}

static void write_file(const struct fixture *fixture, const char *name, mode_t mode,
                       const void *data, size_t size)
{
	char path[512];
	int file;

	path_of(fixture, name, path, sizeof(path));
	unlink(path); /* one of that name may be read-only */
	file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(file >= 0);
	CHECK_NUMBER(write(file, data, size), (ssize_t)size);
	CHECK_NUMBER(fchmod(file, mode), 0);
	close(file);
}

static void remove_file(const struct fixture *fixture, const char *name)
{
	char path[512];

	path_of(fixture, name, path, sizeof(path));
	CHECK_NUMBER(remove(path), 0);
}

/* Reads `secret.T = VALUE` of a configuration in the fixture's directory. */
static void read_value(struct fixture *fixture, const char *value)
{
	char path[512], text[512];

	forget_result(fixture);
	path_of(fixture, "t.ini", path, sizeof(path));
	snprintf(text, sizeof(text), "[worker auth]\nsecret.T = %s\n", value);
	fixture->config = tn_config_parse(path, text, strlen(text), &fixture->errors);
	CU_ASSERT_FATAL(fixture->config != NULL && fixture->errors.count == 0);
	CU_ASSERT_TRUE(tn_vault_take(&fixture->vault, fixture->config));
	fixture->secret = tn_secret_read(&fixture->config->sections[0]->entries[0], "auth",
	                                 &fixture->vault, &fixture->errors);
}

/* The value gives this secret. */
static void check_secret(struct fixture *fixture, const char *value, const char *secret)
{
	struct tn_bytes bytes;

	read_value(fixture, value);
	CHECK_NUMBER(fixture->errors.count, 0);
	CU_ASSERT_PTR_NOT_NULL(fixture->secret);
	if (!fixture->secret)
		return;
	bytes = tn_secret_reveal(fixture->secret);
	CHECK_TEXT(bytes.data, secret);
	CHECK_NUMBER(bytes.size, strlen(secret));
}

/* The value is refused with this text, in which a first "%s" is the fixture's directory. */
static void check_refused(struct fixture *fixture, const char *value, const char *before,
                          const char *after)
{
	char expected[1024];

	snprintf(expected, sizeof(expected), "worker 'auth': secret.T: %s%s%s", before,
	         after ? fixture->directory : "", after ? after : "");
	read_value(fixture, value);
	CU_ASSERT_PTR_NULL(fixture->secret);
	CHECK_NUMBER(fixture->errors.count, 1);
	if (fixture->errors.count != 1)
		return;
	CHECK_TEXT(fixture->errors.list[0].text, expected);
	CHECK_NUMBER(fixture->errors.list[0].place.line, 2);
}

static void environment(void)
{
	struct fixture fixture;

	set_up(&fixture);
	unsetenv("TN_TEST_A");
	check_refused(&fixture, "env:TN_TEST_A",
	              "the environment variable 'TN_TEST_A' is not set: set it where tenon is "
	              "started",
	              NULL);
	setenv("TN_TEST_A", "", 1);
	check_refused(&fixture, "env:TN_TEST_A",
	              "the environment variable 'TN_TEST_A' is empty: put the secret there", NULL);
	setenv("TN_TEST_A", "\n", 1);
	check_refused(&fixture, "env:TN_TEST_A",
	              "the environment variable 'TN_TEST_A' is empty: put the secret there", NULL);
	setenv("TN_TEST_A", "sesame", 1);
	check_secret(&fixture, "env:TN_TEST_A", "sesame");
	check_secret(&fixture, "\"env:TN_TEST_A\"", "sesame");
	CU_ASSERT_PTR_NULL(getenv("TN_TEST_A")); /* it is in the vault */
	check_secret(&fixture, "env:TN_TEST_A ; a comment", "sesame");
	setenv("TN_TEST_A", "sesame\n\n", 1);
	check_secret(&fixture, "env:TN_TEST_A", "sesame\n");
	unsetenv("TN_TEST_A");
	tear_down(&fixture);
}

static void names(void)
{
	struct fixture fixture;

	set_up(&fixture);
	check_refused(&fixture, "env:", "no name behind 'env:': write it there", NULL);
	check_refused(&fixture, "file:", "no name behind 'file:': write it there", NULL);
	check_refused(&fixture, "credential:", "no name behind 'credential:': write it there",
	              NULL);
	check_refused(&fixture, "env:A=B",
	              "a '=' in the name of the environment variable: write env:NAME", NULL);
	tear_down(&fixture);
}

static void a_literal_is_refused_and_not_repeated(void)
{
	struct fixture fixture;

	set_up(&fixture);
	check_refused(&fixture, "hunter2", LITERAL, NULL);
	check_refused(&fixture, "\"\"", LITERAL, NULL);
	check_refused(&fixture, "$HUNTER", LITERAL, NULL);
	check_refused(&fixture, "vault:hunter2", LITERAL, NULL);
	check_refused(&fixture, "hunter2:x", LITERAL, NULL);
	check_refused(&fixture, ":hunter2", LITERAL, NULL);
	check_refused(&fixture, "environment", LITERAL, NULL);
	check_refused(&fixture, "a-very-long-word-before-the-colon:x", LITERAL, NULL);
	check_refused(&fixture, "fiel:hunter2", LITERAL " (did you mean 'file'?)", NULL);
	check_refused(&fixture, "ENV:hunter2", LITERAL " (did you mean 'env'?)", NULL);
	check_refused(&fixture, "credentials:hunter2",
	              LITERAL " (did you mean 'credential'?)", NULL);
	tear_down(&fixture);
}

static void file(void)
{
	struct fixture fixture;
	char value[512];

	set_up(&fixture);
	write_file(&fixture, "token", 0640, "sesame\n", 7);
	check_secret(&fixture, "file:token", "sesame");
	check_secret(&fixture, "\"file:token\"", "sesame");
	snprintf(value, sizeof(value), "\"file:%s/token\"", fixture.directory);
	check_secret(&fixture, value, "sesame");
	write_file(&fixture, "token", 0400, "sesame", 6);
	check_secret(&fixture, "file:./token", "sesame");
	remove_file(&fixture, "token");
	write_file(&fixture, "token", 0600, "a\nb\n\n", 5);
	check_secret(&fixture, "file:token", "a\nb\n");
	remove_file(&fixture, "token");
	check_refused(&fixture, "file:token", "the file '",
	              "/token' cannot be opened: No such file or directory: put the secret there");
	tear_down(&fixture);
}

static void a_file_that_others_may_use_is_refused(void)
{
	static const mode_t modes[] = { 0604, 0602, 0601, 0644, 0777 };
	struct fixture fixture;
	char after[512];

	set_up(&fixture);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		write_file(&fixture, "token", modes[i], "sesame", 6);
		snprintf(after, sizeof(after),
		         "/token' is open to every user (mode %04o): chmod o= %s/token",
		         (unsigned)modes[i], fixture.directory);
		check_refused(&fixture, "file:token", "the file '", after);
	}
	remove_file(&fixture, "token");
	tear_down(&fixture);
}

static void what_is_no_regular_file_is_refused(void)
{
	struct fixture fixture;
	char path[512];

	set_up(&fixture);
	path_of(&fixture, "thing", path, sizeof(path));
	CHECK_NUMBER(mkdir(path, 0700), 0);
	check_refused(&fixture, "file:thing", "'",
	              "/thing' is not a regular file: name one that holds the secret");
	remove_file(&fixture, "thing");
	CHECK_NUMBER(mkfifo(path, 0600), 0);
	alarm(10); /* nobody writes to it: it must not be waited for */
	check_refused(&fixture, "file:thing", "'",
	              "/thing' is not a regular file: name one that holds the secret");
	alarm(0);
	remove_file(&fixture, "thing");
	tear_down(&fixture);
}

static void a_link_is_followed(void)
{
	struct fixture fixture;
	char path[512];

	set_up(&fixture);
	write_file(&fixture, "token", 0600, "sesame", 6);
	path_of(&fixture, "link", path, sizeof(path));
	CHECK_NUMBER(symlink("token", path), 0);
	check_secret(&fixture, "file:link", "sesame");
	remove_file(&fixture, "token");
	check_refused(&fixture, "file:link", "the file '",
	              "/link' cannot be opened: No such file or directory: put the secret there");
	remove_file(&fixture, "link");
	tear_down(&fixture);
}

static void a_file_is_neither_empty_nor_large(void)
{
	struct fixture fixture;
	char *data = malloc(TN_SECRET_MAX + 2);

	CU_ASSERT_FATAL(data != NULL);
	memset(data, 'x', TN_SECRET_MAX + 2);
	set_up(&fixture);
	write_file(&fixture, "token", 0600, "", 0);
	check_refused(&fixture, "file:token", "the file '",
	              "/token' is empty: put the secret there");
	write_file(&fixture, "token", 0600, "\n", 1);
	check_refused(&fixture, "file:token", "the file '",
	              "/token' is empty: put the secret there");
	write_file(&fixture, "token", 0600, data, TN_SECRET_MAX);
	read_value(&fixture, "file:token");
	CHECK_NUMBER(tn_secret_reveal(fixture.secret).size, TN_SECRET_MAX);
	write_file(&fixture, "token", 0600, data, TN_SECRET_MAX + 1);
	check_refused(&fixture, "file:token", "the file '",
	              "/token' has more than 65536 bytes: use a shorter secret");
	write_file(&fixture, "token", 0600, data, TN_SECRET_MAX + 2);
	check_refused(&fixture, "file:token", "the file '",
	              "/token' has more than 65536 bytes: use a shorter secret");
	remove_file(&fixture, "token");
	tear_down(&fixture);
	free(data);
}

static void bytes_are_kept(void)
{
	static const char data[] = "\0\xff\r\n\0";
	struct fixture fixture;
	struct tn_bytes bytes;

	set_up(&fixture);
	write_file(&fixture, "token", 0600, data, 5);
	read_value(&fixture, "file:token");
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture.secret);
	bytes = tn_secret_reveal(fixture.secret);
	CHECK_NUMBER(bytes.size, 5);
	CU_ASSERT(!memcmp(bytes.data, data, 5));
	remove_file(&fixture, "token");
	tear_down(&fixture);
}

static void credential(void)
{
	struct fixture fixture;

	set_up(&fixture);
	unsetenv("CREDENTIALS_DIRECTORY");
	check_refused(&fixture, "credential:token",
	              "$CREDENTIALS_DIRECTORY is not set: it comes from systemd, where the unit "
	              "has LoadCredential=token:PATH",
	              NULL);
	setenv("CREDENTIALS_DIRECTORY", fixture.directory, 1);
	check_refused(&fixture, "credential:token", "no credential 'token' in '",
	              "': add LoadCredential=token:PATH to the unit");
	write_file(&fixture, "token", 0444, "sesame\n", 7);
	check_secret(&fixture, "credential:token", "sesame");
	check_refused(&fixture, "credential:../token",
	              "a '/' in the name of a credential: write credential:NAME", NULL);
	check_refused(&fixture, "credential:..", "'",
	              "/..' is not a regular file: name one that holds the secret");
	write_file(&fixture, "token", 0644, "", 0);
	check_refused(&fixture, "credential:token", "the file '",
	              "/token' is empty: put the secret there");
	remove_file(&fixture, "token");
	unsetenv("CREDENTIALS_DIRECTORY");
	tear_down(&fixture);
}

static void a_source_is_told_from_a_secret(void)
{
	CU_ASSERT_TRUE(tn_secret_is_source("env:A"));
	CU_ASSERT_TRUE(tn_secret_is_source("file:a"));
	CU_ASSERT_TRUE(tn_secret_is_source("credential:a"));
	CU_ASSERT_FALSE(tn_secret_is_source("environment"));
	CU_ASSERT_FALSE(tn_secret_is_source(""));
	CU_ASSERT_FALSE(tn_secret_is_source(" env:A"));
}

TEST_MAIN("deploy/secret_source",
          TEST(environment),
          TEST(names),
          TEST(a_literal_is_refused_and_not_repeated),
          TEST(file),
          TEST(a_file_that_others_may_use_is_refused),
          TEST(what_is_no_regular_file_is_refused),
          TEST(a_link_is_followed),
          TEST(a_file_is_neither_empty_nor_large),
          TEST(bytes_are_kept),
          TEST(credential),
          TEST(a_source_is_told_from_a_secret))
