/* host.c - programs that end by themselves, and the host. */
#include "harness.h"

#include "../cunit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MOST 64
#define SOCKETS_MOST 32
#define PROCESS_SIZE 12

static struct host *hosts; /* all that were ever started, the last one first */

/* ---- Children ------------------------------------------------------------------------------ */

/* A command line or an environment, made before the fork: after it, nothing is allocated. */
struct words {
	char *list[WORDS_MOST + 1];
	size_t count;
};

static void add_word(struct words *words, const char *word)
{
	if (words->count == WORDS_MOST)
		give_up("too many arguments");
	words->list[words->count++] = text_of("%s", word);
}

static void add_words(struct words *words, const char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		add_word(words, list[i]);
}

static void add_prefix(struct words *words)
{
	const char *at = host_prefix();

	while (*(at += strspn(at, " "))) {
		size_t size = strcspn(at, " ");

		add_word(words, text_of("%.*s", (int)size, at));
		at += size;
	}
}

static void add_inherited(struct words *words)
{
	static const char *const names[] = { "PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS",
		                             "LSAN_OPTIONS" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value)
			add_word(words, text_of("%s=%s", names[i], value));
	}
	add_word(words, "LC_ALL=C");
}

struct child {
	struct words command;
	struct words environment;
	const char *out;
	const char *err;
	unsigned descriptors;
	const int *sockets;
	unsigned socket_count;
	char *process; /* LISTEN_PID: where its digits go; NULL where there are no sockets */
};

static void begin_child(struct child *child, const char *const *environment)
{
	static unsigned number;

	number++;
	*child = (struct child){
		.out = scratch_path(text_of("%u.stdout", number)),
		.err = scratch_path(text_of("%u.stderr", number)),
	};
	add_inherited(&child->environment);
	add_words(&child->environment, environment);
}

static void open_as(const char *path, int number)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

	if (file < 0 || dup2(file, number) < 0)
		_exit(127);
	if (file != number)
		close(file);
}

/* LISTEN_PID is known in the child alone, where nothing is allocated any more. */
static void give_sockets(const struct child *child)
{
	int safe[SOCKETS_MOST];

	for (unsigned i = 0; i < child->socket_count; i++)
		safe[i] = fcntl(child->sockets[i], F_DUPFD, 3 + SOCKETS_MOST);
	for (unsigned i = 0; i < child->socket_count; i++)
		if (dup2(safe[i], 3 + (int)i) < 0)
			_exit(127);
	if (child->process)
		snprintf(child->process, PROCESS_SIZE, "%d", (int)getpid());
}

static _Noreturn void become(const struct child *child, pid_t parent)
{
	struct rlimit limit = { child->descriptors, child->descriptors };
	struct rlimit no_core = { 0, 0 };
	sigset_t none;
	int nothing = open("/dev/null", O_RDONLY);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0)
		_exit(127);
	open_as(child->out, STDOUT_FILENO);
	open_as(child->err, STDERR_FILENO);
	give_sockets(child);
	for (int file = 3 + (int)child->socket_count; file < 256; file++)
		close(file);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setrlimit(RLIMIT_CORE, &no_core);
	if (child->descriptors && setrlimit(RLIMIT_NOFILE, &limit) < 0)
		_exit(127);
	execvpe(child->command.list[0], child->command.list, child->environment.list);
	dprintf(STDERR_FILENO, "%s: %s\n", child->command.list[0], strerror(errno));
	_exit(127);
}

static pid_t start_child(const struct child *child)
{
	pid_t parent = getpid();
	pid_t process;

	fflush(NULL);
	process = fork();
	if (process < 0)
		give_up("fork");
	if (process == 0)
		become(child, parent);
	return process;
}

static int code_of(int status)
{
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int wait_for(pid_t process)
{
	long long end = now_ms() + deadline_ms();
	int status;

	while (waitpid(process, &status, WNOHANG) == 0) {
		if (now_ms() > end) {
			kill(process, SIGKILL);
			waitpid(process, &status, 0);
			return NEVER_ENDED;
		}
		nap();
	}
	return code_of(status);
}

static struct finished finish_child(const struct child *child)
{
	int code = wait_for(start_child(child));

	return (struct finished){ code, file_read(child->out), file_read(child->err) };
}

struct finished tenon_run(const char *const *arguments, const char *const *environment)
{
	struct child child;

	begin_child(&child, environment);
	add_prefix(&child.command);
	add_word(&child.command, built("tenon"));
	add_words(&child.command, arguments);
	return finish_child(&child);
}

struct finished tenon_check(const char *file)
{
	return tenon_run((const char *const[]){ "check", file, NULL }, NULL);
}

struct finished program_run(const char *const *arguments)
{
	struct child child;

	begin_child(&child, NULL);
	add_words(&child.command, arguments);
	return finish_child(&child);
}

/* ---- The host ------------------------------------------------------------------------------ */

/* Fails the test, and leaves it where that is wanted. */
static void fail_with_log(const struct host *host, const char *what, bool leave)
{
	char *text = text_of("%s; its log:\n%s", what, host_log(host));

	CU_assertImplementation(CU_FALSE, __LINE__, text, __FILE__, "", leave);
}

/* Before the directory goes, in which their logs are. */
static void kill_all(void)
{
	for (struct host *host = hosts; host; host = host->next) {
		if (host->ended)
			continue;
		kill(host->pid, SIGKILL);
		waitpid(host->pid, NULL, 0);
	}
}

static struct host *spawn(const struct child *child)
{
	struct host *host = memory_of(sizeof(*host));

	if (!hosts && atexit(kill_all) != 0)
		give_up("atexit");
	host->log_path = child->err;
	host->out_path = child->out;
	host->pid = start_child(child);
	host->next = hosts;
	hosts = host;
	return host;
}

static void add_sockets(struct child *child, const struct host_options *options)
{
	static const char before[] = "LISTEN_PID=";

	if (!options->socket_count)
		return;
	if (options->socket_count > SOCKETS_MOST)
		give_up("too many sockets");
	child->sockets = options->sockets;
	child->socket_count = options->socket_count;
	add_word(&child->environment, text_of("LISTEN_FDS=%u", options->socket_count));
	add_word(&child->environment, text_of("%s%*s", before, PROCESS_SIZE, ""));
	child->process = child->environment.list[child->environment.count - 1] + strlen(before);
}

struct host *host_spawn(const char *file, const struct host_options *options)
{
	static const struct host_options none = { 0 };
	struct child child;

	if (!options)
		options = &none;
	begin_child(&child, options->environment);
	add_prefix(&child.command);
	add_words(&child.command, options->before);
	add_words(&child.command, (const char *const[]){ built("tenon"), "run", NULL });
	if (!options->supervised)
		add_word(&child.command, "--single");
	add_word(&child.command, file);
	child.descriptors = options->descriptors;
	add_sockets(&child, options);
	return spawn(&child);
}

struct host *program_spawn(const char *const *arguments)
{
	struct child child;

	begin_child(&child, NULL);
	add_words(&child.command, arguments);
	return spawn(&child);
}

bool host_has_ended(struct host *host)
{
	int status;

	if (!host->ended && waitpid(host->pid, &status, WNOHANG) == host->pid) {
		host->ended = true;
		host->code = code_of(status);
	}
	return host->ended;
}

/* Only whole lines count: the file may have been read in the middle of a write. */
static bool find_port(struct host *host, const char *log)
{
	static const char before[] = "listening on http://";
	const char *at = strstr(log, before);
	const char *end = at ? strchr(at, '\n') : NULL;
	const char *colon = end ? memrchr(at, ':', (size_t)(end - at)) : NULL;

	if (!colon)
		return false;
	at += strlen(before);
	host->authority = text_of("%.*s", (int)(end - at), at);
	host->port = (int)strtol(colon + 1, NULL, 10);
	return true;
}

static bool read_port(struct host *host)
{
	char *log = file_load(host->log_path);
	bool found = find_port(host, log);

	free(log);
	return found;
}

bool host_ready(struct host *host)
{
	long long end = now_ms() + deadline_ms();

	while (!read_port(host)) {
		if (host_has_ended(host) || now_ms() > end)
			return false;
		nap();
	}
	return true;
}

struct host *host_start_with(const char *file, const struct host_options *options)
{
	struct host *host = host_spawn(file, options);

	if (!host_ready(host))
		fail_with_log(host, text_of("it does not listen (code %d)", host->code), true);
	return host;
}

struct host *host_start(const char *file)
{
	return host_start_with(file, NULL);
}

struct host *host_start_supervised(const char *file)
{
	return host_start_with(file, &(struct host_options){ .supervised = true });
}

char *host_log(const struct host *host)
{
	return file_read(host->log_path);
}

char *host_out(const struct host *host)
{
	return file_read(host->out_path);
}

static unsigned count_logged(const struct host *host, const char *text)
{
	char *log = file_load(host->log_path);
	unsigned count = count_of(log, text);

	free(log);
	return count;
}

bool host_logged_times(struct host *host, const char *text, unsigned times)
{
	long long end = now_ms() + deadline_ms();

	while (count_logged(host, text) < times) {
		if (now_ms() > end || (host_has_ended(host) && count_logged(host, text) < times)) {
			fail_with_log(host, text_of("not logged %u times: %s", times, text), false);
			return false;
		}
		nap();
	}
	return true;
}

bool host_logged(struct host *host, const char *text)
{
	return host_logged_times(host, text, 1);
}

bool host_logged_requests(struct host *host, unsigned count)
{
	return host_logged_times(host, "Z access id=", count);
}

unsigned host_access_lines(const struct host *host)
{
	return count_logged(host, "Z access id=");
}

void host_signal(const struct host *host, int signal)
{
	if (!host->ended)
		kill(host->pid, signal);
}

int host_wait(struct host *host)
{
	if (!host_has_ended(host)) {
		host->code = wait_for(host->pid);
		host->ended = true;
	}
	return host->code;
}

void host_end(struct host *host)
{
	const char *log;

	host_signal(host, SIGTERM);
	if (host_wait(host) != 0)
		fail_with_log(host, text_of("it ended with %d, not 0", host->code), false);
	log = host_log(host);
	if (strstr(log, "Sanitizer") || strstr(log, "runtime error:"))
		fail_with_log(host, "a sanitizer complains", false);
}
