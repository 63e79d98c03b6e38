#include "cunit.h"
#include "message/path.h"

static const char *normal(const char *text)
{
	static char room[TN_PATH_ROOM(1000)];

	return tn_path_normalise(text, room) ? room : "refused";
}

static void is_normal(const char *text)
{
	CHECK_TEXT(normal(text), text);
}

static void paths_without_escapes_stay(void)
{
	is_normal("/");
	is_normal("/a");
	is_normal("/a/");
	is_normal("/a/b.c/d-e_f~g");
	is_normal("/!$&'()*+,;=:@");
	is_normal("/.well-known/a");
	is_normal("/..a/...");
	is_normal("/a./b../.c");
}

static void what_needs_no_escape_has_none(void)
{
	CHECK_TEXT(normal("/%61%5A%30%2d%2E%5f%7e"), "/aZ0-._~");
	CHECK_TEXT(normal("/%2ewell"), "/.well");
}

static void other_escapes_stay_in_upper_case(void)
{
	CHECK_TEXT(normal("/caf%c3%a9"), "/caf%C3%A9");
	CHECK_TEXT(normal("/a%2fb"), "/a%2Fb");
	CHECK_TEXT(normal("/a%5cb"), "/a%5Cb");
	CHECK_TEXT(normal("/a%3f%23%25"), "/a%3F%23%25");
	CHECK_TEXT(normal("/%20%09%0a%7f%ff%01"), "/%20%09%0A%7F%FF%01");
	CHECK_TEXT(normal("/%21%3b%3D"), "/%21%3B%3D");
}

static void an_escape_is_decoded_once(void)
{
	is_normal("/%252e%252e/a");
	is_normal("/%252f");
	is_normal("/%2500");
	is_normal("/%2525");
}

static void what_a_url_cannot_have_is_escaped(void)
{
	CHECK_TEXT(normal("/\"<>[\\]^`{|}"), "/%22%3C%3E%5B%5C%5D%5E%60%7B%7C%7D");
	CHECK_TEXT(normal("/a\\..\\b"), "/a%5C..%5Cb");
}

static void slashes_are_one(void)
{
	CHECK_TEXT(normal("//"), "/");
	CHECK_TEXT(normal("//a///b//"), "/a/b/");
	CHECK_TEXT(normal("//example.com/"), "/example.com/");
}

static void dots_are_followed(void)
{
	CHECK_TEXT(normal("/."), "/");
	CHECK_TEXT(normal("/./"), "/");
	CHECK_TEXT(normal("/a/."), "/a/");
	CHECK_TEXT(normal("/a/./b"), "/a/b");
	CHECK_TEXT(normal("/a/.."), "/");
	CHECK_TEXT(normal("/a/../"), "/");
	CHECK_TEXT(normal("/a/b/.."), "/a/");
	CHECK_TEXT(normal("/a/b/../c"), "/a/c");
	CHECK_TEXT(normal("/a/b/../../c"), "/c");
	CHECK_TEXT(normal("/a/./../b"), "/b");
	CHECK_TEXT(normal("/a//../b"), "/b");
	CHECK_TEXT(normal("/a/..//b"), "/b");
	CHECK_TEXT(normal("/a/...//.."), "/a/");
}

static void dots_are_dots_however_they_are_written(void)
{
	CHECK_TEXT(normal("/a/%2e%2e/b"), "/b");
	CHECK_TEXT(normal("/a/%2E./b"), "/b");
	CHECK_TEXT(normal("/a/.%2e"), "/");
	CHECK_TEXT(normal("/a/%2e/b"), "/a/b");
	CHECK_TEXT(normal("/a/b/%2e%2e%2fc"), "/a/b/..%2Fc");
}

/* To a Java servlet ';' begins parameters, to a Windows file system '\' separates: not here. */
static void what_only_looks_like_dots_stays(void)
{
	is_normal("/a/..;/b");
	is_normal("/a/..;a=b/c");
	is_normal("/a/..%2Fb");
	is_normal("/a/..%5Cb");
	is_normal("/a/..%20/b");
	is_normal("/a/.../b");
}

static void nothing_is_above_the_root(void)
{
	CHECK_TEXT(normal("/.."), "refused");
	CHECK_TEXT(normal("/../"), "refused");
	CHECK_TEXT(normal("/../a"), "refused");
	CHECK_TEXT(normal("/a/../.."), "refused");
	CHECK_TEXT(normal("/a/../../a"), "refused");
	CHECK_TEXT(normal("/./.."), "refused");
	CHECK_TEXT(normal("//.."), "refused");
	CHECK_TEXT(normal("/%2e%2e/%2e%2e/etc/passwd"), "refused");
	CHECK_TEXT(normal("/..?a"), "refused");
}

static void a_percent_begins_an_escape(void)
{
	CHECK_TEXT(normal("/%"), "refused");
	CHECK_TEXT(normal("/%a"), "refused");
	CHECK_TEXT(normal("/%a/"), "refused");
	CHECK_TEXT(normal("/%zz"), "refused");
	CHECK_TEXT(normal("/%%41"), "refused");
	CHECK_TEXT(normal("/%u0041"), "refused");
	CHECK_TEXT(normal("/%?a"), "refused");
	CHECK_TEXT(normal("/%4?1"), "refused");
	CHECK_TEXT(normal("/a/%zz/.."), "refused");
}

static void a_nul_is_refused_everywhere(void)
{
	CHECK_TEXT(normal("/%00"), "refused");
	CHECK_TEXT(normal("/a%00.html"), "refused");
	CHECK_TEXT(normal("/?%00"), "refused");
	CHECK_TEXT(normal("/?a=%%00"), "refused");
	CHECK_TEXT(normal("/a/%00/.."), "refused");
}

static void a_query_stays_as_it_was_sent(void)
{
	is_normal("/?");
	is_normal("/a?b=c&d=%2e%c3%a9+e/../f//g?h");
	is_normal("/a?b[]=c");
	is_normal("/a?b=100%");
	is_normal("/a?b=%zz");
	CHECK_TEXT(normal("/a/..?/.."), "/?/..");
	CHECK_TEXT(normal("/?\"<>\\^`{|}"), "/?%22%3C%3E%5C%5E%60%7B%7C%7D");
}

static void no_path_is_the_root(void)
{
	CHECK_TEXT(normal(""), "/");
	CHECK_TEXT(normal("?a"), "/?a");
}

static void a_plain_path_is_known_at_once(void)
{
	CU_ASSERT_TRUE(tn_path_plain("/"));
	CU_ASSERT_TRUE(tn_path_plain("/a/b.c/d.."));
	CU_ASSERT_TRUE(tn_path_plain("/a?b[]=%zz/../c?%"));
	CU_ASSERT_FALSE(tn_path_plain("/a?b=%00"));
	CU_ASSERT_FALSE(tn_path_plain("/a?b={"));
	CU_ASSERT_FALSE(tn_path_plain("/%41"));
	CU_ASSERT_FALSE(tn_path_plain("/a//b"));
	CU_ASSERT_FALSE(tn_path_plain("/a/."));
	CU_ASSERT_FALSE(tn_path_plain("/a/../b"));
	CU_ASSERT_FALSE(tn_path_plain("/{a}"));
	CU_ASSERT_FALSE(tn_path_plain("/a/\\"));
}

TEST_MAIN("message/path",
          TEST(paths_without_escapes_stay),
          TEST(what_needs_no_escape_has_none),
          TEST(other_escapes_stay_in_upper_case),
          TEST(an_escape_is_decoded_once),
          TEST(what_a_url_cannot_have_is_escaped),
          TEST(slashes_are_one),
          TEST(dots_are_followed),
          TEST(dots_are_dots_however_they_are_written),
          TEST(what_only_looks_like_dots_stays),
          TEST(nothing_is_above_the_root),
          TEST(a_percent_begins_an_escape),
          TEST(a_nul_is_refused_everywhere),
          TEST(a_query_stays_as_it_was_sent),
          TEST(no_path_is_the_root),
          TEST(a_plain_path_is_known_at_once))
