/*
 * timers.h - times at which something is due, soonest first.
 *
 * A timer lies in what it is for; the timers only point to it. One thread at a time.
 */
#ifndef TENON_SERVE_TIMERS_H
#define TENON_SERVE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_timer {
	int64_t at;   /* ms of CLOCK_MONOTONIC */
	size_t place; /* in the heap, from 1 on; 0: it is not set */
};

struct tn_timers {
	struct tn_timer **heap; /* each comes before the two at twice its place; [0] is not used */
	size_t count;
	size_t room;
};

/* What is not set, and none of them. */
#define TN_TIMER_INIT ((struct tn_timer){ 0 })
#define TN_TIMERS_INIT ((struct tn_timers){ 0 })

/* Forgets all timers, which stay as they are, and gives back what they took here. */
void tn_timers_finish(struct tn_timers *timers);

/* Sets it, or sets it anew. The timer must stay where it is until it is due or cancelled. false,
 * with the timer as it was, where there is no memory: never for one that is set already. */
bool tn_timers_set(struct tn_timers *timers, struct tn_timer *timer, int64_t at);

/* Nothing where it is not set. */
void tn_timers_cancel(struct tn_timers *timers, struct tn_timer *timer);

/* The soonest, NULL where none is set. */
static inline struct tn_timer *tn_timers_first(const struct tn_timers *timers)
{
	return timers->count ? timers->heap[1] : NULL;
}

/* Takes the soonest out if it is due; NULL where none is. */
struct tn_timer *tn_timers_take(struct tn_timers *timers, int64_t now);

#endif
