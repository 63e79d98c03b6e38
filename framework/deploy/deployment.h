/*
 * deployment.h - one whole configuration, resolved: modules, envs, bindings, routes.
 *
 * It is made on one thread and does not change once it has started.
 */
#ifndef TENON_DEPLOY_DEPLOYMENT_H
#define TENON_DEPLOY_DEPLOYMENT_H

#include "deploy/config.h"
#include "deploy/module.h"
#include "deploy/progress.h"
#include "deploy/route.h"
#include "deploy/settings.h"

/* One Worker of the deployment: a module with an env of its own. */
struct tn_instance {
	const struct tn_section *section;
	const char *name;
	char *module_path;
	const struct tn_module *module; /* NULL: it could not be loaded */
	struct tn_service *service;     /* the start of its env */
	bool started;
};

/* A secret, and the entry that names it. */
struct tn_bound_secret {
	const struct tn_entry *entry;
	struct tn_secret *secret;
};

struct tn_deployment {
	const struct tn_config *config;
	struct tn_settings settings;
	struct tn_instance *instances; /* in the order of the file */
	size_t count;
	struct tn_module **modules; /* each once; at most one for each instance */
	size_t module_count;
	struct tn_bound_secret *secrets; /* read before any module is loaded */
	size_t secret_count;
	struct tn_shared_block *shared;
	void *envs; /* one mapping with all of them */
	size_t envs_size;
	struct tn_routes routes;
	struct tn_progress *progress; /* the caller's, or NULL */
};

/* How to make one. Zeroed, it is as for `run`. */
struct tn_deployment_options {
	struct tn_progress *progress;
	/* Whether to leave out the module of a Worker that is known to crash or hang. */
	bool (*skip)(void *argument, size_t worker);
	void *argument;
	bool warn; /* add warnings to the list, too: further exports, cycles */
};

/*
 * Reads, loads and links everything that the configuration names. Errors are added to the list;
 * it is usable only if there were none. The configuration must outlive it. NULL only where there
 * is no memory. Takes the variables of the secrets out of the environment.
 */
struct tn_deployment *tn_deployment_create(const struct tn_config *config,
                                           const struct tn_deployment_options *options,
                                           struct tn_errors *errors);

/*
 * Runs the start hooks in the order of the file, then makes the envs read-only. Errors are added to
 * the list; then those that had started are stopped again, and this returns false.
 */
bool tn_deployment_start(struct tn_deployment *deployment, struct tn_errors *errors);

/* Runs the stop hooks of those that started, last one first. */
void tn_deployment_stop(struct tn_deployment *deployment);

/* Stops it if need be and frees all but the code of the modules. NULL is fine. */
void tn_deployment_destroy(struct tn_deployment *deployment);

/* The Worker of that name; NULL where there is none. */
struct tn_instance *tn_deployment_find(const struct tn_deployment *deployment, const char *name);

#endif
