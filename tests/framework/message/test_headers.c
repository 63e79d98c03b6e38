#include "message/headers.h"

#include "cunit.h"
#include "framework/capture.h"
#include "framework/message/fixture.h"
#include "message/response.h"

#include <string.h>

#define COUNT(array_) (sizeof(array_) / sizeof((array_)[0]))

/* ---- Reading and writing ------------------------------------------------------------------ */

static void names_are_found_in_any_case(void)
{
	struct fixture fixture;
	struct tn_headers *headers;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	CU_ASSERT(tn_headers_set(headers, "X-Token", "1"));
	CHECK_TEXT(tn_headers_get(headers, "x-token"), "1");
	CHECK_TEXT(tn_headers_get(headers, "X-TOKEN"), "1");
	CU_ASSERT(tn_headers_has(headers, "x-Token"));
	CHECK_TEXT(tn_headers_get(headers, "x-toke"), NULL);
	CHECK_TEXT(tn_headers_get(headers, "x-tokens"), NULL);
	CU_ASSERT(!tn_headers_has(headers, ""));
	fixture_finish(&fixture);
}

/* '@' and '`', '[' and '{' are as far apart as 'A' and 'a'. */
static void only_letters_have_two_cases(void)
{
	struct fixture fixture;
	struct tn_headers *headers;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	CU_ASSERT(tn_headers_set(headers, "x^", "1"));
	CU_ASSERT(tn_headers_set(headers, "x`", "2"));
	CHECK_TEXT(tn_headers_get(headers, "X^"), "1");
	CHECK_TEXT(tn_headers_get(headers, "X`"), "2");
	CHECK_TEXT(tn_headers_get(headers, "x~"), NULL);
	fixture_finish(&fixture);
}

static void setting_replaces_all_of_a_name_in_the_place_of_the_first(void)
{
	struct fixture fixture;
	struct tn_headers *headers;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	CU_ASSERT(tn_headers_append(headers, "a", "1"));
	CU_ASSERT(tn_headers_append(headers, "b", "1"));
	CU_ASSERT(tn_headers_append(headers, "c", "1"));
	CU_ASSERT(tn_headers_append(headers, "B", "2"));
	CU_ASSERT(tn_headers_append(headers, "b", "3"));
	CU_ASSERT(tn_headers_set(headers, "b", "new"));
	CHECK_NUMBER(tn_headers_count(headers), 3);
	CHECK_TEXT(tn_headers_field(headers, 0)->name, "a");
	CHECK_TEXT(tn_headers_field(headers, 1)->name, "b");
	CHECK_TEXT(tn_headers_field(headers, 1)->value, "new");
	CHECK_NUMBER(tn_headers_field(headers, 1)->value_size, 3);
	CHECK_TEXT(tn_headers_field(headers, 2)->name, "c");
	fixture_finish(&fixture);
}

static void deleting_takes_all_of_a_name_and_no_other(void)
{
	struct fixture fixture;
	struct tn_headers *headers;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	tn_headers_append(headers, "a", "1");
	tn_headers_append(headers, "b", "1");
	tn_headers_append(headers, "A", "2");
	CU_ASSERT(tn_headers_delete(headers, "a"));
	CHECK_NUMBER(tn_headers_count(headers), 1);
	CU_ASSERT(!tn_headers_has(headers, "a"));
	CHECK_TEXT(tn_headers_get(headers, "b"), "1");
	CU_ASSERT(tn_headers_delete(headers, "a"));
	CU_ASSERT(tn_headers_set(headers, "b", NULL));
	CHECK_NUMBER(tn_headers_count(headers), 0);
	CU_ASSERT(tn_headers_set(headers, "b", NULL));
	fixture_finish(&fixture);
}

static void values_are_joined(void)
{
	struct fixture fixture;
	struct tn_headers *headers;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	for (char value[] = "1"; *value <= '3'; ++*value) {
		tn_headers_append(headers, "Accept", value);
		tn_headers_append(headers, "Cookie", value);
		tn_headers_append(headers, "Set-Cookie", value);
	}
	tn_headers_append(headers, "Empty", "");
	tn_headers_append(headers, "empty", "");
	tn_headers_append(headers, "empty", "1");
	CHECK_TEXT(tn_headers_get(headers, "accept"), "1, 2, 3");
	CHECK_TEXT(tn_headers_get(headers, "cookie"), "1; 2; 3");
	CHECK_TEXT(tn_headers_get(headers, "COOKIE"), "1; 2; 3");
	CHECK_TEXT(tn_headers_get(headers, "set-cookie"), "1");
	CHECK_TEXT(tn_headers_get(headers, "empty"), ", , 1");
	fixture_finish(&fixture);
}

static void more_headers_fit_than_the_first_block_holds(void)
{
	struct fixture fixture;
	struct tn_headers *headers;
	char name[16];

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "x-%u", i);
		CU_ASSERT_FATAL(tn_headers_append(headers, name, name + 2));
	}
	CHECK_NUMBER(tn_headers_count(headers), 500);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "X-%u", i);
		CHECK_TEXT(tn_headers_get(headers, name), name + 2);
	}
	fixture_finish(&fixture);
}

static void what_was_passed_in_was_copied(void)
{
	struct fixture fixture;
	struct tn_headers *headers;
	char name[] = "name";
	char value[] = "value";

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	tn_headers_set(headers, name, value);
	name[0] = '#';
	value[0] = '#';
	CHECK_TEXT(tn_headers_get(headers, "name"), "value");
	fixture_finish(&fixture);
}

static void strings_that_were_returned_never_change(void)
{
	struct fixture fixture;
	struct tn_headers *headers;
	struct tn_header header = { 0 };
	const char *one, *joined;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	tn_headers_set(headers, "A", "1");
	one = tn_headers_get(headers, "a");
	tn_headers_append(headers, "a", "2");
	joined = tn_headers_get(headers, "a");
	CU_ASSERT(tn_headers_next(headers, &header));
	tn_headers_set(headers, "a", "another, and a longer one");
	tn_headers_append(headers, "a", "more");
	tn_headers_delete(headers, "a");
	for (unsigned i = 0; i < 100; i++)
		tn_headers_append(headers, "b", "####");
	CHECK_TEXT(one, "1");
	CHECK_TEXT(joined, "1, 2");
	CHECK_TEXT(header.name, "a");
	CHECK_TEXT(header.value, "1, 2");
	fixture_finish(&fixture);
}

/* ---- Iteration ---------------------------------------------------------------------------- */

/* "name=value|name=value|", as they come. */
static const char *listed(const struct tn_headers *headers)
{
	static char text[4096];
	struct tn_header header = { 0 };
	size_t size = 0;

	text[0] = '\0';
	while (tn_headers_next(headers, &header) && size < sizeof(text))
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s=%s|", header.name,
		                         header.value);
	return text;
}

static void iteration_is_in_order_in_lower_case_and_joined(void)
{
	struct fixture fixture;
	struct tn_headers *headers;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	CHECK_TEXT(listed(headers), "");
	tn_headers_append(headers, "Zebra", "1");
	tn_headers_append(headers, "b", "1");
	tn_headers_append(headers, "Set-Cookie", "x=1");
	tn_headers_append(headers, "A", "1");
	tn_headers_append(headers, "B", "2");
	tn_headers_append(headers, "Z", "1");
	tn_headers_append(headers, "set-cookie", "x=1");
	tn_headers_append(headers, "SET-COOKIE", "y=2");
	tn_headers_append(headers, "x_y", "1");
	CHECK_TEXT(listed(headers), "a=1|b=1, 2|set-cookie=x=1|set-cookie=x=1|set-cookie=y=2|"
	                            "x_y=1|z=1|zebra=1|");
	fixture_finish(&fixture);
}

static void after_the_last_header_there_is_none(void)
{
	struct fixture fixture;
	struct tn_headers *headers;
	struct tn_header header = { 0 };

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	tn_headers_append(headers, "Set-Cookie", "1");
	CU_ASSERT(tn_headers_next(headers, &header));
	CU_ASSERT(!tn_headers_next(headers, &header));
	CU_ASSERT(!tn_headers_next(headers, &header));
	fixture_finish(&fixture);
}

static void each_header_can_be_deleted_when_it_comes(void)
{
	struct fixture fixture;
	struct tn_headers *headers;
	struct tn_header header = { 0 };
	unsigned steps = 0;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	for (char name[] = "A"; *name <= 'T'; ++*name) {
		tn_headers_append(headers, name, "1");
		tn_headers_append(headers, name, "2");
	}
	for (; tn_headers_next(headers, &header); steps++)
		tn_headers_delete(headers, header.name);
	CHECK_NUMBER(steps, 20);
	CHECK_NUMBER(tn_headers_count(headers), 0);
	fixture_finish(&fixture);
}

static void what_is_added_behind_the_place_comes_and_before_it_does_not(void)
{
	struct fixture fixture;
	struct tn_headers *headers;
	struct tn_header header = { 0 };

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	tn_headers_append(headers, "m", "1");
	CU_ASSERT(tn_headers_next(headers, &header));
	CHECK_TEXT(header.name, "m");
	for (char name[] = "a"; *name <= 'l'; ++*name)
		tn_headers_append(headers, name, "before");
	tn_headers_append(headers, "Z", "behind");
	tn_headers_append(headers, "M", "of its own name");
	CU_ASSERT(tn_headers_next(headers, &header));
	CHECK_TEXT(header.name, "z");
	CU_ASSERT(!tn_headers_next(headers, &header));
	fixture_finish(&fixture);
}

static void set_cookies_can_be_changed_in_their_midst(void)
{
	struct fixture fixture;
	struct tn_headers *headers;
	struct tn_header header = { 0 };

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	tn_headers_append(headers, "set-cookie", "1");
	tn_headers_append(headers, "set-cookie", "2");
	tn_headers_append(headers, "zebra", "3");
	CU_ASSERT(tn_headers_next(headers, &header));
	CU_ASSERT(tn_headers_append(headers, "set-cookie", "3"));
	CU_ASSERT(tn_headers_next(headers, &header));
	CHECK_TEXT(header.value, "2");
	CU_ASSERT(tn_headers_next(headers, &header));
	CHECK_TEXT(header.value, "3");
	tn_headers_delete(headers, "set-cookie");
	CU_ASSERT(tn_headers_next(headers, &header));
	CHECK_TEXT(header.name, "zebra");
	CU_ASSERT(!tn_headers_next(headers, &header));
	fixture_finish(&fixture);
}

/* ---- What is refused ---------------------------------------------------------------------- */

static void a_name_is_a_token_byte_for_byte(void)
{
	static const char allowed[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct fixture fixture;
	struct tn_headers *headers;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	capture_begin();
	for (int byte = 1; byte < 256; byte++) {
		const char names[2][4] = { { (char)byte }, { 'x', (char)byte, 'x' } };
		bool good = strchr(allowed, byte);

		for (size_t i = 0; i < 2; i++) {
			CHECK_NUMBER(tn_headers_set(headers, names[i], "1"), good);
			CHECK_NUMBER(tn_headers_append(headers, names[i], "1"), good);
			CHECK_NUMBER(tn_token_valid(names[i], strlen(names[i])), good);
			CHECK_NUMBER(tn_headers_has(headers, names[i]), good);
		}
	}
	CU_ASSERT(!tn_headers_set(headers, "", "1"));
	CU_ASSERT(!tn_headers_append(headers, "", "1"));
	capture_end();
	CU_ASSERT(!tn_token_valid("", 0));
	CU_ASSERT(!tn_token_valid("a\0b", 3));
	fixture_finish(&fixture);
}

static void a_value_has_no_control_character_but_tab(void)
{
	struct fixture fixture;
	struct tn_headers *headers;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	capture_begin();
	for (int byte = 1; byte < 256; byte++) {
		const char value[] = { 'a', (char)byte, 'b', '\0' };
		bool good = byte == '\t' || (byte >= 0x20 && byte != 0x7f);

		tn_headers_set(headers, "x", "before");
		CHECK_NUMBER(tn_headers_set(headers, "x", value), good);
		CHECK_TEXT(tn_headers_get(headers, "x"), good ? value : "before");
		tn_headers_delete(headers, "x");
		CHECK_NUMBER(tn_headers_append(headers, "x", value), good);
		CHECK_TEXT(tn_headers_get(headers, "x"), good ? value : NULL);
		tn_headers_delete(headers, "x");
	}
	CU_ASSERT(!tn_headers_set(headers, "x", "1\r\nx-injected: 1"));
	CU_ASSERT(!tn_headers_set(headers, "x", "1\n"));
	CU_ASSERT(!tn_headers_set(headers, "x", "\r"));
	capture_end();
	CHECK_NUMBER(tn_headers_count(headers), 0);
	fixture_finish(&fixture);
}

static void values_are_trimmed(void)
{
	static const char *const cases[][2] = {
		{ " a", "a" },
		{ "a\t ", "a" },
		{ "\t \ta  b\t", "a  b" },
		{ " \t ", "" },
		{ " ", "" },
		{ "", "" },
	};
	struct fixture fixture;
	struct tn_headers *headers;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	for (size_t i = 0; i < COUNT(cases); i++) {
		CU_ASSERT(tn_headers_set(headers, "x", cases[i][0]));
		CHECK_TEXT(tn_headers_get(headers, "x"), cases[i][1]);
		CHECK_NUMBER(tn_headers_field(headers, 0)->value_size, strlen(cases[i][1]));
	}
	fixture_finish(&fixture);
}

static void a_worker_frames_no_response(void)
{
	static const char *const names[] = {
		"Connection",
		"content-length",
		"Keep-Alive",
		"Proxy-Connection",
		"TE",
		"trailer",
		"Transfer-Encoding",
		"UPGRADE",
	};
	struct fixture fixture;
	struct tn_response *response;

	fixture_init(&fixture);
	response = tn_response_new(fixture.request, 200);
	capture_begin();
	for (size_t i = 0; i < COUNT(names); i++) {
		CU_ASSERT(!tn_response_set_header(response, names[i], "1"));
		CU_ASSERT(!tn_headers_append(tn_response_headers(response), names[i], "1"));
		CU_ASSERT(tn_request_set_header(fixture.request, names[i], "1"));
		CHECK_TEXT(tn_request_header(fixture.request, names[i]), "1");
	}
	CHECK_NUMBER(capture_lines(capture_end(), "the host frames the message"),
	             2 * COUNT(names));
	CHECK_NUMBER(tn_headers_count(tn_response_headers(response)), 0);
	CU_ASSERT(tn_response_set_header(response, "content-lengths", "1"));
	CU_ASSERT(tn_response_set_header(response, "t", "1"));
	fixture_finish(&fixture);
}

static void a_refusal_is_one_line_that_names_the_header_but_not_the_value(void)
{
	static const struct tn_service auth = { .name = "auth" };
	struct fixture fixture;
	const char *log;

	fixture_init(&fixture);
	tn_exchange_enter(fixture.exchange, &auth, TN_STEP_LATER);
	capture_begin();
	tn_request_set_header(fixture.request, "x:y", "s3cret");
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "worker=auth: header 'x:y' refused"), 1);
	capture_begin();
	tn_request_set_header(fixture.request, "x-token", "s3cret\n");
	log = capture_end();
	CHECK_NUMBER(capture_lines(log, ""), 1);
	CHECK_NUMBER(capture_lines(log, "worker=auth: header 'x-token' refused"), 1);
	CHECK_NUMBER(capture_lines(log, "s3cret"), 0);
	fixture_finish(&fixture);
}

static void what_is_known_to_be_valid_is_trimmed_and_bounded(void)
{
	struct fixture fixture;
	struct tn_headers *headers;
	char *text = calloc(1, 200001);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, 'n', 200000);
	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	CU_ASSERT(tn_headers_append_valid(headers, "X: y", 1, "\ta b \r\n", 5));
	CHECK_TEXT(tn_headers_get(headers, "x"), "a b");
	CU_ASSERT(!tn_headers_append_valid(headers, text, 200000, "1", 1));
	CHECK_NUMBER(tn_headers_count(headers), 1);
	fixture_finish(&fixture);
	free(text);
}

static void names_of_absurd_length_are_refused(void)
{
	struct fixture fixture;
	char *name = malloc(70000);

	CU_ASSERT_PTR_NOT_NULL_FATAL(name);
	fixture_init(&fixture);
	memset(name, 'n', 69999);
	name[69999] = '\0';
	capture_begin();
	CU_ASSERT(!tn_request_set_header(fixture.request, name, "1"));
	CHECK_NUMBER(capture_lines(capture_end(), "refused"), 1);
	name[1000] = '\0';
	CU_ASSERT(tn_request_set_header(fixture.request, name, "1"));
	fixture_finish(&fixture);
	free(name);
}

static void without_memory_nothing_changes(void)
{
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;
	struct tn_headers *headers;
	struct tn_request *clone;

	limits.request_memory = 32768;
	fixture_init_with(&fixture, &limits);
	headers = tn_request_headers(fixture.request);
	tn_headers_append(headers, "a", "1");
	tn_headers_append(headers, "b", "2");
	clone = tn_request_clone(fixture.request);
	fixture_exhaust(&fixture);
	capture_begin();
	CU_ASSERT(!tn_headers_set(headers, "a", "9"));
	CU_ASSERT(!tn_headers_append(headers, "a", "9"));
	CU_ASSERT(!tn_headers_delete(headers, "a"));
	CU_ASSERT(!tn_request_set_header(clone, "b", "9"));
	CHECK_NUMBER(capture_lines(capture_end(), ""), 1);
	CHECK_NUMBER(tn_headers_count(headers), 2);
	CHECK_TEXT(tn_headers_get(headers, "a"), "1");
	CHECK_TEXT(tn_request_header(clone, "a"), "1");
	CHECK_TEXT(tn_request_header(clone, "b"), "2");
	fixture_finish(&fixture);
}

/* ---- Sharing ------------------------------------------------------------------------------ */

static void a_clone_shares_the_block_until_one_writes(void)
{
	struct fixture fixture;
	struct tn_headers *headers, *copies;
	const struct tn_header_block *block;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	tn_headers_set(headers, "a", "1");
	block = headers->block;
	copies = tn_request_headers(tn_request_clone(fixture.request));
	CU_ASSERT_PTR_EQUAL(headers->block, block);
	CU_ASSERT_PTR_EQUAL(copies->block, block);
	tn_headers_set(copies, "a", "2");
	CU_ASSERT_PTR_EQUAL(headers->block, block);
	CU_ASSERT_PTR_NOT_EQUAL(copies->block, block);
	CHECK_TEXT(tn_headers_get(headers, "a"), "1");
	CHECK_TEXT(tn_headers_get(copies, "a"), "2");
	fixture_finish(&fixture);
}

static void whoever_has_written_once_writes_in_place(void)
{
	struct fixture fixture;
	struct tn_headers *headers;
	const struct tn_header_block *block;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	tn_headers_set(headers, "a", "1");
	tn_request_clone(fixture.request);
	tn_headers_set(headers, "a", "2");
	block = headers->block;
	tn_headers_append(headers, "a", "3");
	tn_headers_set(headers, "b", "1");
	tn_headers_delete(headers, "a");
	CU_ASSERT_PTR_EQUAL(headers->block, block);
	fixture_finish(&fixture);
}

static void a_clone_costs_the_same_whatever_it_shares(void)
{
	struct fixture fixture;
	size_t costs[2];

	fixture_init(&fixture);
	for (size_t i = 0; i < 2; i++) {
		size_t before = fixture.exchange->arena.used;

		CU_ASSERT_PTR_NOT_NULL(tn_request_clone(fixture.request));
		costs[i] = fixture.exchange->arena.used - before;
		for (unsigned j = 0; j < 100; j++)
			tn_headers_append(tn_request_headers(fixture.request), "x", "some value");
		tn_request_set_body(fixture.request, listed(NULL), 4000);
	}
	CHECK_NUMBER(costs[0], (sizeof(struct tn_request) + 15) / 16 * 16);
	CHECK_NUMBER(costs[1], costs[0]);
	fixture_finish(&fixture);
}

static void a_handle_that_is_held_survives_a_clone(void)
{
	struct fixture fixture;
	struct tn_headers *headers;
	struct tn_request *clone;

	fixture_init(&fixture);
	headers = tn_request_headers(fixture.request);
	tn_headers_set(headers, "a", "1");
	clone = tn_request_clone(fixture.request);
	CU_ASSERT(tn_headers_set(headers, "a", "2"));
	CHECK_TEXT(tn_request_header(fixture.request, "a"), "2");
	CHECK_TEXT(tn_request_header(clone, "a"), "1");
	CU_ASSERT_PTR_EQUAL(tn_request_headers(fixture.request), headers);
	fixture_finish(&fixture);
}

static void an_iteration_goes_on_over_a_clone_and_its_changes(void)
{
	struct fixture fixture;
	struct tn_header header = { 0 };
	struct tn_request *clone;

	fixture_init(&fixture);
	tn_request_set_header(fixture.request, "a", "1");
	tn_request_set_header(fixture.request, "b", "2");
	CU_ASSERT(tn_headers_next(tn_request_headers(fixture.request), &header));
	clone = tn_request_clone(fixture.request);
	tn_request_set_header(clone, "a2", "clone");
	tn_request_set_header(clone, "b", NULL);
	CU_ASSERT(tn_headers_next(tn_request_headers(fixture.request), &header));
	CHECK_TEXT(header.name, "b");
	CHECK_TEXT(header.value, "2");
	CU_ASSERT(!tn_headers_next(tn_request_headers(fixture.request), &header));
	fixture_finish(&fixture);
}

static void the_type_of_plain_text_is_changed_for_one_response_only(void)
{
	struct fixture fixture;
	struct tn_response *one, *other;

	fixture_init(&fixture);
	one = tn_response_text(fixture.request, 200, "one");
	other = tn_response_text(fixture.request, 200, "other");
	CU_ASSERT(tn_response_set_header(one, "Content-Type", "text/html"));
	CU_ASSERT(tn_response_set_header(one, "x", "1"));
	CHECK_TEXT(tn_response_header(other, "content-type"), "text/plain;charset=UTF-8");
	CHECK_NUMBER(tn_headers_count(tn_response_headers(other)), 1);
	CU_ASSERT(tn_response_set_header(other, "Content-Type", NULL));
	other = tn_response_text(fixture.request, 200, "a third");
	CHECK_TEXT(tn_response_header(other, "content-type"), "text/plain;charset=UTF-8");
	fixture_finish(&fixture);
}

/* ---- Any order of changes through clones of clones, against a naive model ------------------ */

#define HANDLES 8
#define MODEL_FIELDS 40
#define STEPS 160

struct model {
	unsigned count;
	struct {
		const char *name;
		char value[8];
	} fields[MODEL_FIELDS];
};

struct world {
	struct tn_request *requests[HANDLES];
	struct model models[HANDLES];
	unsigned count;
	unsigned random;
	unsigned step;
};

static const char *const model_names[] = { "accept", "b", "cookie", "host", "set-cookie", "x-y" };

/* The generator of C's own example rand, the same everywhere. */
static unsigned random_below(struct world *world, unsigned limit)
{
	world->random = world->random * 1103515245U + 12345U;
	return (world->random >> 16) % limit;
}

static void model_delete(struct model *model, const char *name, unsigned from)
{
	unsigned kept = from;

	for (unsigned i = from; i < model->count; i++) {
		if (strcmp(model->fields[i].name, name) != 0)
			model->fields[kept++] = model->fields[i];
	}
	model->count = kept;
}

static void model_append(struct model *model, const char *name, const char *value)
{
	model->fields[model->count].name = name;
	snprintf(model->fields[model->count++].value, sizeof(model->fields[0].value), "%s", value);
}

static void model_set(struct model *model, const char *name, const char *value)
{
	for (unsigned i = 0; i < model->count; i++) {
		if (strcmp(model->fields[i].name, name) != 0)
			continue;
		snprintf(model->fields[i].value, sizeof(model->fields[0].value), "%s", value);
		model_delete(model, name, i + 1);
		return;
	}
	model_append(model, name, value);
}

/* What stands before a value in the list: a name, or what joins it to the value before. */
static const char *before_value(const char *name, bool first)
{
	if (first || strcmp(name, "set-cookie") == 0)
		return "=";
	return strcmp(name, "cookie") == 0 ? "; " : ", ";
}

/* "name=value|" for each, as an iteration gives it. */
static const char *model_listed(const struct model *model)
{
	static char text[4096];
	size_t size = 0;

	text[0] = '\0';
	for (size_t i = 0; i < COUNT(model_names); i++) {
		const char *name = model_names[i];
		bool first = true;

		for (unsigned j = 0; j < model->count; j++) {
			const char *before = before_value(name, first);

			if (strcmp(model->fields[j].name, name) != 0)
				continue;
			size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s%s%s",
			                         first || *before != '=' ? "" : "|",
			                         *before == '=' ? name : "", before,
			                         model->fields[j].value);
			first = false;
		}
		if (!first)
			size += (size_t)snprintf(text + size, sizeof(text) - size, "|");
	}
	return text;
}

static void clone_one(struct world *world)
{
	unsigned from = random_below(world, world->count);
	unsigned to = world->count < HANDLES ? world->count++ : random_below(world, HANDLES);

	world->requests[to] = tn_request_clone(world->requests[from]);
	world->models[to] = world->models[from];
}

static void change_one(struct world *world)
{
	unsigned which = random_below(world, world->count);
	struct tn_headers *headers = tn_request_headers(world->requests[which]);
	struct model *model = &world->models[which];
	const char *name = model_names[random_below(world, COUNT(model_names))];
	char value[8];

	value[0] = '\0';
	if (random_below(world, 4))
		snprintf(value, sizeof(value), "%u", world->step);
	switch (random_below(world, 4)) {
	case 0:
		CU_ASSERT(tn_headers_set(headers, name, value));
		model_set(model, name, value);
		break;
	case 1:
		CU_ASSERT(tn_headers_delete(headers, name));
		model_delete(model, name, 0);
		break;
	default:
		if (model->count == MODEL_FIELDS)
			break;
		CU_ASSERT(tn_headers_append(headers, name, value));
		model_append(model, name, value);
	}
}

static bool all_agree(const struct world *world)
{
	for (unsigned i = 0; i < world->count; i++) {
		const struct tn_headers *headers = tn_request_headers(world->requests[i]);

		if (!CHECK_TEXT(listed(headers), model_listed(&world->models[i])) ||
		    !CHECK_NUMBER(tn_headers_count(headers), world->models[i].count))
			return false;
	}
	return true;
}

/* Returns what the first handle was at some step, to be looked at again at the end. */
static const char *a_string_of(const struct world *world)
{
	return tn_request_header(world->requests[0], model_names[world->step % COUNT(model_names)]);
}

static void run_world(unsigned seed)
{
	static struct world world;
	const char *strings[STEPS];
	char *copies[STEPS];
	struct tn_limits limits = tn_limits_default;
	struct fixture fixture;
	bool agreed = true;

	limits.request_memory = (size_t)256 * 1024 * 1024;
	fixture_init_with(&fixture, &limits);
	world = (struct world){ .requests = { fixture.request }, .count = 1, .random = seed };
	for (; world.step < STEPS; world.step++) {
		if (random_below(&world, 5) == 0)
			clone_one(&world);
		else
			change_one(&world);
		strings[world.step] = a_string_of(&world);
		copies[world.step] = strdup(strings[world.step] ? strings[world.step] : "");
		if (!agreed || all_agree(&world))
			continue;
		agreed = false; /* and all that follows will differ, too */
		printf("seed %u, step %u\n", seed, world.step);
	}
	for (unsigned i = 0; i < world.step; i++) {
		CHECK_TEXT(strings[i] ? strings[i] : "", copies[i]);
		free(copies[i]);
	}
	fixture_finish(&fixture);
}

static void changes_through_clones_of_clones_agree_with_a_model(void)
{
	static const unsigned seeds[] = { 1, 2, 3, 5, 8, 13, 21, 34, 1234567, 4294967295 };

	for (size_t i = 0; i < COUNT(seeds); i++)
		run_world(seeds[i]);
}

TEST_MAIN("message/headers",
          TEST(names_are_found_in_any_case),
          TEST(only_letters_have_two_cases),
          TEST(setting_replaces_all_of_a_name_in_the_place_of_the_first),
          TEST(deleting_takes_all_of_a_name_and_no_other),
          TEST(values_are_joined),
          TEST(more_headers_fit_than_the_first_block_holds),
          TEST(what_was_passed_in_was_copied),
          TEST(strings_that_were_returned_never_change),
          TEST(iteration_is_in_order_in_lower_case_and_joined),
          TEST(after_the_last_header_there_is_none),
          TEST(each_header_can_be_deleted_when_it_comes),
          TEST(what_is_added_behind_the_place_comes_and_before_it_does_not),
          TEST(set_cookies_can_be_changed_in_their_midst),
          TEST(a_name_is_a_token_byte_for_byte),
          TEST(a_value_has_no_control_character_but_tab),
          TEST(values_are_trimmed),
          TEST(a_worker_frames_no_response),
          TEST(a_refusal_is_one_line_that_names_the_header_but_not_the_value),
          TEST(what_is_known_to_be_valid_is_trimmed_and_bounded),
          TEST(names_of_absurd_length_are_refused),
          TEST(without_memory_nothing_changes),
          TEST(a_clone_shares_the_block_until_one_writes),
          TEST(whoever_has_written_once_writes_in_place),
          TEST(a_clone_costs_the_same_whatever_it_shares),
          TEST(a_handle_that_is_held_survives_a_clone),
          TEST(an_iteration_goes_on_over_a_clone_and_its_changes),
          TEST(the_type_of_plain_text_is_changed_for_one_response_only),
          TEST(changes_through_clones_of_clones_agree_with_a_model))
