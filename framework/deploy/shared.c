#include "deploy/shared.h"

#include <stdlib.h>
#include <sys/mman.h>

struct tn_shared_block {
	struct tn_shared_block *next;
	void *memory;
	size_t size;
};

void *tn_shared_create(struct tn_shared_block **list, size_t size)
{
	return tn_shared_map(list, -1, size);
}

void *tn_shared_map(struct tn_shared_block **list, int descriptor, size_t size)
{
	struct tn_shared_block *block = malloc(sizeof(*block));

	if (!block)
		return NULL;
	block->size = size ? size : 1;
	block->memory = mmap(NULL, block->size, PROT_READ | PROT_WRITE,
	                     MAP_SHARED | (descriptor < 0 ? MAP_ANONYMOUS : 0), descriptor, 0);
	if (block->memory == MAP_FAILED) {
		free(block);
		return NULL;
	}
	block->next = *list;
	*list = block;
	return block->memory;
}

void tn_shared_destroy(struct tn_shared_block *list)
{
	while (list) {
		struct tn_shared_block *block = list;

		list = block->next;
		munmap(block->memory, block->size);
		free(block);
	}
}
