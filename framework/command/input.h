/* input.h - the configuration as a command gets it. */
#ifndef TENON_COMMAND_INPUT_H
#define TENON_COMMAND_INPUT_H

#include "deploy/plan.h"

/*
 * Reads the configuration. Returns 0 and *config, for the caller to destroy; errors of its content
 * are in the list. Else the exit code, with a line on standard error. `edited`: see tn_config_load.
 */
int tn_input_read(const char *path, const struct tn_file *edited, struct tn_config **config,
                  struct tn_errors *errors);

/* A configuration and its plan, for the commands that only look. */
struct tn_input {
	struct tn_config *config;
	struct tn_plan *plan;
	struct tn_errors errors;
};

/* Reads both, and prints the errors. Returns 0, or the exit code, where there is nothing that is
 * worth looking at; finish it in either case. */
int tn_input_open(struct tn_input *input, const char *path, const char *environment);
void tn_input_finish(struct tn_input *input);

/* The Worker of that name as the environment has it; NULL, with a line on standard error. */
const struct tn_plan_worker *tn_input_worker(const struct tn_input *input, const char *name);

/* The one line that a person reads: "tenon: " and the text. */
void tn_complain(const char *format, ...) TN_PRINTF(1, 2);

#endif
