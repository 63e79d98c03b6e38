#include "observe/log.h"
#include "observe/output.h"
#include "supervise/state.h"
#include "supervise/status.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

void tn_supervisor_write(const char *text)
{
	tn_output_write(STDERR_FILENO, true, text, strlen(text));
}

void tn_supervisor_print(const struct tn_supervisor *supervisor, const char *text)
{
	tn_supervisor_write(text);
	tn_control_tell_all(supervisor->control, TN_CONTROL_RELOADING, text);
}

void tn_supervisor_print_errors(const struct tn_supervisor *supervisor,
                                const struct tn_errors *errors)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (stream) {
		tn_errors_print(errors, stream);
		fclose(stream);
	}
	if (text)
		tn_supervisor_print(supervisor, text);
	free(text);
}

/* "tenon: FILE: ...", for the caller to free; NULL where there is no memory. */
TN_PRINTF(2, 0)
static char *compose(const struct tn_supervisor *supervisor, const char *format, va_list list)
{
	char *message = NULL, *text = NULL;

	if (vasprintf(&message, format, list) < 0)
		return NULL;
	if (asprintf(&text, "tenon: %s: %s\n", supervisor->options->path, message) < 0)
		text = NULL;
	free(message);
	return text;
}

void tn_supervisor_tell(const struct tn_supervisor *supervisor, struct tn_control_client *client,
                        const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	text = compose(supervisor, format, list);
	va_end(list);
	if (text)
		tn_control_tell(client, text);
	free(text);
}

void tn_supervisor_answer(const struct tn_supervisor *supervisor, enum tn_control_ask ask,
                          const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	text = compose(supervisor, format, list);
	va_end(list);
	if (text)
		tn_control_tell_all(supervisor->control, ask, text);
	free(text);
}

void tn_supervisor_fail_reload(const struct tn_supervisor *supervisor, int code, const char *format,
                               ...)
{
	char text[TN_LOG_LINE];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	tn_log_write(TN_LOG_ERROR, NULL, "%s", text);
	tn_notify_ready(supervisor->notify, "the reload has failed: %s", text);
	tn_supervisor_answer(supervisor, TN_CONTROL_RELOADING, "%s", text);
	tn_control_end_all(supervisor->control, TN_CONTROL_RELOADING, code);
}

void tn_supervisor_turn_away(const struct tn_supervisor *supervisor)
{
	tn_control_turn_into(supervisor->control, TN_CONTROL_RELOADING, TN_CONTROL_RELOAD);
	tn_supervisor_answer(supervisor, TN_CONTROL_RELOAD,
	                     "the host stops: there is no reload");
	tn_control_end_all(supervisor->control, TN_CONTROL_RELOAD, EX_UNAVAILABLE);
	tn_supervisor_answer(supervisor, TN_CONTROL_RELEASE, "the host stops: nobody is released");
	tn_control_end_all(supervisor->control, TN_CONTROL_RELEASE, EX_UNAVAILABLE);
}

void tn_supervisor_tell_status(const struct tn_supervisor *supervisor,
                               struct tn_control_client *client)
{
	char *text = tn_status_write(&(struct tn_status){
		.file = supervisor->options->path,
		.environment = supervisor->options->environment,
		.serving_since = supervisor->serving_since,
		.started_at = supervisor->started_at,
		.now = tn_supervisor_now(),
		.stopping = supervisor->stopping,
		.current = supervisor->current,
		.coming = supervisor->coming,
		.leaving = supervisor->leaving,
		.past = &supervisor->past,
		.book = &supervisor->book,
		.probation = supervisor->good != NULL,
	});

	if (text)
		tn_control_tell(client, text);
	tn_control_end(client, text ? 0 : EX_OSERR);
	free(text);
}
