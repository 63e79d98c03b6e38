/*
 * page.h - what a host process leaves behind, whatever ends it: memory that it and the supervisor
 * have mapped. What is not touched of it costs nothing.
 */
#ifndef TENON_SUPERVISE_PAGE_H
#define TENON_SUPERVISE_PAGE_H

#include "message/activity.h"
#include "supervise/frames.h"

struct tn_page {
	struct tn_activity activity; /* of its loop */
	_Atomic uint64_t culprit;    /* tn_page_set_culprit; 0: nobody has told */
	struct tn_frames frames;     /* of its crash */
	struct tn_activity threads[TN_ACTIVITY_THREADS];
};

/* A zeroed one, in a file without a name (memfd_create(2)) that is sealed against another size.
 * Returns its descriptor, closed on exec, for the caller to close, and *page, for tn_page_unmap; -1
 * and errno where it cannot be had. */
int tn_page_create(struct tn_page **page);

/* The one behind a descriptor, which may be closed then; NULL, and errno set, where it is none. */
struct tn_page *tn_page_map(int descriptor);

/* It was on the thread of that activity, which is one of the page. */
void tn_page_set_culprit(struct tn_page *page, const struct tn_activity *activity);

/*
 * The activity of the thread that has crashed. Where nobody has told, as after SIGKILL, it is that
 * of the only thread in which a Worker was running; where there were several or none, the loop's.
 */
const struct tn_activity *tn_page_culprit(const struct tn_page *page);

/* NULL is fine. */
void tn_page_unmap(struct tn_page *page);

#endif
