/*
 * bare.c - what tenon is measured against: the least libmicrohttpd program that gives the same
 * reply in the same way, with an epoll loop of its own and its own accept. A handler as in
 * libmicrohttpd's examples; a response made for each request, since a reply is seldom constant.
 */
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MOST 64
#define IDLE_TIMEOUT_S 60

static char body[] = "Hello from the application worker\n";

static enum MHD_Result handle(void *argument, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
	static int begun;
	struct MHD_Response *reply;
	enum MHD_Result queued;

	(void)argument, (void)url, (void)method, (void)version, (void)data, (void)size;
	if (!*state) {
		*state = &begun;
		return MHD_YES;
	}
	reply = MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_PERSISTENT);
	if (!reply)
		return MHD_NO;
	MHD_add_response_header(reply, "Content-Type", "text/plain;charset=UTF-8");
	queued = MHD_queue_response(connection, MHD_HTTP_OK, reply);
	MHD_destroy_response(reply);
	return queued;
}

static int listen_on_free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) },
	};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(listener, SOMAXCONN) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		return -1;
	fprintf(stderr, "listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
	return listener;
}

static int take_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void accept_all(struct MHD_Daemon *daemon, int listener)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	int socket;

	while ((socket = accept4(listener, (struct sockaddr *)&address, &size,
	                         SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		MHD_add_connection(daemon, socket, (struct sockaddr *)&address, size);
}

static bool watch(int epoll, int descriptor)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = descriptor };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static int run(struct MHD_Daemon *daemon)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	MHD_run(daemon);
	return MHD_get_timeout(daemon, &timeout) == MHD_YES ? (int)timeout : -1;
}

static void serve(struct MHD_Daemon *daemon, int epoll, int listener, int signals)
{
	struct epoll_event events[EVENTS_MOST];
	int timeout = run(daemon);

	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS_MOST, timeout);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == signals)
				return;
			if (events[i].data.fd == listener)
				accept_all(daemon, listener);
		}
		timeout = run(daemon);
	}
}

/*
 *	bare [BYTES [CONNECTIONS]]    with that much memory for each connection, and so many of
 *	                              them; by default as libmicrohttpd, 32 KiB and about 1,000
 */
int main(int argc, char **argv)
{
	size_t memory = argc > 1 ? strtoul(argv[1], NULL, 10) : 32 * 1024;
	unsigned most = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : FD_SETSIZE - 4;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int signals = take_signals();
	int listener = listen_on_free_port();
	struct MHD_Daemon *daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0,
	                         NULL, NULL, handle, NULL, MHD_OPTION_CONNECTION_TIMEOUT,
	                         (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT, most,
	                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_END);

	if (!daemon || listener < 0 || signals < 0 || !watch(epoll, signals) ||
	    !watch(epoll, listener) ||
	    !watch(epoll, MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd)) {
		perror("bare");
		return EXIT_FAILURE;
	}
	serve(daemon, epoll, listener, signals);
	MHD_stop_daemon(daemon);
	return EXIT_SUCCESS;
}
