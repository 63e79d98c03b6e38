/*
 * page.h - what a host process leaves behind, whatever ends it: memory that it and the supervisor
 * have mapped. What is not touched of it costs nothing.
 */
#ifndef TENON_SUPERVISE_PAGE_H
#define TENON_SUPERVISE_PAGE_H

#include "message/activity.h"
#include "supervise/frames.h"

struct tn_page {
	struct tn_activity activity;
	struct tn_frames frames; /* of its crash */
};

/* A zeroed one, in a file without a name (memfd_create(2)) that is sealed against another size.
 * Returns its descriptor, closed on exec, for the caller to close, and *page, for tn_page_unmap; -1
 * and errno where it cannot be had. */
int tn_page_create(struct tn_page **page);

/* The one behind a descriptor, which may be closed then; NULL, and errno set, where it is none. */
struct tn_page *tn_page_map(int descriptor);

/* NULL is fine. */
void tn_page_unmap(struct tn_page *page);

#endif
