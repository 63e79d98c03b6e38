#include "supervise/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Of the file: whole pages, which is what is mapped in any case. Number 0 is nobody's. */
static size_t size_for(size_t workers)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (workers + 1 + page - 1) / page * page;
}

/* The seal against writing spares the mapping that is there already. */
static bool map_and_seal(struct tn_marks *marks)
{
	size_t size = size_for(marks->workers);
	void *bytes;

	if (ftruncate(marks->descriptor, (off_t)size) < 0)
		return false;
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, marks->descriptor, 0);
	if (bytes == MAP_FAILED)
		return false;
	marks->bytes = bytes;
	return fcntl(marks->descriptor, F_ADD_SEALS, SIZE_SEALS | F_SEAL_FUTURE_WRITE) == 0 ||
	       (errno == EINVAL && fcntl(marks->descriptor, F_ADD_SEALS, SIZE_SEALS) == 0);
}

bool tn_marks_create(struct tn_marks *marks, size_t workers)
{
	int error;

	*marks = (struct tn_marks){ .workers = workers };
	marks->descriptor = memfd_create("tenon-marks", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (marks->descriptor < 0)
		return false;
	if (map_and_seal(marks))
		return true;
	error = errno;
	close(marks->descriptor);
	tn_marks_unmap(marks->bytes, workers);
	*marks = (struct tn_marks){ 0 };
	errno = error;
	return false;
}

void tn_marks_set(struct tn_marks *marks, uint32_t number, enum tn_quarantine_level level)
{
	if (marks->bytes && number && number <= marks->workers)
		atomic_store_explicit(&marks->bytes[number], (uint8_t)level, memory_order_relaxed);
}

void tn_marks_finish(struct tn_marks *marks)
{
	if (marks->bytes)
		close(marks->descriptor);
	tn_marks_unmap(marks->bytes, marks->workers);
	*marks = (struct tn_marks){ 0 };
}

const _Atomic uint8_t *tn_marks_map(int descriptor, size_t workers)
{
	size_t size = size_for(workers);
	struct stat status;
	void *bytes;

	if (fstat(descriptor, &status) < 0)
		return NULL;
	if (status.st_size != (off_t)size) {
		errno = EINVAL;
		return NULL;
	}
	bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
	return bytes == MAP_FAILED ? NULL : bytes;
}

void tn_marks_unmap(const _Atomic uint8_t *bytes, size_t workers)
{
	if (bytes)
		munmap((void *)(uintptr_t)bytes, size_for(workers));
}
