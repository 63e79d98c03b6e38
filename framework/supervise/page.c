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
