/*
 * quarantine.h - a Worker that keeps crashing is not entered: what calls it gets a 503.
 *
 * A mark is a byte that somebody else writes, the supervisor, at any time and in memory that this
 * process can only read. Entering a Worker tests the one that its service points to.
 */
#ifndef TENON_MESSAGE_QUARANTINE_H
#define TENON_MESSAGE_QUARANTINE_H

#include "tenon.h"

#include <stdatomic.h>
#include <stdint.h>

/* What a mark can be. Each leaves out what those before it do. */
enum tn_quarantine_level {
	TN_QUARANTINE_NONE,
	TN_QUARANTINE_REQUESTS, /* it is not called */
	TN_QUARANTINE_START,    /* nor are its hooks, where a process starts with this */
	TN_QUARANTINE_LOAD,     /* nor is its module loaded, where a process starts with this */
};

/* The service's mark, which outlives it; it is kept in `reserved[1]`. NULL: it has none. */
static inline void tn_quarantine_mark(struct tn_service *service, const _Atomic uint8_t *mark)
{
	service->reserved[1] = (void *)(uintptr_t)mark;
}

static inline bool tn_quarantine_holds(const struct tn_service *service)
{
	const _Atomic uint8_t *mark = service->reserved[1];

	return mark && atomic_load_explicit(mark, memory_order_relaxed);
}

#endif
