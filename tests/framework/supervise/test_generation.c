#include "supervise/generation.h"

#include "../deploy/scratch.h"

#include <sched.h>

#define WORKER "[worker a]\nroute = /\n"

/* A generation of a configuration. */
struct fixture {
	struct scratch scratch;
	struct tn_vault vault;
	struct tn_errors errors;
	struct tn_revision *revision;
	struct tn_generation *generation;
};

static void create(struct fixture *fixture, const char *text)
{
	struct tn_revision_options options = { 0 };
	char reason[TN_REASON_SIZE];
	int code;

	*fixture = (struct fixture){ 0 };
	scratch_begin(&fixture->scratch);
	scratch_write(&fixture->scratch, "x.ini", 0600, text, strlen(text));
	options.path = scratch_path(&fixture->scratch, "x.ini");
	options.vault = &fixture->vault;
	options.errors = &fixture->errors;
	fixture->revision = tn_revision_read(&options, &code, reason);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->revision);
	fixture->generation = tn_generation_create(fixture->revision, 7);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->generation);
}

static void end(struct fixture *fixture)
{
	tn_generation_destroy(fixture->generation);
	tn_revision_release(fixture->revision);
	tn_errors_finish(&fixture->errors);
	tn_vault_finish(&fixture->vault);
	scratch_end(&fixture->scratch);
}

static void it_holds_its_revision(void)
{
	struct fixture fixture;

	create(&fixture, "[host]\nprocesses = 3\n" WORKER);
	CHECK_NUMBER(fixture.generation->number, 7);
	CHECK_NUMBER(fixture.revision->holders, 2);
	CHECK_NUMBER((long long)tn_generation_wanted(fixture.revision), 3);
	tn_generation_destroy(fixture.generation);
	fixture.generation = NULL;
	CHECK_NUMBER(fixture.revision->holders, 1);
	end(&fixture);
}

static void auto_is_one_for_each_core(void)
{
	struct fixture fixture;
	cpu_set_t before, one;

	create(&fixture, "[host]\nprocesses = auto\n" WORKER);
	CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof(before), &before), 0);
	CHECK_NUMBER((long long)tn_generation_wanted(fixture.revision), CPU_COUNT(&before));
	CPU_ZERO(&one);
	for (size_t i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof(one), &one), 0);
	CHECK_NUMBER((long long)tn_generation_wanted(fixture.revision), 1);
	CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof(before), &before), 0);
	end(&fixture);
}

/* ---- Dealing the sockets ------------------------------------------------------------------- */

/* The sockets of each seat, as "10 11|12 13". */
static const char *dealt(const struct tn_generation *generation)
{
	static char text[512];
	size_t size = 0;

	text[0] = '\0';
	for (size_t i = 0; i < generation->count; i++) {
		const struct tn_seat *seat = &generation->seats[i];

		if (i)
			size += (size_t)snprintf(text + size, sizeof(text) - size, "|");
		for (size_t j = 0; j < seat->watched; j++)
			size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%d",
			                         j ? " " : "", seat->sockets[j]);
	}
	return text;
}

/* Slot N has the sockets 10 N, 10 N + 1, ... */
static void check_deal(unsigned seats, size_t slots, size_t addresses, const char *expected,
                       unsigned line)
{
	struct fixture fixture;
	int sockets[64];
	char text[256];

	for (size_t slot = 0; slot < slots; slot++)
		for (size_t i = 0; i < addresses; i++)
			sockets[slot * addresses + i] = (int)(10 * slot + i);
	snprintf(text, sizeof(text), "[host]\nprocesses = %u\n" WORKER, seats);
	create(&fixture, text);
	CU_ASSERT_TRUE(tn_generation_deal(fixture.generation, sockets, slots, addresses));
	CHECK_NUMBER((long long)fixture.generation->count, seats);
	test_text(dealt(fixture.generation), expected, "what was dealt", __FILE__, line);
	end(&fixture);
}

static void as_many_slots_as_seats_are_one_each(void)
{
	check_deal(1, 1, 1, "0", __LINE__);
	check_deal(3, 3, 1, "0|10|20", __LINE__);
	check_deal(2, 2, 3, "0 1 2|10 11 12", __LINE__);
}

/* None is left out: whom the kernel has put there would wait for ever. */
static void more_slots_than_seats_are_dealt_round_robin(void)
{
	check_deal(1, 3, 1, "0 10 20", __LINE__);
	check_deal(2, 3, 1, "0 20|10", __LINE__);
	check_deal(2, 5, 2, "0 1 20 21 40 41|10 11 30 31", __LINE__);
	check_deal(3, 4, 1, "0 30|10|20", __LINE__);
}

static void fewer_slots_than_seats_are_shared(void)
{
	check_deal(3, 1, 1, "0|0|0", __LINE__);
	check_deal(5, 2, 1, "0|10|0|10|0", __LINE__);
	check_deal(3, 2, 2, "0 1|10 11|0 1", __LINE__);
}

static void a_seat_is_empty_at_first(void)
{
	static const int sockets[] = { 10, 11 };
	struct fixture fixture;

	create(&fixture, "[host]\nprocesses = 2\n" WORKER);
	CU_ASSERT_TRUE(tn_generation_deal(fixture.generation, sockets, 2, 1));
	for (size_t i = 0; i < 2; i++) {
		CHECK_NUMBER(fixture.generation->seats[i].process.pid, 0);
		CHECK_NUMBER(fixture.generation->seats[i].process.report, -1);
		CU_ASSERT_FALSE(fixture.generation->seats[i].ready);
	}
	CHECK_NUMBER((long long)tn_generation_living(fixture.generation), 0);
	CHECK_NUMBER((long long)tn_generation_ready(fixture.generation), 0);
	CHECK_NUMBER((long long)tn_generation_living(NULL), 0);
	CHECK_NUMBER((long long)tn_generation_ready(NULL), 0);
	end(&fixture);
}

TEST_MAIN("supervise/generation",
          TEST(it_holds_its_revision),
          TEST(auto_is_one_for_each_core),
          TEST(as_many_slots_as_seats_are_one_each),
          TEST(more_slots_than_seats_are_dealt_round_robin),
          TEST(fewer_slots_than_seats_are_shared),
          TEST(a_seat_is_empty_at_first))
