#include "message/secret.h"

#include "cunit.h"

#include <inttypes.h>
#include <string.h>

static void a_text_is_the_secret_or_it_is_not(void)
{
	static const struct {
		const char *secret, *text;
		bool equal;
	} cases[] = {
		{ "s3cret", "s3cret", true },
		{ "s3cret", "s3cre", false },
		{ "s3cret", "s3crets", false },
		{ "s3cret", "S3cret", false },
		{ "s3cret", "s3creT", false },
		{ "s3cret", "", false },
		{ "s3cret", NULL, false },
		{ "s3cret", "s3crets3cret", false },
		{ "aaaa", "aaa", false },
		{ "aaaa", "aaaaa", false },
		{ "a", "a", true },
		{ "a", "aa", false },
		{ "", "", true },
		{ "", "a", false },
		{ "\xff\x80", "\xff\x80", true },
		{ "\xff\x80", "\x7f\x80", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tn_secret *secret = tn_secret_create(cases[i].secret,
		                                            strlen(cases[i].secret));

		CHECK_NUMBER(tn_secret_equals(secret, cases[i].text), cases[i].equal);
		tn_secret_destroy(secret);
	}
}

/* Each single bit counts, wherever it is. */
static void texts_that_differ_in_one_bit_are_not_equal(void)
{
	static const char text[] = "0123456789abcdef";
	struct tn_secret *secret = tn_secret_create(text, strlen(text));
	char other[sizeof(text)];

	for (size_t i = 0; i < strlen(text); i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(other, text, sizeof(other));
			other[i] = (char)(other[i] ^ (1U << bit));
			CU_ASSERT(!tn_secret_equals(secret, other));
		}
	}
	CU_ASSERT(tn_secret_equals(secret, text));
	tn_secret_destroy(secret);
}

static void without_a_secret_nothing_is_equal(void)
{
	CU_ASSERT(!tn_secret_equals(NULL, ""));
	CU_ASSERT(!tn_secret_equals(NULL, "a"));
	CU_ASSERT(!tn_secret_equals(NULL, NULL));
	CHECK_TEXT(tn_secret_reveal(NULL).data, "");
	CHECK_NUMBER(tn_secret_reveal(NULL).size, 0);
	tn_secret_destroy(NULL);
}

static void it_is_revealed_whole_with_a_nul_behind_it(void)
{
	struct tn_secret *secret = tn_secret_create("a\0b", 3);
	struct tn_bytes bytes = tn_secret_reveal(secret);

	CHECK_NUMBER(bytes.size, 3);
	CU_ASSERT(memcmp(bytes.data, "a\0b", 4) == 0);
	tn_secret_destroy(secret);
}

static void a_secret_with_a_nul_byte_equals_no_text(void)
{
	struct tn_secret *secret = tn_secret_create("a\0b", 3);

	CU_ASSERT(!tn_secret_equals(secret, "a"));
	CU_ASSERT(!tn_secret_equals(secret, "a\0b"));
	CU_ASSERT(!tn_secret_equals(secret, "a0b"));
	tn_secret_destroy(secret);
}

static void it_is_a_copy(void)
{
	char text[] = "s3cret";
	struct tn_secret *secret = tn_secret_create(text, 6);

	memset(text, '#', sizeof(text) - 1);
	CU_ASSERT(tn_secret_equals(secret, "s3cret"));
	tn_secret_destroy(secret);
}

static void a_secret_may_be_larger_than_a_page(void)
{
	enum {
		SIZE = 100000
	};
	static char text[SIZE + 1];
	struct tn_secret *secret;

	memset(text, 'x', SIZE);
	secret = tn_secret_create(text, SIZE);
	CU_ASSERT(tn_secret_equals(secret, text));
	CHECK_NUMBER(tn_secret_reveal(secret).size, SIZE);
	text[SIZE - 1] = 'y';
	CU_ASSERT(!tn_secret_equals(secret, text));
	tn_secret_destroy(secret);
}

/* What the kernel says of the mapping that the address is in. */
struct mapping {
	char permissions[8];
	bool in_core_dumps;
};

static bool find_mapping(uintptr_t address, struct mapping *mapping)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[1024];
	bool inside = false;
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		uintptr_t start, end;
		char permissions[8];

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &start, &end, permissions) == 3) {
			inside = address >= start && address < end;
			if (inside)
				memcpy(mapping->permissions, permissions, sizeof(permissions));
		} else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
			mapping->in_core_dumps = !strstr(line, " dd");
			found = true;
		}
	}
	if (file)
		fclose(file);
	return found;
}

static void its_pages_are_in_no_core_dump_and_cannot_be_written(void)
{
	struct tn_secret *secret = tn_secret_create("s3cret", 6);
	uintptr_t address = (uintptr_t)tn_secret_reveal(secret).data;
	struct mapping mapping = { .in_core_dumps = true };
	int local = 0;

	CU_ASSERT(find_mapping(address, &mapping));
	CU_ASSERT(!mapping.in_core_dumps);
	CHECK_TEXT(mapping.permissions, "r--p");
	CU_ASSERT(find_mapping((uintptr_t)&local, &mapping));
	CU_ASSERT(mapping.in_core_dumps); /* so it is not so by itself */
	tn_secret_destroy(secret);
	if (find_mapping(address, &mapping))
		CU_ASSERT(mapping.in_core_dumps);
}

TEST_MAIN("message/secret",
          TEST(a_text_is_the_secret_or_it_is_not),
          TEST(texts_that_differ_in_one_bit_are_not_equal),
          TEST(without_a_secret_nothing_is_equal),
          TEST(it_is_revealed_whole_with_a_nul_behind_it),
          TEST(a_secret_with_a_nul_byte_equals_no_text),
          TEST(it_is_a_copy),
          TEST(a_secret_may_be_larger_than_a_page),
          TEST(its_pages_are_in_no_core_dump_and_cannot_be_written))
