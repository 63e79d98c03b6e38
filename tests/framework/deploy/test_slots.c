#include "deploy/slots.h"

#include "cunit.h"

#define SELF sizeof(struct tn_service)
#define SLOT(kind_, name_, field_) \
	{ \
		.kind = TN_SLOT_##kind_, .name = (name_), .offset = SELF + 8 * (field_) \
	}
#define HOOK(kind_, name_) \
	{ \
		.kind = TN_SLOT_##kind_, .name = (name_), .value = {.function = hook } \
	}
#define ALL "TN_WORKER's list is to name every field (TN_STATE for what `start` fills in)"

static void hook(void)
{
}

static char reason[TN_REASON_SIZE];

static struct tn_worker make_worker(const struct tn_slot *slots, unsigned count, size_t fields)
{
	return (struct tn_worker){
		.slot_size = sizeof(struct tn_slot),
		.service_size = SELF,
		.slot_count = count,
		.env_size = SELF + 8 * fields,
		.slots = slots,
	};
}

static const char *check(const struct tn_slot *slots, unsigned count, size_t fields)
{
	struct tn_worker worker = make_worker(slots, count, fields);

	reason[0] = '\0';
	CU_ASSERT_EQUAL(tn_slots_check(&worker, reason), !*reason);
	return reason;
}

#define CHECK(slots_, fields_) check(slots_, sizeof(slots_) / sizeof((slots_)[0]), fields_)

static void slots_in_any_order_cover_the_env(void)
{
	static const struct tn_slot slots[] = {
		SLOT(SECRET, "c", 2),
		SLOT(SERVICE, "a", 0),
		SLOT(SHARED, "d", 3),
		SLOT(VAR, "b", 1),
	};
	static const struct tn_slot end[] = { { .kind = TN_SLOT_END } };

	CHECK_TEXT(CHECK(slots, 4), "");
	CHECK_TEXT(check(end, 0, 0), "");
}

static void hooks_take_no_room(void)
{
	static const struct tn_slot slots[] = {
		HOOK(STOP, "stop"),
		SLOT(INT, "a", 0),
		HOOK(START, "start"),
	};

	CHECK_TEXT(CHECK(slots, 1), "");
	CHECK_TEXT(check(slots, 1, 0), "");
}

static void a_gap_in_the_middle_is_found(void)
{
	static const struct tn_slot slots[] = {
		SLOT(VAR, "GREETING", 0),
		SLOT(INT, "limit", 2),
	};

	CHECK_TEXT(CHECK(slots, 3), "its slots do not cover its env: bytes 72 to 79 of 88, after "
	                            "'GREETING', have none: " ALL);
}

static void a_gap_before_the_first_is_found(void)
{
	static const struct tn_slot slots[] = { SLOT(VAR, "GREETING", 1) };

	CHECK_TEXT(CHECK(slots, 2), "its slots do not cover its env: bytes 64 to 71 of 80, after "
	                            "'self', have none: " ALL);
}

static void a_gap_at_the_end_is_found(void)
{
	static const struct tn_slot slots[] = { SLOT(VAR, "GREETING", 0) };

	CHECK_TEXT(CHECK(slots, 3), "its slots do not cover its env: bytes 72 to 87 of 88, after "
	                            "'GREETING', have none: " ALL);
}

static void fields_without_any_slot_are_found(void)
{
	static const struct tn_slot slots[] = { HOOK(START, "start") };

	CHECK_TEXT(CHECK(slots, 1), "its slots do not cover its env: bytes 64 to 71 of 72, after "
	                            "'self', have none: " ALL);
}

static void a_gap_of_half_a_slot_is_found(void)
{
	static const struct tn_slot slots[] = {
		{ .kind = TN_SLOT_VAR, .name = "GREETING", .offset = SELF + 4 },
	};

	CHECK_TEXT(CHECK(slots, 2), "its slots do not cover its env: bytes 64 to 67 of 80, after "
	                            "'self', have none: " ALL);
}

static void overlaps_are_found(void)
{
	static const struct tn_slot twice[] = { SLOT(INT, "limit", 0), SLOT(SIZE, "limit", 0) };
	static const struct tn_slot half[] = {
		SLOT(INT, "one", 0),
		{ .kind = TN_SLOT_INT, .name = "other", .offset = SELF + 4 },
	};
	static const struct tn_slot self[] = {
		{ .kind = TN_SLOT_INT, .name = "name", .offset = 8 },
	};

	CHECK_TEXT(CHECK(twice, 1), "its slot 'limit' overlaps 'limit': name each field once in "
	                            "TN_WORKER's list");
	CHECK_TEXT(CHECK(half, 2), "its slot 'other' overlaps 'one': name each field once in "
	                           "TN_WORKER's list");
	CHECK_TEXT(CHECK(self, 0), "its slot 'name' overlaps 'self': name each field once in "
	                           "TN_WORKER's list");
}

static void a_slot_beyond_the_env_is_found(void)
{
	static const struct tn_slot slots[] = { SLOT(INT, "a", 0), SLOT(INT, "b", 1) };
	struct tn_worker worker = make_worker(slots, 2, 2);

	CHECK_TEXT(CHECK(slots, 1), "its slot 'b' lies beyond its env: build it again");
	worker.env_size -= 4;
	CU_ASSERT_FALSE(tn_slots_check(&worker, reason));
	CHECK_TEXT(reason, "its slot 'b' lies beyond its env: build it again");
}

static void an_offset_that_wraps_around_is_found(void)
{
	static const struct tn_slot slots[] = {
		{ .kind = TN_SLOT_INT, .name = "a", .offset = (size_t)-8 },
	};

	CU_ASSERT(*CHECK(slots, 1));
	CU_ASSERT(*CHECK(slots, 0));
}

static void kinds_of_a_newer_tenon_are_refused(void)
{
	static const struct tn_slot newer[] = {
		SLOT(INT, "a", 0),
		{ .kind = TN_SLOT_STOP + 1, .name = "b", .offset = SELF + 8 },
	};
	static const struct tn_slot ended[] = { SLOT(END, "a", 0) };

	CHECK_TEXT(CHECK(newer, 2), "its slot 1 is of kind 13, which this host does not know: it "
	                            "was built for a newer Tenon");
	CHECK_TEXT(CHECK(ended, 1), "its slot 0 is of kind 0, which this host does not know: it "
	                            "was built for a newer Tenon");
}

/* One that is passed over would be misread by every host that is out there already. */
static void flags_of_a_newer_tenon_are_refused(void)
{
	static const struct tn_slot newer[] = {
		{ .kind = TN_SLOT_INT, .name = "a", .offset = SELF, .flags = 0x80 },
	};

	CHECK_TEXT(CHECK(newer, 1),
	           "its slot 'a' has flags 0x80, which this host does not know: it "
	           "was built for a newer Tenon");
}

static void a_hook_that_is_null_is_refused(void)
{
	static const struct tn_slot slots[] = { { .kind = TN_SLOT_STOP, .name = "stop" } };

	CHECK_TEXT(CHECK(slots, 0), "its hook 'stop' is NULL: name a function");
}

static void a_slot_without_a_name_is_refused(void)
{
	static const struct tn_slot slots[] = { SLOT(INT, NULL, 0) };

	CHECK_TEXT(CHECK(slots, 1), "its slot 0 has no name: build it again");
}

static void a_second_hook_of_a_kind_is_refused(void)
{
	static const struct tn_slot slots[] = {
		HOOK(START, "one"),
		HOOK(STOP, "stop"),
		HOOK(START, "other"),
	};

	CHECK_TEXT(CHECK(slots, 0), "it has two hooks of one kind: 'other' is one too many");
}

static void a_malformed_table_is_refused(void)
{
	static const char malformed[] = "its table of slots is malformed: build it again";
	static const struct tn_slot slots[] = { SLOT(INT, "a", 0) };
	struct tn_worker worker = make_worker(NULL, 1, 1);

	CU_ASSERT_FALSE(tn_slots_check(&worker, reason));
	CHECK_TEXT(reason, malformed);
	worker = make_worker(slots, 1025, 1);
	CU_ASSERT_FALSE(tn_slots_check(&worker, reason));
	CHECK_TEXT(reason, malformed);
	worker = make_worker(slots, 1, 1);
	worker.slot_size = sizeof(struct tn_slot) - 8;
	CU_ASSERT_FALSE(tn_slots_check(&worker, reason));
	CHECK_TEXT(reason, malformed);
	worker.slot_size = sizeof(struct tn_slot) + 1;
	CU_ASSERT_FALSE(tn_slots_check(&worker, reason));
	CHECK_TEXT(reason, malformed);
}

/* A later minor version may add to the end of a slot. */
static void larger_slots_are_walked_by_their_size(void)
{
	static const struct {
		struct tn_slot slot;
		uint64_t later[2];
	} slots[] = {
		{ SLOT(VAR, "b", 1), { ~0ULL, ~0ULL } },
		{ SLOT(INT, "a", 0), { ~0ULL, ~0ULL } },
	};
	struct tn_worker worker = make_worker(&slots[0].slot, 2, 2);

	worker.slot_size = sizeof(slots[0]);
	CU_ASSERT_PTR_EQUAL(tn_slots_at(&worker, 1), &slots[1].slot);
	CU_ASSERT_TRUE(tn_slots_check(&worker, reason));
}

static void each_kind_has_its_prefix(void)
{
	static const char *const prefixes[] = {
		[TN_SLOT_SERVICE] = "service",
		[TN_SLOT_SECRET] = "secret",
		[TN_SLOT_VAR] = "var",
		[TN_SLOT_INT] = "var",
		[TN_SLOT_BOOL] = "var",
		[TN_SLOT_DURATION] = "var",
		[TN_SLOT_SIZE] = "var",
		[TN_SLOT_NUMBER] = "var",
		[TN_SLOT_STATE] = NULL,
		[TN_SLOT_SHARED] = NULL,
		[TN_SLOT_START] = NULL,
		[TN_SLOT_STOP] = NULL,
	};

	for (uint32_t kind = TN_SLOT_END; kind <= TN_SLOT_STOP; kind++)
		CHECK_TEXT(tn_slot_prefix(&(struct tn_slot){ .kind = kind }), prefixes[kind]);
}

TEST_MAIN("deploy/slots",
          TEST(slots_in_any_order_cover_the_env),
          TEST(hooks_take_no_room),
          TEST(a_gap_in_the_middle_is_found),
          TEST(a_gap_before_the_first_is_found),
          TEST(a_gap_at_the_end_is_found),
          TEST(fields_without_any_slot_are_found),
          TEST(a_gap_of_half_a_slot_is_found),
          TEST(overlaps_are_found),
          TEST(a_slot_beyond_the_env_is_found),
          TEST(an_offset_that_wraps_around_is_found),
          TEST(kinds_of_a_newer_tenon_are_refused),
          TEST(flags_of_a_newer_tenon_are_refused),
          TEST(a_hook_that_is_null_is_refused),
          TEST(a_slot_without_a_name_is_refused),
          TEST(a_second_hook_of_a_kind_is_refused),
          TEST(a_malformed_table_is_refused),
          TEST(larger_slots_are_walked_by_their_size),
          TEST(each_kind_has_its_prefix))
