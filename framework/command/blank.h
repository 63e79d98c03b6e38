/*
 * blank.h - the text of a new Worker, of its test, and of what else a project has. It builds,
 * passes its test and runs before anything is changed.
 */
#ifndef TENON_COMMAND_BLANK_H
#define TENON_COMMAND_BLANK_H

#include "command/arguments.h"

/* All texts outlive it. */
struct tn_blank {
	const char *name;
	const struct tn_fields *services, *vars, *secrets; /* names; of vars "NAME=text" */
	const char *source;                                /* its path as the test sees it */
};

/*
 * Why a Worker or a field of its env cannot have that name, with the cure; NULL: it can. It is a
 * name in C in either case, and `text` has room for what there is to say.
 */
const char *tn_blank_refuse(const char *name, char *text, size_t room);

/* Each returns a text for the caller to free, or NULL where there is no memory. */
char *tn_blank_worker(const struct tn_blank *blank);
char *tn_blank_test(const struct tn_blank *blank);

/* `file` is the configuration, `modules` the directory where it seeks the modules. */
char *tn_blank_makefile(const char *file, const char *modules);
char *tn_blank_configuration(void);
char *tn_blank_gitignore(void);

/* The name of a var, "NAME=text" or "NAME": how many bytes it has. */
int tn_blank_name_size(const char *var);

#endif
