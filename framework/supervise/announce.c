#include "supervise/announce.h"

#include "observe/log.h"

#include <string.h>

#define FALLBACK_SIZE 1024

/* With many Workers the line would be too long to read: it is cut. */
void tn_announce_fallback(const struct tn_plan *plan)
{
	char text[FALLBACK_SIZE];
	size_t size = 0;
	size_t count = 0, shown = 0;

	text[0] = '\0';
	for (size_t i = 0; plan->environment && i < plan->count; i++) {
		const struct tn_plan_worker *worker = &plan->workers[i];

		if (!worker->reachable || worker->variant)
			continue;
		count++;
		if (size + strlen(worker->name) + 3 > sizeof(text))
			continue;
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s",
		                         size ? ", " : "", worker->name);
		shown++;
	}
	if (count > shown)
		tn_log_write(TN_LOG_INFO, NULL,
		             "environment %s: no variant of %s and %zu more: they run as they are",
		             plan->environment, text, count - shown);
	else if (count)
		tn_log_write(TN_LOG_INFO, NULL, "environment %s: no variant of %s: %s as %s",
		             plan->environment, text, count == 1 ? "it runs" : "they run",
		             count == 1 ? "it is" : "they are");
}

/* Who is not sure which of the two holds finds it here. */
void tn_announce_given(const struct tn_plan *plan, size_t count)
{
	const struct tn_entry *entry = tn_keys_find(&plan->host, "listen");
	const char *plural = count == 1 ? "" : "s";

	if (!count)
		return;
	if (entry)
		tn_log_write(TN_LOG_INFO, NULL, "systemd gave %zu socket%s: `listen` (%s:%u) is "
		                                "not used",
		             count, plural, entry->place.file, entry->place.line);
	else
		tn_log_write(TN_LOG_INFO, NULL, "systemd gave %zu socket%s", count, plural);
}

void tn_announce_listener(const struct tn_listener *listener)
{
	bool local = strncmp(listener->name, "unix:", strlen("unix:")) == 0;

	tn_log_write(TN_LOG_INFO, NULL, "listening on %s%s", local ? "" : "http://",
	             listener->name);
}
