#include "message/path.h"

#include <ctype.h>
#include <string.h>

enum kind {
	UNRESERVED = 1,
	PLAIN = 2, /* as it is in a path */
};

__extension__ static const unsigned char kinds[256] = {
	['!'] = PLAIN,
	['$'] = PLAIN,
	['&' ... ','] = PLAIN,
	['-' ... '.'] = PLAIN | UNRESERVED,
	['/'] = PLAIN,
	['0' ... '9'] = PLAIN | UNRESERVED,
	[':' ... ';'] = PLAIN,
	['='] = PLAIN,
	['@'] = PLAIN,
	['A' ... 'Z'] = PLAIN | UNRESERVED,
	['_'] = PLAIN | UNRESERVED,
	['a' ... 'z'] = PLAIN | UNRESERVED,
	['~'] = PLAIN | UNRESERVED,
};

static inline bool is(char byte, enum kind kind)
{
	return kinds[(unsigned char)byte] & kind;
}

static bool is_zero(const char *escape)
{
	return escape[1] == '0' && escape[2] == '0';
}

static bool plain_in_query(const char *at)
{
	return is(*at, PLAIN) || *at == '?' || *at == '[' || *at == ']' ||
	       (*at == '%' && !is_zero(at));
}

bool tn_path_plain(const char *text)
{
	char before = '\0';

	for (; is(*text, PLAIN); before = *text++) {
		if (before == '/' && (*text == '/' || *text == '.'))
			return false;
	}
	if (*text == '?') {
		while (plain_in_query(text))
			text++;
	}
	return !*text;
}

static int digit(char text)
{
	return isdigit((unsigned char)text) ? text - '0' : (text | 0x20) - 'a' + 10;
}

/* The byte that the three characters stand for; -1: none, or a NUL. */
static int escaped(const char *at)
{
	int byte;

	if (!isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2]))
		return -1;
	byte = digit(at[1]) * 16 + digit(at[2]);
	return byte ? byte : -1;
}

static char *write_escape(char *to, int byte)
{
	static const char digits[] = "0123456789ABCDEF";

	*to++ = '%';
	*to++ = digits[byte >> 4];
	*to++ = digits[byte & 15];
	return to;
}

/* Copies up to the next '/', or the path's end; *text moves there. NULL: an escape that is none. */
static char *write_segment(const char **text, char *to)
{
	const char *at = *text;

	for (; *at && *at != '/' && *at != '?'; at++) {
		int byte = (unsigned char)*at;

		if (byte == '%') {
			byte = escaped(at);
			if (byte < 0)
				return NULL;
			at += 2;
			if (!is((char)byte, UNRESERVED)) {
				to = write_escape(to, byte);
				continue;
			}
		}
		if (is((char)byte, PLAIN))
			*to++ = (char)byte;
		else
			to = write_escape(to, byte);
	}
	*text = at;
	return to;
}

static bool segment_is(const char *segment, const char *end, const char *dots)
{
	size_t size = strlen(dots);

	return (size_t)(end - segment) == size && memcmp(segment, dots, size) == 0;
}

/* Behind the '/' that the parent's name stands behind; NULL: the root has no parent. */
static char *parent_of(const char *root, char *segment)
{
	if (segment == root)
		return NULL;
	for (segment--; segment[-1] != '/'; segment--)
		;
	return segment;
}

/* `segment` is where the next one begins: behind the one '/' before it. */
static char *write_path(const char **text, char *normal)
{
	char *root = normal + 1;
	char *segment = root;

	*normal = '/';
	while (**text == '/') {
		char *end;

		*text += strspn(*text, "/");
		end = write_segment(text, segment);
		if (!end)
			return NULL;
		if (segment_is(segment, end, "..")) {
			segment = parent_of(root, segment);
			if (!segment)
				return NULL;
		} else if (end > segment && !segment_is(segment, end, ".")) {
			if (**text != '/')
				return end;
			*end = '/';
			segment = end + 1;
		}
	}
	return segment;
}

static char *write_query(const char *text, char *to)
{
	for (; *text; text++) {
		if (*text == '%' && is_zero(text))
			return NULL;
		if (plain_in_query(text))
			*to++ = *text;
		else
			to = write_escape(to, (unsigned char)*text);
	}
	return to;
}

bool tn_path_normalise(const char *text, char *normal)
{
	char *end = write_path(&text, normal);

	if (end)
		end = write_query(text, end);
	if (!end)
		return false;
	*end = '\0';
	return true;
}
