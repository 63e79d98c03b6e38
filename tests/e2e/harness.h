/*
 * harness.h - what the end-to-end tests share: a directory for files, the real `tenon` as a child,
 * HTTP requests through libcurl and, where bytes matter, raw sockets.
 *
 *	static void says_hello(void)
 *	{
 *		const char *file = scratch_write("hello.ini",
 *		                                 "[host]\n"
 *		                                 "listen = 127.0.0.1:0\n"
 *		                                 "[worker hello]\n"
 *		                                 "module = %s\n"
 *		                                 "route = /\n", fixture("serve_hello"));
 *		struct host *host = host_start(file);
 *
 *		CHECK_NUMBER(http_get(host, "/")->status, 200);
 *		host_end(host);
 *	}
 *
 * What holds for all of it:
 *
 *  - Environment of the tests: BUILD (by default "build", from the current directory) is where
 *    `tenon` lies. TN_HOST_PREFIX (by default nothing) is put before each command line, split at
 *    blanks: "valgrind -q --error-exitcode=99".
 *  - Environment of the children: PATH, TMPDIR, LC_ALL=C, the options of the sanitizers, and what
 *    the test gives; nothing else.
 *  - Memory: all that is returned is the harness's and lives until the program ends.
 *  - Processes: what still runs when the program ends is killed, by its id; and so it is when the
 *    program is. A test may thus be left by a ..._FATAL assert.
 *  - Time: each wait is for an event, and ends at a generous deadline with a failure of the test.
 */
#ifndef TENON_TESTS_E2E_HARNESS_H
#define TENON_TESTS_E2E_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What a wait lasts at most: far more than a slow machine takes, more still under a prefix. */
int deadline_ms(void);

/* A clock that only goes forward. */
long long now_ms(void);

/* The wait between two looks at what gives no event of its own. */
void nap(void);

/* Ends the program: what the tests stand on is not there. */
_Noreturn void give_up(const char *what);

/* TN_HOST_PREFIX, or "". */
const char *host_prefix(void);

/* Whether the host is built with a sanitizer or runs under a prefix. */
bool host_is_instrumented(void);

/* Zeroed memory. */
void *memory_of(size_t size);

/* Text made as printf makes it. */
char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often the part is in the text; occurrences do not overlap. */
unsigned count_of(const char *text, const char *part);

/* How many lines of the text match the POSIX extended regular expression. */
unsigned lines_matching(const char *text, const char *expression);

/* ---- Files -------------------------------------------------------------------------------- */

/* A fresh directory under ${TMPDIR:-/tmp}, the same for the whole program, removed at its end. */
const char *scratch_directory(void);

/* The path of a file in it, whether it exists or not. */
const char *scratch_path(const char *name);

/* Writes a file in it, in place of one of that name, mode 0600, and returns its path. */
const char *scratch_write(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
const char *scratch_write_bytes(const char *name, const void *data, size_t size);

/* The whole file, with a NUL after its end; "" where it cannot be read. */
char *file_read(const char *path);

/* The same, but the caller's to free: for who looks again and again. */
char *file_load(const char *path);

/* Absolute paths of what is built: $BUILD/NAME, $BUILD/plugins/NAME.so and
 * $BUILD/tests/fixtures/NAME.so. */
const char *built(const char *name);
const char *plugin(const char *name);
const char *fixture(const char *name);

/* ---- Commands that end by themselves ------------------------------------------------------ */

struct finished {
	int code; /* the exit code; -N where signal N ended it; NEVER_ENDED */
	char *out;
	char *err;
};

#define NEVER_ENDED (-1000) /* it was killed at the deadline */

/* Runs `tenon` with these arguments, a list that NULL ends. `environment` is a list of "NAME=value"
 * that NULL ends, or NULL. */
struct finished tenon_run(const char *const *arguments, const char *const *environment);

/* The same for `tenon check FILE`. */
struct finished tenon_check(const char *file);

/* Runs any program, found through PATH, without the prefix. */
struct finished program_run(const char *const *arguments);

/* ---- The host ----------------------------------------------------------------------------- */

struct host_options {
	bool supervised;                /* a supervisor and its host processes, not one process */
	const char *const *environment; /* more of it, "NAME=value", ended by NULL */
	unsigned descriptors;           /* RLIMIT_NOFILE, soft and hard; 0: as it is */
	const char *const *before;      /* words before the command line, ended by NULL */
	const int *sockets;             /* it has them from 3 on, as systemd gives them */
	unsigned socket_count;
};

struct host {
	pid_t pid;
	int port;        /* 0: it does not listen */
	char *authority; /* "127.0.0.1:PORT" */
	const char *log_path;
	const char *out_path;
	bool ended;
	int code; /* once it has ended, as struct finished has it */
	struct host *next;
};

/* Starts `tenon run --single FILE` and waits until it listens. Where it does not, the test fails
 * with the host's log, and is left. */
struct host *host_start(const char *file);
struct host *host_start_with(const char *file, const struct host_options *options);

/* The same for `tenon run FILE`: `pid` is the supervisor's. */
struct host *host_start_supervised(const char *file);

/* The same without waiting. host_ready then waits until it listens, or has ended: false. */
struct host *host_spawn(const char *file, const struct host_options *options);
bool host_ready(struct host *host);

/* All that it has written to stderr until now, or to stdout. */
char *host_log(const struct host *host);
char *host_out(const struct host *host);

/* Waits until the text has been logged that many times; where not, the test fails with the log. */
bool host_logged(struct host *host, const char *text);
bool host_logged_times(struct host *host, const char *text, unsigned times);

/* Waits until that many requests, of all that it answered, have their line in the access log. That
 * there is no further one shows only after host_end. */
bool host_logged_requests(struct host *host, unsigned count);

/* The lines of the access log until now. */
unsigned host_access_lines(const struct host *host);

void host_signal(const struct host *host, int signal);

/* Whether it has ended by now. */
bool host_has_ended(struct host *host);

/* Waits for its end; what struct finished has as its code. */
int host_wait(struct host *host);

/* Ends it with SIGTERM; the test fails where it does not exit with 0 or where a sanitizer has
 * complained. */
void host_end(struct host *host);

/* Starts any other program, found through PATH, which goes on until it is ended: with host_signal
 * and host_wait, and what it writes is what host_log and host_out give. */
struct host *program_spawn(const char *const *arguments);

/* ---- HTTP by libcurl ---------------------------------------------------------------------- */

struct http_request {
	const char *method;         /* NULL: GET */
	const char *path;           /* NULL: "/" */
	const char *const *headers; /* "Name: value", ended by NULL; or NULL */
	const void *body;           /* NULL: none */
	size_t body_size;
	bool chunked; /* the body goes in chunks, without a Content-Length */
};

struct http_reply {
	int status; /* 0: none came */
	char *head; /* the status line and the header lines */
	char *body; /* with a NUL after its end */
	size_t body_size;
	unsigned connects; /* new connections that it took */
	const char *error; /* what libcurl says where no whole reply came, NULL otherwise */
};

/* A client that keeps its connection. */
struct http_client;
struct http_client *http_open(const struct host *host);

/* One that asks a server by this name and speaks TLS with it. The texts stay the caller's. */
struct http_secure {
	const char *name;
	int port;                 /* of 127.0.0.1 */
	const char *certificates; /* a file; the server's must be among them */
	const char *from;         /* the client's own address */
	bool http2;
};
struct http_client *http_open_secure(const struct http_secure *secure);

void http_close(struct http_client *client);
struct http_reply *http_send(struct http_client *client, const struct http_request *request);

/* One request on a connection of its own. */
struct http_reply *http(const struct host *host, const struct http_request *request);
struct http_reply *http_get(const struct host *host, const char *path);

/* The value of the first header of that name, in any case; NULL where there is none. */
const char *http_header(const struct http_reply *reply, const char *name);
unsigned http_header_count(const struct http_reply *reply, const char *name);

/* ---- Raw bytes ---------------------------------------------------------------------------- */

struct wire_bytes {
	char *data; /* with a NUL after its end */
	size_t size;
	bool closed; /* the host has ended the connection */
	bool reset;  /* with a reset */
	bool late;   /* the deadline came first */
};

/* A blocking socket to the host; -1, and the test fails, where it cannot be had. `receive` is
 * SO_RCVBUF, and 0 leaves it as it is. */
int wire_connect(const struct host *host);
int wire_connect_with(const struct host *host, int receive);

/* Sends all of it; false where the host has ended the connection or does not read. */
bool wire_send(int socket, const void *data, size_t size);
bool wire_text(int socket, const char *text);

/* Ends the connection with a reset instead of a FIN, and closes the socket. */
void wire_reset(int socket);

/* Reads until the host ends the connection. */
struct wire_bytes wire_read_all(int socket);

/* Reads that many whole replies to other methods than HEAD, and no byte more where the host sends
 * none; ends earlier where it ends the connection. */
struct wire_bytes wire_read(int socket, unsigned replies);

/* Connects, sends, reads until the host ends the connection or that many replies (0: any number)
 * have come, closes. */
struct wire_bytes wire_talk(const struct host *host, const char *text, unsigned replies);
struct wire_bytes wire_talk_bytes(const struct host *host, const void *data, size_t size,
                                  unsigned replies);

/* The status of the first reply in it; 0 for none. */
int wire_status(const struct wire_bytes *bytes);

/* Those of all replies in it, but to HEAD: "200 400". What is no whole reply is "?". */
char *wire_statuses(const struct wire_bytes *bytes);

/* The same bytes without the lines that differ from reply to reply: Date. */
char *wire_without_date(const struct wire_bytes *bytes);

#endif
