/* signals.h - the signals that end a host, as bytes to read. */
#ifndef TENON_SUPERVISE_SIGNALS_H
#define TENON_SUPERVISE_SIGNALS_H

/*
 * From now on SIGTERM, SIGINT and SIGHUP do not end the process: each is a byte, its number, to be
 * read from the descriptor that this returns, whichever thread it came to. One that comes while
 * another has not been read ends the process at once, with EX_TEMPFAIL: whoever should have read
 * it hangs. SIGPIPE is ignored. Returns -1 and sets errno where it fails. Once in a process.
 *
 * Not earlier than there is a loop to read it: a Worker's start hook that hangs is to be ended by
 * Ctrl-C as any program is.
 *
 * Where it has not ended so many seconds after the first one, the process ends with EX_TEMPFAIL,
 * whatever holds it: nobody else may be left to see to that. 0: it has all the time.
 */
int tn_signals_open(unsigned seconds);

/*
 * From now on SIGUSR1 does not end the process, but makes the descriptor that this returns
 * readable: an eventfd(2), which counts them. -1 and errno where it fails. Once in a process.
 *
 * In a child that a Worker forks all these signals have their default actions: one that is sent to
 * it is for it alone.
 */
int tn_signals_reopen(void);

#endif
