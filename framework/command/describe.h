/* describe.h - how the commands that show a plan name what is in it. */
#ifndef TENON_COMMAND_DESCRIBE_H
#define TENON_COMMAND_DESCRIBE_H

#include "command/table.h"
#include "deploy/plan.h"

/* "public", "private", or "unreachable": no route leads to it, and none to those that bind it. */
const char *tn_describe_state(const struct tn_plan_worker *worker);

/* Prints the line about a Worker: "auth@staging: private, waits (service.users -> users blocks),
 * inherits from auth, etc/tenon.ini:12". false where there is no memory. */
bool tn_describe_heading(const struct tn_plan_worker *worker);

/* Writes "etc/tenon.ini:12", or what there is of it, to the cell. */
void tn_describe_place(struct tn_table *table, struct tn_place place);

/* Writes where an entry stands, as seen from a section that has it: behind the place
 * ", inherited from auth" if it is another's. */
void tn_describe_from(struct tn_table *table, const struct tn_entry *entry,
                      const struct tn_section *section);

/* The name of the section that the entry is inherited from, "auth" or "[host]"; NULL: it is its
 * own. */
const char *tn_describe_inherited(const struct tn_entry *entry, const struct tn_section *section);

#endif
