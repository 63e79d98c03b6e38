#include "deploy/span.h"

#include <string.h>

bool tn_span_blank(char character)
{
	return character == ' ' || character == '\t';
}

struct tn_span tn_span_trim(struct tn_span text)
{
	for (; text.size && tn_span_blank(text.data[0]); text.size--)
		text.data++;
	while (text.size && tn_span_blank(text.data[text.size - 1]))
		text.size--;
	return text;
}

struct tn_span tn_span_behind(struct tn_span text, size_t position)
{
	return (struct tn_span){ text.data + position, text.size - position };
}

bool tn_span_begins(struct tn_span text, const char *prefix)
{
	size_t size = strlen(prefix);

	return text.size >= size && !memcmp(text.data, prefix, size);
}

char *tn_span_copy(struct tn_span text)
{
	return strndup(text.data, text.size);
}

size_t tn_span_find(struct tn_span text, const char *characters)
{
	bool after_blank = false;
	size_t i;

	for (i = 0; i < text.size; i++) {
		if (strchr(characters, text.data[i]) || (after_blank && text.data[i] == ';'))
			break;
		after_blank = tn_span_blank(text.data[i]);
	}
	return i;
}

/* The size of the character (RFC 3629, 4), 0 if it is none; .second limits its second byte. */
static size_t character_size(const unsigned char *text, size_t size)
{
	static const struct {
		unsigned char first[2], second[2];
		size_t size;
	} forms[] = {
		{ { 0x00, 0x7f }, { 0, 0 }, 1 },
		{ { 0xc2, 0xdf }, { 0x80, 0xbf }, 2 },
		{ { 0xe0, 0xe0 }, { 0xa0, 0xbf }, 3 },
		{ { 0xe1, 0xec }, { 0x80, 0xbf }, 3 },
		{ { 0xed, 0xed }, { 0x80, 0x9f }, 3 },
		{ { 0xee, 0xef }, { 0x80, 0xbf }, 3 },
		{ { 0xf0, 0xf0 }, { 0x90, 0xbf }, 4 },
		{ { 0xf1, 0xf3 }, { 0x80, 0xbf }, 4 },
		{ { 0xf4, 0xf4 }, { 0x80, 0x8f }, 4 },
	};
	size_t form = 0;

	while (form < 9 && (text[0] < forms[form].first[0] || text[0] > forms[form].first[1]))
		form++;
	if (form == 9 || size < forms[form].size)
		return 0;
	if (form && (text[1] < forms[form].second[0] || text[1] > forms[form].second[1]))
		return 0;
	for (size_t i = 2; i < forms[form].size; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return forms[form].size;
}

/* ASCII's controls but TAB, DEL, and those of Latin-1, which terminals obey as well. */
static bool is_control(const unsigned char *text, size_t size)
{
	if (size == 2)
		return text[0] == 0xc2 && text[1] < 0xa0;
	return size == 1 && (text[0] == 0x7f || (text[0] < ' ' && text[0] != '\t'));
}

const char *tn_span_problem(struct tn_span line, size_t *position)
{
	const unsigned char *text = (const unsigned char *)line.data;
	size_t size;

	for (size_t i = 0; i < line.size; i += size) {
		*position = i;
		size = character_size(text + i, line.size - i);
		if (!size)
			return "is not UTF-8: save the file as UTF-8";
		if (!text[i])
			return "is a NUL byte: remove it";
		if (text[i] == '\r')
			return "is a carriage return inside the line: end lines with a newline";
		if (is_control(text + i, size))
			return "is a control character: remove it";
	}
	return NULL;
}
