/*
 * state.h - what a supervisor knows, for the files that it is made of:
 *
 *	supervisor.c    setting up, the loop, signals and what is asked on the control socket
 *	succession.c    how one generation follows another, and how the last one goes
 *	seats.c         the processes of a generation: starting, reading, replacing them
 *	deaths.c        what ended them, and what follows from it
 *	watch.c         what is due at some time: hangs, deadlines, restarts
 *	answers.c       what the clients of the control socket are told
 */
#ifndef TENON_SUPERVISE_STATE_H
#define TENON_SUPERVISE_STATE_H

#include "supervise/blocks.h"
#include "supervise/control.h"
#include "supervise/generation.h"
#include "supervise/notify.h"
#include "supervise/quarantine.h"
#include "supervise/slots.h"
#include "supervise/supervisor.h"

#define TN_TRACERS 4
#define TN_BLAME_TEXT 768

/* A process that finds names for the frames of a crash. */
struct tn_tracer {
	pid_t pid;                    /* 0: none */
	struct tn_revision *revision; /* has the modules that it looks into */
};

struct tn_supervisor {
	const struct tn_supervisor_options *options;
	int program;   /* this program's file: whatever its name leads to by now */
	int backtrace; /* tn_backtrace_find */
	int signals;
	struct tn_notify *notify; /* NULL: no service manager asks */
	struct tn_vault vault;
	struct tn_quarantine book;
	struct tn_blocks blocks;
	struct tn_control *control; /* NULL: there is none */
	struct tn_slots slots;
	int64_t started_at; /* ms */
	char serving_since[TN_TIME_SIZE];
	unsigned generations;            /* so far */
	struct tn_generation *current;   /* which serves; NULL before the first does */
	struct tn_generation *coming;    /* which is being started; NULL */
	struct tn_generation *leaving;   /* those that answer what they have accepted */
	struct tn_generation *dismissed; /* of these, the one that a stop waits for; NULL */
	int64_t handover_end;            /* ms; when it is over, at the latest; 0: it is */
	struct tn_revision *good;        /* to go back to in the current one's probation; NULL */
	int64_t good_from, good_until;   /* ms; when that served */
	int64_t probation_end;           /* ms */
	struct tn_tally past;            /* of the processes that have ended */
	bool reload_wanted;
	bool stopping;
	int code;
	struct tn_tracer tracers[TN_TRACERS];
	char text[TN_PROCESS_TEXT + 1]; /* of a process's message */
};

/* Of a clock that nobody sets. */
int64_t tn_supervisor_now(void);

/* Of two times, the earlier one; -1 is none. */
int64_t tn_supervisor_earlier(int64_t one, int64_t other);

/* ---- succession.c -------------------------------------------------------------------------- */

/* Reads the configuration, or the sections of some Workers alone; NULL and *code where it cannot be
 * used, which has been told. */
struct tn_revision *tn_supervisor_read(struct tn_supervisor *supervisor, const char *workers,
                                       int *code);

/*
 * Starts a generation of a revision, which it takes over, its first process alone, so that errors
 * come once. When it serves, these Workers come out of quarantine (NULL: all). Returns 0, or the
 * exit code; it has told why, and there may be a coming generation to give up.
 */
int tn_supervisor_start(struct tn_supervisor *supervisor, struct tn_revision *revision,
                        const char *lifts);

/* Begins what waits for longest, of releases from quarantine and reloads; false where nothing does.
 */
bool tn_supervisor_begin_next(struct tn_supervisor *supervisor);

/* Another process of the coming generation is ready. */
void tn_supervisor_advance(struct tn_supervisor *supervisor);

/*
 * The generation that serves has taken over when those before it let nobody in any more, or have
 * had their time to say so: only then is it told, to those who wait for the reload, too. Until then
 * none other is begun. Returns when that is, at the latest; -1 where it has.
 */
int64_t tn_supervisor_hand_over(struct tn_supervisor *supervisor);

/* A Worker of the current generation has crashed: in its probation, what served before comes back.
 */
void tn_supervisor_roll_back(struct tn_supervisor *supervisor, const char *why);

/* The coming generation cannot serve: all is as it was before. */
void tn_supervisor_give_up(struct tn_supervisor *supervisor, int code, const char *why);

/* Destroys those of which no process is left. */
void tn_supervisor_bury(struct tn_supervisor *supervisor);

/* Begins to stop, or goes on with it: the second signal ends what is in flight. */
void tn_supervisor_stop(struct tn_supervisor *supervisor, const char *why);

/* SIGUSR1: all go on with log files that are opened anew. */
void tn_supervisor_reopen(struct tn_supervisor *supervisor);

/* ---- seats.c ------------------------------------------------------------------------------- */

/* In the current generation another attempt follows where it cannot be started. */
void tn_seat_start(struct tn_supervisor *supervisor, struct tn_generation *generation,
                   struct tn_seat *seat);

/* Whether its process may have something to tell. */
bool tn_seat_has_news(const struct tn_seat *seat);

/* Takes what its processes tell; NULL is fine. */
void tn_seats_read(struct tn_supervisor *supervisor, struct tn_generation *generation);

/* Takes what the one in a seat tells. */
void tn_seat_read(struct tn_supervisor *supervisor, struct tn_generation *generation,
                  struct tn_seat *seat);

/* Its process has ended: forgets all that was its. */
void tn_seat_clear(struct tn_seat *seat);

/* Another is to take the empty seat in so many ms, which it returns; a neighbour has its sockets
 * meanwhile. */
int64_t tn_seat_replace(struct tn_generation *generation, struct tn_seat *seat);

/* ---- deaths.c ------------------------------------------------------------------------------ */

/* ": worker 'auth' in its start hook, module './auth.so'", cut where it is too long, for what a
 * generation cannot serve of; "" where no Worker was running. Returns text. */
struct tn_culprit;
const char *tn_supervisor_blame(const struct tn_culprit *culprit, char text[TN_BLAME_TEXT]);

/* Sees to all processes that have ended. */
void tn_supervisor_reap(struct tn_supervisor *supervisor);

/* ---- watch.c ------------------------------------------------------------------------------- */

/* Does what is due; returns when the next is, -1 for never. */
int64_t tn_supervisor_watch(struct tn_supervisor *supervisor);

/* ---- answers.c ----------------------------------------------------------------------------- */

/* To standard error, and nobody may have to read it: what cannot be written at once is lost. */
void tn_supervisor_write(const char *text);

/* What goes to standard error is also for those who wait for a reload. */
void tn_supervisor_print(const struct tn_supervisor *supervisor, const char *text);
void tn_supervisor_print_errors(const struct tn_supervisor *supervisor,
                                const struct tn_errors *errors);

/* For those who asked for it, with "tenon: FILE: " before it. */
void tn_supervisor_answer(const struct tn_supervisor *supervisor, enum tn_control_ask ask,
                          const char *format, ...) TN_PRINTF(3, 4);

/* The same for one client. */
void tn_supervisor_tell(const struct tn_supervisor *supervisor, struct tn_control_client *client,
                        const char *format, ...) TN_PRINTF(3, 4);

/* The reload that is under way has failed: for the log, too. */
void tn_supervisor_fail_reload(const struct tn_supervisor *supervisor, int code, const char *format,
                               ...) TN_PRINTF(3, 4);

/* Those that wait for one that will never come. */
void tn_supervisor_turn_away(const struct tn_supervisor *supervisor);

void tn_supervisor_tell_status(const struct tn_supervisor *supervisor,
                               struct tn_control_client *client);

#endif
