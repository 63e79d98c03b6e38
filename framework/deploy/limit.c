#include "deploy/limit.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* One who waits; it lies on that thread's stack. */
struct turn {
	pthread_cond_t came;
	bool given;
	struct turn *next;
};

struct tn_limit {
	pthread_mutex_t mutex;
	int64_t most;
	int64_t running;
	struct turn *first; /* of those that wait */
	struct turn **end;
	unsigned waiting;
	void (*freed)(void *argument);
	void *argument;
};

struct tn_limit *tn_limit_create(int64_t most)
{
	struct tn_limit *limit = calloc(1, sizeof(*limit));

	if (!limit)
		return NULL;
	pthread_mutex_init(&limit->mutex, NULL);
	limit->most = most;
	limit->end = &limit->first;
	return limit;
}

void tn_limit_destroy(struct tn_limit *limit)
{
	if (!limit)
		return;
	pthread_mutex_destroy(&limit->mutex);
	free(limit);
}

void tn_limit_tell(struct tn_limit *limit, void (*freed)(void *argument), void *argument)
{
	limit->freed = freed;
	limit->argument = argument;
}

/* Where somebody waits, all places are taken: one that becomes free is handed over. */
static bool take(struct tn_limit *limit)
{
	if (limit->running >= limit->most)
		return false;
	limit->running++;
	return true;
}

bool tn_limit_try(struct tn_limit *limit)
{
	bool taken;

	pthread_mutex_lock(&limit->mutex);
	taken = take(limit);
	pthread_mutex_unlock(&limit->mutex);
	return taken;
}

static void add_turn(struct tn_limit *limit, struct turn *turn)
{
	*limit->end = turn;
	limit->end = &turn->next;
	limit->waiting++;
}

static void remove_turn(struct tn_limit *limit, const struct turn *turn)
{
	struct turn **link = &limit->first;

	while (*link != turn)
		link = &(*link)->next;
	*link = turn->next;
	if (!*link)
		limit->end = link;
	limit->waiting--;
}

/* With the lock held, and given up meanwhile. */
static bool wait_for_turn(struct tn_limit *limit, int64_t until)
{
	struct timespec time = { until / 1000, until % 1000 * 1000000 };
	struct turn turn = { .came = PTHREAD_COND_INITIALIZER };
	int problem = 0;

	add_turn(limit, &turn);
	while (!turn.given && !problem)
		problem = pthread_cond_clockwait(&turn.came, &limit->mutex, CLOCK_MONOTONIC, &time);
	if (!turn.given)
		remove_turn(limit, &turn);
	pthread_cond_destroy(&turn.came);
	return turn.given;
}

bool tn_limit_wait(struct tn_limit *limit, int64_t until)
{
	bool taken;

	pthread_mutex_lock(&limit->mutex);
	taken = take(limit) || wait_for_turn(limit, until);
	pthread_mutex_unlock(&limit->mutex);
	return taken;
}

static bool hand_over(struct tn_limit *limit)
{
	struct turn *turn = limit->first;

	if (!turn)
		return false;
	remove_turn(limit, turn);
	turn->given = true;
	pthread_cond_signal(&turn->came);
	return true;
}

void tn_limit_leave(struct tn_limit *limit)
{
	bool handed;

	pthread_mutex_lock(&limit->mutex);
	handed = hand_over(limit);
	if (!handed)
		limit->running--;
	pthread_mutex_unlock(&limit->mutex);
	if (!handed && limit->freed)
		limit->freed(limit->argument);
}

int64_t tn_limit_running(struct tn_limit *limit)
{
	int64_t running;

	pthread_mutex_lock(&limit->mutex);
	running = limit->running;
	pthread_mutex_unlock(&limit->mutex);
	return running;
}

unsigned tn_limit_waiting(struct tn_limit *limit)
{
	unsigned waiting;

	pthread_mutex_lock(&limit->mutex);
	waiting = limit->waiting;
	pthread_mutex_unlock(&limit->mutex);
	return waiting;
}
