#include "supervise/privileges.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LABEL_SIZE 256

/* One plan that is looked at. */
struct finding {
	const struct tn_plan *plan;
	struct tn_privileges *privileges;
	struct tn_errors *errors;
	bool elsewhere; /* what is not there is a warning */
};

static bool complain(const struct finding *finding, const char *key, const char *wrong)
{
	const struct tn_entry *entry = tn_keys_find(&finding->plan->host, key);
	char label[LABEL_SIZE];

	tn_section_label(entry->section, label, sizeof(label));
	if (finding->elsewhere)
		tn_errors_warn(finding->errors, entry->place, "%s: %s: '%s': %s", label, key,
		               entry->value, wrong);
	else
		tn_errors_add(finding->errors, entry->place, "%s: %s: '%s': %s", label, key,
		              entry->value, wrong);
	return false;
}

/* -1 is what the system calls take for "as it is". */
static bool read_number(const char *text, unsigned *number)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoul(text, &end, 10);
	*number = (unsigned)value;
	return !*end && value < UINT_MAX;
}

/* What the name services say in many ways: see getpwnam(3). */
static bool is_unknown(int error)
{
	return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

static bool complain_of_lookup(const struct finding *finding, const char *key, int error,
                               const char *unknown)
{
	char text[256];

	if (is_unknown(error))
		return complain(finding, key, unknown);
	snprintf(text, sizeof(text), "it cannot be looked up: %s: try again", strerror(error));
	return complain(finding, key, text);
}

static bool find_group(const struct finding *finding)
{
	const char *name = finding->plan->settings.group;
	const struct group *entry;
	unsigned number;

	errno = 0;
	entry = getgrnam(name);
	if (entry)
		number = entry->gr_gid;
	else if (!read_number(name, &number))
		return complain_of_lookup(finding, "group", errno,
		                          "there is no such group: make it (groupadd --system), or "
		                          "name another");
	finding->privileges->group = number;
	return true;
}

/* The user's own, with the one that is the process's group among them. */
static bool find_groups(const struct finding *finding, const char *name)
{
	struct tn_privileges *privileges = finding->privileges;
	int count = TN_PRIVILEGES_GROUPS;

	if (getgrouplist(name, privileges->group, privileges->groups, &count) < 0)
		return complain(finding, "user",
		                "it is in more than 1024 groups: name a user for this service "
		                "alone");
	privileges->group_count = (size_t)count;
	return true;
}

/* A number need not have an entry: then it has the one group that is written. */
static bool find_number(const struct finding *finding, int error)
{
	const struct tn_settings *settings = &finding->plan->settings;
	unsigned number;

	if (!read_number(settings->user, &number))
		return complain_of_lookup(finding, "user", error,
		                          "there is no such user: make it (useradd --system), or "
		                          "name another");
	if (!settings->group)
		return complain(finding, "user",
		                "this number has no entry, and so no group: write `group`, too");
	finding->privileges->user = number;
	if (!find_group(finding))
		return false;
	finding->privileges->groups[0] = finding->privileges->group;
	finding->privileges->group_count = 1;
	return true;
}

static bool find(const struct finding *finding)
{
	const struct tn_settings *settings = &finding->plan->settings;
	const struct passwd *entry;
	unsigned number;
	int error;

	*finding->privileges = (struct tn_privileges){ .keeps = true };
	if (!settings->user)
		return true;
	finding->privileges->keeps = false;
	errno = 0;
	entry = getpwnam(settings->user);
	error = errno;
	if (!entry && read_number(settings->user, &number))
		entry = getpwuid(number);
	if (!entry)
		return find_number(finding, error);
	finding->privileges->user = entry->pw_uid;
	finding->privileges->group = entry->pw_gid;
	if (settings->group && !find_group(finding))
		return false;
	return find_groups(finding, entry->pw_name);
}

/* Who is not root can only stay what it is, with the groups that it has. */
static bool stay(const struct finding *finding)
{
	struct tn_privileges *privileges = finding->privileges;

	if (privileges->user != geteuid())
		return complain(finding, "user",
		                "only root may become another user: start tenon as root or as that "
		                "user, or remove the line");
	if (finding->plan->settings.group && privileges->group != getegid())
		return complain(finding, "group",
		                "only root may take another group: start tenon as root or with "
		                "that group, or remove the line");
	privileges->keeps = true;
	return true;
}

bool tn_privileges_find(const struct tn_plan *plan, struct tn_privileges *privileges,
                        struct tn_errors *errors)
{
	const struct finding finding = { plan, privileges, errors, false };

	if (!find(&finding))
		return false;
	return privileges->keeps || geteuid() == 0 || stay(&finding);
}

void tn_privileges_warn(const struct tn_plan *plan, struct tn_errors *errors)
{
	struct tn_privileges privileges;

	find(&(struct finding){ plan, &privileges, errors, true });
}
