/* makefile.h - by which names make(1) knows its file. */
#ifndef TENON_COMMAND_MAKEFILE_H
#define TENON_COMMAND_MAKEFILE_H

#include <stdbool.h>

bool tn_makefile_named(const char *name);

/* The name of the one that make takes in that directory; "" is the current one. NULL: there is
 * none. It is a literal. */
const char *tn_makefile_find(const char *directory);

#endif
