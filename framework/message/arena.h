/*
 * arena.h - the memory of an exchange: bumped, never freed piece by piece, taken back whole.
 *
 * A first chunk is kept over resets, so an exchange that fits in it asks the system for nothing.
 * What is larger than a quarter of a chunk gets a block of its own. Not thread-safe.
 */
#ifndef TENON_MESSAGE_ARENA_H
#define TENON_MESSAGE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#define TN_ARENA_CHUNK ((size_t)16 * 1024)
#define TN_ARENA_LARGE (TN_ARENA_CHUNK / 4)

struct tn_arena_block;
struct tn_arena_release;

struct tn_arena {
	char *next; /* free from here */
	char *end;
	char *first; /* the chunk that is kept */
	struct tn_arena_block *blocks;
	struct tn_arena_release *releases;
	size_t used; /* bytes handed out since the last reset, with what aligning cost */
	size_t limit;
};

/* Makes an arena that hands out at most `limit` bytes; false where there is no memory. */
bool tn_arena_init(struct tn_arena *arena, size_t limit);

/* Resets, then gives back the first chunk, too. */
void tn_arena_finish(struct tn_arena *arena);

/* Memory for any type, not zeroed; NULL at the limit or where the system has none. */
void *tn_arena_alloc(struct tn_arena *arena, size_t size);

/*
 * The same block with room for `size` bytes, its first `old` kept; in place where it can be. The
 * old address is not to be used any more. NULL as above, with the old block untouched.
 */
void *tn_arena_grow(struct tn_arena *arena, void *block, size_t old, size_t size);

/* A copy with a NUL behind it. */
char *tn_arena_copy(struct tn_arena *arena, const void *data, size_t size);

/* Notes release(argument) for the next reset. false at the limit, and then it is not noted. */
bool tn_arena_defer(struct tn_arena *arena, void (*release)(void *argument), void *argument);

/* Runs the release callbacks, last one first; those that they add, too. Memory stays. */
void tn_arena_release(struct tn_arena *arena);

/* Runs what is left of the release callbacks, then takes all memory back. */
void tn_arena_reset(struct tn_arena *arena);

#endif
