#include "supervise/blocks.h"

#include "observe/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int create(const char *name, size_t size)
{
	int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (descriptor < 0)
		return -1;
	/* Who cut it off would have all others crash. */
	if (ftruncate(descriptor, size ? (off_t)size : 1) == 0 &&
	    fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return descriptor;
	close(descriptor);
	return -1;
}

static int add(struct tn_blocks *blocks, const char *name, size_t size, unsigned generation)
{
	struct tn_block *list = reallocarray(blocks->list, blocks->count + 1, sizeof(list[0]));
	struct tn_block block = { .name = strdup(name), .size = size, .generation = generation };

	if (list)
		blocks->list = list;
	block.descriptor = list && block.name ? create(name, size) : -1;
	if (block.descriptor < 0) {
		free(block.name);
		return -1;
	}
	list[blocks->count++] = block;
	return block.descriptor;
}

int tn_blocks_find(struct tn_blocks *blocks, const char *name, size_t size, unsigned generation)
{
	size_t other = 0;

	for (size_t i = 0; i < blocks->count; i++) {
		struct tn_block *block = &blocks->list[i];

		if (strcmp(block->name, name) != 0)
			continue;
		if (block->size == size) {
			if (generation > block->generation)
				block->generation = generation;
			return block->descriptor;
		}
		other = block->size;
	}
	if (other)
		tn_log_write(
			TN_LOG_WARNING, NULL,
			"%s: its shared memory has %zu bytes instead of %zu now: it starts anew",
			name, size, other);
	return add(blocks, name, size, generation);
}

static void finish(struct tn_block *block)
{
	close(block->descriptor);
	free(block->name);
}

void tn_blocks_drop(struct tn_blocks *blocks, unsigned generation)
{
	size_t kept = 0;

	for (size_t i = 0; i < blocks->count; i++) {
		if (blocks->list[i].generation < generation)
			finish(&blocks->list[i]);
		else
			blocks->list[kept++] = blocks->list[i];
	}
	blocks->count = kept;
}

void tn_blocks_finish(struct tn_blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++)
		finish(&blocks->list[i]);
	free(blocks->list);
	*blocks = (struct tn_blocks){ 0 };
}
