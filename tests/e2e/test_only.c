/* test_only.c - `reload --only WORKER`: one release, whatever another team has done to its own. */
#include "harness.h"

#include "../cunit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define HOST "[host]\nlisten = 127.0.0.1:0\nprocesses = 2\n"

/* ---- Two teams ----------------------------------------------------------------------------- */

static const char *write_main(void)
{
	return scratch_write("x.ini", "include = a.ini, b.ini\n" HOST);
}

static void write_team(const char *name, const char *text)
{
	scratch_write(text_of("%s.ini", name),
	              "[worker %s]\nmodule = %s\nroute = /%s\nvar.TEXT = %s\n", name,
	              fixture("serve_hello"), name, text);
}

static struct host *start_both(void)
{
	const char *file = write_main();

	write_team("a", "a1");
	write_team("b", "b1");
	return host_start_supervised(file);
}

static struct finished reload_only(const char *worker)
{
	return tenon_run((const char *const[]){ "reload", "--only", worker, scratch_path("x.ini"),
	                                        NULL },
	                 NULL);
}

static struct finished reload_all(void)
{
	return tenon_run((const char *const[]){ "reload", scratch_path("x.ini"), NULL }, NULL);
}

static void expect(const struct finished *finished, int code, const char *err)
{
	CHECK_NUMBER(finished->code, code);
	CHECK_TEXT(finished->err, err);
	CHECK_TEXT(finished->out, "");
}

/* The one before may still answer who connected until then. */
static void expect_good(struct host *host, const struct finished *finished, unsigned generation)
{
	expect(finished, 0,
	       text_of("tenon: %s: generation %u serves\n", scratch_path("x.ini"), generation));
	host_logged(host, text_of("generation %u has gone", generation - 1));
}

/* Every process has them: each request is on a connection of its own. */
static void expect_texts(const struct host *host, const char *a, const char *b)
{
	for (int i = 0; i < 8; i++) {
		CHECK_TEXT(http_get(host, "/a")->body, a);
		CHECK_TEXT(http_get(host, "/b")->body, b);
	}
}

/* ---- What is read anew --------------------------------------------------------------------- */

static void one_worker_is_read_anew_and_no_other(void)
{
	struct host *host = start_both();
	struct finished finished;

	expect_texts(host, "a1", "b1");
	write_team("a", "a2");
	write_team("b", "b2");
	finished = reload_only("a");
	expect_good(host, &finished, 2);
	expect_texts(host, "a2", "b1");
	finished = reload_only("b");
	expect_good(host, &finished, 3);
	expect_texts(host, "a2", "b2");
	write_team("a", "a3");
	write_team("b", "b3");
	finished = reload_only("a");
	expect_good(host, &finished, 4);
	expect_texts(host, "a3", "b2");
	finished = reload_all();
	expect_good(host, &finished, 5);
	expect_texts(host, "a3", "b3");
	host_end(host);
}

static void several_are_read_anew_together(void)
{
	struct host *host = start_both();
	const char *file = scratch_path("x.ini");
	struct finished finished;

	write_team("a", "a2");
	write_team("b", "b2");
	finished = tenon_run((const char *const[]){ "reload", "--only", "b", file, "--only=a",
	                                            NULL },
	                     NULL);
	expect_good(host, &finished, 2);
	expect_texts(host, "a2", "b2");
	host_end(host);
}

/* Released while b is broken, in the place of the generation of that number. Returns its own: one
 * that is given up has a number, too. */
static unsigned expect_alone(struct host *host, const char *a, unsigned before)
{
	struct finished finished = reload_only("a");
	const char *serves = strstr(finished.err, "generation ");

	CHECK_NUMBER(finished.code, 0);
	host_logged(host, text_of("generation %u has gone", before));
	expect_texts(host, a, "b1");
	return serves ? (unsigned)strtoul(serves + strlen("generation "), NULL, 10) : 0;
}

static void what_another_has_broken_does_not_hold_it_up(void)
{
	static const char *const broken[] = { "no key\n", "[worker b\nroute\n",
		                              "[worker b]\nmodule = nowhere.so\nroute = /b\n",
		                              "\xff\n", "[worker b]\n[worker b]\n" };
	struct host *host = start_both();
	unsigned serving = 1;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		write_team("a", text_of("a%zu", i));
		scratch_write("b.ini", "%s", broken[i]);
		CHECK_NUMBER(reload_all().code, EX_CONFIG);
		serving = expect_alone(host, text_of("a%zu", i), serving);
	}
	CHECK_NUMBER(unlink(scratch_path("b.ini")), 0);
	write_team("a", "last");
	CHECK_NUMBER(reload_all().code, EX_CONFIG);
	expect_alone(host, "last", serving);
	host_end(host);
}

static void a_secret_of_another_is_not_read_again(void)
{
	const char *file = scratch_write(
		"x.ini", HOST "[worker a]\nmodule = %s\nroute = /a\nvar.TEXT = a1\n"
			      "[worker b]\nmodule = %s\nroute = /b\nsecret.KEY = file:key\n",
		fixture("serve_hello"), fixture("serve_secrets"));
	struct host *host;
	struct finished finished;

	CHECK_NUMBER(chmod(scratch_write("key", "12345"), 0600), 0);
	host = host_start_supervised(file);
	expect_texts(host, "a1", "unset gone 5\n");
	CHECK_NUMBER(chmod(scratch_write("key", "1234567"), 0600), 0);
	finished = reload_only("a");
	expect_good(host, &finished, 2);
	expect_texts(host, "a1", "unset gone 5\n");
	finished = reload_only("b");
	expect_good(host, &finished, 3);
	expect_texts(host, "a1", "unset gone 7\n");
	CHECK_NUMBER(unlink(scratch_path("key")), 0);
	finished = reload_only("a");
	expect_good(host, &finished, 4);
	expect_texts(host, "a1", "unset gone 7\n");
	finished = reload_only("b");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	expect_texts(host, "a1", "unset gone 7\n");
	host_end(host);
}

static void copy_over(const char *from, const char *to)
{
	CHECK_NUMBER(program_run((const char *const[]){ "cp", from, to, NULL }).code, 0);
}

/* Whatever lies in its place by now. */
static void a_module_of_another_stays_as_it_is(void)
{
	const char *file =
		scratch_write("x.ini", HOST "[worker a]\nmodule = ./one.so\nroute = /a\n"
	                                    "[worker b]\nmodule = ./two.so\nroute = /b\n");
	const char *one = scratch_path("one.so"), *two = scratch_path("two.so");
	struct host *host;
	struct finished finished;

	copy_over(fixture("serve_hello"), one);
	copy_over(fixture("serve_hello"), two);
	host = host_start_supervised(file);
	expect_texts(host, "hello\n", "hello\n");
	copy_over(fixture("serve_twin_one"), one);
	copy_over(fixture("mistake_undefined"), two);
	finished = reload_only("a");
	expect_good(host, &finished, 2);
	CU_ASSERT(strcmp(http_get(host, "/a")->body, "hello\n") != 0);
	CHECK_TEXT(http_get(host, "/b")->body, "hello\n");
	finished = reload_only("b");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CHECK_TEXT(http_get(host, "/b")->body, "hello\n");
	copy_over(fixture("serve_twin_one"), two);
	finished = reload_only("b");
	CHECK_NUMBER(finished.code, 0);
	CU_ASSERT(strcmp(http_get(host, "/b")->body, "hello\n") != 0);
	host_end(host);
}

/* ---- What is refused ----------------------------------------------------------------------- */

static void its_own_errors_are_told_and_the_old_one_goes_on(void)
{
	struct host *host = start_both();
	const char *file = scratch_path("x.ini");
	struct finished finished;

	scratch_write("a.ini", "; mine\n[worker a]\nroute\nvar.TEXT = a2\n");
	scratch_write("b.ini", "no key\n");
	finished = reload_only("a");
	expect(&finished, EX_CONFIG,
	       text_of("%s:3: a line without '=': write 'KEY = VALUE', '[KIND NAME]' or '; "
	               "COMMENT'\n"
	               "tenon: %s: it is not valid: generation 1 goes on\n",
	               scratch_path("a.ini"), file));
	expect_texts(host, "a1", "b1");
	scratch_write("a.ini", "[worker a]\nmodule = nowhere.so\nroute = /a\n");
	finished = reload_only("a");
	CHECK_NUMBER(finished.code, EX_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(finished.err, text_of("%s:2: worker 'a': module '",
	                                                    scratch_path("a.ini"))));
	expect_texts(host, "a1", "b1");
	write_team("a", "a2");
	expect_alone(host, "a2", 1);
	host_end(host);
}

static void a_worker_that_there_is_not_is_64(void)
{
	struct host *host = start_both();
	const char *file = scratch_path("x.ini");
	struct finished finished = reload_only("c");

	expect(&finished, EX_USAGE,
	       text_of("%s: no worker 'c': none runs, and no file has its section\n"
	               "tenon: %s: it is not valid: generation 1 goes on\n",
	               file, file));
	finished = reload_only("a b");
	expect(&finished, EX_USAGE, "tenon: worker 'a b': write the name of one Worker\n");
	finished = reload_only("\x1b[31m");
	CHECK_NUMBER(finished.code, EX_USAGE);
	CHECK_NUMBER(count_of(host_log(host), "reading "), 1);
	host_end(host);
}

static void no_host_is_69(void)
{
	const char *file = write_main();
	struct finished finished = reload_only("a");

	expect(&finished, EX_UNAVAILABLE,
	       text_of("tenon: %s: no host runs: nobody answers at %s.control\n", file, file));
	finished = tenon_run((const char *const[]){ "release", file, "a", NULL }, NULL);
	expect(&finished, EX_UNAVAILABLE,
	       text_of("tenon: %s: no host runs: nobody answers at %s.control\n", file, file));
}

static void a_worker_whose_section_is_gone_goes(void)
{
	struct host *host = start_both();
	const char *file = scratch_path("x.ini");
	struct finished finished;

	scratch_write("a.ini", "; nothing\n");
	scratch_write("b.ini", "; nothing\n");
	finished = reload_only("a");
	expect(&finished, 0,
	       text_of("%s: warning: worker 'a': no file has its section any more: the Worker "
	               "goes\ntenon: %s: generation 2 serves\n",
	               file, file));
	CHECK_NUMBER(http_get(host, "/a")->status, 404);
	CHECK_TEXT(http_get(host, "/b")->body, "b1");
	host_end(host);
}

/* ---- Several who wait ---------------------------------------------------------------------- */

static int ask(const char *word)
{
	const char *path = scratch_path("x.ini.control");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(client >= 0 && strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	CHECK_NUMBER(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_NUMBER(send(client, word, strlen(word), MSG_NOSIGNAL), (long long)strlen(word));
	return client;
}

/* The exit code, "E0", with which its answer ends. */
static const char *end_of(int client)
{
	struct timeval limit = { .tv_sec = deadline_ms() / 1000 };
	char message[20 * 1024];
	ssize_t size;

	CHECK_NUMBER(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	while ((size = recv(client, message, sizeof(message) - 1, 0)) > 0) {
		message[size] = '\0';
		if (message[0] == 'E') {
			close(client);
			return text_of("%s", message);
		}
	}
	close(client);
	return "no end";
}

/* What one asked for before has been heard, and its files read, when one that comes later is
 * answered. */
static void heard_all(void)
{
	const char *const words[] = { "status", scratch_path("x.ini"), NULL };

	CHECK_NUMBER(tenon_run(words, NULL).code, 0);
}

/* The first is held in its start hook, which opens a pipe that nobody reads. */
static void who_waits_does_not_fail_of_another(void)
{
	const char *file = write_main();
	const char *pipe = scratch_path("pipe");
	struct host *host;
	int clients[5];
	int reader;

	CHECK_NUMBER(mkfifo(pipe, 0600), 0);
	write_team("b", "b1");
	scratch_write("a.ini", "[worker a]\nmodule = %s\nroute = /a\n", fixture("mistake_start"));
	host = host_start_supervised(file);
	scratch_write("a.ini", "[worker a]\nmodule = %s\nroute = /a\nvar.DO = %s\n",
	              fixture("mistake_start"), pipe);
	clients[0] = ask("reload a");
	host_logged(host, "only a");
	heard_all();
	write_team("a", "a2");
	write_team("b", "b2\nroute");
	clients[1] = ask("reload b");
	clients[2] = ask("reload");
	clients[3] = ask("reload a");
	clients[4] = ask("reload b");
	heard_all();
	reader = open(pipe, O_RDONLY | O_CLOEXEC);
	CHECK_TEXT(end_of(clients[0]), "E0");
	CHECK_TEXT(end_of(clients[1]), "E78");
	CHECK_TEXT(end_of(clients[2]), "E78");
	CHECK_TEXT(end_of(clients[3]), "E0");
	CHECK_TEXT(end_of(clients[4]), "E78");
	host_logged(host, "generation 2 has gone");
	expect_texts(host, "a2", "b1");
	host_end(host);
	/* a, then b for both, then all, then a. */
	CHECK_NUMBER(count_of(host_log(host), text_of("reading %s anew", file)), 4);
	close(reader);
	CHECK_NUMBER(unlink(pipe), 0);
}

static void who_goes_away_before_has_withdrawn_it(void)
{
	const char *file = write_main();
	const char *pipe = scratch_path("pipe");
	struct host *host;
	int first, second, reader;

	CHECK_NUMBER(mkfifo(pipe, 0600), 0);
	write_team("b", "b1");
	scratch_write("a.ini", "[worker a]\nmodule = %s\nroute = /a\n", fixture("mistake_start"));
	host = host_start_supervised(file);
	scratch_write("a.ini", "[worker a]\nmodule = %s\nroute = /a\nvar.DO = %s\n",
	              fixture("mistake_start"), pipe);
	first = ask("reload a");
	host_logged(host, "only a");
	heard_all();
	write_team("b", "b2");
	second = ask("reload b");
	heard_all();
	close(second);
	heard_all();
	reader = open(pipe, O_RDONLY | O_CLOEXEC);
	CHECK_TEXT(end_of(first), "E0");
	CHECK_TEXT(http_get(host, "/b")->body, "b1");
	host_end(host);
	CHECK_NUMBER(count_of(host_log(host), text_of("reading %s anew", file)), 1);
	close(reader);
	CHECK_NUMBER(unlink(pipe), 0);
}

TEST_MAIN("e2e/only",
          TEST(one_worker_is_read_anew_and_no_other),
          TEST(several_are_read_anew_together),
          TEST(what_another_has_broken_does_not_hold_it_up),
          TEST(a_secret_of_another_is_not_read_again),
          TEST(a_module_of_another_stays_as_it_is),
          TEST(its_own_errors_are_told_and_the_old_one_goes_on),
          TEST(a_worker_that_there_is_not_is_64),
          TEST(no_host_is_69),
          TEST(a_worker_whose_section_is_gone_goes),
          TEST(who_waits_does_not_fail_of_another),
          TEST(who_goes_away_before_has_withdrawn_it))
