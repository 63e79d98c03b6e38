/* ask.h - asks the host that runs, on its control socket. */
#ifndef TENON_COMMAND_ASK_H
#define TENON_COMMAND_ASK_H

#include "command/arguments.h"

#include <stdio.h>

/*
 * Asks the host of the configuration that the command names, also of one that has an error by now,
 * and waits for the answer: its text goes to `to`. Returns the exit code that it gives; else one
 * with a line on standard error: EX_UNAVAILABLE where no host runs.
 *
 * `process`, where it is not NULL, becomes a descriptor that is readable when the host has ended,
 * for the caller to close; -1 where there is none.
 */
int tn_ask(const struct tn_arguments *arguments, const char *word, FILE *to, int *process);

/* The same about Workers, whose answer goes to standard error. A name that can be none is refused
 * without asking: EX_USAGE. */
int tn_ask_about(const struct tn_arguments *arguments, const char *word, const char *const *workers,
                 size_t count);

#endif
