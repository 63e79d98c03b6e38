/* attributes.h - what follows a media type or a disposition: `; name=value; name="value"`. */
#ifndef TENON_MESSAGE_ATTRIBUTES_H
#define TENON_MESSAGE_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

/* Slices of the text, the value without its quotes. */
struct tn_attribute {
	const char *name;
	size_t name_size;
	const char *value;
	size_t value_size;
};

/*
 * Steps over the next one (RFC 9110, 5.6.6); *text is at the end of what stands before it. false
 * behind the last one, where *text is at its NUL, and where it is malformed, where it is not.
 *
 * A backslash stands for itself, as browsers have it, which write %22 for a quote. One before a
 * quote would mean another thing to whoever takes it for an escape: that is malformed.
 */
bool tn_attribute_next(const char **text, struct tn_attribute *attribute);

/* Whether it has that name, without case. */
bool tn_attribute_is(const struct tn_attribute *attribute, const char *name);

#endif
