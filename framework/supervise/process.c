#include "supervise/process.h"

#include "observe/log.h"
#include "serve/forked.h"
#include "supervise/bundle.h"
#include "supervise/host.h"
#include "supervise/marks.h"
#include "supervise/page.h"
#include "supervise/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#define NUMBER_SIZE 12
#define OWN_WORDS 2 /* "tenon", the command */

/* What the command line has, in this order, before the sockets. */
enum word {
	WORD_PARENT,
	WORD_REPORT,
	WORD_BUNDLE,
	WORD_PAGE,
	WORD_QUARANTINE,
	WORD_LOG,
	WORD_PRIVILEGES,
	WORD_WATCHED,
	FIXED_WORDS,
};

/* ---- The supervisor's side ----------------------------------------------------------------- */

/* The command line: what the host needs are descriptors that it inherits. */
struct words {
	char **list;
	char (*numbers)[NUMBER_SIZE];
	size_t count;
};

static bool make_words(struct words *words, size_t numbers)
{
	words->count = 0;
	words->list = calloc(OWN_WORDS + FIXED_WORDS + numbers + 1, sizeof(words->list[0]));
	words->numbers = calloc(OWN_WORDS + FIXED_WORDS + numbers, sizeof(words->numbers[0]));
	return words->list && words->numbers;
}

static void add_number(struct words *words, int number)
{
	char *text = words->numbers[words->count];

	snprintf(text, NUMBER_SIZE, "%d", number);
	words->list[words->count++] = text;
}

static void finish_words(struct words *words)
{
	free(words->list);
	free(words->numbers);
}

static void add_text(struct words *words, const char *text)
{
	words->list[words->count++] = (char *)(uintptr_t)text; /* execve(2) does not write to it */
}

static void fill_words(struct words *words, const struct tn_process_options *options, int report)
{
	add_text(words, "tenon");
	add_text(words, "host");
	add_number(words, (int)getpid());
	add_number(words, report);
	add_number(words, options->bundle);
	add_number(words, options->page);
	add_number(words, options->quarantine);
	add_number(words, options->log);
	add_text(words, options->privileges ? options->privileges : "-");
	add_number(words, (int)options->watched);
	for (size_t i = 0; i < options->socket_count; i++)
		add_number(words, options->sockets[i]);
}

static void inherit(int descriptor)
{
	if (descriptor >= 0)
		fcntl(descriptor, F_SETFD, 0);
}

/* In the child: nothing but what is safe behind a fork. */
static _Noreturn void become_host(const struct tn_process_options *options, char **words,
                                  int report)
{
	sigset_t none;

	setpgid(0, 0); /* a terminal's ^C and SIGHUP are for the supervisor, who passes them on */
	inherit(report);
	inherit(options->bundle);
	inherit(options->page);
	inherit(options->quarantine);
	inherit(options->log);
	for (size_t i = 0; i < options->socket_count; i++)
		inherit(options->sockets[i]);
	signal(SIGUSR1, SIG_IGN); /* for the supervisor; `pkill -USR1 tenon` sends it to all */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fexecve(options->program, words, environ);
	_exit(EX_OSERR);
}

static pid_t start(const struct tn_process_options *options, int report)
{
	struct words words;
	pid_t pid = -1;

	if (make_words(&words, options->socket_count)) {
		fill_words(&words, options, report);
		pid = fork();
	}
	if (pid == 0)
		become_host(options, words.list, report);
	finish_words(&words);
	return pid;
}

bool tn_process_start(struct tn_process *process, const struct tn_process_options *options)
{
	int ends[2];
	pid_t pid;
	int error;

	*process = (struct tn_process){ .report = -1 };
	if (!tn_channel_create(ends))
		return false;
	pid = start(options, ends[1]);
	error = errno;
	close(ends[1]);
	/* Never another number, to which a signal would be one for many processes. */
	if (pid > 0) {
		*process = (struct tn_process){ .pid = pid, .report = ends[0] };
		return true;
	}
	close(ends[0]);
	errno = error;
	return false;
}

static void order(const struct tn_process *process, struct tn_order order)
{
	if (process->report < 0 || tn_channel_send(process->report, &order))
		return;
	if (errno != EPIPE && errno != ECONNRESET) /* else it is about to end, or cannot hear */
		kill(process->pid, SIGKILL);
}

void tn_process_share(const struct tn_process *process, int descriptor)
{
	order(process, (struct tn_order){ TN_ORDER_MEMORY, 0, descriptor });
}

void tn_process_release(const struct tn_process *process)
{
	order(process, (struct tn_order){ TN_ORDER_SERVE, 0, -1 });
}

void tn_process_send_log(const struct tn_process *process, int descriptor)
{
	order(process, (struct tn_order){ TN_ORDER_LOG, 0, descriptor });
}

void tn_process_watch(const struct tn_process *process, size_t socket, bool watched)
{
	enum tn_order_kind kind = watched ? TN_ORDER_WATCH : TN_ORDER_UNWATCH;

	order(process, (struct tn_order){ kind, (uint32_t)socket, -1 });
}

void tn_process_forget(struct tn_process *process)
{
	if (process->report >= 0)
		close(process->report);
	*process = (struct tn_process){ .report = -1 };
}

int tn_process_read(const struct tn_process *process, char *text)
{
	return tn_channel_hear(process->report, text);
}

/* ---- The host's side ----------------------------------------------------------------------- */

static void report_errors(struct tn_host *host)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = host->errors.count ? open_memstream(&text, &size) : NULL;

	if (stream) {
		tn_errors_print(&host->errors, stream);
		fclose(stream);
	}
	if (text && size)
		tn_channel_tell(host->inbox->channel, TN_PROCESS_ERRORS, text, size);
	free(text);
}

/* Waits until all others are ready, too: nobody is let in by a generation that may not come. */
static int report_ready(struct tn_host *host)
{
	struct tn_order order;

	if (!tn_channel_tell(host->inbox->channel, TN_PROCESS_READY, "", 0))
		return EX_OSERR; /* or it would be waited for until ready_timeout */
	return tn_inbox_await(host->inbox, TN_ORDER_SERVE, &order) ? 0 : EX_UNAVAILABLE;
}

static int share(void *argument, const char *worker, const char *field, size_t size)
{
	struct tn_inbox *inbox = argument;
	struct tn_order order;
	char *text = NULL;
	int length = asprintf(&text, "%zu %s.%s", size, worker, field);
	bool told;

	if (length < 0)
		return -1;
	told = tn_channel_tell(inbox->channel, TN_PROCESS_SHARE, text, (size_t)length);
	free(text);
	if (!told)
		return -1;
	return tn_inbox_await(inbox, TN_ORDER_MEMORY, &order) ? order.descriptor : -1;
}

/* The supervisor may have died before this was asked for. */
static bool follows(int parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

static int read_number(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

/* Not for what a Worker executes. */
static int read_descriptor(const char *text)
{
	int descriptor = read_number(text);

	if (descriptor >= 0)
		fcntl(descriptor, F_SETFD, FD_CLOEXEC);
	return descriptor;
}

static int *read_sockets(int count, char **words)
{
	int *sockets = calloc((size_t)count + 1, sizeof(sockets[0]));

	for (int i = 0; sockets && i < count; i++)
		sockets[i] = read_descriptor(words[i]);
	return sockets;
}

static void finish(int descriptor)
{
	if (descriptor >= 0)
		close(descriptor);
}

/* What the supervisor has mapped, too: without it, it could not tell who has crashed. */
static bool map_page(struct tn_host *host, int descriptor)
{
	if (descriptor < 0)
		return true;
	host->page = tn_page_map(descriptor); /* to the end: what main() has left is told there */
	close(descriptor);
	return host->page;
}

static bool map_marks(struct tn_host *host, int descriptor)
{
	if (descriptor < 0)
		return true;
	host->quarantine = tn_marks_map(descriptor, host->plan->count);
	close(descriptor);
	return host->quarantine;
}

static int run(struct tn_host *host, struct tn_bundle *bundle, char **words)
{
	int descriptor = read_descriptor(words[WORD_BUNDLE]);
	bool usable = tn_bundle_read(descriptor, bundle);

	finish(descriptor);
	host->plan = bundle->plan;
	host->secrets = &bundle->secrets;
	host->copies = &bundle->copies;
	if (!usable || !map_page(host, read_descriptor(words[WORD_PAGE])) ||
	    !map_marks(host, read_descriptor(words[WORD_QUARANTINE])))
		return EX_OSERR;
	return tn_host_run(host);
}

static bool drop_privileges(const char *word)
{
	struct tn_privileges privileges;
	char reason[TN_REASON_SIZE] = "they are no word of the supervisor's";

	if (tn_privileges_read(word, &privileges) && tn_privileges_drop(&privileges, reason))
		return true;
	tn_log_write(TN_LOG_ERROR, NULL, "a host process cannot give up its privileges: %s",
	             reason);
	return false;
}

int tn_process_run(int count, char **words)
{
	static struct tn_bundle bundle; /* see tn_host_run */
	struct tn_inbox inbox = { 0 };
	struct tn_host host = {
		.ready = report_ready,
		.report = report_errors,
		.share = share,
		.argument = &inbox,
		.inbox = &inbox,
	};
	int code = EX_OSERR;
	int *sockets;

	if (count < FIXED_WORDS)
		return EX_USAGE;
	/* Before follows(): a setuid clears what that sets. */
	if (!drop_privileges(words[WORD_PRIVILEGES]))
		return EX_NOPERM;
	if (!follows(read_number(words[WORD_PARENT])))
		return EX_USAGE;
	prctl(PR_SET_NAME, "tenon");
	inbox.channel = read_descriptor(words[WORD_REPORT]);
	host.log = read_descriptor(words[WORD_LOG]);
	sockets = read_sockets(count - FIXED_WORDS, words + FIXED_WORDS);
	host.sockets = sockets;
	host.socket_count = (size_t)(count - FIXED_WORDS);
	host.spare = host.socket_count - (size_t)read_number(words[WORD_WATCHED]);
	if (sockets && tn_forked_deny(inbox.channel))
		code = run(&host, &bundle, words);
	tn_inbox_finish(&inbox);
	free(sockets);
	return code;
}
