/* arguments.h - the command line of a subcommand, taken apart. */
#ifndef TENON_COMMAND_ARGUMENTS_H
#define TENON_COMMAND_ARGUMENTS_H

#include "tenon.h"

struct tn_arguments;

struct tn_command {
	const char *name;
	int (*run)(const struct tn_arguments *arguments); /* returns the exit code */
	/* What follows the name: `[--json] [-X METHOD] FILE [WORKER]`. An option is the command's
	 * if it stands here, and takes a value if a word follows it. */
	const char *usage;
	int least; /* how many words there are beside the options */
	int most;
	const char *help; /* lines, each indented by eight spaces */
};

#define TN_ARGUMENTS_ONLY 32
#define TN_ARGUMENTS_HEADERS 100
#define TN_ARGUMENTS_FIELDS 32

/* What an option was given each time. */
struct tn_fields {
	const char *list[TN_ARGUMENTS_FIELDS];
	size_t count;
};

struct tn_arguments {
	const char *file;        /* the first word; NULL where there need not be one, and is none */
	char *const *words;      /* those behind it */
	int count;               /* of them */
	const char *environment; /* --environment NAME; NULL */
	bool all, dot, json, single, start, trace, private;
	const char *method;                  /* -X METHOD; NULL */
	const char *data;                    /* -d DATA; NULL */
	int timeout;                         /* ms; --timeout 10s */
	const char *only[TN_ARGUMENTS_ONLY]; /* --only WORKER, each time */
	size_t only_count;
	const char *headers[TN_ARGUMENTS_HEADERS]; /* -H HEADER, each time */
	size_t header_count;
	const char *build;                        /* --build COMMAND; NULL */
	const char *configuration;                /* --file FILE; NULL */
	const char *route;                        /* --route PATH; NULL */
	struct tn_fields services, vars, secrets; /* --service, --var, --secret */
};

/*
 * Reads the command line with getopt_long(3), which moves the words to its end; arguments[0] is the
 * command's name. Options may stand anywhere, but where the usage has the word VALUE, which may
 * begin with a '-', before the first word only; "--" ends them. Returns 0, or the exit code with a
 * line on standard error.
 */
int tn_arguments_read(const struct tn_command *command, int count, char **arguments,
                      struct tn_arguments *result);

#endif
