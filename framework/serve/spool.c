#include "serve/spool.h"

#include "deploy/bodies.h"
#include "serve/forked.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum task {
	TASK_WRITE,
	TASK_FINISH,
	TASK_CLOSE,
};

struct file {
	struct tn_spool_file file; /* first, so that one is found from the other */
	struct tn_spool *spool;
	struct file *next;
	enum task task;
	const char *piece; /* to be written */
	size_t piece_size;
	/* The thread's, as long as it has it. */
	int descriptor;
	char *map;
	size_t written;
	int error;
};

struct files {
	struct file *first;
	struct file *last;
};

struct tn_spool {
	const char *directory;
	int descriptor; /* of an eventfd */
	pthread_t thread;
	bool started;
	size_t busy; /* files for which somebody waits */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	/* With the lock held. */
	struct files asked;
	struct files done;
	bool stopping;
};

/* ---- Lists --------------------------------------------------------------------------------- */

static void append(struct files *files, struct file *file)
{
	file->next = NULL;
	if (files->last)
		files->last->next = file;
	else
		files->first = file;
	files->last = file;
}

static struct file *take_first(struct files *files)
{
	struct file *file = files->first;

	if (!file)
		return NULL;
	files->first = file->next;
	if (!files->first)
		files->last = NULL;
	return file;
}

/* ---- On the thread ------------------------------------------------------------------------- */

static int write_piece(struct file *file, const char *data, size_t size)
{
	while (size) {
		ssize_t count = pwrite(file->descriptor, data, size, (off_t)file->written);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count ? errno : ENOSPC;
		data += count;
		size -= (size_t)count;
		file->written += (size_t)count;
	}
	return 0;
}

/* The NUL is in the file, and not only behind it: where it ends with a page, there is no more. */
static int map(struct file *file)
{
	int error = write_piece(file, "", 1);

	if (error)
		return error;
	file->map = mmap(NULL, file->written, PROT_READ, MAP_SHARED, file->descriptor, 0);
	if (file->map == MAP_FAILED) {
		file->map = NULL;
		return errno;
	}
	close(file->descriptor);
	file->descriptor = -1;
	return 0;
}

static int write_file(const struct tn_spool *spool, struct file *file)
{
	int error;

	if (file->descriptor < 0)
		file->descriptor = tn_bodies_open(spool->directory);
	if (file->descriptor < 0)
		return errno;
	error = write_piece(file, file->piece, file->piece_size);
	if (!error && file->task == TASK_FINISH)
		error = map(file);
	return error;
}

/* For a large one it takes a while. */
static void give_back(struct file *file)
{
	if (file->map)
		munmap(file->map, file->written);
	if (file->descriptor >= 0)
		close(file->descriptor);
	free(file);
}

static void wake_loop(const struct tn_spool *spool)
{
	const uint64_t one = 1;

	(void)!write(spool->descriptor, &one, sizeof(one)); /* full: it is awake */
}

static void note_done(struct tn_spool *spool, struct file *file)
{
	bool first;

	pthread_mutex_lock(&spool->mutex);
	first = !spool->done.first;
	append(&spool->done, file);
	pthread_mutex_unlock(&spool->mutex);
	if (first)
		wake_loop(spool);
}

/* NULL: it is to end. */
static struct file *wait_for_task(struct tn_spool *spool)
{
	struct file *file;

	pthread_mutex_lock(&spool->mutex);
	while (!spool->asked.first && !spool->stopping)
		pthread_cond_wait(&spool->changed, &spool->mutex);
	file = take_first(&spool->asked);
	pthread_mutex_unlock(&spool->mutex);
	return file;
}

static void *thread_main(void *argument)
{
	struct tn_spool *spool = argument;
	struct file *file;

	while ((file = wait_for_task(spool))) {
		if (file->task == TASK_CLOSE) {
			give_back(file);
			continue;
		}
		file->error = write_file(spool, file);
		note_done(spool, file);
	}
	return NULL;
}

/* ---- On the loop --------------------------------------------------------------------------- */

/* What is sent to the process is for its loop. A file that grows beyond the limit of the process is
 * to be an error, and no SIGXFSZ. */
static bool make_thread(struct tn_spool *spool)
{
	sigset_t signals;
	sigset_t before;

	if (spool->started)
		return true;
	sigfillset(&signals);
	sigdelset(&signals, SIGSEGV);
	sigdelset(&signals, SIGBUS);
	sigdelset(&signals, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &signals, &before);
	spool->started = !pthread_create(&spool->thread, NULL, thread_main, spool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return spool->started;
}

static void ask(struct file *file, enum task task)
{
	struct tn_spool *spool = file->spool;

	file->task = task;
	pthread_mutex_lock(&spool->mutex);
	append(&spool->asked, file);
	pthread_cond_signal(&spool->changed);
	pthread_mutex_unlock(&spool->mutex);
}

static struct file *inside(struct tn_spool_file *file)
{
	return (struct file *)(void *)file;
}

struct tn_spool_file *tn_spool_open(struct tn_spool *spool)
{
	struct file *file = make_thread(spool) ? calloc(1, sizeof(*file)) : NULL;

	if (!file)
		return NULL;
	file->spool = spool;
	file->descriptor = -1;
	return &file->file;
}

static void ask_to_write(struct file *file, enum task task, const char *data, size_t size)
{
	file->piece = data;
	file->piece_size = size;
	file->file.busy = true;
	file->spool->busy++;
	ask(file, task);
}

void tn_spool_write(struct tn_spool_file *file, const char *data, size_t size)
{
	ask_to_write(inside(file), TASK_WRITE, data, size);
}

void tn_spool_finish(struct tn_spool_file *file, const char *data, size_t size)
{
	ask_to_write(inside(file), TASK_FINISH, data, size);
}

void tn_spool_close(struct tn_spool_file *file)
{
	if (file)
		ask(inside(file), TASK_CLOSE);
}

/* The file may be gone with `done`. */
static void tell_done(struct file *file)
{
	file->spool->busy--;
	file->file.busy = false;
	file->file.error = file->error;
	file->file.data = file->map;
	file->file.size = file->map ? file->written - 1 : file->written;
	file->file.done(file->file.argument);
}

void tn_spool_run(struct tn_spool *spool)
{
	struct file *file;
	uint64_t count;

	(void)!read(spool->descriptor, &count, sizeof(count)); /* empty: another turn has done it */
	pthread_mutex_lock(&spool->mutex);
	file = spool->done.first;
	spool->done = (struct files){ 0 };
	pthread_mutex_unlock(&spool->mutex);
	while (file) {
		struct file *next = file->next;

		tell_done(file);
		file = next;
	}
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool tn_spool_settle(struct tn_spool *spool, int64_t until)
{
	struct pollfd done = { spool->descriptor, POLLIN, 0 };

	tn_spool_run(spool);
	while (spool->busy) {
		int64_t left = until - now_ms();

		if (left <= 0)
			return false;
		poll(&done, 1, (int)left);
		tn_spool_run(spool);
	}
	return true;
}

int tn_spool_descriptor(const struct tn_spool *spool)
{
	return spool->descriptor;
}

struct tn_spool *tn_spool_create(const char *directory)
{
	struct tn_spool *spool = calloc(1, sizeof(*spool));

	if (!spool)
		return NULL;
	pthread_mutex_init(&spool->mutex, NULL);
	pthread_cond_init(&spool->changed, NULL);
	spool->directory = directory;
	spool->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (spool->descriptor >= 0 && tn_forked_deny(spool->descriptor))
		return spool;
	tn_spool_destroy(spool);
	return NULL;
}

static void stop(struct tn_spool *spool)
{
	pthread_mutex_lock(&spool->mutex);
	spool->stopping = true;
	pthread_cond_signal(&spool->changed);
	pthread_mutex_unlock(&spool->mutex);
	pthread_join(spool->thread, NULL);
}

void tn_spool_destroy(struct tn_spool *spool)
{
	if (!spool)
		return;
	if (spool->started)
		stop(spool);
	if (spool->descriptor >= 0)
		tn_forked_close(spool->descriptor);
	pthread_mutex_destroy(&spool->mutex);
	pthread_cond_destroy(&spool->changed);
	free(spool);
}
