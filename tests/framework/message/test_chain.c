#include "message/exchange.h"

#include "cunit.h"

#include <limits.h>
#include <string.h>

/* Calls in the order they were made, with as many dots before the name as the call is deep. */
static void set_trace(struct tn_exchange *exchange, struct tn_service *services,
                      const char *const *calls)
{
	exchange->calls = 0;
	for (; calls[exchange->calls]; exchange->calls++) {
		const char *call = calls[exchange->calls];
		size_t depth = strspn(call, ".");

		services[exchange->calls].name = call + depth;
		exchange->trace[exchange->calls] = (struct tn_trace){
			.service = &services[exchange->calls],
			.depth = (unsigned)depth,
		};
	}
}

static void the_chain_shows_who_called_whom(void)
{
	static const struct {
		const char *calls[8];
		const char *chain;
	} cases[] = {
		{ { NULL }, "-" },
		{ { "gateway" }, "gateway" },
		{ { "gateway", ".auth", ".application" }, "gateway(auth,application)" },
		{ { "a", ".b", "..c" }, "a(b(c))" },
		{ { "a", ".b", "..c", ".d" }, "a(b(c),d)" },
		{ { "a", ".b", "..c", "...d", ".e" }, "a(b(c(d)),e)" },
		{ { "a", ".b", "..c", "...d", "..e", ".f" }, "a(b(c(d),e),f)" },
		{ { "a", ".b", "..c", "b" }, "a(b(c)),b" },
		{ { "a", "b" }, "a,b" },
	};
	static struct tn_exchange exchange;
	struct tn_service services[8];
	char text[TN_CHAIN_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_trace(&exchange, services, cases[i].calls);
		CHECK_TEXT(tn_exchange_chain(&exchange, text), cases[i].chain);
	}
}

static void calls_beyond_those_shown_are_counted(void)
{
	static const struct tn_service service = { .name = "w" };
	static struct tn_exchange exchange;
	char text[TN_CHAIN_SIZE];
	char shown[] = "w(w,w,w,w,w,w,w,w,w,w,w,w,w,w,w,w,w,w,w,w,w,w,w)";

	for (unsigned i = 0; i < TN_TRACE_MAX; i++)
		exchange.trace[i] = (struct tn_trace){ &service, i > 0 };
	exchange.calls = TN_TRACE_MAX;
	CHECK_TEXT(tn_exchange_chain(&exchange, text), shown);
	exchange.calls = TN_TRACE_MAX + 1;
	CU_ASSERT(strncmp(tn_exchange_chain(&exchange, text), shown, strlen(shown)) == 0);
	CHECK_TEXT(text + strlen(shown), "+1");
	exchange.calls = 1000;
	CHECK_TEXT(tn_exchange_chain(&exchange, text) + strlen(shown), "+976");
}

static const char *long_name(void)
{
	static char name[4096];

	memset(name, 'n', sizeof(name) - 1);
	return name;
}

/* The text is followed by bytes that are not its own. */
static void very_long_names_are_cut_inside_the_text(void)
{
	static struct tn_exchange exchange;
	struct tn_service services[2] = { { .name = "gateway" }, { .name = long_name() } };
	char text[TN_CHAIN_SIZE + 64];

	memset(text, '#', sizeof(text));
	for (unsigned i = 0; i < TN_TRACE_MAX; i++)
		exchange.trace[i] = (struct tn_trace){ &services[i > 0], i };
	exchange.calls = UINT_MAX;
	CU_ASSERT(strncmp(tn_exchange_chain(&exchange, text), "gateway(nnn", 11) == 0);
	CU_ASSERT_FATAL(memchr(text, '\0', TN_CHAIN_SIZE) != NULL);
	CU_ASSERT(strlen(text) > TN_CHAIN_SIZE / 2);
	CHECK_TEXT(strchr(text, '+'), "+4294967271");
	for (size_t i = TN_CHAIN_SIZE; i < sizeof(text); i++)
		CHECK_NUMBER(text[i], '#');
}

static void the_path_is_the_calls_under_way(void)
{
	static struct tn_exchange exchange;
	struct tn_service services[] = {
		{ .name = "gateway" },
		{ .name = "auth" },
		{ .name = "x" },
	};
	char text[TN_CHAIN_SIZE];

	CHECK_TEXT(tn_exchange_path(&exchange, text), "");
	for (unsigned i = 0; i < 3; i++)
		exchange.frames[i].service = &services[i];
	exchange.depth = 1;
	CHECK_TEXT(tn_exchange_path(&exchange, text), "gateway");
	exchange.depth = 3;
	CHECK_TEXT(tn_exchange_path(&exchange, text), "gateway>auth>x");
}

static void a_long_path_is_cut_inside_the_text(void)
{
	static struct tn_exchange exchange;
	struct tn_service service = { .name = long_name() };
	char text[TN_CHAIN_SIZE + 64];

	memset(text, '#', sizeof(text));
	for (unsigned i = 0; i < TN_DEPTH_MAX; i++)
		exchange.frames[i].service = &service;
	exchange.depth = TN_DEPTH_MAX;
	tn_exchange_path(&exchange, text);
	CU_ASSERT_FATAL(memchr(text, '\0', TN_CHAIN_SIZE) != NULL);
	CHECK_NUMBER(strspn(text, "n"), strlen(text));
	CU_ASSERT(strlen(text) > TN_CHAIN_SIZE / 2);
	for (size_t i = TN_CHAIN_SIZE; i < sizeof(text); i++)
		CHECK_NUMBER(text[i], '#');
}

static void what_has_no_name_is_a_question_mark(void)
{
	static struct tn_exchange exchange;
	struct tn_service service = { .name = NULL };
	char text[TN_CHAIN_SIZE];

	exchange.trace[1] = (struct tn_trace){ &service, 1 };
	exchange.frames[1].service = &service;
	exchange.calls = 2;
	exchange.depth = 2;
	CHECK_TEXT(tn_exchange_chain(&exchange, text), "?(?)");
	CHECK_TEXT(tn_exchange_path(&exchange, text), "?>?");
}

TEST_MAIN("message/chain",
          TEST(the_chain_shows_who_called_whom),
          TEST(calls_beyond_those_shown_are_counted),
          TEST(very_long_names_are_cut_inside_the_text),
          TEST(the_path_is_the_calls_under_way),
          TEST(a_long_path_is_cut_inside_the_text),
          TEST(what_has_no_name_is_a_question_mark))
