/* listener.h - the listening sockets, which are handed to the host process. */
#ifndef TENON_SUPERVISE_LISTENER_H
#define TENON_SUPERVISE_LISTENER_H

#include "deploy/settings.h"

#define TN_LISTENER_NAME 300

struct tn_listener {
	int socket;
	/* By systemd: it listens, and is one for all processes (activation.h). */
	bool given;
	/* "127.0.0.1:8080", with the port that it really has, or "unix:/run/tenon.sock". */
	char name[TN_LISTENER_NAME];
};

/*
 * Binds a socket to the address. Returns 0, or the exit code (sysexits.h) for what is wrong, with
 * the text of it in `reason`.
 */
int tn_listener_bind(struct tn_listener *listener, const struct tn_address *address, char *reason,
                     size_t room);

/*
 * Binds one more socket to the address of a listener, so that another process may have a queue of
 * its own (SO_REUSEPORT). The flag is set on the first one only now: its bind has found out whether
 * somebody else listens there. Returns the socket; -1 and errno where it cannot be had.
 */
int tn_listener_join(const struct tn_listener *listener);

/* Fills in the name of the address that the listener's socket is bound to. */
void tn_listener_name(struct tn_listener *listener);

/* From now on the kernel lets clients in. As tn_listener_bind. One that was given listens already,
 * with a queue as long as its unit says. */
int tn_listener_listen(const struct tn_listener *listener, char *reason, size_t room);

#endif
