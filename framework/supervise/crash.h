/*
 * crash.h - names the Worker whose code ended the process: by SIGSEGV, SIGBUS, SIGFPE, SIGILL or
 * SIGABRT, a stack overflow included, or by exit().
 *
 * A crash is a line in the log with the Worker, the chain of bindings, the signal and the request
 * line, and a line for each frame, with the object's path and the offset in it:
 *
 *	... fatal request=0123456789abcdef worker=auth chain=gateway>auth: SIGSEGV (address not
 *	mapped) at 0x0 while it answered, request "GET /", module './auth.so'
 *	... fatal request=0123456789abcdef worker=auth: #0 ./auth.so 0x1139
 *
 * Then the signal does what it does by default, so that the exit status and the core dump are those
 * of a crash. A process that a Worker has ended by exit() ends with EX_SOFTWARE: it did not come to
 * its end as it should, whatever the Worker says.
 */
#ifndef TENON_SUPERVISE_CRASH_H
#define TENON_SUPERVISE_CRASH_H

#include "deploy/deployment.h"
#include "message/activity.h"

/*
 * From now on. Once in a process, on the loop's thread, before any module is loaded: a handler that
 * is there, such as a sanitizer's, is left alone, and one that a Worker sets later stays. The
 * activity must live as long as the process; of the plan it keeps a copy of the names. Returns
 * false, and sets errno, where there is no memory.
 */
bool tn_crash_watch(const struct tn_activity *activity, const struct tn_plan *plan);

/* Takes note of the objects that are loaded now, with the modules of a deployment, or NULL: for the
 * frames. On the same thread, whenever there may be new ones. */
void tn_crash_note_objects(const struct tn_deployment *deployment);

#endif
