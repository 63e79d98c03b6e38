/* allocations.h - what the counting library and bench_allocations share: a mapped file. */
#ifndef TENON_TESTS_ALLOCATIONS_H
#define TENON_TESTS_ALLOCATIONS_H

#include <stdatomic.h>

#define ALLOCATIONS_FILE "TENON_BENCH_ALLOCATIONS" /* an environment variable */
#define OBJECTS_MOST 32
#define OBJECT_NAME 64

/* An object (the program or a library) and how often it asked for memory. */
struct allocations {
	struct {
		char name[OBJECT_NAME];
		_Atomic unsigned long count;
	} objects[OBJECTS_MOST];
};

#endif
