/* test_control.c - the control socket: who gets it, who may speak on it, and that nobody holds it
 * up. */
#include "supervise/control.h"

#include "../deploy/scratch.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>

struct fixture {
	struct scratch scratch;
	char path[600];
	char reason[TN_REASON_SIZE];
	struct tn_control *control;
	unsigned asked; /* how often */
	enum tn_control_ask ask;
	char workers[TN_NAMES_SIZE]; /* "none" */
	const char *answer;          /* to who asks for the status; NULL: none */
};

static const char *path_in(struct fixture *fixture, const char *name)
{
	snprintf(fixture->path, sizeof(fixture->path), "%s",
	         scratch_path(&fixture->scratch, name));
	return fixture->path;
}

static int open_control(struct fixture *fixture)
{
	fixture->reason[0] = '\0';
	return tn_control_open(fixture->path, &fixture->control, fixture->reason);
}

static void begin(struct fixture *fixture)
{
	*fixture = (struct fixture){ .answer = "fine" };
	scratch_begin(&fixture->scratch);
	path_in(fixture, "x.control");
	CHECK_NUMBER(open_control(fixture), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->control);
}

static void end(struct fixture *fixture)
{
	tn_control_close(fixture->control);
	scratch_end(&fixture->scratch);
}

static void asked(void *argument, struct tn_control_client *client, enum tn_control_ask ask)
{
	struct fixture *fixture = argument;

	fixture->asked++;
	fixture->ask = ask;
	snprintf(fixture->workers, sizeof(fixture->workers), "%s",
	         tn_control_workers(client) ? tn_control_workers(client) : "none");
	if (ask != TN_CONTROL_STATUS || !fixture->answer)
		return;
	tn_control_tell(client, fixture->answer);
	tn_control_end(client, 0);
}

static void turn(struct fixture *fixture)
{
	tn_control_turn(fixture->control, asked, fixture);
}

/* It does not wait, so that one thread is enough: the queue of the socket has room. */
static int connect_to(const struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	CU_ASSERT_FATAL(client >= 0 && strlen(fixture->path) < sizeof(address.sun_path));
	memcpy(address.sun_path, fixture->path, strlen(fixture->path));
	CHECK_NUMBER(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	return client;
}

static void say(int client, const char *word)
{
	CHECK_NUMBER(send(client, word, strlen(word), MSG_NOSIGNAL), (long long)strlen(word));
}

static int ask(const struct fixture *fixture, const char *word)
{
	int client = connect_to(fixture);

	say(client, word);
	return client;
}

/* The next message; "" at the end, "nothing" where there is none. */
static const char *next(int client)
{
	static char text[TN_CONTROL_PART + 2];
	ssize_t size = recv(client, text, sizeof(text) - 1, 0);

	if (size < 0)
		return errno == EAGAIN ? "nothing" : strerror(errno);
	text[size] = '\0';
	return text;
}

static void expect_answer(int client, const char *text, const char *code)
{
	CHECK_TEXT(next(client), text);
	CHECK_TEXT(next(client), code);
	CHECK_TEXT(next(client), "");
	close(client);
}

/* Runs it in a child and returns its exit code. */
static int in_child(int (*run)(struct fixture *fixture), struct fixture *fixture)
{
	pid_t child;
	int status = 0;

	fflush(NULL);
	child = fork();
	if (child == 0)
		_exit(run(fixture));
	CU_ASSERT_FATAL(child > 0);
	CHECK_NUMBER(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- The path ------------------------------------------------------------------------------ */

static void the_path_is_beside_the_file(void)
{
	char *path = tn_control_path(NULL, "etc/x.ini", NULL);

	CHECK_TEXT(path, "etc/x.ini.control");
	free(path);
	path = tn_control_path(NULL, "etc/x.ini", "staging");
	CHECK_TEXT(path, "etc/x.ini@staging.control");
	free(path);
}

static void a_long_path_is_refused_with_the_cure(void)
{
	struct fixture fixture = { 0 };

	memset(fixture.path, 'a', TN_CONTROL_PATH_MOST + 1);
	CHECK_NUMBER(open_control(&fixture), EX_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(fixture.reason, "set `control` in [host]"));
	CU_ASSERT_PTR_NULL(fixture.control);
	CHECK_NUMBER(access(fixture.path, F_OK), -1);
}

static void the_longest_path_will_do(void)
{
	struct fixture fixture = { .answer = "fine" };
	int client;

	scratch_begin(&fixture.scratch);
	path_in(&fixture, "");
	memset(fixture.path + strlen(fixture.path), 'a', TN_CONTROL_PATH_MOST);
	fixture.path[TN_CONTROL_PATH_MOST] = '\0';
	CHECK_NUMBER(open_control(&fixture), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture.control);
	client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	{
		struct sockaddr_un address = { .sun_family = AF_UNIX };

		memcpy(address.sun_path, fixture.path, TN_CONTROL_PATH_MOST);
		CHECK_NUMBER(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	}
	close(client);
	end(&fixture);
}

static void a_directory_that_is_not_there_is_told_with_the_cure(void)
{
	struct fixture fixture = { 0 };

	scratch_begin(&fixture.scratch);
	path_in(&fixture, "none/x.control");
	CHECK_NUMBER(open_control(&fixture), EX_CANTCREAT);
	CU_ASSERT_PTR_NOT_NULL(strstr(fixture.reason, "No such file or directory: set `control`"));
	scratch_end(&fixture.scratch);
}

/* ---- Whose it is --------------------------------------------------------------------------- */

static void others_may_not_open_it_whatever_the_mask_is(void)
{
	struct fixture fixture;
	mode_t mask = umask(0);
	struct stat status = { 0 };

	begin(&fixture);
	CHECK_NUMBER(umask(mask), 0);
	CHECK_NUMBER(stat(fixture.path, &status), 0);
	CHECK_NUMBER(status.st_mode, S_IFSOCK | 0600);
	CHECK_NUMBER(stat(scratch_path(&fixture.scratch, "x.control.lock"), &status), 0);
	CHECK_NUMBER(status.st_mode, S_IFREG | 0600);
	end(&fixture);
}

static void an_end_leaves_nothing(void)
{
	struct fixture fixture;

	begin(&fixture);
	tn_control_close(fixture.control);
	CHECK_NUMBER(access(fixture.path, F_OK), -1);
	CHECK_NUMBER(access(scratch_path(&fixture.scratch, "x.control.lock"), F_OK), -1);
	scratch_end(&fixture.scratch);
}

static void one_that_lives_keeps_it(void)
{
	struct fixture first, second;
	char process[32];
	int client;

	begin(&first);
	second = (struct fixture){ 0 };
	stpcpy(second.path, first.path);
	CHECK_NUMBER(open_control(&second), EX_UNAVAILABLE);
	snprintf(process, sizeof(process), "process %d serves", (int)getpid());
	CU_ASSERT_PTR_NOT_NULL(strstr(second.reason, process));
	CU_ASSERT_PTR_NOT_NULL(strstr(second.reason, "`tenon stop`"));
	client = ask(&first, "status");
	turn(&first);
	expect_answer(client, "Tfine", "E0");
	end(&first);
}

static int open_and_die(struct fixture *fixture)
{
	if (open_control(fixture) == 0)
		kill(getpid(), SIGKILL);
	return 1;
}

static void one_that_was_left_behind_is_replaced(void)
{
	struct fixture fixture = { .answer = "fine" };
	int client;

	scratch_begin(&fixture.scratch);
	path_in(&fixture, "x.control");
	CHECK_NUMBER(in_child(open_and_die, &fixture), -SIGKILL);
	CHECK_NUMBER(access(fixture.path, F_OK), 0);
	CHECK_NUMBER(open_control(&fixture), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture.control);
	client = ask(&fixture, "status");
	turn(&fixture);
	expect_answer(client, "Tfine", "E0");
	end(&fixture);
}

static void another_file_of_the_name_is_left_alone(void)
{
	struct fixture fixture = { 0 };

	scratch_begin(&fixture.scratch);
	scratch_write(&fixture.scratch, "x.control", 0600, "mine", 4);
	path_in(&fixture, "x.control");
	CHECK_NUMBER(open_control(&fixture), EX_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(fixture.reason, "is another file: remove it"));
	CHECK_NUMBER(access(fixture.path, F_OK), 0);
	CHECK_NUMBER(access(scratch_path(&fixture.scratch, "x.control.lock"), F_OK), -1);
	scratch_end(&fixture.scratch);
}

/* What it was locked as may have gone before it was locked. */
static void who_leaves_it_may_be_followed_at_once(void)
{
	struct fixture fixture;
	struct tn_control *first;

	begin(&fixture);
	first = fixture.control;
	tn_control_leave(first);
	CHECK_NUMBER(open_control(&fixture), 0);
	tn_control_close(first);
	CHECK_NUMBER(access(fixture.path, F_OK), 0);
	end(&fixture);
}

/* ---- Who speaks ---------------------------------------------------------------------------- */

static void each_word_is_asked_once(void)
{
	static const struct {
		const char *word;
		enum tn_control_ask ask;
	} words[] = { { "status", TN_CONTROL_STATUS },
		      { "reload", TN_CONTROL_RELOAD },
		      { "stop", TN_CONTROL_STOP } };
	struct fixture fixture;

	begin(&fixture);
	for (unsigned i = 0; i < 3; i++) {
		int client = ask(&fixture, words[i].word);

		turn(&fixture);
		turn(&fixture);
		CHECK_NUMBER(fixture.asked, i + 1);
		CHECK_NUMBER(fixture.ask, words[i].ask);
		close(client);
	}
	end(&fixture);
}

static void workers_are_named_behind_the_word(void)
{
	static const struct {
		const char *message;
		enum tn_control_ask ask;
		const char *workers;
	} messages[] = { { "reload", TN_CONTROL_RELOAD, "none" },
		         { "reload auth", TN_CONTROL_RELOAD, "auth" },
		         { "reload billing auth@staging  auth billing", TN_CONTROL_RELOAD,
		           "auth auth@staging billing" },
		         { "release auth@v2", TN_CONTROL_RELEASE, "auth@v2" } };
	struct fixture fixture;

	begin(&fixture);
	for (unsigned i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		int client = ask(&fixture, messages[i].message);

		turn(&fixture);
		CHECK_NUMBER(fixture.asked, i + 1);
		CHECK_NUMBER(fixture.ask, messages[i].ask);
		CHECK_TEXT(fixture.workers, messages[i].workers);
		close(client);
	}
	end(&fixture);
}

static void names_that_can_be_none_are_refused(void)
{
	static const char *const messages[] = { "reload ", "reload a\nb", "reload \xff",
		                                "release \x1b[31m", "release " };
	struct fixture fixture;

	begin(&fixture);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		int client = ask(&fixture, messages[i]);
		const char *text;

		turn(&fixture);
		text = next(client);
		CU_ASSERT(strncmp(text, "Ttenon: the name of a Worker ", 29) == 0);
		CHECK_TEXT(next(client), "E64");
		CHECK_TEXT(next(client), "");
		close(client);
	}
	CHECK_NUMBER(fixture.asked, 0);
	end(&fixture);
}

static void a_message_has_a_most(void)
{
	char message[64 * 1024] = "reload ";
	struct fixture fixture;
	int client;

	begin(&fixture);
	memset(message + 7, 'a', sizeof(message) - 8);
	client = ask(&fixture, message);
	turn(&fixture);
	expect_answer(client, "Tthe host that runs takes no message of such a size\n", "E76");
	message[7 + TN_NAMES_SIZE] = '\0';
	client = ask(&fixture, message);
	turn(&fixture);
	expect_answer(client, "Ttenon: these are too many Workers at once: name fewer\n", "E64");
	message[7 + TN_NAMES_SIZE - 1] = '\0';
	CHECK_NUMBER(fixture.asked, 0);
	client = ask(&fixture, message);
	turn(&fixture);
	CHECK_NUMBER(fixture.asked, 1);
	CU_ASSERT_STRING_EQUAL(fixture.workers, message + 7);
	close(client);
	end(&fixture);
}

static void an_unknown_word_is_refused(void)
{
	static const char *const words[] = { "sing", "statu", "stopp", "status and much more",
		                             "status ", "stop auth", "release", "release a b",
		                             " reload", "reloa d" };
	struct fixture fixture;

	begin(&fixture);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		int client = ask(&fixture, words[i]);

		turn(&fixture);
		expect_answer(client, "Tthe host that runs knows no such command\n", "E76");
	}
	CHECK_NUMBER(fixture.asked, 0);
	end(&fixture);
}

/* The mode keeps them out; if it is changed, they are refused all the same. */
static void a_foreign_user_is_refused(void)
{
	struct fixture fixture;
	pid_t child;
	int ends[2];
	char go = 0;

	if (geteuid() != 0) {
		printf("%s: skipped, it takes root\n", __func__);
		return;
	}
	begin(&fixture);
	CU_ASSERT_EQUAL(chmod(fixture.path, 0666), 0);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		char text[512] = "";
		int client;

		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(2);
		client = ask(&fixture, "stop");
		if (send(ends[1], "", 1, 0) < 0 || recv(ends[1], &go, 1, 0) < 0)
			_exit(3);
		if (recv(client, text, sizeof(text) - 1, 0) < 0 || !strstr(text, "may ask it"))
			_exit(4);
		_exit(strcmp(next(client), "E77") == 0 ? 0 : 5);
	}
	CHECK_NUMBER(recv(ends[0], &go, 1, 0), 1);
	turn(&fixture);
	CHECK_NUMBER(fixture.asked, 0);
	CHECK_NUMBER(send(ends[0], "", 1, 0), 1);
	{
		int status = -1;

		CHECK_NUMBER(waitpid(child, &status, 0), child);
		CHECK_NUMBER(status, 0);
	}
	close(ends[0]);
	close(ends[1]);
	end(&fixture);
}

/* ---- Who waits for which reload ------------------------------------------------------------ */

static const char *first_workers(const struct fixture *fixture)
{
	const struct tn_control_client *client =
		tn_control_first(fixture->control, TN_CONTROL_RELOAD);

	if (!client)
		return "nobody";
	return tn_control_workers(client) ? tn_control_workers(client) : "all";
}

static void end_reload(const struct fixture *fixture, const char *workers)
{
	tn_control_begin_reload(fixture->control, workers);
	tn_control_tell_all(fixture->control, TN_CONTROL_RELOADING, workers ? workers : "all");
	tn_control_end_all(fixture->control, TN_CONTROL_RELOADING, 0);
}

/* Each by itself, in the order in which they were asked for, and the same ones at once. */
static void reloads_of_different_workers_wait_for_each_other(void)
{
	static const char *const messages[] = { "reload b a", "reload", "reload b", "reload a b",
		                                "reload" };
	struct fixture fixture;
	int clients[5];

	begin(&fixture);
	CHECK_TEXT(first_workers(&fixture), "nobody");
	for (size_t i = 0; i < 5; i++) {
		clients[i] = ask(&fixture, messages[i]);
		turn(&fixture);
	}
	CHECK_TEXT(first_workers(&fixture), "a b");
	end_reload(&fixture, "a b");
	expect_answer(clients[0], "Ta b", "E0");
	expect_answer(clients[3], "Ta b", "E0");
	CHECK_TEXT(next(clients[1]), "nothing");
	CHECK_TEXT(next(clients[2]), "nothing");
	CHECK_TEXT(first_workers(&fixture), "all");
	end_reload(&fixture, NULL);
	expect_answer(clients[1], "Tall", "E0");
	expect_answer(clients[4], "Tall", "E0");
	CHECK_TEXT(next(clients[2]), "nothing");
	CHECK_TEXT(first_workers(&fixture), "b");
	end_reload(&fixture, "b");
	expect_answer(clients[2], "Tb", "E0");
	CHECK_TEXT(first_workers(&fixture), "nobody");
	end(&fixture);
}

/* Though it may get the place of one that came before. */
static void the_first_is_who_asked_first(void)
{
	struct fixture fixture;
	int early, late, gone;

	begin(&fixture);
	gone = ask(&fixture, "status");
	turn(&fixture);
	early = ask(&fixture, "reload early");
	turn(&fixture);
	close(gone);
	turn(&fixture);
	late = ask(&fixture, "reload late");
	turn(&fixture);
	CHECK_TEXT(first_workers(&fixture), "early");
	close(early);
	turn(&fixture);
	CHECK_TEXT(first_workers(&fixture), "late");
	close(late);
	turn(&fixture);
	CHECK_TEXT(first_workers(&fixture), "nobody");
	CU_ASSERT_PTR_NULL(tn_control_first(NULL, TN_CONTROL_RELOAD));
	tn_control_begin_reload(NULL, NULL);
	end(&fixture);
}

/* One that comes meanwhile is not answered by what began before. */
static void who_asks_for_the_same_later_waits_for_the_next(void)
{
	struct fixture fixture;
	int first, second;

	begin(&fixture);
	first = ask(&fixture, "reload a");
	turn(&fixture);
	tn_control_begin_reload(fixture.control, "a");
	second = ask(&fixture, "reload a");
	turn(&fixture);
	tn_control_end_all(fixture.control, TN_CONTROL_RELOADING, 0);
	CHECK_TEXT(next(first), "E0");
	CHECK_TEXT(next(second), "nothing");
	CHECK_TEXT(first_workers(&fixture), "a");
	close(first);
	close(second);
	end(&fixture);
}

/* ---- Nobody holds it up -------------------------------------------------------------------- */

static void a_silent_client_is_no_harm(void)
{
	struct fixture fixture;
	int silent, client;

	begin(&fixture);
	silent = connect_to(&fixture);
	turn(&fixture);
	client = ask(&fixture, "status");
	turn(&fixture);
	expect_answer(client, "Tfine", "E0");
	CHECK_TEXT(next(silent), "nothing");
	say(silent, "status");
	turn(&fixture);
	expect_answer(silent, "Tfine", "E0");
	end(&fixture);
}

static void many_silent_clients_make_room(void)
{
	struct fixture fixture;
	int silent[TN_CONTROL_CLIENTS];
	int client;

	begin(&fixture);
	for (size_t i = 0; i < TN_CONTROL_CLIENTS; i++) {
		silent[i] = connect_to(&fixture);
		turn(&fixture);
	}
	client = ask(&fixture, "status");
	turn(&fixture);
	expect_answer(client, "Tfine", "E0");
	CHECK_TEXT(next(silent[0]), "");
	CHECK_TEXT(next(silent[1]), "nothing");
	for (size_t i = 0; i < TN_CONTROL_CLIENTS; i++)
		close(silent[i]);
	turn(&fixture);
	end(&fixture);
}

static void one_too_many_is_turned_away_and_the_others_are_kept(void)
{
	struct fixture fixture;
	struct pollfd list[TN_CONTROL_POLL];
	int waiting[TN_CONTROL_CLIENTS];
	int client;

	begin(&fixture);
	for (size_t i = 0; i < TN_CONTROL_CLIENTS; i++) {
		waiting[i] = ask(&fixture, "reload");
		turn(&fixture);
	}
	CHECK_NUMBER(tn_control_poll(fixture.control, list), TN_CONTROL_POLL);
	client = connect_to(&fixture);
	turn(&fixture);
	CHECK_TEXT(next(client), "");
	close(client);
	tn_control_end_all(fixture.control, TN_CONTROL_RELOAD, 78);
	for (size_t i = 0; i < TN_CONTROL_CLIENTS; i++) {
		CHECK_TEXT(next(waiting[i]), "E78");
		close(waiting[i]);
	}
	CHECK_NUMBER(tn_control_poll(fixture.control, list), 1);
	end(&fixture);
}

static void who_goes_is_forgotten(void)
{
	struct fixture fixture;
	struct pollfd list[TN_CONTROL_POLL];
	int client;

	begin(&fixture);
	client = ask(&fixture, "stop");
	turn(&fixture);
	CHECK_NUMBER(tn_control_poll(fixture.control, list), 2);
	close(client);
	turn(&fixture);
	CHECK_NUMBER(tn_control_poll(fixture.control, list), 1);
	tn_control_end_all(fixture.control, TN_CONTROL_STOP, 0);
	end(&fixture);
}

static void who_talks_on_is_dropped(void)
{
	struct fixture fixture;
	struct pollfd list[TN_CONTROL_POLL];
	int client;

	begin(&fixture);
	client = ask(&fixture, "reload");
	turn(&fixture);
	say(client, "reload");
	turn(&fixture);
	CHECK_NUMBER(tn_control_poll(fixture.control, list), 1);
	CHECK_NUMBER(fixture.asked, 1);
	close(client);
	end(&fixture);
}

/* More than the socket takes: the rest waits until it is read, and all of it comes. */
static void a_long_answer_comes_whole(void)
{
	const size_t size = (size_t)900 * 1024;
	char *answer = malloc(size + 1);
	struct pollfd list[TN_CONTROL_POLL];
	struct fixture fixture;
	size_t got = 0;
	bool right = true;
	int client;

	CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
	for (size_t i = 0; i < size; i++)
		answer[i] = (char)('a' + i % 23);
	answer[size] = '\0';
	begin(&fixture);
	fixture.answer = answer;
	client = ask(&fixture, "status");
	turn(&fixture);
	CHECK_NUMBER(tn_control_poll(fixture.control, list), 2);
	CHECK_NUMBER(list[1].events, POLLIN | POLLOUT);
	for (unsigned turns = 0; turns < 100000; turns++) {
		const char *part = next(client);

		if (*part == 'T') {
			right &= strncmp(part + 1, answer + got, strlen(part + 1)) == 0;
			got += strlen(part + 1);
		} else if (strcmp(part, "nothing") == 0) {
			turn(&fixture);
		} else {
			CHECK_TEXT(part, "E0");
			break;
		}
	}
	CHECK_NUMBER(got, size);
	CU_ASSERT(right);
	CHECK_TEXT(next(client), "");
	close(client);
	end(&fixture);
	free(answer);
}

static void who_never_reads_is_dropped(void)
{
	char part[4096];
	struct fixture fixture;
	struct pollfd list[TN_CONTROL_POLL];
	int client;

	memset(part, 'x', sizeof(part) - 1);
	part[sizeof(part) - 1] = '\0';
	begin(&fixture);
	client = ask(&fixture, "reload");
	turn(&fixture);
	for (unsigned i = 0; i < 2000; i++)
		tn_control_tell_all(fixture.control, TN_CONTROL_RELOAD, part);
	CHECK_NUMBER(tn_control_poll(fixture.control, list), 1);
	close(client);
	end(&fixture);
}

/* ---- Those who wait ------------------------------------------------------------------------ */

static void who_comes_later_waits_for_the_next(void)
{
	struct fixture fixture;
	int first, second;

	begin(&fixture);
	first = ask(&fixture, "reload");
	turn(&fixture);
	tn_control_turn_into(fixture.control, TN_CONTROL_RELOAD, TN_CONTROL_RELOADING);
	second = ask(&fixture, "reload");
	turn(&fixture);
	tn_control_tell_all(fixture.control, TN_CONTROL_RELOADING, "wrong");
	tn_control_end_all(fixture.control, TN_CONTROL_RELOADING, 78);
	expect_answer(first, "Twrong", "E78");
	CHECK_TEXT(next(second), "nothing");
	tn_control_turn_into(fixture.control, TN_CONTROL_RELOAD, TN_CONTROL_RELOADING);
	tn_control_end_all(fixture.control, TN_CONTROL_RELOADING, 0);
	CHECK_TEXT(next(second), "E0");
	close(second);
	end(&fixture);
}

static void who_waits_for_the_end_finds_the_path_free(void)
{
	struct fixture fixture;
	struct tn_control *first;
	int client;

	begin(&fixture);
	client = ask(&fixture, "stop");
	turn(&fixture);
	first = fixture.control;
	tn_control_leave(first);
	CHECK_NUMBER(access(fixture.path, F_OK), -1);
	tn_control_end_all(first, TN_CONTROL_STOP, 75);
	CHECK_TEXT(next(client), "E75");
	close(client);
	end(&fixture);
}

static void nobody_is_fine(void)
{
	struct pollfd list[TN_CONTROL_POLL];

	tn_control_turn(NULL, asked, NULL);
	tn_control_turn_into(NULL, TN_CONTROL_RELOAD, TN_CONTROL_RELOADING);
	tn_control_tell_all(NULL, TN_CONTROL_RELOAD, "text");
	tn_control_end_all(NULL, TN_CONTROL_RELOAD, 0);
	CHECK_NUMBER(tn_control_poll(NULL, list), 0);
	tn_control_leave(NULL);
	tn_control_close(NULL);
}

TEST_MAIN("supervise/control",
          TEST(the_path_is_beside_the_file),
          TEST(a_long_path_is_refused_with_the_cure),
          TEST(the_longest_path_will_do),
          TEST(a_directory_that_is_not_there_is_told_with_the_cure),
          TEST(others_may_not_open_it_whatever_the_mask_is),
          TEST(an_end_leaves_nothing),
          TEST(one_that_lives_keeps_it),
          TEST(one_that_was_left_behind_is_replaced),
          TEST(another_file_of_the_name_is_left_alone),
          TEST(who_leaves_it_may_be_followed_at_once),
          TEST(each_word_is_asked_once),
          TEST(workers_are_named_behind_the_word),
          TEST(names_that_can_be_none_are_refused),
          TEST(a_message_has_a_most),
          TEST(an_unknown_word_is_refused),
          TEST(a_foreign_user_is_refused),
          TEST(reloads_of_different_workers_wait_for_each_other),
          TEST(the_first_is_who_asked_first),
          TEST(who_asks_for_the_same_later_waits_for_the_next),
          TEST(a_silent_client_is_no_harm),
          TEST(many_silent_clients_make_room),
          TEST(one_too_many_is_turned_away_and_the_others_are_kept),
          TEST(who_goes_is_forgotten),
          TEST(who_talks_on_is_dropped),
          TEST(a_long_answer_comes_whole),
          TEST(who_never_reads_is_dropped),
          TEST(who_comes_later_waits_for_the_next),
          TEST(who_waits_for_the_end_finds_the_path_free),
          TEST(nobody_is_fine))
