/* objects.h - which shared objects are loaded, and where: a list that a signal handler may read. */
#ifndef TENON_SUPERVISE_OBJECTS_H
#define TENON_SUPERVISE_OBJECTS_H

#include "deploy/module.h"

/* One object; an address less `base` is the offset in its file that addr2line and nm have. */
struct tn_object {
	uintptr_t base;
	uintptr_t first; /* of its segments */
	uintptr_t end;
	const char *file; /* what was loaded */
	const char *path; /* the same, or the original of which it is a private copy */
};

struct tn_objects {
	size_t size; /* of the mapping */
	size_t count;
	struct tn_object list[];
};

/*
 * Those that are loaded now, in read-only memory of their own; NULL, and errno set, where there is
 * none. A copy of one of these modules has the path of its original, which is what people know.
 * tn_objects_destroy gives it back; NULL is fine. Not in a signal handler.
 */
const struct tn_objects *tn_objects_create(struct tn_module *const *modules, size_t count);
void tn_objects_destroy(const struct tn_objects *objects);

/* The one that has the address; NULL where none has, or the list is NULL. */
const struct tn_object *tn_objects_find(const struct tn_objects *objects, uintptr_t address);

#endif
