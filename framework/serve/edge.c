#include "serve/edge.h"

#include "deploy/bodies.h"
#include "observe/log.h"
#include "serve/admission.h"
#include "serve/connections.h"
#include "serve/inbound.h"
#include "serve/proof.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define POOL_MOST 1024u /* exchanges kept in stock: 16 KiB each */
#define PROOF_TURNS 16
#define REST_MS 1000 /* at a stop, for the work behind replies that it cuts short */

/* ---- Setting up ---------------------------------------------------------------------------- */

static void set_limits(struct tn_edge *edge)
{
	const struct tn_settings *settings = &edge->deployment->plan->settings;

	edge->framing = (struct tn_framing_limits){
		.head = (size_t)settings->max_head,
		.fields = (size_t)settings->max_headers,
		.target = (size_t)settings->max_target,
	};
	edge->memory = tn_daemon_memory(&edge->framing);
	tn_admission_init(edge);
}

/* Whether a connection can come to be suspended: it costs all others a lock at each turn. */
static bool can_wait(const struct tn_edge *edge)
{
	const struct tn_routes *routes = &edge->deployment->plan->routes;

	if (edge->spool)
		return true;
	for (size_t i = 0; i < routes->count; i++) {
		if (routes->list[i].waits)
			return true;
	}
	return false;
}

/* The life of connections and requests, as libmicrohttpd tells it. */
static struct tn_daemon *start_daemon(struct tn_edge *edge)
{
	static const struct tn_daemon_calls calls = {
		.connected = tn_connections_made,
		.closed = tn_connections_closed,
		.begins = tn_inbound_begins,
		.goes_on = tn_inbound_goes_on,
		.ends = tn_inbound_ends,
	};
	const struct tn_daemon_options options = {
		.memory = edge->memory,
		.connections = edge->most_connections,
		.suspends = can_wait(edge),
		.calls = &calls,
		.argument = edge,
	};

	return tn_daemon_create(&options);
}

static bool start_spool(struct tn_edge *edge)
{
	const struct tn_plan *plan = edge->deployment->plan;

	if (!tn_bodies_spooled(plan))
		return true;
	edge->spool = tn_spool_create(tn_bodies_directory(&plan->settings));
	return edge->spool && tn_waiting_with(edge->waiting, tn_spool_descriptor(edge->spool));
}

/* The pool is done with a request, or it is answered without. */
static void resume(struct tn_wait *wait)
{
	tn_inbound_resume(wait->owner);
}

static bool start_waiting(struct tn_edge *edge, struct tn_pool *pool)
{
	const struct tn_waiting_options options = {
		.deployment = edge->deployment,
		.pool = pool,
		.answer = resume,
		.let_go = tn_inbound_pool_let_go,
	};

	edge->pool.executor = tn_pool_executor(pool);
	edge->waiting = tn_waiting_create(&options);
	return edge->waiting;
}

static void run(struct tn_edge *edge)
{
	tn_tap_enter(&edge->tap);
	tn_daemon_run(edge->daemon);
	tn_tap_leave();
}

/*
 * Not a word of a client is to be read before it is known that the tap is in place: whether the
 * function of ours is called depends on how the program was linked, and on the library.
 */
static bool prove(struct tn_edge *edge)
{
	/* Without one it would copy no bytes, and tn_client_create read the family among them. */
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct tn_proof proof;
	bool begun = tn_proof_begin(&proof);
	bool proven = false;

	edge->proving = true;
	if (!begun) {
		tn_log_write(TN_LOG_ERROR, NULL, "a connection to itself cannot be had: %s",
		             strerror(errno));
	} else if (tn_edge_add(edge, proof.socket, &nobody, sizeof(nobody))) {
		for (int i = 0; i < PROOF_TURNS; i++)
			run(edge);
		proven = tn_proof_holds(&proof);
	}
	tn_proof_end(&proof);
	tn_linger_run(edge->linger, tn_exchange_now());
	edge->proving = false;
	if (begun && !proven)
		tn_log_write(TN_LOG_ERROR, NULL, "%s", TN_PROOF_FAILED);
	return proven;
}

struct tn_edge *tn_edge_create(const struct tn_deployment *deployment,
                               struct tn_access_log *access_log, struct tn_pool *pool)
{
	struct tn_limits limits = tn_settings_limits(&deployment->plan->settings);
	struct tn_edge *edge = calloc(1, sizeof(*edge));

	if (!edge)
		return NULL;
	edge->deployment = deployment;
	edge->access_log = access_log;
	set_limits(edge);
	edge->refusals = TN_REFUSALS_INIT(deployment->activity);
	tn_deadlines_init(&edge->deadlines, &deployment->plan->settings, tn_client_delivery,
	                  tn_exchange_now());
	edge->tap.deadlines = &edge->deadlines;
	tn_addresses_init(&edge->addresses);
	tn_exchange_pool_init(&edge->pool, &limits, POOL_MOST);
	edge->pool.activity = deployment->activity;
	edge->linger = tn_linger_create();
	if (edge->linger && start_waiting(edge, pool) && start_spool(edge))
		edge->daemon = start_daemon(edge);
	if (!edge->daemon)
		tn_log_write(TN_LOG_ERROR, NULL, "libmicrohttpd cannot be started");
	else if (!TN_TAP_GUARDS || prove(edge))
		return edge;
	tn_edge_destroy(edge);
	return NULL;
}

/* ---- The end ------------------------------------------------------------------------------- */

static void stop_daemon(struct tn_edge *edge)
{
	tn_daemon_destroy(edge->daemon);
	edge->daemon = NULL;
}

/* For what the replies that the stop has cut short have left to be done. */
static void wait_for_rest(struct tn_edge *edge, int64_t until)
{
	struct pollfd done = { tn_waiting_descriptor(edge->waiting), POLLIN, 0 };

	while (edge->waits) {
		int64_t left = until - tn_exchange_now();

		if (left <= 0)
			return;
		poll(&done, 1, (int)left);
		tn_waiting_run(edge->waiting);
	}
}

/* With a suspended connection the daemon cannot be stopped. Stopping it lets work begin, which may
 * not come back either. */
bool tn_edge_stuck(struct tn_edge *edge)
{
	if (edge->spool && !tn_spool_settle(edge->spool, tn_exchange_now() + REST_MS)) {
		tn_log_write(TN_LOG_WARNING, NULL, "a body is still being written to its file");
		return true;
	}
	if (tn_waiting_stop(edge->waiting))
		return true;
	stop_daemon(edge);
	wait_for_rest(edge, tn_exchange_now() + REST_MS);
	return edge->waits && tn_waiting_stop(edge->waiting);
}

void tn_edge_destroy(struct tn_edge *edge)
{
	if (!edge)
		return;
	stop_daemon(edge);
	tn_spool_destroy(edge->spool);
	tn_waiting_destroy(edge->waiting);
	tn_linger_destroy(edge->linger);
	tn_tap_finish(&edge->tap);
	tn_deadlines_finish(&edge->deadlines);
	tn_addresses_finish(&edge->addresses);
	tn_exchange_pool_finish(&edge->pool);
	free(edge);
}

/* ---- Turning ------------------------------------------------------------------------------- */

int tn_edge_descriptor(const struct tn_edge *edge)
{
	return tn_daemon_descriptor(edge->daemon);
}

int tn_edge_linger_descriptor(const struct tn_edge *edge)
{
	return tn_linger_descriptor(edge->linger);
}

int tn_edge_pool_descriptor(const struct tn_edge *edge)
{
	return tn_waiting_descriptor(edge->waiting);
}

void tn_edge_take(struct tn_edge *edge)
{
	tn_deadlines_turn(&edge->deadlines, tn_exchange_now());
	tn_waiting_run(edge->waiting);
	if (edge->spool)
		tn_spool_run(edge->spool);
}

/* What is due of those that wait, or linger, may be sooner. */
static int sooner(const struct tn_edge *edge, int timeout)
{
	int64_t next = tn_waiting_next(edge->waiting);
	int64_t left = tn_linger_next(edge->linger);

	if (left < next)
		next = left;
	if (next == INT64_MAX)
		return timeout;
	left = next - tn_exchange_now();
	if (left <= 0)
		return 0;
	return timeout < 0 || left < timeout ? (int)left : timeout;
}

static void run_again(struct tn_edge *edge)
{
	edge->again = false;
	run(edge);
}

static int shorter(int timeout, int other)
{
	return timeout < 0 || (other >= 0 && other < timeout) ? other : timeout;
}

/* Whoever has sent something by now has been read from. */
static inline void cut_late(struct tn_edge *edge)
{
	struct tn_client *client;
	enum tn_phase phase;

	while ((client = tn_deadlines_due(&edge->deadlines, &phase)))
		tn_connections_cut(edge, client, phase);
}

int tn_edge_run(struct tn_edge *edge)
{
	int64_t now = tn_exchange_now();
	int timeout;

	tn_deadlines_turn(&edge->deadlines, now);
	if (edge->waits)
		tn_waiting_expire(edge->waiting, now);
	run(edge);
	if (edge->again)
		run_again(edge);
	cut_late(edge);
	timeout = tn_daemon_timeout(edge->daemon);
	if (tn_linger_count(edge->linger))
		tn_linger_run(edge->linger, tn_exchange_now());
	timeout = shorter(timeout, tn_deadlines_left(&edge->deadlines));
	if (edge->waits || tn_linger_count(edge->linger))
		timeout = sooner(edge, timeout);
	tn_deadlines_rest(&edge->deadlines, timeout);
	return timeout;
}

/* ---- What others ask of it ----------------------------------------------------------------- */

bool tn_edge_add(struct tn_edge *edge, int socket, const struct sockaddr *address,
                 socklen_t address_size)
{
	return tn_admission_grant(edge, socket, address) &&
	       tn_daemon_add(edge->daemon, socket, address, address_size);
}

bool tn_edge_full(const struct tn_edge *edge)
{
	return tn_edge_connections(edge) >= edge->most_connections;
}

void tn_edge_drain(struct tn_edge *edge)
{
	edge->draining = true;
}

unsigned tn_edge_connections(const struct tn_edge *edge)
{
	return edge->connections + tn_linger_count(edge->linger);
}

unsigned long tn_edge_activity(const struct tn_edge *edge)
{
	return edge->activity;
}

unsigned tn_edge_in_flight(const struct tn_edge *edge)
{
	return edge->in_flight;
}

size_t tn_edge_unfinished(const struct tn_edge *edge)
{
	return edge->waits;
}

const char *tn_edge_reason(int status)
{
	return tn_daemon_reason(status);
}
