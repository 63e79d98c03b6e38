/* activation.h - listening sockets that systemd has opened and given (sd_listen_fds(3)). */
#ifndef TENON_SUPERVISE_ACTIVATION_H
#define TENON_SUPERVISE_ACTIVATION_H

#include "supervise/listener.h"

/*
 * Takes over what LISTEN_FDS announces, where LISTEN_PID says that it is for this process, and
 * takes these variables and LISTEN_FDNAMES out of the environment. To be called once, before
 * anything else is started. The sockets become non-blocking, are closed on exec, and stay open for
 * as long as the process wants: systemd has them, too.
 *
 * Fills `listeners`, and *count with how many there are: 0 where none were given. Returns 0, or the
 * exit code (sysexits.h) with a reason that names the socket by its FileDescriptorName= and says
 * what to change; then nothing is to be served.
 */
int tn_activation_take(struct tn_listener listeners[TN_LISTEN_MAX], size_t *count, char *reason,
                       size_t room);

#endif
