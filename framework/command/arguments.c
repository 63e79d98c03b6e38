#include "command/arguments.h"

#include "command/input.h"
#include "deploy/value.h"

#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <sysexits.h>

#define OPTIONS_MOST 24
#define SHORT_SIZE 16

static int complain_of_usage(const struct tn_command *command)
{
	tn_complain("usage: tenon %s %s", command->name, command->usage);
	return EX_USAGE;
}

/* Whether it stands in the usage, "[--json] FILE". */
static bool has_option(const struct tn_command *command, const char *name)
{
	const char *found = command->usage;
	size_t size = strlen(name);

	while ((found = strstr(found, "--"))) {
		found += strlen("--");
		if (strncmp(found, name, size) == 0 && strchr(" ]", found[size]))
			return true;
	}
	return false;
}

/* The command's own short ones, "+:X:H:d:". An option with two letters would be another's. */
static void find_short(const struct tn_command *command, char *text)
{
	char *end = text;

	/* A value that is to be written, such as -5, is no option: a '+' ends them at the first
	 * word. */
	if (strstr(command->usage, "VALUE"))
		*end++ = '+';
	*end++ = ':';
	for (const char *at = command->usage; (at = strstr(at, "[-")); at += strlen("[-")) {
		if (at[2] == '-' || end + 2 >= text + SHORT_SIZE)
			continue;
		*end++ = at[2];
		if (at[3] == ' ')
			*end++ = ':';
	}
	*end = '\0';
}

/* The command's own long ones. */
static void find_options(const struct tn_command *command, struct option *options)
{
	static const struct option all[] = {
		{ "environment", required_argument, NULL, 'e' },
		{ "only", required_argument, NULL, 'o' },
		{ "timeout", required_argument, NULL, 't' },
		{ "build", required_argument, NULL, 'b' },
		{ "file", required_argument, NULL, 'f' },
		{ "route", required_argument, NULL, 'r' },
		{ "service", required_argument, NULL, 'S' },
		{ "var", required_argument, NULL, 'V' },
		{ "secret", required_argument, NULL, 'K' },
		{ "all", no_argument, NULL, 'a' },
		{ "dot", no_argument, NULL, 'D' },
		{ "json", no_argument, NULL, 'j' },
		{ "private", no_argument, NULL, 'p' },
		{ "single", no_argument, NULL, '1' },
		{ "start", no_argument, NULL, 's' },
		{ "trace", no_argument, NULL, 'T' },
	};
	size_t count = 0;

	_Static_assert(sizeof(all) / sizeof(all[0]) < OPTIONS_MOST, "room for the end, too");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (has_option(command, all[i].name))
			options[count++] = all[i];
	options[count] = (struct option){ 0 };
}

/* A value, "--json=yes", for one that takes none. The name may be cut short. */
static bool has_value_in_vain(const struct option *options, const char *word)
{
	size_t size = strcspn(word, "=");

	if (strncmp(word, "--", 2) != 0 || !word[size])
		return false;
	for (; options->name; options++)
		if (!options->has_arg && strncmp(options->name, word + 2, size - 2) == 0)
			return true;
	return false;
}

/* The word is the last one that getopt has gone past, which a letter among others may not be. */
static int complain_of_option(const struct tn_command *command, const struct option *options,
                              int found, const char *word)
{
	if (found == ':')
		tn_complain("%s: the value is missing", word);
	else if (optopt && has_value_in_vain(options, word))
		tn_complain("%s: this option takes no value", word);
	else if (optopt)
		tn_complain("-%c: there is no such option", optopt);
	else
		tn_complain("%s: there is no such option", word);
	return complain_of_usage(command);
}

static int read_timeout(struct tn_arguments *result, const char *text)
{
	int64_t value = 0;
	const char *wrong = tn_value_duration(text, &value);

	if (!wrong && (value < 1 || value > INT_MAX))
		wrong = "write one from 1ms to 24d";
	result->timeout = (int)value;
	if (!wrong)
		return 0;
	tn_complain("--timeout: '%s': %s", text, wrong);
	return EX_USAGE;
}

static int read_environment(struct tn_arguments *result, const char *text)
{
	result->environment = text;
	if (*text && !strchr(text, '@'))
		return 0;
	tn_complain("--environment: '%s': write the name behind the '@' of its variants", text);
	return EX_USAGE;
}

static int read_only(struct tn_arguments *result, const char *text)
{
	if (result->only_count == TN_ARGUMENTS_ONLY) {
		tn_complain("--only: '%s': %d Workers are the most at once", text,
		            TN_ARGUMENTS_ONLY);
		return EX_USAGE;
	}
	result->only[result->only_count++] = text;
	return 0;
}

static int read_header(struct tn_arguments *result, const char *text)
{
	if (result->header_count == TN_ARGUMENTS_HEADERS) {
		tn_complain("-H '%s': %d headers are the most", text, TN_ARGUMENTS_HEADERS);
		return EX_USAGE;
	}
	result->headers[result->header_count++] = text;
	return 0;
}

static int read_field(const char *option, struct tn_fields *fields, const char *text)
{
	if (fields->count == TN_ARGUMENTS_FIELDS) {
		tn_complain("--%s '%s': %d are the most", option, text, TN_ARGUMENTS_FIELDS);
		return EX_USAGE;
	}
	fields->list[fields->count++] = text;
	return 0;
}

/* For what can be given once. */
static int read_once(char option, const char **value, const char *text)
{
	if (*value) {
		tn_complain("-%c '%s': give it once, not '%s', too", option, text, *value);
		return EX_USAGE;
	}
	*value = text;
	return 0;
}

/* Those of `tenon new` and `tenon dev`. */
static int read_new(const struct tn_command *command, struct tn_arguments *result, int option)
{
	switch (option) {
	case 'b':
		result->build = optarg;
		return 0;
	case 'f':
		result->configuration = optarg;
		return 0;
	case 'r':
		result->route = optarg;
		return 0;
	case 'p':
		result->private = true;
		return 0;
	case 'S':
		return read_field("service", &result->services, optarg);
	case 'V':
		return read_field("var", &result->vars, optarg);
	case 'K':
		return read_field("secret", &result->secrets, optarg);
	default:
		return complain_of_usage(command);
	}
}

static int read_option(const struct tn_command *command, struct tn_arguments *result, int option)
{
	switch (option) {
	case 'e':
		return read_environment(result, optarg);
	case 'o':
		return read_only(result, optarg);
	case 't':
		return read_timeout(result, optarg);
	case 'a':
		result->all = true;
		return 0;
	case 'D':
		result->dot = true;
		return 0;
	case 'j':
		result->json = true;
		return 0;
	case '1':
		result->single = true;
		return 0;
	case 's':
		result->start = true;
		return 0;
	case 'T':
		result->trace = true;
		return 0;
	case 'X':
		return read_once('X', &result->method, optarg);
	case 'H':
		return read_header(result, optarg);
	case 'd':
		return read_once('d', &result->data, optarg);
	default:
		return read_new(command, result, option);
	}
}

int tn_arguments_read(const struct tn_command *command, int count, char **arguments,
                      struct tn_arguments *result)
{
	char letters[SHORT_SIZE];
	struct option options[OPTIONS_MOST];
	int option;

	*result = (struct tn_arguments){ 0 };
	find_short(command, letters);
	find_options(command, options);
	optind = 0;
	while ((option = getopt_long(count, arguments, letters, options, NULL)) != -1) {
		bool wrong = option == '?' || option == ':';
		int code = wrong ? complain_of_option(command, options, option,
		                                      arguments[optind - 1])
		                 : read_option(command, result, option);

		if (code)
			return code;
	}
	if (count - optind < command->least || count - optind > command->most)
		return complain_of_usage(command);
	result->file = arguments[optind];
	result->words = arguments + optind + 1;
	result->count = count - optind - 1;
	return 0;
}
