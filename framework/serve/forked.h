/*
 * forked.h - what a child that a Worker forks is not to have: one that lives on would keep a port
 * taken, or the queue of a process that has gone.
 *
 * A child of fork(3) closes them before it does anything else; posix_spawn and vfork lead to an
 * exec, which closes them anyway. All functions may be called on any thread.
 */
#ifndef TENON_SERVE_FORKED_H
#define TENON_SERVE_FORKED_H

#include <stdbool.h>

/* From now on a child closes its copy of the descriptor. false where there is no memory for it. */
bool tn_forked_deny(int descriptor);

/* Closes a descriptor, which is no longer denied: its number may be given to another file. */
void tn_forked_close(int descriptor);

#endif
