/* child.c - exchanges within one another, each worked on by a thread of its own. */
#include "message/exchange.h"
#include "message/request.h"
#include "message/response.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a child takes of the root's memory: all that it is before anything is made in it. */
#define CHILD_SIZE (sizeof(struct tn_exchange) + TN_ARENA_CHUNK)

int64_t tn_exchange_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- What all of them have together --------------------------------------------------------- */

/* From now on the root, too, asks for each call and for memory: what it had left is for all. */
static void share(struct tn_exchange *root)
{
	unsigned taken;

	if (root->shares)
		return;
	root->shares = true;
	taken = root->calls + root->waiting;
	atomic_init(&root->calls_left, root->most > taken ? root->most - taken : 0);
	root->most = taken;
	atomic_init(&root->memory_left, root->arena.limit - root->arena.used);
	root->arena.limit = root->arena.used;
}

bool tn_exchange_take_call(struct tn_exchange *exchange)
{
	_Atomic unsigned *calls = &exchange->root->calls_left;
	unsigned left;

	if (!exchange->shares)
		return false;
	left = atomic_load_explicit(calls, memory_order_relaxed);
	do {
		if (!left)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		calls, &left, left - 1, memory_order_relaxed, memory_order_relaxed));
	exchange->most++;
	return true;
}

/* Takes as much as is wanted, and where that is not there, no less than what is needed; 0 for
 * none. */
static size_t take(struct tn_exchange *root, size_t needed, size_t wanted)
{
	size_t left = atomic_load_explicit(&root->memory_left, memory_order_relaxed);
	size_t taken;

	do {
		if (left < needed)
			return 0;
		taken = left < wanted ? left : wanted;
	} while (!atomic_compare_exchange_weak_explicit(&root->memory_left, &left, left - taken,
	                                                memory_order_relaxed,
	                                                memory_order_relaxed));
	return taken;
}

bool tn_exchange_take_memory(struct tn_exchange *exchange, size_t size)
{
	struct tn_arena *arena = &exchange->arena;
	size_t rest = arena->limit - arena->used;
	size_t taken;

	if (!exchange->shares || size > exchange->limits->request_memory)
		return false;
	size = (size + TN_ARENA_ALIGNMENT) & ~(TN_ARENA_ALIGNMENT - 1);
	if (size <= rest)
		return false;
	size -= rest;
	taken = take(exchange->root, size, size > TN_ARENA_CHUNK ? size : TN_ARENA_CHUNK);
	arena->limit += taken;
	return taken;
}

/* What it has not used of its chunks, though these stay: max_calls bounds how many there are, since
 * there is no child for a call that would be refused. */
static void give_back(struct tn_exchange *child)
{
	size_t rest = child->arena.limit - child->arena.used;

	child->arena.limit -= rest;
	atomic_fetch_add_explicit(&child->root->memory_left, rest, memory_order_relaxed);
}

/* ---- A child's life ------------------------------------------------------------------------- */

/* Frames as far as the log's path needs them; `callee_failed` is the child's own. */
static void inherit(struct tn_exchange *child, struct tn_exchange *parent)
{
	memcpy(child->id, tn_exchange_id(parent), sizeof(child->id));
	child->number = parent->number;
	child->limits = parent->limits;
	child->root = parent->root;
	child->executor = parent->executor;
	child->traced = parent->traced;
	child->activity = parent->activity;
	child->deadline = parent->deadline;
	child->split_keys = parent->split_keys;
	child->method = parent->method;
	child->target = parent->target;
	child->depth_logged = parent->depth_logged;
	child->calls_logged = parent->calls_logged;
	child->memory_logged = parent->memory_logged;
	child->quarantine_logged = parent->quarantine_logged;
	child->depth = parent->depth;
	for (unsigned i = 0; i < parent->depth; i++)
		child->frames[i] = (struct tn_frame){ .service = parent->frames[i].service };
}

static struct tn_exchange *create(struct tn_exchange *parent)
{
	struct tn_exchange *child = malloc(sizeof(*child));

	if (!child)
		return NULL;
	memset(child, 0, offsetof(struct tn_exchange, frames));
	if (!tn_arena_init(&child->arena, TN_ARENA_CHUNK)) {
		free(child);
		return NULL;
	}
	inherit(child, parent);
	child->shares = true;
	child->later_end = &child->later;
	return child;
}

struct tn_exchange *tn_exchange_child(struct tn_exchange *parent)
{
	struct tn_exchange *child;

	share(parent->root);
	if (!atomic_load_explicit(&parent->root->calls_left, memory_order_relaxed) ||
	    !take(parent->root, CHILD_SIZE, CHILD_SIZE))
		return NULL;
	child = create(parent);
	if (!child) {
		atomic_fetch_add_explicit(&parent->root->memory_left, CHILD_SIZE,
		                          memory_order_relaxed);
		return NULL;
	}
	child->sibling = parent->children;
	parent->children = child;
	return child;
}

struct tn_request *tn_exchange_pass(struct tn_exchange *child, struct tn_request *request)
{
	struct tn_request *copy = tn_exchange_alloc(child, sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *request;
	tn_headers_share(&copy->headers, &request->headers);
	copy->exchange = child;
	copy->headers.exchange = child;
	return copy;
}

/* The thread's page shows the whole chain: that of the parent below what the child calls. */
static void show_frames(const struct tn_exchange *child)
{
	tn_exchange_show(child, TN_STEP_REQUEST);
	for (unsigned i = 0; i < child->depth; i++) {
		const struct tn_service *service = child->frames[i].service;

		tn_activity_enter(child->activity, i, service ? tn_activity_number(service) : 0);
	}
}

struct tn_response *tn_exchange_run_child(struct tn_exchange *child,
                                          const struct tn_service *service,
                                          struct tn_request *request)
{
	struct tn_response *response;

	child->activity = tn_activity_here ? tn_activity_here : &tn_activity_unwatched;
	show_frames(child);
	response = tn_fetch(service, request);
	tn_activity_leave(child->activity, 0);
	tn_exchange_hide(child);
	return response;
}

/* ---- When it is done ------------------------------------------------------------------------ */

/* A call that came too late is none that anybody may read yet: its name alone is known. */
static void add_calls(struct tn_exchange *parent, const struct tn_trace *trace, unsigned count)
{
	for (unsigned i = 0; i < count && i < TN_TRACE_MAX; i++) {
		if (parent->calls + i < TN_TRACE_MAX)
			parent->trace[parent->calls + i] = trace[i];
	}
	parent->calls += count;
	parent->most += count;
}

void tn_exchange_take_children(struct tn_exchange *parent, struct tn_exchange *child)
{
	struct tn_exchange **end = &child->children;

	while (*end)
		end = &(*end)->sibling;
	*end = parent->children;
	parent->children = child->children;
	child->children = NULL;
}

static void take_marks(struct tn_exchange *parent, const struct tn_exchange *child)
{
	parent->depth_logged |= child->depth_logged;
	parent->calls_logged |= child->calls_logged;
	parent->memory_logged |= child->memory_logged;
	parent->quarantine_logged |= child->quarantine_logged;
}

struct tn_response *tn_exchange_adopt(struct tn_exchange *parent, struct tn_exchange *child,
                                      struct tn_response *response)
{
	bool *failed = tn_exchange_callee_failed(parent);

	if (!response && failed)
		*failed = *tn_exchange_callee_failed(child);
	child->depth = 0;
	child->traced = NULL;
	add_calls(parent, child->trace, child->calls);
	child->calls = 0;
	child->most = child->waiting;
	tn_exchange_take_children(parent, child);
	take_marks(parent, child);
	give_back(child);
	if (!response)
		return NULL;
	if (response->exchange != child) {
		tn_exchange_refuse(parent, "was given a response of another exchange");
		if (failed)
			*failed = true;
		return NULL;
	}
	response->exchange = parent;
	response->headers.exchange = parent;
	return response;
}

void tn_exchange_abandon(struct tn_exchange *parent, const struct tn_service *service)
{
	struct tn_trace call = { service, parent->depth };

	add_calls(parent, &call, 1);
	atomic_fetch_add_explicit(&parent->root->holders, 1, memory_order_relaxed);
}

/* ---- Who holds the memory of all ------------------------------------------------------------ */

/* true: others are left. What the last one sees is all that they have done. */
static bool let_go(struct tn_exchange *root)
{
	if (atomic_fetch_sub_explicit(&root->holders, 1, memory_order_acq_rel) > 1)
		return true;
	atomic_store_explicit(&root->holders, 1, memory_order_relaxed);
	return false;
}

bool tn_exchange_held(struct tn_exchange *exchange)
{
	return exchange->children && let_go(exchange);
}

void tn_exchange_let_go(struct tn_exchange *root)
{
	if (!let_go(root) && root->last)
		root->last(root->last_argument, root);
}
