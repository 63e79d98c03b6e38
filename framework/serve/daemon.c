#include "serve/daemon.h"

#include "observe/log.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LONGEST_TIMEOUT 60000 /* ms */

/*
 * What a connection has for the head of a request and that of its reply. libmicrohttpd clears all
 * of it after each request; with its own 32 KiB, which is all of many a first-level cache, a
 * request takes a fifth more of the processor's time.
 */
#define CONNECTION_MEMORY ((size_t)24 * 1024)
#define HEAD_WITHIN ((size_t)16 * 1024) /* the largest head, and its fields, that it is for */
#define FIELDS_WITHIN ((size_t)100)
#define FIELD_OVERHEAD ((size_t)80) /* libmicrohttpd's own record of a request's field */

struct tn_daemon {
	struct MHD_Daemon *library;
	struct tn_daemon_calls calls;
	void *argument;
};

/* A connection is libmicrohttpd's by another name, and so is a reply. */
static struct MHD_Connection *theirs(struct tn_connection *connection)
{
	return (struct MHD_Connection *)connection;
}

static struct tn_connection *ours(struct MHD_Connection *connection)
{
	return (struct tn_connection *)connection;
}

/* ---- What libmicrohttpd tells -------------------------------------------------------------- */

static void *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void *connected(const struct tn_daemon *daemon, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *address =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const union MHD_ConnectionInfo *socket =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return daemon->calls.connected(daemon->argument, ours(connection), socket->connect_fd,
	                               address ? address->client_addr : NULL);
}

static void note_connection(void *argument, struct MHD_Connection *connection, void **state,
                            enum MHD_ConnectionNotificationCode what)
{
	const struct tn_daemon *daemon = argument;

	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		*state = connected(daemon, connection);
	else
		daemon->calls.closed(daemon->argument, *state);
}

/* No client's, since it is known by where it lies. */
static const char no_cookies[] = "";

/*
 * libmicrohttpd would take query and cookies apart, into memory of the connection, of which a
 * request can make it need more than there is: then it answers twice, or never. So it is shown no
 * query, and first of all a Cookie without a value, which is the one that it looks at.
 */
static void keep_apart(struct MHD_Connection *connection, const char *target)
{
	char *query = strchr((char *)(uintptr_t)target, '?');

	if (query)
		query[1] = '\0';
	MHD_set_connection_value(connection, MHD_HEADER_KIND, "Cookie", no_cookies);
}

static void *request_begins(void *argument, const char *target, struct MHD_Connection *connection)
{
	const struct tn_daemon *daemon = argument;
	void *request = daemon->calls.begins(daemon->argument, client_of(connection), target);

	keep_apart(connection, target);
	return request;
}

/* libmicrohttpd calls it for the head, for each part of the body and at the end. */
static enum MHD_Result handle(void *argument, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
	const struct tn_daemon *daemon = argument;

	(void)url;
	(void)version;
	if (*state && daemon->calls.goes_on(*state, ours(connection), method, data, size))
		return MHD_YES;
	return MHD_NO;
}

static void request_ends(void *argument, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
	const struct tn_daemon *daemon = argument;

	daemon->calls.ends(daemon->argument, ours(connection), *state,
	                   how != MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

/* The Worker gets its URL as it was sent. */
static size_t keep_escapes(void *argument, struct MHD_Connection *connection, char *text)
{
	(void)argument;
	(void)connection;
	return strlen(text);
}

TN_PRINTF(2, 0)
static void log_library(void *argument, const char *format, va_list list)
{
	char text[512];
	int size = vsnprintf(text, sizeof(text), format, list);

	(void)argument;
	if (size > 0 && (size_t)size < sizeof(text) && text[size - 1] == '\n')
		text[size - 1] = '\0';
	tn_log_write(TN_LOG_DEBUG, NULL, "libmicrohttpd: %s", text);
}

static void panic(void *argument, const char *file, unsigned line, const char *reason)
{
	(void)argument;
	tn_log_write(TN_LOG_ERROR, NULL, "libmicrohttpd gave up at %s:%u: %.*s", file, line,
	             (int)strcspn(reason, "\n"), reason);
	abort();
}

/* ---- Its life ------------------------------------------------------------------------------ */

size_t tn_daemon_memory(const struct tn_framing_limits *limits)
{
	size_t memory = CONNECTION_MEMORY;

	if (limits->head > HEAD_WITHIN)
		memory += limits->head - HEAD_WITHIN;
	if (limits->fields > FIELDS_WITHIN)
		memory += (limits->fields - FIELDS_WITHIN) * FIELD_OVERHEAD;
	return memory;
}

/* A second opinion, where there is one; 1 is what libmicrohttpd advises for public servers. */
#if MHD_VERSION >= 0x00097701
#define DISCIPLINE MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#else
#define DISCIPLINE
#endif

static struct MHD_Daemon *start(struct tn_daemon *daemon, const struct tn_daemon_options *options)
{
	unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
	                 (options->suspends ? MHD_ALLOW_SUSPEND_RESUME : 0);

	MHD_set_panic_func(panic, NULL);
	return MHD_start_daemon(flags, 0, NULL, NULL, handle, daemon, MHD_OPTION_EXTERNAL_LOGGER,
	                        log_library, NULL, MHD_OPTION_URI_LOG_CALLBACK, request_begins,
	                        daemon, MHD_OPTION_NOTIFY_COMPLETED, request_ends, daemon,
	                        MHD_OPTION_NOTIFY_CONNECTION, note_connection, daemon,
	                        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
	                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->memory,
	                        MHD_OPTION_CONNECTION_LIMIT, options->connections,
	                        DISCIPLINE MHD_OPTION_END);
}

struct tn_daemon *tn_daemon_create(const struct tn_daemon_options *options)
{
	struct tn_daemon *daemon = calloc(1, sizeof(*daemon));

	if (!daemon)
		return NULL;
	daemon->calls = *options->calls;
	daemon->argument = options->argument;
	daemon->library = start(daemon, options);
	if (daemon->library)
		return daemon;
	free(daemon);
	return NULL;
}

void tn_daemon_destroy(struct tn_daemon *daemon)
{
	if (!daemon)
		return;
	MHD_stop_daemon(daemon->library);
	free(daemon);
}

int tn_daemon_descriptor(const struct tn_daemon *daemon)
{
	return MHD_get_daemon_info(daemon->library, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

void tn_daemon_run(struct tn_daemon *daemon)
{
	MHD_run(daemon->library);
}

int tn_daemon_timeout(const struct tn_daemon *daemon)
{
	MHD_UNSIGNED_LONG_LONG left;

	if (MHD_get_timeout(daemon->library, &left) != MHD_YES)
		return -1;
	return left > LONGEST_TIMEOUT ? LONGEST_TIMEOUT : (int)left;
}

bool tn_daemon_add(struct tn_daemon *daemon, int socket, const struct sockaddr *address,
                   socklen_t address_size)
{
	return MHD_add_connection(daemon->library, socket, address, address_size) == MHD_YES;
}

const char *tn_daemon_reason(int status)
{
	return MHD_get_reason_phrase_for((unsigned)status);
}

/* ---- A connection, and its request --------------------------------------------------------- */

void *tn_connection_client(struct tn_connection *connection)
{
	return client_of(theirs(connection));
}

void tn_connection_suspend(struct tn_connection *connection)
{
	MHD_suspend_connection(theirs(connection));
}

void tn_connection_resume(struct tn_connection *connection)
{
	MHD_resume_connection(theirs(connection));
}

/* Of those that have a timeout libmicrohttpd looks at each in each of its turns; few are cut. */
void tn_connection_expire(struct tn_connection *connection)
{
	MHD_set_connection_option(theirs(connection), MHD_CONNECTION_OPTION_TIMEOUT, 1U);
}

static enum MHD_Result take_field(void *argument, enum MHD_ValueKind kind, const char *name,
                                  size_t name_size, const char *value, size_t value_size)
{
	struct tn_connection_fields *fields = argument;

	(void)kind;
	if (value == no_cookies)
		return MHD_YES;
	fields->size += name_size + value_size + FIELD_OVERHEAD;
	if (name_size == strlen("Expect") && strcasecmp(name, "Expect") == 0)
		fields->expects = true;
	if (tn_headers_append_valid(fields->headers, name, name_size, value ? value : "",
	                            value_size))
		return MHD_YES;
	fields->headers = NULL;
	return MHD_NO;
}

bool tn_connection_read(struct tn_connection *connection, struct tn_connection_fields *fields)
{
	MHD_get_connection_values_n(theirs(connection), MHD_HEADER_KIND, take_field, fields);
	return fields->headers;
}

/* ---- Its reply ----------------------------------------------------------------------------- */

static bool add_fields(struct MHD_Response *reply, const struct tn_headers *headers)
{
	for (size_t i = 0; i < tn_headers_count(headers); i++) {
		const struct tn_header_field *field = tn_headers_field(headers, i);

		if (field->value_size &&
		    MHD_add_response_header(reply, field->name, field->value) != MHD_YES)
			return false;
	}
	return true;
}

struct tn_reply *tn_reply_create(const struct tn_headers *headers, struct tn_bytes body,
                                 void (*freed)(void *argument), void *argument)
{
	struct MHD_Response *reply = MHD_create_response_from_buffer_with_free_callback_cls(
		body.size, (void *)(uintptr_t)body.data, freed, argument);

	if (!reply) {
		freed(argument);
		return NULL;
	}
	if (add_fields(reply, headers))
		return (struct tn_reply *)reply;
	MHD_destroy_response(reply);
	return NULL;
}

bool tn_reply_add(struct tn_reply *reply, const char *name, const char *value)
{
	return MHD_add_response_header((struct MHD_Response *)reply, name, value) == MHD_YES;
}

void tn_reply_destroy(struct tn_reply *reply)
{
	MHD_destroy_response((struct MHD_Response *)reply);
}

bool tn_connection_send(struct tn_connection *connection, int status, struct tn_reply *reply)
{
	struct MHD_Response *response = (struct MHD_Response *)reply;
	enum MHD_Result queued = MHD_queue_response(theirs(connection), (unsigned)status, response);

	MHD_destroy_response(response);
	return queued == MHD_YES;
}
