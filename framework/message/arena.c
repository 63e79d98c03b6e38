#include "message/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if TN_ARENA_POISONS
#include <sanitizer/asan_interface.h>
#define poison(address, size) ASAN_POISON_MEMORY_REGION(address, size)
#define unpoison(address, size) ASAN_UNPOISON_MEMORY_REGION(address, size)
#define RED_ZONE ((size_t)16)
#else
#define poison(address, size) ((void)0)
#define unpoison(address, size) ((void)0)
#define RED_ZONE ((size_t)0)
#endif

/* A chunk beyond the first, or a large block: `data` follows. */
struct tn_arena_block {
	struct tn_arena_block *older;
	size_t size;
	_Alignas(16) char data[];
};

struct tn_arena_release {
	struct tn_arena_release *earlier;
	void (*release)(void *argument);
	void *argument;
};

_Static_assert(sizeof(struct tn_arena_release) == TN_ARENA_NOTE, "it is what a note takes");

static size_t aligned(size_t size)
{
	return (size + TN_ARENA_ALIGNMENT - 1) & ~(TN_ARENA_ALIGNMENT - 1);
}

static void *take(const struct tn_arena *arena, size_t size)
{
	return arena->source ? arena->source->take(size) : malloc(size);
}

static void give(const struct tn_arena *arena, void *memory, size_t size)
{
	if (arena->source)
		arena->source->give(memory, size);
	else
		free(memory);
}

bool tn_arena_init(struct tn_arena *arena, size_t limit)
{
	return tn_arena_init_from(arena, limit, NULL);
}

bool tn_arena_init_from(struct tn_arena *arena, size_t limit,
                        const struct tn_arena_source *source)
{
	*arena = (struct tn_arena){ .limit = limit, .source = source };
	arena->first = take(arena, TN_ARENA_CHUNK);
	if (!arena->first)
		return false;
	arena->next = arena->first;
	arena->end = arena->first + TN_ARENA_CHUNK;
	poison(arena->first, TN_ARENA_CHUNK);
	return true;
}

void tn_arena_finish(struct tn_arena *arena)
{
	if (!arena->first)
		return;
	tn_arena_reset(arena);
	unpoison(arena->first, TN_ARENA_CHUNK);
	give(arena, arena->first, TN_ARENA_CHUNK);
	arena->first = NULL;
}

static struct tn_arena_block *add_block(struct tn_arena *arena, size_t size)
{
	struct tn_arena_block *block = take(arena, sizeof(*block) + size);

	if (!block)
		return NULL;
	block->older = arena->blocks;
	block->size = size;
	arena->blocks = block;
	return block;
}

/* What does not fit into the current chunk: a large block of its own, or a new chunk. */
static void *alloc_elsewhere(struct tn_arena *arena, size_t size)
{
	struct tn_arena_block *block;

	if (size > TN_ARENA_LARGE) {
		block = add_block(arena, size);
		return block ? block->data : NULL;
	}
	block = add_block(arena, TN_ARENA_CHUNK);
	if (!block)
		return NULL;
	poison(block->data, TN_ARENA_CHUNK);
	arena->next = block->data + size + RED_ZONE;
	arena->end = block->data + TN_ARENA_CHUNK;
	unpoison(block->data, size);
	return block->data;
}

void *tn_arena_alloc_slowly(struct tn_arena *arena, size_t size)
{
	size_t whole = aligned(size ? size : 1);
	void *memory;

	if (size > arena->limit || whole > arena->limit - arena->used)
		return NULL;
	if (whole > TN_ARENA_LARGE || whole + RED_ZONE > (size_t)(arena->end - arena->next)) {
		memory = alloc_elsewhere(arena, whole);
	} else {
		memory = arena->next;
		arena->next += whole + RED_ZONE;
		unpoison(memory, size ? size : 1);
	}
	if (memory)
		arena->used += whole;
	return memory;
}

/* Only the newest block can move without a search, and a body that grows is the newest. */
static void *grow_newest(struct tn_arena *arena, size_t old, size_t size)
{
	size_t more = aligned(size) - aligned(old);
	struct tn_arena_block *block;

	if (more > arena->limit - arena->used)
		return NULL;
	block = realloc(arena->blocks, sizeof(*block) + aligned(size));
	if (!block)
		return NULL;
	block->size = aligned(size);
	arena->blocks = block;
	arena->used += more;
	return block->data;
}

void *tn_arena_grow(struct tn_arena *arena, void *block, size_t old, size_t size)
{
	void *larger;

	if (size > arena->limit)
		return NULL;
	if (!arena->source && aligned(old) > TN_ARENA_LARGE && arena->blocks &&
	    arena->blocks->data == block)
		return grow_newest(arena, old, size);
	larger = tn_arena_alloc(arena, size);
	if (larger && old)
		memcpy(larger, block, old);
	return larger;
}

bool tn_arena_defer(struct tn_arena *arena, void (*release)(void *argument), void *argument)
{
	struct tn_arena_release *note = tn_arena_alloc(arena, sizeof(*note));

	if (!note)
		return false;
	note->earlier = arena->releases;
	note->release = release;
	note->argument = argument;
	arena->releases = note;
	return true;
}

void tn_arena_release(struct tn_arena *arena)
{
	while (arena->releases) {
		struct tn_arena_release *note = arena->releases;

		arena->releases = note->earlier;
		note->release(note->argument);
	}
}

void tn_arena_reset(struct tn_arena *arena)
{
	tn_arena_release(arena);
	while (arena->blocks) {
		struct tn_arena_block *block = arena->blocks;

		arena->blocks = block->older;
		unpoison(block->data, block->size);
		give(arena, block, sizeof(*block) + block->size);
	}
	arena->next = arena->first;
	arena->end = arena->first + TN_ARENA_CHUNK;
	arena->used = 0;
	poison(arena->first, TN_ARENA_CHUNK);
}
