/* maps.h - which file is mapped at an address: for objects that were loaded since
 * tn_objects_create, as one whose constructor crashes. */
#ifndef TENON_SUPERVISE_MAPS_H
#define TENON_SUPERVISE_MAPS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct tn_mapping {
	uintptr_t base; /* where the file begins: what an address less this is, nm has */
	char file[PATH_MAX];
};

/*
 * Looks into /proc/self/maps, with open(2) and read(2) alone, so that a signal handler may do so;
 * `mapping` then lies in static memory, and one thread at a time asks. False where no file is
 * mapped there, where that of an object does not begin below, and where the list cannot be had or
 * is longer than 4 MiB before it.
 */
bool tn_maps_find(uintptr_t address, struct tn_mapping *mapping);

/* The same in a file of that form. It is read from where it stands, and not closed. */
bool tn_maps_find_in(int file, uintptr_t address, struct tn_mapping *mapping);

#endif
