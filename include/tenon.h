/*
 * tenon.h - what a Worker sees. It is the one header that a Worker includes.
 *
 * A Worker is a shared object with a handler, an env and one line, TN_WORKER:
 *
 *	struct env {
 *		struct tn_service        self;
 *		const struct tn_service *auth;
 *	};
 *
 *	static struct tn_response *gateway(struct tn_request *request, const struct env *env)
 *	{
 *		return tn_fetch(env->auth, tn_request_clone(request));
 *	}
 *
 *	TN_WORKER(gateway, struct env, TN_SERVICE(auth));
 *
 * What holds for every function below, unless its comment says otherwise:
 *
 *  - Memory. A request, a response, its headers and every string that a function returns live in
 *    the memory of the exchange (one inbound request and all that is made while it is answered)
 *    until the reply has been sent. A Worker frees none of it. A string that was returned stays
 *    valid and unchanged until then, even after a set or a delete.
 *  - Copies. Text and bytes that are passed in are copied. The _static and _owned forms do not.
 *  - NULL. Every call on NULL is harmless: it returns NULL, false, 0, an empty struct or, for
 *    the status of a response, 500. So no check is needed between steps: a failure flows to the
 *    end, where the client gets 500 and the log names the Worker in which it arose.
 *  - Failure. What is refused (a bad name, a bad status) or cannot be had (the exchange is out of
 *    memory) gives NULL or false, and one line in the log that names the Worker.
 *  - Exchanges. A request or response belongs to its exchange: one that is kept beyond it cannot
 *    be used, and a Worker that returns one of another exchange has returned NULL.
 *  - Threads. An exchange is worked on by one thread at a time, the one that called the Worker;
 *    pass nothing of it to another. Every function here that takes something of an exchange is to
 *    be called on that thread; those of secrets, and tn_log on NULL, on any.
 *  - Workers that wait. A Worker for which the configuration says `blocking = yes`, each that calls
 *    it, directly or not, and each that one of these calls, may be entered on several threads at
 *    once, for another exchange or another call of tn_fetch_all on each. So may the work of
 *    tn_wait_until of every Worker, and what it calls, also a Worker that is else entered on one
 *    thread alone. All else of a process runs on one thread, the loop's: `start`, `stop`, the
 *    release callbacks of every exchange, and the Workers of all other routes; what waits there,
 *    every client waits for.
 *    The env is const and the same for all; what TN_STATE and TN_SHARED point to, static variables
 *    and the libraries that are called are the author's to guard: by a mutex, by C11 atomics, or by
 *    having one for each thread (_Thread_local). `start` is called before any of this, and `stop`
 *    when all of it is over.
 *  - Units. Sizes are in bytes, durations in milliseconds.
 *
 * C11 with GNU extensions (gnu11 to gnu23), gcc or clang.
 */
#ifndef TENON_H
#define TENON_H

#ifdef __cplusplus
#error "tenon.h is for C: write the Worker's handler in a .c file and call C++ through extern \"C\""
#endif

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The version of the contract between a Worker and the host. A host loads the Workers of its own
 * major version, whatever their minor one.
 */
#define TN_ABI_MAJOR 1
#define TN_ABI_MINOR 0

_Static_assert(sizeof(void *) == 8, "Tenon is for 64-bit machines: a slot is eight bytes");

/* Of a function or variable: seen from outside its object whatever the flags say, or never; and of
 * one that takes a printf format: the compiler checks its arguments. */
#define TN_EXPORT __attribute__((visibility("default")))
#define TN_HIDDEN __attribute__((visibility("hidden")))
#define TN_PRINTF(format_, first_) __attribute__((format(printf, format_, first_)))

/* What a Worker has pointers to, and never makes, copies or frees by itself. */
struct tn_request;  /* one call of a Worker: method, URL, headers, body */
struct tn_response; /* what it answers: status, headers, body */
struct tn_headers;  /* the headers of either; copied only when one of their holders writes */
struct tn_secret;   /* a string that is not shown by accident */

/* Bytes that are held elsewhere. data[size] is a NUL; where there is nothing, data is "". */
struct tn_bytes {
	const char *data;
	size_t size;
};

/*
 * A Worker as its callers see it: what a service binding points to, and the first member of every
 * env. Its size is fixed for ever.
 */
struct tn_service {
	/* The callee's own exported `fetch`. Pass the very service that it was taken from: another
	 * is caught, and gives NULL, unless both have the same module, or the `fetch` of both is
	 * the host's: as where both bindings are split among versions, or both lead to Workers
	 * with a `timeout` or `concurrency`. */
	struct tn_response *(*fetch)(struct tn_request *request, const struct tn_service *service);
	const char *name;  /* the Worker's name in the configuration; lives as long as the env */
	void *reserved[6]; /* the host's */
};

/*
 * Calls the Worker behind a binding: the same direct call as service->fetch(request, service).
 * Returns its response, or NULL where it failed, where the service is NULL (a binding that is
 * optional and not given), or where the request is, and where the reply came behind a `timeout`. Of
 * a Worker that keeps crashing, or whose turn (`concurrency`) has not come, the response is one of
 * the host's, with status 503. The callee gets the request itself: what it changes shows to the
 * caller, who passes tn_request_clone(request) to keep its own.
 */
static inline struct tn_response *tn_fetch(const struct tn_service *service,
                                           struct tn_request *request)
{
	return service ? service->fetch(request, service) : NULL;
}

/* ---- Requests --------------------------------------------------------------------------- */

/* The method, such as "GET"; case matters (RFC 9110, 9.1). */
TN_EXPORT const char *tn_request_method(const struct tn_request *request);

/* The absolute URL: "http://example.com/path?query". Its host is empty where the client, one of
 * HTTP/1.0, named none; setting the header Host does not change it, tn_request_set_url does. */
TN_EXPORT const char *tn_request_url(const struct tn_request *request);

/* Path and query: "/path?query" ("*" for OPTIONS *). Those of a client are in one form, whatever
 * it sent, which is also that of routes and of the access log: only what must be is
 * percent-encoded, in upper case ("%2F" stays, and is no '/'), several '/' are one, "." and ".."
 * are followed. The query is as it was sent. */
TN_EXPORT const char *tn_request_target(const struct tn_request *request);

/* The path of it, percent-encoding and all: "/path". */
TN_EXPORT const char *tn_request_path(const struct tn_request *request);

/*
 * The first parameter of that name in the query, decoded as application/x-www-form-urlencoded
 * (URL Standard, 5.1): '+' is a space, %XX a byte. Where two hex digits do not follow a '%', it
 * stands for itself; %00 stays as it is, since it would cut the string. "" for a name without a
 * value; NULL where there is no such name.
 */
TN_EXPORT const char *tn_request_query(const struct tn_request *request, const char *name);

/* A parameter of the query. Zero it before the first call; `position` is the library's. */
struct tn_parameter {
	const char *name;
	const char *value;
	size_t position;
};

/*
 * Steps to the next parameter of the query, in order, decoded as above; false after the last.
 *
 *	struct tn_parameter p = { 0 };
 *	while (tn_request_query_next(request, &p))
 *		... p.name, p.value
 */
TN_EXPORT bool tn_request_query_next(const struct tn_request *request,
                                     struct tn_parameter *parameter);

/* The value of the cookie of that name (RFC 6265, 5.4), as it was sent; NULL where there is none.
 * Names are compared with case. */
TN_EXPORT const char *tn_request_cookie(const struct tn_request *request, const char *name);

/* The client's address, without a port: "192.0.2.1" or "2001:db8::1"; "" for one that came through
 * a Unix socket. Behind a proxy that the configuration trusts it is the one that the proxy names,
 * and so are the scheme and the host of the URL. */
TN_EXPORT const char *tn_request_address(const struct tn_request *request);

/* The exchange's id, 16 hex digits: the one in the log. Sub-requests share it. */
TN_EXPORT const char *tn_request_id(const struct tn_request *request);

/* The headers, to read and to change; the handle lives as long as the request, and what is changed
 * is the request's. */
TN_EXPORT struct tn_headers *tn_request_headers(struct tn_request *request);

/* The value of a header, as tn_headers_get gives it: several are one; NULL where there is none. */
TN_EXPORT const char *tn_request_header(const struct tn_request *request, const char *name);

/* The whole body, not copied: size 0 and "" where there is none. It can be read any number of
 * times, by every Worker that has the request or a clone of it. */
TN_EXPORT struct tn_bytes tn_request_body(const struct tn_request *request);

/*
 * The first field of that name in a form: in a body whose Content-Type is
 * application/x-www-form-urlencoded, decoded as tn_request_query does. "" for a field without a
 * value; NULL where there is none, and where the body is no such form: of another type, or with a
 * NUL in it. A body of any size is searched from its beginning: for many fields, step through it.
 */
TN_EXPORT const char *tn_request_form(const struct tn_request *request, const char *name);

/* Steps to the next field of such a form, in order, as tn_request_query_next does. */
TN_EXPORT bool tn_request_form_next(const struct tn_request *request,
                                    struct tn_parameter *parameter);

/*
 * A part of a form that is multipart/form-data (RFC 7578): a field, or a file. Zero it before the
 * first call; `position` is the library's. `data` lies in the body and is not copied: what follows
 * it is no NUL. As text: tn_format(request, "%.*s", (int)part.size, part.data).
 */
struct tn_form_part {
	const char *name;                 /* never NULL, and may be "" */
	const char *filename;             /* as the client says: it may be "../x"; NULL: no file */
	const char *type;                 /* its Content-Type; NULL: text/plain */
	const struct tn_headers *headers; /* all fields of its head */
	const char *data;
	size_t size;
	const char *error; /* what is wrong with the form; constant */
	size_t position;
};

/*
 * Steps to the next part, in order. false after the last one, and where the form is malformed or
 * the exchange has no memory left: only then `error` is not NULL. The form is read as far as it is
 * stepped through, so a part may be good and what follows it not: walk it once to the end before
 * anything is done that cannot be undone; that costs a search through the body, and no copy.
 *
 *	struct tn_form_part part = { 0 };
 *	while (tn_form_next(request, &part))
 *		... part.name, part.data, part.size
 *	if (part.error)
 *		return tn_response_text(request, 400, part.error);
 *
 * It is read strictly: lines end with CR LF, the closing delimiter is there, each part has one
 * Content-Disposition, with a name, and a head of at most 16 KiB. What stands before the first
 * delimiter and behind the closing one is ignored. In a name, %22, %0D and %0A are what browsers
 * write for a quote and for the end of a line, and are decoded; a backslash stands for itself.
 */
TN_EXPORT bool tn_form_next(const struct tn_request *request, struct tn_form_part *part);

/*
 * A new request with the same method, URL, headers and body, independent of the first from then
 * on. Costs one small allocation: the body is shared, the headers until one of the two writes. NULL
 * where the exchange has no memory left.
 */
TN_EXPORT struct tn_request *tn_request_clone(const struct tn_request *request);

/*
 * A new request for a sub-request. It inherits the host, the client's address, the id and nothing
 * else: its one header is Host. The method is a token ("get" and the like become "GET", as in the
 * Fetch Standard; CONNECT, TRACE and TRACK are refused); the URL is a path ("/verify?user=1") or
 * absolute ("http://auth/verify"), without a fragment. NULL where one of them is refused.
 */
TN_EXPORT struct tn_request *tn_request_new(const struct tn_request *request, const char *method,
                                            const char *url);

/* Each changes one thing of a request; false, and nothing changed, where it was refused. Method and
 * URL are as in tn_request_new; an absolute URL sets the header Host, too. A header that is set to
 * NULL is deleted. A new body takes Content-Length and Transfer-Encoding away, which were said of
 * the old one; Content-Type is the caller's to set. */
TN_EXPORT bool tn_request_set_method(struct tn_request *request, const char *method);
TN_EXPORT bool tn_request_set_url(struct tn_request *request, const char *url);
TN_EXPORT bool tn_request_set_header(struct tn_request *request, const char *name,
                                     const char *value);
TN_EXPORT bool tn_request_set_body(struct tn_request *request, const void *data, size_t size);

/* The same without a copy. `data` stays valid and unchanged, and a NUL follows it: for ever
 * (_static), or until release(argument), which is called once, as that of tn_defer is, and at once
 * where the body was refused (_owned). A `release` that is NULL is not called. */
TN_EXPORT bool tn_request_set_body_static(struct tn_request *request, const void *data,
                                          size_t size);
TN_EXPORT bool tn_request_set_body_owned(struct tn_request *request, const void *data, size_t size,
                                         void (*release)(void *argument), void *argument);

/* The text with every byte but A-Z a-z 0-9 - . _ ~ percent-encoded (RFC 3986, 2.3), fit for any
 * part of a URL. The request is the one in whose exchange the copy is to live. */
TN_EXPORT const char *tn_url_encode(const struct tn_request *request, const char *text);

/* ---- Headers ---------------------------------------------------------------------------- */

/*
 * Header names are tokens and compared without case; values have no control characters but TAB
 * and lose the blanks at both ends (RFC 9110, 5.1 and 5.5). What is not so is refused: false.
 * So are, on a response, the fields with which the host frames the message: Connection,
 * Content-Length, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding and Upgrade. A
 * field of a reply whose value is empty is not sent.
 */

/* The value of a header; of several with the name, all joined with ", " ("; " for Cookie). Of
 * Set-Cookie the first, since these cannot be joined. NULL where there is none. */
TN_EXPORT const char *tn_headers_get(const struct tn_headers *headers, const char *name);

/* Whether there is one of that name. */
TN_EXPORT bool tn_headers_has(const struct tn_headers *headers, const char *name);

/* Sets the one header of that name in place of all that had it; NULL deletes. */
TN_EXPORT bool tn_headers_set(struct tn_headers *headers, const char *name, const char *value);

/* Adds one more header, whether the name is there or not; the value is not NULL. */
TN_EXPORT bool tn_headers_append(struct tn_headers *headers, const char *name, const char *value);

/* Removes all headers of that name; true also where there was none. */
TN_EXPORT bool tn_headers_delete(struct tn_headers *headers, const char *name);

/* A header. Zero it before the first call; `position` is the library's. */
struct tn_header {
	const char *name;
	const char *value;
	size_t position;
};

/*
 * Steps to the next header; false after the last. As in the Fetch Standard, names are in lower
 * case and in order, and each comes once with its values joined, but Set-Cookie, which comes as
 * often as it was set. The headers may be changed meanwhile.
 *
 *	struct tn_header h = { 0 };
 *	while (tn_headers_next(headers, &h))
 *		... h.name, h.value
 */
TN_EXPORT bool tn_headers_next(const struct tn_headers *headers, struct tn_header *header);

/* ---- Responses -------------------------------------------------------------------------- */

/*
 * A response with a status of 200 to 599, in the exchange of that request; it is answered by being
 * returned, or is thrown away. 204, 205 and 304 have no body: to give them one is refused.
 * tn_response_text sets Content-Type to "text/plain;charset=UTF-8"; `type` is the Content-Type of
 * the bytes, or NULL for none. `data` may be NULL where size is 0. NULL where it is refused, or the
 * exchange has no memory left.
 */
TN_EXPORT struct tn_response *tn_response_new(const struct tn_request *request, int status);
TN_EXPORT struct tn_response *tn_response_text(const struct tn_request *request, int status,
                                               const char *text);
TN_EXPORT struct tn_response *tn_response_bytes(const struct tn_request *request, int status,
                                                const char *type, const void *data, size_t size);

/* The same without a copy, as tn_request_set_body_static and _owned: a string literal is static,
 * an array on the stack is not, and is refused. Where no response is made, `release` has been
 * called. */
TN_EXPORT struct tn_response *tn_response_text_static(const struct tn_request *request, int status,
                                                      const char *text);
TN_EXPORT struct tn_response *tn_response_bytes_static(const struct tn_request *request,
                                                       int status, const char *type,
                                                       const void *data, size_t size);
TN_EXPORT struct tn_response *tn_response_bytes_owned(const struct tn_request *request, int status,
                                                      const char *type, const void *data,
                                                      size_t size, void (*release)(void *argument),
                                                      void *argument);

/* The status; 500 for NULL. */
TN_EXPORT int tn_response_status(const struct tn_response *response);

/* The headers, to read and to change; the handle lives as long as the response, and what is changed
 * is the response's. */
TN_EXPORT struct tn_headers *tn_response_headers(struct tn_response *response);

/* The value of a header, as tn_headers_get gives it; NULL where there is none. */
TN_EXPORT const char *tn_response_header(const struct tn_response *response, const char *name);

/* The whole body, not copied: size 0 and "" where there is none. */
TN_EXPORT struct tn_bytes tn_response_body(const struct tn_response *response);

/* Each changes one thing of a response, its own or one that a binding gave; false, and nothing
 * changed, where it was refused. A header that is set to NULL is deleted. A new body leaves the
 * Content-Type as it is; _static and _owned are as those of a request. */
TN_EXPORT bool tn_response_set_status(struct tn_response *response, int status);
TN_EXPORT bool tn_response_set_header(struct tn_response *response, const char *name,
                                      const char *value);
TN_EXPORT bool tn_response_set_body(struct tn_response *response, const void *data, size_t size);
TN_EXPORT bool tn_response_set_body_static(struct tn_response *response, const void *data,
                                           size_t size);
TN_EXPORT bool tn_response_set_body_owned(struct tn_response *response, const void *data,
                                          size_t size, void (*release)(void *argument),
                                          void *argument);

/* ---- Secrets ---------------------------------------------------------------------------- */

/* Whether the text is the secret. The time it takes depends on the text's length and on nothing
 * else. false where either is NULL. */
TN_EXPORT bool tn_secret_equals(const struct tn_secret *secret, const char *text);

/* The secret itself: the one way to it. It lives as long as the env, is not copied, and may have a
 * NUL in it; a NUL follows. Size 0 for NULL. */
TN_EXPORT struct tn_bytes tn_secret_reveal(const struct tn_secret *secret);

/* ---- The exchange ----------------------------------------------------------------------- */

/* Zeroed memory of `size` bytes that lives until the exchange ends, aligned for any type; NULL
 * where request_memory of the configuration does not allow it. */
TN_EXPORT void *tn_allocate(const struct tn_request *request, size_t size);

/* Text made as printf makes it; lives until the exchange ends. NULL where there is no memory left,
 * or printf fails. */
TN_EXPORT const char *tn_format(const struct tn_request *request, const char *format, ...)
	TN_PRINTF(2, 3);

/*
 * Calls release(argument) when the exchange ends, last deferred first: the way to hand over what
 * a library gave. It runs on the loop's thread, whichever called this, and is not to wait. Returns
 * false where it could not be noted, and then has called it already, on this thread; with a NULL
 * request, too.
 */
TN_EXPORT bool tn_defer(const struct tn_request *request, void (*release)(void *argument),
                        void *argument);

/*
 * How many milliseconds are left until the reply has to be there: 0 or less, it is too late;
 * INT64_MAX, there is no deadline. A callee never has more than its caller. In the work of
 * tn_wait_until, what is left for that. NULL: 0.
 */
TN_EXPORT int64_t tn_request_deadline(const struct tn_request *request);

/*
 * Whether nobody waits for the reply any more: the client has gone, or the deadline has passed. A
 * Worker that has much to do asks between two steps, and returns NULL. A client that has shut down
 * its side of the connection looks as if it had gone; on the loop, where nobody can look, none has.
 * In the work of tn_wait_until it is whether the time for that is over. NULL: true.
 */
TN_EXPORT bool tn_request_cancelled(const struct tn_request *request);

/* One call of tn_fetch_all. */
struct tn_call {
	const struct tn_service *service; /* a binding; NULL, for one that is not given, is fine */
	struct tn_request *request;       /* of this exchange; several calls may have the same */
	struct tn_response *response;     /* what it gave; the caller need not set it */
	void *reserved;                   /* the host's */
};

/*
 * Calls several bindings at once and returns when all are done, or at the deadline. Those that may
 * wait (see above) run on threads of their own, as far as there are any; all others, and in a test
 * all, one after another on this thread.
 *
 *	struct tn_call calls[] = {
 *		{ .service = env->user, .request = request },
 *		{ .service = env->prices, .request = tn_request_new(request, "GET", "/prices") },
 *	};
 *	tn_fetch_all(request, calls, 2);
 *	... calls[0].response, calls[1].response
 *
 * Each `response` is as tn_fetch gives it, to be changed and returned like any other, and NULL for
 * a call that failed or had no answer by the deadline; such a one may go on, on its thread, and is
 * not waited for. Unlike with tn_fetch, a callee gets a copy of its request: what it changes there
 * does not show. Calls stand in the log's chain in the order in which they were collected.
 * Returns how many gave a response; 0, with all of them NULL, where `request` is NULL.
 */
TN_EXPORT size_t tn_fetch_all(const struct tn_request *request, struct tn_call *calls,
                              size_t count);

/*
 * Calls work(argument) after the reply has been sent, first come first, while all memory of the
 * exchange is still there; it may call bindings and defer. It runs on a thread of its own, where
 * the host has one, so that no client waits for it, but never on two at once for one exchange. It
 * has as long as wait_until_timeout of the configuration; after that tn_request_cancelled is true,
 * and the log names the Worker. It counts as a call. false where it could not be noted: it is not
 * called then.
 */
TN_EXPORT bool tn_wait_until(const struct tn_request *request, void (*work)(void *argument),
                             void *argument);

/* The configuration's log_level names the last one that is written; by default it is INFO. */
enum tn_log_level {
	TN_LOG_ERROR = 0,   /* something is wrong, and somebody is to see to it */
	TN_LOG_WARNING = 1, /* may be wrong, or will be */
	TN_LOG_INFO = 2,    /* what happens once, or seldom */
	TN_LOG_DEBUG = 3,   /* for who looks for a mistake */
};

/* Writes one line to the host's log, with the time, the exchange's id and the running Worker.
 * Control characters are shown escaped, and a line beyond 4 KiB is cut; no line feed is needed at
 * its end. With a NULL request, as in `start` and `stop`, there is no id. May be called from any
 * thread with a NULL request. */
TN_EXPORT void tn_log(const struct tn_request *request, enum tn_log_level level,
                      const char *format, ...) TN_PRINTF(3, 4);

/* ---- The Worker itself ------------------------------------------------------------------ */

/* What a slot of the env holds. The numbers are part of the ABI. */
enum tn_slot_kind {
	TN_SLOT_END = 0,
	TN_SLOT_SERVICE = 1,
	TN_SLOT_SECRET = 2,
	TN_SLOT_VAR = 3,
	TN_SLOT_INT = 4,
	TN_SLOT_BOOL = 5,
	TN_SLOT_DURATION = 6,
	TN_SLOT_SIZE = 7,
	TN_SLOT_NUMBER = 8,
	TN_SLOT_STATE = 9,
	TN_SLOT_SHARED = 10,
	TN_SLOT_START = 11,
	TN_SLOT_STOP = 12,
};

#define TN_SLOT_OPTIONAL 1u /* a flag: the configuration need not give it */

/* One entry of the table by which the host fills an env. */
struct tn_slot {
	uint32_t kind;    /* enum tn_slot_kind */
	uint32_t flags;   /* TN_SLOT_OPTIONAL, or 0 */
	const char *name; /* the field's, or the hook's */
	size_t offset;    /* of the field, in bytes */
	union {
		const char *text;       /* the default of a var */
		int64_t integer;        /* of a number, boolean, duration or size */
		double number;          /* of a TN_NUMBER */
		size_t size;            /* of a TN_SHARED block */
		void (*function)(void); /* of TN_START and TN_STOP */
	} value;
};

/* What TN_WORKER exports as `tn_worker`. The version comes first and protects the rest. */
struct tn_worker {
	uint32_t abi_major;
	uint32_t abi_minor;
	uint32_t size;         /* of this struct */
	uint32_t slot_size;    /* of one struct tn_slot */
	uint32_t service_size; /* of struct tn_service */
	uint32_t slot_count;   /* without the end */
	size_t env_size;
	const char *name; /* the handler's name */
	struct tn_response *(*fetch)(struct tn_request *request, const struct tn_service *service);
	const struct tn_slot *slots;
};

/*
 * The slots of an env, in TN_WORKER's list. The field's name is the binding's name in the
 * configuration; a field of another type does not compile. All but the hooks take eight bytes,
 * and together they are all that an env has after `self`.
 *
 *	TN_SERVICE(field)           const struct tn_service *   service.field
 *	TN_SERVICE_OPTIONAL(field)  the same; NULL where the configuration does not give it
 *	TN_SECRET(field)            const struct tn_secret *    secret.field
 *	TN_VAR(field)               const char *                var.field
 *	TN_INT(field)               int64_t                     var.field = 42
 *	TN_BOOL(field)              int64_t, 0 or 1             var.field = yes
 *	TN_DURATION(field)          int64_t, milliseconds       var.field = 1500ms
 *	TN_SIZE(field)              int64_t, bytes              var.field = 64K
 *	TN_NUMBER(field)            double                      var.field = 0.25
 *	TN_VAR_OR(field, value)     and so on: with a default
 *	TN_STATE(field)             a pointer of any type, NULL: for `start` to fill in
 *	TN_SHARED(field)            a pointer to a struct of fixed size, zeroed: one for all host
 *	                            processes (use C11 atomics)
 *	TN_START(function)          const char *start(struct env *env): once for each host process,
 *	                            after linking, before the first request. Returns NULL, or the
 *	                            reason why the Worker cannot run: a literal, or static text.
 *	                            May log, not fetch.
 *	TN_STOP(function)           void stop(struct env *env): once, after the last request
 */
#define TN_SERVICE(field) \
	TN_SLOT_(field, SERVICE, 0u, .text = NULL, TN_IS_(field, const struct tn_service *), \
	         "TN_SERVICE(" #field "): the field is to be a `const struct tn_service *`")
#define TN_SERVICE_OPTIONAL(field) \
	TN_SLOT_(field, SERVICE, TN_SLOT_OPTIONAL, .text = NULL, \
	         TN_IS_(field, const struct tn_service *), \
	         "TN_SERVICE_OPTIONAL(" #field \
	         "): the field is to be a `const struct tn_service *`")
#define TN_SECRET(field) \
	TN_SLOT_(field, SECRET, 0u, .text = NULL, TN_IS_(field, const struct tn_secret *), \
	         "TN_SECRET(" #field "): the field is to be a `const struct tn_secret *`")
#define TN_VAR(field) TN_VAR_(field, 0u, NULL)
#define TN_VAR_OR(field, default_) \
	TN_VAR_(field, \
	        TN_SLOT_OPTIONAL + TN_ASSERT_(TN_IS_TEXT_(default_), \
	                                      "TN_VAR_OR(" #field ", " #default_ \
	                                      "): the default is to be a text, in quotes"), \
	        (default_))
#define TN_INT(field) TN_INT_(INT, field, 0u, 0)
#define TN_INT_OR(field, default_) \
	TN_INT_OR_(INT, field, default_, #default_, "a whole number, without quotes")
#define TN_BOOL(field) TN_INT_(BOOL, field, 0u, 0)
#define TN_BOOL_OR(field, default_) \
	TN_INT_OR_(BOOL, field, default_, #default_, "true or false, without quotes")
#define TN_DURATION(field) TN_INT_(DURATION, field, 0u, 0)
#define TN_DURATION_OR(field, default_) \
	TN_INT_OR_(DURATION, field, default_, #default_, "whole milliseconds, without quotes")
#define TN_SIZE(field) TN_INT_(SIZE, field, 0u, 0)
#define TN_SIZE_OR(field, default_) \
	TN_INT_OR_(SIZE, field, default_, #default_, "whole bytes, without quotes")
#define TN_NUMBER(field) TN_NUMBER_(field, 0u, 0)
#define TN_NUMBER_OR(field, default_) TN_NUMBER_(field, TN_SLOT_OPTIONAL, (default_))
#define TN_STATE(field) \
	TN_SLOT_(field, STATE, 0u, .text = NULL, TN_IS_POINTER_(field), \
	         "TN_STATE(" #field "): the field is to be a pointer")
#define TN_SHARED(field) \
	TN_SLOT_(field, SHARED, 0u, .size = sizeof(*((tn_worker_env *)0)->field), \
	         TN_IS_POINTER_(field) && !TN_IS_(field, void *), \
	         "TN_SHARED(" #field "): the field is to be a pointer to a struct")
#define TN_START(function_) \
	TN_HOOK_(START, function_, const char *(*)(tn_worker_env *), \
	         "TN_START(" #function_ "): it is to be `const char *" #function_ \
	         "(struct env *env)`")
#define TN_STOP(function_) \
	TN_HOOK_(STOP, function_, void (*)(tn_worker_env *), \
	         "TN_STOP(" #function_ "): it is to be `void " #function_ "(struct env *env)`")

/*
 * Makes a Worker of a handler: TN_WORKER(handler, struct env, slots...);
 *
 *	static struct tn_response *handler(struct tn_request *request, const struct env *env)
 *		called for each request, whoever made it: neither is ever NULL. What it returns is
 *		the reply, of the request's exchange; NULL is a failure. The env lives as long as
 *		the process and is the host's, read-only behind `start`.
 *
 * It defines the two symbols that a module exports, and these two only:
 *
 *	struct tn_response *fetch(struct tn_request *request, const struct tn_service *service)
 *		what bindings point to: enters the Worker, calls the handler, leaves;
 *	const struct tn_worker tn_worker
 *		the descriptor by which the host loads it.
 *
 * A module has one. The comma behind its arguments is for a Worker without slots: so it is clean in
 * gcc and clang.
 */
#define TN_WORKER(...) TN_WORKER_(__VA_ARGS__, ) /* (handler, struct env, slots...) */

/* The rest is what the macros above are made of. */

/* Compilers show the line of a macro in which a mistake of its user comes to light: hence the
 * comments in it, and the long name, of which a program can have one only. */
#define TN_WORKER_(handler_, env_, ...) \
	typedef env_ tn_worker_env; /* TN_WORKER(handler, struct env, slots...); */ \
\
	_Static_assert(offsetof(tn_worker_env, self) == 0 /* `struct tn_service self;` first */ \
	                       && TN_IS_(self, struct tn_service), \
	               "the first member of " #env_ " is to be `struct tn_service self`"); \
	_Static_assert(TN_IS_HANDLER_(handler_), \
	               "TN_WORKER(" #handler_ "): it is to be `struct tn_response *" #handler_ \
	               "(struct tn_request *request, const " #env_ " *env)`"); \
	extern const char tn_each_module_has_one_TN_WORKER TN_HIDDEN; \
	const char tn_each_module_has_one_TN_WORKER TN_HIDDEN = 0; \
	static const struct tn_slot tn_worker_slots[] = { \
		__VA_ARGS__ /* a list of TN_SERVICE(field), TN_VAR(field) and so on */ \
		{ .kind = TN_SLOT_END } \
	}; \
	TN_EXPORT extern const struct tn_worker tn_worker; \
	TN_EXPORT struct tn_response *fetch(struct tn_request *request, /* call yours otherwise */ \
	                                    const struct tn_service *service); \
	struct tn_response *fetch(struct tn_request *request, const struct tn_service *service) \
	{ \
		struct tn_response *response = NULL; \
\
		if (tn_worker_enter(&tn_worker, request, service, &response)) { \
			response = handler_(request, \
			                    (const tn_worker_env *)(const void *)service); \
			response = tn_worker_leave(request, response); \
		} \
		return response; \
	} \
	const struct tn_worker tn_worker = { \
		.abi_major = TN_ABI_MAJOR, \
		.abi_minor = TN_ABI_MINOR, \
		.size = sizeof(struct tn_worker), \
		.slot_size = sizeof(struct tn_slot), \
		.service_size = sizeof(struct tn_service), \
		.slot_count = sizeof(tn_worker_slots) / sizeof(tn_worker_slots[0]) - 1, \
		.env_size = sizeof(tn_worker_env), \
		.name = #handler_, \
		.fetch = fetch, \
		.slots = tn_worker_slots, \
	}

#define TN_IS_(field, type) \
	__builtin_types_compatible_p(__typeof__(((tn_worker_env *)0)->field), type)
#define TN_IS_POINTER_(field) (__builtin_classify_type(((tn_worker_env *)0)->field) == 5)
#define TN_IS_HANDLER_(handler_) \
	(__builtin_types_compatible_p(__typeof__(&handler_), \
	                              struct tn_response *(*)(struct tn_request *, \
	                                                      const tn_worker_env *)) || \
	 __builtin_types_compatible_p(__typeof__(&handler_), \
	                              struct tn_response *(*)(const struct tn_request *, \
	                                                      const tn_worker_env *)))

/* What a default is: a text, or an integer. */
#define TN_IS_TEXT_(default_) (__builtin_classify_type(default_) == 5)
#define TN_IS_INTEGER_(default_) \
	(__builtin_classify_type(default_) != 5 && __builtin_classify_type(default_) != 8)

/* 0, if the condition holds: a _Static_assert that can stand in an initialiser. */
#define TN_ASSERT_(condition, message) \
	(0u * (unsigned)sizeof(struct { \
		 _Static_assert(condition, message); \
		 int unused; \
	 }))

#define TN_SLOT_(field, kind_, flags_, value_, condition, message) \
	{ \
		.kind = TN_SLOT_##kind_, .flags = (flags_) + TN_ASSERT_(condition, message), \
		.name = #field, .offset = offsetof(tn_worker_env, field), .value = { value_ }, \
	}
#define TN_VAR_(field, flags_, default_) \
	TN_SLOT_(field, VAR, flags_, .text = default_, TN_IS_(field, const char *), \
	         "TN_VAR(" #field "): the field is to be a `const char *`")
#define TN_INT_(kind_, field, flags_, default_) \
	TN_SLOT_(field, kind_, flags_, .integer = default_, TN_IS_(field, int64_t), \
	         "TN_" #kind_ "(" #field "): the field is to be an `int64_t`")
#define TN_INT_OR_(kind_, field, default_, text_, words_) \
	TN_INT_(kind_, field, \
	        TN_SLOT_OPTIONAL + TN_ASSERT_(TN_IS_INTEGER_(default_), \
	                                      "TN_" #kind_ "_OR(" #field ", " text_ \
	                                      "): the default is to be " words_), \
	        TN_SLOT_##kind_ == TN_SLOT_BOOL ? !!(default_) : (default_))
#define TN_NUMBER_(field, flags_, default_) \
	TN_SLOT_(field, NUMBER, flags_, .number = default_, TN_IS_(field, double), \
	         "TN_NUMBER(" #field "): the field is to be a `double`")
#define TN_HOOK_(kind_, function_, type, message) \
	{ \
		.kind = TN_SLOT_##kind_, \
		.flags = TN_ASSERT_(__builtin_types_compatible_p(__typeof__(&function_), type), \
		                    message), \
		.name = #function_, .value = { .function = (void (*)(void))(function_) }, \
	}

/* Called by the `fetch` that TN_WORKER defines, and by nothing else. Enter returns whether the
 * handler is to be called; where not, *response is what the caller gets. */
TN_EXPORT bool tn_worker_enter(const struct tn_worker *worker, const struct tn_request *request,
                               const struct tn_service *service, struct tn_response **response);
TN_EXPORT struct tn_response *tn_worker_leave(const struct tn_request *request,
                                              struct tn_response *response);

#endif
