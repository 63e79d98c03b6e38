#include "serve/linger.h"

#include "serve/forked.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MOST 64
#define READS_MOST 16 /* of one socket, a turn */

struct held {
	int socket;
	int64_t until;
	size_t dropped;
	struct held *older;
	struct held *newer;
};

/* All have the same time: the oldest is the first whose time is over. */
struct tn_linger {
	int epoll;
	unsigned count;
	struct held *oldest;
	struct held *newest;
};

/* Returns whether more may come. */
static bool drop(struct held *held)
{
	char bytes[16 * 1024];

	for (unsigned i = 0; i < READS_MOST; i++) {
		ssize_t size = read(held->socket, bytes, sizeof(bytes));

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN;
		held->dropped += (size_t)size;
		if (!size || held->dropped > TN_LINGER_BYTES)
			return false;
	}
	return true;
}

static void let_go(struct tn_linger *linger, struct held *held)
{
	drop(held);
	if (held == linger->oldest)
		linger->oldest = held->newer;
	else
		held->older->newer = held->newer;
	if (held == linger->newest)
		linger->newest = held->older;
	else
		held->newer->older = held->older;
	linger->count--;
	close(held->socket);
	free(held);
}

static void append(struct tn_linger *linger, struct held *held)
{
	held->older = linger->newest;
	if (linger->newest)
		linger->newest->newer = held;
	else
		linger->oldest = held;
	linger->newest = held;
	linger->count++;
}

static bool watch(const struct tn_linger *linger, struct held *held)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = held };

	return epoll_ctl(linger->epoll, EPOLL_CTL_ADD, held->socket, &event) == 0;
}

void tn_linger_add(struct tn_linger *linger, int socket, int64_t now)
{
	struct held *held = calloc(1, sizeof(*held));

	shutdown(socket, SHUT_WR);
	if (!held) {
		close(socket);
		return;
	}
	if (linger->count >= TN_LINGER_MOST)
		let_go(linger, linger->oldest);
	held->socket = socket;
	held->until = now + TN_LINGER_MS;
	append(linger, held);
	if (!drop(held) || !watch(linger, held))
		let_go(linger, held);
}

void tn_linger_run(struct tn_linger *linger, int64_t now)
{
	struct epoll_event events[EVENTS_MOST];
	int count = linger->count ? epoll_wait(linger->epoll, events, EVENTS_MOST, 0) : 0;

	for (int i = 0; i < count; i++) {
		if (!drop(events[i].data.ptr))
			let_go(linger, events[i].data.ptr);
	}
	while (linger->oldest && linger->oldest->until <= now)
		let_go(linger, linger->oldest);
}

int64_t tn_linger_next(const struct tn_linger *linger)
{
	return linger->oldest ? linger->oldest->until : INT64_MAX;
}

unsigned tn_linger_count(const struct tn_linger *linger)
{
	return linger->count;
}

int tn_linger_descriptor(const struct tn_linger *linger)
{
	return linger->epoll;
}

struct tn_linger *tn_linger_create(void)
{
	struct tn_linger *linger = calloc(1, sizeof(*linger));

	if (!linger)
		return NULL;
	linger->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (linger->epoll >= 0 && tn_forked_deny(linger->epoll))
		return linger;
	tn_linger_destroy(linger);
	return NULL;
}

void tn_linger_destroy(struct tn_linger *linger)
{
	if (!linger)
		return;
	while (linger->oldest)
		let_go(linger, linger->oldest);
	if (linger->epoll >= 0)
		tn_forked_close(linger->epoll);
	free(linger);
}
