/* fuzz_path.c - a target: its form is a valid one, its own form, and never above the root. */
#include "fuzz.h"

#include "message/path.h"
#include "message/url.h"
#include "serve/target.h"

#include <ctype.h>

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
#define IN_PATH UNRESERVED "!$&'()*+,;=:@/"

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* "%XX", in upper case, of what has to be one. */
static void check_escape(const char *at)
{
	char hex[] = { at[1], at[1] ? at[2] : '\0', '\0' };
	int byte;

	HOLDS(strspn(hex, "0123456789ABCDEF") == 2);
	byte = (int)strtol(hex, NULL, 16);
	HOLDS(byte && !strchr(UNRESERVED, byte));
}

static void check_path(const char *path)
{
	const char *end = path + strcspn(path, "?");

	HOLDS(*path == '/');
	for (const char *at = path; at < end; at++) {
		if (*at == '%')
			check_escape(at);
		else
			HOLDS(strchr(IN_PATH, *at));
		if (*at != '/')
			continue;
		HOLDS(at[1] != '/');
		HOLDS(!starts_with(at, "/./") && !starts_with(at, "/../"));
		HOLDS(strcspn(at, "?") != 2 || at[1] != '.');
		HOLDS(strcspn(at, "?") != 3 || at[1] != '.' || at[2] != '.');
	}
	for (; *end; end++)
		HOLDS(strchr(IN_PATH "?[]%", *end) && !starts_with(end, "%00"));
}

/* What is above the root by the simplest of readings has no form. */
static bool is_above_root(const char *path)
{
	long depth = 0;

	while (*path == '/') {
		size_t size = strcspn(++path, "/?");
		char segment[8] = "";
		size_t length = 0;

		for (size_t i = 0; i < size && length < sizeof(segment) - 1; length++) {
			bool dot = strncasecmp(path + i, "%2e", 3) == 0;

			segment[length] = dot ? '.' : path[i];
			i += dot ? 3 : 1;
		}
		path += size;
		if (strcmp(segment, "..") == 0 && depth-- == 0)
			return true;
		if (*segment && strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0)
			depth++;
	}
	return false;
}

static void check(const char *text)
{
	char *normal = malloc(TN_PATH_ROOM(strlen(text) + 1));
	char *again = malloc(TN_PATH_ROOM(strlen(text) * 3 + 1));

	if (!normal || !again)
		abort();
	if (tn_path_normalise(text, normal)) {
		HOLDS(tn_url_target_valid(normal));
		HOLDS(!is_above_root(text));
		check_path(normal);
		HOLDS(tn_path_normalise(normal, again));
		HOLDS(strcmp(normal, again) == 0);
		if (*text == '/' && tn_path_plain(text))
			HOLDS(strcmp(normal, text) == 0);
	} else if (*text == '/') {
		HOLDS(!tn_path_plain(text));
	}
	free(normal);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct tn_target target;

	if (tn_url_target_valid(text) && (!*text || *text == '/' || *text == '?'))
		check(text);
	if (tn_target_parse(text, "OPTIONS", &target)) {
		HOLDS(tn_url_target_valid(text));
		HOLDS(!target.host || tn_url_host_valid(target.host, target.host_size));
		if (*target.path_and_query != '*')
			check(target.path_and_query);
	}
	free(text);
	return 0;
}
