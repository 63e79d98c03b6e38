#include "supervise/process.h"

#include "supervise/bundle.h"
#include "supervise/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define NUMBER_SIZE 12
#define FIXED_WORDS 6 /* "tenon", the command, the parent, the bundle and the report */

/* ---- The supervisor's side ----------------------------------------------------------------- */

/* The command line: all that the host needs is a descriptor that it inherits. */
struct words {
	char **list;
	char (*numbers)[NUMBER_SIZE];
	size_t count;
};

static bool make_words(struct words *words, size_t numbers)
{
	words->count = 0;
	words->list = calloc(numbers + FIXED_WORDS + 1, sizeof(words->list[0]));
	words->numbers = calloc(numbers + FIXED_WORDS, sizeof(words->numbers[0]));
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

static void fill_words(struct words *words, const struct tn_process_options *options, int report)
{
	static char program[] = "tenon", command[] = "host";

	words->list[words->count++] = program;
	words->list[words->count++] = command;
	add_number(words, (int)getpid());
	add_number(words, options->bundle);
	add_number(words, options->page);
	add_number(words, report);
	for (size_t i = 0; i < options->socket_count; i++)
		add_number(words, options->sockets[i]);
}

static void inherit(int descriptor)
{
	fcntl(descriptor, F_SETFD, 0);
}

/* In the child: nothing but what is safe behind a fork. */
static _Noreturn void become_host(const struct tn_process_options *options, char **words,
                                  int report)
{
	sigset_t none;

	setpgid(0, 0); /* a terminal's ^C and SIGHUP are for the supervisor, who passes them on */
	inherit(options->bundle);
	inherit(options->page);
	inherit(report);
	for (size_t i = 0; i < options->socket_count; i++)
		inherit(options->sockets[i]);
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
	int ends[2] = { -1, -1 };

	*process = (struct tn_process){ .report = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
		process->pid = start(options, ends[1]);
		close(ends[1]);
		process->report = ends[0];
	}
	if (process->pid > 0)
		return true;
	tn_process_forget(process);
	return false;
}

/* One byte, and with it the descriptor. */
static bool send_descriptor(int to, int descriptor)
{
	char byte = 0;
	struct iovec vector = { &byte, 1 };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (descriptor >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
	}
	return sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

/* -1 where none came. */
static int receive_descriptor(int from)
{
	char byte;
	struct iovec vector = { &byte, 1 };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	ssize_t size;
	int descriptor = -1;

	do
		size = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	header = size == 1 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&descriptor, CMSG_DATA(header), sizeof(int));
	return descriptor;
}

void tn_process_share(const struct tn_process *process, int descriptor)
{
	if (!send_descriptor(process->report, descriptor))
		kill(process->pid, SIGKILL);
}

void tn_process_release(const struct tn_process *process)
{
	if (send(process->report, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		kill(process->pid, SIGKILL);
}

void tn_process_forget(struct tn_process *process)
{
	if (process->report >= 0)
		close(process->report);
	*process = (struct tn_process){ .report = -1 };
}

int tn_process_read(const struct tn_process *process, char *text)
{
	char message[TN_PROCESS_TEXT + 1];
	ssize_t size;

	do
		size = recv(process->report, message, sizeof(message), MSG_DONTWAIT);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == EAGAIN ? 0 : -1;
	if (size == 0)
		return -1;
	memcpy(text, message + 1, (size_t)size - 1);
	text[size - 1] = '\0';
	return message[0];
}

/* ---- The host's side ----------------------------------------------------------------------- */

static void tell(int report, char kind, const char *text, size_t size)
{
	char message[TN_PROCESS_TEXT + 1];

	if (size > TN_PROCESS_TEXT)
		size = TN_PROCESS_TEXT;
	message[0] = kind;
	memcpy(message + 1, text, size);
	while (send(report, message, size + 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static int report_of(const struct tn_host *host)
{
	return *(const int *)host->argument;
}

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
		tell(report_of(host), TN_PROCESS_ERRORS, text, size);
	free(text);
}

/* Waits until all others are ready, too: nobody is let in by a generation that may not come. */
static int report_ready(struct tn_host *host)
{
	ssize_t size;
	char go;

	tell(report_of(host), TN_PROCESS_READY, "", 0);
	do
		size = recv(report_of(host), &go, 1, 0);
	while (size < 0 && errno == EINTR);
	return size == 1 ? 0 : EX_UNAVAILABLE;
}

static int share(void *argument, const char *worker, const char *field, size_t size)
{
	int report = *(const int *)argument;
	char *text = NULL;
	int length = asprintf(&text, "%zu %s.%s", size, worker, field);

	if (length < 0)
		return -1;
	tell(report, TN_PROCESS_SHARE, text, (size_t)length);
	free(text);
	return receive_descriptor(report);
}

static int read_number(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

/* The supervisor may have died before this was asked for. */
static bool follows(int parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

static int *read_sockets(int count, char **words)
{
	int *sockets = calloc((size_t)count + 1, sizeof(sockets[0]));

	for (int i = 0; sockets && i < count; i++) {
		sockets[i] = read_number(words[i]);
		fcntl(sockets[i], F_SETFD, FD_CLOEXEC);
	}
	return sockets;
}

static int run(struct tn_bundle *bundle, struct tn_page *page, int report, const int *sockets, int count)
{
	struct tn_host host = {
		.plan = bundle->plan,
		.secrets = &bundle->secrets,
		.copies = &bundle->copies,
		.page = page,
		.sockets = sockets,
		.socket_count = (size_t)count,
		.ready = report_ready,
		.report = report_errors,
		.share = share,
		.argument = &report,
	};

	fcntl(report, F_SETFD, FD_CLOEXEC);
	return tn_host_run(&host);
}

int tn_process_run(int count, char **arguments)
{
	struct tn_bundle bundle = { 0 };
	int code = EX_OSERR;
	int *sockets;
	struct tn_page *page;
	int descriptor;

	if (count < 4 || !follows(read_number(arguments[0])))
		return EX_USAGE;
	prctl(PR_SET_NAME, "tenon");
	descriptor = read_number(arguments[1]);
	sockets = read_sockets(count - 4, arguments + 4);
	page = tn_page_map(read_number(arguments[2]));
	close(read_number(arguments[2]));
	if (sockets && page && tn_bundle_read(descriptor, &bundle)) {
		close(descriptor);
		code = run(&bundle, page, read_number(arguments[3]), sockets, count - 4);
	}
	tn_bundle_finish(&bundle);
	free(sockets);
	return code;
}
