/* gate.h - turns away who wants to connect, before a listener is closed. */
#ifndef TENON_SERVE_GATE_H
#define TENON_SERVE_GATE_H

#include <stdbool.h>

/*
 * From now on the kernel takes no first packet of a connection on this listening socket, in any
 * process that has it; who has come that far is let in. So its queue can be emptied, and closing it
 * resets nobody: a client that comes meanwhile asks again after a second, and is refused then, or
 * let in by the next host. It cannot be undone. false and errno where it cannot be done.
 */
bool tn_gate_close(int listener);

/* Whether this was done, in whatever process. */
bool tn_gate_is_closed(int listener);

#endif
