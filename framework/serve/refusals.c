#include "serve/refusals.h"

#include "observe/log.h"

#include <stdarg.h>
#include <stdio.h>

#define COMPLAIN_EVERY_MS 1000 /* about a kind */
#define TEXT_SIZE 512

/* Browsers connect without need: it is no cause for alarm. */
static enum tn_log_level level_of(enum tn_refused kind)
{
	return kind == TN_REFUSED_SILENT ? TN_LOG_INFO : TN_LOG_WARNING;
}

static void tell(enum tn_refused kind, const char *address, const char *text, uint64_t more)
{
	char others[64] = "";

	if (more)
		snprintf(others, sizeof(others), " (%llu more since the last such line)",
		         (unsigned long long)more);
	tn_log_write(level_of(kind), NULL, "%s%s%s%s", address, *address ? ": " : "", text, others);
}

void tn_refusals_note(struct tn_refusals *refusals, enum tn_refused kind, int64_t now,
                      const char *address, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list list;

	tn_activity_count(&refusals->activity->refused[kind]);
	if (now < refusals->kinds[kind].quiet_until) {
		refusals->kinds[kind].quiet++;
		return;
	}
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	tell(kind, address, text, refusals->kinds[kind].quiet);
	refusals->kinds[kind].quiet = 0;
	refusals->kinds[kind].quiet_until = now + COMPLAIN_EVERY_MS;
}
