#include "serve/forked.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int *denied;
static size_t count;

static void before(void)
{
	pthread_mutex_lock(&mutex);
}

static void after(void)
{
	pthread_mutex_unlock(&mutex);
}

/* The memory stays: free(3) is not for the child of a process with threads. */
static void in_child(void)
{
	for (size_t i = 0; i < count; i++)
		close(denied[i]);
	count = 0;
	pthread_mutex_unlock(&mutex);
}

static bool add(int descriptor)
{
	int *list = realloc(denied, (count + 1) * sizeof(list[0]));

	if (!list)
		return false;
	denied = list;
	denied[count++] = descriptor;
	return true;
}

bool tn_forked_deny(int descriptor)
{
	static bool watched;
	bool added;

	pthread_mutex_lock(&mutex);
	watched = watched || pthread_atfork(before, after, in_child) == 0;
	added = watched && add(descriptor);
	pthread_mutex_unlock(&mutex);
	return added;
}

/* Under the lock: else a child could close what has got the number since. */
void tn_forked_close(int descriptor)
{
	pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < count; i++) {
		if (denied[i] == descriptor) {
			denied[i] = denied[--count];
			break;
		}
	}
	close(descriptor);
	pthread_mutex_unlock(&mutex);
}
