#include "command/command.h"
#include "command/input.h"
#include "command/trial.h"

int tn_command_check(const struct tn_arguments *arguments)
{
	struct tn_errors syntax = { 0 };
	struct tn_config *config;
	int code = tn_input_read(arguments->file, NULL, &config, &syntax);

	if (!code)
		code = tn_trial_run(&(struct tn_trial){
			.config = config,
			.syntax = &syntax,
			.environment = arguments->environment,
			.start = arguments->start,
			.timeout = arguments->timeout,
		});
	tn_config_destroy(config);
	tn_errors_finish(&syntax);
	return code;
}
