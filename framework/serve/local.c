#include "serve/local.h"

#include "message/request.h"
#include "message/response.h"
#include "message/stack.h"
#include "observe/log.h"
#include "serve/status.h"

#include <poll.h>
#include <stdlib.h>

struct tn_local {
	const struct tn_deployment *deployment;
	struct tn_exchange_pool pool;
	struct tn_waiting *waiting;
	struct tn_exchange *exchange;
	struct tn_request *request;
	struct tn_route route; /* there may be none that leads to it */
	struct tn_wait *wait;
	bool let_go; /* by the pool, of the exchange */
};

/* ---- Setting it up -------------------------------------------------------------------------- */

/* The state of the wait tells it. */
static void answered(struct tn_wait *wait)
{
	(void)wait;
}

static void pool_let_go(struct tn_wait *wait)
{
	struct tn_local *local = wait->owner;

	local->let_go = true;
}

static void init_pool(struct tn_local *local, struct tn_pool *pool, struct tn_tracer *tracer)
{
	struct tn_limits limits = tn_settings_limits(&local->deployment->plan->settings);

	tn_exchange_pool_init(&local->pool, &limits, 0);
	if (tracer)
		tn_tracer_watch(tracer, &local->pool.limits);
	local->pool.activity = local->deployment->activity;
	local->pool.executor = tn_pool_executor(pool);
}

static bool begin_wait(struct tn_local *local)
{
	local->wait = tn_wait_create(local->waiting);
	if (!local->wait)
		return false;
	local->wait->exchange = local->exchange;
	local->wait->route = &local->route;
	local->wait->service = tn_deployment_service(local->deployment, &local->route);
	local->wait->request = local->request;
	local->wait->owner = local;
	return true;
}

static bool begin(struct tn_local *local, struct tn_pool *pool)
{
	const struct tn_waiting_options options = {
		.deployment = local->deployment,
		.pool = pool,
		.answer = answered,
		.let_go = pool_let_go,
	};

	local->waiting = tn_waiting_create(&options);
	local->exchange = tn_exchange_begin(&local->pool);
	if (!local->waiting || !local->exchange)
		return false;
	local->request = tn_request_first(local->exchange, "GET", "localhost", "/", "127.0.0.1");
	return local->request && begin_wait(local);
}

static void destroy(struct tn_local *local)
{
	tn_exchange_end(&local->pool, local->exchange);
	tn_waiting_destroy(local->waiting);
	tn_exchange_pool_finish(&local->pool);
	free(local);
}

struct tn_local *tn_local_begin(const struct tn_deployment *deployment,
                                const struct tn_plan_worker *worker, struct tn_pool *pool,
                                struct tn_tracer *tracer)
{
	struct tn_local *local = calloc(1, sizeof(*local));

	if (local) {
		local->deployment = deployment;
		local->route = (struct tn_route){
			.worker = worker->number,
			.worker_name = worker->name,
			.waits = worker->waits,
			.timeout = worker->timeout,
		};
		init_pool(local, pool, tracer);
		if (begin(local, pool))
			return local;
		destroy(local);
	}
	tn_log_write(TN_LOG_ERROR, NULL, "no memory for a request");
	return NULL;
}

struct tn_request *tn_local_request(const struct tn_local *local)
{
	return local->request;
}

/* ---- The call ------------------------------------------------------------------------------- */

/* One turn of what the loop of a host does for those that wait. */
static void turn(const struct tn_local *local, int64_t until)
{
	struct pollfd done = { tn_waiting_descriptor(local->waiting), POLLIN, 0 };
	int64_t next = tn_waiting_next(local->waiting);
	int64_t left;

	next = next < until ? next : until;
	left = next == INT64_MAX ? -1 : next - tn_exchange_now();
	poll(&done, 1, left > 60000 ? 60000 : (int)left);
	tn_waiting_run(local->waiting);
	tn_waiting_expire(local->waiting, tn_exchange_now());
}

/* The status in place of the Worker's reply; 0: there is none. */
static int call_waiting(struct tn_local *local)
{
	struct tn_wait *wait = local->wait;

	tn_wait_begin(wait);
	while (wait->state == TN_WAIT_OPEN)
		turn(local, INT64_MAX);
	if (wait->state == TN_WAIT_LATE)
		return 504;
	return wait->state == TN_WAIT_DONE ? 0 : 503;
}

static void tell_late(const struct tn_local *local, int64_t taken)
{
	struct tn_log_context context = {
		.request = tn_exchange_id(local->exchange),
		.worker = local->route.worker_name,
	};

	tn_log_write(TN_LOG_WARNING, &context,
	             "its reply came after %lld ms, its timeout is %lld ms: it is thrown away",
	             (long long)taken, (long long)local->route.timeout);
}

/* On the thread that is the loop's in a host. */
static int call_here(struct tn_local *local)
{
	struct tn_wait *wait = local->wait;
	int64_t begun = tn_exchange_now();
	int64_t taken;

	if (local->route.timeout)
		local->exchange->deadline = begun + local->route.timeout;
	tn_exchange_show(local->exchange, TN_STEP_REQUEST);
	wait->response = wait->service->fetch(local->request, wait->service);
	tn_exchange_hide(local->exchange);
	taken = tn_exchange_now() - begun;
	if (!local->route.timeout || taken < local->route.timeout)
		return 0;
	tell_late(local, taken);
	return 504;
}

static bool note_keys(const struct tn_local *local)
{
	const struct tn_deployment *deployment = local->deployment;

	return !deployment->key_count ||
	       tn_split_note(local->request, deployment->keys, deployment->key_count);
}

static int call(struct tn_local *local)
{
	local->exchange->method = local->request->method;
	local->exchange->target = local->request->target;
	if (!note_keys(local))
		return 500;
	return local->route.waits ? call_waiting(local) : call_here(local);
}

void tn_local_call(struct tn_local *local, struct tn_local_reply *reply)
{
	const struct tn_response *response = NULL;
	int status;

	tn_stack_begin();
	status = call(local);
	if (!status)
		response = local->wait->response;
	if (response) {
		*reply = (struct tn_local_reply){
			.status = response->status,
			.headers = &response->headers,
			.body = response->body,
		};
		return;
	}
	status = status ? status : 500;
	*reply = (struct tn_local_reply){
		.status = status,
		.body = tn_status_body(status),
		.retry = status == 503,
	};
}

/* ---- The end -------------------------------------------------------------------------------- */

/* false: a thread does not come back. */
static bool wait_for_pool(const struct tn_local *local, int64_t until)
{
	while (!local->let_go) {
		if (tn_exchange_now() >= until)
			return false;
		turn(local, until);
	}
	return true;
}

static bool finish(struct tn_local *local, int64_t until)
{
	if (local->wait->held && !wait_for_pool(local, until))
		return false;
	for (;;) {
		local->let_go = false;
		if (tn_wait_finish(local->wait) && tn_exchange_end(&local->pool, local->exchange))
			return true;
		if (!wait_for_pool(local, until))
			return false;
	}
}

bool tn_local_end(struct tn_local *local)
{
	int64_t until = tn_exchange_now() + local->deployment->plan->settings.drain_timeout;

	if (!finish(local, until)) {
		tn_waiting_stop(local->waiting);
		return false;
	}
	local->exchange = NULL;
	tn_wait_end(local->wait);
	destroy(local);
	return true;
}
