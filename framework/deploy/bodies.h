/*
 * bodies.h - how large the body of a request may be, and how much of it is kept in memory: the key
 * `max_body` of Workers, and where the files are made that take what is larger.
 */
#ifndef TENON_DEPLOY_BODIES_H
#define TENON_DEPLOY_BODIES_H

#include "deploy/nearest.h"
#include "deploy/plan.h"

/* Fills in what the plan's Workers and routes say of it. Errors are added to the list, those of a
 * key where it stands. */
void tn_bodies(struct tn_plan *plan, struct tn_errors *errors);

/* Warns of a `max_body` that has no effect. */
void tn_bodies_warn(const struct tn_plan *plan, struct tn_errors *errors);

/* Whether a route takes bodies that are larger than body_memory. */
bool tn_bodies_spooled(const struct tn_plan *plan);

/* Where their files are made: body_directory, $TMPDIR or /var/tmp; the settings' or constant. */
const char *tn_bodies_directory(const struct tn_settings *settings);

/*
 * Makes a file there that has no name, mode 0600, and is gone when it is closed. Returns its
 * descriptor, the caller's; -1 with errno set. Any thread.
 */
int tn_bodies_open(const char *directory);

/*
 * Adds an error where no such file can be made, and there may be a need for it. Where it is not
 * certain that it will be this process's user who makes them, that is a warning, unless there is no
 * such directory at all.
 */
void tn_bodies_check(const struct tn_plan *plan, bool certain, struct tn_errors *errors);

/* Whether it is the key; and tries it as what may have been meant. */
bool tn_bodies_is_key(const char *key);
void tn_bodies_try_key(struct tn_nearest *nearest);

#endif
