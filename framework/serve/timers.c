#include "serve/timers.h"

#include <stdlib.h>

#define ROOM_FIRST ((size_t)64)

void tn_timers_finish(struct tn_timers *timers)
{
	free(timers->heap);
	*timers = TN_TIMERS_INIT;
}

static void put(struct tn_timers *timers, struct tn_timer *timer, size_t place)
{
	timers->heap[place] = timer;
	timer->place = place;
}

static void move_up(struct tn_timers *timers, struct tn_timer *timer)
{
	size_t place = timer->place;

	for (; place > 1 && timers->heap[place / 2]->at > timer->at; place /= 2)
		put(timers, timers->heap[place / 2], place);
	put(timers, timer, place);
}

/* The sooner of the two below that place; 0 where there is none. */
static size_t sooner_below(const struct tn_timers *timers, size_t place)
{
	size_t below = 2 * place;

	if (below > timers->count)
		return 0;
	if (below < timers->count && timers->heap[below + 1]->at < timers->heap[below]->at)
		below++;
	return below;
}

static void move_down(struct tn_timers *timers, struct tn_timer *timer)
{
	size_t place = timer->place;
	size_t below;

	while ((below = sooner_below(timers, place)) && timers->heap[below]->at < timer->at) {
		put(timers, timers->heap[below], place);
		place = below;
	}
	put(timers, timer, place);
}

static bool make_room(struct tn_timers *timers)
{
	size_t room = timers->room ? 2 * timers->room : ROOM_FIRST;
	struct tn_timer **heap;

	if (timers->count + 1 < timers->room)
		return true;
	heap = realloc(timers->heap, room * sizeof(heap[0]));
	if (!heap)
		return false;
	timers->heap = heap;
	timers->room = room;
	return true;
}

bool tn_timers_set(struct tn_timers *timers, struct tn_timer *timer, int64_t at)
{
	if (!timer->place) {
		if (!make_room(timers))
			return false;
		put(timers, timer, ++timers->count);
	}
	timer->at = at;
	move_up(timers, timer);
	move_down(timers, timer);
	return true;
}

void tn_timers_cancel(struct tn_timers *timers, struct tn_timer *timer)
{
	size_t place = timer->place;
	struct tn_timer *last;

	if (!place)
		return;
	last = timers->heap[timers->count--];
	timer->place = 0;
	if (last == timer)
		return;
	put(timers, last, place);
	move_up(timers, last);
	move_down(timers, last);
}

struct tn_timer *tn_timers_take(struct tn_timers *timers, int64_t now)
{
	struct tn_timer *first = tn_timers_first(timers);

	if (!first || first->at > now)
		return NULL;
	tn_timers_cancel(timers, first);
	return first;
}
