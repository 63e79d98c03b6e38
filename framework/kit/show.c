/* show.c - bytes of any kind as text. */
#include "kit/kit.h"

static bool continues(const char *data, size_t size, size_t count)
{
	if (size < count)
		return false;
	for (size_t i = 1; i < count; i++)
		if (((unsigned char)data[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* Without the longer forms of shorter ones, surrogates, and what is beyond U+10FFFF. */
size_t tn_show_character(const char *data, size_t size)
{
	unsigned char first = size ? (unsigned char)data[0] : 0x80;
	unsigned char second = size > 1 ? (unsigned char)data[1] : 0;

	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return continues(data, size, 2) ? 2 : 0;
	if (first >= 0xe0 && first <= 0xef)
		return continues(data, size, 3) && (first != 0xe0 || second >= 0xa0) &&
		                       (first != 0xed || second < 0xa0)
		               ? 3
		               : 0;
	if (first >= 0xf0 && first <= 0xf4)
		return continues(data, size, 4) && (first != 0xf0 || second >= 0x90) &&
		                       (first != 0xf4 || second < 0x90)
		               ? 4
		               : 0;
	return 0;
}

static bool is_control(char byte)
{
	return ((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f;
}

void tn_show_text(FILE *to, const char *data, size_t size)
{
	while (size) {
		size_t taken = tn_show_character(data, size);

		if (*data == '\n')
			fputs("\n\t", to);
		else if (!taken || is_control(*data))
			fprintf(to, "\\x%02x", (unsigned char)*data);
		else
			fwrite(data, 1, taken, to);
		taken = taken ? taken : 1;
		data += taken;
		size -= taken;
	}
}
