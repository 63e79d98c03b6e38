#include "serve/loop.h"

#include "message/stack.h"
#include "observe/log.h"
#include "serve/forked.h"
#include "serve/gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MOST 64
#define ACCEPTS_MOST 64     /* a turn: those who are connected already get theirs, too */
#define ACCEPT_PAUSE_MS 100 /* when there is no descriptor or memory for one more */
#define IDLE_TURNS_MOST 32
#define BACK_OFF_MS 10
#define GRACE_MS 250                  /* at a stop, for clients that keep their connections */
#define LINGER_MS 30                  /* at a stop, for handshakes that are under way */
#define UNSENT_MOST (256 * 1024)      /* bytes that the kernel has for a client, but not sent */
#define COMPLAIN_EVERY_MS (60 * 1000) /* about that */

struct tn_loop {
	struct tn_edge *edge;
	struct tn_loop_options options;
	int epoll;
	bool *watched;       /* of each listener: it is to be accepted from */
	bool listening;      /* those that are to be watched are */
	int64_t resume_at;   /* ms; when they are to be watched again */
	int64_t quiet_until; /* ms; no second line about the pauses before */
	bool draining;
	bool patient;       /* those who keep their connections have until the deadline */
	bool ended;         /* a second signal */
	int64_t deadline;   /* ms */
	int64_t grace_end;  /* ms */
	bool lingering;     /* the listeners are open: some who have begun to connect are to come */
	int64_t linger_end; /* ms */
	unsigned idle_turns;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What an event is of: the number of a listener, or one of these. */
enum source {
	SOURCE_SIGNALS = -1,
	SOURCE_EDGE = -2,
	SOURCE_NOTES = -3,
	SOURCE_POOL = -4,
};

static bool watch(const struct tn_loop *loop, int descriptor, enum source source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = (uint64_t)(int64_t)source };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static void ignore(const struct tn_loop *loop, int descriptor)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, descriptor, NULL);
}

/* ---- Accepting ----------------------------------------------------------------------------- */

/* Others may watch it, too: one of them is enough. Such a watch cannot be changed, only ended. */
static bool watch_listener(const struct tn_loop *loop, size_t number)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = number };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->options.listeners[number], &event) ==
	               0 ||
	       errno == EEXIST;
}

static bool watch_listeners(const struct tn_loop *loop)
{
	for (size_t i = 0; i < loop->options.listener_count; i++) {
		if (loop->watched[i] && !watch_listener(loop, i))
			return false;
	}
	return true;
}

static void rest_listeners(struct tn_loop *loop)
{
	for (size_t i = 0; i < loop->options.listener_count; i++) {
		if (loop->watched[i])
			ignore(loop, loop->options.listeners[i]);
	}
	loop->listening = false;
	loop->resume_at = now_ms() + ACCEPT_PAUSE_MS;
}

void tn_loop_watch(struct tn_loop *loop, size_t listener, bool watched)
{
	if (loop->draining || listener >= loop->options.listener_count ||
	    loop->watched[listener] == watched)
		return;
	loop->watched[listener] = watched;
	if (!loop->listening)
		return;
	if (!watched)
		ignore(loop, loop->options.listeners[listener]);
	else if (!watch_listener(loop, listener))
		rest_listeners(loop);
}

static void pause_accepting(struct tn_loop *loop, const char *why)
{
	int64_t now = now_ms();

	if (now >= loop->quiet_until) {
		tn_log_write(TN_LOG_WARNING, NULL, "new connections wait: %s", why);
		loop->quiet_until = now + COMPLAIN_EVERY_MS;
	}
	rest_listeners(loop);
}

/* Errors of one connection that are no trouble of ours (accept(2), "Error handling"). */
static bool passing_error(int error)
{
	return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN ||
	       error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH ||
	       error == ENETUNREACH || error == EPERM;
}

/* Returns whether there may be more. */
static bool accept_one(struct tn_loop *loop, int listener)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	int socket;

	if (tn_edge_full(loop->edge)) {
		pause_accepting(loop, "as many are open as there are descriptors for: raise "
		                      "the limit (ulimit -n, or LimitNOFILE of systemd)");
		return false;
	}
	socket = accept4(listener, (struct sockaddr *)&address, &size,
	                 SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (socket >= 0) {
		tn_edge_add(loop->edge, socket, (struct sockaddr *)&address, size);
		return true;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return false;
	if (passing_error(errno))
		return true;
	pause_accepting(loop, strerror(errno));
	return false;
}

static void accept_some(struct tn_loop *loop, int listener)
{
	for (unsigned i = 0; i < ACCEPTS_MOST && accept_one(loop, listener); i++)
		;
}

/* ---- Ending -------------------------------------------------------------------------------- */

static void close_listeners(struct tn_loop *loop)
{
	for (size_t i = 0; i < loop->options.listener_count; i++) {
		/* Other processes have it, too: closing alone would leave it watched. */
		if (loop->watched[i])
			ignore(loop, loop->options.listeners[i]);
		tn_forked_close(loop->options.listeners[i]);
	}
}

/* Whoever is in a queue was let in by the kernel already. */
static void empty_queues(struct tn_loop *loop)
{
	for (size_t i = 0; i < loop->options.listener_count; i++) {
		while (loop->watched[i] && accept_one(loop, loop->options.listeners[i]))
			;
	}
}

/* Where nobody new can come, those who do have an end. */
static bool is_gated(const struct tn_loop *loop)
{
	const struct tn_loop_options *options = &loop->options;

	for (size_t i = 0; options->alone && i < options->listener_count; i++)
		tn_gate_close(options->listeners[i]);
	return options->listener_count && tn_gate_is_closed(options->listeners[0]);
}

static void start_draining(struct tn_loop *loop)
{
	int64_t now = now_ms();

	loop->draining = true;
	loop->deadline = now + loop->options.drain_timeout;
	loop->grace_end = now + GRACE_MS;
	loop->lingering = is_gated(loop);
	loop->linger_end = now + LINGER_MS;
	tn_edge_drain(loop->edge);
	empty_queues(loop);
	if (!loop->lingering)
		close_listeners(loop);
	loop->listening = true; /* there is nothing to resume */
}

/* Returns when it is to be called again, at the latest. */
static int64_t linger(struct tn_loop *loop, int64_t now)
{
	unsigned before = tn_edge_connections(loop->edge);

	empty_queues(loop);
	if (tn_edge_connections(loop->edge) > before)
		loop->linger_end = now + LINGER_MS;
	if (now < loop->linger_end && now < loop->grace_end)
		return loop->linger_end;
	close_listeners(loop);
	loop->lingering = false;
	return now;
}

/* A host that is replaced lets its clients have their next reply; one that is stopped does not. */
static void be_replaced(struct tn_loop *loop)
{
	loop->patient = true;
	loop->grace_end = loop->deadline;
	if (loop->options.replaced)
		loop->options.replaced(loop->options.argument);
}

static void take_signal(struct tn_loop *loop, int signal)
{
	if (loop->draining && loop->patient && signal != SIGHUP) {
		loop->patient = false;
		loop->grace_end = now_ms() + GRACE_MS;
		return;
	}
	if (loop->draining) {
		loop->ended = signal != SIGHUP;
		return;
	}
	start_draining(loop);
	/* Behind it: whoever comes when this has been read is not let in any more. */
	tn_log_write(TN_LOG_INFO, NULL, "SIG%s: stopping, %u in flight", sigabbrev_np(signal),
	             tn_edge_in_flight(loop->edge));
	if (signal == SIGHUP)
		be_replaced(loop);
}

static void take_signals(struct tn_loop *loop)
{
	unsigned char signal;

	while (read(loop->options.signals, &signal, 1) == 1)
		take_signal(loop, signal);
}

/* ---- Turning ------------------------------------------------------------------------------- */

static void take_notes(struct tn_loop *loop)
{
	if (!loop->options.take_notes(loop->options.argument, loop))
		ignore(loop, loop->options.notes);
}

static void take_event(struct tn_loop *loop, int64_t source)
{
	if (source == SOURCE_SIGNALS)
		take_signals(loop);
	else if (source == SOURCE_NOTES)
		take_notes(loop);
	else if (source == SOURCE_POOL)
		tn_edge_take(loop->edge);
	else if (source >= 0 && !loop->draining && loop->watched[source])
		accept_some(loop, loop->options.listeners[source]);
}

/*
 * libmicrohttpd asks to be run again at once for a connection that it cannot get on with, such as
 * one whose buffer a single line of a chunk fills. Where nothing has come of many turns, it waits.
 */
static int backed_off(const struct tn_loop *loop, int timeout)
{
	return timeout == 0 && loop->idle_turns >= IDLE_TURNS_MOST ? BACK_OFF_MS : timeout;
}

/* Returns the edge's next deadline. `quiet` tells whether nothing happened. */
static int turn(struct tn_loop *loop, int timeout, bool *quiet)
{
	struct epoll_event events[EVENTS_MOST];
	int count = epoll_wait(loop->epoll, events, EVENTS_MOST, backed_off(loop, timeout));
	unsigned long before = tn_edge_activity(loop->edge);

	tn_activity_turn(loop->options.activity);
	for (int i = 0; i < count; i++)
		take_event(loop, (int64_t)events[i].data.u64);
	timeout = tn_edge_run(loop->edge);
	*quiet = count <= 0 && before == tn_edge_activity(loop->edge);
	loop->idle_turns = *quiet && timeout == 0 ? loop->idle_turns + 1 : 0;
	tn_access_log_flush(loop->options.access_log);
	tn_activity_turn(loop->options.activity);
	return timeout;
}

static int sooner(int timeout, int64_t at)
{
	int64_t left = at - now_ms();

	if (left < 0)
		left = 0;
	return timeout < 0 || left < timeout ? (int)left : timeout;
}

/* Returns when it is to be looked at again. */
static int listen_again(struct tn_loop *loop, int timeout)
{
	if (now_ms() < loop->resume_at)
		return sooner(timeout, loop->resume_at);
	loop->listening = watch_listeners(loop);
	if (loop->listening)
		return timeout;
	rest_listeners(loop);
	return sooner(timeout, loop->resume_at);
}

static void serve(struct tn_loop *loop)
{
	int timeout = tn_edge_run(loop->edge);
	bool quiet;

	while (!loop->draining) {
		if (!loop->listening)
			timeout = listen_again(loop, timeout);
		timeout = turn(loop, timeout, &quiet);
	}
}

/*
 * Whether all is done: nothing is in flight, no thread is at work for what has been answered,
 * nothing that was sent lies unread, and the clients that keep their connections have had the time
 * to send what they were about to: it is answered, and the reply tells them that it is the last.
 */
static bool is_drained(const struct tn_loop *loop, bool quiet, int64_t now)
{
	if (tn_edge_in_flight(loop->edge) || tn_edge_unfinished(loop->edge) || loop->lingering ||
	    !quiet)
		return false;
	return !tn_edge_connections(loop->edge) || now >= loop->grace_end;
}

static enum tn_loop_result tell_unfinished(const struct tn_loop *loop)
{
	const char *why = loop->ended ? "a second signal came" : "drain_timeout is over";
	unsigned in_flight = tn_edge_in_flight(loop->edge);
	size_t unfinished = tn_edge_unfinished(loop->edge);

	if (!in_flight && !unfinished && !loop->ended)
		return TN_LOOP_DRAINED;
	if (in_flight || !unfinished)
		tn_log_write(TN_LOG_WARNING, NULL, "stopped with %u request%s unanswered: %s",
		             in_flight, in_flight == 1 ? "" : "s", why);
	else
		tn_log_write(TN_LOG_WARNING, NULL, "stopped, with threads at work still: %s", why);
	return TN_LOOP_DEADLINE;
}

static enum tn_loop_result drain(struct tn_loop *loop)
{
	int timeout = -1;
	bool quiet = false;
	int64_t now;

	for (now = now_ms(); !loop->ended && now < loop->deadline; now = now_ms()) {
		if (is_drained(loop, quiet, now))
			return TN_LOOP_DRAINED;
		timeout = sooner(timeout, now < loop->grace_end ? loop->grace_end : loop->deadline);
		if (loop->lingering)
			timeout = sooner(timeout, linger(loop, now));
		if (!quiet)
			timeout = 0; /* that nothing is left shows in a turn without an event */
		timeout = turn(loop, timeout, &quiet);
	}
	if (loop->lingering)
		close_listeners(loop);
	return tell_unfinished(loop);
}

/*
 * Connections have it from their listener. The kernel would take several megabytes of a large reply
 * for each client that does not read it, until it has no memory for the connections of others.
 */
static void bound_unsent(int listener)
{
	int most = UNSENT_MOST;

	setsockopt(listener, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof(most));
}

static bool set_up(struct tn_loop *loop)
{
	const struct tn_loop_options *options = &loop->options;

	loop->watched = calloc(options->listener_count + 1, sizeof(loop->watched[0]));
	if (!loop->watched)
		return false;
	for (size_t i = 0; i < options->listener_count; i++)
		bound_unsent(options->listeners[i]);
	for (size_t i = 0; i + options->spare < options->listener_count; i++)
		loop->watched[i] = true;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll >= 0 && tn_forked_deny(loop->epoll) &&
	       watch(loop, options->signals, SOURCE_SIGNALS) &&
	       watch(loop, tn_edge_descriptor(loop->edge), SOURCE_EDGE) &&
	       watch(loop, tn_edge_linger_descriptor(loop->edge), SOURCE_EDGE) &&
	       watch(loop, tn_edge_pool_descriptor(loop->edge), SOURCE_POOL) &&
	       (options->notes < 0 || watch(loop, options->notes, SOURCE_NOTES));
}

struct tn_loop *tn_loop_create(struct tn_edge *edge, const struct tn_loop_options *options)
{
	struct tn_loop *loop = calloc(1, sizeof(*loop));

	if (loop) {
		*loop = (struct tn_loop){
			.edge = edge, .options = *options, .epoll = -1, .listening = true
		};
		if (set_up(loop))
			return loop;
	}
	tn_log_write(TN_LOG_ERROR, NULL, "the event loop cannot be set up: %s", strerror(errno));
	tn_loop_destroy(loop);
	return NULL;
}

void tn_loop_destroy(struct tn_loop *loop)
{
	if (!loop)
		return;
	if (loop->epoll >= 0)
		tn_forked_close(loop->epoll);
	free(loop->watched);
	free(loop);
}

enum tn_loop_result tn_loop_run(struct tn_loop *loop)
{
	tn_stack_begin();
	if (!watch_listeners(loop)) {
		tn_log_write(TN_LOG_ERROR, NULL, "the listeners cannot be watched: %s",
		             strerror(errno));
		return TN_LOOP_FAILED;
	}
	if (loop->options.notes >= 0)
		take_notes(loop);
	serve(loop);
	return drain(loop);
}
