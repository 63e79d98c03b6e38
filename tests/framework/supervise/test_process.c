/* test_process.c - the real program as a host process, and the test as its supervisor. */
#include "supervise/process.h"

#include "../deploy/planned.h"
#include "observe/access.h"
#include "supervise/access_file.h"
#include "supervise/bundle.h"
#include "supervise/listener.h"
#include "supervise/page.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define LONG_S 60
#define SOCKETS 2 /* each with a port of its own: so it shows which one is watched */

struct fixture {
	struct planned planned;
	struct tn_listener listeners[SOCKETS];
	int sockets[SOCKETS];
	struct tn_page *page;
	struct tn_process process;
	char text[TN_PROCESS_TEXT + 1];
};

/* ---- The supervisor ------------------------------------------------------------------------ */

static void listen_on_some(struct fixture *fixture)
{
	static const struct tn_address address = { .host = "127.0.0.1", .port = "0" };
	char reason[TN_REASON_SIZE];

	for (size_t i = 0; i < SOCKETS; i++) {
		struct tn_listener *listener = &fixture->listeners[i];

		CU_ASSERT_FATAL(!tn_listener_bind(listener, &address, reason, sizeof(reason)));
		CU_ASSERT_FATAL(!tn_listener_listen(listener, reason, sizeof(reason)));
		fixture->sockets[i] = listener->socket;
	}
}

static int hear(struct fixture *fixture)
{
	struct pollfd wanted = { .fd = fixture->process.report, .events = POLLIN };

	CU_ASSERT_FATAL(poll(&wanted, 1, LONG_S * 1000) == 1);
	return tn_process_read(&fixture->process, fixture->text);
}

static void start_process(struct fixture *fixture)
{
	struct tn_secrets secrets = { 0 };
	struct tn_copies copies = { 0 }; /* it loads the originals */
	struct tn_process_options options = {
		.program = open(built("tenon"), O_PATH | O_CLOEXEC),
		.bundle = tn_bundle_write(fixture->planned.plan, &secrets, &copies),
		.page = tn_page_create(&fixture->page),
		.quarantine = -1,
		.sockets = fixture->sockets,
		.socket_count = SOCKETS,
		.watched = 1,
	};

	CHECK_NUMBER(tn_access_file_open(fixture->planned.plan, &fixture->planned.errors,
	                                 &options.log),
	             0);
	CU_ASSERT_FATAL(options.program >= 0 && options.bundle >= 0 && options.page >= 0);
	CU_ASSERT_FATAL(tn_process_start(&fixture->process, &options));
	close(options.program);
	close(options.bundle);
	close(options.page);
	if (options.log >= 0)
		close(options.log);
}

/* With a log in the test's directory, or another target. */
static void begin(struct fixture *fixture, const char *access_log)
{
	char *text = NULL;

	*fixture = (struct fixture){ 0 };
	CU_ASSERT_FATAL(asprintf(&text,
	                         "[host]\naccess_log = %s\nlog_level = warning\n"
	                         "[worker hello]\nmodule = %s\nroute = /*\n",
	                         access_log, built("tests/fixtures/serve_hello.so")) > 0);
	planned_text(&fixture->planned, NULL, text);
	free(text);
	CHECK_TOLD(&fixture->planned, "");
	listen_on_some(fixture);
	start_process(fixture);
	CHECK_NUMBER(hear(fixture), TN_PROCESS_READY);
}

static void begin_serving(struct fixture *fixture, const char *access_log)
{
	begin(fixture, access_log);
	tn_process_release(&fixture->process);
}

static int wait_for_end(struct fixture *fixture)
{
	int status = -1;

	CHECK_NUMBER(waitpid(fixture->process.pid, &status, 0), fixture->process.pid);
	tn_process_forget(&fixture->process);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* To look at what it has left, before end(). */
static void stop(struct fixture *fixture)
{
	kill(fixture->process.pid, SIGTERM);
	CHECK_NUMBER(wait_for_end(fixture), 0);
}

static void end(struct fixture *fixture)
{
	if (fixture->process.pid)
		stop(fixture);
	for (size_t i = 0; i < SOCKETS; i++)
		close(fixture->sockets[i]);
	tn_page_unmap(fixture->page);
	planned_end(&fixture->planned);
}

/* ---- Clients ------------------------------------------------------------------------------- */

/* Connects to one of the sockets, and asks. */
static int ask(const struct fixture *fixture, size_t number)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	const struct timeval limit = { .tv_sec = LONG_S };
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	getsockname(fixture->sockets[number], (struct sockaddr *)&address, &size);
	CU_ASSERT_FATAL(connect(client, (struct sockaddr *)&address, size) == 0);
	CHECK_NUMBER(write(client, text, sizeof(text) - 1), (long long)sizeof(text) - 1);
	return client;
}

static bool is_answered(int client)
{
	char reply[1024];
	ssize_t size = recv(client, reply, sizeof(reply), MSG_WAITALL);
	bool right = size > 0 && memmem(reply, (size_t)size, "200 OK", 6);

	close(client);
	return right;
}

static bool serves(const struct fixture *fixture)
{
	return is_answered(ask(fixture, 0));
}

static bool waits(int client)
{
	struct pollfd wanted = { .fd = client, .events = POLLIN };

	return poll(&wanted, 1, 0) == 0;
}

/* ---- Access logs --------------------------------------------------------------------------- */

static const char *log_path(struct fixture *fixture, const char *name)
{
	return scratch_path(&fixture->planned.scratch, name);
}

static unsigned lines_of(struct fixture *fixture, const char *name)
{
	size_t size;
	char *text = scratch_read(log_path(fixture, name), &size);
	unsigned lines = 0;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	free(text);
	return lines;
}

static void send_log(struct fixture *fixture, const char *name)
{
	int log = tn_access_log_open(log_path(fixture, name));

	CU_ASSERT_FATAL(log >= 0);
	tn_process_send_log(&fixture->process, log);
	close(log);
}

/* Asks until the new log has a line: returns how many requests that took. */
static unsigned ask_until(struct fixture *fixture, const char *name)
{
	time_t limit = time(NULL) + LONG_S;
	unsigned asked = 0;

	do {
		CU_ASSERT(serves(fixture));
		asked++;
	} while (!lines_of(fixture, name) && time(NULL) < limit);
	return asked;
}

/* ---- The tests ----------------------------------------------------------------------------- */

static void it_writes_to_the_log_that_it_is_given(void)
{
	struct fixture fixture;

	begin_serving(&fixture, "first");
	CU_ASSERT(serves(&fixture));
	CU_ASSERT(serves(&fixture));
	stop(&fixture);
	CHECK_NUMBER(lines_of(&fixture, "first"), 2);
	end(&fixture);
}

static void it_goes_on_with_another_log(void)
{
	struct fixture fixture;
	unsigned asked = 2;

	begin_serving(&fixture, "first");
	CU_ASSERT(serves(&fixture));
	CU_ASSERT(serves(&fixture));
	send_log(&fixture, "second");
	asked += ask_until(&fixture, "second");
	CU_ASSERT(serves(&fixture));
	stop(&fixture);
	CU_ASSERT(lines_of(&fixture, "first") >= 2);
	CU_ASSERT(lines_of(&fixture, "second") >= 2);
	CHECK_NUMBER(lines_of(&fixture, "first") + lines_of(&fixture, "second"), asked + 1);
	end(&fixture);
}

static void a_log_that_comes_before_it_serves_is_taken(void)
{
	struct fixture fixture;

	begin(&fixture, "first");
	send_log(&fixture, "second");
	tn_process_release(&fixture.process);
	CU_ASSERT(serves(&fixture));
	stop(&fixture);
	CHECK_NUMBER(lines_of(&fixture, "first"), 0);
	CHECK_NUMBER(lines_of(&fixture, "second"), 1);
	end(&fixture);
}

static void sigusr1_does_nothing_to_it(void)
{
	struct fixture fixture;

	begin(&fixture, "off");
	kill(fixture.process.pid, SIGUSR1);
	tn_process_release(&fixture.process);
	CU_ASSERT(serves(&fixture));
	kill(fixture.process.pid, SIGUSR1);
	CU_ASSERT(serves(&fixture));
	end(&fixture);
}

static void it_accepts_from_what_it_is_to_watch(void)
{
	struct fixture fixture;
	uint64_t turns;
	int client;

	begin_serving(&fixture, "first");
	client = ask(&fixture, 1);
	CU_ASSERT(serves(&fixture));
	CU_ASSERT(serves(&fixture));
	CU_ASSERT(waits(client));
	tn_process_watch(&fixture.process, 1, true);
	CU_ASSERT(is_answered(client));

	tn_process_watch(&fixture.process, 1, false);
	tn_process_watch(&fixture.process, 99, true); /* there is none */
	send_log(&fixture, "second");
	ask_until(&fixture, "second"); /* so it has taken the orders */
	client = ask(&fixture, 1);
	turns = atomic_load(&fixture.page->activity.turns);
	for (unsigned i = 0; i < 20; i++)
		CU_ASSERT(serves(&fixture));
	CU_ASSERT(waits(client));
	CU_ASSERT(atomic_load(&fixture.page->activity.turns) - turns < 1000); /* it sleeps */
	stop(&fixture);
	CU_ASSERT(waits(client)); /* the queue is another's */
	close(client);
	end(&fixture);
}

static void what_waits_on_what_it_watches_is_answered_at_a_stop(void)
{
	struct fixture fixture;
	int client;

	begin_serving(&fixture, "off");
	tn_process_watch(&fixture.process, 1, true);
	CU_ASSERT(is_answered(ask(&fixture, 1)));
	kill(fixture.process.pid, SIGSTOP);
	client = ask(&fixture, 1);
	kill(fixture.process.pid, SIGTERM);
	kill(fixture.process.pid, SIGCONT);
	CU_ASSERT(is_answered(client));
	CHECK_NUMBER(wait_for_end(&fixture), 0);
	end(&fixture);
}

static void its_page_is_the_supervisors(void)
{
	struct fixture fixture;
	uint64_t turns;
	char link[512];
	char path[64];

	begin_serving(&fixture, "off");
	CU_ASSERT(serves(&fixture));
	turns = atomic_load(&fixture.page->activity.turns);
	CU_ASSERT(turns > 0);
	CU_ASSERT(serves(&fixture));
	CU_ASSERT(atomic_load(&fixture.page->activity.turns) > turns);
	for (int i = 0; i < 64; i++) {
		ssize_t size;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)fixture.process.pid, i);
		size = readlink(path, link, sizeof(link) - 1);
		link[size < 0 ? 0 : size] = '\0';
		CU_ASSERT(!strstr(link, "memfd:")); /* neither the page nor the bundle */
	}
	end(&fixture);
}

/* As of a generation that is being replaced. */
static void it_goes_on_when_the_channel_has_ended(void)
{
	struct fixture fixture;
	uint64_t turns;

	begin_serving(&fixture, "off");
	CU_ASSERT(serves(&fixture));
	close(fixture.process.report);
	fixture.process.report = -1;
	CU_ASSERT(serves(&fixture));
	turns = atomic_load(&fixture.page->activity.turns);
	for (unsigned i = 0; i < 20; i++)
		CU_ASSERT(serves(&fixture));
	CU_ASSERT(atomic_load(&fixture.page->activity.turns) - turns < 1000); /* it sleeps */
	tn_process_watch(&fixture.process, 1, true);                          /* nobody hears */
	CU_ASSERT(serves(&fixture));
	end(&fixture);
}

static void one_that_does_not_read_is_killed(void)
{
	struct fixture fixture;
	int status = 0;

	begin_serving(&fixture, "off");
	CU_ASSERT(serves(&fixture));
	kill(fixture.process.pid, SIGSTOP);
	alarm(LONG_S);
	for (unsigned i = 0; waitpid(fixture.process.pid, &status, WNOHANG) == 0; i++)
		tn_process_watch(&fixture.process, 1, i % 2 == 0);
	alarm(0);
	CHECK_NUMBER(WTERMSIG(status), SIGKILL);
	tn_process_forget(&fixture.process);
	end(&fixture);
}

/* When it tells, none of the sockets is its own any more. */
static void one_that_is_replaced_tells_when_it_has_closed(void)
{
	struct fixture fixture;
	int client;

	begin_serving(&fixture, "off");
	kill(fixture.process.pid, SIGHUP);
	CHECK_NUMBER(hear(&fixture), TN_PROCESS_CLOSED);
	client = ask(&fixture, 0);
	CHECK_NUMBER(hear(&fixture), -1);
	CHECK_NUMBER(wait_for_end(&fixture), 0);
	CU_ASSERT(waits(client)); /* for who comes next */
	close(client);
	end(&fixture);
}

static void one_that_is_stopped_tells_nothing(void)
{
	struct fixture fixture;

	begin_serving(&fixture, "off");
	kill(fixture.process.pid, SIGTERM);
	CHECK_NUMBER(hear(&fixture), -1);
	CHECK_NUMBER(wait_for_end(&fixture), 0);
	end(&fixture);
}

static void one_that_may_not_serve_ends(void)
{
	struct fixture fixture;

	begin(&fixture, "off");
	close(fixture.process.report);
	fixture.process.report = -1;
	CHECK_NUMBER(wait_for_end(&fixture), 69);
	end(&fixture);
}

static void a_log_that_cannot_be_opened_is_told_as_check_does(void)
{
	struct planned planned;
	int log = 7;

	planned_text(&planned, NULL,
	             "[host]\nprocesses = 1\naccess_log = none/there\n[worker a]\nroute = /\n");
	CHECK_NUMBER(tn_access_file_open(planned.plan, &planned.errors, &log), 73);
	CHECK_NUMBER(log, -1);
	CHECK_TOLD(&planned, "x.ini:3: [host]: access_log: none/there: No such file or "
	                     "directory: name a file that this user may write, in a directory that "
	                     "exists\n");
	planned_end(&planned);
	planned_text(&planned, NULL, "[host]\naccess_log = stderr\n[worker a]\nroute = /\n");
	CHECK_NUMBER(tn_access_file_open(planned.plan, &planned.errors, &log), 0);
	CHECK_NUMBER(log, -1);
	planned_end(&planned);
}

TEST_MAIN("supervise/process",
          TEST(it_writes_to_the_log_that_it_is_given),
          TEST(it_goes_on_with_another_log),
          TEST(a_log_that_comes_before_it_serves_is_taken),
          TEST(sigusr1_does_nothing_to_it),
          TEST(it_accepts_from_what_it_is_to_watch),
          TEST(what_waits_on_what_it_watches_is_answered_at_a_stop),
          TEST(its_page_is_the_supervisors),
          TEST(it_goes_on_when_the_channel_has_ended),
          TEST(one_that_does_not_read_is_killed),
          TEST(one_that_is_replaced_tells_when_it_has_closed),
          TEST(one_that_is_stopped_tells_nothing),
          TEST(one_that_may_not_serve_ends),
          TEST(a_log_that_cannot_be_opened_is_told_as_check_does))
