/* span.h - a part of the configuration's text: what a line is taken apart with. */
#ifndef TENON_DEPLOY_SPAN_H
#define TENON_DEPLOY_SPAN_H

#include <stdbool.h>
#include <stddef.h>

/* Not ended by a NUL. */
struct tn_span {
	const char *data;
	size_t size;
};

/* A space or a TAB. */
bool tn_span_blank(char character);

/* Without the blanks at both ends. */
struct tn_span tn_span_trim(struct tn_span text);

/* What follows the first `position` bytes. */
struct tn_span tn_span_behind(struct tn_span text, size_t position);

bool tn_span_begins(struct tn_span text, const char *prefix);

/* A C string, for the caller to free; NULL where there is no memory. */
char *tn_span_copy(struct tn_span text);

/* Where inih ends what it looks for: at one of the characters, or at a comment, which is a ';'
 * behind a blank; else at the end of the text. */
size_t tn_span_find(struct tn_span text, const char *characters);

/*
 * What is wrong with the bytes of a line: not UTF-8 (RFC 3629), or a control character. NULL where
 * nothing is, else a constant text to stand behind "byte N of the line ", and N - 1 in *position.
 */
const char *tn_span_problem(struct tn_span line, size_t *position);

#endif
