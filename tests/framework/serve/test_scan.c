#include "cunit.h"
#include "serve/scan.h"

#include <stdint.h>

#define LONGEST 40

typedef const char *scan(const char *at, const char *end);

/* ---- What they are held to: one byte after another, as the RFCs have it ---------------------- */

static bool is_token(unsigned char byte)
{
	return byte > 0x20 && byte < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", byte);
}

static bool is_target(unsigned char byte)
{
	return byte > 0x20 && byte < 0x7f && byte != '#' && byte != '%';
}

static bool is_value(unsigned char byte)
{
	return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

/* ---- Each byte at each place of texts of each size ------------------------------------------- */

/* The text ends where its memory does, so that a byte too much is found. */
static void check_byte(scan *seek, bool known(unsigned char), unsigned char byte, char filling)
{
	for (size_t size = 1; size <= LONGEST; size++) {
		char *text = malloc(size);

		for (size_t place = 0; place < size; place++) {
			size_t expected = known(byte) ? size : place;

			memset(text, filling, size);
			text[place] = (char)byte;
			if (seek(text, text + size) == text + expected)
				continue;
			printf("\t0x%02x at %zu of %zu\n", byte, place, size);
			CU_FAIL("not found where it is");
		}
		free(text);
	}
}

static void check_bytes(scan *seek, bool known(unsigned char))
{
	for (unsigned byte = 0; byte < 256; byte++) {
		check_byte(seek, known, (unsigned char)byte, 'a');
		check_byte(seek, known, (unsigned char)byte, '-');
		check_byte(seek, known, (unsigned char)byte, '!');
	}
}

static void every_byte_of_a_token_is_known(void)
{
	check_bytes(tn_scan_token, is_token);
}

static void every_byte_of_a_target_is_known(void)
{
	check_bytes(tn_scan_target, is_target);
}

static void every_byte_of_a_value_is_known(void)
{
	check_bytes(tn_scan_value, is_value);
}

static void nothing_is_searched_in_nothing(void)
{
	const char *text = "a";

	CU_ASSERT(tn_scan_token(text, text) == text);
	CU_ASSERT(tn_scan_target(text, text) == text);
	CU_ASSERT(tn_scan_value(text, text) == text);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void check_line(const char *text, size_t size, size_t name_size, size_t stop)
{
	char *copy = malloc(size);
	struct tn_scan_line line;

	memcpy(copy, text, size);
	line = tn_scan_line(copy, copy + size);
	if (stop == SIZE_MAX ? line.stop != NULL
	                     : line.stop != copy + stop || line.name_size != name_size) {
		printf("\t%.*s\n", (int)size, text);
		CU_FAIL("another line");
	}
	free(copy);
}

/* What is behind it does not matter, but that it is there. */
static void a_line_is_found_whatever_its_sizes(void)
{
	char text[200];

	for (size_t name = 1; name < 40; name++) {
		for (size_t value = 0; value < 40; value++) {
			size_t stop = name + 1 + value;

			snprintf(text, sizeof(text), "%.*s:%.*s\r\n%017d", (int)name,
			         "A-name-of-letters-that-is-not-read-any-more", (int)value,
			         " a value that has blanks and\ta tab, caf\xc3\xa9", 0);
			check_line(text, stop + 2 + 17, name, stop);
			check_line(text, stop + 2 + (stop < 15 ? 17 : 0), name, stop);
		}
	}
}

#define NO_LINE(text_) check_line(text_, sizeof(text_) - 1, 0, SIZE_MAX)

static void what_is_no_line_is_none(void)
{
	NO_LINE("\r\n..................");
	NO_LINE("a b: c\r\n................");
	NO_LINE("no-colon\r\n................");
	NO_LINE("name: value................");
	NO_LINE("name: value...............\r");
	NO_LINE("name: value\n................");
	NO_LINE("name: value\rx................");
	NO_LINE("name: va\0ue\r\n................");
	NO_LINE("name: value...........\x7f\r\n.");
	NO_LINE("name\x80: value\r\n................");
}

/* ---- Hosts ----------------------------------------------------------------------------------- */

/* It may say no of one that is good, never yes of one that is not. */
static void what_is_surely_a_host_is_one(void)
{
	char text[20];

	for (unsigned byte = 0; byte < 256; byte++) {
		bool good = (byte < 0x80 && strchr("-.0123456789", (int)byte) && byte) ||
		            ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');

		for (size_t size = 1; size <= 16; size++) {
			for (size_t place = 0; place < size; place++) {
				memset(text, 'a', sizeof(text));
				text[place] = (char)byte;
				if (byte == ':' && place == size - 1)
					continue; /* a port may be empty */
				if (!good && tn_scan_is_host(text, size))
					CU_FAIL("it is none");
			}
		}
	}
	CU_ASSERT_FALSE(tn_scan_is_host("", 0));
	CU_ASSERT_FALSE(tn_scan_is_host(":80", 3));
	CU_ASSERT_FALSE(tn_scan_is_host("a.example:80:80", 15));
	CU_ASSERT_FALSE(tn_scan_is_host("a.example:a", 11));
#ifdef TN_SCAN_SSE2
	CU_ASSERT_TRUE(tn_scan_is_host("127.0.0.1:8080", 14));
	CU_ASSERT_TRUE(tn_scan_is_host("www.example.com", 15));
	CU_ASSERT_TRUE(tn_scan_is_host("localhost", 9));
#endif
}

TEST_MAIN("serve/scan",
          TEST(every_byte_of_a_token_is_known),
          TEST(every_byte_of_a_target_is_known),
          TEST(every_byte_of_a_value_is_known),
          TEST(nothing_is_searched_in_nothing),
          TEST(a_line_is_found_whatever_its_sizes),
          TEST(what_is_no_line_is_none),
          TEST(what_is_surely_a_host_is_one))
