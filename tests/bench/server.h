/*
 * server.h - the servers that are measured: tenon with the chain gateway -> auth -> application,
 * and the bare libmicrohttpd program beside it. Each takes a free port and names it on standard
 * error; each is ended by its pid.
 */
#ifndef TENON_TESTS_SERVER_H
#define TENON_TESTS_SERVER_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_DEADLINE_MS 60000 /* under callgrind, on a busy machine */
#define ARGUMENTS_MOST 16
#define LISTENING "listening on http://127.0.0.1:"

/* A directory with the configurations, the token and the access log. */
struct site {
	char build[PATH_MAX];
	char directory[64];
	char quiet[128];   /* the configuration without an access log */
	char logged[128];  /* with one, to a file */
	char waiting[128]; /* without one, but with another route, to a Worker that waits */
	char log[128];
	char token_file[128];
	char token[33];
	char bare[PATH_MAX + 32]; /* the programs */
	char tenon[PATH_MAX + 32];
};

struct server {
	pid_t pid;
	int port;
	int errors; /* the reading end of its standard error */
};

/* ---- The site ------------------------------------------------------------------------------ */

static inline bool write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t size = (ssize_t)strlen(text);
	bool written = file >= 0 && write(file, text, (size_t)size) == size;

	if (file >= 0)
		close(file);
	return written;
}

static inline bool write_config(const struct site *site, const char *path, const char *access_log,
                                const char *more)
{
	char text[3 * PATH_MAX];

	snprintf(text, sizeof(text),
	         "[host]\n"
	         "listen     = 127.0.0.1:0\n"
	         "modules    = %s/plugins\n"
	         "access_log = %s\n"
	         "[worker gateway]\n"
	         "route               = /*\n"
	         "service.auth        = auth\n"
	         "service.application = application\n"
	         "[worker auth]\n"
	         "secret.SECRET_TOKEN = file:%s\n"
	         "[worker application]\n"
	         "%s",
	         site->build, access_log, site->token_file, more);
	return write_file(path, text);
}

static inline void make_token(char token[33])
{
	unsigned char bytes[16] = { 0 };
	int random = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	if (random < 0 || read(random, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		fprintf(stderr, "/dev/urandom: %s\n", strerror(errno));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(token + 2 * i, 3, "%02x", bytes[i]);
	if (random >= 0)
		close(random);
}

static inline void site_name(struct site *site)
{
	snprintf(site->quiet, sizeof(site->quiet), "%s/quiet.ini", site->directory);
	snprintf(site->logged, sizeof(site->logged), "%s/logged.ini", site->directory);
	snprintf(site->waiting, sizeof(site->waiting), "%s/waiting.ini", site->directory);
	snprintf(site->log, sizeof(site->log), "%s/access.log", site->directory);
	snprintf(site->token_file, sizeof(site->token_file), "%s/token", site->directory);
	snprintf(site->bare, sizeof(site->bare), "%s/tests/bench/bare", site->build);
	snprintf(site->tenon, sizeof(site->tenon), "%s/tenon", site->build);
}

/* What was built is where the environment's BUILD says. False, and a line, where it cannot be. */
static inline bool site_create(struct site *site)
{
	static const char waits[] = "[worker waits]\n"
				    "module   = application.so\n"
				    "route    = /waits\n"
				    "blocking = yes\n";
	const char *build = getenv("BUILD");

	*site = (struct site){ .directory = "/tmp/tenon-bench-XXXXXX" };
	if (!realpath(build ? build : "build", site->build) || !mkdtemp(site->directory)) {
		fprintf(stderr, "%s: %s\n", build ? build : "build", strerror(errno));
		return false;
	}
	site_name(site);
	make_token(site->token);
	if (write_file(site->token_file, site->token) &&
	    write_config(site, site->quiet, "off", "") &&
	    write_config(site, site->logged, site->log, "") &&
	    write_config(site, site->waiting, "off", waits))
		return true;
	fprintf(stderr, "%s: %s\n", site->directory, strerror(errno));
	return false;
}

static inline void site_remove(const struct site *site)
{
	unlink(site->quiet);
	unlink(site->logged);
	unlink(site->waiting);
	unlink(site->log);
	unlink(site->token_file);
	rmdir(site->directory);
}

/* ---- Starting and stopping ----------------------------------------------------------------- */

/* The child never outlives its parent. */
static inline void become(char *const *arguments, int errors)
{
	int nothing = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(nothing, STDIN_FILENO);
	dup2(nothing, STDOUT_FILENO);
	dup2(errors, STDERR_FILENO);
	execvp(arguments[0], arguments);
	dprintf(STDERR_FILENO, "%s: %s (make bench builds it)\n", arguments[0], strerror(errno));
	_exit(127);
}

/* Reads standard error until it names the port; where it does not, shows what was said: 0. */
static inline int read_port(int errors)
{
	struct pollfd wait = { .fd = errors, .events = POLLIN };
	char text[16384];
	size_t size = 0;

	while (size < sizeof(text) - 1 && poll(&wait, 1, START_DEADLINE_MS) == 1) {
		ssize_t got = read(errors, text + size, sizeof(text) - 1 - size);
		const char *found;

		if (got <= 0)
			break;
		size += (size_t)got;
		text[size] = '\0';
		found = strstr(text, LISTENING);
		if (found && strchr(found, '\n'))
			return (int)strtol(found + strlen(LISTENING), NULL, 10);
	}
	text[size] = '\0';
	fprintf(stderr, "a server did not start:\n%s\n", text);
	return 0;
}

/* Waits until it has ended; true where that was with 0. */
static inline bool server_end(struct server *server, int signal)
{
	int status = -1;

	if (server->pid <= 0)
		return false;
	kill(server->pid, signal);
	waitpid(server->pid, &status, 0);
	close(server->errors);
	server->pid = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static inline bool server_stop(struct server *server)
{
	return server_end(server, SIGTERM);
}

/* The arguments end with NULL; the first is the program. */
static inline bool server_start(struct server *server, char *const *arguments)
{
	int ends[2];

	*server = (struct server){ 0 };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	server->pid = fork();
	if (server->pid == 0)
		become(arguments, ends[1]);
	close(ends[1]);
	server->errors = ends[0];
	server->port = server->pid > 0 ? read_port(ends[0]) : 0;
	if (server->port)
		return true;
	server_end(server, SIGKILL);
	return false;
}

static inline bool server_start_bare(struct server *server, struct site *site)
{
	return server_start(server, (char *[]){ site->bare, NULL });
}

static inline bool server_start_tenon(struct server *server, struct site *site, char *config)
{
	static char run[] = "run", single[] = "--single";

	return server_start(server, (char *[]){ site->tenon, run, single, config, NULL });
}

/* Its share of each page (PSS), in MiB, from smaps_rollup; 0 where it cannot be read. */
static inline double server_memory(pid_t pid)
{
	char path[64];
	char line[256];
	double kilobytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "Pss:", 4) == 0)
			kilobytes = strtod(line + 4, NULL);
	}
	if (file)
		fclose(file);
	return kilobytes / 1024;
}

#endif
