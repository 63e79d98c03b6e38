/*
 * names.h - which function, file and line an offset in an object is.
 *
 * What is read may be broken, or made to break its reader: whoever asks is a process that may crash
 * or be killed.
 */
#ifndef TENON_BACKTRACE_NAMES_H
#define TENON_BACKTRACE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes to `text`, which has `room` bytes, what is known:
 *
 *	function (source.c:31)
 *	inlined (source.c:12) inlined in function (source.c:31)
 *	function+0x1c                       without debug information
 *
 * and "" where nothing is. Static functions are found through .symtab or debug information, which
 * may lie in a file of its own where libdw looks for such (.gnu_debuglink, build-id). Each file is
 * opened once, and what was read is kept; only regular files are. The strings, cut where there is
 * no more room, are as they stand in the file. Where DEBUGINFOD_URLS is set, libdw asks there, too.
 */
void tn_names_find(const char *file, uint64_t offset, char *text, size_t room);

#endif
