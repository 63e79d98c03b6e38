/* environments.h - which environments a configuration has. */
#ifndef TENON_COMMAND_ENVIRONMENTS_H
#define TENON_COMMAND_ENVIRONMENTS_H

#include "deploy/config.h"

/* What stands behind the '@' in the names of sections, each once, in the order of the files. A
 * version such as auth@v2 is one, too: nothing tells it from an environment. */
struct tn_environments {
	const char **list; /* texts of the configurations */
	size_t count;
};

/* Adds those of a configuration that are not in it. false where there is no memory. { 0 } is an
 * empty list; finish it in either case. */
bool tn_environments_add(struct tn_environments *environments, const struct tn_config *config);
void tn_environments_finish(struct tn_environments *environments);

#endif
