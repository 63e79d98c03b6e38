#include "supervise/objects.h"

#include <limits.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct maker {
	char program[PATH_MAX]; /* the dynamic loader has no name for it */
	struct tn_objects *objects;
	struct tn_module *const *modules;
	size_t module_count;
	size_t most; /* objects that there is room for */
	size_t room; /* bytes that their paths take */
	char *next;  /* where the next path goes */
};

static const char *file_of(const struct maker *maker, const struct dl_phdr_info *info)
{
	return *info->dlpi_name ? info->dlpi_name : maker->program;
}

static const char *path_of(const struct maker *maker, const char *file)
{
	for (size_t i = 0; i < maker->module_count; i++)
		if (strcmp(file, maker->modules[i]->file) == 0)
			return maker->modules[i]->path;
	return file;
}

static int measure(struct dl_phdr_info *info, size_t size, void *argument)
{
	struct maker *maker = argument;
	const char *file = file_of(maker, info);

	(void)size;
	maker->most++;
	maker->room += strlen(file) + 1 + strlen(path_of(maker, file)) + 1;
	return 0;
}

static struct tn_object describe(const struct dl_phdr_info *info)
{
	struct tn_object object = { .base = info->dlpi_addr, .first = UINTPTR_MAX };

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t first = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type != PT_LOAD)
			continue;
		if (first < object.first)
			object.first = first;
		if (first + segment->p_memsz > object.end)
			object.end = first + segment->p_memsz;
	}
	return object;
}

static const char *keep(struct maker *maker, const char *text)
{
	size_t size = strlen(text) + 1;
	char *kept = memcpy(maker->next, text, size);

	maker->next += size;
	maker->room -= size;
	return kept;
}

/* Another thread may have loaded more since they were measured: those are left out. */
static int add(struct dl_phdr_info *info, size_t size, void *argument)
{
	struct maker *maker = argument;
	const char *file = file_of(maker, info);
	const char *path = path_of(maker, file);
	struct tn_object *object = &maker->objects->list[maker->objects->count];

	(void)size;
	if (maker->objects->count == maker->most || strlen(file) + strlen(path) + 2 > maker->room)
		return 1;
	*object = describe(info);
	object->file = keep(maker, file);
	object->path = keep(maker, path);
	maker->objects->count++;
	return 0;
}

const struct tn_objects *tn_objects_create(struct tn_module *const *modules, size_t count)
{
	struct maker maker = { .modules = modules, .module_count = count };
	size_t lists, size;

	if (readlink("/proc/self/exe", maker.program, sizeof(maker.program) - 1) < 0)
		memcpy(maker.program, "tenon", sizeof("tenon"));
	dl_iterate_phdr(measure, &maker);
	lists = sizeof(struct tn_objects) + maker.most * sizeof(struct tn_object);
	size = lists + maker.room;
	maker.objects = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	                     0);
	if (maker.objects == MAP_FAILED)
		return NULL;
	maker.objects->size = size;
	maker.next = (char *)maker.objects + lists;
	dl_iterate_phdr(add, &maker);
	mprotect(maker.objects, size, PROT_READ);
	return maker.objects;
}

void tn_objects_destroy(const struct tn_objects *objects)
{
	if (objects)
		munmap((void *)(uintptr_t)objects, objects->size);
}

const struct tn_object *tn_objects_find(const struct tn_objects *objects, uintptr_t address)
{
	for (size_t i = 0; objects && i < objects->count; i++) {
		const struct tn_object *object = &objects->list[i];

		if (address >= object->first && address < object->end)
			return object;
	}
	return NULL;
}
