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
 * Where there is a supervisor, the frames are not written but left for it (frames.h): when the
 * process has died it has them named.
 *
 * Then the signal does what it does by default, so that the exit status and the core dump are those
 * of a crash. A process that a Worker has ended by exit() ends with EX_SOFTWARE: it did not come to
 * its end as it should, whatever the Worker says.
 *
 * A process that hangs is ended in the same way. To have it tell where it stands, the supervisor
 * sends it SIGABRT by sigqueue(3), with a number in `sival_int`:
 *
 *	N > 0     its loop has stood still for N milliseconds: "the loop has not turned for N ms"
 *	N < 0     it has been started that long ago: "not ready within -N ms"
 *
 * and the line begins with that instead of a signal, and goes on with the Worker, the chain and the
 * request as any other. From any other process, and with 0, SIGABRT is a signal that was sent. A
 * Worker may block SIGABRT or handle it by itself: SIGKILL is to follow where the process does not
 * end.
 */
#ifndef TENON_SUPERVISE_CRASH_H
#define TENON_SUPERVISE_CRASH_H

#include "deploy/deployment.h"
#include "supervise/page.h"

/*
 * From now on. Once in a process, on the loop's thread, before any module is loaded: a handler that
 * is there, such as a sanitizer's, is left alone, and one that a Worker sets later stays. The
 * activity, which is this thread's from now on, and the page must live as long as the process; of
 * the plan it keeps a copy of the names. The page is the supervisor's, too, which is this process's
 * parent, and is left the frames; NULL: there is none, and the log has it all. Returns false, and
 * sets errno, where there is no memory.
 */
bool tn_crash_watch(struct tn_activity *activity, const struct tn_plan *plan, struct tn_page *page);

/* On another thread of the host's, with its own activity, that lives as long as the thread: so that
 * a crash there is told as one of the loop's, a stack overflow included. The same result. */
bool tn_crash_watch_thread(struct tn_activity *activity);

/* Takes note of the objects that are loaded now, with the modules of a deployment, or NULL: for the
 * frames. On the same thread, whenever there may be new ones. Those that it has not been told of
 * are found, too, but copies of modules among them are not known as such. */
void tn_crash_note_objects(const struct tn_deployment *deployment);

#endif
