/* link.h - whom the bindings of a plan's Workers name. */
#ifndef TENON_DEPLOY_LINK_H
#define TENON_DEPLOY_LINK_H

#include "deploy/plan.h"

/* Fills in the bindings of every Worker, and who uses it. Errors are added to the list, those of an
 * entry once, however many inherit it. Returns false where there is no memory. */
bool tn_link(struct tn_plan *plan, struct tn_errors *errors);

/* Whether the key is "split.FIELD.key"; its field is *size bytes from *field on. */
bool tn_link_split_key(const char *key, const char **field, size_t *size);

#endif
