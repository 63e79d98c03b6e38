#include "command/ask.h"
#include "command/command.h"

/* Which of them are in quarantine the host alone knows. */
int tn_command_release(const struct tn_arguments *arguments)
{
	const char *worker = arguments->words[0];

	return tn_ask_about(arguments, "release", &worker, 1);
}
