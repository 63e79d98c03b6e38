/* keys.h - the keys of a section, with those that it inherits. */
#ifndef TENON_DEPLOY_KEYS_H
#define TENON_DEPLOY_KEYS_H

#include "deploy/config.h"

/* Each key once: the inherited ones first, in their order. None is unset. */
struct tn_keys {
	const struct tn_entry **list;
	size_t count;
};

/*
 * What the section has and inherits from `parent`, which may be NULL, but for the keys that are
 * never inherited: `route` and `inherits`. That a key is unset which the parent has not is an error
 * in the list; that a variant has no parent is one already. The section may be NULL, too. Returns
 * false where there is no memory.
 */
bool tn_keys_inherit(struct tn_keys *keys, const struct tn_keys *parent,
                     const struct tn_section *section, struct tn_errors *errors);
void tn_keys_finish(struct tn_keys *keys);

/* The entry of that key; NULL where there is none. */
const struct tn_entry *tn_keys_find(const struct tn_keys *keys, const char *key);

/* What follows the prefix and a dot in the key, "auth" of "service.auth" for "service"; NULL where
 * the key does not begin so. */
const char *tn_key_field(const char *key, const char *prefix);

#endif
