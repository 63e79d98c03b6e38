/* show.h - what `tenon show` prints, as text and as JSON. */
#ifndef TENON_COMMAND_SHOW_H
#define TENON_COMMAND_SHOW_H

#include "deploy/plan.h"
#include "deploy/vault.h"

/* A Worker, or the host. */
struct tn_show_subject {
	const char *name;                    /* "auth@staging", "[host@staging]" */
	const struct tn_plan_worker *worker; /* NULL: it is the host */
	const struct tn_section *section;    /* NULL: there is no [host] */
	const struct tn_keys *keys;
	const char *inherits;           /* from whom; NULL: from nobody */
	const struct tn_entry *parent;  /* the key `inherits`; NULL: there is none */
	const struct tn_entry *module;  /* NULL: it is the host */
	const struct tn_entry *route;   /* maybe that of another section, or idle; NULL: none */
	struct tn_entry default_module; /* what stands for the key where there is none */
};

struct tn_show {
	const struct tn_plan *plan;
	struct tn_show_subject *subjects;
	size_t count;
	bool all;                /* nobody was asked for by name */
	struct tn_vault vault;   /* the secrets that are variables */
	struct tn_errors errors; /* of secrets that could not be read */
};

/* What may be known of a secret. */
struct tn_show_secret {
	const char *source; /* "file:secrets/token"; NULL: it may be the secret itself */
	bool opened;
	size_t size; /* bytes; 0: it could not be read */
};

struct tn_show_row {
	const struct tn_entry *entry;
	bool is_default;                       /* the entry stands in no file */
	const char *text;                      /* the value, resolved; NULL: it is a secret */
	struct tn_show_secret secret;          /* then */
	const struct tn_plan_binding *binding; /* of a service; NULL */
	bool is_route;
	bool is_idle; /* a route that the Worker does not have in this environment */
};

/* How many numbers of rows there are. */
size_t tn_show_row_count(const struct tn_show_subject *subject);

/* Fills in the row of that number, in the order in which they are shown; false where there is none.
 * A secret is opened for it. */
bool tn_show_row_fill(struct tn_show *show, const struct tn_show_subject *subject, size_t number,
                      struct tn_show_row *row);

/* Each prints, and returns 0, or the exit code with a line on standard error. */
int tn_show_print(struct tn_show *show);
int tn_show_print_json(struct tn_show *show);

#endif
