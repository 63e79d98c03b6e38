/*
 * control.h - the socket on which a supervisor is asked for its status, a reload or its end.
 *
 * It is a Unix socket of whole messages (SOCK_SEQPACKET) that its owner alone may open. A client
 * sends one message, "status", "reload", "reload WORKER...", "release WORKER" or "stop", and gets
 * any number of messages of text, then the exit code. A lock on a file beside it tells one that is
 * in use from one that was left behind.
 *
 * Nothing here waits: what a client does not read is kept for it, up to a limit. All of it is for
 * the supervisor's one thread.
 */
#ifndef TENON_SUPERVISE_CONTROL_H
#define TENON_SUPERVISE_CONTROL_H

#include "deploy/names.h"

#include <poll.h>

struct tn_plan;

#define TN_CONTROL_PATH_MOST 107                 /* bytes: the room of a socket's address */
#define TN_CONTROL_CLIENTS 64                    /* at a time */
#define TN_CONTROL_POLL (TN_CONTROL_CLIENTS + 1) /* descriptors at most */
#define TN_CONTROL_PART ((size_t)16 * 1024)      /* bytes of a message at most */

/* The first byte of a message to a client. */
enum tn_control_message {
	TN_CONTROL_TEXT = 'T', /* a part of the answer, or of what a person is to read */
	TN_CONTROL_END = 'E',  /* the exit code in digits: nothing follows */
};

/* What a client asks for. */
enum tn_control_ask {
	TN_CONTROL_NOTHING, /* yet */
	TN_CONTROL_STATUS,
	TN_CONTROL_RELOAD,
	TN_CONTROL_RELOADING, /* the one that is under way is the one it asked for */
	TN_CONTROL_RELEASE,   /* a Worker from its quarantine */
	TN_CONTROL_STOP,
	TN_CONTROL_ENDED, /* it has its exit code */
};

struct tn_control;
struct tn_control_client;

/* Where the socket of a configuration is: what its `control` says, or the name of the file and of
 * the environment (NULL: none). For the caller to free; NULL where there is no memory. */
char *tn_control_path(const struct tn_plan *plan, const char *file, const char *environment);

/*
 * Makes the socket, in place of one that was left behind. Returns 0 and *result, for the caller to
 * close; else the exit code, and the reason with its cure (TN_REASON_SIZE bytes): EX_UNAVAILABLE
 * where a living process has it, EX_CONFIG where the path can be none, EX_CANTCREAT where it cannot
 * be made there.
 */
int tn_control_open(const char *path, struct tn_control **result, char *reason);

/* Gives the path up, so that another process may have it; clients are kept. */
void tn_control_leave(struct tn_control *control);

/* The same, and ends all clients. NULL is fine. */
void tn_control_close(struct tn_control *control);

/* What to wait for: writes TN_CONTROL_POLL entries at most, and returns how many. NULL is fine. */
size_t tn_control_poll(const struct tn_control *control, struct pollfd *list);

/* Whether a client waits that cannot be let in, for want of descriptors or memory: it is not waited
 * for then, but tried again at the next turn. NULL is fine. */
bool tn_control_is_stuck(const struct tn_control *control);

/* Lets clients in, and takes and sends what can be; the function is called for each client that has
 * asked, once. NULL is fine. */
void tn_control_turn(struct tn_control *control,
                     void (*asked)(void *argument, struct tn_control_client *client,
                                   enum tn_control_ask ask),
                     void *argument);

/* The client that has waited for longest of those that ask for it; NULL where none does. No control
 * at all, NULL, is fine. */
struct tn_control_client *tn_control_first(struct tn_control *control, enum tn_control_ask ask);

/* The Workers that it has named, as in names.h; NULL: none. It lives as long as the client, which
 * the next tn_control_... but for this one may end. */
const char *tn_control_workers(const struct tn_control_client *client);

/* Answers one client. */
void tn_control_tell(struct tn_control_client *client, const char *text);
void tn_control_end(struct tn_control_client *client, int code);

/* All clients that ask for one thing are from now on those of another. NULL is fine, here and
 * below. */
void tn_control_turn_into(struct tn_control *control, enum tn_control_ask ask,
                          enum tn_control_ask other);

/*
 * Begins the reload that these Workers (NULL: a whole one) are asked for: all clients that ask for
 * the very same and wait are TN_CONTROL_RELOADING from now on. Others go on waiting: two teams that
 * ask at the same time do not fail of each other.
 */
void tn_control_begin_reload(struct tn_control *control, const char *workers);

/* Begins the release that this client asks for, which takes a new generation, as a reload does: it
 * is TN_CONTROL_RELOADING from now on. */
void tn_control_begin_release(struct tn_control_client *client);

/* Answers all clients that ask for it. */
void tn_control_tell_all(struct tn_control *control, enum tn_control_ask ask, const char *text);
void tn_control_end_all(struct tn_control *control, enum tn_control_ask ask, int code);

#endif
