/*
 * config.h - the INI text as sections and entries, each with its place.
 *
 * It knows the form of the files, not the meaning of their keys but `include`. inih does the
 * reading; what inih would pass over in silence or read in a surprising way becomes an error that
 * says what to write instead.
 */
#ifndef TENON_DEPLOY_CONFIG_H
#define TENON_DEPLOY_CONFIG_H

#include "deploy/errors.h"
#include "deploy/file.h"

struct tn_entry {
	struct tn_place place;
	const struct tn_section *section;
	char *key;
	char *value; /* without the quotes */
	bool quoted;
	bool unset; /* `key =`, in a variant: takes away what it would inherit; its value is "" */
};

/* [kind name] or [kind]; [worker auth@staging] and [host@staging] are variants. */
struct tn_section {
	struct tn_place place;
	char *kind;            /* "host", "worker" */
	char *name;            /* "auth", "auth@staging"; of the host "" and "@staging" */
	const char *variant;   /* what follows the first '@' in the name; NULL: it is none */
	unsigned end;          /* the last line that is its own: no comment behind it */
	struct tn_place again; /* the header of a second one of the name; { 0 }: there is none */
	struct tn_entry *entries;
	size_t count;
	size_t capacity;
};

struct tn_config {
	struct tn_file *files; /* the one that was named, then those that are included */
	size_t file_count;
	struct tn_section **sections; /* in the order of the files */
	size_t count;
	size_t capacity;
	void *index; /* tsearch's tree of the sections */
	/* The first header or include that could not be read: there may be sections that are not
	 * here. { 0 }: there is none. */
	struct tn_place gap;
};

/*
 * Reads a configuration with all files that it includes. Errors of their content are added to the
 * list. Returns 0 and *config, for the caller to destroy, also where there were such errors: then
 * entries may be missing, so that a complaint about what is not there would mislead. Else the exit
 * code, *config NULL, and the reason (TN_REASON_SIZE bytes), which does not name the path.
 *
 * `edited`, where it is not NULL, is what the file of that device and inode is taken to hold.
 */
int tn_config_load(const char *path, const struct tn_file *edited, struct tn_config **config,
                   struct tn_errors *errors, char *reason);

/* The same from the text of the first file; NULL only where there is no memory. */
struct tn_config *tn_config_parse(const char *path, const char *text, size_t size,
                                  struct tn_errors *errors);

/* The same from all files of a configuration that was loaded elsewhere, which it takes over: what
 * they include is not looked for. */
struct tn_config *tn_config_assemble(const struct tn_file *files, size_t count,
                                     struct tn_errors *errors);
void tn_config_destroy(struct tn_config *config);

/* The name of the file that was named, as the user gave it. */
const char *tn_config_path(const struct tn_config *config);

/* The section of that kind and name; NULL where there is none. */
const struct tn_section *tn_config_find(const struct tn_config *config, const char *kind,
                                        const char *name);

/* The section's own entry of that key, an unset one included; NULL where there is none. */
const struct tn_entry *tn_section_find(const struct tn_section *section, const char *key);

/* "worker 'auth@staging'", "[host@staging]": how messages name it. Returns text. */
const char *tn_section_label(const struct tn_section *section, char *text, size_t room);

/*
 * The path as seen from the file in which it stands: `path` itself if it is absolute, the file's
 * directory if it is empty. For the caller to free; NULL where there is no memory.
 */
char *tn_config_resolve(struct tn_place place, const char *path);

#endif
