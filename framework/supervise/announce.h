/* announce.h - what the log says when something begins to serve. */
#ifndef TENON_SUPERVISE_ANNOUNCE_H
#define TENON_SUPERVISE_ANNOUNCE_H

#include "deploy/plan.h"
#include "supervise/listener.h"

/* For which Workers the environment fell back on those without a variant; nothing where there is no
 * environment. */
void tn_announce_fallback(const struct tn_plan *plan);

/* That there are so many sockets of systemd's, and that `listen`, where it is written, is not used;
 * nothing where there are none. */
void tn_announce_given(const struct tn_plan *plan, size_t count);

/* "listening on http://127.0.0.1:8080". */
void tn_announce_listener(const struct tn_listener *listener);

#endif
