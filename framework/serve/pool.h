/*
 * pool.h - the threads on which a process does what may wait, and whose turn it is.
 *
 * A job is put into a lane, of which there is one for each Worker that routes lead to. Lanes that
 * have a job, and room for one more of them to run, take turns, so that no Worker keeps another's
 * jobs waiting by the number of its own; within a lane, first come is first served. Work that a
 * running job has done elsewhere (the executor) goes before all of that, since a job waits for it;
 * work for after the reply is a lane like any other, but for the bound of the queue.
 *
 * Threads are made when they are needed, and then stay. All signals are blocked on them, but those
 * of a crash.
 */
#ifndef TENON_SERVE_POOL_H
#define TENON_SERVE_POOL_H

#include "deploy/limit.h"
#include "message/executor.h"

#include <stdbool.h>
#include <stddef.h>

struct tn_pool;

enum tn_job_state {
	TN_JOB_IDLE,
	TN_JOB_QUEUED, /* in its lane */
	TN_JOB_HANDED, /* with the next thread, which there is */
	TN_JOB_RUNNING,
};

/* It lies in what it is for, zeroed at first, and stays there from its put until it is collected or
 * has been withdrawn. */
struct tn_job {
	void (*work)(void *argument); /* on a thread of the pool */
	void *argument;
	/* The rest is the pool's. */
	struct tn_job *next;
	struct tn_job *previous;
	size_t lane;
	enum tn_job_state state;
};

struct tn_pool_options {
	unsigned threads; /* at most */
	size_t queue;     /* jobs of all lanes together that may wait for a thread */
	size_t lanes;
	/* Of each lane: how many of its jobs may run at once. NULL: no lane has one; an entry may
	 * be NULL, too. They outlive the pool. */
	struct tn_limit *const *limits;
	/* Called on each thread before its first job; numbers count from 0. May be NULL. */
	void (*thread_begins)(void *argument, unsigned number);
	void *argument;
};

/* It has no thread yet. NULL, with errno set, where it cannot be made. */
struct tn_pool *tn_pool_create(const struct tn_pool_options *options);

/* Waits for what is running and for all that the executor was given, and ends the threads; the jobs
 * are to be withdrawn or collected before. NULL is fine. */
void tn_pool_destroy(struct tn_pool *pool);

/* Readable while there is something to collect. */
int tn_pool_descriptor(const struct tn_pool *pool);

/* Runs work(argument) on another thread, as it says there. */
struct tn_executor *tn_pool_executor(struct tn_pool *pool);

/* Any thread may call the others. */

/* Puts a job in its lane. false where the queue is full, or no thread can be had. */
bool tn_pool_put(struct tn_pool *pool, size_t lane, struct tn_job *job);

/* The same for work that no client waits for: the queue's bound is not for it. */
bool tn_pool_put_later(struct tn_pool *pool, struct tn_job *job);

/* Takes back a job that has not begun; false where it has, or has been withdrawn before. */
bool tn_pool_withdraw(struct tn_pool *pool, struct tn_job *job);

/* The same for one that has waited too long: not where a thread is about to take it. */
bool tn_pool_give_up(struct tn_pool *pool, struct tn_job *job);

/* Has the job collected as one that is done, without its work being called. */
void tn_pool_post(struct tn_pool *pool, struct tn_job *job);

/* The jobs that are done, in that order, linked by `next`; NULL where there are none. One that was
 * withdrawn is not among them. */
struct tn_job *tn_pool_collect(struct tn_pool *pool);

/* How many threads are at work now, for jobs or for the executor. */
unsigned tn_pool_running(struct tn_pool *pool);

/* How many jobs wait for a thread. */
size_t tn_pool_queued(struct tn_pool *pool);

#endif
