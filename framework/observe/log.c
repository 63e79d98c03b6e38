#include "observe/log.h"

#include "observe/output.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Atomic int level_shown = TN_LOG_INFO;

/* A thread may first log in a handler of its signals: other models allocate at the first use. */
static _Thread_local const char *hook_worker __attribute__((tls_model("initial-exec")));

void tn_log_set_worker(const char *worker)
{
	hook_worker = worker;
}

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

struct date {
	unsigned year, month, day;
};

/* The days are those since 1970. Years are taken to begin in March here, so that the leap day is
 * the last one, and 400 of them, which have 146,097 days, are a cycle. */
static struct date date_of(unsigned days)
{
	unsigned since_march = days + 719468;
	unsigned in_cycle = since_march % 146097;
	unsigned year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
	unsigned in_year = in_cycle - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * in_year + 2) / 153;
	bool next = month >= 10;

	return (struct date){
		.year = since_march / 146097 * 400 + year + next,
		.month = next ? month - 9 : month + 3,
		.day = in_year - (153 * month + 2) / 5 + 1,
	};
}

static char *put_digits(char *to, unsigned number, unsigned digits, char after)
{
	for (unsigned i = digits; i > 0; i--, number /= 10)
		to[i - 1] = (char)('0' + number % 10);
	to[digits] = after;
	return to + digits + 1;
}

/* gmtime_r takes a lock: whoever tells of a crash could wait for it for ever. */
size_t tn_log_time_at(const struct timespec *time, char *text)
{
	unsigned second = (unsigned)(time->tv_sec % 86400);
	struct date date = date_of((unsigned)(time->tv_sec / 86400));
	char *at = text;

	at = put_digits(at, date.year, 4, '-');
	at = put_digits(at, date.month, 2, '-');
	at = put_digits(at, date.day, 2, 'T');
	at = put_digits(at, second / 3600, 2, ':');
	at = put_digits(at, second / 60 % 60, 2, ':');
	at = put_digits(at, second % 60, 2, '.');
	at = put_digits(at, (unsigned)(time->tv_nsec / 1000000), 3, 'Z');
	*at = '\0';
	return (size_t)(at - text);
}

size_t tn_log_time(char *text)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return tn_log_time_at(&now, text);
}

/* Those of Latin-1 in UTF-8, C2 80 to C2 9F, which terminals obey as well. */
static bool is_control(const unsigned char *text)
{
	return *text < 0x20 || *text == 0x7f ||
	       (*text == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0);
}

static bool shown_as_is(const unsigned char *text, bool quoted)
{
	if (is_control(text))
		return false;
	return !quoted || (*text < 0x7f && *text != '"' && *text != '\\');
}

static size_t put_escaped(char *to, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	to[0] = '\\';
	to[1] = 'x';
	to[2] = digits[byte >> 4];
	to[3] = digits[byte & 15];
	return 4;
}

size_t tn_log_escape(char *to, size_t room, const char *text, bool quoted)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t size = 0;

	for (; *at && room - size > 8; at++) {
		if (shown_as_is(at, quoted)) {
			to[size++] = (char)*at;
			continue;
		}
		size += put_escaped(to + size, *at);
		if (*at == 0xc2 && is_control(at))
			size += put_escaped(to + size, *++at);
	}
	to[size] = '\0';
	return size;
}

/* A line is one write, so that those of several processes do not mix. What cannot be written at
 * once is lost: a log must never stop a request. */
static void write_line(const char *line, size_t size)
{
	static _Atomic unsigned lost;
	unsigned before;
	char note[96];
	int note_size;

	if (tn_output_write(STDERR_FILENO, true, line, size) != size) {
		atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
		return;
	}
	before = atomic_exchange_explicit(&lost, 0, memory_order_relaxed);
	if (!before)
		return;
	note_size = snprintf(note, sizeof(note), "(%u lines of the log were lost)\n", before);
	tn_output_write(STDERR_FILENO, true, note, (size_t)note_size);
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
	size = put_field(line, size, "worker",
	                 context->worker ? context->worker : hook_worker);
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
