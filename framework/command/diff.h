/* diff.h - what one configuration changes against another: the plans of both, compared. */
#ifndef TENON_COMMAND_DIFF_H
#define TENON_COMMAND_DIFF_H

#include "deploy/plan.h"

enum tn_mark {
	TN_MARK_NONE = 0, /* nothing has changed */
	TN_MARK_ADDED = '+',
	TN_MARK_REMOVED = '-',
	TN_MARK_CHANGED = '~',
};

/* Of a key of a Worker, or of [host]. */
struct tn_diff_change {
	enum tn_mark mark;
	char *key;        /* "service.auth"; "route", "module", "reachable" */
	char *route;      /* of "route": it, and its values are Workers; NULL of others */
	char *before;     /* NULL: there was none; of a secret it is its source */
	char *after;      /* NULL: there is none */
	const char *note; /* what a look into the files has told: a constant, or NULL */
};

/* Who needs, in NEW, what is gone. */
struct tn_need {
	const struct tn_plan_worker *worker;
	const char *key; /* "service.auth", "route", "inherits" */
	struct tn_place place;
};

/* Of a Worker, or of the host. */
struct tn_difference {
	enum tn_mark mark;
	const struct tn_plan *plan;          /* NEW; OLD of a Worker that is removed */
	const struct tn_plan_worker *worker; /* of that plan; NULL: it is the host */
	struct tn_diff_change *changes;
	size_t count;
	size_t capacity;
	struct tn_need *needs; /* where it, its module or the file of a secret is gone */
	size_t need_count;
	size_t need_capacity;
};

struct tn_diff {
	const struct tn_plan *before;
	const struct tn_plan *after;
	struct tn_difference host;
	/* Of each Worker of NEW, then of each of OLD, in their order. Of one that both have, the
	 * second has no mark. */
	struct tn_difference *list;
	size_t count;
	bool broken;                   /* something that is still needed would be gone */
	void **files;                  /* tsearch's tree of pairs of modules that were compared */
	bool failed;                   /* there was no memory */
	struct tn_diff_change nowhere; /* for one that there was no memory for */
};

/* Takes out of a plan with errors which Workers it took for those that it has not: what is gone is
 * to be told, not what may have been meant. false where there is no memory. */
bool tn_diff_forget_guesses(struct tn_plan *plan);

/*
 * Compares the plans, which must outlive it, and the content of the files that they name. `files`
 * keeps what modules hold for the next comparison: NULL at first, and to be forgotten at last.
 * Returns false where there is no memory. Finish it in either case.
 */
bool tn_diff_init(struct tn_diff *diff, const struct tn_plan *before, const struct tn_plan *after,
                  void **files);
void tn_diff_finish(struct tn_diff *diff);
void tn_diff_finish_change(struct tn_diff_change *change);

/*
 * Takes out of the difference in an environment what that of the same files without one has told,
 * but of Workers that requests, or callers, reach in the environment only. `broken` stays. Returns
 * false where there is no memory.
 */
bool tn_diff_forget_told(struct tn_diff *diff, const struct tn_diff *told);

/* Whether there is none. */
bool tn_diff_is_empty(const struct tn_diff *diff);

/* Whether the plan has the error only because it lacks what the other has: the difference tells. */
bool tn_diff_explains(const struct tn_diff *diff, const struct tn_plan *plan,
                      const struct tn_error *error);

/* ---- Output -------------------------------------------------------------------------------- */

/* Each prints the differences, one for each environment, on standard output and returns 0, or the
 * exit code with a line on standard error. */
int tn_diff_print_text(const struct tn_diff *diffs, size_t count);
int tn_diff_print_json(const struct tn_diff *diffs, size_t count);

/* ---- Who is affected ----------------------------------------------------------------------- */

/* What a Worker is to the one that has changed: several of them, or 0. */
enum tn_relation {
	TN_CALLER = 1,     /* it binds it */
	TN_FAR_CALLER = 2, /* it leads to one that does, and is none */
	TN_CALLEE = 4,     /* it is bound by it */
	TN_FAR_CALLEE = 8, /* one leads to it that is */
};

/* One for each Worker of the difference's plan, for the caller to free; NULL where there is no
 * memory. The Worker itself is never far. */
unsigned char *tn_diff_relations(const struct tn_difference *difference);

/* Whether requests by that route reach the Worker that has changed. */
bool tn_diff_is_reached(const struct tn_difference *difference, const unsigned char *relations,
                        const struct tn_route *route);

/* ---- The parts of the comparison ----------------------------------------------------------- */

/* Notes a change of that key from one value to another; NULL is none. They are copied. */
struct tn_diff_change *tn_diff_add_change(struct tn_diff *diff, struct tn_difference *difference,
                                          const char *key, const char *before, const char *after);

/* Notes who needs what is gone. The key is not copied. */
void tn_diff_add_need(struct tn_diff *diff, struct tn_difference *difference,
                      const struct tn_plan_worker *worker, const char *key, struct tn_place place);

/* A copy of the text, for the caller to free; NULL of NULL. */
char *tn_diff_copy(struct tn_diff *diff, const char *text);

/* The difference of a Worker of NEW, and that of one of OLD. */
struct tn_difference *tn_diff_after(const struct tn_diff *diff,
                                    const struct tn_plan_worker *worker);
struct tn_difference *tn_diff_before(const struct tn_diff *diff,
                                     const struct tn_plan_worker *worker);

/* Compares which routes lead to which Workers. */
void tn_diff_routes(struct tn_diff *diff);

/* Compares the keys of [host]. */
void tn_diff_host(struct tn_diff *diff);

/* Compares a Worker; NULL where that plan has it not, but not both. */
void tn_diff_worker(struct tn_diff *diff, struct tn_difference *difference,
                    const struct tn_plan_worker *before, const struct tn_plan_worker *after);

/* Notes which Workers that are gone the Worker of NEW needs. */
void tn_diff_gone(struct tn_diff *diff, const struct tn_plan_worker *worker);

#define TN_DIFF_NAME_SIZE 512 /* bytes of an item of a binding's value */

/* Copies the next name of a binding's value, without its weight; false at the end. What is none is
 * passed over. */
bool tn_diff_next_name(const char **list, char *name);

/* ---- Files --------------------------------------------------------------------------------- */

enum tn_content {
	TN_CONTENT_UNKNOWN, /* one of them cannot be read */
	TN_CONTENT_SAME,
	TN_CONTENT_OTHER,
	TN_CONTENT_GONE, /* OLD's is there, NEW's is not */
	TN_CONTENT_COME, /* the other way */
	TN_CONTENT_NOWHERE,
};

/* Compares two modules, OLD's and NEW's, byte by byte. */
enum tn_content tn_diff_modules(struct tn_diff *diff, const char *before, const char *after);

/* Compares two secrets as they would be read: without the newline at their end. Nothing of them is
 * kept. */
enum tn_content tn_diff_secrets(const struct tn_diff *diff, const char *before, const char *after);

/* Frees what was kept of the comparisons. */
void tn_diff_forget_files(void **files);

#endif
