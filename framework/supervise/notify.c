#include "supervise/notify.h"

#include "observe/log.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_SIZE 1024
#define STATUS_SIZE 768
#define RETRY_MS 100

struct tn_notify {
	int socket;
	struct sockaddr_un address;
	socklen_t size;
	int64_t interval;          /* ms between signs of life; 0: nobody expects them */
	int64_t due;               /* ms; when the next one is */
	int64_t retry_at;          /* ms; when `unsent` is tried again */
	char unsent[MESSAGE_SIZE]; /* "": nothing is left */
	bool unsent_state;         /* it is more than a text to show */
	bool unwatched;            /* no signs of life are to be expected */
};

/* ---- Opening ------------------------------------------------------------------------------- */

/* Returns what speaks against the address; NULL: nothing does. */
static const char *read_address(struct tn_notify *notify, const char *text)
{
	size_t size = strlen(text);

	if ((*text != '/' && *text != '@') || size < 2)
		return "neither a path nor an abstract name";
	if (size >= sizeof(notify->address.sun_path))
		return "too long for the address of a socket";
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, text, size);
	notify->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
	if (*text == '@')
		notify->address.sun_path[0] = '\0';
	else
		notify->size++;
	return NULL;
}

/* The sign of life comes from whom it is expected of. */
static int64_t read_interval(void)
{
	const char *time = getenv("WATCHDOG_USEC");
	const char *process = getenv("WATCHDOG_PID");
	char *end = NULL;
	long long microseconds = time ? strtoll(time, &end, 10) : 0;

	if (microseconds <= 0 || *end || microseconds == LLONG_MAX)
		return 0;
	if (process && (strtoll(process, &end, 10) != getpid() || *end))
		return 0;
	return microseconds / 2000 ? microseconds / 2000 : 1;
}

static const char *open_socket(struct tn_notify *notify, const char *text)
{
	const char *fault = read_address(notify, text);

	if (fault)
		return fault;
	notify->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return notify->socket < 0 ? strerror(errno) : NULL;
}

static struct tn_notify *open_named(const char *text)
{
	struct tn_notify *notify = calloc(1, sizeof(*notify));
	const char *fault = notify ? open_socket(notify, text) : "out of memory";

	if (!fault) {
		notify->interval = read_interval();
		return notify;
	}
	tn_log_write(TN_LOG_WARNING, NULL,
	             "NOTIFY_SOCKET: %s: %s: the service manager is not told", text, fault);
	free(notify);
	return NULL;
}

struct tn_notify *tn_notify_open(void)
{
	const char *text = getenv("NOTIFY_SOCKET");
	struct tn_notify *notify = text && *text ? open_named(text) : NULL;

	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return notify;
}

void tn_notify_close(struct tn_notify *notify)
{
	if (notify)
		close(notify->socket);
	free(notify);
}

/* ---- Sending ------------------------------------------------------------------------------- */

/* Returns whether it is done with: also where nobody is there to hear it. */
static bool send_text(const struct tn_notify *notify, const char *text)
{
	ssize_t size = sendto(notify->socket, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
	                      (const struct sockaddr *)&notify->address, notify->size);

	if (size >= 0)
		return true;
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == EINTR)
		return false;
	tn_log_write(TN_LOG_DEBUG, NULL, "the service manager cannot be told: %s", strerror(errno));
	return true;
}

/* What was to be sent before it is out of date by then; but a mere text takes no state's place. */
static void tell(struct tn_notify *notify, const char *message, bool state)
{
	if (*notify->unsent && notify->unsent_state && !state)
		return;
	notify->unsent[0] = '\0';
	if (send_text(notify, message))
		return;
	snprintf(notify->unsent, sizeof(notify->unsent), "%s", message);
	notify->unsent_state = state;
	notify->retry_at = 0;
}

/* A line of its own in the text would be another message. */
TN_PRINTF(3, 0)
static void tell_state(struct tn_notify *notify, const char *state, const char *format,
                       va_list list)
{
	char text[STATUS_SIZE];
	char line[STATUS_SIZE];
	char message[MESSAGE_SIZE];

	if (!notify)
		return;
	vsnprintf(text, sizeof(text), format, list);
	tn_log_escape(line, sizeof(line), text, false);
	snprintf(message, sizeof(message), "%s%sSTATUS=%s", state,
	         notify->unwatched ? "WATCHDOG_USEC=0\n" : "", line);
	tell(notify, message, *state);
}

void tn_notify_ready(struct tn_notify *notify, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	tell_state(notify, "READY=1\n", format, list);
	va_end(list);
}

void tn_notify_reloading(struct tn_notify *notify, const char *format, ...)
{
	struct timespec now;
	char state[64];
	va_list list;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld\n",
	         (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	va_start(list, format);
	tell_state(notify, state, format, list);
	va_end(list);
}

void tn_notify_stopping(struct tn_notify *notify, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	tell_state(notify, "STOPPING=1\n", format, list);
	va_end(list);
}

void tn_notify_status(struct tn_notify *notify, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	tell_state(notify, "", format, list);
	va_end(list);
}

bool tn_notify_unwatch(struct tn_notify *notify)
{
	if (!notify || !notify->interval)
		return false;
	notify->interval = 0;
	notify->unwatched = true;
	return true;
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void send_again(struct tn_notify *notify, int64_t now)
{
	if (!*notify->unsent || notify->retry_at > now)
		return;
	if (send_text(notify, notify->unsent))
		notify->unsent[0] = '\0';
	else
		notify->retry_at = now + RETRY_MS;
}

/* One that could not be sent is tried again before the watchdog bites. */
static void give_sign(struct tn_notify *notify, int64_t now)
{
	bool sent;

	if (!notify->interval || notify->due > now)
		return;
	sent = send_text(notify, "WATCHDOG=1");
	notify->due = now + (sent || notify->interval < RETRY_MS ? notify->interval : RETRY_MS);
}

int64_t tn_notify_turn(struct tn_notify *notify, int64_t now)
{
	int64_t next = -1;

	if (!notify)
		return -1;
	send_again(notify, now);
	give_sign(notify, now);
	if (*notify->unsent)
		next = notify->retry_at;
	if (notify->interval && (next < 0 || notify->due < next))
		next = notify->due;
	return next;
}
