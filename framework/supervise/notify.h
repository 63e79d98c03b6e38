/*
 * notify.h - telling the service manager how the service is (sd_notify(3)): ready, reloading,
 * stopping, and alive for its watchdog.
 *
 * The protocol is a datagram of lines, and stable; libsystemd would be mapped into every host
 * process for it, so that its manual page itself advises small services to speak it by themselves.
 *
 * Each function takes NULL, which is what there is where no manager asked to be told, and does
 * nothing. None waits: what the manager has no room for at the moment is kept and sent by
 * tn_notify_turn. One thread.
 */
#ifndef TENON_SUPERVISE_NOTIFY_H
#define TENON_SUPERVISE_NOTIFY_H

#include "tenon.h"

struct tn_notify;

/*
 * Opens the socket that $NOTIFY_SOCKET names, a path or, behind '@', an abstract name (an address
 * of AF_VSOCK is for whole virtual machines and not taken), and takes NOTIFY_SOCKET, WATCHDOG_USEC
 * and WATCHDOG_PID out of the environment: what is started from here is not to speak in this one's
 * name. Returns it, for tn_notify_close; NULL where there is none, or where it cannot be used,
 * which is logged.
 */
struct tn_notify *tn_notify_open(void);
void tn_notify_close(struct tn_notify *notify);

/* It serves, also again after a reload, whether that succeeded or not. The text, one line made as
 * printf makes it, is what `systemctl status` shows; so it is with the others. */
void tn_notify_ready(struct tn_notify *notify, const char *format, ...) TN_PRINTF(2, 3);

/* A reload has begun. tn_notify_ready is to follow. */
void tn_notify_reloading(struct tn_notify *notify, const char *format, ...) TN_PRINTF(2, 3);

/* It is about to end. */
void tn_notify_stopping(struct tn_notify *notify, const char *format, ...) TN_PRINTF(2, 3);

/* Nothing but the text. */
void tn_notify_status(struct tn_notify *notify, const char *format, ...) TN_PRINTF(2, 3);

/*
 * Sends what is due: what could not be sent before, and the sign of life, at half of the time that
 * the watchdog has. To be called at each turn of the loop. Returns when it is to be called again at
 * the latest, in ms of CLOCK_MONOTONIC, as `now` is; -1: it need not be.
 */
int64_t tn_notify_turn(struct tn_notify *notify, int64_t now);

/* For a process that cannot give signs of life: the next message has the manager expect none.
 * Returns whether it did expect them. */
bool tn_notify_unwatch(struct tn_notify *notify);

#endif
