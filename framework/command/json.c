#include "command/json.h"

#include "command/input.h"
#include "deploy/span.h"
#include "deploy/split.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static void give_up(json_t **whole)
{
	json_decref(*whole);
	*whole = NULL;
}

void tn_json_set(json_t **object, const char *name, json_t *value)
{
	if (json_object_set_new(*object, name, value) < 0)
		give_up(object);
}

void tn_json_append(json_t **list, json_t *value)
{
	if (json_array_append_new(*list, value) < 0)
		give_up(list);
}

void tn_json_set_place(json_t **object, struct tn_place place)
{
	tn_json_set(object, "file", tn_json_text(place.file));
	tn_json_set(object, "line", place.line ? json_integer(place.line) : json_null());
}

/* The first byte that is no part of a character; NULL where there is none. */
static const char *find_stray(const char *text)
{
	size_t position;

	for (struct tn_span rest = { text, strlen(text) }; tn_span_problem(rest, &position);
	     rest = tn_span_behind(rest, position + 1)) {
		if (rest.data[position] & 0x80)
			return rest.data + position;
	}
	return NULL;
}

static json_t *mended(const char *text)
{
	char *mended = malloc(strlen(text) * strlen(REPLACEMENT) + 1);
	char *end = mended;
	json_t *value;

	if (!mended)
		return NULL;
	for (const char *stray; (stray = find_stray(text)); text = stray + 1) {
		end = mempcpy(end, text, (size_t)(stray - text));
		end = stpcpy(end, REPLACEMENT);
	}
	stpcpy(end, text);
	value = json_string(mended);
	free(mended);
	return value;
}

json_t *tn_json_text(const char *text)
{
	json_t *value;

	if (!text)
		return json_null();
	value = json_string(text);
	return value ? value : mended(text);
}

json_t *tn_json_weight(uint32_t weight)
{
	const uint32_t percent = TN_WEIGHT_WHOLE / 100;

	if (weight % percent == 0)
		return json_integer(weight / percent);
	return json_real((double)weight / percent);
}

/* 0.1 is written as 0.1, not with all the digits of the double that is nearest to it. */
#define FLAGS (JSON_INDENT(2) | JSON_REAL_PRECISION(8))

json_t *tn_json_targets(const struct tn_plan_binding *binding)
{
	json_t *list = json_array();

	for (size_t i = 0; i < binding->target_count; i++) {
		json_t *object = json_object();

		tn_json_set(&object, "worker", tn_json_text(binding->targets[i].worker->name));
		tn_json_set(&object, "weight", tn_json_weight(binding->targets[i].weight));
		tn_json_append(&list, object);
	}
	return list;
}

int tn_json_print(json_t *value)
{
	bool printed = value && json_dumpf(value, stdout, FLAGS) == 0;

	json_decref(value);
	if (printed)
		putchar('\n');
	if (printed || ferror(stdout))
		return 0;
	tn_complain("out of memory");
	return EX_OSERR;
}
