/*
 * spool.h - files for bodies that are too large for the memory, written off the loop.
 *
 * One thread writes, maps and gives back all of them, first come first served, so that no disk is
 * waited for by the loop; it is started with the first file. A file has no name, from the beginning
 * on: whatever becomes of the process, nothing is left. All of this belongs to the loop's thread.
 */
#ifndef TENON_SERVE_SPOOL_H
#define TENON_SERVE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_spool;

/* One file. What is not its owner's to set is to be read only, and not while it is busy. */
struct tn_spool_file {
	/* Called on the loop's thread when what was asked for has been done or has failed. */
	void (*done)(void *argument);
	void *argument;
	bool busy;        /* from the asking until just before `done` */
	int error;        /* an errno; then nothing more is to be asked for; 0: none */
	size_t size;      /* bytes that have been written */
	const char *data; /* once it is mapped: all of them, and a NUL */
};

/* Files are made in that directory, which is to outlive it. NULL, with errno set, where there is no
 * memory or descriptor. */
struct tn_spool *tn_spool_create(const char *directory);

/* Waits until the thread has done all that it was asked for. No file is open. NULL is fine. */
void tn_spool_destroy(struct tn_spool *spool);

/* Readable while there is something to do for tn_spool_run. */
int tn_spool_descriptor(const struct tn_spool *spool);

/* Calls `done` of all that has been done. */
void tn_spool_run(struct tn_spool *spool);

/* The same, again and again, until nobody waits for anything, but at most until then, in ms of
 * CLOCK_MONOTONIC. Returns whether nobody does. */
bool tn_spool_settle(struct tn_spool *spool, int64_t until);

/* A new one, with nothing in it; it is made on the disk by the first write. NULL where there is no
 * memory, or no thread. */
struct tn_spool_file *tn_spool_open(struct tn_spool *spool);

/* Has these bytes added to it; they are to stay where they are until then. The file is not busy. */
void tn_spool_write(struct tn_spool_file *file, const char *data, size_t size);

/* The same, behind which it is whole: it is mapped, and takes no descriptor any more. */
void tn_spool_finish(struct tn_spool_file *file, const char *data, size_t size);

/* Gives it back, mapped or not; it is not busy. NULL is fine. */
void tn_spool_close(struct tn_spool_file *file);

#endif
