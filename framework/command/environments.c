#include "command/environments.h"

#include <stdlib.h>
#include <string.h>

static bool has(const struct tn_environments *environments, const char *name)
{
	for (size_t i = 0; i < environments->count; i++) {
		if (strcmp(environments->list[i], name) == 0)
			return true;
	}
	return false;
}

bool tn_environments_add(struct tn_environments *environments, const struct tn_config *config)
{
	const char **list = reallocarray(environments->list,
	                                 environments->count + config->count + 1, sizeof(list[0]));

	if (!list)
		return false;
	environments->list = list;
	for (size_t i = 0; i < config->count; i++) {
		const char *variant = config->sections[i]->variant;

		if (variant && !has(environments, variant))
			list[environments->count++] = variant;
	}
	return true;
}

void tn_environments_finish(struct tn_environments *environments)
{
	free(environments->list);
	*environments = (struct tn_environments){ 0 };
}
