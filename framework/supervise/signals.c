#include "supervise/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

static int ends[2] = { -1, -1 };
static volatile sig_atomic_t latest; /* that was written */
static unsigned limit;               /* seconds */
static int reopen = -1;
static pid_t owner;

static void give_up(int signal)
{
	(void)signal;
	_exit(EX_TEMPFAIL);
}

/* A Worker has forked, and this is the child, for which the signal is: the pipe is its parent's,
 * whom it would stop. */
static bool passed_on(int number)
{
	if (getpid() == owner)
		return false;
	signal(number, SIG_DFL);
	raise(number); /* comes when the handler returns */
	return true;
}

static void take(int signal)
{
	unsigned char byte = (unsigned char)signal;
	int error = errno;
	int unread = 0;

	if (passed_on(signal))
		return;
	/* To be replaced, and then to stop, before a turn of the loop: no second one yet. */
	if (ioctl(ends[0], FIONREAD, &unread) == 0 && unread && latest != SIGHUP)
		_exit(EX_TEMPFAIL);
	if ((!unread || signal != SIGHUP) && write(ends[1], &byte, 1) != 1)
		_exit(EX_TEMPFAIL);
	if (!latest && limit)
		alarm(limit);
	latest = signal;
	errno = error;
}

static void note(int signal)
{
	const uint64_t one = 1;
	int error = errno;

	if (passed_on(signal))
		return;
	(void)!write(reopen, &one, sizeof(one)); /* full: there are more than enough already */
	errno = error;
}

int tn_signals_reopen(void)
{
	struct sigaction action = { .sa_handler = note, .sa_flags = SA_RESTART };

	owner = getpid();
	reopen = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigemptyset(&action.sa_mask);
	if (reopen < 0 || sigaction(SIGUSR1, &action, NULL) < 0)
		return -1;
	return reopen;
}

int tn_signals_open(unsigned seconds)
{
	struct sigaction action = { .sa_handler = take, .sa_flags = SA_RESTART };

	owner = getpid();
	limit = seconds;
	signal(SIGALRM, give_up);

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGTERM);
	sigaddset(&action.sa_mask, SIGINT);
	sigaddset(&action.sa_mask, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigaction(SIGTERM, &action, NULL) < 0 || sigaction(SIGINT, &action, NULL) < 0 ||
	    sigaction(SIGHUP, &action, NULL) < 0)
		return -1;
	return ends[0];
}
