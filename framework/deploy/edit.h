/*
 * edit.h - changes one line in the text of a configuration file, and no other byte.
 *
 * Lines are counted from 1, as in struct tn_place. The text is one that tn_config_parse has read
 * without an error; a new line ends as its neighbour does, with "\n" or "\r\n".
 */
#ifndef TENON_DEPLOY_EDIT_H
#define TENON_DEPLOY_EDIT_H

#include "deploy/errors.h"

struct tn_edited {
	char *text; /* the whole, for the caller to free; with a NUL behind its end */
	size_t size;
	unsigned line;       /* the line that was changed, removed, or that is new */
	char before[256];    /* the line as it was, without its end; "" where it is new */
	char after[256];     /* as it is; "" where it was removed */
	bool removed, added; /* neither: it was changed */
};

/*
 * Gives the key in that line another value: its key, its spaces and its comment stay, and so do
 * quotes. NULL as a value writes `key =`, which unsets. The value is put in quotes where it would
 * not be read back as it is. Returns NULL, or a constant text that says why it cannot be written.
 */
const char *tn_edit_replace(const char *text, size_t size, unsigned line, const char *value,
                            struct tn_edited *edited);

/* Writes a new `key = value` behind that line, its '=' below that line's if that fits. */
const char *tn_edit_insert(const char *text, size_t size, unsigned line, const char *key,
                           const char *value, struct tn_edited *edited);

/* A key of a new section. */
struct tn_edit_key {
	const char *key;
	const char *value;
};

/*
 * Writes a new section behind all else, with a blank line before it: `[header]`, and its keys, with
 * their '=' below one another. As above; where a key or value cannot be written, *wrong is its
 * number.
 */
const char *tn_edit_section(const char *text, size_t size, const char *header,
                            const struct tn_edit_key *keys, size_t count,
                            struct tn_edited *edited, size_t *wrong);

/* Removes the line. */
const char *tn_edit_remove(const char *text, size_t size, unsigned line,
                           struct tn_edited *edited);

#endif
