/* refusal.h - a reply that the host writes by itself, where libmicrohttpd can send none. */
#ifndef TENON_SERVE_REFUSAL_H
#define TENON_SERVE_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define TN_REFUSAL_SIZE ((size_t)512)

/* Writes the whole reply with that status, which ends the connection; without its body for HEAD.
 * Returns its size; it is not ended. */
size_t tn_refusal_write(char text[TN_REFUSAL_SIZE], int status, bool head_only, time_t now);

/* Sends it, without waiting: to a client that has left earlier replies unread until there is no
 * room for more it is not sent, as it would not read this one either. Any thread. */
void tn_refusal_send(int socket, int status, bool head_only);

#endif
