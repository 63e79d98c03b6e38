/* test_notify.c - what the service manager is told, and when. */
#include "supervise/notify.h"

#include "../deploy/scratch.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

struct fixture {
	struct scratch scratch;
	char path[108];
	int manager;
	struct tn_notify *notify;
};

/* Binds it as a manager does: to a path, or behind '@' to an abstract name. */
static void bind_manager(struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t size = strlen(fixture->path);

	memcpy(address.sun_path, fixture->path, size);
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	fixture->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CU_ASSERT_FATAL(fixture->manager >= 0);
	CHECK_NUMBER(bind(fixture->manager, (struct sockaddr *)&address,
	                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
	             0);
}

static void open_with(struct fixture *fixture, const char *time, const char *process)
{
	setenv("NOTIFY_SOCKET", fixture->path, 1);
	if (time)
		setenv("WATCHDOG_USEC", time, 1);
	if (process)
		setenv("WATCHDOG_PID", process, 1);
	fixture->notify = tn_notify_open();
}

static void begin_with(struct fixture *fixture, const char *time, const char *process)
{
	*fixture = (struct fixture){ .manager = -1 };
	scratch_begin(&fixture->scratch);
	snprintf(fixture->path, sizeof(fixture->path), "%.90s/manager",
	         fixture->scratch.directory);
	bind_manager(fixture);
	open_with(fixture, time, process);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->notify);
}

static void begin(struct fixture *fixture)
{
	begin_with(fixture, NULL, NULL);
}

static void end(struct fixture *fixture)
{
	tn_notify_close(fixture->notify);
	close(fixture->manager);
	scratch_end(&fixture->scratch);
}

/* The next message; "nothing" where there is none. */
static const char *next(const struct fixture *fixture)
{
	static char text[4096];
	ssize_t size = recv(fixture->manager, text, sizeof(text) - 1, 0);

	if (size < 0)
		return errno == EAGAIN ? "nothing" : strerror(errno);
	text[size] = '\0';
	return text;
}

static void expect(const struct fixture *fixture, const char *text)
{
	CHECK_TEXT(next(fixture), text);
	CHECK_TEXT(next(fixture), "nothing");
}

/* Until the manager has no room for one more. */
static void fill(struct fixture *fixture)
{
	for (int i = 0; i < 100000; i++) {
		tn_notify_status(fixture->notify, "%d", i);
		if (tn_notify_turn(fixture->notify, 0) >= 0)
			return;
	}
	CU_FAIL("it has room for all");
}

static void drain(const struct fixture *fixture)
{
	while (strcmp(next(fixture), "nothing") != 0)
		;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static void it_is_ready(void)
{
	struct fixture fixture;

	begin(&fixture);
	tn_notify_ready(fixture.notify, "generation %d serves", 1);
	expect(&fixture, "READY=1\nSTATUS=generation 1 serves");
	end(&fixture);
}

static void it_stops(void)
{
	struct fixture fixture;

	begin(&fixture);
	tn_notify_stopping(fixture.notify, "SIGTERM");
	expect(&fixture, "STOPPING=1\nSTATUS=SIGTERM");
	end(&fixture);
}

static void it_has_a_status(void)
{
	struct fixture fixture;

	begin(&fixture);
	tn_notify_status(fixture.notify, "%s", "fine");
	expect(&fixture, "STATUS=fine");
	end(&fixture);
}

static long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The manager compares it with its own clock, to know which reload it was. */
static void a_reload_has_its_time(void)
{
	static const char first[] = "RELOADING=1\nMONOTONIC_USEC=";
	struct fixture fixture;
	long long before = now_us();
	const char *text;
	char *rest;
	long long at;

	begin(&fixture);
	tn_notify_reloading(fixture.notify, "reading");
	text = next(&fixture);
	CU_ASSERT_FATAL(strncmp(text, first, strlen(first)) == 0);
	at = strtoll(text + strlen(first), &rest, 10);
	CU_ASSERT(at >= before && at <= now_us());
	CHECK_TEXT(rest, "\nSTATUS=reading");
	end(&fixture);
}

/* A file's name, say, that is none: "x\nMAINPID=1". */
static void a_text_is_one_line(void)
{
	struct fixture fixture;

	begin(&fixture);
	tn_notify_status(fixture.notify, "%s", "x\nMAINPID=1");
	expect(&fixture, "STATUS=x\\x0aMAINPID=1");
	end(&fixture);
}

static void a_long_text_is_cut(void)
{
	struct fixture fixture;
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	begin(&fixture);
	tn_notify_ready(fixture.notify, "%s", text);
	CU_ASSERT(strncmp(next(&fixture), "READY=1\nSTATUS=xxx", 18) == 0);
	end(&fixture);
}

static void an_abstract_name_is_told(void)
{
	struct fixture fixture = { .manager = -1 };

	snprintf(fixture.path, sizeof(fixture.path), "@tenon-test-notify-%d", (int)getpid());
	bind_manager(&fixture);
	open_with(&fixture, NULL, NULL);
	tn_notify_ready(fixture.notify, "x");
	expect(&fixture, "READY=1\nSTATUS=x");
	tn_notify_close(fixture.notify);
	close(fixture.manager);
}

/* ---- The environment ----------------------------------------------------------------------- */

static void the_environment_has_nothing_of_it(void)
{
	struct fixture fixture;

	begin_with(&fixture, "1000000", "1");
	CU_ASSERT_PTR_NULL(getenv("NOTIFY_SOCKET"));
	CU_ASSERT_PTR_NULL(getenv("WATCHDOG_USEC"));
	CU_ASSERT_PTR_NULL(getenv("WATCHDOG_PID"));
	end(&fixture);
}

static void without_a_manager_nothing_happens(void)
{
	setenv("WATCHDOG_USEC", "1000000", 1);
	CU_ASSERT_PTR_NULL(tn_notify_open());
	CU_ASSERT_PTR_NULL(getenv("WATCHDOG_USEC"));
	tn_notify_ready(NULL, "x");
	tn_notify_reloading(NULL, "x");
	tn_notify_stopping(NULL, "x");
	tn_notify_status(NULL, "x");
	CHECK_NUMBER(tn_notify_turn(NULL, 5), -1);
	CU_ASSERT_FALSE(tn_notify_unwatch(NULL));
	tn_notify_close(NULL);
}

static void what_is_no_address_is_none(void)
{
	static const char *const texts[] = { "relative", "vsock:2:1234", "/", "@", "" };
	struct fixture fixture = { .manager = -1 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(fixture.path, sizeof(fixture.path), "%s", texts[i]);
		open_with(&fixture, "1000000", NULL);
		CU_ASSERT_PTR_NULL(fixture.notify);
		CU_ASSERT_PTR_NULL(getenv("NOTIFY_SOCKET"));
	}
}

/* 108 bytes are one too many for the NUL. */
static void a_name_too_long_is_none(void)
{
	char text[109] = "/";

	memset(text + 1, 'x', sizeof(text) - 2);
	text[sizeof(text) - 1] = '\0';
	setenv("NOTIFY_SOCKET", text, 1);
	CU_ASSERT_PTR_NULL(tn_notify_open());
}

static void a_manager_that_has_gone_is_no_harm(void)
{
	struct fixture fixture;

	begin_with(&fixture, "2000000", NULL);
	unlink(fixture.path);
	tn_notify_ready(fixture.notify, "x");
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 10), 1010);
	end(&fixture);
}

/* ---- The watchdog -------------------------------------------------------------------------- */

static void signs_of_life_come_at_half_of_the_time(void)
{
	struct fixture fixture;

	begin_with(&fixture, "2000000", NULL);
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 500), 1500);
	expect(&fixture, "WATCHDOG=1");
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 1499), 1500);
	expect(&fixture, "nothing");
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 1500), 2500);
	expect(&fixture, "WATCHDOG=1");
	end(&fixture);
}

static void they_are_of_whom_they_are_expected(void)
{
	struct fixture fixture;
	char process[16];

	snprintf(process, sizeof(process), "%d", (int)getpid());
	begin_with(&fixture, "2000000", process);
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 0), 1000);
	end(&fixture);
	begin_with(&fixture, "2000000", "1");
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 0), -1);
	expect(&fixture, "nothing");
	end(&fixture);
}

static void a_time_that_is_none_is_no_watchdog(void)
{
	static const char *const texts[] = { "", "0", "-1", "x", "5s", "99999999999999999999" };
	struct fixture fixture;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		begin_with(&fixture, texts[i], NULL);
		CHECK_NUMBER(tn_notify_turn(fixture.notify, 0), -1);
		expect(&fixture, "nothing");
		end(&fixture);
	}
}

/* Or the loop would not wait at all. */
static void the_shortest_watchdog_is_a_millisecond(void)
{
	struct fixture fixture;

	begin_with(&fixture, "1", NULL);
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 7), 8);
	end(&fixture);
}

static void a_watchdog_can_be_turned_off(void)
{
	struct fixture fixture;

	begin_with(&fixture, "2000000", NULL);
	CU_ASSERT_TRUE(tn_notify_unwatch(fixture.notify));
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 0), -1);
	tn_notify_ready(fixture.notify, "x");
	expect(&fixture, "READY=1\nWATCHDOG_USEC=0\nSTATUS=x");
	CU_ASSERT_FALSE(tn_notify_unwatch(fixture.notify));
	end(&fixture);
}

static void one_that_is_none_need_not_be(void)
{
	struct fixture fixture;

	begin(&fixture);
	CU_ASSERT_FALSE(tn_notify_unwatch(fixture.notify));
	tn_notify_ready(fixture.notify, "x");
	expect(&fixture, "READY=1\nSTATUS=x");
	end(&fixture);
}

/* ---- A manager that does not read ---------------------------------------------------------- */

static void what_finds_no_room_is_sent_later(void)
{
	struct fixture fixture;

	begin(&fixture);
	fill(&fixture);
	tn_notify_ready(fixture.notify, "x");
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 1000), 1100);
	drain(&fixture);
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 1099), 1100);
	expect(&fixture, "nothing");
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 1100), -1);
	expect(&fixture, "READY=1\nSTATUS=x");
	end(&fixture);
}

static void the_latest_state_is_what_is_sent(void)
{
	struct fixture fixture;

	begin(&fixture);
	fill(&fixture);
	tn_notify_reloading(fixture.notify, "x");
	tn_notify_ready(fixture.notify, "y");
	tn_notify_status(fixture.notify, "z");
	drain(&fixture);
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 1000), -1);
	expect(&fixture, "READY=1\nSTATUS=y");
	end(&fixture);
}

/* It would bring back what was before. */
static void what_was_sent_is_not_followed_by_what_was_not(void)
{
	struct fixture fixture;

	begin(&fixture);
	fill(&fixture);
	tn_notify_ready(fixture.notify, "x");
	drain(&fixture);
	tn_notify_stopping(fixture.notify, "y");
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 1000), -1);
	expect(&fixture, "STOPPING=1\nSTATUS=y");
	end(&fixture);
}

/* Whatever else was waiting goes first, and is the second-last message. */
static void a_sign_that_finds_no_room_comes_soon(void)
{
	struct fixture fixture;
	char last[4096] = "";
	const char *text;

	begin_with(&fixture, "2000000", NULL);
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 0), 1000);
	for (int i = 0; tn_notify_turn(fixture.notify, 0) == 1000 && i < 100000; i++)
		tn_notify_status(fixture.notify, "%d", i);
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 1000), 1100);
	drain(&fixture);
	CHECK_NUMBER(tn_notify_turn(fixture.notify, 1100), 2100);
	while (strcmp(text = next(&fixture), "nothing") != 0)
		snprintf(last, sizeof(last), "%s", text);
	CHECK_TEXT(last, "WATCHDOG=1");
	end(&fixture);
}

TEST_MAIN("supervise/notify",
          TEST(it_is_ready),
          TEST(it_stops),
          TEST(it_has_a_status),
          TEST(a_reload_has_its_time),
          TEST(a_text_is_one_line),
          TEST(a_long_text_is_cut),
          TEST(an_abstract_name_is_told),
          TEST(the_environment_has_nothing_of_it),
          TEST(without_a_manager_nothing_happens),
          TEST(what_is_no_address_is_none),
          TEST(a_name_too_long_is_none),
          TEST(a_manager_that_has_gone_is_no_harm),
          TEST(signs_of_life_come_at_half_of_the_time),
          TEST(they_are_of_whom_they_are_expected),
          TEST(a_time_that_is_none_is_no_watchdog),
          TEST(the_shortest_watchdog_is_a_millisecond),
          TEST(a_watchdog_can_be_turned_off),
          TEST(one_that_is_none_need_not_be),
          TEST(what_finds_no_room_is_sent_later),
          TEST(the_latest_state_is_what_is_sent),
          TEST(what_was_sent_is_not_followed_by_what_was_not),
          TEST(a_sign_that_finds_no_room_comes_soon))
