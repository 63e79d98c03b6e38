#include "command/ask.h"
#include "command/command.h"
#include "command/input.h"
#include "command/json.h"
#include "command/table.h"

#include <stdlib.h>
#include <sysexits.h>

/* ---- For people ---------------------------------------------------------------------------- */

static long long number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* "-" where there is none. */
static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "-";
}

#define AGE_SIZE 48

/* The two largest units: "2d 3h". */
static const char *age(long long ms, char *result)
{
	long long seconds = ms / 1000;

	if (seconds < 60)
		snprintf(result, AGE_SIZE, "%llds", seconds);
	else if (seconds < 3600)
		snprintf(result, AGE_SIZE, "%lldm %llds", seconds / 60, seconds % 60);
	else if (seconds < 86400)
		snprintf(result, AGE_SIZE, "%lldh %lldm", seconds / 3600, seconds / 60 % 60);
	else
		snprintf(result, AGE_SIZE, "%lldd %lldh", seconds / 86400, seconds / 3600 % 24);
	return result;
}

static const char *plural(long long count)
{
	return count == 1 ? "" : "s";
}

static void print_counts(const json_t *whole)
{
	long long requests = number(whole, "requests"), crashes = number(whole, "crashes");
	long long lost = number(whole, "lost");

	printf("%lld request%s answered, ", requests, plural(requests));
	if (number(whole, "turned_away"))
		printf("%lld of them with 503 for want of a thread, ",
		       number(whole, "turned_away"));
	if (crashes || lost)
		printf("%lld crash%s, %lld request%s lost", crashes, crashes == 1 ? "" : "es", lost,
		       plural(lost));
	else
		printf("no crash");
	if (json_is_true(json_object_get(whole, "probation")))
		printf(", on probation");
	if (json_is_true(json_object_get(whole, "restored")))
		printf(", rolled back");
	printf("\n");
}

/* Nothing where none was. */
static void print_refused(const json_t *refused)
{
	static const char *const kinds[][2] = {
		{ "malformed", "for what they sent" },
		{ "max_body", "at max_body" },
		{ "silent", "as silent" },
		{ "head_timeout", "at head_timeout" },
		{ "body_timeout", "at body_timeout" },
		{ "write_timeout", "at write_timeout" },
		{ "max_connections", "at max_connections" },
		{ "max_connections_per_address", "at max_connections_per_address" },
	};
	const char *before = "clients refused: ";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!number(refused, kinds[i][0]))
			continue;
		printf("%s%lld %s", before, number(refused, kinds[i][0]), kinds[i][1]);
		before = ", ";
	}
	if (*before == ',')
		printf("\n");
}

static void print_quarantined(const json_t *list, const char *file)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		long long crashes = number(one, "crashes");

		printf("worker '%s' is in quarantine since %s, after %lld crash%s: tenon release "
		       "%s %s\n",
		       text(one, "worker"), text(one, "since"), crashes, crashes == 1 ? "" : "es",
		       file, text(one, "worker"));
	}
}

static void print_head(const json_t *whole, const char *file)
{
	long long workers = number(whole, "workers");
	char up[AGE_SIZE];

	printf("%s: %s, process %lld, up %s\n", file, text(whole, "state"), number(whole, "pid"),
	       age(number(whole, "uptime_ms"), up));
	if (json_is_integer(json_object_get(whole, "generation")))
		printf("generation %lld serves since %s, %lld Worker%s\n",
		       number(whole, "generation"), text(whole, "serving_since"), workers,
		       plural(workers));
	else
		printf("no generation serves yet\n");
	print_counts(whole);
	print_refused(json_object_get(whole, "refused"));
	print_quarantined(json_object_get(whole, "quarantined"), file);
}

static void add_process(struct tn_table *table, const json_t *process)
{
	char up[AGE_SIZE];

	bool runs = json_is_integer(json_object_get(process, "pid"));

	if (runs) {
		tn_table_cell(table, "%lld", number(process, "pid"));
		age(number(process, "uptime_ms"), up);
	} else {
		tn_table_cells(table, "-");
		stpcpy(up, "-");
	}
	tn_table_cell(table, "%lld", number(process, "generation"));
	tn_table_cells(table, text(process, "state"), up);
	if (runs) {
		tn_table_cell(table, "%lld", number(process, "requests"));
		tn_table_cell(table, "%lld", number(process, "in_flight"));
	} else {
		tn_table_cells(table, "-", "-");
	}
	tn_table_cell(table, "%lld", number(process, "failures"));
}

static bool print_processes(const json_t *list)
{
	struct tn_table table;

	tn_table_init(&table, 7);
	tn_table_cells(&table, "PROCESS", "GENERATION", "STATE", "UP", "REQUESTS", "IN FLIGHT",
	               "FAILURES");
	for (size_t i = 0; i < json_array_size(list); i++)
		add_process(&table, json_array_get(list, i));
	return tn_table_print(&table, 2);
}

static bool print_modules(const json_t *list)
{
	struct tn_table table;

	if (!json_array_size(list))
		return true;
	tn_table_init(&table, 2);
	tn_table_cells(&table, "MODULE", "VERSION");
	for (size_t i = 0; i < json_array_size(list); i++)
		tn_table_cells(&table, text(json_array_get(list, i), "path"),
		               text(json_array_get(list, i), "version"));
	return tn_table_print(&table, 2);
}

static int print_status(json_t *whole, const char *file)
{
	bool printed;

	print_head(whole, file);
	printed = print_processes(json_object_get(whole, "processes")) &&
	          print_modules(json_object_get(whole, "modules"));
	json_decref(whole);
	if (!printed)
		tn_complain("out of memory");
	return printed ? 0 : EX_OSERR;
}

/* ---- The command --------------------------------------------------------------------------- */

static int understand(const struct tn_arguments *arguments, const char *answer)
{
	json_t *whole = json_loads(answer, 0, NULL);

	if (!whole) {
		tn_complain("%s: the host that runs gives an answer that is none", arguments->file);
		return EX_PROTOCOL;
	}
	return arguments->json ? tn_json_print(whole) : print_status(whole, arguments->file);
}

int tn_command_status(const struct tn_arguments *arguments)
{
	char *answer = NULL;
	size_t size;
	FILE *stream = open_memstream(&answer, &size);
	int code;

	if (!stream) {
		tn_complain("out of memory");
		return EX_OSERR;
	}
	code = tn_ask(arguments, "status", stream, NULL);
	fclose(stream);
	if (code && answer && *answer) /* what it says instead */
		fputs(answer, stderr);
	if (!code && answer)
		code = understand(arguments, answer);
	free(answer);
	return code;
}
