#include "deploy/nearest.h"

#include "cunit.h"

#define LETTERS_64 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"

static void finds_what_is_near(void)
{
	static const struct {
		const char *wanted, *candidate;
		bool near;
	} cases[] = {
		{ "atuh", "auth", true }, /* a swap is one edit */
		{ "aut", "auth", true },
		{ "authh", "auth", true },
		{ "auht", "auth", true },
		{ "AUTH", "auth", true },
		{ "secret_token", "SECRET_TOKEN", true },
		{ "aplication", "application", true },
		{ "gatewya", "gateway", true },
		{ "auth", "data", false },
		{ "abc", "abd", true }, /* a third */
		{ "ab", "ac", false },  /* a half */
		{ "abcdef", "abxxef", true },
		{ "abcdef", "axxxef", false },
		{ "ca", "abc", false }, /* 3 without, 2 with two edits of one part */
		{ "", "auth", false },
		{ "auth", "", false },
		{ NULL, "auth", false },
		{ "auth", NULL, false },
		{ LETTERS_64, LETTERS_64, true },
		{ LETTERS_64 "m", LETTERS_64, false },
		{ LETTERS_64, LETTERS_64 "m", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tn_nearest nearest = { .wanted = cases[i].wanted };

		tn_nearest_try(&nearest, cases[i].candidate);
		CHECK_TEXT(nearest.name, cases[i].near ? cases[i].candidate : NULL);
	}
}

static void counts_edits(void)
{
	static const struct {
		const char *wanted, *candidate;
		size_t distance;
	} cases[] = {
		{ "atuh", "auth", 1 },
		{ "application", "application", 0 },
		{ "applicatoin", "application", 1 },
		{ "appplicatoin", "application", 2 },
		{ "xpplication", "application", 1 },
		{ "aplicaiton", "application", 2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tn_nearest nearest = { .wanted = cases[i].wanted };

		tn_nearest_try(&nearest, cases[i].candidate);
		CHECK_NUMBER(nearest.distance, cases[i].distance);
	}
}

static void keeps_the_best_and_of_equals_the_first(void)
{
	struct tn_nearest nearest = { .wanted = "gatewya" };

	tn_nearest_try(&nearest, "gatewy");
	tn_nearest_try(&nearest, "gateway");
	CHECK_TEXT(nearest.name, "gatewy");
	tn_nearest_try(&nearest, "GATEWYA");
	CHECK_TEXT(nearest.name, "GATEWYA");
	tn_nearest_try(&nearest, "gateway");
	CHECK_TEXT(nearest.name, "GATEWYA");
}

static void hint(void)
{
	struct tn_nearest nearest = { .wanted = "atuh" };
	char text[24];

	CHECK_TEXT(tn_nearest_hint(&nearest, text, sizeof(text)), "");
	tn_nearest_try(&nearest, "auth");
	CHECK_TEXT(tn_nearest_hint(&nearest, text, sizeof(text)), " (did you mean 'auth'?)");
	CHECK_TEXT(tn_nearest_hint(&nearest, text, sizeof(text) - 1), "");
	CHECK_TEXT(tn_nearest_hint(&nearest, text, 0), "");
}

TEST_MAIN("deploy/nearest",
          TEST(finds_what_is_near),
          TEST(counts_edits),
          TEST(keeps_the_best_and_of_equals_the_first),
          TEST(hint))
