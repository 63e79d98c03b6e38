#include "supervise/status.h"

#include <jansson.h>
#include <unistd.h>

static const char *state_of(const struct tn_status *status, const struct tn_generation *generation,
                            const struct tn_seat *seat)
{
	if (!seat->process.pid)
		return "waiting";
	if (status->stopping || (generation != status->current && generation != status->coming))
		return "leaving";
	return generation == status->current && seat->ready ? "serving" : "starting";
}

static json_t *number_or_null(bool known, int64_t number)
{
	return known ? json_integer(number) : json_null();
}

static json_t *json_of_seat(const struct tn_status *status, const struct tn_generation *generation,
                            const struct tn_seat *seat)
{
	bool runs = seat->process.pid != 0;
	json_t *pid = number_or_null(runs, seat->process.pid);
	json_t *uptime = number_or_null(runs, status->now - seat->started_at);
	struct tn_tally tally = { 0 };
	json_t *requests, *in_flight, *waiting;

	tn_seat_tally(seat, &tally);
	requests = number_or_null(runs, (int64_t)tally.requests);
	in_flight = number_or_null(runs, (int64_t)tally.lost);
	waiting = number_or_null(runs, (int64_t)tally.waiting);
	return json_pack("{s:o, s:i, s:s, s:o, s:o, s:o, s:o, s:i}", "pid", pid, "generation",
	                 (int)generation->number, "state", state_of(status, generation, seat),
	                 "uptime_ms", uptime, "requests", requests, "in_flight", in_flight,
	                 "waiting", waiting, "failures", (int)seat->failures);
}

/* A place is empty where one has ended and the next waits, or where it never had one. */
static bool is_told(const struct tn_status *status, const struct tn_generation *generation,
                    const struct tn_seat *seat)
{
	return seat->process.pid || (generation == status->current && !status->stopping);
}

static bool add_seats(json_t *list, const struct tn_status *status,
                      const struct tn_generation *generation)
{
	for (size_t i = 0; generation && i < generation->count; i++) {
		const struct tn_seat *seat = &generation->seats[i];

		if (is_told(status, generation, seat) &&
		    json_array_append_new(list, json_of_seat(status, generation, seat)))
			return false;
	}
	return true;
}

static json_t *json_of_processes(const struct tn_status *status)
{
	json_t *list = json_array();
	bool added = list && add_seats(list, status, status->current) &&
	             add_seats(list, status, status->coming);

	for (const struct tn_generation *at = status->leaving; added && at; at = at->next)
		added = add_seats(list, status, at);
	if (added)
		return list;
	json_decref(list);
	return NULL;
}

static json_int_t count_workers(const struct tn_plan *plan)
{
	json_int_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		count += plan->workers[i].reachable;
	return count;
}

static const char *whole_state(const struct tn_status *status)
{
	if (status->stopping)
		return "stopping";
	if (!status->current)
		return "starting";
	return status->coming ? "reloading" : "serving";
}

/* A file's name may be no UTF-8. */
static json_t *text_or_null(const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	return value ? value : json_null();
}

static void add_tally(const struct tn_generation *generation, struct tn_tally *tally)
{
	struct tn_tally unended = { 0 };

	for (size_t i = 0; generation && i < generation->count; i++)
		tn_seat_tally(&generation->seats[i], &unended);
	tn_tally_add(tally, &unended);
}

static struct tn_tally tally_of(const struct tn_status *status)
{
	struct tn_tally tally = *status->past;

	add_tally(status->current, &tally);
	for (const struct tn_generation *at = status->leaving; at; at = at->next)
		add_tally(at, &tally);
	return tally;
}

static const char *level_text(enum tn_quarantine_level level)
{
	switch (level) {
	case TN_QUARANTINE_LOAD:
		return "load";
	case TN_QUARANTINE_START:
		return "start";
	default:
		return "requests";
	}
}

static json_t *json_of_book(const struct tn_quarantine *book)
{
	json_t *list = json_array();

	for (size_t i = 0; i < book->count; i++) {
		const struct tn_quarantine_record *record = &book->list[i];

		if (record->level)
			json_array_append_new(
				list, json_pack("{s:o, s:s, s:I, s:s}", "worker",
			                        text_or_null(record->name), "level",
			                        level_text(record->level), "crashes",
			                        (json_int_t)record->crashes, "since",
			                        record->since_text));
	}
	return list;
}

/* One that could not be copied is in no generation that serves. */
static json_t *json_of_modules(const struct tn_generation *generation)
{
	json_t *list = json_array();

	for (size_t i = 0; generation && i < generation->revision->copies.count; i++) {
		const struct tn_module_copy *copy = &generation->revision->copies.list[i];

		json_array_append_new(list,
		                      json_pack("{s:o, s:s}", "path", text_or_null(copy->path),
		                                "version", copy->version));
	}
	return list;
}

static json_t *json_of_current(const struct tn_status *status)
{
	const struct tn_generation *current = status->current;
	json_t *number = number_or_null(current, current ? current->number : 0);
	json_t *workers = number_or_null(current, current ? count_workers(current->revision->plan)
	                                                  : 0);

	return json_pack("{s:o, s:o, s:o, s:b, s:b}", "generation", number, "serving_since",
	                 text_or_null(current ? status->serving_since : NULL), "workers", workers,
	                 "probation", status->probation, "restored", current && current->restored);
}

static json_t *json_of_refused(const struct tn_tally *tally)
{
	json_t *object = json_object();

	for (size_t i = 0; i < TN_REFUSED_KINDS; i++)
		json_object_set_new(object, tn_activity_refused((enum tn_refused)i),
		                    json_integer((json_int_t)tally->refused[i]));
	return object;
}

static json_t *json_of_tally(const struct tn_status *status)
{
	struct tn_tally tally = tally_of(status);

	return json_pack("{s:I, s:I, s:I, s:I, s:o}", "requests", (json_int_t)tally.requests,
	                 "turned_away", (json_int_t)tally.turned_away, "lost",
	                 (json_int_t)tally.lost, "crashes", (json_int_t)tally.crashes, "refused",
	                 json_of_refused(&tally));
}

static json_t *json_of_lists(const struct tn_status *status)
{
	return json_pack("{s:o, s:o, s:o}", "quarantined", json_of_book(status->book), "modules",
	                 json_of_modules(status->current), "processes", json_of_processes(status));
}

/* All parts of the one object; they are taken over. */
static bool join(json_t *whole, json_t *const *parts, size_t count)
{
	bool joined = whole;

	for (size_t i = 0; i < count; i++) {
		joined = joined && parts[i] && json_object_update(whole, parts[i]) == 0;
		json_decref(parts[i]);
	}
	return joined;
}

char *tn_status_write(const struct tn_status *status)
{
	json_t *whole = json_pack("{s:o, s:o, s:i, s:I, s:s}", "file", text_or_null(status->file),
	                          "environment", text_or_null(status->environment), "pid",
	                          (int)getpid(), "uptime_ms",
	                          (json_int_t)(status->now - status->started_at), "state",
	                          whole_state(status));
	json_t *const parts[] = {
		json_of_current(status),
		json_of_tally(status),
		json_of_lists(status),
	};
	bool joined = join(whole, parts, sizeof(parts) / sizeof(parts[0]));
	char *text = joined ? json_dumps(whole, JSON_COMPACT) : NULL;

	json_decref(whole);
	return text;
}
