/* tls.c - s_client as a filter, many at once. */
#include "proxies/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE 16
#define SILENCE_MS 800 /* and what good ones take */

static pid_t spawn(const struct proxy *proxy, const char *protocol, int socket)
{
	/* Without the authorities that it knows: to read them takes longer than all the rest. */
	char *const words[] = {
		text_of("openssl"),
		text_of("s_client"),
		text_of("-quiet"),
		text_of("-nocommands"),
		text_of("-no-CAfile"),
		text_of("-no-CApath"),
		text_of("-no-CAstore"),
		text_of("-alpn"),
		text_of("%s", protocol),
		text_of("-servername"),
		text_of(PROXY_NAME),
		text_of("-bind"),
		text_of(PROXY_CLIENT ":0"),
		text_of("-connect"),
		text_of("127.0.0.1:%d", proxy->port),
		NULL,
	};
	posix_spawn_file_actions_t actions;
	pid_t process;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&process, words[0], &actions, NULL, words, environ) != 0)
		give_up("openssl");
	posix_spawn_file_actions_destroy(&actions);
	return process;
}

struct tls tls_open(const struct proxy *proxy, const char *protocol)
{
	struct tls tls;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		give_up("socketpair");
	tls.socket = ends[0];
	tls.process = spawn(proxy, protocol, ends[1]);
	close(ends[1]);
	return tls;
}

void tls_close(struct tls *tls)
{
	close(tls->socket);
	if (tls->process > 0) {
		kill(tls->process, SIGKILL);
		waitpid(tls->process, NULL, 0);
	}
	*tls = (struct tls){ .socket = -1 };
}

/* ---- Many at once -------------------------------------------------------------------------- */

struct place {
	struct tls tls;
	struct talk *talk; /* NULL: free */
	long long heard;   /* the last byte, or the beginning */
};

struct hall {
	struct place places[AT_ONCE];
	const struct proxy *proxy;
	const char *protocol;
	bool (*over)(const struct wire_bytes *reply);
	long long silence; /* ms */
};

static void begin(struct hall *hall, struct place *place, struct talk *talk)
{
	*place = (struct place){ tls_open(hall->proxy, hall->protocol), talk, now_ms() };
	talk->reply = (struct wire_bytes){ .data = memory_of(1) };
	wire_send(place->tls.socket, talk->data, talk->size);
}

static void hear(struct place *place)
{
	struct wire_bytes *reply = &place->talk->reply;
	char part[16 * 1024];
	ssize_t size = recv(place->tls.socket, part, sizeof(part), MSG_DONTWAIT);
	char *whole;

	if (size < 0 && errno == EAGAIN)
		return;
	if (size <= 0) {
		reply->closed = true;
		return;
	}
	whole = memory_of(reply->size + (size_t)size + 1);
	memcpy(whole, reply->data, reply->size);
	memcpy(whole + reply->size, part, (size_t)size);
	reply->data = whole;
	reply->size += (size_t)size;
	place->heard = now_ms();
}

static void attend(struct hall *hall, struct place *place)
{
	struct wire_bytes *reply = &place->talk->reply;

	hear(place);
	if (!reply->closed && !hall->over(reply)) {
		reply->late = now_ms() - place->heard > hall->silence;
		if (!reply->late)
			return;
	}
	tls_close(&place->tls);
	place->talk = NULL;
}

static void wait_for_bytes(const struct hall *hall)
{
	struct pollfd sockets[AT_ONCE];

	for (size_t i = 0; i < AT_ONCE; i++) {
		const struct place *place = &hall->places[i];

		sockets[i].fd = place->talk ? place->tls.socket : -1;
		sockets[i].events = POLLIN;
	}
	poll(sockets, AT_ONCE, 50);
}

static void hold(struct hall *hall, struct talk *talks, size_t count)
{
	size_t begun = 0;
	size_t active = 0;

	do {
		active = 0;
		for (size_t i = 0; i < AT_ONCE; i++) {
			struct place *place = &hall->places[i];

			if (!place->talk && begun < count)
				begin(hall, place, &talks[begun++]);
			if (place->talk)
				attend(hall, place);
			active += place->talk != NULL;
		}
		wait_for_bytes(hall);
	} while (active || begun < count);
}

/* With as many others as there will be. */
static long long time_of_good_ones(struct hall *hall, const struct talk *good)
{
	struct talk talks[AT_ONCE];
	long long begin_ms = now_ms();

	for (size_t i = 0; i < AT_ONCE; i++)
		talks[i] = *good;
	hall->silence = deadline_ms();
	hold(hall, talks, AT_ONCE);
	return now_ms() - begin_ms;
}

size_t tls_talk_all(const struct proxy *proxy, const char *protocol, struct talk *talks,
                    size_t count, bool (*over)(const struct wire_bytes *reply))
{
	struct hall hall = { .proxy = proxy, .protocol = protocol, .over = over };

	hall.silence = SILENCE_MS + time_of_good_ones(&hall, &talks[0]);
	hold(&hall, talks, count);
	return AT_ONCE;
}
