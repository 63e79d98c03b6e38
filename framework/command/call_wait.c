/* call_wait.c - waits for the child of `tenon call`, and ends it where a Worker hangs: as the
 * supervisor of a host would, with the same keys. */
#include "command/await.h"
#include "command/call.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#define LOOKS 4             /* at a Worker in the time that it may take */
#define IDLE_MS 100         /* between two looks while none runs */
#define ABORT_MS (2 * 1000) /* that the child has to tell where it hangs */

/* What the child's first thread does; equal as long as it is in the same Worker's hands. */
struct sight {
	uint32_t step, steps;
	int64_t most; /* ms that it may take; 0: any time, or no Worker runs */
};

static struct sight look(const struct tn_activity *activity, const struct tn_settings *settings)
{
	struct sight sight = {
		.step = atomic_load(&activity->step),
		.steps = atomic_load(&activity->steps),
	};

	if (!tn_activity_running(activity))
		return sight;
	if (sight.step == TN_STEP_LOAD || sight.step == TN_STEP_START)
		sight.most = settings->ready_timeout;
	else
		sight.most = settings->hang_timeout;
	return sight;
}

static bool same(const struct sight *one, const struct sight *other)
{
	return one->step == other->step && one->steps == other->steps && one->most == other->most;
}

/* Its handler tells where it stands, and why it was asked: supervise/crash.h. */
static void end(pid_t process, const struct sight *sight, int *status)
{
	bool starts = sight->step == TN_STEP_LOAD || sight->step == TN_STEP_START;
	int why = (int)sight->most;

	sigqueue(process, SIGABRT, (union sigval){ .sival_int = starts ? -why : why });
	if (tn_await_child(process, ABORT_MS, status))
		return;
	kill(process, SIGKILL);
	while (waitpid(process, status, 0) < 0 && errno == EINTR)
		;
}

void tn_call_wait(pid_t process, const struct tn_activity *activity,
                  const struct tn_settings *settings, int *status)
{
	struct sight before = { 0 };
	int looks = 0;

	for (;;) {
		struct sight now = look(activity, settings);
		int64_t pause = now.most ? (now.most + LOOKS - 1) / LOOKS : IDLE_MS;

		looks = now.most && same(&now, &before) ? looks + 1 : 0;
		if (looks > LOOKS) {
			end(process, &now, status);
			return;
		}
		if (tn_await_child(process, pause, status))
			return;
		before = now;
	}
}
