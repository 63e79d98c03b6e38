#include "command/input.h"

#include "deploy/binding.h"

#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#define HINT_SIZE 320

void tn_complain(const char *format, ...)
{
	va_list list;

	fputs("tenon: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}

int tn_input_read(const char *path, const struct tn_file *edited, struct tn_config **config,
                  struct tn_errors *errors)
{
	char reason[TN_REASON_SIZE];
	int code = tn_config_load(path, edited, config, errors, reason);

	if (code)
		tn_complain("%s: %s", path, reason);
	return code;
}

int tn_input_open(struct tn_input *input, const char *path, const char *environment)
{
	int code;

	*input = (struct tn_input){ 0 };
	code = tn_input_read(path, NULL, &input->config, &input->errors);
	if (code)
		return code;
	input->plan = tn_plan_create(input->config, environment, &input->errors);
	if (input->plan)
		tn_binding_check_keys(input->plan, NULL, &input->errors);
	tn_errors_print(&input->errors, stderr);
	if (input->plan)
		return input->errors.errors ? EX_CONFIG : 0;
	tn_complain("out of memory");
	return EX_OSERR;
}

void tn_input_finish(struct tn_input *input)
{
	tn_plan_destroy(input->plan);
	tn_config_destroy(input->config);
	tn_errors_finish(&input->errors);
}

const struct tn_plan_worker *tn_input_worker(const struct tn_input *input, const char *name)
{
	const struct tn_plan_worker *worker = tn_plan_lookup(input->plan, name);
	char hint[HINT_SIZE];

	if (worker)
		return worker;
	tn_plan_ask(input->plan, name, hint, sizeof(hint));
	if (*hint)
		tn_complain("%s: no worker '%s'%s", tn_config_path(input->config), name, hint);
	else
		tn_complain("%s: no worker '%s': `tenon show %s` names all that there are",
		            tn_config_path(input->config), name, tn_config_path(input->config));
	return NULL;
}
