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
#include <stdint.h>
#include <string.h>

#define TN_ARENA_CHUNK ((size_t)16 * 1024)
#define TN_ARENA_LARGE (TN_ARENA_CHUNK / 4)
#define TN_ARENA_ALIGNMENT ((size_t)16)
#define TN_ARENA_NOTE ((size_t)24) /* what tn_arena_defer takes */

/* The arena hands out parts of one allocation, so ASan sees misuse only if it is told of it. */
#if defined(__SANITIZE_ADDRESS__)
#define TN_ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TN_ARENA_POISONS 1
#endif
#endif
#ifndef TN_ARENA_POISONS
#define TN_ARENA_POISONS 0
#endif

struct tn_arena_block;
struct tn_arena_release;

/* Where chunks and blocks come from; `give` gets what `take` gave, with its size. */
struct tn_arena_source {
	void *(*take)(size_t size);
	void (*give)(void *memory, size_t size);
};

struct tn_arena {
	char *next; /* free from here */
	char *end;
	char *first; /* the chunk that is kept */
	struct tn_arena_block *blocks;
	struct tn_arena_release *releases;
	size_t used; /* bytes handed out since the last reset, with what aligning cost */
	size_t limit;
	const struct tn_arena_source *source; /* NULL: malloc and free */
};

/* Makes an arena that hands out at most `limit` bytes; false where there is no memory. */
bool tn_arena_init(struct tn_arena *arena, size_t limit);

/* The same from a source of its own, which outlives it; NULL: malloc and free. */
bool tn_arena_init_from(struct tn_arena *arena, size_t limit,
                        const struct tn_arena_source *source);

/* Resets, then gives back the first chunk, too. */
void tn_arena_finish(struct tn_arena *arena);

/* What tn_arena_alloc does where the present chunk has no room: another chunk, a block, or NULL. */
void *tn_arena_alloc_slowly(struct tn_arena *arena, size_t size);

/* Memory for any type, not zeroed; NULL at the limit or where the system has none. Inline, since a
 * call of a Worker is little else than a few of these. */
static inline void *tn_arena_alloc(struct tn_arena *arena, size_t size)
{
	size_t whole = (size + TN_ARENA_ALIGNMENT - 1) & ~(TN_ARENA_ALIGNMENT - 1);
	char *memory = arena->next;

	if (TN_ARENA_POISONS || size - 1 >= TN_ARENA_LARGE - TN_ARENA_ALIGNMENT ||
	    whole > (size_t)(arena->end - memory) || whole > arena->limit - arena->used)
		return tn_arena_alloc_slowly(arena, size);
	arena->next = memory + whole;
	arena->used += whole;
	return memory;
}

/*
 * The same block with room for `size` bytes, its first `old` kept; in place where it can be. The
 * old address is not to be used any more. NULL as above, with the old block untouched.
 */
void *tn_arena_grow(struct tn_arena *arena, void *block, size_t old, size_t size);

/* A copy with a NUL behind it; NULL as above. */
static inline char *tn_arena_copy(struct tn_arena *arena, const void *data, size_t size)
{
	char *copy = size < PTRDIFF_MAX ? tn_arena_alloc(arena, size + 1) : NULL;

	if (!copy)
		return NULL;
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

/* Notes release(argument) for the next reset. false at the limit, and then it is not noted. */
bool tn_arena_defer(struct tn_arena *arena, void (*release)(void *argument), void *argument);

/* Runs the release callbacks, last one first; those that they add, too. Memory stays. */
void tn_arena_release(struct tn_arena *arena);

/* Runs what is left of the release callbacks, then takes all memory back. */
void tn_arena_reset(struct tn_arena *arena);

#endif
