/* call.h - the parts of `tenon call`: the request, the reply, the trace. */
#ifndef TENON_COMMAND_CALL_H
#define TENON_COMMAND_CALL_H

#include "command/arguments.h"
#include "message/trace.h"
#include "serve/local.h"

#include <jansson.h>
#include <sys/types.h>

/* ---- The request ---------------------------------------------------------------------------- */

/* What is to be sent. It points into the arguments, but for the body. */
struct tn_call_request {
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value" */
	size_t header_count;
	char *body; /* with a NUL behind its end; NULL: none */
	size_t body_size;
};

/* Reads what the command line says, -d @FILE included: a body of up to `most` bytes. Returns 0, or
 * the exit code with a line on standard error; finish it in either case. */
int tn_call_request_read(struct tn_call_request *request, const struct tn_arguments *arguments,
                         size_t most);
void tn_call_request_finish(struct tn_call_request *request);

/* Makes the exchange's first request that one, whose body stays the description's; false where it
 * is out of memory, which is logged. */
bool tn_call_request_fill(const struct tn_call_request *description, struct tn_request *request);

/* ---- Its child ------------------------------------------------------------------------------ */

/* Waits for the child, of which that is the page, after tn_await_prepare. Where a Worker holds its
 * first thread for hang_timeout, or a module or a start hook for ready_timeout, it has the child
 * tell so and end. *status is that of waitpid(2). */
void tn_call_wait(pid_t process, const struct tn_activity *activity,
                  const struct tn_settings *settings, int *status);

/* ---- What is printed ------------------------------------------------------------------------ */

/* On standard output, byte for byte: the status line, the headers as they would be sent, and the
 * body, but for HEAD. */
void tn_call_print(const struct tn_local_reply *reply, const char *method);

/* The same as an object; NULL where there is no memory. */
json_t *tn_call_json(const struct tn_local_reply *reply, const char *method);

/* The calls as a tree, on standard error. */
void tn_call_trace_print(struct tn_tracer *tracer);

/* The same as a list of objects, each with the calls that it made; NULL where there is no
 * memory. */
json_t *tn_call_trace_json(struct tn_tracer *tracer);

#endif
