#include "command/makefile.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* In the order in which GNU make looks for them. */
static const char *const names[] = { "GNUmakefile", "makefile", "Makefile" };
#define NAMES (sizeof(names) / sizeof(names[0]))

bool tn_makefile_named(const char *name)
{
	for (size_t i = 0; i < NAMES; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

const char *tn_makefile_find(const char *directory)
{
	char path[PATH_MAX + 16];

	for (size_t i = 0; i < NAMES; i++) {
		snprintf(path, sizeof(path), "%s/%s", *directory ? directory : ".", names[i]);
		if (access(path, F_OK) == 0)
			return names[i];
	}
	return NULL;
}
