/* module.h - the shared object that a Worker's code is in. */
#ifndef TENON_DEPLOY_MODULE_H
#define TENON_DEPLOY_MODULE_H

#include "deploy/copies.h"
#include "deploy/slots.h"

struct tn_module {
	char *path; /* as the configuration has it */
	char *file; /* what was loaded: its copy */
	/* Of its content; "" without a copy. */
	char version[TN_MODULE_VERSION_SIZE];
	void *handle;
	const struct tn_worker *worker; /* its descriptor, checked */
};

/*
 * Loads a module and checks everything that can be checked before a request: the file, the
 * symbols, the ABI, the slots. NULL and the reason with its cure (TN_REASON_SIZE bytes) where one
 * does not hold; it is the original that the reason speaks of. It is the copy that is loaded;
 * without one (NULL) it is the file itself, which must then neither be written to nor cut off as
 * long as the process lives. What has been loaded stays in the process: other threads, callbacks or
 * static data of it may be in use.
 */
struct tn_module *tn_module_load(const char *path, const struct tn_module_copy *copy,
                                 char *reason);

/* Frees the description; the code stays. */
void tn_module_forget(struct tn_module *module);

/* Warns of each symbol that the module exports besides `fetch` and `tn_worker`: one that the host
 * has, too, would be the host's. */
void tn_module_warn_exports(const struct tn_module *module, struct tn_place place,
                            const char *worker, struct tn_errors *errors);

#endif
