/* output.h - writes to a log without ever waiting for who reads it. */
#ifndef TENON_OBSERVE_OUTPUT_H
#define TENON_OBSERVE_OUTPUT_H

#include <stddef.h>

/*
 * Writes as much as can be written at once, and returns how much that was. The descriptor's own
 * mode stays as it is: standard error is shared with other programs.
 */
size_t tn_output_write(int file, const char *data, size_t size);

#endif
