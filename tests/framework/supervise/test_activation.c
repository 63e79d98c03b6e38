/* test_activation.c - sockets that systemd gave: which are taken, and what is said of the others.
 * Each is tried in a child, which has them from 3 on. */
#include "supervise/activation.h"

#include "../deploy/scratch.h"

#include <netinet/in.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>

#define GIVEN_MOST 20

/* What is given, and what comes of it: the child shares it. */
struct trial {
	int given[GIVEN_MOST];
	size_t given_count;
	const char *fds; /* NULL: as many as there are */
	const char *pid; /* NULL: the child's */
	const char *names;

	int code;
	size_t count;
	char reason[512];
	struct tn_listener listeners[TN_LISTEN_MAX];
	int descriptor_flags[GIVEN_MOST];
	int status_flags[GIVEN_MOST];
	bool environment_clean;
};

static struct trial *begin(void)
{
	struct trial *trial = mmap(NULL, sizeof(*trial), PROT_READ | PROT_WRITE,
	                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CU_ASSERT_FATAL(trial != MAP_FAILED);
	*trial = (struct trial){ .code = -1 };
	return trial;
}

static void end(struct trial *trial)
{
	for (size_t i = 0; i < trial->given_count; i++)
		close(trial->given[i]);
	munmap(trial, sizeof(*trial));
}

static void give(struct trial *trial, int descriptor)
{
	CU_ASSERT_FATAL(descriptor >= 0 && trial->given_count < GIVEN_MOST);
	/* Out of the way of 3 and those that follow it. */
	trial->given[trial->given_count++] = fcntl(descriptor, F_DUPFD, 3 + GIVEN_MOST);
	close(descriptor);
}

static void set_number(const char *name, const char *text, long number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%ld", number);
	setenv(name, text ? text : digits, 1);
}

static void try(struct trial *trial)
{
	for (size_t i = 0; i < trial->given_count; i++)
		dup2(trial->given[i], 3 + (int)i);
	set_number("LISTEN_FDS", trial->fds, (long)trial->given_count);
	set_number("LISTEN_PID", trial->pid, getpid());
	if (trial->names)
		setenv("LISTEN_FDNAMES", trial->names, 1);
	trial->code = tn_activation_take(trial->listeners, &trial->count, trial->reason,
	                                 sizeof(trial->reason));
	for (size_t i = 0; i < trial->given_count; i++) {
		trial->descriptor_flags[i] = fcntl(3 + (int)i, F_GETFD);
		trial->status_flags[i] = fcntl(3 + (int)i, F_GETFL);
	}
	trial->environment_clean = !getenv("LISTEN_FDS") && !getenv("LISTEN_PID") &&
	                           !getenv("LISTEN_FDNAMES");
}

static void run(struct trial *trial)
{
	pid_t child;
	int status = -1;

	fflush(NULL);
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		try(trial);
		_exit(0);
	}
	CHECK_NUMBER(waitpid(child, &status, 0), child);
	CHECK_NUMBER(status, 0);
	CU_ASSERT_TRUE(trial->environment_clean);
}

/* Nothing is taken, for this reason. */
static void refuse(struct trial *trial, const char *reason)
{
	run(trial);
	CHECK_NUMBER(trial->code, EX_CONFIG);
	CHECK_NUMBER((long long)trial->count, 0);
	CHECK_TEXT(trial->reason, reason);
	end(trial);
}

static int open_v4(int type)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int file = socket(AF_INET, type, 0);

	CHECK_NUMBER(bind(file, (struct sockaddr *)&address, sizeof(address)), 0);
	return file;
}

static int listen_v4(void)
{
	int file = open_v4(SOCK_STREAM);

	CHECK_NUMBER(listen(file, 8), 0);
	return file;
}

static int listen_unix(const char *path, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int file = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, path, size);
	CHECK_NUMBER(bind(file, (struct sockaddr *)&address,
	                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
	             0);
	CHECK_NUMBER(listen(file, 8), 0);
	return file;
}

/* ---- What is taken ------------------------------------------------------------------------- */

static void listening_sockets_are_taken(void)
{
	struct trial *trial = begin();

	give(trial, listen_v4());
	give(trial, listen_v4());
	run(trial);
	CHECK_TEXT(trial->reason, "");
	CHECK_NUMBER(trial->code, 0);
	CHECK_NUMBER((long long)trial->count, 2);
	for (int i = 0; i < 2; i++) {
		CHECK_NUMBER(trial->listeners[i].socket, 3 + i);
		CU_ASSERT_TRUE(trial->listeners[i].given);
		CU_ASSERT(strncmp(trial->listeners[i].name, "127.0.0.1:", 10) == 0);
		CU_ASSERT(trial->descriptor_flags[i] & FD_CLOEXEC);
		CU_ASSERT(trial->status_flags[i] & O_NONBLOCK);
	}
	CU_ASSERT(strcmp(trial->listeners[0].name, trial->listeners[1].name) != 0);
	end(trial);
}

static void an_ipv6_socket_is_taken(void)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int file = socket(AF_INET6, SOCK_STREAM, 0);
	struct trial *trial = begin();

	if (file < 0 || bind(file, (struct sockaddr *)&address, sizeof(address)) != 0) {
		printf("%s: skipped, this machine has no IPv6\n", __func__);
		close(file);
		end(trial);
		return;
	}
	listen(file, 8);
	give(trial, file);
	run(trial);
	CHECK_NUMBER(trial->code, 0);
	CU_ASSERT(strncmp(trial->listeners[0].name, "[::1]:", 6) == 0);
	end(trial);
}

static void a_unix_socket_is_taken(void)
{
	struct trial *trial = begin();
	struct scratch scratch;
	char name[600];

	scratch_begin(&scratch);
	scratch_path(&scratch, "x");
	give(trial, listen_unix(scratch.path, strlen(scratch.path)));
	run(trial);
	CHECK_TEXT(trial->reason, "");
	CHECK_NUMBER(trial->code, 0);
	snprintf(name, sizeof(name), "unix:%s", scratch.path);
	CHECK_TEXT(trial->listeners[0].name, name);
	end(trial);
	scratch_end(&scratch);
}

static void an_abstract_unix_socket_is_named(void)
{
	struct trial *trial = begin();
	char name[64] = { 0 };
	char expected[80];
	int size = snprintf(name + 1, sizeof(name) - 1, "tenon-test-%d", (int)getpid());

	give(trial, listen_unix(name, (size_t)size + 1));
	run(trial);
	CHECK_NUMBER(trial->code, 0);
	snprintf(expected, sizeof(expected), "unix:@%s", name + 1);
	CHECK_TEXT(trial->listeners[0].name, expected);
	end(trial);
}

static void as_many_as_listen_may_name_are_taken(void)
{
	struct trial *trial = begin();

	for (int i = 0; i < TN_LISTEN_MAX; i++)
		give(trial, listen_v4());
	run(trial);
	CHECK_NUMBER(trial->code, 0);
	CHECK_NUMBER((long long)trial->count, TN_LISTEN_MAX);
	end(trial);
}

/* ---- What is for somebody else, or nothing ------------------------------------------------- */

/* A shell that was activated has started it, say. */
static void sockets_of_another_process_are_left_alone(void)
{
	struct trial *trial = begin();

	trial->pid = "1";
	give(trial, open_v4(SOCK_STREAM));
	run(trial);
	CHECK_NUMBER(trial->code, 0);
	CHECK_NUMBER((long long)trial->count, 0);
	CHECK_NUMBER(trial->descriptor_flags[0], 0);
	CU_ASSERT_FALSE(trial->status_flags[0] & O_NONBLOCK);
	end(trial);
}

static void none_is_none(void)
{
	struct trial *trial = begin();

	run(trial);
	CHECK_NUMBER(trial->code, 0);
	CHECK_NUMBER((long long)trial->count, 0);
	end(trial);
}

static void without_the_variables_there_is_none(void)
{
	struct tn_listener listeners[TN_LISTEN_MAX];
	char reason[8] = "";
	size_t count = 7;

	CHECK_NUMBER(tn_activation_take(listeners, &count, reason, sizeof(reason)), 0);
	CHECK_NUMBER((long long)count, 0);
}

/* ---- What is refused ----------------------------------------------------------------------- */

static void a_datagram_socket_is_refused(void)
{
	struct trial *trial = begin();

	trial->names = "web:stats";
	give(trial, listen_v4());
	give(trial, open_v4(SOCK_DGRAM));
	refuse(trial, "the socket 'stats' that systemd gave is no stream socket: write "
	              "ListenStream= in its .socket unit");
}

static void a_connection_is_refused(void)
{
	struct trial *trial = begin();

	trial->names = "connection";
	give(trial, open_v4(SOCK_STREAM));
	refuse(trial, "the socket 'connection' that systemd gave does not listen: write Accept=no "
	              "in its .socket unit");
}

static void a_file_is_refused(void)
{
	struct trial *trial = begin();

	give(trial, open("/dev/null", O_RDONLY));
	refuse(trial, "the socket 'unknown' that systemd gave is no socket: have nothing but "
	              "ListenStream= in its .socket unit");
}

static void too_many_are_refused(void)
{
	struct trial *trial = begin();

	for (int i = 0; i < TN_LISTEN_MAX + 1; i++)
		give(trial, listen_v4());
	refuse(trial, "systemd gave 17 sockets, and there may be 16: have fewer ListenStream= in "
	              "the .socket units");
}

static void a_number_that_is_none_is_refused(void)
{
	struct trial *trial = begin();

	trial->fds = "two";
	refuse(trial, "LISTEN_FDS: 'two' is no number of sockets");
}

/* Whatever is opened next would be taken for it. */
static void a_descriptor_that_is_not_there_is_refused(void)
{
	struct trial *trial = begin();

	give(trial, listen_v4());
	/* The child has this program's other files, too: one far away is surely none of them. */
	trial->fds = "16";
	run(trial);
	CHECK_NUMBER(trial->code, EX_CONFIG);
	CU_ASSERT(strncmp(trial->reason, "LISTEN_FDS=16: descriptor ", 26) == 0);
	CU_ASSERT(strstr(trial->reason, " is not open") != NULL);
	end(trial);
}

/* No process that is started is to have the good ones either. */
static void also_then_all_are_closed_on_exec(void)
{
	struct trial *trial = begin();

	give(trial, open_v4(SOCK_DGRAM));
	give(trial, listen_v4());
	run(trial);
	CHECK_NUMBER(trial->code, EX_CONFIG);
	CU_ASSERT(trial->descriptor_flags[0] & FD_CLOEXEC);
	CU_ASSERT(trial->descriptor_flags[1] & FD_CLOEXEC);
	end(trial);
}

/* Fewer names than sockets, or an empty one. */
static void a_name_that_is_missing_is_unknown(void)
{
	static const char *const names[] = { "web", ":", "web:", ":x" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct trial *trial = begin();
		bool second = strcmp(names[i], ":x") == 0;

		trial->names = names[i];
		give(trial, second ? open_v4(SOCK_DGRAM) : listen_v4());
		give(trial, open_v4(SOCK_DGRAM));
		refuse(trial, "the socket 'unknown' that systemd gave is no stream socket: write "
		              "ListenStream= in its .socket unit");
	}
}

TEST_MAIN("supervise/activation",
          TEST(listening_sockets_are_taken),
          TEST(an_ipv6_socket_is_taken),
          TEST(a_unix_socket_is_taken),
          TEST(an_abstract_unix_socket_is_named),
          TEST(as_many_as_listen_may_name_are_taken),
          TEST(sockets_of_another_process_are_left_alone),
          TEST(none_is_none),
          TEST(without_the_variables_there_is_none),
          TEST(a_datagram_socket_is_refused),
          TEST(a_connection_is_refused),
          TEST(a_file_is_refused),
          TEST(too_many_are_refused),
          TEST(a_number_that_is_none_is_refused),
          TEST(a_descriptor_that_is_not_there_is_refused),
          TEST(also_then_all_are_closed_on_exec),
          TEST(a_name_that_is_missing_is_unknown))
