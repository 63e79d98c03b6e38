#include "supervise/page.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct tn_page *tn_page_map(int descriptor)
{
	struct stat status;
	void *page;

	if (fstat(descriptor, &status) < 0)
		return NULL;
	if (status.st_size != (off_t)sizeof(struct tn_page)) {
		errno = EINVAL;
		return NULL;
	}
	page = mmap(NULL, sizeof(struct tn_page), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor,
	            0);
	return page == MAP_FAILED ? NULL : page;
}

void tn_page_set_culprit(struct tn_page *page, const struct tn_activity *activity)
{
	uint64_t number =
		activity == &page->activity ? 1 : (uint64_t)(activity - page->threads) + 2;

	atomic_store_explicit(&page->culprit, number, memory_order_relaxed);
}

static const struct tn_activity *find_only(const struct tn_page *page)
{
	const struct tn_activity *only = NULL;

	if (tn_activity_running(&page->activity))
		return &page->activity;
	for (size_t i = 0; i < TN_ACTIVITY_THREADS; i++) {
		if (!tn_activity_running(&page->threads[i]))
			continue;
		if (only)
			return &page->activity;
		only = &page->threads[i];
	}
	return only ? only : &page->activity;
}

const struct tn_activity *tn_page_culprit(const struct tn_page *page)
{
	uint64_t number = atomic_load_explicit(&page->culprit, memory_order_relaxed);

	if (!number)
		return find_only(page);
	return number >= 2 && number - 2 < TN_ACTIVITY_THREADS ? &page->threads[number - 2]
	                                                       : &page->activity;
}

void tn_page_unmap(struct tn_page *page)
{
	if (page)
		munmap(page, sizeof(*page));
}

/* A host that made it shorter would have the supervisor read behind its end. */
int tn_page_create(struct tn_page **page)
{
	int descriptor = memfd_create("tenon-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	*page = NULL;
	if (descriptor < 0)
		return -1;
	if (ftruncate(descriptor, sizeof(struct tn_page)) == 0 &&
	    fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		*page = tn_page_map(descriptor);
	if (*page)
		return descriptor;
	error = errno;
	close(descriptor);
	errno = error;
	return -1;
}
