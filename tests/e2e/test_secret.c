/* test_secret.c - `secret`: from standard input into a file that only its owner reads. */
#include "harness.h"

#include "../cunit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#define SECRET "correct horse battery staple"
#define KEPT \
	"left as it was: with this change it would not be valid (the lines above are those that " \
	"it would have)"
#define WRITTEN ": written, 28 bytes, mode 0600: the host takes it at its next start or reload\n"
#define MOST 65536

/* ---- The configuration, in a directory of its own ------------------------------------------ */

static const char *text_before; /* of x.ini */

/* An entry of auth for the secret, or "". The working directory is a fresh one. */
static void begin(const char *entry)
{
	static unsigned number;
	const char *directory = text_of("%u", number++);

	built(""); /* relative to the directory before */
	CU_ASSERT_EQUAL_FATAL(mkdir(scratch_path(directory), 0755), 0);
	CU_ASSERT_EQUAL_FATAL(chdir(scratch_path(directory)), 0);
	text_before = text_of("[host]\n"
	                      "listen  = 127.0.0.1:0\n"
	                      "modules = %s\n"
	                      "[worker auth] ; who may come in\n"
	                      "route = /*\n"
	                      "%s"
	                      "\n"
	                      "[worker auth@v2]\n"
	                      "module = auth.so\n",
	                      built("plugins"), entry);
	scratch_write(text_of("%s/x.ini", directory), "%s", text_before);
}

static void write_here(const char *name, const char *text, mode_t mode)
{
	int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(file >= 0);
	CU_ASSERT_EQUAL(write(file, text, strlen(text)), (ssize_t)strlen(text));
	CHECK_NUMBER(fchmod(file, mode), 0);
	close(file);
}

static void expect_file(const char *name, const char *text, mode_t mode)
{
	struct stat status = { 0 };

	CHECK_NUMBER(lstat(name, &status), 0);
	CU_ASSERT_TRUE(S_ISREG(status.st_mode));
	CHECK_NUMBER(status.st_mode & 07777, mode);
	CHECK_TEXT(file_read(name), text);
}

/* Hidden ones, too. */
static unsigned count_files(void)
{
	DIR *stream = opendir(".");
	struct dirent *entry;
	unsigned count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	while ((entry = readdir(stream)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(stream);
	return count;
}

/* ---- Running it ---------------------------------------------------------------------------- */

/* The command line, the prefix included, and behind it what `tenon` gets. */
static void add_tenon(const char **words, size_t *count)
{
	const char *at = host_prefix();

	while (*(at += strspn(at, " "))) {
		size_t size = strcspn(at, " ");

		words[(*count)++] = text_of("%.*s", (int)size, at);
		at += size;
	}
	words[(*count)++] = built("tenon");
}

static struct finished give_bytes(const void *bytes, size_t size, const char *worker,
                                  const char *name)
{
	const char *words[32] = { "sh", "-c", "umask 0; exec \"$@\" <\"$0\"",
		                  scratch_write_bytes("input", bytes, size) };
	size_t count = 4;

	add_tenon(words, &count);
	words[count++] = "secret";
	words[count++] = "x.ini";
	words[count++] = worker;
	words[count++] = name;
	return program_run(words);
}

static struct finished give(const char *text, const char *worker, const char *name)
{
	return give_bytes(text, strlen(text), worker, name);
}

static void expect(const struct finished *finished, int code, const char *out, const char *err)
{
	CHECK_NUMBER(finished->code, code);
	CHECK_TEXT(finished->out, out);
	CHECK_TEXT(finished->err, err);
	CU_ASSERT_PTR_NULL(strstr(finished->out, "horse"));
	CU_ASSERT_PTR_NULL(strstr(finished->err, "horse"));
}

/* ---- What is written ----------------------------------------------------------------------- */

static const char added[] = "--- x.ini\n+++ x.ini\n@@ -5,0 +6 @@\n"
			    "+secret.SECRET_TOKEN = file:auth.SECRET_TOKEN.secret\n";

static const char *text_after(void)
{
	const char *at = strstr(text_before, "\n\n") + 1;

	return text_of("%.*ssecret.SECRET_TOKEN = file:auth.SECRET_TOKEN.secret\n%s",
	               (int)(at - text_before), text_before, at);
}

static void a_secret_gets_a_file_beside_the_configuration(void)
{
	struct finished finished;

	begin("");
	finished = give(SECRET "\n", "auth", "SECRET_TOKEN");
	expect(&finished, 0, added, "tenon: ./auth.SECRET_TOKEN.secret" WRITTEN);
	expect_file("auth.SECRET_TOKEN.secret", SECRET, 0600);
	CHECK_TEXT(file_read("x.ini"), text_after());
	CHECK_NUMBER(count_files(), 2);
}

static void the_file_is_of_the_owner_of_the_configuration(void)
{
	struct stat status = { 0 };

	if (geteuid() != 0) {
		printf("%s: skipped, it takes root\n", __func__);
		return;
	}
	begin("");
	CHECK_NUMBER(chown("x.ini", 65534, 12345), 0);
	CHECK_NUMBER(give(SECRET, "auth", "SECRET_TOKEN").code, 0);
	CHECK_NUMBER(stat("auth.SECRET_TOKEN.secret", &status), 0);
	CHECK_NUMBER(status.st_uid, 65534);
	CHECK_NUMBER(status.st_mode & 07777, 0600);
}

static void the_host_takes_it(void)
{
	static const char *const headers[] = { "x-custom-token: " SECRET, NULL };
	const struct http_request request = { .headers = headers };
	struct finished finished;
	struct host *host;

	begin("");
	finished = give(SECRET "\n", "auth", "SECRET_TOKEN");
	CHECK_NUMBER(finished.code, 0);
	host = host_start("x.ini");
	CHECK_NUMBER(http(host, &request)->status, 200);
	CHECK_NUMBER(http_get(host, "/")->status, 403);
	host_end(host);
}

static void a_variant_gets_a_file_of_its_own(void)
{
	struct finished finished;

	begin("secret.SECRET_TOKEN = file:token\n");
	write_here("token", "hunter2\n", 0600);
	finished = give(SECRET, "auth@v2", "SECRET_TOKEN");
	expect(&finished, 0,
	       "--- x.ini\n+++ x.ini\n@@ -9,0 +10 @@\n"
	       "+secret.SECRET_TOKEN = file:auth@v2.SECRET_TOKEN.secret\n",
	       "tenon: ./auth@v2.SECRET_TOKEN.secret" WRITTEN);
	expect_file("auth@v2.SECRET_TOKEN.secret", SECRET, 0600);
	expect_file("token", "hunter2\n", 0600);
}

static void another_source_is_replaced(void)
{
	struct finished finished;

	begin("secret.SECRET_TOKEN = env:NOT_SET ; c\n");
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	expect(&finished, 0,
	       "--- x.ini\n+++ x.ini\n@@ -6 +6 @@\n"
	       "-secret.SECRET_TOKEN = env:NOT_SET ; c\n"
	       "+secret.SECRET_TOKEN = file:auth.SECRET_TOKEN.secret ; c\n",
	       "tenon: ./auth.SECRET_TOKEN.secret" WRITTEN);
}

static void a_file_without_a_name_gets_one(void)
{
	struct finished finished;

	begin("secret.SECRET_TOKEN = \"file:\"\n");
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	expect(&finished, 0,
	       "--- x.ini\n+++ x.ini\n@@ -6 +6 @@\n"
	       "-secret.SECRET_TOKEN = \"file:\"\n"
	       "+secret.SECRET_TOKEN = \"file:auth.SECRET_TOKEN.secret\"\n",
	       "tenon: ./auth.SECRET_TOKEN.secret" WRITTEN);
}

static void a_secret_in_the_configuration_moves_out_unseen(void)
{
	struct finished finished;

	begin("secret.SECRET_TOKEN = hunter2\n");
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	expect(&finished, 0, "",
	       "tenon: x.ini:6: the difference is not shown: the line held a secret\n"
	       "tenon: ./auth.SECRET_TOKEN.secret" WRITTEN);
	CU_ASSERT_PTR_NULL(strstr(file_read("x.ini"), "hunter2"));
}

static void the_file_lies_beside_the_file_that_has_the_worker(void)
{
	struct finished finished;

	begin("");
	CHECK_NUMBER(mkdir("conf.d", 0755), 0);
	write_here("conf.d/a.ini", "[worker b]\nmodule = auth.so\nroute = b/\n", 0644);
	write_here("x.ini",
	           text_of("include = conf.d/*.ini\n[host]\nmodules = %s\n", built("plugins")),
	           0644);
	finished = give(SECRET, "b", "SECRET_TOKEN");
	expect(&finished, 0,
	       "--- conf.d/a.ini\n+++ conf.d/a.ini\n@@ -3,0 +4 @@\n"
	       "+secret.SECRET_TOKEN = file:b.SECRET_TOKEN.secret\n",
	       "tenon: conf.d/b.SECRET_TOKEN.secret" WRITTEN);
	expect_file("conf.d/b.SECRET_TOKEN.secret", SECRET, 0600);
}

/* ---- Rotation ------------------------------------------------------------------------------ */

static void the_file_that_is_named_gets_the_new_one(void)
{
	struct stat before, after;
	struct finished finished;

	begin("secret.SECRET_TOKEN = file:token\n");
	write_here("token", "hunter2\n", 0600);
	CHECK_NUMBER(stat("x.ini", &before), 0);
	finished = give(SECRET "\n", "auth", "SECRET_TOKEN");
	expect(&finished, 0, "", "tenon: ./token" WRITTEN);
	expect_file("token", SECRET, 0600);
	CHECK_TEXT(file_read("x.ini"), text_before);
	CHECK_NUMBER(stat("x.ini", &after), 0);
	CHECK_NUMBER(after.st_ino, before.st_ino);
	CHECK_NUMBER(count_files(), 2);
}

static void its_group_may_read_it_on_and_others_may_not(void)
{
	struct finished finished;

	begin("secret.SECRET_TOKEN = file:token\n");
	write_here("token", "hunter2\n", 0644);
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	expect(&finished, 0, "",
	       "tenon: ./token: written, 28 bytes, mode 0640: the host takes it at its next start "
	       "or reload\n");
	expect_file("token", SECRET, 0640);
}

static void a_link_stays(void)
{
	struct finished finished;
	struct stat status;

	begin("secret.SECRET_TOKEN = file:link\n");
	CHECK_NUMBER(mkdir("there", 0755), 0);
	write_here("there/token", "hunter2\n", 0600);
	CHECK_NUMBER(symlink("there/token", "link"), 0);
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	expect(&finished, 0, "", "tenon: ./link" WRITTEN);
	expect_file("there/token", SECRET, 0600);
	CHECK_NUMBER(lstat("link", &status), 0);
	CU_ASSERT_TRUE(S_ISLNK(status.st_mode));
}

static void a_file_that_is_named_but_not_there_is_made(void)
{
	struct finished finished;

	begin("secret.SECRET_TOKEN = file:token\n");
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	expect(&finished, 0, "", "tenon: ./token" WRITTEN);
	expect_file("token", SECRET, 0600);
}

/* Two configurations in one directory may have a Worker of that name each. */
static void a_file_that_the_worker_does_not_name_is_left(void)
{
	struct finished finished;

	begin("");
	write_here("auth.SECRET_TOKEN.secret", "hunter2\n", 0600);
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	expect(&finished, EX_CONFIG, "",
	       "tenon: ./auth.SECRET_TOKEN.secret: it is there already, and x.ini does not name "
	       "it: write 'secret.SECRET_TOKEN = file:...' there (tenon set), or remove the "
	       "file\n");
	expect_file("auth.SECRET_TOKEN.secret", "hunter2\n", 0600);
	CHECK_TEXT(file_read("x.ini"), text_before);
	CHECK_NUMBER(count_files(), 2);
}

static void what_is_no_secret_is_not_overwritten(void)
{
	static const char *const names[] = { "x.ini", "./b.ini", "auth.so", "hard", "link" };
	struct finished finished;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		begin("");
		write_here("b.ini", "; nothing\n", 0644);
		CHECK_NUMBER(system(text_of("cp %s auth.so", plugin("auth"))), 0);
		write_here("x.ini",
		           text_of("include = b.ini\n[worker auth]\nroute = /\n"
		                   "module = ./auth.so\nsecret.SECRET_TOKEN = file:%s\n",
		                   names[i]),
		           0644);
		text_before = file_read("x.ini");
		CHECK_NUMBER(link("x.ini", "hard") | symlink("b.ini", "link"), 0);
		finished = give(SECRET, "auth", "SECRET_TOKEN");
		expect(&finished, EX_CONFIG, "",
		       text_of("tenon: ./%s: it is %s: name another for the secret\n",
		               i == 1 ? "b.ini" : names[i],
		               i == 2 ? "the module of a Worker"
		                      : "a file of the configuration itself"));
		CHECK_TEXT(file_read("x.ini"), text_before);
		CHECK_TEXT(file_read("b.ini"), "; nothing\n");
		CHECK_NUMBER(count_files(), 5);
	}
}

static void what_the_configuration_would_include_is_refused(void)
{
	struct finished finished;

	begin("");
	CHECK_NUMBER(mkdir("conf.d", 0755), 0);
	write_here("conf.d/a.ini", "[worker b]\nmodule = auth.so\nroute = b/\n", 0644);
	write_here("x.ini",
	           text_of("include = ./conf.d/*\n[host]\nmodules = %s\n", built("plugins")),
	           0644);
	finished = give(SECRET, "b", "SECRET_TOKEN");
	expect(&finished, EX_CONFIG, "",
	       "tenon: ./conf.d/b.SECRET_TOKEN.secret: an `include` of the configuration would "
	       "read it: name a file elsewhere for the secret, or include *.ini only\n");
	CHECK_NUMBER(access("conf.d/b.SECRET_TOKEN.secret", F_OK), -1);
	CHECK_TEXT(file_read("conf.d/a.ini"), "[worker b]\nmodule = auth.so\nroute = b/\n");
}

static void a_link_that_leads_nowhere_is_refused(void)
{
	struct finished finished;
	struct stat status;

	begin("secret.SECRET_TOKEN = file:link\n");
	CHECK_NUMBER(symlink("none", "link"), 0);
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	expect(&finished, EX_CONFIG, "",
	       "tenon: ./link: it is a symbolic link to a file that is not there: make that file, "
	       "or remove the link\n");
	CHECK_NUMBER(lstat("link", &status), 0);
	CU_ASSERT_TRUE(S_ISLNK(status.st_mode));
	CHECK_NUMBER(count_files(), 2);
}

/* ---- The bytes ----------------------------------------------------------------------------- */

/* What the Worker has of it, whose fixture tells the size. */
static long size_in_worker(void)
{
	struct host *host = host_start("x.ini");
	const struct http_reply *reply = http_get(host, "/?name=NONE");
	long size = strtol(reply->body + strlen("unset gone "), NULL, 10);

	host_end(host);
	return size;
}

static void the_bytes_arrive_as_they_are_but_for_one_newline(void)
{
	static const struct {
		const char *bytes;
		size_t size;
		long arrives;
	} cases[] = {
		{ "ab", 2, 2 },
		{ "ab\n", 3, 2 },
		{ "ab\n\n", 4, 3 },
		{ "a\0b\n", 4, 3 },
		{ "\0", 1, 1 },
		{ "a\r\n", 3, 2 },
		{ "\n\n", 2, 1 },
		{ " \xff ", 3, 3 },
	};

	begin("");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct finished finished;

		unlink("s.KEY.secret");
		write_here("x.ini",
		           text_of("[host]\nlisten = 127.0.0.1:0\n[worker s]\nmodule = %s\n"
		                   "route = /\n",
		                   fixture("serve_secrets")),
		           0644);
		finished = give_bytes(cases[i].bytes, cases[i].size, "s", "KEY");
		CHECK_NUMBER(finished.code, 0);
		CHECK_NUMBER(size_in_worker(), cases[i].arrives);
	}
}

static void the_largest_is_as_large_as_the_host_takes(void)
{
	char *bytes = memory_of(MOST + 2);
	struct finished finished;

	memset(bytes, 'x', MOST + 2);
	begin("");
	finished = give_bytes(bytes, MOST + 1, "auth", "SECRET_TOKEN");
	expect(&finished, EX_DATAERR, "",
	       "tenon: standard input has more than 65536 bytes: use a shorter secret\n");
	bytes[MOST + 1] = '\n';
	finished = give_bytes(bytes, MOST + 2, "auth", "SECRET_TOKEN");
	CHECK_NUMBER(finished.code, EX_DATAERR);
	CHECK_NUMBER(count_files(), 1);
	bytes[MOST] = '\n';
	finished = give_bytes(bytes, MOST + 1, "auth", "SECRET_TOKEN");
	CHECK_NUMBER(finished.code, 0);
	bytes[MOST] = '\0';
	expect_file("auth.SECRET_TOKEN.secret", bytes, 0600);
	CHECK_NUMBER(tenon_check("x.ini").code, 0);
	bytes[MOST - 1] = bytes[MOST] = '\n';
	finished = give_bytes(bytes, MOST + 1, "auth", "SECRET_TOKEN");
	CHECK_NUMBER(finished.code, EX_DATAERR);
}

static void an_empty_one_is_refused(void)
{
	static const char empty[] = "tenon: standard input is empty: write the secret there\n";
	struct finished finished;

	begin("");
	finished = give("", "auth", "SECRET_TOKEN");
	expect(&finished, EX_DATAERR, "", empty);
	finished = give("\n", "auth", "SECRET_TOKEN");
	expect(&finished, EX_DATAERR, "", empty);
	CHECK_TEXT(file_read("x.ini"), text_before);
	CHECK_NUMBER(count_files(), 1);
}

/* ---- What is refused ----------------------------------------------------------------------- */

static void what_check_would_refuse_leaves_no_file(void)
{
	struct finished finished;

	begin("secret.SECRET_TOKEN = file:token\n");
	write_here("token", "hunter2\n", 0600);
	finished = give(SECRET, "auth", "SECRET_TOKN");
	expect(&finished, EX_CONFIG, "",
	       text_of("x.ini:7: worker 'auth': secret.SECRET_TOKN: module '%s' declares no such "
	               "binding (did you mean 'secret.SECRET_TOKEN'?)\n"
	               "tenon: x.ini: " KEPT "\n",
	               plugin("auth")));
	CHECK_TEXT(file_read("x.ini"), text_before);
	CHECK_NUMBER(count_files(), 2);
}

static void what_check_would_refuse_keeps_the_old_one(void)
{
	struct finished finished;

	begin("secret.SECRET_TOKEN = file:token\nservice.none = auth\n");
	write_here("token", "hunter2\n", 0600);
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	expect_file("token", "hunter2\n", 0600);
	CHECK_TEXT(file_read("x.ini"), text_before);
	CHECK_NUMBER(count_files(), 2);
}

/* A module changes the configuration while it is tried, as an editor would. */
static void what_changes_meanwhile_leaves_no_file(void)
{
	static const char script[] = "echo " SECRET
				     "|TEST_APPEND=x.ini \"$0\" secret x.ini a TOKEN";
	const char *text = text_of("[worker a]\nmodule = %s\nroute = /\n", fixture("load_appends"));
	struct finished finished;

	begin("");
	write_here("x.ini", text, 0644);
	finished = program_run((const char *const[]){ "sh", "-c", script, built("tenon"), NULL });
	expect(&finished, EX_TEMPFAIL, "",
	       "tenon: x.ini: somebody else has changed it meanwhile: look at it, and try again\n");
	CHECK_TEXT(file_read("x.ini"), text_of("%s; mine\n", text));
	CHECK_NUMBER(count_files(), 1);
}

static void what_is_no_secret_is_refused(void)
{
	static const char *const wrong[][3] = {
		{ "atuh", "SECRET_TOKEN",
		  "tenon: x.ini: there is no worker 'atuh' (did you mean 'auth'?)\n" },
		{ "[host]", "SECRET_TOKEN",
		  "tenon: x.ini: [host] has no secrets: name a Worker\n" },
		{ "auth", "../x",
		  "tenon: x.ini: worker 'auth': '../x' is no name of a secret: it is a field of "
		  "the Worker's env, of letters, digits and '_'\n" },
		{ "auth", "",
		  "tenon: x.ini: worker 'auth': '' is no name of a secret: it is a field of the "
		  "Worker's env, of letters, digits and '_'\n" },
	};

	begin("");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct finished finished = give(SECRET, wrong[i][0], wrong[i][1]);

		expect(&finished, EX_USAGE, "", wrong[i][2]);
		CHECK_TEXT(file_read("x.ini"), text_before);
	}
	CHECK_NUMBER(count_files(), 1);
}

static void a_directory_in_its_place_is_refused(void)
{
	struct finished finished;

	begin("secret.SECRET_TOKEN = file:token\n");
	CHECK_NUMBER(mkdir("token", 0700), 0);
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	expect(&finished, EX_CONFIG, "",
	       "tenon: ./token: it is not a regular file: name another in the configuration\n");
	begin("secret.SECRET_TOKEN = file:none/token\n");
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	expect(&finished, EX_NOINPUT, "",
	       "tenon: ./none/token: no file can be made beside it: No such file or directory\n");
}

static void another_users_secret_is_not_replaced(void)
{
	static const char script[] = "echo " SECRET "|setpriv --reuid=65534 --regid=65534 "
				     "--clear-groups \"$0\" secret x.ini auth SECRET_TOKEN";
	const char *const may[] = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
		                    "test", "-x", built("tenon"), NULL };
	struct finished finished;

	begin("secret.SECRET_TOKEN = file:token\n");
	write_here("token", "hunter2\n", 0600);
	if (geteuid() != 0 || program_run(may).code != 0) {
		printf("%s: skipped, it takes root, setpriv, and a build that all can read\n",
		       __func__);
		return;
	}
	CHECK_NUMBER(chmod(scratch_directory(), 0755), 0);
	CHECK_NUMBER(chown(".", 65534, 65534) | chown("x.ini", 65534, 65534), 0);
	finished = program_run((const char *const[]){ "sh", "-c", script, built("tenon"), NULL });
	expect(&finished, EX_NOPERM, "",
	       "tenon: ./token: it cannot be opened: Permission denied: run as its owner, or name "
	       "another in the configuration\n");
	expect_file("token", "hunter2\n", 0600);
	CHECK_NUMBER(count_files(), 2);
}

static void the_second_of_two_is_told(void)
{
	struct finished finished;
	int file;

	begin("");
	file = open("x.ini", O_RDONLY | O_CLOEXEC);
	CHECK_NUMBER(flock(file, LOCK_EX | LOCK_NB), 0);
	finished = give(SECRET, "auth", "SECRET_TOKEN");
	expect(&finished, EX_TEMPFAIL, "",
	       "tenon: x.ini: another command is changing it: try again when that has ended\n");
	close(file);
	CHECK_NUMBER(count_files(), 1);
}

/* ---- On a terminal ------------------------------------------------------------------------- */

struct session {
	pid_t pid;
	int master; /* what the person sees and types */
	int slave;
	char *seen;
};

static _Noreturn void become(const struct session *session, const char *const *words)
{
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ioctl(session->slave, TIOCSCTTY, 0);
	for (int file = 0; file < 3; file++)
		dup2(session->slave, file);
	execvp(words[0], (char *const *)(uintptr_t)words);
	_exit(127);
}

static struct session open_session(void)
{
	struct session session = { .master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC),
		                   .seen = text_of("%s", "") };
	const char *words[32] = { NULL };
	size_t count = 0;

	CU_ASSERT_FATAL(session.master >= 0 && !grantpt(session.master) &&
	                !unlockpt(session.master));
	session.slave = open(ptsname(session.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	CU_ASSERT_FATAL(session.slave >= 0);
	add_tenon(words, &count);
	words[count++] = "secret";
	words[count++] = "x.ini";
	words[count++] = "auth";
	words[count++] = "SECRET_TOKEN";
	fflush(NULL);
	session.pid = fork();
	CU_ASSERT_FATAL(session.pid >= 0);
	if (!session.pid)
		become(&session, words);
	return session;
}

/* Reads what there is, for a while at most. */
static void look(struct session *session)
{
	struct pollfd input = { .fd = session->master, .events = POLLIN };
	char part[1024];
	ssize_t size;

	if (poll(&input, 1, 10) != 1)
		return;
	size = read(session->master, part, sizeof(part));
	if (size > 0)
		session->seen = text_of("%s%.*s", session->seen, (int)size, part);
}

static bool see(struct session *session, const char *text)
{
	long long end = now_ms() + deadline_ms();

	while (!strstr(session->seen, text) && now_ms() < end)
		look(session);
	return strstr(session->seen, text);
}

static bool echoes(const struct session *session)
{
	struct termios settings = { 0 };

	CHECK_NUMBER(tcgetattr(session->master, &settings), 0);
	return settings.c_lflag & ECHO;
}

static void type(const struct session *session, const char *text)
{
	CU_ASSERT_EQUAL(write(session->master, text, strlen(text)), (ssize_t)strlen(text));
}

/* As struct finished has it. */
static int end_session(struct session *session)
{
	long long end = now_ms() + deadline_ms();
	int status = 0;

	while (waitpid(session->pid, &status, WNOHANG) == 0) {
		look(session);
		if (now_ms() > end)
			kill(session->pid, SIGKILL);
	}
	look(session);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void close_session(const struct session *session)
{
	close(session->slave);
	close(session->master);
}

#define PROMPT "secret.SECRET_TOKEN of worker 'auth' (it is not shown): "

static void a_terminal_shows_nothing_of_it(void)
{
	struct session session;

	begin("");
	session = open_session();
	CU_ASSERT_TRUE(see(&session, PROMPT));
	CU_ASSERT_FALSE(echoes(&session));
	type(&session, SECRET "\n");
	CHECK_NUMBER(end_session(&session), 0);
	CU_ASSERT_TRUE(echoes(&session));
	CU_ASSERT_PTR_NULL(strstr(session.seen, "horse"));
	CHECK_NUMBER(count_of(session.seen, PROMPT "\r\n--- x.ini\r\n"), 1);
	expect_file("auth.SECRET_TOKEN.secret", SECRET, 0600);
	close_session(&session);
}

static void an_end_of_input_is_an_empty_secret(void)
{
	struct session session;

	begin("");
	session = open_session();
	CU_ASSERT_TRUE(see(&session, PROMPT));
	type(&session, "\x04");
	CHECK_NUMBER(end_session(&session), EX_DATAERR);
	CU_ASSERT_TRUE(echoes(&session));
	CHECK_NUMBER(count_files(), 1);
	close_session(&session);
}

static void a_signal_gives_the_echo_back(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct session session;

		begin("");
		session = open_session();
		CU_ASSERT_TRUE(see(&session, PROMPT));
		type(&session, "correct ho");
		if (signals[i] == SIGINT)
			type(&session, "\x03");
		else
			kill(session.pid, signals[i]);
		CHECK_NUMBER(end_session(&session), -signals[i]);
		CU_ASSERT_TRUE(echoes(&session));
		CU_ASSERT_PTR_NULL(strstr(session.seen, "correct"));
		CHECK_NUMBER(count_files(), 1);
		close_session(&session);
	}
}

/* Nobody else has to wait until somebody has typed. */
static void nothing_is_locked_while_it_is_typed(void)
{
	struct session session;
	int file;

	begin("");
	session = open_session();
	CU_ASSERT_TRUE(see(&session, PROMPT));
	file = open("x.ini", O_RDONLY | O_CLOEXEC);
	CHECK_NUMBER(flock(file, LOCK_EX | LOCK_NB), 0);
	close(file);
	type(&session, SECRET "\n");
	CHECK_NUMBER(end_session(&session), 0);
	close_session(&session);
}

TEST_MAIN("e2e/secret",
          TEST(a_secret_gets_a_file_beside_the_configuration),
          TEST(the_file_is_of_the_owner_of_the_configuration),
          TEST(the_host_takes_it),
          TEST(a_variant_gets_a_file_of_its_own),
          TEST(another_source_is_replaced),
          TEST(a_file_without_a_name_gets_one),
          TEST(a_secret_in_the_configuration_moves_out_unseen),
          TEST(the_file_lies_beside_the_file_that_has_the_worker),
          TEST(the_file_that_is_named_gets_the_new_one),
          TEST(its_group_may_read_it_on_and_others_may_not),
          TEST(a_link_stays),
          TEST(a_file_that_is_named_but_not_there_is_made),
          TEST(a_file_that_the_worker_does_not_name_is_left),
          TEST(what_is_no_secret_is_not_overwritten),
          TEST(what_the_configuration_would_include_is_refused),
          TEST(a_link_that_leads_nowhere_is_refused),
          TEST(the_bytes_arrive_as_they_are_but_for_one_newline),
          TEST(the_largest_is_as_large_as_the_host_takes),
          TEST(an_empty_one_is_refused),
          TEST(what_check_would_refuse_leaves_no_file),
          TEST(what_check_would_refuse_keeps_the_old_one),
          TEST(what_changes_meanwhile_leaves_no_file),
          TEST(what_is_no_secret_is_refused),
          TEST(a_directory_in_its_place_is_refused),
          TEST(another_users_secret_is_not_replaced),
          TEST(the_second_of_two_is_told),
          TEST(a_terminal_shows_nothing_of_it),
          TEST(an_end_of_input_is_an_empty_secret),
          TEST(a_signal_gives_the_echo_back),
          TEST(nothing_is_locked_while_it_is_typed))
