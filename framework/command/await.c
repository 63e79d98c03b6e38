#include "command/await.h"

#include <errno.h>
#include <sys/wait.h>
#include <time.h>

void tn_await_prepare(sigset_t *before)
{
	sigset_t set;

	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, before);
}

bool tn_await_child(pid_t process, int64_t timeout, int *status)
{
	struct timespec time = { timeout / 1000, timeout % 1000 * 1000000L };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (waitpid(process, status, WNOHANG) == 0) {
		if (sigtimedwait(&set, NULL, &time) < 0 && errno == EAGAIN)
			return waitpid(process, status, WNOHANG) != 0;
	}
	return true;
}
