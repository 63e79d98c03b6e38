/*
 * backtrace.h - has a crash's frames named: by `tenon-backtrace`, a program of its own, so that
 * neither the supervisor nor a host process reads debug information, or has what reads it mapped.
 *
 * What it gets was written by a process that may have been out of its mind, or out for mischief. It
 * is named no file but those that stand there, and writes nothing of them but names of functions
 * and sources, and numbers of lines, to the log. It runs as the supervisor does, unless the
 * supervisor says otherwise: see `become`.
 */
#ifndef TENON_SUPERVISE_BACKTRACE_H
#define TENON_SUPERVISE_BACKTRACE_H

#include "supervise/frames.h"

#include <sys/types.h>

struct tn_backtrace {
	int program; /* tn_backtrace_find */
	/* Called in the child, before the program is there: to give up privileges. Where it returns
	 * false, nothing is run. Safe behind a fork; may be NULL. */
	bool (*become)(void *argument);
	void *argument;
};

/*
 * The program that lies beside the one of that path, or in ../lib/tenon/ from there; NULL: beside
 * the one that runs. Returns a descriptor (O_PATH), closed on exec, for the caller to close; -1
 * where there is none. To be asked for early, before another version is installed in its place.
 */
int tn_backtrace_find(const char *beside);

/*
 * Starts the program with these records (frames.h), and does not wait for it: it writes its lines
 * to standard error and ends within ten seconds, whatever they hold. Its environment is empty.
 * Returns its process id, of which the caller will get a SIGCHLD; -1, and errno, where it cannot be
 * started.
 */
pid_t tn_backtrace_start(const struct tn_backtrace *backtrace, const char *records, size_t size);

/* Writes the records' lines to standard error as they are, without names. Never waits. */
void tn_backtrace_write_raw(const char *records, size_t size);

/*
 * All of it, for a process that has died: takes a copy of its frames and has them named or, where
 * that cannot be, writes them as they are. Returns the process id of the program; 0 where none was
 * started.
 */
pid_t tn_backtrace_report(const struct tn_backtrace *backtrace, const struct tn_frames *frames);

#endif
