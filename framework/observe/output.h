/* output.h - writes to a log without ever waiting for who reads it. */
#ifndef TENON_OBSERVE_OUTPUT_H
#define TENON_OBSERVE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes as much as can be written at once, and returns how much that was. The descriptor's own
 * mode stays as it is: standard error is shared with other programs. `waits` says whether a write
 * to it may wait, as it does not where the descriptor was opened with O_NONBLOCK.
 */
size_t tn_output_write(int file, bool waits, const char *data, size_t size);

#endif
