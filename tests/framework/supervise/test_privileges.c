#include "supervise/privileges.h"

#include "../deploy/planned.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define HOST "[host]\nlisten = 127.0.0.1:0\n"
#define WORKER "[worker w]\nroute = /\n"

/* ---- Finding ------------------------------------------------------------------------------- */

struct fixture {
	struct planned planned;
	struct tn_privileges privileges;
};

static bool find(struct fixture *fixture, const char *keys)
{
	char text[1024];

	snprintf(text, sizeof(text), HOST "%s" WORKER, keys);
	planned_text(&fixture->planned, NULL, text);
	return tn_privileges_find(fixture->planned.plan, &fixture->privileges,
	                          &fixture->planned.errors);
}

static void end(struct fixture *fixture)
{
	CHECK_NUMBER(fixture->planned.errors.count, 0);
	planned_end(&fixture->planned);
}

/* The one error, behind the file's name. */
static void refuse(const char *keys, const char *expected)
{
	struct fixture fixture;
	char *text;
	bool found = find(&fixture, keys);

	CU_ASSERT_FALSE(found);
	text = errors_text(&fixture.planned.errors);
	if (!strstr(text, expected))
		printf("%s\tshould end in %s", text, expected);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, expected));
	free(text);
	tn_errors_finish(&fixture.planned.errors);
	end(&fixture);
}

static void without_a_user_all_is_kept(void)
{
	struct fixture fixture;

	CU_ASSERT(find(&fixture, ""));
	CU_ASSERT(fixture.privileges.keeps);
	end(&fixture);
}

static void a_user_is_a_name_or_a_number_and_brings_its_groups(void)
{
	static const char *const keys[] = { "user = nobody\n", "user = 65534\n" };

	if (!is_root(__func__))
		return;
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;

		CU_ASSERT(find(&fixture, keys[i]));
		CU_ASSERT_FALSE(fixture.privileges.keeps);
		CHECK_NUMBER(fixture.privileges.user, NOBODY);
		CHECK_NUMBER(fixture.privileges.group, NOBODY);
		CHECK_NUMBER(fixture.privileges.group_count, 1);
		CHECK_NUMBER(fixture.privileges.groups[0], NOBODY);
		end(&fixture);
	}
}

static void another_group_takes_the_place_of_the_users(void)
{
	static const char *const keys[] = { "user = nobody\ngroup = daemon\n",
		                            "user = nobody\ngroup = 1\n" };

	if (!is_root(__func__))
		return;
	for (size_t i = 0; i < 2; i++) {
		struct fixture fixture;

		CU_ASSERT(find(&fixture, keys[i]));
		CHECK_NUMBER(fixture.privileges.group, 1);
		CHECK_NUMBER(fixture.privileges.group_count, 1);
		CHECK_NUMBER(fixture.privileges.groups[0], 1);
		end(&fixture);
	}
}

static void a_number_without_an_entry_needs_a_group(void)
{
	struct fixture fixture;

	if (!is_root(__func__))
		return;
	CU_ASSERT(find(&fixture, "user = 4123456\ngroup = 4123457\n"));
	CHECK_NUMBER(fixture.privileges.user, 4123456);
	CHECK_NUMBER(fixture.privileges.group, 4123457);
	CHECK_NUMBER(fixture.privileges.groups[0], 4123457);
	end(&fixture);
	refuse("user = 4123456\n", "x.ini:3: [host]: user: '4123456': this number has no entry, "
	                           "and so no group: write `group`, too\n");
}

static void who_is_not_there_is_an_error_with_its_place(void)
{
	refuse("user = none-such\n", "x.ini:3: [host]: user: 'none-such': there is no such user: "
	                             "make it (useradd --system), or name another\n");
	refuse("user = 4294967295\n", "x.ini:3: [host]: user: '4294967295': there is no such "
	                              "user: make it (useradd --system), or name another\n");
	refuse("user = nobody\ngroup = none-such\n",
	       "x.ini:4: [host]: group: 'none-such': there is no such group: make it (groupadd "
	       "--system), or name another\n");
}

static void elsewhere_it_is_a_warning(void)
{
	struct planned planned;
	char *text;

	planned_text(&planned, NULL, HOST "user = none-such\n" WORKER);
	tn_privileges_warn(planned.plan, &planned.errors);
	CHECK_NUMBER(planned.errors.errors, 0);
	text = errors_text(&planned.errors);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "x.ini:3: warning: [host]: user: 'none-such': there"));
	free(text);
	tn_errors_finish(&planned.errors);
	planned_end(&planned);
}

static int find_as_nobody(void *unused)
{
	struct fixture fixture;

	(void)unused;
	CU_ASSERT(find(&fixture, "user = nobody\ngroup = 65534\n"));
	CU_ASSERT(fixture.privileges.keeps);
	end(&fixture);
	refuse("user = root\n", "x.ini:3: [host]: user: 'root': only root may become another "
	                        "user: start tenon as root or as that user, or remove the line\n");
	refuse("user = nobody\ngroup = daemon\n",
	       "x.ini:4: [host]: group: 'daemon': only root may take another group: start tenon "
	       "as root or with that group, or remove the line\n");
	return CU_get_number_of_failures() != 0;
}

static void who_is_not_root_may_name_itself(void)
{
	if (is_root(__func__))
		CHECK_NUMBER(as_nobody(find_as_nobody, NULL), 0);
}

/* ---- As a word ----------------------------------------------------------------------------- */

static void the_word_is_read_as_it_was_written(void)
{
	static const char *const words[] = { "-", "0:0:", "1000:1000:4", "1:2:3,4,4294967294" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct tn_privileges privileges;
		char text[TN_PRIVILEGES_TEXT];

		CU_ASSERT(tn_privileges_read(words[i], &privileges));
		tn_privileges_write(&privileges, text);
		CU_ASSERT_STRING_EQUAL(text, words[i]);
	}
}

static void the_longest_word_has_room(void)
{
	struct tn_privileges privileges = { .user = UINT_MAX - 1,
		                            .group = UINT_MAX - 1,
		                            .group_count = TN_PRIVILEGES_GROUPS };
	struct tn_privileges again;
	char text[TN_PRIVILEGES_TEXT];
	char more[TN_PRIVILEGES_TEXT + 16];

	for (size_t i = 0; i < TN_PRIVILEGES_GROUPS; i++)
		privileges.groups[i] = UINT_MAX - 1;
	tn_privileges_write(&privileges, text);
	CHECK_NUMBER(strlen(text), TN_PRIVILEGES_TEXT - 2);
	CU_ASSERT(tn_privileges_read(text, &again));
	CU_ASSERT_EQUAL(memcmp(&again.groups, &privileges.groups, sizeof(again.groups)), 0);
	snprintf(more, sizeof(more), "%s,1", text);
	CU_ASSERT_FALSE(tn_privileges_read(more, &again));
}

static void what_is_no_word_is_refused(void)
{
	static const char *const words[] = { "", "--", "1", "1:2",
		                             "1:2:3,", "1:2:,3", "-1:2:", "1:+2:",
		                             "1: 2:", "1:2:3 4", "1:2:3:4", "4294967295:1:",
		                             "1:2:x", "a:2:", "1:2:3,,4", "99999999999999:1:" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct tn_privileges privileges;

		if (tn_privileges_read(words[i], &privileges))
			CHECK_TEXT(words[i], "refused");
	}
}

/* ---- Dropping ------------------------------------------------------------------------------ */

/* In a child: what does not hold is printed, and ends it. */
#define REQUIRE(condition_) require(condition_, #condition_, __LINE__)

static void require(bool condition, const char *text, int line)
{
	if (condition)
		return;
	printf("%s:%d: %s (%s)\n", __FILE__, line, text, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static int in_child(void (*run)(const struct tn_privileges *), const struct tn_privileges *argument)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		run(argument);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void drop(const struct tn_privileges *privileges)
{
	char reason[TN_REASON_SIZE] = "";
	bool dropped = tn_privileges_drop(privileges, reason);

	if (!dropped)
		puts(reason);
	REQUIRE(dropped);
}

/* The rest of that line of /proc/self/status. */
static const char *status_of(const char *key)
{
	static char line[4096];
	FILE *file = fopen("/proc/self/status", "re");
	const char *value = "";

	REQUIRE(file);
	while (!*value && fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			value = line + strlen(key) + 1;
	fclose(file);
	return value;
}

static void has_none(const struct tn_privileges *privileges)
{
	static const char *const sets[] = { "CapInh:", "CapPrm:", "CapEff:", "CapAmb:" };
	bool root = geteuid() == 0;

	drop(privileges);
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		REQUIRE(strcmp(status_of(sets[i]), "0000000000000000\n") == 0);
	if (root)
		REQUIRE(strcmp(status_of("CapBnd:"), "0000000000000000\n") == 0);
	REQUIRE(strcmp(status_of("NoNewPrivs:"), "1\n") == 0);
	REQUIRE(prctl(PR_GET_DUMPABLE) == 1);
}

static void is_nobody(const struct tn_privileges *privileges)
{
	gid_t groups[16];

	has_none(privileges);
	REQUIRE(strcmp(status_of("Uid:"), "65534\t65534\t65534\t65534\n") == 0);
	REQUIRE(strcmp(status_of("Gid:"), "1\t1\t1\t1\n") == 0);
	REQUIRE(getgroups(16, groups) == 2 && groups[0] == 4 && groups[1] == 24);
}

static void nobody_has_nothing_of_root(void)
{
	const struct tn_privileges privileges = {
		.user = NOBODY, .group = 1, .groups = { 4, 24 }, .group_count = 2
	};

	if (is_root(__func__))
		CHECK_NUMBER(in_child(is_nobody, &privileges), 0);
}

static void stays_so(const struct tn_privileges *privileges)
{
	const gid_t root = 0;

	drop(privileges);
	REQUIRE(setuid(0) < 0 && seteuid(0) < 0 && setresuid((uid_t)-1, (uid_t)-1, 0) < 0);
	REQUIRE(setgid(0) < 0 && setegid(0) < 0);
	REQUIRE(setgroups(1, &root) < 0);
	REQUIRE(getgroups(0, NULL) == 0);
}

static void it_does_not_come_back(void)
{
	const struct tn_privileges privileges = { .user = NOBODY, .group = NOBODY };

	if (is_root(__func__))
		CHECK_NUMBER(in_child(stays_so, &privileges), 0);
}

static void cannot_do_what_root_can(const struct tn_privileges *privileges)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                       .sin_port = htons(80) };
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *start = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
	int lowest = 1024;

	if (start && fscanf(start, "%d", &lowest) == 1)
		fclose(start);
	drop(privileges);
	if (lowest > 80)
		REQUIRE(bind(descriptor, (void *)&address, sizeof(address)) < 0 && errno == EACCES);
	REQUIRE(kill(getppid(), 0) == 0 || privileges->user != 0 || errno == EPERM);
	REQUIRE(chown("/proc/self/cwd", 1, 1) < 0);
}

static void a_port_below_1024_is_not_for_nobody(void)
{
	const struct tn_privileges privileges = { .user = NOBODY, .group = NOBODY };

	if (is_root(__func__))
		CHECK_NUMBER(in_child(cannot_do_what_root_can, &privileges), 0);
}

/* Nor what it starts: it has no set from which it could. */
static void stays_root(const struct tn_privileges *privileges)
{
	drop(privileges);
	REQUIRE(geteuid() == 0);
	REQUIRE(system("grep -q 'CapEff:.*0000000000000000' /proc/self/status") == 0);
	cannot_do_what_root_can(privileges);
}

static void root_without_a_user_is_root_without_its_rights(void)
{
	const struct tn_privileges privileges = { .keeps = true };

	if (is_root(__func__)) {
		CHECK_NUMBER(in_child(has_none, &privileges), 0);
		CHECK_NUMBER(in_child(stays_root, &privileges), 0);
	}
}

static int drop_nothing(void *unused)
{
	(void)unused;
	has_none(&(const struct tn_privileges){ .keeps = true });
	return 0;
}

static void who_has_nothing_drops_it(void)
{
	if (is_root(__func__))
		CHECK_NUMBER(as_nobody(drop_nothing, NULL), 0);
	else
		CHECK_NUMBER(drop_nothing(NULL), 0);
}

static int drop_as_nobody(void *unused)
{
	const struct tn_privileges privileges = { .user = 0, .group = 0 };
	char reason[TN_REASON_SIZE];

	(void)unused;
	REQUIRE(!tn_privileges_drop(&privileges, reason));
	REQUIRE(strcmp(reason, "it cannot become user 0 with group 0: setgroups: Operation not "
	                       "permitted: start tenon with CAP_SETUID and CAP_SETGID, or as "
	                       "that user and without `user`") == 0);
	return 0;
}

static void what_cannot_be_done_is_told(void)
{
	if (is_root(__func__))
		CHECK_NUMBER(as_nobody(drop_as_nobody, NULL), 0);
}

/* A setuid clears it, so it is asked for behind the drop: and then it holds. */
static void end_with_the_parent(const struct tn_privileges *privileges)
{
	pid_t parent = getpid(), pid;
	int ends[2];
	char byte;

	REQUIRE(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		drop(privileges);
		REQUIRE(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent);
		REQUIRE(write(ends[1], "", 1) == 1);
		for (;;)
			pause();
	}
	close(ends[1]);
	REQUIRE(read(ends[0], &byte, 1) == 1);
}

static void it_ends_with_its_parent(void)
{
	const struct tn_privileges privileges = { .user = NOBODY, .group = NOBODY };
	pid_t orphan;
	int status;

	if (!is_root(__func__))
		return;
	CHECK_NUMBER(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	CHECK_NUMBER(in_child(end_with_the_parent, &privileges), 0);
	orphan = waitpid(-1, &status, 0);
	CU_ASSERT(orphan > 0);
	CU_ASSERT(WIFSIGNALED(status));
	CHECK_NUMBER(WTERMSIG(status), SIGKILL);
}

/* ---- What it loads from -------------------------------------------------------------------- */

static void the_reader_reaches_what_its_user_does(void)
{
	static const struct tn_privileges nobody = { .user = NOBODY, .group = NOBODY };
	static const struct tn_privileges grouped = {
		.user = NOBODY, .group = NOBODY, .groups = { 4 }, .group_count = 1
	};
	struct tn_stage_reader reader = tn_privileges_reader(&nobody);
	struct scratch scratch;
	const char *inner;

	if (!is_root(__func__))
		return;
	scratch_begin(&scratch);
	CHECK_NUMBER(reader.group, NOBODY);
	inner = scratch_path(&scratch, "in");
	CHECK_NUMBER(mkdir(inner, 0755), 0);
	CU_ASSERT(reader.reaches(reader.argument, inner));
	CHECK_NUMBER(chmod(inner, 0744), 0); /* it can be listed only */
	CU_ASSERT_FALSE(reader.reaches(reader.argument, inner));
	CHECK_NUMBER(chmod(inner, 0750), 0);
	CU_ASSERT_FALSE(reader.reaches(reader.argument, inner));
	CHECK_NUMBER(chown(inner, 0, 4), 0);
	CU_ASSERT_FALSE(reader.reaches(reader.argument, inner));
	CU_ASSERT(reader.reaches(&grouped, inner));
	CHECK_NUMBER(chmod(scratch.directory, 0700), 0);
	CU_ASSERT_FALSE(reader.reaches(&grouped, inner));
	scratch_end(&scratch);
}

/* Without its capabilities it is not let in everywhere. */
static void root_without_its_rights_reaches_less(void)
{
	static const struct tn_privileges kept = { .keeps = true };
	struct tn_stage_reader reader = tn_privileges_reader(&kept);
	struct scratch scratch;

	if (!is_root(__func__))
		return;
	scratch_begin(&scratch);
	CU_ASSERT_EQUAL(reader.group, (gid_t)-1);
	CU_ASSERT(reader.reaches(reader.argument, scratch.directory));
	CHECK_NUMBER(chown(scratch.directory, NOBODY, NOBODY), 0);
	CHECK_NUMBER(chmod(scratch.directory, 0700), 0);
	CU_ASSERT_FALSE(reader.reaches(reader.argument, scratch.directory));
	scratch_end(&scratch);
}

TEST_MAIN("supervise/privileges",
          TEST(without_a_user_all_is_kept),
          TEST(a_user_is_a_name_or_a_number_and_brings_its_groups),
          TEST(another_group_takes_the_place_of_the_users),
          TEST(a_number_without_an_entry_needs_a_group),
          TEST(who_is_not_there_is_an_error_with_its_place),
          TEST(elsewhere_it_is_a_warning),
          TEST(who_is_not_root_may_name_itself),
          TEST(the_word_is_read_as_it_was_written),
          TEST(the_longest_word_has_room),
          TEST(what_is_no_word_is_refused),
          TEST(nobody_has_nothing_of_root),
          TEST(it_does_not_come_back),
          TEST(a_port_below_1024_is_not_for_nobody),
          TEST(root_without_a_user_is_root_without_its_rights),
          TEST(who_has_nothing_drops_it),
          TEST(what_cannot_be_done_is_told),
          TEST(it_ends_with_its_parent),
          TEST(the_reader_reaches_what_its_user_does),
          TEST(root_without_its_rights_reaches_less))
