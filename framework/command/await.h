/* await.h - waits for the end of a child process, but not for ever. */
#ifndef TENON_COMMAND_AWAIT_H
#define TENON_COMMAND_AWAIT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Blocks SIGCHLD, so that the end of a child wakes who waits for it, and has its status kept,
 * whatever was inherited. *before is what was blocked, for the child and for afterwards. */
void tn_await_prepare(sigset_t *before);

/* Waits so many ms at the most. Returns whether the child, of which there has to be one, has ended,
 * and *status of waitpid(2). */
bool tn_await_child(pid_t process, int64_t timeout, int *status);

#endif
