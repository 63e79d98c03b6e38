/* command.h - the subcommands of tenon. Each gets its own arguments and returns the exit code. */
#ifndef TENON_COMMAND_COMMAND_H
#define TENON_COMMAND_COMMAND_H

int tn_command_run(int count, char **arguments);
int tn_command_check(int count, char **arguments);

#endif
