/* test_forked.c - a Worker's child that lives on keeps nothing of the host's. */
#include "faults/tree.h"

#include "cunit.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *write_file(void)
{
	return scratch_write("forked.ini",
	                     "[host]\n"
	                     "listen = 127.0.0.1:0\n"
	                     "processes = 2\n"
	                     "access_log = off\n"
	                     "[worker forks]\n"
	                     "module = %s\n"
	                     "route = /*\n",
	                     fixture("serve_fork"));
}

static pid_t start_child(const struct host *host, const char *path)
{
	pid_t child = (pid_t)strtol(http_get(host, path)->body, NULL, 10);

	if (child <= 1)
		give_up("no child was made");
	return child;
}

/* Its parent, the host, has ended: it is this program's now. */
static void end_child(pid_t child)
{
	CHECK_NUMBER(waitpid(child, NULL, WNOHANG), 0); /* it lives */
	kill(child, SIGKILL);
	CHECK_NUMBER(waitpid(child, NULL, 0), child);
}

/* 0 where somebody listens. */
static int error_of_connect(int port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((in_port_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct timeval limit = { .tv_sec = 10 }; /* a closed gate answers nobody */
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error;

	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	error = connect(client, (const struct sockaddr *)&address, sizeof(address)) ? errno : 0;

	close(client);
	return error;
}

static void a_port_is_free(bool supervised, const char *path)
{
	const struct host_options options = { .supervised = supervised };
	struct host *host;
	pid_t child;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	host = host_start_with(write_file(), &options);
	child = start_child(host, path);
	CHECK_NUMBER(error_of_connect(host->port), 0);
	host_end(host);
	CHECK_NUMBER(error_of_connect(host->port), ECONNREFUSED);
	end_child(child);
}

static void a_child_keeps_no_port(void)
{
	a_port_is_free(false, "/fork");
}

static void a_child_keeps_no_port_of_a_tree(void)
{
	a_port_is_free(true, "/fork");
}

static void what_is_spawned_keeps_no_port(void)
{
	a_port_is_free(false, "/spawn");
	a_port_is_free(true, "/spawn");
}

/* What it inherits would end the host, and not the child. */
static void a_signal_to_a_child_is_for_the_child(void)
{
	struct host *host;
	pid_t child;
	long long end = now_ms() + deadline_ms();

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	host = host_start(write_file());
	child = start_child(host, "/fork");
	kill(child, SIGTERM);
	while (strstr(file_read(text_of("/proc/%d/stat", (int)child)), ") Z ") == NULL &&
	       now_ms() < end)
		nap();
	CU_ASSERT(now_ms() < end);
	CHECK_NUMBER(http_get(host, "/")->status, 200);
	CHECK_NUMBER(count_of(host_log(host), "SIGTERM"), 0);
	kill(child, SIGKILL);
	host_end(host);
	CHECK_NUMBER(waitpid(child, NULL, 0), child);
}

TEST_MAIN("faults/forked",
          TEST(a_child_keeps_no_port),
          TEST(a_child_keeps_no_port_of_a_tree),
          TEST(what_is_spawned_keeps_no_port),
          TEST(a_signal_to_a_child_is_for_the_child))
