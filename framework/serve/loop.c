#include "serve/loop.h"

#include "observe/log.h"

#include <errno.h>
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
#define COMPLAIN_EVERY_MS (60 * 1000) /* about that */

struct loop {
	struct tn_edge *edge;
	const struct tn_loop_options *options;
	int epoll;
	bool listening;      /* the listeners are watched */
	int64_t resume_at;   /* ms; when they are to be watched again */
	int64_t quiet_until; /* ms; no second line about the pauses before */
	bool draining;
	bool patient;      /* those who keep their connections have until the deadline */
	bool ended;        /* a second signal */
	int64_t deadline;  /* ms */
	int64_t grace_end; /* ms */
	unsigned idle_turns;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool watch(const struct loop *loop, int descriptor)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = descriptor };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

/* ---- Accepting ----------------------------------------------------------------------------- */

static void set_listening(struct loop *loop, bool listening)
{
	for (size_t i = 0; i < loop->options->listener_count; i++) {
		struct epoll_event event = {
			.events = listening ? EPOLLIN : 0,
			.data.fd = loop->options->listeners[i],
		};

		epoll_ctl(loop->epoll, EPOLL_CTL_MOD, loop->options->listeners[i], &event);
	}
	loop->listening = listening;
}

static void pause_accepting(struct loop *loop, const char *why)
{
	int64_t now = now_ms();

	if (now >= loop->quiet_until) {
		tn_log_write(TN_LOG_WARNING, NULL, "new connections wait: %s", why);
		loop->quiet_until = now + COMPLAIN_EVERY_MS;
	}
	set_listening(loop, false);
	loop->resume_at = now + ACCEPT_PAUSE_MS;
}

/* Errors of one connection that are no trouble of ours (accept(2), "Error handling"). */
static bool passing_error(int error)
{
	return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN ||
	       error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH ||
	       error == ENETUNREACH || error == EPERM;
}

/* Returns whether there may be more. */
static bool accept_one(struct loop *loop, int listener)
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

static void accept_some(struct loop *loop, int listener)
{
	for (unsigned i = 0; i < ACCEPTS_MOST && accept_one(loop, listener); i++)
		;
}

/* ---- Ending -------------------------------------------------------------------------------- */

static void start_draining(struct loop *loop)
{
	loop->draining = true;
	loop->deadline = now_ms() + loop->options->drain_timeout;
	loop->grace_end = now_ms() + GRACE_MS;
	tn_edge_drain(loop->edge);
	for (size_t i = 0; i < loop->options->listener_count; i++) {
		int listener = loop->options->listeners[i];

		/* Other processes have it, too: closing alone would leave it watched. */
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, listener, NULL);
		/* Whoever is in the queue was let in by the kernel already. */
		while (accept_one(loop, listener))
			;
		close(listener);
	}
	loop->listening = true; /* there is nothing to resume */
}

/* A host that is replaced lets its clients have their next reply; one that is stopped does not. */
static void take_signal(struct loop *loop, int signal)
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
	tn_log_write(TN_LOG_INFO, NULL, "SIG%s: stopping, %u in flight", sigabbrev_np(signal),
	             tn_edge_in_flight(loop->edge));
	start_draining(loop);
	loop->patient = signal == SIGHUP;
	if (loop->patient)
		loop->grace_end = loop->deadline;
}

static void take_signals(struct loop *loop)
{
	unsigned char signal;

	while (read(loop->options->signals, &signal, 1) == 1)
		take_signal(loop, signal);
}

/* ---- Turning ------------------------------------------------------------------------------- */

static bool is_listener(const struct loop *loop, int descriptor)
{
	for (size_t i = 0; i < loop->options->listener_count; i++) {
		if (loop->options->listeners[i] == descriptor)
			return true;
	}
	return false;
}

/*
 * libmicrohttpd asks to be run again at once for a connection that it cannot get on with, such as
 * one whose buffer a single line of a chunk fills. Where nothing has come of many turns, it waits.
 */
static int backed_off(const struct loop *loop, int timeout)
{
	return timeout == 0 && loop->idle_turns >= IDLE_TURNS_MOST ? BACK_OFF_MS : timeout;
}

/* Returns the edge's next deadline. `quiet` tells whether nothing happened. */
static int turn(struct loop *loop, int timeout, bool *quiet)
{
	struct epoll_event events[EVENTS_MOST];
	int count = epoll_wait(loop->epoll, events, EVENTS_MOST, backed_off(loop, timeout));
	unsigned long before = tn_edge_activity(loop->edge);

	tn_activity_turn(loop->options->activity);
	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == loop->options->signals)
			take_signals(loop);
		else if (!loop->draining && is_listener(loop, events[i].data.fd))
			accept_some(loop, events[i].data.fd);
	}
	timeout = tn_edge_run(loop->edge);
	*quiet = count <= 0 && before == tn_edge_activity(loop->edge);
	loop->idle_turns = *quiet && timeout == 0 ? loop->idle_turns + 1 : 0;
	tn_access_log_flush(loop->options->access_log);
	tn_activity_turn(loop->options->activity);
	return timeout;
}

static int sooner(int timeout, int64_t at)
{
	int64_t left = at - now_ms();

	if (left < 0)
		left = 0;
	return timeout < 0 || left < timeout ? (int)left : timeout;
}

static void serve(struct loop *loop)
{
	int timeout = tn_edge_run(loop->edge);
	bool quiet;

	while (!loop->draining) {
		if (!loop->listening) {
			if (now_ms() >= loop->resume_at)
				set_listening(loop, true);
			else
				timeout = sooner(timeout, loop->resume_at);
		}
		timeout = turn(loop, timeout, &quiet);
	}
}

/*
 * Whether all is done: nothing is in flight, nothing that was sent lies unread, and the clients
 * that keep their connections have had the time to send what they were about to: it is answered,
 * and the reply tells them that it is the last.
 */
static bool is_drained(const struct loop *loop, bool quiet, int64_t now)
{
	if (tn_edge_in_flight(loop->edge) || !quiet)
		return false;
	return !tn_edge_connections(loop->edge) || now >= loop->grace_end;
}

static enum tn_loop_result drain(struct loop *loop)
{
	int timeout = -1;
	bool quiet = false;
	unsigned in_flight;
	int64_t now;

	for (now = now_ms(); !loop->ended && now < loop->deadline; now = now_ms()) {
		if (is_drained(loop, quiet, now))
			return TN_LOOP_DRAINED;
		timeout = sooner(timeout, now < loop->grace_end ? loop->grace_end : loop->deadline);
		if (!quiet)
			timeout = 0; /* that nothing is left shows in a turn without an event */
		timeout = turn(loop, timeout, &quiet);
	}
	in_flight = tn_edge_in_flight(loop->edge);
	if (!in_flight && !loop->ended)
		return TN_LOOP_DRAINED;
	tn_log_write(TN_LOG_WARNING, NULL, "stopped with %u request%s unanswered: %s", in_flight,
	             in_flight == 1 ? "" : "s",
	             loop->ended ? "a second signal came" : "drain_timeout is over");
	return TN_LOOP_DEADLINE;
}

static bool watch_all(const struct loop *loop)
{
	for (size_t i = 0; i < loop->options->listener_count; i++) {
		if (!watch(loop, loop->options->listeners[i]))
			return false;
	}
	return watch(loop, loop->options->signals) &&
	       watch(loop, tn_edge_descriptor(loop->edge));
}

enum tn_loop_result tn_loop_run(struct tn_edge *edge, const struct tn_loop_options *options)
{
	struct loop loop = { .edge = edge, .options = options, .listening = true };
	enum tn_loop_result result = TN_LOOP_FAILED;

	loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop.epoll < 0 || !watch_all(&loop)) {
		tn_log_write(TN_LOG_ERROR, NULL, "the event loop cannot be set up: %s",
		             strerror(errno));
	} else {
		serve(&loop);
		result = drain(&loop);
	}
	if (loop.epoll >= 0)
		close(loop.epoll);
	return result;
}
