/*
 * privileges.h - whose the host processes are, and what they may not. The supervisor finds it out
 * (`user` and `group` in [host]) and keeps its own privileges; a host process gives up all that is
 * more before it loads any module.
 */
#ifndef TENON_SUPERVISE_PRIVILEGES_H
#define TENON_SUPERVISE_PRIVILEGES_H

#include "deploy/plan.h"
#include "deploy/stage.h"

#include <sys/types.h>

#define TN_PRIVILEGES_GROUPS 1024 /* at most; a user with more is refused */
#define TN_PRIVILEGES_TEXT (11 * (TN_PRIVILEGES_GROUPS + 2) + 1)

struct tn_privileges {
	bool keeps; /* the supervisor's own user: what follows does not count */
	uid_t user;
	gid_t group;
	gid_t groups[TN_PRIVILEGES_GROUPS]; /* the supplementary ones */
	size_t group_count;
};

/*
 * What a plan asks for. A name is looked for first, then it may be a number. Without `group` it is
 * the user's own, and with it the supplementary ones are still the user's. Who is not root may name
 * itself only. Errors are added to the list, and false is returned then. For the supervisor; not
 * safe beside other threads, since it asks the system's name services.
 */
bool tn_privileges_find(const struct tn_plan *plan, struct tn_privileges *privileges,
                        struct tn_errors *errors);

/* The same for `check`, which may run elsewhere and as anybody: who does not exist here is a
 * warning. */
void tn_privileges_warn(const struct tn_plan *plan, struct tn_errors *errors);

/* Logs that the Workers run as root where nobody has asked for it. */
void tn_privileges_announce(const struct tn_privileges *privileges);

/* As one word of a command line: "1000:1000:4,24", or "-" where it keeps the user. Returns text,
 * which has TN_PRIVILEGES_TEXT bytes. */
const char *tn_privileges_write(const struct tn_privileges *privileges, char *text);

/* false where it is not such a word. */
bool tn_privileges_read(const char *text, struct tn_privileges *privileges);

/*
 * Becomes that user, for good: user, group and groups, no capability in any set, nothing to be had
 * from setuid programs, in this and in all processes that it starts. For one with a single thread.
 * What was set with PR_SET_PDEATHSIG is gone. False, and in the reason (TN_REASON_SIZE bytes) what
 * failed and the cure: then it must end.
 */
bool tn_privileges_drop(const struct tn_privileges *privileges, char *reason);

/* Who loads from a stage: whether it can be reached, root asks a child process, and waits for it.
 * The privileges must outlive it. */
struct tn_stage_reader tn_privileges_reader(const struct tn_privileges *privileges);

#endif
