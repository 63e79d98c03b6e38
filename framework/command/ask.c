#include "command/ask.h"

#include "command/input.h"
#include "supervise/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- Where it is --------------------------------------------------------------------------- */

/* Where a host that runs may have another socket by now: for free(). */
static char *name_source(const struct tn_plan *plan)
{
	const struct tn_entry *entry = plan ? tn_keys_find(&plan->host, "control") : NULL;
	char *text = NULL;

	if (entry && asprintf(&text,
	                      " (`control`, %s:%u: a host that was started before that changed "
	                      "has another)",
	                      entry->place.file, entry->place.line) < 0)
		text = NULL;
	return text ? text : strdup("");
}

/* What can be read of a configuration, whatever is wrong with it: the host is to be stopped, too,
 * where its file is gone. */
static char *find_path(const struct tn_arguments *arguments, char **source)
{
	struct tn_errors errors = { 0 };
	struct tn_config *config = NULL;
	struct tn_plan *plan = NULL;
	char reason[TN_REASON_SIZE];
	char *path;

	if (!tn_config_load(arguments->file, NULL, &config, &errors, reason))
		plan = tn_plan_create(config, arguments->environment, &errors);
	path = tn_control_path(plan, arguments->file, arguments->environment);
	*source = name_source(plan);
	tn_plan_destroy(plan);
	tn_config_destroy(config);
	tn_errors_finish(&errors);
	return path;
}

static int complain_of_absence(const struct tn_arguments *arguments, const char *path,
                               const char *source, int error)
{
	bool none = error == ENOENT || error == ECONNREFUSED || error == ENOTDIR;

	if (error == EACCES || error == EPERM) {
		tn_complain("%s: %s: only the user whose host it is, and root, may ask it",
		            arguments->file, path);
		return EX_NOPERM;
	}
	if (none && arguments->environment)
		tn_complain("%s: no host runs for environment '%s': nobody answers at %s%s",
		            arguments->file, arguments->environment, path, source);
	else if (none)
		tn_complain("%s: no host runs: nobody answers at %s%s", arguments->file, path,
		            source);
	else
		tn_complain("%s: %s: %s", arguments->file, path, strerror(error));
	return EX_UNAVAILABLE;
}

/* Returns 0 or the exit code. */
static int open_at(const struct tn_arguments *arguments, const char *path, const char *source,
                   int *result)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int error = ENAMETOOLONG;

	*result = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (*result < 0)
		return complain_of_absence(arguments, path, source, errno);
	if (strlen(path) <= TN_CONTROL_PATH_MOST) {
		stpcpy(address.sun_path, path);
		if (connect(*result, (struct sockaddr *)&address, sizeof(address)) == 0)
			return 0;
		error = errno;
	}
	close(*result);
	return complain_of_absence(arguments, path, source, error);
}

/* Returns 0 or the exit code. */
static int reach(const struct tn_arguments *arguments, int *client)
{
	char *source = NULL;
	char *path = find_path(arguments, &source);
	int code = EX_OSERR;

	if (path && source)
		code = open_at(arguments, path, source, client);
	else
		tn_complain("out of memory");
	free(path);
	free(source);
	return code;
}

static int open_process(int client)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) || peer.pid <= 0)
		return -1;
	return (int)syscall(SYS_pidfd_open, peer.pid, 0);
}

/* ---- What it says -------------------------------------------------------------------------- */

/* One that was turned away first hears of that: what was said before comes behind it. */
static ssize_t receive(int client, char *message, size_t room)
{
	bool reset = false;
	ssize_t size;

	do {
		size = recv(client, message, room, 0);
		if (size >= 0 || (errno == ECONNRESET && reset))
			return size;
		reset |= errno == ECONNRESET;
	} while (errno == EINTR || errno == ECONNRESET);
	return size;
}

static int read_answer(const char *file, int client, FILE *to)
{
	char message[TN_CONTROL_PART + 2];
	bool told = false;
	ssize_t size;

	while ((size = receive(client, message, sizeof(message) - 1)) > 0) {
		message[size] = '\0';
		told = true;
		if (message[0] == TN_CONTROL_END)
			return (int)strtol(message + 1, NULL, 10);
		fputs(message + 1, to);
	}
	if (told) {
		tn_complain("%s: the host has ended before its answer did", file);
		return EX_SOFTWARE;
	}
	tn_complain("%s: the host has not answered: it ended meanwhile, or has too many clients: "
	            "try again",
	            file);
	return EX_UNAVAILABLE;
}

int tn_ask(const struct tn_arguments *arguments, const char *word, FILE *to, int *process)
{
	int client, code = reach(arguments, &client);

	if (process)
		*process = -1;
	if (code)
		return code;
	if (process)
		*process = open_process(client);
	if (send(client, word, strlen(word), MSG_NOSIGNAL) < 0 && errno != EPIPE)
		code = complain_of_absence(arguments, word, "", errno);
	else
		code = read_answer(arguments->file, client, to);
	close(client);
	return code;
}

/* ---- About Workers ------------------------------------------------------------------------- */

/* A blank would make two of one. The host has the same rules, and may be of another version. */
static int check_name(const char *name)
{
	char names[TN_NAMES_SIZE];
	const char *problem = strchr(name, ' ') ? "write the name of one Worker"
	                                        : tn_names_read(name, strlen(name), names);

	if (!problem)
		return 0;
	tn_complain("worker '%s': %s", name, problem);
	return EX_USAGE;
}

int tn_ask_about(const struct tn_arguments *arguments, const char *word, const char *const *workers,
                 size_t count)
{
	char *message = NULL;
	size_t size;
	FILE *stream;
	int code = 0;

	for (size_t i = 0; i < count && !code; i++)
		code = check_name(workers[i]);
	if (code)
		return code;
	stream = open_memstream(&message, &size);
	if (!stream) {
		tn_complain("out of memory");
		return EX_OSERR;
	}
	fputs(word, stream);
	for (size_t i = 0; i < count; i++)
		fprintf(stream, " %s", workers[i]);
	if (fclose(stream) == 0) {
		code = tn_ask(arguments, message, stderr, NULL);
	} else {
		tn_complain("out of memory");
		code = EX_OSERR;
	}
	free(message);
	return code;
}
