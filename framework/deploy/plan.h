/*
 * plan.h - what a configuration means, before any module is loaded or secret read: which Workers
 * there are in an environment, with the keys that they inherit, whom they bind, and which routes
 * lead to them.
 */
#ifndef TENON_DEPLOY_PLAN_H
#define TENON_DEPLOY_PLAN_H

#include "deploy/keys.h"
#include "deploy/route.h"
#include "deploy/settings.h"
#include "deploy/split.h"

/* A Worker that a binding names, and how much of it. */
struct tn_plan_target {
	struct tn_plan_worker *worker; /* the variant of the environment, where there is one */
	uint32_t weight;               /* of TN_WEIGHT_WHOLE */
};

/* service.FIELD of a Worker. */
struct tn_plan_binding {
	const struct tn_plan_worker *caller;
	const struct tn_entry *entry; /* may be an inherited one */
	const char *field;
	struct tn_plan_target *targets;   /* each Worker once */
	size_t target_count;              /* 0: its value is an error */
	struct tn_split_key key;          /* of split.FIELD.key */
	const struct tn_entry *key_entry; /* NULL: the split is drawn */
};

/* One target of a binding, as the Worker that is bound sees it. */
struct tn_plan_use {
	const struct tn_plan_binding *binding;
	uint32_t weight;
};

struct tn_plan_worker {
	const char *name;    /* "auth@staging" */
	const char *variant; /* "staging"; NULL: it is none */
	size_t number;       /* its place in plan->workers */
	const struct tn_section *section;
	const struct tn_plan_worker *parent; /* whose keys it inherits; NULL: nobody's */
	struct tn_keys keys;                 /* without `inherits` */
	char *module_path;
	struct tn_plan_binding *bindings; /* in the order of the keys */
	size_t binding_count;
	struct tn_plan_use *uses; /* who binds it, in the order of the plan */
	size_t use_count;
	const struct tn_entry *route; /* what makes it public in this environment; NULL: private */
	bool reachable;               /* public, or bound by one that is reachable */
	bool blocking;
	bool waits;          /* it blocks, or waits for its turn, or calls one that waits */
	bool threaded;       /* it may be entered on several threads at once: it waits, or one that
	                      * waits calls it, directly or not */
	int64_t timeout;     /* ms that a call may take; 0: as long as it does */
	int64_t concurrency; /* calls at once in each process; 0: there is no limit */
	int64_t max_body;    /* bytes of a request whose route is the Worker's */
	/* By which it comes to one that waits, and to whom; NULL: it does so itself, or does not
	 * wait. */
	const struct tn_plan_binding *waits_through;
	const struct tn_plan_worker *waits_for;
};

struct tn_plan {
	const struct tn_config *config;
	const char *environment; /* NULL: none was asked for */
	struct tn_keys host;     /* the keys of [host], or of [host@ENVIRONMENT] */
	struct tn_settings settings;
	struct tn_plan_worker *workers; /* in the order of the files */
	size_t count;
	struct tn_plan_worker **by_name; /* sorted */
	struct tn_routes routes;         /* sorted, best first */
};

/*
 * Makes the plan of an environment; NULL for none. Then the routes of all Workers count, those of
 * variants too, but for those of environments that have a [host@...] of their own. In an
 * environment it is those of its variants, and of Workers that have no variant in it or whose
 * variant names no route of its own. Errors are added to the list. Where there were any,
 * the plan tells what could be understood: a name that is nearly that of a Worker is taken for it.
 * The configuration and the text of the environment must outlive it. NULL only where there is no
 * memory.
 */
struct tn_plan *tn_plan_create(const struct tn_config *config, const char *environment,
                               struct tn_errors *errors);
void tn_plan_destroy(struct tn_plan *plan);

/*
 * Leaves of what is reachable that Worker, which may be private, and what it calls: nothing else
 * will be loaded. The routes stay as they are, and may lead to Workers that are not there. false
 * where there is no memory.
 */
bool tn_plan_narrow(struct tn_plan *plan, const struct tn_plan_worker *worker);

/* The Worker of exactly that name; NULL where there is none. */
struct tn_plan_worker *tn_plan_find(const struct tn_plan *plan, const char *name);

/* What a name means in the environment: of an unqualified one its variant, where there is one. */
struct tn_plan_worker *tn_plan_lookup(const struct tn_plan *plan, const char *name);

/* The same, and "" in the hint. Where there is none, " (did you mean 'auth'?)" and that Worker;
 * else "" and NULL. */
struct tn_plan_worker *tn_plan_ask(const struct tn_plan *plan, const char *name, char *hint,
                                   size_t room);

/* The binding that an entry, its own or an inherited one, makes for a Worker; NULL for none. */
const struct tn_plan_binding *tn_plan_binding(const struct tn_plan_worker *worker,
                                              const struct tn_entry *entry);

/*
 * Marks in `marks`, one for each Worker and zeroed before, all that the Worker calls, directly and
 * through others (down), or all that call it (up); itself only where it is in a cycle. false where
 * there is no memory.
 */
bool tn_plan_mark(const struct tn_plan *plan, const struct tn_plan_worker *worker, bool up,
                  bool *marks);

/* Adds an error of a key of the host: at its place, or that of the whole file where it is not
 * written. */
void tn_plan_refuse(const struct tn_plan *plan, const char *key, struct tn_errors *errors,
                    const char *format, ...) TN_PRINTF(4, 5);

/* Adds the warnings of `check`: Workers that nothing reaches, cycles of bindings. */
void tn_plan_warn(const struct tn_plan *plan, struct tn_errors *errors);

#endif
