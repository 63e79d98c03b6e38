#include "supervise/channel.h"

#include "cunit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both sides in one program. */
struct fixture {
	int channel; /* the supervisor's end */
	struct tn_inbox inbox;
	char text[TN_PROCESS_TEXT + 1];
};

static void begin(struct fixture *fixture)
{
	int ends[2];

	CU_ASSERT_FATAL(tn_channel_create(ends));
	CHECK_NUMBER(fcntl(ends[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	CHECK_NUMBER(fcntl(ends[1], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	fixture->channel = ends[0];
	fixture->inbox = (struct tn_inbox){ .channel = ends[1] };
}

static void end(struct fixture *fixture)
{
	close(fixture->channel);
	tn_inbox_finish(&fixture->inbox);
}

static bool tell(const struct fixture *fixture, enum tn_order_kind kind, uint32_t number,
                 int descriptor)
{
	return tn_channel_send(fixture->channel, &(struct tn_order){ kind, number, descriptor });
}

static void a_message_comes_with_its_kind_and_text(void)
{
	struct fixture fixture;

	begin(&fixture);
	CHECK_NUMBER(tn_channel_hear(fixture.channel, fixture.text), 0);
	tn_channel_tell(fixture.inbox.channel, TN_PROCESS_READY, "", 0);
	tn_channel_tell(fixture.inbox.channel, TN_PROCESS_SHARE, "8 auth.HITS", 11);
	CHECK_NUMBER(tn_channel_hear(fixture.channel, fixture.text), TN_PROCESS_READY);
	CHECK_NUMBER(strlen(fixture.text), 0);
	CHECK_NUMBER(tn_channel_hear(fixture.channel, fixture.text), TN_PROCESS_SHARE);
	CU_ASSERT_STRING_EQUAL(fixture.text, "8 auth.HITS");
	CHECK_NUMBER(tn_channel_hear(fixture.channel, fixture.text), 0);
	tn_inbox_finish(&fixture.inbox);
	CHECK_NUMBER(tn_channel_hear(fixture.channel, fixture.text), -1);
	end(&fixture);
}

static void a_long_text_is_cut(void)
{
	static char text[2 * TN_PROCESS_TEXT];
	struct fixture fixture;

	begin(&fixture);
	memset(text, 'x', sizeof(text));
	tn_channel_tell(fixture.inbox.channel, TN_PROCESS_ERRORS, text, sizeof(text));
	CHECK_NUMBER(tn_channel_hear(fixture.channel, fixture.text), TN_PROCESS_ERRORS);
	CHECK_NUMBER(strlen(fixture.text), TN_PROCESS_TEXT);
	end(&fixture);
}

static void an_order_brings_its_number_and_its_descriptor(void)
{
	struct fixture fixture;
	struct tn_order order;
	int ends[2];

	begin(&fixture);
	CU_ASSERT_FATAL(pipe(ends) == 0);
	CHECK_NUMBER(tn_inbox_next(&fixture.inbox, &order), 0);
	CU_ASSERT(tell(&fixture, TN_ORDER_WATCH, 7, -1));
	CU_ASSERT(tell(&fixture, TN_ORDER_LOG, 0, ends[1]));
	close(ends[1]);
	CHECK_NUMBER(tn_inbox_next(&fixture.inbox, &order), 1);
	CHECK_NUMBER(order.kind, TN_ORDER_WATCH);
	CHECK_NUMBER(order.number, 7);
	CHECK_NUMBER(order.descriptor, -1);
	CHECK_NUMBER(tn_inbox_next(&fixture.inbox, &order), 1);
	CHECK_NUMBER(order.kind, TN_ORDER_LOG);
	CU_ASSERT_FATAL(order.descriptor >= 0);
	CHECK_NUMBER(fcntl(order.descriptor, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	CHECK_NUMBER(write(order.descriptor, "x", 1), 1);
	CHECK_NUMBER(read(ends[0], (char[1]){ 0 }, 1), 1);
	close(order.descriptor);
	close(ends[0]);
	end(&fixture);
}

/* As where the log is opened anew while a host still waits to serve. */
static void orders_that_nobody_waits_for_are_kept(void)
{
	struct fixture fixture;
	struct tn_order order;

	begin(&fixture);
	tell(&fixture, TN_ORDER_WATCH, 1, -1);
	tell(&fixture, TN_ORDER_UNWATCH, 2, -1);
	tell(&fixture, TN_ORDER_SERVE, 0, -1);
	tell(&fixture, TN_ORDER_WATCH, 3, -1);
	CU_ASSERT(tn_inbox_await(&fixture.inbox, TN_ORDER_SERVE, &order));
	for (uint32_t i = 1; i <= 3; i++) {
		CHECK_NUMBER(tn_inbox_next(&fixture.inbox, &order), 1);
		CHECK_NUMBER(order.number, i);
	}
	CHECK_NUMBER(tn_inbox_next(&fixture.inbox, &order), 0);
	tell(&fixture, TN_ORDER_LOG, 0, STDIN_FILENO); /* is closed with the inbox */
	tell(&fixture, TN_ORDER_MEMORY, 0, -1);
	CU_ASSERT(tn_inbox_await(&fixture.inbox, TN_ORDER_MEMORY, &order));
	end(&fixture);
}

static void the_end_is_told_to_who_waits(void)
{
	struct fixture fixture;
	struct tn_order order;

	begin(&fixture);
	tell(&fixture, TN_ORDER_WATCH, 1, -1);
	close(fixture.channel);
	CU_ASSERT(!tn_inbox_await(&fixture.inbox, TN_ORDER_SERVE, &order));
	CHECK_NUMBER(tn_inbox_next(&fixture.inbox, &order), 1);
	CHECK_NUMBER(tn_inbox_next(&fixture.inbox, &order), -1);
	fixture.channel = -1;
	end(&fixture);
}

static void a_host_that_does_not_read_holds_nobody_up(void)
{
	struct fixture fixture;
	unsigned sent = 0;

	begin(&fixture);
	alarm(60);
	while (sent < 1000000 && tell(&fixture, TN_ORDER_WATCH, sent, -1))
		sent++;
	alarm(0);
	CU_ASSERT(sent > 10 && sent < 1000000);
	end(&fixture);
}

/* What a host mentions is not worth a wait: where there is no room, it is lost. */
static void a_mention_waits_for_nobody(void)
{
	struct fixture fixture;
	unsigned sent = 0;
	unsigned heard = 0;

	begin(&fixture);
	while (send(fixture.inbox.channel, "x", 1, MSG_DONTWAIT) == 1)
		sent++;
	tn_channel_mention(fixture.inbox.channel, TN_PROCESS_CLOSED);
	while (tn_channel_hear(fixture.channel, fixture.text) == 'x')
		heard++;
	CHECK_NUMBER(heard, sent);
	tn_channel_mention(fixture.inbox.channel, TN_PROCESS_CLOSED);
	CHECK_NUMBER(tn_channel_hear(fixture.channel, fixture.text), TN_PROCESS_CLOSED);
	CHECK_NUMBER(strlen(fixture.text), 0);
	close(fixture.channel);
	tn_channel_mention(fixture.inbox.channel, TN_PROCESS_CLOSED); /* and no SIGPIPE */
	tn_inbox_finish(&fixture.inbox);
}

TEST_MAIN("supervise/channel",
          TEST(a_message_comes_with_its_kind_and_text),
          TEST(a_long_text_is_cut),
          TEST(an_order_brings_its_number_and_its_descriptor),
          TEST(orders_that_nobody_waits_for_are_kept),
          TEST(the_end_is_told_to_who_waits),
          TEST(a_host_that_does_not_read_holds_nobody_up),
          TEST(a_mention_waits_for_nobody))
