/*
 * blocks.h - the memory of TN_SHARED fields: the supervisor holds it, so that it outlives crashes
 * and reloads for as long as Worker, field and size stay the same.
 */
#ifndef TENON_SUPERVISE_BLOCKS_H
#define TENON_SUPERVISE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

struct tn_block {
	char *name; /* "auth.HITS" */
	size_t size;
	int descriptor;
	unsigned generation; /* that asked for it last */
};

/* { 0 } is none at all. */
struct tn_blocks {
	struct tn_block *list;
	size_t count;
};

/* The memory of that name and size, zeroed where it is new; if it was of another size before, that
 * is logged. Returns its descriptor, which stays the list's; -1 and errno where it cannot be
 * had. */
int tn_blocks_find(struct tn_blocks *blocks, const char *name, size_t size, unsigned generation);

/* Lets go of what no generation from that one on has asked for. */
void tn_blocks_drop(struct tn_blocks *blocks, unsigned generation);

void tn_blocks_finish(struct tn_blocks *blocks);

#endif
