/* dev.c - `tenon dev`: builds, serves, and does so again when something has changed. */
#include "command/command.h"
#include "command/input.h"
#include "command/lookout.h"
#include "command/makefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* An editor that saves several files, or one in several steps, is done when it has been quiet for a
 * while; what is never quiet is looked at nevertheless. */
#define QUIET_MS 100
#define UNQUIET_MS 2000

/* Builds in a row during each of which a source has changed: more are not somebody who saves. */
#define RESTLESS_MOST 3

#define PROGRAM "/proc/self/exe"

struct dev {
	const char *file, *environment;
	const char *command;      /* that builds; NULL: there is nothing to be built */
	char directory[PATH_MAX]; /* where it is run, and what is watched */
	struct tn_lookout *lookout;
	int signals, timer;
	int64_t stirred;              /* ms, since when it has not been quiet; 0: it is */
	pid_t builder, host, renewer; /* children; 0: there is none */
	sigset_t mask;                /* of these */
	struct tn_sight built;        /* when the last build began */
	struct tn_sight tried;        /* what the host was given last */
	bool began, offered;          /* a build, or the first host */
	bool failed;                  /* the last build did */
	unsigned restless;            /* builds in a row during which a source has changed */
	bool ending;
	int code;
};

static bool find_directory(struct dev *dev, const char *build);
static int open_all(struct dev *dev);
static int watch(struct dev *dev);
static void close_all(struct dev *dev);

int tn_command_dev(const struct tn_arguments *arguments)
{
	struct dev dev = {
		.file = arguments->file ? arguments->file : "tenon.ini",
		.environment = arguments->environment,
		.signals = -1,
		.timer = -1,
	};
	int code;

	if (access(dev.file, F_OK)) {
		tn_complain("%s: %s: make a project with `tenon new`, or name its file", dev.file,
		            strerror(errno));
		return EX_NOINPUT;
	}
	if (!find_directory(&dev, arguments->build))
		tn_complain("%s: there is no Makefile beside it: nothing is built, unless --build "
		            "says how",
		            dev.file);
	code = open_all(&dev);
	if (!code)
		code = watch(&dev);
	close_all(&dev);
	return code;
}

/* ---- Where --------------------------------------------------------------------------------- */

/* The project is where the configuration is, or, as with etc/tenon.ini, one above. */
static bool find_directory(struct dev *dev, const char *build)
{
	const char *slash = strrchr(dev->file, '/');
	char above[PATH_MAX];

	snprintf(dev->directory, sizeof(dev->directory), "%.*s",
	         slash ? (int)(slash - dev->file) + 1 : 1, slash ? dev->file : ".");
	snprintf(above, sizeof(above), "%.*s/..", PATH_MAX - 4, dev->directory);
	dev->command = build ? build : "make";
	if (tn_makefile_find(dev->directory))
		return true;
	if (tn_makefile_find(above)) {
		snprintf(dev->directory, sizeof(dev->directory), "%s", above);
		return true;
	}
	dev->command = build;
	return build;
}

static int open_all(struct dev *dev)
{
	sigset_t set;

	dev->lookout = tn_lookout_open(dev->directory, dev->file, dev->environment);
	dev->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &dev->mask);
	dev->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (dev->lookout && dev->timer >= 0 && dev->signals >= 0)
		return 0;
	tn_complain("%s: it cannot be watched: %s", dev->file, strerror(errno));
	return EX_OSERR;
}

static void close_all(struct dev *dev)
{
	tn_lookout_close(dev->lookout);
	if (dev->timer >= 0)
		close(dev->timer);
	if (dev->signals >= 0)
		close(dev->signals);
	sigprocmask(SIG_SETMASK, &dev->mask, NULL);
}

/* ---- Children ------------------------------------------------------------------------------ */

/* Both of its outputs are for the person who looks on. The make that may have started this program
 * does not pass its jobs on. */
static void become_builder(const struct dev *dev)
{
	unsetenv("MAKEFLAGS");
	unsetenv("MFLAGS");
	unsetenv("MAKELEVEL");
	dup2(STDERR_FILENO, STDOUT_FILENO);
	if (chdir(dev->directory) == 0)
		execlp("sh", "sh", "-c", dev->command, (char *)NULL);
}

static void become_tenon(const struct dev *dev, const char *command)
{
	if (dev->environment)
		execl(PROGRAM, "tenon", command, "--environment", dev->environment, dev->file,
		      (char *)NULL);
	else
		execl(PROGRAM, "tenon", command, dev->file, (char *)NULL);
}

/* A terminal's ^C is for this program, which passes it on: two would end the host at once. */
static void become_host(const struct dev *dev)
{
	setpgid(0, 0);
	become_tenon(dev, "run");
}

/* What is wrong is told by the host. */
static void become_renewer(const struct dev *dev)
{
	int nothing = open("/dev/null", O_WRONLY);

	dup2(nothing, STDERR_FILENO);
	become_tenon(dev, "reload");
}

/* Whatever ends this program ends the child, too. Returns 0 where there is none. */
static pid_t start_child(const struct dev *dev, void (*become)(const struct dev *dev))
{
	pid_t parent = getpid();
	pid_t child = fork();

	if (child > 0)
		return child;
	if (child < 0) {
		tn_complain("no process can be started: %s", strerror(errno));
		return 0;
	}
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	sigprocmask(SIG_SETMASK, &dev->mask, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		become(dev);
	_exit(EX_OSERR);
}

static void end_child(pid_t child)
{
	if (child > 0)
		kill(child, SIGTERM);
}

/* ---- What is done -------------------------------------------------------------------------- */

static void set_timer(const struct dev *dev, int64_t ms)
{
	const struct itimerspec at = {
		.it_value = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 },
	};

	timerfd_settime(dev->timer, 0, &at, NULL);
}

static void build(struct dev *dev, const struct tn_sight *sight)
{
	dev->began = true;
	dev->built = *sight;
	tn_complain("building: %s", dev->command);
	dev->builder = start_child(dev, become_builder);
}

/* Has the host serve what there is now, unless it does, or could not. */
static void offer(struct dev *dev, const struct tn_sight *sight)
{
	bool same = dev->offered && sight->deployed == dev->tried.deployed;

	if (dev->host && (same || !sight->readable))
		return;
	if (same && sight->sources == dev->tried.sources)
		return;
	if (dev->host)
		dev->renewer = start_child(dev, become_renewer);
	else
		dev->host = start_child(dev, become_host);
	dev->offered = true;
	dev->tried = *sight;
}

/* After a build that has failed, some modules may be new and others not: none is served. */
static bool wants_build(const struct dev *dev, const struct tn_sight *sight)
{
	if (!dev->command)
		return false;
	return !dev->began || sight->sources != dev->built.sources ||
	       (dev->failed && sight->deployed != dev->built.deployed);
}

/* What happens while a child is busy is looked at when it has ended. */
static void look(struct dev *dev)
{
	struct tn_sight sight;

	dev->stirred = 0;
	if (dev->builder || dev->renewer || dev->ending)
		return;
	tn_lookout_see(dev->lookout, &sight);
	if (wants_build(dev, &sight))
		build(dev, &sight);
	else if (!dev->failed)
		offer(dev, &sight);
}

/* ---- What has ended ------------------------------------------------------------------------ */

static const char *describe(int status, char *text, size_t room)
{
	if (WIFSIGNALED(status))
		snprintf(text, room, "SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(text, room, "exit code %d", WEXITSTATUS(status));
	return text;
}

static const char *what_goes_on(const struct dev *dev)
{
	return dev->host ? "what served before goes on" : "nothing is served yet";
}

/* One that writes a source with the time in it is never done. From then on each is told at once,
 * and what it has made is served. */
static void note_changes(struct dev *dev, const struct tn_sight *sight)
{
	if (sight->sources == dev->built.sources) {
		dev->restless = 0;
		return;
	}
	if (++dev->restless < RESTLESS_MOST)
		return;
	tn_complain("a source has changed during each build, so that building would not end: have "
	            "the build write a source only where its content is another; until one is "
	            "saved again this build counts");
	dev->built.sources = sight->sources;
	dev->restless = RESTLESS_MOST - 1;
}

static void end_build(struct dev *dev, int status)
{
	struct tn_sight sight;
	char text[64];

	dev->builder = 0;
	dev->failed = status != 0;
	if (dev->ending)
		return;
	tn_lookout_see(dev->lookout, &sight);
	note_changes(dev, &sight);
	if (!dev->failed)
		return;
	tn_complain("the build has failed (%s): %s", describe(status, text, sizeof(text)),
	            what_goes_on(dev));
	dev->built.deployed = sight.deployed; /* as it has left it */
}

/* One that has just been started cannot be asked yet. */
static void end_renewal(struct dev *dev, int status)
{
	char text[64];

	dev->renewer = 0;
	if (!status || dev->ending || !dev->host)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_UNAVAILABLE)
		dev->offered = false;
	else
		tn_complain("the reload has failed (%s): %s",
		            describe(status, text, sizeof(text)), what_goes_on(dev));
}

static void end_host(struct dev *dev, int status)
{
	char text[64];

	dev->host = 0;
	dev->code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
	if (!dev->ending)
		tn_complain("the host has ended (%s): it is started again when something has "
		            "changed",
		            describe(status, text, sizeof(text)));
}

static void collect(struct dev *dev)
{
	int status;
	pid_t child;

	while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
		if (child == dev->builder)
			end_build(dev, status);
		else if (child == dev->renewer)
			end_renewal(dev, status);
		else if (child == dev->host)
			end_host(dev, status);
	}
	if (!dev->builder && !dev->renewer)
		set_timer(dev, dev->stirred || !dev->offered ? QUIET_MS : 1);
}

/* ---- The loop ------------------------------------------------------------------------------ */

/* A second one ends the host at once. */
static void end_all(struct dev *dev)
{
	dev->ending = true;
	dev->code = 0;
	end_child(dev->host);
	end_child(dev->builder);
	end_child(dev->renewer);
}

static void read_signals(struct dev *dev)
{
	struct signalfd_siginfo info;

	while (read(dev->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			collect(dev);
		else
			end_all(dev);
	}
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void stir(struct dev *dev)
{
	int64_t now = now_ms();

	if (!dev->stirred)
		dev->stirred = now;
	if (now - dev->stirred < UNQUIET_MS)
		set_timer(dev, QUIET_MS);
}

static void turn(struct dev *dev, const struct pollfd ready[3])
{
	uint64_t times;

	if (ready[0].revents)
		read_signals(dev);
	if (ready[1].revents && tn_lookout_stirs(dev->lookout))
		stir(dev);
	if (ready[2].revents && read(dev->timer, &times, sizeof(times)) == sizeof(times))
		look(dev);
}

static int watch(struct dev *dev)
{
	struct pollfd ready[] = {
		{ .fd = dev->signals, .events = POLLIN },
		{ .fd = tn_lookout_descriptor(dev->lookout), .events = POLLIN },
		{ .fd = dev->timer, .events = POLLIN },
	};

	look(dev);
	while (!dev->ending || dev->host || dev->builder || dev->renewer)
		if (poll(ready, 3, -1) > 0)
			turn(dev, ready);
	return dev->code;
}
