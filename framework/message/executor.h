/* executor.h - who runs work on other threads: the pool of serve/, or a test's. */
#ifndef TENON_MESSAGE_EXECUTOR_H
#define TENON_MESSAGE_EXECUTOR_H

#include <stdbool.h>

struct tn_executor {
	/*
	 * Has work(argument) called once, on another thread, as soon as one is free; false where
	 * it never will be, and then the caller does without. It waits for nothing, and is called
	 * on any thread, those of the executor included. What has been submitted is run also where
	 * the executor stops before its turn has come, unless the process ends.
	 */
	bool (*submit)(struct tn_executor *executor, void (*work)(void *argument), void *argument);
};

#endif
