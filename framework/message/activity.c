#include "message/activity.h"

#include <string.h>
#include <sys/mman.h>

#define WORDS (TN_ACTIVITY_LINE / sizeof(uint64_t))

_Static_assert(sizeof(struct tn_activity) <= 4096, "it is one page");

struct tn_activity tn_activity_unwatched;

_Thread_local struct tn_activity *tn_activity_here;

struct tn_activity *tn_activity_create(void)
{
	void *page = mmap(NULL, sizeof(struct tn_activity), PROT_READ | PROT_WRITE,
	                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

void tn_activity_destroy(struct tn_activity *activity)
{
	if (activity)
		munmap(activity, sizeof(*activity));
}

/* ---- Writing ------------------------------------------------------------------------------- */

static size_t put(char *line, size_t size, const char *text)
{
	size_t length = strnlen(text, TN_ACTIVITY_LINE - 1 - size);

	memcpy(line + size, text, length);
	return size + length;
}

static void set_line(struct tn_activity *activity, const char *method, const char *target)
{
	uint64_t words[WORDS];
	char *line = (char *)words;
	size_t size = 0;

	if (method)
		size = put(line, put(line, 0, method), " ");
	if (target)
		size = put(line, size, target);
	memset(line + size, 0, sizeof(uint64_t) - size % sizeof(uint64_t));
	for (size_t i = 0; i <= size / sizeof(uint64_t); i++)
		atomic_store_explicit(&activity->line[i], words[i], memory_order_relaxed);
}

void tn_activity_show(struct tn_activity *activity, enum tn_activity_step step, uint64_t exchange,
                      const char *method, const char *target)
{
	if (atomic_load_explicit(&activity->exchange, memory_order_relaxed) != exchange) {
		set_line(activity, method, target);
		atomic_store_explicit(&activity->exchange, exchange, memory_order_relaxed);
	}
	atomic_signal_fence(memory_order_seq_cst);
	tn_activity_set_step(activity, step);
}

static void count_step(struct tn_activity *activity)
{
	uint32_t steps = atomic_load_explicit(&activity->steps, memory_order_relaxed);

	atomic_store_explicit(&activity->steps, steps + 1, memory_order_relaxed);
}

void tn_activity_begin(struct tn_activity *activity, enum tn_activity_step step, size_t place)
{
	tn_activity_show(activity, step, 0, NULL, NULL);
	tn_activity_enter(activity, 0, (uint32_t)place + 1);
	count_step(activity);
}

void tn_activity_end(struct tn_activity *activity)
{
	tn_activity_leave(activity, 0);
	tn_activity_set_step(activity, TN_STEP_NONE);
	count_step(activity);
}

/* ---- Reading ------------------------------------------------------------------------------- */

uint32_t tn_activity_running(const struct tn_activity *activity)
{
	uint32_t depth = atomic_load_explicit(&activity->depth, memory_order_relaxed);

	atomic_signal_fence(memory_order_seq_cst);
	if (!depth || depth > TN_DEPTH_MAX)
		return 0;
	return atomic_load_explicit(&activity->chain[depth - 1], memory_order_relaxed);
}

const char *tn_activity_line(const struct tn_activity *activity, char *text)
{
	for (size_t i = 0; i < WORDS; i++) {
		uint64_t word = atomic_load_explicit(&activity->line[i], memory_order_relaxed);

		memcpy(text + i * sizeof(word), &word, sizeof(word));
	}
	text[TN_ACTIVITY_LINE - 1] = '\0';
	return text;
}

const char *tn_activity_text(uint32_t step)
{
	static const char *const texts[] = {
		[TN_STEP_LOAD] = "while it was loaded",
		[TN_STEP_START] = "in its start hook",
		[TN_STEP_STOP] = "in its stop hook",
		[TN_STEP_REQUEST] = "while it answered",
		[TN_STEP_RELEASE] = "in a release callback",
		[TN_STEP_LATER] = "in work for after the reply",
		[TN_STEP_DONE] = NULL,
	};

	return step < sizeof(texts) / sizeof(texts[0]) ? texts[step] : NULL;
}

const char *tn_activity_refused(enum tn_refused kind)
{
	static const char *const names[TN_REFUSED_KINDS] = {
		[TN_REFUSED_MALFORMED] = "malformed",
		[TN_REFUSED_BODY_SIZE] = "max_body",
		[TN_REFUSED_SILENT] = "silent",
		[TN_REFUSED_HEAD_TIME] = "head_timeout",
		[TN_REFUSED_BODY_TIME] = "body_timeout",
		[TN_REFUSED_WRITE_TIME] = "write_timeout",
		[TN_REFUSED_CONNECTIONS] = "max_connections",
		[TN_REFUSED_ADDRESS] = "max_connections_per_address",
	};

	return names[kind];
}
