#include "command/ask.h"
#include "command/command.h"

/* The host tells its errors as it logs them. */
int tn_command_reload(const struct tn_arguments *arguments)
{
	return tn_ask_about(arguments, "reload", arguments->only, arguments->only_count);
}
