#include "supervise/privileges.h"

#include "observe/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

TN_PRINTF(2, 3)
static bool fail(char *reason, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(reason, TN_REASON_SIZE, format, list);
	va_end(list);
	return false;
}

void tn_privileges_announce(const struct tn_privileges *privileges)
{
	if (privileges->keeps && geteuid() == 0)
		tn_log_write(TN_LOG_WARNING, NULL,
		             "the Workers run as root, though without its capabilities: name "
		             "another `user` in [host]");
}

/* ---- As a word ----------------------------------------------------------------------------- */

const char *tn_privileges_write(const struct tn_privileges *privileges, char *text)
{
	size_t size;

	if (privileges->keeps) {
		memcpy(text, "-", 2);
		return text;
	}
	size = (size_t)snprintf(text, TN_PRIVILEGES_TEXT, "%u:%u:", privileges->user,
	                        privileges->group);
	for (size_t i = 0; i < privileges->group_count; i++)
		size += (size_t)snprintf(text + size, TN_PRIVILEGES_TEXT - size, "%s%u",
		                         i ? "," : "", privileges->groups[i]);
	return text;
}

/* Moves behind the digits and what ends them; -1, which is no id, is not taken. */
static bool read_id(const char **at, char end, unsigned *id)
{
	unsigned long number;
	char *behind;

	if (**at < '0' || **at > '9')
		return false;
	number = strtoul(*at, &behind, 10);
	if (number >= UINT_MAX || *behind != end)
		return false;
	*id = (unsigned)number;
	*at = behind + (end != '\0');
	return true;
}

static bool read_groups(const char *at, struct tn_privileges *privileges)
{
	while (*at) {
		bool more = strchr(at, ',');

		if (privileges->group_count == TN_PRIVILEGES_GROUPS ||
		    !read_id(&at, more ? ',' : '\0', &privileges->groups[privileges->group_count]))
			return false;
		privileges->group_count++;
		if (!more)
			return true;
	}
	return privileges->group_count == 0;
}

bool tn_privileges_read(const char *text, struct tn_privileges *privileges)
{
	*privileges = (struct tn_privileges){ .keeps = strcmp(text, "-") == 0 };
	return privileges->keeps ||
	       (read_id(&text, ':', &privileges->user) && read_id(&text, ':', &privileges->group) &&
	        read_groups(text, privileges));
}

/* ---- Dropping ------------------------------------------------------------------------------ */

static bool fail_to_become(const struct tn_privileges *privileges, const char *call, char *reason)
{
	return fail(reason, "it cannot become user %u with group %u: %s: %s%s", privileges->user,
	            privileges->group, call, strerror(errno),
	            errno == EPERM ? ": start tenon with CAP_SETUID and CAP_SETGID, or as that "
	                             "user and without `user`"
	                           : "");
}

static bool become(const struct tn_privileges *privileges, char *reason)
{
	uid_t user = privileges->user;
	gid_t group = privileges->group;

	if (setgroups(privileges->group_count, privileges->groups) < 0)
		return fail_to_become(privileges, "setgroups", reason);
	if (setresgid(group, group, group) < 0)
		return fail_to_become(privileges, "setresgid", reason);
	if (setresuid(user, user, user) < 0)
		return fail_to_become(privileges, "setresuid", reason);
	return true;
}

/* What a program that it starts could get at most. Without CAP_SETPCAP it stays as it was, and is
 * of no use behind PR_SET_NO_NEW_PRIVS. */
static void drop_bounding(void)
{
	for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
}

/* The system calls themselves: libcap-ng would cost each process 80 KiB, and a tenth of a
 * millisecond, for these three. */
static bool drop_capabilities(char *reason)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return fail(reason, "it cannot give up its ambient capabilities: %s",
		            strerror(errno));
	if (syscall(SYS_capset, &header, none) < 0)
		return fail(reason, "it cannot give up its capabilities: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(reason, "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
	return true;
}

static bool is_without_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	/* The kernel writes both; valgrind 3.19 knows of the first alone. */
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (data[i].effective || data[i].permitted || data[i].inheritable)
			return false;
	return true;
}

/* Asks the kernel, and tries to come back. */
static bool has_become(const struct tn_privileges *privileges)
{
	uid_t user = privileges->user, users[3];
	gid_t group = privileges->group, groups[3];

	if (getresuid(&users[0], &users[1], &users[2]) < 0 ||
	    getresgid(&groups[0], &groups[1], &groups[2]) < 0)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (users[i] != user || groups[i] != group)
			return false;
	return user == 0 || (setuid(0) < 0 && seteuid(0) < 0);
}

/* Another user's is not dumpable at first, which keeps gdb and core dumps away, and what was root's
 * in it. This program was executed afresh: nothing is in it but the command line and the
 * environment. */
bool tn_privileges_drop(const struct tn_privileges *privileges, char *reason)
{
	drop_bounding();
	if (!privileges->keeps && !become(privileges, reason))
		return false;
	if (!drop_capabilities(reason))
		return false;
	if (!is_without_capabilities() || (!privileges->keeps && !has_become(privileges)))
		return fail(reason, "it has privileges that it has given up: this kernel, or what "
		                    "confines it, does not do what it says");
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return true;
}

/* ---- What it can reach --------------------------------------------------------------------- */

/* As that user for files alone: to signals and debuggers it stays root's, whose memory it has. */
static bool act_as(const struct tn_privileges *privileges)
{
	char reason[TN_REASON_SIZE];

	if (!privileges->keeps) {
		if (setgroups(privileges->group_count, privileges->groups) < 0)
			return false;
		setfsgid(privileges->group);
		setfsuid(privileges->user);
	}
	return drop_capabilities(reason);
}

static _Noreturn void try_to_read(const struct tn_privileges *privileges, const char *directory)
{
	int descriptor = -1;

	if (act_as(privileges))
		descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_exit(descriptor < 0 || openat(descriptor, ".", O_RDONLY | O_CLOEXEC) < 0);
}

/* Root without its capabilities is not let in everywhere, either. */
static bool reaches(const void *privileges, const char *directory)
{
	const struct tn_privileges *wanted = privileges;
	int status = -1;
	pid_t pid;

	if (wanted->keeps && geteuid() != 0)
		return true;
	pid = fork();
	if (pid == 0)
		try_to_read(wanted, directory);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct tn_stage_reader tn_privileges_reader(const struct tn_privileges *privileges)
{
	return (struct tn_stage_reader){
		.group = privileges->keeps ? (gid_t)-1 : privileges->group,
		.reaches = reaches,
		.argument = privileges,
	};
}
