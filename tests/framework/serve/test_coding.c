#include "cunit.h"
#include "serve/coding.h"

static bool unknown(const char *text)
{
	return tn_coding_unknown(text, strlen(text));
}

static void a_list_with_another_coding_is_unknown(void)
{
	CU_ASSERT_TRUE(unknown("gzip"));
	CU_ASSERT_TRUE(unknown("identity"));
	CU_ASSERT_TRUE(unknown("chunkedx"));
	CU_ASSERT_TRUE(unknown("gzip, chunked"));
	CU_ASSERT_TRUE(unknown("Chunked ,\tgzip"));
	CU_ASSERT_TRUE(unknown("a;b=c;d=\"e,\\\"f\" ; g = h,i"));
}

static void what_is_malformed_is_not_unknown(void)
{
	static const char *const malformed[] = {
		"", ",", "gzip,", ",gzip", "gzip;", "gzip;a", "gzip;a=", "gzip;=b", "a b", "a bc",
		"\"gzip\"", "gzip;a=\"b", "gzip;a=\"b\\", "gzip;a=\"b\"c", "a\x0b", "caf\xc3\xa9"
	};

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		if (!unknown(malformed[i]))
			continue;
		puts(malformed[i]);
		CU_FAIL("it is malformed");
	}
}

static void chunked_is_known_and_stands_alone(void)
{
	CU_ASSERT_FALSE(unknown("chunked"));
	CU_ASSERT_FALSE(unknown("chunked, chunked"));
	CU_ASSERT_FALSE(unknown("chunked;a=b"));
	CU_ASSERT_FALSE(unknown("gzip, chunked;a=b"));
}

TEST_MAIN("serve/coding",
          TEST(a_list_with_another_coding_is_unknown),
          TEST(what_is_malformed_is_not_unknown),
          TEST(chunked_is_known_and_stands_alone))
