#include "command/ask.h"
#include "command/command.h"
#include "command/input.h"

#include <errno.h>
#include <poll.h>
#include <sysexits.h>
#include <unistd.h>

/* Until it is no process any more. */
static void wait_for(int process)
{
	struct pollfd wait = { .fd = process, .events = POLLIN };

	while (poll(&wait, 1, -1) < 0 && errno == EINTR)
		;
}

int tn_command_stop(const struct tn_arguments *arguments)
{
	int process;
	int code = tn_ask(arguments, "stop", stderr, &process);

	if (process >= 0 && (code == 0 || code == EX_TEMPFAIL))
		wait_for(process);
	if (process >= 0)
		close(process);
	if (code == EX_TEMPFAIL)
		tn_complain("%s: stopped, but requests had to be cut off: its log tells which",
		            arguments->file);
	return code;
}
