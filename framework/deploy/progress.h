/*
 * progress.h - which Worker is being loaded or started: whoever watches the process learns from
 * it whose code crashed or hangs. It may lie in memory that is shared with the watcher.
 */
#ifndef TENON_DEPLOY_PROGRESS_H
#define TENON_DEPLOY_PROGRESS_H

#include <stdatomic.h>
#include <stdint.h>

#define TN_STEP_NONE 0
#define TN_STEP_LOAD 1  /* its module's constructors run */
#define TN_STEP_START 2 /* its start hook runs */
#define TN_STEP_STOP 3  /* its stop hook runs */
#define TN_STEP_DONE 4  /* the watched process has come to its end by itself */

struct tn_progress {
	_Atomic uint32_t step;   /* TN_STEP_... */
	_Atomic uint32_t worker; /* its number in the deployment, in the order of the file */
	_Atomic uint32_t turns;  /* how many steps began: it moves as long as there is progress */
};

/* NULL is fine. */
static inline void tn_progress_note(struct tn_progress *progress, uint32_t step, uint32_t worker)
{
	if (!progress)
		return;
	atomic_store(&progress->worker, worker);
	atomic_store(&progress->step, step);
	atomic_fetch_add(&progress->turns, 1);
}

#endif
