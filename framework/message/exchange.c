#include "message/exchange.h"

#include "message/later.h"
#include "observe/log.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

const struct tn_limits tn_limits_default = {
	.max_depth = 32,
	.max_calls = 1000,
	.request_memory = (size_t)16 * 1024 * 1024,
};

/* The finaliser of splitmix64: a bijection, so that ids differ for as long as numbers do. */
static uint64_t mix(uint64_t number)
{
	number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
	number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
	return number ^ (number >> 31);
}

static void write_id(char id[TN_ID_SIZE], uint64_t number)
{
	for (int i = 0; i < TN_ID_SIZE - 1; i++) {
		id[i] = "0123456789abcdef"[number >> 60];
		number <<= 4;
	}
	id[TN_ID_SIZE - 1] = '\0';
}

void tn_exchange_pool_init(struct tn_exchange_pool *pool, const struct tn_limits *limits,
                           unsigned most)
{
	*pool = (struct tn_exchange_pool){
		.limits = *limits, .most = most, .activity = &tn_activity_unwatched
	};
	if (getrandom(&pool->seed, sizeof(pool->seed), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(pool->seed))
		pool->seed = (uint64_t)time(NULL);
}

static void destroy(struct tn_exchange *exchange)
{
	tn_arena_finish(&exchange->arena);
	free(exchange);
}

void tn_exchange_pool_finish(struct tn_exchange_pool *pool)
{
	while (pool->free) {
		struct tn_exchange *exchange = pool->free;

		pool->free = exchange->next;
		destroy(exchange);
	}
	pool->count = 0;
}

static struct tn_exchange *create(const struct tn_exchange_pool *pool)
{
	struct tn_exchange *exchange = malloc(sizeof(*exchange));

	if (!exchange)
		return NULL;
	if (!tn_arena_init_from(&exchange->arena, pool->limits.request_memory, pool->source)) {
		free(exchange);
		return NULL;
	}
	exchange->limits = &pool->limits;
	exchange->root = exchange;
	exchange->children = NULL;
	exchange->sibling = NULL;
	atomic_init(&exchange->holders, 1);
	return exchange;
}

static struct tn_exchange *take(struct tn_exchange_pool *pool)
{
	struct tn_exchange *exchange = pool->free;

	if (!exchange)
		return create(pool);
	pool->free = exchange->next;
	pool->count--;
	return exchange;
}

struct tn_exchange *tn_exchange_begin(struct tn_exchange_pool *pool)
{
	struct tn_exchange *exchange = take(pool);

	if (!exchange)
		return NULL;
	exchange->depth = 0;
	exchange->calls = 0;
	exchange->waiting = 0;
	exchange->releasing = 0;
	exchange->depth_logged = false;
	exchange->from_client = false;
	exchange->calls_logged = false;
	exchange->memory_logged = false;
	exchange->quarantine_logged = false;
	exchange->entering = false;
	exchange->traced = NULL;
	exchange->later = NULL;
	exchange->later_end = &exchange->later;
	exchange->next = NULL;
	exchange->split_keys = NULL;
	exchange->most = pool->limits.max_calls;
	exchange->arena.limit = pool->limits.request_memory;
	exchange->shares = false;
	atomic_init(&exchange->cancelled, false);
	exchange->deadline = INT64_MAX;
	exchange->executor = pool->executor;
	exchange->last = NULL;
	exchange->last_argument = NULL;
	exchange->method = NULL;
	exchange->target = NULL;
	exchange->activity = pool->activity;
	exchange->number = mix(pool->seed + pool->number++);
	exchange->id[0] = '\0';
	return exchange;
}

const char *tn_exchange_id(struct tn_exchange *exchange)
{
	if (!*exchange->id)
		write_id(exchange->id, exchange->number);
	return exchange->id;
}

/* ---- The end ------------------------------------------------------------------------------ */

/* The release callbacks of all, the newest child's first; returns whether there were any. */
static bool release_all(struct tn_exchange *exchange)
{
	bool any = exchange->arena.releases;

	for (struct tn_exchange *child = exchange->children; child; child = child->sibling) {
		child->activity = exchange->activity;
		any = release_all(child) || any;
	}
	tn_arena_release(&exchange->arena);
	return any;
}

static void destroy_children(struct tn_exchange *exchange)
{
	while (exchange->children) {
		struct tn_exchange *child = exchange->children;

		exchange->children = child->sibling;
		destroy_children(child);
		destroy(child);
	}
}

/* The work that nobody has run before. The reply is over, and so is the time for it. */
static void run_rest(struct tn_exchange *exchange)
{
	if (!tn_exchange_has_later(exchange))
		return;
	exchange->deadline = INT64_MAX;
	atomic_store_explicit(&exchange->cancelled, false, memory_order_relaxed);
	tn_later_run_family(exchange);
}

/* What one releases may use what another has, so all is there until nothing is left to be run.
 * false: it is held again. */
static bool finish_family(struct tn_exchange *exchange)
{
	do {
		run_rest(exchange);
		if (tn_exchange_held(exchange))
			return false;
		while (release_all(exchange))
			;
		if (tn_exchange_held(exchange))
			return false;
	} while (tn_exchange_has_later(exchange));
	destroy_children(exchange);
	return true;
}

/* The same for one without children, as nearly all are. What runs here may make some, which is left
 * to finish_family. */
static void finish_alone(struct tn_exchange *exchange)
{
	do {
		run_rest(exchange);
		if (exchange->children)
			return;
		tn_arena_release(&exchange->arena);
	} while (exchange->later);
}

bool tn_exchange_end(struct tn_exchange_pool *pool, struct tn_exchange *exchange)
{
	if (!exchange)
		return true;
	if (exchange->children && tn_exchange_held(exchange))
		return false;
	exchange->activity = pool->activity;
	if (!exchange->children)
		finish_alone(exchange);
	if (exchange->children && !finish_family(exchange))
		return false;
	if (pool->count == pool->most) {
		destroy(exchange);
		return true;
	}
	tn_arena_reset(&exchange->arena);
	exchange->next = pool->free;
	pool->free = exchange;
	pool->count++;
	return true;
}

/* ---- Memory ------------------------------------------------------------------------------- */

void *tn_exchange_no_memory(struct tn_exchange *exchange, size_t size)
{
	if (exchange->memory_logged)
		return NULL;
	exchange->memory_logged = true;
	tn_exchange_refuse(exchange,
	                   "no memory for %zu more bytes: %zu of request_memory, %zu, are taken",
	                   size, exchange->arena.used, exchange->limits->request_memory);
	return NULL;
}

void *tn_exchange_alloc_more(struct tn_exchange *exchange, size_t size)
{
	void *memory = tn_exchange_take_memory(exchange, size)
	                       ? tn_arena_alloc(&exchange->arena, size)
	                       : NULL;

	return memory ? memory : tn_exchange_no_memory(exchange, size);
}

char *tn_exchange_copy_more(struct tn_exchange *exchange, const void *data, size_t size)
{
	char *copy = size < PTRDIFF_MAX && tn_exchange_take_memory(exchange, size + 1)
	                     ? tn_arena_copy(&exchange->arena, data, size)
	                     : NULL;

	return copy ? copy : tn_exchange_no_memory(exchange, size);
}

void *tn_exchange_grow(struct tn_exchange *exchange, void *block, size_t old, size_t size)
{
	void *larger = tn_arena_grow(&exchange->arena, block, old, size);

	if (!larger && tn_exchange_take_memory(exchange, size))
		larger = tn_arena_grow(&exchange->arena, block, old, size);
	return larger ? larger : tn_exchange_no_memory(exchange, size);
}

bool tn_exchange_note(struct tn_exchange *exchange, void (*release)(void *argument),
                      void *argument)
{
	if (tn_arena_defer(&exchange->arena, release, argument))
		return true;
	if (tn_exchange_take_memory(exchange, TN_ARENA_NOTE) &&
	    tn_arena_defer(&exchange->arena, release, argument))
		return true;
	tn_exchange_no_memory(exchange, sizeof(release) + sizeof(argument));
	return false;
}

const struct tn_service *tn_exchange_running(const struct tn_exchange *exchange)
{
	return exchange->depth ? exchange->frames[exchange->depth - 1].service : NULL;
}

TN_PRINTF(3, 0)
static void tell(struct tn_exchange *exchange, enum tn_log_level level, const char *format,
                 va_list list)
{
	const struct tn_service *running = tn_exchange_running(exchange);
	char path[TN_CHAIN_SIZE];
	struct tn_log_context context = {
		.request = tn_exchange_id(exchange),
		.worker = running ? running->name : NULL,
		.chain = exchange->depth > 1 ? tn_exchange_path(exchange, path) : NULL,
	};

	tn_log_write_list(level, &context, format, list);
}

void tn_exchange_tell(struct tn_exchange *exchange, enum tn_log_level level, const char *format,
                      ...)
{
	va_list list;

	va_start(list, format);
	tell(exchange, level, format, list);
	va_end(list);
}

void tn_exchange_refuse(struct tn_exchange *exchange, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	tell(exchange, exchange->from_client ? TN_LOG_DEBUG : TN_LOG_ERROR, format, list);
	va_end(list);
}

void tn_exchange_show(const struct tn_exchange *exchange, enum tn_activity_step step)
{
	tn_activity_show(exchange->activity, step, exchange->number, exchange->method,
	                 exchange->target);
}

void tn_exchange_hide(const struct tn_exchange *exchange)
{
	tn_activity_set_step(exchange->activity, TN_STEP_NONE);
}

bool tn_exchange_enter(struct tn_exchange *exchange, const struct tn_service *service,
                       enum tn_activity_step step)
{
	if (exchange->depth == TN_DEPTH_MAX)
		return false;
	if (!exchange->depth)
		tn_exchange_show(exchange, step);
	tn_activity_enter(exchange->activity, exchange->depth,
	                  service ? tn_activity_number(service) : 0);
	exchange->frames[exchange->depth++] = (struct tn_frame){ .service = service };
	return true;
}

void tn_exchange_leave(struct tn_exchange *exchange)
{
	tn_activity_leave(exchange->activity, --exchange->depth);
	if (!exchange->depth)
		tn_exchange_hide(exchange);
}
