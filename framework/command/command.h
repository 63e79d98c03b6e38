/* command.h - the subcommands of tenon. Each returns the exit code, one of sysexits.h. */
#ifndef TENON_COMMAND_COMMAND_H
#define TENON_COMMAND_COMMAND_H

#include "command/arguments.h"

int tn_command_run(const struct tn_arguments *arguments);
int tn_command_status(const struct tn_arguments *arguments);
int tn_command_reload(const struct tn_arguments *arguments);
int tn_command_release(const struct tn_arguments *arguments);
int tn_command_stop(const struct tn_arguments *arguments);
int tn_command_check(const struct tn_arguments *arguments);
int tn_command_call(const struct tn_arguments *arguments);
int tn_command_show(const struct tn_arguments *arguments);
int tn_command_bound(const struct tn_arguments *arguments);
int tn_command_graph(const struct tn_arguments *arguments);
int tn_command_diff(const struct tn_arguments *arguments);
int tn_command_set(const struct tn_arguments *arguments);
int tn_command_unset(const struct tn_arguments *arguments);
int tn_command_secret(const struct tn_arguments *arguments);
int tn_command_new(const struct tn_arguments *arguments);
int tn_command_dev(const struct tn_arguments *arguments);

#endif
