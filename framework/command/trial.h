/*
 * trial.h - loads a deployment as `run` would, in a child process: a module that crashes, hangs or
 * exits while it is loaded ends the child, not the command. It is then left out, and the next child
 * goes on to the errors that are left.
 */
#ifndef TENON_COMMAND_TRIAL_H
#define TENON_COMMAND_TRIAL_H

#include "deploy/deployment.h"

struct tn_trial {
	const struct tn_config *config;
	const struct tn_errors *syntax; /* what the text of the files has */
	const char *environment;        /* NULL: none */
	bool start;                     /* run the start and stop hooks, too */
	bool quiet;                     /* no line where there are no errors */
	bool no_warnings;
	bool silent; /* no line of errors, either */
	/* NULL: every secret is to be there. Else only one that stands in that place: another that
	 * cannot be read is a warning. */
	const struct tn_place *changed;
	int timeout; /* ms for one module or hook; 0: ten seconds */
};

/* Prints all errors, and one line where there are none. Returns 0, EX_CONFIG where there were
 * errors, or another exit code, with a line on standard error, where it could not be tried. */
int tn_trial_run(const struct tn_trial *options);

#endif
