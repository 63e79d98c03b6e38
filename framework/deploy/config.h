/*
 * config.h - the INI text as sections and entries, each with its place.
 *
 * It knows the form of the file, not the meaning of its keys. inih does the reading; what inih
 * would pass over in silence or read in a surprising way becomes an error that says what to write
 * instead.
 */
#ifndef TENON_DEPLOY_CONFIG_H
#define TENON_DEPLOY_CONFIG_H

#include "deploy/errors.h"

struct tn_entry {
	struct tn_place place;
	char *key;
	char *value; /* without the quotes */
	bool quoted;
};

/* [kind name] or [kind] */
struct tn_section {
	struct tn_place place;
	char *kind; /* "host", "worker" */
	char *name; /* "auth"; "" where there is none */
	struct tn_entry *entries;
	size_t count;
	size_t capacity;
};

struct tn_config {
	char *path;      /* as the user gave it: it stands in the messages */
	char *directory; /* where relative paths start */
	struct tn_section *sections;
	size_t count;
	size_t capacity;
};

/*
 * Reads the text of a configuration file; `path` is its name. Errors are added to the list. Returns
 * what could be read, for the caller to destroy, also where there were errors: then entries may be
 * missing, so that a complaint about what is not there would mislead. NULL only where there is no
 * memory.
 */
struct tn_config *tn_config_parse(const char *path, const char *text, size_t size,
                                  struct tn_errors *errors);
void tn_config_destroy(struct tn_config *config);

/* The entry of that key in the section; NULL where there is none. */
const struct tn_entry *tn_section_find(const struct tn_section *section, const char *key);

/*
 * Path as seen from the directory of the configuration: `path` itself if it is absolute. For the
 * caller to free; NULL where there is no memory.
 */
char *tn_config_resolve(const struct tn_config *config, const char *path);

#endif
