/*
 * threads.h - an executor of a few real threads, first come first served. With none it keeps what
 * is submitted until threads_stop, which runs it.
 */
#ifndef TENON_TESTS_FRAMEWORK_MESSAGE_THREADS_H
#define TENON_TESTS_FRAMEWORK_MESSAGE_THREADS_H

#include "message/activity.h"
#include "message/executor.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS_MOST 16

struct threads_work {
	struct threads_work *next;
	void (*work)(void *argument);
	void *argument;
};

struct threads {
	struct tn_executor executor; /* first */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct threads_work *first;
	struct threads_work **end;
	bool refuses; /* whatever is submitted */
	bool stops;
	unsigned submitted;
	unsigned count;
	pthread_t ids[THREADS_MOST];
	struct tn_activity pages[THREADS_MOST];
};

static inline bool threads_submit(struct tn_executor *executor, void (*work)(void *argument),
                                  void *argument)
{
	struct threads *threads = (struct threads *)executor;
	struct threads_work *submitted = malloc(sizeof(*submitted));

	if (!submitted)
		abort();
	*submitted = (struct threads_work){ .work = work, .argument = argument };
	pthread_mutex_lock(&threads->lock);
	if (threads->refuses) {
		pthread_mutex_unlock(&threads->lock);
		free(submitted);
		return false;
	}
	*threads->end = submitted;
	threads->end = &submitted->next;
	threads->submitted++;
	pthread_cond_signal(&threads->changed);
	pthread_mutex_unlock(&threads->lock);
	return true;
}

static inline struct threads_work *threads_take(struct threads *threads)
{
	struct threads_work *work;

	pthread_mutex_lock(&threads->lock);
	while (!threads->first && !threads->stops)
		pthread_cond_wait(&threads->changed, &threads->lock);
	work = threads->first;
	if (work)
		threads->first = work->next;
	if (!threads->first)
		threads->end = &threads->first;
	pthread_mutex_unlock(&threads->lock);
	return work;
}

static inline void threads_work_off(struct threads *threads)
{
	struct threads_work *work;

	while ((work = threads_take(threads))) {
		work->work(work->argument);
		free(work);
	}
}

static inline void *threads_run(void *argument)
{
	struct threads *threads = argument;

	pthread_mutex_lock(&threads->lock);
	tn_activity_here = &threads->pages[threads->count++];
	pthread_mutex_unlock(&threads->lock);
	threads_work_off(threads);
	return NULL;
}

static inline struct threads *threads_create(unsigned count)
{
	struct threads *threads = calloc(1, sizeof(*threads));

	if (!threads || count > THREADS_MOST)
		abort();
	threads->executor.submit = threads_submit;
	threads->end = &threads->first;
	pthread_mutex_init(&threads->lock, NULL);
	pthread_cond_init(&threads->changed, NULL);
	for (unsigned i = 0; i < count; i++) {
		if (pthread_create(&threads->ids[i], NULL, threads_run, threads))
			abort();
	}
	return threads;
}

/* Until all that was submitted has been done; `count` as it was created. */
static inline void threads_stop(struct threads *threads, unsigned count)
{
	pthread_mutex_lock(&threads->lock);
	threads->stops = true;
	pthread_cond_broadcast(&threads->changed);
	pthread_mutex_unlock(&threads->lock);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads->ids[i], NULL);
	threads_work_off(threads);
}

static inline void threads_destroy(struct threads *threads)
{
	pthread_cond_destroy(&threads->changed);
	pthread_mutex_destroy(&threads->lock);
	free(threads);
}

#endif
