#include "supervise/control.h"

#include "deploy/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define WAITING_MOST ((size_t)1024 * 1024) /* bytes that one client has not read */
#define MESSAGE_SIZE (TN_NAMES_SIZE + 16)  /* with the word before the names */

_Static_assert(TN_CONTROL_PATH_MOST + 1 == sizeof(((struct sockaddr_un *)0)->sun_path),
               "the path and its NUL");

/* A message that waits for its client. */
struct message {
	struct message *next;
	size_t size;
	char data[];
};

struct tn_control_client {
	int socket; /* -1: there is none */
	bool foreign;
	enum tn_control_ask ask;
	char *workers;        /* NULL: it has named none */
	unsigned long number; /* the earlier, the smaller */
	struct message *first;
	struct message **last;
	size_t waiting; /* bytes */
};

struct tn_control {
	char path[TN_CONTROL_PATH_MOST + 1];
	int lock;   /* -1: it was given up */
	int socket; /* -1: the same */
	bool stuck; /* a client waits that could not be let in */
	int spare;  /* to be closed where there is no other descriptor for a client */
	unsigned long clients_so_far;
	struct tn_control_client clients[TN_CONTROL_CLIENTS];
};

/* ---- The path ------------------------------------------------------------------------------ */

char *tn_control_path(const struct tn_plan *plan, const char *file, const char *environment)
{
	char *path = NULL;
	int length;

	if (plan && plan->settings.control)
		return strdup(plan->settings.control);
	length = asprintf(&path, "%s%s%s.control", file, environment ? "@" : "",
	                  environment ? environment : "");
	return length < 0 ? NULL : path;
}

/* ---- The lock ------------------------------------------------------------------------------ */

static void lock_path(const char *path, char *text, size_t room)
{
	snprintf(text, room, "%s.lock", path);
}

/* Who had it may have removed it between the two steps. */
static bool is_there(int file, const char *path)
{
	struct stat opened, named;

	return fstat(file, &opened) == 0 && lstat(path, &named) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static void note_process(int file)
{
	char text[24];
	int size = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	/* It is for a message only. */
	if (ftruncate(file, 0) == 0 && pwrite(file, text, (size_t)size, 0) < 0)
		return;
}

static int noted_process(int file)
{
	char text[24] = "";

	if (pread(file, text, sizeof(text) - 1, 0) < 0)
		return 0;
	return (int)strtol(text, NULL, 10);
}

static int complain_of_holder(int file, const char *path, char *reason)
{
	int process = noted_process(file);
	char name[32] = "another process";

	if (process > 0)
		snprintf(name, sizeof(name), "process %d", process);
	snprintf(reason, TN_REASON_SIZE,
	         "%s serves it already, and has the control socket %s: end it with `tenon stop`, "
	         "or set another `control` in [host]",
	         name, path);
	return EX_UNAVAILABLE;
}

static int complain_of_place(const char *path, int error, char *reason)
{
	snprintf(reason, TN_REASON_SIZE,
	         "the control socket %s cannot be made: %s: set `control` in [host] to a path in a "
	         "directory that this process may write to",
	         path, strerror(error));
	return EX_CANTCREAT;
}

static int take_lock(struct tn_control *control, char *reason)
{
	char path[TN_CONTROL_PATH_MOST + sizeof(".lock")];
	int code = 0;

	lock_path(control->path, path, sizeof(path));
	do {
		if (control->lock >= 0)
			close(control->lock);
		control->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (control->lock < 0)
			return complain_of_place(control->path, errno, reason);
		if (flock(control->lock, LOCK_EX | LOCK_NB))
			code = errno == EWOULDBLOCK
			               ? complain_of_holder(control->lock, control->path, reason)
			               : complain_of_place(control->path, errno, reason);
	} while (!code && !is_there(control->lock, path));
	if (code) {
		close(control->lock);
		control->lock = -1;
		return code;
	}
	note_process(control->lock);
	return 0;
}

/* Only who has the lock removes anything. */
void tn_control_leave(struct tn_control *control)
{
	char path[TN_CONTROL_PATH_MOST + sizeof(".lock")];

	if (!control || control->lock < 0)
		return;
	if (control->socket >= 0) {
		close(control->socket);
		unlink(control->path);
	}
	lock_path(control->path, path, sizeof(path));
	unlink(path);
	close(control->lock);
	control->lock = control->socket = -1;
}

/* ---- The socket ---------------------------------------------------------------------------- */

/* What is no socket is somebody's file. */
static int remove_stale(const char *path, char *reason)
{
	struct stat status;

	if (lstat(path, &status))
		return 0;
	if (!S_ISSOCK(status.st_mode)) {
		snprintf(reason, TN_REASON_SIZE,
		         "%s is to be the control socket, and is another file: remove it, or set "
		         "another `control` in [host]",
		         path);
		return EX_CONFIG;
	}
	return unlink(path) == 0 ? 0 : complain_of_place(path, errno, reason);
}

/* The mask, and no chmod behind it: there is no moment at which others may connect. */
static bool bind_private(int file, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	bool bound;

	memcpy(address.sun_path, path, strlen(path));
	mask = umask(0177);
	bound = bind(file, (struct sockaddr *)&address, sizeof(address)) == 0;
	umask(mask);
	return bound;
}

static int make_socket(struct tn_control *control, char *reason)
{
	int file, code = remove_stale(control->path, reason);

	if (code)
		return code;
	file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (file >= 0 && bind_private(file, control->path)) {
		control->socket = file;
		if (listen(file, TN_CONTROL_CLIENTS) == 0)
			return 0;
	}
	code = complain_of_place(control->path, errno, reason);
	if (file >= 0 && control->socket < 0)
		close(file);
	return code;
}

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static struct tn_control *make(const char *path)
{
	struct tn_control *control = calloc(1, sizeof(*control));

	if (!control)
		return NULL;
	stpcpy(control->path, path);
	control->lock = control->socket = -1;
	control->spare = open_spare();
	for (size_t i = 0; i < TN_CONTROL_CLIENTS; i++)
		control->clients[i].socket = -1;
	return control;
}

int tn_control_open(const char *path, struct tn_control **result, char *reason)
{
	struct tn_control *control;
	int code;

	*result = NULL;
	if (strlen(path) > TN_CONTROL_PATH_MOST) {
		snprintf(
			reason, TN_REASON_SIZE,
			"the path of the control socket %.300s is too long, %d bytes are the most: "
			"set `control` in [host] to a shorter one",
			path, TN_CONTROL_PATH_MOST);
		return EX_CONFIG;
	}
	snprintf(reason, TN_REASON_SIZE, "out of memory");
	control = make(path);
	if (!control)
		return EX_OSERR;
	code = take_lock(control, reason);
	if (!code)
		code = make_socket(control, reason);
	if (code) {
		tn_control_close(control);
		return code;
	}
	*result = control;
	return 0;
}

/* ---- Clients ------------------------------------------------------------------------------- */

static void drop(struct tn_control_client *client)
{
	while (client->first) {
		struct message *message = client->first;

		client->first = message->next;
		free(message);
	}
	free(client->workers);
	if (client->socket >= 0)
		close(client->socket);
	*client = (struct tn_control_client){ .socket = -1 };
}

/* What was sent is read although this side has closed. */
static void push(struct tn_control_client *client)
{
	while (client->first) {
		struct message *message = client->first;
		ssize_t sent = send(client->socket, message->data, message->size,
		                    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN)
			drop(client);
		if (sent < 0)
			return;
		client->first = message->next;
		client->waiting -= message->size;
		free(message);
	}
	if (client->ask == TN_CONTROL_ENDED)
		drop(client);
}

/* One that does not get all of it gets nothing more, rather than a part that looks whole. */
static void queue(struct tn_control_client *client, char kind, const char *text, size_t size)
{
	struct message *message = NULL;

	if (client->waiting + size + 1 <= WAITING_MOST)
		message = malloc(sizeof(*message) + size + 1);
	if (!message) {
		drop(client);
		return;
	}
	message->next = NULL;
	message->size = size + 1;
	message->data[0] = kind;
	memcpy(message->data + 1, text, size);
	if (!client->first)
		client->last = &client->first;
	*client->last = message;
	client->last = &message->next;
	client->waiting += message->size;
}

void tn_control_tell(struct tn_control_client *client, const char *text)
{
	size_t left = strlen(text);

	while (left && client->socket >= 0) {
		size_t part = left < TN_CONTROL_PART ? left : TN_CONTROL_PART;

		queue(client, TN_CONTROL_TEXT, text, part);
		text += part;
		left -= part;
	}
	if (client->socket >= 0)
		push(client);
}

void tn_control_end(struct tn_control_client *client, int code)
{
	char text[16];
	int size = snprintf(text, sizeof(text), "%d", code);

	if (client->socket < 0)
		return;
	client->ask = TN_CONTROL_ENDED;
	queue(client, TN_CONTROL_END, text, (size_t)size);
	if (client->socket >= 0)
		push(client);
}

void tn_control_turn_into(struct tn_control *control, enum tn_control_ask ask,
                          enum tn_control_ask other)
{
	for (size_t i = 0; control && i < TN_CONTROL_CLIENTS; i++)
		if (control->clients[i].socket >= 0 && control->clients[i].ask == ask)
			control->clients[i].ask = other;
}

static bool same_workers(const struct tn_control_client *client, const char *workers)
{
	if (!client->workers || !workers)
		return client->workers == workers;
	return strcmp(client->workers, workers) == 0;
}

void tn_control_begin_reload(struct tn_control *control, const char *workers)
{
	for (size_t i = 0; control && i < TN_CONTROL_CLIENTS; i++) {
		struct tn_control_client *client = &control->clients[i];

		if (client->socket >= 0 && client->ask == TN_CONTROL_RELOAD &&
		    same_workers(client, workers))
			client->ask = TN_CONTROL_RELOADING;
	}
}

void tn_control_begin_release(struct tn_control_client *client)
{
	client->ask = TN_CONTROL_RELOADING;
}

struct tn_control_client *tn_control_first(struct tn_control *control, enum tn_control_ask ask)
{
	struct tn_control_client *first = NULL;

	for (size_t i = 0; control && i < TN_CONTROL_CLIENTS; i++) {
		struct tn_control_client *client = &control->clients[i];

		if (client->socket >= 0 && client->ask == ask &&
		    (!first || client->number < first->number))
			first = client;
	}
	return first;
}

const char *tn_control_workers(const struct tn_control_client *client)
{
	return client->workers;
}

void tn_control_tell_all(struct tn_control *control, enum tn_control_ask ask, const char *text)
{
	for (size_t i = 0; control && i < TN_CONTROL_CLIENTS; i++)
		if (control->clients[i].socket >= 0 && control->clients[i].ask == ask)
			tn_control_tell(&control->clients[i], text);
}

void tn_control_end_all(struct tn_control *control, enum tn_control_ask ask, int code)
{
	for (size_t i = 0; control && i < TN_CONTROL_CLIENTS; i++)
		if (control->clients[i].socket >= 0 && control->clients[i].ask == ask)
			tn_control_end(&control->clients[i], code);
}

/* ---- Letting them in ----------------------------------------------------------------------- */

/* A free place; else that of whoever has been silent for longest. NULL where all wait for what they
 * have asked for. */
static struct tn_control_client *find_place(struct tn_control *control)
{
	struct tn_control_client *silent = NULL;

	for (size_t i = 0; i < TN_CONTROL_CLIENTS; i++) {
		struct tn_control_client *client = &control->clients[i];

		if (client->socket < 0)
			return client;
		if (client->ask == TN_CONTROL_NOTHING || client->ask == TN_CONTROL_ENDED)
			if (!silent || client->number < silent->number)
				silent = client;
	}
	if (silent)
		drop(silent);
	return silent;
}

/* The mode of the socket lets nobody else in; it may have been changed. */
static bool is_foreign(int socket)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return true;
	return peer.uid != geteuid() && peer.uid != 0;
}

static struct tn_control_client *welcome(struct tn_control *control, int socket)
{
	struct tn_control_client *client = find_place(control);

	if (!client) {
		close(socket);
		return NULL;
	}
	*client = (struct tn_control_client){
		.socket = socket,
		.foreign = is_foreign(socket),
		.number = ++control->clients_so_far,
	};
	return client;
}

/* Where there is no descriptor left the client is turned away: one that waits would wake the
 * supervisor again and again. */
static bool turn_away(struct tn_control *control)
{
	int socket;

	if (control->spare < 0)
		return false;
	close(control->spare);
	socket = accept4(control->socket, NULL, NULL, SOCK_CLOEXEC);
	if (socket >= 0)
		close(socket);
	control->spare = open_spare();
	return socket >= 0;
}

/* The next one that waits; NULL where there is none. */
static struct tn_control_client *let_in(struct tn_control *control)
{
	control->stuck = false;
	while (control->socket >= 0) {
		int socket = accept4(control->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (socket >= 0)
			return welcome(control, socket);
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		control->stuck = errno != EAGAIN;
		if ((errno != EMFILE && errno != ENFILE) || !turn_away(control))
			return NULL;
	}
	return NULL;
}

/* ---- Taking what they say ------------------------------------------------------------------ */

static void refuse(struct tn_control_client *client, const char *text, int code)
{
	tn_control_tell(client, text);
	tn_control_end(client, code);
}

/* What can be asked, and how many Workers stand behind the word. */
static const struct {
	const char *word;
	enum tn_control_ask ask;
	size_t least, most;
} words[] = {
	{ "status", TN_CONTROL_STATUS, 0, 0 },
	{ "reload", TN_CONTROL_RELOAD, 0, SIZE_MAX },
	{ "release", TN_CONTROL_RELEASE, 1, 1 },
	{ "stop", TN_CONTROL_STOP, 0, 0 },
};

static size_t count_of(const char *names)
{
	size_t count = *names != '\0';

	while ((names = strchr(names, ' '))) {
		names++;
		count++;
	}
	return count;
}

/* Behind the word. Returns false where the client was refused. */
static bool take_workers(struct tn_control_client *client, const char *text, size_t size)
{
	char names[TN_NAMES_SIZE];
	char answer[256];
	const char *problem = tn_names_read(text, size, names);

	if (problem) {
		snprintf(answer, sizeof(answer), "tenon: %s\n", problem);
		refuse(client, answer, EX_USAGE);
		return false;
	}
	client->workers = strdup(names);
	if (!client->workers)
		refuse(client, "tenon: out of memory\n", EX_OSERR);
	return client->workers;
}

/* A word that is not known, or with what does not belong behind it, is of another version. */
static bool take_message(struct tn_control_client *client, const char *message, size_t size)
{
	const char *blank = memchr(message, ' ', size);
	size_t word = blank ? (size_t)(blank - message) : size;
	size_t count;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) != word || memcmp(words[i].word, message, word) != 0 ||
		    (blank && !words[i].most))
			continue;
		if (blank && !take_workers(client, blank + 1, size - word - 1))
			return false;
		count = client->workers ? count_of(client->workers) : 0;
		if (count < words[i].least || count > words[i].most)
			break;
		client->ask = words[i].ask;
		return true;
	}
	refuse(client, "the host that runs knows no such command\n", EX_PROTOCOL);
	return false;
}

/* Whether it has asked for something just now. Who says more than once is none of ours. */
static bool hear(struct tn_control_client *client)
{
	char message[MESSAGE_SIZE];
	ssize_t size;

	do /* of one that is too long: its size */
		size = recv(client->socket, message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);
	while (size < 0 && errno == EINTR);
	if (size < 0 && errno == EAGAIN)
		return false;
	if (size <= 0 || client->ask != TN_CONTROL_NOTHING)
		drop(client);
	else if (client->foreign)
		refuse(client, "only the user whose host it is, and root, may ask it\n", EX_NOPERM);
	else if ((size_t)size > sizeof(message))
		refuse(client, "the host that runs takes no message of such a size\n", EX_PROTOCOL);
	else
		return take_message(client, message, (size_t)size);
	return false;
}

void tn_control_turn(struct tn_control *control,
                     void (*asked)(void *argument, struct tn_control_client *client,
                                   enum tn_control_ask ask),
                     void *argument)
{
	struct tn_control_client *client;

	for (size_t i = 0; control && i < TN_CONTROL_CLIENTS; i++) {
		client = &control->clients[i];
		if (client->socket >= 0 && client->first)
			push(client);
		if (client->socket >= 0 && hear(client))
			asked(argument, client, client->ask);
	}
	for (size_t i = 0; control && i < TN_CONTROL_CLIENTS; i++) {
		client = let_in(control);
		if (!client)
			return;
		if (hear(client))
			asked(argument, client, client->ask);
	}
}

bool tn_control_is_stuck(const struct tn_control *control)
{
	return control && control->stuck;
}

size_t tn_control_poll(const struct tn_control *control, struct pollfd *list)
{
	size_t count = 0;

	if (!control)
		return 0;
	if (control->socket >= 0 && !control->stuck)
		list[count++] = (struct pollfd){ .fd = control->socket, .events = POLLIN };
	for (size_t i = 0; i < TN_CONTROL_CLIENTS; i++) {
		const struct tn_control_client *client = &control->clients[i];

		if (client->socket >= 0)
			list[count++] = (struct pollfd){ .fd = client->socket,
				                         .events = client->first ? POLLIN | POLLOUT
				                                                 : POLLIN };
	}
	return count;
}

void tn_control_close(struct tn_control *control)
{
	if (!control)
		return;
	tn_control_leave(control);
	for (size_t i = 0; i < TN_CONTROL_CLIENTS; i++)
		drop(&control->clients[i]);
	if (control->spare >= 0)
		close(control->spare);
	free(control);
}
