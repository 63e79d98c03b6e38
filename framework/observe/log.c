#include "observe/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Atomic int level_shown = TN_LOG_INFO;

static const char *const level_names[] = {
	[TN_LOG_ERROR] = "error",
	[TN_LOG_WARNING] = "warning",
	[TN_LOG_INFO] = "info",
	[TN_LOG_DEBUG] = "debug",
};

void tn_log_set_level(enum tn_log_level level)
{
	atomic_store_explicit(&level_shown, (int)level, memory_order_relaxed);
}

size_t tn_log_time_at(const struct timespec *time, char *text)
{
	struct tm utc;
	size_t size;

	gmtime_r(&time->tv_sec, &utc);
	size = strftime(text, TN_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	return size + (size_t)snprintf(text + size, TN_TIME_SIZE - size, ".%03uZ",
	                               (unsigned)(time->tv_nsec / 1000000) % 1000U);
}

size_t tn_log_time(char *text)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return tn_log_time_at(&now, text);
}

static bool shown_as_is(unsigned char byte, bool quoted)
{
	if (byte < 0x20 || byte == 0x7f)
		return false;
	return !quoted || (byte < 0x7f && byte != '"' && byte != '\\');
}

size_t tn_log_escape(char *to, size_t room, const char *text, bool quoted)
{
	static const char digits[] = "0123456789abcdef";
	size_t size = 0;

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (room - size < 5)
			break;
		if (shown_as_is(byte, quoted)) {
			to[size++] = (char)byte;
			continue;
		}
		to[size++] = '\\';
		to[size++] = 'x';
		to[size++] = digits[byte >> 4];
		to[size++] = digits[byte & 15];
	}
	to[size] = '\0';
	return size;
}

/* One write, so that lines of several processes do not mix. What cannot be written is lost: a log
 * must never stop a request. */
static void write_line(const char *line, size_t size)
{
	ssize_t written;

	do
		written = write(STDERR_FILENO, line, size);
	while (written < 0 && errno == EINTR);
}

static size_t put_field(char *line, size_t size, const char *name, const char *value)
{
	if (!value)
		return size;
	size += (size_t)snprintf(line + size, TN_LOG_LINE - size, " %s=", name);
	return size + tn_log_escape(line + size, 600, value, false);
}

void tn_log_write_list(enum tn_log_level level, const struct tn_log_context *context,
                       const char *format, va_list list)
{
	static const struct tn_log_context none = { 0 };
	char line[TN_LOG_LINE];
	char message[TN_LOG_LINE];
	size_t size;

	if ((int)level > atomic_load_explicit(&level_shown, memory_order_relaxed) ||
	    (unsigned)level > TN_LOG_DEBUG)
		return;
	if (!context)
		context = &none;
	if (vsnprintf(message, sizeof(message), format, list) < 0)
		snprintf(message, sizeof(message), "(cannot be formatted) %s", format);
	size = tn_log_time(line);
	size += (size_t)snprintf(line + size, sizeof(line) - size, " %s", level_names[level]);
	size = put_field(line, size, "request", context->request);
	size = put_field(line, size, "worker", context->worker);
	size = put_field(line, size, "chain", context->chain);
	size += (size_t)snprintf(line + size, sizeof(line) - size, ": ");
	size += tn_log_escape(line + size, sizeof(line) - size - 1, message, false);
	line[size++] = '\n';
	write_line(line, size);
}

void tn_log_write(enum tn_log_level level, const struct tn_log_context *context,
                  const char *format, ...)
{
	va_list list;

	va_start(list, format);
	tn_log_write_list(level, context, format, list);
	va_end(list);
}
