/* shared.h - the zeroed blocks of TN_SHARED slots, in memory that processes can share. */
#ifndef TENON_DEPLOY_SHARED_H
#define TENON_DEPLOY_SHARED_H

#include <stddef.h>

struct tn_shared_block;

/* Adds a block to the list and returns its memory, aligned to a page; NULL where there is none. */
void *tn_shared_create(struct tn_shared_block **list, size_t size);

/* The same of memory that a descriptor gives, which has that size and may be shared with others.
 * The descriptor may be closed then. */
void *tn_shared_map(struct tn_shared_block **list, int descriptor, size_t size);
void tn_shared_destroy(struct tn_shared_block *list);

#endif
