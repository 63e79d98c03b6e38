/* Assertions that fail are run in a child, and it is what they say that is looked at. */
#include <tenon/test.h>

#include "child.h"

static struct tn_test *test;
static struct tn_request *request;

static struct tn_response *respond(void)
{
	struct tn_response *response;

	test = tn_test_begin();
	request = tn_test_request(test, "GET", "/");
	response = tn_response_text(request, 403, "no\nentry");
	tn_response_set_header(response, "X-Why", "token");
	return response;
}

static void wrong_status(void)
{
	TN_ASSERT_STATUS(respond(), 200);
	tn_test_end(test);
}

static void wrong_header(void)
{
	TN_ASSERT_HEADER(respond(), "x-why", "other");
	tn_test_end(test);
}

static void missing_header(void)
{
	TN_ASSERT_HEADER(respond(), "x-none", "other");
	tn_test_end(test);
}

static void header_too_many(void)
{
	TN_ASSERT_HEADER(respond(), "x-why", NULL);
	tn_test_end(test);
}

static void wrong_body(void)
{
	TN_ASSERT_BODY(respond(), "yes");
	tn_test_end(test);
}

static void body_without(void)
{
	TN_ASSERT_BODY_CONTAINS(respond(), "exit");
	tn_test_end(test);
}

static void response_too_many(void)
{
	TN_ASSERT_NULL(respond());
	tn_test_end(test);
}

static void response_of_null(void)
{
	TN_ASSERT_STATUS(NULL, 200);
	TN_ASSERT_HEADER(NULL, "a", NULL);
	TN_ASSERT_BODY(NULL, "");
	TN_ASSERT_BODY_CONTAINS(NULL, "");
}

static void bytes(void)
{
	static const char data[] = "caf\xc3\xa9 \xff\x01\0 \xed\xa0\x80 \xf0\x9f\x98\x80";
	static char large[5000];

	respond();
	TN_ASSERT_BODY(tn_response_bytes(request, 200, NULL, data, sizeof(data) - 1), "");
	memset(large, 'x', sizeof(large) - 1);
	TN_ASSERT_BODY(tn_response_text(request, 200, large), "");
	tn_test_end(test);
}

static void wrong_calls(void)
{
	struct tn_fake fake = TN_FAKE("auth", 200, "yes");

	TN_ASSERT_CALLS(&fake, 1);
	respond();
	tn_fetch(&fake.service, request);
	tn_fetch(&fake.service, TN_TEST_REQUEST(test, "PUT", "/b?c"));
	TN_ASSERT_CALLS(&fake, 1);
	tn_test_end(test);
}

static void values(void)
{
	TN_ASSERT_TEXT("is", "was");
	TN_ASSERT_TEXT(NULL, "was");
	TN_ASSERT_NUMBER(6 * 7, 43);
}

static const struct tn_test_case bad[] = {
	TN_TEST(wrong_status),
	TN_TEST(wrong_header),
	TN_TEST(missing_header),
	TN_TEST(header_too_many),
	TN_TEST(wrong_body),
	TN_TEST(body_without),
	TN_TEST(response_too_many),
	TN_TEST(response_of_null),
	TN_TEST(bytes),
	TN_TEST(wrong_calls),
	TN_TEST(values),
};

/* ---- What they say ------------------------------------------------------------------------- */

/* All that the child prints, each failure without its place, "FILE:LINE: TEST: ". */
static void expect(const char *name, const char *expected)
{
	const struct child *child = child_run(name, NULL);
	char mark[256];
	char text[CHILD_OUTPUT] = "";
	const char *line = child->output;

	snprintf(mark, sizeof(mark), ": %s: ", name);
	CHECK_NUMBER(child_exit(child), 1);
	while (*line) {
		size_t size = strcspn(line, "\n") + 1;
		const char *behind = memmem(line, size, mark, strlen(mark));
		const char *from = behind ? behind + strlen(mark) : line;

		CU_ASSERT(!behind || strstr(line, "test_assert.c:"));
		strncat(text, from, size - (size_t)(from - line));
		line += size;
	}
	CHECK_TEXT(text, expected);
}

#define RESPONSE \
	"; the response is\n\t403\n\tcontent-type: text/plain;charset=UTF-8\n\tx-why: token\n\n" \
	"\tno\n\tentry\n"
#define FAILED "0 passed, 1 failed\n"

static void a_response_that_is_not_what_it_should_be_is_shown_whole(void)
{
	expect("wrong_status", "the status is 403 instead of 200" RESPONSE FAILED);
	expect("wrong_header", "the header x-why is 'token' instead of 'other'" RESPONSE FAILED);
	expect("missing_header",
	       "the header x-none is not there instead of 'other'" RESPONSE FAILED);
	expect("header_too_many",
	       "the header x-why is 'token' instead of not there" RESPONSE FAILED);
	expect("wrong_body", "the body, of 8 bytes, is to be these 3:\n\tyes" RESPONSE FAILED);
	expect("body_without", "the body is to contain 'exit'" RESPONSE FAILED);
	expect("response_too_many", "there is to be no response, NULL" RESPONSE FAILED);
}

#define NONE "\n\tthere is no response: it is NULL, and the log tells why\n"

static void a_response_that_is_not_there_is_told(void)
{
	expect("response_of_null", "the status is 500 instead of 200" NONE
	                           "the header a is not there instead of not there" NONE
	                           "the body, of 0 bytes, is to be these 0:\n\t" NONE
	                           "the body is to contain ''" NONE FAILED);
}

static void bytes_that_are_no_text_are_shown_as_numbers(void)
{
	const char *output = child_run("bytes", NULL)->output;

	CU_ASSERT_PTR_NOT_NULL(strstr(output, "\tcaf\xc3\xa9 \\xff\\x01\\x00 \\xed\\xa0\\x80 "
	                                      "\xf0\x9f\x98\x80\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(output, "xxx... (4999 bytes in all)\n"));
	CU_ASSERT(strlen(output) < 2 * 2000 + 1000);
}

static void the_calls_of_a_fake_are_shown(void)
{
	expect("wrong_calls", "'auth' was called 0 times instead of 1\n"
	                      "'auth' was called 2 times instead of 1:\n"
	                      "\t1. GET http://localhost/\n\t2. PUT http://localhost/b?c\n" FAILED);
}

static void two_values_are_shown(void)
{
	expect("values", "\"is\"\n\tis         is\n\tshould be  was\n"
	                 "NULL\n\tis         NULL\n\tshould be  was\n"
	                 "6 * 7 is 42 instead of 43\n" FAILED);
}

static void what_holds_is_true(void)
{
	struct tn_fake fake = TN_FAKE("auth", 200, "yes");
	struct tn_response *response = respond();
	bool held = TN_ASSERT_STATUS(response, 403) && TN_ASSERT_STATUS(NULL, 500) &&
	            TN_ASSERT_HEADER(response, "X-WHY", "token") &&
	            TN_ASSERT_HEADER(response, "x-none", NULL) &&
	            TN_ASSERT_BODY(response, "no\nentry") &&
	            TN_ASSERT_BODY_BYTES(response, "no\nentry?", 8) &&
	            TN_ASSERT_BODY_CONTAINS(response, "entry") &&
	            TN_ASSERT_BODY_CONTAINS(response, "") && TN_ASSERT_NULL(NULL) &&
	            TN_ASSERT_CALLS(&fake, 0) && TN_ASSERT_TEXT("a", "a") &&
	            TN_ASSERT_TEXT(NULL, NULL) && TN_ASSERT_NUMBER(-1, -1);

	CU_ASSERT(held);
	tn_test_end(test);
}

CHILD_MAIN(bad,
           "kit/assert",
           TEST(a_response_that_is_not_what_it_should_be_is_shown_whole),
           TEST(a_response_that_is_not_there_is_told),
           TEST(bytes_that_are_no_text_are_shown_as_numbers),
           TEST(the_calls_of_a_fake_are_shown),
           TEST(two_values_are_shown),
           TEST(what_holds_is_true))
