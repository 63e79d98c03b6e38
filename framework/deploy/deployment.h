/*
 * deployment.h - a plan made real: modules, envs, bindings. Only the Workers that are reachable are
 * in it.
 *
 * It is made on one thread and does not change once it has started.
 */
#ifndef TENON_DEPLOY_DEPLOYMENT_H
#define TENON_DEPLOY_DEPLOYMENT_H

#include "deploy/limit.h"
#include "deploy/module.h"
#include "deploy/plan.h"
#include "deploy/secrets.h"
#include "message/activity.h"
#include "message/quarantine.h"

/* One Worker of the deployment: a module with an env of its own. */
struct tn_instance {
	const struct tn_plan_worker *worker;
	const char *name;
	const struct tn_module *module; /* NULL: it could not be loaded, or was left out */
	struct tn_service *service;     /* the start of its env */
	const struct tn_service *bound; /* what bindings to it lead to: its service, or its gate */
	bool left_out;                  /* its module is known to crash or hang */
	bool started;
};

struct tn_deployment {
	const struct tn_plan *plan;
	struct tn_instance *instances; /* in the order of the files */
	size_t count;
	struct tn_instance **by_worker; /* one for each Worker of the plan; NULL: not reachable */
	struct tn_limit **limits;       /* one for each Worker of the plan; NULL: it has none */
	struct tn_module **modules;     /* each once; at most one for each instance */
	size_t module_count;
	struct tn_secrets secrets; /* read before any module is loaded */
	struct tn_shared_block *shared;
	const struct tn_deployment_options *options; /* while it is made */
	void *envs;                                  /* one mapping, with gates and splits */
	size_t envs_size;
	char *next_split;
	struct tn_split_key *keys; /* of its splits, each once: an exchange notes them */
	size_t key_count;
	struct tn_activity *activity; /* the caller's, or tn_activity_unwatched */
	const _Atomic uint8_t *quarantine;
};

/* How to make one. */
struct tn_deployment_options {
	/* Of the modules, which are to be there while they are loaded; NULL: each is loaded from
	 * where it is, and must stay as it is. */
	const struct tn_copies *copies;
	struct tn_activity *activity; /* is told which Worker is loaded, started and stopped */
	/* Whether to leave out the module of a Worker, by its place in the plan, that is known to
	 * crash or hang. */
	bool (*skip)(void *argument, size_t worker);
	void *argument;
	/* Where it is told that a secret cannot be read; NULL: with the other errors. */
	struct tn_errors *secret_errors;
	struct tn_secrets *secrets; /* of the plan, which it takes over; NULL: it reads them */
	/* Gives memory of that size for a TN_SHARED field, as a descriptor that this closes, or -1;
	 * NULL: it is this process's own. */
	int (*share)(void *argument, const char *worker, const char *field, size_t size);
	void *share_argument;
	/*
	 * The marks of all Workers of the plan, by tn_activity_number: enum tn_quarantine_level.
	 * They may change at any time, and outlive the deployment; NULL: nobody is in quarantine.
	 * Who is not loaded or not started because of one gives a 503 as long as the process
	 * lives.
	 */
	const _Atomic uint8_t *quarantine;
	bool warn; /* add warnings to the list, too: further exports, what tn_plan_warn says */
};

/*
 * Reads, loads and links all that is reachable. Errors are added to the list; it is usable only if
 * there were none, in the plan either. The plan must outlive it. NULL only where there is no
 * memory. Where it reads the secrets itself, it takes the variables of all of them out of the
 * environment.
 */
struct tn_deployment *tn_deployment_create(const struct tn_plan *plan,
                                           const struct tn_deployment_options *options,
                                           struct tn_errors *errors);

/*
 * Runs the start hooks in the order of the file, but those of Workers whose mark forbids it, then
 * makes the envs read-only. Errors are added to
 * the list; then those that had started are stopped again, and this returns false.
 */
bool tn_deployment_start(struct tn_deployment *deployment, struct tn_errors *errors);

/* Runs the stop hooks of those that started, last one first. */
void tn_deployment_stop(struct tn_deployment *deployment);

/* Stops it if need be and frees all but the code of the modules. NULL is fine. */
void tn_deployment_destroy(struct tn_deployment *deployment);

/* The Worker of that name, as it stands in the section's header; NULL where there is none, or
 * nothing reaches it. */
struct tn_instance *tn_deployment_find(const struct tn_deployment *deployment, const char *name);

/* The Worker that a route of the plan leads to. */
const struct tn_service *tn_deployment_service(const struct tn_deployment *deployment,
                                               const struct tn_route *route);

/* Room for one split among the envs, which become read-only with them. */
void *tn_deployment_take_split(struct tn_deployment *deployment, size_t count);

#endif
