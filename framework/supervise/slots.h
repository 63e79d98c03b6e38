/*
 * slots.h - the listening sockets of a supervisor. Each address has one for each slot, and each
 * slot a process that accepts from it; they are as many as the first generation had processes, and
 * are closed when the supervisor stops: closing one before would reset who waits on it.
 */
#ifndef TENON_SUPERVISE_SLOTS_H
#define TENON_SUPERVISE_SLOTS_H

#include "deploy/plan.h"
#include "supervise/listener.h"

/* { 0 } is none at all. */
struct tn_slots {
	struct tn_listener listeners[TN_LISTEN_MAX]; /* the first slot's */
	size_t addresses;
	size_t given; /* so many are systemd's: the one slot; `listen` does not count then */
	int *sockets; /* `addresses` for each slot; -1: it is closed */
	size_t count;
};

/* Takes those that systemd has given; to be called before anything else is opened. Returns 0, or
 * the exit code with why in the reason (TN_REASON_SIZE bytes). */
int tn_slots_take(struct tn_slots *slots, char *reason);

/* Binds them, where none were given. Returns 0, or the exit code; it has told why on standard
 * error, in the form of `check`. tn_slots_finish in either case. */
int tn_slots_bind(struct tn_slots *slots, const struct tn_plan *plan, size_t count);

/* From now on the kernel lets clients in; it is logged at which addresses. Returns the same. */
int tn_slots_listen(const struct tn_slots *slots, const struct tn_plan *plan);

/* The processes have them, too, and take whoever waits there already: the rest is turned away
 * (tn_gate_close), but by those of systemd, with whom clients wait for the next host. */
void tn_slots_close(struct tn_slots *slots);

/* Closes them, and frees all. */
void tn_slots_finish(struct tn_slots *slots);

#endif
