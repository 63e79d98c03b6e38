/* input.h - the configuration file as a command gets it. */
#ifndef TENON_COMMAND_INPUT_H
#define TENON_COMMAND_INPUT_H

#include "deploy/config.h"

/*
 * Reads and parses the file. Returns 0 and *config, for the caller to destroy; errors of its
 * content are in the list. Else the exit code, with a line on standard error.
 */
int tn_input_read(const char *path, struct tn_config **config, struct tn_errors *errors);

/* The one line that a person reads: "tenon: " and the text. */
void tn_complain(const char *format, ...) TN_PRINTF(1, 2);

#endif
