/*
 * test_abi.c - what is built into a Worker, and so stays as it is as long as the major version.
 *
 * Where one of the first tests fails, a Worker that was built before would read what is not there:
 * what is new goes behind what there was, into `reserved`, or waits for another TN_ABI_MAJOR.
 */
#include <tenon/test.h>

#include "framework/deploy/scratch.h"

#include <string.h>

struct member {
	const char *name;
	size_t offset; /* SIZE_MAX: it is the struct's size */
	size_t is;
	size_t was;
};

#define SIZE(type_, size_) \
	{ \
		"struct " #type_, SIZE_MAX, sizeof(struct type_), size_ \
	}
#define AT(type_, field_, offset_, size_) \
	{ #type_ "." #field_, offset_, offsetof(struct type_, field_), offset_ }, \
	{ \
		"sizeof " #type_ "." #field_, offset_, sizeof(((struct type_ *)0)->field_), size_ \
	}

static const struct member members[] = {
	SIZE(tn_bytes, 16),
	AT(tn_bytes, data, 0, 8),
	AT(tn_bytes, size, 8, 8),
	SIZE(tn_service, 64),
	AT(tn_service, fetch, 0, 8),
	AT(tn_service, name, 8, 8),
	AT(tn_service, reserved, 16, 48),
	SIZE(tn_parameter, 24),
	AT(tn_parameter, name, 0, 8),
	AT(tn_parameter, value, 8, 8),
	AT(tn_parameter, position, 16, 8),
	SIZE(tn_form_part, 64),
	AT(tn_form_part, name, 0, 8),
	AT(tn_form_part, filename, 8, 8),
	AT(tn_form_part, type, 16, 8),
	AT(tn_form_part, headers, 24, 8),
	AT(tn_form_part, data, 32, 8),
	AT(tn_form_part, size, 40, 8),
	AT(tn_form_part, error, 48, 8),
	AT(tn_form_part, position, 56, 8),
	SIZE(tn_header, 24),
	AT(tn_header, name, 0, 8),
	AT(tn_header, value, 8, 8),
	AT(tn_header, position, 16, 8),
	SIZE(tn_call, 32),
	AT(tn_call, service, 0, 8),
	AT(tn_call, request, 8, 8),
	AT(tn_call, response, 16, 8),
	AT(tn_call, reserved, 24, 8),
	SIZE(tn_slot, 32),
	AT(tn_slot, kind, 0, 4),
	AT(tn_slot, flags, 4, 4),
	AT(tn_slot, name, 8, 8),
	AT(tn_slot, offset, 16, 8),
	AT(tn_slot, value, 24, 8),
	SIZE(tn_worker, 56),
	AT(tn_worker, abi_major, 0, 4),
	AT(tn_worker, abi_minor, 4, 4),
	AT(tn_worker, size, 8, 4),
	AT(tn_worker, slot_size, 12, 4),
	AT(tn_worker, service_size, 16, 4),
	AT(tn_worker, slot_count, 20, 4),
	AT(tn_worker, env_size, 24, 8),
	AT(tn_worker, name, 32, 8),
	AT(tn_worker, fetch, 40, 8),
	AT(tn_worker, slots, 48, 8),
};

static void sizes_and_offsets_stay(void)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		test_number((long long)members[i].is, (long long)members[i].was, members[i].name,
		            __FILE__, __LINE__);
}

static void numbers_stay(void)
{
	static const int kinds[] = {
		TN_SLOT_END,
		TN_SLOT_SERVICE,
		TN_SLOT_SECRET,
		TN_SLOT_VAR,
		TN_SLOT_INT,
		TN_SLOT_BOOL,
		TN_SLOT_DURATION,
		TN_SLOT_SIZE,
		TN_SLOT_NUMBER,
		TN_SLOT_STATE,
		TN_SLOT_SHARED,
		TN_SLOT_START,
		TN_SLOT_STOP,
	};

	for (int i = 0; i < (int)(sizeof(kinds) / sizeof(kinds[0])); i++)
		CHECK_NUMBER(kinds[i], i);
	CHECK_NUMBER(TN_SLOT_OPTIONAL, 1);
	CHECK_NUMBER(TN_LOG_ERROR, 0);
	CHECK_NUMBER(TN_LOG_WARNING, 1);
	CHECK_NUMBER(TN_LOG_INFO, 2);
	CHECK_NUMBER(TN_LOG_DEBUG, 3);
	CHECK_NUMBER(TN_ABI_MAJOR, 1);
}

/* ---- That none is missing ------------------------------------------------------------------ */

static bool has_row(const char *name)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (members[i].offset == SIZE_MAX && strcmp(members[i].name, name) == 0)
			return true;
	return false;
}

/* The tests run at the top of the tree, where the header is. */
static void every_struct_that_the_header_shows_is_here(void)
{
	char *text = NULL;
	size_t size = 0, found = 0, rows = 0;

	text = scratch_read("include/tenon.h", &size);
	for (char *at = text; (at = strstr(at, "\nstruct tn_")); at++) {
		char *end = at + 1 + strcspn(at + 1, ";{(*");

		if (*end != '{')
			continue;
		end[-1] = '\0';
		found++;
		if (!has_row(at + 1))
			CHECK_TEXT(at + 1, "one that has a row in test_abi.c");
		at = end;
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		rows += members[i].offset == SIZE_MAX;
	CHECK_NUMBER(found, rows);
	free(text);
}

/* ---- Workers of other versions ------------------------------------------------------------- */

static void a_worker_of_the_first_minor_version_works(void)
{
	struct tn_fake next = TN_FAKE("next", 200, "yes");
	struct tn_test_deployment *deployment = tn_test_load(
		built("tests/fixtures/abi_1_0.so"), TN_WITH_FAKE("next", &next),
		TN_WITH_SECRET("TOKEN", "s3cret"), TN_WITH_VAR("NAME", "a"),
		TN_WITH_VAR("COUNT", "1"),
		TN_WITH_VAR("ON", "yes"), TN_WITH_VAR("TIME", "2s"), TN_WITH_VAR("SIZE", "1K"),
		TN_WITH_VAR("RATIO", "0.25"));
	struct tn_test *test = tn_test_begin();

	TN_ASSERT_DEPLOYED(deployment);
	for (int i = 1; i <= 2; i++)
		TN_ASSERT_BODY(tn_test_fetch(deployment, NULL, tn_test_request(test, "GET", "/")),
		               i == 1 ? "a 1 1 2000 1024 0.25 1 word"
		                      : "a 1 1 2000 1024 0.25 2 word");
	TN_ASSERT_CALLS(&next, 2);
	tn_test_end(test);
	tn_test_undeploy(deployment);
}

static void a_worker_of_a_later_minor_version_works(void)
{
	struct tn_test_deployment *deployment =
		tn_test_load(built("tests/fixtures/abi_1_7.so"), TN_WITH_VAR("NAME", "b"),
	                     TN_WITH_VAR("COUNT", "7"));
	struct tn_test *test = tn_test_begin();

	TN_ASSERT_DEPLOYED(deployment);
	TN_ASSERT_BODY(tn_test_fetch(deployment, NULL, tn_test_request(test, "GET", "/")), "b 7");
	tn_test_end(test);
	tn_test_undeploy(deployment);
}

static void one_of_another_major_version_is_refused_with_both_numbers(void)
{
	struct tn_test_deployment *deployment =
		tn_test_load(built("tests/fixtures/mistake_abi.so"));
	char expected[128];

	snprintf(expected, sizeof(expected),
	         "it was built for ABI 99.7, and this host has ABI %d.%d: build it again with",
	         TN_ABI_MAJOR, TN_ABI_MINOR);
	if (!strstr(tn_test_errors(deployment), expected))
		CHECK_TEXT(tn_test_errors(deployment), expected);
	tn_test_undeploy(deployment);
}

TEST_MAIN("deploy/abi",
          TEST(sizes_and_offsets_stay),
          TEST(numbers_stay),
          TEST(every_struct_that_the_header_shows_is_here),
          TEST(a_worker_of_the_first_minor_version_works),
          TEST(a_worker_of_a_later_minor_version_works),
          TEST(one_of_another_major_version_is_refused_with_both_numbers))
